//! # Lesson 6: The bus error
//!
//! A mapping can be longer than its file. Which accesses to it are fatal, and how can a program survive a file that
//! others truncate?
//!
//! mmap(2) hardly looks at the file's size. The kernel looks for a page of the file when the page is first touched. If
//! the file does not have it then, there is nothing to load and nowhere to store, and the thread gets SIGBUS. So the
//! size counts at the moment of the access, not at that of the call, and any process that may write to the file can
//! reduce it.
//!
//! The lesson states the rule ([`rule`]) and lets children die of it in four ways. Then it shows what does not help and
//! what is not a bus error, and ends with the ways out, up to a mapping that returns an error instead ([`Guarded`]).

use std::fmt;
use std::fs::{File, Metadata};
use std::hint::black_box;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::ops::Range;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::ptr::{NonNull, null, null_mut};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicI32, AtomicPtr, AtomicUsize};

use memmap2::Mmap;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, SealFlag, fcntl, posix_fallocate};
use nix::libc;
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::mman::{MapFlags, ProtFlags, munmap};
use nix::sys::signal::{SigHandler, SigSet, Signal, signal};

use crate::lesson_2::{Mapping, READ_WRITE, Sharing, mmap_and_munmap};
use crate::narrate::{Narrator, answer};
use crate::observe::{hex, page_size, page_size_u64, whole_pages};
use crate::process::{Cause, Child, Ended, OnSmallDisk, Peer, end_of, on_a_small_disk};
use crate::text;
use crate::text::Text;

// ANCHOR: rule
/// The fault that an access to byte `at` of a mapping causes, or None when it succeeds. The mapping shows `length`
/// bytes of a file from `offset` (page-aligned) on; the file has `file_size` bytes at the moment of the access.
///
/// Only pages count. A mapping consists of whole pages, whatever its length: past them is SIGSEGV. A file has the pages
/// in which it has at least one byte: past them is SIGBUS (POSIX, mmap()). The rest of its last page exists, and is
/// zero until a process stores there. Only on a tmpfs with `huge=always` may that be a huge page.
///
/// # Example
/// ```
/// use mmap_workbook::fault::Cause;
/// use mmap_workbook::lesson_6::rule;
/// use mmap_workbook::observe::page_size;
///
/// let page = page_size();
/// // A file of 10 bytes under a mapping of three pages.
/// assert_eq!(rule(10, 0, 3 * page, page - 1), None);
/// assert_eq!(rule(10, 0, 3 * page, page), Some(Cause::NoPage)); // SIGBUS
/// assert_eq!(rule(10, 0, 3 * page, 3 * page), Some(Cause::NotMapped)); // SIGSEGV
/// ```
// ANCHOR: rule_fn
pub fn rule(file_size: u64, offset: u64, length: usize, at: usize) -> Option<Cause> {
    if at >= whole_pages(length) {
        return Some(Cause::NotMapped);
    }
    let page = u64::try_from(at - at % page_size()).expect("no machine has addresses beyond 64 bits");
    (offset + page >= file_size).then_some(Cause::NoPage)
}
// ANCHOR_END: rule_fn
// ANCHOR_END: rule

// ANCHOR: accesses
/// A kind of access to memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessKind {
    /// A load of one byte.
    Load,
    /// A store of one byte.
    Store,
}

/// How an access in a child went.
#[derive(Debug, PartialEq, Eq)]
pub struct AccessReport {
    /// How the child ended.
    pub ended: Ended,
    /// si_addr, the address of the access that killed it, in bytes from the start of the mapping.
    pub offset: Option<isize>,
}

impl AccessReport {
    fn new(ended: Ended, start: usize) -> AccessReport {
        let offset = ended.fault().map(|fault| fault.offset_from(start));
        AccessReport { ended, offset }
    }

    /// The signal, its si_code and the offset, in pages and bytes.
    pub fn in_words(&self) -> Text {
        let ended = self.ended.in_words();
        match self.offset.and_then(|offset| usize::try_from(offset).ok()) {
            Some(offset) => {
                let place = place(offset);
                text!("{ended} at {place}", "{ended}，位置：{place}"; ended, place)
            }
            None => ended,
        }
    }
}

impl fmt::Display for AccessReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.in_words().en)
    }
}

/// A place in a mapping, in pages and bytes.
fn place(offset: usize) -> Text {
    let (page, rest) = (offset / page_size(), offset % page_size());
    text!("page {page} + {rest} bytes", "第 {page} 页 + {rest} 字节")
}

