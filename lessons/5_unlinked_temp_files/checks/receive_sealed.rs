use super::*;

const SHRINK: SealFlag = SealFlag::F_SEAL_SHRINK;
const WRITE: SealFlag = SealFlag::F_SEAL_WRITE;
/// The mode of the file doesn't change (fcntl(2), since Linux 6.3).
const F_SEAL_EXEC: i32 = 0x20;
const ENOUGH: usize = 1 << 30;

/// A memory file with these bytes and these seals.
fn sealed(bytes: &[u8], seals: SealFlag) -> io::Result<File> {
    let file = memory_file_of(bytes)?;
    fcntl(&file, FcntlArg::F_ADD_SEALS(seals))?;
    Ok(file)
}

/// The receiver's end of a socket over which the file was sent; the sender's end is closed.
fn sent(file: &File) -> io::Result<UnixStream> {
    let (ours, theirs) = UnixStream::pair()?;
    send_file(&ours, file)?;
    Ok(theirs)
}

/// The result alone. The mapping, if there is one, ends at once; nothing else may be left, nor another message received.
fn answer_to(file: &File, at_most: usize) -> Result<Result<(), String>, Failure> {
    let (ours, theirs) = UnixStream::pair()?;
    send_file(&ours, file)?;
    send_file(&ours, &sealed(b"x", SHRINK | WRITE)?)?;
    let offset = io::Seek::stream_position(&mut &*file).ok();
    let (answer, before, after) = ask(|| {
        let before = held().unwrap_or_default();
        let answer = receive_sealed(&theirs, at_most).map(drop).map_err(named);
        (answer, before, held().unwrap_or_default())
    })?;
    expect_nothing_left(before, after)?;
    expect_the_next_message(&theirs)?;
    expect_nothing_heard(&ours)?;
    ensure(io::Seek::stream_position(&mut &*file).ok() == offset, || {
        moves_the_offset(Failure::new(
            text!("the sender's offset stays where it was", "发送方的偏移量保持不动"),
            text!("it has moved", "它被移动了"),
        ))
        .shows(&belief::EACH_DESCRIPTOR_HAS_ITS_OFFSET)
    })?;
    Ok(answer)
}

/// The socket is the caller's.
fn of_the_socket(failure: Failure) -> Failure {
    failure.breaks(
        "descriptor",
        text!(
            "What is received is gone from the socket, and a timeout, O_NONBLOCK or shutdown(2) is of the socket, whoever uses \
             it: one call of receive_file takes one message and leaves the rest.",
            "消息收下就从套接字里消失了；超时、O_NONBLOCK、shutdown(2) 都作用于套接字本身，谁用都一样。调用一次 receive_file，只收一条消息，其余不动。"
        ),
    )
}

/// At the sender's end.
fn expect_nothing_heard(socket: &UnixStream) -> Result<(), Failure> {
    let heard = nix::sys::socket::recv(socket.as_raw_fd(), &mut [0; 8], MsgFlags::MSG_DONTWAIT);
    ensure(heard == Err(Errno::EAGAIN), || {
        of_the_socket(Failure::new(
            text!("the sender receives nothing", "发送方收不到任何东西"),
            match heard {
                Ok(0) | Err(_) => text!("the socket is shut down", "套接字已被关闭（shutdown(2)）"),
                Ok(_) => text!("it has received bytes", "它收到了字节"),
            },
        ))
    })
}

fn expect_the_next_message(socket: &UnixStream) -> Result<(), Failure> {
    // Bytes that are on the way can be looked at without being received.
    let waiting = nix::sys::socket::recv(socket.as_raw_fd(), &mut [0; 8], MsgFlags::MSG_PEEK | MsgFlags::MSG_DONTWAIT);
    ensure(waiting == Ok(1), || {
        of_the_socket(Failure::new(
            text!("the next message is still there", "下一条消息还在"),
            text!("it was received, too", "它也被接收了"),
        ))
    })
}

