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
        text!(
            "a file of {size} bytes, {length} bytes mapped, {accesses:?}{en}",
            "{size} 字节的文件，映射 {length} 字节，依次访问 {accesses:?}{zh}"
        )
    }

    /// Runs it in this process: the result, and what the body saw.
    fn run(&self, file: &File) -> Result<(String, Vec<u8>), String> {
        if self.blocked {
            SigSet::from(Signal::SIGBUS).thread_block().map_err(error_text)?;
        }
        let mut seen = Vec::new();
        let answer = super::survive(file, self.length, |mapping| {
            seen = self.access(mapping, file);
            "the body's answer"
        });
        Ok((format!("{answer:?}"), seen))
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

/// The way it died shows what it relied on: a SIGBUS that is ignored or blocked kills without calling the handler that
/// reports the fault, and a panic that leaves a handler is SIGABRT.
fn and_why(failure: Failure) -> Failure {
    match (failure.died_of(), failure.signal.as_deref()) {
        (Some(Cause::NoPage), _) => failure.shows(&belief::FAULT_CAN_BE_CAUGHT),
        (None, Some("SIGBUS")) => failure.shows(&belief::SIGBUS_CAN_BE_IGNORED),
        (None, Some("SIGABRT")) => failure.shows(&belief::HANDLER_IS_LIKE_ANY_FUNCTION),
        _ => failure,
    }
}

#[test]
fn returns_the_result_or_the_first_missing_page() {
    let law = text!(
        "sigaction(2): the handler of a fault gets si_addr; when it returns, the same instruction runs again",
        "sigaction(2)：访问出错时，处理函数能从 si_addr 得到地址；处理函数返回后，同一条指令重新执行"
    );
    check("guarded", law, || {
        let page = page_size();
        let test = |case: &Case| {
            let (_directory, path, file) = named_file(&pattern(case.size))?;
            let (got, saw) = ask(|| case.run(&file)).map_err(and_why)?.map_err(io::Error::other)?;
            let (answer, seen, content) = case.expected();
            ensure(got == answer, || Failure::new(text!("{answer}", "{answer}"), text!("{got}", "{got}")))?;
            ensure(saw == seen, || {
                Failure::new(
                    text!("the body sees {seen:?}", "body 依次看到 {seen:?}"),
                    text!("it saw {saw:?}", "实际看到 {saw:?}"),
                )
            })?;
            let after = fs::read(&path)?;
            ensure(after == content, || {
                let (had, has) = (content.len(), after.len());
                Failure::new(
                    text!(
                        "{had} bytes in the file, changed by the stores alone",
                        "文件有 {had} 字节，只有这些写入改动了它"
                    ),
                    text!(
                        "it has {has} bytes, and the first that differs is {:?}",
                        "文件有 {has} 字节，第一个不符的字节位于 {:?}",
                        difference(&after, &content).map(|differs| differs.at)
                    ),
                )
            })
        };
        let case =
            |size, length, accesses: &[Access]| Case { size, length, accesses: accesses.to_vec(), blocked: false };
        let edges = [
            case(page, page, &[Access::Load(0), Access::Store(page - 1)]),
            case(0, 1, &[Access::Load(0)]),
            case(10, page, &[Access::Store(page - 1), Access::Load(page - 1)]),
            case(10, 3 * page, &[Access::Store(2 * page + 5), Access::Load(page), Access::Store(9), Access::Load(0)]),
            // No access finds its page missing, though the mapping is longer than the file.
            case(1, 3 * page, &[Access::Load(0), Access::Load(page - 1)]),
            Case { blocked: true, ..case(page + 1, 2 * page + 1, &[Access::Load(page), Access::Load(2 * page)]) },
        ];
        for_each(edges, Case::in_words, test)?;
        for_all(cases(), Case::in_words, test)
    });
}

/// What happens while the body runs.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// The body loads this byte.
    Load(usize),
    /// Another process gives the file this size, with its bytes.
    Size(usize),
}

