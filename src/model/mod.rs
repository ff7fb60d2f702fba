//! The rules of mmap as a program: files, processes and mappings, and what each operation of a scenario gives.
//!
//! No call into the system is made here. What to look for when reading: a mapping holds, for each of its pages, either
//! nothing of its own, and then the page is that of the file, now; or a copy, which a private mapping gets by its first
//! store to the page. That is nearly all there is to it. The rest says when a touch faults.
//!
//! A byte is `Option<u8>`: `None` is one that POSIX leaves open and about which systems differ. The model never says more
//! than it knows.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::scenario::{Access, Amount, Bytes, Contents, Name, Operation, Pid, Protection, Seal, Source};

/// A byte, or one that may be anything.
pub type Byte = Option<u8>;

/// What an operation gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It has been done.
    Done,
    /// So many bytes were written.
    Count(u64),
    /// These bytes were read or loaded.
    Bytes(Vec<Byte>),
    /// It is refused: the name of the errno.
    Errno(&'static str),
    /// The process dies of a touch: the signal with its code, and where in the mapping, in bytes from its start.
    Died(Death, u64),
    /// There is no such process, name or place: the line means nothing.
    Meaningless(&'static str),
}

/// How a touch kills.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Death {
    /// SIGSEGV/SEGV_MAPERR: nothing is mapped there.
    NotMapped,
    /// SIGSEGV/SEGV_ACCERR: the protection forbids it.
    NotAllowed,
    /// SIGBUS/BUS_ADRERR: the file has no such page.
    NoPage,
}

/// A file: its bytes by page. A page that isn't there is zeros.
#[derive(Debug, Clone, Default)]
struct File {
    size: u64,
    pages: BTreeMap<u64, Vec<Byte>>,
    /// Of a file in memory.
    seals: Option<Vec<Seal>>,
}

/// A file that a process has opened.
#[derive(Debug, Clone, Copy)]
struct Open {
    file: usize,
    access: Access,
}

/// What stands behind a page of a mapping.
#[derive(Debug, Clone)]
struct Page {
    protection: Protection,
    /// The private copy. A forked child has the same one, until one of the two stores to it: `Rc::make_mut` is just that.
    copy: Option<Rc<Vec<Byte>>>,
}

#[derive(Debug, Clone)]
struct Mapping {
    /// The file and the number of its page where the mapping begins; None for private anonymous memory.
    file: Option<(usize, u64)>,
    shared: bool,
    /// The descriptor's access when it was mapped is the limit of what mprotect(2) may allow later.
    may_write: bool,
    /// What has been unmapped is None.
    pages: Vec<Option<Page>>,
}

#[derive(Debug, Clone, Default)]
struct Process {
    descriptors: BTreeMap<Name, Open>,
    mappings: BTreeMap<Name, Mapping>,
}

/// Everything there is: the files, and the processes with what they have open and mapped.
#[derive(Debug, Clone)]
pub struct Model {
    page: u32,
    files: Vec<File>,
    names: BTreeMap<Name, usize>,
    processes: BTreeMap<Pid, Process>,
}

const NO_NAME: Outcome = Outcome::Meaningless("there is nothing of this name");

/// The most that a file or a mapping of a scenario has, in bytes.
const MOST: i64 = 1 << 30;

impl Model {
    /// A world with one process and no file, where a page has `page` bytes.
    pub fn new(page: u32) -> Model {
        let processes = BTreeMap::from([(Pid::FIRST, Process::default())]);
        Model { page, files: Vec::new(), names: BTreeMap::new(), processes }
    }

    /// Whether there is this process.
    pub fn has(&self, process: Pid) -> bool {
        self.processes.contains_key(&process)
    }

    /// Does what a line says.
    pub fn step(&mut self, process: Pid, operation: &Operation) -> Outcome {
        if !self.has(process) {
            return Outcome::Meaningless("there is no such process");
        }
        match self.attempt(process, operation) {
            Ok(outcome) => outcome,
            Err(outcome) => {
                if let Outcome::Died(..) = outcome {
                    self.processes.remove(&process);
                }
                outcome
            }
        }
    }

