use super::*;

/// What a body does with a byte of the mapping.
#[derive(Debug, Clone, Copy)]
enum Access {
    /// Loads it; if the file has that byte, write(2) puts a new value there just before.
    Load(usize),
    /// Stores a new value, and reads it back from the file, or from the mapping if the file does not have that byte.
    Store(usize),
}

impl Access {
    fn at(self) -> usize {
        match self {
            Access::Load(at) | Access::Store(at) => at,
        }
    }

    fn in_words(&self) -> Text {
        match self {
            Access::Load(at) => text!("a load at {at}", "读 {at}"),
            Access::Store(at) => text!("a store at {at}", "写 {at}"),
        }
    }
}

fn joined(texts: &[Text], between: &str, in_one: impl Fn(&Text) -> &str) -> String {
    texts.iter().map(in_one).collect::<Vec<_>>().join(between)
}

/// Bytes as a list of numbers.
fn listed(bytes: &[u8]) -> String {
    bytes.iter().map(u8::to_string).collect::<Vec<_>>().join(", ")
}

#[derive(Debug, Clone)]
struct Case {
    size: usize,
    length: usize,
    accesses: Vec<Access>,
    blocked: bool,
}

impl Case {
    fn in_words(&self) -> Text {
        let Case { size, length, accesses, blocked } = self;
        let (en, zh) = if *blocked { (", with SIGBUS blocked", "，SIGBUS 被阻塞") } else { ("", "") };
        let accesses: Vec<Text> = accesses.iter().map(Access::in_words).collect();
        let (size, length) = (bytes_in_words(size), bytes_in_words(length));
        Text::new(
            format!("a file of {}, {} mapped{en}; {}", size.en, length.en, joined(&accesses, ", then ", |t| &t.en)),
            format!("{}的文件，映射 {}{zh}；依次为：{}", size.zh, length.zh, joined(&accesses, "、", |t| &t.zh)),
        )
    }

    /// Runs it in this process: the result, what the body saw, and how many bytes were mapped.
    fn run(&self, file: &File, guard: &Guard) -> Result<(String, Vec<u8>, usize), String> {
        if self.blocked {
            SigSet::from(Signal::SIGBUS).thread_block().map_err(error_text)?;
        }
        let before = action().map_err(error_text)?;
        let mut seen = Vec::new();
        let mut mapped = 0;
        let answer = super::survive(file, self.length, |mapping| {
            guard.note(before, self.blocked);
            mapped = mapping.range().len();
            seen = self.access(mapping, file);
            "the body's answer"
        });
        Ok((format!("{answer:?}"), seen, mapped))
    }

    /// The accesses, and what they show.
    fn access(&self, mapping: &Mapping, file: &File) -> Vec<u8> {
        let seen = (1..).zip(&self.accesses).map(|(value, access)| {
            let (at, in_file) = (access.at(), access.at() < self.size);
            let byte = match access {
                Access::Load(_) if in_file => file.write_all_at(&[value], wide(at)).map(|()| mapping.load(at)),
                Access::Load(_) => Ok(mapping.load(at)),
                Access::Store(_) => {
                    mapping.store(at, value);
                    let mut byte = [mapping.load(at)];
                    if in_file { file.read_exact_at(&mut byte, wide(at)).map(|()| byte[0]) } else { Ok(byte[0]) }
                }
            };
            byte.unwrap_or(u8::MAX)
        });
        seen.collect()
    }

    /// What is right: the answer, what the body sees, and what the file has afterwards.
    fn expected(&self) -> (String, Vec<u8>, Vec<u8>) {
        let Case { size, length, accesses, .. } = self;
        let missed = accesses.iter().find(|access| rule(wide(*size), 0, *length, access.at()) == Some(Cause::NoPage));
        let answer = match missed {
            Some(access) => format!("Err(Page({}))", access.at() / page_size()),
            None => "Ok(\"the body's answer\")".to_owned(),
        };
        let (mut file, mut past_the_end) = (pattern(*size), std::collections::BTreeMap::new());
        let mut seen = Vec::new();
        for (value, access) in (1..).zip(accesses) {
            match (access, file.get_mut(access.at())) {
                (_, Some(byte)) => *byte = value,
                (Access::Store(at), None) => _ = past_the_end.insert(at, value),
                (Access::Load(_), None) => {}
            }
            let at = access.at();
            seen.push(file.get(at).copied().unwrap_or_else(|| past_the_end.get(&at).copied().unwrap_or(0)));
        }
        (answer, seen, file)
    }
}

fn cases() -> impl Strategy<Value = Case> {
    let accesses = proptest::collection::vec((near_page_boundaries(), any::<bool>()), 1..5);
    (near_page_boundaries(), near_page_boundaries(), accesses, any::<bool>()).prop_map(
        |(size, length, accesses, blocked)| {
            let length = length.max(1);
            let mapped = length.next_multiple_of(page_size());
            let access = |(at, store): (usize, bool)| {
                if store { Access::Store(at % mapped) } else { Access::Load(at % mapped) }
            };
            Case { size, length, accesses: accesses.into_iter().map(access).collect(), blocked }
        },
    )
}

/// What stood between the body and a bus error when the body began, in memory that outlives the child.
struct Guard(Mapping);

impl Guard {
    const NONE: u8 = 1;
    const IGNORED: u8 = 2;
    const BLOCKED: u8 = 3;
    const HANDLER: u8 = 4;

    fn new() -> Result<Guard, Failure> {
        Ok(Guard(Mapping::anonymous(1, READ_WRITE, Sharing::Shared)?))
    }

    /// Called by the body; `before` and `blocked` are the action and the mask from before.
    fn note(&self, before: Action, blocked: bool) {
        let blocks = SigSet::thread_get_mask().is_ok_and(|mask| mask.contains(Signal::SIGBUS));
        let now = match action() {
            Ok(now) if now.handler == libc::SIG_IGN => Guard::IGNORED,
            _ if blocks && !blocked => Guard::BLOCKED,
            Ok(now) if now == before => Guard::NONE,
            _ => Guard::HANDLER,
        };
        self.0.store(0, now);
    }

    /// The way it died, with this, shows what the answer relied on. A panic that leaves a handler is SIGABRT.
    fn and_why(&self, case: &Case, failure: Failure) -> Failure {
        let blocked = case.blocked;
        match (failure.signal.as_deref(), self.0.load(0)) {
            (Some("SIGBUS"), Guard::NONE) if sets_an_action() => failure.breaks(
                "reporting_handler",
                text!(
                    "no handler of yours was in force during the body: what undoes something in its `Drop` is dropped at \
                     once by `let _ = ...`, and at the end of the block by `let _guard = ...`",
                    "body 运行期间，你的处理函数并没有生效。靠 `Drop` 恢复原状的值，写成 `let _ = ...`，当场就析构；写成 \
                     `let _guard = ...`，到代码块末尾才析构"
                ),
            ),
            (Some("SIGBUS"), Guard::NONE) => completes_with_a_page_only(failure.shows(&belief::FAULT_CAN_BE_CAUGHT)),
            (Some("SIGBUS"), Guard::IGNORED | Guard::BLOCKED) => {
                completes_with_a_page_only(failure.shows(&belief::SIGBUS_CAN_BE_IGNORED))
            }
            (Some("SIGBUS"), Guard::HANDLER) if blocked => failure.breaks(
                "reporting_handler",
                text!(
                    "pthread_sigmask(3): in a thread that has the signal of a fault blocked, no handler for it runs, and \
                     the fault kills",
                    "pthread_sigmask(3)：线程阻塞了某个信号，它的处理函数就没有机会运行；此时访问出错，进程被杀死"
                ),
            ),
            (Some("SIGBUS"), Guard::HANDLER) if case.accesses.iter().any(|access| access.at() >= case.length) => {
                maps_whole_pages(failure)
            }
            (Some("SIGABRT"), Guard::HANDLER) => {
                does_what_is_safe(failure.shows(&belief::HANDLER_IS_LIKE_ANY_FUNCTION))
            }
            _ => failure,
        }
    }
}

/// Whether it ever calls sigaction(2) to set an action for SIGBUS.
fn sets_an_action() -> bool {
    let sigbus = u64::from(libc::SIGBUS.unsigned_abs());
    let sets =
        |call: &Call| call.number == libc::SYS_rt_sigaction && call.arguments[0] == sigbus && call.arguments[1] != 0;
    let calls = named_file(&pattern(10)).map_err(Failure::from).and_then(|(_directory, _, file)| {
        let act = |()| {
            let _ = super::survive(&file, page_size(), |mapping| mapping.load(9));
            Ok(())
        };
        calls_of(|| Ok(()), act)
    });
    calls.is_ok_and(|calls| calls.iter().any(sets))
}

/// The rule for whoever ignores the signal, blocks it, or tries to catch it.
fn completes_with_a_page_only(failure: Failure) -> Failure {
    failure.breaks(
        "attempts",
        text!(
            "an access that finds no page can't complete: without a handler that runs, SIGBUS kills the process",
            "访问找不到页就无法完成：没有处理函数能够运行，进程就被 SIGBUS 杀死"
        ),
    )
}

/// The rule for the addresses past the length.
fn maps_whole_pages(failure: Failure) -> Failure {
    failure.breaks(
        "rule",
        text!(
            "mmap(2) maps whole pages: the addresses past the length, up to the end of the page, belong to the mapping",
            "mmap(2) 以整页为单位建立映射：长度之后直到页尾的地址也属于这个映射"
        ),
    )
}

