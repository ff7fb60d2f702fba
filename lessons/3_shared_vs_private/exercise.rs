//! # Exercise 3: A draft of a file
//!
//! A private mapping is a draft: it shows the file, takes edits, and the file does not change. Five functions make one
//! that can be worked with: one that stands still ([`freeze`]), one that forgets ([`discard`]), one that knows what was
//! edited ([`copied_pages`]), one that is published ([`commit`]), and a child that tries something out ([`what_if`]). One
//! to two hours for all of them.
//!
//! Read `lesson.rs` first. You may use std, nix, libc (as `nix::libc`), memmap2, and what lessons 1 to 3 offer, such as
//! `mmap_workbook::lesson_2::Mapping`, `mmap_workbook::observe` and `mmap_workbook::process`.
//!
//! ```sh
//! cargo run -- check 3    # what is right so far, and what is not
//! cargo run -- hint 3     # a hint for the next function, then another
//! ```
//!
//! The checks are in `checks/` beside this file. They test nothing that is not written here. In all five functions
//! `draft` is a private mapping, to read and to write, of the first `draft.length()` bytes of a file, which has at least
//! so many. "Its pages" are those with these bytes, counted from 0 on; the last one may reach beyond the end of the file.

use std::fs::File;
use std::io;

use mmap_workbook::lesson_2::Mapping;

/// Makes the draft stand still: from now on it shows the bytes that it shows now, whoever writes to the file and through
/// whatever. What has been stored to the draft stays. The file's bytes don't change, and neither does any byte of the draft.
///
/// (Nobody truncates the file. That would take away the copies, too: lesson 6.)
pub fn freeze(draft: &Mapping) {
    todo!("make a copy of each page of the draft")
}

/// Forgets what was stored to the draft: from now on each of its pages is the file's page again, as if it had just been
/// mapped. So it shows what others wrote meanwhile, and what they will write later. The mapping stays where it is, and the
/// file does not change. Other mappings, of the same file too, keep what was stored to them.
///
/// # Errors
/// Those of the calls.
pub fn discard(draft: &Mapping) -> io::Result<()> {
    todo!("let go of the copies, so that the file's own pages come back")
}

/// The numbers of the draft's pages that have been stored to, rising: those of which the mapping has a copy of its own. It
/// doesn't matter what was stored: the very byte that was there before makes a copy as well. A page that was only loaded
/// from has none, and neither has one that changed because somebody wrote to the file.
///
/// Nobody has kept count of the stores. It is the kernel that knows, and it tells in /proc/self/pagemap (proc_pid_pagemap(5),
/// Documentation/admin-guide/mm/pagemap.rst): 64 bits for each page of the address space, in the order of the addresses. Bit
/// 63: the page is present; bit 62: it is swapped out; bit 61: it is a page of a file (or of shared memory). A page that is
/// neither present nor swapped has never been touched, or has no entry any more. None of that needs a privilege. Asking
/// makes no copies, and does not need the pages' bytes.
///
/// # Errors
/// Those of reading the file.
pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
    todo!("find the pages that are the draft's own in /proc/self/pagemap")
}

/// Publishes the draft: writes each page that has been stored to (see [`copied_pages`]) into the file, at its place, and then
/// lets go of the copies, as [`discard`] does. Gives back how many pages were written.
///
/// Only those pages are written: where others wrote to other pages, that stays, and what is a hole of the file stays a hole.
/// On the pages that are written, the draft's bytes win. Of each page all the bytes that are inside the file go there, also
/// those behind the draft's last byte, and no others: the file keeps its size. When it is over, the draft shows the file and
/// has no copies.
///
/// `file` is open for writing, without O_APPEND, and perhaps not for reading.
///
/// # Errors
/// Those of the calls. When any page can't be written, or not all of it, the draft keeps all its copies, so that nothing is
/// lost and a later call writes them all: EBADF, for example, when `file` is open for reading only, or EFBIG at the limit
/// that setrlimit(2) has set on a file's size (RLIMIT_FSIZE; SIGXFSZ is ignored here). A write that meets that limit, or a
/// full disk, may first be cut short.
pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
    todo!("write the draft's own pages to the file, then discard them")
}

/// Tries something out: runs `explore` on the draft in a forked child, and brings back the number that it returns, any of
/// 64 bits. Whatever it stores to the draft is seen by `explore` only: this process's draft and the file stay as they are.
///
/// The child ends when `explore` has returned, without running what the process would do at its end (atexit(3), buffers that
/// are written out): it leaves by `_exit(2)`. A panic of `explore` ends there as well: in the child nothing of the caller is
/// unwound, and none of its destructors runs. The child has ended and been waited for when the call returns, with a number or
/// an error.
///
/// # Errors
/// An error of any kind when there is no number: `explore` panicked, or the child ended in the middle of it, by a signal
/// or by `exit(0)`. Else those of fork(2).
pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
    todo!("run it in a child, which has a copy of the draft, and bring its answer back")
}

#[cfg(test)]
#[path = "checks/mod.rs"]
mod checks;
