use std::fs::OpenOptions;
use std::io::{Read, Seek, SeekFrom, Write};
use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::UnixStream;

use mmap_workbook::grade::fixtures::{in_child, names_in, on_a_disk, open_descriptors};
use mmap_workbook::grade::{On, ask_refused, watch};
use nix::mount::{MsFlags, mount};
use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::wait::{Id, WaitPidFlag, waitid};

use super::*;

fn rule() -> Text {
    text!(
        "fcntl(2), record locks: they belong to the process, are not inherited by fork(2), and end with it. flock(2) \
         and OFD locks belong to the open file description, which a child shares. A process id may be reused.",
        "fcntl(2) 的记录锁属于进程，不会被 fork(2) 继承，随进程结束而释放。flock(2) 和 OFD 锁属于打开文件描述，子进程同样持有。进程号则可能被重新使用。"
    )
}

fn description_rule() -> Text {
    text!(
        "An OFD lock belongs to the open file description, not to a process. So its owner is told as -1, a child has the \
         lock, too, and it stays when the process that took it has died. A lock of F_SETLK is the process's.",
        "OFD 锁属于打开文件描述，不属于进程：查到的持有者是 -1，子进程同样持有它，加锁的进程死了它也还在。F_SETLK 的锁才属于进程。"
    )
}

fn close_rule() -> Text {
    text!(
        "A process loses its F_SETLK lock when it closes any descriptor of the file, a copy too. F_SETLK needs none: it takes \
         the descriptor that the caller has.",
        "进程只要关闭这个文件的任何一个描述符（复制出来的也算），F_SETLK 的锁就没有了。其实不必复制：F_SETLK 直接用调用者的描述符就行。"
    )
}

fn bytes_rule() -> Text {
    text!(
        "Locks of fcntl(2) are on bytes, and exclude each other only where their bytes overlap, and if one of them is \
         F_WRLCK. From byte 0 on with `l_len` 0 is the whole file, however it grows.",
        "fcntl(2) 的锁锁的是字节：范围有重叠，且至少一方是 F_WRLCK，才互相排斥。从第 0 字节起、`l_len` 为 0，就是整个文件，文件再变长也是。"
    )
}

/// What a process knows without the kernel.
fn memory_rule() -> Text {
    text!(
        "The kernel keeps locks apart by file and by process. What a process remembers itself it has for all its files, and a \
         forked child inherits the memory, but not the lock.",
        "内核按文件、按进程区分锁。进程自己记住的东西，却是所有文件共用的；派生的子进程会继承这份记忆，却不继承锁。"
    )
}

fn pid_rule() -> Text {
    text!(
        "A process id says little. A process that was killed has its id until its parent has waited for it, and then another \
         one may get it. The kernel releases a lock as soon as its owner ends.",
        "进程号说明不了什么：进程被杀死后，在父进程等待回收之前仍占着进程号，之后这个号又可能给别的进程。锁则在持有者结束时立即由内核释放。"
    )
}

fn kernel_rule() -> Text {
    text!(
        "The lock is in the kernel, not in the file: nothing need be stored in it or beside it. What a killed process has \
         stored, nobody removes.",
        "锁在内核里，不在文件里：不必往文件里或文件旁边写任何东西。被杀死的进程写下的东西，没有人会清除。"
    )
}

fn wait_rule() -> Text {
    text!(
        "F_SETLK fails at once when another process has the lock. F_SETLKW, and flock(2) without LOCK_NB, wait for it.",
        "锁在别的进程手里时，F_SETLK 立即失败；F_SETLKW 和不带 LOCK_NB 的 flock(2) 则会等下去。"
    )
}

fn position_rule() -> Text {
    text!(
        "The position belongs to the open file description, which others may share. A lock from SEEK_SET on needs none, while \
         lockf(3) locks from the position on.",
        "文件位置属于打开文件描述，可能与别人共用。用 SEEK_SET 加锁与位置无关，lockf(3) 则从当前位置锁起。"
    )
}

/// What F_GETLK says when nobody has the lock.
fn nobody_rule() -> Text {
    text!(
        "After F_GETLK look at `l_type` first. If it is F_UNLCK, nobody has the lock, and `l_pid` says nothing: begin again.",
        "F_GETLK 之后先看 `l_type`：若是 F_UNLCK，就是没有人持有锁，这时 `l_pid` 没有意义，要重新开始。"
    )
}

/// The rule of what happens between the two calls.
fn race_rule() -> Text {
    text!(
        "Between F_SETLK and F_GETLK the owner may go, and another one may come. If nobody has the lock then, F_GETLK \
         writes F_UNLCK into your struct: a next F_SETLK with it takes no lock, it releases one.",
        "F_SETLK 与 F_GETLK 之间，持有者可能消失，也可能换人。这时若没有人持有锁，F_GETLK 就把 F_UNLCK 写进你的结构体：接着用它\
         调用 F_SETLK 不是加锁，而是释放。"
    )
}

