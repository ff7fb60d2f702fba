use super::*;

fn answer(file: &File, offset: u64) -> Result<Option<u8>, String> {
    super::byte_at(file, offset).map_err(kind)
}

fn value(byte: &Option<u8>) -> Text {
    match byte {
        Some(byte) => text!("the byte {byte:#04x}", "字节 {byte:#04x}"),
        None => text!("no byte, since the file ends there or before", "没有字节，因为文件到此或更早已经结束"),
    }
}

/// What comes of an offset in a file of two bytes.
fn after_two_bytes(offset: usize) -> Result<Result<Option<u8>, String>, Failure> {
    let file = unnamed_file(b"ab")?;
    ask(|| answer(&file, wide(offset)))
}

/// [`at_the_end`], unless it is the first byte there only, or the end of another file or another time.
fn past_the_end(failure: Failure) -> Failure {
    at_the_end_if(failure, || {
        after_two_bytes(2 * page_size() + 1).is_err_and(|failure| failure.died_of() == Some(Cause::NoPage))
    })
}

/// Expects this byte.
fn compare(file: &File, offset: u64, wanted: Option<u8>) -> Result<(), Failure> {
    let got = ask(|| answer(file, offset)).map_err(past_the_end)?;
    if got == Ok(wanted) {
        return Ok(());
    }
    let failure = Failure::new(value(&wanted), words(&got, value));
    if got == Ok(Some(0)) && wanted.is_none() {
        // Not who is wrong about the first byte there only.
        let rest = matches!(after_two_bytes(3), Ok(Ok(Some(0))));
        return Err(if rest { failure.shows(&belief::REST_IS_FILE).breaks("window", rest_rule()) } else { failure });
    }
    let seen = watch(file, || answer(file, offset))?;
    let probe = |at| Ok(answer(&unnamed_file(b"ab")?, at).is_ok());
    Err(match got {
        Err(_) => if_only_inside_a_page(&got, seen.why_it_failed(failure), probe),
        Ok(_) => seen.too_narrow(offset, failure),
    })
}

/// Whether it finds a byte inside a page, and the end of the file. Where it doesn't, the check of that says so.
fn finds_bytes() -> Result<bool, Failure> {
    let (small, page) = (read_only(&unnamed_file(b"0123456789")?)?, page_size());
    let bytes = pattern(page + 2);
    let large = read_only(&unnamed_file(&bytes)?)?;
    let is = |file: &File, offset: usize, wanted: Option<u8>| {
        let got = ask(|| answer(file, wide(offset)))?;
        ensure(got == Ok(wanted), || Failure::new(value(&wanted), words(&got, value)))
    };
    knows_the_basics(
        is(&small, 9, Some(b'9'))
            .and_then(|()| is(&large, page + 1, bytes.last().copied()))
            .and_then(|()| is(&small, 10, None))
            .and_then(|()| is(&small, 2 * page + 1, None)),
    )
}

#[test]
fn is_the_files_byte_or_none() {
    let rule = text!(
        "mmap(2): the offset has to be a multiple of the page size, sysconf(_SC_PAGE_SIZE). The rest of the file's \
         last page is mapped as zeros, and is no part of the file; an access to a page past it raises SIGBUS.",
        "mmap(2)：偏移量必须是页大小（sysconf(_SC_PAGE_SIZE)）的整数倍。文件最后一页中超出文件末尾的部分映射为零，但不属于文件；再往后的页，一访问就引发 SIGBUS。"
    );
    check("window", rule, || {
        let describe = |&(size, offset): &(usize, usize)| {
            text!("a file of {size} bytes, offset {offset}", "{size} 字节的文件，偏移量 {offset}")
        };
        let test = |&(size, offset): &(usize, usize)| {
            let bytes = pattern(size);
            compare(&read_only(&unnamed_file(&bytes)?)?, wide(offset), bytes.get(offset).copied())
        };
        // The simplest cases first: shrinking would not find them from a file that ends at a page boundary.
        let page = page_size();
        let cases =
            [(10, 10), (10, 9), (page, page - 1), (page + 2, page), (page + 2, page + 1), (page + 2, page + 2), (0, 0)];
        for_each(cases.into_iter().chain([(10, 2 * page + 1)]), describe, test)?;
        // No byte is like the rest of the page, nor like an error.
        let all: Vec<_> = (0..=u8::MAX).collect();
        let every = unnamed_file(&all)?;
        let got = ask(|| all.iter().map(|at| answer(&every, (*at).into())).collect::<Vec<_>>())?;
        got.iter().zip(all).try_for_each(|(got, byte)| {
            ensure(*got == Ok(Some(byte)), || {
                let given =
                    text!("a file of the bytes 0 to 255, offset {byte}", "由字节 0 到 255 组成的文件，偏移量 {byte}");
                Failure::new(value(&Some(byte)), words(got, value)).given(given)
            })
        })?;
        for_each(
            [0, wide(2 * page + 1), wide(3 * page - 1)],
            |offset| {
                text!(
                    "a file of 3 pages without a single block, offset {offset}",
                    "3 页的文件，一个磁盘块也没有，偏移量 {offset}"
                )
            },
            |&offset| {
                let hole = unnamed_file(b"")?;
                hole.set_len(wide(3 * page))?;
                compare(&read_only(&hole)?, offset, Some(0))
            },
        )?;
        let on_disk = file_on_disk(&pattern(2 * page))?;
        compare(&on_disk, wide(page + 9), Some(pattern(page + 10)[page + 9])).map_err(|failure| {
            let (en, zh) =
                (format!("a file of 2 pages, offset {}", page + 9), format!("2 页的文件，偏移量 {}", page + 9));
            of_file_on_disk(failure, &Text::new(en, zh))
        })?;
        for_all((near_page_boundaries(), near_page_boundaries()), describe, test)
    });
}

