use super::*;

fn rule() -> Text {
    text!(
        "proc_pid_pagemap(5): the entry of a page is at the number of the page in the address space, its address / page \
         size, times 8, not at its number in the draft. A page that is present (bit 63) or swapped out (bit 62), and is not \
         a file's page (bit 61), is a copy.",
        "proc_pid_pagemap(5)：一页的项从偏移量“地址 / 页大小 * 8”处开始，与它在草稿中的编号无关。在内存中（第 63 位）或已换出（第 62 位）、又不是文件页（第 61 位）的，就是副本。"
    )
}

/// A page that has no copy is named.
fn not_every_page_rule() -> Text {
    text!(
        "proc_pid_pagemap(5): a page that was only loaded from is present, too (bit 63); bit 61 says that it is the file's. \
         Where bits 63 and 62 are both 0 there is no page, whatever bit 61 says.",
        "proc_pid_pagemap(5)：只读过的页也在内存中（第 63 位为 1），第 61 位为 1 说明它是文件的页。第 63、62 位都为 0 时，那里没有页，第 61 位是什么都一样。"
    )
}

#[test]
fn names_the_pages_that_were_stored_to() {
    check("pagemap", rule(), || {
        for_each(History::fixed(), History::words, names_the_copies)?;
        for_all(History::any(), History::words, names_the_copies)
    });
}

/// Asks after this history.
fn names_the_copies(history: &History) -> Result<(), Failure> {
    let wanted = history.copied();
    let got = in_child(|| {
        let file = unnamed_file(&original())?;
        let draft = draft_of(&file)?;
        history.happen(&draft, &file)?;
        Ok(super::copied_pages(&draft).map_err(kind))
    })?;
    returns(&got, &wanted).map_err(|failure| {
        let Ok(named) = got else { return failure };
        if !named.is_sorted() {
            return failure;
        }
        // Whether only the byte that was there was stored.
        let same = |page: &usize| !history.stored.iter().any(|(at, other)| *other && at / page_size() == *page);
        let missing: Vec<_> = wanted.iter().filter(|page| !named.contains(page)).collect();
        // Who names a page that was loaded from may believe that it was copied, or misread the bits.
        if missing.is_empty() {
            failure.breaks("pagemap", not_every_page_rule())
        } else if missing == [&(PAGES - 1)] && named.iter().all(|page| wanted.contains(page)) {
            failure.breaks("2:mapping", last_page_rule())
        } else if named.iter().all(|page| wanted.contains(page)) && missing.iter().all(|page| same(page)) {
            let rule = text!(
                "The store makes the copy, whatever it stores. Equal bytes say nothing about whose page it is.",
                "造成复制的是写这个动作，与写入的值无关。字节相同，说明不了这一页是谁的。"
            );
            failure.shows(&belief::EQUAL_BYTES_ARE_THE_PAGE).breaks("pagemap", rule)
        } else {
            failure
        }
    })
}

/// Whether it names the copies of a few pages. [`names_the_pages_that_were_stored_to`] checks that.
fn works() -> Result<bool, Failure> {
    knows_the_basics(History::fixed().iter().try_for_each(names_the_copies))
}

#[test]
fn copies_nothing_itself() {
    check("pagemap", rule(), || {
        if !works()? {
            return Ok(());
        }
        let given = text!(
            "a store to page 1, and two calls; then another process writes to page 0",
            "写过第 1 页，调用两次；然后别人写入文件的第 0 页"
        );
        let (first, second, shows) = in_child(|| {
            let file = unnamed_file(&original())?;
            let draft = draft_of(&file)?;
            draft.store(page_size(), STORED);
            let first = super::copied_pages(&draft)?;
            let second = super::copied_pages(&draft)?;
            file.write_all_at(&[WRITTEN], 0)?;
            Ok((first, second, draft.load(0)))
        })
        .map_err(|failure| failure.given(given.clone()))?;
        ensure(first == [1] && second == [1] && shows == WRITTEN, || {
            Failure::new(
                text!(
                    "[1], twice, and page 0, which has no copy, still follows the file: it shows {WRITTEN:#04x}",
                    "问两次都是 [1]；第 0 页没有副本，仍然跟着文件变，显示 {WRITTEN:#04x}"
                ),
                text!(
                    "{first:?}, then {second:?}; page 0 shows {shows:#04x}",
                    "先是 {first:?}，后是 {second:?}；第 0 页显示 {shows:#04x}"
                ),
            )
            .given(given)
        })
    });
}

