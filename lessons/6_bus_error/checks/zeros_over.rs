use super::*;

/// Enough that a page number can end in any three bits, and that each has a page on both sides.
const PAGES: usize = 8;

/// Three pages of a file.
fn mapped(file: &File) -> Result<Mapping, Errno> {
    Mapping::of_file(file, 0, 3 * page_size(), READ_WRITE, Sharing::Shared)
}

#[test]
fn replaces_the_page_and_no_other() {
    let law = text!(
        "mmap(2): MAP_FIXED replaces what is mapped at that address, which is a multiple of the page size",
        "mmap(2)：MAP_FIXED 替换该地址上原有的映射，地址必须是页大小的整数倍"
    );
    check("2:fixed", law, || {
        let page = page_size();
        let places = [0, 1, 77, page - 1, page / 2, 8];
        for_each(
            (1..PAGES - 1).map(|number| number * page + places[number % places.len()]),
            |at| text!("the byte at {at} of a mapping of {PAGES} pages", "{PAGES} 页映射中偏移量 {at} 处的地址"),
            |&at| {
                let before = pattern(PAGES * page);
                let (_directory, path, file) = named_file(&before)?;
                let (done, shown, grown) = ask(|| -> Result<_, String> {
                    let mapping = mapped_whole(&file, Sharing::Shared).map_err(error_text)?;
                    let areas =
                        || maps_of(0..usize::MAX).map(|areas| areas.iter().map(|area| area.range().len()).sum());
                    let before: usize = areas().map_err(error_text)?;
                    // SAFETY: the page is in our mapping, which hands out no reference to its bytes.
                    let done = unsafe { super::zeros_over(mapping.address() + at) };
                    // Not where the lower half of the address is.
                    let low = (mapping.address() + at) & 0xffff_ffff;
                    let cut = !maps_of(low..low + 1).map_err(error_text)?.is_empty();
                    let grown = areas().map_err(error_text)? > before && !cut;
                    let shown = loaded(&mapping);
                    // Which stores reach the file?
                    (0..PAGES).for_each(|n| mapping.store(n * page + 9, b'!'));
                    Ok((done.map_err(|errno| kind(errno.into())), shown, grown))
                })?
                .map_err(io::Error::other)?;
                no_error(done)?;
                let (mut wanted, start) = (before.clone(), at - at % page);
                wanted[start..start + page].fill(0);
                same_bytes(text!("the mapping", "映射"), &shown, &wanted).map_err(|failure| {
                    // Nothing has changed, and something is mapped somewhere else.
                    if shown == before && grown { failure.shows(&belief::ADDRESS_IS_AN_ORDER) } else { failure }
                })?;
                let mut stored = before.clone();
                (0..PAGES).filter(|n| n * page != start).for_each(|n| stored[n * page + 9] = b'!');
                let after = fs::read(&path)?;
                ensure(after == stored, || {
                    let at = difference(&after, &stored).map_or(0, |differs| differs.at);
                    Failure::new(
                        text!(
                            "stores reach the file from every other page, and not from the page of zeros",
                            "写其他各页会进入文件，写这个零页不会"
                        ),
                        text!(
                            "after a store to byte 9 of each page, the file differs from that at byte {at}",
                            "往每一页的第 9 字节写过之后，文件在偏移量 {at} 处与此不符"
                        ),
                    )
                })
                .map_err(private_and_writable)
            },
        )
    });
}

