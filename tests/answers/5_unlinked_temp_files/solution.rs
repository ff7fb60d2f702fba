//! The answers to exercise 5, and why they are as they are.
//!
//! What they have in common: the kernel does each of these things in one call that either happens or doesn't, so that
//! nobody can die in the middle. A hole is punched, not written; a file is linked when it is complete; a seal is asked
//! for and then believed. What takes two calls is put in an order in which the first one alone does no harm.

use std::fs::{File, Permissions};
use std::io;
use std::ops::Range;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use mmap_workbook::lesson_5::{o_tmpfile, receive_file};
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, FallocateFlags, FcntlArg, FdFlag, SealFlag, fallocate, fcntl};
use nix::libc;
use nix::sys::mman::ProtFlags;
use nix::unistd::linkat;

/// Gives the disk space behind these bytes of `file` back.
///
/// Only a hole will do. Zeros that are written take the space that the bytes before them took. ftruncate(2) frees, but
/// cuts pages from under everybody's mappings. madvise(2) MADV_DONTNEED, which frees memory of a process, lets go of a
/// shared file's page in this process's tables and leaves it in the file.
///
/// fallocate(2) does the sum with the pages' edges itself: whole blocks inside the range are freed, and the bytes of
/// the blocks at its ends, which must stay because of their neighbours, are set to zero.
pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
    if range.start > range.end {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the range ends before it begins"));
    }
    // The kernel would punch a hole behind the end as well, where there is nothing to be freed: a caller that asks for
    // that has its sums wrong.
    if range.end > file.metadata()?.len() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the range ends behind the end of the file"));
    }
    if range.is_empty() {
        // fallocate(2) answers a length of 0 with EINVAL.
        return Ok(());
    }
    // The end is inside a file, so both fit in an off_t.
    let offset = range.start.try_into().map_err(|_| Errno::EOVERFLOW)?;
    let length = (range.end - range.start).try_into().map_err(|_| Errno::EOVERFLOW)?;
    let hole = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
    Ok(fallocate(file, hole, offset, length)?)
}

/// Makes `file` `length` bytes long, and `mapping` one of all of it.
///
/// A mapping keeps the length that mmap(2) was given: a file that grows does not grow into it. So there is a second
/// one, and it is made first, beyond the end of the file, which mmap(2) doesn't mind: the size counts when a page is
/// touched, and nobody touches it yet. When it can't be had, nothing has happened. When the space can't be had, the
/// second mapping goes as it came, and the length goes back, as some file systems have added what they could by then.
///
/// fallocate(2) and not ftruncate(2): a length alone reserves nothing, and the store that finds no block on a full disk
/// gets SIGBUS. posix_fallocate(3) is the same call on most file systems. On one that can't reserve, glibc has it read a
/// byte of each block and write it back, and a store of another process in between is lost; fallocate(2) says EOPNOTSUPP.
pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
    let before = file.metadata()?.len();
    let after = u64::try_from(length).map_err(|_| Errno::EOVERFLOW)?;
    if after < before {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "a file that others have mapped must not shrink"));
    }
    let longer = Mapping::of_file(file, 0, length, READ_WRITE, Sharing::Shared)?;
    let reserved = length.try_into().map_err(|_| Errno::EOVERFLOW);
    if let Err(errno) = reserved.and_then(|length| fallocate(file, FallocateFlags::empty(), 0, length)) {
        if file.metadata()?.len() != before {
            file.set_len(before)?;
        }
        return Err(errno.into());
    }
    // The old one is dropped, and with it unmapped.
    *mapping = longer;
    Ok(())
}

/// Makes the file `path`, which is complete or not there.
///
/// A file of O_TMPFILE has no name that a death could leave behind, and is what linkat(2) makes an exception for: any
/// other file whose link count is 0 is refused with ENOENT, as one of O_TMPFILE with O_EXCL is.
/// (`tempfile::tempfile_in` may give such a file or one that was unlinked; it doesn't promise which.) The name comes
/// last, in one call that makes it or not. linkat(2) refuses a name that is there, where rename(2) would replace it.
///
/// The way from the descriptor to the file is /proc/self/fd/N, a link that only AT_SYMLINK_FOLLOW follows.
/// AT_EMPTY_PATH would need no /proc, but until lately a capability (CAP_DAC_READ_SEARCH).
pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
    // The parent of a bare name is the empty path, which open(2) doesn't take.
    let directory = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let file = o_tmpfile(directory)?;
    fill(&file)?;
    // fchmod(2): the mode that open(2) is given loses the umask's bits. Before the name: nobody finds it with other
    // ones.
    file.set_permissions(Permissions::from_mode(mode))?;
    // What a crash of the machine finds under the name must be complete as well: first the bytes, then the name.
    file.sync_all()?;
    let from: PathBuf = format!("/proc/self/fd/{}", file.as_raw_fd()).into();
    linkat(AT_FDCWD, &from, AT_FDCWD, path, AtFlags::AT_SYMLINK_FOLLOW)?;
    // The name is an entry of the directory, which is a file of its own and is made durable on its own.
    File::open(directory)?.sync_all()
}

