//! What exercise 1 is graded by. Each check runs the learner's function in a child. Most give it a file in memory whose
//! calls are short, interrupted, refused for want of room, or cut off by the death of the process or of the machine, at
//! each place in turn; the others watch the calls with ptrace(2), as strace would show them.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs::{self, File, Permissions};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Instant;

use mmap_workbook::grade::misconception::{self as belief, Misconception};
use mmap_workbook::grade::{
    Call, Failure, Player, Verdict, Words, ask, calls_of, check, deadline, ensure, for_all, for_each,
    killed_before_call, kind, start, text,
};
use mmap_workbook::lesson_1::Calls;
use mmap_workbook::say;
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{SigHandler, Signal, signal};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use super::{Record, load, raise, replace_all, save, to_crlf};

const KIB: usize = 1024;

fn wide(n: usize) -> u64 {
    n.try_into().expect("no machine has addresses beyond 64 bits")
}

fn index(at: u64) -> usize {
    at.try_into().unwrap_or(usize::MAX)
}

/// What a call of a [`Scripted`] file does instead of all that it was asked for.
#[derive(Debug, Clone, Copy)]
enum Turn {
    Interrupted,
    AtMost(usize),
}

fn script() -> impl Strategy<Value = Vec<Turn>> {
    let turn = prop_oneof![Just(Turn::Interrupted), (1..20_usize).prop_map(Turn::AtMost)];
    prop::collection::vec(turn, 0..30)
}

fn describe_script(script: &[Turn]) -> Words {
    let one = |turn: &Turn| match turn {
        Turn::Interrupted => "EINTR".to_owned(),
        Turn::AtMost(most) => format!("<={most}"),
    };
    let turns: Vec<_> = script.iter().map(one).collect();
    let turns = turns.join(", ");
    say!("the calls interrupted or cut short like this: [{turns}]", "各次调用依次这样被打断或截短：[{turns}]")
}

/// A file in memory whose calls are short and interrupted as a script says; when the script is over they do all they
/// can.
struct Scripted {
    bytes: RefCell<Vec<u8>>,
    script: RefCell<VecDeque<Turn>>,
    /// The size that it began with, and how many bytes behind that have room on the disk.
    first_size: usize,
    room: Cell<usize>,
    /// Which bytes behind it have their place already.
    placed: RefCell<Vec<bool>>,
    log: RefCell<Log>,
}

/// What was asked of a [`Scripted`] file.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
struct Log {
    preads: u64,
    /// Of each pwrite: where, and how many bytes it was asked to write.
    writes: Vec<(usize, usize)>,
    others: u64,
}

