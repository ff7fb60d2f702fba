use super::*;

type Ranges = (Range<usize>, Range<usize>, Range<usize>);

fn answer(size: u64, offset: u64, length: usize) -> Result<Result<Ranges, String>, Failure> {
    ask(|| super::parts(size, offset, length).map(|p| (p.file, p.rest, p.no_page)).map_err(|e| kind(e.into())))
        .map_err(|failure| may_lie_past_the_end(size, offset, wide(length), failure))
}

/// The rule for whoever subtracts the offset from a smaller size.
fn may_lie_past_the_end(size: u64, offset: u64, length: u64, failure: Failure) -> Failure {
    // Where the sum of both has no room, that may be the reason.
    if offset <= size || length == 0 || offset.checked_add(length).is_none_or(|end| i64::try_from(end).is_err()) {
        return failure;
    }
    failure.breaks(
        "rule",
        text!(
            "the offset may lie past the end of the file: then the mapping shows no byte of it, and `file_size - offset` \
             would be less than 0",
            "偏移量可以在文件末尾之后：这时映射里没有文件的字节，`file_size - offset` 则会小于 0"
        ),
    )
}

/// A mapping in words.
fn mapped(size: u64, length: u64, from: &Text) -> Text {
    let (size, length) = (bytes_in_words(size), bytes_in_words(length));
    text!("a file of {size}, {length} mapped from {from} on", "{size}的文件，从{from}起映射 {length}"; size, length, from)
}

fn in_words(parts: &Result<Ranges, String>) -> String {
    match parts {
        Ok((file, rest, no_page)) => format!("file {file:?}, rest {rest:?}, no_page {no_page:?}"),
        Err(error) => error.clone(),
    }
}

fn differs(
    size: u64,
    offset: u64,
    expected: &Result<Ranges, String>,
    got: &Result<Ranges, String>,
    length: usize,
) -> Failure {
    let (wanted, had) = (in_words(expected), in_words(got));
    let failure = Failure::new(text!("{wanted}", "{wanted}"), text!("{had}", "{had}"));
    match (expected, got) {
        // For the largest sizes something may have overflowed.
        (Ok((file, rest, _)), Ok((had, _, no_page)))
            if i64::try_from(size).is_ok() && had == file && !rest.is_empty() && no_page.start == file.end =>
        {
            failure.shows(&belief::BUS_ERROR_AFTER_THE_LAST_BYTE)
        }
        (Ok((file, ..)), Ok((had, ..))) if offset > size && file.is_empty() && !had.is_empty() => {
            may_lie_past_the_end(size, offset, wide(length), failure)
        }
        (Ok((_, _, no_page)), Ok((_, _, had))) if had.end == length && no_page.end != length => {
            failure.shows(&belief::MAPPING_ENDS_AT_ITS_LENGTH)
        }
        _ => failure,
    }
}

/// The parts as the kernel has them: how far the mapping reaches, from /proc/self/maps, and which of its pages exist,
/// from guarded reads (lesson 6), which raise no signal. The file's bytes are not zero; the rest is.
fn of_the_kernel(size: usize, offset: u64, length: usize) -> Result<Ranges, Failure> {
    let file = tempfile::tempfile()?;
    file.write_all_at(&pattern(size), 0)?;
    let mapping = Mapping::of_file(&file, offset, length, READ_WRITE, Sharing::Shared)?;
    let areas = maps_of(mapping.address()..mapping.address() + 1)?;
    let mapped = areas.first().map_or(0, |area| area.range().end - mapping.address());
    drop(mapping);
    let guarded = Guarded::new(file, offset, mapped)?;
    let (mut seen, mut in_pages) = (Vec::new(), 0);
    for at in (0..mapped).step_by(page_size()) {
        let mut page = vec![0; page_size()];
        match guarded.read(at, &mut page) {
            Ok(()) => in_pages = at + page_size(),
            Err(GuardError::NoPage { .. }) => break,
            Err(error) => return Err(io::Error::other(error).into()),
        }
        seen.extend(page);
    }
    let of_file = seen.iter().position(|&byte| byte == 0).unwrap_or(seen.len());
    Ok((0..of_file, of_file..in_pages, in_pages..mapped))
}