/// Names the rule about the answer of F_GETLK, where that was the last question.
fn of_the_last_answer(commands: &[i32], failure: Failure) -> Failure {
    if commands.last() == Some(&libc::F_GETLK) { failure.breaks("lock", nobody_rule()) } else { failure }
}

/// A directory, if a second process learns who the writer of the file in it is. Where it doesn't, the check of that says
/// so, and no other one has to. While the directory is there, no other file gets that one's inode number.
fn a_second_process_learns_who() -> Result<Option<tempfile::TempDir>, Failure> {
    let (directory, path) = file()?;
    let (mut a, mut b) = (claimer(&path)?, claimer(&path)?);
    let tried = [&mut a, &mut b].map(claims);
    let writer = a.pid().to_string();
    for claimed in tried {
        match claimed {
            Err(failure) if matches!(failure.verdict, Verdict::Todo | Verdict::Broken | Verdict::Skipped) => {
                return Err(failure);
            }
            claimed => {
                if claimed.map_or(true, |pid| pid != writer) {
                    return Ok(None);
                }
            }
        }
    }
    Ok(Some(directory))
}

/// A check of what comes after the basics.
fn check_further(rule: Text, body: impl FnOnce() -> Result<(), Failure>) {
    check("lock", rule, || {
        let directory = a_second_process_learns_who()?;
        if directory.is_some() { body() } else { Ok(()) }
    });
}

fn open(path: &Path) -> std::io::Result<File> {
    File::options().read(true).write(true).open(path)
}

/// A process that opens the file, and in each of its turns claims it and sends the result. Each has another position in
/// the file.
fn claimer(path: &Path) -> Result<Player, Failure> {
    let path = path.to_owned();
    start(move |peer| {
        let mut file = open(&path).map_err(error_text)?;
        file.seek(SeekFrom::Start(u64::from(std::process::id()))).map_err(error_text)?;
        claim_in_turns(peer, &file)
    })
}

fn claim_in_turns(peer: &Peer, file: &File) -> Result<(), String> {
    // Until the check drops its end.
    while peer.await_turn().is_ok() {
        let claimed = super::claim(file).map_err(kind);
        let claimed = claimed.map_or_else(|error| error, |pid| pid.to_string());
        peer.send(claimed.as_bytes()).map_err(error_text)?;
    }
    Ok(())
}

fn claims(player: &mut Player) -> Result<String, Failure> {
    player.give_turn()?;
    let claimed = player.receive().map_err(|failure| match failure.verdict {
        Verdict::TimedOut => failure.breaks("lock", wait_rule()),
        _ => failure,
    })?;
    Ok(String::from_utf8_lossy(&claimed).into_owned())
}

/// Expects that a call has returned the id of `writer`.
fn is(writer: Pid, got: &str, who: Text) -> Result<(), Failure> {
    let of_description = |failure: Failure| match got {
        "-1" => failure.breaks("lock", description_rule()),
        _ => failure,
    };
    ensure(got == writer.to_string(), || {
        let expected = Text::new(
            format!("claim returns {writer}, the id of {}", who.en),
            format!("claim 返回{}的进程号 {writer}", who.zh),
        );
        let got = if got == "-1" {
            text!(
                "it returns -1: that is the kernel's answer for an OFD lock, which no process owns",
                "返回 -1：锁若是 OFD 锁，内核就这样回答，因为它不属于任何进程"
            )
        } else if got.parse::<i32>().is_ok() {
            text!("it returns {got}", "返回 {got}")
        } else {
            text!("it returns the error {got}", "返回错误 {got}")
        };
        Failure::new(expected, got)
    })
    .map_err(of_description)
}

/// Kills the process, for which its parent has not waited then.
fn kill_and_leave(process: &Player) -> Result<(), Failure> {
    kill(process.pid(), Signal::SIGKILL)?;
    waitid(Id::Pid(process.pid()), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT)?;
    Ok(())
}

fn file() -> Result<(tempfile::TempDir, std::path::PathBuf), Failure> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("channel");
    fs::write(&path, b"the channel")?;
    Ok((directory, path))
}

/// Names the belief, or the rule, where a child has the role, too.
fn locked_with_flock(path: &Path, failure: Failure) -> Failure {
    let (failure, calls) = of_its_lock(path, memory_rule(), failure);
    let flocks = calls.iter().any(|call| call.number == libc::SYS_flock);
    if flocks { failure.shows(&belief::FLOCK_IS_THE_PROCESSES) } else { failure }
}

/// The system calls of a call of `claim`.
fn calls_of_a_call(path: &Path) -> Vec<Call> {
    let claim = || open(path).and_then(|file| super::claim(&ManuallyDrop::new(file))).map_err(kind);
    let calls = watch(claim, |_| false).map_or_else(|_| Vec::new(), |watched| watched.calls);
    calls.into_iter().map(|watched| watched.call).collect()
}

/// The commands of fcntl(2) among them.
fn commands_of_a_call(path: &Path) -> Vec<i32> {
    calls_of_a_call(path).iter().filter_map(command).collect()
}

