//! What exercise 2 is graded by. Each check runs the learner's function in a child: what it returns is compared with what
//! std reads from the file, and the calls that it makes are looked at with ptrace(2), as strace would show them.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU8, Ordering};

use mmap_workbook::grade::misconception as belief;
use mmap_workbook::grade::{
    Call, Failure, Verdict, Words, ask, ask_with_memory, calls_of, check, ensure, for_all, for_each, kind, text,
};
use mmap_workbook::lesson_2::touch;
use mmap_workbook::observe::{page_size, page_size_u64, whole_pages};
use mmap_workbook::process::Cause;
use mmap_workbook::say;
use nix::libc;
use proptest::prelude::*;

use super::{byte_at, count_lines, map_aligned, swap};

/// Numbers of bytes up to three pages, most of them next to a page's edge.
fn near_edges() -> impl Strategy<Value = usize> {
    let page = page_size();
    let edge = (0..4_usize, 0..5_usize).prop_map(move |(n, d)| (n * page + d).saturating_sub(2));
    prop_oneof![3 => edge, 1 => 0..3 * page]
}

/// So many bytes, none of them zero. 251 is prime: bytes one page apart differ. `\n` is among them.
fn bytes(count: usize) -> Vec<u8> {
    (1..=251).cycle().take(count).collect()
}

fn wide(n: usize) -> u64 {
    n.try_into().expect("no machine has addresses beyond 64 bits")
}

/// A file without a name that has these bytes, open for reading and writing.
fn file_with(bytes: &[u8]) -> Result<File, Failure> {
    let file = tempfile::tempfile()?;
    file.write_all_at(bytes, 0)?;
    Ok(file)
}

/// The same file, open for reading only.
fn read_only(file: &File) -> Result<File, Failure> {
    Ok(File::open(format!("/proc/self/fd/{}", file.as_raw_fd()))?)
}

const GIB: u64 = 1 << 30;

/// A file of 5 GiB that takes no room: a hole, and at each of these places these bytes.
fn large_file(places: &[(u64, &[u8])]) -> Result<File, Failure> {
    let file = tempfile::tempfile()?;
    file.set_len(5 * GIB)?;
    for (at, bytes) in places {
        file.write_all_at(bytes, *at)?;
    }
    Ok(file)
}

/// What the answer did to one file, call by call.
struct Seen {
    calls: Vec<Call>,
    fd: u64,
}

/// Watches `act` on `file`.
fn watch(file: &File, act: impl FnOnce()) -> Result<Seen, Failure> {
    let calls = calls_of(
        || Ok(()),
        |()| {
            act();
            Ok(())
        },
    )?;
    Ok(Seen { calls, fd: file.as_raw_fd().unsigned_abs().into() })
}

impl Seen {
    /// The calls with which bytes of the file go through a buffer.
    fn copies(&self) -> Vec<String> {
        let first = [libc::SYS_read, libc::SYS_pread64, libc::SYS_readv, libc::SYS_preadv, libc::SYS_preadv2]
            .into_iter()
            .chain([libc::SYS_write, libc::SYS_pwrite64, libc::SYS_writev, libc::SYS_pwritev, libc::SYS_pwritev2])
            .chain([libc::SYS_copy_file_range, libc::SYS_splice]);
        let copies: Vec<_> = first.collect();
        let of_file = |call: &&Call| {
            call.arguments[0] == self.fd || call.number == libc::SYS_sendfile && call.arguments[1] == self.fd
        };
        let calls = self.calls.iter().filter(of_file);
        let calls = calls.filter(|call| copies.contains(&call.number) || call.number == libc::SYS_sendfile);
        calls.map(|call| format!("call {} of {} bytes", call.number, call.arguments[2])).collect()
    }

    /// That it maps the file and doesn't read or write it.
    fn maps_and_does_not_copy(&self) -> Result<(), Failure> {
        let copies = self.copies();
        ensure(copies.is_empty(), || {
            let (how_many, first) = (copies.len(), &copies[0]);
            Failure::new(
                say!("the file's bytes are loaded and stored where they are mapped", "通过映射直接读写文件的字节"),
                say!(
                    "{how_many} calls copied bytes of the file, the first was {first}",
                    "有 {how_many} 次系统调用复制了文件的字节，第一次是 {first}"
                ),
            )
            .shows(&belief::READ_IS_AS_GOOD)
        })?;
        ensure(self.maps().next().is_some(), || {
            Failure::new(say!("a mapping of the file", "映射该文件"), say!("there was none", "没有映射过"))
        })
    }

    /// The successful mappings of the file: their calls.
    fn maps(&self) -> impl Iterator<Item = &Call> {
        let of_file = |call: &&Call| call.number == libc::SYS_mmap && call.arguments[4] == self.fd && call.answer > 0;
        self.calls.iter().filter(of_file)
    }

