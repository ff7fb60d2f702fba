use std::io::{Seek, SeekFrom};

use super::*;

/// What was chosen, as a child can send it: the sum, the times of the rounds, and whether to map.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Chosen {
    sum: u64,
    read: Vec<Duration>,
    mapped: Vec<Duration>,
    map: bool,
}

impl Chosen {
    /// What the times say.
    fn should_map(&self) -> bool {
        self.mapped.iter().zip(&self.read).all(|(mapped, read)| mapped < read)
    }

    /// Whether this way is the slower one in each round, and altogether the one that is most often.
    fn is_slower(&self, ways: [Went; 3]) -> bool {
        let is_mapping = |way| way == Went::Mapped;
        let in_rounds = self.mapped.iter().zip(&self.read).map(|(mapped, read)| mapped > read);
        let altogether = self.mapped.iter().sum::<Duration>() > self.read.iter().sum();
        in_rounds.eq(ways.map(is_mapping))
            && altogether == (ways.into_iter().filter(|way| is_mapping(*way)).count() > 1)
    }
}

type Answer = Result<Chosen, String>;

fn chosen(file: &File, rounds: usize) -> Answer {
    let Choice { sum, read, mapped, map } = super::choose(file, rounds).map_err(kind)?;
    Ok(Chosen { sum, read, mapped, map })
}

fn words(size: usize, rounds: usize) -> Text {
    text!("a file of {size} bytes, {rounds} rounds", "文件有 {size} 字节，{rounds} 轮")
}

/// The same, with the descriptor's position.
fn words_from(position: u64, words: &Text) -> Text {
    text!(
        "{words}; the descriptor's position is {position}",
        "{words}；描述符的当前位置是 {position}";
        words
    )
}

fn adds_up(case: &(usize, usize)) -> Result<(), Failure> {
    adds_up_from(0, case)
}

/// While the descriptor's position is this one.
fn adds_up_from(position: u64, (size, rounds): &(usize, usize)) -> Result<(), Failure> {
    let (answer, before, after, still_mapped) = in_child(|| {
        let mut file = file_of(*size)?;
        file.seek(SeekFrom::Start(position))?;
        let before = open_descriptors()?;
        Ok((chosen(&file, *rounds), before, open_descriptors()?, mapped()?))
    })?;
    let Chosen { sum, read, mapped, .. } = no_error(answer)?;
    let wanted: u64 = pattern(*size).into_iter().map(u64::from).sum();
    ensure(sum == wanted, || Failure::new(text!("the sum {wanted}", "和为 {wanted}"), text!("{sum}", "{sum}")))?;
    let (reads, mappings) = (read.len(), mapped.len());
    ensure(reads == *rounds && mappings == *rounds, || {
        Failure::new(
            text!("read and mapped have {rounds} times each", "read 和 mapped 各有 {rounds} 个时间"),
            text!("read has {reads}, mapped {mappings}", "read 有 {reads} 个，mapped 有 {mappings} 个"),
        )
    })?;
    nothing_left(still_mapped, [before, after])
}

fn sizes() -> Vec<(usize, usize)> {
    let page = page_size();
    vec![(1, 1), (3 * page + 10, 2), (page, 3), (page - 1, 1), (page + 1, 4)]
}

fn works() -> Result<bool, Failure> {
    knows_the_basics(sizes().iter().try_for_each(adds_up))
}

#[test]
fn adds_up_the_bytes_in_each_round() {
    let rule = text!(
        "Only ways that do the same can be compared: each of them looks at each byte of the file, and no byte past its end.",
        "做同样的事，才能比较：每种方式都读文件的每个字节，不读文件末尾之后的字节。"
    );
    check("ways", rule, || {
        for_each(sizes(), |(size, rounds)| words(*size, *rounds), adds_up)?;
        let (size, rounds) = (2 * page_size(), 2);
        for_each([7, wide(size)], |at| words_from(*at, &words(size, rounds)), |at| adds_up_from(*at, &(size, rounds))).map_err(
            |failure| {
                failure.breaks(
                    "ways",
                    text!(
                        "read(2): it begins at the descriptor's position, wherever that was left. pread(2) is told where.",
                        "read(2)：从描述符的当前位置开始，而这个位置可能在任何地方。pread(2) 由参数指定从哪里读。"
                    ),
                )
            },
        )
    });
}

