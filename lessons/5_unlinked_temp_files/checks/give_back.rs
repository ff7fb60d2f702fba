use super::*;

/// [`super::check`], which names the likely cause of an error.
#[track_caller]
fn check(section: &str, rule: Text, body: impl FnOnce() -> Result<(), Failure>) {
    super::check(section, rule, || body().map_err(with_cause));
}

fn with_cause(mut failure: Failure) -> Failure {
    if failure.happened.en.contains("EOPNOTSUPP") {
        failure.happened.en.to_mut().push_str(" (FALLOC_FL_PUNCH_HOLE without FALLOC_FL_KEEP_SIZE gives that)");
        failure.happened.zh.to_mut().push_str("（FALLOC_FL_PUNCH_HOLE 不带 FALLOC_FL_KEEP_SIZE 时就是这个错误）");
    }
    failure
}

/// A file's length and a range inside it, whose ends are page-aligned in about half of the cases.
fn lengths_and_ranges() -> BoxedStrategy<(usize, Range<u64>)> {
    let ranges = lengths().prop_flat_map(|length| {
        let boundaries = (0..=length).step_by(page_size()).chain([length]).collect::<Vec<_>>();
        let place = prop_oneof![0..=length, proptest::sample::select(boundaries)];
        (Just(length), (place.clone(), place))
    });
    let ranges = ranges.prop_map(|(length, (a, b))| (length, a.min(b) as u64..a.max(b) as u64));
    ranges.prop_filter("an empty range has a check of its own", |(_, range)| !range.is_empty()).boxed()
}

/// Ranges that are always tried: one that shows what an answer does with its ends, all but the first and the last byte, one
/// byte, whole pages, the tail.
fn boundaries() -> [(usize, Range<u64>); 6] {
    let page = page_size();
    let ranges = [
        (6 * page, 100..4 * page - 300),
        (4 * page, 1..4 * page - 1),
        (page, 1..2),
        (3 * page, page..2 * page),
        (2 * page, page..2 * page),
        (3 * page + 9, page + 1..3 * page + 9),
    ];
    ranges.map(|(length, range)| (length, range.start as u64..range.end as u64))
}

/// Whether the bytes are those of an answer that rounds an end of the range, or both, to a page boundary.
fn is_rounded(found: &[u8], length: usize, range: &Range<u64>) -> bool {
    let page = page_size_u64();
    let rounded = |at: u64| [at, at / page * page, at.next_multiple_of(page).min(length as u64)];
    let ends = rounded(range.start).into_iter().flat_map(|start| rounded(range.end).map(|end| start..end));
    let mut others = ends.filter(|other| other != range && !other.is_empty());
    others.any(|other| found == with_zeros(length, &other))
}

fn with_zeros(length: usize, range: &Range<u64>) -> Vec<u8> {
    let mut bytes = pattern(length);
    bytes[in_memory(range)].fill(0);
    bytes
}

fn described((length, range): &(usize, Range<u64>)) -> Text {
    text!("a file of {length} bytes, the range {range:?}", "{length} 字节的文件，范围 {range:?}")
}

/// The file has become shorter.
fn truncates(failure: Failure) -> Failure {
    shorter_for_a_moment(failure).shows(&belief::TRUNCATION_ONLY_FREES)
}

#[test]
fn the_range_becomes_zeros_and_nothing_else_changes() {
    let rule = text!(
        "fallocate(2), FALLOC_FL_PUNCH_HOLE: within the range, partial blocks are zeroed and whole blocks are \
         removed.",
        "fallocate(2) 的 FALLOC_FL_PUNCH_HOLE：范围内不足一块的部分清零，整块则释放。"
    );
    check("holes", rule, || {
        let test = |(length, range): &(usize, Range<u64>)| {
            let file = unnamed_file(&pattern(*length))?;
            let wanted = with_zeros(*length, range);
            let seen = ask(|| {
                let mapping = map(&file).map_err(error_text)?;
                let answer = give_back(&file, range.clone()).map_err(named);
                Ok::<_, String>((answer, difference(&loaded(&mapping), &wanted)))
            });
            let seen = seen.map_err(|failure| match failure.died_of() {
                Some(Cause::NoPage) if range.end == *length as u64 => truncates(failure),
                _ => failure,
            })?;
            let (answer, through_mapping) = seen.map_err(io::Error::other)?;
            expect_ok(&answer)?;
            let found = contents(&file)?;
            ensure(found.len() == wanted.len(), || {
                let now = found.len();
                let expected = text!("the file still has {length} bytes", "文件仍是 {length} 字节");
                let failure = Failure::new(expected, text!("it has {now} bytes", "它变成了 {now} 字节"));
                if now < *length { truncates(failure) } else { failure }
            })?;
            no_difference(text!("the file", "文件"), difference(&found, &wanted).or(through_mapping)).map_err(
                |failure| {
                    if is_rounded(&found, *length, range) {
                        failure.shows(&belief::A_HOLE_IS_OF_WHOLE_PAGES)
                    } else {
                        failure
                    }
                },
            )
        };
        for_each(boundaries(), described, test)?;
        all_of(lengths_and_ranges(), &described, &test)?;
        let file = unnamed_file(&pattern(4 * page_size()))?;
        needs_no_privilege(|| give_back(&file, 1..3 * page_size_u64()))
    });
}

