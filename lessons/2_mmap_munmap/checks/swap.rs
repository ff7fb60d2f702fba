use super::*;

fn answer(file: &File, a: u64, b: u64, length: usize) -> Result<(), String> {
    super::swap(file, a, b, length).map_err(kind)
}

fn value((): &()) -> Text {
    text!("no error", "没有错误")
}

/// Expects no error.
fn compare(file: &File, a: u64, b: u64, length: usize, got: Result<(), String>) -> Result<(), Failure> {
    let Err(error) = got else { return Ok(()) };
    let failure = Failure::new(value(&()), text!("the error {error}", "错误 {error}"));
    Err(why(&error, watch(file, || answer(file, a, b, length)), failure))
}

/// Says why an error was returned.
fn why(error: &str, seen: Result<Seen<Result<(), String>>, Failure>, failure: Failure) -> Failure {
    let failure = match seen {
        Ok(seen) => seen.why_it_failed(failure),
        Err(other) => return other,
    };
    let page = page_size_u64();
    let probe = |at| Ok(answer(&unnamed_file(&pattern(4 * page_size()))?, at, 2 * page + at, page_size()).is_ok());
    if_only_inside_a_page(&Err::<(), _>(error.to_owned()), failure, probe)
}

fn describe(size: usize, a: u64, b: u64, length: usize) -> Text {
    text!(
        "a file of {size} bytes, a = {a}, b = {b}, length = {length}",
        "{size} 字节的文件，a = {a}，b = {b}，length = {length}"
    )
}

/// The bytes with the two ranges exchanged.
fn exchanged(before: &[u8], a: usize, b: usize, length: usize) -> Vec<u8> {
    let mut wanted = before.to_vec();
    wanted[a..a + length].copy_from_slice(&before[b..b + length]);
    wanted[b..b + length].copy_from_slice(&before[a..a + length]);
    wanted
}

/// A file's size, and two ranges of it that don't overlap.
fn ranges() -> impl Strategy<Value = (usize, usize, usize, usize)> {
    (near_page_boundaries(), near_page_boundaries(), near_page_boundaries(), near_page_boundaries(), any::<bool>())
        .prop_map(|(a, length, between, rest, turned)| {
            // Each byte costs time; the fixed cases are longer.
            let length = length % (page_size() / 2 + 3) + 1;
            let b = a + length + between;
            let (a, b) = if turned { (b, a) } else { (a, b) };
            (a.max(b) + length + rest, a, b, length)
        })
}

/// Whether it exchanges bytes inside pages. Where it doesn't, the check of that says so.
fn exchanges() -> Result<bool, Failure> {
    let page = page_size();
    let is = |size: usize, a: usize, b: usize, length: usize| {
        let before = pattern(size);
        let file = unnamed_file(&before)?;
        let got = ask(|| answer(&file, wide(a), wide(b), length))?;
        ensure(got.is_ok(), || Failure::new(value(&()), words(&got, value)))?;
        same_bytes(text!("the file", "文件"), &contents(&file)?, &exchanged(&before, a, b, length))
    };
    knows_the_basics(is(6, 0, 4, 2).and_then(|()| is(4 * page, 1, 2 * page + 1, page)))
}

