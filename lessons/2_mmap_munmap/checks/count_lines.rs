use super::*;

/// A file with newlines at these offsets, and the range and the window to count with.
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
        (
            near_page_boundaries(),
            prop::collection::vec(near_page_boundaries(), 0..12),
            near_page_boundaries(),
            near_page_boundaries(),
            window,
        )
            .prop_map(|(size, newlines, from, to, window)| Case { size, newlines, from, to, window })
    }

    fn words(&self) -> Text {
        let Case { size, newlines, from, to, window } = self;
        let mut newlines: Vec<_> = newlines.iter().filter(|at| *at < size).collect();
        newlines.sort_unstable();
        newlines.dedup();
        text!(
            "a file of {size} bytes with newlines at {newlines:?}, counted from {from} to {to}, window = {window}",
            "{size} 字节的文件，换行符位于 {newlines:?}，从 {from} 数到 {to}，window = {window}"
        )
    }

    /// How many newlines are in the range.
    fn wanted(&self) -> u64 {
        let contents = self.contents();
        let to = self.to.min(self.size);
        let range = contents.get(self.from.min(to)..to).unwrap_or_default();
        wide(range.iter().filter(|byte| **byte == b'\n').count())
    }

    fn contents(&self) -> Vec<u8> {
        // No text in UTF-8.
        let mut bytes = vec![0xa4; self.size];
        for &at in self.newlines.iter().filter(|at| **at < self.size) {
            bytes[at] = b'\n';
        }
        bytes
    }
}

fn answer(file: &File, from: u64, to: u64, window: usize) -> Result<u64, String> {
    super::count_lines(file, from, to, window).map_err(kind)
}

fn value(newlines: &u64) -> Text {
    text!("a count of {newlines}", "数出 {newlines}")
}

fn compare(wanted: u64, got: &Result<u64, String>) -> Result<(), Failure> {
    ensure(*got == Ok(wanted), || Failure::new(value(&wanted), words(got, value)))
}

/// Says why an error was returned.
fn why(got: &Result<u64, String>, seen: Result<Seen<Result<u64, String>>, Failure>, failure: Failure) -> Failure {
    let failure = match seen {
        Ok(seen) => seen.why_it_failed(failure),
        Err(other) => return other,
    };
    let probe = |at| Ok(answer(&unnamed_file(b"abc")?, at, 3, 1).is_ok());
    if_only_inside_a_page(got, failure, probe)
}

/// Whether it counts from inside a page on, through several pages. Where it doesn't, the check of that says so.
fn counts() -> Result<bool, Failure> {
    let size = 2 * page_size() + 9;
    let file = read_only(&unnamed_file(&vec![b'\n'; size])?)?;
    let got = ask(|| answer(&file, 1, wide(size), 2 * page_size()));
    knows_the_basics(got.and_then(|got| compare(wide(size) - 1, &got)))
}

#[test]
fn counts_each_newline_once() {
    let rule = text!(
        "mmap(2): a mapping begins at a page boundary of the file and has whole pages. The range may begin and end \
         inside a page.",
        "mmap(2)：映射从文件的页边界开始，长度是整数页；而要统计的范围可以在页的中间开始和结束。"
    );
    check("window", rule, || {
        let test = |case: &Case| {
            let file = read_only(&unnamed_file(&case.contents())?)?;
            let Case { from, to, window, .. } = *case;
            let call = || answer(&file, wide(from), wide(to), window);
            // A range that runs backwards needs no page, wherever the file ends.
            let got = ask(call).map_err(|failure| {
                let failure = at_the_end_if(failure, || from < to);
                if window == usize::MAX { with_large_numbers(failure) } else { failure }
            })?;
            compare(case.wanted(), &got).map_err(|failure| match got {
                Err(_) => why(&got, watch(&file, call), failure),
                Ok(_) => failure,
            })
        };
        // Newlines at all edges: of the range, of the pages, of the windows.
        let page = page_size();
        let edges = |size: usize| -> Vec<usize> {
            (0..=size / page).flat_map(|n| [n * page, n * page + 1, n * page + 7, (n + 1) * page - 1]).collect()
        };
        let cases = [(3, 0, 3, 1), (3 * page, 1, 3 * page, 1), (6 * page + 9, 7, 6 * page + 9, 2 * page)]
            .into_iter()
            .chain([(6 * page, page + 1, 5 * page + 1, page), (page + 1, 0, 4 * page, page + 1), (3, 3, 2, 1)]);
        for_each(
            cases.map(|(size, from, to, window)| Case { size, newlines: edges(size), from, to, window }),
            Case::words,
            test,
        )?;
        // Each byte beside a newline, before it and after it, at each place in a word of eight.
        let beside: Vec<_> = (0..=u8::MAX).filter(|byte| *byte != b'\n').flat_map(|byte| [b'\n', byte, byte]).collect();
        let bytes = [beside, vec![b'x'; 4]].concat().repeat(8);
        let (size, wanted) = (wide(bytes.len()), 8 * 255);
        let file = unnamed_file(&bytes)?;
        compare(wanted, &ask(|| answer(&file, 0, size, page))?).map_err(|failure| {
            failure.given(text!(
                "a file of {size} bytes: {wanted} newlines, each between two other bytes, of which there are all 255; from 0 to \
                 its end",
                "{size} 字节的文件：{wanted} 个换行符，每个都夹在两个别的字节之间，255 种字节都出现；从 0 到末尾"
            ))
        })?;
        let (size, on_disk) = (2 * page + 9, file_on_disk(&vec![b'\n'; 2 * page + 9])?);
        let got = ask(|| answer(&on_disk, 1, wide(size), 2 * page)).map_err(at_the_end)?;
        compare(wide(size) - 1, &got).map_err(|failure| {
            let given = text!("a file of {size} newlines, from 1 to its end", "{size} 个换行符的文件，从 1 到末尾");
            of_file_on_disk(failure, &given)
        })?;
        for_all(Case::any(), Case::words, test)
    });
}