#[test]
fn others_notice_zeros_and_nothing_else() {
    let rule = text!(
        "fallocate(2), FALLOC_FL_PUNCH_HOLE with FALLOC_FL_KEEP_SIZE: one step, in which the length stays, the range becomes \
         zeros in every mapping, and no other byte is touched.",
        "fallocate(2) 的 FALLOC_FL_PUNCH_HOLE 加 FALLOC_FL_KEEP_SIZE：一步完成，长度不变，这个范围在所有映射里都变成零，别的字节一概不动。"
    );
    check("holes", rule, || {
        let page = page_size();
        let inside = (4 * page, 50..3 * page_size_u64() + 7);
        let long = (200 * page, 1..199 * page_size_u64());
        let to_the_end = boundaries().into_iter().filter(|(length, range)| range.end == *length as u64);
        for_each(to_the_end.chain([inside, long]), described, |(length, range)| {
            let file = unnamed_file(&pattern(*length))?;
            let theirs = map(&file)?;
            // The bytes beside the range, by turns before and after it.
            let Range { start, end } = in_memory(range);
            let before = (0..start).rev().map(Some).chain(std::iter::repeat(None));
            let after = (end..*length).map(Some).chain(std::iter::repeat(None));
            let beside: Vec<_> = before.zip(after).take(MOST_CALLS).flat_map(|(a, b)| [a, b]).flatten().collect();
            let mut others = Others::new(&file, &theirs, &beside, Some(&belief::TRUNCATION_ONLY_FREES))?;
            before_each_of_few(
                || Ok(()),
                |()| give_back(&file, range.clone()).map_err(named),
                |n, call| others.look(n, call),
            )
            .map_err(|failure| match failure.died_of() {
                Some(Cause::NoPage) => truncates(failure),
                _ => failure,
            })?;
            others.end()?;
            let middle = start.midpoint(end);
            ensure(theirs.load(middle) == 0, || {
                Failure::new(
                    text!("byte {middle} is 0 afterwards", "完成之后偏移量 {middle} 处的字节为 0"),
                    text!("it is not", "它不是 0"),
                )
            })
        })
    });
}