#[test]
fn exchanges_the_bytes_and_no_other() {
    let rule = text!(
        "Two shared mappings of the same page of a file are the same memory at two addresses. A store through one is \
         seen through the other.",
        "文件同一页的两个共享映射是同一块内存，只是地址不同：从一个映射写入的内容，在另一个映射里立刻可见。"
    );
    check("access", rule, || {
        let describe = |&(size, a, b, length): &(usize, usize, usize, usize)| describe(size, wide(a), wide(b), length);
        let test = |&(size, a, b, length): &(usize, usize, usize, usize)| {
            let before = pattern(size);
            let file = unnamed_file(&before)?;
            let wanted = exchanged(&before, a, b, length);
            let answered = ask(|| answer(&file, wide(a), wide(b), length)).map_err(at_the_end)?;
            let got = contents(&file)?;
            let ok = answered.is_ok();
            compare(&file, wide(a), wide(b), length, answered)?;
            same_bytes(text!("the file", "文件"), &got, &wanted).map_err(|failure| {
                if ok && got == before {
                    return shows_private(&file, wide(a), wide(b), length, failure);
                }
                let apart = a.max(b) / page_size() > (a.min(b) + length - 1) / page_size();
                if apart { failure.breaks("window", skip_rule()) } else { failure }
            })
        };
        let page = page_size();
        let cases = [
            (6, 0, 4, 2),
            (6, 3, 0, 3),
            (4 * page, 1, 2 * page + 1, page),
            (3 * page, page - 1, page + 1, 2),
            (5 * page, 2 * page + 3, 3, 2 * page),
        ];
        for_each(cases, describe, test)?;
        let (size, a, b) = (4 * page, 1, 2 * page + 5);
        // Each byte with another one, and with a zero.
        let all: Vec<_> = (0..=u8::MAX).collect();
        let before = [&all[..], &all, &all.iter().rev().copied().collect::<Vec<_>>(), &[0; 256]].concat();
        let every = unnamed_file(&before)?;
        compare(&every, 0, 512, 512, ask(|| answer(&every, 0, 512, 512))?)
            .and_then(|()| same_bytes(text!("the file", "文件"), &contents(&every)?, &exchanged(&before, 0, 512, 512)))
            .map_err(|failure| failure.given(describe(&(before.len(), 0, 512, 512))))?;
        for_each(
            [(a, b), (b, a)],
            |&(a, b)| {
                let Text { en, zh } = describe(&(size, a, b, page));
                Text::new(format!("{en}; only the first page is no hole"), format!("{zh}；除了第一页都是空洞"))
            },
            |&(a, b)| {
                let file = unnamed_file(&pattern(page))?;
                file.set_len(wide(size))?;
                let wanted = exchanged(&contents(&file)?, a, b, page);
                compare(&file, wide(a), wide(b), page, ask(|| answer(&file, wide(a), wide(b), page))?)?;
                same_bytes(text!("the file", "文件"), &contents(&file)?, &wanted)
            },
        )?;
        let (before, a, b) = (pattern(4 * page), 3, 2 * page + 7);
        let on_disk = file_on_disk(&before)?;
        let answered = ask(|| answer(&on_disk, wide(a), wide(b), page))?;
        let judged = compare(&on_disk, wide(a), wide(b), page, answered).and_then(|()| {
            same_bytes(text!("the file", "文件"), &contents(&on_disk)?, &exchanged(&before, a, b, page))
        });
        judged.map_err(|failure| of_file_on_disk(failure, &describe(&(before.len(), a, b, page))))?;
        for_all(ranges(), describe, test)
    });
}

/// Where in its mapping a range is.
fn skip_rule() -> Text {
    text!(
        "A mapping begins at the page boundary before the range: the range begins as far after it, and the length that is \
         mapped has to be as much larger.",
        "映射从这段之前的页边界开始：这段在映射里的位置要加上这个距离，映射的长度也要加上它。"
    )
}

/// More bytes than are often taken for all that there can be. To exchange them takes time, so there is one case.
#[test]
fn exchanges_all_of_a_mebibyte() {
    let rule = text!(
        "A mapping may be as long as the addresses allow, and a loop over its bytes goes to the last one.",
        "只要地址够用，映射可以任意长；循环要走到最后一个字节。"
    );
    check("window", rule, || {
        if !exchanges()? {
            return Ok(());
        }
        let length = (1 << 20) + page_size() + 1;
        let before = [vec![b'a'; length + 5], vec![b'b'; length + 5]].concat();
        let (a, b) = (3, length + 7);
        let file = unnamed_file(&before)?;
        ask(|| answer(&file, wide(a), wide(b), length))
            .map_err(of_many_mappings)
            .and_then(|answered| compare(&file, wide(a), wide(b), length, answered))
            .and_then(|()| same_bytes(text!("the file", "文件"), &contents(&file)?, &exchanged(&before, a, b, length)))
            .map_err(|failure| failure.given(describe(before.len(), wide(a), wide(b), length)))
    });
}

