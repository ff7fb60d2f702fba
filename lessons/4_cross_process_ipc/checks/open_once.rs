use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, symlink};

use mmap_workbook::grade::fixtures::{names_in, no_error, open_descriptors};
use mmap_workbook::grade::{On, ask_refused, watch};
use nix::sys::resource::{RLIM_INFINITY, Resource, setrlimit};
use nix::sys::signal::{SigHandler, signal};
use nix::unistd::{Gid, Uid, setgid, setgroups, setuid};

use super::*;

/// What `init` does here: it fills the beginning and the end of the page. Between its stores it makes a system call, so
/// that a traced process can be stopped there.
fn fill(page: &Mapping, letter: u8) {
    let stop = || {
        // SAFETY: getppid(2) has no arguments and does nothing.
        unsafe { libc::syscall(INSIDE_INIT) };
    };
    stop();
    for at in (0..8).chain(page_size() - 8..page_size()) {
        page.store(at, letter);
        if at == 3 {
            stop();
        }
    }
    stop();
}

fn is_filled(bytes: &[u8]) -> bool {
    let letter = bytes.first().copied().unwrap_or(0);
    letter != 0
        && bytes.len() == page_size()
        && bytes[..8].iter().chain(&bytes[page_size() - 8..]).all(|b| *b == letter)
}

fn rule() -> Text {
    text!(
        "link(2) fails with EEXIST where the name is taken, in one step; rename(2) replaces what is there, and open(2) \
         with O_CREAT makes the file visible while it is still empty.",
        "link(2) 在名字已被占用时以 EEXIST 失败，判断和链接是一步完成的；rename(2) 会替换已有的文件；带 O_CREAT 的 open(2) 则让所有人在文件还是空的时候就看到它。"
    )
}

fn shared_rule() -> Text {
    text!(
        "Only a shared mapping of the very file that is at the path, opened for reading and writing, shows others what is \
         stored there.",
        "只有把路径上的那个文件本身以读写方式打开，再共享映射，写入的内容别人才看得到。"
    )
}

fn existing_rule() -> Text {
    text!(
        "A file that is there was complete when it got its name, whatever is in it. open(2) finds it; its mode and its \
         bytes are no longer the creator's business.",
        "文件既然有了名字，就是完整的，不管里面是什么。用 open(2) 打开就好，它的权限和内容都不该再动。"
    )
}

fn size_rule() -> Text {
    text!(
        "A file that is there may be anybody's: look at what you have opened (fstat(2)) before you map it, and refuse it \
         unchanged. An access to a page beyond its end would be SIGBUS.",
        "已有的文件可能是任何人的：打开之后先看大小（fstat(2)）再映射，不符就拒绝，不要改它。访问文件末尾之后的页会导致 SIGBUS。"
    )
}

fn descriptor_rule() -> Text {
    text!(
        "A mapping stays when its descriptor is closed. A File closes it when it is dropped, also on an error and in a \
         panic; a bare descriptor stays open.",
        "关闭描述符之后，映射还在。File 析构时会关闭描述符，出错和 panic 时也一样；裸的描述符则一直开着。"
    )
}

fn removal_rule() -> Text {
    text!(
        "An unfinished file stays until somebody removes it. What removes it when it is dropped, as tempfile's types do, \
         does so on every way out: success, error, panic.",
        "没做完的文件会一直留着，直到有人删除。像 tempfile 的类型那样在丢弃时删除，则无论成功、出错还是 panic，都会删掉。"
    )
}

fn path_rule() -> Text {
    text!(
        "A path is looked up anew by each call, from the working directory on, and through symbolic links. What was there \
         a moment ago may be another file now, or none.",
        "每次调用都会从当前目录出发、沿着符号链接重新查找路径。刚才在那里的，现在可能换成了别的文件，也可能没有了。"
    )
}

fn errno_rule() -> Text {
    text!(
        "Only ENOENT says that there is no file. Any other error goes to the caller, with its errno.",
        "只有 ENOENT 表示没有这个文件。其他错误都要连同 errno 交给调用者。"
    )
}

fn directory_rule() -> Text {
    text!(
        "open(2) for reading and writing fails with EISDIR where the path is a directory. For reading only it succeeds.",
        "路径是目录时，以读写方式 open(2) 会以 EISDIR 失败；以只读方式却会成功。"
    )
}

fn name_rule() -> Text {
    text!(
        "link(2) and rename(2) stay within a file system, so the unfinished file belongs in the same directory, which for a \
         bare name is `.`. A name has at most 255 bytes, of any kind but 0 and `/`.",
        "link(2) 和 rename(2) 都不能跨文件系统，没做完的文件应当放在同一目录里；路径只有文件名时，目录就是 `.`。文件名最多 255 字节，\
         除 0 和 `/` 外可以是任何字节。"
    )
}

fn mode_rule() -> Text {
    text!(
        "A new file has the mode that is passed to open(2), less the bits of the umask. fchmod(2) and chmod(2) take no \
         notice of the umask.",
        "新文件的权限是传给 open(2) 的权限减去 umask 的各位。fchmod(2) 和 chmod(2) 则不理会 umask。"
    )
}

fn process_rule() -> Text {
    text!(
        "The working directory and the umask are the process's: each of its threads feels a change, however short.",
        "当前目录和 umask 属于整个进程：改动哪怕只有一瞬，也会影响它的每个线程。"
    )
}

