//! Answers to `map_aligned`, right and wrong.

use std::fs::File;
use std::io;
use std::num::NonZeroUsize;
use std::ptr::NonNull;

use mmap_workbook::lesson_2::READ_WRITE;
use mmap_workbook::observe::page_size;
use nix::sys::mman::{MapFlags, mmap, munmap};

/// Picks an aligned address that looks free, and forces it with MAP_FIXED.
///
/// fails: map_aligned::replaces_only_what_is_its_own failed fixed-finds-room
mod fixed_at_a_free_looking_address {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let free = crate::solution::map_aligned(file, length, alignment)?;
        let (at, length) = (NonZeroUsize::new(free), NonZeroUsize::new(length).ok_or(io::ErrorKind::InvalidInput)?);
        let address =
            std::ptr::NonNull::new(std::ptr::with_exposed_provenance_mut(free)).ok_or(io::ErrorKind::InvalidInput)?;
        // SAFETY: mapped just now, and nothing refers to it.
        unsafe { nix::sys::mman::munmap(address, length.get()) }?;
        // SAFETY: none. Another thread may have been given these addresses meanwhile.
        let start = unsafe { mmap(at, length, READ_WRITE, MapFlags::MAP_SHARED | MapFlags::MAP_FIXED, file, 0) }?;
        Ok(start.as_ptr().expose_provenance())
    }
}

/// Aborts instead of returning an error.
///
/// fails: map_aligned::refuses_what_cannot_be_mapped killed
mod gives_up_by_abort {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        if length == 0 || length.checked_add(alignment).is_none() {
            std::process::abort();
        }
        crate::solution::map_aligned(file, length, alignment)
    }
}

/// Never unmaps the addresses that it does not need.
///
/// fails: map_aligned::takes_no_other_address failed munmap-takes-all
mod keeps_the_rest {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let more = NonZeroUsize::new(page_size()).ok_or(io::ErrorKind::InvalidInput)?;
        let address = crate::solution::map_aligned(file, length, alignment)?;
        // SAFETY: without an address hint the kernel picks a free range, so no memory in use is replaced.
        unsafe { nix::sys::mman::mmap_anonymous(None, more, READ_WRITE, MapFlags::MAP_PRIVATE) }?;
        Ok(address)
    }
}

/// Passes an aligned address as a hint, and assumes that the kernel follows it.
///
/// fails: map_aligned::is_aligned_and_shows_the_file failed address-is-an-order
mod trusts_the_hint {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let right = crate::solution::map_aligned(file, length, alignment)?;
        let start = NonNull::new(std::ptr::with_exposed_provenance_mut(right)).ok_or(io::ErrorKind::InvalidData)?;
        // SAFETY: the range is the one that was mapped just now, and nothing refers to it.
        unsafe { munmap(start, length) }?;
        let hint = NonZeroUsize::new(alignment.max(1 << 20));
        let length = NonZeroUsize::new(length).ok_or(io::ErrorKind::InvalidInput)?;
        // SAFETY: a hint replaces nothing.
        let start = unsafe { mmap(hint, length, READ_WRITE, MapFlags::MAP_SHARED, file, 0) }?;
        Ok(start.as_ptr().expose_provenance())
    }
}

one_of! {
    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize>;
    fixed_at_a_free_looking_address gives_up_by_abort keeps_the_rest trusts_the_hint
}
