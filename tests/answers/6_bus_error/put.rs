//! Answers to `put`, right and wrong.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use mmap_workbook::lesson_6::Guarded;
use mmap_workbook::observe::page_size_u64;
use nix::errno::Errno;
use nix::fcntl::posix_fallocate;
use nix::sys::statvfs::fstatvfs;

/// Makes the file longer, then reserves the blocks, and leaves it so when there are none.
///
/// fails: put::a_full_disk_is_an_error_and_changes_nothing failed an-error-undoes
/// fails: put::changes_nothing_for_no_bytes_and_for_what_it_refuses failed an-error-undoes
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
/// fails: put::changes_nothing_for_no_bytes_and_for_what_it_refuses failed an-error-undoes
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
/// fails: put::changes_nothing_for_no_bytes_and_for_what_it_refuses failed an-error-undoes
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
/// fails: put::changes_nothing_for_no_bytes_and_for_what_it_refuses failed an-error-undoes
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
/// fails: put::changes_nothing_for_no_bytes_and_for_what_it_refuses failed an-error-undoes
/// fails: put::goes_through_a_mapping_and_leaves_none failed
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
/// fails: put::changes_nothing_for_no_bytes_and_for_what_it_refuses failed an-error-undoes
/// fails: put::goes_through_a_mapping_and_leaves_none failed
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
/// fails: put::goes_through_a_mapping_and_leaves_none failed
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

one_of! {
    pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()>;
    leaves_the_new_size looks_at_the_free_space reserves_from_the_start sets_the_size_only stores_to_a_private_mapping
    stores_with_the_lessons_guard writes_a_byte_at_the_end writes_instead_of_storing
}
