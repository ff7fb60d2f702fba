//! Takes a bus error for a panic, and catches that.
//!
//! fails: survive::leaves_the_process_as_it_was killed fault-can-be-caught
//! fails: survive::lets_only_one_run_at_a_time killed fault-can-be-caught

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
#[path = "../../../../lessons/6_bus_error/checks.rs"]
mod checks;