/// The limit is misread.
fn within_the_limit(failure: Failure) -> Failure {
    if !failure.happened.en.contains("InvalidData") {
        return failure;
    }
    failure.breaks(
        "seals",
        text!(
            "A sealed file of at most `at_most` bytes is accepted, whatever the limit is: both numbers are compared whole, and \
             without a sign.",
            "不超过 `at_most` 字节的已密封文件都要接受，不管上限是多少：两个数都是无符号的，要用全部的位来比较。"
        ),
    )
}

/// What the mapping is of.
fn the_file_itself(failure: Failure) -> Failure {
    failure.breaks(
        "seals",
        text!(
            "Once both seals are there, the file can be used as it is, by one mapping. A copy of it takes as much memory as the \
             sender chooses.",
            "有了这两种密封，文件可以直接用，一个映射就够。另作副本，占用多少内存就由发送方说了算。"
        ),
    )
}

#[test]
fn a_sealed_file_is_mapped() {
    let rule = text!(
        "memfd_create(2), file sealing: with F_SEAL_SHRINK and F_SEAL_WRITE the receiver need not fear SIGBUS or \
         changes.",
        "memfd_create(2) 的文件密封（file sealing）：有了 F_SEAL_SHRINK 和 F_SEAL_WRITE，接收方就不必担心 SIGBUS 或内容被改。"
    );
    check("seals", rule, || {
        let describe = |(length, at_most): &(usize, usize)| {
            text!(
                "a sealed memory file of {length} bytes, of which at most {at_most} are accepted",
                "{length} 字节的已密封内存文件，上限 {at_most} 字节"
            )
        };
        let test = |&(length, at_most): &(usize, usize)| {
            let bytes = pattern(length);
            let mut file = sealed(&bytes, SHRINK | WRITE)?;
            let offset = io::Seek::stream_position(&mut file)?;
            let socket = sent(&file)?;
            let seen = ask(|| {
                let before = open_descriptors().map_err(named)?;
                let mapping = receive_sealed(&socket, at_most).map_err(named)?;
                let after = open_descriptors().map_err(named)?;
                let areas = maps_of(mapping.range()).map_err(named)?;
                let mapped = mapped_bytes().map_err(named)?;
                let is_the_file = areas.iter().all(|area| area.name().contains(NAME));
                let permissions = areas.first().map(Area::permissions);
                let differs = difference(&loaded(&mapping), &bytes);
                Ok((mapping.length(), differs, (is_the_file, mapped), permissions, before, after))
            })?;
            let (found, differs, (is_the_file, mapped), permissions, before, after) = match seen {
                Ok(seen) => seen,
                Err(error) => return expect_ok(&Err(error)).map_err(within_the_limit),
            };
            ensure(found == length && differs.is_none(), || {
                Failure::new(
                    text!("a mapping of its {length} bytes", "映射其全部 {length} 字节"),
                    match found == length {
                        true => text!("it shows other bytes", "映射的内容不同"),
                        false => text!("it has {found} bytes", "映射长 {found} 字节"),
                    },
                )
            })?;
            let pages = whole_pages(length) / page_size();
            ensure(mapped == whole_pages(length) && is_the_file, || {
                let mapped = mapped / page_size();
                the_file_itself(Failure::new(
                    text!(
                        "the file itself is mapped, once; pages: {pages}",
                        "映射的是文件本身，而且只映射一次：共 {pages} 页"
                    ),
                    match mapped {
                        0 => text!("the file is not mapped: the bytes are in a copy", "文件没有被映射：得到的是副本"),
                        _ => text!("mapped pages of it: {mapped}", "映射了它的 {mapped} 页"),
                    },
                ))
            })?;
            ensure(permissions.as_deref() == Some("r--p"), || {
                let permissions = permissions.unwrap_or_default();
                Failure::new(
                    text!("a private mapping for reading (r--p)", "只读的私有映射（r--p）"),
                    match permissions.ends_with('s') {
                        true => text!(
                            "it is {permissions}; before Linux 6.7 a shared mapping of a write-sealed file is EPERM",
                            "它是 {permissions}；在 Linux 6.7 之前，对设了 F_SEAL_WRITE 的文件建立共享映射会得到 EPERM"
                        ),
                        false => text!("it is {permissions}", "它是 {permissions}"),
                    },
                )
                .breaks(
                    "seals",
                    text!(
                        "mmap(2): before Linux 6.7 EPERM for a shared mapping of a file with F_SEAL_WRITE, even for reading. A \
                         private one shows the same, since no byte changes.",
                        "mmap(2)：在 Linux 6.7 之前，带 F_SEAL_WRITE 的文件不能建立共享映射，只读也返回 EPERM。既然内容不会再变，私有映射看到的完全一样。"
                    ),
                )
            })?;
            ensure(before == after, || {
                kept_open(Failure::new(
                    text!(
                        "the mapping alone holds the file: {before} descriptors",
                        "只由映射持有文件：描述符仍是 {before} 个"
                    ),
                    text!("there are {after} descriptors", "描述符有 {after} 个"),
                ))
            })?;
            ensure(io::Seek::stream_position(&mut file)? == offset, || {
                moves_the_offset(Failure::new(
                    text!("the sender's offset stays where it was", "发送方的偏移量保持不动"),
                    text!("it has moved", "它被移动了"),
                ))
                .shows(&belief::EACH_DESCRIPTOR_HAS_ITS_OFFSET)
            })
        };
        let page = page_size();
        // The limit, of which the mapping takes no notice.
        let limits = [3, 4, page, 2 * page, 1 << 31, usize::MAX / 2 + 1, usize::MAX].map(|at_most| (3, at_most));
        for_each(limits.into_iter().chain([(page + 1, page + 1), (page, usize::MAX)]), describe, test)?;
        let values = (lengths(), prop_oneof![Just(0), 1..3 * page]).prop_map(|(length, more)| (length, length + more));
        all_of(values.boxed(), &describe, &test)?;
        let socket = sent(&sealed(b"x", SHRINK | WRITE)?)?;
        needs_no_privilege(|| receive_sealed(&socket, 1).map(drop))
    });
}