/// Names the rule that the lock breaks which a call of `claim` takes, or else this one. Returns the call's system calls,
/// too.
fn of_its_lock(path: &Path, otherwise: Text, failure: Failure) -> (Failure, Vec<Call>) {
    let calls = calls_of_a_call(path);
    let commands: Vec<_> = calls.iter().filter_map(command).collect();
    let makes = |number| calls.iter().any(|call| call.number == number);
    let rule = if commands.contains(&libc::F_OFD_SETLK) || commands.contains(&libc::F_OFD_SETLKW) {
        description_rule()
    } else if makes(libc::SYS_flock) {
        rule()
    } else if !commands.iter().any(|command| [libc::F_SETLK, libc::F_SETLKW].contains(command)) {
        kernel_rule()
    } else if makes(libc::SYS_close) {
        close_rule()
    } else {
        otherwise
    };
    (failure.breaks("lock", rule), calls)
}

#[test]
fn one_process_is_the_writer_and_the_others_learn_who() {
    check("lock", rule(), || {
        let (directory, path) = file()?;
        let (mut a, mut b) = (claimer(&path)?, claimer(&path)?);
        let first = || text!("the first process", "第一个进程");
        is(a.pid(), &claims(&mut a)?, first())?;
        let by_its_lock = |failure| of_its_lock(&path, bytes_rule(), failure).0;
        is(a.pid(), &claims(&mut b)?, first()).map_err(by_its_lock)?;
        let bytes = fs::read(&path)?;
        ensure(bytes == b"the channel", || {
            Failure::new(text!("the file is as before", "文件保持原样"), text!("it has changed", "文件被改动了"))
                .breaks("lock", kernel_rule())
        })?;
        let names = names_in(directory.path())?;
        ensure(names == ["channel"], || {
            Failure::new(
                text!("claim makes no file", "claim 不创建文件"),
                text!("the directory has {names:?}", "目录里有 {names:?}"),
            )
            .breaks("lock", kernel_rule())
        })?;
        let grown = |failure: Failure| {
            let given = text!("the file has grown in between", "文件在此期间变长了");
            failure.breaks("lock", bytes_rule()).given(given)
        };
        OpenOptions::new().append(true).open(&path)?.write_all(b", longer")?;
        is(a.pid(), &claims(&mut b)?, first()).map_err(grown)?;
        is(a.pid(), &claims(&mut a)?, first()).map_err(grown)?;
        OpenOptions::new().write(true).open(&path)?.set_len(0)?;
        let emptied = |failure: Failure| {
            failure.breaks("lock", bytes_rule()).given(text!("the file is empty now", "文件已被清空"))
        };
        is(a.pid(), &claims(&mut b)?, first()).map_err(emptied)?;
        is(a.pid(), &claims(&mut a)?, first()).map_err(emptied)?;
        let size = fs::metadata(&path)?.len();
        ensure(size == 0, || {
            let failure = Failure::new(
                text!("claim leaves it empty", "claim 之后它仍然是空的"),
                text!("it has {size} bytes", "它有 {size} 字节"),
            );
            emptied(failure.breaks("lock", kernel_rule()))
        })
    });
}

#[test]
fn each_file_has_a_writer_of_its_own() {
    check_further(rule(), || {
        let (_directory, path) = file()?;
        let (_another_directory, another) = file()?;
        each_has_its_own_writer(&path, &another).map_err(|failure| {
            of_its_lock(&path, memory_rule(), failure).0.given(text!(
                "one process is the writer of a file, another one of a second file, and calls for both by turns",
                "一个进程是某文件的写者，另一个进程是第二个文件的写者，并轮流对两个文件调用"
            ))
        })
    });
}

/// Two processes, of which the second one uses both files.
fn each_has_its_own_writer(path: &Path, another: &Path) -> Result<(), Failure> {
    let mut a = claimer(path)?;
    is(a.pid(), &claims(&mut a)?, text!("the first process", "第一个进程"))?;
    let mut calls = 0;
    let mut b = start(|peer| {
        let files = [open(another).map_err(error_text)?, open(path).map_err(error_text)?];
        while peer.await_turn().is_ok() {
            let claimed = super::claim(&files[calls % 2]).map_or_else(kind, |pid| pid.to_string());
            calls += 1;
            peer.send(claimed.as_bytes()).map_err(error_text)?;
        }
        Ok(())
    })?;
    for _ in 0..2 {
        is(b.pid(), &claims(&mut b)?, text!("the second process", "第二个进程"))?;
        is(a.pid(), &claims(&mut b)?, text!("the first process", "第一个进程"))?;
    }
    a.kill()?;
    let (mut c, mut d) = (claimer(path)?, claimer(another)?);
    let second = b.pid();
    let told = [claims(&mut b)?, claims(&mut b)?, claims(&mut c)?, claims(&mut d)?];
    told.iter().try_for_each(|told| {
        let both = text!(
            "the second process, the writer of both files now that the first one is dead",
            "第二个进程（第一个进程已死，两个文件的写者都是它）"
        );
        is(second, told, both)
    })
}

