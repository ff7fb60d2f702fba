//! Passes an aligned address as a hint, and assumes that the kernel follows it.
//!
//! fails: map_aligned::is_aligned_and_shows_the_file failed address-is-an-order

use std::fs::File;
use std::io;
use std::num::NonZeroUsize;
use std::ptr::NonNull;

use mmap_workbook::lesson_2::READ_WRITE;
use nix::sys::mman::{MapFlags, mmap, munmap};

pub use crate::solution::{byte_at, count_lines, swap};

pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
    let right = crate::solution::map_aligned(file, length, alignment)?;
    let start = NonNull::new(std::ptr::with_exposed_provenance_mut(right)).ok_or(io::ErrorKind::InvalidData)?;
    // SAFETY: the range is the one that was mapped just now, and nothing refers to it.
    unsafe { munmap(start, length) }?;
    let hint = NonZeroUsize::new(alignment.max(1 << 20));
    let length = NonZeroUsize::new(length).ok_or(io::ErrorKind::InvalidInput)?;
    // SAFETY: a hint replaces nothing.
    let start = unsafe { mmap(hint, length, READ_WRITE, MapFlags::MAP_SHARED, file, 0) }?;
    Ok(start.as_ptr().expose_provenance())
}

#[cfg(test)]
#[path = "../../../../lessons/2_mmap_munmap/checks/mod.rs"]
mod checks;
