//! Punches out only the whole pages: the bytes at the ends of the range stay.
//!
//! fails: give_back::the_range_becomes_zeros_and_nothing_else_changes failed a-hole-is-of-whole-pages

use std::fs::File;
use std::io;
use std::ops::Range;

use mmap_workbook::observe::page_size_u64;

pub use crate::solution::{grow, hand_down, publish, receive_sealed};

pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
    if range.start > range.end || range.end > file.metadata()?.len() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let page = page_size_u64();
    let (start, end) = (range.start.next_multiple_of(page), range.end / page * page);
    if start < end { crate::solution::give_back(file, start..end) } else { Ok(()) }
}

#[cfg(test)]
#[path = "../../../../lessons/5_unlinked_temp_files/checks/mod.rs"]
mod checks;
