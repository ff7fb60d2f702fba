//! Reserves all blocks from the file's start to the end of the range.
//!
//! fails: put::changes_nothing_for_no_bytes_and_for_what_it_refuses failed an-error-undoes
//! fails: put::takes_no_more_space_than_it_needs failed

use std::fs::File;
use std::io;

use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use mmap_workbook::observe::page_size_u64;
use nix::errno::Errno;
use nix::fcntl::posix_fallocate;

pub use crate::solution::{parts, sum_of, survive, zeros_over};

/// As the lesson does it, for a whole file.
///
/// # Errors
/// EFBIG, and those of the calls.
pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
    if bytes.is_empty() {
        return Ok(());
    }
    let end = u64::try_from(bytes.len()).ok().and_then(|length| offset.checked_add(length));
    let end = end.filter(|&end| i64::try_from(end).is_ok()).ok_or(Errno::EFBIG)?;
    posix_fallocate(file, 0, i64::try_from(end).map_err(|_| Errno::EFBIG)?)?;
    let edge = offset - offset % page_size_u64();
    let skip = usize::try_from(offset - edge).map_err(io::Error::other)?;
    Mapping::of_file(file, edge, skip + bytes.len(), READ_WRITE, Sharing::Shared)?.write(skip, bytes);
    Ok(())
}

#[cfg(test)]
#[path = "../../../../lessons/6_bus_error/checks/mod.rs"]
mod checks;