#[test]
fn asks_the_kernel_and_loads_no_byte() {
    check("pagemap", rule(), || {
        if !works()? {
            return Ok(());
        }
        let given = text!("5 pages; a store to page 2", "共 5 页；写过第 2 页");
        let (pages, before, after) = in_child(|| {
            let file = unnamed_file(&original())?;
            let draft = draft_of(&file)?;
            draft.store(2 * page_size(), STORED);
            let before = resident(&draft)?;
            let pages = super::copied_pages(&draft)?;
            Ok((pages, before, resident(&draft)?))
        })
        .map_err(|failure| failure.given(given.clone()))?;
        ensure(pages == [2] && before == after, || {
            let failure = Failure::new(
                text!("[2], and no other page of the draft is accessed", "[2]，而且草稿的其他页一页也不会被访问"),
                text!(
                    "{pages:?}; before the call {before} KiB of the draft were resident, after it {after}",
                    "{pages:?}；调用之前草稿有 {before} KiB 在页表里，之后有 {after} KiB"
                ),
            )
            .given(given);
            if before == after { failure } else { failure.breaks("pagemap", no_load_rule()) }
        })?;
        a_long_draft_has_more_pages_than_a_buffer()
    });
}

/// Why no byte has to be loaded.
fn no_load_rule() -> Text {
    text!(
        "The page table knows which pages are copies; loading their bytes would bring each page of the file into \
         memory.",
        "哪些页是副本，页表里就有；若是去看字节，就得把文件的每一页都读进内存。"
    )
}

/// An answer that loads from all pages does not come here: it would bring more than 4 GiB into memory.
fn a_long_draft_has_more_pages_than_a_buffer() -> Result<(), Failure> {
    let (_file, draft) = large_draft()?;
    let last = (draft.length() - 1) / page_size();
    // Where parts of a common size meet, each page is read once.
    let decimal = [100, 1000, 10_000, 100_000, 1_000_000].into_iter().flat_map(|size| [size, 2 * size, 5 * size]);
    let sizes = (5..20).map(|bits| 1 << bits).chain(decimal.filter(|&size| size < last));
    let wanted: BTreeSet<usize> = sizes.flat_map(|size| [size - 1, size]).chain([0, last - 2, last]).collect();
    judged(|| {
        wanted.iter().for_each(|page| draft.store(page * page_size(), STORED));
        let named = no_error(super::copied_pages(&draft).map_err(kind))?;
        // Both lists are too long to be shown.
        let mut pairs = (0..).zip(wanted.iter().map(Some).chain([None])).zip(named.iter().map(Some).chain([None]));
        let Some(((nth, page), found)) = pairs.find(|((_, page), found)| page != found) else { return Ok(()) };
        let [wanted, found] = [page, found].map(|page| {
            let Some(page) = page else {
                return text!("the list ends at index {nth}", "列表到下标 {nth} 处结束");
            };
            text!("page {page} at index {nth} of the list", "列表下标 {nth} 处是第 {page} 页")
        });
        Err(Failure::new(wanted, found))
    })
    .map_err(|failure| {
        let length = draft.length();
        failure.given(text!(
            "a draft of {length} bytes, more than 4 GiB, and a store to each of these pages: 0, those before and at each \
             power of two from 32 to 524288 and each round number (100, 200, 500, 1000 and so on), and two at the end",
            "{length} 字节的草稿，超过 4 GiB，这些页各写过一次：第 0 页，从 32 到 524288 的每个 2 的幂、每个整百整千的数（100、200、500、1000 等），连同它们的前一页，还有末尾的两页"
        ))
    })
}

