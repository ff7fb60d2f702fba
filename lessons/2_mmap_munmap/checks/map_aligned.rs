use super::*;

fn answer(file: &File, length: usize, alignment: usize) -> Result<Result<usize, String>, Failure> {
    ask(|| super::map_aligned(file, length, alignment).map_err(kind))
}

#[test]
fn is_aligned_and_shows_the_file() {
    let rule = text!(
        "mmap(2) without an address returns one that is page-aligned, and no more. An address is only a hint, which \
         the kernel need not follow.",
        "不给地址时，mmap(2) 返回的地址只保证在页边界上；给了地址也只是个提示，内核不一定照办。"
    );
    check("mapping", rule, || {
        let page = page_size();
        let size = 2 * page + 9;
        let cases = [(1, page), (page, 2 * page), (size, 16 * page), (size, 512 * page), (page + 1, 64 * page)];
        for_each(
            cases,
            |(length, alignment)| {
                text!("the first {length} bytes, aligned to {alignment}", "前 {length} 字节，按 {alignment} 对齐")
            },
            |&(length, alignment)| {
                let contents = pattern(size);
                let file = unnamed_file(&contents)?;
                // Several of them: one may be aligned by chance.
                let answers = ask(|| {
                    let one = || {
                        let address = super::map_aligned(&file, length, alignment).map_err(kind)?;
                        if address % alignment != 0 {
                            return Ok((address, 0, 0));
                        }
                        // SAFETY: the answer says that these bytes are mapped; if not, SIGSEGV kills this child.
                        let first = unsafe { load_at(address) };
                        // SAFETY: as above.
                        let last = unsafe { load_at(address + length - 1) };
                        let byte = std::ptr::with_exposed_provenance_mut(address);
                        // SAFETY: as above.
                        unsafe { AtomicU8::from_ptr(byte) }.store(b'!', Ordering::Relaxed);
                        Ok((address, first, last))
                    };
                    (0..3).map(|_| one()).collect::<Result<Vec<_>, String>>()
                })?;
                let answers = answers
                    .map_err(|error| Failure::new(text!("an address", "一个地址"), text!("{error}", "{error}")))?;
                let off = answers.iter().find(|(address, ..)| address % alignment != 0);
                ensure(off.is_none(), || {
                    let address = off.map_or(0, |(address, ..)| *address);
                    Failure::new(
                        text!("an address that is a multiple of {alignment:#x}", "地址是 {alignment:#x} 的整数倍"),
                        text!("{address:#x}", "{address:#x}"),
                    )
                    .shows(&belief::ADDRESS_IS_AN_ORDER)
                })?;
                let (_, first, last) = answers[0];
                let wanted = (contents[0], contents[length - 1]);
                ensure((first, last) == wanted, || {
                    Failure::new(
                        text!("the file's bytes: {wanted:?}", "文件的字节：{wanted:?}"),
                        text!("{:?}", "{:?}", (first, last)),
                    )
                })?;
                let stored = super::contents(&file)?;
                ensure(stored.first() == Some(&b'!'), || {
                    Failure::new(
                        text!("a store there reaches the file", "写到那里的内容会进入文件"),
                        text!("the file has not changed", "文件没有变化"),
                    )
                    .shows(&belief::PRIVATE_REACHES_THE_FILE)
                })?;
                same_bytes(text!("the rest of the file", "文件的其余部分"), &stored[1..], &contents[1..])
            },
        )
    });
}

/// The addresses that are mapped, without the heap, which may grow meanwhile.
fn mapped() -> Result<Vec<Range<usize>>, String> {
    let maps = fs::read_to_string("/proc/self/maps").map_err(error_text)?;
    let ranges = maps.lines().filter(|line| !line.ends_with("[heap]")).filter_map(|line| {
        let (start, end) = line.split(' ').next()?.split_once('-')?;
        Some(usize::from_str_radix(start, 16).ok()?..usize::from_str_radix(end, 16).ok()?)
    });
    Ok(ranges.collect())
}

fn total(ranges: &[Range<usize>]) -> usize {
    ranges.iter().map(Range::len).sum()
}

#[test]
fn takes_no_other_address() {
    let rule = text!(
        "munmap(2) unmaps any pages, at the ends of a mapping or in its middle: the pages beside them stay mapped.",
        "munmap(2) 可以解除任意若干页，映射的两端、中间都行：剩下的部分就成了两侧的映射。"
    );
    check("lifetime", rule, || {
        let page = page_size();
        let file = unnamed_file(&pattern(3 * page))?;
        let read_only = read_only(&file)?;
        for_each(
            [
                (page, page, true),
                (1, 64 * page, true),
                (3 * page, 512 * page, true),
                (page, 64 * page, false),
                (9 * page, 64 * page, true),
            ],
            |(length, alignment, writable)| {
                let (en, zh) =
                    if *writable { ("", "") } else { (", the file open for reading only", "，文件只读") };
                Text::new(
                    format!("the first {length} bytes of a file of 3 pages, aligned to {alignment}{en}"),
                    format!("3 页文件的前 {length} 字节，按 {alignment} 对齐{zh}"),
                )
            },
            |&(length, alignment, writable)| {
                let file = if writable { &file } else { &read_only };
                let (address, before, after) = ask(|| {
                    let before = mapped()?;
                    let address = super::map_aligned(file, length, alignment).map_err(kind);
                    Ok::<_, String>((address, before, mapped()?))
                })?
                .map_err(std::io::Error::other)?;
                let wanted = if writable { whole_pages(length) } else { 0 };
                let more = total(&after) - total(&before).min(total(&after));
                ensure(more == wanted, || {
                    Failure::new(
                        text!("{wanted} bytes more are mapped than before", "比之前多映射 {wanted} 字节"),
                        text!("there are {more} more ({address:?})", "实际多了 {more} 字节（{address:?}）"),
                    )
                    .shows(&belief::MUNMAP_TAKES_ALL)
                })
            },
        )
    });
}

