//! Rounds the range outward to page boundaries, and destroys the bytes beside it.
//!
//! fails: give_back::the_range_becomes_zeros_and_nothing_else_changes failed a-hole-is-of-whole-pages

use std::fs::File;
use std::io;
use std::ops::Range;

use mmap_workbook::observe::page_size_u64;

pub use crate::solution::{grow, hand_down, publish, receive_sealed};

pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
    let length = file.metadata()?.len();
    if range.start > range.end || range.end > length || range.is_empty() {
        return crate::solution::give_back(file, range);
    }
    let page = page_size_u64();
    crate::solution::give_back(file, range.start / page * page..range.end.next_multiple_of(page).min(length))
}

#[cfg(test)]
#[path = "../../../../lessons/5_unlinked_temp_files/checks/mod.rs"]
mod checks;
