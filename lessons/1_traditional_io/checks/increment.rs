use super::*;

/// A directory, and in it a counter with this text, if any, and another file, which must not change.
fn counter(text: Option<&str>) -> Result<(TempDir, PathBuf), Failure> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("counter");
    if let Some(text) = text {
        fs::write(&path, text)?;
    }
    fs::write(directory.path().join("counter.bak"), "not the counter\n")?;
    Ok((directory, path))
}

fn answer(path: &Path) -> Result<Result<u64, String>, Failure> {
    ask(|| super::increment(path).map_err(kind))
}

/// Expects that the file holds this number.
fn has(path: &Path, wanted: u64) -> Result<(), Failure> {
    let text = fs::read(path)?;
    ensure(text == format!("{wanted}\n").as_bytes(), || {
        let text = shown(&text);
        Failure::new(text!("the file holds \"{wanted}\\n\"", "文件内容为 \"{wanted}\\n\""), {
            text!("it holds {text}", "是 {text}")
        })
    })
}

/// Expects nothing in the directory but the counter and the other file, which has not changed.
fn nothing_beside(directory: &TempDir) -> Result<(), Failure> {
    let names = names_in(directory.path())?;
    let other = fs::read_to_string(directory.path().join("counter.bak")).unwrap_or_default();
    ensure(names == ["counter", "counter.bak"] && other == "not the counter\n", || {
        let names = names.join(", ");
        Failure::new(
            text!(
                "the directory holds the counter, and counter.bak as it was",
                "目录里只有计数器，以及原样未动的 counter.bak"
            ),
            text!("it holds {names}", "现在有：{names}"),
        )
    })
}

#[test]
fn gives_the_next_number() {
    let rule = text!(
        "The file that replaces another is a new file: it has the mode with which it was created, and a process that \
         has the old one open keeps it.",
        "被替换后的文件是一个新文件：权限由创建者设定；已经打开旧文件的进程，看到的仍是旧文件。"
    );
    check("replace", rule, || {
        let cases = [
            (None, 1),
            (Some("0"), 1),
            (Some("9\n"), 10),
            (Some("41"), 42),
            (Some("18446744073709551614\n"), u64::MAX),
        ];
        for_each(
            cases,
            |(text, _)| match text {
                Some(text) => text!("a file with {text:?}", "内容为 {text:?} 的文件"),
                None => text!("no file", "文件不存在"),
            },
            |&(text, wanted)| {
                let (directory, path) = counter(text)?;
                equal(&answer(&path)?, &Ok(wanted))?;
                has(&path, wanted)?;
                nothing_beside(&directory)
            },
        )?;
        let (_directory, path) = counter(Some("7\n"))?;
        fs::set_permissions(&path, Permissions::from_mode(0o640))?;
        let mut open = File::open(&path)?;
        equal(&answer(&path)?, &Ok(8))?;
        let mode = fs::metadata(&path)?.permissions().mode() & 0o7777;
        ensure(mode == 0o640, || {
            Failure::new(text!("the mode is 640, as before", "权限保持 640"), {
                text!("it is {mode:o}", "变成了 {mode:o}")
            })
            .shows(&belief::A_NEW_FILE_HAS_THE_OLD_MODE)
        })?;
        let mut seen = String::new();
        open.read_to_string(&mut seen)?;
        ensure(seen == "7\n", || {
            Failure::new(
                text!("a process that has it open reads \"7\\n\"", "之前打开文件的进程读到 \"7\\n\""),
                text!("it reads {seen:?}", "读到的是 {seen:?}"),
            )
            .shows(&belief::REWRITING_IS_ONE_STEP)
        })?;
        // A bare file name is one in the working directory.
        let (directory, path) = counter(Some("2\n"))?;
        let got = ask(|| {
            std::env::set_current_dir(&directory).map_err(kind)?;
            super::increment(Path::new("counter")).map_err(kind)
        })?;
        let here = text!("the path is a bare file name", "路径只有文件名");
        equal(&got, &Ok(3)).and_then(|()| has(&path, 3)).map_err(|failure| failure.given(here))
    });
}