#[test]
fn the_sender_and_the_socket_notice_nothing() {
    let rule = text!(
        "unix(7), SCM_RIGHTS: what is received is the sender's open file description, with its offset. fstat(2) and \
         pread(2) leave the offset alone.",
        "unix(7) 的 SCM_RIGHTS：收到的就是发送方的打开文件描述，连同它的偏移量。fstat(2) 和 pread(2) 不会动偏移量。"
    );
    check("descriptor", rule, || {
        let describe = |blocking: &bool| match blocking {
            true => text!("a socket with a timeout", "设了超时的套接字"),
            false => text!("a socket with O_NONBLOCK", "设了 O_NONBLOCK 的套接字"),
        };
        for_each([true, false], describe, |blocking| the_socket_is_as_before(*blocking))
    });
}

fn the_socket_is_as_before(blocking: bool) -> Result<(), Failure> {
    let bytes = pattern(page_size() + 1);
    let mut file = sealed(&bytes, SHRINK | WRITE)?;
    let (ours, theirs) = UnixStream::pair()?;
    send_file(&ours, &file)?;
    send_file(&ours, &file)?;
    if blocking {
        theirs.set_read_timeout(Some(deadline()))?;
        theirs.set_write_timeout(Some(2 * deadline()))?;
    } else {
        theirs.set_nonblocking(true)?;
    }
    let settings = || -> io::Result<_> {
        Ok((theirs.read_timeout()?, theirs.write_timeout()?, fcntl(&theirs, FcntlArg::F_GETFL)?))
    };
    let before = settings()?;
    let offset = io::Seek::seek(&mut file, io::SeekFrom::Start(3))?;
    let mut last = text!("the beginning", "开始");
    let look = |_, call: &Call| {
        let now = io::Seek::stream_position(&mut file)?;
        let Text { en, zh } = std::mem::replace(&mut last, call_name(call.number));
        ensure(now == offset, || {
            Failure::new(
                text!("the sender's offset is {offset} at every moment", "发送方的偏移量在任何时刻都是 {offset}"),
                text!("after {en} it is {now}", "{zh} 之后，它是 {now}"),
            )
            .shows(&belief::EACH_DESCRIPTOR_HAS_ITS_OFFSET)
        })
    };
    before_each_of_few(|| Ok(()), |()| receive_sealed(&theirs, ENOUGH).map(drop).map_err(named), look)?;
    ensure(settings()? == before, || {
        of_the_socket(Failure::new(
            text!("the socket keeps its settings", "套接字的设置保持不变"),
            text!("a timeout, or O_NONBLOCK, is another one", "超时或 O_NONBLOCK 变了"),
        ))
    })?;
    expect_the_next_message(&theirs)?;
    expect_nothing_heard(&ours)?;
    ensure(send_file(&ours, &file).is_ok(), || {
        of_the_socket(Failure::new(
            text!("the sender can go on sending", "发送方还可以继续发送"),
            text!("the socket is shut down", "套接字已被关闭（shutdown(2)）"),
        ))
    })
}

