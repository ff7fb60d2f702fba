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
        ];
        for_each(cases, |(text, _)| describe(*text), |&(text, wanted)| expects(text, |got| returns(got, wanted)))?;
        for_all(
            (any::<u64>(), 0..4_usize, any::<bool>()),
            |&(number, zeros, newline)| describe(Some(&written(number, zeros, newline))),
            |&(number, zeros, newline)| expects(Some(&written(number, zeros, newline)), |got| returns(got, number)),
        )?;
        // A path is bytes, with no character that is left out; and the file has another number at the next call.
        let directory = tempfile::tempdir()?;
        let path = directory.path().join(std::ffi::OsStr::from_bytes(b" a\xffb "));
        fs::write(&path, "7\n")?;
        let (first, second) = ask(|| {
            let first = super::read_number(&path).map_err(kind);
            let second = fs::write(&path, "8\n").and_then(|()| super::read_number(&path)).map_err(kind);
            (first, second)
        })?;
        returns(&first, 7).map_err(|failure| {
            failure.given(text!("a file named \" a\\xffb \" with \"7\\n\"", "文件名是 \" a\\xffb \"，内容为 \"7\\n\""))
        })?;
        returns(&second, 8).map_err(|failure| {
            failure.given(text!(
                "a file with \"7\\n\" is read, another process writes \"8\\n\", and it is read again",
                "读过内容为 \"7\\n\" 的文件后，另一个进程写入 \"8\\n\"，再读一次"
            ))
        })
    });
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
                "\u{feff}41\n",
                // A newline at the end of a chunk of 16 bytes is not at the end of the file.
                "000000000000041\n23\n",
            ]),
            |text| text!("a file with {text:?}", "内容为 {text:?} 的文件"),
            |text| expects(Some(text), |got| refused(got, &["InvalidData"])),
        )?;
        let (directory, path) = counter(None)?;
        fs::write(&path, b"7\xff\n")?;
        let given = text!("a file with \"7\\xff\\n\"", "内容为 \"7\\xff\\n\" 的文件");
        refused(&answer(&path, &directory)?, &["InvalidData"]).map_err(|failure| failure.given(given))
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
        let got = answer(directory.path(), &directory)?;
        expect(&got, &["EISDIR"], text!("a directory", "一个目录"))?;
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
        let (_directory, path) = counter(Some("41\n"))?;
        let waits = [&[libc::SYS_openat][..], &READS].concat();
        let call_often = |in_a_row, in_all| {
            let often = Interruptions { in_a_row, in_all };
            ask_interrupted(&waits, often, || super::read_number(&path).map_err(kind))
        };
        if returns(&call_often(0, 0)?.answer, 41).is_err() {
            return Ok(()); // another check says so
        }
        for (in_a_row, in_all) in [(1, 60), (12, 400)] {
            let seen = call_often(in_a_row, in_all)?;
            let call = if seen.last == Some(libc::SYS_openat) { "open(2)" } else { "read(2)" };
            returns(&seen.answer, 41).map_err(|failure| {
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