    fn attempt(&mut self, process: Pid, operation: &Operation) -> Result<Outcome, Outcome> {
        match operation {
            Operation::Create(name, contents) => self.create(name, contents),
            Operation::Memfd(name, size) => {
                let size = self.size(*size)?;
                self.files.push(File { size, seals: Some(Vec::new()), ..File::default() });
                let open = Open { file: self.files.len() - 1, access: Access::ReadWrite };
                self.process(process).descriptors.insert(name.clone(), open);
                Ok(Outcome::Done)
            }
            Operation::Open(descriptor, name, access, truncate) => {
                let file = *self.names.get(name).ok_or(Outcome::Errno("ENOENT"))?;
                if *truncate && *access != Access::ReadOnly {
                    self.resize(file, 0);
                }
                self.process(process).descriptors.insert(descriptor.clone(), Open { file, access: *access });
                Ok(Outcome::Done)
            }
            Operation::Close(name) => {
                self.process(process).descriptors.remove(name).map(|_| Outcome::Done).ok_or(NO_NAME)
            }
            Operation::Read(name, at, length) => {
                let open = self.open(process, name)?;
                if open.access == Access::WriteOnly {
                    return Err(Outcome::Errno("EBADF"));
                }
                let (at, length) = (self.size(*at)?, self.size(*length)?);
                let end = (at + length).min(self.files[open.file].size);
                Ok(Outcome::Bytes((at..end).map(|at| self.byte_of(open.file, at)).collect()))
            }
            Operation::Write(name, at, bytes) => {
                let open = self.open(process, name)?;
                if open.access == Access::ReadOnly {
                    return Err(Outcome::Errno("EBADF"));
                }
                let (at, bytes) = (self.size(*at)?, self.bytes(bytes)?);
                self.write(open.file, at, &bytes)
            }
            Operation::Truncate(name, size) => {
                let open = self.open(process, name)?;
                if open.access == Access::ReadOnly {
                    return Err(Outcome::Errno("EINVAL"));
                }
                let (size, before) = (self.size(*size)?, self.files[open.file].size);
                let forbids = if size < before { Seal::Shrink } else { Seal::Grow };
                if size != before && self.is_sealed(open.file, forbids) {
                    return Err(Outcome::Errno("EPERM"));
                }
                self.resize(open.file, size);
                Ok(Outcome::Done)
            }
            Operation::Punch(name, at, length) => {
                let open = self.open(process, name)?;
                let (at, length) = (self.size(*at)?, self.size(*length)?);
                match () {
                    () if open.access == Access::ReadOnly => Err(Outcome::Errno("EBADF")),
                    () if length == 0 => Err(Outcome::Errno("EINVAL")),
                    () if self.is_sealed(open.file, Seal::Write) || self.is_sealed(open.file, Seal::FutureWrite) => {
                        Err(Outcome::Errno("EPERM"))
                    }
                    () => {
                        // Up to the page's end where the file ends before: zeros, as what is behind the end is anyhow.
                        for at in at..(at + length).min(self.files[open.file].size) {
                            self.set(open.file, at, Some(0));
                        }
                        Ok(Outcome::Done)
                    }
                }
            }
            Operation::Rename(from, to) => {
                let file = self.names.remove(from).ok_or(Outcome::Errno("ENOENT"))?;
                self.names.insert(to.clone(), file);
                Ok(Outcome::Done)
            }
            Operation::Unlink(name) => self.names.remove(name).map(|_| Outcome::Done).ok_or(Outcome::Errno("ENOENT")),
            Operation::Seal(name, seal) => self.seal(process, name, *seal),
            Operation::Map(name, source, shared, protection, length) => {
                self.map(process, name, source, *shared, *protection, *length)
            }
            Operation::Load(name, at, length) => {
                let (at, length) = (self.size(*at)?, self.size(*length)?);
                (at..at + length).map(|at| self.load(process, name, at)).collect::<Result<_, _>>().map(Outcome::Bytes)
            }
            Operation::Store(name, at, bytes) => {
                let (at, bytes) = (self.size(*at)?, self.bytes(bytes)?);
                for (at, byte) in (at..).zip(bytes) {
                    self.store(process, name, at, byte)?;
                }
                Ok(Outcome::Done)
            }
            Operation::Unmap(name, part) => self.unmap(process, name, *part),
            Operation::Protect(name, protection) => {
                let mapping = self.mapping(process, name)?;
                if writes(*protection) && !mapping.may_write {
                    return Err(Outcome::Errno("EACCES"));
                }
                if mapping.pages.iter().any(Option::is_none) {
                    return Err(Outcome::Errno("ENOMEM"));
                }
                mapping.pages.iter_mut().flatten().for_each(|page| page.protection = *protection);
                Ok(Outcome::Done)
            }
            Operation::Advise(name) => {
                let mapping = self.mapping(process, name)?;
                let whole = mapping.pages.iter().all(Option::is_some);
                // The copies go; the file's page, or zeros, are what the next touch finds.
                mapping.pages.iter_mut().flatten().for_each(|page| page.copy = None);
                if whole { Ok(Outcome::Done) } else { Err(Outcome::Errno("ENOMEM")) }
            }
            Operation::Sync(name) => {
                let whole = self.mapping(process, name)?.pages.iter().all(Option::is_some);
                if whole { Ok(Outcome::Done) } else { Err(Outcome::Errno("ENOMEM")) }
            }
            Operation::Fork(child) => {
                if self.has(*child) {
                    return Err(Outcome::Meaningless("there is such a process already"));
                }
                let copy = self.process(process).clone();
                self.processes.insert(*child, copy);
                Ok(Outcome::Done)
            }
            Operation::Exit => {
                self.processes.remove(&process);
                Ok(Outcome::Done)
            }
            Operation::Kill(other) => {
                let there = self.processes.remove(other).is_some();
                there.then_some(Outcome::Done).ok_or(Outcome::Meaningless("there is no such process"))
            }
        }
    }

