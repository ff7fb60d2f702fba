//! The answer to exercise 6.
//!
//! There are two moments at which a program can guard against a bus error, and the functions use both. Before the
//! mapping: know what it will show ([`parts`]), ask what kind of file it is ([`sum_of`]), reserve the blocks ([`put`]).
//! After the fault: map something where the instruction faulted, so that it can go on ([`zeros_over`], [`survive`]).
//! Between the two nothing helps: a size that was checked is old when the access comes, and only the fault itself
//! notices a page that was missing for a moment.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::mem::MaybeUninit;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::ptr::{self, null, null_mut};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};

use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use mmap_workbook::lesson_6::{GuardError, Guarded};
use mmap_workbook::observe::{page_size, page_size_u64};
use nix::errno::Errno;
use nix::fcntl::posix_fallocate;
use nix::libc;
use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous};
use nix::sys::signal::{SigSet, Signal};

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

/// Two lengths count, both in pages: that of the mapping and that of the file from `offset` on. `length` itself is not
/// a boundary of anything, so it is rounded up first and not used again.
///
/// The file's length from `offset` on may not fit in a `usize`; cut to the mapping's length, it fits. Cutting first and
/// rounding later avoids `file_size + page - 1`, which overflows close to `u64::MAX`.
///
/// # Errors
/// EINVAL and ENOMEM as mmap(2).
pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
    let page = page_size();
    if length == 0 || !offset.is_multiple_of(page_size_u64()) {
        return Err(Errno::EINVAL);
    }
    let mapped = length.checked_next_multiple_of(page).ok_or(Errno::ENOMEM)?;
    // An offset at or past the end: no bytes of the file. If the file's part does not fit in a usize, it is longer than
    // any mapping.
    let of_file = usize::try_from(file_size.saturating_sub(offset)).unwrap_or(usize::MAX).min(mapped);
    // `of_file` is at most `mapped`, which is a multiple: rounding up stays within it and can't overflow.
    let in_pages = of_file.next_multiple_of(page);
    Ok(Parts { file: 0..of_file, rest: of_file..in_pages, no_page: in_pages..mapped })
}

/// One buffer for all blocks, on the stack, and an error leaves by `?`. It has been in the array only as far as `part`:
/// what the block before has left in the rest doesn't count again.
///
/// # Errors
/// Those of [`Guarded::read`].
pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
    let mut buffer = [0; 16 << 10];
    let mut count = 0;
    for start in range.clone().step_by(buffer.len()) {
        let length = buffer.len().min(range.end - start);
        let part = &mut buffer[..length];
        guarded.read(start, part)?;
        count += part.iter().filter(|&&other| other == byte).count();
    }
    Ok(count)
}

