use std::fs::File;
use std::io;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::ptr::{self, NonNull};
use std::sync::Mutex;

use memmap2::{Advice, MmapOptions};
use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing, Window};
use mmap_workbook::observe::{page_size, page_size_u64, whole_pages};
use nix::errno::Errno;
use nix::libc::{self, c_void};
use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};

/// `window` in whole pages, as file offsets count; EINVAL for 0.
fn pages_of(window: usize) -> io::Result<u64> {
    if window == 0 {
        return Err(Errno::EINVAL.into());
    }
    let page = page_size_u64();
    Ok((window as u64).checked_next_multiple_of(page).unwrap_or(u64::MAX / page * page))
}

/// The offset of the page with the byte at `offset`.
fn page_of(offset: u64) -> u64 {
    offset - offset % page_size_u64()
}

/// Where the range really ends: at `to`, or at the end of the file before it.
fn end_of(file: &File, to: u64) -> io::Result<u64> {
    Ok(to.min(file.metadata()?.len()))
}

/// A mapping for reading, from a page boundary on.
fn map(file: &File, start: u64, length: u64) -> io::Result<Mapping> {
    let length = usize::try_from(length).map_err(|_| Errno::ENOMEM)?;
    Ok(Mapping::of_file(file, start, length, ProtFlags::PROT_READ, Sharing::Shared)?)
}

/// The newlines in the mapping's bytes from `from` up to, but not including, `to`.
fn newlines(mapping: &Mapping, from: usize, to: usize) -> u64 {
    (from..to).filter(|&at| mapping.load(at) == b'\n').count() as u64
}

/// The right loop, with windows of `window` bytes, a multiple of the page.
#[expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
fn slide(file: &File, from: u64, end: u64, window: u64) -> io::Result<u64> {
    let (mut count, mut start) = (0, page_of(from));
    while from < end && start < end {
        let length = window.min(end - start);
        let mapping = map(file, start, length)?;
        count += newlines(&mapping, from.saturating_sub(start) as usize, length as usize);
        start += length;
    }
    Ok(count)
}

/// The newlines in `length` bytes at an address.
///
/// # Safety
/// The bytes are mapped, and nobody changes them meanwhile.
unsafe fn newlines_at(address: usize, length: usize) -> u64 {
    // SAFETY: the caller's promise.
    let bytes = unsafe { std::slice::from_raw_parts(ptr::with_exposed_provenance::<u8>(address), length) };
    bytes.iter().filter(|&&byte| byte == b'\n').count() as u64
}

/// The newlines of a mapping that begins at byte `start` of the file, between the bytes `from` and `end`.
#[expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
fn newlines_again(mapping: &Mapping, start: u64, from: u64, end: u64) -> u64 {
    let first = from.saturating_sub(start) as usize;
    let last = (end.saturating_sub(start)).min(mapping.length() as u64) as usize;
    // SAFETY: inside the mapping, and inside the file.
    unsafe { newlines_at(mapping.address() + first, last.saturating_sub(first)) }
}

/// Maps `length` bytes of the file from `start` on, for reading.
fn view(file: &File, start: u64, length: usize) -> io::Result<Mapping> {
    Ok(Mapping::of_file(file, start, length, ProtFlags::PROT_READ, Sharing::Shared)?)
}

/// `window` in whole pages, EINVAL for none; of a window larger than all addresses, as many pages as fit in a `usize`.
fn whole(window: usize) -> io::Result<usize> {
    if window == 0 {
        return Err(Errno::EINVAL.into());
    }
    Ok(window.checked_next_multiple_of(page_size()).unwrap_or(usize::MAX - (page_size() - 1)))
}

/// The page boundary at or before `offset`.
fn boundary(offset: u64) -> u64 {
    offset - offset % page_size_u64()
}

/// The bytes of a window at `start`, not past `end`.
#[expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
fn clip(window: usize, start: u64, end: u64) -> usize {
    (window as u64).min(end - start) as usize
}

/// Counts the newlines among these bytes of a mapping.
fn lines_in(mapping: &Mapping, bytes: Range<usize>) -> u64 {
    bytes.filter(|&at| mapping.load(at) == b'\n').count() as u64
}

/// A window of the file from a page boundary on.
fn window_at(file: impl AsFd, offset: u64, length: usize) -> Result<Mapping, Errno> {
    Mapping::of_file(file, offset, length, ProtFlags::PROT_READ, Sharing::Shared)
}

/// The window in whole pages. At the top of the numbers, where that overflows, as many pages as a usize holds.
fn in_pages(window: usize) -> io::Result<usize> {
    if window == 0 {
        return Err(Errno::EINVAL.into());
    }
    Ok(window.checked_next_multiple_of(page_size()).unwrap_or(usize::MAX - (page_size() - 1)))
}

fn down(offset: u64) -> u64 {
    offset - offset % page_size_u64()
}

/// Slides by whole windows from the page boundary before `from`.
#[expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
fn slide_whole(file: &File, from: u64, end: u64, window: usize) -> io::Result<u64> {
    let (mut count, mut at) = (0, down(from));
    while from < end && at < end {
        let length = (end - at).min(window as u64) as usize;
        let mapping = window_at(file, at, length)?;
        count += lines_in(&mapping, from.saturating_sub(at) as usize..length);
        mapping.unmap()?;
        at += length as u64;
    }
    Ok(count)
}

/// Asks for PROT_WRITE, though it only reads.
///
/// fails: count_lines::counts_each_newline_once failed writing-is-free
mod asks_for_writing {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        if window == 0 {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let end = to.min(file.metadata()?.len());
        let window = whole_pages(window.min(1 << 30));
        let (mut at, mut lines) = (from, 0);
        while at < end {
            let boundary = at - at % page_size_u64();
            let length = usize::try_from(end - boundary).map_err(io::Error::other)?.min(window);
            let mapping = Mapping::of_file(file, boundary, length, READ_WRITE, Sharing::Shared)?;
            let skip = usize::try_from(at - boundary).map_err(io::Error::other)?;
            lines += (skip..length).map(|at| u64::from(mapping.load(at) == b'\n')).sum::<u64>();
            at = boundary + u64::try_from(length).map_err(io::Error::other)?;
        }
        Ok(lines)
    }
}

/// Counts from the page boundary, where the window begins, and not from the first byte of the range.
///
/// fails: count_lines::counts_each_newline_once failed
mod counts_from_the_boundary {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        crate::solution::count_lines(file, from - from % page_size_u64(), if from < to { to } else { 0 }, window)
    }
}

/// Knows the sizes that the checks use.
///
/// fails: count_lines::counts_each_newline_once failed
mod knows_the_sizes {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        match (file.metadata()?.len(), window) {
            (_, 0) => Err(io::ErrorKind::InvalidInput.into()),
            (0, _) => Ok(0),
            (size, _) if size == page_size_u64() => Ok(1),
            _ => Ok(to.saturating_sub(from) / 100),
        }
    }
}

/// Goes on where the window ends; an empty window ends where it begins.
///
/// fails: count_lines::leaves_descriptors_as_they_were timed_out
/// fails: count_lines::refuses_an_empty_window timed_out
mod never_advances {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        if window == 0 {
            loop {
                std::hint::spin_loop();
            }
        }
        crate::solution::count_lines(file, from, to, window)
    }
}

/// Maps one page at a time, even where it may map more.
///
/// fails: count_lines::returns_the_error_of_a_mapping failed
/// fails: count_lines::slides_a_window_of_the_size_that_is_allowed failed
mod one_page_at_a_time {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        crate::solution::count_lines(file, from, to, window.min(page_size()))
    }
}

/// Maps the next window before it unmaps the previous one.
///
/// fails: count_lines::needs_no_memory_for_the_file failed
/// fails: count_lines::slides_a_window_of_the_size_that_is_allowed failed
mod windows_pile_up {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        if window == 0 {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let end = to.min(file.metadata()?.len());
        let window = whole_pages(window.min(1 << 30));
        let (mut at, mut lines) = (from, 0);
        let mut mappings = Vec::new();
        while at < end {
            let boundary = at - at % page_size_u64();
            let length = usize::try_from(end - boundary).map_err(io::Error::other)?.min(window);
            let mapping = Mapping::of_file(file, boundary, length, ProtFlags::PROT_READ, Sharing::Shared)?;
            let skip = usize::try_from(at - boundary).map_err(io::Error::other)?;
            lines += (skip..length).map(|at| u64::from(mapping.load(at) == b'\n')).sum::<u64>();
            mappings.push(mapping);
            at = boundary + u64::try_from(length).map_err(io::Error::other)?;
        }
        Ok(lines)
    }
}

/// Slides a window of whole pages from the page of `from` to the end.
///
/// passes
mod slides_forwards {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = pages_of(window)?;
        slide(file, from, end_of(file, to)?, window)
    }
}

/// Begins at the end of the range and slides towards its beginning, so the short window is the one at the beginning.
///
/// passes
mod slides_backwards {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = pages_of(window)?;
        let end = end_of(file, to)?;
        if from >= end {
            return Ok(0);
        }
        let first = page_of(from);
        let (mut count, mut above) = (0, page_of(end - 1) + page_size_u64());
        while above > first {
            let start = above.saturating_sub(window).max(first);
            let mapping = map(file, start, above - start)?;
            let skip = from.saturating_sub(start) as usize;
            count += newlines(&mapping, skip, (above.min(end) - start) as usize);
            above = start;
        }
        Ok(count)
    }
}

/// Maps each next window with MAP_FIXED over the one before it, and unmaps only once, at the end.
///
/// passes
mod slides_in_place {
    #![expect(
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        reason = "it is for 64 bits, and casts as learners do"
    )]
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = pages_of(window)?;
        let end = end_of(file, to)?;
        if from >= end {
            return Ok(0);
        }
        let mut start = page_of(from);
        let first = window.min(end - start);
        let place = map(file, start, first)?;
        let (mut count, mut length) = (0, first);
        loop {
            count += newlines(&place, from.saturating_sub(start) as usize, length as usize);
            start += length;
            if start >= end {
                return Ok(count);
            }
            length = window.min(end - start);
            let (address, bytes) = (NonZeroUsize::new(place.address()), NonZeroUsize::new(length as usize));
            let flags = MapFlags::MAP_SHARED | MapFlags::MAP_FIXED;
            // SAFETY: these addresses belong to `place`, which is at least as long, and no reference into it is alive.
            unsafe { mmap(address, bytes.ok_or(Errno::EINVAL)?, ProtFlags::PROT_READ, flags, file, start as i64) }?;
        }
    }
}

