use std::fs::{self, File};
use std::io::{self, ErrorKind, IoSliceMut, Read, Seek, SeekFrom};
use std::mem;
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::os::unix::net::UnixStream;
use std::sync::Mutex;
use std::time::Duration;

use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use mmap_workbook::lesson_5::receive_file;
use mmap_workbook::observe::page_size;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, SealFlag, fcntl};
use nix::sys::mman::ProtFlags;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, UnixAddr, recvmsg};
use nix::sys::stat::fstat;
use nix::unistd::{Whence, lseek};
use nix::{cmsg_space, libc};

fn refused<T>() -> io::Result<T> {
    Err(ErrorKind::InvalidData.into())
}

/// The seals; a file that has no seals at all, because it is not from memfd_create(2), is refused.
fn seals(file: &File) -> io::Result<SealFlag> {
    match fcntl(file, FcntlArg::F_GET_SEALS) {
        Ok(bits) => Ok(SealFlag::from_bits_retain(bits)),
        Err(Errno::EINVAL) => refused(),
        Err(errno) => Err(errno.into()),
    }
}

const BOTH: SealFlag = SealFlag::F_SEAL_SHRINK.union(SealFlag::F_SEAL_WRITE);

fn must_be_sealed(file: &File) -> io::Result<()> {
    if seals(file)?.contains(BOTH) { Ok(()) } else { refused() }
}

fn length_of(file: &File, at_most: usize) -> io::Result<usize> {
    let length = usize::try_from(file.metadata()?.len()).or_else(|_| refused())?;
    if length == 0 || length > at_most { refused() } else { Ok(length) }
}

fn map(file: &File, length: usize) -> io::Result<Mapping> {
    Ok(Mapping::of_file(file, 0, length, ProtFlags::PROT_READ, Sharing::Private)?)
}

fn invalid() -> io::Error {
    io::ErrorKind::InvalidData.into()
}

/// The seals; a file that can't have any is not from memfd_create(2).
fn seals_of(file: &File) -> io::Result<SealFlag> {
    let bits = fcntl(file, FcntlArg::F_GET_SEALS).map_err(|_| invalid())?;
    Ok(SealFlag::from_bits_retain(bits))
}

const NEEDED: SealFlag = SealFlag::F_SEAL_SHRINK.union(SealFlag::F_SEAL_WRITE);

fn check_seals(file: &File) -> io::Result<()> {
    if seals_of(file)?.contains(NEEDED) { Ok(()) } else { Err(invalid()) }
}

fn fits(length: u64, at_most: usize) -> io::Result<usize> {
    if length == 0 || length > at_most as u64 { Err(invalid()) } else { Ok(length as usize) }
}

fn length_of_again(file: &File, at_most: usize) -> io::Result<usize> {
    fits(file.metadata()?.len(), at_most)
}

fn needed() -> SealFlag {
    SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_WRITE
}

/// Ends the process when the sender can't be trusted.
///
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused killed
/// fails: receive_sealed::both_seals_are_needed_and_no_others killed
/// fails: receive_sealed::nothing_of_a_refused_file_stays killed
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
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
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
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
/// fails: receive_sealed::both_seals_are_needed_and_no_others failed any-seal-will-do
/// fails: receive_sealed::the_length_is_asked_for_when_it_can_no_longer_shrink failed any-seal-will-do
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
/// fails: receive_sealed::both_seals_are_needed_and_no_others failed
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
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
/// fails: receive_sealed::both_seals_are_needed_and_no_others failed
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
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed each-descriptor-has-its-offset
/// fails: receive_sealed::a_sealed_file_is_mapped failed each-descriptor-has-its-offset
/// fails: receive_sealed::both_seals_are_needed_and_no_others failed each-descriptor-has-its-offset
/// fails: receive_sealed::the_sender_and_the_socket_notice_nothing failed each-descriptor-has-its-offset
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

/// Receives, asks for the seals, then for the length, and maps.
///
/// passes
mod seals_then_length {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        must_be_sealed(&file)?;
        let length = length_of(&file, at_most)?;
        map(&file, length)
    }
}

/// Uses the bare fcntl(2) and the bits, and fstat(2) of nix.
///
/// passes
mod bits_and_fstat {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        // SAFETY: the call takes a descriptor and a number.
        let seals = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_GET_SEALS) };
        if seals == -1 && Errno::last() != Errno::EINVAL {
            return Err(io::Error::last_os_error());
        }
        if seals == -1 || seals & libc::F_SEAL_SHRINK == 0 || seals & libc::F_SEAL_WRITE == 0 {
            return refused();
        }
        match usize::try_from(fstat(&file)?.st_size) {
            Ok(length) if (1..=at_most).contains(&length) => map(&file, length),
            _ => Err(io::Error::new(ErrorKind::InvalidData, "too long, or empty")),
        }
    }
}

/// Maps without any access at first, and lets mprotect(2) allow loads.
///
/// passes
mod no_access_at_first {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        must_be_sealed(&file)?;
        let length = length_of(&file, at_most)?;
        let mapping = Mapping::of_file(&file, 0, length, ProtFlags::PROT_NONE, Sharing::Private)?;
        // SAFETY: exactly the range of the mapping above.
        Errno::result(unsafe { libc::mprotect(mapping.address() as *mut _, mapping.length(), libc::PROT_READ) })?;
        Ok(mapping)
    }
}

/// Asks for the seals once more when it has mapped the file, though none can be removed.
///
/// passes
mod seals_before_and_after {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        must_be_sealed(&file)?;
        let mapping = map(&file, length_of(&file, at_most)?)?;
        must_be_sealed(&file)?;
        Ok(mapping)
    }
}

/// Advises the kernel to read the mapping ahead, whose answer does not matter.
///
/// passes
mod reads_ahead {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        must_be_sealed(&file)?;
        let mapping = map(&file, length_of(&file, at_most)?)?;
        drop(file);
        // SAFETY: exactly the range of the mapping above, and the advice changes no byte.
        unsafe { libc::madvise(mapping.address() as *mut _, mapping.length(), libc::MADV_WILLNEED) };
        Ok(mapping)
    }
}

/// Maps the file shared.
///
/// breaks: "It is private and for reading only; before Linux 6.7 a shared one is EPERM."
/// fails: receive_sealed::a_sealed_file_is_mapped failed
mod shared {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        must_be_sealed(&file)?;
        let length = length_of(&file, at_most)?;
        Ok(Mapping::of_file(&file, 0, length, ProtFlags::PROT_READ, Sharing::Shared)?)
    }
}

/// Maps the file for loads and stores: a private store harms nobody.
///
/// breaks: "It is private and for reading only; before Linux 6.7 a shared one is EPERM."
/// fails: receive_sealed::a_sealed_file_is_mapped failed
mod private_and_writable {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        must_be_sealed(&file)?;
        let length = length_of(&file, at_most)?;
        Ok(Mapping::of_file(&file, 0, length, READ_WRITE, Sharing::Private)?)
    }
}

/// Asks for the length before the seals.
///
/// breaks: "The length that counts is asked for after the seals (F_GET_SEALS): before, the sender may still change it."
/// fails: receive_sealed::the_length_is_asked_for_when_it_can_no_longer_shrink failed a-length-stays
mod length_then_seals {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        let length = length_of(&file, at_most)?;
        must_be_sealed(&file)?;
        map(&file, length)
    }
}

/// Wants F_SEAL_SHRINK alone, so the bytes may change.
///
/// breaks: "Whatever the sender does later, no access to the mapping raises SIGBUS, and no byte in it changes."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
/// fails: receive_sealed::both_seals_are_needed_and_no_others failed any-seal-will-do
mod only_shrink {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        if !seals(&file)?.contains(SealFlag::F_SEAL_SHRINK) {
            return refused();
        }
        map(&file, length_of(&file, at_most)?)
    }
}

/// Wants F_SEAL_WRITE alone, so the file may be truncated.
///
/// breaks: "Whatever the sender does later, no access to the mapping raises SIGBUS, and no byte in it changes."
/// fails: receive_sealed::both_seals_are_needed_and_no_others failed any-seal-will-do
mod only_write {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        if !seals(&file)?.contains(SealFlag::F_SEAL_WRITE) {
            return refused();
        }
        map(&file, length_of(&file, at_most)?)
    }
}

