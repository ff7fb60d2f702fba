use std::fs::File;
use std::io::{self, ErrorKind, Seek, SeekFrom};
use std::ops::Range;
use std::os::fd::{AsFd, AsRawFd, IntoRawFd};
use std::os::unix::fs::FileExt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use mmap_workbook::observe::page_size_u64;
use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, FcntlArg, SealFlag, fallocate, fcntl};
use nix::libc;
use nix::unistd::{Whence, lseek};

fn invalid<T>() -> io::Result<T> {
    Err(ErrorKind::InvalidInput.into())
}

/// The checks of the contract, in full.
fn check(file: &File, range: &Range<u64>) -> io::Result<()> {
    if range.start > range.end || range.end > file.metadata()?.len() { invalid() } else { Ok(()) }
}

/// The bytes of a checked range; none when it is empty.
fn punch(file: impl AsFd, range: Range<u64>) -> io::Result<()> {
    if range.is_empty() {
        return Ok(());
    }
    let how = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
    Ok(fallocate(file, how, range.start as i64, (range.end - range.start) as i64)?)
}

fn zeros(file: &File, range: Range<u64>) -> io::Result<()> {
    file.write_all_at(&vec![0; (range.end - range.start) as usize], range.start)
}

fn page() -> u64 {
    page_size_u64()
}

fn invalid_again() -> io::Error {
    io::ErrorKind::InvalidInput.into()
}

/// The two InvalidInput of the contract.
fn check_again(file: &File, range: &Range<u64>) -> io::Result<()> {
    if range.start > range.end || range.end > file.metadata()?.len() { Err(invalid_again()) } else { Ok(()) }
}

fn punch_again(file: &File, start: u64, end: u64) -> io::Result<()> {
    if start < end {
        let flags = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
        fallocate(file, flags, start as i64, (end - start) as i64)?;
    }
    Ok(())
}

fn page_again() -> u64 {
    // SAFETY: sysconf(3) takes no pointer.
    unsafe { libc::sysconf(libc::_SC_PAGESIZE) as u64 }
}

fn holes() -> FallocateFlags {
    FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE
}

/// The checks of the contract; the length of the file.
fn checked(file: &File, range: &Range<u64>) -> io::Result<u64> {
    let length = file.metadata()?.len();
    if range.start > range.end || range.end > length { invalid() } else { Ok(length) }
}

/// The whole pages inside `range`, perhaps none: then the range is empty.
fn inner(range: &Range<u64>) -> Range<u64> {
    let page = page();
    let start = range.start.next_multiple_of(page);
    start..(range.end / page * page).max(start)
}

/// Says whether there is anything to do; an error when the range is not inside the file.
fn has_work(file: &File, range: &Range<u64>) -> io::Result<bool> {
    if range.start > range.end || range.end > file.metadata()?.len() {
        return Err(invalid_again());
    }
    Ok(range.start < range.end)
}

fn punch_part(file: &File, start: u64, end: u64) -> Result<(), Errno> {
    if start >= end {
        return Ok(());
    }
    let flags = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
    fallocate(file, flags, start as i64, (end - start) as i64)
}

/// Tells the kernel with madvise(2) that this process does not need the pages any more: the file keeps them.
///
/// fails: give_back::a_hole_stays_a_hole failed
/// fails: give_back::a_range_outside_the_file_is_refused failed
/// fails: give_back::others_notice_zeros_and_nothing_else failed
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
/// fails: give_back::a_range_outside_the_file_is_refused failed
/// fails: give_back::others_notice_zeros_and_nothing_else failed
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
/// fails: give_back::offsets_may_take_more_than_32_bits failed
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
/// fails: give_back::a_hole_stays_a_hole failed
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
/// fails: give_back::a_hole_stays_a_hole failed
/// fails: give_back::others_notice_zeros_and_nothing_else failed
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
/// fails: give_back::others_notice_zeros_and_nothing_else failed truncation-only-frees
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
/// fails: give_back::offsets_may_take_more_than_32_bits out_of_memory
/// fails: give_back::a_hole_stays_a_hole failed zeros-are-a-hole
/// fails: give_back::the_space_of_each_whole_page_is_freed failed zeros-are-a-hole
/// fails: give_back::what_the_kernel_refuses_is_an_error failed
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

/// Asks for the length, checks both ends, and lets one fallocate(2) do all of it.
///
/// passes
mod one_hole {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        check(file, &range)?;
        punch(file, range)
    }
}

/// Punches the first half and then the second: the page in the middle is zeroed in two parts and never freed.
///
/// breaks: "Each page that lies wholly inside `range` gives up its disk space (st_blocks) until somebody accesses it again."
/// fails: give_back::a_hole_stays_a_hole failed
/// fails: give_back::the_space_of_each_whole_page_is_freed failed
mod two_halves {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        check(file, &range)?;
        let middle = range.start + (range.end - range.start) / 2;
        punch(file, middle..range.end)?;
        punch(file, range.start..middle)
    }
}

/// Works on a duplicate of the descriptor, and on the whole pages and the two edges separately.
///
/// passes
mod whole_pages_first {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        let file = file.try_clone()?;
        check(&file, &range)?;
        let first = range.start.div_ceil(page()) * page();
        let last = range.end / page() * page();
        if first >= last {
            return punch(&file, range);
        }
        punch(&file, first..last)?;
        punch(&file, range.start..first)?;
        punch(&file, last..range.end)
    }
}

/// Lets the MADV_REMOVE of madvise(2) free the whole pages, through a mapping that it makes for that.
///
/// passes
mod removes_through_a_mapping {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        check(file, &range)?;
        let first = range.start.div_ceil(page()) * page();
        let last = range.end / page() * page();
        if first >= last {
            return punch(file, range);
        }
        let mapping = Mapping::of_file(file, first, (last - first) as usize, READ_WRITE, Sharing::Shared)?;
        // SAFETY: exactly the range of the mapping above, which nothing else uses.
        Errno::result(unsafe { libc::madvise(mapping.address() as *mut _, mapping.length(), libc::MADV_REMOVE) })?;
        punch(file, range.start..first)?;
        punch(file, last..range.end)
    }
}

/// Zeroes the range with FALLOC_FL_ZERO_RANGE, which keeps the blocks reserved.
///
/// breaks: "Each page that lies wholly inside `range` gives up its disk space (st_blocks) until somebody accesses it again."
/// fails: give_back::offsets_may_take_more_than_32_bits failed
/// fails: give_back::a_hole_stays_a_hole failed
/// fails: give_back::the_space_of_each_whole_page_is_freed failed
/// fails: give_back::what_the_kernel_refuses_is_an_error failed
mod zero_range {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        check(file, &range)?;
        if range.is_empty() {
            return Ok(());
        }
        let how = FallocateFlags::FALLOC_FL_ZERO_RANGE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
        Ok(fallocate(file, how, range.start as i64, (range.end - range.start) as i64)?)
    }
}

/// Truncates the file at the start of the range when that reaches the end, and makes it as long as before again.
///
/// breaks: "The file has its length at every moment, so no access to one of the mappings raises SIGBUS."
/// fails: give_back::others_notice_zeros_and_nothing_else failed truncation-only-frees
mod truncates_the_tail_2 {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        check(file, &range)?;
        let length = file.metadata()?.len();
        if range.end < length || range.is_empty() {
            return punch(file, range);
        }
        file.set_len(range.start)?;
        file.set_len(length)
    }
}

