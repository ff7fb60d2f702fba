//! # Lesson 2: mmap and munmap
//!
//! mmap(2) makes a range of a file appear as a range of addresses. The call copies no byte: the kernel records that
//! these addresses stand for those pages of the file, and the first touch of each page fetches it from the page cache.
//! While it is there, a load or a store is all it takes to read or to write the file.
//!
//! The lesson builds, from the raw call up: [`Mapping`], which owns a range of addresses and unmaps it; [`Window`],
//! which shows any byte range of a file; the study notes' program ([`store_4321`]). Then it asks the kernel how long a
//! mapping lives, what its protection forbids, and which calls it refuses. [`ring`] chooses its addresses itself.

use std::fs::{File, OpenOptions};
use std::hint::black_box;
use std::io;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};

use memmap2::{Mmap, MmapMut, MmapOptions};
use nix::errno::Errno;
use nix::libc::{self, c_void};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::mman::{MapFlags, ProtFlags, mmap, mmap_anonymous, munmap};
use nix::sys::resource::{Resource, setrlimit};

use crate::error::{in_words, told};
use crate::narrate::{Narrator, answer};
use crate::observe::{hex, maps_of, maps_of_process, page_size, page_size_u64, whole_pages};
use crate::process::{Child, Ended, end_of};
use crate::text;
use crate::text::Text;
use crate::words::AtomicU64;

/// Who sees a store to the mapping. mmap(2) requires exactly one of the two; lesson 3 is about the difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// MAP_SHARED: a store changes the page of the file, for every process.
    Shared,
    /// MAP_PRIVATE: the first store to a page makes a copy of it that only this mapping sees.
    Private,
}

impl From<Sharing> for MapFlags {
    fn from(sharing: Sharing) -> MapFlags {
        match sharing {
            Sharing::Shared => MapFlags::MAP_SHARED,
            Sharing::Private => MapFlags::MAP_PRIVATE,
        }
    }
}

/// `PROT_READ | PROT_WRITE`, the protection of most mappings here.
pub const READ_WRITE: ProtFlags = ProtFlags::PROT_READ.union(ProtFlags::PROT_WRITE);

// ANCHOR: mapping
/// A range of addresses that mmap(2) has returned. Dropping it unmaps the range with munmap(2).
///
/// It hands out no `&[u8]`: a reference to plain bytes promises the compiler that they do not change meanwhile, and
/// another process may change them. Each access is atomic, so that a byte is old or new and nothing else.
///
/// An access can kill the process, by SIGBUS where the file has no page (lesson 6), or by SIGSEGV where the protection
/// forbids it. It does nothing worse: no Rust code runs after such an access.
///
/// # Example
/// A store to a shared mapping is a change of the file:
/// ```
/// use std::io::Read;
///
/// use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
///
/// let mut file = tempfile::tempfile()?;
/// file.set_len(5)?;
/// let mapping = Mapping::of_file(&file, 0, 5, READ_WRITE, Sharing::Shared)?;
/// mapping.write(0, b"hello");
/// assert_eq!(mapping.load(1), b'e');
/// mapping.unmap()?;
///
/// let mut text = String::new();
/// file.read_to_string(&mut text)?;
/// assert_eq!(text, "hello");
/// # Ok::<_, std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Mapping {
    start: NonNull<c_void>,
    length: usize,
}

impl Mapping {
    /// Maps `length` bytes of `file` from byte `offset` on. The kernel picks the addresses.
    ///
    /// # Errors
    /// Those of mmap(2): EINVAL for a length of 0, or an offset that is not a multiple of the page size; EACCES when
    /// the descriptor is not open for what `protection` and `sharing` need; ENODEV when the file can't be mapped;
    /// ENOMEM when no range of addresses is free; EOVERFLOW when `offset` is larger than 2^63 - 1.
    // ANCHOR: of_file
    pub fn of_file(
        file: impl AsFd,
        offset: u64,
        length: usize,
        protection: ProtFlags,
        sharing: Sharing,
    ) -> Result<Mapping, Errno> {
        // nix takes a NonZeroUsize, so a length of 0 never reaches the kernel; EINVAL is what the kernel would say.
        let non_zero = NonZeroUsize::new(length).ok_or(Errno::EINVAL)?;
        // off_t is signed: `as` would turn a large offset into a negative one.
        let offset = offset.try_into().map_err(|_| Errno::EOVERFLOW)?;
        // SAFETY: without an address hint the kernel picks a free range, so no memory in use is replaced.
        let start = unsafe { mmap(None, non_zero, protection, sharing.into(), file, offset) }?;
        Ok(Mapping { start, length })
    }
    // ANCHOR_END: of_file

