use super::*;

fn rule() -> Text {
    text!(
        "fork(2): a private mapping is private between parent and child, too: the stores of each make copies of its \
         own. An exit status has 8 bits, and any code may call exit(0).",
        "fork(2)：私有映射在父子进程之间也是私有的，各自的写入产生各自的副本。退出状态只有 8 位，而且任何代码都可以调用 exit(0)。"
    )
}

/// Numbers that an answer may have taken for a sign of something else.
const SIGNS: [u64; 27] = [
    77,
    u64::MAX,
    0,
    1,
    2,
    42,
    101,
    127,
    128,
    134,
    255,
    256,
    511,
    0x7fff_ffff,
    0xdead_beef,
    0xffff_ffff,
    1 << 32,
    (1 << 63) - 1,
    1 << 63,
    u64::MAX - 1,
    u64::MAX - 255,
    u64::MAX - 4095,
    0xdead_beef_dead_beef,
    0xaaaa_aaaa_aaaa_aaaa,
    0x5555_5555_5555_5555,
    0x0101_0101_0101_0101,
    0x0a0a_0a0a_0a0a_0a0a,
];

/// Why a read never ends.
fn ends_rule() -> Text {
    text!(
        "A read from a pipe or a socket ends only when every copy of the other end is closed. fork(2) copies them all: the \
         parent has to close its own copy, too.",
        "从管道或套接字读取，要等另一端的每一份副本都关闭，才会读到结尾。fork(2) 把描述符都复制了一份，父进程自己那一份也得关闭。"
    )
}

/// The failure of a call that may still wait for the child's answer.
fn of_waiting(failure: Failure) -> Failure {
    if failure.verdict == Verdict::TimedOut { failure.breaks("observe", ends_rule()) } else { failure }
}

/// Whether it brings back a number. Where it doesn't, [`brings_back_any_number_and_leaves_the_draft_alone`] says so.
fn brings_back_a_number() -> Result<bool, Failure> {
    knows_the_basics(judged(|| {
        let draft = draft_of(&unnamed_file(&original())?)?;
        returns(&super::what_if(&draft, |_| 77).map_err(kind), &77)
    }))
}

/// And whether it ends when explore panics, and leaves no child. Where it doesn't, [`a_child_that_ends_early_is_an_error`]
/// says so.
fn comes_back() -> Result<bool, Failure> {
    if !brings_back_a_number()? {
        return Ok(false);
    }
    let ended = in_child(|| {
        let draft = draft_of(&unnamed_file(&original())?)?;
        let _ = super::what_if(&draft, |_| panic!("explore"));
        Ok(())
    });
    // Of other ends, other checks have more to say.
    let no_end = |failure: &Failure| matches!(failure.verdict, Verdict::TimedOut | Verdict::LeftProcesses);
    knows_the_basics(ended.or_else(|failure| if no_end(&failure) { Err(failure) } else { Ok(()) }))
}

#[test]
fn brings_back_any_number_and_leaves_the_draft_alone() {
    check("observe", rule(), || {
        let bring = |numbers: &[u64]| {
            judged(|| {
                let file = unnamed_file(&original())?;
                let draft = draft_of(&file)?;
                let seen = Mapping::anonymous(page_size(), READ_WRITE, Sharing::Shared)?;
                draft.store(1, STORED - 1);
                for &number in numbers {
                    brings_back(&draft, &seen, number).map_err(|failure| failure.given(stores_and_returns(&number)))?;
                }
                let mut wanted = original();
                same_bytes(text!("the file is as it was", "文件保持原样"), &contents(&file)?, &wanted)?;
                wanted[1] = STORED - 1;
                same_bytes(text!("the draft is as it was", "草稿保持原样"), &loaded(&draft), &wanted)
            })
        };
        bring(&SIGNS).map_err(of_waiting)?;
        brings_back_what_lies_where_the_answer_goes()?;
        explore_may_call_it_itself()?;
        for_all_n(8, any::<u64>(), stores_and_returns, |&number| bring(&[number]))
    });
}

/// A number that an answer puts beforehand where the child's number will go means "none" to it. Explore finds it there,
/// in the memory that parent and child share, and returns it.
fn brings_back_what_lies_where_the_answer_goes() -> Result<(), Failure> {
    judged(|| {
        let shared = Mapping::anonymous(page_size(), READ_WRITE, Sharing::Shared)?;
        let ours: HashSet<usize> = maps_of_process(Pid::this())?.iter().map(|area| area.range().start).collect();
        let draft = draft_of(&unnamed_file(&original())?)?;
        let answer = super::what_if(&draft, |_| {
            let areas = maps_of_process(Pid::this()).unwrap_or_default();
            let new = areas.iter().filter(|area| area.permissions() == "rw-s" && !ours.contains(&area.range().start));
            let words = new.flat_map(|area| area.range().step_by(8).take(4));
            // SAFETY: the words are mapped for reading, and no thread of this process stores to them.
            let mut numbers = words.map(|at| unsafe { std::ptr::with_exposed_provenance::<u64>(at).read_volatile() });
            let number = numbers.find(|&number| number != 0).unwrap_or(u64::MAX);
            shared.long_word(0).store(number, Ordering::Relaxed);
            number
        });
        let number = shared.long_word(0).load(Ordering::Relaxed);
        returns(&answer.map_err(kind), &number).map_err(|failure| {
            failure.given(text!(
                "explore returns the number that lies in the memory that it shares with its parent, which is {number}",
                "explore 返回与父进程共享的内存中原有的数 {number}"
            ))
        })
    })
}

/// What it keeps in statics, or in memory that the processes share, is used twice at a time then.
fn explore_may_call_it_itself() -> Result<(), Failure> {
    judged(|| {
        let draft = draft_of(&unnamed_file(&original())?)?;
        let answer = super::what_if(&draft, |draft| super::what_if(draft, |_| 76).map_or(0, |number| number + 1));
        returns(&answer.map_err(kind), &77)
    })
    .map_err(|failure| {
        failure.given(text!(
            "explore itself calls what_if on the draft, with an explore that returns 76, and returns one more",
            "explore 自己又对草稿调用 what_if，里面的 explore 返回 76，外面的加一再返回"
        ))
    })
}

fn stores_and_returns(number: &u64) -> Text {
    text!(
        "explore stores {STORED:#04x} to each page and returns {number}",
        "explore 在每页写入 {STORED:#04x}，返回 {number}"
    )
}

