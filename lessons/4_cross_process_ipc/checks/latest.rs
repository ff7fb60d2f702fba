use std::rc::Rc;

use mmap_workbook::grade::fixtures::wide;
use mmap_workbook::words::machine::{Load, Play, Wrote, before_each_access};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::*;

#[test]
fn is_nothing_until_something_is_published() {
    check("reader", cell_rule(), || {
        let cell = page_of_zeros()?;
        one_of(0..=0, ask(|| super::latest(&cell))?)?;
        ask(|| publish(&cell, [0; 4]))?;
        let got = ask(|| super::latest(&cell))?;
        ensure(got == Some([0; 4]), || {
            let got = found(got);
            Failure::new(
                text!("the reader finds four zeros, which were published", "读者得到发布过的四个零"),
                Text::new(format!("it finds {}", got.en), format!("实际得到{}", got.zh)),
            )
        })
    });
}

#[test]
fn is_whole_whatever_is_published_meanwhile() {
    check("sequence_lock", cell_rule(), || {
        let cell = SharedPage::zeros()?;
        let (mut writer, mut reader) = (writer(&cell)?, reader(&cell)?);
        // The number of values that were published so far.
        let mut published = 3;
        for _ in 0..published {
            writer.run_through::<()>()?;
        }
        let (reader_stride, writer_stride) = (stride::<Found>(&mut reader)?, stride::<()>(&mut writer)?);
        published += 1;
        for (values, apart) in [(0, 1), (1, 1), (2, 2), (3, 3)] {
            // The reader is stopped after each number of accesses, and then the writer of one more value. To stop before
            // the first access is to stop after the call before: that was tried with one value less. With more values some
            // stops of the writer are enough.
            let same = usize::from(values > 0);
            let writer_stride = writer_stride * apart;
            for reads in (0..).step_by(reader_stride).skip(same) {
                let mut returned = false;
                for accesses in (0..).step_by(writer_stride).skip(same) {
                    let given = |failure: Failure| {
                        let [reads_en, accesses_en] = [reads, accesses].map(|n| count(n, "access", "accesses"));
                        let values_en = count(values, "value is", "values are");
                        failure.given(text!(
                            "{published} values are published, a reader begins and stands still after {reads_en}; \
                             then {values_en} published, and the writer of one more stands still after \
                             {accesses_en}, while the reader goes on",
                            "已发布 {published} 个值，读者开始读，访问 {reads} 次后停住；接着又发布 {values} 个值，\
                             再下一个值的写者访问 {accesses} 次后停住，这时读者继续"
                        ))
                    };
                    let oldest = published;
                    let early = reader.begin::<Found>(reads).map_err(given)?;
                    for _ in 0..values {
                        writer.run_through::<()>().map_err(given)?;
                    }
                    let whole = writer.begin::<()>(accesses).map_err(given)?.is_some();
                    let got = match early {
                        // It has returned before all that.
                        Some(got) => got,
                        // Who waits does so for one of the first two, and an endless loop is found early then.
                        None if values < 2 => reader.finish().map_err(|failure| given(waited(failure)))?,
                        None => reader.run_through().map_err(given)?,
                    };
                    let newest = if early.is_some() { oldest } else { oldest + values + 1 };
                    one_of(oldest..=newest, got).map_err(given)?;
                    if !whole {
                        writer.run_through::<()>().map_err(given)?;
                    }
                    published += values + 1;
                    returned = early.is_some();
                    if whole || returned {
                        break;
                    }
                }
                if returned {
                    break;
                }
            }
        }
        Ok(())
    });
}

#[test]
fn is_whole_however_many_are_published_meanwhile() {
    check("sequence_lock", cell_rule(), || {
        // A count of two bytes has come round; or one of slots, whose number may be 3, 5, 7, 11, or a product of them.
        for values in [65_536, 4_620] {
            let cell = SharedPage::zeros()?;
            let mut n = 0;
            let mut writer = Walker::start(&cell, || {
                for _ in 0..values {
                    n += 1;
                    publish(&cell, value(n));
                }
            })?;
            let mut reader = reader(&cell)?;
            writer.run_through::<()>()?;
            let mut published = values;
            // What is published takes long enough: there are two or three stops in a call of the solution's.
            let stride = stride::<Found>(&mut reader)? * if values > 5_000 { 3 } else { 1 };
            for reads in (0..).step_by(stride).skip(1) {
                let given = |failure: Failure| {
                    let reads_en = count(reads, "access", "accesses");
                    failure.given(text!(
                        "{published} values are published, a reader begins and stands still after {reads_en}; then \
                         {values} values are published, and the reader goes on",
                        "已发布 {published} 个值，读者开始读，访问 {reads} 次后停住；接着又发布 {values} 个值，然后读者继续"
                    ))
                };
                if let Some(got) = reader.begin(reads).map_err(given)? {
                    one_of(published..=published, got).map_err(given)?;
                    break;
                }
                writer.run_through::<()>().map_err(given)?;
                let got = reader.finish().map_err(given)?;
                one_of(published..=published + values, got).map_err(given)?;
                published += values;
            }
        }
        Ok(())
    });
}

