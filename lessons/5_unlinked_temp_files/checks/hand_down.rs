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
    prepare(&mut command).map_err(|error| io::Error::other(format!("of hand_down: {}", named(error))))?;
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

/// A program that runs until it is killed.
fn lasting() -> Command {
    let mut command = Command::new("sleep");
    command.arg("1000").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// The numbers under which a program that this command starts, which runs until it is killed, finds the file.
fn numbers_there(command: &mut Command, file: FileId) -> io::Result<Vec<RawFd>> {
    // When it returns, the program has replaced the child.
    let mut program = command.spawn()?;
    let found = numbers_in(program.id(), file);
    program.kill()?;
    program.wait()?;
    Ok(found?.into_iter().map(|(number, _)| number).collect())
}

/// The descriptors of a process that refer to the file, and whether execve(2) closes them (FD_CLOEXEC).
fn numbers_in(pid: u32, file: FileId) -> io::Result<Vec<(RawFd, bool)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(format!("/proc/{pid}/fd"))? {
        let entry = entry?;
        let is_it =
            File::options().read(true).custom_flags(libc::O_PATH).open(entry.path()).and_then(|file| FileId::of(&file));
        if is_it.is_ok_and(|other| other == file) {
            let name = entry.file_name();
            let info = fs::read_to_string(format!("/proc/{pid}/fdinfo/{}", name.display()))?;
            let flags = info.lines().find_map(|line| line.strip_prefix("flags:")).unwrap_or_default();
            let flags = i32::from_str_radix(flags.trim(), 8).map_err(io::Error::other)?;
            let number = name.to_string_lossy().parse().map_err(io::Error::other)?;
            found.push((number, flags & libc::O_CLOEXEC != 0));
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// Numbers, as the feedback has them.
fn listed(numbers: &[RawFd]) -> String {
    numbers.iter().map(RawFd::to_string).collect::<Vec<_>>().join(", ")
}

fn a_number_is_no_file(failure: Failure) -> Failure {
    failure.breaks(
        "exec",
        text!(
            "A number belongs to this process and may be another file's by the time the program is started. Each closure of \
             pre_exec owns a duplicate of its own file.",
            "编号只属于本进程；等到启动程序时，它也许已经是别的文件了。每个 pre_exec 闭包都要拥有自己那个文件的一个复制的描述符。"
        ),
    )
}

fn the_lowest_that_is_free(failure: Failure) -> Failure {
    failure.breaks(
        "exec",
        text!(
            "open(2), dup(2): a descriptor gets the lowest number that is free, 0, 1 or 2 too. In the child std puts the \
             program's standard streams there, before the closure runs.",
            "open(2)、dup(2)：新描述符取最小的空闲编号，0、1、2 也不例外。而在子进程里，闭包运行之前，std 会把程序的标准流放到这三个编号上。"
        ),
    )
}

fn closes_what_was_there(failure: Failure) -> Failure {
    failure.breaks(
        "exec",
        text!(
            "dup2(2) closes what the number was before, without a word, and between a look and dup2(2) another thread may have \
             opened a file. F_DUPFD_CLOEXEC in fcntl(2) takes only a free number, in one step.",
            "dup2(2) 会悄悄地关掉目标编号原先的文件；先查看、再 dup2(2)，其间别的线程可能打开了文件。fcntl(2) 的 F_DUPFD_CLOEXEC 只取空闲的编号，一步完成。"
        ),
    )
}

fn std_has_a_pipe() -> Text {
    text!(
        "std opens a pipe with FD_CLOEXEC, through which the child reports a failed execve(2). dup2(2) onto its number closes \
         the pipe, and the report is written to the file.",
        "std 会开一个带 FD_CLOEXEC 的管道，子进程由它报告 execve(2) 失败。dup2(2) 到这个编号上会关掉管道，报告就写进了文件。"
    )
}

fn dup2_drops_the_flag() -> Text {
    text!(
        "dup(2): dup2() makes a descriptor without FD_CLOEXEC; when both numbers are the same it does nothing.",
        "dup(2)：dup2() 得到的新描述符不带 FD_CLOEXEC；但两个编号相同时，它什么也不做。"
    )
}

/// The program has no descriptor of the file.
fn not_passed(failure: Failure) -> Failure {
    failure.breaks("exec", dup2_drops_the_flag())
}

/// [`super::check`], which says what the abort of a process is likely to mean.
#[track_caller]
fn check(section: &str, rule: Text, body: impl FnOnce() -> Result<(), Failure>) {
    super::check(section, rule, || body().map_err(with_cause));
}

fn with_cause(mut failure: Failure) -> Failure {
    if failure.signal.as_deref() != Some("SIGABRT") {
        return failure;
    }
    failure.happened.en.to_mut().push_str(" (std does that when it closes a descriptor that somebody else has closed)");
    failure.happened.zh.to_mut().push_str("（std 要关闭某个描述符，却发现它已被别人关掉，就会这样）");
    closes_what_was_there(failure)
}

#[test]
fn the_program_finds_the_file_under_the_number() {
    check("exec", dup2_drops_the_flag(), || {
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
                    Err(error) => text!("the error {error}", "错误 {error}"),
                };
                let failure =
                    Failure::new(text!("the program finds the file there", "程序能用那个编号读到文件"), happened);
                match number {
                    _ if printed == Ok(LATER.to_vec()) => {
                        a_number_is_no_file(failure).shows(&belief::A_NUMBER_IS_THE_FILE)
                    }
                    Number::NextFree if not_there(&printed) => failure.shows(&belief::DUP2_ALWAYS_CLEARS_CLOEXEC),
                    _ => failure,
                }
            })
        })?;
        two_commands_at_the_same_time().map_err(a_number_is_no_file)?;
        without_standard_input().map_err(the_lowest_that_is_free)?;
        a_number_that_is_freed_later().map_err(|failure| failure.breaks("exec", std_has_a_pipe()))?;
        a_number_that_is_taken_meanwhile()?;
        let file = file()?;
        needs_no_privilege(|| cat(FAR, |command| hand_down(command, &file, FAR)).map(drop))
    });
}