    /// How many bytes of the file are mapped after each call that maps or unmaps some, in whole pages.
    fn mapped(&self) -> Vec<usize> {
        let mut pages = BTreeSet::new();
        let mut mapped = Vec::new();
        for call in self.calls.iter().filter(|call| call.answer >= 0) {
            let length = usize::try_from(call.arguments[1]).map_or(usize::MAX, whole_pages);
            let page = |start: u64| (start..start.saturating_add(wide(length))).step_by(page_size());
            if call.number == libc::SYS_mmap && call.arguments[4] == self.fd {
                pages.extend(page(call.answer.cast_unsigned()));
            } else if call.number == libc::SYS_munmap || (call.number == libc::SYS_mmap && is_fixed(call)) {
                for page in page(call.arguments[0]) {
                    pages.remove(&page);
                }
            } else {
                continue;
            }
            mapped.push(pages.len() * page_size());
        }
        mapped
    }

    /// That nothing of the file is mapped any more.
    fn leaves_nothing_mapped(&self) -> Result<(), Failure> {
        let left = self.mapped().last().copied().unwrap_or(0);
        ensure(left == 0, || {
            Failure::new(
                say!("nothing of the file is mapped when it returns", "返回时该文件不再有任何映射"),
                say!("{left} bytes of it are still mapped", "还有 {left} 字节处于映射状态"),
            )
            .shows(&belief::CLOSE_UNMAPS)
        })
    }
}

fn is_fixed(call: &Call) -> bool {
    call.arguments[3] & u64::from(libc::MAP_FIXED.cast_unsigned()) != 0
}

/// The misconception behind an answer's error, where one is.
fn behind_error(failure: Failure, error: &str) -> Failure {
    match error {
        "EINVAL" => failure.shows(&belief::ANY_OFFSET),
        "EACCES" => failure.shows(&belief::WRITING_IS_FREE),
        "ENOMEM" => failure.shows(&belief::MAP_IT_ALL),
        _ => failure,
    }
}

/// A wrong answer about a place beyond 2 GiB, where nothing else explains it.
fn too_narrow(failure: Failure) -> Failure {
    let explained = failure.misconception.is_some() || failure.verdict == Verdict::Todo;
    if explained { failure } else { failure.shows(&belief::INT_HOLDS_A_SIZE) }
}

/// A death by SIGBUS, as what it shows.
fn at_the_end(failure: Failure) -> Failure {
    if failure.died_of() == Some(Cause::NoPage) { failure.shows(&belief::MAPPED_IS_THERE) } else { failure }
}

mod byte_at {
    use super::*;

    fn answer(file: &File, offset: u64) -> Result<Result<Option<u8>, String>, Failure> {
        ask(|| super::byte_at(file, offset).map_err(kind)).map_err(at_the_end)
    }

    fn compare(wanted: Option<u8>, got: Result<Option<u8>, String>) -> Result<(), Failure> {
        ensure(got == Ok(wanted), || {
            let failure = Failure::new(say!("{wanted:?}", "{wanted:?}"), say!("{got:?}", "{got:?}"));
            match got {
                Ok(Some(0)) if wanted.is_none() => failure.shows(&belief::REST_IS_FILE),
                Err(error) => behind_error(failure, &error),
                Ok(_) => failure,
            }
        })
    }

    fn rule() -> Words {
        say!(
            "mmap(2): the offset is a multiple of the page size, as sysconf(_SC_PAGE_SIZE) gives it. The rest of the file's last \
             page is mapped as zeros, and is no part of the file; a touch of a page behind it is SIGBUS.",
            "mmap(2)：偏移量必须是页大小（sysconf(_SC_PAGE_SIZE)）的整数倍。文件最后一页中超出文件末尾的部分映射为零，但不属于文件；再往后的页一碰就是 SIGBUS。"
        )
    }

    #[test]
    fn is_the_files_byte_or_none() {
        check("window", rule(), || {
            let describe = |&(size, offset): &(usize, usize)| {
                say!("a file of {size} bytes, offset {offset}", "{size} 字节的文件，偏移 {offset}")
            };
            let test = |&(size, offset): &(usize, usize)| {
                let bytes = bytes(size);
                let file = read_only(&file_with(&bytes)?)?;
                compare(bytes.get(offset).copied(), answer(&file, wide(offset))?)
            };
            // First the simplest: from a file that ends on the edge of a page, shrinking leads nowhere else.
            for_each([(10, 10)], describe, test)?;
            for_all((near_edges(), near_edges()), describe, test)
        });
    }

