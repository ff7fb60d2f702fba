use super::*;

/// The pages of the mapping here.
const PAGES: usize = 6;

fn rule() -> Text {
    text!(
        "msync(2) takes whole pages, and its address has to be page-aligned. A range has all pages that have a byte of it: the last \
         is that of its last byte, wherever the range begins.",
        "msync(2) 以整页为单位，地址必须按页对齐。一个范围包括含有它任何字节的所有页：最后一页是它最后一个字节所在的页，不管从哪里开始。"
    )
}

fn words(range: &Range<usize>) -> Text {
    let Range { start, end } = range;
    text!("a mapping of {PAGES} pages; the range {start}..{end}", "{PAGES} 页的映射；范围 {start}..{end}")
}

/// The pages that the call syncs.
fn synced(range: &Range<usize>) -> Result<Vec<usize>, Failure> {
    let mapping = mapped(&vec![0; PAGES * page_size()])?;
    let seen = watch(|| super::flush(&mapping, range.clone()).map_err(kind), |_| false)?;
    no_error(seen.answer)?;
    let mut pages = Vec::new();
    for call in seen.calls.iter().map(|call| call.call).filter(|call| call.number == libc::SYS_msync) {
        let Call { arguments: [start, length, flags, ..], answer, .. } = call;
        let is_sync = flags & u64::from(libc::MS_SYNC.unsigned_abs()) != 0;
        ensure(answer == 0 && is_sync, || {
            let is_async = flags & u64::from(libc::MS_ASYNC.unsigned_abs()) != 0;
            let flags = format!("{:#x}", flags & u64::from(u32::MAX));
            let flags = if is_async { format!("{flags}, MS_ASYNC") } else { flags };
            let error = format!("{:?}", Errno::from_raw(i32::try_from(-answer).unwrap_or_default()));
            let answer = if answer == 0 { "0".to_owned() } else { error };
            let failure = Failure::new(
                text!("msync(2) with MS_SYNC, which returns 0", "用 MS_SYNC 调用 msync(2)，返回 0"),
                text!("its flags are {flags}, its answer {answer}", "标志为 {flags}，结果为 {answer}"),
            );
            let waits_not = || {
                text!(
                    "msync(2) with MS_ASYNC returns at once, and on Linux it starts nothing: what was stored is written some time later.",
                    "带 MS_ASYNC 的 msync(2) 立即返回，在 Linux 上它什么也不启动：写入的内容以后某个时候才写到磁盘上。"
                )
            };
            if is_async { failure.breaks("mapping", waits_not()) } else { failure }
        })?;
        let place = |at: u64| Some(usize::try_from(at).ok()?.wrapping_sub(mapping.address()));
        let (start, end) = (place(start), place(start.wrapping_add(length)));
        let (start, end) = (start.unwrap_or(usize::MAX), end.unwrap_or(usize::MAX));
        ensure(start <= end && end <= mapping.range().len(), || {
            Failure::new(
                text!("the pages are those of the mapping", "同步的页都在映射里"),
                text!("msync(2) of bytes outside of it", "msync(2) 的范围超出了映射"),
            )
        })?;
        pages.extend(start / page_size()..end.div_ceil(page_size()));
    }
    pages.sort_unstable();
    pages.dedup();
    Ok(pages)
}

fn is_exact(range: &Range<usize>) -> Result<(), Failure> {
    let wanted: Vec<usize> = if range.is_empty() {
        Vec::new()
    } else {
        (range.start / page_size()..range.end.div_ceil(page_size())).collect()
    };
    let pages = synced(range)?;
    ensure(pages == wanted, || {
        Failure::new(text!("the pages {wanted:?} are synced", "同步的页是 {wanted:?}"), text!("{pages:?}", "{pages:?}"))
    })
}

fn fixed() -> Vec<Range<usize>> {
    let page = page_size();
    vec![
        0..page,
        page - 1..page + 1,
        2 * page + 5..2 * page + 6,
        page - 100..4 * page + 100,
        3 * page..3 * page + 1,
        page + 1..3 * page,
        0..PAGES * page,
        5 * page + 7..PAGES * page,
    ]
}

#[test]
fn syncs_the_pages_of_the_range_and_no_others() {
    check("mapping", rule(), || {
        for_each(fixed(), words, is_exact)?;
        let all = PAGES * page_size();
        let ranges = (0..all).prop_flat_map(move |start| (start + 1..=all).prop_map(move |end| start..end));
        for_all(ranges, words, is_exact)
    });
}

#[test]
fn an_empty_range_makes_no_call() {
    let rule = text!(
        "A range without bytes has no page. Rounded to pages it may have one.",
        "没有字节的范围不含任何页；按页取整之后却可能有一页。"
    );
    check("mapping", rule, || {
        let page = page_size();
        let ranges = [0..0, page..page, page + 5..page + 5, PAGES * page..PAGES * page];
        for_each(ranges.clone(), words, |range| {
            let pages = synced(range)?;
            ensure(pages.is_empty(), || {
                Failure::new(
                    text!("no page is synced", "不同步任何页"),
                    text!("the pages {pages:?}", "同步了页 {pages:?}"),
                )
            })
        })?;
        // Nor is there a call of no bytes, or one that fails.
        for_each(ranges, words, |range| {
            let made = Arc::new(AtomicUsize::new(0));
            let counted = Arc::clone(&made);
            let decide = move |_: &libc::seccomp_data| {
                counted.fetch_add(1, Ordering::Relaxed);
                Some(Errno::EIO)
            };
            let none = || {
                let mapping = mapped(&vec![0; PAGES * page_size()]).map_err(kind)?;
                super::flush(&mapping, range.clone()).map_err(kind)
            };
            let seen = |answer: Result<(), String>| (answer, made.load(Ordering::Relaxed));
            let (answer, made) = ask_decided(&[libc::SYS_msync], decide, none, seen)?;
            ensure(made == 0, || {
                Failure::new(
                    text!("no call of msync(2)", "不调用 msync(2)"),
                    text!("calls of it: {made}", "调用了 {made} 次"),
                )
            })?;
            no_error(answer)
        })
    });
}

#[test]
fn the_first_error_is_returned() {
    check("mapping", error_rule(), || {
        let page = page_size();
        for_each([0..1, page - 1..3 * page + 1], words, |range| {
            each_error_is_told(&vec![0; PAGES * page], |mapping| super::flush(mapping, range.clone()), |_| Ok(()))
        })?;
        // Others than those of a disk, too.
        for error in [Errno::ENOMEM, Errno::EINVAL, Errno::EBUSY] {
            let answer = ask_refused(&[libc::SYS_msync], On::Everything, error, || {
                super::flush(&mapped(&vec![0; PAGES * page]).map_err(kind)?, 0..1).map_err(kind)
            })?;
            refused(&answer, &[&format!("{error:?}")])
                .map_err(|failure| failure.given(text!("msync(2) fails with {error:?}", "msync(2) 返回 {error:?}")))?;
        }
        Ok(())
    });
}
