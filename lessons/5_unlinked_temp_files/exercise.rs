//! # Exercise 5: A scratch file, from its first byte to its last reader
//!
//! A program keeps its scratch data in a file without a name that it has mapped. Five functions do what it needs: give
//! the space back of what it is done with ([`give_back`]), grow the file under its mapping ([`grow`]), turn a finished
//! file into one with a name ([`publish`]), hand the file to a program that it starts ([`hand_down`]), and take one
//! from a process that it doesn't trust ([`receive_sealed`]). Each is a few lines; one to two hours for all of them,
//! most of it spent in the man pages; none needs more than a handful of system calls (300 are too many). No `kill -9`,
//! at whatever moment, may leave anything behind that somebody has to clean up.
//!
//! Read `lesson.rs` first. You may use std, nix, libc (as `nix::libc`), and what lessons 1 to 5 offer, such as
//! `mmap_workbook::lesson_2::Mapping` and `mmap_workbook::lesson_5::o_tmpfile`. `/proc` is mounted. An error that is
//! named below is the `io::ErrorKind` or the errno of the `io::Error`; any other is passed on as the kernel gives it.
//!
//! ```sh
//! cargo run -- check 5    # what is right so far, and what is not
//! cargo run -- hint 5     # a hint for the next function, then another
//! ```
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

/// Gives the disk space behind these bytes of `file` back, while the file stays, at every moment, as long as it is.
///
/// `file` is open for reading and writing. This process and others may have it mapped, shared: for them the bytes in
/// `range` become zeros, and so for read(2), and no touch of their mappings finds the file too short. (Whoever stores
/// to the range later needs a block again, and on a full disk gets SIGBUS: that is known to all of them.) The blocks of
/// each page that lies wholly inside `range` are free afterwards (st_blocks says so). Neither end of `range` need be on
/// a page's edge, and it may lie beyond 4 GiB. All bytes outside `range` stay as they are.
///
/// An empty range gives nothing back, and is no error.
///
/// # Errors
/// `InvalidInput` when the range ends before it begins, or ends behind the end of the file; nothing has changed then.
pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
    todo!("give the space behind these bytes back, and leave the length and all other bytes alone")
}

/// Makes `file` `length` bytes long, and `mapping` one of all of it.
///
/// `file` is open for reading and writing, has at least one byte, and `mapping` maps all of it: shared, for loads and
/// stores. So does `mapping` afterwards, with `length` bytes. What was in the file is still there, what is new is
/// zeros, and the disk space of all `length` bytes is reserved: no store to it can find the disk full.
///
/// Other processes have mapped the same file. They keep the length that they have mapped, and there they see each store
/// that is made through the new `mapping`, as theirs are seen through it. Only the caller changes the file's length.
///
/// The file is mapped once afterwards, and nowhere else in this process: what was mapped before is given back. No
/// descriptor stays open.
///
/// # Errors
/// `InvalidInput` when `length` is less than the file's length. ENOSPC when the disk is full, ENOMEM when no range of
/// addresses is free, EPERM when the file must not grow (F_SEAL_GROW). After each of them the file has the length that
/// it had, and `mapping` is as good as before: the same length, the same bytes, shared.
pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
    todo!("reserve the space, map the longer file, and have everything as before when one of them fails")
}

/// Makes the file `path`, which is complete or not there: `fill` writes its contents.
///
/// `fill` gets a file of length 0, open for reading and writing, in the file system of `path`'s directory, without a name:
/// its st_nlink is 0, and no directory lists anything that was not there before. When `fill` is done, the file becomes
/// `path`, with the permissions `mode` (the twelve bits of chmod(2)) whatever the umask is. A process that is killed,
/// at whatever moment, leaves in the directory what was there before, or that and the complete file with its permissions;
/// nothing else.
///
/// It is durable: the file's bytes are on the disk (fsync(2) or fdatasync(2)) before it gets its name, and the directory
/// (fsync(2)) before `publish` returns. `path` may be relative, also a bare name in the current directory.
///
/// It works for any user who may list the directory and write to it, with no privileges, and on Linux 5.4.
///
/// # Errors
/// `AlreadyExists` when `path` has a name already, be it a symbolic link that leads nowhere: what is there stays as it
/// is. The errors of `fill`, as they are. In both cases the directory lists what it listed before.
pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
    todo!("make a file without a name, have it filled, and give it its name when it is complete")
}

/// Has each program that `command` starts from now on find `file` as its descriptor `number`, open as it is here (the
/// same open file: offset and mode are shared, as after dup(2)).
///
/// Beside that the program gets no other descriptor of the file. No other program that this process starts, before,
/// after or meanwhile, gets one. `file` may be dropped before `command` starts its program. `number` may be any from 3
/// on that the process's limit allows: one that is free here, the number of `file` itself, or that of another open
/// file, which stays open in this process, as it was. When `command` is dropped, no descriptor stays open here because
/// of it. It is called at most once for a `command`.
///
/// # Errors
/// `InvalidInput` when `number` is less than 3: 0, 1 and 2 are `Command`'s own business.
pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
    todo!("have the child put the file under that number between fork and exec")
}

/// Takes a file from the process at the other end of `socket`, and maps it to read.
///
/// The other end sends it with `lesson_5::send_file`, and is not to be trusted: it may send what it likes, keep a
/// descriptor and mappings, and do to the file, at any moment, what the kernel lets it do. The mapping that comes back
/// has the length of the file. Whatever the other end does from now on, no touch of it kills, and no byte of it ever
/// changes. The kernel promises that of a file of memfd_create(2) that has two seals, F_SEAL_SHRINK and F_SEAL_WRITE. A
/// file that has both is taken, whatever other seals it has or lacks. No other file is.
///
/// The bytes are not copied: the mapping is one of the file, only to be read, and private: before Linux 6.7 the kernel
/// refuses a shared mapping of a write-sealed file (EPERM), even one that is only to be read. Nothing about the file is
/// changed, neither its seals nor its offset, which the other end shares. No descriptor of it stays open in this
/// process, and when it is refused nothing of it stays mapped.
///
/// # Errors
/// `InvalidData` when what comes is no file of memfd_create(2), lacks one of the two seals, is empty, or is longer than
/// `at_most` bytes. The errors of `lesson_5::receive_file`: `UnexpectedEof` when the other end is gone.
pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
    todo!("receive the file, have the kernel's word that it stays as it is, and map it")
}

#[cfg(test)]
#[path = "checks/mod.rs"]
mod checks;
