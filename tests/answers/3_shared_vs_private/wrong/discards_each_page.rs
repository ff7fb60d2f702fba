//! Drops the copy of each page as soon as that page is written: after an error, part of the draft is gone.
//!
//! fails: commit::a_page_that_is_not_written_whole_keeps_all_the_copies failed

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::ptr::NonNull;

use mmap_workbook::lesson_2::Mapping;
use mmap_workbook::observe::page_size;
use nix::sys::mman::{MmapAdvise, madvise};

pub use crate::solution::{copied_pages, discard, freeze, what_if};

pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
    let pages = crate::solution::copied_pages(draft)?;
    let size = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
    for &page in &pages {
        let at = page * page_size();
        let mut bytes = vec![0; size.saturating_sub(at).min(page_size())];
        draft.read(at, &mut bytes);
        file.write_all_at(&bytes, u64::try_from(at).map_err(io::Error::other)?)?;
        let start = NonNull::new(std::ptr::with_exposed_provenance_mut(draft.address() + at));
        // SAFETY: the page is the draft's, which hands out no references to its bytes.
        unsafe { madvise(start.ok_or(io::ErrorKind::InvalidInput)?, page_size(), MmapAdvise::MADV_DONTNEED) }?;
    }
    Ok(pages.len())
}

#[cfg(test)]
#[path = "../../../../lessons/3_shared_vs_private/checks/mod.rs"]
mod checks;
