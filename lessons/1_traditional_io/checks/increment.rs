use super::*;

/// What the call returns, which should hold no lock any more, and leave no descriptor open.
fn answer(path: &Path) -> Result<Result<u64, String>, Failure> {
    answer_after(path, || Ok(()))
}

/// [`answer`] of a process that does something before.
fn answer_after(path: &Path, before: impl FnOnce() -> io::Result<()>) -> Result<Result<u64, String>, Failure> {
    let directory = path.parent().unwrap_or(path).to_owned();
    let (answer, free, left) = ask(|| {
        if let Err(error) = before() {
            return (Err(kind(error)), true, 0);
        }
        let (answer, left) = called(|| super::increment(path));
        (answer, File::open(&directory).is_ok_and(is_free), left)
    })?;
    ensure(free, || {
        let failure = Failure::new(
            text!("the directory is not locked any more", "目录上不再有锁"),
            text!("it still is", "锁还没有释放"),
        );
        failure.given(text!("after the call has returned", "调用返回之后")).breaks(
            "turns",
            text!(
                "flock(2): a lock lasts until the last descriptor of its open file description is closed, after an error, too.",
                "flock(2)：锁归打开文件描述所有，最后一个描述符关闭才释放，出错返回时也是这样。"
            ),
        )
    })?;
    none_left(left)?;
    Ok(answer)
}

/// A failure of who gives or writes another number.
fn of_numbers(failure: Failure) -> Failure {
    failure.breaks(
        "number",
        text!(
            "A number in a file is text: digits, which are read as a whole, and perhaps a newline. The next one is written \
             the same way, as digits and a newline.",
            "文件里的数是文本：一串数字，要完整地读出来，末尾可能有换行符。新的数也这样写：数字加换行符。"
        ),
    )
}

/// A failure of who leaves files, or changes those of others.
fn of_files_beside(failure: Failure) -> Failure {
    failure.breaks(
        "replace",
        text!(
            "A temporary file either gets the name or is removed, and no other file is needed. Files with other names belong \
             to somebody else.",
            "临时文件要么改名顶替旧文件，要么被删除，除此之外不需要别的文件。名字不同的文件是别人的。"
        ),
    )
}

/// [`nothing_beside`] the counter.
fn only_the_counter(directory: &TempDir) -> Result<(), Failure> {
    nothing_beside(directory).map_err(of_files_beside)
}

/// Whether it increments a number, and leaves nothing else: [`gives_the_next_number`] checks that.
fn works() -> Result<bool, Failure> {
    let increments = || {
        let (directory, path) = counter(Some("9\n"))?;
        returns(&answer(&path)?, 10)?;
        has(&path, 10)?;
        nothing_beside(&directory)
    };
    knows_the_basics(increments())
}

/// Whether nobody has a lock on the directory.
fn is_free(directory: File) -> bool {
    Flock::lock(directory, FlockArg::LockExclusiveNonblock).is_ok()
}

