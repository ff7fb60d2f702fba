use super::*;

#[test]
fn the_draft_is_the_file_again_now_and_later() {
    let rule = text!(
        "madvise(2), MADV_DONTNEED: the pages are dropped; a later access brings the file's page again. Storing the \
         file's bytes to the draft would only change its copies.",
        "madvise(2) 的 MADV_DONTNEED：丢弃这些页，之后再访问时重新取文件的页。把文件的字节写进草稿，改的只是草稿自己的副本。"
    );
    check("pagemap", rule, || {
        for_each(History::fixed(), History::words, discards)?;
        for_all(History::any(), History::words, discards)
    });
}

/// Discards after this history, and expects a draft that shows the file.
fn discards(history: &History) -> Result<(), Failure> {
    judged(|| {
        let file = unnamed_file(&original())?;
        let draft = draft_of(&file)?;
        history.happen(&draft, &file)?;
        shows_the_file_again(&draft, &file)?;
        still_a_draft(&draft, &file)
    })
    .map_err(
        |failure| if failure.verdict == Verdict::Killed { failure.breaks("pagemap", stays_rule()) } else { failure },
    )
}

/// Whether it discards a few copies. [`the_draft_is_the_file_again_now_and_later`] checks that.
fn works() -> Result<bool, Failure> {
    knows_the_basics(History::fixed().iter().try_for_each(discards))
}

/// What has to stay.
fn stays_rule() -> Text {
    text!(
        "MADV_DONTNEED drops the copies, and the mapping stays. munmap(2) removes the mapping as well: the next access to it \
         is fatal.",
        "MADV_DONTNEED 丢弃副本，映射还在。munmap(2) 则连映射一起去掉，之后再访问，进程就会被杀死。"
    )
}

/// Which advice the kernel refuses.
fn advice_rule() -> Text {
    text!(
        "madvise(2): not every advice is for a private mapping of a file. MADV_FREE is refused with EINVAL, and MADV_REMOVE, \
         which makes a hole in the file, with EACCES.",
        "madvise(2)：并非每种建议都能用于文件的私有映射。MADV_FREE 返回 EINVAL；MADV_REMOVE 是要在文件里打洞，返回 EACCES。"
    )
}

/// Discards, and expects the draft to show the file, also what is written later.
fn shows_the_file_again(draft: &Mapping, file: &File) -> Result<(), Failure> {
    no_error(closing_all(|| super::discard(draft))?.map_err(kind))
        .map_err(|failure| failure.breaks("pagemap", advice_rule()))?;
    let bytes = contents(file)?;
    let shown = loaded(draft);
    same_bytes(text!("the draft shows the file", "草稿显示的就是文件"), &shown, &bytes[..shown.len()])
        .map_err(|failure| failure.breaks("pagemap", range_rule()))?;
    let later = vec![LATER; bytes.len()];
    file.write_all_at(&later, 0)?;
    same_bytes(
        text!("it follows what is written later", "之后写入的内容也能看到"),
        &loaded(draft),
        &later[..shown.len()],
    )
    .map_err(|failure| failure.shows(&belief::EQUAL_BYTES_ARE_THE_PAGE))
}

/// What is left of the copies.
fn range_rule() -> Text {
    text!(
        "madvise(2), MADV_DONTNEED: each page in the range from the start that is given, over the length that is given, loses \
         its copy. A page outside the range keeps its own, with what was stored to it.",
        "madvise(2) 的 MADV_DONTNEED：从给出的起点开始，给出的长度之内，每一页的副本都会丢弃。范围之外的页仍保留副本，写过的内容还在。"
    )
}