    /// Maps `length` bytes of zeros that belong to no file (MAP_ANONYMOUS).
    ///
    /// # Errors
    /// Those of mmap(2): EINVAL for a length of 0; ENOMEM when no range of addresses is free.
    pub fn anonymous(length: usize, protection: ProtFlags, sharing: Sharing) -> Result<Mapping, Errno> {
        let non_zero = NonZeroUsize::new(length).ok_or(Errno::EINVAL)?;
        // SAFETY: without an address hint the kernel picks a free range, so no memory in use is replaced.
        let start = unsafe { mmap_anonymous(None, non_zero, protection, sharing.into()) }?;
        Ok(Mapping { start, length })
    }

    /// Unmaps the addresses now. Dropping does the same, but can't return an error.
    ///
    /// # Errors
    /// Those of munmap(2): ENOMEM when the process has too many mappings (unmapping the middle of one makes two of it);
    /// EPERM when it is sealed (mseal(2)).
    pub fn unmap(self) -> Result<(), Errno> {
        let (start, length) = (self.start, self.length);
        std::mem::forget(self);
        // SAFETY: the range is ours, and `self`, the only way to reach it, is gone.
        unsafe { munmap(start, length) }
    }
}

// ANCHOR: give_back
impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the range is ours, and no borrow of `self` is left. An error would leave it mapped, which does no
        // harm.
        let _ = unsafe { munmap(self.start, self.length) };
    }
}
// ANCHOR_END: give_back
// ANCHOR_END: mapping

// ANCHOR: access
impl Mapping {
    /// The address of the first byte.
    pub fn address(&self) -> usize {
        self.start.as_ptr().expose_provenance()
    }

    /// The length that was asked for, in bytes.
    pub fn length(&self) -> usize {
        self.length
    }

    /// The addresses that are mapped: whole pages, whatever length was asked for.
    pub fn range(&self) -> Range<usize> {
        self.address()..self.address() + whole_pages(self.length)
    }

    /// The byte at `at`, for a system call.
    ///
    /// # Panics
    /// If `at` is outside the mapped pages.
    pub fn pointer_to(&self, at: usize) -> NonNull<c_void> {
        self.pointer(at, 1, 1)
    }

    /// Loads the byte at `at`, which may be in the rest of the last page.
    ///
    /// # Panics
    /// If `at` is outside the mapped pages.
    pub fn load(&self, at: usize) -> u8 {
        // black_box uses the result: the compiler could leave out an unused load, and with it the access.
        black_box(self.byte(at).load(Ordering::Relaxed))
    }

    /// Stores a byte at `at`, which may be in the rest of the last page.
    ///
    /// # Panics
    /// If `at` is outside the mapped pages.
    pub fn store(&self, at: usize, byte: u8) {
        self.byte(at).store(byte, Ordering::Relaxed);
    }

    /// Fills `into` with the bytes from `at` on. Each byte is whole, but all of them together are no snapshot (lesson
    /// 4).
    ///
    /// # Panics
    /// If a byte is outside the mapped pages.
    pub fn read(&self, at: usize, into: &mut [u8]) {
        for (byte, into) in self.bytes(at, into.len()).iter().zip(into) {
            *into = black_box(byte.load(Ordering::Relaxed));
        }
    }

    /// Stores `bytes` from `at` on.
    ///
    /// # Panics
    /// If a byte is outside the mapped pages.
    pub fn write(&self, at: usize, bytes: &[u8]) {
        for (to, &byte) in self.bytes(at, bytes.len()).iter().zip(bytes) {
            to.store(byte, Ordering::Relaxed);
        }
    }

    // ANCHOR: one_byte
    /// The byte at `at` as an atomic.
    fn byte(&self, at: usize) -> &AtomicU8 {
        let byte = self.pointer(at, 1, 1).cast().as_ptr();
        // SAFETY: inside the mapping, which outlives the borrow of `self`; other accesses are atomic or another
        // process's.
        unsafe { AtomicU8::from_ptr(byte) }
    }
    // ANCHOR_END: one_byte

    /// These bytes, each as an atomic.
    fn bytes(&self, at: usize, length: usize) -> &[AtomicU8] {
        if length == 0 {
            return &[];
        }
        let first = self.pointer(at, length, 1).cast().as_ptr();
        // SAFETY: inside the mapping, which outlives the borrow of `self`; other accesses are atomic or another process's.
        unsafe { std::slice::from_raw_parts(first, length) }
    }

    /// The four bytes at `at` as an atomic word in native byte order.
    ///
    /// # Panics
    /// If `at` is not a multiple of 4, or outside the mapped pages.
    pub fn word(&self, at: usize) -> &AtomicU32 {
        let word = self.pointer(at, size_of::<u32>(), align_of::<u32>()).cast().as_ptr();
        // SAFETY: aligned, inside the mapping, which outlives the borrow of `self`; other accesses are atomic.
        unsafe { AtomicU32::from_ptr(word) }
    }

