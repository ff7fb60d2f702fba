use super::*;

/// The result, as a child can send it.
type Counted = Result<usize, String>;

fn sent(result: Result<usize, GuardError>) -> Counted {
    result.map_err(|error| format!("{error:?}"))
}

fn counted(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<Counted, Failure> {
    ask(|| sent(count_guarded(guarded, range, byte)))
}

/// The rule for a page that is missing.
fn names_the_page(failure: Failure) -> Failure {
    failure.breaks(
        "guarded",
        text!(
            "Guarded::read fails with NoPage where the file has no page, and names the first such page of what it was \
             to read",
            "Guarded::read 遇到文件没有的页就返回 NoPage，指出的是所读范围中第一个这样的页"
        ),
    )
}

/// The rule for many reads, and for large ones.
fn reads_blocks(failure: Failure) -> Failure {
    failure.breaks(
        "guarded",
        text!(
            "a guarded read makes a pipe, and two calls for each page; a mapping may be larger than memory",
            "每次 Guarded::read 都要创建一个管道，每页再加两次调用；映射可以比内存还大"
        ),
    )
}

fn expect(got: &Counted, wanted: &Counted) -> Result<(), Failure> {
    ensure(got == wanted, || {
        let [got, wanted] = [got, wanted].map(in_words);
        Failure::new(text!("{wanted}", "{wanted}"), text!("{got}", "{got}"))
    })
}

/// A result as the contract writes it.
fn in_words(counted: &Counted) -> String {
    match counted {
        Ok(count) => format!("Ok({count})"),
        Err(error) => format!("Err({error})"),
    }
}

/// The rule for an empty range.
fn has_no_byte(failure: Failure) -> Failure {
    failure.breaks(
        "guarded",
        text!(
            "an empty range has no byte to read; Guarded::read is Outside where it begins past the mapping",
            "空范围里没有字节可读；而从映射之后开始的 Guarded::read 会返回 Outside"
        ),
    )
}

#[test]
fn counts_what_the_mapping_shows() {
    let law = text!(
        "mmap(2): the mapping shows the file's bytes, and zeros for the rest of its last page",
        "mmap(2)：映射显示文件的字节，最后一页的剩余部分显示为零"
    );
    check("guarded", law, || {
        let page = page_size();
        for_each(
            [
                // More than a count of 8 bits, and than one block.
                (3 * page, 0, 1..3 * page - 1, b'x'),
                (10, 0, 5..page, 0),
                (2 * page, 1, 7..page, b'x'),
                (2 * page, 0, page..4 * page, b'x'),
                (page, 2, 2 * page + 3..2 * page + 4, b'x'),
            ],
            given,
            case,
        )?;
        for_all(
            (near_page_boundaries(), near_page_boundaries(), near_page_boundaries(), 0..3_u64, 0..4_u8).prop_map(
                |(size, one, other, first_page, byte)| (size, first_page, one.min(other)..one.max(other), byte),
            ),
            given,
            case,
        )
    });
}

/// A size, a first page, a range and a byte: the file is full of `x` if that is the byte, and else has a pattern.
type Case = (usize, u64, Range<usize>, u8);

fn given((size, first_page, range, byte): &Case) -> Text {
    text!(
        "a file of {size} bytes, mapped from page {first_page} of it on; the range {range:?}, the byte {byte}",
        "{size} 字节的文件，从第 {first_page} 页起映射；范围 {range:?}，字节 {byte}"
    )
}

fn case((size, first_page, range, byte): &Case) -> Result<(), Failure> {
    let (size, length, offset) = (*size, 4 * page_size(), first_page * page_size_u64());
    let content = if *byte == b'x' { vec![b'x'; size] } else { pattern(size) };
    let file = tempfile::tempfile()?;
    file.write_all_at(&content, 0)?;
    let guarded = Guarded::new(file.try_clone()?, offset, length)?;
    let missing = range.clone().find(|&at| rule(wide(size), offset, length, at) == Some(Cause::NoPage));
    let wanted = match missing {
        Some(at) => {
            Err(GuardError::NoPage { page: at / page_size(), offset: offset + wide(at), file_size: wide(size) })
        }
        None => {
            let skipped = usize::try_from(offset).unwrap_or(0);
            let shown = |at: usize| content.get(skipped + at).copied().unwrap_or(0);
            Ok(range.clone().filter(|&at| shown(at) == *byte).count())
        }
    };
    expect(&counted(&guarded, range.clone(), *byte)?, &sent(wanted)).map_err(|failure| match missing {
        Some(_) => names_the_page(failure),
        None if range.is_empty() => has_no_byte(failure),
        None => failure,
    })?;
    same_bytes(text!("the file", "文件"), &contents(&file)?, &content).map_err(|failure| {
        let rule = text!(
            "Guarded::read changes nothing in the file; Guarded::write does, as does a new size",
            "Guarded::read 不会改动文件；Guarded::write 和改变文件大小则会"
        );
        failure.breaks("guarded", rule)
    })
}

#[test]
fn passes_other_errors_on() {
    let law = text!(
        "Guarded::read: Outside past the mapping; Call when a system call fails",
        "Guarded::read：越出映射是 Outside；系统调用失败是 Call"
    );
    check("guarded", law, || {
        let page = page_size();
        let file = tempfile::tempfile()?;
        file.write_all_at(&pattern(2 * page), 0)?;
        let guarded = Guarded::new(file, 0, 2 * page)?;
        for_each(
            [
                (0..2 * page + 1, Err(GuardError::Outside)),
                (3 * page..4 * page, Err(GuardError::Outside)),
                (7..7, Ok(0)),
                (0..0, Ok(0)),
                (2 * page..2 * page, Ok(0)),
                (5 * page..5 * page, Ok(0)),
            ],
            |(range, _)| text!("two pages mapped, the range {range:?}", "映射了两页，范围 {range:?}"),
            |(range, wanted)| {
                let got = counted(&guarded, range.clone(), 7)?;
                expect(&got, &sent(*wanted))
                    .map_err(|failure| if range.is_empty() { has_no_byte(failure) } else { failure })
            },
        )?;
        missing_and_outside()?;
        let got = ask(|| {
            let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).map_err(error_text)?;
            setrlimit(Resource::RLIMIT_NOFILE, 0, hard).map_err(error_text)?;
            sent(count_guarded(&guarded, 0..page, 7))
        })?;
        expect(&got, &sent(Err(GuardError::Call(Errno::EMFILE)))).map_err(|failure| {
            failure.given(text!(
                "a process that may open no more descriptors (RLIMIT_NOFILE)",
                "进程的描述符已到上限（RLIMIT_NOFILE）"
            ))
        })
    });
}

