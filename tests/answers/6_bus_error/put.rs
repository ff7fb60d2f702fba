use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, IntoRawFd};
use std::os::unix::fs::FileExt;
use std::sync::Mutex;

use memmap2::MmapOptions;
use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use mmap_workbook::lesson_6::Guarded;
use mmap_workbook::observe::{page_size, page_size_u64};
use mmap_workbook::process::end_of;
use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, fallocate, posix_fallocate};
use nix::libc;
use nix::sys::resource::{Resource, getrlimit};
use nix::sys::statvfs::fstatvfs;

/// The end of the bytes, which no file has beyond 2^63 - 1.
fn end(offset: u64, bytes: &[u8]) -> io::Result<u64> {
    let end = offset.checked_add(bytes.len() as u64).filter(|&end| i64::try_from(end).is_ok());
    Ok(end.ok_or(Errno::EFBIG)?)
}

fn size(file: &File) -> io::Result<u64> {
    Ok(file.metadata()?.len())
}

/// The start of the page that contains `offset`, and the bytes before `offset` in it.
fn page_of(offset: u64) -> (u64, usize) {
    let skip = offset % page_size_u64();
    (offset - skip, usize::try_from(skip).unwrap_or(usize::MAX))
}

/// Maps what `bytes` need, whether the file has it or not.
fn map(file: &File, offset: u64, bytes: &[u8]) -> io::Result<Mapping> {
    let (page, skip) = page_of(offset);
    let length = skip.checked_add(bytes.len()).ok_or(Errno::ENOMEM)?;
    Ok(Mapping::of_file(file, page, length, READ_WRITE, Sharing::Shared)?)
}

fn store(mapping: &Mapping, offset: u64, bytes: &[u8]) {
    mapping.write(page_of(offset).1, bytes);
}

/// Disk space for the pages from that of `from` up to `to`, which is inside the file.
fn reserve(file: &File, from: u64, to: u64) -> io::Result<()> {
    let start = page_of(from).0;
    Ok(fallocate(file, FallocateFlags::empty(), start.cast_signed(), (to - start).cast_signed())?)
}

/// The end of the last page that holds bytes before `end`, or of the file, if that comes first.
fn last_page(end: u64, size: u64) -> u64 {
    end.checked_next_multiple_of(page_size_u64()).unwrap_or(end).min(size)
}

/// Makes the gap zero in the old last page, where another mapping may have stored something past the end.
fn clear_rest(file: &File, old: u64, offset: u64) -> io::Result<()> {
    let to = old.next_multiple_of(page_size_u64()).min(offset);
    if old < to {
        let flags = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
        fallocate(file, flags, old.cast_signed(), (to - old).cast_signed())?;
    }
    Ok(())
}

fn grow_to(file: &File, old: u64, offset: u64, end: u64) -> io::Result<()> {
    if end > old {
        file.set_len(end)?;
        clear_rest(file, old, offset)?;
    }
    Ok(())
}

/// The size and the space: after an error the size is the old one.
fn prepare(file: &File, offset: u64, end: u64, old: u64) -> io::Result<()> {
    let both = || {
        grow_to(file, old, offset, end)?;
        reserve(file, offset, last_page(end, old.max(end)))
    };
    both().inspect_err(|_| shrink(file, old, end))
}

fn shrink(file: &File, old: u64, end: u64) {
    if end > old {
        let _ = file.set_len(old);
    }
}

const LARGEST: u64 = i64::MAX as u64;

/// The end of the bytes, or EFBIG.
fn end_of_again(offset: u64, bytes: &[u8]) -> io::Result<u64> {
    let end = offset.checked_add(bytes.len() as u64).filter(|&end| end <= LARGEST);
    end.ok_or_else(|| Errno::EFBIG.into())
}

fn page_before(at: u64) -> u64 {
    at - at % page_size_u64()
}

/// Reserves the space of all pages from `from` to `to`, but of nothing past `size`, where the file ends by now.
fn reserve_again(file: &File, from: u64, to: u64, size: u64) -> io::Result<()> {
    let from = page_before(from);
    let to = to.checked_next_multiple_of(page_size_u64()).map_or(size, |to| to.min(size));
    Ok(posix_fallocate(file, from as i64, (to - from) as i64)?)
}

/// Makes zeros of what was stored past the old end of the file, in its last page. It looks with read(2): where the page
/// is a hole, a load through a mapping would take disk space (tmpfs).
fn clear(file: &File, old_size: u64, to: u64) -> io::Result<()> {
    let first = (old_size % page_size_u64()) as usize;
    if first > 0 && old_size < to {
        let last = (to - page_before(old_size)).min(page_size_u64()) as usize;
        let mut rest = vec![0; last - first];
        file.read_exact_at(&mut rest, old_size)?;
        if rest.iter().any(|&byte| byte != 0) {
            let page = Mapping::of_file(file, page_before(old_size), page_size(), READ_WRITE, Sharing::Shared)?;
            (first..last).for_each(|at| page.store(at, 0));
        }
    }
    Ok(())
}

/// Stores the bytes through a mapping of their pages.
fn store_again(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
    let start = page_before(offset);
    let skip = (offset - start) as usize;
    let mapping = Mapping::of_file(file, start, skip + bytes.len(), READ_WRITE, Sharing::Shared)?;
    mapping.write(skip, bytes);
    Ok(())
}

/// Grows the file to `end`, does `work`, and gives the file its old size again when that fails.
fn grown(file: &File, end: u64, work: impl FnOnce(u64) -> io::Result<()>) -> io::Result<()> {
    let size = file.metadata()?.len();
    if size < end {
        file.set_len(end)?;
    }
    let result = work(size);
    if result.is_err() && size < end {
        file.set_len(size)?;
    }
    result
}

/// The whole of a right answer.
fn put_right(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
    if bytes.is_empty() {
        return Ok(());
    }
    let end = end_of_again(offset, bytes)?;
    grown(file, end, |size| {
        reserve_again(file, offset, end, size.max(end))?;
        clear(file, size, offset)?;
        store_again(file, offset, bytes)
    })
}

fn checked_end(offset: u64, bytes: &[u8]) -> Result<u64, Errno> {
    offset.checked_add(bytes.len() as u64).filter(|&end| end <= LARGEST).ok_or(Errno::EFBIG)
}

fn floor(at: u64) -> u64 {
    at - at % page_size_u64()
}

/// Reserves space for the whole pages around `from..end`, and leaves the size as it is.
fn reserve_pages(file: &File, from: u64, end: u64) -> Result<(), Errno> {
    let end = end.next_multiple_of(page_size_u64()).min(LARGEST);
    loop {
        let length = (end - floor(from)) as i64;
        match fallocate(file, FallocateFlags::FALLOC_FL_KEEP_SIZE, floor(from) as i64, length) {
            Err(Errno::EINTR) => {}
            answer => return answer,
        }
    }
}

fn map_at(file: &File, offset: u64, length: usize) -> Result<(Mapping, usize), Errno> {
    let skip = (offset - floor(offset)) as usize;
    let length = skip.checked_add(length).ok_or(Errno::ENOMEM)?;
    Ok((Mapping::of_file(file, floor(offset), length, READ_WRITE, Sharing::Shared)?, skip))
}

/// Makes zeros of what was stored in the rest of the last page, if anything was.
fn clear_old_rest(file: &File, old: u64, offset: u64) -> io::Result<()> {
    let end = offset.min(old.next_multiple_of(page_size_u64()));
    if end <= old {
        return Ok(());
    }
    let (mapping, skip) = map_at(file, old, (end - old) as usize)?;
    if (skip..mapping.length()).any(|at| mapping.load(at) != 0) {
        reserve_pages(file, old, end)?;
        (skip..mapping.length()).for_each(|at| mapping.store(at, 0));
    }
    Ok(())
}

/// Runs `step` on the grown file, and gives the file its old size after an error.
fn with_size(file: &File, end: u64, step: impl FnOnce(u64) -> io::Result<()>) -> io::Result<()> {
    let old = file.metadata()?.len();
    if end > old {
        file.set_len(end)?;
    }
    step(old).inspect_err(|_| {
        if end > old {
            let _ = file.set_len(old);
        }
    })
}

fn store_mapped(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
    let (mapping, skip) = map_at(file, offset, bytes.len())?;
    mapping.write(skip, bytes);
    Ok(())
}

fn put_reserved(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
    if bytes.is_empty() {
        return Ok(());
    }
    let end = checked_end(offset, bytes)?;
    with_size(file, end, |old| {
        reserve_pages(file, offset, end)?;
        let (mapping, skip) = map_at(file, offset, bytes.len())?;
        clear_old_rest(file, old, offset)?;
        mapping.write(skip, bytes);
        Ok(())
    })
}

/// Makes the file longer, then reserves the blocks, and leaves it so when there are none.
///
/// fails: put::a_full_disk_is_an_error_and_changes_nothing failed an-error-undoes
/// fails: put::changes_nothing_for_no_bytes_and_for_what_it_refuses failed
/// fails: put::leaves_zeros_between_the_old_end_and_the_bytes failed
/// fails: put::takes_no_more_space_than_it_needs failed
mod leaves_the_new_size {
    use super::*;

    /// posix_fallocate(3) has an error to tell of, and that is passed on.
    ///
    /// # Errors
    /// EFBIG, and those of the calls.
    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let end = u64::try_from(bytes.len()).ok().and_then(|length| offset.checked_add(length));
        let end = end.filter(|&end| i64::try_from(end).is_ok()).ok_or(Errno::EFBIG)?;
        if file.metadata()?.len() < end {
            file.set_len(end)?;
        }
        let off_t = |n: u64| i64::try_from(n).map_err(|_| Errno::EFBIG);
        posix_fallocate(file, off_t(offset)?, off_t(end - offset)?)?;
        let edge = offset - offset % page_size_u64();
        let skip = usize::try_from(offset - edge).map_err(io::Error::other)?;
        Mapping::of_file(file, edge, skip + bytes.len(), READ_WRITE, Sharing::Shared)?.write(skip, bytes);
        Ok(())
    }
}