/// Opens with O_NONBLOCK, since open(2) of a FIFO otherwise waits for a writer, and only then asks what kind of file it
/// is: between a check of the path and open(2) another process could put a FIFO there. O_NOCTTY keeps a terminal from
/// becoming the controlling terminal. Neither has an effect on a regular file.
///
/// The size is used only as the length of the mapping. Only read(2) tells whether there is something to read.
///
/// # Errors
/// Those of open(2), mmap(2) and read(2); EISDIR for a directory, EINVAL for what is no regular file.
pub fn sum_of(path: &Path) -> io::Result<u64> {
    let mut file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(Errno::EISDIR.into());
    }
    if !metadata.is_file() {
        return Err(Errno::EINVAL.into());
    }
    let size = usize::try_from(metadata.len()).map_err(|_| Errno::ENOMEM)?;
    // A length of 0 would be EINVAL, which can have other causes, too: better not to call mmap(2) then.
    if size > 0 {
        match Mapping::of_file(&file, 0, size, ProtFlags::PROT_READ, Sharing::Shared) {
            // Up to the size and not to the end of the page: another process may have stored past the end of the file.
            Ok(mapping) => return Ok((0..size).map(|at| u64::from(mapping.load(at))).sum()),
            // The file system does not support mapping.
            Err(Errno::ENODEV) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    let mut sum = 0;
    let mut buffer = [0; 8192];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(sum),
            Ok(count) => sum += buffer[..count].iter().map(|&byte| u64::from(byte)).sum::<u64>(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// posix_fallocate(3) does both: it reserves the missing blocks of the range and makes the file longer. It gets the
/// range alone, and not everything from 0 on: the gap before it stays a hole. ftruncate(2), or a byte written at the
/// end, would only change the size.
///
/// Everything that can fail comes before the first store, the mapping too. If it fails, the size is restored: a file
/// system may have made the file longer before it found the disk full (ext4 does). Blocks that were reserved inside the
/// file read as zeros, as the hole did.
///
/// What a process has stored past the end, in the last page, would become bytes of the file where the file system does
/// not clear it when the file grows (tmpfs). ftruncate(2) to the size that the file has clears it everywhere, and can't
/// meet a full disk, as a store of zeros there could.
///
/// From Linux 5.14 on there is another way: ftruncate(2), mmap(2), and then madvise(2) with MADV_POPULATE_WRITE, which
/// prepares each page for a store, and fails with EFAULT where a store would be SIGBUS.
///
/// # Errors
/// EFBIG, and those of posix_fallocate(3) and mmap(2).
pub fn put(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
    // posix_fallocate(3) would fail with EINVAL for no bytes.
    if bytes.is_empty() {
        return Ok(());
    }
    // An off_t is at most 2^63 - 1: with both numbers and their sum below that, no later conversion can fail.
    let length = i64::try_from(bytes.len()).map_err(|_| Errno::EFBIG)?;
    let start = i64::try_from(offset).map_err(|_| Errno::EFBIG)?;
    start.checked_add(length).ok_or(Errno::EFBIG)?;
    let size = file.metadata()?.len();
    let edge = offset - offset % page_size_u64();
    let skip = usize::try_from(offset - edge).map_err(io::Error::other)?;
    if offset > size {
        file.set_len(size)?;
    }
    let mapping = posix_fallocate(file, start, length)
        .and_then(|()| Mapping::of_file(file, edge, skip + bytes.len(), READ_WRITE, Sharing::Shared));
    match mapping {
        Ok(mapping) => mapping.write(skip, bytes),
        Err(errno) => {
            if file.metadata()?.len() != size {
                file.set_len(size)?;
            }
            return Err(errno.into());
        }
    }
    Ok(())
}

/// MAP_FIXED takes the address as an order, not as a hint, and removes what was there in the same call. The price is
/// that nothing checks it: rounded to the wrong page, it would silently replace other memory. munmap(2) followed by
/// mmap(2) would leave the addresses free in between.
///
/// MAP_PRIVATE | MAP_ANONYMOUS: the page belongs to no file, so it can't be truncated, and no store to it reaches a
/// file. The rest of the mapping does not change.
///
/// # Errors
/// That of mmap(2): ENOMEM where the process has too many areas (an area that loses a page in its middle becomes
/// three).
///
/// # Safety
/// `address` lies in a mapping of the caller, and there is no reference to a byte of its page.
pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
    let page = page_size();
    let flags = MapFlags::MAP_FIXED | MapFlags::MAP_PRIVATE;
    let (start, length) = (NonZeroUsize::new(address - address % page), NonZeroUsize::new(page));
    // SAFETY: by the caller's promise the page is the caller's to replace, and nothing refers to it.
    unsafe { mmap_anonymous(start, length.ok_or(Errno::EINVAL)?, READ_WRITE, flags) }.map(drop)
}

/// Why [`survive`] has no result of its `body`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missed {
    /// An access found no page: the number of that page in the mapping, from 0 on. The first such access counts.
    Page(usize),
    /// mmap(2) or another call failed, or another `survive` is running (EBUSY).
    Call(Errno),
}

/// What the handler needs to know. It gets no argument of ours, so all of it is static. It may interrupt any
/// instruction of any thread, so all of it is atomic: no lock (the interrupted code may hold it), no allocation.
mod guard {
    use super::{AtomicBool, AtomicPtr, AtomicUsize, libc, null_mut};

    /// Whether a `survive` is running.
    pub static BUSY: AtomicBool = AtomicBool::new(false);
    /// The addresses of its mapping: the first, and the one after the last. No address lies in 0..0.
    pub static START: AtomicUsize = AtomicUsize::new(0);
    /// See START.
    pub static END: AtomicUsize = AtomicUsize::new(0);
    /// The address of the first access that found no page, or NOTHING.
    pub static MISSED: AtomicUsize = AtomicUsize::new(NOTHING);
    /// The action that was set before.
    pub static BEFORE: AtomicPtr<libc::sigaction> = AtomicPtr::new(null_mut());

    /// No mapping of a file begins at address 0.
    pub const NOTHING: usize = 0;
}

/// The handler. When it returns, the thread runs the same instruction again: on a page of zeros this time, or under the
/// action from before.
///
/// It does not call the old handler for other signals: the old action may be no handler at all (SIG_DFL), or expect
/// other flags and another mask. Instead it restores the old action, and the fault happens again. A signal that was
/// sent does not come again, so it is raised once more; it is blocked until this handler returns, and then meets the
/// old action. An access for which no page of zeros can be mapped comes again, too, and not for ever. From then on this
/// `survive` has no handler any more: a process that goes on may die of its next missing page, as it would have without
/// `survive`.
extern "C" fn on_bus_error(signal: i32, info: *mut libc::siginfo_t, _context: *mut libc::c_void) {
    // SAFETY: with SA_SIGINFO the kernel passes a siginfo that is valid until the handler returns.
    let info = unsafe { &*info };
    // The code that was interrupted may be about to read it.
    let errno = Errno::last_raw();
    // Only BUS_ADRERR: a page of zeros would not help against a fault for bad alignment, which would come again for
    // ever.
    if info.si_code == libc::BUS_ADRERR {
        // SAFETY: with this code si_addr is filled in.
        let address = unsafe { info.si_addr() }.addr();
        if (guard::START.load(Ordering::Relaxed)..guard::END.load(Ordering::Relaxed)).contains(&address) {
            // The first one counts. An error means that there was one before.
            let (none, this) = (guard::NOTHING, address);
            let _ = guard::MISSED.compare_exchange(none, this, Ordering::Relaxed, Ordering::Relaxed);
            // SAFETY: the page is in the mapping of the `survive` that is running, and a `Mapping` hands out atomics
            // only, whose values may change at any time.
            if unsafe { zeros_over(address) }.is_ok() {
                Errno::set_raw(errno);
                return;
            }
        }
    }
    // SAFETY: BEFORE was set before this handler was, and what it points to is never freed.
    unsafe { libc::sigaction(signal, guard::BEFORE.load(Ordering::Relaxed), null_mut()) };
    if info.si_code <= 0 {
        // SAFETY: raise(3) is async-signal-safe and accesses no memory of ours.
        unsafe { libc::raise(signal) };
    }
    Errno::set_raw(errno);
}

/// The right to be the one `survive` that runs.
struct Turn;

impl Turn {
    fn take() -> Result<Turn, Errno> {
        if guard::BUSY.swap(true, Ordering::Acquire) { Err(Errno::EBUSY) } else { Ok(Turn) }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        guard::BUSY.store(false, Ordering::Release);
    }
}

/// The handler, as long as it is set. Dropped at the end or when the body panics, it restores everything.
struct Handler {
    /// Never freed: when this handler has been removed, another thread may still be in it.
    before: &'static libc::sigaction,
    mask: SigSet,
}

impl Handler {
    fn set(mapping: &Mapping) -> Result<Handler, Errno> {
        let mask = SigSet::thread_get_mask()?;
        let handler = Handler { before: Box::leak(Box::new(exchange(None)?)), mask };
        guard::MISSED.store(guard::NOTHING, Ordering::Relaxed);
        guard::START.store(mapping.range().start, Ordering::Relaxed);
        guard::END.store(mapping.range().end, Ordering::Relaxed);
        guard::BEFORE.store(ptr::from_ref(handler.before).cast_mut(), Ordering::Relaxed);
        // SAFETY: a sigaction is integers, a function pointer that may be null, and an empty set of signals: all zeros.
        let mut ours: libc::sigaction = unsafe { std::mem::zeroed() };
        ours.sa_sigaction = on_bus_error as *const () as usize;
        // SA_ONSTACK: the thread may have little stack left. Without SA_NODEFER a second SIGBUS waits.
        ours.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        // From here on dropping `handler` undoes everything.
        exchange(Some(&ours))?;
        // A fault whose signal is blocked kills, handler or not. Unblocked after the handler is set, because a signal
        // may be waiting.
        SigSet::from(Signal::SIGBUS).thread_unblock()?;
        Ok(handler)
    }
}

impl Drop for Handler {
    fn drop(&mut self) {
        let _ = self.mask.thread_set_mask();
        let _ = exchange(Some(self.before));
        // The handler can't run for this mapping any more: its accesses are over.
        guard::START.store(0, Ordering::Relaxed);
        guard::END.store(0, Ordering::Relaxed);
    }
}

/// sigaction(2) for SIGBUS: sets the action, if there is one to set, and gives the one from before.
fn exchange(action: Option<&libc::sigaction>) -> Result<libc::sigaction, Errno> {
    let mut before = MaybeUninit::uninit();
    let action = action.map_or(null(), ptr::from_ref);
    // SAFETY: `on_bus_error` does only what is async-signal-safe; any other action comes from the kernel.
    Errno::result(unsafe { libc::sigaction(libc::SIGBUS, action, before.as_mut_ptr()) })?;
    // SAFETY: filled in by the call, which has succeeded.
    Ok(unsafe { before.assume_init() })
}

/// The fault is the only witness. The size before `body` says nothing about later, and the size afterwards says nothing
/// about the moment of an access: the file may have been truncated and have grown again in between, and zeros would
/// pass for the file's bytes. So the handler records what it did.
///
/// Wayland's library does the same with the buffers that clients share with it (`wl_shm_buffer_begin_access`): a client
/// that truncates its file is disconnected, and the server goes on. There the zeros cover the whole mapping at once,
/// since none of it is needed any more.
///
/// The three locals are dropped in reverse order, by a return or by a panic: the handler before the mapping that it
/// guards, and the turn last.
///
/// # Errors
/// [`Missed`].
pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
    let _turn = Turn::take().map_err(Missed::Call)?;
    let mapping = Mapping::of_file(file, 0, length, READ_WRITE, Sharing::Shared).map_err(Missed::Call)?;
    let handler = Handler::set(&mapping).map_err(Missed::Call)?;
    let answer = body(&mapping);
    drop(handler);
    match guard::MISSED.load(Ordering::Relaxed) {
        guard::NOTHING => Ok(answer),
        address => Err(Missed::Page((address - mapping.address()) / page_size())),
    }
}