/// Which error it is depends on the blocks in which an answer reads.
fn missing_and_outside() -> Result<(), Failure> {
    let page = page_size();
    let file = tempfile::tempfile()?;
    file.write_all_at(&pattern(page), 0)?;
    let guarded = Guarded::new(file, 0, 2 * page)?;
    for_each(
        [0..3 * page, page + 5..2 * page + 10],
        |range| {
            text!(
                "a file of one page, two pages mapped, the range {range:?}",
                "一页大小的文件，映射了两页，范围 {range:?}"
            )
        },
        |range| {
            let offset = wide(range.start.max(page));
            let missing = sent(Err(GuardError::NoPage { page: 1, offset, file_size: page_size_u64() }));
            let outside = sent(Err(GuardError::Outside));
            let got = counted(&guarded, range.clone(), 7)?;
            ensure([&missing, &outside].contains(&&got), || {
                let [missing, outside, got] = [&missing, &outside, &got].map(in_words);
                let expected = text!("{missing} or {outside}", "{missing} 或 {outside}");
                Failure::new(expected, text!("{got}", "{got}"))
            })
            .map_err(names_the_page)
        },
    )
}

#[test]
fn notices_a_page_that_goes_meanwhile() {
    let law = text!(
        "a page that is truncated away is missing from the next access on; only that access tells",
        "页一旦被截断，下一次访问就找不到它；只有那次访问才知道"
    );
    check("guarded", law, || {
        let page = page_size();
        let (_directory, _, file) = named_file(&pattern(4 * page))?;
        let said = tempfile::tempfile()?;
        // A guarded read is a write(2) to a pipe for each page. The file is emptied before the first, the second, ...
        const MOST_WRITES: usize = 1000;
        for turn in 0..9 {
            file.write_all_at(&pattern(4 * page), 0)?;
            let mut writes = 0;
            let run = || {
                let guarded = Guarded::new(file.try_clone()?, 0, 4 * page)?;
                Ok((guarded, said.try_clone()?))
            };
            let act = |(guarded, said): (Guarded, File)| {
                let result = count_guarded(&guarded, 0..4 * page, 7);
                let missed = matches!(result, Err(GuardError::NoPage { .. }));
                said.write_all_at(&[u8::from(missed)], 0).map_err(error_text)?;
                // Unmapping and closing are no part of it.
                std::mem::forget(guarded);
                Ok(())
            };
            before_each_call(run, act, |_, call| {
                if call.number == libc::SYS_write {
                    if writes == turn {
                        file.set_len(0)?;
                    }
                    writes += 1;
                    ensure(writes <= MOST_WRITES, || {
                        let most = MOST_WRITES;
                        Failure::new(
                            text!("at most one guarded read for each KiB", "每 KiB 最多一次 Guarded::read"),
                            text!(
                                "more than {most} calls of write(2) for four pages",
                                "四页就调用了 {most} 次以上 write(2)"
                            ),
                        )
                    })
                    .map_err(reads_blocks)?;
                }
                Ok(())
            })?;
            if writes <= turn {
                break;
            }
            ensure(contents(&said)? == [1], || {
                Failure::new(text!("an error: NoPage", "错误 NoPage"), text!("no such error", "没有返回这个错误"))
                    .given(text!(
                        "four pages; the file is truncated to 0 bytes right before write(2) number {turn}",
                        "四页；在第 {turn} 次（从 0 数起）write(2) 之前，文件被截断为 0 字节"
                    ))
            })?;
        }
        Ok(())
    });
}