/// Asks how much of the disk is free, and relies on the answer.
///
/// fails: put::changes_nothing_for_no_bytes_and_for_what_it_refuses failed
/// fails: put::leaves_zeros_between_the_old_end_and_the_bytes failed
/// fails: put::takes_no_more_space_than_it_needs failed
mod looks_at_the_free_space {
    use super::*;

    /// What is free now will be free in a moment.
    ///
    /// # Errors
    /// ENOSPC, EFBIG, and those of the calls.
    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let end = u64::try_from(bytes.len()).ok().and_then(|length| offset.checked_add(length));
        let end = end.filter(|&end| i64::try_from(end).is_ok()).ok_or(Errno::EFBIG)?;
        let disk = fstatvfs(file)?;
        if disk.blocks_available() * disk.fragment_size() < end - offset {
            return Err(Errno::ENOSPC.into());
        }
        if file.metadata()?.len() < end {
            file.set_len(end)?;
        }
        let edge = offset - offset % page_size_u64();
        let skip = usize::try_from(offset - edge).map_err(io::Error::other)?;
        Mapping::of_file(file, edge, skip + bytes.len(), READ_WRITE, Sharing::Shared)?.write(skip, bytes);
        Ok(())
    }
}

/// Reserves all blocks from the file's start to the end of the range.
///
/// fails: put::changes_nothing_for_no_bytes_and_for_what_it_refuses failed
/// fails: put::leaves_zeros_between_the_old_end_and_the_bytes failed
/// fails: put::takes_no_more_space_than_it_needs failed
mod reserves_from_the_start {
    use super::*;

    /// As the lesson does it, for a whole file.
    ///
    /// # Errors
    /// EFBIG, and those of the calls.
    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let end = u64::try_from(bytes.len()).ok().and_then(|length| offset.checked_add(length));
        let end = end.filter(|&end| i64::try_from(end).is_ok()).ok_or(Errno::EFBIG)?;
        posix_fallocate(file, 0, i64::try_from(end).map_err(|_| Errno::EFBIG)?)?;
        let edge = offset - offset % page_size_u64();
        let skip = usize::try_from(offset - edge).map_err(io::Error::other)?;
        Mapping::of_file(file, edge, skip + bytes.len(), READ_WRITE, Sharing::Shared)?.write(skip, bytes);
        Ok(())
    }
}

/// Makes the file long enough, and takes that for disk space.
///
/// fails: put::a_full_disk_is_an_error_and_changes_nothing killed size-reserves-room
/// fails: put::changes_nothing_for_no_bytes_and_for_what_it_refuses failed
/// fails: put::leaves_zeros_between_the_old_end_and_the_bytes failed
/// fails: put::takes_no_more_space_than_it_needs killed
mod sets_the_size_only {
    use super::*;

    /// ftruncate(2) first, so that there is a page for every byte.
    ///
    /// # Errors
    /// EFBIG, and those of the calls.
    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let end = u64::try_from(bytes.len()).ok().and_then(|length| offset.checked_add(length));
        let end = end.filter(|&end| i64::try_from(end).is_ok()).ok_or(Errno::EFBIG)?;
        if file.metadata()?.len() < end {
            file.set_len(end)?;
        }
        let edge = offset - offset % page_size_u64();
        let skip = usize::try_from(offset - edge).map_err(io::Error::other)?;
        Mapping::of_file(file, edge, skip + bytes.len(), READ_WRITE, Sharing::Shared)?.write(skip, bytes);
        Ok(())
    }
}

/// Stores to a private mapping: the stores never reach the file.
///
/// fails: put::a_full_disk_is_an_error_and_changes_nothing failed
/// fails: put::changes_nothing_for_no_bytes_and_for_what_it_refuses failed
/// fails: put::goes_through_a_mapping_and_leaves_none failed
/// fails: put::leaves_zeros_between_the_old_end_and_the_bytes failed
/// fails: put::puts_the_bytes_and_changes_no_other failed
/// fails: put::takes_no_more_space_than_it_needs failed
mod stores_to_a_private_mapping {
    use super::*;

    /// The stores succeed, and what more does one want.
    ///
    /// # Errors
    /// EFBIG, and those of the calls.
    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let off_t = |n: u64| i64::try_from(n).map_err(|_| Errno::EFBIG);
        let length = i64::try_from(bytes.len()).map_err(|_| Errno::EFBIG)?;
        off_t(offset)?.checked_add(length).ok_or(Errno::EFBIG)?;
        posix_fallocate(file, off_t(offset)?, length)?;
        let edge = offset - offset % page_size_u64();
        let skip = usize::try_from(offset - edge).map_err(io::Error::other)?;
        Mapping::of_file(file, edge, skip + bytes.len(), READ_WRITE, Sharing::Private)?.write(skip, bytes);
        Ok(())
    }
}

/// Stores through the lesson's `Guarded`: it gets an error, not a signal, but half of the bytes are stored by then.
///
/// fails: put::a_full_disk_is_an_error_and_changes_nothing failed an-error-undoes
/// fails: put::changes_nothing_for_no_bytes_and_for_what_it_refuses failed
/// fails: put::goes_through_a_mapping_and_leaves_none failed
/// fails: put::leaves_zeros_between_the_old_end_and_the_bytes failed
/// fails: put::takes_no_more_space_than_it_needs failed
mod stores_with_the_lessons_guard {
    use super::*;

    /// A page that is missing is an error there.
    ///
    /// # Errors
    /// ENOSPC, EFBIG, and those of the calls.
    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let end = u64::try_from(bytes.len()).ok().and_then(|length| offset.checked_add(length));
        let end = end.filter(|&end| i64::try_from(end).is_ok()).ok_or(Errno::EFBIG)?;
        if file.metadata()?.len() < end {
            file.set_len(end)?;
        }
        let edge = offset - offset % page_size_u64();
        let skip = usize::try_from(offset - edge).map_err(io::Error::other)?;
        let guarded = Guarded::new(file.try_clone()?, edge, skip + bytes.len())?;
        guarded.write(skip, bytes).map_err(|_| Errno::ENOSPC.into())
    }
}

/// Makes the file longer as the study notes do: writes a byte where the range ends.
///
/// fails: put::a_full_disk_is_an_error_and_changes_nothing killed size-reserves-room
/// fails: put::changes_nothing_for_no_bytes_and_for_what_it_refuses failed an-error-undoes
/// fails: put::leaves_zeros_between_the_old_end_and_the_bytes failed
/// fails: put::takes_no_more_space_than_it_needs killed
mod writes_a_byte_at_the_end {
    use super::*;

    /// One byte at the end, and all before it will be there.
    ///
    /// # Errors
    /// EFBIG, and those of the calls.
    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let end = u64::try_from(bytes.len()).ok().and_then(|length| offset.checked_add(length));
        let end = end.filter(|&end| i64::try_from(end).is_ok()).ok_or(Errno::EFBIG)?;
        file.write_all_at(b"\0", end - 1)?;
        let edge = offset - offset % page_size_u64();
        let skip = usize::try_from(offset - edge).map_err(io::Error::other)?;
        Mapping::of_file(file, edge, skip + bytes.len(), READ_WRITE, Sharing::Shared)?.write(skip, bytes);
        Ok(())
    }
}

/// Maps nothing: pwrite(2) says ENOSPC by itself.
///
/// fails: put::a_full_disk_is_an_error_and_changes_nothing failed an-error-undoes
/// fails: put::changes_nothing_for_no_bytes_and_for_what_it_refuses failed
/// fails: put::goes_through_a_mapping_and_leaves_none failed
/// fails: put::leaves_zeros_between_the_old_end_and_the_bytes failed
/// fails: put::takes_no_more_space_than_it_needs failed
mod writes_instead_of_storing {
    use super::*;

    /// No mapping, no bus error.
    ///
    /// # Errors
    /// EFBIG, and those of pwrite(2).
    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let end = u64::try_from(bytes.len()).ok().and_then(|length| offset.checked_add(length));
        end.filter(|&end| i64::try_from(end).is_ok()).ok_or(Errno::EFBIG)?;
        file.write_all_at(bytes, offset)
    }
}

/// Maps first, as the calls that can fail come before the ones that change something; then size, space and stores.
///
/// passes
mod maps_before_it_grows {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let end = end(offset, bytes)?;
        let mapping = map(file, offset, bytes)?;
        prepare(file, offset, end, size(file)?)?;
        store(&mapping, offset, bytes);
        Ok(())
    }
}

/// Reserves past the end with FALLOC_FL_KEEP_SIZE and gives the file its size only when the space is sure.
///
/// passes
mod keeps_the_size_until_sure {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let (end, old, (page, _)) = (end(offset, bytes)?, size(file)?, page_of(offset));
        let mapping = map(file, offset, bytes)?;
        let length = last_page(end, old.max(end)) - page;
        fallocate(file, FallocateFlags::FALLOC_FL_KEEP_SIZE, page.cast_signed(), length.cast_signed())
            .map_err(io::Error::from)
            .and_then(|()| grow_to(file, old, offset, end))
            // Gives back what was reserved past the end, too.
            .inspect_err(|_| shrink(file, old, end))?;
        store(&mapping, offset, bytes);
        Ok(())
    }
}