#[test]
fn nothing_else_is_forgotten() {
    let rule = text!(
        "A copy belongs to one mapping. Dropping it changes neither the file nor another mapping of the file.",
        "副本只属于一个映射。丢弃它，既不会改变文件，也不影响同一文件的其他映射。"
    );
    check("pagemap", rule, || {
        if !works()? {
            return Ok(());
        }
        judged(|| {
            let (_directory, _, file) = named_file(&original())?;
            let (draft, other) = (draft_of(&file)?, draft_of(&file)?);
            draft.store(0, STORED);
            other.store(page_size(), STORED);
            no_error(super::discard(&draft).map_err(kind))?;
            same_bytes(text!("the file is as it was", "文件保持原样"), &contents(&file)?, &original())?;
            let (other, discarded) = (other.load(page_size()), draft.load(0));
            ensure((other, discarded) == (STORED, original()[0]), || {
                let failure = Failure::new(
                    text!(
                        "the other draft of the file keeps what was stored to it, {STORED:#04x}; this one shows the file",
                        "同一文件的另一份草稿保留写入的 {STORED:#04x}；这一份显示文件的字节"
                    ),
                    text!(
                        "the other draft shows {other:#04x}, this one {discarded:#04x}",
                        "另一份显示 {other:#04x}，这一份显示 {discarded:#04x}"
                    ),
                );
                if other == STORED { failure.breaks("pagemap", range_rule()) } else { failure }
            })
        })
        .map_err(|failure| {
            failure.given(text!(
                "a store to page 0 of the draft, and one to page 1 of another draft of the file",
                "写过草稿的第 0 页，也写过同一文件另一份草稿的第 1 页"
            ))
        })?;
        let describe = |rest: &usize| {
            let Text { en, zh } = whole_pages_and(rest);
            text!(
                "{en}; stores to pages 0, 1 and 2 of the draft, and to the pages directly before and after it",
                "{zh}；写过草稿的第 0、1、2 页，也写过紧挨着它的前后两页"
            )
        };
        for_each([0, REST], describe, |rest| {
            judged(|| {
                let file = unnamed_file(&pattern(8 * page_size()))?;
                let all = Neighbours::of(&file, 3 * page_size() + rest)?;
                all.store();
                (0..3).for_each(|page| all.draft.store(page * page_size(), STORED));
                no_error(super::discard(&all.draft).map_err(kind))?;
                all.keep()?;
                shows_the_file_again(&all.draft, &file)
            })
        })
    });
}

#[test]
fn it_works_at_every_call_for_every_draft() {
    check("pagemap", range_rule(), || {
        if !works()? {
            return Ok(());
        }
        let given = |draft: usize, call: usize| {
            text!(
                "draft {draft} of one process, call {call} (both from 1 on); {MANY} pages, all stored to",
                "同一进程的第 {draft} 份草稿，第 {call} 次调用；共 {MANY} 页，每页都写过"
            )
        };
        judged(|| {
            let file = hole(wide(MANY * page_size()))?;
            let draft = draft_of(&file)?;
            drop_privileges()?;
            draft.store(0, STORED);
            discarded(&draft, [0], 0).map_err(|failure| {
                failure.given(text!(
                    "a draft of {MANY} pages; a store to page 0; the process has no privilege",
                    "草稿共 {MANY} 页；写过第 0 页；进程没有特权"
                ))
            })?;
            for (nth, draft) in [draft_of(&file)?, draft_of(&file)?].iter().enumerate() {
                for call in 1..3 {
                    (0..MANY).for_each(|page| draft.store(page * page_size(), STORED));
                    discarded(draft, 0..MANY, 0).map_err(|failure| failure.given(given(nth + 2, call)))?;
                }
            }
            Ok(())
        })?;
        // An answer that accesses all pages does not come here: it would bring more than 4 GiB into memory.
        let (_file, draft) = large_draft()?;
        let pages = [0, MANY, (1 << 31) / page_size(), (1 << 32) / page_size(), (draft.length() - 1) / page_size()];
        judged(|| {
            pages.iter().for_each(|page| draft.store(page * page_size(), STORED));
            discarded(&draft, pages, 0)
        })
        .map_err(|failure| {
            let length = draft.length();
            failure.given(text!(
                "a draft of {length} bytes, more than 4 GiB; stores to the pages {pages:?}",
                "{length} 字节的草稿，超过 4 GiB；写过的页为 {pages:?}"
            ))
        })
    });
}

/// What the call leaves in the page table.
fn empty_rule() -> Text {
    text!(
        "madvise(2), MADV_DONTNEED: the page table's entries are empty afterwards. A load fills them again, so the call itself \
         loads nothing.",
        "madvise(2) 的 MADV_DONTNEED：调用之后页表项是空的。再读一次又会填上，所以函数自己一个字节也不要读。"
    )
}

