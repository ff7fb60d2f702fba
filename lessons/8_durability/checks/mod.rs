//! The checks of exercise 8. Each call is made by a process of its own, which is followed: what it stores, and what it syncs. Then
//! the power is cut at each moment, and the learner's recovery is tried on all that the disk may hold.

use std::fs::File;
use std::io::Write;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use mmap_workbook::grade::fixtures::{
    Difference, bytes_in_words, contents, difference, equal, in_child, knows_the_basics, loaded, mapped_whole,
    no_difference, no_error, refused, tell,
};
use mmap_workbook::grade::{
    Call, Cut, Failure, Follow, History, On, SECTOR, Story, Verdict, ask, ask_decided, ask_refused, check, ensure,
    for_all, for_each, is_stored_to, kind, note_stores, watch,
};
use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use mmap_workbook::misconception as belief;
use mmap_workbook::observe::page_size;
use mmap_workbook::process::Cause;
use mmap_workbook::text;
use mmap_workbook::text::Text;
use nix::errno::Errno;
use nix::libc;
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::mman::ProtFlags;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use crate::exercise::{append, checkpoint, commit, flush, recover, replay, transaction};

mod flush;

mod commit;

mod recover;

mod append;

mod replay;

mod transaction;

mod checkpoint;

/// The most states of one moment that are tried: where few sectors are open, these are all.
const MOST: usize = 120;
/// The same for what has more than a page, where each try takes longer.
const MOST_OF_MANY: usize = 40;
/// The same where each store counts, so that a sector has many versions.
const MOST_VERSIONS: usize = 400;
/// The syncs that a call may make.
const SYNCS: usize = 3;

/// Bytes to commit or to append, of which no sector is confused with another one's by a weak checksum: after two more
/// calls of the same length each pair of bytes is there in the other order, so the sum of the bytes is the same.
fn bytes(number: usize, length: usize) -> Vec<u8> {
    let byte = |n: usize| u8::try_from(1 + (n * 7 + number % 2 * 50 + n / 250) % 250).unwrap_or_default();
    let swapped = number / 2 % 2;
    (0..length).map(|n| byte(n ^ swapped)).collect()
}

/// Bytes of these lengths, for one call after the other.
fn all_of(lengths: &[usize]) -> Vec<Vec<u8>> {
    (1..).zip(lengths).map(|(number, length)| bytes(number, *length)).collect()
}

/// A file of zeros.
fn zeros(pages: usize) -> History {
    History::of(vec![0; pages * page_size()])
}

/// An empty file in memory.
fn empty_file() -> std::io::Result<File> {
    Ok(File::from(memfd_create(c"exercise", MFdFlags::MFD_CLOEXEC)?))
}

/// A file in memory that has these bytes, and its shared mapping.
fn mapped_file(bytes: &[u8]) -> std::io::Result<(File, Mapping)> {
    let file = empty_file()?;
    file.write_all_at(bytes, 0)?;
    let mapping = mapped_whole(&file, Sharing::Shared)?;
    Ok((file, mapping))
}

/// The mapping alone.
fn mapped(bytes: &[u8]) -> std::io::Result<Mapping> {
    mapped_file(bytes).map(|(_, mapping)| mapping)
}

/// The same for reading only.
fn to_read(bytes: &[u8]) -> std::io::Result<Mapping> {
    let (file, _) = mapped_file(bytes)?;
    Ok(Mapping::of_file(&file, 0, bytes.len(), ProtFlags::PROT_READ, Sharing::Shared)?)
}

/// The lengths in words.
fn lengths_in_words(lengths: &[usize], pages: usize) -> Text {
    text!("{pages} pages; {lengths:?} bytes, one after the other", "共 {pages} 页；依次写入 {lengths:?} 字节")
}

/// The numbers of the calls whose result may be found after this cut, where each of them returns.
fn numbers_after(cut: Cut) -> Vec<usize> {
    (cut.returned..=cut.returned + usize::from(cut.under_way)).collect()
}

/// The same, where the third call was killed before it had synced all, and the fourth is under way or has returned.
fn numbers_after_a_kill(cut: Cut) -> Vec<usize> {
    match cut {
        Cut { returned: 3, under_way: true, .. } => vec![2, 3, 4],
        cut => numbers_after(cut),
    }
}

/// Puts what was done before in front of what a failure says of its values.
fn after(words: Text) -> impl Fn(Failure) -> Failure {
    move |mut failure| {
        failure.given = Some(match &failure.given {
            Some(given) => text!("{words}; then {given}", "{words}；之后，{given}"; words, given),
            None => words.clone(),
        });
        failure
    }
}

