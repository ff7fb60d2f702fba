//! # Exercise 5: A scratch file, from its first byte to its last reader
//!
//! A program keeps its scratch data in a file without a name, which it has mapped. The first three functions are the
//! core: [`give_back`] frees the space of data that is no longer needed, [`grow`] makes the file longer under its
//! mapping, and [`publish`] gives a complete file a name. Allow up to two hours for the three, most of it spent in the
//! man pages. Two further functions: [`hand_down`] passes the file to a program that this one starts, and
//! [`receive_sealed`] takes a file from a process that is not trusted. Each function is a few lines.
//!
//! Each function makes at most 50 system calls, without those of `fill` and of child processes, however long the file
//! is; ten are plenty. A `kill -9`, at whatever moment, must leave nothing that has to be cleaned up. A process may call
//! each of them many times, with other files.
//!
//! Read `lesson.rs` first. You may use std, nix, libc (as `nix::libc`), and everything in lessons 1 to 5, such as
//! `mmap_workbook::lesson_2::Mapping` and `mmap_workbook::lesson_5::o_tmpfile`. `/proc` is mounted. An error that a
//! contract names is the `io::ErrorKind` or the errno of the `io::Error`; any other error is passed on as the kernel
//! returns it, with its errno. Where two errors apply, either is right, unless the contract chooses.
//!
//! ```sh
//! cargo run -- check 5    # what is right so far, and what is not
//! cargo run -- hint 5     # a hint for the next function, then another
//! ```
//!
//! Each `unsafe` block needs a `// SAFETY:` comment that says in a sentence why it is sound.
//!
//! The checks are in `checks/` beside this file. They test nothing that is not written here.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::fd::RawFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;

use mmap_workbook::lesson_2::Mapping;

/// Frees the disk space of the bytes in `range`, which read as zeros from then on. The file keeps its length. Other
/// processes may have it mapped while this happens.
///
/// - `file` is open for reading and writing. This process and others may have it mapped, shared.
/// - The file has its length at every moment, so no access to one of the mappings raises SIGBUS.
/// - The bytes in `range` become zeros, for read(2) and in every shared mapping.
/// - All other bytes keep their values, also those that other processes store to them meanwhile.
/// - Each page that lies wholly inside `range` gives up its disk space (st_blocks) until somebody accesses it again.
/// - What is a hole already stays one: no step needs free disk space.
/// - The offset of `file` doesn't move, not even for a moment, since other processes may share it.
/// - Neither end of `range` needs to be page-aligned.
/// - Both ends may lie beyond 4 GiB.
/// - The call leaves no descriptor of its own open, and nothing mapped, not even after an error.
/// - An empty range inside the file, or at its end, is no error, sealed or not, and changes nothing.
///
/// # Errors
/// - `InvalidInput` when `range` ends before it begins; nothing changes then.
/// - `InvalidInput` when `range`, even an empty one, ends past the end of the file; nothing changes then.
/// - EPERM when the file must not change (F_SEAL_WRITE, F_SEAL_FUTURE_WRITE).
/// - EOPNOTSUPP when its file system has no holes.
///
/// # Example
/// ```text
/// a file of the bytes "abcdef": give_back(file, 1..4) -> Ok; the file is "a\0\0\0ef"
///                               give_back(file, 5..7) -> Err(InvalidInput)
/// ```
pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
    todo!("free the space of these bytes, and leave the length and all other bytes alone")
}

/// Makes `file` `length` bytes long, and replaces `mapping` with a mapping of the whole file. Other processes that have
/// the file mapped keep their mappings and go on sharing its bytes.
///
/// - `file` is open for reading and writing, and has at least one byte.
/// - `mapping` covers the whole file, shared, for loads and stores: before the call and after it.
/// - No process has stored anything past the end of the file, in its last page.
/// - The old bytes keep their values, and the new ones are zeros.
/// - Disk space is reserved for all `length` bytes, also where the file had holes.
/// - That is so even if `length` is the length that the file has already.
/// - Each process sees what the others store in the part that it has mapped.
/// - At no moment is the file shorter than before the call.
/// - No other process changes the length of the file meanwhile, nor the offset, which doesn't move.
/// - The call leaves the file mapped once: a mapping that is replaced is unmapped.
/// - The call leaves no descriptor of its own open, not even after an error.
/// - After an error the file has its old length, and `mapping` is still shared, with its old length and bytes.
/// - That is so even if fallocate(2) has made the file longer before it failed, as ext4 does.
/// - It is so, too, when the file must not shrink (F_SEAL_SHRINK). Space may stay reserved.
/// - Such a file is a memory file, and on those fallocate(2) does all or nothing.
///
/// # Errors
/// - `InvalidInput` when `length` is less than the length of the file.
/// - ENOSPC when the disk has too little space.
/// - ENOMEM when no range of addresses of that length is free, even if the disk has no space either.
/// - EPERM when `length` is more than the length of the file, which must not grow (F_SEAL_GROW).
/// - EOPNOTSUPP when the file system can't reserve: there glibc's posix_fallocate(3) writes, and loses others' stores.
///
/// # Example
/// ```text
/// a file of the bytes "abc": grow(file, mapping, 5) -> Ok; the mapping shows "abc\0\0"
///                            grow(file, mapping, 2) -> Err(InvalidInput)
/// ```
pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
    todo!("map the longer file, reserve the space, and restore everything when one of the two fails")
}