/// Expects that the file holds this number.
fn has(path: &Path, wanted: u64) -> Result<(), Failure> {
    let text = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let wanted = text!("the file holds \"{wanted}\\n\"", "文件内容为 \"{wanted}\\n\"");
            return Err(Failure::new(wanted, text!("there is no file", "文件不存在")));
        }
        text => text?,
    };
    ensure(text == format!("{wanted}\n").as_bytes(), || {
        let text = shown(&text);
        Failure::new(text!("the file holds \"{wanted}\\n\"", "文件内容为 \"{wanted}\\n\""), {
            text!("it holds {text}", "是 {text}")
        })
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
        let zeros = format!("{}9\n", "0".repeat(70_000));
        let cases = [
            (None, 1),
            (Some("0"), 1),
            (Some("9\n"), 10),
            (Some("41"), 42),
            (Some("18446744073709551614\n"), u64::MAX),
            (Some("007\n"), 8),
            (Some("00000000000000000000000000000000000000041"), 42),
            (Some(&zeros), 10),
        ];
        for_each(
            cases,
            |(text, _)| match text {
                Some(text) => {
                    let (text, Text { en, zh }) = (shown(text.as_bytes()), bytes_in_words(text.len()));
                    text!("a file with {text} ({en})", "内容为 {text} 的文件（{zh}）")
                }
                None => text!("no file", "文件不存在"),
            },
            |&(text, wanted)| {
                let (directory, path) = counter(text)?;
                returns(&answer(&path)?, wanted).and_then(|()| has(&path, wanted)).map_err(of_numbers)?;
                only_the_counter(&directory)?;
                let mode = fs::metadata(&path)?.permissions().mode();
                ensure(mode & 0o400 != 0, || {
                    let mode = mode & 0o7777;
                    let wanted = text!("its owner can read the file", "文件的所有者可以读它");
                    Failure::new(wanted, text!("it has the mode {mode:o}", "权限是 {mode:o}"))
                })
            },
        )?;
        for (mode, umask) in [(0o640, 0o022), (0o666, 0o077), (0o4751, 0o022), (0o2755, 0o022), (0o400, 0o777)] {
            let (_directory, path) = counter(Some("7\n"))?;
            fs::set_permissions(&path, Permissions::from_mode(mode))?;
            let got = ask(|| {
                // With privileges, a write takes no set-user-ID bit away, and a file without `w` can be written to.
                without_privileges().map_err(kind)?;
                nix::sys::stat::umask(Mode::from_bits_truncate(umask));
                super::increment(&path).map_err(kind)
            })?;
            let given = || {
                text!(
                    "a file with mode {mode:o}, and the umask {umask:o}",
                    "权限为 {mode:o} 的文件，umask 为 {umask:o}"
                )
            };
            returns(&got, 8).map_err(|failure| failure.given(given()))?;
            let now = fs::metadata(&path)?.permissions().mode() & 0o7777;
            ensure(now == mode, || {
                let wanted = text!("the mode is {mode:o}, as before", "权限保持 {mode:o}");
                let failure = Failure::new(wanted, text!("it is {now:o}", "变成了 {now:o}")).given(given());
                // An answer that never sets the mode leaves that of a new file.
                let unset = [0o600, 0o644, 0o666].iter().any(|new| now == new & !umask);
                if unset && now != mode & !umask {
                    failure.shows(&belief::A_NEW_FILE_HAS_THE_OLD_MODE)
                } else {
                    failure
                }
            })?;
        }
        // The file that it makes can't be opened again.
        let (_directory, path) = counter(None)?;
        let got = ask(|| {
            without_privileges().map_err(kind)?;
            nix::sys::stat::umask(Mode::from_bits_truncate(0o777));
            super::increment(&path).map_err(kind)
        })?;
        returns(&got, 1)
            .map_err(|failure| failure.given(text!("no file, and the umask 777", "文件不存在，umask 为 777")))?;
        // No longer one has room in the name of a temporary file, and no text has all bytes.
        let directory = tempfile::tempdir()?;
        let path = directory.path().join(OsStr::from_bytes(&[&[b'n'; 254][..], b"\xff"].concat()));
        fs::write(&path, "7\n")?;
        returns(&answer(&path)?, 8).and_then(|()| has(&path, 8)).map_err(|failure| {
            let given = text!(
                "the file's name is 255 bytes long, and not all of them are UTF-8",
                "文件名长 255 字节，其中有的不是 UTF-8"
            );
            failure.given(given).breaks(
                "replace",
                text!(
                    "A name has at most 255 bytes, any bytes but `/` and 0. So no name of a temporary file can be made by \
                     adding to that of the file.",
                    "文件名最长 255 字节，除了 `/` 和 0 可以是任何字节。所以临时文件的名字不能靠在文件名上加几个字得到。"
                ),
            )
        })?;
        // A process that calls it more than once, for more than one file.
        let (one, other) = (counter(Some("7\n"))?, counter(Some("7\n"))?);
        let calls = [(&one.1, 8), (&other.1, 8), (&one.1, 9), (&one.1, 42), (&other.1, 9)];
        let got = ask(|| {
            calls.map(|(path, wanted)| {
                let meanwhile = if wanted == 42 { fs::write(path, "41") } else { Ok(()) };
                meanwhile.and_then(|()| super::increment(path)).map_err(kind)
            })
        })?;
        for (answer, (_, wanted)) in got.iter().zip(calls) {
            returns(answer, wanted).map_err(|failure| {
                of_numbers(failure).given(text!(
                    "one process increments 7, in another directory 7, then 8; another process writes 41, and it \
                     increments that, then the other 8",
                    "同一个进程先把 7 加一，再把另一个目录里的 7 加一，然后是 8；别的进程写入 41，它再加一；最后是另一个目录里的 8"
                ))
            })?;
        }
        let (_directory, path) = counter(Some("7\n"))?;
        let mut open = File::open(&path)?;
        returns(&answer(&path)?, 8)?;
        let mut seen = String::new();
        open.read_to_string(&mut seen)?;
        ensure(seen == "7\n", || {
            Failure::new(
                text!("a process that has it open reads \"7\\n\"", "之前打开文件的进程读到 \"7\\n\""),
                text!("it reads {seen:?}", "读到的是 {seen:?}"),
            )
            .shows(&belief::REWRITING_IS_ONE_STEP)
        })?;
        Ok(())
    });
}

#[test]
fn finds_a_file_by_a_relative_path() {
    let rule = text!(
        "A relative path begins in the working directory, which belongs to the whole process, as its umask does: a \
         function that changes either changes it for every thread and for whatever comes later.",
        "相对路径从工作目录开始算。工作目录和 umask 都属于整个进程：函数里一改，所有线程、之后的所有代码都会受影响。"
    );
    check("turns", rule, || {
        if !works()? {
            return Ok(());
        }
        // A bare file name is one in the working directory.
        let (directory, path) = counter(Some("2\n"))?;
        let got = ask(|| {
            std::env::set_current_dir(&directory).map_err(kind)?;
            super::increment(Path::new("counter")).map_err(kind)
        })?;
        let here = text!("the path is a bare file name", "路径只有文件名");
        returns(&got, 3).and_then(|()| has(&path, 3)).map_err(|failure| {
            failure.given(here).breaks(
                "turns",
                text!(
                    "The directory of a bare file name is the working directory, `.`. `Path::parent` gives the empty path, \
                     which no call can open.",
                    "路径只有文件名时，目录就是工作目录 `.`。`Path::parent` 给出的是空路径，哪个调用都打不开它。"
                ),
            )
        })?;
        // A relative path is that of the same file for the next call, too.
        let (directory, path) = counter(Some("2\n"))?;
        let (above, relative) =
            (directory.path().parent(), path.strip_prefix(directory.path().parent().unwrap_or(&path)));
        let (Some(above), Ok(relative)) = (above, relative) else { return Ok(()) }; // a temporary directory is in another
        let (got, same_place, umask) = ask(|| {
            let umask = Mode::from_bits_truncate(0o027);
            nix::sys::stat::umask(umask);
            let before = std::env::set_current_dir(above).and_then(|()| std::env::current_dir());
            let got = super::increment(relative).map_err(kind);
            let same_place = std::env::current_dir().ok() == before.ok();
            (got, same_place, nix::sys::stat::umask(umask) == umask)
        })?;
        ensure(same_place, || {
            let wanted = text!("the working directory is the same afterwards", "调用之后工作目录不变");
            Failure::new(wanted, text!("it is another one", "工作目录变了"))
        })?;
        ensure(umask, || {
            let wanted = text!("the umask is the same afterwards", "调用之后 umask 不变");
            Failure::new(wanted, text!("it is another one", "umask 变了"))
        })?;
        let given = text!("the path is relative: a directory and a name", "路径是相对的：目录加文件名");
        returns(&got, 3).and_then(|()| has(&path, 3)).map_err(|failure| failure.given(given))?;
        // Only the file itself is no symbolic link.
        let (directory, path) = counter(Some("2\n"))?;
        let links = tempfile::tempdir()?;
        symlink(directory.path(), links.path().join("link"))?;
        let got = answer(&links.path().join("link/counter"))?;
        let given = text!("a symbolic link leads to the directory", "目录是经符号链接到达的");
        returns(&got, 3).and_then(|()| has(&path, 3)).map_err(|failure| failure.given(given))?;
        // Other threads see what is changed meanwhile, though it is changed back.
        let steps = Steps::watch()?;
        let changes = |number: i64| steps.calls.iter().any(|step| step.call.number == number && step.call.answer >= 0);
        for (number, name) in
            [(libc::SYS_umask, "umask(2)"), (libc::SYS_chdir, "chdir(2)"), (libc::SYS_fchdir, "fchdir(2)")]
        {
            ensure(!changes(number), || {
                let wanted = text!(
                    "the call changes neither the working directory nor the umask",
                    "调用不改变 umask 和工作目录"
                );
                Failure::new(wanted, text!("it calls {name}", "它调用了 {name}"))
            })?;
        }
        Ok(())
    });
}