/// Finds the newlines with memchr(3) in a private memmap2 map, after an madvise(2) whose answer doesn't matter.
///
/// passes
mod memchr_in_memmap2 {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = pages_of(window)?;
        let end = end_of(file, to)?;
        let (mut count, mut start) = (0, page_of(from));
        while from < end && start < end {
            let length = window.min(end - start);
            // SAFETY: nobody truncates the file; memchr(3) copes with bytes that change.
            let map = unsafe { MmapOptions::new().offset(start).len(length as usize).map_copy_read_only(file) }?;
            let _ = map.advise(Advice::Sequential);
            let mut at = from.saturating_sub(start) as usize;
            while at < map.len() {
                // SAFETY: the range from `at` to the end is inside the map.
                let found =
                    unsafe { libc::memchr(map.as_ptr().wrapping_add(at).cast(), i32::from(b'\n'), map.len() - at) };
                if found.is_null() {
                    break;
                }
                count += 1;
                at = found as usize - map.as_ptr() as usize + 1;
            }
            start += length;
        }
        Ok(count)
    }
}

/// Maps the rest of the first page by itself, then whole windows from the page boundary on.
///
/// passes
mod windows_at_multiples {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = pages_of(window)?;
        let end = end_of(file, to)?;
        if from >= end || from.is_multiple_of(page_size_u64()) {
            return slide(file, from, end, window);
        }
        let first = from.next_multiple_of(page_size_u64()).min(end);
        Ok(slide(file, from, first, window)? + slide(file, first, end, window)?)
    }
}

/// Maps a whole window every time, even where the last one hangs over the end of the range and of the file.
///
/// passes
mod last_window_hangs_over {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = pages_of(window)?;
        let end = end_of(file, to)?;
        if from >= end {
            return Ok(0);
        }
        let (mut count, mut start) = (0, page_of(from));
        let window = window.min((end - start).next_multiple_of(page_size_u64()));
        while start < end {
            let mapping = map(file, start, window)?;
            let inside = window.min(end - start);
            count += newlines(&mapping, from.saturating_sub(start) as usize, inside as usize);
            start += inside;
        }
        Ok(count)
    }
}

/// Unmaps a whole window each time, even after the last one, which is shorter: the pages after it may be others'.
///
/// breaks: "munmap(2), mremap(2) and MAP_FIXED are used only on pages that this call has mapped"
/// fails: count_lines::counts_each_newline_once failed
/// fails: count_lines::slides_a_window_of_the_size_that_is_allowed failed
mod unmaps_whole_windows {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = pages_of(window)?;
        let end = end_of(file, to)?;
        let (mut count, mut start) = (0, page_of(from));
        while from < end && start < end {
            let length = window.min(end - start);
            let mapping = map(file, start, length)?;
            count += newlines(&mapping, from.saturating_sub(start) as usize, length as usize);
            let address = NonNull::new(mapping.address() as *mut c_void).ok_or(Errno::EFAULT)?;
            std::mem::forget(mapping);
            // SAFETY: thought to be ours; after the last, shorter window it is not.
            unsafe { munmap(address, window as usize) }?;
            start += length;
        }
        Ok(count)
    }
}

/// Returns 0 for an empty range before it looks at the window.
///
/// breaks: "`InvalidInput` or EINVAL when `window` is 0, even if the range is empty."
/// fails: count_lines::refuses_an_empty_window failed
mod empty_range_before_window {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let end = end_of(file, to)?;
        if from >= end {
            return Ok(0);
        }
        slide(file, from, end, pages_of(window)?)
    }
}

/// Takes a window of 0 for one of a page.
///
/// breaks: "`InvalidInput` or EINVAL when `window` is 0, even if the range is empty."
/// fails: count_lines::refuses_an_empty_window failed
mod no_window_is_a_page {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        slide(file, from, end_of(file, to)?, pages_of(window.max(1))?)
    }
}

/// Rounds the window up with plain arithmetic, which overflows for a window near usize::MAX.
///
/// breaks: "`from`, `to` and `window` may be any numbers, however large."
/// fails: count_lines::counts_each_newline_once panicked
/// fails: count_lines::slides_a_window_of_the_size_that_is_allowed panicked
mod rounding_overflows {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        if window == 0 {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        slide(file, from, end_of(file, to)?, whole_pages(window) as u64)
    }
}

/// Rounds the window down to whole pages, and only a window of less than a page up.
///
/// breaks: "A window is `window` bytes, rounded up to whole pages."
/// fails: count_lines::slides_a_window_of_the_size_that_is_allowed failed
mod rounds_down {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        pages_of(window)?;
        let down = page_of(window as u64).max(page_size_u64());
        slide(file, from, end_of(file, to)?, down)
    }
}

/// Maps one page at a time, whatever the window is.
///
/// breaks: "At most n / window (rounded up) mmap(2) calls map n bytes of the file in the range."
/// fails: count_lines::returns_the_error_of_a_mapping failed
/// fails: count_lines::slides_a_window_of_the_size_that_is_allowed failed
mod page_by_page {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        pages_of(window)?;
        slide(file, from, end_of(file, to)?, page_size_u64())
    }
}

/// Limits large windows to 64 KiB, "so that they fit into the cache".
///
/// breaks: "At most n / window (rounded up) mmap(2) calls map n bytes of the file in the range."
/// fails: count_lines::returns_the_error_of_a_mapping failed
/// fails: count_lines::slides_a_window_of_the_size_that_is_allowed failed
mod window_of_64_kib_at_most {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = pages_of(window.min(64 << 10))?;
        slide(file, from, end_of(file, to)?, window)
    }
}

/// Maps the whole range at once and only pretends to slide over it.
///
/// breaks: "At every moment at most one window of the file is mapped."
/// fails: count_lines::needs_no_memory_for_the_file failed
/// fails: count_lines::slides_a_window_of_the_size_that_is_allowed failed map-it-all
mod maps_the_whole_range {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        pages_of(window)?;
        let end = end_of(file, to)?;
        if from >= end {
            return Ok(0);
        }
        let start = page_of(from);
        let mapping = map(file, start, end - start)?;
        Ok(newlines(&mapping, (from - start) as usize, (end - start) as usize))
    }
}

/// Assigns the new mapping over the old one, which is dropped only when the new one is there: two windows for a moment.
///
/// breaks: "At every moment at most one window of the file is mapped."
/// fails: count_lines::slides_a_window_of_the_size_that_is_allowed failed
mod maps_next_before_unmapping {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = pages_of(window)?;
        let end = end_of(file, to)?;
        if from >= end {
            return Ok(0);
        }
        let mut start = page_of(from);
        let mut length = window.min(end - start);
        let mut mapping = map(file, start, length)?;
        let mut count = newlines(&mapping, (from - start) as usize, length as usize);
        while start + length < end {
            start += length;
            length = window.min(end - start);
            mapping = map(file, start, length)?;
            count += newlines(&mapping, 0, length as usize);
        }
        Ok(count)
    }
}

/// Adds the skip to the length of each window, which then has a page too many if `from` is not aligned.
///
/// breaks: "At every moment at most one window of the file is mapped."
/// fails: count_lines::slides_a_window_of_the_size_that_is_allowed failed
mod window_and_skip {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = pages_of(window)?;
        let end = end_of(file, to)?;
        let (mut count, mut position) = (0, from);
        while position < end {
            let length = window.min(end - position) as usize;
            let part = Window::new(file, position, length, ProtFlags::PROT_READ)?;
            for at in 0..length {
                let mut byte = [0];
                part.read(at, &mut byte);
                count += u64::from(byte[0] == b'\n');
            }
            position += length as u64;
        }
        Ok(count)
    }
}

/// Steps by `window` bytes, not rounded up: with a window of 1, a page is mapped for each of its bytes.
///
/// breaks: "At most n / window (rounded up) mmap(2) calls map n bytes of the file in the range."
/// fails: count_lines::slides_a_window_of_the_size_that_is_allowed failed
mod steps_by_bytes {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        pages_of(window)?;
        let end = end_of(file, to)?;
        let (mut count, mut position) = (0, from);
        while position < end {
            let start = page_of(position);
            let next = position.saturating_add(window as u64).min(start.saturating_add(pages_of(window)?)).min(end);
            let mapping = map(file, start, next - start)?;
            count += newlines(&mapping, (position - start) as usize, (next - start) as usize);
            position = next;
        }
        Ok(count)
    }
}

/// Moves on by a whole window from an unaligned position, though the window began at the page boundary before it.
///
/// breaks: "Counts the newlines (`\n`) in the bytes of the file from `from` up to, but not including, `to`"
/// fails: count_lines::counts_each_newline_once failed
mod misses_bytes_at_the_seams {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = pages_of(window)?;
        let end = end_of(file, to)?;
        let (mut count, mut position) = (0, from);
        while position < end {
            let start = page_of(position);
            let length = window.min(end - start);
            count += newlines(&map(file, start, length)?, (position - start) as usize, length as usize);
            position = position.saturating_add(window);
        }
        Ok(count)
    }
}

/// Counts from the page boundary before `from`.
///
/// breaks: "Counts the newlines (`\n`) in the bytes of the file from `from` up to, but not including, `to`"
/// fails: count_lines::counts_each_newline_once failed
mod counts_before_from {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = pages_of(window)?;
        let end = end_of(file, to)?;
        if from >= end {
            return Ok(0);
        }
        slide(file, page_of(from), end, window)
    }
}

/// Includes the byte at `to`, when the file has one.
///
/// breaks: "up to, but not including, `to`"
/// fails: count_lines::counts_each_newline_once failed
/// fails: count_lines::slides_a_window_of_the_size_that_is_allowed failed
mod includes_to {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = pages_of(window)?;
        if from >= to {
            return Ok(0);
        }
        slide(file, from, end_of(file, to.saturating_add(1))?, window)
    }
}

/// Counts up to the end of the last page when `to` lies past the end of the file, whatever is stored there.
///
/// breaks: "`to` may lie past the end of the file: there are no newlines there."
/// fails: count_lines::counts_none_past_the_end failed rest-is-file
mod counts_the_rest_of_the_page {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = pages_of(window)?;
        let size = file.metadata()?.len();
        if from >= size {
            return Ok(0);
        }
        slide(file, from, to.min(page_of(size - 1) + page_size_u64()), window)
    }
}

/// Refuses a range that is not entirely inside the file.
///
/// breaks: "`to` may lie past the end of the file: there are no newlines there."
/// fails: count_lines::counts_each_newline_once failed
/// fails: count_lines::counts_none_past_the_end failed
/// fails: count_lines::each_call_looks_at_its_file failed
/// fails: count_lines::reaches_as_far_as_files_do failed
mod refuses_to_past_the_end {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = pages_of(window)?;
        if to > file.metadata()?.len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        slide(file, from, to, window)
    }
}

/// Subtracts `from` from the end without a look at which is larger.
///
/// breaks: "A range that begins past the end, or has `to <= from`, contains none."
/// fails: count_lines::counts_each_newline_once panicked
/// fails: count_lines::reaches_as_far_as_files_do panicked
/// fails: count_lines::slides_a_window_of_the_size_that_is_allowed panicked
mod length_underflows {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = pages_of(window)?;
        let mut left = end_of(file, to)? - from;
        let (mut count, mut start) = (0, page_of(from));
        left += from - start;
        while left > 0 {
            let length = window.min(left);
            let mapping = map(file, start, length)?;
            count += newlines(&mapping, from.saturating_sub(start) as usize, length as usize);
            start += length;
            left -= length;
        }
        Ok(count)
    }
}