/// Bytes that no commit or append has left.
fn garbage(pages: usize) -> Vec<(Text, Vec<u8>)> {
    let length = pages * page_size();
    let mut seed = 1_u64;
    let mut random = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        seed.to_le_bytes()[7]
    };
    let mut kinds = vec![
        (text!("all bytes are 0xff", "全部字节都是 0xff"), vec![0xff; length]),
        (text!("all bytes are 1", "全部字节都是 1"), vec![1; length]),
        (text!("all bytes are 0x7f", "全部字节都是 0x7f"), vec![0x7f; length]),
    ];
    // As a length: more than a half of the file and than what is left of it, or up to its last byte.
    for word in [length / 4 * 3, length - 8, length] {
        let words = (word as u64).to_le_bytes().into_iter().cycle().take(length).collect();
        kinds.push((text!("each word of 8 bytes is {word}", "每 8 字节都是 {word}"), words));
    }
    for _ in 0..3 {
        kinds.push((text!("random bytes", "随机字节"), (0..length).map(|_| random()).collect()));
    }
    kinds
}

/// These bytes, each time with some of them changed, so that what was whole isn't.
fn damaged(bytes: &[u8]) -> Vec<(Text, Vec<u8>)> {
    let used = bytes.iter().enumerate().filter(|(_, byte)| **byte != 0).map(|(at, _)| at);
    let mut places: Vec<usize> = used.flat_map(|at| at.saturating_sub(8)..(at + 8).min(bytes.len())).collect();
    places.dedup();
    places.sort_unstable();
    places.dedup();
    let step = places.len() / 200 + 1;
    let changed = |at: usize, byte: u8| {
        let mut bytes = bytes.to_vec();
        bytes[at] = byte;
        (text!("byte {at} is {byte:#04x}", "偏移量 {at} 处的字节是 {byte:#04x}"), bytes)
    };
    places.into_iter().step_by(step).flat_map(|at| [changed(at, 0xff), changed(at, 0x7f)]).collect()
}

/// The first error of a sync is what the call returns, and the last sync. `call` gets a mapping of the file with these bytes, and
/// is made again and again: each time another one of its calls of msync(2) fails. Then `look` says whether the file is right.
fn each_error_is_told(
    bytes: &[u8],
    call: impl Fn(&Mapping) -> std::io::Result<()>,
    look: impl Fn(&Mapping) -> Result<(), Failure>,
) -> Result<(), Failure> {
    // EINTR is FUSE's and NFS's.
    for (error, nth) in
        [Errno::EIO, Errno::ENOSPC, Errno::EINTR].into_iter().flat_map(|error| (0..4).map(move |nth| (error, nth)))
    {
        let made = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&made);
        let decide = move |_: &libc::seccomp_data| (counted.fetch_add(1, Ordering::Relaxed) == nth).then_some(error);
        let (file, mapping) = mapped_file(bytes)?;
        let seen = |answer: Result<(), String>| (answer, made.load(Ordering::Relaxed));
        let (answer, made) = ask_decided(&[libc::SYS_msync], decide, || call(&mapping).map_err(kind), seen)?;
        let left = contents(&file)?;
        if made <= nth {
            continue;
        }
        let n = nth + 1;
        let given = text!("its msync(2) number {n} fails with {error:?}", "它的第 {n} 次 msync(2) 返回 {error:?}");
        equal(&answer, &Err(format!("{error:?}"))).map_err(|failure| {
            let unchanged = text!(
                "An error is passed on unchanged (`?`): one that is made anew, by io::Error::other for instance, has no errno \
                 (raw_os_error() is None).",
                "错误要原样传出（`?`）：另外做的错误，例如 io::Error::other，没有 errno（raw_os_error() 为 None）。"
            );
            // An errno goes by its name, which is in capitals; what has none by its kind.
            let is_another = answer.as_ref().is_err_and(|answer| answer.contains(char::is_lowercase));
            let failure = failure.given(given.clone());
            if is_another { failure.breaks("mapping", unchanged) } else { failure }
        })?;
        ensure(made == n, || {
            let more = made - n;
            Failure::new(
                text!("no msync(2) after the one that fails", "msync(2) 失败之后不再调用"),
                text!("{more} more", "又调用了 {more} 次"),
            )
            .given(given.clone())
        })?;
        let mapping = to_read(&left)?;
        ask(|| look(&mapping))?.map_err(|failure| failure.given(given.clone()))?;
    }
    Ok(())
}

/// What the syncs of a process have done.
#[derive(Debug)]
struct Synced {
    /// How many there were.
    made: usize,
    disk: Vec<u8>,
    /// The pages of the one that failed.
    refused: Range<usize>,
    /// The disk and the page cache before each sync after that one, and in the end: where the check finds it.
    moments: File,
}

