use super::*;

/// The same in memory: the bytes afterwards, and how many were inserted.
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

fn describe(bytes: &[u8]) -> Text {
    let Text { en, zh } = bytes_in_words(bytes.len());
    let bytes = shown(bytes);
    text!("{bytes} ({en})", "{bytes}（{zh}）")
}

fn texts() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![Just(b'\n'), Just(b'\r'), Just(b'a'), Just(b'b')];
    prop::collection::vec(byte, 0..60)
}

/// What any answer should get right that is worth a look at more.
const BASICS: [&[u8]; 4] = [b"", b"\n", b"a\nb\r\n\n", b"x\n\r"];

fn expects(bytes: &[u8]) -> Result<(), Failure> {
    let (after, more) = reference(bytes);
    compare(&on(|| Scripted::new(bytes, &[], None), &after, |file| super::to_crlf(file))?, wide(more))
}

/// Whether it gets [`BASICS`] right: [`gives_each_line_feed_its_carriage_return`] checks that.
fn works() -> Result<bool, Failure> {
    knows_the_basics(BASICS.into_iter().try_for_each(expects))
}

/// Files of pairs, one between whose bytes a chunk of an even size ends, if it is one of those counted from the beginning,
/// and another for those that are counted from the end. An odd size meets both.
fn pairs() -> [Vec<u8>; 2] {
    let pairs = b"\r\n".repeat(75 * KIB);
    [[b"x", &pairs[..]].concat(), [&pairs[..], b"x"].concat()]
}

fn keeps_pairs() -> Result<(), Failure> {
    pairs().iter().try_for_each(|bytes| expects(bytes))
}

fn rule() -> Text {
    text!(
        "No call inserts a single byte into a file: the bytes that follow have to move. Where source and target overlap, the \
         order matters, as in memmove(3): towards the end of the file the last bytes move first.",
        "没有哪个调用能往文件里插入一个字节，只能把后面的字节往后移动。源和目标重叠时，要像 memmove(3) 那样选对方向：目标在后面，就从末尾开始移动。"
    )
}

#[test]
fn gives_each_line_feed_its_carriage_return() {
    let rule = text!(
        "A `\\n` that comes directly after a `\\r` has what it needs, and every other one gets a `\\r`: the first byte of the \
         file, and one after another `\\n`, too.",
        "紧跟在 `\\r` 之后的 `\\n` 不用管，其余的每个 `\\n` 前面都要加 `\\r`：位于文件开头的、紧跟在另一个 `\\n` 之后的也一样。"
    );
    check("in_place", rule, || {
        for_each(BASICS, |bytes| describe(bytes), |bytes| expects(bytes))?;
        for_all(texts(), |bytes| describe(bytes), |bytes| expects(bytes))?;
        // The smallest mistake at the end of a chunk: there is nothing to insert.
        for_each(
            pairs(),
            |bytes| {
                if bytes.starts_with(b"x") {
                    return text!(
                        "a file of 150 KiB and a byte: \"x\", then \"\\r\\n\" repeated; one chunk ends with a \\r, and the next \
                         one begins with its \\n",
                        "150 KiB 加 1 字节的文件：先是 \"x\"，然后反复是 \"\\r\\n\"；一块以 \\r 结尾，下一块以它的 \\n 开头"
                    );
                }
                text!(
                    "a file of 150 KiB and a byte: \"\\r\\n\" repeated, then \"x\"; one chunk ends with a \\r, and the next one \
                     begins with its \\n",
                    "150 KiB 加 1 字节的文件：反复是 \"\\r\\n\"，最后是 \"x\"；一块以 \\r 结尾，下一块以它的 \\n 开头"
                )
            },
            |bytes| expects(bytes).map_err(|failure| of_chunks(explained(failure, &belief::A_CHUNK_IS_A_UNIT))),
        )
    });
}

