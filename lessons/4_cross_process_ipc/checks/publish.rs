use super::*;

#[test]
fn is_found_by_every_reader() {
    check("sequence_lock", cell_rule(), || {
        let cell = page_of_zeros()?;
        for_each(
            [value(1), [0; 4], [1, 2, 3, 4], [u64::MAX; 4], [0, 0, 0, 1], value(7)],
            |value| text!("published: {value:?}", "发布：{value:?}"),
            |&value| {
                ask(|| super::publish(&cell, value))?;
                equal(&ask(|| latest(&cell))?, &Some(value))
            },
        )
    });
}

#[test]
fn is_whole_to_readers_at_every_instruction() {
    check("sequence_lock", cell_rule(), || {
        let cell = page_of_zeros()?;
        // Several, so that each slot of the cell is used.
        for n in 1..=3 {
            let mut reader = reader(&cell)?;
            let before = (n > 1).then_some(n - 1);
            let mut found_new = false;
            let stepped = after_each_instruction(
                || Ok(()),
                |()| {
                    super::publish(&cell, value(n));
                    Ok(())
                },
                |step| {
                    let got = reads(&mut reader)?;
                    let old = if found_new { Some(n) } else { before };
                    found_new |= got == Some(value(n).to_vec());
                    one_of(old, Some(n), &got).map_err(|failure| {
                        failure.given(text!(
                            "value {n}, the writer stopped after {step} instructions",
                            "第 {n} 个值，写者停在第 {step} 条指令之后"
                        ))
                    })
                },
            )?;
            one_of(Some(n), Some(n), &reads(&mut reader)?)?;
            if stepped.is_none() {
                skipped();
            }
            reader.end()?;
        }
        Ok(())
    });
}

#[test]
fn goes_on_after_a_writer_that_was_killed() {
    check("halfway", cell_rule(), || {
        for killed in (1..2_000).step_by(97) {
            let given = |failure: Failure| {
                failure.given(text!(
                    "a writer is killed after {killed} instructions, then another one publishes",
                    "写者在 {killed} 条指令之后被杀死，随后另一个写者发布"
                ))
            };
            let cell = page_of_zeros()?;
            ask(|| super::publish(&cell, value(1))).map_err(given)?;
            let act = |()| {
                super::publish(&cell, value(2));
                Ok(())
            };
            let ended = killed_after_instruction(killed, || Ok(()), act).map_err(given)?;
            if ended == Stepped::Unsupported {
                skipped();
            }
            let (between, after) = ask(|| {
                let between = latest(&cell);
                super::publish(&cell, value(3));
                (between, latest(&cell))
            })
            .map_err(|failure| given(waited(failure)))?;
            one_of(Some(1), Some(2), &between.map(|words| words.to_vec())).map_err(given)?;
            one_of(Some(3), Some(3), &after.map(|words| words.to_vec())).map_err(given)?;
            // It returned before it was to be killed: there are no later moments.
            if ended != Stepped::Killed {
                break;
            }
        }
        Ok(())
    });
}
