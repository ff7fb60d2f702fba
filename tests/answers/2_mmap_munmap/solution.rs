//! # Exercise 2: an answer
//!
//! The first three functions use lesson 2's `Mapping`: it checks that each access is inside the mapped pages, loads and
//! stores atomically, and unmaps its addresses when it is dropped, on each return. What is left is arithmetic, done in
//! 64 bits, with checks instead of casts. The last function is about addresses, so it makes the calls itself.

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

/// A mapping begins at a page boundary; the byte is somewhere in the page. The size comes first, because mmap(2) would
/// map a page past the end of the file, too, and the access would raise SIGBUS.
pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
    if offset >= file.metadata()?.len() {
        return Ok(None);
    }
    let (boundary, skip) = split(offset);
    let mapping = Mapping::of_file(file, boundary, skip + 1, ProtFlags::PROT_READ, Sharing::Shared)?;
    Ok(Some(mapping.load(skip)))
}

/// Each iteration maps from the page boundary before the next byte, so only the first one may have something to skip.
/// Its mapping is unmapped before the next one is made.
pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
    if window == 0 {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let end = to.min(file.metadata()?.len());
    // A window that can't be rounded up is as large as the address space.
    let window = window.checked_next_multiple_of(page_size()).unwrap_or(usize::MAX - (page_size() - 1));
    let (mut at, mut lines) = (from, 0);
    while at < end {
        let (boundary, skip) = split(at);
        // What is left may not fit in a usize of 32 bits.
        let length = usize::try_from(end - boundary).unwrap_or(usize::MAX).min(window);
        let mapping = Mapping::of_file(file, boundary, length, ProtFlags::PROT_READ, Sharing::Shared)?;
        lines += (skip..length).map(|at| u64::from(mapping.load(at) == b'\n')).sum::<u64>();
        at = boundary + bytes(length);
    }
    Ok(lines)
}

/// Two mappings, since what is between the ranges may be larger than the address space. When the ranges share a page,
/// both mappings show it, and a store to either is seen through the other: they are the same memory.
pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
    if length == 0 {
        return Ok(());
    }
    if a.abs_diff(b) < bytes(length) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the ranges overlap"));
    }
    let size = file.metadata()?.len();
    // The addition may overflow 64 bits.
    if a.max(b).checked_add(bytes(length)).is_none_or(|end| end > size) {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let map = |offset| -> io::Result<(Mapping, usize)> {
        let (boundary, skip) = split(offset);
        let mapped = skip.checked_add(length).ok_or(Errno::ENOMEM)?;
        Ok((Mapping::of_file(file, boundary, mapped, READ_WRITE, Sharing::Shared)?, skip))
    };
    // Both are mapped before the first byte changes.
    let ((a, at_a), (b, at_b)) = (map(a)?, map(b)?);
    for n in 0..length {
        let byte = a.load(at_a + n);
        a.store(at_a + n, b.load(at_b + n));
        b.store(at_b + n, byte);
    }
    Ok(())
}

/// Any `length + alignment - page` page-aligned addresses contain an aligned one with `length` addresses from there on.
/// They are reserved as memory that can't be accessed (PROT_NONE): from then on no other thread's mmap(2) returns them,
/// and only then is MAP_FIXED harmless. munmap(2) can unmap the ends of a mapping as well as the whole.
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
    // SAFETY: the addresses are inside the reservation, which is ours and to which nothing refers.
    let mapped = unsafe { mmap(at, size, READ_WRITE, fixed, file, 0) };
    if let Err(errno) = mapped {
        unmap(start..end)?;
        return Err(errno.into());
    }
    unmap(start..place)?;
    unmap(place + whole_pages(length)..end)?;
    Ok(place)
}

/// Unmaps addresses of a reservation; for an empty range munmap(2) would return EINVAL.
fn unmap(addresses: Range<usize>) -> Result<(), Errno> {
    match NonNull::new(std::ptr::with_exposed_provenance_mut::<c_void>(addresses.start)) {
        // SAFETY: these addresses are ours, and nothing refers to them.
        Some(start) if !addresses.is_empty() => unsafe { munmap(start, addresses.len()) },
        _ => Ok(()),
    }
}

/// The page boundary before `offset`, and how far after it `offset` is.
fn split(offset: u64) -> (u64, usize) {
    let skip = offset % page_size_u64();
    (offset - skip, skip.try_into().expect("less than a page"))
}

fn bytes(count: usize) -> u64 {
    count.try_into().expect("no machine has addresses of more than 64 bits")
}
