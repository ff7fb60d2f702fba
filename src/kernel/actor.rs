//! The actors: what a process of a scenario does when it has the turn.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::ptr;
use std::sync::atomic::{AtomicI32, AtomicPtr, AtomicU32, AtomicUsize, Ordering};

use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, FcntlArg, OFlag, SealFlag, fallocate, fcntl, openat, renameat};
use nix::libc;
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use nix::sys::uio::{pread, pwrite};
use nix::unistd::{Pid as ProcessId, UnlinkatFlags, ftruncate, unlinkat};

use super::record::Record;
use crate::observe::page_size;
use crate::process::{DEADLINE, Fault, Parent, ReportFault, fork_within_group, report_faults};
use crate::scenario::{
    Access, Advice, Amount, Bytes, Contents, Flag, Name, Operation, Pid, Protection, Range, Request, Scenario, Seal,
    Sharing, Source,
};

/// A wire for each letter: the stage has one end, and whoever has the letter the other.
pub(super) struct Wires(BTreeMap<Pid, (UnixStream, UnixStream)>);

/// What the stage hears when a turn is over.
pub(super) struct Answer {
    /// The first line that has not been done.
    pub(super) next: usize,
    pub(super) stop: Stop,
}

/// Why a turn is over.
pub(super) enum Stop {
    Done,
    Forked(ProcessId),
    Exits,
    Dies(Signal),
}

impl Wires {
    pub(super) fn new() -> Wires {
        Wires(BTreeMap::new())
    }

    /// Sees to it that there is a wire for each letter of the scenario.
    pub(super) fn have(&mut self, scenario: &Scenario) -> io::Result<()> {
        for line in &scenario.0 {
            let child = if let Operation::Fork(child) = line.operation { child } else { line.process };
            for letter in [Pid::FIRST, line.process, child] {
                if let Entry::Vacant(wire) = self.0.entry(letter) {
                    let (ours, theirs) = UnixStream::pair()?;
                    ours.set_read_timeout(Some(DEADLINE))?;
                    wire.insert((ours, theirs));
                }
            }
        }
        Ok(())
    }

    /// Gives the turn from one line up to another, and waits until it is over.
    pub(super) fn turn(&self, letter: Pid, from: usize, to: usize) -> io::Result<Answer> {
        let (mut ours, _) = self.wire(letter)?;
        ours.write_all(&[from.to_ne_bytes(), to.to_ne_bytes()].concat())?;
        let mut answer = [0; ANSWER];
        ours.read_exact(&mut answer).map_err(|error| {
            io::Error::new(
                error.kind(),
                format!("process {letter} said nothing of lines {} to {to}: {error}", from + 1),
            )
        })?;
        let [kind, value] = [4, 8].map(|end| i32::from_ne_bytes([0, 1, 2, 3].map(|n| answer[end - 4 + n])));
        let next = u32::from_ne_bytes([8, 9, 10, 11].map(|n| answer[n]));
        let stop = match kind {
            DONE => Stop::Done,
            FORKED => Stop::Forked(ProcessId::from_raw(value)),
            EXITS => Stop::Exits,
            _ => Stop::Dies(Signal::try_from(value)?),
        };
        Ok(Answer { next: next.try_into().map_err(io::Error::other)?, stop })
    }

    fn wire(&self, letter: Pid) -> io::Result<(&UnixStream, &UnixStream)> {
        let wire = self.0.get(&letter).map(|(ours, theirs)| (ours, theirs));
        wire.ok_or_else(|| io::Error::other(format!("no wire for {letter}")))
    }
}

/// Three words: what stopped the turn, a process or a signal, the next line.
const ANSWER: usize = 12;
const DONE: i32 = 0;
const FORKED: i32 = 1;
const EXITS: i32 = 2;
const DIES: i32 = 3;

fn answer(kind: i32, value: i32, next: u32) -> [u8; ANSWER] {
    let mut answer = [0; ANSWER];
    answer[..4].copy_from_slice(&kind.to_ne_bytes());
    answer[4..8].copy_from_slice(&value.to_ne_bytes());
    answer[8..].copy_from_slice(&next.to_ne_bytes());
    answer
}

