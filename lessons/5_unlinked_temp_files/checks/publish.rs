use super::*;

const NAME: &str = "report";
const OTHER: &str = "another file";

/// A directory with another file in it, in a file system that supports O_TMPFILE.
fn directory() -> Result<TempDir, Failure> {
    let directory = tempfile::tempdir()?;
    let directory = match o_tmpfile(directory.path()) {
        Err(Errno::EOPNOTSUPP | Errno::EISDIR) => tempfile::tempdir_in("/dev/shm")?,
        _ => directory,
    };
    fs::write(directory.path().join(OTHER), "as it was")?;
    Ok(directory)
}

/// Writes the bytes in two chunks, so that there is a moment at which only half of them are there.
fn fill_with(file: &File, bytes: &[u8]) -> io::Result<()> {
    let (first, second) = bytes.split_at(bytes.len() / 2);
    file.write_all_at(first, 0)?;
    file.write_all_at(second, first.len() as u64)
}

/// Names the belief that an error of linkat(2) shows. A bare name has an ENOENT of another cause.
fn with_belief(failure: Failure) -> Failure {
    match &failure.happened.en {
        text if text.contains("ENOENT") => failure.shows(&belief::ANY_FILE_CAN_BE_NAMED),
        text if text.contains("EXDEV") => failure.shows(&belief::A_PROC_LINK_IS_THE_FILE),
        _ => failure,
    }
}

fn permissions(path: &Path) -> io::Result<u32> {
    Ok(path.symlink_metadata()?.permissions().mode() & 0o7777)
}

#[test]
fn the_file_has_these_bytes_and_permissions() {
    let rule = text!(
        "open(2): the mode of a new file loses the bits of the umask. open(2), O_TMPFILE, with linkat(2) gives \
         it a name.",
        "open(2)：新文件的权限会去掉 umask 中的位。O_TMPFILE 的文件由 linkat(2) 得到名字（见 open(2)）。"
    );
    check("three_ways", rule, || {
        let bytes = pattern(page_size() + 7);
        let modes = [(0o600, 0o022, false), (0o644, 0o077, false), (0o666, 0o022, true), (0o440, 0o777, true)];
        let describe = |(mode, mask, bare): &(u32, u32, bool)| {
            let path = if *bare { NAME } else { "/.../report" };
            text!("mode {mode:o} with umask {mask:03o}, path {path}", "权限 {mode:o}，umask 为 {mask:03o}，路径 {path}")
        };
        for_each(modes, describe, |&(mode, mask, bare)| {
            let directory = directory()?;
            let path = directory.path().join(NAME);
            let answer = ask(|| {
                umask(Mode::from_bits_truncate(mask));
                // With a directory in the path the current directory may be any, even one in which no file can be
                // created.
                std::env::set_current_dir(if bare { directory.path() } else { Path::new("/proc") }).map_err(named)?;
                let path = if bare { Path::new(NAME) } else { &path };
                publish(path, mode, |file| fill_with(file, &bytes)).map_err(named)
            })?;
            let believed = |failure| if bare { failure } else { with_belief(failure) };
            expect_ok(&answer).map_err(believed)?;
            let found = fs::read(&path).map_err(|error| {
                Failure::new(
                    text!("the file is there", "文件已经在那里"),
                    text!("reading it: {error}", "读取它时：{error}"),
                )
            })?;
            ensure(found == bytes, || {
                let (found, wanted) = (found.len(), bytes.len());
                Failure::new(
                    text!("the {wanted} bytes that `fill` wrote", "`fill` 写入的 {wanted} 个字节"),
                    text!("{found} bytes, or other ones", "读到 {found} 个字节，或者内容不同"),
                )
            })?;
            let found = permissions(&path)?;
            ensure(found == mode, || {
                Failure::new(
                    text!("permissions {mode:o}", "权限为 {mode:o}"),
                    text!("permissions {found:o}", "权限为 {found:o}"),
                )
                .shows(&belief::OPEN_SETS_THE_MODE)
            })?;
            let left = names_in(directory.path())?;
            ensure(left == [OTHER, NAME], || {
                Failure::new(
                    text!("only the new file is new in the directory", "目录里只多出这一个新文件"),
                    text!("the directory lists {left:?}", "目录里有 {left:?}"),
                )
            })
        })
    });
}

