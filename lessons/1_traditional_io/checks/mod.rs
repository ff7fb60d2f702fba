//! The checks of exercise 1. Each runs the learner's function in a child. Most pass it a simulated file: its calls are
//! short, interrupted, or refused for lack of space, or they fail; or the process is killed or the power cut before each of them in
//! turn. The others watch the system calls with ptrace(2), as strace would show them.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Instant;

use mmap_workbook::grade::fixtures::{
    Difference, bytes_in_words, contents, difference, knows_the_basics, left_to_another, names_in, no_difference,
    unnamed_file, wide,
};
use mmap_workbook::grade::{
    Call, Failure, FileCall, FileId, Interruptions, On, Player, Verdict, ask, ask_decided, ask_interrupted,
    ask_refused, check, deadline, ensure, error_text, for_all, for_each, killed_before_call, kind, most_allocated,
    start, watch, watch_each,
};
use mmap_workbook::lesson_1::{Calls, TEMPORARY};
use mmap_workbook::misconception::{self as belief, Misconception};
use mmap_workbook::text;
use mmap_workbook::text::Text;
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, kill, sigaction, signal};
use nix::sys::stat::Mode;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use crate::exercise::{Record, count_byte, increment, read_number, replace_all, save, to_crlf};

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

/// The worst that may happen to calls: no call moves more than the first number of bytes, and each is interrupted as often
/// as the second one says before.
const WORST: [(usize, usize); 4] = [(1, 1), (2, 1), (4_999, 1), (7, 1_000)];

fn describe_worst(most: usize, times: usize) -> Text {
    let unit = if most == 1 { "byte" } else { "bytes" };
    let (en, zh) = if times == 1 { ("once".to_owned(), "一") } else { (format!("{times} times"), "一千") };
    text!(
        "each call is interrupted {en} (EINTR), and then moves at most {most} {unit}",
        "每次调用都先被打断{zh}次（EINTR），然后最多传 {most} 字节"
    )
}

/// A simulated file whose calls are short and interrupted as a script says; after the script they move all bytes.
struct Scripted {
    bytes: RefCell<Vec<u8>>,
    script: RefCell<VecDeque<Turn>>,
    /// Instead of a script: how many bytes a call moves at most, after it was interrupted how often.
    worst: Option<(usize, usize)>,
    /// How often calls of a name were interrupted since one was made.
    interrupted: RefCell<BTreeMap<&'static str, usize>>,
    failing: Failing,
    /// The error of a write for which there is no space.
    full: Errno,
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
    /// Whether ftruncate(2) has made it longer.
    extended: bool,
    /// How many bytes were read, and whether there were too many of them.
    read: usize,
    endless: bool,
    /// The offset of the last read that brought bytes, and how many of these in a row there were.
    offset: (u64, usize),
}

/// Which call of a simulated file fails, and with which error.
#[derive(Debug, Clone, Default)]
struct Failing {
    /// How many calls come before it.
    after: Cell<Option<(usize, Errno)>>,
    /// How often each call was made; the last one is the one that failed.
    made: RefCell<Vec<&'static str>>,
}

impl Failing {
    fn call(&self, name: &'static str) -> Result<(), Errno> {
        let Some((after, errno)) = self.after.get() else { return Ok(()) };
        self.made.borrow_mut().push(name);
        self.after.set(after.checked_sub(1).map(|after| (after, errno)));
        if after == 0 { Err(errno) } else { Ok(()) }
    }

    /// The call that failed, and how many of its name there were by then; None if none has failed.
    fn failed(&self) -> Option<(usize, String)> {
        let made = self.made.borrow();
        let name = made.last().filter(|_| self.after.get().is_none())?;
        Some((made.iter().filter(|other| *other == name).count(), (*name).to_owned()))
    }
}

/// Errors of calls: those that some programs expect, and would retry or ignore, and others.
const ERRORS: [Errno; 7] =
    [Errno::EIO, Errno::EAGAIN, Errno::ENOSPC, Errno::EFBIG, Errno::EDQUOT, Errno::EPERM, Errno::EISDIR];

/// Expects that the error of each call is returned as it is. `act` makes the calls and says what it returned.
fn each_error_is_returned(
    errors: &[Errno],
    act: impl FnMut(Failing) -> (Failing, Result<(), String>),
) -> Result<(), Failure> {
    each_error_of_the_first(usize::MAX, errors, act)
}

