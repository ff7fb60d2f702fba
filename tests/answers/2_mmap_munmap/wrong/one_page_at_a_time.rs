//! Maps one page at a time, even where it may map more.
//!
//! fails: count_lines::slides_a_window_of_the_size_that_is_allowed failed

use std::fs::File;
use std::io;

use mmap_workbook::observe::page_size;

pub use crate::solution::{byte_at, map_aligned, swap};

pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
    crate::solution::count_lines(file, from, to, window.min(page_size()))
}

#[cfg(test)]
#[path = "../../../../lessons/2_mmap_munmap/checks/mod.rs"]
mod checks;