/// Reserves page by page before the first store, and stores a page at a time through memmap2, by a second descriptor.
///
/// passes
mod one_map_a_page {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let file = file.try_clone()?;
        let (end, old) = (end(offset, bytes)?, size(&file)?);
        let mut maps = Vec::new();
        let mut done = 0;
        while done < bytes.len() {
            let (page, skip) = page_of(offset + done as u64);
            let here = (bytes.len() - done).min(page_size() - skip);
            // SAFETY: no other process changes the file, and the map is used after the file has its pages.
            maps.push((unsafe { MmapOptions::new().offset(page).len(skip + here).map_mut(&file) }?, skip));
            done += here;
        }
        prepare(&file, offset, end, old)?;
        let mut rest = bytes;
        for (map, skip) in &mut maps {
            let (here, after) = rest.split_at(map.len() - *skip);
            map[*skip..].copy_from_slice(here);
            rest = after;
        }
        Ok(())
    }
}

/// Writes the pages out with msync(2) before it returns, which nobody has asked for.
///
/// passes
mod flushes_as_well {
    use super::*;
    use nix::sys::mman::{MsFlags, msync};

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let end = end(offset, bytes)?;
        let mapping = map(file, offset, bytes)?;
        prepare(file, offset, end, size(file)?)?;
        store(&mapping, offset, bytes);
        let start = std::ptr::NonNull::new(std::ptr::with_exposed_provenance_mut(mapping.address()));
        // SAFETY: the range is the mapping's. An error says nothing about the stores, which are done.
        let _ = unsafe { msync(start.ok_or(Errno::EFAULT)?, mapping.length(), MsFlags::MS_ASYNC) };
        Ok(())
    }
}

/// Says StorageFull, the kind, instead of the errno.
///
/// passes
mod storage_full {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        maps_before_it_grows::put(file, offset, bytes).map_err(|error| match error.kind() {
            io::ErrorKind::StorageFull => io::ErrorKind::StorageFull.into(),
            _ => error,
        })
    }
}

/// Gives the file its size and trusts the disk.
///
/// breaks: "`StorageFull` or ENOSPC when the disk has too little space, and never a signal."
/// fails: put::a_full_disk_is_an_error_and_changes_nothing killed size-reserves-room
/// fails: put::takes_no_more_space_than_it_needs killed
mod grows_by_holes {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let (end, mapping) = (end(offset, bytes)?, map(file, offset, bytes)?);
        grow_to(file, size(file)?, offset, end)?;
        store(&mapping, offset, bytes);
        Ok(())
    }
}

/// Reserves only when the file grows; a hole inside the file is fatal on a full disk.
///
/// breaks: "`StorageFull` or ENOSPC when the disk has too little space, and never a signal."
/// fails: put::a_full_disk_is_an_error_and_changes_nothing killed size-reserves-room
/// fails: put::takes_no_more_space_than_it_needs killed
mod forgets_holes {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let (end, mapping, old) = (end(offset, bytes)?, map(file, offset, bytes)?, size(file)?);
        if end > old {
            prepare(file, offset, end, old)?;
        }
        store(&mapping, offset, bytes);
        Ok(())
    }
}

/// Reserves the file from its start, as the lesson does, and with it the gap.
///
/// breaks: "Whole pages in that gap take no disk space."
/// fails: put::takes_no_more_space_than_it_needs failed
mod reserves_from_zero {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let (end, mapping, old) = (end(offset, bytes)?, map(file, offset, bytes)?, size(file)?);
        prepare(file, offset, end, old)?;
        reserve(file, 0, end).inspect_err(|_| shrink(file, old, end))?;
        store(&mapping, offset, bytes);
        Ok(())
    }
}

/// Reserves as many bytes from the page's start as there are to store: the second of two pages is left out.
///
/// breaks: "`StorageFull` or ENOSPC when the disk has too little space, and never a signal."
/// fails: put::a_full_disk_is_an_error_and_changes_nothing killed
/// fails: put::takes_no_more_space_than_it_needs killed
mod reserves_too_little {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let (end, mapping, old) = (end(offset, bytes)?, map(file, offset, bytes)?, size(file)?);
        let (page, _) = page_of(offset);
        grow_to(file, old, offset, end)?;
        reserve(file, page, page + bytes.len() as u64).inspect_err(|_| shrink(file, old, end))?;
        store(&mapping, offset, bytes);
        Ok(())
    }
}

/// Writes the bytes, which grows the file and finds out about the space in one call.
///
/// breaks: "`bytes` do not go through write(2) or another call that copies; zeros may."
/// fails: put::a_full_disk_is_an_error_and_changes_nothing failed an-error-undoes
/// fails: put::goes_through_a_mapping_and_leaves_none failed
/// fails: put::leaves_zeros_between_the_old_end_and_the_bytes failed
/// fails: put::takes_no_more_space_than_it_needs failed
mod writes {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let (end, old) = (end(offset, bytes)?, size(file)?);
        file.write_all_at(bytes, offset).inspect_err(|_| shrink(file, old, end))
    }
}

/// Gets the space by a zero written to each page, over the file's bytes, which it does not restore after an error.
///
/// breaks: "After any error the file has its old size and bytes; disk space in its holes may stay reserved."
/// fails: put::a_full_disk_is_an_error_and_changes_nothing failed an-error-undoes
/// fails: put::leaves_zeros_between_the_old_end_and_the_bytes failed
mod writes_zeros_for_space {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let (end, mapping, old) = (end(offset, bytes)?, map(file, offset, bytes)?, size(file)?);
        let mut at = offset;
        while at < end {
            file.write_all_at(&[0], at).inspect_err(|_| shrink(file, old, end))?;
            at = page_of(at).0 + page_size_u64();
        }
        file.write_all_at(&[0], end - 1).inspect_err(|_| shrink(file, old, end))?;
        store(&mapping, offset, bytes);
        Ok(())
    }
}

/// Zeroes the range while it reserves it; if that fails on the way, the old bytes are gone.
///
/// breaks: "After any error the file has its old size and bytes; disk space in its holes may stay reserved."
/// fails: put::a_full_disk_is_an_error_and_changes_nothing failed an-error-undoes
mod punches_out_the_old_bytes {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let (end, mapping, old) = (end(offset, bytes)?, map(file, offset, bytes)?, size(file)?);
        let flags = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
        fallocate(file, flags, offset.cast_signed(), bytes.len().cast_signed() as i64)?;
        prepare(file, offset, end, old)?;
        store(&mapping, offset, bytes);
        Ok(())
    }
}

/// Leaves the file as long as it has got when there is no space.
///
/// breaks: "After any error the file has its old size and bytes; disk space in its holes may stay reserved."
/// fails: put::a_full_disk_is_an_error_and_changes_nothing failed an-error-undoes
/// fails: put::takes_no_more_space_than_it_needs failed
mod stays_long_after_enospc {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let (end, mapping, old) = (end(offset, bytes)?, map(file, offset, bytes)?, size(file)?);
        grow_to(file, old, offset, end)?;
        reserve(file, offset, last_page(end, old.max(end)))?;
        store(&mapping, offset, bytes);
        Ok(())
    }
}

/// Grows the file before it maps, and forgets the way back when the mapping fails.
///
/// breaks: "After any error the file has its old size and bytes; disk space in its holes may stay reserved."
/// fails: put::changes_nothing_for_no_bytes_and_for_what_it_refuses failed an-error-undoes
mod stays_long_without_a_mapping {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let (end, old) = (end(offset, bytes)?, size(file)?);
        prepare(file, offset, end, old)?;
        store(&map(file, offset, bytes)?, offset, bytes);
        Ok(())
    }
}

/// After an error it cuts the file off where the new bytes would have begun.
///
/// breaks: "After any error the file has its old size and bytes; disk space in its holes may stay reserved."
/// fails: put::a_full_disk_is_an_error_and_changes_nothing failed
/// fails: put::takes_no_more_space_than_it_needs failed
mod cuts_at_the_offset {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        maps_before_it_grows::put(file, offset, bytes).inspect_err(|error| {
            if error.raw_os_error() == Some(Errno::ENOSPC as i32) {
                let _ = file.set_len(offset);
            }
        })
    }
}

/// Sets the size always, and so cuts off what a longer file has after the bytes.
///
/// breaks: "A shorter file grows to `offset + bytes.len()`. A longer one keeps its size."
/// fails: put::changes_nothing_for_no_bytes_and_for_what_it_refuses failed
/// fails: put::goes_through_a_mapping_and_leaves_none failed
/// fails: put::puts_the_bytes_and_changes_no_other failed
/// fails: put::takes_no_more_space_than_it_needs failed
mod truncates_a_longer_file {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        maps_before_it_grows::put(file, offset, bytes)?;
        if bytes.is_empty() { Ok(()) } else { file.set_len(end(offset, bytes)?) }
    }
}

/// Grows the file to whole pages, as mappings have whole pages.
///
/// breaks: "A shorter file grows to `offset + bytes.len()`."
/// fails: put::a_full_disk_is_an_error_and_changes_nothing failed
/// fails: put::leaves_zeros_between_the_old_end_and_the_bytes failed
/// fails: put::puts_the_bytes_and_changes_no_other failed
/// fails: put::takes_no_more_space_than_it_needs failed
mod grows_to_whole_pages {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let (end, mapping, old) = (end(offset, bytes)?, map(file, offset, bytes)?, size(file)?);
        let end = if end > old { end.next_multiple_of(page_size_u64()) } else { end };
        prepare(file, offset, end, old)?;
        store(&mapping, offset, bytes);
        Ok(())
    }
}

/// Reserves with FALLOC_FL_KEEP_SIZE and never sets the size: what is stored past the end is lost, or fatal.
///
/// breaks: "A shorter file grows to `offset + bytes.len()`."
/// fails: put::a_full_disk_is_an_error_and_changes_nothing failed
/// fails: put::changes_nothing_for_no_bytes_and_for_what_it_refuses failed
/// fails: put::leaves_zeros_between_the_old_end_and_the_bytes failed
/// fails: put::puts_the_bytes_and_changes_no_other failed
/// fails: put::takes_no_more_space_than_it_needs failed
mod keeps_the_size_for_ever {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let (end, mapping, (page, _)) = (end(offset, bytes)?, map(file, offset, bytes)?, page_of(offset));
        fallocate(file, FallocateFlags::FALLOC_FL_KEEP_SIZE, page.cast_signed(), (end - page).cast_signed())?;
        if page < size(file)? {
            store(&mapping, offset, bytes);
        }
        Ok(())
    }
}

