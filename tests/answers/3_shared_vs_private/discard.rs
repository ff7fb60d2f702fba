//! Answers to `discard`, right and wrong.

use std::io;
use std::ptr::NonNull;

use mmap_workbook::lesson_2::Mapping;
use mmap_workbook::observe::page_size;
use nix::sys::mman::{MsFlags, msync, munmap};

/// Expects msync(2) with MS_INVALIDATE to drop the copies.
///
/// fails: discard::the_draft_is_the_file_again_now_and_later failed
/// fails: discard::nothing_else_is_forgotten failed
mod invalidates_with_msync {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        let start =
            NonNull::new(std::ptr::with_exposed_provenance_mut(draft.address())).ok_or(io::ErrorKind::InvalidInput)?;
        // SAFETY: the addresses are the draft's, and their bytes stay what they are.
        Ok(unsafe { msync(start, draft.length(), MsFlags::MS_INVALIDATE) }?)
    }
}

/// Stores the file's bytes to the draft, which makes copies instead of dropping them.
///
/// fails: discard::the_draft_is_the_file_again_now_and_later failed equal-bytes-are-the-page
mod restores_the_bytes {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        let mut bytes = vec![0; draft.length()];
        crate::solution::discard(draft)?; // only to get at the file's bytes here
        draft.read(0, &mut bytes);
        for at in (0..draft.length()).step_by(page_size()) {
            draft.store(at, bytes[at]);
        }
        Ok(())
    }
}

/// Unmaps the pages, and with them the addresses.
///
/// fails: discard::the_draft_is_the_file_again_now_and_later killed
/// fails: discard::nothing_else_is_forgotten killed
mod unmaps {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        let start =
            NonNull::new(std::ptr::with_exposed_provenance_mut(draft.address())).ok_or(io::ErrorKind::InvalidInput)?;
        // SAFETY: none: the draft will be used again.
        Ok(unsafe { munmap(start, draft.length()) }?)
    }
}

one_of! {
    pub fn discard(draft: &Mapping) -> io::Result<()>;
    invalidates_with_msync restores_the_bytes unmaps
}