    /// The eight bytes at `at` as an atomic word in native byte order.
    ///
    /// # Panics
    /// If `at` is not a multiple of 8, or outside the mapped pages.
    pub fn long_word(&self, at: usize) -> &AtomicU64 {
        let word = self.pointer(at, size_of::<u64>(), align_of::<u64>()).cast().as_ptr();
        // SAFETY: aligned, inside the mapping, which outlives the borrow of `self`; other accesses are atomic.
        unsafe { AtomicU64::from_ptr(word) }
    }

    fn pointer(&self, at: usize, size: usize, align: usize) -> NonNull<c_void> {
        let mapped = whole_pages(self.length);
        assert!(at < mapped && size <= mapped - at, "bytes {at}..{at}+{size} are outside the {mapped} mapped bytes");
        assert!(at.is_multiple_of(align), "{at} is not a multiple of {align}");
        // SAFETY: inside the mapping, as just checked.
        unsafe { self.start.byte_add(at) }
    }
}

/// Loads the byte at an address where perhaps nothing is mapped, to see what the kernel does then.
///
/// # Safety
/// Either nothing is mapped at `address`, and SIGSEGV kills the process (so call it in a child); or memory is mapped
/// there that may change while it is read.
pub unsafe fn load_at(address: usize) -> u8 {
    let byte = std::ptr::with_exposed_provenance_mut(address);
    // SAFETY: the caller's promise. A single byte is always aligned.
    black_box(unsafe { AtomicU8::from_ptr(byte) }.load(Ordering::Relaxed))
}
// ANCHOR_END: access

impl Mapping {
    /// [`Mapping::of_file`] from the file's start, with MAP_POPULATE: the kernel maps all pages before it returns (lesson
    /// 7).
    ///
    /// # Errors
    /// Those of [`Mapping::of_file`]. That a page can't be populated is none: the first access to it will tell.
    pub fn populated(
        file: impl AsFd,
        length: usize,
        protection: ProtFlags,
        sharing: Sharing,
    ) -> Result<Mapping, Errno> {
        let non_zero = NonZeroUsize::new(length).ok_or(Errno::EINVAL)?;
        let flags = MapFlags::from(sharing) | MapFlags::MAP_POPULATE;
        // SAFETY: without an address hint the kernel picks a free range, so no memory in use is replaced.
        let start = unsafe { mmap(None, non_zero, protection, flags, file, 0) }?;
        Ok(Mapping { start, length })
    }
}

// ANCHOR: window
/// Any byte range of a file, mapped shared. mmap(2) needs a page-aligned offset; a window begins at any byte, and maps
/// from the page boundary before it.
///
/// # Example
/// ```
/// use std::os::unix::fs::FileExt;
///
/// use mmap_workbook::lesson_2::{READ_WRITE, Window};
///
/// let file = tempfile::tempfile()?;
/// file.write_all_at(b"a file of a few words", 0)?;
/// let window = Window::new(&file, 10, 5, READ_WRITE)?;
/// let mut bytes = [0; 5];
/// window.read(0, &mut bytes);
/// assert_eq!(bytes, *b"a few");
/// window.write(2, b"new");
///
/// let mut text = [0; 21];
/// file.read_exact_at(&mut text, 0)?;
/// assert_eq!(text, *b"a file of a new words");
/// # Ok::<_, std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Window {
    mapping: Mapping,
    /// The bytes from the page boundary, where the mapping begins, to the first byte of the window.
    skip: usize,
    length: usize,
}

impl Window {
    /// A window onto `length` bytes of `file` from `offset` on, for reading and, if `protection` allows it, for
    /// writing.
    ///
    /// # Errors
    /// `InvalidInput` for a length of 0; `UnexpectedEof` when the range is not entirely inside the file as it is now
    /// (an access past the end could raise SIGBUS); otherwise as [`Mapping::of_file`].
    pub fn new(file: &File, offset: u64, length: usize, protection: ProtFlags) -> io::Result<Window> {
        if length == 0 {
            return Err(told(
                io::ErrorKind::InvalidInput,
                text!("a window has at least one byte", "窗口至少有一个字节"),
            ));
        }
        let size = file.metadata()?.len();
        let end = u64::try_from(length).ok().and_then(|length| offset.checked_add(length));
        if end.is_none_or(|end| end > size) {
            let text = text!(
                "{length} bytes from {offset} on are not inside the file's {size} bytes",
                "从 {offset} 起的 {length} 个字节超出了文件的 {size} 个字节"
            );
            return Err(told(io::ErrorKind::UnexpectedEof, text));
        }
        // ANCHOR: window_edge
        let boundary = offset - offset % page_size_u64();
        let skip = usize::try_from(offset - boundary).map_err(io::Error::other)?;
        let mapped = skip.checked_add(length).ok_or(Errno::ENOMEM)?;
        let mapping = Mapping::of_file(file, boundary, mapped, protection, Sharing::Shared)?;
        Ok(Window { mapping, skip, length })
        // ANCHOR_END: window_edge
    }

