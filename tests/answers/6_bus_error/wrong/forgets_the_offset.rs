//! Counts the file from its start, wherever the mapping begins.
//!
//! fails: parts::has_room_for_large_numbers failed
//! fails: parts::says_what_the_kernel_says failed

use mmap_workbook::observe::page_size_u64;
use nix::errno::Errno;

pub use crate::solution::{Parts, put, sum_of, survive, zeros_over};

/// As if every mapping began at the file's first byte.
///
/// # Errors
/// EINVAL, ENOMEM.
pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
    if !offset.is_multiple_of(page_size_u64()) {
        return Err(Errno::EINVAL);
    }
    crate::solution::parts(file_size, 0, length)
}

#[cfg(test)]
#[path = "../../../../lessons/6_bus_error/checks/mod.rs"]
mod checks;
