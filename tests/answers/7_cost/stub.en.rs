//! # Exercise 7: Count what it costs
//!
//! A page is paid for by a fault when it is first touched. [`resident`] says which pages are paid for, and [`warm`] pays
//! for those that will be needed. [`scan`] goes through a file that is larger than memory, and [`gather`] reads no more of
//! a file than it must. They are the core: allow at most two hours for them. Further, [`choose`] measures.
//!
//! Read `lesson.rs` first. You may use std, nix, libc (as `nix::libc`), and everything in lessons 1 to 7.
//!
//! ```sh
//! cargo run -- check 7    # what is right so far, and what is not
//! cargo run -- hint 7     # a hint for the next function, then another
//! ```
//!
//! Each `unsafe` block needs a `// SAFETY:` comment that says in a sentence why it is sound.
//!
//! The checks are in `checks/` beside this file. They test nothing that is not written here. In `resident` and `warm`,
//! `mapping` is a mapping of a file from its first byte on, shared or private, for reading and writing; the process may
//! write to the file. Its pages are counted from 0, and no other thread uses it. In all functions, nobody changes the size of
//! the file, and no memory is short. They need no privilege, and leave nothing mapped and no descriptor open, even after an
//! error.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::time::Duration;

use mmap_workbook::lesson_2::Mapping;
use mmap_workbook::lesson_7::Place;

/// Says for each page of the mapping, in their order, where it is for this process. /proc/self/pagemap has 64 bits for each
/// page of the address space: bit 63 means present, bit 62 swapped out, bit 61 a page of a file (proc_pid_pagemap(5)).
/// mincore(2) knows the page cache.
///
/// - There is one for each page of `mapping.range()`.
/// - A page past the end of the file is `Absent`; a copy that is swapped out is `Copied`, too.
/// - The call touches no page: it takes no fault for any of them, and brings none into memory.
/// - It is right in a child, too, which has a page table of its own.
/// - It is right for a mapping of more than 4 GiB.
///
/// # Errors
/// - Those of the calls, unchanged: EMFILE when the process can open no more descriptors.
///
/// # Example
/// ```text
/// a private mapping of a file of three pages, all in the page cache; 'x' is stored to page 1
/// resident(mapping) -> [Cached, Copied, Cached]
/// ```
pub fn resident(mapping: &Mapping) -> io::Result<Vec<Place>> {
    todo!("ask for the entries of the page table, then for the page cache")
}

/// Pays for the pages of a range in advance: after the call no load of a byte in the range takes a fault. `file` is the file
/// that is mapped.
///
/// - `range` is in bytes from the mapping's start, and lies in it; it begins and ends anywhere in its pages.
/// - An empty range is `Ok`.
/// - Since Linux 5.14 madvise(2) with MADV_POPULATE_READ does it.
/// - Where that fails with EINVAL, the pages are loaded.
/// - No page is copied, and no byte changes.
/// - Pages past the end of the file are an error, on each kernel, and never the death of the process.
/// - It is right for a file of more than 4 GiB.
///
/// # Errors
/// - EFAULT if a page of the range is past the file's last page; others may be warm or not.
/// - Another error of madvise(2) than EINVAL, unchanged.
///
/// # Example
/// ```text
/// a mapping of four pages, of a file of two: warm(mapping, file, 0..10) -> Ok
/// the same, and a range from the first byte of page 1 to that of page 3: EFAULT
/// ```
pub fn warm(mapping: &Mapping, file: &File, range: Range<usize>) -> io::Result<()> {
    todo!("populate the pages of the range; where the kernel can't, load them")
}