/// Maps `length` bytes of `file` from `offset` on and accesses byte `at`, in a child. `at` may lie past the mapping:
/// the child makes sure that nothing else is mapped there.
///
/// # Errors
/// Those of mmap(2) and of the child.
// ANCHOR: access_in_child
pub fn access_in_child(
    file: &File,
    offset: u64,
    length: usize,
    at: usize,
    kind: AccessKind,
) -> io::Result<AccessReport> {
    // Long enough to own the address of the access. The child unmaps the excess, and nothing in it takes those
    // addresses.
    let mapping = Mapping::of_file(file, offset, length.max(at + 1), READ_WRITE, Sharing::Shared)?;
    let end = mapping.address() + whole_pages(length);
    let ended = end_of(|| {
        if let Some(excess) = mapping.range().end.checked_sub(end).filter(|&excess| excess > 0) {
            let end = NonNull::new(std::ptr::with_exposed_provenance_mut(end)).expect("past the mapping's start");
            // SAFETY: the tail of our own mapping. The child accesses it once more, and dies of that.
            let _ = unsafe { munmap(end, excess) };
        }
        access_mapping(&mapping, at, kind);
    })?;
    Ok(AccessReport::new(ended, mapping.address()))
}
// ANCHOR_END: access_in_child

fn access_mapping(mapping: &Mapping, at: usize, kind: AccessKind) {
    match kind {
        AccessKind::Load => _ = mapping.load(at),
        AccessKind::Store => mapping.store(at, b'!'),
    }
}
// ANCHOR_END: accesses

// ANCHOR: deaths
/// The study notes' case: an empty file, mapped with a fixed length. mmap(2) succeeds; the first access kills.
///
/// # Errors
/// Those of the file, the mapping and the child.
pub fn empty_file(directory: &Path) -> io::Result<AccessReport> {
    access_in_child(&tempfile::tempfile_in(directory)?, 0, page_size(), 0, AccessKind::Load)
}

/// A file that shrinks while it is mapped: a child maps two pages and stores to the second; another process truncates
/// the file to one page; the child loads from the second.
///
/// A page that a private mapping has copied already is lost as well (Linux; POSIX leaves it unspecified).
///
/// # Errors
/// Those of the file, the mapping and the children.
// ANCHOR: truncated
pub fn truncated_while_mapped(directory: &Path, sharing: Sharing) -> io::Result<AccessReport> {
    let file = tempfile::tempfile_in(directory)?;
    file.set_len(2 * page_size_u64())?;
    let mapping = Mapping::of_file(&file, 0, 2 * page_size(), READ_WRITE, sharing)?;
    let (victim, peer) = Child::fork(|peer| {
        mapping.store(page_size(), b'v'); // Fine. For a private mapping: the page is a copy now.
        peer.give_turn()?;
        peer.await_turn()?;
        mapping.load(page_size());
        Ok(())
    })?;
    peer.await_turn()?;
    let (other, _) = Child::fork(|_| file.set_len(page_size_u64()))?;
    other.wait()?.success()?;
    peer.give_turn()?;
    Ok(AccessReport::new(victim.wait()?, mapping.address()))
}
// ANCHOR_END: truncated

/// What happened to a file larger than its disk.
#[derive(Debug)]
pub struct FullDisk {
    /// posix_fallocate(3) of all of it.
    pub reserve: Result<(), Errno>,
    /// write(2) of all of it.
    pub write: Result<(), Errno>,
    /// Stores to its pages, one after the other, through a mapping.
    pub stores: AccessReport,
    /// How many pages the disk has.
    pub disk_pages: usize,
}

/// A full disk: ftruncate(2) makes a file of any size out of holes and reserves nothing. A store to a hole needs a
/// block. If the file system looks for one at once, as ext4, xfs, btrfs and tmpfs do, and there is none, the store has
/// no way to return an error: it kills.
///
/// The inner `Err` says why no small disk can be mounted on this machine.
///
/// # Errors
/// Those of the files, the mapping and the child.
pub fn full_disk() -> io::Result<Result<FullDisk, String>> {
    let disk_pages = 16;
    let size = 4 * disk_pages * page_size();
    // ANCHOR: full_disk_body
    let body = |disk: &Path, peer: &Peer| {
        let number =
            |answer: io::Result<()>| answer.err().and_then(|error| error.raw_os_error()).unwrap_or(0).to_ne_bytes();
        let off_t = size.try_into().map_err(io::Error::other)?;
        peer.send(&number(posix_fallocate(tempfile::tempfile_in(disk)?, 0, off_t).map_err(io::Error::from)))?;
        peer.send(&number(tempfile::tempfile_in(disk)?.write_all_at(&vec![b'w'; size], 0)))?;
        let file = tempfile::tempfile_in(disk)?;
        file.set_len(size.try_into().map_err(io::Error::other)?)?;
        let mapping = Mapping::of_file(&file, 0, size, READ_WRITE, Sharing::Shared)?;
        peer.send(&mapping.address().to_ne_bytes())?;
        (0..size).step_by(page_size()).for_each(|at| mapping.store(at, b's'));
        Ok(())
    };
    // ANCHOR_END: full_disk_body
    let (mut answers, mut address) = (Vec::new(), 0);
    let ran = on_a_small_disk((disk_pages * page_size()).try_into().map_err(io::Error::other)?, body, |peer| {
        for _ in 0..2 {
            let errno = i32::from_ne_bytes(peer.receive()?.try_into().map_err(|_| io::ErrorKind::InvalidData)?);
            answers.push(if errno == 0 { Ok(()) } else { Err(Errno::from_raw(errno)) });
        }
        address = usize::from_ne_bytes(peer.receive()?.try_into().map_err(|_| io::ErrorKind::InvalidData)?);
        Ok(())
    })?;
    Ok(match ran {
        OnSmallDisk::Skipped(reason) => Err(reason),
        OnSmallDisk::Ran(ended) => Ok(FullDisk {
            reserve: answers[0],
            write: answers[1],
            stores: AccessReport::new(ended, address),
            disk_pages,
        }),
    })
}

