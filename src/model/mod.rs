//! The rules of mmap as a program: files, processes and mappings, and what each line of a scenario gives.
//!
//! The model makes no system call. When you read it, look for one thing: each page of a mapping either has nothing of
//! its own, and then it is the file's page, as it is now; or it has a copy, which a private mapping gets at the first
//! store to the page. That is nearly all there is to it. The rest says when an access faults.
//!
//! Wherever the code decides something, it asks whether a [`Rule`] `applies`. The last of these rules, in the order of
//! their table, becomes the reason for the outcome. A model can deny one of them ([`Model::denying`]): it then behaves
//! as a person with that misconception expects, or as another system does.
//!
//! To read on: `cache` has the pages of a file; `files` what a truncation drops, `allocation` what fallocate(2) does;
//! `mappings` how a mapping is made, changed and removed, and `moves` how it is moved; `accesses` when a private copy is
//! made, and when an access is fatal; `advice` what madvise(2) does, and `locks` what mlock(2) does; `processes` what
//! fork(2) shares; `disk` what the disk has of all that, and what a power cut leaves; `times` what marks st_mtime; `file_system` in what file systems differ; `rules` every rule in a
//! sentence.
//!
//! A byte may be left open, and so may an outcome: the model never says more about Linux than is known. POSIX promises
//! less, and [`Posix`] says what. File systems differ, too: a model is of a [`Setting`], and [`Elsewhere`] says what other
//! settings give.
//!
//! ```
//! use mmap_workbook::model::{Model, Rule};
//! use mmap_workbook::scenario::{Backend, Line, Scenario};
//!
//! let text = "A create f \"ab\"\nA open d f rw\nA map m d private rw 0 1p\nA store m 0 \"x\"\nA read d 0 2 => \"ab\"";
//! let scenario = Scenario::parse(text)?;
//! let mut model = Model::new(4096);
//! for Line { process, operation, outcome, .. } in &scenario.0 {
//!     let (happens, rule) = model.step(*process, operation);
//!     assert!(outcome.as_ref().is_none_or(|claim| claim.allows(&happens)), "{}", rule.sentence().en);
//! }
//!
//! // A person who believes that a private mapping changes its file expects another last line.
//! let mut wrong = Model::denying(4096, Rule::PrivateStoresStayPrivate);
//! let Ok(outcomes) = wrong.play(&scenario);
//! assert_eq!(outcomes[4].to_string(), "\"xb\"");
//! # Ok::<(), mmap_workbook::scenario::Problem>(())
//! ```

mod accesses;
mod advice;
mod allocation;
mod buffers;
mod cache;
mod disk;
mod file_system;
mod files;
mod locks;
mod mappings;
mod moves;
mod page;
mod posix;
mod processes;
mod rules;
mod state;
mod times;

use alloc::borrow::Cow;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec;
use alloc::vec::Vec;
use core::convert::Infallible;

use crate::fault::Cause;
use crate::scenario::{
    Access, Advice, Amount, Backend, Byte, Bytes, CODE, CODE_RETURNS, Contents, Flag, Name, Operation, Outcome, Pid,
    Placing, Protection, Range, Request, Scenario, Seal, Sharing, Source, Syncing,
};
use accesses::Touch;
use disk::{Description, Disk};
use page::{Births, Page};
use times::{Mtime, TableEntry};

pub use file_system::{Collapsing, Elsewhere, FileSystem, Guards, Marking, Other, PastTheEnd, Setting};
pub use posix::Posix;
pub use rules::{Basis, Rule};
pub use state::{Backing, DiskState, FileOnDisk, FileState, MappingState, PageState, ProcessState, State};

/// A file, while anything refers to it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
struct File {
    size: u64,
    /// The page cache: a page that is not in it is zeros.
    pages: BTreeMap<u64, Page>,
    /// None unless it is a file in memory.
    seals: Option<BTreeSet<Seal>>,
    /// Whether st_mtime has moved since somebody asked.
    mtime: Mtime,
    /// Whether it is the memory of a shared anonymous mapping.
    anonymous: bool,
    /// Under a denied rule: whether a process that has ended still has it mapped for writing.
    held: bool,
}

