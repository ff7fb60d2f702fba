//! # Lesson 8: What survives
//!
//! What is stored to a shared mapping outlives the process: it is in the page cache, and no kill -9 takes it away. What
//! outlives the machine is another question: a power cut leaves what has been written to the disk, and nothing else.
//!
//! A program that is to survive that has to write in such a way that *each* state the disk may be in can be recovered. The
//! lesson commits a record in two ways, [`Slots`] and [`Log`], to a [`Medium`]: to a mapped file, or to a [`Recording`], of
//! which all crash states are known ([`crate::crash`]). [`bad_states`] tries the recovery on each of them, at each moment. Of
//! what is really on its way to the disk, [`dirty_pages`] tells a part.

use std::fs::File;
use std::io;
use std::ops::{ControlFlow, Range};
use std::os::unix::fs::FileExt;
use std::path::Path;

use nix::errno::Errno;
use nix::sys::mman::{MsFlags, msync};

use crate::crash::{Disk, FileNumber, State};
use crate::lesson_2::{Mapping, READ_WRITE, Sharing};
use crate::lesson_7::figures::pages_in;
use crate::narrate::Narrator;
use crate::observe::{page_size, whole_pages};
use crate::process::{Child, Ended};
use crate::text;
use crate::text::Text;

// ANCHOR: medium
/// Bytes that may outlast the machine.
pub trait Medium {
    /// Their number.
    fn length(&self) -> usize;
    /// Copies bytes out of it, from `at` on.
    fn load(&self, at: usize, into: &mut [u8]);
    /// Changes bytes, from `at` on. A power cut may undo that.
    fn store(&mut self, at: usize, bytes: &[u8]);
    /// Waits until these bytes are on the disk.
    ///
    /// # Errors
    /// When they could not be written: nobody knows then what is on the disk.
    fn sync(&mut self, range: Range<usize>) -> io::Result<()>;
}
// ANCHOR_END: medium

// ANCHOR: mapping
impl Medium for Mapping {
    fn length(&self) -> usize {
        Mapping::length(self)
    }

    fn load(&self, at: usize, into: &mut [u8]) {
        self.read(at, into);
    }

    fn store(&mut self, at: usize, bytes: &[u8]) {
        self.write(at, bytes);
    }

    fn sync(&mut self, range: Range<usize>) -> io::Result<()> {
        Ok(flush(self, range, MsFlags::MS_SYNC)?)
    }
}

/// msync(2) of the pages of a range.
///
/// # Errors
/// EIO or ENOSPC when the pages could not be written. The next call need not say so again.
pub fn flush(mapping: &Mapping, range: Range<usize>, flags: MsFlags) -> Result<(), Errno> {
    if range.is_empty() {
        return Ok(());
    }
    let start = range.start - range.start % page_size();
    // SAFETY: pages of the mapping; msync(2) changes no byte of them.
    unsafe { msync(mapping.pointer_to(start), whole_pages(range.end) - start, flags) }
}
// ANCHOR_END: mapping

// ANCHOR: recording
/// A file on a disk of which all crash states are known.
#[derive(Debug, Clone)]
pub struct Recording {
    disk: Disk,
    file: FileNumber,
    bytes: Vec<u8>,
    moments: Vec<Disk>,
}

/// The file's name.
const NAME: &str = "record";

impl Recording {
    /// A file of zeros of this length, which is on the disk, in units of `unit` bytes.
    pub fn new(length: usize, unit: usize) -> Recording {
        let mut disk = Disk::new(unit);
        let file = disk.create(NAME);
        disk.truncate(file, length);
        disk.sync(file);
        disk.sync_directory();
        Recording { moments: vec![disk.clone()], disk, file, bytes: vec![0; length] }
    }

    /// The disk as it was at the beginning and after each store and each sync.
    pub fn moments(&self) -> &[Disk] {
        &self.moments
    }
}

impl Medium for Recording {
    fn length(&self) -> usize {
        self.bytes.len()
    }

    fn load(&self, at: usize, into: &mut [u8]) {
        into.copy_from_slice(&self.bytes[at..at + into.len()]);
    }

    fn store(&mut self, at: usize, bytes: &[u8]) {
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
        self.disk.write(self.file, at, bytes);
        self.moments.push(self.disk.clone());
    }

