//! The checks of exercise 1. Each runs the learner's function in a child. Most pass it a simulated file: its calls are
//! short, interrupted, or refused for lack of space; or the process is killed or the power cut before each of them in
//! turn. The others watch the system calls with ptrace(2), as strace would show them.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs::{self, File, Permissions};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Instant;

use mmap_workbook::grade::fixtures::{
    Difference, contents, difference, equal, names_in, no_difference, refused, unnamed_file, wide,
};
use mmap_workbook::grade::misconception::{self as belief, Misconception};
use mmap_workbook::grade::{
    Call, Failure, Player, Verdict, ask, calls_of, check, deadline, ensure, error_text, for_all, for_each,
    killed_before_call, kind, start,
};
use mmap_workbook::lesson_1::Calls;
use mmap_workbook::text;
use mmap_workbook::text::Text;
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{SigHandler, Signal, signal};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use crate::exercise::{Record, increment, load, replace_all, save, to_crlf};

const KIB: usize = 1024;

fn index(at: u64) -> usize {
    at.try_into().unwrap_or(usize::MAX)
}

/// What a call of a [`Scripted`] file does instead of moving all bytes.
#[derive(Debug, Clone, Copy)]
enum Turn {
    Interrupted,
    AtMost(usize),
}

fn script() -> impl Strategy<Value = Vec<Turn>> {
    let turn = prop_oneof![Just(Turn::Interrupted), (1..20_usize).prop_map(Turn::AtMost)];
    prop::collection::vec(turn, 0..30)
}

fn describe_script(script: &[Turn]) -> Text {
    let one = |turn: &Turn| match turn {
        Turn::Interrupted => "EINTR".to_owned(),
        Turn::AtMost(most) => format!("<={most}"),
    };
    let turns: Vec<_> = script.iter().map(one).collect();
    let turns = turns.join(", ");
    text!("the calls interrupted or cut short like this: [{turns}]", "各次调用依次这样被打断或截短：[{turns}]")
}

/// A simulated file whose calls are short and interrupted as a script says; after the script they move all bytes.
struct Scripted {
    bytes: RefCell<Vec<u8>>,
    script: RefCell<VecDeque<Turn>>,
    /// Its size at first, and for how many bytes past that the disk has space.
    first_size: usize,
    space: Cell<usize>,
    /// Which bytes past that have been allocated.
    allocated: RefCell<Vec<bool>>,
    log: RefCell<Log>,
}

/// The calls of a [`Scripted`] file.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
struct Log {
    preads: u64,
    /// The offset and the length of each pwrite.
    writes: Vec<(usize, usize)>,
    others: u64,
}

impl Scripted {
    fn new(bytes: &[u8], script: &[Turn], space: Option<usize>) -> Scripted {
        Scripted {
            bytes: RefCell::new(bytes.to_vec()),
            script: RefCell::new(script.iter().copied().collect()),
            first_size: bytes.len(),
            space: Cell::new(space.unwrap_or(usize::MAX)),
            allocated: RefCell::default(),
            log: RefCell::default(),
        }
    }

    /// How many of `length` bytes the next call moves.
    fn allowed(&self, length: usize) -> Result<usize, Errno> {
        match self.script.borrow_mut().pop_front() {
            Some(Turn::Interrupted) => Err(Errno::EINTR),
            Some(Turn::AtMost(most)) => Ok(length.min(most)),
            None => Ok(length),
        }
    }

    /// Allocates each byte of a write past the old end while there is space, and returns how many bytes can be written.
    fn allocate(&self, at: usize, length: usize) -> usize {
        if self.space.get() == usize::MAX {
            return length;
        }
        let mut allocated = self.allocated.borrow_mut();
        for n in (0..length).filter(|n| at + n >= self.first_size) {
            let past = at + n - self.first_size;
            if allocated.len() <= past {
                allocated.resize(past + 1, false);
            }
            if !allocated[past] {
                if self.space.get() == 0 {
                    return n;
                }
                self.space.set(self.space.get() - 1);
                allocated[past] = true;
            }
        }
        length
    }
}

