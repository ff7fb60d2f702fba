//! Where the outcomes are written: memory that the caller, the supervisor and all workers share.

use std::borrow::Cow;
use std::fs::File;
use std::io;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};

use memmap2::{MmapOptions, MmapRaw};
use nix::errno::Errno;

use super::garbled;
use crate::error;
use crate::observe::page_size;
use crate::process::Fault;
use crate::scenario::{Amount, Byte, Outcome, Seal};
use crate::text;
use crate::text::Text;

/// The size in bytes: enough for a scenario's text or its outcomes. A page that is never accessed costs nothing.
const SIZE: usize = 64 << 20;

/// A length, followed by that number of bytes. Only the process that has the turn accesses them: the messages between
/// the processes order the accesses.
#[derive(Debug)]
pub(super) struct Record(MmapRaw);

/// The byte before each outcome: its kind.
#[derive(Clone, Copy, PartialEq)]
enum Tag {
    Done,
    Count,
    Bytes,
    Errno,
    Died,
    NotApplicable,
    Sealed,
    Moved,
}

impl Tag {
    const ALL: [Tag; 8] =
        [Tag::Done, Tag::Count, Tag::Bytes, Tag::Errno, Tag::Died, Tag::NotApplicable, Tag::Sealed, Tag::Moved];
}

impl Record {
    pub(super) fn new() -> io::Result<Record> {
        // A shared mapping of /dev/zero is the same memory in each process that is forked. It is no file: a limit on
        // their size (RLIMIT_FSIZE) doesn't apply.
        let zeros = File::options().read(true).write(true).open("/dev/zero");
        let record = zeros.and_then(|zeros| MmapOptions::new().len(SIZE).map_raw(&zeros));
        Ok(Record(record.map_err(|error| {
            let Text { en, zh } = error::in_words(&error);
            let text = text!(
                "/dev/zero, {SIZE} bytes for the outcomes of a scenario: {en}",
                "/dev/zero，存放脚本结果的 {SIZE} 字节：{zh}"
            );
            error::told(error.kind(), text)
        })?))
    }

    fn length(&self) -> &AtomicUsize {
        // SAFETY: the mapping is page-aligned, is longer than a word, and lives as long as `self`; each access to this
        // word is atomic.
        unsafe { AtomicUsize::from_ptr(self.0.as_mut_ptr().cast()) }
    }

    /// The number of bytes.
    pub(super) fn len(&self) -> usize {
        self.length().load(Ordering::Acquire)
    }

    /// Replaces the contents by these bytes.
    pub(super) fn begin(&self, bytes: &[u8]) -> io::Result<()> {
        self.length().store(0, Ordering::Release);
        if self.push(bytes) { Ok(()) } else { Err(error::other(text!("the scenario is too long", "脚本太长"))) }
    }

    /// Takes the contents, and leaves nothing.
    pub(super) fn take(&self) -> Vec<u8> {
        let length = self.length().swap(0, Ordering::AcqRel).min(SIZE - size_of::<usize>());
        let mut bytes = vec![0; length];
        let from = self.0.as_mut_ptr().wrapping_add(size_of::<usize>());
        // SAFETY: at least `length` bytes of the mapping follow `from`, no other process accesses them during this
        // turn, and `bytes` is as long.
        unsafe { ptr::copy_nonoverlapping(from, bytes.as_mut_ptr(), length) };
        bytes
    }

    /// Appends bytes; false when they don't fit. Async-signal-safe: it allocates nothing.
    fn push(&self, bytes: &[u8]) -> bool {
        let length = self.length().load(Ordering::Acquire);
        if bytes.len() > SIZE - size_of::<usize>() - length {
            return false;
        }
        let to = self.0.as_mut_ptr().wrapping_add(size_of::<usize>() + length);
        // SAFETY: the bytes fit (checked above), and no other process accesses the mapping during this turn.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len()) };
        self.length().store(length + bytes.len(), Ordering::Release);
        true
    }

    /// Records an outcome, as the methods below do. One that doesn't fit is left out, and the caller finds one too few.
    pub(super) fn done(&self) {
        self.push(&[Tag::Done as u8]);
    }

