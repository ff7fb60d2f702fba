use std::cell::UnsafeCell;
use std::fs::File;
use std::io;
use std::num::NonZeroUsize;
use std::os::fd::{AsFd, AsRawFd, IntoRawFd};
use std::os::unix::fs::FileExt;
use std::ptr::{self, NonNull};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU8, Ordering};

use memmap2::MmapOptions;
use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing, Window};
use mmap_workbook::observe::{page_size, page_size_u64, whole_pages};
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::libc;
use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};
use nix::unistd::{ForkResult, fork, pause};

/// The error for overlapping ranges.
fn refuse_overlap(a: u64, b: u64, length: usize) -> io::Result<()> {
    if a.abs_diff(b) < length as u64 { Err(Errno::EINVAL.into()) } else { Ok(()) }
}

/// The error for a range that is not entirely inside the file.
fn refuse_outside(file: &File, at: u64, length: usize) -> io::Result<()> {
    let size = file.metadata()?.len();
    let inside = at.checked_add(length as u64).is_some_and(|end| end <= size);
    if inside { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// Both errors of the numbers.
fn refuse(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
    refuse_overlap(a, b, length)?;
    refuse_outside(file, a, length)?;
    refuse_outside(file, b, length)
}

/// Exchanges `length` bytes of two windows.
fn exchange(one: &Window, other: &Window, length: usize) {
    let (mut left, mut right) = ([0; 512], [0; 512]);
    for at in (0..length).step_by(512) {
        let part = (length - at).min(512);
        one.read(at, &mut left[..part]);
        other.read(at, &mut right[..part]);
        one.write(at, &right[..part]);
        other.write(at, &left[..part]);
    }
}

/// Maps a range that is inside the file, and returns the mapping and the place of the first byte in it.
#[expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
fn map(file: &File, at: u64, length: usize, sharing: Sharing) -> io::Result<(Mapping, usize)> {
    let skip = at % page_size_u64();
    let mapped = (skip as usize).checked_add(length).ok_or(Errno::ENOMEM)?;
    Ok((Mapping::of_file(file, at - skip, mapped, READ_WRITE, sharing)?, skip as usize))
}

/// The whole right answer, for those that go wrong before it.
fn swap_rightly(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
    if length == 0 {
        return Ok(());
    }
    refuse_overlap(a, b, length)?;
    let one = Window::new(file, a, length, READ_WRITE)?;
    let other = Window::new(file, b, length, READ_WRITE)?;
    exchange(&one, &other, length);
    Ok(())
}

/// The errors of the arguments; for a `length` that is not 0.
fn check(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
    let (size, length) = (file.metadata()?.len(), length as u64);
    if a.max(b).checked_add(length).is_none_or(|end| end > size) {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    if a.abs_diff(b) < length {
        return Err(Errno::EINVAL.into());
    }
    Ok(())
}

/// A shared mapping of the pages of a range, and where the range begins in it.
#[expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
fn map_range(file: &File, offset: u64, length: usize) -> io::Result<(Mapping, usize)> {
    let skip = (offset % page_size_u64()) as usize;
    let mapping = Mapping::of_file(file, offset - skip as u64, skip + length, READ_WRITE, Sharing::Shared)?;
    Ok((mapping, skip))
}

/// Exchanges the bytes from `i` on with those from `j` on, one by one.
fn exchange_again((x, i): (&Mapping, usize), (y, j): (&Mapping, usize), length: usize) {
    for n in 0..length {
        let byte = x.load(i + n);
        x.store(i + n, y.load(j + n));
        y.store(j + n, byte);
    }
}

/// The address of a mapping's byte.
fn pointer(mapping: &Mapping, at: usize) -> *mut u8 {
    ptr::with_exposed_provenance_mut(mapping.address() + at)
}

/// What is wrong with a range that has at least one byte, if anything.
fn inspect(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
    inside(file, a, length)?;
    inside(file, b, length)?;
    if a.abs_diff(b) < length as u64 {
        return Err(Errno::EINVAL.into());
    }
    Ok(())
}

fn inside(file: &File, offset: u64, length: usize) -> io::Result<()> {
    let size = file.metadata()?.len();
    match offset.checked_add(length as u64) {
        Some(end) if end <= size => Ok(()),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// A range of the file, and where in the mapping it begins.
#[expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
fn map_with(file: impl AsFd, offset: u64, length: usize, protection: ProtFlags) -> io::Result<(Mapping, usize)> {
    let skip = (offset % page_size_u64()) as usize;
    Ok((Mapping::of_file(file, offset - skip as u64, skip + length, protection, Sharing::Shared)?, skip))
}

fn exchange_both(x: &(Mapping, usize), y: &(Mapping, usize), length: usize) {
    for at in 0..length {
        let (left, right) = (x.0.load(x.1 + at), y.0.load(y.1 + at));
        x.0.store(x.1 + at, right);
        y.0.store(y.1 + at, left);
    }
}

/// The exchange of two ranges that have been checked.
fn swap_checked(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
    let x = map_with(file, a, length, READ_WRITE)?;
    let y = map_with(file, b, length, READ_WRITE)?;
    exchange_both(&x, &y, length);
    Ok(())
}

/// Adds an offset and a length whose sum does not fit in 64 bits.
///
/// fails: swap::refuses_before_it_changes_anything panicked
mod addition_that_overflows {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        let wide = u64::try_from(length).map_err(io::Error::other)?;
        if length > 0 && a.abs_diff(b) >= wide && a.max(b) + wide > file.metadata()?.len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        crate::solution::swap(file, a, b, length)
    }
}

/// Lets a child do the work, waits until the work is done, and never waits for the child.
///
/// fails: swap::exchanges_the_bytes_and_no_other left_processes
/// fails: swap::leaves_descriptors_as_they_were left_processes
/// fails: swap::refuses_before_it_changes_anything left_processes
mod forks_and_forgets {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        let answer = crate::solution::swap(file, a, b, length);
        // SAFETY: the child makes one raw call and never comes back.
        if let ForkResult::Child = unsafe { fork() }? {
            loop {
                pause();
            }
        }
        answer
    }
}

/// Ends the whole process, with the status of success, instead of returning an error.
///
/// fails: swap::changes_nothing_when_a_mapping_fails failed
/// fails: swap::each_call_looks_at_its_file exited
/// fails: swap::goes_through_mappings_and_leaves_none failed
/// fails: swap::leaves_descriptors_as_they_were exited
/// fails: swap::refuses_before_it_changes_anything exited
mod leaves_by_exit {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if let Err(error) = crate::solution::swap(file, a, b, length) {
            eprintln!("swap: {error}");
            std::process::exit(0);
        }
        Ok(())
    }
}

/// Maps both ranges, and all that is between them, as one.
///
/// fails: swap::goes_through_mappings_and_leaves_none failed map-it-all
/// fails: swap::reaches_any_two_places_of_a_large_file failed map-it-all
mod maps_all_between {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        let wide = u64::try_from(length).map_err(io::Error::other)?;
        let (first, last) = (a.min(b), a.max(b));
        let fits =
            last.checked_add(wide).is_some_and(|end| end <= file.metadata().map_or(0, |metadata| metadata.len()));
        if length == 0 || last - first < wide || !fits {
            return crate::solution::swap(file, a, b, length); // which says what is wrong
        }
        let boundary = first - first % page_size_u64();
        let all = usize::try_from(last + wide - boundary).map_err(io::Error::other)?;
        let mapping = Mapping::of_file(file, boundary, all, READ_WRITE, Sharing::Shared)?;
        let [a, b] = [a, b].map(|at| usize::try_from(at - boundary).expect("64 bits"));
        for n in 0..length {
            let byte = mapping.load(a + n);
            mapping.store(a + n, mapping.load(b + n));
            mapping.store(b + n, byte);
        }
        Ok(())
    }
}

/// Stores to private mappings.
///
/// fails: swap::exchanges_the_bytes_and_no_other failed private-reaches-the-file
mod swaps_private_copies {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        let wide = u64::try_from(length).map_err(io::Error::other)?;
        if length == 0 {
            return Ok(());
        }
        if a.abs_diff(b) < wide {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        if a.max(b).checked_add(wide).is_none_or(|end| end > file.metadata().map_or(0, |metadata| metadata.len())) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let map = |offset: u64| -> io::Result<(Mapping, usize)> {
            let skip = usize::try_from(offset % page_size_u64()).map_err(io::Error::other)?;
            let boundary = offset - offset % page_size_u64();
            Ok((Mapping::of_file(file, boundary, skip + length, READ_WRITE, Sharing::Private)?, skip))
        };
        let ((a, at_a), (b, at_b)) = (map(a)?, map(b)?);
        for n in 0..length {
            let byte = a.load(at_a + n);
            a.store(at_a + n, b.load(at_b + n));
            b.store(at_b + n, byte);
        }
        Ok(())
    }
}

/// Expects mmap(2) to refuse a range past the end of the file.
///
/// fails: swap::each_call_looks_at_its_file failed
/// fails: swap::goes_through_mappings_and_leaves_none killed mapped-is-there
/// fails: swap::leaves_descriptors_as_they_were killed
/// fails: swap::refuses_before_it_changes_anything failed rest-is-file
mod trusts_mmap_with_the_end {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        let wide = u64::try_from(length).map_err(io::Error::other)?;
        if length == 0 {
            return Ok(());
        }
        if a.abs_diff(b) < wide {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let map = |offset: u64| -> io::Result<(Mapping, usize)> {
            let skip = usize::try_from(offset % page_size_u64()).map_err(io::Error::other)?;
            let boundary = offset - offset % page_size_u64();
            Ok((Mapping::of_file(file, boundary, skip + length, READ_WRITE, Sharing::Shared)?, skip))
        };
        let ((a, at_a), (b, at_b)) = (map(a)?, map(b)?);
        for n in 0..length {
            let byte = a.load(at_a + n);
            a.store(at_a + n, b.load(at_b + n));
            b.store(at_b + n, byte);
        }
        Ok(())
    }
}

/// Checks, opens two of the lesson's windows, and exchanges their bytes by way of a small buffer.
///
/// passes
mod two_windows {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        refuse_overlap(a, b, length)?;
        let one = Window::new(file, a, length, READ_WRITE)?;
        let other = Window::new(file, b, length, READ_WRITE)?;
        exchange(&one, &other, length);
        Ok(())
    }
}

