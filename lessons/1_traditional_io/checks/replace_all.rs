use super::*;

/// The same in memory: the bytes afterwards, and the offsets of the occurrences.
fn reference(bytes: &[u8], old: &[u8], new: &[u8]) -> (Vec<u8>, Vec<usize>) {
    let (mut after, mut places, mut at) = (bytes.to_vec(), Vec::new(), 0);
    while at + old.len() <= bytes.len() {
        if bytes[at..].starts_with(old) {
            after[at..at + old.len()].copy_from_slice(new);
            places.push(at);
            at += old.len();
        } else {
            at += 1;
        }
    }
    (after, places)
}

fn describe(bytes: &[u8], old: &[u8], new: &[u8]) -> Text {
    let Text { en, zh } = bytes_in_words(bytes.len());
    let (bytes, old, new) = (shown(bytes), shown(old), shown(new));
    text!("{bytes} ({en}), replace {old} by {new}", "{bytes}（{zh}），把 {old} 换成 {new}")
}

/// Two letters only, so that occurrences overlap, and new bytes look like old ones.
fn texts() -> impl Strategy<Value = (Vec<u8>, Vec<u8>, Vec<u8>)> {
    let letter = prop_oneof![Just(b'a'), Just(b'b')];
    let pairs = prop::collection::vec((letter.clone(), letter.clone()), 1..5);
    (prop::collection::vec(letter, 0..60), pairs).prop_map(|(bytes, pairs)| {
        let (old, new) = pairs.into_iter().unzip();
        (bytes, old, new)
    })
}

#[test]
fn finds_each_occurrence_from_left_to_right() {
    let rule = text!(
        "Occurrences are found from left to right, in the bytes that the file had before the call, and do not overlap.",
        "要找的是调用之前文件内容中的匹配：从头向后找，互不重叠，替换后的新内容不参与匹配。"
    );
    check("across_two_chunks", rule, || {
        for_all(
            texts(),
            |(bytes, old, new)| describe(bytes, old, new),
            |(bytes, old, new)| {
                let (after, places) = reference(bytes, old, new);
                let act = |file: &dyn Calls| super::replace_all(file, old, new);
                let seen = on(|| Scripted::new(bytes, &[], None), &after, act)?;
                compare(&seen, wide(places.len()))
            },
        )
    });
}

/// A file that repeats `old`, each time with `apart` dots after it.
struct Repeated {
    bytes: Vec<u8>,
    old: Vec<u8>,
    new: Vec<u8>,
    apart: usize,
}

fn repeated(length: usize, apart: usize) -> Repeated {
    let old: Vec<u8> = b"[".iter().copied().chain((b'a'..b'x').cycle()).take(length).collect();
    let new = old.iter().map(|byte| byte ^ 0x20).collect();
    let one = old.iter().copied().chain(std::iter::repeat_n(b'.', apart));
    // A short text is in the file tens of thousands of times: longer files are left to the long ones.
    let bytes = one.cycle().take(if length < 100 { 70 * KIB } else { 140 * KIB }).collect();
    Repeated { bytes, old, new, apart }
}

impl Repeated {
    /// What is replaced in which file, and which occurrence is missed.
    fn words(&self, missed: Option<usize>) -> Text {
        let (kib, apart, length) = (self.bytes.len() / KIB, self.apart, bytes_in_words(self.old.len()));
        let (old, new) = (shown(&self.old), shown(&self.new));
        let dots = match apart {
            0 => Text::fixed("", ""),
            1 => text!(" and one \".\" after it", "，后面各有 1 个 \".\""),
            _ => text!(" and {apart} times \".\" after it", "，后面各有 {apart} 个 \".\""),
        };
        let missed = missed.map_or(Text::fixed("", ""), |at| {
            text!("; the first one missed is at offset {at}", "；第一处漏掉的在偏移量 {at} 处")
        });
        Text::new(
            format!(
                "a file of {kib} KiB that repeats {old} ({}){}, replace {old} by {new}{}",
                length.en, dots.en, missed.en
            ),
            format!("{kib} KiB 的文件，不断重复 {old}（{}）{}；把 {old} 换成 {new}{}", length.zh, dots.zh, missed.zh),
        )
    }
}

