use super::*;

/// What a child reports after a `grow`: its result, the length of the mapping, and the first byte that differs.
type Seen = (Result<(), String>, usize, Option<Difference>);

fn grown(file: &File, length: usize, wanted: &[u8]) -> Result<Seen, String> {
    let mut mapping = map(file).map_err(error_text)?;
    let answer = grow(file, &mut mapping, length).map_err(named);
    let bytes = loaded(&mapping);
    Ok((answer, mapping.length(), difference(&bytes, wanted)))
}

/// What growing gives.
fn only_what_is_asked_for(failure: Failure) -> Failure {
    failure.breaks(
        "growing",
        text!(
            "fallocate(2), without flags: the file is then at least `offset + length` bytes long; what it had stays as it is, \
             and the new bytes are zeros.",
            "fallocate(2) 不带标志时：文件至少有 `offset + length` 字节；原有的字节不变，新增的字节都是零。"
        ),
    )
}

/// Only the new bytes, or none, have got their space.
fn reserved_from_the_start(failure: Failure) -> Failure {
    failure.breaks(
        "growing",
        text!(
            "fallocate(2): it reserves the range that it is given; holes before that stay holes, and a length of 0 is EINVAL. \
             The range from the start of the file to its new end is never empty.",
            "fallocate(2)：只为指定的范围预留空间，前面的空洞还是空洞；长度为 0 时返回 EINVAL。从文件开头到新的末尾，这个范围永远不会是空的。"
        ),
    )
}

/// The length that the file has already is refused.
fn also_by_nothing(failure: Failure) -> Failure {
    failure.breaks(
        "growing",
        text!(
            "Growing by nothing is no error, with F_SEAL_GROW either: the file may have holes, and they get their space.",
            "长度不变不是错误，带 F_SEAL_GROW 的文件也一样：文件里也许有空洞，空洞要得到空间。"
        ),
    )
}

/// A store, or what others store, goes to another file or to none.
fn not_shared(failure: Failure) -> Failure {
    failure.breaks(
        "growing",
        text!(
            "mmap(2), MAP_SHARED: a store through one mapping of the file is in the file, and so in all the others. A private \
             mapping or a copy of the file keeps it to itself.",
            "mmap(2) 的 MAP_SHARED：通过一个映射写入的内容就在文件里，其他映射都看得到。写进私有映射或文件副本的，别人看不到。"
        ),
    )
}

#[test]
fn the_mapping_shows_the_longer_file() {
    let rule = text!(
        "mmap(2): a mapping keeps the length that it was made with, whatever happens to the file.",
        "mmap(2)：映射的长度在建立时就定下了，文件之后变长变短都与它无关。"
    );
    check("growing", rule, || {
        let lengths = (lengths(), lengths()).prop_map(|(a, b)| (a.min(b), a.max(b))).boxed();
        let describe =
            |(from, to): &(usize, usize)| text!("from {from} to {to} bytes", "从 {from} 字节变长到 {to} 字节");
        let test = |(from, to): &(usize, usize)| {
            let file = unnamed_file(&pattern(*from))?;
            let mut wanted = pattern(*from);
            wanted.resize(*to, 0);
            let seen = ask(|| grown(&file, *to, &wanted))?;
            let (answer, length, differs) = seen.map_err(io::Error::other)?;
            expect_ok(&answer).map_err(|mut failure| {
                if from == to && failure.happened.en.contains("EINVAL") {
                    failure.happened.en.to_mut().push_str(" (fallocate(2) gives that for a length of 0)");
                    failure.happened.zh.to_mut().push_str("（长度为 0 时，fallocate(2) 就返回这个错误）");
                    return reserved_from_the_start(failure);
                }
                if from == to { also_by_nothing(failure) } else { failure }
            })?;
            ensure(length == *to, || {
                let failure = Failure::new(
                    text!("the mapping has {to} bytes", "映射长 {to} 字节"),
                    text!("it has {length} bytes", "它长 {length} 字节"),
                );
                if length == *from { failure.shows(&belief::A_MAPPING_GROWS_WITH_ITS_FILE) } else { failure }
            })?;
            let found = contents(&file)?;
            ensure(found.len() == *to, || {
                let now = found.len();
                only_what_is_asked_for(Failure::new(
                    text!("the file has {to} bytes", "文件长 {to} 字节"),
                    text!("it has {now} bytes", "它长 {now} 字节"),
                ))
            })?;
            no_difference(text!("the file", "文件"), difference(&found, &wanted).or(differs))
                .map_err(only_what_is_asked_for)
        };
        let page = page_size();
        for_each([(page, page + 1), (10, 10), (page - 1, 3 * page)], describe, test)?;
        all_of(lengths, &describe, &test)?;
        let file = unnamed_file(&pattern(page))?;
        needs_no_privilege(|| grow(&file, &mut map(&file)?, 3 * page))
    });
}

