//! # Exercise 2: The arithmetic of a mapping
//!
//! Four functions about what mmap(2) takes and what it returns. [`byte_at`] loads one byte of a file of any size.
//! [`count_lines`] slides a window over a file. [`swap`] maps two places of a file at once. They are the core: allow at
//! most two hours for them. Further, [`map_aligned`] maps a file at an address that mmap(2) alone would not choose.
//!
//! Read `lesson.rs` first. You may use std, nix, libc (as `nix::libc`), memmap2, and everything in lessons 1 and 2,
//! such as `mmap_workbook::lesson_2::Mapping` and `mmap_workbook::observe::page_size`.
//!
//! ```sh
//! cargo run -- check 2    # what is right so far, and what is not
//! cargo run -- hint 2     # a hint for the next function, then another
//! ```
//!
//! What holds for each of the four:
//!
//! - No system call copies bytes of the file: not read(2), write(2), readv(2), pread(2), sendfile(2), splice(2),
//!   copy_file_range(2) or process_vm_readv(2), nor a variant of them, whichever descriptor of the file it uses.
//! - munmap(2), mremap(2) and MAP_FIXED are used only on pages that this call has mapped, and has not unmapped since.
//!   All other mappings stay as they are. MAP_FIXED_NOREPLACE replaces nothing, so it is allowed anywhere.
//! - The descriptor of `file` stays open, and no other descriptor is left open.
//! - Of `file`, its file offset (lseek(2)) and its lock (flock(2)) stay as they are, during the call, too.
//! - A call starts no thread and no process. But several threads may make calls at the same time.
//! - The answer depends on the arguments and on the file as it is now, not on earlier calls.
//! - When a system call fails, its error is returned unchanged, and nothing is mapped in addition.
//! - An error of munmap(2) may be ignored.
//! - After EEXIST (MAP_FIXED_NOREPLACE) a call tries other addresses: to be too late is no answer.
//!
//! Each `unsafe` block needs a `// SAFETY:` comment that says in a sentence why it is sound.
//!
//! The checks are in `checks/` beside this file. They test nothing that is not written here.

use std::fs::File;
use std::io;

/// Loads the byte at `offset` of a regular file through a mapping. Returns None if the file ends at or before `offset`.
///
/// - `offset` may be any number, even one that an `off_t` can't hold.
/// - At most one page of the file is mapped, however large the file is.
/// - When the call returns, nothing that it mapped is still mapped.
/// - `file` is open for reading, and perhaps for nothing else.
/// - Nobody truncates the file meanwhile.
///
/// # Errors
/// - Those of the system calls, unchanged.
///
/// # Example
/// ```text
/// a file of the bytes "abc": byte_at(file, 2) -> Some(b'c'); byte_at(file, 3) -> None
/// ```
pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
    todo!("map the page with this byte and load it")
}

/// Counts the newlines (`\n`) in the bytes of the file from `from` up to, but not including, `to`, through a window
/// that slides over the file.
///
/// - `from`, `to` and `window` may be any numbers, however large.
/// - `to` may lie past the end of the file: there are no newlines there.
/// - A range that begins past the end, or has `to <= from`, contains none.
/// - A window is `window` bytes, rounded up to whole pages.
/// - At every moment at most one window of the file is mapped.
/// - Let n be how many bytes of the range the file has, and w the size of a window.
/// - At most n / w calls of mmap(2), rounded up, map the file; one more if `from` is not page-aligned.
/// - A mapping begins at a page boundary, also the one that shows `from`, and is at most w long.
/// - No window has to reach past the end of the file: `usize::MAX` maps what there is.
/// - The last window may reach past `to`, and past the end of the file.
/// - The file and the window may be larger than memory: no page is locked, no window is copied whole.
/// - No memory is set aside for copies, as MAP_PRIVATE with PROT_WRITE does.
/// - When the call returns, nothing that it mapped is still mapped.
/// - `file` is open for reading, and perhaps for nothing else.
/// - Nobody truncates the file meanwhile.
///
/// # Errors
/// - `InvalidInput` or EINVAL when `window` is 0, even if the range is empty.
/// - Those of the system calls, unchanged: ENOMEM when a window can't be mapped; no smaller one is tried.
///
/// # Example
/// ```text
/// a file of the bytes "a\nb\nc": count_lines(file, 0, 5, 1) -> 2; count_lines(file, 2, 3, 1) -> 0
/// a file of 10 pages, from 0 to its end, with a window of 4 pages: 3 calls of mmap(2)
/// the same from byte 7 on: 3 calls, or 4
/// ```
pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
    todo!("slide a window over the range and count the newlines in it")
}

