//! Ends the process, successfully, after its work.
//!
//! fails: freeze::the_draft_stands_still_whatever_is_written exited
//! fails: freeze::the_file_stays_as_it_is exited

use mmap_workbook::lesson_2::Mapping;

pub use crate::solution::{commit, copied_pages, discard, what_if};

pub fn freeze(draft: &Mapping) {
    crate::solution::freeze(draft);
    std::process::exit(0)
}

#[cfg(test)]
#[path = "../../../../lessons/3_shared_vs_private/checks/mod.rs"]
mod checks;
