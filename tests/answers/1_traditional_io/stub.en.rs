//! # Exercise 1: Files that change, and machines that crash
//!
//! Each of these functions looks like one line of code. The first three are the core: allow at most two hours for them.
//! [`count_byte`] reads a file of any size, [`replace_all`] replaces a word everywhere in it, and [`read_number`] reads
//! what another program has written. Further, [`increment`] increments a number for several processes at
//! once, [`to_crlf`] inserts a byte in many places, and [`save`] and [`load`] keep a record across a power cut.
//!
//! Read `lesson.rs` first. You may use std, nix, libc (as `nix::libc`), tempfile, and everything in lesson 1:
//! `mmap_workbook::lesson_1::{Calls, read_at, write_at, ...}`. A `&dyn Calls` may be a file that the checks simulate,
//! whose calls are short and interrupted, as POSIX allows. It has no path and no descriptor, only these methods.
//!
//! ```sh
//! cargo run -- check 1    # what is right so far, and what is not
//! cargo run -- hint 1     # a hint for the next function, then another
//! ```
//!
//! Each `unsafe` block needs a `// SAFETY:` comment that says in a sentence why it is sound.
//!
//! The checks are in `checks/` beside this file. They test nothing that is not written here.

use std::io;
use std::path::Path;

use mmap_workbook::lesson_1::Calls;

/// Returns how often the byte is in the file.
///
/// - Short and interrupted calls (EINTR) change nothing but the number of calls.
/// - The call uses at most 1 MiB of memory. The file may be larger than that.
/// - There is at most one pread(2) per 16 KiB of the file, rounded up, plus 5.
/// - One that is interrupted, or returns fewer bytes than it could, does not count.
/// - It makes no other call than pread(2) and `size()`.
/// - `size()` does not count as a call, and is never interrupted.
/// - Nobody changes the file meanwhile.
///
/// # Errors
/// - Any other error of a call than EINTR, unchanged.
///
/// # Example
/// ```text
/// a file of the bytes "banana": count_byte(file, b'a') -> 3
/// an empty file:                count_byte(file, b'a') -> 0
/// ```
pub fn count_byte(file: &dyn Calls, byte: u8) -> io::Result<u64> {
    todo!("read the file in chunks, and count in each")
}

/// Replaces every occurrence of `old` in the file with `new`, which has the same length, and returns the number of
/// occurrences. It finds them from the beginning of the file to its end, in the bytes that the file had before the
/// call, and they do not overlap.
///
/// - What was written is not searched again.
/// - Short and interrupted calls (EINTR) change nothing but the number of calls.
/// - Only the occurrences are written: another process may be changing the bytes beside them.
/// - The call uses at most 1 MiB of memory beside `old` and `new`. The file may be larger than that.
/// - `old` is at most 64 KiB long.
/// - The call uses neither ftruncate(2) nor fsync(2).
/// - Each occurrence is written whole, with one pwrite(2) of its own, or more if that is short or interrupted.
/// - It is written even if `new` is the same as `old`.
/// - There is at most one pread(2) per 16 KiB of the file, rounded up, plus 5.
/// - One that is interrupted, or returns fewer bytes than it could, does not count.
/// - `size()` does not count as a call, and is never interrupted.
///
/// # Errors
/// - `InvalidInput` or EINVAL when `old` is empty, or `new` has another length; the file does not change.
/// - Any other error of a call, unchanged. Some of the occurrences may have been replaced by then.
///
/// # Example
/// ```text
/// a file of the bytes "aaa": replace_all(file, "aa", "bb") -> 1; the file is "bba"
/// a file of the bytes "abb": replace_all(file, "ab", "xa") -> 1; the file is "xab"
/// a file of the bytes "abb": replace_all(file, "b", "cd")  -> Err(InvalidInput)
/// ```
pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
    todo!("read the file in chunks, find the occurrences, write each of them")
}