#[test]
fn processes_that_mapped_it_before_still_share_it() {
    let rule = text!(
        "mmap(2), MAP_SHARED: every process that maps the same file sees a store. A copy is another file.",
        "mmap(2) 的 MAP_SHARED：凡是映射同一个文件的进程，都能看到写入；而副本是另一个文件。"
    );
    check("growing", rule, || {
        let page = page_size();
        let lengths = [(10, 3 * page), (page, page + 1), (2 * page, 20 * page), (page - 1, page)];
        let describe = |(from, to): &(usize, usize)| {
            text!(
                "a file of {from} bytes that others have mapped, grown to {to}",
                "别的进程已映射的 {from} 字节文件，变长到 {to} 字节"
            )
        };
        for_each(lengths, describe, |&(from, to)| {
            let file = unnamed_file(&pattern(from))?;
            let theirs = map(&file)?;
            let mut player = start(|peer| {
                let mut mapping = map(&file).map_err(error_text)?;
                grow(&file, &mut mapping, to).map_err(error_text)?;
                let areas = maps_of(mapping.range()).map_err(error_text)?;
                let permissions = areas.first().map(Area::permissions).unwrap_or_default();
                mapping.store(from - 1, 255);
                peer.send(permissions.as_bytes()).map_err(error_text)?;
                peer.await_turn().map_err(error_text)?;
                peer.send(&[mapping.load(0)]).map_err(error_text)
            })?;
            let permissions = String::from_utf8_lossy(&player.receive()?).into_owned();
            ensure(!permissions.ends_with('p'), || {
                not_shared(Failure::new(
                    text!("`mapping` is shared", "`mapping` 是共享的"),
                    text!(
                        "it is private ({permissions} in /proc/self/maps)",
                        "它是私有的（/proc/self/maps 中是 {permissions}）"
                    ),
                ))
            })?;
            let replaced = |words| {
                let expected = text!("each sees what the other stores", "双方都能看到对方写入的内容");
                Failure::new(expected, words).shows(&belief::A_COPY_IS_STILL_SHARED)
            };
            ensure(file.metadata()?.len() >= from as u64, || {
                shorter_for_a_moment(Failure::new(
                    text!("no mapping loses a page", "任何进程的映射都不应失去页"),
                    text!("the file is shorter than before", "文件反而变短了"),
                ))
            })?;
            ensure(theirs.load(from - 1) == 255, || {
                replaced(text!("the others do not see what it stored", "它写入的内容，别的进程看不到"))
            })?;
            theirs.store(0, 254);
            player.give_turn()?;
            let heard = player.receive()?;
            ensure(heard == [254], || {
                replaced(text!("it does not see what others store", "它看不到别的进程写入的内容"))
            })?;
            player.end()
        })
    });
}

#[test]
fn others_lose_nothing_that_they_store_meanwhile() {
    let rule = text!(
        "mmap(2), MAP_SHARED: a store is in the file at once, so the others may store to it while it grows.",
        "mmap(2) 的 MAP_SHARED：写入立刻就在文件里，所以文件变长期间，别的进程照样可以写它。"
    );
    check("growing", rule, || {
        let page = page_size();
        let lengths = [(60, 3 * page), (2 * page, 2 * page), (3 * page + 1, 200 * page)];
        let describe = |(from, to): &(usize, usize)| {
            text!(
                "a file of {from} bytes that others have mapped, grown to {to}",
                "别的进程已映射的 {from} 字节文件，变长到 {to} 字节"
            )
        };
        for_each(lengths, describe, |&(from, to)| {
            let file = unnamed_file(&pattern(from))?;
            let theirs = map(&file)?;
            let places: Vec<_> = (0..from).collect();
            let mut others = Others::new(&file, &theirs, &places, None)?;
            // The last old byte is none of those that the others store to: they are at most as many as its calls.
            let act = |mut mapping| {
                grow(&file, &mut mapping, to).map_err(named)?;
                mapping.store(from - 1, 254);
                Ok(())
            };
            before_each_of_few(|| map(&file), act, |n, call| others.look(n, call))
                .map_err(|failure| if from == to { also_by_nothing(failure) } else { failure })?;
            others.end()?;
            ensure(theirs.load(from - 1) == 254, || {
                not_shared(Failure::new(
                    text!("each sees what the other stores", "双方都能看到对方写入的内容"),
                    text!("the others do not see what it stores afterwards", "它之后写入的内容，别的进程看不到"),
                ))
            })
        })?;
        a_long_file_takes_no_more_calls()
    });
}