/// `seen` is memory in which explore says what it has loaded.
fn brings_back(draft: &Mapping, seen: &Mapping, number: u64) -> Result<(), Failure> {
    let answer = closing_all(|| {
        super::what_if(draft, |draft| {
            seen.store(0, draft.load(1));
            (0..PAGES).for_each(|page| draft.store(page * page_size(), STORED));
            seen.store(1, draft.load(0));
            number
        })
    })?;
    let answer = answer.map_err(kind);
    returns(&answer, &number).map_err(|failure| {
        if number > 255 && answer == Ok(number & 0xff) {
            failure.shows(&belief::STATUS_HOLDS_A_NUMBER)
        } else {
            failure
        }
    })?;
    let (before, [first, second], after) = (STORED - 1, [0, 1].map(|at| seen.load(at)), draft.load(1));
    ensure((first, second) == (before, STORED), || {
        Failure::new(
            text!(
                "explore loads {before:#04x} from byte 1 of the draft, which was stored before the call, and then {STORED:#04x} \
                 from byte 0, which it has stored",
                "explore 从草稿偏移量 1 处读到调用之前写入的 {before:#04x}，再从偏移量 0 处读到自己写入的 {STORED:#04x}"
            ),
            text!("it loads {first:#04x}, and then {second:#04x}", "先读到 {first:#04x}，后读到 {second:#04x}"),
        )
    })?;
    ensure(after == before, || {
        Failure::new(
            text!(
                "this process's draft still has {before:#04x} at byte 1, which was stored before the call",
                "本进程的草稿偏移量 1 处仍是调用之前写入的 {before:#04x}"
            ),
            text!("it has {after:#04x}", "变成了 {after:#04x}"),
        )
    })
}

#[test]
fn a_child_that_ends_early_is_an_error() {
    let rule = text!(
        "A child may end before it has answered. What it has sent tells, and waitpid(2): the status says how it ended, and \
         any code may call exit(0), as if all had gone well.",
        "子进程可能还没回答就结束了。要看它发回了什么，也要看 waitpid(2) 给出的状态，那里写着它是怎么结束的；但任何代码都可以调用 exit(0)，看上去像是一切正常。"
    );
    check("observe", rule, || {
        if !brings_back_a_number()? {
            return Ok(());
        }
        type Explore = fn(&Mapping) -> u64;
        let ends: [(&str, &str, Explore); 13] = [
            ("panics", "发生 panic", |_| panic!("explore")),
            ("calls exit(0)", "调用 exit(0)", |_| std::process::exit(0)),
            ("calls exit(3)", "调用 exit(3)", |_| std::process::exit(3)),
            ("calls _exit(0)", "调用 _exit(0)", |_| leave(0)),
            ("calls _exit(1)", "调用 _exit(1)", |_| leave(1)),
            (
                "calls _exit with the status of a child that has answered",
                "以正常回答的子进程的状态调用 _exit",
                |_| leave(STATUS.load(Ordering::Relaxed)),
            ),
            ("aborts", "调用 abort", |_| std::process::abort()),
            ("kills its process with SIGKILL", "用 SIGKILL 杀死自己的进程", |_| killed(Signal::SIGKILL)),
            ("kills its process with SIGTERM", "用 SIGTERM 杀死自己的进程", |_| killed(Signal::SIGTERM)),
            ("kills its process with SIGINT", "用 SIGINT 杀死自己的进程", |_| killed(Signal::SIGINT)),
            ("kills its process with SIGHUP", "用 SIGHUP 杀死自己的进程", |_| killed(Signal::SIGHUP)),
            ("kills its process with SIGUSR1", "用 SIGUSR1 杀死自己的进程", |_| killed(Signal::SIGUSR1)),
            ("loads from address 8", "读地址 8", |_| {
                // SAFETY: nothing is mapped there, and SIGSEGV kills the child.
                u64::from(unsafe { load_at(8) })
            }),
        ];
        for_each(
            ends,
            |(en, zh, _)| {
                Text::new(
                    format!("a call in which explore returns 120, then one in which explore {en}"),
                    format!("先有一次调用，explore 返回 120；随后的一次调用中 explore {zh}"),
                )
            },
            |&(_, _, explore)| {
                let answer = in_child(|| {
                    let file = unnamed_file(&original())?;
                    let draft = draft_of(&file)?;
                    // Whatever this process has inherited.
                    for deadly in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGUSR1] {
                        // SAFETY: SIG_DFL is no handler of ours.
                        unsafe { signal(deadly, SigHandler::SigDfl) }?;
                    }
                    SigSet::empty().thread_set_mask()?;
                    note_statuses()?;
                    super::what_if(&draft, |_| 120)?;
                    Ok(super::what_if(&draft, explore).map_err(kind))
                })
                .map_err(of_waiting)?;
                ensure(answer.is_err(), || Failure::new(text!("an error", "返回错误"), told(&answer)))
            },
        )
    });
}

/// Ends the process by a signal, unless that is blocked or ignored.
fn killed(by: Signal) -> u64 {
    u64::from(raise(by).is_err())
}

/// Ends the process at once.
fn leave(status: i32) -> ! {
    // SAFETY: _exit(2) takes no pointer and does not return.
    unsafe { libc::_exit(status) }
}

/// The status of the last child of this process that has ended by exiting.
static STATUS: AtomicI32 = AtomicI32::new(0);

extern "C" fn note_status(_: i32, told: *mut libc::siginfo_t, _: *mut libc::c_void) {
    // SAFETY: the kernel passes a siginfo to a handler that was installed with SA_SIGINFO.
    let told = unsafe { &*told };
    // SAFETY: this is the handler of SIGCHLD, whose siginfo has the child's status.
    let status = unsafe { told.si_status() };
    if told.si_code == libc::CLD_EXITED {
        STATUS.store(status, Ordering::Relaxed);
    }
}

/// Installs a handler that keeps [`STATUS`]. It interrupts waits (no SA_RESTART).
fn note_statuses() -> std::io::Result<()> {
    let action = SigAction::new(SigHandler::SigAction(note_status), SaFlags::SA_SIGINFO, SigSet::empty());
    // SAFETY: the handler only stores to an atomic.
    unsafe { sigaction(Signal::SIGCHLD, &action) }?;
    Ok(())
}

/// The address of the counter in which [`at_the_end`] counts its runs, in a page that the processes share.
static END: AtomicUsize = AtomicUsize::new(0);