/// Relies on fallocate(2) to refuse a range past the end of the file, which it does not with FALLOC_FL_KEEP_SIZE.
///
/// breaks: "`InvalidInput` when `range`, even an empty one, ends past the end of the file; nothing changes then."
/// fails: give_back::a_range_outside_the_file_is_refused failed
mod lets_the_kernel_check {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        if range.start > range.end {
            return invalid();
        }
        punch(file, range)
    }
}

/// Returns for an empty range before it has looked at the length of the file.
///
/// breaks: "`InvalidInput` when `range`, even an empty one, ends past the end of the file; nothing changes then."
/// fails: give_back::a_range_outside_the_file_is_refused failed
mod empty_is_always_fine {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        if range.start == range.end {
            return Ok(());
        }
        check(file, &range)?;
        punch(file, range)
    }
}

/// Passes an empty range to fallocate(2), for which a length of 0 is EINVAL.
///
/// breaks: "An empty range inside the file, or at its end, changes nothing and is no error."
/// fails: give_back::a_range_outside_the_file_is_refused failed
mod empty_goes_to_the_kernel {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        check(file, &range)?;
        let how = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
        Ok(fallocate(file, how, range.start as i64, (range.end - range.start) as i64)?)
    }
}

/// Takes `is_empty`, which is true for a range that ends before it begins, as "nothing to do".
///
/// breaks: "`InvalidInput` when `range` ends before it begins; nothing changes then."
/// fails: give_back::a_range_outside_the_file_is_refused failed
mod reversed_is_empty {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        if range.end > file.metadata()?.len() {
            return invalid();
        }
        punch(file, range)
    }
}

/// Subtracts the ends before it compares them, so a range that ends before it begins panics.
///
/// breaks: "`InvalidInput` when `range` ends before it begins; nothing changes then."
/// fails: give_back::a_range_outside_the_file_is_refused panicked
mod subtracts_first {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        let length = range.end.checked_sub(range.start).expect("the range has a length");
        if range.start + length > file.metadata()?.len() {
            return invalid();
        }
        punch(file, range)
    }
}

/// Compares the ends as signed numbers, where u64::MAX is less than any length.
///
/// breaks: "`InvalidInput` when `range`, even an empty one, ends past the end of the file; nothing changes then."
/// fails: give_back::a_range_outside_the_file_is_refused failed
mod compares_as_signed {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        let (start, end) = (range.start as i64, range.end as i64);
        if start > end || end > file.metadata()?.len() as i64 {
            return invalid();
        }
        punch(file, range)
    }
}

/// Rounds the end up to a page before it checks anything, which overflows at u64::MAX.
///
/// breaks: "`InvalidInput` when `range`, even an empty one, ends past the end of the file; nothing changes then."
/// fails: give_back::a_range_outside_the_file_is_refused panicked
mod rounds_before_it_checks {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        let pages = range.start / page()..range.end.checked_next_multiple_of(page()).unwrap() / page();
        check(file, &range)?;
        if pages.is_empty() { Ok(()) } else { punch(file, range) }
    }
}

/// Cuts a range that ends past the end of the file to the part inside, as a generous API would.
///
/// breaks: "`InvalidInput` when `range`, even an empty one, ends past the end of the file; nothing changes then."
/// fails: give_back::a_range_outside_the_file_is_refused failed
mod clamps_the_end {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        if range.start > range.end {
            return invalid();
        }
        let length = file.metadata()?.len();
        punch(file, range.start.min(length)..range.end.min(length))
    }
}

/// Frees the part inside the file first and complains about the rest afterwards.
///
/// breaks: "`InvalidInput` when `range`, even an empty one, ends past the end of the file; nothing changes then."
/// fails: give_back::a_range_outside_the_file_is_refused failed
mod complains_afterwards {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        if range.start > range.end {
            return invalid();
        }
        punch(file, range.clone())?;
        check(file, &range)
    }
}

/// Refuses a range that ends just at the end of the file.
///
/// breaks: "An empty range inside the file, or at its end, changes nothing and is no error."
/// fails: give_back::a_hole_stays_a_hole failed
/// fails: give_back::a_range_outside_the_file_is_refused failed
/// fails: give_back::others_notice_zeros_and_nothing_else failed
/// fails: give_back::the_range_becomes_zeros_and_nothing_else_changes failed
/// fails: give_back::the_space_of_each_whole_page_is_freed failed
mod end_is_past_the_end {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        if range.start > range.end || range.end >= file.metadata()?.len() {
            return invalid();
        }
        punch(file, range)
    }
}

/// Has the error of a short read for a range past the end.
///
/// breaks: "`InvalidInput` when `range`, even an empty one, ends past the end of the file; nothing changes then."
/// fails: give_back::a_range_outside_the_file_is_refused failed
mod unexpected_eof {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        if range.start > range.end {
            return invalid();
        }
        if range.end > file.metadata()?.len() {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        punch(file, range)
    }
}

/// Widens the range to whole pages, so that the neighbours on its first and last page become zeros as well.
///
/// breaks: "All other bytes keep their values, also those that other processes store to them meanwhile."
/// fails: give_back::a_hole_stays_a_hole failed
/// fails: give_back::others_notice_zeros_and_nothing_else failed
/// fails: give_back::the_range_becomes_zeros_and_nothing_else_changes failed a-hole-is-of-whole-pages
mod rounds_outwards {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        check(file, &range)?;
        if range.is_empty() {
            return Ok(());
        }
        punch(file, range.start / page() * page()..range.end.next_multiple_of(page()))
    }
}

/// Punches only the whole pages and forgets the bytes before and after them.
///
/// breaks: "The bytes in `range` become zeros, for read(2) and in every shared mapping."
/// fails: give_back::a_hole_stays_a_hole failed
/// fails: give_back::the_range_becomes_zeros_and_nothing_else_changes failed a-hole-is-of-whole-pages
mod rounds_inwards {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        check(file, &range)?;
        punch(file, range.start.next_multiple_of(page())..range.end / page() * page())
    }
}

/// Refuses ends that are not multiples of the page size, as mmap(2) would.
///
/// breaks: "Neither end of `range` needs to be page-aligned."
/// fails: give_back::a_hole_stays_a_hole failed
/// fails: give_back::a_range_outside_the_file_is_refused failed
/// fails: give_back::others_notice_zeros_and_nothing_else failed
/// fails: give_back::the_range_becomes_zeros_and_nothing_else_changes failed
/// fails: give_back::the_space_of_each_whole_page_is_freed failed
/// fails: give_back::what_the_kernel_refuses_is_an_error failed
mod aligned_only {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        check(file, &range)?;
        if !range.start.is_multiple_of(page())
            || !range.end.is_multiple_of(page()) && range.end != file.metadata()?.len()
        {
            return Err(Errno::EINVAL.into());
        }
        punch(file, range)
    }
}

/// Computes the offset and the length in 32 bits.
///
/// breaks: "Both ends may lie beyond 4 GiB."
/// fails: give_back::offsets_may_take_more_than_32_bits failed
mod thirty_two_bits {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        check(file, &range)?;
        let (start, end) = (range.start as u32, range.end as u32);
        punch(file, u64::from(start)..u64::from(end))
    }
}

