use std::fs::File;
use std::io::{self, ErrorKind, Seek, SeekFrom};
use std::mem;
use std::os::fd::{AsFd, AsRawFd, IntoRawFd};
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicUsize, Ordering};

use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use mmap_workbook::lesson_5::size_and_map;
use mmap_workbook::observe::{page_size, page_size_u64};
use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, FcntlArg, SealFlag, fallocate, fcntl, posix_fallocate};
use nix::libc;
use nix::sys::mman::ProtFlags;
use nix::sys::statvfs::fstatvfs;
use nix::unistd::{ForkResult, fork, ftruncate, pause};

/// Refuses a length that is less than the file's, and returns the file's.
fn old_length(mapping: &Mapping, length: usize) -> io::Result<u64> {
    if length < mapping.length() { Err(ErrorKind::InvalidInput.into()) } else { Ok(mapping.length() as u64) }
}

fn map(file: impl AsFd, length: usize) -> io::Result<Mapping> {
    Ok(Mapping::of_file(file, 0, length, READ_WRITE, Sharing::Shared)?)
}

/// Reserves the space; a file that has become longer before the disk was full gets its old length.
fn reserve(file: &File, old: u64, length: usize) -> io::Result<()> {
    fallocate(file, FallocateFlags::empty(), 0, length as i64).map_err(|errno| {
        let _ = file.set_len(old);
        errno.into()
    })
}

/// Clears what someone has stored past the end of the file, in its last page: tmpfs does not.
fn clear(mapping: &Mapping, old: &Mapping) {
    let rest = old.range().len().min(mapping.length()) - old.length();
    mapping.write(old.length(), &vec![0; rest]);
}

fn invalid() -> io::Error {
    io::ErrorKind::InvalidInput.into()
}

/// The old length, which `length` must reach.
fn old_length_again(file: &File, length: usize) -> io::Result<u64> {
    let old = file.metadata()?.len();
    if (length as u64) < old { Err(invalid()) } else { Ok(old) }
}

fn map_again(file: &File, length: usize) -> io::Result<Mapping> {
    Ok(Mapping::of_file(file, 0, length, READ_WRITE, Sharing::Shared)?)
}

/// Reserves the bytes from `from` on, and lengthens the file to `length` if it is shorter.
fn reserve_again(file: &File, from: u64, length: usize) -> io::Result<()> {
    Ok(fallocate(file, FallocateFlags::empty(), from as i64, length as i64 - from as i64)?)
}

/// Reserves, and puts the length back if that fails.
fn reserve_or_undo(file: &File, old: u64, length: usize) -> io::Result<()> {
    reserve_again(file, 0, length).inspect_err(|_| _ = file.set_len(old))
}

const KEEP: FallocateFlags = FallocateFlags::FALLOC_FL_KEEP_SIZE;

fn reserve_only(file: &File, from: u64, to: usize) -> io::Result<()> {
    if from < to as u64 {
        fallocate(file, KEEP, from as i64, (to as u64 - from) as i64)?;
    }
    Ok(())
}

/// Reserves without a change of the length.
fn reserve_part(file: &File, from: u64, to: u64) -> Result<(), Errno> {
    if from == to {
        return Ok(());
    }
    fallocate(file, FallocateFlags::FALLOC_FL_KEEP_SIZE, from as i64, (to - from) as i64)
}

/// Forgets the old mapping without unmapping it.
///
/// fails: grow::an_error_leaves_everything_as_it_was failed
/// fails: grow::the_old_mapping_is_unmapped failed
mod forgets_the_old_mapping {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        if u64::try_from(length).map_err(io::Error::other)? < file.metadata()?.len() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let longer = Mapping::of_file(file, 0, length, READ_WRITE, Sharing::Shared)?;
        posix_fallocate(file, 0, length.try_into().map_err(|_| Errno::EOVERFLOW)?)?;
        std::mem::forget(std::mem::replace(mapping, longer));
        Ok(())
    }
}

/// Makes the file longer and expects the mapping to follow.
///
/// fails: grow::an_error_leaves_everything_as_it_was failed
/// fails: grow::the_mapping_shows_the_longer_file failed a-mapping-grows-with-its-file
/// fails: grow::the_old_mapping_is_unmapped failed
mod keeps_the_old_mapping {
    use super::*;

    pub fn grow(file: &File, _mapping: &mut Mapping, length: usize) -> io::Result<()> {
        if u64::try_from(length).map_err(io::Error::other)? < file.metadata()?.len() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        Ok(posix_fallocate(file, 0, length.try_into().map_err(|_| Errno::EOVERFLOW)?)?)
    }
}

/// Forks a child and does not wait for it.
///
/// fails: grow::an_error_leaves_everything_as_it_was left_processes
/// fails: grow::others_lose_nothing_that_they_store_meanwhile left_processes
/// fails: grow::processes_that_mapped_it_before_still_share_it left_processes
/// fails: grow::the_mapping_shows_the_longer_file left_processes
/// fails: grow::the_old_mapping_is_unmapped left_processes
/// fails: grow::the_space_is_reserved left_processes
mod leaves_a_child_behind {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        // SAFETY: the child does nothing but wait for a signal.
        if let ForkResult::Child = unsafe { fork() }? {
            loop {
                pause();
            }
        }
        crate::solution::grow(file, mapping, length)
    }
}

/// Moves to a longer copy in memory: the other processes keep the old file.
///
/// fails: grow::others_lose_nothing_that_they_store_meanwhile failed
/// fails: grow::processes_that_mapped_it_before_still_share_it failed a-copy-is-still-shared
/// fails: grow::the_old_mapping_is_unmapped failed
mod moves_to_a_copy {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        crate::solution::grow(file, mapping, length)?;
        let copy = Mapping::anonymous(length, READ_WRITE, Sharing::Shared)?;
        let mut bytes = vec![0; length];
        mapping.read(0, &mut bytes);
        copy.write(0, &bytes);
        *mapping = copy;
        Ok(())
    }
}

/// Reserves the new part alone, and leaves the holes that the file had.
///
/// fails: grow::an_error_leaves_everything_as_it_was failed
/// fails: grow::the_space_is_reserved failed
mod reserves_only_what_is_new {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        let before = file.metadata()?.len();
        let more = (length as u64).checked_sub(before).ok_or(io::ErrorKind::InvalidInput)?;
        let longer = Mapping::of_file(file, 0, length, READ_WRITE, Sharing::Shared)?;
        if more > 0 {
            fallocate(file, FallocateFlags::empty(), before.cast_signed(), more.cast_signed())?;
        }
        *mapping = longer;
        Ok(())
    }
}

/// Takes a length for space: ftruncate(2) reserves nothing.
///
/// fails: grow::an_error_leaves_everything_as_it_was failed
/// fails: grow::the_space_is_reserved failed size-reserves-room
mod sets_the_length_only {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        if u64::try_from(length).map_err(io::Error::other)? < file.metadata()?.len() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let longer = Mapping::of_file(file, 0, length, READ_WRITE, Sharing::Shared)?;
        file.set_len(length as u64)?;
        *mapping = longer;
        Ok(())
    }
}

/// Makes the file longer first, and leaves it so when it can't be mapped.
///
/// fails: grow::an_error_leaves_everything_as_it_was failed an-error-undoes
mod stays_grown_when_it_fails {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        if u64::try_from(length).map_err(io::Error::other)? < file.metadata()?.len() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        posix_fallocate(file, 0, length.try_into().map_err(|_| Errno::EOVERFLOW)?)?;
        *mapping = Mapping::of_file(file, 0, length, READ_WRITE, Sharing::Shared)?;
        Ok(())
    }
}

