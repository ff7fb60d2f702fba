//! # Exercise 6: A process that does not die of a file
//!
//! Five functions, each for a moment at which a mapping can kill the process that trusts it: what a mapping shows of a
//! file ([`parts`]), a file that is not what its size says ([`sum_of`]), a disk that is full ([`put`]), and a file that
//! others truncate while it is read ([`zeros_over`], then [`survive`], which is the largest). Two hours or so for all
//! of them.
//!
//! Read `lesson.rs` first. You may use std, nix, libc (as `nix::libc`), memmap2, and what the lessons offer, such as
//! [`Mapping`] and `mmap_workbook::observe`.
//!
//! ```sh
//! cargo run -- check 6    # what is right so far, and what is not
//! cargo run -- hint 6     # a hint for the next function, then another
//! ```
//!
//! The checks are in `checks/` beside this file. They test nothing that is not written here.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::Path;

use mmap_workbook::lesson_2::Mapping;
use nix::errno::Errno;

/// What a mapping of a file consists of, in bytes from its start. The three ranges follow each other without a gap:
/// `file` begins at 0, `no_page` ends where the mapping ends. A part that there is none of is an empty range at its
/// place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    /// Bytes of the file: a load gives the file's byte, a store changes it.
    pub file: Range<usize>,
    /// The rest of the file's last page: a load gives zero (until somebody stores there), a store succeeds and never
    /// gets into the file.
    pub rest: Range<usize>,
    /// Pages that the file has not got: a load or a store is SIGBUS.
    pub no_page: Range<usize>,
}

/// Says what the parts of a shared mapping are that shows `length` bytes from `offset` on of a file of `file_size`
/// bytes.
///
/// All addresses that are mapped belong to one of the parts, also those behind `length`; a touch of the first one
/// behind `no_page` would be SIGSEGV. No file is touched, nothing is mapped: this is a sum, and takes no longer for
/// large numbers. It is right for every `file_size` up to `u64::MAX` and every `offset` that is a multiple of the page
/// size, and never panics.
///
/// # Errors
/// What mmap(2) would say: EINVAL when `length` is 0 or `offset` is no multiple of the page size; ENOMEM when `length`,
/// rounded up to whole pages, is more than a `usize` can hold.
pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
    todo!("say which bytes of the mapping are the file's, which are the rest of its last page, and which have no page")
}

/// The sum of all bytes of what is at `path`, each of them taken as a number from 0 to 255.
///
/// What can be mapped is mapped and added up from memory: none of its bytes goes through read(2) or its relatives. Only
/// the file's bytes count, also where its last page has something behind them. Nobody truncates the file meanwhile.
///
/// There are regular files of which this is not so, and their bytes are read with read(2), to the end:
/// - A size of 0 does not say that there is nothing to read: the files of /proc have that size. (An empty file has the
///   sum 0.)
/// - A size does not say that there is something to map: mmap(2) of most files of /sys says ENODEV. It does not say how
///   much there is to read either.
///
/// The file is opened for reading only. The call never waits for another process, whatever is at `path`. When it
/// returns, with a sum or an error, nothing that it mapped is mapped any more and no file that it opened is open.
///
/// # Errors
/// `IsADirectory` (or EISDIR) for a directory. `InvalidInput` (or EINVAL) for a FIFO and for a device: it reads nothing
/// from them. Else those of open(2), mmap(2) and read(2) as they are, such as ENOENT.
pub fn sum_of(path: &Path) -> io::Result<u64> {
    todo!("add up the bytes of whatever is at this path, through a mapping where there can be one")
}

/// Puts `bytes` into the file from byte `offset` on, with stores to a shared mapping, or changes nothing.
///
/// `offset` may be any number: inside a page, in a hole, beyond the end. The file grows when the bytes need it, to
/// `offset + bytes.len()` and no further; otherwise it keeps its size. No other byte changes. What lies between the old
/// end and `offset` reads as zeros and takes no room on the disk. No bytes at all change nothing, wherever.
///
/// There may be too little room on the disk. That is the error ENOSPC and never a signal, and then the file has the
/// size and the bytes that it had before. So it is with every other error, such as ENOMEM where the process may have no
/// mapping as large as that. Pages that have their place on the disk already need no new one: to put bytes there
/// succeeds on a full disk.
///
/// `file` is open for reading and writing, and nobody else changes it meanwhile. The bytes go through the mapping, not
/// through write(2) or its relatives. When it returns, nothing that it mapped is mapped any more.
///
/// # Errors
/// ENOSPC as said. EFBIG when the range would end beyond byte 2^63 - 1 (the largest size that a file can have). Else
/// those of the calls as they are.
pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
    todo!("make sure of the room on the disk, then store the bytes through a mapping")
}

/// Takes away the page in which `address` lies, whatever it shows, and puts a private page of zeros in its place, to
/// read and to write. The neighbouring pages stay what they are, and so does the file that the page belonged to.
///
/// It is meant for a signal handler: it takes no lock and allocates nothing. And it makes one system call, mmap(2),
/// which replaces the page in one go: at no moment are the addresses free for another thread to get.
///
/// # Errors
/// That of mmap(2).
///
/// # Safety
/// `address` lies in a mapping of the caller's, and nobody holds a reference to a byte of its page.
pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
    todo!("replace the page around this address by a page of zeros")
}

/// Why [`survive`] has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missed {
    /// A touch found no page: the number in the mapping, from 0 on, of the first page that was missed.
    Page(usize),
    /// mmap(2) or another call failed, or another `survive` is running (EBUSY).
    Call(Errno),
}

/// Maps the first `length` bytes of `file`, shared, to read and to write, whether the file has them or not, and runs
/// `body` on the mapping. A touch of this mapping that finds no page does not kill: `body` goes on as if that page were
/// there and full of zeros, stores to it get lost, and when `body` has returned the answer is `Missed::Page`.
///
/// What has been missed stays missed: a page that the file did not have at the moment of the touch is reported even
/// when the file had it before `body` began and has it again when `body` ends. And the other way round: where each
/// touch found its page, the answer is that of `body`, whatever the file's size is before and after.
///
/// Every page that was not missed stays the file's: a load sees what others write, a store reaches the file, also after
/// another page was missed. `survive` itself changes neither the file's bytes nor its size.
///
/// It works in a thread that has SIGBUS blocked, too. Every SIGBUS that is not for a touch of this mapping (a touch of
/// another one; a signal that somebody sent) meets the action that was set before, as if there were no `survive`; where
/// none was set, it kills the process. Where the process lives through one of those, this `survive` need not help any
/// more.
///
/// One at a time in a process: a `survive` inside the `body` of another answers `Missed::Call(EBUSY)` without running
/// its own `body`, and the outer one goes on as before.
///
/// When it is over, nothing that it mapped is mapped any more, it has left no descriptor open, and the action for
/// SIGBUS and the thread's signal mask are those from before. All that is also so when `body` panics; the panic goes on
/// to the caller then, and the next `survive` works.
///
/// # Errors
/// [`Missed`]. EINVAL for a length of 0, and the other errors of mmap(2).
pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
    todo!("run the body with a handler for SIGBUS that puts zeros where the file has no page, and remembers it")
}

#[cfg(test)]
#[path = "checks/mod.rs"]
mod checks;
