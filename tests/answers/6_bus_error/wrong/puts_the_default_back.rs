//! Sets SIG_DFL afterwards, whatever the action was before.
//!
//! fails: survive::leaves_the_process_as_it_was failed

use std::fs::File;

use mmap_workbook::lesson_2::Mapping;
use nix::libc;

pub use crate::solution::{Missed, parts, put, sum_of, zeros_over};

/// SIG_DFL is what every process has.
///
/// # Errors
/// [`Missed`].
pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
    let outcome = crate::solution::survive(file, length, body);
    if outcome.is_ok() || matches!(outcome, Err(Missed::Page(_))) {
        // SAFETY: no handler of ours runs.
        unsafe { libc::signal(libc::SIGBUS, libc::SIG_DFL) };
    }
    outcome
}

#[cfg(test)]
#[path = "../../../../lessons/6_bus_error/checks/mod.rs"]
mod checks;