/// The file of [`takes_little_memory_however_large_the_file_is`], and where "old" is in it.
const LARGE: usize = 2 * KIB * KIB;
const PLACES: [usize; 4] = [0, 5, LARGE / 2 + 1, LARGE - 3];

/// What an answer does with that file, when it may use as much memory as it likes.
fn in_the_large_file() -> Result<(), Failure> {
    let with = |word: &[u8; 3]| {
        let mut bytes = vec![0; LARGE];
        bytes[3] = b'd';
        PLACES.iter().for_each(|&at| bytes[at..at + 3].copy_from_slice(word));
        bytes
    };
    let make = || (Scripted::new(&with(b"old"), &[], None), with(b"new").into());
    let seen = on_made(make, |file| super::replace_all(file, b"old", b"new"))?;
    compare(&seen, wide(PLACES.len())).map_err(of_chunks)
}

/// Whether it finds all occurrences in a file that is larger than a chunk. Where it doesn't, the check of that says so.
fn finds_them() -> Result<bool, Failure> {
    knows_the_basics(in_the_large_file())
}

#[test]
fn finds_occurrences_across_chunk_boundaries() {
    let rule = text!(
        "What can't be decided at the end of a chunk is carried over to the next one: bytes that may be the beginning of \
         an occurrence, and none of an occurrence that has been found, else `aaa` would contain `aa` twice.",
        "读到块尾还不能下结论的内容，要带到下一块去：可能是匹配开头的那几个字节。已经找到的匹配，它的字节不能再带过去，\
         否则在 `aaa` 里会找到两个 `aa`。"
    );
    check("across_two_chunks", rule, || {
        // No chunk size is a multiple of all of these periods.
        for_each(
            [(1, 30), (2, 1), (7, 0), (7, 20), (11, 0), (1009, 0), (1009, 600), (64 * KIB - 1, 0), (64 * KIB, 1)],
            |&(length, apart)| repeated(length, apart).words(None),
            |&(length, apart)| {
                let file = repeated(length, apart);
                let Repeated { bytes, old, new, .. } = &file;
                let (after, places) = reference(bytes, old, new);
                let act = |file: &dyn Calls| super::replace_all(file, old, new);
                let seen = on(|| Scripted::new(bytes, &[], None), &after, act)?;
                compare(&seen, wide(places.len())).map_err(|failure| match seen.answer {
                    // It has carried over too much.
                    Ok(found) if found > wide(places.len()) => failure,
                    _ if seen.log.writes.is_empty() => failure,
                    _ => {
                        let missed = places.iter().find(|&&at| seen.log.writes.iter().all(|&(start, _)| start != at));
                        let failure = failure.given(file.words(missed.copied()));
                        of_chunks(explained(failure, &belief::A_CHUNK_IS_A_UNIT))
                    }
                })
            },
        )?;
        let period = |old: &[u8]| if old[1] == b'a' { 1 } else { 3 };
        // Each of these overlaps itself, so an end that is searched twice gives one occurrence too many.
        for_each(
            [(b"aa".as_slice(), b"ab".as_slice()), (b"aaa", b"baa"), (b"abcabca", b"abcabcx")],
            |(old, new)| {
                let (text, old, new) = (shown(&old[..period(old)]), shown(old), shown(new));
                text!(
                    "a file of 36 KiB and a byte that repeats {text}, replace {old}, which overlaps itself, by {new}",
                    "36 KiB 加 1 字节的文件，内容是 {text} 不断重复；把 {old} 换成 {new}，{old} 的各处匹配互相重叠"
                )
            },
            |(old, new)| {
                let bytes: Vec<u8> = old[..period(old)].iter().copied().cycle().take(36 * KIB + 1).collect();
                let (after, places) = reference(&bytes, old, new);
                let seen = on(|| Scripted::new(&bytes, &[], None), &after, |file| super::replace_all(file, old, new))?;
                compare(&seen, wide(places.len()))
            },
        )?;
        // More than any chunk that is allowed. The end of a new text looks like the beginning of an old one.
        let (size, old) = (1_200 * KIB, vec![b'a'; 1009]);
        let new = [b"b", &old[1..]].concat();
        let bytes = vec![b'a'; size];
        let (after, places) = reference(&bytes, &old, &new);
        let act = |file: &dyn Calls| super::replace_all(file, &old, &new);
        let seen = on(|| Scripted::new(&bytes, &[], None), &after, act)?;
        compare(&seen, wide(places.len())).map_err(|failure| {
            failure.given(text!(
                "a file of 1200 KiB that repeats \"a\", where 1009 of them are replaced by \"b\" and 1008 of \"a\"",
                "1200 KiB 的文件，全是 \"a\"；把 1009 个 \"a\" 换成 1 个 \"b\" 加 1008 个 \"a\""
            ))
        })?;
        in_the_large_file().map_err(|failure| {
            let [first, second, third, last] = PLACES;
            failure.given(text!(
                "a file of 2 MiB with \"old\" at {first}, {second}, {third} and {last}, replace \"old\" by \"new\"",
                "2 MiB 的文件，偏移量 {first}、{second}、{third}、{last} 处是 \"old\"；把 \"old\" 换成 \"new\""
            ))
        })
    });
}