#[test]
fn moves_no_byte_over_one_that_is_still_to_be_read() {
    check("in_place", rule(), || {
        if !works()? {
            return Ok(());
        }
        // Who parts a \r from its \n is told so by another check.
        let parts = keeps_pairs().is_err();
        // A \n at each byte or at every second one, with its \r or without, so that a chunk of any size begins and ends
        // at each of them.
        let cases: [(&[u8], &[u8]); 6] =
            [(b"", b"\n"), (b"", b"\r\n"), (b"x", b"\r\n"), (b"", b"ab\n\r\n"), (b"x", b"\n\r"), (b"\n", b"one two ")];
        for_each(
            cases,
            |(first, again)| {
                let again = shown(again);
                if first.is_empty() {
                    return text!("a file of 150 KiB: {again} repeated", "150 KiB 的文件：反复是 {again}");
                }
                let first = shown(first);
                text!(
                    "a file of 150 KiB: {first}, then {again} repeated",
                    "150 KiB 的文件：先是 {first}，然后反复是 {again}"
                )
            },
            |(first, again)| {
                let bytes: Vec<u8> = first.iter().chain(again.iter().cycle()).copied().take(150 * KIB).collect();
                let (after, more) = reference(&bytes);
                let seen = on(|| Scripted::new(&bytes, &[], None), &after, |file| super::to_crlf(file))?;
                let Err(failure) = compare(&seen, wide(more)) else { return Ok(()) };
                // Without a \r, no chunk can end between a \r and its \n.
                if parts && bytes.contains(&b'\r') {
                    return Ok(());
                }
                // What is wrong in a single chunk has nothing to do with how the bytes move.
                if expects(&bytes[..60]).is_err() {
                    return Err(failure);
                }
                let parted = bytes.contains(&b'\r') && seen.answer != Ok(wide(more));
                Err(match parted {
                    true => of_chunks(explained(failure, &belief::A_CHUNK_IS_A_UNIT)),
                    false => explained(failure, &belief::ANY_ORDER_MOVES),
                })
            },
        )
    });
}

#[test]
fn goes_on_after_short_and_interrupted_calls() {
    let rule = text!(
        "read(2), write(2): a short count is neither an error nor the end of the file; only 0 is the end. EINTR means \
         that nothing was done. ftruncate(2) may be interrupted, too.",
        "read(2)、write(2)：传输的字节数少于要求，既不是错误，也不是文件末尾，返回 0 才是末尾。EINTR 表示什么都没做。ftruncate(2) 也可能被打断。"
    );
    check("loops", rule, || {
        if !works()? {
            return Ok(());
        }
        let long: Vec<u8> = b"one\ntwo\r\n\n".iter().copied().cycle().take(70 * KIB).collect();
        let short = b"a\n\nbc\nd\r\ne\n, and more than ten bytes that move\n".as_slice();
        for (most, times) in WORST {
            let bytes = if most > 100 { long.as_slice() } else { &short[..if times > 1 { short.len() } else { 11 }] };
            let (after, more) = reference(bytes);
            for space in [None, Some(0), Some(more - 1)] {
                let wanted = if space.is_none() { after.as_slice() } else { bytes };
                // An answer that fails without a script fails another check.
                let smooth = on(|| Scripted::new(bytes, &[], space), wanted, |file| super::to_crlf(file))?;
                let right = if space.is_none() { Ok(wide(more)) } else { Err("ENOSPC".to_owned()) };
                if smooth.difference.is_some() || smooth.answer != right {
                    continue;
                }
                let file = || Scripted { worst: Some((most, times)), ..Scripted::new(bytes, &[], space) };
                let seen = on(file, wanted, |file| super::to_crlf(file))?;
                let compared = if space.is_none() {
                    compare(&seen, wide(more))
                } else {
                    let full = refused(&seen.answer, &["ENOSPC"]).map_err(|failure| match &seen.answer {
                        Err(error) if error == "EINTR" => failure.shows(&belief::EINTR_IS_AN_ERROR),
                        _ => failure,
                    });
                    full.and_then(|()| as_it_should_be(&seen))
                };
                compared.map_err(|failure| {
                    let (what, how) = (describe(bytes), describe_worst(most, times));
                    let (en, zh) = match space {
                        Some(space) => {
                            (format!(", and space for {space} more bytes"), format!("，空间只剩 {space} 字节"))
                        }
                        None => Default::default(),
                    };
                    let (en, zh) = (format!("{}; {}{en}", what.en, how.en), format!("{}；{}{zh}", what.zh, how.zh));
                    let mut failure = trusts_a_count(failure, &seen);
                    if times > 1 {
                        failure.misconception = None; // it goes on, but not often enough
                    }
                    failure.given(Text::new(en, zh))
                })?;
            }
        }
        for_all(
            (texts(), script(), prop::option::of(0..8_usize)),
            |(bytes, script, space)| {
                let (what, how) = (describe(bytes), describe_script(script));
                let (en, zh) = match space {
                    Some(space) => (format!(", and space for {space} more bytes"), format!("，空间只剩 {space} 字节")),
                    None => Default::default(),
                };
                Text::new(format!("{}; {}{en}", what.en, how.en), format!("{}；{}{zh}", what.zh, how.zh))
            },
            |(bytes, script, space)| {
                let (after, more) = reference(bytes);
                let enough = space.is_none_or(|space| space >= more);
                let wanted = if enough { &after } else { bytes };
                // An answer that fails without a script fails another check.
                let smooth = on(|| Scripted::new(bytes, &[], *space), wanted, |file| super::to_crlf(file))?;
                let seen = on(|| Scripted::new(bytes, script, *space), wanted, |file| super::to_crlf(file))?;
                let as_smooth =
                    seen.answer == smooth.answer && seen.difference.is_some() == smooth.difference.is_some();
                if as_smooth {
                    return Ok(());
                }
                let compared = if enough { compare(&seen, wide(more)) } else { as_it_should_be(&seen) };
                compared.map_err(|failure| trusts_a_count(failure, &seen))
            },
        )
    });
}