    #[test]
    fn reaches_as_far_as_files_do() {
        let rule = say!(
            "off_t has 64 bits: a file's size and an offset in it do not fit into an int, and not into a usize of 32 bits.",
            "off_t 是 64 位的：文件大小和文件内的偏移放不进 int，也放不进 32 位的 usize。"
        );
        check("notes_program", rule, || {
            let last = 5 * GIB - 1;
            let places: [(u64, &[u8]); 4] = [(0, b"0"), (2 * GIB, b"2"), (4 * GIB + 1, b"4"), (last, b"5")];
            let file = read_only(&large_file(&places)?)?;
            let wanted = [(2 * GIB, Some(b'2')), (4 * GIB + 1, Some(b'4')), (last, Some(b'5'))];
            let beyond = [last + 1, 1 << 40, i64::MAX.unsigned_abs(), u64::MAX].map(|offset| (offset, None));
            for_each(
                wanted.into_iter().chain(beyond),
                |(offset, _)| say!("a file of 5 GiB, offset {offset}", "5 GiB 的文件，偏移 {offset}"),
                |&(offset, wanted)| compare(wanted, answer(&file, offset)?).map_err(too_narrow),
            )
        });
    }

    #[test]
    fn maps_one_page_and_lets_go_of_it() {
        let rule = say!(
            "close(2) does not unmap, and a mapping lives until munmap(2), or until the process ends. What is mapped takes \
             addresses, whether it is touched or not.",
            "close(2) 不会解除映射，映射一直存在到 munmap(2) 或进程结束。映射占用地址空间，无论是否访问过。"
        );
        check("lifetime", rule, || {
            let page = page_size();
            let offsets = [0, page - 1, page, 2 * page + 1];
            let file = file_with(&bytes(3 * page))?;
            for_each(
                offsets,
                |at| say!("a file of 3 pages, offset {at}", "3 页的文件，偏移 {at}"),
                |&at| {
                    let seen = watch(&file, || drop(super::byte_at(&file, wide(at))))?;
                    seen.maps_and_does_not_copy()?;
                    let most = seen.mapped().into_iter().max().unwrap_or(0);
                    ensure(most <= page, || {
                        Failure::new(
                            say!("one page of the file is mapped: {page} bytes", "映射文件的一页：{page} 字节"),
                            say!("{most} bytes were mapped", "映射了 {most} 字节"),
                        )
                        .shows(&belief::MAP_IT_ALL)
                    })?;
                    seen.leaves_nothing_mapped()
                },
            )
        });
    }
}

mod count_lines {
    use super::*;

    /// A file with a line's end at each of these places, and what to count in it.
    #[derive(Debug, Clone)]
    struct Case {
        size: usize,
        newlines: Vec<usize>,
        from: usize,
        to: usize,
        window: usize,
    }

    impl Case {
        fn any() -> impl Strategy<Value = Case> {
            let page = page_size();
            let window = prop_oneof![1..3_usize, page - 1..page + 2, Just(2 * page), Just(usize::MAX)];
            (near_edges(), prop::collection::vec(near_edges(), 0..12), near_edges(), near_edges(), window)
                .prop_map(|(size, newlines, from, to, window)| Case { size, newlines, from, to, window })
        }

        fn words(&self) -> Words {
            let Case { size, newlines, from, to, window } = self;
            let mut newlines: Vec<_> = newlines.iter().filter(|at| *at < size).collect();
            newlines.sort_unstable();
            newlines.dedup();
            say!(
                "a file of {size} bytes with newlines at {newlines:?}, counted from {from} to {to} through a window of {window}",
                "{size} 字节的文件，换行符位于 {newlines:?}，从 {from} 数到 {to}，窗口为 {window} 字节"
            )
        }

        fn contents(&self) -> Vec<u8> {
            let mut bytes = vec![b'x'; self.size];
            for &at in self.newlines.iter().filter(|at| **at < self.size) {
                bytes[at] = b'\n';
            }
            bytes
        }
    }

    fn compare(wanted: u64, got: Result<u64, String>) -> Result<(), Failure> {
        ensure(got == Ok(wanted), || {
            let failure = Failure::new(say!("{wanted} lines", "{wanted} 行"), say!("{got:?}", "{got:?}"));
            match got {
                Err(error) => behind_error(failure, &error),
                Ok(_) => failure,
            }
        })
    }

    fn answer(file: &File, from: u64, to: u64, window: usize) -> Result<Result<u64, String>, Failure> {
        ask(|| super::count_lines(file, from, to, window).map_err(kind)).map_err(at_the_end)
    }

    #[test]
    fn counts_each_newline_once() {
        let rule = say!(
            "mmap(2): a mapping begins on a page's edge of the file and has whole pages. The range may begin and end inside one.",
            "mmap(2)：映射从文件的页边界开始，长度是整数页；而要统计的范围可以在页的中间开始和结束。"
        );
        check("window", rule, || {
            for_all(Case::any(), Case::words, |case| {
                let contents = case.contents();
                let file = read_only(&file_with(&contents)?)?;
                let to = case.to.min(case.size);
                let range = contents.get(case.from.min(to)..to).unwrap_or_default();
                let wanted = wide(range.iter().filter(|byte| **byte == b'\n').count());
                compare(wanted, answer(&file, wide(case.from), wide(case.to), case.window)?)
            })
        });
    }