#[test]
fn helps_where_the_file_has_no_page() {
    let law = text!(
        "POSIX, mmap(): whole pages past the end of the object are SIGBUS, for loads and for stores",
        "POSIX mmap()：对象末尾之后的整页，无论读写都触发 SIGBUS"
    );
    check("deaths", law, || {
        for_each(
            [0, 1, page_size()],
            |size| {
                let Text { en, zh } = bytes_in_words(*size);
                text!("a file of {en}, and page 1 of a mapping of three", "{zh}的文件，三页映射中的第 1 页")
            },
            |&size| {
                let (_directory, _, file) = named_file(&pattern(size))?;
                let (done, shown, again, area) = ask(|| -> Result<_, String> {
                    let mapping = mapped(&file).map_err(error_text)?;
                    // SAFETY: the page is in our mapping, which hands out no reference to its bytes.
                    let done = unsafe { super::zeros_over(mapping.address() + page_size() + 3) };
                    let there = mapping.address() + page_size();
                    let area = maps_of(there..there + 1).map_err(error_text)?.first().map(|area| area.permissions());
                    let shown = done.is_ok().then(|| mapping.load(page_size() + 3));
                    let again = done.and_then(|()| {
                        if area.as_deref() == Some("rw-p") {
                            mapping.store(page_size() + 3, b'!');
                        }
                        // SAFETY: as above.
                        unsafe { super::zeros_over(mapping.address() + page_size() + 3) }
                    });
                    let again = again.map(|()| mapping.load(page_size() + 3)).map_err(|errno| kind(errno.into()));
                    Ok((done.map_err(|errno| kind(errno.into())), shown, again, area))
                })
                .map_err(replaces_a_whole_page)?
                .map_err(io::Error::other)?;
                no_error(done).map_err(replaces_a_whole_page)?;
                ensure(shown == Some(0), || {
                    let shown = shown.unwrap_or_default();
                    Failure::new(
                        text!("a load from byte 3 of the page gives 0", "读该页的第 3 字节得到 0"),
                        text!("it gave {shown}", "得到 {shown}"),
                    )
                })?;
                ensure(area.as_deref() == Some("rw-p"), || {
                    Failure::new(
                        text!("the page is private, for reading and writing: rw-p", "该页私有、可读可写：rw-p"),
                        text!("/proc/self/maps has {}", "/proc/self/maps 里是 {}", area.as_deref().unwrap_or_default()),
                    )
                })
                .map_err(private_and_writable)?;
                ensure(again == Ok(0), || {
                    let again = again.map_or_else(|error| error, |byte| byte.to_string());
                    Failure::new(
                        text!(
                            "after a store to the page of zeros, a second call replaces it: the byte is 0 again",
                            "往零页写过之后再次调用，应当又换成新的零页，该字节重新为 0"
                        ),
                        text!("the second call gave {again}", "第二次调用之后是 {again}"),
                    )
                })
                .map_err(|failure| {
                    let rule = text!(
                        "mmap(2): MAP_FIXED replaces whatever is mapped there, a page of zeros like any other",
                        "mmap(2)：MAP_FIXED 替换那里原有的映射，不管是什么，零页也不例外"
                    );
                    failure.breaks("2:fixed", rule)
                })?;
                let now = file.metadata()?.len();
                ensure(now == wide(size), || {
                    Failure::new(
                        text!("the size of the file is still {size}", "文件大小仍是 {size}"),
                        text!("it is {now}", "变成了 {now}"),
                    )
                })
                .map_err(|failure| {
                    let rule = text!(
                        "ftruncate(2) changes the file for every process; mmap(2) changes the addresses of this one alone",
                        "ftruncate(2) 改变的是文件，人人都受影响；mmap(2) 改变的只是本进程的地址"
                    );
                    failure.breaks("2:fixed", rule)
                })
            },
        )
    });
}

/// The rule for the address.
fn replaces_a_whole_page(failure: Failure) -> Failure {
    failure.breaks(
        "2:fixed",
        text!(
            "mmap(2): MAP_FIXED replaces what is mapped at that address, which is a multiple of the page size; without it \
             the address is a hint",
            "mmap(2)：MAP_FIXED 替换该地址上原有的映射，地址必须是页大小的整数倍；不带它，地址只是提示"
        ),
    )
}

/// The rule for what the page of zeros is.
fn private_and_writable(failure: Failure) -> Failure {
    failure.breaks(
        "2:fixed",
        text!(
            "mmap(2): a page with MAP_PRIVATE and MAP_ANONYMOUS belongs to no file; PROT_READ and PROT_WRITE allow both \
             kinds of access",
            "mmap(2)：带 MAP_PRIVATE 和 MAP_ANONYMOUS 的页不属于任何文件；PROT_READ 与 PROT_WRITE 一起，读写才都允许"
        ),
    )
}

/// Whether the page is a private one for reading and writing, where nothing is in the way.
fn makes_a_private_page() -> Result<bool, Failure> {
    let (_directory, _, file) = named_file(&pattern(3 * page_size()))?;
    let permissions = ask(|| -> Result<_, String> {
        let mapping = mapped(&file).map_err(error_text)?;
        let address = mapping.address() + page_size();
        // SAFETY: the page is in our mapping, which hands out no reference to its bytes.
        let _ = unsafe { super::zeros_over(address) };
        Ok(maps_of(address..address + 1).map_err(error_text)?.first().map(|area| area.permissions()))
    });
    knows_the_basics(permissions.and_then(|permissions| {
        equal(
            &permissions.is_ok_and(|bits| bits.is_some_and(|bits| bits.starts_with("rw") && bits.ends_with('p'))),
            &true,
        )
    }))
}

/// How mmap(2) is made to fail.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Refusal {
    /// The process may have no more private memory (RLIMIT_DATA).
    NoMemory,
    /// The system refuses the call (seccomp(2)).
    Denied,
}