#[test]
fn tells_the_files_of_two_disks_apart() {
    check_further(rule(), || {
        // Who mixes up any two files is told so by the check of that.
        let ((_one, one), (_another, another)) = (file()?, file()?);
        if each_has_its_own_writer(&one, &another).is_err() {
            return Ok(());
        }
        on_a_disk(16, |disk| {
            // The first file of a new disk in memory has the same inode number on each.
            let new = |name| -> std::io::Result<std::path::PathBuf> {
                let directory = disk.join(name);
                fs::create_dir(&directory)?;
                mount(Some("tmpfs"), &directory, Some("tmpfs"), MsFlags::empty(), None::<&str>)?;
                let path = directory.join("channel");
                fs::write(&path, b"the channel")?;
                Ok(path)
            };
            each_has_its_own_writer(&new("one")?, &new("another")?)
        })
        .map_err(|failure| {
            failure.breaks("lock", memory_rule()).given(text!(
                "two files with the same inode number, each on a disk of its own; one process is the writer of one, \
                 another process of the other",
                "两个文件的 inode 号相同，但分别在两个磁盘上；两个进程各是其中一个文件的写者"
            ))
        })
    });
}

#[test]
fn leaves_everything_else_as_it_is() {
    check("lock", rule(), || {
        let (_directory, path) = file()?;
        let (pid, [before, after], position, in_thread) = in_child(|| {
            let mut file = open(&path)?;
            file.seek(SeekFrom::Start(3))?;
            let before = open_descriptors()?;
            super::claim(&file)?;
            super::claim(&file)?;
            let after = open_descriptors()?;
            let position = file.stream_position()?;
            let thread = std::thread::scope(|scope| scope.spawn(|| super::claim(&file)).join());
            let in_thread = thread.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            Ok((std::process::id().cast_signed(), [before, after], position, in_thread))
        })?;
        is(Pid::from_raw(pid), &in_thread.to_string(), text!("the process", "该进程")).map_err(|failure| {
            let rule = text!(
                "The lock is the process's, so each of its threads has it, and its id is the same in each (getpid(2)). \
                     gettid(2) is the id of one thread.",
                "锁属于进程，每个线程都算持有；进程号在各线程里相同（getpid(2)），gettid(2) 得到的则是线程号。"
            );
            let given = text!("another thread of the writer calls", "由写者的另一个线程调用");
            failure.breaks("lock", rule).given(given)
        })?;
        ensure(before == after, || {
            Failure::new(
                text!("claim leaves no descriptor open", "claim 不留下打开的描述符"),
                text!(
                    "before two calls {before} were open, after them {after}",
                    "两次调用之前打开了 {before} 个，之后是 {after} 个"
                ),
            )
            .breaks("lock", close_rule())
        })?;
        ensure(position == 3, || {
            Failure::new(
                text!("the position in the file stays 3", "文件位置仍为 3"),
                text!("it is {position}", "为 {position}"),
            )
            .breaks("lock", position_rule())
        })
    });
}

#[test]
fn the_role_is_free_when_the_writer_is_killed() {
    check_further(rule(), || {
        let (_directory, path) = file()?;
        let (mut a, mut b, mut c) = (claimer(&path)?, claimer(&path)?, claimer(&path)?);
        let first = || text!("the first process", "第一个进程");
        is(a.pid(), &claims(&mut a)?, first())?;
        is(a.pid(), &claims(&mut b)?, first()).map_err(|failure| of_its_lock(&path, bytes_rule(), failure).0)?;
        kill_and_leave(&a)?;
        let got = claims(&mut b)?;
        is(b.pid(), &got, text!("the second process", "第二个进程")).map_err(|failure| {
            let failure = if got == a.pid().to_string() {
                failure.shows(&belief::A_PID_IS_A_PROCESS).breaks("reader", pid_rule())
            } else {
                failure
            };
            failure.given(text!(
                "the first process was the writer and was killed; its parent has not waited for it yet",
                "第一个进程曾是写者，已被杀死；它的父进程尚未等待回收它"
            ))
        })?;
        drop(a);
        is(b.pid(), &claims(&mut c)?, text!("the second process", "第二个进程"))?;
        b.end()?;
        is(c.pid(), &claims(&mut c)?, text!("the third process", "第三个进程"))
    });
}

