use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::num::NonZeroUsize;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, IntoRawFd};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::ptr::{self};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, OnceLock};

use memmap2::{Mmap, MmapOptions};
use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing, Window, load_at};
use mmap_workbook::observe::{page_size, page_size_u64};
use nix::errno::Errno;
use nix::libc;
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};

/// The offset of the page with this byte, and the byte's place in it.
#[expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
fn page_of(offset: u64) -> (u64, usize) {
    let skip = offset % page_size_u64();
    (offset - skip, skip as usize)
}

/// Loads a byte that is inside the file.
fn load_inside(file: &File, offset: u64) -> io::Result<u8> {
    let (page, skip) = page_of(offset);
    Ok(Mapping::of_file(file, page, page_size(), ProtFlags::PROT_READ, Sharing::Shared)?.load(skip))
}

/// Splits an offset into the beginning of its page and the rest.
#[expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
fn split(offset: u64) -> (u64, usize) {
    let skip = offset % page_size_u64();
    (offset - skip, skip as usize)
}

/// The page of a file that begins at `start`.
fn page_at(file: &File, start: u64) -> io::Result<Mapping> {
    Ok(Mapping::of_file(file, start, page_size(), ProtFlags::PROT_READ, Sharing::Shared)?)
}

/// mmap(2) where the kernel likes, for reading.
#[expect(clippy::cast_possible_wrap, reason = "it is for 64 bits, and casts as learners do")]
fn raw_map(file: &File, start: u64, length: usize) -> io::Result<*mut u8> {
    // SAFETY: without an address hint the kernel picks a free range.
    let page = unsafe {
        libc::mmap(ptr::null_mut(), length, libc::PROT_READ, libc::MAP_SHARED, file.as_raw_fd(), start as libc::off_t)
    };
    if page == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(page.cast()) }
}

/// Loads a byte that is inside the file.
#[expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
fn load(file: impl AsFd, offset: u64) -> io::Result<u8> {
    let skip = offset % page_size_u64();
    let mapping = Mapping::of_file(file, offset - skip, 1, ProtFlags::PROT_READ, Sharing::Shared)?;
    let byte = mapping.load(skip as usize);
    mapping.unmap()?;
    Ok(byte)
}

/// Returns a constant.
///
/// fails: byte_at::is_the_files_byte_or_none failed
mod always_one {
    use super::*;

    pub fn byte_at(_: &File, _: u64) -> io::Result<Option<u8>> {
        Ok(Some(1))
    }
}

/// Leaves the page mapped.
///
/// fails: byte_at::maps_one_page_and_unmaps_it failed close-unmaps
mod close_is_enough {
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        if offset >= file.metadata()?.len() {
            return Ok(None);
        }
        let skip = offset % page_size_u64();
        let at = usize::try_from(skip).map_err(io::Error::other)?;
        let mapping = Mapping::of_file(file, offset - skip, at + 1, ProtFlags::PROT_READ, Sharing::Shared)?;
        let byte = mapping.load(at);
        std::mem::forget(mapping);
        Ok(Some(byte))
    }
}

/// Takes the byte just past the end of the file for a byte of the file.
///
/// fails: byte_at::is_the_files_byte_or_none failed
mod end_is_inside {
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        if offset > file.metadata()?.len() {
            return Ok(None);
        }
        let skip = offset % page_size_u64();
        let at = usize::try_from(skip).map_err(io::Error::other)?;
        let mapping = Mapping::of_file(file, offset - skip, at + 1, ProtFlags::PROT_READ, Sharing::Shared)?;
        Ok(Some(mapping.load(at)))
    }
}

/// Maps from the very byte that it needs, not from a page boundary.
///
/// fails: byte_at::is_the_files_byte_or_none failed any-offset
mod offset_anywhere {
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        if offset >= file.metadata()?.len() {
            return Ok(None);
        }
        Ok(Some(Mapping::of_file(file, offset, 1, ProtFlags::PROT_READ, Sharing::Shared)?.load(0)))
    }
}

/// Keeps the offset in an int, as the notes keep the length.
///
/// fails: byte_at::reaches_as_far_as_files_do failed int-holds-a-size
mod offset_in_an_int {
    use super::*;

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the mistake")]
    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        let offset = offset as i32 as u32;
        crate::solution::byte_at(file, u64::from(offset))
    }
}

/// Reads the byte with pread(2).
///
/// fails: byte_at::maps_one_page_and_unmaps_it failed read-is-as-good
mod reads_instead {
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        let mut byte = [0];
        let size = file.metadata()?.len();
        if offset >= size {
            return Ok(None);
        }
        Ok((file.read_at(&mut byte, offset)? == 1).then_some(byte[0]))
    }
}

/// Maps the whole file for one byte, and trusts the end of the function to unmap it.
///
/// fails: byte_at::maps_one_page_and_unmaps_it failed map-it-all
mod whole_file_and_no_munmap {
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        let size = file.metadata()?.len();
        if offset >= size {
            return Ok(None);
        }
        let [size, at] = [size, offset].map(|n| usize::try_from(n).expect("64 bits"));
        let mapping = Mapping::of_file(file, 0, size, ProtFlags::PROT_READ, Sharing::Shared)?;
        let byte = mapping.load(at);
        std::mem::forget(mapping);
        Ok(Some(byte))
    }
}

/// Looks at the size, then maps the one page with the lesson's `Mapping`.
///
/// passes
mod one_page_by_mapping {
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        if offset >= file.metadata()?.len() {
            return Ok(None);
        }
        load_inside(file, offset).map(Some)
    }
}

/// Leaves the arithmetic to memmap2, which maps from the page boundary up to the byte and no further.
///
/// passes
mod one_byte_by_memmap2 {
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        if offset >= file.metadata()?.len() {
            return Ok(None);
        }
        // SAFETY: nobody truncates the file; the one byte is copied at once, and no reference to it is kept.
        let map = unsafe { MmapOptions::new().offset(offset).len(1).map(file) }?;
        Ok(map.first().copied())
    }
}

/// Maps the page privately and already populated, with a length of `skip + 1`, and asks the size by fstat(2) itself.
///
/// passes
mod private_populated_page {
    #![expect(
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        clippy::cast_sign_loss,
        reason = "it is for 64 bits, and casts as learners do"
    )]
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        let size = nix::sys::stat::fstat(file)?.st_size;
        let Some(offset) = i64::try_from(offset).ok().filter(|&offset| offset < size) else { return Ok(None) };
        let skip = offset.rem_euclid(page_size() as i64);
        let length = NonZeroUsize::MIN.saturating_add(skip as usize);
        let flags = MapFlags::MAP_PRIVATE | MapFlags::MAP_POPULATE;
        // SAFETY: without an address hint the kernel picks a free range.
        let start = unsafe { mmap(None, length, ProtFlags::PROT_READ, flags, file, offset - skip) }?;
        // SAFETY: `skip` is inside the mapping, and inside the file.
        let byte = unsafe { start.cast::<u8>().as_ptr().wrapping_add(skip as usize).read_volatile() };
        // SAFETY: the range was mapped above, and no pointer into it is used again.
        unsafe { munmap(start, length.get()) }?;
        Ok(Some(byte))
    }
}

/// Maps through a second descriptor, which it closes before it loads.
///
/// passes
mod maps_through_a_clone {
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        let clone = file.try_clone()?;
        if offset >= clone.metadata()?.len() {
            return Ok(None);
        }
        let (page, skip) = page_of(offset);
        let mapping = Mapping::of_file(&clone, page, skip + 1, ProtFlags::PROT_READ, Sharing::Shared)?;
        drop(clone);
        Ok(Some(mapping.load(skip)))
    }
}

