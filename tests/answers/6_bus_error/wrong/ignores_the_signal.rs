//! Ignores SIGBUS while the body runs.
//!
//! fails: survive::returns_the_result_or_the_first_missing_page killed sigbus-can-be-ignored
//! fails: survive::leaves_every_other_sigbus_to_the_action_from_before killed
//! fails: survive::leaves_the_process_as_it_was killed sigbus-can-be-ignored
//! fails: survive::lets_only_one_run_at_a_time killed sigbus-can-be-ignored
//! fails: survive::notices_a_page_that_was_gone_for_a_moment killed

use std::fs::File;

use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use nix::libc;

pub use crate::solution::{Missed, parts, put, sum_of, zeros_over};

/// What is ignored can't kill.
///
/// # Errors
/// [`Missed`].
pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
    let mapping = Mapping::of_file(file, 0, length, READ_WRITE, Sharing::Shared).map_err(Missed::Call)?;
    // SAFETY: no handler of ours runs.
    let before = unsafe { libc::signal(libc::SIGBUS, libc::SIG_IGN) };
    let answer = body(&mapping);
    // SAFETY: the action was in force before.
    unsafe { libc::signal(libc::SIGBUS, before) };
    Ok(answer)
}

#[cfg(test)]
#[path = "../../../../lessons/6_bus_error/checks/mod.rs"]
mod checks;
