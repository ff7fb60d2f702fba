//! # Exercise 4: Memory that other processes use
//!
//! Functions for processes that share a page. The core has three: [`next_ticket`] gives out each number once,
//! [`wait_for_rings`] sleeps until others have done something, [`claim`] gives one process a role that ends with it.
//! Allow at most two hours for them. Further: [`open_once`] sets up a file that many processes open at the same time;
//! [`publish`] and [`latest`] pass on a value that readers always find whole, without waiting.
//!
//! Read `lesson.rs` first. You may use std, nix, libc (as `nix::libc`), memmap2, tempfile, and everything in lessons 1
//! to 3 and in `observe`, such as `mmap_workbook::lesson_2::Mapping`. Lesson 4's `Lock` is half of [`claim`]: write that
//! yourself. A mapping's `word` is std's `AtomicU32`. Its `long_word` is a
//! `words::AtomicU64`, which has the methods of std's, and `mmap_workbook::words::fence` is its fence: the checks don't
//! see std's own. The functions have to be right by Rust's memory model, not only on x86; which orderings they use is up
//! to you.
//!
//! ```sh
//! cargo run -- check 4    # what is right so far, and what is not
//! cargo run -- hint 4     # a hint for the next function, then another
//! ```
//!
//! Each `unsafe` block needs a `// SAFETY:` comment that says in a sentence why it is sound.
//!
//! The checks are in `checks/` beside this file. They test nothing that is not written here. They stop your code at each
//! access to shared memory and at each system call, and let another process run there, so whatever can go wrong does go
//! wrong.

use std::fs::File;
use std::io;
use std::path::Path;

use mmap_workbook::lesson_2::Mapping;

/// Takes the next number from a counter that processes share: the `u64` at byte `at` of `page`, in native byte order.
/// The counter is the number of numbers taken so far, so the first number is 0. When `limit` numbers have been taken,
/// the result is None.
///
/// - Any number of processes and threads call it at the same time, each with a shared mapping of the page.
/// - No number is returned twice.
/// - No number is skipped, unless a process is killed: a call takes one number only, and returns it.
/// - The result is None only if the counter was `limit` or more at some moment of the call.
/// - The counter never exceeds `limit`, not even for a moment, and it never decreases.
/// - A counter that already exceeds `limit` keeps its value, and the result is None.
/// - A process that is stopped or killed inside the call never makes another process wait.
/// - A process that is killed inside the call loses at most one number, which it was about to return.
/// - Calls may pass different limits: each keeps to its own.
/// - No other byte of `page` changes.
/// - `at` is a multiple of 8, and the counter lies within `page`, which may have several pages.
///
/// # Example
/// ```text
/// the counter is 7, and the limit is 9
/// next_ticket -> Some(7), then Some(8), then None; the counter ends at 9
/// ```
pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
    todo!("take a number from the counter, which others increment at the same time")
}

/// Sleeps until a bell has rung `rings` times. The bell is the `u32` at byte `at` of `page`: the number of its rings so
/// far. Other processes ring it with [`ring`](mmap_workbook::lesson_4::ring), which adds 1 and then wakes.
///
/// - If the bell has rung `rings` times or more, the call returns at once.
/// - It does not return before that, whatever else wakes it, however often: another ring, a signal, or nothing at all.
/// - No ring is missed, wherever in the call it comes.
/// - It looks at the bell first, and sleeps only with the number that it saw there.
/// - While it waits, it sleeps in futex(2), without a time limit, and does not look again until it is woken.
/// - It looks at most 50 times in a row without a call of futex(2).
/// - The only system call that it makes is futex(2), and that only to wait.
/// - A ring by any process wakes it.
/// - Each process has the page in a shared mapping, at an address of its own.
/// - Any number of processes and threads wait for the same bell at the same time, for different numbers of rings.
/// - A process may wait for several bells, in one page or in several.
/// - `page` may be mapped for reading only, and no byte of it changes.
/// - Loads of every ordering are right: what a ringer stored before it rang need not be visible afterwards.
/// - `at` is a multiple of 4, and the bell lies within `page`, which may have several pages.
///
/// # Example
/// ```text
/// the bell is 7
/// wait_for_rings(page, at, 7) returns
/// wait_for_rings(page, at, 9) sleeps; the bell rings: it goes on sleeping; it rings again: it returns
/// ```
pub fn wait_for_rings(page: &Mapping, at: usize, rings: u32) {
    todo!("sleep on the bell until it has rung often enough")
}

/// Makes this process the writer of `file`, unless another process is the writer. The result is the process id of the
/// writer: that of this process, or that of the other one, which was alive during the call.
///
/// - `file` is open for reading and writing. Its size and its position may change between two calls.
/// - Each process opens the file once, or inherits it from its parent, and keeps it open. None calls execve(2).
/// - Only `claim` takes locks on the file.
/// - A process that is the writer gets its own process id again, in each of its threads.
/// - Each file has a writer of its own. A process may be the writer of several files.
/// - The role ends with the process, even by SIGKILL, and even before its parent has waited for it.
/// - The next process that calls `claim` then becomes the writer.
/// - A forked child of the writer is not the writer: in the child, too, `claim` returns the parent's id.
/// - The role ends with the writer even if a child lives on, which may become the next writer.
/// - The call never waits. It may ask again only because the role was taken or has ended meanwhile.
/// - It changes neither bytes, size nor position of the file, makes no file, and leaves no descriptor open.
///
/// # Errors
/// - Those of the system calls, with their errno. That another process is the writer is no error.
///
/// # Example
/// ```text
/// process 100: claim -> 100
/// process 200: claim -> 100
/// process 100 is killed
/// process 200: claim -> 200
/// ```
pub fn claim(file: &File) -> io::Result<i32> {
    todo!("take a lock that ends with the process, or ask who has it")
}

