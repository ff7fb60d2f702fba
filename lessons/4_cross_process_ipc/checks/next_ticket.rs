use super::*;

/// An offset of the counter other than 0.
const AT: usize = 24;

fn rule() -> Text {
    text!(
        "A load and a store are two steps, and another process may run between them. An atomic read-modify-write does \
         both in one step: fetch_add, compare_exchange.",
        "先读后写是两步，别的进程可能插在中间。要把查看和写入合成一步，得用原子的读-改-写操作：fetch_add、compare_exchange。"
    )
}

#[test]
fn counts_up_to_the_limit_and_no_further() {
    check("tally", rule(), || {
        let cases =
            [(0, 3), (0, 0), (2, 3), (3, 3), (9, 3), (u64::MAX - 1, u64::MAX), (u64::MAX, u64::MAX), (u64::MAX, 0)];
        for_each(
            cases,
            |(taken, limit)| text!("{taken} taken, limit {limit}", "已取 {taken} 个，上限 {limit}"),
            |&(taken, limit)| {
                let wanted: Vec<_> = (0..4).map(|n| taken.checked_add(n).filter(|n| *n < limit)).collect();
                let page = page_of_zeros()?;
                page.long_word(AT).store(taken, Ordering::Relaxed);
                let got = ask(|| (0..4).map(|_| super::next_ticket(&page, AT, limit)).collect::<Vec<_>>())?;
                equal(&got, &wanted)?;
                let (end, most) =
                    (page.long_word(AT).load(Ordering::Relaxed), taken.max(taken.saturating_add(4).min(limit)));
                ensure(end == most, || {
                    Failure::new(
                        text!("the counter ends at {most}", "计数器最后为 {most}"),
                        text!("it ends at {end}", "实际为 {end}"),
                    )
                    .shows(&belief::OVERSHOOT_IS_REPAIRED)
                })
            },
        )
    });
}

#[test]
fn gives_each_number_out_once() {
    check("tally", rule(), || {
        for_each(STRIDES, every, |&stride| {
            let limit = 60;
            let page = page_of_zeros()?;
            let counter = page.long_word(AT);
            // The other process's numbers. The answer's number is stored further on in the page.
            let mut others = Vec::new();
            let steps = after_each_instruction(
                || Ok(()),
                |()| {
                    let mine = super::next_ticket(&page, AT, limit);
                    page.long_word(512).store(mine.map_or(u64::MAX, |n| n), Ordering::Relaxed);
                    Ok(())
                },
                |step| {
                    if step % stride == 0 {
                        let next = |n| (n < limit).then_some(n + 1);
                        others.extend(counter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).ok());
                    }
                    let now = counter.load(Ordering::Relaxed);
                    ensure(now <= limit, || {
                        Failure::new(
                            text!("the counter never exceeds {limit}", "计数器从不超过 {limit}"),
                            text!("{now}", "{now}"),
                        )
                        .shows(&belief::OVERSHOOT_IS_REPAIRED)
                    })
                },
            )?;
            if steps.is_none() {
                skipped();
                return Ok(());
            }
            let mine = page.long_word(512).load(Ordering::Relaxed);
            let mut all = others.clone();
            all.extend(Some(mine).filter(|mine| *mine != u64::MAX));
            all.sort_unstable();
            let taken = counter.load(Ordering::Relaxed);
            let wanted: Vec<_> = (0..taken).collect();
            ensure(all == wanted, || {
                let twice = all.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0]);
                let happened = match twice {
                    Some(n) => text!("number {n} was given out twice", "号码 {n} 发了两次"),
                    None => text!(
                        "the numbers given out are {all:?}, and the counter is {taken}",
                        "发出的是 {all:?}，而计数器为 {taken}"
                    ),
                };
                Failure::new(text!("each number is given out once", "每个号码只发一次"), happened)
                    .shows(&belief::LOAD_AND_STORE_IS_ONE_STEP)
            })
        })
    });
}

#[test]
fn makes_no_other_process_wait_when_it_is_killed() {
    check("lock", rule(), || {
        for killed in (1..).step_by(11) {
            let given = |failure: Failure| {
                failure.given(text!(
                    "the first process is killed after {killed} instructions",
                    "第一个进程在 {killed} 条指令之后被杀死"
                ))
            };
            let page = page_of_zeros()?;
            let act = |()| {
                super::next_ticket(&page, AT, 9);
                Ok(())
            };
            let ended = killed_after_instruction(killed, || Ok(()), act).map_err(given)?;
            if ended == Stepped::Unsupported {
                skipped();
            }
            let next = ask(|| super::next_ticket(&page, AT, 9)).map_err(|failure| given(waited(failure)))?;
            ensure(matches!(next, Some(0 | 1)), || {
                given(Failure::new(
                    text!("the next process gets number 0 or 1", "下一个进程拿到号码 0 或 1"),
                    text!("{next:?}", "{next:?}"),
                ))
            })?;
            // It returned before it was to be killed: there are no later moments.
            if ended != Stepped::Killed {
                break;
            }
        }
        Ok(())
    });
}
