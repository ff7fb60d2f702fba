//! A power cut at any moment of the learner's code. What the code stores to a mapped file, and which of it it syncs, is followed
//! by ptrace(2). What the disk may hold after a cut follows from that ([`crate::crash`]), and the learner's recovery is tried
//! on each of these states, the simplest first.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashSet};
use std::fs::File;
use std::io;
use std::ops::{ControlFlow, Range};
use std::os::unix::fs::FileExt;
use std::sync::atomic::Ordering;

use nix::libc;
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::mman::ProtFlags;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::ask::ask;
use super::ensure;
use super::failure::{Failure, Verdict};
use super::fixtures::{bytes_in_words, contents};
use super::shared_page::{SharedPage, Step, Walker};
use super::trace::{Call, FileCall, FileId, watch_each};
use crate::crash::{Disk, State, Unit};
use crate::lesson_2::{Mapping, READ_WRITE, Sharing};
use crate::observe::page_size;
use crate::text;
use crate::text::Text;

/// What reaches the disk as a whole, in bytes.
pub const SECTOR: usize = 512;

/// The file's name on the disk.
const NAME: &str = "file";

/// How closely a call is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follow {
    /// From system call to system call: what was stored in between counts as stored at once.
    Calls,
    /// From access to access: each store counts. It takes some 50 microseconds an access.
    Accesses,
    /// The same once it has called msync(2) this often: until then from system call to system call.
    AccessesAfter(usize),
}

/// What happened to the file.
#[derive(Debug, Clone)]
enum Event {
    /// Bytes of a sector were stored, from here on.
    Stored(usize, Vec<u8>),
    /// These bytes are on the disk.
    Synced(Range<usize>),
}

/// What a call did.
#[derive(Debug, Clone, Default)]
struct Done {
    events: Vec<Event>,
    /// How often it called msync(2), fsync(2) or the like, with success or not.
    syncs: usize,
    /// Whether it called msync(2) with MS_ASYNC.
    asks: bool,
    /// Whether it called msync(2) with addresses outside the mapping.
    strays: bool,
    /// Whether its process was killed before it returned.
    killed: bool,
}

/// When the power is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cut {
    /// How many calls have returned, or were killed.
    pub returned: usize,
    /// Whether another one is under way, or was killed and is the last.
    pub under_way: bool,
    /// Which sync it waits for, from 1 on.
    sync: usize,
}

/// A file on a disk, and what calls of the learner's code have done to it, one after the other.
#[derive(Debug, Clone)]
pub struct History {
    /// What was on the disk.
    before: Vec<u8>,
    /// What the page cache has.
    now: Vec<u8>,
    calls: Vec<Done>,
}

/// What is told of the calls of a history.
#[derive(Debug, Clone, Copy)]
pub struct Story<'a> {
    /// The function that is called; where they differ, that of each call.
    pub functions: &'a [&'a str],
    /// The bytes that each call was given.
    pub given: &'a [Vec<u8>],
    /// How many calls there were before the history begins.
    pub before: usize,
}

impl Story<'_> {
    /// The call with this number, from 0 on.
    fn call(&self, n: usize) -> Text {
        let (number, given) = (self.before + n + 1, self.given.get(n).map_or(0, Vec::len));
        let bytes = bytes_in_words(given);
        match self.functions {
            [function] => text!("{function} number {number} ({bytes})", "第 {number} 次 {function}（{bytes}）"; bytes),
            functions => {
                let function = functions.get(n).copied().unwrap_or_default();
                let call = text!("call number {number}, {function}", "第 {number} 次调用 {function}");
                if given == 0 { call } else { text!("{call} ({bytes})", "{call}（{bytes}）"; call, bytes) }
            }
        }
    }
}

impl History {
    /// A file of these bytes, which are on the disk.
    pub fn of(bytes: Vec<u8>) -> History {
        History { now: bytes.clone(), before: bytes, calls: Vec::new() }
    }

    /// A file of which the disk has one thing and the page cache another, after a call, or while it waits for its sync with this
    /// number, from 1 on.
    pub fn in_between(disk: Vec<u8>, now: Vec<u8>, sync: Option<usize>) -> History {
        let mut events = vec![Event::Synced(0..0); sync.map_or(0, |sync| sync - 1)];
        events.extend(stored(&disk, &now));
        let call = Done { events, killed: sync.is_some(), ..Done::default() };
        History { before: disk, now, calls: vec![call] }
    }

