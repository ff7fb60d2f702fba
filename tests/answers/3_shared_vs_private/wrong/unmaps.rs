//! Unmaps the pages, and with them the addresses.
//!
//! fails: discard::the_draft_is_the_file_again_now_and_later killed
//! fails: discard::nothing_else_is_forgotten killed

use std::io;
use std::ptr::NonNull;

use mmap_workbook::lesson_2::Mapping;
use nix::sys::mman::munmap;

pub use crate::solution::{commit, copied_pages, freeze, what_if};

pub fn discard(draft: &Mapping) -> io::Result<()> {
    let start =
        NonNull::new(std::ptr::with_exposed_provenance_mut(draft.address())).ok_or(io::ErrorKind::InvalidInput)?;
    // SAFETY: none: the draft will be used again.
    Ok(unsafe { munmap(start, draft.length()) }?)
}

#[cfg(test)]
#[path = "../../../../lessons/3_shared_vs_private/checks/mod.rs"]
mod checks;
