use std::rc::Rc;

use mmap_workbook::words::machine::{Play, before_each_access};

use super::*;

fn rule() -> Text {
    text!(
        "A load and a store are two steps, and another process may run between them. An atomic read-modify-write does \
         both in one step. fetch_add can't stop at a limit: the comparison belongs in the same step, as in \
         compare_exchange. If that fails, another process was faster; it doesn't mean that no number is left.",
        "先读后写是两步，别的进程可能插在中间；原子的读-改-写操作把两者合成一步。fetch_add 到了上限也停不住：比较也要放进同一步，\
         如 compare_exchange。它失败只说明别人抢先了，并不说明号码已经发完。"
    )
}

/// A number as the feedback names it.
fn number(got: Option<u64>) -> Text {
    got.map_or_else(|| text!("no number", "没有号码"), |n| text!("number {n}", "号码 {n}"))
}

/// Expects this result of the call that `call` describes.
fn is(call: Text, got: Option<u64>, wanted: Option<u64>) -> Result<(), Failure> {
    ensure(got == wanted, || {
        let (wanted, got) = (number(wanted), number(got));
        Failure::new(
            Text::new(format!("{} returns {}", call.en, wanted.en), format!("{}返回{}", call.zh, wanted.zh)),
            Text::new(format!("it returns {}", got.en), format!("返回{}", got.zh)),
        )
    })
}

#[test]
fn counts_up_to_the_limit_and_no_further() {
    check("exchange", rule(), || {
        let last = page_size() - 8;
        let cases = [
            (24, 0, 3),
            (0, 0, 0),
            (last, 2, 3),
            (24, 3, 3),
            (8, 9, 3),
            (24, u64::from(u32::MAX) - 1, 1 << 40),
            (24, (1 << 63) - 2, 1 << 63),
            (0, u64::MAX - 1, u64::MAX),
            (24, u64::MAX, u64::MAX),
            (24, u64::MAX, 0),
            // In the second page of two.
            (page_size() + 8, 2, 3),
        ];
        for_each(
            cases,
            |(at, taken, limit)| {
                text!(
                    "the counter at byte {at} is {taken}, the limit is {limit}",
                    "第 {at} 字节处的计数器为 {taken}，上限 {limit}"
                )
            },
            |&(at, taken, limit)| {
                let pages = at / page_size() + 1;
                let page = Mapping::anonymous(pages * page_size(), READ_WRITE, Sharing::Shared)?;
                page.long_word(at).store(taken, Ordering::Relaxed);
                let before = loaded(&page);
                let got = ask(|| (0..4).map(|_| super::next_ticket(&page, at, limit)).collect::<Vec<_>>())?;
                for (nth, (n, got)) in (1..).zip((0..).zip(got)) {
                    let call = text!("call {nth} in a row", "第 {nth} 次调用");
                    is(call, got, taken.checked_add(n).filter(|n| *n < limit))?;
                }
                let end = page.long_word(at).load(Ordering::Relaxed);
                let most = taken.max(taken.saturating_add(4).min(limit));
                ensure(end == most, || {
                    Failure::new(
                        text!("after four calls the counter is {most}", "四次调用之后计数器为 {most}"),
                        text!("it is {end}", "为 {end}"),
                    )
                })?;
                let (mut before, mut after) = (before, loaded(&page));
                before[at..at + 8].fill(0);
                after[at..at + 8].fill(0);
                same_bytes(
                    text!("outside the counter the page is as it was", "计数器之外，页的内容不变"),
                    &after,
                    &before,
                )
            },
        )
    });
}

#[test]
fn keeps_counters_and_limits_apart() {
    check("exchange", rule(), || {
        // The rest of the page belongs to others, whatever is in it.
        let (page, other) = (page_of_zeros()?, page_of_zeros()?);
        page.write(0, &[0xff; 64]);
        for (page, at, taken) in [(&page, 8, 5), (&page, 24, 0), (&other, 8, 0), (&other, 16, 90)] {
            page.long_word(at).store(taken, Ordering::Relaxed);
        }
        let calls = [
            (0, 8, 5, None),
            (0, 24, 1, Some(0)),
            (0, 24, 1, None),
            (1, 8, 9, Some(0)),
            (1, 16, 95, Some(90)),
            (1, 8, 9, Some(1)),
            (0, 8, 6, Some(5)),
        ];
        let got = ask(|| calls.map(|(n, at, limit, _)| super::next_ticket([&page, &other][n], at, limit)))?;
        for ((n, at, limit, wanted), got) in calls.into_iter().zip(got) {
            let (page, page_zh) = [("one page", "一页"), ("another page", "另一页")][n];
            let call = Text::new(
                format!("in a process that uses several counters, the call for byte {at} of {page} with limit {limit}"),
                format!("同一进程轮流使用几个计数器时，对{page_zh}第 {at} 字节、上限 {limit} 的调用"),
            );
            is(call, got, wanted)?;
        }
        let kept: Vec<_> = (0..64).filter(|at| !(8..16).contains(at) && !(24..32).contains(at)).collect();
        ensure(kept.iter().all(|at| page.load(*at) == 0xff), || {
            Failure::new(
                text!("the bytes outside the counter keep their values", "计数器之外的字节保持原值"),
                text!("some of them have changed", "有的变了"),
            )
        })
    });
}

