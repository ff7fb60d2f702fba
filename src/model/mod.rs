//! The rules of mmap as a program: files, processes and mappings, and what each line of a scenario gives.
//!
//! No call into the system is made here. What to look for when reading: a mapping holds, for each of its pages, either
//! nothing of its own, and then the page is the file's, as it is now; or a copy, which a private mapping gets by its first
//! store to the page. That is nearly all there is to it. The rest says when a touch faults.
//!
//! Wherever something is decided, the code asks whether a [`Rule`] `applies`, and the last of these becomes the reason of
//! the outcome. A model can be made that denies one of them ([`Model::denying`]): a person who has got that rule wrong, or
//! a system that is otherwise.
//!
//! To read on: `cache` has the pages of a file; `files` what a truncation drops; `mappings` how a mapping is made, changed and
//! taken away; `touch` when a private copy is made, and when a touch kills; `processes` what fork(2) shares; `rules` every rule in
//! a sentence.
//!
//! A byte may be left open, and so may an outcome: the model never says more of Linux than is known. What POSIX promises of a
//! line is less, and [`Posix`] says what.

mod cache;
mod files;
mod mappings;
mod page;
mod posix;
mod processes;
mod rules;
mod touch;
mod view;

use alloc::borrow::Cow;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec;
use alloc::vec::Vec;
use core::convert::Infallible;

use crate::fault::Cause;
use crate::scenario::{
    Access, Advice, Amount, Backend, Byte, Bytes, Contents, Flag, Name, Operation, Outcome, Pid, Protection, Range,
    Request, Scenario, Seal, Sharing, Source,
};
use page::Page;

pub use posix::Posix;
pub use rules::{Basis, Rule};
pub use view::{Backing, Cached, Mapped, Touching, View};

/// A file, for as long as somebody has it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
struct File {
    size: u64,
    /// The page cache: what isn't there is zeros.
    pages: BTreeMap<u64, Page>,
    /// Of a file in memory.
    seals: Option<BTreeSet<Seal>>,
}

type FileId = u32;

/// A file that a process has opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Open {
    file: FileId,
    access: Access,
}

/// A page of a mapping.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Slot {
    protection: Protection,
    /// The private copy. After fork(2) parent and child have the same one, until one of them stores to it.
    copy: Option<Page>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Mapping {
    /// The file, and the number of its page where the mapping begins; None for private anonymous memory.
    file: Option<(FileId, u64)>,
    shared: bool,
    /// Whether mprotect(2) may allow stores: the descriptor's access when it was mapped decides.
    may_write: bool,
    /// In bytes, as it was asked for.
    length: u64,
    /// The file's size when it was mapped, which has no meaning for the kernel.
    size_then: u64,
    /// Got from a parent.
    inherited: bool,
    /// What has been unmapped is None.
    slots: Vec<Option<Slot>>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
struct Process {
    descriptors: BTreeMap<Name, Open>,
    mappings: BTreeMap<Name, Mapping>,
}

/// Everything there is: the files, and the processes with what they have open and mapped.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Model {
    page: u32,
    denied: Option<Rule>,
    why: Option<Rule>,
    /// Whether a limit of the model's own has been reached.
    full: bool,
    files: BTreeMap<FileId, File>,
    /// Of no meaning in itself: the number that the next file gets.
    next_file: FileId,
    names: BTreeMap<Name, FileId>,
    processes: BTreeMap<Pid, Process>,
    /// What would be lost if stores died with their process: who stored where, and what was there before.
    unsynced: Vec<(Pid, FileId, u64, Byte)>,
}

/// What ends a line early.
type Refused = Outcome;

impl Model {
    /// The most pages that all files have, or that a process has mapped: more is [`Outcome::NotApplicable`].
    pub const MOST_PAGES: u64 = 1024;
    /// The most that a process has of descriptors, or of mappings.
    pub const MOST_NAMES: usize = 64;
    /// The most files that somebody has.
    pub const MOST_FILES: usize = 256;

    /// A world with one process and no file, where a page has `page` bytes.
    pub fn new(page: u32) -> Model {
        Model {
            page,
            denied: None,
            why: None,
            full: false,
            files: BTreeMap::new(),
            next_file: 0,
            names: BTreeMap::new(),
            processes: BTreeMap::from([(Pid::FIRST, Process::default())]),
            unsynced: Vec::new(),
        }
    }

    /// The world of somebody who doesn't believe this rule.
    pub fn denying(page: u32, rule: Rule) -> Model {
        Model { denied: Some(rule), ..Model::new(page) }
    }

    /// Whether there is this process.
    pub fn has(&self, process: Pid) -> bool {
        self.processes.contains_key(&process)
    }

    /// The processes there are.
    pub fn processes(&self) -> impl Iterator<Item = Pid> + Clone {
        self.processes.keys().copied()
    }

    /// The names of files.
    pub fn files(&self) -> impl Iterator<Item = Name> + Clone {
        self.names.keys().copied()
    }

