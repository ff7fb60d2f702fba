//! Writes the pages, and does not drop the copies.
//!
//! fails: commit::the_draft_follows_the_file_again failed equal-bytes-are-the-page

use std::fs::File;
use std::io;

use mmap_workbook::lesson_2::Mapping;
use mmap_workbook::observe::page_size;

pub use crate::solution::{copied_pages, discard, freeze, what_if};

pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
    let pages = crate::solution::copied_pages(draft)?;
    let written = crate::solution::commit(draft, file)?;
    // As if the copies had never been dropped.
    for page in pages {
        draft.store(page * page_size(), draft.load(page * page_size()));
    }
    Ok(written)
}

#[cfg(test)]
#[path = "../../../../lessons/3_shared_vs_private/checks/mod.rs"]
mod checks;