#[test]
fn each_call_looks_at_its_file() {
    let rule = text!(
        "The size of a file may change from one call to the next, and so may its bytes: fstat(2) and the page cache \
         know them.",
        "文件的大小和内容在两次调用之间都可能改变；问 fstat(2) 和页缓存才知道。"
    );
    check("window", rule, || {
        if !finds_bytes()? {
            return Ok(());
        }
        let page = page_size();
        let (short, long) = (unnamed_file(b"ab")?, unnamed_file(&vec![b'x'; 2 * page])?);
        let grown = wide(page + 1);
        let got = ask(|| {
            let first = [answer(&short, 1), answer(&long, 1), answer(&long, grown), answer(&short, grown)];
            short.write_all_at(b"c", grown).map_err(kind)?;
            short.write_all_at(b"y", 1).map_err(kind)?;
            long.set_len(1).map_err(kind)?;
            let modified = long.metadata().and_then(|now| now.modified()).map_err(kind)?;
            let then = [answer(&short, 1), answer(&short, grown), answer(&long, grown), answer(&long, 0)];
            long.write_all_at(b"z", 0).map_err(kind)?;
            // As if both had happened at the same moment.
            long.set_modified(modified).map_err(kind)?;
            Ok::<_, String>(first.into_iter().chain(then).chain([answer(&long, 0)]).collect::<Vec<_>>())
        })
        .map_err(|failure| {
            past_the_end(failure)
                .given(text!("several calls in one process, with two files", "同一进程中的多次调用，涉及两个文件"))
        })?
        .map_err(io::Error::other)?;
        let x = Some(b'x');
        let calls = [
            (Some(b'b'), text!("the file \"ab\", offset 1", "文件 \"ab\"，偏移量 1")),
            (x, text!("another file, of two pages of `x`, offset 1", "另一个文件（两页 `x`），偏移量 1")),
            (x, text!("that file, offset {grown}", "还是那个文件，偏移量 {grown}")),
            (None, text!("the file \"ab\" again, offset {grown}", "再看文件 \"ab\"，偏移量 {grown}")),
            (
                Some(b'y'),
                text!(
                    "the file \"ab\" with `y` stored at 1, offset 1",
                    "文件 \"ab\" 的偏移量 1 处写入 `y` 之后，偏移量 1"
                ),
            ),
            (
                Some(b'c'),
                text!(
                    "that file, grown to {grown} and `c`, offset {grown}",
                    "那个文件在偏移量 {grown} 处写入 `c`、因而变长之后，偏移量 {grown}"
                ),
            ),
            (
                None,
                text!(
                    "the other file, truncated to 1 byte, offset {grown}",
                    "另一个文件截断为 1 字节之后，偏移量 {grown}"
                ),
            ),
            (x, text!("that file, offset 0", "那个文件，偏移量 0")),
            (
                Some(b'z'),
                text!("that file with `z` stored at 0, offset 0", "那个文件的偏移量 0 处写入 `z` 之后，偏移量 0"),
            ),
        ];
        got.iter().zip(calls).try_for_each(|(got, (wanted, given))| {
            ensure(*got == Ok(wanted), || {
                let given = Text::new(
                    format!("several calls in one process; {}", given.en),
                    format!("同一进程中的多次调用；{}", given.zh),
                );
                Failure::new(value(&wanted), words(got, value)).given(given)
            })
        })?;
        one_descriptor_after_another()
    });
}

