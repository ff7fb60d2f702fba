use super::*;

fn answer(path: &Path) -> Result<Result<u64, String>, Failure> {
    ask_tidy(|| super::sum_of(path))
}

fn sum(bytes: &[u8]) -> u64 {
    bytes.iter().map(|&byte| u64::from(byte)).sum()
}

fn differs(expected: u64, got: &Result<u64, String>) -> Failure {
    Failure::new(text!("the sum {expected}", "和为 {expected}"), in_words(got))
}

#[test]
fn adds_up_every_byte() {
    let law = text!(
        "fstat(2) says how many bytes a regular file has: each counts once, as a number from 0 to 255, and their sum needs \
         more than 8 bits",
        "fstat(2) 说明普通文件有多少字节：每个字节都按 0 到 255 计入一次，它们的和 8 位装不下"
    );
    check("look", law, || {
        let test = |size: &usize| {
            let (_directory, path, _) = named_file(&pattern(*size))?;
            let got = answer(&path)?;
            let expected = sum(&pattern(*size));
            ensure(got == Ok(expected), || differs(expected, &got)).map_err(|failure| match size {
                0 => failure.breaks(
                    "length_zero",
                    text!(
                        "mmap(2): a length of 0 is EINVAL, so an empty file can't be mapped",
                        "mmap(2)：长度为 0 返回 EINVAL，空文件不能映射"
                    ),
                ),
                _ => failure,
            })
        };
        let describe = |size: &usize| {
            let Text { en, zh } = bytes_in_words(*size);
            text!("a file of {en}", "{zh}的文件")
        };
        for_each([1, 0, page_size() - 1, page_size(), page_size() + 1, 2 * page_size() + 1], describe, test)?;
        for_all_n(24, near_page_boundaries(), describe, test)?;
        a_file_that_has_other_bytes_at_the_second_call()
    });
}

/// In memory (tmpfs), where a store through a mapping changes neither the size nor a time of the file.
fn a_file_that_has_other_bytes_at_the_second_call() -> Result<(), Failure> {
    let file = File::from(memfd_create(c"exercise-6", MFdFlags::MFD_CLOEXEC)?);
    file.write_all_at(&pattern(10), 0)?;
    let mapping = mapped_whole(&file, Sharing::Shared)?;
    let path = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
    let second = ask_tidy(|| {
        super::sum_of(&path)?;
        mapping.store(9, 0);
        super::sum_of(&path)
    })?;
    let expected = sum(&pattern(9));
    ensure(second == Ok(expected), || {
        differs(expected, &second).given(text!(
            "a file of 10 bytes; after a first call another mapping stores 0 to the last byte, and this is the second call",
            "10 字节的文件；第一次调用之后，另一个映射把最后一个字节改为 0，这是第二次调用"
        ))
    })
    .map_err(was_true_then)
}

