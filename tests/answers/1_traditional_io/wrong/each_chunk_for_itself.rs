//! Searches each chunk by itself.
//!
//! fails: replace_all::finds_occurrences_across_chunk_boundaries failed a-chunk-is-a-unit

use std::io;

use mmap_workbook::lesson_1::{Account, CHUNK, Calls, read_at, write_at};

pub use crate::solution::{Record, increment, load, save, to_crlf};

pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
    if old.is_empty() || old.len() != new.len() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut account = Account::default();
    let mut buffer = vec![0; CHUNK];
    let (mut at, mut places) = (0, 0);
    loop {
        let read = read_at(file, &mut buffer, at, &mut account)?;
        let mut next = 0;
        while let Some(found) = buffer[next..read].windows(old.len()).position(|window| window == old) {
            next += found;
            write_at(file, new, at + next as u64, &mut account)?;
            next += old.len();
            places += 1;
        }
        at += read as u64;
        if read < CHUNK {
            return Ok(places);
        }
    }
}

#[cfg(test)]
#[path = "../../../../lessons/1_traditional_io/checks/mod.rs"]
mod checks;
