use super::*;

/// What `visit` found, for one mapping that it was shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Visit {
    /// Where in the file the mapping begins; None if it is no mapping of the file.
    offset: Option<u64>,
    length: usize,
    /// The bytes of the file that the process had mapped then, and those that were resident where that is too much.
    mapped: usize,
    resident: u64,
}

/// A call: what it returned, what was seen meanwhile, how the bytes that were shown differ from the file's, and the bytes that
/// are mapped and the descriptors that are open afterwards.
#[derive(Debug, Serialize, Deserialize)]
struct Scan {
    answer: Result<(), String>,
    visits: Vec<Visit>,
    difference: Option<Difference>,
    still_mapped: usize,
    descriptors: [usize; 2],
}

/// More visits than any scan here has.
const TOO_MANY: usize = 100;

/// More mappings than any file here has whose size is in gigabytes; as many can be shown to the learner.
const FEW: usize = 8;

/// What may be mapped at once.
fn allowed(limit: usize) -> usize {
    (limit - limit % page_size()).max(page_size())
}

/// Looks at a mapping: loads its bytes of the file, and counts.
fn look(mapping: &Mapping, size: usize, limit: usize, shown: &mut Vec<u8>) -> std::io::Result<Visit> {
    let areas = areas_of_files(maps_of(mapping.range())?);
    let offset = areas.first().map(|area| area.offset() + wide(mapping.address()) - wide(area.range().start));
    let start = offset.and_then(|offset| usize::try_from(offset).ok()).unwrap_or(shown.len());
    // What is past the file's last page would be a bus error.
    let mut bytes = vec![0; mapping.length().min(size.next_multiple_of(page_size()).saturating_sub(start))];
    mapping.read(0, &mut bytes);
    shown.extend(bytes);
    let mapped = mapped()?;
    let resident = if mapped > allowed(limit) {
        areas_of_files(smaps_of(0..usize::MAX)?).iter().map(|area| area.kib("Rss")).sum::<std::io::Result<u64>>()?
    } else {
        0
    };
    Ok(Visit { offset, length: mapping.length(), mapped, resident: resident << 10 })
}

/// Calls it. The visit of this number (from 0 on) fails with EINTR, which nobody may try again.
fn scanned(size: usize, limit: usize, failing: Option<usize>) -> Result<Scan, Failure> {
    let scan: Scan = in_child(|| {
        let file = file_of(size)?;
        let (mut visits, mut shown) = (Vec::new(), Vec::new());
        let before = open_descriptors()?;
        let answer = super::scan(&file, limit, |mapping| {
            if visits.len() > TOO_MANY {
                return Err(Errno::EOVERFLOW.into());
            }
            visits.push(look(mapping, size, limit, &mut shown)?);
            if failing.is_some_and(|n| n < visits.len()) { Err(Errno::EINTR.into()) } else { Ok(()) }
        });
        let descriptors = [before, open_descriptors()?];
        let difference = difference(&shown, &pattern(size));
        Ok(Scan { answer: answer.map_err(kind), visits, difference, still_mapped: mapped()?, descriptors })
    })?;
    ensure(scan.visits.len() <= TOO_MANY, || too_many(size.div_ceil(allowed(limit))))?;
    Ok(scan)
}

/// That there are more mappings than these.
fn too_many(wanted: usize) -> Failure {
    Failure::new(
        text!("{wanted} mappings", "{wanted} 个映射"),
        text!("more mappings than there should be", "映射的个数比应有的多"),
    )
}

fn words((size, limit): &(usize, usize)) -> Text {
    text!("a file of {size} bytes, a limit of {limit}", "文件有 {size} 字节，上限 {limit}")
}

