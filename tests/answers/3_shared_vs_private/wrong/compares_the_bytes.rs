//! Takes a page for the file's page if their bytes are equal.
//!
//! fails: copied_pages::names_the_pages_that_were_stored_to failed equal-bytes-are-the-page
//! fails: copied_pages::asks_the_kernel_and_loads_no_byte failed

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;

use mmap_workbook::lesson_2::Mapping;
use mmap_workbook::observe::page_size;

pub use crate::solution::{commit, discard, freeze, what_if};

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

#[cfg(test)]
#[path = "../../../../lessons/3_shared_vs_private/checks/mod.rs"]
mod checks;