#[test]
fn the_space_is_reserved() {
    let rule = text!(
        "posix_fallocate(3): writes to the range are guaranteed not to fail for lack of disk space. ftruncate(2) only \
         sets the length.",
        "posix_fallocate(3)：保证之后写该范围不会因磁盘空间不足而失败。ftruncate(2) 只改长度，不预留空间。"
    );
    check("growing", rule, || {
        let page = page_size();
        // Seals or not, the last two keep their length: F_SEAL_GROW forbids only more.
        let lengths = [
            (page, 9 * page, false),
            (10, 5 * page + 10, false),
            (3 * page, 3 * page, false),
            (4 * page, 4 * page, true),
        ];
        let describe = |(from, to, sealed): &(usize, usize, bool)| {
            let [en, zh] = if *sealed { [" with F_SEAL_GROW", "带 F_SEAL_GROW 密封的"] } else { ["", ""] };
            text!(
                "a file of {from} bytes{en}, all of it a hole, grown to {to}",
                "{zh}全是空洞的 {from} 字节文件，变长到 {to} 字节"
            )
        };
        let file_of = |from: usize, sealed: bool| -> io::Result<File> {
            let file = if sealed { memory_file(NAME)? } else { tempfile::tempfile()? };
            file.set_len(from as u64)?;
            if sealed {
                fcntl(&file, FcntlArg::F_ADD_SEALS(SealFlag::F_SEAL_GROW))?;
            }
            Ok(file)
        };
        let has_space = |file: &File, to: usize| {
            let space = space_of(file)?;
            ensure(space >= to as u64, || {
                let failure = Failure::new(
                    text!("the file takes at least {to} bytes on the disk", "文件在磁盘上至少占 {to} 字节"),
                    text!("it takes {space}", "它只占 {space} 字节"),
                );
                // Where a part has its space, it is that of the new bytes.
                if space == 0 { failure.shows(&belief::SIZE_RESERVES_ROOM) } else { reserved_from_the_start(failure) }
            })
        };
        for_each(lengths, describe, |&(from, to, sealed)| {
            let file = file_of(from, sealed)?;
            let answer = ask(|| {
                let mut mapping = map(&file).map_err(named)?;
                grow(&file, &mut mapping, to).map_err(named)
            })?;
            expect_ok(&answer).map_err(|failure| if from == to { also_by_nothing(failure) } else { failure })?;
            has_space(&file, to)
        })?;
        let two = [file_of(page, false)?, file_of(page, false)?];
        let answer = ask(|| two.iter().try_for_each(|file| grow(file, &mut map(file)?, 9 * page)).map_err(named))?;
        expect_ok(&answer)?;
        has_space(&two[1], 9 * page).map_err(|failure| {
            failure.given(text!(
                "the second of two files that one process grows from 1 page to 9, both all holes",
                "同一进程先后把两个全是空洞的文件从 1 页变长到 9 页，这是第二个"
            ))
        })?;
        let again = file_of(page, false)?;
        let answer = ask(|| {
            let mut mapping = map(&again).map_err(named)?;
            grow(&again, &mut mapping, 9 * page).map_err(named)?;
            // As give_back does.
            let hole = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
            let pages = i64::try_from(4 * page).expect("a small file");
            fallocate(&again, hole, 0, pages).map_err(|errno| named(errno.into()))?;
            grow(&again, &mut mapping, 9 * page).map_err(named)
        })?;
        expect_ok(&answer).and_then(|()| has_space(&again, 9 * page)).map_err(|failure| {
            failure.given(text!(
                "a file that was grown from 1 page to 9, then gave back 4 of them, and is grown to 9 pages again",
                "先从 1 页变长到 9 页的文件，释放其中 4 页的空间，然后再次“变长”到 9 页"
            ))
        })?;
        a_full_disk_is_an_error()
    });
}