    fn sync(&mut self, range: Range<usize>) -> io::Result<()> {
        self.disk.sync_range(self.file, range);
        self.moments.push(self.disk.clone());
        Ok(())
    }
}

/// What a disk has left, from which a program recovers.
impl Medium for Vec<u8> {
    fn length(&self) -> usize {
        self.len()
    }

    fn load(&self, at: usize, into: &mut [u8]) {
        into.copy_from_slice(&self[at..at + into.len()]);
    }

    fn store(&mut self, at: usize, bytes: &[u8]) {
        self[at..at + bytes.len()].copy_from_slice(bytes);
    }

    fn sync(&mut self, _range: Range<usize>) -> io::Result<()> {
        Ok(())
    }
}
// ANCHOR_END: recording

// ANCHOR: slots
/// A record that is replaced as a whole. It is in one of two slots: a commit writes to the one that is not in use, so the one
/// before is whole until the new one is.
#[derive(Debug)]
pub struct Slots<M> {
    medium: M,
    commits: u64,
}

/// What comes before the bytes of a slot or of an entry of the log: the number of the commit, the length, the checksum.
const HEADER: usize = 24;

// ANCHOR: commit
impl<M: Medium> Slots<M> {
    /// Opens it, and recovers the last commit.
    pub fn open(medium: M) -> Slots<M> {
        let commits = last_commit(&medium).map_or(0, |(commit, _)| commit);
        Slots { medium, commits }
    }

    /// Replaces the record. When this returns, it survives a power cut.
    ///
    /// # Errors
    /// EFBIG when it doesn't fit. Those of [`Medium::sync`]: then the record may be the old one or the new one.
    pub fn commit(&mut self, bytes: &[u8]) -> io::Result<()> {
        let slot = slot(&self.medium, self.commits + 1);
        if slot.len() < HEADER + bytes.len() {
            return Err(Errno::EFBIG.into());
        }
        let end = slot.start + HEADER + bytes.len();
        self.medium.store(slot.start, &header(self.commits + 1, bytes));
        self.medium.store(slot.start + HEADER, bytes);
        self.medium.sync(slot.start..end)?;
        self.commits += 1;
        Ok(())
    }

    /// The medium.
    pub fn medium(&self) -> &M {
        &self.medium
    }
}
// ANCHOR_END: commit

/// Where the record of this commit is: half of the medium, from a page boundary on.
fn slot(medium: &impl Medium, commit: u64) -> Range<usize> {
    let half = medium.length() / 2;
    let half = half - half % page_size().min(half.max(1));
    if commit.is_multiple_of(2) { 0..half } else { half..2 * half }
}

// ANCHOR: recover
/// The number and the bytes of the last commit; None where there was none.
pub fn last_commit(medium: &impl Medium) -> Option<(u64, Vec<u8>)> {
    let whole = |slot: Range<usize>| entry_at(medium, slot);
    [0, 1].into_iter().filter_map(|commit| whole(slot(medium, commit))).max()
}
// ANCHOR_END: recover

/// What a header says.
fn header(commit: u64, bytes: &[u8]) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[..8].copy_from_slice(&commit.to_le_bytes());
    header[8..16].copy_from_slice(&u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_le_bytes());
    let sum = checksum(&[&header[..16], bytes]);
    header[16..].copy_from_slice(&sum.to_le_bytes());
    header
}

/// The commit that a header and the bytes after it say; None where the checksum isn't theirs.
fn entry_at(medium: &impl Medium, range: Range<usize>) -> Option<(u64, Vec<u8>)> {
    let mut header = [0; HEADER];
    if range.len() < HEADER {
        return None;
    }
    medium.load(range.start, &mut header);
    let [commit, length, sum] =
        [0, 8, 16].map(|at| u64::from_le_bytes(header[at..at + 8].try_into().unwrap_or_default()));
    // The length may be anything.
    let length = usize::try_from(length).ok().filter(|length| *length <= range.len() - HEADER)?;
    let mut bytes = vec![0; length];
    medium.load(range.start + HEADER, &mut bytes);
    // All zeros are no commit.
    (commit > 0 && checksum(&[&header[..16], &bytes]) == sum).then_some((commit, bytes))
}

