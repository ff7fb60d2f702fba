//! Errors of write-back: the disk refuses bytes that a program has stored long before.
//!
//! The store has succeeded, for it only changed the page cache. When the kernel writes the page, and the disk refuses, nobody
//! is there to be told but the next one who calls msync(2), fsync(2) or fdatasync(2) (on some file systems, close(2)). Look at
//! [`refused`], on a disk that is a process ([`super::disk`]):
//!
//! - the error is told once for each open file description (Linux 4.13), and the next call succeeds;
//! - the page is clean then: nobody writes it again. A load finds the new bytes for as long as the page is in memory, and the
//!   old ones later;
//! - a descriptor that was open before is told, too; one that is opened later need not be.
//!
//! So the second call is no second try. [`write_again`] takes it for one, and loses the bytes; [`write_or_say`] has a copy of
//! its own, and writes that to another file, or says that it can't.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use nix::errno::Errno;
use nix::sys::mman::{MsFlags, ProtFlags};
use nix::unistd::fsync;
use serde::{Deserialize, Serialize};

use super::disk::{Disk, FILE, OLD, SPARE, on_a_disk};
use super::flush;
use super::promises::{Answer, Call, Held, NEW};
use crate::lesson_2::{Mapping, READ_WRITE, Sharing};
use crate::lesson_7::make_cold;
use crate::narrate::Narrator;
use crate::text;
use crate::text::Text;

// ANCHOR: refused
/// What is found after a disk has refused a page, once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// What the calls have answered, one after the other.
    pub answers: Vec<Answer>,
    /// Two fsync(2), through a descriptor that was open before the store.
    pub opened_before: [Answer; 2],
    /// fsync(2) through a descriptor that was opened after the calls.
    pub opened_later: Answer,
    /// A load, through a new mapping.
    pub loaded: u8,
    /// What the disk has.
    pub on_disk: u8,
    /// A load when the page has left the page cache; None if it stayed there.
    pub loaded_again: Option<u8>,
}

/// Stores a byte, and makes these calls. The disk refuses what it is asked to write during the first, and nothing later. The
/// inner `Err` says why this machine has no such disk.
///
/// # Errors
/// Those of the disk, and of the files.
// ANCHOR: refused_fn
pub fn refused(errno: Errno, calls: &[Call]) -> io::Result<Result<Refused, String>> {
    on_a_disk(|disk| {
        let open = || File::options().read(true).write(true).open(disk.path(FILE));
        let (before, mut held) = (open()?, Held::open(&disk.path(FILE))?);
        held.mapping()?.store(0, NEW);
        disk.refuse(FILE, Some(errno))?;
        let mut answers = Vec::new();
        for call in calls {
            answers.push(call.make(&mut held).into());
            disk.refuse(FILE, None)?;
        }
        drop(held);

        let later = open()?;
        let opened_before = [fsync(&before).into(), fsync(&before).into()];
        let opened_later = fsync(&later).into();
        let load =
            || Mapping::of_file(&later, 0, 1, ProtFlags::PROT_READ, Sharing::Shared).map(|mapping| mapping.load(0));
        Ok(Refused {
            answers,
            opened_before,
            opened_later,
            loaded: load()?,
            on_disk: disk.bytes(FILE, 1)?[0],
            loaded_again: if make_cold(&later)? { Some(load()?) } else { None },
        })
    })
}
// ANCHOR_END: refused_fn
// ANCHOR_END: refused

// ANCHOR: write_again
/// The wrong way: calls msync(2) until it succeeds. Returns how often it has failed.
///
/// # Errors
/// Those of open(2) and mmap(2); of msync(2) when it always fails.
// ANCHOR: write_again_fn
pub fn write_again(bytes: &[u8], path: &Path) -> io::Result<usize> {
    let mapping = map(bytes.len(), path)?;
    mapping.write(0, bytes);
    let mut failed = 0;
    loop {
        match flush(&mapping, 0..bytes.len(), MsFlags::MS_SYNC) {
            Ok(()) => return Ok(failed), // and believes it
            Err(errno) if failed == 10 => return Err(errno.into()),
            Err(_) => failed += 1,
        }
    }
}
// ANCHOR_END: write_again_fn
// ANCHOR_END: write_again

