//! What exercise 4 is graded by. No check races: one process is stopped, with ptrace(2), after each of its instructions or at each
//! of its system calls, and another one does there what it would do in the worst moment.

use std::fs::{self, File};
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::Ordering;

use mmap_workbook::grade::misconception as belief;
use mmap_workbook::grade::{
    Failure, Player, Verdict, Words, after_each_instruction, ask, before_each_call, check, ensure, for_each,
    killed_before_call, kind, start, text,
};
use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use mmap_workbook::observe::{page_size, page_size_u64};
use mmap_workbook::process::{Cause, Line};
use mmap_workbook::say;
use nix::errno::Errno;
use nix::sys::mman::ProtFlags;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, Pid, fork, pause, setpgid};

use super::{claim, latest, next_ticket, open_once, publish};

/// A page that this process and its children share.
fn page_of_zeros() -> Result<Mapping, Failure> {
    Ok(Mapping::anonymous(page_size(), READ_WRITE, Sharing::Shared)?)
}

/// After how many instructions of one process the other one has a turn, over and over: at each of them, and at distances that
/// let a loop come round in between.
const STRIDES: [u64; 4] = [1, 7, 53, 401];

fn every(stride: &u64) -> Words {
    if *stride == 1 {
        say!("the other process runs after each instruction", "另一个进程在每条指令之后运行一次")
    } else {
        say!("the other process runs after every {stride} instructions", "另一个进程每隔 {stride} 条指令运行一次")
    }
}

/// A failure to come to an end, where another process stands still or is dead.
fn waited(failure: Failure) -> Failure {
    if failure.verdict == Verdict::TimedOut { failure.shows(&belief::OTHERS_GO_ON) } else { failure }
}

/// Where a machine can't go in single steps.
fn skipped() {
    eprintln!("skipped: this machine can't single-step (PTRACE_SINGLESTEP)");
}

mod next_ticket {
    use super::*;

    /// Any place for the counter but the first.
    const AT: usize = 24;

    fn rule() -> Words {
        say!(
            "A load and a store are two steps, and another process may come between them. What looks and stores in one step is an atomic \
             read-modify-write: fetch_add, compare_exchange.",
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
                |(taken, limit)| say!("{taken} taken, limit {limit}", "已取 {taken} 个，上限 {limit}"),
                |&(taken, limit)| {
                    let wanted: Vec<_> = (0..4).map(|n| taken.checked_add(n).filter(|n| *n < limit)).collect();
                    let page = page_of_zeros()?;
                    page.long_word(AT).store(taken, Ordering::Relaxed);
                    let got = ask(|| (0..4).map(|_| super::next_ticket(&page, AT, limit)).collect::<Vec<_>>())?;
                    ensure(got == wanted, || {
                        Failure::new(say!("{wanted:?}", "{wanted:?}"), say!("{got:?}", "{got:?}"))
                    })?;
                    let (end, most) =
                        (page.long_word(AT).load(Ordering::Relaxed), taken.max(taken.saturating_add(4).min(limit)));
                    ensure(end == most, || {
                        Failure::new(
                            say!("the counter ends at {most}", "计数器最后为 {most}"),
                            say!("it ends at {end}", "实际为 {end}"),
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
                // The other process's numbers; what the answer takes is counted behind the counter.
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
                                say!("never more than {limit} in the counter", "计数器从不超过 {limit}"),
                                say!("{now}", "{now}"),
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
                        Some(n) => say!("number {n} was given out twice", "号码 {n} 发了两次"),
                        None => say!(
                            "given out were {all:?}, and the counter says {taken}",
                            "发出的是 {all:?}，而计数器为 {taken}"
                        ),
                    };
                    Failure::new(say!("each number once", "每个号码只发一次"), happened)
                        .shows(&belief::LOAD_AND_STORE_IS_ONE_STEP)
                })
            })
        });
    }

    #[test]
    fn holds_up_nobody_when_it_is_killed() {
        check("lock", rule(), || {
            for killed in (1..).step_by(11) {
                let given = |failure: Failure| {
                    failure.given(say!(
                        "the first process is killed after {killed} instructions",
                        "第一个进程在 {killed} 条指令之后被杀死"
                    ))
                };
                let page = page_of_zeros()?;
                let act = |()| {
                    super::next_ticket(&page, AT, 9);
                    Ok(())
                };
                let stop = || Failure::new(say!("", ""), say!("killed", "killed"));
                let ended = after_each_instruction(|| Ok(()), act, |step| ensure(step < killed, stop));
                match &ended {
                    Err(failure) if failure.happened.en != "killed" => return ended.map(drop).map_err(given),
                    Ok(None) => skipped(),
                    _ => {}
                }
                let next = ask(|| super::next_ticket(&page, AT, 9)).map_err(|failure| given(waited(failure)))?;
                ensure(matches!(next, Some(0 | 1)), || {
                    given(Failure::new(
                        say!("the next process gets number 0 or 1", "下一个进程拿到号码 0 或 1"),
                        say!("{next:?}", "{next:?}"),
                    ))
                })?;
                // The one that was to be killed had come to its end: there are no later moments.
                if ended.is_ok() {
                    break;
                }
            }
            Ok(())
        });
    }
}