#[test]
fn returns_the_errors_of_mmap() {
    let law = text!(
        "mmap(2): on error it returns MAP_FAILED, which is not a null pointer, and errno says why",
        "mmap(2)：出错时返回 MAP_FAILED（不是空指针），原因在 errno 里"
    );
    check("2:refusals", law, || {
        // Only memory of the process's own is limited. Where the page is another one, another check says so.
        if !makes_a_private_page()? {
            return Ok(());
        }
        for_each(
            [Refusal::NoMemory, Refusal::Denied],
            |refusal| match refusal {
                Refusal::NoMemory => text!(
                    "a process that may have no more private memory (RLIMIT_DATA)",
                    "进程的私有内存已到上限（RLIMIT_DATA）"
                ),
                Refusal::Denied => {
                    text!(
                        "a process to which mmap(2) is forbidden: EPERM (seccomp(2))",
                        "进程被禁止调用 mmap(2)：EPERM（seccomp(2)）"
                    )
                }
            },
            |refusal| {
                let (_directory, _, file) = named_file(&pattern(3 * page_size()))?;
                let done = ask(|| -> Result<_, String> {
                    let mapping = std::mem::ManuallyDrop::new(mapped(&file).map_err(error_text)?);
                    let address = mapping.address() + page_size();
                    let errno = match refusal {
                        Refusal::NoMemory => {
                            let (_, hard) = getrlimit(Resource::RLIMIT_DATA).map_err(error_text)?;
                            setrlimit(Resource::RLIMIT_DATA, page_size_u64(), hard).map_err(error_text)?;
                            Errno::ENOMEM
                        }
                        Refusal::Denied => {
                            refuse(&[libc::SYS_mmap], On::Everything, Errno::EPERM).map_err(error_text)?;
                            Errno::EPERM
                        }
                    };
                    // SAFETY: the page is in our mapping, which hands out no reference to its bytes.
                    let done = unsafe { super::zeros_over(address) };
                    let (_, hard) = getrlimit(Resource::RLIMIT_DATA).map_err(error_text)?;
                    setrlimit(Resource::RLIMIT_DATA, hard, hard).map_err(error_text)?;
                    Ok((done.map_err(|errno| kind(errno.into())), kind(errno.into())))
                })?;
                let (done, errno) = done.map_err(io::Error::other)?;
                refused(&done, &[&errno])
            },
        )
    });
}

#[test]
fn is_one_call_of_mmap() {
    let law = text!(
        "mmap(2): with MAP_FIXED the old pages go in the same call; between munmap(2) and mmap(2) another thread \
         may take the addresses",
        "mmap(2)：带 MAP_FIXED 时旧页在同一次调用中被替换；先 munmap(2) 再 mmap(2)，中间地址可能被别的线程占走"
    );
    check("2:fixed", law, || {
        let (_directory, _, file) = named_file(&pattern(3 * page_size()))?;
        let calls = calls_of(
            || mapped(&file).map_err(io::Error::from),
            |mapping| {
                let address = mapping.address() + page_size();
                // Unmapping it would be one more call.
                std::mem::forget(mapping);
                // SAFETY: the page is in our mapping, to which nothing refers any more.
                unsafe { super::zeros_over(address) }.map_err(error_text)
            },
        )?;
        only_mmap(&calls)?;
        // The same where it fails: for a process that may have no more private memory.
        let limited = calls_of(
            || {
                let mapping = std::mem::ManuallyDrop::new(mapped(&file)?);
                let (_, hard) = getrlimit(Resource::RLIMIT_DATA)?;
                setrlimit(Resource::RLIMIT_DATA, page_size_u64(), hard)?;
                Ok((mapping.address() + page_size(), hard))
            },
            |(address, hard)| {
                // SAFETY: the page is in our mapping, to which nothing refers any more.
                let _ = unsafe { super::zeros_over(address) };
                setrlimit(Resource::RLIMIT_DATA, hard, hard).map_err(error_text)
            },
        )?;
        // The last one is our setrlimit(2).
        only_mmap(&limited[..limited.len().saturating_sub(1)]).map_err(|failure| {
            failure.given(text!(
                "a process that may have no more private memory (RLIMIT_DATA)",
                "进程的私有内存已到上限（RLIMIT_DATA）"
            ))
        })
    });
}

fn only_mmap(calls: &[Call]) -> Result<(), Failure> {
    let numbers: Vec<i64> = calls.iter().map(|call| call.number).collect();
    ensure(numbers == [libc::SYS_mmap], || {
        let names: Vec<_> = numbers.iter().map(|&number| name_of(number)).collect();
        let names = names.join(", ");
        let happened = match numbers.len() {
            0 => text!("no system call", "没有系统调用"),
            _ => text!("the calls {names}", "依次调用了 {names}"),
        };
        let failure = Failure::new(text!("one system call: mmap(2)", "只有一次系统调用：mmap(2)"), happened);
        if numbers.contains(&libc::SYS_munmap) { failure.shows(&belief::ADDRESSES_WAIT_FOR_ME) } else { failure }
    })
}

/// The name of a system call that an answer may make here; of another one the number.
fn name_of(number: i64) -> String {
    let names = [
        (libc::SYS_mmap, "mmap(2)"),
        (libc::SYS_munmap, "munmap(2)"),
        (libc::SYS_mremap, "mremap(2)"),
        (libc::SYS_mprotect, "mprotect(2)"),
        (libc::SYS_madvise, "madvise(2)"),
        (libc::SYS_mincore, "mincore(2)"),
        (libc::SYS_msync, "msync(2)"),
        (libc::SYS_openat, "openat(2)"),
        (libc::SYS_close, "close(2)"),
        (libc::SYS_read, "read(2)"),
        (libc::SYS_write, "write(2)"),
        (libc::SYS_brk, "brk(2)"),
    ];
    let name = names.iter().find(|(known, _)| *known == number).map(|(_, name)| (*name).to_owned());
    name.unwrap_or_else(|| format!("number {number} of <sys/syscall.h>"))
}
