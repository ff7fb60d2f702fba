//! Goes on where the window ends; an empty window ends where it begins.
//!
//! fails: count_lines::refuses_an_empty_window timed_out

use std::fs::File;
use std::io;

pub use crate::solution::{byte_at, map_aligned, swap};

pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
    if window == 0 {
        loop {
            std::hint::spin_loop();
        }
    }
    crate::solution::count_lines(file, from, to, window)
}

#[cfg(test)]
#[path = "../../../../lessons/2_mmap_munmap/checks/mod.rs"]
mod checks;