/// The name of an error: of its errno, or of the one that its kind stands for: those of tempfile have no more.
fn kind(error: std::io::Error) -> String {
    use Errno::{EACCES, EEXIST, EFBIG, EISDIR, ENAMETOOLONG, ENOENT, ENOMEM, ENOSPC, ENOTDIR};
    let known = [EACCES, EEXIST, EFBIG, EISDIR, ENAMETOOLONG, ENOENT, ENOMEM, ENOSPC, ENOTDIR];
    let of_kind = known.into_iter().find(|errno| std::io::Error::from(*errno).kind() == error.kind());
    match of_kind {
        Some(errno) if error.raw_os_error().is_none() => super::kind(errno.into()),
        _ => super::kind(error),
    }
}

/// Expects a complete file at `path`.
fn whole(path: &Path) -> Result<(), Failure> {
    let expected = text!("the file has one page, and what init has stored there", "文件有一页，内容是 init 写入的");
    let bytes = match fs::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(Failure::new(expected, text!("there is no such file", "没有这个文件")));
        }
        bytes => bytes?,
    };
    ensure(is_filled(&bytes), || {
        let size = bytes.len();
        let filled = bytes.iter().filter(|byte| **byte != 0).count();
        let happened =
            text!("it has {size} bytes, of which {filled} are not zero", "文件有 {size} 字节，其中 {filled} 个非零");
        Failure::new(expected, happened).shows(&belief::CREATED_IS_COMPLETE)
    })
}

/// What a call of `open_once` returned, as text, so that processes can send it: the first byte of the page, or the error.
fn first_byte(answer: std::io::Result<Mapping>) -> Result<u8, String> {
    answer.map(|page| page.load(0)).map_err(kind)
}

/// Expects that the call succeeds, and that the page begins with this byte.
fn opened(got: &Result<u8, String>, byte: u8) -> Result<(), Failure> {
    ensure(*got == Ok(byte), || {
        let byte = char::from(byte);
        let happened = match got {
            Ok(0) => text!("it begins with a zero", "它以零开头"),
            Ok(other) => text!("it begins with the byte {}", "它以字节 {} 开头", char::from(*other)),
            Err(error) => text!("the call returns the error {error}", "调用返回错误 {error}"),
        };
        Failure::new(
            text!(
                "the call succeeds, and the page begins with init's byte {byte}",
                "调用成功，页以 init 写入的字节 {byte} 开头"
            ),
            happened,
        )
    })
}

/// Expects one of these errors.
fn fails_with<T>(got: &Result<T, String>, errors: &[&str]) -> Result<(), Failure> {
    let happened = match got {
        Err(error) if errors.contains(&error.as_str()) => return Ok(()),
        Err(error) => text!("it returns the error {error}", "返回错误 {error}"),
        Ok(_) => text!("it succeeds", "调用成功了"),
    };
    let (en, zh) = (errors.join(" or "), errors.join(" 或 "));
    let failure = Failure::new(text!("the call returns the error {en}", "调用返回错误 {zh}"), happened);
    // What isn't InvalidData is a system call's.
    let another = got.is_err() && !errors.contains(&"InvalidData");
    Err(if another { failure.breaks("1:replace", errno_rule()) } else { failure })
}

/// Expects that the directory has these names and no other.
fn lists(directory: &Path, names: &[&str]) -> Result<(), Failure> {
    let found = names_in(directory)?;
    ensure(found == names, || {
        let list = found.join(", ");
        let wanted = names.join(", ");
        let expected = match names {
            [] => text!("the directory is empty", "目录是空的"),
            _ => text!("in the directory is only: {wanted}", "目录里只有：{wanted}"),
        };
        let failure = Failure::new(expected, text!("it has: {list}", "有：{list}"));
        // What should be there isn't, or something else is left over.
        let all = names.iter().all(|name| found.iter().any(|found| found == name));
        if all { failure.breaks("writer", removal_rule()) } else { failure }
    })
}

fn wait_rule() -> Text {
    text!(
        "Who waits for another call waits for ever if that one is stopped or has died. Each makes a file of its own, and \
         link(2) decides which one gets the name.",
        "等别的调用，而它停住了或已经死了，就会永远等下去。应当各做各的文件，由 link(2) 决定谁的得到名字。"
    )
}

/// A call waits for another one.
fn waits_for_another() -> Failure {
    Failure::new(
        text!("the second call returns while the first one stands still", "第一次调用停住时，第二次调用照样返回"),
        text!("it waits in a system call until the first one goes on", "它在系统调用里等着，直到第一次调用继续"),
    )
    .breaks("writer", wait_rule())
}

/// From now on this process has no rights beyond those of an ordinary user: root becomes nobody.
fn become_ordinary() -> std::io::Result<()> {
    if Uid::effective().is_root() {
        setgroups(&[])?;
        setgid(Gid::from_raw(65_534))?;
        setuid(Uid::from_raw(65_534))?;
    }
    Ok(())
}

/// A directory in which every user may create files.
fn open_to_all() -> Result<tempfile::TempDir, Failure> {
    let directory = tempfile::tempdir()?;
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o777))?;
    Ok(directory)
}

/// The inode of the file that is mapped at this address (proc_pid_maps(5)); 0 when there is none.
fn mapped_inode(page: &Mapping) -> u64 {
    let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let area = maps.lines().find(|line| {
        let range = line.split([' ', '-']).take(2).map(|end| usize::from_str_radix(end, 16).unwrap_or(0));
        let range: Vec<_> = range.collect();
        (range[0]..range[1]).contains(&page.address())
    });
    area.and_then(|area| area.split_whitespace().nth(4)).and_then(|inode| inode.parse().ok()).unwrap_or(0)
}