/// One file that becomes shorter, and then another one with its descriptor, as the lowest that is free.
fn one_descriptor_after_another() -> Result<(), Failure> {
    let (size, last) = (2 * page_size(), wide(2 * page_size()) - 1);
    let given = text!(
        "in one process, each time offset {last}: a file of {size} `x`, the same one truncated to 1 byte, a file of {size} `y` \
         with the same descriptor, an empty file with it",
        "同一进程中，每次都是偏移量 {last}：{size} 个 `x` 的文件；它截断为 1 字节之后；换成 {size} 个 `y` 的文件，描述符不变；再换成空文件"
    );
    let got = ask(|| {
        let file = unnamed_file(&vec![b'x'; size]).map_err(error_text)?;
        let long = answer(&file, last);
        file.set_len(1).map_err(error_text)?;
        let short = answer(&file, last);
        drop(file);
        let file = unnamed_file(&vec![b'y'; size]).map_err(error_text)?;
        let other = answer(&file, last);
        drop(file);
        Ok::<_, String>([long, short, other, answer(&unnamed_file(b"").map_err(error_text)?, last)])
    });
    let got = got.map_err(|failure| failure.given(given.clone()))?.map_err(io::Error::other)?;
    got.iter().zip([Some(b'x'), None, Some(b'y'), None]).try_for_each(|(got, wanted)| {
        ensure(*got == Ok(wanted), || Failure::new(value(&wanted), words(got, value)).given(given.clone()))
    })
}

#[test]
fn reaches_as_far_as_files_do() {
    check("notes_program", off_t_rule(), || {
        if !maps_one_page()? {
            return Ok(());
        }
        let last = 5 * GIB - 1;
        let places: [(u64, &[u8]); 4] = [(0, b"0"), (2 * GIB, b"2"), (4 * GIB + 1, b"4"), (last, b"5")];
        let file = read_only(&large_file(&places)?)?;
        let wanted = [(2 * GIB, Some(b'2')), (4 * GIB + 1, Some(b'4')), (last, Some(b'5'))];
        let beyond = [last + 1, 1 << 40, i64::MAX.unsigned_abs(), u64::MAX - 1, u64::MAX].map(|offset| (offset, None));
        for_each(
            wanted.into_iter().chain(beyond),
            |(offset, _)| text!("a file of 5 GiB, offset {offset}", "5 GiB 的文件，偏移量 {offset}"),
            |&(offset, wanted)| compare(&file, offset, wanted).map_err(with_large_numbers),
        )?;
        // More pages than 32 bits count, and nearly as many as 64 bits of bytes.
        for_each(
            [(1 << 44) + 2, (1 << 62) + page_size_u64() + 1],
            |offset| text!("a file of {} bytes, offset {offset}", "{} 字节的文件，偏移量 {offset}", offset + 1),
            |&offset| {
                let file = file_in_memory(offset + 1)?;
                file.write_all_at(b"!", offset)?;
                compare(&read_only(&file)?, offset, Some(b'!')).map_err(with_large_numbers)
            },
        )
    });
}

/// Whether it loads from a mapping of one page. Where it doesn't, the check of that says so.
fn maps_one_page() -> Result<bool, Failure> {
    let file = unnamed_file(&pattern(9 * page_size()))?;
    let seen = watch(&file, || answer(&file, wide(page_size() + 1)));
    let judged = seen.and_then(|seen| {
        seen.maps_and_does_not_copy()?;
        ensure(seen.most <= page_size_u64(), || Failure::new(value(&None), words(&seen.answer, value)))
    });
    Ok(finds_bytes()? && knows_the_basics(judged)?)
}