#[test]
fn a_child_of_the_writer_does_not_keep_the_role() {
    check("lock", rule(), || {
        let (_directory, path) = file()?;
        let mut b = claimer(&path)?;
        let (mut ours, mut theirs) = UnixStream::pair()?;
        let mut a = start(|peer| {
            let file = open(&path).map_err(error_text)?;
            super::claim(&file).map_err(kind)?;
            // SAFETY: this process has no other thread; the child ends by _exit(2).
            match unsafe { fork() }.map_err(error_text)? {
                ForkResult::Child => {
                    while theirs.read_exact(&mut [0]).is_ok() {
                        let answer = super::claim(&file).unwrap_or(0);
                        let _ = theirs.write_all(&answer.to_ne_bytes());
                    }
                    // SAFETY: _exit(2) runs no code of this program.
                    unsafe { libc::_exit(0) }
                }
                ForkResult::Parent { child } => {
                    // Out of the process group that is killed with its parent, before the check learns its id.
                    setpgid(child, child).map_err(error_text)?;
                    peer.send(child.to_string().as_bytes()).map_err(error_text)?;
                }
            }
            peer.await_turn().map_err(error_text)
        })?;
        let child = String::from_utf8_lossy(&a.receive()?).parse().map(Pid::from_raw).map_err(std::io::Error::other)?;
        ours.set_read_timeout(Some(mmap_workbook::process::DEADLINE))?;
        let mut asks_child = || -> std::io::Result<String> {
            let mut answer = [0; 4];
            ours.write_all(b".")?;
            ours.read_exact(&mut answer)?;
            Ok(i32::from_ne_bytes(answer).to_string())
        };
        let there = is(a.pid(), &claims(&mut b)?, text!("the parent", "父进程"));
        let to_child = asks_child()?;
        let writer = a.pid();
        a.kill()?;
        let got = claims(&mut b);
        let other = b.pid();
        drop(b);
        let after = asks_child();
        // It became a child of ours when its parent died.
        kill(child, Signal::SIGKILL)?;
        waitpid(child, None)?;
        there.map_err(|failure| of_its_lock(&path, bytes_rule(), failure).0)?;
        is(writer, &to_child, text!("the parent, the writer, which the child asks", "父进程，即写者（由子进程调用）"))
            .map_err(|failure| locked_with_flock(&path, failure))?;
        let dead = text!(
            "the other process, since the writer is dead and only its child lives",
            "另一个进程：写者已死，它的子进程还活着"
        );
        is(other, &got?, dead).map_err(|failure| locked_with_flock(&path, failure))?;
        is(
            child,
            &after?,
            text!("the child, which calls when both writers are dead", "子进程：两个写者都已死去，由它调用"),
        )
    });
}

/// What another process does while a call of `claim` stands before one of its system calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meanwhile {
    /// Nobody is the writer, and it calls.
    Calls,
    /// It is the writer, and is killed.
    Dies,
    /// It is the writer, and is killed, and a third process calls.
    IsFollowed,
    /// The process itself is the writer already, and another one calls.
    Asks,
    /// Another process is the writer, and is killed, and another thread of this process calls.
    IsFollowedByAThread,
}

/// Waits until the other thread of this process, whose first one stands still, has answered. Returns false if instead it
/// waits for what the first one has, such as a mutex.
fn answers(thread: &UnixStream, process: u32) -> std::io::Result<bool> {
    let futex = format!("{} ", libc::SYS_futex);
    let waits = || {
        let tasks = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
        let mut calls = tasks.filter_map(|task| fs::read_to_string(task.path().join("syscall")).ok());
        calls.any(|call| call.starts_with(&futex))
    };
    let until = Instant::now() + deadline();
    while Instant::now() < until {
        if poll(&mut [PollFd::new(thread.as_fd(), PollFlags::POLLIN)], 1_u8)? > 0 {
            return Ok(true);
        }
        if waits() {
            return Ok(false);
        }
    }
    Ok(false)
}

/// The call that a process makes when its call of `claim` has returned, so that it stops there.
const RETURNED: i64 = libc::SYS_getppid;

impl Meanwhile {
    fn in_words(self) -> Text {
        match self {
            Meanwhile::Calls => text!("another process calls claim", "另一个进程调用 claim"),
            Meanwhile::Dies => text!("the writer, another process, is killed", "写者（另一个进程）被杀死"),
            Meanwhile::IsFollowed => text!(
                "the writer, another process, is killed, and a third process calls claim",
                "写者（另一个进程）被杀死，第三个进程调用 claim"
            ),
            Meanwhile::Asks => text!(
                "another process calls claim; this one is the writer already, and only calls again",
                "另一个进程调用 claim；本进程早已是写者，只是再次调用"
            ),
            Meanwhile::IsFollowedByAThread => text!(
                "the writer, another process, is killed, and another thread of this process calls claim",
                "写者（另一个进程）被杀死，本进程的另一个线程调用 claim"
            ),
        }
    }