/// Sizes and limits: the worst first.
fn fixed() -> Vec<(usize, usize)> {
    let page = page_size();
    vec![
        (3 * page, page),
        (3 * page + 10, page),
        (1, page),
        (2 * page + 10, page + 5),
        (4 * page, 2 * page),
        (5 * page - 1, 3 * page - 1),
        (2 * page + 1, page - 1),
        (2 * page, 1),
        (2 * page + 10, 0),
        (3 * page + 10, usize::MAX),
        (3 * page, usize::MAX - 3 * page),
        (3 * page + 10, 3 * page + 10),
        (3 * page + 10, 4 * page),
    ]
}

fn any() -> impl Strategy<Value = (usize, usize)> {
    (1..12 * page_size(), prop_oneof![0..3 * page_size(), 3 * page_size()..14 * page_size()])
}

fn shows_it(case: &(usize, usize)) -> Result<(), Failure> {
    let (size, limit) = *case;
    let Scan { answer, visits, difference, .. } = scanned(size, limit, None)?;
    equal(&answer, &Ok(()))?;
    let mut at = 0;
    for Visit { offset, length, .. } in visits {
        ensure(offset == Some(wide(at)), || {
            let found = match offset {
                Some(offset) => text!("it begins at byte {offset}", "从偏移量 {offset} 开始"),
                None => text!("it is no mapping of the file", "它映射的不是这个文件"),
            };
            Failure::new(
                text!("the next mapping shows the file from byte {at} on", "下一个映射从文件的偏移量 {at} 处开始"),
                found,
            )
        })?;
        at += length;
        ensure(at <= size, || {
            let over = at - size;
            Failure::new(
                text!("no byte past the end of the file is shown", "不展示文件末尾之后的字节"),
                text!("the last mapping has {over} of them", "最后一个映射里有 {over} 个"),
            )
            .breaks(
                "6:rule",
                text!(
                    "mmap(2): whole pages are mapped. The rest of the file's last page is zero, and a load past it is SIGBUS.",
                    "mmap(2)：映射以整页为单位。文件最后一页的剩余部分为零，再往后读就是 SIGBUS。"
                ),
            )
        })?;
    }
    no_difference(text!("all that is shown", "展示的全部内容"), difference)
}

fn works() -> Result<bool, Failure> {
    knows_the_basics(fixed().iter().try_for_each(shows_it))
}

fn rule() -> Text {
    text!(
        "mmap(2): the offset has to be a multiple of the page size; the length need not be, and 0 is EINVAL.",
        "mmap(2)：偏移量必须是页大小的整数倍，长度不必，长度为 0 则返回 EINVAL。"
    )
}

fn memory_rule() -> Text {
    text!(
        "proc_pid_smaps(5), Rss: the pages of the mapping that are resident. They can't be more than are mapped, and stay until \
         they are unmapped or memory is short.",
        "proc_pid_smaps(5) 的 Rss：映射中在页表里的页。它不会比映射的更多；页会一直留着，直到解除映射，或者内存紧张。"
    )
}

#[test]
fn shows_each_byte_once_and_in_order() {
    check("2:mapping", rule(), || {
        for_each(fixed(), words, shows_it)?;
        for_all_n(24, any(), words, shows_it)
    });
}

#[test]
fn an_empty_file_is_not_visited() {
    let rule = text!(
        "mmap(2): EINVAL for a length of 0: an empty file can't be mapped.",
        "mmap(2)：长度为 0 返回 EINVAL，空文件不能映射。"
    );
    check("6:length_zero", rule, || {
        let page = page_size();
        for_each([(0, page), (0, 0), (0, usize::MAX)], words, |&(size, limit)| {
            let Scan { answer, visits, .. } = scanned(size, limit, None)?;
            equal(&(answer, visits.len()), &(Ok(()), 0))
        })
    });
}