#[test]
fn maps_one_page_and_unmaps_it() {
    let rule = text!(
        "A mapping takes addresses for all of its pages, whether they are accessed or not. One byte needs only the page \
         that it is in.",
        "映射有多长，就占用多少地址，访问与否都一样。读一个字节，只需要它所在的那一页。"
    );
    check("window", rule, || {
        if !finds_bytes()? {
            return Ok(());
        }
        let page = page_size();
        let offsets = [8 * page + 1, 0, page - 1, page, 2 * page + 1];
        let file = unnamed_file(&pattern(9 * page))?;
        for_each(
            offsets,
            |at| text!("a file of 9 pages, offset {at}", "9 页的文件，偏移量 {at}"),
            |&at| {
                let seen = watch(&file, || answer(&file, wide(at)))?;
                seen.maps_and_does_not_copy()?;
                let most = seen.most;
                ensure(most <= wide(page), || {
                    let failure = Failure::new(
                        text!(
                            "at most one page of the file is mapped: {page} bytes",
                            "最多映射文件的一页：{page} 字节"
                        ),
                        text!("{most} bytes were mapped", "映射了 {most} 字节"),
                    );
                    let all = most > 2 * wide(page) && first_length(2 * GIB).is_ok_and(|length| length >= 2 * GIB);
                    if all { failure.shows(&belief::MAP_IT_ALL) } else { failure }
                })
            },
        )?;
        // Two calls, so that a page which the next call unmaps is told from one that nothing unmaps.
        watch(&file, || [answer(&file, 1), answer(&file, wide(page + 1))])?.leaves_nothing_mapped().map_err(
            |failure| {
                failure.given(text!(
                    "a file of 9 pages, offset 1 and then {}",
                    "9 页的文件，先是偏移量 1，再是 {}",
                    page + 1
                ))
            },
        )?;
        let size = wide(9 * page);
        let file = unnamed_file(&pattern(9 * page - 5))?;
        each_leaves_nothing_mapped(
            &file,
            [size - 5, size - 1, size, size + 1, 2 * size, 1 << 40, i64::MAX.unsigned_abs(), u64::MAX],
            |at| text!("a file of {} bytes, offset {at}", "{} 字节的文件，偏移量 {at}", size - 5),
            |at| answer(&file, *at),
        )
    });
}

/// How many bytes of a file of 5 GiB the first mmap(2) is called for. To map them may take memory: it is made to fail.
fn first_length(offset: u64) -> Result<u64, Failure> {
    let file = large_file(&[])?;
    let id = FileId::of(&file)?;
    let seen = watch_failing(&file, || answer(&file, offset), |seen| maps_file(seen, id))?;
    Ok(seen.tried().next().map_or(0, |call| call.arguments[1]))
}

#[test]
fn leaves_descriptors_as_they_were() {
    check("lifetime", descriptors_rule(), || {
        let page = page_size();
        let file = unnamed_file(&pattern(page))?;
        for_each(
            [1, 2 * page + 1],
            |at| text!("a file of one page, offset {at}", "一页的文件，偏移量 {at}"),
            |&at| leaves_descriptors(&file, || answer(&file, wide(at))),
        )
    });
}

#[test]
fn can_be_called_by_several_threads() {
    check("mapping", threads_rule(), || {
        if !finds_bytes()? {
            return Ok(());
        }
        let files = [unnamed_file(b"ab")?, unnamed_file(b"cd")?];
        // Who is wrong alone hears it from another check.
        if !knows_the_basics(compare(&files[0], 1, Some(b'b')))? {
            return Ok(());
        }
        let other = Arc::new(files[1].try_clone()?);
        is_right_beside_another_thread(
            &text!("offset 1 of the file \"ab\" and of the file \"cd\"", "文件 \"ab\" 和文件 \"cd\"，偏移量都是 1"),
            || answer(&files[0], 1),
            move || answer(&other, 1),
            [Some(b'b'), Some(b'd')],
            value,
        )?;
        let given = text!("the file \"ab\", offset 1", "文件 \"ab\"，偏移量 1");
        is_right_where_another_is_faster(&given, || answer(&files[0], 1), &Some(b'b'), value)
    });
}

#[test]
fn returns_the_error_of_a_mapping() {
    let rule = text!(
        "mmap(2) returns MAP_FAILED, which is (void *) -1, when it fails, and errno says why. The caller gets that error.",
        "mmap(2) 失败时返回 MAP_FAILED，即 (void *) -1，原因在 errno 里。调用者应当得到这个错误。"
    );
    check("refusals", rule, || {
        if !finds_bytes()? {
            return Ok(());
        }
        with_failing_mappings(
            &text!("the file \"abc\", offset 2", "文件 \"abc\"，偏移量 2"),
            || Ok(unnamed_file(b"abc")?),
            |file| answer(file, 2),
            value,
            |_| Ok(()),
        )?;
        let given = text!("the file \"abc\", offset 2", "文件 \"abc\"，偏移量 2");
        with_other_failures(
            &given,
            || Ok(unnamed_file(b"abc")?),
            |file| answer(file, 2),
            |_, byte| *byte == Some(b'c'),
            value,
        )?;
        with_failing_munmap(&given, &unnamed_file(b"abc")?, |file| answer(file, 2), &Some(b'c'), value, |_| Ok(()))
    });
}