    pub(super) fn not_applicable(&self) {
        self.push(&[Tag::NotApplicable as u8]);
    }

    pub(super) fn count(&self, count: usize) {
        self.tagged(Tag::Count, count as u64, &[]);
    }

    pub(super) fn errno(&self, errno: Errno) {
        self.tagged(Tag::Errno, u64::from((errno as i32).unsigned_abs()), &[]);
    }

    pub(super) fn bytes(&self, bytes: &[u8]) {
        self.tagged(Tag::Bytes, bytes.len() as u64, bytes);
    }

    pub(super) fn moved(&self, moved: bool) {
        self.tagged(Tag::Moved, u64::from(moved), &[]);
    }

    /// Which of [`Seal::ALL`] there are.
    pub(super) fn sealed(&self, seals: impl Iterator<Item = bool>) {
        let bits = seals.enumerate().filter(|(_, is_there)| *is_there).map(|(n, _)| 1 << n);
        self.tagged(Tag::Sealed, bits.sum(), &[]);
    }

    /// A fault, its address counted from `start`. Async-signal-safe.
    pub(super) fn died(&self, fault: &Fault, start: usize) {
        let mut outcome = [Tag::Died as u8; 1 + Fault::SIZE];
        outcome[1..].copy_from_slice(&Fault { address: fault.address.wrapping_sub(start), ..*fault }.to_bytes());
        self.push(&outcome);
    }

    fn tagged(&self, tag: Tag, number: u64, rest: &[u8]) {
        let mut head = [tag as u8; 9];
        head[1..].copy_from_slice(&number.to_ne_bytes());
        if self.push(&head) && !self.push(rest) {
            self.length().fetch_sub(head.len(), Ordering::AcqRel);
        }
    }

    /// Takes the outcomes that were recorded.
    pub(super) fn outcomes(&self) -> io::Result<Vec<Outcome>> {
        let bytes = self.take();
        let mut rest = bytes.as_slice();
        let mut outcomes = Vec::new();
        while let Some((tag, after)) = rest.split_first() {
            rest = after;
            outcomes.push(read(*tag, &mut rest)?);
        }
        Ok(outcomes)
    }
}

fn read(tag: u8, rest: &mut &[u8]) -> io::Result<Outcome> {
    let garbled = || error::told(io::ErrorKind::InvalidData, garbled());
    let mut take = |count: usize| {
        let (bytes, after) = rest.split_at_checked(count).ok_or_else(garbled)?;
        *rest = after;
        Ok::<_, io::Error>(bytes)
    };
    let mut number = || Ok::<_, io::Error>(u64::from_ne_bytes(take(8)?.try_into().map_err(io::Error::other)?));
    let tag = Tag::ALL.into_iter().find(|other| *other as u8 == tag).ok_or_else(garbled)?;
    Ok(match tag {
        Tag::Done => Outcome::Done,
        Tag::NotApplicable => Outcome::NotApplicable,
        Tag::Count => Outcome::Count(number()?),
        Tag::Moved => Outcome::Moved(number()? != 0),
        Tag::Sealed => {
            let bits = number()?;
            let seals = Seal::ALL.iter().enumerate().filter(|(n, _)| bits & 1 << n != 0);
            Outcome::Sealed(seals.map(|(_, seal)| *seal).collect())
        }
        Tag::Errno => {
            let errno = Errno::from_raw(number()?.try_into().map_err(io::Error::other)?);
            Outcome::Errno(Cow::Owned(format!("{errno:?}")))
        }
        Tag::Bytes => {
            let length = number()?.try_into().map_err(io::Error::other)?;
            Outcome::Bytes(take(length)?.iter().copied().map(Byte::Is).collect())
        }
        Tag::Died => {
            let fault =
                Fault::from_bytes(take(Fault::SIZE)?.try_into().map_err(io::Error::other)?).ok_or_else(garbled)?;
            let cause = fault
                .cause()
                .ok_or_else(|| error::other(text!("a process died of {fault}", "一个进程死于 {fault}")))?;
            let page = page_size().try_into().map_err(io::Error::other)?;
            Outcome::Died(cause, Amount::of(fault.address as u64, page))
        }
    })
}