impl Synced {
    /// These pages get to the disk.
    fn write(&mut self, pages: impl Iterator<Item = usize>, now: &[u8]) {
        for page in pages {
            let bytes = page * page_size()..(page + 1) * page_size();
            self.disk[bytes.clone()].copy_from_slice(&now[bytes]);
        }
    }

    fn note(&mut self, now: &[u8]) -> std::io::Result<()> {
        self.moments.write_all(&self.disk)?;
        self.moments.write_all(now)
    }
}

/// What a process does after an error of a sync: `call` is made twice in one process, first with the number 0, and each time another
/// one of its calls of msync(2) fails; then with the number 1. As on Linux, the pages of the one that has failed count as written: a
/// later one writes those that were stored to since. What it was to write may be on the disk all the same. The power is cut at each
/// moment of the second call: `story` is about that one, and `look` says whether the file is right.
fn goes_on_after_an_error(
    bytes: &[u8],
    story: Story,
    call: impl Fn(usize, &Mapping) -> std::io::Result<()>,
    look: impl Fn(&Mapping, Cut) -> Result<(), Failure>,
) -> Result<(), Failure> {
    for (nth, has_arrived) in (0..).flat_map(|nth| [(nth, false), (nth, true)]) {
        let (file, mapping) = mapped_file(bytes)?;
        let (address, moments) = (mapping.address(), empty_file()?);
        let synced = Synced { made: 0, disk: bytes.to_vec(), refused: 0..0, moments: moments.try_clone()? };
        let synced = Arc::new(Mutex::new(synced));
        let noted = Arc::clone(&synced);
        let decide = move |data: &libc::seccomp_data| {
            let (Ok(now), Ok(mut noted)) = (contents(&file), noted.lock()) else { return Some(Errno::ENOTSUP) };
            let [start, length, flags, ..] = data.args.map(|n| usize::try_from(n).unwrap_or(usize::MAX));
            let start = start.wrapping_sub(address) / page_size();
            let pages = start..start.saturating_add(length.div_ceil(page_size())).min(now.len() / page_size());
            noted.made += 1;
            if noted.made == nth + 1 {
                noted.refused = pages.clone();
                if has_arrived {
                    noted.write(pages.clone(), &now);
                }
                // SAFETY: pages of `mapping`, which is there until the child that calls has ended.
                let watches = pages.is_empty() || unsafe { note_stores(address, pages) }.is_ok();
                return Some(if watches { Errno::EIO } else { Errno::ENOTSUP });
            }
            if noted.made > nth && noted.note(&now).is_err() {
                return Some(Errno::ENOTSUP);
            }
            if flags & usize::try_from(libc::MS_SYNC).unwrap_or_default() != 0 {
                let refused = noted.refused.clone();
                noted.write(pages.filter(|page| !refused.contains(page) || is_stored_to(*page)), &now);
            }
            None
        };
        let act = || [0, 1].map(|n| call(n, &mapping).map_err(kind));
        let seen = |answers: [Result<(), String>; 2]| {
            let noted = synced.lock().map_or(Ok(()), |mut synced| synced.note(&loaded(&mapping)));
            (answers, noted.map_err(kind))
        };
        let ([first, second], noted) = ask_decided(&[libc::SYS_msync], decide, act, seen)?;
        no_error(noted)?;
        // The one that was to fail is one of the second call's, or there is no such one.
        if first.is_ok() {
            return Ok(());
        }
        let n = nth + 1;
        let given = text!(
            "in one process: a call whose msync(2) number {n} fails with EIO, and another call",
            "同一个进程里，一次调用的第 {n} 次 msync(2) 返回 EIO，之后再调用一次"
        );
        let told = |failure: Failure| {
            after(given.clone())(failure).breaks(
                "errors",
                text!(
                    "Where a sync has failed, the pages count as written and are not on the disk. A later sync says ok and doesn't \
                     write them: whoever builds on what they have stores all of it once more, the same bytes, and syncs it.",
                    "同步失败之后，这些页算作写过了，其实不在磁盘上。以后的同步会成功，却不写它们：要在它们的内容之上继续，就得把同样的字节全部\
                     再写一遍，再同步。"
                ),
            )
        };
        no_error(second).map_err(told)?;
        let moments = contents(&moments)?;
        let last = moments.len() / (2 * bytes.len()) - 1;
        for (sync, moment) in moments.chunks(2 * bytes.len()).enumerate() {
            let (disk, now) = moment.split_at(bytes.len());
            let history = History::in_between(disk.to_vec(), now.to_vec(), (sync < last).then_some(sync + 1));
            history.try_each(24, story, &look).map_err(told)?;
        }
    }
    Ok(())
}

/// One that makes too many accesses is only followed from call to call.
fn unless_too_many_accesses(cut: Result<(), Failure>) -> Result<(), Failure> {
    cut.or_else(|failure| if failure.verdict == Verdict::TimedOut { Ok(()) } else { Err(failure) })
}

