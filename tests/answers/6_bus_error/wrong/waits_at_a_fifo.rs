//! Opens first and asks later: open(2) of a FIFO waits for a writer.
//!
//! fails: sum_of::refuses_all_but_regular_files_and_never_waits timed_out open-never-waits

use std::fs::File;
use std::io;
use std::path::Path;

pub use crate::solution::{parts, put, survive, zeros_over};

/// The kind of the file is asked of the open file, which is right, but open(2) has to come back for that.
///
/// # Errors
/// Those of the right one.
pub fn sum_of(path: &Path) -> io::Result<u64> {
    let file = File::open(path)?;
    if !file.metadata()?.is_file() && !file.metadata()?.is_dir() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    crate::solution::sum_of(path)
}

#[cfg(test)]
#[path = "../../../../lessons/6_bus_error/checks/mod.rs"]
mod checks;