/// Returns the number in the file at `path`, or 0 if the file does not exist.
///
/// - The file holds one or more decimal digits, and perhaps one `\n` after them.
/// - Any number of the digits may be leading zeros.
/// - Nothing else is a number: no sign, no space, no `\r`.
/// - Only ENOENT says that there is no file; a missing directory gives it, too.
/// - `path` may be a bare file name, or relative, or lead through symbolic links.
/// - The call needs no permission but that to read the file, and takes no lock.
/// - It creates and changes no file, and leaves no descriptor open.
/// - EINTR is no error: open(2) and read(2) are retried.
///
/// # Errors
/// - `InvalidData` when the file is empty, or holds anything but a number.
/// - `InvalidData` when the number is larger than `u64::MAX`.
/// - Any other error of a call, with its errno: EACCES, EISDIR, ENOTDIR ...
///
/// # Example
/// ```text
/// a file of the bytes "041\n": read_number(path) -> 41
/// no file:                     read_number(path) -> 0
/// a file of the bytes "4 1":   read_number(path) -> Err(InvalidData)
/// ```
pub fn read_number(path: &Path) -> io::Result<u64> {
    todo!("read the file, and accept digits and one newline only")
}

// Further: the exercise is solved without what follows. It takes longer.

/// Increments the number in the file at `path` and returns the new number. It never returns the same number twice, no
/// matter which processes call it at the same time, and even if one of them is killed or the machine crashes.
///
/// - The number is read as [`read_number`] reads it, which may be called.
/// - Afterwards the file holds the new number and a newline.
/// - A process that opens the file at any moment finds the complete old number or the complete new one.
/// - A process may be killed at any moment: that makes no later call fail.
/// - A process that has opened the file before keeps reading the old number.
/// - The new file has the mode of the old one, all 12 bits of it, before it has the name.
/// - Without an old one, any mode will do with which its owner can read it, unless the umask forbids that.
/// - write(2) or pwrite(2) and then fsync(2) put the new file on the disk before rename(2) gives it the name.
/// - fsync(2) puts the directory on the disk after that, before the call returns.
/// - Similar calls will do: writev(2), fdatasync(2), syncfs(2), renameat2(2).
/// - Processes take turns: each takes an exclusive flock(2) on the file's directory, opened for reading.
/// - A process takes the lock before it reads the number or removes files.
/// - It holds the lock until the directory is on the disk.
/// - A call that returns, even with an error, holds no lock any more and leaves no descriptor open.
/// - The name of a temporary file begins with [`TEMPORARY`](mmap_workbook::lesson_1::TEMPORARY), and no other
///   file's name does.
/// - A process that is killed may leave a temporary file.
/// - The next call that succeeds removes all that are left; others may.
/// - A call that can't remove one of them returns the error.
/// - A call that returns, even with an error, leaves no temporary file of its own.
/// - No other file is created or changed.
/// - `path` may be relative, or a bare file name, whose directory is `.` (`Path::parent` gives an empty path).
/// - The call changes neither the working directory nor the umask of the process.
/// - `path` is not a symbolic link.
/// - EINTR is no error: open(2), flock(2), read(2), write(2), fchmod(2), fsync(2) and similar calls are retried.
/// - rename(2) and unlink(2) need not be.
///
/// # Errors
/// - `InvalidData` when the file is empty, or holds anything but a number; it does not change.
/// - `InvalidData` when the number is `u64::MAX` or more; the file does not change.
/// - Any other error of a call, unchanged or as tempfile returns it. Example: EACCES for an unreadable file.
/// - After an error the file is as it was, unless rename(2) came before: then it may hold the new number.
///
/// # Example
/// ```text
/// a file of the bytes "41\n": increment(path) -> 42; the file is "42\n"
/// no file:                    increment(path) -> 1; the file is "1\n"
/// a file of the bytes "4 1":  increment(path) -> Err(InvalidData)
/// ```
pub fn increment(path: &Path) -> io::Result<u64> {
    todo!("lock the directory, clean up, read the number, replace the file by one with the next number")
}