#[test]
fn reads_blocks_and_keeps_few_bytes() {
    let law = text!(
        "a guarded read makes a pipe, and two calls for each page; a mapping may be larger than memory",
        "每次 Guarded::read 都要创建一个管道，每页再加两次调用；映射可以比内存还大"
    );
    check("guarded", law, || {
        let length = 32 * page_size();
        let file = tempfile::tempfile()?;
        file.set_len(wide(length))?;
        file.write_all_at(b"x", wide(length) - 1)?;
        let guarded = Guarded::new(file.try_clone()?, 0, length)?;
        let (got, most) = ask(|| most_allocated(|| sent(count_guarded(&guarded, 0..length, b'x'))))?;
        expect(&got, &Ok(1)).map_err(|failure| failure.given(text!(
            "a file of {length} bytes, mapped as a whole, whose last byte is an `x`; the range 0..{length}, the byte {}",
            "{length} 字节的文件，整个映射，最后一个字节是 `x`；范围 0..{length}，字节 {}",
            b'x'
        )))?;
        ensure(most <= 64 << 10, || {
            Failure::new(
                text!("at most 65536 bytes allocated at once", "同时分配的内存不超过 65536 字节"),
                text!("{most} bytes, for a range of {length}", "范围为 {length} 字节时分配了 {most} 字节"),
            )
        })?;
        // Less: each call of the process that is traced takes its time.
        let length = 4 * page_size();
        let calls = calls_of(
            || Ok(Guarded::new(file, 0, length)?),
            |guarded| {
                let counted = count_guarded(&guarded, 0..length, b'x').map(drop);
                std::mem::forget(guarded);
                counted.map_err(error_text)
            },
        )?;
        let reads = calls.iter().filter(|call| call.number == libc::SYS_pipe2).count();
        let most = length >> 10;
        ensure(reads <= most, || {
            Failure::new(
                text!("at most {most} guarded reads for {length} bytes", "{length} 字节最多读取 {most} 次"),
                text!("{reads}, each with a pipe of its own", "读了 {reads} 次，每次都创建了管道"),
            )
        })
    });
}
