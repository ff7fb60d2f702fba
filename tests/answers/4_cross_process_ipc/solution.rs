//! # Exercise 4: an answer
//!
//! Each of them takes effect in one moment: a compare-and-swap, a link(2), a lock that the kernel grants, the store
//! of a number. Before that moment nothing has happened for the other processes, after it everything has. So it does
//! not matter where a process is stopped or dies.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::atomic::Ordering;

use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use mmap_workbook::observe::{page_size, page_size_u64};
use mmap_workbook::words::fence;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl, posix_fallocate};
use nix::libc;

/// `fetch_add` alone would exceed the limit and have to go back, and others would see that. `fetch_update` compares and
/// swaps: it increments the counter only if it still has the value that was loaded. It fails only if another process
/// has succeeded. Relaxed: nothing but the number itself passes between the processes.
pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
    let next = |taken| if taken < limit { Some(taken + 1) } else { None };
    page.long_word(at).fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).ok()
}

/// Whoever comes too late to sleep is told so: the kernel compares the bell with the count that was loaded, and lets the
/// process sleep only if they are equal. It returns for many reasons, so the bell itself is looked at each time. Acquire,
/// which is more than the contract asks: what was stored before the last ring is seen by what follows this call.
pub fn wait_for_rings(page: &Mapping, at: usize, rings: u32) {
    let bell = page.word(at);
    loop {
        let heard = bell.load(Ordering::Acquire);
        if heard >= rings {
            return;
        }
        let no_limit = std::ptr::null::<libc::timespec>();
        // SAFETY: the address is mapped for as long as `page` is borrowed; the kernel only loads the word there.
        let slept = unsafe { libc::syscall(libc::SYS_futex, bell.as_ptr(), libc::FUTEX_WAIT, heard, no_limit) };
        match Errno::result(slept) {
            Ok(_) | Err(Errno::EAGAIN | Errno::EINTR) => {}
            Err(errno) => panic!("futex(2): {errno}"),
        }
    }
}

/// A record lock of fcntl(2) belongs to the process, is not inherited by fork(2), and is released by the kernel when
/// the process ends; F_GETLK returns its owner. (flock(2) and OFD locks belong to the open file description, which a
/// child inherits: a child would keep them. A process id in the file would stay there after a kill -9, and may be that
/// of another process by now.) One trap remains: closing any descriptor of the file releases the lock.
pub fn claim(file: &File) -> io::Result<i32> {
    let mut whole = libc::flock {
        l_type: i16::try_from(libc::F_WRLCK).map_err(io::Error::other)?,
        l_whence: i16::try_from(libc::SEEK_SET).map_err(io::Error::other)?,
        l_start: 0,
        l_len: 0, // up to the end, wherever it is
        l_pid: 0,
    };
    loop {
        match fcntl(file, FcntlArg::F_SETLK(&whole)) {
            Ok(_) => return Ok(std::process::id().cast_signed()),
            Err(Errno::EACCES | Errno::EAGAIN) => {}
            Err(errno) => return Err(errno.into()),
        }
        let asked = whole.l_type;
        // SAFETY: fcntl(2) with F_GETLK reads and writes the flock, which lives through the call.
        Errno::result(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_GETLK, &raw mut whole) })?;
        if i32::from(whole.l_type) != libc::F_UNLCK {
            return Ok(whole.l_pid);
        }
        // The owner has died between the two calls.
        whole.l_type = asked;
    }
}

/// The file is completed under a name that no other process knows. Then link(2) gives it its own name, and fails if
/// that is taken: rename(2) would replace another process's file, which would be left without a name. The loser opens
/// the winner's file. (tempfile finds a free name and removes it on every path; `persist_noclobber` is the link.
/// `NamedTempFile::new_in` would do as well.)
pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
    if let Some(mapping) = open_whole(path)? {
        return Ok(mapping);
    }
    let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let create = |path: &Path| OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path);
    let file = tempfile::Builder::new().make_in(directory, create)?;
    // The blocks are reserved: set_len would leave a hole, and on a full disk the first store would be a SIGBUS.
    posix_fallocate(file.as_file(), 0, page_size().try_into().map_err(io::Error::other)?)?;
    let mapping = Mapping::of_file(file.as_file(), 0, page_size(), READ_WRITE, Sharing::Shared)?;
    init(&mapping);
    match file.persist_noclobber(path) {
        Ok(_) => Ok(mapping),
        // ENOENT now: another process's file was removed since, or it is a symbolic link that leads nowhere.
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
            open_whole(path)?.ok_or_else(|| Errno::ENOENT.into())
        }
        Err(error) => Err(error.error),
    }
}

fn open_whole(path: &Path) -> io::Result<Option<Mapping>> {
    let file = match OpenOptions::new().read(true).write(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    if file.metadata()?.len() != page_size_u64() {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the file is not exactly one page long"));
    }
    Ok(Some(Mapping::of_file(&file, 0, page_size(), READ_WRITE, Sharing::Shared)?))
}

/// The number of the latest value, from 1 on; 0 before the first.
const CURRENT: usize = 0;
/// Where the values are, by turns: in each slot the value's number, then the value. Each has its own cache lines.
const SLOTS: [usize; 2] = [128, 256];
const VALUE: usize = 8;

/// Two slots: the latest value is in the one with the parity of its number, and the next value is written to the other,
/// where no reader needs to look. Meanwhile that slot's number is 0, so a reader that is still there from the last turn
/// notices. The value is published when CURRENT has its number. A writer that dies before that has written to a slot
/// that no reader looks at, and the next writer writes to it again.
///
/// The orderings: a reader that sees the slot's number or CURRENT (Acquire) sees the value that was stored before
/// (Release). The fence keeps the value's stores after the store of 0.
pub fn publish(cell: &Mapping, value: [u64; 4]) {
    let next = cell.long_word(CURRENT).load(Ordering::Relaxed) + 1;
    let slot = SLOTS[usize::from(next % 2 == 1)];
    cell.long_word(slot).store(0, Ordering::Relaxed);
    fence(Ordering::Release);
    for (n, word) in value.into_iter().enumerate() {
        cell.long_word(slot + VALUE + 8 * n).store(word, Ordering::Relaxed);
    }
    cell.long_word(slot).store(next, Ordering::Release);
    cell.long_word(CURRENT).store(next, Ordering::Release);
}

/// If the slot has the wanted number both before and after its value was loaded, no writer has stored there in between.
/// If not, the writer has reached the slot again, so there is a newer value to look for; a writer that is stopped can't
/// cause that. The fence keeps the value's loads before the second load of the number.
pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
    loop {
        let current = cell.long_word(CURRENT).load(Ordering::Acquire);
        if current == 0 {
            return None;
        }
        let slot = SLOTS[usize::from(current % 2 == 1)];
        let before = cell.long_word(slot).load(Ordering::Acquire);
        let value = [0, 1, 2, 3].map(|n| cell.long_word(slot + VALUE + 8 * n).load(Ordering::Relaxed));
        fence(Ordering::Acquire);
        let after = cell.long_word(slot).load(Ordering::Relaxed);
        if (before, after) == (current, current) {
            return Some(value);
        }
    }
}
