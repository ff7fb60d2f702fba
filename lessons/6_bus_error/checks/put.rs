use super::*;

fn answer(file: &File, offset: u64, bytes: &[u8]) -> Result<Result<(), String>, Failure> {
    ask_tidy(|| super::put(file, offset, bytes))
}

/// The rule for a call that fails when another one has succeeded.
fn undoes_nothing(failure: Failure) -> Failure {
    failure.breaks(
        "reserve",
        text!(
            "an error undoes nothing that earlier calls have done: what the size was has to be asked before them",
            "出错不会撤销此前的调用做过的事：文件原来多大，要在那些调用之前问好"
        ),
    )
}

/// The rule for a file that has to grow.
fn grows_before_the_store(failure: Failure) -> Failure {
    failure.breaks(
        "reserve",
        text!(
            "a store past the end makes no file longer, and where the file has no page it is SIGBUS: ftruncate(2) or \
             posix_fallocate(3) comes first",
            "写到文件末尾之后不会让文件变长，写到文件没有的页则触发 SIGBUS：要先用 ftruncate(2) 或 posix_fallocate(3)"
        ),
    )
}

/// The rule for a file that is long enough.
fn keeps_a_longer_size(failure: Failure) -> Failure {
    failure.breaks(
        "reserve",
        text!(
            "ftruncate(2) sets the size that it is given, also a smaller one, and destroys the bytes past it; a store \
             changes no byte but its own",
            "ftruncate(2) 设定的就是所给的大小，变小也照办，之后的字节就毁掉了；而写入只改变它所写的字节"
        ),
    )
}

/// The rule for a file that gets too long.
fn grows_as_far_as_told(failure: Failure) -> Failure {
    failure.breaks(
        "reserve",
        text!(
            "ftruncate(2) and posix_fallocate(3) make a file as long as they are told, whether a byte is stored there or \
             not",
            "ftruncate(2)、posix_fallocate(3) 要多长就给多长，不管有没有字节写到那里"
        ),
    )
}

/// The rule for a store to a hole.
fn space_before_the_store(failure: Failure) -> Failure {
    failure.breaks(
        "reserve",
        text!(
            "a size reserves no disk space; posix_fallocate(3) does, or fails: after success, stores to the range don't \
             fail for lack of it",
            "有了大小，不等于有了磁盘空间；posix_fallocate(3) 才会预留，不够就返回错误：成功之后，对该范围的写入不会因空间不足而失败"
        ),
    )
}

const FULL: &[&str] = &["ENOSPC", "StorageFull"];
const TOO_LARGE: &[&str] = &["EFBIG", "FileTooLarge"];

/// Compares the result, which is to be one of these `errors`, or Ok if there are none, and the file with what they
/// should be.
fn hold(got: &Result<(), String>, errors: &[&str], file: &File, before: &[u8], wanted: &[u8]) -> Result<(), Failure> {
    if errors.is_empty() {
        no_error(got.clone())?
    } else {
        refused(got, errors)?
    }
    let (en, zh) = match got {
        Ok(()) => Default::default(),
        Err(error) => (format!("after the error {error}, "), format!("在返回错误 {error} 之后，")),
    };
    let (after, had) = (file.metadata()?.len(), wide(before.len()));
    let size = wide(wanted.len());
    ensure(after == size, || {
        Failure::new(
            text!("{en}a size of {size} bytes (before: {had})", "{zh}大小为 {size} 字节（之前是 {had}）"),
            text!("a size of {after} bytes", "大小为 {after} 字节"),
        )
    })
    .map_err(|failure| match after {
        _ if got.is_err() => undoes_nothing(failure),
        after if after > size => grows_as_far_as_told(failure),
        after if after < had => keeps_a_longer_size(failure),
        _ => grows_before_the_store(failure),
    })?;
    let now = contents(file)?;
    same_bytes(text!("{en}the file", "{zh}文件"), &now, wanted).map_err(|failure| {
        let an_old_byte = difference(&now, wanted).is_some_and(|at| before.get(at.at) == wanted.get(at.at));
        match got {
            Err(_) => undoes_nothing(failure),
            Ok(()) if an_old_byte => keeps_a_longer_size(failure),
            Ok(()) => failure,
        }
    })
}