    /// What the page cache has: what a process finds if there is no cut.
    pub fn now(&self) -> &[u8] {
        &self.now
    }

    /// How often a call has called msync(2), fsync(2) or the like: the most of all calls.
    pub fn most_syncs(&self) -> usize {
        self.calls.iter().map(|call| call.syncs).max().unwrap_or_default()
    }

    /// How many pages the last call has changed.
    pub fn pages_stored(&self) -> usize {
        let stored = self.calls.last().into_iter().flat_map(|call| &call.events);
        let pages = stored.filter_map(|event| match event {
            Event::Stored(at, _) => Some(at / page_size()),
            Event::Synced(_) => None,
        });
        pages.collect::<HashSet<_>>().len()
    }

    /// Whether the last call has called msync(2) with MS_ASYNC.
    pub fn asks(&self) -> bool {
        self.calls.last().is_some_and(|call| call.asks)
    }

    /// Makes one more call, in a process of its own, which gets the file mapped.
    ///
    /// # Errors
    /// Those of [`watch_each`] and of [`Walker`].
    pub fn call<A>(&mut self, follow: Follow, act: impl Fn(&Mapping) -> A) -> Result<A, Failure>
    where
        A: Serialize + DeserializeOwned,
    {
        let page = SharedPage::with(&self.now)?;
        let recorder = RefCell::new(Recorder::new(&page, &self.now)?);
        let answer = match follow {
            Follow::Calls => {
                let mut noted = 0;
                let seen = watch_each(
                    || act(&page),
                    |before, _| recorder.borrow_mut().at_a_call(before, &mut noted).map(|()| false),
                )?;
                recorder.borrow_mut().at_a_call(&seen.calls, &mut noted)?;
                seen.answer
            }
            Follow::Accesses | Follow::AccessesAfter(_) => {
                let mut walker = Walker::start(&page, || act(&page))?;
                if let Follow::AccessesAfter(syncs) = follow {
                    walker.run_through_syncs(syncs);
                }
                let (pid, recorder) = (walker.pid(), &recorder);
                walker.before_each_call(|_| Ok(recorder.borrow_mut().look()?));
                walker.after_each_call(move |call| {
                    recorder.borrow_mut().called(call, |id| FileId::in_process(pid, call.arguments[0]) == Some(id));
                    Ok(())
                });
                loop {
                    let step = walker.step()?;
                    recorder.borrow_mut().look()?;
                    if let Step::Returned(answer) = step {
                        break answer;
                    }
                }
            }
        };
        self.take(recorder.into_inner());
        // Whether that is ENOMEM depends on what else the process has mapped there.
        ensure(!self.calls.last().is_some_and(|call| call.strays), || {
            Failure::new(
                text!("msync(2) of pages of the mapping alone", "只对映射之内的页调用 msync(2)"),
                text!("its range goes beyond the mapping", "它的范围超出了映射"),
            )
            .breaks(
                "mapping",
                text!(
                    "msync(2): ENOMEM where nothing is mapped; where something is, it is another one's, and is synced too.",
                    "msync(2)：范围里有没映射的地方就返回 ENOMEM；如果那里有映射，也是别的映射，会一并同步。"
                ),
            )
        })?;
        Ok(answer)
    }

    /// Makes one more call, whose process is killed before the sync with this number, from 1 on: what it has stored is in the
    /// page cache. Returns whether there was such a sync; else it is as if the call hadn't been made.
    ///
    /// # Errors
    /// As [`History::call`].
    pub fn kill<A>(&mut self, before: usize, act: impl Fn(&Mapping) -> A) -> Result<bool, Failure>
    where
        A: Serialize + DeserializeOwned,
    {
        let page = SharedPage::with(&self.now)?;
        let mut recorder = Recorder::new(&page, &self.now)?;
        let mut noted = 0;
        let seen = watch_each(
            || act(&page),
            |calls, call| {
                recorder.at_a_call(calls, &mut noted)?;
                let syncs = [libc::SYS_msync, libc::SYS_fsync, libc::SYS_fdatasync].contains(&call.call.number);
                recorder.done.killed = syncs && recorder.done.syncs + 1 == before;
                // An error ends it all.
                ensure(!recorder.done.killed, || io::Error::other("killed").into()).map(|()| false)
            },
        );
        let killed = recorder.done.killed;
        if killed {
            self.take(recorder);
        } else {
            seen?;
        }
        Ok(killed)
    }

