use super::*;

/// A file with newlines at these offsets, and the range and the window to count with.
#[derive(Debug, Clone)]
struct Case {
    size: usize,
    newlines: Vec<usize>,
    from: usize,
    to: usize,
    window: usize,
}

impl Case {
    fn any() -> impl Strategy<Value = Case> {
        let page = page_size();
        let window = prop_oneof![1..3_usize, page - 1..page + 2, Just(2 * page), Just(usize::MAX)];
        (
            near_page_boundaries(),
            prop::collection::vec(near_page_boundaries(), 0..12),
            near_page_boundaries(),
            near_page_boundaries(),
            window,
        )
            .prop_map(|(size, newlines, from, to, window)| Case { size, newlines, from, to, window })
    }

    fn words(&self) -> Text {
        let Case { size, newlines, from, to, window } = self;
        let mut newlines: Vec<_> = newlines.iter().filter(|at| *at < size).collect();
        newlines.sort_unstable();
        newlines.dedup();
        text!(
            "a file of {size} bytes with newlines at {newlines:?}, counted from {from} to {to} through a window of \
             {window}",
            "{size} 字节的文件，换行符位于 {newlines:?}，从 {from} 数到 {to}，窗口为 {window} 字节"
        )
    }

    fn contents(&self) -> Vec<u8> {
        let mut bytes = vec![b'x'; self.size];
        for &at in self.newlines.iter().filter(|at| **at < self.size) {
            bytes[at] = b'\n';
        }
        bytes
    }
}

fn compare(wanted: u64, got: Result<u64, String>) -> Result<(), Failure> {
    ensure(got == Ok(wanted), || {
        let failure = Failure::new(text!("{wanted} lines", "{wanted} 行"), text!("{got:?}", "{got:?}"));
        match got {
            Err(error) => explain_error(failure, &error),
            Ok(_) => failure,
        }
    })
}

fn answer(file: &File, from: u64, to: u64, window: usize) -> Result<Result<u64, String>, Failure> {
    ask(|| super::count_lines(file, from, to, window).map_err(kind)).map_err(at_the_end)
}

#[test]
fn counts_each_newline_once() {
    let rule = text!(
        "mmap(2): a mapping begins at a page boundary of the file and has whole pages. The range may begin and end \
         inside a page.",
        "mmap(2)：映射从文件的页边界开始，长度是整数页；而要统计的范围可以在页的中间开始和结束。"
    );
    check("window", rule, || {
        for_all(Case::any(), Case::words, |case| {
            let contents = case.contents();
            let file = read_only(&unnamed_file(&contents)?)?;
            let to = case.to.min(case.size);
            let range = contents.get(case.from.min(to)..to).unwrap_or_default();
            let wanted = wide(range.iter().filter(|byte| **byte == b'\n').count());
            compare(wanted, answer(&file, wide(case.from), wide(case.to), case.window)?)
        })
    });
}

#[test]
fn reaches_as_far_as_files_do() {
    let rule = text!(
        "off_t has 64 bits: a file's size or an offset in it may not fit in an int, nor in a usize of 32 bits.",
        "off_t 是 64 位的：文件大小和文件内的偏移放不进 int，也放不进 32 位的 usize。"
    );
    check("notes_program", rule, || {
        let (middle, last) = (4 * GIB, 5 * GIB - 1);
        let file = read_only(&large_file(&[(middle - 1, b"\n\n\n"), (last, b"\n")])?)?;
        let ranges = [
            (middle - 9, middle + 9, 3),
            (middle, middle + 2, 2),
            (middle + 1, middle + 2, 1),
            (last - 5, u64::MAX, 1),
            (last, last, 0),
            (u64::MAX, u64::MAX, 0),
            (u64::MAX - 1, 3, 0),
        ];
        for_each(
            ranges,
            |(from, to, _)| text!("a file of 5 GiB, from {from} to {to}", "5 GiB 的文件，从 {from} 到 {to}"),
            |&(from, to, wanted)| {
                let got = ask_with_memory(64 << 20, || super::count_lines(&file, from, to, 1 << 20).map_err(kind));
                compare(wanted, got?).map_err(too_narrow)
            },
        )
    });
}

#[test]
fn slides_a_window_of_the_size_that_is_allowed() {
    let rule = text!(
        "A mapping takes addresses and page tables while it lives. A sliding window unmaps what it has shown, so the \
         file may be larger than memory and than the address space.",
        "映射存在多久，就占用多久的地址空间和页表。滑动的窗口会解除已经看过的部分，所以文件可以比内存和地址空间都大。"
    );
    check("window", rule, || {
        let page = page_size();
        // The end of the range in pages, its start in bytes, and the window in bytes.
        let cases = [(10, 0, 4 * page), (10, 7, 4 * page), (5, 0, page), (5, page - 1, 2 * page - 1), (3, 1, 1)];
        let file = unnamed_file(&pattern(10 * page))?;
        for_each(
            cases,
            |(pages, from, window)| {
                text!(
                    "the first {pages} pages from byte {from} on, a window of {window} bytes",
                    "从 {from} 起的 {pages} 页，窗口为 {window} 字节"
                )
            },
            |&(pages, from, window)| {
                let to = wide(pages * page);
                let seen = watch(&file, || drop(super::count_lines(&file, wide(from), to, window)))?;
                seen.maps_and_does_not_copy()?;
                let (most, allowed) = (seen.mapped().into_iter().max().unwrap_or(0), whole_pages(window));
                ensure(most <= allowed, || {
                    Failure::new(
                        text!("at most {allowed} bytes are mapped at a time", "同一时刻最多映射 {allowed} 字节"),
                        text!("{most} bytes were mapped", "映射了 {most} 字节"),
                    )
                    .shows(&belief::MAP_IT_ALL)
                })?;
                let calls = seen.maps().count();
                let enough = (pages * page).div_ceil(allowed) + usize::from(from > 0);
                ensure(calls <= enough, || {
                    Failure::new(
                        text!("at most {enough} calls of mmap(2)", "最多调用 {enough} 次 mmap(2)"),
                        text!("there were {calls}", "调用了 {calls} 次"),
                    )
                })?;
                seen.leaves_nothing_mapped()
            },
        )
    });
}

#[test]
fn refuses_an_empty_window() {
    let rule = text!("mmap(2): EINVAL when the length is 0.", "mmap(2)：长度为 0 时返回 EINVAL。");
    check("refusals", rule, || {
        let file = unnamed_file(b"a\nb\n")?;
        refused(&answer(&file, 0, 4, 0)?, &["InvalidInput", "EINVAL"])
    });
}