#[test]
fn the_space_of_each_whole_page_is_freed() {
    let rule = text!(
        "inode(7), st_blocks: the blocks that are allocated to the file. Zeros that were written have blocks, a hole \
         has none.",
        "inode(7) 的 st_blocks：分配给文件的块数。写进去的零同样占块，空洞才不占。"
    );
    check("holes", rule, || {
        let page = page_size_u64();
        let ranges = [0..8 * page, page..5 * page, page + 1..7 * page - 1, 5 * page..8 * page];
        let describe = |range: &Range<u64>| {
            let (start, end) = (range.start, range.end);
            text!(
                "a file of 8 pages of {page} bytes, the range {start}..{end}",
                "8 页（每页 {page} 字节）的文件，范围 {start}..{end}"
            )
        };
        for_each(ranges, describe, |range| {
            // Zeros that were written take space, and so does what is reserved.
            let reserved = memory_file(NAME)?;
            fallocate(&reserved, FallocateFlags::empty(), 0, 8 * i64::try_from(page).map_err(io::Error::other)?)?;
            let files = [
                (unnamed_file(&pattern(8 * page_size()))?, None),
                (memory_file_of(&pattern(8 * page_size()))?, None),
                (memory_file_of(&vec![0; 8 * page_size()])?, Some(["all of it written zeros", "写的全是零"])),
                (
                    reserved,
                    Some([
                        "reserved by fallocate(2), where nothing was written yet",
                        "空间由 fallocate(2) 预留、还没有写过任何内容",
                    ]),
                ),
            ];
            for (file, state) in files {
                // Before that, bytes may have no blocks on the disk yet, and file systems count them differently.
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
                        text!("{whole} bytes of disk space are freed", "释放 {whole} 字节的磁盘空间"),
                        text!("{free} bytes were freed", "只释放了 {free} 字节"),
                    );
                    if let Some([en, zh]) = state {
                        return failure.given(text!(
                            "a file of 8 pages of {page} bytes, {en}; the range {range:?}",
                            "8 页（每页 {page} 字节）的文件，{zh}；范围 {range:?}"
                        ));
                    }
                    let bytes = contents(&file).unwrap_or_default();
                    let zeros = bytes.get(in_memory(range)).is_some_and(|bytes| bytes.iter().all(|byte| *byte == 0));
                    if zeros && free == 0 && !calls(&file, range, reserves) {
                        failure.shows(&belief::ZEROS_ARE_A_HOLE)
                    } else if !zeros && calls(&file, range, |call| call.number == libc::SYS_madvise) {
                        failure.shows(&belief::DONTNEED_FREES_THE_FILE)
                    } else {
                        failure
                    }
                })?;
            }
            Ok(())
        })
    });
}

fn no_blocks_for_zeros() -> Text {
    text!(
        "fallocate(2): what is a hole already reads as zeros and has no blocks. Zeros that are written there need blocks, \
         and a full disk has none.",
        "fallocate(2)：已经是空洞的地方读出来就是零，也没有块。往里写零反而要占块，磁盘满时就没有。"
    )
}

#[test]
fn a_hole_stays_a_hole() {
    check("holes", no_blocks_for_zeros(), || {
        let page = page_size_u64();
        // Pages 3 and 6 of 8 have bytes, the others are holes: also those that a range ends in, whether it frees a page or not.
        let ranges = [
            page + 1..7 * page - 1,
            5 * page + 9..8 * page,
            9..3 * page,
            2 * page + 5..4 * page - 5,
            4 * page + 5..6 * page - 5,
            5 * page + 5..8 * page - 5,
        ];
        let describe = |range: &Range<u64>| {
            text!(
                "a file of 8 pages of {page} bytes, of which only pages 3 and 6 (counted from 0) have blocks; the range {range:?}",
                "8 页（每页 {page} 字节）的文件，只有第 3、6 页（从 0 数起）有块；范围 {range:?}"
            )
        };
        for_each(ranges, describe, |range| {
            for file in [tempfile::tempfile()?, memory_file(NAME)?] {
                file.set_len(8 * page)?;
                let mut wanted = vec![0; 8 * page_size()];
                for at in [3 * page_size(), 6 * page_size()] {
                    wanted[at..at + page_size()].fill(7);
                    file.write_all_at(&wanted[at..at + page_size()], at as u64)?;
                }
                file.sync_all()?;
                let before = space_of(&file)?;
                let answer = ask(|| give_back(&file, range.clone()).map_err(named))?;
                expect_ok(&answer)?;
                let space = space_of(&file)?;
                wanted[in_memory(range)].fill(0);
                no_difference(text!("the file", "文件"), difference(&contents(&file)?, &wanted))?;
                let freed =
                    [3 * page, 6 * page].iter().filter(|at| range.start <= **at && **at + page <= range.end).count();
                let most = before - freed as u64 * page;
                ensure(space <= most, || {
                    let failure = Failure::new(
                        text!(
                            "the file takes at most {most} bytes of disk space: what it had, less the whole pages in the range",
                            "文件最多占 {most} 字节的磁盘空间：原来占的，减去范围内的整页"
                        ),
                        text!("it takes {space} bytes", "它占 {space} 字节"),
                    );
                    // What is written beside the range is what was read there: the answer rounds the range.
                    let rounds = |call: &Call| call.number == libc::SYS_pwrite64 && !range.contains(&call.arguments[3]);
                    let other = |call: &Call| reserves(call) || rounds(call);
                    // Who only punches, if in parts that are less than a page, writes no zeros.
                    if !calls(&file, range, other) && calls(&file, range, writes) {
                        failure.shows(&belief::ZEROS_ARE_A_HOLE)
                    } else {
                        failure
                    }
                })?;
            }
            Ok(())
        })?;
        no_moment_with_more_space()
    });
}

