//! # Exercise 6: A process that survives what happens to a file
//!
//! Each of these functions deals with a moment at which a mapping can kill the process that trusts it. [`parts`] says
//! what a mapping shows of a file. [`count_guarded`] reads a file that may be truncated meanwhile. [`sum_of`] meets files
//! that are not what their size says. [`put`] meets a full disk. They are the core: allow at most two hours for them.
//! Further, [`zeros_over`] and [`survive`] are a handler for SIGBUS; `survive` alone may take two hours or more.
//!
//! Read `lesson.rs` first. You may use std, nix, libc (as `nix::libc`), memmap2, and everything in the lessons, such as
//! [`Mapping`] and `mmap_workbook::observe`.
//!
//! ```sh
//! cargo run -- check 6    # what is right so far, and what is not
//! cargo run -- hint 6     # a hint for the next function, then another
//! ```
//!
//! Each `unsafe` block needs a `// SAFETY:` comment that says in a sentence why it is sound.
//!
//! The checks are in `checks/` beside this file. They test nothing that is not written here.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::Path;

use mmap_workbook::lesson_2::Mapping;
use mmap_workbook::lesson_6::{GuardError, Guarded};
use nix::errno::Errno;

/// The parts of a mapping of a file, in bytes from its start. Each range begins where the one before it ends: `file`
/// begins at 0, and `no_page` ends where the mapping ends. A part that does not exist is an empty range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    /// Bytes of the file: a load gives the file's byte, and a store changes it.
    pub file: Range<usize>,
    /// The rest of the file's last page: a load gives zero, until a process stores there. A store succeeds, and changes
    /// no byte of the file.
    pub rest: Range<usize>,
    /// Pages that the file does not have: a load or a store raises SIGBUS.
    pub no_page: Range<usize>,
}

/// Computes the parts of a shared mapping of `length` bytes, from byte `offset` on, of a file that has `file_size`
/// bytes. This is arithmetic alone: it neither opens nor maps a file.
///
/// - The mapping ends at `length`, rounded up to whole pages: every byte before that belongs to one of the parts.
/// - The result is right for every `file_size` and every page-aligned `offset`, up to `u64::MAX`.
/// - No other limit of mmap(2) counts: not the size of the address space, not the largest offset.
/// - The call never panics.
/// - It takes no longer for large numbers.
///
/// # Errors
/// - EINVAL, as from mmap(2), when `length` is 0, or `offset` is not a multiple of the page size.
/// - ENOMEM, as from mmap(2), when `length`, rounded up to whole pages, does not fit in a `usize`.
/// - EINVAL where EINVAL and ENOMEM both apply.
///
/// # Example
/// ```text
/// P is the page size
/// parts(10, 0, 2 * P + 1) -> file 0..10, rest 10..P, no_page P..3 * P
/// parts(10, P, 1)         -> file 0..0, rest 0..0, no_page 0..P
/// parts(3 * P, 0, 10)     -> file 0..P, rest P..P, no_page P..P
/// parts(10, 0, 0)         -> Err(EINVAL)
/// ```
pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
    todo!("say which bytes of the mapping are the file's, which are the rest of its last page, and which have no page")
}

/// Counts the bytes that equal `byte` in `range` of a guarded mapping: the lines of a log, say, which another process
/// may truncate at any moment. Where the file has no page, the process lives: the result is the error of
/// [`Guarded::read`], which names the page.
///
/// - `range` counts from the start of the mapping; its end does not belong to it.
/// - A `range` whose end does not come after its start is empty: its count is 0, wherever it lies.
/// - All that the mapping shows there counts, even past the end of the file: zeros, or what was stored there.
/// - `NoPage` names the page of the first byte in `range` that could not be read.
/// - A page missing at that moment is an error, even if it is there before and after.
/// - A page outside `range` may be missing.
/// - However long `range` is, and after any number of calls, at most 64 KiB are allocated on the heap.
/// - A `range` of 16 KiB or more takes at most one [`Guarded::read`] for each KiB: each is several system calls.
/// - Nothing is stored in the file, not even the bytes that it has.
///
/// # Errors
/// - [`GuardError::NoPage`] when a page of `range` is missing.
/// - [`GuardError::Outside`] when `range` is not inside the mapping, which consists of whole pages.
/// - Other errors of [`Guarded::read`], unchanged.
/// - Any of these where several apply.
///
/// # Example
/// ```text
/// P is the page size; the file has the bytes "abcabc", and two pages of it are mapped
/// count_guarded(guarded, 1..6, b'a')     -> Ok(1)
/// count_guarded(guarded, 1..P + 1, b'a') -> Err(NoPage { page: 1, offset: P, file_size: 6 })
/// ```
pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
    todo!("read the range block by block, count in each block, and pass an error on")
}