// ANCHOR: attempts
/// SIGBUS ignored, and SIGBUS blocked: the access would fault again for ever, so the kernel kills the process anyway.
///
/// # Errors
/// Those of the file, the mapping and the children.
// ANCHOR: ignored
pub fn ignored_and_blocked(directory: &Path) -> io::Result<[Ended; 2]> {
    let file = tempfile::tempfile_in(directory)?;
    let mapping = Mapping::of_file(&file, 0, 1, READ_WRITE, Sharing::Shared)?;
    let ignored = end_of(|| {
        // SAFETY: no handler of ours runs.
        let _ = unsafe { signal(Signal::SIGBUS, SigHandler::SigIgn) };
        mapping.load(0);
    })?;
    let blocked = end_of(|| {
        let _ = SigSet::from(Signal::SIGBUS).thread_block();
        mapping.load(0);
    })?;
    Ok([ignored, blocked])
}
// ANCHOR_END: ignored

/// The safe crate does not help: the slice of memmap2 outlives the file's second page. Its `unsafe` asks for the
/// promise that no process truncates the file.
///
/// # Errors
/// Those of the file, the mapping and the child.
// ANCHOR: memmap2_dies
pub fn truncated_under_memmap2(directory: &Path) -> io::Result<AccessReport> {
    let file = tempfile::tempfile_in(directory)?;
    file.set_len(2 * page_size_u64())?;
    // SAFETY: this process keeps the promise and reads no byte of the slice. The child breaks it on purpose, and dies.
    let map = unsafe { Mmap::map(&file) }?;
    let (child, _) = Child::fork(|_| {
        file.set_len(page_size_u64())?;
        black_box(map[page_size()]);
        Ok(())
    })?;
    Ok(AccessReport::new(child.wait()?, map.as_ptr().expose_provenance()))
}
// ANCHOR_END: memmap2_dies
// ANCHOR_END: attempts
// ANCHOR_END: deaths

// ANCHOR: no_bus_errors
/// The rest of the last page: what a load gives right past the end of the file, and the file's bytes after a store
/// there.
///
/// The whole page is in the page cache. Its bytes past the end are zero when it gets there (POSIX). Stores to them
/// succeed and are no stores to the file, unless it grows over them on a tmpfs, or on FUSE before they are written back.
///
/// # Errors
/// Those of the file and the mapping.
// ANCHOR: last_page
pub fn rest_of_the_last_page(directory: &Path) -> io::Result<(u8, Vec<u8>)> {
    let path = tempfile::NamedTempFile::new_in(directory)?;
    std::fs::write(&path, b"0123456789")?;
    let mapping = Mapping::of_file(path.as_file(), 0, 10, READ_WRITE, Sharing::Shared)?;
    let past_the_end = mapping.load(10);
    mapping.store(10, b'X');
    mapping.store(page_size() - 1, b'X');
    Ok((past_the_end, std::fs::read(&path)?))
}
// ANCHOR_END: last_page

/// read(2) into a page that the file does not have, and write(2) from it: the number of bytes, or the errno.
///
/// Here the kernel accesses the memory, on our behalf, and it does not send itself a signal: the call returns EFAULT.
///
/// # Errors
/// Those of the file and the mapping. The results of the two calls are in the value.
// ANCHOR: kernel_accesses
pub fn read_and_write_there(directory: &Path) -> io::Result<[Result<usize, Errno>; 2]> {
    let file = tempfile::tempfile_in(directory)?;
    let mapping = Mapping::of_file(&file, 0, 8, READ_WRITE, Sharing::Shared)?;
    let other = tempfile::tempfile_in(directory)?;
    other.write_all_at(b"12345678", 0)?;
    let there = std::ptr::with_exposed_provenance_mut(mapping.address());
    // SAFETY: the buffer is in our mapping, to which nothing else in this process refers.
    let read = unsafe { libc::pread(other.as_raw_fd(), there, 8, 0) };
    let read = Errno::result(read);
    // SAFETY: as above.
    let written = unsafe { libc::pwrite(other.as_raw_fd(), there, 8, 0) };
    let count = |count: libc::ssize_t| usize::try_from(count).unwrap_or(0);
    Ok([read.map(count), Errno::result(written).map(count)])
}
// ANCHOR_END: kernel_accesses

