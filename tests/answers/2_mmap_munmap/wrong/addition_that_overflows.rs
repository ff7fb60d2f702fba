//! Adds an offset and a length whose sum does not fit in 64 bits.
//!
//! fails: swap::refuses_before_it_changes_anything panicked

use std::fs::File;
use std::io;

pub use crate::solution::{byte_at, count_lines, map_aligned};

pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
    let wide = u64::try_from(length).map_err(io::Error::other)?;
    if length > 0 && a.abs_diff(b) >= wide && a.max(b) + wide > file.metadata()?.len() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    crate::solution::swap(file, a, b, length)
}

#[cfg(test)]
#[path = "../../../../lessons/2_mmap_munmap/checks/mod.rs"]
mod checks;
