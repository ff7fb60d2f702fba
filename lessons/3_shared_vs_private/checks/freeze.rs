use super::*;

#[test]
fn the_draft_stands_still_whatever_is_written() {
    check("snapshot", rule(), || {
        let words = |history: &History| {
            let Text { en, zh } = history.words();
            text!(
                "{en}; after the call another process writes {LATER:#04x} to the whole file",
                "{zh}；调用之后，别的进程把整个文件都写成 {LATER:#04x}"
            )
        };
        for_each(History::fixed(), words, freezes)?;
        for_all(History::any(), words, freezes)
    });
}

/// Freezes after this history, and expects the draft to show the same bytes whatever is written.
fn freezes(history: &History) -> Result<(), Failure> {
    judged(|| {
        let file = unnamed_file(&original())?;
        let draft = draft_of(&file)?;
        history.happen(&draft, &file)?;
        let before = loaded(&draft);
        super::freeze(&draft);
        file.write_all_at(&vec![LATER; draft.length()], 0)?;
        let after = loaded(&draft);
        same_bytes(text!("the draft is as before the call", "草稿与调用之前相同"), &after, &before)
            .map_err(|failure| of_these_bytes(failure, &before, &after))
    })
}

/// Whether it freezes a draft of a few pages. [`the_draft_stands_still_whatever_is_written`] checks that.
fn works() -> Result<bool, Failure> {
    knows_the_basics(History::fixed().iter().try_for_each(freezes))
}

/// What the bytes of a draft that doesn't stand still say of its author.
fn of_these_bytes(failure: Failure, before: &[u8], after: &[u8]) -> Failure {
    let last = (PAGES - 1) * page_size();
    if after.iter().all(|byte| *byte == LATER) {
        return failure.shows(&belief::LOADING_COPIES);
    }
    // Nobody but the call has put such a byte there.
    if before.iter().zip(after).any(|(before, after)| before != after && *after != LATER) {
        let rule = text!(
            "The store makes the copy, whatever it stores. So that nothing changes, store the value that the byte has already.",
            "造成复制的是写这个动作，写什么值都行。要让内容不变，就写这个字节原来的值。"
        );
        return failure.breaks("snapshot", rule);
    }
    if before[..last] == after[..last] { failure.breaks("2:mapping", last_page_rule()) } else { failure }
}

#[test]
fn neither_the_call_changes_the_file_nor_a_later_write_the_draft() {
    check("snapshot", rule(), || {
        if !works()? {
            return Ok(());
        }
        judged(|| {
            let (_directory, _, file) = named_file(&original())?;
            let draft = draft_of(&file)?;
            draft.store(page_size(), STORED);
            super::freeze(&draft);
            same_bytes(text!("the call does not change the file", "函数不改变文件"), &contents(&file)?, &original())
                .map_err(|failure| {
                    failure
                        .given(text!("a store to page 1 of the draft before the call", "调用之前写过草稿的第 1 页"))
                        .breaks("matrix", stays_private_rule())
                })?;
            file.write_all_at(&vec![WRITTEN; draft.length()], 0)?;
            let mut wanted = original();
            wanted[page_size()] = STORED;
            same_bytes(text!("the draft is as before the call", "草稿与调用之前相同"), &loaded(&draft), &wanted)
        })
        .map_err(|failure| {
            failure.given(text!(
                "a store to page 1 of the draft before the call; after it another process writes {WRITTEN:#04x} to the \
                 whole file",
                "调用之前写过草稿的第 1 页；调用之后，别的进程把整个文件都写成 {WRITTEN:#04x}"
            ))
        })
    });
}

/// Why no store to the draft changes the file.
fn stays_private_rule() -> Text {
    text!(
        "A store through a private mapping is seen in that mapping only. The file changes by write(2), or by a store \
         through a shared mapping.",
        "通过私有映射写入的内容，只有这个映射自己看得到。要改变文件，得用 write(2)，或者写它的共享映射。"
    )
}