/// A length of 0, which is the size of an empty file: refused before there is anything to access.
///
/// # Errors
/// EINVAL (mmap(2), since Linux 2.6.12).
// ANCHOR: length_zero
pub fn length_of_an_empty_file(file: &File) -> Result<(), Errno> {
    mmap_and_munmap(file.as_raw_fd(), 0, 0, ProtFlags::PROT_READ, MapFlags::MAP_SHARED)
}
// ANCHOR_END: length_zero

/// The same with memmap2, which asks for the size itself and returns a slice of that many bytes: an empty file is an
/// empty slice, and no error.
///
/// # Errors
/// Those of fstat(2) and mmap(2).
// ANCHOR: length_zero_memmap2
pub fn empty_file_with_memmap2(file: &File) -> io::Result<usize> {
    // SAFETY: only the length of the slice is used, and none of its bytes.
    Ok(unsafe { Mmap::map(file) }?.len())
}
// ANCHOR_END: length_zero_memmap2
// ANCHOR_END: no_bus_errors

// ANCHOR: ways_out
/// Checks the size first, and maps that much. A process may truncate the file right after the check.
///
/// # Errors
/// `UnexpectedEof` for an empty file; else those of fstat(2) and mmap(2).
// ANCHOR: look
pub fn map_what_is_there(file: &File) -> io::Result<Mapping> {
    let size = usize::try_from(file.metadata()?.len()).map_err(|_| Errno::ENOMEM)?;
    if size == 0 {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file is empty: there is nothing to map"));
    }
    Ok(Mapping::of_file(file, 0, size, READ_WRITE, Sharing::Shared)?)
}
// ANCHOR_END: look

/// Opens whatever is at `path`, for reading, and asks what it is. open(2) of a FIFO waits until a process opens it for
/// writing; with O_NONBLOCK it returns at once; where a process holds a lease on the
/// file, it fails at once with EWOULDBLOCK. For a regular file the flag changes nothing else.
///
/// The question goes to the open file: at the path there may be another one by now.
///
/// # Errors
/// Those of open(2) and fstat(2).
// ANCHOR: open_at_once
pub fn open_at_once(path: &Path) -> io::Result<(File, Metadata)> {
    let file = File::options().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
    let metadata = file.metadata()?;
    Ok((file, metadata))
}
// ANCHOR_END: open_at_once

/// Gives the file its size first, with ftruncate(2): a shorter file grows, a longer one does not change. It grows by
/// holes, which take no disk space: the disk may be full when a store needs a block.
///
/// The notes write a byte at the end instead. A file that is long enough already loses the byte that was there.
///
/// # Errors
/// EFBIG and those of ftruncate(2) and mmap(2).
// ANCHOR: set_size
pub fn map_with_size(file: &File, length: usize) -> io::Result<Mapping> {
    let wanted = u64::try_from(length).map_err(|_| Errno::EOVERFLOW)?;
    if file.metadata()?.len() < wanted {
        file.set_len(wanted)?;
    }
    Ok(Mapping::of_file(file, 0, length, READ_WRITE, Sharing::Shared)?)
}
// ANCHOR_END: set_size

/// Reserves the blocks first, with posix_fallocate(3): a full disk is an error now and not a signal later. The file
/// grows if it is shorter, and keeps its bytes. On btrfs the blocks are for the
/// first store only: each change is written to a new place.
///
/// # Errors
/// ENOSPC, EDQUOT and the others of posix_fallocate(3) and mmap(2).
// ANCHOR: reserve
pub fn map_reserved(file: &File, length: usize) -> io::Result<Mapping> {
    posix_fallocate(file, 0, length.try_into().map_err(|_| Errno::EOVERFLOW)?)?;
    Ok(Mapping::of_file(file, 0, length, READ_WRITE, Sharing::Shared)?)
}
// ANCHOR_END: reserve

/// A memory file that can't be made shorter: F_SEAL_SHRINK (fcntl(2)) binds every process that gets a descriptor of it,
/// and can't be removed. A process that receives such a file can ask for its seals and then map it without fear of a
/// truncation.
///
/// # Errors
/// Those of memfd_create(2), write(2) and fcntl(2).
// ANCHOR: seal
pub fn sealed(contents: &[u8]) -> io::Result<File> {
    let file = File::from(memfd_create(c"lesson-6", MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING)?);
    file.write_all_at(contents, 0)?;
    fcntl(&file, FcntlArg::F_ADD_SEALS(SealFlag::F_SEAL_SHRINK))?;
    Ok(file)
}
// ANCHOR_END: seal
// ANCHOR_END: ways_out

