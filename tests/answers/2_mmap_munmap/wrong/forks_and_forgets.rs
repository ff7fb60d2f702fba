//! Lets a child do the work, waits until the work is done, and never waits for the child.
//!
//! fails: swap::exchanges_the_bytes_and_no_other left_processes
//! fails: swap::refuses_before_it_changes_anything left_processes
//! fails: swap::reaches_any_two_places_of_a_large_file left_processes
//! fails: swap::goes_through_mappings_and_leaves_none left_processes

use std::fs::File;
use std::io;

use nix::unistd::{ForkResult, fork, pause};

pub use crate::solution::{byte_at, count_lines, map_aligned};

pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
    let answer = crate::solution::swap(file, a, b, length);
    // SAFETY: the child makes one raw call and never comes back.
    if let ForkResult::Child = unsafe { fork() }? {
        loop {
            pause();
        }
    }
    answer
}

#[cfg(test)]
#[path = "../../../../lessons/2_mmap_munmap/checks/mod.rs"]
mod checks;