#[test]
fn each_call_looks_at_its_file() {
    let rule = text!(
        "A store through a mapping changes the bytes at once, but never the size and not always the time of a file: only \
         the page cache knows them.",
        "通过映射写入会立刻改变内容，文件大小却不变，修改时间也未必变：只有页缓存知道现在的内容。"
    );
    check("window", rule, || {
        if !counts()? {
            return Ok(());
        }
        let page = page_size();
        let (one, other) = (unnamed_file(b"a\nb")?, unnamed_file(&vec![b'\n'; 2 * page])?);
        let got = ask(|| {
            let (of_one, of_other) = (|| answer(&one, 0, 9, 1), || answer(&other, 0, u64::MAX, page));
            let modified = one.metadata().and_then(|now| now.modified()).map_err(error_text)?;
            let (first, far) = (of_one(), of_other());
            let again = of_one();
            Mapping::of_file(&one, 0, 3, mmap_workbook::lesson_2::READ_WRITE, Sharing::Shared)
                .map_err(error_text)?
                .store(0, b'\n');
            one.set_modified(modified).map_err(error_text)?;
            let (stored, far_again) = (of_one(), of_other());
            other.set_len(3).map_err(error_text)?;
            Ok::<_, String>([first, far, again, stored, far_again, of_other()])
        })?
        .map_err(io::Error::other)?;
        let calls = [
            (1, text!("the file \"a\\nb\"", "文件 \"a\\nb\"")),
            (wide(2 * page), text!("another file, of {} newlines", "另一个文件，{} 个换行符", 2 * page)),
            (1, text!("the first file again", "再看第一个文件")),
            (2, text!("the first file, with a newline stored at 0", "第一个文件，偏移量 0 处写入换行符之后")),
            (wide(2 * page), text!("the other file again", "再看另一个文件")),
            (3, text!("the other file, truncated to 3 bytes", "另一个文件，截断为 3 字节之后")),
        ];
        got.iter().zip(calls).try_for_each(|(got, (wanted, given))| {
            compare(wanted, got).map_err(|failure| {
                failure.given(Text::new(
                    format!("several calls in one process; {}", given.en),
                    format!("同一进程中的多次调用；{}", given.zh),
                ))
            })
        })
    });
}

/// A store to the rest of the file's last page through a shared mapping of it stays there, without being in the file.
#[test]
fn counts_none_past_the_end() {
    check("window", rest_rule(), || {
        if !counts()? {
            return Ok(());
        }
        let page = page_size();
        let size = page + 5;
        let file = unnamed_file(&vec![b'\n'; size])?;
        let mapping = Mapping::of_file(&file, 0, 2 * page, mmap_workbook::lesson_2::READ_WRITE, Sharing::Shared)?;
        (size..2 * page).for_each(|at| mapping.store(at, b'\n'));
        for_each(
            [
                (0, wide(size), wide(size)),
                (0, u64::MAX, wide(size)),
                (wide(page), wide(2 * page), 5),
                (wide(size), u64::MAX, 0),
            ],
            |(from, to, _)| {
                text!(
                    "a file of {size} newlines, with newlines stored in the rest of its last page; from {from} to {to}",
                    "{size} 个换行符的文件，最后一页的剩余部分也写入了换行符；从 {from} 到 {to}"
                )
            },
            |&(from, to, wanted)| {
                let got = ask(|| answer(&file, from, to, page)).map_err(at_the_end)?;
                compare(wanted, &got).map_err(|failure| match got {
                    Ok(more) if more == wide(2 * page) - from => failure.shows(&belief::REST_IS_FILE),
                    _ => failure,
                })
            },
        )
    });
}

