use super::*;

fn answer(path: &Path) -> Result<Result<u64, String>, Failure> {
    ask(|| super::sum_of(path).map_err(kind))
}

fn sum(bytes: &[u8]) -> u64 {
    bytes.iter().map(|&byte| u64::from(byte)).sum()
}

fn differs(expected: u64, got: &Result<u64, String>) -> Failure {
    Failure::new(text!("the sum {expected}", "和为 {expected}"), text!("{got:?}", "{got:?}"))
}

#[test]
fn adds_up_every_byte() {
    let law = text!(
        "mmap(2): a length of 0 is EINVAL, so an empty file can't be mapped",
        "mmap(2)：长度为 0 是 EINVAL，空文件不能映射"
    );
    check("no_bus_errors", law, || {
        let test = |size: &usize| {
            let (_directory, path, _) = named_file(&pattern(*size))?;
            let got = answer(&path)?;
            let expected = sum(&pattern(*size));
            ensure(got == Ok(expected), || differs(expected, &got))
        };
        let describe = |size: &usize| text!("a file of {size} bytes", "{size} 字节的文件");
        for_each([1, 0, page_size() - 1, page_size(), page_size() + 1], describe, test)?;
        for_all(near_page_boundaries(), describe, test)
    });
}

#[test]
fn leaves_out_what_is_past_the_end() {
    let law = text!(
        "mmap(2), BUGS: bytes stored past the end of the file stay in its last page, and other mappings may see them",
        "mmap(2) 的 BUGS 一节：写到文件末尾之后的内容留在最后一页里，别的映射可能看得到"
    );
    check("no_bus_errors", law, || {
        for_each(
            [1, page_size() - 1, page_size() + 10],
            |size| {
                text!(
                    "a file of {size} bytes, and stores of another process to the rest of its last page",
                    "{size} 字节的文件，另有进程往最后一页的剩余部分写过内容"
                )
            },
            |&size| {
                // A file in memory: the file system of a disk clears the rest of the page when it writes the page to
                // the disk.
                let file = File::from(memfd_create(c"exercise-6", MFdFlags::MFD_CLOEXEC)?);
                file.write_all_at(&pattern(size), 0)?;
                let mapping = Mapping::of_file(&file, 0, size, READ_WRITE, Sharing::Shared)?;
                (size..mapping.range().len()).for_each(|at| mapping.store(at, b'!'));
                let got = answer(&PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd())))?;
                let (expected, whole) = (sum(&pattern(size)), mapping.range().len());
                let past_the_end = u64::from(b'!') * wide(whole - size);
                ensure(got == Ok(expected), || match got {
                    Ok(sum) if sum == expected + past_the_end => {
                        differs(expected, &got).shows(&belief::REST_OF_THE_PAGE_IS_ZERO)
                    }
                    _ => differs(expected, &got),
                })
            },
        )
    });
}

#[test]
fn maps_what_can_be_mapped() {
    let law = text!(
        "mmap(2): PROT_READ only needs a descriptor that is open for reading",
        "mmap(2)：PROT_READ 只要求文件描述符可读，不要求更多"
    );
    check("2:mapping", law, || {
        let (_directory, path, _) = named_file(&pattern(3 * page_size()))?;
        let ((got, moved), kept) =
            ask(|| counting(|| moved(|| super::sum_of(&path).map_err(kind))))?.map_err(io::Error::other)?;
        let expected = sum(&pattern(3 * page_size()));
        ensure(got == Ok(expected), || differs(expected, &got))?;
        let read = moved.map_or(0, |moved| moved.read);
        let described = || text!("a file of {} bytes", "{} 字节的文件", 3 * page_size());
        ensure(read == 0, || {
            Failure::new(
                text!("none of its bytes goes through read(2)", "没有一个字节经过 read(2)"),
                text!("{read} bytes went through it", "有 {read} 字节经过了它"),
            )
            .given(described())
        })?;
        nothing_left(kept).map_err(|failure| failure.given(described()))?;
        // How the file was opened is seen in the calls: root may open every file for writing.
        let calls = calls_of(|| Ok(()), |()| super::sum_of(&path).map(drop).map_err(error_text))?;
        let mapped = calls.iter().any(|call| {
            // Without a file the descriptor is -1; it has 32 bits, whatever is above them.
            let descriptor = call.arguments[4] & u64::from(u32::MAX);
            call.number == libc::SYS_mmap && call.answer >= 0 && descriptor != u64::from(u32::MAX)
        });
        ensure(mapped, || {
            Failure::new(
                text!("mmap(2) of the file", "用 mmap(2) 映射该文件"),
                text!("no file was mapped", "没有映射任何文件"),
            )
        })?;
        let modes = u64::from(libc::O_ACCMODE.cast_unsigned());
        let writable = calls.iter().find(|call| call.number == libc::SYS_openat && call.arguments[2] & modes != 0);
        ensure(writable.is_none(), || {
            let flags = writable.map_or(0, |call| call.arguments[2]);
            Failure::new(
                text!("open(2) with O_RDONLY", "以 O_RDONLY 调用 open(2)"),
                text!("the flags were {flags:#o}", "标志是 {flags:#o}"),
            )
        })?;
        moved.map(drop).ok_or_else(Failure::not_counted)
    });
}