/// Gives fallocate(2) the end of the range where it wants the length.
///
/// breaks: "All other bytes keep their values, also those that other processes store to them meanwhile."
/// fails: give_back::a_hole_stays_a_hole failed
/// fails: give_back::others_notice_zeros_and_nothing_else failed
/// fails: give_back::the_range_becomes_zeros_and_nothing_else_changes failed
mod end_for_length {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        check(file, &range)?;
        if range.is_empty() {
            return Ok(());
        }
        let how = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
        Ok(fallocate(file, how, range.start as i64, range.end as i64)?)
    }
}

/// Takes the end of the range for its last byte.
///
/// breaks: "All other bytes keep their values, also those that other processes store to them meanwhile."
/// fails: give_back::a_hole_stays_a_hole failed
/// fails: give_back::a_range_outside_the_file_is_refused failed
/// fails: give_back::others_notice_zeros_and_nothing_else failed
/// fails: give_back::the_range_becomes_zeros_and_nothing_else_changes failed
mod end_inclusive {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        check(file, &range)?;
        if range.is_empty() { Ok(()) } else { punch(file, range.start..range.end + 1) }
    }
}

/// Writes a whole page of zeros for the last page of the file, of which the file has only a part.
///
/// breaks: "The file keeps its length."
/// fails: give_back::the_range_becomes_zeros_and_nothing_else_changes failed
mod fills_the_last_page {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        check(file, &range)?;
        if range.is_empty() || range.end < file.metadata()?.len() {
            return punch(file, range);
        }
        let last = (range.end / page() * page()).max(range.start);
        punch(file, range.start..last)?;
        zeros(file, last..range.end.next_multiple_of(page()))
    }
}

/// Splits the range into edges and pages and forgets that it may lie within a single page.
///
/// breaks: "The bytes in `range` become zeros, for read(2) and in every shared mapping."
/// fails: give_back::the_range_becomes_zeros_and_nothing_else_changes failed
mod spans_two_pages_at_least {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        check(file, &range)?;
        let first = range.start.next_multiple_of(page());
        let last = range.end / page() * page();
        if first <= last {
            punch(file, range.start..first)?;
            punch(file, last..range.end)?;
        }
        punch(file, first..last)
    }
}

/// Gives the pages back with MADV_DONTNEED, which drops them from a mapping of its own and leaves the file alone.
///
/// breaks: "The bytes in `range` become zeros, for read(2) and in every shared mapping."
/// fails: give_back::a_hole_stays_a_hole failed
/// fails: give_back::a_range_outside_the_file_is_refused failed
/// fails: give_back::others_notice_zeros_and_nothing_else failed
/// fails: give_back::the_range_becomes_zeros_and_nothing_else_changes failed
/// fails: give_back::the_space_of_each_whole_page_is_freed failed dontneed-frees-the-file
mod does_not_need_them {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        check(file, &range)?;
        let first = range.start.next_multiple_of(page());
        let last = range.end / page() * page();
        if first >= last {
            return punch(file, range);
        }
        let mapping = Mapping::of_file(file, first, (last - first) as usize, READ_WRITE, Sharing::Shared)?;
        // SAFETY: exactly the range of the mapping above, which nothing else uses.
        Errno::result(unsafe { libc::madvise(mapping.address() as *mut _, mapping.length(), libc::MADV_DONTNEED) })?;
        punch(file, range.start..first)?;
        punch(file, last..range.end)
    }
}

/// Rounds the length of MADV_REMOVE to pages by leaving that to the kernel, which rounds it up.
///
/// breaks: "All other bytes keep their values, also those that other processes store to them meanwhile."
/// fails: give_back::a_hole_stays_a_hole failed
/// fails: give_back::others_notice_zeros_and_nothing_else failed
/// fails: give_back::the_range_becomes_zeros_and_nothing_else_changes failed a-hole-is-of-whole-pages
mod removes_the_rest_of_the_page {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        check(file, &range)?;
        let first = range.start.next_multiple_of(page());
        if first >= range.end {
            return punch(file, range);
        }
        punch(file, range.start..first)?;
        let mapping = Mapping::of_file(file, first, (range.end - first) as usize, READ_WRITE, Sharing::Shared)?;
        // SAFETY: within the range of the mapping above, which nothing else uses.
        Errno::result(unsafe { libc::madvise(mapping.address() as *mut _, mapping.length(), libc::MADV_REMOVE) })?;
        Ok(())
    }
}

/// Removes the blocks with FALLOC_FL_COLLAPSE_RANGE when the range is aligned, which moves what follows them.
///
/// breaks: "The file keeps its length."
/// fails: give_back::a_range_outside_the_file_is_refused failed
/// fails: give_back::the_range_becomes_zeros_and_nothing_else_changes killed
mod collapses {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        check(file, &range)?;
        let (start, end) = (range.start as i64, range.end as i64);
        let how = FallocateFlags::FALLOC_FL_COLLAPSE_RANGE;
        if !range.is_empty() && fallocate(file, how, start, end - start).is_ok() {
            return Ok(());
        }
        punch(file, range)
    }
}

/// Has the length in an `int`, as the notes do, and refuses files that are 2 GiB or longer.
///
/// breaks: "Both ends may lie beyond 4 GiB."
/// fails: give_back::offsets_may_take_more_than_32_bits failed
mod length_in_an_int {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        check(file, &range)?;
        let length = i32::try_from(file.metadata()?.len()).map_err(|_| Errno::EOVERFLOW)?;
        if length == 0 || range.is_empty() {
            return Ok(());
        }
        punch(file, range)
    }
}

/// Finds out the length by lseek(2) to the end and back, so that the offset moves for a moment.
///
/// breaks: "The offset of `file` doesn't move, not even for a moment, since other processes may share it."
/// fails: give_back::others_notice_zeros_and_nothing_else failed
mod seeks_for_the_length {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        let offset = lseek(file, 0, Whence::SeekCur)?;
        let length = lseek(file, 0, Whence::SeekEnd)? as u64;
        lseek(file, offset, Whence::SeekSet)?;
        if range.start > range.end || range.end > length {
            return invalid();
        }
        punch(file, range)
    }
}

/// Writes zeros at the two edges instead of letting the kernel zero them, which needs space where there was a hole.
///
/// breaks: "What is a hole already stays one: no step needs free disk space."
/// fails: give_back::a_hole_stays_a_hole failed zeros-are-a-hole
mod writes_the_edges {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        check(file, &range)?;
        let first = range.start.div_ceil(page()) * page();
        let last = range.end / page() * page();
        if first > last {
            return zeros(file, range);
        }
        zeros(file, range.start..first)?;
        zeros(file, last..range.end)?;
        punch(file, first..last)
    }
}

/// Zeroes the edges by hand in whole pages that it has read before: a store of another process in between is lost.
///
/// breaks: "All other bytes keep their values, also those that other processes store to them meanwhile."
/// fails: give_back::a_hole_stays_a_hole failed
/// fails: give_back::others_notice_zeros_and_nothing_else failed
mod rewrites_the_edge_pages {
    use super::*;

    fn edge(file: &File, range: Range<u64>) -> io::Result<()> {
        if range.is_empty() {
            return Ok(());
        }
        let start = range.start / page() * page();
        let mut bytes = vec![0; page() as usize];
        let length = file.read_at(&mut bytes, start)?;
        bytes[(range.start - start) as usize..(range.end - start) as usize].fill(0);
        file.write_all_at(&bytes[..length], start)
    }

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        check(file, &range)?;
        let first = range.start.next_multiple_of(page());
        let last = range.end / page() * page();
        if first > last {
            return edge(file, range);
        }
        edge(file, range.start..first)?;
        edge(file, last..range.end)?;
        punch(file, first..last)
    }
}

