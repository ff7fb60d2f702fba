//! Trusts a size of 0, and returns 0 for the files of /proc.
//!
//! fails: sum_of::reads_what_cannot_be_mapped failed size-tells-what-is-there

use std::io;
use std::path::Path;

pub use crate::solution::{parts, put, survive, zeros_over};

/// A short cut for empty files.
///
/// # Errors
/// Those of the right one.
pub fn sum_of(path: &Path) -> io::Result<u64> {
    let metadata = std::fs::metadata(path)?;
    if metadata.is_file() && metadata.len() == 0 {
        return Ok(0);
    }
    crate::solution::sum_of(path)
}

#[cfg(test)]
#[path = "../../../../lessons/6_bus_error/checks/mod.rs"]
mod checks;