#[test]
fn reaches_as_far_as_files_do() {
    check("notes_program", off_t_rule(), || {
        if !counts()? {
            return Ok(());
        }
        let (middle, last) = (4 * GIB, 5 * GIB - 1);
        let file = read_only(&large_file(&[(middle - 1, b"\n\n\n"), (last, b"\n")])?)?;
        let ranges = [
            (middle, middle + 2, 2),
            (middle + 1, middle + 2, 1),
            (middle - 9, middle + 9, 3),
            (last - 5, u64::MAX, 1),
            (last, last, 0),
            (u64::MAX, u64::MAX, 0),
            (u64::MAX - 1, 3, 0),
            (0, 0, 0),
        ];
        for_each(
            ranges,
            |(from, to, _)| text!("a file of 5 GiB, from {from} to {to}", "5 GiB 的文件，从 {from} 到 {to}"),
            |&(from, to, wanted)| {
                let call = || answer(&file, from, to, 1 << 20);
                let got = ask_with_memory(64 << 20, call).map_err(with_large_numbers)?;
                compare(wanted, &got).map_err(|failure| match (watch(&file, call), &got) {
                    // Here 64 MiB of addresses are free.
                    (seen, Err(error)) if error == "ENOMEM" => {
                        why(&got, seen, failure).breaks("window", sliding_rule())
                    }
                    (seen, Err(_)) => why(&got, seen, failure),
                    (Ok(seen), Ok(_)) => seen.too_narrow(from, failure),
                    (Err(_), _) => failure,
                })
            },
        )
    });
}

/// Why the window slides.
fn sliding_rule() -> Text {
    text!(
        "A mapping takes addresses and page tables while it lives. A sliding window unmaps what it has shown, so the \
         file may be larger than memory and than the address space.",
        "映射存在多久，就占用多久的地址空间和页表。滑动的窗口会解除已经看过的部分，所以文件可以比内存和地址空间都大。"
    )
}

/// What a window has from inside a page on.
fn skipped_rule() -> Text {
    text!(
        "From inside a page on, the mapping begins at the page boundary before. The bytes that are skipped there are \
         mapped, too, so a limit on what is mapped covers them as well.",
        "从页的中间开始时，映射仍从它前面的页边界开始。跳过的那些字节同样被映射，窗口的上限把它们也算在内。"
    )
}

