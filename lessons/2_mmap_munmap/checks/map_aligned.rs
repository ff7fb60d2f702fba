use std::mem::ManuallyDrop;
use std::os::unix::fs::MetadataExt;
use std::sync::atomic::{AtomicU8, Ordering};

use super::*;

fn answer(file: &File, length: usize, alignment: usize) -> Result<usize, String> {
    super::map_aligned(file, length, alignment).map_err(kind)
}

fn value(address: &usize) -> Text {
    text!("the address {address:#x}", "地址 {address:#x}")
}

fn describe(length: usize, alignment: usize) -> Text {
    text!("the first {length} bytes, aligned to {alignment:#x}", "前 {length} 字节，按 {alignment:#x} 对齐")
}

const GIB_OF_ADDRESSES: usize = 1 << 30;

/// [`super::check`] in a process whose next mapping ends at a multiple of every alignment here, as far as the kernel takes
/// the highest free addresses. So no answer is right or wrong by the luck of its addresses.
fn check(section: &str, rule: Text, judge: impl FnOnce() -> Result<(), Failure>) {
    super::check(section, rule, || {
        // Where so much can't be mapped, the answers are judged at the addresses that there are.
        let _ = fill_up_to(GIB_OF_ADDRESSES.checked_mul(16).unwrap_or(GIB_OF_ADDRESSES));
        judge()
    });
}

/// Maps all free addresses from a multiple of `boundary` on, without memory; below it all are free.
fn fill_up_to(boundary: usize) -> Result<(), Errno> {
    let lowest = reserve(GIB_OF_ADDRESSES)?.address();
    let mut length = GIB_OF_ADDRESSES;
    while length >= page_size() {
        let next = addresses(length)?;
        if next.address() > lowest { std::mem::forget(next) } else { length /= 2 }
    }
    reserve(lowest % boundary).map(drop)
}

/// Free addresses, which stay as they are when this is dropped.
fn reserve(length: usize) -> Result<ManuallyDrop<Mapping>, Errno> {
    addresses(length).map(ManuallyDrop::new)
}

/// Free addresses, without memory.
fn addresses(length: usize) -> Result<Mapping, Errno> {
    Mapping::anonymous(length, ProtFlags::PROT_NONE, Sharing::Private)
}

#[test]
fn is_aligned_and_shows_the_file() {
    let rule = text!(
        "mmap(2) without an address returns one that is page-aligned, and no more. An address is only a hint, which \
         the kernel need not follow.",
        "不给地址时，mmap(2) 返回的地址只保证在页边界上；给了地址也只是个提示，内核不一定照办。"
    );
    check("fixed", rule, || {
        let page = page_size();
        let size = 2 * page + 9;
        let mut cases = vec![
            (1, page),
            (page, 2 * page),
            (size, 16 * page),
            (size, 512 * page),
            (page + 1, 64 * page),
            (size, page),
        ];
        cases.push((page, GIB_OF_ADDRESSES));
        // Addresses of 64 bits have room for more than 4 GiB.
        cases.extend(GIB_OF_ADDRESSES.checked_mul(16).map(|alignment| (page, alignment)));
        for_each(
            cases,
            |&(length, alignment)| describe(length, alignment),
            |&(length, alignment)| {
                let contents = pattern(size);
                let file = unnamed_file(&contents)?;
                // Several of them: one may be aligned by chance.
                let answers = ask(|| {
                    let one = || {
                        let address = answer(&file, length, alignment)?;
                        if address % alignment != 0 {
                            return Ok((address, 0, 0));
                        }
                        // SAFETY: the answer says that these bytes are mapped; if not, SIGSEGV kills this child.
                        let first = unsafe { load_at(address) };
                        // SAFETY: as above.
                        let last = unsafe { load_at(address + length - 1) };
                        let byte = std::ptr::with_exposed_provenance_mut(address);
                        // SAFETY: as above.
                        unsafe { AtomicU8::from_ptr(byte) }.store(b'!', Ordering::Relaxed);
                        Ok((address, first, last))
                    };
                    (0..3).map(|_| one()).collect::<Result<Vec<_>, String>>()
                })?;
                let answers = no_error(answers)?;
                let off = answers.iter().find(|(address, ..)| address % alignment != 0);
                ensure(off.is_none(), || {
                    let address = off.map_or(0, |(address, ..)| *address);
                    let failure = Failure::new(
                        text!("an address that is a multiple of {alignment:#x}", "地址是 {alignment:#x} 的整数倍"),
                        text!("{address:#x}", "{address:#x}"),
                    );
                    if trusts_mmap(&file, length, alignment) {
                        failure.shows(&belief::ADDRESS_IS_AN_ORDER)
                    } else {
                        failure
                    }
                })?;
                let (_, first, last) = answers[0];
                let wanted = (contents[0], contents[length - 1]);
                ensure((first, last) == wanted, || {
                    let last_at = length - 1;
                    Failure::new(
                        text!(
                            "there are the file's bytes: {:#04x} at 0, {:#04x} at {last_at}",
                            "那里是文件的字节：0 处为 {:#04x}，{last_at} 处为 {:#04x}",
                            wanted.0,
                            wanted.1
                        ),
                        text!("{first:#04x} and {last:#04x}", "{first:#04x} 和 {last:#04x}"),
                    )
                    .breaks(
                        "fixed",
                        text!(
                            "A reservation is of no file (MAP_ANONYMOUS). The file is mapped by another mmap(2) inside it, \
                             with MAP_FIXED, from its offset 0 on.",
                            "预留的地址不属于任何文件（MAP_ANONYMOUS）。文件要用另一次 mmap(2) 映射到其中，带 MAP_FIXED，从文件偏移量 0 开始。"
                        ),
                    )
                })?;
                let stored = super::contents(&file)?;
                ensure(stored.first() == Some(&b'!'), || {
                    Failure::new(
                        text!("a store there reaches the file", "写到那里的内容会进入文件"),
                        text!("the file has not changed", "文件没有变化"),
                    )
                    .shows(&belief::PRIVATE_REACHES_THE_FILE)
                    .breaks("protection", private_rule())
                })?;
                same_bytes(text!("the rest of the file", "文件的其余部分"), &stored[1..], &contents[1..])
            },
        )?;
        is_aligned_beside_another_thread()
    });
}

