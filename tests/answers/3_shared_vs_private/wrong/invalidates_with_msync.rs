//! Expects msync(2) with MS_INVALIDATE to drop the copies.
//!
//! fails: discard::the_draft_is_the_file_again_now_and_later failed
//! fails: discard::nothing_else_is_forgotten failed

use std::io;
use std::ptr::NonNull;

use mmap_workbook::lesson_2::Mapping;
use nix::sys::mman::{MsFlags, msync};

pub use crate::solution::{commit, copied_pages, freeze, what_if};

pub fn discard(draft: &Mapping) -> io::Result<()> {
    let start =
        NonNull::new(std::ptr::with_exposed_provenance_mut(draft.address())).ok_or(io::ErrorKind::InvalidInput)?;
    // SAFETY: the addresses are the draft's, and their bytes stay what they are.
    Ok(unsafe { msync(start, draft.length(), MsFlags::MS_INVALIDATE) }?)
}

#[cfg(test)]
#[path = "../../../../lessons/3_shared_vs_private/checks/mod.rs"]
mod checks;
