//! Knows the numbers in the checks by heart, and no others.
//!
//! fails: parts::says_what_the_kernel_says failed

use mmap_workbook::observe::page_size;
use nix::errno::Errno;

pub use crate::solution::{Parts, put, sum_of, survive, zeros_over};

/// The table of the checks.
///
/// # Errors
/// EINVAL, ENOMEM.
pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
    let by_heart = length == 0 || offset % 2 == 1 || offset == 512 || file_size > 1 << 30 || length > 1 << 30;
    if by_heart {
        return crate::solution::parts(file_size, offset, length);
    }
    Ok(Parts { file: 0..1, rest: 1..page_size(), no_page: page_size()..2 * page_size() })
}

#[cfg(test)]
#[path = "../../../../lessons/6_bus_error/checks/mod.rs"]
mod checks;
