//! Lets the bus errors begin right after the last byte of the file.
//!
//! fails: parts::has_room_for_large_numbers failed bus-error-after-the-last-byte
//! fails: parts::says_what_the_kernel_says failed bus-error-after-the-last-byte

use mmap_workbook::observe::{page_size, page_size_u64};
use nix::errno::Errno;

pub use crate::solution::{Parts, put, sum_of, survive, zeros_over};

/// The size decides, to the byte.
///
/// # Errors
/// EINVAL, ENOMEM.
pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
    if length == 0 || !offset.is_multiple_of(page_size_u64()) {
        return Err(Errno::EINVAL);
    }
    let mapped = length.checked_next_multiple_of(page_size()).ok_or(Errno::ENOMEM)?;
    let end = usize::try_from(file_size.saturating_sub(offset)).unwrap_or(usize::MAX).min(mapped);
    Ok(Parts { file: 0..end, rest: end..end, no_page: end..mapped })
}

#[cfg(test)]
#[path = "../../../../lessons/6_bus_error/checks/mod.rs"]
mod checks;