fn stays_below(case: &(usize, usize)) -> Result<(), Failure> {
    let (size, limit) = *case;
    let most = allowed(limit);
    let visits = scanned(size, limit, None)?.visits;
    visits.iter().enumerate().try_for_each(|(n, Visit { mapped, resident, .. })| {
        ensure(*mapped <= most, || {
            let failure = Failure::new(
                text!("at most {most} bytes of the file mapped at once", "同时映射的文件内容不超过 {most} 字节"),
                text!(
                    "{mapped} bytes at visit {n} (from 0 on), {resident} of them resident",
                    "第 {n} 次调用 visit 时（从 0 数起）映射了 {mapped} 字节，其中 {resident} 字节在页表里"
                ),
            );
            // Not where the limit is rounded up.
            let is_more = mapped.saturating_sub(page_size()) >= limit;
            if is_more && *resident > wide(most) { failure.shows(&belief::READ_PAGES_LEAVE) } else { failure }
        })
    })
}

#[test]
fn maps_no_more_than_the_limit() {
    check("memory", memory_rule(), || {
        if !works()? {
            return Ok(());
        }
        for_each(fixed(), words, stays_below)?;
        for_all_n(12, any(), words, stays_below)?;
        between_two_visits()
    });
}

/// The most bytes of the file that were mapped at once, between any two of these calls.
fn most_mapped(calls: &[FileCall], file: FileId) -> u64 {
    let (mut mapped, mut most) = (Vec::new(), 0);
    for seen in calls {
        let Call { number, arguments: [address, length, ..], answer } = seen.call;
        let start = match number {
            libc::SYS_mmap => answer.cast_unsigned(),
            libc::SYS_munmap => address,
            _ => continue,
        };
        if answer < 0 {
            continue;
        }
        let range = start..start + length.next_multiple_of(page_size_u64());
        let without = |old: Range<u64>| [old.start..old.end.min(range.start), old.start.max(range.end)..old.end];
        mapped = mapped.into_iter().flat_map(without).filter(|rest| !rest.is_empty()).collect();
        if number == libc::SYS_mmap && seen.names(4, file) {
            mapped.push(range);
        }
        most = most.max(mapped.iter().map(|range| range.end - range.start).sum());
    }
    most
}

fn between_two_visits() -> Result<(), Failure> {
    let (size, limit) = (3 * page_size() + 10, page_size());
    let file = file_of(size)?;
    let id = FileId::of(&file)?;
    let calls = watch(|| super::scan(&file, limit, |_| Ok(())).map_err(kind), |_| false)?.calls;
    let (most, allowed) = (most_mapped(&calls, id), wide(allowed(limit)));
    ensure(most <= allowed, || {
        Failure::new(
            text!("at most {allowed} bytes of the file mapped at once", "同时映射的文件内容不超过 {allowed} 字节"),
            text!("{most} bytes between two visits", "在两次调用 visit 之间映射了 {most} 字节"),
        )
        .given(words(&(size, limit)))
        .breaks(
            "2:mapping",
            text!(
                "munmap(2): a mapping is there until it is unmapped. `mapping = next` drops the old value when the new one is \
                 there already.",
                "munmap(2)：映射在解除之前一直存在。`mapping = next` 要等新值有了，才丢弃旧值。"
            ),
        )
    })
}