#[test]
fn notices_a_page_that_was_gone_for_a_moment() {
    let law = text!(
        "what counts is the size at the moment of the access; fstat(2) reports it before or after that",
        "决定一次访问成败的是那一刻的文件大小：之前或之后的 fstat(2) 说的都是别的时刻"
    );
    check("deaths", law, || {
        use Step::{Load, Size};
        let page = page_size();
        let two = 2 * page;
        let there = |at: usize| pattern(two)[at];
        let missed = |page: usize| format!("Err(Page({page}))");
        let cases: [(usize, &[Step], String); 6] = [
            (two, &[Load(0), Size(0), Load(page), Size(two), Load(0)], missed(1)),
            (two, &[Load(page), Size(page), Load(page), Size(two)], missed(1)),
            (two, &[Size(0), Load(page + 7), Load(0), Size(two)], missed(1)),
            (two, &[Load(page), Size(0), Size(two), Load(page)], format!("Ok({:?})", [there(page); 2])),
            (0, &[Size(two), Load(page), Load(0), Size(0)], format!("Ok({:?})", [there(page), there(0)])),
            (two, &[Load(page), Size(page), Load(0)], format!("Ok({:?})", [there(page), there(0)])),
        ];
        for_each(
            cases,
            |(size, steps, _)| {
                text!(
                    "a file of {size} bytes, {two} bytes mapped; the body's loads, and the sizes that another \
                     process gives the file meanwhile: {steps:?}",
                    "{size} 字节的文件，映射 {two} 字节；body 的读取与另一进程同时设置的文件大小依次为：{steps:?}"
                )
            },
            |(size, steps, expected)| {
                let (_directory, _, file) = named_file(&pattern(*size))?;
                let mut player = start(|peer| {
                    let body = |mapping: &Mapping| -> io::Result<Vec<u8>> {
                        let mut seen = Vec::new();
                        for step in *steps {
                            match step {
                                Load(at) => seen.push(mapping.load(*at)),
                                Size(_) => {
                                    peer.give_turn()?;
                                    peer.await_turn()?;
                                }
                            }
                        }
                        Ok(seen)
                    };
                    let answer = match super::survive(&file, two, body) {
                        Ok(seen) => format!("Ok({:?})", seen.map_err(error_text)?),
                        Err(missed) => format!("Err({missed:?})"),
                    };
                    peer.send(answer.as_bytes()).map_err(error_text)
                })?;
                let why = |failure: Failure| match failure.died_of() {
                    Some(Cause::NoPage) => failure.shows(&belief::SIZE_COUNTS_WHEN_MAPPED),
                    _ => failure,
                };
                for step in *steps {
                    if let Size(size) = step {
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
                    let failure = Failure::new(text!("{expected}", "{expected}"), text!("{got}", "{got}"));
                    // Where a page was missed and is back, an Ok has zeros in it.
                    if expected.starts_with("Err") && got.starts_with("Ok") {
                        failure.shows(&belief::SIZE_AFTERWARDS_TELLS)
                    } else {
                        failure
                    }
                })
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
        match super::survive(&file, page, |mapping| [mapping.load(0), mapping.load(page - 1)]) {
            Ok(seen) => {
                came.store(0, had);
                came.write(1, &seen);
            }
            Err(error) => came.store(0, if format!("{error:?}") == "Page(0)" { missed } else { other }),
        }
        Ok(())
    };
    after_each_instruction(
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
            Err(failure.shows(&belief::SIZE_AFTERWARDS_TELLS))
        }
        _ => Err(Failure::new(expected, text!("another error", "别的错误"))),
    }
}

/// The descriptor of a file that [`make_longer`] makes longer.
static SHORT: AtomicI32 = AtomicI32::new(-1);

/// A handler of the check's own: gives the file a page, so that the access that raised the signal succeeds.
extern "C" fn make_longer(_: i32) {
    // SAFETY: ftruncate(2) is async-signal-safe and accesses no memory of ours.
    unsafe { libc::ftruncate(SHORT.load(Ordering::Relaxed), 1) };
}

/// Sets the action for SIGBUS to a handler without SA_SIGINFO, to SIG_IGN or to SIG_DFL.
fn set_action(handler: libc::sighandler_t) {
    // SAFETY: the callers pass `make_longer`, which does only what is async-signal-safe, or no handler at all.
    unsafe { libc::signal(libc::SIGBUS, handler) };
}

/// A SIGBUS that has nothing to do with the mapping.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Other {
    Access,
    Sent,
    SentWithAddress,
    AccessWithHandler,
    SentAndIgnored,
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
            Other::SentAndIgnored => {
                text!(
                    "another process sends a SIGBUS to a process that ignores it",
                    "另一个进程向忽略 SIGBUS 的进程发送 SIGBUS"
                )
            }
        }
    }

    fn happen(self, mapping: &Mapping, other: &Mapping) {
        match self {
            Other::SentWithAddress => send_with(mapping.address()),
            Other::Access | Other::AccessWithHandler => _ = other.load(0),
            // SAFETY: raise(3) accesses no memory of ours.
            Other::Sent | Other::SentAndIgnored => _ = unsafe { libc::raise(libc::SIGBUS) },
        }
    }
}