mod open_once {
    use super::*;

    /// The bytes that `init` fills: the beginning and the end of the page.
    fn fill(page: &Mapping, letter: u8) {
        for at in (0..8).chain(page_size() - 8..page_size()) {
            page.store(at, letter);
        }
    }

    fn is_filled(bytes: &[u8]) -> bool {
        let letter = bytes.first().copied().unwrap_or(0);
        letter != 0
            && bytes.len() == page_size()
            && bytes[..8].iter().chain(&bytes[page_size() - 8..]).all(|b| *b == letter)
    }

    fn rule() -> Words {
        say!(
            "link(2) fails with EEXIST where the name is taken, in one step; rename(2) replaces what is there, and open(2) with O_CREAT \
             shows the file to everybody while it is still empty.",
            "link(2) 在名字已被占用时以 EEXIST 失败，判断和链接是一步完成的；rename(2) 会替换已有的文件；带 O_CREAT 的 open(2) 则让所有人在文件还是空的时候就看到它。"
        )
    }

    /// What is at `path`, and whether it is whole.
    fn whole(path: &Path) -> Result<(), Failure> {
        let bytes = fs::read(path).unwrap_or_default();
        ensure(is_filled(&bytes), || {
            let size = bytes.len();
            let filled = bytes.iter().filter(|byte| **byte != 0).count();
            Failure::new(
                say!("the file has one page, and what init has stored there", "文件有一页，内容是 init 写入的"),
                say!("it has {size} bytes, of which {filled} are set", "文件有 {size} 字节，其中 {filled} 个非零"),
            )
            .shows(&belief::CREATED_IS_COMPLETE)
        })
    }

