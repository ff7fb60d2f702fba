//! What is checked of exercise 5.
//!
//! Each check runs the learner's function in a forked child and then looks at what is left: the bytes and the blocks of
//! the file, the names in the folder, the descriptors and the mappings of the process. Some watch its system calls, to
//! kill the process before each of them in turn, and so at every moment that anybody outside can tell apart, or to see
//! what comes before what.

use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;

use mmap_workbook::grade::misconception as belief;
use mmap_workbook::grade::{
    Call, Failure, Words, ask, ask_with_memory, calls_of, check, ensure, for_all, for_each, killed_before_call, start,
    text,
};
use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use mmap_workbook::lesson_5::{memory_file, o_tmpfile, send_file};
use mmap_workbook::observe::{Area, maps_of, page_size, page_size_u64, whole_pages};
use mmap_workbook::process::{Cause, OnSmallDisk, on_a_small_disk};
use mmap_workbook::say;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, OFlag, SealFlag, fcntl};
use nix::libc;
use nix::sys::stat::{Mode, umask};
use proptest::prelude::*;
use tempfile::TempDir;

use super::{give_back, grow, hand_down, publish, receive_sealed};

/// Bytes of which no two that are a page apart are the same, and none is 0.
fn pattern(length: usize) -> Vec<u8> {
    (1..=251).cycle().take(length).collect()
}

/// Lengths of files, with the edges of pages likely.
fn lengths() -> BoxedStrategy<usize> {
    let page = page_size();
    prop_oneof![1..64_usize, page - 1..page + 2, 2 * page - 1..2 * page + 2, 1..5 * page].boxed()
}

/// [`for_all`], compiled once for a kind of value: this file is compiled with each of the answers that it is tried on.
fn all_of<T: std::fmt::Debug + 'static>(
    values: BoxedStrategy<T>,
    describe: &dyn Fn(&T) -> Words,
    test: &dyn Fn(&T) -> Result<(), Failure>,
) -> Result<(), Failure> {
    for_all(values, describe, test)
}

/// A file without a name where temporary files are kept.
fn file_of(bytes: &[u8]) -> io::Result<File> {
    let file = tempfile::tempfile()?;
    file.write_all_at(bytes, 0)?;
    Ok(file)
}

/// The name of the memory files here, by which their mappings are found.
const NAME: &str = "exercise-5";

fn memory_file_of(bytes: &[u8]) -> io::Result<File> {
    let file = memory_file(NAME)?;
    file.write_all_at(bytes, 0)?;
    Ok(file)
}

/// A range of a file as one of the bytes that were read of it.
fn in_memory(range: &Range<u64>) -> Range<usize> {
    let place = |at| usize::try_from(at).expect("a place in a small file");
    place(range.start)..place(range.end)
}

fn map(file: &File) -> io::Result<Mapping> {
    let length = file.metadata()?.len().try_into().map_err(io::Error::other)?;
    Ok(Mapping::of_file(file, 0, length, READ_WRITE, Sharing::Shared)?)
}

fn contents(file: &File) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; file.metadata()?.len().try_into().map_err(io::Error::other)?];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}

/// The bytes as loads from the mapping give them.
fn loaded(mapping: &Mapping) -> Vec<u8> {
    let mut bytes = vec![0; mapping.length()];
    mapping.read(0, &mut bytes);
    bytes
}

/// The first place at which the two differ, with both bytes.
fn difference(found: &[u8], wanted: &[u8]) -> Option<(usize, u8, u8)> {
    let at = found.iter().zip(wanted).position(|(found, wanted)| found != wanted)?;
    Some((at, found[at], wanted[at]))
}

fn same_bytes(differs: Option<(usize, u8, u8)>) -> Result<(), Failure> {
    differs.map_or(Ok(()), |(at, found, wanted)| {
        Err(Failure::new(
            say!("byte {at} is {wanted}", "第 {at} 字节是 {wanted}"),
            say!("byte {at} is {found}", "第 {at} 字节是 {found}"),
        ))
    })
}

/// What an answer is told that can't be killed at each of its moments, because they don't end.
fn too_many_calls() -> Failure {
    Failure::new(say!("a handful of system calls", "只用几个系统调用"), say!("more than 300", "用了 300 多个"))
}

/// The disk space that the file takes, in bytes.
fn space_of(file: &File) -> io::Result<u64> {
    Ok(file.metadata()?.blocks() * 512) // st_blocks counts in units of 512 bytes on every file system (inode(7))
}

/// How many descriptors this process has.
fn descriptors() -> io::Result<usize> {
    Ok(fs::read_dir("/proc/self/fd")?.count())
}

/// How many bytes of memory files of ours this process has mapped.
fn mapped_bytes() -> io::Result<usize> {
    let areas = maps_of(0..usize::MAX)?;
    Ok(areas.iter().filter(|area| area.name().contains(NAME)).map(|area| area.range().len()).sum())
}

