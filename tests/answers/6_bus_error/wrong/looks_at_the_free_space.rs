//! Asks how much of the disk is free, and relies on the answer.
//!
//! fails: put::changes_nothing_for_no_bytes_and_for_what_it_refuses failed an-error-undoes
//! fails: put::takes_no_more_space_than_it_needs failed

use std::fs::File;
use std::io;

use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use mmap_workbook::observe::page_size_u64;
use nix::errno::Errno;
use nix::sys::statvfs::fstatvfs;

pub use crate::solution::{parts, sum_of, survive, zeros_over};

/// What is free now will be free in a moment.
///
/// # Errors
/// ENOSPC, EFBIG, and those of the calls.
pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
    if bytes.is_empty() {
        return Ok(());
    }
    let end = u64::try_from(bytes.len()).ok().and_then(|length| offset.checked_add(length));
    let end = end.filter(|&end| i64::try_from(end).is_ok()).ok_or(Errno::EFBIG)?;
    let disk = fstatvfs(file)?;
    if disk.blocks_available() * disk.fragment_size() < end - offset {
        return Err(Errno::ENOSPC.into());
    }
    if file.metadata()?.len() < end {
        file.set_len(end)?;
    }
    let edge = offset - offset % page_size_u64();
    let skip = usize::try_from(offset - edge).map_err(io::Error::other)?;
    Mapping::of_file(file, edge, skip + bytes.len(), READ_WRITE, Sharing::Shared)?.write(skip, bytes);
    Ok(())
}

#[cfg(test)]
#[path = "../../../../lessons/6_bus_error/checks/mod.rs"]
mod checks;
