//! Picks an aligned address that looks free, and forces it with MAP_FIXED.
//!
//! fails: map_aligned::replaces_only_what_is_its_own failed fixed-finds-room

use std::fs::File;
use std::io;
use std::num::NonZeroUsize;

use mmap_workbook::lesson_2::READ_WRITE;
use nix::sys::mman::{MapFlags, mmap};

pub use crate::solution::{byte_at, count_lines, swap};

pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
    let free = crate::solution::map_aligned(file, length, alignment)?;
    let (at, length) = (NonZeroUsize::new(free), NonZeroUsize::new(length).ok_or(io::ErrorKind::InvalidInput)?);
    let address =
        std::ptr::NonNull::new(std::ptr::with_exposed_provenance_mut(free)).ok_or(io::ErrorKind::InvalidInput)?;
    // SAFETY: mapped just now, and nothing refers to it.
    unsafe { nix::sys::mman::munmap(address, length.get()) }?;
    // SAFETY: none. Another thread may have been given these addresses meanwhile.
    let start = unsafe { mmap(at, length, READ_WRITE, MapFlags::MAP_SHARED | MapFlags::MAP_FIXED, file, 0) }?;
    Ok(start.as_ptr().expose_provenance())
}

#[cfg(test)]
#[path = "../../../../lessons/2_mmap_munmap/checks/mod.rs"]
mod checks;
