use super::*;

fn rule() -> Text {
    text!(
        "madvise(2), MADV_POPULATE_READ (Linux 5.14): makes the page table's entries for all pages of the range, as loads would, \
         and copies none. An older kernel answers EINVAL. The last page is that of the range's last byte, wherever the range begins.",
        "madvise(2) 的 MADV_POPULATE_READ（Linux 5.14）：为范围内所有的页建立页表项，效果和逐页读一遍相同，不产生副本。较老的内核返回 \
         EINVAL。不管范围从哪里开始，最后一页都是它最后一个字节所在的页。"
    )
}

/// Whether the kernel is an old one.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kernel {
    AsItIs,
    /// madvise(2) fails with EINVAL.
    Old,
}

/// What is warmed.
#[derive(Debug, Clone)]
struct Case {
    sharing: Sharing,
    /// The file's size; it is all holes if none of it is written.
    size: usize,
    written: bool,
    range: Range<usize>,
}

impl Case {
    /// A file of all pages of the mapping, and how it is mapped.
    fn in_whole(range: Range<usize>, written: bool, sharing: Sharing) -> Case {
        Case { sharing, size: PAGES * page_size(), written, range }
    }

    fn words(&self, kernel: Kernel) -> Text {
        let Case { sharing, size, written, range: Range { start, end } } = self;
        let kind = is(*sharing);
        let holes = if *written { text!("", "") } else { text!(", all holes", "，全是空洞") };
        let given = text!(
            "a {kind} mapping of {PAGES} pages, of a file of {size} bytes{holes}; the range {start}..{end}",
            "{PAGES} 页的{kind}映射，文件有 {size} 字节{holes}；范围 {start}..{end}";
            kind,
            holes
        );
        match kernel {
            Kernel::AsItIs => given,
            Kernel::Old => text!("{given}; madvise(2) fails with EINVAL", "{given}；madvise(2) 返回 EINVAL"; given),
        }
    }

    /// The file, and its mapping.
    fn happen(&self) -> std::io::Result<(File, Mapping)> {
        let file = file_with(&[], PAGES * page_size())?;
        if self.written {
            file.write_all_at(&pattern(self.size), 0)?;
        }
        file.set_len(wide(self.size))?;
        let mapping = Mapping::of_file(&file, 0, PAGES * page_size(), READ_WRITE, self.sharing)?;
        Ok((file, mapping))
    }

    /// Calls it.
    fn warmed(&self, kernel: Kernel) -> Result<Happened, Failure> {
        let happened: Result<Happened, String> = in_child(|| {
            let (file, mapping) = self.happen()?;
            if kernel == Kernel::Old
                && let Err(error) = refuse(&[libc::SYS_madvise], On::Everything, Errno::EINVAL)
            {
                return Ok(Err(error.to_string()));
            }
            let answer = super::warm(&mapping, &file, self.range.clone()).map_err(kind);
            let faults = match answer {
                Ok(()) => faults_of_loads(&mapping, self.range.clone())?,
                Err(_) => FaultsAt::default(),
            };
            Ok(Ok((answer, faults, memory_of(&mapping, &file)?.anonymous / page_size_u64())))
        })?;
        happened.map_err(no_refusals)
    }

    /// Whether it only asks for the pages: by MADV_WILLNEED, and not by MADV_POPULATE_READ.
    fn only_asks(&self) -> bool {
        let seen = self.happen().map_err(Failure::from).and_then(|(file, mapping)| {
            watch(|| super::warm(&mapping, &file, self.range.clone()).map_err(kind), |_| false)
        });
        // Where nothing can be traced, nobody knows.
        let calls = seen.map(|seen| seen.calls).unwrap_or_default();
        let gives = |advice| {
            let is_it = |call: &FileCall| {
                let Call { number, arguments, .. } = call.call;
                number == libc::SYS_madvise && has_advice(arguments[2], advice)
            };
            calls.iter().any(is_it)
        };
        gives(libc::MADV_WILLNEED) && !gives(libc::MADV_POPULATE_READ)
    }
}

/// Whether an argument of madvise(2) is this advice.
fn has_advice(argument: u64, advice: libc::c_int) -> bool {
    u64::try_from(advice).is_ok_and(|advice| argument & u64::from(u32::MAX) == advice)
}

/// What happened: the answer, the faults of loads in the range afterwards, and the number of pages that were copied.
type Happened = (Result<(), String>, FaultsAt, u64);