/// A process of the scenario.
pub(super) struct Actor<'a> {
    letter: Pid,
    scenario: &'a Scenario,
    record: &'a Record,
    directory: &'a File,
    wires: &'a Wires,
    page: usize,
    descriptors: BTreeMap<Name, OwnedFd>,
    mappings: BTreeMap<Name, Place>,
    /// Where the mappings go: the first of the addresses that are kept for them.
    base: usize,
}

/// A mapping: which of the places it has, and how many bytes.
#[derive(Clone, Copy)]
struct Place {
    number: usize,
    start: usize,
    length: usize,
}

/// What a line gives that the kernel refuses, or that means nothing.
enum Refused {
    Errno(Errno),
    NotApplicable,
}

impl From<Errno> for Refused {
    fn from(errno: Errno) -> Refused {
        Refused::Errno(errno)
    }
}

/// The places are so far apart that no number of a scenario reaches from one to the next: what lies behind a mapping is
/// nobody's.
const PAGES_OF_A_PLACE: usize = 4 * Amount::MOST_PAGES as usize;

impl<'a> Actor<'a> {
    pub(super) fn new(
        letter: Pid,
        scenario: &'a Scenario,
        record: &'a Record,
        directory: &'a File,
        wires: &'a Wires,
    ) -> Actor<'a> {
        let (descriptors, mappings) = (BTreeMap::new(), BTreeMap::new());
        Actor { letter, scenario, record, directory, wires, page: page_size(), descriptors, mappings, base: 0 }
    }

    /// Does what its lines say until it ends. Nothing of the process's own lives on.
    pub(super) fn act(mut self) -> ! {
        let status = match self.prepare().and_then(|()| self.turns()) {
            Ok(()) => 0,
            // The stage sees the status where it expects an answer.
            Err(_) => 1,
        };
        // SAFETY: _exit(2) runs no destructor and no atexit handler: those are the stage's.
        unsafe { libc::_exit(status) }
    }

    fn prepare(&mut self) -> io::Result<()> {
        self.base = addresses_for_mappings(self.page)?;
        RECORD.store(ptr::from_ref(self.record).cast_mut(), Ordering::Relaxed);
        report_faults::<ToRecord>()
    }

    fn turns(&mut self) -> io::Result<()> {
        loop {
            let (_, mut wire) = self.wires.wire(self.letter)?;
            WIRE.store(wire.as_raw_fd(), Ordering::Relaxed);
            let mut turn = [0; 2 * size_of::<usize>()];
            wire.read_exact(&mut turn)?;
            let word = |n: usize| {
                let mut bytes = [0; size_of::<usize>()];
                bytes.copy_from_slice(&turn[n * size_of::<usize>()..(n + 1) * size_of::<usize>()]);
                usize::from_ne_bytes(bytes)
            };
            let (from, to) = (word(0), word(1));
            let (mut kind, mut value, mut next) = (DONE, 0, from);
            for line in self.scenario.0.get(from..to).unwrap_or_default() {
                next += 1;
                NEXT.store(next.try_into().map_err(io::Error::other)?, Ordering::Relaxed);
                match &line.operation {
                    Operation::Fork(child) => {
                        // SAFETY: an actor is a process of one thread.
                        match unsafe { fork_within_group(Parent::Mine) } {
                            Ok(Some(process)) => {
                                (kind, value) = (FORKED, process.as_raw());
                                self.record.done();
                            }
                            Ok(None) => {
                                self.letter = *child;
                                break;
                            }
                            Err(error) => self.record.errno(Errno::from_raw(error.raw_os_error().unwrap_or(0))),
                        }
                    }
                    Operation::Exit => {
                        self.record.done();
                        wire.write_all(&answer(EXITS, 0, next.try_into().map_err(io::Error::other)?))?;
                        return Ok(());
                    }
                    operation => match self.perform(operation) {
                        Ok(()) => {}
                        Err(Refused::Errno(errno)) => self.record.errno(errno),
                        Err(Refused::NotApplicable) => self.record.meaningless(),
                    },
                }
            }
            // A child that has just been forked has no turn to give back.
            if self.wires.wire(self.letter)?.1.as_raw_fd() == wire.as_raw_fd() {
                wire.write_all(&answer(kind, value, next.try_into().map_err(io::Error::other)?))?;
            }
        }
    }

    /// Does a line, and writes down what it gives.
    fn perform(&mut self, operation: &Operation) -> Result<(), Refused> {
        match operation {
            Operation::Create(name, contents) => self.create(*name, contents)?,
            Operation::Memfd(name, size) => {
                let size = self.offset(*size)?;
                self.free(*name)?;
                let fd = memfd_create(name.as_str(), MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING)?;
                ftruncate(&fd, size)?;
                self.descriptors.insert(*name, fd);
            }
            Operation::Open(descriptor, name, access, flag) => {
                self.free(*descriptor)?;
                let access = match access {
                    Access::ReadOnly => OFlag::O_RDONLY,
                    Access::WriteOnly => OFlag::O_WRONLY,
                    Access::ReadWrite => OFlag::O_RDWR,
                };
                let flag = match flag {
                    Some(Flag::Truncate) => OFlag::O_TRUNC,
                    None => OFlag::empty(),
                };
                let fd = openat(self.directory, name.as_str(), access | flag | OFlag::O_CLOEXEC, Mode::empty())?;
                self.descriptors.insert(*descriptor, fd);
            }
            Operation::Close(name) => drop(self.descriptors.remove(name).ok_or(Refused::NotApplicable)?),
            Operation::Read(name, at, length) => {
                let (fd, at) = (self.descriptor(*name)?, self.offset(*at)?);
                let mut bytes = vec![0; self.size(*length)?];
                let count = pread(fd, &mut bytes, at)?;
                self.record.bytes(&bytes[..count]);
                return Ok(());
            }
            Operation::Write(name, at, bytes) => {
                let (fd, at) = (self.descriptor(*name)?, self.offset(*at)?);
                let count = pwrite(fd, &self.bytes(bytes)?, at)?;
                self.record.count(count);
                return Ok(());
            }
            Operation::Truncate(name, size) => ftruncate(self.descriptor(*name)?, self.offset(*size)?)?,
            Operation::Punch(name, at, length) => {
                let flags = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
                let (fd, at, length) = (self.descriptor(*name)?, self.offset(*at)?, self.offset(*length)?);
                fallocate(fd, flags, at, length)?;
            }
            Operation::Rename(from, to) => renameat(self.directory, from.as_str(), self.directory, to.as_str())?,
            Operation::Unlink(name) => unlinkat(self.directory, name.as_str(), UnlinkatFlags::NoRemoveDir)?,
            Operation::Seal(name, seal) => {
                let seal = match seal {
                    Seal::Shrink => SealFlag::F_SEAL_SHRINK,
                    Seal::Grow => SealFlag::F_SEAL_GROW,
                    Seal::Write => SealFlag::F_SEAL_WRITE,
                    Seal::FutureWrite => SealFlag::F_SEAL_FUTURE_WRITE,
                };
                fcntl(self.descriptor(*name)?, FcntlArg::F_ADD_SEALS(seal))?;
            }
            Operation::Map(name, request) => self.map(*name, request)?,
            Operation::Load(name, at, length) => {
                let (start, length) = (self.address(*name, *at)?, self.size(*length)?);
                let mut bytes = vec![0; length];
                for (n, byte) in bytes.iter_mut().enumerate() {
                    // SAFETY: the addresses around are kept for the mappings of scenarios: no Rust object lives there. The
                    // load may fault, and the process dies of it, which is what the scenario asks.
                    *byte = unsafe { ptr::with_exposed_provenance::<u8>(start + n).read_volatile() };
                }
                self.record.bytes(&bytes);
                return Ok(());
            }
            Operation::Store(name, at, bytes) => {
                let (start, bytes) = (self.address(*name, *at)?, self.bytes(bytes)?);
                for (n, byte) in bytes.iter().enumerate() {
                    // SAFETY: as for the load.
                    unsafe { ptr::with_exposed_provenance_mut::<u8>(start + n).write_volatile(*byte) };
                }
            }
            Operation::Unmap(name, part) => {
                let place = self.place(*name)?;
                let (start, length) = match part {
                    None => (place.start, place.length.next_multiple_of(self.page)),
                    Some(Range { place: at, length }) => (place.start + self.size(*at)?, self.size(*length)?),
                };
                // SAFETY: the range lies within the place of this mapping, where no Rust object lives.
                Errno::result(unsafe { libc::munmap(ptr::with_exposed_provenance_mut(start), length) })?;
                if part.is_none() {
                    self.mappings.remove(name);
                }
            }
            Operation::Protect(name, protection) => {
                let Place { start, length, .. } = self.place(*name)?;
                // SAFETY: as for munmap(2).
                let result =
                    unsafe { libc::mprotect(ptr::with_exposed_provenance_mut(start), length, flags_of(*protection)) };
                Errno::result(result)?;
            }
            Operation::Advise(name, advice) => {
                let Place { start, length, .. } = self.place(*name)?;
                let advice = match advice {
                    Advice::DontNeed => libc::MADV_DONTNEED,
                };
                // SAFETY: as for munmap(2).
                let result = unsafe { libc::madvise(ptr::with_exposed_provenance_mut(start), length, advice) };
                Errno::result(result)?;
            }
            Operation::Sync(name) => {
                let Place { start, length, .. } = self.place(*name)?;
                // SAFETY: msync(2) changes no memory.
                let result = unsafe { libc::msync(ptr::with_exposed_provenance_mut(start), length, libc::MS_SYNC) };
                Errno::result(result)?;
            }
            // The stage's, or done with the turn.
            Operation::Fork(_) | Operation::Exit | Operation::Kill(_) => return Err(Refused::NotApplicable),
        }
        self.record.done();
        Ok(())
    }

    fn create(&self, name: Name, contents: &Contents) -> Result<(), Refused> {
        let (size, bytes) = match contents {
            Contents::Zeros(size) => (self.offset(*size)?, Vec::new()),
            Contents::Bytes(bytes) => (0, self.bytes(bytes)?),
        };
        let flags = OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_RDWR | OFlag::O_CLOEXEC;
        let fd = openat(self.directory, name.as_str(), flags, Mode::S_IRUSR | Mode::S_IWUSR)?;
        if size > 0 {
            ftruncate(&fd, size)?;
        }
        if !bytes.is_empty() && pwrite(&fd, &bytes, 0)? != bytes.len() {
            return Err(Refused::Errno(Errno::EIO));
        }
        Ok(())
    }

    fn map(&mut self, name: Name, request: &Request) -> Result<(), Refused> {
        let length = self.size(request.length)?;
        if self.mappings.contains_key(&name) {
            return Err(Refused::NotApplicable);
        }
        let sharing = match request.sharing {
            Sharing::Shared => libc::MAP_SHARED,
            Sharing::Private => libc::MAP_PRIVATE,
        };
        let (fd, offset, anonymous): (RawFd, _, _) = match request.source {
            Source::File(descriptor, offset) => (self.descriptor(descriptor)?.as_raw_fd(), self.offset(offset)?, 0),
            Source::Anonymous => (-1, 0, libc::MAP_ANONYMOUS),
        };
        let number = (0..).find(|n| self.mappings.values().all(|place| place.number != *n)).unwrap_or_default();
        let start = self.base + number * PAGES_OF_A_PLACE * self.page;
        let flags = sharing | anonymous | libc::MAP_FIXED_NOREPLACE;
        let address = ptr::with_exposed_provenance_mut(start);
        // SAFETY: MAP_FIXED_NOREPLACE takes addresses only that nothing is mapped at.
        let mapped = unsafe { libc::mmap(address, length, flags_of(request.protection), flags, fd, offset) };
        if mapped == libc::MAP_FAILED {
            return Err(Errno::last().into());
        }
        self.mappings.insert(name, Place { number, start, length });
        Ok(())
    }

    fn place(&self, name: Name) -> Result<Place, Refused> {
        self.mappings.get(&name).copied().ok_or(Refused::NotApplicable)
    }

    /// Where a touch begins; the handler counts from the mapping's start.
    fn address(&self, name: Name, at: Amount) -> Result<usize, Refused> {
        let start = self.place(name)?.start;
        START.store(start, Ordering::Relaxed);
        Ok(start + self.size(at)?)
    }

    fn descriptor(&self, name: Name) -> Result<&OwnedFd, Refused> {
        self.descriptors.get(&name).ok_or(Refused::NotApplicable)
    }

    fn free(&self, name: Name) -> Result<(), Refused> {
        if self.descriptors.contains_key(&name) { Err(Refused::NotApplicable) } else { Ok(()) }
    }

    fn size(&self, amount: Amount) -> Result<usize, Refused> {
        let bytes = u32::try_from(self.page).ok().and_then(|page| amount.at(page));
        bytes.and_then(|bytes| usize::try_from(bytes).ok()).ok_or(Refused::NotApplicable)
    }

    fn offset(&self, amount: Amount) -> Result<libc::off_t, Refused> {
        libc::off_t::try_from(self.size(amount)?).map_err(|_| Refused::NotApplicable)
    }

    fn bytes(&self, bytes: &Bytes) -> Result<Vec<u8>, Refused> {
        Ok(match bytes {
            Bytes::Text(text) => text.clone().into_bytes(),
            Bytes::Fill(letter, amount) => vec![u8::try_from(*letter).unwrap_or(b'?'); self.size(*amount)?],
        })
    }
}