    /// Fills `into` with the window's bytes from its byte `at` on.
    ///
    /// # Panics
    /// If a byte is outside the window.
    pub fn read(&self, at: usize, into: &mut [u8]) {
        self.mapping.read(self.place(at, into.len()), into);
    }

    /// Stores `bytes` from the window's byte `at` on.
    ///
    /// # Panics
    /// If a byte is outside the window.
    pub fn write(&self, at: usize, bytes: &[u8]) {
        self.mapping.write(self.place(at, bytes.len()), bytes);
    }

    fn place(&self, at: usize, length: usize) -> usize {
        let inside = at <= self.length && length <= self.length - at;
        assert!(inside, "bytes {at}..{at}+{length} are outside the window's {} bytes", self.length);
        self.skip + at
    }
}

/// A window for reading, with memmap2, which does the arithmetic with the page boundary ([`MmapOptions::offset`]).
///
/// # Errors
/// Those of mmap(2). It does not look at the file's size: a range past its end is mapped, and an access there raises
/// SIGBUS.
///
/// # Safety
/// While the map lives, no code, in this process or another, changes these bytes of the file or truncates it: the map
/// is a `&[u8]` to its users, and the compiler relies on its bytes not changing.
// ANCHOR: window_memmap2
pub unsafe fn window_with_memmap2(file: &File, offset: u64, length: usize) -> io::Result<Mmap> {
    // SAFETY: the caller's promise.
    unsafe { MmapOptions::new().offset(offset).len(length).map(file) }
}
// ANCHOR_END: window_memmap2
// ANCHOR_END: window

// ANCHOR: notes_program
/// The number that the study notes' program stores. Its bytes are the ASCII codes of the digits 1, 2, 3 and 4.
pub const DIGITS: u32 = 0x3132_3334;

/// The study notes' program: maps the whole file and stores [`DIGITS`] at its start.
///
/// Afterwards the file begins with `4321` on a little-endian machine, which puts the least significant byte (0x34, `4`)
/// first, and with `1234` on a big-endian one.
///
/// # Errors
/// `UnexpectedEof` for a file of fewer than 4 bytes: the store would go to the rest of its last page, and not to the
/// file. Otherwise those of open(2), fstat(2) and mmap(2).
// ANCHOR: store_4321
pub fn store_4321(path: &Path) -> io::Result<()> {
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    let mapping = Mapping::of_file(&file, 0, length_for_digits(&file)?, READ_WRITE, Sharing::Shared)?;
    drop(file); // close(2): the mapping holds a reference of its own to the file.
    mapping.word(0).store(DIGITS, Ordering::Relaxed);
    Ok(mapping.unmap()?)
}
// ANCHOR_END: store_4321

/// [`store_4321`] with memmap2: the crate finds out the length, checks the errors, checks the bounds, and unmaps.
///
/// It can't keep the file from changing: its slices are plain memory to the compiler, while any process may write to
/// the file or truncate it. The caller has to promise that none does, and so `map_mut` is `unsafe`.
///
/// # Errors
/// As [`store_4321`].
// ANCHOR: store_4321_memmap2
pub fn store_4321_with_memmap2(path: &Path) -> io::Result<()> {
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    length_for_digits(&file)?;
    // SAFETY: no other process writes to the file or truncates it meanwhile. Nothing here can enforce that: it holds
    // for the files in this workbook's own directory; for any other file it is up to the reader.
    let mut map = unsafe { MmapMut::map_mut(&file) }?;
    map[..4].copy_from_slice(&DIGITS.to_ne_bytes());
    Ok(())
}
// ANCHOR_END: store_4321_memmap2

fn length_for_digits(file: &File) -> io::Result<usize> {
    let size = file.metadata()?.len();
    if size < 4 {
        let text = text!(
            "the file has {size} bytes, and the number to be stored has 4",
            "文件只有 {size} 个字节，而要写入的数有 4 个字节"
        );
        return Err(told(io::ErrorKind::UnexpectedEof, text));
    }
    // The notes have `int len`: a file of 2 GiB makes it negative, one of 5 GiB silently maps only the first.
    usize::try_from(size).map_err(|_| Errno::ENOMEM.into())
}
// ANCHOR_END: notes_program

// ANCHOR: lifetime
/// Loads from a mapping after munmap(2), in a child: nothing is mapped at its addresses any more.
///
/// # Errors
/// Those of the mapping and of the child.
// ANCHOR: after_munmap
pub fn load_after_munmap(file: &File) -> io::Result<Ended> {
    let mapping = Mapping::of_file(file, 0, 1, ProtFlags::PROT_READ, Sharing::Shared)?;
    let address = mapping.address();
    let (child, _peer) = Child::fork(|_| {
        mapping.unmap()?;
        // SAFETY: nothing is mapped there now, and the child has no other thread that could map anything.
        unsafe { load_at(address) };
        Ok(())
    })?;
    child.wait()
}
// ANCHOR_END: after_munmap

