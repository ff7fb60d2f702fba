use super::*;

const NAME: &str = "report";
const OTHER: &str = "another file";

/// A file system of memory, which is most likely another one than that of the temporary files.
const MEMORY: &str = "/dev/shm";

/// A directory with another file in it, in a file system that supports O_TMPFILE.
fn directory() -> Result<TempDir, Failure> {
    let directory = tempfile::tempdir()?;
    let directory = match o_tmpfile(directory.path()) {
        Err(Errno::EOPNOTSUPP | Errno::EISDIR) => tempfile::tempdir_in(MEMORY)?,
        _ => directory,
    };
    with_another_file(directory)
}

fn with_another_file(directory: TempDir) -> Result<TempDir, Failure> {
    fs::write(directory.path().join(OTHER), "as it was")?;
    Ok(directory)
}

/// The names in a directory, as the feedback has them.
fn listed(directory: &Path) -> io::Result<String> {
    Ok(names_in(directory)?.join(", "))
}

/// Writes the bytes in two chunks, so that there is a moment at which only half of them are there; the second one first,
/// which O_APPEND in open(2) would put at the beginning.
fn fill_with(file: &File, bytes: &[u8]) -> io::Result<()> {
    let (first, second) = bytes.split_at(bytes.len() / 2);
    file.write_all_at(second, first.len() as u64)?;
    file.write_all_at(first, 0)
}