#[test]
fn it_names_the_drafts_own_pages_only() {
    check("pagemap", rule(), || {
        if !works()? {
            return Ok(());
        }
        for_each([0, REST], whole_pages_and, |rest| {
            judged(|| {
                let file = unnamed_file(&pattern(8 * page_size()))?;
                let all = Neighbours::of(&file, 3 * page_size() + rest)?;
                all.store();
                all.draft.store(page_size(), STORED);
                let answer = closing_all(|| super::copied_pages(&all.draft).map_err(kind))?;
                returns(&answer, &vec![1]).map_err(|failure| {
                    let Text { en, zh } = whole_pages_and(rest);
                    failure.given(text!(
                        "{en}; stores to page 1 of the draft, and to the pages directly before and after it",
                        "{zh}；写过草稿的第 1 页，也写过紧挨着草稿的前后两页"
                    ))
                })
            })
        })
    });
}

/// What a child has.
fn fork_rule() -> Text {
    text!(
        "fork(2): the child has the parent's private mappings, and shares the copies until one of them stores. \
         /proc/self is the process that opens it.",
        "fork(2)：子进程继承父进程的私有映射，副本在双方都不写时共用。/proc/self 指打开它的那个进程。"
    )
}

#[test]
fn it_works_at_every_call_in_every_process() {
    check("pagemap", rule(), || {
        if !works()? {
            return Ok(());
        }
        judged(|| {
            let (file, other) = (unnamed_file(&original())?, unnamed_file(&original())?);
            let (draft, second) = (draft_of(&file)?, draft_of(&other)?);
            drop_privileges()?;
            let expect = |draft: &Mapping, wanted: Vec<usize>, given: Text| {
                let answer = closing_all(|| super::copied_pages(draft).map_err(kind))?;
                returns(&answer, &wanted).map_err(|failure| failure.given(given))
            };
            draft.store(page_size(), STORED);
            expect(
                &draft,
                vec![1],
                text!("a store to page 1; the process has no privilege", "写过第 1 页；进程没有特权"),
            )?;
            second.store(2 * page_size(), STORED);
            expect(
                &second,
                vec![2],
                text!(
                    "a second draft in the same process, and a store to its page 2",
                    "同一进程中的第二份草稿，写过它的第 2 页"
                ),
            )?;
            judged(|| {
                draft.store(3 * page_size(), STORED);
                expect(
                    &draft,
                    vec![1, 3],
                    text!(
                        "a store to page 1, a call, then a fork, and a store to page 3 and a call in the child",
                        "写第 1 页并调用一次，然后 fork，子进程写第 3 页并调用一次"
                    ),
                )
                .map_err(|failure| failure.breaks("pagemap", fork_rule()))
            })?;
            drop_copies(&draft)?;
            expect(
                &draft,
                vec![],
                text!(
                    "a store to page 1, and a call; then the copies are dropped (MADV_DONTNEED)",
                    "写第 1 页并调用一次；然后丢弃副本（MADV_DONTNEED）"
                ),
            )
        })
    });
}