/// A process that was killed while it had a file mapped, and what became of the mapping.
#[derive(Debug, PartialEq, Eq)]
pub struct KilledProcess {
    /// Whether /proc/PID/maps listed the file.
    pub listed_before: bool,
    /// F_SEAL_WRITE (fcntl(2)), which fails with EBUSY while there is a writable shared mapping.
    pub seal_before: Result<(), Errno>,
    /// How the process ended.
    pub ended: Ended,
    /// The same seal after the process has ended.
    pub seal_after: Result<(), Errno>,
    /// The byte that the process had stored, as read(2) returns it now.
    pub byte: u8,
}

/// A mapping ends with its process, even without munmap(2); what was stored through it stays in the file.
///
/// # Errors
/// Those of the mapping and of the child.
pub fn ends_with_its_process() -> io::Result<KilledProcess> {
    let file = File::from(memfd_create(c"lesson-2", MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING)?);
    file.set_len(1)?;
    let (child, peer) = Child::fork(|peer| {
        let mapping = Mapping::of_file(&file, 0, 1, READ_WRITE, Sharing::Shared)?;
        mapping.store(0, b'K');
        peer.give_turn()?;
        peer.await_turn() // which never comes
    })?;
    peer.await_turn()?;
    let listed_before = maps_of_process(child.pid())?.iter().any(|area| area.name().contains("memfd:lesson-2"));
    let seal = || {
        use nix::fcntl::{FcntlArg, SealFlag, fcntl};
        fcntl(&file, FcntlArg::F_ADD_SEALS(SealFlag::F_SEAL_WRITE)).map(drop)
    };
    let seal_before = seal();
    let ended = child.kill()?;
    let mut byte = [0];
    file.read_exact_at(&mut byte, 0)?;
    Ok(KilledProcess { listed_before, seal_before, ended, seal_after: seal(), byte: byte[0] })
}
// ANCHOR_END: lifetime

// ANCHOR: protection
/// Machine code for `return 42` on this processor, or None if the lesson has none.
#[cfg(target_arch = "x86_64")]
pub const CODE: Option<&[u8]> = Some(&[0xb8, 42, 0, 0, 0, 0xc3]); // mov eax, 42; ret
/// Machine code for `return 42` on this processor, or None if the lesson has none.
#[cfg(target_arch = "aarch64")]
pub const CODE: Option<&[u8]> = Some(&[0x40, 0x05, 0x80, 0x52, 0xc0, 0x03, 0x5f, 0xd6]); // mov w0, #42; ret
/// Machine code for `return 42` on this processor, or None if the lesson has none.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
pub const CODE: Option<&[u8]> = None;

/// Calls the function at the start of `mapping`. Without PROT_EXEC, SIGSEGV kills the process.
///
/// # Safety
/// The mapping begins with [`CODE`], and no process changes the file while it runs.
pub unsafe fn run(mapping: &Mapping) -> i32 {
    // SAFETY: the caller's promise: these bytes are a function that takes nothing, returns an int and accesses no
    // memory.
    let function: extern "C" fn() -> i32 = unsafe { std::mem::transmute(mapping.start) };
    function()
}

/// An access to a mapping, tried in a child.
#[derive(Debug)]
pub struct ForbiddenAccess {
    /// The protection and the access.
    pub what: Text,
    /// How the child ended.
    pub ended: Ended,
    /// If the access faulted: the address of the fault, in bytes from the start of the mapping.
    pub offset: Option<isize>,
}

/// What each protection forbids, tried in children. `file` must be open for reading and writing.
///
/// PROT_NONE forbids every access; PROT_READ forbids stores; without PROT_EXEC no code is run. A forbidden access
/// raises SIGSEGV with the code SEGV_ACCERR: a page is mapped there, but not for this.
///
/// # Errors
/// Those of the mapping and of the child.
pub fn forbidden_accesses(file: &File) -> io::Result<Vec<ForbiddenAccess>> {
    let try_it = |what, protection, access: fn(&Mapping)| -> io::Result<ForbiddenAccess> {
        let mapping = Mapping::of_file(file, 0, 1, protection, Sharing::Private)?;
        let ended = end_of(|| access(&mapping))?;
        let offset = ended.fault().map(|fault| fault.offset_from(mapping.address()));
        Ok(ForbiddenAccess { what, ended, offset })
    };
    // ANCHOR: forbidden
    let (none, read) = (ProtFlags::PROT_NONE, ProtFlags::PROT_READ);
    let mut attempts = vec![
        try_it(text!("PROT_READ: load", "PROT_READ，读"), read, |m| _ = m.load(0))?,
        try_it(text!("PROT_NONE: load", "PROT_NONE，读"), none, |m| _ = m.load(0))?,
        try_it(text!("PROT_NONE: store", "PROT_NONE，写"), none, |m| m.store(0, 0))?,
        try_it(text!("PROT_READ: store", "PROT_READ，写"), read, |m| m.store(0, 0))?,
    ];
    // ANCHOR_END: forbidden
    if CODE.is_some() {
        // SAFETY: the protection forbids the call, so no instruction from the file is run.
        attempts.push(try_it(text!("PROT_READ: call", "PROT_READ，调用"), read, |m| _ = unsafe { run(m) })?);
    }
    Ok(attempts)
}