/// The names in a folder, in order.
fn names(folder: &Path) -> io::Result<Vec<String>> {
    let names = fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let mut names = names.collect::<io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

/// [`ask`] for a body that is not to meet an error.
fn in_child<T: serde::Serialize + serde::de::DeserializeOwned>(
    body: impl FnOnce() -> io::Result<T>,
) -> Result<T, Failure> {
    ask(|| body().map_err(text))?
        .map_err(|error| Failure::new(say!("no error", "没有错误"), say!("the error {error}", "错误 {error}")))
}

/// What kind of error it is, and its errno if it has one: `InvalidInput EINVAL`.
fn named(error: io::Error) -> String {
    let kind = error.kind();
    error.raw_os_error().map_or_else(|| format!("{kind:?}"), |raw| format!("{kind:?} {:?}", Errno::from_raw(raw)))
}

/// What a function answered, in the feedback.
fn answered(answer: &Result<(), String>) -> Words {
    match answer {
        Ok(()) => say!("it returned Ok(())", "它返回了 Ok(())"),
        Err(error) => say!("it returned the error {error}", "它返回了错误 {error}"),
    }
}

fn expect_ok(answer: &Result<(), String>) -> Result<(), Failure> {
    ensure(answer.is_ok(), || Failure::new(say!("Ok(())", "Ok(())"), answered(answer)))
}

/// Expects the [`named`] error of this kind or with this errno.
fn expect_error(answer: &Result<(), String>, error: &str) -> Result<(), Failure> {
    let is_it = answer.as_ref().is_err_and(|named| named.split(' ').any(|name| name == error));
    ensure(is_it, || Failure::new(say!("the error {error}", "错误 {error}"), answered(answer)))
}

mod give_back {
    use super::*;

    /// A file's length and a range inside it, as often as not on the edges of pages.
    fn lengths_and_ranges() -> BoxedStrategy<(usize, Range<u64>)> {
        let ranges = lengths().prop_flat_map(|length| {
            let edges = (0..=length).step_by(page_size()).chain([length]).collect::<Vec<_>>();
            let place = prop_oneof![0..=length, proptest::sample::select(edges)];
            (Just(length), (place.clone(), place))
        });
        let ranges = ranges.prop_map(|(length, (a, b))| (length, a.min(b) as u64..a.max(b) as u64));
        ranges.prop_filter("an empty range has a check of its own", |(_, range)| !range.is_empty()).boxed()
    }

    /// Those that nobody should miss: all but the first and the last byte, one byte, whole pages, the tail.
    fn edges() -> [(usize, Range<u64>); 5] {
        let page = page_size();
        let ranges = [
            (4 * page, 1..4 * page - 1),
            (page, 1..2),
            (3 * page, page..2 * page),
            (2 * page, page..2 * page),
            (3 * page + 9, page + 1..3 * page + 9),
        ];
        ranges.map(|(length, range)| (length, range.start as u64..range.end as u64))
    }

    /// Whether the bytes look like those of an answer that rounds the range to whole pages: its neighbours are zeros,
    /// or its ends are not, while each whole page inside it is.
    fn is_rounded(found: &[u8], range: &Range<u64>) -> bool {
        let Range { start, end } = in_memory(range);
        let whole = start.next_multiple_of(page_size())..end / page_size() * page_size();
        let neighbours = found[..start].iter().chain(&found[end..]).any(|byte| *byte == 0);
        let inside = found.get(whole).is_some_and(|pages| !pages.is_empty() && pages.iter().all(|byte| *byte == 0));
        neighbours || inside && found[start..end].iter().any(|byte| *byte != 0)
    }

    fn with_zeros(length: usize, range: &Range<u64>) -> Vec<u8> {
        let mut bytes = pattern(length);
        bytes[in_memory(range)].fill(0);
        bytes
    }

    fn described((length, range): &(usize, Range<u64>)) -> Words {
        say!("a file of {length} bytes, the range {range:?}", "{length} 字节的文件，范围 {range:?}")
    }

    #[test]
    fn the_range_becomes_zeros_and_nothing_else_changes() {
        let rule = say!(
            "fallocate(2), FALLOC_FL_PUNCH_HOLE: within the range, partial blocks are zeroed and whole blocks are \
             removed.",
            "fallocate(2) 的 FALLOC_FL_PUNCH_HOLE：范围内不足一块的部分清零，整块则释放。"
        );
        check("space", rule, || {
            let test = |(length, range): &(usize, Range<u64>)| {
                let file = file_of(&pattern(*length))?;
                let wanted = with_zeros(*length, range);
                let seen = ask(|| {
                    let mapping = map(&file).map_err(text)?;
                    let answer = give_back(&file, range.clone()).map_err(named);
                    Ok::<_, String>((answer, difference(&loaded(&mapping), &wanted)))
                });
                let seen = seen.map_err(|failure| match failure.died_of() {
                    Some(Cause::NoPage) => failure.shows(&belief::TRUNCATION_ONLY_FREES),
                    _ => failure,
                })?;
                let (answer, through_mapping) = seen.map_err(io::Error::other)?;
                expect_ok(&answer)?;
                let found = contents(&file)?;
                ensure(found.len() == wanted.len(), || {
                    let now = found.len();
                    Failure::new(
                        say!("the file still has {length} bytes", "文件仍是 {length} 字节"),
                        say!("it has {now} bytes", "它变成了 {now} 字节"),
                    )
                    .shows(&belief::TRUNCATION_ONLY_FREES)
                })?;
                same_bytes(difference(&found, &wanted).or(through_mapping)).map_err(|failure| {
                    if is_rounded(&found, range) { failure.shows(&belief::A_HOLE_IS_OF_WHOLE_PAGES) } else { failure }
                })
            };
            for_each(edges(), described, test)?;
            all_of(lengths_and_ranges(), &described, &test)
        });
    }

    #[test]
    fn the_file_is_never_shorter() {
        let rule = say!(
            "mmap(2): a touch of a page that is behind the end of the file is SIGBUS, be it for a moment only.",
            "mmap(2)：访问文件末尾之后的页会得到 SIGBUS，哪怕文件只短了一瞬间。"
        );
        check("6:rule", rule, || {
            let ranges = edges().into_iter().filter(|(length, range)| range.end == *length as u64);
            for_each(ranges, described, |(length, range)| {
                for n in 0..300 {
                    let file = file_of(&pattern(*length))?;
                    let killed = killed_before_call(n, || Ok(()), |()| give_back(&file, range.clone()).map_err(named))?;
                    let now = file.metadata()?.len();
                    ensure(now == *length as u64, || {
                        Failure::new(
                            say!("the file has {length} bytes at every moment", "文件在任何时刻都是 {length} 字节"),
                            say!("before system call no. {n} it has {now}", "在第 {n} 个系统调用之前，它是 {now} 字节"),
                        )
                        .shows(&belief::TRUNCATION_ONLY_FREES)
                    })?;
                    if killed.is_none() {
                        let middle = in_memory(range).start.midpoint(*length);
                        return ensure(contents(&file)?[middle] == 0, || {
                            Failure::new(
                                say!("byte {middle} is 0 in the end", "完成之后第 {middle} 字节为 0"),
                                say!("it is not", "它不是 0"),
                            )
                        });
                    }
                }
                Err(too_many_calls())
            })
        });
    }

    #[test]
    fn the_space_of_each_whole_page_comes_back() {
        let rule = say!(
            "inode(7), st_blocks: the blocks that are allocated to the file. Zeros that are written are allocated, a \
             hole is not.",
            "inode(7) 的 st_blocks：分配给文件的块数。写进去的零同样占块，空洞才不占。"
        );
        check("space", rule, || {
            let page = page_size_u64();
            let ranges = [0..8 * page, page..5 * page, page + 1..7 * page - 1, 5 * page..8 * page];
            let describe = |range: &Range<u64>| {
                let (start, end) = (range.start, range.end);
                say!(
                    "a file of 8 pages of {page} bytes, the range {start}..{end}",
                    "8 页（每页 {page} 字节）的文件，范围 {start}..{end}"
                )
            };
            for_each(ranges, describe, |range| {
                for file in [file_of(&pattern(8 * page_size()))?, memory_file_of(&pattern(8 * page_size()))?] {
                    // What is not written yet has no place on the disk, and is counted as the file system likes.
                    file.sync_all()?;
                    let before = space_of(&file)?;
                    let answer = ask(|| {
                        let _mapped = map(&file).map_err(named)?;
                        give_back(&file, range.clone()).map_err(named)
                    })?;
                    expect_ok(&answer)?;
                    let free = before.saturating_sub(space_of(&file)?);
                    let whole = range.end / page * page - range.start.next_multiple_of(page);
                    ensure(free >= whole, || {
                        let failure = Failure::new(
                            say!("{whole} bytes of disk space come back", "归还 {whole} 字节的磁盘空间"),
                            say!("{free} bytes came back", "只归还了 {free} 字节"),
                        );
                        let bytes = contents(&file).unwrap_or_default();
                        if bytes.get(in_memory(range)).is_some_and(|bytes| bytes.iter().all(|byte| *byte == 0)) {
                            return failure.shows(&belief::ZEROS_ARE_A_HOLE);
                        }
                        // Done once more, and watched: is it advice that is given?
                        let calls = calls_of(|| Ok(()), |()| give_back(&file, range.clone()).map_err(named));
                        let advises =
                            calls.is_ok_and(|calls| calls.iter().any(|call| call.number == libc::SYS_madvise));
                        if advises { failure.shows(&belief::DONTNEED_FREES_THE_FILE) } else { failure }
                    })?;
                }
                Ok(())
            })
        });
    }

    #[test]
    fn a_file_may_be_longer_than_4_gib() {
        let rule = say!(
            "off_t has 64 bits (fallocate(2)); a sum in 32 bits, or in a usize of a small machine, loses the upper \
             ones.",
            "off_t 是 64 位的（见 fallocate(2)）；用 32 位做运算会丢掉高位。"
        );
        check("space", rule, || {
            let page = page_size_u64();
            let edge = 5_u64 << 30;
            let ranges = [edge..edge + page, edge - page..edge + 2 * page];
            let describe =
                |range: &Range<u64>| say!("5 GiB into a file, the range {range:?}", "文件 5 GiB 处，范围 {range:?}");
            for_each(ranges, describe, |range| {
                // Sparse: it has bytes at its beginning and 5 GiB further on, and takes a few pages.
                let file = memory_file_of(&pattern(4 * page_size()))?;
                let start = edge - page;
                file.write_all_at(&pattern(5 * page_size()), start)?;
                let answer = ask(|| give_back(&file, range.clone()).map_err(named))?;
                expect_ok(&answer)?;
                let mut found = [vec![0; 4 * page_size()], vec![0; 5 * page_size()]].concat();
                let (low, high) = found.split_at_mut(4 * page_size());
                file.read_exact_at(low, 0)?;
                file.read_exact_at(high, start)?;
                let wanted = with_zeros(5 * page_size(), &(range.start - start..range.end - start));
                let wanted = [pattern(4 * page_size()), wanted].concat();
                if let Some(at) = difference(&found, &wanted).map(|(at, _, _)| at as u64) {
                    let low = 4 * page;
                    let place = if at < low { at } else { start + at - low };
                    return Err(Failure::new(
                        say!("the range becomes zeros, and nothing else changes", "该范围变为零，其余保持不变"),
                        say!("byte {place} has another value", "第 {place} 字节的值不对"),
                    ));
                }
                Ok(())
            })
        });
    }

    #[test]
    fn what_is_no_range_of_the_file_is_refused() {
        let rule = say!(
            "fallocate(2): EINVAL for a length of 0; it punches behind the end of a file without a word.",
            "fallocate(2)：长度为 0 时返回 EINVAL；而在文件末尾之后打洞，它一声不吭。"
        );
        check("space", rule, || {
            let page = page_size_u64();
            let size = 3 * page + 10;
            let no_error = [0..0, page..page, size..size, 7..7].map(|range| (range, None));
            let refused = [
                page..0,
                0..size + 1,
                size..size + page,
                2 * page..4 * page,
                size + 1..size + 1,
                0..u64::MAX,
                Range { start: u64::MAX, end: 0 },
            ];
            let refused = refused.map(|range| (range, Some("InvalidInput")));
            let describe = |(range, _): &(Range<u64>, _)| {
                let (start, end) = (range.start, range.end);
                say!("a file of {size} bytes, the range {start}..{end}", "{size} 字节的文件，范围 {start}..{end}")
            };
            for_each(refused.into_iter().chain(no_error), describe, |(range, error)| {
                let bytes = pattern(usize::try_from(size).map_err(io::Error::other)?);
                let file = file_of(&bytes)?;
                let answer = ask(|| give_back(&file, range.clone()).map_err(named))?;
                match error {
                    Some(error) => expect_error(&answer, error)?,
                    None => expect_ok(&answer)?,
                }
                ensure(contents(&file)? == bytes, || {
                    Failure::new(say!("the file is as before", "文件保持原样"), say!("it has changed", "文件被改动了"))
                })
            })
        });
    }
}

mod grow {
    use super::*;

    /// What a child brings back of a `grow`: the answer, the length of the mapping, and its bytes' first difference.
    type Seen = (Result<(), String>, usize, Option<(usize, u8, u8)>);

    fn grown(file: &File, length: usize, wanted: &[u8]) -> Result<Seen, String> {
        let mut mapping = map(file).map_err(text)?;
        let answer = grow(file, &mut mapping, length).map_err(named);
        let bytes = loaded(&mapping);
        Ok((answer, mapping.length(), difference(&bytes, wanted)))
    }

    #[test]
    fn the_mapping_shows_the_longer_file() {
        let rule = say!(
            "mmap(2): a mapping has the length that it was made with, whatever becomes of the file.",
            "mmap(2)：映射的长度在建立时就定下了，文件之后变长变短都与它无关。"
        );
        check("three_ways", rule, || {
            let lengths = (lengths(), lengths()).prop_map(|(a, b)| (a.min(b), a.max(b))).boxed();
            let describe =
                |(from, to): &(usize, usize)| say!("from {from} to {to} bytes", "从 {from} 字节增长到 {to} 字节");
            let test = |(from, to): &(usize, usize)| {
                let file = file_of(&pattern(*from))?;
                let mut wanted = pattern(*from);
                wanted.resize(*to, 0);
                let seen = ask(|| grown(&file, *to, &wanted))?;
                let (answer, length, differs) = seen.map_err(io::Error::other)?;
                expect_ok(&answer)?;
                ensure(length == *to, || {
                    Failure::new(
                        say!("the mapping has {to} bytes", "映射长 {to} 字节"),
                        say!("it has {length} bytes", "它长 {length} 字节"),
                    )
                    .shows(&belief::A_MAPPING_GROWS_WITH_ITS_FILE)
                })?;
                let found = contents(&file)?;
                ensure(found.len() == *to, || {
                    let now = found.len();
                    Failure::new(
                        say!("the file has {to} bytes", "文件长 {to} 字节"),
                        say!("it has {now} bytes", "它长 {now} 字节"),
                    )
                })?;
                same_bytes(difference(&found, &wanted).or(differs))
            };
            let page = page_size();
            for_each([(page, page + 1), (10, 10), (page - 1, 3 * page)], describe, test)?;
            all_of(lengths, &describe, &test)
        });
    }

    #[test]
    fn those_who_mapped_it_before_still_share_it() {
        let rule = say!(
            "mmap(2), MAP_SHARED: a store is seen by all who map the same file. A copy of it is another file.",
            "mmap(2) 的 MAP_SHARED：映射同一个文件的人都能看到写入；而副本是另一个文件。"
        );
        check("talk", rule, || {
            let page = page_size();
            let lengths = [(10, 3 * page), (page, page + 1), (2 * page, 20 * page), (page - 1, page)];
            let describe = |(from, to): &(usize, usize)| {
                say!(
                    "a file of {from} bytes that others have mapped, grown to {to}",
                    "别的进程已映射的 {from} 字节文件，增长到 {to} 字节"
                )
            };
            for_each(lengths, describe, |&(from, to)| {
                let file = file_of(&pattern(from))?;
                let theirs = map(&file)?;
                let mut player = start(|line| {
                    let mut mapping = map(&file).map_err(text)?;
                    grow(&file, &mut mapping, to).map_err(text)?;
                    mapping.store(from - 1, 255);
                    line.give_turn().map_err(text)?;
                    line.await_turn().map_err(text)?;
                    line.send(&[mapping.load(0)]).map_err(text)
                })?;
                player.await_turn()?;
                let not_shared = |words| {
                    let expected = say!("each sees what the other stores", "双方都能看到对方写入的内容");
                    Failure::new(expected, words).shows(&belief::A_COPY_IS_STILL_SHARED)
                };
                ensure(file.metadata()?.len() >= from as u64, || {
                    Failure::new(
                        say!("nobody's mapping loses a page", "任何进程的映射都不应失去页"),
                        say!("the file is shorter than before", "文件反而变短了"),
                    )
                })?;
                ensure(theirs.load(from - 1) == 255, || {
                    not_shared(say!("what it stored is not seen by the others", "它写入的内容，别的进程看不到"))
                })?;
                theirs.store(0, 254);
                player.give_turn()?;
                let heard = player.receive()?;
                ensure(heard == [254], || {
                    not_shared(say!("it does not see what others store", "它看不到别的进程写入的内容"))
                })?;
                player.end()
            })
        });
    }

    #[test]
    fn the_space_is_reserved() {
        let rule = say!(
            "posix_fallocate(3): writes to the range are guaranteed not to fail for lack of disk space. ftruncate(2) only sets \
             the length.",
            "posix_fallocate(3)：保证之后写该范围不会因磁盘空间不足而失败。ftruncate(2) 只改长度，不预留空间。"
        );
        check("6:ways_out", rule, || {
            let page = page_size();
            let lengths = [(page, 9 * page), (3 * page, 3 * page), (10, 5 * page + 10)];
            let describe = |(from, to): &(usize, usize)| {
                say!(
                    "a file of {from} bytes, all of it a hole, grown to {to}",
                    "全是空洞的 {from} 字节文件，增长到 {to} 字节"
                )
            };
            for_each(lengths, describe, |&(from, to)| {
                let file = tempfile::tempfile()?;
                file.set_len(from as u64)?;
                let answer = ask(|| {
                    let mut mapping = map(&file).map_err(named)?;
                    grow(&file, &mut mapping, to).map_err(named)
                })?;
                expect_ok(&answer)?;
                let space = space_of(&file)?;
                ensure(space >= to as u64, || {
                    Failure::new(
                        say!("the file takes at least {to} bytes on the disk", "文件在磁盘上至少占 {to} 字节"),
                        say!("it takes {space}", "它只占 {space} 字节"),
                    )
                    .shows(&belief::SIZE_RESERVES_ROOM)
                })
            })?;
            a_full_disk_is_an_error()
        });
    }

    /// On a disk of 16 pages, in a child that sees it alone: the learner's code is a child of that child.
    fn a_full_disk_is_an_error() -> Result<(), Failure> {
        let page = page_size();
        let bytes = pattern(page);
        let mut told = Vec::new();
        let ran = on_a_small_disk(
            16 * page_size_u64(),
            |disk, line| {
                let file = tempfile::tempfile_in(disk)?;
                file.write_all_at(&bytes, 0)?;
                let told = ask(|| tried(&file, 64 * page, &bytes));
                line.send(&serde_json::to_vec(&told)?)
            },
            |line| {
                told = line.receive()?;
                Ok(())
            },
        )?;
        match ran {
            OnSmallDisk::Ran(ended) => ended.success()?,
            OnSmallDisk::Skipped(reason) => {
                eprintln!("skipped on a full disk: {reason}");
                return Ok(());
            }
        }
        let told: Result<Result<Tried, String>, Failure> = serde_json::from_slice(&told).map_err(io::Error::other)?;
        let (answer, left) = told?.map_err(io::Error::other)?;
        let with_given = |failure: Failure| {
            failure.given(say!("a disk of 16 pages, and 64 are asked for", "磁盘只有 16 页，却要 64 页"))
        };
        expect_error(&answer, "ENOSPC").map_err(with_given).map_err(|failure| match answer {
            Ok(()) => failure.shows(&belief::SIZE_RESERVES_ROOM),
            Err(_) => failure,
        })?;
        expect_as_before(left).map_err(with_given)
    }

    #[test]
    fn what_was_mapped_before_is_given_back() {
        let rule = say!(
            "munmap(2): what nobody unmaps stays mapped as long as the process lives, and holds the file's space \
             with it.",
            "munmap(2)：没有解除的映射会一直留到进程结束，文件的空间也一直被它占着。"
        );
        check("space", rule, || {
            let page = page_size();
            let seen = ask(|| {
                let file = memory_file_of(&pattern(page)).map_err(text)?;
                let mut mapping = map(&file).map_err(text)?;
                let before = descriptors().map_err(text)?;
                for pages in 2..6 {
                    grow(&file, &mut mapping, pages * page).map_err(text)?;
                }
                let after = descriptors().map_err(text)?;
                Ok::<_, String>((mapped_bytes().map_err(text)?, mapping.length(), before, after))
            })?;
            let (mapped, length, before, after) = seen.map_err(|error| {
                Failure::new(
                    say!("a file that grows from 1 to 5 pages", "文件从 1 页增长到 5 页"),
                    say!("the error {error}", "错误 {error}"),
                )
            })?;
            ensure(mapped == 5 * page && length == mapped, || {
                Failure::new(
                    say!("the file is mapped once, with 5 pages", "文件只被映射一次，共 5 页"),
                    say!(
                        "{} pages of it are mapped, {} by the mapping",
                        "共映射了它的 {} 页，其中 {} 页属于返回的映射",
                        mapped / page,
                        length / page
                    ),
                )
            })?;
            ensure(before == after, || {
                Failure::new(
                    say!("{before} open descriptors, as before", "打开的文件描述符仍是 {before} 个"),
                    say!("there are {after}", "现在有 {after} 个"),
                )
            })
        });
    }

    /// What a failed `grow` left behind that is not as before: the lengths, the bytes, or whether a store reaches the file.
    fn left(file: &File, mapping: &Mapping, wanted: &[u8]) -> io::Result<Result<(), Words>> {
        let size = file.metadata()?.len();
        if size != wanted.len() as u64 {
            return Ok(Err(say!("the file has {size} bytes", "文件变成了 {size} 字节")));
        }
        let length = mapping.length();
        if length != wanted.len() {
            return Ok(Err(say!("the mapping has {length} bytes", "映射变成了 {length} 字节")));
        }
        let mut seen = [0];
        mapping.store(0, 255);
        file.read_exact_at(&mut seen, 0)?;
        mapping.store(0, wanted[0]);
        if seen != [255] {
            return Ok(Err(say!(
                "a store through the mapping does not reach the file",
                "通过映射写入的内容到不了文件"
            )));
        }
        Ok(difference(&loaded(mapping), wanted).map_or(Ok(()), |(at, found, wanted)| {
            Err(say!(
                "byte {at} of the mapping is {found} and was {wanted}",
                "映射的第 {at} 字节是 {found}，原来是 {wanted}"
            ))
        }))
    }

    fn expect_as_before(left: Result<(), Words>) -> Result<(), Failure> {
        left.map_err(|left| {
            let expected =
                say!("after the error the file and the mapping are as before", "出错之后，文件和映射都与之前一样");
            Failure::new(expected, left).shows(&belief::AN_ERROR_UNDOES)
        })
    }

    /// The answer, and whether all is as before.
    type Tried = (Result<(), String>, Result<(), Words>);

    /// Tries to grow a file that is mapped.
    fn tried(file: &File, length: usize, wanted: &[u8]) -> Result<Tried, String> {
        let mut mapping = map(file).map_err(text)?;
        let answer = grow(file, &mut mapping, length).map_err(named);
        let left = left(file, &mapping, wanted).map_err(text)?;
        Ok((answer, left))
    }

    #[test]
    fn an_error_leaves_everything_as_it_was() {
        let rule = say!(
            "mmap(2): ENOMEM, F_ADD_SEALS in fcntl(2): EPERM. A call that can fail comes before what can't be taken \
             back.",
            "mmap(2) 的 ENOMEM；fcntl(2) 中 F_ADD_SEALS 的 EPERM。可能失败的调用，要排在无法撤回的操作之前。"
        );
        check("three_ways", rule, || {
            let page = page_size();
            let bytes = pattern(3 * page + 1);
            let enough = 64 << 20;
            let sealed = memory_file_of(&bytes)?;
            fcntl(&sealed, FcntlArg::F_ADD_SEALS(SealFlag::F_SEAL_GROW))?;
            let cases = [
                (sealed, 5 * page, enough, "EPERM", say!("a file with F_SEAL_GROW", "带 F_SEAL_GROW 密封标志的文件")),
                (
                    file_of(&bytes)?,
                    2 * page,
                    enough,
                    "InvalidInput",
                    say!("a length of 2 pages for a file of 3", "把 3 页的文件“增长”到 2 页"),
                ),
                (
                    file_of(&bytes)?,
                    12 << 20,
                    6 << 20,
                    "ENOMEM",
                    say!("12 MiB where 6 MiB of addresses are left", "只剩 6 MiB 地址空间，却要 12 MiB"),
                ),
            ];
            for_each(
                cases,
                |(.., words)| words.clone(),
                |(file, length, memory, error, _)| {
                    let seen = ask_with_memory(*memory, || tried(file, *length, &bytes))?;
                    let (answer, left) = seen.map_err(io::Error::other)?;
                    expect_error(&answer, error)?;
                    expect_as_before(left)
                },
            )
        });
    }
}

mod publish {
    use super::*;

    const NAME: &str = "report";
    const OTHER: &str = "another file";

    /// A folder with another file in it, in a file system that has O_TMPFILE.
    fn folder() -> Result<TempDir, Failure> {
        let folder = tempfile::tempdir()?;
        let folder = match o_tmpfile(folder.path()) {
            Err(Errno::EOPNOTSUPP | Errno::EISDIR) => tempfile::tempdir_in("/dev/shm")?,
            _ => folder,
        };
        fs::write(folder.path().join(OTHER), "as it was")?;
        Ok(folder)
    }

    /// Writes the bytes in two pieces, so that there is a moment at which half of them are there.
    fn fill_with(file: &File, bytes: &[u8]) -> io::Result<()> {
        let (first, second) = bytes.split_at(bytes.len() / 2);
        file.write_all_at(first, 0)?;
        file.write_all_at(second, first.len() as u64)
    }

    /// The belief behind an error of linkat(2), wherever it turned up. A bare name has an ENOENT of its own.
    fn with_belief(failure: Failure) -> Failure {
        match &failure.happened.en {
            text if text.contains("ENOENT") => failure.shows(&belief::ANY_FILE_CAN_BE_NAMED),
            text if text.contains("EXDEV") => failure.shows(&belief::A_PROC_LINK_IS_THE_FILE),
            _ => failure,
        }
    }

    fn permissions(path: &Path) -> io::Result<u32> {
        Ok(path.symlink_metadata()?.permissions().mode() & 0o7777)
    }

    #[test]
    fn the_file_has_these_bytes_and_permissions() {
        let rule = say!(
            "open(2): the mode of a new file loses the bits of the umask. open(2), O_TMPFILE, with linkat(2) gives \
             it a name.",
            "open(2)：新文件的权限会去掉 umask 中的位。O_TMPFILE 的文件由 linkat(2) 得到名字（见 open(2)）。"
        );
        check("three_ways", rule, || {
            let bytes = pattern(page_size() + 7);
            let modes = [(0o600, 0o022, false), (0o644, 0o077, false), (0o666, 0o022, true), (0o440, 0o777, true)];
            let describe = |(mode, mask, bare): &(u32, u32, bool)| {
                let path = if *bare { NAME } else { "/.../report" };
                say!(
                    "mode {mode:o} with umask {mask:03o}, path {path}",
                    "权限 {mode:o}，umask 为 {mask:03o}，路径 {path}"
                )
            };
            for_each(modes, describe, |&(mode, mask, bare)| {
                let folder = folder()?;
                let path = folder.path().join(NAME);
                let answer = ask(|| {
                    umask(Mode::from_bits_truncate(mask));
                    // With a folder in the path the process may be anywhere, also where no file can be made.
                    std::env::set_current_dir(if bare { folder.path() } else { Path::new("/proc") }).map_err(named)?;
                    let path = if bare { Path::new(NAME) } else { &path };
                    publish(path, mode, |file| fill_with(file, &bytes)).map_err(named)
                })?;
                let believed = |failure| if bare { failure } else { with_belief(failure) };
                expect_ok(&answer).map_err(believed)?;
                let found = fs::read(&path).map_err(|error| {
                    Failure::new(
                        say!("the file is there", "文件已经在那里"),
                        say!("reading it: {error}", "读取它时：{error}"),
                    )
                })?;
                ensure(found == bytes, || {
                    let (found, wanted) = (found.len(), bytes.len());
                    Failure::new(
                        say!("the {wanted} bytes that `fill` wrote", "`fill` 写入的 {wanted} 个字节"),
                        say!("{found} bytes, or other ones", "读到 {found} 个字节，或者内容不同"),
                    )
                })?;
                let found = permissions(&path)?;
                ensure(found == mode, || {
                    Failure::new(
                        say!("permissions {mode:o}", "权限为 {mode:o}"),
                        say!("permissions {found:o}", "权限为 {found:o}"),
                    )
                    .shows(&belief::OPEN_SETS_THE_MODE)
                })?;
                let left = names(folder.path())?;
                ensure(left == [OTHER, NAME], || {
                    Failure::new(
                        say!("only the new file is new in the folder", "目录里只多出这一个新文件"),
                        say!("the folder lists {left:?}", "目录里有 {left:?}"),
                    )
                })
            })
        });
    }

    #[test]
    fn nobody_finds_it_while_it_is_filled() {
        let rule = say!(
            "open(2), O_TMPFILE: an unnamed inode; a name, however odd, is found by whoever lists the folder.",
            "open(2) 的 O_TMPFILE：创建没有名字的 inode；只要有名字，再怪的名字，列一下目录就能看到。"
        );
        check("three_ways", rule, || {
            let folder = folder()?;
            let device = folder.path().metadata()?.dev();
            let seen = ask(|| {
                let mut seen = None;
                let answer = publish(&folder.path().join(NAME), 0o600, |file| {
                    let metadata = file.metadata()?;
                    seen = Some((metadata.nlink(), names(folder.path())?, metadata.dev() == device, metadata.len()));
                    // For reading and for writing: what is written can be read.
                    fill_with(file, b"both")?;
                    file.read_exact_at(&mut [0; 4], 0)
                });
                (answer.map_err(named), seen)
            })?;
            let (answer, seen) = seen;
            if seen.is_some() {
                expect_ok(&answer).map_err(with_belief)?;
            }
            let Some((links, listed, same_device, length)) = seen else {
                let failure = Failure::new(say!("`fill` is called", "调用 `fill`"), answered(&answer));
                return Err(with_belief(failure));
            };
            ensure(same_device && length == 0, || {
                Failure::new(
                    say!(
                        "`fill` gets an empty file of the folder's file system",
                        "`fill` 得到的是该目录所在文件系统中的空文件"
                    ),
                    say!("it gets another one", "它得到的不是这样的文件"),
                )
            })?;
            ensure(links == 0 && listed == [OTHER], || {
                Failure::new(
                    say!("the file has no name while it is filled", "填写期间文件没有名字"),
                    say!("it has {links}, and the folder lists {listed:?}", "它有 {links} 个名字，目录里有 {listed:?}"),
                )
                .shows(&belief::AN_ODD_NAME_IS_NONE)
            })
        });
    }

    #[test]
    fn a_name_that_is_taken_stays_as_it_is() {
        let rule = say!(
            "linkat(2): EEXIST when the name exists, and it is never overwritten. rename(2) replaces what is there.",
            "linkat(2)：名字已存在时返回 EEXIST，绝不覆盖；rename(2) 则会替换原有的文件。"
        );
        check("three_ways", rule, || {
            let cases = ["a file", "a folder", "a symbolic link that leads nowhere", "an error of fill"];
            let describe = |case: &&str| match *case {
                "a file" => say!("the path is that of a file", "该路径已是一个文件"),
                "a folder" => say!("the path is that of a folder", "该路径已是一个目录"),
                "an error of fill" => say!("`fill` fails", "`fill` 失败"),
                _ => say!("the path is that of a symbolic link that leads nowhere", "该路径是一个悬空的符号链接"),
            };
            for_each(cases, describe, |case| {
                let folder = folder()?;
                let path = folder.path().join(NAME);
                match *case {
                    "a file" => fs::write(&path, "taken")?,
                    "a folder" => fs::create_dir(&path)?,
                    "an error of fill" => {}
                    _ => std::os::unix::fs::symlink(folder.path().join("nowhere"), &path)?,
                }
                let state = || -> io::Result<_> {
                    let kind = path.symlink_metadata().ok().map(|metadata| (metadata.file_type(), metadata.ino()));
                    Ok((names(folder.path())?, kind, fs::read(&path).ok()))
                };
                let before = state()?;
                let fails = *case == "an error of fill";
                let answer = ask(|| {
                    publish(&path, 0o600, |file| {
                        fill_with(file, b"half of it")?;
                        if fails { Err(Errno::EDOM.into()) } else { Ok(()) }
                    })
                    .map_err(named)
                })?;
                expect_error(&answer, if fails { "EDOM" } else { "AlreadyExists" }).map_err(with_belief)?;
                ensure(state()? == before, || {
                    let left = names(folder.path()).unwrap_or_default();
                    Failure::new(
                        say!("the folder is as it was", "目录保持原样"),
                        say!("something has changed; it lists {left:?}", "有东西被改动了；现在有 {left:?}"),
                    )
                })
            })
        });
    }

    #[test]
    fn killed_at_any_moment_it_leaves_nothing_half_done() {
        let rule = say!(
            "signal(7): SIGKILL can't be caught, so nobody tidies up. What has no name goes with its process.",
            "signal(7)：SIGKILL 无法捕获，没有机会清理。没有名字的文件会随进程一起消失。"
        );
        check("killed", rule, || {
            let bytes = pattern(page_size() + 7);
            for n in 0..300 {
                let folder = folder()?;
                let path = folder.path().join(NAME);
                let killed = killed_before_call(
                    n,
                    || {
                        umask(Mode::empty());
                        Ok(())
                    },
                    |()| publish(&path, 0o644, |file| fill_with(file, &bytes)).map_err(named),
                )
                .map_err(with_belief)?;
                let moment = || match killed {
                    Some(call) => {
                        let name = call_name(call.number);
                        say!("killed before its system call no. {n}, {name}", "在第 {n} 个系统调用（{name}）之前被杀死")
                    }
                    None => say!("not killed", "没有被杀死"),
                };
                let left = names(folder.path())?;
                ensure(left == [OTHER] || left == [OTHER, NAME], || {
                    Failure::new(
                        say!(
                            "what was there before, and the complete file or nothing",
                            "原有的内容，外加完整的新文件，或者什么都不多"
                        ),
                        say!("the folder lists {left:?}", "目录里有 {left:?}"),
                    )
                    .given(moment())
                    .shows(&belief::AN_ODD_NAME_IS_NONE)
                })?;
                if left.len() == 2 {
                    let (mode, found) = (permissions(&path)?, fs::read(&path)?);
                    ensure(mode == 0o644 && found == bytes, || {
                        let size = found.len();
                        Failure::new(
                            say!(
                                "{} bytes with permissions 644, or no file",
                                "{} 字节、权限 644 的文件，或者没有文件",
                                bytes.len()
                            ),
                            say!(
                                "a file of {size} bytes with permissions {mode:o}",
                                "一个 {size} 字节、权限 {mode:o} 的文件"
                            ),
                        )
                        .given(moment())
                        .shows(&belief::A_MOMENT_IS_NO_TIME)
                    })?;
                }
                if killed.is_none() {
                    return ensure(left.len() == 2, || {
                        Failure::new(say!("the file is there", "文件已经在那里"), say!("it is not", "它不在"))
                    });
                }
            }
            Err(too_many_calls())
        });
    }

    /// The names of calls that an answer is likely to make; the number of any other.
    fn call_name(number: i64) -> String {
        // Machines of later days never had the older ones.
        #[cfg(target_arch = "x86_64")]
        let older = [
            (libc::SYS_open, "open(2)"),
            (libc::SYS_link, "link(2)"),
            (libc::SYS_rename, "rename(2)"),
            (libc::SYS_unlink, "unlink(2)"),
            (libc::SYS_chmod, "chmod(2)"),
        ];
        #[cfg(not(target_arch = "x86_64"))]
        let older = [];
        let known = [
            (libc::SYS_openat, "openat(2)"),
            (libc::SYS_linkat, "linkat(2)"),
            (libc::SYS_renameat2, "renameat2(2)"),
            (libc::SYS_unlinkat, "unlinkat(2)"),
            (libc::SYS_fchmod, "fchmod(2)"),
            (libc::SYS_fsync, "fsync(2)"),
            (libc::SYS_fdatasync, "fdatasync(2)"),
            (libc::SYS_close, "close(2)"),
            (libc::SYS_pwrite64, "pwrite64(2)"),
            (libc::SYS_write, "write(2)"),
            (libc::SYS_fcntl, "fcntl(2)"),
            (libc::SYS_statx, "statx(2)"),
        ];
        let known = known.iter().chain(&older).find(|(known, _)| *known == number);
        known.map_or_else(|| format!("no. {number}"), |(_, name)| (*name).to_owned())
    }

    #[test]
    fn the_bytes_and_then_the_name_are_on_the_disk() {
        let rule = say!(
            "fsync(2): calling it does not ensure that the entry in the folder has reached the disk as well; for that an \
             explicit fsync() on a descriptor of the folder is needed.",
            "fsync(2)：对文件调用它，并不保证目录项也已落盘；为此需要对目录的描述符另行 fsync()。"
        );
        check("1:replace", rule, || {
            let folder = folder()?;
            let path = folder.path().join(NAME);
            let calls =
                calls_of(|| Ok(()), |()| publish(&path, 0o600, |file| fill_with(file, b"to the disk")).map_err(named))
                    .map_err(with_belief)?;
            let at = |wanted: &[i64]| calls.iter().position(|call| call.answer >= 0 && wanted.contains(&call.number));
            let naming = at(&naming_calls()).ok_or_else(|| {
                Failure::new(
                    say!("a call that gives the file its name", "有一个系统调用给文件一个名字"),
                    say!("there is no linkat(2)", "没有调用 linkat(2)"),
                )
            })?;
            let (before, after) = calls.split_at(naming);
            let written = before.iter().rposition(|call| call.number == libc::SYS_pwrite64).unwrap_or(0);
            let file_synced =
                before[written..].iter().any(|call| is_sync(call) && !is_a_folders(&calls, call.arguments[0]));
            ensure(file_synced, || {
                Failure::new(
                    say!(
                        "fsync(2) of the file between its last byte and its name",
                        "在写完最后一个字节之后、得到名字之前，对文件 fsync(2)"
                    ),
                    say!("there is none", "没有"),
                )
                .shows(&belief::A_NAME_IS_DURABLE)
            })?;
            let folder_synced = after.iter().any(|call| is_sync(call) && is_a_folders(&calls, call.arguments[0]));
            ensure(folder_synced, || {
                Failure::new(
                    say!("fsync(2) of the folder when the name is there", "得到名字之后，对目录 fsync(2)"),
                    say!("there is none", "没有"),
                )
                .shows(&belief::A_NAME_IS_DURABLE)
            })
        });
    }

    fn naming_calls() -> Vec<i64> {
        let mut calls = vec![libc::SYS_linkat, libc::SYS_renameat2];
        // Other machines never had the older ones.
        #[cfg(target_arch = "x86_64")]
        calls.extend([libc::SYS_link, libc::SYS_rename]);
        calls.sort_unstable();
        calls
    }

    fn is_sync(call: &Call) -> bool {
        call.answer == 0 && (call.number == libc::SYS_fsync || call.number == libc::SYS_fdatasync)
    }

    /// Whether the descriptor was, when last opened, opened to read: the file that is filled is open for writing.
    fn is_a_folders(calls: &[Call], descriptor: u64) -> bool {
        let opened = calls.iter().rev().find(|call| {
            call.number == libc::SYS_openat && u64::try_from(call.answer).is_ok_and(|answer| answer == descriptor)
        });
        opened.is_some_and(|call| {
            let writes = u64::from((OFlag::O_WRONLY | OFlag::O_RDWR).bits().cast_unsigned());
            call.arguments[2] & writes == 0
        })
    }
}

mod hand_down {
    use super::*;

    const CONTENTS: &[u8] = b"handed down";

    /// What is in the file that is opened when `file` has been dropped.
    const LATER: &[u8] = b"a later one";

    /// A file of [`CONTENTS`].
    fn file() -> io::Result<File> {
        file_of(CONTENTS)
    }

    /// A number far from those in use.
    const FAR: RawFd = 77;

    /// Which number is asked for.
    #[derive(Clone, Copy, PartialEq)]
    enum Number {
        Far,
        OfTheFile,
        NextFree,
        OfAnother,
        Lowest,
    }

    impl Number {
        const ALL: [Number; 5] = [Number::Far, Number::OfTheFile, Number::NextFree, Number::OfAnother, Number::Lowest];

        fn described(&self) -> Words {
            match self {
                Number::Far => say!("number {FAR}, which is free", "编号 {FAR}，此处空闲"),
                Number::OfTheFile => say!("the number that `file` has here", "`file` 在本进程中的编号"),
                Number::NextFree => {
                    say!(
                        "the lowest number that is free here, which the next descriptor gets",
                        "本进程中最小的空闲编号，下一个描述符就会得到它"
                    )
                }
                Number::OfAnother => say!("the number of another open file", "另一个已打开文件的编号"),
                Number::Lowest => say!("number 3", "编号 3"),
            }
        }

        fn of(self, file: &File, another: &File) -> io::Result<RawFd> {
            Ok(match self {
                Number::Far => FAR,
                Number::OfTheFile => file.as_raw_fd(),
                Number::NextFree => file.try_clone()?.as_raw_fd(),
                Number::OfAnother => another.as_raw_fd(),
                Number::Lowest => 3,
            })
        }
    }

    /// What cat(1) of that descriptor prints when it is started by this command, and started again.
    fn cat(number: RawFd, prepare: impl FnOnce(&mut Command) -> io::Result<()>) -> io::Result<Vec<u8>> {
        let mut command = Command::new("cat");
        // To open /proc/self/fd/N is to open the file again: it works whatever the offset is.
        command.arg(format!("/proc/self/fd/{number}"));
        prepare(&mut command)?;
        let (first, second) = (command.output()?, command.output()?);
        for output in [&first, &second] {
            if !output.status.success() {
                return Err(io::Error::other(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
            }
        }
        if first.stdout == second.stdout { Ok(first.stdout) } else { Err(io::Error::other("two runs, two files")) }
    }

    /// How many descriptors a program finds that is started by this command.
    fn descriptors_there(prepare: impl FnOnce(&mut Command) -> io::Result<()>) -> io::Result<usize> {
        let mut command = Command::new("ls");
        command.arg("/proc/self/fd");
        prepare(&mut command)?;
        Ok(String::from_utf8_lossy(&command.output()?.stdout).lines().count())
    }

    /// The descriptors of this process that a program would inherit.
    fn inheritable() -> io::Result<Vec<RawFd>> {
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc/self/fd")? {
            let number: RawFd = entry?.file_name().to_string_lossy().parse().map_err(io::Error::other)?;
            // SAFETY: F_GETFD reads a flag; for a descriptor that is gone by then it says EBADF.
            let flags = unsafe { libc::fcntl(number, libc::F_GETFD) };
            if flags >= 0 && flags & FdFlag::FD_CLOEXEC.bits() == 0 {
                found.push(number);
            }
        }
        found.sort_unstable();
        Ok(found)
    }

    #[test]
    fn the_program_finds_the_file_under_the_number() {
        let rule = say!(
            "dup(2): dup2() makes a descriptor without FD_CLOEXEC; when both numbers are the same it does nothing.",
            "dup(2)：dup2() 得到的新描述符不带 FD_CLOEXEC；但两个编号相同时，它什么也不做。"
        );
        check("descriptor", rule, || {
            for_each(Number::ALL, Number::described, |number| {
                let printed = in_child(|| {
                    let (file, another) = (file()?, file_of(b"another")?);
                    let wanted = number.of(&file, &another)?;
                    Ok(cat(wanted, |command| {
                        hand_down(command, &file, wanted)?;
                        drop(file);
                        // The number that `file` had is somebody else's from now on.
                        std::mem::forget(file_of(LATER)?);
                        Ok(())
                    })
                    .map_err(text))
                })?;
                ensure(printed == Ok(CONTENTS.to_vec()), || {
                    let happened = match &printed {
                        Ok(bytes) => {
                            let bytes = String::from_utf8_lossy(bytes).into_owned();
                            say!("it finds a file with {bytes:?}", "它找到的文件内容是 {bytes:?}")
                        }
                        Err(error) => say!("it says {error:?}", "它报告 {error:?}"),
                    };
                    let failure = Failure::new(
                        say!("the program finds the file there", "程序能在那个编号下找到该文件"),
                        happened,
                    );
                    match number {
                        _ if printed == Ok(LATER.to_vec()) => failure.shows(&belief::A_NUMBER_IS_THE_FILE),
                        Number::NextFree if printed.is_err() => failure.shows(&belief::DUP2_ALWAYS_CLEARS_CLOEXEC),
                        _ => failure,
                    }
                })
            })
        });
    }

    #[test]
    fn no_other_program_gets_it() {
        let rule = say!(
            "execve(2): descriptors stay open unless FD_CLOEXEC is set; that holds for whichever program is executed \
             next.",
            "execve(2)：没有设置 FD_CLOEXEC 的描述符会保持打开；这对接下来执行的任何程序都成立。"
        );
        check("descriptor", rule, || {
            for_each(Number::ALL, Number::described, |number| {
                let seen = in_child(|| {
                    let (file, another) = (file()?, file_of(b"another")?);
                    let wanted = number.of(&file, &another)?;
                    let plain = |_: &mut Command| Ok(());
                    let (inode, kept, usual) = (another.metadata()?.ino(), inheritable()?, descriptors_there(plain)?);
                    let mut command = Command::new("ls");
                    hand_down(command.arg("/proc/self/fd"), &file, wanted)?;
                    let between = (inheritable()?, descriptors_there(plain)?);
                    let listed = command.output()?.stdout;
                    let after = (inheritable()?, descriptors_there(plain)?);
                    let untouched = another.metadata()?.ino() == inode;
                    let listed = String::from_utf8_lossy(&listed).lines().any(|line| line == wanted.to_string());
                    Ok((between == (kept.clone(), usual), after == (kept, usual), untouched, listed))
                })?;
                // Which numbers ls(1) itself uses can't be told: one that is far from them is the file's.
                ensure(seen.3 || *number != Number::Far, || {
                    Failure::new(say!("its own program gets it", "它自己的程序能得到"), say!("it does not", "没有得到"))
                })?;
                let expected =
                    || say!("only the program of `command` gets the file", "只有 `command` 启动的程序得到该文件");
                ensure(seen.0 && seen.1, || {
                    let happened = match seen {
                        (false, ..) => say!(
                            "another program, started in the meantime, can get it as well",
                            "其间启动的另一个程序也能得到"
                        ),
                        _ => say!(
                            "another program, started after it, can get it as well",
                            "之后启动的另一个程序也能得到"
                        ),
                    };
                    Failure::new(expected(), happened).shows(&belief::CLOEXEC_IS_OF_ONE_PROGRAM)
                })?;
                ensure(seen.2, || {
                    Failure::new(
                        say!("the other open file of this process is as it was", "本进程中另一个打开的文件保持原样"),
                        say!("its descriptor stands for another file now", "它的描述符现在指向了别的文件"),
                    )
                })
            })
        });
    }

    #[test]
    fn it_is_the_same_open_file_and_comes_once() {
        let rule = say!(
            "dup(2): both descriptors refer to the same open file description, and so share its offset and status \
             flags.",
            "dup(2)：两个描述符指向同一个打开文件描述（open file description），因而共享偏移量和状态标志。"
        );
        check("descriptor", rule, || {
            let seen = in_child(|| {
                let mut file = file()?;
                let begins = CONTENTS.len() / 2;
                io::Seek::seek(&mut file, io::SeekFrom::Start(begins as u64))?;
                let mut command = Command::new("sh");
                hand_down(&mut command, &file, 9)?;
                let read = command.args(["-c", "cat <&9"]).output()?.stdout;
                let here = io::Seek::stream_position(&mut file)?;
                let usual = descriptors_there(|_| Ok(()))?;
                let there = descriptors_there(|command| hand_down(command, &file, FAR))?;
                Ok((read == CONTENTS[begins..], here == CONTENTS.len() as u64, there.abs_diff(usual), there > usual))
            })?;
            let (read_on, moved_here, more, is_more) = seen;
            ensure(is_more && more == 1, || {
                Failure::new(
                    say!("the program has one descriptor more than usual", "程序比平常多一个描述符"),
                    if is_more {
                        say!("it has {more} more", "它多了 {more} 个")
                    } else {
                        say!("it has none", "它没有多出来的描述符")
                    },
                )
            })?;
            ensure(read_on && moved_here, || {
                Failure::new(
                    say!(
                        "the program reads on where the offset is, and moves it for both",
                        "程序从当前偏移处接着读，并且双方的偏移一起移动"
                    ),
                    say!("the file was opened anew, or is another one", "文件被重新打开了，或者是另一个文件"),
                )
                .shows(&belief::TO_OPEN_AGAIN_IS_TO_DUP)
            })
        });
    }

    #[test]
    fn nothing_stays_open_here() {
        let rule = say!(
            "open(2): a file without a name lives as long as any descriptor of it; one that is forgotten keeps its \
             space.",
            "没有名字的文件，只要还有一个描述符就一直存在；忘记关闭的描述符会一直占着空间。"
        );
        check("space", rule, || {
            let (before, after, found) = in_child(|| {
                let file = file()?;
                let before = descriptors()?;
                let mut found = true;
                for _ in 0..3 {
                    found &= cat(FAR, |command| hand_down(command, &file, FAR)).is_ok_and(|bytes| bytes == CONTENTS);
                }
                Ok((before, descriptors()?, found))
            })?;
            ensure(found, || {
                Failure::new(
                    say!("three programs find the file", "三个程序都能找到该文件"),
                    say!("they don't", "没有找到"),
                )
            })?;
            ensure(before == after, || {
                Failure::new(
                    say!("{before} open descriptors, as before", "打开的文件描述符仍是 {before} 个"),
                    say!("there are {after} after three commands", "三个命令之后变成了 {after} 个"),
                )
            })
        });
    }

    #[test]
    fn the_standard_streams_are_refused() {
        let rule = say!(
            "stdin(3): the descriptors 0, 1 and 2 are the standard streams, which std::process::Command sets up.",
            "stdin(3)：描述符 0、1、2 是标准流，由 std::process::Command 负责设置。"
        );
        check("descriptor", rule, || {
            let numbers = [(FAR, None)].into_iter();
            let refused = [0, 1, 2, -1, RawFd::MIN].map(|number| (number, Some("InvalidInput")));
            let describe = |(number, _): &(RawFd, _)| say!("number {number}", "编号 {number}");
            for_each(numbers.chain(refused), describe, |(number, error)| {
                let answer = ask(|| {
                    let file = file().map_err(named)?;
                    hand_down(&mut Command::new("true"), &file, *number).map_err(named)
                })?;
                error.map_or_else(|| expect_ok(&answer), |error| expect_error(&answer, error))
            })
        });
    }
}

mod receive_sealed {
    use super::*;

    const SHRINK: SealFlag = SealFlag::F_SEAL_SHRINK;
    const WRITE: SealFlag = SealFlag::F_SEAL_WRITE;
    const ENOUGH: usize = 1 << 30;

    /// A memory file with these bytes and these seals.
    fn sealed(bytes: &[u8], seals: SealFlag) -> io::Result<File> {
        let file = memory_file_of(bytes)?;
        fcntl(&file, FcntlArg::F_ADD_SEALS(seals))?;
        Ok(file)
    }

    /// The receiver's end of a socket on which the file has been sent; the sender's end is gone.
    fn sent(file: &File) -> io::Result<UnixStream> {
        let (ours, theirs) = UnixStream::pair()?;
        send_file(&ours, file)?;
        Ok(theirs)
    }

    /// The answer alone.
    fn answer_to(file: &File, at_most: usize) -> Result<Result<(), String>, Failure> {
        let socket = sent(file)?;
        ask(|| receive_sealed(&socket, at_most).map(drop).map_err(named))
    }

    #[test]
    fn a_file_that_stays_as_it_is_is_mapped() {
        let rule = say!(
            "memfd_create(2), file sealing: with F_SEAL_SHRINK and F_SEAL_WRITE the receiver need not fear SIGBUS or \
             changes.",
            "memfd_create(2) 的文件密封（file sealing）：有了 F_SEAL_SHRINK 和 F_SEAL_WRITE，接收方就不必担心 SIGBUS 或内容被改。"
        );
        check("6:ways_out", rule, || {
            let describe =
                |length: &usize| say!("a sealed memory file of {length} bytes", "{length} 字节的已密封内存文件");
            all_of(lengths(), &describe, &|&length| {
                let bytes = pattern(length);
                let mut file = sealed(&bytes, SHRINK | WRITE)?;
                let offset = io::Seek::stream_position(&mut file)?;
                let socket = sent(&file)?;
                let seen = ask(|| {
                    let before = descriptors().map_err(named)?;
                    let mapping = receive_sealed(&socket, length).map_err(named)?;
                    let after = descriptors().map_err(named)?;
                    let areas = maps_of(mapping.range()).map_err(named)?;
                    let is_the_file = mapped_bytes().map_err(named)? == whole_pages(length)
                        && areas.iter().all(|area| area.name().contains(NAME));
                    let permissions = areas.first().map(Area::permissions);
                    let differs = difference(&loaded(&mapping), &bytes);
                    Ok((mapping.length(), differs, is_the_file, permissions, before, after))
                })?;
                let (found, differs, is_the_file, permissions, before, after) = match seen {
                    Ok(seen) => seen,
                    Err(error) => return expect_ok(&Err(error)),
                };
                ensure(found == length && differs.is_none(), || {
                    Failure::new(
                        say!("a mapping of its {length} bytes", "映射其全部 {length} 字节"),
                        say!("a mapping of {found} bytes, or of other ones", "映射了 {found} 字节，或者内容不同"),
                    )
                })?;
                ensure(is_the_file, || {
                    Failure::new(
                        say!("the file itself is mapped, once", "映射的是文件本身，而且只映射一次"),
                        say!("the bytes are in a copy, or mapped twice", "得到的是副本，或者映射了两次"),
                    )
                })?;
                ensure(permissions.as_deref() == Some("r--p"), || {
                    let permissions = permissions.unwrap_or_default();
                    Failure::new(
                        say!("a private mapping to read (r--p)", "只读的私有映射（r--p）"),
                        say!(
                            "it is {permissions}; before Linux 6.7 a shared one of a write-sealed file is EPERM",
                            "它是 {permissions}；在 Linux 6.7 之前，对设了 F_SEAL_WRITE 的文件建立共享映射会得到 EPERM"
                        ),
                    )
                })?;
                ensure(before == after, || {
                    Failure::new(
                        say!(
                            "the mapping alone holds the file: {before} descriptors",
                            "只由映射持有文件：描述符仍是 {before} 个"
                        ),
                        say!("there are {after} descriptors", "描述符有 {after} 个"),
                    )
                })?;
                ensure(io::Seek::stream_position(&mut file)? == offset, || {
                    Failure::new(
                        say!("the sender's offset stays where it was", "发送方的偏移量保持不动"),
                        say!("it has moved", "它被移动了"),
                    )
                    .shows(&belief::EACH_DESCRIPTOR_HAS_ITS_OFFSET)
                })
            })
        });
    }

    #[test]
    fn both_seals_are_needed_and_no_others() {
        let rule = say!(
            "F_GET_SEALS in fcntl(2): a set. F_SEAL_FUTURE_WRITE leaves the writable mappings that are there already.",
            "fcntl(2) 的 F_GET_SEALS 给出一个集合。F_SEAL_FUTURE_WRITE 管不到已经存在的可写映射。"
        );
        check("6:ways_out", rule, || {
            let future = SealFlag::F_SEAL_FUTURE_WRITE;
            let all = [SHRINK, WRITE, SealFlag::F_SEAL_GROW, SealFlag::F_SEAL_SEAL, future];
            let subsets = (0..1 << all.len()).map(|set: u32| {
                let chosen = (0..).zip(all).filter(|(n, _)| set >> n & 1 == 1);
                chosen.fold(SealFlag::empty(), |seals, (_, seal)| seals | seal)
            });
            let describe = |seals: &SealFlag| {
                let names: Vec<_> = seals.iter_names().map(|(name, _)| name).collect();
                if names.is_empty() {
                    say!("a memory file without seals", "没有密封的内存文件")
                } else {
                    say!("a memory file with {}", "内存文件，密封标志为 {}", names.join(" | "))
                }
            };
            for_each(subsets, describe, |&seals| {
                let file = sealed(&pattern(page_size()), seals)?;
                let before = fcntl(&file, FcntlArg::F_GET_SEALS)?;
                let answer = answer_to(&file, ENOUGH)?;
                if seals.contains(SHRINK | WRITE) {
                    expect_ok(&answer)?;
                } else {
                    expect_error(&answer, "InvalidData").map_err(|failure| {
                        match (&answer, seals.contains(SHRINK)) {
                            (Ok(()), true) if seals.contains(future) => failure.shows(&belief::FUTURE_WRITE_IS_WRITE),
                            (Ok(()), _) => failure.shows(&belief::ANY_SEAL_WILL_DO),
                            _ => failure,
                        }
                    })?;
                }
                ensure(fcntl(&file, FcntlArg::F_GET_SEALS)? == before, || {
                    Failure::new(
                        say!("the file keeps the seals that it came with", "文件的密封标志与收到时相同"),
                        say!("it has other ones now", "它的密封标志变了"),
                    )
                })
            })
        });
    }

    #[test]
    fn what_cannot_be_trusted_is_refused() {
        let rule = say!(
            "F_GET_SEALS in fcntl(2): EINVAL for a file that has no seals. mmap(2): EINVAL for a length of 0.",
            "fcntl(2) 的 F_GET_SEALS：文件不支持密封时返回 EINVAL。mmap(2)：长度为 0 时返回 EINVAL。"
        );
        check("descriptor", rule, || {
            let page = page_size();
            let good = || sealed(&pattern(page + 1), SHRINK | WRITE);
            expect_ok(&answer_to(&good()?, page + 1)?).map_err(|failure| {
                failure.given(say!("a sealed file that is as long as it may be", "长度恰好等于上限的已密封文件"))
            })?;
            let cases = [
                (
                    good()?,
                    page,
                    say!("a sealed file that is longer than it may be, by one byte", "比上限多一个字节的已密封文件"),
                ),
                (sealed(b"", SHRINK | WRITE)?, page, say!("an empty sealed file", "空的已密封文件")),
                (file_of(&pattern(page))?, page, say!("a regular file", "普通文件")),
                (File::open("/")?, page, say!("a folder", "目录")),
                (File::open("/dev/null")?, page, say!("/dev/null", "/dev/null")),
                (File::from(std::os::fd::OwnedFd::from(io::pipe()?.0)), page, say!("a pipe", "管道")),
            ];
            for_each(
                cases,
                |(.., words)| words.clone(),
                |(file, at_most, _)| expect_error(&answer_to(file, *at_most)?, "InvalidData"),
            )?;
            let (ours, theirs) = UnixStream::pair()?;
            drop(ours);
            let answer = ask(|| receive_sealed(&theirs, ENOUGH).map(drop).map_err(named))?;
            expect_error(&answer, "UnexpectedEof")
                .map_err(|failure| failure.given(say!("a sender that is gone", "发送方已经不在")))
        });
    }

    #[test]
    fn nothing_of_a_refused_file_stays() {
        let rule = say!(
            "munmap(2), close(2): whoever sends a thousand bad files must not fill the receiver's tables.",
            "munmap(2)、close(2)：就算对方发来一千个不合格的文件，也不能把接收方的表填满。"
        );
        check("descriptor", rule, || {
            let page = page_size();
            let cases = [
                (
                    sealed(&pattern(page), SHRINK)?,
                    ENOUGH,
                    say!("a file without F_SEAL_WRITE", "没有 F_SEAL_WRITE 的文件"),
                ),
                (
                    sealed(&pattern(page), WRITE)?,
                    ENOUGH,
                    say!("a file without F_SEAL_SHRINK", "没有 F_SEAL_SHRINK 的文件"),
                ),
                (sealed(&pattern(page), SHRINK | WRITE)?, 1, say!("a file that is too long", "过长的文件")),
            ];
            for_each(
                cases,
                |(.., words)| words.clone(),
                |(file, at_most, _)| {
                    let sockets = [sent(file)?, sent(file)?, sent(file)?];
                    let last = sent(&sealed(b"x", SHRINK | WRITE)?)?;
                    let seen = ask(|| {
                        let before = descriptors().map_err(text)?;
                        for socket in &sockets {
                            // Whether it should have been taken is not asked here: a mapping that was given out ends
                            // now.
                            drop(receive_sealed(socket, *at_most));
                        }
                        let after = (descriptors().map_err(text)?, mapped_bytes().map_err(text)?);
                        let taken = receive_sealed(&last, 1).map(|mapping| mapping.load(0)).map_err(named);
                        Ok::<_, String>((before, after, taken))
                    })?;
                    let (before, (after, mapped), taken) = seen.map_err(io::Error::other)?;
                    ensure(before == after && mapped == 0, || {
                        Failure::new(
                            say!(
                                "after three of them {before} descriptors, and nothing of it mapped",
                                "收到三次之后：描述符 {before} 个，没有映射它的任何一页"
                            ),
                            say!(
                                "{after} descriptors, {mapped} bytes mapped",
                                "描述符 {after} 个，还映射着 {mapped} 字节"
                            ),
                        )
                    })?;
                    ensure(taken == Ok(b'x'), || {
                        Failure::new(
                            say!("the next one, which is good, is taken", "下一个合格的文件照常接收"),
                            say!("it is not: {taken:?}", "没有接收：{taken:?}"),
                        )
                    })
                },
            )
        });
    }

    #[test]
    fn the_length_is_asked_for_when_it_can_no_longer_shrink() {
        let rule = say!(
            "A length says how long the file is at that moment. With F_SEAL_SHRINK (fcntl(2)) it is never less from \
             then on.",
            "查到的长度只在那一刻有效。确认有 F_SEAL_SHRINK（fcntl(2)）之后，它才不会再变小。"
        );
        check("6:ways_out", rule, || {
            let file = sealed(&pattern(3 * page_size()), SHRINK | WRITE)?;
            let socket = sent(&file)?;
            let calls = calls_of(|| Ok(()), |()| receive_sealed(&socket, ENOUGH).map(drop).map_err(named))?;
            let get_seals: u64 = libc::F_GET_SEALS.unsigned_abs().into();
            let sealed = calls
                .iter()
                .position(|call| call.number == libc::SYS_fcntl && call.arguments[1] == get_seals && call.answer >= 0);
            let Some(sealed) = sealed else {
                return Err(Failure::new(
                    say!("it asks for the seals: fcntl(2), F_GET_SEALS", "查询密封标志：fcntl(2) 的 F_GET_SEALS"),
                    say!("it doesn't", "没有查询"),
                )
                .shows(&belief::ANY_SEAL_WILL_DO));
            };
            let length = calls.iter().rposition(|call| asks_for_a_length(call.number));
            ensure(length.is_some_and(|length| length > sealed), || {
                Failure::new(
                    say!("the length is asked for after the seals", "先查密封标志，再查长度"),
                    say!(
                        "it is asked for before: the sender may truncate the file in between, and seal it then",
                        "长度查得早了：发送方可以趁这中间先截断文件，再把它密封"
                    ),
                )
                .shows(&belief::A_LENGTH_STAYS)
            })
        });
    }

    fn asks_for_a_length(call: i64) -> bool {
        let mut calls = vec![libc::SYS_statx, libc::SYS_fstat, libc::SYS_lseek];
        #[cfg(target_pointer_width = "64")]
        calls.push(libc::SYS_newfstatat);
        calls.sort_unstable();
        calls.contains(&call)
    }
}