/// How far the body got. It misses a page of its own mapping, and then gets a SIGBUS of another kind.
const SURVIVED_ITS_OWN: u8 = 1;
const RETURNED: u8 = 2;

/// For an action from before that lets the process live: a handler that makes a page, or SIG_IGN.
fn lives(got: &str, reached: u8, handled: bool) -> Result<(), Failure> {
    ensure(got == "Err(Page(0))" && reached == RETURNED && handled, || {
        let ended = reached == RETURNED;
        Failure::new(
            text!(
                "the previous action is in force, the body goes on, and the answer is Err(Page(0))",
                "先前的处置方式照常生效，body 继续执行，得到 Err(Page(0))"
            ),
            text!(
                "{got}; the previous action was in force: {handled}; the body returned: {ended}",
                "{got}；先前的处置方式已生效：{handled}；body 已执行完：{ended}"
            ),
        )
    })
}

/// For an action from before that kills.
fn dies(answered: Result<String, Failure>, reached: u8) -> Result<(), Failure> {
    match answered {
        Err(failure) if reached == SURVIVED_ITS_OWN && failure.signal.as_deref() == Some("SIGBUS") => Ok(()),
        Err(failure) => Err(failure),
        Ok(got) => {
            let ended = reached == RETURNED;
            let lived = Failure::new(
                text!(
                    "SIGBUS kills the process, as it does without `survive`",
                    "进程被 SIGBUS 杀死，与没有 `survive` 时一样"
                ),
                text!(
                    "the process lived on, and the answer was {got}; the body returned: {ended}",
                    "进程继续运行，得到 {got}；body 已执行完：{ended}"
                ),
            );
            Err(if ended { lived.shows(&belief::HANDLER_IS_FOR_ONE_MAPPING) } else { lived })
        }
    }
}

#[test]
fn leaves_every_other_sigbus_to_the_action_from_before() {
    let law = text!(
        "signal(7): the action for a signal belongs to the whole process, not to a mapping",
        "signal(7)：信号的处置方式属于整个进程，不属于某个映射"
    );
    check("guarded", law, || {
        use Other::{Access, AccessWithHandler, Sent, SentAndIgnored, SentWithAddress};
        let all = [Access, Sent, SentWithAddress, AccessWithHandler, SentAndIgnored];
        for_each(all, Other::in_words, |&what| {
            let (_directory, _, file) = named_file(b"")?;
            let (_other_directory, _, other_file) = named_file(b"")?;
            let other = Mapping::of_file(&other_file, 0, 1, READ_WRITE, Sharing::Shared)?;
            // Where the child records how far it got: its private memory dies with it.
            let reached = Mapping::anonymous(1, READ_WRITE, Sharing::Shared)?;
            let answered = ask(|| {
                SHORT.store(other_file.as_raw_fd(), Ordering::Relaxed);
                match what {
                    Other::Access | Other::Sent | Other::SentWithAddress => set_action(libc::SIG_DFL),
                    Other::AccessWithHandler => set_action(make_longer as *const () as libc::sighandler_t),
                    Other::SentAndIgnored => set_action(libc::SIG_IGN),
                }
                let answer = super::survive(&file, 1, |mapping| {
                    mapping.load(0);
                    reached.store(0, SURVIVED_ITS_OWN);
                    what.happen(mapping, &other);
                    reached.store(0, RETURNED);
                });
                format!("{answer:?}")
            });
            let reached = reached.load(0);
            let answered = answered.map_err(|failure| match reached {
                0 => failure.given(text!(
                    "the body's first access, to a page of its own mapping that the file does not have",
                    "body 的第一次访问：它自己的映射中，文件没有的那一页"
                )),
                _ => failure,
            });
            match what {
                Other::Access | Other::Sent | Other::SentWithAddress => dies(answered, reached),
                Other::AccessWithHandler => lives(&answered?, reached, other_file.metadata()?.len() == 1),
                Other::SentAndIgnored => lives(&answered?, reached, true),
            }
        })
    });
}