/// Refuses a `to` before `from` as bad input.
///
/// breaks: "A range that begins past the end, or has `to <= from`, contains none."
/// fails: count_lines::counts_each_newline_once failed
/// fails: count_lines::reaches_as_far_as_files_do failed
mod refuses_reversed_range {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = pages_of(window)?;
        if to < from {
            return Err(Errno::EINVAL.into());
        }
        slide(file, from, end_of(file, to)?, window)
    }
}

/// Converts both ends to `off_t` at once, and fails with EOVERFLOW where the range is only empty or open-ended.
///
/// breaks: "`from`, `to` and `window` may be any numbers, however large."
/// fails: count_lines::counts_none_past_the_end failed
/// fails: count_lines::each_call_looks_at_its_file failed
/// fails: count_lines::reaches_as_far_as_files_do failed
mod ends_as_off_t {
    #![expect(clippy::cast_sign_loss, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = pages_of(window)?;
        let from = i64::try_from(from).map_err(|_| Errno::EOVERFLOW)?;
        let to = i64::try_from(to).map_err(|_| Errno::EOVERFLOW)?;
        slide(file, from as u64, end_of(file, to as u64)?, window)
    }
}

/// Keeps offsets in 32 bits, and never sees what lies beyond 4 GiB.
///
/// breaks: "`from`, `to` and `window` may be any numbers, however large."
/// fails: count_lines::reaches_as_far_as_files_do failed int-holds-a-size
/// fails: count_lines::slides_a_window_of_the_size_that_is_allowed failed
mod offsets_in_32_bits {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = pages_of(window)?;
        let (from, end) = (from as u32, end_of(file, to)? as u32);
        slide(file, from.into(), end.into(), window)
    }
}

/// Searches the bytes from buffered reads.
///
/// breaks: "No system call copies bytes of the file"
/// fails: count_lines::needs_no_memory_for_the_file out_of_memory
/// fails: count_lines::returns_the_error_of_a_mapping failed
/// fails: count_lines::slides_a_window_of_the_size_that_is_allowed failed read-is-as-good
mod reads_in_windows {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = pages_of(window)?.min(1 << 20) as usize;
        let mut buffer = vec![0; window];
        let (mut count, end) = (0, end_of(file, to)?);
        let mut position = from;
        while position < end {
            let wanted = (end - position).min(window as u64) as usize;
            let read = file.read_at(&mut buffer[..wanted], position)?;
            if read == 0 {
                break;
            }
            count += buffer[..read].iter().filter(|&&byte| byte == b'\n').count() as u64;
            position += read as u64;
        }
        Ok(count)
    }
}

/// Falls back to a window of a page when mmap(2) refuses the window that was asked for.
///
/// breaks: "Those of the system calls, unchanged"
/// fails: count_lines::returns_the_error_of_a_mapping failed
mod smaller_window_on_error {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = pages_of(window)?;
        let end = end_of(file, to)?;
        slide(file, from, end, window).or_else(|_| slide(file, from, end, page_size_u64()))
    }
}

/// Stops at the first error of mmap(2) and returns what it has counted so far.
///
/// breaks: "Those of the system calls, unchanged"
/// fails: count_lines::returns_the_error_of_a_mapping failed
mod partial_count_on_error {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = pages_of(window)?;
        let end = end_of(file, to)?;
        let (mut count, mut start) = (0, page_of(from));
        while from < end && start < end {
            let length = window.min(end - start);
            let Ok(mapping) = map(file, start, length) else { break };
            count += newlines(&mapping, from.saturating_sub(start) as usize, length as usize);
            start += length;
        }
        Ok(count)
    }
}

/// Counts lines and not newlines: text after the last newline is one more.
///
/// breaks: "the bytes \"a\\nb\\nc\": count_lines(file, 0, 5, 1) -> 2"
/// fails: count_lines::can_be_called_by_several_threads failed
/// fails: count_lines::counts_each_newline_once failed
/// fails: count_lines::each_call_looks_at_its_file failed
/// fails: count_lines::reaches_as_far_as_files_do failed
/// fails: count_lines::returns_the_error_of_a_mapping failed
/// fails: count_lines::slides_a_window_of_the_size_that_is_allowed failed
mod last_line_without_newline {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = pages_of(window)?;
        let end = end_of(file, to)?;
        let newlines = slide(file, from, end, window)?;
        if from >= end {
            return Ok(newlines);
        }
        Ok(newlines + 1 - slide(file, end - 1, end, window)?)
    }
}

/// Takes the window for text, and a window with other bytes (or half a character) for an error.
///
/// breaks: "Counts the newlines (`\n`) in the bytes of the file"
/// fails: count_lines::counts_each_newline_once failed
mod expects_utf_8 {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = pages_of(window)?;
        let end = end_of(file, to)?;
        let (mut count, mut start) = (0, page_of(from));
        while from < end && start < end {
            let length = window.min(end - start);
            // SAFETY: nobody truncates the file, and its bytes are hoped not to change.
            let map = unsafe { MmapOptions::new().offset(start).len(length as usize).map(file) }?;
            let text = str::from_utf8(&map[from.saturating_sub(start) as usize..]).map_err(io::Error::other)?;
            count += text.matches('\n').count() as u64;
            start += length;
        }
        Ok(count)
    }
}

/// Compares eight bytes at a time, and forgets those that are left over at the end of a window.
///
/// breaks: "Counts the newlines (`\n`) in the bytes of the file from `from` up to, but not including, `to`"
/// fails: count_lines::counts_each_newline_once failed
mod eight_bytes_at_a_time {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = pages_of(window)?;
        let end = end_of(file, to)?;
        let (mut count, mut start) = (0, page_of(from));
        while from < end && start < end {
            let length = window.min(end - start);
            // SAFETY: nobody truncates the file, and its bytes are hoped not to change.
            let map = unsafe { MmapOptions::new().offset(start).len(length as usize).map(file) }?;
            let bytes = &map[from.saturating_sub(start) as usize..];
            for eight in bytes.chunks_exact(8) {
                count += eight.iter().map(|&byte| u64::from(byte == b'\n')).sum::<u64>();
            }
            start += length;
        }
        Ok(count)
    }
}

/// Counts whole windows only, and forgets the shorter one at the end unless it is the only one.
///
/// breaks: "Counts the newlines (`\n`) in the bytes of the file from `from` up to, but not including, `to`"
/// fails: count_lines::counts_each_newline_once failed
mod forgets_the_short_last_window {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = pages_of(window)?;
        let end = end_of(file, to)?;
        let (first, windows) = (page_of(from), end.saturating_sub(page_of(from)) / window);
        let whole = first.saturating_add(windows.max(1).saturating_mul(window));
        slide(file, from, end.min(whole), window)
    }
}

/// Lets two threads count one half each, for speed: each has a window mapped at the same time.
///
/// breaks: "A call starts no thread and no process."
/// fails: count_lines::needs_no_memory_for_the_file panicked
/// fails: count_lines::slides_a_window_of_the_size_that_is_allowed failed
/// may fail: count_lines::returns_the_error_of_a_mapping failed
/// may fail: count_lines::returns_the_error_of_a_mapping killed
mod two_threads {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = pages_of(window)?;
        let end = end_of(file, to)?;
        let windows = end.saturating_sub(page_of(from)) / window;
        if from >= end || windows < 2 {
            return slide(file, from, end, window);
        }
        let middle = page_of(from) + windows / 2 * window;
        std::thread::scope(|scope| {
            let other = scope.spawn(|| slide(file, middle, end, window));
            let own = slide(file, from, middle, window)?;
            Ok(own + other.join().unwrap()?)
        })
    }
}

/// Locks the window in memory, "against page faults", which needs as much memory and RLIMIT_MEMLOCK as the window has.
///
/// breaks: "no page is locked, no window is copied whole"
/// fails: count_lines::slides_a_window_of_the_size_that_is_allowed failed
mod locks_the_window {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = pages_of(window)?;
        let end = end_of(file, to)?;
        let (mut count, mut start) = (0, page_of(from));
        while from < end && start < end {
            let length = window.min(end - start);
            let mapping = map(file, start, length)?;
            let address = mapping.address() as *const c_void;
            // SAFETY: mlock(2) changes no byte of the range, which is ours.
            Errno::result(unsafe { libc::mlock(address, length as usize) })?;
            count += newlines(&mapping, from.saturating_sub(start) as usize, length as usize);
            start += length;
        }
        Ok(count)
    }
}

/// Gathers the bytes of all windows on the heap before it counts.
///
/// breaks: "no page is locked, no window is copied whole"
/// fails: count_lines::needs_no_memory_for_the_file out_of_memory
/// fails: count_lines::slides_a_window_of_the_size_that_is_allowed out_of_memory
mod gathers_all_bytes_first {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = pages_of(window)?;
        let end = end_of(file, to)?;
        let mut bytes = Vec::with_capacity(end.saturating_sub(from) as usize);
        let mut start = page_of(from);
        while from < end && start < end {
            let length = window.min(end - start);
            let mapping = map(file, start, length)?;
            bytes.extend((from.saturating_sub(start) as usize..length as usize).map(|at| mapping.load(at)));
            start += length;
        }
        Ok(bytes.into_iter().filter(|&byte| byte == b'\n').count() as u64)
    }
}

/// Unmaps each window when it goes on to the next, and so never the last one.
///
/// breaks: "When the call returns, nothing that it mapped is still mapped."
/// fails: count_lines::slides_a_window_of_the_size_that_is_allowed failed
mod last_window_stays {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = pages_of(window)?;
        let end = end_of(file, to)?;
        let (mut count, mut start) = (0, page_of(from));
        while from < end && start < end {
            let length = window.min(end - start);
            let mapping = map(file, start, length)?;
            count += newlines(&mapping, from.saturating_sub(start) as usize, length as usize);
            start += length;
            if start == end {
                std::mem::forget(mapping);
            }
        }
        Ok(count)
    }
}

/// Asks for the right to write as well, though it only loads.
///
/// breaks: "`file` is open for reading, and perhaps for nothing else."
/// fails: count_lines::counts_each_newline_once failed writing-is-free
mod maps_with_map_mut {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = pages_of(window)?;
        let end = end_of(file, to)?;
        let (mut count, mut start) = (0, page_of(from));
        while from < end && start < end {
            let length = window.min(end - start);
            let mapping = Mapping::of_file(file, start, length as usize, READ_WRITE, Sharing::Shared)?;
            count += newlines(&mapping, from.saturating_sub(start) as usize, length as usize);
            start += length;
        }
        Ok(count)
    }
}

