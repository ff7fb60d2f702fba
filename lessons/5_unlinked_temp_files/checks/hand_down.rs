use super::*;

const CONTENTS: &[u8] = b"handed down";

/// The bytes of the file that is opened after `file` was dropped.
const LATER: &[u8] = b"a later one";

/// A file of [`CONTENTS`].
fn file() -> io::Result<File> {
    unnamed_file(CONTENTS)
}

/// A number far above those in use.
const FAR: RawFd = 77;

/// The number that is passed.
#[derive(Clone, Copy, PartialEq)]
enum Number {
    Far,
    OfTheFile,
    NextFree,
    OfAnother,
    Lowest,
}

impl Number {
    const ALL: [Number; 5] = [Number::Far, Number::OfTheFile, Number::NextFree, Number::OfAnother, Number::Lowest];

    fn described(&self) -> Text {
        match self {
            Number::Far => text!("number {FAR}, which is free", "编号 {FAR}，此处空闲"),
            Number::OfTheFile => text!("the number that `file` has here", "`file` 在本进程中的编号"),
            Number::NextFree => {
                text!(
                    "the lowest number that is free here, which the next descriptor gets",
                    "本进程中最小的空闲编号，下一个描述符就会得到它"
                )
            }
            Number::OfAnother => text!("the number of another open file", "另一个已打开文件的编号"),
            Number::Lowest => text!("number 3", "编号 3"),
        }
    }

    fn of(self, file: &File, another: &File) -> io::Result<RawFd> {
        Ok(match self {
            Number::Far => FAR,
            Number::OfTheFile => file.as_raw_fd(),
            Number::NextFree => file.try_clone()?.as_raw_fd(),
            Number::OfAnother => another.as_raw_fd(),
            Number::Lowest => 3,
        })
    }
}

/// Runs cat(1) on that descriptor twice with the same command; what both runs print.
fn cat(number: RawFd, prepare: impl FnOnce(&mut Command) -> io::Result<()>) -> io::Result<Vec<u8>> {
    let mut command = Command::new("cat");
    // Opening /proc/self/fd/N opens the file again, so it works whatever the offset is.
    command.arg(format!("/proc/self/fd/{number}"));
    prepare(&mut command)?;
    let (first, second) = (command.output()?, command.output()?);
    for output in [&first, &second] {
        if !output.status.success() {
            return Err(io::Error::other(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
        }
    }
    if first.stdout == second.stdout {
        Ok(first.stdout)
    } else {
        Err(io::Error::other("the two runs printed different bytes"))
    }
}

/// The number of descriptors that a program started by this command finds.
fn descriptors_there(prepare: impl FnOnce(&mut Command) -> io::Result<()>) -> io::Result<usize> {
    let mut command = Command::new("ls");
    command.arg("/proc/self/fd");
    prepare(&mut command)?;
    Ok(String::from_utf8_lossy(&command.output()?.stdout).lines().count())
}

/// The descriptors of this process that a program would inherit.
fn inheritable() -> io::Result<Vec<RawFd>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc/self/fd")? {
        let number: RawFd = entry?.file_name().to_string_lossy().parse().map_err(io::Error::other)?;
        // SAFETY: F_GETFD reads a flag; for a descriptor that is closed by then it fails with EBADF.
        let flags = unsafe { libc::fcntl(number, libc::F_GETFD) };
        if flags >= 0 && flags & FdFlag::FD_CLOEXEC.bits() == 0 {
            found.push(number);
        }
    }
    found.sort_unstable();
    Ok(found)
}

#[test]
fn the_program_finds_the_file_under_the_number() {
    let rule = text!(
        "dup(2): dup2() makes a descriptor without FD_CLOEXEC; when both numbers are the same it does nothing.",
        "dup(2)：dup2() 得到的新描述符不带 FD_CLOEXEC；但两个编号相同时，它什么也不做。"
    );
    check("descriptor", rule, || {
        for_each(Number::ALL, Number::described, |number| {
            let printed = in_child(|| {
                let (file, another) = (file()?, unnamed_file(b"another")?);
                let wanted = number.of(&file, &another)?;
                Ok(cat(wanted, |command| {
                    hand_down(command, &file, wanted)?;
                    drop(file);
                    // From now on the number that `file` had belongs to another file.
                    std::mem::forget(unnamed_file(LATER)?);
                    Ok(())
                })
                .map_err(error_text))
            })?;
            ensure(printed == Ok(CONTENTS.to_vec()), || {
                let happened = match &printed {
                    Ok(bytes) => {
                        let bytes = String::from_utf8_lossy(bytes).into_owned();
                        text!("it finds a file with {bytes:?}", "它找到的文件内容是 {bytes:?}")
                    }
                    Err(error) => text!("it says {error:?}", "它报告 {error:?}"),
                };
                let failure =
                    Failure::new(text!("the program finds the file there", "程序能在那个编号下找到该文件"), happened);
                match number {
                    _ if printed == Ok(LATER.to_vec()) => failure.shows(&belief::A_NUMBER_IS_THE_FILE),
                    Number::NextFree if printed.is_err() => failure.shows(&belief::DUP2_ALWAYS_CLEARS_CLOEXEC),
                    _ => failure,
                }
            })
        })
    });
}

