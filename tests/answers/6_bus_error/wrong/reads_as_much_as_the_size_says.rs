//! Where it can't map, reads as many bytes as the size says.
//!
//! fails: sum_of::reads_what_cannot_be_mapped failed size-tells-what-is-there

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use mmap_workbook::lesson_2::{Mapping, Sharing};
use nix::errno::Errno;
use nix::sys::mman::ProtFlags;

pub use crate::solution::{parts, put, survive, zeros_over};

/// The size says how much to read.
///
/// # Errors
/// `UnexpectedEof` for a file of /sys.
pub fn sum_of(path: &Path) -> io::Result<u64> {
    let metadata = std::fs::metadata(path)?;
    let size = usize::try_from(metadata.len()).map_err(io::Error::other)?;
    if !metadata.is_file() || size == 0 {
        return crate::solution::sum_of(path);
    }
    let mut file = File::open(path)?;
    match Mapping::of_file(&file, 0, size, ProtFlags::PROT_READ, Sharing::Shared) {
        Ok(mapping) => Ok((0..size).map(|at| u64::from(mapping.load(at))).sum()),
        Err(Errno::ENODEV) => {
            let mut bytes = vec![0; size];
            file.read_exact(&mut bytes)?;
            Ok(bytes.into_iter().map(u64::from).sum())
        }
        Err(errno) => Err(errno.into()),
    }
}

#[cfg(test)]
#[path = "../../../../lessons/6_bus_error/checks/mod.rs"]
mod checks;