/// Finds the size by seeking to the end, and leaves the file position there.
///
/// breaks: "its file offset (lseek(2)) and its lock (flock(2)) stay as they are"
/// fails: byte_at::leaves_descriptors_as_they_were failed
mod size_by_seeking {
    use super::*;

    pub fn byte_at(mut file: &File, offset: u64) -> io::Result<Option<u8>> {
        if offset >= file.seek(SeekFrom::End(0))? {
            return Ok(None);
        }
        load_inside(file, offset).map(Some)
    }
}

/// Converts the offset to an `off_t` first, and returns the failure of that as an error.
///
/// breaks: "`offset` may be any number, even one that an `off_t` can't hold."
/// fails: byte_at::reaches_as_far_as_files_do failed
mod off_t_before_size {
    #![expect(
        clippy::cast_possible_wrap,
        clippy::cast_sign_loss,
        reason = "it is for 64 bits, and casts as learners do"
    )]
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        let offset = i64::try_from(offset).map_err(|_| Errno::EOVERFLOW)?;
        if offset >= file.metadata()?.len() as i64 {
            return Ok(None);
        }
        load_inside(file, offset as u64).map(Some)
    }
}

/// Compares the end of the byte with the size, and that end overflows at u64::MAX.
///
/// breaks: "`offset` may be any number, even one that an `off_t` can't hold."
/// fails: byte_at::maps_one_page_and_unmaps_it panicked
/// fails: byte_at::reaches_as_far_as_files_do panicked
mod end_of_byte_overflows {
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        let size = file.metadata()?.len();
        if offset + 1 > size {
            return Ok(None);
        }
        load_inside(file, offset).map(Some)
    }
}

/// Takes the byte just past the end for one of the file: it is 0, or SIGBUS when the size is a multiple of the page.
///
/// breaks: "Returns None if the file ends at or before `offset`."
/// fails: byte_at::is_the_files_byte_or_none failed
mod the_end_is_inside {
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        if offset > file.metadata()?.len() {
            return Ok(None);
        }
        load_inside(file, offset).map(Some)
    }
}

/// Asks only whether the page begins inside the file, and so returns bytes from the rest of the last page.
///
/// breaks: "Returns None if the file ends at or before `offset`."
/// fails: byte_at::is_the_files_byte_or_none failed rest-is-file
mod rest_of_page_is_file {
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        let (page, skip) = page_of(offset);
        if page >= file.metadata()?.len() {
            return Ok(None);
        }
        load_inside(file, page + skip as u64).map(Some)
    }
}

/// Maps everything from the start of the file up to the byte.
///
/// breaks: "At most one page of the file is mapped, however large the file is."
/// fails: byte_at::maps_one_page_and_unmaps_it failed map-it-all
mod maps_up_to_the_byte {
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        if offset >= file.metadata()?.len() {
            return Ok(None);
        }
        let at = usize::try_from(offset).map_err(|_| Errno::ENOMEM)?;
        let mapping = Mapping::of_file(file, 0, at + 1, ProtFlags::PROT_READ, Sharing::Shared)?;
        Ok(Some(mapping.load(at)))
    }
}

/// Maps a page from the page boundary and adds the skip to that length, so a second page is mapped.
///
/// breaks: "At most one page of the file is mapped, however large the file is."
/// fails: byte_at::maps_one_page_and_unmaps_it failed
mod a_page_and_the_skip {
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        if offset >= file.metadata()?.len() {
            return Ok(None);
        }
        let (page, skip) = page_of(offset);
        let mapping = Mapping::of_file(file, page, skip + page_size(), ProtFlags::PROT_READ, Sharing::Shared)?;
        Ok(Some(mapping.load(skip)))
    }
}

/// Maps the page for the looks of it, and takes the byte from pread(2).
///
/// breaks: "No system call copies bytes of the file"
/// fails: byte_at::maps_one_page_and_unmaps_it failed read-is-as-good
mod maps_but_preads {
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        if offset >= file.metadata()?.len() {
            return Ok(None);
        }
        let _mapping = Mapping::of_file(file, page_of(offset).0, 1, ProtFlags::PROT_READ, Sharing::Shared)?;
        let mut byte = [0];
        file.read_exact_at(&mut byte, offset)?;
        Ok(Some(byte[0]))
    }
}

/// Has the kernel copy the byte to a memfd with sendfile(2), and maps that.
///
/// breaks: "No system call copies bytes of the file"
/// fails: byte_at::maps_one_page_and_unmaps_it failed read-is-as-good
mod maps_a_sendfile_copy {
    #![expect(clippy::cast_possible_wrap, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        if offset >= file.metadata()?.len() {
            return Ok(None);
        }
        let copy = File::from(memfd_create(c"byte", MFdFlags::MFD_CLOEXEC)?);
        let mut from = offset as i64;
        // SAFETY: both descriptors are open, and the kernel writes only to `from`.
        Errno::result(unsafe { libc::sendfile64(copy.as_raw_fd(), file.as_raw_fd(), &mut from, 1) })?;
        Ok(Some(Mapping::of_file(&copy, 0, 1, ProtFlags::PROT_READ, Sharing::Shared)?.load(0)))
    }
}

/// Gives munmap(2) the address of the byte: EINVAL unless the byte begins a page, and nobody looks at the result.
///
/// breaks: "When the call returns, nothing that it mapped is still mapped."
/// fails: byte_at::maps_one_page_and_unmaps_it failed
mod unmaps_at_the_byte {
    #![expect(clippy::cast_possible_wrap, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        if offset >= file.metadata()?.len() {
            return Ok(None);
        }
        let (page, skip) = page_of(offset);
        let length = NonZeroUsize::MIN.saturating_add(skip);
        // SAFETY: without an address hint the kernel picks a free range.
        let start = unsafe { mmap(None, length, ProtFlags::PROT_READ, MapFlags::MAP_SHARED, file, page as i64) }?;
        // SAFETY: `skip` is inside the mapping.
        let place = unsafe { start.byte_add(skip) };
        // SAFETY: the byte is inside the mapping and the file.
        let byte = unsafe { place.cast::<u8>().read_volatile() };
        // SAFETY: meant for the range that was mapped above; it may fail, and then it changes nothing.
        let _ = unsafe { munmap(place, 1) };
        Ok(Some(byte))
    }
}

/// Keeps the last page mapped in a static, and takes a page of the same number for the same page, whatever the file.
///
/// breaks: "When the call returns, nothing that it mapped is still mapped."
/// fails: byte_at::can_be_called_by_several_threads failed
/// fails: byte_at::each_call_looks_at_its_file failed
/// fails: byte_at::maps_one_page_and_unmaps_it failed
mod keeps_the_last_page {
    use super::*;

    static LAST: Mutex<Option<(u64, Mmap)>> = Mutex::new(None);

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        if offset >= file.metadata()?.len() {
            return Ok(None);
        }
        let (page, skip) = page_of(offset);
        let mut last = LAST.lock().unwrap();
        if last.as_ref().is_none_or(|(number, _)| *number != page) {
            // SAFETY: nobody truncates the file meanwhile, or so it is hoped.
            *last = Some((page, unsafe { MmapOptions::new().offset(page).len(page_size()).map(file) }?));
        }
        Ok(last.as_ref().map(|(_, map)| map[skip]))
    }
}

/// Asks the size of the first file once and believes it for all files and for ever.
///
/// breaks: "Returns None if the file ends at or before `offset`."
/// fails: byte_at::each_call_looks_at_its_file failed
mod remembers_the_size {
    use super::*;

    static SIZE: OnceLock<u64> = OnceLock::new();

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        let size = file.metadata()?.len();
        if offset >= *SIZE.get_or_init(|| size) {
            return Ok(None);
        }
        load_inside(file, offset).map(Some)
    }
}