#[test]
fn there_is_something_to_measure() {
    let rule = text!(
        "mmap(2): EINVAL for a length of 0: an empty file can't be mapped. No rounds say nothing.",
        "mmap(2)：长度为 0 返回 EINVAL，空文件不能映射。零轮什么也说明不了。"
    );
    check("6:length_zero", rule, || {
        if !works()? {
            return Ok(());
        }
        let refuses = |(size, rounds): &(usize, usize)| {
            let answer = in_child(|| Ok(chosen(&file_of(*size)?, *rounds)))?;
            refused(&answer, &["EINVAL", "InvalidInput"])
        };
        for_each([(0, 1), (10, 0), (0, 0)], |(size, rounds)| words(*size, *rounds), refuses)?;
        let answer = in_child(|| Ok(chosen(&opened(&file_of(10)?, OpenOptions::new().write(true))?, 1)))?;
        refused(&answer, &["EBADF", "EACCES", "PermissionDenied"])
            .map_err(|failure| failure.given(text!("a file that is open for writing only", "文件只能写，不能读")))
    });
}

/// A way in which a call has gone through the file.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Went {
    Read,
    Mapped,
}

/// Follows the calls: when has all of the file been read, when mapped?
#[derive(Debug, Default)]
struct Watcher {
    went: Vec<Went>,
    read: u64,
    /// Whether the end of the file was found after the last pass by read(2).
    is_at_end: bool,
    /// The number of the first pass by read(2) that got no byte, since the descriptor's position was at the end; from 0 on.
    got_nothing: Option<usize>,
    /// Where the file is mapped.
    places: Vec<u64>,
}

/// What a call is about to do.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Step {
    BeginsToRead,
    Maps,
    Unmaps,
    Other,
}

impl Watcher {
    fn is_read(number: i64) -> bool {
        [libc::SYS_read, libc::SYS_pread64, libc::SYS_readv, libc::SYS_preadv, libc::SYS_preadv2].contains(&number)
    }

    /// Notes what a call has done.
    fn note(&mut self, call: &FileCall, file: FileId, size: u64) {
        let Call { number, arguments: [_, length, ..], answer } = call.call;
        if Watcher::is_read(number) && call.names(0, file) && answer > 0 {
            self.read += answer.cast_unsigned();
            self.is_at_end = false;
            if self.read >= size {
                self.read = 0;
                self.went.push(Went::Read);
            }
        } else if [libc::SYS_read, libc::SYS_readv].contains(&number) && call.names(0, file) && answer == 0 {
            // The first one after the last byte ends a pass.
            let ends = self.read == 0 && !self.is_at_end && self.went.last() == Some(&Went::Read);
            if !ends {
                let reads = self.went.iter().filter(|went| **went == Went::Read).count();
                self.got_nothing.get_or_insert(reads);
            }
            self.is_at_end = true;
        } else if number == libc::SYS_mmap && call.names(4, file) && answer >= 0 && length >= size {
            self.places.push(answer.cast_unsigned());
            self.went.push(Went::Mapped);
        }
    }

    /// What this call is about to do, after those that were noted.
    fn step(&self, call: &FileCall, file: FileId) -> Step {
        let Call { number, arguments: [address, ..], .. } = call.call;
        if Watcher::is_read(number) && call.names(0, file) && self.read == 0 {
            Step::BeginsToRead
        } else if number == libc::SYS_mmap && call.names(4, file) {
            Step::Maps
        } else if number == libc::SYS_munmap && self.places.contains(&address) {
            Step::Unmaps
        } else {
            Step::Other
        }
    }
}

/// Calls it, holding up the calls for which `slow` says so, by at least [`HELD_UP`]. The result is the answer, how long the
/// call took, and how it went through the file.
fn watched(
    size: usize,
    rounds: usize,
    slow: impl Fn(Step, &[Went]) -> bool,
) -> Result<(Answer, Duration, Watcher), Failure> {
    let file = file_of(size)?;
    let id = FileId::of(&file)?;
    let act = || {
        let began = Instant::now();
        (chosen(&file, rounds), began.elapsed())
    };
    let (mut watcher, mut noted) = (Watcher::default(), 0);
    let seen = watch_each(act, |before, call| {
        before[noted..].iter().for_each(|call| watcher.note(call, id, wide(size)));
        noted = before.len();
        if slow(watcher.step(call, id), &watcher.went) {
            let began = Instant::now();
            while began.elapsed() < HELD_UP {
                std::thread::yield_now();
            }
        }
        Ok(false)
    })?;
    seen.calls[noted..].iter().for_each(|call| watcher.note(call, id, wide(size)));
    let (answer, took) = seen.answer;
    Ok((answer, took, watcher))
}