extern "C" fn at_the_end() {
    // SAFETY: the address is that of a shared mapping that is never unmapped.
    unsafe { &*std::ptr::with_exposed_provenance::<AtomicUsize>(END.load(Ordering::Relaxed)) }
        .fetch_add(1, Ordering::Relaxed);
}

#[test]
fn the_child_runs_no_exit_handlers() {
    let rule = text!(
        "_exit(2) ends a process at once; exit(3) first runs the functions that the parent has registered with \
         atexit(3), and writes out a second time the buffers that were copied from the parent.",
        "_exit(2) 立即结束进程；exit(3) 会先运行父进程用 atexit(3) 注册的函数，还会把从父进程复制来的缓冲区再写出一遍。"
    );
    check("observe", rule, || {
        if !comes_back()? {
            return Ok(());
        }
        for_each([false, true], returns_or_panics, |&panics| {
            let (runs, explored) = in_child(|| {
                let shared = Mapping::anonymous(page_size(), READ_WRITE, Sharing::Shared)?;
                END.store(shared.address(), Ordering::Relaxed);
                // SAFETY: the function is static and takes no argument.
                unsafe { libc::atexit(at_the_end) };
                let file = unnamed_file(&original())?;
                let draft = draft_of(&file)?;
                let explored = shared.long_word(8);
                // Other checks expect the number, or an error.
                let _ = super::what_if(&draft, |_| {
                    explored.fetch_add(1, Ordering::Relaxed);
                    seventy_seven_or_a_panic(panics)
                });
                let (runs, explored) = (shared.long_word(0).load(Ordering::Relaxed), explored.load(Ordering::Relaxed));
                std::mem::forget(shared);
                Ok((runs, explored))
            })?;
            ensure(explored == 1, || {
                Failure::new(text!("explore runs once", "explore 运行一次"), text!("{explored} times", "{explored} 次"))
            })?;
            ensure(runs == 0, || {
                Failure::new(
                    text!("the function that atexit(3) registered has not run", "atexit(3) 注册的函数没有运行"),
                    text!("the child ran it", "子进程运行了它"),
                )
            })
        })
    });
}

fn returns_or_panics(panics: &bool) -> Text {
    if *panics {
        text!("explore panics", "explore 发生 panic")
    } else {
        text!("explore returns 77", "explore 返回 77")
    }
}

fn seventy_seven_or_a_panic(panics: bool) -> u64 {
    assert!(!panics, "explore");
    77
}

/// Counts in shared memory how often it is dropped.
struct Frame<'a>(&'a Mapping);