/// Keeps the page's offset in 32 bits, so that past 4 GiB it loads a byte from another place.
///
/// breaks: "Loads the byte at `offset` of a regular file through a mapping."
/// fails: byte_at::reaches_as_far_as_files_do failed int-holds-a-size
mod page_offset_in_32_bits {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        if offset >= file.metadata()?.len() {
            return Ok(None);
        }
        let mask = !(page_size() as u32 - 1);
        let page = offset as u32 & mask;
        let skip = offset as usize % page_size();
        let mapping = Mapping::of_file(file, page.into(), skip + 1, ProtFlags::PROT_READ, Sharing::Shared)?;
        Ok(Some(mapping.load(skip)))
    }
}

/// Maps for reading and writing, which a file that is open for reading only refuses.
///
/// breaks: "`file` is open for reading, and perhaps for nothing else."
/// fails: byte_at::is_the_files_byte_or_none failed writing-is-free
mod maps_for_writing_too {
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        if offset >= file.metadata()?.len() {
            return Ok(None);
        }
        let (page, skip) = page_of(offset);
        Ok(Some(Mapping::of_file(file, page, skip + 1, READ_WRITE, Sharing::Shared)?.load(skip)))
    }
}

/// Compares the result of mmap(2) with NULL, and loads from address -1 and on when mmap(2) has failed.
///
/// breaks: "Those of the system calls, unchanged."
/// fails: byte_at::returns_the_error_of_a_mapping killed null-is-failure
mod null_is_failure {
    #![expect(clippy::cast_possible_wrap, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        if offset >= file.metadata()?.len() {
            return Ok(None);
        }
        let (page, skip) = page_of(offset);
        let (none, fd) = (std::ptr::null_mut(), file.as_raw_fd());
        // SAFETY: without an address hint the kernel picks a free range.
        let start = unsafe { libc::mmap(none, skip + 1, libc::PROT_READ, libc::MAP_SHARED, fd, page as i64) };
        if start.is_null() {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: inside the mapping, if there is one.
        let byte = unsafe { start.cast::<u8>().wrapping_add(skip).read_volatile() };
        // SAFETY: the range was mapped above.
        unsafe { libc::munmap(start, skip + 1) };
        Ok(Some(byte))
    }
}

/// Takes every failure of mmap(2) for "there is no such byte".
///
/// breaks: "Those of the system calls, unchanged."
/// fails: byte_at::returns_the_error_of_a_mapping failed
mod failure_is_none {
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        if offset >= file.metadata()?.len() {
            return Ok(None);
        }
        Ok(load_inside(file, offset).ok())
    }
}

/// Wraps the error of mmap(2) in a friendly text, which loses its errno and its kind.
///
/// breaks: "Those of the system calls, unchanged."
/// fails: byte_at::returns_the_error_of_a_mapping failed
mod friendly_error {
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        if offset >= file.metadata()?.len() {
            return Ok(None);
        }
        load_inside(file, offset)
            .map(Some)
            .map_err(|error| io::Error::other(format!("can't map the page with byte {offset}: {error}")))
    }
}

/// Takes the allocated blocks for the size: too little in a sparse file, too much in the last block.
///
/// breaks: "Returns None if the file ends at or before `offset`."
/// fails: byte_at::is_the_files_byte_or_none failed rest-is-file
mod size_from_blocks {
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        if offset >= file.metadata()?.blocks() * 512 {
            return Ok(None);
        }
        load_inside(file, offset).map(Some)
    }
}

/// Takes over the caller's descriptor to have a `File`, and closes it when that goes out of scope.
///
/// breaks: "The descriptor of `file` stays open"
/// fails: byte_at::each_call_looks_at_its_file killed
/// fails: byte_at::is_the_files_byte_or_none killed
/// fails: byte_at::leaves_descriptors_as_they_were failed
/// fails: byte_at::maps_one_page_and_unmaps_it killed
/// fails: byte_at::returns_the_error_of_a_mapping failed
mod closes_the_callers_file {
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        // SAFETY: the descriptor is open now; that somebody else owns it was overlooked.
        let own = unsafe { File::from_raw_fd(file.as_raw_fd()) };
        if offset >= own.metadata()?.len() {
            return Ok(None);
        }
        load_inside(&own, offset).map(Some)
    }
}

/// Maps a duplicate of the descriptor that is never closed: after some hundred calls, each fails with EMFILE.
///
/// breaks: "no other descriptor is left open"
/// fails: byte_at::leaves_descriptors_as_they_were failed
/// fails: byte_at::returns_the_error_of_a_mapping failed
mod leaks_a_descriptor {
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        let size = file.metadata()?.len();
        if offset >= size {
            return Ok(None);
        }
        let fd = file.try_clone()?.into_raw_fd();
        // SAFETY: the descriptor was made just now, and nothing ever closes it.
        let borrowed = unsafe { std::os::fd::BorrowedFd::borrow_raw(fd) };
        let (page, skip) = page_of(offset);
        Ok(Some(Mapping::of_file(borrowed, page, skip + 1, ProtFlags::PROT_READ, Sharing::Shared)?.load(skip)))
    }
}

/// Maps the one page shared and loads the byte.
///
/// passes
mod one_shared_page {
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        if offset >= file.metadata()?.len() {
            return Ok(None);
        }
        let (start, skip) = split(offset);
        Ok(Some(page_at(file, start)?.load(skip)))
    }
}

/// Maps privately, through a duplicate of the descriptor that it closes before the load.
///
/// passes
mod private_through_a_clone {
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        let clone = file.try_clone()?;
        if clone.metadata()?.len() <= offset {
            return Ok(None);
        }
        let (start, skip) = split(offset);
        let mapping = Mapping::of_file(&clone, start, skip + 1, ProtFlags::PROT_READ, Sharing::Private)?;
        drop(clone);
        let byte = mapping.load(skip);
        mapping.unmap()?;
        Ok(Some(byte))
    }
}

/// Lets memmap2 do the arithmetic, with a map of one byte, and asks for the size with fstat(2) of libc.
///
/// passes
mod memmap2_of_one_byte {
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        let stat = nix::sys::stat::fstat(file)?;
        if u64::try_from(stat.st_size).is_ok_and(|size| offset < size) {
            let map = MmapOptions::new().offset(offset).len(1).map_raw_read_only(file)?;
            // SAFETY: the map has one byte, which is inside the file.
            return Ok(Some(unsafe { map.as_ptr().read_volatile() }));
        }
        Ok(None)
    }
}

/// Unmaps by mapping PROT_NONE over its page first, which is its own, and loads a byte of a two-step mapping.
///
/// passes
mod replaces_its_own_reservation {
    #![expect(clippy::cast_possible_wrap, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        if offset >= file.metadata()?.len() {
            return Ok(None);
        }
        let (start, skip) = split(offset);
        let place = Mapping::anonymous(page_size(), ProtFlags::PROT_NONE, Sharing::Private)?;
        let at = ptr::with_exposed_provenance_mut(place.address());
        let flags = libc::MAP_SHARED | libc::MAP_FIXED;
        // SAFETY: replaces the page that `place` has just mapped.
        let page =
            unsafe { libc::mmap(at, page_size(), libc::PROT_READ, flags, file.as_raw_fd(), start as libc::off_t) };
        if page == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        Ok(Some(place.load(skip)))
    }
}

/// Maps the rest of the file from the page on: memmap2 without a length.
///
/// breaks: "At most one page of the file is mapped, however large the file is."
/// fails: byte_at::maps_one_page_and_unmaps_it failed map-it-all
mod memmap2_to_the_end {
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        if offset >= file.metadata()?.len() {
            return Ok(None);
        }
        // SAFETY: nobody truncates the file.
        let map = unsafe { MmapOptions::new().offset(offset).map(file) }?;
        Ok(map.first().copied())
    }
}