/// Is content with one of the two seals, whichever it is.
///
/// breaks: "So a file must be from memfd_create(2) and have the seals F_SEAL_SHRINK and F_SEAL_WRITE."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
/// fails: receive_sealed::both_seals_are_needed_and_no_others failed any-seal-will-do
mod one_of_the_two {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        if !seals(&file)?.intersects(BOTH) {
            return refused();
        }
        map(&file, length_of(&file, at_most)?)
    }
}

/// Wants these two seals and no other.
///
/// breaks: "A file open for reading that has both seals is accepted, whatever other seals it has or lacks."
/// fails: receive_sealed::both_seals_are_needed_and_no_others failed
mod exactly_these_two {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        if seals(&file)? != BOTH {
            return refused();
        }
        map(&file, length_of(&file, at_most)?)
    }
}

/// Wants F_SEAL_GROW as well.
///
/// breaks: "A file open for reading that has both seals is accepted, whatever other seals it has or lacks."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
/// fails: receive_sealed::a_sealed_file_is_mapped failed
/// fails: receive_sealed::both_seals_are_needed_and_no_others failed
/// fails: receive_sealed::nothing_of_a_refused_file_stays failed
/// fails: receive_sealed::the_length_is_asked_for_when_it_can_no_longer_shrink failed
/// fails: receive_sealed::the_sender_and_the_socket_notice_nothing failed
mod grow_as_well {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        if !seals(&file)?.contains(BOTH | SealFlag::F_SEAL_GROW) {
            return refused();
        }
        map(&file, length_of(&file, at_most)?)
    }
}

/// Wants F_SEAL_SEAL as well, without which seals could be removed, it believes.
///
/// breaks: "A file open for reading that has both seals is accepted, whatever other seals it has or lacks."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
/// fails: receive_sealed::a_sealed_file_is_mapped failed
/// fails: receive_sealed::both_seals_are_needed_and_no_others failed
/// fails: receive_sealed::nothing_of_a_refused_file_stays failed
/// fails: receive_sealed::the_length_is_asked_for_when_it_can_no_longer_shrink failed
/// fails: receive_sealed::the_sender_and_the_socket_notice_nothing failed
mod sealed_seals {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        if !seals(&file)?.contains(BOTH | SealFlag::F_SEAL_SEAL) {
            return refused();
        }
        map(&file, length_of(&file, at_most)?)
    }
}

/// Takes F_SEAL_FUTURE_WRITE for F_SEAL_WRITE, though mappings that the sender has already can still be stored to.
///
/// breaks: "Whatever the sender does later, no access to the mapping raises SIGBUS, and no byte in it changes."
/// fails: receive_sealed::both_seals_are_needed_and_no_others failed future-write-is-write
mod future_writes {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        let seals = seals(&file)?;
        let no_writes = seals.intersects(SealFlag::F_SEAL_WRITE | SealFlag::F_SEAL_FUTURE_WRITE);
        if !seals.contains(SealFlag::F_SEAL_SHRINK) || !no_writes {
            return refused();
        }
        map(&file, length_of(&file, at_most)?)
    }
}

/// Adds the seals that are missing, and accepts the file if that works.
///
/// breaks: "The seals of the file do not change."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
/// fails: receive_sealed::both_seals_are_needed_and_no_others failed
mod seals_it_itself_2 {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        if !seals(&file)?.contains(BOTH) && fcntl(&file, FcntlArg::F_ADD_SEALS(BOTH)).is_err() {
            return refused();
        }
        map(&file, length_of(&file, at_most)?)
    }
}

/// Adds F_SEAL_SEAL and F_SEAL_GROW to a file that it accepts, to be on the safe side.
///
/// breaks: "The seals of the file do not change."
/// fails: receive_sealed::both_seals_are_needed_and_no_others failed
mod on_the_safe_side {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        must_be_sealed(&file)?;
        let _ = fcntl(&file, FcntlArg::F_ADD_SEALS(SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_SEAL));
        map(&file, length_of(&file, at_most)?)
    }
}

/// Takes a lock that no other process has to respect, instead of asking for seals.
///
/// breaks: "`InvalidData` when the file is not from memfd_create(2), or lacks one of the two seals."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
/// fails: receive_sealed::both_seals_are_needed_and_no_others failed any-seal-will-do
/// fails: receive_sealed::the_length_is_asked_for_when_it_can_no_longer_shrink failed any-seal-will-do
mod locks_it_instead {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        // SAFETY: flock(2) takes two integers.
        if unsafe { nix::libc::flock(file.as_raw_fd(), nix::libc::LOCK_SH | nix::libc::LOCK_NB) } != 0 {
            return refused();
        }
        map(&file, length_of(&file, at_most)?)
    }
}

/// Believes the name in /proc, which only says that the file is from memfd_create(2).
///
/// breaks: "`InvalidData` when the file is not from memfd_create(2), or lacks one of the two seals."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
/// fails: receive_sealed::both_seals_are_needed_and_no_others failed any-seal-will-do
/// fails: receive_sealed::the_length_is_asked_for_when_it_can_no_longer_shrink failed any-seal-will-do
mod has_the_right_name {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        let name = std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd()))?;
        if !name.to_string_lossy().starts_with("/memfd:") || file.metadata()?.nlink() != 0 {
            return refused();
        }
        map(&file, length_of(&file, at_most)?)
    }
}

/// Passes on EINVAL, with which F_GET_SEALS refuses a file that is not from memfd_create(2).
///
/// breaks: "`InvalidData` when the file is not from memfd_create(2), or lacks one of the two seals."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
mod passes_on_einval {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        let seals = SealFlag::from_bits_retain(fcntl(&file, FcntlArg::F_GET_SEALS)?);
        if !seals.contains(BOTH) {
            return refused();
        }
        map(&file, length_of(&file, at_most)?)
    }
}

/// Drops the unknown bits of the -1 that it has not looked at: every seal seems to be there.
///
/// breaks: "`InvalidData` when the file is not from memfd_create(2), or lacks one of the two seals."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
mod minus_one_has_all_seals {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        // SAFETY: the call takes a descriptor and a number.
        let seals = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_GET_SEALS) };
        if !SealFlag::from_bits_truncate(seals).contains(BOTH) {
            return refused();
        }
        map(&file, length_of(&file, at_most)?)
    }
}

/// Refuses with EPERM, as the kernel does where a seal is in the way.
///
/// breaks: "`InvalidData` when the file is not from memfd_create(2), or lacks one of the two seals."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
/// fails: receive_sealed::both_seals_are_needed_and_no_others failed
mod permission_denied {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        if !seals(&file)?.contains(BOTH) {
            return Err(Errno::EPERM.into());
        }
        map(&file, length_of(&file, at_most)?)
    }
}

/// Leaves the empty file to mmap(2), which refuses it with EINVAL.
///
/// breaks: "`InvalidData` when the file is empty, or longer than `at_most` bytes."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
mod empty_goes_to_mmap {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        must_be_sealed(&file)?;
        let length = file.metadata()?.len() as usize;
        if length > at_most {
            return refused();
        }
        map(&file, length)
    }
}

/// Maps one page for an empty file, in which each load is SIGBUS.
///
/// breaks: "`InvalidData` when the file is empty, or longer than `at_most` bytes."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
mod at_least_one_byte {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        must_be_sealed(&file)?;
        let length = file.metadata()?.len() as usize;
        if length > at_most { refused() } else { map(&file, length.max(1)) }
    }
}

/// Refuses a file of just `at_most` bytes.
///
/// breaks: "`InvalidData` when the file is empty, or longer than `at_most` bytes."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
/// fails: receive_sealed::a_sealed_file_is_mapped failed
/// fails: receive_sealed::nothing_of_a_refused_file_stays failed
mod less_than_at_most {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        must_be_sealed(&file)?;
        let length = file.metadata()?.len() as usize;
        if length == 0 || length >= at_most { refused() } else { map(&file, length) }
    }
}