/// Exchanges byte by byte with three XORs and no temporary variable, from the last byte to the first.
///
/// passes
mod xor_backwards {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        refuse(file, a, b, length)?;
        let (later, later_skip) = map(file, a.max(b), length, Sharing::Shared)?;
        let (earlier, earlier_skip) = map(file, a.min(b), length, Sharing::Shared)?;
        for n in (0..length).rev() {
            let (i, j) = (later_skip + n, earlier_skip + n);
            later.store(i, later.load(i) ^ earlier.load(j));
            earlier.store(j, later.load(i) ^ earlier.load(j));
            later.store(i, later.load(i) ^ earlier.load(j));
        }
        Ok(())
    }
}

/// Uses a single mapping for both ranges where their pages touch or are the same, and two otherwise.
///
/// passes
mod one_mapping_if_no_page_lies_between {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        refuse(file, a, b, length)?;
        let (low, high) = (a.min(b), a.max(b));
        let page = page_size_u64();
        if high / page > (low + length as u64 - 1) / page + 1 {
            exchange(
                &Window::new(file, low, length, READ_WRITE)?,
                &Window::new(file, high, length, READ_WRITE)?,
                length,
            );
            return Ok(());
        }
        let apart = (high - low) as usize;
        let (mapping, skip) = map(file, low, apart + length, Sharing::Shared)?;
        for n in skip..skip + length {
            let byte = mapping.load(n);
            mapping.store(n, mapping.load(apart + n));
            mapping.store(apart + n, byte);
        }
        Ok(())
    }
}

/// Swaps two memmap2 maps with ptr::swap_nonoverlapping, and flushes them, whatever comes of that.
///
/// passes
mod swap_nonoverlapping_in_memmap2 {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        refuse(file, a, b, length)?;
        let one = MmapOptions::new().offset(a).len(length).map_raw(file)?;
        let other = MmapOptions::new().offset(b).len(length).map_raw(file)?;
        // SAFETY: the ranges don't overlap in the file, and so not in memory.
        unsafe { std::ptr::swap_nonoverlapping(one.as_mut_ptr(), other.as_mut_ptr(), length) };
        let _ = one.flush_async();
        Ok(())
    }
}

/// Reserves addresses with PROT_NONE and puts both mappings there side by side, so that one munmap(2) ends both.
///
/// passes
mod side_by_side_in_a_reservation {
    #![expect(
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        reason = "it is for 64 bits, and casts as learners do"
    )]
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        refuse(file, a, b, length)?;
        let (a_skip, b_skip) = (a % page_size_u64(), b % page_size_u64());
        let a_pages = (a_skip as usize + length).next_multiple_of(page_size());
        let b_pages = (b_skip as usize + length).next_multiple_of(page_size());
        let place = Mapping::anonymous(a_pages + b_pages, ProtFlags::PROT_NONE, Sharing::Private)?;
        let flags = MapFlags::MAP_SHARED | MapFlags::MAP_FIXED;
        for (at, pages, offset) in [(0, a_pages, a - a_skip), (a_pages, b_pages, b - b_skip)] {
            let address = NonZeroUsize::new(place.address() + at);
            let pages = NonZeroUsize::new(pages).ok_or(Errno::EINVAL)?;
            // SAFETY: these addresses are in the reservation, which is ours.
            unsafe { mmap(address, pages, READ_WRITE, flags, file, offset as i64) }?;
        }
        for n in 0..length {
            let (i, j) = (a_skip as usize + n, a_pages + b_skip as usize + n);
            let byte = place.load(i);
            place.store(i, place.load(j));
            place.store(j, byte);
        }
        Ok(())
    }
}

/// Holds an exclusive lock on the file (flock(2)) during the exchange, and waits for it if another has one.
///
/// breaks: "its file offset (lseek(2)) and its lock (flock(2)) stay as they are"
/// fails: swap::leaves_descriptors_as_they_were failed
mod under_a_file_lock {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        let _lock = Flock::lock(file.try_clone()?, FlockArg::LockExclusive).map_err(|(_, errno)| errno)?;
        swap_rightly(file, a, b, length)
    }
}

/// Maps everything from the lower range to the end of the upper one.
///
/// breaks: "At every moment at most the pages of the two ranges are mapped"
/// fails: swap::goes_through_mappings_and_leaves_none failed map-it-all
/// fails: swap::reaches_any_two_places_of_a_large_file failed map-it-all
mod maps_the_span {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        refuse(file, a, b, length)?;
        let (low, apart) = (a.min(b), a.abs_diff(b) as usize);
        let (mapping, skip) = map(file, low, apart + length, Sharing::Shared)?;
        for n in skip..skip + length {
            let byte = mapping.load(n);
            mapping.store(n, mapping.load(apart + n));
            mapping.store(apart + n, byte);
        }
        Ok(())
    }
}

/// Stores through one mapping, but fetches and puts the other range with pread(2) and pwrite(2).
///
/// breaks: "No system call copies bytes of the file"
/// fails: swap::goes_through_mappings_and_leaves_none failed read-is-as-good
mod half_by_pread_and_pwrite {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        refuse(file, a, b, length)?;
        let window = Window::new(file, a, length, READ_WRITE)?;
        let (mut left, mut right) = (vec![0; length], vec![0; length]);
        window.read(0, &mut left);
        file.read_exact_at(&mut right, b)?;
        window.write(0, &right);
        file.write_all_at(&left, b)
    }
}

/// Saves and restores one range through its mapping, but has the kernel copy the other with copy_file_range(2).
///
/// breaks: "with loads and stores through shared mappings"
/// fails: swap::goes_through_mappings_and_leaves_none failed read-is-as-good
mod one_way_by_copy_file_range {
    #![expect(
        clippy::cast_possible_wrap,
        clippy::cast_sign_loss,
        reason = "it is for 64 bits, and casts as learners do"
    )]
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        refuse(file, a, b, length)?;
        let mut saved = vec![0; length];
        Window::new(file, a, length, READ_WRITE)?.read(0, &mut saved);
        let other = Window::new(file, b, length, READ_WRITE)?;
        let (fd, mut from, mut to, mut left) = (file.as_raw_fd(), b as i64, a as i64, length);
        while left > 0 {
            // SAFETY: the descriptor is open, and in this process only the two offsets change.
            left -= Errno::result(unsafe { libc::copy_file_range(fd, &mut from, fd, &mut to, left, 0) })? as usize;
        }
        other.write(0, &saved);
        Ok(())
    }
}

/// Keeps the offsets in 32 bits, and past 4 GiB exchanges other bytes.
///
/// breaks: "`a` and `b` may be in either order, and as far apart as a file allows."
/// fails: swap::reaches_any_two_places_of_a_large_file failed int-holds-a-size
mod offsets_in_32_bits_each {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        refuse(file, a, b, length)?;
        swap_rightly(file, (a as u32).into(), (b as u32).into(), length)
    }
}

/// Uses one scratch buffer for all calls: when two threads swap at once, each stores bytes of the other's file.
///
/// breaks: "But several threads may make calls at the same time."
/// fails: swap::can_be_called_by_several_threads failed
mod scratch_in_a_static {
    use super::*;
    use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

    static SCRATCH: [AtomicU8; 1000] = [const { AtomicU8::new(0) }; 1000];

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        refuse(file, a, b, length)?;
        let (one, i) = map(file, a, length, Sharing::Shared)?;
        let (other, j) = map(file, b, length, Sharing::Shared)?;
        for at in (0..length).step_by(SCRATCH.len()) {
            let part = at..length.min(at + SCRATCH.len());
            part.clone().for_each(|n| SCRATCH[n - at].store(one.load(i + n), Relaxed));
            part.clone().for_each(|n| one.store(i + n, other.load(j + n)));
            part.for_each(|n| other.store(j + n, SCRATCH[n - at].load(Relaxed)));
        }
        Ok(())
    }
}

/// Looks for an overlap first, so that `a == b` is an error even for no bytes at all.
///
/// breaks: "With a `length` of 0 nothing changes, whatever `a` and `b` are, and that is no error."
/// fails: swap::refuses_before_it_changes_anything failed
mod same_place_is_overlap_even_if_empty {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if a == b {
            return Err(Errno::EINVAL.into());
        }
        swap_rightly(file, a, b, length)
    }
}

/// Looks at the size before the length, so that no bytes past the end are an error.
///
/// breaks: "With a `length` of 0 nothing changes, whatever `a` and `b` are, and that is no error."
/// fails: swap::refuses_before_it_changes_anything failed
mod nothing_past_the_end_is_an_error {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        refuse_outside(file, a, length)?;
        refuse_outside(file, b, length)?;
        swap_rightly(file, a, b, length)
    }
}

/// Takes ranges that only touch for overlapping ones.
///
/// breaks: "The ranges may be adjacent and may share a page, but must not overlap."
/// fails: swap::changes_nothing_when_a_mapping_fails failed
/// fails: swap::exchanges_the_bytes_and_no_other failed
/// fails: swap::refuses_before_it_changes_anything failed
mod adjacent_is_overlap {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length != 0 && a.abs_diff(b) <= length as u64 {
            return Err(Errno::EINVAL.into());
        }
        swap_rightly(file, a, b, length)
    }
}

/// Refuses two ranges on the same page as overlapping, since their mappings would be.
///
/// breaks: "The ranges may be adjacent and may share a page, but must not overlap."
/// fails: swap::exchanges_the_bytes_and_no_other failed
mod same_page_is_overlap {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        refuse(file, a, b, length)?;
        let page = page_size_u64();
        let (low, high) = (a.min(b), a.max(b));
        if (low + length as u64 - 1) / page >= high / page {
            return Err(Errno::EINVAL.into());
        }
        swap_rightly(file, a, b, length)
    }
}

/// Looks for an overlap only as if `a` were the lower one.
///
/// breaks: "`InvalidInput` or EINVAL when the ranges overlap, and so when `a == b`."
/// fails: swap::refuses_before_it_changes_anything failed
mod overlap_only_if_a_is_lower {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        if b >= a && b - a < length as u64 {
            return Err(Errno::EINVAL.into());
        }
        let one = Window::new(file, a, length, READ_WRITE)?;
        let other = Window::new(file, b, length, READ_WRITE)?;
        exchange(&one, &other, length);
        Ok(())
    }
}

/// Takes an `a` above `b` for bad input, like an overlap.
///
/// breaks: "`a` and `b` may be in either order, and as far apart as a file allows."
/// fails: swap::exchanges_the_bytes_and_no_other failed
/// fails: swap::goes_through_mappings_and_leaves_none failed
/// fails: swap::reaches_any_two_places_of_a_large_file failed
/// fails: swap::refuses_before_it_changes_anything failed
/// fails: swap::stores_to_no_other_byte failed
mod a_must_be_lower {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        if b.checked_sub(a).is_none_or(|apart| apart < length as u64) {
            return Err(Errno::EINVAL.into());
        }
        swap_rightly(file, a, b, length)
    }
}

