//! Returns a constant.
//!
//! fails: copied_pages::names_the_pages_that_were_stored_to failed
//! fails: copied_pages::copies_nothing_itself failed
//! fails: copied_pages::asks_the_kernel_and_loads_no_byte failed

use std::io;

use mmap_workbook::lesson_2::Mapping;

pub use crate::solution::{commit, discard, freeze, what_if};

pub fn copied_pages(_: &Mapping) -> io::Result<Vec<usize>> {
    Ok(Vec::new())
}

#[cfg(test)]
#[path = "../../../../lessons/3_shared_vs_private/checks/mod.rs"]
mod checks;