/// Whether cat(1) has found no descriptor with that number.
fn not_there(printed: &Result<Vec<u8>, String>) -> bool {
    printed.as_ref().is_err_and(|error| error.contains("No such file"))
}

/// Two files, two commands, two numbers; the command that was prepared first starts its program last.
fn two_commands_at_the_same_time() -> Result<(), Failure> {
    let describe = |second: &RawFd| {
        text!(
            "two commands at the same time: a file as {FAR} for one, another file as {second} for the other",
            "同时有两个命令：一个把文件作为 {FAR} 传入，另一个把另一个文件作为 {second} 传入"
        )
    };
    for_each([FAR + 1, FAR], describe, |&number| {
        let found = in_child(|| {
            let (file, another) = (file()?, unnamed_file(b"another")?);
            let (mut first, mut second) = (lasting(), lasting());
            hand_down(&mut first, &file, FAR)?;
            hand_down(&mut second, &another, number)?;
            let (file, another) = (FileId::of(&file)?, FileId::of(&another)?);
            Ok([numbers_there(&mut second, another)?, numbers_there(&mut first, file)?])
        })?;
        expect_numbers(&found[0], &[number])?;
        expect_numbers(&found[1], &[FAR])
    })
}

/// A process that has closed its standard input gives that number to the next descriptor.
fn without_standard_input() -> Result<(), Failure> {
    let describe = |number: &Number| {
        let Text { en, zh } = number.described();
        text!("a process that has closed its standard input; {en}", "关闭了标准输入的进程；{zh}")
    };
    for_each(Number::ALL, describe, |number| {
        let (found, wanted) = in_child(|| {
            let (file, another) = (file()?, unnamed_file(b"another")?);
            let wanted = number.of(&file, &another)?;
            // SAFETY: nothing here reads the standard input.
            Errno::result(unsafe { libc::close(0) })?;
            let mut command = lasting();
            hand_down(&mut command, &file, wanted)?;
            Ok((numbers_there(&mut command, FileId::of(&file)?)?, wanted))
        })?;
        expect_numbers(&found, &[wanted])
    })
}

/// The number of another file, which is closed before the program is started: std's pipe may get it.
fn a_number_that_is_freed_later() -> Result<(), Failure> {
    let describe = |_: &bool| {
        text!(
            "the number of another open file, which is closed after `hand_down`",
            "另一个已打开文件的编号，那个文件在 `hand_down` 之后关闭"
        )
    };
    for_each([false, true], describe, |far| {
        let (found, wanted) = in_child(|| {
            let (another, file) = (unnamed_file(b"another")?, file()?);
            let another = if *far { again_from(FAR, &another)? } else { another };
            let wanted = another.as_raw_fd();
            let mut command = lasting();
            hand_down(&mut command, &file, wanted)?;
            drop(another);
            Ok((numbers_there(&mut command, FileId::of(&file)?)?, wanted))
        })?;
        expect_numbers(&found, &[wanted])
    })
}