// ANCHOR: guarded
/// Why a guarded access failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GuardError {
    /// The kernel found no page: the file ends before it, or ended before it a moment ago, or the disk is full.
    NoPage {
        /// The number of the page in the mapping, from 0 on.
        page: usize,
        /// The first byte of the file that could not be accessed.
        offset: u64,
        /// The file's size in bytes, asked for after the access failed.
        file_size: u64,
    },
    /// The range is not inside the mapped pages.
    Outside,
    /// A write to a mapping without PROT_WRITE.
    ReadOnly,
    /// Another call failed: there is no descriptor left for a pipe, or the size of the file could not be read.
    Call(Errno),
}

impl GuardError {
    /// Why, in words.
    pub fn in_words(&self) -> Text {
        match self {
            GuardError::NoPage { page, offset, file_size } => text!(
                "page {page} of the mapping is missing (byte {offset} of the file, which has {file_size} bytes now)",
                "映射的第 {page} 页不存在（对应文件偏移量 {offset}，文件现有 {file_size} 字节）"
            ),
            GuardError::Outside => Text::fixed("outside the mapping", "超出映射"),
            GuardError::ReadOnly => Text::fixed("mapped for reading only", "映射是只读的"),
            GuardError::Call(errno) => text!("a system call failed: {errno}", "系统调用失败：{errno}"),
        }
    }
}

impl fmt::Display for GuardError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.in_words().en)
    }
}

impl std::error::Error for GuardError {}

/// A shared mapping whose reads and writes return an error where a load or a store would kill.
///
/// The kernel makes the accesses: write(2) copies the bytes from the mapping into a pipe, read(2) copies them from a
/// pipe into the mapping, and when a page is missing the call returns EFAULT, as in [`read_and_write_there`]. There is
/// no handler and nothing to restore, and the file may shrink at any moment. Each access costs a few system calls, so
/// guard blocks, not single bytes.
///
/// There are other ways:
/// - process_vm_writev(2) on the process's own pid needs no pipe. But it pins the page, and marks it dirty afterwards
///   without asking the file system again; if the page was written out in between, ext4 warns and may drop the change.
///   Some sandboxes forbid the call.
/// - A handler for SIGBUS, which is one for the whole process. C programs jump out of it with siglongjmp(3); in Rust
///   that is undefined behaviour when it skips a frame with something to drop. Or the handler maps a page of zeros
///   there and returns, and the program has to notice that the zeros are not the file's.
///
/// # Example
/// ```
/// use mmap_workbook::lesson_6::{GuardError, Guarded};
///
/// let file = tempfile::tempfile()?;
/// file.set_len(1)?;
/// let guarded = Guarded::new(file.try_clone()?, 0, 1)?;
/// assert_eq!(guarded.write(0, b"x"), Ok(()));
/// file.set_len(0)?;
/// // A load of this byte would raise SIGBUS.
/// assert_eq!(guarded.read(0, &mut [0]), Err(GuardError::NoPage { page: 0, offset: 0, file_size: 0 }));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Guarded {
    mapping: Mapping,
    file: File,
    offset: u64,
    writable: bool,
}

impl Guarded {
    /// Maps `length` bytes of `file` from `offset` on, whether the file has them or not: for reading, and for writing
    /// when the file is open for writing.
    ///
    /// # Errors
    /// Those of [`Mapping::of_file`].
    pub fn new(file: File, offset: u64, length: usize) -> Result<Guarded, Errno> {
        let map = |protection| Mapping::of_file(&file, offset, length, protection, Sharing::Shared);
        let (mapping, writable) = match map(READ_WRITE) {
            Err(Errno::EACCES) => (map(ProtFlags::PROT_READ)?, false),
            answer => (answer?, true),
        };
        Ok(Guarded { mapping, file, offset, writable })
    }

    /// Copies the mapping's bytes from `at` on into `into`.
    ///
    /// # Errors
    /// [`GuardError`]. The bytes before the missing page have been copied by then.
    // ANCHOR: guarded_read
    pub fn read(&self, at: usize, into: &mut [u8]) -> Result<(), GuardError> {
        self.page_by_page(at, into.len(), |(reader, writer), part, address| {
            let there = std::ptr::with_exposed_provenance(address);
            // SAFETY: the kernel reads a range inside the mapping, and fails where there is no page.
            Errno::result(unsafe { libc::write(writer.as_raw_fd(), there, part.len()) })?;
            reader.read_exact(&mut into[part])
        })
    }
    // ANCHOR_END: guarded_read

    /// Copies `bytes` into the mapping from `at` on.
    ///
    /// # Errors
    /// [`GuardError`]. The bytes before the missing page have been written by then.
    pub fn write(&self, at: usize, bytes: &[u8]) -> Result<(), GuardError> {
        // read(2) into a page without PROT_WRITE is EFAULT as well.
        if !self.writable {
            return Err(GuardError::ReadOnly);
        }
        self.page_by_page(at, bytes.len(), |(reader, writer), part, address| {
            let there = std::ptr::with_exposed_provenance_mut(address);
            writer.write_all(&bytes[part.clone()])?;
            // SAFETY: the kernel writes to a range inside the mapping, to which there are no references.
            Errno::result(unsafe { libc::read(reader.as_raw_fd(), there, part.len()) })?;
            Ok(())
        })
    }