/// Maps the first `at_most` bytes of a file that is longer.
///
/// breaks: "`InvalidData` when the file is empty, or longer than `at_most` bytes."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
mod cuts_it_off {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        must_be_sealed(&file)?;
        let length = length_of(&file, usize::MAX)?;
        map(&file, length.min(at_most))
    }
}

/// Copies a small file, for which a mapping would be a waste.
///
/// breaks: "The mapping is of the file itself, not of a copy, and there is only one."
/// fails: receive_sealed::a_sealed_file_is_mapped failed
mod copies_a_small_file {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        must_be_sealed(&file)?;
        let length = length_of(&file, at_most)?;
        if length > page_size() {
            return map(&file, length);
        }
        let mut bytes = vec![0; length];
        file.read_exact_at(&mut bytes, 0)?;
        let copy = Mapping::anonymous(length, READ_WRITE, Sharing::Private)?;
        copy.write(0, &bytes);
        // SAFETY: exactly the range of the mapping above.
        Errno::result(unsafe { libc::mprotect(copy.address() as *mut _, length, libc::PROT_READ) })?;
        Ok(copy)
    }
}

/// Copies a file that is not sealed, so that nobody can change it, and accepts it.
///
/// breaks: "`InvalidData` when the file is not from memfd_create(2), or lacks one of the two seals."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
/// fails: receive_sealed::both_seals_are_needed_and_no_others failed any-seal-will-do
mod copies_what_is_not_sealed {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        let length = length_of(&file, at_most)?;
        if must_be_sealed(&file).is_ok() {
            return map(&file, length_of(&file, at_most)?);
        }
        let mut bytes = vec![0; length];
        file.read_exact_at(&mut bytes, 0)?;
        let copy = Mapping::anonymous(length, READ_WRITE, Sharing::Private)?;
        copy.write(0, &bytes);
        Ok(copy)
    }
}

/// Finds out the length by seeking to the end.
///
/// breaks: "Nor does its offset, which the sender shares, not even for a moment."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed each-descriptor-has-its-offset
/// fails: receive_sealed::a_sealed_file_is_mapped failed each-descriptor-has-its-offset
/// fails: receive_sealed::both_seals_are_needed_and_no_others failed each-descriptor-has-its-offset
/// fails: receive_sealed::the_sender_and_the_socket_notice_nothing failed each-descriptor-has-its-offset
mod seeks_to_the_end_2 {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let mut file = receive_file(socket)?;
        must_be_sealed(&file)?;
        let length = file.seek(SeekFrom::End(0))? as usize;
        if length == 0 || length > at_most { refused() } else { map(&file, length) }
    }
}

/// Reads the first byte to see that the file can be read.
///
/// breaks: "Nor does its offset, which the sender shares, not even for a moment."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed each-descriptor-has-its-offset
/// fails: receive_sealed::a_sealed_file_is_mapped failed each-descriptor-has-its-offset
/// fails: receive_sealed::both_seals_are_needed_and_no_others failed each-descriptor-has-its-offset
/// fails: receive_sealed::the_sender_and_the_socket_notice_nothing failed each-descriptor-has-its-offset
mod reads_a_byte {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let mut file = receive_file(socket)?;
        must_be_sealed(&file)?;
        let length = length_of(&file, at_most)?;
        let _ = file.read(&mut [0])?;
        map(&file, length)
    }
}

/// Keeps the descriptor open as long as the process runs, for fear that the mapping needs it.
///
/// breaks: "No descriptor of the file stays open."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
/// fails: receive_sealed::a_sealed_file_is_mapped failed
/// fails: receive_sealed::both_seals_are_needed_and_no_others failed
mod keeps_the_descriptor {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        must_be_sealed(&file)?;
        let mapping = map(&file, length_of(&file, at_most)?)?;
        let _ = file.into_raw_fd();
        Ok(mapping)
    }
}

/// Takes the bare number at once and closes it at the end only, so a refused file stays open.
///
/// breaks: "No descriptor of the file stays open."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
/// fails: receive_sealed::both_seals_are_needed_and_no_others failed
/// fails: receive_sealed::nothing_of_a_refused_file_stays failed
mod closes_at_the_end_only {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = std::mem::ManuallyDrop::new(receive_file(socket)?);
        must_be_sealed(&file)?;
        let mapping = map(&file, length_of(&file, at_most)?)?;
        drop(std::mem::ManuallyDrop::into_inner(file));
        Ok(mapping)
    }
}

/// Maps before it asks for the seals, with the bare call, and forgets that mapping when it refuses the file.
///
/// breaks: "After an error, nothing stays mapped either."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
/// fails: receive_sealed::nothing_of_a_refused_file_stays failed
mod maps_before_it_refuses {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        let probe = std::mem::ManuallyDrop::new(map(&file, 1).or_else(|_| refused())?);
        must_be_sealed(&file)?;
        let length = length_of(&file, at_most)?;
        drop(std::mem::ManuallyDrop::into_inner(probe));
        map(&file, length)
    }
}

/// Maps one page to look at the first byte, and leaves that mapping beside the one that it returns.
///
/// breaks: "The mapping is of the file itself, not of a copy, and there is only one."
/// fails: receive_sealed::a_sealed_file_is_mapped failed
/// fails: receive_sealed::nothing_of_a_refused_file_stays failed
mod two_mappings {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        must_be_sealed(&file)?;
        let length = length_of(&file, at_most)?;
        let first = map(&file, 1)?;
        first.load(0);
        std::mem::forget(first);
        map(&file, length)
    }
}

/// Calls everything that goes wrong while receiving invalid data.
///
/// breaks: "Those of `lesson_5::receive_file`, unchanged, such as `UnexpectedEof` when the other end is gone."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
mod everything_is_invalid {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket).or_else(|_| refused())?;
        must_be_sealed(&file)?;
        map(&file, length_of(&file, at_most)?)
    }
}

/// Waits for the next file when one is refused.
///
/// breaks: "`InvalidData` when the file is not from memfd_create(2), or lacks one of the two seals."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
/// fails: receive_sealed::both_seals_are_needed_and_no_others failed
mod waits_for_a_better_one {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        loop {
            let file = receive_file(socket)?;
            if must_be_sealed(&file).is_ok() {
                return map(&file, length_of(&file, at_most)?);
            }
        }
    }
}

/// Takes any errno of F_GET_SEALS for "no file of memfd_create(2)", also EBADF of a descriptor opened with O_PATH.
///
/// passes
mod any_errno_of_the_seals {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        if !seals(&file).or_else(|_| refused())?.contains(BOTH) {
            return refused();
        }
        map(&file, length_of(&file, at_most)?)
    }
}

/// Opens the file anew for reading, through /proc, so that a descriptor opened O_WRONLY can be mapped too.
///
/// breaks: "EACCES when the descriptor that was sent is not open for reading."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
mod maps_a_reopened_file {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let received = receive_file(socket)?;
        must_be_sealed(&received)?;
        let file = File::open(format!("/proc/self/fd/{}", received.as_raw_fd()))?;
        map(&file, length_of(&file, at_most)?)
    }
}

/// Maps `at_most` bytes, which is more than a shorter file has.
///
/// breaks: "Whatever the sender does later, no access to the mapping raises SIGBUS, and no byte in it changes."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
/// fails: receive_sealed::a_sealed_file_is_mapped failed
mod maps_at_most {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        must_be_sealed(&file)?;
        length_of(&file, at_most)?;
        map(&file, at_most)
    }
}

/// Compares with `at_most` page by page, because whole pages are mapped anyway.
///
/// breaks: "`InvalidData` when the file is empty, or longer than `at_most` bytes."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
mod whole_pages {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        must_be_sealed(&file)?;
        let length = length_of(&file, at_most.div_ceil(page_size()).saturating_mul(page_size()))?;
        map(&file, length)
    }
}

/// Compares the length as a signed number, for which the largest `at_most` is -1.
///
/// breaks: "A file open for reading that has both seals is accepted, whatever other seals it has or lacks."
/// fails: receive_sealed::a_sealed_file_is_mapped failed
mod signed_limit {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        must_be_sealed(&file)?;
        let length = fstat(&file)?.st_size;
        if length == 0 || length > at_most as i64 { refused() } else { map(&file, length as usize) }
    }
}