type FileId = u32;

/// An open file of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Open {
    file: FileId,
    access: Access,
    /// O_APPEND
    appends: bool,
    /// Which open file description it is, or has.
    description: Description,
}

/// A page of a mapping.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct PageEntry {
    area: Area,
    /// The file, and the number of its page; None for private anonymous memory.
    file: Option<(FileId, u64)>,
    /// The private copy. After fork(2) parent and child have the same one, until one of them stores to it.
    copy: Option<Page>,
    /// Whether it is a guard page: each access faults.
    guarded: bool,
    table: TableEntry,
    /// Whether mlock(2) has brought it into memory, and nothing has taken it out since.
    pinned: bool,
    /// The file's size when it was mapped, which only denied rules look at.
    size_then: u64,
    /// Whether it comes from a parent.
    inherited: bool,
    /// Through which the file was mapped.
    description: Description,
}

/// What pages have in common: neighbours that differ in it are not in one area of the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Area {
    protection: Protection,
    shared: bool,
    /// What mprotect(2) may allow, which the descriptor's access at mmap(2) decides, and the file system.
    may_write: bool,
    may_execute: bool,
    locked: bool,
    /// MADV_DONTFORK and MADV_WIPEONFORK
    left_at_fork: bool,
    wiped_at_fork: bool,
}

/// The addresses of a mapping, as mmap(2) made it, and what is there page by page.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Region {
    /// In bytes, as requested.
    length: u64,
    /// Whether all of it has been unmapped at once: a new mapping may take its name, and until then it can be accessed,
    /// which is fatal.
    gone: bool,
    /// Whether something was done with a part of it, so that the kernel may have several areas for it, even if they are
    /// alike by now.
    parted: bool,
    /// Whether any of its pages has been accessed.
    touched: bool,
    /// None where nothing is mapped.
    slots: Vec<Option<PageEntry>>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
struct Process {
    descriptors: BTreeMap<Name, Open>,
    mappings: BTreeMap<Name, Region>,
    /// Whether it has stored to a shared mapping.
    has_stored: bool,
}

/// What the model has a limit for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Limit {
    /// The files that are still referenced: [`Model::MOST_FILES`].
    Files,
    /// The pages of all files together: [`Model::MOST_PAGES`].
    Pages,
    /// The descriptors of a process: [`Model::MOST_NAMES`].
    Descriptors,
    /// The mappings of a process, with those that it has unmapped: [`Model::MOST_NAMES`].
    Mappings,
    /// The pages in all mappings of a process: [`Model::MOST_PAGES`].
    MappedPages,
    /// The disks that a power cut may leave: [`Model::MOST_DISKS`].
    Disks,
}

/// The files, and the processes with what they have open and mapped.
///
/// ```
/// # use mmap_workbook::model::Model;
/// # use mmap_workbook::scenario::{Backend, Scenario};
/// let scenario = Scenario::parse("A map m anon private rw 1p\nA load m 1p 1")?;
/// let Ok(outcomes) = Model::new(4096).play(&scenario);
/// assert_eq!(outcomes[1].to_string(), "SIGSEGV/SEGV_MAPERR at 1p");
/// # Ok::<(), mmap_workbook::scenario::Problem>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Model {
    page_size: u32,
    /// The file system of files that have names, and that of files in memory.
    named: FileSystem,
    memory: FileSystem,
    lockable: u64,
    guards: Guards,
    denied: Option<Rule>,
    why: Option<Rule>,
    /// What happened elsewhere in this line, and the outcome that it leaves open, with its rule.
    happened: Option<Outcome>,
    open: Option<(Outcome, Rule)>,
    /// The last limit of the model that a line would have passed.
    passed: Option<Limit>,
    files: BTreeMap<FileId, File>,
    /// The number of the next file.
    next_file: FileId,
    copies: Births,
    names: BTreeMap<Name, FileId>,
    processes: BTreeMap<Pid, Process>,
    disk: Disk,
    /// The last one.
    descriptions: Description,
    /// Whether the power was cut: what is left open comes from that.
    was_cut: bool,
    /// After a power cut: the same with other names and sizes on the disk. Nobody knows which it is.
    others: Vec<Model>,
    /// For denied rules, under which stores are lost: which process stored where, and the byte before.
    unsynced: Vec<(Pid, FileId, u64, Byte)>,
}