impl Drop for Frame<'_> {
    fn drop(&mut self) {
        self.0.long_word(0).fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_panic_ends_in_the_child() {
    let rule = text!(
        "After fork(2) the child has a copy of its parent's stack. A panic that is not caught there unwinds the \
         parent's frames a second time: it removes temporary files that the parent still uses, and may end up in a \
         catch_unwind of the parent.",
        "fork(2) 之后，子进程也有父进程的栈。panic 若无人捕获，就会在子进程里把父进程的栈帧再展开一遍：父进程还在用的临时文件会被删掉，甚至会落进父进程的 catch_unwind。"
    );
    check("observe", rule, || {
        if !comes_back()? {
            return Ok(());
        }
        type Explore = fn() -> u64;
        let panics: [(&str, &str, Explore, Option<u64>); 3] = [
            ("explore panics", "explore 发生 panic", || panic!("explore"), None),
            (
                "explore panics (std::panic::panic_any), and the drop of what the panic carries panics, too",
                "explore 发生 panic（std::panic::panic_any），而这次 panic 所带的值析构时又发生 panic",
                || std::panic::panic_any(PanicsAgain),
                None,
            ),
            (
                "explore panics, catches that itself (std::panic::catch_unwind), and returns 77",
                "explore 发生 panic，自己用 std::panic::catch_unwind 捕获，然后返回 77",
                || std::panic::catch_unwind(|| panic!("explore")).map_or(77, |()| 0),
                Some(77),
            ),
        ];
        let describe =
            |(en, zh, ..): &(&str, &str, Explore, Option<u64>)| Text::new((*en).to_owned(), (*zh).to_owned());
        for_each(panics, describe, |&(_, _, explore, wanted)| {
            let (answer, explored, drops) = in_child(|| {
                let shared = Mapping::anonymous(page_size(), READ_WRITE, Sharing::Shared)?;
                let file = unnamed_file(&original())?;
                let draft = draft_of(&file)?;
                let frame = Frame(&shared);
                let answer = super::what_if(&draft, |_| {
                    shared.long_word(8).fetch_add(1, Ordering::Relaxed);
                    explore()
                });
                drop(frame);
                let [explored, drops] = [8, 0].map(|at| shared.long_word(at).load(Ordering::Relaxed));
                Ok((answer.map_err(kind), explored, drops))
            })
            .map_err(of_waiting)?;
            ensure((explored, drops) == (1, 1), || {
                Failure::new(
                    text!(
                        "explore runs once, and the caller's value is dropped once, by the caller",
                        "explore 运行一次；调用者持有的值只析构一次，由调用者自己析构"
                    ),
                    text!(
                        "runs of explore: {explored}; drops of the value: {drops}",
                        "explore 运行 {explored} 次，值析构 {drops} 次"
                    ),
                )
            })?;
            // Another check expects the error.
            wanted.map_or(Ok(()), |number| returns(&answer, &number))
        })
    });
}

/// What a panic may carry.
struct PanicsAgain;

impl Drop for PanicsAgain {
    fn drop(&mut self) {
        panic!("PanicsAgain::drop");
    }
}

#[test]
fn what_explore_captured_is_dropped() {
    let rule = text!(
        "fork(2): the child has copies of the parent's values and descriptors. What the child drops, and what it closes, \
         is still there in the parent.",
        "fork(2)：子进程拿到的是父进程的值和描述符的副本。子进程析构了值、关闭了描述符，父进程中的那一份仍然在。"
    );
    check("observe", rule, || {
        if !comes_back()? {
            return Ok(());
        }
        let ends: [(&str, &str, bool, bool); 3] = [
            ("explore returns 77", "explore 返回 77", false, false),
            ("explore panics", "explore 发生 panic", true, false),
            ("fork(2) fails with EAGAIN", "fork(2) 返回 EAGAIN", false, true),
        ];
        let describe = |(en, zh, ..): &(&str, &str, bool, bool)| {
            Text::new(
                format!("explore has captured a file (move); {en}"),
                format!("explore 以 move 捕获了一个打开的文件；{zh}"),
            )
        };
        for_each(ends, describe, |&(_, _, panics, refused)| {
            judged(|| {
                let draft = draft_of(&unnamed_file(&original())?)?;
                let before = open_descriptors()?;
                let file = tempfile::tempfile()?;
                if refused {
                    // Another check tells where this can't be had.
                    let _ = refuse(FORKS, On::Everything, Errno::EAGAIN);
                }
                let _ = super::what_if(&draft, move |_| {
                    drop(file);
                    seventy_seven_or_a_panic(panics)
                });
                let after = open_descriptors()?;
                ensure(after == before, || {
                    Failure::new(
                        text!(
                            "when the call returns, the file is closed in this process, too: {before} descriptors are open, \
                             as before it was opened",
                            "调用返回时，文件在本进程中也已关闭：打开的描述符有 {before} 个，和打开它之前一样"
                        ),
                        text!("{after} are open", "打开的有 {after} 个"),
                    )
                })
            })
        })
    });
}

#[test]
fn it_is_a_process_of_its_own() {
    check("observe", rule(), || {
        if !comes_back()? {
            return Ok(());
        }
        let (parent, child) = in_child(|| {
            let file = File::from(memfd_create(c"draft", MFdFlags::MFD_CLOEXEC)?);
            file.set_len(page_size_u64())?;
            let draft = draft_of(&file)?;
            // SAFETY: this process has one thread.
            unsafe { std::env::set_var("TMPDIR", "/no/such/directory") };
            let child = super::what_if(&draft, |_| u64::from(std::process::id()))?;
            Ok((u64::from(std::process::id()), child))
        })
        .map_err(|failure| {
            failure.given(text!(
                "the directory for temporary files does not exist (TMPDIR)",
                "存放临时文件的目录（TMPDIR）不存在"
            ))
        })?;
        ensure(parent != child, || {
            Failure::new(
                text!("explore runs in a child", "explore 在子进程中运行"),
                text!("it ran in the same process, {parent}", "它就在本进程 {parent} 中运行"),
            )
        })?;
        let given = text!("explore returns 77", "explore 返回 77");
        without_a_directory(&given, |draft, _| returns(&super::what_if(draft, |_| 77).map_err(kind), &77))
    });
}

#[test]
fn it_writes_no_output_of_the_caller() {
    let rule = text!(
        "fork(2) copies the caller's buffers, too: output that is in one of them would be written by both processes.",
        "fork(2) 也复制调用者的缓冲区：其中尚未写出的内容，两个进程都写就会出现两遍。"
    );
    check("observe", rule, || {
        if !comes_back()? {
            return Ok(());
        }
        for_each([false, true], returns_or_panics, |&panics| {
            judged(|| {
                let (file, output) = (unnamed_file(&original())?, tempfile::tempfile()?);
                let draft = draft_of(&file)?;
                dup2_stdout(&output)?;
                let [said, said_in_c] = [c"print!; ", c"fputs; "];
                std::io::stdout().write_all(said.to_bytes())?;
                // SAFETY: the descriptor is the stream's from here on, and the mode is a C string.
                let stream = unsafe { libc::fdopen(output.try_clone()?.into_raw_fd(), c"r+".as_ptr()) };
                // SAFETY: a C string, and a stream that was just opened.
                Errno::result(unsafe { libc::fputs(said_in_c.as_ptr(), stream) })?;
                // Other checks expect the number, or an error.
                let _ = super::what_if(&draft, |_| seventy_seven_or_a_panic(panics));
                std::io::stdout().flush()?;
                // SAFETY: the stream is open.
                Errno::result(unsafe { libc::fflush(stream) })?;
                let written = contents(&output)?;
                for said in [said, said_in_c].map(std::ffi::CStr::to_string_lossy) {
                    let times = String::from_utf8_lossy(&written).matches(&*said).count();
                    ensure(times == 1, || {
                        Failure::new(
                            text!(
                                "what the caller has printed before the call, without a newline, is written once",
                                "调用者在调用之前输出的内容（没有换行）只写出一次"
                            ),
                            text!("{said:?} is written {times} times", "{said:?} 写出了 {times} 次"),
                        )
                    })?;
                }
                Ok(())
            })
        })
    });
}

#[test]
fn explore_has_the_draft_itself() {
    check("copy_on_write", super::rule(), || {
        if !comes_back()? {
            return Ok(());
        }
        judged(|| {
            let file = unnamed_file(&original())?;
            let draft = draft_of(&file)?;
            let seen = Mapping::anonymous(page_size(), READ_WRITE, Sharing::Shared)?;
            draft.store(0, STORED);
            draft.load(page_size());
            let place = draft.address();
            let answer = super::what_if(&draft, |draft| {
                // As another process would write to it.
                let written = file.write_all_at(&[WRITTEN], wide(page_size()));
                [0, 1].iter().for_each(|&page| seen.store(page, draft.load(page * page_size())));
                seen.store(2, u8::from(draft.address() == place));
                u64::from(written.is_ok())
            });
            returns(&answer.map_err(kind), &1)?;
            ensure(seen.load(2) == 1, || {
                Failure::new(
                    text!("explore gets the draft itself, at its address", "explore 拿到的就是草稿本身，地址不变"),
                    text!("it gets a mapping at another address", "它拿到的映射在另一个地址"),
                )
            })?;
            let [one, other] = [0, 1].map(|page| seen.load(page));
            ensure((one, other) == (STORED, WRITTEN), || {
                Failure::new(
                    text!(
                        "in the child page 0 of the draft, which has a copy, shows {STORED:#04x}, and page 1, which has none, \
                         shows {WRITTEN:#04x}, which explore writes to the file",
                        "在子进程中，草稿第 0 页有副本，显示 {STORED:#04x}；第 1 页没有副本，显示 explore 写入文件的 {WRITTEN:#04x}"
                    ),
                    text!(
                        "page 0 shows {one:#04x}, page 1 shows {other:#04x}",
                        "第 0 页显示 {one:#04x}，第 1 页显示 {other:#04x}"
                    ),
                )
            })?;
            let whole = vec![LATER; original().len()];
            file.write_all_at(&whole, 0)?;
            let mut wanted = whole;
            wanted[..page_size()].copy_from_slice(&original()[..page_size()]);
            wanted[0] = STORED;
            same_bytes(
                text!(
                    "this process's draft has one copy, of page 0, as before the call, and the rest shows what is \
                     written to the file later",
                    "本进程的草稿仍和调用之前一样，只有第 0 页的副本，其余显示之后写入文件的内容"
                ),
                &loaded(&draft),
                &wanted,
            )
        })
        .map_err(|failure| {
            failure.given(text!(
                "page 0 of the draft was stored to before the call, page 1 only loaded from; explore writes {WRITTEN:#04x} to page 1 \
                 of the file, and returns 1 if that succeeds",
                "调用之前写过草稿的第 0 页，第 1 页只读过；explore 向文件的第 1 页写入 {WRITTEN:#04x}，成功则返回 1"
            ))
        })
    });
}

/// What happens on each signal - the handler and its flags -, and which signals are blocked.
fn signals() -> std::io::Result<(Vec<(usize, i32)>, SigSet)> {
    let actions = (1..=libc::SIGRTMAX()).filter_map(|number| {
        let mut action = std::mem::MaybeUninit::<libc::sigaction>::uninit();
        // SAFETY: the call changes nothing, and writes the action there.
        let told = unsafe { libc::sigaction(number, std::ptr::null(), action.as_mut_ptr()) };
        // The C library keeps two for itself.
        (told == 0).then(|| {
            // SAFETY: sigaction(2) has succeeded, so it has written all of it.
            let action = unsafe { action.assume_init() };
            (action.sa_sigaction, action.sa_flags)
        })
    });
    Ok((actions.collect(), SigSet::thread_get_mask()?))
}

/// Runs `call`, and expects this process to have the same handlers after it as before, and to block the same signals.
fn keeping_handlers<T>(call: impl FnOnce() -> T) -> Result<T, Failure> {
    let before = signals()?;
    let answer = call();
    let after = signals()?;
    ensure(after == before, || {
        Failure::new(
            text!(
                "the caller's handlers for signals, and which signals it blocks, are as before the call",
                "调用者的信号处理函数和它阻塞的信号都和调用之前一样"
            ),
            text!("they have changed", "它们变了"),
        )
    })?;
    Ok(answer)
}

extern "C" fn interrupted(_: i32) {
    at_the_end();
}

/// Whether the process sleeps in a system call: the state in proc_pid_stat(5).
fn sleeps(process: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| rest.starts_with(" S"))
}

