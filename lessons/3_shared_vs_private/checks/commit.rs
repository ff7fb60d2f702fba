use super::*;

#[test]
fn the_files_pages_are_the_drafts_where_it_was_stored_to() {
    check("cells", rule(), || {
        for_all(History::any(), History::words, |history| {
            judged(|| {
                let file = unnamed_file(&original())?;
                let draft = draft_of(&file)?;
                history.happen(&draft, &file)?;
                let count = no_error(super::commit(&draft, &file).map_err(kind))?;
                // The stores and the writes, page by page.
                let mut wanted = original();
                history.written.iter().for_each(|&at| wanted[at] = WRITTEN);
                for page in history.copied() {
                    let end = ((page + 1) * page_size()).min(wanted.len());
                    wanted[page * page_size()..end].copy_from_slice(&original()[page * page_size()..end]);
                }
                history.stored.iter().filter(|(_, other)| *other).for_each(|&(at, _)| wanted[at] = STORED);
                same_bytes(text!("the file", "文件"), &contents(&file)?, &wanted)?;
                same_bytes(text!("the draft", "草稿"), &loaded(&draft), &wanted)?;
                let pages = history.copied().len();
                ensure(count == pages, || {
                    Failure::new(text!("{pages} pages", "{pages} 页"), text!("{count}", "{count}"))
                })
            })
        })
    });
}

#[test]
fn only_those_pages_are_written() {
    let rule = text!(
        "Writing a page that was not edited has effects: it takes disk space where there was a hole, and overwrites \
         what another process writes to that page at the same time.",
        "把没人改过的页再写一遍，并非什么都没做：空洞会因此占用磁盘空间，别的进程同一时刻写入那一页的内容也会被抹掉。"
    );
    check("cells", rule, || {
        let (grown, moved, written) = in_child(|| {
            let size = wide(64 * page_size());
            let file = tempfile::tempfile()?;
            file.set_len(size)?;
            let draft = draft_of(&file)?;
            draft.store(9 * page_size(), STORED);
            // Only a few: a load from a mapped hole takes memory on tmpfs.
            for page in 0..4 {
                draft.load(page * page_size());
            }
            let before = file.metadata()?.blocks();
            let (count, moved) = moved(|| super::commit(&draft, &file));
            count?;
            file.sync_all()?;
            let mut byte = [0];
            file.read_exact_at(&mut byte, wide(9 * page_size()))?;
            let grown = file.metadata()?.blocks().saturating_sub(before) * 512;
            Ok((grown, moved, byte[0]))
        })?;
        ensure(written == STORED, || {
            Failure::new(text!("{STORED} in the file", "文件中为 {STORED}"), text!("{written}", "{written}"))
        })?;
        // A file system may allocate blocks for itself, and more than a page at a time.
        let most = 16 * page_size_u64();
        let by_calls = moved.map_or(0, |moved| moved.written);
        ensure(grown <= most && by_calls <= most, || {
            Failure::new(
                text!("one page of 64 is written, and the others stay a hole", "64 页中只写一页，其余仍是空洞"),
                text!(
                    "{by_calls} bytes were written, and the file takes {grown} bytes more",
                    "写了 {by_calls} 字节，文件多占用 {grown} 字节"
                ),
            )
            .shows(&belief::WRITING_BACK_IS_HARMLESS)
        })?;
        moved.map(drop).ok_or_else(Failure::not_counted)
    });
}

#[test]
fn the_file_keeps_its_size() {
    let rule = text!(
        "A mapping has whole pages, a file has any number of bytes. What is stored past the file's end is in the \
         page, and is no part of the file.",
        "映射以整页为单位，文件大小却可以是任意字节数。写在文件末尾之后的内容只在页里，不属于文件。"
    );
    check("copy_on_write", rule, || {
        let (size, last) = in_child(|| {
            let file = unnamed_file(&original())?;
            let draft = draft_of(&file)?;
            draft.store(original().len() - 1, STORED);
            draft.store(original().len() + 5, STORED);
            super::commit(&draft, &file)?;
            let size = file.metadata()?.len();
            Ok((size, contents(&file)?[original().len() - 1]))
        })?;
        let wanted = wide(original().len());
        ensure(size == wanted, || {
            Failure::new(text!("{wanted} bytes", "{wanted} 字节"), text!("{size}", "{size}"))
                .shows(&belief::REST_IS_FILE)
        })?;
        ensure(last == STORED, || {
            Failure::new(
                text!("the file's last byte is {STORED}", "文件的最后一个字节是 {STORED}"),
                text!("{last}", "{last}"),
            )
        })
    });
}

#[test]
fn the_draft_follows_the_file_again() {
    check("copy_on_write", rule(), || {
        let (later, again) = in_child(|| {
            let file = unnamed_file(&original())?;
            let draft = draft_of(&file)?;
            draft.store(3, STORED);
            super::commit(&draft, &file)?;
            file.write_all_at(&[WRITTEN], 3)?;
            Ok((draft.load(3), super::commit(&draft, &file)?))
        })?;
        ensure((later, again) == (WRITTEN, 0), || {
            Failure::new(
                text!(
                    "the draft shows what is written later, and a second commit has nothing to write",
                    "草稿能看到之后的写入，再次提交时无页可写"
                ),
                text!(
                    "it shows {later}, and the second commit wrote {again} pages",
                    "草稿显示 {later}，第二次提交写了 {again} 页"
                ),
            )
            .shows(&belief::EQUAL_BYTES_ARE_THE_PAGE)
        })
    });
}