/// Names the misconception, unless the file is only longer than it should be: no count of bytes has to do with that.
fn trusts_a_count(failure: Failure, seen: &Seen) -> Failure {
    let only_longer = seen.difference.is_some_and(|difference| difference.wanted.is_none());
    if only_longer { failure } else { explained(failure, &belief::SHORT_IS_THE_END) }
}

#[test]
fn leaves_the_file_as_it_was_when_it_cannot_grow() {
    let rule = text!(
        "write(2): ENOSPC, EDQUOT or EFBIG may come at any byte past the old end. ftruncate(2) makes a hole there, \
         and a hole reserves no space.",
        "write(2)：旧末尾之后的任何一个字节都可能遇到 ENOSPC、EDQUOT 或 EFBIG。ftruncate(2) 只会在那里留下空洞，空洞不预留空间。"
    );
    check("room", rule, || {
        if !works()? {
            return Ok(());
        }
        let long: Vec<u8> = b"one\ntwo\r\n".iter().copied().cycle().take(70 * KIB).collect();
        let more = reference(&long).1;
        let short = b"a\n\nbc\nd\r\ne\n".as_slice();
        let cases = (0..4).map(|space| (short, space));
        let cases = cases.chain([0, 1, more / 2, more - 1].map(|space| (long.as_slice(), space)));
        // More than a few chunks have been written when the space runs out.
        let dense = vec![b'\n'; 200 * KIB];
        let cases = cases.chain([70 * KIB, 140 * KIB, 200 * KIB - 1].map(|space| (dense.as_slice(), space)));
        for_each(
            cases,
            |(bytes, space)| {
                let (size, more) = (bytes.len(), reference(bytes).1);
                text!(
                    "a file of {size} bytes that has to grow by {more}, and space for {space}",
                    "{size} 字节的文件，要增加 {more} 字节，但只剩 {space} 字节的空间"
                )
            },
            |&(bytes, space)| {
                // An answer that fails with space enough fails another check.
                if !knows_the_basics(expects(bytes))? {
                    return Ok(());
                }
                let full = [Errno::ENOSPC, Errno::EDQUOT, Errno::EFBIG][space % 3];
                let file = || Scripted { full, ..Scripted::new(bytes, &[], Some(space)) };
                let seen = on(file, bytes, |file| super::to_crlf(file))?;
                refused(&seen.answer, &[&format!("{full:?}")])?;
                as_it_should_be(&seen).map_err(|failure| match seen.log.extended {
                    true => explained(failure, &belief::SIZE_RESERVES_ROOM),
                    false => failure,
                })
            },
        )?;
        // There is just enough space.
        for bytes in [short, &long, &dense] {
            if !knows_the_basics(expects(bytes))? {
                return Ok(());
            }
            let (after, more) = reference(bytes);
            let seen = on(|| Scripted::new(bytes, &[], Some(more)), &after, |file| super::to_crlf(file))?;
            compare(&seen, wide(more)).map_err(|failure| {
                let size = bytes.len();
                failure.given(text!(
                    "a file of {size} bytes that has to grow by {more}, and space for as many",
                    "{size} 字节的文件，要增加 {more} 字节，剩下的空间正好够"
                ))
            })?;
        }
        // The same with the kernel, at a limit on the size of files.
        let (wanted, got) = at_a_limit(&long, long.len() + more / 2)?;
        refused(&got, &["EFBIG"])
            .and_then(|()| {
                ensure(wanted, || {
                    Failure::new(
                        text!("the file is as it was", "文件保持原样"),
                        text!("it has changed", "文件被改动了"),
                    )
                })
            })
            .map_err(|failure| failure.given(text!("setrlimit(2) RLIMIT_FSIZE", "setrlimit(2) 的 RLIMIT_FSIZE")))
    });
}

