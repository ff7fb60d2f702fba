//! # Lesson 8: What survives
//!
//! What is stored to a shared mapping outlives the process: it is in the page cache, and no kill -9 takes it away. What
//! outlives the machine is another question: a power cut leaves what has been written to the disk, and nothing else.
//!
//! A program that is to survive that has to write in such a way that *each* state the disk may be in can be recovered. The
//! lesson commits a record in two ways, [`Slots`] and [`Log`], to a [`Medium`]: to a mapped file, or to a [`Recording`], of
//! which all crash states are known ([`crate::crash`]). [`bad_states`] tries the recovery on each of them, at each moment.
//! [`ways`] has more ways, and what they cost; [`real`] cuts the power of a real file system.
//!
//! What is really on its way to a disk is seen where the disk is a process ([`disk`]): what each call asks of it
//! ([`promises`]), and what becomes of bytes that it refuses ([`errors`]).

pub mod disk;
// ANCHOR: errors
pub mod errors; // errors.rs, beside this file
// ANCHOR_END: errors
pub mod promises;
pub mod real;
// ANCHOR: shadow
pub mod ways; // ways.rs: shadow pages, a new file and rename
// ANCHOR_END: shadow

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

// ANCHOR: flush
/// msync(2) of the pages of a range.
///
/// # Errors
/// EIO or ENOSPC when the pages could not be written. The next call need not say so again.
// ANCHOR: flush_fn
pub fn flush(mapping: &Mapping, range: Range<usize>, flags: MsFlags) -> Result<(), Errno> {
    if range.is_empty() {
        return Ok(());
    }
    let start = range.start - range.start % page_size();
    // SAFETY: pages of the mapping; msync(2) changes no byte of them.
    unsafe { msync(mapping.pointer_to(start), whole_pages(range.end) - start, flags) }
}
// ANCHOR_END: flush_fn
// ANCHOR_END: flush
// ANCHOR_END: mapping