#[test]
fn an_error_of_proc_is_told() {
    let rule = text!(
        "open(2): EMFILE when the process has no descriptor left. A file that can't be opened says nothing about the \
         pages.",
        "open(2)：进程的描述符用尽时返回 EMFILE。文件打不开，也就说明不了哪些页是副本。"
    );
    check("pagemap", rule, || {
        if !works()? {
            return Ok(());
        }
        judged(|| {
            let file = unnamed_file(&original())?;
            let draft = draft_of(&file)?;
            draft.store(0, STORED);
            let answer = with_descriptors(0, || super::copied_pages(&draft).map_err(kind))?;
            fails_with(&answer, "EMFILE")
        })
        .map_err(|failure| {
            failure.given(text!(
                "the process can open no more descriptors (RLIMIT_NOFILE)",
                "进程不能再打开描述符（RLIMIT_NOFILE）"
            ))
        })?;
        judged(|| {
            let file = unnamed_file(&original())?;
            let draft = draft_of(&file)?;
            draft.store(0, STORED);
            if let Err(error) = refuse(READS, On::Everything, Errno::EIO) {
                return Err(all_but(
                    text!("an error of read(2)", "read(2) 出错的情形"),
                    &error,
                    text!("check on a kernel with seccomp filters", "在支持 seccomp 过滤器的内核上检查"),
                ));
            }
            let answer = closing_all(|| super::copied_pages(&draft).map_err(kind))?;
            // ioctl(2) with PAGEMAP_SCAN reads nothing.
            if answer == Ok(vec![0]) { Ok(()) } else { fails_with(&answer, "EIO") }
        })
        .map_err(|failure| {
            failure.given(text!(
                "a store to page 0; read(2) and pread(2) fail with EIO",
                "写过第 0 页；read(2) 和 pread(2) 返回 EIO"
            ))
        })
    });
}

/// A machine need not have swap space, and a page can't be made to be swapped out. So a file of the check's is mounted
/// over /proc/self/pagemap, in a child that alone sees it.
#[test]
fn a_copy_that_is_swapped_out_is_one() {
    check("pagemap", rule(), || {
        if !works()? {
            return Ok(());
        }
        const PRESENT: u64 = 1 << 63;
        const SWAPPED: u64 = 1 << 62;
        const OF_A_FILE: u64 = 1 << 61;
        // The low bits say where the page is.
        let entries = [SWAPPED | 0x2a1, PRESENT | OF_A_FILE, PRESENT | 0x3_1415, 0, SWAPPED];
        on_a_disk(16, |disk| {
            let table = disk.join("pagemap");
            judged(|| {
                    let draft = draft_of(&unnamed_file(&original())?)?;
                    // Of the others smaps would say that they have a copy, too, as it doesn't of a page that is swapped out.
                    draft.store(2 * page_size(), STORED);
                    let pagemap = File::create(&table)?;
                    pagemap.set_len((1 << 48) / page_size_u64() * 8)?;
                    let first = wide(draft.address() / page_size()) * 8;
                    pagemap.write_all_at(&entries.map(u64::to_ne_bytes).concat(), first)?;
                    for name in ["self", "thread-self"] {
                        let (over, none) = (format!("/proc/{name}/pagemap"), None::<&str>);
                        mount(Some(&table), over.as_str(), none, MsFlags::MS_BIND, none).map_err(|errno| {
                            all_but(
                                text!("a copy that is swapped out", "已换出的副本"),
                                &errno,
                                text!("allow mounts over files in /proc", "允许在 /proc 的文件上挂载"),
                            )
                        })?;
                    }
                    match super::copied_pages(&draft).map_err(kind) {
                        // ioctl(2) with PAGEMAP_SCAN, which only the file of the kernel has.
                        Err(error) if error == "ENOTTY" => Ok(()),
                        answer => returns(&answer, &vec![0, 2, 4]),
                    }
            })
        })
        .map_err(|failure| {
            failure.given(text!(
                "/proc/self/pagemap, a file of the check's here, says: page 0 is swapped out; page 1 is present, and a \
                 page of a file; page 2 is present, and no page of a file; page 3 is neither; page 4 is swapped out",
                "/proc/self/pagemap（此处是检查放上的文件）说：第 0 页已换出；第 1 页在内存中，是文件页；第 2 页在内存中，不是文件页；第 3 页两者都不是；第 4 页已换出"
            ))
        })
    });
}