#[test]
fn slides_a_window_of_the_size_that_is_allowed() {
    check("window", sliding_rule(), || {
        if !counts()? {
            return Ok(());
        }
        let page = page_size();
        // The range and the window.
        let cases = [
            (0, 10 * page, 2 * page),
            (0, 10 * page, 4 * page),
            (7, 10 * page, 4 * page),
            (page, 10 * page, 3 * page),
            (page + 1, 10 * page, 3 * page),
            (0, 5 * page, page),
            (page - 1, 5 * page, 2 * page - 1),
            (7, page + 5, 4 * page),
            (1, 3 * page, 1),
            (0, 20 * page, 20 * page),
            (page, 10 * page, usize::MAX),
        ];
        let file = unnamed_file(&pattern(40 * page))?;
        // So few bytes that a mapping of each is soon seen.
        let calls = watch(&file, || answer(&file, 0, 100, page))?.maps().count();
        ensure(calls <= 1, || {
            too_many_calls(calls, 1).given(text!(
                "a file of 40 pages, from 0 to 100, window = {page}",
                "40 页的文件，从 0 到 100，window = {page}"
            ))
        })?;
        for_each(
            cases,
            |(from, to, window)| {
                text!(
                    "a file of 40 pages, from {from} to {to}, window = {window}",
                    "40 页的文件，从 {from} 到 {to}，window = {window}"
                )
            },
            |&(from, to, window)| {
                let seen = watch(&file, || answer(&file, wide(from), wide(to), window))
                    .map_err(|failure| if window == usize::MAX { with_large_numbers(failure) } else { failure })?;
                seen.maps_and_does_not_copy()?;
                seen.locks_nothing(true)?;
                seen.promises_no_copies()?;
                let most = seen.most;
                // The last window may reach past `to`.
                let allowed = window.checked_next_multiple_of(page).unwrap_or(usize::MAX);
                ensure(most <= wide(allowed), || {
                    let failure = Failure::new(
                        text!("at most {allowed} bytes are mapped at a time", "同一时刻最多映射 {allowed} 字节"),
                        text!("{most} bytes were mapped", "映射了 {most} 字节"),
                    );
                    // Only from inside a page on.
                    let skipped = from % page != 0
                        && watch(&file, || answer(&file, wide(from - from % page), wide(to), window))
                            .is_ok_and(|seen| seen.most <= wide(allowed));
                    if skipped {
                        return failure.breaks("window", skipped_rule());
                    }
                    let all = seen.maps().any(|call| call.arguments[1] / 2 >= wide(allowed));
                    // Not who only makes small windows larger.
                    let all = all && first_length(window).is_ok_and(|length| length >= 5 * GIB);
                    if all { failure.shows(&belief::MAP_IT_ALL) } else { failure }
                })?;
                let calls = seen.maps().count();
                let unaligned = from % page != 0;
                let enough = (to - from).div_ceil(allowed) + usize::from(unaligned);
                ensure(calls <= enough, || too_many_calls(calls, enough))?;
                seen.leaves_nothing_mapped()
            },
        )?;
        let size = wide(40 * page);
        each_leaves_nothing_mapped(
            &file,
            [(0, 0), (7, 7), (3, 2), (wide(5 * page), 1), (size, size + 1), (size + 7, u64::MAX), (u64::MAX, 0)]
                .into_iter()
                .flat_map(|(from, to)| [1, page, usize::MAX].map(|window| (from, to, window))),
            |(from, to, window)| {
                text!(
                    "a file of 40 pages, from {from} to {to}, window = {window}",
                    "40 页的文件，从 {from} 到 {to}，window = {window}"
                )
            },
            |&(from, to, window)| answer(&file, from, to, window),
        )?;
        let window = usize::MAX;
        let first = first_length(window)?;
        ensure(first >= 5 * GIB, || {
            Failure::new(
                text!(
                    "a call of mmap(2) for all of it, which is no more than a window",
                    "一次 mmap(2) 映射全部，因为总共不超过一个窗口"
                ),
                text!("it was called for {first} bytes", "要求映射的是 {first} 字节"),
            )
            .breaks("window", one_mapping_rule())
            .given(text!("a file of 5 GiB, a window of {window} bytes", "5 GiB 的文件，窗口为 {window} 字节"))
        })?;
        // Two calls have to be enough for it, but a page in 32 bits.
        if let Ok(window) = usize::try_from(4 * GIB + wide(page)) {
            let (first, least) = (first_length(window)?, GIB - wide(page));
            ensure(first >= least, || {
                Failure::new(
                    text!(
                        "two calls of mmap(2), so the first is for {least} bytes or more",
                        "两次 mmap(2)，所以第一次至少 {least} 字节"
                    ),
                    text!("it was called for {first} bytes", "要求映射的是 {first} 字节"),
                )
                .breaks("window", one_mapping_rule())
                .given(text!("a file of 5 GiB, a window of {window} bytes", "5 GiB 的文件，窗口为 {window} 字节"))
            })?;
        }
        goes_through_the_whole_window()
    });
}

/// There were more calls than the windows need.
fn too_many_calls(calls: usize, enough: usize) -> Failure {
    Failure::new(
        text!("calls of mmap(2): {enough} at most", "最多调用 {enough} 次 mmap(2)"),
        text!("there were {calls}", "调用了 {calls} 次"),
    )
    .breaks("window", one_mapping_rule())
}

