use super::*;

/// What the call returns, which should leave nothing: no descriptor, no file, and the others as they were.
fn answer(path: &Path, directory: &TempDir) -> Result<Result<u64, String>, Failure> {
    let (answer, left) = ask(|| called(|| super::read_number(path)))?;
    none_left(left)?;
    nothing_beside(directory).map_err(of_more_than_reading)?;
    Ok(answer)
}

fn only_reading() -> Text {
    text!(
        "open(2): reading needs the permission to read, and no other. What else open(2) may do, it does only when asked \
         (O_CREAT, O_TRUNC).",
        "open(2)：读文件只需要读权限。创建和截断，要带上 O_CREAT、O_TRUNC 才会做。"
    )
}

fn of_more_than_reading(failure: Failure) -> Failure {
    failure.breaks("number", only_reading())
}

/// Whether it reads a number, and 0 where there is no file, and leaves nothing: [`reads_the_number`] checks that.
fn works() -> Result<bool, Failure> {
    let tried = [(Some("41\n"), 41), (None, 0)];
    knows_the_basics(tried.into_iter().try_for_each(|(text, wanted)| expects(text, |got| returns(got, wanted))))
}

/// Expects this answer for a file with this text, which stays as it is.
fn expects(
    text: Option<&str>,
    expect: impl FnOnce(&Result<u64, String>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let (directory, path) = counter(text)?;
    expect(&answer(&path, &directory)?)?;
    let now = fs::read(&path).ok();
    ensure(now.as_deref() == text.map(str::as_bytes), || {
        let happened = match now.as_deref().map(shown) {
            Some(now) => text!("it holds {now}", "现在的内容是 {now}"),
            None => text!("there is no file", "文件不存在"),
        };
        of_more_than_reading(match text {
            Some(_) => Failure::new(text!("the file is as it was", "文件保持原样"), happened),
            None => Failure::new(text!("no file is created", "不创建文件"), happened),
        })
    })
}

fn describe(text: Option<&str>) -> Text {
    match text {
        Some(text) => {
            let (text, Text { en, zh }) = (shown(text.as_bytes()), bytes_in_words(text.len()));
            text!("a file with {text} ({en})", "内容为 {text} 的文件（{zh}）")
        }
        None => text!("no file", "文件不存在"),
    }
}

#[test]
fn reads_the_number() {
    let rule = text!(
        "A number in a file is text: digits, which have to be read as a whole, and perhaps the newline that editors put \
         after the last line.",
        "文件里的数是文本：先把数字完整地读出来；末尾还可能有编辑器加上的换行符。"
    );
    check("number", rule, || {
        let zeros = format!("{}9\n", "0".repeat(70_000));
        // A chunk of whatever length ends before the newline, or between the digits.
        let filled = chunks().flat_map(|chunk| [chunk - 3, chunk - 2]);
        let filled: Vec<_> = filled.map(|zeros| format!("{}123\n", "0".repeat(zeros))).collect();
        let cases = [
            (Some("7"), 7),
            (Some("41\n"), 41),
            (None, 0),
            (Some("0"), 0),
            (Some("007\n"), 7),
            (Some("041\n"), 41),
            (Some("18446744073709551614\n"), u64::MAX - 1),
            (Some("18446744073709551615"), u64::MAX),
            (Some("00000000000000000000000000000000000000018446744073709551615\n"), u64::MAX),
            (Some(&zeros), 9),
        ]
        .into_iter()
        .chain(filled.iter().map(|text| (Some(text.as_str()), 123)));
        for_each(cases, |(text, _)| describe(*text), |&(text, wanted)| expects(text, |got| returns(got, wanted)))?;
        for_all(
            (any::<u64>(), 0..4_usize, any::<bool>()),
            |&(number, zeros, newline)| describe(Some(&written(number, zeros, newline))),
            |&(number, zeros, newline)| expects(Some(&written(number, zeros, newline)), |got| returns(got, number)),
        )?;
        reads_any_path()?;
        reads_again()?;
        reads_what_has_no_size()
    });
}

/// Lengths of the chunks in which a file may be read.
fn chunks() -> impl Iterator<Item = usize> {
    (4..=17).map(|exponent| 1 << exponent)
}

/// A path is bytes, of which none is left out, and leads where open(2) says.
fn reads_any_path() -> Result<(), Failure> {
    let directory = tempfile::tempdir()?;
    let inside = |name: &str| directory.path().join(name);
    let not_utf_8 = inside("").join(OsStr::from_bytes(b" a\xffb "));
    let long = inside(&"./".repeat(200)).join("-");
    for (path, number) in [(&not_utf_8, "7\n"), (&long, "8\n")] {
        fs::write(path, number)?;
    }
    // `link/..` is the directory where the link leads to, not the one where it is.
    fs::create_dir_all(inside("other/below"))?;
    symlink("other/below", inside("link"))?;
    fs::write(inside("other/-"), "9\n")?;
    let unnamed = unnamed_file(b"10\n")?;
    let unnamed = PathBuf::from(format!("/proc/self/fd/{}", unnamed.as_raw_fd()));
    let (name, parent) = (directory.path().file_name().unwrap_or_default(), directory.path().parent());
    let relative = Path::new(name).join("-");
    let cases = [
        (&not_utf_8, 7, text!("a file named \" a\\xffb \" with \"7\\n\"", "文件名是 \" a\\xffb \"，内容为 \"7\\n\"")),
        (&long, 8, text!("a path of more than 400 bytes", "路径超过 400 字节")),
        (
            &inside("link/../-"),
            9,
            text!(
                "the path leads through a link to a directory, and `..` from there",
                "路径经过指向目录的链接，再经过 `..`"
            ),
        ),
        (&unnamed, 10, text!("/proc/self/fd/N of a file without a name", "没有名字的文件，路径是 /proc/self/fd/N")),
        (&relative, 8, text!("a relative path, after calls with others", "调用过别的路径之后，再用相对路径")),
        (&PathBuf::from("-"), 8, text!("a file named `-` in the working directory", "工作目录里名为 `-` 的文件")),
    ];
    let got = ask(|| {
        std::env::set_current_dir(parent.unwrap_or(Path::new("/"))).map_err(kind)?;
        let got: Vec<_> = cases[..5].iter().map(|(path, ..)| super::read_number(path).map_err(kind)).collect();
        std::env::set_current_dir(&directory).map_err(kind)?;
        Ok::<_, String>([got, vec![super::read_number(cases[5].0).map_err(kind)]].concat())
    })?;
    for ((_, wanted, given), got) in cases.iter().zip(got.map_err(io::Error::other)?) {
        returns(&got, *wanted).map_err(|failure| failure.given(given.clone()))?;
    }
    Ok(())
}

/// The file has another number at the next call, whatever the one before returned, and although its size and its time
/// are the same.
fn reads_again() -> Result<(), Failure> {
    let (_directory, path) = counter(None)?;
    let read = |text: &str| {
        fs::write(&path, text)?;
        let file = File::options().write(true).open(&path)?;
        file.set_modified(std::time::SystemTime::UNIX_EPOCH)?;
        super::read_number(&path)
    };
    let [first, error, second, third] = ask(|| ["7\n", "x8\n", "8\n", "9\n"].map(|text| read(text).map_err(kind)))?;
    let given = |before: &str, now: &str| {
        text!(
            "a file with \"{before}\\n\" is read, another process writes \"{now}\\n\", and it is read again",
            "读过内容为 \"{before}\\n\" 的文件后，另一个进程写入 \"{now}\\n\"，再读一次"
        )
    };
    returns(&first, 7).map_err(|failure| failure.given(describe(Some("7\n"))))?;
    let before = if error.is_err() { "x8" } else { "7" };
    returns(&second, 8).map_err(|failure| failure.given(given(before, "8")))?;
    returns(&third, 9).map_err(|failure| failure.given(given("8", "9")))
}

/// The kernel makes up what is in a file of /proc when it is read: its size is 0 until then.
fn reads_what_has_no_size() -> Result<(), Failure> {
    let path = "/proc/sys/kernel/pid_max";
    let Some(number) = fs::read_to_string(path).ok().and_then(|text| text.trim_end().parse().ok()) else {
        return Ok(()); // a sandbox may not show it
    };
    let got = ask(|| super::read_number(Path::new(path)).map_err(kind))?;
    returns(&got, number)
        .map_err(|failure| failure.given(text!("{path}, a file whose st_size is 0", "{path}，这个文件的 st_size 是 0")))
}

fn written(number: u64, zeros: usize, newline: bool) -> String {
    format!("{}{number}{}", "0".repeat(zeros), if newline { "\n" } else { "" })
}

#[test]
fn refuses_what_is_no_number() {
    let rule = text!(
        "What is not exactly a number is an error: the number that was meant can't be guessed.",
        "不完全是一个数，就只能报错：原本是哪个数，没法猜。"
    );
    check("number", rule, || {
        if !works()? {
            return Ok(());
        }
        for_each(
            NO_NUMBERS.into_iter().chain([
                "18446744073709551616",
                "00018446744073709551616\n",
                // Ten times that is more than what went before even with the upper bits lost.
                "30000000000000000000",
                // 2^128 and 7.
                "340282366920938463463374607431768211463\n",
                &format!("1{}", "0".repeat(70_000)),
                "\u{feff}41\n",
                "-0\n",
            ]),
            |text| text!("a file with {text:?}", "内容为 {text:?} 的文件"),
            |text| expects(Some(text), |got| refused(got, &["InvalidData"])),
        )?;
        // Every other byte; and a newline that ends a chunk, of whatever length, but not the file.
        let bytes = (0..=255).filter(|byte: &u8| !byte.is_ascii_digit()).map(|byte| vec![b'4', byte, b'\n']);
        let newlines = chunks().map(|chunk| format!("{}41\n23\n", "0".repeat(chunk - 3)).into_bytes());
        let texts: Vec<_> = bytes.chain(newlines).collect();
        let (_directory, path) = counter(None)?;
        let got = ask(|| {
            let read = |text: &Vec<u8>| fs::write(&path, text).and_then(|()| super::read_number(&path)).map_err(kind);
            texts.iter().map(read).collect::<Vec<_>>()
        })?;
        for (text, got) in texts.iter().zip(got) {
            let shown = shown(text);
            let given = text!("a file with {shown}", "内容为 {shown} 的文件");
            refused(&got, &["InvalidData"]).map_err(|failure| failure.given(given))?;
        }
        Ok(())
    });
}

#[test]
fn takes_no_other_error_for_a_file_that_is_not_there() {
    let rule = text!(
        "open(2): only ENOENT means that there is no file. EACCES, ENOTDIR, ELOOP or EMFILE say nothing about its \
         contents.",
        "open(2)：ENOENT 才表示文件不存在。EACCES、ENOTDIR、ELOOP、EMFILE 都说明不了文件里有什么。"
    );
    check("number", rule, || {
        if !works()? {
            return Ok(());
        }
        let expect = |got: &Result<u64, String>, errors: &[&str], given: Text| {
            refused(got, errors).map_err(|failure| {
                let failure = failure.given(given);
                if *got == Ok(0) { failure.shows(&belief::NO_ANSWER_IS_NOTHING_THERE) } else { failure }
            })
        };
        let (directory, path) = counter(Some("41\n"))?;
        fs::set_permissions(&path, Permissions::from_mode(0o000))?;
        let (got, left) = ask(|| match without_privileges() {
            Ok(()) => called(|| super::read_number(&path)),
            Err(error) => (Err(kind(error)), 0),
        })?;
        fs::set_permissions(&path, Permissions::from_mode(0o600))?;
        expect(&got, &["EACCES"], text!("a file that no process may read", "谁也不能读的文件"))?;
        none_left(left)?;
        let inside = |name: &str| directory.path().join(name);
        let got = answer(&path.join("counter"), &directory)?;
        expect(&got, &["ENOTDIR"], text!("the path leads through a file", "路径中间是一个文件"))?;
        let got = answer(&path.join(""), &directory)?;
        expect(&got, &["ENOTDIR"], text!("the path of a file and a slash", "文件的路径后面多一个斜杠"))?;
        for path in [directory.path(), Path::new("/")] {
            let got = answer(path, &directory)?;
            expect(&got, &["EISDIR"], text!("a directory", "一个目录"))?;
        }
        symlink("loop", inside("loop"))?;
        let got = ask(|| super::read_number(&inside("loop")).map_err(kind))?;
        fs::remove_file(inside("loop"))?;
        expect(&got, &["ELOOP"], text!("a symbolic link to itself", "指向自己的符号链接"))?;
        let opens = [libc::SYS_openat];
        let got = ask_refused(&opens, On::Everything, Errno::EMFILE, || super::read_number(&path).map_err(kind))?;
        expect(&got, &["EMFILE"], text!("open(2) fails with EMFILE", "open(2) 以 EMFILE 失败"))?;
        // There is no file where there is no directory.
        let got = answer(&inside("nowhere").join("counter"), &directory)?;
        returns(&got, 0)
            .map_err(|failure| failure.given(text!("the file's directory does not exist", "文件所在的目录不存在")))
    });
}

#[test]
fn only_reads() {
    check("number", only_reading(), || {
        if !works()? {
            return Ok(());
        }
        let (directory, path) = counter(Some("41\n"))?;
        fs::set_permissions(&path, Permissions::from_mode(0o400))?;
        fs::set_permissions(&directory, Permissions::from_mode(0o100))?;
        let got = ask(|| {
            without_privileges().map_err(kind)?;
            std::env::set_current_dir(&directory).map_err(kind)?;
            let here = super::read_number(Path::new("counter")).map_err(kind)?;
            let missing = super::read_number(Path::new("missing")).map_err(kind)?;
            super::read_number(&path).map(|number| number + here + missing).map_err(kind)
        });
        fs::set_permissions(&directory, Permissions::from_mode(0o700))?;
        let (en, zh) =
            ("41 by its path and by its bare name, and 0 for no file", "路径和单独的文件名都得到 41，没有文件得到 0");
        let got = got?;
        ensure(got == Ok(82), || {
            let happened = match got {
                Ok(sum) => text!("the sum of the three is {sum}", "三者之和是 {sum}"),
                Err(_) => returned(&got),
            };
            let given = text!(
                "a file that may only be read, in a directory that may only be searched",
                "只能读的文件，所在目录只有搜索权限（x）"
            );
            Failure::new(text!("{en}", "{zh}"), happened).given(given)
        })?;
        symlink("counter", directory.path().join("link"))?;
        symlink("missing", directory.path().join("dangling"))?;
        let (link, dangling) = ask(|| {
            ["link", "dangling"].map(|name| super::read_number(&directory.path().join(name)).map_err(kind)).into()
        })?;
        for name in ["link", "dangling"] {
            fs::remove_file(directory.path().join(name))?;
        }
        let given = text!("a symbolic link to the file", "指向文件的符号链接");
        returns(&link, 41).map_err(|failure| failure.given(given))?;
        let given = text!("a symbolic link to a file that does not exist", "指向不存在的文件的符号链接");
        returns(&dangling, 0).map_err(|failure| failure.given(given))?;
        needs_no_owner(&path)?;
        // Whether a process may read the file, the kernel says; its mode does not.
        fs::set_permissions(&path, Permissions::from_mode(0o000))?;
        if File::open(&path).is_ok() {
            let got = ask(|| super::read_number(&path).map_err(kind))?;
            let given = text!(
                "a process with the privilege to read any file, the mode 000",
                "进程有权读任何文件，文件的模式是 000"
            );
            returns(&got, 41).map_err(|failure| failure.given(given))?;
        }
        fs::set_permissions(&path, Permissions::from_mode(0o600))?;
        takes_no_lock(&path)?;
        // A file that a killed increment has left is for the next increment to remove.
        let left = directory.path().join(format!("{TEMPORARY}left"));
        fs::write(&left, "42\n")?;
        let got = ask(|| super::read_number(&path).map_err(kind))?;
        let given = text!("a temporary file beside it that somebody has left", "旁边有别人留下的临时文件");
        returns(&got, 41)
            .and_then(|()| {
                ensure(left.exists(), || {
                    let expected = text!("no file is changed or removed", "不改动也不删除任何文件");
                    Failure::new(expected, text!("the temporary file is gone", "临时文件不见了"))
                })
            })
            .map_err(|failure| failure.given(given))
    });
}

/// A file that belongs to somebody else, as far as open(2) is asked for more than to read it.
fn needs_no_owner(path: &Path) -> Result<(), Failure> {
    let not_theirs = |call: &libc::seccomp_data| {
        let asked = call.args[2] & u64::from(libc::O_NOATIME.cast_unsigned());
        (asked != 0).then_some(Errno::EPERM)
    };
    let got = ask_decided(&[libc::SYS_openat], not_theirs, || super::read_number(path).map_err(kind), |got| got)?;
    returns(&got, 41).map_err(|failure| {
        failure
            .given(text!("a file of another owner (O_NOATIME: EPERM)", "文件属于别的用户（O_NOATIME：EPERM）"))
            .breaks(
                "number",
                text!(
                    "open(2): reading needs the permission to read, and no other. O_NOATIME needs the file's owner.",
                    "open(2)：读文件只需要读权限。O_NOATIME 则要求是文件的所有者。"
                ),
            )
    })
}

fn takes_no_lock(path: &Path) -> Result<(), Failure> {
    let watched = watch(|| super::read_number(path).map_err(kind), |_| false)?;
    let locks = |&Call { number, arguments: [_, command, ..], .. }: &Call| {
        let commands = [libc::F_SETLK, libc::F_SETLKW, libc::F_OFD_SETLK, libc::F_OFD_SETLKW];
        let is_lock = commands.iter().any(|lock| u64::from(lock.cast_unsigned()) == command);
        number == libc::SYS_flock || number == libc::SYS_fcntl && is_lock
    };
    ensure(!watched.calls.iter().any(|step| locks(&step.call)), || {
        Failure::new(text!("it takes no lock", "不加任何锁"), text!("it does take one", "它加了锁")).breaks(
            "number",
            text!(
                "rename(2) exchanges the whole file: who reads finds the complete old or the complete new one, and has \
                 nobody to wait for.",
                "rename(2) 一步换掉整个文件：读者看到的不是完整的旧文件，就是完整的新文件，用不着等谁。"
            ),
        )
    })
}

#[test]
fn goes_on_after_interrupted_calls() {
    let rule = text!(
        "open(2), read(2): EINTR means that a signal came before anything was done. std retries most of its calls; libc \
         and nix retry none.",
        "open(2)、read(2)：EINTR 表示还什么都没做，信号就来了。std 的多数调用会自己重试，libc 和 nix 都不会。"
    );
    check("loops", rule, || {
        // More than some read at once, and not the same number if some of it is read twice.
        let (_directory, path) = counter(Some("000012345678901234567\n"))?;
        let number = 12_345_678_901_234_567;
        let waits = [&[libc::SYS_openat][..], &READS].concat();
        let call_often = |in_a_row, in_all| {
            let often = Interruptions { in_a_row, in_all };
            ask_interrupted(&waits, often, || super::read_number(&path).map_err(kind))
        };
        if !knows_the_basics(returns(&call_often(0, 0)?.answer, number))? {
            return Ok(()); // another check says so
        }
        for (in_a_row, in_all) in [(1, 60), (12, 400)] {
            let seen = call_often(in_a_row, in_all)?;
            let call = if seen.last == Some(libc::SYS_openat) { "open(2)" } else { "read(2)" };
            returns(&seen.answer, number).map_err(|failure| {
                let failure = failure.given(text!(
                    "each call is interrupted {in_a_row} times before it is made (EINTR), {call} last",
                    "每次调用都先被打断 {in_a_row} 次（EINTR），最后被打断的是 {call}"
                ));
                // Who begins again from the beginning knows, too.
                let interrupted = seen.made.len() < 2
                    && seen.answer.as_ref().is_err_and(|error| ["EINTR", "Interrupted"].contains(&error.as_str()));
                if interrupted && in_a_row == 1 { failure.shows(&belief::EINTR_IS_AN_ERROR) } else { failure }
            })?;
        }
        // After a part of the file has been read.
        for n in 2..5 {
            let mut reads = 0;
            let decide = move |_: &libc::seccomp_data| {
                reads += 1;
                (reads == n).then_some(Errno::EINTR)
            };
            let got = ask_decided(&READS, decide, || super::read_number(&path).map_err(kind), |got| got)?;
            let given = text!("read(2) number {n} is interrupted (EINTR)", "第 {n} 次 read(2) 被打断（EINTR）");
            returns(&got, number).map_err(|failure| failure.given(given))?;
        }
        Ok(())
    });
}

#[test]
fn takes_what_open_has_found() {
    let rule = text!(
        "open(2) finds the file of that moment, and the descriptor stays with it. Between two calls that name a path, \
         another process may have given the name to another file.",
        "open(2) 找到的是那一刻的文件，描述符从此指着它。前后两次用路径的调用之间，别的进程可能已经把这个名字给了别的文件。"
    );
    check("number", rule, || {
        if !works()? {
            return Ok(());
        }
        let changes = [
            (Some("1234\n"), text!("another process replaces the file", "别的进程替换了文件")),
            (None, text!("another process removes the file", "别的进程删除了文件")),
        ];
        for (new, change) in changes {
            for n in 0.. {
                let (directory, path) = counter(Some("41\n"))?;
                let mut calls = 0;
                let watched = watch_each(
                    || super::read_number(&path).map_err(kind),
                    |_, _| {
                        if calls == n {
                            match new {
                                Some(new) => {
                                    let beside = directory.path().join("new");
                                    fs::write(&beside, new).and_then(|()| fs::rename(&beside, &path))
                                }
                                None => fs::remove_file(&path),
                            }?;
                        }
                        calls += 1;
                        Ok(false)
                    },
                )?;
                let now = if new.is_some() { 1234 } else { 0 };
                ensure([Ok(41), Ok(now)].contains(&watched.answer), || {
                    let (Text { en, zh }, n) = (&change, n + 1);
                    Failure::new(text!("it returns 41 or {now}", "返回 41 或 {now}"), returned(&watched.answer)).given(
                        text!(
                            "a file with \"41\\n\"; right before system call {n} of read_number, {en}",
                            "文件内容为 \"41\\n\"；就在 read_number 的第 {n} 次系统调用之前，{zh}"
                        ),
                    )
                })?;
                if calls <= n {
                    break;
                }
            }
        }
        Ok(())
    });
}

#[test]
fn returns_the_error_of_a_read() {
    check("loops", errno_rule(), || {
        let (directory, path) = counter(Some("41\n"))?;
        let id = FileId::of(&File::open(&path)?)?;
        if !works()? {
            return Ok(());
        }
        let watched = watch(|| super::read_number(&path).map_err(kind), |_| false)?;
        returns(&watched.answer, 41)?;
        // Each of the answer's ways to read the file.
        for number in READS {
            if !watched.calls.iter().any(|step| step.call.number == number && step.names(0, id)) {
                continue;
            }
            let (got, left) =
                ask_refused(&[number], On::Everything, Errno::EIO, || called(|| super::read_number(&path)))?;
            let given = text!("read(2) fails with EIO", "read(2) 以 EIO 失败");
            refused(&got, &["EIO"]).and_then(|()| none_left(left)).map_err(|failure| failure.given(given))?;
        }
        nothing_beside(&directory)
    });
}
