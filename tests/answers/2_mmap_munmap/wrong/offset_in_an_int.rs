//! Keeps the offset in an int, as the notes keep the length.
//!
//! fails: byte_at::reaches_as_far_as_files_do failed int-holds-a-size

use std::fs::File;
use std::io;

pub use crate::solution::{count_lines, map_aligned, swap};

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the mistake")]
pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
    let offset = offset as i32 as u32;
    crate::solution::byte_at(file, u64::from(offset))
}

#[cfg(test)]
#[path = "../../../../lessons/2_mmap_munmap/checks/mod.rs"]
mod checks;