    #[test]
    fn reaches_as_far_as_files_do() {
        let rule = say!(
            "off_t has 64 bits: a file's size and an offset in it do not fit into an int, and not into a usize of 32 bits.",
            "off_t 是 64 位的：文件大小和文件内的偏移放不进 int，也放不进 32 位的 usize。"
        );
        check("notes_program", rule, || {
            let (edge, last) = (4 * GIB, 5 * GIB - 1);
            let file = read_only(&large_file(&[(edge - 1, b"\n\n\n"), (last, b"\n")])?)?;
            let ranges = [
                (edge - 9, edge + 9, 3),
                (edge, edge + 2, 2),
                (edge + 1, edge + 2, 1),
                (last - 5, u64::MAX, 1),
                (last, last, 0),
                (u64::MAX, u64::MAX, 0),
                (u64::MAX - 1, 3, 0),
            ];
            for_each(
                ranges,
                |(from, to, _)| say!("a file of 5 GiB, from {from} to {to}", "5 GiB 的文件，从 {from} 到 {to}"),
                |&(from, to, wanted)| {
                    let got = ask_with_memory(64 << 20, || super::count_lines(&file, from, to, 1 << 20).map_err(kind));
                    compare(wanted, got?).map_err(too_narrow)
                },
            )
        });
    }

    #[test]
    fn slides_a_window_of_the_size_that_is_allowed() {
        let rule = say!(
            "A mapping takes addresses and page tables for as long as it lives. A window that slides lets go of what it has \
             shown, and so a file may be larger than the memory and the addresses that there are.",
            "映射存在多久，就占用多久的地址空间和页表。滑动的窗口会放掉已经看过的部分，所以文件可以比内存和地址空间都大。"
        );
        check("window", rule, || {
            let page = page_size();
            // The size of the file, where to begin, and the window, in pages and bytes beyond them.
            let cases = [(10, 0, 4 * page), (10, 7, 4 * page), (5, 0, page), (5, page - 1, 2 * page - 1), (3, 1, 1)];
            let file = file_with(&bytes(10 * page))?;
            for_each(
                cases,
                |(pages, from, window)| {
                    say!(
                        "{pages} pages from {from} on, a window of {window}",
                        "从 {from} 起的 {pages} 页，窗口为 {window} 字节"
                    )
                },
                |&(pages, from, window)| {
                    let to = wide(pages * page);
                    let seen = watch(&file, || drop(super::count_lines(&file, wide(from), to, window)))?;
                    seen.maps_and_does_not_copy()?;
                    let (most, allowed) = (seen.mapped().into_iter().max().unwrap_or(0), whole_pages(window));
                    ensure(most <= allowed, || {
                        Failure::new(
                            say!("at most {allowed} bytes are mapped at a time", "同一时刻最多映射 {allowed} 字节"),
                            say!("{most} bytes were mapped", "映射了 {most} 字节"),
                        )
                        .shows(&belief::MAP_IT_ALL)
                    })?;
                    let calls = seen.maps().count();
                    let enough = (pages * page).div_ceil(allowed) + usize::from(from > 0);
                    ensure(calls <= enough, || {
                        Failure::new(
                            say!("at most {enough} calls of mmap(2)", "最多调用 {enough} 次 mmap(2)"),
                            say!("there were {calls}", "调用了 {calls} 次"),
                        )
                    })?;
                    seen.leaves_nothing_mapped()
                },
            )
        });
    }

    #[test]
    fn refuses_a_window_without_a_byte() {
        let rule = say!("mmap(2): EINVAL when the length is 0.", "mmap(2)：长度为 0 时返回 EINVAL。");
        check("refusals", rule, || {
            let file = file_with(b"a\nb\n")?;
            let got = answer(&file, 0, 4, 0)?;
            ensure(matches!(got.as_ref().map_err(String::as_str), Err("InvalidInput" | "EINVAL")), || {
                Failure::new(say!("InvalidInput", "InvalidInput"), say!("{got:?}", "{got:?}"))
            })
        });
    }
}

mod swap {
    use super::*;

    fn answer(file: &File, a: u64, b: u64, length: usize) -> Result<Result<(), String>, Failure> {
        ask(|| super::swap(file, a, b, length).map_err(kind)).map_err(at_the_end)
    }

    fn contents_of(file: &File, size: usize) -> Result<Vec<u8>, Failure> {
        let mut bytes = vec![0; size];
        file.read_exact_at(&mut bytes, 0)?;
        Ok(bytes)
    }