/// The rule for all pages but the missing one.
fn shows_the_file(failure: Failure) -> Failure {
    failure.breaks(
        "3:matrix",
        text!(
            "MAP_SHARED: loads see what is written to the file, and stores reach it; only the page that was missing has \
             become one of zeros",
            "MAP_SHARED：读得到写进文件的内容，写也会进入文件；换成零页的只有缺失的那一页"
        ),
    )
}

/// The rule for what runs in the handler.
fn does_what_is_safe(failure: Failure) -> Failure {
    failure.breaks(
        "reporting_handler",
        text!(
            "signal-safety(7): a handler takes no lock and allocates nothing, and a panic can't leave it",
            "signal-safety(7)：处理函数里不能加锁、不能分配内存，panic 也无法从中展开出去"
        ),
    )
}

/// The rule for a fault that comes again.
fn meets_the_action_that_is_set(failure: Failure) -> Failure {
    failure.breaks(
        "reporting_handler",
        text!(
            "the access is repeated when the handler returns: without a page it faults again, under the action that is \
             set by then",
            "处理函数返回后，访问会重新执行：那里仍没有页，就再次出错，由那时的处置方式接手"
        ),
    )
}

/// The rule for a signal that was sent.
fn is_raised_again(failure: Failure) -> Failure {
    failure.breaks(
        "reporting_handler",
        text!(
            "kill(2): a SIGBUS that was sent (si_code is 0 or less) has no address and doesn't come again by itself: who \
             hands it on raises it anew, under the action from before",
            "kill(2)：发来的 SIGBUS（si_code 小于等于 0）没有地址，也不会自己重来：要转交，就得先设回先前的处置方式，再发一次"
        ),
    )
}

#[test]
fn returns_the_result_or_the_first_missing_page() {
    let law = text!(
        "sigaction(2): the handler of a fault gets si_addr; when it returns, the same instruction runs again",
        "sigaction(2)：访问出错时，处理函数能从 si_addr 得到地址；处理函数返回后，同一条指令重新执行"
    );
    check("reporting_handler", law, || {
        let page = page_size();
        let test = |case: &Case| {
            let (_directory, path, file) = named_file(&pattern(case.size))?;
            let guard = Guard::new()?;
            let ran = ask(|| case.run(&file, &guard)).map_err(|failure| guard.and_why(case, failure))?;
            let (got, saw, mapped) = ran.map_err(io::Error::other)?;
            let (answer, seen, content) = case.expected();
            ensure(got == answer, || Failure::new(text!("{answer}", "{answer}"), text!("{got}", "{got}")))?;
            let whole = case.length.next_multiple_of(page);
            ensure(mapped == whole, || {
                Failure::new(
                    text!("a mapping of whole pages: {whole} bytes", "映射以整页为单位，共 {whole} 字节"),
                    match mapped {
                        0 => text!("the body did not run", "body 没有运行"),
                        _ => text!("a mapping of {mapped} bytes", "映射共 {mapped} 字节"),
                    },
                )
            })
            .map_err(maps_whole_pages)?;
            ensure(saw == seen, || {
                let (seen, saw) = (listed(&seen), listed(&saw));
                Failure::new(
                    text!(
                        "the body sees {seen} (a byte that it stores is read back; before a load from the file, \
                         pwrite(2) stores its number)",
                        "body 依次看到 {seen}（写入的字节会再读出来；读文件里有的字节之前，先用 pwrite(2) 写入其序号）"
                    ),
                    text!("it saw {saw}", "看到的是 {saw}"),
                )
            })
            .map_err(shows_the_file)?;
            let after = fs::read(&path)?;
            ensure(after == content, || {
                let (had, has) = (content.len(), after.len());
                Failure::new(
                    text!(
                        "{had} bytes in the file, changed by the stores alone",
                        "文件有 {had} 字节，只有这些写入改动了它"
                    ),
                    text!(
                        "it has {has} bytes, and the first that differs is byte {}",
                        "文件有 {has} 字节，第一个不符的字节位于 {}",
                        difference(&after, &content).map_or(had, |differs| differs.at)
                    ),
                )
                .breaks(
                    "reporting_handler",
                    text!(
                        "a page of zeros at the address (mmap(2) with MAP_FIXED) helps this process alone; a new size or \
                         a write(2) changes the file for everybody",
                        "在那个地址上换一个零页（带 MAP_FIXED 的 mmap(2)），只影响本进程；改变大小或 write(2) 改的却是大家的文件"
                    ),
                )
            })
        };
        let case =
            |size, length, accesses: &[Access]| Case { size, length, accesses: accesses.to_vec(), blocked: false };
        let edges = [
            case(page, page, &[Access::Load(0), Access::Store(page - 1)]),
            case(0, 1, &[Access::Load(0)]),
            // The other checks ask this one thing first.
            case(10, 2 * page, &[Access::Load(page)]),
            case(10, page, &[Access::Store(page - 1), Access::Load(page - 1)]),
            case(10, 3 * page, &[Access::Store(2 * page + 5), Access::Load(page), Access::Store(9), Access::Load(0)]),
            // No access finds its page missing, though the mapping is longer than the file.
            case(1, 3 * page, &[Access::Load(0), Access::Load(page - 1)]),
            Case { blocked: true, ..case(page + 1, 2 * page + 1, &[Access::Load(page), Access::Load(2 * page)]) },
        ];
        for_each(edges, Case::in_words, test)?;
        for_all(cases(), Case::in_words, test)?;
        pages_beyond_4_gib()?;
        many_missing_pages()?;
        a_system_call_that_finds_no_page()
    });
}

/// A page whose distance from the first one needs more than 32 bits.
fn pages_beyond_4_gib() -> Result<(), Failure> {
    let (page, length) = (page_size(), (1 << 32) + 4 * page_size());
    let (_directory, _, file) = named_file(&pattern(10))?;
    let given = || {
        text!(
            "a file of 10 bytes, {length} bytes mapped; the body loads from the last page",
            "10 字节的文件，映射 {length} 字节；body 读最后一页"
        )
    };
    let got = ask(|| format!("{:?}", super::survive(&file, length, |mapping| mapping.load(length - page))))
        .map_err(|failure| failure.given(given()))?;
    let expected = format!("Err(Page({}))", length / page - 1);
    ensure(got == expected, || Failure::new(text!("{expected}", "{expected}"), text!("{got}", "{got}")).given(given()))
}

/// More than a table of some pages would have room for.
fn many_missing_pages() -> Result<(), Failure> {
    const PAGES: usize = 300;
    let page = page_size();
    let (_directory, _, file) = named_file(&pattern(10))?;
    let given = || {
        text!(
            "a file of 10 bytes, {PAGES} pages mapped; the body loads from each page, the last one first, and then byte 9",
            "10 字节的文件，映射 {PAGES} 页；body 从最后一页开始逐页读，最后读第 9 字节"
        )
    };
    let (got, last) = ask(|| {
        let mut last = 0;
        let got = super::survive(&file, PAGES * page, |mapping| {
            (1..PAGES).rev().for_each(|number| _ = mapping.load(number * page));
            last = mapping.load(9);
        });
        (format!("{got:?}"), last)
    })
    .map_err(|failure| failure.given(given()))?;
    let (got, expected) = (said(&got, &[last]), said(&format!("Err(Page({}))", PAGES - 1), &[10]));
    ensure(got == expected, || {
        Failure::new(
            text!("the result, and what the last load gave: {expected}", "返回值，以及最后一次读到的值：{expected}"),
            text!("{got}", "{got}"),
        )
        .given(given())
    })
}

/// It fails, and the body may do what it likes about that.
fn a_system_call_that_finds_no_page() -> Result<(), Failure> {
    let page = page_size();
    let (_directory, _, file) = named_file(&pattern(10))?;
    let given = || {
        text!(
            "a file of 10 bytes, two pages mapped; the body has pread(2) read a byte of the file into page 1, and then \
             loads byte 9",
            "10 字节的文件，映射两页；body 用 pread(2) 把文件的一个字节读到第 1 页里，然后读第 9 字节"
        )
    };
    let (got, errno) = ask(|| {
        let mut errno = String::new();
        let got = super::survive(&file, 2 * page, |mapping| {
            let to = std::ptr::with_exposed_provenance_mut(mapping.address() + page);
            // SAFETY: the byte is in the mapping, to which there are no references.
            let done = unsafe { libc::pread(file.as_raw_fd(), to, 1, 0) };
            errno = Errno::result(done).map_or_else(|errno| kind(errno.into()), |count| format!("Ok({count})"));
            mapping.load(9)
        });
        (format!("{got:?}"), errno)
    })
    .map_err(|failure| failure.given(given()))?;
    ensure(got == "Ok(10)" && errno == "EFAULT", || {
        Failure::new(
            text!("EFAULT from pread(2), and Ok(10)", "pread(2) 返回 EFAULT，结果是 Ok(10)"),
            text!("{errno} from pread(2), and {got}", "pread(2) 返回 {errno}，结果是 {got}"),
        )
        .given(given())
        .breaks(
            "kernel_accesses",
            text!(
                "a system call that finds no page fails with EFAULT, and sends no signal",
                "系统调用访问缺失的页时返回 EFAULT，不会产生信号"
            ),
        )
    })
}

