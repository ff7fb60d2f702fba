//! The rules of mmap as a program: files, processes and mappings, and what each line of a scenario gives.
//!
//! No call into the system is made here. What to look for when reading: a mapping holds, for each of its pages, either
//! nothing of its own, and then the page is the file's, as it is now; or a copy, which a private mapping gets by its first
//! store to the page. That is nearly all there is to it. The rest says when a touch faults.
//!
//! Wherever something is decided, the code asks whether a [`Rule`] `applies`, and the last of these becomes the reason of
//! the outcome. A model can be made that denies one of them ([`Model::denying`]): a person who has got that rule wrong.
//!
//! A byte may be left open, and so may an outcome: the model never says more than is known.

mod page;
mod rules;
mod view;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use crate::scenario::{
    Access, Amount, Byte, Bytes, Contents, Death, Name, Operation, Outcome, Pid, Protection, Scenario, Seal, Source,
    World,
};
use page::Page;

pub use rules::{Rule, Standing};
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
    /// The most pages that all files have, or that a process has mapped: more is [`Outcome::Meaningless`].
    pub const MOST_PAGES: u64 = 1024;
    /// The most that a process has of descriptors, or of mappings.
    pub const MOST_NAMES: usize = 64;

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
        let fill = |bytes: &Bytes| if let Bytes::Fill(_, amount) = bytes { Some(*amount) } else { None };
        let amounts = match operation {
            Operation::Create(_, Contents::Zeros(size)) | Operation::Memfd(_, size) | Operation::Truncate(_, size) => {
                [Some(*size), None]
            }
            Operation::Create(_, Contents::Bytes(bytes)) => [fill(bytes), None],
            Operation::Write(_, at, bytes) | Operation::Store(_, at, bytes) => [Some(*at), fill(bytes)],
            Operation::Read(_, at, length) | Operation::Load(_, at, length) | Operation::Punch(_, at, length) => {
                [Some(*at), Some(*length)]
            }
            Operation::Map(_, Source::File(_, at), _, _, length) => [Some(*at), Some(*length)],
            Operation::Map(_, Source::Anonymous, _, _, length) => [Some(*length), None],
            Operation::Unmap(_, Some((at, length))) => [Some(*at), Some(*length)],
            _ => [None, None],
        };
        amounts.into_iter().flatten().any(|amount| amount.at(self.page).is_none())
    }

    /// Whether the process would die of this line.
    pub fn would_die(&mut self, process: Pid, operation: &Operation) -> bool {
        let (name, at, length, store) = match operation {
            Operation::Load(name, at, length) => (*name, self.size(*at), self.size(*length), false),
            Operation::Store(name, at, Bytes::Fill(_, length)) => (*name, self.size(*at), self.size(*length), true),
            Operation::Store(name, at, Bytes::Text(text)) => (*name, self.size(*at), Ok(text.len() as u64), true),
            _ => return false,
        };
        let (Ok(mut at), Ok(length)) = (at, length) else { return false };
        let end = at + length;
        while self.has(process) && at < end {
            match self.alike(process, name, at, end) {
                Ok(_) if matches!(self.touch(process, name, at, store), Err(Outcome::Died(..))) => return true,
                Ok(count) => at += count as u64,
                Err(_) => return false,
            }
        }
        false
    }

    /// Does what a line says: what it gives, and the rule behind that.
    pub fn step(&mut self, process: Pid, operation: &Operation) -> (Outcome, Rule) {
        self.why = None;
        let outcome = if self.has(process) {
            self.attempt(process, operation).unwrap_or_else(|refused| refused)
        } else {
            Outcome::Meaningless
        };
        if let Outcome::Died(..) = outcome {
            self.end(process, true);
        }
        let why = self.why.take().filter(|_| outcome != Outcome::Meaningless);
        (outcome, why.unwrap_or(Rule::NobodyIsThere))
    }

    /// Whether a rule applies, as every one does that nobody denies. It is noted as the reason.
    fn applies(&mut self, rule: Rule) -> bool {
        self.why = self.why.max(Some(rule));
        self.denied != Some(rule)
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
            Operation::Open(descriptor, name, access, truncate) => {
                self.open(process, *descriptor, *name, *access, *truncate)
            }
            Operation::Close(name) => self.close(process, *name),
            Operation::Read(name, at, length) => self.read(process, *name, *at, *length),
            Operation::Write(name, at, bytes) => self.write(process, *name, *at, bytes),
            Operation::Truncate(name, size) => self.truncate(process, *name, *size),
            Operation::Punch(name, at, length) => self.punch(process, *name, *at, *length),
            Operation::Rename(from, to) => self.rename(*from, *to),
            Operation::Unlink(name) => self.unlink(*name),
            Operation::Seal(name, seal) => self.seal(process, *name, *seal),
            Operation::Map(name, source, shared, protection, length) => {
                self.map(process, *name, source, *shared, *protection, *length)
            }
            Operation::Load(name, at, length) => {
                let (mut at, length) = (self.size(*at)?, self.size(*length)?);
                self.mapping(process, *name)?;
                self.applies(Rule::TouchFindsTheFile);
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
                self.applies(Rule::TouchFindsTheFile);
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
            Operation::Advise(name) => self.advise(process, *name),
            Operation::Sync(name) => self.sync(process, *name),
            Operation::Fork(child) => self.fork(process, *child),
            Operation::Exit => {
                self.end(process, false);
                Ok(Outcome::Done)
            }
            // Who wants to end calls exit.
            Operation::Kill(other) if *other == process || !self.has(*other) => Err(Outcome::Meaningless),
            Operation::Kill(other) => {
                self.end(*other, true);
                Ok(Outcome::Done)
            }
        }
    }

    // ---- Files, names and descriptors ----

    fn create(&mut self, name: Name, contents: &Contents) -> Result<Outcome, Refused> {
        if self.names.contains_key(&name) && self.applies(Rule::NamesAreUnique) {
            return Err(self.refuse(Rule::NamesAreUnique, "EEXIST"));
        }
        let (size, bytes) = match contents {
            Contents::Zeros(size) => (self.size(*size)?, Cow::Borrowed(&[][..])),
            Contents::Bytes(bytes) => (0, self.bytes(bytes)?),
        };
        self.applies(Rule::NamesAreUnique);
        let file = self.new_file(size.max(bytes.len() as u64), None)?;
        self.put(file, 0, &bytes);
        self.names.insert(name, file);
        Ok(Outcome::Done)
    }

    fn memfd(&mut self, process: Pid, name: Name, size: Amount) -> Result<Outcome, Refused> {
        let size = self.size(size)?;
        self.free_descriptor(process, name)?;
        let file = self.new_file(size, Some(BTreeSet::new()))?;
        self.process(process).descriptors.insert(name, Open { file, access: Access::ReadWrite });
        self.applies(Rule::WritesLengthenTheFile);
        Ok(Outcome::Done)
    }

    fn open(
        &mut self,
        process: Pid,
        descriptor: Name,
        name: Name,
        access: Access,
        truncate: bool,
    ) -> Result<Outcome, Refused> {
        self.free_descriptor(process, descriptor)?;
        let mut file = self.named(name)?;
        if truncate {
            if self.applies(Rule::TruncatingOpenKeepsTheFile) {
                self.resize(file, 0);
            } else {
                file = self.new_file(0, None)?;
                self.names.insert(name, file);
            }
        }
        self.applies(Rule::NamesLeadToFiles);
        self.process(process).descriptors.insert(descriptor, Open { file, access });
        Ok(Outcome::Done)
    }

    fn close(&mut self, process: Pid, name: Name) -> Result<Outcome, Refused> {
        let open = self.opened(process, name)?;
        self.process(process).descriptors.remove(&name);
        if !self.applies(Rule::MappingsOutliveDescriptors) {
            let of_file = |mapping: &Mapping| mapping.file.is_some_and(|(file, _)| file == open.file);
            let mappings = self.process(process).mappings.values_mut().filter(|mapping| of_file(mapping));
            mappings.for_each(|mapping| mapping.slots.fill(None));
        }
        Ok(Outcome::Done)
    }

    fn read(&mut self, process: Pid, name: Name, at: Amount, length: Amount) -> Result<Outcome, Refused> {
        let open = self.opened(process, name)?;
        let (at, length) = (self.size(at)?, self.size(length)?);
        if open.access == Access::WriteOnly && self.applies(Rule::DescriptorsReadWhatTheyMay) {
            return Err(self.refuse(Rule::DescriptorsReadWhatTheyMay, "EBADF"));
        }
        let end = match self.applies(Rule::ReadsEndWithTheFile) {
            true => (at + length).min(self.files[&open.file].size),
            false => at + length,
        };
        let outcome = Outcome::Bytes(self.get(open.file, at, end));
        if outcome.is_open() {
            self.applies(Rule::RestOfThePageIsLeftOpen);
        }
        Ok(outcome)
    }

    fn write(&mut self, process: Pid, name: Name, at: Amount, bytes: &Bytes) -> Result<Outcome, Refused> {
        let Open { file, .. } = self.opened_for_writing(process, name, "EBADF")?;
        let (at, bytes) = (self.size(at)?, self.bytes(bytes)?);
        let (mut end, size) = (at + bytes.len() as u64, self.files[&file].size);
        if bytes.is_empty() {
            return Ok(Outcome::Count(0));
        }
        self.refuse_when_sealed(file, &[Seal::Write, Seal::FutureWrite], Rule::SealWriteForbidsWriting)?;
        if end > size {
            if at < size && self.is_sealed(file, &[Seal::Grow]) && self.applies(Rule::SealGrowMayStopHalfWay) {
                // The bytes before the end may be the new ones or the old ones: so much for them.
                (at..size).for_each(|at| self.set(file, at, Byte::Any));
                let some = Outcome::Count(size - at);
                return Err(Outcome::OneOf(vec![self.refuse(Rule::SealGrowMayStopHalfWay, "EPERM"), some]));
            }
            self.refuse_when_sealed(file, &[Seal::Grow], Rule::SealGrowForbidsGrowing)?;
            if self.applies(Rule::WritesLengthenTheFile) {
                self.refuse_too_many_pages(end.saturating_sub(size))?;
                self.resize(file, end);
                self.applies(Rule::WritesLengthenTheFile);
            } else {
                end = size.max(at);
            }
        }
        self.applies(Rule::TouchFindsTheFile);
        let count = usize::try_from(end - at).map_or(bytes.len(), |count| count.min(bytes.len()));
        self.put(file, at, &bytes[..count]);
        Ok(Outcome::Count(count as u64))
    }

    fn truncate(&mut self, process: Pid, name: Name, size: Amount) -> Result<Outcome, Refused> {
        let Open { file, .. } = self.opened_for_writing(process, name, "EINVAL")?;
        let (size, before) = (self.size(size)?, self.files[&file].size);
        match () {
            () if size < before => self.refuse_when_sealed(file, &[Seal::Shrink], Rule::SealShrinkForbidsShrinking)?,
            () if size > before => self.refuse_when_sealed(file, &[Seal::Grow], Rule::SealGrowForbidsGrowing)?,
            () => {}
        }
        self.refuse_too_many_pages(size.saturating_sub(before))?;
        self.resize(file, size);
        Ok(Outcome::Done)
    }

    /// Gives a file another size.
    fn resize(&mut self, file: FileId, size: u64) {
        let page = u64::from(self.page);
        let before = self.files[&file].size;
        let (kept, kept_before) = (size.div_ceil(page), before.div_ceil(page));
        if size < before {
            let cut_pages = self.mappings_of(file).any(|(mapping, first)| first + mapping.slots.len() as u64 > kept);
            let take_pages = !cut_pages || self.applies(Rule::TruncationTakesPages);
            if !take_pages {
                // Whoever believes this has the old pages still.
                let old: Vec<Page> = (kept..kept_before).map(|number| self.cached(file, number)).collect();
                self.change_slots_of(file, |number, slot| {
                    let old = number.checked_sub(kept).and_then(|n| old.get(usize::try_from(n).ok()?));
                    slot.copy = slot.copy.take().or_else(|| old.cloned());
                });
            } else if self.has_copies(file, kept) && self.applies(Rule::TruncationTakesCopies) {
                self.change_slots_of(file, |number, slot| slot.copy = slot.copy.take().filter(|_| number < kept));
            }
            if self.applies(Rule::TruncationZeroesTheRest) {
                self.file(file).pages.split_off(&kept);
                self.set_all(file, size, kept * page, Byte::Is(0));
            }
        } else if size > before {
            self.applies(Rule::GrowingBringsPages);
        } else {
            self.applies(Rule::DescriptorsWriteWhatTheyMay);
        }
        self.file(file).size = size;
    }

    fn punch(&mut self, process: Pid, name: Name, at: Amount, length: Amount) -> Result<Outcome, Refused> {
        self.opened(process, name)?;
        let (at, length) = (self.size(at)?, self.size(length)?);
        if length == 0 && self.applies(Rule::PunchedLengthIsPositive) {
            return Err(self.refuse(Rule::PunchedLengthIsPositive, "EINVAL"));
        }
        let Open { file, .. } = self.opened_for_writing(process, name, "EBADF")?;
        self.refuse_when_sealed(file, &[Seal::Write, Seal::FutureWrite], Rule::SealWriteForbidsWriting)?;
        if self.applies(Rule::PunchingMakesZeros) {
            let end = (at + length).min(self.files[&file].size);
            self.set_all(file, at, end, Byte::Is(0));
        }
        let page = u64::from(self.page);
        let whole = at.div_ceil(page)..(at + length) / page;
        let copies = self.mappings_of(file).any(|(mapping, first)| {
            (first..)
                .zip(&mapping.slots)
                .any(|(n, slot)| whole.contains(&n) && slot.as_ref().is_some_and(|s| s.copy.is_some()))
        });
        if copies && !self.applies(Rule::PunchingLeavesCopies) {
            self.change_slots_of(file, |number, slot| {
                slot.copy = slot.copy.take().filter(|_| !whole.contains(&number))
            });
        }
        Ok(Outcome::Done)
    }

    fn rename(&mut self, from: Name, to: Name) -> Result<Outcome, Refused> {
        let file = self.named(from)?;
        self.names.remove(&from);
        let replaced = self.names.insert(to, file);
        if !self.applies(Rule::RenameReplacesTheName)
            && let Some(old) = replaced
        {
            for process in self.processes.values_mut() {
                process.descriptors.values_mut().filter(|open| open.file == old).for_each(|open| open.file = file);
                for (mapped, _) in process.mappings.values_mut().filter_map(|mapping| mapping.file.as_mut()) {
                    *mapped = if *mapped == old { file } else { *mapped };
                }
            }
        }
        Ok(Outcome::Done)
    }

    fn unlink(&mut self, name: Name) -> Result<Outcome, Refused> {
        let file = self.named(name)?;
        self.names.remove(&name);
        if !self.applies(Rule::UnlinkTakesTheName) {
            self.resize(file, 0);
        }
        Ok(Outcome::Done)
    }

    fn seal(&mut self, process: Pid, name: Name, seal: Seal) -> Result<Outcome, Refused> {
        let Open { file, access } = self.opened(process, name)?;
        if self.files[&file].seals.is_none() {
            let refusals =
                vec![self.refuse(Rule::SealsAreForMemory, "EINVAL"), self.refuse(Rule::SealsAreForMemory, "EPERM")];
            return Err(Outcome::OneOf(refusals));
        }
        debug_assert!(access == Access::ReadWrite, "memfd_create(2) opens for both");
        let is_new = !self.is_sealed(file, &[seal]);
        let written_to = self
            .mappings_of(file)
            .any(|(mapping, _)| mapping.shared && mapping.may_write && mapping.slots.iter().any(Option::is_some));
        self.applies(Rule::EachSealForbidsOneThing);
        if is_new && written_to {
            let refused = match seal {
                Seal::Write => self.applies(Rule::SealWriteWaits),
                Seal::FutureWrite => !self.applies(Rule::FutureWriteLeavesMappings),
                Seal::Shrink | Seal::Grow => false,
            };
            if refused {
                return Err(self.refuse(Rule::SealWriteWaits, "EBUSY"));
            }
        }
        self.file(file).seals.get_or_insert_default().insert(seal);
        Ok(Outcome::Done)
    }

    // ---- Mappings ----

    fn map(
        &mut self,
        process: Pid,
        name: Name,
        source: &Source,
        shared: bool,
        protection: Protection,
        length: Amount,
    ) -> Result<Outcome, Refused> {
        let (length, page) = (self.size(length)?, u64::from(self.page));
        let mappings = &self.process(process).mappings;
        if mappings.contains_key(&name) {
            return Err(Outcome::Meaningless);
        }
        let mapped: usize = mappings.values().map(|mapping| mapping.slots.len()).sum();
        let few = mappings.len() < Model::MOST_NAMES;
        self.room(few && mapped as u64 + length.div_ceil(page) <= Model::MOST_PAGES)?;
        let opened = match source {
            Source::File(descriptor, offset) => Some((self.opened(process, *descriptor)?, self.size(*offset)?)),
            Source::Anonymous => None,
        };
        if opened.is_some_and(|(_, offset)| offset % page != 0) && self.applies(Rule::OffsetsAreOfWholePages) {
            return Err(self.refuse(Rule::OffsetsAreOfWholePages, "EINVAL"));
        }
        if length == 0 && self.applies(Rule::MappingsHaveALength) {
            return Err(self.refuse(Rule::MappingsHaveALength, "EINVAL"));
        }
        self.applies(if opened.is_some() { Rule::MappingCopiesNothing } else { Rule::FreshMemoryIsZeros });
        let (file, may_write) = match opened {
            Some((open, offset)) => {
                let may_write = self.may_map(open, shared, protection)?;
                if offset + length > self.files[&open.file].size && !self.applies(Rule::SizeIsNotLookedAt) {
                    return Err(self.refuse(Rule::SizeIsNotLookedAt, "EINVAL"));
                }
                (Some((open.file, offset / page)), may_write)
            }
            // Memory that parent and child share is a file without a name, for the kernel as here.
            None if shared => (Some((self.new_file(length.next_multiple_of(page), None)?, 0)), true),
            None => (None, true),
        };
        let mut slots = Vec::new();
        for number in 0..length.div_ceil(page) {
            let snapshot = file.filter(|(file, first)| {
                let there = (first + number) * page < self.files[file].size;
                let rule = if shared { Rule::TouchFindsTheFile } else { Rule::MappingCopiesNothing };
                there && self.denied == Some(rule)
            });
            let copy = snapshot.map(|(file, first)| self.cached(file, first + number));
            slots.push(Some(Slot { protection, copy }));
        }
        let size_then = file.map_or(0, |(file, _)| self.files[&file].size);
        let mapping = Mapping { file, shared, may_write, length, size_then, inherited: false, slots };
        self.process(process).mappings.insert(name, mapping);
        Ok(Outcome::Done)
    }

    /// Whether a file that is opened like this may be mapped; and if it may, whether it could ever be stored to.
    fn may_map(&mut self, open: Open, shared: bool, protection: Protection) -> Result<bool, Refused> {
        if open.access == Access::WriteOnly && self.applies(Rule::MappingNeedsReading) {
            return Err(self.refuse(Rule::MappingNeedsReading, "EACCES"));
        }
        let for_writing = open.access != Access::ReadOnly;
        if !shared {
            if !for_writing && writes(protection) && !self.applies(Rule::PrivateWritingNeedsNothing) {
                return Err(self.refuse(Rule::PrivateWritingNeedsNothing, "EACCES"));
            }
            return Ok(true);
        }
        if writes(protection) && !for_writing && self.applies(Rule::SharedWritingNeedsWriting) {
            return Err(self.refuse(Rule::SharedWritingNeedsWriting, "EACCES"));
        }
        let sealed = self.is_sealed(open.file, &[Seal::Write, Seal::FutureWrite]);
        if sealed && writes(protection) && self.applies(Rule::SealWriteForbidsMapping) {
            return Err(self.refuse(Rule::SealWriteForbidsMapping, "EPERM"));
        }
        if self.is_sealed(open.file, &[Seal::Write]) && !writes(protection) {
            return Err(Outcome::OneOf(vec![self.refuse(Rule::SealedMappingsAreNew, "EPERM"), Outcome::Done]));
        }
        Ok(for_writing && !sealed || writes(protection))
    }

    fn unmap(&mut self, process: Pid, name: Name, part: Option<(Amount, Amount)>) -> Result<Outcome, Refused> {
        let page = u64::from(self.page);
        let mapping = self.mapping(process, name)?;
        let all = mapping.slots.len();
        let (first, count) = match part {
            None => (0, all),
            Some((at, length)) => {
                let (at, length) = (self.size(at)?, self.size(length)?);
                if at % page != 0 && self.applies(Rule::UnmapIsAligned) {
                    return Err(self.refuse(Rule::UnmapIsAligned, "EINVAL"));
                }
                if length == 0 && self.applies(Rule::MappingsHaveALength) {
                    return Err(self.refuse(Rule::MappingsHaveALength, "EINVAL"));
                }
                let whole = |bytes: u64| usize::try_from(bytes.div_ceil(page)).unwrap_or(all);
                (usize::try_from(at / page).unwrap_or(all), whole(length))
            }
        };
        let (first, count) = match self.applies(Rule::UnmapTakesThesePages) {
            true => (first, count),
            false => (0, all),
        };
        let mapping = self.mapping(process, name)?;
        let (file, shared) = (mapping.file, mapping.shared);
        let gone = mapping.slots.iter_mut().skip(first).take(count).map(Option::take).collect::<Vec<_>>();
        if part.is_none() {
            self.process(process).mappings.remove(&name);
        }
        let copies = (first as u64..).zip(gone).filter_map(|(n, slot)| slot?.copy.map(|copy| (n, copy)));
        for (number, copy) in copies.collect::<Vec<_>>() {
            let saved = shared || !self.applies(Rule::UnmapDiscardsCopies);
            if let Some((file, start)) = file.filter(|_| saved) {
                self.put_page(file, start + number, copy);
            }
        }
        Ok(Outcome::Done)
    }

    fn protect(&mut self, process: Pid, name: Name, protection: Protection) -> Result<Outcome, Refused> {
        let mapping = self.mapping(process, name)?;
        let (may_write, all) = (mapping.may_write, mapping.slots.len());
        let whole = mapping.slots.iter().position(Option::is_none);
        if whole != Some(0) && writes(protection) && !may_write && self.applies(Rule::ProtectIsLimited) {
            return Err(self.refuse(Rule::ProtectIsLimited, "EACCES"));
        }
        let changed = match whole {
            Some(_) if !self.applies(Rule::ProtectStopsAtAHole) => 0,
            Some(hole) => hole,
            None => all,
        };
        let mapping = self.mapping(process, name)?;
        mapping.slots.iter_mut().take(changed).flatten().for_each(|slot| slot.protection = protection);
        match whole {
            Some(_) => Err(self.refuse(Rule::ProtectStopsAtAHole, "ENOMEM")),
            None => {
                self.applies(Rule::ProtectIsLimited);
                Ok(Outcome::Done)
            }
        }
    }

    fn advise(&mut self, process: Pid, name: Name) -> Result<Outcome, Refused> {
        let mapping = self.mapping(process, name)?;
        let (file, shared, count) = (mapping.file, mapping.shared, mapping.slots.len());
        let hole = mapping.slots.iter().position(Option::is_none);
        let reached = match hole {
            Some(hole) if !self.applies(Rule::AdviceReachesAllButHoles) => hole,
            _ => count,
        };
        if shared {
            if !self.applies(Rule::DontneedLeavesTheFile)
                && let Some((file, first)) = file
            {
                (first..first + reached as u64).for_each(|number| drop(self.file(file).pages.remove(&number)));
            }
        } else if self.applies(Rule::DontneedDropsCopies) {
            let slots = &mut self.mapping(process, name)?.slots;
            slots.iter_mut().take(reached).flatten().for_each(|slot| slot.copy = None);
        }
        match hole {
            Some(_) => Err(self.refuse(Rule::AdviceReachesAllButHoles, "ENOMEM")),
            None => Ok(Outcome::Done),
        }
    }

    fn sync(&mut self, process: Pid, name: Name) -> Result<Outcome, Refused> {
        let mapping = self.mapping(process, name)?;
        let (file, shared) = (mapping.file, mapping.shared);
        if mapping.slots.iter().any(Option::is_none) && self.applies(Rule::SyncNeedsEveryPage) {
            return Err(self.refuse(Rule::SyncNeedsEveryPage, "ENOMEM"));
        }
        let Some((file, first)) = file else {
            self.applies(Rule::SyncChangesNothingSeen);
            return Ok(Outcome::Done);
        };
        let slots = (first..).zip(&self.mapping(process, name)?.slots);
        let copies: Vec<_> = slots.filter_map(|(n, slot)| Some((n, slot.as_ref()?.copy.clone()?))).collect();
        let saves = match (shared, copies.is_empty()) {
            (true, _) => self.denied == Some(Rule::SharedStoresAreTheFile),
            (false, true) => false,
            (false, false) => !self.applies(Rule::SyncLeavesCopies),
        };
        if saves {
            copies.into_iter().for_each(|(number, copy)| self.put_page(file, number, copy));
        }
        let refreshes = !self.applies(Rule::SyncChangesNothingSeen) || saves && shared;
        if refreshes {
            self.mapping(process, name)?.slots.iter_mut().flatten().for_each(|slot| slot.copy = None);
        }
        self.unsynced.retain(|(_, stored_to, ..)| *stored_to != file);
        Ok(Outcome::Done)
    }

    // ---- Processes ----

    fn fork(&mut self, parent: Pid, child: Pid) -> Result<Outcome, Refused> {
        if self.has(child) {
            return Err(Outcome::Meaningless);
        }
        let mut copy = self.process(parent).clone();
        if !self.applies(Rule::ForkInheritsMappings) {
            copy.mappings.clear();
        }
        for mapping in copy.mappings.values_mut() {
            mapping.inherited = true;
            if mapping.shared && !self.applies(Rule::ForkSharesSharedMappings) {
                mapping.shared = false;
                let Some((file, first)) = mapping.file else { continue };
                for (number, slot) in (first..).zip(&mut mapping.slots) {
                    let there = number * u64::from(self.page) < self.files[&file].size;
                    let Some(slot) = slot.as_mut().filter(|_| there) else { continue };
                    slot.copy = Some(self.cached(file, number));
                }
            }
        }
        self.why = Some(Rule::ForkInheritsMappings);
        self.processes.insert(child, copy);
        Ok(Outcome::Done)
    }

    fn end(&mut self, process: Pid, killed: bool) {
        let outlive = self.applies(Rule::StoresOutliveTheirProcess);
        if killed && !outlive {
            // What was there before comes back, the last store first.
            for (_, file, at, before) in
                std::mem::take(&mut self.unsynced).into_iter().rev().filter(|(who, ..)| *who == process)
            {
                if self.files.contains_key(&file) {
                    self.set(file, at, before);
                }
            }
        }
        self.unsynced.retain(|(who, ..)| *who != process);
        self.processes.remove(&process);
    }

    // ---- What a touch finds ----

    /// How many bytes from a place in a mapping on are alike: those up to the end of the page, of the file, of the length
    /// that was asked for.
    fn alike(&mut self, process: Pid, name: Name, at: u64, end: u64) -> Result<usize, Refused> {
        let page = u64::from(self.page);
        let mapping = self.mapping(process, name)?;
        let (file, length) = (mapping.file, mapping.length);
        let file_end = file.and_then(|(file, first)| self.files[&file].size.checked_sub(first * page));
        let edges = [(at / page + 1) * page, length, file_end.unwrap_or(0)];
        let next = edges.into_iter().filter(|edge| *edge > at).fold(end, u64::min);
        Ok(usize::try_from(next - at).unwrap_or(usize::MAX))
    }

    /// Where a touch ends up: the number of the page in the mapping, and the place in the page. Or the process dies.
    fn touch(&mut self, process: Pid, name: Name, at: u64, store: bool) -> Result<(usize, usize), Refused> {
        let page = u64::from(self.page);
        let (number, place) = self.split(at);
        let mapping = self.mapping(process, name)?;
        let slot = mapping.slots.get(number).and_then(Option::as_ref);
        let Some(slot) = slot else {
            self.dies(Rule::NothingIsMappedThere, Death::NotMapped, at)?;
            return Ok((number, place));
        };
        let allowed = match slot.protection {
            Protection::None => false,
            Protection::Read => !store,
            // Most processors have no page that can be stored to and not loaded from.
            Protection::Write | Protection::ReadWrite => true,
        };
        let has_copy = slot.copy.is_some();
        let (length, size_then, shared, file) = (mapping.length, mapping.size_then, mapping.shared, mapping.file);
        let (size, start) = file.map_or((u64::MAX, 0), |(file, first)| (self.files[&file].size, first * page));
        let page_start = start + number as u64 * page;
        let is_there = has_copy || page_start < size;
        if !allowed && (is_there || self.applies(Rule::ProtectionComesFirst)) {
            self.dies(Rule::ProtectionForbids, Death::NotAllowed, at)?;
        }
        if at >= length && !self.applies(Rule::WholePagesAreMapped) {
            return Err(self.death(Death::NotMapped, at));
        }
        if !is_there {
            self.dies(Rule::NoPageBehindTheEnd, Death::NoPage, at)?;
        } else if file.is_some() && !has_copy {
            let grown = page_start >= size_then && !self.applies(Rule::GrowingBringsPages);
            if grown || start + at >= size && !self.applies(Rule::RestOfThePageIsThere) {
                return Err(self.death(Death::NoPage, at));
            }
            if !shared && !store && !self.applies(Rule::LoadingCopiesNothing) {
                self.copy_page(process, name, number);
            }
        }
        Ok((number, place))
    }

    fn load(&mut self, process: Pid, name: Name, at: u64, count: usize, bytes: &mut Vec<Byte>) -> Result<(), Refused> {
        let (number, place) = self.touch(process, name, at, false)?;
        self.note_inheritance(process, name);
        let places = place..place + count;
        let mapping = self.mapping(process, name)?;
        let file = mapping.file;
        let copy = mapping.slots.get(number).and_then(|slot| slot.as_ref()?.copy.clone());
        let Some((file, first)) = file else {
            let fresh = Byte::Is(if self.applies(Rule::FreshMemoryIsZeros) { 0 } else { b'?' });
            match copy {
                Some(copy) => bytes.extend_from_slice(copy.piece(places)),
                None => bytes.extend(places.map(|_| fresh)),
            }
            return Ok(());
        };
        let from = (first + number as u64) * u64::from(self.page) + place as u64;
        let in_file = self.get(file, from, from + count as u64);
        let Some(copy) = copy else {
            self.applies(Rule::TouchFindsTheFile);
            if self.is_behind(file, from) && in_file.iter().any(|byte| *byte != Byte::Is(0)) {
                self.applies(Rule::RestOfThePageIsLeftOpen);
            }
            bytes.extend(in_file);
            return Ok(());
        };
        self.applies(Rule::StoringCopiesThePage);
        // Who thinks that only the bytes are copied finds the others in the file.
        let found = |(own, others): (&Byte, Byte)| if *own == Byte::Any { others } else { *own };
        bytes.extend(copy.piece(places).iter().zip(in_file).map(found));
        Ok(())
    }

    fn store(&mut self, process: Pid, name: Name, at: u64, bytes: &[u8]) -> Result<(), Refused> {
        let (number, place) = self.touch(process, name, at, true)?;
        self.note_inheritance(process, name);
        let mapping = self.mapping(process, name)?;
        let (file, shared) = (mapping.file, mapping.shared);
        if mapping.slots.get(number).is_none_or(Option::is_none) {
            return Ok(()); // into nothing, for those who think that this can be done
        }
        let reaches_the_file = match shared {
            true => self.applies(Rule::SharedStoresAreTheFile),
            false => file.is_some() && !self.applies(Rule::PrivateStoresStayPrivate),
        };
        if let Some((file, first)) = file.filter(|_| reaches_the_file) {
            let at = (first + number as u64) * u64::from(self.page) + place as u64;
            self.store_into_file(process, file, at, bytes);
        } else {
            self.copy_page(process, name, number);
        }
        let believes_in_one_memory = self.denied == Some(Rule::ForkPartsPrivateMappings);
        let Some(slot) = self.mapping(process, name)?.slots[number].as_mut() else { return Ok(()) };
        let Some(copy) = slot.copy.as_mut() else { return Ok(()) };
        let before = believes_in_one_memory.then(|| copy.clone());
        copy.put(place, bytes);
        if let Some(before) = before {
            let after = copy.clone();
            let mappings = self.processes.values_mut().flat_map(|process| process.mappings.values_mut());
            let copies =
                mappings.flat_map(|mapping| mapping.slots.iter_mut().flatten()).filter_map(|slot| slot.copy.as_mut());
            copies.filter(|copy| copy.is_the_same(&before)).for_each(|copy| *copy = after.clone());
        }
        Ok(())
    }

    fn store_into_file(&mut self, process: Pid, file: FileId, at: u64, bytes: &[u8]) {
        if self.denied == Some(Rule::StoresOutliveTheirProcess) {
            let before = self.get(file, at, at + bytes.len() as u64);
            self.unsynced.extend((at..).zip(before).map(|(at, before)| (process, file, at, before)));
        }
        self.put(file, at, bytes);
        if self.is_behind(file, at) {
            if self.applies(Rule::RestStaysOutOfTheFile) {
                // The kernel may make it zeros again whenever it writes the page to the disk.
                (at..).zip(bytes).for_each(|(at, byte)| self.set(file, at, Byte::Is(*byte).or_zero()));
            } else {
                self.file(file).size = at + bytes.len() as u64;
            }
        }
    }

    fn note_inheritance(&mut self, process: Pid, name: Name) {
        let mapping = self.mapping(process, name).ok().filter(|mapping| mapping.inherited);
        if let Some(shared) = mapping.map(|mapping| mapping.shared) {
            self.applies(if shared { Rule::ForkSharesSharedMappings } else { Rule::ForkPartsPrivateMappings });
        }
    }

    /// The copy that a private mapping gets by its first store to a page: of the whole page, as the file has it now.
    fn copy_page(&mut self, process: Pid, name: Name, number: usize) {
        let Ok(mapping) = self.mapping(process, name) else { return };
        let file = mapping.file;
        if mapping.slots.get(number).is_none_or(|slot| slot.as_ref().is_none_or(|slot| slot.copy.is_some())) {
            return;
        }
        let copy = match file {
            Some((file, first)) if self.applies(Rule::StoringCopiesThePage) => self.cached(file, first + number as u64),
            Some(_) => Page::all(self.page, Byte::Any),
            None => Page::zeros(self.page),
        };
        let Ok(mapping) = self.mapping(process, name) else { return };
        if let Some(slot) = mapping.slots[number].as_mut() {
            slot.copy = Some(copy);
        }
    }

    /// The process dies here, by this rule; unless it is denied, and it lives on.
    fn dies(&mut self, rule: Rule, death: Death, at: u64) -> Result<(), Refused> {
        if self.applies(rule) {
            self.why = Some(rule);
            return Err(self.death(death, at));
        }
        Ok(())
    }

    fn death(&self, death: Death, at: u64) -> Outcome {
        Outcome::Died(death, Amount::of(at, self.page))
    }

    // ---- The page cache ----

    fn new_file(&mut self, size: u64, seals: Option<BTreeSet<Seal>>) -> Result<FileId, Refused> {
        // What nobody has a name, a descriptor or a mapping for is gone.
        let gone: Vec<FileId> = self.files.keys().copied().filter(|file| !self.is_held(*file)).collect();
        gone.iter().for_each(|file| drop(self.files.remove(file)));
        self.refuse_too_many_pages(size)?;
        let file = self.next_file;
        self.next_file = self.next_file.wrapping_add(1);
        self.files.insert(file, File { size, pages: BTreeMap::new(), seals });
        Ok(file)
    }

    fn refuse_too_many_pages(&mut self, more: u64) -> Result<(), Refused> {
        let page = u64::from(self.page);
        let pages: u64 = self.files.values().map(|file| file.size.div_ceil(page)).sum();
        let fits = pages + more.div_ceil(page) <= Model::MOST_PAGES && self.files.len() < 4 * Model::MOST_NAMES;
        self.room(more == 0 || fits)
    }

    /// The number of the page, and the place in it.
    /// Only so much memory is taken, whatever the scenario says.
    fn room(&mut self, there_is: bool) -> Result<(), Refused> {
        self.full |= !there_is;
        if there_is { Ok(()) } else { Err(Outcome::Meaningless) }
    }

    fn split(&self, at: u64) -> (usize, usize) {
        let page = u64::from(self.page);
        (usize::try_from(at / page).unwrap_or(usize::MAX), usize::try_from(at % page).unwrap_or(usize::MAX))
    }

    fn is_behind(&self, file: FileId, at: u64) -> bool {
        at >= self.files[&file].size
    }

    fn cached(&self, file: FileId, number: u64) -> Page {
        self.files[&file].pages.get(&number).cloned().unwrap_or_else(|| Page::zeros(self.page))
    }

    fn set(&mut self, file: FileId, at: u64, byte: Byte) {
        let (number, place) = self.split(at);
        let (page, number) = (self.page, number as u64);
        self.file(file).pages.entry(number).or_insert_with(|| Page::zeros(page)).set(place, byte);
    }

    /// The bytes of a file from a place to another: what lies between them, piece by piece in its pages.
    fn get(&self, file: FileId, from: u64, to: u64) -> Vec<Byte> {
        let mut bytes = Vec::new();
        for (number, places) in self.pieces(from, to) {
            match self.files[&file].pages.get(&number) {
                Some(page) => bytes.extend_from_slice(page.piece(places)),
                None => bytes.extend(places.map(|_| Byte::Is(0))),
            }
        }
        bytes
    }

    fn put(&mut self, file: FileId, at: u64, mut bytes: &[u8]) {
        for (number, places) in self.pieces(at, at + bytes.len() as u64).collect::<Vec<_>>() {
            let (here, rest) = bytes.split_at(places.len());
            bytes = rest;
            let page = self.page;
            self.file(file).pages.entry(number).or_insert_with(|| Page::zeros(page)).put(places.start, here);
        }
    }

    fn set_all(&mut self, file: FileId, from: u64, to: u64, byte: Byte) {
        for (number, places) in self.pieces(from, to).collect::<Vec<_>>() {
            // A page that isn't there is zeros already.
            if let Some(page) = self.file(file).pages.get_mut(&number) {
                page.fill(places, byte);
            }
        }
    }

    /// Page by page: its number, and which places in it.
    fn pieces(&self, from: u64, to: u64) -> impl Iterator<Item = (u64, std::ops::Range<usize>)> + use<> {
        let page = u64::from(self.page);
        let place = move |at: u64, number: u64| usize::try_from((at - number * page).min(page)).unwrap_or(usize::MAX);
        let numbers = if from < to { from / page..to.div_ceil(page) } else { 0..0 };
        numbers.map(move |number| (number, place(from.max(number * page), number)..place(to, number)))
    }

    /// A copy gets into the file: for those who think that it does. What lies behind the file's end stays outside.
    fn put_page(&mut self, file: FileId, number: u64, copy: Page) {
        let start = number * u64::from(self.page);
        for place in 0..u64::from(self.page) {
            let byte = copy.get(usize::try_from(place).unwrap_or(usize::MAX));
            if self.files.contains_key(&file) && !self.is_behind(file, start + place) && byte != Byte::Any {
                self.set(file, start + place, byte);
            }
        }
    }

    // ---- Looking things up ----

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
        self.process(process).descriptors.get(&name).copied().ok_or(Outcome::Meaningless)
    }

    fn opened_for_writing(&mut self, process: Pid, name: Name, errno: &'static str) -> Result<Open, Refused> {
        let open = self.opened(process, name)?;
        if open.access == Access::ReadOnly && self.applies(Rule::DescriptorsWriteWhatTheyMay) {
            return Err(self.refuse(Rule::DescriptorsWriteWhatTheyMay, errno));
        }
        self.applies(Rule::DescriptorsWriteWhatTheyMay);
        Ok(open)
    }

    fn free_descriptor(&mut self, process: Pid, name: Name) -> Result<(), Refused> {
        let descriptors = &self.process(process).descriptors;
        if descriptors.contains_key(&name) {
            return Err(Outcome::Meaningless);
        }
        let few = descriptors.len() < Model::MOST_NAMES;
        self.room(few)
    }

    fn mapping(&mut self, process: Pid, name: Name) -> Result<&mut Mapping, Refused> {
        self.process(process).mappings.get_mut(&name).ok_or(Outcome::Meaningless)
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
        amount.at(self.page).ok_or(Outcome::Meaningless)
    }

    fn bytes<'b>(&self, bytes: &'b Bytes) -> Result<Cow<'b, [u8]>, Refused> {
        Ok(match bytes {
            Bytes::Text(text) => Cow::Borrowed(text.as_bytes()),
            Bytes::Fill(letter, amount) => {
                let length = usize::try_from(self.size(*amount)?).map_err(|_| Outcome::Meaningless)?;
                Cow::Owned(vec![u8::try_from(*letter).unwrap_or(b'?'); length])
            }
        })
    }
}

/// The model begins anew with each scenario.
impl World for Model {
    type Error = Infallible;

    fn play(&mut self, scenario: &Scenario) -> Result<Vec<Outcome>, Infallible> {
        *self = Model { denied: self.denied, ..Model::new(self.page) };
        Ok(scenario.0.iter().map(|line| self.step(line.process, &line.operation).0).collect())
    }
}

fn writes(protection: Protection) -> bool {
    matches!(protection, Protection::Write | Protection::ReadWrite)
}
