//! Returns a constant.
//!
//! fails: replace_all::finds_each_occurrence_from_left_to_right failed
//! fails: replace_all::finds_occurrences_across_chunk_boundaries failed
//! fails: replace_all::refuses_what_is_no_replacement failed
//! fails: replace_all::takes_little_memory_however_large_the_file_is failed
//! fails: replace_all::writes_the_occurrences_and_nothing_else failed

use std::io;

use mmap_workbook::lesson_1::Calls;

pub use crate::solution::{Record, increment, load, save, to_crlf};

pub fn replace_all(_: &dyn Calls, _: &[u8], _: &[u8]) -> io::Result<u64> {
    Ok(3)
}

#[cfg(test)]
#[path = "../../../../lessons/1_traditional_io/checks/mod.rs"]
mod checks;
