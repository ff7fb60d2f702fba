use super::*;

#[test]
fn the_files_pages_are_the_drafts_where_it_was_stored_to() {
    check("cells", rule(), || {
        for_each(History::fixed(), History::words, commits)?;
        for_all(History::any(), History::words, commits)?;
        for_each(
            [0, u8::MAX],
            |byte| text!("all of page 1 of the draft is {byte:#04x}", "草稿第 1 页全部写成 {byte:#04x}"),
            |&byte| {
                judged(|| {
                    let file = unnamed_file(&original())?;
                    let draft = draft_of(&file)?;
                    let page = vec![byte; page_size()];
                    draft.write(page_size(), &page);
                    returns(&super::commit(&draft, &file).map_err(kind), &1)?;
                    let mut wanted = original();
                    wanted[page_size()..2 * page_size()].copy_from_slice(&page);
                    same_bytes(text!("the file", "文件"), &contents(&file)?, &wanted)
                })
            },
        )
    });
}

/// Commits after this history, and expects the file, the draft and the number of pages.
fn commits(history: &History) -> Result<(), Failure> {
    judged(|| {
        let mut file = unnamed_file(&original())?;
        let draft = draft_of(&file)?;
        history.happen(&draft, &file)?;
        file.seek(SeekFrom::Start(7))?;
        let count = no_error(closing_all(|| super::commit(&draft, &file))?.map_err(kind))?;
        let position = file.stream_position()?;
        // The stores and the writes, page by page.
        let mut wanted = original();
        history.written.iter().for_each(|&at| wanted[at] = WRITTEN);
        for page in history.copied() {
            let end = ((page + 1) * page_size()).min(wanted.len());
            wanted[page * page_size()..end].copy_from_slice(&original()[page * page_size()..end]);
        }
        history.stored.iter().filter(|(_, other)| *other).for_each(|&(at, _)| wanted[at] = STORED);
        let written = contents(&file)?;
        same_bytes(text!("the file", "文件"), &written, &wanted).map_err(|failure| {
            if written.len() == wanted.len() {
                return failure;
            }
            failure.shows(&belief::REST_IS_FILE).breaks("2:mapping", size_rule())
        })?;
        same_bytes(text!("the draft", "草稿"), &loaded(&draft), &wanted)?;
        let pages = history.copied().len();
        ensure(count == pages, || {
            Failure::new(
                text!("it returns {pages}, the number of pages written", "返回写入的页数 {pages}"),
                text!("it returned {count}", "返回了 {count}"),
            )
        })?;
        ensure(position == 7, || {
            moved_the_offset(
                text!("the descriptor's offset is 7, as before the call", "描述符的文件偏移量仍是调用之前的 7"),
                position,
            )
        })?;
        still_a_draft(&draft, &file)
    })
}

/// Whether it commits a few pages. [`the_files_pages_are_the_drafts_where_it_was_stored_to`] checks that.
fn works() -> Result<bool, Failure> {
    knows_the_basics(History::fixed().iter().try_for_each(commits))
}

/// What a page has past the file's end.
fn size_rule() -> Text {
    text!(
        "A mapping has whole pages, a file has any number of bytes. What is stored past the file's end is in the \
         page, and is no part of the file.",
        "映射以整页为单位，文件大小却可以是任意字节数。写在文件末尾之后的内容只在页里，不属于文件。"
    )
}

/// The call has moved the file offset, to here.
fn moved_the_offset(expected: Text, position: u64) -> Failure {
    let rule = text!(
        "lseek(2) moves the file offset, and so does write(2), which writes there: for all who use this open file. pwrite(2) \
         is told where to write, and neither uses nor moves it.",
        "lseek(2) 会移动文件偏移量，在那里写的 write(2) 也会，所有使用这个打开文件的人都受影响。pwrite(2) 由参数指定写到哪里，既不用也不动文件偏移量。"
    );
    Failure::new(expected, text!("it is {position}", "变成了 {position}")).breaks("1:calls", rule)
}