/// Gives the file its length as the study notes do, with a zero at the end.
///
/// fails: grow::an_error_leaves_everything_as_it_was failed
/// fails: grow::the_mapping_shows_the_longer_file failed
/// fails: grow::the_space_is_reserved failed
mod writes_a_byte_at_the_end {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        if u64::try_from(length).map_err(io::Error::other)? < file.metadata()?.len() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let longer = Mapping::of_file(file, 0, length, READ_WRITE, Sharing::Shared)?;
        file.write_all_at(b"\0", length as u64 - 1)?;
        *mapping = longer;
        Ok(())
    }
}

/// Maps the longer file first, which changes nothing, reserves the space, and puts the new mapping in place at the end.
///
/// passes
mod maps_first {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        let old = old_length(mapping, length)?;
        let new = map(file, length)?;
        reserve(file, old, length)?;
        clear(&new, mapping);
        *mapping = new;
        Ok(())
    }
}

/// Maps through a duplicate of the descriptor, asks the file for its length, and unmaps by hand.
///
/// passes
mod through_a_duplicate {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        let file = file.try_clone()?;
        let old = file.metadata()?.len();
        if (length as u64) < old {
            return Err(io::Error::new(ErrorKind::InvalidInput, "a file grows, it does not shrink"));
        }
        let new = map(&file, length)?;
        reserve(&file, old, length)?;
        clear(&new, mapping);
        std::mem::replace(mapping, new).unmap()?;
        Ok(())
    }
}

/// Reserves the space beyond the end of the file while it keeps its length, and makes it longer when nothing can fail.
///
/// passes
mod keeps_the_size_until_the_end {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        let old = old_length(mapping, length)?;
        let new = map(file, length)?;
        let longer = fallocate(file, FallocateFlags::FALLOC_FL_KEEP_SIZE, 0, length as i64)
            .map_err(io::Error::from)
            .and_then(|()| if length as u64 > old { file.set_len(length as u64) } else { Ok(()) });
        if let Err(error) = longer {
            // The length is still the old one: this gives back what was reserved past it.
            let _ = file.set_len(old);
            return Err(error);
        }
        clear(&new, mapping);
        *mapping = new;
        Ok(())
    }
}

/// Reserves the holes of the old part first and then the new part, in two calls.
///
/// passes
mod holes_and_new_part {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        let old = old_length(mapping, length)?;
        let mut new = map(file, length)?;
        let more = length as i64 - old as i64;
        let none = FallocateFlags::empty();
        let new_part = || if more > 0 { fallocate(file, none, old as i64, more) } else { Ok(()) };
        if let Err(errno) = fallocate(file, none, 0, old as i64).and_then(|()| new_part()) {
            file.set_len(old)?;
            return Err(errno.into());
        }
        clear(&new, mapping);
        std::mem::swap(mapping, &mut new);
        Ok(())
    }
}

/// Makes the file longer with ftruncate(2), which reserves nothing.
///
/// breaks: "Disk space is reserved for all `length` bytes, also where the file had holes."
/// fails: grow::an_error_leaves_everything_as_it_was failed
/// fails: grow::the_space_is_reserved failed size-reserves-room
mod only_set_len {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        old_length(mapping, length)?;
        let new = map(file, length)?;
        file.set_len(length as u64)?;
        clear(&new, mapping);
        *mapping = new;
        Ok(())
    }
}

/// Reserves the new bytes only, and leaves the holes in the old part.
///
/// breaks: "Disk space is reserved for all `length` bytes, also where the file had holes."
/// fails: grow::the_space_is_reserved failed
mod only_the_new_part {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        let old = old_length(mapping, length)?;
        if length as u64 == old {
            return reserve(file, old, length);
        }
        let new = map(file, length)?;
        fallocate(file, FallocateFlags::empty(), old as i64, length as i64 - old as i64)
            .inspect_err(|_| _ = file.set_len(old))?;
        clear(&new, mapping);
        *mapping = new;
        Ok(())
    }
}

/// Returns at once when the file is as long as it should be, with its holes.
///
/// breaks: "That is so even if `length` is the length that the file has already."
/// fails: grow::the_space_is_reserved failed size-reserves-room
mod long_enough_already {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        if old_length(mapping, length)? == length as u64 {
            return Ok(());
        }
        super::maps_first::grow(file, mapping, length)
    }
}

/// Returns at once when the new length fits in the pages that are mapped, so the mapping keeps the old length.
///
/// breaks: "`mapping` covers the whole file, shared, for loads and stores: before the call and after it."
/// fails: grow::the_mapping_shows_the_longer_file failed a-mapping-grows-with-its-file
mod fits_in_the_last_page {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        let old = old_length(mapping, length)?;
        if length <= mapping.range().len() {
            reserve(file, old, length)?;
            clear(mapping, mapping);
            return Ok(());
        }
        super::maps_first::grow(file, mapping, length)
    }
}

/// Unmaps the old mapping before it makes the new one, and has none when that fails.
///
/// breaks: "After an error the file has its old length, and `mapping` is still shared, with its old length and bytes."
/// fails: grow::an_error_leaves_everything_as_it_was failed an-error-undoes
/// fails: grow::the_space_is_reserved failed an-error-undoes
mod unmaps_first {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        let old = old_length(mapping, length)?;
        let placeholder = Mapping::anonymous(1, READ_WRITE, Sharing::Shared)?;
        std::mem::replace(mapping, placeholder).unmap()?;
        reserve(file, old, length)?;
        *mapping = map(file, length).inspect_err(|_| _ = file.set_len(old))?;
        Ok(())
    }
}

/// Uses lesson 5's helper and forgets that the file is longer already when the mapping fails.
///
/// breaks: "After an error the file has its old length, and `mapping` is still shared, with its old length and bytes."
/// fails: grow::an_error_leaves_everything_as_it_was failed an-error-undoes
mod size_and_map_is_enough {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        old_length(mapping, length)?;
        *mapping = size_and_map(file, length)?;
        Ok(())
    }
}

/// Puts the new mapping in place before it reserves the space, and leaves it there when that fails.
///
/// breaks: "After an error the file has its old length, and `mapping` is still shared, with its old length and bytes."
/// fails: grow::an_error_leaves_everything_as_it_was failed an-error-undoes
/// fails: grow::the_space_is_reserved failed an-error-undoes
mod replaces_too_early {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        let old = old_length(mapping, length)?;
        *mapping = map(file, length)?;
        reserve(file, old, length)
    }
}

/// Forgets the old mapping instead of unmapping it.
///
/// breaks: "The call leaves the file mapped once: a mapping that is replaced is unmapped."
/// fails: grow::the_old_mapping_is_unmapped failed
mod forgets_the_old_one {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        let old = old_length(mapping, length)?;
        let new = map(file, length)?;
        reserve(file, old, length)?;
        clear(&new, mapping);
        std::mem::forget(std::mem::replace(mapping, new));
        Ok(())
    }
}

/// Saves the old bytes, truncates the file to nothing to get rid of its holes, and writes them into the longer file.
///
/// breaks: "At no moment is the file shorter than before the call."
/// fails: grow::an_error_leaves_everything_as_it_was failed
/// fails: grow::others_lose_nothing_that_they_store_meanwhile failed
/// fails: grow::the_space_is_reserved failed
mod truncates_to_start_afresh {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        let old = old_length(mapping, length)?;
        let new = map(file, length)?;
        let mut bytes = vec![0; mapping.length()];
        mapping.read(0, &mut bytes);
        file.set_len(0)?;
        reserve(file, old, length)?;
        file.write_all_at(&bytes, 0)?;
        *mapping = new;
        Ok(())
    }
}

/// Allocates each page by storing the byte that it has loaded: that is SIGBUS when the disk is full.
///
/// breaks: "ENOSPC when the disk has too little space."
/// fails: grow::an_error_leaves_everything_as_it_was failed
/// fails: grow::the_space_is_reserved killed
mod touches_each_page {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        old_length(mapping, length)?;
        let new = map(file, length)?;
        file.set_len(length as u64)?;
        for at in (0..length).step_by(page_size()) {
            new.store(at, new.load(at));
        }
        clear(&new, mapping);
        *mapping = new;
        Ok(())
    }
}