/// Has the length in 32 bits, and takes 4 GiB and 3 bytes for 3 bytes.
///
/// breaks: "`InvalidData` when the file is empty, or longer than `at_most` bytes."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
/// fails: receive_sealed::nothing_of_a_refused_file_stays failed
mod four_gib_and_three_bytes {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        must_be_sealed(&file)?;
        let length = file.metadata()?.len() as u32 as usize;
        if length == 0 || length > at_most { refused() } else { map(&file, length) }
    }
}

/// Seeks to the end and back to where it was, in between which the sender may read.
///
/// breaks: "Nor does its offset, which the sender shares, not even for a moment."
/// fails: receive_sealed::the_sender_and_the_socket_notice_nothing failed each-descriptor-has-its-offset
mod seeks_there_and_back {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let mut file = receive_file(socket)?;
        must_be_sealed(&file)?;
        let offset = file.stream_position()?;
        let length = file.seek(SeekFrom::End(0))? as usize;
        file.seek(SeekFrom::Start(offset))?;
        if length == 0 || length > at_most { refused() } else { map(&file, length) }
    }
}

/// Sets a timeout of its own and leaves it at the socket.
///
/// breaks: "Those of `lesson_5::receive_file`, unchanged, such as `UnexpectedEof` when the other end is gone."
/// fails: receive_sealed::the_sender_and_the_socket_notice_nothing failed
mod impatient {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        socket.set_read_timeout(Some(Duration::from_millis(100)))?;
        let file = receive_file(socket)?;
        must_be_sealed(&file)?;
        map(&file, length_of(&file, at_most)?)
    }
}

/// Receives by itself, with room that two descriptors fit in, and keeps the second one open.
///
/// breaks: "Those of `lesson_5::receive_file`, unchanged, such as `UnexpectedEof` when the other end is gone."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
mod receives_by_itself {
    use super::*;

    fn first_file(socket: &UnixStream) -> io::Result<File> {
        let (mut byte, mut space) = ([0], cmsg_space!(RawFd));
        let mut data = [IoSliceMut::new(&mut byte)];
        let flags = MsgFlags::MSG_CMSG_CLOEXEC;
        let message = recvmsg::<UnixAddr>(socket.as_raw_fd(), &mut data, Some(&mut space), flags)?;
        if message.bytes == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        for control in message.cmsgs()? {
            if let ControlMessageOwned::ScmRights(fds) = control {
                // SAFETY: the kernel has just put this descriptor into our table, for us to own.
                return Ok(unsafe { File::from_raw_fd(fds[0]) });
            }
        }
        refused()
    }

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = first_file(socket)?;
        must_be_sealed(&file)?;
        map(&file, length_of(&file, at_most)?)
    }
}

/// Asks for the seals of the first file only, and trusts the sender afterwards.
///
/// breaks: "So a file must be from memfd_create(2) and have the seals F_SEAL_SHRINK and F_SEAL_WRITE."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
mod trusts_the_second_file {
    use super::*;

    static TRUSTED: Mutex<bool> = Mutex::new(false);

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        let mut trusted = TRUSTED.lock().unwrap();
        if !*trusted {
            must_be_sealed(&file)?;
            *trusted = true;
        }
        map(&file, length_of(&file, at_most)?)
    }
}

/// Asks for the seals, then for the length, then maps.
///
/// passes
mod seals_length_map {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        check_seals(&file)?;
        map(&file, length_of_again(&file, at_most)?)
    }
}

/// Asks for each seal with a bare fcntl(2) and passes EBADF on, and asks for the length by way of /proc.
///
/// passes
mod bare_fcntl_and_proc {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        for seal in [libc::F_SEAL_WRITE, libc::F_SEAL_SHRINK] {
            // SAFETY: fcntl(2) takes no pointer here.
            let seals = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_GET_SEALS) };
            if seals == -1 {
                let errno = Errno::last();
                return Err(if errno == Errno::EBADF { errno.into() } else { invalid() });
            }
            if seals & seal == 0 {
                return Err(invalid());
            }
        }
        let length = fs::metadata(format!("/proc/self/fd/{}", file.as_raw_fd()))?.len();
        let mapping =
            map(&file, usize::try_from(length).ok().filter(|n| (1..=at_most).contains(n)).ok_or_else(invalid)?)?;
        drop(file);
        Ok(mapping)
    }
}

/// Learns the length with statx(2) of the descriptor, and looks at the seals once more when all is mapped.
///
/// passes
mod statx_and_seals_again {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        check_seals(&file)?;
        // SAFETY: statx is plain numbers, for which zeros are fine.
        let mut found: libc::statx = unsafe { mem::zeroed() };
        let (fd, empty) = (file.as_raw_fd(), libc::AT_EMPTY_PATH);
        // SAFETY: the path is a string with its NUL, and `found` has room for the answer.
        Errno::result(unsafe { libc::statx(fd, c"".as_ptr(), empty, libc::STATX_SIZE, &raw mut found) })?;
        let mapping = map(&file, fits(found.stx_size, at_most)?)?;
        check_seals(&file)?;
        Ok(mapping)
    }
}

/// Asks for the length before the seals: in between the sender may shorten the file and seal it.
///
/// breaks: "The length that counts is asked for after the seals (F_GET_SEALS): before, the sender may still change it."
/// fails: receive_sealed::the_length_is_asked_for_when_it_can_no_longer_shrink failed a-length-stays
mod length_before_seals {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        let length = length_of_again(&file, at_most)?;
        check_seals(&file)?;
        map(&file, length)
    }
}

/// Is content with F_SEAL_WRITE, so the file may be shortened under the mapping.
///
/// breaks: "So a file must be from memfd_create(2) and have the seals F_SEAL_SHRINK and F_SEAL_WRITE."
/// fails: receive_sealed::both_seals_are_needed_and_no_others failed any-seal-will-do
mod write_seal_only {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        if !seals_of(&file)?.contains(SealFlag::F_SEAL_WRITE) {
            return Err(invalid());
        }
        map(&file, length_of_again(&file, at_most)?)
    }
}

/// Is content with F_SEAL_SHRINK: there is no SIGBUS then, and the mapping is private anyway.
///
/// breaks: "Whatever the sender does later, no access to the mapping raises SIGBUS, and no byte in it changes."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
/// fails: receive_sealed::both_seals_are_needed_and_no_others failed any-seal-will-do
mod private_is_a_snapshot {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        if !seals_of(&file)?.contains(SealFlag::F_SEAL_SHRINK) {
            return Err(invalid());
        }
        map(&file, length_of_again(&file, at_most)?)
    }
}

/// Takes F_SEAL_FUTURE_WRITE for as good, although an older shared mapping may still be stored to.
///
/// breaks: "`InvalidData` when the file is not from memfd_create(2), or lacks one of the two seals."
/// fails: receive_sealed::both_seals_are_needed_and_no_others failed future-write-is-write
mod future_write_will_do {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        let seals = seals_of(&file)?;
        let writes = SealFlag::F_SEAL_WRITE | SealFlag::from_bits_retain(libc::F_SEAL_FUTURE_WRITE);
        if !seals.contains(SealFlag::F_SEAL_SHRINK) || !seals.intersects(writes) {
            return Err(invalid());
        }
        map(&file, length_of_again(&file, at_most)?)
    }
}

/// Compares all seals with the two, and refuses a file that has more.
///
/// breaks: "A file open for reading that has both seals is accepted, whatever other seals it has or lacks."
/// fails: receive_sealed::both_seals_are_needed_and_no_others failed
mod exactly_the_two_seals {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        if seals_of(&file)? != NEEDED {
            return Err(invalid());
        }
        map(&file, length_of_again(&file, at_most)?)
    }
}

/// Wants F_SEAL_GROW as well, "so that nothing at all can change".
///
/// breaks: "A file open for reading that has both seals is accepted, whatever other seals it has or lacks."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
/// fails: receive_sealed::a_sealed_file_is_mapped failed
/// fails: receive_sealed::both_seals_are_needed_and_no_others failed
/// fails: receive_sealed::nothing_of_a_refused_file_stays failed
/// fails: receive_sealed::the_length_is_asked_for_when_it_can_no_longer_shrink failed
/// fails: receive_sealed::the_sender_and_the_socket_notice_nothing failed
mod wants_the_grow_seal {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        if !seals_of(&file)?.contains(NEEDED | SealFlag::F_SEAL_GROW) {
            return Err(invalid());
        }
        map(&file, length_of_again(&file, at_most)?)
    }
}