/// What the others do while the call stands before each of its accesses: how many numbers they take there.
fn schedules() -> impl Iterator<Item = Vec<u64>> {
    let few = (0..81_u64).map(|n| vec![n % 3, n / 3 % 3, n / 9 % 3, n / 27]);
    few.chain([vec![1; 100]])
}

#[test]
fn gives_each_number_out_once() {
    check("exchange", rule(), || {
        let at = 24;
        let page = SharedPage::zeros()?;
        let (counter, limits) = (page.long_word(at), page_of_zeros()?);
        let limit_of = limits.long_word(0);
        let mut process = Walker::start(&page, || super::next_ticket(&page, at, limit_of.load(Ordering::Relaxed)))?;
        // One where a byte overflows: two loads of parts of the counter may not fit together.
        let counts = [(5, 1_000), (5, 6), (5, 7), (0xfe, 0x110)];
        for ((start, limit), schedule) in counts.into_iter().flat_map(|count| schedules().map(move |s| (count, s))) {
            counter.store(start, Ordering::Relaxed);
            limit_of.store(limit, Ordering::Relaxed);
            let given = |failure: Failure| {
                let list = match schedule.len() {
                    100 => text!("1, 1, 1 ... (100)", "1、1、1……（100 个）"),
                    _ => {
                        let numbers = schedule.iter().map(u64::to_string).collect::<Vec<_>>();
                        Text::new(numbers.join(", "), numbers.join("、"))
                    }
                };
                failure.given(text!(
                    "the counter is {start}, the limit {limit}; before its accesses to the page, one after the other, another process takes this many numbers: {list}",
                    "计数器为 {start}，上限 {limit}；该进程每次访问页之前，另一个进程依次取走的号码个数：{list}";
                    list
                ))
            };
            let mut others = Vec::new();
            let mut now = start;
            let mut stop = 0;
            let mine = loop {
                match process.step().map_err(given)? {
                    Step::Returned(mine) => break mine,
                    Step::Access => {}
                }
                if let Err(failure) = steady(counter.load(Ordering::Relaxed), &mut now, limit) {
                    // Is it taken back?
                    let beyond = counter.load(Ordering::Relaxed) == limit + 1;
                    process.finish::<Option<u64>>().map_err(given)?;
                    let repaired = beyond && counter.load(Ordering::Relaxed) <= limit;
                    return Err(given(if repaired { failure.shows(&belief::OVERSHOOT_IS_REPAIRED) } else { failure }));
                }
                for _ in 0..schedule.get(stop).copied().unwrap_or(0) {
                    let next = |n| (n < limit).then_some(n + 1);
                    others.extend(counter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next));
                    now = counter.load(Ordering::Relaxed);
                }
                stop += 1;
            };
            let mine: Option<u64> = mine;
            steady(counter.load(Ordering::Relaxed), &mut now, limit).map_err(given)?;
            fits(mine, start, &others, now, limit).map_err(given)?;
        }
        Ok(())
    });
}