/// Exchanges the `length` bytes at offset `a` with the `length` bytes at offset `b`, with loads and stores through
/// shared mappings.
///
/// - No other byte is stored to, since others may change it meanwhile, and the file keeps its size.
/// - After an error no byte has changed, or what was stored before it has been undone.
/// - `a` and `b` may be in either order, and as far apart as a file allows.
/// - The ranges may be adjacent and may share a page, but must not overlap.
/// - With a `length` of 0 nothing changes, whatever `a` and `b` are, and that is no error.
/// - At every moment at most the pages of the two ranges are mapped, a shared one twice, none between them.
/// - Addresses that are only reserved (PROT_NONE, without a file) do not count.
/// - When the call returns, even with an error, nothing that it mapped is still mapped.
/// - `file` is open for reading and writing.
/// - Nobody truncates the file meanwhile.
///
/// # Errors
/// - `InvalidInput` or EINVAL when the ranges overlap, and so when `a == b`.
/// - `UnexpectedEof` when a range is not entirely inside the file, whatever the numbers are.
/// - Either of these when both apply; neither when `length` is 0.
/// - Those of the system calls, unchanged.
///
/// # Example
/// ```text
/// a file of the bytes "abcdef": swap(file, 0, 4, 2) -> Ok; the file is "efcdab"
/// a file of the bytes "abcdef": swap(file, 0, 1, 2) -> Err(InvalidInput)
/// a file of the bytes "abcdef": swap(file, 0, 5, 2) -> Err(UnexpectedEof)
/// ```
pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
    todo!("map both ranges and exchange their bytes")
}

// Further: the exercise is solved without what follows. It takes longer.

/// Maps the first `length` bytes of `file`, shared, for reading and writing, at an address that is a multiple of
/// `alignment`, and returns that address. The caller unmaps it. mmap(2) alone promises only a page-aligned address;
/// allocators and huge pages often need one that is a multiple of 64 KiB or 2 MiB.
///
/// - Afterwards exactly the pages of this mapping are mapped in addition to those before.
/// - After an error, nothing is mapped in addition.
/// - The mapping shows the file, and a store to it reaches the file.
/// - It is for reading and writing only, not for execution (PROT_EXEC).
/// - Aligning takes addresses, but no memory: `alignment` may be many GiB.
/// - `file` is open for reading and writing.
/// - The call changes neither the bytes nor the size of the file.
/// - `length` may be larger than the file.
/// - The call accesses no page, and none is populated or locked (MAP_POPULATE, MAP_LOCKED).
///
/// # Errors
/// - `InvalidInput` or EINVAL when `length` is 0.
/// - `InvalidInput` or EINVAL when `alignment` is not a power of two, or is smaller than a page.
/// - ENOMEM when there is no room for such a mapping, also when its length does not fit in a `usize`.
/// - Success or ENOMEM when there is, but no `length + alignment` bytes, in whole pages, are free in a row.
/// - Those of the system calls, unchanged: EACCES when `file` is open for reading only.
/// - Any of these when several apply.
///
/// # Example
/// ```text
/// map_aligned(file, 10, 0x200000) -> 0x7f5e62000000, for example; one page is mapped there
/// map_aligned(file, 0, 0x200000)  -> Err(EINVAL)
/// map_aligned(file, 10, 0x300000) -> Err(EINVAL)
/// ```
pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
    todo!("reserve more addresses than needed, map the file at an aligned one among them, and unmap the others")
}