/// What the file should have afterwards.
fn with(before: &[u8], offset: usize, bytes: &[u8]) -> Vec<u8> {
    let mut wanted = before.to_vec();
    if !bytes.is_empty() {
        wanted.resize(before.len().max(offset + bytes.len()), 0);
        wanted[offset..offset + bytes.len()].copy_from_slice(bytes);
    }
    wanted
}

/// [`hold`] for an error that may come in the middle. What is left of half a call shows what the answer believes; but that
/// the file has become shorter is no step on the way.
fn nothing_is_left(
    got: &Result<(), String>,
    errors: &[&str],
    file: &File,
    before: &[u8],
    wanted: &[u8],
) -> Result<(), Failure> {
    hold(got, errors, file, before, wanted).map_err(|failure| {
        let refused = got.as_ref().is_err_and(|error| errors.contains(&error.as_str()));
        let shorter = file.metadata().is_ok_and(|metadata| metadata.len() < wide(before.len()));
        match refused && !shorter {
            true => undoes_nothing(failure.shows(&belief::AN_ERROR_UNDOES)),
            false => failure,
        }
    })
}

/// Whether the answer asks for disk space at all.
fn reserves(size: usize, offset: usize, bytes: &[u8]) -> Result<bool, Failure> {
    let file = tempfile::tempfile()?;
    file.set_len(wide(size))?;
    let calls = watch(|| super::put(&file, wide(offset), bytes).map_err(kind), |_| false)?.calls;
    let makes_a_hole = u64::from(libc::FALLOC_FL_PUNCH_HOLE.cast_unsigned());
    let asks = |call: Call| call.number == libc::SYS_fallocate && call.arguments[1] & makes_a_hole == 0;
    Ok(calls.iter().any(|call| asks(call.call)))
}

#[test]
fn puts_the_bytes_and_changes_no_other() {
    let law = text!(
        "mmap(2): the offset is a multiple of the page size; what has to be skipped in the first page is added to the length",
        "mmap(2)：偏移量必须是页大小的整数倍；第一页里要跳过的部分，得加到长度上"
    );
    check("2:window", law, || {
        let test = |&(size, offset, count): &(usize, usize, usize)| {
            let (_directory, _, file) = named_file(&pattern(size))?;
            let new = vec![b'!'; count];
            let got = answer(&file, wide(offset), &new).map_err(|failure| match failure.died_of() {
                Some(Cause::NoPage) => grows_before_the_store(failure),
                _ => failure,
            })?;
            hold(&got, &[], &file, &pattern(size), &with(&pattern(size), offset, &new))
        };
        let describe = |(size, offset, count): &(usize, usize, usize)| {
            let (file, count) = (bytes_in_words(*size), bytes_in_words(*count));
            let at = text!("{offset}", "{offset}");
            text!("a file of {file}, {count} to put at {at}", "{file}的文件，从偏移量 {at} 处写入 {count}"; file, count, at)
        };
        let page = page_size();
        for_each(
            [(100, 10, 5), (0, 0, 1), (page, page - 1, 2), (10, 3 * page + 7, page), (3 * page, page - 2, page + 4)],
            describe,
            test,
        )?;
        for_all_n(24, (near_page_boundaries(), near_page_boundaries(), near_page_boundaries()), describe, test)?;
        the_same_once_more()
    });
}

/// The file has got other bytes in between.
fn the_same_once_more() -> Result<(), Failure> {
    let (_directory, _, file) = named_file(&pattern(10))?;
    let got = ask_tidy(|| {
        super::put(&file, 3, b"four")?;
        file.write_all_at(&pattern(10), 0)?;
        super::put(&file, 3, b"four")
    })?;
    hold(&got, &[], &file, &pattern(10), &with(&pattern(10), 3, b"four")).map_err(|failure| {
        failure.given(text!(
            "a file of 10 bytes, 4 bytes put at 3, the file's old bytes written again, and then the same call once more",
            "10 字节的文件，从偏移量 3 处写入 4 字节，再写回原来的内容，然后重复同样的调用"
        ))
    })
    .map_err(was_true_then)
}