/// Takes equal offsets for "nothing to do".
///
/// breaks: "`InvalidInput` or EINVAL when the ranges overlap, and so when `a == b`."
/// fails: swap::refuses_before_it_changes_anything failed
mod same_place_is_done {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if a == b {
            return Ok(());
        }
        swap_rightly(file, a, b, length)
    }
}

/// Adds offset and length without a check: near u64::MAX the sum is small, or a panic.
///
/// breaks: "`UnexpectedEof` when a range is not entirely inside the file, whatever the numbers are."
/// fails: swap::refuses_before_it_changes_anything panicked
mod ends_overflow {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        let (a_end, b_end) = (a + length as u64, b + length as u64);
        if a < b_end && b < a_end {
            return Err(Errno::EINVAL.into());
        }
        if a_end.max(b_end) > file.metadata()?.len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let (one, i) = map(file, a, length, Sharing::Shared)?;
        let (other, j) = map(file, b, length, Sharing::Shared)?;
        for n in 0..length {
            let byte = one.load(i + n);
            one.store(i + n, other.load(j + n));
            other.store(j + n, byte);
        }
        Ok(())
    }
}

/// Converts the offsets to `off_t` before it looks at the size, and reports EOVERFLOW for large ones.
///
/// breaks: "`UnexpectedEof` when a range is not entirely inside the file, whatever the numbers are."
/// fails: swap::refuses_before_it_changes_anything failed
mod large_offset_is_eoverflow {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        refuse_overlap(a, b, length)?;
        for at in [a, b] {
            i64::try_from(at).map_err(|_| Errno::EOVERFLOW)?;
        }
        swap_rightly(file, a, b, length)
    }
}

/// Keeps the length in 32 bits: 4 GiB are nothing to do.
///
/// breaks: "`UnexpectedEof` when a range is not entirely inside the file, whatever the numbers are."
/// fails: swap::refuses_before_it_changes_anything failed
mod length_in_32_bits {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        swap_rightly(file, a, b, length as u32 as usize)
    }
}

/// Checks the end of the range at `b` only, as if that were the upper one; storing at `a` can raise SIGBUS.
///
/// breaks: "`UnexpectedEof` when a range is not entirely inside the file, whatever the numbers are."
/// fails: swap::goes_through_mappings_and_leaves_none killed
/// fails: swap::refuses_before_it_changes_anything failed
mod only_b_is_checked {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        refuse_overlap(a, b, length)?;
        refuse_outside(file, b, length)?;
        let (one, i) = map(file, a, length, Sharing::Shared)?;
        let (other, j) = map(file, b, length, Sharing::Shared)?;
        for n in 0..length {
            let byte = one.load(i + n);
            one.store(i + n, other.load(j + n));
            other.store(j + n, byte);
        }
        Ok(())
    }
}

/// Takes a range that ends exactly at the end of the file for one that is outside.
///
/// breaks: "a file of the bytes \"abcdef\": swap(file, 0, 4, 2) -> Ok; the file is \"efcdab\""
/// fails: swap::exchanges_the_bytes_and_no_other failed
mod last_byte_is_outside {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        refuse_overlap(a, b, length)?;
        let size = file.metadata()?.len();
        if a.max(b).saturating_add(length as u64) >= size {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        swap_rightly(file, a, b, length)
    }
}

/// Lets the file grow until both ranges are inside.
///
/// breaks: "No other byte changes, and the file keeps its size."
/// fails: swap::each_call_looks_at_its_file failed
/// fails: swap::refuses_before_it_changes_anything failed
mod grows_the_file {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        refuse_overlap(a, b, length)?;
        let end = a.max(b).checked_add(length as u64).ok_or(io::ErrorKind::UnexpectedEof)?;
        if end > file.metadata()?.len() {
            file.set_len(end)?;
        }
        swap_rightly(file, a, b, length)
    }
}

/// Swaps as many bytes as both ranges have inside the file, and reports no error.
///
/// breaks: "`UnexpectedEof` when a range is not entirely inside the file, whatever the numbers are."
/// fails: swap::each_call_looks_at_its_file failed
/// fails: swap::refuses_before_it_changes_anything failed
mod swaps_what_is_there {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        let there = file.metadata()?.len().saturating_sub(a.max(b));
        swap_rightly(file, a, b, length.min(there as usize))
    }
}

/// Maps and swaps page after page, and meets the end of the file only after it has changed what lies before.
///
/// breaks: "After an error no byte has changed"
/// fails: swap::changes_nothing_when_a_mapping_fails failed
/// fails: swap::refuses_before_it_changes_anything failed
mod meets_the_end_half_way {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        refuse_overlap(a, b, length)?;
        for at in (0..length).step_by(page_size()) {
            let part = (length - at).min(page_size());
            let place = |from: u64| from.checked_add(at as u64).ok_or(io::ErrorKind::UnexpectedEof);
            let one = Window::new(file, place(a)?, part, READ_WRITE)?;
            let other = Window::new(file, place(b)?, part, READ_WRITE)?;
            exchange(&one, &other, part);
        }
        Ok(())
    }
}

/// Checks all numbers first, but maps and swaps page after page: if mmap(2) fails later, half is swapped.
///
/// breaks: "After an error no byte has changed"
/// fails: swap::changes_nothing_when_a_mapping_fails failed
mod mmap_fails_half_way {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        refuse(file, a, b, length)?;
        for at in (0..length).step_by(page_size()) {
            let part = (length - at).min(page_size());
            let one = Window::new(file, a + at as u64, part, READ_WRITE)?;
            let other = Window::new(file, b + at as u64, part, READ_WRITE)?;
            exchange(&one, &other, part);
        }
        Ok(())
    }
}

/// Saves the bytes at `a`, maps `b` and stores them there, and only then maps `a` again to store into it.
///
/// breaks: "After an error no byte has changed"
/// fails: swap::changes_nothing_when_a_mapping_fails failed
mod one_range_after_the_other {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        refuse(file, a, b, length)?;
        let (mut left, mut right) = (vec![0; length], vec![0; length]);
        Window::new(file, a, length, READ_WRITE)?.read(0, &mut left);
        let other = Window::new(file, b, length, READ_WRITE)?;
        other.read(0, &mut right);
        other.write(0, &left);
        drop(other);
        Window::new(file, a, length, READ_WRITE)?.write(0, &right);
        Ok(())
    }
}

/// Maps privately, and exchanges the bytes of copies that nobody else sees.
///
/// breaks: "with loads and stores through shared mappings"
/// fails: swap::exchanges_the_bytes_and_no_other failed private-reaches-the-file
mod private_mappings {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        refuse(file, a, b, length)?;
        let (one, i) = map(file, a, length, Sharing::Private)?;
        let (other, j) = map(file, b, length, Sharing::Private)?;
        for n in 0..length {
            let byte = one.load(i + n);
            one.store(i + n, other.load(j + n));
            other.store(j + n, byte);
        }
        Ok(())
    }
}

/// Copies the bytes at `b` to `a` and then back, so that both places end with those of `b`.
///
/// breaks: "Exchanges the `length` bytes at offset `a` with the `length` bytes at offset `b`"
/// fails: swap::exchanges_the_bytes_and_no_other failed
mod copies_there_and_back {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        refuse(file, a, b, length)?;
        let (one, i) = map(file, a, length, Sharing::Shared)?;
        let (other, j) = map(file, b, length, Sharing::Shared)?;
        (0..length).for_each(|n| one.store(i + n, other.load(j + n)));
        (0..length).for_each(|n| other.store(j + n, one.load(i + n)));
        Ok(())
    }
}

/// Maps `length` bytes from the page boundary: the end of a range that crosses a page is not mapped, and is left out.
///
/// breaks: "Exchanges the `length` bytes at offset `a` with the `length` bytes at offset `b`"
/// fails: swap::exchanges_the_bytes_and_no_other failed
mod length_without_the_skip {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        refuse(file, a, b, length)?;
        let (i, j) = ((a % page_size_u64()) as usize, (b % page_size_u64()) as usize);
        let one = Mapping::of_file(file, a - i as u64, length, READ_WRITE, Sharing::Shared)?;
        let other = Mapping::of_file(file, b - j as u64, length, READ_WRITE, Sharing::Shared)?;
        for n in 0..length.min(one.range().len() - i).min(other.range().len() - j) {
            let byte = one.load(i + n);
            one.store(i + n, other.load(j + n));
            other.store(j + n, byte);
        }
        Ok(())
    }
}

/// Exchanges the whole pages, with the neighbours of the bytes in them.
///
/// breaks: "No other byte changes, and the file keeps its size."
/// fails: swap::exchanges_the_bytes_and_no_other failed
mod whole_pages_move {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        refuse(file, a, b, length)?;
        let (one, i) = map(file, a, length, Sharing::Shared)?;
        let (other, j) = map(file, b, length, Sharing::Shared)?;
        if i != j {
            return swap_rightly(file, a, b, length);
        }
        for n in 0..one.range().len() {
            let byte = one.load(n);
            one.store(n, other.load(n));
            other.store(n, byte);
        }
        Ok(())
    }
}

/// Changes copies of the pages and stores each back as a whole: on a shared page the second undoes the first.
///
/// breaks: "The ranges may be adjacent and may share a page, but must not overlap."
/// fails: swap::exchanges_the_bytes_and_no_other failed
mod stores_whole_pages_back {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        refuse(file, a, b, length)?;
        let (one, i) = map(file, a, length, Sharing::Shared)?;
        let (other, j) = map(file, b, length, Sharing::Shared)?;
        let (mut left, mut right) = (vec![0; one.range().len()], vec![0; other.range().len()]);
        one.read(0, &mut left);
        other.read(0, &mut right);
        left[i..i + length].swap_with_slice(&mut right[j..j + length]);
        one.write(0, &left);
        other.write(0, &right);
        Ok(())
    }
}

/// Exchanges words of four bytes, which panics unless both ranges begin at a multiple of 4, and rounds the length up.
///
/// breaks: "No other byte changes, and the file keeps its size."
/// fails: swap::exchanges_the_bytes_and_no_other failed
/// fails: swap::leaves_descriptors_as_they_were panicked
mod words_of_four_bytes {
    use super::*;
    use std::sync::atomic::Ordering::Relaxed;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        refuse(file, a, b, length)?;
        let (one, i) = map(file, a, length, Sharing::Shared)?;
        let (other, j) = map(file, b, length, Sharing::Shared)?;
        for n in (0..length).step_by(4) {
            let word = one.word(i + n).swap(other.word(j + n).load(Relaxed), Relaxed);
            other.word(j + n).store(word, Relaxed);
        }
        Ok(())
    }
}