#[test]
fn refuses_what_is_no_number() {
    let rule = text!(
        "A counter that would overflow, or that holds no number, is an error: the next number can't be guessed.",
        "加一会溢出、或内容根本不是数，都只能报错，不能猜。"
    );
    check("number", rule, || {
        if !works()? {
            return Ok(());
        }
        for_each(
            NO_NUMBERS.into_iter().chain(["18446744073709551615\n"]),
            |text| text!("a file with {text:?}", "内容为 {text:?} 的文件"),
            |text| {
                let (directory, path) = counter(Some(text))?;
                refused(&answer(&path)?, &["InvalidData"])?;
                let now = fs::read_to_string(&path).unwrap_or_default();
                ensure(now == *text, || {
                    let wanted = text!("the file is as it was", "文件保持原样");
                    Failure::new(wanted, text!("it holds {now:?}", "现在的内容是 {now:?}"))
                })?;
                only_the_counter(&directory)
            },
        )
    });
}

#[test]
fn takes_no_other_error_for_a_file_that_is_not_there() {
    let rule = text!(
        "open(2): only ENOENT means that there is no file. EACCES, EIO or EMFILE say nothing about its contents.",
        "open(2)：ENOENT 才表示文件不存在。EACCES、EIO、EMFILE 都说明不了文件里有什么。"
    );
    check("number", rule, || {
        if !works()? {
            return Ok(());
        }
        let (directory, path) = counter(Some("41\n"))?;
        fs::set_permissions(&path, Permissions::from_mode(0o000))?;
        let (got, left) = ask(|| match without_privileges() {
            Ok(()) => called(|| super::increment(&path)),
            Err(error) => (Err(kind(error)), 0),
        })?;
        fs::set_permissions(&path, Permissions::from_mode(0o600))?;
        let given = |failure: Failure| failure.given(text!("a file that no process may read", "谁也不能读的文件"));
        refused(&got, &["EACCES", "PermissionDenied"])
            .map_err(|failure| failure.shows(&belief::NO_ANSWER_IS_NOTHING_THERE))
            .and_then(|()| has(&path, 41))
            .and_then(|()| only_the_counter(&directory))
            .map_err(given)?;
        none_left(left)
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
        if !works()? {
            return Ok(());
        }
        killed_everywhere(Some("9\n"), 9)?;
        killed_everywhere(None, 0)?;
        // More than one process was killed, and names may be any bytes.
        let (directory, path) = counter(Some("2\n"))?;
        let many = (0..40).map(|n| n.to_string().into_bytes());
        for left in many.chain([b"".to_vec(), b"three".to_vec(), b"\xff".to_vec(), b"a b\nc".to_vec(), vec![b'n'; 240]])
        {
            let name = [TEMPORARY.as_bytes(), &left].concat();
            fs::write(directory.path().join(OsStr::from_bytes(&name)), "3")?;
        }
        let given = text!(
            "45 temporary files of processes that were killed; the name of one is not UTF-8",
            "被杀死的进程留下的 45 个临时文件，其中一个的名字不是 UTF-8"
        );
        let got = answer(&path)?;
        let all = left_in(&directory)?.len() == 45;
        returns(&got, 3)
            .and_then(|()| {
                nothing_beside(&directory)
                    .map_err(|failure| if all { failure.shows(&belief::THE_DEAD_CLEAN_UP) } else { failure })
            })
            .map_err(|failure| failure.given(given))
    });
}

/// When a process was killed, by the name of the call that it was about to make.
fn before_call(n: usize, call: &Call) -> Text {
    let name = match call.number {
        libc::SYS_openat => "open(2)",
        libc::SYS_close => "close(2)",
        libc::SYS_flock => "flock(2)",
        libc::SYS_fsync | libc::SYS_fdatasync => "fsync(2)",
        libc::SYS_fchmod => "fchmod(2)",
        libc::SYS_fchmodat => "chmod(2)",
        #[cfg(any(target_arch = "x86_64", target_arch = "x86"))]
        libc::SYS_chmod => "chmod(2)",
        libc::SYS_getdents64 => "getdents(2)",
        libc::SYS_statx | libc::SYS_fstat | libc::SYS_newfstatat => "stat(2)",
        number if RENAMES.contains(&number) => "rename(2)",
        number if REMOVES.contains(&number) => "unlink(2)",
        number if READS.contains(&number) => "read(2)",
        number if WRITES.contains(&number) => "write(2)",
        _ if n == 0 => return text!("killed just before its first system call", "在第一次系统调用之前被杀死"),
        _ => {
            let call = n + 1;
            return text!("killed just before its system call number {call}", "在第 {call} 次系统调用之前被杀死");
        }
    };
    text!("killed just before a call of {name}", "在调用 {name} 之前被杀死")
}