/// [`each_error_is_returned`], of no more than the first calls.
fn each_error_of_the_first(
    calls: usize,
    errors: &[Errno],
    mut act: impl FnMut(Failing) -> (Failing, Result<(), String>),
) -> Result<(), Failure> {
    for &errno in errors {
        let told = ask(|| {
            // Every call at first; then fewer and fewer of them, since each costs a whole run.
            let numbers = std::iter::successors(Some(0_usize), |n| Some(n + 1 + n.saturating_sub(16) / 2));
            for n in numbers.take_while(|n| *n < calls) {
                let failing = Failing { after: Cell::new(Some((n, errno))), ..Failing::default() };
                let (failing, answer) = act(failing);
                let Some(call) = failing.failed() else { break };
                if answer != Err(format!("{errno:?}")) {
                    return Some((call, answer));
                }
            }
            None
        })
        .map_err(|failure| {
            failure.given(text!(
                "the first call fails with {errno:?}, or a later one",
                "第一次调用或后面某次以 {errno:?} 失败"
            ))
        })?;
        if let Some(((n, name), answer)) = told {
            let happened = match answer {
                Ok(()) => text!("it returned no error", "没有返回错误"),
                Err(error) => text!("it returned the error {error}", "返回的错误是 {error}"),
            };
            let failure = Failure::new(text!("the error {errno:?}", "错误 {errno:?}"), happened);
            let failure = match name.as_str() {
                "fsync(2)" => failure.breaks("power", fsync_rule()),
                _ => failure,
            };
            return Err(
                failure.given(text!("call {n} of {name} fails with {errno:?}", "第 {n} 次 {name} 以 {errno:?} 失败"))
            );
        }
    }
    Ok(())
}

impl Scripted {
    fn new(bytes: &[u8], script: &[Turn], space: Option<usize>) -> Scripted {
        Scripted {
            bytes: RefCell::new(bytes.to_vec()),
            script: RefCell::new(script.iter().copied().collect()),
            worst: None,
            interrupted: RefCell::default(),
            failing: Failing::default(),
            full: Errno::ENOSPC,
            first_size: bytes.len(),
            space: Cell::new(space.unwrap_or(usize::MAX)),
            allocated: RefCell::default(),
            log: RefCell::default(),
        }
    }