/// An error, where the file should have got its name.
fn not_named(given: Given, failure: Failure) -> Failure {
    if given.is_plain() { with_belief(failure) } else { given.overlooked(failure) }
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

/// A file is named where it is.
fn in_another_file_system(failure: Failure) -> Failure {
    failure.breaks(
        "naming",
        text!(
            "linkat(2), EXDEV: a name and its file are in the same file system, so the file begins in the one of `path`'s \
             directory.",
            "linkat(2) 的 EXDEV：名字和文件必须在同一个文件系统中，所以一开始就要在 `path` 的目录所在的文件系统里建文件。"
        ),
    )
}

/// Everything of the file is on the disk when it gets its name.
fn named_too_early(failure: Failure) -> Failure {
    failure.breaks(
        "naming",
        text!(
            "fsync(2) of the file puts its bytes and its permissions on the disk, or returns an error. The name comes after \
             that: from then on, also after a power cut, everybody finds the file.",
            "对文件的 fsync(2) 把数据和权限写到磁盘上，写不成就返回错误。名字要在它成功之后才给：从那一刻起，哪怕断电之后，谁都能找到这个文件。"
        ),
    )
}

/// The name is on the disk when the directory is.
fn name_not_on_the_disk(failure: Failure) -> Failure {
    failure.breaks("naming", the_name_is_in_the_directory())
}

fn the_name_is_in_the_directory() -> Text {
    text!(
        "fsync(2): calling it does not ensure that the entry in the directory has reached the disk as well; for that \
         an explicit fsync() on a descriptor of the directory is needed, and its error is an error of `publish`.",
        "fsync(2)：对文件调用它，并不保证目录项也已落盘；为此需要对目录的描述符另行 fsync()，它出错也就是 `publish` 出错。"
    )
}

fn no_name_is_taken_away() -> Text {
    text!(
        "linkat(2): EEXIST when the name exists, be it that of a directory or of a symbolic link; nothing is overwritten. \
         rename(2) replaces what is there.",
        "linkat(2)：名字已存在时返回 EEXIST，哪怕那是目录或符号链接，绝不覆盖；rename(2) 则会替换原有的文件。"
    )
}

/// What a call returns, it returns for a reason.
fn error_is_lost(failure: Failure) -> Failure {
    failure.breaks(
        "naming",
        text!(
            "An error goes to the caller as it came, with its errno. A file without a name needs no cleaning up: it goes \
             with its last descriptor.",
            "出了错，就把错误连同 errno 原样交给调用者。没有名字的文件不用清理：最后一个描述符一关，它就没了。"
        ),
    )
}

/// How the path is given.
#[derive(Clone, Copy, PartialEq)]
enum Given {
    Whole,
    Bare,
    Relative,
    /// Its bytes are not UTF-8.
    OddBytes,
    /// In another file system than that of the temporary files.
    InMemory,
    /// Its directory is a symbolic link to the directory.
    ThroughALink,
    /// After a symbolic link to a directory, `..` is what that directory is in.
    UpFromALink,
    /// In a file system of memory, where no name may be longer. A space, a dash and a newline are bytes like any other.
    LongName,
}

impl Given {
    /// Whether `fill` sets other permissions.
    fn sets_permissions(self) -> bool {
        matches!(self, Given::Relative | Given::InMemory)
    }

    /// Whether no mistake about the path is likelier than one about the file: with the others errors have other causes.
    fn is_plain(self) -> bool {
        matches!(self, Given::Whole | Given::OddBytes | Given::ThroughALink)
    }

    /// Names what a mistake about this path has overlooked.
    fn overlooked(self, failure: Failure) -> Failure {
        let rule = match self {
            Given::Whole => return failure,
            Given::InMemory => return in_another_file_system(failure),
            Given::Bare => text!(
                "A bare file name is one in the current directory, `.`, whatever PWD says. Path::parent gives the empty path for it, \
                 which no call finds (ENOENT).",
                "光有文件名的路径，指的是当前目录 `.` 中的文件，与变量 PWD 无关；Path::parent 对它给出的是空路径，哪个系统调用都找不到（ENOENT）。"
            ),
            Given::Relative => text!(
                "path_resolution(7): a relative path begins at the current directory of the process. The kernel knows it; a \
                 variable such as PWD may name another one.",
                "path_resolution(7)：相对路径从进程的当前目录开始。当前目录在哪里，内核知道；PWD 之类的变量说的可能是别处。"
            ),
            Given::OddBytes | Given::LongName => text!(
                "path_resolution(7): a name is up to 255 bytes, any but 0 and `/`. It need not be text in UTF-8.",
                "path_resolution(7)：文件名最多 255 字节，除了 0 和 `/`，什么字节都可以，不必是 UTF-8 文本。"
            ),
            Given::ThroughALink | Given::UpFromALink => text!(
                "path_resolution(7): the kernel goes to where a symbolic link leads, and `..` is the directory above that. \
                 Whoever shortens the path as a text ends up elsewhere.",
                "path_resolution(7)：遇到符号链接，内核会走到它指向的地方，`..` 是那里的上一级。把路径当文本化简，就会走到别处。"
            ),
        };
        failure.breaks("naming", rule)
    }

    fn described(self) -> Text {
        match self {
            Given::Whole => text!("path /.../report", "路径 /.../report"),
            Given::Bare => text!("path report", "路径 report"),
            Given::Relative => text!("path ../report, `fill` sets 0641", "路径 ../report，`fill` 把权限设为 0641"),
            Given::OddBytes => text!(
                "path /.../report\\xff (the last byte is not UTF-8)",
                "路径 /.../report\\xff（最后一个字节不是 UTF-8）"
            ),
            Given::ThroughALink => text!(
                "path /.../link/report, where link is a symbolic link to a directory",
                "路径 /.../link/report，其中 link 是指向目录的符号链接"
            ),
            Given::UpFromALink => text!(
                "path /.../link/../report, where link is a symbolic link to a directory: `..` is the directory above that one",
                "路径 /.../link/../report，其中 link 是指向目录的符号链接：`..` 是那个目录的上一级"
            ),
            Given::LongName => text!(
                "in {MEMORY}/... a name of 255 bytes, which begins with a space and a dash, and ends with a newline",
                "{MEMORY}/... 中 255 字节的文件名，以空格和短横线开头，以换行符结尾"
            ),
            Given::InMemory => {
                text!("path {MEMORY}/.../report, `fill` sets 0641", "路径 {MEMORY}/.../report，`fill` 把权限设为 0641")
            }
        }
    }
}

/// A directory with another file in it, and the path of a file that is to be in it.
struct Place {
    given: Given,
    directory: TempDir,
    /// A directory in it.
    inner: PathBuf,
    /// A directory with a symbolic link, `link`.
    link: TempDir,
    name: OsString,
}

impl Place {
    fn new(given: Given) -> Result<Place, Failure> {
        let directory = match given {
            Given::InMemory | Given::LongName => with_another_file(tempfile::tempdir_in(MEMORY)?)?,
            _ => directory()?,
        };
        let name = OsString::from_vec(match given {
            Given::OddBytes => b"report\xff".to_vec(),
            Given::LongName => format!(" -{}\n", "n".repeat(252)).into_bytes(),
            _ => NAME.into(),
        });
        let inner = directory.path().join("inner");
        fs::create_dir(&inner)?;
        let link = tempfile::tempdir()?;
        let target = if given == Given::UpFromALink { &inner } else { directory.path() };
        std::os::unix::fs::symlink(target, link.path().join("link"))?;
        Ok(Place { given, directory, inner, link, name })
    }

    /// The path that can be used from everywhere.
    fn whole(&self) -> PathBuf {
        self.directory.path().join(&self.name)
    }

    /// The path that is given.
    fn path(&self) -> PathBuf {
        match self.given {
            Given::Bare => self.name.clone().into(),
            Given::Relative => Path::new("..").join(&self.name),
            Given::ThroughALink => self.link.path().join("link").join(&self.name),
            Given::UpFromALink => self.link.path().join("link/..").join(&self.name),
            _ => self.whole(),
        }
    }

    /// Goes to the directory for which the path is meant. With a directory in the path that may be any, even one in which
    /// no file can be created.
    fn go(&self) {
        // A shell's variable, which says nothing about this process.
        // SAFETY: this process has one thread: it was forked for this call.
        unsafe { std::env::set_var("PWD", &self.inner) };
        let current = match self.given {
            Given::Bare => self.directory.path(),
            Given::Relative => &self.inner,
            _ => Path::new("/proc"),
        };
        std::env::set_current_dir(current).expect("a directory");
    }

    fn fill(&self, file: &File, bytes: &[u8]) -> io::Result<()> {
        if self.given.sets_permissions() {
            file.set_permissions(fs::Permissions::from_mode(0o641))?;
        }
        fill_with(file, bytes)
    }
}

#[test]
fn the_file_has_these_bytes_and_permissions() {
    let rule = text!(
        "open(2), O_TMPFILE: linkat(2) gives such a file a name, through /proc/self/fd/N with AT_SYMLINK_FOLLOW. Before \
         that, fchmod(2) sets its permissions: what open(2) is given loses the bits of the umask.",
        "open(2) 的 O_TMPFILE：这样的文件由 linkat(2) 得到名字，路径是 /proc/self/fd/N，要带 AT_SYMLINK_FOLLOW。权限在此之前用 fchmod(2) 设好：传给 open(2) 的权限会去掉 umask 中的位。"
    );
    check("naming", rule, || {
        let bytes = pattern(page_size() + 7);
        let cases = [
            (0o600, 0o022, Given::Whole),
            (0o644, 0o077, Given::Whole),
            (0o666, 0o022, Given::Bare),
            (0o440, 0o777, Given::Bare),
            (0o4751, 0o022, Given::Relative),
            // What open(2) may have set before `fill` sets 0641.
            (0o600, 0o022, Given::Relative),
            (0o644, 0o022, Given::InMemory),
            (0o3770, 0, Given::OddBytes),
            (0, 0o027, Given::InMemory),
            (0o640, 0o022, Given::ThroughALink),
            (0o640, 0o022, Given::UpFromALink),
            (0o640, 0o022, Given::LongName),
        ];
        let describe = |(mode, mask, given): &(u32, u32, Given)| {
            let Text { en, zh } = given.described();
            text!("mode {mode:04o} with umask {mask:03o}, {en}", "权限 {mode:04o}，umask 为 {mask:03o}，{zh}")
        };
        for_each(cases, describe, |&(mode, mask, given)| {
            let place = Place::new(given)?;
            let (path, directory) = (place.whole(), &place.directory);
            let (answer, before, after) = ask(|| {
                umask(Mode::from_bits_truncate(mask));
                place.go();
                let before = open_descriptors().unwrap_or_default();
                let answer = publish(&place.path(), mode, |file| place.fill(file, &bytes));
                (answer.map_err(named), before, open_descriptors().unwrap_or_default())
            })
            .map_err(|failure| given.overlooked(failure))?;
            fs::remove_dir_all(&place.inner)?;
            expect_ok(&answer).map_err(|failure| not_named(given, failure))?;
            let found = permissions(&path).map_err(|error| {
                let happened = text!("it is not: {error}", "它不在：{error}");
                given.overlooked(Failure::new(text!("the file is there", "文件已经在那里"), happened))
            })?;
            ensure(found == mode, || {
                let failure = Failure::new(
                    text!("permissions {mode:04o}", "权限为 {mode:04o}"),
                    text!("permissions {found:04o}", "权限为 {found:04o}"),
                );
                if found == mode & !mask && mode & mask != 0 {
                    failure.shows(&belief::OPEN_SETS_THE_MODE)
                } else if found == mode & 0o777 {
                    all_of_its_bits(failure)
                } else {
                    failure
                }
            })?;
            // Its owner may not be allowed to read it.
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
            no_difference(text!("the file", "文件"), difference(&fs::read(&path)?, &bytes))?;
            let left = fs::read_dir(directory.path())?.count();
            ensure(left == 2, || {
                let left = listed(directory.path()).unwrap_or_default();
                Failure::new(
                    text!("only the new file is new in the directory", "目录里只多出这一个新文件"),
                    text!("the directory lists: {left}", "目录里有：{left}"),
                )
            })?;
            expect_none_left_open(before, after)
        })?;
        an_error_of_the_permissions_is_passed_on()?;
        for_each(
            [Given::Whole, Given::Bare, Given::Relative],
            |given| given.described(),
            |given| the_process_is_as_before(&Place::new(*given)?),
        )?;
        let directory = directory()?;
        needs_no_privilege(|| publish(&directory.path().join(NAME), 0o644, |file| fill_with(file, &bytes)))
    });
}

/// The upper three bits are gone, whatever the umask.
fn all_of_its_bits(failure: Failure) -> Failure {
    failure.breaks(
        "naming",
        text!(
            "inode(7): a mode has 12 bits, above the nine of rwxrwxrwx setuid (4000), setgid (2000) and sticky (1000). Who takes \
             the lower nine (0777) loses these three.",
            "inode(7)：权限有 12 位，rwxrwxrwx 这九位之上还有 setuid（4000）、setgid（2000）和 sticky（1000）。只取低九位（0777），就丢掉了这三位。"
        ),
    )
}

/// Whether it makes one of these calls. What it never calls can't fail.
fn makes_a_call(calls: &[i64]) -> Result<bool, Failure> {
    let directory = directory()?;
    let answer = ask_refused_once(calls, 0, Errno::EIO, || {
        publish(&directory.path().join(NAME), 0o660, |file| fill_with(file, b"bytes")).map_err(named)
    })?;
    Ok(answer.is_some())
}

fn an_error_of_the_permissions_is_passed_on() -> Result<(), Failure> {
    if !makes_a_call(&permission_calls())? {
        return Ok(());
    }
    let directory = directory()?;
    let (answer, before, after) = ask_refused(&permission_calls(), On::Everything, Errno::EIO, || {
        let before = open_descriptors().unwrap_or_default();
        // The umask leaves a bit out, so it takes a call to set it.
        umask(Mode::S_IWGRP);
        let answer = publish(&directory.path().join(NAME), 0o660, |file| fill_with(file, b"half of it"));
        (answer.map_err(named), before, open_descriptors().unwrap_or_default())
    })?;
    expect_error(&answer, "EIO")
        .map_err(error_is_lost)
        .and_then(|()| expect_none_left_open(before, after))
        .and_then(|()| expect_no_name(&directory))
        .map_err(|failure| failure.given(text!("fchmod(2) fails with EIO", "fchmod(2) 失败，返回 EIO")))
}

/// After an error before the name.
fn expect_no_name(directory: &TempDir) -> Result<(), Failure> {
    ensure(names_in(directory.path())? == [OTHER], || {
        let left = listed(directory.path()).unwrap_or_default();
        error_is_lost(Failure::new(
            text!("the directory is as it was", "目录保持原样"),
            text!("it lists: {left}", "现在有：{left}"),
        ))
    })
}

fn the_process_is_as_before(place: &Place) -> Result<(), Failure> {
    let (_, calls) = watched_at(place)?;
    let of_the_process = [libc::SYS_umask, libc::SYS_chdir, libc::SYS_fchdir];
    let changes_the_process = calls.iter().find(|seen| of_the_process.contains(&seen.call.number));
    changes_the_process.map_or(Ok(()), |seen| {
        let Text { en, zh } = call_name(seen.call.number);
        Err(Failure::new(
            text!("neither the umask nor the current directory changes", "umask 和当前目录都不变"),
            text!(
                "it calls {en}, which changes it for all threads of the process",
                "它调用了 {zh}，整个进程的所有线程都受影响"
            ),
        )
        .breaks(
            "naming",
            text!(
                "umask(2), chdir(2): both settings are of the process, with all its threads. fchmod(2) needs no umask, and a \
                 path needs no other current directory.",
                "umask(2)、chdir(2)：两者都是整个进程的设置，所有线程共用。要设权限，用 fchmod(2)，不必动 umask；要用路径，也不必换当前目录。"
            ),
        ))
    })
}

/// The answer, and the calls that it takes.
fn watched_at(place: &Place) -> Result<(Result<(), String>, Vec<FileCall>), Failure> {
    let act = || {
        place.go();
        publish(&place.path(), 0o600, |file| place.fill(file, b"to the disk")).map_err(named)
    };
    let watched = watch(act, |_| false)?;
    // The first change of the current directory is the check's own.
    let own = watched.calls.iter().position(|seen| seen.call.number == libc::SYS_chdir);
    let calls = watched.calls.into_iter().skip(own.map_or(0, |own| own + 1)).collect();
    Ok((watched.answer, calls))
}

#[test]
fn it_has_no_name_while_it_is_filled() {
    let rule = text!(
        "open(2), O_TMPFILE: an unnamed inode. A name, however odd, is found by every process that lists the \
         directory.",
        "open(2) 的 O_TMPFILE：创建没有名字的 inode；只要有名字，再怪的名字，列一下目录就能看到。"
    );
    check("three_ways", rule, || {
        let describe = |directory: &TempDir| {
            let directory = directory.path().display();
            text!("a file in {directory}", "{directory} 中的文件")
        };
        // Most likely in two file systems.
        let directories = [directory()?, with_another_file(tempfile::tempdir_in(MEMORY)?)?];
        for_each(directories, describe, it_has_no_name_in)?;
        each_goes_to_its_directory()
    });
}

/// Three files in one process: the second one has a name that is taken, and the third one is for another file system, in
/// most cases. Then one in a process that this one forks.
fn each_goes_to_its_directory() -> Result<(), Failure> {
    let directories = [directory()?, with_another_file(tempfile::tempdir_in(MEMORY)?)?];
    let [first, third] = directories.each_ref().map(|directory| directory.path().join(NAME));
    let fourth = directories[0].path().join("of a child");
    let publish_at = |path: &Path| publish(path, 0o600, |file| fill_with(file, path.as_os_str().as_bytes()));
    let (answers, of_a_child) = ask(|| {
        let answers = [&first, &first, &third].map(|path| publish_at(path).map_err(named));
        (answers, ask(|| publish_at(&fourth).map_err(named)))
    })?;
    let given = |failure: Failure| {
        failure.given(text!(
            "three calls in one process: a file, the same path again, and a file in another directory",
            "同一进程中的三次调用：一个文件，同一路径再来一次，另一个目录中的文件"
        ))
    };
    expect_ok(&answers[0])
        .and_then(|()| {
            expect_error(&answers[1], "AlreadyExists")
                .map_err(|failure| failure.breaks("naming", no_name_is_taken_away()))
        })
        .and_then(|()| expect_ok(&answers[2]).map_err(in_another_file_system))
        .map_err(given)?;
    of_a_child.and_then(|answer| expect_ok(&answer)).map_err(|failure| {
        failure.given(text!(
            "a call in a process that was forked from one that has made such calls",
            "某进程调用过几次之后 fork 出子进程，在子进程中再调用"
        ))
    })?;
    for path in [&first, &third, &fourth] {
        let bytes = fs::read(path).unwrap_or_default();
        ensure(bytes == path.as_os_str().as_bytes(), || {
            given(Failure::new(
                text!("each path has the bytes that were written for it", "每个路径都有为它写入的内容"),
                text!("one has others", "有一个内容不对"),
            ))
        })?;
    }
    Ok(())
}

fn it_has_no_name_in(directory: &TempDir) -> Result<(), Failure> {
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
    let Some((links, listed, same_device, length)) = seen else {
        let failure = Failure::new(text!("`fill` is called", "调用 `fill`"), answered(&answer));
        return Err(with_belief(failure));
    };
    ensure(same_device && length == 0, || {
        let failure = Failure::new(
            text!(
                "`fill` gets an empty file of the directory's file system",
                "`fill` 得到的是该目录所在文件系统中的空文件"
            ),
            match same_device {
                true => text!("it gets a file of {length} bytes", "它得到的文件有 {length} 字节"),
                false => text!("it gets a file of another file system", "它得到的文件在另一个文件系统中"),
            },
        );
        if same_device { failure } else { in_another_file_system(failure) }
    })?;
    expect_ok(&answer).map_err(with_belief)?;
    ensure(links == 0 && listed == [OTHER], || {
        let names = listed.join(", ");
        let failure = Failure::new(
            text!("the file has no name while it is filled", "写入期间文件没有名字"),
            text!("st_nlink is {links}, and the directory lists: {names}", "st_nlink 是 {links}，目录里有：{names}"),
        );
        let odd = listed.iter().any(|name| name != OTHER && name != NAME);
        if odd { failure.shows(&belief::AN_ODD_NAME_IS_NONE) } else { failure }
    })
}

#[test]
fn a_name_that_is_taken_stays_as_it_is() {
    check("naming", no_name_is_taken_away(), || {
        let cases = [
            "a file",
            "a directory",
            "a symbolic link that leads nowhere",
            "an error of fill",
            "no directory",
            "an error of the name",
        ];
        let describe = |case: &&str| match *case {
            "a file" => text!("the path is that of a file", "该路径已是一个文件"),
            "a directory" => text!("the path is that of a directory", "该路径已是一个目录"),
            "an error of fill" => text!("`fill` fails with EDOM", "`fill` 失败，返回 EDOM"),
            "no directory" => text!("the directory of the path doesn't exist", "路径所在的目录不存在"),
            "an error of the name" => text!("linkat(2) fails with EIO", "linkat(2) 失败，返回 EIO"),
            _ => text!("the path is that of a symbolic link that leads nowhere", "该路径是一个悬空的符号链接"),
        };
        for_each(cases, describe, |case| {
            let directory = directory()?;
            let path = match *case {
                "no directory" => directory.path().join("missing").join(NAME),
                _ => directory.path().join(NAME),
            };
            match *case {
                "a file" => fs::write(&path, "taken")?,
                "a directory" => fs::create_dir(&path)?,
                "a symbolic link that leads nowhere" => {
                    std::os::unix::fs::symlink(directory.path().join("nowhere"), &path)?;
                }
                _ => {}
            }
            let state = || -> io::Result<_> {
                let kind = path.symlink_metadata().ok().map(|metadata| (metadata.file_type(), metadata.ino()));
                Ok((names_in(directory.path())?, kind, fs::read(&path).ok()))
            };
            let before = state()?;
            if *case == "an error of the name" && !makes_a_call(&[libc::SYS_linkat])? {
                return Ok(());
            }
            let act = || {
                let before = open_descriptors().ok();
                let answer = publish(&path, 0o660, |file| {
                    fill_with(file, b"half of it")?;
                    if *case == "an error of fill" { Err(Errno::EDOM.into()) } else { Ok(()) }
                });
                (answer.map_err(named), before.unwrap_or_default(), open_descriptors().unwrap_or_default())
            };
            let (answer, open_before, open_after) = match *case {
                "an error of the name" => ask_refused(&[libc::SYS_linkat], On::Everything, Errno::EIO, act)?,
                _ => ask(act)?,
            };
            let error = match *case {
                "an error of fill" => "EDOM",
                "no directory" => "NotFound",
                "an error of the name" => "EIO",
                _ => "AlreadyExists",
            };
            expect_error(&answer, error).map_err(|failure| match *case {
                "no directory" => error_is_lost(failure),
                _ if error == "AlreadyExists" => with_belief(failure),
                _ => error_is_lost(with_belief(failure)),
            })?;
            expect_none_left_open(open_before, open_after)?;
            ensure(state()? == before, || {
                let left = listed(directory.path()).unwrap_or_default();
                let failure = Failure::new(
                    text!("the directory is as it was", "目录保持原样"),
                    text!("something has changed; it lists: {left}", "有东西被改动了；现在有：{left}"),
                );
                if error == "AlreadyExists" { failure } else { error_is_lost(failure) }
            })
        })?;
        each_error_of_fill_is_passed_on()
    });
}

/// The kernel reports once what it could not write: a second fsync(2) may succeed, and the bytes are lost all the same.
fn one_failed_sync_is_enough() -> Result<(), Failure> {
    let describe = |nth: &usize| {
        let n = nth + 1;
        text!(
            "only fsync(2) no. {n} of the call fails, with EIO; another one would succeed, though what was to be written is lost",
            "本次调用中只有第 {n} 个 fsync(2) 失败，返回 EIO；再来一次会成功，可该写的内容已经丢了"
        )
    };
    for_each([0, 1], describe, |nth| {
        let directory = directory()?;
        let answer = ask_refused_once(&sync_calls(), *nth, Errno::EIO, || {
            publish(&directory.path().join(NAME), 0o600, |file| fill_with(file, b"to the disk")).map_err(named)
        })?;
        let Some(answer) = answer else { return Ok(()) };
        expect_error(&answer, "EIO")
            .map_err(|failure| if *nth == 0 { named_too_early(failure) } else { name_not_on_the_disk(failure) })?;
        ensure(*nth > 0 || names_in(directory.path())? == [OTHER], named_before_the_sync)
    })
}

/// Which fsync(2) has failed says what the answer lacks: after that of the directory the name may stay.
fn named_before_the_sync() -> Failure {
    named_too_early(Failure::new(
        text!(
            "no name before fsync(2) of the file has succeeded (when that of the directory fails, it may stay)",
            "对文件的 fsync(2) 成功之前，不给名字（失败的若是对目录的 fsync(2)，名字可以留下）"
        ),
        text!(
            "the file has its name, and no fsync(2) of the file had succeeded",
            "文件有了名字，而对它的 fsync(2) 没有成功过"
        ),
    ))
}

/// Also those that calls of `publish` itself return, and one without an errno.
fn each_error_of_fill_is_passed_on() -> Result<(), Failure> {
    let errors = [
        Some(Errno::EINTR),
        Some(Errno::EAGAIN),
        Some(Errno::EEXIST),
        Some(Errno::ENOENT),
        Some(Errno::EOPNOTSUPP),
        Some(Errno::EINVAL),
        Some(Errno::ENOSPC),
        None,
    ];
    let describe = |error: &Option<Errno>| match error {
        Some(error) => text!("`fill` fails with {error:?}", "`fill` 失败，返回 {error:?}"),
        None => {
            text!("`fill` fails with an error of its own, \"not today\"", "`fill` 失败，返回它自己的错误“not today”")
        }
    };
    for_each(errors, describe, |error| {
        let directory = directory()?;
        let of_fill = || error.map_or_else(|| io::Error::other("not today"), io::Error::from);
        let (answer, text) = ask(|| {
            let answer = publish(&directory.path().join(NAME), 0o600, |_| Err(of_fill()));
            let text = answer.as_ref().err().map(ToString::to_string);
            (answer.map_err(named), text)
        })?;
        ensure(text == Some(of_fill().to_string()), || {
            let expected = text!("the error of `fill`, unchanged", "原样返回 `fill` 的错误");
            error_is_lost(Failure::new(expected, answered(&answer)))
        })?;
        expect_no_name(&directory)
    })
}

/// Each time, and so also a second time.
fn no_sync_succeeds() -> Result<(), Failure> {
    let directory = directory()?;
    let (answer, before, after) = ask_refused(&sync_calls(), On::Everything, Errno::EIO, || {
        let before = open_descriptors().unwrap_or_default();
        let answer = publish(&directory.path().join(NAME), 0o600, |file| fill_with(file, b"to the disk"));
        (answer.map_err(named), before, open_descriptors().unwrap_or_default())
    })?;
    expect_error(&answer, "EIO")
        .map_err(|failure| if answer.is_ok() { named_too_early(failure) } else { error_is_lost(with_belief(failure)) })
        .and_then(|()| expect_none_left_open(before, after))
        .and_then(|()| ensure(names_in(directory.path())? == [OTHER], named_before_the_sync))
        .map_err(|failure| failure.given(text!("each fsync(2) fails with EIO", "每次 fsync(2) 都失败，返回 EIO")))
}

fn sync_calls() -> [i64; 3] {
    [libc::SYS_fsync, libc::SYS_fdatasync, libc::SYS_syncfs]
}

/// From `fill` on, only the file itself can be put on the disk: by its descriptor, which `fill` has got.
fn an_error_of_the_directorys_sync_is_passed_on() -> Result<(), Failure> {
    let directory = directory()?;
    let (answer, refused, before, after) = ask(|| {
        let before = open_descriptors().unwrap_or_default();
        // What is opened after `fill` gets their numbers, and not that of the file if it has been closed by then.
        let lower = [(); 4].map(|()| File::open("/dev/null"));
        let mut refused = Ok(());
        let answer = publish(&directory.path().join(NAME), 0o600, |file| {
            drop(lower);
            refused = refuse(&sync_calls(), On::AllBut(file.as_raw_fd()), Errno::EIO).map_err(error_text);
            Ok(())
        });
        (answer.map_err(named), refused, before, open_descriptors().unwrap_or_default())
    })?;
    refused.map_err(no_refusals)?;
    expect_error(&answer, "EIO").and_then(|()| expect_none_left_open(before, after)).map_err(|failure| {
        failure.given(text!("fsync(2) of the directory fails with EIO", "对目录的 fsync(2) 失败，返回 EIO"))
    })
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
        let directory = directory()?;
        let path = directory.path().join(NAME);
        // What a kill would leave is what is there while the process stands still: a file without a name goes with it.
        let look = |_, call: &Call| {
            let moment = || {
                let Text { en, zh } = call_name(call.number);
                text!("killed just before {en}", "在 {zh} 之前的那一刻被杀死")
            };
            let left = names_in(directory.path())?;
            ensure(left == [OTHER] || left == [OTHER, NAME], || {
                let left = left.join(", ");
                Failure::new(
                    text!(
                        "what was there before, and the complete file or nothing",
                        "原有的内容，外加完整的新文件，或者什么都不多"
                    ),
                    text!("the directory lists: {left}", "目录里有：{left}"),
                )
                .given(moment())
                .shows(&belief::AN_ODD_NAME_IS_NONE)
            })?;
            if left.len() == 1 {
                return Ok(());
            }
            let (mode, found) = (permissions(&path)?, fs::read(&path)?);
            ensure(mode == 0o644 && found == bytes, || {
                let size = found.len();
                if mode == 0o644 && size == bytes.len() {
                    let expected =
                        text!("the bytes that `fill` has written, or no file", "`fill` 写入的内容，或者没有文件");
                    return Failure::new(expected, text!("a file with other bytes", "文件的内容不对")).given(moment());
                }
                Failure::new(
                    text!(
                        "{} bytes with permissions 0644, or no file",
                        "{} 字节、权限 0644 的文件，或者没有文件",
                        bytes.len()
                    ),
                    text!(
                        "a file of {size} bytes with permissions {mode:04o}",
                        "一个 {size} 字节、权限 {mode:04o} 的文件"
                    ),
                )
                .given(moment())
                .shows(&belief::A_MOMENT_IS_NO_TIME)
            })
        };
        let prepare = || {
            umask(Mode::empty());
            Ok(())
        };
        let act = |()| publish(&path, 0o644, |file| fill_with(file, &bytes)).map_err(named);
        before_each_of_few(prepare, act, look).map_err(with_belief)?;
        ensure(path.exists(), || {
            Failure::new(text!("the file is there", "文件已经在那里"), text!("it is not", "它不在"))
        })
    });
}

