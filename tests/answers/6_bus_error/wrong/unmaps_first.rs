//! Unmaps the page and then maps another: for a moment the addresses are free.
//!
//! fails: zeros_over::is_one_call_of_mmap failed addresses-wait-for-me

use std::num::NonZeroUsize;
use std::ptr::NonNull;

use mmap_workbook::lesson_2::READ_WRITE;
use mmap_workbook::observe::page_size;
use nix::errno::Errno;
use nix::sys::mman::{MapFlags, mmap_anonymous, munmap};

pub use crate::solution::{parts, put, sum_of, survive};

/// Room first.
///
/// # Errors
/// That of mmap(2).
///
/// # Safety
/// As the right one.
pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
    let there = std::ptr::with_exposed_provenance_mut(address - address % page_size());
    let there = NonNull::new(there).ok_or(Errno::EINVAL)?;
    // SAFETY: the caller's promise.
    unsafe { munmap(there, page_size()) }?;
    let start = NonZeroUsize::new(address - address % page_size());
    let length = NonZeroUsize::new(page_size()).ok_or(Errno::EINVAL)?;
    // SAFETY: the caller's promise.
    unsafe { mmap_anonymous(start, length, READ_WRITE, MapFlags::MAP_PRIVATE | MapFlags::MAP_FIXED) }.map(drop)
}

#[cfg(test)]
#[path = "../../../../lessons/6_bus_error/checks/mod.rs"]
mod checks;