/// Looks until it holds, for a fifth of a second at most.
fn until(mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_millis(200);
    while !holds() && Instant::now() < end {
        std::thread::yield_now();
    }
}

#[test]
fn the_callers_children_and_handlers_do_not_disturb_it() {
    let rule = text!(
        "waitpid(2): a process id waits for this child, -1 takes any. A handler that was installed without SA_RESTART \
         ends the wait with EINTR, and the child goes on.",
        "waitpid(2)：给出进程号，等的就是那个子进程；给 -1，哪一个都算。信号处理函数若不带 SA_RESTART，等待会以 EINTR 提前结束，子进程却还在运行。"
    );
    check("observe", rule, || {
        if !comes_back()? {
            return Ok(());
        }
        judged(|| {
            // A child that is left behind may still send signals, so the handler's page stays mapped, whatever follows.
            let shared = ManuallyDrop::new(Mapping::anonymous(page_size(), READ_WRITE, Sharing::Shared)?);
            END.store(shared.address(), Ordering::Relaxed);
            let file = unnamed_file(&original())?;
            let draft = draft_of(&file)?;
            // SAFETY: this process has one thread, and the child ends at once.
            let other = match unsafe { fork() }? {
                ForkResult::Child => leave(7),
                ForkResult::Parent { child } => child,
            };
            waitid(Id::Pid(other), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT)?;
            let action = SigAction::new(SigHandler::Handler(interrupted), SaFlags::empty(), SigSet::empty());
            // SAFETY: the handler only counts in an atomic.
            unsafe { sigaction(Signal::SIGUSR1, &action) }?;
            // SAFETY: as above.
            unsafe { sigaction(Signal::SIGALRM, &action) }?;
            note_statuses()?;
            // A signal that is blocked already, so that an empty set is not what it was.
            let mut blocked = SigSet::empty();
            blocked.add(Signal::SIGUSR2);
            blocked.thread_block()?;
            let caller = Pid::this();
            let call = || {
                super::what_if(&draft, |_| {
                    let count = || shared.long_word(0).load(Ordering::Relaxed);
                    for (before, signal) in [Signal::SIGUSR1, Signal::SIGALRM, Signal::SIGUSR1].into_iter().enumerate()
                    {
                        until(|| sleeps(caller));
                        let sent = kill(caller, signal);
                        until(|| sent.is_err() || count() > wide(before));
                    }
                    77
                })
            };
            let answer = keeping_handlers(call);
            // Here, so that it is not left when something else is wrong.
            let status = waitpid(other, Some(WaitPidFlag::WNOHANG));
            returns(&answer?.map_err(kind), &77)?;
            ensure(status == Ok(WaitStatus::Exited(other, 7)), || {
                Failure::new(
                    text!(
                        "another child of the caller, which has ended before, can still be waited for",
                        "调用者的另一个子进程在此之前已经结束，仍然可以等待它"
                    ),
                    text!("what_if has waited for it", "what_if 已经等待过它"),
                )
            })
        })
        .map_err(|failure| {
            failure.given(text!(
                "explore sends its parent SIGUSR1, SIGALRM and SIGUSR1 while that sleeps in a system call, and returns \
                 77; the parent has a handler without SA_RESTART, and another child that has ended before the call",
                "explore 趁父进程在系统调用中睡眠时，先后向它发送 SIGUSR1、SIGALRM、SIGUSR1，然后返回 77；父进程的处理函数不带 SA_RESTART，此外还有一个在调用之前就已结束的子进程"
            ))
        })
    });
}

/// Counts in the page that the processes share how often this process is told that a child was stopped.
extern "C" fn note_stop(_: i32, told: *mut libc::siginfo_t, _: *mut libc::c_void) {
    // SAFETY: the kernel passes a siginfo to a handler that was installed with SA_SIGINFO.
    if unsafe { &*told }.si_code == libc::CLD_STOPPED {
        at_the_end();
    }
}