/// Whether a real file is as it was, and the answer, where files may have at most `limit` bytes.
fn at_a_limit(bytes: &[u8], limit: usize) -> Result<(bool, Result<u64, String>), Failure> {
    let file = unnamed_file(bytes)?;
    let got = ask(|| {
        // With SIGXFSZ ignored, a write past the limit fails with EFBIG.
        // SAFETY: SIG_IGN is no handler of ours.
        unsafe { signal(Signal::SIGXFSZ, SigHandler::SigIgn) }.map_err(error_text)?;
        let (soft, hard) = getrlimit(Resource::RLIMIT_FSIZE).map_err(error_text)?;
        setrlimit(Resource::RLIMIT_FSIZE, wide(limit), hard).map_err(error_text)?;
        let answer = super::to_crlf(&file).map_err(kind);
        setrlimit(Resource::RLIMIT_FSIZE, soft, hard).map_err(error_text)?;
        answer
    })?;
    Ok((contents(&file)? == bytes, got))
}

#[test]
fn returns_the_error_of_a_call() {
    check("loops", errno_rule(), || {
        // The second file is larger than any buffer that is allowed: more is read after the first one.
        for (size, calls, errors) in [(150 * KIB, usize::MAX, &ERRORS[..]), (1_200 * KIB, 12, &ERRORS[..1])] {
            let bytes: Vec<u8> = b"one\ntwo\r\n".iter().copied().cycle().take(size).collect();
            each_error_of_the_first(calls, errors, |failing| {
                let file = Scripted { failing, ..Scripted::new(&bytes, &[], None) };
                let answer = super::to_crlf(&file).map(drop).map_err(kind);
                (file.failing, answer)
            })?;
        }
        Ok(())
    });
}

