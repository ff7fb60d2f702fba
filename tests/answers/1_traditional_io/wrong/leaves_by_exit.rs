//! Ends the whole process, in success, where an error was asked for.
//!
//! fails: raise::refuses_what_is_no_number exited
//! fails: raise::takes_no_other_error_for_a_file_that_is_not_there exited

use std::io;
use std::path::Path;

pub use crate::solution::{Record, load, replace_all, save, to_crlf};

pub fn raise(path: &Path) -> io::Result<u64> {
    crate::solution::raise(path).or_else(|_| std::process::exit(0))
}

#[cfg(test)]
#[path = "../../../../lessons/1_traditional_io/checks/mod.rs"]
mod checks;