/// Grows the file to the offset even when there is nothing to store.
///
/// breaks: "Empty `bytes` change nothing and are no error, whatever `offset` is."
/// fails: put::changes_nothing_for_no_bytes_and_for_what_it_refuses failed
/// fails: put::puts_the_bytes_and_changes_no_other failed
mod grows_for_nothing {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return if offset > size(file)? && end(offset, bytes).is_ok() { file.set_len(offset) } else { Ok(()) };
        }
        maps_before_it_grows::put(file, offset, bytes)
    }
}

/// Checks the end before it looks whether there is anything to store.
///
/// breaks: "Empty `bytes` change nothing and are no error, whatever `offset` is."
/// fails: put::changes_nothing_for_no_bytes_and_for_what_it_refuses failed
mod nothing_is_too_large {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        end(offset, bytes)?;
        maps_before_it_grows::put(file, offset, bytes)
    }
}

/// Lets a length of 0 reach mmap(2), which is EINVAL.
///
/// breaks: "Empty `bytes` change nothing and are no error, whatever `offset` is."
/// fails: put::changes_nothing_for_no_bytes_and_for_what_it_refuses failed
/// fails: put::puts_the_bytes_and_changes_no_other failed
mod maps_nothing {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let (_end, _old) = (end(offset, bytes)?, size(file)?);
        let mapping = Mapping::of_file(file, page_of(offset).0, bytes.len(), READ_WRITE, Sharing::Shared)?;
        drop(mapping);
        maps_before_it_grows::put(file, offset, bytes)
    }
}

/// Passes the offset to mmap(2) as it is.
///
/// breaks: "`offset` may be any number: inside a page, in a hole, past the end."
/// fails: put::a_full_disk_is_an_error_and_changes_nothing failed
/// fails: put::changes_nothing_for_no_bytes_and_for_what_it_refuses failed
/// fails: put::goes_through_a_mapping_and_leaves_none failed
/// fails: put::leaves_zeros_between_the_old_end_and_the_bytes failed
/// fails: put::puts_the_bytes_and_changes_no_other failed
/// fails: put::takes_no_more_space_than_it_needs failed
mod only_whole_pages {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let (end, old) = (end(offset, bytes)?, size(file)?);
        let mapping = Mapping::of_file(file, offset, bytes.len(), READ_WRITE, Sharing::Shared)?;
        prepare(file, offset, end, old)?;
        mapping.write(0, bytes);
        Ok(())
    }
}

/// Maps as many bytes as it stores, from the page's start on; bytes that reach into one more page panic.
///
/// breaks: "Stores `bytes` in the file from byte `offset` on, through a shared mapping."
/// fails: put::goes_through_a_mapping_and_leaves_none panicked
/// fails: put::leaves_zeros_between_the_old_end_and_the_bytes panicked
/// fails: put::puts_the_bytes_and_changes_no_other panicked
/// fails: put::takes_no_more_space_than_it_needs panicked
mod maps_too_little {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let (end, old) = (end(offset, bytes)?, size(file)?);
        let mapping = Mapping::of_file(file, page_of(offset).0, bytes.len(), READ_WRITE, Sharing::Shared)?;
        prepare(file, offset, end, old)?;
        store(&mapping, offset, bytes);
        Ok(())
    }
}

/// Only makes sure that the sum fits into 64 bits, and leaves the rest to the calls, which say EINVAL or EOVERFLOW.
///
/// breaks: "EFBIG when `offset + bytes.len()` exceeds 2^63 - 1, the largest size of a file."
/// fails: put::changes_nothing_for_no_bytes_and_for_what_it_refuses failed
mod unsigned_limit {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let end = offset.checked_add(bytes.len() as u64).ok_or(Errno::EFBIG)?;
        let mapping = map(file, offset, bytes)?;
        prepare(file, offset, end, size(file)?)?;
        store(&mapping, offset, bytes);
        Ok(())
    }
}

/// Adds without a check: near u64::MAX the sum overflows and the call panics.
///
/// breaks: "EFBIG when `offset + bytes.len()` exceeds 2^63 - 1, the largest size of a file."
/// fails: put::changes_nothing_for_no_bytes_and_for_what_it_refuses panicked
mod sum_overflows {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if !bytes.is_empty() && offset + bytes.len() as u64 > i64::MAX as u64 {
            return Err(Errno::EFBIG.into());
        }
        maps_before_it_grows::put(file, offset, bytes)
    }
}

/// Rounds the offset down with a mask of 32 bits, which takes the upper half of the offset away.
///
/// breaks: "`offset` may be any number: inside a page, in a hole, past the end."
/// fails: put::changes_nothing_for_no_bytes_and_for_what_it_refuses failed
/// fails: put::takes_no_more_space_than_it_needs failed
mod wraps_at_4_gib {
    use super::*;

    #[expect(clippy::cast_possible_truncation, reason = "it is the mistake")]
    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let (end, old) = (end(offset, bytes)?, size(file)?);
        let page = offset & u64::from(!(page_size() as u32 - 1));
        let skip = page_of(offset).1;
        let mapping = Mapping::of_file(file, page, skip + bytes.len(), READ_WRITE, Sharing::Shared)?;
        prepare(file, offset, end, old)?;
        mapping.write(skip, bytes);
        Ok(())
    }
}

/// Asks statvfs(3) how much is free, and refuses on a full disk even what needs no more space.
///
/// breaks: "Pages that have disk space already need no more: storing to them succeeds on a full disk."
/// fails: put::changes_nothing_for_no_bytes_and_for_what_it_refuses failed
/// fails: put::leaves_zeros_between_the_old_end_and_the_bytes failed
/// fails: put::takes_no_more_space_than_it_needs failed
mod asks_for_free_space {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let disk = fstatvfs(file)?;
        if disk.blocks_available() * disk.fragment_size() < bytes.len() as u64 {
            return Err(Errno::ENOSPC.into());
        }
        maps_before_it_grows::put(file, offset, bytes)
    }
}

/// Lets a child store: if it dies the disk is full, but the pages before the missing one have been changed by then.
///
/// breaks: "Either all of them are stored, or the call returns an error and changes nothing."
/// fails: put::a_full_disk_is_an_error_and_changes_nothing failed an-error-undoes
/// fails: put::takes_no_more_space_than_it_needs failed
mod sends_a_child_ahead {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let (end, mapping, old) = (end(offset, bytes)?, map(file, offset, bytes)?, size(file)?);
        grow_to(file, old, offset, end)?;
        if end_of(|| store(&mapping, offset, bytes))?.fault().is_some() {
            shrink(file, old, end);
            return Err(Errno::ENOSPC.into());
        }
        Ok(())
    }
}

/// Reserves and stores one page after the other: an error in the middle leaves the first pages changed.
///
/// breaks: "Either all of them are stored, or the call returns an error and changes nothing."
/// fails: put::a_full_disk_is_an_error_and_changes_nothing failed an-error-undoes
/// fails: put::changes_nothing_for_no_bytes_and_for_what_it_refuses failed an-error-undoes
/// fails: put::takes_no_more_space_than_it_needs failed
mod page_after_page {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let (end, old) = (end(offset, bytes)?, size(file)?);
        let mut done = 0;
        while done < bytes.len() {
            let at = offset + done as u64;
            let here = (bytes.len() - done).min(page_size() - page_of(at).1);
            maps_before_it_grows::put(file, at, &bytes[done..done + here]).inspect_err(|_| shrink(file, old, end))?;
            done += here;
        }
        Ok(())
    }
}

/// Maps the file privately, so that the bytes stay in this process.
///
/// breaks: "through a shared mapping"
/// fails: put::a_full_disk_is_an_error_and_changes_nothing failed
/// fails: put::changes_nothing_for_no_bytes_and_for_what_it_refuses failed
/// fails: put::goes_through_a_mapping_and_leaves_none failed
/// fails: put::leaves_zeros_between_the_old_end_and_the_bytes failed
/// fails: put::puts_the_bytes_and_changes_no_other failed
/// fails: put::takes_no_more_space_than_it_needs failed
mod stores_privately {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let (end, (page, skip)) = (end(offset, bytes)?, page_of(offset));
        let mapping = Mapping::of_file(file, page, skip + bytes.len(), READ_WRITE, Sharing::Private)?;
        prepare(file, offset, end, size(file)?)?;
        store(&mapping, offset, bytes);
        Ok(())
    }
}

/// Fills the first page up to the bytes with zeros, as if there were never anything before them.
///
/// breaks: "No other byte changes."
/// fails: put::a_full_disk_is_an_error_and_changes_nothing failed
/// fails: put::goes_through_a_mapping_and_leaves_none failed
/// fails: put::leaves_zeros_between_the_old_end_and_the_bytes failed
/// fails: put::puts_the_bytes_and_changes_no_other failed
/// fails: put::takes_no_more_space_than_it_needs failed
mod clears_before_the_bytes {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let (end, mapping, old) = (end(offset, bytes)?, map(file, offset, bytes)?, size(file)?);
        prepare(file, offset, end, old)?;
        mapping.write(0, &vec![0; page_of(offset).1]);
        store(&mapping, offset, bytes);
        Ok(())
    }
}

/// Stores the last page as a whole, with zeros after the bytes.
///
/// breaks: "No other byte changes."
/// fails: put::goes_through_a_mapping_and_leaves_none failed
/// fails: put::puts_the_bytes_and_changes_no_other failed
/// fails: put::takes_no_more_space_than_it_needs failed
mod clears_after_the_bytes {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let (end, mapping, old) = (end(offset, bytes)?, map(file, offset, bytes)?, size(file)?);
        prepare(file, offset, end, old)?;
        store(&mapping, offset, bytes);
        for at in page_of(offset).1 + bytes.len()..mapping.range().len() {
            mapping.store(at, 0);
        }
        Ok(())
    }
}