#[test]
fn each_call_looks_at_its_file() {
    let rule = text!(
        "The size of a file may change from one call to the next, and another file may have the same descriptor: fstat(2) \
         knows them.",
        "文件的大小在两次调用之间可能改变，同一个描述符也可能换成别的文件；问 fstat(2) 才知道。"
    );
    check("window", rule, || {
        if !exchanges()? {
            return Ok(());
        }
        let page = page_size();
        let files = [unnamed_file(&pattern(2 * page))?, unnamed_file(&vec![b'x'; 2 * page])?];
        files[1].write_all_at(b"y", 0)?;
        let last = wide(2 * page) - 1;
        let calls = || files.each_ref().map(|file| answer(file, 0, last, 1));
        let got = ask(|| {
            let first = calls();
            files.iter().try_for_each(|file| file.set_len(last)).map_err(error_text)?;
            // In the other order, so that the same file comes twice in succession.
            let second = answer(&files[1], 0, last, 1);
            let short = [answer(&files[0], 0, last, 1), second];
            files.iter().try_for_each(|file| file.set_len(last + 1)).map_err(error_text)?;
            Ok::<_, String>([first, short, calls()])
        })?
        .map_err(io::Error::other)?;
        let now = [
            text!("of {} bytes", "为 {} 字节", 2 * page),
            text!("truncated to {last} bytes", "截断为 {last} 字节"),
            text!("grown to {} bytes again", "又增长到 {} 字节", 2 * page),
        ];
        for (n, (got, now)) in got.iter().zip(now).enumerate() {
            got.iter()
                .try_for_each(|got| match n {
                    1 => is_error(got, &["UnexpectedEof"], value),
                    _ => ensure(got.is_ok(), || Failure::new(value(&()), words(got, value))),
                })
                .map_err(|failure| {
                    failure.given(Text::new(
                        format!(
                            "several calls in one process, with two files; a file {}, a = 0, b = {last}, length = 1",
                            now.en
                        ),
                        format!("同一进程中的多次调用，涉及两个文件；文件{}，a = 0，b = {last}，length = 1", now.zh),
                    ))
                })?;
        }
        // Exchanged, truncated, grown with a zero, exchanged again.
        files.iter().try_for_each(|file| {
            let bytes = contents(file)?;
            ensure(bytes[0] == 0, || {
                Failure::new(
                    text!("byte 0 is the zero that was at {last}", "偏移量 0 处是原先偏移量 {last} 处的零"),
                    text!("it is {:#04x}", "那里是 {:#04x}", bytes[0]),
                )
                .given(text!("the last of several calls in one process", "同一进程中多次调用的最后一次"))
            })
        })
    });
}

/// Nothing has changed: names the misconception if it mapped privately.
fn shows_private(file: &File, a: u64, b: u64, length: usize, failure: Failure) -> Failure {
    let seen = watch(file, || answer(file, a, b, length));
    let private =
        |call: &Call| call.arguments[3] & flag(libc::MAP_PRIVATE | libc::MAP_SHARED) == flag(libc::MAP_PRIVATE);
    match seen.is_ok_and(|seen| seen.maps().any(private)) {
        true => failure.shows(&belief::PRIVATE_REACHES_THE_FILE).breaks("protection", private_rule()),
        false => failure,
    }
}

/// Why there are two mappings.
fn two_places_rule() -> Text {
    text!(
        "A mapping is one range: one that shows both places shows everything between them, too. Two places need two \
         mappings.",
        "一个映射只有一个长度，要同时看到两处，就得连中间的全都映射进来。两处应当用两个映射。"
    )
}

