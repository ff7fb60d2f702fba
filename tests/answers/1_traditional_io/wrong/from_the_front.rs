//! Moves the bytes from the front, over those that it has not read yet.
//!
//! fails: to_crlf::leaves_the_file_as_it_was_when_it_cannot_grow failed
//! fails: to_crlf::moves_no_byte_over_one_that_is_still_to_be_read failed any-order-moves
//! fails: to_crlf::keeps_neither_the_file_nor_a_list_in_memory failed

use std::io;

use mmap_workbook::lesson_1::{Account, CHUNK, Calls, read_at, write_at};

pub use crate::solution::{Record, increment, load, replace_all, save};

pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
    // The bytes to insert are counted first, a chunk at a time, and disk space is allocated for them.
    let mut account = Account::default();
    let size = file.size()?;
    let mut buffer = vec![0; CHUNK];
    let (mut at, mut to, mut before) = (0, 0, 0);
    while at < size {
        let wanted = usize::try_from(size - at).map_or(CHUNK, |left| left.min(CHUNK));
        let read = read_at(file, &mut buffer[..wanted], at, &mut account)?;
        let mut moved = Vec::new();
        for &byte in &buffer[..read] {
            if byte == b'\n' && before != b'\r' {
                moved.push(b'\r');
            }
            moved.push(byte);
            before = byte;
        }
        let same = if to == at { moved.iter().zip(&buffer).take_while(|(new, old)| new == old).count() } else { 0 };
        if same < moved.len() {
            write_at(file, &moved[same..], to + same as u64, &mut account)?;
        }
        at += read as u64;
        to += moved.len() as u64;
    }
    Ok(to - size)
}

#[cfg(test)]
#[path = "../../../../lessons/1_traditional_io/checks/mod.rs"]
mod checks;
