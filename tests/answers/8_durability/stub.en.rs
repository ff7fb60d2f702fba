//! # Exercise 8: Survive a power cut
//!
//! [`flush`] waits until bytes are on the disk. [`commit`] replaces a record, and [`recover`] finds it after a cut; [`append`]
//! adds an entry to a log, and [`replay`] reads the log. They are the core: allow at most two hours for them. Further,
//! [`transaction`] replaces several pages at once, and [`checkpoint`] empties the log.
//!
//! Read `lesson.rs` first. You may use std, nix, libc (as `nix::libc`), and everything in lessons 1 to 7 and in
//! `mmap_workbook::observe`.
//!
//! ```sh
//! cargo run -- check 8    # what is right so far, and what is not
//! cargo run -- hint 8     # a hint for the next function, then another
//! ```
//!
//! Each `unsafe` block needs a `// SAFETY:` comment that says in a sentence why it is sound.
//!
//! The checks are in `checks/` beside this file. They test nothing that is not written here. They follow each store and each
//! sync that your code makes, and cut the power at each moment. What is on the disk then:
//!
//! - The file consists of sectors: 512 bytes each, the first at offset 0. Its size doesn't change.
//! - A sector is as it was when a sync that covers it was called and returned 0, or as at any moment since.
//! - That goes for each sector by itself: they arrive in any order, or don't.
//! - A sync is msync(2) with MS_SYNC, of pages of the mapping alone. It covers whole pages.
//! - Where one fails, its pages count as written, as on Linux: later ones cover a page only if it was stored to since.
//!
//! A process may also be killed: all that it has stored is there for the next one, and not on the disk unless it was synced.
//! Both happen between any two stores, of which `Mapping::write` makes one for each byte.
//!
//! - What a killed or failed call has done may be lost to a cut until the next call that changes the file has returned `Ok`.
//! - A checksum of 16 bits or more that sees each change counts as safe: no two states have the same one by chance.
//! - A cut during a call may also leave a record or an entry that an earlier cut had torn, if it is whole now.
//!
//! `mapping` is a shared mapping of a whole file, at least four pages, all of them whole. All bytes are zero at first; the format
//! of what you store is yours. `recover`, `replay` and `pages` get it for reading only, the others for reading and writing. A file
//! has a record, a log, or pages. Each call may be made by another process: what has to be remembered is in the
//! file. No two processes use it at the same time.

use std::io;
use std::ops::Range;

use mmap_workbook::lesson_2::Mapping;

/// Waits until the bytes of a range are on the disk: msync(2) with MS_SYNC, of the pages that have a byte of the range, and of
/// no others.
///
/// - `range` is in bytes from the mapping's start, and lies in it.
/// - It begins and ends anywhere in its pages.
/// - An empty range is `Ok`, and makes no call.
///
/// # Errors
/// - The first error of msync(2), unchanged. No call follows it.
///
/// # Example
/// ```text
/// P is the page size
/// flush(mapping, P - 1..P + 1)     -> msync of the pages 0 and 1
/// flush(mapping, 2 * P..2 * P + 5) -> msync of page 2
/// ```
pub fn flush(mapping: &Mapping, range: Range<usize>) -> io::Result<()> {
    todo!("find the first page and the last one, and sync them")
}

/// Replaces the record. When this has returned `Ok`, [`recover`] gives these bytes, after a power cut, too. After a cut during
/// the call it gives this record or the one before: one of them, whole.
///
/// - A record has any bytes. Its length is from 0 to a quarter of the mapping's.
/// - There may have been up to 3,000 commits before.
/// - A cut, a kill, or an error may have ended an earlier commit at any moment.
/// - The call makes at most 3 syncs, those included that fail.
///
/// # Errors
/// - EFBIG for a longer record. Then no byte of the file has changed.
/// - The first error of msync(2), unchanged. No sync follows it.
/// - After such an error `recover` gives this record or the one before.
///
/// # Example
/// ```text
/// commit(mapping, b"one"); commit(mapping, b"three"); a cut; recover(mapping) -> Some("three")
/// commit(mapping, b"one"); a cut during commit(mapping, b"three"); recover(mapping) -> Some("one") or Some("three")
/// ```
pub fn commit(mapping: &Mapping, record: &[u8]) -> io::Result<()> {
    todo!("keep the record before whole until the new one is")
}

/// Gives the record that was committed last, or None where none was. What that is after a cut, [`commit`] says.
///
/// - It stores nothing.
/// - The same bytes give the same record, in each process.
/// - It returns whatever the file has, even if no commit has left it so: any answer will do then.
///
/// # Example
/// ```text
/// recover(mapping of a file of zeros)              -> None
/// commit(mapping, b""); recover(mapping)           -> Some("")
/// ```
pub fn recover(mapping: &Mapping) -> Option<Vec<u8>> {
    todo!("find the newest record that is whole")
}

