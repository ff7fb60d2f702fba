//! Leaves the page mapped.
//!
//! fails: byte_at::maps_one_page_and_unmaps_it failed close-unmaps

use std::fs::File;
use std::io;

use mmap_workbook::lesson_2::{Mapping, Sharing};
use mmap_workbook::observe::page_size_u64;
use nix::sys::mman::ProtFlags;

pub use crate::solution::{count_lines, map_aligned, swap};

pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
    if offset >= file.metadata()?.len() {
        return Ok(None);
    }
    let skip = offset % page_size_u64();
    let at = usize::try_from(skip).map_err(io::Error::other)?;
    let mapping = Mapping::of_file(file, offset - skip, at + 1, ProtFlags::PROT_READ, Sharing::Shared)?;
    let byte = mapping.load(at);
    std::mem::forget(mapping);
    Ok(Some(byte))
}

#[cfg(test)]
#[path = "../../../../lessons/2_mmap_munmap/checks/mod.rs"]
mod checks;