/// What happens while the body runs.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// The body loads this byte.
    Load(usize),
    /// The body stores to this byte, which the file does not have, and loads it.
    Store(usize),
    /// Another process gives the file this size, with its bytes.
    Size(usize),
}

impl Step {
    fn in_words(&self) -> Text {
        match self {
            Step::Load(at) => text!("the body loads byte {at}", "body 读第 {at} 字节"),
            Step::Store(at) => {
                text!("the body stores 99 to byte {at} and loads it", "body 往第 {at} 字节写 99 再读出来")
            }
            Step::Size(size) => {
                text!("another process gives the file {size} bytes", "另一个进程把文件大小设为 {size} 字节")
            }
        }
    }
}

/// A result, and what the body's loads gave.
fn said(result: &str, loads: &[u8]) -> String {
    format!("{result}; {}", listed(loads))
}

#[test]
fn notices_a_page_that_was_gone_for_a_moment() {
    let law = text!(
        "what counts is the size at the moment of the access; fstat(2) reports it before or after that",
        "决定一次访问成败的是那一刻的文件大小：之前或之后的 fstat(2) 说的都是别的时刻"
    );
    check("deaths", law, || {
        use Step::{Load, Size, Store};
        if !reports_a_missing_page()? {
            return Ok(());
        }
        let page = page_size();
        let two = 2 * page;
        let there = |at: usize| pattern(two)[at];
        let right = |result: &str, loads: &[u8]| said(result, loads);
        let (found, missed) = ("Ok", |page: usize| format!("Err(Page({page}))"));
        let cases: [(usize, &[Step], String); 10] = [
            (two, &[Load(0), Size(0), Load(page), Size(two), Load(0)], right(&missed(1), &[there(0), 0, there(0)])),
            (two, &[Load(page), Size(page), Load(page), Size(two)], right(&missed(1), &[there(page), 0])),
            (two, &[Size(0), Load(page + 7), Load(0), Size(two)], right(&missed(1), &[0, 0])),
            // The page that was missing is one of zeros from then on; the one beside it is the file's.
            (two, &[Size(0), Load(0), Size(two), Load(page), Load(0)], right(&missed(0), &[0, there(page), 0])),
            (two, &[Size(0), Load(page), Size(two), Load(0), Load(page)], right(&missed(1), &[0, there(0), 0])),
            (two, &[Size(0), Store(page + 3), Size(two), Load(page)], right(&missed(1), &[99, 0])),
            (0, &[Load(0), Size(two), Load(page + 7), Load(3)], right(&missed(0), &[0, there(page + 7), 0])),
            (two, &[Load(page), Size(0), Size(two), Load(page)], right(found, &[there(page); 2])),
            (0, &[Size(two), Load(page), Load(0), Size(0)], right(found, &[there(page), there(0)])),
            (two, &[Load(page), Size(page), Load(0)], right(found, &[there(page), there(0)])),
        ];
        for_each(
            cases,
            |(size, steps, _)| {
                let steps: Vec<Text> = steps.iter().map(Step::in_words).collect();
                Text::new(
                    format!(
                        "a file of {size} bytes, {two} bytes mapped; while the body runs: {}",
                        joined(&steps, ", then ", |t| &t.en)
                    ),
                    format!(
                        "{size} 字节的文件，映射 {two} 字节；body 运行期间依次为：{}",
                        joined(&steps, "，", |t| &t.zh)
                    ),
                )
            },
            |(size, steps, expected)| {
                let (_directory, _, file) = named_file(&pattern(*size))?;
                let mut player = start(|peer| {
                    let mut seen = Vec::new();
                    let body = |mapping: &Mapping| -> io::Result<()> {
                        for step in *steps {
                            match step {
                                Load(at) => seen.push(mapping.load(*at)),
                                Store(at) => {
                                    mapping.store(*at, 99);
                                    seen.push(mapping.load(*at));
                                }
                                Size(_) => {
                                    peer.give_turn()?;
                                    peer.await_turn()?;
                                }
                            }
                        }
                        Ok(())
                    };
                    let answer = match super::survive(&file, two, body) {
                        Ok(ran) => ran.map(|()| "Ok".to_owned()).map_err(error_text)?,
                        Err(missed) => format!("Err({missed:?})"),
                    };
                    peer.send(said(&answer, &seen).as_bytes()).map_err(error_text)
                })?;
                // A missing page has been survived already in the cases that begin with a new size.
                let why = |failure: Failure| match (failure.died_of(), steps.first()) {
                    (Some(Cause::NoPage), Some(Load(_))) => failure.shows(&belief::SIZE_COUNTS_WHEN_MAPPED),
                    _ => failure,
                };
                let mut last = *size;
                for step in *steps {
                    if let Size(size) = step {
                        last = *size;
                        let message = player.receive().map_err(why)?;
                        if message != b"." {
                            let got = String::from_utf8_lossy(&message).into_owned();
                            return Err(Failure::new(
                                text!("{expected}", "{expected}"),
                                text!("{got}, and the body did not return", "{got}，而且 body 没有执行完"),
                            ));
                        }
                        file.set_len(wide(*size))?;
                        file.write_all_at(&pattern(*size), 0)?;
                        player.give_turn()?;
                    }
                }
                let got = String::from_utf8_lossy(&player.receive().map_err(why)?).into_owned();
                player.end()?;
                ensure(got == *expected, || {
                    let failure = Failure::new(
                        text!(
                            "the result, and what the loads gave: {expected}",
                            "返回值，以及各次读到的值：{expected}"
                        ),
                        match got.strip_suffix("; ") {
                            Some(result) => text!("{result}; the body did not run", "{result}；body 没有运行"),
                            None => text!("{got}", "{got}"),
                        },
                    );
                    // Where a page was missed and is back, an Ok has zeros in it.
                    let full_again =
                        matches!(steps.iter().rfind(|step| matches!(step, Size(_))), Some(Size(n)) if *n == two);
                    // Of page 0 the number alone may be the reason.
                    let other_page = expected.starts_with("Err") && !expected.starts_with(&missed(0));
                    if other_page && got.starts_with("Ok") && full_again {
                        failure.shows(&belief::SIZE_AFTERWARDS_TELLS_ALL)
                    } else {
                        failure
                    }
                })?;
                same_bytes(text!("the file", "文件"), &contents(&file)?, &pattern(last))
            },
        )?;
        // At every moment: the page is missing at every second instruction; in the next run, at the others.
        for_each(
            [0, 1],
            |parity| {
                let (en, zh) = if *parity == 0 { ("even", "偶数") } else { ("odd", "奇数") };
                text!(
                    "a file of one page that is truncated to 0 bytes before each instruction with an {en} number, and \
                     has its page again before the next one",
                    "一页大小的文件，在每条编号为{zh}的指令之前被截断为 0 字节，在下一条指令之前又恢复"
                )
            },
            |parity| flicker(*parity),
        )
    });
}

/// Whether it does the easiest of what it is for. Where it doesn't, the check of that says so, and no other one has to.
fn reports_a_missing_page() -> Result<bool, Failure> {
    let (_directory, _, file) = named_file(&pattern(10))?;
    let load = |mapping: &Mapping| mapping.load(page_size());
    let said = ask(|| format!("{:?}", super::survive(&file, 2 * page_size(), load)));
    knows_the_basics(said.and_then(|said| equal(&said.as_str(), &"Err(Page(1))")))
}

/// Runs it one instruction at a time on a file whose page comes and goes. At every moment it must report a missing page
/// or return the file's bytes, never zeros.
fn flicker(parity: u64) -> Result<(), Failure> {
    let page = page_size();
    let content = pattern(page);
    let (_directory, _, file) = named_file(&content)?;
    // The result, from another process: how it ended, and the bytes it had.
    let came = Mapping::anonymous(3, READ_WRITE, Sharing::Shared)?;
    let (missed, had, other) = (1, 2, 3);
    let act = |()| {
        let body = |mapping: &Mapping| {
            mark();
            let seen = [mapping.load(0), mapping.load(page - 1)];
            mark();
            seen
        };
        match super::survive(&file, page, body) {
            Ok(seen) => {
                came.store(0, had);
                came.write(1, &seen);
            }
            Err(error) => came.store(0, if format!("{error:?}") == "Page(0)" { missed } else { other }),
        }
        Ok(())
    };
    after_each_marked_instruction(
        || Ok(()),
        act,
        |step| {
            // Not for ever: an answer that waits for the page gets it at last.
            if step % 2 == parity && step < 50_000 {
                file.set_len(0)?;
            } else {
                file.write_all_at(&content, 0)?;
            }
            Ok(())
        },
    )?;
    let mut seen = [0; 2];
    came.read(1, &mut seen);
    let right = [content[0], content[page - 1]];
    let expected = text!("Err(Page(0)), or the bytes {right:?}", "Err(Page(0))，或者字节 {right:?}");
    match came.load(0) {
        came if came == missed || came == had && seen == right => Ok(()),
        came if came == had => {
            let failure = Failure::new(expected, text!("Ok with the bytes {seen:?}", "Ok，字节为 {seen:?}"));
            Err(failure.shows(&belief::SIZE_AFTERWARDS_TELLS_ALL))
        }
        _ => Err(Failure::new(expected, text!("another error", "别的错误"))),
    }
}

/// The first or the last of the instructions that run one at a time.
fn mark() {
    // SAFETY: raise(3) accesses no memory of ours.
    unsafe { libc::raise(MARK as i32) };
}

