//! Answers to `sum_of`, right and wrong.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use mmap_workbook::lesson_2::{Mapping, Sharing};
use nix::errno::Errno;
use nix::sys::mman::ProtFlags;

/// Trusts a size of 0, and returns 0 for the files of /proc.
///
/// fails: sum_of::reads_what_cannot_be_mapped failed size-tells-what-is-there
mod a_size_of_0_is_an_empty_file {
    use super::*;

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
}

/// Maps as many bytes as the size says, even 0.
///
/// fails: sum_of::adds_up_every_byte failed
/// fails: sum_of::reads_what_cannot_be_mapped failed size-tells-what-is-there
mod maps_an_empty_file {
    use super::*;

    /// No check of the size before mmap(2), and no other way when it fails.
    ///
    /// # Errors
    /// EINVAL for an empty file.
    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let metadata = std::fs::metadata(path)?;
        if !metadata.is_file() {
            return Err(if metadata.is_dir() { Errno::EISDIR } else { Errno::EINVAL }.into());
        }
        let file = File::open(path)?;
        let size = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
        let mapping = Mapping::of_file(&file, 0, size, ProtFlags::PROT_READ, Sharing::Shared)?;
        Ok((0..size).map(|at| u64::from(mapping.load(at))).sum())
    }
}

/// Does not unmap, since the descriptor is closed.
///
/// fails: sum_of::maps_what_can_be_mapped failed close-unmaps
mod never_unmaps {
    use super::*;

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
}

/// Opens the file for reading and writing, as the study notes do, only to read it.
///
/// fails: sum_of::maps_what_can_be_mapped failed
/// fails: sum_of::reads_what_cannot_be_mapped failed
mod opens_for_writing {
    use super::*;

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
}

/// Where it can't map, reads as many bytes as the size says.
///
/// fails: sum_of::reads_what_cannot_be_mapped failed size-tells-what-is-there
mod reads_as_much_as_the_size_says {
    use super::*;

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
}

/// Maps nothing: reads the file with read(2).
///
/// fails: sum_of::maps_what_can_be_mapped failed
mod reads_instead_of_mapping {
    use super::*;

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
}

/// Adds up whole pages, since what is past the end of the file is zero anyway.
///
/// fails: sum_of::leaves_out_what_is_past_the_end failed rest-of-the-page-is-always-zero
mod sums_the_whole_last_page {
    use super::*;

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
}

/// Opens first and asks later: open(2) of a FIFO waits for a writer.
///
/// fails: sum_of::refuses_all_but_regular_files_and_never_waits timed_out open-never-waits
mod waits_at_a_fifo {
    use super::*;

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
}

one_of! {
    pub fn sum_of(path: &Path) -> io::Result<u64>;
    a_size_of_0_is_an_empty_file maps_an_empty_file never_unmaps opens_for_writing reads_as_much_as_the_size_says
    reads_instead_of_mapping sums_the_whole_last_page waits_at_a_fifo
}