/// Another thread may open a file at any moment, here before one of the system calls of `hand_down` after the other, and
/// gets the number if that is free.
fn a_number_that_is_taken_meanwhile() -> Result<(), Failure> {
    for nth in 0..=MOST_CALLS {
        let n = nth + 1;
        let given = |failure: Failure| {
            failure.given(text!(
                "just before system call no. {n} of `hand_down` another thread opens a file, and gets number {FAR}",
                "就在 `hand_down` 的第 {n} 个系统调用之前，另一个线程打开了一个文件，得到编号 {FAR}"
            ))
        };
        let numbers = taken_before_call(nth).map_err(given)?;
        expect_few(&numbers)?;
        if numbers.len() <= nth {
            break;
        }
    }
    Ok(())
}

/// The numbers of the system calls that `hand_down` makes.
fn taken_before_call(nth: usize) -> Result<Vec<i64>, Failure> {
    let (file, another) = (file()?, unnamed_file(b"another")?);
    let (id, of_another) = (FileId::of(&file)?, FileId::of(&another)?);
    let (ours, theirs) = UnixStream::pair()?;
    ours.set_read_timeout(Some(deadline()))?;
    let shared = Mapping::anonymous(page_size(), READ_WRITE, Sharing::Shared)?;
    let [returned, found, kept] = [0, 4, 8].map(|at| shared.word(at));
    let prepare = || {
        let (mut theirs, another) = (theirs.try_clone()?, another.try_clone()?);
        std::thread::spawn(move || -> io::Result<()> {
            theirs.read_exact(&mut [0])?;
            let opened = again_from(FAR, &another)?;
            let got_it = opened.as_raw_fd() == FAR;
            if got_it {
                std::mem::forget(opened);
            }
            theirs.write_all(&[got_it.into()])
        });
        Ok(lasting())
    };
    let act = |mut command: Command| {
        let handed = hand_down(&mut command, &file, FAR).map_err(named);
        returned.store(1, Ordering::SeqCst);
        handed?;
        found.store((numbers_there(&mut command, id).map_err(named)? == [FAR]).into(), Ordering::SeqCst);
        let there = numbers_in(std::process::id(), of_another).map_err(named)?;
        kept.store(there.iter().any(|(number, _)| *number == FAR).into(), Ordering::SeqCst);
        Ok(())
    };
    let mut got_it = None;
    let mut numbers = Vec::new();
    let look = |n, call: &Call| {
        if returned.load(Ordering::SeqCst) == 1 {
            return Ok(());
        }
        numbers.push(call.number);
        if n == nth {
            let mut answer = [0];
            (&ours).write_all(b".")?;
            (&ours).read_exact(&mut answer)?;
            got_it = Some(answer == [1]);
        }
        Ok(())
    };
    before_each_call(prepare, act, look)?;
    let Some(got_it) = got_it else { return Ok(numbers) };
    ensure(!got_it || kept.load(Ordering::SeqCst) == 1, || {
        closes_what_was_there(Failure::new(
            text!("the other file stays open under its number", "那个文件在它的编号下保持打开"),
            text!("its descriptor refers to another file now", "它的描述符现在指向了别的文件"),
        ))
    })?;
    ensure(found.load(Ordering::SeqCst) == 1, || {
        closes_what_was_there(Failure::new(
            text!("the program has the file as {FAR}, and under no other number", "程序有该文件，编号只有 {FAR}"),
            text!(
                "the program has no descriptor of it, or one under another number as well",
                "程序没有它的描述符，或者在别的编号下也有"
            ),
        ))
    })?;
    Ok(numbers)
}

/// The file under the lowest free number from this one on.
fn again_from(number: RawFd, file: &File) -> io::Result<File> {
    let number = fcntl(file, FcntlArg::F_DUPFD_CLOEXEC(number))?;
    // SAFETY: the kernel has just made this descriptor, for us to own.
    Ok(unsafe { File::from_raw_fd(number) })
}

