//! Searches for empty bytes, which it finds everywhere, for ever.
//!
//! fails: replace_all::refuses_what_is_no_replacement timed_out

use std::io;

use mmap_workbook::lesson_1::{Account, Calls, read_at};

pub use crate::solution::{Record, increment, load, save, to_crlf};

pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
    while old.is_empty() {
        read_at(file, &mut [0], 0, &mut Account::default())?;
    }
    crate::solution::replace_all(file, old, new)
}

#[cfg(test)]
#[path = "../../../../lessons/1_traditional_io/checks/mod.rs"]
mod checks;