/// Discards, and expects this first byte in each of these pages.
fn discarded(draft: &Mapping, pages: impl IntoIterator<Item = usize>, byte: u8) -> Result<(), Failure> {
    let before = resident(draft)?;
    match super::discard(draft).map_err(kind) {
        // Moving the pages away takes as many new addresses, which the check limits.
        Err(error) if error == "ENOMEM" && draft.length() > 1 << 32 => return Ok(()),
        answer => no_error(answer)?,
    }
    let after = resident(draft)?;
    // All that was there were copies.
    ensure(after == 0, || {
        let failure = Failure::new(
            text!(
                "the copies are dropped, and the call accesses no page of the draft: none is in the page table",
                "副本已丢弃，调用也不访问草稿的任何一页：页表里一页也没有"
            ),
            text!(
                "{before} KiB of the draft were in the page table before the call, {after} KiB after it",
                "调用之前页表里有草稿的 {before} KiB，之后有 {after} KiB"
            ),
        );
        // Otherwise copies may be left.
        if after > before { failure.breaks("pagemap", empty_rule()) } else { failure }
    })?;
    pages.into_iter().try_for_each(|page| {
        let shown = draft.load(page * page_size());
        ensure(shown == byte, || {
            Failure::new(
                text!("page {page} of the draft shows the file: {byte:#04x}", "草稿第 {page} 页显示文件的 {byte:#04x}"),
                text!("it shows {shown:#04x}", "显示的是 {shown:#04x}"),
            )
        })
    })
}

#[test]
fn an_error_is_told_and_success_means_that_it_is_discarded() {
    check("pagemap", locked_rule(), || {
        if !works()? {
            return Ok(());
        }
        judged(|| {
            let file = unnamed_file(&original())?;
            let (draft, other) = (draft_of(&file)?, draft_of(&file)?);
            draft.store(0, STORED);
            locked(&draft)?;
            locked(&other)?;
            let answer = super::discard(&draft).map_err(kind);
            let given = text!(
                "page 0 was stored to; then mlock(2) locked the draft in memory, and another draft of the file",
                "写过第 0 页；随后用 mlock(2) 把草稿和同一文件的另一份草稿都锁定在内存中"
            );
            // The kernel drops no page of a locked mapping.
            ensure(drop_copies(&other).is_err(), || {
                Failure::new(
                    text!("the other draft is still locked in memory", "另一份草稿仍锁定在内存中"),
                    text!("it is no longer locked", "它不再锁定"),
                )
            })
            .map_err(|failure| failure.given(given.clone()))?;
            let shown = draft.load(0);
            let discarded = shown == original()[0];
            file.write_all_at(&[LATER; 2], 0)?;
            let follows = [0, 1].map(|at| draft.load(at)) == [LATER; 2];
            match &answer {
                Ok(()) if discarded && follows => Ok(()),
                Ok(()) if discarded => Err(Failure::new(
                    text!(
                        "the error EINVAL, or a draft that shows the file, also what is written to it later",
                        "错误 EINVAL，或者草稿显示文件的字节，之后写入的内容也能看到"
                    ),
                    text!(
                        "no error, and the draft does not show what is written to the file later",
                        "没有错误，草稿却看不到之后写入文件的内容"
                    ),
                )),
                Ok(()) => Err(Failure::new(
                    text!("the error EINVAL, or a draft that shows the file", "错误 EINVAL，或者草稿显示文件的字节"),
                    text!(
                        "no error, and byte 0 of the draft is {shown:#04x}; {STORED:#04x} was stored to it",
                        "没有错误，草稿偏移量 0 处却是 {shown:#04x}；写入的是 {STORED:#04x}"
                    ),
                )),
                Err(_) => fails_with(&answer, "EINVAL"),
            }
            .map_err(|failure| failure.given(given))
        })?;
        without_descriptors_as_well()
    });
}

/// Who asks /proc which pages have copies gets an error, or an answer that is none.
fn without_descriptors_as_well() -> Result<(), Failure> {
    let given = text!(
        "page 0 was stored to; the process can open no more descriptors (RLIMIT_NOFILE)",
        "写过第 0 页；进程不能再打开描述符（RLIMIT_NOFILE）"
    );
    judged(|| {
        let file = unnamed_file(&original())?;
        let draft = draft_of(&file)?;
        draft.store(0, STORED);
        let answer = with_descriptors(0, || super::discard(&draft).map_err(kind))?;
        let shown = draft.load(0);
        ensure(answer.is_err() || shown == original()[0], || {
            Failure::new(
                text!("an error, or a draft that shows the file", "返回错误，或者草稿显示文件的字节"),
                text!(
                    "no error, and byte 0 of the draft is {shown:#04x}; {STORED:#04x} was stored to it",
                    "没有错误，草稿偏移量 0 处却是 {shown:#04x}；写入的是 {STORED:#04x}"
                ),
            )
        })
    })
    .map_err(|failure| failure.given(given))
}