#[test]
fn makes_the_file_once_and_opens_it_from_then_on() {
    check("writer", rule(), || {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("shared");
        let first = ask(|| {
            let (zeros, inode) = (std::cell::Cell::new(false), std::cell::Cell::new(0));
            // No file can be created in /proc: the current directory is not where the file belongs.
            std::env::set_current_dir("/proc").map_err(kind)?;
            let page = super::open_once(&path, |page| {
                zeros.set((0..page_size()).all(|at| page.load(at) == 0));
                inode.set(mapped_inode(page));
                fill(page, b'1');
            });
            let page = page.map_err(kind)?;
            let file = fs::metadata(&path).map_err(kind)?.ino();
            Ok::<_, String>((zeros.get(), inode.get() == file, page.length(), page.load(0)))
        })?;
        let (zeros, of_file, length, byte) = no_error(first)?;
        ensure(zeros, || {
            Failure::new(
                text!("init gets a page of zeros", "init 拿到全零的一页"),
                text!("it isn't all zeros", "不全是零"),
            )
        })?;
        ensure(of_file, || {
            Failure::new(
                text!(
                    "init gets a mapping of the file that is at the path afterwards",
                    "init 拿到的映射属于之后位于该路径的文件"
                ),
                text!("it gets a mapping of something else", "它拿到的是别的东西的映射"),
            )
            .breaks("writer", shared_rule())
        })?;
        let size = page_size();
        ensure(length == size, || {
            Failure::new(
                text!("the mapping's length is one page, {size} bytes", "映射的长度是一页，即 {size} 字节"),
                text!("it is {length}", "为 {length}"),
            )
        })?;
        opened(&Ok(byte), b'1')?;
        whole(&path)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640))?;
        let second = ask(|| {
            let page = super::open_once(&path, |page| fill(page, b'2')).map_err(kind)?;
            page.store(99, b'!');
            Ok::<_, String>(page.load(0))
        });
        let second = second.map_err(|failure| match failure.died_of() {
            Some(Cause::NotAllowed) => failure.breaks("3:cells", shared_rule()),
            _ => failure,
        })?;
        opened(&second, b'1').map_err(|failure| {
            failure
                .breaks("writer", existing_rule())
                .given(text!("the file exists, made by another process", "文件已由另一个进程建好"))
        })?;
        let mode = fs::metadata(&path)?.permissions().mode() & 0o7777;
        ensure(mode == 0o640, || {
            Failure::new(
                text!("a file that exists keeps its mode, 0640", "已有的文件保持其权限 0640"),
                text!("it has mode {mode:04o}", "为 {mode:04o}"),
            )
            .breaks("writer", existing_rule())
        })?;
        let in_file = fs::read(&path)?.get(99).copied();
        ensure(in_file == Some(b'!'), || {
            Failure::new(
                text!(
                    "what is stored in the mapping of an existing file is in the file",
                    "写入已有文件的映射的内容，出现在文件里"
                ),
                text!("it isn't", "没有出现"),
            )
            .breaks("3:cells", shared_rule())
        })?;
        lists(directory.path(), &["shared"])
    });
}

#[test]
fn keeps_what_init_has_stored_even_if_that_is_nothing() {
    check("writer", existing_rule(), || {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("shared");
        no_error(ask(|| super::open_once(&path, |_| ()).map(drop).map_err(kind))?)?;
        let called = ask(|| {
            let called = std::cell::Cell::new(false);
            super::open_once(&path, |_| called.set(true)).map(|_| called.get()).map_err(kind)
        })?;
        let given = |failure: Failure| {
            failure.given(text!("the init of the first call stores nothing", "第一次调用的 init 什么也没写"))
        };
        let called = no_error(called).map_err(given)?;
        ensure(!called, || {
            given(Failure::new(
                text!("init is not called: the file exists", "不调用 init：文件已存在"),
                text!("it is called", "调用了"),
            ))
        })
    });
}

#[test]
fn keeps_the_calls_of_one_process_apart() {
    check("writer", rule(), || {
        for_each(
            [("shared", b'2'), ("another", b'1')],
            |(name, _)| {
                text!(
                    "while a thread is in the init of `shared`, another thread of the process calls for `{name}`",
                    "一个线程正在 `shared` 的 init 中，同一进程的另一个线程为 `{name}` 调用"
                )
            },
            |&(name, byte)| {
                let directory = tempfile::tempdir()?;
                let (inner, outer) = ask(|| {
                    let inner = std::cell::Cell::new(None);
                    let outer = super::open_once(&directory.path().join("shared"), |page| {
                        let path = directory.path().join(name);
                        inner.set(in_another_thread(move || {
                            first_byte(super::open_once(&path, |page| fill(page, b'2')))
                        }));
                        fill(page, b'1');
                    });
                    (inner.into_inner(), first_byte(outer))
                })?;
                let inner = inner.ok_or_else(waits_for_another)?;
                let of = |mut failure: Failure, which: Text| {
                    failure.expected = Text::new(
                        format!("{}: {}", which.en, failure.expected.en),
                        format!("{}：{}", which.zh, failure.expected.zh),
                    );
                    failure
                };
                opened(&inner, b'2').map_err(|failure| of(failure, text!("the second call", "第二次调用")))?;
                opened(&outer, byte).map_err(|failure| of(failure, text!("the first call", "第一次调用")))?;
                let mut names = vec!["shared"];
                names.extend((name != "shared").then_some(name));
                names.sort_unstable();
                lists(directory.path(), &names)
            },
        )
    });
}

/// What happens in `init`, beside what it stores, for this path.
type InInit = fn(&Path);