    /// How many of `length` bytes the next call, of this name, moves.
    fn allowed(&self, name: &'static str, length: usize) -> Result<usize, Errno> {
        self.failing.call(name)?;
        if let Some((most, times)) = self.worst {
            let mut interrupted = self.interrupted.borrow_mut();
            let before = interrupted.entry(name).or_default();
            if *before < times {
                *before += 1;
                return Err(Errno::EINTR);
            }
            *before = 0;
            return Ok(length.min(most));
        }
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
        let bytes = self.bytes.borrow();
        let mut log = self.log.borrow_mut();
        log.preads += 1;
        // An answer that reads the whole file for each place in it would go on until the deadline.
        log.endless |= log.read > MOST_OFTEN * (bytes.len() + 64 * KIB) || log.offset.1 > MOST_OFTEN;
        if log.endless {
            return Err(Errno::EIO);
        }
        let rest = &bytes[bytes.len().min(index(offset))..];
        let length = self.allowed("pread(2)", into.len().min(rest.len()))?;
        log.read += length;
        if length > 0 {
            log.offset = if log.offset.0 == offset { (offset, log.offset.1 + 1) } else { (offset, 1) };
        }
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
        let length = self.allocate(at, self.allowed("pwrite(2)", from.len())?);
        if length == 0 {
            return Err(self.full);
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
        self.allowed("ftruncate(2)", 0)?;
        let size = index(size);
        if size > 64 * KIB * KIB {
            return Err(Errno::EFBIG);
        }
        self.log.borrow_mut().extended |= size > self.bytes.borrow().len();
        let mut allocated = self.allocated.borrow_mut();
        let left = size.saturating_sub(self.first_size).min(allocated.len());
        let freed = allocated.drain(left..).filter(|allocated| *allocated).count();
        self.space.set(self.space.get().saturating_add(freed));
        self.bytes.borrow_mut().resize(size, 0);
        Ok(())
    }

    fn fsync(&self) -> Result<(), Errno> {
        self.log.borrow_mut().others += 1;
        self.allowed("fsync(2)", 0).map(drop)
    }

    fn size(&self) -> Result<u64, Errno> {
        self.failing.call("size()")?;
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

/// How often an answer may read each byte of a scripted file.
const MOST_OFTEN: usize = 64;

/// Runs `act` on a scripted file, which should have the bytes `wanted` afterwards.
fn on(
    file: impl FnOnce() -> Scripted,
    wanted: &[u8],
    act: impl FnOnce(&dyn Calls) -> io::Result<u64>,
) -> Result<Seen, Failure> {
    on_made(|| (file(), wanted.into()), act)
}

/// [`on`], where even the wanted bytes are made in the answer's process, so that this one keeps no memory for them.
fn on_made<'a>(
    make: impl FnOnce() -> (Scripted, Cow<'a, [u8]>),
    act: impl FnOnce(&dyn Calls) -> io::Result<u64>,
) -> Result<Seen, Failure> {
    let seen = ask(|| {
        let (file, wanted) = make();
        let answer = act(&file).map_err(kind);
        Seen { answer, difference: difference(&file.bytes.borrow(), &wanted), log: file.log.into_inner() }
    })?;
    let (offset, times) = seen.log.offset;
    ensure(times <= MOST_OFTEN, || {
        let expected = text!("the next read begins where the last one ended", "下一次读，从上一次读到的地方接着读");
        let happened = text!(
            "it read at offset {offset} more than {MOST_OFTEN} times in a row",
            "连续 {MOST_OFTEN} 多次都从偏移量 {offset} 读起"
        );
        Failure::new(expected, happened).breaks(
            "calls",
            text!(
                "pread(2) reads at the offset that it is given, and moves none: the next offset is up to the caller.",
                "pread(2) 从参数给出的偏移量读起，不会移动任何偏移量：下一次从哪里读，由调用者自己算。"
            ),
        )
    })?;
    ensure(!seen.log.endless, || {
        let failure = Failure::new(
            text!("it reads the file a few times at most", "整个文件读几遍就够了"),
            text!("it reads it more than {MOST_OFTEN} times", "读了超过 {MOST_OFTEN} 遍"),
        );
        of_calls(failure)
    })?;
    Ok(seen)
}

/// Expects the answer `wanted`, and the bytes that the file should have.
fn compare(seen: &Seen, wanted: u64) -> Result<(), Failure> {
    returns(&seen.answer, wanted).map_err(|failure| match &seen.answer {
        Err(error) if error == "EINTR" => failure.shows(&belief::EINTR_IS_AN_ERROR),
        _ => failure,
    })?;
    as_it_should_be(seen)
}

/// What an answer returned, in words.
fn returned(answer: &Result<u64, String>) -> Text {
    match answer {
        Ok(number) => text!("it returned {number}", "返回了 {number}"),
        Err(error) => text!("it returned the error {error}", "返回了错误 {error}"),
    }
}

/// Expects that the function returns this number.
fn returns(answer: &Result<u64, String>, wanted: u64) -> Result<(), Failure> {
    ensure(*answer == Ok(wanted), || Failure::new(text!("it returns {wanted}", "返回 {wanted}"), returned(answer)))
}

/// Expects one of these errors; the failure names the first one only.
fn refused(answer: &Result<u64, String>, errors: &[&str]) -> Result<(), Failure> {
    ensure(answer.as_ref().is_err_and(|error| errors.contains(&error.as_str())), || {
        let wanted = errors[0];
        Failure::new(text!("it returns the error {wanted}", "返回错误 {wanted}"), returned(answer))
    })
}

fn as_it_should_be(seen: &Seen) -> Result<(), Failure> {
    no_difference(text!("the file", "文件"), seen.difference)
}

/// Names a misconception, unless another one explains the failure.
fn explained(failure: Failure, misconception: &Misconception) -> Failure {
    let wrong_answer = failure.verdict == Verdict::Failed && failure.misconception.is_none();
    if wrong_answer { failure.shows(misconception) } else { failure }
}

/// What an answer may allocate at once, in bytes: 1 MiB, and a little for an error or a list of calls.
const MEMORY: usize = (1 << 20) + (32 << 10);

/// A limit on all private memory, for what is not allocated but mapped, with half as much again for the allocator.
const PRIVATE: u64 = 1536 << 10;

/// A real file that refuses calls beyond a number that is more than enough.
struct Limited<'file> {
    file: &'file File,
    /// How many calls of pread(2) may follow, and how many of others.
    left: (Cell<u64>, Cell<u64>),
}

/// What the answer to an [`ask_with_little_memory`] is when it made too many calls.
const TOO_MANY_CALLS: &str = "too many calls";

impl Limited<'_> {
    fn other<T>(&self, call: impl FnOnce(&File) -> Result<T, Errno>) -> Result<T, Errno> {
        self.left.1.set(self.left.1.get().checked_sub(1).ok_or(Errno::EIO)?);
        call(self.file)
    }
}

impl Calls for Limited<'_> {
    fn pread(&self, into: &mut [u8], offset: u64) -> Result<usize, Errno> {
        self.left.0.set(self.left.0.get().checked_sub(1).ok_or(Errno::EIO)?);
        self.file.pread(into, offset)
    }

