//! Reads one byte with each call.
//!
//! fails: replace_all::writes_the_occurrences_and_nothing_else failed a-call-costs-nothing

use std::io;

use mmap_workbook::lesson_1::{Account, Calls, read_at, write_at};

pub use crate::solution::{Record, increment, load, save, to_crlf};

pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
    if old.is_empty() || old.len() != new.len() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut account = Account::default();
    let mut seen = std::collections::VecDeque::new();
    let (mut at, mut places) = (0, 0);
    let mut byte = [0];
    while read_at(file, &mut byte, at, &mut account)? == 1 {
        at += 1;
        seen.push_back(byte[0]);
        if seen.len() > old.len() {
            seen.pop_front();
        }
        if seen.len() == old.len() && seen.back() == old.last() && seen.iter().eq(old) {
            write_at(file, new, at - old.len() as u64, &mut account)?;
            seen.clear();
            places += 1;
        }
    }
    Ok(places)
}

#[cfg(test)]
#[path = "../../../../lessons/1_traditional_io/checks/mod.rs"]
mod checks;