#[test]
fn a_stop_is_no_end() {
    let rule = text!(
        "waitpid(2): with WUNTRACED it also returns when the child is stopped, which is not its end.",
        "waitpid(2)：带 WUNTRACED 时，子进程只是暂停（stopped）也会返回，而它并没有结束。"
    );
    check("observe", rule, || {
        if !comes_back()? {
            return Ok(());
        }
        judged(|| {
            let shared = Mapping::anonymous(page_size(), READ_WRITE, Sharing::Shared)?;
            END.store(shared.address(), Ordering::Relaxed);
            let file = unnamed_file(&original())?;
            let draft = draft_of(&file)?;
            let flags = SaFlags::SA_SIGINFO | SaFlags::SA_RESTART;
            let action = SigAction::new(SigHandler::SigAction(note_stop), flags, SigSet::empty());
            // SAFETY: the handler only counts in an atomic.
            unsafe { sigaction(Signal::SIGCHLD, &action) }?;
            let answer = super::what_if(&draft, |_| {
                let stopped = Pid::this();
                // SAFETY: this process has one thread, and the child ends here.
                match unsafe { fork() } {
                    Ok(ForkResult::Child) => {
                        // The handler runs once the parent has looked at the stopped child, if it does.
                        until(|| shared.long_word(0).load(Ordering::Relaxed) > 0);
                        let _ = kill(stopped, Signal::SIGCONT);
                        leave(0)
                    }
                    Ok(ForkResult::Parent { child }) => {
                        let stop = raise(Signal::SIGSTOP);
                        let _ = waitpid(child, None);
                        if stop.is_ok() { 77 } else { 0 }
                    }
                    Err(_) => 1,
                }
            });
            std::mem::forget(shared);
            returns(&answer.map_err(kind), &77)
        })
        .map_err(|failure| {
            failure.given(text!(
                "explore stops its process (SIGSTOP), is continued (SIGCONT), and returns 77",
                "explore 用 SIGSTOP 暂停自己的进程，被 SIGCONT 恢复之后返回 77"
            ))
        })
    });
}

#[test]
fn explore_gets_the_time_that_it_needs() {
    let rule = text!(
        "alarm(2), setitimer(2): SIGALRM kills a process that has no handler for it. A limit on the parent's wait, as of \
         poll(2) or of SO_RCVTIMEO in socket(7), runs out just the same.",
        "alarm(2)、setitimer(2)：没有处理函数的进程会被 SIGALRM 杀死。父进程等待的时限也一样会到，例如 poll(2) 的时限、socket(7) 的 SO_RCVTIMEO。"
    );
    check("observe", rule, || {
        if !comes_back()? {
            return Ok(());
        }
        judged(|| {
            let file = unnamed_file(&original())?;
            let draft = draft_of(&file)?;
            let cpu = || getrlimit(Resource::RLIMIT_CPU).ok();
            let before = cpu();
            let told =
                super::what_if(&draft, |_| u64::from(alarm::cancel().unwrap_or(0)) << 1 | u64::from(cpu() != before));
            let told = no_error(told.map_err(kind))?;
            let (left, limited) = (told >> 1, told & 1 == 1);
            ensure(!limited, || {
                Failure::new(
                    text!("nothing ends the child within a minute", "一分钟之内，没有什么会结束子进程"),
                    text!(
                        "the child has another limit on its processor time (RLIMIT_CPU)",
                        "子进程的处理器时间上限（RLIMIT_CPU）变了"
                    ),
                )
            })?;
            ensure(left == 0 || left >= 59, || {
                Failure::new(
                    text!("nothing ends the child within a minute", "一分钟之内，没有什么会结束子进程"),
                    text!("an alarm of {left} s is set while explore runs", "explore 运行时，闹钟定在 {left} 秒之后"),
                )
            })
        })?;
        judged(|| {
            let shared = Mapping::anonymous(page_size(), READ_WRITE, Sharing::Shared)?;
            let draft = draft_of(&unnamed_file(&original())?)?;
            let caller = Pid::this();
            clock::run_on_sleeps(&shared);
            let answer = super::what_if(&draft, |_| {
                // Once the parent has begun to wait, and has read the clock for that if it does.
                until(|| sleeps(caller) || clock::slept_at_all(&shared));
                clock::put_forward(&shared);
                // It waits without a limit when it does nothing else for this long.
                let mut awake = Instant::now();
                until(|| {
                    if !sleeps(caller) {
                        awake = Instant::now();
                    }
                    clock::all_slept(&shared) || awake.elapsed() > Duration::from_millis(20)
                });
                77
            });
            std::mem::forget(shared);
            returns(&answer.map_err(kind), &77)
        })
        .map_err(|failure| {
            failure.given(text!(
                "explore returns 77, and the clock says that 50 seconds have passed; sleeps of the parent, and waits with a \
                 limit, take no time here",
                "explore 返回 77，而时钟显示已过了 50 秒；在这里，父进程的睡眠和限时等待不占时间"
            ))
        })
    });
}

#[test]
fn errors_of_the_calls_are_told() {
    let rule = text!(
        "pipe(2), open(2): EMFILE when the process has no descriptor left. fork(2): EAGAIN at a limit on processes.",
        "pipe(2)、open(2)：进程的描述符用尽时返回 EMFILE。fork(2)：进程数到达上限时返回 EAGAIN。"
    );
    check("observe", rule, || {
        if !comes_back()? {
            return Ok(());
        }
        let draft = || {
            let file = unnamed_file(&original())?;
            draft_of(&file)
        };
        for_each(
            0..8,
            |more| {
                text!(
                    "the process can open {more} more descriptors (RLIMIT_NOFILE)",
                    "进程还能打开 {more} 个描述符（RLIMIT_NOFILE）"
                )
            },
            |&more| {
                judged(|| {
                    let draft = draft()?;
                    let answer =
                        closing_all(|| with_descriptors(more, || super::what_if(&draft, |_| 77).map_err(kind)))??;
                    if answer == Ok(77) { Ok(()) } else { fails_with(&answer, "EMFILE") }
                })
            },
        )?;
        judged(|| {
            let draft = draft()?;
            if let Err(error) = refuse(FORKS, On::Everything, Errno::EAGAIN) {
                return Err(all_but(
                    text!("an error of fork(2)", "fork(2) 出错的情形"),
                    &error,
                    text!("check on a kernel with seccomp filters", "在支持 seccomp 过滤器的内核上检查"),
                ));
            }
            note_statuses()?;
            let answer = closing_all(|| keeping_handlers(|| super::what_if(&draft, |_| 77).map_err(kind)))??;
            fails_with(&answer, "EAGAIN")
        })
        .map_err(|failure| failure.given(text!("fork(2) fails with EAGAIN", "fork(2) 返回 EAGAIN")))?;
        judged(|| {
            let draft = draft()?;
            refuse(&[libc::SYS_mmap], On::Everything, Errno::ENOMEM)?;
            let answer = closing_all(|| super::what_if(&draft, |_| 77).map_err(kind))?;
            if answer == Ok(77) { Ok(()) } else { fails_with(&answer, "ENOMEM") }
        })
        .map_err(|failure| failure.given(text!("mmap(2) fails with ENOMEM", "mmap(2) 返回 ENOMEM")))
    });
}

