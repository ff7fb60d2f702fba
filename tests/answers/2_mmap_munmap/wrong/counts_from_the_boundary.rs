//! Counts from the page boundary, where the window begins, and not from the first byte of the range.
//!
//! fails: count_lines::counts_each_newline_once failed
//! fails: count_lines::reaches_as_far_as_files_do failed int-holds-a-size

use std::fs::File;
use std::io;

use mmap_workbook::observe::page_size_u64;

pub use crate::solution::{byte_at, map_aligned, swap};

pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
    crate::solution::count_lines(file, from - from % page_size_u64(), if from < to { to } else { 0 }, window)
}

#[cfg(test)]
#[path = "../../../../lessons/2_mmap_munmap/checks/mod.rs"]
mod checks;