#[test]
fn writes_only_what_moves() {
    let rule = text!(
        "The bytes before the first change stay where they are, and writing them back unchanged is a write, too.",
        "第一处改动之前的内容原地不动，不必写；原样写回去也是一次写入。"
    );
    check("in_place", rule, || {
        if !works()? {
            return Ok(());
        }
        let many = |bytes: &[u8]| -> Vec<u8> { bytes.iter().copied().cycle().take(100 * KIB).collect() };
        let mut late = many(b"no end of a line ");
        late[99 * KIB] = b'\n';
        // All of it moves, by a single byte: so the size hardly grows, and with it the number of calls that is allowed.
        let mut early = vec![b'x'; KIB * KIB];
        early[0] = b'\n';
        let cases = [
            (many(b"done\r\n"), None),
            (late, Some(99 * KIB)),
            (many(b"\r\n\nx"), Some(2)),
            (Vec::new(), None),
            (early, Some(0)),
        ];
        for_each(
            cases,
            |(bytes, _)| describe(bytes),
            |(bytes, first)| {
                let (after, more) = reference(bytes);
                let seen = on(|| Scripted::new(bytes, &[], None), &after, |file| super::to_crlf(file))?;
                ensure(more == 0 || seen.log.writes.iter().any(|(_, length)| *length > 0), || {
                    Failure::new(text!("bytes are moved", "要移动字节"), text!("nothing was written", "什么都没写"))
                })?;
                // A write of no bytes writes nothing.
                let early = seen.log.writes.iter().filter(|(_, length)| *length > 0).map(|(at, _)| *at).min();
                ensure(early.is_none_or(|early| first.is_some_and(|first| early >= first)), || {
                    let at = early.unwrap_or_default();
                    let wanted = match first {
                        Some(first) => {
                            text!("nothing before byte {first} is written", "不写偏移量 {first} 之前的内容")
                        }
                        None => text!("nothing is written", "什么都不写"),
                    };
                    Failure::new(wanted, text!("a write began at byte {at}", "有一次写入从偏移量 {at} 开始"))
                        .shows(&belief::WRITING_BACK_IS_HARMLESS)
                })?;
                let calls = seen.log.preads + wide(seen.log.writes.len()) + seen.log.others;
                let most = wide(after.len().div_ceil(4 * KIB)) + 16;
                ensure(calls <= most, || {
                    let failure = Failure::new(
                        text!("at most {most} calls", "最多 {most} 次调用"),
                        text!("there were {calls}", "有 {calls} 次"),
                    );
                    of_calls(failure).shows(&belief::A_CALL_COSTS_NOTHING)
                })
            },
        )
    });
}

#[test]
fn keeps_neither_the_file_nor_a_list_in_memory() {
    let rule = text!(
        "A file may be larger than memory, and may have as many places to change as it has bytes: keep neither.",
        "文件可能比整个内存还大，要改的位置也可能和字节一样多，两者都不能全放进内存。"
    );
    check("through_memory", rule, || {
        // A small file first, and one of several chunks: an answer that is wrong there is not wrong for lack of memory, and
        // another check says so.
        if !works()? || !knows_the_basics(expects(&b"1\n".repeat(75 * KIB)))? {
            return Ok(());
        }
        let file = unnamed_file(b"a\n")?;
        returns(&ask(|| super::to_crlf(&file).map_err(kind))?, 1)?;
        // More are to be inserted than fit in memory.
        let lines = 1_150_000;
        // In chunks: memory that this process had freed would be there for the answer, too.
        let some: Vec<u8> = b"1\n".iter().copied().cycle().take(4_000).collect();
        for at in (0..lines * 2).step_by(some.len()) {
            file.write_all_at(&some, wide(at))?;
        }
        let size = text!("a file of {lines} lines", "{lines} 行的文件");
        let most = wide((lines * 3).div_ceil(4 * KIB)) + 16;
        with_little_memory(&file, (most, most), wide(lines), size, |file| super::to_crlf(file))?;
        let some: Vec<u8> = b"1\r\n".iter().copied().cycle().take(6_000).collect();
        let mut now = vec![0; some.len()];
        for at in (0..lines * 3).step_by(some.len()) {
            let whole = file.read_exact_at(&mut now, wide(at)).is_ok();
            ensure(whole && now == some, || {
                of_chunks(Failure::new(
                    text!("each \\n has a \\r before it", "每个 \\n 前面都有 \\r"),
                    text!("not so from byte {at} on", "从偏移量 {at} 起不对"),
                ))
            })?;
        }
        Ok(())
    });
}