/// Has each program that `command` starts find `file` as its descriptor `number`.
///
/// FD_CLOEXEC belongs to a descriptor and is looked at by whatever execve(2) comes next. Who clears it in this process
/// lends the file to each program that another thread starts just then. So it is done in the child, where between fork
/// and exec there is nobody else: dup2(2) makes a descriptor without the flag, except when both numbers are the same.
/// Then it does nothing at all, and the flag has to be cleared.
///
/// `command` owns a descriptor of its own, so that `file` may go; which number that one gets is not ours to say, and so
/// it may be `number` itself.
///
/// One thing is left: a number that std uses in the child (the pipe on which it tells the parent that execve(2) failed)
/// is taken from it, as with any `pre_exec` that puts descriptors in place. A number that is far from those in use
/// avoids it.
pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
    if number < 3 {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "0, 1 and 2 are the standard streams"));
    }
    let lent = file.try_clone()?;
    let put_in_place = move || {
        if lent.as_raw_fd() == number {
            fcntl(&lent, FcntlArg::F_SETFD(FdFlag::empty()))?;
        } else {
            // SAFETY: dup2(2) takes two integers. What it closes under `number` is the child's, where nobody uses it:
            // the program that comes next knows of no descriptor but those that it is told of.
            Errno::result(unsafe { libc::dup2(lent.as_raw_fd(), number) })?;
        }
        Ok(())
    };
    // SAFETY: between fork and exec only what is async-signal-safe may be done, as a lock of another thread's may be
    // held for ever in the child. The closure makes one system call, takes no lock and allocates nothing, errors
    // included.
    unsafe { command.pre_exec(put_in_place) };
    Ok(())
}

/// Takes a file from a process that is not to be trusted, and maps it to read.
///
/// What one has looked at says nothing of what comes next, unless the kernel promises that it stays. So the seals are
/// asked for first: F_SEAL_SHRINK makes the length one that is never less, and only then is it worth asking for;
/// F_SEAL_WRITE says that there is no writable mapping and that there will be none. F_SEAL_FUTURE_WRITE leaves those
/// that exist. A seal can't be taken off, so what is true once is true for ever. F_SEAL_GROW is not missed, as nothing
/// of what is appended is mapped, nor is F_SEAL_SEAL, which keeps further seals from being added.
///
/// Regular files have no seals: F_GET_SEALS gives EINVAL, or on a tmpfs F_SEAL_SEAL alone.
///
/// MAP_PRIVATE: until Linux 6.7 a shared mapping of a write-sealed file was refused with EPERM even for reading. Nobody
/// can change the file, so that there is no difference to be seen.
pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
    let refused = |text| Err(io::Error::new(io::ErrorKind::InvalidData, text));
    let file = receive_file(socket)?;
    let seals = match fcntl(&file, FcntlArg::F_GET_SEALS) {
        Ok(seals) => SealFlag::from_bits_retain(seals),
        Err(_) => return refused("this file has no seals"),
    };
    if !seals.contains(SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_WRITE) {
        return refused("the file may still be truncated or written to");
    }
    // fstat(2) and not lseek(2): the offset is the sender's as well.
    let Ok(length) = usize::try_from(file.metadata()?.size()) else {
        return refused("the file is longer than all addresses");
    };
    if length == 0 || length > at_most {
        return refused("the file is empty or too long");
    }
    // `file` is closed on the way out; the mapping keeps its own reference.
    Ok(Mapping::of_file(&file, 0, length, ProtFlags::PROT_READ, Sharing::Private)?)
}

#[cfg(test)]
#[path = "../../../lessons/5_unlinked_temp_files/checks/mod.rs"]
mod checks;
