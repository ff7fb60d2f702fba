use super::*;

const SHRINK: SealFlag = SealFlag::F_SEAL_SHRINK;
const WRITE: SealFlag = SealFlag::F_SEAL_WRITE;
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

/// The result alone.
fn answer_to(file: &File, at_most: usize) -> Result<Result<(), String>, Failure> {
    let socket = sent(file)?;
    ask(|| receive_sealed(&socket, at_most).map(drop).map_err(named))
}

#[test]
fn a_sealed_file_is_mapped() {
    let rule = text!(
        "memfd_create(2), file sealing: with F_SEAL_SHRINK and F_SEAL_WRITE the receiver need not fear SIGBUS or \
         changes.",
        "memfd_create(2) 的文件密封（file sealing）：有了 F_SEAL_SHRINK 和 F_SEAL_WRITE，接收方就不必担心 SIGBUS 或内容被改。"
    );
    check("6:ways_out", rule, || {
        let describe =
            |length: &usize| text!("a sealed memory file of {length} bytes", "{length} 字节的已密封内存文件");
        all_of(lengths(), &describe, &|&length| {
            let bytes = pattern(length);
            let mut file = sealed(&bytes, SHRINK | WRITE)?;
            let offset = io::Seek::stream_position(&mut file)?;
            let socket = sent(&file)?;
            let seen = ask(|| {
                let before = open_descriptors().map_err(named)?;
                let mapping = receive_sealed(&socket, length).map_err(named)?;
                let after = open_descriptors().map_err(named)?;
                let areas = maps_of(mapping.range()).map_err(named)?;
                let is_the_file = mapped_bytes().map_err(named)? == whole_pages(length)
                    && areas.iter().all(|area| area.name().contains(NAME));
                let permissions = areas.first().map(Area::permissions);
                let differs = difference(&loaded(&mapping), &bytes);
                Ok((mapping.length(), differs, is_the_file, permissions, before, after))
            })?;
            let (found, differs, is_the_file, permissions, before, after) = match seen {
                Ok(seen) => seen,
                Err(error) => return expect_ok(&Err(error)),
            };
            ensure(found == length && differs.is_none(), || {
                Failure::new(
                    text!("a mapping of its {length} bytes", "映射其全部 {length} 字节"),
                    text!("a mapping of {found} bytes, or of different bytes", "映射了 {found} 字节，或者内容不同"),
                )
            })?;
            ensure(is_the_file, || {
                Failure::new(
                    text!("the file itself is mapped, once", "映射的是文件本身，而且只映射一次"),
                    text!("the bytes are in a copy, or are mapped twice", "得到的是副本，或者映射了两次"),
                )
            })?;
            ensure(permissions.as_deref() == Some("r--p"), || {
                let permissions = permissions.unwrap_or_default();
                Failure::new(
                    text!("a private mapping for reading (r--p)", "只读的私有映射（r--p）"),
                    text!(
                        "it is {permissions}; before Linux 6.7 a shared mapping of a write-sealed file is EPERM",
                        "它是 {permissions}；在 Linux 6.7 之前，对设了 F_SEAL_WRITE 的文件建立共享映射会得到 EPERM"
                    ),
                )
            })?;
            ensure(before == after, || {
                Failure::new(
                    text!(
                        "the mapping alone holds the file: {before} descriptors",
                        "只由映射持有文件：描述符仍是 {before} 个"
                    ),
                    text!("there are {after} descriptors", "描述符有 {after} 个"),
                )
            })?;
            ensure(io::Seek::stream_position(&mut file)? == offset, || {
                Failure::new(
                    text!("the sender's offset stays where it was", "发送方的偏移量保持不动"),
                    text!("it has moved", "它被移动了"),
                )
                .shows(&belief::EACH_DESCRIPTOR_HAS_ITS_OFFSET)
            })
        })
    });
}