#[test]
fn only_those_pages_are_written() {
    let rule = text!(
        "Writing a page that was not edited has effects: it takes disk space where there was a hole, and overwrites \
         what another process writes to that page at the same time.",
        "把没人改过的页再写一遍，并非什么都没做：空洞会因此占用磁盘空间，别的进程同一时刻写入那一页的内容也会被抹掉。"
    );
    check("cells", rule, || {
        if !works()? {
            return Ok(());
        }
        // Gaps of every length from 1 to 9 pages.
        let stored = [9, 11, 14, 18, 23, 29, 36, 44, 53, 63].map(|page| page * page_size());
        let size = wide(64 * page_size());
        let (grown, most, moved, written) = in_child(|| {
            let (file, like) = (hole(size)?, hole(size)?);
            let draft = draft_of(&file)?;
            stored.iter().for_each(|&at| draft.store(at, STORED));
            for page in 0..4 {
                draft.load(page * page_size());
            }
            // In such a file a page that was accessed is no hole any more, though nothing was written to it.
            let punch = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
            fallocate(&file, punch, 0, i64::try_from(size).map_err(std::io::Error::other)?)?;
            let (count, moved) = moved(|| super::commit(&draft, &file));
            count?;
            // What the same writes take of another such file.
            stored.iter().try_for_each(|&at| like.write_all_at(&vec![STORED; page_size()], wide(at)))?;
            let [grown, most] = [file.metadata()?, like.metadata()?].map(|metadata| metadata.blocks() * 512);
            let bytes = contents(&file)?;
            Ok((grown, most, moved, stored.map(|at| bytes[at])))
        })?;
        let given = text!(
            "a file of 64 pages, a hole; stores to pages 9, 11, 14, 18, 23, 29, 36, 44, 53 and 63",
            "一个 64 页的空洞文件；写过第 9、11、14、18、23、29、36、44、53、63 页"
        );
        ensure(written == [STORED; 10], || {
            Failure::new(
                text!(
                    "{STORED:#04x} in the file at the beginning of each of them",
                    "文件中这些页的开头都是 {STORED:#04x}"
                ),
                text!("{}", "{}", hex(&written)),
            )
            .given(given.clone())
        })?;
        ensure(grown <= most, || {
            Failure::new(
                text!(
                    "ten pages of 64 are written, and the others stay a hole: the file takes {most} bytes",
                    "64 页中只写十页，其余仍是空洞：文件占用 {most} 字节"
                ),
                text!("it takes {grown}", "占用了 {grown} 字节"),
            )
            .given(given.clone())
        })
        .map_err(|failure| {
            // Space may be taken for another reason.
            let written_back = moved.is_some_and(|moved| moved.written > wide(stored.len()) * page_size_u64());
            if written_back { failure.shows(&belief::WRITING_BACK_IS_HARMLESS) } else { failure }
        })?;
        every_page_of_a_long_draft_goes_to_its_place()
    });
}

/// An answer that writes all pages does not come here: it would write more than 4 GiB.
fn every_page_of_a_long_draft_goes_to_its_place() -> Result<(), Failure> {
    let (file, draft) = large_draft()?;
    let last = (draft.length() - 1) / page_size();
    let pages = [0, 1, 2, MANY, 2 * MANY, last - 2, last];
    go_to_their_places(&draft, &file, &pages).map_err(|failure| {
        let length = draft.length();
        failure.given(text!(
            "a draft of {length} bytes, more than 4 GiB; stores to the pages {pages:?}",
            "{length} 字节的草稿，超过 4 GiB；写过的页为 {pages:?}"
        ))
    })
}

/// Stores to these pages, commits, and expects what was stored in the file.
fn go_to_their_places(draft: &Mapping, file: &File, pages: &[usize]) -> Result<(), Failure> {
    let byte = |page: usize| u8::try_from(1 + page % 251).expect("less than 256");
    judged(|| {
        pages.iter().for_each(|&page| draft.store(page * page_size(), byte(page)));
        returns(&super::commit(draft, file).map_err(kind), &pages.len())?;
        for &page in pages {
            let (mut found, wanted) = ([0], byte(page));
            file.read_exact_at(&mut found, wide(page * page_size()))?;
            ensure(found == [wanted], || {
                let [found] = found;
                Failure::new(
                    text!(
                        "page {page} of the file begins with {wanted:#04x}",
                        "文件第 {page} 页的第一个字节是 {wanted:#04x}"
                    ),
                    text!("it begins with {found:#04x}", "是 {found:#04x}"),
                )
            })?;
        }
        Ok(())
    })
}