#[test]
fn says_what_the_kernel_says() {
    let law = text!(
        "mmap(2): whole pages are mapped; the rest of the file's last page is zero; POSIX: past it is SIGBUS",
        "mmap(2)：映射以整页为单位；文件最后一页的剩余部分为零；POSIX：再往后的页触发 SIGBUS"
    );
    check("rule", law, || {
        for_all(
            (near_page_boundaries(), 0..3_u64, near_page_boundaries()),
            |(size, first_page, length)| {
                mapped(wide(*size), wide(*length.max(&1)), &text!("page {first_page} of it", "第 {first_page} 页"))
            },
            |&(size, first_page, length)| {
                let (offset, length) = (first_page * page_size_u64(), length.max(1));
                let got = answer(wide(size), offset, length)?;
                let expected = Ok(of_the_kernel(size, offset, length)?);
                ensure(got == expected, || differs(wide(size), offset, &expected, &got, length))
            },
        )
    });
}

#[test]
fn has_room_for_large_numbers() {
    let law = text!(
        "off_t has 64 bits: a file may be longer than any mapping, and an `int` holds neither",
        "off_t 有 64 位：文件可以比任何映射都长，而 int 两者都装不下"
    );
    check("rule", law, || {
        let page = page_size();
        let last_page = u64::MAX - (page_size_u64() - 1);
        let gib = |n: usize| n << 30;
        for_each(
            [
                (wide(gib(3)), 0, gib(3), (0..gib(3), gib(3)..gib(3), gib(3)..gib(3))),
                (wide(gib(5)), 0, gib(8), (0..gib(5), gib(5)..gib(5), gib(5)..gib(8))),
                (wide(gib(1 << 10)) + 1, wide(gib(1 << 10)), 2 * page, (0..1, 1..page, page..2 * page)),
                (u64::MAX, 0, 1, (0..page, page..page, page..page)),
                (u64::MAX, last_page, 1, (0..page - 1, page - 1..page, page..page)),
                (0, last_page, usize::MAX - page + 1, (0..0, 0..0, 0..usize::MAX - page + 1)),
            ],
            |(size, offset, length, _)| mapped(*size, wide(*length), &text!("{offset}", "偏移量 {offset} ")),
            |(size, offset, length, expected)| {
                let got = answer(*size, *offset, *length)?;
                let expected = Ok(expected.clone());
                ensure(got == expected, || {
                    let failure = differs(*size, *offset, &expected, &got, *length);
                    // The size as an `int`, or 0 if that is negative.
                    let low = usize::try_from(size & u64::from(u32::MAX)).unwrap_or(0);
                    let int = if low >> 31 == 0 { low } else { 0 };
                    let narrow = match (&got, &expected) {
                        (Ok((had, ..)), Ok((file, ..))) if i64::try_from(*size).is_ok() => {
                            had != file && [low, int].contains(&had.end)
                        }
                        _ => false,
                    };
                    if narrow { failure.shows(&belief::INT_HOLDS_A_SIZE) } else { failure }
                })
            },
        )?;
        every_mix_of_large_numbers()
    });
}