/// Names the belief that a failure after a cut shows, where the last call has asked for its pages to be written, and not waited.
fn believed(history: &History) -> impl Fn(Failure) -> Failure {
    let asks = history.asks();
    move |failure| {
        let is_wrong = asks && failure.verdict == Verdict::Failed;
        if is_wrong { failure.shows(&belief::ASYNC_WRITES) } else { failure }
    }
}

/// Names the rule that a function broke which stored to a mapping for reading only.
fn stores_nothing(function: &str) -> impl Fn(Failure) -> Failure {
    move |failure| {
        let rule = text!(
            "{function} stores nothing: its mapping is for reading only (SIGSEGV). What a cut has torn, the next call overwrites.",
            "{function} 不写入任何内容：它的映射是只读的（SIGSEGV）。断电撕裂的内容，由下一次调用覆盖。"
        );
        let has_stored = failure.died_of() == Some(Cause::NotAllowed);
        let section = if function == "replay" { "log" } else { function };
        if has_stored { failure.breaks(section, rule) } else { failure }
    }
}

fn of_memory() -> Text {
    text!(
        "Another process finds nothing of the first one's memory, no static either: what has to be remembered is in the file.",
        "另一个进程看不到前一个进程的内存，静态变量也不例外：要记住的都必须在文件里。"
    )
}

/// Names the rule that a call broke which has returned, and of which a cut has taken something.
fn lost(cut: Cut, section: &str) -> impl Fn(Failure) -> Failure {
    move |failure| {
        let rule = text!(
            "Each page to which a call has stored a byte has to be synced before it returns.",
            "一次调用写入过的每一页，都要在它返回之前同步。"
        );
        if cut.under_way { failure } else { failure.breaks(section, rule) }
    }
}

/// Names the belief that a mixture of what has arrived and what hasn't shows. Where each store counts, it may be a store that has
/// arrived in part.
fn mixed(follow: Follow, is_mixed: impl Fn() -> bool) -> impl Fn(Failure) -> Failure {
    move |failure| {
        let shows_it = follow == Follow::Calls && is_mixed();
        if shows_it { failure.shows(&belief::STORES_ARRIVE_IN_ORDER) } else { failure }
    }
}

/// A mixture is no belief about an order where there is a checksum: then that is too weak, or doesn't cover all. There is one if a
/// changed bit of what was stored last is noticed, which `reads` says: whether these bytes are read from the file.
fn unless_there_is_a_checksum(
    history: &History,
    last: &[u8],
    section: &str,
    reads: impl Fn(&Mapping, &[u8]) -> bool,
) -> impl Fn(Failure) -> Failure {
    move |mut failure| {
        if last.is_empty() || failure.misconception.as_deref() != Some(belief::STORES_ARRIVE_IN_ORDER.slug) {
            return failure;
        }
        let is_believed = || {
            let (mut bytes, mut last) = (history.now().to_vec(), last.to_vec());
            let at = bytes.windows(last.len()).position(|window| window == last)?;
            let middle = last.len() / 2;
            (bytes[at + middle], last[middle]) = (bytes[at + middle] ^ 1, last[middle] ^ 1);
            let mapping = to_read(&bytes).ok()?;
            ask(|| reads(&mapping, &last)).ok()
        };
        if is_believed() == Some(true) {
            return failure;
        }
        let rule = text!(
            "A checksum has to cover all that counts, the number and the length, too, and to see each change: a sum or an XOR doesn't see \
             other bytes with the same sum, and a few bits of it let one in some hundred changes pass.",
            "校验和要包括所有要紧的内容，编号和长度也在内，而且要看得出每一处改动：求和、异或看不出总和相同的另一些字节，只留几位的，每几百处\
             改动就会漏过一处。"
        );
        failure.misconception = None;
        failure.breaks(section, rule)
    }
}

/// Expects no more syncs of each call than it may make, and tells how many there were.
fn syncs_are_few(history: &History) -> Result<(), Failure> {
    let syncs = history.most_syncs();
    tell(text!("at most {syncs} in a call", "每次调用至多 {syncs} 次"));
    ensure(syncs <= SYNCS, || {
        Failure::new(text!("at most {SYNCS} syncs", "至多 {SYNCS} 次同步"), text!("{syncs} syncs", "{syncs} 次同步"))
    })
}

fn error_rule() -> Text {
    text!(
        "msync(2): EIO, ENOSPC: what was stored may not be on the disk. The kernel reports it once: the next call may return 0, and \
         the bytes are not there all the same.",
        "msync(2) 返回 EIO 或 ENOSPC：写入的内容可能不在磁盘上。内核只报告一次：下一次调用可能返回 0，而内容仍然不在磁盘上。"
    )
}