/// On a disk of 16 pages, in a child that alone sees it: the learner's code runs in a child of that child. The file has
/// most of the disk, so what it has already must not be counted twice.
fn a_full_disk_is_an_error() -> Result<(), Failure> {
    let page = page_size();
    let bytes = pattern(10 * page);
    let longer = [bytes.as_slice(), &vec![0; 2 * page]].concat();
    // The lower half of the bits of the first are those of 13 pages, which fit; of the second there are none, and the last
    // are less than none, with a sign.
    let half = 1 << (usize::BITS / 2);
    let beyond = [13 * page + half, half, half + half / 2];
    let told = on_a_disk(16, |disk| {
        let file = tempfile::tempfile_in(disk)?;
        file.write_all_at(&bytes, 0)?;
        Ok(ask(|| {
            let fits = grow(&file, &mut map(&file).map_err(error_text)?, 12 * page).map_err(named);
            let long = tempfile::tempfile_in(disk).map_err(error_text)?;
            long.set_len((half + page) as u64).map_err(error_text)?;
            let mut mapping = map(&long).map_err(error_text)?;
            let answers = [half + 3 * page, 2 * page].map(|length| grow(&long, &mut mapping, length).map_err(named));
            let lengths = (long.metadata().map_err(error_text)?.len(), mapping.length());
            drop(mapping);
            let too_long = [
                tried(&file, 64 * page, &longer)?,
                tried(&file, beyond[0], &longer)?,
                tried(&file, beyond[1], &longer)?,
                tried(&file, beyond[2], &longer)?,
            ];
            Ok::<_, String>((fits, (answers, lengths), too_long))
        }))
    })?;
    let with_given = |failure: Failure| {
        failure.given(text!("a disk of 16 pages, and 64 are asked for", "磁盘只有 16 页，却要 64 页"))
    };
    let (fits, of_a_long_file, [too_long, far_too_long @ ..]) = told.map_err(with_given)?.map_err(io::Error::other)?;
    expect_ok(&fits).map_err(|failure| {
        failure.given(text!(
            "a disk of 16 pages, and a file that grows from 10 pages of them to 12",
            "磁盘共 16 页，文件从其中的 10 页变长到 12 页"
        ))
    })?;
    expect_refused(too_long, "ENOSPC").map_err(with_given)?;
    a_long_file_stays_as_it_was(half + page, of_a_long_file)?;
    for_each(
        beyond.into_iter().zip(far_too_long),
        |(beyond, _)| {
            text!("a disk of 16 pages, and {beyond} bytes are asked for", "磁盘只有 16 页，却要 {beyond} 字节")
        },
        |(_, tried)| expect_refused(tried.clone(), "ENOSPC"),
    )
}

/// All of it is a hole, so a small disk can have it.
fn a_long_file_stays_as_it_was(length: usize, (answers, lengths): OfALongFile) -> Result<(), Failure> {
    let given = |failure: Failure| {
        failure.given(text!(
            "a disk of 16 pages, and on it a file of {length} bytes, all of it a hole; two pages more are asked for, and then a length of 2 pages",
            "磁盘只有 16 页，上面有一个 {length} 字节、全是空洞的文件；先要再多两页，再要长度变为 2 页"
        ))
    };
    let [longer, shorter] = answers;
    let expect = |answer, error| expect_error(answer, error).map_err(|failure| not_that_error(failure, error));
    expect(&longer, "ENOSPC").and_then(|()| expect(&shorter, "InvalidInput")).map_err(given)?;
    ensure(lengths == (length as u64, length), || {
        let (file, mapping) = lengths;
        given(Failure::new(
            text!("the file and the mapping keep their length", "文件和映射的长度保持不变"),
            text!("the file has {file} bytes, the mapping {mapping}", "文件长 {file} 字节，映射长 {mapping} 字节"),
        ))
    })
}

#[test]
fn the_old_mapping_is_unmapped() {
    let rule = text!(
        "munmap(2): a mapping stays until it is unmapped or the process ends, and keeps the file's space until then.",
        "munmap(2)：没有解除的映射会一直留到进程结束，文件的空间也一直被它占着。"
    );
    check("space", rule, || {
        let page = page_size();
        let seen = ask(|| {
            let file = memory_file_of(&pattern(page)).map_err(error_text)?;
            let mut mapping = map(&file).map_err(error_text)?;
            let before = open_descriptors().map_err(error_text)?;
            for pages in [2, 2, 3, 4, 5, 5] {
                grow(&file, &mut mapping, pages * page).map_err(named)?;
            }
            let after = open_descriptors().map_err(error_text)?;
            Ok::<_, String>((mapped_bytes().map_err(error_text)?, mapping.length(), before, after))
        })?;
        let (mapped, length, before, after) = match seen {
            Ok(seen) => seen,
            // Then others say so.
            Err(_) if !knows_the_basics(it_grows(page, 2 * page).and_then(|()| it_grows(page, page)))? => return Ok(()),
            Err(error) => {
                let failure = Failure::new(
                    text!(
                        "a memory file of 1 page grows to 2, to 2 again, to 3, 4, 5, and to 5 again",
                        "1 页的内存文件依次变长到 2、2、3、4、5、5 页"
                    ),
                    text!("the error {error}", "错误 {error}"),
                );
                return Err(only_what_is_asked_for(failure));
            }
        };
        ensure(mapped == 5 * page && length == mapped, || {
            Failure::new(
                text!("the file is mapped once, with 5 pages", "文件只被映射一次，共 5 页"),
                text!(
                    "mapped pages of it: {}; those of `mapping`: {}",
                    "共映射了它的 {} 页；`mapping` 有 {} 页",
                    mapped / page,
                    length / page
                ),
            )
        })?;
        expect_none_left_open(before, after)
    });
}

