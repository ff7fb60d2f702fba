//! The state of the model, for a reader: the page cache, and each process's mappings page by page.

use alloc::vec::Vec;

use super::{Area, FileId, Model};
use crate::scenario::{Access, Byte, Name, Pid, Protection, Seal};

/// The files and the processes at one moment.
///
/// ```
/// # use mmap_workbook::model::{Backing, Model};
/// # use mmap_workbook::scenario::{Backend, Scenario};
/// let mut model = Model::new(4096);
/// let Ok(_) = model.play(&Scenario::parse("A create f 1\nA open d f rw\nA map m d shared rw 0 2p")?);
/// let pages = &model.state().processes[0].mappings[0].pages;
/// let backing = |page: usize| pages[page].as_ref().map(|page| &page.backing);
/// assert_eq!([backing(0), backing(1)], [Some(&Backing::File), Some(&Backing::PastTheEnd)]);
/// # Ok::<(), mmap_workbook::scenario::Problem>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// The files that are still referenced, in the order in which they were made.
    pub files: Vec<FileState>,
    /// The processes.
    pub processes: Vec<ProcessState>,
    /// What the disk may have.
    pub disk: DiskState,
}

/// What may be on the disk: after a power cut it is left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskState {
    /// The names, and the number of the file that each may lead to; None where there may be no such name.
    pub names: Vec<(Name, Vec<Option<u32>>)>,
    /// The files that have, or had, a name.
    pub files: Vec<FileOnDisk>,
    /// How many disks there may be that differ in names or sizes: more than one only after a power cut. Files and processes
    /// are drawn as on the first of them, to which the newest of all has come.
    pub disks: usize,
}

/// What the disk may have of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileOnDisk {
    /// Its number: [`FileState::number`].
    pub number: u32,
    /// The sizes that it may have in bytes, in their order.
    pub sizes: Vec<u64>,
    /// The pages up to the largest of these sizes, as those of a [`FileState`].
    pub pages: Vec<Option<Vec<Byte>>>,
}

/// A file, and its pages in the page cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileState {
    /// Its number, which it keeps: how many files were made before, and it.
    pub number: u32,
    /// Its names.
    pub names: Vec<Name>,
    /// Its size in bytes.
    pub size: u64,
    /// The pages up to its end; None for one that is all zeros and was never stored to.
    pub pages: Vec<Option<Vec<Byte>>>,
    /// Its seals.
    pub seals: Vec<Seal>,
    /// Whether it is the memory of a shared anonymous mapping, which is a file to the kernel.
    pub anonymous: bool,
}

/// A process, and what it has open and mapped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessState {
    /// Its letter.
    pub process: Pid,
    /// Its descriptors: the name, the file (its index in [`State::files`]), and the access.
    pub descriptors: Vec<(Name, usize, Access)>,
    /// Its mappings.
    pub mappings: Vec<MappingState>,
}

/// A mapping: addresses, and what is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappingState {
    /// Its name.
    pub name: Name,
    /// Its length in bytes, as it was asked for.
    pub length: u64,
    /// Page by page; None where nothing is mapped.
    pub pages: Vec<Option<PageState>>,
}

/// A page of a mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageState {
    /// Which accesses it allows.
    pub protection: Protection,
    /// Whether it is shared.
    pub shared: bool,
    /// The file (its index in [`State::files`]), and the number of its page; None for private anonymous memory.
    pub file: Option<(usize, u64)>,
    /// Whether it is locked.
    pub locked: bool,
    /// Whether it is left out of the children (MADV_DONTFORK).
    pub left_at_fork: bool,
    /// Whether children have zeros there (MADV_WIPEONFORK).
    pub wiped_at_fork: bool,
    /// What an access finds.
    pub backing: Backing,
}

/// What a page of a mapping shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Backing {
    /// The file's page.
    File,
    /// No page: it starts at or past the file's end.
    PastTheEnd,
    /// A private copy: its number, which it keeps, and its bytes. Two processes may have the same one until one of them
    /// stores.
    Copy(u32, Vec<Byte>),
    /// Anonymous memory that was never stored to.
    Zeros,
    /// A guard page: each access faults.
    Guard,
}

impl Model {
    /// The state at this moment.
    pub fn state(&self) -> State {
        let numbers: Vec<FileId> = self.files.keys().copied().filter(|file| self.is_held(*file)).collect();
        let place = |file: FileId| numbers.iter().position(|other| *other == file).unwrap_or(usize::MAX);
        let page_size = u64::from(self.page_size);
        let cached = |file: FileId| {
            let of = &self.files[&file];
            let pages = 0..of.size.div_ceil(page_size);
            FileState {
                number: file + 1,
                names: self.names.iter().filter(|(_, other)| **other == file).map(|(name, _)| *name).collect(),
                size: of.size,
                pages: pages.map(|n| of.pages.get(&n).map(|page| page.bytes(0..page.len()).to_vec())).collect(),
                seals: of.seals.iter().flatten().copied().collect(),
                anonymous: of.anonymous,
            }
        };
        let mut processes = Vec::new();
        for (process, has) in &self.processes {
            let mut mappings = Vec::new();
            for (name, mapping) in has.mappings.iter().filter(|(_, mapping)| !mapping.gone) {
                let pages = mapping.slots.iter().map(|slot| {
                    let slot = slot.as_ref()?;
                    let backing = match (&slot.copy, slot.file) {
                        _ if slot.guarded => Backing::Guard,
                        (Some(copy), _) => Backing::Copy(copy.number(), copy.bytes(0..copy.len()).to_vec()),
                        (None, Some((file, page))) if page * page_size < self.files[&file].size => Backing::File,
                        (None, Some(_)) => Backing::PastTheEnd,
                        (None, None) => Backing::Zeros,
                    };
                    let Area { protection, shared, locked, left_at_fork, wiped_at_fork, .. } = slot.area;
                    let file = slot.file.map(|(file, page)| (place(file), page));
                    Some(PageState { protection, shared, file, locked, left_at_fork, wiped_at_fork, backing })
                });
                mappings.push(MappingState { name: *name, length: mapping.length, pages: pages.collect() });
            }
            let descriptors =
                has.descriptors.iter().map(|(name, open)| (*name, place(open.file), open.access)).collect();
            processes.push(ProcessState { process: *process, descriptors, mappings });
        }
        State { files: numbers.iter().map(|file| cached(*file)).collect(), processes, disk: self.disk_state() }
    }

    /// Whether anything refers to the file.
    pub(super) fn is_held(&self, file: FileId) -> bool {
        let named = self.names.values().any(|other| *other == file);
        let shows = |slot: &super::PageEntry| slot.file.is_some_and(|(other, _)| other == file);
        let held = |process: &super::Process| {
            process.descriptors.values().any(|open| open.file == file)
                || process.mappings.values().flat_map(|mapping| mapping.slots.iter().flatten()).any(shows)
        };
        named || self.processes.values().any(held)
    }
}