/// Lets MADV_POPULATE_WRITE allocate the pages, which is EFAULT when the disk is full.
///
/// breaks: "ENOSPC when the disk has too little space."
/// fails: grow::an_error_leaves_everything_as_it_was failed
/// fails: grow::the_space_is_reserved failed
mod populates_for_writing {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        let old = old_length(mapping, length)?;
        let new = map(file, length)?;
        file.set_len(length as u64)?;
        // SAFETY: exactly the range of the new mapping, and populating it changes no byte.
        let done = unsafe { libc::madvise(new.address() as *mut _, new.length(), libc::MADV_POPULATE_WRITE) };
        Errno::result(done).inspect_err(|_| _ = file.set_len(old))?;
        clear(&new, mapping);
        *mapping = new;
        Ok(())
    }
}

/// Maps the longer file privately.
///
/// breaks: "`mapping` covers the whole file, shared, for loads and stores: before the call and after it."
/// fails: grow::others_lose_nothing_that_they_store_meanwhile failed
/// fails: grow::processes_that_mapped_it_before_still_share_it failed
/// fails: grow::the_space_is_reserved failed
mod private_from_now_on {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        let old = old_length(mapping, length)?;
        let new = Mapping::of_file(file, 0, length, READ_WRITE, Sharing::Private)?;
        reserve(file, old, length)?;
        *mapping = new;
        Ok(())
    }
}

/// Maps the longer file for reading.
///
/// breaks: "`mapping` covers the whole file, shared, for loads and stores: before the call and after it."
/// fails: grow::others_lose_nothing_that_they_store_meanwhile killed
/// fails: grow::processes_that_mapped_it_before_still_share_it killed
mod read_only_from_now_on {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        let old = old_length(mapping, length)?;
        let new = Mapping::of_file(file, 0, length, ProtFlags::PROT_READ, Sharing::Shared)?;
        reserve(file, old, length)?;
        *mapping = new;
        Ok(())
    }
}

/// Makes file and mapping a multiple of the page size long.
///
/// breaks: "Makes `file` `length` bytes long, and replaces `mapping` with a mapping of the whole file."
/// fails: grow::the_mapping_shows_the_longer_file failed
mod whole_pages_only {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        let old = old_length(mapping, length)?;
        let pages = map(file, length)?.range().len();
        let new = map(file, pages)?;
        reserve(file, old, pages)?;
        clear(&new, mapping);
        *mapping = new;
        Ok(())
    }
}

/// Maps whole pages of a file with the right length.
///
/// breaks: "replaces `mapping` with a mapping of the whole file"
/// fails: grow::the_mapping_shows_the_longer_file failed
mod maps_whole_pages {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        let old = old_length(mapping, length)?;
        let new = map(file, length.checked_next_multiple_of(page_size()).ok_or(Errno::ENOMEM)?)?;
        reserve(file, old, length)?;
        clear(&new, mapping);
        *mapping = new;
        Ok(())
    }
}

/// Reserves the space with FALLOC_FL_KEEP_SIZE and never makes the file longer.
///
/// breaks: "Makes `file` `length` bytes long, and replaces `mapping` with a mapping of the whole file."
/// fails: grow::the_mapping_shows_the_longer_file killed
/// fails: grow::the_space_is_reserved failed
mod keeps_the_size {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        old_length(mapping, length)?;
        let new = map(file, length)?;
        fallocate(file, FallocateFlags::FALLOC_FL_KEEP_SIZE, 0, length as i64)?;
        *mapping = new;
        Ok(())
    }
}

/// Refuses the length that the file has already.
///
/// breaks: "That is so even if `length` is the length that the file has already."
/// fails: grow::others_lose_nothing_that_they_store_meanwhile failed
/// fails: grow::the_mapping_shows_the_longer_file failed
/// fails: grow::the_space_is_reserved failed
mod must_grow {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        if length <= mapping.length() {
            return Err(ErrorKind::InvalidInput.into());
        }
        super::maps_first::grow(file, mapping, length)
    }
}

/// Takes the mapped pages for the length of the file, and refuses to grow within the last page.
///
/// breaks: "`InvalidInput` when `length` is less than the length of the file."
/// fails: grow::the_mapping_shows_the_longer_file failed
mod compares_with_whole_pages {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        if length < mapping.range().len() && length != mapping.length() {
            return Err(ErrorKind::InvalidInput.into());
        }
        super::maps_first::grow(file, mapping, length)
    }
}

/// Is content with a file that is longer than asked for.
///
/// breaks: "`InvalidInput` when `length` is less than the length of the file."
/// fails: grow::an_error_leaves_everything_as_it_was failed
/// fails: grow::the_space_is_reserved failed
mod shorter_is_fine {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        super::maps_first::grow(file, mapping, length.max(mapping.length()))
    }
}

/// Checks the return value of posix_fallocate(3) for -1, though it returns the errno.
///
/// breaks: "ENOSPC when the disk has too little space."
/// fails: grow::an_error_leaves_everything_as_it_was failed
/// fails: grow::the_space_is_reserved failed
mod expects_minus_one {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        let old = old_length(mapping, length)?;
        let new = map(file, length)?;
        // SAFETY: the call takes a descriptor and numbers.
        if unsafe { libc::posix_fallocate(file.as_raw_fd(), 0, length as i64) } == -1 {
            file.set_len(old)?;
            return Err(Errno::ENOSPC.into());
        }
        clear(&new, mapping);
        *mapping = new;
        Ok(())
    }
}

/// Looks in errno for the error of posix_fallocate(3), which does not set it.
///
/// breaks: "ENOSPC when the disk has too little space."
/// fails: grow::an_error_leaves_everything_as_it_was failed
/// fails: grow::the_space_is_reserved failed
mod looks_in_errno {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        let old = old_length(mapping, length)?;
        let new = map(file, length)?;
        Errno::clear();
        // SAFETY: the call takes a descriptor and numbers.
        if unsafe { libc::posix_fallocate(file.as_raw_fd(), 0, length as i64) } != 0 {
            file.set_len(old)?;
            return Err(io::Error::last_os_error());
        }
        clear(&new, mapping);
        *mapping = new;
        Ok(())
    }
}

/// Reports every failure to reserve space as a full disk, also that of a sealed file.
///
/// breaks: "EPERM when `length` is more than the length of the file, which must not grow (F_SEAL_GROW)."
/// fails: grow::an_error_leaves_everything_as_it_was failed
mod always_a_full_disk {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        let old = old_length(mapping, length)?;
        let new = map(file, length)?;
        reserve(file, old, length).map_err(|_| Errno::ENOSPC)?;
        clear(&new, mapping);
        *mapping = new;
        Ok(())
    }
}

/// Returns an error of the right kind that has lost its errno.
///
/// breaks: "EPERM when `length` is more than the length of the file, which must not grow (F_SEAL_GROW)."
/// fails: grow::an_error_leaves_everything_as_it_was failed
/// fails: grow::the_space_is_reserved failed
mod kind_without_errno {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        super::maps_first::grow(file, mapping, length).map_err(|error| io::Error::new(error.kind(), "cannot grow"))
    }
}

/// Looks whether the disk has enough free bytes and then reserves none of them.
///
/// breaks: "Disk space is reserved for all `length` bytes, also where the file had holes."
/// fails: grow::an_error_leaves_everything_as_it_was failed
/// fails: grow::the_space_is_reserved failed size-reserves-room
mod asks_for_the_free_space {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        let old = old_length(mapping, length)?;
        let new = map(file, length)?;
        let disk = fstatvfs(file)?;
        if disk.blocks() > 0 && disk.blocks_available() * disk.fragment_size() < length as u64 - old {
            return Err(Errno::ENOSPC.into());
        }
        file.set_len(length as u64)?;
        clear(&new, mapping);
        *mapping = new;
        Ok(())
    }
}