/// Writes [`CODE`] to a file in `directory`, maps it with PROT_EXEC and calls it. None on a processor without [`CODE`].
///
/// # Errors
/// EPERM when `directory` is on a file system mounted `noexec`: mmap(2) refuses PROT_EXEC there.
pub fn run_from_file(directory: &Path) -> io::Result<Option<i32>> {
    let Some(code) = CODE else { return Ok(None) };
    let file = tempfile::tempfile_in(directory)?;
    file.write_all_at(code, 0)?;
    let protection = ProtFlags::PROT_READ | ProtFlags::PROT_EXEC;
    let mapping = Mapping::of_file(&file, 0, code.len(), protection, Sharing::Private)?;
    // SAFETY: the mapping begins with CODE, and the file has no name by which another process could open it.
    Ok(Some(unsafe { run(&mapping) }))
}
// ANCHOR_END: protection

// ANCHOR: fixed
/// A ring: the first `length` bytes of `file` twice, one right after the other. What would wrap around at the end of the
/// first copy goes on at the start of the second, which is the same memory: 10 bytes from `length - 4` on are a single
/// range of addresses.
///
/// # Errors
/// Those of mmap(2): EINVAL when `length` is 0 or not in whole pages; ENOMEM when no such range of addresses is free;
/// EACCES when `file` is not open for reading and writing.
// ANCHOR: ring
pub fn ring(file: impl AsFd, length: usize) -> Result<Mapping, Errno> {
    let twice = length.checked_mul(2).ok_or(Errno::ENOMEM)?;
    let reserved = Mapping::anonymous(twice, ProtFlags::PROT_NONE, Sharing::Private)?;
    let size = NonZeroUsize::new(length).ok_or(Errno::EINVAL)?;
    let fixed = MapFlags::MAP_SHARED | MapFlags::MAP_FIXED;
    for place in [reserved.address(), reserved.address() + length] {
        // SAFETY: MAP_FIXED replaces only pages of the reservation, which is ours, and to which nothing refers yet.
        unsafe { mmap(NonZeroUsize::new(place), size, READ_WRITE, fixed, &file, 0) }?;
    }
    Ok(reserved)
}
// ANCHOR_END: ring
// ANCHOR_END: fixed

// ANCHOR: refusals
/// A call of mmap(2) that the kernel refuses.
#[derive(Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What was asked for.
    pub asked: Text,
    /// The kernel's answer.
    pub answer: Result<(), Errno>,
}

/// The calls that mmap(2) refuses, each tried on this kernel, with files in `directory`.
///
/// # Errors
/// Those of creating the files and the child; what mmap(2) returns is in the result.
pub fn refusals(directory: &Path) -> io::Result<Vec<Refusal>> {
    let length = page_size();
    let path = directory.join("refusals");
    let options = |read, write| {
        let mut options = OpenOptions::new();
        options.read(read).write(write).mode(0o600);
        options
    };
    let file = options(true, true).create(true).truncate(true).open(&path)?;
    let only_read = options(true, false).open(&path)?;
    let only_write = options(false, true).open(&path)?;
    std::fs::remove_file(&path)?;
    let directory = File::open(directory)?;
    let (pipe, _other_end) = nix::unistd::pipe()?;

    let ask = |asked, fd: RawFd, offset, length, protection: ProtFlags, flags: MapFlags| Refusal {
        asked,
        answer: mmap_and_munmap(fd, offset, length, protection, flags),
    };
    let (read, shared, private) = (ProtFlags::PROT_READ, MapFlags::MAP_SHARED, MapFlags::MAP_PRIVATE);
    Ok(vec![
        ask(text!("length 0", "长度为 0"), file.as_raw_fd(), 0, 0, read, shared),
        ask(text!("offset 1", "偏移量为 1"), file.as_raw_fd(), 1, length, read, shared),
        ask(
            text!("shared write, O_RDONLY file", "O_RDONLY 的文件，共享可写"),
            only_read.as_raw_fd(),
            0,
            length,
            READ_WRITE,
            shared,
        ),
        ask(
            text!("PROT_READ, O_WRONLY file", "O_WRONLY 的文件，只读"),
            only_write.as_raw_fd(),
            0,
            length,
            read,
            private,
        ),
        ask(text!("a directory", "目录"), directory.as_raw_fd(), 0, length, read, shared),
        ask(text!("a pipe", "管道"), pipe.as_raw_fd(), 0, length, read, shared),
        ask(text!("a bad descriptor, -1", "无效的描述符 -1"), -1, 0, length, read, shared),
        Refusal {
            asked: text!("a length beyond RLIMIT_AS", "超出 RLIMIT_AS 的长度"),
            answer: beyond_the_address_space()?,
        },
    ])
}