    /// Calls `copy` for each part of the range that lies in one page, with a pipe, the indices of the part's bytes, and
    /// its address. A page always fits into an empty pipe, so no call waits. A part is copied whole or fails (Linux),
    /// so a failure means that this page is missing.
    // ANCHOR: guarded_pages
    fn page_by_page(
        &self,
        at: usize,
        length: usize,
        mut copy: impl FnMut(&mut (PipeReader, PipeWriter), Range<usize>, usize) -> io::Result<()>,
    ) -> Result<(), GuardError> {
        let mapped = self.mapping.range().len();
        if at > mapped || length > mapped - at {
            return Err(GuardError::Outside);
        }
        let mut pipe = io::pipe().map_err(|error| GuardError::Call(errno(&error)))?;
        let mut done = 0;
        while done < length {
            let here = at + done;
            let part = done..length.min(done + page_size() - here % page_size());
            done = part.end;
            copy(&mut pipe, part, self.mapping.address() + here).map_err(|error| self.failed(&error, here))?;
        }
        Ok(())
    }
    // ANCHOR_END: guarded_pages

    fn failed(&self, error: &io::Error, at: usize) -> GuardError {
        match (errno(error), self.file.metadata()) {
            (Errno::EFAULT, Ok(metadata)) => GuardError::NoPage {
                page: at / page_size(),
                offset: self.offset + u64::try_from(at).expect("no machine has addresses beyond 64 bits"),
                file_size: metadata.len(),
            },
            (Errno::EFAULT, Err(error)) => GuardError::Call(errno(&error)),
            (other, _) => GuardError::Call(other),
        }
    }
}

fn errno(error: &io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or(0))
}
// ANCHOR_END: guarded

// ANCHOR: reporting_handler
// ANCHOR: on_bus_error
/// What the handler knows. It gets no argument of ours, so all of it is static. It may interrupt any instruction of any
/// thread, so all of it is atomic: it can't wait for a lock that the interrupted code holds.
mod known {
    use super::{AtomicI32, AtomicPtr, AtomicUsize, libc, null_mut};

    /// The first address of the mapping, and the one after its last. No address lies in 0..0.
    pub static START: AtomicUsize = AtomicUsize::new(0);
    pub static END: AtomicUsize = AtomicUsize::new(0);
    /// Where to write what was missed.
    pub static REPORT: AtomicI32 = AtomicI32::new(-1);
    /// The action for SIGBUS from before.
    pub static BEFORE: AtomicPtr<libc::sigaction> = AtomicPtr::new(null_mut());
}

/// The handler: writes which byte of the mapping was missed, and hands the signal on.
extern "C" fn on_bus_error(signal: i32, info: *mut libc::siginfo_t, _context: *mut libc::c_void) {
    // SAFETY: with SA_SIGINFO the kernel passes a siginfo_t that is valid until the handler returns.
    let info = unsafe { &*info };
    // Our calls may change it, and the code that was interrupted may be about to read it.
    let errno = Errno::last_raw();
    let start = known::START.load(Relaxed);
    // A SIGBUS that a process has sent has another code, and no address.
    if info.si_code == libc::BUS_ADRERR {
        // SAFETY: with this code the kernel fills in si_addr.
        let address = unsafe { info.si_addr() }.addr();
        if (start..known::END.load(Relaxed)).contains(&address) {
            let at = (address - start).to_ne_bytes();
            // SAFETY: write(2) is async-signal-safe, and reads the number from our stack.
            unsafe { libc::write(known::REPORT.load(Relaxed), at.as_ptr().cast(), at.len()) };
        }
    }
    // The access is repeated when the handler returns, and then meets the action from before.
    let before = known::BEFORE.load(Relaxed);
    // SAFETY: sigaction(2) is async-signal-safe; BEFORE was filled in before this handler was set, and is never freed.
    unsafe { libc::sigaction(signal, before, null_mut()) };
    Errno::set_raw(errno);
}
// ANCHOR_END: on_bus_error

