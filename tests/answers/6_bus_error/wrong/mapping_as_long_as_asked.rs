//! Takes the length that was asked for as the end of the mapping.
//!
//! fails: parts::has_room_for_large_numbers failed mapping-ends-at-its-length
//! fails: parts::refuses_what_mmap_refuses failed
//! fails: parts::says_what_the_kernel_says failed mapping-ends-at-its-length

use mmap_workbook::observe::{page_size, page_size_u64};
use nix::errno::Errno;

pub use crate::solution::{Parts, put, sum_of, survive, zeros_over};

/// Nothing is mapped past `length`.
///
/// # Errors
/// EINVAL.
pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
    if length == 0 || !offset.is_multiple_of(page_size_u64()) {
        return Err(Errno::EINVAL);
    }
    let end = usize::try_from(file_size.saturating_sub(offset)).unwrap_or(usize::MAX).min(length);
    let in_pages = end.checked_next_multiple_of(page_size()).unwrap_or(length).min(length);
    Ok(Parts { file: 0..end, rest: end..in_pages, no_page: in_pages..length })
}

#[cfg(test)]
#[path = "../../../../lessons/6_bus_error/checks/mod.rs"]
mod checks;