#[test]
fn refuses_what_is_no_number() {
    let rule = text!(
        "A counter that would overflow, or that holds no number, is an error: the next number can't be guessed.",
        "加一会溢出、或内容根本不是数，都只能报错，不能猜。"
    );
    check("replace", rule, || {
        for_each(
            ["", "\n", "x\n", "12 34\n", "-1\n", "18446744073709551615\n", "18446744073709551616\n"],
            |text| text!("a file with {text:?}", "内容为 {text:?} 的文件"),
            |text| {
                let (directory, path) = counter(Some(text))?;
                refused(&answer(&path)?, &["InvalidData"])?;
                let now = fs::read_to_string(&path).unwrap_or_default();
                ensure(now == *text, || {
                    let wanted = text!("the file is as it was", "文件保持原样");
                    Failure::new(wanted, text!("it holds {now:?}", "现在的内容是 {now:?}"))
                })?;
                nothing_beside(&directory)
            },
        )
    });
}

/// Drops the capabilities with which root opens any file whatever its mode (capabilities(7)).
fn without_privileges() -> io::Result<()> {
    let header = [0x2008_0522_u32, 0]; // _LINUX_CAPABILITY_VERSION_3, this thread
    let none = [[0_u32; 3]; 2];
    // SAFETY: capset(2) reads the two structures, which have the layout that it needs.
    Errno::result(unsafe { libc::syscall(libc::SYS_capset, &raw const header, &raw const none) })?;
    Ok(())
}

#[test]
fn takes_no_other_error_for_a_file_that_is_not_there() {
    let rule = text!(
        "open(2): only ENOENT means that there is no file. EACCES, EIO or EMFILE say nothing about its contents.",
        "open(2)：ENOENT 才表示文件不存在。EACCES、EIO、EMFILE 都说明不了文件里有什么。"
    );
    check("replace", rule, || {
        let (directory, path) = counter(Some("41\n"))?;
        fs::set_permissions(&path, Permissions::from_mode(0o000))?;
        let got = ask(|| {
            without_privileges().map_err(kind)?;
            super::increment(&path).map_err(kind)
        })?;
        fs::set_permissions(&path, Permissions::from_mode(0o600))?;
        let given = |failure: Failure| failure.given(text!("a file that no process may read", "谁也不能读的文件"));
        refused(&got, &["EACCES", "PermissionDenied"])
            .map_err(|failure| failure.shows(&belief::NO_ANSWER_IS_NOTHING_THERE))
            .and_then(|()| has(&path, 41))
            .and_then(|()| nothing_beside(&directory))
            .map_err(given)
    });
}

#[test]
fn leaves_a_whole_number_whenever_it_is_killed() {
    let rule = text!(
        "SIGKILL can end a process between any two calls, and none of its code runs after that. rename(2) puts a new \
         file in the place of the old one in a single step.",
        "进程可能在任意两次系统调用之间被 SIGKILL 杀死，它自己的代码再也没有机会运行。rename(2) 一步就让新文件取代旧文件。"
    );
    check("killed", rule, || {
        killed_everywhere(Some("9\n"), 9)?;
        killed_everywhere(None, 0)
    });
}