#[test]
fn changes_nothing_for_no_bytes_and_for_what_it_refuses() {
    let law = text!(
        "off_t ends at 2^63 - 1: no file is longer (EFBIG), and a sum of larger numbers may not fit in 64 bits",
        "off_t 的上限是 2^63 - 1：文件不可能更长（EFBIG），更大的数相加，64 位也可能放不下"
    );
    check("reserve", law, || {
        let most = i64::MAX.cast_unsigned();
        let cases: [(u64, &[u8], &[&str]); 7] = [
            (0, b"", &[]),
            (10, b"", &[]),
            (page_size_u64() + 5, b"", &[]),
            (u64::MAX, b"", &[]),
            (most, b"x", TOO_LARGE),
            (most - 2, b"four", TOO_LARGE),
            (u64::MAX, b"x", TOO_LARGE),
        ];
        for_each(
            cases,
            |(offset, new, _)| {
                let count = new.len();
                text!("{count} bytes to put at {offset}", "从偏移量 {offset} 处写入 {count} 字节")
            },
            |(offset, new, expected)| {
                let (_directory, _, file) = named_file(&pattern(10))?;
                let got =
                    answer(&file, *offset, new).and_then(|got| hold(&got, expected, &file, &pattern(10), &pattern(10)));
                got.map_err(|failure| match new.is_empty() {
                    true => failure.breaks(
                        "length_zero",
                        text!(
                            "posix_fallocate(3), mmap(2): EINVAL for a length of 0; ftruncate(2) changes the size even if \
                             no byte is to be stored",
                            "posix_fallocate(3)、mmap(2)：长度为 0 返回 EINVAL；哪怕一个字节也不写，ftruncate(2) 照样改变大小"
                        ),
                    ),
                    false => failure,
                })
            },
        )?;
        a_limit_of_the_size()?;
        a_file_that_cannot_be_mapped()?;
        a_file_of_more_than_4_gib()?;
        the_second_mapping_fails()?;
        let (before, new) = (pattern(10), vec![b'!'; 2 << 20]);
        let (_directory, _, file) = named_file(&before)?;
        let got = ask_with_memory(1 << 20, || super::put(&file, 10, &new).map_err(kind))?;
        // An answer that maps chunk after chunk needs no more address space, and then has to store all bytes.
        let wanted = if got.is_ok() { with(&before, 10, &new) } else { before.clone() };
        let error = got.as_ref().err().map(String::as_str);
        nothing_is_left(&got, error.as_slice(), &file, &before, &wanted).map_err(|failure| {
            let result = error.unwrap_or("Ok");
            let failure = if got.is_err() { undoes_nothing(failure) } else { refusal_is_passed_on(failure) };
            failure.given(text!(
                "2 MiB to put, in a process that may use 1 MiB more of address space; the result was {result}",
                "要写入 2 MiB，而进程只能再增加 1 MiB 地址空间；返回的是 {result}"
            ))
        })
    });
}

/// RLIMIT_FSIZE, in a process that ignores SIGXFSZ, and in one that handles it.
fn a_limit_of_the_size() -> Result<(), Failure> {
    let page = page_size_u64();
    for_each(
        [4 * page, 2 * page - 2],
        |offset| {
            text!(
                "4 bytes to put at {offset}, in a process that may make no file longer than {} bytes (RLIMIT_FSIZE), \
                 first with SIGXFSZ ignored, then with a handler for it",
                "进程的文件大小上限是 {} 字节（RLIMIT_FSIZE），先忽略 SIGXFSZ，再为它设置处理函数；从偏移量 {offset} 处写入 4 字节",
                2 * page
            )
        },
        |&offset| {
            let (_directory, _, file) = named_file(&pattern(10))?;
            let got = ask_tidy(|| {
                let (soft, hard) = getrlimit(Resource::RLIMIT_FSIZE)?;
                set_action(Signal::SIGXFSZ, libc::SIG_IGN);
                setrlimit(Resource::RLIMIT_FSIZE, 2 * page, hard)?;
                let got = super::put(&file, offset, b"four");
                setrlimit(Resource::RLIMIT_FSIZE, soft, hard)?;
                got
            })?;
            hold(&got, TOO_LARGE, &file, &pattern(10), &pattern(10)).map_err(past_the_limit)?;
            let counted = in_child(|| {
                let (soft, hard) = getrlimit(Resource::RLIMIT_FSIZE)?;
                set_action(Signal::SIGXFSZ, count as *const () as libc::sighandler_t);
                setrlimit(Resource::RLIMIT_FSIZE, 2 * page, hard)?;
                let _ = super::put(&file, offset, b"four");
                setrlimit(Resource::RLIMIT_FSIZE, soft, hard)?;
                Ok(COUNTED.load(Ordering::Relaxed))
            })?;
            ensure(counted > 0, || {
                Failure::new(
                    text!(
                        "SIGXFSZ is sent, and a handler for it runs",
                        "内核发送 SIGXFSZ，程序为它设置的处理函数会运行"
                    ),
                    text!("the handler did not run", "处理函数没有运行"),
                )
            })
            .map_err(past_the_limit)
        },
    )
}

