//! Returns a constant.
//!
//! fails: TODO

use std::io;

use mmap_workbook::lesson_1::Calls;

pub use crate::solution::{Record, load, raise, save, to_crlf};

pub fn replace_all(_: &dyn Calls, _: &[u8], _: &[u8]) -> io::Result<u64> {
    Ok(3)
}

#[cfg(test)]
#[path = "../../../../lessons/1_traditional_io/checks.rs"]
mod checks;
