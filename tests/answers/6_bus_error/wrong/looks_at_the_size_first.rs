//! Looks at the size before it maps, and then trusts it.
//!
//! fails: ?

use std::fs::File;

use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use mmap_workbook::observe::page_size;

pub use crate::solution::{Missed, parts, put, sum_of, zeros_over};

/// Where the file is long enough, nothing can happen.
///
/// # Errors
/// [`Missed`].
pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
    let size = file.metadata().map_or(0, |metadata| usize::try_from(metadata.len()).unwrap_or(usize::MAX));
    let mapping = Mapping::of_file(file, 0, length, READ_WRITE, Sharing::Shared).map_err(Missed::Call)?;
    let in_pages = size.next_multiple_of(page_size());
    if in_pages < mapping.range().len() {
        return Err(Missed::Page(in_pages / page_size()));
    }
    Ok(body(&mapping))
}

#[cfg(test)]
#[path = "../../../../lessons/6_bus_error/checks.rs"]
mod checks;