/// The rule for RLIMIT_FSIZE.
fn past_the_limit(failure: Failure) -> Failure {
    failure.breaks(
        "reserve",
        text!(
            "setrlimit(2), RLIMIT_FSIZE: whatever would make a file longer than that fails with EFBIG, and the kernel \
             sends SIGXFSZ",
            "setrlimit(2) 的 RLIMIT_FSIZE：文件要超过这个长度时，调用返回 EFBIG，内核还会发送 SIGXFSZ"
        ),
    )
}

/// A file that can grow, but of which the kernel makes no mapping that could change it.
fn a_file_that_cannot_be_mapped() -> Result<(), Failure> {
    let flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
    let file = File::from(memfd_create(c"exercise-6", flags)?);
    file.write_all_at(&pattern(10), 0)?;
    // SAFETY: fcntl(2) with this command accesses no memory of ours.
    if unsafe { libc::fcntl(file.as_raw_fd(), libc::F_ADD_SEALS, libc::F_SEAL_FUTURE_WRITE) } != 0 {
        return Ok(()); // a kernel before Linux 5.1
    }
    let got = answer(&file, page_size_u64(), b"four")?;
    hold(&got, &["EPERM", "PermissionDenied"], &file, &pattern(10), &pattern(10))
        .map_err(|failure| {
            failure.given(text!(
                "a file of 10 bytes that may not be mapped for writing (F_SEAL_FUTURE_WRITE); 4 bytes to put at {}",
                "10 字节的文件，不允许映射为可写（F_SEAL_FUTURE_WRITE）；从偏移量 {} 处写入 4 字节",
                page_size()
            ))
        })
        .map_err(refusal_is_passed_on)
}

/// There need not be a second one. If there is, not half of the bytes are stored when it fails.
fn the_second_mapping_fails() -> Result<(), Failure> {
    let before = pattern(33 * page_size());
    let (_directory, _, file) = named_file(&before)?;
    let id = FileId::of(&file)?;
    let (mut maps, count) = (0, before.len());
    let got = watch(
        || super::put(&file, 0, &vec![b'!'; count]).map_err(kind),
        |call| {
            let maps_it = call.call.number == libc::SYS_mmap && call.names(4, id);
            maps += u32::from(maps_it);
            maps_it && maps > 1
        },
    )?
    .answer;
    let (errors, wanted) = if got.is_ok() { (&[][..], vec![b'!'; count]) } else { (&["ENOMEM"][..], before.clone()) };
    nothing_is_left(&got, errors, &file, &before, &wanted).map_err(|failure| {
        failure.given(text!(
            "a file of {count} bytes, {count} bytes to put at 0, in a process that has addresses for its first mapping of \
             the file and none for a second one",
            "{count} 字节的文件，从偏移量 0 处写入 {count} 字节；进程的地址空间只够第一次映射该文件，不够第二次"
        ))
    })
    .map_err(refusal_is_passed_on)
}

