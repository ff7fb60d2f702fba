//! What each call promises about the bytes that were stored to a mapping, and what is seen of it.
//!
//! There are two witnesses, and each sees a part. [`asked_by`] lets a process call on a disk that is a process
//! ([`super::disk`]), and shows what the disk is asked: there FSYNC is the request that makes safe what was written, and WRITE
//! alone isn't. [`dirty_after`] lets it call on any file system, and counts the pages that are dirty afterwards; munmap(2),
//! close(2) and the end of a process leave them as they are. On FUSE these three write, so for them the first is no witness.
//!
//! Neither says when a page is written for which nobody has called: the kernel decides that, and the order, too. So a dirty
//! page may be clean a moment later, and a clean page is on the disk only if one of the promises says so.

use std::fmt;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::path::Path;

use nix::errno::Errno;
use nix::libc;
use nix::sys::mman::{MsFlags, ProtFlags};
use nix::unistd::{close, fdatasync, fsync};
use serde::{Deserialize, Serialize};

use super::disk::{Asked, FILE, OLD, PAGES, on_a_disk};
use super::{dirty_pages, flush};
use crate::lesson_2::{Mapping, READ_WRITE, Sharing};
use crate::lesson_7::{AccessKind, touch};
use crate::narrate::{Narrator, answer};
use crate::observe::page_size;
use crate::process::Child;
use crate::text;
use crate::text::Text;

/// What a system call answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer(i32);

impl Answer {
    /// Success.
    pub const OK: Answer = Answer(0);
}

impl From<Errno> for Answer {
    fn from(errno: Errno) -> Answer {
        Answer(errno as i32)
    }
}

impl From<Result<(), Errno>> for Answer {
    fn from(answer: Result<(), Errno>) -> Answer {
        answer.map_or_else(Answer::from, |()| Answer::OK)
    }
}

/// `ok`, or the name of the errno.
impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Answer(errno) = *self;
        f.write_str(&answer(&if errno == 0 { Ok(()) } else { Err(Errno::from_raw(errno)) }))
    }
}

// ANCHOR: calls
/// What a process does after it has stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// Nothing.
    Nothing,
    /// msync(2) of all pages with MS_ASYNC.
    MsyncAsync,
    /// msync(2) of all pages with MS_INVALIDATE.
    MsyncInvalidate,
    /// msync(2) of a page that nothing was stored to, with MS_SYNC.
    MsyncOther,
    /// msync(2) of all pages with MS_SYNC.
    Msync,
    /// sync_file_range(2) of the whole file: begin to write, and wait until it is written.
    SyncFileRange,
    /// fdatasync(2).
    Fdatasync,
    /// fsync(2).
    Fsync,
    /// munmap(2). The descriptor stays open.
    Munmap,
    /// close(2). The mapping stays.
    Close,
    /// _exit(2), with the mapping and the descriptor.
    Exit,
}

impl Call {
    /// All of them.
    pub const ALL: [Call; 11] = [
        Call::Nothing,
        Call::MsyncAsync,
        Call::MsyncInvalidate,
        Call::MsyncOther,
        Call::Msync,
        Call::SyncFileRange,
        Call::Fdatasync,
        Call::Fsync,
        Call::Munmap,
        Call::Close,
        Call::Exit,
    ];

    /// What it is called.
    pub fn name(self) -> Text {
        match self {
            Call::Nothing => Text::fixed("no call", "什么都不调用"),
            Call::MsyncAsync => Text::fixed("msync, MS_ASYNC", "msync，MS_ASYNC"),
            Call::MsyncInvalidate => Text::fixed("msync, MS_INVALIDATE", "msync，MS_INVALIDATE"),
            Call::MsyncOther => Text::fixed("msync of page 1, MS_SYNC", "msync 第 1 页，MS_SYNC"),
            Call::Msync => Text::fixed("msync, MS_SYNC", "msync，MS_SYNC"),
            Call::SyncFileRange => Text::fixed("sync_file_range", "sync_file_range"),
            Call::Fdatasync => Text::fixed("fdatasync", "fdatasync"),
            Call::Fsync => Text::fixed("fsync", "fsync"),
            Call::Munmap => Text::fixed("munmap", "munmap"),
            Call::Close => Text::fixed("close", "close"),
            Call::Exit => Text::fixed("exit", "exit"),
        }
    }