fn flags_of(protection: Protection) -> i32 {
    match protection {
        Protection::None => libc::PROT_NONE,
        Protection::Read => libc::PROT_READ,
        Protection::Write => libc::PROT_WRITE,
        Protection::ReadWrite => libc::PROT_READ | libc::PROT_WRITE,
    }
}

/// Addresses that nobody uses, far from where the kernel puts what it is free to place: it fills the addresses from the top.
fn addresses_for_mappings(page: usize) -> io::Result<usize> {
    let length = 256 * PAGES_OF_A_PLACE * page;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    // SAFETY: without MAP_FIXED a new mapping replaces nothing.
    let found = unsafe { libc::mmap(ptr::null_mut(), 2 * length, libc::PROT_NONE, flags, -1, 0) };
    if found == libc::MAP_FAILED {
        return Err(Errno::last().into());
    }
    // SAFETY: it was mapped the line before, and nothing has been put there.
    Errno::result(unsafe { libc::munmap(found, 2 * length) })?;
    Ok(found.expose_provenance())
}

// What the signal handler needs: it gets no argument of ours.
static WIRE: AtomicI32 = AtomicI32::new(-1);
static NEXT: AtomicU32 = AtomicU32::new(0);
static START: AtomicUsize = AtomicUsize::new(0);
static RECORD: AtomicPtr<Record> = AtomicPtr::new(ptr::null_mut());

/// A fault is the outcome of its line: it goes to the record, and the stage hears that the turn is over.
struct ToRecord;

// SAFETY: `report` copies into the record's memory and calls write(2), which is async-signal-safe.
unsafe impl ReportFault for ToRecord {
    fn report(fault: &Fault) {
        // SAFETY: the pointer was made from a reference that lives until the process ends.
        let record = unsafe { RECORD.load(Ordering::Relaxed).as_ref() };
        if let Some(record) = record {
            record.died(fault, START.load(Ordering::Relaxed));
        }
        let answer = answer(DIES, fault.signal as i32, NEXT.load(Ordering::Relaxed));
        // SAFETY: write(2) is async-signal-safe, and the array is readable for its length.
        unsafe { libc::write(WIRE.load(Ordering::Relaxed), answer.as_ptr().cast(), answer.len()) };
    }
}