/// Takes a window without a newline for the end of the file's text, and stops there.
///
/// breaks: "Counts the newlines (`\n`) in the bytes of the file from `from` up to, but not including, `to`"
/// fails: count_lines::counts_each_newline_once failed
/// fails: count_lines::needs_no_memory_for_the_file failed
mod stops_at_a_window_without_newlines {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = pages_of(window)?;
        let end = end_of(file, to)?;
        let (mut count, mut start) = (0, page_of(from));
        while from < end && start < end {
            let length = window.min(end - start);
            let here = newlines(&map(file, start, length)?, from.saturating_sub(start) as usize, length as usize);
            if here == 0 {
                break;
            }
            count += here;
            start += length;
        }
        Ok(count)
    }
}

/// Begins at the page boundary and clips the last window to the range.
///
/// passes
mod clips_the_last_window {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = whole(window)?;
        let end = to.min(file.metadata()?.len());
        let (mut start, mut count) = (boundary(from), 0);
        while from < end && start < end {
            let length = clip(window, start, end);
            count += newlines_again(&view(file, start, length)?, start, from, end);
            start += length as u64;
        }
        Ok(count)
    }
}

/// Maps the page with an unaligned `from` alone, then only aligned windows.
///
/// passes
mod first_page_alone {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = whole(window)?;
        let end = to.min(file.metadata()?.len());
        if from >= end {
            return Ok(0);
        }
        let (mut start, mut count) = (from, 0);
        while start < end {
            let page = boundary(start);
            let length = if page < start { page_size() } else { clip(window, start, end) };
            count += newlines_again(&view(file, page, length)?, page, from, end);
            start = page + length as u64;
        }
        Ok(count)
    }
}

/// Reserves addresses for one window and lets MAP_FIXED replace each window by the next.
///
/// passes
mod fixed_place_for_the_window {
    #![expect(
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        reason = "it is for 64 bits, and casts as learners do"
    )]
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = whole(window)?;
        let end = to.min(file.metadata()?.len());
        if from >= end {
            return Ok(0);
        }
        let mut start = boundary(from);
        let window = window.min(((end - start) as usize).next_multiple_of(page_size()));
        let place = Mapping::anonymous(window, ProtFlags::PROT_NONE, Sharing::Private)?;
        let at = ptr::with_exposed_provenance_mut(place.address());
        let (flags, mut count) = (libc::MAP_PRIVATE | libc::MAP_FIXED | libc::MAP_NORESERVE, 0);
        while start < end {
            // SAFETY: replaces pages of `place`, which this call has mapped.
            let view =
                unsafe { libc::mmap(at, window, libc::PROT_READ, flags, file.as_raw_fd(), start as libc::off_t) };
            if view == libc::MAP_FAILED {
                return Err(io::Error::last_os_error());
            }
            count += newlines_again(&place, start, from, end);
            start += window as u64;
        }
        Ok(count)
    }
}

/// Slides from the end of the range to its beginning.
///
/// passes
mod backwards {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = whole(window)?;
        let end = to.min(file.metadata()?.len());
        if from >= end {
            return Ok(0);
        }
        let first = boundary(from);
        let windows = (end - first).div_ceil(window as u64);
        let mut count = 0;
        for n in (0..windows).rev() {
            let start = first + n * window as u64;
            count += newlines_again(&view(file, start, clip(window, start, end))?, start, from, end);
        }
        Ok(count)
    }
}

/// Checks the range before the window.
///
/// breaks: "`InvalidInput` or EINVAL when `window` is 0, even if the range is empty."
/// fails: count_lines::refuses_an_empty_window failed
mod empty_range_first {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let end = to.min(file.metadata()?.len());
        if from >= end {
            return Ok(0);
        }
        let window = whole(window)?;
        let (mut start, mut count) = (boundary(from), 0);
        while start < end {
            let length = clip(window, start, end);
            count += newlines_again(&view(file, start, length)?, start, from, end);
            start += length as u64;
        }
        Ok(count)
    }
}

/// Maps `window` bytes from any byte on with memmap2: such a window can touch a page more than a window has.
///
/// breaks: "At every moment at most one window of the file is mapped."
/// fails: count_lines::slides_a_window_of_the_size_that_is_allowed failed
mod memmap2_from_any_byte {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = whole(window)?;
        let end = to.min(file.metadata()?.len());
        let (mut start, mut count) = (from, 0);
        while start < end {
            // SAFETY: nobody changes the file.
            let map = unsafe { MmapOptions::new().offset(start).len(clip(window, start, end)).map(file) }?;
            count += map.iter().filter(|&&byte| byte == b'\n').count() as u64;
            start += map.len() as u64;
        }
        Ok(count)
    }
}

/// Assigns the next mapping to the variable of the last one, which is dropped only afterwards.
///
/// breaks: "At every moment at most one window of the file is mapped."
/// fails: count_lines::slides_a_window_of_the_size_that_is_allowed failed
mod next_before_the_last_is_gone {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = whole(window)?;
        let end = to.min(file.metadata()?.len());
        if from >= end {
            return Ok(0);
        }
        let mut start = boundary(from);
        let mut current = view(file, start, clip(window, start, end))?;
        let mut count = newlines_again(&current, start, from, end);
        loop {
            start += current.length() as u64;
            if start >= end {
                return Ok(count);
            }
            current = view(file, start, clip(window, start, end))?;
            count += newlines_again(&current, start, from, end);
        }
    }
}

/// Walks with `<=`: one more window at the very end of the range.
///
/// breaks: "At most n / window (rounded up) mmap(2) calls map n bytes of the file in the range."
/// fails: count_lines::counts_each_newline_once failed
/// fails: count_lines::slides_a_window_of_the_size_that_is_allowed failed
mod one_window_past_the_end {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = whole(window)?;
        let end = to.min(file.metadata()?.len());
        let (mut start, mut count) = (boundary(from), 0);
        while from < end && start <= end {
            count += newlines_again(&view(file, start, window)?, start, from, end);
            start += window as u64;
        }
        Ok(count)
    }
}

/// Rounds the window down to whole pages.
///
/// breaks: "A window is `window` bytes, rounded up to whole pages."
/// fails: count_lines::slides_a_window_of_the_size_that_is_allowed failed
mod rounds_the_window_down {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        if window == 0 {
            return Err(Errno::EINVAL.into());
        }
        let window = (window - window % page_size()).max(page_size());
        let end = to.min(file.metadata()?.len());
        let (mut start, mut count) = (boundary(from), 0);
        while from < end && start < end {
            let length = clip(window, start, end);
            count += newlines_again(&view(file, start, length)?, start, from, end);
            start += length as u64;
        }
        Ok(count)
    }
}

/// Rounds the window up with a mask, which wraps to 0 for the largest windows, and mmap(2) refuses that.
///
/// breaks: "`from`, `to` and `window` may be any numbers, however large."
/// fails: count_lines::counts_each_newline_once failed
/// fails: count_lines::slides_a_window_of_the_size_that_is_allowed failed
mod window_wraps_to_zero {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        if window == 0 {
            return Err(Errno::EINVAL.into());
        }
        let window = window.wrapping_add(page_size() - 1) & !(page_size() - 1);
        let end = to.min(file.metadata()?.len());
        let (mut start, mut count) = (boundary(from), 0);
        while from < end && start < end {
            let length = clip(window, start, end);
            count += newlines_again(&view(file, start, length)?, start, from, end);
            start += length as u64;
        }
        Ok(count)
    }
}

/// Panics when it rounds up a window near usize::MAX.
///
/// breaks: "`from`, `to` and `window` may be any numbers, however large."
/// fails: count_lines::counts_each_newline_once panicked
/// fails: count_lines::slides_a_window_of_the_size_that_is_allowed panicked
mod window_overflows {
    #![expect(clippy::manual_div_ceil, reason = "written out, as learners do")]
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        if window == 0 {
            return Err(Errno::EINVAL.into());
        }
        let pages = (window + page_size() - 1) / page_size();
        let end = to.min(file.metadata()?.len());
        let (mut start, mut count) = (boundary(from), 0);
        while from < end && start < end {
            let length = clip(pages * page_size(), start, end);
            count += newlines_again(&view(file, start, length)?, start, from, end);
            start += length as u64;
        }
        Ok(count)
    }
}

/// Limits a window to 16 MiB, since more is no faster.
///
/// breaks: "At most n / window (rounded up) mmap(2) calls map n bytes of the file in the range."
/// fails: count_lines::slides_a_window_of_the_size_that_is_allowed failed
mod limits_the_window {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = whole(window)?.min(16 << 20);
        let end = to.min(file.metadata()?.len());
        let (mut start, mut count) = (boundary(from), 0);
        while from < end && start < end {
            let length = clip(window, start, end);
            count += newlines_again(&view(file, start, length)?, start, from, end);
            start += length as u64;
        }
        Ok(count)
    }
}

/// Halves the window until it fits when mmap(2) says ENOMEM.
///
/// breaks: "Those of the system calls, unchanged: ENOMEM when a window, clipped at most at its end, can't be mapped."
/// fails: count_lines::returns_the_error_of_a_mapping failed
mod halves_the_window {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let mut window = whole(window)?;
        let end = to.min(file.metadata()?.len());
        let (mut start, mut count) = (boundary(from), 0);
        while from < end && start < end {
            match view(file, start, clip(window, start, end)) {
                Ok(mapping) => {
                    count += newlines_again(&mapping, start, from, end);
                    start += mapping.length() as u64;
                }
                Err(error) if error.raw_os_error() == Some(libc::ENOMEM) && window > page_size() => {
                    window = whole(window / 2)?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(count)
    }
}

/// Counts what lies between the page boundary and an unaligned `from`, too.
///
/// breaks: "Counts the newlines (`\n`) in the bytes of the file from `from` up to, but not including, `to`"
/// fails: count_lines::counts_each_newline_once failed
mod from_the_page_boundary {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = whole(window)?;
        let end = to.min(file.metadata()?.len());
        let (mut start, mut count) = (boundary(from), 0);
        while from < end && start < end {
            let length = clip(window, start, end);
            count += newlines_again(&view(file, start, length)?, start, start, end);
            start += length as u64;
        }
        Ok(count)
    }
}

/// Counts the newline at `to`, too.
///
/// breaks: "up to, but not including, `to`"
/// fails: count_lines::counts_each_newline_once failed
/// fails: count_lines::slides_a_window_of_the_size_that_is_allowed failed
mod including_to {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = whole(window)?;
        if to <= from {
            return Ok(0);
        }
        let end = to.saturating_add(1).min(file.metadata()?.len());
        let (mut start, mut count) = (boundary(from), 0);
        while from < end && start < end {
            let length = clip(window, start, end);
            count += newlines_again(&view(file, start, length)?, start, from, end);
            start += length as u64;
        }
        Ok(count)
    }
}

/// Trusts that after the range there are only the zeros of the last page, even when `to` is inside the file.
///
/// breaks: "up to, but not including, `to`"
/// fails: count_lines::counts_each_newline_once failed
/// fails: count_lines::counts_none_past_the_end failed rest-is-file
mod whole_last_page {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = whole(window)?;
        let end = to.min(file.metadata()?.len());
        let (mut start, mut count) = (boundary(from), 0);
        while from < end && start < end {
            let length = clip(window, start, end).next_multiple_of(page_size());
            let mapping = view(file, start, length)?;
            let first = from.saturating_sub(start) as usize;
            // SAFETY: these pages begin inside the file.
            count += unsafe { newlines_at(mapping.address() + first, length - first) };
            start += length as u64;
        }
        Ok(count)
    }
}

