//! Takes the draft's length for the file's size.
//!
//! fails: commit::a_page_goes_to_the_file_whole_though_the_draft_ends_in_it failed

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use mmap_workbook::lesson_2::Mapping;
use mmap_workbook::observe::page_size;

pub use crate::solution::{copied_pages, discard, freeze, what_if};

pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
    let pages = crate::solution::copied_pages(draft)?;
    for &page in &pages {
        let at = page * page_size();
        let mut bytes = vec![0; (draft.length() - at).min(page_size())];
        draft.read(at, &mut bytes);
        file.write_all_at(&bytes, u64::try_from(at).map_err(io::Error::other)?)?;
    }
    crate::solution::discard(draft)?;
    Ok(pages.len())
}

#[cfg(test)]
#[path = "../../../../lessons/3_shared_vs_private/checks/mod.rs"]
mod checks;