#[test]
fn both_seals_are_needed_and_no_others() {
    let rule = text!(
        "F_GET_SEALS in fcntl(2) returns a set. Without F_SEAL_SHRINK an access may be SIGBUS, without F_SEAL_WRITE a byte \
         may change, also where there is F_SEAL_FUTURE_WRITE; what else is in the set doesn't matter.",
        "fcntl(2) 的 F_GET_SEALS 给出一个集合。没有 F_SEAL_SHRINK，访问时可能 SIGBUS；没有 F_SEAL_WRITE，内容可能改变，哪怕有 F_SEAL_FUTURE_WRITE。集合里还有什么，都无关紧要。"
    );
    check("seals", rule, || {
        let future = SealFlag::F_SEAL_FUTURE_WRITE;
        let all = [SHRINK, WRITE, SealFlag::F_SEAL_GROW, SealFlag::F_SEAL_SEAL, future];
        let subsets = (0..1 << all.len()).map(|set: u32| {
            let chosen = (0..).zip(all).filter(|(n, _)| set >> n & 1 == 1);
            chosen.fold(SealFlag::empty(), |seals, (_, seal)| seals | seal)
        });
        let describe = |seals: &SealFlag| {
            let exec = if seals.bits() & F_SEAL_EXEC == 0 { None } else { Some("F_SEAL_EXEC") };
            let names: Vec<_> = seals.iter_names().map(|(name, _)| name).chain(exec).collect();
            if names.is_empty() {
                text!("a memory file without seals", "没有密封的内存文件")
            } else {
                text!("a memory file with {}", "内存文件，密封为 {}", names.join(" | "))
            }
        };
        // Linux 6.3 has one more, which `SealFlag` doesn't know.
        let exec = SealFlag::from_bits_retain(F_SEAL_EXEC);
        let has_exec = sealed(b"x", exec).is_ok();
        let with_exec = [exec, exec | SHRINK, exec | SHRINK | WRITE].into_iter().filter(|_| has_exec);
        for_each(subsets.chain(with_exec), describe, |&chosen| {
            let file = memory_file_of(&pattern(page_size()))?;
            // To an executable file F_SEAL_EXEC would add others.
            file.set_permissions(fs::Permissions::from_mode(0o600))?;
            fcntl(&file, FcntlArg::F_ADD_SEALS(chosen))?;
            let before = fcntl(&file, FcntlArg::F_GET_SEALS)?;
            let seals = SealFlag::from_bits_retain(before);
            let answer = answer_to(&file, ENOUGH)?;
            ensure(fcntl(&file, FcntlArg::F_GET_SEALS)? == before, || {
                Failure::new(
                    text!("the file keeps its seals", "文件的密封与收到时相同"),
                    text!("it has different seals now", "它的密封变了"),
                )
                .breaks(
                    "seals",
                    text!(
                        "F_ADD_SEALS in fcntl(2): a seal is of the file, so it holds for the sender as well, and nobody can \
                         take it back.",
                        "fcntl(2) 的 F_ADD_SEALS：密封属于文件，对发送方同样有效，而且谁也去不掉。"
                    ),
                )
            })?;
            if seals.contains(SHRINK | WRITE) {
                expect_ok(&answer)
            } else {
                expect_error(&answer, "InvalidData").map_err(|failure| match (&answer, seals.contains(SHRINK)) {
                    (Ok(()), true) if seals.contains(future) => failure.shows(&belief::FUTURE_WRITE_IS_WRITE),
                    (Ok(()), _) => failure.shows(&belief::ANY_SEAL_WILL_DO),
                    _ => failure,
                })
            }
        })
    });
}