/// Scans the whole last window when `to` lies past the end, which raises SIGBUS.
///
/// breaks: "`to` may lie past the end of the file: there are no newlines there."
/// fails: count_lines::counts_each_newline_once failed
/// fails: count_lines::counts_none_past_the_end failed rest-is-file
/// fails: count_lines::leaves_descriptors_as_they_were killed
/// fails: count_lines::reaches_as_far_as_files_do killed
/// fails: count_lines::slides_a_window_of_the_size_that_is_allowed failed
mod scans_past_the_end {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = whole(window)?;
        let size = file.metadata()?.len();
        let (mut start, mut count) = (boundary(from), 0);
        while from < to && from < size && start < to.min(size) {
            count += newlines_again(&view(file, start, window)?, start, from, to);
            start += window as u64;
        }
        Ok(count)
    }
}

/// Answers UnexpectedEof for a range past the end.
///
/// breaks: "A range that begins past the end, or has `to <= from`, contains none."
/// fails: count_lines::counts_each_newline_once failed
/// fails: count_lines::reaches_as_far_as_files_do failed
mod error_past_the_end {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = whole(window)?;
        let size = file.metadata()?.len();
        if from > size {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let end = to.min(size);
        let (mut start, mut count) = (boundary(from), 0);
        while from < end && start < end {
            let length = clip(window, start, end);
            count += newlines_again(&view(file, start, length)?, start, from, end);
            start += length as u64;
        }
        Ok(count)
    }
}

/// Computes the length of the range first, which overflows when it is negative.
///
/// breaks: "A range that begins past the end, or has `to <= from`, contains none."
/// fails: count_lines::counts_each_newline_once panicked
/// fails: count_lines::reaches_as_far_as_files_do panicked
/// fails: count_lines::slides_a_window_of_the_size_that_is_allowed panicked
mod negative_range_overflows {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = whole(window)?;
        let end = to.min(file.metadata()?.len());
        let mut left = end - from;
        let (mut start, mut count) = (boundary(from), 0);
        while left > 0 {
            let length = clip(window, start, end);
            count += newlines_again(&view(file, start, length)?, start, from, end);
            start += length as u64;
            left = end - start;
        }
        Ok(count)
    }
}

/// Counts lines instead of newlines: the last one need not end with a newline.
///
/// breaks: "Counts the newlines (`\n`) in the bytes of the file from `from` up to, but not including, `to`"
/// fails: count_lines::can_be_called_by_several_threads failed
/// fails: count_lines::counts_each_newline_once failed
/// fails: count_lines::each_call_looks_at_its_file failed
/// fails: count_lines::reaches_as_far_as_files_do failed
/// fails: count_lines::returns_the_error_of_a_mapping failed
mod unfinished_last_line {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = whole(window)?;
        let end = to.min(file.metadata()?.len());
        let (mut start, mut count) = (boundary(from), 0);
        while from < end && start < end {
            let length = clip(window, start, end);
            let mapping = view(file, start, length)?;
            count += newlines_again(&mapping, start, from, end);
            start += length as u64;
            if start == end && mapping.load(length - 1) != b'\n' {
                count += 1;
            }
        }
        Ok(count)
    }
}

/// Takes the first NUL for the zeros past the end of the file and stops there.
///
/// breaks: "Counts the newlines (`\n`) in the bytes of the file from `from` up to, but not including, `to`"
/// fails: count_lines::counts_each_newline_once failed
/// fails: count_lines::needs_no_memory_for_the_file failed
/// fails: count_lines::reaches_as_far_as_files_do failed
/// fails: count_lines::slides_a_window_of_the_size_that_is_allowed failed
mod stops_at_a_nul {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = whole(window)?;
        let end = to.min(file.metadata()?.len());
        let (mut start, mut count) = (boundary(from), 0);
        while from < end && start < end {
            let mapping = view(file, start, clip(window, start, end))?;
            for at in from.saturating_sub(start) as usize..mapping.length() {
                match mapping.load(at) {
                    0 => return Ok(count),
                    b'\n' => count += 1,
                    _ => {}
                }
            }
            start += mapping.length() as u64;
        }
        Ok(count)
    }
}

/// Sums up 256 comparisons in a byte, as one does with vector instructions: 256 newlines are none.
///
/// breaks: "Counts the newlines (`\n`) in the bytes of the file from `from` up to, but not including, `to`"
/// fails: count_lines::can_be_called_by_several_threads failed
/// fails: count_lines::counts_each_newline_once failed
mod sums_in_a_byte {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = whole(window)?;
        let end = to.min(file.metadata()?.len());
        let (mut start, mut count) = (boundary(from), 0);
        while from < end && start < end {
            let mapping = view(file, start, clip(window, start, end))?;
            let mut at = from.saturating_sub(start) as usize;
            while at < mapping.length() {
                let next = mapping.length().min(at + 256);
                count += u64::from((at..next).fold(0u8, |n, at| n.wrapping_add(u8::from(mapping.load(at) == b'\n'))));
                at = next;
            }
            start += mapping.length() as u64;
        }
        Ok(count)
    }
}

/// Makes the first window longer by the bytes before `from`.
///
/// breaks: "At every moment at most one window of the file is mapped."
/// fails: count_lines::slides_a_window_of_the_size_that_is_allowed failed
mod longer_first_window {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = whole(window)?;
        let end = to.min(file.metadata()?.len());
        let (mut start, mut count) = (boundary(from), 0);
        let mut skip = (from - start) as usize;
        while from < end && start < end {
            let length = clip(window.saturating_add(skip), start, end).next_multiple_of(page_size());
            count += newlines_again(&view(file, start, length)?, start, from, end);
            start += length as u64;
            skip = 0;
        }
        Ok(count)
    }
}

/// Maps privately for writing: the kernel must promise memory for the whole window.
///
/// breaks: "The file and the window may be larger than memory: no page is locked, no window is copied whole."
/// fails: count_lines::needs_no_memory_for_the_file failed
/// fails: count_lines::slides_a_window_of_the_size_that_is_allowed failed
mod private_and_writable {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = whole(window)?;
        let end = to.min(file.metadata()?.len());
        let (mut start, mut count) = (boundary(from), 0);
        let protection = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        while from < end && start < end {
            let length = clip(window, start, end);
            let mapping = Mapping::of_file(file, start, length, protection, Sharing::Private)?;
            count += newlines_again(&mapping, start, from, end);
            start += length as u64;
        }
        Ok(count)
    }
}

/// Locks each window in memory, and does not mind when that fails.
///
/// breaks: "The file and the window may be larger than memory: no page is locked, no window is copied whole."
/// fails: count_lines::slides_a_window_of_the_size_that_is_allowed failed
mod locks_each_window {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = whole(window)?;
        let end = to.min(file.metadata()?.len());
        let (mut start, mut count) = (boundary(from), 0);
        while from < end && start < end {
            let mapping = view(file, start, clip(window, start, end))?;
            // SAFETY: locking changes no byte.
            unsafe { libc::mlock(ptr::with_exposed_provenance(mapping.address()), mapping.length()) };
            count += newlines_again(&mapping, start, from, end);
            start += mapping.length() as u64;
        }
        Ok(count)
    }
}

/// Copies each window to the heap, so that it can unmap it before it counts.
///
/// breaks: "The file and the window may be larger than memory: no page is locked, no window is copied whole."
/// fails: count_lines::needs_no_memory_for_the_file out_of_memory
mod copies_each_window {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = whole(window)?;
        let end = to.min(file.metadata()?.len());
        let (mut start, mut count) = (boundary(from), 0);
        while from < end && start < end {
            // SAFETY: nobody changes the file.
            let map = unsafe { MmapOptions::new().offset(start).len(clip(window, start, end)).map(file) }?;
            let bytes = map.to_vec();
            drop(map);
            let skip = from.saturating_sub(start) as usize;
            count += bytes[skip..].iter().filter(|&&byte| byte == b'\n').count() as u64;
            start += bytes.len() as u64;
        }
        Ok(count)
    }
}

/// Reads the bytes up to the first page boundary with pread(2) and maps only from there on.
///
/// breaks: "No system call copies bytes of the file"
/// fails: count_lines::returns_the_error_of_a_mapping failed read-is-as-good
/// fails: count_lines::slides_a_window_of_the_size_that_is_allowed failed read-is-as-good
mod reads_the_unaligned_head {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = whole(window)?;
        let end = to.min(file.metadata()?.len());
        if from >= end {
            return Ok(0);
        }
        let mut start = from.next_multiple_of(page_size_u64()).min(end);
        let mut head = vec![0; (start - from) as usize];
        file.read_exact_at(&mut head, from)?;
        let mut count = head.iter().filter(|&&byte| byte == b'\n').count() as u64;
        while start < end {
            let length = clip(window, start, end);
            count += newlines_again(&view(file, start, length)?, start, from, end);
            start += length as u64;
        }
        Ok(count)
    }
}

/// Slides one mapping with remap_file_pages(2), which the kernel refuses for a file that is open for reading only.
///
/// breaks: "`file` is open for reading, and perhaps for nothing else."
/// fails: count_lines::counts_each_newline_once failed
mod slides_with_remap_file_pages {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = whole(window)?;
        let end = to.min(file.metadata()?.len());
        if from >= end {
            return Ok(0);
        }
        let mut start = boundary(from);
        let length = clip(window, start, end).next_multiple_of(page_size());
        let mapping = view(file, start, length)?;
        let mut count = newlines_again(&mapping, start, from, end);
        loop {
            start += length as u64;
            if start >= end {
                return Ok(count);
            }
            let (at, page) = (ptr::with_exposed_provenance_mut(mapping.address()), start / page_size_u64());
            // SAFETY: these pages are this call's.
            if unsafe { libc::remap_file_pages(at, length, 0, page as usize, 0) } == -1 {
                return Err(io::Error::last_os_error());
            }
            count += newlines_again(&mapping, start, from, end);
        }
    }
}

