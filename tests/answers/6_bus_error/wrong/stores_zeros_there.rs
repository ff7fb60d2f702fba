//! Stores zeros to the page: that changes the file, or kills where there is no page.
//!
//! fails: zeros_over::helps_where_the_file_has_no_page killed
//! fails: zeros_over::is_one_call_of_mmap failed
//! fails: zeros_over::replaces_the_page_and_no_other failed

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
#[path = "../../../../lessons/6_bus_error/checks/mod.rs"]
mod checks;