#[test]
fn gives_two_calls_different_numbers_wherever_they_stand() {
    check("exchange", rule(), || {
        let (at, start) = (24, 5);
        let (page, limits) = (SharedPage::zeros()?, page_of_zeros()?);
        let (counter, limit_of) = (page.long_word(at), limits.long_word(0));
        let call = || super::next_ticket(&page, at, limit_of.load(Ordering::Relaxed));
        let (mut one, mut other) = (Walker::start(&page, call)?, Walker::start(&page, call)?);
        for limit in [6, 1_000] {
            limit_of.store(limit, Ordering::Relaxed);
            for first in 0.. {
                let mut has_returned = false;
                for second in 0.. {
                    let given = |failure: Failure| {
                        let first_en = count(first, "access", "accesses");
                        failure.given(text!(
                            "the counter is {start}, the limit {limit}; one process stands still after {first_en} to \
                             the page, then another one after {second}; then the first one goes on, then the other one",
                            "计数器为 {start}，上限 {limit}；一个进程访问页 {first} 次后停住，接着另一个访问 {second} 次后停住；\
                             然后前者继续，再轮到后者"
                        ))
                    };
                    counter.store(start, Ordering::Relaxed);
                    let early = one.begin::<Option<u64>>(first).map_err(given)?;
                    let others = other.begin::<Option<u64>>(second).map_err(given)?;
                    let ends = (early.is_some(), others.is_some());
                    let finish = |walker: &mut Walker<'_>, got: Option<Option<u64>>| match got {
                        Some(got) => Ok(got),
                        None => walker.finish::<Option<u64>>().map_err(given),
                    };
                    let mut got = [finish(&mut one, early)?, finish(&mut other, others)?];
                    got.sort_unstable();
                    let last = if limit == 6 { None } else { Some(start + 1) };
                    let mut wanted = [Some(start), last];
                    wanted.sort_unstable();
                    let (now, end) = (counter.load(Ordering::Relaxed), limit.min(start + 2));
                    ensure(got == wanted && now == end, || {
                        let ([a, b], [c, d]) = (wanted.map(number), got.map(number));
                        given(Failure::new(
                            Text::new(
                                format!("the two get {} and {}, and the counter ends at {end}", a.en, b.en),
                                format!("两次调用的结果：{}，{}；计数器最后为 {end}", a.zh, b.zh),
                            ),
                            Text::new(
                                format!("they get {} and {}, and it ends at {now}", c.en, d.en),
                                format!("结果是：{}，{}；最后为 {now}", c.zh, d.zh),
                            ),
                        ))
                    })?;
                    has_returned = ends.0;
                    if ends.1 || has_returned {
                        break;
                    }
                }
                if has_returned {
                    break;
                }
            }
        }
        Ok(())
    });
}

/// The number of accesses of a call before each of which another one takes a number.
const TIMES: usize = 50_000;

#[test]
fn tries_again_as_often_as_others_are_faster() {
    check("exchange", rule(), || {
        let at = 24;
        let page = Rc::new(page_of_zeros()?);
        let others = Rc::clone(&page);
        let take = move || _ = others.long_word(at).fetch_add(1, Ordering::Relaxed);
        let got = ask(|| before_each_access(TIMES, take, || super::next_ticket(&page, at, 1 << 40)))?;
        let taken = page.long_word(at).load(Ordering::Relaxed);
        ensure(got.is_some_and(|n| n < taken), || {
            let got = number(got);
            Failure::new(
                text!("the call returns a number: they are not used up", "调用返回一个号码：号码还没有发完"),
                Text::new(format!("it returns {}", got.en), format!("返回{}", got.zh)),
            )
            .given(text!(
                "before each of the first {TIMES} accesses of the call to the counter, another process takes a number",
                "调用最初 {TIMES} 次访问计数器，每次之前都有另一个进程取走一个号码"
            ))
        })
    });
}

/// Expects that the counter has not decreased and is not beyond the limit.
fn steady(counter: u64, before: &mut u64, limit: u64) -> Result<(), Failure> {
    ensure(counter <= limit, || {
        Failure::new(
            text!("the counter never exceeds {limit}", "计数器从不超过 {limit}"),
            text!("at one moment it is {counter}", "有一刻它是 {counter}"),
        )
    })?;
    ensure(counter >= *before, || {
        Failure::new(
            text!("the counter never decreases", "计数器从不减小"),
            text!("it goes from {before} back to {counter}", "它从 {before} 退回到 {counter}"),
        )
        .shows(&belief::LOAD_AND_STORE_IS_ONE_STEP)
    })?;
    *before = counter;
    Ok(())
}

