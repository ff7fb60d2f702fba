//! Answers to `commit`, right and wrong.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::ptr::NonNull;

use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use mmap_workbook::observe::page_size;
use nix::sys::mman::{MmapAdvise, madvise};

/// Drops the copy of each page as soon as that page is written: after an error, part of the draft is gone.
///
/// fails: commit::a_page_that_is_not_written_whole_keeps_all_the_copies failed
mod discards_each_page {
    use super::*;

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
}

/// Drops the copies before it knows that they are in the file.
///
/// fails: commit::nothing_is_lost_when_it_fails failed
/// fails: commit::a_page_that_is_not_written_whole_keeps_all_the_copies failed
mod discards_in_any_case {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let written = crate::solution::commit(draft, file);
        crate::solution::discard(draft)?;
        written
    }
}

/// Writes the pages, and does not drop the copies.
///
/// fails: commit::the_draft_follows_the_file_again failed equal-bytes-are-the-page
mod keeps_its_copies {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let pages = crate::solution::copied_pages(draft)?;
        let written = crate::solution::commit(draft, file)?;
        // As if the copies had never been dropped.
        for page in pages {
            draft.store(page * page_size(), draft.load(page * page_size()));
        }
        Ok(written)
    }
}

/// Stores the pages through a shared mapping, for which the file has to be open for reading, too.
///
/// fails: commit::a_file_open_for_writing_only_is_enough failed
/// fails: commit::nothing_is_lost_when_it_fails failed
/// fails: commit::a_page_that_is_not_written_whole_keeps_all_the_copies failed
mod maps_the_file_shared {
    use super::*;

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
}

/// Takes the draft's length for the file's size.
///
/// fails: commit::a_page_goes_to_the_file_whole_though_the_draft_ends_in_it failed
mod measures_the_draft {
    use super::*;

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
}

/// Writes the whole draft to the file, edited or not.
///
/// fails: commit::only_those_pages_are_written failed writing-back-is-harmless
mod writes_everything_back {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let pages = crate::solution::copied_pages(draft)?.len();
        let size = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
        let mut bytes = vec![0; size.min(draft.range().len())];
        draft.read(0, &mut bytes);
        file.write_all_at(&bytes, 0)?;
        crate::solution::discard(draft)?;
        Ok(pages)
    }
}

/// Assumes that one call writes all bytes that it is given.
///
/// fails: commit::a_page_that_is_not_written_whole_keeps_all_the_copies failed short-is-the-end
mod writes_once {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let pages = crate::solution::copied_pages(draft)?;
        let size = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
        for &page in &pages {
            let at = page * page_size();
            let mut bytes = vec![0; size.saturating_sub(at).min(page_size())];
            draft.read(at, &mut bytes);
            let _count = file.write_at(&bytes, u64::try_from(at).map_err(io::Error::other)?)?;
        }
        crate::solution::discard(draft)?;
        Ok(pages.len())
    }
}

/// Writes whole pages, even the last one.
///
/// fails: commit::the_file_keeps_its_size failed rest-is-file
/// fails: commit::the_files_pages_are_the_drafts_where_it_was_stored_to failed
mod writes_whole_pages {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let pages = crate::solution::copied_pages(draft)?;
        for &page in &pages {
            let mut bytes = vec![0; page_size()];
            draft.read(page * page_size(), &mut bytes);
            file.write_all_at(&bytes, u64::try_from(page * page_size()).map_err(io::Error::other)?)?;
        }
        crate::solution::discard(draft)?;
        Ok(pages.len())
    }
}

one_of! {
    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize>;
    discards_each_page discards_in_any_case keeps_its_copies maps_the_file_shared measures_the_draft
    writes_everything_back writes_once writes_whole_pages
}