/// Process numbers are used again. So the temporary files that have the number of a process that was killed in their names
/// get that of this one.
fn take_the_number_of(dead: &str, directory: &Path) -> io::Result<()> {
    for name in names_in(directory)?.iter().filter(|name| name.starts_with(TEMPORARY)) {
        let renamed = name.replace(dead, &std::process::id().to_string());
        fs::rename(directory.join(name), directory.join(renamed))?;
    }
    Ok(())
}

/// Kills the process before each of its calls in turn, and calls the function again each time.
fn killed_everywhere(begins: Option<&str>, number: u64) -> Result<(), Failure> {
    let (directory, path) = counter(begins)?;
    let mode = || fs::metadata(&path).map(|metadata| metadata.permissions().mode() & 0o7777);
    let begin = || match begins {
        Some(text) => fs::write(&path, text).and_then(|()| fs::set_permissions(&path, Permissions::from_mode(0o640))),
        None if path.exists() => fs::remove_file(&path),
        None => Ok(()),
    };
    begin()?;
    for n in 0.. {
        let said = tempfile::NamedTempFile::new()?;
        let say = || fs::write(said.path(), std::process::id().to_string());
        let killed = killed_before_call(n, say, |()| super::increment(&path).map(drop).map_err(error_text))?;
        let (en, zh) = begins.map_or(("no file", "文件不存在"), |_| ("a file with the number 9", "文件内容为 9"));
        let moment = killed.as_ref().map_or_else(|| text!("after the call", "调用之后"), |call| before_call(n, call));
        let when = || Text::new(format!("{en}; {}", moment.en), format!("{zh}；{}", moment.zh));
        let text = path.exists().then(|| fs::read(&path)).transpose()?;
        let next = number + 1;
        let holds = |number: u64| text.as_deref() == Some(format!("{number}\n").as_bytes());
        let as_before = text.as_deref() == begins.map(str::as_bytes) || holds(number);
        ensure(as_before || holds(next), || {
            let wanted = text!("the file is as it was, or holds {next}", "文件保持原样，或者内容为 {next}");
            let now = match text.as_deref().map(shown) {
                Some(now) => text!("it holds {now}", "是 {now}"),
                None => text!("there is no file", "文件不存在"),
            };
            let failure = Failure::new(wanted, now);
            failure.shows(&belief::REWRITING_IS_ONE_STEP).given(when())
        })?;
        if begins.is_some() {
            let mode = mode()?;
            ensure(mode == 0o640, || {
                let wanted = text!("the file has the mode 640, as before", "文件权限保持 640");
                let failure = Failure::new(wanted, text!("it has the mode {mode:o}", "权限是 {mode:o}"));
                failure.given(when()).breaks(
                    "replace",
                    text!(
                        "The file that replaces another is a new file. It has the old one's mode from the beginning only if \
                         that is set before rename(2).",
                        "用来替换的是一个新文件。要让它一开始就有旧文件的权限，就得在 rename(2) 之前设好。"
                    ),
                )
            })?;
        }
        let left = left_in(&directory)?;
        if let Some(name) = left.iter().find(|name| !name.starts_with(TEMPORARY)) {
            let wanted =
                text!("the name of a temporary file begins with {TEMPORARY}", "临时文件的名字以 {TEMPORARY} 开头");
            let failure = Failure::new(wanted, text!("there is {name}", "出现了 {name}")).given(when());
            return Err(failure.breaks(
                "killed",
                text!(
                    "A later process knows what a killed one has left by its name only.",
                    "被杀死的进程留下了哪些文件，后来的进程只能凭名字认出来。"
                ),
            ));
        }
        if killed.is_none() {
            return ensure(n > 0, || Failure::new(text!("calls", "系统调用"), text!("none", "没有")));
        }
        if n > 0 && as_before && left.is_empty() {
            continue; // the same as after the kill before
        }
        let next = if as_before { number + 1 } else { number + 2 };
        let dead = fs::read_to_string(said.path())?;
        returns(&answer_after(&path, || take_the_number_of(&dead, directory.path()))?, next)
            .and_then(|()| has(&path, next))
            .map_err(|failure| {
                let Text { en, zh } = when();
                failure.given(text!(
                    "{en}; then called by a process with the same number",
                    "{zh}；然后由进程号相同的进程调用"
                ))
            })?;
        let left = left_in(&directory)?.iter().any(|name| name.starts_with(TEMPORARY));
        nothing_beside(&directory).map_err(|failure| {
            let failure = if left { failure.shows(&belief::THE_DEAD_CLEAN_UP) } else { failure };
            let Text { en, zh } = when();
            failure.given(Text::new(format!("{en}, then called again"), format!("{zh}，然后再调用一次")))
        })?;
        begin()?;
    }
    Ok(())
}

/// renameat2(2) without flags replaces; rename(2) is a call of its own on older architectures only.
const RENAMES: &[i64] = &[
    libc::SYS_renameat2,
    #[cfg(not(any(target_arch = "riscv32", target_arch = "riscv64", target_arch = "loongarch64")))]
    libc::SYS_renameat,
    #[cfg(any(target_arch = "x86_64", target_arch = "x86"))]
    libc::SYS_rename,
];

/// The calls that remove a name.
const REMOVES: &[i64] = &[
    libc::SYS_unlinkat,
    #[cfg(any(target_arch = "x86_64", target_arch = "x86"))]
    libc::SYS_unlink,
];

/// Whether the call locks a file, in any way.
fn locks(call: &Call) -> bool {
    let operations = [libc::F_SETLK, libc::F_SETLKW, libc::F_OFD_SETLK, libc::F_OFD_SETLKW];
    let of_fcntl = || operations.iter().any(|operation| call.arguments[1] == u64::from(operation.unsigned_abs()));
    call.number == libc::SYS_flock || (call.number == libc::SYS_fcntl && of_fcntl())
}