    fn take(&mut self, recorder: Recorder) {
        self.now = recorder.now;
        self.calls.push(recorder.done);
    }

    /// The disk before each sync, and after each call.
    fn moments(&self) -> Vec<(Disk, Cut)> {
        let mut disk = Disk::new(SECTOR);
        let file = disk.create(NAME);
        disk.write(file, 0, &self.before);
        disk.sync(file);
        disk.sync_directory();
        let mut moments = Vec::new();
        for (returned, call) in self.calls.iter().enumerate() {
            let mut sync = 1;
            for event in &call.events {
                match event {
                    Event::Stored(at, bytes) => disk.write(file, *at, bytes),
                    Event::Synced(range) => {
                        moments.push((disk.clone(), Cut { returned, under_way: true, sync }));
                        disk.sync_range(file, range.clone());
                        sync += 1;
                    }
                }
            }
            moments.push((
                disk.clone(),
                match call.killed {
                    true => Cut { returned, under_way: true, sync },
                    false => Cut { returned: returned + 1, under_way: false, sync: 0 },
                },
            ));
        }
        moments
    }

    /// Tries what the disk may hold after a cut: at each moment at most `most` states, those first in which next to nothing or
    /// next to all has arrived. `look` runs in a child, and gets the file that was left, mapped for reading. Returns the number
    /// of the states, and whether there were no others.
    ///
    /// # Errors
    /// The first of `look`, or how it ended instead, with the state.
    pub fn try_each(
        &self,
        most: usize,
        story: Story,
        look: impl Fn(&Mapping, Cut) -> Result<(), Failure>,
    ) -> Result<(usize, bool), Failure> {
        let moments = self.moments();
        // Where the child is: the number of the moment and that of the state.
        let progress = Mapping::anonymous(8, READ_WRITE, Sharing::Shared)?;
        let tried = ask(|| {
            let left = Left::new(self.now.len())?;
            let (mut seen, mut states, mut all) = (BTreeSet::new(), 0, true);
            for (n, (disk, cut)) in (0..).zip(&moments) {
                progress.word(0).store(n, Ordering::Relaxed);
                progress.word(4).store(0, Ordering::Relaxed);
                let mut found = Ok(());
                let looked = disk.crash_states(most, |state| {
                    progress.word(4).fetch_add(1, Ordering::Relaxed);
                    let bytes = &state.files[NAME];
                    let is_new = seen.insert((cut.returned, cut.under_way, bytes.clone()));
                    if is_new {
                        found = left.holds(bytes).map_err(Failure::from).and_then(|()| look(&left.to_read, *cut));
                    }
                    if found.is_err() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
                });
                found?;
                states += looked.states;
                all &= looked.at_all;
            }
            Ok((states, all))
        });
        tried.and_then(|tried: Result<_, Failure>| tried).map_err(|failure| {
            if matches!(failure.verdict, Verdict::Todo | Verdict::Broken | Verdict::Skipped) {
                return failure;
            }
            let [moment, nth] = [0, 4].map(|at| progress.word(at).load(Ordering::Relaxed));
            let words = usize::try_from(moment).ok().and_then(|n| moments.get(n)).and_then(|(disk, cut)| {
                let state = nth_state(disk, nth)?;
                Some(self.words(disk, *cut, &state, story))
            });
            match words {
                Some(words) => failure.given(words),
                None => failure,
            }
        })
    }

    /// Different states that the disk may be in after a cut during this call, at most `most` at each moment, with their words.
    pub fn left_during(&self, call: usize, most: usize, story: Story) -> Vec<(Vec<u8>, Text)> {
        let mut left = Vec::new();
        let mut seen = BTreeSet::new();
        for (disk, cut) in self.moments().into_iter().filter(|(_, cut)| cut.under_way && cut.returned == call) {
            disk.crash_states(most, |state| {
                let bytes = state.files[NAME].clone();
                if seen.insert(bytes.clone()) {
                    left.push((bytes, self.words(&disk, cut, state, story)));
                }
                ControlFlow::Continue(())
            });
        }
        left
    }