#[test]
fn it_has_no_name_while_it_is_filled() {
    let rule = text!(
        "open(2), O_TMPFILE: an unnamed inode. A name, however odd, is found by every process that lists the \
         directory.",
        "open(2) 的 O_TMPFILE：创建没有名字的 inode；只要有名字，再怪的名字，列一下目录就能看到。"
    );
    check("three_ways", rule, || {
        let directory = directory()?;
        let device = directory.path().metadata()?.dev();
        let seen = ask(|| {
            let mut seen = None;
            let answer = publish(&directory.path().join(NAME), 0o600, |file| {
                let metadata = file.metadata()?;
                seen = Some((metadata.nlink(), names_in(directory.path())?, metadata.dev() == device, metadata.len()));
                // It is open for both: what is written can be read.
                fill_with(file, b"both")?;
                file.read_exact_at(&mut [0; 4], 0)
            });
            (answer.map_err(named), seen)
        })?;
        let (answer, seen) = seen;
        if seen.is_some() {
            expect_ok(&answer).map_err(with_belief)?;
        }
        let Some((links, listed, same_device, length)) = seen else {
            let failure = Failure::new(text!("`fill` is called", "调用 `fill`"), answered(&answer));
            return Err(with_belief(failure));
        };
        ensure(same_device && length == 0, || {
            Failure::new(
                text!(
                    "`fill` gets an empty file of the directory's file system",
                    "`fill` 得到的是该目录所在文件系统中的空文件"
                ),
                text!("it gets another one", "它得到的不是这样的文件"),
            )
        })?;
        ensure(links == 0 && listed == [OTHER], || {
            Failure::new(
                text!("the file has no name while it is filled", "填写期间文件没有名字"),
                text!("it has {links}, and the directory lists {listed:?}", "它有 {links} 个名字，目录里有 {listed:?}"),
            )
            .shows(&belief::AN_ODD_NAME_IS_NONE)
        })
    });
}

#[test]
fn a_name_that_is_taken_stays_as_it_is() {
    let rule = text!(
        "linkat(2): EEXIST when the name exists, and it is never overwritten. rename(2) replaces what is there.",
        "linkat(2)：名字已存在时返回 EEXIST，绝不覆盖；rename(2) 则会替换原有的文件。"
    );
    check("three_ways", rule, || {
        let cases = ["a file", "a directory", "a symbolic link that leads nowhere", "an error of fill"];
        let describe = |case: &&str| match *case {
            "a file" => text!("the path is that of a file", "该路径已是一个文件"),
            "a directory" => text!("the path is that of a directory", "该路径已是一个目录"),
            "an error of fill" => text!("`fill` fails", "`fill` 失败"),
            _ => text!("the path is that of a symbolic link that leads nowhere", "该路径是一个悬空的符号链接"),
        };
        for_each(cases, describe, |case| {
            let directory = directory()?;
            let path = directory.path().join(NAME);
            match *case {
                "a file" => fs::write(&path, "taken")?,
                "a directory" => fs::create_dir(&path)?,
                "an error of fill" => {}
                _ => std::os::unix::fs::symlink(directory.path().join("nowhere"), &path)?,
            }
            let state = || -> io::Result<_> {
                let kind = path.symlink_metadata().ok().map(|metadata| (metadata.file_type(), metadata.ino()));
                Ok((names_in(directory.path())?, kind, fs::read(&path).ok()))
            };
            let before = state()?;
            let fails = *case == "an error of fill";
            let answer = ask(|| {
                publish(&path, 0o600, |file| {
                    fill_with(file, b"half of it")?;
                    if fails { Err(Errno::EDOM.into()) } else { Ok(()) }
                })
                .map_err(named)
            })?;
            expect_error(&answer, if fails { "EDOM" } else { "AlreadyExists" }).map_err(with_belief)?;
            ensure(state()? == before, || {
                let left = names_in(directory.path()).unwrap_or_default();
                Failure::new(
                    text!("the directory is as it was", "目录保持原样"),
                    text!("something has changed; it lists {left:?}", "有东西被改动了；现在有 {left:?}"),
                )
            })
        })
    });
}

#[test]
fn killed_at_any_moment_it_leaves_nothing_half_done() {
    let rule = text!(
        "signal(7): SIGKILL can't be caught, so the process can't clean up. A file without a name disappears with its \
         process.",
        "signal(7)：SIGKILL 无法捕获，没有机会清理。没有名字的文件会随进程一起消失。"
    );
    check("killed", rule, || {
        let bytes = pattern(page_size() + 7);
        for n in 0..300 {
            let directory = directory()?;
            let path = directory.path().join(NAME);
            let killed = killed_before_call(
                n,
                || {
                    umask(Mode::empty());
                    Ok(())
                },
                |()| publish(&path, 0o644, |file| fill_with(file, &bytes)).map_err(named),
            )
            .map_err(with_belief)?;
            let moment = || match killed {
                Some(call) => {
                    let name = call_name(call.number);
                    text!("killed before system call number {n}, {name}", "在第 {n} 个系统调用（{name}）之前被杀死")
                }
                None => text!("not killed", "没有被杀死"),
            };
            let left = names_in(directory.path())?;
            ensure(left == [OTHER] || left == [OTHER, NAME], || {
                Failure::new(
                    text!(
                        "what was there before, and the complete file or nothing",
                        "原有的内容，外加完整的新文件，或者什么都不多"
                    ),
                    text!("the directory lists {left:?}", "目录里有 {left:?}"),
                )
                .given(moment())
                .shows(&belief::AN_ODD_NAME_IS_NONE)
            })?;
            if left.len() == 2 {
                let (mode, found) = (permissions(&path)?, fs::read(&path)?);
                ensure(mode == 0o644 && found == bytes, || {
                    let size = found.len();
                    Failure::new(
                        text!(
                            "{} bytes with permissions 644, or no file",
                            "{} 字节、权限 644 的文件，或者没有文件",
                            bytes.len()
                        ),
                        text!(
                            "a file of {size} bytes with permissions {mode:o}",
                            "一个 {size} 字节、权限 {mode:o} 的文件"
                        ),
                    )
                    .given(moment())
                    .shows(&belief::A_MOMENT_IS_NO_TIME)
                })?;
            }
            if killed.is_none() {
                return ensure(left.len() == 2, || {
                    Failure::new(text!("the file is there", "文件已经在那里"), text!("it is not", "它不在"))
                });
            }
        }
        Err(too_many_calls())
    });
}