// ANCHOR: recording
/// A file on a disk of which all crash states are known.
#[derive(Debug, Clone)]
pub struct Recording {
    disk: Disk,
    file: FileNumber,
    bytes: Vec<u8>,
    /// With the number of commits that had returned.
    moments: Vec<(Disk, usize)>,
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
        Recording { moments: vec![(disk.clone(), 0)], disk, file, bytes: vec![0; length] }
    }

    /// A commit has returned: from now on it must survive.
    pub fn returned(&mut self) {
        if let Some((_, returned)) = self.moments.last_mut() {
            *returned += 1;
        }
    }

    /// The disk as it was at the beginning and after each store and each sync, with the number of commits that had returned.
    pub fn moments(&self) -> &[(Disk, usize)] {
        &self.moments
    }

    /// The disk has changed, or has been synced.
    fn note(&mut self) {
        let returned = self.moments.last().map_or(0, |(_, returned)| *returned);
        self.moments.push((self.disk.clone(), returned));
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
        self.note();
    }

    fn sync(&mut self, range: Range<usize>) -> io::Result<()> {
        self.disk.sync_range(self.file, range);
        self.note();
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

/// The number of a commit, and its bytes.
pub type Commit = (u64, Vec<u8>);

/// What comes before the bytes of a slot or of an entry of the log: the number of the commit, the length, the checksum.
const HEADER: usize = 24;

// ANCHOR: commit
impl<M: Medium> Slots<M> {
    /// Opens it, and recovers the last commit.
    ///
    /// # Errors
    /// Those of [`Medium::sync`].
    // ANCHOR: open_fn
    pub fn open(mut medium: M) -> io::Result<Slots<M>> {
        let Some((commits, bytes)) = last_commit(&medium) else { return Ok(Slots { medium, commits: 0 }) };
        // The next commit overwrites the one before: this one has to be safe by then.
        let start = slot(&medium, commits).start;
        settle(&mut medium, start..start + HEADER + bytes.len())?;
        Ok(Slots { medium, commits })
    }
    // ANCHOR_END: open_fn

    /// Replaces the record. When this returns, it survives a power cut.
    ///
    /// # Errors
    /// EFBIG when it doesn't fit. Those of [`Medium::sync`]: then the record may be the old one or the new one.
    // ANCHOR: commit_fn
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
    // ANCHOR_END: commit_fn

    /// The medium.
    pub fn medium(&mut self) -> &mut M {
        &mut self.medium
    }
}
// ANCHOR_END: commit

/// Puts on the disk what was found. It may be in the page cache only: its process was killed before the sync, or the sync has
/// failed. Then the pages count as written, and only what is stored once more is written.
///
/// # Errors
/// Those of [`Medium::sync`].
// ANCHOR: settle_fn
fn settle(medium: &mut impl Medium, range: Range<usize>) -> io::Result<()> {
    let mut bytes = vec![0; range.len()];
    medium.load(range.start, &mut bytes);
    medium.store(range.start, &bytes);
    medium.sync(range)
}
// ANCHOR_END: settle_fn

/// Where the record of this commit is: half of the medium, from a page boundary on.
fn slot(medium: &impl Medium, commit: u64) -> Range<usize> {
    let half = medium.length() / 2;
    let half = half - half % page_size().min(half.max(1));
    if commit.is_multiple_of(2) { 0..half } else { half..2 * half }
}

// ANCHOR: recover
/// The number and the bytes of the last commit; None where there was none.
// ANCHOR: recover_fn
pub fn last_commit(medium: &impl Medium) -> Option<Commit> {
    let whole = |slot: Range<usize>| entry_at(medium, slot);
    [0, 1].into_iter().filter_map(|commit| whole(slot(medium, commit))).max()
}
// ANCHOR_END: recover_fn
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
fn entry_at(medium: &impl Medium, range: Range<usize>) -> Option<Commit> {
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
    // All zeros are no commit: their checksum isn't 0.
    (checksum(&[&header[..16], &bytes]) == sum).then_some((commit, bytes))
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
    ///
    /// # Errors
    /// Those of [`Medium::sync`].
    pub fn open(mut medium: M) -> io::Result<Log<M>> {
        let entries = replay(&medium);
        let end = entries.iter().map(|entry| HEADER + entry.len()).sum();
        if let Some(last) = entries.last() {
            // What comes after it would be lost with it.
            settle(&mut medium, end - HEADER - last.len()..end)?;
        }
        Ok(Log { entries: entries.len() as u64, end, medium })
    }

    /// Adds an entry. When this returns, it survives a power cut.
    ///
    /// # Errors
    /// EFBIG when it doesn't fit. Those of [`Medium::sync`].
    // ANCHOR: append_fn
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
    // ANCHOR_END: append_fn

    /// The medium.
    pub fn medium(&mut self) -> &mut M {
        &mut self.medium
    }
}

/// All entries up to the first that isn't whole.
// ANCHOR: replay_fn
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
// ANCHOR_END: replay_fn
// ANCHOR_END: log

// ANCHOR: bad_states
/// What came of trying a recovery on crash states.
#[derive(Debug, Clone)]
pub struct Tried {
    /// How many states were tried: all of them, or up to the first bad one.
    pub states: usize,
    /// The first bad one, and the number of stores and syncs before the cut.
    pub bad: Option<(usize, State)>,
}

/// Tries each crash state that a recording may leave, until `is_good` says no to one. It gets the bytes that were left, and the
/// number of commits that had returned.
// ANCHOR: bad_states_fn
pub fn bad_states(recording: &Recording, is_good: impl Fn(&Vec<u8>, usize) -> bool) -> Tried {
    let mut tried = Tried { states: 0, bad: None };
    for (moment, (disk, returned)) in recording.moments().iter().enumerate() {
        let looked = disk.crash_states(MOST_STATES, |state| match state.files.get(NAME) {
            Some(bytes) if is_good(bytes, *returned) => ControlFlow::Continue(()),
            _ => {
                tried.bad = Some((moment, state.clone()));
                ControlFlow::Break(())
            }
        });
        tried.states += looked.states;
        if tried.bad.is_some() {
            break;
        }
    }
    tried
}
// ANCHOR_END: bad_states_fn

/// The most crash states of one moment that are looked at.
const MOST_STATES: usize = 1 << 16;
// ANCHOR_END: bad_states

// ANCHOR: dirty_pages
/// The pages of a shared mapping that have changes which the disk has not, as the kernel says (smaps).
///
/// # Errors
/// When /proc can't be read.
// ANCHOR: dirty_pages_fn
pub fn dirty_pages(mapping: &Mapping) -> io::Result<usize> {
    Ok(pages_in(mapping, "Private_Dirty")? + pages_in(mapping, "Shared_Dirty")?)
}
// ANCHOR_END: dirty_pages_fn
// ANCHOR_END: dirty_pages

// ANCHOR: killed
/// How a child ends that is killed after it has stored 'k' to the first byte of a mapping of this file and has called nothing;
/// and the byte that is read from the file afterwards.
///
/// # Errors
/// Those of mmap(2) and fork(2).
// ANCHOR: killed_fn
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
// ANCHOR_END: killed_fn
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
    out.evidence(text!("the child", "子进程"), ended.in_words())?;
    out.evidence(text!("read(2) of the file", "对文件 read(2)"), format!("{:?}", char::from(byte)))?;
    out.shows(text!(
        "the store was in the page cache, and that belongs to the kernel.",
        "写入的内容在页缓存里，而页缓存是内核的。"
    ))?;

    promises::show(out)?;

    out.part(text!("The machine dies", "机器断电"))?;
    out.tell(text!(
        "three commits of 40 bytes, to the slots at 0 and 128 or to a new file that is renamed",
        "提交三次，每次 40 字节，写到 0 和 128 处的槽里，或写到新文件再改名"
    ))?;
    out.tell(text!(
        "the power is cut after each step, a store or a sync; all that may be left on a disk with sectors of 16 bytes is recovered from",
        "每一步（一次写入或一次同步）之后都断电；扇区按 16 字节算，磁盘上可能留下的每种状态都拿来恢复"
    ))?;
    for way in &ways::WAYS {
        verdict(out, &way.name, &way.tried()?)?;
    }
    verdict(out, &text!("a log", "日志"), &ways::tried_log()?)?;
    verdict(out, &text!("shadow pages", "影子页"), &ways::tried_shadow()?)?;
    out.shows(text!(
        "a state that is torn does no harm if it is told apart from a whole one: by a checksum, or by an order that syncs have made.",
        "状态撕裂了也不要紧，只要认得出来：靠校验和，或者靠同步保证的先后。"
    ))?;

    errors::show(out)?;

    out.part(text!("What it costs", "开销"))?;
    out.tell(text!("commits of 64 bytes, on average", "提交 64 字节，取平均"))?;
    for ways::Costs { name, syncs, written } in ways::costs(&out.directory())? {
        let written = written.map_or_else(|| "?".to_owned(), |bytes| (bytes >> 10).to_string());
        let written = out.varying(text!("number", "数量"), written);
        let costs =
            text!("calls that sync: {syncs}, KiB to the device: {written}", "同步 {syncs} 次，写到设备 {written} KiB");
        out.evidence(name, costs)?;
    }
    out.shows(text!(
        "a commit of 64 bytes costs what a sync costs: pages, and the journal of the file system.",
        "提交 64 字节，付的是同步的代价：整页，还有文件系统的日志。"
    ))?;

    out.part(text!(
        "A real disk: ext4 on a loop device, cut by a copy of its image",
        "真实的磁盘：loop 设备上的 ext4，复制映像就是断电"
    ))?;
    match real::after_each()? {
        Err(reason) => out.evidence(text!("skipped", "跳过"), reason),
        Ok(all) => {
            for (before, left) in real::BEFORE.iter().zip(all) {
                let found =
                    if left.certain { left.found } else { out.varying(text!("old or new", "旧或新"), left.found) };
                out.evidence(before.name.clone(), found)?;
            }
            out.shows(text!(
                "only what a sync has waited for is certain. A name is the directory's, and waits for its fsync(2).",
                "只有同步等到的才是一定的。名字属于目录，要等目录的 fsync(2)。"
            ))
        }
    }
}

/// Prints what came of a way.
fn verdict(out: &mut Narrator, name: &Text, tried: &Tried) -> io::Result<()> {
    let states = tried.states;
    let verdict = match &tried.bad {
        None => text!("{states} states, each of them recovered", "{states} 种状态，都能恢复"),
        Some((moment, state)) => {
            let left = ways::in_words(state);
            text!("state {states} is bad, after step {moment}: {left}", "第 {states} 种状态坏了，在第 {moment} 步之后：{left}"; left)
        }
    };
    out.evidence(name.clone(), verdict)
}