/// Maps the page after it, too, so that the next call would find it in memory.
///
/// breaks: "At most one page of the file is mapped, however large the file is."
/// fails: byte_at::maps_one_page_and_unmaps_it failed
mod reads_one_page_ahead {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        let size = file.metadata()?.len();
        if offset >= size {
            return Ok(None);
        }
        let (start, skip) = split(offset);
        let length = (size - start).min(2 * page_size_u64()) as usize;
        let mapping = Mapping::of_file(file, start, length, ProtFlags::PROT_READ, Sharing::Shared)?;
        Ok(Some(mapping.load(skip)))
    }
}

/// Takes the zero after the last byte for a byte of the file: `>` instead of `>=`.
///
/// breaks: "Returns None if the file ends at or before `offset`."
/// fails: byte_at::is_the_files_byte_or_none failed
mod one_past_the_end {
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        let size = file.metadata()?.len();
        let (start, skip) = split(offset);
        if offset > size || start == size {
            return Ok(None);
        }
        Ok(Some(page_at(file, start)?.load(skip)))
    }
}

/// Compares the page, not the byte, with the size.
///
/// breaks: "Returns None if the file ends at or before `offset`."
/// fails: byte_at::is_the_files_byte_or_none failed rest-is-file
mod compares_the_page {
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        let (start, skip) = split(offset);
        if start >= file.metadata()?.len() {
            return Ok(None);
        }
        Ok(Some(page_at(file, start)?.load(skip)))
    }
}

/// Converts the offset to an `off_t` before it looks at the size, so a large one is an error.
///
/// breaks: "`offset` may be any number, even one that an `off_t` can't hold."
/// fails: byte_at::reaches_as_far_as_files_do failed
mod off_t_first {
    #![expect(clippy::cast_sign_loss, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        let offset = libc::off_t::try_from(offset).map_err(|_| io::Error::from_raw_os_error(libc::EOVERFLOW))?;
        if offset as u64 >= file.metadata()?.len() {
            return Ok(None);
        }
        let (start, skip) = split(offset as u64);
        Ok(Some(page_at(file, start)?.load(skip)))
    }
}

/// Computes the end of the byte, which overflows for the largest offset.
///
/// breaks: "`offset` may be any number, even one that an `off_t` can't hold."
/// fails: byte_at::maps_one_page_and_unmaps_it panicked
/// fails: byte_at::reaches_as_far_as_files_do panicked
mod end_of_the_byte_overflows {
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        if offset + 1 > file.metadata()?.len() {
            return Ok(None);
        }
        let (start, skip) = split(offset);
        Ok(Some(page_at(file, start)?.load(skip)))
    }
}

/// Compares as signed numbers: an offset beyond 2^63 is negative, hence before the end.
///
/// breaks: "`offset` may be any number, even one that an `off_t` can't hold."
/// fails: byte_at::reaches_as_far_as_files_do failed
mod signed_comparison {
    #![expect(clippy::cast_possible_wrap, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        if offset as i64 >= file.metadata()?.len() as i64 {
            return Ok(None);
        }
        let (start, skip) = split(offset);
        Ok(Some(page_at(file, start)?.load(skip)))
    }
}

/// Counts pages in a u32, which is enough for files up to 16 TiB.
///
/// breaks: "`offset` may be any number, even one that an `off_t` can't hold."
/// fails: byte_at::reaches_as_far_as_files_do failed int-holds-a-size
mod page_number_in_32_bits {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        if offset >= file.metadata()?.len() {
            return Ok(None);
        }
        let page = (offset / page_size_u64()) as u32;
        let (_, skip) = split(offset);
        Ok(Some(page_at(file, u64::from(page) * page_size_u64())?.load(skip)))
    }
}

/// Gets the size with SEEK_END on a clone and believes that a clone has an offset of its own.
///
/// breaks: "The descriptor of `file` stays open, its file offset (lseek(2)) and its lock (flock(2)) stay as they are"
/// fails: byte_at::leaves_descriptors_as_they_were failed
mod seeks_on_a_clone {
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        let size = file.try_clone()?.seek(SeekFrom::End(0))?;
        if offset >= size {
            return Ok(None);
        }
        let (start, skip) = split(offset);
        Ok(Some(page_at(file, start)?.load(skip)))
    }
}

/// Seeks to the end and back, and leaves the offset at the end when two threads do so at the same time.
///
/// breaks: "its file offset (lseek(2)) and its lock (flock(2)) stay as they are"
/// fails: byte_at::leaves_descriptors_as_they_were failed
mod seeks_and_comes_back {
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        let mut file = file;
        let before = file.stream_position()?;
        let size = file.seek(SeekFrom::End(0))?;
        file.seek(SeekFrom::Start(before))?;
        if offset >= size {
            return Ok(None);
        }
        let (start, skip) = split(offset);
        Ok(Some(page_at(file, start)?.load(skip)))
    }
}

/// Locks the file against truncation; the unlocking also ends the lock that the caller held.
///
/// breaks: "its file offset (lseek(2)) and its lock (flock(2)) stay as they are"
/// fails: byte_at::leaves_descriptors_as_they_were failed
mod locks_and_unlocks {
    #![expect(clippy::incompatible_msrv, reason = "a newer Rust has it")]
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        file.lock_shared()?;
        let answer = (|| {
            if offset >= file.metadata()?.len() {
                return Ok(None);
            }
            let (start, skip) = split(offset);
            Ok(Some(page_at(file, start)?.load(skip)))
        })();
        file.unlock()?;
        answer
    }
}

/// Makes a File of the descriptor's number, which closes the caller's descriptor.
///
/// breaks: "The descriptor of `file` stays open"
/// fails: byte_at::each_call_looks_at_its_file killed
/// fails: byte_at::is_the_files_byte_or_none killed
/// fails: byte_at::leaves_descriptors_as_they_were failed
/// fails: byte_at::maps_one_page_and_unmaps_it killed
/// fails: byte_at::returns_the_error_of_a_mapping failed
mod closes_the_descriptor {
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        // SAFETY: the descriptor is open, but it is not ours to own.
        let same = unsafe { File::from_raw_fd(file.as_raw_fd()) };
        if offset >= same.metadata()?.len() {
            return Ok(None);
        }
        let (start, skip) = split(offset);
        Ok(Some(page_at(&same, start)?.load(skip)))
    }
}

/// Leaves its duplicate open in the one case that returns early.
///
/// breaks: "no other descriptor is left open"
/// fails: byte_at::leaves_descriptors_as_they_were failed
/// fails: byte_at::returns_the_error_of_a_mapping failed
mod duplicate_left_open_at_the_end {
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        let fd = file.try_clone()?.into_raw_fd();
        if offset >= file.metadata()?.len() {
            return Ok(None);
        }
        // SAFETY: the descriptor was duplicated just now and is owned by nobody.
        let clone = unsafe { File::from_raw_fd(fd) };
        let (start, skip) = split(offset);
        Ok(Some(page_at(&clone, start)?.load(skip)))
    }
}

/// Asks for a writable mapping, which a descriptor open for reading does not get.
///
/// breaks: "`file` is open for reading, and perhaps for nothing else."
/// fails: byte_at::is_the_files_byte_or_none failed writing-is-free
mod writable_mapping {
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        if offset >= file.metadata()?.len() {
            return Ok(None);
        }
        let (start, skip) = split(offset);
        Ok(Some(Mapping::of_file(file, start, page_size(), READ_WRITE, Sharing::Shared)?.load(skip)))
    }
}