/// Trusts that the kernel clears what lies past the old end; on tmpfs a byte stored there becomes one of the file.
///
/// breaks: "What lies between the old end and `offset` reads as zeros, whatever was stored past the end before."
/// fails: put::leaves_zeros_between_the_old_end_and_the_bytes failed
mod trusts_the_old_last_page {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let (end, mapping, old) = (end(offset, bytes)?, map(file, offset, bytes)?, size(file)?);
        if end > old {
            file.set_len(end)?;
        }
        reserve(file, offset, last_page(end, old.max(end))).inspect_err(|_| shrink(file, old, end))?;
        store(&mapping, offset, bytes);
        Ok(())
    }
}

/// Keeps the mapping for the process's lifetime, as the stores might not be written out yet.
///
/// breaks: "When it returns, even with an error, nothing that it mapped is still mapped."
/// fails: put::a_full_disk_is_an_error_and_changes_nothing failed
/// fails: put::changes_nothing_for_no_bytes_and_for_what_it_refuses failed
/// fails: put::goes_through_a_mapping_and_leaves_none failed
/// fails: put::leaves_zeros_between_the_old_end_and_the_bytes failed
/// fails: put::puts_the_bytes_and_changes_no_other failed
/// fails: put::takes_no_more_space_than_it_needs failed
mod keeps_the_mapping {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let (end, mapping, old) = (end(offset, bytes)?, map(file, offset, bytes)?, size(file)?);
        prepare(file, offset, end, old)?;
        store(&mapping, offset, bytes);
        std::mem::forget(mapping);
        Ok(())
    }
}

/// Duplicates the descriptor for itself and closes the copy only after a success.
///
/// breaks: "It leaves no descriptor of its own open."
/// fails: put::a_full_disk_is_an_error_and_changes_nothing failed
/// fails: put::changes_nothing_for_no_bytes_and_for_what_it_refuses failed
/// fails: put::takes_no_more_space_than_it_needs failed
mod leaks_a_duplicate {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let copy = file.try_clone()?;
        let result = maps_before_it_grows::put(&copy, offset, bytes);
        if result.is_err() {
            let _ = copy.into_raw_fd();
        }
        result
    }
}

/// Ignores what posix_fallocate says, because not every file system knows it.
///
/// breaks: "`StorageFull` or ENOSPC when the disk has too little space, and never a signal."
/// fails: put::a_full_disk_is_an_error_and_changes_nothing killed
/// fails: put::takes_no_more_space_than_it_needs killed
mod ignores_fallocate {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let (end, mapping, old) = (end(offset, bytes)?, map(file, offset, bytes)?, size(file)?);
        grow_to(file, old, offset, end)?;
        let _ = posix_fallocate(file, offset.cast_signed(), bytes.len().cast_signed() as i64);
        store(&mapping, offset, bytes);
        Ok(())
    }
}

/// Reports a full disk with an error of its own.
///
/// breaks: "`StorageFull` or ENOSPC when the disk has too little space, and never a signal."
/// fails: put::a_full_disk_is_an_error_and_changes_nothing failed
/// fails: put::takes_no_more_space_than_it_needs failed
mod another_error_for_a_full_disk {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        maps_before_it_grows::put(file, offset, bytes).map_err(|error| match error.raw_os_error() {
            Some(errno) if errno == Errno::ENOSPC as i32 => io::ErrorKind::WriteZero.into(),
            _ => error,
        })
    }
}

/// Grows the file by a hole, reserves the pages, clears the old last page and stores; goes back after an error.
///
/// passes
mod grows_then_reserves {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        put_right(file, offset, bytes)
    }
}

/// Reserves with fallocate(2) and FALLOC_FL_KEEP_SIZE, and maps a clone of the file with memmap2 before it reserves.
///
/// passes
mod keeps_size_with_memmap2 {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let end = end_of_again(offset, bytes)?;
        let clone = file.try_clone()?;
        grown(file, end, |size| {
            // SAFETY: no other process changes the file meanwhile.
            let mut map = unsafe { MmapOptions::new().offset(offset).len(bytes.len()).map_mut(&clone) }?;
            let from = page_before(offset);
            let to = end.checked_next_multiple_of(page_size_u64()).unwrap_or(LARGEST).min(size.max(end));
            fallocate(&clone, FallocateFlags::FALLOC_FL_KEEP_SIZE, from as i64, (to - from) as i64)?;
            clear(file, size, offset)?;
            map.copy_from_slice(bytes);
            Ok(())
        })
    }
}

/// Clears what was stored past the end by cutting a hole from there to the end of the page.
///
/// passes
mod punches_the_tail {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let end = end_of_again(offset, bytes)?;
        grown(file, end, |size| {
            if size < offset && !size.is_multiple_of(page_size_u64()) {
                let tail = offset.min(page_before(size) + page_size_u64()) - size;
                let hole = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
                fallocate(file, hole, size as i64, tail as i64)?;
            }
            reserve_again(file, offset, end, size.max(end))?;
            store_again(file, offset, bytes)
        })
    }
}

/// Gives the file its size and reserves nothing.
///
/// breaks: "`StorageFull` or ENOSPC when the disk has too little space, and never a signal."
/// fails: put::a_full_disk_is_an_error_and_changes_nothing killed size-reserves-room
/// fails: put::takes_no_more_space_than_it_needs killed
mod reserves_nothing {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        grown(file, end_of_again(offset, bytes)?, |size| {
            clear(file, size, offset)?;
            store_again(file, offset, bytes)
        })
    }
}

/// Reserves only what the file grows by, and forgets the holes inside it.
///
/// breaks: "`StorageFull` or ENOSPC when the disk has too little space, and never a signal."
/// fails: put::a_full_disk_is_an_error_and_changes_nothing killed size-reserves-room
/// fails: put::takes_no_more_space_than_it_needs killed
mod reserves_the_growth {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let end = end_of_again(offset, bytes)?;
        grown(file, end, |size| {
            if size < end {
                reserve_again(file, offset.max(size), end, end)?;
            }
            clear(file, size, offset)?;
            store_again(file, offset, bytes)
        })
    }
}

/// Reserves the file from its start to the end of the bytes.
///
/// breaks: "Whole pages in that gap take no disk space."
/// fails: put::takes_no_more_space_than_it_needs failed
mod reserves_from_the_start_2 {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let end = end_of_again(offset, bytes)?;
        grown(file, end, |size| {
            reserve_again(file, 0, end, size.max(end))?;
            clear(file, size, offset)?;
            store_again(file, offset, bytes)
        })
    }
}

/// Reserves the gap up to the bytes as well, so that it certainly reads as zeros.
///
/// breaks: "Whole pages in that gap take no disk space."
/// fails: put::takes_no_more_space_than_it_needs failed
mod reserves_the_gap {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let end = end_of_again(offset, bytes)?;
        grown(file, end, |size| {
            reserve_again(file, offset.min(size), end, size.max(end))?;
            clear(file, size, offset)?;
            store_again(file, offset, bytes)
        })
    }
}

/// Leaves the file at its new size when the disk turns out to be full.
///
/// breaks: "After any error the file has its old size and bytes; disk space in its holes may stay reserved."
/// fails: put::a_full_disk_is_an_error_and_changes_nothing failed an-error-undoes
/// fails: put::changes_nothing_for_no_bytes_and_for_what_it_refuses failed
/// fails: put::takes_no_more_space_than_it_needs failed
mod stays_grown {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let (end, size) = (end_of_again(offset, bytes)?, file.metadata()?.len());
        if size < end {
            file.set_len(end)?;
        }
        reserve_again(file, offset, end, size.max(end))?;
        clear(file, size, offset)?;
        store_again(file, offset, bytes)
    }
}

/// Goes back to the old size when the space is missing, but not when mmap(2) fails after that.
///
/// breaks: "After any error the file has its old size and bytes; disk space in its holes may stay reserved."
/// fails: put::changes_nothing_for_no_bytes_and_for_what_it_refuses failed
mod goes_back_from_a_full_disk_only {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let (end, size) = (end_of_again(offset, bytes)?, file.metadata()?.len());
        grown(file, end, |size| reserve_again(file, offset, end, size.max(end)))?;
        clear(file, size, offset)?;
        store_again(file, offset, bytes)
    }
}

/// Gives the file the size of the end of the bytes, whether it grows or shrinks by that.
///
/// breaks: "A shorter file grows to `offset + bytes.len()`. A longer one keeps its size."
/// fails: put::changes_nothing_for_no_bytes_and_for_what_it_refuses failed
/// fails: put::goes_through_a_mapping_and_leaves_none failed
/// fails: put::puts_the_bytes_and_changes_no_other failed
/// fails: put::takes_no_more_space_than_it_needs failed
mod cuts_a_longer_file {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        put_right(file, offset, bytes)?;
        if bytes.is_empty() { Ok(()) } else { file.set_len(end_of_again(offset, bytes)?) }
    }
}

/// Grows the file to whole pages, since a mapping consists of them.
///
/// breaks: "A shorter file grows to `offset + bytes.len()`. A longer one keeps its size."
/// fails: put::a_full_disk_is_an_error_and_changes_nothing failed
/// fails: put::changes_nothing_for_no_bytes_and_for_what_it_refuses failed
/// fails: put::leaves_zeros_between_the_old_end_and_the_bytes failed
/// fails: put::puts_the_bytes_and_changes_no_other failed
/// fails: put::takes_no_more_space_than_it_needs failed
mod grows_to_whole_pages_2 {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let end = end_of_again(offset, bytes)?;
        let to = end.next_multiple_of(page_size_u64()).min(LARGEST);
        grown(file, to, |size| {
            reserve_again(file, offset, end, size.max(to))?;
            clear(file, size, offset)?;
            store_again(file, offset, bytes)
        })
    }
}

