//! What differs between file systems, as far as the lines of a scenario can tell.

use alloc::format;
use core::mem::discriminant;

use super::*;
use crate::text;
use crate::text::Text;

/// A file system, described by what a scenario can tell of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileSystem {
    /// What becomes of bytes that were stored past the end of a file when the file grows.
    pub past_the_end: PastTheEnd,
    /// Whether files can be mapped with MAP_SHARED; otherwise mmap(2) fails with ENODEV.
    pub shared_mappings: bool,
    /// The errno of a seal on a file that has a name.
    pub refuses_seals_with: &'static str,
    /// Whether its files can be executed; otherwise it is mounted with `noexec`.
    pub executable: bool,
    /// Whether fallocate(2) can zero a range (FALLOC_FL_ZERO_RANGE).
    pub zeroes: bool,
    /// Whether fallocate(2) can take a range out of a file (FALLOC_FL_COLLAPSE_RANGE).
    pub collapsing: Collapsing,
    /// Which store to a shared mapping marks st_mtime.
    pub marking: Marking,
    /// Whether there is a disk, which a power cut leaves.
    pub on_disk: bool,
}

/// What becomes of private copies of the pages that a FALLOC_FL_COLLAPSE_RANGE takes away or moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Collapsing {
    /// There is no such thing: EOPNOTSUPP.
    Refused,
    /// All from the range on are lost.
    DropsCopies,
    /// Only those past the new end are lost, as at a truncation.
    KeepsCopies,
}

/// Which store to a shared mapping marks st_mtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Marking {
    /// The first one to each page, also where the page was loaded from before.
    EachPage,
    /// Only one to a page that has not been accessed through the mapping.
    FirstTouch,
    /// That isn't known: it may be marked when the page is written, at any moment.
    Open,
}

/// What becomes of bytes that were stored past the end of a file when the file grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PastTheEnd {
    /// They become zeros. The file system may zero them earlier: when it writes the page to its disk.
    Zeroed,
    /// They become bytes of the file.
    Kept,
    /// The one or the other: zeros if the page has been written to the disk before the file grows.
    Open,
}

impl FileSystem {
    /// ext4.
    pub const DISK: FileSystem = FileSystem {
        past_the_end: PastTheEnd::Zeroed,
        shared_mappings: true,
        refuses_seals_with: "EINVAL",
        executable: true,
        zeroes: true,
        collapsing: Collapsing::DropsCopies,
        marking: Marking::EachPage,
        on_disk: true,
    };
    /// xfs.
    pub const XFS: FileSystem = FileSystem { collapsing: Collapsing::KeepsCopies, ..FileSystem::DISK };
    /// btrfs.
    pub const BTRFS: FileSystem = FileSystem { collapsing: Collapsing::Refused, ..FileSystem::DISK };
    /// tmpfs, and the files of memfd_create(2), which have no name.
    pub const MEMORY: FileSystem = FileSystem {
        past_the_end: PastTheEnd::Kept,
        shared_mappings: true,
        refuses_seals_with: "EPERM",
        executable: true,
        zeroes: false,
        collapsing: Collapsing::Refused,
        marking: Marking::FirstTouch,
        on_disk: false,
    };
}

/// What a scenario is played on, as far as its outcomes depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Setting {
    /// In bytes.
    pub page_size: u32,
    /// The file system of the files that have names.
    pub named: FileSystem,
    /// That of the files of memfd_create(2).
    pub memory: FileSystem,
    /// How many bytes a process may lock (RLIMIT_MEMLOCK).
    pub lockable: u64,
    /// Where the kernel knows guard pages.
    pub guards: Guards,
}

/// Where the kernel knows guard pages (MADV_GUARD_INSTALL).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Guards {
    /// Nowhere: before Linux 6.13.
    None,
    /// In private anonymous memory: before Linux 6.15.
    AnonymousMemory,
    /// In all mappings.
    All,
}

impl Setting {
    /// Files on a disk, and files in memory, on a kernel of today.
    pub const fn new(page_size: u32) -> Setting {
        let (named, memory) = (FileSystem::DISK, FileSystem::MEMORY);
        Setting { page_size, named, memory, lockable: u64::MAX, guards: Guards::All }
    }
}