#[test]
fn many_pages_in_a_row_are_all_written() {
    let rule = text!(
        "writev(2), pwritev(2): EINVAL for more than IOV_MAX (1024) buffers.",
        "writev(2)、pwritev(2)：缓冲区超过 IOV_MAX（1024）个时返回 EINVAL。"
    );
    check("cells", rule, || {
        if !works()? {
            return Ok(());
        }
        let file = hole(wide(MANY * page_size()))?;
        let draft = draft_of(&file)?;
        let pages: Vec<_> = (0..MANY).collect();
        go_to_their_places(&draft, &file, &pages).map_err(|failure| {
            failure.given(text!("a draft of {MANY} pages, each of them stored to", "草稿共 {MANY} 页，每页都写过"))
        })
    });
}

#[test]
fn the_file_keeps_its_size() {
    check("2:mapping", size_rule(), || {
        if !works()? {
            return Ok(());
        }
        let sizes = [2 * page_size(), 2 * page_size() + 1, original().len()];
        let describe = |size: &usize| {
            text!(
                "a file of {size} bytes; stores to its last byte and, in the same page, past it; no file may grow beyond \
                 {size} bytes (RLIMIT_FSIZE)",
                "一个 {size} 字节的文件；写过它的最后一个字节，以及同一页中超出文件末尾的地方；文件不得超过 {size} 字节（RLIMIT_FSIZE）"
            )
        };
        for_each(sizes, describe, |&size| {
            let (answer, after, last) = in_child(|| {
                let file = unnamed_file(&pattern(size))?;
                let draft = draft_of(&file)?;
                draft.store(size - 1, STORED);
                draft.store(whole_pages(size) - 1, STORED);
                let answer = with_largest_file(wide(size), || super::commit(&draft, &file).map_err(kind))?;
                let after = file.metadata()?.len();
                Ok((answer, after, contents(&file)?[size - 1]))
            })?;
            // At the limit, a write past the file's end fails before it makes the file larger.
            let without_limit = in_child(|| {
                let file = unnamed_file(&pattern(size))?;
                let draft = draft_of(&file)?;
                draft.store(whole_pages(size) - 1, STORED);
                super::commit(&draft, &file)?;
                Ok(file.metadata()?.len())
            })?;
            let sealed = in_child(|| {
                let file = File::from(memfd_create(c"sealed", MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING)?);
                file.write_all_at(&pattern(size), 0)?;
                fcntl(&file, FcntlArg::F_ADD_SEALS(SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW))?;
                let draft = draft_of(&file)?;
                draft.store(size - 1, STORED);
                draft.store(whole_pages(size) - 1, STORED);
                Ok(super::commit(&draft, &file).map_err(kind))
            })?;
            let wanted = wide(size);
            ensure(without_limit == wanted, || {
                Failure::new(
                    text!(
                        "the file still has {wanted} bytes (here without the limit)",
                        "文件仍为 {wanted} 字节（此处没有上限）"
                    ),
                    text!("it has {without_limit}", "变成了 {without_limit} 字节"),
                )
                .shows(&belief::REST_IS_FILE)
            })?;
            returns(&answer, &1)?;
            returns(&sealed, &1).map_err(|failure| {
                failure.given(text!(
                    "a file of {size} bytes, sealed so that its size can't change (F_SEAL_SHRINK, F_SEAL_GROW); stores as before",
                    "一个 {size} 字节的文件，大小已密封，不能改变（F_SEAL_SHRINK、F_SEAL_GROW）；写法同上"
                ))
            })?;
            ensure((after, last) == (wanted, STORED), || {
                Failure::new(
                    text!(
                        "{wanted} bytes, and the last one is {STORED:#04x}",
                        "{wanted} 字节，最后一个字节是 {STORED:#04x}"
                    ),
                    text!(
                        "{after} bytes, and what was the last one is {last:#04x}",
                        "{after} 字节，原来的最后一个字节是 {last:#04x}"
                    ),
                )
            })
        })
    });
}

/// Runs `call` while no file may become larger than this (RLIMIT_FSIZE). SIGXFSZ is ignored.
fn with_largest_file<T>(limit: u64, call: impl FnOnce() -> T) -> std::io::Result<T> {
    // SAFETY: SIG_IGN is no handler of ours.
    unsafe { signal(Signal::SIGXFSZ, SigHandler::SigIgn) }?;
    let (soft, hard) = getrlimit(Resource::RLIMIT_FSIZE)?;
    setrlimit(Resource::RLIMIT_FSIZE, limit, hard)?;
    let answer = call();
    setrlimit(Resource::RLIMIT_FSIZE, soft, hard)?;
    Ok(answer)
}