/// Where another thread is faster.
fn is_aligned_beside_another_thread() -> Result<(), Failure> {
    let (length, alignment) = (page_size(), 64 * page_size());
    // Addresses that end at a multiple may be aligned by chance.
    reserve(page_size())?;
    let file = unnamed_file(b"a")?;
    let got = where_another_is_faster(|| answer(&file, length, alignment))?;
    ensure(got.as_ref().is_ok_and(|address| address.is_multiple_of(alignment)), || {
        let expected = text!("an address that is a multiple of {alignment:#x}", "地址是 {alignment:#x} 的整数倍");
        another_was_faster(Failure::new(expected, words(&got, value)), &describe(length, alignment))
    })
}

/// Whether mmap(2) was given an aligned address, without MAP_FIXED, and returned another.
fn trusts_mmap(file: &File, length: usize, alignment: usize) -> bool {
    let ignored = |call: &Call| {
        let hint = call.arguments[0];
        hint != 0 && hint.is_multiple_of(wide(alignment)) && call.answer.cast_unsigned() != hint
    };
    let seen = watch(file, || [(); 3].map(|()| answer(file, length, alignment)));
    seen.is_ok_and(|seen| seen.maps().any(ignored))
}

/// A line of /proc/self/maps: its addresses, and the rest without them.
type Line = (Range<usize>, String);

/// What is mapped in this process, without the heap and the stack, which may grow.
fn lines() -> Result<Vec<Line>, String> {
    let maps = std::fs::read_to_string("/proc/self/maps").map_err(error_text)?;
    let lines = maps.lines().filter(|line| !line.ends_with("[heap]") && !line.ends_with("[stack]"));
    let lines = lines.filter_map(|line| {
        let (range, rest) = line.split_once(' ')?;
        let (start, end) = range.split_once('-')?;
        Some((usize::from_str_radix(start, 16).ok()?..usize::from_str_radix(end, 16).ok()?, rest.to_owned()))
    });
    Ok(lines.collect())
}