/// Expects that the call took one number, which is none of those that the others took, or none because none was left.
fn fits(mine: Option<u64>, start: u64, others: &[u64], counter: u64, limit: u64) -> Result<(), Failure> {
    let Some(n) = mine else {
        return ensure(counter >= limit, || {
            Failure::new(
                text!("no number is returned only if none is left", "只有号码发完时才没有号码"),
                text!(
                    "the call returns no number, and the counter is {counter}",
                    "调用没有返回号码，而计数器为 {counter}"
                ),
            )
        });
    };
    let number_of_others = others.len() as u64;
    let taken = start + number_of_others + 1;
    ensure(counter == taken && (start..counter).contains(&n), || {
        let failure = Failure::new(
            text!(
                "numbers taken by others: {number_of_others}; by the call: 1; so the counter ends at {taken}",
                "别人取了 {number_of_others} 个，这次调用取一个：计数器最后为 {taken}"
            ),
            text!(
                "the call returns number {n}, and the counter ends at {counter}",
                "调用返回号码 {n}，计数器最后为 {counter}"
            ),
        );
        // What one of the two added is gone.
        let lost = number_of_others > 0 && counter < taken && (start..taken).contains(&n);
        if lost { failure.shows(&belief::LOAD_AND_STORE_IS_ONE_STEP) } else { failure }
    })?;
    ensure(!others.contains(&n), || {
        Failure::new(
            text!("no number is returned twice", "没有号码返回两次"),
            text!(
                "the call returns number {n}, which another process has taken",
                "调用返回号码 {n}，它已被另一个进程取走"
            ),
        )
    })
}

#[test]
fn survives_a_weak_exchange_that_fails() {
    let rule = text!(
        "compare_exchange_weak may fail although the word has the expected value: what it was to store isn't stored, and \
         the value found says nothing new.",
        "compare_exchange_weak 可能在字恰为期望值时仍然失败：什么也没有写入，它返回的值也不说明有人改过。"
    );
    check("exchange", rule, || {
        for times in [1, 2, 30] {
            let (at, start, limit) = (24, 5, 7);
            let page = page_of_zeros()?;
            page.long_word(at).store(start, Ordering::Relaxed);
            let got = ask(|| {
                let mut play = Play::begin();
                let calls = [(); 3].map(|()| {
                    play.fail_weakly(times);
                    let mut got = None;
                    play.write(None, || got = super::next_ticket(&page, at, limit));
                    got
                });
                // Accesses to anything but the long word can't be played.
                play.knows([page.long_word(at)]).then_some(calls)
            })?;
            for (nth, (got, wanted)) in (1..).zip(got.into_iter().flatten().zip([Some(5), Some(6), None])) {
                let call = text!("call {nth} in a row", "第 {nth} 次调用");
                is(call, got, wanted).map_err(|failure| {
                    failure.given(text!(
                        "the counter is {start}, the limit {limit}; a weak exchange fails although the counter has \
                         the expected value, {times} times in each call",
                        "计数器为 {start}，上限 {limit}；每次调用中，最初 {times} 次弱交换在计数器恰为期望值时仍然失败"
                    ))
                })?;
            }
        }
        Ok(())
    });
}

#[test]
fn makes_no_other_process_wait_when_it_is_stopped_or_killed() {
    check("lock", rule(), || {
        let (at, limit) = (24, 9);
        for stopped in 0.. {
            let given = |failure: Failure| {
                let stopped_en = count(stopped, "access", "accesses");
                failure.given(text!(
                    "a process stands still in its call after {stopped_en} to the page; another one calls twice, then the first one is killed, and the other one calls again",
                    "一个进程在调用中访问页 {stopped} 次后停住；另一个进程调用两次，然后前者被杀死，后者再调用一次"
                ))
            };
            let page = SharedPage::zeros()?;
            let mut process = Walker::start(&page, || super::next_ticket(&page, at, limit))?;
            if process.begin::<Option<u64>>(stopped).map_err(given)?.is_some() {
                return Ok(());
            }
            let mut other = Walker::start(&page, || super::next_ticket(&page, at, limit))?;
            let mut numbers = Vec::new();
            for call in 0..3 {
                if call == 2 {
                    process.kill()?;
                    // It is gone.
                    process = Walker::start(&page, || super::next_ticket(&page, at, limit))?;
                }
                let got = other.finish::<Option<u64>>().map_err(|failure| given(waited(failure)))?;
                numbers.push(got.unwrap_or(u64::MAX));
            }
            // The first one may have taken one number, at any of these moments but only there.
            let lost = numbers[0];
            ensure(lost <= 1 && numbers == [lost, lost + 1, lost + 2], || {
                let [a, b, c] = [0, 1, 2].map(|n| Some(numbers[n]).filter(|n| *n != u64::MAX)).map(number);
                given(Failure::new(
                    text!(
                        "the other process gets three numbers in a row, from 0 or 1 on",
                        "另一个进程从 0 或 1 开始，得到三个连续的号码"
                    ),
                    Text::new(
                        format!("it gets {}, {}, {}", a.en, b.en, c.en),
                        format!("得到{}、{}、{}", a.zh, b.zh, c.zh),
                    ),
                ))
            })?;
        }
        Ok(())
    });
}