/// FNV-1a: it tells a state that a crash has left from a whole one. Against somebody who forges one it is no help.
fn checksum(parts: &[&[u8]]) -> u64 {
    let bytes = parts.iter().copied().flatten();
    bytes.fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
// ANCHOR_END: slots

// ANCHOR: log
/// Records that are only added, one after the other.
#[derive(Debug)]
pub struct Log<M> {
    medium: M,
    entries: u64,
    end: usize,
}

impl<M: Medium> Log<M> {
    /// Opens it, after the last whole entry.
    pub fn open(medium: M) -> Log<M> {
        let entries = replay(&medium);
        let end = entries.iter().map(|entry| HEADER + entry.len()).sum();
        Log { entries: entries.len() as u64, end, medium }
    }

    /// Adds an entry. When this returns, it survives a power cut.
    ///
    /// # Errors
    /// EFBIG when it doesn't fit. Those of [`Medium::sync`].
    pub fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let end = self.end + HEADER + bytes.len();
        if end > self.medium.length() {
            return Err(Errno::EFBIG.into());
        }
        self.medium.store(self.end, &header(self.entries + 1, bytes));
        self.medium.store(self.end + HEADER, bytes);
        self.medium.sync(self.end..end)?;
        (self.entries, self.end) = (self.entries + 1, end);
        Ok(())
    }

    /// The medium.
    pub fn medium(&self) -> &M {
        &self.medium
    }
}

/// All entries up to the first that isn't whole.
pub fn replay(medium: &impl Medium) -> Vec<Vec<u8>> {
    let (mut entries, mut at) = (Vec::new(), 0);
    while let Some((number, bytes)) = entry_at(medium, at..medium.length()) {
        if number != entries.len() as u64 + 1 {
            break;
        }
        at += HEADER + bytes.len();
        entries.push(bytes);
    }
    entries
}
// ANCHOR_END: log

// ANCHOR: bad_states
/// How many crash states a recording may leave, and the first, if there is one, that `is_good` says no to. It gets the bytes
/// that were left, and the number of stores and syncs there had been before the cut.
pub fn bad_states(recording: &Recording, is_good: impl Fn(&Vec<u8>, usize) -> bool) -> (usize, Option<(usize, State)>) {
    let (mut all, mut bad) = (0, None);
    for (moment, disk) in recording.moments().iter().enumerate() {
        let looked = disk.crash_states(MOST_STATES, |state| match state.files.get(NAME) {
            Some(bytes) if is_good(bytes, moment) => ControlFlow::Continue(()),
            _ => {
                bad = Some((moment, state.clone()));
                ControlFlow::Break(())
            }
        });
        all += looked.states;
        if bad.is_some() {
            break;
        }
    }
    (all, bad)
}

/// The most crash states of one moment that are looked at.
const MOST_STATES: usize = 1 << 16;
// ANCHOR_END: bad_states

// ANCHOR: dirty_pages
/// The pages of a shared mapping that have changes which the disk has not, as the kernel says (smaps).
///
/// # Errors
/// When /proc can't be read.
pub fn dirty_pages(mapping: &Mapping) -> io::Result<usize> {
    Ok(pages_in(mapping, "Private_Dirty")? + pages_in(mapping, "Shared_Dirty")?)
}
// ANCHOR_END: dirty_pages

// ANCHOR: killed
/// How a child ends that is killed after it has stored 'k' to the first byte of a mapping of this file and has called nothing;
/// and the byte that is read from the file afterwards.
///
/// # Errors
/// Those of mmap(2) and fork(2).
pub fn after_a_kill(file: &File) -> io::Result<(Ended, u8)> {
    let mapping = Mapping::of_file(file, 0, 1, READ_WRITE, Sharing::Shared)?;
    let (child, peer) = Child::fork(|peer| {
        mapping.store(0, b'k');
        peer.send(b"stored")?;
        // Until it is killed.
        peer.receive().map(drop)
    })?;
    peer.receive()?;
    let ended = child.kill()?;
    let mut byte = [0];
    file.read_exact_at(&mut byte, 0)?;
    Ok((ended, byte[0]))
}
// ANCHOR_END: killed