/// The accesses from one place where a process is stopped to the next: one, unless a call makes many.
fn stride<A: DeserializeOwned>(process: &mut Walker<'_>) -> Result<usize, Failure> {
    let mut accesses = 0;
    while let Step::Access = process.step::<A>()? {
        accesses += 1;
    }
    Ok(if accesses <= 16 { 1 } else { accesses / 8 })
}

#[test]
fn starts_over_as_often_as_it_is_overtaken() {
    check("sequence_lock", cell_rule(), || {
        for (values, times) in [(1, 50), (2, 50), (3, 50)] {
            let given = |failure: Failure| {
                let values_en = count(values, "value is", "values are");
                failure.given(text!(
                    "{values_en} published before each of the first {times} accesses of the reader",
                    "读者前 {times} 次访问，每次之前都发布 {values} 个值"
                ))
            };
            let cell = SharedPage::zeros()?;
            let (mut writer, mut reader) = (writer(&cell)?, reader(&cell)?);
            writer.run_through::<()>().map_err(given)?;
            let (mut published, mut accesses) = (1, 0);
            let got = loop {
                match reader.step::<Found>().map_err(given)? {
                    Step::Returned(got) => break got,
                    Step::Access => accesses += 1,
                }
                if accesses <= times {
                    for _ in 0..values {
                        writer.run_through::<()>().map_err(given)?;
                    }
                    published += values;
                }
            };
            one_of(1..=published, got).map_err(given)?;
            calls_nothing(&reader).map_err(given)?;
        }
        [(1, 50_000), (3, 5_000)].into_iter().try_for_each(starts_over_thousands_of_times)
    });
}

/// `values` are published before each of the first `loads` loads of the reader.
fn starts_over_thousands_of_times((values, loads): (u64, usize)) -> Result<(), Failure> {
    let cell = Rc::new(page_of_zeros()?);
    let count = Rc::new(page_of_zeros()?);
    let publish_next = {
        let (cell, count) = (Rc::clone(&cell), Rc::clone(&count));
        move || publish(&cell, value(count.long_word(0).fetch_add(1, Ordering::Relaxed) + 1))
    };
    let got = ask(|| {
        publish_next();
        let publish_more = move || (0..values).for_each(|_| publish_next());
        before_each_access(loads, publish_more, || super::latest(&cell))
    });
    let given = |failure: Failure| {
        failure.given(text!(
            "number of values that are published before each of the first {loads} loads of the reader: {values}",
            "读者的前 {loads} 次读取，每次之前都发布 {values} 个值"
        ))
    };
    one_of(1..=count.long_word(0).load(Ordering::Relaxed), got.map_err(given)?).map_err(given)
}

/// The number of loads before each of which another thread reads.
const STOPS: usize = 16;

#[test]
fn delays_no_other_thread() {
    check("reader", cell_rule(), || {
        let file = tempfile::tempfile()?;
        file.set_len(page_size_u64())?;
        let map = |file: &File| Mapping::of_file(file.as_fd(), 0, page_size(), READ_WRITE, Sharing::Shared);
        let cell = map(&file)?;
        let (here, there, waits) = ask(|| {
            publish(&cell, value(5));
            let there = Rc::new(std::cell::RefCell::new(Vec::new()));
            let reads = {
                let there = Rc::clone(&there);
                move || {
                    // Once it has waited, it waits again.
                    if there.borrow().last() != Some(&None) {
                        let file = file.try_clone();
                        let read = move || file.ok().and_then(|file| map(&file).ok()).map(|cell| super::latest(&cell));
                        there.borrow_mut().push(in_another_thread(read));
                    }
                }
            };
            let here = before_each_access(STOPS, reads, || super::latest(&cell));
            let there = there.borrow();
            let told: Vec<Found> = there.iter().flatten().copied().flatten().collect();
            (here, told, there.contains(&None))
        })?;
        let given = |failure: Failure| {
            failure.given(text!(
                "one thread stands still before each of its loads in turn, and another thread of the process reads",
                "一个线程依次在每次读取之前停住，同一进程的另一个线程在读"
            ))
        };
        ensure(!waits, || {
            given(Failure::new(
                text!("the other thread makes no system call", "另一个线程不做任何系统调用"),
                text!(
                    "it sleeps in one until the first thread goes on, as where both need a mutex",
                    "它在系统调用里睡眠，直到第一个线程继续，例如两者要用同一个互斥锁时"
                ),
            ))
        })?;
        there.into_iter().chain([here]).try_for_each(|got| one_of(5..=5, got).map_err(given))
    });
}