/// Unmaps from the byte's address on: munmap(2) refuses an address inside a page, and nobody looks at the answer.
///
/// breaks: "When the call returns, nothing that it mapped is still mapped."
/// fails: byte_at::maps_one_page_and_unmaps_it failed
mod unmaps_from_the_byte {
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        if offset >= file.metadata()?.len() {
            return Ok(None);
        }
        let (start, skip) = split(offset);
        let page = raw_map(file, start, skip + 1)?;
        // SAFETY: inside the page just mapped.
        let byte = unsafe { page.add(skip) };
        // SAFETY: inside the page just mapped.
        let value = unsafe { byte.read_volatile() };
        // SAFETY: the kernel checks the address, and does not like it.
        unsafe { libc::munmap(byte.cast(), 1) };
        Ok(Some(value))
    }
}

/// Unmaps `skip` bytes and a page, which is a page more than it has mapped.
///
/// breaks: "munmap(2), mremap(2) and MAP_FIXED are used only on pages that this call has mapped"
/// fails: byte_at::maps_one_page_and_unmaps_it failed
/// fails: byte_at::returns_the_error_of_a_mapping failed
mod unmaps_a_page_too_many {
    #![expect(clippy::multiple_unsafe_ops_per_block, reason = "one block for all calls, as learners write it")]
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        if offset >= file.metadata()?.len() {
            return Ok(None);
        }
        let (start, skip) = split(offset);
        let page = raw_map(file, start, skip + 1)?;
        // SAFETY: inside the page just mapped.
        let value = unsafe { page.add(skip).read_volatile() };
        // SAFETY: the first page is ours; the second, when skip > 0, is not.
        unsafe { libc::munmap(page.cast(), skip + page_size()) };
        Ok(Some(value))
    }
}

/// Keeps the sizes of files in a static, by the number of the descriptor.
///
/// breaks: "The answer depends on the arguments and on the file as it is now, not on earlier calls."
/// fails: byte_at::each_call_looks_at_its_file failed
mod remembers_the_size_2 {
    use super::*;

    static SIZES: Mutex<Option<HashMap<(u64, u64), u64>>> = Mutex::new(None);

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        let data = file.metadata()?;
        let mut sizes = SIZES.lock().unwrap();
        let known = sizes.get_or_insert_default().entry((data.dev(), data.ino())).or_insert(data.len());
        let size = (*known).min(data.len());
        drop(sizes);
        if offset >= size {
            return Ok(None);
        }
        let (start, skip) = split(offset);
        Ok(Some(page_at(file, start)?.load(skip)))
    }
}

/// Keeps the last page mapped in a static, for the next call.
///
/// breaks: "When the call returns, nothing that it mapped is still mapped."
/// fails: byte_at::maps_one_page_and_unmaps_it failed
mod keeps_the_last_page_2 {
    use super::*;

    static LAST: Mutex<Option<Mmap>> = Mutex::new(None);

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        let mut last = LAST.lock().unwrap();
        *last = None;
        if offset >= file.metadata()?.len() {
            return Ok(None);
        }
        let (start, skip) = split(offset);
        // SAFETY: nobody truncates the file.
        let map = last.insert(unsafe { MmapOptions::new().offset(start).len(page_size()).map(file) }?);
        Ok(Some(map[skip]))
    }
}

/// Compares the result of mmap(2) with NULL, so that a failure ends in a load from address -1 + skip.
///
/// breaks: "When a system call fails, its error is returned unchanged"
/// fails: byte_at::returns_the_error_of_a_mapping killed null-is-failure
mod failure_is_null {
    #![expect(clippy::cast_possible_wrap, reason = "it is for 64 bits, and casts as learners do")]
    #![expect(clippy::multiple_unsafe_ops_per_block, reason = "one block for all calls, as learners write it")]
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        if offset >= file.metadata()?.len() {
            return Ok(None);
        }
        let (start, skip) = split(offset);
        let (fd, start) = (file.as_raw_fd(), start as libc::off_t);
        // SAFETY: without an address hint the kernel picks a free range.
        let page = unsafe { libc::mmap(ptr::null_mut(), page_size(), libc::PROT_READ, libc::MAP_SHARED, fd, start) };
        if page.is_null() {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: inside the page just mapped, if it was mapped.
        let byte = unsafe { page.cast::<u8>().add(skip).read_volatile() };
        // SAFETY: the page just mapped.
        unsafe { libc::munmap(page, page_size()) };
        Ok(Some(byte))
    }
}

/// Answers None when the page can't be mapped, as if the file ended there.
///
/// breaks: "Those of the system calls, unchanged."
/// fails: byte_at::returns_the_error_of_a_mapping failed
mod error_is_the_end {
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        if offset >= file.metadata()?.len() {
            return Ok(None);
        }
        let (start, skip) = split(offset);
        Ok(page_at(file, start).ok().map(|page| page.load(skip)))
    }
}

/// Wraps the errno in a message for the user.
///
/// breaks: "Those of the system calls, unchanged."
/// fails: byte_at::returns_the_error_of_a_mapping failed
mod wraps_the_error {
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        if offset >= file.metadata()?.len() {
            return Ok(None);
        }
        let (start, skip) = split(offset);
        let page = page_at(file, start).map_err(|error| io::Error::new(error.kind(), format!("mmap: {error}")))?;
        Ok(Some(page.load(skip)))
    }
}

/// Falls back on pread(2) when mmap(2) fails.
///
/// breaks: "No system call copies bytes of the file"
/// fails: byte_at::returns_the_error_of_a_mapping failed read-is-as-good
mod falls_back_on_pread {
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        if offset >= file.metadata()?.len() {
            return Ok(None);
        }
        let (start, skip) = split(offset);
        if let Ok(page) = page_at(file, start) {
            return Ok(Some(page.load(skip)));
        }
        let mut byte = [0];
        file.read_exact_at(&mut byte, offset)?;
        Ok(Some(byte[0]))
    }
}

/// Maps the page and lets process_vm_readv(2) load from it, which would answer EFAULT instead of raising SIGBUS.
///
/// breaks: "No system call copies bytes of the file: not [...] process_vm_readv(2)"
/// fails: byte_at::maps_one_page_and_unmaps_it failed
mod process_vm_readv_of_itself {
    use super::*;
    use nix::sys::uio::{RemoteIoVec, process_vm_readv};

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        if offset >= file.metadata()?.len() {
            return Ok(None);
        }
        let (start, skip) = split(offset);
        let page = page_at(file, start)?;
        let mut byte = [0];
        let remote = RemoteIoVec { base: page.address() + skip, len: 1 };
        process_vm_readv(nix::unistd::getpid(), &mut [io::IoSliceMut::new(&mut byte)], &[remote])?;
        Ok(Some(byte[0]))
    }
}

/// Takes a file's blocks for its size: a byte in a hole at the end is said to be past the end.
///
/// breaks: "Returns None if the file ends at or before `offset`."
/// fails: byte_at::is_the_files_byte_or_none failed
mod blocks_for_the_size {
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        let data = file.metadata()?;
        if offset >= data.len() || data.blocks() == 0 {
            return Ok(None);
        }
        let (start, skip) = split(offset);
        Ok(Some(page_at(file, start)?.load(skip)))
    }
}

/// Maps in a scoped thread.
///
/// breaks: "A call starts no thread and no process."
/// fails: byte_at::maps_one_page_and_unmaps_it failed
mod in_a_thread {
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        if offset >= file.metadata()?.len() {
            return Ok(None);
        }
        let (start, skip) = split(offset);
        let load = || page_at(file, start).map(|page| Some(page.load(skip)));
        std::thread::scope(|scope| scope.spawn(load).join().map_err(|_| io::Error::other("panicked"))?)
    }
}

