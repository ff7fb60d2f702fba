use super::*;

fn rule() -> Text {
    text!(
        "madvise(2), MADV_POPULATE_READ (Linux 5.14): makes the page table's entries for all pages of the range, as loads would, \
         and copies none. An older kernel answers EINVAL.",
        "madvise(2) 的 MADV_POPULATE_READ（Linux 5.14）：为范围内所有的页建立页表项，效果和逐页读一遍相同，不产生副本。较老的内核返回 EINVAL。"
    )
}

/// Whether the kernel is an old one.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kernel {
    AsItIs,
    /// madvise(2) fails with EINVAL.
    Old,
}

/// What happened: the answer, the faults of loads in the range afterwards, and the pages that were copied.
type Happened = (Result<(), String>, Faults, u64);

/// Calls it for this range, on a file of this size.
fn warmed(sharing: Sharing, kernel: Kernel, size: usize, range: Range<usize>) -> Result<Happened, Failure> {
    let happened: Result<Happened, String> = in_child(|| {
        let file = file_with(&[], PAGES * page_size())?;
        file.write_all_at(&pattern(size), 0)?;
        file.set_len(wide(size))?;
        let mapping = Mapping::of_file(&file, 0, PAGES * page_size(), READ_WRITE, sharing)?;
        if kernel == Kernel::Old
            && let Err(error) = refuse(&[libc::SYS_madvise], On::Everything, Errno::EINVAL)
        {
            return Ok(Err(error.to_string()));
        }
        let answer = super::warm(&mapping, &file, range.clone()).map_err(kind);
        let faults = match answer {
            Ok(()) => faults_of_loads(&mapping, range.clone())?,
            Err(_) => Faults::default(),
        };
        Ok(Ok((answer, faults, memory_of(&mapping, &file)?.anonymous)))
    })?;
    happened.map_err(no_refusals)
}

fn words(sharing: Sharing, kernel: Kernel, size: usize, range: &Range<usize>) -> Text {
    let (kind, Range { start, end }) = (is(sharing), range);
    let given = text!(
        "a {kind} mapping of {PAGES} pages, of a file of {size} bytes; the range {start}..{end}",
        "{PAGES} 页的{kind}映射，文件有 {size} 字节；范围 {start}..{end}";
        kind
    );
    match kernel {
        Kernel::AsItIs => given,
        Kernel::Old => text!("{given}; madvise(2) fails with EINVAL", "{given}；madvise(2) 返回 EINVAL"; given),
    }
}

fn pays_in_advance(sharing: Sharing, kernel: Kernel, range: &Range<usize>) -> Result<(), Failure> {
    let size = PAGES * page_size();
    let given = || words(sharing, kernel, size, range);
    let (answer, faults, copies) =
        warmed(sharing, kernel, size, range.clone()).map_err(|failure| failure.given(given()))?;
    equal(&answer, &Ok(())).map_err(|failure| failure.given(given()))?;
    let Faults { minor, major } = faults;
    ensure(minor == 0 && major == 0 && copies == 0, || {
        let failure = Failure::new(
            text!("no fault when the range is loaded, and no page copied", "再读这个范围时没有缺页，也没有页被复制"),
            text!(
                "{minor} minor and {major} major faults; {copies} pages copied",
                "次缺页 {minor} 次，主缺页 {major} 次；复制了 {copies} 页"
            ),
        )
        .given(given());
        if minor > 0 && copies == 0 { failure.shows(&belief::ADVICE_MAPS) } else { failure }
    })
}

fn ranges() -> Vec<Range<usize>> {
    let page = page_size();
    vec![
        0..page,
        0..PAGES * page,
        page - 1..page + 1,
        2 * page + 5..2 * page + 6,
        3 * page..3 * page,
        5 * page + 7..6 * page,
    ]
}

fn any_range() -> impl Strategy<Value = Range<usize>> {
    (0..PAGES * page_size()).prop_flat_map(|start| (start..=PAGES * page_size()).prop_map(move |end| start..end))
}

