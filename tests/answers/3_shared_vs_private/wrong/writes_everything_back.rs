//! Writes the whole draft to the file, edited or not.
//!
//! fails: commit::only_those_pages_are_written failed writing-back-is-harmless

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use mmap_workbook::lesson_2::Mapping;

pub use crate::solution::{copied_pages, discard, freeze, what_if};

pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
    let pages = crate::solution::copied_pages(draft)?.len();
    let size = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
    let mut bytes = vec![0; size.min(draft.range().len())];
    draft.read(0, &mut bytes);
    file.write_all_at(&bytes, 0)?;
    crate::solution::discard(draft)?;
    Ok(pages)
}

#[cfg(test)]
#[path = "../../../../lessons/3_shared_vs_private/checks/mod.rs"]
mod checks;