#[test]
fn reads_what_cannot_be_mapped() {
    let law = text!(
        "proc(5): most files have a size of 0; mmap(2): ENODEV when the file system does not support mapping",
        "proc(5)：大多数文件的大小为 0；mmap(2)：文件系统不支持映射时返回 ENODEV"
    );
    check("ways_out", law, || {
        let candidates = ["/proc/version", "/proc/sys/kernel/ostype", "/sys/devices/system/cpu/online"];
        // Not every container has /sys.
        let there = candidates.map(PathBuf::from).into_iter().filter(|path| path.is_file());
        for_each(
            there,
            |path| {
                let size = path.metadata().map_or(0, |metadata| metadata.len());
                text!("{}, whose size is {size} bytes", "{}，其大小显示为 {size} 字节", path.display())
            },
            |path| {
                let got = answer(path)?;
                let expected = sum(&fs::read(path)?);
                ensure(got == Ok(expected), || {
                    let failure = differs(expected, &got);
                    // 0: it trusted a size of 0. EINVAL: it mapped it. EOF: it trusted a size that is too large.
                    match got.as_ref().map_err(String::as_str) {
                        Ok(0) => failure.shows(&belief::SIZE_TELLS_WHAT_IS_THERE),
                        Err("EINVAL" | "UnexpectedEof") => failure.shows(&belief::SIZE_TELLS_WHAT_IS_THERE),
                        _ => failure,
                    }
                })
            },
        )
    });
}

#[test]
fn refuses_all_but_regular_files_and_never_waits() {
    let law = text!(
        "fifo(7): open(2) for reading waits for a writer, unless O_NONBLOCK is given",
        "fifo(7)：以只读方式打开 FIFO 会等待写者出现，除非带 O_NONBLOCK"
    );
    check("ways_out", law, || {
        let directory = tempfile::tempdir()?;
        let refused = |path: &Path, expected: &[&str]| {
            let got = answer(path)?;
            refused(&got, expected).map_err(|failure| failure.given(text!("{}", "{}", path.display())))
        };
        refused(directory.path(), &["EISDIR", "IsADirectory"])?;
        refused(&directory.path().join("missing"), &["ENOENT"])?;
        let invalid = ["EINVAL", "InvalidInput"];
        refused(Path::new("/dev/null"), &invalid)?;
        let path = directory.path().join("fifo");
        mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR)?;
        // Linux opens a FIFO for reading and writing without waiting (fifo(7)).
        let mut fifo = File::options().read(true).write(true).custom_flags(libc::O_NONBLOCK).open(&path)?;
        fifo.write_all(b"for another reader")?;
        refused(&path, &invalid)?;
        let mut left = [0; 64];
        let count = fifo.read(&mut left).unwrap_or(0);
        ensure(&left[..count] == b"for another reader", || {
            Failure::new(
                text!("what is in the FIFO stays there", "FIFO 里的内容原样留着"),
                text!("{count} of 18 bytes were left", "18 字节只剩 {count} 字节"),
            )
        })?;
        // Now no process has it open for writing.
        drop(fifo);
        refused(&path, &invalid).map_err(|failure| {
            let waits = failure.verdict == Verdict::TimedOut;
            let failure =
                failure.given(text!("a FIFO that no process has open for writing", "没有任何进程以写方式打开的 FIFO"));
            if waits { failure.shows(&belief::OPEN_NEVER_WAITS) } else { failure }
        })
    });
}
