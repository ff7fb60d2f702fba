//! Stores zeros to the page: into the file where there is a page, and to death where there is none.
//!
//! fails: ?

use mmap_workbook::observe::page_size;
use nix::errno::Errno;

pub use crate::solution::{parts, put, sum_of, survive};

/// memset(3) makes zeros.
///
/// # Errors
/// None.
///
/// # Safety
/// As the right one.
pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
    let page = std::ptr::with_exposed_provenance_mut::<u8>(address - address % page_size());
    // SAFETY: the caller's promise.
    unsafe { page.write_bytes(0, page_size()) };
    Ok(())
}

#[cfg(test)]
#[path = "../../../../lessons/6_bus_error/checks.rs"]
mod checks;