#[test]
fn a_file_that_cannot_be_trusted_is_refused() {
    let rule = text!(
        "F_GET_SEALS in fcntl(2): EINVAL for a file that can't be sealed. One on a tmpfs has F_SEAL_SEAL, and no other seal.",
        "fcntl(2) 的 F_GET_SEALS：文件不能密封时返回 EINVAL；tmpfs 上的文件有 F_SEAL_SEAL，别的密封都没有。"
    );
    let too_long = |failure: Failure| {
        failure.breaks(
            "seals",
            text!(
                "The sender chooses the length of the file, from 0 (mmap(2): EINVAL) to more than 32 bits can hold. fstat(2) \
                 says it, once it can no longer shrink.",
                "文件有多长由发送方决定，可以是 0（mmap(2) 返回 EINVAL），也可以超出 32 位能表示的范围。等它不会再变小之后，用 fstat(2) 查。"
            ),
        )
    };
    check("seals", rule, || {
        let page = page_size();
        let good = || sealed(&pattern(page + 1), SHRINK | WRITE);
        expect_ok(&answer_to(&good()?, page + 1)?).map_err(|failure| {
            too_long(failure)
                .given(text!("a sealed file of exactly the permitted length", "长度恰好等于上限的已密封文件"))
        })?;
        // It takes no memory: it has no bytes but holes.
        let long = |length: u64| -> io::Result<File> {
            let file = memory_file(NAME)?;
            file.set_len(length)?;
            fcntl(&file, FcntlArg::F_ADD_SEALS(SHRINK | WRITE))?;
            Ok(file)
        };
        let opened = |how: &mut OpenOptions| -> io::Result<File> {
            let file = good()?;
            how.open(format!("/proc/self/fd/{}", file.as_raw_fd()))
        };
        let cases = [
            (good()?, page, text!("a sealed file that is one byte too long", "比上限多一个字节的已密封文件")),
            (
                sealed(&pattern(5), SHRINK | WRITE)?,
                4,
                text!("a sealed file of 5 bytes, where at most 4 are accepted", "5 字节的已密封文件，上限 4 字节"),
            ),
            (long((4 << 30) + 3)?, page, text!("a sealed file of 4 GiB and 3 bytes", "4 GiB 零 3 字节的已密封文件")),
            (sealed(b"", SHRINK | WRITE)?, page, text!("an empty sealed file", "空的已密封文件")),
            (unnamed_file(&pattern(page))?, page, text!("a regular file", "普通文件")),
            (File::open("/")?, page, text!("a directory", "目录")),
            (File::open("/dev/null")?, page, text!("/dev/null", "/dev/null")),
            (File::from(std::os::fd::OwnedFd::from(io::pipe()?.0)), page, text!("a pipe", "管道")),
        ];
        for_each(
            cases,
            |(.., words)| words.clone(),
            |(file, at_most, _)| {
                let expected = expect_error(&answer_to(file, *at_most)?, "InvalidData");
                let has_seals = fcntl(file, FcntlArg::F_GET_SEALS).is_ok_and(|seals| seals & WRITE.bits() != 0);
                if has_seals { expected.map_err(too_long) } else { expected }
            },
        )?;
        let (ours, theirs) = UnixStream::pair()?;
        drop(ours);
        let answer = ask(|| receive_sealed(&theirs, ENOUGH).map(drop).map_err(named))?;
        expect_error(&answer, "UnexpectedEof")
            .map_err(|failure| of_a_message(failure).given(text!("a sender that is gone", "发送方已经不在")))?;
        let path = opened(OpenOptions::new().read(true).custom_flags(libc::O_PATH))?;
        let answer = answer_to(&path, page + 1)?;
        expect_error(&answer, "EBADF").or_else(|_| expect_error(&answer, "InvalidData")).map_err(|failure| {
            let rule = text!(
                "open(2), O_PATH: such a descriptor only says where a file is. F_GET_SEALS and mmap(2) are EBADF.",
                "open(2) 的 O_PATH：这样的描述符只表示文件的位置，对它 F_GET_SEALS 和 mmap(2) 都返回 EBADF。"
            );
            let given = text!("a sealed file, opened with O_PATH", "用 O_PATH 打开的已密封文件");
            failure.breaks("seals", rule).given(given)
        })?;
        let write_only = opened(OpenOptions::new().write(true))?;
        expect_error(&answer_to(&write_only, page + 1)?, "EACCES").map_err(|failure| {
            let rule = text!(
                "mmap(2): EACCES when the descriptor isn't open for reading. The error goes to the caller as it came.",
                "mmap(2)：描述符不是以可读方式打开的，就返回 EACCES。错误原样交给调用者。"
            );
            let given = text!("a sealed file, opened for writing only", "只写方式打开的已密封文件");
            failure.breaks("2:protection", rule).given(given)
        })?;
        a_message_without_one_file_is_refused(&good()?)?;
        each_file_is_looked_at(&good()?)
    });
}