#[test]
fn reaches_any_two_places_of_a_large_file() {
    check("window", two_places_rule(), || {
        if !exchanges()? {
            return Ok(());
        }
        let places = [
            (3, 5 * GIB - 20),
            (4 * GIB + 2, 17),
            (2 * GIB + 1, 4 * GIB + 1),
            // In 32 bits these would overlap, and the next two would end before they begin.
            (4 * GIB + 5, 0),
            (4 * GIB - 4, 2 * GIB - 3),
            // More pages than 32 bits count.
            ((1 << 44) + 2, 5),
        ];
        for_each(
            places,
            |(a, b)| {
                text!(
                    "a large file, the 9 bytes \"the first\" at {a} and \"and other\" at {b}",
                    "大文件，偏移量 {a} 处的“the first”和偏移量 {b} 处的“and other”，各 9 字节"
                )
            },
            |&(a, b)| {
                let places: [(_, &[u8]); 2] = [(a, b"the first"), (b, b"and other")];
                let file = if a < 5 * GIB { large_file(&places)? } else { file_in_memory(a + 9)? };
                places.iter().try_for_each(|(at, bytes)| file.write_all_at(bytes, *at))?;
                let call = || answer(&file, a, b, 9);
                let answered = ask_with_memory(64 << 20, call)?;
                if let Err(error) = answered {
                    let failure = Failure::new(value(&()), text!("the error {error}", "错误 {error}"));
                    let seen = watch(&file, call)?;
                    let all = seen.tried().any(|call| call.arguments[1] >= a.abs_diff(b));
                    let failure = why(&error, Ok(seen), failure);
                    return Err(if all { failure.shows(&belief::MAP_IT_ALL) } else { failure });
                }
                let read = |at| -> Result<String, Failure> {
                    let mut bytes = [0; 9];
                    file.read_exact_at(&mut bytes, at)?;
                    Ok(String::from_utf8_lossy(&bytes).escape_debug().to_string())
                };
                let (at_a, at_b) = (read(a)?, read(b)?);
                ensure(at_a == "and other" && at_b == "the first", || {
                    let failure = Failure::new(
                        text!(
                            "\"and other\" at {a} and \"the first\" at {b}",
                            "偏移量 {a} 处是“and other”，偏移量 {b} 处是“the first”"
                        ),
                        text!(
                            "\"{at_a}\" at {a} and \"{at_b}\" at {b}",
                            "偏移量 {a} 处是“{at_a}”，偏移量 {b} 处是“{at_b}”"
                        ),
                    );
                    match watch(&file, call) {
                        Ok(seen) => seen.too_narrow(b, seen.too_narrow(a, shows_private(&file, a, b, 9, failure))),
                        Err(_) => failure,
                    }
                })
            },
        )
    });
}

#[test]
fn refuses_before_it_changes_anything() {
    let rule = text!(
        "mmap(2) maps a range past the end of a file, and an access there raises SIGBUS; a store to the rest of the \
         last page succeeds and is no part of the file. A program that wants an error has to compare with the size.",
        "mmap(2) 允许映射文件末尾之后的范围，访问时才会遇到 SIGBUS；写到最后一页的剩余部分会被接受，但不属于文件。想要得到错误，就得自己先查文件大小。"
    );
    check("window", rule, || {
        let page = page_size_u64();
        let size = 6 * page + 100;
        let length = page_size();
        let end: &[&str] = &["UnexpectedEof"];
        let both: &[&str] = &["UnexpectedEof", "InvalidInput", "EINVAL"];
        // 2^32 on a machine of 64 bits.
        let half = 1_usize << (usize::BITS / 2);
        let cases = [
            (0, 0, 1, INVALID.as_slice()),
            (5, 5 + page - 1, length, &INVALID),
            (0, 0, 1, &INVALID),
            (page + 1, 2, length, &INVALID),
            (0, size, 1, end),
            (size - 1, 0, 2, end),
            (0, 6 * page, 101, end),
            (6 * page, 0, 101, end),
            (0, 3 * page, 3 * length + 101, both),
            (0, 4 * page, 2 * length + 101, end),
            (4 * page, 0, 2 * length + 101, end),
            (3, 4 * page + 50, 3 * length, end),
            (0, 7 * page, 1, end),
            (u64::MAX, 0, 1, end),
            (0, u64::MAX, 1, end),
            (0, u64::MAX - 3, 9, end),
            (0, i64::MAX.unsigned_abs(), 5, end),
            (0, 2 * wide(half), half, end),
            (u64::MAX / 2, 0, half, end),
            (0, wide(usize::MAX / 2 + 1), usize::MAX / 2 + 1, end),
            (0, 1, half, both),
            (0, 1, usize::MAX, both),
            (u64::MAX, u64::MAX, 1, both),
        ];
        let small = usize::try_from(size).expect("a small size");
        let before = pattern(small);
        for_each(
            cases,
            |&(a, b, length, _)| describe(small, a, b, length),
            |&(a, b, length, wanted)| {
                let file = unnamed_file(&before)?;
                let got = ask(|| answer(&file, a, b, length))
                    .map_err(|failure| with_large_numbers(past_the_end(&file, a, b, length, failure)))?;
                is_error(&got, wanted, value).map_err(|failure| {
                    if wanted == INVALID {
                        return failure.breaks("window", overlap_rule());
                    }
                    let rest = a.max(b).checked_add(wide(length)).is_some_and(|end| end > size && end <= 7 * page);
                    let lost = got.is_ok() && file.metadata().is_ok_and(|now| now.len() == size) && rest;
                    if lost && seen_past_the_end(&file, a, b, length) {
                        failure.shows(&belief::REST_IS_FILE)
                    } else {
                        failure
                    }
                })?;
                same_bytes(
                    text!("after an error the file is as before", "出错之后文件保持原样"),
                    &contents(&file)?,
                    &before,
                )
            },
        )?;
        // A length that is 1 in 32 bits. Who maps it before a look at the numbers has no addresses for it.
        if let Ok(length) = usize::try_from(4 * GIB + 1) {
            let (large, size) = (large_file(&[])?, length - 1 + (1 << 30));
            let overlap: &[&str] = &["InvalidInput", "EINVAL", "ENOMEM"];
            for_each(
                [
                    (0, 5, overlap),
                    (0, 4 * GIB + 7, &["UnexpectedEof", "ENOMEM"]),
                    (4 * GIB + 7, 0, &["UnexpectedEof", "ENOMEM"]),
                ],
                |&(a, b, _)| describe(size, a, b, length),
                |&(a, b, wanted)| {
                    is_error(
                        &ask_with_memory(64 << 20, || answer(&large, a, b, length)).map_err(at_the_end)?,
                        wanted,
                        value,
                    )
                },
            )?;
        }
        for_each(
            [(0, 0), (7, 7), (size, 3), (u64::MAX, u64::MAX), (u64::MAX, 0)],
            |&(a, b)| describe(small, a, b, 0),
            |&(a, b)| {
                let file = unnamed_file(&before)?;
                let rule = text!(
                    "mmap(2): EINVAL when the length is 0. An empty range needs no mapping, wherever it is.",
                    "mmap(2)：长度为 0 时返回 EINVAL。空的一段不论在哪里，都不需要映射。"
                );
                let got = ask(|| answer(&file, a, b, 0)).map_err(with_large_numbers)?;
                ensure(got.is_ok(), || Failure::new(value(&()), words(&got, value)).breaks("mapping", rule))?;
                same_bytes(text!("the file is as before", "文件保持原样"), &contents(&file)?, &before)
            },
        )
    });
}

