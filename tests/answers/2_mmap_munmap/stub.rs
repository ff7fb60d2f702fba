//! # Exercise 2: The arithmetic of a mapping
//!
//! Four functions about what mmap(2) is given and what it gives: one byte of a file of any size ([`byte_at`]), a window
//! that slides over a file ([`count_lines`]), two places of a file at once ([`swap`]), and a mapping at an address of our
//! choosing, cut to size with munmap(2) ([`map_aligned`]). One to two hours for all of them.
//!
//! Read `lesson.rs` first. You may use std, nix, libc (as `nix::libc`), memmap2, and what lessons 1 and 2 offer, such as
//! `mmap_workbook::lesson_2::Mapping` and `mmap_workbook::observe::page_size`.
//!
//! ```sh
//! cargo run -- check 2    # what is right so far, and what is not
//! cargo run -- hint 2     # a hint for the next function, then another
//! ```
//!
//! The checks are in `checks/` beside this file. They test nothing that is not written here.

use std::fs::File;
use std::io;

/// The byte at `offset` of a regular file, loaded through a mapping; None when the file ends at or before `offset`.
///
/// `file` is open for reading and perhaps for nothing else. `offset` may be any number: far beyond the end, and beyond
/// what a `usize` of 32 bits or an `off_t` can hold. However large the file is, no more than one page of it is mapped,
/// and no byte of it goes through read(2) or its relatives. When the call returns, nothing that it mapped is mapped any
/// more. Nobody truncates the file meanwhile.
///
/// # Errors
/// Those of fstat(2) and mmap(2).
pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
    todo!("map the page with this byte and load it")
}

/// How many of the bytes from `from` on up to `to`, without the one at `to`, are newlines (`\n`), counted through a window
/// that slides over the file. What lies behind the end of the file holds no newline and is not touched; so a range that
/// begins there, or ends where it begins or before, has none.
///
/// At every moment at most `window` bytes of the file, rounded up to whole pages, are mapped, in one mapping: the file may
/// be larger than all memory. Each mmap(2) is for as much as is allowed, as long as there is so much left to count: a file
/// of 10 pages takes 3 calls with a window of 4 pages, when the count begins on a page's edge; there may be one call more
/// when it doesn't. No byte of the file goes through read(2) or its relatives. `file` is open for reading and perhaps for
/// nothing else. When the call returns, nothing that it mapped is mapped any more. Nobody truncates the file meanwhile.
///
/// # Errors
/// `InvalidInput` (or EINVAL) for a window of 0 bytes. Else those of fstat(2) and mmap(2).
pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
    todo!("slide a window over the range and count the newlines in it")
}

/// Swaps the `length` bytes from `a` on with the `length` bytes from `b` on, with loads and stores through shared mappings.
///
/// `a` and `b` may be any places of the file, on the edge of a page or not, in either order and as far apart as a file
/// allows; the two ranges may touch but not overlap. No other byte changes, and the file keeps its size. For a `length` of
/// 0 there is nothing to do, and it is no error, wherever `a` and `b` are.
///
/// At most the pages with the two ranges are mapped, none of what is between them. No byte of the file goes through
/// read(2), write(2) or their relatives. `file` is open for reading and writing. When the call returns, with an error or
/// not, nothing that it mapped is mapped any more.
///
/// # Errors
/// Each of them before anything is changed: `InvalidInput` (or EINVAL) when the ranges overlap, `a == b` included;
/// `UnexpectedEof` when one of them is not wholly inside the file, whatever the numbers are. When both are so, either. Else
/// those of fstat(2) and mmap(2).
pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
    todo!("map both ranges and exchange their bytes")
}

/// Maps the first `length` bytes of `file`, shared, to read and to write, at an address that is a multiple of `alignment`,
/// and gives back that address. The caller will unmap it.
///
/// mmap(2) promises an address on a page's edge and no more; processors, huge pages and allocators often want one on an
/// edge of 64 KiB or 2 MiB. An address that is only a hint may be passed over by the kernel, and MAP_FIXED silently
/// replaces what is mapped there. So: ask for enough addresses that an aligned piece is among them, wherever the kernel
/// puts them; put the file there; and give the rest back.
///
/// When it returns, the process has the pages of this mapping more than before and nothing else: no address before or
/// behind it stays taken, also when it fails. What others have mapped is untouched: at no moment is an address asked for
/// with MAP_FIXED that is not this function's own. `file` is open for reading and writing; the call changes neither its
/// bytes nor its size. A `length` beyond the file's end is no error: nothing is touched.
///
/// # Errors
/// `InvalidInput` (or EINVAL) when `length` is 0, or when `alignment` is no power of two or smaller than a page. ENOMEM when
/// there are not so many addresses, also when the sum of the two numbers is more than a `usize` can hold. Else those of
/// mmap(2): EACCES when `file` is open for reading only.
pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
    todo!("take more addresses than needed, map the file at an aligned one among them, and give the others back")
}

#[cfg(test)]
#[path = "checks/mod.rs"]
mod checks;