/// Pages of zeros, which may not be in memory and are the file's all the same; and every call counts.
#[test]
fn every_page_of_every_draft_is_copied() {
    let rule = text!(
        "A store copies one page, a load none: each page needs a store, the last one too. A hole of a file is mapped like the \
         rest: what is written there shows in each page without a copy.",
        "写才会产生副本，一次只复制一页，读则不会：每一页都要写，最后一页也不例外。文件的空洞和其余部分一样映射：只要那一页没有副本，写入空洞的内容就会显现出来。"
    );
    check("snapshot", rule, || {
        if !works()? {
            return Ok(());
        }
        judged(|| {
            let (long, short) = (hole(wide(130 * page_size()))?, tempfile::tempfile()?);
            short.set_len(wide(2 * page_size() + 1))?;
            // No copies can be had as a side effect of locking pages in memory, which root may always do.
            drop_privileges()?;
            setrlimit(Resource::RLIMIT_MEMLOCK, 0, 0)?;
            for (file, pages) in [(&long, 130), (&short, 3)] {
                let draft = draft_of(file)?;
                // No page is loaded from before the first call.
                for (call, byte) in [(1, 0), (2, WRITTEN)] {
                    if call == 2 {
                        file.write_all_at(&vec![byte; draft.length()], 0)?;
                    }
                    with_descriptors(0, || super::freeze(&draft))?;
                    file.write_all_at(&vec![LATER; draft.length()], 0)?;
                    // One byte of each page, so that it doesn't take long.
                    let shown = |page: &usize| draft.load(page * page_size());
                    let changed = (0..pages).find(|page| shown(page) != byte);
                    ensure(changed.is_none(), || {
                        let page = changed.unwrap_or(0);
                        let found = shown(&page);
                        Failure::new(
                            text!("byte 0 of each page of the draft is {byte:#04x}, as before", "草稿每页偏移量 0 处的字节仍是 {byte:#04x}"),
                            text!("byte 0 of page {page} is {found:#04x}", "第 {page} 页偏移量 0 处是 {found:#04x}"),
                        )
                        .given(text!(
                            "call {call} (from 1 on) on a draft of {pages} pages; then another process writes {LATER:#04x} to the whole file; the \
                             process has two drafts and no privilege, may lock no memory (RLIMIT_MEMLOCK), and can open \
                             no more descriptors (RLIMIT_NOFILE)",
                            "草稿共 {pages} 页，第 {call} 次调用，随后别的进程把整个文件都写成 {LATER:#04x}；进程先后有两份草稿，没有特权，不能锁定内存（RLIMIT_MEMLOCK），也不能再打开描述符（RLIMIT_NOFILE）"
                        ))
                    })?;
                    drop_copies(&draft)?;
                }
            }
            Ok(())
        })
        .map_err(|failure| {
            failure.given(text!(
                "a process without privilege that may lock no memory (RLIMIT_MEMLOCK), and can open no more descriptors \
                 (RLIMIT_NOFILE)",
                "进程没有特权，不能锁定内存（RLIMIT_MEMLOCK），也不能再打开描述符（RLIMIT_NOFILE）"
            ))
        })?;
        a_long_draft_is_not_done_at_once()
    });
}

/// No machine need have memory for the copies of more than 4 GiB. So the file is a hole on a disk that is full before all
/// copies are made: an answer that accesses page after page dies of SIGBUS, or is told an error.
fn a_long_draft_is_not_done_at_once() -> Result<(), Failure> {
    let pages = 4 * wide(MANY);
    on_a_disk(pages, |disk| {
        let (file, draft) = large_draft_of(tempfile::tempfile_in(disk)?)?;
        let (length, answer) = (draft.length(), ask::<()>(|| super::freeze(&draft)));
        let taken = file.metadata()?.blocks() * 512 / page_size_u64();
        // What the system needs for the file itself may count as pages.
        ensure(answer.is_err() || taken + 8 >= pages, || {
            Failure::new(
                text!(
                    "every page of the draft is accessed, which the disk of {pages} pages ends early: it is full",
                    "访问草稿的每一页；磁盘只有 {pages} 页，没访问完就会满"
                ),
                text!("it returned, and {taken} pages of the disk are taken", "已经返回，而磁盘只用了 {taken} 页"),
            )
            .given(text!(
                "a draft of {length} bytes, more than 4 GiB, of a file that is a hole",
                "{length} 字节的草稿，超过 4 GiB，文件是一个空洞"
            ))
        })
    })
}

#[test]
fn it_is_still_a_draft_and_nothing_else_is_frozen() {
    check("copy_on_write", rule(), || {
        if !works()? {
            return Ok(());
        }
        let describe = |rest: &usize| {
            let Text { en, zh } = whole_pages_and(rest);
            text!(
                "{en}; after the call another process writes {LATER:#04x} to the whole file",
                "{zh}；调用之后，别的进程把整个文件都写成 {LATER:#04x}"
            )
        };
        for_each([0, REST], describe, |rest| {
            judged(|| {
                let file = unnamed_file(&pattern(8 * page_size()))?;
                let all = Neighbours::of(&file, 3 * page_size() + rest)?;
                let pages = all.draft.range().len();
                all.draft.store(pages - 2, STORED);
                let shown = || {
                    let mut bytes = vec![0; pages];
                    all.draft.read(0, &mut bytes);
                    bytes
                };
                let before = shown();
                closing_all(|| super::freeze(&all.draft))?;
                file.write_all_at(&vec![LATER; 8 * page_size()], 0)?;
                same_bytes(
                    text!(
                        "the draft's pages are as they were, even past its last byte",
                        "草稿的各页保持原样，草稿最后一个字节之后的部分也不例外"
                    ),
                    &shown(),
                    &before,
                )?;
                let shown = all.touching().map(|(mapping, at)| mapping.load(at));
                ensure(shown == [LATER; 2], || {
                    let [before, after] = shown;
                    Failure::new(
                        text!(
                            "the mappings directly before and after the draft still follow the file: they show {LATER:#04x}",
                            "紧挨着草稿的前后两个映射仍然跟着文件变，显示 {LATER:#04x}"
                        ),
                        text!("they show {before:#04x} and {after:#04x}", "它们显示 {before:#04x} 和 {after:#04x}"),
                    )
                    .breaks("2:mapping", neighbours_rule())
                })?;
                still_a_draft(&all.draft, &file)
            })
        })
    });
}
