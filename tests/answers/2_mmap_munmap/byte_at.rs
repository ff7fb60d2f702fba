//! Answers to `byte_at`, right and wrong.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use mmap_workbook::lesson_2::{Mapping, Sharing};
use mmap_workbook::observe::page_size_u64;
use nix::sys::mman::ProtFlags;

/// Returns a constant.
///
/// fails: byte_at::is_the_files_byte_or_none failed
/// fails: byte_at::reaches_as_far_as_files_do failed int-holds-a-size
/// fails: byte_at::maps_one_page_and_unmaps_it failed
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
/// fails: byte_at::is_the_files_byte_or_none failed any-offset
/// fails: byte_at::reaches_as_far_as_files_do failed any-offset
/// fails: byte_at::maps_one_page_and_unmaps_it failed
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

one_of! {
    pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>>;
    always_one close_is_enough end_is_inside offset_anywhere offset_in_an_int reads_instead whole_file_and_no_munmap
}
