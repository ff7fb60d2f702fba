//! Forks a child that tries each page first, and does not wait for it.
//!
//! fails: survive::returns_the_result_or_the_first_missing_page left_processes
//! fails: survive::leaves_every_other_sigbus_to_the_action_from_before left_processes
//! fails: survive::leaves_the_process_as_it_was left_processes
//! fails: survive::lets_only_one_run_at_a_time left_processes
//! fails: survive::notices_a_page_that_was_gone_for_a_moment left_processes

use std::fs::File;

use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use mmap_workbook::observe::page_size;
use nix::libc;
use nix::unistd::{ForkResult, fork};

pub use crate::solution::{Missed, parts, put, sum_of, zeros_over};

/// The child may die, and this process knows.
///
/// # Errors
/// [`Missed`].
pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
    let mapping = Mapping::of_file(file, 0, length, READ_WRITE, Sharing::Shared).map_err(Missed::Call)?;
    // SAFETY: the child only loads, and leaves by _exit(2).
    if let Ok(ForkResult::Child) = unsafe { fork() } {
        // It dies of the signal, as every child would that has no handler.
        // SAFETY: no handler of ours runs.
        unsafe { libc::signal(libc::SIGBUS, libc::SIG_DFL) };
        (0..length).step_by(page_size()).for_each(|at| _ = mapping.load(at));
        // SAFETY: ends the child.
        unsafe { libc::_exit(0) };
    }
    drop(mapping);
    crate::solution::survive(file, length, body)
}

#[cfg(test)]
#[path = "../../../../lessons/6_bus_error/checks/mod.rs"]
mod checks;
