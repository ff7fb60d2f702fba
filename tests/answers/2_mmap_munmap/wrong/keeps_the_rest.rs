//! Never unmaps the addresses that it does not need.
//!
//! fails: map_aligned::takes_no_other_address failed munmap-takes-all

use std::fs::File;
use std::io;
use std::num::NonZeroUsize;

use mmap_workbook::lesson_2::READ_WRITE;
use mmap_workbook::observe::page_size;
use nix::sys::mman::MapFlags;

pub use crate::solution::{byte_at, count_lines, swap};

pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
    let more = NonZeroUsize::new(page_size()).ok_or(io::ErrorKind::InvalidInput)?;
    let address = crate::solution::map_aligned(file, length, alignment)?;
    // SAFETY: without an address hint the kernel picks a free range, so no memory in use is replaced.
    unsafe { nix::sys::mman::mmap_anonymous(None, more, READ_WRITE, MapFlags::MAP_PRIVATE) }?;
    Ok(address)
}

#[cfg(test)]
#[path = "../../../../lessons/2_mmap_munmap/checks/mod.rs"]
mod checks;