    /// A file's size, and two ranges of it that don't overlap.
    fn ranges() -> impl Strategy<Value = (usize, usize, usize, usize)> {
        (near_edges(), near_edges(), near_edges(), near_edges(), any::<bool>()).prop_map(
            |(a, length, between, behind, turned)| {
                let length = length + 1;
                let b = a + length + between;
                let (a, b) = if turned { (b, a) } else { (a, b) };
                (a.max(b) + length + behind, a, b, length)
            },
        )
    }

    #[test]
    fn exchanges_the_bytes_and_no_other() {
        let rule = say!(
            "Two shared mappings of one page of a file are the same memory, at two addresses. What is stored through one is there \
             in the other.",
            "文件同一页的两个共享映射是同一块内存，只是地址不同：从一个映射写入的内容，在另一个映射里立刻可见。"
        );
        check("3:observe", rule, || {
            for_all(
                ranges(),
                |(size, a, b, length)| {
                    say!(
                        "a file of {size} bytes, {length} bytes at {a} and at {b}",
                        "{size} 字节的文件，{a} 处和 {b} 处各 {length} 字节"
                    )
                },
                |&(size, a, b, length)| {
                    let before = bytes(size);
                    let file = file_with(&before)?;
                    let mut wanted = before.clone();
                    wanted[a..a + length].copy_from_slice(&before[b..b + length]);
                    wanted[b..b + length].copy_from_slice(&before[a..a + length]);
                    let answered = answer(&file, wide(a), wide(b), length)?;
                    ensure(answered == Ok(()), || {
                        let failure = Failure::new(say!("Ok(())", "Ok(())"), say!("{answered:?}", "{answered:?}"));
                        behind_error(failure, answered.as_ref().err().map_or("", String::as_str))
                    })?;
                    let now = file.metadata()?.len();
                    ensure(now == wide(size), || {
                        Failure::new(
                            say!("the file still has {size} bytes", "文件仍为 {size} 字节"),
                            say!("it has {now}", "现在是 {now} 字节"),
                        )
                    })?;
                    let got = contents_of(&file, size)?;
                    let wrong = (0..size).find(|&at| got[at] != wanted[at]);
                    ensure(wrong.is_none(), || {
                        let at = wrong.unwrap_or_default();
                        let (want, is) = (wanted[at], got[at]);
                        let failure = Failure::new(
                            say!("byte {at} is {want} then", "第 {at} 字节应为 {want}"),
                            say!("it is {is}", "实际为 {is}"),
                        );
                        if got == before { failure.shows(&belief::PRIVATE_REACHES_THE_FILE) } else { failure }
                    })
                },
            )
        });
    }

    #[test]
    fn reaches_any_two_places_of_a_large_file() {
        let rule = say!(
            "A mapping has one length, so one that shows two places shows everything between them, too. Two places are two mappings.",
            "一个映射只有一个长度，要同时看到两处，就得连中间的全都映射进来。两处应当用两个映射。"
        );
        check("window", rule, || {
            let places = [(3, 5 * GIB - 20), (4 * GIB - 2, 17), (2 * GIB + 1, 4 * GIB + 1)];
            for_each(
                places,
                |(a, b)| say!("a file of 5 GiB, 9 bytes at {a} and at {b}", "5 GiB 的文件，{a} 处和 {b} 处各 9 字节"),
                |&(a, b)| {
                    let file = large_file(&[(a, b"the first"), (b, b"and other")])?;
                    let answered = ask_with_memory(64 << 20, || super::swap(&file, a, b, 9).map_err(kind))?;
                    let read = |at| -> Result<String, Failure> {
                        let mut bytes = [0; 9];
                        file.read_exact_at(&mut bytes, at)?;
                        Ok(String::from_utf8_lossy(&bytes).into_owned())
                    };
                    let (at_a, at_b) = (read(a)?, read(b)?);
                    ensure(answered == Ok(()) && at_a == "and other" && at_b == "the first", || {
                        let failure = Failure::new(
                            say!("Ok(()), \"and other\" and \"the first\"", "Ok(())，“and other”和“the first”"),
                            say!("{answered:?}, {at_a:?} and {at_b:?}", "{answered:?}，{at_a:?} 和 {at_b:?}"),
                        );
                        match &answered {
                            Err(error) => behind_error(failure, error),
                            Ok(()) => too_narrow(failure),
                        }
                    })
                },
            )
        });
    }

