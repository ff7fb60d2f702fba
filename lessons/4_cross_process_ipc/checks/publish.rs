use mmap_workbook::grade::fixtures::contents;

use super::latest::{History, memory_rule};
use super::*;

#[test]
fn is_found_by_every_reader() {
    cell_check(|| {
        let cell = page_of_zeros()?;
        // Each value is published by another process.
        for_each(
            [value(1), [0; 4], [1, 2, 3, 4], [u64::MAX; 4], [0, 0, 0, 1], [0; 4], [1 << 63, 0, 0, 1 << 63], value(7)],
            |value| text!("published: {value:?}", "发布：{value:?}"),
            |&value| {
                ask(|| super::publish(&cell, value))?;
                let got = ask(|| latest(&cell))?;
                ensure(got == Some(value), || {
                    let got = found(got);
                    Failure::new(
                        text!("a reader finds {value:?}", "读者得到 {value:?}"),
                        Text::new(format!("it finds {}", got.en), format!("得到{}", got.zh)),
                    )
                })
            },
        )
    });
}

#[test]
fn is_found_however_many_came_before() {
    cell_check(|| {
        // One process, and two cells, of which the first is the first page of a mapping of two.
        let cells = [
            Mapping::anonymous(2 * page_size(), READ_WRITE, Sharing::Shared)?,
            Mapping::anonymous(page_size(), READ_WRITE, Sharing::Shared)?,
        ];
        let wrong = ask(|| {
            for n in 1..=66_000 {
                super::publish(&cells[0], value(n));
                let second = 1_000_000 + n.min(600);
                let wanted = [Some(value(n)), Some(value(second))];
                // Where a count of one or two bytes goes round, and while the second cell is used too.
                if n > 600 && !(65_530..65_545).contains(&n) {
                    continue;
                }
                if n <= 600 {
                    super::publish(&cells[1], value(second));
                }
                let got = cells.each_ref().map(latest);
                if got != wanted {
                    return Some((n, got, wanted));
                }
            }
            None
        })?;
        if let Some((n, got, wanted)) = wrong {
            let pair = |pair: [Found; 2]| pair.map(found);
            let ([a, b], [c, d]) = (pair(wanted), pair(got));
            return Err(Failure::new(
                Text::new(
                    format!("a reader finds {} in the first cell, and {} in the second one", a.en, b.en),
                    format!("读者在第一个单元里得到{}，在第二个里得到{}", a.zh, b.zh),
                ),
                Text::new(format!("it finds {} and {}", c.en, d.en), format!("得到{}和{}", c.zh, d.zh)),
            )
            .given(text!(
                "one process publishes to two cells by turns, and reads both: after {n} values in the first cell",
                "一个进程轮流向两个单元发布，并读出两者：第一个单元里已发布 {n} 个值"
            )));
        }
        let beyond = (page_size()..2 * page_size()).find(|at| cells[0].load(*at) != 0);
        ensure(beyond.is_none(), || {
            Failure::new(
                text!(
                    "nothing is stored outside the cell, the first page of the mapping",
                    "映射的第一页是单元，不在它之外写入"
                ),
                text!("byte {} of the mapping has changed", "映射的第 {} 字节变了", beyond.unwrap_or_default()),
            )
        })
    });
}

#[test]
fn is_whole_to_readers_at_every_access() {
    cell_check(|| {
        let cell = SharedPage::zeros()?;
        let number = page_of_zeros()?;
        let next = || super::publish(&cell, value(number.long_word(0).load(Ordering::Relaxed)));
        let (mut writers, mut reader) = ([Walker::start(&cell, next)?, Walker::start(&cell, next)?], reader(&cell)?);
        // Several, so that each slot of the cell is used, and by two processes, each of which publishes after the other.
        for (n, writer) in (1..).zip([0, 0, 1, 0, 1, 1]) {
            number.long_word(0).store(n, Ordering::Relaxed);
            let writer = &mut writers[writer];
            let mut oldest = n - 1;
            let mut accesses = 0;
            loop {
                let step = writer.step::<()>()?;
                let returned = step != Step::Access;
                let given = |failure: Failure| {
                    let accesses_en = count(accesses, "access", "accesses");
                    failure.given(match returned {
                        true => text!("{:?} has been published", "{:?} 已经发布", value(n)),
                        false => text!(
                            "the writer of {:?} stands still after {accesses_en} to the cell; two processes publish by turns",
                            "写 {:?} 的写者在访问单元 {accesses} 次后停住；由两个进程轮流发布",
                            value(n)
                        ),
                    })
                };
                if returned {
                    oldest = n;
                }
                // A second call must not find an older value than the first.
                for _ in 0..2 {
                    let got = reader.finish::<Found>().map_err(|failure| given(waited_in_a_cell(failure)))?;
                    // A process that comes later may believe something else.
                    let believed = |failure| if n <= 2 { torn(got, failure) } else { failure };
                    one_of(oldest..=n, got).map_err(|failure| given(believed(failure)))?;
                    if got == Some(value(n)) {
                        oldest = n;
                    }
                }
                if returned {
                    break;
                }
                accesses += 1;
            }
        }
        Ok(())
    });
}

