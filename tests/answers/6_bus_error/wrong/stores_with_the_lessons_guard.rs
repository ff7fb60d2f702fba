//! Stores through the lesson's `Guarded`: it gets an error, not a signal, but half of the bytes are stored by then.
//!
//! fails: put::a_full_disk_is_an_error_and_changes_nothing failed an-error-undoes
//! fails: put::changes_nothing_for_no_bytes_and_for_what_it_refuses failed an-error-undoes
//! fails: put::goes_through_a_mapping_and_leaves_none failed

use std::fs::File;
use std::io;

use mmap_workbook::lesson_6::Guarded;
use mmap_workbook::observe::page_size_u64;
use nix::errno::Errno;

pub use crate::solution::{parts, sum_of, survive, zeros_over};

/// A page that is missing is an error there.
///
/// # Errors
/// ENOSPC, EFBIG, and those of the calls.
pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
    if bytes.is_empty() {
        return Ok(());
    }
    let end = u64::try_from(bytes.len()).ok().and_then(|length| offset.checked_add(length));
    let end = end.filter(|&end| i64::try_from(end).is_ok()).ok_or(Errno::EFBIG)?;
    if file.metadata()?.len() < end {
        file.set_len(end)?;
    }
    let edge = offset - offset % page_size_u64();
    let skip = usize::try_from(offset - edge).map_err(io::Error::other)?;
    let guarded = Guarded::new(file.try_clone()?, edge, skip + bytes.len())?;
    guarded.write(skip, bytes).map_err(|_| Errno::ENOSPC.into())
}

#[cfg(test)]
#[path = "../../../../lessons/6_bus_error/checks/mod.rs"]
mod checks;
