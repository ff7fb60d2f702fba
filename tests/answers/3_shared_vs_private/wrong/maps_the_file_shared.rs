//! Stores the pages through a shared mapping, for which the file has to be open for reading, too.
//!
//! fails: commit::a_file_open_for_writing_only_is_enough failed
//! fails: commit::nothing_is_lost_when_it_fails failed
//! fails: commit::a_page_that_is_not_written_whole_keeps_all_the_copies failed

use std::fs::File;
use std::io;

use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use mmap_workbook::observe::page_size;

pub use crate::solution::{copied_pages, discard, freeze, what_if};

pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
    let size = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
    let shared = Mapping::of_file(file, 0, size, READ_WRITE, Sharing::Shared)?;
    let pages = crate::solution::copied_pages(draft)?;
    for &page in &pages {
        for at in (page * page_size()..size).take(page_size()) {
            shared.store(at, draft.load(at));
        }
    }
    crate::solution::discard(draft)?;
    Ok(pages.len())
}

#[cfg(test)]
#[path = "../../../../lessons/3_shared_vs_private/checks/mod.rs"]
mod checks;