/// To count 4 GiB takes long. So just before they are mapped the file is truncated to two pages: who loads more is killed
/// by a SIGBUS, which is as it should be. Only who returns a count has not looked.
fn goes_through_the_whole_window() -> Result<(), Failure> {
    let (file, to) = (large_file(&[])?, 4 * GIB + 5);
    let (id, mut mapped) = (FileId::of(&file)?, 0);
    let watched = mmap_workbook::grade::watch_each(
        || answer(&file, 0, to, usize::MAX),
        |_, seen| {
            if maps_file(seen, id) {
                mapped += 1;
                file.set_len(2 * page_size_u64())?;
            }
            Ok(false)
        },
    );
    // Who asks for the size only now knows that there is no more.
    let asks = |watched: &Watched<_>| {
        let after = watched.calls.iter().skip_while(|seen| !maps_file(seen, id));
        after.skip(1).any(|seen| SIZES.contains(&seen.call.number))
    };
    match watched {
        Ok(watched) if watched.answer.is_ok() && mapped > 0 && !asks(&watched) => Err(Failure::new(
            text!("each byte of the range is loaded", "范围内的每个字节都读取了"),
            text!(
                "it returned a count without a load past the second page, which would have been a SIGBUS",
                "没有读第二页之后的内容就返回了结果；真去读的话会遇到 SIGBUS"
            ),
        )
        .given(text!(
            "a file of 5 GiB, from 0 to {to}, a window of {} bytes; just before it is mapped, the file is truncated to two \
             pages",
            "5 GiB 的文件，从 0 到 {to}，窗口为 {} 字节；映射之前的一刻，文件被截断为两页",
            usize::MAX
        ))),
        _ => Ok(()),
    }
}

/// How many bytes of a file of 5 GiB the first mmap(2) is called for. To count would take too long: it is made to fail.
fn first_length(window: usize) -> Result<u64, Failure> {
    let file = large_file(&[])?;
    let id = FileId::of(&file)?;
    let seen = watch_failing(&file, || answer(&file, 0, 5 * GIB, window), |seen| maps_file(seen, id))?;
    Ok(seen.tried().next().map_or(0, |call| call.arguments[1]))
}

#[test]
fn needs_no_memory_for_the_file() {
    let rule = text!(
        "A mapping of a file shows pages of the page cache, which the kernel takes back when memory is short. A copy or \
         a locked page stays.",
        "文件映射显示的是页缓存中的页，内存不足时内核可以收回。复制出来的字节、锁定的页则收不回去。"
    );
    check("window", rule, || {
        if !counts()? {
            return Ok(());
        }
        let page = page_size();
        let size = 128 * page;
        let file = unnamed_file(b"")?;
        // With a small buffer here: what this process frees is memory that the call may use. More newlines than 16 bits count.
        let from = size / 2;
        file.set_len(wide(size))?;
        (1..=17).try_for_each(|n| file.write_all_at(&vec![b'\n'; page], wide(size - n * page)))?;
        let lines = wide(17 * page);
        let in_little = |window: usize, memory: usize| -> Result<(), Failure> {
            let got = ask_with_memory(wide(memory), || answer(&file, wide(from), wide(size), window));
            got.map_err(of_many_mappings).and_then(|got| compare(lines, &got)).map_err(|failure| {
                failure.given(text!(
                    "a file of {size} bytes, from {from} to its end, window = {window}; {memory} bytes of addresses are free \
                     (RLIMIT_AS)",
                    "{size} 字节的文件，从 {from} 到末尾，window = {window}；可用的地址空间为 {memory} 字节（RLIMIT_AS）"
                ))
            })
        };
        in_little(4 * page, 24 * page)?;
        // Not even a copy of one window. What is free on the heap is left, but it does not grow.
        let window = size / 2;
        let got = ask(|| {
            setrlimit(Resource::RLIMIT_DATA, 0, 0).map_err(error_text)?;
            answer(&file, wide(from), wide(size), window)
        })
        .map_err(of_many_mappings)
        .and_then(|got| compare(lines, &got));
        got.map_err(|failure| {
            failure.given(text!(
                "a file of {size} bytes, from {from} to its end, window = {window}; no private memory can be added (RLIMIT_DATA)",
                "{size} 字节的文件，从 {from} 到末尾，window = {window}；不能再增加私有内存（RLIMIT_DATA）"
            ))
        })?;
        // Nor one in shared memory.
        in_little(window, window + 24 * page)
    });
}

#[test]
fn refuses_an_empty_window() {
    let rule = text!("mmap(2): EINVAL when the length is 0.", "mmap(2)：长度为 0 时返回 EINVAL。");
    check("refusals", rule, || {
        let file = unnamed_file(b"a\nb\n")?;
        let ranges = [(0, 4), (0, 0), (3, 1), (9, u64::MAX)];
        let describe = |(from, to): &(u64, u64)| {
            text!("a file of 4 bytes, from {from} to {to}, a window of 0", "4 字节的文件，从 {from} 到 {to}，窗口为 0")
        };
        for_each(ranges, describe, |&(from, to)| is_error(&ask(|| answer(&file, from, to, 0))?, &INVALID, value))?;
        each_leaves_nothing_mapped(&file, ranges, describe, |&(from, to)| answer(&file, from, to, 0))
    });
}