// Further: the exercise is solved without what follows. It takes longer.

/// Opens the file at `path`, which is one page long, and maps it shared, for reading and writing. If the file does not
/// exist, the call creates it and passes `init` a mapping of the new file, which is all zeros. The result is the
/// mapping.
///
/// - Any number of processes and threads call it at the same time, and all of them map the same file.
/// - Every mapping that is returned shows what one complete `init` has stored.
/// - If the file exists, `init` is not called.
/// - If it does not exist yet, processes that call at the same time may each call `init`.
/// - A process may be killed at any moment, inside `init` too. The file then is complete, or does not exist.
/// - After a process was killed, the next call succeeds: it neither waits nor needs a cleanup.
/// - That holds for a next process with the same process id, too.
/// - A process that is killed may leave the file that it made under another name beside `path`, finished or not.
/// - A call that returns, even with an error, has removed every other file that it made.
/// - So has a call whose `init` panics. It makes no file at `path`; the panic goes on with its payload.
/// - A call leaves no descriptor open.
/// - A call never waits, and neither changes nor removes a file that another call has made.
/// - To open an existing file takes no permission to write to its directory.
/// - A new file has mode 0600, less the bits of the umask.
/// - What is at `path`, if anything, is a file, a directory or a symbolic link, which is followed.
/// - `path` may be a bare file name. Its last name may have any length and any bytes that Linux allows.
/// - The call creates files in no directory but the file's, and no directories.
/// - It changes neither the working directory nor the umask, not even for a moment. Nor does `init`.
/// - It need not reserve space for the page: on a full disk, `init` may die of SIGBUS.
///
/// # Errors
/// - `InvalidData` when the file at `path` is not exactly one page long; the file does not change.
/// - EISDIR or `InvalidData` when `path` is a directory.
/// - ENOENT or EEXIST when `path` is a symbolic link to a name that does not exist.
/// - EACCES is right, too, when the umask takes bits of the owner from a new file.
/// - Any other error is that of a system call: its errno, or at least its `kind()`, as with tempfile.
///
/// # Example
/// ```text
/// no file:          open_once(path, init) -> a page as init left it; the directory lists the file alone
/// the same again:   open_once(path, init) -> the same page; init is not called
/// a file of 1 byte: open_once(path, init) -> Err(InvalidData)
/// ```
pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
    todo!("open the file, or complete it before any other process can open it")
}

/// Stores `value` in the cell, where [`latest`] finds it. The cell is the first page of the shared mapping `cell`. It
/// is all zeros before the first `publish`; its layout is up to you.
///
/// - Every value is possible, four zeros included. Any number of values are published, one after the other.
/// - Only one process publishes at a time. The next call begins after the last one has ended, even by SIGKILL.
/// - So a writer sees all that the writers before it have stored, as if it had stored that itself.
/// - Any process may publish next, and a process may have several cells.
/// - A call of `latest` that begins after `publish` has returned finds `value`, or a later one.
/// - The writer may be stopped or killed after any of its instructions.
/// - A reader then finds the previous value (None before the first) or the new one, whole.
/// - Once a call of `latest` has returned the new value, no call that begins afterwards returns the previous one.
/// - After a writer was killed, another process can publish, as if nothing had happened.
/// - It makes no system call, and changes no other page of the mapping.
///
/// # Example
/// ```text
/// publish(cell, [1, 2, 3, 4])   latest(cell) -> Some([1, 2, 3, 4])
/// publish(cell, [5, 6, 7, 8])   meanwhile: Some([1, 2, 3, 4]) or Some([5, 6, 7, 8]), never [5, 6, 3, 4]
/// ```
pub fn publish(cell: &Mapping, value: [u64; 4]) {
    todo!("store the value where no reader looks yet, then announce it")
}

/// Returns the latest value that was published in the cell, or None when none was.
///
/// - The value is one that was passed to `publish`, whole.
/// - It had not been replaced yet when the call began: no later `publish` had returned.
/// - Any number of processes and threads read at the same time. None delays the writer or another reader.
/// - `cell` may be mapped for reading only. Loads of every ordering are right there, though std promises only Relaxed.
/// - A reader never waits for a writer that is stopped or killed, after whichever instruction.
/// - A reader may start over only because another `publish` has begun, or gone on, meanwhile.
/// - It makes no system call, so it does not sleep either.
///
/// # Example
/// ```text
/// a cell of zeros:                   latest(cell) -> None
/// after publish(cell, [0, 0, 0, 0]): latest(cell) -> Some([0, 0, 0, 0])
/// ```
pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
    todo!("load the value, and make sure that it was not replaced meanwhile")
}