/// Whether `give_back`, called once more, makes such a system call.
fn calls(file: &File, range: &Range<u64>, is_such: impl Fn(&Call) -> bool) -> bool {
    let calls = calls_of(|| Ok(()), |()| give_back(file, range.clone()).map_err(named));
    calls.is_ok_and(|calls| calls.iter().any(is_such))
}

/// Whether the call is fallocate(2) without a mode, or with FALLOC_FL_ZERO_RANGE: with FALLOC_FL_KEEP_SIZE or not.
fn reserves(call: &Call) -> bool {
    let reserving = FallocateFlags::FALLOC_FL_KEEP_SIZE | FallocateFlags::FALLOC_FL_ZERO_RANGE;
    call.number == libc::SYS_fallocate && call.arguments[1] & !u64::from(reserving.bits().unsigned_abs()) == 0
}

/// Whether the call writes to a file, or maps one, so that it can be written to without a call.
fn writes(call: &Call) -> bool {
    let has_a_file = |descriptor: u64| descriptor <= i32::MAX.unsigned_abs().into();
    match call.number {
        libc::SYS_write | libc::SYS_pwrite64 | libc::SYS_writev | libc::SYS_pwritev => true,
        libc::SYS_mmap => has_a_file(call.arguments[4]),
        _ => false,
    }
}

/// What is written there for a moment needs a block, too.
fn no_moment_with_more_space() -> Result<(), Failure> {
    let page = page_size_u64();
    let describe = |range: &Range<u64>| {
        text!(
            "a file of 8 pages of {page} bytes, of which only page 3 (counted from 0) has a block; the range {range:?}",
            "8 页（每页 {page} 字节）的文件，只有第 3 页（从 0 数起）有块；范围 {range:?}"
        )
    };
    // The second one frees nothing that might make up for it.
    for_each([1..8 * page - 1, 4 * page + 1..8 * page - 1], describe, |range| {
        let file = memory_file(NAME)?;
        file.set_len(8 * page)?;
        file.write_all_at(&[7], 3 * page)?;
        let before = space_of(&file)?;
        let mut last = text!("the beginning", "开始");
        let look = |_, call: &Call| {
            let space = space_of(&file)?;
            // What the code does between two calls is seen before the second one.
            let Text { en, zh } = std::mem::replace(&mut last, call_name(call.number));
            ensure(space <= before, || {
                Failure::new(
                    text!(
                        "at no moment the file takes more than {before} bytes",
                        "文件在任何时刻都不多占 {before} 字节"
                    ),
                    text!("after {en} it takes {space}", "{zh} 之后，它占 {space} 字节"),
                )
            })
        };
        before_each_of_few(|| Ok(()), |()| give_back(&file, range.clone()).map_err(named), look)
    })
}

#[test]
fn what_the_kernel_refuses_is_an_error() {
    let rule = text!(
        "fallocate(2): EPERM for a file with F_SEAL_WRITE, EOPNOTSUPP where the file system can't make holes. The space \
         is not free then, and the caller has to know.",
        "fallocate(2)：文件带 F_SEAL_WRITE 时返回 EPERM，文件系统不能打洞时返回 EOPNOTSUPP。这时空间并没有释放，调用者必须知道。"
    );
    check("holes", rule, || {
        let page = page_size_u64();
        let (write, none) = (SealFlag::F_SEAL_WRITE, SealFlag::empty());
        let future = SealFlag::F_SEAL_FUTURE_WRITE;
        let others = SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_SEAL;
        let cases = [
            (write, None, Some("EPERM"), text!("a memory file with F_SEAL_WRITE", "带 F_SEAL_WRITE 密封的内存文件")),
            (
                future,
                None,
                Some("EPERM"),
                text!("a memory file with F_SEAL_FUTURE_WRITE", "带 F_SEAL_FUTURE_WRITE 密封的内存文件"),
            ),
            (
                others,
                None,
                None,
                text!(
                    "a memory file with F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL",
                    "内存文件，密封为 F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL"
                ),
            ),
            (
                none,
                Some(Errno::EOPNOTSUPP),
                Some("EOPNOTSUPP"),
                text!("a file system without holes", "不支持空洞的文件系统"),
            ),
            (none, Some(Errno::EIO), Some("EIO"), text!("fallocate(2) fails with EIO", "fallocate(2) 失败，返回 EIO")),
        ];
        for_each(
            cases,
            |(.., words)| words.clone(),
            |(seals, refused, error, _)| {
                let bytes = pattern(3 * page_size());
                let file = memory_file_of(&bytes)?;
                fcntl(&file, FcntlArg::F_ADD_SEALS(*seals))?;
                let act = || {
                    let before = held().unwrap_or_default();
                    let answer = give_back(&file, 1..2 * page).map_err(named);
                    (answer, before, held().unwrap_or_default())
                };
                let (answer, before, after) = match *refused {
                    None => ask(act)?,
                    // madvise(2) with MADV_REMOVE makes holes, too.
                    Some(errno) => ask_refused(&[libc::SYS_fallocate, libc::SYS_madvise], On::Everything, errno, act)?,
                };
                match error {
                    Some(error) => expect_error(&answer, error)?,
                    None => expect_ok(&answer).map_err(a_hole_is_not_sealed_away)?,
                }
                expect_nothing_left(before, after)?;
                if *seals == write { an_empty_range_of(&file) } else { Ok(()) }
            },
        )?;
        no_step_may_fail_unnoticed()
    });
}