#[test]
fn the_bytes_and_then_the_name_are_on_the_disk() {
    check("naming", the_name_is_in_the_directory(), || {
        let paths = [Given::Whole, Given::Bare, Given::Relative, Given::UpFromALink, Given::InMemory];
        for_each(paths, |given| given.described(), |given| both_are_synced(&Place::new(*given)?))?;
        no_sync_succeeds()?;
        one_failed_sync_is_enough()?;
        an_error_of_the_directorys_sync_is_passed_on()
    });
}

fn both_are_synced(place: &Place) -> Result<(), Failure> {
    let (path, directory) = (place.whole(), &place.directory);
    let (answer, calls) = watched_at(place)?;
    let plain = place.given.is_plain();
    expect_ok(&answer).map_err(|failure| not_named(place.given, failure))?;
    ensure(path.exists(), || {
        let failure = Failure::new(text!("the file is there", "文件已经在那里"), text!("it is not", "它不在"));
        place.given.overlooked(failure)
    })?;
    let [the_file, the_directory] =
        [path.as_path(), directory.path()].map(|path| File::open(path).and_then(|file| FileId::of(&file)));
    let (the_file, the_directory) = (the_file?, the_directory?);
    let naming = calls.iter().position(|seen| seen.call.answer >= 0 && naming_calls().contains(&seen.call.number));
    let naming = naming.ok_or_else(|| {
        Failure::new(
            text!("a call that gives the file its name", "有一个系统调用给文件一个名字"),
            text!("there is no linkat(2)", "没有调用 linkat(2)"),
        )
    })?;
    let (before, after) = calls.split_at(naming);
    // What fsync(2) has to come after: the bytes, and the permissions.
    let last = before.iter().rposition(|seen| changes(&seen.call)).unwrap_or(0);
    let expected = text!(
        "fsync(2) of the file after its last byte and its permissions, and before its name",
        "在写完最后一个字节、设好权限之后，得到名字之前，对文件 fsync(2)"
    );
    missing_sync(before, last, the_file).map_or(Ok(()), |(happened, never)| {
        let never = plain && never && !calls.iter().any(|seen| is_sync(seen, the_file) || is_data_sync(seen, the_file));
        let failure = named_too_early(Failure::new(expected, happened));
        Err(if never { failure.shows(&belief::A_NAME_IS_DURABLE) } else { failure })
    })?;
    let expected = text!("fsync(2) of the directory after the file has its name", "得到名字之后，对目录 fsync(2)");
    missing_sync(after, 0, the_directory).map_or(Ok(()), |(happened, never)| {
        let never = plain && never && !calls.iter().any(|seen| is_sync(seen, the_directory));
        let failure = Failure::new(expected, happened);
        Err(if never { failure.shows(&belief::A_NAME_IS_DURABLE) } else { failure })
    })
}

