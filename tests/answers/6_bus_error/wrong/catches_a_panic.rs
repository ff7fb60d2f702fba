//! Takes a bus error for a panic, and catches that.
//!
//! fails: survive::returns_the_result_or_the_first_missing_page killed fault-can-be-caught
//! fails: survive::leaves_every_other_sigbus_to_the_action_from_before killed
//! fails: survive::leaves_the_process_as_it_was killed fault-can-be-caught
//! fails: survive::lets_only_one_run_at_a_time killed fault-can-be-caught
//! fails: survive::notices_a_page_that_was_gone_for_a_moment killed size-counts-when-mapped

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};

use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};

pub use crate::solution::{Missed, parts, put, sum_of, zeros_over};

/// Whatever goes wrong in the body is caught.
///
/// # Errors
/// [`Missed`].
pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
    let mapping = Mapping::of_file(file, 0, length, READ_WRITE, Sharing::Shared).map_err(Missed::Call)?;
    catch_unwind(AssertUnwindSafe(|| body(&mapping))).map_err(|_| Missed::Page(0))
}

#[cfg(test)]
#[path = "../../../../lessons/6_bus_error/checks/mod.rs"]
mod checks;