    #[test]
    fn refuses_before_it_changes_anything() {
        let rule = say!(
            "mmap(2) maps a range behind the end of a file, and the touch is SIGBUS; in the rest of the last page a store is \
             taken and gets lost. Who wants an error must ask for the size.",
            "mmap(2) 允许映射文件末尾之后的范围，访问时才会遇到 SIGBUS；写到最后一页的剩余部分则会被接受，然后丢失。想要得到错误，就得自己先查文件大小。"
        );
        check("window", rule, || {
            let page = page_size_u64();
            let size = 2 * page + 100;
            let (invalid, end) = ("InvalidInput", "UnexpectedEof");
            let length = page_size();
            let cases = [
                (0, 0, 1, invalid),
                (5, 5 + page - 1, length, invalid),
                (page + 1, 2, length, invalid),
                (0, size, 1, end),
                (size - 1, 0, 2, end),
                (0, 2 * page, 101, end),
                (0, 3 * page, 1, end),
                (u64::MAX, 0, 1, end),
                (0, u64::MAX - 3, 9, end),
                (0, i64::MAX.unsigned_abs(), 5, end),
            ];
            let before = bytes(usize::try_from(size).expect("a small size"));
            for_each(
                cases,
                |(a, b, length, _)| {
                    say!(
                        "a file of {size} bytes, {length} bytes at {a} and at {b}",
                        "{size} 字节的文件，{a} 处和 {b} 处各 {length} 字节"
                    )
                },
                |&(a, b, length, wanted)| {
                    let file = file_with(&before)?;
                    let got = answer(&file, a, b, length)?;
                    let error = got.as_ref().err().map_or("", String::as_str);
                    ensure(error == wanted || (wanted == invalid && error == "EINVAL"), || {
                        let failure = Failure::new(say!("{wanted}", "{wanted}"), say!("{got:?}", "{got:?}"));
                        if got.is_ok() && wanted == end { failure.shows(&belief::REST_IS_FILE) } else { failure }
                    })?;
                    ensure(file.metadata()?.len() == size && contents_of(&file, before.len())? == before, || {
                        Failure::new(
                            say!("the file is as before", "文件保持原样"),
                            say!("it has changed", "文件被改动了"),
                        )
                    })
                },
            )?;
            let file = file_with(&before)?;
            for_each(
                [(0, 0), (size, 3), (u64::MAX, u64::MAX)],
                |(a, b)| say!("0 bytes at {a} and at {b}", "{a} 处和 {b} 处各 0 字节"),
                |&(a, b)| {
                    let got = answer(&file, a, b, 0)?;
                    ensure(got == Ok(()), || Failure::new(say!("Ok(())", "Ok(())"), say!("{got:?}", "{got:?}")))
                },
            )
        });
    }

    #[test]
    fn goes_through_mappings_and_leaves_none() {
        let rule = say!(
            "munmap(2) is what ends a mapping, on each way out of a function; in Rust, a type whose Drop calls it.",
            "结束映射要靠 munmap(2)，函数的每条返回路径上都一样；在 Rust 里，交给一个在 Drop 中调用它的类型。"
        );
        check("mapping", rule, || {
            let page = page_size();
            let file = file_with(&bytes(9 * page))?;
            for_each(
                [(1, 7 * page + 5, page), (0, page, page), (8 * page + 1, 3, 10)],
                |(a, b, length)| {
                    say!(
                        "a file of 9 pages, {length} bytes at {a} and at {b}",
                        "9 页的文件，{a} 处和 {b} 处各 {length} 字节"
                    )
                },
                |&(a, b, length)| {
                    let seen = watch(&file, || drop(super::swap(&file, wide(a), wide(b), length)))?;
                    seen.maps_and_does_not_copy()?;
                    let most = seen.mapped().into_iter().max().unwrap_or(0);
                    let pages = |at: usize| whole_pages(at % page + length);
                    let allowed = pages(a) + pages(b);
                    ensure(most <= allowed, || {
                        Failure::new(
                            say!("at most {allowed} bytes are mapped", "最多映射 {allowed} 字节"),
                            say!("{most} bytes were", "映射了 {most} 字节"),
                        )
                        .shows(&belief::MAP_IT_ALL)
                    })?;
                    seen.leaves_nothing_mapped()
                },
            )?;
            let beyond = watch(&file, || drop(super::swap(&file, 0, wide(9 * page), 1))).map_err(at_the_end)?;
            beyond.leaves_nothing_mapped()
        });
    }
}

mod map_aligned {
    use super::*;

    fn answer(file: &File, length: usize, alignment: usize) -> Result<Result<usize, String>, Failure> {
        ask(|| super::map_aligned(file, length, alignment).map_err(kind))
    }