#[test]
fn no_other_program_gets_it() {
    let rule = text!(
        "execve(2): descriptors without FD_CLOEXEC stay open, in whichever program is executed next.",
        "execve(2)：没有设置 FD_CLOEXEC 的描述符会保持打开；这对接下来执行的任何程序都成立。"
    );
    check("descriptor", rule, || {
        for_each(Number::ALL, Number::described, |number| {
            let seen = in_child(|| {
                let (file, another) = (file()?, unnamed_file(b"another")?);
                let wanted = number.of(&file, &another)?;
                let plain = |_: &mut Command| Ok(());
                let (inode, kept, usual) = (another.metadata()?.ino(), inheritable()?, descriptors_there(plain)?);
                let mut command = Command::new("ls");
                hand_down(command.arg("/proc/self/fd"), &file, wanted)?;
                let between = (inheritable()?, descriptors_there(plain)?);
                let listed = command.output()?.stdout;
                let after = (inheritable()?, descriptors_there(plain)?);
                let untouched = another.metadata()?.ino() == inode;
                let listed = String::from_utf8_lossy(&listed).lines().any(|line| line == wanted.to_string());
                Ok((between == (kept.clone(), usual), after == (kept, usual), untouched, listed))
            })?;
            // ls(1) has descriptors of its own with low numbers; a number far above them is the file's.
            ensure(seen.3 || *number != Number::Far, || {
                Failure::new(text!("its own program gets it", "它自己的程序能得到"), text!("it does not", "没有得到"))
            })?;
            let expected =
                || text!("only the program of `command` gets the file", "只有 `command` 启动的程序得到该文件");
            ensure(seen.0 && seen.1, || {
                let happened = match seen {
                    (false, ..) => text!(
                        "another program, started in the meantime, can get it as well",
                        "其间启动的另一个程序也能得到"
                    ),
                    _ => text!("another program, started after it, can get it as well", "之后启动的另一个程序也能得到"),
                };
                Failure::new(expected(), happened).shows(&belief::CLOEXEC_IS_OF_ONE_PROGRAM)
            })?;
            ensure(seen.2, || {
                Failure::new(
                    text!("the other open file of this process is as it was", "本进程中另一个打开的文件保持原样"),
                    text!("its descriptor refers to another file now", "它的描述符现在指向了别的文件"),
                )
            })
        })
    });
}

#[test]
fn it_is_the_same_open_file_and_comes_once() {
    let rule = text!(
        "dup(2): both descriptors refer to the same open file description, and so share its offset and status \
         flags.",
        "dup(2)：两个描述符指向同一个打开文件描述（open file description），因而共享偏移量和状态标志。"
    );
    check("descriptor", rule, || {
        let seen = in_child(|| {
            let mut file = file()?;
            let begins = CONTENTS.len() / 2;
            io::Seek::seek(&mut file, io::SeekFrom::Start(begins as u64))?;
            let mut command = Command::new("sh");
            hand_down(&mut command, &file, 9)?;
            let read = command.args(["-c", "cat <&9"]).output()?.stdout;
            let here = io::Seek::stream_position(&mut file)?;
            let usual = descriptors_there(|_| Ok(()))?;
            let there = descriptors_there(|command| hand_down(command, &file, FAR))?;
            Ok((read == CONTENTS[begins..], here == CONTENTS.len() as u64, there.abs_diff(usual), there > usual))
        })?;
        let (read_on, moved_here, more, is_more) = seen;
        ensure(is_more && more == 1, || {
            Failure::new(
                text!("the program has one descriptor more than usual", "程序比平常多一个描述符"),
                if is_more {
                    text!("it has {more} more", "它多了 {more} 个")
                } else {
                    text!("it has none", "它没有多出来的描述符")
                },
            )
        })?;
        ensure(read_on && moved_here, || {
            Failure::new(
                text!(
                    "the program reads on where the offset is, and moves it for both",
                    "程序从当前偏移处接着读，并且双方的偏移一起移动"
                ),
                text!("the file was opened again, or is another one", "文件被重新打开了，或者是另一个文件"),
            )
            .shows(&belief::TO_OPEN_AGAIN_IS_TO_DUP)
        })
    });
}

#[test]
fn nothing_stays_open_here() {
    let rule = text!(
        "open(2): a file without a name exists as long as any descriptor of it; a forgotten one keeps its space.",
        "没有名字的文件，只要还有一个描述符就一直存在；忘记关闭的描述符会一直占着空间。"
    );
    check("space", rule, || {
        let (before, after, found) = in_child(|| {
            let file = file()?;
            let before = open_descriptors()?;
            let mut found = true;
            for _ in 0..3 {
                found &= cat(FAR, |command| hand_down(command, &file, FAR)).is_ok_and(|bytes| bytes == CONTENTS);
            }
            Ok((before, open_descriptors()?, found))
        })?;
        ensure(found, || {
            Failure::new(
                text!("three programs find the file", "三个程序都能找到该文件"),
                text!("they don't", "没有找到"),
            )
        })?;
        ensure(before == after, || {
            Failure::new(
                text!("{before} open descriptors, as before", "打开的文件描述符仍是 {before} 个"),
                text!("there are {after} after three commands", "三个命令之后变成了 {after} 个"),
            )
        })
    });
}

#[test]
fn the_standard_streams_are_refused() {
    let rule = text!(
        "stdin(3): the descriptors 0, 1 and 2 are the standard streams, which std::process::Command sets up.",
        "stdin(3)：描述符 0、1、2 是标准流，由 std::process::Command 负责设置。"
    );
    check("descriptor", rule, || {
        let numbers = [(FAR, None)].into_iter();
        let refused = [0, 1, 2, -1, RawFd::MIN].map(|number| (number, Some("InvalidInput")));
        let describe = |(number, _): &(RawFd, _)| text!("number {number}", "编号 {number}");
        for_each(numbers.chain(refused), describe, |(number, error)| {
            let answer = ask(|| {
                let file = file().map_err(named)?;
                hand_down(&mut Command::new("true"), &file, *number).map_err(named)
            })?;
            error.map_or_else(|| expect_ok(&answer), |error| expect_error(&answer, error))
        })
    });
}
