use super::*;

/// What `init` does here: it fills the beginning and the end of the page.
fn fill(page: &Mapping, letter: u8) {
    for at in (0..8).chain(page_size() - 8..page_size()) {
        page.store(at, letter);
    }
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

/// Expects a complete file at `path`.
fn whole(path: &Path) -> Result<(), Failure> {
    let bytes = fs::read(path).unwrap_or_default();
    ensure(is_filled(&bytes), || {
        let size = bytes.len();
        let filled = bytes.iter().filter(|byte| **byte != 0).count();
        Failure::new(
            text!("the file has one page, and what init has stored there", "文件有一页，内容是 init 写入的"),
            text!("it has {size} bytes, of which {filled} are not zero", "文件有 {size} 字节，其中 {filled} 个非零"),
        )
        .shows(&belief::CREATED_IS_COMPLETE)
    })
}

#[test]
fn makes_the_file_once_and_opens_it_from_then_on() {
    check("writer", rule(), || {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("shared");
        let first = ask(|| {
            let zero = std::cell::Cell::new(false);
            // No file can be created in /proc: the current directory is not where the file belongs.
            std::env::set_current_dir("/proc").map_err(kind)?;
            let page = super::open_once(&path, |page| {
                zero.set((0..page_size()).all(|at| page.load(at) == 0));
                fill(page, b'1');
            });
            page.map(|page| (zero.get(), page.length(), page.load(0))).map_err(kind)
        })?;
        let wanted = Ok((true, page_size(), b'1'));
        ensure(first == wanted, || {
            Failure::new(
                text!(
                    "(zeros for init, one page, init's byte) {wanted:?}",
                    "（init 看到全零，一页，init 的字节）{wanted:?}"
                ),
                text!("{first:?}", "{first:?}"),
            )
        })?;
        whole(&path)?;
        let second = ask(|| {
            let page = super::open_once(&path, |page| fill(page, b'2')).map_err(kind)?;
            page.store(99, b'!');
            Ok::<_, String>(page.load(0))
        })?;
        let in_file = fs::read(&path)?.get(99).copied();
        ensure(second == Ok(b'1') && in_file == Some(b'!'), || {
            Failure::new(
                text!(
                    "the second process loads 49, and its store reaches the file",
                    "第二个进程看到 49，它写入的内容进入文件"
                ),
                text!("{second:?}, and in the file {in_file:?}", "{second:?}，文件中为 {in_file:?}"),
            )
        })?;
        let names: Vec<_> = fs::read_dir(&directory)?.filter_map(|entry| Some(entry.ok()?.file_name())).collect();
        let mode = fs::metadata(&path)?.permissions().mode() & 0o777;
        ensure(names == ["shared"] && mode & !0o600 == 0, || {
            Failure::new(
                text!("only the file, with mode 0600", "只有这一个文件，权限为 0600"),
                text!("{names:?}, mode {mode:o}", "{names:?}，权限 {mode:o}"),
            )
            .shows(&belief::CREATED_IS_COMPLETE)
        })?;
        let alone = ask(|| {
            std::env::set_current_dir(&directory).map_err(kind)?;
            super::open_once(Path::new("alone"), |page| fill(page, b'1')).map(drop).map_err(kind)
        })?;
        let given = |failure: Failure| failure.given(text!("the path is a file name alone", "路径只有文件名"));
        ensure(alone == Ok(()), || given(Failure::new(text!("Ok", "Ok"), text!("{alone:?}", "{alone:?}"))))?;
        whole(&directory.path().join("alone")).map_err(given)
    });
}

#[test]
fn all_get_the_same_whole_file_whenever_another_comes() {
    check("writer", rule(), || {
        let mut n = 0;
        loop {
            let directory = tempfile::tempdir()?;
            let path = directory.path().join("shared");
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
                        })?;
                        ensure(seen == Ok(true), || {
                            Failure::new(
                                text!(
                                    "the process that comes in between gets a page that init has filled",
                                    "中途到来的进程拿到 init 已填好的页"
                                ),
                                text!("{seen:?}", "{seen:?}"),
                            )
                            .shows(&belief::CREATED_IS_COMPLETE)
                        })?;
                    }
                    Ok(())
                },
            );
            let given = |failure: Failure| {
                failure.given(text!(
                    "another process comes just before system call {n} of the first",
                    "另一个进程恰在第一个进程的第 {n} 次系统调用之前到来"
                ))
            };
            calls.map_err(given)?;
            whole(&path).map_err(given)?;
            let bytes = fs::read(&path)?;
            let both = (bytes[100], bytes[101]);
            let wanted = (b'A', if between.is_some() { b'B' } else { 0 });
            ensure(both == wanted, || {
                given(
                    Failure::new(
                        text!(
                            "what each of them stores is in the file at the path",
                            "两个进程各自写入的内容都在这个路径的文件里"
                        ),
                        text!(
                            "{both:?} instead of {wanted:?}: one of them has mapped another file",
                            "得到 {both:?} 而不是 {wanted:?}：其中一个映射的是另一个文件"
                        ),
                    )
                    .shows(&belief::RENAME_KEEPS_THE_FIRST),
                )
            })?;
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
            let path = directory.path().join("shared");
            let act = |()| super::open_once(&path, |page| fill(page, b'A')).map(drop).map_err(kind);
            let killed = killed_before_call(n, || Ok(()), act)?;
            let given = |failure: Failure| {
                failure.given(text!(
                    "the first process is killed just before its system call {n}",
                    "第一个进程恰在它的第 {n} 次系统调用之前被杀死"
                ))
            };
            if path.exists() {
                whole(&path).map_err(given)?;
            }
            let next =
                ask(|| super::open_once(&path, |page| fill(page, b'B')).map(drop).map_err(kind)).map_err(given)?;
            ensure(next == Ok(()), || given(Failure::new(text!("Ok", "Ok"), text!("{next:?}", "{next:?}"))))?;
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
    check("writer", rule(), || {
        for_each(
            [0, 1, page_size() - 1, page_size() + 1],
            |size| text!("a file of {size} bytes is there", "已有一个 {size} 字节的文件"),
            |&size| {
                let directory = tempfile::tempdir()?;
                let path = directory.path().join("shared");
                fs::write(&path, vec![7; size])?;
                let got = ask(|| super::open_once(&path, |page| fill(page, b'A')).map(drop).map_err(kind))?;
                refused(&got, &["InvalidData"])?;
                ensure(fs::read(&path)? == vec![7; size], || {
                    Failure::new(
                        text!("the file is as before", "文件保持原样"),
                        text!("it has changed", "文件被改动了"),
                    )
                })
            },
        )?;
        let directory = tempfile::tempdir()?;
        let got = ask(|| super::open_once(directory.path(), |page| fill(page, b'A')).map(drop).map_err(kind))?;
        refused(&got, &["EISDIR", "InvalidData"])
            .map_err(|failure| failure.given(text!("a directory is there", "该路径是一个目录")))
    });
}