#[test]
fn the_draft_follows_the_file_again() {
    let rule = text!(
        "Once a page is written, the file and the copy have the same bytes, and there is a copy all the same: the draft \
         follows the file again when the copy is dropped, as by MADV_DONTNEED in madvise(2).",
        "写出一页之后，文件和副本的字节相同，但副本仍然在：丢弃副本（例如用 madvise(2) 的 MADV_DONTNEED），草稿才重新跟着文件变。"
    );
    check("pagemap", rule, || {
        if !works()? {
            return Ok(());
        }
        let (later, again, third) = in_child(|| {
            let file = unnamed_file(&original())?;
            let draft = draft_of(&file)?;
            draft.store(3, STORED);
            super::commit(&draft, &file)?;
            file.write_all_at(&[WRITTEN], 3)?;
            let (later, again) = (draft.load(3), super::commit(&draft, &file)?);
            draft.store(3, STORED);
            let committed = super::commit(&draft, &file)?;
            // Another file, which is longer.
            let size = original().len() + 2 * page_size();
            let other = unnamed_file(&pattern(size))?;
            let second = draft_of(&other)?;
            second.store(size - 1, STORED);
            let in_other = super::commit(&second, &other)?;
            Ok((later, again, (committed, contents(&file)?[3], in_other, contents(&other)?[size - 1])))
        })?;
        ensure((later, again) == (WRITTEN, 0), || {
            let failure = Failure::new(
                text!(
                    "the draft shows what is written later, and a second commit has nothing to write",
                    "草稿能看到之后的写入，再次提交时无页可写"
                ),
                text!(
                    "it shows {later:#04x}, and the second commit returned {again}",
                    "草稿显示 {later:#04x}，第二次提交返回 {again}"
                ),
            );
            // Otherwise nothing was written.
            let failure = if again == 1 { failure.shows(&belief::EQUAL_BYTES_ARE_THE_PAGE) } else { failure };
            failure.given(text!(
                "a store to byte 3, and a call; then another process writes {WRITTEN:#04x} to byte 3, and a second call",
                "写过偏移量 3 处并调用一次；然后别人在文件的偏移量 3 处写入 {WRITTEN:#04x}，再调用一次"
            ))
        })?;
        ensure(third == (1, STORED, 1, STORED), || {
            let (committed, byte, in_other, last) = third;
            Failure::new(
                text!(
                    "a third commit, after another store, writes 1 page, with {STORED:#04x}; a fourth one, of another draft, \
                     whose file is two pages longer, and whose last byte was stored to, writes 1 page, with {STORED:#04x}",
                    "又写过之后的第三次提交写 1 页，其中有 {STORED:#04x}；第四次提交另一份草稿（文件长两页，写过最后一个字节），也写 1 页，其中有 {STORED:#04x}"
                ),
                text!(
                    "the third returned {committed}, and the file has {byte:#04x}; the fourth {in_other}, and its file has {last:#04x}",
                    "第三次返回 {committed}，文件中是 {byte:#04x}；第四次返回 {in_other}，文件中是 {last:#04x}"
                ),
            )
        })?;
        it_works_in_a_child()?;
        let given = text!("a store to page 1", "写过第 1 页");
        without_a_directory(&given, |draft, file| {
            draft.store(page_size(), STORED);
            returns(&super::commit(draft, file).map_err(kind), &1)?;
            same_bytes(text!("the file", "文件"), &contents(file)?[page_size()..=page_size()], &[STORED])
        })
    });
}

fn it_works_in_a_child() -> Result<(), Failure> {
    judged(|| {
        let file = unnamed_file(&original())?;
        let draft = draft_of(&file)?;
        draft.store(0, STORED);
        returns(&super::commit(&draft, &file).map_err(kind), &1)?;
        draft.store(page_size(), STORED);
        judged(|| {
            draft.store(3 * page_size(), STORED);
            returns(&super::commit(&draft, &file).map_err(kind), &2)
        })
    })
    .map_err(|failure| {
        failure.given(text!(
            "a store to page 0, and a call; a store to page 1; then a fork, and a store to page 3 and a call in the child",
            "写第 0 页并调用一次；写第 1 页；然后 fork，子进程写第 3 页并调用一次"
        ))
    })
}

