//! What there is at a moment, for somebody to look at: the page cache, and each process's mappings page by page.

use alloc::vec::Vec;

use super::{FileId, Model, Page};
use crate::scenario::{Access, Byte, Name, Pid, Protection, Seal};

/// Everything there is at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// The files that somebody has, in the order in which they were made.
    pub files: Vec<Cached>,
    /// The processes.
    pub processes: Vec<Touching>,
}

/// A file, and its pages in the page cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cached {
    /// What leads to it.
    pub names: Vec<Name>,
    /// Its size in bytes.
    pub size: u64,
    /// The pages up to its end; None for one that is all zeros and was never stored to.
    pub pages: Vec<Option<Vec<Byte>>>,
    /// What has been promised of it.
    pub seals: Vec<Seal>,
}

/// A process: what it has open and mapped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touching {
    /// Its letter.
    pub process: Pid,
    /// Its descriptors: of which file (the place in [`View::files`]), and for what.
    pub descriptors: Vec<(Name, usize, Access)>,
    /// Its mappings.
    pub mappings: Vec<Mapped>,
}

/// A mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapped {
    /// Its name.
    pub name: Name,
    /// The file (the place in [`View::files`]); None for private memory without one.
    pub file: Option<usize>,
    /// Whether it is a shared one.
    pub shared: bool,
    /// Page by page: what may be done with it, and what a touch finds.
    pub pages: Vec<Option<(Protection, Backing)>>,
}

/// What stands behind a page of a mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Backing {
    /// The file's page of this number.
    File(u64),
    /// No page: it begins behind the file's end.
    BehindTheEnd,
    /// A private copy. The number tells the copies apart: two processes may have the same one, until one of them stores.
    Copy(usize, Vec<Byte>),
    /// A page of zeros that nobody has stored to.
    Zeros,
}

impl Model {
    /// What there is at this moment.
    pub fn view(&self) -> View {
        let numbers: Vec<FileId> = self.files.keys().copied().filter(|file| self.is_held(*file)).collect();
        let place = |file: FileId| numbers.iter().position(|other| *other == file).unwrap_or(usize::MAX);
        let page = u64::from(self.page);
        let cached = |file: FileId| {
            let of = &self.files[&file];
            let pages = 0..of.size.div_ceil(page);
            Cached {
                names: self.names.iter().filter(|(_, other)| **other == file).map(|(name, _)| *name).collect(),
                size: of.size,
                pages: pages.map(|n| of.pages.get(&n).map(|page| page.piece(0..page.len()).to_vec())).collect(),
                seals: of.seals.iter().flatten().copied().collect(),
            }
        };
        let mut copies: Vec<Page> = Vec::new();
        let mut processes = Vec::new();
        for (process, has) in &self.processes {
            let mut mappings = Vec::new();
            for (name, mapping) in &has.mappings {
                let pages = (0..).zip(&mapping.slots).map(|(n, slot)| {
                    let slot = slot.as_ref()?;
                    let backing = match (&slot.copy, mapping.file) {
                        (Some(copy), _) => {
                            let known = copies.iter().position(|other| other.is_the_same(copy));
                            let number = known.unwrap_or_else(|| {
                                copies.push(copy.clone());
                                copies.len() - 1
                            });
                            Backing::Copy(number + 1, copy.piece(0..copy.len()).to_vec())
                        }
                        (None, Some((file, first))) if (first + n) * page < self.files[&file].size => {
                            Backing::File(first + n)
                        }
                        (None, Some(_)) => Backing::BehindTheEnd,
                        (None, None) => Backing::Zeros,
                    };
                    Some((slot.protection, backing))
                });
                let pages = pages.collect();
                let file = mapping.file.map(|(file, _)| place(file));
                mappings.push(Mapped { name: *name, file, shared: mapping.shared, pages });
            }
            let descriptors =
                has.descriptors.iter().map(|(name, open)| (*name, place(open.file), open.access)).collect();
            processes.push(Touching { process: *process, descriptors, mappings });
        }
        View { files: numbers.iter().map(|file| cached(*file)).collect(), processes }
    }

    pub(super) fn is_held(&self, file: FileId) -> bool {
        let named = self.names.values().any(|other| *other == file);
        let held = |process: &super::Process| {
            process.descriptors.values().any(|open| open.file == file)
                || process.mappings.values().any(|mapping| mapping.file.is_some_and(|(other, _)| other == file))
        };
        named || self.processes.values().any(held)
    }
}
