//! Ways to commit to a mapped file: what each leaves of a record when the power is cut, and what it costs.
//!
//! [`WAYS`] has those that are sound beside those that leave something out. Each is tried on every crash state
//! ([`Way::tried`]); [`costs`] counts what the sound ones send to the disk. [`Shadow`] and [`replace`] are two more of those
//! beside [`Slots`] and [`Log`].

use std::fs::File;
use std::io;
use std::mem::take;
use std::ops::Range;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::posix_fallocate;

use super::{
    Commit, HEADER, Log, Medium, NAME, Recording, Slots, Tried, bad_states, entry_at, header, last_commit, replay,
    settle, slot,
};
use crate::crash::{State, Step, Unit};
use crate::lesson_2::{Mapping, READ_WRITE, Sharing};
use crate::lesson_7::sectors_written;
use crate::observe::page_size;
use crate::text;
use crate::text::{Language, Text};

// ANCHOR: shadow
/// Pages, of which several change at once, or none. Each has two places. The root says which of the two counts; a transaction
/// writes to the other places, waits until they are on the disk, and only then replaces the root, which has two places itself.
#[derive(Debug)]
pub struct Shadow<M> {
    medium: M,
    page: usize,
    root: Root,
}

/// The number of a transaction, and for each page which of its two places counts.
type Root = (u64, Vec<u8>);

impl<M: Medium> Shadow<M> {
    /// Opens it, in pages of this many bytes, as the last transaction has left it.
    ///
    /// # Errors
    /// Those of [`Medium::sync`].
    pub fn open(mut medium: M, page: usize) -> io::Result<Shadow<M>> {
        let root = last_root(&medium, page);
        if root.0 > 0 {
            // The pages that it has replaced are overwritten next.
            settle(&mut medium, root_place(page, root.0))?;
        }
        Ok(Shadow { root, medium, page })
    }

    // ANCHOR: transaction
    /// Replaces these pages. When this returns, all of them survive a power cut; before, all of the old ones do.
    ///
    /// # Errors
    /// EINVAL when there is no such page, or when bytes are longer than one. Those of [`Medium::sync`].
    // ANCHOR: transaction_fn
    pub fn transaction(&mut self, changes: &[(usize, &[u8])]) -> io::Result<()> {
        let (number, mut places) = (self.root.0 + 1, self.root.1.clone());
        if changes.iter().any(|(page, bytes)| *page >= places.len() || bytes.len() > self.page) {
            return Err(Errno::EINVAL.into());
        }
        for &(page, bytes) in changes {
            places[page] = 1 - self.root.1[page];
            let at = place(self.page, page, places[page]).start;
            self.medium.store(at, bytes);
            self.medium.store(at + bytes.len(), &vec![0; self.page - bytes.len()]);
        }
        // The order counts: a root that is on the disk must not name a page that isn't.
        self.medium.sync(2 * self.page..self.medium.length())?;
        let root = root_place(self.page, number);
        self.medium.store(root.start, &[&header(number, &places)[..], &places].concat());
        self.medium.sync(root)?;
        self.root = (number, places);
        Ok(())
    }
    // ANCHOR_END: transaction_fn
    // ANCHOR_END: transaction

    /// The medium.
    pub fn medium(&mut self) -> &mut M {
        &mut self.medium
    }
}

/// The bytes of each page, as the last transaction has left them.
pub fn pages(medium: &impl Medium, page: usize) -> Vec<Vec<u8>> {
    let load = |(n, which): (usize, &u8)| {
        let mut bytes = vec![0; page];
        medium.load(place(page, n, *which).start, &mut bytes);
        bytes
    };
    last_root(medium, page).1.iter().enumerate().map(load).collect()
}

/// Before the first transaction, the first place of each page counts.
fn last_root(medium: &impl Medium, page: usize) -> Root {
    // The root has a byte for each page.
    let pages = ((medium.length() / page).saturating_sub(2) / 2).min(page.saturating_sub(HEADER));
    let roots = [0, 1].into_iter().filter_map(|number| entry_at(medium, root_place(page, number)));
    roots.max().unwrap_or_else(|| (0, vec![0; pages]))
}

fn root_place(page: usize, number: u64) -> Range<usize> {
    if number.is_multiple_of(2) { 0..page } else { page..2 * page }
}

fn place(page: usize, number: usize, which: u8) -> Range<usize> {
    let at = 2 + 2 * number + usize::from(which);
    at * page..(at + 1) * page
}
// ANCHOR_END: shadow