#[test]
fn leaves_no_descriptor_open() {
    check("2:lifetime", descriptor_rule(), || {
        let directory = tempfile::tempdir()?;
        fs::write(directory.path().join("short"), b"short")?;
        fs::create_dir(directory.path().join("directory"))?;
        symlink("nowhere", directory.path().join("link"))?;
        let cases: [(&str, InInit, Text); 9] = [
            ("shared", |_| (), text!("the file does not exist", "文件不存在")),
            ("shared", |_| (), text!("the file exists", "文件已存在")),
            ("short", |_| (), text!("the file is too short", "文件太短")),
            ("missing/shared", |_| (), text!("the directory does not exist", "目录不存在")),
            ("directory", |_| (), text!("a directory is there", "该路径是一个目录")),
            ("link", |_| (), text!("a symbolic link to a name that does not exist", "指向不存在的名字的符号链接")),
            (
                "late",
                |path| _ = fs::write(path, vec![b'B'; page_size()]),
                text!(
                    "while init runs, another file comes to be at the path",
                    "init 运行期间，该路径上出现了另一个文件"
                ),
            ),
            (
                "late and short",
                |path| _ = fs::write(path, b"short"),
                text!(
                    "while init runs, a short file comes to be at the path",
                    "init 运行期间，该路径上出现了一个太短的文件"
                ),
            ),
            ("panic", |_| std::panic::resume_unwind(Box::new("init")), text!("init panics", "init 发生 panic")),
        ];
        for (name, meanwhile, what) in cases {
            let path = directory.path().join(name);
            let [before, after] = ask(|| {
                let before = open_descriptors().map_err(kind)?;
                let call = || {
                    super::open_once(&path, |page| {
                        meanwhile(&path);
                        fill(page, b'A');
                    })
                };
                let page = std::panic::catch_unwind(std::panic::AssertUnwindSafe(call)).unwrap_or_else(of_init);
                let after = open_descriptors().map_err(kind)?;
                drop(page);
                Ok::<_, String>([before, after])
            })?
            .map_err(std::io::Error::other)?;
            same_descriptors(before, after).map_err(|failure| failure.given(what))?;
        }
        Ok(())
    });
}

/// The end of a call whose `init` has panicked. A panic of its own goes on.
fn of_init(panic: Box<dyn std::any::Any + Send>) -> std::io::Result<Mapping> {
    match panic.downcast_ref() {
        Some(&"init") => Err(std::io::Error::other("init")),
        _ => std::panic::resume_unwind(panic),
    }
}

fn same_descriptors(before: usize, after: usize) -> Result<(), Failure> {
    ensure(before == after, || {
        Failure::new(
            text!("the call leaves no descriptor open", "调用不留下打开的描述符"),
            text!("before it {before} were open, after it {after}", "调用之前打开了 {before} 个，之后是 {after} 个"),
        )
        .breaks("2:lifetime", descriptor_rule())
    })
}

#[test]
fn takes_any_name_in_any_directory() {
    check("writer", name_rule(), || {
        // Another file system than that of the directory for temporary files, where there is one.
        let elsewhere = [Path::new("/dev/shm"), Path::new("/tmp")].map(|there| tempfile::tempdir_in(there).ok());
        let long = [b'n'; 255];
        let names: [&[u8]; 5] = [b"alone", &long, b"\xff\xfe.tmp", b".hidden", b"new\nline"];
        for (directory, name) in elsewhere.iter().flatten().flat_map(|there| names.map(|name| (there, name))) {
            let name = Path::new(OsStr::from_bytes(name));
            let given = |failure: Failure| {
                let directory = directory.path().parent().unwrap_or(Path::new("/")).display();
                let name = match name.as_os_str().len() {
                    255 => text!("nnn..., 255 bytes", "nnn……（255 字节）"),
                    _ => text!("{name:?}", "{name:?}"),
                };
                let directory = text!("{directory}", "{directory}");
                failure.given(text!(
                    "the path is a file name alone, {name}, in a directory in {directory}",
                    "路径只有文件名 {name}，目录在 {directory} 里";
                    name, directory
                ))
            };
            for byte in [b'1', b'2'] {
                let got = ask(|| {
                    std::env::set_current_dir(directory).map_err(kind)?;
                    // SAFETY: this process has one thread.
                    unsafe { std::env::set_var("TMPDIR", "/proc") };
                    first_byte(super::open_once(name, |page| fill(page, byte)))
                });
                opened(&got.map_err(given)?, b'1').map_err(given)?;
            }
            whole(&directory.path().join(name)).map_err(given)?;
            fs::remove_file(directory.path().join(name))?;
            lists(directory.path(), &[]).map_err(given)?;
        }
        Ok(())
    });
}

#[test]
fn makes_no_directory() {
    check("writer", name_rule(), || {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("shared");
        let watched = watch(|| first_byte(super::open_once(&path, |page| fill(page, b'A'))), |_| false)?;
        opened(&watched.answer, b'A')?;
        let makes = [libc::SYS_mkdirat, SYS_MKDIR];
        ensure(!watched.calls.iter().any(|call| makes.contains(&call.call.number)), || {
            Failure::new(
                text!("the call makes no directory", "调用不创建目录"),
                text!("it calls mkdir(2)", "它调用了 mkdir(2)"),
            )
        })
    });
}

#[test]
fn changes_nothing_of_the_whole_process() {
    check("1:replace", process_rule(), || {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("shared");
        let watched = watch(|| first_byte(super::open_once(&path, |page| fill(page, b'A'))), |_| false)?;
        opened(&watched.answer, b'A')?;
        let changes = [(libc::SYS_chdir, "chdir(2)"), (libc::SYS_fchdir, "fchdir(2)"), (libc::SYS_umask, "umask(2)")];
        let name = changes.iter().find(|(number, _)| watched.calls.iter().any(|call| call.call.number == *number));
        name.map_or(Ok(()), |(_, name)| {
            Err(Failure::new(
                text!(
                    "the call changes neither the working directory nor the umask, which other threads have, too",
                    "调用既不改变当前目录，也不改变 umask：这两者由进程的所有线程共用"
                ),
                text!("it calls {name}", "它调用了 {name}"),
            ))
        })
    });
}