/// When two ranges overlap.
fn overlap_rule() -> Text {
    text!(
        "Two ranges overlap when they begin less than `length` bytes apart, whichever comes first. A byte in both of them \
         would need two values.",
        "两段起点的距离小于 `length` 就重叠，不管哪一段在前。重叠处的字节得同时取两个值，交换也就没有意义。"
    )
}

/// Names the misconception that a SIGBUS shows, if it isn't only one of the two ranges that was forgotten.
fn past_the_end(file: &File, a: u64, b: u64, length: usize, failure: Failure) -> Failure {
    if is_refused(file, b, a, length) { failure } else { at_the_end(failure) }
}

/// Whether the call returns an error.
fn is_refused(file: &File, a: u64, b: u64, length: usize) -> bool {
    matches!(ask(|| answer(file, a, b, length)), Ok(Err(_)))
}

/// Whether the call maps the whole range that is partly past the end of the file, wherever the other is.
fn seen_past_the_end(file: &File, a: u64, b: u64, length: usize) -> bool {
    let end = a.max(b) + wide(length);
    let past = |call: &Call| call.arguments[5].saturating_add(call.arguments[1]) >= end;
    watch(file, || answer(file, a, b, length)).is_ok_and(|seen| seen.maps().any(past))
        && !is_refused(file, b, a, length)
}