#[test]
fn nothing_is_lost_when_it_fails() {
    let rule = text!(
        "write(2): EBADF when the descriptor is not open for writing. madvise(2), MADV_DONTNEED: EINVAL in a mapping that is \
         locked in memory. A copy that was dropped is gone. Nothing but the file in /proc tells which pages have copies.",
        "write(2)：描述符没有以可写方式打开时返回 EBADF。madvise(2) 的 MADV_DONTNEED：映射锁定在内存中时返回 EINVAL。丢弃的副本再也找不回来。哪些页有副本，只有 /proc 中的文件知道。"
    );
    check("read_only", rule, || {
        if !works()? {
            return Ok(());
        }
        type Refusing = fn() -> std::io::Result<File>;
        let files: [(&str, &str, &str, Refusing); 2] = [
            ("EBADF", "a file that is open for reading only", "以只读方式打开的文件", || {
                let (_directory, path, _) = named_file(&original())?;
                File::open(path)
            }),
            (
                "EPERM",
                "a file that is sealed against writing (F_SEAL_WRITE)",
                "密封而不可写（F_SEAL_WRITE）的文件",
                || {
                    let file =
                        File::from(memfd_create(c"sealed", MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING)?);
                    file.write_all_at(&original(), 0)?;
                    fcntl(&file, FcntlArg::F_ADD_SEALS(SealFlag::F_SEAL_WRITE))?;
                    Ok(file)
                },
            ),
        ];
        let describe = |(_, en, zh, _): &(&str, &str, &str, Refusing)| {
            Text::new(format!("{en}; a store to byte 0 of the draft"), format!("{zh}；写过草稿的偏移量 0 处"))
        };
        for_each(files, describe, |&(error, _, _, open)| {
            judged(|| {
                let mut file = open()?;
                file.seek(SeekFrom::Start(7))?;
                let draft = draft_of(&file)?;
                draft.load(0);
                returns(&super::commit(&draft, &file).map_err(kind), &0).map_err(|failure| {
                    failure.given(text!(
                        "a file that can't be written to, and no page to write",
                        "文件不可写，但也没有要写的页"
                    ))
                })?;
                draft.store(0, STORED);
                let answer = closing_all(|| super::commit(&draft, &file).map_err(kind));
                let (kept, position) = (draft.load(0), file.stream_position()?);
                fails_with(&answer?, error)?;
                ensure(kept == STORED, || {
                    Failure::new(
                        text!(
                            "after the error the draft still has {STORED:#04x}",
                            "出错之后，草稿中仍是 {STORED:#04x}"
                        ),
                        text!("it has {kept:#04x}", "变成了 {kept:#04x}"),
                    )
                })?;
                ensure(position == 7, || {
                    moved_the_offset(
                        text!(
                            "after the error the descriptor's offset is 7, as before the call",
                            "出错之后，描述符的文件偏移量仍是调用之前的 7"
                        ),
                        position,
                    )
                })
            })
        })?;
        without_proc_it_fails()?;
        a_full_disk_is_an_error()?;
        a_locked_draft_is_no_success()
    });
}

/// Nothing else tells which pages have copies.
fn without_proc_it_fails() -> Result<(), Failure> {
    type Call<'a> = &'a dyn Fn() -> Result<usize, String>;
    type Restricted = fn(Call) -> std::io::Result<Result<usize, String>>;
    let kinds: [(&str, &str, &str, Restricted); 2] = [
        (
            "EMFILE",
            "the process can open no more descriptors (RLIMIT_NOFILE)",
            "进程不能再打开描述符（RLIMIT_NOFILE）",
            |call| with_descriptors(0, call),
        ),
        ("EIO", "read(2) and pread(2) fail with EIO", "read(2) 和 pread(2) 返回 EIO", |call| {
            // Another check tells where this can't be had.
            let _ = refuse(READS, On::Everything, Errno::EIO);
            Ok(call())
        }),
    ];
    let describe = |(_, en, zh, _): &(&str, &str, &str, Restricted)| {
        Text::new(format!("a store to page 0 of the draft; {en}"), format!("写过草稿的第 0 页；{zh}"))
    };
    for_each(kinds, describe, |&(error, _, _, restricted)| {
        judged(|| {
            let file = unnamed_file(&original())?;
            let draft = draft_of(&file)?;
            draft.store(0, STORED);
            let answer = closing_all(|| restricted(&|| super::commit(&draft, &file).map_err(kind)))??;
            // ioctl(2) with PAGEMAP_SCAN reads nothing.
            if answer == Ok(1) {
                return Ok(());
            }
            fails_with(&answer, error)?;
            file.write_all_at(&[WRITTEN], 0)?;
            let kept = draft.load(0);
            ensure(kept == STORED, || {
                Failure::new(
                    text!("after the error the draft still has {STORED:#04x}", "出错之后，草稿中仍是 {STORED:#04x}"),
                    text!("it has {kept:#04x}", "变成了 {kept:#04x}"),
                )
            })
        })
    })
}