/// Saves the call when the range begins in a hole, and so overlooks the data after the hole.
///
/// breaks: "The bytes in `range` become zeros, for read(2) and in every shared mapping."
/// fails: give_back::offsets_may_take_more_than_32_bits failed
/// fails: give_back::a_hole_stays_a_hole failed
/// fails: give_back::the_space_of_each_whole_page_is_freed failed
mod begins_in_a_hole {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        check(file, &range)?;
        if range.is_empty() {
            return Ok(());
        }
        let other = File::open(format!("/proc/self/fd/{}", file.as_raw_fd()))?;
        match lseek(&other, range.start as i64, Whence::SeekData) {
            Ok(data) if data as u64 == range.start => punch(file, range),
            Ok(_) | Err(Errno::ENXIO) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }
}

/// Punches page by page, so a large range takes thousands of calls.
///
/// breaks: "Each function makes at most 50 system calls, without those of `fill`, however long the file is"
/// fails: give_back::offsets_may_take_more_than_32_bits failed
/// fails: give_back::others_notice_zeros_and_nothing_else failed
mod page_by_page {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        check(file, &range)?;
        let mut start = range.start;
        while start < range.end {
            let end = (start + 1).next_multiple_of(page()).min(range.end);
            punch(file, start..end)?;
            start = end;
        }
        Ok(())
    }
}

/// Takes fallocate(2) as a hint, and so its errors, such as EPERM of a sealed file, as unimportant.
///
/// breaks: "any other error is passed on as the kernel returns it."
/// fails: give_back::what_the_kernel_refuses_is_an_error failed
mod only_a_hint {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        check(file, &range)?;
        let _ = punch(file, range);
        Ok(())
    }
}

/// Writes zeros where fallocate(2) fails for whatever reason, so that what it refuses looks done.
///
/// breaks: "any other error is passed on as the kernel returns it."
/// fails: give_back::what_the_kernel_refuses_is_an_error failed
mod falls_back_to_zeros {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        check(file, &range)?;
        punch(file, range.clone()).or_else(|_| zeros(file, range))
    }
}

/// Asks for the length of the first file only, and takes every later file to be as long.
///
/// breaks: "`InvalidInput` when `range`, even an empty one, ends past the end of the file; nothing changes then."
/// fails: give_back::a_range_outside_the_file_is_refused failed
mod remembers_the_length {
    use super::*;

    static LENGTH: AtomicU64 = AtomicU64::new(0);

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        if LENGTH.load(Ordering::Relaxed) == 0 {
            LENGTH.store(file.metadata()?.len(), Ordering::Relaxed);
        }
        if range.start > range.end || range.end > LENGTH.load(Ordering::Relaxed) {
            return invalid();
        }
        punch(file, range)
    }
}

/// Asks for the length with fstat(2) and punches one hole.
///
/// passes
mod one_hole_2 {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        check_again(file, &range)?;
        punch_again(file, range.start, range.end)
    }
}

/// Punches the incomplete pages at both ends and the pages between them, each by a call of its own.
///
/// passes
mod three_holes {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        check_again(file, &range)?;
        let first = range.start.next_multiple_of(page_again()).min(range.end);
        let last = (range.end / page_again() * page_again()).max(first);
        punch_again(file, last, range.end)?;
        punch_again(file, range.start, first)?;
        punch_again(file, first, last)
    }
}

/// Learns the length with stat(2) of the link in /proc, and makes the bare system call.
///
/// passes
mod stat_in_proc_and_bare_call {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        let length = std::fs::metadata(format!("/proc/self/fd/{}", file.as_raw_fd()))?.len();
        let bytes = range.end.checked_sub(range.start).ok_or_else(invalid_again)?;
        if range.end > length {
            return Err(invalid_again());
        }
        let mode = libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE;
        if bytes == 0 {
            return Ok(());
        }
        // SAFETY: fallocate(2) takes no pointer.
        let answer = unsafe { libc::fallocate64(file.as_raw_fd(), mode, range.start as i64, bytes as i64) };
        if answer == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}

/// Finds the length by seeking to the end and back.
///
/// breaks: "The offset of `file` doesn't move, not even for a moment, since other processes may share it."
/// fails: give_back::others_notice_zeros_and_nothing_else failed
mod length_by_seeking {
    use super::*;

    pub fn give_back(mut file: &File, range: Range<u64>) -> io::Result<()> {
        let before = file.stream_position()?;
        let length = file.seek(SeekFrom::End(0))?;
        file.seek(SeekFrom::Start(before))?;
        if range.start > range.end || range.end > length {
            return Err(invalid_again());
        }
        punch_again(file, range.start, range.end)
    }
}

/// Takes `Range::is_empty` for "empty", which is also true of a range that ends before it begins.
///
/// breaks: "`InvalidInput` when `range` ends before it begins; nothing changes then."
/// fails: give_back::a_range_outside_the_file_is_refused failed
mod is_empty_of_a_reversed_range {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        if range.end > file.metadata()?.len() {
            return Err(invalid_again());
        }
        if range.is_empty() {
            return Ok(());
        }
        punch_again(file, range.start, range.end)
    }
}

/// Returns early for an empty range, before it looks where the file ends.
///
/// breaks: "`InvalidInput` when `range`, even an empty one, ends past the end of the file; nothing changes then."
/// fails: give_back::a_range_outside_the_file_is_refused failed
mod empty_beyond_the_end_is_fine {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        if range.start == range.end {
            return Ok(());
        }
        check_again(file, &range)?;
        punch_again(file, range.start, range.end)
    }
}

/// Refuses an empty range that lies exactly at the end of the file.
///
/// breaks: "An empty range inside the file, or at its end, changes nothing and is no error."
/// fails: give_back::a_range_outside_the_file_is_refused failed
mod start_must_be_a_byte_of_the_file {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        check_again(file, &range)?;
        if range.start >= file.metadata()?.len() {
            return Err(invalid_again());
        }
        punch_again(file, range.start, range.end)
    }
}

/// Passes an empty range to fallocate(2), which answers EINVAL.
///
/// breaks: "An empty range inside the file, or at its end, changes nothing and is no error."
/// fails: give_back::a_range_outside_the_file_is_refused failed
mod empty_to_the_kernel {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        check_again(file, &range)?;
        let flags = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
        Ok(fallocate(file, flags, range.start as i64, (range.end - range.start) as i64)?)
    }
}

/// Cuts a range that is too long down to the file instead of refusing it.
///
/// breaks: "`InvalidInput` when `range`, even an empty one, ends past the end of the file; nothing changes then."
/// fails: give_back::a_range_outside_the_file_is_refused failed
mod clamped_to_the_file {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        let length = file.metadata()?.len();
        if range.start > range.end || range.start > length {
            return Err(invalid_again());
        }
        punch_again(file, range.start, range.end.min(length))
    }
}

/// Punches only whole pages and leaves the bytes in the pages at the ends.
///
/// breaks: "The bytes in `range` become zeros, for read(2) and in every shared mapping."
/// fails: give_back::a_hole_stays_a_hole failed
/// fails: give_back::the_range_becomes_zeros_and_nothing_else_changes failed a-hole-is-of-whole-pages
mod whole_pages_only_2 {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        check_again(file, &range)?;
        punch_again(file, range.start.next_multiple_of(page_again()), range.end / page_again() * page_again())
    }
}