/// Inserts a `\r` before each `\n` that has none directly before it, in place, and returns how many it inserted: the
/// line endings of Unix become those of Internet protocols. No call inserts a single byte into a file, so the bytes that
/// follow have to move, and not all by the same distance.
///
/// - A `\n` directly after a `\r` stays as it is: a second call inserts nothing.
/// - Short and interrupted calls (EINTR) change nothing but the number of calls.
/// - If the file can't grow, it has its old bytes and its old size when the call returns.
/// - A pwrite(2) may fail at any byte past the old end, even after ftruncate(2) has made the file longer.
/// - It never fails for lack of space inside the old size, or where this call has written before.
/// - The call uses at most 1 MiB of memory. The file may be larger than that.
/// - No byte before the first inserted `\r` is written, not even unchanged. If none is inserted, nothing is.
/// - Without short or interrupted calls, there is at most one call per 4 KiB of the new size, plus 16.
/// - `size()` does not count as a call, and is never interrupted.
/// - Nobody else changes the file meanwhile.
///
/// # Errors
/// - ENOSPC, EDQUOT or EFBIG when the file can't grow: the error of pwrite(2) or ftruncate(2), unchanged.
/// - SIGXFSZ is ignored here.
/// - Any other error of a call, unchanged. Part of the change may have been made by then.
///
/// # Example
/// ```text
/// a file of the bytes "a\nb\r\nc\n": to_crlf(file) -> 2; the file is "a\r\nb\r\nc\r\n"
/// the same file again:             to_crlf(file) -> 0
/// ```
pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
    todo!("count what to insert, make room at the end, and move each byte before its new place is overwritten")
}

/// What [`save`] keeps.
pub type Record = [u8; 32];

/// Saves the record in the file, in place of the previous one. After a power cut at any moment [`load`] finds one of
/// the two, and once this call has returned Ok, the new one. There is only this one file and no rename(2): databases
/// and boot loaders save so.
///
/// - The file is empty at first, and never has more than 16 KiB. Its layout is up to you.
/// - Only one process uses the file at a time.
/// - Calls may be short or interrupted (EINTR), except `size()`.
/// - A pwrite(2) or ftruncate(2) that fails has changed nothing: rely on that.
///
/// # What a power cut leaves
/// - A power cut keeps the file's bytes and size as of the last fsync(2) that returned Ok.
/// - Each byte written since, by any process, is kept or lost, and so is each change of size.
/// - Each is kept or lost independently of the others. No byte is kept in part.
/// - Where a new size is kept and the bytes are lost, there are zeros.
/// - A byte that was written more than once may have any of its values.
/// - A checksum of 64 bits or more that matches is proof enough.
///
/// # What load finds after kills and power cuts
/// - The process may be killed at any moment. The next process then sees everything that was written.
/// - A power cut may interrupt a save that follows killed ones.
/// - `load` then finds the record of any of these saves, or the last one before them that returned Ok.
/// - The record of an interrupted save may appear later, even if `load` has not found it.
/// - It no longer appears once a later save has returned Ok.
/// - A save that fails counts as interrupted.
/// - After a failed fsync(2) nobody uses the file before the next power cut.
///
/// # Errors
/// - That of fsync(2), unchanged: the data may be lost, even if the next fsync(2) succeeds.
/// - Any other error of a call, unchanged.
/// - EINTR is no error: the call is retried, fsync(2) too.
///
/// # Example
/// ```text
/// save(file, A), save(file, B):                   load(file) -> Some(B)
/// then a power cut anywhere inside save(file, C): load(file) -> Some(B) or Some(C)
/// save(file, C) returns Ok, then a power cut:     load(file) -> Some(C)
/// ```
pub fn save(file: &dyn Calls, record: &Record) -> io::Result<()> {
    todo!("write the record where the last one is not, then say that it counts; fsync(2) where the order matters")
}

/// Returns the record that [`save`] promises, or None if no record was saved. It is graded together with `save`.
///
/// - An empty file has no record.
/// - It does not change the file; it may call fsync(2).
/// - The record of a killed save that it returns may still be lost in a power cut.
/// - Calls may be short or interrupted (EINTR), except `size()`.
///
/// # Errors
/// - Those of the calls, unchanged.
/// - EINTR is no error: the call is retried.
///
/// # Example
/// ```text
/// an empty file:                         load(file) -> None
/// a power cut inside the first save (A): load(file) -> None or Some(A)
/// ```
pub fn load(file: &dyn Calls) -> io::Result<Option<Record>> {
    todo!("read the record that counts")
}