    #[test]
    fn makes_the_file_once_and_opens_it_from_then_on() {
        check("writer", rule(), || {
            let folder = tempfile::tempdir()?;
            let path = folder.path().join("shared");
            let first = ask(|| {
                let zero = std::cell::Cell::new(false);
                // Where nobody can make a file: it isn't where the process happens to be that it belongs.
                std::env::set_current_dir("/proc").map_err(kind)?;
                let page = super::open_once(&path, |page| {
                    zero.set((0..page_size()).all(|at| page.load(at) == 0));
                    fill(page, b'1');
                });
                page.map(|page| (zero.get(), page.length(), page.load(0))).map_err(kind)
            })?;
            let wanted = Ok((true, page_size(), b'1'));
            ensure(first == wanted, || {
                Failure::new(
                    say!(
                        "(zeros for init, one page, init's byte) {wanted:?}",
                        "（init 看到全零，一页，init 的字节）{wanted:?}"
                    ),
                    say!("{first:?}", "{first:?}"),
                )
            })?;
            whole(&path)?;
            let second = ask(|| {
                let page = super::open_once(&path, |page| fill(page, b'2')).map_err(kind)?;
                page.store(99, b'!');
                Ok::<_, String>(page.load(0))
            })?;
            let in_file = fs::read(&path)?.get(99).copied();
            ensure(second == Ok(b'1') && in_file == Some(b'!'), || {
                Failure::new(
                    say!(
                        "the second process finds 49, and what it stores gets into the file",
                        "第二个进程看到 49，它写入的内容进入文件"
                    ),
                    say!("{second:?}, and in the file {in_file:?}", "{second:?}，文件中为 {in_file:?}"),
                )
            })?;
            let names: Vec<_> = fs::read_dir(&folder)?.filter_map(|entry| Some(entry.ok()?.file_name())).collect();
            let mode = fs::metadata(&path)?.permissions().mode() & 0o777;
            ensure(names == ["shared"] && mode & !0o600 == 0, || {
                Failure::new(
                    say!("nothing but the file, with mode 0600", "只有这一个文件，权限为 0600"),
                    say!("{names:?}, mode {mode:o}", "{names:?}，权限 {mode:o}"),
                )
                .shows(&belief::CREATED_IS_COMPLETE)
            })?;
            let alone = ask(|| {
                std::env::set_current_dir(&folder).map_err(kind)?;
                super::open_once(Path::new("alone"), |page| fill(page, b'1')).map(drop).map_err(kind)
            })?;
            let given = |failure: Failure| failure.given(say!("the path is a file name alone", "路径只有文件名"));
            ensure(alone == Ok(()), || given(Failure::new(say!("Ok", "Ok"), say!("{alone:?}", "{alone:?}"))))?;
            whole(&folder.path().join("alone")).map_err(given)
        });
    }

    #[test]
    fn all_get_the_same_whole_file_whoever_comes_in_between() {
        check("writer", rule(), || {
            let mut n = 0;
            loop {
                let folder = tempfile::tempdir()?;
                let path = folder.path().join("shared");
                let mut between = None;
                let calls = before_each_call(
                    || Ok(()),
                    |()| {
                        let page = super::open_once(&path, |page| fill(page, b'A')).map_err(kind)?;
                        page.store(100, b'A');
                        Ok(())
                    },
                    |call, what| {
                        if call == n {
                            between = Some(what.number);
                            let seen = ask(|| {
                                let page = super::open_once(&path, |page| fill(page, b'B')).map_err(kind)?;
                                let mut bytes = vec![0; page_size()];
                                page.read(0, &mut bytes);
                                page.store(101, b'B');
                                Ok::<_, String>(is_filled(&bytes))
                            })?;
                            ensure(seen == Ok(true), || {
                                Failure::new(
                                    say!(
                                        "the process that comes in between gets a page that init has filled",
                                        "中途到来的进程拿到 init 已填好的页"
                                    ),
                                    say!("{seen:?}", "{seen:?}"),
                                )
                                .shows(&belief::CREATED_IS_COMPLETE)
                            })?;
                        }
                        Ok(())
                    },
                );
                let given = |failure: Failure| {
                    failure.given(say!(
                        "another process comes just before system call {n} of the first",
                        "另一个进程恰在第一个进程的第 {n} 次系统调用之前到来"
                    ))
                };
                calls.map_err(given)?;
                whole(&path).map_err(given)?;
                let bytes = fs::read(&path)?;
                let both = (bytes[100], bytes[101]);
                let wanted = (b'A', if between.is_some() { b'B' } else { 0 });
                ensure(both == wanted, || {
                    given(
                        Failure::new(
                            say!(
                                "what each of them stores is in the file at the path",
                                "两个进程各自写入的内容都在这个路径的文件里"
                            ),
                            say!(
                                "{both:?} instead of {wanted:?}: one of them has mapped another file",
                                "得到 {both:?} 而不是 {wanted:?}：其中一个映射的是另一个文件"
                            ),
                        )
                        .shows(&belief::RENAME_KEEPS_THE_FIRST),
                    )
                })?;
                if between.is_none() {
                    return Ok(());
                }
                n += 1;
            }
        });
    }