/// The descriptor of a file that [`make_longer`] makes longer.
static SHORT: AtomicI32 = AtomicI32::new(-1);

/// A handler of the check's own: gives the file a page, so that the access that raised the signal succeeds.
extern "C" fn make_longer(_: i32) {
    // SAFETY: ftruncate(2) is async-signal-safe and accesses no memory of ours.
    unsafe { libc::ftruncate(SHORT.load(Ordering::Relaxed), 1) };
}

/// The address for which [`make_longer_if_told`] is meant.
static THERE: AtomicUsize = AtomicUsize::new(0);

/// A handler with SA_SIGINFO: does the same, but only for the access that it is meant for.
extern "C" fn make_longer_if_told(signal: i32, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    // SAFETY: with SA_SIGINFO the kernel passes a siginfo that is valid until the handler returns.
    let info = unsafe { &*info };
    // SAFETY: the kernel fills si_addr in for a fault.
    if info.si_code == libc::BUS_ADRERR && unsafe { info.si_addr() }.addr() == THERE.load(Ordering::Relaxed) {
        make_longer(signal);
    } else {
        // SAFETY: _exit(2) has no conditions.
        unsafe { libc::_exit(9) };
    }
}

/// Sets the action for SIGBUS to a handler that gets a siginfo, for one signal only (SA_RESETHAND), with another mask.
fn set_informed(handler: extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::c_void)) {
    // SAFETY: a sigaction of zeros is SIG_DFL without flags.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = handler as *const () as usize;
    action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART | libc::SA_RESETHAND;
    // SAFETY: the set is this action's own.
    unsafe { libc::sigaddset(&raw mut action.sa_mask, libc::SIGUSR2) };
    // SAFETY: the callers pass a handler that does only what is async-signal-safe.
    unsafe { libc::sigaction(libc::SIGBUS, &raw const action, std::ptr::null_mut()) };
}

/// A SIGBUS that has nothing to do with the mapping.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Other {
    Access,
    Sent,
    SentWithAddress,
    AccessWithHandler,
    AccessWithInformedHandler,
    SentAndIgnored,
    AccessAndIgnored,
    SentWithHandler,
    NoMemory,
    Denied,
}

/// The beginning of a siginfo_t as the kernel lays it out, with room for the rest.
#[repr(C)]
struct Sent {
    signal: i32,
    errno: i32,
    code: i32,
    address: usize,
    rest: [usize; 16],
}

/// Sends this thread a SIGBUS as sigqueue(3) does, with an address in its siginfo: a sender may put any value where the
/// kernel puts the address of a fault. Only si_code tells the two apart.
fn send_with(address: usize) {
    let info = Sent { signal: libc::SIGBUS, errno: 0, code: libc::SI_QUEUE, address, rest: [0; 16] };
    let (process, thread) = (nix::unistd::getpid().as_raw(), nix::unistd::gettid().as_raw());
    // SAFETY: the kernel reads as many bytes as a siginfo_t has (128), and `info` has more.
    unsafe { libc::syscall(libc::SYS_rt_tgsigqueueinfo, process, thread, libc::SIGBUS, &raw const info) };
}

impl Other {
    fn in_words(&self) -> Text {
        match self {
            Other::Access => text!(
                "the body accesses another mapping, where its file has no page",
                "body 访问另一个映射，而那里的文件没有对应的页"
            ),
            Other::Sent => text!("another process sends a SIGBUS", "另一个进程发送 SIGBUS"),
            Other::SentWithAddress => text!(
                "another process sends a SIGBUS (sigqueue(3)) with an address of the mapping in its siginfo",
                "另一个进程用 sigqueue(3) 发送 SIGBUS，其 siginfo 里恰有该映射中的一个地址"
            ),
            Other::AccessWithHandler => text!(
                "the body accesses another mapping, for which the program has set a handler before",
                "body 访问另一个映射，而程序此前已为此设置了处理函数"
            ),
            Other::AccessWithInformedHandler => text!(
                "the body accesses another mapping, for which the program has set a handler with SA_SIGINFO before",
                "body 访问另一个映射，而程序此前已为此设置了带 SA_SIGINFO 的处理函数"
            ),
            Other::SentAndIgnored => {
                text!(
                    "another process sends a SIGBUS to a process that ignores it",
                    "另一个进程向忽略 SIGBUS 的进程发送 SIGBUS"
                )
            }
            Other::AccessAndIgnored => text!(
                "the body accesses another mapping, where its file has no page, in a process that ignores SIGBUS",
                "进程忽略 SIGBUS；body 访问另一个映射，而那里的文件没有对应的页"
            ),
            Other::SentWithHandler => text!(
                "another process sends a SIGBUS, for which the program has set a handler before",
                "另一个进程发送 SIGBUS，而程序此前已为它设置了处理函数"
            ),
            Other::Denied => text!(
                "the body loads another page that the file does not have, when mmap(2) is forbidden to the process \
                 (seccomp(2)): no page of zeros can be mapped",
                "进程被禁止调用 mmap(2)（seccomp(2)），无法映射零页，此时 body 访问文件没有的另一页"
            ),
            Other::NoMemory => text!(
                "the body loads another page that the file does not have, when the process may have no more private \
                 memory (RLIMIT_DATA): no page of zeros can be mapped",
                "进程的私有内存已到上限（RLIMIT_DATA），无法映射零页，此时 body 访问文件没有的另一页"
            ),
        }
    }

    /// What a load from the mapping gave, if there was one.
    fn happen(self, mapping: &Mapping, other: &Mapping) -> u8 {
        match self {
            Other::Denied => {
                _ = refuse(&[libc::SYS_mmap], On::Everything, Errno::EPERM);
                return mapping.load(page_size());
            }
            Other::SentWithAddress => send_with(mapping.address()),
            Other::Access | Other::AccessWithHandler | Other::AccessWithInformedHandler | Other::AccessAndIgnored => {
                _ = other.load(0)
            }
            Other::NoMemory => {
                let limit = |limit| {
                    let (_, hard) = getrlimit(Resource::RLIMIT_DATA)?;
                    setrlimit(Resource::RLIMIT_DATA, std::cmp::min(limit, hard), hard)
                };
                _ = limit(page_size_u64());
                let loaded = mapping.load(page_size());
                _ = limit(u64::MAX);
                return loaded;
            }
            // SAFETY: raise(3) accesses no memory of ours.
            Other::Sent | Other::SentAndIgnored | Other::SentWithHandler => _ = unsafe { libc::raise(libc::SIGBUS) },
        }
        0
    }
}

/// How far the body got. It misses a page of its own mapping, and then gets a SIGBUS of another kind.
const SURVIVED_ITS_OWN: u8 = 1;
const RETURNED: u8 = 2;

/// For an action from before that lets the process live: a handler that makes a page, or SIG_IGN.
fn lives(got: &str, reached: u8, handled: bool) -> Result<(), Failure> {
    ensure(got == "Err(Page(0))" && reached == RETURNED && handled, || {
        let [handled, ended] = [handled, reached == RETURNED].map(yes_or_no);
        let got = text!("{got}", "{got}");
        Failure::new(
            text!(
                "the action from before is in force, the body goes on, and the answer is Err(Page(0))",
                "先前的处置方式照常生效，body 继续执行，得到 Err(Page(0))"
            ),
            text!(
                "{got}; was the action from before in force? {handled}; did the body return? {ended}",
                "{got}；先前的处置方式是否生效：{handled}；body 是否执行完：{ended}";
                got, handled, ended
            ),
        )
    })
}

/// For an action from before that kills.
fn dies(answered: Result<String, Failure>, reached: u8, of_another: bool) -> Result<(), Failure> {
    match answered {
        Err(failure) if reached == SURVIVED_ITS_OWN && failure.signal.as_deref() == Some("SIGBUS") => Ok(()),
        Err(failure) => Err(failure),
        Ok(got) => {
            let ended = reached == RETURNED;
            let Text { en, zh } = yes_or_no(ended);
            let lived = Failure::new(
                text!(
                    "SIGBUS kills the process, as it does without `survive`",
                    "进程被 SIGBUS 杀死，与没有 `survive` 时一样"
                ),
                text!(
                    "the process lived on, and the answer was {got}; did the body return? {en}",
                    "进程继续运行，得到 {got}；body 是否执行完：{zh}"
                ),
            );
            Err(if ended && of_another { lived.shows(&belief::HANDLER_IS_FOR_ONE_MAPPING) } else { lived })
        }
    }
}

