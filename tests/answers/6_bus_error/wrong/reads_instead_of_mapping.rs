//! Maps nothing: reads the file with read(2).
//!
//! fails: sum_of::maps_what_can_be_mapped failed

use std::io;
use std::path::Path;

pub use crate::solution::{parts, put, survive, zeros_over};

/// read(2) can do it all, and there is no bus error.
///
/// # Errors
/// Those of the right one.
pub fn sum_of(path: &Path) -> io::Result<u64> {
    if !std::fs::metadata(path)?.is_file() {
        return crate::solution::sum_of(path);
    }
    Ok(std::fs::read(path)?.into_iter().map(u64::from).sum())
}

#[cfg(test)]
#[path = "../../../../lessons/6_bus_error/checks/mod.rs"]
mod checks;