/// The kernel drops no page of a mapping that is locked in memory.
fn a_locked_draft_is_no_success() -> Result<(), Failure> {
    judged(|| {
        let file = unnamed_file(&original())?;
        let draft = draft_of(&file)?;
        draft.store(0, STORED);
        locked(&draft)?;
        let answer = super::commit(&draft, &file).map_err(kind);
        let written = contents(&file)?[0];
        file.write_all_at(&[LATER; 2], 0)?;
        if answer.is_err() {
            fails_with(&answer, "EINVAL")?;
            let kept = draft.load(0);
            return ensure((written, kept) == (STORED, STORED), || {
                Failure::new(
                    text!(
                        "after EINVAL the page is in the file, with {STORED:#04x}, and the draft has its copy still, with {STORED:#04x}",
                        "返回 EINVAL 之后，这一页已写进文件，内容为 {STORED:#04x}；草稿仍有它的副本，内容为 {STORED:#04x}"
                    ),
                    text!(
                        "the file has {written:#04x}, the draft {kept:#04x}",
                        "文件中是 {written:#04x}，草稿中是 {kept:#04x}"
                    ),
                )
            });
        }
        let shown = [0, 1].map(|at| draft.load(at));
        ensure(shown == [LATER; 2], || {
            Failure::new(
                text!(
                    "the error EINVAL, or a draft that follows the file again",
                    "错误 EINVAL，或者草稿重新跟着文件变"
                ),
                text!(
                    "no error, and the draft does not show what is written to the file later",
                    "没有错误，草稿却看不到之后写入文件的内容"
                ),
            )
        })
    })
    .map_err(|failure| {
        failure.given(text!(
            "a store to page 0 of the draft, which mlock(2) has then locked in memory",
            "写过草稿的第 0 页，随后用 mlock(2) 把它锁定在内存中"
        ))
    })
}

/// On a disk of 16 pages, in a child that alone sees it: the learner's code runs in a child of that child.
fn a_full_disk_is_an_error() -> Result<(), Failure> {
    on_a_disk(16, |disk| {
        let file = tempfile::tempfile_in(disk)?;
        file.set_len(wide(4 * page_size()))?;
        let mut filler = tempfile::tempfile_in(disk)?;
        let draft = draft_of(&file)?;
        draft.store(page_size(), STORED);
        // The store has made a page of the file as well, of which the copy was made.
        let punch = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
        fallocate(&file, punch, 0, i64::try_from(4 * page_size()).map_err(std::io::Error::other)?)?;
        while filler.write_all(&vec![1; page_size()]).is_ok() {}
        judged(|| {
            fails_with(&super::commit(&draft, &file).map_err(kind), "ENOSPC")?;
            let kept = draft.load(page_size());
            ensure(kept == STORED, || {
                Failure::new(
                    text!("after the error the draft still has {STORED:#04x}", "出错之后，草稿中仍是 {STORED:#04x}"),
                    text!("it has {kept:#04x}", "变成了 {kept:#04x}"),
                )
            })
        })
    })
    .map_err(|failure| {
        failure.given(text!(
            "a file that is a hole, on a full disk; a store to page 1 of the draft",
            "磁盘已满，文件是一个空洞；写过草稿的第 1 页"
        ))
    })
}