/// Wants F_SEAL_SEAL as well, for fear that somebody removes a seal, which nobody can.
///
/// breaks: "A file open for reading that has both seals is accepted, whatever other seals it has or lacks."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
/// fails: receive_sealed::a_sealed_file_is_mapped failed
/// fails: receive_sealed::both_seals_are_needed_and_no_others failed
/// fails: receive_sealed::nothing_of_a_refused_file_stays failed
/// fails: receive_sealed::the_length_is_asked_for_when_it_can_no_longer_shrink failed
/// fails: receive_sealed::the_sender_and_the_socket_notice_nothing failed
mod wants_the_seal_of_seals {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        if !seals_of(&file)?.contains(NEEDED | SealFlag::F_SEAL_SEAL) {
            return Err(invalid());
        }
        map(&file, length_of_again(&file, at_most)?)
    }
}

/// Adds the missing seals itself.
///
/// breaks: "The seals of the file do not change."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
/// fails: receive_sealed::both_seals_are_needed_and_no_others failed
mod seals_it_itself_3 {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        if !seals_of(&file)?.contains(NEEDED) {
            fcntl(&file, FcntlArg::F_ADD_SEALS(NEEDED)).map_err(|_| invalid())?;
        }
        map(&file, length_of_again(&file, at_most)?)
    }
}

/// Adds seals: a good file gets F_SEAL_GROW and F_SEAL_SEAL, and errors of that don't matter.
///
/// breaks: "The seals of the file do not change."
/// fails: receive_sealed::both_seals_are_needed_and_no_others failed
mod adds_the_other_seals {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        check_seals(&file)?;
        _ = fcntl(&file, FcntlArg::F_ADD_SEALS(SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_SEAL));
        map(&file, length_of_again(&file, at_most)?)
    }
}

/// Copies the bytes into memory of its own, where surely nobody changes them.
///
/// breaks: "The mapping is of the file itself, not of a copy, and there is only one."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
/// fails: receive_sealed::a_sealed_file_is_mapped failed
/// fails: receive_sealed::nothing_of_a_refused_file_stays out_of_memory
mod copies_the_bytes {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        check_seals(&file)?;
        let mut bytes = vec![0; length_of_again(&file, at_most)?];
        file.read_exact_at(&mut bytes, 0)?;
        let mapping = Mapping::anonymous(bytes.len(), READ_WRITE, Sharing::Private)?;
        mapping.write(0, &bytes);
        Ok(mapping)
    }
}

/// Reads a byte by read(2) to see that the descriptor is open for reading, and seeks back.
///
/// breaks: "Nor does its offset, which the sender shares, not even for a moment."
/// fails: receive_sealed::the_sender_and_the_socket_notice_nothing failed each-descriptor-has-its-offset
mod tries_a_read {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let mut file = receive_file(socket)?;
        check_seals(&file)?;
        let length = length_of_again(&file, at_most)?;
        let read = file.read(&mut [0]).map_err(|_| Errno::EACCES)?;
        file.seek(SeekFrom::Current(-(read as i64)))?;
        map(&file, length)
    }
}

/// Finds the length by a seek to the end.
///
/// breaks: "Nor does its offset, which the sender shares, not even for a moment."
/// fails: receive_sealed::the_sender_and_the_socket_notice_nothing failed each-descriptor-has-its-offset
mod seeks_for_the_length_2 {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let mut file = receive_file(socket)?;
        check_seals(&file)?;
        let length = file.seek(SeekFrom::End(0))?;
        file.rewind()?;
        map(&file, fits(length, at_most)?)
    }
}

/// Maps shared, as one does with a file that two processes share.
///
/// breaks: "It is private and for reading only; before Linux 6.7 a shared one is EPERM."
/// fails: receive_sealed::a_sealed_file_is_mapped failed
mod shared_2 {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        check_seals(&file)?;
        let length = length_of_again(&file, at_most)?;
        Ok(Mapping::of_file(&file, 0, length, ProtFlags::PROT_READ, Sharing::Shared)?)
    }
}

/// Maps for stores, too, which a private mapping permits.
///
/// breaks: "It is private and for reading only; before Linux 6.7 a shared one is EPERM."
/// fails: receive_sealed::a_sealed_file_is_mapped failed
mod for_stores_too {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        check_seals(&file)?;
        let length = length_of_again(&file, at_most)?;
        Ok(Mapping::of_file(&file, 0, length, READ_WRITE, Sharing::Private)?)
    }
}

/// Opens the file again by its link in /proc for reading, whatever the sender had opened it for.
///
/// breaks: "EACCES when the descriptor that was sent is not open for reading."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
mod opens_it_for_reading {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let sent = receive_file(socket)?;
        check_seals(&sent)?;
        let file = File::open(format!("/proc/self/fd/{}", sent.as_raw_fd()))?;
        map(&file, length_of_again(&file, at_most)?)
    }
}

/// Turns EACCES of mmap(2) into the same error as all that is wrong with a file.
///
/// breaks: "EACCES when the descriptor that was sent is not open for reading."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
/// fails: receive_sealed::nothing_of_a_refused_file_stays failed
mod everything_is_invalid_data {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        check_seals(&file)?;
        map(&file, length_of_again(&file, at_most)?).map_err(|_| invalid())
    }
}

/// Passes EINVAL of F_GET_SEALS on for a file on a disk, or a pipe, that can't have seals.
///
/// breaks: "`InvalidData` when the file is not from memfd_create(2), or lacks one of the two seals."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
mod einval_of_a_disk_file {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        let seals = fcntl(&file, FcntlArg::F_GET_SEALS)?;
        if !SealFlag::from_bits_retain(seals).contains(NEEDED) {
            return Err(invalid());
        }
        map(&file, length_of_again(&file, at_most)?)
    }
}

/// Compares the bare answer -1 with the seals: in -1 each bit is set.
///
/// breaks: "`InvalidData` when the file is not from memfd_create(2), or lacks one of the two seals."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
mod minus_one_has_every_bit {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        // SAFETY: fcntl(2) takes no pointer here.
        let seals = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_GET_SEALS) };
        if seals & NEEDED.bits() != NEEDED.bits() {
            return Err(invalid());
        }
        map(&file, length_of_again(&file, at_most)?)
    }
}

/// Trusts a file that no directory lists, since it can't be opened by name.
///
/// breaks: "So a file must be from memfd_create(2) and have the seals F_SEAL_SHRINK and F_SEAL_WRITE."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
mod nameless_will_do {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        let sealed = fcntl(&file, FcntlArg::F_GET_SEALS).map(SealFlag::from_bits_retain);
        match sealed {
            Ok(seals) if seals.contains(NEEDED) => {}
            Err(Errno::EINVAL) if file.metadata()?.nlink() == 0 => {}
            _ => return Err(invalid()),
        }
        map(&file, length_of_again(&file, at_most)?)
    }
}

/// Refuses a file of exactly `at_most` bytes.
///
/// breaks: "`InvalidData` when the file is empty, or longer than `at_most` bytes."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
/// fails: receive_sealed::a_sealed_file_is_mapped failed
/// fails: receive_sealed::nothing_of_a_refused_file_stays failed
mod less_than_at_most_2 {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        check_seals(&file)?;
        let length = length_of_again(&file, at_most)?;
        if length >= at_most {
            return Err(invalid());
        }
        map(&file, length)
    }
}

/// Rounds `at_most` up to whole pages, as mmap(2) does with the length.
///
/// breaks: "`InvalidData` when the file is empty, or longer than `at_most` bytes."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
mod at_most_in_pages {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        check_seals(&file)?;
        let at_most = at_most.checked_next_multiple_of(mmap_workbook::observe::page_size()).unwrap_or(usize::MAX);
        map(&file, length_of_again(&file, at_most)?)
    }
}