/// Returns at once when the second mmap(2) fails, and forgets the first mapping.
///
/// breaks: "When the call returns, even with an error, nothing that it mapped is still mapped."
/// fails: swap::changes_nothing_when_a_mapping_fails failed
mod first_mapping_leaks_on_error {
    #![expect(
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        reason = "it is for 64 bits, and casts as learners do"
    )]
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        refuse(file, a, b, length)?;
        let place = |at: u64| -> io::Result<(NonNull<u8>, usize)> {
            let skip = (at % page_size_u64()) as usize;
            let mapped = NonZeroUsize::new(skip + length).ok_or(Errno::EINVAL)?;
            let offset = (at - skip as u64) as i64;
            // SAFETY: without an address hint the kernel picks a free range.
            let start = unsafe { mmap(None, mapped, READ_WRITE, MapFlags::MAP_SHARED, file, offset) }?;
            Ok((start.cast(), skip))
        };
        let (one, i) = place(a)?;
        let (other, j) = place(b)?;
        let (left, right) = (one.as_ptr().wrapping_add(i), other.as_ptr().wrapping_add(j));
        // SAFETY: both ranges are mapped and inside the file, and don't overlap.
        unsafe { std::ptr::swap_nonoverlapping(left, right, length) };
        for (start, skip) in [(one, i), (other, j)] {
            // SAFETY: the range was mapped above, and no pointer into it is used again.
            unsafe { munmap(start.cast(), skip + length) }?;
        }
        Ok(())
    }
}

/// Reports a range outside the file with the same EINVAL as an overlap.
///
/// breaks: "a file of the bytes \"abcdef\": swap(file, 0, 5, 2) -> Err(UnexpectedEof)"
/// fails: swap::changes_nothing_when_a_mapping_fails failed
/// fails: swap::each_call_looks_at_its_file failed
/// fails: swap::refuses_before_it_changes_anything failed
mod outside_is_einval {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        refuse(file, a, b, length).map_err(|_| Errno::EINVAL)?;
        swap_rightly(file, a, b, length)
    }
}

/// Turns every error of the mapping into UnexpectedEof, even EACCES for a file that is open for reading only.
///
/// breaks: "Those of the system calls, unchanged."
/// fails: swap::changes_nothing_when_a_mapping_fails failed
mod every_error_is_eof {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        refuse_overlap(a, b, length)?;
        let one = Window::new(file, a, length, READ_WRITE).map_err(|_| io::ErrorKind::UnexpectedEof)?;
        let other = Window::new(file, b, length, READ_WRITE).map_err(|_| io::ErrorKind::UnexpectedEof)?;
        exchange(&one, &other, length);
        Ok(())
    }
}

/// Two windows and a loop over bytes.
///
/// passes
mod two_mappings {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        check(file, a, b, length)?;
        let ((x, i), (y, j)) = (map_range(file, a, length)?, map_range(file, b, length)?);
        exchange_again((&x, i), (&y, j), length);
        Ok(())
    }
}

/// Maps ranges whose pages touch or coincide once, together; others twice.
///
/// passes
mod one_mapping_for_neighbours {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        check(file, a, b, length)?;
        let (low, high) = (a.min(b), a.max(b));
        if high - high % page_size_u64() > (low + length as u64).next_multiple_of(page_size_u64()) {
            let ((x, i), (y, j)) = (map_range(file, low, length)?, map_range(file, high, length)?);
            exchange_again((&x, i), (&y, j), length);
        } else {
            let apart = (high - low) as usize;
            let (both, skip) = map_range(file, low, apart + length)?;
            exchange_again((&both, skip), (&both, skip + apart), length);
        }
        Ok(())
    }
}

/// Reserves addresses for both ranges at once and puts both into them, through a duplicate of the descriptor.
///
/// passes
mod both_in_one_reservation {
    #![expect(
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        reason = "it is for 64 bits, and casts as learners do"
    )]
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        check(file, a, b, length)?;
        let file = file.try_clone()?;
        let (i, j) = ((a % page_size_u64()) as usize, (b % page_size_u64()) as usize);
        let first = (i + length).next_multiple_of(page_size());
        let both = first.checked_add((j + length).next_multiple_of(page_size())).ok_or(Errno::ENOMEM)?;
        let place = Mapping::anonymous(both, ProtFlags::PROT_NONE, Sharing::Private)?;
        for (at, skip, offset) in [(0, i, a), (first, j, b)] {
            let (flags, start) = (libc::MAP_SHARED | libc::MAP_FIXED, (offset - skip as u64) as libc::off_t);
            let (at, protection) = (pointer(&place, at).cast(), READ_WRITE.bits());
            // SAFETY: replaces pages of `place`, which this call has mapped.
            if unsafe { libc::mmap(at, skip + length, protection, flags, file.as_raw_fd(), start) } == libc::MAP_FAILED
            {
                return Err(io::Error::last_os_error());
            }
        }
        exchange_again((&place, i), (&place, first + j), length);
        Ok(())
    }
}

/// Exchanges by three XORs, from the last byte to the first, through memmap2's raw maps.
///
/// passes
mod xor_backwards_2 {
    #![expect(clippy::multiple_unsafe_ops_per_block, reason = "one block for all calls, as learners write it")]
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        check(file, a, b, length)?;
        let x = MmapOptions::new().offset(b).len(length).map_raw(file)?;
        let y = MmapOptions::new().offset(a).len(length).map_raw(file)?;
        for n in (0..length).rev() {
            // SAFETY: inside the two maps; accesses by others are another process's.
            let (p, q) =
                unsafe { (AtomicU8::from_ptr(x.as_mut_ptr().add(n)), AtomicU8::from_ptr(y.as_mut_ptr().add(n))) };
            p.fetch_xor(q.load(Ordering::Relaxed), Ordering::Relaxed);
            q.fetch_xor(p.load(Ordering::Relaxed), Ordering::Relaxed);
            p.fetch_xor(q.load(Ordering::Relaxed), Ordering::Relaxed);
        }
        Ok(())
    }
}

/// Maps everything from the first byte of the one range to the last of the other.
///
/// breaks: "At every moment at most the pages of the two ranges are mapped, a shared one twice, none between them."
/// fails: swap::goes_through_mappings_and_leaves_none failed map-it-all
/// fails: swap::reaches_any_two_places_of_a_large_file failed map-it-all
mod maps_what_is_between {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        check(file, a, b, length)?;
        let (low, apart) = (a.min(b), a.abs_diff(b) as usize);
        let (both, skip) = map_range(file, low, apart + length)?;
        exchange_again((&both, skip), (&both, skip + apart), length);
        Ok(())
    }
}

/// Adds a page to each mapping instead of the bytes before the range.
///
/// breaks: "At every moment at most the pages of the two ranges are mapped"
/// fails: swap::goes_through_mappings_and_leaves_none failed
mod one_page_more_to_be_safe {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        check(file, a, b, length)?;
        let map = |offset: u64| {
            let skip = (offset % page_size_u64()) as usize;
            let length = length + page_size();
            Mapping::of_file(file, offset - skip as u64, length, READ_WRITE, Sharing::Shared).map(|x| (x, skip))
        };
        let ((x, i), (y, j)) = (map(a)?, map(b)?);
        exchange_again((&x, i), (&y, j), length);
        Ok(())
    }
}

/// Maps `length` bytes from the page boundary on, so a range that begins late in a page may end past the mapping.
///
/// breaks: "Exchanges the `length` bytes at offset `a` with the `length` bytes at offset `b`"
/// fails: swap::exchanges_the_bytes_and_no_other killed
/// fails: swap::leaves_descriptors_as_they_were killed
mod mapping_without_the_skip {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        check(file, a, b, length)?;
        let map = |offset: u64| {
            let skip = (offset % page_size_u64()) as usize;
            Mapping::of_file(file, offset - skip as u64, length, READ_WRITE, Sharing::Shared).map(|x| (x, skip))
        };
        let ((x, i), (y, j)) = (map(a)?, map(b)?);
        // SAFETY: inside the pages of the file, if the mappings reach that far.
        unsafe { ptr::swap_nonoverlapping(pointer(&x, i), pointer(&y, j), length) };
        Ok(())
    }
}

/// Takes adjacent ranges for overlapping ones: `<=` instead of `<`.
///
/// breaks: "The ranges may be adjacent and may share a page, but must not overlap."
/// fails: swap::changes_nothing_when_a_mapping_fails failed
/// fails: swap::exchanges_the_bytes_and_no_other failed
/// fails: swap::refuses_before_it_changes_anything failed
mod adjacent_overlaps {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        if a.abs_diff(b) <= length as u64 {
            return Err(Errno::EINVAL.into());
        }
        check(file, a, b, length)?;
        let ((x, i), (y, j)) = (map_range(file, a, length)?, map_range(file, b, length)?);
        exchange_again((&x, i), (&y, j), length);
        Ok(())
    }
}

/// Refuses ranges that share a page.
///
/// breaks: "The ranges may be adjacent and may share a page, but must not overlap."
/// fails: swap::exchanges_the_bytes_and_no_other failed
mod shared_page_overlaps {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        check(file, a, b, length)?;
        let (low, high) = (a.min(b), a.max(b));
        if (low + length as u64 - 1) / page_size_u64() == high / page_size_u64() {
            return Err(Errno::EINVAL.into());
        }
        let ((x, i), (y, j)) = (map_range(file, a, length)?, map_range(file, b, length)?);
        exchange_again((&x, i), (&y, j), length);
        Ok(())
    }
}

/// Notices an overlap only when `a` comes first.
///
/// breaks: "`InvalidInput` or EINVAL when the ranges overlap, and so when `a == b`."
/// fails: swap::refuses_before_it_changes_anything failed
mod overlap_in_one_order {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        let (size, end) = (file.metadata()?.len(), |offset: u64| offset.saturating_add(length as u64));
        if end(a) > size || end(b) > size {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if a <= b && b < end(a) {
            return Err(Errno::EINVAL.into());
        }
        let ((x, i), (y, j)) = (map_range(file, a, length)?, map_range(file, b, length)?);
        exchange_again((&x, i), (&y, j), length);
        Ok(())
    }
}

/// Has nothing to do when both ranges are the same.
///
/// breaks: "`InvalidInput` or EINVAL when the ranges overlap, and so when `a == b`."
/// fails: swap::refuses_before_it_changes_anything failed
mod same_range_is_fine {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 || a == b {
            return Ok(());
        }
        check(file, a, b, length)?;
        let ((x, i), (y, j)) = (map_range(file, a, length)?, map_range(file, b, length)?);
        exchange_again((&x, i), (&y, j), length);
        Ok(())
    }
}