    #[test]
    fn nobody_waits_for_one_that_was_killed() {
        check("writer", rule(), || {
            for n in 0.. {
                let folder = tempfile::tempdir()?;
                let path = folder.path().join("shared");
                let act = |()| super::open_once(&path, |page| fill(page, b'A')).map(drop).map_err(kind);
                let killed = killed_before_call(n, || Ok(()), act)?;
                let given = |failure: Failure| {
                    failure.given(say!(
                        "the first process is killed just before its system call {n}",
                        "第一个进程恰在它的第 {n} 次系统调用之前被杀死"
                    ))
                };
                if path.exists() {
                    whole(&path).map_err(given)?;
                }
                let next =
                    ask(|| super::open_once(&path, |page| fill(page, b'B')).map(drop).map_err(kind)).map_err(given)?;
                ensure(next == Ok(()), || given(Failure::new(say!("Ok", "Ok"), say!("{next:?}", "{next:?}"))))?;
                whole(&path).map_err(given)?;
                if killed.is_none() {
                    break;
                }
            }
            Ok(())
        });
    }

    #[test]
    fn refuses_a_file_of_another_size_and_leaves_it_alone() {
        check("writer", rule(), || {
            for_each(
                [0, 1, page_size() - 1, page_size() + 1],
                |size| say!("a file of {size} bytes is there", "已有一个 {size} 字节的文件"),
                |&size| {
                    let folder = tempfile::tempdir()?;
                    let path = folder.path().join("shared");
                    fs::write(&path, vec![7; size])?;
                    let got = ask(|| super::open_once(&path, |page| fill(page, b'A')).map(drop).map_err(kind))?;
                    ensure(got == Err("InvalidData".to_owned()), || {
                        Failure::new(say!("InvalidData", "InvalidData"), say!("{got:?}", "{got:?}"))
                    })?;
                    ensure(fs::read(&path)? == vec![7; size], || {
                        Failure::new(
                            say!("the file is as before", "文件保持原样"),
                            say!("it has changed", "文件被改动了"),
                        )
                    })
                },
            )?;
            let folder = tempfile::tempdir()?;
            let got = ask(|| super::open_once(folder.path(), |page| fill(page, b'A')).map(drop).map_err(kind))?;
            ensure(matches!(&got, Err(error) if error == "EISDIR" || error == "InvalidData"), || {
                Failure::new(say!("EISDIR", "EISDIR"), say!("{got:?}", "{got:?}"))
                    .given(say!("a folder is there", "该路径是一个目录"))
            })
        });
    }
}

mod claim {
    use super::*;

    fn rule() -> Words {
        say!(
            "fcntl(2), record locks: they belong to the process, are not inherited by fork(2), and end with it. flock(2) and open file \
             description locks belong to the open file, which a child has as well. A process id may be used again.",
            "fcntl(2) 的记录锁属于进程，不会被 fork(2) 继承，随进程结束而释放。flock(2) 和 OFD 锁属于打开的文件，子进程同样持有。进程号则可能被重新使用。"
        )
    }

    /// A process that opens the file and claims it each time it is told to, and says which process the writer is.
    fn claimer(path: &Path) -> Result<Player, Failure> {
        let path = path.to_owned();
        start(move |line| {
            let file = File::options().read(true).write(true).open(&path).map_err(text)?;
            claim_in_turns(line, &file)
        })
    }

    fn claim_in_turns(line: &Line, file: &File) -> Result<(), String> {
        // Until nobody asks any more.
        while line.await_turn().is_ok() {
            let claimed = super::claim(file).map_err(kind);
            let claimed = claimed.map_or_else(|error| error, |pid| pid.to_string());
            line.send(claimed.as_bytes()).map_err(text)?;
        }
        Ok(())
    }

    fn claims(player: &mut Player) -> Result<String, Failure> {
        player.give_turn()?;
        Ok(String::from_utf8_lossy(&player.receive()?).into_owned())
    }

