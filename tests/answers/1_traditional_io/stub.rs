//! # Exercise 1: Files that change, and machines that stop
//!
//! Four things that programs do to a file, each of which looks like a line of code: replace a word everywhere
//! ([`replace_all`]), put a byte in at many places ([`to_crlf`]), raise a number that several processes raise
//! ([`raise`]), and keep a record that is there after a power cut ([`save`] and [`load`]). About two hours for all of
//! them.
//!
//! Read `lesson.rs` first. You may use std, nix, libc (as `nix::libc`), tempfile, and all that lesson 1 offers:
//! `mmap_workbook::lesson_1::{Calls, read_at, write_at, ...}`. A `&dyn Calls` may be a file of the checks' own whose
//! calls are short and interrupted, as POSIX lets them be; nothing is known of it but what its methods say.
//!
//! ```sh
//! cargo run -- check 1    # what is right so far, and what is not
//! cargo run -- hint 1     # a hint for the next function, then another
//! ```
//!
//! The checks are in `checks/` beside this file. They test nothing that is not written here.

use std::io;
use std::path::Path;

use mmap_workbook::lesson_1::Calls;

/// Replaces `old` by `new`, which has as many bytes, wherever it is in the file, and says at how many places.
///
/// The places are found from the beginning of the file to its end, in the bytes that it had before the call, and don't
/// overlap: `aa` is once in `aaa`, and `ab` is once in `abb` also when `xa` comes in its place.
///
/// The file may be larger than all memory, of which the call takes at most 1 MiB. `old` has up to 64 KiB. No byte
/// outside these places is written, since somebody else may be changing it just now, and the file keeps its size. As
/// long as no call is short or interrupted, each place is written with one call, and there is at most one pread(2) for
/// each 16 KiB of the file, and 4 more. Short and interrupted calls (EINTR) change nothing but the number of calls.
///
/// # Errors
/// `InvalidInput` (or EINVAL), and nothing has changed, when `old` is empty or `new` has not as many bytes. Else those
/// of the calls, without EINTR; some of the places may have been replaced then.
pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
    todo!("read the file in pieces, find the places, write each of them")
}

/// Puts a `\r` before each `\n` that has none before it, in place, and says how many it put in: a text with the ends of
/// lines of Unix gets those of the Internet's protocols. A second call finds nothing to do.
///
/// A file has no call that inserts: the bytes behind must move, and not all by the same distance. The file may be larger
/// than all memory, of which the call takes at most 1 MiB, and it makes no other file. Nothing before the first `\r`
/// that comes in is written, and nothing at all when none does. As long as no call is short or interrupted, there is at
/// most one call for each 4 KiB of the new size, and 16 more; size() is not counted. Nobody else changes the file
/// meanwhile.
///
/// # Errors
/// When a disk is full or a limit reached, no byte can be written behind the old end of the file, or only some, even if
/// ftruncate(2) has made the file larger: that makes a hole, and reserves nothing. (The bytes inside the old end have
/// their place; writing over them never fails so.) The error is then that of pwrite(2), and the file has the bytes and
/// the size that it had. Other errors are passed on, without EINTR, and may leave part of the change.
pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
    todo!("count what comes in, make room behind the end, and move the bytes, each before its new place is needed")
}

/// Raises the number in the file at `path` by one, gives back the new one, and never gives the same number twice,
/// whichever processes raise it at the same time, and whenever one of them is killed or the machine stops.
///
/// The file has the number in decimal digits, and perhaps a newline behind it; a file that isn't there has 0. What
/// comes in its place is the new number and a newline. Whoever opens the file at any moment finds a whole number, the
/// old or the new; whoever has it open keeps the old one. The new file has the mode of the old one. When the call
/// returns the number is on the disk, as far as fsync(2) can see to it: the new file's bytes before it gets the name,
/// and then the name itself.
///
/// Processes that raise at the same time take turns: each holds an exclusive flock(2) on the directory that the file is in
/// (open for reading; no other file is made for it) from before it looks at the number until the new one is on the
/// disk.
///
/// A temporary file has a name that begins with [`TEMPORARY`](mmap_workbook::lesson_1::TEMPORARY), and nobody else has
/// such files in this directory. A process that is killed may leave one; a call that returns, with an error or not, leaves
/// none, of its own or of the dead. No other file is touched. `path` is no symbolic link, and may be a file name alone.
///
/// # Errors
/// `InvalidData`, and the file is as it was, when it has anything but a number, or `u64::MAX`. Else those of the calls.
pub fn raise(path: &Path) -> io::Result<u64> {
    todo!("lock the directory, clean up, read the number, replace the file by one with the next number")
}

/// What [`save`] keeps.
pub type Record = [u8; 32];

/// Keeps the record in the file, in the place of the one before, so that [`load`] finds one of the two after a power
/// cut at any moment, and after this call has returned Ok, this one. How the file looks inside is up to you; it has at
/// most 16 KiB, and begins empty. There is no rename(2) here, only the one file: so a database does it, or a boot
/// loader.
///
/// What a power cut leaves is what was on the disk when fsync(2) last returned Ok, and of all that was written since
/// (by pwrite(2) and ftruncate(2), by this call or by one before) any part, in any order: each byte may have got there
/// or not, whatever happened to the others. A byte itself is never half. An fsync(2) that fails may have dropped what
/// was to be written, and the next one succeeds without it.
///
/// The process may also be killed at any moment, without a power cut: then the next call, in another process, sees what
/// was written, on the disk or not; and after a power cut in that call, load finds the record of one of the two calls,
/// or the one before. A record whose save was cut off and that load did not find may still turn up, until a later save
/// has returned Ok. A call that has failed counts as a killed one, but after a failed fsync(2) nobody uses the file
/// before the next power cut. Only one process uses the file at a time. Calls may be short or interrupted.
///
/// # Errors
/// Those of the calls, without EINTR; one of fsync(2) is passed on, and it is not asked again.
pub fn save(file: &dyn Calls, record: &Record) -> io::Result<()> {
    todo!("write the record where the last one is not, then say that it counts; fsync(2) where the order matters")
}

/// The record in the file, as [`save`] promises it; None in an empty file, or when there never was one that counted. It
/// is graded together with `save`.
///
/// # Errors
/// Those of the calls, without EINTR.
pub fn load(file: &dyn Calls) -> io::Result<Option<Record>> {
    todo!("read the record that counts")
}

#[cfg(test)]
#[path = "checks/mod.rs"]
mod checks;
