//! # Exercise 3: A draft of a file
//!
//! A private mapping is a draft: it shows the file and takes edits, and the file does not change. Four functions make a
//! draft useful. [`freeze`] makes it stand still. [`discard`] drops the edits. [`copied_pages`] tells which pages were
//! edited. [`commit`] writes the edits to the file. They are the core: allow at most two hours for them. Further,
//! [`what_if`] tries something out in a child.
//!
//! Read `lesson.rs` first. You may use std, nix, libc (as `nix::libc`), memmap2, and everything in lessons 1 to 3,
//! such as `mmap_workbook::lesson_2::Mapping`, `mmap_workbook::observe` and `mmap_workbook::process`.
//!
//! ```sh
//! cargo run -- check 3    # what is right so far, and what is not
//! cargo run -- hint 3     # a hint for the next function, then another
//! ```
//!
//! Each `unsafe` block needs a `// SAFETY:` comment that says in a sentence why it is sound.
//!
//! The checks are in `checks/` beside this file. They test nothing that is not written here. In all five functions
//! `draft` is a private mapping, for reading and writing, of the first `draft.length()` bytes of a file that is at
//! least that long, and it stays one, at its address. Its pages are counted from 0; the last one may extend past the end
//! of the file. `Mapping::load`, `store`, `read` and `write` reach all of its pages, so the rest of the last one too:
//! `draft.range()` is whole pages, `draft.length()` what was asked for. Nobody changes the size of the file, and no other
//! thread uses the draft during a call. If any page of the draft is locked (mlock(2)), all are.
//!
//! Each function works at every call, in every process and for every draft, even one of more than 4 GiB. It needs no
//! privilege and no directory to write in, touches no other mapping, and leaves no descriptor open, even after an error.

use std::fs::File;
use std::io;

use mmap_workbook::lesson_2::Mapping;

/// Makes the draft stand still: from now on it shows the bytes that it shows now, whoever writes to the file, and by
/// whatever means.
///
/// - When it returns, each byte of the draft's pages is what it was: what was stored to it stays.
/// - The file does not change; nobody writes to it during the call.
/// - The draft still takes stores, and [`discard`] still makes it show the file.
/// - It works in a process that can open no more descriptors.
///
/// # Example
/// ```text
/// a file of the bytes "abc", and the draft shows "abc"
/// freeze(draft); then another process writes "xyz" to the file: the draft shows "abc"
/// ```
pub fn freeze(draft: &Mapping) {
    todo!("make a copy of each page of the draft")
}

/// Discards what was stored to the draft: each of its pages is the file's page again, as if it had just been mapped.
///
/// - The draft shows what the file holds now, and what is written to it later.
/// - The file does not change.
/// - Other mappings, even of the same file, keep what was stored to them.
/// - The call loads no byte of the draft: only a later access brings the file's page.
///
/// # Errors
/// - Those of the calls, unchanged: EINVAL if the draft is locked (mlock(2)), unless the call discards it all the same.
///
/// # Example
/// ```text
/// a file of the bytes "abc", and 'x' is stored to byte 0 of the draft, which shows "xbc"
/// discard(draft) -> Ok; the draft shows "abc"
/// ```
pub fn discard(draft: &Mapping) -> io::Result<()> {
    todo!("drop the copies, so that the file's own pages come back")
}

/// Returns the numbers of the draft's pages of which the mapping has a copy, in ascending order. The kernel knows:
/// /proc/self/pagemap has 64 bits per page of the address space, in order of address. Bit 63 means present, bit 62
/// swapped out, bit 61 a page of a file or of shared memory (proc_pid_pagemap(5)).
///
/// - A store makes a copy even if it stores the byte that was there.
/// - A page that was only loaded from has no copy.
/// - A page that changed because a process wrote to the file has no copy.
/// - A page that is neither present nor swapped out has no copy.
/// - A copy that was dropped, as [`discard`] does, is none.
/// - A child has its parent's copies, and those that it makes itself.
/// - The call makes no copy, and loads no byte of the draft.
///
/// # Errors
/// - Those of opening and reading the file in /proc, unchanged.
///
/// # Example
/// ```text
/// bytes of pages 1 and 3 of the draft are stored to: copied_pages(draft) -> [1, 3]
/// ```
pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
    todo!("find the draft's copies in /proc/self/pagemap")
}

/// Commits the draft: writes each page that has a copy (see [`copied_pages`]) to its place in the file, then drops the
/// copies, as [`discard`] does. Returns the number of pages written.
///
/// - The draft's bytes replace those of the file on the pages that are written.
/// - No other page is written: what others wrote there stays, and a hole stays a hole.
/// - All bytes of a page that are inside the file are written, even past the draft's last byte.
/// - The file keeps its size, at every moment.
/// - The descriptor's file offset (lseek(2)) may have any value, and keeps it, even after an error.
/// - Afterwards the draft shows the file, and has no copies.
/// - If a page can't be written whole, the draft keeps all its copies, and a later call writes them all.
/// - After such an error each other page with a copy may be in the file or not.
/// - A write may be short before it fails, on a full disk or at a limit.
/// - `file` is the file that the draft maps, open without O_APPEND.
/// - `file` need not be open for reading.
///
/// # Errors
/// - EBADF when `file` is open for reading only, but not when there is no page to write.
/// - EFBIG if a page to be written exceeds the limit on a file's size (RLIMIT_FSIZE in setrlimit(2)). SIGXFSZ is ignored.
/// - Those of [`discard`], when all pages are in the file; the draft keeps its copies then.
/// - A locked draft without copies may give EINVAL or `Ok(0)`.
/// - Any other error of a call, unchanged: ENOSPC on a full disk, EPERM for a file sealed against writing.
///
/// # Example
/// ```text
/// a file of the bytes "abc", and 'x' is stored to byte 0 of the draft
/// commit(draft, file) -> 1; the file is "xbc"
/// commit(draft, file) -> 0
/// ```
pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
    todo!("write the draft's copies to the file, then discard them")
}

// Further: the exercise is solved without what follows. It takes longer.

/// Tries something out: runs `explore` on the draft in a forked child and returns the number that `explore` returns,
/// which may be any `u64`.
///
/// - `explore` runs once, on the draft itself: its copies are there, and its other pages follow the file.
/// - It takes less than a minute, leaves no process of its own, and closes no descriptor but its own.
/// - It may be stopped, as by SIGSTOP, and continued, within that minute.
/// - Whatever `explore` stores to the draft, neither this process's draft nor the file changes.
/// - This process's draft gets no copies, either.
/// - The child doesn't end with exit(3): no function that was registered with atexit(3) runs in it.
/// - The child writes out no output that the caller has buffered; `_exit(2)` writes none.
/// - A panic of `explore` ends in the child, and drops nothing of the caller's there but what `explore` captured.
/// - When the call returns, even with an error, the child has ended and been waited for.
/// - What `explore` captured is dropped in this process, too, even after an error.
/// - The caller has one thread, and may have other children, handlers of signals, and blocked signals, which all stay.
/// - SIGCHLD is not ignored, and no handler waits for the child.
///
/// # Errors
/// - An error of any kind when `explore` panics.
/// - An error of any kind when `explore` ends the child: by a signal, exit(3) or `_exit(2)`, whatever the status.
/// - Those of fork(2) and of the other calls, unchanged.
///
/// # Example
/// ```text
/// a file of the bytes "abc"
/// what_if(draft, |draft| { draft.store(0, b'x'); u64::from(draft.load(0)) }) -> 120; the draft shows "abc"
/// ```
pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
    todo!("run it in a child, which has a copy of the draft, and return its answer")
}
