//! Aborts instead of returning an error.
//!
//! fails: map_aligned::refuses_what_cannot_be_mapped killed

use std::fs::File;
use std::io;

pub use crate::solution::{byte_at, count_lines, swap};

pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
    if length == 0 || length.checked_add(alignment).is_none() {
        std::process::abort();
    }
    crate::solution::map_aligned(file, length, alignment)
}

#[cfg(test)]
#[path = "../../../../lessons/2_mmap_munmap/checks/mod.rs"]
mod checks;