/// Adds an entry to the end of the log. When this has returned `Ok`, [`replay`] gives the entry after all earlier ones, after a
/// power cut, too. After a cut during the call the entry is there, whole, or it isn't.
///
/// - An entry has any bytes, but no copy of what your code stores for entries. Its length may be 0.
/// - All entries that `replay` gives before the call stay.
/// - There is room if all entries, this one too, 64 bytes for each, and one page fit in the mapping.
/// - Where they don't fit, the entry may be added or refused: both are right.
/// - A cut, a kill, or an error may have ended an earlier append at any moment.
/// - The call makes at most 3 syncs, those included that fail.
///
/// # Errors
/// - ENOSPC where there is no room. Then no byte of the file has changed.
/// - The first error of msync(2), unchanged. No sync follows it.
/// - After such an error the entry is there, whole, or it isn't.
///
/// # Example
/// ```text
/// append(mapping, b"one"); append(mapping, b"two"); a cut; replay(mapping) -> ["one", "two"]
/// append(mapping, b"one"); a cut during append(mapping, b"two"); replay(mapping) -> ["one"] or ["one", "two"]
/// ```
pub fn append(mapping: &Mapping, entry: &[u8]) -> io::Result<()> {
    todo!("find the end of the log, and add the entry there")
}

/// Gives all entries of the log, in the order in which they were added. What these are after a cut, [`append`] says.
///
/// - It stores nothing.
/// - The same bytes give the same entries, in each process.
/// - An entry that a cut has torn stays out, and so does what isn't an entry.
/// - It returns whatever the file has, even if no append has left it so: any answer will do then.
///
/// # Example
/// ```text
/// replay(mapping of a file of zeros)                             -> []
/// append(mapping, b""); append(mapping, b"\0"); replay(mapping)  -> ["", "\0"]
/// ```
pub fn replay(mapping: &Mapping) -> Vec<Vec<u8>> {
    todo!("take one entry after the other, up to the first that isn't whole")
}

// Further: the exercise is solved without what follows. It takes longer.

/// Replaces some pages, all at once. When this has returned `Ok`, [`pages`] gives the new bytes of each of them, after a power
/// cut, too. After a cut during the call it gives all of them as they were before, or all as they are now.
///
/// - Of n pages of the file, (n - 2) / 2 can be kept, at most 1000.
/// - All of them are zeros at first.
/// - A change is the number of a page, from 0 on, and page_size() bytes.
/// - There may be no changes. Two changes of one page don't occur.
/// - The call stores to one page of the file for each change, and to at most two others.
/// - A cut, a kill, or an error may have ended an earlier transaction at any moment.
/// - It makes at most 3 syncs, those included that fail.
///
/// # Errors
/// - EINVAL if there is no such page, or the bytes have another length. Then no byte has changed.
/// - The first error of msync(2), unchanged. No sync follows it.
/// - After such an error, all pages are as before, or all as they are now.
///
/// # Example
/// ```text
/// 8 pages, of which 3 are kept; a, b: page_size() bytes
/// transaction(mapping, &[(0, a), (2, b)]); a cut; pages(mapping)       -> [a, zeros, b]
/// a cut during transaction(mapping, &[(0, a), (2, b)]); pages(mapping) -> [a, zeros, b] or [zeros, zeros, zeros]
/// ```
pub fn transaction(mapping: &Mapping, changes: &[(usize, Vec<u8>)]) -> io::Result<()> {
    todo!("store the new pages where none counts, sync them, then say that they count")
}

/// Gives all pages that a file keeps, in their order. It is graded together with `transaction`.
///
/// - It stores nothing: the mapping is for reading only.
///
/// # Example
/// ```text
/// pages(mapping of a file of 8 pages of zeros) -> three pages of zeros
/// ```
pub fn pages(mapping: &Mapping) -> Vec<Vec<u8>> {
    todo!("find out which pages count, and read them")
}

/// Empties the log: its entries have been committed elsewhere. When this has returned `Ok`, [`replay`] gives none of them, after a
/// power cut, too. After a cut during the call it gives all of them or none.
///
/// - The log has as much room as at first.
/// - No entry of before ever comes back, whatever is appended later.
/// - There may have been up to 3,000 checkpoints before.
/// - A cut, a kill, or an error may have ended an earlier append or checkpoint at any moment.
/// - `append` and `replay` may have to change for it.
/// - The call makes at most 3 syncs, those included that fail.
///
/// # Errors
/// - The first error of msync(2), unchanged. No sync follows it.
/// - After such an error, all entries are there, or none.
///
/// # Example
/// ```text
/// the log has the entries "one" and "two"
/// checkpoint(mapping); append(mapping, b"six"); a cut; replay(mapping) -> ["six"]
/// a cut during checkpoint(mapping); replay(mapping)                    -> ["one", "two"] or []
/// ```
pub fn checkpoint(mapping: &Mapping) -> io::Result<()> {
    todo!("with one store, make all entries those of an earlier time")
}