const WRITES: [i64; 4] = [libc::SYS_write, libc::SYS_pwrite64, libc::SYS_writev, libc::SYS_pwritev];
const STATS: [i64; 3] = [libc::SYS_statx, libc::SYS_fstat, libc::SYS_newfstatat];

/// The calls of an increment of a counter with a leftover beside it, and what was there at each.
struct Steps {
    calls: Vec<FileCall>,
    /// Whether somebody had a lock on the directory just before each call.
    locked: Vec<bool>,
    /// The files in the directory just before the last call of rename(2).
    at_rename: Vec<FileId>,
    directory: FileId,
    old: FileId,
    new: FileId,
}

impl Steps {
    fn watch() -> Result<Steps, Failure> {
        let (directory, path) = counter(Some("7\n"))?;
        fs::write(directory.path().join(format!("{TEMPORARY}left")), "8")?;
        let id = |path: &Path| FileId::of(&File::open(path)?);
        let (old, of_directory) = (id(&path)?, id(directory.path())?);
        let (mut locked, mut at_rename) = (Vec::new(), Vec::new());
        let act = || super::increment(&path).map_err(kind);
        let watched = watch(act, |step| {
            locked.push(!File::open(&directory).is_ok_and(is_free));
            if RENAMES.contains(&step.call.number) {
                let entries = fs::read_dir(&directory).into_iter().flatten().flatten();
                at_rename = entries.filter_map(|entry| id(&entry.path()).ok()).collect();
            }
            false
        })?;
        returns(&watched.answer, 8)?;
        Ok(Steps { calls: watched.calls, locked, at_rename, directory: of_directory, old, new: id(&path)? })
    }

    fn renamed(&self) -> Option<usize> {
        self.calls.iter().rposition(|step| step.call.answer >= 0 && RENAMES.contains(&step.call.number))
    }

    /// The calls that put this file on the disk: their indexes.
    fn syncs(&self, file: FileId) -> impl Iterator<Item = usize> {
        let is_sync = move |step: &FileCall| match step.call.number {
            libc::SYS_fsync | libc::SYS_fdatasync => step.names(0, file),
            libc::SYS_sync | libc::SYS_syncfs => true,
            _ => false,
        };
        self.calls.iter().enumerate().filter(move |(_, step)| step.call.answer >= 0 && is_sync(step)).map(|(n, _)| n)
    }
}

#[test]
fn is_on_the_disk_when_it_returns() {
    let rule = text!(
        "fsync(2): it writes the file's own bytes, not its entry in the directory, which needs an fsync(2) of the \
         directory. rename(2) promises nothing about when either gets to the disk.",
        "fsync(2)：它只保证文件自身的内容落盘，不保证目录项；目录项要靠对目录调用 fsync(2)。rename(2) 对两者何时落盘不作任何保证。"
    );
    check("power", rule, || {
        if !works()? {
            return Ok(());
        }
        let steps = Steps::watch()?;
        let Some(renamed) = steps.renamed() else {
            let failure = Failure::new(
                text!("a new file gets the name with rename(2)", "新文件通过 rename(2) 得到名字"),
                text!("there was no rename(2)", "没有调用 rename(2)"),
            );
            return Err(of_rename(failure).shows(&belief::REWRITING_IS_ONE_STEP));
        };
        ensure(steps.at_rename.contains(&steps.new), || {
            let failure = Failure::new(
                text!("the new file has been made in the directory of the old one", "新文件建在旧文件所在的目录里"),
                text!("it was not there before rename(2)", "rename(2) 之前它不在那里"),
            );
            of_rename(failure)
                .given(text!("rename(2) fails between two file systems (EXDEV)", "rename(2) 不能跨文件系统（EXDEV）"))
        })?;
        let writes = |step: &FileCall| WRITES.contains(&step.call.number) && step.names(0, steps.new);
        let wrote = steps.calls[..renamed].iter().rposition(writes).ok_or_else(|| {
            let wanted = text!("the new number is written before the name changes", "改名之前写好新的数");
            Failure::new(wanted, text!("nothing was written before rename(2)", "rename(2) 之前什么都没写"))
        })?;
        let file = steps.syncs(steps.new).any(|at| wrote < at && at < renamed);
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
        ensure(steps.syncs(steps.directory).any(|at| renamed < at), || {
            Failure::new(
                text!("fsync(2) of the directory, after rename(2)", "rename(2) 之后对目录调用 fsync(2)"),
                text!("there was none", "没有调用"),
            )
            .shows(&belief::FSYNC_WRITES_THE_NAME)
        })
    });
}

/// A failure of who replaces the file in another way.
fn of_rename(failure: Failure) -> Failure {
    failure.breaks(
        "replace",
        text!(
            "rename(2) gives the name of a file to another one in a single step. Both have to be on the same file system.",
            "rename(2) 一步就把一个文件的名字交给另一个文件，两者必须在同一个文件系统里。"
        ),
    )
}

/// The error with which a call fails, and what it may be called: tempfile keeps the kind of an error of write(2) only.
fn error_of(call: &str) -> (Errno, &'static [&'static str]) {
    match call {
        "write(2)" => (Errno::ENOSPC, &["ENOSPC", "StorageFull"]),
        _ => (Errno::EIO, &["EIO"]),
    }
}