#[test]
fn maps_a_large_file_in_parts_or_passes_enomem_on() {
    let law = text!(
        "mmap(2): ENOMEM when the address space has no room for the mapping; ENODEV, and no other error, says that a \
         file can't be mapped at all",
        "mmap(2)：地址空间放不下这个映射时返回 ENOMEM；只有 ENODEV 才说明文件根本不能映射"
    );
    check("2:refusals", law, || {
        let (_directory, path, file) = named_file(&pattern(10))?;
        file.write_all_at(&[7], (2 << 20) - 1)?;
        let (got, moved) = ask_with_memory(1 << 20, || moved(|| super::sum_of(&path).map_err(kind)))?;
        // In chunks it can be mapped.
        let in_chunks = got == Ok(sum(&pattern(10)) + 7) && moved.is_none_or(|moved| moved.read == 0);
        ensure(in_chunks || got == Err("ENOMEM".to_owned()), || {
            let read = moved.map_or(0, |moved| moved.read);
            Failure::new(
                text!(
                    "the error ENOMEM, or the sum of all bytes, mapped part by part",
                    "错误 ENOMEM，或者分段映射得到的总和"
                ),
                text!(
                    "{}; {read} bytes went through read(2)",
                    "{}；有 {read} 字节经过了 read(2)",
                    got.as_ref().map_or_else(|error| format!("the error {error}"), |sum| format!("Ok({sum})"))
                ),
            )
            .given(text!(
                "a file of 2 MiB, in a process that may use 1 MiB more of address space (RLIMIT_AS)",
                "2 MiB 的文件，而进程只能再增加 1 MiB 地址空间（RLIMIT_AS）"
            ))
        })?;
        let denied =
            ask_refused(&[libc::SYS_mmap], On::Everything, Errno::EACCES, || super::sum_of(&path).map_err(kind))?;
        refused(&denied, &["EACCES", "PermissionDenied"]).map_err(|failure| {
            failure.given(text!(
                "a process to which mmap(2) is forbidden: EACCES (seccomp(2))",
                "进程被禁止调用 mmap(2)：EACCES（seccomp(2)）"
            ))
        })?;
        // Adding up 4 GiB would take too long: each mapping of this file fails.
        let size = (1 << 32) + 10;
        file.set_len(size)?;
        let id = FileId::of(&file)?;
        let maps = |call: &FileCall| call.call.number == libc::SYS_mmap && call.names(4, id);
        let watched = watch(|| super::sum_of(&path).map_err(kind), maps)?;
        let given = || {
            text!(
                "a file of {size} bytes, in a process that may use no more address space (RLIMIT_AS)",
                "{size} 字节的文件，而进程不能再增加地址空间（RLIMIT_AS）"
            )
        };
        let cut = watched.calls.iter().any(|call| maps(call) && call.call.arguments[1] == size & u64::from(u32::MAX));
        ensure(!cut, || {
            let failure = Failure::new(
                text!("all {size} bytes are to be mapped", "要映射全部 {size} 字节"),
                text!("the length given to mmap(2) was 10", "传给 mmap(2) 的长度是 10"),
            );
            has_64_bits(failure.shows(&belief::INT_HOLDS_A_SIZE).given(given()))
        })?;
        refused(&watched.answer, &["ENOMEM"]).map_err(|failure| failure.given(given()))
    });
}