    #[test]
    fn is_aligned_and_shows_the_file() {
        let rule = say!(
            "mmap(2) without an address gives one on a page's edge. With one it takes it for a hint, and need not follow.",
            "不给地址时，mmap(2) 返回的地址只保证在页边界上；给了地址也只是个提示，内核不一定照办。"
        );
        check("mapping", rule, || {
            let page = page_size();
            let size = 2 * page + 9;
            let cases = [(1, page), (page, 2 * page), (size, 16 * page), (size, 512 * page), (page + 1, 64 * page)];
            for_each(
                cases,
                |(length, alignment)| {
                    say!("the first {length} bytes, aligned to {alignment}", "前 {length} 字节，按 {alignment} 对齐")
                },
                |&(length, alignment)| {
                    let contents = bytes(size);
                    let file = file_with(&contents)?;
                    // Several in a row: one may be aligned by chance.
                    let answers = ask(|| {
                        let one = || {
                            let address = super::map_aligned(&file, length, alignment).map_err(kind)?;
                            if address % alignment != 0 {
                                return Ok((address, 0, 0));
                            }
                            // SAFETY: the answer says that these bytes are mapped; if not, this child dies of it.
                            let first = unsafe { touch(address) };
                            // SAFETY: as above.
                            let last = unsafe { touch(address + length - 1) };
                            let byte = std::ptr::with_exposed_provenance_mut(address);
                            // SAFETY: as above.
                            unsafe { AtomicU8::from_ptr(byte) }.store(b'!', Ordering::Relaxed);
                            Ok((address, first, last))
                        };
                        (0..3).map(|_| one()).collect::<Result<Vec<_>, String>>()
                    })?;
                    let answers = answers
                        .map_err(|error| Failure::new(say!("an address", "一个地址"), say!("{error}", "{error}")))?;
                    let off = answers.iter().find(|(address, ..)| address % alignment != 0);
                    ensure(off.is_none(), || {
                        let address = off.map_or(0, |(address, ..)| *address);
                        Failure::new(
                            say!("an address that is a multiple of {alignment:#x}", "地址是 {alignment:#x} 的整数倍"),
                            say!("{address:#x}", "{address:#x}"),
                        )
                        .shows(&belief::ADDRESS_IS_AN_ORDER)
                    })?;
                    let (_, first, last) = answers[0];
                    let wanted = (contents[0], contents[length - 1]);
                    ensure((first, last) == wanted, || {
                        Failure::new(
                            say!("the file's bytes: {wanted:?}", "文件的字节：{wanted:?}"),
                            say!("{:?}", "{:?}", (first, last)),
                        )
                    })?;
                    let mut stored = [0];
                    file.read_exact_at(&mut stored, 0)?;
                    ensure(stored == *b"!", || {
                        Failure::new(
                            say!("a store there reaches the file", "写到那里的内容会进入文件"),
                            say!("the file has not changed", "文件没有变化"),
                        )
                        .shows(&belief::PRIVATE_REACHES_THE_FILE)
                    })
                },
            )
        });
    }

    /// The addresses that are mapped, without the heap, which grows as it likes.
    fn mapped() -> Result<Vec<Range<usize>>, String> {
        let maps = fs::read_to_string("/proc/self/maps").map_err(text)?;
        let ranges = maps.lines().filter(|line| !line.ends_with("[heap]")).filter_map(|line| {
            let (start, end) = line.split(' ').next()?.split_once('-')?;
            Some(usize::from_str_radix(start, 16).ok()?..usize::from_str_radix(end, 16).ok()?)
        });
        Ok(ranges.collect())
    }

    fn total(ranges: &[Range<usize>]) -> usize {
        ranges.iter().map(Range::len).sum()
    }

    #[test]
    fn takes_no_other_address() {
        let rule = say!(
            "munmap(2) takes any pages, also the ends of a mapping or its middle: what is left are the mappings beside them.",
            "munmap(2) 可以解除任意若干页，映射的两端、中间都行：剩下的部分就成了两侧的映射。"
        );
        check("lifetime", rule, || {
            let page = page_size();
            let file = file_with(&bytes(3 * page))?;
            let read_only = read_only(&file)?;
            for_each(
                [(page, page, true), (1, 64 * page, true), (3 * page, 512 * page, true), (page, 64 * page, false)],
                |(length, alignment, writable)| {
                    let (en, zh) =
                        if *writable { ("", "") } else { (", the file open for reading only", "，文件只读") };
                    Words {
                        en: format!("the first {length} bytes, aligned to {alignment}{en}"),
                        zh: format!("前 {length} 字节，按 {alignment} 对齐{zh}"),
                    }
                },
                |&(length, alignment, writable)| {
                    let file = if writable { &file } else { &read_only };
                    let (address, before, after) = ask(|| {
                        let before = mapped()?;
                        let address = super::map_aligned(file, length, alignment).map_err(kind);
                        Ok::<_, String>((address, before, mapped()?))
                    })?
                    .map_err(std::io::Error::other)?;
                    let wanted = if writable { whole_pages(length) } else { 0 };
                    let more = total(&after) - total(&before).min(total(&after));
                    ensure(more == wanted, || {
                        Failure::new(
                            say!("{wanted} bytes more are mapped than before", "比之前多映射 {wanted} 字节"),
                            say!("there are {more} more ({address:?})", "实际多了 {more} 字节（{address:?}）"),
                        )
                        .shows(&belief::MUNMAP_TAKES_ALL)
                    })
                },
            )
        });
    }