/// All in one child, which leaves word of the call that it is in.
fn every_mix_of_large_numbers() -> Result<(), Failure> {
    let page = page_size_u64();
    let around = |bits: u32| [(1_u64 << bits) - page, (1 << bits) - 1, 1 << bits, (1 << bits) + 1];
    let mut sizes: Vec<u64> = [31, 32, 63].into_iter().flat_map(around).collect();
    sizes.extend([0, 1, u64::MAX - page, u64::MAX]);
    let offsets = [0, page, 1 << 31, 1 << 32, 1 << 63, (1 << 63) - page, u64::MAX - (page - 1)];
    let lengths = [1, page + 1, (1 << 31) + 1, 1 << 32, (1 << 32) + 1, 1 << 63, u64::MAX - page, u64::MAX - page + 1];
    let mut cases = Vec::new();
    for size in sizes {
        for offset in offsets {
            cases.extend(lengths.map(|length| (size, offset, length)));
        }
    }
    // In numbers that nothing here overflows.
    let right = |&(size, offset, length): &(u64, u64, u64)| {
        let up = |n: u128| n.next_multiple_of(u128::from(page));
        let mapped = up(length.into());
        let file = u128::from(size).saturating_sub(offset.into()).min(mapped);
        [file, up(file), mapped]
    };
    let at = Mapping::anonymous(8, READ_WRITE, Sharing::Shared)?;
    let wrong = ask(|| {
        cases.iter().enumerate().find_map(|(n, case)| {
            at.write(0, &n.to_ne_bytes());
            let &(size, offset, length) = case;
            let got = super::parts(size, offset, length.try_into().unwrap_or(usize::MAX));
            let got = got.map(|p| (p.file, p.rest, p.no_page)).map_err(|errno| kind(errno.into()));
            let [file, rest, end] = right(case).map(|n| n.try_into().unwrap_or(usize::MAX));
            let expected = Ok((0..file, file..rest, rest..end));
            (got != expected).then_some((expected, got))
        })
    });
    let mut number = [0; 8];
    at.read(0, &mut number);
    let (size, offset, length) = cases[usize::from_ne_bytes(number)];
    let given = mapped(size, length, &text!("{offset}", "偏移量 {offset} "));
    let wrong = wrong.map_err(|failure| may_lie_past_the_end(size, offset, length, failure).given(given.clone()))?;
    wrong.map_or(Ok(()), |(expected, got)| {
        Err(differs(size, offset, &expected, &got, length.try_into().unwrap_or(0)).given(given))
    })
}

#[test]
fn refuses_what_mmap_refuses() {
    let law = text!(
        "mmap(2): EINVAL for a length of 0 or an offset that is not page-aligned; ENOMEM for more than the address \
         space",
        "mmap(2)：长度为 0 或偏移量不在页边界上是 EINVAL；超出地址空间是 ENOMEM"
    );
    check("2:refusals", law, || {
        let page = page_size();
        for_each(
            [
                (0, 0),
                (1, 1),
                (512, 1),
                (page_size_u64() - 1, page),
                (0, usize::MAX),
                (0, usize::MAX - page + 2),
                // Both errors apply.
                (1, usize::MAX),
                (1, 0),
            ],
            |(offset, length)| {
                let Text { en, zh } = bytes_in_words(*length);
                text!("{en} mapped from {offset} on", "从偏移量 {offset} 起映射 {zh}")
            },
            |&(offset, length)| {
                let got = answer(1, offset, length)?;
                let mapped = Mapping::of_file(tempfile::tempfile()?, offset, length, READ_WRITE, Sharing::Shared);
                let errno = mapped.map(drop).expect_err("each of these is refused");
                ensure(got == Err(kind(errno.into())), || {
                    let failure = differs(1, offset, &Err(kind(errno.into())), &got, length);
                    match (offset % page_size_u64(), length) {
                        (0, 0) => failure.breaks(
                            "length_zero",
                            text!("mmap(2): EINVAL for a length of 0", "mmap(2)：长度为 0 返回 EINVAL"),
                        ),
                        (0, _) => failure,
                        _ => failure.breaks(
                            "2:window",
                            text!(
                                "mmap(2): EINVAL for an offset that is not a multiple of the page size, whatever the \
                                 length is",
                                "mmap(2)：偏移量不是页大小的整数倍，返回 EINVAL，不论长度是多少"
                            ),
                        ),
                    }
                })
            },
        )
    });
}