    fn is(pid: Pid, got: &str, who: Words) -> Result<(), Failure> {
        ensure(got == pid.to_string(), || {
            let expected = Words {
                en: format!("the writer is {} ({pid})", who.en),
                zh: format!("写者是{}（{pid}）", who.zh),
            };
            Failure::new(expected, say!("{got}", "{got}"))
        })
    }

    fn file() -> Result<(tempfile::TempDir, std::path::PathBuf), Failure> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("channel");
        fs::write(&path, b"the channel")?;
        Ok((folder, path))
    }

    #[test]
    fn one_process_is_the_writer_and_the_others_learn_who() {
        check("lock", rule(), || {
            let (_folder, path) = file()?;
            let (mut a, mut b) = (claimer(&path)?, claimer(&path)?);
            let first = || say!("the first", "第一个进程");
            is(a.pid(), &claims(&mut a)?, first())?;
            is(a.pid(), &claims(&mut b)?, first())?;
            is(a.pid(), &claims(&mut a)?, first())?;
            is(a.pid(), &claims(&mut b)?, first())?;
            let bytes = fs::read(&path)?;
            ensure(bytes == b"the channel", || {
                Failure::new(say!("the file is as before", "文件保持原样"), say!("it has changed", "文件被改动了"))
            })
        });
    }

    #[test]
    fn the_role_is_free_when_the_writer_is_killed() {
        check("lock", rule(), || {
            let (_folder, path) = file()?;
            let (mut a, mut b, mut c) = (claimer(&path)?, claimer(&path)?, claimer(&path)?);
            claims(&mut a)?;
            claims(&mut b)?;
            a.kill()?;
            is(b.pid(), &claims(&mut b)?, say!("the second", "第二个进程"))
                .map_err(|failure| failure.shows(&belief::A_PID_IS_A_PROCESS))?;
            is(b.pid(), &claims(&mut c)?, say!("the second", "第二个进程"))?;
            b.end()?;
            is(c.pid(), &claims(&mut c)?, say!("the third", "第三个进程"))
        });
    }

    #[test]
    fn a_child_of_the_writer_does_not_keep_the_role() {
        check("lock", rule(), || {
            let (_folder, path) = file()?;
            let mut b = claimer(&path)?;
            let mut a = start(|line| {
                let file = File::options().read(true).write(true).open(&path).map_err(text)?;
                super::claim(&file).map_err(kind)?;
                // SAFETY: this process has no other thread; the child makes raw calls only.
                match unsafe { fork() }.map_err(text)? {
                    ForkResult::Child => loop {
                        pause();
                    },
                    ForkResult::Parent { child } => {
                        // Out of the process group that is killed with its parent, before anybody hears of it.
                        setpgid(child, child).map_err(text)?;
                        line.send(child.to_string().as_bytes()).map_err(text)?;
                    }
                }
                line.await_turn().map_err(text)
            })?;
            let child =
                String::from_utf8_lossy(&a.receive()?).parse().map(Pid::from_raw).map_err(std::io::Error::other)?;
            let there = is(a.pid(), &claims(&mut b)?, say!("the parent", "父进程"));
            a.kill()?;
            let got = claims(&mut b);
            // It came to us when its parent died.
            kill(child, Signal::SIGKILL)?;
            waitpid(child, None)?;
            there?;
            is(
                b.pid(),
                &got?,
                say!(
                    "the other process: the writer is dead, its child lives",
                    "另一个进程：写者已死，它的子进程还活着"
                ),
            )
            .map_err(|failure| failure.shows(&belief::FLOCK_IS_THE_PROCESSES))
        });
    }

    #[test]
    fn the_child_is_not_the_writer_itself() {
        check("lock", rule(), || {
            let (_folder, path) = file()?;
            let (parent, child) = ask(|| {
                let file = File::options().read(true).write(true).open(&path).map_err(kind)?;
                let parent = super::claim(&file).map_err(kind)?;
                let child = ask(|| super::claim(&file).map_err(kind)).map_err(|failure| failure.happened.en)??;
                Ok::<_, String>((parent, child))
            })?
            .map_err(|error| Failure::new(say!("a process id", "一个进程号"), say!("{error}", "{error}")))?;
            ensure(parent == child, || {
                Failure::new(
                    say!(
                        "to the child, too, the writer is the parent: {parent}",
                        "在子进程看来，写者也是父进程：{parent}"
                    ),
                    say!("{child}", "{child}"),
                )
                .shows(&belief::FLOCK_IS_THE_PROCESSES)
            })
        });
    }
}