/// Whether `grow` returns Ok at all.
fn it_grows(from: usize, to: usize) -> Result<(), Failure> {
    let file = unnamed_file(&pattern(from))?;
    let grown = ask(|| grown(&file, to, &[]))?.map_err(io::Error::other)?;
    expect_ok(&grown.0)
}

/// Only its last page is new, so an answer that goes through the new bytes is fast, too.
fn a_long_file_takes_no_more_calls() -> Result<(), Failure> {
    let (from, to) = (64 << 20, (64 << 20) + page_size());
    let file = tempfile::tempfile()?;
    file.set_len(from)?;
    let act = |mut mapping| grow(&file, &mut mapping, to).map_err(named);
    before_each_of_few(|| map(&file), act, |_, _| Ok(())).map_err(|failure| {
        failure.given(text!("a file of 64 MiB, all of it a hole, grown by a page", "全是空洞的 64 MiB 文件，变长一页"))
    })
}

/// What a failed `grow` has changed, and whether it looks like a step that was not undone.
type Left = Result<(), (Text, bool)>;

/// What is not as before: a length, a byte, or whether a store reaches the file.
fn left(file: &File, mapping: &Mapping, wanted: &[u8]) -> io::Result<Left> {
    let size = file.metadata()?.len();
    if size != wanted.len() as u64 {
        // A file that is shorter than before was undone too much.
        let undone = size < wanted.len() as u64;
        return Ok(Err((text!("the length of the file is {size}", "文件的长度变成了 {size}"), !undone)));
    }
    let length = mapping.length();
    if length != wanted.len() {
        return Ok(Err((text!("the length of the mapping is {length}", "映射的长度变成了 {length}"), true)));
    }
    let mut seen = [0];
    mapping.store(0, 255);
    file.read_exact_at(&mut seen, 0)?;
    mapping.store(0, wanted[0]);
    if seen != [255] {
        let lost = text!("a store through the mapping does not reach the file", "通过映射写入的内容到不了文件");
        return Ok(Err((lost, true)));
    }
    Ok(difference(&loaded(mapping), wanted).map_or(Ok(()), |Difference { at, .. }| {
        Err((text!("byte {at} of the mapping has another value", "映射中偏移量 {at} 处的字节变了"), true))
    }))
}

fn not_as_before(left: Text) -> Failure {
    let expected = text!("after the error the file and the mapping are as before", "出错之后，文件和映射都与之前一样");
    Failure::new(expected, left).breaks(
        "growing",
        text!(
            "Each step that was taken stays when a later one fails, and a failed fallocate(2) may have made the file longer. \
             What can fail comes before what can't be undone; the rest you undo yourself.",
            "后面的步骤失败，前面做过的不会自动撤销；fallocate(2) 就算失败，也可能已经把文件变长。可能失败的要排在无法撤销的之前，其余的自己撤销。"
        ),
    )
}