#[test]
fn goes_on_after_a_writer_that_was_killed() {
    cell_check(|| {
        for before in 0..=2 {
            for accesses in 1.. {
                if !killed_after(before, accesses)? {
                    break;
                }
            }
        }
        Ok(())
    });
}

/// `before` values are published, the writer of the next one is killed after some accesses to the cell, then another
/// process publishes two values. Returns whether the writer was killed before it returned.
fn killed_after(before: u64, accesses: u64) -> Result<bool, Failure> {
    let given = |failure: Failure| {
        let (before_en, accesses_en) = (count(before, "value is", "values are"), count(accesses, "access", "accesses"));
        failure.given(text!(
            "{before_en} published, the writer of {:?} is killed after {accesses_en} to the cell, then other \
             processes read and publish",
            "已发布 {before} 个值，写 {:?} 的写者在访问单元 {accesses} 次后被杀死，然后由别的进程读取和发布",
            value(before + 1)
        ))
    };
    let cell = SharedPage::zeros()?;
    let mut first = writer(&cell)?;
    for _ in 0..before {
        first.run_through::<()>().map_err(given)?;
    }
    let untouched = contents(cell.file())?;
    if first.begin::<()>(accesses).map_err(given)?.is_some() {
        return Ok(false);
    }
    first.kill()?;
    let mut seen = contents(cell.file())?;
    if seen == untouched {
        return Ok(true);
    }
    let mut reader = reader(&cell)?;
    let got = reader.finish::<Found>().map_err(|failure| given(waited_in_a_cell(failure)))?;
    one_of(before..=before + 1, got).map_err(|failure| given(torn(got, failure)))?;
    let mut n = 10;
    let mut second = Walker::start(&cell, || {
        n += 1;
        super::publish(&cell, value(n));
    })?;
    // A reader also comes while the second writer is at work, whenever the cell has changed.
    let mut latest = if got.is_some_and(|words| words[0] == before + 1) { before + 1 } else { before };
    for n in [11, 12] {
        let mut oldest = latest;
        let mut looks = 0;
        while n == 11
            && let Step::Access = second.step::<()>().map_err(|failure| given(waited_in_a_cell(failure)))?
        {
            let now = contents(cell.file())?;
            if now == seen {
                continue;
            }
            seen = now;
            looks += 1;
            // Who waits for the second writer does so from its first store on.
            let got = if looks == 1 { reader.finish().map_err(waited_in_a_cell) } else { reader.run_through() };
            let got = got.map_err(given)?;
            let wanted = if got == Some(value(n)) { n } else { oldest };
            one_of(wanted..=wanted, got).map_err(given)?;
            oldest = wanted;
        }
        if n == 12 {
            second.run_through::<()>().map_err(given)?;
        }
        // Nobody stands still now.
        let got = reader.finish::<Found>().map_err(given)?;
        one_of(n..=n, got).map_err(given)?;
        latest = n;
    }
    [second, reader].iter().try_for_each(|process| calls_nothing(process).map_err(given))?;
    Ok(true)
}

#[test]
fn keeps_its_stores_in_order_under_rusts_memory_model() {
    check("sequence_lock", memory_rule(), || History::each(History::check_publish));
}

#[test]
fn makes_no_system_call() {
    cell_check(|| {
        let cell = SharedPage::zeros()?;
        let mut writer = writer(&cell)?;
        for _ in 0..3 {
            writer.run_through::<()>()?;
        }
        calls_nothing(&writer)
    });
}
