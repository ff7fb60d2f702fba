//! Takes a page that was loaded from for a copy.
//!
//! fails: freeze::the_draft_stands_still_whatever_is_written failed loading-copies
//! fails: freeze::the_file_stays_as_it_is failed loading-copies

use mmap_workbook::lesson_2::Mapping;
use mmap_workbook::observe::page_size;

pub use crate::solution::{commit, copied_pages, discard, what_if};

pub fn freeze(draft: &Mapping) {
    for at in (0..draft.length()).step_by(page_size()) {
        draft.load(at);
    }
}

#[cfg(test)]
#[path = "../../../../lessons/3_shared_vs_private/checks/mod.rs"]
mod checks;