/// Maps the page with the lesson's Mapping and unmaps it explicitly.
///
/// passes
mod page_with_mapping {
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        if offset >= file.metadata()?.len() {
            return Ok(None);
        }
        load(file, offset).map(Some)
    }
}

/// Maps a whole page, private, through a duplicate of the descriptor, which it closes before it loads the byte.
///
/// passes
mod private_through_a_duplicate {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        let file = file.try_clone()?;
        if offset >= file.metadata()?.len() {
            return Ok(None);
        }
        let skip = offset % page_size_u64();
        let mapping = Mapping::of_file(&file, offset - skip, page_size(), ProtFlags::PROT_READ, Sharing::Private)?;
        drop(file);
        Ok(Some(mapping.load(skip as usize)))
    }
}

/// Lets the lesson's Window decide whether the byte is inside, and turns its UnexpectedEof into None.
///
/// passes
mod window_says_where_it_ends {
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        let mut byte = [0];
        match Window::new(file, offset, 1, ProtFlags::PROT_READ) {
            Ok(window) => window.read(0, &mut byte),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error),
        }
        Ok(Some(byte[0]))
    }
}

/// Compares with > instead of >=, so the first byte after the file counts as one of it.
///
/// breaks: "Returns None if the file ends at or before `offset`"
/// fails: byte_at::is_the_files_byte_or_none failed
mod end_is_a_byte {
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        let size = file.metadata()?.len();
        if offset > size || size == 0 || offset == size && size.is_multiple_of(page_size_u64()) {
            return Ok(None);
        }
        load(file, offset).map(Some)
    }
}

/// Converts the offset to an off_t first, and fails with EOVERFLOW where the answer is None.
///
/// breaks: "`offset` may be any number, even one that an `off_t` can't hold"
/// fails: byte_at::reaches_as_far_as_files_do failed
mod converts_before_it_compares {
    #![expect(clippy::cast_possible_wrap, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        let signed = i64::try_from(offset).map_err(|_| Errno::EOVERFLOW)?;
        if signed >= file.metadata()?.len() as i64 {
            return Ok(None);
        }
        load(file, offset).map(Some)
    }
}

/// Computes the page number in 32 bits of byte offset, so that it loads from the wrong place beyond 4 GiB.
///
/// breaks: "Loads the byte at `offset` of a regular file"
/// fails: byte_at::reaches_as_far_as_files_do failed int-holds-a-size
mod boundary_in_32_bits {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        if offset >= file.metadata()?.len() {
            return Ok(None);
        }
        let boundary = offset as u32 & !(page_size() as u32 - 1);
        load(file, u64::from(boundary) + offset % page_size_u64()).map(Some)
    }
}

/// Adds the terminating byte of a C programmer to the length, which takes a second page at the last byte of a page.
///
/// breaks: "At most one page of the file is mapped, however large the file is"
/// fails: byte_at::maps_one_page_and_unmaps_it failed
mod one_byte_more {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        if offset >= file.metadata()?.len() {
            return Ok(None);
        }
        let skip = (offset % page_size_u64()) as usize;
        let boundary = offset - skip as u64;
        let mapping = Mapping::of_file(file, boundary, skip + 2, ProtFlags::PROT_READ, Sharing::Shared)?;
        Ok(Some(mapping.load(skip)))
    }
}

/// Finds the size with lseek(2) to the end, and then puts the offset back.
///
/// breaks: "Of `file`, its file offset (lseek(2)) and its lock (flock(2)) stay as they are, during the call, too"
/// fails: byte_at::leaves_descriptors_as_they_were failed
mod seeks_to_the_end_and_back {
    use super::*;
    use std::io::{Seek, SeekFrom};

    pub fn byte_at(mut file: &File, offset: u64) -> io::Result<Option<u8>> {
        let before = file.stream_position()?;
        let size = file.seek(SeekFrom::End(0))?;
        file.seek(SeekFrom::Start(before))?;
        if offset >= size {
            return Ok(None);
        }
        load(file, offset).map(Some)
    }
}

/// Unmaps at the address of the byte, which munmap(2) refuses unless the byte begins a page, and ignores the refusal.
///
/// breaks: "When the call returns, nothing that it mapped is still mapped"
/// fails: byte_at::maps_one_page_and_unmaps_it failed
mod unmaps_at_the_byte_2 {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        if offset >= file.metadata()?.len() {
            return Ok(None);
        }
        let skip = (offset % page_size_u64()) as usize;
        let mapping = Mapping::of_file(file, offset - skip as u64, skip + 1, ProtFlags::PROT_READ, Sharing::Shared)?;
        let byte = mapping.load(skip);
        let at = mapping.address() + skip;
        std::mem::forget(mapping);
        // SAFETY: the address is inside a mapping that nothing else uses.
        unsafe { libc::munmap(std::ptr::with_exposed_provenance_mut(at), 1) };
        Ok(Some(byte))
    }
}

/// Keeps the last page mapped for the next call of the thread, as an optimisation.
///
/// breaks: "When the call returns, nothing that it mapped is still mapped"
/// fails: byte_at::maps_one_page_and_unmaps_it failed
mod keeps_the_last_page_3 {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;
    use std::cell::RefCell;

    thread_local! {
        static LAST: RefCell<Option<(u64, u64, u64, Mapping)>> = const { RefCell::new(None) };
    }

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        let status = file.metadata()?;
        if offset >= status.len() {
            return Ok(None);
        }
        let skip = offset % page_size_u64();
        let key = (status.dev(), status.ino(), offset - skip);
        LAST.with_borrow_mut(|last| {
            if last.as_ref().is_none_or(|l| (l.0, l.1, l.2) != key) {
                *last = None;
                let mapping = Mapping::of_file(file, key.2, 1, ProtFlags::PROT_READ, Sharing::Shared)?;
                *last = Some((key.0, key.1, key.2, mapping));
            }
            Ok(last.as_ref().map(|l| l.3.load(skip as usize)))
        })
    }
}

/// Takes the allocated blocks for the size, so that the holes at the end of a sparse file are missing.
///
/// breaks: "Returns None if the file ends at or before `offset`"
/// fails: byte_at::reaches_as_far_as_files_do failed
mod size_in_blocks {
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        let status = file.metadata()?;
        if offset >= status.len() || offset >= status.blocks() * 512 && status.blocks() > 0 {
            return Ok(None);
        }
        load(file, offset).map(Some)
    }
}

/// Falls back to pread(2) when the file can't be mapped.
///
/// breaks: "No system call copies bytes of the file"
/// fails: byte_at::returns_the_error_of_a_mapping failed read-is-as-good
mod pread_when_mmap_fails {
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        if offset >= file.metadata()?.len() {
            return Ok(None);
        }
        load(file, offset).map(Some).or_else(|_| {
            let mut byte = [0];
            Ok((file.read_at(&mut byte, offset)? == 1).then_some(byte[0]))
        })
    }
}

/// Opens the file's path again for the size and the page, but a file can have lost its name.
///
/// breaks: "Loads the byte at `offset` of a regular file"
/// fails: byte_at::is_the_files_byte_or_none failed
mod opens_the_path_again {
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        let path = std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd()))?;
        let again = File::open(path)?;
        if offset >= again.metadata()?.len() {
            return Ok(None);
        }
        load(&again, offset).map(Some)
    }
}