/// Sets the length after an fallocate(2) whose error it takes for a missing feature.
///
/// breaks: "ENOSPC when the disk has too little space."
/// fails: grow::an_error_leaves_everything_as_it_was failed
/// fails: grow::the_space_is_reserved failed
mod reserves_if_possible {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        old_length(mapping, length)?;
        let new = map(file, length)?;
        let _ = fallocate(file, FallocateFlags::empty(), 0, length as i64);
        file.set_len(length as u64)?;
        clear(&new, mapping);
        *mapping = new;
        Ok(())
    }
}

/// Maps through a duplicate that it never closes, for fear that the mapping needs it.
///
/// breaks: "The call leaves no descriptor of its own open, not even after an error."
/// fails: grow::an_error_leaves_everything_as_it_was failed
/// fails: grow::the_old_mapping_is_unmapped failed
/// fails: grow::the_space_is_reserved failed
mod mapping_needs_its_descriptor {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        let old = old_length(mapping, length)?;
        let mine = file.try_clone()?;
        let new = map(&mine, length)?;
        let _ = mine.into_raw_fd();
        reserve(file, old, length)?;
        clear(&new, mapping);
        *mapping = new;
        Ok(())
    }
}

/// Clears from the start of the page in which the file ended, old bytes included.
///
/// breaks: "The old bytes keep their values, and the new ones are zeros."
/// fails: grow::others_lose_nothing_that_they_store_meanwhile failed
/// fails: grow::the_mapping_shows_the_longer_file failed
mod zeroes_from_the_last_page {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        let old = old_length(mapping, length)?;
        super::maps_first::grow(file, mapping, length)?;
        let start = old / page_size_u64() * page_size_u64();
        if length as u64 > old {
            mapping.write(start as usize, &vec![0; length - start as usize]);
        }
        Ok(())
    }
}

/// Leaves what was stored past the end of the file, in its last page, which tmpfs shows when the file grows.
///
/// passes
mod leaves_the_rest_of_the_last_page {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        let old = old_length(mapping, length)?;
        let new = map(file, length)?;
        reserve(file, old, length)?;
        *mapping = new;
        Ok(())
    }
}

/// Keeps the mapping that there is when the length stays the same, and only reserves the space.
///
/// passes
mod keeps_a_mapping_that_fits {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        let old = old_length(mapping, length)?;
        if length == mapping.length() {
            return reserve(file, old, length);
        }
        super::maps_first::grow(file, mapping, length)
    }
}

/// Reserves the space before it maps, and shortens the file when there are no addresses for it.
///
/// breaks: "It is so, too, when the file must not shrink (F_SEAL_SHRINK)."
/// fails: grow::an_error_leaves_everything_as_it_was failed
mod reserves_first {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        let old = old_length(mapping, length)?;
        reserve(file, old, length)?;
        let new = map(file, length).inspect_err(|_| _ = file.set_len(old))?;
        clear(&new, mapping);
        *mapping = new;
        Ok(())
    }
}

/// Thinks that a failed fallocate(2) changes nothing; ext4 makes the file longer until the disk is full.
///
/// breaks: "After an error the file has its old length, and `mapping` is still shared, with its old length and bytes."
/// fails: grow::an_error_leaves_everything_as_it_was failed
mod a_failed_call_changes_nothing {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        old_length(mapping, length)?;
        let new = map(file, length)?;
        posix_fallocate(file, 0, length as i64)?;
        clear(&new, mapping);
        *mapping = new;
        Ok(())
    }
}

/// Restores the length of the mapped pages instead of the length of the file.
///
/// breaks: "After an error the file has its old length, and `mapping` is still shared, with its old length and bytes."
/// fails: grow::an_error_leaves_everything_as_it_was failed
mod restores_whole_pages {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        old_length(mapping, length)?;
        let new = map(file, length)?;
        reserve(file, mapping.range().len() as u64, length)?;
        clear(&new, mapping);
        *mapping = new;
        Ok(())
    }
}

/// Saves the old bytes and writes them back into the longer file, over what other processes have stored meanwhile.
///
/// breaks: "Each process sees what the others store in the part that it has mapped."
/// fails: grow::others_lose_nothing_that_they_store_meanwhile failed
/// fails: grow::the_space_is_reserved out_of_memory
mod writes_the_old_bytes_back {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        let old = old_length(mapping, length)?;
        let mut bytes = vec![0; mapping.length()];
        mapping.read(0, &mut bytes);
        let new = map(file, length)?;
        reserve(file, old, length)?;
        clear(&new, mapping);
        new.write(0, &bytes);
        *mapping = new;
        Ok(())
    }
}

/// Asks for the seals and refuses a file with F_SEAL_GROW even when its length would stay the same.
///
/// breaks: "That is so even if `length` is the length that the file has already."
/// fails: grow::the_space_is_reserved failed
mod sealed_is_sealed {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        old_length(mapping, length)?;
        let seals = fcntl(file, FcntlArg::F_GET_SEALS).unwrap_or(0);
        if SealFlag::from_bits_truncate(seals).contains(SealFlag::F_SEAL_GROW) {
            return Err(Errno::EPERM.into());
        }
        super::maps_first::grow(file, mapping, length)
    }
}

/// Converts the length to off_t before anything else, and calls one that does not fit an invalid argument.
///
/// breaks: "ENOMEM when no range of addresses of that length is free, even if the disk has no space either."
/// fails: grow::an_error_leaves_everything_as_it_was failed
mod does_not_fit_off_t {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        i64::try_from(length).map_err(|_| ErrorKind::InvalidInput)?;
        super::maps_first::grow(file, mapping, length)
    }
}

/// Keeps the length in 32 bits.
///
/// breaks: "Makes `file` `length` bytes long, and replaces `mapping` with a mapping of the whole file."
/// fails: grow::an_error_leaves_everything_as_it_was failed
/// fails: grow::the_space_is_reserved failed
mod length_in_32_bits {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        old_length(mapping, length)?;
        super::maps_first::grow(file, mapping, length as u32 as usize)
    }
}

/// Fills the new part with zeros by pwrite(2) after the reservation, a page at a time.
///
/// breaks: "Each function makes at most 50 system calls, without those of `fill`, however long the file is"
/// fails: grow::others_lose_nothing_that_they_store_meanwhile failed
mod writes_the_zeros {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        let old = old_length(mapping, length)?;
        super::maps_first::grow(file, mapping, length)?;
        let zeros = vec![0; page_size()];
        for at in (old as usize..length).step_by(page_size()) {
            file.write_all_at(&zeros[..(length - at).min(page_size())], at as u64)?;
        }
        Ok(())
    }
}

/// Remembers up to where it has reserved space, and believes it of every other file as well.
///
/// breaks: "Disk space is reserved for all `length` bytes, also where the file had holes."
/// fails: grow::the_space_is_reserved failed size-reserves-room
mod remembers_what_is_reserved {
    use super::*;

    static RESERVED: AtomicUsize = AtomicUsize::new(0);

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        let old = old_length(mapping, length)?;
        let new = map(file, length)?;
        if RESERVED.fetch_max(length, Ordering::Relaxed) < length {
            reserve(file, old, length)?;
        } else {
            file.set_len(length as u64)?;
        }
        clear(&new, mapping);
        *mapping = new;
        Ok(())
    }
}

/// Maps beyond the end, which is allowed, then reserves, and puts the old length back if that fails.
///
/// passes
mod map_reserve_undo {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        let old = old_length_again(file, length)?;
        let new = map_again(file, length)?;
        reserve_or_undo(file, old, length)?;
        *mapping = new;
        Ok(())
    }
}