/// From now on the first access that finds no page of `mapping` is reported: the handler writes its offset to `report`,
/// the eight bytes of a `usize`. Then the action from before takes over, for good: with the default action the process
/// dies, as it would have without the handler.
///
/// A SIGBUS that is not such an access is left to the action from before, too, if it comes again. One that a process
/// has sent doesn't: a handler that has to pass it on must raise it anew.
///
/// The handler stays, so `mapping` and `report` must live as long as the process.
///
/// # Errors
/// Those of sigaction(2) and pthread_sigmask(3).
// ANCHOR: report_missing_page
pub fn report_missing_page(mapping: &Mapping, report: BorrowedFd) -> Result<(), Errno> {
    known::START.store(mapping.range().start, Relaxed);
    known::END.store(mapping.range().end, Relaxed);
    known::REPORT.store(report.as_raw_fd(), Relaxed);
    // SAFETY: integers, a function pointer that may be null, an empty set of signals: all of it may be zeros.
    let [mut ours, mut before]: [libc::sigaction; 2] = unsafe { std::mem::zeroed() };
    // SAFETY: with no new action the call only writes the one that is set.
    Errno::result(unsafe { libc::sigaction(libc::SIGBUS, null(), &raw mut before) })?;
    known::BEFORE.store(Box::into_raw(Box::new(before)), Relaxed);
    ours.sa_sigaction = on_bus_error as *const () as usize;
    // SA_SIGINFO: the handler has three arguments. SA_ONSTACK: the thread's own stack may be full.
    ours.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
    // SAFETY: the handler does only what is async-signal-safe, and all that it reads has been set above.
    Errno::result(unsafe { libc::sigaction(libc::SIGBUS, &raw const ours, null_mut()) })?;
    // A fault whose signal is blocked kills, handler or not.
    SigSet::from(Signal::SIGBUS).thread_unblock()
}
// ANCHOR_END: report_missing_page

/// Loads byte `at` of a mapping of `length` bytes of `file`, in a child with [`report_missing_page`]: what its handler
/// wrote (the offset of the byte that was missed), and how the child ended.
///
/// # Errors
/// Those of the file, the mapping, the pipe and the child.
pub fn last_words(file: &File, length: usize, at: usize) -> io::Result<(Option<usize>, Ended)> {
    let mapping = Mapping::of_file(file, 0, length, READ_WRITE, Sharing::Shared)?;
    let (mut reader, writer) = io::pipe()?;
    let (child, _) = Child::fork(|_| {
        report_missing_page(&mapping, writer.as_fd())?;
        mapping.load(at);
        Ok(())
    })?;
    let ended = child.wait()?;
    drop(writer);
    let mut words = Vec::new();
    reader.read_to_end(&mut words)?;
    Ok((words.try_into().ok().map(usize::from_ne_bytes), ended))
}
// ANCHOR_END: reporting_handler