    /// The descriptors of a process.
    pub fn descriptors(&self, process: Pid) -> impl Iterator<Item = Name> + Clone {
        self.processes.get(&process).into_iter().flat_map(|process| process.descriptors.keys().copied())
    }

    /// The mappings of a process.
    pub fn mappings(&self, process: Pid) -> impl Iterator<Item = Name> + Clone {
        self.processes.get(&process).into_iter().flat_map(|process| process.mappings.keys().copied())
    }

    /// Whether a scenario has asked for more than the model holds; what it says from then on means nothing.
    pub fn is_full(&self) -> bool {
        self.full
    }

    /// Whether a number in this line is larger than any that a scenario may have.
    pub fn is_too_much(&self, operation: &Operation) -> bool {
        operation.amounts().into_iter().any(|amount| amount.at(self.page).is_none())
    }

    /// Does what a line says: what it gives, and the rule behind that.
    pub fn step(&mut self, process: Pid, operation: &Operation) -> (Outcome, Rule) {
        self.why = None;
        let outcome = if self.has(process) {
            self.attempt(process, operation).unwrap_or_else(|refused| refused)
        } else {
            Outcome::NotApplicable
        };
        if let Outcome::Died(..) = outcome {
            self.end(process, true);
        }
        let why = self.why.take().filter(|_| outcome != Outcome::NotApplicable);
        (outcome, why.unwrap_or(Rule::NobodyIsThere))
    }

    /// Whether a rule applies, as every one does that isn't denied. It is noted as the reason.
    #[must_use]
    fn applies(&mut self, rule: Rule) -> bool {
        self.because(rule);
        self.denied != Some(rule)
    }

    /// Notes a rule as the reason, unless one that comes later in the table has been noted.
    fn because(&mut self, rule: Rule) {
        self.why = self.why.max(Some(rule));
    }

    /// The errno, and no other reason than this rule.
    fn refuse(&mut self, rule: Rule, errno: &'static str) -> Refused {
        self.why = Some(rule);
        Outcome::Errno(Cow::Borrowed(errno))
    }

    fn attempt(&mut self, process: Pid, operation: &Operation) -> Result<Outcome, Refused> {
        match operation {
            Operation::Create(name, contents) => self.create(*name, contents),
            Operation::Memfd(name, size) => self.memfd(process, *name, *size),
            Operation::Open(descriptor, name, access, flag) => self.open(process, *descriptor, *name, *access, *flag),
            Operation::Close(name) => self.close(process, *name),
            Operation::Read(name, at, length) => self.read(process, *name, *at, *length),
            Operation::Write(name, at, bytes) => self.write(process, *name, *at, bytes),
            Operation::Truncate(name, size) => self.truncate(process, *name, *size),
            Operation::Punch(name, at, length) => self.punch(process, *name, *at, *length),
            Operation::Rename(from, to) => self.rename(*from, *to),
            Operation::Unlink(name) => self.unlink(*name),
            Operation::Seal(name, seal) => self.seal(process, *name, *seal),
            Operation::Map(name, request) => self.map(process, *name, request),
            Operation::Load(name, at, length) => {
                let (mut at, length) = (self.size(*at)?, self.size(*length)?);
                self.mapping(process, *name)?;
                self.because(Rule::TouchFindsTheFile);
                let (end, mut bytes) = (at + length, Vec::new());
                while at < end {
                    let count = self.alike(process, *name, at, end)?;
                    self.load(process, *name, at, count, &mut bytes)?;
                    at += count as u64;
                }
                Ok(Outcome::Bytes(bytes))
            }
            Operation::Store(name, at, bytes) => {
                let (mut at, bytes) = (self.size(*at)?, self.bytes(bytes)?);
                self.mapping(process, *name)?;
                self.because(Rule::TouchFindsTheFile);
                let mut rest = &*bytes;
                while !rest.is_empty() {
                    let count = self.alike(process, *name, at, at + rest.len() as u64)?;
                    self.store(process, *name, at, &rest[..count])?;
                    rest = &rest[count..];
                    at += count as u64;
                }
                Ok(Outcome::Done)
            }
            Operation::Unmap(name, part) => self.unmap(process, *name, *part),
            Operation::Protect(name, protection) => self.protect(process, *name, *protection),
            Operation::Advise(name, Advice::DontNeed) => self.dont_need(process, *name),
            Operation::Sync(name) => self.sync(process, *name),
            Operation::Fork(child) => self.fork(process, *child),
            Operation::Exit => {
                self.end(process, false);
                Ok(Outcome::Done)
            }
            // Who wants to end calls exit.
            Operation::Kill(other) if *other == process || !self.has(*other) => Err(Outcome::NotApplicable),
            Operation::Kill(other) => {
                self.end(*other, true);
                Ok(Outcome::Done)
            }
        }
    }

    // Looking things up.