#[test]
fn returns_the_error_of_a_call() {
    let rule = text!(
        "A call that fails has not done what the next steps rely on. Its errno says why: a caller can decide by it only \
         if it gets the same one.",
        "一次调用失败了，后面各步所依赖的事就没有做成。errno 说明了原因，只有原样传给调用者，调用者才能据此决定怎么办。"
    );
    check("loops", rule, || {
        if !works()? {
            return Ok(());
        }
        let steps = Steps::watch()?;
        // Each call of these that the answer makes, by its number and its descriptor. Another child gets the same
        // descriptors, since this process has none open that it had not then.
        let mut calls: Vec<(&[i64], On, &str)> = Vec::new();
        for step in steps.calls.iter().filter(|step| step.call.answer >= 0) {
            let number = std::slice::from_ref(&step.call.number);
            let descriptor = On::Descriptor(step.call.arguments[0].try_into().unwrap_or(-1));
            let call = match step.call.number {
                libc::SYS_flock => (number, On::Everything, "flock(2)"),
                libc::SYS_getdents64 => (number, On::Everything, "getdents(2)"),
                // All of them: who goes on with another one when one fails may.
                number if RENAMES.contains(&number) => (RENAMES, On::Everything, "rename(2)"),
                write if WRITES.contains(&write) && step.names(0, steps.new) => (number, descriptor, "write(2)"),
                libc::SYS_fsync | libc::SYS_fdatasync if step.names(0, steps.new) => {
                    (number, descriptor, "fsync(2) of the file")
                }
                libc::SYS_fsync | libc::SYS_fdatasync if step.names(0, steps.directory) => {
                    (number, descriptor, "fsync(2) of the directory")
                }
                libc::SYS_fchmod if step.names(0, steps.new) => (number, descriptor, "fchmod(2)"),
                read if READS.contains(&read) && step.names(0, steps.old) => (number, descriptor, "read(2)"),
                stat if STATS.contains(&stat) => (number, On::Everything, "stat(2)"),
                remove if REMOVES.contains(&remove) => (REMOVES, On::Everything, "unlink(2)"),
                _ => continue,
            };
            if !calls.contains(&call) {
                calls.push(call);
            }
        }
        // After an error like this, std no longer takes one of statx(2) for a kernel without it.
        ensure(!Path::new("/nowhere/to/be/found").exists(), || {
            Failure::new(text!("no file", "没有文件"), text!("one", "有"))
        })?;
        for_each(
            calls,
            |(_, _, name)| {
                let errno = error_of(name).0;
                text!("{name} fails with {errno:?}", "{name} 以 {errno:?} 失败")
            },
            |&(numbers, on, name)| {
                let (errno, names) = error_of(name);
                let (directory, path) = counter(Some("7\n"))?;
                fs::set_permissions(&path, Permissions::from_mode(0o640))?;
                fs::write(directory.path().join(format!("{TEMPORARY}left")), "8")?;
                let (got, open) = ask_refused(numbers, on, errno, || called(|| super::increment(&path)))?;
                // Who finds the mode out by another call may.
                if name == "stat(2)" && got == Ok(8) {
                    let mode = fs::metadata(&path)?.permissions().mode() & 0o7777;
                    return ensure(mode == 0o640, || {
                        let wanted =
                            text!("the error EIO, or the mode 640 as before", "返回错误 EIO，或者权限保持 640");
                        Failure::new(
                            wanted,
                            text!("it returned 8, and the mode is {mode:o}", "返回了 8，权限变成了 {mode:o}"),
                        )
                    });
                }
                refused(&got, names)?;
                // Leftovers may be removed at the end, when the file is the new one.
                if !["fsync(2) of the directory", "getdents(2)", "stat(2)", "unlink(2)"].contains(&name) {
                    has(&path, 7)?;
                }
                if name == "unlink(2)" {
                    return none_left(open); // its own file can't be removed either
                }
                let mut left = left_in(&directory)?;
                left.retain(|name| *name != format!("{TEMPORARY}left"));
                ensure(left.is_empty(), || {
                    let wanted = text!("a call that fails leaves no temporary file", "失败的调用不留下临时文件");
                    let names = left.join(", ");
                    of_files_beside(Failure::new(wanted, text!("it leaves {names}", "留下了 {names}")))
                })?;
                none_left(open)
            },
        )?;
        // No file can be made in this directory, but the old one can be written to.
        let (directory, path) = counter(Some("7\n"))?;
        fs::set_permissions(&directory, Permissions::from_mode(0o555))?;
        let got = ask(|| without_privileges().and_then(|()| super::increment(&path)).map_err(kind));
        fs::set_permissions(&directory, Permissions::from_mode(0o700))?;
        let given = text!("a directory in which no file can be made (EACCES)", "目录里不能新建文件（EACCES）");
        refused(&got?, &["EACCES", "PermissionDenied"])
            .and_then(|()| has(&path, 7))
            .and_then(|()| only_the_counter(&directory))
            .map_err(|failure| failure.given(given))?;
        // There is no directory.
        let nowhere = directory.path().join("nowhere");
        let given = text!("the file's directory does not exist", "文件所在的目录不存在");
        refused(&ask(|| super::increment(&nowhere.join("counter")).map_err(kind))?, &["ENOENT", "NotFound"])
            .and_then(|()| only_the_counter(&directory))
            .map_err(|failure| failure.given(given))
    });
}

/// What a player does that should wait for a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waiting {
    /// It has sent a message, or has ended.
    No,
    /// It waits in flock(2).
    ForTheLock,
    /// It neither answers nor is seen to wait: it may ask for the lock again and again.
    InItsOwnWay,
}

/// Waits until it is known what the player does. proc_locks(5): `->` is before a lock that a process waits for.
fn waiting(player: &Player) -> Result<Waiting, Failure> {
    let until = Instant::now() + deadline();
    let pid = player.pid().to_string();
    let waits = |line: &str| {
        let mut fields = line.split_whitespace();
        fields.nth(1) == Some("->") && fields.nth(3) == Some(&pid)
    };
    while Instant::now() < until {
        let said = PollFd::new(player.peer().as_fd(), PollFlags::POLLIN);
        if poll(&mut [said], PollTimeout::ZERO)? > 0 {
            return Ok(Waiting::No);
        }
        if fs::read_to_string("/proc/locks").unwrap_or_default().lines().any(waits) {
            return Ok(Waiting::ForTheLock);
        }
        // Far more often than on the way to the lock it has slept.
        let slept = status_of(player, "voluntary_ctxt_switches:").and_then(|times| times.parse::<u32>().ok());
        if slept.is_some_and(|times| times > 500) {
            break;
        }
        std::thread::yield_now();
    }
    Ok(Waiting::InItsOwnWay)
}