fn pays_in_advance(kernel: Kernel, case: &Case) -> Result<(), Failure> {
    let (answer, faults, copies) = case.warmed(kernel)?;
    equal(&answer, &Ok(()))?;
    ensure(faults == FaultsAt::default() && copies == 0, || {
        let found = faults.words();
        let failure = Failure::new(
            text!("no fault when the range is loaded, and no page copied", "再读这个范围时没有缺页，也没有页被复制"),
            text!("{found}; {copies} pages copied", "{found}；复制了 {copies} 页"; found),
        );
        if kernel == Kernel::AsItIs && copies == 0 && case.only_asks() {
            failure.shows(&belief::ADVICE_MAPS)
        } else {
            failure
        }
    })
}

/// The worst first. In a file of holes a fault makes the entry of its page alone; where the pages are in the page cache, it
/// makes those of the pages around, too, which may hide that one was left out.
fn fixed() -> Vec<Case> {
    let page = page_size();
    let ranges = [
        0..page,
        page - 100..4 * page + 100,
        0..PAGES * page,
        page - 1..page + 1,
        2 * page + 5..2 * page + 6,
        3 * page..3 * page,
        5 * page + 7..6 * page,
    ];
    ranges
        .into_iter()
        .flat_map(|range| [true, false].map(|written| (range.clone(), written)))
        .flat_map(|(range, written)| {
            [Sharing::Shared, Sharing::Private].map(|sharing| Case::in_whole(range.clone(), written, sharing))
        })
        .collect()
}

fn any() -> impl Strategy<Value = Case> {
    let all = PAGES * page_size();
    let range = (0..all).prop_flat_map(move |start| (start..=all).prop_map(move |end| start..end));
    (range, prop::bool::ANY, sharing()).prop_map(|(range, written, sharing)| Case::in_whole(range, written, sharing))
}

fn on(kernel: Kernel) -> Result<(), Failure> {
    let given = |case: &Case| case.words(kernel);
    for_each(fixed(), given, |case| pays_in_advance(kernel, case))?;
    for_all(any(), given, |case| pays_in_advance(kernel, case))
}

fn works() -> Result<bool, Failure> {
    knows_the_basics(fixed().iter().try_for_each(|case| pays_in_advance(Kernel::AsItIs, case)))
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
        "madvise(2): EFAULT when MADV_POPULATE_READ finds a page past the end of the file. A load there is SIGBUS (lesson 6). The \
         range alone counts: the pages outside of it are not to be touched.",
        "madvise(2)：MADV_POPULATE_READ 遇到文件末尾之后的页，返回 EFAULT。在那里读内存是 SIGBUS（第 6 课）。只看范围之内，范围以外的页不要碰。"
    );
    check("6:rule", rule, || {
        let page = page_size();
        let shared = |size, range| Case { sharing: Sharing::Shared, size, written: true, range };
        // A file that ends at a page boundary, and one that does not: the rest of its last page is there.
        let past = [
            shared(2 * page, 2 * page..2 * page + 1),
            shared(2 * page, page..2 * page + 1),
            shared(2 * page + 100, 3 * page..3 * page + 1),
            shared(2 * page + 100, 0..3 * page + 1),
            shared(2 * page + 100, 2 * page..PAGES * page),
        ];
        let empty = [0, page, 2 * page, 3 * page, PAGES * page].map(|at| shared(2 * page, at..at));
        let before = [shared(2 * page, page..2 * page), shared(2 * page + 100, page..3 * page)];
        let before: Vec<_> = before.into_iter().chain(empty).collect();
        for kernel in [Kernel::AsItIs, Kernel::Old] {
            let given = |case: &Case| case.words(kernel);
            for_each(past.clone(), given, |case| equal(&case.warmed(kernel)?.0, &Err("EFAULT".to_owned())))?;
            for_each(before.clone(), given, |case| equal(&case.warmed(kernel)?.0, &Ok(())))?;
        }
        let (size, range) = ((1 << 32) + page, 1 << 30..(1 << 30) + 1);
        let answer = in_child(|| {
            let file = file_with(&[], size)?;
            Ok(super::warm(&mapped_whole(&file, Sharing::Shared)?, &file, range.clone()).map_err(kind))
        })?;
        equal(&answer, &Ok(())).map_err(|failure| {
            let Range { start, end } = range;
            failure.given(text!(
                "a mapping of {size} bytes, of a file of that size; the range {start}..{end}",
                "{size} 字节的映射，文件也有这么大；范围 {start}..{end}"
            ))
        })
    });
}