#[test]
fn makes_no_system_call() {
    check("reader", cell_rule(), || {
        let cell = SharedPage::zeros()?;
        let (mut writer, mut reader) = (writer(&cell)?, reader(&cell)?);
        for _ in 0..3 {
            reader.finish::<Found>()?;
            writer.run_through::<()>()?;
        }
        calls_nothing(&reader)
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
        one_of(0..=0, nothing)?;
        one_of(5..=5, got)
    });
}

/// The writers of a history, one after the other: the value of each is its place in it, from 1 on. One of them may be
/// killed before an access or a fence (from 0 on).
#[derive(Debug, Clone, Copy)]
struct History {
    writers: usize,
    killed: Option<(usize, usize)>,
}

/// What a reader saw that it should not have seen.
#[derive(Serialize, Deserialize)]
struct Seen {
    /// The number of writers that had returned, or died, before it began.
    after: usize,
    /// What its calls returned, one after the other.
    returned: Vec<Option<[u64; 4]>>,
    /// The offset of the word that each load was from, what it found, and how many newer values there were.
    loads: Vec<(usize, u64, usize)>,
    /// Whether `publish` has used a fence of `words`.
    fence: bool,
}

/// A reader's number of calls, and how often it runs for each beginning at most: one call shows a torn value, two show
/// that a value is followed by an older one.
const READERS: [(usize, usize); 2] = [(1, 300), (2, 60)];

impl History {
    /// Whether every reader finds what it may find. Returns whether the writer to be killed has returned before that.
    fn check(self) -> Result<bool, Failure> {
        let (seen, survived) = self.play(None, 0)?;
        let Some(seen) = seen else { return Ok(survived) };
        let words = |value: Option<[u64; 4]>| match value {
            None => text!("nothing", "没有值"),
            Some(words) => text!("{words:?}", "{words:?}"),
        };
        let happened: Vec<Text> = seen.returned.iter().copied().map(words).collect();
        let happened = Text::new(
            happened.iter().map(|text| &*text.en).collect::<Vec<_>>().join(", and the next call "),
            happened.iter().map(|text| &*text.zh).collect::<Vec<_>>().join("，下一次调用得到 "),
        );
        let expected = text!(
            "a value that was published, whole, and then no older one",
            "某个发布过的值，完整无缺；之后不会得到更旧的"
        );
        let failure = Failure::new(expected, happened).given(self.in_words(&seen));
        // With the strongest orderings everywhere, is anything wrong?
        let (Some(_), _) = self.play(Some(Ordering::SeqCst), 0)? else {
            return Err(failure.shows(&belief::ORDER_IS_KEPT));
        };
        // Is a value torn by a single writer? Who keeps the next value apart from the latest knows better.
        let (seen, _) = self.play(Some(Ordering::SeqCst), self.writers - 1)?;
        let returned = seen.into_iter().flat_map(|seen| seen.returned).flatten();
        let torn =
            self.killed.is_none() && returned.into_iter().any(|words| words.iter().any(|word| *word != words[0]));
        Err(if torn { failure.shows(&belief::COPIES_ARE_ATOMIC) } else { failure })
    }