/// These seals forbid another length, and further seals.
fn a_hole_is_not_sealed_away(failure: Failure) -> Failure {
    failure.breaks(
        "seals",
        text!(
            "F_SEAL_SHRINK and F_SEAL_GROW forbid another length, F_SEAL_SEAL forbids further seals. A hole leaves the length as \
             it is, so with these seals the kernel makes it.",
            "F_SEAL_SHRINK 和 F_SEAL_GROW 禁止改变文件长度，F_SEAL_SEAL 禁止再添加密封。打洞不改变长度，所以带这些密封的文件也能打洞。"
        ),
    )
}

/// Where even a file without seals refuses an empty range, the check of ranges says so.
fn an_empty_range_of(sealed: &File) -> Result<(), Failure> {
    let page = page_size_u64();
    let empty = |file: &File| expect_ok(&ask(|| give_back(file, page..page).map_err(named))?);
    if !knows_the_basics(empty(&memory_file_of(&pattern(3 * page_size()))?))? {
        return Ok(());
    }
    empty(sealed).map_err(|failure| {
        let failure = failure.given(text!(
            "an empty range of a memory file with F_SEAL_WRITE",
            "带 F_SEAL_WRITE 密封的内存文件，空范围"
        ));
        failure.breaks(
            "holes",
            text!(
                "An empty range changes nothing, so no seal forbids it: there is nothing to ask the kernel for.",
                "空范围什么也不改，哪种密封都不禁止：这时根本不必去问内核。"
            ),
        )
    })
}

/// Where one of several calls fails, the answer may do its work in another way, or return the error.
fn no_step_may_fail_unnoticed() -> Result<(), Failure> {
    let page = page_size_u64();
    let (length, range) = (4 * page_size(), 1..3 * page + 5);
    let describe = |nth: &usize| {
        let n = nth + 1;
        text!(
            "a file of 4 pages of {page} bytes, the range {range:?}; only fallocate(2) or madvise(2) no. {n} of the call fails, with EIO",
            "4 页（每页 {page} 字节）的文件，范围 {range:?}；本次调用中只有第 {n} 个 fallocate(2) 或 madvise(2) 失败，返回 EIO"
        )
    };
    for_each([0, 1, 2], describe, |nth| {
        let file = memory_file_of(&pattern(length))?;
        let before = space_of(&file)?;
        let answer = ask_refused_once(&[libc::SYS_fallocate, libc::SYS_madvise], *nth, Errno::EIO, || {
            give_back(&file, range.clone()).map_err(named)
        })?;
        let done = contents(&file)? == with_zeros(length, &range) && before - space_of(&file)? >= 2 * page;
        match answer {
            Some(Ok(())) if done => Ok(()),
            Some(answer) => expect_error(&answer, "EIO"),
            None => Ok(()),
        }
    })
}

/// The bytes of disk space that this call needs where the file has a hole.
fn space_for(call: &Call) -> u64 {
    match call.number {
        libc::SYS_write | libc::SYS_pwrite64 => call.arguments[2],
        _ if reserves(call) => call.arguments[3],
        _ => 0,
    }
}