// ANCHOR: write_or_say
/// Where bytes are safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Safe {
    /// In the file.
    There,
    /// In the other file. Of the first, which has answered this, nobody knows what is on the disk.
    Elsewhere(Answer),
}

/// Stores these bytes to the beginning of a file, and returns when they are on a disk. After an error it calls nothing again:
/// the page cache is no copy any more, whatever a load finds there. It writes its own copy to another file, whose contents are
/// replaced.
///
/// # Errors
/// That of the first file before anything is stored. That of the other file: then the bytes are safe nowhere. Whoever has
/// promised them has to say so, and to stop.
// ANCHOR: write_or_say_fn
pub fn write_or_say(bytes: &[u8], path: &Path, other: &Path) -> io::Result<Safe> {
    let mapping = map(bytes.len(), path)?;
    mapping.write(0, bytes);
    let Err(errno) = flush(&mapping, 0..bytes.len(), MsFlags::MS_SYNC) else { return Ok(Safe::There) };

    let mut file = File::create(other)?;
    file.write_all(bytes)?; // from the copy, not from the mapping
    file.sync_all()?;
    // The file may be new: then its name is to be safe, too.
    File::open(other.parent().unwrap_or(other))?.sync_all()?;
    Ok(Safe::Elsewhere(errno.into()))
}
// ANCHOR_END: write_or_say_fn
// ANCHOR_END: write_or_say

/// The first bytes of a file that is there and long enough.
fn map(length: usize, path: &Path) -> io::Result<Mapping> {
    let file = File::options().read(true).write(true).open(path)?;
    Ok(Mapping::of_file(&file, 0, length, READ_WRITE, Sharing::Shared)?)
}

// ANCHOR: written
/// What a way to write has returned, and what it has left on the disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written<T> {
    /// What it returned.
    pub returned: Result<T, Answer>,
    /// What the disk has of the file.
    pub file: Vec<u8>,
    /// What the disk has of the other one.
    pub spare: Vec<u8>,
}

/// What is written.
pub const BYTES: &[u8] = b"new";

/// What [`write_again`] does on a disk that refuses each write to the file.
///
/// # Errors
/// Those of the disk.
pub fn written_again(errno: Errno) -> io::Result<Result<Written<usize>, String>> {
    on_a_disk(|disk| {
        disk.refuse(FILE, Some(errno))?;
        Written::on(disk, write_again(BYTES, &disk.path(FILE)))
    })
}

/// What [`write_or_say`] does on a disk that refuses each write to these files.
///
/// # Errors
/// Those of the disk.
pub fn written_or_said(errno: Errno, refusing: &[&str]) -> io::Result<Result<Written<Safe>, String>> {
    on_a_disk(|disk| {
        refusing.iter().try_for_each(|file| disk.refuse(file, Some(errno)))?;
        Written::on(disk, write_or_say(BYTES, &disk.path(FILE), &disk.path(SPARE)))
    })
}

impl<T> Written<T> {
    fn on(disk: &Disk, returned: io::Result<T>) -> io::Result<Written<T>> {
        let returned = returned.map_err(|error| Errno::try_from(error).unwrap_or(Errno::EINVAL).into());
        Ok(Written { returned, file: disk.bytes(FILE, BYTES.len())?, spare: disk.bytes(SPARE, BYTES.len())? })
    }
}
// ANCHOR_END: written

/// What is shown: the calls, and what the disk answers during the first of them.
const SHOWN: [(Text, Errno, &[Call]); 4] = [
    (Text::fixed("msync, msync, fsync", "msync、msync、fsync"), Errno::EIO, &[Call::Msync, Call::Msync, Call::Fsync]),
    (Text::fixed("msync, msync; no space", "msync、msync；空间不足"), Errno::ENOSPC, &[Call::Msync, Call::Msync]),
    (Text::fixed("fdatasync, fsync", "fdatasync、fsync"), Errno::EIO, &[Call::Fdatasync, Call::Fsync]),
    (Text::fixed("munmap, close (FUSE)", "munmap、close（FUSE）"), Errno::EIO, &[Call::Munmap, Call::Close]),
];

