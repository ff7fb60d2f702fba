//! Changes each chunk in memory and writes all of it back.
//!
//! fails: replace_all::writes_the_occurrences_and_nothing_else failed writing-back-is-harmless

use std::io;

use mmap_workbook::lesson_1::{Account, CHUNK, Calls, read_at, write_at};

pub use crate::solution::{Record, increment, load, save, to_crlf};

pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
    let size = file.size()?;
    let places = crate::solution::replace_all(file, old, new)?;
    let mut account = Account::default();
    let mut buffer = vec![0; CHUNK];
    for at in (0..size).step_by(CHUNK) {
        let read = read_at(file, &mut buffer, at, &mut account)?;
        write_at(file, &buffer[..read], at, &mut account)?;
    }
    Ok(places)
}

#[cfg(test)]
#[path = "../../../../lessons/1_traditional_io/checks/mod.rs"]
mod checks;