    /// Does it before the `n`-th system call, from 0 on. Returns whether there is such a call.
    fn happens_before(self, n: usize) -> Result<bool, Failure> {
        let (_directory, path) = file()?;
        // The process, and what its call has returned.
        let words = page_of_zeros()?;
        let (pid, returned) = (words.word(0), words.word(4));
        let mut first = claimer(&path)?;
        let mut third = claimer(&path)?;
        let dies = matches!(self, Meanwhile::Dies | Meanwhile::IsFollowed | Meanwhile::IsFollowedByAThread);
        if dies {
            claims(&mut first)?;
        }
        let (mut ours, theirs) = UnixStream::pair()?;
        ours.set_read_timeout(Some(mmap_workbook::process::DEADLINE))?;
        let mut first = Some(first);
        let first_pid = first.as_ref().map(Player::pid).map_or(0, Pid::as_raw);
        // What the others were told, and what the third process was told after that.
        let (mut stood, mut answer, mut later, mut skipped) = (None, String::new(), Vec::new(), false);
        let prepare = || {
            let file = Arc::new(open(&path)?);
            if self == Meanwhile::Asks {
                super::claim(&file)?;
            }
            if self == Meanwhile::IsFollowedByAThread {
                let (file, mut theirs) = (Arc::clone(&file), theirs.try_clone()?);
                std::thread::spawn(move || {
                    while theirs.read_exact(&mut [0]).is_ok() {
                        let answer = super::claim(&file).unwrap_or(0);
                        let _ = theirs.write_all(&answer.to_ne_bytes());
                    }
                });
            }
            pid.store(std::process::id(), Ordering::Relaxed);
            Ok(file)
        };
        let act = |file: Arc<File>| {
            let writer = super::claim(&file).map_err(kind)?;
            returned.store(writer.cast_unsigned(), Ordering::Relaxed);
            // SAFETY: getppid(2) has no arguments and does nothing.
            unsafe { libc::syscall(RETURNED) };
            // It lives until the check has seen what it returned, and keeps the role with the file.
            std::mem::forget(file);
            Ok(())
        };
        let mut commands = Vec::new();
        let ended = before_each_call(prepare, act, |call, what| {
            does_not_wait(what)?;
            commands.extend(command(what));
            if stood.is_some() && (self != Meanwhile::Dies || what.number == RETURNED) {
                later.push(claims(&mut third)?);
            }
            if call == n && what.number != RETURNED {
                stood = Some(what.number);
                // A thread that stands still elsewhere may have what another one needs first, such as a OnceLock.
                let asks = [libc::SYS_fcntl, libc::SYS_close].contains(&what.number);
                if self == Meanwhile::IsFollowedByAThread && !asks {
                    skipped = true;
                    return Ok(());
                }
                if dies {
                    first.take().map_or(Ok(()), Player::kill)?;
                }
                if self == Meanwhile::IsFollowed {
                    answer = claims(&mut third)?;
                } else if self == Meanwhile::IsFollowedByAThread {
                    let mut told = [0; 4];
                    ours.write_all(b".")?;
                    if !answers(&ours, pid.load(Ordering::Relaxed))? {
                        skipped = true;
                        return Ok(());
                    }
                    ours.read_exact(&mut told)?;
                    answer = i32::from_ne_bytes(told).to_string();
                } else if let Some(first) = &mut first {
                    answer = claims(first)?;
                }
            }
            Ok(())
        });
        let given = |failure: Failure| {
            let failure = if self == Meanwhile::Dies { of_the_last_answer(&commands, failure) } else { failure };
            let (stop, what) = (call_in_words(n, stood.unwrap_or_default()), self.in_words());
            failure.given(Text::new(
                format!("a process is in claim: {}, and {}", stop.en, what.en),
                format!("一个进程正在 claim 中：{}，这时{}", stop.zh, what.zh),
            ))
        };
        ended.map_err(given)?;
        let Some(_) = stood else { return Ok(false) };
        if skipped {
            return Ok(true);
        }
        let this = pid.load(Ordering::Relaxed).cast_signed();
        let got = returned.load(Ordering::Relaxed).cast_signed();
        if self != Meanwhile::Dies && answer.parse::<i32>().is_err() {
            return Err(given(Failure::new(
                text!("the other process gets the id of the writer", "另一个进程得到写者的进程号"),
                text!("it gets the error {answer}", "它得到错误 {answer}"),
            )));
        }
        // Whoever it was, there is one writer, and both know it; one that has died meanwhile was alive in the call.
        let possible = match self {
            Meanwhile::Dies | Meanwhile::IsFollowedByAThread => vec![this, first_pid],
            Meanwhile::IsFollowed => vec![answer.parse().unwrap_or_default(), first_pid],
            Meanwhile::Calls => vec![answer.parse().unwrap_or_default()],
            Meanwhile::Asks => vec![this],
        };
        let other_is_right = match self {
            Meanwhile::Dies => true,
            Meanwhile::Asks | Meanwhile::IsFollowedByAThread => answer == this.to_string(),
            Meanwhile::Calls => [this, first_pid].map(|pid| pid.to_string()).contains(&answer),
            Meanwhile::IsFollowed => [this, third.pid().as_raw()].map(|pid| pid.to_string()).contains(&answer),
        };
        ensure(possible.contains(&got) && other_is_right, || {
            let list = possible.iter().map(ToString::to_string).collect::<Vec<_>>();
            let (en, zh) = (list.join(" or "), list.join(" 或 "));
            let (heard, heard_zh) = match self {
                Meanwhile::Dies => (String::new(), String::new()),
                Meanwhile::IsFollowedByAThread => {
                    (format!(", and in the other thread {answer}"), format!("，而在另一个线程里返回 {answer}"))
                }
                _ => (format!(", and in the other process {answer}"), format!("，而在另一个进程里返回 {answer}")),
            };
            given(Failure::new(
                text!(
                    "there is one writer, and claim returns its id: {en}",
                    "写者只有一个，claim 返回它的进程号：{zh}"
                ),
                Text::new(format!("claim returns {got}{heard}"), format!("claim 返回 {got}{heard_zh}")),
            ))
        })?;
        // Whoever was told to be the writer, or of whom the others were told so, still is.
        let writer = if self == Meanwhile::Dies { got.to_string() } else { answer };
        let is_over = self == Meanwhile::Dies && got != this;
        let other = later.into_iter().find(|pid| !is_over && *pid != writer);
        other.map_or(Ok(true), |other| {
            Err(given(Failure::new(
                text!(
                    "{writer} is the writer then, and a third process that calls is told so",
                    "此后 {writer} 是写者，再由第三个进程调用，得到的也是它"
                ),
                text!("the third process gets {other}", "第三个进程得到 {other}"),
            )))
        })
    }
}