/// Expects that the program has the file under these numbers.
fn expect_numbers(found: &[RawFd], wanted: &[RawFd]) -> Result<(), Failure> {
    ensure(found == wanted, || {
        let (numbers, wanted) = (listed(found), listed(wanted));
        let expected = text!("the numbers of the file in the program: {wanted}", "该文件在程序中的编号：{wanted}");
        if found.is_empty() {
            return Failure::new(expected, text!("the program has no descriptor of it", "程序没有它的描述符"));
        }
        Failure::new(expected, text!("they are: {numbers}", "是：{numbers}")).breaks(
            "exec",
            text!(
                "execve(2) closes what has FD_CLOEXEC, and nothing else. dup2(2) makes a second descriptor; the first one keeps \
                 its number and its flag, unless both numbers are the same.",
                "execve(2) 只关闭带 FD_CLOEXEC 的描述符。dup2(2) 产生的是另一个描述符；原来那个的编号和标志都不变，除非两个编号相同。"
            ),
        )
    })
}

#[test]
fn no_other_program_gets_it() {
    let rule = text!(
        "execve(2): descriptors without FD_CLOEXEC stay open, in whichever program is executed next.",
        "execve(2)：没有设置 FD_CLOEXEC 的描述符会保持打开；这对接下来执行的任何程序都成立。"
    );
    check("exec", rule, || {
        for_each(Number::ALL, Number::described, |number| {
            let seen = in_child(|| {
                let (file, another) = (file()?, unnamed_file(b"another")?);
                let wanted = number.of(&file, &another)?;
                let (id, of_another) = (FileId::of(&file)?, FileId::of(&another)?);
                let mut command = lasting();
                hand_down(&mut command, &file, wanted)?;
                let between = numbers_there(&mut lasting(), id)?;
                let own = numbers_there(&mut command, id)?;
                let after = numbers_there(&mut lasting(), id)?;
                Ok((between, own, after, FileId::of(&another)? == of_another, wanted))
            })?;
            let (between, own, after, untouched, wanted) = seen;
            let expected =
                || text!("only the program of `command` gets the file", "只有 `command` 启动的程序得到该文件");
            ensure(between.is_empty() && after.is_empty(), || {
                let happened = if between.is_empty() {
                    text!("another program, started after it, gets it as well", "之后启动的另一个程序也得到了")
                } else {
                    text!(
                        "another program, started between `hand_down` and the program of `command`, gets it as well",
                        "在 `hand_down` 之后、`command` 的程序之前启动的另一个程序也得到了"
                    )
                };
                Failure::new(expected(), happened).shows(&belief::CLOEXEC_IS_OF_ONE_PROGRAM)
            })?;
            expect_numbers(&own, &[wanted]).map_err(not_passed)?;
            ensure(untouched, || {
                closes_what_was_there(Failure::new(
                    text!("the other open file of this process is as it was", "本进程中另一个打开的文件保持原样"),
                    text!("its descriptor refers to another file now", "它的描述符现在指向了别的文件"),
                ))
            })
        })?;
        no_moment_without_the_flag()?;
        the_program_gets_no_other_descriptor()
    });
}

/// Nor one of any other file, or of a pipe.
fn the_program_gets_no_other_descriptor() -> Result<(), Failure> {
    let (without, with) = in_child(|| {
        let file = file()?;
        // Descriptors that every program gets, below the number and above it: the environment may have left none.
        let inherited = unnamed_file(b"inherited")?;
        for number in [FAR - 7, FAR + 7] {
            fcntl(&inherited, FcntlArg::F_DUPFD(number))?;
        }
        // From outside, what the dynamic loader has open for a moment would be seen, too.
        let shell = || {
            let mut command = Command::new("sh");
            command.args(["-c", "echo /proc/self/fd/*"]).stdin(Stdio::null()).stderr(Stdio::null());
            command
        };
        let numbers_of = |command: &mut Command| -> io::Result<Vec<RawFd>> {
            let printed = String::from_utf8(command.output()?.stdout).map_err(io::Error::other)?;
            let names = printed.split_whitespace().filter_map(|path| path.rsplit('/').next());
            let mut numbers: Vec<_> = names.filter_map(|name| name.parse().ok()).collect();
            numbers.sort_unstable();
            Ok(numbers)
        };
        let without = numbers_of(&mut shell())?;
        let mut command = shell();
        hand_down(&mut command, &file, FAR)?;
        Ok((without, numbers_of(&mut command)?))
    })?;
    let mut wanted = [without, vec![FAR]].concat();
    wanted.sort_unstable();
    ensure(with == wanted, || {
        let (with, wanted) = (listed(&with), listed(&wanted));
        Failure::new(
            text!("the program has the descriptors {wanted}", "程序的描述符是 {wanted}"),
            text!("it has {with}", "是 {with}"),
        )
    })
}

