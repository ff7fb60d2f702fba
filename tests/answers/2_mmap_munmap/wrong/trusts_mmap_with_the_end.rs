//! Expects mmap(2) to refuse a range past the end of the file.
//!
//! fails: swap::goes_through_mappings_and_leaves_none killed mapped-is-there
//! fails: swap::refuses_before_it_changes_anything failed rest-is-file

use std::fs::File;
use std::io;

use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use mmap_workbook::observe::page_size_u64;

pub use crate::solution::{byte_at, count_lines, map_aligned};

pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
    let wide = u64::try_from(length).map_err(io::Error::other)?;
    if length == 0 {
        return Ok(());
    }
    if a.abs_diff(b) < wide {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let map = |offset: u64| -> io::Result<(Mapping, usize)> {
        let skip = usize::try_from(offset % page_size_u64()).map_err(io::Error::other)?;
        let boundary = offset - offset % page_size_u64();
        Ok((Mapping::of_file(file, boundary, skip + length, READ_WRITE, Sharing::Shared)?, skip))
    };
    let ((a, at_a), (b, at_b)) = (map(a)?, map(b)?);
    for n in 0..length {
        let byte = a.load(at_a + n);
        a.store(at_a + n, b.load(at_b + n));
        b.store(at_b + n, byte);
    }
    Ok(())
}

#[cfg(test)]
#[path = "../../../../lessons/2_mmap_munmap/checks/mod.rs"]
mod checks;