#[test]
fn looks_anew_in_each_call() {
    check("writer", path_rule(), || {
        let directories = [tempfile::tempdir()?, tempfile::tempdir()?];
        let paths = directories.each_ref().map(|directory| directory.path().join("shared"));
        let steps = [
            text!("the file does not exist", "文件不存在"),
            text!("the file was removed after the last call", "上次调用之后文件已被删除"),
            text!(
                "the path is the name alone, in another working directory, where the file does not exist",
                "路径只有文件名，当前目录换成了另一个，那里没有这个文件"
            ),
            text!("the file has become shorter since the last call", "上次调用之后文件变短了"),
        ];
        let got = ask(|| {
            let open = |path: &Path, byte| first_byte(super::open_once(path, |page| fill(page, byte)));
            let enter = |n: usize| std::env::set_current_dir(&directories[n]).map_err(kind);
            enter(0)?;
            let first = open(Path::new("shared"), b'1');
            fs::remove_file(&paths[0]).map_err(kind)?;
            let second = open(Path::new("shared"), b'2');
            enter(1)?;
            let third = open(Path::new("shared"), b'3');
            fs::write(&paths[1], b"short").map_err(kind)?;
            Ok::<_, String>([first, second, third, open(Path::new("shared"), b'4')])
        })?;
        let [first, second, third, fourth] = no_error(got)?;
        let given = |n: usize| {
            let step = &steps[n];
            let one = text!("calls of one process with the path `shared`", "同一进程以路径 `shared` 多次调用");
            Text::new(format!("{}: {}", one.en, step.en), format!("{}：{}", one.zh, step.zh))
        };
        for (n, (got, byte)) in [(first, b'1'), (second, b'2'), (third, b'3')].iter().enumerate() {
            opened(got, *byte).map_err(|failure| failure.given(given(n)))?;
        }
        whole(&paths[0]).map_err(|failure| failure.given(given(1)))?;
        fails_with(&fourth, &["InvalidData"]).map_err(|failure| failure.breaks("channel", size_rule()).given(given(3)))
    });
}

#[test]
fn follows_symbolic_links() {
    check("writer", path_rule(), || {
        let directory = tempfile::tempdir()?;
        let at = |name: &str| directory.path().join(name);
        fs::create_dir_all(at("away/inner"))?;
        fs::write(at("file"), vec![b'F'; page_size()])?;
        fs::write(at("short"), b"short")?;
        for (name, target) in
            [("to-file", "file"), ("to-short", "short"), ("to-away", "away"), ("to-inner", "away/inner")]
        {
            symlink(target, at(name))?;
        }
        let call = |name: &str| ask(|| first_byte(super::open_once(&at(name), |page| fill(page, b'A'))));
        let given = |what: Text| move |failure: Failure| failure.given(what);
        opened(&call("to-file")?, b'F')
            .map_err(given(text!("a symbolic link to a file of one page", "指向一个单页文件的符号链接")))?;
        fails_with(&call("to-short")?, &["InvalidData"])
            .map_err(|failure| failure.breaks("channel", size_rule()))
            .map_err(given(text!("a symbolic link to a file of 5 bytes", "指向一个 5 字节文件的符号链接")))?;
        fails_with(&call("to-away")?, &["EISDIR", "InvalidData"])
            .map_err(|failure| failure.breaks("writer", directory_rule()))
            .map_err(given(text!("a symbolic link to a directory", "指向目录的符号链接")))?;
        let through = text!(
            "no file; the path is `to-inner/../shared`, and `to-inner` a symbolic link to `away/inner`",
            "没有文件；路径是 `to-inner/../shared`，其中 `to-inner` 是指向 `away/inner` 的符号链接"
        );
        let through = |failure: Failure| failure.given(through.clone());
        opened(&call("to-inner/../shared")?, b'A').map_err(through)?;
        whole(&at("away/shared")).map_err(through)?;
        lists(directory.path(), &["away", "file", "short", "to-away", "to-file", "to-inner", "to-short"])
            .map_err(through)?;
        lists(&at("away"), &["inner", "shared"]).map_err(through)
    });
}

/// mkdir(2), which not every processor has.
#[cfg(target_arch = "x86_64")]
const SYS_MKDIR: i64 = libc::SYS_mkdir;
#[cfg(not(target_arch = "x86_64"))]
const SYS_MKDIR: i64 = libc::SYS_mkdirat;

#[test]
fn makes_it_with_mode_0600_less_the_umask() {
    check("1:replace", mode_rule(), || {
        for_each(
            [0, 0o022, 0o077, 0o277, 0o777],
            |umask| {
                text!("the umask is {umask:03o}, and the user an ordinary one", "umask 为 {umask:03o}，用户是普通用户")
            },
            |&umask| {
                let directory = open_to_all()?;
                let path = directory.path().join("shared");
                let got = ask(|| {
                    become_ordinary().map_err(kind)?;
                    // SAFETY: umask(2) only sets a number.
                    unsafe { libc::umask(umask) };
                    first_byte(super::open_once(&path, |page| fill(page, b'A')))
                })?;
                // A call that opens its file once more, by its name, may not do so.
                if umask & 0o600 != 0 && got.as_ref().is_err_and(|error| error == "EACCES") {
                    return Ok(());
                }
                opened(&got, b'A')?;
                let (mode, wanted) = (fs::metadata(&path)?.permissions().mode() & 0o7777, 0o600 & !umask);
                ensure(mode == wanted, || {
                    Failure::new(
                        text!("the new file has mode {wanted:04o}", "新文件的权限为 {wanted:04o}"),
                        text!("it has mode {mode:04o}", "为 {mode:04o}"),
                    )
                })?;
                lists(directory.path(), &["shared"])
            },
        )
    });
}