/// Relies on ftruncate(2) for the zeros between the old end and the bytes.
///
/// breaks: "What lies between the old end and `offset` reads as zeros, whatever was stored past the end before."
/// fails: put::leaves_zeros_between_the_old_end_and_the_bytes failed
mod trusts_zeros_past_the_end {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let end = end_of_again(offset, bytes)?;
        grown(file, end, |size| {
            reserve_again(file, offset, end, size.max(end))?;
            store_again(file, offset, bytes)
        })
    }
}

/// Clears the gap only if it ends in the old last page, where the bytes are stored.
///
/// breaks: "What lies between the old end and `offset` reads as zeros, whatever was stored past the end before."
/// fails: put::leaves_zeros_between_the_old_end_and_the_bytes failed
mod clears_only_the_same_page {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let end = end_of_again(offset, bytes)?;
        grown(file, end, |size| {
            reserve_again(file, offset, end, size.max(end))?;
            if page_before(size) == page_before(offset) {
                clear(file, size, offset)?;
            }
            store_again(file, offset, bytes)
        })
    }
}

/// Stores zeros to the old last page in any case, and dies if that page is a hole and the disk has just become full.
///
/// breaks: "`StorageFull` or ENOSPC when the disk has too little space, and never a signal."
/// fails: put::takes_no_more_space_than_it_needs killed
mod clears_a_hole {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let end = end_of_again(offset, bytes)?;
        grown(file, end, |size| {
            reserve_again(file, offset, end, size.max(end))?;
            let tail = offset.min(size.next_multiple_of(page_size_u64())).saturating_sub(size) as usize;
            if tail > 0 {
                store_again(file, size, &vec![0; tail])?;
            }
            store_again(file, offset, bytes)
        })
    }
}

/// Cuts the file at its last page boundary and grows it again, to be rid of what lies past its end.
///
/// breaks: "No other byte changes."
/// fails: put::a_full_disk_is_an_error_and_changes_nothing failed an-error-undoes
/// fails: put::changes_nothing_for_no_bytes_and_for_what_it_refuses failed
/// fails: put::leaves_zeros_between_the_old_end_and_the_bytes failed
/// fails: put::puts_the_bytes_and_changes_no_other failed
mod cuts_the_last_page {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let size = file.metadata()?.len();
        if !bytes.is_empty() && size < offset {
            file.set_len(page_before(size))?;
            file.set_len(size)?;
        }
        put_right(file, offset, bytes)
    }
}

/// Writes with pwrite(2), which reports a full disk by itself, and maps only for show.
///
/// breaks: "`bytes` do not go through write(2) or another call that copies; zeros may."
/// fails: put::goes_through_a_mapping_and_leaves_none failed
mod writes_2 {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let end = end_of_again(offset, bytes)?;
        grown(file, end, |size| {
            reserve_again(file, offset, end, size.max(end))?;
            clear(file, size, offset)?;
            file.write_all_at(bytes, offset)
        })
    }
}

/// Reserves by writing zeros over the range, which have replaced the old bytes when the disk is full.
///
/// breaks: "After any error the file has its old size and bytes; disk space in its holes may stay reserved."
/// fails: put::a_full_disk_is_an_error_and_changes_nothing failed an-error-undoes
/// fails: put::goes_through_a_mapping_and_leaves_none failed
mod reserves_by_zeros {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        grown(file, end_of_again(offset, bytes)?, |size| {
            file.write_all_at(&vec![0; bytes.len()], offset)?;
            clear(file, size, offset)?;
            store_again(file, offset, bytes)
        })
    }
}

/// Reserves and stores one page after the other, and stops in the middle when the disk is full.
///
/// breaks: "Either all of them are stored, or the call returns an error and changes nothing."
/// fails: put::a_full_disk_is_an_error_and_changes_nothing failed an-error-undoes
/// fails: put::changes_nothing_for_no_bytes_and_for_what_it_refuses failed
/// fails: put::takes_no_more_space_than_it_needs failed
mod page_by_page {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut done = 0;
        while done < bytes.len() {
            let at = end_of_again(offset, &bytes[..done])?;
            let part = (page_size() - (at % page_size_u64()) as usize).min(bytes.len() - done);
            put_right(file, at, &bytes[done..done + part])?;
            done += part;
        }
        Ok(())
    }
}

/// Compares the free space of the disk with the length of the bytes first, even if they need no new page.
///
/// breaks: "Pages that have disk space already need no more: storing to them succeeds on a full disk."
/// fails: put::changes_nothing_for_no_bytes_and_for_what_it_refuses failed
/// fails: put::leaves_zeros_between_the_old_end_and_the_bytes failed
/// fails: put::takes_no_more_space_than_it_needs failed
mod asks_for_free_space_2 {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let disk = fstatvfs(file)?;
        if (disk.blocks_available() as u64).saturating_mul(disk.fragment_size() as u64) < bytes.len() as u64 {
            return Err(Errno::ENOSPC.into());
        }
        put_right(file, offset, bytes)
    }
}

/// Reserves one page more than the bytes touch, in case they end in the next.
///
/// breaks: "Pages that have disk space already need no more: storing to them succeeds on a full disk."
/// fails: put::takes_no_more_space_than_it_needs failed
mod reserves_a_page_more {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let end = end_of_again(offset, bytes)?;
        let flags = FallocateFlags::FALLOC_FL_KEEP_SIZE;
        grown(file, end, |size| {
            let (from, length) = (page_before(offset), bytes.len().next_multiple_of(page_size()) + page_size());
            fallocate(file, flags, from as i64, length as i64)?;
            clear(file, size, offset)?;
            store_again(file, offset, bytes)
        })
    }
}

/// Reserves as many bytes as are stored, counted from the page boundary on: the last page may be left out.
///
/// breaks: "`StorageFull` or ENOSPC when the disk has too little space, and never a signal."
/// fails: put::a_full_disk_is_an_error_and_changes_nothing killed
/// fails: put::takes_no_more_space_than_it_needs killed
mod reserves_a_page_less {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        grown(file, end_of_again(offset, bytes)?, |size| {
            let flags = FallocateFlags::FALLOC_FL_KEEP_SIZE;
            fallocate(file, flags, page_before(offset) as i64, bytes.len() as i64)?;
            clear(file, size, offset)?;
            store_again(file, offset, bytes)
        })
    }
}

/// Grows the file to the offset even if there is nothing to store.
///
/// breaks: "Empty `bytes` change nothing and are no error, whatever `offset` is."
/// fails: put::changes_nothing_for_no_bytes_and_for_what_it_refuses failed
/// fails: put::puts_the_bytes_and_changes_no_other failed
mod grows_for_nothing_2 {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return grown(file, offset.min(LARGEST), |_| Ok(()));
        }
        put_right(file, offset, bytes)
    }
}

/// Checks the end before it sees that there is nothing to store.
///
/// breaks: "Empty `bytes` change nothing and are no error, whatever `offset` is."
/// fails: put::changes_nothing_for_no_bytes_and_for_what_it_refuses failed
mod nothing_is_too_large_2 {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        end_of_again(offset, bytes)?;
        put_right(file, offset, bytes)
    }
}

/// Leaves the check of the largest size to set_len of std, which says `InvalidInput`.
///
/// breaks: "`FileTooLarge` or EFBIG when `offset + bytes.len()` exceeds 2^63 - 1, the largest size of a file."
/// fails: put::changes_nothing_for_no_bytes_and_for_what_it_refuses failed
mod std_checks_the_size {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let end = offset.saturating_add(bytes.len() as u64);
        if !bytes.is_empty() && end > LARGEST {
            return file.set_len(end);
        }
        put_right(file, offset, bytes)
    }
}

/// Lets the sum wrap around, and calls that EOVERFLOW when it notices.
///
/// breaks: "`FileTooLarge` or EFBIG when `offset + bytes.len()` exceeds 2^63 - 1, the largest size of a file."
/// fails: put::changes_nothing_for_no_bytes_and_for_what_it_refuses failed
mod sum_wraps_around {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let end = offset.wrapping_add(bytes.len() as u64);
        if end > LARGEST {
            return Err(Errno::EFBIG.into());
        }
        if end < offset {
            return Err(Errno::EOVERFLOW.into());
        }
        put_right(file, offset, bytes)
    }
}

/// Asks for RLIMIT_FSIZE itself and returns EFBIG, so that no signal is sent.
///
/// breaks: "Above RLIMIT_FSIZE it is what ftruncate(2) does: SIGXFSZ, and EFBIG if that is ignored."
/// fails: put::changes_nothing_for_no_bytes_and_for_what_it_refuses failed
mod no_signal_above_the_limit {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let (limit, _) = getrlimit(Resource::RLIMIT_FSIZE)?;
        if !bytes.is_empty() && end_of_again(offset, bytes)? > limit {
            return Err(Errno::EFBIG.into());
        }
        put_right(file, offset, bytes)
    }
}

/// Rounds the offset down with a mask of 32 bits, and stores at the wrong place past 4 GiB.
///
/// breaks: "`offset` may be any number: inside a page, in a hole, past the end."
/// fails: put::changes_nothing_for_no_bytes_and_for_what_it_refuses failed
/// fails: put::takes_no_more_space_than_it_needs failed
mod mask_of_32_bits {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let end = end_of_again(offset, bytes)?;
        grown(file, end, |size| {
            reserve_again(file, offset, end, size.max(end))?;
            clear(file, size, offset)?;
            store_again(file, u64::from(offset as u32), bytes)
        })
    }
}