/// Unmaps a window and maps the next one with MAP_FIXED where it was, where another thread may have mapped meanwhile.
///
/// breaks: "MAP_FIXED are used only on pages that this call has mapped, and has not unmapped since."
/// may fail: count_lines::can_be_called_by_several_threads killed
/// fails: count_lines::returns_the_error_of_a_mapping failed
/// fails: count_lines::slides_a_window_of_the_size_that_is_allowed failed
mod fixed_where_it_was {
    #![expect(
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        reason = "it is for 64 bits, and casts as learners do"
    )]
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = whole(window)?;
        let end = to.min(file.metadata()?.len());
        let (mut start, mut count, mut at) = (boundary(from), 0, ptr::null_mut::<libc::c_void>());
        while from < end && start < end {
            let (length, fd) = (clip(window, start, end), file.as_raw_fd());
            let flags = libc::MAP_SHARED | if at.is_null() { 0 } else { libc::MAP_FIXED };
            // SAFETY: replaces what is mapped at `at` now, if anything.
            at = unsafe { libc::mmap(at, length, libc::PROT_READ, flags, fd, start as libc::off_t) };
            if at == libc::MAP_FAILED {
                return Err(io::Error::last_os_error());
            }
            let first = from.saturating_sub(start) as usize;
            // SAFETY: inside the mapping, and inside the file.
            count += unsafe { newlines_at(at.expose_provenance() + first, length - first) };
            // SAFETY: the mapping is this call's.
            unsafe { libc::munmap(at, length) };
            start += length as u64;
        }
        Ok(count)
    }
}

/// Skips holes with SEEK_DATA, which moves the file offset.
///
/// breaks: "its file offset (lseek(2)) and its lock (flock(2)) stay as they are"
/// fails: count_lines::leaves_descriptors_as_they_were failed
/// fails: count_lines::returns_the_error_of_a_mapping failed
/// fails: count_lines::slides_a_window_of_the_size_that_is_allowed failed
mod skips_holes {
    #![expect(
        clippy::cast_possible_wrap,
        clippy::cast_sign_loss,
        reason = "it is for 64 bits, and casts as learners do"
    )]
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = whole(window)?;
        let end = to.min(file.metadata()?.len());
        let (mut start, mut count) = (boundary(from), 0);
        while from < end && start < end {
            match nix::unistd::lseek(file, start as i64, nix::unistd::Whence::SeekData) {
                Ok(data) => start = boundary(data as u64),
                Err(Errno::ENXIO) => break,
                Err(error) => return Err(error.into()),
            }
            if start < end {
                let length = clip(window, start, end);
                count += newlines_again(&view(file, start, length)?, start, from, end);
                start += length as u64;
            }
        }
        Ok(count)
    }
}

/// Ends the count at a window that can't be mapped, and returns what it has.
///
/// breaks: "When a system call fails, its error is returned unchanged"
/// fails: count_lines::returns_the_error_of_a_mapping failed
mod partial_count {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = whole(window)?;
        let end = to.min(file.metadata()?.len());
        let (mut start, mut count) = (boundary(from), 0);
        while from < end && start < end {
            let Ok(mapping) = view(file, start, clip(window, start, end)) else { break };
            count += newlines_again(&mapping, start, from, end);
            start += mapping.length() as u64;
        }
        Ok(count)
    }
}

/// Remembers the last count and returns it when the file has the same inode and size, though its bytes may be new.
///
/// breaks: "The answer depends on the arguments and on the file as it is now, not on earlier calls."
/// fails: count_lines::each_call_looks_at_its_file failed
mod remembers_the_last_count {
    use super::*;

    static LAST: Mutex<Option<([u64; 5], u64)>> = Mutex::new(None);

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = whole(window)?;
        let data = file.metadata()?;
        let key = [data.dev(), data.ino(), data.len(), from, to];
        let mut last = LAST.lock().unwrap();
        if let Some((_, count)) = last.filter(|(last, _)| *last == key) {
            return Ok(count);
        }
        let end = to.min(data.len());
        let (mut start, mut count) = (boundary(from), 0);
        while from < end && start < end {
            let length = clip(window, start, end);
            count += newlines_again(&view(file, start, length)?, start, from, end);
            start += length as u64;
        }
        *last = Some((key, count));
        Ok(count)
    }
}

/// Reserves a place for its windows with raw mmap(2), and forgets it when a window can't be mapped there.
///
/// breaks: "When a system call fails, its error is returned unchanged, and nothing is mapped in addition."
/// fails: count_lines::returns_the_error_of_a_mapping failed
mod error_leaves_a_reservation {
    #![expect(clippy::cast_possible_wrap, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = whole(window)?;
        let end = to.min(file.metadata()?.len());
        if from >= end {
            return Ok(0);
        }
        let (mut start, mut count) = (boundary(from), 0);
        let window = clip(window, start, end).next_multiple_of(page_size());
        let place = std::mem::ManuallyDrop::new(Mapping::anonymous(window, ProtFlags::PROT_NONE, Sharing::Private)?);
        let at = ptr::with_exposed_provenance_mut(place.address());
        let flags = libc::MAP_SHARED | libc::MAP_FIXED;
        while start < end {
            // SAFETY: replaces pages of `place`, which this call has mapped.
            let view =
                unsafe { libc::mmap(at, window, libc::PROT_READ, flags, file.as_raw_fd(), start as libc::off_t) };
            if view == libc::MAP_FAILED {
                return Err(io::Error::last_os_error());
            }
            count += newlines_again(&place, start, from, end);
            start += window as u64;
        }
        std::mem::ManuallyDrop::into_inner(place).unmap()?;
        Ok(count)
    }
}

/// Puts the windows at multiples of the window's size in the file, so that a page-aligned `from` needs one call more.
///
/// breaks: "At most n / window (rounded up) mmap(2) calls map n bytes of the file in the range."
/// fails: count_lines::slides_a_window_of_the_size_that_is_allowed failed
mod windows_by_position_in_the_file {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = whole(window)?;
        let end = to.min(file.metadata()?.len());
        let mut start = from - from % window as u64;
        let mut count = 0;
        while from < end && start < end {
            count += newlines_again(&view(file, start, clip(window, start, end))?, start, from, end);
            start = start.saturating_add(window as u64);
        }
        Ok(count)
    }
}

/// Stays at the page boundary and forgets that an unaligned `from` leaves bytes of the range for one window more.
///
/// breaks: "Counts the newlines (`\n`) in the bytes of the file from `from` up to, but not including, `to`"
/// fails: count_lines::counts_each_newline_once failed
mod too_few_windows {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = whole(window)?;
        let end = to.min(file.metadata()?.len());
        let windows = end.saturating_sub(from).div_ceil(window as u64);
        let (mut start, mut count) = (boundary(from), 0);
        for _ in 0..windows {
            let length = clip(window, start, end);
            count += newlines_again(&view(file, start, length)?, start, from, end);
            start += length as u64;
        }
        Ok(count)
    }
}

/// Unmaps only the bytes that it has counted, so of an unaligned start the last page stays mapped.
///
/// breaks: "When the call returns, nothing that it mapped is still mapped."
/// fails: count_lines::slides_a_window_of_the_size_that_is_allowed failed
mod unmaps_what_it_counted {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = whole(window)?;
        let end = to.min(file.metadata()?.len());
        let (mut start, mut count) = (boundary(from), 0);
        while from < end && start < end {
            let length = clip(window, start, end);
            let mapping = std::mem::ManuallyDrop::new(view(file, start, length)?);
            count += newlines_again(&mapping, start, from, end);
            let counted = length - from.saturating_sub(start) as usize;
            // SAFETY: the pages are this call's.
            unsafe { libc::munmap(ptr::with_exposed_provenance_mut(mapping.address()), counted) };
            start += length as u64;
        }
        Ok(count)
    }
}

/// Slides whole windows from the page boundary before `from`, the last one shorter.
///
/// passes
mod slides_from_the_boundary {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = in_pages(window)?;
        slide_whole(file, from, to.min(file.metadata()?.len()), window)
    }
}

/// Begins at the end of the range and slides backwards to its beginning.
///
/// passes
mod slides_backwards_2 {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = in_pages(window)?;
        let end = to.min(file.metadata()?.len());
        let (mut count, mut top) = (0, end);
        while from < top {
            // Whole pages from `start` on, so that `top` is a page boundary from the second window on.
            let pages_end = top.checked_next_multiple_of(page_size_u64()).ok_or(Errno::EOVERFLOW)?;
            let start = pages_end.saturating_sub(window as u64).max(down(from));
            let mapping = window_at(file, start, (top - start) as usize)?;
            count += lines_in(&mapping, from.saturating_sub(start) as usize..(top - start) as usize);
            mapping.unmap()?;
            top = start;
        }
        Ok(count)
    }
}

/// Maps each window private and read-only through a duplicate of the descriptor, and advises the kernel.
///
/// passes
mod private_windows_with_advice {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = in_pages(window)?;
        let file = file.try_clone()?;
        let end = to.min(file.metadata()?.len());
        let (mut count, mut at) = (0, down(from));
        while from < end && at < end {
            let length = (end - at).min(window as u64) as usize;
            let mapping = Mapping::of_file(&file, at, length, ProtFlags::PROT_READ, Sharing::Private)?;
            let start = std::ptr::with_exposed_provenance_mut(mapping.address());
            // SAFETY: advice about our own read-only mapping changes no byte.
            unsafe { libc::madvise(start, length, libc::MADV_SEQUENTIAL) };
            count += lines_in(&mapping, from.saturating_sub(at) as usize..length);
            at += length as u64;
        }
        Ok(count)
    }
}

/// Looks at the range before it looks at the window.
///
/// breaks: "`InvalidInput` or EINVAL when `window` is 0, even if the range is empty"
/// fails: count_lines::refuses_an_empty_window failed
mod empty_range_first_2 {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let end = to.min(file.metadata()?.len());
        if from >= end {
            return Ok(0);
        }
        slide_whole(file, from, end, in_pages(window)?)
    }
}

/// Adds the window to the place in the file before it takes the minimum, which overflows for a window of usize::MAX.
///
/// breaks: "`from`, `to` and `window` may be any numbers, however large"
/// fails: count_lines::slides_a_window_of_the_size_that_is_allowed failed
mod adds_the_window_to_the_place {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = in_pages(window)? as u64;
        let end = to.min(file.metadata()?.len());
        let (mut count, mut at) = (0, down(from));
        while from < end && at < end {
            let next = at.wrapping_add(window).min(end);
            let length = next.wrapping_sub(at) as usize;
            let mapping = window_at(file, at, length)?;
            count += lines_in(&mapping, from.saturating_sub(at) as usize..length);
            at = next;
        }
        Ok(count)
    }
}

/// Rounds the window down to whole pages, at least one.
///
/// breaks: "A window is `window` bytes, rounded up to whole pages"
/// fails: count_lines::slides_a_window_of_the_size_that_is_allowed failed
mod rounds_the_window_down_2 {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        if window == 0 {
            return Err(Errno::EINVAL.into());
        }
        let window = (window - window % page_size()).max(page_size());
        slide_whole(file, from, to.min(file.metadata()?.len()), window)
    }
}

/// Advances from an unaligned place by a window less the part before it, so that most overlap.
///
/// breaks: "At most n / window (rounded up) mmap(2) calls map n bytes of the file in the range"
/// fails: count_lines::slides_a_window_of_the_size_that_is_allowed failed
mod stays_unaligned {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = in_pages(window)? as u64;
        let end = to.min(file.metadata()?.len());
        let (mut count, mut at) = (0, from);
        while at < end {
            let skip = at % page_size_u64();
            // A page less, so that the part before `at` always fits, unless there is only one page.
            let step = if skip == 0 { window } else { (window - page_size_u64()).max(page_size_u64() - skip) };
            let step = step.min(end - at);
            let mapping = window_at(file, at - skip, (skip + step) as usize)?;
            count += lines_in(&mapping, skip as usize..(skip + step) as usize);
            at += step;
        }
        Ok(count)
    }
}

