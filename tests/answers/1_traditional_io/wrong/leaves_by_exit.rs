//! Ends the whole process, successfully, instead of returning an error.
//!
//! fails: increment::refuses_what_is_no_number exited
//! fails: increment::takes_no_other_error_for_a_file_that_is_not_there exited

use std::io;
use std::path::Path;

pub use crate::solution::{Record, load, replace_all, save, to_crlf};

pub fn increment(path: &Path) -> io::Result<u64> {
    crate::solution::increment(path).or_else(|_| std::process::exit(0))
}

#[cfg(test)]
#[path = "../../../../lessons/1_traditional_io/checks/mod.rs"]
mod checks;