    fn pwrite(&self, from: &[u8], offset: u64) -> Result<usize, Errno> {
        self.other(|file| Calls::pwrite(file, from, offset))
    }

    fn ftruncate(&self, size: u64) -> Result<(), Errno> {
        self.other(|file| file.ftruncate(size))
    }

    fn fsync(&self) -> Result<(), Errno> {
        self.other(|file| file.fsync())
    }

    fn size(&self) -> Result<u64, Errno> {
        self.file.size()
    }
}

/// Expects that `act` returns `wanted`, with no more than [`PRIVATE`] of private memory beyond what the child has when it
/// begins, and with no more calls than these. `given` says of which file.
fn with_little_memory(
    file: &File,
    (most_preads, most_others): (u64, u64),
    wanted: u64,
    given: Text,
    act: impl FnOnce(&dyn Calls) -> io::Result<u64>,
) -> Result<(), Failure> {
    // An allocator keeps addresses in reserve, so a limit on addresses (RLIMIT_AS) would come too late.
    let in_child = || {
        let status = fs::read_to_string("/proc/self/status").map_err(kind)?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmData:")?.strip_suffix("kB"));
        let has = line.and_then(|kib| kib.trim().parse::<u64>().ok()).ok_or("no VmData")? << 10;
        let (soft, hard) = getrlimit(Resource::RLIMIT_DATA).map_err(error_text)?;
        setrlimit(Resource::RLIMIT_DATA, (has + PRIVATE).min(hard), hard).map_err(error_text)?;
        let file = Limited { file, left: (Cell::new(most_preads + 1), Cell::new(most_others + 1)) };
        let before = own_memory();
        let (answer, most) = most_allocated(|| act(&file).map_err(kind));
        let more = own_memory().zip(before).map_or(0, |(after, before)| after.saturating_sub(before));
        let most = most + if more > SMALL_THINGS { more } else { 0 };
        setrlimit(Resource::RLIMIT_DATA, soft, hard).map_err(error_text)?;
        let too_many = file.left.0.get() == 0 || file.left.1.get() == 0;
        Ok((if too_many { Err(TOO_MANY_CALLS.to_owned()) } else { answer }, most))
    };
    let tried = ask(in_child).map_err(too_large).and_then(|answer: Result<_, String>| {
        let (got, most) = answer.unwrap_or_else(|error| (Err(error), 0));
        few_and_little(&got, most, wanted)
    });
    tried.map_err(|failure| failure.given(given))
}

/// How much memory may still be there when a call has returned: a little of the stack, and small chunks that the allocator
/// keeps for later. More than that is a buffer on the stack or a static one.
const SMALL_THINGS: usize = 256 << 10;

/// The bytes of this process's memory that are neither a file's nor shared; None where that can't be found out. What is
/// allocated in large chunks and freed again is not among them.
#[cfg(target_env = "gnu")]
fn own_memory() -> Option<usize> {
    // From now on a large chunk is a mapping of its own, which is gone when it is freed; and no page is a huge one.
    // SAFETY: it changes only how the allocator gets the memory for later calls.
    unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, 128 << 10) };
    nix::sys::prctl::set_thp_disable(true).ok()?;
    let all = fs::read_to_string("/proc/self/smaps_rollup").ok()?;
    let kib = |name: &str| {
        let line = all.lines().find_map(|line| line.strip_prefix(name)?.strip_suffix("kB"))?;
        line.trim().parse::<usize>().ok()
    };
    // What was swapped out may come back meanwhile.
    Some((kib("Anonymous:")? + kib("Swap:")?) * KIB)
}