#[test]
fn leaves_every_other_sigbus_to_the_action_from_before() {
    let law = text!(
        "signal(7): the action belongs to the whole process: the handler gets every SIGBUS, and leaves what isn't its own \
         to the action from before",
        "signal(7)：处置方式属于整个进程：任何 SIGBUS 都会到处理函数这里，不属于它的就要交还给先前的处置方式"
    );
    check("reporting_handler", law, || {
        if !reports_a_missing_page()? {
            return Ok(());
        }
        use Other::{
            Access, AccessAndIgnored, AccessWithHandler, AccessWithInformedHandler, Denied, NoMemory, Sent,
            SentAndIgnored, SentWithAddress, SentWithHandler,
        };
        let all = [
            Access,
            Sent,
            SentWithAddress,
            AccessWithHandler,
            AccessWithInformedHandler,
            SentAndIgnored,
            AccessAndIgnored,
            SentWithHandler,
            NoMemory,
            Denied,
        ];
        for_each(all, Other::in_words, |&what| {
            let (_directory, _, file) = named_file(b"")?;
            let (_other_directory, _, other_file) = named_file(b"")?;
            let other = Mapping::of_file(&other_file, 0, 1, READ_WRITE, Sharing::Shared)?;
            // Where the child records how far it got: its private memory dies with it.
            let reached = Mapping::anonymous(1, READ_WRITE, Sharing::Shared)?;
            let answered = ask(|| {
                SHORT.store(other_file.as_raw_fd(), Ordering::Relaxed);
                match what {
                    Other::Access | Other::Sent | Other::SentWithAddress | Other::NoMemory | Other::Denied => {
                        set_action(Signal::SIGBUS, libc::SIG_DFL)
                    }
                    Other::SentWithHandler => set_action(Signal::SIGBUS, count as *const () as libc::sighandler_t),
                    Other::AccessWithInformedHandler => {
                        THERE.store(other.address(), Ordering::Relaxed);
                        set_informed(make_longer_if_told);
                    }
                    Other::AccessWithHandler => {
                        set_action(Signal::SIGBUS, make_longer as *const () as libc::sighandler_t)
                    }
                    Other::SentAndIgnored | Other::AccessAndIgnored => set_action(Signal::SIGBUS, libc::SIG_IGN),
                }
                let mut loaded = 0;
                let answer = super::survive(&file, 2 * page_size(), |mapping| {
                    mapping.load(0);
                    reached.store(0, SURVIVED_ITS_OWN);
                    loaded = what.happen(mapping, &other);
                    reached.store(0, RETURNED);
                });
                (format!("{answer:?}"), loaded, COUNTED.load(Ordering::Relaxed))
            });
            let reached = reached.load(0);
            let answered = answered.map_err(|failure| match reached {
                0 => meets_the_action_that_is_set(failure.given(text!(
                    "the body's first access, to a page of its own mapping that the file does not have",
                    "body 的第一次访问：它自己的映射中，文件没有的那一页"
                ))),
                _ => failure,
            });
            let held = match what {
                Other::Access | Other::Sent | Other::SentWithAddress | Other::AccessAndIgnored => {
                    dies(answered.map(|(got, ..)| got), reached, !matches!(what, Other::Sent))
                }
                Other::NoMemory | Other::Denied => match answered {
                    // Zeros that need no private memory, or no call, may be there all the same.
                    Ok((got, 0, _)) if got == "Err(Page(0))" => Ok(()),
                    answered => dies(answered.map(|(got, ..)| got), reached, false),
                },
                Other::AccessWithHandler | Other::AccessWithInformedHandler => {
                    let made_longer = other_file.metadata()?.len() == 1;
                    answered.and_then(|(got, ..)| lives(&got, reached, made_longer))
                }
                Other::SentAndIgnored => answered.and_then(|(got, ..)| lives(&got, reached, true)),
                Other::SentWithHandler => answered.and_then(|(got, _, counted)| lives(&got, reached, counted == 1)),
            };
            held.map_err(|failure| match what {
                Other::Sent | Other::SentWithAddress | Other::SentAndIgnored | Other::SentWithHandler => {
                    is_raised_again(failure)
                }
                Other::NoMemory | Other::Denied => meets_the_action_that_is_set(failure),
                _ if failure.verdict == Verdict::TimedOut => meets_the_action_that_is_set(failure),
                _ => failure,
            })
        })?;
        a_pending_signal()
    });
}

/// One that was sent while SIGBUS was blocked.
fn a_pending_signal() -> Result<(), Failure> {
    let (_directory, _, file) = named_file(&pattern(10))?;
    let given = || {
        text!(
            "a thread that has SIGBUS blocked, a SIGBUS that is pending, and a handler of the program for it; the body \
             loads byte 9 of the file",
            "线程阻塞了 SIGBUS，有一个 SIGBUS 处于未决状态，程序为它设置过处理函数；body 读文件的第 9 字节"
        )
    };
    let (got, counted) = ask(|| -> Result<_, String> {
        set_action(Signal::SIGBUS, count as *const () as libc::sighandler_t);
        SigSet::from(Signal::SIGBUS).thread_block().map_err(error_text)?;
        nix::sys::signal::raise(Signal::SIGBUS).map_err(error_text)?;
        let got = super::survive(&file, page_size(), |mapping| mapping.load(9));
        SigSet::from(Signal::SIGBUS).thread_unblock().map_err(error_text)?;
        Ok((format!("{got:?}"), COUNTED.load(Ordering::Relaxed)))
    })
    .map_err(|failure| is_raised_again(failure.given(given())))?
    .map_err(io::Error::other)?;
    ensure(got == "Ok(10)" && counted == 1, || {
        Failure::new(
            text!("Ok(10), and the program's handler runs once", "Ok(10)，程序的处理函数运行一次"),
            text!("{got}, and it ran {counted} times", "{got}，它运行了 {counted} 次"),
        )
        .given(given())
    })
    .map_err(is_raised_again)
}

#[test]
fn serves_every_thread_that_the_body_starts() {
    let law = text!(
        "signal(7): an action belongs to the process; the signal of a fault goes to the thread that made the access",
        "signal(7)：处置方式属于整个进程；访问出错的信号发给出错的那个线程"
    );
    check("reporting_handler", law, || {
        if !reports_a_missing_page()? {
            return Ok(());
        }
        let page = page_size();
        let (_directory, _, file) = named_file(&pattern(10))?;
        let given = || {
            text!(
                "a file of 10 bytes, two pages mapped; a thread that the body starts loads byte 9, and then byte {page}",
                "10 字节的文件，映射两页；body 启动的线程先读第 9 字节，再读第 {page} 字节"
            )
        };
        let (got, seen) = ask(|| {
            let mut seen = Vec::new();
            let got = super::survive(&file, 2 * page, |mapping| {
                // A Mapping is not Sync, but its bytes are: as atomics.
                let start = mapping.address();
                let load = move |at| {
                    let byte = std::ptr::with_exposed_provenance_mut(start + at);
                    // SAFETY: the byte is in the mapping, which is there as long as the body runs.
                    unsafe { AtomicU8::from_ptr(byte) }.load(Ordering::Relaxed)
                };
                let loads = move || vec![load(9), load(page)];
                seen = std::thread::scope(|threads| threads.spawn(loads).join().unwrap_or_default());
            });
            (format!("{got:?}"), seen)
        })
        .map_err(|failure| failure.given(given()))?;
        let (got, expected) = (said(&got, &seen), said("Err(Page(1))", &[10, 0]));
        ensure(got == expected, || {
            Failure::new(
                text!("the result, and what the loads gave: {expected}", "返回值，以及各次读到的值：{expected}"),
                text!("{got}", "{got}"),
            )
            .given(given())
        })
    });
}

#[test]
fn neither_locks_nor_allocates_in_the_handler() {
    let law = text!(
        "signal-safety(7): a handler may interrupt a function that holds a lock, be it the allocator's or that of \
         standard output",
        "signal-safety(7)：处理函数可能打断正持有锁的函数，例如内存分配器的锁、标准输出的锁"
    );
    check("reporting_handler", law, || {
        if !reports_a_missing_page()? {
            return Ok(());
        }
        let page = page_size();
        let (_directory, _, file) = named_file(&pattern(10))?;
        let calls = ask(|| {
            let mut calls = 0;
            let _ = super::survive(&file, 3 * page, |mapping| {
                let before = allocator_calls();
                mapping.load(2 * page);
                mapping.load(page);
                calls = allocator_calls() - before;
            });
            calls
        })?;
        ensure(calls == 0, || {
            let failure = Failure::new(
                text!("the handler neither allocates nor frees memory", "处理函数既不分配也不释放内存"),
                text!("the number of calls of the allocator was {calls}", "它调用了 {calls} 次内存分配器"),
            );
            failure
                .shows(&belief::HANDLER_IS_LIKE_ANY_FUNCTION)
                .given(text!("two loads from pages that the file does not have", "两次读取文件没有的页"))
        })?;
        ask(|| {
            let (held, is_held) = std::sync::mpsc::channel();
            let (over, is_over) = std::sync::mpsc::channel::<()>();
            std::thread::scope(|threads| {
                threads.spawn(move || {
                    let _locks = (io::stdout().lock(), io::stderr().lock());
                    // Until the other end is closed.
                    _ = held.send(()).map(|()| is_over.recv());
                });
                let _over = over;
                _ = is_held.recv();
                let _ = super::survive(&file, 3 * page, |mapping| mapping.load(2 * page));
            });
        })
        .map_err(|failure| {
            let waits = failure.verdict == Verdict::TimedOut;
            let failure = failure.given(text!(
                "a load from a page that the file does not have, while another thread holds the locks of standard \
                 output and standard error",
                "另一个线程持有标准输出和标准错误的锁时，读取文件没有的页"
            ));
            if waits { failure.shows(&belief::HANDLER_IS_LIKE_ANY_FUNCTION) } else { failure }
        })?;
        another_thread_gets_its_page_meanwhile()
    });
}

