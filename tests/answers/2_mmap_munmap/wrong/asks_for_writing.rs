//! Asks for PROT_WRITE, though it only reads.
//!
//! fails: count_lines::counts_each_newline_once failed writing-is-free
//! fails: count_lines::reaches_as_far_as_files_do failed writing-is-free

use std::fs::File;
use std::io;

use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use mmap_workbook::observe::{page_size_u64, whole_pages};

pub use crate::solution::{byte_at, map_aligned, swap};

pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
    if window == 0 {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let end = to.min(file.metadata()?.len());
    let window = whole_pages(window.min(1 << 30));
    let (mut at, mut lines) = (from, 0);
    while at < end {
        let boundary = at - at % page_size_u64();
        let length = usize::try_from(end - boundary).map_err(io::Error::other)?.min(window);
        let mapping = Mapping::of_file(file, boundary, length, READ_WRITE, Sharing::Shared)?;
        let skip = usize::try_from(at - boundary).map_err(io::Error::other)?;
        lines += (skip..length).map(|at| u64::from(mapping.load(at) == b'\n')).sum::<u64>();
        at = boundary + u64::try_from(length).map_err(io::Error::other)?;
    }
    Ok(lines)
}

#[cfg(test)]
#[path = "../../../../lessons/2_mmap_munmap/checks/mod.rs"]
mod checks;