#[test]
fn goes_on_after_short_and_interrupted_calls() {
    let rule = text!(
        "read(2), write(2): a short count is neither an error nor the end of the file; only 0 is the end. EINTR means \
         that nothing was done.",
        "read(2)、write(2)：传输的字节数少于要求，既不是错误，也不是文件末尾，返回 0 才是末尾。EINTR 表示什么都没做。"
    );
    check("loops", rule, || {
        let long: Vec<u8> = b"a file with ab in it".iter().copied().cycle().take(70 * KIB).collect();
        let short = [b"abaabaababba".as_slice(), &[b'x'; 250]].concat();
        for (most, times) in WORST {
            let bytes = if most > 100 { long.as_slice() } else { &short[..if times > 1 { short.len() } else { 12 }] };
            for (old, new) in [
                (b"ab".as_slice(), b"xa".as_slice()),
                (b"aba", b"bab"),
                (b" in it", b"_on_at"),
                (&[b'x'; 100], &[b'y'; 100]),
            ] {
                let (after, places) = reference(bytes, old, new);
                let act = |file: &dyn Calls| super::replace_all(file, old, new);
                // An answer that fails without a script fails another check.
                let smooth = on(|| Scripted::new(bytes, &[], None), &after, act);
                if !knows_the_basics(smooth.and_then(|smooth| compare(&smooth, wide(places.len()))))? {
                    continue;
                }
                let act = |file: &dyn Calls| super::replace_all(file, old, new);
                let seen =
                    on(|| Scripted { worst: Some((most, times)), ..Scripted::new(bytes, &[], None) }, &after, act)?;
                compare(&seen, wide(places.len())).map_err(|failure| {
                    let (what, how) = (describe(bytes, old, new), describe_worst(most, times));
                    let given = Text::new(format!("{}; {}", what.en, how.en), format!("{}；{}", what.zh, how.zh));
                    let mut failure = trusts_a_count(failure, &seen, old.len(), places.len());
                    if times > 1 {
                        failure.misconception = None; // it goes on, but not often enough
                    }
                    failure.given(given)
                })?;
            }
        }
        for_all(
            (texts(), script()),
            |((bytes, old, new), script)| {
                let (what, how) = (describe(bytes, old, new), describe_script(script));
                Text::new(format!("{}; {}", what.en, how.en), format!("{}；{}", what.zh, how.zh))
            },
            |((bytes, old, new), script)| {
                let (after, places) = reference(bytes, old, new);
                let act = |file: &dyn Calls| super::replace_all(file, old, new);
                // An answer that fails without a script fails another check.
                let smooth = on(|| Scripted::new(bytes, &[], None), &after, act)?;
                let act = |file: &dyn Calls| super::replace_all(file, old, new);
                let seen = on(|| Scripted::new(bytes, script, None), &after, act)?;
                let as_smooth =
                    seen.answer == smooth.answer && seen.difference.is_some() == smooth.difference.is_some();
                if as_smooth && smooth.answer.is_ok() {
                    return Ok(());
                }
                compare(&seen, wide(places.len()))
                    .map_err(|failure| trusts_a_count(failure, &seen, old.len(), places.len()))
            },
        )
    });
}