/// The value of that number: four words that say which value they belong to.
fn value(n: u64) -> [u64; 4] {
    [n, n, n, n]
}

/// A process that reads the cell each time it is told to.
fn reader(cell: &Mapping) -> Result<Player, Failure> {
    start(|line| {
        while line.await_turn().is_ok() {
            let value = latest(cell).map_or(Vec::new(), |value| value.map(u64::to_ne_bytes).concat());
            line.send(&[b"=".as_slice(), &value].concat()).map_err(text)?;
        }
        Ok(())
    })
}

fn reads(reader: &mut Player) -> Result<Option<Vec<u64>>, Failure> {
    reader.give_turn()?;
    let value = reader.receive().map_err(waited)?;
    let words: Vec<_> = value[1..].as_chunks::<8>().0.iter().map(|bytes| u64::from_ne_bytes(*bytes)).collect();
    Ok(Some(words).filter(|words| !words.is_empty()))
}

/// That a reader has found value `a` or value `b`.
fn one_of(a: Option<u64>, b: Option<u64>, got: &Option<Vec<u64>>) -> Result<(), Failure> {
    let possible = [a, b].map(|n| n.map(|n| value(n).to_vec()));
    ensure(possible.contains(got), || {
        let [a, b] = possible;
        let failure = Failure::new(say!("{a:?} or {b:?}", "{a:?} 或 {b:?}"), say!("{got:?}", "{got:?}"));
        let torn = got.as_ref().is_some_and(|words| words.iter().any(|word| *word != words[0]));
        if torn { failure.shows(&belief::COPIES_ARE_ATOMIC) } else { failure }
    })
}

fn cell_rule() -> Words {
    say!(
        "Only a single aligned word is stored and loaded in one step. More than that is whole where the writer writes elsewhere, and \
         then says with one store where the value is; and where the reader looks twice.",
        "只有一个对齐的字能一步写入或读出。更多内容要保持完整，写者就得先写到别处，再用一次写入告知值在哪里；读者则要看两次。"
    )
}

mod publish {
    use super::*;

    #[test]
    fn is_found_by_every_reader() {
        check("sequence_lock", cell_rule(), || {
            let cell = page_of_zeros()?;
            for_each(
                [value(1), [0; 4], [1, 2, 3, 4], [u64::MAX; 4], [0, 0, 0, 1], value(7)],
                |value| say!("published: {value:?}", "发布：{value:?}"),
                |&value| {
                    ask(|| super::publish(&cell, value))?;
                    let got = ask(|| latest(&cell))?;
                    ensure(got == Some(value), || {
                        Failure::new(say!("{value:?}", "{value:?}"), say!("{got:?}", "{got:?}"))
                    })
                },
            )
        });
    }