/// Shows who is told of an error of write-back, and what a program can do then: a question mark where there is no disk that
/// refuses.
///
/// # Errors
/// Those of the functions above, and when the output can't be written.
pub fn show(out: &mut Narrator) -> io::Result<()> {
    let unknown = || "?".to_owned();
    let varying = |out: &Narrator, value: String| out.varying(text!("answer", "回答"), value);
    out.part(text!("The disk refuses", "磁盘拒绝写入"))?;
    let (old, new) = (char::from(OLD), char::from(NEW));
    out.tell(text!(
        "a process stores {new:?} where {old:?} was; the disk that is a process refuses that once (EIO, ENOSPC)",
        "一个进程把 {old:?} 改写成 {new:?}；由进程充当的磁盘拒绝一次（EIO、ENOSPC）"
    ))?;
    let mut first = None;
    for (calls, errno, made) in SHOWN {
        let seen = refused(errno, made)?.ok();
        let mut answers = seen.as_ref().map_or_else(unknown, |seen| listed(&seen.answers));
        if made.contains(&Call::Close) {
            // Not every kernel's close(2) is told.
            answers = varying(out, answers);
        }
        out.evidence(calls, answers)?;
        first = first.or(seen);
    }
    let found = |what: fn(&Refused) -> String| first.as_ref().map_or_else(unknown, what);
    out.evidence(
        text!("opened before: fsync, fsync", "写入前打开的：fsync、fsync"),
        found(|seen| listed(&seen.opened_before)),
    )?;
    let later = varying(out, found(|seen| seen.opened_later.to_string()));
    out.evidence(text!("opened later: fsync", "出错后打开的：fsync"), later)?;
    out.evidence(text!("a load", "从映射读"), found(|seen| quoted(&[seen.loaded])))?;
    out.evidence(text!("on the disk", "磁盘上"), found(|seen| quoted(&[seen.on_disk])))?;
    let again = found(|seen| seen.loaded_again.map_or("?".to_owned(), |byte| quoted(&[byte])));
    out.evidence(text!("a load, after eviction", "页被回收之后再读"), varying(out, again))?;
    out.shows(text!(
        "each open file description is told once; then all is well, and the bytes are lost.",
        "每个打开文件描述只报告一次错误；之后一切照常，数据却已经丢了。"
    ))?;

    out.part(text!("What a program can do", "程序能做什么"))?;
    out.tell(text!(
        "the disk refuses each write to the file: what the calls answer, and what the disk has then",
        "磁盘始终拒绝写这个文件：列出调用的回答，以及之后磁盘上的内容"
    ))?;
    let again = written_again(Errno::EIO)?.ok().map_or_else(unknown, |it| match it.returned {
        Ok(failed) => format!("{}ok: {}", "EIO, ".repeat(failed), quoted(&it.file)),
        Err(answer) => format!("{answer}: {}", quoted(&it.file)),
    });
    out.evidence(text!("msync until it says ok", "反复 msync 直到 ok"), again)?;
    for (question, refusing) in [
        (text!("own copy, other file", "用自己的副本写另一个文件"), &[FILE][..]),
        (text!("the same, both refused", "同上，两个都被拒绝"), &[FILE, SPARE]),
    ] {
        let said = written_or_said(Errno::EIO, refusing)?.ok().map_or_else(unknown, |it| match it.returned {
            Ok(Safe::There) => format!("ok: {}", quoted(&it.file)),
            Ok(Safe::Elsewhere(answer)) => format!("{answer}, ok: {}", quoted(&it.spare)),
            Err(answer) => format!("{answer}: {}", quoted(&it.spare)),
        });
        out.evidence(question, said)?;
    }
    out.shows(text!(
        "a second ok is no second try. Keep a copy until the first call is ok; else write it elsewhere, or stop and say so.",
        "第二次 ok 并不表示又写了一遍。第一次就 ok，才能丢掉自己的副本；否则写到别处，或者停下来如实报告。"
    ))
}

fn quoted(bytes: &[u8]) -> String {
    format!("{:?}", String::from_utf8_lossy(bytes))
}

fn listed(answers: &[Answer]) -> String {
    answers.iter().map(Answer::to_string).collect::<Vec<_>>().join(", ")
}
