//! Answers to `receive_sealed`, right and wrong.

use std::io::{self, Seek, SeekFrom};
use std::os::unix::net::UnixStream;

use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use mmap_workbook::lesson_5::receive_file;
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::mman::ProtFlags;

/// Ends the process when the sender can't be trusted.
///
/// fails: receive_sealed::both_seals_are_needed_and_no_others killed
/// fails: receive_sealed::nothing_of_a_refused_file_stays killed
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused killed
mod aborts_on_a_bad_sender {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        match crate::solution::receive_sealed(socket, at_most) {
            Err(error) if error.kind() == io::ErrorKind::InvalidData => std::process::abort(),
            answer => answer,
        }
    }
}

/// Asks for F_SEAL_SHRINK alone: the bytes may change while they are read.
///
/// fails: receive_sealed::both_seals_are_needed_and_no_others failed any-seal-will-do
mod asks_for_shrink_alone {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        let seals = fcntl(&file, FcntlArg::F_GET_SEALS).map_err(|_| io::ErrorKind::InvalidData)?;
        let seals = SealFlag::from_bits_retain(seals);
        if !seals.contains(SealFlag::F_SEAL_SHRINK) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let length = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
        if length == 0 || length > at_most {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(Mapping::of_file(&file, 0, length, ProtFlags::PROT_READ, Sharing::Private)?)
    }
}

/// Asks for the length first, and then for the seal that would keep it.
///
/// fails: receive_sealed::the_length_is_asked_for_when_it_can_no_longer_shrink failed a-length-stays
mod asks_for_the_length_first {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        let size = file.metadata()?.len();
        let seals = fcntl(&file, FcntlArg::F_GET_SEALS).map_err(|_| io::ErrorKind::InvalidData)?;
        let seals = SealFlag::from_bits_retain(seals);
        if !seals.contains(SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_WRITE) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let length = usize::try_from(size).map_err(io::Error::other)?;
        if length == 0 || length > at_most {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(Mapping::of_file(&file, 0, length, ProtFlags::PROT_READ, Sharing::Private)?)
    }
}

/// Copies the bytes and maps the copy.
///
/// fails: receive_sealed::a_sealed_file_is_mapped failed
mod copies_the_file {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let mapping = crate::solution::receive_sealed(socket, at_most)?;
        let copy = Mapping::anonymous(mapping.length(), READ_WRITE, Sharing::Private)?;
        for at in 0..mapping.length() {
            copy.store(at, mapping.load(at));
        }
        Ok(copy)
    }
}

/// Accepts any file that can be mapped.
///
/// fails: receive_sealed::both_seals_are_needed_and_no_others failed any-seal-will-do
/// fails: receive_sealed::the_length_is_asked_for_when_it_can_no_longer_shrink failed any-seal-will-do
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
mod does_not_ask_for_seals {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        let length = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
        if length == 0 || length > at_most {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(Mapping::of_file(&file, 0, length, ProtFlags::PROT_READ, Sharing::Private)?)
    }
}

/// Does not close the file that it refuses.
///
/// fails: receive_sealed::nothing_of_a_refused_file_stays failed
mod keeps_what_it_refuses {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        let seals = fcntl(&file, FcntlArg::F_GET_SEALS).map_err(|_| io::ErrorKind::InvalidData)?;
        let seals = SealFlag::from_bits_retain(seals);
        if !seals.contains(SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_WRITE) {
            std::mem::forget(file);
            return Err(io::ErrorKind::InvalidData.into());
        }
        let length = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
        if length == 0 || length > at_most {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(Mapping::of_file(&file, 0, length, ProtFlags::PROT_READ, Sharing::Private)?)
    }
}

/// Maps the file shared, which older kernels refuse for a write-sealed file.
///
/// fails: receive_sealed::a_sealed_file_is_mapped failed
mod maps_it_shared {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        let seals = fcntl(&file, FcntlArg::F_GET_SEALS).map_err(|_| io::ErrorKind::InvalidData)?;
        let seals = SealFlag::from_bits_retain(seals);
        if !seals.contains(SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_WRITE) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let length = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
        if length == 0 || length > at_most {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(Mapping::of_file(&file, 0, length, ProtFlags::PROT_READ, Sharing::Shared)?)
    }
}

/// Adds the seals itself, to a file that is not its own.
///
/// fails: receive_sealed::both_seals_are_needed_and_no_others failed any-seal-will-do
mod seals_it_itself {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        // A file that can't be sealed is refused below.
        let _ = fcntl(&file, FcntlArg::F_ADD_SEALS(SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_WRITE));
        let seals = fcntl(&file, FcntlArg::F_GET_SEALS).map_err(|_| io::ErrorKind::InvalidData)?;
        let seals = SealFlag::from_bits_retain(seals);
        if !seals.contains(SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_WRITE) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let length = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
        if length == 0 || length > at_most {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(Mapping::of_file(&file, 0, length, ProtFlags::PROT_READ, Sharing::Private)?)
    }
}

/// Asks for the length with lseek(2), which moves the sender's offset as well.
///
/// fails: receive_sealed::a_sealed_file_is_mapped failed each-descriptor-has-its-offset
mod seeks_to_the_end {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let mut file = receive_file(socket)?;
        let seals = fcntl(&file, FcntlArg::F_GET_SEALS).map_err(|_| io::ErrorKind::InvalidData)?;
        let seals = SealFlag::from_bits_retain(seals);
        if !seals.contains(SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_WRITE) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let length = usize::try_from(file.seek(SeekFrom::End(0))?).map_err(io::Error::other)?;
        if length == 0 || length > at_most {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(Mapping::of_file(&file, 0, length, ProtFlags::PROT_READ, Sharing::Private)?)
    }
}

/// Takes F_SEAL_FUTURE_WRITE for F_SEAL_WRITE: the sender can still store through mappings that it has.
///
/// fails: receive_sealed::both_seals_are_needed_and_no_others failed future-write-is-write
mod takes_future_write_for_write {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        let seals = fcntl(&file, FcntlArg::F_GET_SEALS).map_err(|_| io::ErrorKind::InvalidData)?;
        let seals = SealFlag::from_bits_retain(seals);
        if !seals.contains(SealFlag::F_SEAL_SHRINK)
            || !seals.intersects(SealFlag::F_SEAL_WRITE | SealFlag::F_SEAL_FUTURE_WRITE)
        {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let length = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
        if length == 0 || length > at_most {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(Mapping::of_file(&file, 0, length, ProtFlags::PROT_READ, Sharing::Private)?)
    }
}

/// Compares the whole set of seals, and refuses a file that has more of them.
///
/// fails: receive_sealed::both_seals_are_needed_and_no_others failed
mod wants_these_seals_and_no_others {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        let seals = fcntl(&file, FcntlArg::F_GET_SEALS).map_err(|_| io::ErrorKind::InvalidData)?;
        let seals = SealFlag::from_bits_retain(seals);
        if seals != SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_WRITE {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let length = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
        if length == 0 || length > at_most {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(Mapping::of_file(&file, 0, length, ProtFlags::PROT_READ, Sharing::Private)?)
    }
}

one_of! {
    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping>;
    aborts_on_a_bad_sender asks_for_shrink_alone asks_for_the_length_first copies_the_file does_not_ask_for_seals
    keeps_what_it_refuses maps_it_shared seals_it_itself seeks_to_the_end takes_future_write_for_write
    wants_these_seals_and_no_others
}