// ANCHOR: replace
/// A new file, filled through a mapping, takes the place of the file at `path`, which must exist. When this returns, the new
/// one survives a power cut; before, the old one or the new one does, whole.
///
/// # Errors
/// Those of the calls. ENOSPC before anything is stored: a store to a hole on a full disk would be a bus error.
// ANCHOR: replace_fn
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let path = path.canonicalize()?;
    let parent = path.parent().ok_or(Errno::EISDIR)?;
    let directory = File::open(parent)?;
    let new = tempfile::Builder::new().prefix(".new").tempfile_in(parent)?;
    if !bytes.is_empty() {
        posix_fallocate(new.as_file(), 0, i64::try_from(bytes.len()).map_err(io::Error::other)?)?;
        Mapping::of_file(new.as_file(), 0, bytes.len(), READ_WRITE, Sharing::Shared)?.write(0, bytes);
    }
    new.as_file().set_permissions(path.metadata()?.permissions())?;
    // The bytes, the size and the mode of the new file, then its name.
    new.as_file().sync_all()?;
    new.persist(&path).map_err(|error| error.error)?;
    directory.sync_all()
}
// ANCHOR_END: replace_fn
// ANCHOR_END: replace

impl Recording {
    /// What a replacement by a new file and rename(2) does to the disk; `synced` says whether the file is before, and whether
    /// the directory is afterwards.
    fn replace(&mut self, bytes: &[u8], synced: [bool; 2]) {
        let file = self.disk.create("new");
        self.note();
        self.disk.truncate(file, bytes.len());
        self.note();
        self.disk.write(file, 0, bytes);
        self.note();
        if synced[0] {
            self.disk.sync(file);
            self.note();
        }
        self.disk.rename("new", NAME);
        self.note();
        if synced[1] {
            self.disk.sync_directory();
            self.note();
        }
    }
}

// ANCHOR: tried
/// A way to commit.
pub struct Way {
    /// What it is called.
    pub name: Text,
    commit: fn(&mut Recording, u64, &[u8]) -> io::Result<()>,
    recover: fn(&Vec<u8>) -> Option<Commit>,
}

impl Way {
    /// Commits three times in this way, and tries the recovery on each crash state: the last commit that has returned is there,
    /// or the next one.
    ///
    /// # Errors
    /// None of a recording's.
    pub fn tried(&self) -> io::Result<Tried> {
        let mut medium = Recording::new(2 * SLOT, SECTOR);
        for number in 1..=3 {
            (self.commit)(&mut medium, number, &record(number))?;
            medium.returned();
        }
        Ok(bad_states(&medium, |bytes, returned| match (self.recover)(bytes) {
            None => returned == 0,
            Some((number, bytes)) => is_next(returned, number) && bytes == record(number),
        }))
    }
}

/// Whether a commit may be the last one that is left: the last that has returned, or the one after.
fn is_next(returned: usize, number: u64) -> bool {
    usize::try_from(number).is_ok_and(|number| (returned..=returned + 1).contains(&number))
}

/// The sectors here are small, so that a record has several.
const SECTOR: usize = 16;
const SLOT: usize = 128;

/// The bytes of a commit.
fn record(number: u64) -> Vec<u8> {
    vec![u8::try_from(number).unwrap_or_default(); 40]
}
// ANCHOR_END: tried