/// Shows a file to `visit`, one mapping after the other, from the first byte to the last. The file may be larger than
/// memory: never are more than `limit` bytes of it mapped, so no more are resident (Rss), whatever `visit` loads.
///
/// - Each mapping is one of `file`, for reading, shared or private, and begins where the one before ended.
/// - It is as long as it may be: `limit` rounded down to whole pages, or what is left.
/// - Its [`Mapping::length`] counts no byte past the end of the file.
/// - One page has to be mapped even if `limit` is less.
/// - Between two visits no more is mapped, either.
/// - An empty file is not visited, and is no error.
/// - The first error of `visit` ends the scan.
/// - It is enough that `file` is open for reading.
/// - It is right for each `limit`, and for a file of more than 4 GiB.
///
/// # Errors
/// - That of `visit`, unchanged.
/// - Those of fstat(2) and mmap(2), unchanged: EACCES when `file` is not open for reading.
///
/// # Example
/// ```text
/// P is the page size; the file has 2 * P + 10 bytes
/// scan(file, P + 5, visit) -> mappings of the bytes 0..P, P..2 * P, 2 * P..2 * P + 10
/// scan(file, 9 * P, visit) -> one mapping, of the bytes 0..2 * P + 10
/// ```
pub fn scan(file: &File, limit: usize, visit: impl FnMut(&Mapping) -> io::Result<()>) -> io::Result<()> {
    todo!("map a part of the file, show it, unmap it; then the next")
}

/// Returns `record` bytes of the file from each of these offsets on, one record after the other, in the order of `offsets`. The
/// file may be large, and none of it in memory: little more is read than the records need.
///
/// - `record` is at least 1.
/// - The offsets are in any order. Records may overlap, and lie in several pages.
/// - Of a cold file at most twice the pages are read that have a byte of a record.
/// - The bytes may come from a mapping or from pread(2): both can do it.
/// - For that pread(2) needs posix_fadvise(2) with POSIX_FADV_RANDOM.
/// - Without offsets the result is empty, even if the file is.
/// - It is enough that `file` is open for reading.
/// - It is right for offsets above 4 GiB, and for more of them than mappings are allowed (max_map_count).
///
/// # Errors
/// - `UnexpectedEof`, `InvalidInput` or EINVAL if a record is not entirely in the file, whatever its offset.
/// - Those of the calls, unchanged.
///
/// # Example
/// ```text
/// the file has the bytes "abcdefgh"
/// gather(file, &[6, 0, 1, 0], 2) -> "ghabbcab"
/// gather(file, &[0, 7], 2)       -> Err(UnexpectedEof)
/// ```
pub fn gather(file: &File, offsets: &[u64], record: usize) -> io::Result<Vec<u8>> {
    todo!("see that all records are in the file, then read them, and little else")
}

// Further: the exercise is solved without what follows. It takes longer.

/// What [`choose`] has measured, and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The sum of the file's bytes.
    pub sum: u64,
    /// How long it took with read(2) in each round.
    pub read: Vec<Duration>,
    /// How long it took with a mapping in each round.
    pub mapped: Vec<Duration>,
    /// Whether to map the file.
    pub map: bool,
}

/// Measures whether this file is better read or mapped on this machine, by adding up its bytes in both ways, round after
/// round. The mapping is chosen if it takes less time in each round. Else read(2) is, which is simpler.
///
/// - First comes one pass by one of the two ways, untimed: then the file's pages are in the page cache.
/// - A round is two passes: one by read(2) or pread(2), one by a mapping of the whole file.
/// - The read comes first in rounds 0, 2, 4, and so on, the mapping in the others.
/// - Each time is that of one pass, whose calls it includes, mmap(2) and munmap(2) too.
/// - [`Choice::read`] and [`Choice::mapped`] have a time for each round, in their order.
/// - [`Choice::map`] is what these times say.
/// - The descriptor's position is anywhere before, and may change.
///
/// # Errors
/// - EINVAL or `InvalidInput` for an empty file, or no rounds.
/// - Those of the calls, unchanged.
///
/// # Example
/// ```text
/// choose(file, 3) -> sum 1234, read [20µs, 21µs, 20µs], mapped [15µs, 90µs, 14µs], map false
/// ```
pub fn choose(file: &File, rounds: usize) -> io::Result<Choice> {
    todo!("add up once untimed, then time both ways in each round, and compare")
}