/// How much of the mapping that begins at this address is resident in a process, in KiB.
fn resident_in(process: Pid, address: u64) -> std::io::Result<u64> {
    let text = std::fs::read_to_string(format!("/proc/{process}/smaps"))?;
    let mut lines = text.lines().skip_while(|line| !line.starts_with(&format!("{address:x}-")));
    let kib = lines.find_map(|line| line.strip_prefix("Rss:")?.trim().strip_suffix(" kB")?.parse().ok());
    kib.ok_or(std::io::ErrorKind::InvalidData.into())
}

const HELD_UP: Duration = Duration::from_millis(5);

fn fair() -> Text {
    text!(
        "The first way pays for what both need; what grows meanwhile favours the first, what warms up the last. So each way goes \
         first as often, and something goes before both.",
        "先做的那种替两种方式付了准备的代价；其间变慢的有利于先做的，变快的有利于后做的。所以两种方式轮流在先，开始之前还要先空跑一遍。"
    )
}

#[test]
fn a_mapping_is_gone_through() {
    let rule = text!(
        "mmap(2) copies nothing and reads nothing: a page is paid for when it is first touched. Without that, a mapping seems free.",
        "mmap(2) 不复制，也不读取：一页第一次被访问时才付出代价。不访问，映射看起来就是免费的。"
    );
    check("count", rule, || {
        if !works()? {
            return Ok(());
        }
        let (size, rounds) = (64 * page_size(), 2);
        let file = file_of(size)?;
        let id = FileId::of(&file)?;
        let (mut watcher, mut noted, mut least) = (Watcher::default(), 0, None);
        let seen = watch_each(
            || chosen(&file, rounds).map(drop),
            |before, call| {
                before[noted..].iter().for_each(|call| watcher.note(call, id, wide(size)));
                noted = before.len();
                if watcher.step(call, id) == Step::Unmaps {
                    let resident = resident_in(call.process(), call.call.arguments[0])? << 10;
                    least = Some(least.map_or(resident, |least: u64| least.min(resident)));
                }
                Ok(false)
            },
        )?;
        no_error(seen.answer).map_err(|failure| failure.given(words(size, rounds)))?;
        // That there are mappings, another check says.
        let least = least.unwrap_or(wide(size));
        ensure(least == wide(size), || {
            Failure::new(
                text!(
                    "all {size} bytes of a mapping are resident before munmap(2)",
                    "munmap(2) 之前，映射的 {size} 字节全都在页表里"
                ),
                text!("{least} bytes are", "只有 {least} 字节"),
            )
            .given(words(size, rounds))
        })
    });
}

#[test]
fn the_ways_take_turns_in_going_first() {
    check("compare", fair(), || {
        if !works()? {
            return Ok(());
        }
        for (size, rounds) in [(10, 1), (page_size() + 10, 4)] {
            let (answer, _, Watcher { went, got_nothing, .. }) = watched(size, rounds, |_, _| false)?;
            no_error(answer).map_err(|failure| failure.given(words(size, rounds)))?;
            let wanted: Vec<Went> = (0..rounds)
                .flat_map(|round| match round % 2 {
                    0 => [Went::Read, Went::Mapped],
                    _ => [Went::Mapped, Went::Read],
                })
                .collect();
            let first = went.len().saturating_sub(wanted.len());
            ensure(first == 1 && went[first..] == wanted, || {
                let happened = match got_nothing {
                    None => text!("{went:?}", "{went:?}"),
                    Some(n) => text!(
                        "{went:?}; in pass {n} by read(2) (from 0 on) the first call returned 0 bytes, since the descriptor's \
                         position was at the end of the file",
                        "{went:?}；第 {n} 遍 read(2)（从 0 数起）一开始就返回 0 字节，因为描述符的当前位置已在文件末尾"
                    ),
                };
                Failure::new(
                    text!("either way once, and then {wanted:?}", "先任选一种方式一遍，然后依次 {wanted:?}"),
                    happened,
                )
                .given(words(size, rounds))
            })?;
        }
        Ok(())
    });
}

