//! Opens the file for reading and writing, as the study notes do, only to read it.
//!
//! fails: sum_of::maps_what_can_be_mapped failed
//! fails: sum_of::reads_what_cannot_be_mapped failed

use std::fs::File;
use std::io;
use std::path::Path;

pub use crate::solution::{parts, put, survive, zeros_over};

/// O_RDWR always worked.
///
/// # Errors
/// EACCES for a file that may only be read.
pub fn sum_of(path: &Path) -> io::Result<u64> {
    if std::fs::metadata(path)?.is_file() {
        drop(File::options().read(true).write(true).open(path)?);
    }
    crate::solution::sum_of(path)
}

#[cfg(test)]
#[path = "../../../../lessons/6_bus_error/checks/mod.rs"]
mod checks;
