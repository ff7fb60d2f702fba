use super::*;

#[test]
fn the_draft_stands_still_whatever_is_written() {
    check("snapshot", rule(), || {
        for_all(History::any(), History::words, |history| {
            judged(|| {
                let file = unnamed_file(&original())?;
                let draft = draft_of(&file)?;
                history.happen(&draft, &file)?;
                let before = loaded(&draft);
                super::freeze(&draft);
                file.write_all_at(&vec![LATER; original().len()], 0)?;
                let after = loaded(&draft);
                same_bytes(text!("the draft is as it was", "草稿保持原样"), &after, &before).map_err(|failure| {
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
            let file = unnamed_file(&original())?;
            let draft = draft_of(&file)?;
            draft.store(0, STORED);
            super::freeze(&draft);
            same_bytes(text!("the file is as it was", "文件保持原样"), &contents(&file)?, &original())?;
            // An answer that does nothing passes so far.
            file.write_all_at(&[WRITTEN], wide(page_size()))?;
            let mut wanted = original();
            wanted[0] = STORED;
            let after = loaded(&draft);
            same_bytes(text!("the draft stands still", "草稿不再变"), &after, &wanted).map_err(|failure| {
                if after.contains(&WRITTEN) { failure.shows(&belief::LOADING_COPIES) } else { failure }
            })
        })
    });
}