/// Reserves past the end with FALLOC_FL_KEEP_SIZE, and lengthens the file by ftruncate(2) when all has succeeded.
///
/// passes
mod keeps_the_size_until_the_end_2 {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        let old = old_length_again(file, length)?;
        let new = map_again(file, length)?;
        fallocate(file, FallocateFlags::FALLOC_FL_KEEP_SIZE, 0, length as i64)?;
        if length as u64 > old {
            file.set_len(length as u64)?;
        }
        drop(mem::replace(mapping, new));
        Ok(())
    }
}

/// Takes the length of the mapping for that of the file, and reserves the old and the new part by two calls.
///
/// passes
mod old_length_of_the_mapping {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        let old = mapping.length();
        let more = length.checked_sub(old).ok_or_else(invalid)?;
        let new = map_again(file, length)?;
        reserve_again(file, 0, old)?;
        if more > 0 {
            reserve_again(file, old as u64, length).inspect_err(|_| _ = file.set_len(old as u64))?;
        }
        *mapping = new;
        Ok(())
    }
}

/// Reserves before it maps, so a full disk hides that there are no addresses.
///
/// breaks: "ENOMEM when no range of addresses of that length is free, even if the disk has no space either."
/// fails: grow::an_error_leaves_everything_as_it_was failed
mod reserves_before_it_maps {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        let old = old_length_again(file, length)?;
        reserve_or_undo(file, old, length)?;
        *mapping = map_again(file, length).inspect_err(|_| _ = file.set_len(old))?;
        Ok(())
    }
}

/// Trusts a fallocate(2) that fails to have changed nothing.
///
/// breaks: "That is so even if fallocate(2) has made the file longer before it failed, as ext4 does."
/// fails: grow::an_error_leaves_everything_as_it_was failed
mod trusts_a_failed_fallocate {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        old_length_again(file, length)?;
        let new = map_again(file, length)?;
        reserve_again(file, 0, length)?;
        *mapping = new;
        Ok(())
    }
}

/// Lengthens the file by ftruncate(2) and then reserves: the way back is barred by F_SEAL_SHRINK.
///
/// breaks: "It is so, too, when the file must not shrink (F_SEAL_SHRINK). Space may stay reserved."
/// fails: grow::an_error_leaves_everything_as_it_was failed
mod truncates_before_it_reserves {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        let old = old_length_again(file, length)?;
        let new = map_again(file, length)?;
        file.set_len(length as u64)?;
        reserve_or_undo(file, old, length)?;
        *mapping = new;
        Ok(())
    }
}

/// Reserves only the new bytes, so the old holes stay.
///
/// breaks: "Disk space is reserved for all `length` bytes, also where the file had holes."
/// fails: grow::the_space_is_reserved failed
mod reserves_only_the_new_bytes {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        let old = old_length_again(file, length)?;
        let new = map_again(file, length)?;
        if length as u64 > old {
            reserve_again(file, old, length).inspect_err(|_| _ = file.set_len(old))?;
        }
        *mapping = new;
        Ok(())
    }
}

/// Has nothing to do when the file has that length already.
///
/// breaks: "That is so even if `length` is the length that the file has already."
/// fails: grow::the_space_is_reserved failed size-reserves-room
mod same_length_is_nothing_to_do {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        let old = old_length_again(file, length)?;
        if length as u64 == old {
            return Ok(());
        }
        let new = map_again(file, length)?;
        reserve_or_undo(file, old, length)?;
        *mapping = new;
        Ok(())
    }
}

/// Lets the old mapping go without munmap(2), "since others may hold addresses of it".
///
/// breaks: "The call leaves the file mapped once: a mapping that is replaced is unmapped."
/// fails: grow::the_old_mapping_is_unmapped failed
mod forgets_the_old_mapping_2 {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        let old = old_length_again(file, length)?;
        let new = map_again(file, length)?;
        reserve_or_undo(file, old, length)?;
        mem::forget(mem::replace(mapping, new));
        Ok(())
    }
}

/// Unmaps the old range before it asks for the new one, to have its addresses free.
///
/// breaks: "After an error the file has its old length, and `mapping` is still shared, with its old length and bytes."
/// fails: grow::an_error_leaves_everything_as_it_was failed an-error-undoes
/// fails: grow::the_space_is_reserved failed an-error-undoes
mod unmaps_first_2 {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        let old = old_length_again(file, length)?;
        *mapping = Mapping::anonymous(1, READ_WRITE, Sharing::Private)?;
        let new = map_again(file, length);
        *mapping = match new {
            Ok(new) => new,
            Err(error) => {
                *mapping = map_again(file, old as usize)?;
                return Err(error);
            }
        };
        reserve_or_undo(file, old, length)
    }
}

/// Puts the new mapping in place before the space is reserved.
///
/// breaks: "After an error the file has its old length, and `mapping` is still shared, with its old length and bytes."
/// fails: grow::an_error_leaves_everything_as_it_was failed an-error-undoes
/// fails: grow::the_space_is_reserved failed an-error-undoes
mod replaces_before_it_reserves {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        let old = old_length_again(file, length)?;
        *mapping = map_again(file, length)?;
        reserve_or_undo(file, old, length)
    }
}

/// Lengthens the file when there is space and reserves nothing of it.
///
/// breaks: "Disk space is reserved for all `length` bytes, also where the file had holes."
/// fails: grow::an_error_leaves_everything_as_it_was failed
/// fails: grow::the_old_mapping_is_unmapped failed
/// fails: grow::the_space_is_reserved failed size-reserves-room
mod only_looks_whether_there_is_space {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        let old = old_length_again(file, length)?;
        let new = map_again(file, length)?;
        let disk = fstatvfs(file)?;
        if disk.blocks_available() * disk.fragment_size() < length as u64 - old {
            return Err(Errno::ENOSPC.into());
        }
        file.set_len(length as u64)?;
        *mapping = new;
        Ok(())
    }
}

/// Compares the whole length with the free space first, although the file has most of its space already.
///
/// breaks: "ENOSPC when the disk has too little space."
/// fails: grow::the_space_is_reserved failed
mod counts_its_own_space_as_missing {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        let old = old_length_again(file, length)?;
        let new = map_again(file, length)?;
        let disk = fstatvfs(file)?;
        if disk.blocks() > 0 && disk.blocks_available() * disk.fragment_size() < length as u64 {
            return Err(Errno::ENOSPC.into());
        }
        reserve_or_undo(file, old, length)?;
        *mapping = new;
        Ok(())
    }
}

/// Refuses every length on a file with F_SEAL_GROW, also the one that it has.
///
/// breaks: "EPERM when `length` is more than the length of the file, which must not grow (F_SEAL_GROW)."
/// fails: grow::the_space_is_reserved failed
mod sealed_even_at_its_length {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        let old = old_length_again(file, length)?;
        if fcntl(file, FcntlArg::F_GET_SEALS).is_ok_and(|seals| seals & libc::F_SEAL_GROW != 0) {
            return Err(Errno::EPERM.into());
        }
        let new = map_again(file, length)?;
        reserve_or_undo(file, old, length)?;
        *mapping = new;
        Ok(())
    }
}

/// Calls posix_fallocate(3), which writes a byte to each block, in a call of its own, where fallocate(2) is missing.
///
/// breaks: "Each function makes at most 50 system calls, without those of `fill`, however long the file is"
/// fails: grow::an_error_leaves_everything_as_it_was failed
mod posix_fallocate_emulates {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        let old = old_length_again(file, length)?;
        let new = map_again(file, length)?;
        posix_fallocate(file, 0, length as i64).inspect_err(|_| _ = file.set_len(old))?;
        *mapping = new;
        Ok(())
    }
}