impl Model {
    /// The most pages in all files together, or in all mappings of a process; a line that needs more is
    /// [`Outcome::NotApplicable`].
    pub const MOST_PAGES: u64 = 1024;
    /// The most descriptors of a process, or mappings, with those that it has unmapped.
    pub const MOST_NAMES: usize = 64;
    /// The most disks that differ in names or sizes after a power cut.
    pub const MOST_DISKS: usize = 64;
    /// The most files that are still referenced.
    pub const MOST_FILES: usize = 256;

    /// A model with one process and no file, whose pages have `page_size` bytes, and whose named files are on a disk.
    pub fn new(page_size: u32) -> Model {
        Model::on(&Setting::new(page_size))
    }

    /// A model with one process and no file, in this setting.
    pub fn on(setting: &Setting) -> Model {
        let Setting { page_size, named, memory, lockable, guards } = *setting;
        Model {
            page_size,
            named,
            memory,
            lockable,
            guards,
            denied: None,
            why: None,
            happened: None,
            open: None,
            passed: None,
            files: BTreeMap::new(),
            next_file: 0,
            copies: Births::default(),
            names: BTreeMap::new(),
            processes: BTreeMap::from([(Pid::FIRST, Process::default())]),
            disk: Disk::default(),
            descriptions: Description::default(),
            was_cut: false,
            others: Vec::new(),
            unsynced: Vec::new(),
        }
    }

    /// The model without this rule: what a person with that misconception expects.
    pub fn denying(page_size: u32, rule: Rule) -> Model {
        Model::new(page_size).without(rule)
    }

    /// This model without this rule.
    #[must_use]
    pub fn without(self, rule: Rule) -> Model {
        Model { denied: Some(rule), ..self }
    }

    /// Whether the process exists, or may.
    pub fn has(&self, process: Pid) -> bool {
        core::iter::once(self).chain(&self.others).any(|model| model.processes.contains_key(&process))
    }

