use super::*;

#[test]
fn the_draft_stands_still_whatever_is_written() {
    check("snapshot", rule(), || {
        for_all(History::any(), History::words, |history| {
            judged(|| {
                let file = file_with(&contents())?;
                let draft = draft_of(&file)?;
                history.happen(&draft, &file)?;
                let before = shown(&draft);
                super::freeze(&draft);
                file.write_all_at(&vec![LATER; contents().len()], 0)?;
                let after = shown(&draft);
                same_bytes(&before, &after, ("the draft is as it was", "草稿保持原样")).map_err(|failure| {
                    if after.contains(&LATER) { failure.shows(&belief::LOADING_COPIES) } else { failure }
                })
            })
        })
    });
}

#[test]
fn the_file_stays_as_it_is() {
    check("snapshot", rule(), || {
        judged(|| {
            let file = file_with(&contents())?;
            let draft = draft_of(&file)?;
            draft.store(0, STORED);
            super::freeze(&draft);
            same_bytes(&contents(), &bytes_of(&file)?, ("the file is as it was", "文件保持原样"))?;
            // Where nothing was done, the file is as it was as well.
            file.write_all_at(&[WRITTEN], wide(page_size()))?;
            let mut wanted = contents();
            wanted[0] = STORED;
            let after = shown(&draft);
            same_bytes(&wanted, &after, ("the draft stands still", "草稿不再变")).map_err(|failure| {
                if after.contains(&WRITTEN) { failure.shows(&belief::LOADING_COPIES) } else { failure }
            })
        })
    });
}
