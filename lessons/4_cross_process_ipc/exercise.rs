//! # Exercise 4: Memory that others use, too
//!
//! Five functions for processes that share a page: numbers that are given out once ([`next_ticket`]), a file that one of many
//! sets up ([`open_once`]), a role that one process has until it dies ([`claim`]), and a cell whose readers never see half a
//! value and never wait ([`publish`] and [`latest`]). Two hours or so for all of them.
//!
//! Read `lesson.rs` first. You may use std, nix, libc (as `nix::libc`), memmap2, tempfile, and what lessons 1 to 3 offer, such
//! as `mmap_workbook::lesson_2::Mapping`, whose `long_word` is an `AtomicU64` in the mapping.
//!
//! ```sh
//! cargo run -- check 4    # what is right so far, and what is not
//! cargo run -- hint 4     # a hint for the next function, then another
//! ```
//!
//! The checks are in `checks/` beside this file. They test nothing that is not written here. They stop your code after each
//! of its instructions and let another process run there: what can go wrong does.

use std::fs::File;
use std::io;
use std::path::Path;

use mmap_workbook::lesson_2::Mapping;

/// Takes the next number from the counter at byte `at` of `page`: a number of 64 bits in this machine's byte order, which says
/// how many have been taken. The first is 0; when `limit` numbers have been taken, None.
///
/// Any number of processes do that at the same time, through shared mappings of the same page. Each number is given out exactly
/// once, whatever happens in between, and none is left out. The counter is never larger than `limit`, not for a moment. (Where
/// it is larger already, because others have another limit, it stays as it is: None.) A process that stands still or dies in
/// the middle holds up nobody, and at most the one number is lost that it was about to return.
///
/// `at` is a multiple of 8.
pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
    todo!("take a number from the counter, which others raise at the same time")
}

/// Opens the file at `path`, which has one page, and maps it shared, to read and to write. Where there is no such file, it is
/// made, and `init` is called with a mapping of it that is all zeros.
///
/// Any number of processes do that at the same time. One file comes of it, which all of them map. Nobody is given a mapping in
/// which `init` has not come to its end; so `init` may be called by several of them, but what one of them sees, all of them see.
/// Where the file is there already, `init` is not called.
///
/// A process may be killed at any moment. Then either there is no file at `path`, and the next one makes it, or there is one that
/// is whole: nobody has to wait for the one that died, or to clean up after it. What it had begun may be left beside it, under
/// another name. When the call returns, nothing is left but the file at `path`, with mode 0600, less what the umask takes away.
/// `path` may be a file name alone; no other directory than the file's is written to.
///
/// # Errors
/// `InvalidData` when there is a file at `path` that has not exactly one page; it stays as it is. Else those of the calls.
pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
    todo!("open the file, or make it whole before anybody can open it")
}

/// Makes this process the writer of `file`, unless another one is. Gives back the process id of the writer: this one's, from now
/// on or already, or that of the other one, which is alive.
///
/// A process stays the writer until it ends, however it ends: with kill -9 too the next `claim`, by anybody, finds no writer and
/// becomes it. A child that the writer has forked is not the writer, nor does it keep the role for it: when the writer is dead
/// and its child lives, there is none. And a process that got the dead writer's process id isn't taken for it.
///
/// `file` is open for reading and writing. Each process opens the file once, itself, and keeps it open. The call never waits, and
/// changes neither the file's bytes nor its size.
///
/// # Errors
/// Those of the calls.
pub fn claim(file: &File) -> io::Result<i32> {
    todo!("take a lock that ends with the process, or say who has it")
}

/// Puts `value` into the cell, for [`latest`] to find. The cell is the first page of the shared mapping `cell`, and was all zeros
/// before the first `publish`; how it is laid out is up to you. All values are possible, zeros too.
///
/// One process at a time publishes. It may stand still or be killed after any of its instructions. Readers then find what was
/// published before, or this value, whole; once a reader has found this value, no reader finds the one before. And another
/// process may publish after that, as if nothing had happened. When the call returns, every reader finds `value`.
pub fn publish(cell: &Mapping, value: [u64; 4]) {
    todo!("store the value where nobody reads yet, then say that it is there")
}

/// The value in the cell; None when nothing was ever published there.
///
/// It is one that was published, whole, and not one that was replaced already when the call began. Any number of processes read at
/// the same time, and none of them holds up the writer: the mapping `cell` may even be one to read only. A reader never waits for
/// the writer: where that stands still, after whichever instruction, the value comes at once. Only a writer that publishes all the
/// time may make a reader begin again.
pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
    todo!("load the value, and make sure that it was not replaced meanwhile")
}

#[cfg(test)]
#[path = "checks/mod.rs"]
mod checks;