/// One that can't be mapped for writing, and one that can: its size stays, and the bytes are where they should be.
fn a_file_of_more_than_4_gib() -> Result<(), Failure> {
    let (size, flags) = ((1 << 32) + 10, MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING);
    for_each(
        [(false, 10), (false, size - 5), (true, size + 100)],
        |(sealed, offset)| {
            let (en, zh) = match sealed {
                true => (
                    ", which may not be mapped for writing (F_SEAL_FUTURE_WRITE)",
                    "，不允许映射为可写（F_SEAL_FUTURE_WRITE）",
                ),
                false => Default::default(),
            };
            text!(
                "a file of {size} bytes, all of them a hole{en}; 4 bytes to put at {offset}",
                "{size} 字节的文件，全是空洞{zh}；从偏移量 {offset} 处写入 4 字节"
            )
        },
        |&(sealed, offset)| {
            let file = File::from(memfd_create(c"exercise-6", flags)?);
            file.set_len(size)?;
            // SAFETY: fcntl(2) with this command accesses no memory of ours.
            if sealed && unsafe { libc::fcntl(file.as_raw_fd(), libc::F_ADD_SEALS, libc::F_SEAL_FUTURE_WRITE) } != 0 {
                return Ok(()); // a kernel before Linux 5.1
            }
            let got = answer(&file, offset, b"four")?;
            if sealed {
                refused(&got, &["EPERM", "PermissionDenied"]).map_err(refusal_is_passed_on)?
            } else {
                no_error(got).map_err(has_64_bits)?
            }
            let after = file.metadata()?.len();
            ensure(after == size, || {
                Failure::new(
                    text!("the size is still {size}", "大小仍是 {size}"),
                    text!("it is {after}", "变成了 {after}"),
                )
            })
            .map_err(if sealed { undoes_nothing } else { keeps_a_longer_size })?;
            let (mut there, wanted) = ([0; 4], if sealed { [0; 4] } else { *b"four" });
            let read = file.read_at(&mut there, offset)?;
            same_bytes(text!("what is at the offset", "该偏移处的内容"), &there[..read], &wanted[..read])
                .map_err(has_64_bits)
        },
    )
}

#[test]
fn leaves_zeros_between_the_old_end_and_the_bytes() {
    let law = text!(
        "mmap(2), BUGS: bytes stored past the end of the file stay in its last page; where the file then grows, tmpfs \
         keeps them",
        "mmap(2) 的 BUGS 一节：写到文件末尾之后的内容留在最后一页里；文件随后变长时，tmpfs 会保留它们"
    );
    check("last_page", law, || {
        let page = page_size();
        for_each(
            [(true, 200), (true, 100), (true, page - 1), (true, page + 5), (true, 3 * page), (false, page + 5)],
            |(in_memory, offset)| {
                let (en, zh) = if *in_memory { (" in memory (tmpfs)", "内存中（tmpfs）") } else { ("", "") };
                text!(
                    "a file{en} of 100 bytes, a mapping of it through which 0x21 was stored in the rest of its page, \
                     and then 4 bytes to put at {offset}",
                    "{zh}100 字节的文件，有进程通过映射在这一页的其余部分写满了 0x21，随后从偏移量 {offset} 处写入 4 字节"
                )
            },
            |&(in_memory, offset)| {
                let (_directory, _, on_disk) = named_file(b"")?;
                let file = match in_memory {
                    true => File::from(memfd_create(c"exercise-6", MFdFlags::MFD_CLOEXEC)?),
                    false => on_disk,
                };
                file.write_all_at(&pattern(100), 0)?;
                let mapping = Mapping::of_file(&file, 0, 100, READ_WRITE, Sharing::Shared)?;
                (100..page).for_each(|at| mapping.store(at, b'!'));
                let got = answer(&file, wide(offset), b"four")?;
                hold(&got, &[], &file, &pattern(100), &with(&pattern(100), offset, b"four"))
            },
        )
    });
}