/// Names the misconception, unless the answer is seen to write the rest of an occurrence, and only the wrong one.
fn trusts_a_count(failure: Failure, seen: &Seen, length: usize, places: usize) -> Failure {
    let goes_on = seen.log.writes.iter().any(|&(_, part)| part < length);
    if goes_on && seen.answer == Ok(wide(places)) { failure } else { explained(failure, &belief::SHORT_IS_THE_END) }
}

#[test]
fn writes_the_occurrences_and_nothing_else() {
    let rule = text!(
        "Writing bytes back unchanged is a write, too: it overwrites what another process has written there meanwhile.",
        "把没改过的字节原样写回，仍然是一次写入：别人在此期间写进去的内容会被它抹掉。"
    );
    check("in_place", rule, || {
        if !finds_them()? {
            return Ok(());
        }
        let (old, new) = (b"needle", b"thread");
        let mut bytes = vec![b'.'; 200 * KIB];
        for at in [0, 100, 106, 64 * KIB - 3, 128 * KIB, 200 * KIB - 6] {
            bytes[at..at + old.len()].copy_from_slice(old);
        }
        let (after, places) = reference(&bytes, old, new);
        let act = |file: &dyn Calls| super::replace_all(file, old, new);
        let seen = on(|| Scripted::new(&bytes, &[], None), &after, act)?;
        let inside =
            |at: usize, length: usize| places.iter().any(|&place| place <= at && at + length <= place + old.len());
        // A write of no bytes writes nothing.
        let outside = seen.log.writes.iter().find(|&&(at, length)| length > 0 && !inside(at, length));
        ensure(seen.log.others == 0, || {
            let wanted = text!("neither ftruncate(2) nor fsync(2) is called", "不调用 ftruncate(2) 和 fsync(2)");
            Failure::new(wanted, text!("one of them was", "调用了其中之一"))
        })?;
        ensure(outside.is_none(), || {
            let (at, length) = outside.copied().unwrap_or_default();
            let wanted = text!(
                "only the 6 occurrences of 6 bytes are written, each by itself",
                "只写那 6 处，每处 6 字节，各写各的"
            );
            let failure =
                Failure::new(wanted, text!("{length} bytes at {at} were written", "写了 {at} 处的 {length} 字节"));
            // Two occurrences that touch each other have no other bytes between them.
            let beside = (at..at + length).any(|at| !inside(at, 1));
            if beside { failure.shows(&belief::WRITING_BACK_IS_HARMLESS) } else { failure }
        })?;
        Ok(())
    });
}