/// Expects that `after` is `before` and this mapping.
fn no_other(before: &[Line], after: &[Line], mapping: &Range<usize>) -> Result<(), Failure> {
    let others: Vec<_> =
        after.iter().filter(|(range, _)| range.start < mapping.start || range.end > mapping.end).collect();
    let lost = before.iter().find(|line| !others.contains(line));
    let more = others.iter().find(|line| !before.contains(line));
    let beside = others.iter().map(|(range, _)| range.len()).sum::<usize>();
    let (there, surplus) = (total(after) - beside, beside.saturating_sub(total(before)));
    let (en, zh) = match (lost, more) {
        // What is left of a reservation may be one line with what was beside it.
        (Some(_), _) if surplus > 0 => {
            (format!("{surplus} bytes more are, beside them"), format!("旁边还多了 {surplus} 字节"))
        }
        (Some((Range { start, .. }, _)), _) => {
            (format!("the mapping that was at {start:#x} has changed"), format!("原来在 {start:#x} 处的映射变了"))
        }
        (None, Some((range, _))) => (
            format!("{} bytes more are, at {:#x}", range.len(), range.start),
            format!("{:#x} 处还多了 {} 字节", range.start, range.len()),
        ),
        (None, None) if there != mapping.len() => {
            (format!("{there} bytes are mapped there"), format!("那里映射了 {there} 字节"))
        }
        (None, None) => return Ok(()),
    };
    let (start, length) = (mapping.start, mapping.len());
    Err(Failure::new(
        text!(
            "in addition to what was mapped before, {length} bytes at {start:#x} are mapped",
            "除了原有的映射，只多了 {start:#x} 处的 {length} 字节"
        ),
        Text::new(en, zh),
    ))
}

/// Expects that the mapping is shared, for reading and writing, and for nothing else.
fn is_read_write(after: &[Line], mapping: &Range<usize>) -> Result<(), Failure> {
    let other = after.iter().find(|(range, rest)| mapping.contains(&range.start) && !rest.starts_with("rw-s"));
    other.map_or(Ok(()), |(_, rest)| {
        let shown = rest.split(' ').next().unwrap_or_default();
        Err(Failure::new(
            text!(
                "a shared mapping for reading and writing, and nothing else: `rw-s` in /proc/self/maps",
                "共享、可读写、不可执行的映射：/proc/self/maps 中是 `rw-s`"
            ),
            text!("it is `{shown}`", "是 `{shown}`"),
        )
        .breaks(
            "protection",
            text!(
                "A mapping allows what its last mmap(2) or mprotect(2) asked for (PROT_READ, PROT_WRITE, PROT_EXEC), and only \
                 with MAP_SHARED is it the file's.",
                "映射允许哪些访问，取决于最近一次 mmap(2) 或 mprotect(2) 要了什么（PROT_READ、PROT_WRITE、PROT_EXEC）；带 MAP_SHARED，写入才会进入文件。"
            ),
        ))
    })
}

fn total(lines: &[Line]) -> usize {
    lines.iter().map(|(range, _)| range.len()).sum()
}

/// Names the misconception if it never calls munmap(2), where most of what it reserves is left over.
fn if_it_never_unmaps(file: &File, failure: Failure) -> Failure {
    // Where no address is aligned by chance, so that there is something to unmap before it, too.
    let seen = watch(file, || {
        [(); 2].map(|()| {
            let taken = reserve(page_size()).map(|taken| taken.address());
            (taken.is_ok(), answer(file, 1, 64 * page_size()))
        })
    });
    match seen.is_ok_and(|seen| seen.calls.iter().all(|seen| seen.call.number != libc::SYS_munmap)) {
        true => failure.shows(&belief::MUNMAP_TAKES_ALL).breaks("fixed", ends_rule()),
        false => failure,
    }
}

/// Expects that the call maps these pages of the file and no others, and replaces nothing.
fn maps_no_other(file: &File, length: usize, alignment: usize) -> Result<(), Failure> {
    // Here it is stopped before it replaces what the process needs.
    watch(file, || answer(file, length, alignment)).map_err(at_the_end)?;
    let (got, before, after) = ask(|| {
        let before = lines()?;
        let address = answer(file, length, alignment);
        Ok::<_, String>((address, before, lines()?))
    })
    .map_err(at_the_end)?
    .map_err(io::Error::other)?;
    let address = no_error(got)?;
    let mapping = address..address + whole_pages(length);
    no_other(&before, &after, &mapping).map_err(|failure| if_it_never_unmaps(file, failure))?;
    is_read_write(&after, &mapping)
}