/// Punches the whole pages and writes zeros to the ends of the range, which fills the holes there.
///
/// breaks: "What is a hole already stays one: no step needs free disk space."
/// fails: give_back::a_hole_stays_a_hole failed zeros-are-a-hole
mod zeros_at_the_edges {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        check_again(file, &range)?;
        let first = range.start.next_multiple_of(page_again()).min(range.end);
        let last = (range.end / page_again() * page_again()).max(first);
        punch_again(file, first, last)?;
        file.write_all_at(&vec![0; (first - range.start) as usize], range.start)?;
        file.write_all_at(&vec![0; (range.end - last) as usize], last)
    }
}

/// Saves the neighbours in the pages at the ends, punches those pages too, and writes the neighbours back.
///
/// breaks: "All other bytes keep their values, also those that other processes store to them meanwhile."
/// fails: give_back::a_hole_stays_a_hole failed
/// fails: give_back::others_notice_zeros_and_nothing_else failed
mod saves_and_restores_the_neighbours {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        check_again(file, &range)?;
        if range.is_empty() {
            return Ok(());
        }
        let first = range.start / page_again() * page_again();
        let last = range.end.next_multiple_of(page_again()).min(file.metadata()?.len());
        let (mut before, mut after) = (vec![0; (range.start - first) as usize], vec![0; (last - range.end) as usize]);
        file.read_exact_at(&mut before, first)?;
        file.read_exact_at(&mut after, range.end)?;
        punch_again(file, first, last)?;
        file.write_all_at(&before, first)?;
        file.write_all_at(&after, range.end)
    }
}

/// Cuts the file and lengthens it again when the range reaches its end, since that frees space in two easy calls.
///
/// breaks: "The file has its length at every moment, so no access to one of the mappings raises SIGBUS."
/// fails: give_back::others_notice_zeros_and_nothing_else failed truncation-only-frees
mod truncates_at_the_tail {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        check_again(file, &range)?;
        let length = file.metadata()?.len();
        if range.end == length && !range.is_empty() {
            file.set_len(range.start)?;
            return file.set_len(length);
        }
        punch_again(file, range.start, range.end)
    }
}

/// Asks for FALLOC_FL_ZERO_RANGE, which zeros the bytes and reserves their space.
///
/// breaks: "Each page that lies wholly inside `range` gives up its disk space (st_blocks) until somebody accesses it again."
/// fails: give_back::offsets_may_take_more_than_32_bits failed
/// fails: give_back::a_hole_stays_a_hole failed
/// fails: give_back::the_space_of_each_whole_page_is_freed failed
/// fails: give_back::what_the_kernel_refuses_is_an_error failed
mod zero_range_2 {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        check_again(file, &range)?;
        if range.is_empty() {
            return Ok(());
        }
        let flags = FallocateFlags::FALLOC_FL_ZERO_RANGE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
        Ok(fallocate(file, flags, range.start as i64, (range.end - range.start) as i64)?)
    }
}

/// Writes zeros where the file system can't punch holes, so that the caller gets Ok.
///
/// breaks: "EOPNOTSUPP when its file system has no holes."
/// fails: give_back::what_the_kernel_refuses_is_an_error failed
mod zeros_where_there_are_no_holes {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        check_again(file, &range)?;
        match punch_again(file, range.start, range.end) {
            Err(error) if error.raw_os_error() == Some(libc::EOPNOTSUPP) => {
                file.write_all_at(&vec![0; (range.end - range.start) as usize], range.start)
            }
            other => other,
        }
    }
}

/// Punches a gibibyte at a time: a range of a tebibyte is a thousand calls.
///
/// breaks: "Each function makes at most 50 system calls, without those of `fill`, however long the file is"
/// fails: give_back::offsets_may_take_more_than_32_bits failed
mod a_gibibyte_at_a_time {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        check_again(file, &range)?;
        let mut start = range.start;
        while start < range.end {
            let end = range.end.min(start + (1 << 30));
            punch_again(file, start, end)?;
            start = end;
        }
        Ok(())
    }
}

/// Squeezes the length of the hole into 32 bits, so that a hole of 4 GiB and a page becomes one of a page.
///
/// breaks: "Both ends may lie beyond 4 GiB."
/// fails: give_back::offsets_may_take_more_than_32_bits failed
mod length_of_32_bits {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        check_again(file, &range)?;
        let bytes = (range.end - range.start) as u32;
        punch_again(file, range.start, range.start + u64::from(bytes))
    }
}

/// Asks for the seals first, and a file that is no memfd answers EINVAL to that.
///
/// breaks: "Frees the disk space of the bytes in `range`, which read as zeros from then on."
/// fails: give_back::a_hole_stays_a_hole failed
/// fails: give_back::a_range_outside_the_file_is_refused failed
/// fails: give_back::others_notice_zeros_and_nothing_else failed
/// fails: give_back::the_range_becomes_zeros_and_nothing_else_changes failed
/// fails: give_back::the_space_of_each_whole_page_is_freed failed
/// fails: give_back::what_the_kernel_refuses_is_an_error failed
mod asks_for_seals_first {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        check_again(file, &range)?;
        if fcntl(file, FcntlArg::F_GET_SEALS)? & libc::F_SEAL_WRITE != 0 {
            return Err(Errno::EPERM.into());
        }
        punch_again(file, range.start, range.end)
    }
}

/// Looks for the next data with SEEK_DATA, to skip a range that is a hole already, and then seeks back.
///
/// breaks: "The offset of `file` doesn't move, not even for a moment, since other processes may share it."
/// fails: give_back::others_notice_zeros_and_nothing_else failed
/// fails: give_back::the_space_of_each_whole_page_is_freed failed
mod skips_holes_by_seeking {
    use super::*;

    pub fn give_back(mut file: &File, range: Range<u64>) -> io::Result<()> {
        check_again(file, &range)?;
        let before = file.stream_position()?;
        // SAFETY: lseek(2) takes no pointer.
        let data = unsafe { libc::lseek(file.as_raw_fd(), range.start as i64, libc::SEEK_DATA) };
        file.seek(SeekFrom::Start(before))?;
        if data == -1 || data as u64 >= range.end {
            return Ok(());
        }
        punch_again(file, range.start, range.end)
    }
}

/// Turns the kernel's errors into kinds of its own, without an errno.
///
/// breaks: "EPERM when the file must not change (F_SEAL_WRITE), and EOPNOTSUPP when its file system has no holes."
/// fails: give_back::what_the_kernel_refuses_is_an_error failed
mod kinds_without_an_errno {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        check_again(file, &range)?;
        punch_again(file, range.start, range.end).map_err(|error| io::Error::new(error.kind(), "can't punch a hole"))
    }
}