/// The model where the named files are on a file system of another kind. The kinds are those that most machines have:
/// that FUSE with direct I/O refuses shared mappings could be said of nearly every scenario.
///
/// ```
/// # use mmap_workbook::model::{Elsewhere, Model, Setting};
/// # use mmap_workbook::scenario::Scenario;
/// let text = "A create f 10\nA open d f rw\nA map m d shared rw 0 1p\nA store m 20 \"x\"\nA truncate d 30\nA read d 20 1";
/// let setting = Setting::new(4096);
/// let (mut here, mut elsewhere) = (Model::on(&setting), Elsewhere::than(&setting));
/// let mut outcomes = Vec::new();
/// for line in &Scenario::parse(text)?.0 {
///     let (outcome, _) = here.step(line.process, &line.operation);
///     outcomes = elsewhere.step_as(line.process, &line.operation, &outcome, &outcome);
/// }
/// let [other] = &outcomes[..] else { panic!("{outcomes:?}") };
/// assert_eq!((&*other.names.en, &*other.outcome.to_string()), ("tmpfs", "\"x\""));
/// # Ok::<(), mmap_workbook::scenario::Problem>(())
/// ```
#[derive(Debug, Clone)]
pub struct Elsewhere(Vec<(&'static str, Model)>);

/// What other file systems give for a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Other {
    /// Their names, in a sentence.
    pub names: Text,
    /// What they give.
    pub outcome: Outcome,
    /// The rule that explains it there.
    pub rule: Rule,
}

impl Elsewhere {
    /// On the other kinds than that of `here`.
    pub fn than(here: &Setting) -> Elsewhere {
        let kinds = [
            ("ext4", FileSystem::DISK),
            ("xfs", FileSystem::XFS),
            ("btrfs", FileSystem::BTRFS),
            ("tmpfs", FileSystem::MEMORY),
        ];
        // How it is mounted doesn't make a file system another one.
        let kinds = kinds.map(|(name, kind)| (name, FileSystem { executable: here.named.executable, ..kind }));
        let others = kinds.into_iter().filter(|(_, kind)| *kind != here.named);
        Elsewhere(others.map(|(name, named)| (name, Model::on(&Setting { named, ..*here }))).collect())
    }

    /// Performs a line, as [`Model::step_as`]: the outcomes that are not that of the model here. A kind is dropped once a call fails or a process dies only there, or only here.
    pub fn step_as(&mut self, process: Pid, operation: &Operation, happened: &Outcome, here: &Outcome) -> Vec<Other> {
        let mut others: Vec<(Vec<&str>, Outcome, Rule)> = Vec::new();
        self.0.retain_mut(|(name, model)| {
            let (outcome, rule) = model.step_as(process, operation, happened);
            let goes_on = discriminant(&outcome) == discriminant(here);
            if outcome != *here {
                match others.iter_mut().find(|(_, other, _)| *other == outcome) {
                    Some((names, ..)) => names.push(name),
                    None => others.push((vec![name], outcome, rule)),
                }
            }
            goes_on
        });
        let listed = |names: Vec<&str>| match &names[..] {
            [names @ .., last] if !names.is_empty() => {
                let (en, zh) = (names.join(", "), names.join("、"));
                text!("{en} and {last}", "{zh} 和 {last}")
            }
            _ => Text::new(names.concat(), names.concat()),
        };
        others.into_iter().map(|(names, outcome, rule)| Other { names: listed(names), outcome, rule }).collect()
    }
}

impl Model {
    /// That of a file.
    pub(super) fn file_system(&self, file: FileId) -> FileSystem {
        if self.files[&file].seals.is_some() { self.memory } else { self.named }
    }

    /// Whether bytes that are stored past the end of the file stay there.
    pub(super) fn keeps_stores(&self, file: FileId) -> bool {
        self.file_system(file).past_the_end == PastTheEnd::Kept
    }

    /// Settles what a file that grows to `size` shows where bytes were stored past its end. Returns whether any were.
    pub(super) fn uncover(&mut self, file: FileId, size: u64) -> bool {
        let (before, kind) = (self.files[&file].size, self.file_system(file).past_the_end);
        let bytes = self.get(file, before, size.min(before.next_multiple_of(u64::from(self.page_size))));
        if bytes.iter().all(|byte| *byte == Byte::Is(0)) {
            return false;
        }
        if kind == PastTheEnd::Open {
            return true;
        }
        let keeps = (kind == PastTheEnd::Kept) == self.applies(Rule::GrowingUncoversStores);
        for (at, byte) in (before..).zip(bytes) {
            let becomes = match byte {
                Byte::Either(stored, _) if keeps => Byte::Is(stored),
                // With its rule denied, a truncation has left it there: it comes back on each file system.
                Byte::Is(_) if kind == PastTheEnd::Zeroed => byte,
                _ if keeps => byte,
                _ => Byte::Is(0),
            };
            self.set(file, at, becomes);
        }
        true
    }
}