/// A program that another thread starts between two system calls of `hand_down` gets what has no FD_CLOEXEC then.
fn no_moment_without_the_flag() -> Result<(), Failure> {
    let file = file()?;
    let id = FileId::of(&file)?;
    let shared = Mapping::anonymous(page_size(), READ_WRITE, Sharing::Shared)?;
    let prepare = || {
        shared.word(0).store(std::process::id(), Ordering::SeqCst);
        Ok(lasting())
    };
    let act = |mut command: Command| hand_down(&mut command, &file, FAR).map_err(named);
    let mut last = text!("the beginning", "开始");
    let look = |_, call: &Call| {
        let numbers = numbers_in(shared.word(0).load(Ordering::SeqCst), id)?;
        let Text { en, zh } = std::mem::replace(&mut last, call_name(call.number));
        ensure(numbers.iter().all(|(_, closed)| *closed), || {
            Failure::new(
                text!(
                    "each descriptor of the file in this process has FD_CLOEXEC at every moment",
                    "本进程中该文件的每个描述符，任何时刻都带 FD_CLOEXEC"
                ),
                text!(
                    "after {en} one has not, and a program that another thread starts then gets it",
                    "{zh} 之后有一个不带，这时别的线程启动的程序会得到它"
                ),
            )
            .shows(&belief::CLOEXEC_IS_OF_ONE_PROGRAM)
        })
    };
    before_each_of_few(prepare, act, look)
}

#[test]
fn it_is_the_same_open_file_and_comes_once() {
    let rule = text!(
        "dup(2): both descriptors refer to the same open file description, and so share its offset and status \
         flags.",
        "dup(2)：两个描述符指向同一个打开文件描述（open file description），因而共享偏移量和状态标志。"
    );
    check("exec", rule, || {
        let seen = in_child(|| {
            let mut file = file()?;
            let begins = CONTENTS.len() / 2;
            io::Seek::seek(&mut file, io::SeekFrom::Start(begins as u64))?;
            let mut command = Command::new("sh");
            hand_down(&mut command, &file, 9)?;
            let read = command.args(["-c", "cat <&9"]).output()?.stdout;
            let here = io::Seek::stream_position(&mut file)?;
            let mut command = lasting();
            hand_down(&mut command, &file, FAR)?;
            let numbers = numbers_there(&mut command, FileId::of(&file)?)?;
            let opened_again = read == CONTENTS && here == begins as u64;
            Ok((read == CONTENTS[begins..], here == CONTENTS.len() as u64, opened_again, numbers))
        })?;
        let (read_on, moved_here, opened_again, numbers) = seen;
        expect_numbers(&numbers, &[FAR]).map_err(not_passed)?;
        ensure(read_on && moved_here, || {
            let expected = text!(
                "the program reads on where the offset is, and moves it for both",
                "程序从当前偏移量处接着读，而且双方的偏移量一起移动"
            );
            if opened_again {
                let happened = text!(
                    "it reads from the beginning, and the offset here stays: the file was opened again",
                    "它从头读起，这边的偏移量却没有动：文件被重新打开了"
                );
                return Failure::new(expected, happened).shows(&belief::TO_OPEN_AGAIN_IS_TO_DUP);
            }
            let happened = match (read_on, moved_here) {
                (false, _) => {
                    text!("it reads other bytes than those from the offset on", "它读到的不是从偏移量处开始的内容")
                }
                (true, _) => text!("the offset here is not at the end afterwards", "读完之后，这边的偏移量不在末尾"),
            };
            Failure::new(expected, happened)
        })
    });
}

