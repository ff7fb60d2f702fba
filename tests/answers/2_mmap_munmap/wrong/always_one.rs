//! Returns a constant.
//!
//! fails: byte_at::is_the_files_byte_or_none failed
//! fails: byte_at::reaches_as_far_as_files_do failed int-holds-a-size
//! fails: byte_at::maps_one_page_and_unmaps_it failed

use std::fs::File;
use std::io;

pub use crate::solution::{count_lines, map_aligned, swap};

pub fn byte_at(_: &File, _: u64) -> io::Result<Option<u8>> {
    Ok(Some(1))
}

#[cfg(test)]
#[path = "../../../../lessons/2_mmap_munmap/checks/mod.rs"]
mod checks;
