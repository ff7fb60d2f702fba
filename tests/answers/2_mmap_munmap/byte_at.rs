use std::fs::File;
use std::io::{self, Seek, SeekFrom};
use std::num::NonZeroUsize;
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::sync::{Mutex, OnceLock};

use memmap2::{Mmap, MmapOptions};
use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use mmap_workbook::observe::{page_size, page_size_u64};
use nix::errno::Errno;
use nix::libc;
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};

/// The offset of the page with this byte, and the byte's place in it.
fn page_of(offset: u64) -> (u64, usize) {
    let skip = offset % page_size_u64();
    (offset - skip, skip as usize)
}

/// Loads a byte that is inside the file.
fn load_inside(file: &File, offset: u64) -> io::Result<u8> {
    let (page, skip) = page_of(offset);
    Ok(Mapping::of_file(file, page, page_size(), ProtFlags::PROT_READ, Sharing::Shared)?.load(skip))
}

/// Returns a constant.
///
/// fails: byte_at::each_call_looks_at_its_file failed
/// fails: byte_at::is_the_files_byte_or_none failed
/// fails: byte_at::maps_one_page_and_unmaps_it failed
/// fails: byte_at::reaches_as_far_as_files_do failed
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
/// fails: byte_at::is_the_files_byte_or_none failed rest-is-file
/// fails: byte_at::reaches_as_far_as_files_do killed mapped-is-there
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
/// fails: byte_at::each_call_looks_at_its_file failed
/// fails: byte_at::is_the_files_byte_or_none failed any-offset
/// fails: byte_at::maps_one_page_and_unmaps_it failed
/// fails: byte_at::reaches_as_far_as_files_do failed any-offset
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
/// fails: byte_at::is_the_files_byte_or_none failed rest-is-file
/// fails: byte_at::reaches_as_far_as_files_do killed mapped-is-there
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
/// fails: byte_at::reaches_as_far_as_files_do failed writing-is-free
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
/// fails: byte_at::reaches_as_far_as_files_do failed
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
/// fails: byte_at::leaves_descriptors_as_they_were failed
/// fails: byte_at::maps_one_page_and_unmaps_it killed
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

one_of! {
    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>>;
    always_one close_is_enough end_is_inside offset_anywhere offset_in_an_int reads_instead whole_file_and_no_munmap
    one_page_by_mapping one_byte_by_memmap2 private_populated_page maps_through_a_clone size_by_seeking
    off_t_before_size end_of_byte_overflows the_end_is_inside rest_of_page_is_file maps_up_to_the_byte
    a_page_and_the_skip maps_but_preads maps_a_sendfile_copy unmaps_at_the_byte keeps_the_last_page remembers_the_size
    page_offset_in_32_bits maps_for_writing_too null_is_failure failure_is_none friendly_error size_from_blocks
    closes_the_callers_file leaks_a_descriptor
}