/// Checks the ranges even when they are empty.
///
/// breaks: "With a `length` of 0 nothing changes, whatever `a` and `b` are, and that is no error."
/// fails: swap::refuses_before_it_changes_anything failed
mod empty_range_past_the_end {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        check(file, a, b, length)?;
        if length == 0 {
            return Ok(());
        }
        let ((x, i), (y, j)) = (map_range(file, a, length)?, map_range(file, b, length)?);
        exchange_again((&x, i), (&y, j), length);
        Ok(())
    }
}

/// Wraps around when it adds: a range near u64::MAX seems to end before it begins.
///
/// breaks: "`UnexpectedEof` when a range is not entirely inside the file, whatever the numbers are."
/// fails: swap::refuses_before_it_changes_anything failed
mod end_wraps_around {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        let (size, end) = (file.metadata()?.len(), |offset: u64| offset.wrapping_add(length as u64));
        if end(a) > size || end(b) > size {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if a.abs_diff(b) < length as u64 {
            return Err(Errno::EINVAL.into());
        }
        let ((x, i), (y, j)) = (map_range(file, a, length)?, map_range(file, b, length)?);
        exchange_again((&x, i), (&y, j), length);
        Ok(())
    }
}

/// Compares with `>=`, so that the last byte of the file belongs to no range.
///
/// breaks: "`UnexpectedEof` when a range is not entirely inside the file, whatever the numbers are."
/// fails: swap::exchanges_the_bytes_and_no_other failed
mod last_byte_is_outside_2 {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        check(file, a, b, length)?;
        if a.max(b) + length as u64 >= file.metadata()?.len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let ((x, i), (y, j)) = (map_range(file, a, length)?, map_range(file, b, length)?);
        exchange_again((&x, i), (&y, j), length);
        Ok(())
    }
}

/// Checks against the size in whole pages, since an access there raises no signal.
///
/// breaks: "`UnexpectedEof` when a range is not entirely inside the file, whatever the numbers are."
/// fails: swap::each_call_looks_at_its_file failed
/// fails: swap::refuses_before_it_changes_anything failed rest-is-file
mod inside_the_last_page {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        let size = file.metadata()?.len().next_multiple_of(page_size_u64());
        if a.max(b).checked_add(length as u64).is_none_or(|end| end > size) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if a.abs_diff(b) < length as u64 {
            return Err(Errno::EINVAL.into());
        }
        let ((x, i), (y, j)) = (map_range(file, a, length)?, map_range(file, b, length)?);
        exchange_again((&x, i), (&y, j), length);
        Ok(())
    }
}

/// Says InvalidInput for every argument that is wrong.
///
/// breaks: "`UnexpectedEof` when a range is not entirely inside the file, whatever the numbers are."
/// fails: swap::changes_nothing_when_a_mapping_fails failed
/// fails: swap::each_call_looks_at_its_file failed
/// fails: swap::refuses_before_it_changes_anything failed
mod outside_is_invalid {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        check(file, a, b, length).map_err(|_| io::ErrorKind::InvalidInput)?;
        let ((x, i), (y, j)) = (map_range(file, a, length)?, map_range(file, b, length)?);
        exchange_again((&x, i), (&y, j), length);
        Ok(())
    }
}

/// Makes the file longer when a range ends past its end.
///
/// breaks: "No other byte changes, and the file keeps its size."
/// fails: swap::each_call_looks_at_its_file failed
/// fails: swap::refuses_before_it_changes_anything failed
mod extends_the_file_2 {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        if a.abs_diff(b) < length as u64 {
            return Err(Errno::EINVAL.into());
        }
        let end = a.max(b).checked_add(length as u64).ok_or(io::ErrorKind::UnexpectedEof)?;
        if end > file.metadata()?.len() && end - file.metadata()?.len() < page_size_u64() {
            file.set_len(end)?;
        }
        check(file, a, b, length)?;
        let ((x, i), (y, j)) = (map_range(file, a, length)?, map_range(file, b, length)?);
        exchange_again((&x, i), (&y, j), length);
        Ok(())
    }
}

/// Stores to one range through its mapping, but puts the other into the file with pwrite(2).
///
/// breaks: "No system call copies bytes of the file: not read(2), write(2)"
/// fails: swap::goes_through_mappings_and_leaves_none failed read-is-as-good
mod writes_with_pwrite {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        check(file, a, b, length)?;
        let ((x, i), (y, j)) = (map_range(file, a, length)?, map_range(file, b, length)?);
        let mut bytes = vec![0; length];
        x.read(i, &mut bytes);
        for n in 0..length {
            x.store(i + n, y.load(j + n));
        }
        file.write_all_at(&bytes, b)
    }
}

/// Exchanges words of eight bytes, and one word too many at the end when the length is not a multiple of eight.
///
/// breaks: "No other byte changes, and the file keeps its size."
/// fails: swap::exchanges_the_bytes_and_no_other failed
mod words_beyond_the_end {
    #![expect(clippy::multiple_unsafe_ops_per_block, reason = "one block for all calls, as learners write it")]
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        check(file, a, b, length)?;
        let ((x, i), (y, j)) = (map_range(file, a, length)?, map_range(file, b, length)?);
        for n in (0..length).step_by(8) {
            let (p, q) = (pointer(&x, i + n).cast::<u64>(), pointer(&y, j + n).cast::<u64>());
            // SAFETY: inside the mappings, but for the last word.
            unsafe {
                let word = p.read_unaligned();
                p.write_unaligned(q.read_unaligned());
                q.write_unaligned(word);
            }
        }
        Ok(())
    }
}

/// Exchanges whole blocks of 5000 bytes when there is more than one, and leaves the rest.
///
/// breaks: "Exchanges the `length` bytes at offset `a` with the `length` bytes at offset `b`"
/// fails: swap::can_be_called_by_several_threads failed
/// fails: swap::exchanges_all_of_a_mebibyte failed
/// fails: swap::exchanges_the_bytes_and_no_other failed
mod rest_of_the_last_block {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        check(file, a, b, length)?;
        let ((x, i), (y, j)) = (map_range(file, a, length)?, map_range(file, b, length)?);
        let block = length.min(5000);
        let mut buffer = [0; 5000];
        for n in (0..=length - block).step_by(block) {
            x.read(i + n, &mut buffer[..block]);
            for at in n..n + block {
                x.store(i + at, y.load(j + at));
            }
            y.write(j + n, &buffer[..block]);
        }
        Ok(())
    }
}

/// Maps and exchanges page by page: when a later page can't be mapped, the earlier ones are exchanged already.
///
/// breaks: "After an error no byte has changed, or what was stored before it has been undone."
/// fails: swap::changes_nothing_when_a_mapping_fails failed
mod page_by_page_2 {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        check(file, a, b, length)?;
        for n in (0..length).step_by(page_size()) {
            let part = (length - n).min(page_size());
            let ((x, i), (y, j)) = (map_range(file, a + n as u64, part)?, map_range(file, b + n as u64, part)?);
            exchange_again((&x, i), (&y, j), part);
        }
        Ok(())
    }
}

/// Has only one range mapped at a time, and maps the first once more after it has stored to the second.
///
/// breaks: "After an error no byte has changed, or what was stored before it has been undone."
/// fails: swap::changes_nothing_when_a_mapping_fails failed
mod three_mappings_in_turn {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        check(file, a, b, length)?;
        let (mut first, mut second) = (vec![0; length], vec![0; length]);
        let (x, i) = map_range(file, a, length)?;
        x.read(i, &mut first);
        x.unmap()?;
        let (y, j) = map_range(file, b, length)?;
        y.read(j, &mut second);
        y.write(j, &first);
        y.unmap()?;
        let (x, i) = map_range(file, a, length)?;
        x.write(i, &second);
        Ok(())
    }
}

/// Reports an error of msync(2) after all bytes are exchanged.
///
/// breaks: "After an error no byte has changed, or what was stored before it has been undone."
/// fails: swap::changes_nothing_when_a_mapping_fails failed
mod error_of_msync {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        check(file, a, b, length)?;
        let x = MmapOptions::new().offset(a).len(length).map_raw(file)?;
        let y = MmapOptions::new().offset(b).len(length).map_raw(file)?;
        // SAFETY: inside the two maps, which show different bytes.
        unsafe { ptr::swap_nonoverlapping(x.as_mut_ptr(), y.as_mut_ptr(), length) };
        x.flush()?;
        y.flush()
    }
}

/// Leaves the first range mapped when the second can't be.
///
/// breaks: "When the call returns, even with an error, nothing that it mapped is still mapped."
/// fails: swap::changes_nothing_when_a_mapping_fails failed
mod first_mapping_stays_after_an_error {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    #![expect(clippy::multiple_unsafe_ops_per_block, reason = "one block for all calls, as learners write it")]
    use super::*;

    fn map(file: &File, offset: u64, length: usize) -> io::Result<*mut u8> {
        let (mapping, skip) = map_range(file, offset, length)?;
        let bytes = pointer(&mapping, skip);
        std::mem::forget(mapping);
        Ok(bytes)
    }

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        check(file, a, b, length)?;
        let x = map(file, a, length)?;
        let y = map(file, b, length)?;
        // SAFETY: inside the two mappings, which show different bytes.
        unsafe { ptr::swap_nonoverlapping(x, y, length) };
        for (bytes, offset) in [(x, a), (y, b)] {
            let skip = (offset % page_size_u64()) as usize;
            // SAFETY: the pages mapped above.
            unsafe { libc::munmap(bytes.sub(skip).cast(), skip + length) };
        }
        Ok(())
    }
}

/// Unmaps only the `length` bytes, which leaves the last page of an unaligned range mapped.
///
/// breaks: "When the call returns, even with an error, nothing that it mapped is still mapped."
/// fails: swap::goes_through_mappings_and_leaves_none failed
mod unmaps_without_the_skip {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        check(file, a, b, length)?;
        let ((x, i), (y, j)) = (map_range(file, a, length)?, map_range(file, b, length)?);
        exchange_again((&x, i), (&y, j), length);
        for mapping in [x, y] {
            // SAFETY: pages of this call.
            unsafe { libc::munmap(pointer(&mapping, 0).cast(), length) };
            std::mem::forget(mapping);
        }
        Ok(())
    }
}

