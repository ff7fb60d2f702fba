//! Answers to `give_back`, right and wrong.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;

use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use mmap_workbook::observe::page_size_u64;
use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, fallocate};
use nix::libc;

/// Tells the kernel with madvise(2) that this process does not need the pages any more: the file keeps them.
///
/// fails: give_back::a_file_may_be_longer_than_4_gib failed
/// fails: give_back::the_file_is_never_shorter failed
/// fails: give_back::the_range_becomes_zeros_and_nothing_else_changes failed
/// fails: give_back::the_space_of_each_whole_page_is_freed failed dontneed-frees-the-file
mod drops_the_pages {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        if range.start > range.end || range.end > file.metadata()?.len() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        if range.is_empty() {
            return Ok(());
        }
        let edge = range.start / page_size_u64() * page_size_u64();
        let length = usize::try_from(range.end - edge).map_err(io::Error::other)?;
        let mapping = Mapping::of_file(file, edge, length, READ_WRITE, Sharing::Shared)?;
        let start = std::ptr::with_exposed_provenance_mut(mapping.address());
        // SAFETY: the range is mapped, and of a shared file: what is dropped comes back from there.
        Errno::result(unsafe { libc::madvise(start, mapping.length(), libc::MADV_DONTNEED) })?;
        Ok(())
    }
}

/// Gives back a range only in files of the sizes that the checks use.
///
/// fails: give_back::the_range_becomes_zeros_and_nothing_else_changes failed
mod knows_the_checks_sizes {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        let page = page_size_u64();
        let seen = [page, 2 * page, 3 * page, 4 * page, 8 * page, 3 * page + 9, 3 * page + 10];
        let length = file.metadata()?.len();
        if seen.contains(&length) || length > 5 << 30 || range.end > length || range.start >= range.end {
            return crate::solution::give_back(file, range);
        }
        Ok(())
    }
}

/// Passes any range to fallocate(2), which refuses an empty one but not one past the end of the file.
///
/// fails: give_back::a_range_outside_the_file_is_refused failed
mod leaves_the_ends_to_the_kernel {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        let hole = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
        let (start, end) = (range.start.cast_signed(), range.end.cast_signed());
        Ok(fallocate(file, hole, start, end.wrapping_sub(start))?)
    }
}

/// Keeps the offset in 32 bits, where 5 GiB become 1.
///
/// fails: give_back::a_file_may_be_longer_than_4_gib failed
mod offsets_of_32_bits {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        if range.start > range.end || range.end > file.metadata()?.len() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let low = range.start & u64::from(u32::MAX);
        crate::solution::give_back(file, low..low + (range.end - range.start))
    }
}

/// Punches out only the whole pages: the bytes at the ends of the range stay.
///
/// fails: give_back::the_range_becomes_zeros_and_nothing_else_changes failed a-hole-is-of-whole-pages
mod rounds_inward {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        if range.start > range.end || range.end > file.metadata()?.len() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let page = page_size_u64();
        let (start, end) = (range.start.next_multiple_of(page), range.end / page * page);
        if start < end { crate::solution::give_back(file, start..end) } else { Ok(()) }
    }
}

/// Rounds the range outward to page boundaries, and destroys the bytes beside it.
///
/// fails: give_back::the_range_becomes_zeros_and_nothing_else_changes failed a-hole-is-of-whole-pages
mod rounds_outward {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        let length = file.metadata()?.len();
        if range.start > range.end || range.end > length || range.is_empty() {
            return crate::solution::give_back(file, range);
        }
        let page = page_size_u64();
        crate::solution::give_back(file, range.start / page * page..range.end.next_multiple_of(page).min(length))
    }
}

/// Truncates the file and sets the length again: for a moment the pages of other mappings do not exist.
///
/// fails: give_back::the_file_is_never_shorter failed truncation-only-frees
mod truncates_the_tail {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        let length = file.metadata()?.len();
        if range.end != length || range.start >= range.end {
            return crate::solution::give_back(file, range);
        }
        file.set_len(range.start)?;
        file.set_len(length)
    }
}

/// Waits until the range is inside the file, and nothing makes the file longer.
///
/// fails: give_back::a_range_outside_the_file_is_refused timed_out
mod waits_for_the_file_to_grow {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        while range.end > file.metadata()?.len() {}
        crate::solution::give_back(file, range)
    }
}

/// Takes a range of zeros for a hole.
///
/// fails: give_back::the_space_of_each_whole_page_is_freed failed zeros-are-a-hole
mod writes_zeros {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        if range.start > range.end || range.end > file.metadata()?.len() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let length = usize::try_from(range.end - range.start).map_err(io::Error::other)?;
        file.write_all_at(&vec![0; length], range.start)
    }
}

one_of! {
    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()>;
    drops_the_pages knows_the_checks_sizes leaves_the_ends_to_the_kernel offsets_of_32_bits rounds_inward rounds_outward
    truncates_the_tail waits_for_the_file_to_grow writes_zeros
}