/// An error of `receive_file`, or its work, is lost.
fn of_a_message(failure: Failure) -> Failure {
    failure.breaks(
        "descriptor",
        text!(
            "unix(7), SCM_RIGHTS: a message may carry no descriptor, or several, or may never come; each that came is in this \
             process's table. receive_file closes them, and its error goes to the caller as it came.",
            "unix(7) 的 SCM_RIGHTS：消息里可能没有描述符，可能有好几个，也可能根本没有消息；收到的都已进了本进程的描述符表。receive_file 会关闭它们，它的错误要原样交给调用者。"
        ),
    )
}

/// What `receive_file` refuses, or waits for.
fn a_message_without_one_file_is_refused(good: &File) -> Result<(), Failure> {
    let cases = [
        (0, "InvalidData", text!("a message with no descriptor", "没有带描述符的消息")),
        (
            2,
            "InvalidData",
            text!("a message with two descriptors of a sealed file", "带两个描述符的消息，都指向已密封的文件"),
        ),
        (
            1,
            "WouldBlock",
            text!("no message, and a socket with a timeout of 10 ms", "没有消息，套接字的超时为 10 毫秒"),
        ),
    ];
    for_each(
        cases,
        |(.., words)| words.clone(),
        |(count, error, _)| {
            let (ours, theirs) = UnixStream::pair()?;
            if *error == "WouldBlock" {
                theirs.set_read_timeout(Some(Duration::from_millis(10)))?;
            } else {
                let descriptors = vec![good.as_raw_fd(); *count];
                let rights = [ControlMessage::ScmRights(&descriptors)];
                let rights = if *count == 0 { &[] } else { rights.as_slice() };
                sendmsg::<UnixAddr>(ours.as_raw_fd(), &[IoSlice::new(b"f")], rights, MsgFlags::empty(), None)?;
            }
            let (answer, before, after) = ask(|| {
                let before = open_descriptors().unwrap_or_default();
                let answer = receive_sealed(&theirs, ENOUGH).map(drop).map_err(named);
                (answer, before, open_descriptors().unwrap_or_default())
            })?;
            expect_error(&answer, error).and_then(|()| expect_none_left_open(before, after)).map_err(of_a_message)
        },
    )
}