// ANCHOR: ways
/// Ways to commit that are sound, and ways that leave something out. Where nothing else is said, the slots are used in turn, and
/// the recovery believes a header whose checksum is right.
pub const WAYS: [Way; 10] = [
    Way {
        name: Text::fixed("a checksum, one msync", "有校验和，一次 msync"),
        commit: |medium, number, bytes| {
            let at = slot(medium, number).start;
            medium.store(at, &header(number, bytes));
            medium.store(at + HEADER, bytes);
            medium.sync(at..at + HEADER + bytes.len())
        },
        recover: last_commit,
    },
    Way {
        name: Text::fixed("data, msync, header, msync", "数据、msync、头部、msync"),
        commit: |medium, number, bytes| {
            let at = slot(medium, number).start;
            medium.store(at + HEADER, bytes);
            medium.sync(at + HEADER..at + HEADER + bytes.len())?;
            medium.store(at, &header(number, bytes));
            medium.sync(at..at + HEADER)
        },
        recover: |bytes| without_a_checksum(bytes),
    },
    Way {
        name: Text::fixed("file, fsync, rename, fsync", "新文件、fsync、改名、fsync"),
        commit: |medium, number, bytes| {
            medium.replace(&entry(number, bytes), [true, true]);
            Ok(())
        },
        recover: |bytes| entry_at(bytes, 0..bytes.len()),
    },
    Way {
        name: Text::fixed("no msync", "没有 msync"),
        commit: |medium, number, bytes| {
            let at = slot(medium, number).start;
            medium.store(at, &header(number, bytes));
            medium.store(at + HEADER, bytes);
            Ok(())
        },
        recover: last_commit,
    },
    Way {
        name: Text::fixed("one msync, no checksum", "一次 msync，没有校验和"),
        commit: |medium, number, bytes| {
            let at = slot(medium, number).start;
            medium.store(at + HEADER, bytes);
            medium.store(at, &header(number, bytes));
            medium.sync(at..at + HEADER + bytes.len())
        },
        recover: |bytes| without_a_checksum(bytes),
    },
    Way {
        name: Text::fixed("header, msync, data, msync", "头部、msync、数据、msync"),
        commit: |medium, number, bytes| {
            let at = slot(medium, number).start;
            medium.store(at, &header(number, bytes));
            medium.sync(at..at + HEADER)?;
            medium.store(at + HEADER, bytes);
            medium.sync(at + HEADER..at + HEADER + bytes.len())
        },
        recover: |bytes| without_a_checksum(bytes),
    },
    Way {
        name: Text::fixed("msync of the header only", "只对头部 msync"),
        commit: |medium, number, bytes| {
            let at = slot(medium, number).start;
            medium.store(at + HEADER, bytes);
            medium.store(at, &header(number, bytes));
            medium.sync(at..at + 1)
        },
        recover: last_commit,
    },
    Way {
        name: Text::fixed("always the same slot", "总用同一个槽"),
        commit: |medium, number, bytes| {
            let at = slot(medium, 0).start;
            medium.store(at, &header(number, bytes));
            medium.store(at + HEADER, bytes);
            medium.sync(at..at + HEADER + bytes.len())
        },
        recover: last_commit,
    },
    Way {
        name: Text::fixed("file, rename, fsync", "新文件、改名、fsync"),
        commit: |medium, number, bytes| {
            medium.replace(&entry(number, bytes), [false, true]);
            Ok(())
        },
        recover: |bytes| entry_at(bytes, 0..bytes.len()),
    },
    Way {
        name: Text::fixed("file, fsync, rename", "新文件、fsync、改名"),
        commit: |medium, number, bytes| {
            medium.replace(&entry(number, bytes), [true, false]);
            Ok(())
        },
        recover: |bytes| entry_at(bytes, 0..bytes.len()),
    },
];

fn entry(number: u64, bytes: &[u8]) -> Vec<u8> {
    [&header(number, bytes)[..], bytes].concat()
}

/// As [`last_commit`], but it believes each header: its first sector has the number and the length.
fn without_a_checksum(medium: &[u8]) -> Option<Commit> {
    let number = |at: usize| u64::from_le_bytes(medium[at..at + 8].try_into().unwrap_or_default());
    let commit = |at: usize| {
        let length = usize::try_from(number(at + 8)).ok().filter(|length| *length <= SLOT - HEADER)?;
        Some((number(at), medium[at + HEADER..at + HEADER + length].to_vec()))
    };
    [0, SLOT].into_iter().filter_map(commit).filter(|(number, _)| *number > 0).max()
}
// ANCHOR_END: ways

/// A log to which three entries are appended: all that have returned are there, and perhaps the next.
///
/// # Errors
/// None of a recording's.
pub fn tried_log() -> io::Result<Tried> {
    let (mut log, entries) = (Log::open(Recording::new(2 * SLOT, SECTOR))?, [1, 2, 3].map(record));
    for entry in &entries {
        log.append(entry)?;
        log.medium().returned();
    }
    Ok(bad_states(log.medium(), |bytes, returned| {
        let found = replay(bytes);
        (returned..=returned + 1).contains(&found.len()) && found[..] == entries[..found.len()]
    }))
}

/// Three transactions by shadow pages, of two pages each: the pages are as one of them has left them, the last that has returned
/// or the next.
///
/// # Errors
/// None of a recording's.
pub fn tried_shadow() -> io::Result<Tried> {
    let page = 2 * SECTOR;
    let mut shadow = Shadow::open(Recording::new(8 * page, SECTOR), page)?;
    let mut versions = vec![pages(shadow.medium(), page)];
    for number in 1..=3 {
        let bytes = &record(number)[..page];
        shadow.transaction(&[(0, bytes), (1 + usize::from(number == 2), bytes)])?;
        shadow.medium().returned();
        versions.push(pages(shadow.medium(), page));
    }
    Ok(bad_states(shadow.medium(), |bytes, returned| {
        let found = pages(bytes, page);
        versions.iter().skip(returned).take(2).any(|version| *version == found)
    }))
}

// ANCHOR: costs
/// What a way costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Costs {
    /// What the way is called.
    pub name: Text,
    /// How many calls of msync(2) and fsync(2) a commit makes.
    pub syncs: usize,
    /// The bytes that one wrote to the device on average, where that can be seen ([`sectors_written`]): by whomever, so the device
    /// has to be quiet.
    pub written: Option<u64>,
}

/// The number of commits that [`costs`] takes the average of.
const COMMITS: u8 = 16;

