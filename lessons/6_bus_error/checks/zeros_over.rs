use super::*;

/// Three pages of a file.
fn mapped(file: &File) -> Result<Mapping, Errno> {
    Mapping::of_file(file, 0, 3 * page_size(), READ_WRITE, Sharing::Shared)
}

#[test]
fn replaces_the_page_and_no_other() {
    let law = text!(
        "mmap(2): MAP_FIXED replaces what is mapped at that address, which is a multiple of the page size",
        "mmap(2)：MAP_FIXED 替换该地址上原有的映射，地址必须是页大小的整数倍"
    );
    check("guarded", law, || {
        let page = page_size();
        for_each(
            [page, page + 1, page + 77, 2 * page - 1],
            |at| text!("the byte at {at} of a mapping of three pages", "三页映射中偏移量 {at} 处的地址"),
            |&at| {
                let before = pattern(3 * page);
                let (_directory, path, file) = named_file(&before)?;
                let (done, shown) = ask(|| -> Result<_, String> {
                    let mapping = mapped(&file).map_err(error_text)?;
                    // SAFETY: the page is in our mapping, which hands out no reference to its bytes.
                    let done = unsafe { super::zeros_over(mapping.address() + at) };
                    let mut shown = vec![0; 3 * page];
                    mapping.read(0, &mut shown);
                    // Which stores reach the file?
                    (0..3).for_each(|n| mapping.store(n * page + 9, b'!'));
                    Ok((done.map_err(|errno| kind(errno.into())), shown))
                })?
                .map_err(io::Error::other)?;
                ensure(done.is_ok(), || Failure::new(text!("Ok", "Ok"), text!("{done:?}", "{done:?}")))?;
                let mut wanted = before.clone();
                wanted[page..2 * page].fill(0);
                same_bytes(text!("the mapping", "映射"), &shown, &wanted).map_err(|failure| {
                    // Nothing has changed: the page of zeros is somewhere else.
                    if shown == before { failure.shows(&belief::ADDRESS_IS_AN_ORDER) } else { failure }
                })?;
                let mut stored = before.clone();
                [9, 2 * page + 9].into_iter().for_each(|n| stored[n] = b'!');
                let after = fs::read(&path)?;
                ensure(after == stored, || {
                    let at = difference(&after, &stored).map_or(0, |differs| differs.at);
                    Failure::new(
                        text!(
                            "stores reach the file from the pages beside it, and not from the page of zeros",
                            "写相邻两页会进入文件，写这个零页不会"
                        ),
                        text!("the file differs from that at byte {at}", "文件在偏移量 {at} 处与此不符"),
                    )
                })
            },
        )
    });
}

#[test]
fn helps_where_the_file_has_no_page() {
    let law = text!(
        "POSIX, mmap(): whole pages past the end of the object are SIGBUS, for loads and for stores",
        "POSIX mmap()：对象末尾之后的整页，无论读写都触发 SIGBUS"
    );
    check("deaths", law, || {
        for_each(
            [0, 1, page_size()],
            |size| {
                text!(
                    "a file of {size} bytes, and page 1 of a mapping of three",
                    "{size} 字节的文件，三页映射中的第 1 页"
                )
            },
            |&size| {
                let (_directory, _, file) = named_file(&pattern(size))?;
                let (done, shown, kind) = ask(|| -> Result<_, String> {
                    let mapping = mapped(&file).map_err(error_text)?;
                    // SAFETY: the page is in our mapping, which hands out no reference to its bytes.
                    let done = unsafe { super::zeros_over(mapping.address() + page_size() + 3) };
                    let there = mapping.address() + page_size();
                    let kind = maps_of(there..there + 1).map_err(error_text)?.first().map(|area| area.permissions());
                    Ok((done.map_err(error_text), done.is_ok().then(|| mapping.load(page_size() + 3)), kind))
                })?
                .map_err(io::Error::other)?;
                ensure((&done, shown) == (&Ok(()), Some(0)), || {
                    Failure::new(text!("a load gives 0", "读出 0"), text!("{done:?}, {shown:?}", "{done:?}，{shown:?}"))
                })?;
                ensure(kind.as_deref() == Some("rw-p"), || {
                    Failure::new(
                        text!("the page is private, for reading and writing: rw-p", "该页私有、可读可写：rw-p"),
                        text!("/proc/self/maps has {kind:?}", "/proc/self/maps 里是 {kind:?}"),
                    )
                })?;
                let now = file.metadata()?.len();
                ensure(now == wide(size), || {
                    Failure::new(
                        text!("the file still has {size} bytes", "文件仍是 {size} 字节"),
                        text!("it has {now}", "变成了 {now} 字节"),
                    )
                })
            },
        )
    });
}

#[test]
fn is_one_call_of_mmap() {
    let law = text!(
        "mmap(2): with MAP_FIXED the old pages go in the same call; between munmap(2) and mmap(2) another thread \
         may take the addresses",
        "mmap(2)：带 MAP_FIXED 时旧页在同一次调用中被替换；先 munmap(2) 再 mmap(2)，中间地址可能被别的线程占走"
    );
    check("guarded", law, || {
        let (_directory, _, file) = named_file(&pattern(3 * page_size()))?;
        let calls = calls_of(
            || mapped(&file).map_err(io::Error::from),
            |mapping| {
                let address = mapping.address() + page_size();
                // Unmapping it would be one more call.
                std::mem::forget(mapping);
                // SAFETY: the page is in our mapping, to which nothing refers any more.
                unsafe { super::zeros_over(address) }.map_err(error_text)
            },
        )?;
        let numbers: Vec<i64> = calls.iter().map(|call| call.number).collect();
        ensure(numbers == [libc::SYS_mmap], || {
            let failure = Failure::new(
                text!("one system call: mmap (number {})", "只有一次系统调用：mmap（编号 {}）", libc::SYS_mmap),
                text!("calls with the numbers {numbers:?}", "调用编号依次为 {numbers:?}"),
            );
            if numbers.contains(&libc::SYS_munmap) {
                failure.shows(&belief::ADDRESSES_WAIT_FOR_ME)
            } else if numbers.contains(&libc::SYS_write) {
                failure.shows(&belief::HANDLER_IS_LIKE_ANY_FUNCTION)
            } else {
                failure
            }
        })
    });
}