fn on(kernel: Kernel) -> Result<(), Failure> {
    let all = ranges()
        .into_iter()
        .flat_map(|range| [Sharing::Shared, Sharing::Private].map(|sharing| (sharing, range.clone())));
    let given = |(sharing, range): &(Sharing, Range<usize>)| words(*sharing, kernel, PAGES * page_size(), range);
    for_each(all, given, |(sharing, range)| pays_in_advance(*sharing, kernel, range))?;
    for_all((sharing(), any_range()), given, |(sharing, range)| pays_in_advance(*sharing, kernel, range))
}

#[test]
fn what_is_warm_takes_no_fault() {
    check("count", rule(), || on(Kernel::AsItIs));
}

#[test]
fn on_an_older_kernel_too() {
    check("count", rule(), || on(Kernel::Old));
}

#[test]
fn past_the_end_is_an_error() {
    let rule = text!(
        "madvise(2): EFAULT when MADV_POPULATE_READ finds a page past the end of the file. A load there is SIGBUS (lesson 6).",
        "madvise(2)：MADV_POPULATE_READ 遇到文件末尾之后的页，返回 EFAULT。在那里读内存是 SIGBUS（第 6 课）。"
    );
    check("6:rule", rule, || {
        let page = page_size();
        let size = 2 * page + 100;
        let past = [3 * page..3 * page + 1, 0..3 * page + 1, 2 * page..PAGES * page];
        for kernel in [Kernel::AsItIs, Kernel::Old] {
            for range in past.clone() {
                let given = || words(Sharing::Shared, kernel, size, &range);
                let (answer, ..) =
                    warmed(Sharing::Shared, kernel, size, range.clone()).map_err(|failure| failure.given(given()))?;
                equal(&answer, &Err("EFAULT".to_owned())).map_err(|failure| failure.given(given()))?;
            }
            // The rest of the last page is there.
            let range = page..3 * page;
            let given = || words(Sharing::Shared, kernel, size, &range);
            let (answer, ..) =
                warmed(Sharing::Shared, kernel, size, range.clone()).map_err(|failure| failure.given(given()))?;
            equal(&answer, &Ok(())).map_err(|failure| failure.given(given()))?;
        }
        Ok(())
    });
}

#[test]
fn another_error_is_told() {
    check("count", rule(), || {
        let given = text!("madvise(2) fails with ENOMEM", "madvise(2) 返回 ENOMEM");
        let answer: Result<Result<(), String>, String> = in_child(|| {
            let file = file_with(&[0, 1, 2, 3, 4, 5], PAGES * page_size())?;
            let mapping = mapped_whole(&file, Sharing::Shared)?;
            if let Err(error) = refuse(&[libc::SYS_madvise], On::Everything, Errno::ENOMEM) {
                return Ok(Err(error.to_string()));
            }
            let answer = super::warm(&mapping, &file, 0..PAGES * page_size()).map_err(kind);
            let warm = answer.is_ok() && faults_of_loads(&mapping, 0..PAGES * page_size())? == Faults::default();
            // Another way than by madvise(2) is as good.
            Ok(Ok(if warm { Err("ENOMEM".to_owned()) } else { answer }))
        })
        .map_err(|failure| failure.given(given.clone()))?;
        equal(&answer.map_err(no_refusals)?, &Err("ENOMEM".to_owned())).map_err(|failure| failure.given(given))
    });
}

#[test]
fn a_cold_file_is_read_during_the_call() {
    check("cold", rule(), || {
        let given =
            text!("a file on a disk, none of whose pages is in the page cache", "磁盘上的文件，没有一页在页缓存里");
        let faults: Option<Faults> = in_child(|| {
            let Some(file) = cold_file(PAGES)? else { return Ok(None) };
            let mapping = mapped_whole(&file, Sharing::Shared)?;
            super::warm(&mapping, &file, 0..PAGES * page_size())?;
            let faults = faults_of_loads(&mapping, 0..PAGES * page_size())?;
            Ok(Some(faults))
        })
        .map_err(|failure| failure.given(given.clone()))?;
        let Some(faults) = faults else { return Err(not_cold()) };
        equal(&faults, &Faults::default()).map_err(|failure| failure.given(given))
    });
}