#[test]
fn a_file_open_for_writing_only_is_enough() {
    let rule = text!(
        "mmap(2): EACCES for a descriptor that is not open for reading, whatever the protection. write(2) only needs \
         one that is open for writing.",
        "mmap(2)：描述符不可读时，无论要什么权限都是 EACCES。write(2) 只需要可写。"
    );
    let given = text!(
        "the file is open for writing only, may not be opened again (its mode is 0, and the process has no privilege), and \
         another descriptor has locked it (flock(2), and F_OFD_SETLK in fcntl(2))",
        "文件以只写方式打开，不能再次打开（权限为 0，进程没有特权），并由另一个描述符加了锁（flock(2)，以及 fcntl(2) 的 F_OFD_SETLK）"
    );
    check("read_only", rule, || {
        if !works()? {
            return Ok(());
        }
        let byte = in_child(|| {
            let (_directory, path, file) = named_file(&original())?;
            let draft = draft_of(&File::open(&path)?)?;
            draft.store(0, STORED);
            let for_writing = File::options().write(true).open(&path)?;
            // Nobody may open it again, and somebody else holds each kind of lock.
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000))?;
            drop_privileges()?;
            let file = Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, errno)| errno)?;
            let whole = libc::flock {
                l_type: libc::F_WRLCK.try_into().map_err(std::io::Error::other)?,
                l_whence: 0,
                l_start: 0,
                l_len: 0,
                l_pid: 0,
            };
            fcntl(&*file, FcntlArg::F_OFD_SETLK(&whole))?;
            let answer = super::commit(&draft, &for_writing).map_err(kind);
            let bytes = contents(&file)?;
            Ok(answer.map(|_| bytes[0]))
        })
        .map_err(|failure| failure.given(given.clone()))?;
        let byte = no_error(byte).map_err(|failure| failure.given(given.clone()))?;
        ensure(byte == STORED, || {
            Failure::new(
                text!("{STORED:#04x} in the file", "文件中为 {STORED:#04x}"),
                text!("{byte:#04x}", "{byte:#04x}"),
            )
            .given(given)
        })
    });
}

/// The draft maps only the first bytes of the file.
#[test]
fn a_page_goes_to_the_file_whole_though_the_draft_ends_in_it() {
    let rule = text!(
        "mmap(2): whole pages are mapped, whatever the length. How much of a page is in the file depends on the \
         file's size, fstat(2), not on the length of the mapping.",
        "mmap(2)：无论要求多长，映射的都是整页。一页里有多少字节属于文件，要看 fstat(2) 给出的文件大小，而不是映射的长度。"
    );
    check("2:mapping", rule, || {
        if !works()? {
            return Ok(());
        }
        judged(|| {
            let file = unnamed_file(&original())?;
            let draft = Mapping::of_file(&file, 0, page_size() + 10, READ_WRITE, Sharing::Private)?;
            let marks = [page_size() + 5, page_size() + 20];
            marks.iter().for_each(|&at| draft.store(at, STORED));
            no_error(super::commit(&draft, &file).map_err(kind))?;
            let mut wanted = original();
            marks.iter().for_each(|&at| wanted[at] = STORED);
            same_bytes(text!("the file", "文件"), &contents(&file)?, &wanted)
        })
        .map_err(|failure| {
            failure.given(text!(
                "a draft of one page and 10 bytes of a file of 5 pages; stores to bytes 5 and 20 of page 1",
                "草稿是一个 5 页文件的前 1 页又 10 字节；写过第 1 页偏移量 5 和 20 处"
            ))
        })?;
        for_each([0, REST], whole_pages_and, |rest| {
            judged(|| {
                let file = unnamed_file(&pattern(8 * page_size()))?;
                let all = Neighbours::of(&file, 3 * page_size() + rest)?;
                all.store();
                all.draft.store(2 * page_size(), STORED);
                returns(&closing_all(|| super::commit(&all.draft, &file))?.map_err(kind), &1)?;
                all.keep()?;
                let mut wanted = pattern(8 * page_size());
                wanted[2 * page_size()] = STORED;
                same_bytes(text!("the file", "文件"), &contents(&file)?, &wanted)?;
                still_a_draft(&all.draft, &file)
            })
        })
    });
}

/// Whether it returns an error when the limit on a file's size is where the page begins, so that no write is short.
fn refuses_a_page_past_the_limit() -> Result<bool, Failure> {
    in_child(|| {
        let file = unnamed_file(&original())?;
        let draft = draft_of(&file)?;
        draft.store(3 * page_size(), STORED);
        Ok(with_largest_file(wide(3 * page_size()), || super::commit(&draft, &file))?.is_err())
    })
}