/// The bare call, and munmap(2) if it succeeds. It passes any number as a descriptor and 0 as a length to the kernel,
/// which nix's types would not.
///
/// # Errors
/// Those of mmap(2) and munmap(2).
// ANCHOR: bare_call
pub fn mmap_and_munmap(fd: RawFd, offset: i64, length: usize, prot: ProtFlags, flags: MapFlags) -> Result<(), Errno> {
    // SAFETY: without an address hint the kernel picks a free range, so no memory in use is replaced.
    let start = unsafe { libc::mmap(std::ptr::null_mut(), length, prot.bits(), flags.bits(), fd, offset) };
    // Failure is MAP_FAILED, which is (void *) -1. The check for NULL that people write never finds it.
    if start == libc::MAP_FAILED {
        return Err(Errno::last());
    }
    let start = NonNull::new(start).ok_or(Errno::EFAULT)?;
    // SAFETY: the range was mapped just now, and no other code knows of it.
    unsafe { munmap(start, length) }
}
// ANCHOR_END: bare_call

/// Maps a gibibyte in a child whose limit on addresses leaves only 16 MiB.
fn beyond_the_address_space() -> io::Result<Result<(), Errno>> {
    let (child, peer) = Child::fork(|peer| {
        let used = procfs::process::Process::myself().and_then(|p| p.stat()).map_err(io::Error::other)?.vsize;
        let limit = used + (16 << 20);
        setrlimit(Resource::RLIMIT_AS, limit, limit)?;
        let answer = Mapping::anonymous(1 << 30, READ_WRITE, Sharing::Private);
        let errno = answer.err().map_or(0, |errno| errno as i32);
        peer.send(&errno.to_ne_bytes())
    })?;
    let answer = peer.receive()?;
    child.wait()?.success()?;
    let errno = i32::from_ne_bytes(answer.try_into().map_err(|_| io::ErrorKind::InvalidData)?);
    Ok(if errno == 0 { Ok(()) } else { Err(Errno::from_raw(errno)) })
}
// ANCHOR_END: refusals