#[test]
fn offsets_may_take_more_than_32_bits() {
    let rule = text!(
        "off_t has 64 bits (fallocate(2)); arithmetic in 32 bits loses the upper ones, and no memory has room for so \
         many bytes.",
        "off_t 是 64 位的（见 fallocate(2)）；用 32 位做运算会丢掉高位，这么多字节内存里也放不下。"
    );
    check("holes", rule, || {
        if !knows_the_basics(a_range_of_a_small_file())? {
            return Ok(());
        }
        let page = page_size_u64();
        // The lower 32 bits are those of 1 GiB.
        let edge = 101_u64 << 30;
        // Two are longer than 4 GiB: the lower 32 bits of one length are those of a page, of the other 1 GiB.
        let long = 100 << 30;
        // The last two are reversed in 32 bits, one where these have a sign, the other where they have none.
        let ranges = [
            edge..edge + page,
            edge - page..edge + 2 * page,
            edge + page - long..edge + 2 * page,
            page + 1..edge + page + 1,
            page + 1..3 << 30,
            3 << 30..edge + page,
        ];
        let describe = |range: &Range<u64>| {
            text!("a file of 101 GiB and 4 pages, the range {range:?}", "101 GiB 又 4 页的文件，范围 {range:?}")
        };
        for_each(ranges, describe, |range| {
            // Sparse: it has bytes at its beginning and at 101 GiB, and takes a few pages.
            let file = memory_file_of(&pattern(4 * page_size()))?;
            let start = edge - page;
            file.write_all_at(&pattern(5 * page_size()), start)?;
            before_each_of_few(
                || Ok(()),
                |()| give_back(&file, range.clone()).map_err(named),
                |_, call| {
                    // What would take all of this machine's memory is not carried out.
                    let space = space_for(call);
                    ensure(space <= 1 << 20, || {
                        let Text { en, zh } = call_name(call.number);
                        Failure::new(
                            text!("no step needs free disk space", "任何一步都不需要空闲的磁盘空间"),
                            text!("{en} would need {space} bytes", "{zh} 要占 {space} 字节"),
                        )
                        .breaks("holes", no_blocks_for_zeros())
                    })
                },
            )
            .map_err(too_much_for_a_buffer)?;
            let mut found = [vec![0; 4 * page_size()], vec![0; 5 * page_size()]].concat();
            let (low, high) = found.split_at_mut(4 * page_size());
            file.read_exact_at(low, 0)?;
            file.read_exact_at(high, start)?;
            // The part of the range in each of the two.
            let inside = |from: u64, to: u64| range.start.clamp(from, to) - from..range.end.clamp(from, to) - from;
            let low_wanted = with_zeros(4 * page_size(), &inside(0, 4 * page));
            let wanted = [low_wanted, with_zeros(5 * page_size(), &inside(start, start + 5 * page))].concat();
            if let Some(at) = difference(&found, &wanted).map(|differs| differs.at as u64) {
                let low = 4 * page;
                let place = if at < low { at } else { start + at - low };
                return Err(Failure::new(
                    text!("the range becomes zeros, and nothing else changes", "该范围变为零，其余保持不变"),
                    text!("byte {place} has another value", "偏移量 {place} 处的字节值不对"),
                ));
            }
            Ok(())
        })
    });
}

/// What is wrong there as well is no matter of large offsets.
fn a_range_of_a_small_file() -> Result<(), Failure> {
    boundaries().into_iter().try_for_each(|(length, range)| {
        let file = unnamed_file(&pattern(length))?;
        expect_ok(&ask(|| give_back(&file, range.clone()).map_err(named))?)?;
        no_difference(text!("the file", "文件"), difference(&contents(&file)?, &with_zeros(length, &range)))
    })
}

/// It goes through the bytes of the range, or has memory for them.
fn too_much_for_a_buffer(failure: Failure) -> Failure {
    if !matches!(failure.verdict, Verdict::OutOfMemory | Verdict::TimedOut | Verdict::Killed | Verdict::Panicked) {
        return failure;
    }
    failure.breaks(
        "holes",
        text!(
            "One fallocate(2) takes a range of any length. A buffer of 100 GiB fits into no memory, and a loop over its bytes \
             takes minutes.",
            "一次 fallocate(2) 就能处理任意长的范围。100 GiB 的缓冲区放不进内存，逐个字节循环则要好几分钟。"
        ),
    )
}

