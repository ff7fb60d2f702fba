//! # Exercise 2: an answer
//!
//! The first three functions use lesson 2's `Mapping`: it checks each access against the pages that are mapped, loads and
//! stores atomically, and gives its addresses back when it is dropped, on each way out. What is left to do is arithmetic,
//! and it is done in 64 bits, with checks instead of casts. The last one is about addresses, so it makes the calls itself.

use std::fs::File;
use std::io;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::ptr::NonNull;

use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use mmap_workbook::observe::{page_size, page_size_u64, whole_pages};
use nix::errno::Errno;
use nix::libc::c_void;
use nix::sys::mman::{MapFlags, ProtFlags, mmap, mmap_anonymous, munmap};

/// The offset of a mapping is that of a page; the byte is somewhere in it. The size is asked for first, because a page
/// behind the end of the file would be mapped just as well, and kill us at the touch.
pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
    if offset >= file.metadata()?.len() {
        return Ok(None);
    }
    let (edge, skip) = split(offset);
    let mapping = Mapping::of_file(file, edge, skip + 1, ProtFlags::PROT_READ, Sharing::Shared)?;
    Ok(Some(mapping.load(skip)))
}

/// Each turn begins on the edge before the byte that is next, so that only the first one may have something to skip. The
/// mapping of a turn ends with it, before the next one is made.
pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
    if window == 0 {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let end = to.min(file.metadata()?.len());
    // A window of more bytes than there are addresses is as large as they are.
    let window = window.checked_next_multiple_of(page_size()).unwrap_or(usize::MAX - (page_size() - 1));
    let (mut at, mut lines) = (from, 0);
    while at < end {
        let (edge, skip) = split(at);
        // What is left may be more than a usize can hold, where that has 32 bits.
        let length = usize::try_from(end - edge).unwrap_or(usize::MAX).min(window);
        let mapping = Mapping::of_file(file, edge, length, ProtFlags::PROT_READ, Sharing::Shared)?;
        lines += (skip..length).map(|at| u64::from(mapping.load(at) == b'\n')).sum::<u64>();
        at = edge + bytes(length);
    }
    Ok(lines)
}

/// Two mappings, since what is between the ranges may be more than there are addresses. When the ranges share a page, both
/// mappings show that page, and a store to either is seen through the other: they are the same memory.
pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
    if length == 0 {
        return Ok(());
    }
    if a.abs_diff(b) < bytes(length) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the ranges overlap"));
    }
    let size = file.metadata()?.len();
    // The sum, too, may be more than 64 bits can hold.
    if a.max(b).checked_add(bytes(length)).is_none_or(|end| end > size) {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let map = |offset| -> io::Result<(Mapping, usize)> {
        let (edge, skip) = split(offset);
        let mapped = skip.checked_add(length).ok_or(Errno::ENOMEM)?;
        Ok((Mapping::of_file(file, edge, mapped, READ_WRITE, Sharing::Shared)?, skip))
    };
    // Both are there before the first byte is changed.
    let ((a, at_a), (b, at_b)) = (map(a)?, map(b)?);
    for n in 0..length {
        let byte = a.load(at_a + n);
        a.store(at_a + n, b.load(at_b + n));
        b.store(at_b + n, byte);
    }
    Ok(())
}

/// `length` addresses from an aligned one on are among any `length + alignment - page` addresses. They are reserved as
/// memory that nobody may touch (PROT_NONE), so that from then on they are ours and no other thread's mmap(2) is given
/// them; only then is MAP_FIXED harmless. munmap(2) takes a mapping's ends as well as the whole.
pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
    if length == 0 || !alignment.is_power_of_two() || alignment < page_size() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let length = length.checked_next_multiple_of(page_size()).ok_or(Errno::ENOMEM)?;
    let reserved = length.checked_add(alignment - page_size()).ok_or(Errno::ENOMEM)?;
    let reserved = NonZeroUsize::new(reserved).ok_or(Errno::ENOMEM)?;
    // SAFETY: without an address hint the kernel picks a free range, so no memory in use is replaced.
    let start = unsafe { mmap_anonymous(None, reserved, ProtFlags::PROT_NONE, MapFlags::MAP_PRIVATE) }?;
    let start = start.as_ptr().expose_provenance();
    let end = start + reserved.get();
    let place = start.next_multiple_of(alignment);
    let fixed = MapFlags::MAP_SHARED | MapFlags::MAP_FIXED;
    let (at, size) = (NonZeroUsize::new(place), NonZeroUsize::new(length).ok_or(Errno::ENOMEM)?);
    // SAFETY: the addresses are inside the reservation, which is ours and which nothing refers to.
    let mapped = unsafe { mmap(at, size, READ_WRITE, fixed, file, 0) };
    if let Err(errno) = mapped {
        give_back(start..end)?;
        return Err(errno.into());
    }
    give_back(start..place)?;
    give_back(place + whole_pages(length)..end)?;
    Ok(place)
}

/// Unmaps addresses of a reservation; no addresses at all would be EINVAL.
fn give_back(addresses: Range<usize>) -> Result<(), Errno> {
    match NonNull::new(std::ptr::with_exposed_provenance_mut::<c_void>(addresses.start)) {
        // SAFETY: these addresses are ours, and nothing refers to them.
        Some(start) if !addresses.is_empty() => unsafe { munmap(start, addresses.len()) },
        _ => Ok(()),
    }
}

/// The edge of the page that `offset` is in, and how far behind it `offset` is.
fn split(offset: u64) -> (u64, usize) {
    let skip = offset % page_size_u64();
    (offset - skip, skip.try_into().expect("less than a page"))
}

fn bytes(count: usize) -> u64 {
    count.try_into().expect("no machine has addresses beyond 64 bits")
}

#[cfg(test)]
#[path = "../../../lessons/2_mmap_munmap/checks/mod.rs"]
mod checks;