/// A clock that a check puts forward, so that nobody has to wait for a minute. These functions of the C library stand in
/// for the system's in this program: whoever reads a clock or sleeps with a limit here calls them.
mod clock {
    use std::ffi::{c_int, c_void};
    use std::ptr::{from_mut, from_ref, null, null_mut};
    use std::sync::atomic::{AtomicI32, AtomicU64, AtomicUsize, Ordering};
    use std::time::Duration;

    use mmap_workbook::lesson_2::Mapping;
    use nix::errno::Errno;
    use nix::libc::{
        self, clockid_t, fd_set, nfds_t, pollfd, siginfo_t, sigset_t, size_t, socklen_t, ssize_t, timespec, timeval,
    };

    /// How far it is put forward.
    pub const AHEAD: Duration = Duration::from_secs(50);

    /// The address of the mapping below; 0 while no check has put the clock forward.
    static SHARED: AtomicUsize = AtomicUsize::new(0);

    /// The words of a shared mapping: whether the clock is put forward, and for how many nanoseconds somebody has slept, who
    /// was not kept waiting for that long.
    const FORWARD: usize = 0;
    const SLEPT: usize = 8;

    /// From now on sleeps of this process and its children take no time, until they are [`AHEAD`] together.
    pub fn run_on_sleeps(shared: &Mapping) {
        SHARED.store(shared.address(), Ordering::Relaxed);
    }

    /// Puts the clock forward, by [`AHEAD`].
    pub fn put_forward(shared: &Mapping) {
        shared.long_word(FORWARD).store(1, Ordering::Relaxed);
    }

    /// Whether somebody has slept.
    pub fn slept_at_all(shared: &Mapping) -> bool {
        shared.long_word(SLEPT).load(Ordering::Relaxed) > 0
    }

    /// Whether all of [`AHEAD`] has been slept.
    pub fn all_slept(shared: &Mapping) -> bool {
        shared.long_word(SLEPT).load(Ordering::Relaxed) >= nanoseconds(AHEAD)
    }

    fn nanoseconds(time: Duration) -> u64 {
        u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
    }

