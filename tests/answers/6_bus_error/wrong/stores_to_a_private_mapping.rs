//! Stores to a private mapping: the stores never reach the file.
//!
//! fails: put::a_full_disk_is_an_error_and_changes_nothing failed
//! fails: put::changes_nothing_for_no_bytes_and_for_what_it_refuses failed an-error-undoes
//! fails: put::goes_through_a_mapping_and_leaves_none failed
//! fails: put::puts_the_bytes_and_changes_no_other failed
//! fails: put::takes_no_more_space_than_it_needs failed

use std::fs::File;
use std::io;

use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use mmap_workbook::observe::page_size_u64;
use nix::errno::Errno;
use nix::fcntl::posix_fallocate;

pub use crate::solution::{parts, sum_of, survive, zeros_over};

/// The stores succeed, and what more does one want.
///
/// # Errors
/// EFBIG, and those of the calls.
pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
    if bytes.is_empty() {
        return Ok(());
    }
    let off_t = |n: u64| i64::try_from(n).map_err(|_| Errno::EFBIG);
    let length = i64::try_from(bytes.len()).map_err(|_| Errno::EFBIG)?;
    off_t(offset)?.checked_add(length).ok_or(Errno::EFBIG)?;
    posix_fallocate(file, off_t(offset)?, length)?;
    let edge = offset - offset % page_size_u64();
    let skip = usize::try_from(offset - edge).map_err(io::Error::other)?;
    Mapping::of_file(file, edge, skip + bytes.len(), READ_WRITE, Sharing::Private)?.write(skip, bytes);
    Ok(())
}

#[cfg(test)]
#[path = "../../../../lessons/6_bus_error/checks/mod.rs"]
mod checks;