#[test]
fn leaves_no_file_when_it_fails() {
    check("writer", removal_rule(), || {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("shared");
        // The mapping of the new file.
        let counted = || {
            let before = open_descriptors().unwrap_or_default();
            let got = first_byte(super::open_once(&path, |page| fill(page, b'A')));
            (got, before, open_descriptors().unwrap_or_default())
        };
        let watched = watch(counted, |call| {
            call.call.number == libc::SYS_mmap && call.call.arguments[3] & libc::MAP_ANONYMOUS as u64 == 0
        })?;
        let given = |failure: Failure| failure.given(text!("mmap(2) fails with ENOMEM", "mmap(2) 以 ENOMEM 失败"));
        let (got, before, after) = watched.answer;
        fails_with(&got, &["ENOMEM"]).map_err(given)?;
        same_descriptors(before, after).map_err(given)?;
        lists(directory.path(), &[]).map_err(given)?;
        let got = ask_refused(LINKS, On::Everything, Errno::EACCES, counted);
        let given = |failure: Failure| {
            failure.given(text!(
                "no file can get another name: link(2) and rename(2) fail with EACCES",
                "文件无法得到新名字：link(2) 和 rename(2) 以 EACCES 失败"
            ))
        };
        let (got, before, after) = got.map_err(given)?;
        fails_with(&got, &["EACCES"]).map_err(given)?;
        same_descriptors(before, after).map_err(given)?;
        lists(directory.path(), &[]).map_err(given)?;
        let limited = ask(|| {
            // SAFETY: SIGXFSZ is ignored, and no handler runs.
            unsafe { signal(Signal::SIGXFSZ, SigHandler::SigIgn) }.map_err(|errno| kind(errno.into()))?;
            setrlimit(Resource::RLIMIT_FSIZE, 0, RLIM_INFINITY).map_err(|errno| kind(errno.into()))?;
            let got = first_byte(super::open_once(&path, |page| fill(page, b'A')));
            setrlimit(Resource::RLIMIT_FSIZE, RLIM_INFINITY, RLIM_INFINITY).map_err(|errno| kind(errno.into()))?;
            got
        })?;
        let given = |failure: Failure| {
            failure.given(text!("no file may grow (RLIMIT_FSIZE is 0)", "文件不得变长（RLIMIT_FSIZE 为 0）"))
        };
        fails_with(&limited, &["EFBIG"]).map_err(given)?;
        lists(directory.path(), &[]).map_err(given)
    });
}

/// The system calls that give a file a name.
#[cfg(target_arch = "x86_64")]
const LINKS: &[i64] = &[libc::SYS_link, libc::SYS_linkat, libc::SYS_rename, libc::SYS_renameat, libc::SYS_renameat2];
#[cfg(not(target_arch = "x86_64"))]
const LINKS: &[i64] = &[libc::SYS_linkat, libc::SYS_renameat2];

#[test]
fn leaves_a_whole_file_or_none_when_no_space_can_be_reserved() {
    check("writer", removal_rule(), || {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("shared");
        let got = ask_refused(&[libc::SYS_fallocate], On::Everything, Errno::ENOSPC, || {
            first_byte(super::open_once(&path, |page| fill(page, b'A')))
        });
        let given =
            |failure: Failure| failure.given(text!("fallocate(2) fails with ENOSPC", "fallocate(2) 以 ENOSPC 失败"));
        let got = got.map_err(given)?;
        // It need not reserve any.
        if got.is_ok() {
            opened(&got, b'A').map_err(given)?;
            whole(&path).map_err(given)?;
            return lists(directory.path(), &["shared"]).map_err(given);
        }
        fails_with(&got, &["ENOSPC"]).map_err(given)?;
        lists(directory.path(), &[]).map_err(given)
    });
}

#[test]
fn leaves_no_file_when_init_panics() {
    check("writer", removal_rule(), || {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("shared");
        let panicked = ask(|| {
            let call = || super::open_once(&path, |_| std::panic::resume_unwind(Box::new("init"))).map(drop);
            match std::panic::catch_unwind(std::panic::AssertUnwindSafe(call)) {
                Err(panic) if panic.downcast_ref() == Some(&"init") => true,
                // A panic of its own.
                Err(panic) => std::panic::resume_unwind(panic),
                Ok(_) => false,
            }
        })?;
        ensure(panicked, || {
            Failure::new(
                text!("the panic of init goes on", "init 的 panic 继续向上"),
                text!("it is gone", "它被吞掉了"),
            )
        })?;
        lists(directory.path(), &[]).map_err(|failure| failure.given(text!("init panics", "init 发生 panic")))?;
        let another = |page: &Mapping| fill(page, b'B');
        let waited = ask(|| {
            let waited = std::cell::Cell::new(false);
            let call = || {
                super::open_once(&path, |_| {
                    let path = path.clone();
                    let inner = in_another_thread(move || super::open_once(&path, another).map(drop).map_err(kind));
                    waited.set(inner.is_none());
                    std::panic::resume_unwind(Box::new("init"))
                })
                .map(drop)
            };
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(call));
            waited.get()
        })?;
        let given = |failure: Failure| {
            failure.breaks("writer", rule()).given(text!(
                "init panics, after another thread's call for the same path",
                "init 发生 panic，在这之前，另一个线程已对同一路径调用过"
            ))
        };
        ensure(!waited, || given(waits_for_another()))?;
        let bytes = fs::read(&path).unwrap_or_default();
        ensure(is_filled(&bytes) && bytes[0] == b'B', || {
            given(Failure::new(
                text!(
                    "the other call's file is at the path, as its init left it",
                    "该路径上是另一次调用的文件，内容是它的 init 写入的"
                ),
                match bytes.len() {
                    0 => text!("it isn't there", "它不在了"),
                    _ => text!("it has another content", "内容不是这些"),
                },
            ))
        })?;
        lists(directory.path(), &["shared"]).map_err(given)
    });
}

