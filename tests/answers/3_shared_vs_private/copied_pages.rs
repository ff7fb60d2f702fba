//! Answers to `copied_pages`, right and wrong.

use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::unix::fs::FileExt;

use mmap_workbook::lesson_2::Mapping;
use mmap_workbook::observe::page_size;

/// Takes a page for the file's page if their bytes are equal.
///
/// fails: copied_pages::names_the_pages_that_were_stored_to failed equal-bytes-are-the-page
/// fails: copied_pages::asks_the_kernel_and_loads_no_byte failed
mod compares_the_bytes {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        let hash = |draft: &Mapping, page: usize| {
            let mut bytes = vec![0; page_size()];
            draft.read(page * page_size(), &mut bytes);
            let mut hasher = DefaultHasher::new();
            bytes.hash(&mut hasher);
            hasher.finish()
        };
        let mut copied = Vec::new();
        for page in 0..draft.range().len() / page_size() {
            // What the file has: a child that has discarded its draft sees it.
            let of_file = crate::solution::what_if(draft, |draft| {
                crate::solution::discard(draft).expect("madvise");
                hash(draft, page)
            })?;
            if hash(draft, page) != of_file {
                copied.push(page);
            }
        }
        Ok(copied)
    }
}

/// Returns a constant.
///
/// fails: copied_pages::names_the_pages_that_were_stored_to failed
/// fails: copied_pages::copies_nothing_itself failed
/// fails: copied_pages::asks_the_kernel_and_loads_no_byte failed
mod none_at_all {
    use super::*;

    pub fn copied_pages(_: &Mapping) -> io::Result<Vec<usize>> {
        Ok(Vec::new())
    }
}

/// Takes every page that is in the page table for a copy.
///
/// fails: copied_pages::names_the_pages_that_were_stored_to failed loading-copies
mod present_is_copied {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        let pages = draft.range().len() / page_size();
        let mut entries = vec![0; pages * 8];
        let first = u64::try_from(draft.address() / page_size()).map_err(io::Error::other)?;
        File::open("/proc/self/pagemap")?.read_exact_at(&mut entries, first * 8)?;
        let entries = entries.as_chunks::<8>().0.iter().map(|bytes| u64::from_ne_bytes(*bytes));
        Ok((0..).zip(entries).filter(|(_, entry)| entry >> 63 == 1).map(|(page, _)| page).collect())
    }
}

one_of! {
    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>>;
    compares_the_bytes none_at_all present_is_copied
}
