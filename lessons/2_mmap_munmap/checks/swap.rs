use super::*;

fn answer(file: &File, a: u64, b: u64, length: usize) -> Result<Result<(), String>, Failure> {
    ask(|| super::swap(file, a, b, length).map_err(kind)).map_err(at_the_end)
}

/// A file's size, and two ranges of it that don't overlap.
fn ranges() -> impl Strategy<Value = (usize, usize, usize, usize)> {
    (near_page_boundaries(), near_page_boundaries(), near_page_boundaries(), near_page_boundaries(), any::<bool>())
        .prop_map(|(a, length, between, rest, turned)| {
            let length = length + 1;
            let b = a + length + between;
            let (a, b) = if turned { (b, a) } else { (a, b) };
            (a.max(b) + length + rest, a, b, length)
        })
}

#[test]
fn exchanges_the_bytes_and_no_other() {
    let rule = text!(
        "Two shared mappings of the same page of a file are the same memory at two addresses. A store through one is \
         seen through the other.",
        "文件同一页的两个共享映射是同一块内存，只是地址不同：从一个映射写入的内容，在另一个映射里立刻可见。"
    );
    check("3:observe", rule, || {
        for_all(
            ranges(),
            |(size, a, b, length)| {
                text!(
                    "a file of {size} bytes, {length} bytes at {a} and at {b}",
                    "{size} 字节的文件，{a} 处和 {b} 处各 {length} 字节"
                )
            },
            |&(size, a, b, length)| {
                let before = pattern(size);
                let file = unnamed_file(&before)?;
                let mut wanted = before.clone();
                wanted[a..a + length].copy_from_slice(&before[b..b + length]);
                wanted[b..b + length].copy_from_slice(&before[a..a + length]);
                let answered = answer(&file, wide(a), wide(b), length)?;
                equal(&answered, &Ok(()))
                    .map_err(|failure| explain_error(failure, answered.as_ref().err().map_or("", String::as_str)))?;
                let got = contents(&file)?;
                same_bytes(text!("the file", "文件"), &got, &wanted).map_err(|failure| {
                    if got == before { failure.shows(&belief::PRIVATE_REACHES_THE_FILE) } else { failure }
                })
            },
        )
    });
}