/// Drops the pages of a mapping with MADV_DONTNEED, after which they come back from the file.
///
/// breaks: "The bytes in `range` become zeros, for read(2) and in every shared mapping."
/// fails: give_back::a_hole_stays_a_hole failed
/// fails: give_back::a_range_outside_the_file_is_refused failed
/// fails: give_back::others_notice_zeros_and_nothing_else failed
/// fails: give_back::the_range_becomes_zeros_and_nothing_else_changes failed
/// fails: give_back::the_space_of_each_whole_page_is_freed failed dontneed-frees-the-file
mod dontneed {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        check_again(file, &range)?;
        if range.is_empty() {
            return Ok(());
        }
        let first = range.start / page_again() * page_again();
        let mapping = Mapping::of_file(file, first, (range.end - first) as usize, READ_WRITE, Sharing::Shared)?;
        let start = std::ptr::without_provenance_mut(mapping.address());
        // SAFETY: the range is that of the mapping, which nothing else knows of.
        Errno::result(unsafe { libc::madvise(start, mapping.length(), libc::MADV_DONTNEED) })?;
        Ok(())
    }
}

/// Frees the pages with MADV_REMOVE, which rounds the end up to a page and takes the neighbours along.
///
/// breaks: "All other bytes keep their values, also those that other processes store to them meanwhile."
/// fails: give_back::a_hole_stays_a_hole failed
/// fails: give_back::others_notice_zeros_and_nothing_else failed
/// fails: give_back::the_range_becomes_zeros_and_nothing_else_changes failed a-hole-is-of-whole-pages
mod madvise_remove_rounds_up {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        check_again(file, &range)?;
        let first = range.start.next_multiple_of(page_again());
        if first >= range.end {
            return punch_again(file, range.start, range.end);
        }
        punch_again(file, range.start, first)?;
        let mapping = Mapping::of_file(file, first, (range.end - first) as usize, READ_WRITE, Sharing::Shared)?;
        let start = std::ptr::without_provenance_mut(mapping.address());
        // SAFETY: the range is that of the mapping, which nothing else knows of.
        Errno::result(unsafe { libc::madvise(start, mapping.length(), libc::MADV_REMOVE) })?;
        Ok(())
    }
}

/// Rounds the ends inward to 64 KiB, "the block size", and stores zeros to the rest, however many whole pages that has.
///
/// breaks: "Each page that lies wholly inside `range` gives up its disk space (st_blocks) until somebody accesses it again."
/// fails: give_back::a_hole_stays_a_hole failed zeros-are-a-hole
/// fails: give_back::the_space_of_each_whole_page_is_freed failed zeros-are-a-hole
/// fails: give_back::what_the_kernel_refuses_is_an_error failed
mod blocks_of_64_kib {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        check_again(file, &range)?;
        let first = range.start.next_multiple_of(1 << 16).min(range.end);
        let last = (range.end >> 16 << 16).max(first);
        file.write_all_at(&vec![0; (first - range.start) as usize], range.start)?;
        file.write_all_at(&vec![0; (range.end - last) as usize], last)?;
        punch_again(file, first, last)
    }
}

/// Checks, and punches one hole.
///
/// passes
mod punches_one_hole {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        checked(file, &range)?;
        punch(file, range)
    }
}

/// Punches the two edges and the whole pages between them each for itself.
///
/// passes
mod punches_three_holes {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        checked(file, &range)?;
        let pages = inner(&range);
        if pages.is_empty() {
            return punch(file, range);
        }
        punch(file, range.start..pages.start)?;
        punch(file, pages.end..range.end)?;
        punch(file, pages)
    }
}

/// Calls libc through a duplicate of the descriptor, and lets an empty range end early.
///
/// passes
mod punches_through_a_duplicate {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        let copy = file.try_clone()?;
        checked(&copy, &range)?;
        let (mode, length) = (holes().bits(), (range.end - range.start) as i64);
        // SAFETY: fallocate takes numbers only; the descriptor is open.
        if length == 0 || unsafe { libc::fallocate(copy.as_raw_fd(), mode, range.start as i64, length) } == 0 {
            return Ok(());
        }
        Err(io::Error::last_os_error())
    }
}

/// Zeroes with FALLOC_FL_ZERO_RANGE, which keeps the space reserved (and is not known to tmpfs).
///
/// breaks: "Each page that lies wholly inside `range` gives up its disk space (st_blocks) until somebody accesses it again."
/// fails: give_back::a_hole_stays_a_hole failed
/// fails: give_back::offsets_may_take_more_than_32_bits failed
/// fails: give_back::the_space_of_each_whole_page_is_freed failed
mod zeroes_the_range {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        checked(file, &range)?;
        if range.is_empty() {
            return Ok(());
        }
        let zeros = FallocateFlags::FALLOC_FL_ZERO_RANGE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
        match fallocate(file, zeros, range.start as i64, (range.end - range.start) as i64) {
            Err(Errno::EOPNOTSUPP) => punch(file, range),
            other => Ok(other?),
        }
    }
}

/// Cuts a tail off and makes the file long again, as an optimisation for ranges that reach the end.
///
/// breaks: "The file has its length at every moment, so no access to one of the mappings raises SIGBUS."
/// fails: give_back::others_notice_zeros_and_nothing_else failed truncation-only-frees
mod cuts_the_tail_off {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        let length = checked(file, &range)?;
        if range.end == length && !range.is_empty() {
            file.set_len(range.start)?;
            return file.set_len(length);
        }
        punch(file, range)
    }
}

/// Punches the whole pages and writes zeros to the edges, which fills holes there.
///
/// breaks: "What is a hole already stays one: no step needs free disk space."
/// fails: give_back::a_hole_stays_a_hole failed zeros-are-a-hole
mod writes_zeros_at_the_edges {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        checked(file, &range)?;
        let pages = inner(&range);
        let first = pages.start.min(range.end);
        file.write_all_at(&vec![0; (first - range.start) as usize], range.start)?;
        if first < range.end {
            file.write_all_at(&vec![0; (range.end - pages.end) as usize], pages.end)?;
        }
        punch(file, pages)
    }
}

/// Reads what stands beside the range in its outermost pages, punches whole pages, and writes it back.
///
/// breaks: "All other bytes keep their values, also those that other processes store to them meanwhile."
/// fails: give_back::a_hole_stays_a_hole failed
/// fails: give_back::others_notice_zeros_and_nothing_else failed
mod saves_the_edges {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        let length = checked(file, &range)?;
        if range.is_empty() {
            return Ok(());
        }
        let (start, end) = (range.start / page() * page(), range.end.next_multiple_of(page()).min(length));
        let mut before = vec![0; (range.start - start) as usize];
        let mut after = vec![0; (end - range.end) as usize];
        file.read_exact_at(&mut before, start)?;
        file.read_exact_at(&mut after, range.end)?;
        punch(file, start..end)?;
        file.write_all_at(&before, start)?;
        file.write_all_at(&after, range.end)
    }
}

/// Punches only where there is data, which it looks for with lseek(2); it puts the offset back afterwards.
///
/// breaks: "The offset of `file` doesn't move, not even for a moment, since other processes may share it."
/// fails: give_back::others_notice_zeros_and_nothing_else failed
/// fails: give_back::the_space_of_each_whole_page_is_freed failed
mod looks_for_data {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        checked(file, &range)?;
        let offset = lseek(file, 0, Whence::SeekCur)?;
        let data = lseek(file, range.start as i64, Whence::SeekData);
        lseek(file, offset, Whence::SeekSet)?;
        match data {
            Ok(data) if (data as u64) < range.end => punch(file, range),
            _ => Ok(()),
        }
    }
}

/// Asks is_empty first, which is true for a range that ends before it begins.
///
/// breaks: "`InvalidInput` when `range` ends before it begins; nothing changes then."
/// fails: give_back::a_range_outside_the_file_is_refused failed
mod backwards_is_empty {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        if range.end > file.metadata()?.len() {
            return invalid();
        }
        if range.is_empty() { Ok(()) } else { punch(file, range) }
    }
}