/// Demonstrates mapping a file: its lines in /proc/self/maps, the notes' store, its lifetime, its protection, the
/// refusals.
///
/// It changes the first four bytes of the file at `path`.
///
/// # Errors
/// Those of the functions above, and of the output.
pub fn demonstrate(out: &mut Narrator, path: &Path) -> io::Result<()> {
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    let directory = out.directory();

    out.part(text!("A file as memory", "把文件当作内存"))?;
    let length = length_for_digits(&file)?;
    out.tell(text!(
        "mmap(NULL, the file's length, PROT_READ|PROT_WRITE, MAP_SHARED, fd, 0)",
        "mmap(NULL, 文件长度, PROT_READ|PROT_WRITE, MAP_SHARED, fd, 0)"
    ))?;
    let mapping = Mapping::of_file(&file, 0, length, READ_WRITE, Sharing::Shared)?;
    out.maps(&maps_of(mapping.range())?)?;
    let mut seen = vec![0; length.min(12)];
    mapping.read(0, &mut seen);
    out.evidence(text!("loads from the mapping", "通过映射读取"), hex(&seen))?;
    file.read_exact_at(&mut seen, 0)?;
    out.evidence(text!("pread(2) of the file", "用 pread(2) 读文件"), hex(&seen))?;
    out.shows(text!(
        "one line in maps; the same bytes either way, and the loads needed no read(2).",
        "maps 中多了一行；两种读法得到同样的字节，而通过映射读取用不着 read(2)。"
    ))?;

    out.part(text!("The notes' program: p[0] = 0x31323334", "笔记里的程序：p[0] = 0x31323334"))?;
    store_4321(path)?;
    file.read_exact_at(&mut seen, 0)?;
    out.evidence(text!("pread(2) of the file", "用 pread(2) 读文件"), hex(&seen))?;
    mapping.read(0, &mut seen);
    out.evidence(text!("the mapping from above", "通过上面的映射读取"), hex(&seen))?;
    let text = String::from_utf8_lossy(&DIGITS.to_ne_bytes()).into_owned();
    let Text { en, zh } = least_or_most();
    out.shows(text!(
        "the file begins with {text}: this machine puts the {en} significant byte first.",
        "文件以 {text} 开头：这台机器把{zh}有效字节放在最前面。"
    ))?;

    out.part(text!("How long it lives", "映射能存在多久"))?;
    out.tell(text!("close(fd), then a load through the mapping", "先 close(fd)，再通过映射读取"))?;
    drop(file);
    out.evidence(text!("byte 0", "偏移量 0 处的字节"), format!("{:?}", char::from(mapping.load(0))))?;
    out.shows(text!("the mapping holds a reference of its own to the file.", "映射自己持有对文件的引用。"))?;
    out.tell(text!("munmap, then a load from the same address, in a child", "在子进程里先 munmap(2)，再读同一个地址"))?;
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    out.evidence(text!("the child was", "子进程"), load_after_munmap(&file)?.in_words())?;
    let range = mapping.range();
    mapping.unmap()?;
    out.tell(text!("munmap here, too", "在这个进程里也 munmap(2)"))?;
    out.maps(&maps_of(range)?)?;
    out.shows(text!(
        "nothing is mapped there any more, and an access raises SIGSEGV with the code SEGV_MAPERR.",
        "那里不再映射任何东西，访问它会引发 SIGSEGV，信号代码为 SEGV_MAPERR。"
    ))?;
    out.tell(text!(
        "a child maps a memfd (a file in memory) shared, stores 'K' and is killed with SIGKILL",
        "子进程以共享方式映射一个 memfd（内存中的文件），写入 'K'，然后被 SIGKILL 杀死"
    ))?;
    let killed = ends_with_its_process()?;
    out.evidence(text!("F_SEAL_WRITE while it lives", "它活着时，F_SEAL_WRITE"), answer(&killed.seal_before))?;
    out.evidence(text!("F_SEAL_WRITE after its end", "它结束后，F_SEAL_WRITE"), answer(&killed.seal_after))?;
    out.evidence(text!("the byte in the file", "文件里的字节"), format!("{:?}", char::from(killed.byte)))?;
    out.shows(text!(
        "the kernel removed the mapping with the process; the store stays in the file.",
        "进程结束时，内核也解除了它的映射；写入的内容留在文件里。"
    ))?;

    out.part(text!("What the protection forbids", "保护属性禁止哪些访问"))?;
    for attempt in forbidden_accesses(&file)? {
        out.evidence(attempt.what, attempt.ended.in_words())?;
    }
    let called = match run_from_file(&directory) {
        Ok(Some(number)) => text!("returned {number}", "返回 {number}"),
        Ok(None) => text!("skipped: no code for this processor", "跳过：没有这种处理器的机器码"),
        Err(error) => {
            let Text { en, zh } = in_words(&error);
            text!("skipped: {en}", "跳过：{zh}")
        }
    };
    out.evidence(text!("PROT_READ|PROT_EXEC: call", "PROT_READ|PROT_EXEC，调用"), called)?;
    out.shows(text!(
        "a forbidden access has the code SEGV_ACCERR: a page is mapped, but not for this.",
        "被禁止的访问，信号代码是 SEGV_ACCERR：那里映射着页，只是不允许这样访问。"
    ))?;

    out.part(text!("Addresses that are reserved", "预留的地址"))?;
    out.tell(text!("mmap(2) of two pages of addresses with PROT_NONE", "带 PROT_NONE 的 mmap(2) 预留两页地址"))?;
    let reserved = Mapping::anonymous(2 * page_size(), ProtFlags::PROT_NONE, Sharing::Private)?;
    out.maps(&maps_of(reserved.range())?)?;
    drop(reserved);
    out.tell(text!(
        "two pages again, and then MAP_FIXED puts the only page of a file over each",
        "再预留两页，然后用 MAP_FIXED 把同一个单页文件先后映射到这两页上"
    ))?;
    let path = directory.join("one-page");
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&path)?;
    file.set_len(page_size_u64())?;
    let ring = ring(&file, page_size())?;
    out.maps(&maps_of(ring.range())?)?;
    std::fs::remove_file(path)?;
    out.tell(text!(
        "a store of \"0123456789\" that begins 4 bytes before the end of the first page",
        "从第一页倒数第 4 个字节起，写入“0123456789”"
    ))?;
    ring.write(page_size() - 4, b"0123456789");
    let mut ends = [0; 10];
    let (first, last) = ends.split_at_mut(6);
    file.read_exact_at(first, 0)?;
    file.read_exact_at(last, page_size_u64() - 4)?;
    out.evidence(text!("the file's first 6 bytes", "文件开头 6 个字节"), hex(first))?;
    out.evidence(text!("the file's last 4 bytes", "文件末尾 4 个字节"), hex(last))?;
    out.shows(text!(
        "both mappings show the same page, so the end of the file is followed by its beginning.",
        "两个映射显示的是同一页，所以文件末尾的后面紧接着就是文件开头。"
    ))?;

    out.part(text!("What mmap(2) refuses", "mmap(2) 拒绝哪些请求"))?;
    for refusal in refusals(&directory)? {
        out.evidence(refusal.asked, answer(&refusal.answer))?;
    }
    out.shows(text!(
        "each refusal has its errno; check for MAP_FAILED, not for NULL.",
        "每种拒绝都有自己的 errno；要检查的是 MAP_FAILED，而不是 NULL。"
    ))
}

fn least_or_most() -> Text {
    if cfg!(target_endian = "little") { Text::fixed("least", "最低") } else { Text::fixed("most", "最高") }
}
