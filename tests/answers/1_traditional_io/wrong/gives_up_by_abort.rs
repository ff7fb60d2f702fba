//! Aborts when the disk fails.
//!
//! fails: save::returns_the_error_of_fsync killed

use std::io;

use mmap_workbook::lesson_1::Calls;

pub use crate::solution::{Record, increment, load, replace_all, to_crlf};

pub fn save(file: &dyn Calls, record: &Record) -> io::Result<()> {
    let answer = crate::solution::save(file, record);
    if answer.is_err() && file.fsync().is_ok() {
        std::process::abort();
    }
    answer
}

#[cfg(test)]
#[path = "../../../../lessons/1_traditional_io/checks/mod.rs"]
mod checks;