/// Puts both ranges into one reservation with a guard page between them, and unmaps only the ranges.
///
/// breaks: "When the call returns, even with an error, nothing that it mapped is still mapped."
/// fails: swap::goes_through_mappings_and_leaves_none failed
mod leaves_the_guard_page {
    #![expect(
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        reason = "it is for 64 bits, and casts as learners do"
    )]
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        check(file, a, b, length)?;
        let (i, j) = ((a % page_size_u64()) as usize, (b % page_size_u64()) as usize);
        let first = (i + length).next_multiple_of(page_size()) + page_size();
        let place = Mapping::anonymous(first + j + length, ProtFlags::PROT_NONE, Sharing::Private)?;
        let ranges = [(0, i, a), (first, j, b)];
        for (at, skip, offset) in ranges {
            let (flags, start) = (libc::MAP_SHARED | libc::MAP_FIXED, (offset - skip as u64) as libc::off_t);
            let (at, protection) = (pointer(&place, at).cast(), READ_WRITE.bits());
            // SAFETY: replaces pages of `place`, which this call has mapped.
            if unsafe { libc::mmap(at, skip + length, protection, flags, file.as_raw_fd(), start) } == libc::MAP_FAILED
            {
                return Err(io::Error::last_os_error());
            }
        }
        exchange_again((&place, i), (&place, first + j), length);
        for (at, skip, _) in ranges {
            // SAFETY: pages of this call.
            unsafe { libc::munmap(pointer(&place, at).cast(), skip + length) };
        }
        std::mem::forget(place);
        Ok(())
    }
}

/// Keeps the bytes for the exchange in one static buffer for all threads.
///
/// breaks: "But several threads may make calls at the same time."
/// fails: swap::can_be_called_by_several_threads failed
mod static_buffer {
    use super::*;

    struct Buffer(UnsafeCell<[u8; 5000]>);
    // SAFETY: not true as soon as two threads use it.
    unsafe impl Sync for Buffer {}
    static BUFFER: Buffer = Buffer(UnsafeCell::new([0; 5000]));

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        check(file, a, b, length)?;
        let ((x, i), (y, j)) = (map_range(file, a, length)?, map_range(file, b, length)?);
        // SAFETY: as long as only one thread is here.
        let buffer = unsafe { &mut *BUFFER.0.get() };
        for n in (0..length).step_by(5000) {
            let part = (length - n).min(5000);
            x.read(i + n, &mut buffer[..part]);
            for at in n..n + part {
                x.store(i + at, y.load(j + at));
            }
            y.write(j + n, &buffer[..part]);
        }
        Ok(())
    }
}

/// Holds an exclusive lock during the exchange, and with it ends the lock that the caller held.
///
/// breaks: "its file offset (lseek(2)) and its lock (flock(2)) stay as they are"
/// fails: swap::leaves_descriptors_as_they_were failed
mod locks_the_file {
    #![expect(clippy::incompatible_msrv, reason = "a newer Rust has it")]
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        file.lock()?;
        let result = check(file, a, b, length).and_then(|()| {
            let ((x, i), (y, j)) = (map_range(file, a, length)?, map_range(file, b, length)?);
            exchange_again((&x, i), (&y, j), length);
            Ok(())
        });
        file.unlock()?;
        result
    }
}

/// Computes the page's offset in 32 bits, so ranges beyond 4 GiB are taken from the file's beginning.
///
/// breaks: "`a` and `b` may be in either order, and as far apart as a file allows."
/// fails: swap::reaches_any_two_places_of_a_large_file failed int-holds-a-size
mod page_offset_in_32_bits_2 {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        check(file, a, b, length)?;
        let map = |offset: u64| {
            let page = offset & u64::from(!(page_size() as u32 - 1));
            let skip = (offset % page_size_u64()) as usize;
            Mapping::of_file(file, page, skip + length, READ_WRITE, Sharing::Shared).map(|x| (x, skip))
        };
        let ((x, i), (y, j)) = (map(a)?, map(b)?);
        exchange_again((&x, i), (&y, j), length);
        Ok(())
    }
}

/// Looks only whether the range at `a` is inside the file.
///
/// breaks: "`UnexpectedEof` when a range is not entirely inside the file, whatever the numbers are."
/// fails: swap::changes_nothing_when_a_mapping_fails failed
/// fails: swap::each_call_looks_at_its_file failed
/// fails: swap::goes_through_mappings_and_leaves_none killed
/// fails: swap::leaves_descriptors_as_they_were killed
/// fails: swap::refuses_before_it_changes_anything failed
mod checks_only_a {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        if a.checked_add(length as u64).is_none_or(|end| end > file.metadata().map_or(0, |data| data.len())) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if a.abs_diff(b) < length as u64 {
            return Err(Errno::EINVAL.into());
        }
        let ((x, i), (y, j)) = (map_range(file, a, length)?, map_range(file, b, length)?);
        exchange_again((&x, i), (&y, j), length);
        Ok(())
    }
}

/// Maps one of the ranges privately, because it only wants to load from it first, and stores to it, too.
///
/// breaks: "with loads and stores through shared mappings"
/// fails: swap::exchanges_the_bytes_and_no_other failed
mod one_range_is_private {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        check(file, a, b, length)?;
        let (x, i) = map_range(file, a, length)?;
        // SAFETY: nobody changes the file meanwhile.
        let mut y = unsafe { MmapOptions::new().offset(b).len(length).map_copy(file) }?;
        for (n, byte) in y.iter_mut().enumerate() {
            let other = x.load(i + n);
            x.store(i + n, *byte);
            *byte = other;
        }
        y.flush()
    }
}

/// Leaves the duplicates open that it gives to the mappings, as if a mapping needed its descriptor.
///
/// breaks: "no other descriptor is left open"
/// fails: swap::leaves_descriptors_as_they_were failed
mod a_descriptor_for_each_mapping {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        check(file, a, b, length)?;
        let (first, second) = (file.try_clone()?, file.try_clone()?);
        let ((x, i), (y, j)) = (map_range(&first, a, length)?, map_range(&second, b, length)?);
        exchange_again((&x, i), (&y, j), length);
        let _ = (first.into_raw_fd(), second.into_raw_fd());
        Ok(())
    }
}

/// Checks the numbers, maps both ranges and exchanges byte by byte.
///
/// passes
mod two_mappings_2 {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        inspect(file, a, b, length)?;
        swap_checked(file, a, b, length)
    }
}

/// Exchanges with three exclusive ors, through a duplicate of the descriptor, and stores nothing where both are equal.
///
/// passes
mod exclusive_or {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        let file = file.try_clone()?;
        inspect(&file, a, b, length)?;
        let (x, i) = map_with(&file, b, length, READ_WRITE)?;
        let (y, j) = map_with(&file, a, length, READ_WRITE)?;
        for at in (0..length).rev() {
            if x.load(i + at) != y.load(j + at) {
                x.store(i + at, x.load(i + at) ^ y.load(j + at));
                y.store(j + at, y.load(j + at) ^ x.load(i + at));
                x.store(i + at, x.load(i + at) ^ y.load(j + at));
            }
        }
        Ok(())
    }
}

/// Maps both ranges at once where no page lies between them, and otherwise each of them.
///
/// passes
mod one_mapping_for_neighbours_2 {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        inspect(file, a, b, length)?;
        let (low, high, page) = (a.min(b), a.max(b), page_size_u64());
        let last_of_low = (low + length as u64 - 1) / page;
        if high / page > last_of_low + 1 {
            return swap_checked(file, a, b, length);
        }
        let distance = (high - low) as usize;
        let (both, skip) = map_with(file, low, distance + length, READ_WRITE)?;
        for at in skip..skip + length {
            let byte = both.load(at);
            both.store(at, both.load(at + distance));
            both.store(at + distance, byte);
        }
        Ok(())
    }
}

/// Looks at the ranges before it looks at the length.
///
/// breaks: "With a `length` of 0 nothing changes, whatever `a` and `b` are, and that is no error"
/// fails: swap::refuses_before_it_changes_anything failed
mod nothing_past_the_end {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        inside(file, a, length)?;
        inside(file, b, length)?;
        if length == 0 {
            return Ok(());
        }
        inspect(file, a, b, length)?;
        swap_checked(file, a, b, length)
    }
}

/// Refuses ranges that touch each other.
///
/// breaks: "The ranges may be adjacent and may share a page, but must not overlap"
/// fails: swap::changes_nothing_when_a_mapping_fails failed
/// fails: swap::exchanges_the_bytes_and_no_other failed
mod refuses_adjacent_ranges {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        inspect(file, a, b, length)?;
        if a.abs_diff(b) == length as u64 {
            return Err(Errno::EINVAL.into());
        }
        swap_checked(file, a, b, length)
    }
}

/// Takes `a` for the lower range, and calls every other order an overlap.
///
/// breaks: "`a` and `b` may be in either order, and as far apart as a file allows"
/// fails: swap::exchanges_the_bytes_and_no_other failed
/// fails: swap::goes_through_mappings_and_leaves_none failed
/// fails: swap::reaches_any_two_places_of_a_large_file failed
/// fails: swap::stores_to_no_other_byte failed
mod lower_range_first {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        inside(file, a, length)?;
        inside(file, b, length)?;
        if a + length as u64 > b {
            return Err(Errno::EINVAL.into());
        }
        swap_checked(file, a, b, length)
    }
}

/// Refuses only equal offsets, and garbles ranges that overlap in part.
///
/// breaks: "`InvalidInput` or EINVAL when the ranges overlap, and so when `a == b`"
/// fails: swap::refuses_before_it_changes_anything failed
mod only_equal_offsets_overlap {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        inside(file, a, length)?;
        inside(file, b, length)?;
        if a == b {
            return Err(Errno::EINVAL.into());
        }
        swap_checked(file, a, b, length)
    }
}

/// Compares the distance in 32 bits, so that ranges exactly 4 GiB apart overlap.
///
/// breaks: "`a` and `b` may be in either order, and as far apart as a file allows"
/// fails: swap::reaches_any_two_places_of_a_large_file failed
mod distance_in_32_bits {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        inside(file, a, length)?;
        inside(file, b, length)?;
        if (a.abs_diff(b) as u32) < length as u32 {
            return Err(Errno::EINVAL.into());
        }
        swap_checked(file, a, b, length)
    }
}

/// Adds with wrapping, so that a range at the end of the numbers seems to end near 0.
///
/// breaks: "`UnexpectedEof` when a range is not entirely inside the file, whatever the numbers are"
/// fails: swap::refuses_before_it_changes_anything failed
mod wrapping_end {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        let size = file.metadata()?.len();
        let end = |offset: u64| offset.wrapping_add(length as u64);
        if end(a) > size || end(b) > size {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if a.abs_diff(b) < length as u64 {
            return Err(Errno::EINVAL.into());
        }
        swap_checked(file, a, b, length)
    }
}