#[test]
fn a_full_disk_is_an_error_and_changes_nothing() {
    let law = text!(
        "a size reserves no disk space; posix_fallocate(3) does, or fails: after success, stores to the range don't fail \
         for lack of it",
        "有了大小，不等于有了磁盘空间；posix_fallocate(3) 才会预留，不够就返回错误：成功之后，对该范围的写入不会因空间不足而失败"
    );
    check("reserve", law, || {
        // First on a disk with space: so there is something to check even if no small disk can be mounted.
        let (_directory, _, file) = named_file(&pattern(10))?;
        hold(&answer(&file, 10, b"x")?, &[], &file, &pattern(10), &with(&pattern(10), 10, b"x"))?;
        let page = page_size();
        for_each(
            [
                (0..1, 4 * page, 2 * page + 5, 8),
                (0..1, page, page, 1),
                (0..1, 100, 3 * page, 2 * page),
                (0..2, 2 * page, 2 * page - 4, 8),
                // The last page of the range has disk space, the first does not; then the whole file is a hole.
                (1..2, 2 * page, page - 4, 8),
                (0..0, page, 0, 5),
            ],
            |(there, size, offset, count)| {
                let Text { en, zh } = bytes_in_words(*count);
                text!(
                    "a full disk, and on it a file of {size} bytes, whose pages {there:?} have disk space; {en} to put \
                     at {offset}",
                    "磁盘已满，上面有一个 {size} 字节的文件，其中第 {there:?} 页占有空间；从偏移量 {offset} 处写入 {zh}"
                )
            },
            |(there, size, offset, count)| {
                let mut disk = SmallDisk::new(16)?;
                let mut before = pattern(there.end * page);
                before[..there.start * page].fill(0);
                disk.file.write_all_at(&before[there.start * page..], wide(there.start * page))?;
                disk.file.set_len(wide(*size))?;
                before.resize(*size, 0);
                disk.fill()?;
                let new = vec![b'!'; *count];
                let got = answer(&disk.file, wide(*offset), &new).map_err(|failure| {
                    let died = matches!(failure.died_of(), Some(Cause::NoPage));
                    match died && reserves(*size, *offset, &new).is_ok_and(|reserves| !reserves) {
                        true => failure.shows(&belief::SIZE_RESERVES_ROOM),
                        false => failure,
                    }
                })?;
                nothing_is_left(&got, FULL, &disk.file, &before, &before)
            },
        )?;
        room_for(0)?;
        all_but_the_last_page()
    });
}

#[test]
fn takes_no_more_space_than_it_needs() {
    let law = text!(
        "posix_fallocate(3) reserves the range that it is given; pages with disk space need no more",
        "posix_fallocate(3) 只为给定的范围预留空间；已经占有空间的页不再需要新空间"
    );
    check("reserve", law, || {
        let (_directory, _, file) = named_file(&pattern(10))?;
        hold(&answer(&file, 9, b"x")?, &[], &file, &pattern(10), &with(&pattern(10), 9, b"x"))?;
        let (mut full, empty) = (SmallDisk::new(16)?, SmallDisk::new(16)?);
        let before = pattern(2 * page_size());
        full.file.write_all_at(&before, 0)?;
        full.fill()?;
        let (offset, new) = (page_size() - 4, b"replaced");
        for_each(
            [offset, 0, 2 * page_size() - new.len()],
            |offset| {
                text!(
                    "a full disk, and on it a file of two pages that has all its disk space; {} bytes to put at {offset}",
                    "磁盘已满，上面有一个两页的文件，空间都已占好；从偏移量 {offset} 处写入 {} 字节",
                    new.len()
                )
            },
            |&offset| {
                full.file.write_all_at(&before, 0)?;
                let got = answer(&full.file, wide(offset), new)?;
                hold(&got, &[], &full.file, &before, &with(&before, offset, new))
            },
        )?;
        room_for(1)?;
        // More than a process has addresses.
        let far = 1 << 50;
        let got = answer(&empty.file, far, b"far away")?;
        let mut read = [0; 8];
        let taken = empty.file.metadata()?.blocks() * 512;
        let size = empty.file.metadata()?.len();
        let there = empty.file.read_exact_at(&mut read, far).is_ok() && &read == b"far away";
        ensure(got.is_ok() && there && size == far + 8 && taken <= 2 * page_size_u64(), || {
            Failure::new(
                text!(
                    "the bytes are there, and the gap before them takes no disk space",
                    "写入成功，之前的空洞不占空间"
                ),
                match &got {
                    Ok(()) => {
                        let Text { en, zh } = yes_or_no(there);
                        text!(
                            "the size is {size}; are the bytes there? {en}; {taken} bytes of the disk are taken",
                            "大小为 {size}；内容是否在那里：{zh}；占用磁盘 {taken} 字节"
                        )
                    }
                    Err(error) => text!("the error {error}", "错误 {error}"),
                },
            )
            .given(text!(
                "an empty file on a disk of 16 pages, 8 bytes to put at 2^50",
                "16 页的磁盘上的空文件，从偏移量 2^50 处写入 8 字节"
            ))
            .breaks(
                "2:window",
                text!(
                    "a mapping may begin at any page of the file, and space be reserved for any range of it: neither has to \
                     begin at 0",
                    "映射可以从文件的任何一页开始，预留空间可以针对任何一段，都不必从 0 开始"
                ),
            )
        })
    });
}