/// Kills the process before each of its calls in turn, and calls the function again each time.
fn killed_everywhere(begins: Option<&str>, number: u64) -> Result<(), Failure> {
    let (directory, path) = counter(begins)?;
    let files = || -> Result<usize, Failure> { Ok(fs::read_dir(&directory)?.count()) };
    let files_before = files()?;
    for n in 0.. {
        let killed = killed_before_call(n, || Ok(()), |()| super::increment(&path).map(drop).map_err(error_text))?;
        let call = n + 1;
        let (en, zh) = begins.map_or(("no file", "文件不存在"), |_| ("a file with the number 9", "文件内容为 9"));
        let when = || {
            Text::new(
                format!("{en}; killed just before its call number {call}"),
                format!("{zh}；在第 {call} 次系统调用之前被杀死"),
            )
        };
        let text = path.exists().then(|| fs::read(&path)).transpose()?;
        let next = number + 1;
        let holds = |number: u64| text.as_deref() == Some(format!("{number}\n").as_bytes());
        let as_before = text.as_deref() == begins.map(str::as_bytes) || holds(number);
        ensure(as_before || holds(next), || {
            let wanted = text!("the file is as it was, or holds {next}", "文件保持原样，或者内容为 {next}");
            let now = text.as_deref().map_or("-".to_owned(), shown);
            let failure = Failure::new(wanted, text!("it holds {now}", "是 {now}"));
            failure.shows(&belief::REWRITING_IS_ONE_STEP).given(when())
        })?;
        if killed.is_none() {
            return ensure(n > 0, || Failure::new(text!("calls", "系统调用"), text!("none", "没有")));
        }
        if n > 0 && as_before && files()? == files_before {
            continue; // the same as after the kill before
        }
        let next = if as_before { number + 1 } else { number + 2 };
        equal(&answer(&path)?, &Ok(next)).and_then(|()| has(&path, next)).map_err(|f| f.given(when()))?;
        let left = files()? > 2;
        nothing_beside(&directory).map_err(|failure| {
            let failure = if left { failure.shows(&belief::THE_DEAD_CLEAN_UP) } else { failure };
            let Text { en, zh } = when();
            failure.given(Text::new(format!("{en}, then called again"), format!("{zh}，然后再调用一次")))
        })?;
        match begins {
            Some(text) => fs::write(&path, text)?,
            None => fs::remove_file(&path)?,
        }
    }
    Ok(())
}

/// The calls that matter, each by what it does.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Did {
    Opened { fd: u64, to_write: bool },
    Closed(u64),
    Wrote(u64),
    Synced(u64),
    SyncedAll,
    Locked(u64),
    Unlocked(u64),
    Renamed,
}

/// renameat2(2) without flags replaces; rename(2) is a call of its own on older architectures only.
const RENAMES: &[i64] = &[
    libc::SYS_renameat2,
    #[cfg(not(any(target_arch = "riscv32", target_arch = "riscv64", target_arch = "loongarch64")))]
    libc::SYS_renameat,
    #[cfg(any(target_arch = "x86_64", target_arch = "x86"))]
    libc::SYS_rename,
];

fn did(calls: &[Call]) -> Vec<Did> {
    let done = calls.iter().filter(|call| call.answer >= 0);
    let done = done.filter_map(|call| {
        let (fd, operation) = (call.arguments[0], call.arguments[1]);
        let flag = |flag: i32| operation & u64::from(flag.unsigned_abs()) != 0;
        Some(match call.number {
            number if RENAMES.contains(&number) => Did::Renamed,
            libc::SYS_openat => {
                let to_write = call.arguments[2] & u64::from(libc::O_ACCMODE.unsigned_abs()) != 0;
                Did::Opened { fd: call.answer.unsigned_abs(), to_write }
            }
            libc::SYS_close => Did::Closed(fd),
            libc::SYS_write | libc::SYS_pwrite64 | libc::SYS_writev | libc::SYS_pwritev if fd > 2 => Did::Wrote(fd),
            libc::SYS_fsync | libc::SYS_fdatasync => Did::Synced(fd),
            libc::SYS_sync | libc::SYS_syncfs => Did::SyncedAll,
            libc::SYS_flock if flag(libc::LOCK_EX) => Did::Locked(fd),
            libc::SYS_flock if flag(libc::LOCK_UN) => Did::Unlocked(fd),
            _ => return None,
        })
    });
    done.collect()
}