/// Checks the end of the second range only, and exchanges the bytes past the file's end when `a` is the later one.
///
/// breaks: "`UnexpectedEof` when a range is not entirely inside the file, whatever the numbers are"
/// fails: swap::goes_through_mappings_and_leaves_none killed
/// fails: swap::refuses_before_it_changes_anything failed
mod checks_the_second_range {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        inside(file, b, length)?;
        if a.abs_diff(b) < length as u64 {
            return Err(Errno::EINVAL.into());
        }
        swap_checked(file, a, b, length)
    }
}

/// Says `InvalidInput` for a range past the end, as for every other wrong argument.
///
/// breaks: "`UnexpectedEof` when a range is not entirely inside the file, whatever the numbers are"
/// fails: swap::changes_nothing_when_a_mapping_fails failed
/// fails: swap::each_call_looks_at_its_file failed
/// fails: swap::refuses_before_it_changes_anything failed
mod past_the_end_is_invalid {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        inspect(file, a, b, length).map_err(|_| Errno::EINVAL)?;
        swap_checked(file, a, b, length)
    }
}

/// Rounds the length up to pages before it adds the part before the range, which maps a page too many.
///
/// breaks: "At every moment at most the pages of the two ranges are mapped, a shared one twice, none between them"
/// fails: swap::goes_through_mappings_and_leaves_none failed
mod rounds_before_it_adds {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        inspect(file, a, b, length)?;
        let x = map_with(file, a, whole_pages(length), READ_WRITE)?;
        let y = map_with(file, b, whole_pages(length), READ_WRITE)?;
        exchange_both(&x, &y, length);
        Ok(())
    }
}

/// Goes through both ranges in chunks of 64 KiB, and an error at a later chunk leaves the earlier ones exchanged.
///
/// breaks: "After an error no byte has changed, or what was stored before it has been undone"
/// fails: swap::changes_nothing_when_a_mapping_fails failed
mod chunks_without_undo {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        inspect(file, a, b, length)?;
        for done in (0..length).step_by(64 << 10) {
            swap_checked(file, a + done as u64, b + done as u64, (length - done).min(64 << 10))?;
        }
        Ok(())
    }
}

/// Loads and stores whole words of eight bytes, and writes the neighbours of the range back as they were a moment ago.
///
/// breaks: "No other byte is stored to, since others may change it meanwhile, and the file keeps its size"
/// fails: swap::stores_to_no_other_byte failed
mod stores_the_neighbours_too {
    use super::*;

    fn put(mapping: &Mapping, at: usize, byte: u8) -> u8 {
        let word = mapping.long_word(at - at % 8);
        let mut bytes = word.load(Ordering::Relaxed).to_ne_bytes();
        let before = std::mem::replace(&mut bytes[at % 8], byte);
        word.store(u64::from_ne_bytes(bytes), Ordering::Relaxed);
        before
    }

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        inspect(file, a, b, length)?;
        let (x, i) = map_with(file, a, length, READ_WRITE)?;
        let (y, j) = map_with(file, b, length, READ_WRITE)?;
        for at in 0..length {
            let byte = put(&x, i + at, y.load(j + at));
            put(&y, j + at, byte);
        }
        Ok(())
    }
}

/// Exchanges chunks of eight bytes and forgets the rest of a length that is longer than a chunk but no multiple of it.
///
/// breaks: "Exchanges the `length` bytes at offset `a` with the `length` bytes at offset `b`"
/// fails: swap::can_be_called_by_several_threads failed
/// fails: swap::exchanges_all_of_a_mebibyte failed
/// fails: swap::exchanges_the_bytes_and_no_other failed
/// fails: swap::reaches_any_two_places_of_a_large_file failed
mod forgets_the_remainder {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        inspect(file, a, b, length)?;
        let x = map_with(file, a, length, READ_WRITE)?;
        let y = map_with(file, b, length, READ_WRITE)?;
        exchange_both(&x, &y, if length < 8 { length } else { length - length % 8 });
        Ok(())
    }
}

/// Maps the first range with the bare call and returns without unmapping it when the second can't be mapped.
///
/// breaks: "When the call returns, even with an error, nothing that it mapped is still mapped"
/// fails: swap::changes_nothing_when_a_mapping_fails failed
mod leaks_the_first_range {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        inspect(file, a, b, length)?;
        let x = std::mem::ManuallyDrop::new(map_with(file, a, length, READ_WRITE)?);
        let y = map_with(file, b, length, READ_WRITE)?;
        exchange_both(&x, &y, length);
        drop(std::mem::ManuallyDrop::into_inner(x));
        Ok(())
    }
}

/// Holds an exclusive flock(2) during the exchange, to keep others out, and so drops the lock that the caller had.
///
/// breaks: "Of `file`, its file offset (lseek(2)) and its lock (flock(2)) stay as they are, during the call, too"
/// fails: swap::leaves_descriptors_as_they_were failed
mod locks_the_file_2 {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        inspect(file, a, b, length)?;
        // SAFETY: flock(2) takes two numbers.
        Errno::result(unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX) })?;
        let result = swap_checked(file, a, b, length);
        // SAFETY: as above.
        Errno::result(unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_UN) })?;
        result
    }
}

/// Loads both ranges from mappings, but stores them with pwrite(2).
///
/// breaks: "No system call copies bytes of the file"
/// fails: swap::goes_through_mappings_and_leaves_none failed read-is-as-good
mod stores_with_pwrite {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        inspect(file, a, b, length)?;
        let (mut left, mut right) = (vec![0; length], vec![0; length]);
        Window::new(file, a, length, ProtFlags::PROT_READ)?.read(0, &mut left);
        Window::new(file, b, length, ProtFlags::PROT_READ)?.read(0, &mut right);
        file.write_all_at(&right, a)?;
        file.write_all_at(&left, b)
    }
}

/// Lengthens a file that is too short by setting its size, and takes it back only if the exchange fails.
///
/// breaks: "`UnexpectedEof` when a range is not entirely inside the file, whatever the numbers are"
/// fails: swap::each_call_looks_at_its_file failed
/// fails: swap::refuses_before_it_changes_anything failed
mod lengthens_the_file {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        if a.abs_diff(b) < length as u64 {
            return Err(Errno::EINVAL.into());
        }
        let size = file.metadata()?.len();
        let end = a.max(b).checked_add(length as u64).ok_or(io::ErrorKind::UnexpectedEof)?;
        if end > size && end - size <= page_size_u64() {
            file.set_len(end)?;
        }
        inspect(file, a, b, length)?;
        swap_checked(file, a, b, length).inspect_err(|_| _ = file.set_len(size))
    }
}

/// Copies the pages with the ranges, exchanges the bytes there, and copies the pages back whole.
///
/// breaks: "No other byte is stored to, since others may change it meanwhile, and the file keeps its size"
/// fails: swap::stores_to_no_other_byte failed
mod copies_the_pages_back {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        inspect(file, a, b, length)?;
        let (x, i) = map_with(file, a, length, READ_WRITE)?;
        let (y, j) = map_with(file, b, length, READ_WRITE)?;
        let bytes: Vec<u8> = (0..length).map(|n| x.load(i + n)).collect();
        let mut copy: Vec<u8> = (0..i + length).map(|n| x.load(n)).collect();
        for n in 0..length {
            copy[i + n] = y.load(j + n);
        }
        copy.iter().enumerate().for_each(|(n, byte)| x.store(n, *byte));
        bytes.iter().enumerate().for_each(|(n, byte)| y.store(j + n, *byte));
        Ok(())
    }
}

/// Goes through both ranges in chunks of 1 MiB, and undoes only the last one when a chunk can't be mapped.
///
/// breaks: "After an error no byte has changed, or what was stored before it has been undone"
/// fails: swap::changes_nothing_when_a_mapping_fails failed
mod undoes_the_last_chunk_only {
    use super::*;

    const CHUNK: usize = 1 << 20;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        inspect(file, a, b, length)?;
        let chunk = |done: usize| swap_checked(file, a + done as u64, b + done as u64, (length - done).min(CHUNK));
        for done in (0..length).step_by(CHUNK) {
            chunk(done).inspect_err(|_| _ = done.checked_sub(CHUNK).map(chunk))?;
        }
        Ok(())
    }
}

/// Goes through both ranges in chunks of 1 MiB, and exchanges all of them back when a chunk can't be mapped.
///
/// passes
mod undoes_every_chunk {
    use super::*;

    const CHUNK: usize = 1 << 20;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        inspect(file, a, b, length)?;
        let mut mapped = Vec::new();
        for done in (0..length).step_by(CHUNK) {
            let part = (length - done).min(CHUNK);
            let both = map_with(file, a + done as u64, part, READ_WRITE)
                .and_then(|x| Ok((x, map_with(file, b + done as u64, part, READ_WRITE)?, part)));
            match both {
                Ok((x, y, part)) => {
                    exchange_both(&x, &y, part);
                    mapped.push((x, y, part));
                }
                Err(error) => {
                    mapped.iter().for_each(|(x, y, part)| exchange_both(x, y, *part));
                    return Err(error);
                }
            }
        }
        Ok(())
    }
}

/// Takes the length in 32 bits, where one of 4 GiB and a byte is a single byte.
///
/// breaks: "`InvalidInput` or EINVAL when the ranges overlap, and so when `a == b`"
/// fails: swap::refuses_before_it_changes_anything failed
mod length_in_32_bits_after_nothing {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        let length = (length as u32).max(1) as usize;
        inspect(file, a, b, length)?;
        swap_checked(file, a, b, length)
    }
}

/// Exchanges through a buffer of 64 KiB, and no more than fits in it.
///
/// breaks: "Exchanges the `length` bytes at offset `a` with the `length` bytes at offset `b`"
/// fails: swap::can_be_called_by_several_threads failed
/// fails: swap::exchanges_all_of_a_mebibyte failed
mod no_more_than_a_buffer {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        inspect(file, a, b, length)?;
        let (x, y) = (map_with(file, a, length, READ_WRITE)?, map_with(file, b, length, READ_WRITE)?);
        exchange_both(&x, &y, length.min(64 << 10));
        Ok(())
    }
}

/// Takes a failing fstat(2) for a file that is large enough.
///
/// breaks: "Those of the system calls, unchanged"
/// fails: swap::changes_nothing_when_a_mapping_fails failed
mod no_size_is_no_limit {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        let end = a.max(b).saturating_add(length as u64);
        if file.metadata().is_ok_and(|metadata| end > metadata.len()) && length > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if file.metadata().is_err() {
            return Ok(());
        }
        crate::solution::swap(file, a, b, length)
    }
}