/// The name of a call that an answer is likely to make, or the number of any other.
fn call_name(number: i64) -> String {
    // Newer architectures never had the older calls.
    #[cfg(target_arch = "x86_64")]
    let older = [
        (libc::SYS_open, "open(2)"),
        (libc::SYS_link, "link(2)"),
        (libc::SYS_rename, "rename(2)"),
        (libc::SYS_unlink, "unlink(2)"),
        (libc::SYS_chmod, "chmod(2)"),
    ];
    #[cfg(not(target_arch = "x86_64"))]
    let older = [];
    let known = [
        (libc::SYS_openat, "openat(2)"),
        (libc::SYS_linkat, "linkat(2)"),
        (libc::SYS_renameat2, "renameat2(2)"),
        (libc::SYS_unlinkat, "unlinkat(2)"),
        (libc::SYS_fchmod, "fchmod(2)"),
        (libc::SYS_fsync, "fsync(2)"),
        (libc::SYS_fdatasync, "fdatasync(2)"),
        (libc::SYS_close, "close(2)"),
        (libc::SYS_pwrite64, "pwrite64(2)"),
        (libc::SYS_write, "write(2)"),
        (libc::SYS_fcntl, "fcntl(2)"),
        (libc::SYS_statx, "statx(2)"),
    ];
    let known = known.iter().chain(&older).find(|(known, _)| *known == number);
    known.map_or_else(|| format!("number {number}"), |(_, name)| (*name).to_owned())
}

#[test]
fn the_bytes_and_then_the_name_are_on_the_disk() {
    let rule = text!(
        "fsync(2): calling it does not ensure that the entry in the directory has reached the disk as well; for that \
         an explicit fsync() on a descriptor of the directory is needed.",
        "fsync(2)：对文件调用它，并不保证目录项也已落盘；为此需要对目录的描述符另行 fsync()。"
    );
    check("1:replace", rule, || {
        let directory = directory()?;
        let path = directory.path().join(NAME);
        let calls =
            calls_of(|| Ok(()), |()| publish(&path, 0o600, |file| fill_with(file, b"to the disk")).map_err(named))
                .map_err(with_belief)?;
        let at = |wanted: &[i64]| calls.iter().position(|call| call.answer >= 0 && wanted.contains(&call.number));
        let naming = at(&naming_calls()).ok_or_else(|| {
            Failure::new(
                text!("a call that gives the file its name", "有一个系统调用给文件一个名字"),
                text!("there is no linkat(2)", "没有调用 linkat(2)"),
            )
        })?;
        let (before, after) = calls.split_at(naming);
        let written = before.iter().rposition(|call| call.number == libc::SYS_pwrite64).unwrap_or(0);
        let file_synced =
            before[written..].iter().any(|call| is_sync(call) && !is_a_directories(&calls, call.arguments[0]));
        ensure(file_synced, || {
            Failure::new(
                text!(
                    "fsync(2) of the file between its last byte and its name",
                    "在写完最后一个字节之后、得到名字之前，对文件 fsync(2)"
                ),
                text!("there is none", "没有"),
            )
            .shows(&belief::A_NAME_IS_DURABLE)
        })?;
        let directory_synced = after.iter().any(|call| is_sync(call) && is_a_directories(&calls, call.arguments[0]));
        ensure(directory_synced, || {
            Failure::new(
                text!("fsync(2) of the directory after the file has its name", "得到名字之后，对目录 fsync(2)"),
                text!("there is none", "没有"),
            )
            .shows(&belief::A_NAME_IS_DURABLE)
        })
    });
}

fn naming_calls() -> Vec<i64> {
    let mut calls = vec![libc::SYS_linkat, libc::SYS_renameat2];
    // Other architectures never had the older calls.
    #[cfg(target_arch = "x86_64")]
    calls.extend([libc::SYS_link, libc::SYS_rename]);
    calls.sort_unstable();
    calls
}

fn is_sync(call: &Call) -> bool {
    call.answer == 0 && (call.number == libc::SYS_fsync || call.number == libc::SYS_fdatasync)
}

/// Whether the descriptor was last opened for reading only: the file that is filled is open for writing.
fn is_a_directories(calls: &[Call], descriptor: u64) -> bool {
    let opened = calls.iter().rev().find(|call| {
        call.number == libc::SYS_openat && u64::try_from(call.answer).is_ok_and(|answer| answer == descriptor)
    });
    opened.is_some_and(|call| {
        let writes = u64::from((OFlag::O_WRONLY | OFlag::O_RDWR).bits().cast_unsigned());
        call.arguments[2] & writes == 0
    })
}