#[test]
fn each_mapping_is_as_long_as_it_may_be() {
    let rule = text!(
        "A visit costs mmap(2) and munmap(2), and a page-table entry for each page; with a page at a time, a large file costs two \
         calls a page.",
        "每次 visit 都要一次 mmap(2)、一次 munmap(2)，每页还要一个页表项；一次只映射一页，大文件每页就要两次调用。"
    );
    check("memory", rule, || {
        if !works()? {
            return Ok(());
        }
        let is_long = |(size, limit): (usize, usize), lengths: &[usize]| {
            let wanted: Vec<usize> =
                (0..size).step_by(allowed(limit)).map(|start| allowed(limit).min(size - start)).collect();
            // Fewer than that are for another check to say.
            ensure(lengths.len() <= wanted.len(), || {
                Failure::new(
                    text!("mappings of these lengths: {wanted:?}", "映射的长度依次是 {wanted:?}"),
                    text!("{lengths:?}", "{lengths:?}"),
                )
            })
        };
        for_each(fixed(), words, |&(size, limit)| {
            let visits = scanned(size, limit, None)?.visits;
            is_long((size, limit), &visits.iter().map(|visit| visit.length).collect::<Vec<_>>())
        })?;
        // Where addresses have 32 bits, no limit is so large.
        let Ok(limit) = usize::try_from(3_u64 << 30) else { return Ok(()) };
        // All holes: nothing is loaded.
        for_each([(limit + 10, limit + 5)], words, |&(size, limit)| {
            let lengths: Vec<usize> = in_child(|| {
                let (file, mut lengths) = (memory_file()?, Vec::new());
                file.set_len(wide(size))?;
                // What it returns, other checks say.
                let _ = super::scan(&file, limit, |mapping| {
                    lengths.push(mapping.length());
                    if lengths.len() > FEW { Err(Errno::EOVERFLOW.into()) } else { Ok(()) }
                });
                Ok(lengths)
            })?;
            if lengths.len() > FEW {
                return Err(too_many(size.div_ceil(allowed(limit))));
            }
            is_long((size, limit), &lengths)
        })
    });
}

#[test]
fn an_error_of_visit_ends_it() {
    let rule = text!(
        "The caller wants no more when it returns an error, and wants the same error back, not a new one of its kind: which one it \
         is, is its own affair.",
        "调用者返回错误，就是不想再继续；要原样得到这个错误，而不是另造一个同类的：是什么错误由它自己处理。"
    );
    check("2:mapping", rule, || {
        if !works()? {
            return Ok(());
        }
        let page = page_size();
        // The last visit's error, too, and that of the only one.
        let cases = [(3 * page + 10, page, 0), (3 * page + 10, page, 1), (3 * page + 10, page, 3), (10, page, 0)];
        for (size, limit, n) in cases {
            let Scan { answer, visits, .. } = scanned(size, limit, Some(n))?;
            equal(&(answer, visits.len()), &(Err("EINTR".to_owned()), n + 1)).map_err(|failure| {
                failure.given(text!(
                    "a file of {size} bytes, a limit of {limit}; visit {n} (from 0 on) returns the error EINTR; shown are the \
                     result and the number of visits",
                    "文件有 {size} 字节，上限 {limit}；第 {n} 次 visit（从 0 数起）返回错误 EINTR；列出的是结果和 visit 的次数"
                ))
            })?;
        }
        Ok(())
    });
}

#[test]
fn nothing_stays_mapped_or_open() {
    check("2:mapping", gives_back(), || {
        if !works()? {
            return Ok(());
        }
        for failing in [None, Some(0), Some(1)] {
            let (size, limit) = (3 * page_size() + 10, page_size());
            let Scan { still_mapped, descriptors, .. } = scanned(size, limit, failing)?;
            nothing_left(still_mapped, descriptors).map_err(|failure| {
                let given = words(&(size, limit));
                failure.given(match failing {
                    None => given,
                    Some(n) => text!(
                        "{given}; visit {n} (from 0 on) returns an error",
                        "{given}；第 {n} 次 visit（从 0 数起）返回错误";
                        given
                    ),
                })
            })?;
        }
        Ok(())
    });
}