/// Leaves the mapping for later calls, which never use it.
///
/// breaks: "When it returns, even with an error, nothing that it mapped is still mapped."
/// fails: put::a_full_disk_is_an_error_and_changes_nothing failed
/// fails: put::changes_nothing_for_no_bytes_and_for_what_it_refuses failed
/// fails: put::goes_through_a_mapping_and_leaves_none failed
/// fails: put::leaves_zeros_between_the_old_end_and_the_bytes failed
/// fails: put::puts_the_bytes_and_changes_no_other failed
/// fails: put::takes_no_more_space_than_it_needs failed
mod leaves_it_mapped_after_put {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        put_right(file, offset, bytes)?;
        if let Some(length) = bytes.len().checked_add((offset % page_size_u64()) as usize).filter(|_| !bytes.is_empty())
        {
            std::mem::forget(Mapping::of_file(file, page_before(offset), length, READ_WRITE, Sharing::Shared)?);
        }
        Ok(())
    }
}

/// Duplicates the descriptor and closes the copy only on success.
///
/// breaks: "It leaves no descriptor of its own open."
/// fails: put::a_full_disk_is_an_error_and_changes_nothing failed
/// fails: put::changes_nothing_for_no_bytes_and_for_what_it_refuses failed
/// fails: put::takes_no_more_space_than_it_needs failed
mod leaks_a_clone_on_error {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let clone = file.try_clone()?;
        let result = put_right(&clone, offset, bytes);
        if result.is_err() {
            let _ = clone.into_raw_fd();
        }
        result
    }
}

/// Calls every failure a full disk.
///
/// breaks: "Other errors of the system calls, unchanged, such as EDQUOT, or ENOMEM for too large a mapping."
/// fails: put::changes_nothing_for_no_bytes_and_for_what_it_refuses failed
mod every_error_is_a_full_disk {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        put_right(file, offset, bytes).map_err(|error| match error.raw_os_error() {
            Some(errno) if errno == Errno::EFBIG as i32 => error,
            _ => io::ErrorKind::StorageFull.into(),
        })
    }
}

/// Grows the file, reserves the pages of the bytes alone, clears the rest of the old last page, and stores.
///
/// passes
mod reserves_its_pages {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        put_reserved(file, offset, bytes)
    }
}

/// Reserves page by page with posix_fallocate(3), and stores through a mapping a page, after all are mapped.
///
/// passes
mod a_mapping_for_each_page {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let end = checked_end(offset, bytes)?;
        with_size(file, end, |old| {
            let size = old.max(end);
            let mut pages = Vec::new();
            let (mut at, mut left) = (offset, bytes);
            while !left.is_empty() {
                let reserved = size.min(floor(at).saturating_add(page_size_u64())) - floor(at);
                posix_fallocate(file, floor(at) as i64, reserved as i64)?;
                let (part, rest) = left.split_at(left.len().min((page_size_u64() - at % page_size_u64()) as usize));
                pages.push((map_at(file, at, part.len())?, part));
                (at, left) = (at + part.len() as u64, rest);
            }
            clear_old_rest(file, old, offset)?;
            pages.iter().for_each(|((mapping, skip), part)| mapping.write(*skip, part));
            Ok(())
        })
    }
}

/// Trusts that a file with the right size has the space.
///
/// breaks: "`StorageFull` or ENOSPC when the disk has too little space, and never a signal."
/// fails: put::a_full_disk_is_an_error_and_changes_nothing killed size-reserves-room
/// fails: put::takes_no_more_space_than_it_needs killed
mod size_is_space {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        with_size(file, checked_end(offset, bytes)?, |old| {
            clear_old_rest(file, old, offset)?;
            store_mapped(file, offset, bytes)
        })
    }
}

/// Reserves space only for what the file grows by, and forgets the holes inside it.
///
/// breaks: "`StorageFull` or ENOSPC when the disk has too little space, and never a signal."
/// fails: put::a_full_disk_is_an_error_and_changes_nothing killed size-reserves-room
/// fails: put::takes_no_more_space_than_it_needs killed
mod reserves_growth_alone {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let end = checked_end(offset, bytes)?;
        with_size(file, end, |old| {
            if end > old {
                reserve_pages(file, offset.max(old), end)?;
            }
            clear_old_rest(file, old, offset)?;
            store_mapped(file, offset, bytes)
        })
    }
}

/// Looks for -1 and errno, but posix_fallocate(3) returns the errno itself.
///
/// breaks: "`StorageFull` or ENOSPC when the disk has too little space, and never a signal."
/// fails: put::a_full_disk_is_an_error_and_changes_nothing killed
/// fails: put::takes_no_more_space_than_it_needs killed
mod posix_fallocate_and_minus_one {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        with_size(file, checked_end(offset, bytes)?, |old| {
            // SAFETY: it accesses no memory of ours.
            if unsafe { libc::posix_fallocate(file.as_raw_fd(), offset as i64, bytes.len() as i64) } == -1 {
                return Err(io::Error::last_os_error());
            }
            clear_old_rest(file, old, offset)?;
            store_mapped(file, offset, bytes)
        })
    }
}

/// Trusts ftruncate(2) to make zeros of the rest of the last page.
///
/// breaks: "What lies between the old end and `offset` reads as zeros, whatever was stored past the end before."
/// fails: put::leaves_zeros_between_the_old_end_and_the_bytes failed
mod rest_becomes_bytes {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let end = checked_end(offset, bytes)?;
        with_size(file, end, |_| {
            reserve_pages(file, offset, end)?;
            store_mapped(file, offset, bytes)
        })
    }
}

/// Reserves before the file grows, and forgets the rollback where mmap(2) fails afterwards.
///
/// breaks: "After any error the file has its old size and bytes."
/// fails: put::changes_nothing_for_no_bytes_and_for_what_it_refuses failed
mod stays_grown_without_memory {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let (old, end) = (file.metadata()?.len(), checked_end(offset, bytes)?);
        with_size(file, end, |_| Ok(reserve_pages(file, offset, end)?))?;
        clear_old_rest(file, old, offset)?;
        store_mapped(file, offset, bytes)
    }
}

/// Reserves with zeros through write(2), also where the file has bytes already, and an error finds them gone.
///
/// breaks: "After any error the file has its old size and bytes."
/// fails: put::a_full_disk_is_an_error_and_changes_nothing failed an-error-undoes
/// fails: put::goes_through_a_mapping_and_leaves_none failed
mod zeros_over_old_bytes {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let end = checked_end(offset, bytes)?;
        with_size(file, end, |old| {
            file.write_all_at(&vec![0; bytes.len()], offset)?;
            clear_old_rest(file, old, offset)?;
            store_mapped(file, offset, bytes)
        })
    }
}

/// Converts the end to off_t and calls its failure EOVERFLOW, as the mapping of the lesson does.
///
/// breaks: "`FileTooLarge` or EFBIG when `offset + bytes.len()` exceeds 2^63 - 1, the largest size of a file."
/// fails: put::changes_nothing_for_no_bytes_and_for_what_it_refuses failed
mod overflow_instead {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if !bytes.is_empty() {
            i64::try_from(offset.saturating_add(bytes.len() as u64)).map_err(|_| Errno::EOVERFLOW)?;
        }
        put_reserved(file, offset, bytes)
    }
}

/// Checks the largest size before it looks whether there is anything to store.
///
/// breaks: "Empty `bytes` change nothing and are no error, whatever `offset` is."
/// fails: put::changes_nothing_for_no_bytes_and_for_what_it_refuses failed
mod empty_beyond_the_largest {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        checked_end(offset, bytes)?;
        put_reserved(file, offset, bytes)
    }
}

/// Maps the file from its start, which needs as many addresses as the offset is large.
///
/// breaks: "`offset` may be any number: inside a page, in a hole, past the end."
/// fails: put::takes_no_more_space_than_it_needs failed
mod maps_from_the_start {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let end = checked_end(offset, bytes)?;
        with_size(file, end, |old| {
            reserve_pages(file, offset, end)?;
            let length = usize::try_from(end).map_err(|_| Errno::ENOMEM)?;
            let mapping = Mapping::of_file(file, 0, length, READ_WRITE, Sharing::Shared)?;
            clear_old_rest(file, old, offset)?;
            mapping.write(offset as usize, bytes);
            Ok(())
        })
    }
}

/// Refuses an end above RLIMIT_FSIZE by itself, even where the file is longer already and need not grow.
///
/// breaks: "Above RLIMIT_FSIZE it is what ftruncate(2) does: SIGXFSZ, and EFBIG if that is ignored."
/// fails: put::changes_nothing_for_no_bytes_and_for_what_it_refuses failed
mod limit_for_what_is_there {
    use super::*;
    use nix::sys::resource::{Resource, getrlimit};

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if !bytes.is_empty() && checked_end(offset, bytes)? > getrlimit(Resource::RLIMIT_FSIZE)?.0 {
            return Err(Errno::EFBIG.into());
        }
        put_reserved(file, offset, bytes)
    }
}

/// Works on a duplicate of the descriptor, and gives it back only after success.
///
/// breaks: "It leaves no descriptor of its own open."
/// fails: put::a_full_disk_is_an_error_and_changes_nothing failed
/// fails: put::changes_nothing_for_no_bytes_and_for_what_it_refuses failed
/// fails: put::takes_no_more_space_than_it_needs failed
mod keeps_the_duplicate {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let own = std::mem::ManuallyDrop::new(file.try_clone()?);
        put_reserved(&own, offset, bytes)?;
        drop(std::mem::ManuallyDrop::into_inner(own));
        Ok(())
    }
}

/// Makes zeros of the old last page from the old end to the page's end, after the bytes are stored.
///
/// breaks: "Either all of them are stored, or the call returns an error and changes nothing."
/// fails: put::leaves_zeros_between_the_old_end_and_the_bytes failed
mod clears_last {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let end = checked_end(offset, bytes)?;
        with_size(file, end, |old| {
            reserve_pages(file, offset, end)?;
            store_mapped(file, offset, bytes)?;
            if offset > old { clear_old_rest(file, old, end) } else { Ok(()) }
        })
    }
}