fn permission_calls() -> Vec<i64> {
    // The last one is fchmodat2(2), which has this number everywhere.
    let mut calls = vec![libc::SYS_fchmod, libc::SYS_fchmodat, 452];
    #[cfg(target_arch = "x86_64")]
    calls.push(libc::SYS_chmod);
    calls.sort_unstable();
    calls
}

/// Whether the call changes bytes or permissions.
fn changes(call: &Call) -> bool {
    let writes = [libc::SYS_write, libc::SYS_pwrite64].contains(&call.number);
    call.answer >= 0 && (writes || permission_calls().contains(&call.number))
}

/// What there is in place of an fsync(2) of the file in the calls from `first` on, and whether that is nothing at all.
fn missing_sync(calls: &[FileCall], first: usize, file: FileId) -> Option<(Text, bool)> {
    if calls[first..].iter().any(|seen| is_sync(seen, file)) {
        return None;
    }
    Some(if calls[first..].iter().any(|seen| is_data_sync(seen, file)) {
        let happened = text!(
            "there is only fdatasync(2), which may leave out what is not needed to read the bytes",
            "只有 fdatasync(2)，它可以略去读取数据时用不到的东西"
        );
        (happened, false)
    } else if calls[..first].iter().any(|seen| is_sync(seen, file) || is_data_sync(seen, file)) {
        (text!("it comes too early", "调用得太早"), false)
    } else {
        (text!("there is none at that time", "这期间没有"), true)
    })
}

fn is_data_sync(seen: &FileCall, file: FileId) -> bool {
    seen.call.answer == 0 && seen.call.number == libc::SYS_fdatasync && seen.names(0, file)
}

/// Whether the call puts all of the file on the disk; a descriptor of any kind will do.
fn is_sync(seen: &FileCall, file: FileId) -> bool {
    let of_the_file = seen.call.number == libc::SYS_fsync && seen.names(0, file);
    let of_all = [libc::SYS_sync, libc::SYS_syncfs].contains(&seen.call.number);
    seen.call.answer == 0 && (of_the_file || of_all)
}

fn naming_calls() -> Vec<i64> {
    let mut calls = vec![libc::SYS_linkat, libc::SYS_renameat2];
    // Other architectures never had the older calls.
    #[cfg(target_arch = "x86_64")]
    calls.extend([libc::SYS_link, libc::SYS_rename]);
    calls.sort_unstable();
    calls
}