/// Reserves by making the kernel write-fault each page, and a full disk is EFAULT then.
///
/// breaks: "ENOSPC when the disk has too little space."
/// fails: grow::an_error_leaves_everything_as_it_was failed
/// fails: grow::the_space_is_reserved failed
mod populates_instead_of_reserving {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        let old = old_length_again(file, length)?;
        let new = map_again(file, length)?;
        file.set_len(length as u64)?;
        let start = std::ptr::without_provenance_mut(new.address());
        // SAFETY: the range is that of the mapping, and the call changes no byte of it.
        let answer = unsafe { libc::madvise(start, length, libc::MADV_POPULATE_WRITE) };
        Errno::result(answer).inspect_err(|_| _ = file.set_len(old))?;
        *mapping = new;
        Ok(())
    }
}

/// Calls every failure of the reservation a full disk, as a kind without an errno.
///
/// breaks: "EPERM when `length` is more than the length of the file, which must not grow (F_SEAL_GROW)."
/// fails: grow::an_error_leaves_everything_as_it_was failed
/// fails: grow::the_space_is_reserved failed
mod every_failure_is_a_full_disk {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        let old = old_length_again(file, length)?;
        let new = map_again(file, length)?;
        if reserve_again(file, 0, length).is_err() {
            file.set_len(old)?;
            return Err(io::ErrorKind::StorageFull.into());
        }
        *mapping = new;
        Ok(())
    }
}

/// Puts the length back after ENOSPC only, and not when a signal or a limit stops fallocate(2).
///
/// breaks: "After an error the file has its old length, and `mapping` is still shared, with its old length and bytes."
/// fails: grow::an_error_leaves_everything_as_it_was failed
mod undoes_enospc_only {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        let old = old_length_again(file, length)?;
        let new = map_again(file, length)?;
        reserve_again(file, 0, length).inspect_err(|error| {
            if error.raw_os_error() == Some(libc::ENOSPC) {
                _ = file.set_len(old);
            }
        })?;
        *mapping = new;
        Ok(())
    }
}

/// Finds the old length by a seek to the end, and leaves the offset there.
///
/// breaks: "No other process changes the length of the file meanwhile, nor the offset, which doesn't move."
/// fails: grow::others_lose_nothing_that_they_store_meanwhile failed
mod seeks_to_the_end_3 {
    use super::*;

    pub fn grow(mut file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        let old = file.seek(SeekFrom::End(0))?;
        if (length as u64) < old {
            return Err(invalid());
        }
        let new = map_again(file, length)?;
        reserve_or_undo(file, old, length)?;
        *mapping = new;
        Ok(())
    }
}

/// Maps a duplicate of the descriptor and never closes it.
///
/// breaks: "The call leaves no descriptor of its own open, not even after an error."
/// fails: grow::the_old_mapping_is_unmapped failed
mod leaks_a_duplicate {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        let old = old_length_again(file, length)?;
        let new = map_again(file, length)?;
        let own = file.try_clone()?;
        reserve_or_undo(&own, old, length)?;
        _ = own.into_raw_fd();
        *mapping = new;
        Ok(())
    }
}

/// Demands that the file really becomes longer.
///
/// breaks: "`InvalidInput` when `length` is less than the length of the file."
/// fails: grow::others_lose_nothing_that_they_store_meanwhile failed
/// fails: grow::the_mapping_shows_the_longer_file failed
/// fails: grow::the_space_is_reserved failed
mod the_same_length_is_invalid {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        let old = file.metadata()?.len();
        if length as u64 <= old {
            return Err(invalid());
        }
        let new = map_again(file, length)?;
        reserve_or_undo(file, old, length)?;
        *mapping = new;
        Ok(())
    }
}

/// Reports a lack of addresses as a kind of error, without its errno.
///
/// breaks: "ENOMEM when no range of addresses of that length is free, even if the disk has no space either."
/// fails: grow::an_error_leaves_everything_as_it_was failed
mod out_of_memory_without_errno {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        let old = old_length_again(file, length)?;
        let new = map_again(file, length).map_err(|error| io::Error::new(error.kind(), "mmap failed"))?;
        reserve_or_undo(file, old, length)?;
        *mapping = new;
        Ok(())
    }
}

/// Reserves in steps of a mebibyte, so that a long file is many calls.
///
/// breaks: "Each function makes at most 50 system calls, without those of `fill`, however long the file is"
/// fails: grow::others_lose_nothing_that_they_store_meanwhile failed
mod reserves_by_the_mebibyte {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        let old = old_length_again(file, length)?;
        let new = map_again(file, length)?;
        for at in (0..length).step_by(1 << 20) {
            reserve_again(file, at as u64, length.min(at + (1 << 20))).inspect_err(|_| _ = file.set_len(old))?;
        }
        *mapping = new;
        Ok(())
    }
}

/// Maps the longer file private, so that its stores reach nobody.
///
/// breaks: "`mapping` covers the whole file, shared, for loads and stores: before the call and after it."
/// fails: grow::others_lose_nothing_that_they_store_meanwhile failed
/// fails: grow::processes_that_mapped_it_before_still_share_it failed
/// fails: grow::the_space_is_reserved failed
mod private_from_now_on_2 {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        let old = old_length_again(file, length)?;
        let new = Mapping::of_file(file, 0, length, READ_WRITE, Sharing::Private)?;
        reserve_or_undo(file, old, length)?;
        *mapping = new;
        Ok(())
    }
}

/// Maps first, reserves without a change of the length, and makes the file longer last.
///
/// passes
mod maps_reserves_lengthens {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        old_length_again(file, length)?;
        let new = map(file, length)?;
        reserve_only(file, 0, length)?;
        file.set_len(length as u64)?;
        *mapping = new;
        Ok(())
    }
}

/// Takes the old length from the mapping, and reserves the new part before the old one.
///
/// passes
mod length_of_the_mapping {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        if length < mapping.length() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let new = map(&file.try_clone()?, length)?;
        reserve_only(file, mapping.length() as u64, length)?;
        reserve_only(file, 0, mapping.length())?;
        ftruncate(file, length as i64)?;
        mem::replace(mapping, new).unmap()?;
        Ok(())
    }
}

/// Reserves before it looks for addresses, so that a full disk hides their lack.
///
/// breaks: "ENOMEM when no range of addresses of that length is free, even if the disk has no space either."
/// fails: grow::an_error_leaves_everything_as_it_was failed
mod reserves_then_maps {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        old_length_again(file, length)?;
        reserve_only(file, 0, length)?;
        let new = map(file, length)?;
        file.set_len(length as u64)?;
        *mapping = new;
        Ok(())
    }
}

/// Lets fallocate(2) lengthen the file, and cuts it off again after an error: a seal forbids that.
///
/// breaks: "It is so, too, when the file must not shrink (F_SEAL_SHRINK). Space may stay reserved."
/// fails: grow::an_error_leaves_everything_as_it_was failed
mod cuts_off_after_mmap_fails {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        let old = old_length_again(file, length)?;
        let size = i64::try_from(length).map_err(|_| Errno::ENOMEM)?;
        let done = fallocate(file, FallocateFlags::empty(), 0, size).map_err(io::Error::from);
        match done.and_then(|()| map(file, length)) {
            Ok(new) => *mapping = new,
            Err(error) => {
                let _ = file.set_len(old);
                // Where both fail, no addresses is what counts.
                map(file, length)?;
                return Err(error);
            }
        }
        Ok(())
    }
}

/// Believes that fallocate(2) changes nothing when it fails.
///
/// breaks: "That is so even if fallocate(2) has made the file longer before it failed, as ext4 does."
/// fails: grow::an_error_leaves_everything_as_it_was failed
mod trusts_fallocate_to_undo {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        old_length_again(file, length)?;
        let new = map(file, length)?;
        fallocate(file, FallocateFlags::empty(), 0, length as i64)?;
        *mapping = new;
        Ok(())
    }
}

