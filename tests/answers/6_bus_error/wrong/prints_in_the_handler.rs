//! Prints a message, in a function that a signal handler calls.
//!
//! fails: zeros_over::is_one_call_of_mmap failed handler-is-like-any-function

use std::fs::File;
use std::io::Write;

use nix::errno::Errno;

pub use crate::solution::{parts, put, sum_of, survive};

/// A message helps to find out what happened.
///
/// # Errors
/// That of mmap(2).
///
/// # Safety
/// As the right one.
pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
    // To /dev/null, so that it disturbs no output.
    if let Ok(mut log) = File::options().write(true).open("/dev/null") {
        let _ = writeln!(log, "no page at {address:#x}");
    }
    // SAFETY: the caller's promise.
    unsafe { crate::solution::zeros_over(address) }
}

#[cfg(test)]
#[path = "../../../../lessons/6_bus_error/checks/mod.rs"]
mod checks;