/// An error other than the expected one, or none.
fn not_that_error(failure: Failure, error: &str) -> Failure {
    let rule = match error {
        "EPERM" => text!(
            "F_ADD_SEALS in fcntl(2): with F_SEAL_GROW no call makes the file longer (EPERM).",
            "fcntl(2) 的 F_ADD_SEALS：带 F_SEAL_GROW 的文件，哪个调用都不能让它变长（EPERM）。"
        ),
        "ENOMEM" => text!(
            "mmap(2): ENOMEM when no range of addresses of that length is free. A new mapping that nobody uses yet is easily \
             removed, so it may come first.",
            "mmap(2)：没有那么长的空闲地址时返回 ENOMEM。还没人用的新映射很容易解除，所以可以放在最前面。"
        ),
        "ENOSPC" => text!(
            "fallocate(2): ENOSPC when the disk has too little space. Who goes on without it leaves it to a store to fail, \
             with SIGBUS.",
            "fallocate(2)：磁盘空间不够时返回 ENOSPC。没有空间还继续，就会在某次写入时死于 SIGBUS。"
        ),
        "EOPNOTSUPP" => text!(
            "fallocate(2): EOPNOTSUPP where the file system can't reserve. posix_fallocate(3) hides that: glibc reads a byte of \
             each block and writes a 0 where it found one, over what others have stored in between.",
            "fallocate(2)：文件系统不能预留空间时返回 EOPNOTSUPP。posix_fallocate(3) 会掩盖这一点：glibc 从每个块读一个字节，读到零就写一个零，其间别人写入的就被盖掉了。"
        ),
        "InvalidInput" => text!(
            "Who has mapped the file relies on its length: an access past the end is SIGBUS. So `grow` never makes it shorter.",
            "映射着文件的进程都指望着它的长度：访问文件末尾之后的页会得到 SIGBUS。所以 `grow` 绝不让文件变短。"
        ),
        _ => text!(
            "An error goes to the caller as it came, with its errno.",
            "出了错，就把错误连同 errno 原样交给调用者。"
        ),
    };
    failure.breaks(if error == "EPERM" { "seals" } else { "growing" }, rule)
}

/// The result, and whether everything is as before.
type Tried = (Result<(), String>, Left, [Held; 2]);

/// The results of two calls for a file that is longer than the disk, and the lengths of the file and the mapping then.
type OfALongFile = ([Result<(), String>; 2], (u64, usize));

/// Expects this error, and that the call has changed nothing. No step of an answer is undone by the failure of another.
fn expect_refused((answer, left, [before, after]): Tried, error: &str) -> Result<(), Failure> {
    expect_error(&answer, error).map_err(|failure| not_that_error(failure, error))?;
    left.map_err(|(left, kept)| {
        let failure = not_as_before(left);
        if kept { failure.shows(&belief::AN_ERROR_UNDOES) } else { failure }
    })?;
    expect_nothing_left(before, after)
}

/// [`expect_refused`], where the failed call itself has changed something, or where a seal forbids to undo it: that says
/// nothing about what the answer takes for undone.
fn expect_refused_all_the_same((answer, left, [before, after]): Tried, error: &str) -> Result<(), Failure> {
    expect_error(&answer, error).map_err(|failure| not_that_error(failure, error))?;
    left.map_err(|(left, _)| not_as_before(left))?;
    expect_nothing_left(before, after)
}

/// Tries to grow a file that is mapped.
fn tried(file: &File, length: usize, wanted: &[u8]) -> Result<Tried, String> {
    let mut mapping = map(file).map_err(error_text)?;
    let before = held().map_err(error_text)?;
    let answer = grow(file, &mut mapping, length).map_err(named);
    let after = held().map_err(error_text)?;
    let left = left(file, &mapping, wanted).map_err(error_text)?;
    Ok((answer, left, [before, after]))
}