/// What becomes of the ends of a reservation.
fn ends_rule() -> Text {
    text!(
        "munmap(2) unmaps any pages, at the ends of a mapping or in its middle: the pages beside them stay mapped.",
        "munmap(2) 可以解除任意若干页，在映射的两端或中间都行；旁边的页仍然映射着。"
    )
}

#[test]
fn takes_no_other_address() {
    check("fixed", ends_rule(), || {
        let page = page_size();
        let file = unnamed_file(&pattern(3 * page))?;
        let cases = [
            (page, page),
            (1, 64 * page),
            (3 * page, 512 * page),
            (9 * page, 64 * page),
            (9 * page, page),
            (100 * page + 1, 4 * page),
        ];
        // More than 32 bits.
        let cases = cases.into_iter().chain(GIB_OF_ADDRESSES.checked_mul(4).map(|length| (length + 1, 2 * page)));
        for_each(
            cases,
            |&(length, alignment)| of_three_pages(length, alignment),
            |&(length, alignment)| maps_no_other(&file, length, alignment),
        )
    });
}

fn of_three_pages(length: usize, alignment: usize) -> Text {
    let Text { en, zh } = describe(length, alignment);
    Text::new(format!("{en}, of a file of 3 pages"), format!("3 页的文件：{zh}"))
}

#[test]
fn leaves_its_neighbours_alone() {
    let rule = text!(
        "Of the addresses from a page boundary on, the first aligned one may be as far away as `alignment` less a page, or \
         be the first of all. The mapping begins there: all of it has to be inside what was reserved.",
        "从一个页边界起，第一个对齐的地址最远可能在 `alignment` 减一页之外，也可能就是起点本身。映射从那里开始，整个都必须落在预留的地址之内。"
    );
    check("fixed", rule, || {
        let page = page_size();
        let file = unnamed_file(&pattern(3 * page))?;
        // Longer than the alignment, and shorter.
        for (length, pages) in [(3 * page, 8), (5 * page, 4)] {
            let alignment = pages * page;
            for _ in 0..pages {
                let end = addresses(page)?.range().end;
                maps_no_other(&file, length, alignment).map_err(|failure| {
                    let Text { en, zh } = of_three_pages(length, alignment);
                    failure.given(Text::new(
                        format!("{en}, where the free addresses end at {end:#x}, below another mapping"),
                        format!("{zh}，空闲地址到 {end:#x} 为止，再往上是另一个映射"),
                    ))
                })?;
                // Each time they end a page lower: an aligned address is at each distance from them once.
                reserve(page)?;
            }
        }
        Ok(())
    });
}

#[test]
fn maps_nothing_when_it_fails() {
    let rule = text!(
        "mmap(2) with MAP_FIXED may fail when the reservation has succeeded: EACCES for a shared mapping with PROT_WRITE of \
         a file that is not open for writing, ENOMEM. The reservation is still there then.",
        "预留成功之后，带 MAP_FIXED 的 mmap(2) 仍可能失败：要写的共享映射而文件没有以可写方式打开时是 EACCES，也可能是 ENOMEM。这时预留的地址还在。"
    );
    check("fixed", rule, || {
        let page = page_size();
        let (length, alignment) = (page, 64 * page);
        let file = unnamed_file(&pattern(3 * page))?;
        let read_only = read_only(&file)?;
        let (got, before, after) = ask(|| {
            let before = lines()?;
            let got = answer(&read_only, length, alignment);
            Ok::<_, String>((got, before, lines()?))
        })?
        .map_err(io::Error::other)?;
        let given = of_three_pages(length, alignment);
        let given = Text::new(format!("{}, open for reading only", given.en), format!("只读打开的 {}", given.zh));
        is_error(&got, &["EACCES"], value)
            .and_then(|()| {
                ensure(before == after, || {
                    let more = total(&after).abs_diff(total(&before));
                    Failure::new(
                        text!("after the error EACCES nothing more is mapped", "返回错误 EACCES 之后，没有多出映射"),
                        text!("{more} bytes more are", "多了 {more} 字节"),
                    )
                })
            })
            .map_err(|failure| failure.given(given))?;
        with_failing_mappings(
            &of_three_pages(length, alignment),
            || Ok(unnamed_file(&pattern(3 * page))?),
            |file| answer(file, length, alignment),
            value,
            |_| Ok(()),
        )?;
        with_other_failures(
            &of_three_pages(length, alignment),
            || Ok(unnamed_file(&pattern(3 * page))?),
            |file| answer(file, length, alignment),
            |_, address| address.is_multiple_of(alignment),
            |address| match address.is_multiple_of(alignment) {
                true => text!("an aligned address", "一个对齐的地址"),
                false => value(address),
            },
        )
    });
}