/// Returns the sum of all bytes of the file at `path`, each taken as a number from 0 to 255. A file that can be mapped
/// is mapped; one without a size, or without support for mmap(2), is read with read(2).
///
/// - No byte of a file that can be mapped goes through read(2) or another call that copies.
/// - Only the bytes of the file count, even if its last page holds something past the end.
/// - Most files of /proc have contents although their size is 0: they are read to the end.
/// - An empty file has the sum 0.
/// - Most files of /sys can't be mapped (ENODEV alone says so), and end before their size: they are read.
/// - The file is opened for reading only.
/// - It may be mapped whole, or part by part.
/// - The call never waits for another process, whatever is at `path` and whoever has a lease on it.
/// - When it returns, even with an error, it has unmapped and closed everything.
/// - No process changes the file's size meanwhile.
///
/// # Errors
/// - `IsADirectory` or EISDIR for a directory.
/// - `InvalidInput` or EINVAL for a FIFO or a device; nothing is read from it.
/// - EWOULDBLOCK when open(2) would wait for the holder of a lease.
/// - ENOMEM when mmap(2) finds no room for what is to be mapped; part by part, there may be room.
/// - Other errors of open(2), mmap(2) and read(2), unchanged, such as ENOENT.
/// - ENXIO, `InvalidInput` or EINVAL for a socket.
/// - A read(2) that ends with EINTR may be repeated.
///
/// # Example
/// ```text
/// a file of the bytes "\x01\x02\xff": sum_of(path) -> 258
/// /dev/null:                          sum_of(path) -> Err(EINVAL)
/// ```
pub fn sum_of(path: &Path) -> io::Result<u64> {
    todo!("add up the bytes of the file at this path, through a mapping if there can be one")
}

/// Stores `bytes` in the file from byte `offset` on, through a shared mapping. Either all of them are stored, or the
/// call returns an error and changes nothing.
///
/// - `file` is open for reading and writing, and no other process changes it meanwhile.
/// - `offset` may be any number: inside a page, in a hole, past the end.
/// - A shorter file grows to `offset + bytes.len()`. A longer one keeps its size.
/// - No other byte changes.
/// - What lies between the old end and `offset` reads as zeros, whatever was stored past the end before.
/// - Whole pages in that gap take no disk space.
/// - Empty `bytes` change nothing and are no error, whatever `offset` is.
/// - Pages that have disk space already need no more: storing to them succeeds on a full disk.
/// - One permission: zeros for the rest of the old last page may take space, if that page is a hole.
/// - After any error the file has its old size and bytes.
/// - Then disk space may stay reserved, and what was stored past the end may be gone.
/// - `bytes` do not go through write(2) or another call that copies; zeros may.
/// - When it returns, even with an error, nothing that it mapped is still mapped.
/// - It leaves no descriptor of its own open.
///
/// # Errors
/// - `StorageFull` or ENOSPC when the disk has too little space, and never a signal.
/// - `FileTooLarge` or EFBIG when `offset + bytes.len()` exceeds 2^63 - 1, the largest size of a file.
/// - Above RLIMIT_FSIZE it is what ftruncate(2) does: SIGXFSZ, and EFBIG if that is ignored.
/// - Other errors of the system calls, unchanged, such as EDQUOT, or ENOMEM for too large a mapping.
///
/// # Example
/// ```text
/// a file of the bytes "abcdef": put(file, 2, "XY") -> Ok; the file is "abXYef"
/// a file of the bytes "ab":     put(file, 3, "XY") -> Ok; the file is "ab\0XY"
/// ```
pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
    todo!("make sure of the space on the disk, then store the bytes through a mapping")
}