#[test]
fn makes_few_calls() {
    let rule = text!(
        "A call by itself costs about as much as copying a few thousand bytes: read 16 KiB or more with each, and write an \
         occurrence as a whole, with one.",
        "一次系统调用的固定开销，大约抵得上复制几千字节：每次读 16 KiB 以上，每处匹配都用一次调用整段写入。"
    );
    check("kernels_account", rule, || {
        if !finds_them()? {
            return Ok(());
        }
        let (old, new) = (b"needle".as_slice(), b"thread".as_slice());
        let sparse = [&vec![b'.'; 200 * KIB][..], old].concat();
        // A long text, many occurrences, a new text that is the old one, files that are smaller than a chunk.
        let long = vec![b'n'; 64 * KIB];
        let other = vec![b'm'; 64 * KIB];
        let mut with_long = vec![b'.'; 300 * KIB];
        with_long[100 * KIB + 1..164 * KIB + 1].copy_from_slice(&long);
        let many: Vec<u8> = b"needle, ".iter().copied().cycle().take(100 * KIB).collect();
        let cases: [(&[u8], &[u8], &[u8]); 9] = [
            (&sparse, old, new),
            (&with_long, &long, &other),
            (&many, old, new),
            (&many, old, old),
            (&many, b", n", b"; N"),
            (b"a needle, needle", old, b"nettle"),
            (b"a needle, needle", old, b"needed"),
            (b"a needle", old, new),
            (b"", old, new),
        ];
        for_each(
            cases,
            |(bytes, old, new)| describe(bytes, old, new),
            |(bytes, old, new)| {
                let (after, places) = reference(bytes, old, new);
                let act = |file: &dyn Calls| super::replace_all(file, old, new);
                let seen = on(|| Scripted::new(bytes, &[], None), &after, act)?;
                let (reads, writes) = (seen.log.preads, seen.log.writes.len());
                let most = wide(bytes.len().div_ceil(16 * KIB)) + 5;
                let wanted = places.len();
                if seen.answer.as_ref().is_ok_and(|found| *found < wide(wanted)) {
                    let found = seen.answer.as_ref().unwrap_or(&0);
                    // It has not found them all: another check says so.
                    left_to_another(Failure::new(
                        text!("Ok({wanted})", "Ok({wanted})"),
                        text!("Ok({found})", "Ok({found})"),
                    ));
                    return Ok(());
                }
                ensure(reads <= most, || {
                    Failure::new(
                        text!("at most {most} calls of pread(2)", "最多调用 pread(2) {most} 次"),
                        text!("there were {reads}", "有 {reads} 次"),
                    )
                    .shows(&belief::A_CALL_COSTS_NOTHING)
                })?;
                let mut written = seen.log.writes.clone();
                written.sort_unstable();
                let part = places.iter().zip(&written).find(|&(&at, write)| *write != (at, old.len()));
                ensure(part.is_none() || writes != wanted, || {
                    let at = part.map_or(0, |(at, _)| *at);
                    Failure::new(
                        text!("the whole occurrence at byte {at} is written", "偏移量 {at} 处的匹配整段写入"),
                        text!("only a part of it was", "只写了一部分"),
                    )
                })?;
                ensure(writes == wanted, || {
                    let of_them = match wanted {
                        1 => text!("one pwrite(2) for the only occurrence", "仅有 1 处，用一次 pwrite(2)"),
                        _ => text!(
                            "one pwrite(2) for each of the {wanted} occurrences",
                            "共 {wanted} 处，每处一次 pwrite(2)"
                        ),
                    };
                    let failure = Failure::new(
                        of_them,
                        text!("the number of calls of pwrite(2) is {writes}", "调用 pwrite(2) {writes} 次"),
                    );
                    if writes > wanted { failure.shows(&belief::A_CALL_COSTS_NOTHING) } else { failure }
                })
            },
        )
    });
}

#[test]
fn returns_the_error_of_a_call() {
    check("loops", errno_rule(), || {
        let returned = |bytes: &[u8], calls: usize, errors: &[Errno]| {
            each_error_of_the_first(calls, errors, |failing| {
                let file = Scripted { failing, ..Scripted::new(bytes, &[], None) };
                let answer = super::replace_all(&file, b"old", b"new").map(drop).map_err(kind);
                (file.failing, answer)
            })
        };
        let words: Vec<u8> = b"a word, ".iter().copied().cycle().take(70 * KIB).collect();
        // Before the call that fails, an occurrence has been replaced, or none.
        returned(&[b"an old word, ", &words[..], b"an old word"].concat(), usize::MAX, &ERRORS)?;
        returned(&[&words[..], b"an old word"].concat(), usize::MAX, &ERRORS[..1])?;
        // Larger than any buffer that is allowed: more is read after the first one.
        returned(&words.repeat(18), 4, &ERRORS[..1])
    });
}