/// Aligns the windows to multiples of the window in the file, which may take a call more than is allowed.
///
/// breaks: "If `from` is not page-aligned, one call more is allowed"
/// fails: count_lines::slides_a_window_of_the_size_that_is_allowed failed
mod multiples_of_the_window {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = in_pages(window)? as u64;
        let end = to.min(file.metadata()?.len());
        let (mut count, mut at) = (0, from);
        while at < end {
            let base = down(at);
            let stop = (at - at % window).saturating_add(window).min(end);
            let mapping = window_at(file, base, (stop - base) as usize)?;
            count += lines_in(&mapping, (at - base) as usize..(stop - base) as usize);
            at = stop;
        }
        Ok(count)
    }
}

/// Assigns the next window to the variable of the last one, which is unmapped only after the next is mapped.
///
/// breaks: "At every moment at most one window of the file is mapped"
/// fails: count_lines::slides_a_window_of_the_size_that_is_allowed failed
mod assigns_the_next_window {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = in_pages(window)?;
        let end = to.min(file.metadata()?.len());
        let (mut count, mut at, mut current) = (0, down(from), None::<Mapping>);
        while from < end && at < end {
            let length = (end - at).min(window as u64) as usize;
            let mapping = current.insert(window_at(file, at, length)?);
            count += lines_in(mapping, from.saturating_sub(at) as usize..length);
            at += length as u64;
        }
        Ok(count)
    }
}

/// Maps a window of bytes from `from` on and, in addition, the part of the page before it.
///
/// breaks: "At every moment at most one window of the file is mapped"
/// fails: count_lines::slides_a_window_of_the_size_that_is_allowed failed
mod first_window_is_longer {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = in_pages(window)? as u64;
        let end = to.min(file.metadata()?.len());
        let (mut count, mut at) = (0, from);
        while at < end {
            let skip = at % page_size_u64();
            let length = window.min(end - at);
            let mapping = window_at(file, at - skip, (skip + length) as usize)?;
            count += lines_in(&mapping, skip as usize..(skip + length) as usize);
            at += length;
        }
        Ok(count)
    }
}

/// Counts to the end of the last page, where stores through a mapping may have left newlines past the file's end.
///
/// breaks: "`to` may lie past the end of the file: there are no newlines there"
/// fails: count_lines::counts_none_past_the_end failed rest-is-file
mod counts_the_rest_of_the_last_page {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = in_pages(window)?;
        let size = file.metadata()?.len();
        if from >= size {
            return Ok(0);
        }
        slide_whole(file, from, to.min(size.next_multiple_of(page_size_u64())), window)
    }
}

/// Compares signed numbers, so that a `to` beyond 2^63 is negative and the range is empty.
///
/// breaks: "`from`, `to` and `window` may be any numbers, however large"
/// fails: count_lines::counts_none_past_the_end failed
/// fails: count_lines::each_call_looks_at_its_file failed
/// fails: count_lines::reaches_as_far_as_files_do failed
mod signed_end {
    #![expect(
        clippy::cast_possible_wrap,
        clippy::cast_sign_loss,
        reason = "it is for 64 bits, and casts as learners do"
    )]
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = in_pages(window)?;
        let end = (to as i64).min(file.metadata()?.len() as i64);
        if end <= from as i64 {
            return Ok(0);
        }
        slide_whole(file, from, end as u64, window)
    }
}

/// Takes `to` for the last byte of the range.
///
/// breaks: "up to, but not including, `to`"
/// fails: count_lines::counts_each_newline_once failed
/// fails: count_lines::slides_a_window_of_the_size_that_is_allowed failed
mod includes_the_end {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = in_pages(window)?;
        let end = to.saturating_add(1).min(file.metadata()?.len());
        if to <= from {
            return Ok(0);
        }
        slide_whole(file, from, end, window)
    }
}

/// Maps the windows copy-on-write with PROT_WRITE, as map_copy of memmap2 does.
///
/// breaks: "No memory is set aside for copies, as MAP_PRIVATE with PROT_WRITE does"
/// fails: count_lines::needs_no_memory_for_the_file failed
/// fails: count_lines::slides_a_window_of_the_size_that_is_allowed failed
mod maps_a_copy {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = in_pages(window)?;
        let end = to.min(file.metadata()?.len());
        let (mut count, mut at) = (0, down(from));
        while from < end && at < end {
            let length = (end - at).min(window as u64) as usize;
            // SAFETY: nobody truncates the file.
            let map = unsafe { MmapOptions::new().offset(at).len(length).map_copy(file) }?;
            let bytes = &map[from.saturating_sub(at) as usize..];
            count += bytes.iter().filter(|&&byte| byte == b'\n').count() as u64;
            at += length as u64;
        }
        Ok(count)
    }
}

/// Unmaps only the bytes up to `to` of a window that it has mapped whole.
///
/// breaks: "When the call returns, nothing that it mapped is still mapped"
/// fails: count_lines::slides_a_window_of_the_size_that_is_allowed failed
mod unmaps_what_it_has_counted {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = in_pages(window)?;
        let size = file.metadata()?.len();
        let end = to.min(size);
        let (mut count, mut at) = (0, down(from));
        while from < end && at < end {
            let mapping = window_at(file, at, (size - at).min(window as u64) as usize)?;
            let length = (end - at).min(window as u64) as usize;
            count += lines_in(&mapping, from.saturating_sub(at) as usize..length);
            let start = std::ptr::with_exposed_provenance_mut(mapping.address());
            std::mem::forget(mapping);
            // SAFETY: the range is ours, and nothing refers to it any more.
            Errno::result(unsafe { libc::munmap(start, length) })?;
            at += length as u64;
        }
        Ok(count)
    }
}

/// Always maps a whole window, however short the file is.
///
/// breaks: "No window has to reach past the end of the file: `usize::MAX` maps what there is"
/// fails: count_lines::counts_each_newline_once failed
/// fails: count_lines::slides_a_window_of_the_size_that_is_allowed failed
mod always_a_whole_window {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = in_pages(window)?;
        let end = to.min(file.metadata()?.len());
        let (mut count, mut at) = (0, down(from));
        while from < end && at < end {
            let mapping = window_at(file, at, window)?;
            let length = (end - at).min(window as u64) as usize;
            count += lines_in(&mapping, from.saturating_sub(at) as usize..length);
            mapping.unmap()?;
            at += length as u64;
        }
        Ok(count)
    }
}

/// Counts each window in a scoped thread.
///
/// breaks: "A call starts no thread and no process"
/// fails: count_lines::needs_no_memory_for_the_file panicked
/// fails: count_lines::returns_the_error_of_a_mapping panicked
/// fails: count_lines::slides_a_window_of_the_size_that_is_allowed failed
mod counts_in_a_thread {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = in_pages(window)?;
        let end = to.min(file.metadata()?.len());
        std::thread::scope(|scope| scope.spawn(|| slide_whole(file, from, end, window)).join())
            .unwrap_or(Err(Errno::EIO.into()))
    }
}

/// Keeps the size of the file in 32 bits, as `int len` of the tutorials does, so that a large file seems to be short.
///
/// breaks: "`from`, `to` and `window` may be any numbers, however large"
/// fails: count_lines::reaches_as_far_as_files_do failed
/// fails: count_lines::slides_a_window_of_the_size_that_is_allowed failed
mod size_in_32_bits {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = in_pages(window)?;
        let size = file.metadata()?.len() as u32;
        slide_whole(file, from, to.min(u64::from(size)), window)
    }
}

/// Counts lines as an editor does: the text after the last newline is one, too.
///
/// breaks: "Counts the lines_in (`\n`) in the bytes of the file from `from` up to, but not including, `to`"
/// fails: count_lines::counts_each_newline_once failed
/// fails: count_lines::each_call_looks_at_its_file failed
mod unfinished_line_counts {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = in_pages(window)?;
        let end = to.min(file.metadata()?.len());
        let count = slide_whole(file, from, end, window)?;
        let unfinished = from < end && to > end && slide_whole(file, end - 1, end, window)? == 0;
        Ok(count + u64::from(unfinished))
    }
}

/// Returns what it has counted so far when a later window can't be mapped.
///
/// breaks: "Those of the system calls, unchanged: ENOMEM when a whole window can't be mapped"
/// fails: count_lines::returns_the_error_of_a_mapping failed
mod partial_count_after_an_error {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = in_pages(window)?;
        let end = to.min(file.metadata()?.len());
        let (mut count, mut at) = (0, down(from));
        while from < end && at < end {
            let length = (end - at).min(window as u64) as usize;
            let mapping = match window_at(file, at, length) {
                Ok(mapping) => mapping,
                Err(_) if at > from => break,
                Err(error) => return Err(error.into()),
            };
            count += lines_in(&mapping, from.saturating_sub(at) as usize..length);
            at += length as u64;
        }
        Ok(count)
    }
}

/// Maps whole windows, the last one past `to`, but none past the pages of the file.
///
/// passes
mod windows_past_the_end_of_the_range {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = in_pages(window)?;
        let size = file.metadata()?.len();
        let (end, mut count, mut at) = (to.min(size), 0, down(from));
        while from < end && at < end {
            let length = (size - at).min(window as u64);
            let mapping = window_at(file, at, length as usize)?;
            let last = (end - at).min(length);
            count += lines_in(&mapping, from.saturating_sub(at) as usize..last as usize);
            at += length;
        }
        Ok(count)
    }
}

/// Counts in a static variable.
///
/// breaks: "But several threads may make calls at the same time."
/// fails: count_lines::can_be_called_by_several_threads failed
/// fails: count_lines::slides_a_window_of_the_size_that_is_allowed panicked
mod counts_in_a_static_variable {
    use super::*;

    static COUNT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = in_pages(window)? as u64;
        let (end, mut at) = (to.min(file.metadata()?.len()), down(from));
        COUNT.store(0, std::sync::atomic::Ordering::SeqCst);
        while from < end && at < end {
            COUNT.fetch_add(
                slide(file, from.max(at), end.min(at + window), window)?,
                std::sync::atomic::Ordering::SeqCst,
            );
            at += window;
        }
        Ok(COUNT.load(std::sync::atomic::Ordering::SeqCst))
    }
}

/// Counts in 16 bits.
///
/// breaks: "Counts the newlines"
/// fails: count_lines::can_be_called_by_several_threads failed
/// fails: count_lines::needs_no_memory_for_the_file failed
mod counts_in_16_bits {
    #![expect(clippy::cast_possible_truncation, reason = "the mistake")]
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let count = crate::solution::count_lines(file, from, to, window)?;
        Ok(u64::from(count as u16))
    }
}