/// The limit on a file's size is inside page 3: the write to that page is short, and the next one fails.
#[test]
fn a_page_that_is_not_written_whole_keeps_all_the_copies() {
    let rule = text!(
        "write(2) may write fewer bytes than it was given, at a limit or on a full disk; only the next call, for the \
         rest, returns the error. Drop no copy before everything is in the file.",
        "write(2) 写入的字节可能少于要求（到了上限，或者磁盘满了），剩下的要接着写，这时才会得到错误。全部写进文件之前，一份副本也不能丢弃。"
    );
    check("1:loops", rule, || {
        if !works()? {
            return Ok(());
        }
        let marks = [page_size() + 7, 3 * page_size(), 3 * page_size() + 50];
        let limit = wide(3 * page_size() + 10);
        judged(|| {
            let file = unnamed_file(&original())?;
            let draft = draft_of(&file)?;
            draft.store(marks[0], STORED);
            let answer = with_largest_file(limit, || super::commit(&draft, &file).map_err(kind))?;
            returns(&answer, &1)
        })
        .map_err(|failure| {
            failure.given(text!(
                "a store to page 1 only; RLIMIT_FSIZE ends in page 3, and the file ends after it",
                "只写过第 1 页；文件大小的上限（RLIMIT_FSIZE）在第 3 页，文件比它大"
            ))
        })?;
        let (answer, cut_short, kept, again, written, position) = in_child(|| {
            let mut file = unnamed_file(&original())?;
            file.seek(SeekFrom::End(9))?;
            let draft = draft_of(&file)?;
            marks.iter().for_each(|&at| draft.store(at, STORED));
            let answer = with_largest_file(limit, || super::commit(&draft, &file).map_err(kind))?;
            let position = (&file).stream_position()?;
            let in_file = contents(&file)?;
            let cut_short = in_file[marks[1]] == STORED && in_file[marks[2]] != STORED;
            // A page whose copy was dropped shows this.
            file.write_all_at(&[WRITTEN], wide(marks[0]))?;
            let kept = marks.map(|at| draft.load(at));
            let again = super::commit(&draft, &file).map_err(kind);
            let bytes = contents(&file)?;
            Ok((answer, cut_short, kept, again, marks.map(|at| bytes[at]), position))
        })?;
        let given = text!(
            "stores at byte 7 of page 1 and at bytes 0 and 50 of page 3; RLIMIT_FSIZE ends at byte 10 of page 3",
            "写过第 1 页偏移量 7 处，以及第 3 页偏移量 0 和 50 处；文件大小的上限（RLIMIT_FSIZE）在第 3 页偏移量 10 处"
        );
        let failure = |expected, happened| Failure::new(expected, happened).given(given.clone());
        fails_with(&answer, "EFBIG").map_err(|failure| {
            let failure = failure.given(given.clone());
            // Otherwise it ignores errors, or doesn't count the page.
            let believes = answer == Ok(2) && cut_short && refuses_a_page_past_the_limit().is_ok_and(|refuses| refuses);
            if believes { failure.shows(&belief::SHORT_IS_THE_END) } else { failure }
        })?;
        let end = wide(original().len()) + 9;
        ensure(position == end, || {
            moved_the_offset(
                text!(
                    "after the error the descriptor's offset is {end}, as before the call",
                    "出错之后，描述符的文件偏移量仍是调用之前的 {end}"
                ),
                position,
            )
            .given(given.clone())
        })?;
        ensure(kept == [STORED; 3], || {
            failure(
                text!(
                    "the draft still has {STORED:#04x} at all three, although {WRITTEN:#04x} was written to the file at the \
                     first of them",
                    "三处在草稿中都仍是 {STORED:#04x}，尽管文件的第一处被写入了 {WRITTEN:#04x}"
                ),
                text!("it has {}", "草稿中是 {}", hex(&kept)),
            )
        })?;
        ensure((&again, written) == (&Ok(2), [STORED; 3]), || {
            failure(
                text!(
                    "without the limit the next call writes 2 pages, with {STORED:#04x} at all three",
                    "去掉上限之后再次提交，写 2 页，三处都是 {STORED:#04x}"
                ),
                {
                    let (Text { en, zh }, written) = (told(&again), hex(&written));
                    Text::new(format!("{en}, and the file has {written}"), format!("{zh}，文件中是 {written}"))
                },
            )
        })
    });
}