#[test]
fn takes_little_memory_however_large_the_file_is() {
    let rule = text!(
        "A file may be larger than memory. The buffer through which its bytes pass has a fixed size.",
        "文件可能比整个内存还大。要让它流过缓冲区，缓冲区的大小就必须固定。"
    );
    check("through_memory", rule, || {
        if !finds_them()? {
            return Ok(());
        }
        let some: Vec<u8> = b"old--".iter().copied().cycle().take(5_000).collect();
        // A small file first, and one of several chunks: an answer that is wrong there is not wrong for lack of memory,
        // and another check says so.
        for bytes in [b"told".to_vec(), some.repeat(30)] {
            let (after, places) = reference(&bytes, b"old", b"new");
            let act = |file: &dyn Calls| super::replace_all(file, b"old", b"new");
            let seen = on(|| Scripted::new(&bytes, &[], None), &after, act);
            let right = |seen: Seen| if seen.answer.is_ok() { compare(&seen, wide(places.len())) } else { Ok(()) };
            if !knows_the_basics(seen.and_then(right))? {
                return Ok(());
            }
        }
        let file = unnamed_file(b"told")?;
        for at in PLACES {
            file.write_all_at(b"old", wide(at))?;
        }
        let most = wide(LARGE / (16 * KIB)) + 5;
        let given = text!("a file of 2 MiB, replace \"old\" by \"new\"", "2 MiB 的文件，把 \"old\" 换成 \"new\"");
        // A call more than needed: who calls fsync(2) as well is told so by another check.
        with_little_memory(&file, (most, 5), wide(PLACES.len()), given, |file| {
            super::replace_all(file, b"old", b"new")
        })?;
        // The longest text, for which some search with a table.
        let (long, other) = ([b'o'; 64 * KIB], [b'n'; 64 * KIB]);
        let large = unnamed_file(&long)?;
        large.set_len(wide(400 * KIB))?;
        let most = wide(400 / 16) + 5;
        let given = text!("a file of 400 KiB, and `old` of 64 KiB", "400 KiB 的文件，`old` 长 64 KiB");
        with_little_memory(&large, (most, 2), 1, given, |file| super::replace_all(file, &long, &other))?;
        // A list of the occurrences would be larger than the file. In chunks: memory that this process had freed would
        // be there for the answer, too.
        let many = 150_000;
        let full = unnamed_file(b"")?;
        for at in (0..many * 5).step_by(some.len()) {
            full.write_all_at(&some, wide(at))?;
        }
        let most = wide((many * 5).div_ceil(16 * KIB)) + 5;
        let given = text!("a file in which \"old\" occurs {many} times", "\"old\" 出现 {many} 次的文件");
        with_little_memory(&full, (most, wide(many) + 1), wide(many), given, |file| {
            super::replace_all(file, b"old", b"new")
        })?;
        for at in PLACES {
            let mut now = [0; 3];
            file.read_exact_at(&mut now, wide(at))?;
            ensure(now == *b"new", || {
                let now = shown(&now);
                Failure::new(text!("\"new\" at {at}", "{at} 处是 \"new\""), text!("there is {now}", "是 {now}"))
            })?;
        }
        Ok(())
    });
}

#[test]
fn refuses_what_is_no_replacement() {
    let rule = text!(
        "A replacement of the same length keeps the file's size. An empty `old` would be found everywhere, without \
         end.",
        "原地替换不改变文件大小，因此新旧必须等长。要找的内容为空时，处处都匹配，永远找不完。"
    );
    check("through_memory", rule, || {
        let cases: [(&[u8], &[u8]); 4] = [(b"", b""), (b"", b"x"), (b"ab", b"a"), (b"a", b"bc")];
        for_each(
            [b"abcabc".as_slice(), b"nothing of it", b""]
                .into_iter()
                .flat_map(|bytes| cases.map(|(old, new)| (bytes, old, new))),
            |(bytes, old, new)| describe(bytes, old, new),
            |(bytes, old, new)| {
                let seen = on(|| Scripted::new(bytes, &[], None), bytes, |file| super::replace_all(file, old, new));
                let seen = seen.map_err(|mut failure| {
                    failure.breaks = None; // it goes on without end, since the text is empty
                    failure
                })?;
                refused(&seen.answer, &["InvalidInput", "EINVAL"])?;
                as_it_should_be(&seen)
            },
        )
    });
}
