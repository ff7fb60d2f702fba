//! Passes the address to mmap(2) without MAP_FIXED: the zeros are mapped somewhere else.
//!
//! fails: zeros_over::helps_where_the_file_has_no_page killed
//! fails: zeros_over::replaces_the_page_and_no_other failed address-is-an-order

use std::num::NonZeroUsize;

use mmap_workbook::lesson_2::READ_WRITE;
use mmap_workbook::observe::page_size;
use nix::errno::Errno;
use nix::sys::mman::{MapFlags, mmap_anonymous};

pub use crate::solution::{parts, put, sum_of, survive};

/// The address says where.
///
/// # Errors
/// That of mmap(2).
///
/// # Safety
/// As the right one.
pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
    let start = NonZeroUsize::new(address - address % page_size());
    let length = NonZeroUsize::new(page_size()).ok_or(Errno::EINVAL)?;
    // SAFETY: the caller's promise.
    unsafe { mmap_anonymous(start, length, READ_WRITE, MapFlags::MAP_PRIVATE) }.map(drop)
}

#[cfg(test)]
#[path = "../../../../lessons/6_bus_error/checks/mod.rs"]
mod checks;
