//! # Exercise 4: an answer
//!
//! Each of the five has one moment that counts: a compare-and-swap, a link(2), a lock that the kernel grants, the store of a
//! number. Before that moment nothing has happened for the others, after it everything has. So it doesn't matter where a
//! process stands still or dies.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::sync::atomic::{Ordering, fence};

use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use mmap_workbook::observe::{page_size, page_size_u64};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

/// `fetch_add` alone would go beyond the limit and have to come back, and others would see it there. `fetch_update` compares and
/// swaps: the counter is raised only if it still is what was looked at. A process that fails has seen another one succeed.
/// Relaxed: nothing but the number itself is handed over.
pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
    let next = |taken| if taken < limit { Some(taken + 1) } else { None };
    page.long_word(at).fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).ok()
}

/// The file is made whole under a name that nobody knows, and then gets its own by link(2), which fails where the name is taken:
/// rename(2) would replace what another process has put there, and leave it with a file that has no name. The loser takes the
/// winner's file. (tempfile makes such a file with mode 0600, removes its name on each way out, and `persist_noclobber` is the
/// link.)
pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
    if let Some(mapping) = open_whole(path)? {
        return Ok(mapping);
    }
    let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let file = tempfile::NamedTempFile::new_in(directory)?;
    file.as_file().set_len(page_size_u64())?;
    let mapping = Mapping::of_file(&file, 0, page_size(), READ_WRITE, Sharing::Shared)?;
    init(&mapping);
    match file.persist_noclobber(path) {
        Ok(_) => Ok(mapping),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
            open_whole(path)?.ok_or_else(|| io::ErrorKind::NotFound.into())
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
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it has not exactly one page"));
    }
    Ok(Some(Mapping::of_file(&file, 0, page_size(), READ_WRITE, Sharing::Shared)?))
}

/// A record lock of fcntl(2): it belongs to the process, is not inherited by fork(2), and ends with the process, which the kernel
/// sees to; and F_GETLK says who has it. (flock(2) and open file description locks belong to what a child inherits: a child would
/// keep them. A process id in the file would stay there after a kill -9, and may be somebody else's by now.) One trap remains: closing
/// any descriptor of the file lets go of the lock.
pub fn claim(file: &File) -> io::Result<i32> {
    let mut whole = libc::flock {
        l_type: i16::try_from(libc::F_WRLCK).map_err(io::Error::other)?,
        l_whence: i16::try_from(libc::SEEK_SET).map_err(io::Error::other)?,
        l_start: 0,
        l_len: 0, // up to the end, wherever that is
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
        // It has died between the two calls.
        whole.l_type = asked;
    }
}

/// The number of the latest value, from 1 on; 0 before the first.
const CURRENT: usize = 0;
/// Where the values are, turn by turn: in each the value's number, then the value. Each in cache lines of its own.
const SLOTS: [usize; 2] = [128, 256];
const VALUE: usize = 8;

/// Two slots: the latest value stands in the one with the parity of its number, and the next one is written to the other, where
/// nobody has a reason to read. While that goes on, its number is 0, so that a reader who has been there since the last turn finds out. The
/// value exists when CURRENT has its number. A writer that died before that has written to a slot that nobody looks at, and the next
/// one writes to it again.
///
/// The orderings: whoever sees the slot's number or CURRENT (Acquire) sees the value that was stored before (Release). The fence keeps the
/// value's stores behind the store of 0.
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

/// The slot has the number that was looked for before and after its value was loaded: then nobody has written there in between. If not,
/// the writer has come round, so that there is a newer value to look for; it is never one that stands still. The fence keeps the value's
/// loads before the second look.
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

#[cfg(test)]
#[path = "../../../lessons/4_cross_process_ipc/checks/mod.rs"]
mod checks;