#[test]
fn an_error_leaves_everything_as_it_was() {
    let rule = text!(
        "Growing takes space, a length and a mapping, and each may fail. A call that can fail comes before a step that can't \
         be undone.",
        "文件变长需要空间、长度、映射三样，每一样都可能失败。可能失败的调用，要排在无法撤销的操作之前。"
    );
    check("growing", rule, || {
        let page = page_size();
        let bytes = pattern(3 * page + 1);
        let enough = 64 << 20;
        let sealed = |seal| -> io::Result<File> {
            let file = memory_file_of(&bytes)?;
            fcntl(&file, FcntlArg::F_ADD_SEALS(seal))?;
            Ok(file)
        };
        let too_long = |length: usize| text!("a length of {length} bytes", "长度 {length} 字节");
        let cases = [
            (
                sealed(SealFlag::F_SEAL_GROW)?,
                5 * page,
                enough,
                "EPERM",
                text!("a file with F_SEAL_GROW", "带 F_SEAL_GROW 密封的文件"),
            ),
            (
                sealed(SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_SEAL)?,
                5 * page,
                enough,
                "EPERM",
                text!(
                    "a file with F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL",
                    "文件的密封为 F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL"
                ),
            ),
            (
                unnamed_file(&bytes)?,
                2 * page,
                enough,
                "InvalidInput",
                text!("a length of 2 pages for a file of 3", "把 3 页的文件“变长”到 2 页"),
            ),
            (
                unnamed_file(&bytes)?,
                12 << 20,
                6 << 20,
                "ENOMEM",
                text!("12 MiB where 6 MiB of addresses are left", "只剩 6 MiB 地址空间，却要 12 MiB"),
            ),
            (
                sealed(SealFlag::F_SEAL_SHRINK)?,
                12 << 20,
                6 << 20,
                "ENOMEM",
                text!(
                    "a file with F_SEAL_SHRINK: 12 MiB where 6 MiB of addresses are left",
                    "带 F_SEAL_SHRINK 密封的文件：只剩 6 MiB 地址空间，却要 12 MiB"
                ),
            ),
            // The lower 32 bits are those of 5 pages.
            (
                unnamed_file(&bytes)?,
                5 * page + (1 << (usize::BITS / 2)),
                enough,
                "ENOMEM",
                too_long(5 * page + (1 << (usize::BITS / 2))),
            ),
            (unnamed_file(&bytes)?, usize::MAX / 4, enough, "ENOMEM", too_long(usize::MAX / 4)),
            (unnamed_file(&bytes)?, usize::MAX - page, enough, "ENOMEM", too_long(usize::MAX - page)),
        ];
        for_each(
            cases,
            |(.., words)| words.clone(),
            |(file, length, memory, error, _)| {
                let seen = ask_with_memory(*memory, || tried(file, *length, &bytes))?;
                let tried = seen.map_err(io::Error::other)?;
                let seals = fcntl(file, FcntlArg::F_GET_SEALS).map_or(SealFlag::empty(), SealFlag::from_bits_retain);
                if seals.contains(SealFlag::F_SEAL_SHRINK) {
                    expect_refused_all_the_same(tried, error)
                } else {
                    expect_refused(tried, error)
                }
            },
        )?;
        what_a_failed_reservation_has_added_is_taken_back()?;
        what_can_not_be_reserved_is_an_error()?;
        each_step_that_fails_is_an_error()?;
        each_mapping_may_fail()
    });
}

/// A file that may be made shorter again, and one that may not.
const MAY_SHRINK: [SealFlag; 2] = [SealFlag::empty(), SealFlag::F_SEAL_SHRINK];

/// The start of what is given, where the file has these seals.
fn where_sealed(seals: SealFlag) -> [&'static str; 2] {
    if seals.is_empty() { ["", ""] } else { ["a file with F_SEAL_SHRINK: ", "带 F_SEAL_SHRINK 密封的文件："] }
}

/// Where one of several calls fails, the answer may do its work in another way, or return the error.
fn each_step_that_fails_is_an_error() -> Result<(), Failure> {
    let page = page_size();
    let bytes = pattern(3 * page + 1);
    let cases = MAY_SHRINK.into_iter().flat_map(|seals| [0, 1, 2].map(|nth| (seals, nth)));
    let describe = |(seals, nth): &(SealFlag, usize)| {
        let ([en, zh], n) = (where_sealed(*seals), nth + 1);
        text!(
            "{en}only fallocate(2) or ftruncate(2) no. {n} of the call fails, with EIO",
            "{zh}本次调用中只有第 {n} 个 fallocate(2) 或 ftruncate(2) 失败，返回 EIO"
        )
    };
    for_each(cases, describe, |(seals, nth)| {
        let file = memory_file_of(&bytes)?;
        fcntl(&file, FcntlArg::F_ADD_SEALS(*seals))?;
        let calls = [libc::SYS_fallocate, libc::SYS_ftruncate];
        let seen = ask_refused_once(&calls, *nth, Errno::EIO, || tried(&file, 9 * page, &bytes))?;
        let Some(tried) = seen else { return Ok(()) };
        let tried = tried.map_err(io::Error::other)?;
        let grown = 9 * page as u64;
        if tried.0.is_ok() && file.metadata()?.len() == grown && space_of(&file)? >= grown {
            return Ok(());
        }
        expect_refused_all_the_same(tried, "EIO")
    })
}