/// Lengthens the file first and doesn't restore it when there is no space.
///
/// breaks: "After an error the file has its old length, and `mapping` is still shared, with its old length and bytes."
/// fails: grow::an_error_leaves_everything_as_it_was failed an-error-undoes
/// fails: grow::the_space_is_reserved failed an-error-undoes
mod lengthens_then_reserves {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        old_length_again(file, length)?;
        let new = map(file, length)?;
        file.set_len(length as u64)?;
        reserve_only(file, 0, length)?;
        *mapping = new;
        Ok(())
    }
}

/// Falls back to posix_fallocate(3) where fallocate(2) is not supported.
///
/// breaks: "EOPNOTSUPP when the file system can't reserve: there glibc's posix_fallocate(3) writes, and loses others' stores."
/// fails: grow::an_error_leaves_everything_as_it_was failed
mod posix_then_length {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        old_length_again(file, length)?;
        let new = map(file, length)?;
        match reserve_only(file, 0, length) {
            Err(error) if error.raw_os_error() == Some(Errno::EOPNOTSUPP as i32) => {
                posix_fallocate(file, 0, length as i64)?;
            }
            other => other?,
        }
        file.set_len(length as u64)?;
        *mapping = new;
        Ok(())
    }
}

/// Reserves only what is new.
///
/// breaks: "Disk space is reserved for all `length` bytes, also where the file had holes."
/// fails: grow::the_space_is_reserved failed
mod reserves_the_new_part {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        let old = old_length_again(file, length)?;
        let new = map(file, length)?;
        reserve_only(file, old, length)?;
        file.set_len(length as u64)?;
        *mapping = new;
        Ok(())
    }
}

/// Returns at once when the file has that length.
///
/// breaks: "That is so even if `length` is the length that the file has already."
/// fails: grow::the_space_is_reserved failed size-reserves-room
mod nothing_to_grow {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        if old_length_again(file, length)? == length as u64 {
            return Ok(());
        }
        let new = map(file, length)?;
        reserve_only(file, 0, length)?;
        file.set_len(length as u64)?;
        *mapping = new;
        Ok(())
    }
}

/// Maps the longer file private.
///
/// breaks: "`mapping` covers the whole file, shared, for loads and stores: before the call and after it."
/// fails: grow::others_lose_nothing_that_they_store_meanwhile failed
/// fails: grow::processes_that_mapped_it_before_still_share_it failed
/// fails: grow::the_space_is_reserved failed
mod private_afterwards {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        old_length_again(file, length)?;
        let new = Mapping::of_file(file, 0, length, READ_WRITE, Sharing::Private)?;
        reserve_only(file, 0, length)?;
        file.set_len(length as u64)?;
        *mapping = new;
        Ok(())
    }
}

/// Reserves in chunks of a mebibyte, to be interruptible.
///
/// breaks: "Each function makes at most 50 system calls, without those of `fill` and of child processes, however long the file is; ten are plenty."
/// fails: grow::others_lose_nothing_that_they_store_meanwhile failed
mod reserves_in_chunks {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        old_length_again(file, length)?;
        let new = map(file, length)?;
        for at in (0..length).step_by(1 << 20) {
            reserve_only(file, at as u64, length.min(at + (1 << 20)))?;
        }
        file.set_len(length as u64)?;
        *mapping = new;
        Ok(())
    }
}

/// Is content with a longer sparse file where nothing can be reserved.
///
/// breaks: "EOPNOTSUPP when the file system can't reserve: there glibc's posix_fallocate(3) writes, and loses others' stores."
/// fails: grow::an_error_leaves_everything_as_it_was failed
mod sparse_if_need_be {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        old_length_again(file, length)?;
        let new = map(file, length)?;
        match reserve_only(file, 0, length) {
            Err(error) if error.raw_os_error() != Some(Errno::EOPNOTSUPP as i32) => return Err(error),
            _ => file.set_len(length as u64)?,
        }
        *mapping = new;
        Ok(())
    }
}

/// Refuses every file that must not grow, even if it keeps its length.
///
/// breaks: "EPERM when `length` is more than the length of the file, which must not grow (F_SEAL_GROW)."
/// fails: grow::the_space_is_reserved failed
mod refuses_the_seal {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        old_length_again(file, length)?;
        let seals = fcntl(file, FcntlArg::F_GET_SEALS).unwrap_or(0);
        if SealFlag::from_bits_retain(seals).contains(SealFlag::F_SEAL_GROW) {
            return Err(Errno::EPERM.into());
        }
        let new = map(file, length)?;
        reserve_only(file, 0, length)?;
        file.set_len(length as u64)?;
        *mapping = new;
        Ok(())
    }
}

/// Maps a duplicate of the descriptor, which it never closes when the reservation fails.
///
/// breaks: "The call leaves no descriptor of its own open, not even after an error."
/// fails: grow::an_error_leaves_everything_as_it_was failed
/// fails: grow::the_space_is_reserved failed
mod leaks_after_an_error {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        old_length_again(file, length)?;
        let new = map(file, length)?;
        let copy = mem::ManuallyDrop::new(file.try_clone()?);
        reserve_only(&copy, 0, length)?;
        copy.set_len(length as u64)?;
        drop(mem::ManuallyDrop::into_inner(copy));
        *mapping = new;
        Ok(())
    }
}

/// Reserves at most 4 GiB, for the length goes through 32 bits.
///
/// breaks: "Disk space is reserved for all `length` bytes, also where the file had holes."
/// fails: grow::the_space_is_reserved failed
mod reserves_in_32_bits {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        old_length_again(file, length)?;
        let new = map(file, length)?;
        fallocate(file, KEEP, 0, i64::from((length as u32).max(1)))?;
        file.set_len(length as u64)?;
        *mapping = new;
        Ok(())
    }
}

/// Does nothing for a length that it has reserved before, though give_back may have freed the space.
///
/// breaks: "That is so even if `length` is the length that the file has already."
/// fails: grow::the_space_is_reserved failed
mod reserved_it_before {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        static LAST: AtomicUsize = AtomicUsize::new(0);
        old_length_again(file, length)?;
        if mapping.length() == length && LAST.load(Ordering::Relaxed) == length {
            return Ok(());
        }
        let new = map(file, length)?;
        reserve(file, mapping.length() as u64, length)?;
        LAST.store(length, Ordering::Relaxed);
        *mapping = new;
        Ok(())
    }
}

/// Compares the lengths in 32 bits.
///
/// breaks: "ENOSPC when the disk has too little space."
/// fails: grow::the_space_is_reserved failed
mod compares_in_32_bits {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        let old = old_length(mapping, mapping.length())?;
        if (length as u32) < old as u32 {
            return Err(ErrorKind::InvalidInput.into());
        }
        let new = map(file, length)?;
        reserve(file, old, length)?;
        *mapping = new;
        Ok(())
    }
}

/// Restores the old length from 32 bits.
///
/// breaks: "After an error the file has its old length, and `mapping` is still shared, with its old length and bytes."
/// fails: grow::the_space_is_reserved failed
mod restores_in_32_bits {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        let old = old_length(mapping, length)?;
        let new = map(file, length)?;
        fallocate(file, FallocateFlags::empty(), 0, length as i64).inspect_err(|_| {
            let _ = file.set_len(u64::from(old as u32));
        })?;
        *mapping = new;
        Ok(())
    }
}

/// Puts back the length that the file has after the failure.
///
/// breaks: "After an error the file has its old length"
/// fails: grow::an_error_leaves_everything_as_it_was failed
mod asks_for_the_length_too_late {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        old_length_again(file, length)?;
        let new = map_again(file, length)?;
        let reserved = reserve_again(file, 0, length);
        let old = file.metadata()?.len();
        reserved.inspect_err(|_| _ = file.set_len(old))?;
        *mapping = new;
        Ok(())
    }
}

