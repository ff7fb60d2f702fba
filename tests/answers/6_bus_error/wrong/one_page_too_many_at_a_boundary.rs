//! Divides by the page size and adds one: a file that ends at a page boundary gets a page too many.
//!
//! fails: parts::has_room_for_large_numbers failed
//! fails: parts::says_what_the_kernel_says failed

use mmap_workbook::observe::page_size;
use nix::errno::Errno;

pub use crate::solution::{Parts, put, sum_of, survive, zeros_over};

/// `size / page + 1` pages.
///
/// # Errors
/// EINVAL, ENOMEM.
pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
    let right = crate::solution::parts(file_size, offset, length)?;
    let (end, mapped) = (right.file.end, right.no_page.end);
    let in_pages = ((end / page_size() + 1) * page_size()).min(mapped);
    Ok(Parts { file: 0..end, rest: end..in_pages, no_page: in_pages..mapped })
}

#[cfg(test)]
#[path = "../../../../lessons/6_bus_error/checks/mod.rs"]
mod checks;