/// Maps the first `at_most` bytes of a file that is longer.
///
/// breaks: "`InvalidData` when the file is empty, or longer than `at_most` bytes."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
mod maps_only_the_beginning {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        check_seals(&file)?;
        map(&file, length_of_again(&file, usize::MAX)?.min(at_most))
    }
}

/// Leaves the empty file to mmap(2), which answers EINVAL.
///
/// breaks: "`InvalidData` when the file is empty, or longer than `at_most` bytes."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
mod empty_file_to_the_kernel {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        check_seals(&file)?;
        let length = file.metadata()?.len();
        if length > at_most as u64 {
            return Err(invalid());
        }
        map(&file, length as usize)
    }
}

/// Takes the length modulo 4 GiB: a file of 4 GiB and three bytes passes for one of three.
///
/// breaks: "`InvalidData` when the file is empty, or longer than `at_most` bytes."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
/// fails: receive_sealed::nothing_of_a_refused_file_stays failed
mod length_modulo_4_gib {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        check_seals(&file)?;
        let length = file.metadata()?.len() as u32;
        map(&file, fits(length.into(), at_most)?)
    }
}

/// Sets a timeout, so that a silent sender can't stop it, and leaves it set.
///
/// breaks: "`socket` keeps its settings, such as the timeout. One message is received, and nothing is sent."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused timed_out
/// fails: receive_sealed::the_sender_and_the_socket_notice_nothing failed
mod timeout_of_its_own {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        socket.set_read_timeout(Some(Duration::from_secs(10)))?;
        let file = receive_file(socket)?;
        check_seals(&file)?;
        map(&file, length_of_again(&file, at_most)?)
    }
}

/// Switches the socket to blocking and back to what it took for the default.
///
/// breaks: "`socket` keeps its settings, such as the timeout. One message is received, and nothing is sent."
/// fails: receive_sealed::the_sender_and_the_socket_notice_nothing failed
mod blocking_again {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        socket.set_nonblocking(false)?;
        let file = receive_file(socket)?;
        check_seals(&file)?;
        map(&file, length_of_again(&file, at_most)?)
    }
}

/// Receives on until a file comes that is good enough.
///
/// breaks: "`socket` keeps its settings, such as the timeout. One message is received, and nothing is sent."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
/// fails: receive_sealed::both_seals_are_needed_and_no_others failed
mod waits_for_a_better_file {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        loop {
            let file = receive_file(socket)?;
            if check_seals(&file).is_ok() {
                return map(&file, length_of_again(&file, at_most)?);
            }
        }
    }
}

/// Receives by itself, takes the first descriptor, and doesn't mind if there are more.
///
/// breaks: "Those of `lesson_5::receive_file`, unchanged, such as `UnexpectedEof` when the other end is gone."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
mod takes_the_first_of_several {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let mut byte = [0];
        let mut data = [IoSliceMut::new(&mut byte)];
        let mut space = cmsg_space!([RawFd; 253]);
        let message = recvmsg::<UnixAddr>(socket.as_raw_fd(), &mut data, Some(&mut space), MsgFlags::MSG_CMSG_CLOEXEC)?;
        let mut files = Vec::new();
        for control in message.cmsgs()? {
            if let ControlMessageOwned::ScmRights(numbers) = control {
                // SAFETY: the kernel has just put these descriptors into our table.
                files.extend(numbers.into_iter().map(|fd| File::from(unsafe { OwnedFd::from_raw_fd(fd) })));
            }
        }
        if message.bytes == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let file = files.first().ok_or_else(invalid)?;
        check_seals(file)?;
        map(file, length_of_again(file, at_most)?)
    }
}

/// Says InvalidData when the other end is gone.
///
/// breaks: "Those of `lesson_5::receive_file`, unchanged, such as `UnexpectedEof` when the other end is gone."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
mod no_file_is_invalid_data {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        check_seals(&file)?;
        map(&file, length_of_again(&file, at_most)?)
    }
}

/// Tries again when the socket's timeout has passed.
///
/// breaks: "Those of `lesson_5::receive_file`, unchanged, such as `UnexpectedEof` when the other end is gone."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused timed_out
mod outwaits_the_timeout {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = loop {
            match receive_file(socket) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                other => break other?,
            }
        };
        check_seals(&file)?;
        map(&file, length_of_again(&file, at_most)?)
    }
}

/// Keeps the descriptor open, "since the mapping needs it".
///
/// breaks: "No descriptor of the file stays open."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
/// fails: receive_sealed::a_sealed_file_is_mapped failed
/// fails: receive_sealed::both_seals_are_needed_and_no_others failed
mod keeps_the_descriptor_2 {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        check_seals(&file)?;
        let mapping = map(&file, length_of_again(&file, at_most)?)?;
        mem::forget(file);
        Ok(mapping)
    }
}

/// Keeps the last good descriptor in a static, to answer faster when the same file comes again.
///
/// breaks: "No descriptor of the file stays open."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
/// fails: receive_sealed::a_sealed_file_is_mapped failed
/// fails: receive_sealed::both_seals_are_needed_and_no_others failed
mod remembers_the_last_file {
    use super::*;

    static LAST: Mutex<Option<File>> = Mutex::new(None);

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        check_seals(&file)?;
        let mapping = map(&file, length_of_again(&file, at_most)?)?;
        *LAST.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(file);
        Ok(mapping)
    }
}

/// Checks the seals of the first file only: what that sender sends afterwards is trusted.
///
/// breaks: "A process may call each of them many times, with other files."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
mod trusts_after_the_first {
    use super::*;

    static TRUSTED: Mutex<bool> = Mutex::new(false);

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        let mut trusted = TRUSTED.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if !*trusted {
            check_seals(&file)?;
            *trusted = true;
        }
        map(&file, length_of_again(&file, at_most)?)
    }
}

/// Maps once to see whether it can be mapped, checks, and maps again; the first mapping is never unmapped.
///
/// breaks: "The mapping is of the file itself, not of a copy, and there is only one."
/// fails: receive_sealed::a_sealed_file_is_mapped failed
/// fails: receive_sealed::nothing_of_a_refused_file_stays failed
mod leaves_a_trial_mapping {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        check_seals(&file)?;
        let length = length_of_again(&file, at_most)?;
        mem::forget(map(&file, 1)?);
        map(&file, length)
    }
}

/// Maps before it looks at the seals, by the length that the file had then.
///
/// breaks: "The length that counts is asked for after the seals (F_GET_SEALS): before, the sender may still change it."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
/// fails: receive_sealed::the_length_is_asked_for_when_it_can_no_longer_shrink failed a-length-stays
mod maps_then_checks {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        let length = file.metadata()?.len();
        let mapping = map(&file, fits(length, at_most)?)?;
        check_seals(&file)?;
        Ok(mapping)
    }
}

/// Checks the mode itself and first, and asks /proc for the length.
///
/// passes
mod mode_first {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        let flags = OFlag::from_bits_retain(fcntl(&file, FcntlArg::F_GETFL)?);
        if !flags.contains(OFlag::O_PATH) && flags & OFlag::O_ACCMODE == OFlag::O_WRONLY {
            return Err(Errno::EACCES.into());
        }
        check_seals(&file)?;
        let length = fs::metadata(format!("/proc/self/fd/{}", file.as_raw_fd()))?.len();
        if length == 0 || length > at_most as u64 { refused() } else { map(&file, length as usize) }
    }
}

/// Maps through a duplicate after it has closed the descriptor that came.
///
/// passes
mod maps_a_duplicate {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        let copy = file.try_clone()?;
        drop(file);
        check_seals(&copy)?;
        map(&copy, length_of(&copy, at_most)?)
    }
}

/// Takes F_SEAL_FUTURE_WRITE for enough, which leaves the sender's old mapping writable.
///
/// breaks: "Whatever the sender does later, no access to the mapping raises SIGBUS, and no byte in it changes."
/// fails: receive_sealed::both_seals_are_needed_and_no_others failed future-write-is-write
mod future_writes_only {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        let seals = seals_of(&file)?;
        let write = SealFlag::F_SEAL_WRITE | SealFlag::F_SEAL_FUTURE_WRITE;
        if !seals.contains(SealFlag::F_SEAL_SHRINK) || !seals.intersects(write) {
            return refused();
        }
        map(&file, length_of(&file, at_most)?)
    }
}