/// The file that fills the disk.
static FILLER: AtomicI32 = AtomicI32::new(-1);
/// Its size.
static LEFT: AtomicIsize = AtomicIsize::new(0);
/// The action for SIGBUS from before, which says what the process died of.
static BEFORE: OnceLock<libc::sigaction> = OnceLock::new();

/// Where the file system needs disk space for a load from a hole, as tmpfs does, that is not the answer's mistake: from
/// now on the load gets it.
fn room_for_loads(filler: &File) -> io::Result<()> {
    FILLER.store(filler.as_raw_fd(), Ordering::Relaxed);
    LEFT.store(filler.metadata()?.len().try_into().map_err(io::Error::other)?, Ordering::Relaxed);
    // SAFETY: a sigaction of zeros is SIG_DFL without flags.
    let (mut before, mut action): (libc::sigaction, libc::sigaction) = unsafe { std::mem::zeroed() };
    action.sa_sigaction = make_room as *const () as usize;
    action.sa_flags = libc::SA_SIGINFO;
    // SAFETY: it writes to `before` alone, and sets nothing.
    Errno::result(unsafe { libc::sigaction(libc::SIGBUS, std::ptr::null(), &raw mut before) })?;
    BEFORE.get_or_init(|| before);
    // SAFETY: the handler makes system calls only.
    Errno::result(unsafe { libc::sigaction(libc::SIGBUS, &raw const action, std::ptr::null_mut()) })?;
    Ok(())
}

/// Gives a page of the disk back for a load; a store is repeated under the action from before, and kills.
extern "C" fn make_room(_: i32, _: *mut libc::siginfo_t, context: *mut libc::c_void) {
    let page = page_size().cast_signed();
    let left = LEFT.fetch_sub(page, Ordering::Relaxed) - page;
    // SAFETY: ftruncate(2) is async-signal-safe and accesses no memory of ours.
    let done =
        !was_a_store(context) && unsafe { libc::ftruncate(FILLER.load(Ordering::Relaxed), left as libc::off_t) } == 0;
    if let (false, Some(before)) = (done, BEFORE.get()) {
        // SAFETY: the action comes from the kernel.
        unsafe { libc::sigaction(libc::SIGBUS, before, std::ptr::null_mut()) };
    }
}

/// Whether the access that raised the signal was a store, from the processor's error code. Where that isn't known here,
/// none is.
#[cfg(target_arch = "x86_64")]
fn was_a_store(context: *mut libc::c_void) -> bool {
    const WRITE: i64 = 1 << 1;
    let context = context.cast::<libc::ucontext_t>();
    // SAFETY: with SA_SIGINFO the kernel passes a ucontext that is valid until the handler returns.
    let error = unsafe { (*context).uc_mcontext.gregs[libc::REG_ERR as usize] };
    error & WRITE != 0
}

/// As above.
#[cfg(not(target_arch = "x86_64"))]
fn was_a_store(_: *mut libc::c_void) -> bool {
    false
}

/// More than one page is missing, and there is room for one of them, or for none. Whether that is enough is the answer's
/// business, but not a reason to die, or to do half of it.
fn room_for(pages: u64) -> Result<(), Failure> {
    let page = page_size();
    for_each(
        // The old last page and that of the bytes; the old last page and a new one; two of a hole.
        [(100, page + 5), (page, page - 2), (2 * page, page - 2)],
        |(size, offset)| {
            text!(
                "a disk whose number of free pages is {pages}, and on it a file of {size} bytes that is a hole; 4 bytes to \
                 put at {offset}",
                "磁盘只剩 {pages} 页空间，上面有一个 {size} 字节的文件，全是空洞；从偏移量 {offset} 处写入 4 字节"
            )
        },
        |&(size, offset)| {
            let mut disk = SmallDisk::new(16)?;
            disk.file.set_len(wide(size))?;
            disk.fill()?;
            disk.filler.set_len(disk.filler.metadata()?.len() - pages * page_size_u64())?;
            let before = vec![0; size];
            let got = ask_tidy(|| {
                room_for_loads(&disk.filler)?;
                super::put(&disk.file, wide(offset), b"four")
            })
            .map_err(|failure| match failure.died_of() {
                Some(Cause::NoPage) => space_before_the_store(failure),
                _ => failure,
            })?;
            let (errors, wanted) =
                if got.is_ok() { (&[][..], with(&before, offset, b"four")) } else { (FULL, before.clone()) };
            hold(&got, errors, &disk.file, &before, &wanted)
        },
    )
}