#[test]
fn returns_the_errors_of_system_calls() {
    check("1:replace", errno_rule(), || {
        let directory = tempfile::tempdir()?;
        fs::write(directory.path().join("file"), b"no directory")?;
        symlink("nowhere", directory.path().join("link"))?;
        let long = "n".repeat(256);
        let cases: [(&str, &[&str]); 4] = [
            ("missing/shared", &["ENOENT"]),
            ("file/shared", &["ENOTDIR"]),
            (&long, &["ENAMETOOLONG"]),
            ("link", &["ENOENT", "EEXIST"]),
        ];
        for (path, errors) in cases {
            let given = |failure: Failure| {
                let what = match path {
                    "missing/shared" => text!("the directory does not exist", "目录不存在"),
                    "file/shared" => text!("a file is where the directory should be", "目录的位置上是一个文件"),
                    "link" => text!("a symbolic link to a name that does not exist", "指向不存在的名字的符号链接"),
                    _ => text!("a name of 256 bytes", "256 字节的名字"),
                };
                failure.given(what)
            };
            let got = ask(|| first_byte(super::open_once(&directory.path().join(path), |page| fill(page, b'A'))));
            let got = got.map_err(given)?;
            // A symbolic link takes the name, wherever it leads.
            let taken = |failure: Failure| if path == "link" { failure.breaks("writer", rule()) } else { failure };
            fails_with(&got, errors).map_err(taken).map_err(given)?;
            lists(directory.path(), &["file", "link"]).map_err(given)?;
        }
        Ok(())
    });
}

#[test]
fn does_not_touch_a_file_that_it_may_not_open() {
    check("1:replace", errno_rule(), || {
        for_each(
            [0o000, 0o444],
            |mode| text!("the file exists with mode {mode:04o}", "文件已存在，权限为 {mode:04o}"),
            |&mode| {
                let directory = open_to_all()?;
                let path = directory.path().join("shared");
                fs::write(&path, vec![7; page_size()])?;
                fs::set_permissions(&path, fs::Permissions::from_mode(mode))?;
                let (got, called) = ordinary_call(&path)?;
                // Opened for reading only, it can't be mapped to write.
                fails_with(&got, &["EACCES"]).map_err(|failure| match got {
                    Ok(_) => failure.breaks("3:cells", shared_rule()),
                    Err(_) => failure,
                })?;
                ensure(!called, || {
                    Failure::new(
                        text!("init is not called: the file exists", "不调用 init：文件已存在"),
                        text!("it is called", "调用了"),
                    )
                })?;
                lists(directory.path(), &["shared"])
            },
        )?;
        let directory = open_to_all()?;
        let inner = directory.path().join("inner");
        fs::create_dir(&inner)?;
        fs::set_permissions(&inner, fs::Permissions::from_mode(0o555))?;
        let (got, _) = ordinary_call(&inner.join("shared"))?;
        fails_with(&got, &["EACCES"]).map_err(|failure| {
            failure.given(text!(
                "no file; its directory has mode 0555, so nobody may create one there",
                "没有文件；目录权限为 0555，谁也不能在其中创建文件"
            ))
        })
    });
}

/// What a call of an ordinary user returns, and whether it has called `init`.
fn ordinary_call(path: &Path) -> Result<(Result<u8, String>, bool), Failure> {
    ask(|| {
        let called = std::cell::Cell::new(false);
        let got =
            become_ordinary().map_err(kind).and_then(|()| first_byte(super::open_once(path, |_| called.set(true))));
        (got, called.get())
    })
}

/// A name that is also its own extension's: what a name beside it must not be made of.
const NAME: &str = "shared.tmp";