/// Demonstrates it: what a kill takes away, what is dirty after which call, and the crash states of ways to commit.
///
/// # Errors
/// Those of the functions above, and when the output can't be written.
pub fn demonstrate(out: &mut Narrator, path: &Path) -> io::Result<()> {
    out.part(text!("The process dies", "进程死了"))?;
    let file = File::options().read(true).write(true).open(path)?;
    if file.metadata()?.len() == 0 {
        file.set_len(1)?;
    }
    out.tell(text!(
        "a child stores 'k' to a shared mapping, calls nothing, and is killed",
        "子进程往共享映射里写入 'k'，什么都不调用，然后被杀死"
    ))?;
    let (ended, byte) = after_a_kill(&file)?;
    out.evidence(text!("the child", "子进程"), text!("{ended}", "{ended}"))?;
    out.evidence(text!("read(2) of the file", "对文件 read(2)"), format!("{:?}", char::from(byte)))?;
    out.shows(text!(
        "the store was in the page cache, and that belongs to the kernel.",
        "写入的内容在页缓存里，而页缓存是内核的。"
    ))?;

    out.part(text!("The machine dies", "机器断电"))?;
    out.tell(text!(
        "three commits of 40 bytes, cut at each moment, with sectors of 16 bytes: all that the disk may hold",
        "三次提交，每次 40 字节，在每个时刻断电，扇区按 16 字节算：磁盘上可能留下的全部状态"
    ))?;
    for (name, commit) in WAYS {
        let (states, bad) = tried(commit)?;
        let verdict = match bad {
            None => text!("{states} states, each of them recovered", "{states} 种状态，都能恢复"),
            Some((moment, _)) => {
                text!(
                    "state {states} is a lost or a mixed record: a cut after step {moment}",
                    "第 {states} 种状态里记录丢失或混杂：在第 {moment} 步之后断电"
                )
            }
        };
        out.evidence(name.clone(), verdict)?;
    }
    out.shows(text!(
        "what can't be torn is what can be told to be torn: by a checksum, or by an order that msync(2) has made.",
        "不怕撕裂，靠的是认得出撕裂：用校验和，或者用 msync(2) 保证先后。"
    ))
}

// ANCHOR: ways
/// A way to commit: it gets the medium, the number of the commit and its bytes.
type Commit = fn(&mut Recording, u64, &[u8]) -> io::Result<()>;

/// The ways that the demonstration compares. All but the first leave something out.
const WAYS: [(Text, Commit); 4] = [
    (Text::fixed("checksum, one msync", "校验和，一次 msync"), |medium, number, bytes| {
        let at = slot(medium, number).start;
        medium.store(at, &header(number, bytes));
        medium.store(at + HEADER, bytes);
        medium.sync(at..at + HEADER + bytes.len())
    }),
    (Text::fixed("no msync", "没有 msync"), |medium, number, bytes| {
        let at = slot(medium, number).start;
        medium.store(at, &header(number, bytes));
        medium.store(at + HEADER, bytes);
        Ok(())
    }),
    (Text::fixed("msync of the header only", "只 msync 头部"), |medium, number, bytes| {
        let at = slot(medium, number).start;
        medium.store(at + HEADER, bytes);
        medium.store(at, &header(number, bytes));
        medium.sync(at..at + 1)
    }),
    (Text::fixed("always the same slot", "总用同一个槽"), |medium, number, bytes| {
        let at = slot(medium, 0).start;
        medium.store(at, &header(number, bytes));
        medium.store(at + HEADER, bytes);
        medium.sync(at..at + HEADER + bytes.len())
    }),
];
// ANCHOR_END: ways

/// The bytes of a commit.
fn record(number: u64) -> Vec<u8> {
    vec![u8::try_from(number).unwrap_or_default(); 40]
}

/// Commits three times in this way, and tries each crash state: the last commit that has returned is there, or the next one.
fn tried(commit: Commit) -> io::Result<(usize, Option<(usize, State)>)> {
    let mut medium = Recording::new(256, 16);
    // After how many steps each commit had returned.
    let mut returned = Vec::new();
    for number in 1..=3 {
        commit(&mut medium, number, &record(number))?;
        returned.push(medium.moments().len() - 1);
    }
    Ok(bad_states(&medium, |bytes, moment| {
        let done = returned.iter().filter(|step| **step <= moment).count() as u64;
        match last_commit(bytes) {
            None => done == 0,
            Some((number, bytes)) => (done..=done + 1).contains(&number) && bytes == record(number),
        }
    }))
}