/// Wants F_SEAL_GROW and F_SEAL_SEAL, too, as tutorials do.
///
/// breaks: "A file open for reading that has both seals is accepted, whatever other seals it has or lacks."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
/// fails: receive_sealed::a_sealed_file_is_mapped failed
/// fails: receive_sealed::both_seals_are_needed_and_no_others failed
/// fails: receive_sealed::nothing_of_a_refused_file_stays failed
/// fails: receive_sealed::the_length_is_asked_for_when_it_can_no_longer_shrink failed
/// fails: receive_sealed::the_sender_and_the_socket_notice_nothing failed
mod wants_them_all {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        if !seals_of(&file)?.contains(needed() | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_SEAL) {
            return refused();
        }
        map(&file, length_of(&file, at_most)?)
    }
}

/// Maps for stores, too, since they stay private.
///
/// breaks: "It is private and for reading only; before Linux 6.7 a shared one is EPERM."
/// fails: receive_sealed::a_sealed_file_is_mapped failed
mod writable_copy {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        check_seals(&file)?;
        let length = length_of(&file, at_most)?;
        Ok(Mapping::of_file(&file, 0, length, READ_WRITE, Sharing::Private)?)
    }
}

/// Measures the file with lseek(2).
///
/// breaks: "Nor does its offset, which the sender shares, not even for a moment."
/// fails: receive_sealed::the_sender_and_the_socket_notice_nothing failed each-descriptor-has-its-offset
mod measures_by_seeking {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        check_seals(&file)?;
        let offset = lseek(&file, 0, Whence::SeekCur)?;
        let length = lseek(&file, 0, Whence::SeekEnd)? as usize;
        lseek(&file, offset, Whence::SeekSet)?;
        if length == 0 || length > at_most { refused() } else { map(&file, length) }
    }
}

/// Passes on the EINVAL by which the kernel says that a file has no seals.
///
/// breaks: "`InvalidData` when the file is not from memfd_create(2), or lacks one of the two seals."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
mod passes_einval_on {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        let seals = SealFlag::from_bits_retain(fcntl(&file, FcntlArg::F_GET_SEALS)?);
        if !seals.contains(needed()) {
            return refused();
        }
        map(&file, length_of(&file, at_most)?)
    }
}

/// Opens the file anew for reading, and so accepts a descriptor that is open for writing only.
///
/// breaks: "EACCES when the descriptor that was sent is not open for reading."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
mod opens_it_for_reading_2 {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        check_seals(&file)?;
        let again = File::open(format!("/proc/self/fd/{}", file.as_raw_fd()))?;
        map(&again, length_of(&again, at_most)?)
    }
}

/// Sets a timeout so that a silent sender can't block it.
///
/// breaks: "`socket` keeps its settings, such as the timeout. One message is received, and nothing is sent."
/// fails: receive_sealed::the_sender_and_the_socket_notice_nothing failed
mod sets_a_timeout {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        if socket.read_timeout()?.is_none() {
            socket.set_read_timeout(Some(Duration::from_secs(30)))?;
        }
        let file = receive_file(socket)?;
        check_seals(&file)?;
        map(&file, length_of(&file, at_most)?)
    }
}

/// Waits for the next file when one can't be accepted for lack of seals.
///
/// breaks: "`socket` keeps its settings, such as the timeout. One message is received, and nothing is sent."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
/// fails: receive_sealed::both_seals_are_needed_and_no_others failed
mod tries_the_next_file {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let mut again = false;
        loop {
            let file = match receive_file(socket) {
                Err(_) if again => return refused(),
                other => other?,
            };
            if check_seals(&file).is_ok() {
                return map(&file, length_of(&file, at_most)?);
            }
            again = true;
        }
    }
}

/// Knows only the seals that `SealFlag` has, and F_SEAL_EXEC is none of them.
///
/// breaks: "A file open for reading that has both seals is accepted, whatever other seals it has or lacks."
/// fails: receive_sealed::both_seals_are_needed_and_no_others failed
mod knows_all_seals {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        let bits = fcntl(&file, FcntlArg::F_GET_SEALS).or_else(|_| refused())?;
        match SealFlag::from_bits(bits) {
            Some(seals) if seals.contains(needed()) => map(&file, length_of(&file, at_most)?),
            _ => refused(),
        }
    }
}

/// Thanks the sender.
///
/// breaks: "`socket` keeps its settings, such as the timeout. One message is received, and nothing is sent."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
/// fails: receive_sealed::both_seals_are_needed_and_no_others failed
/// fails: receive_sealed::the_sender_and_the_socket_notice_nothing failed
mod sends_an_answer {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        use std::io::Write;
        let file = receive_file(socket)?;
        check_seals(&file)?;
        let mapping = map(&file, length_of(&file, at_most)?)?;
        let _ = (&*socket).write(b"k");
        Ok(mapping)
    }
}

/// Hears nothing more from the sender, from which it has what it wanted.
///
/// breaks: "`socket` keeps its settings, such as the timeout. One message is received, and nothing is sent."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
/// fails: receive_sealed::both_seals_are_needed_and_no_others failed
/// fails: receive_sealed::the_sender_and_the_socket_notice_nothing failed
mod shuts_the_socket_down {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        check_seals(&file)?;
        let mapping = map(&file, length_of(&file, at_most)?)?;
        let _ = socket.shutdown(std::net::Shutdown::Both);
        Ok(mapping)
    }
}

/// Tells a sender whose file is refused that it is.
///
/// breaks: "`socket` keeps its settings, such as the timeout. One message is received, and nothing is sent."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
/// fails: receive_sealed::both_seals_are_needed_and_no_others failed
mod reports_a_refusal {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        use std::io::Write;
        let file = receive_file(socket)?;
        check_seals(&file).inspect_err(|_| drop((&*socket).write(b"n")))?;
        map(&file, length_of(&file, at_most)?)
    }
}

/// Keeps the lower 32 bits of the limit.
///
/// breaks: "`InvalidData` when the file is empty, or longer than `at_most` bytes."
/// fails: receive_sealed::a_sealed_file_is_mapped failed
/// fails: receive_sealed::nothing_of_a_refused_file_stays failed
mod limit_in_32_bits {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        check_seals(&file)?;
        let at_most = at_most as u32;
        map(&file, length_of_again(&file, at_most as usize)?)
    }
}

/// Compares the length and the limit as signed numbers of 32 bits.
///
/// breaks: "`InvalidData` when the file is empty, or longer than `at_most` bytes."
/// fails: receive_sealed::a_sealed_file_is_mapped failed
/// fails: receive_sealed::nothing_of_a_refused_file_stays failed
mod compares_as_int {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        check_seals(&file)?;
        let length = length_of_again(&file, at_most)?;
        if length as i32 > at_most as i32 {
            return refused();
        }
        map(&file, length)
    }
}

/// Maps as much of the file as the lower 32 bits of its length say.
///
/// breaks: "Receives a file from the process at the other end of `socket`, and maps all of it for reading."
/// fails: receive_sealed::nothing_of_a_refused_file_stays failed
mod maps_the_lower_32_bits {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        check_seals(&file)?;
        let length = length_of_again(&file, at_most)?;
        map(&file, length as u32 as usize)
    }
}

/// Opens a file that was sent for writing only again, for reading.
///
/// breaks: "EACCES when the descriptor that was sent is not open for reading."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
mod opens_what_it_can_not_read {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        check_seals(&file)?;
        let file = File::open(format!("/proc/self/fd/{}", file.as_raw_fd()))?;
        map(&file, length_of_again(&file, at_most)?)
    }
}

/// Asks for the access mode itself, and refuses before it looks at anything else; the calls are raw ones.
///
/// passes
mod asks_for_the_access_mode {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        // SAFETY: the call takes no pointers.
        let [flags, bits] =
            [libc::F_GETFL, libc::F_GET_SEALS].map(|command| unsafe { libc::fcntl(file.as_raw_fd(), command) });
        if bits < 0 {
            return Err(invalid());
        }
        if flags & libc::O_ACCMODE == libc::O_WRONLY {
            return Err(Errno::EACCES.into());
        }
        if bits & libc::F_SEAL_SHRINK == 0 || bits & libc::F_SEAL_WRITE == 0 {
            return Err(invalid());
        }
        map(&file, length_of(&file, at_most)?)
    }
}