/// Maps every page at the address that was free in the first call, where by now something else may be mapped.
///
/// breaks: "MAP_FIXED are used only on pages that this call has mapped"
/// may fail: byte_at::can_be_called_by_several_threads killed
/// fails: byte_at::maps_one_page_and_unmaps_it failed
/// fails: byte_at::returns_the_error_of_a_mapping failed
/// may fail: byte_at::can_be_called_by_several_threads failed
mod one_slot_for_all {
    #![expect(clippy::multiple_unsafe_ops_per_block, reason = "one block for all calls, as learners write it")]
    #![expect(
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        reason = "it is for 64 bits, and casts as learners do"
    )]
    use super::*;

    static SLOT: OnceLock<usize> = OnceLock::new();

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        if offset >= file.metadata()?.len() {
            return Ok(None);
        }
        let slot = *SLOT
            .get_or_init(|| Mapping::anonymous(1, ProtFlags::PROT_NONE, Sharing::Private).map_or(0, |m| m.address()));
        let skip = offset % page_size_u64();
        let (address, flags) = (std::ptr::with_exposed_provenance_mut(slot), libc::MAP_SHARED | libc::MAP_FIXED);
        // SAFETY: the address was free once; others may use it now, so this is not sound.
        let start = unsafe {
            libc::mmap(address, page_size(), libc::PROT_READ, flags, file.as_raw_fd(), (offset - skip) as i64)
        };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the byte is inside the page that was mapped just now.
        let byte = unsafe { start.cast::<u8>().add(skip as usize).read_volatile() };
        // SAFETY: this is the page from above.
        unsafe { libc::munmap(start, page_size()) };
        Ok(Some(byte))
    }
}

/// Duplicates the descriptor and closes the duplicate only where it loads a byte.
///
/// breaks: "The descriptor of `file` stays open, and no other descriptor is left open"
/// fails: byte_at::leaves_descriptors_as_they_were failed
/// fails: byte_at::returns_the_error_of_a_mapping failed
mod leaves_the_duplicate_at_the_end {
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        let duplicate = file.try_clone()?.into_raw_fd();
        if offset >= file.metadata()?.len() {
            return Ok(None);
        }
        // SAFETY: the descriptor was made above, and nothing else owns it.
        let duplicate = unsafe { File::from_raw_fd(duplicate) };
        load(&duplicate, offset).map(Some)
    }
}

/// Takes a failing fstat(2) for an empty file.
///
/// breaks: "When a system call fails, its error is returned unchanged"
/// fails: byte_at::returns_the_error_of_a_mapping failed
mod no_size_is_an_empty_file {
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        if offset >= file.metadata().map_or(0, |metadata| metadata.len()) {
            return Ok(None);
        }
        Ok(Some(load_inside(file, offset)?))
    }
}

/// Takes a second descriptor and panics when there is none.
///
/// breaks: "Those of the system calls, unchanged"
/// fails: byte_at::returns_the_error_of_a_mapping panicked
mod expects_a_duplicate {
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        let file = file.try_clone().expect("a process has descriptors enough");
        if offset >= file.metadata()?.len() {
            return Ok(None);
        }
        Ok(Some(load_inside(&file, offset)?))
    }
}

/// Keeps the byte for as long as the file's size and time are the same.
///
/// breaks: "The answer depends on the arguments and on the file as it is now, not on earlier calls."
/// fails: byte_at::each_call_looks_at_its_file failed
mod remembers_the_byte_of_that_time {
    use super::*;

    type Key = (u64, u64, u64, u64, i64, i64);

    static LAST: Mutex<Option<(Key, Option<u8>)>> = Mutex::new(None);

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        let now = file.metadata()?;
        let key = (now.dev(), now.ino(), offset, now.len(), now.mtime(), now.mtime_nsec());
        let mut last = LAST.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match *last {
            Some((of, byte)) if of == key => Ok(byte),
            _ => {
                let byte = if offset < now.len() { Some(load_inside(file, offset)?) } else { None };
                *last = Some((key, byte));
                Ok(byte)
            }
        }
    }
}

/// Remembers the size of the file by the number of its descriptor, to save an fstat(2).
///
/// breaks: "The answer depends on the arguments and on the file as it is now, not on earlier calls."
/// fails: byte_at::each_call_looks_at_its_file killed
mod size_by_descriptor {
    use super::*;

    static KNOWN: Mutex<Option<(i32, u64)>> = Mutex::new(None);

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        let mut known = KNOWN.lock().expect("no other thread panics");
        let size = match *known {
            Some((fd, size)) if fd == file.as_raw_fd() && offset < size => size,
            _ => file.metadata()?.len(),
        };
        *known = Some((file.as_raw_fd(), size));
        if offset < size { load_inside(file, offset).map(Some) } else { Ok(None) }
    }
}

/// Avoids a slow access to the disk: takes a page that is not in the page cache for zeros.
///
/// breaks: "Loads the byte at `offset` of a regular file through a mapping."
/// may fail: byte_at::is_the_files_byte_or_none failed
mod zeros_without_the_disk {
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        if offset >= file.metadata()?.len() {
            return Ok(None);
        }
        let (start, skip) = page_of(offset);
        let mapping = page_at(file, start)?;
        let cached = mmap_workbook::observe::in_page_cache(mapping.range())?;
        Ok(Some(if cached[0] { mapping.load(skip) } else { 0 }))
    }
}

/// Takes a zero in the last page for the rest of that page, after the end of the file.
///
/// breaks: "Loads the byte at `offset` of a regular file through a mapping."
/// fails: byte_at::is_the_files_byte_or_none failed
mod zero_is_the_rest {
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        let size = file.metadata()?.len();
        if offset >= size.next_multiple_of(page_size_u64()) {
            return Ok(None);
        }
        let in_last_page = offset / page_size_u64() == size / page_size_u64();
        Ok(Some(load_inside(file, offset)?).filter(|byte| *byte != 0 || !in_last_page))
    }
}

/// Maps before it asks for the size, and forgets the page when the byte is past the end of the file.
///
/// breaks: "When the call returns, nothing that it mapped is still mapped."
/// fails: byte_at::maps_one_page_and_unmaps_it failed
mod stays_mapped_when_there_is_none {
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        let (start, skip) = page_of(offset);
        let page = page_at(file, start);
        if offset >= file.metadata()?.len() {
            std::mem::forget(page);
            return Ok(None);
        }
        Ok(Some(page?.load(skip)))
    }
}

/// Maps before it asks for the size, and leaves the page mapped when it can't be asked for.
///
/// breaks: "When a system call fails, its error is returned unchanged, and nothing is mapped in addition."
/// fails: byte_at::returns_the_error_of_a_mapping failed
mod stays_mapped_without_a_size {
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        let Ok(boundary) = i64::try_from(page_of(offset).0) else { return Ok(None) };
        // SAFETY: the kernel picks a free range.
        let start = unsafe {
            libc::mmap(ptr::null_mut(), page_size(), libc::PROT_READ, libc::MAP_SHARED, file.as_raw_fd(), boundary)
        };
        let mapped = io::Error::last_os_error();
        let inside = offset < file.metadata()?.len();
        if start == libc::MAP_FAILED {
            return if inside { Err(mapped) } else { Ok(None) };
        }
        // SAFETY: inside the file, so the page has this byte.
        let byte = inside.then(|| unsafe { load_at(start.expose_provenance() + page_of(offset).1) });
        // SAFETY: the page is this call's own.
        unsafe { libc::munmap(start, page_size()) };
        Ok(byte)
    }
}

/// Maps from a multiple of 64 KiB on, which is a page boundary whatever the page size is.
///
/// breaks: "At most one page of the file is mapped, however large the file is."
/// fails: byte_at::maps_one_page_and_unmaps_it failed
mod largest_page_there_is {
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        if offset >= file.metadata()?.len() {
            return Ok(None);
        }
        let skip = usize::try_from(offset % (64 << 10)).map_err(io::Error::other)?;
        let start = offset - offset % (64 << 10);
        let mapping = Mapping::of_file(file, start, skip + 1, ProtFlags::PROT_READ, Sharing::Shared)?;
        Ok(Some(mapping.load(skip)))
    }
}