fn watched() -> Result<Vec<Did>, Failure> {
    let (_directory, path) = counter(Some("7\n"))?;
    let calls = calls_of(|| Ok(()), |()| super::increment(&path).map(drop).map_err(error_text))?;
    Ok(did(&calls))
}

#[test]
fn is_on_the_disk_when_it_returns() {
    let rule = text!(
        "fsync(2): it writes the file's own bytes, not its entry in the directory, which needs an fsync(2) of the \
         directory. rename(2) promises nothing about when either gets to the disk.",
        "fsync(2)：它只保证文件自身的内容落盘，不保证目录项；目录项要靠对目录调用 fsync(2)。rename(2) 对两者何时落盘不作任何保证。"
    );
    check("replace", rule, || {
        let did = watched()?;
        let Some(renamed) = did.iter().rposition(|&did| did == Did::Renamed) else {
            return Err(Failure::new(
                text!("a new file gets the name with rename(2)", "新文件通过 rename(2) 得到名字"),
                text!("there was no rename(2)", "没有调用 rename(2)"),
            )
            .shows(&belief::REWRITING_IS_ONE_STEP));
        };
        let before = &did[..renamed];
        let wrote = before.iter().rposition(|did| matches!(did, Did::Wrote(_))).ok_or_else(|| {
            let wanted = text!("the new number is written before the name changes", "改名之前写好新的数");
            Failure::new(wanted, text!("nothing was written before rename(2)", "rename(2) 之前什么都没写"))
        })?;
        let syncs = syncs(&did);
        let file = syncs.iter().any(|&(at, of)| wrote < at && at < renamed && of != Some(Kind::Directory));
        ensure(file, || {
            Failure::new(
                text!(
                    "fsync(2) of the new file, between the write and rename(2)",
                    "在写入和 rename(2) 之间对新文件调用 fsync(2)"
                ),
                text!("there was none", "没有调用"),
            )
            .shows(&belief::RENAME_WRITES_THE_FILE)
        })?;
        let directory = syncs.iter().any(|&(at, of)| renamed < at && of != Some(Kind::File));
        ensure(directory, || {
            Failure::new(
                text!("fsync(2) of the directory, after rename(2)", "rename(2) 之后对目录调用 fsync(2)"),
                text!("there was none", "没有调用"),
            )
            .shows(&belief::FSYNC_WRITES_THE_NAME)
        })
    });
}

/// What a descriptor refers to, as far as the calls tell: a directory can't be opened for writing.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    File,
    Directory,
}

/// Each call of fsync(2) or a similar one: its index among the calls, and what it syncs if that is known.
fn syncs(did: &[Did]) -> Vec<(usize, Option<Kind>)> {
    // A descriptor refers to the same file until it is closed.
    let mut kinds = BTreeMap::new();
    let mut syncs = Vec::new();
    for (n, did) in did.iter().enumerate() {
        match *did {
            Did::Opened { fd, to_write: true } | Did::Wrote(fd) => drop(kinds.insert(fd, Kind::File)),
            Did::Locked(fd) => drop(kinds.insert(fd, Kind::Directory)),
            Did::Opened { fd, .. } | Did::Closed(fd) => drop(kinds.remove(&fd)),
            Did::Synced(fd) => syncs.push((n, kinds.get(&fd).copied())),
            Did::SyncedAll => syncs.push((n, None)),
            Did::Unlocked(_) | Did::Renamed => {}
        }
    }
    syncs
}

/// Waits until the player has sent a message, has ended, or waits for a lock (proc_locks(5): `->`). Returns whether it
/// waits for a lock.
fn waits_for_a_lock(player: &Player) -> Result<bool, Failure> {
    let until = Instant::now() + deadline();
    let pid = player.pid().to_string();
    let waits = |line: &str| {
        let mut fields = line.split_whitespace();
        fields.nth(1) == Some("->") && fields.nth(3) == Some(&pid)
    };
    while Instant::now() < until {
        let said = PollFd::new(player.peer().as_fd(), PollFlags::POLLIN);
        if poll(&mut [said], PollTimeout::ZERO)? > 0 {
            return Ok(false);
        }
        if fs::read_to_string("/proc/locks").unwrap_or_default().lines().any(waits) {
            return Ok(true);
        }
        std::thread::yield_now();
    }
    // It neither answers nor is seen to wait: let it go on.
    Ok(true)
}

