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

/// The rule for stores.
fn changes_nothing(failure: Failure) -> Failure {
    failure.breaks(
        "guarded",
        text!(
            "Guarded::read changes nothing in the file; Guarded::write does, as does a new size",
            "Guarded::read 不会改动文件；Guarded::write 和改变文件大小则会"
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

/// The rule for what a mapping shows.
fn what_it_shows() -> Text {
    text!(
        "mmap(2): the mapping shows the file's bytes, and zeros for the rest of its last page",
        "mmap(2)：映射显示文件的字节，最后一页的剩余部分显示为零"
    )
}

#[test]
fn counts_what_the_mapping_shows() {
    check("guarded", what_it_shows(), || {
        let page = page_size();
        for_each(
            [
                // More than a count of 16 bits, and than the longest block.
                (LONG, 0, 3..LONG - 2, b'x'),
                (page, 0, 0..LONG, b'x'),
                // Neither text, nor the same letter if it is large.
                (3 * page, 0, 0..3 * page, 200),
                (3 * page, 0, 0..3 * page, b'a'),
                (3 * page, 0, 7..3 * page, b'\n'),
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
        )?;
        holes()?;
        stored_past_the_end()?;
        beyond_32_bits()
    });
}

/// The length of a file that takes more than one block, of whatever length, and then a part of one.
const LONG: usize = (20 << 16) + 777;

/// A size, a first page, a range and a byte: the file is full of `x` if that is the byte, and else has a pattern.
type Case = (usize, u64, Range<usize>, u8);

/// How many bytes are mapped: the last of four pages as a whole, though all but one byte of it was not asked for.
fn length_for(range: &Range<usize>) -> usize {
    range.end.max(3 * page_size() + 1)
}

fn given((size, first_page, range, byte): &Case) -> Text {
    let length = length_for(range);
    let Text { en, zh } = bytes_in_words(*size);
    text!(
        "a file of {en}; a mapping of {length} bytes from page {first_page} of it on; the range {range:?}, the \
         byte {byte}",
        "{zh}的文件，从第 {first_page} 页起映射 {length} 字节；范围 {range:?}，字节 {byte}"
    )
}

fn case((size, first_page, range, byte): &Case) -> Result<(), Failure> {
    let (size, length, offset) = (*size, length_for(range), first_page * page_size_u64());
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
    same_bytes(text!("the file", "文件"), &contents(&file)?, &content).map_err(changes_nothing)
}

/// A file of which only the last page is anywhere, on a disk or in memory; and nobody may write to it.
fn holes() -> Result<(), Failure> {
    let length = 20 * page_size();
    let (_directory, path, file) = named_file(b"")?;
    file.write_all_at(b"x", wide(length - 1))?;
    let to_read = File::open(path)?;
    for (byte, wanted) in [(0, length - 1), (b'x', 1)] {
        let guarded = Guarded::new(to_read.try_clone()?, 0, length)?;
        expect(&counted(&guarded, 0..length, byte)?, &Ok(wanted)).map_err(|failure| {
            failure.given(text!(
                "a file of {length} bytes, of which only the last one was written, an `x`, open for reading only and mapped \
                 as a whole; the range 0..{length}, the byte {byte}",
                "{length} 字节的文件，只写过最后一个字节 `x`，以只读方式打开，整个映射；范围 0..{length}，字节 {byte}"
            ))
        })?;
    }
    Ok(())
}

/// A file in memory: the file system of a disk clears the rest of the page when it writes the page to the disk.
fn stored_past_the_end() -> Result<(), Failure> {
    let file = File::from(memfd_create(c"exercise-6", MFdFlags::MFD_CLOEXEC)?);
    file.write_all_at(&pattern(10), 0)?;
    let mapping = mapped_whole(&file, Sharing::Shared)?;
    (page_size() - 5..page_size()).for_each(|at| mapping.store(at, b'x'));
    let guarded = Guarded::new(file, 0, 10)?;
    expect(&counted(&guarded, 0..page_size(), b'x')?, &Ok(5)).map_err(|failure| {
        let rule = text!(
            "mmap(2), BUGS: bytes stored past the end of the file stay in its last page, and other mappings may see them",
            "mmap(2) 的 BUGS 一节：写到文件末尾之后的内容留在最后一页里，别的映射可能看得到"
        );
        failure.breaks("last_page", rule).given(text!(
            "a file of 10 bytes, in whose last page another mapping has stored five times `x` past the end",
            "10 字节的文件，别的映射往最后一页文件末尾之后的地方写过五个 `x`"
        ))
    })
}

/// In a file of which one page exists.
fn beyond_32_bits() -> Result<(), Failure> {
    let Ok(start) = usize::try_from(1_u64 << 32) else { return Ok(()) };
    let file = tempfile::tempfile()?;
    file.write_all_at(b"0123xx6789", wide(start))?;
    let guarded = Guarded::new(file, 0, start + 10)?;
    let range = start + 1..start + 10;
    expect(&counted(&guarded, range.clone(), b'x')?, &Ok(2)).map_err(|failure| {
        has_64_bits(failure.given(text!(
            "a file of 4 GiB of zeros and the bytes \"0123xx6789\", mapped as a whole; the range {range:?}, the byte {}",
            "文件是 4 GiB 的零，后面是 \"0123xx6789\"，整个映射；范围 {range:?}，字节 {}",
            b'x'
        )))
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
                (page..7, Ok(0)),
                (5 * page..0, Ok(0)),
                (usize::MAX - 10..usize::MAX, Err(GuardError::Outside)),
                // From the largest numbers to the least, for who takes them for signed ones.
                (usize::MAX / 2 - 5..usize::MAX / 2 + 5, Err(GuardError::Outside)),
            ],
            |(range, _)| text!("two pages mapped, the range {range:?}", "映射了两页，范围 {range:?}"),
            |(range, wanted)| {
                counted(&guarded, range.clone(), 7)
                    .and_then(|got| expect(&got, &sent(*wanted)))
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
        "a page may be missing at an access, and be there before and after: only the error of that access tells",
        "页可能只在访问的那一刻不在，之前之后都在：只有那次访问的错误才能说明"
    );
    check("guarded", law, || {
        let bytes = pattern(4 * page_size());
        let (_directory, _, file) = named_file(&bytes)?;
        let is_empty = Cell::new(false);
        let take_away = || -> Result<(), Failure> {
            is_empty.set(true);
            Ok(file.set_len(0)?)
        };
        let give_back = || if is_empty.take() { file.write_all_at(&bytes, 0) } else { Ok(()) };
        // A guarded read is a write(2) to a pipe for each page. The file is empty during the first, the second, ... and
        // neither before nor after.
        for turn in 0..9 {
            let mut writes = 0;
            let before = |call: &Call| {
                give_back()?;
                let prints = call.arguments[0] <= 2;
                if call.number == libc::SYS_write && !prints {
                    if writes == turn {
                        take_away()?;
                    }
                    writes += 1;
                }
                Ok(())
            };
            let got = counted_while(&file, before, || Ok(()))?;
            if writes <= turn {
                break;
            }
            ensure(got.starts_with("Err(NoPage"), || {
                Failure::new(text!("an error: NoPage", "错误 NoPage"), text!("no such error", "没有返回这个错误"))
                    .given(text!(
                        "four pages; the file is truncated to 0 bytes right before write(2) number {turn}, and has its \
                         bytes again right after it",
                        "四页；在第 {turn} 次（从 0 数起）write(2) 之前，文件被截断为 0 字节，这次调用之后马上又恢复原来的内容"
                    ))
            })?;
        }
        // It is empty from the end of a call on: what is loaded before the next one is loaded without a guard.
        let count = bytes.iter().filter(|byte| **byte == 7).count();
        let undisturbed = counted_while(&file, |_| Ok(()), || Ok(()))?;
        if !knows_the_basics(equal(&undisturbed, &in_words(&Ok(count))))? {
            return Ok(()); // another check says so
        }
        for turn in 0..40 {
            let mut calls = 0;
            let after = || {
                if calls == turn {
                    take_away()?;
                }
                calls += 1;
                Ok(())
            };
            let got = counted_while(&file, |_| Ok(()), after);
            give_back()?;
            got.and_then(|got| {
                ensure(got == in_words(&Ok(count)) || got.starts_with("Err(NoPage"), || {
                    let expected = text!("Ok({count}), or an error: NoPage", "Ok({count})，或者错误 NoPage");
                    Failure::new(expected, text!("{got}", "{got}"))
                })
            })
            .map_err(|failure| {
                failure.given(text!(
                    "four pages; the file is truncated to 0 bytes right after system call {turn} (from 0 on)",
                    "四页；第 {turn} 次（从 0 数起）系统调用刚结束，文件就被截断为 0 字节"
                ))
            })?;
            if calls <= turn {
                break;
            }
        }
        Ok(())
    });
}

/// What the count of the bytes 7 in four pages comes to, in words, when this happens before and after each of its calls.
fn counted_while(
    file: &File,
    mut before: impl FnMut(&Call) -> Result<(), Failure>,
    mut after: impl FnMut() -> Result<(), Failure>,
) -> Result<String, Failure> {
    let (said, length) = (tempfile::tempfile()?, 4 * page_size());
    let act = |guarded: Guarded| {
        let got = in_words(&sent(count_guarded(&guarded, 0..length, 7)));
        said.write_all_at(got.as_bytes(), 0).map_err(error_text)?;
        // Unmapping and closing are no part of it.
        std::mem::forget(guarded);
        Ok(())
    };
    around_each_call(|| Ok(Guarded::new(file.try_clone()?, 0, length)?), act, |_, call| before(call), |_, _| after())?;
    Ok(String::from_utf8_lossy(&contents(&said)?).into_owned())
}

#[test]
fn reads_blocks_and_keeps_few_bytes() {
    let law = text!(
        "a guarded read makes a pipe, and two calls for each page; a mapping may be larger than memory",
        "每次 Guarded::read 都要创建一个管道，每页再加两次调用；映射可以比内存还大"
    );
    check("guarded", law, || {
        let file = tempfile::tempfile()?;
        file.write_all_at(&[b'x'; LONG], 0)?;
        let guarded = Guarded::new(file, 0, LONG)?;
        let (got, most) = ask(|| most_allocated(|| sent(count_guarded(&guarded, 0..LONG, b'x'))))?;
        expect(&got, &Ok(LONG)).map_err(|failure| {
            failure.breaks("guarded", what_it_shows()).given(text!(
                "a file of {LONG} times `x`, mapped as a whole; the range 0..{LONG}, the byte {}",
                "文件是 {LONG} 个 `x`，整个映射；范围 0..{LONG}，字节 {}",
                b'x'
            ))
        })?;
        ensure(most <= MOST_ALLOCATED, || {
            allocated(most).given(text!("a range of {LONG} bytes", "范围为 {LONG} 字节"))
        })?;
        looks_again_and_frees()?;
        reads_only_and_seldom()
    });
}

const MOST_ALLOCATED: usize = 64 << 10;

fn allocated(most: usize) -> Failure {
    Failure::new(
        text!("at most {MOST_ALLOCATED} bytes allocated at once", "同时分配的内存不超过 {MOST_ALLOCATED} 字节"),
        text!("{most} bytes", "分配了 {most} 字节"),
    )
}

/// Many calls of one process, for a file whose second page is missing and there again, with other bytes each time.
fn looks_again_and_frees() -> Result<(), Failure> {
    const CALLS: usize = 1 << 12;
    let page = page_size();
    let file = tempfile::tempfile()?;
    let guarded = Guarded::new(file.try_clone()?, 0, 2 * page)?;
    // More than one block of whatever length, which are counted before the call fails.
    let long_file = tempfile::tempfile()?;
    long_file.write_all_at(&vec![b'x'; 32 * page], 0)?;
    let long = Guarded::new(long_file, 0, 33 * page)?;
    let range = page - 32..page + 32;
    let wanted = |n: usize| match n % 2 {
        0 => sent(Err(GuardError::NoPage { page: 1, offset: wide(page), file_size: wide(page) })),
        _ => Ok(n % 32 + 1),
    };
    for n in 0..2 {
        file.set_len(wide(page * (n + 1)))?;
        file.write_all_at(&[b'x'; 32][..n + 1], wide(page - 32))?;
        if !knows_the_basics(counted(&guarded, range.clone(), b'x').and_then(|got| expect(&got, &wanted(n))))? {
            return Ok(()); // other checks say so
        }
    }
    let (wrong, most) = ask(|| {
        most_allocated(|| {
            let _ = count_guarded(&long, 0..33 * page, b'x');
            for n in 0..CALLS {
                file.set_len(wide(page * (n % 2 + 1))).map_err(error_text)?;
                file.write_all_at(&[0; 32], wide(page - 32)).map_err(error_text)?;
                file.write_all_at(&[b'x'; 32][..n % 32 + 1], wide(page - 32)).map_err(error_text)?;
                let got = sent(count_guarded(&guarded, range.clone(), b'x'));
                if got != wanted(n) {
                    return Ok::<_, String>(Some((n, got)));
                }
            }
            Ok(None)
        })
    })?;
    if let Some((n, got)) = wrong.map_err(io::Error::other)? {
        return expect(&got, &wanted(n)).map_err(|failure| {
            was_true_then(failure.given(text!(
                "a call for another file has failed at its last page; two pages mapped; before every other call the file has \
                 one page only, and before each it has other bytes; call number {n} (from 0 on) of the same process, the \
                 range {range:?}, the byte {}",
                "先有一次调用在另一个文件的最后一页出错；映射了两页；每隔一次调用，文件只有一页，每次调用之前内容也不同；同一进程的第 {n} \
                 次调用（从 0 数起），范围 {range:?}，字节 {}",
                b'x'
            )))
        });
    }
    ensure(most <= MOST_ALLOCATED, || {
        let rule = text!(
            "memory that a call allocates and does not free adds up from call to call",
            "一次调用分配而不释放的内存，会随着调用次数累积"
        );
        allocated(most)
            .given(text!("{CALLS} calls, every other one with an error", "调用 {CALLS} 次，每隔一次出错"))
            .breaks("guarded", rule)
    })
}

/// Gives all bytes of the file another value before each system call: a byte that has an older one was stored.
fn reads_only_and_seldom() -> Result<(), Failure> {
    // No more than makes a limit: each call of the process that is traced takes its time.
    let range = 1..1 + (16_usize << 10);
    let length = range.end.next_multiple_of(page_size());
    let (mut bytes, mut reads, most) = (vec![0; length], 0, 16);
    let file = tempfile::tempfile()?;
    file.write_all_at(&bytes, 0)?;
    let is_as_it_was = |bytes: &[u8]| {
        let given = text!("a file that another process changes meanwhile", "别的进程在此期间改动文件");
        same_bytes(text!("the file", "文件"), &contents(&file)?, bytes)
            .map_err(|failure| changes_nothing(failure.given(given)))
    };
    before_each_call(
        || Ok(Guarded::new(file.try_clone()?, 0, length)?),
        |guarded| {
            let counted = count_guarded(&guarded, range.clone(), b'x').map(drop);
            std::mem::forget(guarded);
            counted.map_err(error_text)
        },
        |_, call| {
            is_as_it_was(&bytes)?;
            let next = bytes[0].wrapping_add(1);
            bytes.fill(next);
            file.write_all_at(&bytes, 0)?;
            reads += usize::from(call.number == libc::SYS_pipe2);
            ensure(reads <= most, || {
                Failure::new(
                    text!(
                        "at most {most} guarded reads for a byte less than {length}",
                        "{length} 字节少 1 字节，最多读取 {most} 次"
                    ),
                    text!("more, each with a pipe of its own", "读了不止 {most} 次，每次都创建了管道"),
                )
            })
        },
    )?;
    is_as_it_was(&bytes)
}
