//! Sets a handler, and leaves SIGBUS blocked where it is.
//!
//! fails: survive::returns_the_result_or_the_first_missing_page killed sigbus-can-be-ignored

use std::fs::File;

use mmap_workbook::lesson_2::Mapping;
use nix::sys::signal::SigSet;

pub use crate::solution::{Missed, parts, put, sum_of, zeros_over};

/// A handler is all it takes.
///
/// # Errors
/// [`Missed`].
pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
    let mask = SigSet::thread_get_mask().map_err(Missed::Call)?;
    crate::solution::survive(file, length, |mapping| {
        // As if it had not been unblocked.
        let _ = mask.thread_set_mask();
        body(mapping)
    })
}

#[cfg(test)]
#[path = "../../../../lessons/6_bus_error/checks/mod.rs"]
mod checks;
