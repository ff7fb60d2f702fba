//! Maps nothing: pwrite(2) says ENOSPC by itself.
//!
//! fails: put::a_full_disk_is_an_error_and_changes_nothing failed an-error-undoes
//! fails: put::goes_through_a_mapping_and_leaves_none failed

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use nix::errno::Errno;

pub use crate::solution::{parts, sum_of, survive, zeros_over};

/// No mapping, no bus error.
///
/// # Errors
/// EFBIG, and those of pwrite(2).
pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
    if bytes.is_empty() {
        return Ok(());
    }
    let end = u64::try_from(bytes.len()).ok().and_then(|length| offset.checked_add(length));
    end.filter(|&end| i64::try_from(end).is_ok()).ok_or(Errno::EFBIG)?;
    file.write_all_at(bytes, offset)
}

#[cfg(test)]
#[path = "../../../../lessons/6_bus_error/checks/mod.rs"]
mod checks;