    // The file's side.

    fn create(&mut self, name: &Name, contents: &Contents) -> Result<Outcome, Outcome> {
        if self.names.contains_key(name) {
            return Err(Outcome::Errno("EEXIST"));
        }
        let size = if let Contents::Zeros(size) = contents { self.size(*size)? } else { 0 };
        self.files.push(File { size, ..File::default() });
        let file = self.files.len() - 1;
        if let Contents::Bytes(bytes) = contents {
            let bytes = self.bytes(bytes)?;
            self.write(file, 0, &bytes)?;
        }
        self.names.insert(name.clone(), file);
        Ok(Outcome::Done)
    }

    fn write(&mut self, file: usize, at: u64, bytes: &[u8]) -> Result<Outcome, Outcome> {
        let end = at + bytes.len() as u64;
        if self.is_sealed(file, Seal::Write) || self.is_sealed(file, Seal::FutureWrite) {
            return Err(Outcome::Errno("EPERM"));
        }
        if end > self.files[file].size && self.is_sealed(file, Seal::Grow) {
            return Err(Outcome::Errno("EPERM"));
        }
        if !bytes.is_empty() && end > self.files[file].size {
            self.resize(file, end);
        }
        for (at, byte) in (at..).zip(bytes) {
            self.set(file, at, Some(*byte));
        }
        Ok(Outcome::Count(bytes.len() as u64))
    }

    /// Another size: what is cut off is gone, from all mappings, private copies too.
    fn resize(&mut self, file: usize, size: u64) {
        let page = u64::from(self.page);
        let before = std::mem::replace(&mut self.files[file].size, size);
        let kept = size.div_ceil(page);
        if size < before {
            self.files[file].pages.split_off(&kept);
            // The rest of the last page is zeros again.
            for at in size..kept * page {
                self.set(file, at, Some(0));
            }
            for mapping in self.processes.values_mut().flat_map(|process| process.mappings.values_mut()) {
                let Some((_, first)) = mapping.file.filter(|(other, _)| *other == file) else { continue };
                for (number, slot) in (first..).zip(&mut mapping.pages) {
                    if let Some(slot) = slot.as_mut().filter(|_| number >= kept) {
                        slot.copy = None;
                    }
                }
            }
        } else if size > before {
            // What was stored behind the old end may be there, or zeros: file systems differ.
            for at in before..size.min(before.next_multiple_of(page)) {
                if self.byte_of(file, at) != Some(0) {
                    self.set(file, at, None);
                }
            }
        }
    }