#[test]
fn replaces_only_what_is_its_own() {
    check("fixed", fixed_rule(), || {
        let page = page_size();
        let file = unnamed_file(&pattern(3 * page))?;
        for_each(
            [(page, page), (1, 64 * page), (3 * page, 512 * page), (9 * page, page), (5 * page, 2 * page)],
            |&(length, alignment)| of_three_pages(length, alignment),
            |&(length, alignment)| {
                // The first may find a place that is aligned already.
                let call = || [(); 2].map(|()| answer(&file, length, alignment));
                let seen = watch(&file, call).map_err(at_the_end)?;
                seen.maps_and_does_not_copy()?;
                seen.locks_nothing(false)
            },
        )
    });
}

#[test]
fn leaves_the_file_alone() {
    let rule = text!(
        "A mapping may have more pages than the file: mmap(2) does not look at the size. Only an access past the end raises \
         SIGBUS.",
        "映射的页可以比文件多：mmap(2) 不看文件大小，访问末尾之后的页才会遇到 SIGBUS。"
    );
    check("window", rule, || {
        let page = page_size();
        for_each(
            [(0, 1), (5, 3 * page), (2 * page, page), (2 * page, 9 * page)],
            |&(size, length)| {
                let Text { en, zh } = describe(length, page);
                Text::new(format!("{en}, of a file of {size} bytes"), format!("{size} 字节的文件：{zh}"))
            },
            |&(size, length)| {
                let before = pattern(size);
                let file = unnamed_file(&before)?;
                no_error(ask(|| answer(&file, length, page)).map_err(at_the_end)?)?;
                same_bytes(text!("the file is as before", "文件保持原样"), &contents(&file)?, &before)?;
                leaves_descriptors(&file, || answer(&file, length, page))
            },
        )?;
        for (length, alignment, given) in [
            (0, page, text!("a length of 0", "长度为 0")),
            (page, 3 * page, text!("an alignment of 3 pages", "按 3 页对齐")),
        ] {
            let file = unnamed_file(b"")?;
            leaves_descriptors(&file, || answer(&file, length, alignment)).map_err(|failure| failure.given(given))?;
        }
        // Of a hole in memory, an access to a page makes a block.
        let (size, alignment) = (wide(3 * page), 16 * page);
        let file = file_in_memory(size)?;
        no_error(ask(|| answer(&file, 3 * page, alignment))?)?;
        let blocks = file.metadata()?.blocks();
        ensure(blocks == 0, || {
            let Text { en, zh } = describe(3 * page, alignment);
            Failure::new(
                text!("no page is accessed, so the file still has no block", "没有访问任何页，所以文件仍然没有磁盘块"),
                text!("it has blocks of {} bytes", "它有了 {} 字节的磁盘块", blocks * 512),
            )
            .breaks(
                "window",
                text!(
                    "mmap(2) brings in no page: each one comes with the first access to it.",
                    "mmap(2) 并不取来任何一页，页在第一次访问时才到。"
                ),
            )
            .given(Text::new(
                format!("{en}, of a file in memory (memfd_create(2)) that is one hole of 3 pages"),
                format!("内存文件（memfd_create(2)），是 3 页的空洞：{zh}"),
            ))
        })
    });
}

