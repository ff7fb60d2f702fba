//! Answers to `grow`, right and wrong.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, fallocate, posix_fallocate};
use nix::unistd::{ForkResult, fork, pause};

/// Forgets the old mapping without unmapping it.
///
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
/// fails: grow::the_mapping_shows_the_longer_file left_processes
/// fails: grow::the_space_is_reserved left_processes
/// fails: grow::processes_that_mapped_it_before_still_share_it left_processes
/// fails: grow::the_old_mapping_is_unmapped left_processes
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
/// fails: grow::the_space_is_reserved failed size-reserves-room
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
/// fails: grow::the_mapping_shows_the_longer_file failed
/// fails: grow::the_space_is_reserved failed size-reserves-room
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

one_of! {
    pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()>;
    forgets_the_old_mapping keeps_the_old_mapping leaves_a_child_behind moves_to_a_copy reserves_only_what_is_new
    sets_the_length_only stays_grown_when_it_fails writes_a_byte_at_the_end
}