    fn byte_of(&self, file: usize, at: u64) -> Byte {
        let (number, place) = (at / u64::from(self.page), (at % u64::from(self.page)) as usize);
        self.files[file].pages.get(&number).map_or(Some(0), |page| page[place])
    }

    fn set(&mut self, file: usize, at: u64, byte: Byte) {
        let (number, place) = (at / u64::from(self.page), (at % u64::from(self.page)) as usize);
        let zeros = || vec![Some(0); self.page as usize];
        self.files[file].pages.entry(number).or_insert_with(zeros)[place] = byte;
    }

    fn is_sealed(&self, file: usize, seal: Seal) -> bool {
        self.files[file].seals.as_ref().is_some_and(|seals| seals.contains(&seal))
    }

    fn seal(&mut self, process: Pid, name: &Name, seal: Seal) -> Result<Outcome, Outcome> {
        let open = self.open(process, name)?;
        let mut mappings = self.processes.values().flat_map(|process| process.mappings.values());
        let somebody_writes = mappings.any(|mapping| {
            let has_pages = mapping.pages.iter().any(Option::is_some);
            mapping.shared && mapping.may_write && has_pages && mapping.file.is_some_and(|(file, _)| file == open.file)
        });
        let file = &mut self.files[open.file];
        let Some(seals) = &mut file.seals else { return Err(Outcome::Errno("EINVAL")) };
        if seal == Seal::Write && somebody_writes && !seals.contains(&seal) {
            return Err(Outcome::Errno("EBUSY"));
        }
        if !seals.contains(&seal) {
            seals.push(seal);
        }
        Ok(Outcome::Done)
    }

    // The mapping's side.

    fn map(
        &mut self,
        process: Pid,
        name: &Name,
        source: &Source,
        shared: bool,
        protection: Protection,
        length: Amount,
    ) -> Result<Outcome, Outcome> {
        let (length, page) = (self.size(length)?, u64::from(self.page));
        let (file, may_write) = match source {
            Source::File(descriptor, offset) => {
                let (open, offset) = (self.open(process, descriptor)?, self.size(*offset)?);
                if offset % page != 0 || length == 0 {
                    return Err(Outcome::Errno("EINVAL"));
                }
                let for_writing = open.access == Access::ReadWrite;
                if open.access == Access::WriteOnly || shared && writes(protection) && !for_writing {
                    return Err(Outcome::Errno("EACCES"));
                }
                let sealed = self.is_sealed(open.file, Seal::Write) || self.is_sealed(open.file, Seal::FutureWrite);
                if shared && writes(protection) && sealed {
                    return Err(Outcome::Errno("EPERM"));
                }
                (Some((open.file, offset / page)), !shared || for_writing && !sealed)
            }
            _ if length == 0 => return Err(Outcome::Errno("EINVAL")),
            Source::Anonymous if shared => {
                // Memory that parent and child share is a file without a name, for the kernel as here.
                self.files.push(File { size: length.next_multiple_of(page), ..File::default() });
                (Some((self.files.len() - 1, 0)), true)
            }
            Source::Anonymous => (None, true),
        };
        let pages = vec![Some(Page { protection, copy: None }); length.div_ceil(page) as usize];
        self.process(process).mappings.insert(name.clone(), Mapping { file, shared, may_write, pages });
        Ok(Outcome::Done)
    }

    fn unmap(&mut self, process: Pid, name: &Name, part: Option<(Amount, Amount)>) -> Result<Outcome, Outcome> {
        let page = u64::from(self.page);
        let Some((at, length)) = part else {
            return self.process(process).mappings.remove(name).map(|_| Outcome::Done).ok_or(NO_NAME);
        };
        let (at, length) = (self.size(at)?, self.size(length)?);
        let mapping = self.mapping(process, name)?;
        if at % page != 0 || length == 0 {
            return Err(Outcome::Errno("EINVAL"));
        }
        let (first, count) = ((at / page) as usize, length.div_ceil(page) as usize);
        mapping.pages.iter_mut().skip(first).take(count).for_each(|slot| *slot = None);
        Ok(Outcome::Done)
    }