    /// A state in words: when the power was cut, what had arrived by then, and what hadn't.
    fn words(&self, disk: &Disk, cut: Cut, state: &State, story: Story) -> Text {
        let when = match cut {
            Cut { returned, under_way: true, sync } => {
                let call = story.call(returned);
                text!(
                    "the power is cut during {call}, before its sync number {sync} has returned",
                    "{call}期间断电，它的第 {sync} 次同步还没有返回";
                    call
                )
            }
            Cut { returned, .. } => {
                let call = story.call(returned.saturating_sub(1));
                text!("the power is cut after {call} has returned", "{call}返回之后断电"; call)
            }
        };
        let killed = self.calls.iter().position(|call| call.killed).filter(|n| *n < cut.returned);
        let when = match killed {
            None => when,
            Some(n) => {
                let (call, sync) = (story.call(n), self.calls[n].syncs + 1);
                text!(
                    "the process of {call} is killed before its sync number {sync}; then {when}",
                    "{call}的进程在第 {sync} 次同步之前被杀死；之后，{when}";
                    call,
                    when
                )
            }
        };
        let given = story.given.get(if cut.under_way { cut.returned } else { cut.returned.saturating_sub(1) });
        let given = given.map_or(&[][..], Vec::as_slice);
        let now = disk.cached().remove(NAME).unwrap_or_default();
        let sectors = |units: &[(Unit, usize)]| -> Vec<usize> {
            let at = units.iter().filter_map(|(unit, _)| match unit {
                Unit::Bytes(_, range) => Some(range.start),
                _ => None,
            });
            let mut at: Vec<_> = at.collect();
            at.dedup();
            at
        };
        let (arrived, missing) = (sectors(&state.arrived), sectors(&state.missing));
        let (older, newest): (Vec<_>, Vec<_>) = arrived.into_iter().partition(|at| missing.contains(at));
        let missing = missing.into_iter().filter(|at| !older.contains(at)).collect();
        let classes = [
            (text!("on the disk", "已到磁盘"), newest),
            (
                text!("on the disk as it was in the meantime, after some of its stores", "磁盘上是写到一半时的样子"),
                older,
            ),
            (text!("not on the disk", "未到磁盘"), missing),
        ];
        let mut words = when;
        for (class, sectors) in classes {
            if sectors.is_empty() {
                continue;
            }
            let what = sectors_in_words(&sectors, &now, given);
            words = text!("{words}; {class}: {what}", "{words}；{class}：{what}"; words, class, what);
        }
        words
    }
}

/// Sectors in words, those that follow one another together.
fn sectors_in_words(sectors: &[usize], now: &[u8], given: &[u8]) -> Text {
    let mut ranges: Vec<(Range<usize>, bool)> = Vec::new();
    for at in sectors.iter().copied() {
        let end = (at + SECTOR).min(now.len());
        let has_given = shares(&now[at..end], given);
        match ranges.last_mut() {
            Some((last, has)) if last.end == at && *has == has_given && !at.is_multiple_of(page_size()) => {
                last.end = end
            }
            _ => ranges.push((at..end, has_given)),
        }
    }
    const MOST: usize = 4;
    let others = ranges.len().saturating_sub(MOST);
    let mut words: Option<Text> = None;
    for (range, has_given) in ranges.into_iter().take(MOST) {
        let (page, start, end) = (range.start / page_size(), range.start % page_size(), range.len());
        let end = start + end;
        let what = match has_given {
            true => text!("data of this call", "有这次调用的数据"),
            false => text!("no data of this call", "没有这次调用的数据"),
        };
        let next = text!("{start}..{end} of page {page} ({what})", "第 {page} 页 {start}..{end}（{what}）"; what);
        words = Some(match words {
            None => next,
            Some(words) => text!("{words}, {next}", "{words}、{next}"; words, next),
        });
    }
    let words = words.unwrap_or(text!("", ""));
    if others == 0 { words } else { text!("{words}, and {others} more", "{words}，还有 {others} 处"; words) }
}

/// Whether a sector has some of these bytes: as many as no header has by chance.
fn shares(sector: &[u8], given: &[u8]) -> bool {
    let most = given.len().min(12);
    most > 0 && given.windows(most).step_by(most / 2 + 1).any(|part| sector.windows(most).any(|other| other == part))
}

/// The state with this number, from 1 on.
fn nth_state(disk: &Disk, nth: u32) -> Option<State> {
    let (mut found, mut n) = (None, 0);
    disk.crash_states(usize::MAX, |state| {
        n += 1;
        if n < nth.max(1) {
            return ControlFlow::Continue(());
        }
        found = Some(state.clone());
        ControlFlow::Break(())
    });
    found
}