#[test]
fn each_call_finds_a_place() {
    let rule = text!(
        "Which addresses are free may have changed since the last call: only the kernel knows, and a reservation asks it.",
        "哪些地址空闲，自上次调用以来可能已经变了：只有内核知道，预留就是问它。"
    );
    check("fixed", rule, || {
        let page = page_size();
        let files = [unnamed_file(b"a")?, unnamed_file(b"b")?];
        let alignment = 16 * page;
        let got = ask(|| {
            let [first, second] = files.each_ref().map(|file| answer(file, page, alignment));
            let (first, second) = (first?, second?);
            // Where a third one would be, if it came as far after them, or a few times as far.
            let far = 4 * first.abs_diff(second);
            let next = if second > first { second + page } else { second.saturating_sub(far) };
            let (at, length) = (NonZeroUsize::new(next), NonZeroUsize::new(far));
            if let (Some(_), Some(length)) = (at, length) {
                let flags = MapFlags::MAP_PRIVATE | MapFlags::MAP_FIXED_NOREPLACE;
                // SAFETY: it replaces nothing. If something is there already, so much the better.
                let _ = unsafe { mmap_anonymous(at, length, ProtFlags::PROT_NONE, flags) };
            }
            let third = answer(&files[0], page, alignment)?;
            let aligned = [first, second, third].into_iter().all(|at| at.is_multiple_of(alignment));
            // SAFETY: the answers say that these bytes are mapped; if not, SIGSEGV kills this child.
            let bytes = [first, second, third].map(|at| unsafe { load_at(at) });
            Ok::<_, String>((aligned, bytes))
        })?;
        let given = || {
            text!(
                "three calls in one process, for the file \"a\", the file \"b\", and \"a\" again; before the third, the \
                 addresses that would come next are taken",
                "同一进程中调用三次：文件 \"a\"、文件 \"b\"、再是 \"a\"；第三次之前，接下来的那块地址已被占用"
            )
        };
        let (aligned, bytes) = no_error(got).map_err(|failure| failure.given(given()))?;
        addresses_come_back(&files[0])?;
        // Longer than many alignments: who tries one place after the other meets only the first mapping.
        let (length, alignment) = (64 << 20, 2 * page);
        let got = ask(|| (0..3).try_for_each(|_| answer(&files[0], length, alignment).map(drop)))?;
        no_error(got).map_err(|failure| {
            let Text { en, zh } = describe(length, alignment);
            failure.given(Text::new(format!("{en}, three times in one process"), format!("{zh}，同一进程中三次")))
        })?;
        ensure(aligned && bytes == *b"aba", || {
            let [first, second, third] = bytes.map(|byte| char::from(byte).escape_default());
            Failure::new(
                text!("aligned addresses, where `a`, `b` and `a` are", "对齐的地址，那里分别是 `a`、`b` 和 `a`"),
                match aligned {
                    true => text!(
                        "there are `{first}`, `{second}` and `{third}`",
                        "那里是 `{first}`、`{second}` 和 `{third}`"
                    ),
                    false => text!("an address is not aligned", "有的地址没有对齐"),
                },
            )
            .given(given())
        })
    });
}

/// What has been unmapped can be mapped again, however many addresses all calls together have had.
fn addresses_come_back(file: &File) -> Result<(), Failure> {
    // A large part of all addresses. Twice as many are free, so that an aligned place is.
    let free = |alignment: &usize| alignment.checked_mul(2).is_some_and(|twice| addresses(twice).is_ok());
    let largest = (0..usize::BITS).rev().map(|n| 1 << n).find(free);
    let alignment = largest.unwrap_or(page_size());
    let got = ask(|| {
        (0..16).try_for_each(|_| {
            let address = answer(file, 1, alignment)?;
            let (at, length) = (std::ptr::with_exposed_provenance_mut(address), page_size());
            // SAFETY: the answer says that this page is its mapping. Nothing refers to it.
            Errno::result(unsafe { libc::munmap(at, length) }).map(drop).map_err(error_text)
        })
    })?;
    no_error(got).map_err(|failure| {
        let failure = failure.breaks("fixed", ends_rule());
        let Text { en, zh } = describe(1, alignment);
        failure.given(Text::new(
            format!("{en}; sixteen calls in one process, each mapping unmapped before the next call"),
            format!("{zh}；同一进程中调用十六次，每次的映射都在下一次调用前解除"),
        ))
    })
}

/// How much a reservation takes.
fn reservation_rule() -> Text {
    text!(
        "Any `length + alignment` addresses have an aligned one with `length` after it. Take no more, and give back with \
         munmap(2) what is not needed.",
        "任意 `length + alignment` 字节的地址里，总有一个对齐的地址，后面还剩 `length` 字节。不必多占，用不着的要用 munmap(2) 归还。"
    )
}