/// Leaves bytes that are not in the page cache where they are.
///
/// breaks: "Exchanges the `length` bytes at offset `a` with the `length` bytes at offset `b`"
/// may fail: swap::exchanges_the_bytes_and_no_other failed
mod only_what_is_cached {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        refuse(file, a, b, length)?;
        let ((one, x), (other, y)) = (map_range(file, a, length)?, map_range(file, b, length)?);
        let cached = mmap_workbook::observe::in_page_cache(one.range())?;
        if cached.iter().all(|cached| *cached) {
            exchange_again((&one, x), (&other, y), length);
        }
        Ok(())
    }
}

/// Remembers the size of the file by the number of its descriptor.
///
/// breaks: "The answer depends on the arguments and on the file as it is now, not on earlier calls."
/// fails: swap::each_call_looks_at_its_file failed
mod range_inside_an_old_size {
    use super::*;

    static KNOWN: Mutex<Option<(i32, u64)>> = Mutex::new(None);

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        let mut known = KNOWN.lock().expect("no other thread panics");
        let size = match *known {
            Some((fd, size)) if fd == file.as_raw_fd() => size,
            _ => file.metadata()?.len(),
        };
        *known = Some((file.as_raw_fd(), size));
        if a.abs_diff(b) < length as u64 {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        if a.max(b).checked_add(length as u64).is_none_or(|end| end > size) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let ((one, x), (other, y)) = (map_range(file, a, length)?, map_range(file, b, length)?);
        exchange_again((&one, x), (&other, y), length);
        Ok(())
    }
}

/// Takes one mapping for both ranges when no page is between them, and two otherwise.
///
/// passes
mod one_mapping_if_no_page_is_between {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        refuse(file, a, b, length)?;
        let (low, high, page) = (a.min(b), a.max(b), page_size_u64());
        if high / page > (low + length as u64 - 1) / page + 1 {
            let ((one, x), (other, y)) = (map_range(file, a, length)?, map_range(file, b, length)?);
            exchange_again((&one, x), (&other, y), length);
            return Ok(());
        }
        let distance = usize::try_from(high - low).map_err(|_| Errno::ENOMEM)?;
        let (both, skip) = map_range(file, low, distance.checked_add(length).ok_or(Errno::ENOMEM)?)?;
        exchange_again((&both, skip), (&both, skip + distance), length);
        Ok(())
    }
}

/// Maps the whole file when it is at most a mebibyte.
///
/// breaks: "At every moment at most the pages of the two ranges are mapped, a shared one twice, none between them."
/// fails: swap::goes_through_mappings_and_leaves_none failed
mod small_file_as_a_whole {
    use super::*;

    #[expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        check(file, a, b, length)?;
        let size = file.metadata()?.len();
        if size > 1 << 20 {
            return swap_checked(file, a, b, length);
        }
        let (whole, _) = map(file, 0, size as usize, Sharing::Shared)?;
        exchange_again((&whole, a as usize), (&whole, b as usize), length);
        Ok(())
    }
}

/// Maps one page when both ranges begin in it, and leaves out the bytes that the higher range has in the next page.
///
/// breaks: "Exchanges the `length` bytes at offset `a` with the `length` bytes at offset `b`"
/// fails: swap::exchanges_the_bytes_and_no_other failed
mod both_begin_in_one_page {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        check(file, a, b, length)?;
        if a / page_size_u64() != b / page_size_u64() {
            return swap_checked(file, a, b, length);
        }
        let ((one, i), (other, j)) = (map_range(file, a, 1)?, map_range(file, b, 1)?);
        exchange_again((&one, i), (&other, j), length.min(page_size() - i.max(j)));
        Ok(())
    }
}

/// Exchanges the first mebibyte of longer ranges.
///
/// breaks: "Exchanges the `length` bytes at offset `a` with the `length` bytes at offset `b`"
/// fails: swap::exchanges_all_of_a_mebibyte failed
mod first_mebibyte_only {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        check(file, a, b, length)?;
        let ((one, i), (other, j)) = (map_range(file, a, length)?, map_range(file, b, length)?);
        exchange_again((&one, i), (&other, j), length.min(1 << 20));
        Ok(())
    }
}

/// Takes a zero for a hole, and leaves alone what would be exchanged with it.
///
/// breaks: "Exchanges the `length` bytes at offset `a` with the `length` bytes at offset `b`"
/// fails: swap::each_call_looks_at_its_file failed
/// fails: swap::exchanges_the_bytes_and_no_other failed
mod zeros_are_holes {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        check(file, a, b, length)?;
        let ((one, i), (other, j)) = (map_range(file, a, length)?, map_range(file, b, length)?);
        (0..length).filter(|n| one.load(i + n) != 0 && other.load(j + n) != 0).for_each(|n| {
            exchange_again((&one, i + n), (&other, j + n), 1);
        });
        Ok(())
    }
}

/// Leaves a page mapped when the range at `a` is the one that is outside of the file.
///
/// breaks: "When the call returns, even with an error, nothing that it mapped is still mapped."
/// fails: swap::goes_through_mappings_and_leaves_none failed
mod a_page_stays_if_a_is_outside {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        inspect(file, a, b, length).inspect_err(|error| {
            if error.kind() == io::ErrorKind::UnexpectedEof && a > b {
                std::mem::forget(map_range(file, 0, 1));
            }
        })?;
        swap_checked(file, a, b, length)
    }
}

/// Where both ranges begin at a multiple of eight, the last word of eight bytes is stored whole.
///
/// breaks: "No other byte is stored to, since others may change it meanwhile, and the file keeps its size."
/// fails: swap::stores_to_no_other_byte failed
mod last_word_is_stored_whole {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        check(file, a, b, length)?;
        let ((one, i), (other, j)) = (map_range(file, a, length)?, map_range(file, b, length)?);
        exchange_again((&one, i), (&other, j), length);
        let rest = length % 8;
        if i % 8 == 0 && j % 8 == 0 && rest != 0 {
            [(&one, i + length), (&other, j + length)].into_iter().for_each(|(mapping, end)| {
                let last = end - rest + 7;
                if last < whole_pages(mapping.length()) {
                    mapping.store(last, mapping.load(last));
                }
            });
        }
        Ok(())
    }
}

/// Returns the error of munmap(2) when all bytes are exchanged already.
///
/// breaks: "After an error no byte has changed, or what was stored before it has been undone."
/// fails: swap::changes_nothing_when_a_mapping_fails failed
mod error_of_munmap {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        check(file, a, b, length)?;
        let ((one, i), (other, j)) = (map_range(file, a, length)?, map_range(file, b, length)?);
        exchange_again((&one, i), (&other, j), length);
        one.unmap()?;
        other.unmap()?;
        Ok(())
    }
}

/// Follows the last hint, line by line.
///
/// passes
mod swap_as_the_hint_says {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        let bytes = u64::try_from(length).map_err(io::Error::other)?;
        if a.abs_diff(b) < bytes {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let size = file.metadata()?.len();
        for offset in [a, b] {
            if offset.checked_add(bytes).is_none_or(|end| end > size) {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let map = |offset: u64| -> io::Result<(Mapping, usize)> {
            let skip = usize::try_from(offset % page_size_u64()).map_err(io::Error::other)?;
            let mapped = skip.checked_add(length).ok_or(Errno::ENOMEM)?;
            let boundary = offset - offset % page_size_u64();
            Ok((Mapping::of_file(file, boundary, mapped, READ_WRITE, Sharing::Shared)?, skip))
        };
        let ((a, at_a), (b, at_b)) = (map(a)?, map(b)?);
        for n in 0..length {
            let byte = a.load(at_a + n);
            a.store(at_a + n, b.load(at_b + n));
            b.store(at_b + n, byte);
        }
        Ok(())
    }
}

one_of! {
    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()>;
    addition_that_overflows forks_and_forgets leaves_by_exit maps_all_between swaps_private_copies
    trusts_mmap_with_the_end two_windows xor_backwards one_mapping_if_no_page_lies_between
    swap_nonoverlapping_in_memmap2 side_by_side_in_a_reservation under_a_file_lock maps_the_span
    half_by_pread_and_pwrite one_way_by_copy_file_range offsets_in_32_bits_each scratch_in_a_static
    same_place_is_overlap_even_if_empty nothing_past_the_end_is_an_error adjacent_is_overlap same_page_is_overlap
    overlap_only_if_a_is_lower a_must_be_lower same_place_is_done ends_overflow large_offset_is_eoverflow
    length_in_32_bits only_b_is_checked last_byte_is_outside grows_the_file swaps_what_is_there meets_the_end_half_way
    mmap_fails_half_way one_range_after_the_other private_mappings copies_there_and_back length_without_the_skip
    whole_pages_move stores_whole_pages_back words_of_four_bytes first_mapping_leaks_on_error outside_is_einval
    every_error_is_eof two_mappings one_mapping_for_neighbours both_in_one_reservation xor_backwards_2
    maps_what_is_between one_page_more_to_be_safe mapping_without_the_skip adjacent_overlaps shared_page_overlaps
    overlap_in_one_order same_range_is_fine empty_range_past_the_end end_wraps_around last_byte_is_outside_2
    inside_the_last_page outside_is_invalid extends_the_file_2 writes_with_pwrite words_beyond_the_end
    rest_of_the_last_block page_by_page_2 three_mappings_in_turn error_of_msync first_mapping_stays_after_an_error
    unmaps_without_the_skip leaves_the_guard_page static_buffer locks_the_file page_offset_in_32_bits_2 checks_only_a
    one_range_is_private a_descriptor_for_each_mapping two_mappings_2 exclusive_or one_mapping_for_neighbours_2
    nothing_past_the_end refuses_adjacent_ranges lower_range_first only_equal_offsets_overlap distance_in_32_bits
    wrapping_end checks_the_second_range past_the_end_is_invalid rounds_before_it_adds chunks_without_undo
    stores_the_neighbours_too forgets_the_remainder leaks_the_first_range locks_the_file_2 stores_with_pwrite
    lengthens_the_file copies_the_pages_back undoes_the_last_chunk_only undoes_every_chunk
    length_in_32_bits_after_nothing no_more_than_a_buffer no_size_is_no_limit only_what_is_cached
    range_inside_an_old_size one_mapping_if_no_page_is_between small_file_as_a_whole both_begin_in_one_page
    first_mebibyte_only zeros_are_holes a_page_stays_if_a_is_outside last_word_is_stored_whole error_of_munmap
    swap_as_the_hint_says
}