/// What was stored, sector by sector, where the page cache had one thing and now has another.
fn stored(before: &[u8], now: &[u8]) -> Vec<Event> {
    let sectors = before.chunks(SECTOR).zip(now.chunks(SECTOR)).enumerate().filter(|(_, (before, now))| before != now);
    let of_sector = |(n, (before, now)): (usize, (&[u8], &[u8]))| {
        let differs = |at: &usize| before[*at] != now[*at];
        let (first, last) = ((0..now.len()).find(differs)?, (0..now.len()).rfind(differs)?);
        Some(Event::Stored(n * SECTOR + first, now[first..=last].to_vec()))
    };
    sectors.filter_map(of_sector).collect()
}

/// What a cut has left, as a file in memory.
struct Left {
    page: File,
    to_read: Mapping,
}

impl Left {
    fn new(length: usize) -> io::Result<Left> {
        let page = File::from(memfd_create("left", MFdFlags::MFD_CLOEXEC)?);
        page.write_all_at(&vec![0; length], 0)?;
        let to_read = Mapping::of_file(&page, 0, length, ProtFlags::PROT_READ, Sharing::Shared)?;
        Ok(Left { page, to_read })
    }

    fn holds(&self, bytes: &[u8]) -> io::Result<()> {
        self.page.write_all_at(bytes, 0)
    }
}

/// Notes what happens to the file.
struct Recorder<'a> {
    file: &'a File,
    id: FileId,
    /// Where the file is mapped.
    mapped: Range<usize>,
    now: Vec<u8>,
    done: Done,
}

impl<'a> Recorder<'a> {
    fn new(page: &'a SharedPage, now: &[u8]) -> io::Result<Recorder<'a>> {
        let file = page.file();
        Ok(Recorder { file, id: FileId::of(file)?, mapped: page.range(), now: now.to_vec(), done: Done::default() })
    }

    /// At the entry of a call, or at the end: what the calls before have done, of which some were noted, and what was stored
    /// since the last.
    fn at_a_call(&mut self, calls: &[FileCall], noted: &mut usize) -> Result<(), Failure> {
        for call in &calls[*noted..] {
            self.called(&call.call, |id| call.names(0, id));
        }
        *noted = calls.len();
        Ok(self.look()?)
    }

    /// Notes what was stored since.
    fn look(&mut self) -> io::Result<()> {
        let mut found = contents(self.file)?;
        // Nobody has been asked to change the size.
        found.resize(self.now.len(), 0);
        if found == self.now {
            return Ok(());
        }
        self.done.events.extend(stored(&self.now, &found));
        self.now = found;
        Ok(())
    }

    /// Notes a system call that has returned. `names` says whether its first argument is a descriptor of a file.
    fn called(&mut self, call: &Call, names: impl Fn(FileId) -> bool) {
        let Call { number, arguments: [start, length, flags, ..], answer } = *call;
        let has = |flag: libc::c_int| flags & u64::from(flag.unsigned_abs()) != 0;
        let synced = match number {
            libc::SYS_msync => {
                self.done.syncs += 1;
                self.done.asks |= has(libc::MS_ASYNC);
                self.done.strays |= length > 0 && !self.has(start, length);
                has(libc::MS_SYNC).then(|| self.in_file(start, length))
            }
            libc::SYS_fsync | libc::SYS_fdatasync if names(self.id) => {
                self.done.syncs += 1;
                Some(0..self.now.len())
            }
            _ => None,
        };
        if let Some(range) = synced.filter(|range| answer == 0 && !range.is_empty()) {
            self.done.events.push(Event::Synced(range));
        }
    }

    /// The pages of these addresses.
    fn pages(start: u64, length: u64) -> Range<usize> {
        let [start, length] = [start, length].map(|n| usize::try_from(n).unwrap_or(usize::MAX));
        start..start.saturating_add(length.checked_next_multiple_of(page_size()).unwrap_or(usize::MAX))
    }

    /// Whether the file is mapped at all of these addresses.
    fn has(&self, start: u64, length: u64) -> bool {
        let Range { start, end } = Self::pages(start, length);
        self.mapped.start <= start && end <= self.mapped.end
    }

    /// Which bytes of the file the pages of these addresses show.
    fn in_file(&self, start: u64, length: u64) -> Range<usize> {
        let Range { start, end } = Self::pages(start, length);
        let inside = |at: usize| at.clamp(self.mapped.start, self.mapped.end) - self.mapped.start;
        inside(start)..inside(end)
    }
}