/// No addresses are free when it maps for the first time, for the second time, and so on.
fn each_mapping_may_fail() -> Result<(), Failure> {
    let bytes = pattern(3 * page_size() + 1);
    let cases = MAY_SHRINK.into_iter().flat_map(|seals| [1, 2, 3].map(|nth| (seals, nth)));
    let describe = |(seals, nth): &(SealFlag, usize)| {
        let [en, zh] = where_sealed(*seals);
        text!(
            "{en}only mmap(2) or mremap(2) no. {nth} of the call fails, with ENOMEM",
            "{zh}本次调用中只有第 {nth} 个 mmap(2) 或 mremap(2) 失败，返回 ENOMEM"
        )
    };
    for_each(cases, describe, |(seals, nth)| {
        let file = memory_file_of(&bytes)?;
        fcntl(&file, FcntlArg::F_ADD_SEALS(*seals))?;
        let id = FileId::of(&file)?;
        // The first mapping of the file is that of the check.
        let mut mapped = 0;
        let watched = watch(
            || tried(&file, 9 * page_size(), &bytes),
            |seen| {
                let maps = seen.call.number == libc::SYS_mmap && seen.names(4, id);
                let maps = maps || seen.call.number == libc::SYS_mremap;
                mapped += usize::from(maps);
                maps && mapped == nth + 1
            },
        )?;
        let tried = watched.answer.map_err(io::Error::other)?;
        match &tried.0 {
            Ok(()) => Ok(()),
            Err(_) if seals.is_empty() => expect_refused(tried, "ENOMEM"),
            Err(_) => expect_refused_all_the_same(tried, "ENOMEM"),
        }
    })
}

/// fallocate(2) fails, and has changed nothing.
fn what_can_not_be_reserved_is_an_error() -> Result<(), Failure> {
    let bytes = pattern(3 * page_size() + 1);
    let errors = [("EOPNOTSUPP", Errno::EOPNOTSUPP), ("ENOSPC", Errno::ENOSPC)];
    let cases = MAY_SHRINK.into_iter().flat_map(|seals| errors.map(|error| (seals, error)));
    let describe = |(seals, (error, errno)): &(SealFlag, (&str, Errno))| {
        if seals.is_empty() && *errno == Errno::EOPNOTSUPP {
            return text!(
                "fallocate(2) fails with EOPNOTSUPP (glibc's posix_fallocate(3) reads and writes a byte of each block then, \
                 and others' stores in between are lost)",
                "fallocate(2) 失败，返回 EOPNOTSUPP（这时 glibc 的 posix_fallocate(3) 会对每个块读出一个字节再写回，其间别人的写入就丢了）"
            );
        }
        let [en, zh] = where_sealed(*seals);
        text!("{en}fallocate(2) fails with {error}", "{zh}fallocate(2) 失败，返回 {error}")
    };
    for_each(cases, describe, |(seals, (error, errno))| {
        let file = memory_file_of(&bytes)?;
        fcntl(&file, FcntlArg::F_ADD_SEALS(*seals))?;
        let seen =
            ask_refused(&[libc::SYS_fallocate], On::Everything, *errno, || tried(&file, 9 * page_size(), &bytes))?;
        let tried = seen.map_err(io::Error::other)?;
        if seals.is_empty() { expect_refused(tried, error) } else { expect_refused_all_the_same(tried, error) }
    })
}

/// Some file systems make a file longer as far as they can, and then fallocate(2) fails. This one does what they do: the
/// file gets longer when the call is about to be made, and then F_SEAL_GROW makes it fail.
fn what_a_failed_reservation_has_added_is_taken_back() -> Result<(), Failure> {
    let page = page_size();
    let bytes = pattern(3 * page + 1);
    let file = memory_file_of(&bytes)?;
    let mut longer = Ok(());
    let watched = watch(
        || tried(&file, 9 * page, &bytes),
        |seen| {
            // Without a mode fallocate(2) makes the file longer: by a part of what is asked for, or not at all if that begins
            // beyond.
            let [_, mode, offset, length, ..] = seen.call.arguments;
            let partly = 5 * page_size_u64();
            if seen.call.number == libc::SYS_fallocate && mode == 0 && offset.saturating_add(length) > partly {
                let lengthen = || -> io::Result<()> {
                    if offset < partly {
                        file.set_len(partly)?;
                    }
                    fcntl(&file, FcntlArg::F_ADD_SEALS(SealFlag::F_SEAL_GROW))?;
                    Ok(())
                };
                longer = std::mem::replace(&mut longer, Ok(())).and_then(|()| lengthen());
            }
            false
        },
    )?;
    longer?;
    let tried = watched.answer.map_err(io::Error::other)?;
    let seals = SealFlag::from_bits_retain(fcntl(&file, FcntlArg::F_GET_SEALS)?);
    if !seals.contains(SealFlag::F_SEAL_GROW) {
        // It reserves the space in another way.
        return expect_ok(&tried.0);
    }
    let with_given = |failure: Failure| {
        failure.given(text!(
            "fallocate(2) makes a file of 3 pages and 1 byte longer, to 5 pages, and fails with EPERM then",
            "fallocate(2) 先把 3 页又 1 字节的文件变长到 5 页，然后失败，返回 EPERM"
        ))
    };
    expect_refused_all_the_same(tried, "EPERM").map_err(with_given)
}
