use super::*;

fn rule() -> Text {
    text!(
        "proc_pid_pagemap(5): a page that is present or swapped out and is not a file's page is a copy. Equal bytes \
         say nothing: the store makes the copy, whatever it stores.",
        "proc_pid_pagemap(5)：在内存中或已换出、又不是文件页的，就是映射自己的页。字节相同说明不了什么：造成复制的是写这个动作，而不是写入的值。"
    )
}

#[test]
fn names_the_pages_that_were_stored_to() {
    check("copy_on_write", rule(), || {
        let test = |history: &History| {
            let wanted = history.copied();
            let got = in_child(|| {
                let file = unnamed_file(&original())?;
                let draft = draft_of(&file)?;
                history.happen(&draft, &file)?;
                Ok(super::copied_pages(&draft).map_err(kind))
            })?;
            equal(&got, &Ok(wanted.clone())).map_err(|failure| {
                let Ok(named) = got else { return failure };
                // Whether only the byte that was there was stored.
                let same = |page: &usize| !history.stored.iter().any(|(at, other)| *other && at / page_size() == *page);
                let mut missing = wanted.iter().filter(|page| !named.contains(page));
                if wanted.iter().all(|page| named.contains(page)) {
                    failure.shows(&belief::LOADING_COPIES)
                } else if named.iter().all(|page| wanted.contains(page)) && missing.all(same) {
                    failure.shows(&belief::EQUAL_BYTES_ARE_THE_PAGE)
                } else {
                    failure
                }
            })
        };
        for_each([History::plain()], History::words, test)?;
        for_all(History::any(), History::words, test)
    });
}

#[test]
fn copies_nothing_itself() {
    check("copy_on_write", rule(), || {
        let (first, second, shows) = in_child(|| {
            let file = unnamed_file(&original())?;
            let draft = draft_of(&file)?;
            draft.store(page_size(), STORED);
            let first = super::copied_pages(&draft)?;
            let second = super::copied_pages(&draft)?;
            file.write_all_at(&[WRITTEN], 0)?;
            Ok((first, second, draft.load(0)))
        })?;
        ensure(first == [1] && second == [1] && shows == WRITTEN, || {
            Failure::new(
                text!(
                    "[1], twice, and page 0, which has no copy, still follows the file: it shows {WRITTEN}",
                    "问两次都是 [1]；第 0 页没有副本，仍然跟着文件变，显示 {WRITTEN}"
                ),
                text!(
                    "{first:?}, then {second:?}; page 0 shows {shows}",
                    "先是 {first:?}，后是 {second:?}；第 0 页显示 {shows}"
                ),
            )
        })
    });
}

#[test]
fn asks_the_kernel_and_loads_no_byte() {
    let rule = text!(
        "The page table knows which pages are copies; loading their bytes would bring each page of the file into \
         memory.",
        "哪些页是副本，页表里就有；若是去看字节，就得把文件的每一页都读进内存。"
    );
    check("copy_on_write", rule, || {
        let (pages, before, after) = in_child(|| {
            let file = unnamed_file(&original())?;
            let draft = draft_of(&file)?;
            draft.store(2 * page_size(), STORED);
            let before = resident(&draft)?;
            let pages = super::copied_pages(&draft)?;
            Ok((pages, before, resident(&draft)?))
        })?;
        ensure(pages == [2] && before == after, || {
            Failure::new(
                text!("[2], and no other page of the draft is accessed", "[2]，而且草稿的其他页一页也不会被访问"),
                text!(
                    "{pages:?}; before the call {before} KiB of the draft were resident, after it {after}",
                    "{pages:?}；调用之前草稿有 {before} KiB 在页表里，之后有 {after} KiB"
                ),
            )
        })
    });
}