/// Maps the page first, and asks afterwards whether it is in the file.
///
/// passes
mod maps_before_it_asks {
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        let (start, skip) = page_of(offset);
        match page_at(file, start) {
            Ok(page) if offset < file.metadata()?.len() => Ok(Some(page.load(skip))),
            Err(error) if offset < file.metadata()?.len() => Err(error),
            _ => Ok(None),
        }
    }
}

/// Remembers the size of each file by its descriptor.
///
/// breaks: "The answer depends on the arguments and on the file as it is now, not on earlier calls."
/// fails: byte_at::each_call_looks_at_its_file killed
mod sizes_by_descriptor {
    use super::*;

    static SIZES: Mutex<Option<HashMap<i32, u64>>> = Mutex::new(None);

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        let mut sizes = SIZES.lock().map_err(|_| Errno::EIO)?;
        let known = sizes.get_or_insert_default().get(&file.as_raw_fd()).copied();
        let size = known.map_or_else(|| file.metadata().map(|now| now.len()), Ok)?;
        sizes.get_or_insert_default().insert(file.as_raw_fd(), size);
        if offset >= size { Ok(None) } else { load_inside(file, offset).map(Some) }
    }
}

/// Has write(2) copy the byte from the page into a pipe, which can't raise SIGBUS.
///
/// breaks: "No system call copies bytes of the file"
/// fails: byte_at::maps_one_page_and_unmaps_it failed
mod through_a_pipe {
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        if offset >= file.metadata()?.len() {
            return Ok(None);
        }
        let (start, skip) = page_of(offset);
        let page = page_at(file, start)?;
        let (mut reader, writer) = io::pipe()?;
        let byte = ptr::with_exposed_provenance(page.address() + skip);
        // SAFETY: write(2) checks the address itself.
        Errno::result(unsafe { libc::write(writer.as_raw_fd(), byte, 1) })?;
        let mut byte = [0];
        reader.read_exact(&mut byte)?;
        Ok(Some(byte[0]))
    }
}

/// Reads the byte of the mapping from /proc/self/mem.
///
/// breaks: "No system call copies bytes of the file"
/// fails: byte_at::maps_one_page_and_unmaps_it failed
mod from_the_processs_memory {
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        if offset >= file.metadata()?.len() {
            return Ok(None);
        }
        let (start, skip) = page_of(offset);
        let page = page_at(file, start)?;
        let mut byte = [0];
        File::open("/proc/self/mem")?.read_exact_at(&mut byte, (page.address() + skip) as u64)?;
        Ok(Some(byte[0]))
    }
}

/// Maps at an address of its own, without replacing anything, and returns EEXIST when something is there.
///
/// breaks: "After EEXIST (MAP_FIXED_NOREPLACE) a call tries other addresses: to be too late is no answer."
/// fails: byte_at::can_be_called_by_several_threads failed
mod one_address_that_is_free {
    use super::*;

    #[expect(clippy::cast_possible_wrap, reason = "it is for 64 bits, and casts as learners do")]
    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        if offset >= file.metadata()?.len() {
            return Ok(None);
        }
        let (start, skip) = page_of(offset);
        let (at, fd) = (ptr::with_exposed_provenance_mut(0x2000_0000_0000), file.as_raw_fd());
        let flags = libc::MAP_SHARED | libc::MAP_FIXED_NOREPLACE;
        // SAFETY: it replaces nothing.
        let page = unsafe { libc::mmap(at, page_size(), libc::PROT_READ, flags, fd, start as libc::off_t) };
        if page == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the page has this byte.
        let byte = unsafe { load_at(page.expose_provenance() + skip) };
        // SAFETY: the page is this call's own.
        unsafe { libc::munmap(page, page_size()) };
        Ok(Some(byte))
    }
}

/// Keeps the byte in a static variable while it unmaps the page.
///
/// breaks: "But several threads may make calls at the same time."
/// fails: byte_at::can_be_called_by_several_threads failed
mod byte_in_a_static {
    use super::*;

    static BYTE: AtomicU8 = AtomicU8::new(0);

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        if offset >= file.metadata()?.len() {
            return Ok(None);
        }
        let (start, skip) = page_of(offset);
        let page = page_at(file, start)?;
        BYTE.store(page.load(skip), Ordering::Relaxed);
        drop(page);
        Ok(Some(BYTE.load(Ordering::Relaxed)))
    }
}

/// Panics when the page can't be unmapped.
///
/// breaks: "When a system call fails, its error is returned unchanged, and nothing is mapped in addition."
/// fails: byte_at::returns_the_error_of_a_mapping panicked
mod expects_munmap {
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        if offset >= file.metadata()?.len() {
            return Ok(None);
        }
        let (start, skip) = page_of(offset);
        let page = page_at(file, start)?;
        let byte = page.load(skip);
        page.unmap().expect("a page can be unmapped");
        Ok(Some(byte))
    }
}

/// Follows the last hint, line by line.
///
/// passes
mod byte_at_as_the_hint_says {
    use super::*;

    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
        let size = file.metadata()?.len();
        if offset >= size {
            return Ok(None);
        }
        let boundary = offset - offset % page_size_u64();
        let skip = usize::try_from(offset - boundary).map_err(io::Error::other)?;
        let mapping = Mapping::of_file(file, boundary, skip + 1, ProtFlags::PROT_READ, Sharing::Shared)?;
        Ok(Some(mapping.load(skip)))
    }
}

one_of! {
    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>>;
    always_one close_is_enough end_is_inside offset_anywhere offset_in_an_int reads_instead whole_file_and_no_munmap
    one_page_by_mapping one_byte_by_memmap2 private_populated_page maps_through_a_clone size_by_seeking
    off_t_before_size end_of_byte_overflows the_end_is_inside rest_of_page_is_file maps_up_to_the_byte
    a_page_and_the_skip maps_but_preads maps_a_sendfile_copy unmaps_at_the_byte keeps_the_last_page remembers_the_size
    page_offset_in_32_bits maps_for_writing_too null_is_failure failure_is_none friendly_error size_from_blocks
    closes_the_callers_file leaks_a_descriptor one_shared_page private_through_a_clone memmap2_of_one_byte
    replaces_its_own_reservation memmap2_to_the_end reads_one_page_ahead one_past_the_end compares_the_page off_t_first
    end_of_the_byte_overflows signed_comparison page_number_in_32_bits seeks_on_a_clone seeks_and_comes_back
    locks_and_unlocks closes_the_descriptor duplicate_left_open_at_the_end writable_mapping unmaps_from_the_byte
    unmaps_a_page_too_many remembers_the_size_2 keeps_the_last_page_2 failure_is_null error_is_the_end wraps_the_error
    falls_back_on_pread process_vm_readv_of_itself blocks_for_the_size in_a_thread page_with_mapping
    private_through_a_duplicate window_says_where_it_ends end_is_a_byte converts_before_it_compares boundary_in_32_bits
    one_byte_more seeks_to_the_end_and_back unmaps_at_the_byte_2 keeps_the_last_page_3 size_in_blocks
    pread_when_mmap_fails opens_the_path_again one_slot_for_all leaves_the_duplicate_at_the_end no_size_is_an_empty_file
    expects_a_duplicate remembers_the_byte_of_that_time size_by_descriptor zeros_without_the_disk zero_is_the_rest
    stays_mapped_when_there_is_none stays_mapped_without_a_size largest_page_there_is maps_before_it_asks
    sizes_by_descriptor through_a_pipe from_the_processs_memory one_address_that_is_free byte_in_a_static expects_munmap
    byte_at_as_the_hint_says
}
