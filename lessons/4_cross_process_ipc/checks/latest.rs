use std::rc::Rc;

use mmap_workbook::grade::fixtures::wide;
use mmap_workbook::words::machine::{Load, Play, Wrote, before_each_access, fences_so_far, loads_so_far};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::*;

#[test]
fn is_nothing_until_something_is_published() {
    cell_check(|| {
        let cell = page_of_zeros()?;
        one_of(0..=0, ask(|| super::latest(&cell))?)?;
        ask(|| publish(&cell, [0; 4]))?;
        let got = ask(|| super::latest(&cell))?;
        ensure(got == Some([0; 4]), || {
            let got = found(got);
            Failure::new(
                text!("the reader finds four zeros, which were published", "读者得到发布过的四个零"),
                Text::new(format!("it finds {}", got.en), format!("得到{}", got.zh)),
            )
        })
    });
}

#[test]
fn is_whole_whatever_is_published_meanwhile() {
    cell_check(|| {
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
                        None if values < 2 => reader.finish().map_err(|failure| given(waited_in_a_cell(failure)))?,
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
    // Not a `cell_check`: a pointer that somebody stored in the cell may lead anywhere by now.
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
    cell_check(|| {
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
    cell_check(|| {
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
            .breaks("sequence_lock", no_call_rule())
        })?;
        there.into_iter().chain([here]).try_for_each(|got| one_of(5..=5, got).map_err(given))
    });
}

#[test]
fn makes_no_system_call() {
    cell_check(|| {
        let cell = SharedPage::zeros()?;
        let (mut writer, mut reader) = (writer(&cell)?, reader(&cell)?);
        for _ in 0..3 {
            reader.finish::<Found>()?;
            writer.run_through::<()>()?;
        }
        calls_nothing(&reader)
    });
}

#[test]
fn needs_no_more_than_to_read() {
    cell_check(|| {
        let file = tempfile::tempfile()?;
        file.set_len(page_size_u64())?;
        let map = |protection| -> Result<Mapping, Errno> {
            Mapping::of_file(file.as_fd(), 0, page_size(), protection, Sharing::Shared)
        };
        let (to_write, to_read) = (map(READ_WRITE)?, map(ProtFlags::PROT_READ)?);
        let nothing = ask(|| super::latest(&to_read))?;
        ask(|| publish(&to_write, value(5)))?;
        let got = ask(|| super::latest(&to_read))?;
        one_of(0..=0, nothing)?;
        one_of(5..=5, got)
    });
}

/// The writers of a history, one after the other: the value of each is its place in it, from 1 on. One of them may be
/// killed before an access or a fence (from 0 on).
#[derive(Debug, Clone, Copy)]
pub(super) struct History {
    writers: usize,
    killed: Option<(usize, usize)>,
}

/// What a reader saw that it should not have seen.
#[derive(Serialize, Deserialize)]
struct Seen {
    /// The number of writers that had returned, or died, before it began.
    after: usize,
    /// What its calls returned, one after the other, and how many loads there were then.
    returned: Vec<(Found, usize)>,
    /// The offset of the word that each load was from, what it found, and the newer values there.
    loads: Vec<(usize, u64, Vec<u64>)>,
    /// Whether `publish` and `latest` have used a fence of `words`.
    fences: [bool; 2],
}

/// A reader's number of calls, and how often it runs for each beginning at most: one call shows a torn value, two show
/// that a value is followed by an older one.
const READERS: [(usize, usize); 2] = [(1, 300), (2, 60)];

/// A longer list of loads is shown from here before its end.
const LOADS: usize = 24;

/// What all of this is about.
pub(super) fn memory_rule() -> Text {
    text!(
        "By Rust's memory model a load may find an older value of its word, unless its thread has found a newer one, or \
         knows of it. A thread knows of all that came before a Release which an Acquire of its own has met.",
        "按 Rust 的内存模型，读一个字可能得到较旧的值，除非本线程读到过比它新的值，或者知道有。本线程的 Acquire 遇上某个 Release，\
         就知道它之前的一切写入。"
    )
}

fn number_rule() -> Text {
    text!(
        "The slot may have a value that is whole, and newer than the announced one: returned now, it is followed by the older \
         one. So compare the number in the slot with the announced number, too.",
        "槽里的值可能是完整的，却比宣布的那个还新：现在返回了它，下一次又会返回旧的。所以槽里的编号还要与宣布的编号比较。"
    )
}

/// The function whose accesses would be right if they, and its fences, were SeqCst.
#[derive(Clone, Copy)]
enum Lacking {
    Publish,
    Latest,
    /// One is not enough, or either one is.
    Both,
}

impl Lacking {
    fn told(self, mut failure: Failure, fences: [bool; 2]) -> Failure {
        let (function, rule) = match self {
            Lacking::Publish => (
                text!("`publish`", "`publish`"),
                text!(
                    "A Release store keeps earlier stores before it, and lets later ones move up past it; fence(Release) in \
                     between keeps those after it.",
                    "Release 写入不让前面的写入移到它后面，却拦不住后面的写入提前；中间放一道 fence(Release) 才拦得住。"
                ),
            ),
            Lacking::Latest => (
                text!("`latest`", "`latest`"),
                text!(
                    "An Acquire load keeps later loads after it, and lets earlier ones move down past it; fence(Acquire) in \
                     between keeps those before it.",
                    "Acquire 读取不让后面的读取移到它前面，却拦不住前面的读取推后；中间放一道 fence(Acquire) 才拦得住。"
                ),
            ),
            Lacking::Both => (
                text!("`publish` or `latest`", "`publish` 或 `latest`"),
                text!("Release and Acquire work as a pair.", "Release 和 Acquire 要成对使用。"),
            ),
        };
        // A fence of std's is none here.
        let none = match (self, fences) {
            (Lacking::Publish, [publish, _]) => !publish,
            (Lacking::Latest, [_, latest]) => !latest,
            (Lacking::Both, fences) => fences == [false; 2],
        };
        let fence = match none {
            true => text!(
                " No `mmap_workbook::words::fence` was executed in {function}; one of std's is not seen here.",
                "{function} 没有执行过 `mmap_workbook::words::fence`；std 的屏障在这里看不见。";
                function
            ),
            false => text!("", ""),
        };
        let (happened, memory) = (failure.happened, memory_rule());
        failure.happened = text!(
            "the mistake is in {function}: an ordering is too weak, or a fence is missing. The reader finds {happened}; \
             with SeqCst for everything there it would not.{fence}",
            "错在 {function}：有内存序太弱，或者缺少屏障。读者得到{happened}；假如那里的内存序全是 SeqCst，就不会这样。{fence}";
            happened, function, fence
        );
        let rule = text!("{memory} {rule}", "{memory}{rule}"; memory, rule);
        failure.shows(&belief::ORDER_IS_KEPT).breaks("sequence_lock", rule)
    }
}

impl History {
    /// Checks each history that matters. `check` returns whether the writer to be killed has returned before that.
    pub(super) fn each(check: impl Fn(History) -> Result<bool, Failure>) -> Result<(), Failure> {
        // With three slots, the fourth value is the first that is stored over another one.
        for writers in 1..=4 {
            check(History { writers, killed: None })?;
        }
        // The writer before the last one is killed at each of its steps.
        for writers in [2, 3] {
            for step in 0.. {
                if check(History { writers, killed: Some((writers - 1, step)) })? {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Whether every reader finds what it may find. Returns whether the writer to be killed has returned before that.
    fn check(self) -> Result<bool, Failure> {
        let (seen, survived) = self.play([false; 2], 0)?;
        let Some(seen) = seen else { return Ok(survived) };
        // With the strongest orderings everywhere, is anything wrong?
        if self.play([true; 2], 0)?.0.is_none() {
            let [publish, latest] = [[true, false], [false, true]].map(|strong| self.play(strong, 0));
            let lacking = match (publish?.0, latest?.0) {
                // The check of `publish` says so.
                (None, Some(_)) => return Ok(survived),
                (Some(_), _) => Lacking::Latest,
                (None, None) => Lacking::Both,
            };
            return Err(lacking.told(self.failure(&seen), seen.fences));
        }
        let failure = self.failure(&seen);
        let whole = |value: &Found| value.is_some_and(|words| words.iter().all(|word| *word == words[0]));
        let values = seen.returned.iter().map(|(value, _)| value);
        let went_back = self.killed.is_none() && values.clone().all(whole) && !values.is_sorted();
        // Is a value torn by a single writer? Who keeps the next value apart from the latest knows better.
        let (seen, _) = self.play([true; 2], self.writers - 1)?;
        let returned = seen.into_iter().flat_map(|seen| seen.returned).filter_map(|(value, _)| value);
        let torn =
            self.killed.is_none() && returned.into_iter().any(|words| words.iter().any(|word| *word != words[0]));
        let rule = if went_back { number_rule() } else { cell_rule() };
        let failure = failure.breaks("sequence_lock", rule);
        Err(if torn { failure.shows(&belief::COPIES_ARE_ATOMIC) } else { failure })
    }

    /// The same, of what `publish` asks for: all that `latest` does is SeqCst.
    pub(super) fn check_publish(self) -> Result<bool, Failure> {
        let (seen, survived) = match self.play([false, true], 0) {
            Err(failure) if failure.verdict != Verdict::Todo => return Ok(true),
            played => played?,
        };
        let Some(seen) = seen else { return Ok(survived) };
        // What is no matter of orderings, other checks say.
        if self.play([true; 2], 0)?.0.is_some() {
            return Ok(survived);
        }
        Err(Lacking::Publish.told(self.failure(&seen), seen.fences))
    }

    fn failure(self, seen: &Seen) -> Failure {
        let happened: Vec<Text> = seen.returned.iter().map(|(value, _)| found(*value)).collect();
        let happened = Text::new(
            happened.iter().map(|text| &*text.en).collect::<Vec<_>>().join(", and the next call "),
            happened.iter().map(|text| &*text.zh).collect::<Vec<_>>().join("，下一次调用得到 "),
        );
        let expected = text!(
            "a value that was published, whole, and then no older one",
            "某个发布过的值，完整无缺；之后不会得到更旧的"
        );
        Failure::new(expected, happened).given(self.in_words(seen))
    }

    /// The counterexample, an event a line.
    fn in_words(self, seen: &Seen) -> Text {
        let mut lines: Vec<Text> = (1..=self.writers)
            .map(|n| match self.killed {
                Some((writer, step)) if writer == n => text!(
                    "publish({:?}), killed after {step} accesses and fences",
                    "publish({:?})，{step} 次访问（含屏障）之后被杀死",
                    [n; 4]
                ),
                _ => text!("publish({:?})", "publish({:?})", [n; 4]),
            })
            .collect();
        let mut from = 0;
        for (nth, (value, to)) in seen.returned.iter().enumerate() {
            lines.push(match (nth, seen.after) {
                (0, 0) => text!("latest, at the same time as all that, loads:", "latest 与这一切同时运行，依次读到："),
                (0, after) => text!(
                    "latest begins when publish({:?}) is over, and loads:",
                    "latest 在 publish({:?}) 结束之后开始，依次读到：",
                    [after; 4]
                ),
                _ => text!("latest is called again, and loads:", "再次调用 latest，依次读到："),
            });
            let loads = &seen.loads[from..*to];
            from = *to;
            if loads.len() > LOADS {
                lines.push(text!("  ...", "  ……"));
            }
            lines.extend(loads[loads.len().saturating_sub(LOADS)..].iter().map(|(at, value, newer)| {
                let list = |comma: &str| newer.iter().map(u64::to_string).collect::<Vec<_>>().join(comma);
                let (en, zh) = (list(", "), list("、"));
                match newer.len() {
                    0 => text!("  byte {at}: {value}, the newest", "  第 {at} 字节：{value}（最新）"),
                    _ => text!("  byte {at}: {value} (newer: {en})", "  第 {at} 字节：{value}（较新的值还有 {zh}）"),
                }
            }));
            let value = found(*value);
            lines.push(text!("  and returns {value}", "  返回 {value}"; value));
        }
        let join = |language: fn(&Text) -> &str| lines.iter().map(language).collect::<Vec<_>>().join("\n");
        Text::new(join(|text| &text.en), join(|text| &text.zh))
    }

    /// Plays the writers, and in every way that is within bounds readers that begin after the first `earliest` writers;
    /// all that `publish` and `latest` do is SeqCst where `strong` says so.
    /// Returns what is wrong, if anything is, and whether the writer to be killed returned before that.
    fn play(self, strong: [bool; 2], earliest: usize) -> Result<(Option<Seen>, bool), Failure> {
        let [publish_order, latest_order] = strong.map(|strong| strong.then_some(Ordering::SeqCst));
        let cell = page_of_zeros()?;
        ask(|| {
            let mut play = Play::begin();
            play.order_all(publish_order);
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
            let fences = fences_so_far();
            play.order_all(latest_order);
            for (after, (calls, most)) in beginnings.flat_map(|after| READERS.map(|reader| (after, reader))) {
                let last = (1..=after).rev().find(|n| returned[n - 1]).unwrap_or(0);
                let possible = |value: &Found| match value {
                    None => last == 0,
                    Some(words) => (last.max(1)..=self.writers).any(|n| *words == [wide(n); 4]),
                };
                let read = || -> Vec<_> { (0..calls).map(|_| (super::latest(&cell), loads_so_far())).collect() };
                let looked = play.read(after, most, read, |returned, loads| {
                    let values = returned.iter().map(|(value, _)| value);
                    if values.clone().all(possible) && values.is_sorted() {
                        return Ok(());
                    }
                    let load = |load: &Load| (load.address - cell.address(), load.value, load.newer.clone());
                    let fences = [fences > 0, fences_so_far() > fences];
                    Err(Seen { after, returned, loads: loads.iter().map(load).collect(), fences })
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
    check("sequence_lock", memory_rule(), || History::each(History::check));
}