/// Many pages that have their space, and one that has none.
fn all_but_the_last_page() -> Result<(), Failure> {
    let (page, pages) = (page_size(), (2 << 20) / page_size() + 1);
    let mut disk = SmallDisk::new(wide(pages))?;
    let before = pattern(pages * page);
    disk.file.write_all_at(&before, 0)?;
    disk.fill()?;
    let count = before.len() + 1;
    let got = answer(&disk.file, 0, &vec![b'!'; count])?;
    nothing_is_left(&got, FULL, &disk.file, &before, &before).map_err(|failure| {
        failure.given(text!(
            "a full disk, and on it a file of {} bytes that has all its disk space; {count} bytes to put at 0",
            "磁盘已满，上面有一个 {} 字节的文件，空间都已占好；从偏移量 0 处写入 {count} 字节",
            before.len()
        ))
    })
}

#[test]
fn goes_through_a_mapping_and_leaves_none() {
    let law = text!(
        "munmap(2): a mapping outlives the descriptor, and stays until it is unmapped",
        "munmap(2)：映射不随文件描述符关闭而消失，直到被解除"
    );
    check("2:mapping", law, || {
        let (_directory, _, file) = named_file(&pattern(2 * page_size()))?;
        let new = vec![b'!'; page_size()];
        let ((got, moved), kept) =
            ask(|| counting(|| moved(|| super::put(&file, 100, &new).map_err(kind))))?.map_err(io::Error::other)?;
        hold(&got, &[], &file, &pattern(2 * page_size()), &with(&pattern(2 * page_size()), 100, &new))?;
        let written = moved.map_or(0, |moved| moved.written);
        // If a file system can't reserve blocks, posix_fallocate(3) writes a byte to each instead.
        ensure(written < wide(new.len()), || {
            let count = new.len();
            Failure::new(
                text!("the {count} bytes do not go through write(2)", "这 {count} 字节不经过 write(2)"),
                text!("{written} bytes went through it", "有 {written} 字节经过了它"),
            )
        })
        .map_err(accesses_the_page)?;
        nothing_left(kept)?;
        leaves_no_memory(|| _ = super::put(&file, 100, &new))?;
        let (_directory, _, file) = named_file(&vec![b'o'; 2 * page_size()])?;
        let id = FileId::of(&file)?;
        for_each(
            [100, 2 * page_size_u64()],
            |offset| {
                let (size, count) = (2 * page_size(), new.len());
                text!(
                    "a file of {size} bytes, {count} bytes to put at {offset}",
                    "{size} 字节的文件，从偏移量 {offset} 处写入 {count} 字节"
                )
            },
            |&offset| {
                let mut written = false;
                let act = || super::put(&file, offset, &new).map_err(kind);
                let writes = |call: &FileCall| call.names(0, id) && call.to_write().is_ok_and(|b| b.contains(&b'!'));
                let calls = watch(act, |call| {
                    written |= writes(call);
                    false
                })?
                .calls;
                ensure(!written, || {
                    Failure::new(
                        text!("none of the bytes goes through write(2)", "没有一个字节经过 write(2)"),
                        text!("some of them did", "有一些经过了它"),
                    )
                })
                .map_err(accesses_the_page)?;
                let mapped = |call: &FileCall| {
                    let [_, length, _, flags, _, start] = call.call.arguments;
                    let shared = flags & 1 == 1; // MAP_SHARED and MAP_SHARED_VALIDATE
                    let there = (start..start.saturating_add(length)).contains(&offset);
                    call.call.number == libc::SYS_mmap && call.call.answer >= 0 && call.names(4, id) && shared && there
                };
                ensure(calls.iter().any(mapped), || {
                    Failure::new(
                        text!("a shared mapping of this part of the file", "建立文件这一部分的共享映射"),
                        text!("none was made", "没有建立"),
                    )
                })
                .map_err(accesses_the_page)
            },
        )?;
        moved.map(drop).ok_or_else(Failure::not_counted)
    });
}