impl Calls for Scripted {
    fn pread(&self, into: &mut [u8], offset: u64) -> Result<usize, Errno> {
        self.log.borrow_mut().preads += 1;
        let bytes = self.bytes.borrow();
        let rest = &bytes[bytes.len().min(index(offset))..];
        let length = self.allowed(into.len().min(rest.len()))?;
        into[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    }

    fn pwrite(&self, from: &[u8], offset: u64) -> Result<usize, Errno> {
        let at = index(offset);
        self.log.borrow_mut().writes.push((at, from.len()));
        if from.is_empty() {
            return Ok(0);
        }
        if at.checked_add(from.len()).is_none_or(|end| end > 64 * KIB * KIB) {
            return Err(Errno::EFBIG);
        }
        let length = self.allocate(at, self.allowed(from.len())?);
        if length == 0 {
            return Err(Errno::ENOSPC);
        }
        let mut bytes = self.bytes.borrow_mut();
        if bytes.len() < at + length {
            bytes.resize(at + length, 0);
        }
        bytes[at..at + length].copy_from_slice(&from[..length]);
        Ok(length)
    }

    fn ftruncate(&self, size: u64) -> Result<(), Errno> {
        self.log.borrow_mut().others += 1;
        self.allowed(0)?;
        let size = index(size);
        if size > 64 * KIB * KIB {
            return Err(Errno::EFBIG);
        }
        let mut allocated = self.allocated.borrow_mut();
        let left = size.saturating_sub(self.first_size).min(allocated.len());
        let freed = allocated.drain(left..).filter(|allocated| *allocated).count();
        self.space.set(self.space.get().saturating_add(freed));
        self.bytes.borrow_mut().resize(size, 0);
        Ok(())
    }

    fn fsync(&self) -> Result<(), Errno> {
        self.log.borrow_mut().others += 1;
        self.allowed(0).map(drop)
    }

    fn size(&self) -> Result<u64, Errno> {
        Ok(wide(self.bytes.borrow().len()))
    }
}

/// What an answer returned, left and called, compared in its own process, so that the bytes stay there.
#[derive(Debug, Serialize, Deserialize)]
struct Seen {
    answer: Result<u64, String>,
    difference: Option<Difference>,
    log: Log,
}

/// Runs `act` on a scripted file, which should have the bytes `wanted` afterwards.
fn on(
    file: impl FnOnce() -> Scripted,
    wanted: &[u8],
    act: impl FnOnce(&dyn Calls) -> io::Result<u64>,
) -> Result<Seen, Failure> {
    ask(|| {
        let file = file();
        let answer = act(&file).map_err(kind);
        Seen { answer, difference: difference(&file.bytes.borrow(), wanted), log: file.log.into_inner() }
    })
}

/// Expects the answer `wanted`, and the bytes that the file should have.
fn compare(seen: &Seen, wanted: u64) -> Result<(), Failure> {
    equal(&seen.answer, &Ok(wanted)).map_err(|failure| match &seen.answer {
        Err(error) if error == "EINTR" => failure.shows(&belief::EINTR_IS_AN_ERROR),
        _ => failure,
    })?;
    as_it_should_be(seen)
}

fn as_it_should_be(seen: &Seen) -> Result<(), Failure> {
    no_difference(text!("the file", "文件"), seen.difference)
}

/// Names a misconception, unless another one explains the failure.
fn explained(failure: Failure, misconception: &Misconception) -> Failure {
    let wrong_answer = failure.verdict == Verdict::Failed && failure.misconception.is_none();
    if wrong_answer { failure.shows(misconception) } else { failure }
}

/// The memory that an answer may use, in bytes, and half as much for the allocator.
const MEMORY: u64 = 1536 << 10;

/// [`ask`] with no more than [`MEMORY`] of private memory beyond what the child has when it begins.
fn ask_with_little_memory(act: impl FnOnce() -> io::Result<u64>) -> Result<Result<u64, String>, Failure> {
    // An allocator keeps addresses in reserve, so a limit on addresses (RLIMIT_AS) would come too late.
    ask(|| {
        let status = fs::read_to_string("/proc/self/status").map_err(kind)?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmData:")?.strip_suffix("kB"));
        let has = line.and_then(|kib| kib.trim().parse::<u64>().ok()).ok_or("no VmData")? << 10;
        let (soft, hard) = getrlimit(Resource::RLIMIT_DATA).map_err(error_text)?;
        setrlimit(Resource::RLIMIT_DATA, (has + MEMORY).min(hard), hard).map_err(error_text)?;
        let answer = act().map_err(kind);
        setrlimit(Resource::RLIMIT_DATA, soft, hard).map_err(error_text)?;
        answer
    })
    .map_err(too_large)
}

/// Expects the answer `wanted` of a function that may have run out of memory.
fn with_little_memory(got: &Result<u64, String>, wanted: u64, size: Text) -> Result<(), Failure> {
    ensure(*got == Ok(wanted), || {
        let expected = text!("Ok({wanted}), with 1 MiB of memory", "用 1 MiB 内存得到 Ok({wanted})");
        let failure = Failure::new(expected, text!("{got:?}", "{got:?}")).given(size);
        if got.is_err() { too_large(failure) } else { failure }
    })
}

/// A failed allocation ends in an error, an abort or a panic.
fn too_large(failure: Failure) -> Failure {
    let died = matches!(failure.verdict, Verdict::Failed | Verdict::Killed | Verdict::OutOfMemory);
    if died { failure.shows(&belief::A_FILE_FITS_IN_MEMORY) } else { failure }
}

/// The bytes as text, at most 40 of them.
fn shown(bytes: &[u8]) -> String {
    let start = bytes[..bytes.len().min(40)].escape_ascii();
    if bytes.len() > 40 { format!("\"{start}...\"") } else { format!("\"{start}\"") }
}

mod replace_all;

mod to_crlf;

mod increment;

mod save;