#[test]
fn goes_through_mappings_and_leaves_none() {
    let rule = text!(
        "A mapping lives until munmap(2), so every return from the function needs one. In Rust, use a type whose Drop \
         calls munmap(2).",
        "结束映射要靠 munmap(2)，函数的每条返回路径上都一样；在 Rust 里，交给一个在 Drop 中调用它的类型。"
    );
    check("mapping", rule, || {
        if !exchanges()? {
            return Ok(());
        }
        let page = page_size();
        let size = 9 * page;
        let file = unnamed_file(&pattern(size))?;
        for_each(
            [
                (1, 7 * page + 5, page),
                (0, 2 * page, page),
                (8 * page + 1, 3, 10),
                (3, 20, 6),
                (page - 1, 5 * page, 2 * page),
            ],
            |&(a, b, length)| describe(size, wide(a), wide(b), length),
            |&(a, b, length)| {
                let seen = watch(&file, || answer(&file, wide(a), wide(b), length))?;
                seen.maps_and_does_not_copy()?;
                let most = seen.most;
                let pages = |at: usize| whole_pages(at % page + length);
                let allowed = pages(a) + pages(b);
                ensure(most <= wide(allowed), || {
                    let failure = Failure::new(
                        text!("at most {allowed} bytes are mapped", "最多映射 {allowed} 字节"),
                        text!("{most} bytes were", "映射了 {most} 字节"),
                    );
                    // Not who maps somewhat more, or a small file as a whole.
                    let all = seen.maps().any(|call| call.arguments[1] >= wide(a.abs_diff(b)))
                        && first_length(3, 5 * GIB - 20).is_ok_and(|length| length >= 5 * GIB - 23);
                    let failure = failure.breaks("window", two_places_rule());
                    if all { failure.shows(&belief::MAP_IT_ALL) } else { failure }
                })?;
                seen.leaves_nothing_mapped()
            },
        )?;
        let refused = [(0, size, 1), (size - 1, 0, 2), (3, 4, 2)];
        for_each(
            refused,
            |&(a, b, length)| describe(size, wide(a), wide(b), length),
            |&(a, b, length)| {
                let seen = watch(&file, || answer(&file, wide(a), wide(b), length))
                    .map_err(|failure| past_the_end(&file, wide(a), wide(b), length, failure))?;
                seen.copies_nothing()?;
                seen.leaves_nothing_after_an_error()
            },
        )?;
        let size = wide(size);
        let refused = [(0, size + 1, 1), (size + 1, 0, 1), (0, u64::MAX, 1), (u64::MAX, 0, 2), (u64::MAX, u64::MAX, 1)];
        let longer = [(0, size - 1, 2), (size - 1, 0, 2), (0, 0, 1), (5, 5, 9), (4, 3, 2), (0, 1, usize::MAX)];
        let empty = [(0, 0, 0), (3, 9, 0), (size, 0, 0), (0, size + 1, 0), (u64::MAX, 1, 0)];
        let judged = each_leaves_nothing_mapped(
            &file,
            [&refused[..], &longer, &empty].concat(),
            |&(a, b, length)| describe(9 * page, a, b, length),
            |&(a, b, length)| answer(&file, a, b, length),
        );
        // The check of what is refused says so.
        judged.or_else(|failure| if failure.verdict == Verdict::Panicked { Ok(()) } else { Err(failure) })
    });
}

/// How many bytes of a file of 5 GiB the first mmap(2) is called for, to exchange 9 of them.
fn first_length(a: u64, b: u64) -> Result<u64, Failure> {
    let file = large_file(&[])?;
    let id = FileId::of(&file)?;
    let seen = watch_failing(&file, || answer(&file, a, b, 9), |seen| maps_file(seen, id))?;
    Ok(seen.tried().next().map_or(0, |call| call.arguments[1]))
}

#[test]
fn changes_nothing_when_a_mapping_fails() {
    let rule = text!(
        "Any mmap(2) may fail, the second and the last as well as the first. After a store it is too late to return an \
         error.",
        "每次 mmap(2) 都可能失败，第二次、最后一次也不例外。写入之后再返回错误就晚了。"
    );
    check("refusals", rule, || {
        if !exchanges()? {
            return Ok(());
        }
        let page = page_size();
        let before = pattern(9 * page);
        for_each(
            [(1, 5 * page + 7, 2 * page), (4 * page, 3, 2 * page + 1), (3, 9, 5)],
            |&(a, b, length)| describe(before.len(), wide(a), wide(b), length),
            |&(a, b, length)| {
                with_failing_mappings(
                    &describe(before.len(), wide(a), wide(b), length),
                    || Ok(unnamed_file(&before)?),
                    |file| answer(file, wide(a), wide(b), length),
                    value,
                    |file| {
                        same_bytes(
                            text!("after an error the file is as before", "出错之后文件保持原样"),
                            &contents(file)?,
                            &before,
                        )
                    },
                )
            },
        )?;
        undoes_its_chunks()?;
        with_other_failures(
            &describe(4, 0, 2, 2),
            || Ok(unnamed_file(b"aabb")?),
            |file| answer(file, 0, 2, 2),
            |file, ()| contents(file).is_ok_and(|now| now == b"bbaa"),
            value,
        )?;
        let file = unnamed_file(b"aabb")?;
        with_failing_munmap(
            &describe(4, 0, 2, 2),
            &file,
            |file| answer(file, 0, 2, 2),
            &(),
            value,
            |file| {
                same_bytes(
                    text!("after an error the file is as before", "出错之后文件保持原样"),
                    &contents(file)?,
                    b"aabb",
                )
            },
        )?;
        // What was stored is in the file, whether or not it is on the disk.
        let file = unnamed_file(&before)?;
        let (b, length) = (5 * page, page);
        let syncs = [libc::SYS_msync, libc::SYS_fsync, libc::SYS_fdatasync, libc::SYS_sync_file_range];
        let answered = ask_refused(&syncs, On::Everything, Errno::EIO, || answer(&file, 1, wide(b), length))?;
        let got = contents(&file)?;
        let judged = match answered {
            Ok(()) => same_bytes(text!("the file", "文件"), &got, &exchanged(&before, 1, b, length)),
            Err(_) => same_bytes(text!("after an error the file is as before", "出错之后文件保持原样"), &got, &before),
        };
        judged.map_err(|failure| {
            let Text { en, zh } = describe(before.len(), 1, wide(b), length);
            failure.given(Text::new(
                format!("{en}; msync(2) and fsync(2) fail with EIO"),
                format!("{zh}；msync(2) 和 fsync(2) 失败：EIO"),
            ))
        })
    });
}

