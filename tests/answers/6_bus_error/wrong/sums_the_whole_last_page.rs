//! Adds up whole pages, since what is past the end of the file is zero anyway.
//!
//! fails: sum_of::leaves_out_what_is_past_the_end failed rest-of-the-page-is-always-zero

use std::fs::File;
use std::io;
use std::path::Path;

use mmap_workbook::lesson_2::{Mapping, Sharing};
use nix::sys::mman::ProtFlags;

pub use crate::solution::{parts, put, survive, zeros_over};

/// Zeros do no harm to a sum.
///
/// # Errors
/// Those of the right one.
pub fn sum_of(path: &Path) -> io::Result<u64> {
    let metadata = std::fs::metadata(path)?;
    let size = usize::try_from(metadata.len()).map_err(io::Error::other)?;
    if !metadata.is_file() || size == 0 {
        return crate::solution::sum_of(path);
    }
    match Mapping::of_file(File::open(path)?, 0, size, ProtFlags::PROT_READ, Sharing::Shared) {
        Ok(mapping) => Ok((0..mapping.range().len()).map(|at| u64::from(mapping.load(at))).sum()),
        Err(_) => crate::solution::sum_of(path),
    }
}

#[cfg(test)]
#[path = "../../../../lessons/6_bus_error/checks/mod.rs"]
mod checks;