    fn process(&mut self, process: Pid) -> &mut Process {
        self.processes.get_mut(&process).expect("step has looked for it")
    }

    fn file(&mut self, file: FileId) -> &mut File {
        self.files.get_mut(&file).expect("a file is there while anything leads to it")
    }

    fn named(&mut self, name: Name) -> Result<FileId, Refused> {
        match self.names.get(&name).copied() {
            Some(file) => Ok(file),
            None if self.applies(Rule::NamesLeadToFiles) => Err(self.refuse(Rule::NamesLeadToFiles, "ENOENT")),
            None => self.new_file(0, None),
        }
    }

    fn opened(&mut self, process: Pid, name: Name) -> Result<Open, Refused> {
        self.process(process).descriptors.get(&name).copied().ok_or(Outcome::NotApplicable)
    }

    fn opened_for_writing(&mut self, process: Pid, name: Name) -> Result<Open, Refused> {
        let open = self.opened(process, name)?;
        if open.access == Access::ReadOnly && self.applies(Rule::DescriptorsWriteWhatTheyMay) {
            return Err(self.refuse(Rule::DescriptorsWriteWhatTheyMay, "EBADF"));
        }
        self.because(Rule::DescriptorsWriteWhatTheyMay);
        Ok(open)
    }

    fn free_descriptor(&mut self, process: Pid, name: Name) -> Result<(), Refused> {
        let descriptors = &self.process(process).descriptors;
        if descriptors.contains_key(&name) {
            return Err(Outcome::NotApplicable);
        }
        let few = descriptors.len() < Model::MOST_NAMES;
        self.room(few)
    }

    fn mapping(&mut self, process: Pid, name: Name) -> Result<&mut Mapping, Refused> {
        self.process(process).mappings.get_mut(&name).ok_or(Outcome::NotApplicable)
    }

    /// Every mapping of a file, with the number of the file's page where it begins.
    fn mappings_of(&self, file: FileId) -> impl Iterator<Item = (&Mapping, u64)> {
        let mappings = self.processes.values().flat_map(|process| process.mappings.values());
        mappings.filter_map(move |mapping| {
            mapping.file.filter(|(other, _)| *other == file).map(|(_, first)| (mapping, first))
        })
    }

    fn has_copies(&self, file: FileId, from: u64) -> bool {
        self.mappings_of(file).any(|(mapping, first)| {
            (first..).zip(&mapping.slots).any(|(n, slot)| n >= from && slot.as_ref().is_some_and(|s| s.copy.is_some()))
        })
    }

    /// Changes every mapped page of a file, by the page's number in the file.
    fn change_slots_of(&mut self, file: FileId, change: impl Fn(u64, &mut Slot)) {
        for mapping in self.processes.values_mut().flat_map(|process| process.mappings.values_mut()) {
            let Some((_, first)) = mapping.file.filter(|(other, _)| *other == file) else { continue };
            for (number, slot) in (first..).zip(&mut mapping.slots) {
                slot.iter_mut().for_each(|slot| change(number, slot));
            }
        }
    }

    fn is_sealed(&self, file: FileId, seals: &[Seal]) -> bool {
        self.files[&file].seals.as_ref().is_some_and(|set| seals.iter().any(|seal| set.contains(seal)))
    }

    fn refuse_when_sealed(&mut self, file: FileId, seals: &[Seal], rule: Rule) -> Result<(), Refused> {
        if self.is_sealed(file, seals) && self.applies(rule) {
            return Err(self.refuse(rule, "EPERM"));
        }
        let any = self.files[&file].seals.as_ref().is_some_and(|set| !set.is_empty());
        if any && !self.applies(Rule::EachSealForbidsOneThing) {
            return Err(self.refuse(Rule::EachSealForbidsOneThing, "EPERM"));
        }
        Ok(())
    }

    fn size(&self, amount: Amount) -> Result<u64, Refused> {
        amount.at(self.page).ok_or(Outcome::NotApplicable)
    }

    fn bytes<'b>(&self, bytes: &'b Bytes) -> Result<Cow<'b, [u8]>, Refused> {
        Ok(match bytes {
            Bytes::Text(text) => Cow::Borrowed(text.as_bytes()),
            Bytes::Fill(letter, amount) => {
                let length = usize::try_from(self.size(*amount)?).map_err(|_| Outcome::NotApplicable)?;
                Cow::Owned(vec![u8::try_from(*letter).unwrap_or(b'?'); length])
            }
        })
    }
}

/// The model begins anew with each scenario.
impl Backend for Model {
    type Error = Infallible;

    fn play(&mut self, scenario: &Scenario) -> Result<Vec<Outcome>, Infallible> {
        *self = Model { denied: self.denied, ..Model::new(self.page) };
        Ok(scenario.0.iter().map(|line| self.step(line.process, &line.operation).0).collect())
    }
}

fn writes(protection: Protection) -> bool {
    matches!(protection, Protection::Write | Protection::ReadWrite)
}