#[test]
fn returns_the_error_of_a_mapping() {
    let rule = text!(
        "mmap(2) fails with ENOMEM when no range of addresses of that length is free. What was counted before is not the \
         answer, and a smaller window is not what was asked for.",
        "没有这么长的空闲地址时，mmap(2) 以 ENOMEM 失败。此前数出的不是答案，更小的窗口也不是调用者要的。"
    );
    check("refusals", rule, || {
        if !counts()? {
            return Ok(());
        }
        let page = page_size();
        with_failing_mappings(
            &text!("a file of 3 pages, from 1 to its end, a window of 1 page", "3 页的文件，从 1 到末尾，窗口为 1 页"),
            || Ok(unnamed_file(&vec![b'\n'; 3 * page])?),
            |file| answer(file, 1, wide(3 * page), page),
            value,
            |_| Ok(()),
        )?;
        let given = text!("the file \"a\\nb\", from 0 to 3, a window of 1", "文件 \"a\\nb\"，从 0 到 3，窗口为 1");
        with_other_failures(
            &given,
            || Ok(unnamed_file(b"a\nb")?),
            |file| answer(file, 0, 3, 1),
            |_, lines| *lines == 1,
            value,
        )?;
        with_failing_munmap(&given, &unnamed_file(b"a\nb")?, |file| answer(file, 0, 3, 1), &1, value, |_| Ok(()))?;
        let file = large_file(&[])?;
        let window = 2 << 20;
        let got = ask_with_memory(1 << 20, || answer(&file, 0, wide(window), window)).map_err(of_many_mappings);
        got.and_then(|got| is_error(&got, &["ENOMEM"], value)).map_err(|failure| {
            failure.given(text!(
                "a window of {window} bytes, where only half as many addresses are free",
                "窗口为 {window} 字节，而空闲的地址只有它的一半"
            ))
        })
    });
}

#[test]
fn leaves_descriptors_as_they_were() {
    check("lifetime", descriptors_rule(), || {
        let page = page_size();
        let file = unnamed_file(&pattern(3 * page))?;
        for_each(
            [(0, 3 * page, 2 * page), (1, 1, page), (0, 9 * page, 2 * page), (3 * page, 0, 0)],
            |(from, to, window)| {
                text!(
                    "a file of 3 pages, from {from} to {to}, window = {window}",
                    "3 页的文件，从 {from} 到 {to}，window = {window}"
                )
            },
            |&(from, to, window)| leaves_descriptors(&file, || answer(&file, wide(from), wide(to), window)),
        )
    });
}

#[test]
fn can_be_called_by_several_threads() {
    check("mapping", threads_rule(), || {
        let page = page_size();
        let size = 24 * page;
        let files = [unnamed_file(&vec![b'\n'; size])?, unnamed_file(&vec![b'a'; size])?];
        let [first, other] =
            [unnamed_file(&[b"\n", &vec![b'a'; 2 * page][..], b"\n"].concat())?, unnamed_file(b"\n\n\n")?];
        let other = Arc::new(other);
        let call = || answer(&first, 0, wide(2 * page + 2), page);
        // Who is wrong alone hears it from another check.
        if !knows_the_basics(ask(call).and_then(|got| compare(2, &got)))? {
            return Ok(());
        }
        let given =
            text!("a file of 3 pages with 2 newlines, a window of one page", "3 页的文件，2 个换行符，窗口为一页");
        let both = Text::new(
            format!("{}, and a file of 3 newlines", given.en),
            format!("{}；另有 3 个换行符的文件", given.zh),
        );
        is_right_beside_another_thread(&both, call, move || answer(&other, 0, 3, page), [2, 3], value)?;
        is_right_where_another_is_faster(&given, call, &2, value)?;
        // Long enough for the calls to overlap on one processor, too.
        let got = ask(|| by_two_threads(files.each_ref().map(|file| || answer(file, 0, wide(size), page))))?;
        got.iter().zip([wide(size), 0]).try_for_each(|(got, wanted)| {
            compare(wanted, got).map_err(|failure| {
                failure.given(text!(
                    "two threads at the same time: one with a file of {size} newlines, one with a file of {size} other bytes",
                    "两个线程同时调用：一个的文件是 {size} 个换行符，另一个的是 {size} 个其他字节"
                ))
            })
        })
    });
}