/// Wants the start to be a byte of the file.
///
/// breaks: "An empty range inside the file, or at its end, is no error, sealed or not, and changes nothing."
/// fails: give_back::a_range_outside_the_file_is_refused failed
mod start_must_be_a_byte {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        let length = checked(file, &range)?;
        if range.start >= length {
            return invalid();
        }
        punch(file, range)
    }
}

/// Looks at the seals before anything else, and so refuses to do nothing to a sealed file.
///
/// breaks: "An empty range inside the file, or at its end, is no error, sealed or not, and changes nothing."
/// fails: give_back::what_the_kernel_refuses_is_an_error failed
mod seals_first {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        let seals = fcntl(file, FcntlArg::F_GET_SEALS).unwrap_or(0);
        if SealFlag::from_bits_retain(seals).contains(SealFlag::F_SEAL_WRITE) {
            return Err(Errno::EPERM.into());
        }
        checked(file, &range)?;
        punch(file, range)
    }
}

/// Writes zeros where the file system has no holes, to be helpful.
///
/// breaks: "EPERM when the file must not change (F_SEAL_WRITE), and EOPNOTSUPP when its file system has no holes."
/// fails: give_back::what_the_kernel_refuses_is_an_error failed
mod falls_back_to_zeros_2 {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        checked(file, &range)?;
        match punch(file, range.clone()) {
            Err(error) if error.raw_os_error() == Some(libc::EOPNOTSUPP) => {
                let mapping = Mapping::of_file(file, 0, range.end as usize, READ_WRITE, Sharing::Shared)?;
                (range.start as usize..range.end as usize).for_each(|at| mapping.store(at, 0));
                Ok(())
            }
            other => other,
        }
    }
}

/// Does nothing for the range that the last call freed, though bytes may have been stored there since.
///
/// breaks: "The bytes in `range` become zeros, for read(2) and in every shared mapping."
/// fails: give_back::a_range_outside_the_file_is_refused failed
mod skips_what_it_freed {
    use super::*;

    static LAST: Mutex<Option<(u64, u64, Range<u64>)>> = Mutex::new(None);

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        use std::os::unix::fs::MetadataExt;
        checked(file, &range)?;
        let metadata = file.metadata()?;
        let this = Some((metadata.dev(), metadata.ino(), range.clone()));
        let mut last = LAST.lock().unwrap();
        if *last != this {
            punch(file, range)?;
            *last = this;
        }
        Ok(())
    }
}

/// Leaves its duplicate of the descriptor open.
///
/// breaks: "The call leaves no descriptor of its own open, and nothing mapped, not even after an error."
/// fails: give_back::a_range_outside_the_file_is_refused failed
/// fails: give_back::what_the_kernel_refuses_is_an_error failed
mod leaves_a_duplicate {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        checked(file, &range)?;
        punch(file, range)?;
        let _ = file.try_clone()?.into_raw_fd();
        Ok(())
    }
}

/// Writes zeros first, so that they are there at once, and then frees the space.
///
/// breaks: "What is a hole already stays one: no step needs free disk space."
/// fails: give_back::a_hole_stays_a_hole failed zeros-are-a-hole
mod zeros_and_then_a_hole {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        check(file, &range)?;
        zeros_in_chunks(file, &range)?;
        punch(file, range)
    }

    fn zeros_in_chunks(file: &File, range: &Range<u64>) -> io::Result<()> {
        if range.end - range.start > 1 << 20 { Ok(()) } else { zeros(file, range.clone()) }
    }
}

/// Refuses each file that has a seal at all.
///
/// breaks: "The bytes in `range` become zeros, for read(2) and in every shared mapping."
/// fails: give_back::what_the_kernel_refuses_is_an_error failed
mod any_seal_forbids_it {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        check(file, &range)?;
        if !range.is_empty() && fcntl(file, FcntlArg::F_GET_SEALS).is_ok_and(|seals| seals & !libc::F_SEAL_SEAL != 0) {
            return Err(Errno::EPERM.into());
        }
        punch(file, range)
    }
}

/// Saves the call when the range reads as zeros, though zeros may have been written there.
///
/// breaks: "Each page that lies wholly inside `range` gives up its disk space (st_blocks) until somebody accesses it again."
/// fails: give_back::the_space_of_each_whole_page_is_freed failed
mod zeros_need_no_call {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        check(file, &range)?;
        let length = range.end - range.start;
        if length < 1 << 20 {
            let mut bytes = vec![1; length as usize];
            file.read_exact_at(&mut bytes, range.start)?;
            if bytes.iter().all(|byte| *byte == 0) {
                return Ok(());
            }
        }
        punch(file, range)
    }
}

/// Maps the range to look at it, and leaves it mapped when there is nothing to do.
///
/// breaks: "The call leaves no descriptor of its own open, and nothing mapped, not even after an error."
/// fails: give_back::what_the_kernel_refuses_is_an_error failed
mod stays_mapped_after_an_error {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        check(file, &range)?;
        if range.is_empty() {
            return Ok(());
        }
        let mapping = Mapping::of_file(file, 0, range.end as usize, READ_WRITE, Sharing::Shared)?;
        let done = punch(file, range);
        if done.is_err() {
            std::mem::forget(mapping)
        }
        done
    }
}

/// Refuses a range that is reversed in signed numbers of 32 bits.
///
/// breaks: "Both ends may lie beyond 4 GiB."
/// fails: give_back::offsets_may_take_more_than_32_bits failed
mod reversed_in_32_bits {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        check(file, &range)?;
        if range.start as i32 > range.end as i32 {
            return invalid();
        }
        punch(file, range)
    }
}

/// Compares the ends in unsigned numbers of 32 bits.
///
/// breaks: "Both ends may lie beyond 4 GiB."
/// fails: give_back::offsets_may_take_more_than_32_bits failed
mod reversed_modulo_4_gib {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        check(file, &range)?;
        if range.start as u32 > range.end as u32 {
            return invalid();
        }
        punch(file, range)
    }
}

/// Punches the hole and reserves its blocks again, so that a later store finds space.
///
/// breaks: "Each page that lies wholly inside `range` gives up its disk space (st_blocks) until somebody accesses it again."
/// fails: give_back::offsets_may_take_more_than_32_bits failed
/// fails: give_back::a_hole_stays_a_hole failed
/// fails: give_back::the_space_of_each_whole_page_is_freed failed
mod reserves_again {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        check(file, &range)?;
        punch(file, range.clone())?;
        if range.is_empty() {
            return Ok(());
        }
        let length = (range.end - range.start) as i64;
        Ok(fallocate(file, FallocateFlags::FALLOC_FL_KEEP_SIZE, range.start as i64, length)?)
    }
}

/// Reads the freed bytes, page by page, to be sure that they are zeros.
///
/// breaks: "Each function makes at most 50 system calls, without those of `fill` and of child processes, however long the file is"
/// fails: give_back::offsets_may_take_more_than_32_bits failed
/// fails: give_back::others_notice_zeros_and_nothing_else failed
mod verifies_page_by_page {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        check(file, &range)?;
        punch(file, range.clone())?;
        let mut buffer = vec![0; page() as usize];
        for at in range.clone().step_by(buffer.len()) {
            let length = (range.end - at).min(page()) as usize;
            file.read_exact_at(&mut buffer[..length], at)?;
            if buffer[..length].iter().any(|&byte| byte != 0) {
                return Err(Errno::EIO.into());
            }
        }
        Ok(())
    }
}