    #[test]
    fn is_whole_to_readers_at_every_instruction() {
        check("sequence_lock", cell_rule(), || {
            let cell = page_of_zeros()?;
            // One after the other, so that each slot there may be has its turn.
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
                            failure.given(say!(
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
                    failure.given(say!(
                        "a writer is killed after {killed} instructions, then another one publishes",
                        "写者在 {killed} 条指令之后被杀死，随后另一个写者发布"
                    ))
                };
                let cell = page_of_zeros()?;
                ask(|| super::publish(&cell, value(1))).map_err(given)?;
                let stop = || Failure::new(say!("", ""), say!("killed", "killed"));
                let ended = after_each_instruction(
                    || Ok(()),
                    |()| {
                        super::publish(&cell, value(2));
                        Ok(())
                    },
                    |step| ensure(step < killed, stop),
                );
                match &ended {
                    Err(failure) if failure.happened.en != "killed" => return ended.map(drop).map_err(given),
                    Ok(None) => skipped(),
                    _ => {}
                }
                let (between, after) = ask(|| {
                    let between = latest(&cell);
                    super::publish(&cell, value(3));
                    (between, latest(&cell))
                })
                .map_err(|failure| given(waited(failure)))?;
                one_of(Some(1), Some(2), &between.map(|words| words.to_vec())).map_err(given)?;
                one_of(Some(3), Some(3), &after.map(|words| words.to_vec())).map_err(given)?;
                // The one that was to be killed had come to its end: there are no later moments.
                if ended.is_ok() {
                    break;
                }
            }
            Ok(())
        });
    }
}

mod latest {
    use super::*;

    #[test]
    fn is_nothing_until_something_is_published() {
        check("reader", cell_rule(), || {
            let cell = page_of_zeros()?;
            let got = ask(|| super::latest(&cell))?;
            ensure(got.is_none(), || Failure::new(say!("None", "None"), say!("{got:?}", "{got:?}")))?;
            ask(|| publish(&cell, [0; 4]))?;
            let got = ask(|| super::latest(&cell))?;
            ensure(got == Some([0; 4]), || {
                Failure::new(say!("four zeros, which were published", "发布过的四个零"), say!("{got:?}", "{got:?}"))
            })
        });
    }

    #[test]
    fn is_whole_whatever_is_published_meanwhile() {
        check("sequence_lock", cell_rule(), || {
            for_each(STRIDES, every, |&stride| {
                let cell = page_of_zeros()?;
                let found = page_of_zeros()?;
                let mut writer = start(|line| {
                    let mut n = 1;
                    while line.await_turn().is_ok() {
                        publish(&cell, value(n));
                        n += 1;
                        line.give_turn().map_err(text)?;
                    }
                    Ok(())
                })?;
                let mut publish_next = || {
                    writer.give_turn()?;
                    writer.await_turn()
                };
                // The reader must find something in the end, so the writer stops some time.
                publish_next()?;
                let mut published = 1;
                let stepped = after_each_instruction(
                    || Ok(()),
                    |()| {
                        let words = super::latest(&cell).ok_or("None")?;
                        for (n, word) in words.into_iter().enumerate() {
                            found.long_word(8 * n).store(word, Ordering::Relaxed);
                        }
                        Ok(())
                    },
                    |step| {
                        if step % stride == 0 && step < 3_000 {
                            publish_next()?;
                            published += 1;
                        }
                        Ok(())
                    },
                )?;
                if stepped.is_none() {
                    skipped();
                    return Ok(());
                }
                let words = [0, 8, 16, 24].map(|at| found.long_word(at).load(Ordering::Relaxed));
                ensure(words.iter().all(|word| *word == words[0]) && (1..=published).contains(&words[0]), || {
                    Failure::new(say!("four words of one value", "同一个值的四个字"), say!("{words:?}", "{words:?}"))
                        .shows(&belief::COPIES_ARE_ATOMIC)
                })
            })
        });
    }

    fn wrote(failure: Failure) -> Failure {
        if failure.died_of() == Some(Cause::NotAllowed) { failure.shows(&belief::READERS_MAY_WRITE) } else { failure }
    }

    #[test]
    fn needs_no_more_than_to_read() {
        let rule = say!(
            "mmap(2), PROT_READ: a store is SIGSEGV. A reader that has to write, to say that it is there, can be held up, and can hold \
             up others.",
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
            ensure((nothing, got) == (None, Some(value(5))), || {
                Failure::new(
                    say!("{:?}", "{:?}", (None::<[u64; 4]>, Some(value(5)))),
                    say!("{:?}", "{:?}", (nothing, got)),
                )
            })
        });
    }
}