    fn word(at: usize) -> Option<&'static std::sync::atomic::AtomicU64> {
        let shared = SHARED.load(Ordering::Relaxed);
        // SAFETY: the check that has stored the address keeps the mapping, of a page, until its process ends.
        (shared != 0).then(|| unsafe { &*std::ptr::with_exposed_provenance(shared + at) })
    }

    /// What is left to sleep of this time.
    fn slept(time: Duration) -> Duration {
        let Some(slept) = word(SLEPT) else { return time };
        let before = Duration::from_nanos(slept.load(Ordering::Relaxed));
        let now = time.min(AHEAD.saturating_sub(before));
        slept.fetch_add(nanoseconds(now), Ordering::Relaxed);
        time - now
    }

    fn duration(time: &timespec) -> Duration {
        Duration::new(time.tv_sec.try_into().unwrap_or(0), time.tv_nsec.try_into().unwrap_or(0))
    }

    fn spec(time: Duration) -> timespec {
        timespec { tv_sec: time.as_secs().try_into().unwrap_or(libc::time_t::MAX), tv_nsec: time.subsec_nanos().into() }
    }

    /// # Safety
    /// As clock_gettime(2).
    #[unsafe(no_mangle)]
    unsafe extern "C" fn clock_gettime(clock: clockid_t, time: *mut timespec) -> c_int {
        // SAFETY: the caller's arguments.
        let answer = unsafe { libc::syscall(libc::SYS_clock_gettime, clock, time) };
        let of_processors = [libc::CLOCK_PROCESS_CPUTIME_ID, libc::CLOCK_THREAD_CPUTIME_ID].contains(&clock);
        if answer == 0 && !of_processors && word(FORWARD).is_some_and(|word| word.load(Ordering::Relaxed) == 1) {
            // SAFETY: the call has succeeded, so the time is there.
            let time = unsafe { &mut *time };
            *time = spec(duration(time) + AHEAD);
        }
        if answer == 0 { 0 } else { -1 }
    }

    /// # Safety
    /// As clock_nanosleep(2).
    #[unsafe(no_mangle)]
    unsafe extern "C" fn clock_nanosleep(
        clock: clockid_t,
        flags: c_int,
        time: *const timespec,
        left: *mut timespec,
    ) -> c_int {
        // SAFETY: the caller's argument.
        let mut wanted = duration(unsafe { &*time });
        if flags & libc::TIMER_ABSTIME != 0 {
            let mut now = spec(Duration::ZERO);
            // SAFETY: the time is written here.
            unsafe { clock_gettime(clock, from_mut(&mut now)) };
            wanted = wanted.saturating_sub(duration(&now));
        }
        let rest = slept(wanted);
        if rest.is_zero() {
            return 0;
        }
        let rest = spec(rest);
        // SAFETY: both times are there.
        let answer =
            unsafe { libc::syscall(libc::SYS_clock_nanosleep, libc::CLOCK_MONOTONIC, 0, from_ref(&rest), left) };
        if answer == 0 { 0 } else { nix::errno::Errno::last_raw() }
    }

    /// # Safety
    /// As nanosleep(2).
    #[unsafe(no_mangle)]
    unsafe extern "C" fn nanosleep(time: *const timespec, left: *mut timespec) -> c_int {
        // SAFETY: the caller's arguments.
        if unsafe { clock_nanosleep(libc::CLOCK_MONOTONIC, 0, time, left) } == 0 { 0 } else { -1 }
    }

    /// # Safety
    /// As ppoll(2).
    #[unsafe(no_mangle)]
    unsafe extern "C" fn ppoll(fds: *mut pollfd, n: nfds_t, time: *const timespec, mask: *const sigset_t) -> c_int {
        // SAFETY: the caller's argument.
        let limit = unsafe { time.as_ref() }.map(duration);
        // SAFETY: the caller's arguments; the kernel's set of signals has 8 bytes.
        within(limit, |answer| *answer == 0, |time| unsafe { libc::syscall(libc::SYS_ppoll, fds, n, time, mask, 8) })
    }

    /// Asks with this limit, which counts as slept only where nothing comes before.
    fn within(
        limit: Option<Duration>,
        ran_out: impl Fn(&libc::c_long) -> bool,
        ask: impl Fn(*const timespec) -> libc::c_long,
    ) -> c_int {
        let answer = match limit {
            None => ask(null()),
            Some(limit) => {
                let answer = ask(&spec(Duration::ZERO));
                if ran_out(&answer) { ask(&spec(slept(limit))) } else { answer }
            }
        };
        c_int::try_from(answer).unwrap_or(-1)
    }

    /// # Safety
    /// As poll(2).
    #[unsafe(no_mangle)]
    unsafe extern "C" fn poll(fds: *mut pollfd, n: nfds_t, limit: c_int) -> c_int {
        let time = u64::try_from(limit).map(|limit| spec(Duration::from_millis(limit)));
        // SAFETY: the caller's arguments.
        unsafe { ppoll(fds, n, time.as_ref().map_or(null(), from_ref), null()) }
    }

    fn of_microseconds(time: &timeval) -> Duration {
        let microseconds = Duration::from_micros(time.tv_usec.try_into().unwrap_or(0));
        Duration::from_secs(time.tv_sec.try_into().unwrap_or(0)) + microseconds
    }

    /// # Safety
    /// As select(2).
    #[unsafe(no_mangle)]
    unsafe extern "C" fn select(
        n: c_int,
        to_read: *mut fd_set,
        to_write: *mut fd_set,
        others: *mut fd_set,
        time: *mut timeval,
    ) -> c_int {
        // The kernel empties the sets when the time runs out.
        // SAFETY: the caller's arguments.
        let sets = [to_read, to_write, others].map(|set| (set, unsafe { set.as_ref() }.copied()));
        let ask = |time: *const timespec| {
            for (set, before) in sets {
                if let Some(before) = before {
                    // SAFETY: the caller's argument, which is there.
                    unsafe { set.write(before) };
                }
            }
            // SAFETY: the caller's arguments; the kernel is passed a time of ours, and no signals.
            unsafe { libc::syscall(libc::SYS_pselect6, n, to_read, to_write, others, time, null_mut::<c_void>()) }
        };
        // SAFETY: the caller's argument.
        within(unsafe { time.as_ref() }.map(of_microseconds), |answer| *answer == 0, ask)
    }

    /// # Safety
    /// As sigtimedwait(2).
    #[unsafe(no_mangle)]
    unsafe extern "C" fn sigtimedwait(set: *const sigset_t, told: *mut siginfo_t, time: *const timespec) -> c_int {
        // SAFETY: the caller's argument.
        let limit = unsafe { time.as_ref() }.map(duration);
        let ran_out = |answer: &libc::c_long| *answer == -1 && Errno::last() == Errno::EAGAIN;
        // SAFETY: the caller's arguments; the kernel's set of signals has 8 bytes.
        within(limit, ran_out, |time| unsafe { libc::syscall(libc::SYS_rt_sigtimedwait, set, told, time, 8) })
    }

    /// The socket of this process that has last been given a limit for receiving, and the limit in nanoseconds.
    static SOCKET: AtomicI32 = AtomicI32::new(-1);
    static LIMIT: AtomicU64 = AtomicU64::new(0);

    /// # Safety
    /// As setsockopt(2).
    #[unsafe(no_mangle)]
    unsafe extern "C" fn setsockopt(
        socket: c_int,
        level: c_int,
        name: c_int,
        value: *const c_void,
        length: socklen_t,
    ) -> c_int {
        if word(FORWARD).is_some() && (level, name) == (libc::SOL_SOCKET, libc::SO_RCVTIMEO) {
            // SAFETY: the value of this option is a timeval.
            let limit = of_microseconds(unsafe { &*value.cast() });
            LIMIT.store(nanoseconds(limit), Ordering::Relaxed);
            SOCKET.store(if limit.is_zero() { -1 } else { socket }, Ordering::Relaxed);
            return 0;
        }
        // SAFETY: the caller's arguments.
        let answer = unsafe { libc::syscall(libc::SYS_setsockopt, socket, level, name, value, length) };
        if answer == 0 { 0 } else { -1 }
    }

    /// Receives, within the socket's limit if it has one.
    fn receive(socket: c_int, receive: impl FnOnce() -> libc::c_long) -> ssize_t {
        if socket == SOCKET.load(Ordering::Relaxed) {
            let mut input = pollfd { fd: socket, events: libc::POLLIN, revents: 0 };
            let limit = spec(Duration::from_nanos(LIMIT.load(Ordering::Relaxed)));
            // SAFETY: one descriptor, and a time.
            let ready = unsafe { ppoll(from_mut(&mut input), 1, from_ref(&limit), null()) };
            if ready == 0 {
                Errno::EAGAIN.set();
            }
            if ready < 1 {
                return -1;
            }
        }
        receive().try_into().unwrap_or(-1)
    }

    /// # Safety
    /// As recv(2).
    #[unsafe(no_mangle)]
    unsafe extern "C" fn recv(socket: c_int, bytes: *mut c_void, length: size_t, flags: c_int) -> ssize_t {
        let (sender, size) = (null_mut::<c_void>(), null_mut::<c_void>());
        // SAFETY: the caller's arguments, and no address is asked for.
        receive(socket, || unsafe { libc::syscall(libc::SYS_recvfrom, socket, bytes, length, flags, sender, size) })
    }

    /// # Safety
    /// As read(2).
    #[unsafe(no_mangle)]
    unsafe extern "C" fn read(file: c_int, bytes: *mut c_void, length: size_t) -> ssize_t {
        // SAFETY: the caller's arguments.
        receive(file, || unsafe { libc::syscall(libc::SYS_read, file, bytes, length) })
    }
}