#[test]
fn an_error_of_mmap_is_told() {
    let rule = text!(
        "mmap(2): EACCES when the descriptor is not open for reading; ENOMEM when no range of addresses is free.",
        "mmap(2)：描述符不可读时返回 EACCES；没有空闲的地址范围时返回 ENOMEM。"
    );
    check("2:refusals", rule, || {
        if !works()? {
            return Ok(());
        }
        let file = file_of(3 * page_size())?;
        let id = FileId::of(&file)?;
        let to_write = opened(&file, OpenOptions::new().write(true))?;
        let got = in_child(|| Ok(super::scan(&to_write, page_size(), |_| Ok(())).map_err(kind)))?;
        refused(&got, &["EACCES", "PermissionDenied"])
            .map_err(|failure| failure.given(text!("a file that is open for writing only", "文件只能写，不能读")))?;
        let maps = |call: &FileCall| call.call.number == libc::SYS_mmap && call.names(4, id);
        for nth in [0, 2] {
            let mut before = 0;
            let fails = |call: &FileCall| {
                before += usize::from(maps(call));
                maps(call) && before == nth + 1
            };
            let act = || (super::scan(&file, page_size(), |_| Ok(())).map_err(kind), mapped().map_err(kind));
            let (got, still_mapped) = watch(act, fails)?.answer;
            // How long each is, another check says.
            if before <= nth {
                continue;
            }
            equal(&(got, still_mapped), &(Err("ENOMEM".to_owned()), Ok(0))).map_err(|failure| {
                failure.given(text!(
                    "call {nth} of mmap(2) (from 0 on) fails with ENOMEM; shown are the result and the bytes that are still mapped",
                    "第 {nth} 次 mmap(2)（从 0 数起）返回 ENOMEM；列出的是结果和仍然映射着的字节数"
                ))
            })?;
        }
        Ok(())
    });
}

#[test]
fn to_read_is_enough() {
    let rule = text!(
        "mmap(2): PROT_READ needs a descriptor that is open for reading; a shared mapping for writing needs one for both.",
        "mmap(2)：PROT_READ 只要求描述符可读；可写的共享映射则要求既可读又可写。"
    );
    check("2:protection", rule, || {
        if !works()? {
            return Ok(());
        }
        let file = opened(&file_of(3 * page_size())?, OpenOptions::new().read(true))?;
        let got = in_child(|| Ok(super::scan(&file, page_size(), |_| Ok(())).map_err(kind)))?;
        equal(&got, &Ok(()))
            .map_err(|failure| failure.given(text!("a file that is open for reading only", "文件只能读，不能写")))
    });
}

/// A mapping's length, first byte and last byte.
type Shown = (usize, u8, u8);

#[test]
fn a_file_may_have_more_than_4_gib() {
    let rule = text!(
        "off_t has 64 bits: compute in 64 bits, and narrow only what is known to fit.",
        "off_t 有 64 位：先用 64 位计算，确知放得下再转成较窄的类型。"
    );
    check("2:window", rule, || {
        // Where addresses have 32 bits, no limit is so large.
        let Ok(half) = usize::try_from(1_u64 << 31) else { return Ok(()) };
        if !works()? {
            return Ok(());
        }
        let (size, limit) = (2 * half + 10, half + 5);
        let wanted = vec![(half, b'a', b'b'), (half, b'c', b'd'), (10, b'e', b'f')];
        let given = |failure: Failure| {
            failure.given(text!(
                "a file of {size} bytes, a limit of {limit}; shown are the result, and of each mapping the length, the first byte \
                 and the last",
                "文件有 {size} 字节，上限 {limit}；列出的是结果，以及每个映射的长度、第一个字节和最后一个字节"
            ))
        };
        let (answer, shown): (Result<(), String>, Vec<Shown>) = in_child(|| {
            let file = memory_file()?;
            let mut start = 0;
            for (length, first, last) in &wanted {
                file.write_all_at(&[*first], start)?;
                start += wide(*length);
                file.write_all_at(&[*last], start - 1)?;
            }
            let mut visits = Vec::new();
            let answer = super::scan(&file, limit, |mapping| {
                let (length, known) = (mapping.length(), visits.len() < wanted.len());
                visits.push((length, mapping.load(0), if known { mapping.load(length - 1) } else { 0 }));
                if known { Ok(()) } else { Err(Errno::EOVERFLOW.into()) }
            });
            Ok((answer.map_err(kind), visits))
        })
        .map_err(given)?;
        if shown.len() > wanted.len() {
            // How long each should be, another check says.
            left_to_another(given(too_many(wanted.len())));
            return Ok(());
        }
        equal(&(answer, shown), &(Ok(()), wanted)).map_err(given)
    });
}
