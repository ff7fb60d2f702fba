use super::*;

#[test]
fn is_nothing_until_something_is_published() {
    check("reader", cell_rule(), || {
        let cell = page_of_zeros()?;
        equal(&ask(|| super::latest(&cell))?, &None)?;
        ask(|| publish(&cell, [0; 4]))?;
        let got = ask(|| super::latest(&cell))?;
        ensure(got == Some([0; 4]), || {
            Failure::new(text!("four zeros, which were published", "发布过的四个零"), text!("{got:?}", "{got:?}"))
        })
    });
}

#[test]
fn is_whole_whatever_is_published_meanwhile() {
    check("sequence_lock", cell_rule(), || {
        for_each(STRIDES, every, |&stride| {
            let cell = page_of_zeros()?;
            let found = page_of_zeros()?;
            let mut writer = start(|peer| {
                let mut n = 1;
                while peer.await_turn().is_ok() {
                    publish(&cell, value(n));
                    n += 1;
                    peer.give_turn().map_err(error_text)?;
                }
                Ok(())
            })?;
            let mut publish_next = || {
                writer.give_turn()?;
                writer.await_turn()
            };
            // The writer stops after a while, so that the reader can succeed.
            publish_next()?;
            let mut published = 1;
            let stepped = after_each_instruction(
                || Ok(()),
                |()| {
                    let words = super::latest(&cell).ok_or("None")?;
                    for (n, word) in words.into_iter().enumerate() {
                        found.long_word(8 * n).store(word, Ordering::Relaxed);
                    }
                    Ok(())
                },
                |step| {
                    if step % stride == 0 && step < 3_000 {
                        publish_next()?;
                        published += 1;
                    }
                    Ok(())
                },
            )?;
            if stepped.is_none() {
                skipped();
                return Ok(());
            }
            let words = [0, 8, 16, 24].map(|at| found.long_word(at).load(Ordering::Relaxed));
            ensure(words.iter().all(|word| *word == words[0]) && (1..=published).contains(&words[0]), || {
                Failure::new(text!("four words of one value", "同一个值的四个机器字"), text!("{words:?}", "{words:?}"))
                    .shows(&belief::COPIES_ARE_ATOMIC)
            })
        })
    });
}

fn wrote(failure: Failure) -> Failure {
    if failure.died_of() == Some(Cause::NotAllowed) { failure.shows(&belief::READERS_MAY_WRITE) } else { failure }
}

#[test]
fn needs_no_more_than_to_read() {
    let rule = text!(
        "mmap(2), PROT_READ: a store is SIGSEGV. A reader that has to announce itself with a store can be delayed, and \
         can delay others.",
        "mmap(2) 的 PROT_READ：写入会导致 SIGSEGV。读者若必须写点什么来表明自己在场，就可能被别人卡住，也可能卡住别人。"
    );
    check("reader", rule, || {
        let file = tempfile::tempfile()?;
        file.set_len(page_size_u64())?;
        let map = |protection| -> Result<Mapping, Errno> {
            Mapping::of_file(file.as_fd(), 0, page_size(), protection, Sharing::Shared)
        };
        let (to_write, to_read) = (map(READ_WRITE)?, map(ProtFlags::PROT_READ)?);
        let nothing = ask(|| super::latest(&to_read)).map_err(wrote)?;
        ask(|| publish(&to_write, value(5)))?;
        let got = ask(|| super::latest(&to_read)).map_err(wrote)?;
        ensure((nothing, got) == (None, Some(value(5))), || {
            Failure::new(
                text!("{:?}", "{:?}", (None::<[u64; 4]>, Some(value(5)))),
                text!("{:?}", "{:?}", (nothing, got)),
            )
        })
    });
}