#[test]
fn all_else_of_the_program_is_as_before() {
    let rule = text!(
        "execve(2) and environ(7): a program begins with the descriptors, the environment, the limits and the signal mask that \
         the process before it had.",
        "execve(2)、environ(7)：程序一开始的描述符、环境变量、资源限制、信号掩码，都来自 execve(2) 之前的进程。"
    );
    check("exec", rule, || {
        let describe = |(_, words): &(String, Text)| words.clone();
        let inherited: [RawFd; 2] = [INHERITED, FAR + 9];
        let [low, high] = inherited.map(|number| {
            let words = text!(
                "descriptor {number} of this process, which has no FD_CLOEXEC",
                "本进程的描述符 {number}，它没有 FD_CLOEXEC"
            );
            (format!("/proc/self/fd/{number}"), words)
        });
        let proc = |file: &str, words| (format!("/proc/self/{file}"), words);
        let cases = [
            ("-".into(), text!("its standard input", "标准输入")),
            ("/nonexistent".into(), text!("its standard error", "标准错误")),
            low,
            high,
            proc("environ", text!("its environment", "环境变量")),
            proc("cmdline", text!("its arguments", "命令行参数")),
            proc("limits", text!("its limits (getrlimit(2))", "资源限制（getrlimit(2)）")),
            proc("status", text!("its umask and its signals (/proc/self/status)", "umask 和信号（/proc/self/status）")),
            proc("stat", text!("its process group, session and nice value", "进程组、会话和 nice 值")),
        ];
        for_each(cases, describe, |(shown, _)| {
            let (without, with) = in_child(|| {
                let (file, input) = (file()?, unnamed_file(b"input")?);
                for number in inherited {
                    // SAFETY: nothing is open there.
                    Errno::result(unsafe { libc::dup2(input.as_raw_fd(), number) })?;
                }
                let run = |handed: bool| -> io::Result<_> {
                    let mut command = Command::new("cat");
                    let input: File = File::open(format!("/proc/self/fd/{}", input.as_raw_fd()))?;
                    command.args(["--", shown]).env("SCRATCH", "as it was").stdin(input);
                    // Both programs are started by fork and exec: posix_spawn(3) leaves other signals ignored.
                    // SAFETY: the closure does nothing.
                    unsafe { command.pre_exec(|| Ok(())) };
                    if handed {
                        hand_down(&mut command, &file, FAR)?;
                    }
                    let output = command.output()?;
                    let text = [output.stdout, output.stderr].concat();
                    Ok(lasting_part(shown, &String::from_utf8_lossy(&text).replace('\0', "\n")))
                };
                Ok((run(false)?, run(true)?))
            })?;
            ensure(without == with, || {
                let only_in = |a: &str, b: &str| -> String {
                    a.lines().find(|line| !b.lines().any(|other| other == *line)).unwrap_or_default().to_owned()
                };
                let (new, gone) = (only_in(&with, &without), only_in(&without, &with));
                Failure::new(
                    text!(
                        "the program finds what it finds without `hand_down`",
                        "程序看到的，与没有 `hand_down` 时一样"
                    ),
                    match (new.is_empty(), gone.is_empty()) {
                        (false, true) => text!("there is more: {new}", "多出了：{new}"),
                        (true, _) => text!("this is missing: {gone}", "少了：{gone}"),
                        (false, false) => text!("instead of {gone} it is {new}", "原本是 {gone}，实际是 {new}"),
                    },
                )
            })
        })
    });
}

/// A number above those in use, and below [`FAR`].
const INHERITED: RawFd = 30;

/// What is the same in two processes that differ in nothing.
fn lasting_part(shown: &str, text: &str) -> String {
    if shown.ends_with("status") {
        let names = ["Umask:", "SigBlk:", "SigIgn:", "SigCgt:", "Groups:", "NoNewPrivs:", "Seccomp:", "CapEff:"];
        return text
            .lines()
            .filter(|line| names.iter().any(|name| line.starts_with(name)))
            .collect::<Vec<_>>()
            .join("\n");
    }
    if shown.ends_with("stat") {
        // After the name, which may have spaces: the state, the parent, the process group, the session; nice is the 17th.
        let fields: Vec<_> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        return [2, 3, 16].map(|n| fields.get(n).copied().unwrap_or_default()).join(" ");
    }
    text.to_owned()
}

