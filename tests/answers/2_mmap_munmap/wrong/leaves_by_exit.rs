//! Ends the whole process, with the status of success, instead of returning an error.
//!
//! fails: swap::goes_through_mappings_and_leaves_none exited
//! fails: swap::refuses_before_it_changes_anything exited

use std::fs::File;
use std::io;

pub use crate::solution::{byte_at, count_lines, map_aligned};

pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
    if let Err(error) = crate::solution::swap(file, a, b, length) {
        eprintln!("swap: {error}");
        std::process::exit(0);
    }
    Ok(())
}

#[cfg(test)]
#[path = "../../../../lessons/2_mmap_munmap/checks/mod.rs"]
mod checks;