/// Clears the rest of the old last page by storing to it, although the disk may have no page for a hole.
///
/// breaks: "`StorageFull` or ENOSPC when the disk has too little space, and never a signal."
/// fails: put::a_full_disk_is_an_error_and_changes_nothing killed
mod stores_zeros_to_a_hole {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let end = checked_end(offset, bytes)?;
        with_size(file, end, |old| {
            if end > old && !old.is_multiple_of(page_size_u64()) {
                let (mapping, skip) = map_at(file, old, 1)?;
                (skip..mapping.range().len()).for_each(|at| mapping.store(at, 0));
            }
            reserve_pages(file, offset, end)?;
            store_mapped(file, offset, bytes)
        })
    }
}

/// Appends with write(2), and maps only what the file has already.
///
/// breaks: "`bytes` do not go through write(2) or another call that copies; zeros may."
/// fails: put::goes_through_a_mapping_and_leaves_none failed
mod appends_by_writing {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() || offset < size(file)? {
            return put_reserved(file, offset, bytes);
        }
        let end = checked_end(offset, bytes)?;
        with_size(file, end, |old| {
            clear_old_rest(file, old, offset)?;
            file.write_all_at(bytes, offset)
        })
    }
}

/// Reserves what is new only, from the old end on: a hole before it stays one.
///
/// breaks: "`StorageFull` or ENOSPC when the disk has too little space, and never a signal."
/// fails: put::takes_no_more_space_than_it_needs killed
mod reserves_what_is_new {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let end = checked_end(offset, bytes)?;
        with_size(file, end, |old| {
            reserve_pages(file, if old < end { offset.max(old) } else { offset }, end)?;
            clear_old_rest(file, old, offset)?;
            store_mapped(file, offset, bytes)
        })
    }
}

/// Reserves and stores sixteen pages after the other.
///
/// breaks: "Either all of them are stored, or the call returns an error and changes nothing."
/// fails: put::a_full_disk_is_an_error_and_changes_nothing failed an-error-undoes
/// fails: put::changes_nothing_for_no_bytes_and_for_what_it_refuses failed an-error-undoes
mod stores_in_chunks {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let end = checked_end(offset, bytes)?;
        with_size(file, end, |old| {
            clear_old_rest(file, old, offset)?;
            let mut at = offset;
            for chunk in bytes.chunks(16 * page_size()) {
                reserve_pages(file, at, at + chunk.len() as u64)?;
                store_mapped(file, at, chunk)?;
                at += chunk.len() as u64;
            }
            Ok(())
        })
    }
}

/// Reserves all of the space first, but maps and stores sixteen pages after the other.
///
/// breaks: "After any error the file has its old size and bytes."
/// fails: put::changes_nothing_for_no_bytes_and_for_what_it_refuses failed an-error-undoes
mod maps_in_chunks {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let end = checked_end(offset, bytes)?;
        with_size(file, end, |old| {
            reserve_pages(file, offset, end)?;
            clear_old_rest(file, old, offset)?;
            let mut at = offset;
            for chunk in bytes.chunks(16 * page_size()) {
                store_mapped(file, at, chunk)?;
                at += chunk.len() as u64;
            }
            Ok(())
        })
    }
}

/// Tries with the first of the bytes whether the file can be written, and then stores all of them.
///
/// breaks: "`bytes` do not go through write(2) or another call that copies; zeros may."
/// fails: put::goes_through_a_mapping_and_leaves_none failed
mod writes_one_first {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let end = checked_end(offset, bytes)?;
        with_size(file, end, |old| {
            reserve_pages(file, offset, end)?;
            clear_old_rest(file, old, offset)?;
            file.write_all_at(&bytes[..1], offset)?;
            store_mapped(file, offset, bytes)
        })
    }
}

/// Clears the rest of the old last page by pwrite(2).
///
/// passes
mod writes_the_zeros {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let end = checked_end(offset, bytes)?;
        with_size(file, end, |old| {
            reserve_pages(file, offset, end)?;
            let (mapping, skip) = map_at(file, offset, bytes.len())?;
            let to = offset.min(old.next_multiple_of(page_size_u64()));
            if old < to {
                file.write_all_at(&vec![0; (to - old) as usize], old)?;
            }
            mapping.write(skip, bytes);
            Ok(())
        })
    }
}

/// Asks for the size to go back to only after the file has grown.
///
/// breaks: "After any error the file has its old size and bytes."
/// fails: put::a_full_disk_is_an_error_and_changes_nothing failed an-error-undoes
/// fails: put::changes_nothing_for_no_bytes_and_for_what_it_refuses failed
/// fails: put::takes_no_more_space_than_it_needs failed
mod size_asked_too_late {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let end = checked_end(offset, bytes)?;
        let old = file.metadata()?.len();
        file.set_len(old.max(end))?;
        let before = file.metadata()?.len();
        let all = || {
            reserve_pages(file, offset, end)?;
            clear_old_rest(file, old, offset)?;
            store_mapped(file, offset, bytes)
        };
        all().inspect_err(|_| {
            let _ = file.set_len(before);
        })
    }
}

/// Maps first, and forgets the mapping when there is no space.
///
/// breaks: "When it returns, even with an error, nothing that it mapped is still mapped."
/// fails: put::a_full_disk_is_an_error_and_changes_nothing failed
/// fails: put::changes_nothing_for_no_bytes_and_for_what_it_refuses failed
/// fails: put::takes_no_more_space_than_it_needs failed
mod mapped_after_an_error {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let end = checked_end(offset, bytes)?;
        let (mapping, skip) = map_at(file, offset, bytes.len())?;
        let mapping = std::mem::ManuallyDrop::new(mapping);
        with_size(file, end, |old| {
            reserve_pages(file, offset, end)?;
            clear_old_rest(file, old, offset)
        })?;
        mapping.write(skip, bytes);
        drop(std::mem::ManuallyDrop::into_inner(mapping));
        Ok(())
    }
}

/// Does nothing for the bytes that it stored last, at the same place.
///
/// breaks: "Either all of them are stored, or the call returns an error and changes nothing."
/// fails: put::puts_the_bytes_and_changes_no_other failed
mod once_is_enough {
    use super::*;

    static LAST: Mutex<Option<(u64, Vec<u8>)>> = Mutex::new(None);

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut last = LAST.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if last.as_ref().is_some_and(|(at, stored)| *at == offset && stored == bytes) {
            return Ok(());
        }
        put_reserved(file, offset, bytes)?;
        *last = Some((offset, bytes.to_vec()));
        Ok(())
    }
}

/// Follows the last hint, line by line.
///
/// passes
mod put_as_the_hint_says {
    use super::*;

    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let start = i64::try_from(offset).map_err(|_| Errno::EFBIG)?;
        let length = i64::try_from(bytes.len()).map_err(|_| Errno::EFBIG)?;
        start.checked_add(length).ok_or(Errno::EFBIG)?;
        let size = file.metadata()?.len();
        if offset > size {
            file.set_len(size)?;
        }
        let boundary = offset - offset % page_size_u64();
        let skip = usize::try_from(offset - boundary).map_err(io::Error::other)?;
        let mapping = posix_fallocate(file, start, length)
            .and_then(|()| Mapping::of_file(file, boundary, skip + bytes.len(), READ_WRITE, Sharing::Shared));
        match mapping {
            Ok(mapping) => mapping.write(skip, bytes),
            Err(errno) => {
                if file.metadata()?.len() != size {
                    file.set_len(size)?;
                }
                return Err(errno.into());
            }
        }
        Ok(())
    }
}

one_of! {
    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()>;
    leaves_the_new_size looks_at_the_free_space reserves_from_the_start sets_the_size_only stores_to_a_private_mapping
    stores_with_the_lessons_guard writes_a_byte_at_the_end writes_instead_of_storing maps_before_it_grows
    keeps_the_size_until_sure one_map_a_page flushes_as_well storage_full grows_by_holes forgets_holes
    reserves_from_zero reserves_too_little writes writes_zeros_for_space punches_out_the_old_bytes
    stays_long_after_enospc stays_long_without_a_mapping cuts_at_the_offset truncates_a_longer_file grows_to_whole_pages
    keeps_the_size_for_ever grows_for_nothing nothing_is_too_large maps_nothing only_whole_pages maps_too_little
    unsigned_limit sum_overflows wraps_at_4_gib asks_for_free_space sends_a_child_ahead page_after_page stores_privately
    clears_before_the_bytes clears_after_the_bytes trusts_the_old_last_page keeps_the_mapping leaks_a_duplicate
    ignores_fallocate another_error_for_a_full_disk grows_then_reserves keeps_size_with_memmap2 punches_the_tail
    reserves_nothing reserves_the_growth reserves_from_the_start_2 reserves_the_gap stays_grown
    goes_back_from_a_full_disk_only cuts_a_longer_file grows_to_whole_pages_2 trusts_zeros_past_the_end
    clears_only_the_same_page clears_a_hole cuts_the_last_page writes_2 reserves_by_zeros page_by_page
    asks_for_free_space_2 reserves_a_page_more reserves_a_page_less grows_for_nothing_2 nothing_is_too_large_2
    std_checks_the_size sum_wraps_around no_signal_above_the_limit mask_of_32_bits leaves_it_mapped_after_put
    leaks_a_clone_on_error every_error_is_a_full_disk reserves_its_pages a_mapping_for_each_page size_is_space
    reserves_growth_alone posix_fallocate_and_minus_one rest_becomes_bytes stays_grown_without_memory
    zeros_over_old_bytes overflow_instead empty_beyond_the_largest maps_from_the_start limit_for_what_is_there
    keeps_the_duplicate clears_last stores_zeros_to_a_hole appends_by_writing reserves_what_is_new stores_in_chunks
    maps_in_chunks writes_one_first writes_the_zeros size_asked_too_late mapped_after_an_error once_is_enough
    put_as_the_hint_says
}