/// A line of the player's /proc/PID/status (proc_pid_status(5)).
fn status_of(player: &Player, name: &str) -> Option<String> {
    line_of(&whole_status_of(player)?, name).map(str::to_owned)
}

fn whole_status_of(player: &Player) -> Option<String> {
    fs::read_to_string(format!("/proc/{}/status", player.pid())).ok()
}

fn line_of<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim)
}

/// Waits until a signal that was sent to the process has been delivered. Returns whether it was: not while it is blocked.
fn delivered(player: &Player, signal: Signal) -> Result<bool, Failure> {
    let (until, bit) = (Instant::now() + deadline(), 1_u64 << (signal as i32 - 1));
    while Instant::now() < until {
        // Both sets at one time: while its handler runs, a signal that has been delivered is blocked.
        let status = whole_status_of(player).unwrap_or_default();
        let has = |set: &str| {
            let signals = line_of(&status, set).and_then(|hex| u64::from_str_radix(hex, 16).ok());
            signals.is_some_and(|signals| signals & bit != 0)
        };
        if !has("ShdPnd:") {
            return Ok(true);
        }
        if has("SigBlk:") {
            break;
        }
        std::thread::yield_now();
    }
    Ok(false)
}

extern "C" fn does_nothing(_: i32) {}

fn removal_rule() -> Text {
    text!(
        "While a process holds the lock, no other one is replacing the file: whatever temporary files are there were left by \
         killed processes. Without the lock, one of them may be in use.",
        "持锁期间没有别的进程在替换文件，这时看到的临时文件都是被杀死的进程留下的。没有锁，看到的就可能正有进程在用。"
    )
}

/// Calls the function while the check has a lock of this kind on the directory, interrupts it while it waits, replaces
/// the counter, and then releases the lock.
fn waits_for(how: FlockArg) -> Result<(), Failure> {
    let (directory, path) = counter(Some("7\n"))?;
    let (_other_directory, other) = counter(Some("70\n"))?;
    let (en, zh) = match how {
        FlockArg::LockShared => ("a shared", "共享锁"),
        _ => ("an exclusive", "独占锁"),
    };
    let given = || {
        text!(
            "a process increments a counter in another directory, then the one in this directory, on which the check \
             holds {en} lock",
            "同一个进程先给另一个目录里的计数器加一，再给这个目录里的加一，而检查程序正持有这个目录的{zh}"
        )
    };
    let held = Flock::lock(File::open(directory.path())?, how).map_err(|(_, errno)| errno)?;
    // What the process that holds the lock does meanwhile.
    let new = directory.path().join(format!("{TEMPORARY}mine"));
    fs::write(&new, "42\n")?;
    let mut player = start(|peer| {
        let handler = SigAction::new(SigHandler::Handler(does_nothing), SaFlags::empty(), SigSet::empty());
        // SAFETY: the handler does nothing.
        unsafe { sigaction(Signal::SIGUSR1, &handler) }.map_err(error_text)?;
        // It is not the first call, and this is not the first directory.
        let _ = super::increment(&other);
        let answer = super::increment(&path).map_or_else(kind, |number| number.to_string());
        peer.send(answer.as_bytes()).map_err(error_text)
    })?;
    let waits = waiting(&player)?;
    if waits == Waiting::No {
        let number = String::from_utf8_lossy(&player.receive()?).into_owned();
        let failure = Failure::new(
            text!("it waits until the directory is unlocked", "一直等到目录解锁"),
            text!("it returned {number} at once", "没有等，直接给出了 {number}"),
        )
        .given(given());
        if number.parse::<u64>().is_err() {
            return Err(failure);
        }
        let steps = Steps::watch()?;
        let locks: Vec<_> = steps.calls.iter().filter(|step| locks(&step.call)).collect();
        return Err(match locks.as_slice() {
            [] => failure.shows(&belief::RENAME_IS_A_LOCK),
            locks if locks.iter().any(|step| step.names(0, steps.old)) => failure.shows(&belief::A_LOCK_IS_ON_THE_NAME),
            _ => failure,
        });
    }
    // Once is no more than a few times, where the number of attempts is limited.
    let times = match how {
        _ if waits == Waiting::InItsOwnWay => 0,
        FlockArg::LockShared => 1,
        _ => 25,
    };
    for _ in 0..times {
        kill(player.pid(), Signal::SIGUSR1)?;
        if !delivered(&player, Signal::SIGUSR1)? {
            break; // nothing interrupts the call
        }
        if waiting(&player)? != Waiting::No {
            continue;
        }
        let answer = String::from_utf8_lossy(&player.receive()?).into_owned();
        let failure = Failure::new(
            text!("it goes on waiting until the directory is unlocked", "继续等到目录解锁"),
            text!("it returned {answer}", "它返回了 {answer}"),
        )
        .given(text!(
            "a signal interrupts flock(2) while it waits (EINTR)",
            "等锁时来了信号，flock(2) 被打断（EINTR）"
        ));
        return Err(if answer == "EINTR" { failure.shows(&belief::EINTR_IS_AN_ERROR) } else { failure });
    }
    let mut others = left_in(&directory)?;
    others.retain(|name| name.starts_with(TEMPORARY) && !new.ends_with(name));
    others.iter().try_for_each(|name| fs::remove_file(directory.path().join(name)))?;
    ensure(fs::rename(&new, &path).is_ok(), || {
        Failure::new(
            text!("it removes no temporary file before it has the lock", "拿到锁之前不删除临时文件"),
            text!("it removed that of the process whose turn it is", "它删掉了正持有锁的进程的临时文件"),
        )
        .breaks("turns", removal_rule())
        .given(given())
    })?;
    held.unlock().map_err(|(_, errno)| errno)?;
    let number = String::from_utf8_lossy(&player.receive()?).into_owned();
    player.end()?;
    ensure(number == "43", || {
        let failure = Failure::new(text!("it returns 43", "给出 43"), text!("it returned {number}", "给出了 {number}"))
            .given(text!(
                "the check holds {en} lock on the directory; while the call waits, it removes other temporary files, \
                 replaces 7 by 42, and unlocks",
                "检查程序持有目录的{zh}；在调用等锁期间删除别的临时文件，把 7 换成 42，然后解锁"
            ));
        if number == "8" { failure.shows(&belief::WHAT_WAS_READ_STILL_HOLDS) } else { failure }
    })?;
    has(&path, 43)?;
    only_the_counter(&directory)
}

