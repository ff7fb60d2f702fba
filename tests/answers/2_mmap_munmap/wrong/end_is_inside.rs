//! Takes the byte just past the end of the file for a byte of the file.
//!
//! fails: byte_at::is_the_files_byte_or_none failed rest-is-file
//! fails: byte_at::reaches_as_far_as_files_do killed mapped-is-there

use std::fs::File;
use std::io;

use mmap_workbook::lesson_2::{Mapping, Sharing};
use mmap_workbook::observe::page_size_u64;
use nix::sys::mman::ProtFlags;

pub use crate::solution::{count_lines, map_aligned, swap};

pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
    if offset > file.metadata()?.len() {
        return Ok(None);
    }
    let skip = offset % page_size_u64();
    let at = usize::try_from(skip).map_err(io::Error::other)?;
    let mapping = Mapping::of_file(file, offset - skip, at + 1, ProtFlags::PROT_READ, Sharing::Shared)?;
    Ok(Some(mapping.load(at)))
}

#[cfg(test)]
#[path = "../../../../lessons/2_mmap_munmap/checks/mod.rs"]
mod checks;