#[test]
fn all_get_the_same_whole_file_whenever_another_comes() {
    check("writer", rule(), || {
        let mut n = 0;
        loop {
            let directory = tempfile::tempdir()?;
            let path = directory.path().join(NAME);
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
                        });
                        let seen = seen.map_err(|failure| match failure.verdict {
                            Verdict::TimedOut => failure.breaks("writer", wait_rule()),
                            _ => failure,
                        })?;
                        ensure(seen == Ok(true), || {
                            let failure = Failure::new(
                                text!(
                                    "the other process gets a page that init has filled",
                                    "另一个进程拿到 init 已填好的页"
                                ),
                                match &seen {
                                    Ok(_) => text!("it gets one that init has not filled", "它拿到的页 init 没有填好"),
                                    Err(error) => text!("it gets the error {error}", "它得到错误 {error}"),
                                },
                            );
                            let incomplete = seen.as_ref().map_or_else(|error| error == "InvalidData", |_| true);
                            if incomplete { failure.shows(&belief::CREATED_IS_COMPLETE) } else { failure }
                        })?;
                    }
                    Ok(())
                },
            );
            let given = |failure: Failure| {
                let stop = between.map_or_else(|| text!("", ""), |number| call_in_words(n, number));
                failure.given(Text::new(
                    format!("one process calls; while {}, another one calls", stop.en),
                    format!("一个进程调用；{}时，另一个进程调用", stop.zh),
                ))
            };
            calls.map_err(given)?;
            whole(&path).map_err(given)?;
            let bytes = fs::read(&path)?;
            let both = (bytes[100], bytes[101]);
            let wanted = (b'A', if between.is_some() { b'B' } else { 0 });
            ensure(both == wanted, || {
                let happened = match both {
                    (0, 0) => text!("neither of them is", "两者都不在"),
                    (0, _) => text!(
                        "that of the first one isn't: it has mapped another file, or privately",
                        "第一个进程的不在：它映射的是另一个文件，或者是私有映射"
                    ),
                    _ => text!(
                        "that of the other one isn't: it has mapped another file, or privately",
                        "另一个进程的不在：它映射的是另一个文件，或者是私有映射"
                    ),
                };
                let failure = given(Failure::new(
                    text!(
                        "what each of them stores after its call is in the file at the path",
                        "两个进程在调用之后各自写入的内容都在这个路径的文件里"
                    ),
                    happened,
                ));
                // The file of the other one was there first.
                if both.0 != 0 { failure.shows(&belief::RENAME_KEEPS_THE_FIRST) } else { failure }
            })?;
            lists(directory.path(), &[NAME]).map_err(given)?;
            if between.is_none() {
                return Ok(());
            }
            n += 1;
        }
    });
}

#[test]
fn leaves_a_whole_file_or_none_when_it_is_killed() {
    check("writer", rule(), || {
        for n in 0.. {
            let directory = tempfile::tempdir()?;
            let path = directory.path().join(NAME);
            let words = page_of_zeros()?;
            let dead = words.word(0);
            let prepare = || {
                dead.store(std::process::id(), Ordering::Relaxed);
                Ok(())
            };
            let act = |()| super::open_once(&path, |page| fill(page, b'A')).map(drop).map_err(kind);
            let killed = killed_before_call(n, prepare, act)?;
            let given = |failure: Failure| {
                let stop = killed.map_or_else(|| text!("", ""), |call| call_in_words(n, call.number));
                failure.given(Text::new(
                    format!(
                        "the first process is killed while {}; then another one calls, which has the same id",
                        stop.en
                    ),
                    format!("{}时，第一个进程被杀死；然后另一个进程调用，其进程号与前者相同", stop.zh),
                ))
            };
            if path.exists() {
                whole(&path).map_err(given)?;
            }
            let dead = dead.load(Ordering::Relaxed).to_string();
            let next = ask(|| {
                // A file that is named after the dead process becomes one of this process: ids are used again.
                let me = std::process::id().to_string();
                for name in names_in(directory.path()).map_err(kind)? {
                    if name != NAME && name.contains(&dead) {
                        let (from, to) =
                            (directory.path().join(&name), directory.path().join(name.replace(&dead, &me)));
                        fs::rename(from, to).map_err(kind)?;
                    }
                }
                super::open_once(&path, |page| fill(page, b'B')).map(drop).map_err(kind)
            });
            no_error(next.map_err(given)?).map_err(given)?;
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
    check("channel", size_rule(), || {
        for_each(
            [0, 1, page_size() - 1, page_size() + 1],
            |size| text!("a file of {size} bytes is there", "已有一个 {size} 字节的文件"),
            |&size| {
                let directory = tempfile::tempdir()?;
                let path = directory.path().join("shared");
                fs::write(&path, vec![7; size])?;
                let got = ask(|| super::open_once(&path, |page| fill(page, b'A')).map(drop).map_err(kind))?;
                fails_with(&got, &["InvalidData"])?;
                ensure(fs::read(&path)? == vec![7; size], || {
                    Failure::new(
                        text!("the file is as before", "文件保持原样"),
                        text!("it has changed", "文件被改动了"),
                    )
                })
            },
        )?;
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("shared");
        // Its size is one page in 32 bits.
        let size = (1 << 32) + page_size_u64();
        File::create(&path)?.set_len(size)?;
        let got = ask(|| super::open_once(&path, |page| fill(page, b'A')).map(drop).map_err(kind))?;
        let given = |failure: Failure| {
            failure.given(text!("a file of {size} bytes, a hole, is there", "已有一个 {size} 字节的文件（空洞）"))
        };
        fails_with(&got, &["InvalidData"]).map_err(given)?;
        let now = fs::metadata(&path)?.len();
        ensure(now == size, || {
            given(Failure::new(
                text!("the file is as before", "文件保持原样"),
                text!("it has {now} bytes", "它有 {now} 字节"),
            ))
        })?;
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("shared");
        let late = |page: &Mapping| {
            fill(page, b'A');
            let _ = fs::write(&path, b"short");
        };
        let got = ask(|| super::open_once(&path, late).map(drop).map_err(kind))?;
        let given = |failure: Failure| {
            failure.breaks("writer", rule()).given(text!(
                "while init runs, a file of 5 bytes comes to be at the path",
                "init 运行期间，该路径上出现了一个 5 字节的文件"
            ))
        };
        fails_with(&got, &["InvalidData"]).map_err(given)?;
        lists(directory.path(), &["shared"]).map_err(given)?;
        let directory = tempfile::tempdir()?;
        let got = ask(|| super::open_once(directory.path(), |page| fill(page, b'A')).map(drop).map_err(kind))?;
        fails_with(&got, &["EISDIR", "InvalidData"]).map_err(|failure| {
            failure.breaks("writer", directory_rule()).given(text!("a directory is there", "该路径是一个目录"))
        })
    });
}