/// A lock that no other thread holds is taken without a wait. It is seen where its holder stands still: while one thread
/// is in the handler, a few instructions further each time, another one misses a page, too.
fn another_thread_gets_its_page_meanwhile() -> Result<(), Failure> {
    const PAGES: usize = 256;
    let page = page_size();
    let (_directory, _, file) = named_file(b"")?;
    let (mut ours, theirs) = UnixStream::pair()?;
    ours.set_read_timeout(Some(deadline() / 4))?;
    let the_file = &file;
    // Its end of the socket is the child's alone, so that ours sees when the child has ended.
    let act = move |()| {
        let _ = super::survive(the_file, PAGES * page, |mapping| {
            let start = mapping.address();
            std::thread::scope(|threads| {
                threads.spawn(|| {
                    let mut turns = &theirs;
                    for at in (1..PAGES).map(|number| number * page) {
                        let byte = std::ptr::with_exposed_provenance_mut(start + at);
                        if turns.read_exact(&mut [0]).is_err() {
                            return;
                        }
                        // SAFETY: the byte is in the mapping, which is there as long as the body runs.
                        let byte = unsafe { AtomicU8::from_ptr(byte) }.load(Ordering::Relaxed);
                        if turns.write_all(&[byte]).is_err() {
                            return;
                        }
                    }
                });
                mark();
                mapping.load(0);
                mark();
                let _ = theirs.shutdown(std::net::Shutdown::Both);
            });
        });
        Ok(())
    };
    let mut turns = 1;
    after_each_marked_instruction(
        || Ok(()),
        act,
        |step| {
            if step % 16 != 0 || turns == PAGES {
                return Ok(());
            }
            turns += 1;
            _ = ours.write_all(b".");
            let waits = ours.read_exact(&mut [0]).is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock);
            ensure(!waits, || {
                let failure = Failure::new(
                    text!("the second thread gets its page of zeros", "第二个线程得到零页"),
                    text!("it waited for the first one, as for a lock", "它在等待第一个线程，就像等待一把锁"),
                );
                failure.shows(&belief::HANDLER_IS_LIKE_ANY_FUNCTION)
            })
        },
    )
    .map_err(|failure| {
        failure.given(text!(
            "a thread is stopped in the signal handler; a second one, which the body has started, loads from a page \
             that the file does not have",
            "一个线程在信号处理函数中暂停时，body 启动的第二个线程读取文件没有的页"
        ))
    })
}

#[test]
fn says_why_it_cannot_map() {
    let law = text!(
        "mmap(2): on error it returns MAP_FAILED, which is not a null pointer, and errno says why",
        "mmap(2)：出错时返回 MAP_FAILED（不是空指针），原因在 errno 里"
    );
    check("2:refusals", law, || {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("fifo");
        mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR)?;
        let fifo = File::options().read(true).write(true).open(&path)?;
        let sealed = File::from(memfd_create(c"exercise-6", MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING)?);
        sealed.write_all_at(&pattern(10), 0)?;
        // SAFETY: fcntl(2) with this command accesses no memory of ours.
        Errno::result(unsafe { libc::fcntl(sealed.as_raw_fd(), libc::F_ADD_SEALS, libc::F_SEAL_WRITE) })?;
        let (_directory, _, usual) = named_file(&pattern(10))?;
        for_each(
            [
                (&fifo, 1, "ENODEV", text!("a FIFO, which can't be mapped", "FIFO，不能映射")),
                (&sealed, 1, "EPERM", text!("a file with F_SEAL_WRITE", "带 F_SEAL_WRITE 的文件")),
                (&usual, usize::MAX, "ENOMEM", text!("a length of {} bytes", "长度为 {} 字节", usize::MAX)),
                (&usual, 1 << 62, "ENOMEM", text!("a length of 2^62 bytes", "长度为 2^62 字节")),
            ],
            |(.., described)| described.clone(),
            |(file, length, errno, _)| {
                let (got, kept) = ask(|| {
                    counting(|| {
                        let answer = super::survive(file, *length, |_| "the body ran");
                        let next = super::survive(&usual, 1, |mapping| mapping.load(9));
                        format!("{answer:?}, {next:?}")
                    })
                })?
                .map_err(io::Error::other)?;
                let expected = format!("Err(Call({errno})), Ok(10)");
                ensure(got == expected, || {
                    Failure::new(
                        text!(
                            "the results of this call and of a second one, on a file of 10 bytes: {expected}",
                            "这次调用、以及随后对 10 字节的文件再次调用的返回值：{expected}"
                        ),
                        text!("{got}", "{got}"),
                    )
                })
                // F_SEAL_WRITE forbids shared mappings for writing, and no others.
                .map_err(|failure| if *errno == "EPERM" { shows_the_file(failure) } else { failure })?;
                nothing_left(kept)
            },
        )?;
        let (got, kept) = ask_refused(&[libc::SYS_rt_sigaction], On::Descriptor(libc::SIGBUS), Errno::EPERM, || {
            counting(|| format!("{:?}", super::survive(&usual, 1, |mapping| mapping.load(9))))
        })?
        .map_err(io::Error::other)?;
        let given = || {
            text!(
                "a process to which sigaction(2) for SIGBUS is forbidden: EPERM (seccomp(2))",
                "进程被禁止对 SIGBUS 调用 sigaction(2)：EPERM（seccomp(2)）"
            )
        };
        ensure(got == "Err(Call(EPERM))", || {
            Failure::new(text!("Err(Call(EPERM))", "Err(Call(EPERM))"), text!("{got}", "{got}")).given(given()).breaks(
                "reporting_handler",
                text!(
                    "sigaction(2): when it fails, no handler is set, and the body would run without one",
                    "sigaction(2)：失败时处理函数并没有设好，body 就会在没有它的情况下运行"
                ),
            )
        })?;
        nothing_left(kept).map_err(|failure| failure.given(given()))
    });
}

#[test]
fn counts_a_store_for_which_the_disk_has_no_space() {
    let law = text!(
        "mmap(2): a store to a hole needs disk space; on a full disk it is SIGBUS, as where the file has no page",
        "mmap(2)：往空洞里写需要磁盘空间；磁盘已满时触发 SIGBUS，与文件没有那一页时一样"
    );
    check("deaths", law, || {
        if !reports_a_missing_page()? {
            return Ok(());
        }
        let two = 2 * page_size();
        // First on a disk with space: so there is something to check even if no small disk can be mounted.
        let (_directory, _, file) = named_file(b"")?;
        file.set_len(wide(two))?;
        let stores = |file: &File| {
            ask(|| {
                let got = super::survive(file, two, |mapping| {
                    mapping.store(page_size() + 5, b'!');
                    mapping.load(page_size() + 5)
                });
                format!("{got:?}")
            })
        };
        let same = |got: String, expected: &str| {
            ensure(got == expected, || Failure::new(text!("{expected}", "{expected}"), text!("{got}", "{got}")))
        };
        same(stores(&file)?, "Ok(33)")?;
        let mut disk = SmallDisk::new(16)?;
        disk.file.set_len(wide(two))?;
        disk.fill()?;
        let given = || {
            text!(
                "a full disk, and on it a file that is a hole of two pages; the body stores to the second page",
                "磁盘已满，上面的文件是两页大小的空洞；body 往第二页写"
            )
        };
        let got = stores(&disk.file).map_err(|failure| failure.given(given()))?;
        same(got, "Err(Page(1))").map_err(|failure| failure.given(given()))?;
        same_bytes(text!("the file", "文件"), &contents(&disk.file)?, &vec![0; two])
            .map_err(|failure| failure.given(given()))
    });
}

#[test]
fn lets_only_one_run_at_a_time() {
    let law = text!(
        "a handler has only static state: two that run at once would share it",
        "处理函数能用的状态都是静态的：两个同时运行就会共用它"
    );
    check("reporting_handler", law, || {
        if !reports_a_missing_page()? {
            return Ok(());
        }
        let (_directory, _, file) = named_file(&pattern(10))?;
        let two = 2 * page_size();
        for_each(
            [Inner::Nested, Inner::AfterAMiss, Inner::Twice, Inner::Empty, Inner::TooLong, Inner::InAnotherThread],
            Inner::in_words,
            |which| {
                // In memory that outlives the child.
                let begun = Mapping::anonymous(1, READ_WRITE, Sharing::Shared)?;
                // SAFETY: the byte is in the mapping, to which there are no references.
                let began = unsafe { AtomicU8::from_ptr(std::ptr::with_exposed_provenance_mut(begun.address())) };
                let (outer, inner, ran, next) = ask(|| {
                    let mut inner = String::new();
                    let outer = super::survive(&file, two, |mapping| {
                        let length = match which {
                            Inner::Empty => 0,
                            Inner::TooLong => usize::MAX,
                            _ => two,
                        };
                        if *which == Inner::AfterAMiss {
                            mapping.load(page_size());
                        }
                        let mut call = || inner = format!("{:?}", super::survive(&file, length, |_| began.store(1, Ordering::Relaxed)));
                        match which {
                            Inner::Nested | Inner::AfterAMiss | Inner::Empty | Inner::TooLong => call(),
                            Inner::Twice => (call(), call()).1,
                            Inner::InAnotherThread => {
                                _ = std::thread::scope(|threads| threads.spawn(call).join());
                            }
                        }
                        mapping.load(page_size())
                    });
                    let next = super::survive(&file, two, |mapping| mapping.load(9));
                    (format!("{outer:?}"), inner, begun.load(0) == 1, format!("{next:?}"))
                })
                .map_err(|mut failure| {
                    if begun.load(0) == 1 {
                        let happened = failure.happened;
                        failure.happened =
                            text!("the inner body ran; then: {happened}", "内层的 body 运行了；随后：{happened}"; happened);
                        failure.expected = text!(
                            "Err(Call(EBUSY)) inside without running its body",
                            "内层返回 Err(Call(EBUSY))，不运行其 body"
                        );
                    }
                    failure
                })?;
                let expected = ("Err(Page(1))", "Err(Call(EBUSY))", false, "Ok(10)");
                ensure((outer.as_str(), inner.as_str(), ran, next.as_str()) == expected, || {
                    let (en, zh) = if ran { (", and its body ran", "，而且运行了它的 body") } else { ("", "") };
                    Failure::new(
                        text!(
                            "Err(Page(1)) outside, Err(Call(EBUSY)) inside without running its body; a call \
                             afterwards gives Ok(10)",
                            "外层 Err(Page(1))，内层 Err(Call(EBUSY)) 且不运行其 body；之后再调用得到 Ok(10)"
                        ),
                        match inner.as_str() {
                            "" => text!(
                                "{outer} outside, whose body did not run; the call afterwards gave {next}",
                                "外层 {outer}，而且没有运行 body；之后的调用得到 {next}"
                            ),
                            _ => text!(
                                "{outer} outside, {inner} inside{en}; the call afterwards gave {next}",
                                "外层 {outer}，内层 {inner}{zh}；之后的调用得到 {next}"
                            ),
                        },
                    )
                })
            },
        )?;
        another_thread_enters(Place::Beginning)?;
        another_thread_enters(Place::End)
    });
}