/// What a commit of 64 bytes costs by each sound way, to a file in this directory.
///
/// # Errors
/// Those of the calls.
pub fn costs(directory: &Path) -> io::Result<Vec<Costs>> {
    let file = tempfile::tempfile_in(directory)?;
    let length = 16 * page_size();
    file.set_len(length as u64)?;
    let mapped = || -> io::Result<_> {
        let mapping = Mapping::of_file(&file, 0, length, READ_WRITE, Sharing::Shared)?;
        // Of the ways before nothing is left, and each page has its place on the disk.
        mapping.write(0, &vec![0; length]);
        file.sync_all()?;
        Ok(Counted { medium: mapping, syncs: 0 })
    };
    let measured = |name: Text, commit: &mut dyn FnMut(&[u8]) -> io::Result<usize>| {
        let (before, mut syncs) = (sectors_written(&file)?, 0);
        for number in 1..=COMMITS {
            syncs = commit(&[number; 64])?;
        }
        let sectors = sectors_written(&file)?.zip(before);
        Ok::<_, io::Error>(Costs {
            name,
            syncs,
            written: sectors.map(|(after, before)| (after - before) * 512 / u64::from(COMMITS)),
        })
    };
    let mut slots = Slots::open(mapped()?)?;
    let by_slots = measured(text!("two slots", "两个槽"), &mut |bytes| {
        slots.commit(bytes)?;
        Ok(take(&mut slots.medium().syncs))
    })?;
    let mut log = Log::open(mapped()?)?;
    let by_log = measured(text!("a log", "日志"), &mut |bytes| {
        log.append(bytes)?;
        Ok(take(&mut log.medium().syncs))
    })?;
    let mut shadow = Shadow::open(mapped()?, page_size())?;
    let by_shadow = measured(text!("shadow pages, two of them", "影子页，一次两页"), &mut |bytes| {
        shadow.transaction(&[(0, bytes), (2, bytes)])?;
        Ok(take(&mut shadow.medium().syncs))
    })?;
    let named = tempfile::NamedTempFile::new_in(directory)?;
    let by_name = measured(text!("a new file and rename", "新文件加改名"), &mut |bytes| {
        replace(named.path(), bytes)?;
        Ok(2)
    })?;
    Ok(vec![by_slots, by_log, by_shadow, by_name])
}

/// A medium whose syncs are counted.
#[derive(Debug)]
struct Counted<M> {
    medium: M,
    syncs: usize,
}

impl<M: Medium> Medium for Counted<M> {
    fn length(&self) -> usize {
        self.medium.length()
    }

    fn load(&self, at: usize, into: &mut [u8]) {
        self.medium.load(at, into);
    }

    fn store(&mut self, at: usize, bytes: &[u8]) {
        self.medium.store(at, bytes);
    }

    fn sync(&mut self, range: Range<usize>) -> io::Result<()> {
        self.syncs += 1;
        self.medium.sync(range)
    }
}
// ANCHOR_END: costs

// ANCHOR: in_words
/// What had arrived when the power was cut, and what hadn't: bytes of the file, its size, names.
pub fn in_words(state: &State) -> Text {
    let (arrived, missing) = (listed(&state.arrived), listed(&state.missing));
    match (state.arrived.is_empty(), state.missing.is_empty()) {
        (true, _) => text!("nothing had arrived of {missing}", "{missing}都没有到磁盘"; missing),
        (_, true) => text!("all had arrived, {arrived}", "全都到了磁盘：{arrived}"; arrived),
        _ => text!("{arrived} had arrived, {missing} had not", "{arrived}到了磁盘，{missing}没有"; arrived, missing),
    }
}

/// These units, those that follow each other as one.
fn listed(units: &[(Unit, Step)]) -> Text {
    let (mut ranges, mut others): (Vec<Range<usize>>, Vec<Text>) = (Vec::new(), Vec::new());
    for (unit, _) in units {
        match unit {
            Unit::Bytes(_, range) => match ranges.last_mut() {
                Some(last) if last.contains(&range.start) || last.end == range.start => last.end = range.end,
                _ => ranges.push(range.clone()),
            },
            Unit::Size(_) => others.push(text!("the size", "大小")),
            Unit::Name(name) => others.push(text!("the name {name}", "{name} 这个名字")),
        }
    }
    let bytes = |range: &Range<usize>| {
        let Range { start, end } = range;
        text!("bytes {start} to {end}", "第 {start} 到 {end} 字节")
    };
    let mut all: Vec<Text> = ranges.iter().map(bytes).collect();
    for other in others {
        // Each moment of one since the last sync is listed.
        if !all.contains(&other) {
            all.push(other);
        }
    }
    let joined =
        |join: &str, language| all.iter().map(|text| text.in_language(language)).collect::<Vec<_>>().join(join);
    Text::new(joined(", ", Language::English), joined("、", Language::Chinese))
}
// ANCHOR_END: in_words