    #[test]
    fn replaces_only_what_is_its_own() {
        let rule = say!(
            "mmap(2), MAP_FIXED: if the addresses overlap existing mappings, those are discarded, and there is no error. So it is \
             for addresses that one has reserved oneself.",
            "mmap(2) 的 MAP_FIXED：若指定的地址与已有映射重叠，重叠部分会被直接丢弃，而且不报错。所以它只能用于自己预留的地址。"
        );
        check("mapping", rule, || {
            let page = page_size();
            let file = file_with(&bytes(3 * page))?;
            for_each(
                [(page, page), (1, 64 * page), (3 * page, 512 * page)],
                |(length, alignment)| {
                    say!("the first {length} bytes, aligned to {alignment}", "前 {length} 字节，按 {alignment} 对齐")
                },
                |&(length, alignment)| {
                    let seen = watch(&file, || drop(super::map_aligned(&file, length, alignment)))?;
                    seen.maps_and_does_not_copy()?;
                    let mut own = BTreeSet::new();
                    for call in seen.calls.iter().filter(|call| call.answer >= 0) {
                        let (at, size) = (call.arguments[0], call.arguments[1]);
                        let pages = |at: u64| (at..at + size).step_by(page_size());
                        let may = pages(at).all(|page| own.contains(&page));
                        if call.number == libc::SYS_mmap && !is_fixed(call) {
                            own.extend(pages(call.answer.cast_unsigned()));
                        } else if call.number == libc::SYS_munmap && may {
                            own.retain(|page| !pages(at).any(|gone| gone == *page));
                        } else if (call.number == libc::SYS_mmap || call.number == libc::SYS_munmap) && !may {
                            let (en, zh) = if call.number == libc::SYS_mmap {
                                ("mmap(2) with MAP_FIXED", "带 MAP_FIXED 的 mmap(2)")
                            } else {
                                ("munmap(2)", "munmap(2)")
                            };
                            let happened = Words {
                                en: format!("{en} of {size} bytes at {at:#x}, which it had not been given"),
                                zh: format!("对 {at:#x} 处 {size} 字节调用了{zh}，而这段地址不是内核分给它的"),
                            };
                            let expected = say!(
                                "addresses that it was given by mmap(2) before",
                                "只使用之前由 mmap(2) 分得的地址"
                            );
                            return Err(Failure::new(expected, happened).shows(&belief::FIXED_FINDS_ROOM));
                        }
                    }
                    Ok(())
                },
            )
        });
    }

    #[test]
    fn refuses_what_cannot_be() {
        let rule = say!(
            "mmap(2): EINVAL for a length of 0; ENOMEM when no range of addresses is free; EACCES when a shared mapping is to be \
             written and the file isn't open for it. A sum of two numbers may wrap before the kernel sees it.",
            "mmap(2)：长度为 0 时 EINVAL；没有足够的空闲地址时 ENOMEM；要写的共享映射而文件没有以可写方式打开时 EACCES。两个数相加，可能还没到内核就已经溢出回绕。"
        );
        check("refusals", rule, || {
            let page = page_size();
            let file = file_with(&bytes(page))?;
            let huge = usize::MAX - page + 1;
            let cases = [
                (0, page, "EINVAL"),
                (page, 0, "EINVAL"),
                (page, page / 2, "EINVAL"),
                (page, 3 * page, "EINVAL"),
                (page, 1, "EINVAL"),
                (usize::MAX, page, "ENOMEM"),
                (huge, 2 * page, "ENOMEM"),
                (1 << (usize::BITS - 1), 1 << (usize::BITS - 1), "ENOMEM"),
                (1 << (usize::BITS - 2), page, "ENOMEM"),
            ];
            for_each(
                cases,
                |(length, alignment, _)| {
                    say!("length {length:#x}, alignment {alignment:#x}", "长度 {length:#x}，对齐 {alignment:#x}")
                },
                |&(length, alignment, wanted)| {
                    let got = answer(&file, length, alignment)?;
                    let error = got.as_ref().err().map_or("", String::as_str);
                    ensure(error == wanted || (wanted == "EINVAL" && error == "InvalidInput"), || {
                        Failure::new(say!("{wanted}", "{wanted}"), say!("{got:x?}", "{got:x?}"))
                    })
                },
            )?;
            let got = answer(&read_only(&file)?, 1, page)?;
            ensure(got == Err("EACCES".to_owned()), || {
                Failure::new(
                    say!("EACCES: the file is open for reading only", "EACCES：文件以只读方式打开"),
                    say!("{got:x?}", "{got:x?}"),
                )
            })
        });
    }
}