/// Creates the file at `path` with the contents that `fill` writes and the permissions `mode`. The file appears under
/// its name only when it is complete.
///
/// - `fill` gets an empty file, open for reading and writing, in the file system of `path`'s directory.
/// - While `fill` runs, the file has no name: its st_nlink is 0, and no directory lists it.
/// - A process that is killed, at any moment, leaves the complete file with its permissions, or nothing.
/// - The permissions are exactly the 12 bits of `mode` (at most 0o7777), whatever the umask is and `fill` sets.
/// - Neither the umask nor the current directory of the process changes, not even for a moment. `fill` changes neither.
/// - The bytes and the permissions are on the disk (fsync(2)) before the file gets its name.
/// - The directory is on the disk (fsync(2), not fdatasync(2)) before `publish` returns.
/// - `path` may be relative, or a bare file name in the current directory; its bytes need not be UTF-8.
/// - It ends in a file name, not in `/` or `..`.
/// - Its directory may be read and written to, in any file system that has O_TMPFILE.
/// - The call leaves no descriptor of its own open, not even after an error.
/// - After an error up to the name, such as one of `fill`, the directory lists what it listed before.
///
/// # Errors
/// - `AlreadyExists`, before `fill` or after it, when `path` exists, even as a dangling symbolic link.
/// - What is there does not change then.
/// - The error of `fill`, unchanged.
/// - ENOENT when the directory doesn't exist: `publish` doesn't create it.
/// - The error of the fsync(2) of the file: nothing gets a name then.
/// - The error of the fsync(2) of the directory: the name may stay then.
///
/// # Example
/// ```text
/// umask 022: publish("report", 0o666, write "done") -> Ok; `report` has the bytes "done" and the mode 0666
/// again:     publish("report", 0o666, write "more") -> Err(AlreadyExists); `report` still has "done"
/// ```
pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
    todo!("make a file without a name, let `fill` write it, and name it when it is complete")
}

// Further: the exercise is solved without what follows. It takes longer.

/// Makes `command` pass `file` to each program that it starts from now on: the program finds it open as its descriptor
/// `number`.
///
/// - The descriptor refers to the same open file description, as after dup(2): the offset is shared.
/// - The program gets no other descriptor of the file.
/// - No other program that this process starts, at any time, gets a descriptor of it.
/// - `file` may be dropped before `command` starts a program.
/// - `number` may be free in this process, or the number of `file`, or that of another open file.
/// - That other file stays open in this process under its number.
/// - `number` may be the highest that RLIMIT_NOFILE permits. Standard input may be closed in this process.
/// - If `number` is free when `hand_down` is called, nothing else may get it while `command` exists.
/// - In that case, starting a program that doesn't exist still returns an error.
/// - What runs between fork and exec allocates nothing, and takes no lock that another thread may hold.
/// - All else that a program of `command` finds is as before: its environment, standard streams, other descriptors.
/// - Once `command` is dropped, no descriptor that the call made is open.
/// - `hand_down` is called at most once for each `command`, even if it fails. Several commands may exist.
/// - Programs are started with `spawn`, `output` or `status`, not with `exec`.
/// - `file` has FD_CLOEXEC, like all files that Rust opens.
///
/// # Errors
/// - `InvalidInput` when `number` is less than 3: `Command` itself sets up 0, 1 and 2.
/// - Any error when `number` is too high (RLIMIT_NOFILE): here, or else when `command` starts a program.
///
/// # Example
/// ```text
/// command: sh -c "cat <&9"
/// hand_down(command, file, 9) -> Ok; the program prints the file from its offset on
/// ```
pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
    todo!("let the child put the file at that number, between fork and exec")
}

/// Receives a file from the process at the other end of `socket`, and maps all of it for reading. The sender calls
/// `lesson_5::send_file` and is not trusted: it may send any file, keep descriptors and mappings of it, and do to the
/// file whatever the kernel allows.
///
/// - Whatever the sender does later, no access to the mapping raises SIGBUS, and no byte in it changes.
/// - So a file must be from memfd_create(2) and have the seals F_SEAL_SHRINK and F_SEAL_WRITE.
/// - A file open for reading that has both seals is accepted, whatever other seals it has or lacks.
/// - The length that counts is asked for after the seals (F_GET_SEALS): before, the sender may still change it.
/// - The mapping is of the file itself, not of a copy, and there is only one.
/// - It is private and for reading only; before Linux 6.7 a shared one is EPERM.
/// - The seals of the file do not change.
/// - Nor does its offset, which the sender shares, not even for a moment.
/// - `socket` keeps its settings, such as the timeout. One message is received, and nothing is sent.
/// - No descriptor of the file stays open.
/// - After an error, nothing stays mapped either.
///
/// # Errors
/// - `InvalidData` when the file is not from memfd_create(2), or lacks one of the two seals.
/// - `InvalidData` or EBADF when its seals can't be asked for (O_PATH in open(2)).
/// - `InvalidData` when the file is empty, or longer than `at_most` bytes.
/// - EACCES when the descriptor that was sent is not open for reading.
/// - ENOMEM when no range of addresses of that length is free.
/// - Those of `lesson_5::receive_file`, unchanged, such as `UnexpectedEof` when the other end is gone.
///
/// # Example
/// ```text
/// the bytes "abc" with F_SEAL_SHRINK and F_SEAL_WRITE: receive_sealed(socket, 3) -> a mapping that shows "abc"
///                                                      receive_sealed(socket, 2) -> Err(InvalidData)
/// the bytes "abc" with F_SEAL_SHRINK alone:            receive_sealed(socket, 3) -> Err(InvalidData)
/// ```
pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
    todo!("receive the file, make sure that the kernel keeps it as it is, and map it")
}