/// Where one thread stands still in `survive`, while another one enters.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Place {
    /// Before its body, where it is about to refuse other threads.
    Beginning,
    /// After its body, where it has just ceased to refuse them.
    End,
}

/// The second thread, seen from the process that has stopped the first one.
struct Second(UnixStream);

impl Second {
    const TRIES: u8 = b't';
    const ENTERS: u8 = b'e';

    /// Whether its body ran, or has begun to run. None if it waits, as for a lock that the first thread has.
    fn gets_in(&mut self, how: u8) -> Option<bool> {
        let mut got_in = [0];
        self.0.write_all(&[how]).and_then(|()| self.0.read_exact(&mut got_in)).ok()?;
        Some(got_in == [1])
    }
}

/// Two threads, of which the first runs one instruction at a time on one side of its body, with `look` after each. Returns
/// the results of the first one and of a second one that has entered, and whether the action for SIGBUS is the old one.
fn two_threads(place: Place, mut look: impl FnMut(u64, &mut Second) -> Result<(), Failure>) -> Result<String, Failure> {
    let page = page_size();
    let (_directory, _, file) = named_file(&pattern(10))?;
    let (ours, theirs) = UnixStream::pair()?;
    ours.set_read_timeout(Some(deadline() / 40))?;
    let reply = tempfile::tempfile()?;
    let (the_file, the_reply) = (&file, &reply);
    let act = move |()| {
        // What is prepared once is prepared now.
        let _ = super::survive(the_file, 1, |_| ());
        let before = action().map_err(error_text)?;
        let (ended, has_ended) = std::sync::mpsc::channel::<()>();
        let (the_turns, both) = (&theirs, &AtomicBool::new(false));
        let (first, entered) = std::thread::scope(|threads| {
            let second = threads.spawn(move || {
                let (mut turns, mut how, mut entered) = (the_turns, [0], String::new());
                while turns.read_exact(&mut how).is_ok() {
                    let got_in = if how == [Second::TRIES] {
                        super::survive(the_file, 1, |_| ()).is_ok()
                    } else {
                        let got = super::survive(the_file, 4 * page, |mapping| {
                            mapping.load(page);
                            let _ = turns.write_all(&[1]);
                            let _ = has_ended.recv();
                            // If both run, all is said, and a handler may be there that would run for ever.
                            if both.load(Ordering::Relaxed) { 0 } else { mapping.load(3 * page) }
                        });
                        entered = format!("{got:?}");
                        false
                    };
                    let _ = turns.write_all(&[u8::from(got_in)]);
                }
                entered
            });
            if place == Place::Beginning {
                mark();
            }
            let first = super::survive(the_file, 4 * page, |mapping| {
                both.store(place == Place::Beginning, Ordering::Relaxed);
                mapping.load(2 * page);
                mark();
            });
            mark();
            drop(ended);
            let _ = theirs.shutdown(std::net::Shutdown::Both);
            (first, second.join().unwrap_or_default())
        });
        let same = action().map_err(error_text)? == before;
        let said = format!("{first:?}, {entered}, {same}");
        (&mut &*the_reply).write_all(said.as_bytes()).map_err(error_text)
    };
    let mut second = Second(ours);
    after_each_marked_instruction(|| Ok(()), act, |step| look(step, &mut second))?;
    Ok(String::from_utf8_lossy(&contents(&reply)?).into_owned())
}

/// The first instruction, of those that are tried, after which the second thread is refused or gets in again. None if there is none,
/// or if it waits somewhere.
fn first_change(place: Place, after: u64, every: u64) -> Result<Option<u64>, Failure> {
    let (mut change, mut waits) = (None, false);
    let all = two_threads(place, |step, second| {
        if step <= after || step % every != 0 {
            return Ok(());
        }
        let gets_in = second.gets_in(Second::TRIES);
        waits = gets_in.is_none();
        change = gets_in.filter(|&gets_in| gets_in == (place == Place::End)).map(|_| step);
        // That is enough.
        if waits || change.is_some() { Err(io::Error::from(io::ErrorKind::Interrupted).into()) } else { Ok(()) }
    });
    if waits || change.is_some() { Ok(change) } else { all.map(|_| None) }
}

/// Whoever looks first and says later that it runs is found where it has looked and not said it; whoever lets others in
/// too early, where it has something left to do.
fn another_thread_enters(place: Place) -> Result<(), Failure> {
    const EVERY: u64 = 32;
    let change = match place {
        Place::Beginning => match first_change(place, 0, EVERY)? {
            Some(roughly) => first_change(place, roughly - EVERY, 1)?,
            None => None,
        },
        // A few instructions later is as good.
        Place::End => first_change(place, 0, EVERY / 8)?,
    };
    let Some(change) = change else { return Ok(()) };
    let (at, first, given) = match place {
        Place::Beginning => (
            change - 1,
            "Err(Call(EBUSY))",
            text!(
                "a thread is stopped in `survive` just before other threads are refused; another one enters, and then the \
                 first one goes on",
                "一个线程停在 `survive` 里，恰在别的线程要被拒绝之前；这时另一个线程进入，然后前一个继续执行"
            ),
        ),
        Place::End => (
            change,
            "Err(Page(2))",
            text!(
                "after its body, which has missed page 2, a thread is stopped in `survive` as soon as other threads are no \
                 longer refused; another one enters, and then the first one goes on",
                "一个线程的 body 访问过不存在的第 2 页，随后停在 `survive` 里，恰在别的线程不再被拒绝的时候；这时另一个线程进入，然后前一个继续执行"
            ),
        ),
    };
    let mut entered = None;
    let got = two_threads(place, |step, second| {
        if step == at {
            entered = second.gets_in(Second::ENTERS);
        }
        Ok(())
    })
    .map_err(|failure| failure.given(given.clone()))?;
    let expected = format!("{first}, Err(Page(1)), true");
    ensure(got == expected || entered != Some(true), || {
        Failure::new(
            text!(
                "the result of the first thread, that of the second, whose body misses page 1, and whether the action for \
                 SIGBUS is restored: {expected}",
                "第一个线程的返回值、第二个线程（body 访问不存在的第 1 页）的返回值，以及 SIGBUS 的处置方式是否已恢复：{expected}"
            ),
            text!("{got}", "{got}"),
        )
        .given(given)
        .breaks(
            "4:exchange",
            text!(
                "to look at a flag and to set it has to be one step (swap, compare_exchange); what it protects is put right \
                 before others are let in",
                "查看标志和设置标志必须是同一步（swap、compare_exchange）；它所保护的，要在放别人进来之前恢复好"
            ),
        )
    })
}

/// A `survive` while another one is running, whose body then misses page 1.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Inner {
    Nested,
    AfterAMiss,
    Twice,
    Empty,
    TooLong,
    InAnotherThread,
}

impl Inner {
    fn in_words(&self) -> Text {
        match self {
            Inner::Nested => text!(
                "a file of 10 bytes; the body calls `survive`, and then loads from page 1",
                "10 字节的文件；body 里调用 `survive`，然后读第 1 页"
            ),
            Inner::AfterAMiss => text!(
                "a file of 10 bytes; the body loads from page 1, calls `survive`, and then loads from page 1 again",
                "10 字节的文件；body 先读第 1 页，再调用 `survive`，然后又读第 1 页"
            ),
            Inner::Twice => text!(
                "a file of 10 bytes; the body calls `survive` twice, and then loads from page 1",
                "10 字节的文件；body 里两次调用 `survive`，然后读第 1 页"
            ),
            Inner::Empty => text!(
                "a file of 10 bytes; the body calls `survive` with a length of 0, and then loads from page 1",
                "10 字节的文件；body 里以长度 0 调用 `survive`，然后读第 1 页"
            ),
            Inner::TooLong => text!(
                "a file of 10 bytes; the body calls `survive` with the length 2^64 - 1, and then loads from page 1",
                "10 字节的文件；body 里以长度 2^64 - 1 调用 `survive`，然后读第 1 页"
            ),
            Inner::InAnotherThread => text!(
                "a file of 10 bytes; a thread that the body starts calls `survive`, and then the body loads from page 1",
                "10 字节的文件；body 启动的线程调用 `survive`，然后 body 读第 1 页"
            ),
        }
    }
}