/// Who goes through the ranges in chunks has stored some of them when a later mapping fails: the third of the file, or one
/// after it. A mapping of far more than half a range fails, too, since to exchange all bytes would take long.
fn undoes_its_chunks() -> Result<(), Failure> {
    let length = 4 << 20;
    let most = wide(length / 2 + 2 * page_size());
    let (a, b) = (page_size() + 1, length + 4 * page_size());
    let file = unnamed_file(b"")?;
    file.set_len(wide(b + length))?;
    // Of each chunk that is exchanged some bytes differ.
    (a..a + length).step_by(1000).try_for_each(|at| file.write_all_at(b"a", wide(at)))?;
    let (id, before) = (FileId::of(&file)?, contents(&file)?);
    for which in [3, 4, 6] {
        let mut asked = 1..;
        let fails =
            |seen: &FileCall| maps_file(seen, id) && (seen.call.arguments[1] > most || asked.next() == Some(which));
        let seen = watch_failing(&file, || answer(&file, wide(a), wide(b), length), fails)?;
        let in_chunks = seen.maps().next().is_some();
        let judged =
            is_error(&seen.answer, &["ENOMEM"], value).and_then(|()| seen.leaves_nothing_mapped()).and_then(|()| {
                same_bytes(
                    text!("after an error the file is as before", "出错之后文件保持原样"),
                    &contents(&file)?,
                    &before,
                )
            });
        judged.map_err(|failure| {
            let Text { en, zh } = describe(before.len(), wide(a), wide(b), length);
            failure.given(Text::new(
                format!(
                    "{en}; mmap(2) number {which} of the file fails with ENOMEM, and each of more than {most} bytes"
                ),
                format!("{zh}；该文件的第 {which} 次 mmap(2) 失败（ENOMEM），超过 {most} 字节的映射也都失败"),
            ))
        })?;
        if !in_chunks {
            break;
        }
    }
    Ok(())
}

/// Before each access of the call to the file, others store to the bytes around the ranges.
#[test]
fn stores_to_no_other_byte() {
    let rule = text!(
        "A store of more bytes than were asked for, each as it was loaded before, undoes what another process or thread has \
         stored there meanwhile.",
        "多写的字节哪怕写回的是先前读到的值，也会抹掉别的进程或线程在此期间写入的内容。"
    );
    check("access", rule, || {
        if !exchanges()? {
            return Ok(());
        }
        // Some of them in step with words of all sizes.
        [(11, 74, 13), (16, 80, 13), (512, 1088, 67), (page_size() - 9, 24, 9)].into_iter().try_for_each(stores_between)
    });
}

