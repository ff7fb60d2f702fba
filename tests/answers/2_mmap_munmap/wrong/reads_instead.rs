//! Reads the byte with pread(2).
//!
//! fails: byte_at::maps_one_page_and_unmaps_it failed read-is-as-good

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

pub use crate::solution::{count_lines, map_aligned, swap};

pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
    let mut byte = [0];
    let size = file.metadata()?.len();
    if offset >= size {
        return Ok(None);
    }
    Ok((file.read_at(&mut byte, offset)? == 1).then_some(byte[0]))
}

#[cfg(test)]
#[path = "../../../../lessons/2_mmap_munmap/checks/mod.rs"]
mod checks;