#[test]
fn both_seals_are_needed_and_no_others() {
    let rule = text!(
        "F_GET_SEALS in fcntl(2) returns a set. F_SEAL_FUTURE_WRITE does not affect writable mappings that exist \
         already.",
        "fcntl(2) 的 F_GET_SEALS 给出一个集合。F_SEAL_FUTURE_WRITE 管不到已经存在的可写映射。"
    );
    check("6:ways_out", rule, || {
        let future = SealFlag::F_SEAL_FUTURE_WRITE;
        let all = [SHRINK, WRITE, SealFlag::F_SEAL_GROW, SealFlag::F_SEAL_SEAL, future];
        let subsets = (0..1 << all.len()).map(|set: u32| {
            let chosen = (0..).zip(all).filter(|(n, _)| set >> n & 1 == 1);
            chosen.fold(SealFlag::empty(), |seals, (_, seal)| seals | seal)
        });
        let describe = |seals: &SealFlag| {
            let names: Vec<_> = seals.iter_names().map(|(name, _)| name).collect();
            if names.is_empty() {
                text!("a memory file without seals", "没有密封的内存文件")
            } else {
                text!("a memory file with {}", "内存文件，密封为 {}", names.join(" | "))
            }
        };
        for_each(subsets, describe, |&seals| {
            let file = sealed(&pattern(page_size()), seals)?;
            let before = fcntl(&file, FcntlArg::F_GET_SEALS)?;
            let answer = answer_to(&file, ENOUGH)?;
            if seals.contains(SHRINK | WRITE) {
                expect_ok(&answer)?;
            } else {
                expect_error(&answer, "InvalidData").map_err(|failure| match (&answer, seals.contains(SHRINK)) {
                    (Ok(()), true) if seals.contains(future) => failure.shows(&belief::FUTURE_WRITE_IS_WRITE),
                    (Ok(()), _) => failure.shows(&belief::ANY_SEAL_WILL_DO),
                    _ => failure,
                })?;
            }
            ensure(fcntl(&file, FcntlArg::F_GET_SEALS)? == before, || {
                Failure::new(
                    text!("the file keeps its seals", "文件的密封与收到时相同"),
                    text!("it has different seals now", "它的密封变了"),
                )
            })
        })
    });
}

#[test]
fn a_file_that_cannot_be_trusted_is_refused() {
    let rule = text!(
        "F_GET_SEALS in fcntl(2): EINVAL for a file that has no seals. mmap(2): EINVAL for a length of 0.",
        "fcntl(2) 的 F_GET_SEALS：文件不支持密封时返回 EINVAL。mmap(2)：长度为 0 时返回 EINVAL。"
    );
    check("descriptor", rule, || {
        let page = page_size();
        let good = || sealed(&pattern(page + 1), SHRINK | WRITE);
        expect_ok(&answer_to(&good()?, page + 1)?).map_err(|failure| {
            failure.given(text!("a sealed file of exactly the permitted length", "长度恰好等于上限的已密封文件"))
        })?;
        let cases = [
            (good()?, page, text!("a sealed file that is one byte too long", "比上限多一个字节的已密封文件")),
            (sealed(b"", SHRINK | WRITE)?, page, text!("an empty sealed file", "空的已密封文件")),
            (unnamed_file(&pattern(page))?, page, text!("a regular file", "普通文件")),
            (File::open("/")?, page, text!("a directory", "目录")),
            (File::open("/dev/null")?, page, text!("/dev/null", "/dev/null")),
            (File::from(std::os::fd::OwnedFd::from(io::pipe()?.0)), page, text!("a pipe", "管道")),
        ];
        for_each(
            cases,
            |(.., words)| words.clone(),
            |(file, at_most, _)| expect_error(&answer_to(file, *at_most)?, "InvalidData"),
        )?;
        let (ours, theirs) = UnixStream::pair()?;
        drop(ours);
        let answer = ask(|| receive_sealed(&theirs, ENOUGH).map(drop).map_err(named))?;
        expect_error(&answer, "UnexpectedEof")
            .map_err(|failure| failure.given(text!("a sender that is gone", "发送方已经不在")))
    });
}

#[test]
fn nothing_of_a_refused_file_stays() {
    let rule = text!(
        "munmap(2), close(2): a process that sends a thousand bad files must not fill the receiver's tables.",
        "munmap(2)、close(2)：就算对方发来一千个不合格的文件，也不能把接收方的表填满。"
    );
    check("descriptor", rule, || {
        let page = page_size();
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
            cases,
            |(.., words)| words.clone(),
            |(file, at_most, _)| {
                let sockets = [sent(file)?, sent(file)?, sent(file)?];
                let last = sent(&sealed(b"x", SHRINK | WRITE)?)?;
                let seen = ask(|| {
                    let before = open_descriptors().map_err(error_text)?;
                    for socket in &sockets {
                        // This check does not ask whether it should be refused: a mapping that is returned ends here.
                        drop(receive_sealed(socket, *at_most));
                    }
                    let after = (open_descriptors().map_err(error_text)?, mapped_bytes().map_err(error_text)?);
                    let taken = receive_sealed(&last, 1).map(|mapping| mapping.load(0)).map_err(named);
                    Ok::<_, String>((before, after, taken))
                })?;
                let (before, (after, mapped), taken) = seen.map_err(io::Error::other)?;
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
                        text!("it is not: {taken:?}", "没有接收：{taken:?}"),
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
    check("6:ways_out", rule, || {
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