/// How a call of `survive` ends.
#[derive(Debug, Clone, Copy)]
enum Ending {
    Answer,
    Missed,
    Panic,
    MissedAndPanic,
    Refused,
}

impl Ending {
    fn in_words(&self) -> Text {
        let first = match self {
            Ending::Answer => {
                text!("a body that misses no page; SIGBUS is blocked", "body 访问的页都在；SIGBUS 被阻塞")
            }
            Ending::Missed => text!("a body that misses pages", "body 访问了不存在的页"),
            Ending::Panic => text!("a body that panics; SIGBUS is blocked", "body 发生 panic；SIGBUS 被阻塞"),
            Ending::MissedAndPanic => {
                text!("a body that misses a page and panics", "body 访问不存在的页之后发生 panic")
            }
            Ending::Refused => text!("a length of 0; SIGBUS is blocked", "长度为 0；SIGBUS 被阻塞"),
        };
        let Text { en, zh } = first;
        text!("{en}; then a second call, with a body that misses pages", "{zh}；随后第二次调用，body 访问了不存在的页")
    }

    /// Whether it is tried with SIGBUS blocked: only if no page is missed, so that this tests the mask alone.
    fn blocks(self) -> bool {
        matches!(self, Ending::Answer | Ending::Panic | Ending::Refused)
    }

    /// The result, as text.
    fn reach(self, file: &File) -> String {
        let page = page_size();
        let length = if matches!(self, Ending::Refused) { 0 } else { 4 * page };
        // Without a message, which would be taken for the check's.
        let panic = || resume_unwind(Box::new(BodyPanic));
        let call = || {
            super::survive(file, length, |mapping| match self {
                Ending::Answer | Ending::Refused => mapping.load(0),
                Ending::Missed => mapping.load(3 * page).wrapping_add(mapping.load(page)),
                Ending::Panic => panic(),
                Ending::MissedAndPanic => {
                    mapping.load(2 * page);
                    panic()
                }
            })
        };
        match catch_unwind(AssertUnwindSafe(call)) {
            Ok(answer) => format!("{answer:?}"),
            // The body's own panic has come through; any other panic is the answer's.
            Err(panic) if panic.is::<BodyPanic>() => "the body's panic".to_owned(),
            Err(panic) => resume_unwind(panic),
        }
    }
}

/// The payload of the body's own panic.
struct BodyPanic;

/// An action for SIGBUS.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Action {
    handler: usize,
    flags: i32,
    mask: SigSet,
}

/// The action for SIGBUS.
fn action() -> io::Result<Action> {
    let mut action = MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: sets nothing, and writes what is set into `action`.
    Errno::result(unsafe { libc::sigaction(libc::SIGBUS, std::ptr::null(), action.as_mut_ptr()) })?;
    // SAFETY: filled in by the call, which has succeeded.
    let action = unsafe { action.assume_init() };
    let mut mask = SigSet::empty();
    for signal in Signal::iterator() {
        // SAFETY: the set was filled in by the call.
        if unsafe { libc::sigismember(&raw const action.sa_mask, signal as i32) } == 1 {
            mask.add(signal);
        }
    }
    Ok(Action { handler: action.sa_sigaction, flags: action.sa_flags, mask })
}

#[test]
fn leaves_the_process_as_it_was() {
    let law = text!(
        "sigaction(2), pthread_sigmask(3): an action or a mask that is set for a while is set back, even in a panic",
        "sigaction(2)、pthread_sigmask(3)：只用一段时间的处置方式和掩码，用完要恢复原样，panic 经过时也不例外"
    );
    check("reporting_handler", law, || {
        if !reports_a_missing_page()? {
            return Ok(());
        }
        let all = [Ending::Answer, Ending::Missed, Ending::Panic, Ending::MissedAndPanic, Ending::Refused];
        for_each(all, Ending::in_words, |&end| {
            let (_directory, _, file) = named_file(&pattern(10))?;
            let (got, same, kept, next, changed) = ask(|| -> Result<_, String> {
                let sigbus = SigSet::from(Signal::SIGBUS);
                SigSet::from(Signal::SIGUSR1).thread_block().map_err(error_text)?;
                if end.blocks() {
                    sigbus.thread_block().map_err(error_text)?;
                }
                let before = (action().map_err(error_text)?, SigSet::thread_get_mask().map_err(error_text)?);
                let (got, kept) = counting(|| end.reach(&file))?;
                let after = (action().map_err(error_text)?, SigSet::thread_get_mask().map_err(error_text)?);
                sigbus.thread_unblock().map_err(error_text)?;
                let next = Ending::Missed.reach(&file);
                // The action from before is another one at each call.
                set_informed(make_longer_if_told);
                let other = action().map_err(error_text)?;
                Ending::Missed.reach(&file);
                let changed = action().map_err(error_text)? == other;
                Ok((got, [before.0 == after.0, before.1 == after.1], kept, next, changed))
            })?
            .map_err(io::Error::other)?;
            let expected = match end {
                Ending::Answer => "Ok(1)",
                Ending::Missed => "Err(Page(3))",
                Ending::Panic | Ending::MissedAndPanic => "the body's panic",
                Ending::Refused => "Err(Call(EINVAL))",
            };
            ensure(got == expected, || Failure::new(text!("{expected}", "{expected}"), text!("{got}", "{got}")))?;
            // The same is checked without a panic before, so the panic is the cause.
            let by_panic = |failure: Failure| match end {
                Ending::Panic | Ending::MissedAndPanic => failure.shows(&belief::WHAT_FOLLOWS_ALWAYS_RUNS),
                _ => failure,
            };
            let [action, mask] = same;
            ensure(action, || {
                Failure::new(
                    text!("the action for SIGBUS is restored", "SIGBUS 的处置方式与之前相同"),
                    text!("it is another one", "它变了"),
                )
            })
            .map_err(by_panic)?;
            ensure(mask, || {
                Failure::new(
                    text!("the thread's signal mask is restored", "线程的信号掩码与之前相同"),
                    text!("it is another one", "它变了"),
                )
            })
            .map_err(by_panic)?;
            nothing_left(kept).map_err(by_panic)?;
            ensure(next == "Err(Page(3))", || {
                Failure::new(
                    text!(
                        "a second `survive`, whose body loads from page 3 and then from page 1, gives Err(Page(3))",
                        "第二次 `survive` 的 body 先读第 3 页、再读第 1 页，得到 Err(Page(3))"
                    ),
                    text!("{next}", "{next}"),
                )
            })
            .map_err(|failure| {
                by_panic(failure).breaks(
                    "reporting_handler",
                    text!(
                        "what a handler knows is static: the next call finds there what the last one has left",
                        "处理函数能用的状态都是静态的：上一次调用留下什么，下一次调用就看到什么"
                    ),
                )
            })?;
            ensure(changed, || {
                Failure::new(
                    text!(
                        "the program sets another action for SIGBUS, with SA_SIGINFO and SA_RESETHAND; a third `survive` \
                         restores that one",
                        "程序改设另一种 SIGBUS 处置方式（带 SA_SIGINFO 和 SA_RESETHAND），第三次 `survive` 之后恢复的应当是它"
                    ),
                    text!("the action afterwards is not that one", "之后的处置方式不是它"),
                )
            })?;
            leaves_no_memory(|| _ = end.reach(&file)).map_err(by_panic)
        })?;
        another_blocked_signal()
    });
}

/// It stays blocked while the body runs.
fn another_blocked_signal() -> Result<(), Failure> {
    let (_directory, _, file) = named_file(&pattern(10))?;
    let is_blocked = ask(|| -> Result<_, String> {
        SigSet::from_iter([Signal::SIGBUS, Signal::SIGUSR1]).thread_block().map_err(error_text)?;
        let in_body = |_: &Mapping| SigSet::thread_get_mask().map(|mask| mask.contains(Signal::SIGUSR1));
        Ok(super::survive(&file, 1, in_body)
            .map(|mask| mask.map_err(error_text))
            .map_err(|missed| format!("{missed:?}")))
    })?
    .map_err(io::Error::other)?;
    ensure(is_blocked == Ok(Ok(true)), || {
        Failure::new(
            text!(
                "SIGUSR1 stays blocked in the thread while the body runs",
                "body 运行期间，线程里的 SIGUSR1 仍被阻塞"
            ),
            match is_blocked {
                Ok(_) => text!("it is not blocked there", "它没有被阻塞"),
                Err(missed) => text!("the result Err({missed})", "返回 Err({missed})"),
            },
        )
        .given(text!("a thread that has SIGBUS and SIGUSR1 blocked", "线程阻塞了 SIGBUS 和 SIGUSR1"))
        .breaks(
            "reporting_handler",
            text!(
                "pthread_sigmask(3): SIG_UNBLOCK unblocks the signals of its set and no other; SIG_SETMASK replaces the \
                 whole mask",
                "pthread_sigmask(3)：SIG_UNBLOCK 只解除集合中那些信号的阻塞；SIG_SETMASK 则替换整个掩码"
            ),
        )
    })
}
