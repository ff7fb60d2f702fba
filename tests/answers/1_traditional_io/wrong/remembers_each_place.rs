//! Keeps a list of all places, which grows with the file.
//!
//! fails: to_crlf::keeps_neither_the_file_nor_a_list_in_memory failed a-file-fits-in-memory

use std::io;

use mmap_workbook::lesson_1::{Account, CHUNK, Calls, read_at};

pub use crate::solution::{Record, increment, load, replace_all, save};

pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
    let mut account = Account::default();
    let mut places: Vec<u64> = Vec::new();
    let mut buffer = vec![0; CHUNK];
    let mut at = 0;
    loop {
        let read = read_at(file, &mut buffer, at, &mut account)?;
        for (n, _) in (0..).zip(&buffer[..read]).filter(|(_, byte)| **byte == b'\n') {
            places.try_reserve(1)?;
            places.push(at + n);
        }
        at += read as u64;
        if read < CHUNK {
            break;
        }
    }
    let more = crate::solution::to_crlf(file)?;
    assert!(more <= places.len() as u64);
    Ok(more)
}

#[cfg(test)]
#[path = "../../../../lessons/1_traditional_io/checks/mod.rs"]
mod checks;