#[test]
fn nothing_stays_open_here() {
    let rule = text!(
        "open(2): a file without a name exists as long as any descriptor of it; a forgotten one keeps its space.",
        "没有名字的文件，只要还有一个描述符就一直存在；忘记关闭的描述符会一直占着空间。"
    );
    check("exec", rule, || {
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
                text!("at least one of them doesn't", "至少有一个没有找到"),
            )
            .breaks("exec", dup2_drops_the_flag())
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
    check("exec", rule, || {
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

#[test]
fn a_program_that_does_not_exist_is_an_error() {
    check("exec", std_has_a_pipe(), || {
        // From the lowest free number on: std's pipe is among them.
        let describe = |nth: &usize| {
            text!("free number no. {nth} of this process, counted from 0", "本进程的第 {nth} 个空闲编号（从 0 数起）")
        };
        for_each(0..6, describe, |nth| {
            let (started, left) = in_child(|| {
                let file = file()?;
                let free = (3..).filter(|number| {
                    // SAFETY: F_GETFD reads a flag; where no file is open, it fails with EBADF.
                    unsafe { libc::fcntl(*number, libc::F_GETFD) < 0 }
                });
                let number = free.take(nth + 1).last().unwrap_or(FAR);
                let mut command = Command::new("/nonexistent/program");
                hand_down(&mut command, &file, number)?;
                let started = command.spawn().map(|mut child| drop(child.wait())).map_err(named);
                Ok((started, contents(&file)?))
            })?;
            ensure(left == CONTENTS, || {
                Failure::new(
                    text!("the file is as before", "文件保持原样"),
                    text!(
                        "std's report of the failed execve(2) is written to it",
                        "std 对 execve(2) 失败的报告写进了文件"
                    ),
                )
            })?;
            let is_it = started.as_ref().is_err_and(|error| error.starts_with("NotFound"));
            ensure(is_it, || {
                Failure::new(
                    text!("spawn() returns the error NotFound", "spawn() 返回错误 NotFound"),
                    answered(&started),
                )
            })
        })
    });
}

#[test]
fn a_number_at_the_limit_is_one_like_any_other() {
    let rule = text!(
        "getrlimit(2), RLIMIT_NOFILE: one more than the highest number of a descriptor. dup2(2): EBADF for a number past \
         it. F_DUPFD_CLOEXEC in fcntl(2): EMFILE when no number is free from the given one on.",
        "getrlimit(2) 的 RLIMIT_NOFILE：比描述符的最大编号大一。编号超出时，dup2(2) 返回 EBADF。从指定的编号起没有空闲编号时，fcntl(2) 的 F_DUPFD_CLOEXEC 返回 EMFILE。"
    );
    check("exec", rule, || {
        let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
        let more = RawFd::try_from(hard.min(2000)).map_err(io::Error::other)?;
        let mut cases = Vec::new();
        for limit in [64, more] {
            // Where another file has the number, and standard input is closed, the lowest free number is 0.
            cases.extend([(false, false), (true, false), (true, true)].map(|(taken, closed)| {
                let [en, zh] = if taken {
                    ["where another file is open", "那里打开着另一个文件"]
                } else {
                    ["which is free", "此处空闲"]
                };
                let [input, closed_zh] =
                    if closed { ["; standard input is closed", "；标准输入已关闭"] } else { ["", ""] };
                let words = text!(
                    "RLIMIT_NOFILE {limit}, the highest number that it permits, {en}{input}",
                    "RLIMIT_NOFILE 为 {limit}，取它允许的最大编号，{zh}{closed_zh}"
                );
                (limit, limit - 1, taken, closed, words)
            }));
            let words = text!("RLIMIT_NOFILE {limit}, a number past it", "RLIMIT_NOFILE 为 {limit}，编号超出它");
            cases.push((limit, limit, false, false, words));
            let most = RawFd::MAX;
            let words = text!("RLIMIT_NOFILE {limit}, the number {most}", "RLIMIT_NOFILE 为 {limit}，编号 {most}");
            cases.push((limit, most, false, false, words));
        }
        // In 16 bits they are the number 1 and one that is free. The machine may permit less.
        for number in [(1 << 16) + 1, (1 << 16) + FAR] {
            let limit = RawFd::try_from(hard.min((1 << 16) + 100)).map_err(io::Error::other)?;
            let words = text!("RLIMIT_NOFILE {limit}, the number {number}", "RLIMIT_NOFILE 为 {limit}，编号 {number}");
            cases.push((limit, number, false, false, words));
        }
        for_each(
            cases,
            |(.., words)| words.clone(),
            |&(limit, number, taken, closed, _)| {
                let found = ask(|| {
                    let file = file().map_err(named)?;
                    let another = unnamed_file(b"another").map_err(named)?;
                    let most = limit.unsigned_abs().into();
                    setrlimit(Resource::RLIMIT_NOFILE, most, hard).map_err(|errno| named(errno.into()))?;
                    if taken {
                        // SAFETY: nothing is open there.
                        Errno::result(unsafe { libc::dup3(another.as_raw_fd(), number, libc::O_CLOEXEC) })
                            .map_err(|errno| named(errno.into()))?;
                    }
                    if closed {
                        // SAFETY: nothing here reads the standard input.
                        Errno::result(unsafe { libc::close(0) }).map_err(|errno| named(errno.into()))?;
                    }
                    let mut command = lasting();
                    hand_down(&mut command, &file, number).map_err(named)?;
                    let id = FileId::of(&file).map_err(named)?;
                    numbers_there(&mut command, id).map_err(named)
                })?;
                match found {
                    Ok(numbers) if number < limit => expect_numbers(&numbers, &[number]),
                    Err(error) if number < limit => expect_ok(&Err(error)),
                    Ok(_) => Err(Failure::new(
                        text!(
                            "`hand_down` returns an error, or starting the program does",
                            "`hand_down` 或启动程序返回错误"
                        ),
                        text!("the program is started without the file", "程序启动了，却没有得到文件"),
                    )),
                    Err(_) => Ok(()),
                }
            },
        )
    });
}

#[test]
fn between_fork_and_exec_it_only_makes_system_calls() {
    let rule = text!(
        "fork(2): in the child of a process with threads only async-signal-safe functions (signal-safety(7)) may be called. \
         Another thread may have held the allocator's lock, and then nobody releases it.",
        "fork(2)：在多线程进程的子进程里，只能调用异步信号安全的函数（signal-safety(7)）。别的线程当时也许正持有分配器的锁，那就再没有人释放它了。"
    );
    check("exec", rule, || {
        for_each(Number::ALL, Number::described, |number| {
            let mut calls = 0;
            let started = in_child(|| {
                let (file, another) = (file()?, unnamed_file(b"another")?);
                let wanted = number.of(&file, &another)?;
                let mut command = Command::new("true");
                hand_down(&mut command, &file, wanted)?;
                let (status, calls) = allocator_calls_of_children(|| command.status())?;
                status.map(|_| calls)
            });
            // Where no program is started, other checks say so.
            if !knows_the_basics(started.map(|seen| calls = seen))? {
                return Ok(());
            }
            ensure(calls == 0, || {
                Failure::new(
                    text!("the child allocates nothing before execve(2)", "子进程在 execve(2) 之前不分配内存"),
                    text!(
                        "it calls the allocator {calls} times, to allocate or to free",
                        "它调用了 {calls} 次分配器（分配或释放）"
                    ),
                )
            })
        })?;
        what_another_thread_has_locked_hinders_nobody()
    });
}

/// Another thread may be in the middle of `hand_down`, for another command, when a program is started: at each of its
/// allocations, say. What it has locked then stays locked in that child; and so do the standard streams, which a third
/// thread has locked.
fn what_another_thread_has_locked_hinders_nobody() -> Result<(), Failure> {
    let started = in_child(|| {
        let (file, another) = (file()?, unnamed_file(b"another")?);
        let mut command = Command::new("true");
        hand_down(&mut command, &file, FAR)?;
        let mut started = command.status().map(drop);
        let (locked, wait) = (std::sync::Barrier::new(2), std::sync::Barrier::new(2));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let _streams = (io::stdin().lock(), io::stdout().lock(), io::stderr().lock());
                locked.wait();
                wait.wait();
            });
            locked.wait();
            let mut second = Command::new("true");
            let handed = at_each_allocator_call(
                || hand_down(&mut second, &another, FAR + 1),
                || started = command.status().map(drop),
            );
            wait.wait();
            handed
        })?;
        started
    });
    started.map_err(|failure| {
        failure.given(text!(
            "a program that is started while another thread is in the middle of `hand_down` for another command, and a third \
             one has locked stdin, stdout and stderr",
            "启动程序时，另一个线程正在为另一个命令执行 `hand_down`，还有一个线程锁着 stdin、stdout 和 stderr"
        ))
    })
}