/// Demonstrates the bus error: four children die of it, neither a signal mask nor the safe crate helps, four accesses
/// do not raise it, four ways lead out, and a guarded read survives it.
///
/// It truncates the file at `path`.
///
/// # Errors
/// Those of the functions above, and of the output.
pub fn demonstrate(out: &mut Narrator, path: &Path) -> io::Result<()> {
    let directory = out.directory();
    let file = File::options().read(true).write(true).open(path)?;
    let size = file.metadata()?.len();
    let pages = usize::try_from(size.div_ceil(page_size_u64())).map_err(io::Error::other)?;

    out.part(text!("Four deaths, each in a child", "四种致命的情形，各用一个子进程"))?;
    out.tell(text!(
        "each maps more than the file has, or loses what the file had, and then accesses it",
        "或是映射得比文件长，或是文件后来失去了那一页，然后去访问"
    ))?;
    out.evidence(text!("an empty file", "空文件"), empty_file(&directory)?.in_words())?;
    let past_the_end =
        access_in_child(&file, 0, (pages + 1) * page_size(), pages * page_size() + 7, AccessKind::Store)?;
    out.evidence(text!("one page too many", "多映射一页"), past_the_end.in_words())?;
    let truncated = truncated_while_mapped(&directory, Sharing::Shared)?;
    out.evidence(text!("truncated while mapped", "映射期间被截断"), truncated.in_words())?;
    let full = match full_disk()? {
        Ok(full) => full.stores.in_words(),
        Err(reason) => text!("skipped: {reason}", "跳过：{reason}"),
    };
    out.evidence(text!("a full disk", "磁盘满"), full)?;
    out.shows(text!(
        "mmap(2) succeeded each time: it is the access that finds no page.",
        "每一次 mmap(2) 都成功了：是访问的那一刻找不到页。"
    ))?;

    out.part(text!("What does not help", "无济于事的办法"))?;
    let [ignored, blocked] = ignored_and_blocked(&directory)?;
    out.evidence(text!("SIGBUS ignored", "忽略 SIGBUS"), ignored.in_words())?;
    out.evidence(text!("SIGBUS blocked", "阻塞 SIGBUS"), blocked.in_words())?;
    out.evidence(text!("a slice of memmap2", "memmap2 的切片"), truncated_under_memmap2(&directory)?.in_words())?;
    out.shows(text!(
        "the access can't complete, so the kernel kills; and the safe crate's slice is the same memory.",
        "访问无法完成，内核只好杀死进程；安全的 crate 给出的切片，也是同一块内存。"
    ))?;

    out.part(text!("What is not a bus error", "不是总线错误的访问"))?;
    let last = access_in_child(&file, 0, pages * page_size(), pages * page_size() - 1, AccessKind::Store)?;
    out.evidence(text!("the last page's last byte", "最后一页的最后一个字节"), last.in_words())?;
    out.tell(text!(
        "a file of 10 bytes: a load right past its end, then a store there",
        "10 字节的文件：紧接着末尾读一个字节，再往那里写"
    ))?;
    let (loaded, left) = rest_of_the_last_page(&directory)?;
    out.evidence(text!("the byte that it loads", "读到的字节"), loaded)?;
    out.evidence(text!("read(2) of the file", "read(2) 读文件"), hex(&left))?;
    out.tell(text!(
        "read(2) into a page that the file does not have, and write(2) from it",
        "以文件没有的那一页为缓冲区，调用 read(2) 和 write(2)"
    ))?;
    let [read, written] = read_and_write_there(&directory)?;
    out.evidence(text!("read(2), write(2)", "read(2)、write(2)"), format!("{}, {}", answer(&read), answer(&written)))?;
    out.tell(text!("an empty file, mapped with its own length", "按空文件自己的长度映射"))?;
    let empty = tempfile::tempfile_in(&directory)?;
    out.evidence("mmap(2)", answer(&length_of_an_empty_file(&empty)))?;
    let slice = empty_file_with_memmap2(&empty)?;
    out.evidence("memmap2", text!("a slice of {slice} bytes", "{slice} 字节的切片"))?;
    out.shows(text!(
        "a page exists as a whole; the kernel does not signal itself; 0 bytes can't be mapped.",
        "页要么整页都在，要么都不在；内核不会给自己发信号；0 字节无法映射。"
    ))?;

    out.part(text!("The ways out", "出路"))?;
    let refused = match map_what_is_there(&empty) {
        Ok(_) => Text::fixed("ok", "ok"),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            Text::fixed("the file is empty: there is nothing to map", "文件是空的，没有东西可以映射")
        }
        Err(error) => text!("{error}", "{error}"),
    };
    out.evidence(text!("check the size", "先看大小"), refused)?;
    let succeeded = Text::fixed("the store succeeded", "写入成功");
    map_with_size(&empty, page_size())?.store(0, b'x');
    out.evidence(text!("set the size", "设定大小"), succeeded.clone())?;
    map_reserved(&tempfile::tempfile_in(&directory)?, page_size())?.store(0, b'x');
    out.evidence(text!("reserve the blocks", "预留磁盘块"), succeeded)?;
    let shrunk = sealed(b"kept")?.set_len(0).map_err(|error| errno(&error));
    out.evidence(text!("seal: ftruncate(2) to 0", "密封：ftruncate(2) 到 0"), answer(&shrunk))?;
    out.shows(text!(
        "after the first three the file can still be truncated. After the seal it can't.",
        "前三种之后，文件仍可能被截断；密封之后则不能。"
    ))?;

    out.part(text!("What a handler can say", "处理函数能报告什么"))?;
    out.tell(text!(
        "a file of 10 bytes, two pages mapped; the handler writes which byte was missed, and hands the signal on",
        "10 字节的文件，映射两页；处理函数写出访问落空的是哪个字节，再把信号转交出去"
    ))?;
    let short = tempfile::tempfile_in(&directory)?;
    short.write_all_at(b"0123456789", 0)?;
    for at in [9, page_size() + 7] {
        let (missed, ended) = last_words(&short, 2 * page_size(), at)?;
        let place_of_it = place(at);
        out.tell(text!("a load from {place_of_it}", "读取{place_of_it}处"; place_of_it))?;
        let missed = missed.map_or(Text::fixed("nothing", "没有写"), place);
        out.evidence(text!("the handler wrote", "处理函数写出"), missed)?;
        out.evidence(text!("and the child", "子进程"), ended.in_words())?;
    }
    out.shows(text!(
        "the handler learns the place from siginfo_t. The load still has no page, so the old action ends the child.",
        "处理函数从 siginfo_t 得知位置。读取仍然找不到页，于是先前的处置方式终止了子进程。"
    ))?;

    out.part(text!("A read that returns an error instead", "只报错、不致命的读取"))?;
    let guarded = Guarded::new(file.try_clone()?, 0, page_size())?;
    let mut bytes = vec![0; usize::try_from(size).unwrap_or(usize::MAX).min(12)];
    let mut read = |out: &mut Narrator| {
        let words = match guarded.read(0, &mut bytes) {
            Ok(()) => text!("{0}", "{0}", hex(&bytes)),
            Err(error) => error.in_words(),
        };
        out.evidence(text!("guarded read", "Guarded::read"), words)
    };
    read(out)?;
    out.tell(text!("the file is truncated to 0 bytes", "文件被截断到 0 字节"))?;
    file.set_len(0)?;
    read(out)?;
    out.tell(text!("and gets its size back", "文件恢复原来的大小"))?;
    file.set_len(size)?;
    read(out)?;
    out.shows(text!(
        "this process has read where a load is a bus error, and goes on. The bytes themselves are lost.",
        "换成读内存的指令就是总线错误，这个进程却照常运行。那些字节本身已经丢失。"
    ))
}