/// Looks with SEEK_DATA on a duplicate whether there is anything to free; a duplicate shares the offset.
///
/// breaks: "The offset of `file` doesn't move, not even for a moment, since other processes may share it."
/// fails: give_back::others_notice_zeros_and_nothing_else failed
/// fails: give_back::the_space_of_each_whole_page_is_freed failed
mod looks_for_data_on_a_duplicate {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        check(file, &range)?;
        let own = file.try_clone()?;
        match lseek(&own, range.start as i64, Whence::SeekData) {
            Ok(data) if (data as u64) < range.end => punch(file, range),
            _ => Ok(()),
        }
    }
}

/// Says what is the matter in words, and loses the errno.
///
/// breaks: "An error that a contract names is the `io::ErrorKind` or the errno of the `io::Error`"
/// fails: give_back::what_the_kernel_refuses_is_an_error failed
mod says_it_in_words {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        check(file, &range)?;
        punch(file, range).map_err(|error| io::Error::other(format!("can't punch a hole: {error}")))
    }
}

/// Uses the raw system calls fstat and fallocate, and EINVAL (whose kind is InvalidInput) for a bad range.
///
/// passes
mod raw_calls {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        let length = nix::sys::stat::fstat(file)?.st_size as u64;
        let Some(count) = range.end.checked_sub(range.start) else {
            return Err(Errno::EINVAL.into());
        };
        if range.end > length {
            return Err(Errno::EINVAL.into());
        }
        if count == 0 {
            return Ok(());
        }
        let mode = libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE;
        // SAFETY: the call takes no pointers.
        let done = unsafe { libc::syscall(libc::SYS_fallocate, file.as_raw_fd(), mode, range.start, count) };
        if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }
}

/// Stores the zeros of the last part of a page through a mapping, which fills a hole there.
///
/// breaks: "What is a hole already stays one: no step needs free disk space."
/// fails: give_back::a_hole_stays_a_hole failed zeros-are-a-hole
mod stores_zeros_at_the_tail {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        if !has_work(file, &range)? {
            return Ok(());
        }
        let last = (range.end / page() * page()).max(range.start);
        punch_part(file, range.start, last)?;
        if last < range.end {
            let page = last / page() * page();
            let mapping = Mapping::of_file(file, page, (range.end - page) as usize, READ_WRITE, Sharing::Shared)?;
            mapping.write((last - page) as usize, &vec![0; (range.end - last) as usize]);
        }
        Ok(())
    }
}

/// Allows a range to end anywhere in the last page of the file.
///
/// breaks: "`InvalidInput` when `range`, even an empty one, ends past the end of the file; nothing changes then."
/// fails: give_back::a_range_outside_the_file_is_refused failed
mod up_to_the_last_page {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        let length = file.metadata()?.len();
        if range.start > range.end || range.end > length.next_multiple_of(page()) {
            return Err(invalid_again());
        }
        Ok(punch_part(file, range.start, range.end.min(length))?)
    }
}

/// Looks at the seals before it sees that there is nothing to do.
///
/// breaks: "An empty range inside the file, or at its end, is no error, sealed or not, and changes nothing."
/// fails: give_back::what_the_kernel_refuses_is_an_error failed
mod sealed_and_empty {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        let seals = SealFlag::from_bits_retain(fcntl(file, FcntlArg::F_GET_SEALS).unwrap_or(0));
        if seals.intersects(SealFlag::F_SEAL_WRITE | SealFlag::F_SEAL_FUTURE_WRITE) {
            return Err(Errno::EPERM.into());
        }
        if has_work(file, &range)? {
            punch_part(file, range.start, range.end)?;
        }
        Ok(())
    }
}

/// Makes an io::Error of its own of EPERM, so that the errno is lost.
///
/// breaks: "EPERM when the file must not change (F_SEAL_WRITE, F_SEAL_FUTURE_WRITE)."
/// fails: give_back::what_the_kernel_refuses_is_an_error failed
mod permission_denied_without_errno {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        if !has_work(file, &range)? {
            return Ok(());
        }
        match punch_part(file, range.start, range.end) {
            Err(Errno::EPERM) => Err(io::Error::new(io::ErrorKind::PermissionDenied, "the file is sealed")),
            other => Ok(other?),
        }
    }
}

/// Follows the last hint, line by line.
///
/// passes
mod give_back_as_the_hint_says {
    use super::*;

    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
        if range.start > range.end || range.end > file.metadata()?.len() {
            return Err(ErrorKind::InvalidInput.into());
        }
        if range.is_empty() {
            return Ok(());
        }
        let offset = range.start.try_into().map_err(io::Error::other)?;
        let length = (range.end - range.start).try_into().map_err(io::Error::other)?;
        let hole = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
        fallocate(file, hole, offset, length)?;
        Ok(())
    }
}

one_of! {
    pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()>;
    drops_the_pages knows_the_checks_sizes leaves_the_ends_to_the_kernel offsets_of_32_bits rounds_inward rounds_outward
    truncates_the_tail waits_for_the_file_to_grow writes_zeros one_hole two_halves whole_pages_first
    removes_through_a_mapping zero_range truncates_the_tail_2 lets_the_kernel_check empty_is_always_fine
    empty_goes_to_the_kernel reversed_is_empty subtracts_first compares_as_signed rounds_before_it_checks clamps_the_end
    complains_afterwards end_is_past_the_end unexpected_eof rounds_outwards rounds_inwards aligned_only thirty_two_bits
    end_for_length end_inclusive fills_the_last_page spans_two_pages_at_least does_not_need_them
    removes_the_rest_of_the_page collapses length_in_an_int seeks_for_the_length writes_the_edges
    rewrites_the_edge_pages begins_in_a_hole page_by_page only_a_hint falls_back_to_zeros remembers_the_length
    one_hole_2 three_holes stat_in_proc_and_bare_call length_by_seeking is_empty_of_a_reversed_range
    empty_beyond_the_end_is_fine start_must_be_a_byte_of_the_file empty_to_the_kernel clamped_to_the_file
    whole_pages_only_2 zeros_at_the_edges saves_and_restores_the_neighbours truncates_at_the_tail zero_range_2
    zeros_where_there_are_no_holes a_gibibyte_at_a_time length_of_32_bits asks_for_seals_first skips_holes_by_seeking
    kinds_without_an_errno dontneed madvise_remove_rounds_up blocks_of_64_kib punches_one_hole punches_three_holes
    punches_through_a_duplicate zeroes_the_range cuts_the_tail_off writes_zeros_at_the_edges saves_the_edges
    looks_for_data backwards_is_empty start_must_be_a_byte seals_first falls_back_to_zeros_2 skips_what_it_freed
    leaves_a_duplicate zeros_and_then_a_hole any_seal_forbids_it zeros_need_no_call stays_mapped_after_an_error
    reversed_in_32_bits reversed_modulo_4_gib reserves_again verifies_page_by_page looks_for_data_on_a_duplicate
    says_it_in_words raw_calls stores_zeros_at_the_tail up_to_the_last_page sealed_and_empty
    permission_denied_without_errno give_back_as_the_hint_says
}