    /// What a touch of a place in a mapping finds: its page, and where in the page.
    fn touch(&mut self, process: Pid, name: &Name, at: u64, store: bool) -> Result<(usize, usize), Outcome> {
        let page = u64::from(self.page);
        let (number, place) = ((at / page) as usize, (at % page) as usize);
        let mapping = self.mapping(process, name)?;
        let slot = mapping.pages.get(number).and_then(Option::as_ref).ok_or(Outcome::Died(Death::NotMapped, at))?;
        // The permission is looked at before the file's end.
        let allowed = match slot.protection {
            Protection::None => false,
            Protection::Read => !store,
            // Most processors have no page that can be stored to and not loaded from.
            Protection::Write | Protection::ReadWrite => true,
        };
        if !allowed {
            return Err(Outcome::Died(Death::NotAllowed, at));
        }
        let behind_the_end = slot.copy.is_none().then_some(mapping.file).flatten();
        if let Some((file, first)) = behind_the_end
            && first + number as u64 >= self.files[file].size.div_ceil(page)
        {
            return Err(Outcome::Died(Death::NoPage, at));
        }
        Ok((number, place))
    }

    fn load(&mut self, process: Pid, name: &Name, at: u64) -> Result<Byte, Outcome> {
        let (number, place) = self.touch(process, name, at, false)?;
        let mapping = self.mapping(process, name)?;
        let copy = mapping.pages[number].as_ref().and_then(|page| page.copy.clone());
        Ok(match (copy, mapping.file) {
            (Some(copy), _) => copy[place],
            (None, Some((file, first))) => {
                self.byte_of(file, (first + number as u64) * u64::from(self.page) + place as u64)
            }
            (None, None) => Some(0),
        })
    }

    fn store(&mut self, process: Pid, name: &Name, at: u64, byte: u8) -> Result<(), Outcome> {
        let (number, place) = self.touch(process, name, at, true)?;
        let page = u64::from(self.page);
        let Mapping { file, shared, .. } = *self.mapping(process, name)?;
        let start = file.map(|(file, first)| (file, (first + number as u64) * page));
        if let Some((file, start)) = start.filter(|_| shared) {
            self.set(file, start + place as u64, Some(byte));
            return Ok(());
        }
        // The first store to a page of a private mapping makes the copy: of the whole page, as the file has it now.
        let now: Vec<Byte> = match start {
            Some((file, start)) => (start..start + page).map(|at| self.byte_of(file, at)).collect(),
            None => vec![Some(0); self.page as usize],
        };
        if let Some(slot) = self.mapping(process, name)?.pages[number].as_mut() {
            Rc::make_mut(slot.copy.get_or_insert_with(|| Rc::new(now)))[place] = Some(byte);
        }
        Ok(())
    }

    // Looking things up.

    fn process(&mut self, process: Pid) -> &mut Process {
        self.processes.get_mut(&process).expect("looked for before")
    }

    fn open(&mut self, process: Pid, name: &Name) -> Result<Open, Outcome> {
        self.process(process).descriptors.get(name).copied().ok_or(NO_NAME)
    }

    fn mapping(&mut self, process: Pid, name: &Name) -> Result<&mut Mapping, Outcome> {
        self.process(process).mappings.get_mut(name).ok_or(NO_NAME)
    }

    fn size(&self, amount: Amount) -> Result<u64, Outcome> {
        let bytes = amount.at(self.page);
        let fits = (0..=MOST).contains(&bytes).then_some(bytes);
        fits.and_then(|bytes| bytes.try_into().ok()).ok_or(Outcome::Meaningless("a number of bytes from 0 to 2^30"))
    }

    fn bytes(&self, bytes: &Bytes) -> Result<Vec<u8>, Outcome> {
        Ok(match bytes {
            Bytes::Text(text) => text.clone().into_bytes(),
            Bytes::Fill(letter, amount) => vec![*letter as u8; self.size(*amount)? as usize],
        })
    }
}

fn writes(protection: Protection) -> bool {
    matches!(protection, Protection::Write | Protection::ReadWrite)
}