/// The calls that wait on some file systems and devices, where a signal interrupts them.
const INTERRUPTIBLE: [i64; 10] = [
    libc::SYS_openat,
    libc::SYS_flock,
    libc::SYS_read,
    libc::SYS_pread64,
    libc::SYS_write,
    libc::SYS_pwrite64,
    libc::SYS_writev,
    libc::SYS_fsync,
    libc::SYS_fdatasync,
    libc::SYS_fchmod,
];

#[test]
fn goes_on_after_interrupted_calls() {
    let rule = text!(
        "open(2), read(2), write(2), fsync(2), flock(2): EINTR means that a signal came before anything was done. std \
         retries most of its calls; libc and nix retry none.",
        "open(2)、read(2)、write(2)、fsync(2)、flock(2)：EINTR 表示还什么都没做，信号就来了。std 的多数调用会自己重试，libc 和 nix 都不会。"
    );
    check("loops", rule, || {
        let call_often = |in_a_row, in_all| {
            let (directory, path) = counter(Some("7\n"))?;
            let seen = ask_interrupted(&INTERRUPTIBLE, Interruptions { in_a_row, in_all }, || {
                super::increment(&path).map_err(kind)
            })?;
            let is_sync = |number: &&i64| [libc::SYS_fsync, libc::SYS_fdatasync].contains(number);
            let syncs = seen.made.iter().filter(is_sync).count();
            Ok::<_, Failure>((directory, path, seen, syncs))
        };
        let (_directory, path, seen, needed) = call_often(0, 0)?;
        if !knows_the_basics(returns(&seen.answer, 8).and_then(|()| has(&path, 8)))? {
            return Ok(()); // another check says so
        }
        for (in_a_row, in_all) in [(1, 60), (12, 400)] {
            let (_directory, path, seen, syncs) = call_often(in_a_row, in_all)?;
            let call = match seen.last.unwrap_or_default() {
                libc::SYS_openat => "open(2)",
                libc::SYS_flock => "flock(2)",
                libc::SYS_fchmod => "fchmod(2)",
                libc::SYS_fsync | libc::SYS_fdatasync => "fsync(2)",
                number if READS.contains(&number) => "read(2)",
                _ => "write(2)",
            };
            let given = || match in_a_row {
                1 => text!(
                    "each call is interrupted once before it is made (EINTR), {call} last",
                    "每次调用都先被打断一次（EINTR），最后被打断的是 {call}"
                ),
                _ => text!(
                    "each call is interrupted {in_a_row} times before it is made (EINTR), {call} last",
                    "每次调用都先被打断 {in_a_row} 次（EINTR），最后被打断的是 {call}"
                ),
            };
            let interrupted =
                seen.answer.as_ref().is_err_and(|error| ["EINTR", "Interrupted"].contains(&error.as_str()));
            returns(&seen.answer, 8)
                .and_then(|()| has(&path, 8))
                .and_then(|()| {
                    ensure(syncs >= needed, || {
                        let wanted = text!("an interrupted fsync(2) is called again", "被打断的 fsync(2) 要再调用一次");
                        Failure::new(wanted, text!("it was not", "没有再调用"))
                    })
                })
                .map_err(|failure| {
                    let failure = failure.given(given());
                    // Who retries only a few times knows.
                    if interrupted && in_a_row == 1 { failure.shows(&belief::EINTR_IS_AN_ERROR) } else { failure }
                })?;
        }
        Ok(())
    });
}

#[test]
fn waits_for_its_turn() {
    let rule = text!(
        "rename(2) is one step; reading, incrementing and replacing together are not: two processes that read the \
         same number both return the next one. flock(2) locks an inode: a process that waits for a lock on the \
         counter gets it on a file that has been replaced.",
        "rename(2) 自身是一步完成的，但“读出、加一、替换”整个过程不是：两个进程读到同一个数，就会给出同一个新数。flock(2) 锁住的是 inode；若锁的是计数器本身，等拿到锁，它可能早已被替换。"
    );
    check("turns", rule, || {
        if !works()? {
            return Ok(());
        }
        waits_for(FlockArg::LockExclusive)?;
        waits_for(FlockArg::LockShared)?;

        let steps = Steps::watch()?;
        let reads = |step: &FileCall| READS.contains(&step.call.number) && step.names(0, steps.old);
        let first = steps.calls.iter().position(reads);
        let last = steps.syncs(steps.directory).last().max(steps.renamed());
        let removes = |step: &FileCall| REMOVES.contains(&step.call.number);
        let (Some(first), Some(last)) = (first, last) else { return Ok(()) }; // other checks say so
        let unlocked = steps.calls.iter().zip(&steps.locked).any(|(step, locked)| removes(step) && !locked);
        ensure(!unlocked, || {
            Failure::new(
                text!("a temporary file is removed only by who has the lock", "持有锁的进程才能删除临时文件"),
                text!("a file was removed without it", "没有锁就删除了文件"),
            )
            .breaks("turns", removal_rule())
        })?;
        ensure((first..=last).all(|n| steps.locked[n]), || {
            Failure::new(
                text!("the lock is held until the new number is on the disk", "锁要一直持有到新的数落盘"),
                text!("it was released before that", "在此之前就释放了锁"),
            )
            .shows(&belief::WHAT_WAS_READ_STILL_HOLDS)
        })
    });
}
