//! Forks a child and does not wait for it.
//!
//! fails: grow::an_error_leaves_everything_as_it_was left_processes
//! fails: grow::the_mapping_shows_the_longer_file left_processes
//! fails: grow::the_space_is_reserved left_processes
//! fails: grow::processes_that_mapped_it_before_still_share_it left_processes
//! fails: grow::the_old_mapping_is_unmapped left_processes

use std::fs::File;
use std::io;

use mmap_workbook::lesson_2::Mapping;
use nix::unistd::{ForkResult, fork, pause};

pub use crate::solution::{give_back, hand_down, publish, receive_sealed};

pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
    // SAFETY: the child does nothing but wait for a signal.
    if let ForkResult::Child = unsafe { fork() }? {
        loop {
            pause();
        }
    }
    crate::solution::grow(file, mapping, length)
}

#[cfg(test)]
#[path = "../../../../lessons/5_unlinked_temp_files/checks/mod.rs"]
mod checks;