#[test]
fn a_time_is_that_of_all_calls() {
    let rule = text!(
        "A mapping is paid for by mmap(2), by the faults and by munmap(2): what is left out of the time is not free. A time is \
         that of the way it is named after, whichever goes first in its round.",
        "映射的代价包括 mmap(2)、缺页和 munmap(2)：没有计入时间的，并不是免费的。不管这一轮哪种方式在先，时间都要记在它自己的名下。"
    );
    check("compare", rule, || {
        if !works()? {
            return Ok(());
        }
        let (size, rounds) = (10, 2);
        let steps = [
            (Step::BeginsToRead, text!("the first read(2) of the file", "每遍的第一次 read(2)")),
            (Step::Maps, text!("mmap(2) of the file", "对文件的 mmap(2)")),
            (Step::Unmaps, text!("munmap(2) of the file", "对文件的 munmap(2)")),
        ];
        for (held_up, call) in steps {
            let (answer, took, _) = watched(size, rounds, |step, _| step == held_up)?;
            let given = || {
                let words = words(size, rounds);
                text!("{words}; {call} takes {HELD_UP:?} at least", "{words}；{call} 至少要 {HELD_UP:?}"; words, call)
            };
            let chosen = no_error(answer).map_err(|failure| failure.given(given()))?;
            for (round, (read, mapped)) in chosen.read.iter().zip(&chosen.mapped).enumerate() {
                let (time, of) = if held_up == Step::BeginsToRead { (read, "read") } else { (mapped, "mapped") };
                let first = if round % 2 == 0 { text!("read(2)", "read(2) ") } else { text!("the mapping", "映射") };
                ensure(*time >= HELD_UP, || {
                    Failure::new(
                        text!(
                            "{of}[{round}] is {HELD_UP:?} or more; in round {round} (from 0 on) {first} goes first",
                            "{of}[{round}] 不少于 {HELD_UP:?}；第 {round} 轮（从 0 数起）{first}在先";
                            first
                        ),
                        text!(
                            "read[{round}] is {read:?}, mapped[{round}] is {mapped:?}",
                            "read[{round}] 是 {read:?}，mapped[{round}] 是 {mapped:?}"
                        ),
                    )
                    .given(given())
                })?;
            }
            let sum: Duration = chosen.read.iter().chain(&chosen.mapped).sum();
            ensure(sum <= took, || {
                Failure::new(
                    text!(
                        "all times together are at most that of the call, {took:?}",
                        "所有时间之和不超过调用的时间 {took:?}"
                    ),
                    text!("{sum:?}", "{sum:?}"),
                )
                .given(given())
            })?;
        }
        Ok(())
    });
}

#[test]
fn the_times_decide() {
    let rule = text!(
        "Times differ from round to round. What wins in one round, or on the average, may have had luck.",
        "每一轮的时间都不一样。只赢一轮，或者平均值占优，也许只是运气。"
    );
    check("compare", rule, || {
        if !works()? {
            return Ok(());
        }
        let (size, rounds) = (10, 3);
        let given = |who: &Text| {
            let words = words(size, rounds);
            text!("{words}; held up are {who}", "{words}；被拖慢的是{who}"; words, who)
        };
        // `held_up` says of each round which way is.
        let decides = |who: &Text, held_up: [Went; 3]| {
            let slow = |step, went: &[Went]| {
                // The first pass is not that of a round.
                let round = went.len().checked_sub(1).map(|passes| passes / 2);
                let way = round.and_then(|round| held_up.get(round));
                matches!((step, way), (Step::Maps, Some(Went::Mapped)) | (Step::BeginsToRead, Some(Went::Read)))
            };
            let mut chosen;
            let mut tries = 0;
            // What else the machine does may take longer still: not each time, though.
            loop {
                chosen = no_error(watched(size, rounds, slow)?.0).map_err(|failure| failure.given(given(who)))?;
                tries += 1;
                if chosen.is_slower(held_up) || tries == 20 {
                    break;
                }
            }
            let (wanted, Chosen { read, mapped, map, .. }) = (chosen.should_map(), &chosen);
            ensure(*map == wanted, || {
                let failure = Failure::new(
                    text!(
                        "map is {wanted}: read {read:?}, mapped {mapped:?}",
                        "map 为 {wanted}：read {read:?}，mapped {mapped:?}"
                    ),
                    text!("{map}", "{map}"),
                )
                .given(given(who));
                if *map && held_up == [Went::Mapped; 3] { failure.shows(&belief::MAPPING_IS_FASTER) } else { failure }
            })
        };
        decides(&text!("the mappings", "所有映射"), [Went::Mapped; 3])?;
        decides(&text!("the reads", "所有读取"), [Went::Read; 3])?;
        // Not round 1: there a last read, which finds the end of the file, is taken for the next round's.
        for odd in [0, 2] {
            let who = text!(
                "the mapping in round {odd} (from 0 on), the reads in the others",
                "第 {odd} 轮（从 0 数起）的映射，其余各轮的读取"
            );
            let mut held_up = [Went::Read; 3];
            held_up[odd] = Went::Mapped;
            decides(&who, held_up)?;
        }
        Ok(())
    });
}
