//! Maps both ranges, and all that is between them, as one.
//!
//! fails: swap::reaches_any_two_places_of_a_large_file failed map-it-all
//! fails: swap::goes_through_mappings_and_leaves_none failed map-it-all

use std::fs::File;
use std::io;

use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use mmap_workbook::observe::page_size_u64;

pub use crate::solution::{byte_at, count_lines, map_aligned};

pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
    let wide = u64::try_from(length).map_err(io::Error::other)?;
    let (first, last) = (a.min(b), a.max(b));
    let fits = last.checked_add(wide).is_some_and(|end| end <= file.metadata().map_or(0, |metadata| metadata.len()));
    if length == 0 || last - first < wide || !fits {
        return crate::solution::swap(file, a, b, length); // which says what is wrong
    }
    let boundary = first - first % page_size_u64();
    let all = usize::try_from(last + wide - boundary).map_err(io::Error::other)?;
    let mapping = Mapping::of_file(file, boundary, all, READ_WRITE, Sharing::Shared)?;
    let [a, b] = [a, b].map(|at| usize::try_from(at - boundary).expect("64 bits"));
    for n in 0..length {
        let byte = mapping.load(a + n);
        mapping.store(a + n, mapping.load(b + n));
        mapping.store(b + n, byte);
    }
    Ok(())
}

#[cfg(test)]
#[path = "../../../../lessons/2_mmap_munmap/checks/mod.rs"]
mod checks;