    /// What it promises of the bytes that were stored.
    pub fn promise(self) -> Text {
        match self {
            Call::Nothing | Call::Munmap | Call::Close | Call::Exit => Text::fixed("nothing", "什么也不保证"),
            Call::MsyncAsync => Text::fixed(
                "POSIX: writing is begun or queued; Linux since 2.6.19: nothing",
                "POSIX：开始写出，或排队等待写出；Linux 自 2.6.19 起：什么也不做",
            ),
            Call::MsyncInvalidate => Text::fixed(
                "POSIX: other copies in memory follow the file; Linux: there are none",
                "POSIX：内存里的其他副本与文件一致；Linux：本来就没有别的副本",
            ),
            Call::MsyncOther => Text::fixed(
                "page 1 is on the disk; of pages 0 and 3 nothing",
                "第 1 页在磁盘上；对第 0 页和第 3 页什么也不保证",
            ),
            Call::Msync => Text::fixed("these pages are on the disk", "这些页在磁盘上"),
            Call::SyncFileRange => Text::fixed(
                "Linux only: the disk was sent the pages; it may lose them",
                "仅 Linux：页已送到磁盘；断电仍可能丢失",
            ),
            Call::Fdatasync => Text::fixed("the file's data is on the disk, and its size", "文件的数据和大小在磁盘上"),
            Call::Fsync => Text::fixed(
                "the file's data and all its metadata; not its name in the directory",
                "文件的数据和全部属性在磁盘上；目录里的文件名不算",
            ),
        }
    }

    /// Makes the call.
    pub(super) fn make(self, held: &mut Held) -> Result<(), Errno> {
        let all = 0..PAGES * page_size();
        match self {
            Call::Nothing => Ok(()),
            Call::MsyncAsync => flush(held.mapping()?, all, MsFlags::MS_ASYNC),
            Call::MsyncInvalidate => flush(held.mapping()?, all, MsFlags::MS_INVALIDATE),
            Call::MsyncOther => flush(held.mapping()?, page_size()..2 * page_size(), MsFlags::MS_SYNC),
            Call::Msync => flush(held.mapping()?, all, MsFlags::MS_SYNC),
            Call::SyncFileRange => sync_file_range(held.file()?),
            Call::Fdatasync => fdatasync(held.file()?),
            Call::Fsync => fsync(held.file()?),
            Call::Munmap => held.mapping.take().map_or(Err(Errno::EINVAL), Mapping::unmap),
            Call::Close => held.file.take().map_or(Err(Errno::EBADF), close),
            // SAFETY: _exit(2) runs no code of this program.
            Call::Exit => unsafe { libc::_exit(0) },
        }
    }
}

/// What a process has of a file, until it gives it up.
pub(super) struct Held {
    mapping: Option<Mapping>,
    file: Option<File>,
}

impl Held {
    /// Opens the file, and maps its pages.
    pub(super) fn open(path: &Path) -> io::Result<Held> {
        let file = File::options().read(true).write(true).open(path)?;
        let mapping = Mapping::of_file(&file, 0, PAGES * page_size(), READ_WRITE, Sharing::Shared)?;
        Ok(Held { mapping: Some(mapping), file: Some(file) })
    }

    pub(super) fn mapping(&self) -> Result<&Mapping, Errno> {
        self.mapping.as_ref().ok_or(Errno::EINVAL)
    }

    fn file(&self) -> Result<&File, Errno> {
        self.file.as_ref().ok_or(Errno::EBADF)
    }
}
// ANCHOR_END: calls

/// Writes a file's dirty pages, and waits until the disk has taken them.
fn sync_file_range(file: &File) -> Result<(), Errno> {
    let flags = libc::SYNC_FILE_RANGE_WAIT_BEFORE | libc::SYNC_FILE_RANGE_WRITE | libc::SYNC_FILE_RANGE_WAIT_AFTER;
    // SAFETY: the call gets numbers only, and an open descriptor. A length of 0 is up to the end.
    Errno::result(unsafe { libc::sync_file_range(file.as_raw_fd(), 0, 0, flags) }).map(drop)
}

// ANCHOR: after
/// The pages that are stored to: the first and the last.
pub const STORED: [usize; 2] = [0, PAGES - 1];

/// What is stored.
pub const NEW: u8 = b'n';

/// A process of its own maps the file, stores to two pages and makes the call. Returns what `look` says after the call, while
/// the process still has what the call has left it. `look` was asked before the call, too.
fn after<T>(call: Call, path: &Path, look: impl Fn() -> io::Result<T>) -> io::Result<T> {
    let (child, peer) = Child::fork(|peer| {
        let mut held = Held::open(path)?;
        STORED.iter().try_for_each(|page| held.mapping().map(|mapping| mapping.store(page * page_size(), NEW)))?;
        peer.give_turn()?;
        peer.await_turn()?;
        call.make(&mut held)?;
        peer.give_turn()?;
        peer.await_turn()
    })?;
    peer.await_turn()?;
    look()?;
    peer.give_turn()?;
    if call == Call::Exit {
        child.wait()?.success()?;
        return look();
    }
    peer.await_turn()?;
    let seen = look()?;
    peer.give_turn()?;
    child.wait()?.success()?;
    Ok(seen)
}
// ANCHOR_END: after