/// A good file, then others, in one process.
fn each_file_is_looked_at(good: &File) -> Result<(), Failure> {
    let bad = sealed(&pattern(page_size()), SHRINK)?;
    let shorter = sealed(&pattern(9), SHRINK | WRITE)?;
    let sockets = [sent(good)?, sent(&bad)?, sent(&shorter)?];
    let answers = ask(|| {
        let lengths = sockets.each_ref().map(|socket| receive_sealed(socket, ENOUGH).map(|mapping| mapping.length()));
        lengths.map(|length| length.map_err(named))
    })?;
    let [first, second, third] = answers;
    let given = |nth: usize| {
        move |failure: Failure| {
            let rule = text!(
                "Seals and a length are of one file: each file needs both seals, whatever the one before it had.",
                "密封和长度都属于某一个文件：每个文件都要有这两种密封，之前收到的文件怎样都不算数。"
            );
            failure.breaks("seals", rule).given(text!(
                "three files, one after the other in one process: a sealed one, one without F_SEAL_WRITE, a sealed one of 9 bytes; \
                 this is no. {nth}",
                "同一进程依次收到三个文件：已密封的，没有 F_SEAL_WRITE 的，9 字节且已密封的；这是第 {nth} 个"
            ))
        }
    };
    expect_ok(&first.map(drop)).map_err(given(1))?;
    expect_error(&second.map(drop), "InvalidData").map_err(given(2))?;
    ensure(third == Ok(9), || {
        let happened = match &third {
            Ok(length) => text!("it has {length} bytes", "它长 {length} 字节"),
            Err(error) => text!("it is the error {error}", "返回错误 {error}"),
        };
        given(3)(Failure::new(text!("the third mapping has 9 bytes", "第三个映射长 9 字节"), happened))
    })
}

#[test]
fn nothing_of_a_refused_file_stays() {
    let rule = text!(
        "munmap(2), close(2): a process that sends a thousand bad files must not fill the receiver's tables.",
        "munmap(2)、close(2)：就算对方发来一千个不合格的文件，也不能把接收方的表填满。"
    );
    check("descriptor", rule, || {
        let page = page_size();
        // They take no memory: they have no bytes but holes. The lower 32 bits of the lengths and the limits are in
        // another order, with a sign or without.
        let long = [(64 << 20, ENOUGH as u64), (3 << 30, 5 << 30), ((4 << 30) + 3, 6 << 30)];
        let long = long.into_iter().filter_map(|(length, at_most)| Some((length, usize::try_from(at_most).ok()?)));
        let long = long.map(|(length, at_most)| -> io::Result<_> {
            let file = memory_file(NAME)?;
            file.set_len(length)?;
            fcntl(&file, FcntlArg::F_ADD_SEALS(SHRINK | WRITE))?;
            let words = text!(
                "a sealed file of {length} bytes, of which at most {at_most} are accepted, where 16 MiB of addresses are left",
                "{length} 字节的已密封文件，上限 {at_most} 字节，只剩 16 MiB 地址空间"
            );
            Ok((file, at_most, words))
        });
        let cases = [
            (sealed(&pattern(page), SHRINK)?, ENOUGH, text!("a file without F_SEAL_WRITE", "没有 F_SEAL_WRITE 的文件")),
            (
                sealed(&pattern(page), WRITE)?,
                ENOUGH,
                text!("a file without F_SEAL_SHRINK", "没有 F_SEAL_SHRINK 的文件"),
            ),
            (sealed(&pattern(page), SHRINK | WRITE)?, 1, text!("a file that is too long", "过长的文件")),
        ];
        for_each(
            cases.into_iter().chain(long.collect::<io::Result<Vec<_>>>()?),
            |(.., words)| words.clone(),
            |(file, at_most, _)| {
                let sockets = [sent(file)?, sent(file)?, sent(file)?];
                let last = sent(&sealed(b"x", SHRINK | WRITE)?)?;
                let seen = ask_with_memory(16 << 20, || {
                    let before = open_descriptors().map_err(error_text)?;
                    let mut answer = Ok(());
                    for socket in &sockets {
                        // What should have been refused is for another check: a mapping that is returned ends here.
                        answer = receive_sealed(socket, *at_most).map(drop).map_err(named);
                    }
                    let after = (open_descriptors().map_err(error_text)?, mapped_bytes().map_err(error_text)?);
                    let taken = receive_sealed(&last, 1).map(|mapping| mapping.load(0)).map_err(named);
                    Ok::<_, String>((before, after, taken, answer))
                })?;
                let (before, (after, mapped), taken, answer) = seen.map_err(io::Error::other)?;
                if file.metadata()?.len() > 16 << 20 {
                    expect_error(&answer, "ENOMEM").map_err(|failure| {
                        let rule = text!(
                            "mmap(2): ENOMEM when no range of addresses of that length is free. A length has more than 32 bits.",
                            "mmap(2)：没有那么长的空闲地址时返回 ENOMEM。长度可以超过 32 位。"
                        );
                        failure.breaks("growing", rule)
                    })?;
                }
                ensure(before == after && mapped == 0, || {
                    Failure::new(
                        text!(
                            "after three of them: {before} descriptors, and nothing of them mapped",
                            "收到三次之后：描述符 {before} 个，没有映射它的任何一页"
                        ),
                        text!(
                            "{after} descriptors, {mapped} bytes mapped",
                            "描述符 {after} 个，还映射着 {mapped} 字节"
                        ),
                    )
                })?;
                ensure(taken == Ok(b'x'), || {
                    Failure::new(
                        text!("the next file, a good one, is accepted", "下一个合格的文件照常接收"),
                        match &taken {
                            Ok(_) => text!("its byte is another one", "它的字节不对"),
                            Err(error) => text!("it is the error {error}", "返回错误 {error}"),
                        },
                    )
                })
            },
        )
    });
}