    fn in_words(self, seen: &Seen) -> Text {
        let (writers, after) = (self.writers, seen.after);
        let values: Vec<String> = (1..=writers).map(|n| format!("{:?}", [n; 4])).collect();
        let (en, zh) = (values.join(", then "), values.join("，再"));
        let killed = match self.killed {
            None => text!("", ""),
            Some((writer, step)) => text!(
                "; the writer of {:?} is killed after {step} accesses and fences",
                "；写 {:?} 的写者在 {step} 次访问（含屏障）之后被杀死",
                [writer; 4]
            ),
        };
        let begins = match after {
            0 => text!("begins before all that", "在这一切之前开始"),
            after => text!("begins after {:?}", "在 {:?} 之后开始", [after; 4]),
        };
        let loads = |newest: &str, newer: fn(usize) -> String| -> Vec<String> {
            let loads = seen.loads.iter();
            loads
                .map(|(at, value, by)| match by {
                    0 => format!("{at}: {value} ({newest})"),
                    by => format!("{at}: {value} ({})", newer(*by)),
                })
                .collect()
        };
        let loads_en = loads("the newest", |by| format!("there are {by} newer")).join(", ");
        let loads_zh = loads("最新", |by| format!("还有 {by} 个更新的")).join("，");
        let fence = if seen.fence {
            text!("", "")
        } else {
            text!(
                ". `publish` executed no fence of `mmap_workbook::words::fence`; one of std's is not seen here",
                "。`publish` 没有执行 `mmap_workbook::words::fence` 屏障；std 的屏障在这里看不见"
            )
        };
        Text::new(
            format!(
                "published: {en}{}; a reader that {} and whose loads find, by byte of the cell: {loads_en}{}",
                killed.en, begins.en, fence.en
            ),
            format!(
                "依次发布：{zh}{}；读者{}，各次读取依次得到（按单元内的字节）：{loads_zh}{}",
                killed.zh, begins.zh, fence.zh
            ),
        )
    }

    /// Plays the writers, and in every way that is within bounds readers that begin after the first `earliest` writers.
    /// Returns what is wrong, if anything is, and whether the writer to be killed returned before that.
    fn play(self, order: Option<Ordering>, earliest: usize) -> Result<(Option<Seen>, bool), Failure> {
        let cell = page_of_zeros()?;
        ask(|| {
            let mut play = Play::begin_with(order);
            let mut returned = Vec::new();
            for n in 1..=self.writers {
                let killed = self.killed.filter(|(writer, _)| *writer == n).map(|(_, step)| step);
                let wrote = play.write(killed, || publish(&cell, value(wide(n))));
                returned.push(wrote == Wrote::All);
            }
            let survived = self.killed.is_some_and(|(writer, _)| returned[writer - 1]);
            // Accesses to anything but the long words can't be played.
            let words = (0..page_size()).step_by(8).map(|at| cell.long_word(at));
            let playable = play.knows(words);
            let beginnings = (earliest..=self.writers).filter(|_| playable);
            for (after, (calls, most)) in beginnings.flat_map(|after| READERS.map(|reader| (after, reader))) {
                let last = (1..=after).rev().find(|n| returned[n - 1]).unwrap_or(0);
                let possible = |value: &Option<[u64; 4]>| match value {
                    None => last == 0,
                    Some(words) => (last.max(1)..=self.writers).any(|n| *words == [wide(n); 4]),
                };
                let fence = play.has_fence();
                let read = || -> Vec<_> { (0..calls).map(|_| super::latest(&cell)).collect() };
                let looked = play.read(after, most, read, |returned, loads| {
                    if returned.iter().all(possible) && returned.is_sorted() {
                        return Ok(());
                    }
                    let load = |load: &Load| (load.address - cell.address(), load.value, load.newer);
                    Err(Seen { after, returned, loads: loads.iter().map(load).collect(), fence })
                });
                if let Err(seen) = looked {
                    return (Some(seen), survived);
                }
            }
            (None, survived)
        })
    }
}

#[test]
fn is_whole_under_rusts_memory_model() {
    let rule = text!(
        "Rust's memory model, which is that of C++20: a load may find any value of its word that is not older than one \
         that this thread has found or knows of. It knows what was stored before a Release that an Acquire of its own \
         has met.",
        "Rust 的内存模型（即 C++20 的）：读取一个机器字，可能得到它的任何一个值，只要不比本线程读到过或知道的更旧。Acquire 遇上 \
         Release 之后，本线程就知道那个 Release 之前写入的内容。"
    );
    check("sequence_lock", rule, || {
        // With three slots, the fourth value is the first that is stored over another one.
        for writers in 1..=4 {
            History { writers, killed: None }.check()?;
        }
        // The writer before the last one is killed at each of its steps.
        for writers in [2, 3] {
            for step in 0.. {
                if (History { writers, killed: Some((writers - 1, step)) }).check()? {
                    break;
                }
            }
        }
        Ok(())
    });
}