#[test]
fn is_right_whatever_happens_between_its_system_calls() {
    check_further(race_rule(), || {
        for meanwhile in
            [Meanwhile::Calls, Meanwhile::Dies, Meanwhile::IsFollowed, Meanwhile::Asks, Meanwhile::IsFollowedByAThread]
        {
            for n in 0.. {
                if !meanwhile.happens_before(n)? {
                    break;
                }
            }
        }
        Ok(())
    });
}

/// How often the role is taken and ends again.
const CHANGES: usize = 20;

#[test]
fn asks_again_as_often_as_the_role_ends() {
    check_further(race_rule(), || {
        let (_directory, path) = file()?;
        let words = page_of_zeros()?;
        let (pid, returned) = (words.word(0), words.word(4));
        let prepare = || {
            pid.store(std::process::id(), Ordering::Relaxed);
            open(&path)
        };
        let act = |file: File| {
            let writer = super::claim(&file).map_err(kind)?;
            returned.store(writer.cast_unsigned(), Ordering::Relaxed);
            Ok(())
        };
        let (mut writer, mut changes, mut commands) = (None, 0, Vec::new());
        let calls = before_each_call(prepare, act, |_, call| {
            does_not_wait(call)?;
            commands.extend(command(call));
            match command(call) {
                Some(libc::F_SETLK) if changes < CHANGES && writer.is_none() => {
                    let mut other = claimer(&path)?;
                    claims(&mut other)?;
                    writer = Some(other);
                }
                Some(libc::F_GETLK) if writer.is_some() => {
                    writer.take().map_or(Ok(()), Player::kill)?;
                    changes += 1;
                }
                _ => {}
            }
            Ok(())
        });
        let given = |failure: Failure| {
            of_the_last_answer(&commands, failure).given(text!(
                "before each F_SETLK another process becomes the writer, and before each F_GETLK it is killed, {CHANGES} \
                 times",
                "每次 F_SETLK 之前都有另一个进程成为写者，每次 F_GETLK 之前它又被杀死，共 {CHANGES} 次"
            ))
        };
        calls.map_err(given)?;
        // Where nobody calls F_GETLK the other one is still the writer.
        let expected =
            writer.as_ref().map_or_else(|| pid.load(Ordering::Relaxed), |other| other.pid().as_raw().cast_unsigned());
        let got = returned.load(Ordering::Relaxed);
        is(Pid::from_raw(expected.cast_signed()), &got.to_string(), text!("the writer in the end", "最后的写者"))
            .map_err(given)
    });
}

/// The command, if it is a call of fcntl(2).
fn command(call: &Call) -> Option<i32> {
    (call.number == libc::SYS_fcntl).then(|| i32::try_from(call.arguments[1]).unwrap_or(-1))
}

/// Expects that the call is none that waits.
fn does_not_wait(call: &Call) -> Result<(), Failure> {
    // A futex, or a lock of flock(2), may be had at once.
    let may_not = [libc::SYS_futex, libc::SYS_flock];
    let waits = |number: i64| match command(call) {
        Some(command) => command == libc::F_SETLKW,
        None => !may_not.contains(&number),
    };
    let name = WAITS.iter().find(|(number, _)| *number == call.number && waits(*number)).map(|(_, name)| *name);
    name.map_or(Ok(()), |name| {
        let failure =
            Failure::new(text!("claim never waits", "claim 从不等待"), text!("it calls {name}", "它调用了 {name}"));
        Err(failure.breaks("lock", wait_rule()))
    })
}