    /// The processes that exist.
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
        self.mapped(process, true)
    }

    /// The mappings that a process has unmapped, as long as no other has the name.
    pub fn unmapped(&self, process: Pid) -> impl Iterator<Item = Name> + Clone {
        self.mapped(process, false)
    }

    fn mapped(&self, process: Pid, is_there: bool) -> impl Iterator<Item = Name> + Clone {
        let mappings = self.processes.get(&process).into_iter().flat_map(|process| &process.mappings);
        mappings.filter(move |(_, mapping)| mapping.gone != is_there).map(|(name, _)| *name)
    }

    /// The limit of the model for which a scenario has asked too much. From then on its outcomes are not valid.
    pub fn passed(&self) -> Option<Limit> {
        self.passed
    }

    /// Performs a line, as [`Model::step`]. Where it leaves the outcome open, it goes on from what happened elsewhere.
    pub fn step_as(&mut self, process: Pid, operation: &Operation, happened: &Outcome) -> (Outcome, Rule) {
        self.happened = Some(happened.clone());
        let step = self.step(process, operation);
        self.happened = None;
        step
    }

    /// Performs a line: its outcome, and the rule that explains it.
    pub fn step(&mut self, process: Pid, operation: &Operation) -> (Outcome, Rule) {
        if self.others.is_empty() { self.step_alone(process, operation) } else { self.step_all(process, operation) }
    }

    fn step_alone(&mut self, process: Pid, operation: &Operation) -> (Outcome, Rule) {
        self.why = None;
        let outcome = if self.processes.contains_key(&process) {
            self.attempt(process, operation).unwrap_or_else(|early| early)
        } else {
            Outcome::NotApplicable
        };
        if let Outcome::Died(..) = outcome {
            self.end(process, true);
        }
        if let Some(open) = self.open.take() {
            return open;
        }
        let why = self.why.take().filter(|_| outcome != Outcome::NotApplicable).unwrap_or(Rule::NotApplicable);
        (outcome, why)
    }

    /// Whether a rule applies: each one does that isn't denied. Either way it is noted as a reason.
    #[must_use]
    fn applies(&mut self, rule: Rule) -> bool {
        self.because(rule);
        self.denied != Some(rule)
    }

    /// Notes a rule as the reason, unless one that comes later in the table of the rules has been noted.
    fn because(&mut self, rule: Rule) {
        self.why = self.why.max(Some(rule));
    }

    /// The errno, with this rule as its reason, whatever was noted before.
    fn refuse(&mut self, rule: Rule, errno: &'static str) -> Outcome {
        self.why = Some(rule);
        Outcome::Errno(Cow::Borrowed(errno))
    }

    /// Leaves the outcome open, by this rule: it is one of these, and this returns which, if that is known.
    fn leave_open(&mut self, rule: Rule, outcomes: impl Into<Vec<Outcome>>) -> Option<Outcome> {
        let outcomes = outcomes.into();
        debug_assert!(rule.basis() == Basis::Varies, "{rule:?} leaves nothing open");
        let happened = self.happened.take().filter(|happened| outcomes.contains(happened));
        self.open = Some((Outcome::OneOf(outcomes), rule));
        happened
    }

    /// Why bytes that were read or loaded are left open.
    fn explain_open(&mut self, outcome: &Outcome) {
        let Outcome::Bytes(bytes) = outcome else { return };
        if self.was_cut && outcome.is_open() && self.why != Some(Rule::FreedPagesVary) {
            self.why = Some(Rule::UnsyncedVaries);
        } else if bytes.contains(&Byte::Any) {
            self.why = Some(Rule::EarlierLinesVary);
        } else if outcome.is_open() && self.why != Some(Rule::FreedPagesVary) {
            self.why = Some(Rule::BytesPastTheEndVary);
        }
    }

    fn attempt(&mut self, process: Pid, operation: &Operation) -> Result<Outcome, Outcome> {
        match operation {
            Operation::Create(name, contents) => self.create(*name, contents),
            Operation::Memfd(name, size) => self.memfd(process, *name, *size),
            Operation::Open(descriptor, name, access, flag) => self.open(process, *descriptor, *name, *access, *flag),
            Operation::Reopen(descriptor, of, access) => self.reopen(process, *descriptor, *of, *access),
            Operation::Close(name) => self.close(process, *name),
            Operation::Read(name, at, length) => self.read(process, *name, *at, *length),
            Operation::Write(name, at, bytes) => self.write(process, *name, *at, bytes),
            Operation::ReadInto(descriptor, offset, mapping, place, length) => {
                self.read_into(process, (*descriptor, *offset), (*mapping, *place), *length)
            }
            Operation::WriteFrom(descriptor, offset, mapping, place, length) => {
                self.write_from(process, (*descriptor, *offset), (*mapping, *place), *length)
            }
            Operation::Truncate(name, size) => self.truncate(process, *name, *size),
            Operation::Punch(name, at, length) => self.punch(process, *name, *at, *length),
            Operation::Reserve(name, at, length) => self.reserve(process, *name, *at, *length),
            Operation::Zero(name, at, length) => self.zero(process, *name, *at, *length),
            Operation::Collapse(name, at, length) => self.collapse(process, *name, *at, *length),
            Operation::Mtime(name) => self.mtime(process, *name),
            Operation::Fsync(name, _) => self.fsync(process, *name),
            Operation::FsyncDirectory => Ok(self.fsync_directory()),
            Operation::Rename(from, to) => self.rename(*from, *to),
            Operation::Unlink(name) => self.unlink(*name),
            Operation::Seal(name, seal) => self.seal(process, *name, *seal),
            Operation::Seals(name) => self.seals(process, *name),
            Operation::Map(name, request) => self.map(process, *name, request),
            Operation::MapAt(name, at, request, placing) => self.map_at(process, *name, *at, request, *placing),
            Operation::Load(name, at, length) => {
                let (at, length) = (self.size(*at)?, self.size(*length)?);
                self.mapping(process, *name)?;
                self.because(Rule::MappingsShowTheFile);
                let mut bytes = Vec::new();
                self.load_all(process, *name, at..at + length, &mut bytes)?;
                let outcome = Outcome::Bytes(bytes);
                self.explain_open(&outcome);
                Ok(outcome)
            }
            Operation::Store(name, at, bytes) => {
                let (at, bytes) = (self.size(*at)?, self.bytes(bytes)?);
                self.mapping(process, *name)?;
                self.because(Rule::MappingsShowTheFile);
                self.store_all(process, *name, at, &bytes, &mut 0)?;
                Ok(Outcome::Done)
            }
            Operation::Call(name, at) => self.call(process, *name, *at),
            Operation::Unmap(name, part) => self.unmap(process, *name, *part),
            Operation::Remap(name, length) => self.remap(process, *name, *length),
            Operation::Move(name, to) => self.move_to(process, *name, *to),
            Operation::Duplicate(name, to) => self.duplicate(process, *name, *to),
            Operation::Protect(name, protection, part) => self.protect(process, *name, *protection, *part),
            Operation::Advise(name, advice, part) => self.advise(process, *name, *advice, *part),
            Operation::Lock(name, part) => self.lock(process, *name, *part),
            Operation::Unlock(name, part) => self.unlock(process, *name, *part),
            Operation::Resident(name, part) => self.resident(process, *name, *part),
            Operation::Sync(name, how, part) => self.sync(process, *name, *how, *part),
            Operation::Fork(child) => self.fork(process, *child),
            Operation::Exit => {
                self.end(process, false);
                Ok(Outcome::Done)
            }
            // A process that wants to end uses `exit`.
            Operation::Kill(other) if *other == process || !self.has(*other) => Err(Outcome::NotApplicable),
            Operation::Kill(other) => {
                self.end(*other, true);
                Ok(Outcome::Done)
            }
            Operation::Fail(name) => self.fail(process, *name),
            Operation::Cut => self.cut(),
        }
    }

    // What a line's names refer to. `Err` is an outcome that ends the line early, here and everywhere in the model.

    fn process(&mut self, process: Pid) -> &mut Process {
        self.processes.get_mut(&process).expect("`step` has checked that it exists")
    }

    fn file(&mut self, file: FileId) -> &mut File {
        self.files.get_mut(&file).expect("a file exists while anything refers to it")
    }

    fn named(&mut self, name: Name) -> Result<FileId, Outcome> {
        match self.names.get(&name).copied() {
            Some(file) => Ok(file),
            None if self.applies(Rule::NamesLeadToFiles) => Err(self.refuse(Rule::NamesLeadToFiles, "ENOENT")),
            None => self.new_file(0, None),
        }
    }

    fn opened(&mut self, process: Pid, name: Name) -> Result<Open, Outcome> {
        self.process(process).descriptors.get(&name).copied().ok_or(Outcome::NotApplicable)
    }

    fn opened_for_writing(&mut self, process: Pid, name: Name) -> Result<Open, Outcome> {
        let open = self.opened(process, name)?;
        if open.access == Access::ReadOnly && self.applies(Rule::WritingNeedsWriteAccess) {
            return Err(self.refuse(Rule::WritingNeedsWriteAccess, "EBADF"));
        }
        self.because(Rule::WritingNeedsWriteAccess);
        Ok(open)
    }

    fn free_descriptor(&mut self, process: Pid, name: Name) -> Result<(), Outcome> {
        let descriptors = &self.process(process).descriptors;
        if descriptors.contains_key(&name) {
            return Err(Outcome::NotApplicable);
        }
        let few = descriptors.len() < Model::MOST_NAMES;
        self.room(Limit::Descriptors, few)
    }

    fn mapping(&mut self, process: Pid, name: Name) -> Result<&mut Region, Outcome> {
        self.process(process).mappings.get_mut(&name).ok_or(Outcome::NotApplicable)
    }

    /// Every page that is mapped of a file, with its number in the file.
    fn pages_of(&self, file: FileId) -> impl Iterator<Item = (&PageEntry, u64)> {
        let mappings = self.processes.values().flat_map(|process| process.mappings.values());
        mappings
            .flat_map(|mapping| mapping.slots.iter().flatten())
            .filter_map(move |slot| slot.file.filter(|(other, _)| *other == file).map(|(_, number)| (slot, number)))
    }

    fn has_copies(&self, file: FileId, numbers: core::ops::Range<u64>) -> bool {
        self.pages_of(file).any(|(slot, number)| slot.copy.is_some() && numbers.contains(&number))
    }

    /// Changes each mapped page of a file; `change` gets its number in the file.
    fn change_slots_of(&mut self, file: FileId, change: impl Fn(u64, &mut PageEntry)) {
        let mappings = self.processes.values_mut().flat_map(|process| process.mappings.values_mut());
        for slot in mappings.flat_map(|mapping| mapping.slots.iter_mut().flatten()) {
            if let Some((_, number)) = slot.file.filter(|(other, _)| *other == file) {
                change(number, slot);
            }
        }
    }

    fn has_seals(&self, file: FileId) -> bool {
        self.files[&file].seals.as_ref().is_some_and(|set| !set.is_empty())
    }

    fn is_sealed(&self, file: FileId, seals: &[Seal]) -> bool {
        self.files[&file].seals.as_ref().is_some_and(|set| seals.iter().any(|seal| set.contains(seal)))
    }

    fn refuse_when_sealed(&mut self, file: FileId, seals: &[Seal], rule: Rule) -> Result<(), Outcome> {
        if self.is_sealed(file, seals) && self.applies(rule) {
            return Err(self.refuse(rule, "EPERM"));
        }
        if self.has_seals(file) && !self.applies(Rule::EachSealForbidsOneThing) {
            return Err(self.refuse(Rule::EachSealForbidsOneThing, "EPERM"));
        }
        Ok(())
    }

    fn size(&self, amount: Amount) -> Result<u64, Outcome> {
        amount.at(self.page_size).ok_or(Outcome::NotApplicable)
    }

    fn bytes<'b>(&self, bytes: &'b Bytes) -> Result<Cow<'b, [u8]>, Outcome> {
        Ok(match bytes {
            Bytes::Text(text) => Cow::Borrowed(text.as_bytes()),
            Bytes::Fill(letter, amount) => {
                let length = usize::try_from(self.size(*amount)?).map_err(|_| Outcome::NotApplicable)?;
                Cow::Owned(vec![u8::try_from(*letter).unwrap_or(b'?'); length])
            }
            Bytes::Code => Cow::Borrowed(CODE),
        })
    }
}

/// Each scenario starts with a fresh model.
impl Backend for Model {
    type Error = Infallible;

    fn play(&mut self, scenario: &Scenario) -> Result<Vec<Outcome>, Infallible> {
        let Model { page_size, named, memory, lockable, guards, denied, .. } = *self;
        *self = Model { denied, ..Model::on(&Setting { page_size, named, memory, lockable, guards }) };
        Ok(scenario.0.iter().map(|line| self.step(line.process, &line.operation).0).collect())
    }
}

fn reads(protection: Protection) -> bool {
    matches!(protection, Protection::Read | Protection::ReadWrite | Protection::ReadExecute)
}

fn writes(protection: Protection) -> bool {
    matches!(protection, Protection::Write | Protection::ReadWrite)
}

/// A number of bytes or of pages, as it is used for memory.
fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