#[test]
fn lets_only_one_run_at_a_time() {
    let law = text!(
        "a handler has only static state: two that run at once would share it",
        "处理函数能用的状态都是静态的：两个同时运行就会共用它"
    );
    check("guarded", law, || {
        let (_directory, _, file) = named_file(&pattern(10))?;
        let two = 2 * page_size();
        let (outer, inner, ran, next) = ask(|| {
            let (mut inner, mut ran) = (String::new(), false);
            let outer = super::survive(&file, two, |mapping| {
                let answer = super::survive(&file, two, |_| ran = true);
                inner = format!("{answer:?}");
                mapping.load(page_size())
            });
            let next = super::survive(&file, two, |mapping| mapping.load(9));
            (format!("{outer:?}"), inner, ran, format!("{next:?}"))
        })
        .map_err(|failure| {
            and_why(failure)
                .given(text!("a `survive` in the body of another", "在一个 `survive` 的 body 里再调用 `survive`"))
        })?;
        let expected = ("Err(Page(1))", "Err(Call(EBUSY))", false, "Ok(10)");
        ensure((outer.as_str(), inner.as_str(), ran, next.as_str()) == expected, || {
            Failure::new(
                text!(
                    "Err(Page(1)) outside, Err(Call(EBUSY)) inside without running its body, then Ok(10)",
                    "外层 Err(Page(1))，内层 Err(Call(EBUSY)) 且不运行其 body，随后再调用得到 Ok(10)"
                ),
                text!(
                    "{outer} outside, {inner} inside (its body ran: {ran}), then {next}",
                    "外层 {outer}，内层 {inner}（其 body 已运行：{ran}），随后 {next}"
                ),
            )
        })
    });
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

/// The action for SIGBUS: the handler's address and its flags.
fn action() -> io::Result<(usize, i32)> {
    let mut action = MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: sets nothing, and writes what is set into `action`.
    Errno::result(unsafe { libc::sigaction(libc::SIGBUS, std::ptr::null(), action.as_mut_ptr()) })?;
    // SAFETY: filled in by the call, which has succeeded.
    let action = unsafe { action.assume_init() };
    Ok((action.sa_sigaction, action.sa_flags))
}

#[test]
fn leaves_the_process_as_it_was() {
    let law = text!(
        "sigaction(2), pthread_sigmask(3) and munmap(2): a function restores what it has changed, even in a panic",
        "sigaction(2)、pthread_sigmask(3)、munmap(2)：函数设置过的要恢复原样，panic 经过时也不例外"
    );
    check("2:mapping", law, || {
        let all = [Ending::Answer, Ending::Missed, Ending::Panic, Ending::MissedAndPanic, Ending::Refused];
        for_each(all, Ending::in_words, |&end| {
            let (_directory, _, file) = named_file(&pattern(10))?;
            let (got, same, kept, next) = ask(|| -> Result<_, String> {
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
                Ok((got, [before.0 == after.0, before.1 == after.1], kept, next))
            })
            .map_err(and_why)?
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
                    text!("the next `survive` names page 3", "下一次 `survive` 给出第 3 页"),
                    text!("{next}", "{next}"),
                )
            })
            .map_err(by_panic)
        })
    });
}