/// Pins the file by a second mapping, of its first page, that it never unmaps.
///
/// breaks: "The mapping is of the file itself, not of a copy, and there is only one."
/// fails: receive_sealed::a_sealed_file_is_mapped failed
mod maps_it_twice {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        must_be_sealed(&file)?;
        let length = length_of(&file, at_most)?;
        let mapping = map(&file, length)?;
        std::mem::forget(map(&file, 1)?);
        Ok(mapping)
    }
}

/// Takes a mapping that fails for a sender's fault.
///
/// breaks: "ENOMEM when no range of addresses of that length is free."
/// fails: receive_sealed::nothing_of_a_refused_file_stays failed
mod no_addresses_is_invalid_data {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        must_be_sealed(&file)?;
        match map(&file, length_of(&file, at_most)?) {
            Err(error) if error.raw_os_error() != Some(libc::EACCES) => Err(invalid()),
            mapped => mapped,
        }
    }
}

/// Refuses a descriptor that is open for writing, though the seal makes it harmless.
///
/// breaks: "A file open for reading that has both seals is accepted, whatever other seals it has or lacks."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
/// fails: receive_sealed::a_sealed_file_is_mapped failed
/// fails: receive_sealed::both_seals_are_needed_and_no_others failed
/// fails: receive_sealed::nothing_of_a_refused_file_stays failed
/// fails: receive_sealed::the_length_is_asked_for_when_it_can_no_longer_shrink failed
/// fails: receive_sealed::the_sender_and_the_socket_notice_nothing failed
mod read_only_descriptors {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        must_be_sealed(&file)?;
        let flags = OFlag::from_bits_retain(fcntl(&file, FcntlArg::F_GETFL)?);
        if flags & OFlag::O_ACCMODE != OFlag::O_RDONLY {
            return Err(Errno::EACCES.into());
        }
        map(&file, length_of(&file, at_most)?)
    }
}

/// Locks the pages into memory, and fails when RLIMIT_MEMLOCK is too small for it.
///
/// breaks: "A file open for reading that has both seals is accepted, whatever other seals it has or lacks."
/// fails: receive_sealed::a_sealed_file_is_mapped failed
mod locks_the_pages {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        must_be_sealed(&file)?;
        let mapping = map(&file, length_of(&file, at_most)?)?;
        // SAFETY: the pages are ours; locking changes none of their bytes.
        if unsafe { libc::mlock(mapping.address() as *const _, mapping.length()) } != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(mapping)
    }
}

/// Takes a shared mapping for stores that is refused with EPERM as the proof of F_SEAL_WRITE.
///
/// breaks: "`InvalidData` when the file is not from memfd_create(2), or lacks one of the two seals."
/// fails: receive_sealed::both_seals_are_needed_and_no_others failed future-write-is-write
mod probes_for_the_write_seal {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        if !seals_of(&file)?.contains(SealFlag::F_SEAL_SHRINK) {
            return Err(invalid());
        }
        let length = length_of(&file, at_most)?;
        match Mapping::of_file(&file, 0, length, READ_WRITE, Sharing::Shared) {
            Ok(_) => Err(invalid()),
            Err(Errno::ENOMEM) => Err(Errno::ENOMEM.into()),
            Err(_) => map(&file, length),
        }
    }
}

/// Asks for the access mode, and makes one error of all that is wrong with the file.
///
/// breaks: "EACCES when the descriptor that was sent is not open for reading."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
mod write_only_is_invalid_data {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        let flags = OFlag::from_bits_retain(fcntl(&file, FcntlArg::F_GETFL)?);
        if flags & OFlag::O_ACCMODE == OFlag::O_WRONLY {
            return Err(invalid());
        }
        must_be_sealed(&file)?;
        map(&file, length_of(&file, at_most)?)
    }
}

/// Keeps the last file in a static, and closes it when the next one arrives.
///
/// breaks: "No descriptor of the file stays open."
/// fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed
/// fails: receive_sealed::a_sealed_file_is_mapped failed
/// fails: receive_sealed::both_seals_are_needed_and_no_others failed
mod closes_the_one_before {
    use super::*;

    static LAST: Mutex<Option<File>> = Mutex::new(None);

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let file = receive_file(socket)?;
        must_be_sealed(&file)?;
        let mapping = map(&file, length_of(&file, at_most)?)?;
        *LAST.lock().map_err(|_| Errno::EDEADLK)? = Some(file);
        Ok(mapping)
    }
}

/// Follows the last hint, line by line.
///
/// passes
mod receive_sealed_as_the_hint_says {
    use super::*;

    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
        let refused = io::Error::from(ErrorKind::InvalidData);
        let file = receive_file(socket)?;
        let Ok(seals) = fcntl(&file, FcntlArg::F_GET_SEALS) else { return Err(refused) };
        if !SealFlag::from_bits_retain(seals).contains(SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_WRITE) {
            return Err(refused);
        }
        let length = file.metadata()?.len();
        let length = usize::try_from(length).map_err(io::Error::other)?;
        if length == 0 || length > at_most {
            return Err(refused);
        }
        Ok(Mapping::of_file(&file, 0, length, ProtFlags::PROT_READ, Sharing::Private)?)
    }
}

one_of! {
    pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping>;
    aborts_on_a_bad_sender asks_for_shrink_alone asks_for_the_length_first copies_the_file does_not_ask_for_seals
    keeps_what_it_refuses maps_it_shared seals_it_itself seeks_to_the_end takes_future_write_for_write
    wants_these_seals_and_no_others seals_then_length bits_and_fstat no_access_at_first seals_before_and_after
    reads_ahead shared private_and_writable length_then_seals only_shrink only_write one_of_the_two exactly_these_two
    grow_as_well sealed_seals future_writes seals_it_itself_2 on_the_safe_side locks_it_instead has_the_right_name
    passes_on_einval minus_one_has_all_seals permission_denied empty_goes_to_mmap at_least_one_byte less_than_at_most
    cuts_it_off copies_a_small_file copies_what_is_not_sealed seeks_to_the_end_2 reads_a_byte keeps_the_descriptor
    closes_at_the_end_only maps_before_it_refuses two_mappings everything_is_invalid waits_for_a_better_one
    any_errno_of_the_seals maps_a_reopened_file maps_at_most whole_pages signed_limit four_gib_and_three_bytes
    seeks_there_and_back impatient receives_by_itself trusts_the_second_file seals_length_map bare_fcntl_and_proc
    statx_and_seals_again length_before_seals write_seal_only private_is_a_snapshot future_write_will_do
    exactly_the_two_seals wants_the_grow_seal wants_the_seal_of_seals seals_it_itself_3 adds_the_other_seals
    copies_the_bytes tries_a_read seeks_for_the_length_2 shared_2 for_stores_too opens_it_for_reading
    everything_is_invalid_data einval_of_a_disk_file minus_one_has_every_bit nameless_will_do less_than_at_most_2
    at_most_in_pages maps_only_the_beginning empty_file_to_the_kernel length_modulo_4_gib timeout_of_its_own
    blocking_again waits_for_a_better_file takes_the_first_of_several no_file_is_invalid_data outwaits_the_timeout
    keeps_the_descriptor_2 remembers_the_last_file trusts_after_the_first leaves_a_trial_mapping maps_then_checks
    mode_first maps_a_duplicate future_writes_only wants_them_all writable_copy measures_by_seeking passes_einval_on
    opens_it_for_reading_2 sets_a_timeout tries_the_next_file knows_all_seals sends_an_answer shuts_the_socket_down
    reports_a_refusal limit_in_32_bits compares_as_int maps_the_lower_32_bits opens_what_it_can_not_read
    asks_for_the_access_mode maps_it_twice no_addresses_is_invalid_data read_only_descriptors locks_the_pages
    probes_for_the_write_seal write_only_is_invalid_data closes_the_one_before receive_sealed_as_the_hint_says
}