#[test]
fn waits_for_its_turn() {
    let rule = text!(
        "rename(2) is one step; reading, incrementing and replacing together are not: two processes that read the \
         same number both return the next one. flock(2) locks an open file: a process that waits for a lock on the \
         counter gets it on a file that has been replaced.",
        "rename(2) 自身是一步完成的，但“读出、加一、替换”整个过程不是：两个进程读到同一个数，就会给出同一个新数。flock(2) 锁的是打开的那个文件；若锁的是计数器本身，等到锁时它可能早已被替换。"
    );
    check("replace", rule, || {
        let (directory, path) = counter(Some("7\n"))?;
        let held = Flock::lock(File::open(directory.path())?, FlockArg::LockExclusive).map_err(|(_, errno)| errno)?;
        let mut player = start(|peer| {
            let number = super::increment(&path).map_err(error_text)?;
            peer.send(number.to_string().as_bytes()).map_err(error_text)
        })?;
        let given = || text!("the check holds the lock on the directory", "检查程序正持有目录的锁");
        if !waits_for_a_lock(&player)? {
            let number = String::from_utf8_lossy(&player.receive()?).into_owned();
            let locks = watched()?.iter().any(|did| matches!(did, Did::Locked(_)));
            let failure = Failure::new(
                text!("it waits until the directory is unlocked", "一直等到目录解锁"),
                text!("it returned the number {number} at once", "没有等，直接给出了 {number}"),
            );
            let shown = if locks { &belief::A_LOCK_IS_ON_THE_NAME } else { &belief::RENAME_IS_A_LOCK };
            return Err(failure.shows(shown).given(given()));
        }
        // What the process that holds the lock does meanwhile.
        let new = directory.path().join(".replacing-mine");
        fs::write(&new, "42\n")?;
        fs::rename(&new, &path)?;
        held.unlock().map_err(|(_, errno)| errno)?;
        let number = String::from_utf8_lossy(&player.receive()?).into_owned();
        player.end()?;
        ensure(number == "43", || {
            Failure::new(text!("it returns 43", "给出 43"), text!("it returned {number}", "给出了 {number}"))
                .given(text!("7 is replaced by 42 while it waits for the lock", "在它等锁期间，7 被替换成了 42"))
                .shows(&belief::WHAT_WAS_READ_STILL_HOLDS)
        })?;
        has(&path, 43)?;
        nothing_beside(&directory)?;

        let did = watched()?;
        let first = did.iter().find_map(|did| match did {
            Did::Locked(fd) => Some(*fd),
            _ => None,
        });
        let Some(lock) = first else { return Ok(()) }; // it waited, so it has locked in some other way
        let locked = did.iter().position(|did| *did == Did::Locked(lock)).unwrap_or_default();
        let ends = |did: &Did| matches!(did, Did::Closed(fd) | Did::Unlocked(fd) if *fd == lock);
        let unlocked = did[locked..].iter().position(ends).map(|n| locked + n);
        let last = did.iter().rposition(|did| matches!(did, Did::Renamed | Did::Synced(_) | Did::SyncedAll));
        ensure(unlocked.is_none_or(|unlocked| last.is_none_or(|last| last < unlocked)), || {
            Failure::new(
                text!("the lock is held until the new number is on the disk", "锁要一直持有到新的数落盘"),
                text!("it was released before that", "在此之前就放开了锁"),
            )
            .shows(&belief::WHAT_WAS_READ_STILL_HOLDS)
        })
    });
}