// ANCHOR: asked_by
/// What a disk that is a process is asked by each of these calls. The inner `Err` says why this machine has no such disk.
///
/// # Errors
/// Those of the disk, and of the calls.
pub fn asked_by(calls: &[Call]) -> io::Result<Result<Vec<Vec<Asked>>, String>> {
    on_a_disk(|disk| calls.iter().map(|call| after(*call, &disk.path(FILE), || disk.take_log())).collect())
}
// ANCHOR_END: asked_by

// ANCHOR: dirty_after
/// The pages of this file that are dirty after the call. It has [`PAGES`] pages.
///
/// They are counted through a mapping of the caller's own, which is there whatever the other process gives up.
///
/// # Errors
/// Those of the calls, and when /proc can't be read.
pub fn dirty_after(call: Call, file: &File) -> io::Result<usize> {
    file.sync_all()?;
    let mapping = Mapping::of_file(file, 0, PAGES * page_size(), ProtFlags::PROT_READ, Sharing::Shared)?;
    // Also where the file has no name.
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    after(call, Path::new(&path), || {
        // Only pages that this process has an entry for are in its smaps.
        touch(&mapping, &[0, 1, 2, 3], AccessKind::Load);
        dirty_pages(&mapping)
    })
}
// ANCHOR_END: dirty_after

/// Shows what each call promises, and what the two witnesses say.
///
/// # Errors
/// Those of the functions above, and when the output can't be written.
pub fn show(out: &mut Narrator) -> io::Result<()> {
    out.part(text!("What each call promises", "每个调用保证什么"))?;
    let file = tempfile::tempfile_in(out.directory())?;
    // Page by page, or the kernel may take them together as one folio, which is dirty as a whole.
    (0..PAGES).try_for_each(|page| file.write_all_at(&vec![OLD; page_size()], (page * page_size()) as u64))?;
    let (first, last) = (STORED[0], STORED[1]);
    out.tell(text!(
        "a process stores to pages {first} and {last} of a file, and makes one call",
        "一个进程往文件的第 {first} 页和第 {last} 页写入，然后做一次调用"
    ))?;
    let asked = asked_by(&Call::ALL)?;
    let there_is = out.varying(text!("answer", "回答"), asked.as_ref().err().map_or("ok", |reason| reason));
    out.evidence(text!("a disk that is a process", "由进程充当的磁盘"), there_is)?;
    for (n, call) in Call::ALL.into_iter().enumerate() {
        out.evidence(call.name(), call.promise())?;
        let log = asked.as_ref().map_or_else(|_| "?".to_owned(), |logs| in_words(out, call, &logs[n]));
        let dirty = out.varying("n", dirty_after(call, &file)?);
        let only = match call {
            Call::Munmap | Call::Close | Call::Exit => text!(" (as FUSE does)", "（FUSE 才这样）"),
            _ => Text::fixed("", ""),
        };
        out.evidence(
            text!("  dirty here; asked there", "  本地脏页；对磁盘的请求"),
            text!("{dirty}; {log}{only}", "{dirty}；{log}{only}"; only),
        )?;
    }
    out.tell(text!(
        "- where it is asked nothing, ? where there is none; on tmpfs every page is always dirty",
        "没有请求时写作 -，没有这样的磁盘时写作 ?；在 tmpfs 上，页总是脏的"
    ))?;
    out.shows(text!(
        "WRITE alone makes nothing safe; FSYNC does, and only msync with MS_SYNC, fdatasync and fsync ask for it.",
        "只有 WRITE 还不安全，有 FSYNC 才算数；只有带 MS_SYNC 的 msync、fdatasync 和 fsync 会发出 FSYNC。"
    ))
}

/// What was asked. When a page is written is the kernel's choice, and so is all that the sync of another page brings with it.
fn in_words(out: &Narrator, call: Call, log: &[Asked]) -> String {
    let (certain, chosen): (Vec<Asked>, Vec<_>) = log
        .iter()
        .partition(|asked| call != Call::MsyncOther && matches!(asked, Asked::Fsync | Asked::Fdatasync | Asked::Flush));
    let listed = |log: &[Asked]| log.iter().map(Asked::to_string).collect::<Vec<_>>().join(", ");
    let chosen = match (chosen.is_empty(), certain.is_empty()) {
        (true, true) => "-".to_owned(),
        _ => listed(&chosen),
    };
    let all = [out.varying(text!("writes", "写入"), chosen), listed(&certain)];
    all.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}