/// Another allocator keeps what it likes.
#[cfg(not(target_env = "gnu"))]
fn own_memory() -> Option<usize> {
    None
}

/// Expects the answer `wanted` of a function that may have run out of memory.
fn few_and_little(got: &Result<u64, String>, most: usize, wanted: u64) -> Result<(), Failure> {
    ensure(*got != Err(TOO_MANY_CALLS.to_owned()), || {
        let (en, zh) = ("no more calls than the contract allows", "调用次数不超过约定");
        let failure = Failure::new(text!("{en}", "{zh}"), text!("there were more", "超过了"));
        of_calls(failure).shows(&belief::A_CALL_COSTS_NOTHING)
    })?;
    if got.is_ok() {
        little(most)?;
    }
    ensure(*got == Ok(wanted), || {
        let expected = text!("it returns {wanted}, with 1 MiB of memory", "用 1 MiB 内存得到 {wanted}");
        let failure = Failure::new(expected, returned(got));
        if *got == Err("OutOfMemory".to_owned()) || *got == Err("ENOMEM".to_owned()) {
            too_large(failure)
        } else if got.is_ok() {
            of_chunks(failure)
        } else {
            failure
        }
    })
}

/// Expects no more bytes of memory than the contract allows.
fn little(most: usize) -> Result<(), Failure> {
    ensure(most <= MEMORY, || {
        let kib = most.div_ceil(KIB);
        let happened = text!("it has taken {kib} KiB at once", "同时占用了 {kib} KiB");
        Failure::new(text!("at most 1 MiB of memory", "最多用 1 MiB 内存"), happened)
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

/// A failure at the end of a chunk.
fn of_chunks(failure: Failure) -> Failure {
    failure.breaks(
        "across_two_chunks",
        text!(
            "A file is a sequence of bytes. Chunks exist only in the program that reads it, and end anywhere: a word may \
             begin in one and end in the next, and a `\\r` may be the last byte of one and its `\\n` the first of the next.",
            "文件只是一串字节。分块读取是程序自己的事，块尾可能落在任何地方：一个词完全可能从一块开始、在下一块结束；\
             `\\r` 也可能是一块的最后一个字节，而它的 `\\n` 是下一块的第一个。"
        ),
    )
}

/// A failure of who makes too many calls.
fn of_calls(failure: Failure) -> Failure {
    failure.breaks(
        "kernels_account",
        text!(
            "A call by itself costs about as much as copying a few thousand bytes: with 16 KiB or more in each, that hardly \
             counts.",
            "一次系统调用的固定开销，大约抵得上复制几千字节：每次传 16 KiB 以上，这份开销才不算什么。"
        ),
    )
}

fn fsync_rule() -> Text {
    text!(
        "fsync(2), EIO: a failed write is reported once. Then Linux marks the pages clean, and the next fsync(2) \
         succeeds without writing them.",
        "fsync(2) 的 EIO：写不下去的数据只报告一次。此后 Linux 把这些页当作干净页，下一次 fsync(2) 不写它们也会成功。"
    )
}

fn errno_rule() -> Text {
    text!(
        "read(2), write(2): the errno says what went wrong. A caller can decide by it only if it gets the same one.",
        "read(2)、write(2)：errno 说明了出错的原因。只有原样传给调用者，调用者才能据此决定怎么办。"
    )
}

/// Files beside the counter, which must not change. Some have names that are nearly those of temporary files.
const OTHERS: [&str; 4] = [".repl-1", ".replacing", "counter.bak", "old.replacing-1"];
const NOT_THE_COUNTER: &str = "not the counter\n";

/// A directory, and in it a counter with this text, if any, and the other files.
fn counter(text: Option<&str>) -> Result<(TempDir, PathBuf), Failure> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("counter");
    if let Some(text) = text {
        fs::write(&path, text)?;
    }
    for other in OTHERS {
        fs::write(directory.path().join(other), NOT_THE_COUNTER)?;
    }
    Ok((directory, path))
}

/// What the call returns, and how many descriptors it leaves open. They are not listed (`open_descriptors`): where
/// getdents(2) is refused, a directory can't be read.
fn called(act: impl FnOnce() -> io::Result<u64>) -> (Result<u64, String>, u32) {
    let open = || {
        // SAFETY: fcntl(2) with F_GETFD only asks whether the descriptor is open.
        let is_open = |descriptor: &i32| unsafe { libc::fcntl(*descriptor, libc::F_GETFD) } >= 0;
        (0..64).filter(is_open).fold(0_u64, |open, descriptor| open | 1 << descriptor)
    };
    let before = open();
    let answer = act().map_err(kind);
    (answer, (open() & !before).count_ones())
}

/// Expects that the call has left no descriptor open.
fn none_left(left: u32) -> Result<(), Failure> {
    ensure(left == 0, || {
        let happened = match left {
            1 => text!("1 descriptor more is open than before", "多了 1 个打开的描述符"),
            _ => text!("{left} descriptors more are open than before", "多了 {left} 个打开的描述符"),
        };
        let failure = Failure::new(text!("the call leaves no descriptor open", "调用不留下打开的描述符"), happened);
        failure.given(text!("after the call has returned", "调用返回之后")).breaks(
            "calls",
            text!(
                "A descriptor stays open until somebody closes it. Dropping a `File` does; a raw descriptor, or a `File` \
                 that is forgotten or kept, is open until the process ends.",
                "描述符打开之后，一直占着，直到有人关闭它。`File` 析构时会关闭；裸描述符、被 forget 或一直留着的 `File`，要到进程结束才关闭。"
            ),
        )
    })
}

/// Expects nothing in the directory but the counter, if it is there, and the other files, which have not changed.
fn nothing_beside(directory: &TempDir) -> Result<(), Failure> {
    let mut names = names_in(directory.path())?;
    names.retain(|name| name != "counter");
    let same = |other: &str| fs::read_to_string(directory.path().join(other)).is_ok_and(|text| text == NOT_THE_COUNTER);
    if let Some(other) = OTHERS.iter().find(|other| !same(other)) {
        let wanted = text!("{other}, another file in the directory, is as it was", "目录里另一个文件 {other} 保持原样");
        return Err(Failure::new(wanted, text!("it has been changed or removed", "它被修改或删除了")));
    }
    names.retain(|name| !OTHERS.contains(&name.as_str()));
    ensure(names.is_empty(), || {
        let more = if names.len() > 4 { ", ..." } else { "" };
        let names = names[..names.len().min(4)].join(", ") + more;
        Failure::new(
            text!("no other file is in the directory than before", "目录里没有多出文件"),
            text!("there is {names}", "多出了 {names}"),
        )
    })
}

/// What is in the directory beside the counter and the other files.
fn left_in(directory: &TempDir) -> Result<Vec<String>, Failure> {
    let mut names = names_in(directory.path())?;
    names.retain(|name| name != "counter" && !OTHERS.contains(&name.as_str()));
    Ok(names)
}

/// Drops the capabilities with which root opens any file whatever its mode (capabilities(7)).
fn without_privileges() -> io::Result<()> {
    let header = [0x2008_0522_u32, 0]; // _LINUX_CAPABILITY_VERSION_3, this thread
    let none = [[0_u32; 3]; 2];
    // SAFETY: capset(2) reads the two structures, which have the layout that it needs.
    Errno::result(unsafe { libc::syscall(libc::SYS_capset, &raw const header, &raw const none) })?;
    Ok(())
}

/// The calls that read from a file.
const READS: [i64; 4] = [libc::SYS_read, libc::SYS_pread64, libc::SYS_readv, libc::SYS_preadv];

/// Texts that are no number, though some programs take some of them for one.
const NO_NUMBERS: [&str; 20] = [
    "",
    "\n",
    "x\n",
    "12 34\n",
    "-1\n",
    "+7\n",
    " 7\n",
    "7 \n",
    "7\n\n",
    "\n7\n",
    "7\r\n",
    "7\0",
    "0x7\n",
    "1_000\n",
    "7e1\n",
    "٧\n",
    "18446744073709551616\n",
    "99999999999999999999999999\n",
    "0000000000000000000000000000000000000007x\n",
    "12345678901234567890 and more\n",
];

mod count_byte;

mod replace_all;

mod read_number;

mod increment;

mod to_crlf;

mod save;
