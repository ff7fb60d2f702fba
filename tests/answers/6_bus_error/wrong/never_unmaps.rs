//! Does not unmap, since the descriptor is closed.
//!
//! fails: sum_of::maps_what_can_be_mapped failed close-unmaps

use std::fs::File;
use std::io;
use std::path::Path;

use mmap_workbook::lesson_2::{Mapping, Sharing};
use nix::sys::mman::ProtFlags;

pub use crate::solution::{parts, put, survive, zeros_over};

/// The file is closed, so nothing is left of it.
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
        Ok(mapping) => {
            let sum = (0..size).map(|at| u64::from(mapping.load(at))).sum();
            std::mem::forget(mapping);
            Ok(sum)
        }
        Err(_) => crate::solution::sum_of(path),
    }
}

#[cfg(test)]
#[path = "../../../../lessons/6_bus_error/checks/mod.rs"]
mod checks;