/// Takes a length of 2 GiB more than a multiple of 4 GiB for a negative one.
///
/// breaks: "`InvalidInput` when `length` is less than the length of the file."
/// fails: grow::an_error_leaves_everything_as_it_was failed
/// fails: grow::the_space_is_reserved failed
mod signed_lengths {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        if (length as i32) < 0 {
            return Err(invalid());
        }
        let old = old_length_again(file, length)?;
        let new = map_again(file, length)?;
        reserve_or_undo(file, old, length)?;
        *mapping = new;
        Ok(())
    }
}

/// Reserves beyond the end of the file, and makes it longer then: there is nothing to undo.
///
/// passes
mod reserves_beyond_the_end {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        old_length_again(file, length)?;
        let new = map_again(file, length)?;
        reserve_only(file, 0, length)?;
        file.set_len(length as u64)?;
        *mapping = new;
        Ok(())
    }
}

/// Keeps the old mapping when the length stays, and reserves the old and the new part one after the other, the new first.
///
/// passes
mod two_reservations {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        let old = old_length_again(file, length)?;
        if length as u64 == old {
            return Ok(reserve_part(file, 0, old)?);
        }
        let longer = map(&file.try_clone()?, length)?;
        reserve_part(file, old, length as u64)?;
        reserve_part(file, 0, old)?;
        nix::unistd::ftruncate(file, length as i64)?;
        drop(std::mem::replace(mapping, longer));
        Ok(())
    }
}

/// Sets the length by a second fallocate(2) without KEEP_SIZE of the last byte, whose block is reserved already.
///
/// passes
mod second_fallocate_sets_the_length {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        let old = old_length_again(file, length)?;
        let longer = map(file, length)?;
        reserve_part(file, 0, length as u64)?;
        if length as u64 > old {
            fallocate(file, FallocateFlags::empty(), length as i64 - 1, 1)?;
        }
        *mapping = longer;
        Ok(())
    }
}

/// Makes the file longer first, and shorter again when the reservation fails, which F_SEAL_SHRINK forbids.
///
/// breaks: "It is so, too, when the file must not shrink (F_SEAL_SHRINK). Space may stay reserved."
/// fails: grow::an_error_leaves_everything_as_it_was failed
mod shrinks_a_sealed_file {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        let old = old_length_again(file, length)?;
        let longer = map(file, length)?;
        file.set_len(length as u64)?;
        if let Err(errno) = reserve_part(file, 0, length as u64) {
            let _ = file.set_len(old);
            return Err(errno.into());
        }
        *mapping = longer;
        Ok(())
    }
}

/// Asks for the new bytes with FALLOC_FL_ZERO_RANGE, which tmpfs doesn't have.
///
/// breaks: "EOPNOTSUPP when the file system can't reserve: there glibc's posix_fallocate(3) writes, and loses others' stores."
/// fails: grow::an_error_leaves_everything_as_it_was failed
/// fails: grow::the_old_mapping_is_unmapped failed
/// fails: grow::the_space_is_reserved failed
mod zero_range_for_the_new_bytes {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        let old = old_length_again(file, length)?;
        let longer = map(file, length)?;
        reserve_part(file, 0, length as u64)?;
        if length as u64 > old {
            let flags = FallocateFlags::FALLOC_FL_ZERO_RANGE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
            fallocate(file, flags, old as i64, (length as u64 - old) as i64)?;
        }
        file.set_len(length as u64)?;
        *mapping = longer;
        Ok(())
    }
}

/// Gives the reserved space back after an error by a cut that takes the last old byte with it.
///
/// breaks: "At no moment is the file shorter than before the call."
/// fails: grow::an_error_leaves_everything_as_it_was failed
mod cuts_to_clean_up {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        let old = old_length_again(file, length)?;
        let longer = map(file, length)?;
        if let Err(errno) = reserve_part(file, 0, length as u64) {
            file.set_len(old - 1)?;
            file.set_len(old)?;
            return Err(errno.into());
        }
        file.set_len(length as u64)?;
        *mapping = longer;
        Ok(())
    }
}

/// Tries only whether addresses for the new pages are free, and maps the whole file after the reservation.
///
/// breaks: "After an error the file has its old length, and `mapping` is still shared, with its old length and bytes."
/// fails: grow::an_error_leaves_everything_as_it_was failed an-error-undoes
mod tries_the_new_pages_only {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        old_length_again(file, length)?;
        let pages = length.checked_next_multiple_of(page_size()).ok_or(Errno::ENOMEM)?;
        // The old mapping goes away anyway, so its addresses count as free.
        let more = pages - mapping.range().len().min(pages);
        if more > 0 {
            drop(map(file, more)?);
        }
        reserve_part(file, 0, length as u64)?;
        file.set_len(length as u64)?;
        *mapping = map(file, length)?;
        Ok(())
    }
}

/// Follows the last hint, line by line.
///
/// passes
mod grow_as_the_hint_says {
    use super::*;

    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
        let before = file.metadata()?.len();
        if (length as u64) < before {
            return Err(ErrorKind::InvalidInput.into());
        }
        let longer = Mapping::of_file(file, 0, length, READ_WRITE, Sharing::Shared)?;
        let length_as_i64 = i64::try_from(length).map_err(io::Error::other)?;
        if let Err(errno) = fallocate(file, FallocateFlags::empty(), 0, length_as_i64) {
            if file.metadata()?.len() != before {
                file.set_len(before)?;
            }
            return Err(errno.into());
        }
        *mapping = longer;
        Ok(())
    }
}

one_of! {
    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()>;
    forgets_the_old_mapping keeps_the_old_mapping leaves_a_child_behind moves_to_a_copy reserves_only_what_is_new
    sets_the_length_only stays_grown_when_it_fails writes_a_byte_at_the_end maps_first through_a_duplicate
    keeps_the_size_until_the_end holes_and_new_part only_set_len only_the_new_part long_enough_already
    fits_in_the_last_page unmaps_first size_and_map_is_enough replaces_too_early forgets_the_old_one
    truncates_to_start_afresh touches_each_page populates_for_writing private_from_now_on read_only_from_now_on
    whole_pages_only maps_whole_pages keeps_the_size must_grow compares_with_whole_pages shorter_is_fine
    expects_minus_one looks_in_errno always_a_full_disk kind_without_errno asks_for_the_free_space reserves_if_possible
    mapping_needs_its_descriptor zeroes_from_the_last_page leaves_the_rest_of_the_last_page keeps_a_mapping_that_fits
    reserves_first a_failed_call_changes_nothing restores_whole_pages writes_the_old_bytes_back sealed_is_sealed
    does_not_fit_off_t length_in_32_bits writes_the_zeros remembers_what_is_reserved map_reserve_undo
    keeps_the_size_until_the_end_2 old_length_of_the_mapping reserves_before_it_maps trusts_a_failed_fallocate
    truncates_before_it_reserves reserves_only_the_new_bytes same_length_is_nothing_to_do forgets_the_old_mapping_2
    unmaps_first_2 replaces_before_it_reserves only_looks_whether_there_is_space counts_its_own_space_as_missing
    sealed_even_at_its_length posix_fallocate_emulates populates_instead_of_reserving every_failure_is_a_full_disk
    undoes_enospc_only seeks_to_the_end_3 leaks_a_duplicate the_same_length_is_invalid out_of_memory_without_errno
    reserves_by_the_mebibyte private_from_now_on_2 maps_reserves_lengthens length_of_the_mapping reserves_then_maps
    cuts_off_after_mmap_fails trusts_fallocate_to_undo lengthens_then_reserves posix_then_length reserves_the_new_part
    nothing_to_grow private_afterwards reserves_in_chunks sparse_if_need_be refuses_the_seal leaks_after_an_error
    reserves_in_32_bits reserved_it_before compares_in_32_bits restores_in_32_bits asks_for_the_length_too_late
    signed_lengths reserves_beyond_the_end two_reservations second_fallocate_sets_the_length shrinks_a_sealed_file
    zero_range_for_the_new_bytes cuts_to_clean_up tries_the_new_pages_only grow_as_the_hint_says
}
