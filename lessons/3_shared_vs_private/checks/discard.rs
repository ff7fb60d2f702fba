use super::*;

#[test]
fn the_draft_is_the_file_again_now_and_later() {
    let rule = text!(
        "madvise(2), MADV_DONTNEED: the pages are dropped; a later access brings the file's page again. Storing the \
         file's bytes to the draft would only change its copies.",
        "madvise(2) 的 MADV_DONTNEED：丢弃这些页，之后再访问时重新取文件的页。把文件的字节写进草稿，改的只是草稿自己的副本。"
    );
    check("copy_on_write", rule, || {
        let test = |history: &History| {
            judged(|| {
                let file = unnamed_file(&original())?;
                let draft = draft_of(&file)?;
                history.happen(&draft, &file)?;
                no_error(super::discard(&draft).map_err(kind))?;
                same_bytes(
                    text!("the draft shows the file", "草稿显示的就是文件"),
                    &loaded(&draft),
                    &contents(&file)?,
                )?;
                let later = vec![LATER; original().len()];
                file.write_all_at(&later, 0)?;
                same_bytes(text!("it follows what is written later", "之后写入的内容也能看到"), &loaded(&draft), &later)
                    .map_err(|failure| failure.shows(&belief::EQUAL_BYTES_ARE_THE_PAGE))
            })
        };
        for_each([History::plain()], History::words, test)?;
        for_all(History::any(), History::words, test)
    });
}

#[test]
fn nothing_else_is_forgotten() {
    let rule = text!(
        "A copy belongs to one mapping. Dropping it changes neither the file nor another mapping of the file.",
        "副本只属于一个映射。丢弃它，既不会改变文件，也不影响同一文件的其他映射。"
    );
    check("copy_on_write", rule, || {
        judged(|| {
            let file = unnamed_file(&original())?;
            let (draft, other) = (draft_of(&file)?, draft_of(&file)?);
            draft.store(0, STORED);
            other.store(page_size(), STORED);
            no_error(super::discard(&draft).map_err(kind))?;
            same_bytes(text!("the file is as it was", "文件保持原样"), &contents(&file)?, &original())?;
            let (other, discarded) = (other.load(page_size()), draft.load(0));
            ensure((other, discarded) == (STORED, original()[0]), || {
                Failure::new(
                    text!(
                        "the other draft keeps what was stored to it, and this one does not",
                        "另一份草稿保留写入的内容，这一份则不保留"
                    ),
                    text!(
                        "the other draft shows {other}, this one {discarded}",
                        "另一份显示 {other}，这一份显示 {discarded}"
                    ),
                )
            })
        })
    });
}