impl Scripted {
    fn new(bytes: &[u8], script: &[Turn], room: Option<usize>) -> Scripted {
        Scripted {
            bytes: RefCell::new(bytes.to_vec()),
            script: RefCell::new(script.iter().copied().collect()),
            first_size: bytes.len(),
            room: Cell::new(room.unwrap_or(usize::MAX)),
            placed: RefCell::default(),
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

    /// Gives each byte of a write its place behind the old end, as long as there are any: how many get one.
    fn place(&self, at: usize, length: usize) -> usize {
        if self.room.get() == usize::MAX {
            return length;
        }
        let mut placed = self.placed.borrow_mut();
        for n in (0..length).filter(|n| at + n >= self.first_size) {
            let behind = at + n - self.first_size;
            if placed.len() <= behind {
                placed.resize(behind + 1, false);
            }
            if !placed[behind] {
                if self.room.get() == 0 {
                    return n;
                }
                self.room.set(self.room.get() - 1);
                placed[behind] = true;
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
        let length = self.place(at, self.allowed(from.len())?);
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
        let mut placed = self.placed.borrow_mut();
        let left = size.saturating_sub(self.first_size).min(placed.len());
        let freed = placed.drain(left..).filter(|placed| *placed).count();
        self.room.set(self.room.get().saturating_add(freed));
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

/// What an answer returned, and what it left and did, measured in its own process: the bytes stay there.
#[derive(Debug, Serialize, Deserialize)]
struct Seen {
    answer: Result<u64, String>,
    difference: Option<Difference>,
    log: Log,
}

/// Where a file is not what it should be.
#[derive(Debug, Serialize, Deserialize)]
struct Difference {
    sizes: (usize, usize),
    /// The first byte that differs, what it should be, and what it is.
    first: Option<(usize, u8, u8)>,
}

fn difference(wanted: &[u8], got: &[u8]) -> Option<Difference> {
    let first = if wanted == got { None } else { (0..).zip(wanted).zip(got).find(|((_, want), is)| want != is) };
    let first = first.map(|((at, want), is)| (at, *want, *is));
    (wanted != got).then_some(Difference { sizes: (wanted.len(), got.len()), first })
}

/// Runs `act` on a scripted file that begins with `bytes` and is to end with `wanted`.
fn on(
    file: impl FnOnce() -> Scripted,
    wanted: &[u8],
    act: impl FnOnce(&dyn Calls) -> io::Result<u64>,
) -> Result<Seen, Failure> {
    ask(|| {
        let file = file();
        let answer = act(&file).map_err(kind);
        Seen { answer, difference: difference(wanted, &file.bytes.borrow()), log: file.log.into_inner() }
    })
}

/// That the answer is `wanted` and the file what it should be.
fn compare(seen: &Seen, wanted: u64) -> Result<(), Failure> {
    ensure(seen.answer == Ok(wanted), || {
        let got = &seen.answer;
        let failure = Failure::new(say!("Ok({wanted})", "Ok({wanted})"), say!("{got:?}", "{got:?}"));
        if *got == Err("EINTR".to_owned()) { failure.shows(&belief::EINTR_IS_AN_ERROR) } else { failure }
    })?;
    as_it_should_be(seen)
}

fn as_it_should_be(seen: &Seen) -> Result<(), Failure> {
    let Some(Difference { sizes: (wanted, got), first }) = &seen.difference else { return Ok(()) };
    Err(match first {
        Some((at, want, is)) => {
            Failure::new(say!("byte {at} is {want:#04x} then", "第 {at} 字节应为 {want:#04x}"), {
                say!("it is {is:#04x}", "是 {is:#04x}")
            })
        }
        None => Failure::new(
            say!("the file has {wanted} bytes then", "文件此时应为 {wanted} 字节"),
            say!("it has {got}", "是 {got} 字节"),
        ),
    })
}

/// Names a misconception, unless something else explains the failure.
fn explained(failure: Failure, misconception: &Misconception) -> Failure {
    let wrong_answer = failure.verdict == Verdict::Failed && failure.misconception.is_none();
    if wrong_answer { failure.shows(misconception) } else { failure }
}

/// The most memory that an answer may take, and as much again as the allocator may take for itself.
const MEMORY: u64 = 1536 << 10;

/// [`ask`] with no more than [`MEMORY`] of private memory beyond what the child has when it begins.
fn ask_with_little_memory(act: impl FnOnce() -> io::Result<u64>) -> Result<Result<u64, String>, Failure> {
    // An allocator keeps addresses in reserve, so that a bound on addresses (RLIMIT_AS) would come too late.
    ask(|| {
        let status = fs::read_to_string("/proc/self/status").map_err(kind)?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmData:")?.strip_suffix("kB"));
        let has = line.and_then(|kib| kib.trim().parse::<u64>().ok()).ok_or("no VmData")? << 10;
        let (soft, hard) = getrlimit(Resource::RLIMIT_DATA).map_err(text)?;
        setrlimit(Resource::RLIMIT_DATA, (has + MEMORY).min(hard), hard).map_err(text)?;
        let answer = act().map_err(kind);
        setrlimit(Resource::RLIMIT_DATA, soft, hard).map_err(text)?;
        answer
    })
    .map_err(too_large)
}

/// That an answer is the right one, which memory may have been too small for.
fn with_little_memory(got: &Result<u64, String>, wanted: u64, size: Words) -> Result<(), Failure> {
    ensure(*got == Ok(wanted), || {
        let expected = say!("Ok({wanted}), with 1 MiB of memory", "用 1 MiB 内存得到 Ok({wanted})");
        let failure = Failure::new(expected, say!("{got:?}", "{got:?}")).given(size);
        if got.is_err() { too_large(failure) } else { failure }
    })
}

/// No memory for what was asked for: an error, an abort or a panic.
fn too_large(failure: Failure) -> Failure {
    let died = matches!(failure.verdict, Verdict::Failed | Verdict::Killed | Verdict::OutOfMemory);
    if died { failure.shows(&belief::A_FILE_FITS_IN_MEMORY) } else { failure }
}

/// The bytes as text, cut where they get long.
fn shown(bytes: &[u8]) -> String {
    let start = bytes[..bytes.len().min(40)].escape_ascii();
    if bytes.len() > 40 { format!("\"{start}...\"") } else { format!("\"{start}\"") }
}

mod replace_all {
    use super::*;

    /// The same, in memory: the bytes afterwards, and where the places are.
    fn reference(bytes: &[u8], old: &[u8], new: &[u8]) -> (Vec<u8>, Vec<usize>) {
        let (mut after, mut places, mut at) = (bytes.to_vec(), Vec::new(), 0);
        while at + old.len() <= bytes.len() {
            if bytes[at..].starts_with(old) {
                after[at..at + old.len()].copy_from_slice(new);
                places.push(at);
                at += old.len();
            } else {
                at += 1;
            }
        }
        (after, places)
    }

    fn describe(bytes: &[u8], old: &[u8], new: &[u8]) -> Words {
        let size = bytes.len();
        let (bytes, old, new) = (shown(bytes), shown(old), shown(new));
        say!("{bytes} ({size} bytes), {old} to become {new}", "{bytes}（{size} 字节），把 {old} 换成 {new}")
    }

    /// Two letters: so that what is searched for overlaps itself, and new bytes look like old ones.
    fn texts() -> impl Strategy<Value = (Vec<u8>, Vec<u8>, Vec<u8>)> {
        let letter = prop_oneof![Just(b'a'), Just(b'b')];
        let pairs = prop::collection::vec((letter.clone(), letter.clone()), 1..5);
        (prop::collection::vec(letter, 0..60), pairs).prop_map(|(bytes, pairs)| {
            let (old, new) = pairs.into_iter().unzip();
            (bytes, old, new)
        })
    }

    #[test]
    fn finds_each_place_from_left_to_right() {
        let rule = say!(
            "The places are those in the bytes that were there before, from the beginning on, and none of them overlap.",
            "要找的是调用之前文件内容中的匹配：从头向后找，互不重叠，替换后的新内容不参与匹配。"
        );
        check("loops", rule, || {
            for_all(
                texts(),
                |(bytes, old, new)| describe(bytes, old, new),
                |(bytes, old, new)| {
                    let (after, places) = reference(bytes, old, new);
                    let act = |file: &dyn Calls| super::replace_all(file, old, new);
                    let seen = on(|| Scripted::new(bytes, &[], None), &after, act)?;
                    compare(&seen, wide(places.len()))
                },
            )
        });
    }

    #[test]
    fn finds_places_across_the_edges_of_pieces() {
        let rule = say!(
            "A file is a row of bytes. The pieces in which a program reads it are the program's own, and a word may begin in one \
             and end in the next.",
            "文件只是一串字节。分块读取是程序自己的事，一个词完全可能从一块开始、在下一块结束。"
        );
        check("in_place", rule, || {
            // Whatever the size of the pieces is, it is no multiple of all of these periods.
            for_each(
                [(1, 30), (2, 1), (7, 0), (7, 20), (11, 0), (1009, 0), (1009, 600), (64 * KIB - 1, 0)],
                |(length, apart)| {
                    say!(
                        "a file of a text of {length} bytes again and again, {apart} bytes apart",
                        "一段 {length} 字节的文本反复出现、每两段相隔 {apart} 字节的文件"
                    )
                },
                |&(length, apart)| {
                    let old: Vec<u8> = b"[".iter().copied().chain((b'a'..b'x').cycle()).take(length).collect();
                    let new: Vec<u8> = old.iter().map(|byte| byte ^ 0x20).collect();
                    let one = old.iter().copied().chain(std::iter::repeat_n(b'.', apart));
                    let bytes: Vec<u8> = one.cycle().take(200 * KIB).collect();
                    let (after, places) = reference(&bytes, &old, &new);
                    let act = |file: &dyn Calls| super::replace_all(file, &old, &new);
                    let seen = on(|| Scripted::new(&bytes, &[], None), &after, act)?;
                    compare(&seen, wide(places.len())).map_err(|failure| match seen.log.writes.len() {
                        0 => failure,
                        _ => explained(failure, &belief::A_PIECE_IS_A_UNIT),
                    })
                },
            )
        });
    }

    #[test]
    fn goes_on_after_short_and_interrupted_calls() {
        let rule = say!(
            "read(2), write(2): fewer bytes than asked for is no error, and no end of the file; only 0 is. EINTR means that nothing \
             was done.",
            "read(2)、write(2)：传输的字节数少于要求，既不是错误，也不是文件末尾，返回 0 才是末尾。EINTR 表示什么都没做。"
        );
        check("loops", rule, || {
            for_all(
                (texts(), script()),
                |((bytes, old, new), script)| {
                    let (what, how) = (describe(bytes, old, new), describe_script(script));
                    Words { en: format!("{}; {}", what.en, how.en), zh: format!("{}；{}", what.zh, how.zh) }
                },
                |((bytes, old, new), script)| {
                    let (after, places) = reference(bytes, old, new);
                    let act = |file: &dyn Calls| super::replace_all(file, old, new);
                    // What is wrong without any of this is another check's affair.
                    let smooth = on(|| Scripted::new(bytes, &[], None), &after, act)?;
                    let act = |file: &dyn Calls| super::replace_all(file, old, new);
                    let seen = on(|| Scripted::new(bytes, script, None), &after, act)?;
                    let as_smooth =
                        seen.answer == smooth.answer && seen.difference.is_some() == smooth.difference.is_some();
                    if as_smooth && smooth.answer.is_ok() {
                        return Ok(());
                    }
                    compare(&seen, wide(places.len())).map_err(|failure| explained(failure, &belief::SHORT_IS_THE_END))
                },
            )
        });
    }

    #[test]
    fn writes_the_places_and_nothing_else() {
        let rule = say!(
            "What is written back unchanged is a write all the same: it takes away what somebody else has written there meanwhile.",
            "把没改过的字节原样写回，仍然是一次写入：别人在此期间写进去的内容会被它抹掉。"
        );
        check("in_place", rule, || {
            let (old, new) = (b"needle", b"thread");
            let mut bytes = vec![b'.'; 200 * KIB];
            for at in [0, 100, 106, 64 * KIB - 3, 128 * KIB, 200 * KIB - 6] {
                bytes[at..at + old.len()].copy_from_slice(old);
            }
            let (after, places) = reference(&bytes, old, new);
            let act = |file: &dyn Calls| super::replace_all(file, old, new);
            let seen = on(|| Scripted::new(&bytes, &[], None), &after, act)?;
            let inside =
                |at: usize, length: usize| places.iter().any(|&place| place <= at && at + length <= place + old.len());
            let outside = seen.log.writes.iter().find(|&&(at, length)| !inside(at, length));
            ensure(outside.is_none() && seen.log.others == 0, || {
                let (at, length) = outside.copied().unwrap_or_default();
                let wanted = say!("only the 6 places of 6 bytes are written", "只写那 6 处，每处 6 字节");
                Failure::new(wanted, say!("{length} bytes at {at} were written", "写了 {at} 处的 {length} 字节"))
                    .shows(&belief::WRITING_BACK_IS_HARMLESS)
            })?;
            let (reads, writes) = (seen.log.preads, seen.log.writes.len());
            let most = wide(bytes.len() / (16 * KIB)) + 1 + 4;
            ensure(writes >= 1, || Failure::new(say!("6 writes", "6 次写入"), say!("there was none", "一次也没有")))?;
            ensure(reads <= most && writes <= places.len(), || {
                Failure::new(
                    say!("at most {most} calls that read and 6 that write", "最多 {most} 次读、6 次写"),
                    say!("there were {reads} and {writes}", "分别有 {reads} 次和 {writes} 次"),
                )
                .given(say!("a file of 200 KiB", "200 KiB 的文件"))
                .shows(&belief::A_CALL_COSTS_NOTHING)
            })
        });
    }

    #[test]
    fn takes_little_memory_however_large_the_file_is() {
        let rule = say!(
            "A file may be larger than all memory. What moves it through a buffer needs a buffer of a fixed size.",
            "文件可能比整个内存还大。要让它流过缓冲区，缓冲区的大小就必须固定。"
        );
        check("in_place", rule, || {
            let file = tempfile::tempfile()?;
            file.write_all_at(b"told", 0)?;
            // A small file first: what is wrong with that has nothing to do with memory.
            let got = ask(|| super::replace_all(&file, b"old", b"new").map_err(kind))?;
            ensure(got == Ok(1), || Failure::new(say!("Ok(1)", "Ok(1)"), say!("{got:?}", "{got:?}")))?;
            let size = 4 * KIB * KIB;
            let places = [0, 5, size / 2 + 1, size - 3];
            for at in places {
                file.write_all_at(b"old", wide(at))?;
            }
            let got = ask_with_little_memory(|| super::replace_all(&file, b"old", b"new"))?;
            with_little_memory(&got, wide(places.len()), say!("a file of 4 MiB", "4 MiB 的文件"))?;
            for at in places {
                let mut now = [0; 3];
                file.read_exact_at(&mut now, wide(at))?;
                ensure(now == *b"new", || {
                    let now = shown(&now);
                    Failure::new(say!("\"new\" at {at}", "{at} 处是 \"new\""), say!("there is {now}", "是 {now}"))
                })?;
            }
            Ok(())
        });
    }

    #[test]
    fn refuses_what_is_no_replacement() {
        let rule = say!(
            "Other bytes in place of others keep a file's size. Nothing, searched for, would be found everywhere and for ever.",
            "原地替换不改变文件大小，因此新旧必须等长。要找的内容为空时，处处都匹配，永远找不完。"
        );
        check("through_memory", rule, || {
            let cases: [(&[u8], &[u8]); 4] = [(b"", b""), (b"", b"x"), (b"ab", b"a"), (b"a", b"bc")];
            let bytes = b"abcabc";
            for_each(
                cases,
                |(old, new)| describe(bytes, old, new),
                |(old, new)| {
                    let seen =
                        on(|| Scripted::new(bytes, &[], None), bytes, |file| super::replace_all(file, old, new))?;
                    let got = &seen.answer;
                    ensure(matches!(got.as_ref().err().map_or("", String::as_str), "InvalidInput" | "EINVAL"), || {
                        Failure::new(say!("InvalidInput", "InvalidInput"), say!("{got:?}", "{got:?}"))
                    })?;
                    as_it_should_be(&seen)
                },
            )
        });
    }
}

mod to_crlf {
    use super::*;

    /// The same, in memory: the bytes afterwards, and how many came in.
    fn reference(bytes: &[u8]) -> (Vec<u8>, usize) {
        let mut after = Vec::new();
        for &byte in bytes {
            if byte == b'\n' && after.last() != Some(&b'\r') {
                after.push(b'\r');
            }
            after.push(byte);
        }
        let more = after.len() - bytes.len();
        (after, more)
    }

    fn describe(bytes: &[u8]) -> Words {
        let (size, bytes) = (bytes.len(), shown(bytes));
        say!("{bytes} ({size} bytes)", "{bytes}（{size} 字节）")
    }

    fn texts() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![Just(b'\n'), Just(b'\r'), Just(b'a'), Just(b'b')];
        prop::collection::vec(byte, 0..60)
    }

    fn rule() -> Words {
        say!(
            "A file has no call that inserts: the bytes behind the place are moved. Where source and target overlap, those move \
             first whose place is needed last, as with memmove(3).",
            "文件没有“插入”这种调用，只能把后面的字节往后挪。源和目标重叠时，要像 memmove(3) 那样选对方向：目标在后面，就从末尾开始挪。"
        )
    }

    #[test]
    fn gives_each_line_feed_its_carriage_return() {
        check("in_place", rule(), || {
            for_all(
                texts(),
                |bytes| describe(bytes),
                |bytes| {
                    let (after, more) = reference(bytes);
                    let seen = on(|| Scripted::new(bytes, &[], None), &after, |file| super::to_crlf(file))?;
                    compare(&seen, wide(more))
                },
            )
        });
    }

    #[test]
    fn moves_no_byte_over_one_that_is_still_to_be_read() {
        check("in_place", rule(), || {
            // A \n at each byte, or at each other one, with its \r or without: whatever the size of the pieces is,
            // their edges fall everywhere.
            let cases: [(&[u8], &[u8]); 6] = [
                (b"", b"\n"),
                (b"", b"\r\n"),
                (b"x", b"\r\n"),
                (b"", b"ab\n\r\n"),
                (b"x", b"\n\r"),
                (b"\n", b"one two "),
            ];
            for_each(
                cases,
                |(first, again)| {
                    let (first, again) = (shown(first), shown(again));
                    say!(
                        "a file of 150 KiB: {first}, then {again} again and again",
                        "150 KiB 的文件：先是 {first}，然后反复是 {again}"
                    )
                },
                |(first, again)| {
                    let bytes: Vec<u8> = first.iter().chain(again.iter().cycle()).copied().take(150 * KIB).collect();
                    let (after, more) = reference(&bytes);
                    let seen = on(|| Scripted::new(&bytes, &[], None), &after, |file| super::to_crlf(file))?;
                    let compared = compare(&seen, wide(more));
                    // Where there is no \r, no edge of a piece can part one from its \n.
                    let parted = bytes.contains(&b'\r') && seen.answer != Ok(wide(more));
                    let shown = if parted { &belief::A_PIECE_IS_A_UNIT } else { &belief::ANY_ORDER_MOVES };
                    compared.map_err(|failure| explained(failure, shown))
                },
            )
        });
    }

    #[test]
    fn bears_short_and_interrupted_calls() {
        let rule = say!(
            "read(2), write(2): fewer bytes than asked for is no error, and no end of the file; only 0 is. EINTR means that nothing \
             was done. ftruncate(2) may be interrupted, too.",
            "read(2)、write(2)：传输的字节数少于要求，既不是错误，也不是文件末尾，返回 0 才是末尾。EINTR 表示什么都没做。ftruncate(2) 也可能被打断。"
        );
        check("loops", rule, || {
            for_all(
                (texts(), script(), prop::option::of(0..8_usize)),
                |(bytes, script, room)| {
                    let (what, how) = (describe(bytes), describe_script(script));
                    let (en, zh) = match room {
                        Some(room) => (format!(", and {room} bytes of room"), format!("，空间只剩 {room} 字节")),
                        None => Default::default(),
                    };
                    Words { en: format!("{}; {}{en}", what.en, how.en), zh: format!("{}；{}{zh}", what.zh, how.zh) }
                },
                |(bytes, script, room)| {
                    let (after, more) = reference(bytes);
                    let enough = room.is_none_or(|room| room >= more);
                    let wanted = if enough { &after } else { bytes };
                    // What is wrong without any of this is another check's affair.
                    let smooth = on(|| Scripted::new(bytes, &[], *room), wanted, |file| super::to_crlf(file))?;
                    let seen = on(|| Scripted::new(bytes, script, *room), wanted, |file| super::to_crlf(file))?;
                    let as_smooth =
                        seen.answer == smooth.answer && seen.difference.is_some() == smooth.difference.is_some();
                    if as_smooth {
                        return Ok(());
                    }
                    let compared = if enough { compare(&seen, wide(more)) } else { as_it_should_be(&seen) };
                    compared.map_err(|failure| explained(failure, &belief::SHORT_IS_THE_END))
                },
            )
        });
    }

    #[test]
    fn leaves_the_file_as_it_was_where_there_is_no_room() {
        let rule = say!(
            "write(2): ENOSPC, EDQUOT or EFBIG may come at any byte behind the old end. ftruncate(2) makes a hole there, and a hole \
             reserves nothing.",
            "write(2)：旧末尾之后的任何一个字节都可能遇到 ENOSPC、EDQUOT 或 EFBIG。ftruncate(2) 只会在那里留下空洞，空洞不预留空间。"
        );
        check("in_place", rule, || {
            let long: Vec<u8> = b"one\ntwo\r\n".iter().copied().cycle().take(70 * KIB).collect();
            let more = reference(&long).1;
            let short = b"a\n\nbc\nd\r\ne\n".as_slice();
            let cases = (0..4).map(|room| (short, room));
            let cases = cases.chain([0, 1, more / 2, more - 1].map(|room| (long.as_slice(), room)));
            for_each(
                cases,
                |(bytes, room)| {
                    let (size, more) = (bytes.len(), reference(bytes).1);
                    say!(
                        "a file of {size} bytes that is to get {more} more, and room for {room}",
                        "{size} 字节的文件，要增加 {more} 字节，但只剩 {room} 字节的空间"
                    )
                },
                |&(bytes, room)| {
                    let seen = on(|| Scripted::new(bytes, &[], Some(room)), bytes, |file| super::to_crlf(file))?;
                    let got = &seen.answer;
                    ensure(*got == Err("ENOSPC".to_owned()), || {
                        Failure::new(say!("ENOSPC", "ENOSPC"), say!("{got:?}", "{got:?}"))
                    })?;
                    as_it_should_be(&seen).map_err(|failure| match seen.log.others {
                        0 => failure,
                        _ => explained(failure, &belief::SIZE_RESERVES_ROOM),
                    })
                },
            )?;
            // The same as the kernel does it, at a limit of the size of files.
            let (wanted, got) = at_a_limit(&long, long.len() + more / 2)?;
            ensure(got == Err("EFBIG".to_owned()), || Failure::new(say!("EFBIG", "EFBIG"), say!("{got:?}", "{got:?}")))
                .and_then(|()| {
                    ensure(wanted, || {
                        Failure::new(
                            say!("the file is as it was", "文件保持原样"),
                            say!("it has changed", "文件被改动了"),
                        )
                    })
                })
                .map_err(|failure| failure.given(say!("setrlimit(2) RLIMIT_FSIZE", "setrlimit(2) 的 RLIMIT_FSIZE")))
        });
    }

    /// Whether a true file is as it was, and the answer, where files may have no more than `limit` bytes.
    fn at_a_limit(bytes: &[u8], limit: usize) -> Result<(bool, Result<u64, String>), Failure> {
        let file = tempfile::tempfile()?;
        file.write_all_at(bytes, 0)?;
        let got = ask(|| {
            // Without the signal that would kill, a write beyond the limit is an error: EFBIG.
            // SAFETY: no handler of ours runs.
            unsafe { signal(Signal::SIGXFSZ, SigHandler::SigIgn) }.map_err(text)?;
            let (soft, hard) = getrlimit(Resource::RLIMIT_FSIZE).map_err(text)?;
            setrlimit(Resource::RLIMIT_FSIZE, wide(limit), hard).map_err(text)?;
            let answer = super::to_crlf(&file).map_err(kind);
            setrlimit(Resource::RLIMIT_FSIZE, soft, hard).map_err(text)?;
            answer
        })?;
        let mut now = vec![0; bytes.len()];
        let same = file.read_exact_at(&mut now, 0).is_ok() && now == bytes;
        Ok((same && file.metadata()?.len() == wide(bytes.len()), got))
    }

    #[test]
    fn writes_only_what_moves() {
        let rule = say!(
            "What is before the first change stays where it is. A call costs the same for one byte as for thousands.",
            "第一处改动之前的内容原地不动，不必写。一次系统调用的开销，传 1 字节和传几千字节差不多。"
        );
        check("in_place", rule, || {
            let many = |bytes: &[u8]| -> Vec<u8> { bytes.iter().copied().cycle().take(100 * KIB).collect() };
            let mut late = many(b"no end of a line ");
            late[99 * KIB] = b'\n';
            let cases =
                [(many(b"done\r\n"), None), (late, Some(99 * KIB)), (many(b"\r\n\nx"), Some(2)), (Vec::new(), None)];
            for_each(
                cases,
                |(bytes, _)| describe(bytes),
                |(bytes, first)| {
                    let (after, more) = reference(bytes);
                    let seen = on(|| Scripted::new(bytes, &[], None), &after, |file| super::to_crlf(file))?;
                    ensure(more == 0 || !seen.log.writes.is_empty(), || {
                        Failure::new(say!("bytes are moved", "要挪动字节"), say!("nothing was written", "什么都没写"))
                    })?;
                    let early = seen.log.writes.iter().map(|(at, _)| *at).min();
                    ensure(early.is_none_or(|early| first.is_some_and(|first| early >= first)), || {
                        let at = early.unwrap_or_default();
                        let wanted = match first {
                            Some(first) => {
                                say!("nothing before byte {first} is written", "不写第 {first} 字节之前的内容")
                            }
                            None => say!("nothing is written", "什么都不写"),
                        };
                        Failure::new(wanted, say!("a write began at byte {at}", "有一次写入从第 {at} 字节开始"))
                            .shows(&belief::WRITING_BACK_IS_HARMLESS)
                    })?;
                    let calls = seen.log.preads + wide(seen.log.writes.len()) + seen.log.others;
                    let most = wide(after.len().div_ceil(4 * KIB)) + 16;
                    ensure(calls <= most, || {
                        Failure::new(
                            say!("at most {most} calls", "最多 {most} 次调用"),
                            say!("there were {calls}", "实际有 {calls} 次"),
                        )
                        .shows(&belief::A_CALL_COSTS_NOTHING)
                    })
                },
            )
        });
    }

    #[test]
    fn keeps_neither_the_file_nor_a_list_in_memory() {
        let rule = say!(
            "A file may be larger than all memory, and the places to change may be as many as its bytes: neither is kept.",
            "文件可能比整个内存还大，要改的位置也可能和字节一样多，两者都不能全放进内存。"
        );
        check("in_place", rule, || {
            let file = tempfile::tempfile()?;
            file.write_all_at(b"a\n", 0)?;
            // A small file first: what is wrong with that has nothing to do with memory.
            let got = ask(|| super::to_crlf(&file).map_err(kind))?;
            ensure(got == Ok(1), || Failure::new(say!("Ok(1)", "Ok(1)"), say!("{got:?}", "{got:?}")))?;
            let lines = 400_000;
            // In pieces: memory that this process once had would be there for the answer, too.
            let some: Vec<u8> = b"12345\n".iter().copied().cycle().take(6_000).collect();
            for at in (0..lines * 6).step_by(some.len()) {
                file.write_all_at(&some, wide(at))?;
            }
            let size = say!("a file of {lines} lines", "{lines} 行的文件");
            let got = ask_with_little_memory(|| super::to_crlf(&file))?;
            with_little_memory(&got, wide(lines), size)?;
            let some: Vec<u8> = b"12345\r\n".iter().copied().cycle().take(7_000).collect();
            let mut now = vec![0; some.len()];
            for at in (0..lines * 7).step_by(some.len()) {
                let whole = file.read_exact_at(&mut now, wide(at)).is_ok();
                ensure(whole && now == some, || {
                    Failure::new(
                        say!("each \\n has a \\r before it", "每个 \\n 前面都有 \\r"),
                        say!("not so from byte {at} on", "从第 {at} 字节起不对"),
                    )
                })?;
            }
            Ok(())
        });
    }
}

mod raise {
    use super::*;

    /// A folder, and in it a counter with this text, if any, and a file that is nobody's business.
    fn counter(text: Option<&str>) -> Result<(TempDir, PathBuf), Failure> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("counter");
        if let Some(text) = text {
            fs::write(&path, text)?;
        }
        fs::write(folder.path().join("counter.bak"), "of somebody else\n")?;
        Ok((folder, path))
    }

    fn answer(path: &Path) -> Result<Result<u64, String>, Failure> {
        ask(|| super::raise(path).map_err(kind))
    }

    /// That the file has this number.
    fn has(path: &Path, wanted: u64) -> Result<(), Failure> {
        let text = fs::read(path)?;
        ensure(text == format!("{wanted}\n").as_bytes(), || {
            let text = shown(&text);
            Failure::new(say!("the file has \"{wanted}\\n\"", "文件内容为 \"{wanted}\\n\""), {
                say!("it has {text}", "是 {text}")
            })
        })
    }

    /// That there is nothing in the folder but the counter and the other file, which is as it was.
    fn nothing_beside(folder: &TempDir) -> Result<(), Failure> {
        let mut names = Vec::new();
        for entry in fs::read_dir(folder)? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.sort_unstable();
        let other = fs::read_to_string(folder.path().join("counter.bak")).unwrap_or_default();
        ensure(names == ["counter", "counter.bak"] && other == "of somebody else\n", || {
            let names = names.join(", ");
            Failure::new(
                say!("the counter, and counter.bak as it was", "文件夹里只有计数器，以及原样未动的 counter.bak"),
                say!("there is: {names}", "现在有：{names}"),
            )
        })
    }

    fn must_be(got: &Result<u64, String>, wanted: u64) -> Result<(), Failure> {
        ensure(*got == Ok(wanted), || Failure::new(say!("Ok({wanted})", "Ok({wanted})"), say!("{got:?}", "{got:?}")))
    }

    #[test]
    fn gives_the_next_number() {
        let rule = say!(
            "A file that is replaced is a new file: it has the mode that its maker gives it, and who has the old one open keeps that.",
            "被替换后的文件是一个新文件：权限由创建者设定；已经打开旧文件的人，看到的仍是旧文件。"
        );
        check("replace", rule, || {
            let cases = [
                (None, 1),
                (Some("0"), 1),
                (Some("9\n"), 10),
                (Some("41"), 42),
                (Some("18446744073709551614\n"), u64::MAX),
            ];
            for_each(
                cases,
                |(text, _)| match text {
                    Some(text) => say!("a file with {text:?}", "内容为 {text:?} 的文件"),
                    None => say!("no file", "文件不存在"),
                },
                |&(text, wanted)| {
                    let (folder, path) = counter(text)?;
                    must_be(&answer(&path)?, wanted)?;
                    has(&path, wanted)?;
                    nothing_beside(&folder)
                },
            )?;
            let (_folder, path) = counter(Some("7\n"))?;
            fs::set_permissions(&path, Permissions::from_mode(0o640))?;
            let mut open = File::open(&path)?;
            must_be(&answer(&path)?, 8)?;
            let mode = fs::metadata(&path)?.permissions().mode() & 0o7777;
            ensure(mode == 0o640, || {
                Failure::new(say!("the mode is 640, as before", "权限保持 640"), {
                    say!("it is {mode:o}", "变成了 {mode:o}")
                })
                .shows(&belief::A_NEW_FILE_HAS_THE_OLD_MODE)
            })?;
            let mut seen = String::new();
            open.read_to_string(&mut seen)?;
            ensure(seen == "7\n", || {
                Failure::new(
                    say!("who had it open reads \"7\\n\"", "之前打开文件的人读到 \"7\\n\""),
                    say!("they read {seen:?}", "读到的是 {seen:?}"),
                )
                .shows(&belief::REWRITING_IS_ONE_STEP)
            })?;
            // A file name alone is one in the folder where the process is.
            let (folder, path) = counter(Some("2\n"))?;
            let got = ask(|| {
                std::env::set_current_dir(&folder).map_err(kind)?;
                super::raise(Path::new("counter")).map_err(kind)
            })?;
            let here = say!("the path is a file name alone", "路径只有文件名");
            must_be(&got, 3).and_then(|()| has(&path, 3)).map_err(|failure| failure.given(here))
        });
    }

    #[test]
    fn refuses_what_is_no_number() {
        let rule = say!(
            "A sum that does not fit is no number, and one that was never there can't be guessed.",
            "加一会溢出、或内容根本不是数，都只能报错，不能猜。"
        );
        check("replace", rule, || {
            for_each(
                ["", "\n", "x\n", "12 34\n", "-1\n", "18446744073709551615\n", "18446744073709551616\n"],
                |text| say!("a file with {text:?}", "内容为 {text:?} 的文件"),
                |text| {
                    let (folder, path) = counter(Some(text))?;
                    let got = answer(&path)?;
                    ensure(got == Err("InvalidData".to_owned()), || {
                        Failure::new(say!("InvalidData", "InvalidData"), say!("{got:?}", "{got:?}"))
                    })?;
                    let now = fs::read_to_string(&path).unwrap_or_default();
                    ensure(now == *text, || {
                        let wanted = say!("the file is as it was", "文件保持原样");
                        Failure::new(wanted, say!("it has {now:?}", "现在的内容是 {now:?}"))
                    })?;
                    nothing_beside(&folder)
                },
            )
        });
    }

    /// Gives up what lets root open any file whatever its mode (capabilities(7)).
    fn without_privileges() -> io::Result<()> {
        let header = [0x2008_0522_u32, 0]; // _LINUX_CAPABILITY_VERSION_3, this thread
        let none = [[0_u32; 3]; 2];
        // SAFETY: reads the two structures, which have the layout that capset(2) asks for.
        Errno::result(unsafe { libc::syscall(libc::SYS_capset, &raw const header, &raw const none) })?;
        Ok(())
    }

    #[test]
    fn takes_no_other_error_for_a_file_that_is_not_there() {
        let rule = say!(
            "open(2): ENOENT means that there is no file. EACCES, EIO or EMFILE say nothing about what is in it.",
            "open(2)：ENOENT 才表示文件不存在。EACCES、EIO、EMFILE 都说明不了文件里有什么。"
        );
        check("replace", rule, || {
            let (folder, path) = counter(Some("41\n"))?;
            fs::set_permissions(&path, Permissions::from_mode(0o000))?;
            let got = ask(|| {
                without_privileges().map_err(kind)?;
                super::raise(&path).map_err(kind)
            })?;
            fs::set_permissions(&path, Permissions::from_mode(0o600))?;
            let given = |failure: Failure| failure.given(say!("a file that nobody may read", "谁也不能读的文件"));
            ensure(matches!(got.as_ref().err().map_or("", String::as_str), "EACCES" | "PermissionDenied"), || {
                Failure::new(say!("EACCES", "EACCES"), say!("{got:?}", "{got:?}"))
                    .shows(&belief::NO_ANSWER_IS_NOTHING_THERE)
            })
            .and_then(|()| has(&path, 41))
            .and_then(|()| nothing_beside(&folder))
            .map_err(given)
        });
    }

    #[test]
    fn leaves_a_whole_number_whenever_it_is_killed() {
        let rule = say!(
            "A process can be killed between any two calls (SIGKILL), and nothing of its own runs then. rename(2) puts a new file in \
             the place of the old one in a single step.",
            "进程可能在任意两次系统调用之间被 SIGKILL 杀死，它自己的代码再也没有机会运行。rename(2) 一步就让新文件取代旧文件。"
        );
        check("killed", rule, || {
            killed_everywhere(Some("9\n"), 9)?;
            killed_everywhere(None, 0)
        });
    }

    /// Kills it before each of its calls in turn, and calls it again each time.
    fn killed_everywhere(begins: Option<&str>, number: u64) -> Result<(), Failure> {
        let (folder, path) = counter(begins)?;
        let files = || -> Result<usize, Failure> { Ok(fs::read_dir(&folder)?.count()) };
        let files_before = files()?;
        for n in 0.. {
            let killed = killed_before_call(n, || Ok(()), |()| super::raise(&path).map(drop).map_err(text))?;
            let call = n + 1;
            let (en, zh) =
                begins.map_or(("no file", "文件不存在"), |_| ("a file with the number 9", "文件内容为 9"));
            let when = || Words {
                en: format!("{en}; killed just before its call number {call}"),
                zh: format!("{zh}；在第 {call} 次系统调用之前被杀死"),
            };
            let text = path.exists().then(|| fs::read(&path)).transpose()?;
            let next = number + 1;
            let holds = |number: u64| text.as_deref() == Some(format!("{number}\n").as_bytes());
            let as_before = text.as_deref() == begins.map(str::as_bytes) || holds(number);
            ensure(as_before || holds(next), || {
                let wanted = say!("the file is as it was, or has {next}", "文件保持原样，或者内容为 {next}");
                let now = text.as_deref().map_or("-".to_owned(), shown);
                let failure = Failure::new(wanted, say!("it has {now}", "是 {now}"));
                failure.shows(&belief::REWRITING_IS_ONE_STEP).given(when())
            })?;
            if killed.is_none() {
                return ensure(n > 0, || Failure::new(say!("calls", "系统调用"), say!("none", "没有")));
            }
            if n > 0 && as_before && files()? == files_before {
                continue; // what comes after this was seen already
            }
            let next = if as_before { number + 1 } else { number + 2 };
            must_be(&answer(&path)?, next).and_then(|()| has(&path, next)).map_err(|f| f.given(when()))?;
            let left = files()? > 2;
            nothing_beside(&folder).map_err(|failure| {
                let failure = if left { failure.shows(&belief::THE_DEAD_CLEAN_UP) } else { failure };
                let Words { en, zh } = when();
                failure.given(Words {
                    en: format!("{en}, then called again"), zh: format!("{zh}，然后再调用一次")
                })
            })?;
            match begins {
                Some(text) => fs::write(&path, text)?,
                None => fs::remove_file(&path)?,
            }
        }
        Ok(())
    }

    /// The calls that matter, each by what it does.
    #[derive(Debug, Clone, Copy, PartialEq)]
    enum Did {
        Opened { fd: u64, to_write: bool },
        Closed(u64),
        Wrote(u64),
        Synced(u64),
        SyncedAll,
        Locked(u64),
        Unlocked(u64),
        Renamed,
    }

    /// renameat2(2) with no flags replaces; rename(2) is a call of its own on older machines only.
    const RENAMES: &[i64] = &[
        libc::SYS_renameat2,
        #[cfg(not(any(target_arch = "riscv32", target_arch = "riscv64", target_arch = "loongarch64")))]
        libc::SYS_renameat,
        #[cfg(any(target_arch = "x86_64", target_arch = "x86"))]
        libc::SYS_rename,
    ];

    fn did(calls: &[Call]) -> Vec<Did> {
        let done = calls.iter().filter(|call| call.answer >= 0);
        let done = done.filter_map(|call| {
            let (fd, operation) = (call.arguments[0], call.arguments[1]);
            let flag = |flag: i32| operation & u64::from(flag.unsigned_abs()) != 0;
            Some(match call.number {
                number if RENAMES.contains(&number) => Did::Renamed,
                libc::SYS_openat => {
                    let to_write = call.arguments[2] & u64::from(libc::O_ACCMODE.unsigned_abs()) != 0;
                    Did::Opened { fd: call.answer.unsigned_abs(), to_write }
                }
                libc::SYS_close => Did::Closed(fd),
                libc::SYS_write | libc::SYS_pwrite64 | libc::SYS_writev | libc::SYS_pwritev if fd > 2 => Did::Wrote(fd),
                libc::SYS_fsync | libc::SYS_fdatasync => Did::Synced(fd),
                libc::SYS_sync | libc::SYS_syncfs => Did::SyncedAll,
                libc::SYS_flock if flag(libc::LOCK_EX) => Did::Locked(fd),
                libc::SYS_flock if flag(libc::LOCK_UN) => Did::Unlocked(fd),
                _ => return None,
            })
        });
        done.collect()
    }

    fn watched() -> Result<Vec<Did>, Failure> {
        let (_folder, path) = counter(Some("7\n"))?;
        let calls = calls_of(|| Ok(()), |()| super::raise(&path).map(drop).map_err(text))?;
        Ok(did(&calls))
    }

    #[test]
    fn is_on_the_disk_when_it_returns() {
        let rule = say!(
            "fsync(2): it writes the file's own bytes and not the entry in the folder; for that, fsync(2) of the folder is needed. \
             rename(2) promises nothing about when either gets to the disk.",
            "fsync(2)：它只保证文件自身的内容落盘，不保证目录项；目录项要靠对文件夹调用 fsync(2)。rename(2) 对两者何时落盘不作任何保证。"
        );
        check("replace", rule, || {
            let did = watched()?;
            let Some(renamed) = did.iter().rposition(|&did| did == Did::Renamed) else {
                return Err(Failure::new(
                    say!("a new file gets the name with rename(2)", "新文件通过 rename(2) 得到名字"),
                    say!("there was no rename(2)", "没有调用 rename(2)"),
                )
                .shows(&belief::REWRITING_IS_ONE_STEP));
            };
            let before = &did[..renamed];
            let wrote = before.iter().rposition(|did| matches!(did, Did::Wrote(_))).ok_or_else(|| {
                let wanted = say!("the new number is written before the name changes", "改名之前写好新的数");
                Failure::new(wanted, say!("nothing was written before rename(2)", "rename(2) 之前什么都没写"))
            })?;
            let syncs = syncs(&did);
            let file = syncs.iter().any(|&(at, of)| wrote < at && at < renamed && of != Some(Kind::Folder));
            ensure(file, || {
                Failure::new(
                    say!(
                        "fsync(2) of the new file, between the write and rename(2)",
                        "在写入和 rename(2) 之间对新文件调用 fsync(2)"
                    ),
                    say!("there was none", "没有调用"),
                )
                .shows(&belief::RENAME_WRITES_THE_FILE)
            })?;
            let folder = syncs.iter().any(|&(at, of)| renamed < at && of != Some(Kind::File));
            ensure(folder, || {
                Failure::new(
                    say!("fsync(2) of the folder, after rename(2)", "rename(2) 之后对文件夹调用 fsync(2)"),
                    say!("there was none", "没有调用"),
                )
                .shows(&belief::FSYNC_WRITES_THE_NAME)
            })
        });
    }

    /// What a descriptor is of, where the calls tell: a folder can't be opened for writing.
    #[derive(Debug, Clone, Copy, PartialEq)]
    enum Kind {
        File,
        Folder,
    }

    /// Each call of fsync(2) and its kin: which of the calls it is, and what it syncs if that is known.
    fn syncs(did: &[Did]) -> Vec<(usize, Option<Kind>)> {
        // A descriptor means the same file until it is closed.
        let mut kinds = BTreeMap::new();
        let mut syncs = Vec::new();
        for (n, did) in did.iter().enumerate() {
            match *did {
                Did::Opened { fd, to_write: true } | Did::Wrote(fd) => drop(kinds.insert(fd, Kind::File)),
                Did::Locked(fd) => drop(kinds.insert(fd, Kind::Folder)),
                Did::Opened { fd, .. } | Did::Closed(fd) => drop(kinds.remove(&fd)),
                Did::Synced(fd) => syncs.push((n, kinds.get(&fd).copied())),
                Did::SyncedAll => syncs.push((n, None)),
                Did::Unlocked(_) | Did::Renamed => {}
            }
        }
        syncs
    }

    /// Waits until the player has said something, has ended, or waits for a lock (proc_locks(5): `->`); true when it
    /// waits.
    fn waits_for_a_lock(player: &Player) -> Result<bool, Failure> {
        let until = Instant::now() + deadline();
        let pid = player.pid().to_string();
        let waits = |line: &str| {
            let mut fields = line.split_whitespace();
            fields.nth(1) == Some("->") && fields.nth(3) == Some(&pid)
        };
        while Instant::now() < until {
            let said = PollFd::new(player.line().as_fd(), PollFlags::POLLIN);
            if poll(&mut [said], PollTimeout::ZERO)? > 0 {
                return Ok(false);
            }
            if fs::read_to_string("/proc/locks").unwrap_or_default().lines().any(waits) {
                return Ok(true);
            }
            std::thread::yield_now();
        }
        // It neither says anything nor is it seen to wait: whatever it does, it may go on.
        Ok(true)
    }

    #[test]
    fn waits_for_its_turn() {
        let rule = say!(
            "rename(2) in one step makes no turn of reading, adding and replacing: two that read the same number both give the next \
             one. flock(2) is a lock on an open file; who waits for one on the counter gets it on a file that has been replaced.",
            "rename(2) 自身是一步完成的，但“读出、加一、替换”整个过程不是：两个进程读到同一个数，就会给出同一个新数。flock(2) 锁的是打开的那个文件；若锁的是计数器本身，等到锁时它可能早已被替换。"
        );
        check("replace", rule, || {
            let (folder, path) = counter(Some("7\n"))?;
            let held = Flock::lock(File::open(folder.path())?, FlockArg::LockExclusive).map_err(|(_, errno)| errno)?;
            let mut player = start(|line| {
                let number = super::raise(&path).map_err(text)?;
                line.send(number.to_string().as_bytes()).map_err(text)
            })?;
            let given = || say!("the check holds the lock on the folder", "检查程序正持有文件夹的锁");
            if !waits_for_a_lock(&player)? {
                let number = String::from_utf8_lossy(&player.receive()?).into_owned();
                let locks = watched()?.iter().any(|did| matches!(did, Did::Locked(_)));
                let failure = Failure::new(
                    say!("it waits until the folder is unlocked", "一直等到文件夹解锁"),
                    say!("it gave the number {number} at once", "没有等，直接给出了 {number}"),
                );
                let shown = if locks { &belief::A_LOCK_IS_ON_THE_NAME } else { &belief::RENAME_IS_A_LOCK };
                return Err(failure.shows(shown).given(given()));
            }
            // What the process whose turn it is does meanwhile.
            let new = folder.path().join(".replacing-mine");
            fs::write(&new, "42\n")?;
            fs::rename(&new, &path)?;
            held.unlock().map_err(|(_, errno)| errno)?;
            let number = String::from_utf8_lossy(&player.receive()?).into_owned();
            player.end()?;
            ensure(number == "43", || {
                Failure::new(say!("it gives 43", "给出 43"), say!("it gave {number}", "给出了 {number}"))
                    .given(say!("7 is replaced by 42 while it waits for the lock", "在它等锁期间，7 被替换成了 42"))
                    .shows(&belief::WHAT_WAS_READ_STILL_HOLDS)
            })?;
            has(&path, 43)?;
            nothing_beside(&folder)?;

            let did = watched()?;
            let first = did.iter().find_map(|did| match did {
                Did::Locked(fd) => Some(*fd),
                _ => None,
            });
            let Some(lock) = first else { return Ok(()) }; // it waited: it has a lock, taken in some other way
            let locked = did.iter().position(|did| *did == Did::Locked(lock)).unwrap_or_default();
            let ends = |did: &Did| matches!(did, Did::Closed(fd) | Did::Unlocked(fd) if *fd == lock);
            let unlocked = did[locked..].iter().position(ends).map(|n| locked + n);
            let last = did.iter().rposition(|did| matches!(did, Did::Renamed | Did::Synced(_) | Did::SyncedAll));
            ensure(unlocked.is_none_or(|unlocked| last.is_none_or(|last| last < unlocked)), || {
                Failure::new(
                    say!("the lock is held until the new number is on the disk", "锁要一直持有到新的数落盘"),
                    say!("it was given up before that", "在此之前就放开了锁"),
                )
                .shows(&belief::WHAT_WAS_READ_STILL_HOLDS)
            })
        });
    }
}

/// Checks [`save`] and [`load`] on a file whose machine may stop.
mod save {
    use super::*;

    /// One of what was written since the last fsync(2), which may get to the disk or not.
    #[derive(Debug, Clone, Copy)]
    enum Part {
        Byte(usize, u8),
        Size(usize),
    }

    /// A file as processes see it, and as the disk has it.
    #[derive(Clone, Default)]
    struct Disk {
        seen: RefCell<Vec<u8>>,
        synced: RefCell<Vec<u8>>,
        /// What was written since, in its order.
        pending: RefCell<Vec<Part>>,
        /// How many calls there are until the process is killed.
        calls_left: Cell<Option<usize>>,
        /// How many calls of fsync(2) there are until one fails.
        syncs_left: Cell<Option<usize>>,
        /// What fsync(2) gave up: it may have got to the disk or not, and never will.
        given_up: RefCell<Vec<Part>>,
        script: RefCell<VecDeque<Turn>>,
        /// How often something was written.
        writes: Cell<u32>,
    }

    /// The largest file that is allowed.
    const LARGEST: usize = 16 * KIB;

    impl Disk {
        /// The machine after a power cut: the process sees what is on the disk.
        fn after_power_cut(bytes: &[u8]) -> Disk {
            Disk { seen: RefCell::new(bytes.to_vec()), synced: RefCell::new(bytes.to_vec()), ..Disk::default() }
        }

        /// The same machine, with a process that will be killed before its `n`-th call.
        fn killed_before(&self, n: usize) -> Disk {
            let disk = self.clone();
            disk.calls_left.set(Some(n));
            disk
        }

        /// The same machine, with a new process.
        fn revived(&self) -> Disk {
            let disk = self.clone();
            disk.calls_left.set(None);
            disk
        }

        fn was_killed(&self) -> bool {
            self.calls_left.get() == Some(0)
        }

        /// A call of a process that is dead has no effect. What it is told doesn't matter to anybody.
        fn call(&self, length: usize) -> Result<usize, Errno> {
            match self.calls_left.get() {
                Some(0) => return Err(Errno::EIO),
                Some(left) => self.calls_left.set(Some(left - 1)),
                None => {}
            }
            match self.script.borrow_mut().pop_front() {
                Some(Turn::Interrupted) => Err(Errno::EINTR),
                Some(Turn::AtMost(most)) => Ok(length.min(most)),
                None => Ok(length),
            }
        }

        /// What the disk may have after a power cut now. Not each of the subsets, but all that are cut at one place,
        /// all that lack or have a single part, each other part, and some without any order.
        fn left_by_power_cut(&self, most: usize) -> BTreeSet<Vec<u8>> {
            let parts: Vec<_> = self.given_up.borrow().iter().chain(self.pending.borrow().iter()).copied().collect();
            let count = parts.len();
            let mut left = BTreeSet::new();
            let mut keep = |kept: &dyn Fn(usize) -> bool| {
                let mut bytes = self.synced.borrow().clone();
                for (n, part) in parts.iter().enumerate() {
                    if kept(n) {
                        apply(&mut bytes, *part);
                    }
                }
                left.insert(bytes);
            };
            keep(&|_| true);
            keep(&|_| false);
            keep(&|n| n % 2 == 0);
            keep(&|n| n % 2 == 1);
            for seed in 1..9_usize {
                keep(&|n| (n + 1).wrapping_mul(2_654_435_761).wrapping_mul(seed * seed + 1) >> 13 & 1 == 0);
            }
            let step = count.div_ceil(most).max(1);
            for cut in (0..count).step_by(step).chain([count.saturating_sub(1)]) {
                keep(&|n| n < cut);
                keep(&|n| n > cut);
                keep(&|n| n == cut);
                keep(&|n| n != cut);
            }
            left
        }
    }

    fn apply(bytes: &mut Vec<u8>, part: Part) {
        match part {
            Part::Byte(at, byte) => {
                if bytes.len() <= at {
                    bytes.resize(at + 1, 0);
                }
                bytes[at] = byte;
            }
            Part::Size(size) => bytes.resize(size, 0),
        }
    }

    impl Calls for Disk {
        fn pread(&self, into: &mut [u8], offset: u64) -> Result<usize, Errno> {
            let bytes = self.seen.borrow();
            let rest = &bytes[bytes.len().min(index(offset))..];
            let length = self.call(into.len().min(rest.len()))?;
            into[..length].copy_from_slice(&rest[..length]);
            Ok(length)
        }

        fn pwrite(&self, from: &[u8], offset: u64) -> Result<usize, Errno> {
            let at = index(offset);
            if at.checked_add(from.len()).is_none_or(|end| end > LARGEST) {
                return Err(Errno::EFBIG);
            }
            let length = self.call(from.len())?;
            self.writes.set(self.writes.get() + 1);
            for (n, byte) in from[..length].iter().enumerate() {
                apply(&mut self.seen.borrow_mut(), Part::Byte(at + n, *byte));
                self.pending.borrow_mut().push(Part::Byte(at + n, *byte));
            }
            Ok(length)
        }

        fn ftruncate(&self, size: u64) -> Result<(), Errno> {
            let size = index(size);
            if size > LARGEST {
                return Err(Errno::EFBIG);
            }
            self.call(0)?;
            apply(&mut self.seen.borrow_mut(), Part::Size(size));
            self.pending.borrow_mut().push(Part::Size(size));
            Ok(())
        }

        fn fsync(&self) -> Result<(), Errno> {
            self.call(0)?;
            let pending = self.pending.take();
            match self.syncs_left.get() {
                Some(0) => {
                    self.syncs_left.set(None);
                    self.given_up.borrow_mut().extend(pending);
                    return Err(Errno::EIO);
                }
                left => self.syncs_left.set(left.map(|left| left - 1)),
            }
            for part in pending {
                apply(&mut self.synced.borrow_mut(), part);
            }
            Ok(())
        }

        fn size(&self) -> Result<u64, Errno> {
            Ok(wide(self.seen.borrow().len()))
        }
    }

    /// The `n`-th record. No two have a byte in common.
    fn record(n: u8) -> Record {
        std::array::from_fn(|at| u8::try_from(at).unwrap_or(0).wrapping_mul(5).wrapping_add(n.wrapping_mul(37)) ^ 0x5a)
    }

    /// What load gave, in terms of the records that were saved.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    enum Found {
        Nothing,
        Number(u8),
        /// No record that was ever saved.
        Mixture,
        Failed(String),
    }

    fn found(disk: &dyn Calls) -> Found {
        match super::load(disk) {
            Ok(None) => Found::Nothing,
            Ok(Some(got)) => (1..20).find(|&n| record(n) == got).map_or(Found::Mixture, Found::Number),
            Err(error) => Found::Failed(kind(error)),
        }
    }

    /// Something that went wrong, as the child tells it.
    #[derive(Debug, Serialize, Deserialize)]
    struct Story {
        allowed: Vec<Found>,
        found: Found,
        /// What happened before.
        en: String,
        zh: String,
        /// Whether it needed a process that was killed while the machine went on.
        killed: bool,
        /// Whether it was save that failed.
        saving: bool,
    }

    fn one_of(found: Found, allowed: &[Found], given: impl FnOnce() -> Words) -> Result<(), Story> {
        if allowed.contains(&found) {
            return Ok(());
        }
        let Words { en, zh } = given();
        Err(Story { allowed: allowed.to_vec(), found, en, zh, killed: false, saving: false })
    }

    fn save_failed(error: io::Error, given: impl FnOnce() -> Words) -> Result<(), Story> {
        one_of(Found::Failed(kind(error)), &[], given).map_err(|story| Story { saving: true, ..story })
    }

    fn in_words(found: &Found) -> Words {
        match found {
            Found::Nothing => say!("None", "“没有记录”"),
            Found::Number(n) => say!("record {n}", "第 {n} 条记录"),
            Found::Mixture => say!("a record that nobody saved", "一条从未保存过的记录"),
            Found::Failed(error) => say!("the error {error}", "错误 {error}"),
        }
    }

    impl Story {
        fn failure(self) -> Failure {
            let happened = in_words(&self.found);
            let mut allowed: Vec<_> = self.allowed.iter().map(in_words).collect();
            allowed.sort_unstable_by(|a, b| a.en.cmp(&b.en));
            allowed.dedup();
            let en: Vec<_> = allowed.iter().map(|words| words.en.as_str()).collect();
            let zh: Vec<_> = allowed.iter().map(|words| words.zh.as_str()).collect();
            let (en, zh) = (en.join(" or "), zh.join("或"));
            let failure = if self.saving {
                let happened =
                    Words { en: format!("it gave {}", happened.en), zh: format!("得到的是{}", happened.zh) };
                Failure::new(say!("save returns Ok(())", "save 返回 Ok(())"), happened)
            } else {
                let happened =
                    Words { en: format!("it found {}", happened.en), zh: format!("得到的是{}", happened.zh) };
                Failure::new(Words { en: format!("load finds {en}"), zh: format!("load 得到{zh}") }, happened)
            };
            failure.given(Words { en: self.en, zh: self.zh })
        }
    }

    /// A machine on which so many records were saved, one after the other, and the last one's number. All of it is on
    /// the disk: whether save sees to that is asked elsewhere.
    fn with_records(count: u8) -> Result<(Disk, Found), Story> {
        let disk = Disk::default();
        for n in 1..=count {
            saved(&disk, n)?;
        }
        let disk = Disk::after_power_cut(&disk.seen.borrow());
        Ok((disk, if count == 0 { Found::Nothing } else { Found::Number(count) }))
    }

    /// Saves a record where nothing hinders it.
    fn saved(disk: &Disk, n: u8) -> Result<(), Story> {
        let given = || say!("save of record {n}, with nothing in its way", "保存第 {n} 条记录，一切正常");
        match super::save(disk, &record(n)) {
            Ok(()) => Ok(()),
            Err(error) => save_failed(error, given),
        }
    }

    /// A record is saved, and the process is killed before each of its calls in turn; `look` sees what it leaves. In
    /// the end it is not killed, which `look` is told.
    fn killed_everywhere(
        disk: &Disk,
        number: u8,
        mut look: impl FnMut(usize, &Disk, bool) -> Result<(), Story>,
    ) -> Result<(), Story> {
        for n in 0.. {
            let disk = disk.killed_before(n);
            let answer = super::save(&disk, &record(number));
            let ended = !disk.was_killed();
            if ended && let Err(error) = answer {
                let given = || say!("save of a record, with nothing in its way", "保存一条记录，一切正常");
                return save_failed(error, given);
            }
            look(n, &disk, ended)?;
            if ended {
                break;
            }
        }
        Ok(())
    }

    fn rule() -> Words {
        say!(
            "fsync(2): only when it has returned is anything on the disk. What was written before that gets there in any order, in \
             part or not at all.",
            "fsync(2)：它返回之后，数据才算落盘。在那之前写入的内容，可能以任意顺序落盘，可能只有一部分，也可能完全没有。"
        )
    }

    #[test]
    fn load_gives_the_last_record_that_was_saved() {
        let rule = say!(
            "read(2), write(2), fsync(2): short counts are no errors, and EINTR means that nothing was done.",
            "read(2)、write(2)、fsync(2)：传输不足不是错误；EINTR 表示什么都没做。"
        );
        check("loops", rule, || {
            let many = ask(|| -> Result<(), Story> {
                let disk = Disk::default();
                // More than a file of 16 KiB has room for, if each took a place of its own.
                for n in (1..8).cycle().take(1_000) {
                    saved(&disk, n)?;
                    one_of(found(&disk), &[Found::Number(n)], || {
                        say!("one record after the other", "一条接一条地保存")
                    })?;
                }
                Ok(())
            })?;
            many.map_err(Story::failure)?;
            for_all(
                (0..6_u8, script()),
                |(count, script)| {
                    let how = describe_script(script);
                    Words {
                        en: format!("so many records saved: {count}; {}", how.en),
                        zh: format!("保存 {count} 条记录，{}", how.zh),
                    }
                },
                |(count, script)| {
                    let told = ask(|| -> Result<(), Story> {
                        let disk = Disk::default();
                        disk.script.replace(script.iter().copied().collect());
                        let allowed = |n| if n == 0 { Found::Nothing } else { Found::Number(n) };
                        for n in 0..=*count {
                            if n > 0 {
                                saved(&disk, n)?;
                            }
                            let given = || say!("after {n} records", "保存 {n} 条记录之后");
                            one_of(found(&disk), &[allowed(n)], given)?;
                        }
                        // The file begins empty, and load alone changes nothing.
                        saved(&disk, 7)?;
                        one_of(found(&disk), &[Found::Number(7)], || say!("one record more", "再保存一条记录"))
                    })?;
                    told.map_err(|story| {
                        let interrupted = story.found == Found::Failed("EINTR".to_owned());
                        let shown = if interrupted { &belief::EINTR_IS_AN_ERROR } else { &belief::SHORT_IS_THE_END };
                        let mut failure = story.failure().shows(shown);
                        failure.given = None; // for_all says it better
                        if script.is_empty() {
                            failure.misconception = None;
                        }
                        failure
                    })
                },
            )
        });
    }

    #[test]
    fn survives_a_power_cut_at_every_moment() {
        check("replace", rule(), || {
            let told = ask(|| -> Result<(), Story> {
                for count in 0..4 {
                    let (disk, old) = with_records(count)?;
                    killed_everywhere(&disk, 9, |n, disk, ended| {
                        for bytes in disk.left_by_power_cut(64) {
                            let given = || cut_in_words(count, n, ended);
                            one_of(found(&Disk::after_power_cut(&bytes)), &[old.clone(), Found::Number(9)], given)?;
                        }
                        Ok(())
                    })?;
                }
                Ok(())
            })?;
            let Err(story) = told else { return Ok(()) };
            // Who writes in one place only has overwritten the record; who writes in several has thought of an order.
            let writes = ask(|| {
                let disk = Disk::default();
                let _ = super::save(&disk, &record(9));
                disk.writes.get()
            })?;
            let shown = if writes > 1 { &belief::WRITES_ARRIVE_IN_ORDER } else { &belief::A_SMALL_WRITE_IS_WHOLE };
            Err(story.failure().shows(shown))
        });
    }

    fn cut_in_words(count: u8, n: usize, ended: bool) -> Words {
        if ended {
            return say!(
                "{count} saved before, then record 9; a power cut when save has returned",
                "先保存 {count} 条记录，再保存第 9 条；save 返回后断电"
            );
        }
        let call = n + 1;
        say!(
            "{count} saved before, then record 9; a power cut just before its call number {call}",
            "先保存 {count} 条记录，再保存第 9 条；在它的第 {call} 次调用之前断电"
        )
    }

    #[test]
    fn is_on_the_disk_once_it_is_ok() {
        check("replace", rule(), || {
            let told = ask(|| -> Result<(), Story> {
                for count in 0..4 {
                    let disk = Disk::default();
                    for n in 1..=count {
                        saved(&disk, n)?;
                    }
                    saved(&disk, 9)?;
                    for bytes in disk.left_by_power_cut(64) {
                        let given = || cut_in_words(count, 0, true);
                        one_of(found(&Disk::after_power_cut(&bytes)), &[Found::Number(9)], given)?;
                    }
                }
                Ok(())
            })?;
            told.map_err(|story| story.failure().shows(&belief::WRITTEN_IS_ON_THE_DISK))
        });
    }

    #[test]
    fn goes_on_after_a_death_of_the_process_or_the_machine() {
        let rule = say!(
            "What another process has written is read back from the page cache, on the disk or not. Only an fsync(2) of one's own \
             says that it is.",
            "别的进程写过的内容，会从页缓存读回来，不管它是否落盘。只有自己再调用一次 fsync(2)，才能确定。"
        );
        check("replace", rule, || {
            let told = ask(|| -> Result<(), Story> {
                for count in 0..3 {
                    let (disk, old) = with_records(count)?;
                    killed_everywhere(&disk, 8, |n, first, _| {
                        let call = n + 1;
                        let mut machines: Vec<_> = first
                            .left_by_power_cut(3)
                            .iter()
                            .map(|bytes| (Disk::after_power_cut(bytes), true))
                            .collect();
                        machines.push((first.revived(), false));
                        for (second, cut) in machines {
                            let given = || {
                                let (how_en, how_zh) =
                                    if cut { ("a power cut", "断电") } else { ("killed", "进程被杀死") };
                                say!(
                                    "{count} saved before; {how_en} just before call number {call} of saving record 8; then record \
                                     9 is saved, and there is a power cut",
                                    "先保存 {count} 条记录；保存第 8 条时，在第 {call} 次调用之前{how_zh}；然后保存第 9 条，其间或之后断电"
                                )
                            };
                            let before = found(&second);
                            one_of(before.clone(), &[old.clone(), Found::Number(8)], given)?;
                            // What was cut off and not found may turn up later: bytes of the new record can complete
                            // it.
                            let mut allowed = vec![Found::Number(9), before, Found::Number(8)];
                            if !cut {
                                allowed.push(old.clone());
                            }
                            killed_everywhere(&second, 9, |_, third, _| {
                                for bytes in third.left_by_power_cut(6) {
                                    one_of(found(&Disk::after_power_cut(&bytes)), &allowed, given)?;
                                }
                                Ok(())
                            })
                            .map_err(|story| Story { killed: !cut, ..story })?;
                        }
                        Ok(())
                    })?;
                }
                Ok(())
            })?;
            told.map_err(|story| match story.killed {
                true => story.failure().shows(&belief::WHAT_IS_READ_IS_ON_THE_DISK),
                false => story.failure(),
            })
        });
    }

    #[test]
    fn passes_the_failure_of_fsync_on() {
        let rule = say!(
            "fsync(2), EIO: what could not be written is reported once. Linux takes its pages for clean then, and the next fsync(2) \
             succeeds without them.",
            "fsync(2) 的 EIO：写不下去的数据只报告一次。此后 Linux 把这些页当作干净页，下一次 fsync(2) 不写它们也会成功。"
        );
        check("calls", rule, || {
            let told = ask(|| -> Result<Option<usize>, Story> {
                let (disk, old) = with_records(2)?;
                for n in 0.. {
                    let disk = disk.clone();
                    disk.syncs_left.set(Some(n));
                    let answer = super::save(&disk, &record(9));
                    if disk.syncs_left.get().is_some() {
                        return Ok(Some(n));
                    }
                    let call = n + 1;
                    let given = || {
                        say!(
                            "fsync(2) number {call} of a save fails with EIO, then a power cut",
                            "一次 save 中第 {call} 次 fsync(2) 以 EIO 失败，随后断电"
                        )
                    };
                    if answer.map_err(kind) != Err("EIO".to_owned()) {
                        // Told as the error that should have come.
                        return one_of(Found::Number(9), &[Found::Failed("EIO".to_owned())], given).map(|()| None);
                    }
                    for bytes in disk.left_by_power_cut(64) {
                        one_of(found(&Disk::after_power_cut(&bytes)), &[old.clone(), Found::Number(9)], given)?;
                    }
                }
                Ok(None)
            })?;
            let syncs = told.map_err(|story| {
                let Words { en, zh } = Words { en: story.en.clone(), zh: story.zh.clone() };
                if story.allowed == [Found::Failed("EIO".to_owned())] {
                    return Failure::new(say!("save returns EIO", "save 返回 EIO"), say!("it did not", "没有返回 EIO"))
                        .shows(&belief::FSYNC_CAN_BE_ASKED_AGAIN)
                        .given(Words { en, zh });
                }
                story.failure()
            })?;
            ensure(syncs != Some(0), || {
                Failure::new(say!("fsync(2) is called", "调用了 fsync(2)"), say!("it never was", "从未调用"))
                    .shows(&belief::WRITTEN_IS_ON_THE_DISK)
            })
        });
    }
}