#[test]
fn the_length_is_asked_for_when_it_can_no_longer_shrink() {
    let rule = text!(
        "A length is valid only for the moment. Once F_SEAL_SHRINK is known to be set (fcntl(2)), the file can't \
         become shorter.",
        "查到的长度只在那一刻有效。确认有 F_SEAL_SHRINK（fcntl(2)）之后，它才不会再变小。"
    );
    check("seals", rule, || {
        let file = sealed(&pattern(3 * page_size()), SHRINK | WRITE)?;
        let socket = sent(&file)?;
        let calls = calls_of(|| Ok(()), |()| receive_sealed(&socket, ENOUGH).map(drop).map_err(named))?;
        let get_seals: u64 = libc::F_GET_SEALS.unsigned_abs().into();
        let sealed = calls
            .iter()
            .position(|call| call.number == libc::SYS_fcntl && call.arguments[1] == get_seals && call.answer >= 0);
        let Some(sealed) = sealed else {
            return Err(Failure::new(
                text!("it asks for the seals: fcntl(2), F_GET_SEALS", "查询密封：fcntl(2) 的 F_GET_SEALS"),
                text!("it doesn't", "没有查询"),
            )
            .shows(&belief::ANY_SEAL_WILL_DO));
        };
        let length = calls.iter().rposition(|call| asks_for_a_length(call.number));
        ensure(length.is_some_and(|length| length > sealed), || {
            Failure::new(
                text!("the length is asked for after the seals", "先查密封，再查长度"),
                text!(
                    "it is asked for before them: in between, the sender may truncate the file and then seal it",
                    "长度查得早了：发送方可以趁这中间先截断文件，再把它密封"
                ),
            )
            .shows(&belief::A_LENGTH_STAYS)
        })
    });
}

fn asks_for_a_length(call: i64) -> bool {
    let mut calls = vec![libc::SYS_statx, libc::SYS_fstat, libc::SYS_lseek];
    #[cfg(target_pointer_width = "64")]
    calls.push(libc::SYS_newfstatat);
    calls.sort_unstable();
    calls.contains(&call)
}