#[test]
fn leaves_out_what_is_past_the_end() {
    let law = text!(
        "mmap(2), BUGS: bytes stored past the end of the file stay in its last page, and other mappings may see them",
        "mmap(2) 的 BUGS 一节：写到文件末尾之后的内容留在最后一页里，别的映射可能看得到"
    );
    check("last_page", law, || {
        for_each(
            [1, page_size() - 1, page_size() + 10],
            |size| {
                let Text { en, zh } = bytes_in_words(*size);
                text!(
                    "a file of {en}, and stores of another process to the rest of its last page",
                    "{zh}的文件，另有进程往最后一页的剩余部分写过内容"
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
                        differs(expected, &got).shows(&belief::REST_OF_THE_PAGE_IS_ALWAYS_ZERO)
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
    check("2:protection", law, || {
        let page = page_size();
        let (_directory, path, file) = named_file(&pattern(3 * page))?;
        let all_counted = Cell::new(true);
        let elsewhere = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
        for_each(
            [(1, &path), (page - 1, &path), (3 * page, &path), (3 * page, &elsewhere)],
            |(size, path)| {
                let Text { en, zh } = bytes_in_words(*size);
                text!("a file of {en} at {}", "{zh}的文件，路径是 {}", path.display())
            },
            |&(size, path)| {
                file.set_len(wide(size))?;
                file.write_all_at(&pattern(size), 0)?;
                let ((got, moved), kept) =
                    ask(|| counting(|| moved(|| super::sum_of(path).map_err(kind))))?.map_err(io::Error::other)?;
                let expected = sum(&pattern(size));
                ensure(got == Ok(expected), || differs(expected, &got))?;
                all_counted.set(all_counted.get() && moved.is_some());
                let read = moved.map_or(0, |moved| moved.read);
                ensure(read == 0, || {
                    Failure::new(
                        text!("none of its bytes goes through read(2)", "没有一个字节经过 read(2)"),
                        text!("{read} bytes went through it", "有 {read} 字节经过了它"),
                    )
                })
                .map_err(accesses_the_page)?;
                nothing_left(kept)
            },
        )?;
        leaves_no_memory(|| _ = super::sum_of(&path))?;
        leaves_no_memory(|| _ = super::sum_of(Path::new("/proc/version")))?;
        a_file_that_may_only_be_read()?;
        // How the file was opened is seen in the calls: root may open every file for writing.
        let id = FileId::of(&file)?;
        let calls = watch(|| super::sum_of(&path).map_err(kind), |_| false)?.calls;
        let mapped = |call: &FileCall| call.call.number == libc::SYS_mmap && call.call.answer >= 0 && call.names(4, id);
        ensure(calls.iter().any(mapped), || {
            Failure::new(
                text!("mmap(2) of the file", "用 mmap(2) 映射该文件"),
                text!("it was not mapped", "没有映射它"),
            )
        })
        .map_err(accesses_the_page)?;
        let modes = u64::from(libc::O_ACCMODE.cast_unsigned());
        let writable = calls
            .iter()
            .map(|call| call.call)
            .find(|call| call.number == libc::SYS_openat && call.arguments[2] & modes != 0);
        ensure(writable.is_none(), || {
            let flags = writable.map_or(0, |call| call.arguments[2]);
            Failure::new(
                text!("open(2) with O_RDONLY", "以 O_RDONLY 调用 open(2)"),
                text!("the flags were {flags:#o}", "标志是 {flags:#o}"),
            )
        })?;
        ensure(all_counted.get(), Failure::not_counted)
    });
}

/// A file that this process may read and no more. Root has the same rights there as others when it gives the file away.
fn a_file_that_may_only_be_read() -> Result<(), Failure> {
    let (_directory, path, file) = named_file(&pattern(10))?;
    file.set_permissions(fs::Permissions::from_mode(0o444))?;
    let given_away = fchown(&file, Some(1), None).is_ok();
    let got = ask(|| {
        let no_locked_memory = || setrlimit(Resource::RLIMIT_MEMLOCK, 0, 0).map_err(io::Error::from);
        no_locked_memory().and_then(|()| drop_privileges()).and_then(|()| super::sum_of(&path)).map_err(kind)
    })?;
    ensure(got == Ok(sum(&pattern(10))), || {
        let (en, zh) = if given_away { (" of another user", "属于另一个用户，") } else { ("", "") };
        differs(sum(&pattern(10)), &got).given(text!(
            "a file of 10 bytes{en} with mode 0444, which everybody may read and nobody may change, in a process that may \
             lock no memory (RLIMIT_MEMLOCK)",
            "10 字节的文件，{zh}权限为 0444：谁都可以读，谁都不能改；进程不允许锁定内存（RLIMIT_MEMLOCK）"
        ))
    })
}

#[test]
fn reads_what_cannot_be_mapped() {
    let law = text!(
        "proc(5): most files have a size of 0 and contents all the same; mmap(2): ENODEV when the file system does not \
         support mapping; the end is where read(2) returns 0",
        "proc(5)：大多数文件显示大小为 0，却有内容；mmap(2)：文件系统不支持映射时返回 ENODEV；读到 read(2) 返回 0 才是末尾"
    );
    check("look", law, || {
        let candidates = ["/proc/version", "/proc/sys/kernel/ostype", "/sys/devices/system/cpu/online"];
        // Not every container has /sys.
        let mut there: Vec<_> = candidates.map(PathBuf::from).into_iter().filter(|path| path.is_file()).collect();
        let directory = tempfile::tempdir()?;
        for (n, path) in there.clone().iter().enumerate() {
            let link = directory.path().join(n.to_string());
            symlink(path, &link)?;
            there.push(link);
        }
        for_each(
            there,
            |path| {
                let size = path.metadata().map_or(0, |metadata| metadata.len());
                let to = path.read_link().map(|to| format!(" -> {}", to.display())).unwrap_or_default();
                text!("{}{to}, whose size is {size} bytes", "{}{to}，其大小显示为 {size} 字节", path.display())
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
                        Err("EACCES" | "PermissionDenied") => failure.breaks(
                            "2:protection",
                            text!(
                                "open(2): EACCES where the file's mode doesn't allow what is asked for; reading needs O_RDONLY \
                                 and no more",
                                "open(2)：文件权限不允许所要求的访问方式时返回 EACCES；读文件只需要 O_RDONLY"
                            ),
                        ),
                        _ => failure,
                    }
                })
            },
        )?;
        // Its size is 0, and read(2) of address 0 fails.
        let memory = Path::new("/proc/self/mem");
        let given = || {
            text!("{}, where the first read(2) fails with EIO", "{}，对它的第一次 read(2) 返回 EIO", memory.display())
        };
        let got = answer(memory).map_err(|failure| failure.given(given()))?;
        refused(&got, &["EIO"]).map_err(|failure| {
            failure.given(given()).breaks(
                "1:loops",
                text!(
                    "read(2): only 0 means the end; -1 is an error, and only EINTR is a reason to ask again",
                    "read(2)：只有 0 才是末尾；-1 是出错，其中只有 EINTR 才可以再试"
                ),
            )
        })?;
        // A file of /proc that one read(2) does not return as a whole: the mappings of a process that does nothing.
        let mut quiet = start(|peer| {
            let mapping = Mapping::anonymous(400 * page_size(), READ_WRITE, Sharing::Private).map_err(error_text)?;
            for at in (0..mapping.length()).step_by(2 * page_size()) {
                let address = std::ptr::with_exposed_provenance_mut(mapping.address() + at);
                // SAFETY: no reference to a byte of the page exists, and nobody stores to it.
                let done = unsafe { libc::mprotect(address, page_size(), libc::PROT_READ) };
                Errno::result(done).map_err(error_text)?;
            }
            // SAFETY: prctl(2) reads the name, which ends with a zero byte.
            Errno::result(unsafe { libc::prctl(libc::PR_SET_NAME, c"\xff\xfe".as_ptr()) }).map_err(error_text)?;
            peer.give_turn().map_err(error_text)?;
            peer.await_turn().map_err(error_text)
        })?;
        quiet.await_turn()?;
        let path = PathBuf::from(format!("/proc/{}/maps", quiet.pid()));
        let (got, expected) = (answer(&path)?, sum(&fs::read(&path)?));
        let name = PathBuf::from(format!("/proc/{}/comm", quiet.pid()));
        let (its_name, name_expected) = (answer(&name)?, sum(&fs::read(&name)?));
        quiet.give_turn()?;
        quiet.end()?;
        ensure(got == Ok(expected), || {
            differs(expected, &got)
                .given(text!(
                    "the file maps of another process in /proc, which has more than 20,000 bytes",
                    "/proc 中另一个进程的 maps 文件，内容超过两万字节"
                ))
                .breaks(
                    "1:loops",
                    text!(
                        "read(2) may return fewer bytes than it was asked for; only 0 means the end",
                        "read(2) 返回的可以少于所要求的；只有 0 才是末尾"
                    ),
                )
        })?;
        ensure(its_name == Ok(name_expected), || {
            differs(name_expected, &its_name)
                .given(text!(
                    "the file comm of another process in /proc, whose name is no UTF-8",
                    "/proc 中另一个进程的 comm 文件，进程名不是 UTF-8"
                ))
                .breaks(
                    "look",
                    text!(
                        "read(2) returns bytes, and they need not be text: `read_to_string` refuses what is no UTF-8",
                        "read(2) 返回的是字节，不一定是文本：不是 UTF-8，`read_to_string` 就会报错"
                    ),
                )
        })
    });
}

#[test]
fn waits_for_no_lease() {
    let law = text!(
        "fcntl(2), F_SETLEASE: open(2) waits for the holder of a lease; with O_NONBLOCK it returns EWOULDBLOCK",
        "fcntl(2) 的 F_SETLEASE：open(2) 会等待租约的持有者；带 O_NONBLOCK 时返回 EWOULDBLOCK"
    );
    check("open_at_once", law, || {
        let (_directory, path, file) = named_file(&pattern(10))?;
        let got = answer(&path)?;
        ensure(got == Ok(sum(&pattern(10))), || differs(sum(&pattern(10)), &got))?;
        asks_for_no_lock(&path)?;
        // The holder gives the lease up when it is told: an answer that waits gets the file then, and hangs nothing.
        let mut holder = start(|peer| {
            const F_SETSIG: i32 = 10; // libc lacks it
            let told = SigSet::from(Signal::SIGURG);
            told.thread_block().map_err(error_text)?;
            let descriptor = file.as_raw_fd();
            // SAFETY: fcntl(2) with these commands accesses no memory of ours.
            let lease = |kind: i32| unsafe { libc::fcntl(descriptor, libc::F_SETLEASE, kind) } == 0;
            // SAFETY: as above.
            let held = unsafe { libc::fcntl(descriptor, F_SETSIG, libc::SIGURG) } == 0 && lease(libc::F_WRLCK);
            peer.send(if held { b"held" } else { b"none" }).map_err(error_text)?;
            told.wait().map_err(error_text)?;
            lease(libc::F_UNLCK);
            peer.await_turn().map_err(error_text)
        })?;
        if holder.receive()? != b"held" {
            return Err(Failure::skipped(
                text!("this file system has no leases (F_SETLEASE)", "这个文件系统不支持租约（F_SETLEASE）"),
                text!(
                    "grade it with TMPDIR on a file system that has them, such as ext4 or tmpfs",
                    "把 TMPDIR 设到支持租约的文件系统上再批改，例如 ext4 或 tmpfs"
                ),
            ));
        }
        let given = text!(
            "a file on which another process has a lease for writing (F_SETLEASE, F_WRLCK), which it gives up as soon \
             as another open(2) makes the kernel ask for it",
            "另一个进程持有该文件的写租约（F_SETLEASE，F_WRLCK）；一旦别的 open(2) 使内核要求收回，它就交出租约"
        );
        let got = answer(&path).map_err(|failure| failure.given(given.clone()))?;
        let refused = got.as_ref().is_err_and(|error| ["EAGAIN", "WouldBlock"].contains(&error.as_str()));
        ensure(refused, || {
            Failure::new(text!("the error EWOULDBLOCK", "错误 EWOULDBLOCK"), in_words(&got)).given(given)
        })
    });
}

/// A call that would wait for a lock of another process.
fn asks_for_no_lock(path: &Path) -> Result<(), Failure> {
    let waits = |call: &Call| {
        let how = call.arguments[1];
        let is = |command: i32| how == u64::from(command.cast_unsigned());
        match call.number {
            libc::SYS_flock => how & u64::from(libc::LOCK_NB.cast_unsigned()) == 0 && !is(libc::LOCK_UN),
            libc::SYS_fcntl => is(libc::F_SETLKW) || is(libc::F_OFD_SETLKW),
            _ => false,
        }
    };
    let calls = watch(|| super::sum_of(path).map_err(kind), |_| false)?.calls;
    let lock = calls.iter().map(|call| call.call).find(waits);
    ensure(lock.is_none(), || {
        let name = if lock.is_some_and(|call| call.number == libc::SYS_flock) { "flock(2)" } else { "fcntl(2)" };
        Failure::new(
            text!(
                "no call that waits while another process holds a lock on the file",
                "不调用会等待别的进程释放文件锁的函数"
            ),
            text!("it asked for a lock with {name}", "它用 {name} 请求了文件锁"),
        )
        .breaks(
            "1:turns",
            text!(
                "flock(2), fcntl(2): whoever asks for a lock that another process has waits for it",
                "flock(2)、fcntl(2)：锁在别的进程手里时，谁请求谁等待"
            ),
        )
    })
}

/// A loop device without a file, which this process may open, if there is one. Reading from it ends at once.
fn an_empty_block_device() -> Option<PathBuf> {
    (0..8).map(|number| PathBuf::from(format!("/dev/loop{number}"))).find(|path| {
        let is_block = path.metadata().is_ok_and(|metadata| metadata.file_type().is_block_device());
        let open = || File::options().read(true).custom_flags(libc::O_NONBLOCK).open(path);
        is_block && open().is_ok_and(|mut device| device.seek(SeekFrom::End(0)).is_ok_and(|size| size == 0))
    })
}

#[test]
fn refuses_all_but_regular_files_and_never_waits() {
    let law = text!(
        "open(2) for reading succeeds for directories and devices, too, and for a FIFO it waits for a writer, unless \
         O_NONBLOCK is given (fifo(7)); fstat(2) says what was opened",
        "以只读方式 open(2) 目录或设备同样会成功；打开 FIFO 则会等待写者出现，除非带 O_NONBLOCK（fifo(7)）；打开的究竟是什么，由 fstat(2) 说明"
    );
    check("open_at_once", law, || {
        let directory = tempfile::tempdir()?;
        let refused = |what: Text, path: &Path, expected: &[&str]| {
            answer(path).and_then(|got| refused(&got, expected)).map_err(|failure| failure.given(what))
        };
        let nothing_to_open = |failure: Failure| {
            let rule = text!(
                "open(2) says in errno why it opens nothing: ENOENT, ENOTDIR, ELOOP, ENXIO for a socket; the caller has \
                 to learn of it",
                "open(2) 打不开的原因在 errno 里：ENOENT、ENOTDIR、ELOOP，套接字是 ENXIO；调用者必须能够知道"
            );
            failure.breaks("open_at_once", rule)
        };
        refused(text!("a directory", "路径处是一个目录"), directory.path(), &["EISDIR", "IsADirectory"])?;
        let missing = directory.path().join("missing");
        refused(text!("a path where nothing is", "路径处什么也没有"), &missing, &["ENOENT"])
            .map_err(nothing_to_open)?;
        let invalid = ["EINVAL", "InvalidInput"];
        refused(text!("/dev/null", "/dev/null"), Path::new("/dev/null"), &invalid)?;
        if let Some(device) = an_empty_block_device() {
            refused(text!("an empty block device", "空的块设备"), &device, &invalid)?;
        }
        let file = directory.path().join(OsStr::from_bytes(b"a file named \xff"));
        fs::write(&file, [7])?;
        let got = answer(&file)?;
        ensure(got == Ok(7), || {
            differs(7, &got)
                .given(text!("a file of one byte, whose name is not UTF-8", "只有一个字节的文件，文件名不是 UTF-8"))
                .breaks(
                    "open_at_once",
                    text!(
                        "a path consists of bytes, and they need not be UTF-8: `File::open` takes it as it is",
                        "路径由字节组成，不一定是 UTF-8：`File::open` 直接接受路径本身"
                    ),
                )
        })?;
        refused(
            text!("a path below a regular file", "路径经过一个普通文件"),
            &file.join("below"),
            &["ENOTDIR", "NotADirectory"],
        )
        .map_err(nothing_to_open)?;
        let circle = directory.path().join("circle");
        symlink("circle", &circle)?;
        refused(text!("a symbolic link to itself", "指向自己的符号链接"), &circle, &["ELOOP", "FilesystemLoop"])
            .map_err(nothing_to_open)?;
        let socket = directory.path().join("socket");
        let _listener = UnixListener::bind(&socket)?;
        refused(text!("a socket", "套接字"), &socket, &["ENXIO", "EINVAL", "InvalidInput"]).map_err(nothing_to_open)?;
        let path = directory.path().join("fifo");
        mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR)?;
        // Linux opens a FIFO for reading and writing without waiting (fifo(7)).
        let mut fifo = File::options().read(true).write(true).custom_flags(libc::O_NONBLOCK).open(&path)?;
        fifo.write_all(b"for another reader")?;
        refused(text!("a FIFO with bytes in it", "里面有数据的 FIFO"), &path, &invalid)?;
        let mut left = [0; 64];
        let count = fifo.read(&mut left).unwrap_or(0);
        ensure(&left[..count] == b"for another reader", || {
            Failure::new(
                text!("what is in the FIFO stays there", "FIFO 里的内容原样留着"),
                text!("{count} of 18 bytes were left", "18 字节只剩 {count} 字节"),
            )
            .given(text!("a FIFO with bytes in it", "里面有数据的 FIFO"))
            .breaks(
                "open_at_once",
                text!(
                    "read(2) takes bytes out of a FIFO: ask what was opened before you read from it",
                    "read(2) 会取走 FIFO 里的数据：要先问打开的是什么，再读"
                ),
            )
        })?;
        // Now no process has it open for writing.
        drop(fifo);
        let described = text!("a FIFO that no process has open for writing", "没有任何进程以写方式打开的 FIFO");
        refused(described, &path, &invalid).map_err(|failure| {
            let waits = failure.verdict == Verdict::TimedOut;
            if waits { failure.shows(&belief::OPEN_NEVER_WAITS) } else { failure }
        })
    });
}