#[test]
fn returns_the_errors_of_system_calls() {
    let rule = text!(
        "EAGAIN and EACCES say that another process has the lock. Any other error says nothing about that: it is the \
         caller's to know, with its errno.",
        "EAGAIN 和 EACCES 表示锁在别的进程手里。其他错误与此无关，要连同 errno 交给调用者。"
    );
    check_further(rule, || {
        let (_directory, path) = file()?;
        // Whose lock is another one calls no F_SETLK that could fail.
        if !commands_of_a_call(&path).contains(&libc::F_SETLK) {
            return Ok(());
        }
        let file = open(&path)?;
        let mut a = claimer(&path)?;
        let cases = [
            (On::Descriptor(file.as_raw_fd()), false, text!("fcntl(2) fails with ENOLCK", "fcntl(2) 以 ENOLCK 失败")),
            (
                On::Command(libc::F_SETLK),
                false,
                text!("fcntl(2), F_SETLK, fails with ENOLCK", "fcntl(2) 的 F_SETLK 以 ENOLCK 失败"),
            ),
            (
                On::Command(libc::F_GETLK),
                true,
                text!(
                    "another process is the writer; fcntl(2), F_GETLK, fails with ENOLCK",
                    "写者是另一个进程；fcntl(2) 的 F_GETLK 以 ENOLCK 失败"
                ),
            ),
        ];
        for (on, is_taken, what) in cases {
            if is_taken {
                claims(&mut a)?;
            }
            let got = ask_refused(&[libc::SYS_fcntl], on, Errno::ENOLCK, || super::claim(&file).map_err(kind));
            let got = got.map_err(|failure| failure.given(what.clone()))?;
            // Another call may have said who is the writer.
            let knows = is_taken && got == Ok(a.pid().as_raw());
            ensure(knows || got.as_ref().is_err_and(|error| error == "ENOLCK"), || {
                let happened = match &got {
                    Ok(pid) => text!("it returns {pid}", "返回 {pid}"),
                    Err(error) => text!("it returns the error {error}", "返回错误 {error}"),
                };
                Failure::new(text!("claim returns the error ENOLCK", "claim 返回错误 ENOLCK"), happened).given(what)
            })?;
        }
        Ok(())
    });
}

#[test]
fn the_writer_may_be_a_process_of_another_user() {
    let rule = text!(
        "F_GETLK tells the owner whoever asks. kill(2) fails with EPERM for the process of another user, which lives.",
        "不管谁来问，F_GETLK 都会说出持有者。kill(2) 对别的用户的进程以 EPERM 失败，而那个进程还活着。"
    );
    check_further(rule, || {
        let (_directory, path) = file()?;
        let mut a = claimer(&path)?;
        is(a.pid(), &claims(&mut a)?, text!("the first process", "第一个进程"))?;
        let given = |failure: Failure| {
            failure.given(text!(
                "the writer is a process to which this one may not send signals: kill(2) fails with EPERM",
                "写者是本进程无权发送信号的进程：kill(2) 以 EPERM 失败"
            ))
        };
        let got = ask_refused(&[libc::SYS_kill], On::Everything, Errno::EPERM, || {
            let file = open(&path).map_err(kind)?;
            super::claim(&file).map_err(kind)
        });
        let got = got.map_err(given)?.map_or_else(|error| error, |pid| pid.to_string());
        is(a.pid(), &got, text!("the first process", "第一个进程")).map_err(given)
    });
}

#[test]
fn the_position_stays_for_all_who_share_it() {
    check("lock", position_rule(), || {
        let (_directory, path) = file()?;
        let mut file = open(&path)?;
        file.seek(SeekFrom::Start(3))?;
        let act = |()| super::claim(&file).map(drop).map_err(kind);
        before_each_call(
            || Ok(()),
            act,
            |call, what| {
                let position = (&file).stream_position()?;
                ensure(position == 3, || {
                    let stop = call_in_words(call, what.number);
                    Failure::new(
                        text!("the position in the file stays 3", "文件位置始终为 3"),
                        text!(
                            "its parent, which has the same open file, finds {position}",
                            "与它共用这个打开文件的父进程看到 {position}"
                        ),
                    )
                    .given(Text::new(
                        format!("a process that inherited the file is in claim: {}", stop.en),
                        format!("继承了该文件的进程正在 claim 中：{}", stop.zh),
                    ))
                })
            },
        )
        .map(drop)
    });
}

#[test]
fn the_child_is_not_the_writer_itself() {
    check_further(rule(), || {
        let (_directory, path) = file()?;
        let (parent, child): (i32, String) = in_child(|| {
            let file = open(&path)?;
            let parent = super::claim(&file)?;
            let child = ask(|| super::claim(&file).map_err(kind))
                .map_err(|failure| failure.happened.en)
                .map_err(std::io::Error::other)?;
            Ok((parent, child.map_or_else(|error| error, |pid| pid.to_string())))
        })?;
        is(
            Pid::from_raw(parent),
            &child,
            text!("the parent, which is the writer: its child calls", "父进程，即写者（由它的子进程调用）"),
        )
        .map_err(|failure| locked_with_flock(&path, failure))
    });
}
