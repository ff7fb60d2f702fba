//! Tells the kernel with madvise(2) that this process does not need the pages any more: the file keeps them.
//!
//! fails: give_back::a_file_may_be_longer_than_4_gib failed
//! fails: give_back::the_file_is_never_shorter failed
//! fails: give_back::the_range_becomes_zeros_and_nothing_else_changes failed
//! fails: give_back::the_space_of_each_whole_page_is_freed failed dontneed-frees-the-file

use std::fs::File;
use std::io;
use std::ops::Range;

use nix::libc;

use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use mmap_workbook::observe::page_size_u64;
use nix::errno::Errno;

pub use crate::solution::{grow, hand_down, publish, receive_sealed};

pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
    if range.start > range.end || range.end > file.metadata()?.len() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    if range.is_empty() {
        return Ok(());
    }
    let edge = range.start / page_size_u64() * page_size_u64();
    let length = usize::try_from(range.end - edge).map_err(io::Error::other)?;
    let mapping = Mapping::of_file(file, edge, length, READ_WRITE, Sharing::Shared)?;
    let start = std::ptr::with_exposed_provenance_mut(mapping.address());
    // SAFETY: the range is mapped, and of a shared file: what is dropped comes back from there.
    Errno::result(unsafe { libc::madvise(start, mapping.length(), libc::MADV_DONTNEED) })?;
    Ok(())
}

#[cfg(test)]
#[path = "../../../../lessons/5_unlinked_temp_files/checks/mod.rs"]
mod checks;