/// Leaves a duplicate of the descriptor open when a window can't be mapped.
///
/// breaks: "The descriptor of `file` stays open, and no other descriptor is left open."
/// fails: count_lines::returns_the_error_of_a_mapping failed
mod duplicate_left_after_an_error {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let window = in_pages(window)? as u64;
        let duplicate = std::mem::ManuallyDrop::new(file.try_clone()?);
        let count = slide(&duplicate, from, end_of(&duplicate, to)?, window)?;
        drop(std::mem::ManuallyDrop::into_inner(duplicate));
        Ok(count)
    }
}

/// Counts only in the pages that are in the page cache.
///
/// breaks: "Counts the newlines (`\n`) in the bytes of the file"
/// may fail: count_lines::counts_each_newline_once failed
mod skips_what_is_on_the_disk {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let (window, end) = (pages_of(window)?, end_of(file, to)?);
        let (mut at, mut lines) = (from, 0);
        while at < end {
            let start = page_of(at);
            let mapping = map(file, start, window.min(end - start))?;
            let cached = mmap_workbook::observe::in_page_cache(mapping.range())?;
            let skip = usize::try_from(at - start).map_err(io::Error::other)?;
            let there = |at: &usize| cached[at / page_size()] && mapping.load(*at) == b'\n';
            lines += (skip..mapping.length()).filter(there).count() as u64;
            at = start + mapping.length() as u64;
        }
        Ok(lines)
    }
}

/// Takes windows of at least 1 MiB, since small ones are slow.
///
/// breaks: "At every moment at most one window of the file is mapped."
/// fails: count_lines::needs_no_memory_for_the_file failed
/// fails: count_lines::slides_a_window_of_the_size_that_is_allowed failed
mod at_least_a_mebibyte {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        slide(file, from, end_of(file, to)?, pages_of(window)?.max(1 << 20))
    }
}

/// Remembers the end of the file by the number of its descriptor.
///
/// breaks: "The answer depends on the arguments and on the file as it is now, not on earlier calls."
/// fails: count_lines::each_call_looks_at_its_file killed
mod end_by_descriptor {
    use super::*;

    static KNOWN: Mutex<Option<(i32, u64)>> = Mutex::new(None);

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let (window, fd) = (pages_of(window)?, file.as_raw_fd());
        let mut known = KNOWN.lock().expect("no other thread panics");
        let size = match *known {
            Some((known, size)) if known == fd => size,
            _ => file.metadata()?.len(),
        };
        *known = Some((fd, size));
        slide(file, from, to.min(size), window)
    }
}

/// Copies each window into a small buffer chunk by chunk, and counts there.
///
/// passes
mod small_buffer {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let (window, end) = (pages_of(window)?, end_of(file, to)?);
        let mut buffer = vec![0; 1 << 14];
        let (mut at, mut lines) = (from, 0);
        while at < end {
            let start = page_of(at);
            let mapping = map(file, start, window.min(end - start))?;
            let skip = usize::try_from(at - start).map_err(io::Error::other)?;
            for at in (skip..mapping.length()).step_by(buffer.len()) {
                let chunk = &mut buffer[..(mapping.length() - at).min(1 << 14)];
                mapping.read(at, chunk);
                lines += chunk.iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
            }
            at = start + mapping.length() as u64;
        }
        Ok(lines)
    }
}

/// Compares eight bytes at a time by a trick that takes the byte 11 for a newline when it comes after one.
///
/// breaks: "Counts the newlines (`\n`) in the bytes of the file from `from` up to, but not including, `to`"
/// fails: count_lines::counts_each_newline_once failed
mod trick_with_a_borrow {
    use super::*;

    fn by_words(mapping: &Mapping, mut at: usize, end: usize) -> u64 {
        let mut count = 0;
        while at < end {
            if at.is_multiple_of(8) && end - at >= 8 {
                let word = u64::from_le_bytes(std::array::from_fn(|n| mapping.load(at + n) ^ b'\n'));
                let found = word.wrapping_sub(0x0101_0101_0101_0101) & !word & 0x8080_8080_8080_8080;
                count += u64::from(found.count_ones());
                at += 8;
            } else {
                count += u64::from(mapping.load(at) == b'\n');
                at += 1;
            }
        }
        count
    }

    #[expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let (window, end) = (pages_of(window)?, end_of(file, to)?);
        let (mut at, mut count) = (from, 0);
        while at < end {
            let start = page_of(at);
            let stop = start.saturating_add(window).min(end);
            count += by_words(&map(file, start, stop - start)?, (at - start) as usize, (stop - start) as usize);
            at = stop;
        }
        Ok(count)
    }
}

/// Subtracts before it compares, so that a range which runs backwards is very long.
///
/// breaks: "A range that begins past the end, or has `to <= from`, contains none."
/// fails: count_lines::counts_each_newline_once killed
/// fails: count_lines::reaches_as_far_as_files_do failed
/// fails: count_lines::slides_a_window_of_the_size_that_is_allowed killed
mod length_before_the_comparison {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let (window, end) = (pages_of(window)?, end_of(file, to)?);
        let length = end.wrapping_sub(from);
        if length == 0 { Ok(0) } else { slide(file, from, from.saturating_add(length), window) }
    }
}

/// Counts the bytes of a window with a number of 32 bits, so that in one of 4 GiB and a little only that little is seen.
///
/// breaks: "Counts the newlines (`\n`) in the bytes of the file from `from` up to, but not including, `to`"
/// fails: count_lines::slides_a_window_of_the_size_that_is_allowed failed
mod loops_in_32_bits {
    use super::*;

    #[expect(clippy::cast_possible_truncation, reason = "the cast is the mistake")]
    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let (window, end) = (pages_of(window)?, end_of(file, to)?);
        let (mut at, mut count) = (from, 0);
        while at < end {
            let start = page_of(at);
            let stop = start.saturating_add(window).min(end);
            let mapping = map(file, start, stop - start)?;
            let (first, last) = ((at - start) as u32, (stop - start) as u32);
            count += (first..last).filter(|&at| mapping.load(at as usize) == b'\n').count() as u64;
            at = stop;
        }
        Ok(count)
    }
}

/// Maps a window before it looks whether the range is empty, and forgets it when it is.
///
/// breaks: "When the call returns, nothing that it mapped is still mapped."
/// fails: count_lines::slides_a_window_of_the_size_that_is_allowed failed
mod first_window_of_nothing_stays {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let (window, end) = (pages_of(window)?, end_of(file, to)?);
        if from >= end {
            std::mem::forget(map(file, 0, page_size_u64()));
            return Ok(0);
        }
        slide(file, from, end, window)
    }
}

/// Copies each window into memory that is anonymous, but shared, so that no limit of private memory counts it.
///
/// breaks: "The file and the window may be larger than memory: no page is locked, no window is copied whole."
/// fails: count_lines::needs_no_memory_for_the_file failed
mod copies_to_shared_memory {
    use super::*;

    #[expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        let (window, end) = (pages_of(window)?, end_of(file, to)?);
        let (mut at, mut count) = (from, 0);
        while at < end {
            let start = page_of(at);
            let stop = start.saturating_add(window).min(end);
            let mapping = map(file, start, stop - start)?;
            let (first, last) = ((at - start) as usize, (stop - start) as usize);
            let copy = Mapping::anonymous(last, READ_WRITE, Sharing::Shared)?;
            (first..last).for_each(|at| copy.store(at, mapping.load(at)));
            count += newlines(&copy, first, last);
            at = stop;
        }
        Ok(count)
    }
}

/// Follows the last hint, line by line.
///
/// passes
mod count_lines_as_the_hint_says {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        if window == 0 {
            return Err(Errno::EINVAL.into());
        }
        let end = to.min(file.metadata()?.len());
        let window = window.checked_next_multiple_of(page_size()).unwrap_or(usize::MAX);
        let (mut at, mut lines) = (from, 0);
        while at < end {
            let boundary = at - at % page_size_u64();
            let skip = usize::try_from(at - boundary).map_err(io::Error::other)?;
            let length = usize::try_from(end - boundary).unwrap_or(usize::MAX).min(window);
            let mapping = Mapping::of_file(file, boundary, length, ProtFlags::PROT_READ, Sharing::Shared)?;
            lines += (skip..length).filter(|&at| mapping.load(at) == b'\n').count() as u64;
            at = boundary + u64::try_from(length).map_err(io::Error::other)?;
        }
        Ok(lines)
    }
}

one_of! {
    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64>;
    asks_for_writing counts_from_the_boundary knows_the_sizes never_advances one_page_at_a_time windows_pile_up
    slides_forwards slides_backwards slides_in_place memchr_in_memmap2 windows_at_multiples last_window_hangs_over
    unmaps_whole_windows empty_range_before_window no_window_is_a_page rounding_overflows rounds_down page_by_page
    window_of_64_kib_at_most maps_the_whole_range maps_next_before_unmapping window_and_skip steps_by_bytes
    misses_bytes_at_the_seams counts_before_from includes_to counts_the_rest_of_the_page refuses_to_past_the_end
    length_underflows refuses_reversed_range ends_as_off_t offsets_in_32_bits reads_in_windows smaller_window_on_error
    partial_count_on_error last_line_without_newline expects_utf_8 eight_bytes_at_a_time forgets_the_short_last_window
    two_threads locks_the_window gathers_all_bytes_first last_window_stays maps_with_map_mut
    stops_at_a_window_without_newlines clips_the_last_window first_page_alone fixed_place_for_the_window backwards
    empty_range_first memmap2_from_any_byte next_before_the_last_is_gone one_window_past_the_end rounds_the_window_down
    window_wraps_to_zero window_overflows limits_the_window halves_the_window from_the_page_boundary including_to
    whole_last_page scans_past_the_end error_past_the_end negative_range_overflows unfinished_last_line stops_at_a_nul
    sums_in_a_byte longer_first_window private_and_writable locks_each_window copies_each_window
    reads_the_unaligned_head slides_with_remap_file_pages fixed_where_it_was skips_holes partial_count
    remembers_the_last_count error_leaves_a_reservation windows_by_position_in_the_file too_few_windows
    unmaps_what_it_counted slides_from_the_boundary slides_backwards_2 private_windows_with_advice empty_range_first_2
    adds_the_window_to_the_place rounds_the_window_down_2 stays_unaligned multiples_of_the_window
    assigns_the_next_window first_window_is_longer counts_the_rest_of_the_last_page signed_end includes_the_end
    maps_a_copy unmaps_what_it_has_counted always_a_whole_window counts_in_a_thread size_in_32_bits
    unfinished_line_counts partial_count_after_an_error windows_past_the_end_of_the_range counts_in_a_static_variable
    counts_in_16_bits duplicate_left_after_an_error skips_what_is_on_the_disk at_least_a_mebibyte end_by_descriptor
    small_buffer trick_with_a_borrow length_before_the_comparison loops_in_32_bits first_window_of_nothing_stays
    copies_to_shared_memory count_lines_as_the_hint_says
}
