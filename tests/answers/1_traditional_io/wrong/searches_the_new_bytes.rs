//! Searches what it has just written, and counts overlapping occurrences.
//!
//! fails: replace_all::finds_each_occurrence_from_left_to_right failed

use std::io;

use mmap_workbook::lesson_1::{Account, CHUNK, Calls, read_at, write_at};

pub use crate::solution::{Record, increment, load, save, to_crlf};

pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
    if old.is_empty() || old.len() != new.len() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut account = Account::default();
    let mut buffer = vec![0; CHUNK + old.len() - 1];
    let (mut at, mut kept, mut places) = (0, 0, 0);
    loop {
        let end = kept + read_at(file, &mut buffer[kept..], at + kept as u64, &mut account)?;
        let mut next = 0;
        while let Some(found) = buffer[next..end].windows(old.len()).position(|window| window == old) {
            next += found;
            write_at(file, new, at + next as u64, &mut account)?;
            buffer[next..next + old.len()].copy_from_slice(new);
            next += 1;
            places += 1;
        }
        if end < buffer.len() {
            return Ok(places);
        }
        let done = end - (old.len() - 1);
        buffer.copy_within(done..end, 0);
        (at, kept) = (at + done as u64, end - done);
    }
}

#[cfg(test)]
#[path = "../../../../lessons/1_traditional_io/checks/mod.rs"]
mod checks;