#[test]
fn refuses_what_cannot_be_mapped() {
    let rule = text!(
        "mmap(2): EINVAL for a length of 0; ENOMEM when no range of addresses is free. Of alignments it knows nothing: who \
         wants an error for one has to look at it before the first call.",
        "mmap(2)：长度为 0 时 EINVAL；没有足够的空闲地址时 ENOMEM。它不懂什么对齐：想对不合适的对齐返回错误，得在第一次调用之前自己检查。"
    );
    check("refusals", rule, || {
        let page = page_size();
        let file = unnamed_file(&pattern(page))?;
        let huge = usize::MAX - page + 1;
        let [high, half] = [1, 2].map(|n| 1_usize << (usize::BITS - n));
        let (invalid, memory) = (INVALID.as_slice(), ["ENOMEM"].as_slice());
        let cases = [
            (0, page, invalid),
            (page, 0, invalid),
            (page, page / 2, invalid),
            (page, 3 * page, invalid),
            (page, 5 * page, invalid),
            (page, 1, invalid),
            (0, 64 * page, invalid),
            (0, 1, invalid),
            (page, usize::MAX, invalid),
            (usize::MAX, 3 * page, &["InvalidInput", "EINVAL", "ENOMEM"]),
            (usize::MAX, page, memory),
            (huge, page, memory),
            (huge, 2 * page, memory),
            (high, high, memory),
            (page, high, memory),
            (page, half, memory),
            (half, page, memory),
        ];
        for_each(
            cases,
            |(length, alignment, _)| {
                text!("length {length:#x}, alignment {alignment:#x}", "长度 {length:#x}，对齐 {alignment:#x}")
            },
            |&(length, alignment, wanted)| {
                let judged = ask(|| answer(&file, length, alignment)).and_then(|got| is_error(&got, wanted, value));
                judged.map_err(
                    |failure| {
                        if wanted == INVALID { failure } else { failure.breaks("window", overflow_rule()) }
                    },
                )
            },
        )?;
        let errors = cases.map(|(length, alignment, _)| (length, alignment));
        // Enough addresses: mremap(2) counts what it moves twice. One MiB is for what else is allocated.
        let large = 64 << 20;
        let cases = [(large, page), (large, 16 * page), (page, 4 * large), (large, 4 * large)];
        for_each(
            cases.map(|(length, alignment)| (length, alignment, 2 * length + alignment + (1 << 20))),
            |&(length, alignment, free)| {
                let Text { en, zh } = describe(length, alignment);
                Text::new(format!("{en}, where {free} bytes are free"), format!("{zh}，空闲的地址有 {free} 字节"))
            },
            |&(length, alignment, free)| {
                let judged = ask_with_memory(wide(free), || answer(&file, length, alignment)).and_then(no_error);
                judged.map(|_| ()).map_err(|failure| failure.breaks("fixed", reservation_rule()))
            },
        )?;
        each_leaves_nothing_mapped(
            &file,
            errors,
            |(length, alignment)| {
                text!("length {length:#x}, alignment {alignment:#x}", "长度 {length:#x}，对齐 {alignment:#x}")
            },
            |&(length, alignment)| answer(&file, length, alignment),
        )
    });
}

#[test]
fn can_be_called_by_several_threads() {
    check("mapping", threads_rule(), || {
        let alignment = 16 * page_size();
        let files = [unnamed_file(b"a")?, unnamed_file(b"b")?];
        let call = move |file: &File| {
            let address = answer(file, 1, alignment)?;
            if !address.is_multiple_of(alignment) {
                return Ok(None);
            }
            // SAFETY: the answer says that this byte is mapped; if not, SIGSEGV kills this child.
            Ok(Some(unsafe { load_at(address) }))
        };
        // Who is wrong alone hears it from another check.
        let alone = ask(|| call(&files[0])).and_then(|got| {
            ensure(got == Ok(Some(b'a')), || {
                Failure::new(text!("the byte", "这个字节"), words(&got, |_| text!("none", "没有")))
            })
        });
        if !knows_the_basics(alone)? {
            return Ok(());
        }
        let other = Arc::new(files[1].try_clone()?);
        is_right_beside_another_thread(
            &text!(
                "the file \"a\" and the file \"b\", aligned to {alignment:#x}",
                "文件 \"a\" 和文件 \"b\"，按 {alignment:#x} 对齐"
            ),
            || call(&files[0]),
            move || call(&other),
            [Some(b'a'), Some(b'b')],
            |byte| match byte {
                Some(byte) => {
                    let byte = char::from(*byte).escape_default();
                    text!("an aligned address, where `{byte}` is", "对齐的地址，那里是 `{byte}`")
                }
                None => text!("an address that is not aligned", "没有对齐的地址"),
            },
        )
    });
}