/// The kernel refuses an empty range, and the contract doesn't.
fn of_an_empty_range(failure: Failure) -> Failure {
    failure.breaks(
        "holes",
        text!(
            "fallocate(2): EINVAL for a length of 0. The contract wants Ok there: there is nothing to do.",
            "fallocate(2)：长度为 0 时返回 EINVAL。约定要的是 Ok：空范围没有什么要做的。"
        ),
    )
}

#[test]
fn a_range_outside_the_file_is_refused() {
    let rule = text!(
        "fallocate(2): EINVAL for a length of 0; a hole past the end of a file is no error.",
        "fallocate(2)：长度为 0 时返回 EINVAL；而在文件末尾之后打洞，它并不报错。"
    );
    check("holes", rule, || {
        each_call_looks_anew()?;
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
            text!("a file of {size} bytes, the range {start}..{end}", "{size} 字节的文件，范围 {start}..{end}")
        };
        for_each(refused.into_iter().chain(no_error), describe, |(range, error)| {
            let bytes = pattern(usize::try_from(size).map_err(io::Error::other)?);
            let file = unnamed_file(&bytes)?;
            let answer = ask(|| give_back(&file, range.clone()).map_err(named))?;
            match error {
                Some(error) => expect_error(&answer, error)?,
                None => expect_ok(&answer).map_err(of_an_empty_range)?,
            }
            ensure(contents(&file)? == bytes, || {
                Failure::new(text!("the file is as before", "文件保持原样"), text!("it has changed", "文件被改动了"))
            })
        })
    });
}

/// Many calls in one process: what was so a moment ago, or of another file, says nothing about this call.
fn each_call_looks_anew() -> Result<(), Failure> {
    let page = page_size_u64();
    let file = unnamed_file(&pattern(4 * page_size()))?;
    let (shorter, longer) = (unnamed_file(&pattern(page_size()))?, unnamed_file(&pattern(9 * page_size()))?);
    let first = 0..page;
    let steps = [
        (&file, None, first.clone(), None, text!("a file of 4 pages, the first page", "4 页的文件，第一页")),
        (
            &file,
            None,
            first,
            None,
            text!(
                "the same page of that file again, after bytes were written there",
                "同一文件的第一页写入新内容之后，再来一次"
            ),
        ),
        (
            &shorter,
            None,
            0..2 * page,
            Some("InvalidInput"),
            text!(
                "a file of 1 page, its first 2 pages, after calls for a file of 4 pages in the same process",
                "1 页的文件，前两页；同一进程此前已为 4 页的文件调用过"
            ),
        ),
        (
            &longer,
            None,
            page..9 * page,
            None,
            text!(
                "a file of 9 pages, all but the first, after calls for shorter files in the same process",
                "9 页的文件，除第一页以外；同一进程此前已为较短的文件调用过"
            ),
        ),
        (
            &file,
            Some(2 * page),
            0..3 * page,
            Some("InvalidInput"),
            text!("a file that had 4 pages at the last call, and has 2 now", "上次调用时有 4 页、现在只有 2 页的文件"),
        ),
        (
            &file,
            Some(6 * page),
            page..6 * page,
            None,
            text!("a file that had 2 pages at the last call, and has 6 now", "上次调用时有 2 页、现在有 6 页的文件"),
        ),
    ];
    let seen = ask(|| {
        let before = held().map_err(error_text)?;
        let mut answers = Vec::new();
        for (file, length, range, ..) in &steps {
            length.map_or(Ok(()), |length| file.set_len(length)).map_err(error_text)?;
            let bytes = pattern(contents(file).map_err(error_text)?.len());
            file.write_all_at(&bytes, 0).map_err(error_text)?;
            let answer = give_back(file, range.clone()).map_err(named);
            let mut wanted = bytes;
            if answer.is_ok()
                && let Some(freed) = wanted.get_mut(in_memory(range))
            {
                freed.fill(0);
            }
            answers.push((answer, difference(&contents(file).map_err(error_text)?, &wanted)));
        }
        Ok::<_, String>((answers, before, held().map_err(error_text)?))
    })?;
    let (answers, before, after) = seen.map_err(io::Error::other)?;
    for_each(
        answers.iter().zip(steps),
        |(_, (.., words))| words.clone(),
        |((answer, differs), (.., error, _))| {
            error.map_or_else(|| expect_ok(answer), |error| expect_error(answer, error))?;
            no_difference(text!("the file", "文件"), *differs)
        },
    )?;
    expect_nothing_left(before, after)
        .map_err(|failure| failure.given(text!("six calls in one process", "同一进程中的六次调用")))
}
