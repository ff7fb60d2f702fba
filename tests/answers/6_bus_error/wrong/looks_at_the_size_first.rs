//! Checks the size before it maps, and then trusts it.
//!
//! fails: survive::returns_the_result_or_the_first_missing_page failed
//! fails: survive::leaves_every_other_sigbus_to_the_action_from_before failed
//! fails: survive::leaves_the_process_as_it_was failed
//! fails: survive::lets_only_one_run_at_a_time failed
//! fails: survive::notices_a_page_that_was_gone_for_a_moment killed size-counts-when-mapped

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
#[path = "../../../../lessons/6_bus_error/checks/mod.rs"]
mod checks;
