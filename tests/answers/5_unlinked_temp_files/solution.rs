//! The answers to exercise 5, and why they are as they are.
//!
//! What they have in common: the kernel does each of these things in one call that either happens or does not, so that
//! no process can die in the middle. A hole is punched, not written; a file is linked when it is complete; a seal is
//! asked for and then relied on. Two calls come in an order in which the first one alone does no harm.

use std::fs::{File, Permissions};
use std::io;
use std::ops::Range;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
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

/// Frees the disk space of these bytes of `file`.
///
/// Only a hole will do. Zeros that are written take the same space as the bytes before them. ftruncate(2) frees it, but
/// removes pages from every mapping. madvise(2) with MADV_DONTNEED, which frees memory of a process, only drops a
/// shared file's page from this process's page tables: the page stays in the file.
///
/// fallocate(2) does the arithmetic with page boundaries itself: it frees whole blocks inside the range, and sets the
/// bytes in the blocks at its ends, which have other bytes too, to zero.
pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
    if range.start > range.end {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the range ends before it begins"));
    }
    // The kernel would punch a hole past the end, too, where there is nothing to free: a caller that asks for that has
    // calculated wrongly.
    if range.end > file.metadata()?.len() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the range ends past the end of the file"));
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

/// Makes `file` `length` bytes long, and `mapping` a mapping of all of it.
///
/// A mapping keeps the length that mmap(2) was given: it does not grow with its file. So a second mapping is made, and
/// made first, longer than the file, which mmap(2) permits: the size counts when a page is accessed, and there is no
/// access yet. If mmap(2) fails, nothing has happened. If the reservation fails, the second mapping is dropped and the
/// length is restored, as some file systems have added what they could by then.
///
/// fallocate(2) and not ftruncate(2): a length alone reserves nothing, and the store that finds no block on a full disk
/// gets SIGBUS. posix_fallocate(3) is the same call on most file systems. On one that can't reserve, glibc's function
/// reads a byte of each block and writes a 0 where it found one, over what another process has stored in between;
/// fallocate(2) fails with EOPNOTSUPP.
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
    // The old mapping is dropped, and so unmapped.
    *mapping = longer;
    Ok(())
}

/// Makes the file `path`, which is complete or not there.
///
/// A file of O_TMPFILE has no name that a killed process could leave behind, and linkat(2) makes an exception for it:
/// any other file whose link count is 0 is refused with ENOENT, and so is one of O_TMPFILE with O_EXCL.
/// (`tempfile::tempfile_in` may give such a file or one that was unlinked; it doesn't promise which.) The name comes
/// last, in one call that creates it or does not. linkat(2) refuses a name that exists; rename(2) would replace the
/// file.
///
/// The way from the descriptor to the file is /proc/self/fd/N, a link that only AT_SYMLINK_FOLLOW follows.
/// AT_EMPTY_PATH would need no /proc, but until Linux 6.10 a capability (CAP_DAC_READ_SEARCH).
pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
    // The parent of a bare name is the empty path, which open(2) refuses.
    let directory = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let file = o_tmpfile(directory)?;
    fill(&file)?;
    // fchmod(2): the mode that open(2) is given loses the umask's bits. Before the name, so that no process finds the
    // file with other permissions.
    file.set_permissions(Permissions::from_mode(mode))?;
    // After a crash of the machine, too, the file under the name must be complete: first the bytes, then the name.
    file.sync_all()?;
    let from: PathBuf = format!("/proc/self/fd/{}", file.as_raw_fd()).into();
    linkat(AT_FDCWD, &from, AT_FDCWD, path, AtFlags::AT_SYMLINK_FOLLOW)?;
    // The name is an entry of the directory, which is a file of its own and needs its own fsync(2).
    File::open(directory)?.sync_all()
}

/// Makes `command` pass `file` to each program that it starts, as descriptor `number`.
///
/// FD_CLOEXEC belongs to a descriptor, and whichever execve(2) comes next looks at it. Clearing it in this process
/// passes the file to every program that another thread starts just then. So it is done in the child, where between
/// fork and exec no other thread runs: dup2(2) makes a descriptor without the flag, except when both numbers are the
/// same. Then it does nothing at all, and the flag has to be cleared.
///
/// `command` owns a descriptor of its own, so `file` may be dropped. It is `number` itself, if that is free: otherwise
/// std might get it, for the pipe that tells the parent of a failed execve(2). With dup2(2) the pipe would be lost, a
/// program that does not exist would be no error, and what std writes to the pipe would be written to the file.
pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
    if number < 3 {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "0, 1 and 2 are the standard streams"));
    }
    // The lowest free number from `number` on. There may be none, if that is the last one; then any will do.
    let lent = match fcntl(file, FcntlArg::F_DUPFD_CLOEXEC(number)) {
        // SAFETY: the kernel has just made this descriptor for us.
        Ok(lent) => unsafe { OwnedFd::from_raw_fd(lent) },
        Err(_) => file.as_fd().try_clone_to_owned()?,
    };
    let put_in_place = move || {
        if lent.as_raw_fd() == number {
            fcntl(&lent, FcntlArg::F_SETFD(FdFlag::empty()))?;
        } else {
            // SAFETY: dup2(2) takes two integers. The descriptor that it closes is the child's, where nothing uses it:
            // the next program knows only the descriptors that it is told of.
            Errno::result(unsafe { libc::dup2(lent.as_raw_fd(), number) })?;
        }
        Ok(())
    };
    // SAFETY: between fork and exec only async-signal-safe code may run, because another thread's lock may stay held in
    // the child for ever. The closure makes one system call, takes no lock and allocates nothing, not even for an
    // error.
    unsafe { command.pre_exec(put_in_place) };
    Ok(())
}

/// Receives a file from a process that is not trusted, and maps it for reading.
///
/// A check says nothing about later, unless the kernel promises that its result stays true. So the seals are checked
/// first: with F_SEAL_SHRINK the length can't become less, and only then is it worth asking for; F_SEAL_WRITE says that
/// there is no writable mapping and will be none. F_SEAL_FUTURE_WRITE does not affect those that exist. A seal can't be
/// removed, so what is true once is true for ever. F_SEAL_GROW is not needed, as appended bytes are not mapped, nor is
/// F_SEAL_SEAL, which prevents further seals.
///
/// Regular files have no seals: F_GET_SEALS gives EINVAL, or on a tmpfs F_SEAL_SEAL alone.
///
/// MAP_PRIVATE: before Linux 6.7 a shared mapping of a write-sealed file fails with EPERM, even for reading. No process
/// can change the file, so the two kinds of mapping show the same.
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
        return refused("the file is longer than the address space");
    };
    if length == 0 || length > at_most {
        return refused("the file is empty or too long");
    }
    // `file` is closed on the way out; the mapping keeps its own reference.
    Ok(Mapping::of_file(&file, 0, length, ProtFlags::PROT_READ, Sharing::Private)?)
}