#[test]
fn nothing_is_lost_when_it_fails() {
    let rule = text!(
        "write(2): EBADF when the descriptor is not open for writing. A copy that was dropped is gone.",
        "write(2)：描述符没有以可写方式打开时返回 EBADF。丢弃的副本再也找不回来。"
    );
    check("read_only", rule, || {
        let (answer, kept) = in_child(|| {
            let (_directory, path, _) = named_file(&original())?;
            let file = File::open(path)?;
            let draft = draft_of(&file)?;
            draft.store(0, STORED);
            Ok((super::commit(&draft, &file).map_err(kind), draft.load(0)))
        })?;
        ensure(answer == Err("EBADF".to_owned()) && kept == STORED, || {
            Failure::new(
                text!("EBADF, and the draft still has {STORED}", "EBADF，而且草稿中仍是 {STORED}"),
                text!("{answer:?}, and the draft has {kept}", "{answer:?}，草稿中是 {kept}"),
            )
        })
    });
}

#[test]
fn a_file_open_for_writing_only_is_enough() {
    let rule = text!(
        "mmap(2): EACCES for a descriptor that is not open for reading, whatever the protection. write(2) only needs \
         one that is open for writing.",
        "mmap(2)：描述符不可读时，无论要什么权限都是 EACCES。write(2) 只需要可写。"
    );
    check("read_only", rule, || {
        let byte = in_child(|| {
            let (_directory, path, _) = named_file(&original())?;
            let draft = draft_of(&File::open(&path)?)?;
            draft.store(0, STORED);
            let for_writing = File::options().write(true).open(&path)?;
            let answer = super::commit(&draft, &for_writing).map_err(kind);
            Ok(answer.map(|_| std::fs::read(&path).map_or(0, |bytes| bytes[0])))
        })?;
        ensure(byte == Ok(STORED), || {
            Failure::new(
                text!("Ok, and {STORED} in the file", "成功，文件中为 {STORED}"),
                text!("{byte:?}", "{byte:?}"),
            )
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
    check("copy_on_write", rule, || {
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
    });
}

/// The limit on a file's size is inside page 3: the write to that page is short, and the next one fails.
#[test]
fn a_page_that_is_not_written_whole_keeps_all_the_copies() {
    let rule = text!(
        "write(2) may write fewer bytes than it was given, at a limit or on a full disk; only the next call, for the \
         rest, returns the error. Drop no copy before everything is in the file.",
        "write(2) 写入的字节可能少于要求（到了上限，或者磁盘满了），剩下的要接着写，这时才会得到错误。全部写进文件之前，一份副本也不能丢弃。"
    );
    check("read_only", rule, || {
        let marks = [page_size() + 7, 3 * page_size(), 3 * page_size() + 50];
        let limit = wide(3 * page_size() + 10);
        let (answer, cut_short, kept, again, written) = in_child(|| {
            let file = unnamed_file(&original())?;
            let draft = draft_of(&file)?;
            marks.iter().for_each(|&at| draft.store(at, STORED));
            // SAFETY: SIG_IGN is no handler of ours.
            unsafe { signal(Signal::SIGXFSZ, SigHandler::SigIgn) }?;
            let (soft, hard) = getrlimit(Resource::RLIMIT_FSIZE)?;
            setrlimit(Resource::RLIMIT_FSIZE, limit, hard)?;
            let answer = super::commit(&draft, &file).map_err(kind);
            setrlimit(Resource::RLIMIT_FSIZE, soft, hard)?;
            let in_file = contents(&file)?;
            let cut_short = in_file[marks[1]] == STORED && in_file[marks[2]] != STORED;
            // A page whose copy was dropped shows this.
            file.write_all_at(&[WRITTEN], wide(marks[0]))?;
            let kept = marks.map(|at| draft.load(at));
            let again = super::commit(&draft, &file).map_err(kind);
            let bytes = contents(&file)?;
            Ok((answer, cut_short, kept, again, marks.map(|at| bytes[at])))
        })?;
        let given = text!(
            "stores at byte 7 of page 1 and at bytes 0 and 50 of page 3; RLIMIT_FSIZE ends at byte 10 of page 3",
            "写过第 1 页偏移量 7 处，以及第 3 页偏移量 0 和 50 处；文件大小的上限（RLIMIT_FSIZE）在第 3 页偏移量 10 处"
        );
        let failure = |expected, happened| Failure::new(expected, happened).given(given.clone());
        refused(&answer, &["EFBIG"]).map_err(|failure| {
            let failure = failure.given(given.clone());
            if answer.is_ok() && cut_short { failure.shows(&belief::SHORT_IS_THE_END) } else { failure }
        })?;
        ensure(kept == [STORED; 3], || {
            failure(
                text!(
                    "the draft still has {STORED} at all three, although {WRITTEN} was written to the file at the \
                     first of them",
                    "三处在草稿中都仍是 {STORED}，尽管文件的第一处被写入了 {WRITTEN}"
                ),
                text!("it has {kept:?}", "草稿中是 {kept:?}"),
            )
        })?;
        ensure((&again, written) == (&Ok(2), [STORED; 3]), || {
            failure(
                text!(
                    "without the limit the next call writes 2 pages, with {STORED} at all three",
                    "去掉上限之后再次提交，写 2 页，三处都是 {STORED}"
                ),
                text!("{again:?}, and the file has {written:?}", "{again:?}，文件中是 {written:?}"),
            )
        })
    });
}