#[test]
fn replaces_only_what_is_its_own() {
    let rule = text!(
        "mmap(2), MAP_FIXED: what is mapped at these addresses is discarded, without an error. So use it only on \
         addresses that you have reserved.",
        "mmap(2) 的 MAP_FIXED：若指定的地址与已有映射重叠，重叠部分会被直接丢弃，而且不报错。所以它只能用于自己预留的地址。"
    );
    check("mapping", rule, || {
        let page = page_size();
        let file = unnamed_file(&pattern(3 * page))?;
        for_each(
            [(page, page), (1, 64 * page), (3 * page, 512 * page)],
            |(length, alignment)| {
                text!("the first {length} bytes, aligned to {alignment}", "前 {length} 字节，按 {alignment} 对齐")
            },
            |&(length, alignment)| {
                let seen = watch(&file, || drop(super::map_aligned(&file, length, alignment)))?;
                seen.maps_and_does_not_copy()?;
                let mut own = BTreeSet::new();
                for call in seen.calls.iter().filter(|call| call.answer >= 0) {
                    let (at, size) = (call.arguments[0], call.arguments[1]);
                    let pages = |at: u64| (at..at + size).step_by(page_size());
                    let may = pages(at).all(|page| own.contains(&page));
                    if call.number == libc::SYS_mmap && !is_fixed(call) {
                        own.extend(pages(call.answer.cast_unsigned()));
                    } else if call.number == libc::SYS_munmap && may {
                        own.retain(|page| !pages(at).any(|gone| gone == *page));
                    } else if (call.number == libc::SYS_mmap || call.number == libc::SYS_munmap) && !may {
                        let (en, zh) = if call.number == libc::SYS_mmap {
                            ("mmap(2) with MAP_FIXED", "带 MAP_FIXED 的 mmap(2)")
                        } else {
                            ("munmap(2)", "munmap(2)")
                        };
                        let happened = Text::new(
                            format!("{en} of {size} bytes at {at:#x}, an address that mmap(2) had not returned"),
                            format!("对 {at:#x} 处 {size} 字节调用了{zh}，而这段地址不是内核分给它的"),
                        );
                        let expected =
                            text!("only addresses that mmap(2) has returned", "只使用之前由 mmap(2) 分得的地址");
                        return Err(Failure::new(expected, happened).shows(&belief::FIXED_FINDS_ROOM));
                    }
                }
                Ok(())
            },
        )
    });
}

#[test]
fn refuses_what_cannot_be_mapped() {
    let rule = text!(
        "mmap(2): EINVAL for a length of 0; ENOMEM when no range of addresses is free; EACCES for a shared mapping \
         with PROT_WRITE of a file that is not open for writing. An addition may overflow before the kernel sees the \
         result.",
        "mmap(2)：长度为 0 时 EINVAL；没有足够的空闲地址时 ENOMEM；要写的共享映射而文件没有以可写方式打开时 EACCES。两个数相加，可能还没到内核就已经溢出回绕。"
    );
    check("refusals", rule, || {
        let page = page_size();
        let file = unnamed_file(&pattern(page))?;
        let huge = usize::MAX - page + 1;
        let cases = [
            (0, page, "EINVAL"),
            (page, 0, "EINVAL"),
            (page, page / 2, "EINVAL"),
            (page, 3 * page, "EINVAL"),
            (page, 1, "EINVAL"),
            (usize::MAX, page, "ENOMEM"),
            (huge, 2 * page, "ENOMEM"),
            (1 << (usize::BITS - 1), 1 << (usize::BITS - 1), "ENOMEM"),
            (1 << (usize::BITS - 2), page, "ENOMEM"),
        ];
        for_each(
            cases,
            |(length, alignment, _)| {
                text!("length {length:#x}, alignment {alignment:#x}", "长度 {length:#x}，对齐 {alignment:#x}")
            },
            |&(length, alignment, wanted)| {
                let got = answer(&file, length, alignment)?;
                let error = got.as_ref().err().map_or("", String::as_str);
                ensure(error == wanted || (wanted == "EINVAL" && error == "InvalidInput"), || {
                    Failure::new(text!("{wanted}", "{wanted}"), text!("{got:x?}", "{got:x?}"))
                })
            },
        )?;
        let got = answer(&read_only(&file)?, 1, page)?;
        ensure(got == Err("EACCES".to_owned()), || {
            Failure::new(
                text!("EACCES: the file is open for reading only", "EACCES：文件以只读方式打开"),
                text!("{got:x?}", "{got:x?}"),
            )
        })
    });
}