#[test]
fn reaches_any_two_places_of_a_large_file() {
    let rule = text!(
        "A mapping is one range: one that shows both places shows everything between them, too. Two places need two \
         mappings.",
        "一个映射只有一个长度，要同时看到两处，就得连中间的全都映射进来。两处应当用两个映射。"
    );
    check("window", rule, || {
        let places = [(3, 5 * GIB - 20), (4 * GIB - 2, 17), (2 * GIB + 1, 4 * GIB + 1)];
        for_each(
            places,
            |(a, b)| text!("a file of 5 GiB, 9 bytes at {a} and at {b}", "5 GiB 的文件，{a} 处和 {b} 处各 9 字节"),
            |&(a, b)| {
                let file = large_file(&[(a, b"the first"), (b, b"and other")])?;
                let answered = ask_with_memory(64 << 20, || super::swap(&file, a, b, 9).map_err(kind))?;
                let read = |at| -> Result<String, Failure> {
                    let mut bytes = [0; 9];
                    file.read_exact_at(&mut bytes, at)?;
                    Ok(String::from_utf8_lossy(&bytes).into_owned())
                };
                let (at_a, at_b) = (read(a)?, read(b)?);
                ensure(answered == Ok(()) && at_a == "and other" && at_b == "the first", || {
                    let failure = Failure::new(
                        text!("Ok(()), \"and other\" and \"the first\"", "Ok(())，“and other”和“the first”"),
                        text!("{answered:?}, {at_a:?} and {at_b:?}", "{answered:?}，{at_a:?} 和 {at_b:?}"),
                    );
                    match &answered {
                        Err(error) => explain_error(failure, error),
                        Ok(()) => too_narrow(failure),
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
         last page succeeds and is lost. A program that wants an error has to compare with the size.",
        "mmap(2) 允许映射文件末尾之后的范围，访问时才会遇到 SIGBUS；写到最后一页的剩余部分则会被接受，然后丢失。想要得到错误，就得自己先查文件大小。"
    );
    check("window", rule, || {
        let page = page_size_u64();
        let size = 2 * page + 100;
        let (invalid, end): (&[&str], &[&str]) = (&["InvalidInput", "EINVAL"], &["UnexpectedEof"]);
        let length = page_size();
        let cases = [
            (0, 0, 1, invalid),
            (5, 5 + page - 1, length, invalid),
            (page + 1, 2, length, invalid),
            (0, size, 1, end),
            (size - 1, 0, 2, end),
            (0, 2 * page, 101, end),
            (0, 3 * page, 1, end),
            (u64::MAX, 0, 1, end),
            (0, u64::MAX - 3, 9, end),
            (0, i64::MAX.unsigned_abs(), 5, end),
        ];
        let before = pattern(usize::try_from(size).expect("a small size"));
        for_each(
            cases,
            |(a, b, length, _)| {
                text!(
                    "a file of {size} bytes, {length} bytes at {a} and at {b}",
                    "{size} 字节的文件，{a} 处和 {b} 处各 {length} 字节"
                )
            },
            |&(a, b, length, wanted)| {
                let file = unnamed_file(&before)?;
                let got = answer(&file, a, b, length)?;
                refused(&got, wanted).map_err(|failure| {
                    if got.is_ok() && wanted == end { failure.shows(&belief::REST_IS_FILE) } else { failure }
                })?;
                ensure(contents(&file)? == before, || {
                    Failure::new(
                        text!("the file is as before", "文件保持原样"),
                        text!("it has changed", "文件被改动了"),
                    )
                })
            },
        )?;
        let file = unnamed_file(&before)?;
        for_each(
            [(0, 0), (size, 3), (u64::MAX, u64::MAX)],
            |(a, b)| text!("0 bytes at {a} and at {b}", "{a} 处和 {b} 处各 0 字节"),
            |&(a, b)| equal(&answer(&file, a, b, 0)?, &Ok(())),
        )
    });
}

#[test]
fn goes_through_mappings_and_leaves_none() {
    let rule = text!(
        "A mapping lives until munmap(2), so every return from the function needs one. In Rust, use a type whose Drop \
         calls munmap(2).",
        "结束映射要靠 munmap(2)，函数的每条返回路径上都一样；在 Rust 里，交给一个在 Drop 中调用它的类型。"
    );
    check("mapping", rule, || {
        let page = page_size();
        let file = unnamed_file(&pattern(9 * page))?;
        for_each(
            [(1, 7 * page + 5, page), (0, page, page), (8 * page + 1, 3, 10)],
            |(a, b, length)| {
                text!(
                    "a file of 9 pages, {length} bytes at {a} and at {b}",
                    "9 页的文件，{a} 处和 {b} 处各 {length} 字节"
                )
            },
            |&(a, b, length)| {
                let seen = watch(&file, || drop(super::swap(&file, wide(a), wide(b), length)))?;
                seen.maps_and_does_not_copy()?;
                let most = seen.mapped().into_iter().max().unwrap_or(0);
                let pages = |at: usize| whole_pages(at % page + length);
                let allowed = pages(a) + pages(b);
                ensure(most <= allowed, || {
                    Failure::new(
                        text!("at most {allowed} bytes are mapped", "最多映射 {allowed} 字节"),
                        text!("{most} bytes were", "映射了 {most} 字节"),
                    )
                    .shows(&belief::MAP_IT_ALL)
                })?;
                seen.leaves_nothing_mapped()
            },
        )?;
        let past = watch(&file, || drop(super::swap(&file, 0, wide(9 * page), 1))).map_err(at_the_end)?;
        past.leaves_nothing_mapped()
    });
}