// Further: the exercise is solved without what follows. It takes longer.

/// Replaces the page that contains `address`, whatever is mapped there, with a private page of zeros for reading and
/// writing. It is meant for a signal handler.
///
/// - The neighbouring pages do not change.
/// - The file that was mapped there does not change.
/// - Later stores to the page do not reach that file.
/// - The call makes exactly one system call, mmap(2), even if that fails. `page_size` makes none: it is safe here.
/// - So no other thread can take the addresses in between.
///
/// # Errors
/// - Those of mmap(2), unchanged.
///
/// # Safety
/// - `address` lies in a mapping of the caller, and there is no reference to a byte of its page.
///
/// # Example
/// ```text
/// a mapping of "aaaa...", "bbbb..." and "cccc...", a page each
/// zeros_over(an address in the second page) -> Ok; the mapping shows "aaaa...", zeros, "cccc..."
/// ```
pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
    todo!("replace the page around this address by a page of zeros")
}

/// Why [`survive`] has no result of its `body`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missed {
    /// An access found no page: the number of that page in the mapping, from 0 on. The first such access counts.
    Page(usize),
    /// mmap(2) or another call failed, or another `survive` is running (EBUSY).
    Call(Errno),
}

/// Maps the first `length` bytes of `file`, shared, for reading and writing, whether the file has them or not, and runs
/// `body` on the mapping. An access that finds no page does not kill the process: `body` continues with a page of zeros
/// there, and the result is `Missed::Page`. Otherwise the result is that of `body`.
///
/// - `file` is open for reading and writing.
/// - While it runs, nothing else changes the action for SIGBUS, or the mask of the thread.
/// - `Missed::Page` has the page that the first such access, in order of time, did not find.
/// - A page missing at the moment of an access counts, even if it is there before and after.
/// - So does a page that a store cannot get, because the disk is full.
/// - An access by a thread that `body` has started counts like one by `body`.
/// - An access by the kernel does not: a system call that finds no page fails with EFAULT.
/// - If every access finds its page, the result is that of `body`, whatever the file's size.
/// - `body` can load from a page of zeros and store to it, but its stores never reach the file.
/// - Of two threads that find no page there at the same time, one may lose its store.
/// - Every other page stays the file's: loads see what others write, and stores reach the file.
/// - `survive` itself changes neither the bytes nor the size of the file.
/// - It works in a thread that has SIGBUS blocked, by unblocking it alone: a pending one is delivered.
/// - What runs in the signal handler takes no lock and allocates no memory.
/// - Any other SIGBUS, sent by a process or caused by another mapping, meets the action set before.
/// - So does the SIGBUS of an access for which no page of zeros can be mapped.
/// - With the default action, a SIGBUS of either kind kills the process.
/// - If the process lives on after it, the next missing page may kill it, as without `survive`.
/// - One that was sent may reach that action as if the process had sent it to itself.
/// - One `survive` runs at a time: a nested one does not run its `body`, and the outer one continues.
/// - Afterwards nothing that it mapped is still mapped, and no descriptor of its own is open.
/// - Afterwards the action for SIGBUS and the signal mask of the thread are those from before.
/// - All of this holds after an error, and after a panic of `body`, too.
/// - A panic of `body` reaches the caller, whatever page was missed, and the next `survive` works.
///
/// # Errors
/// - [`Missed::Page`] when an access found no page.
/// - `Missed::Call` with EBUSY when another `survive` is running, in whatever thread, whatever `length` is.
/// - `Missed::Call` with EINVAL when `length` is 0.
/// - `Missed::Call` with the errno of any other call that fails before `body` runs.
///
/// # Example
/// ```text
/// P is the page size; the file has the bytes "abc"
/// survive(file, 2 * P, load byte 1)         -> Ok(b'b')
/// survive(file, 2 * P, load byte P, then 2) -> Err(Page(1)); the loads gave 0 and b'c'
/// ```
pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
    todo!("run the body with a handler for SIGBUS that maps zeros where the file has no page, and records it")
}