#[test]
fn another_error_is_told() {
    let rule = text!(
        "madvise(2): EINVAL says that the kernel doesn't know MADV_POPULATE_READ. Each other error says that the pages can't be \
         populated: it is for the caller, who decides what to do.",
        "madvise(2)：EINVAL 说明内核不认识 MADV_POPULATE_READ。其他错误说明这些页建立不了，应当返回给调用者，由它决定怎么办。"
    );
    check("count", rule, || {
        let given = text!("madvise(2) fails with ENOMEM", "madvise(2) 返回 ENOMEM");
        let answer: Result<Result<(), String>, String> = in_child(|| {
            let file = file_with(&[0, 1, 2, 3, 4, 5], PAGES * page_size())?;
            let mapping = mapped_whole(&file, Sharing::Shared)?;
            if let Err(error) = refuse(&[libc::SYS_madvise], On::Everything, Errno::ENOMEM) {
                return Ok(Err(error.to_string()));
            }
            let answer = super::warm(&mapping, &file, 0..PAGES * page_size()).map_err(kind);
            let warm = answer.is_ok() && faults_of_loads(&mapping, 0..PAGES * page_size())? == FaultsAt::default();
            // Another way than by madvise(2) is as good.
            Ok(Ok(if warm { Err("ENOMEM".to_owned()) } else { answer }))
        })
        .map_err(|failure| failure.given(given.clone()))?;
        equal(&answer.map_err(no_refusals)?, &Err("ENOMEM".to_owned())).map_err(|failure| failure.given(given))?;
        [Errno::ENOMEM, Errno::EIO].into_iter().try_for_each(an_error_is_not_hidden)
    });
}

/// Where it has asked madvise(2) to populate the mapping, and got this error, that is the answer.
fn an_error_is_not_hidden(error: Errno) -> Result<(), Failure> {
    let (file, asked) = (file_of(PAGES * page_size())?, Arc::new(AtomicBool::new(false)));
    let mapping = mapped_whole(&file, Sharing::Shared)?;
    let (range, is_asked) = (mapping.range(), Arc::clone(&asked));
    let decide = move |call: &libc::seccomp_data| {
        let is_here = usize::try_from(call.args[0]).is_ok_and(|address| range.contains(&address));
        let is_it = is_here && has_advice(call.args[2], libc::MADV_POPULATE_READ);
        is_asked.fetch_or(is_it, Ordering::Relaxed);
        is_it.then_some(error)
    };
    let call = || super::warm(&mapping, &file, 0..PAGES * page_size()).map_err(kind);
    let (answer, asked): (Result<(), String>, bool) =
        ask_decided(&[libc::SYS_madvise], decide, call, |answer| (answer, asked.load(Ordering::Relaxed)))?;
    // Another way than by madvise(2) is as good.
    if !asked {
        return Ok(());
    }
    equal(&answer, &Err(format!("{error:?}"))).map_err(|failure| {
        failure.given(text!(
            "madvise(2) with MADV_POPULATE_READ fails with {error:?}",
            "用 MADV_POPULATE_READ 调用 madvise(2) 返回 {error:?}"
        ))
    })
}

#[test]
fn nothing_stays_mapped_or_open() {
    check("2:mapping", gives_back(), || {
        if !works()? {
            return Ok(());
        }
        let size = 2 * page_size();
        // What it returns, other checks say.
        let call = |range: Range<usize>| move |mapping: &Mapping, file: &File| drop(super::warm(mapping, file, range));
        let (still_mapped, descriptors) = in_child(|| left_by(call(0..size), size))?;
        nothing_left(still_mapped, descriptors)?;
        for error in [Errno::EINVAL, Errno::ENOMEM] {
            let (still_mapped, descriptors) =
                no_error(ask_refused(&[libc::SYS_madvise], On::Everything, error, || {
                    left_by(call(0..size), size).map_err(kind)
                })?)?;
            nothing_left(still_mapped, descriptors).map_err(|failure| {
                failure.given(text!("madvise(2) fails with {error:?}", "madvise(2) 返回 {error:?}"))
            })?;
        }
        Ok(())
    });
}

#[test]
fn a_cold_file_is_read_during_the_call() {
    check("cold", rule(), || {
        let given =
            text!("a file on a disk, none of whose pages is in the page cache", "磁盘上的文件，没有一页在页缓存里");
        let faults: Option<FaultsAt> = in_child(|| {
            let Some(file) = cold_file(PAGES)? else { return Ok(None) };
            let mapping = mapped_whole(&file, Sharing::Shared)?;
            super::warm(&mapping, &file, 0..PAGES * page_size())?;
            let faults = faults_of_loads(&mapping, 0..PAGES * page_size())?;
            Ok(Some(faults))
        })
        .map_err(|failure| failure.given(given.clone()))?;
        let Some(faults) = faults else { return Err(not_cold()) };
        ensure(faults == FaultsAt::default(), || {
            let found = faults.words();
            Failure::new(text!("no fault when the range is loaded", "再读这个范围时没有缺页"), found).given(given)
        })
    });
}