fn stores_between((a, b, length): (usize, usize, usize)) -> Result<(), Failure> {
    let given = || describe(page_size(), wide(a), wide(b), length);
    let page = SharedPage::zeros()?;
    let others: Vec<_> =
        (0..page_size()).filter(|at| !(a..a + length).contains(at) && !(b..b + length).contains(at)).collect();
    let mut walker = Walker::start(&page, || answer(page.file(), wide(a), wide(b), length))?;
    let mut now: u8 = 0;
    loop {
        let step = walker.step::<Result<(), String>>().map_err(|failure| failure.given(given()))?;
        let mut bytes = contents(page.file())?;
        if let Some(at) = others.iter().find(|at| bytes[**at] != now) {
            return Err(Failure::new(
                text!("no other byte than those of the two ranges is stored to", "只写这两段之内的字节"),
                text!(
                    "byte {at} was stored to: what another process had stored there during the call is lost",
                    "偏移量 {at} 处的字节被写过：其他进程在调用期间写到那里的内容丢失了"
                ),
            )
            .given(given()));
        }
        if let Step::Returned(got) = step {
            return no_error(got).map_err(|failure| failure.given(given()));
        }
        now = now.wrapping_add(1);
        others.iter().for_each(|at| bytes[*at] = now);
        page.file().write_all_at(&bytes, 0)?;
    }
}

#[test]
fn can_be_called_by_several_threads() {
    check("mapping", threads_rule(), || {
        if !exchanges()? {
            return Ok(());
        }
        // So long that the calls overlap on one processor, too.
        let length = 16 * page_size() + 5;
        let before =
            [b'a', b'b'].map(|first| [vec![first; length + 9], vec![first.to_ascii_uppercase(); length + 9]].concat());
        let files = [unnamed_file(&before[0])?, unnamed_file(&before[1])?];
        // What is in the file after the call; then it is as before.
        let swapped = |file: &File, before: &[u8]| {
            answer(file, 0, 2, 2)?;
            let now = contents(file).map_err(error_text)?;
            file.write_all_at(before, 0).map_err(error_text).map(|()| now)
        };
        let [first, other] = [unnamed_file(b"aabb")?, unnamed_file(b"ccdd")?];
        let other = Arc::new(other);
        let call = || swapped(&first, b"aabb");
        // Who is wrong alone hears it from another check.
        let alone = ask(call).and_then(|got| {
            ensure(got == Ok(b"bbaa".to_vec()), || Failure::new(value(&()), words(&got, |_| value(&()))))
        });
        if !knows_the_basics(alone)? {
            return Ok(());
        }
        let found = |bytes: &Vec<u8>| {
            let bytes = bytes.escape_ascii();
            text!("the file is \"{bytes}\"", "文件变为 \"{bytes}\"")
        };
        is_right_beside_another_thread(
            &text!(
                "the file \"aabb\" and the file \"ccdd\", a = 0, b = 2, length = 2",
                "文件 \"aabb\" 和文件 \"ccdd\"，a = 0，b = 2，length = 2"
            ),
            call,
            move || swapped(&other, b"ccdd"),
            [b"bbaa".to_vec(), b"ddcc".to_vec()],
            found,
        )?;
        let given = text!("the file \"aabb\", a = 0, b = 2, length = 2", "文件 \"aabb\"，a = 0，b = 2，length = 2");
        is_right_where_another_is_faster(&given, call, &b"bbaa".to_vec(), found)?;
        let answers =
            ask(|| by_two_threads(files.each_ref().map(|file| || answer(file, 0, wide(length + 9), length))))?;
        let given = text!(
            "two threads, each with a file of its own, exchange {length} bytes at 0 with those at {} at the same time",
            "两个线程同时调用，各自把自己文件中偏移量 0 处的 {length} 字节与偏移量 {} 处的互换",
            length + 9
        );
        let judged = answers.iter().zip(&files).zip(&before).try_for_each(|((answer, file), before)| {
            ensure(answer.is_ok(), || Failure::new(value(&()), words(answer, value)))?;
            same_bytes(text!("the file", "文件"), &contents(file)?, &exchanged(before, 0, length + 9, length))
        });
        judged.map_err(|failure| failure.given(given))
    });
}

#[test]
fn leaves_descriptors_as_they_were() {
    check("lifetime", descriptors_rule(), || {
        let page = page_size();
        let size = 3 * page;
        let file = unnamed_file(&pattern(size))?;
        for_each(
            [(1, page + 5, page), (0, 2 * size, 1), (0, 1, 2)],
            |&(a, b, length)| describe(size, wide(a), wide(b), length),
            |&(a, b, length)| leaves_descriptors(&file, || answer(&file, wide(a), wide(b), length)),
        )
    });
}
