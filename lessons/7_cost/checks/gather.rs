use super::*;

/// The bytes from `at` on of a file that has the [`pattern`].
fn bytes_at(at: u64, length: usize) -> Vec<u8> {
    let skipped = usize::try_from(at % 251).expect("less than 251");
    pattern(skipped + length).split_off(skipped)
}

fn records(offsets: &[u64], record: usize) -> Vec<u8> {
    offsets.iter().flat_map(|at| bytes_at(*at, record)).collect()
}

/// A size, offsets, and the length of a record.
type Case = (usize, Vec<u64>, usize);

fn words((size, offsets, record): &Case) -> Text {
    text!(
        "a file of {size} bytes, the offsets {offsets:?}, records of {record} bytes",
        "文件有 {size} 字节，偏移量 {offsets:?}，每条记录 {record} 字节"
    )
}

type Answer = Result<Vec<u8>, String>;

/// More records than a process has mappings.
const MANY: usize = 70_000;

fn gathered((size, offsets, record): &Case) -> Result<Answer, Failure> {
    in_child(|| Ok(super::gather(&file_of(*size)?, offsets, *record).map_err(kind)))
}

/// The worst first.
fn fixed() -> Vec<Case> {
    let (page, wide_page) = (page_size(), page_size_u64());
    vec![
        (10, vec![0], 1),
        (3 * page, vec![2 * wide_page, wide_page, 0, wide_page], 10),
        (3 * page, vec![wide_page - 1, 2 * wide_page - 9, wide_page - 1], 10),
        (3 * page + 10, vec![3 * wide_page, 3 * wide_page - 5], 10),
        (3 * page + 10, vec![3 * wide_page + 9, 0], 1),
        (4 * page, vec![1, wide_page - 1], 2 * page + 1),
        (4 * page, vec![7, wide_page + 1, 7, 3], page),
        (2 * page + 1, vec![0, 0], 2 * page + 1),
        (3 * page, vec![], 10),
        (0, vec![], 10),
    ]
}

fn any() -> impl Strategy<Value = Case> {
    (1..8 * page_size(), prop_oneof![3 => 1..200_usize, 1 => 1..2 * page_size()]).prop_flat_map(|(size, record)| {
        let record = record.min(size);
        (Just(size), prop::collection::vec(0..=wide(size - record), 1..9), Just(record))
    })
}

fn has_them(case: &Case) -> Result<(), Failure> {
    let (size, offsets, record) = case;
    let wanted = records(offsets, *record);
    let compared: Result<Option<Difference>, String> = in_child(|| {
        let answer = super::gather(&file_of(*size)?, offsets, *record);
        Ok(answer.map(|got| difference(&got, &wanted)).map_err(kind))
    })?;
    no_difference(text!("the records", "所有记录"), no_error(compared)?)
}

fn works() -> Result<bool, Failure> {
    knows_the_basics(fixed().iter().try_for_each(has_them))
}

#[test]
fn has_each_record_in_its_place() {
    let rule = text!(
        "The records come in the order of `offsets`, not in that of the file. A record may lie in several pages, and two records \
         may share some: what is read is bytes, whatever their pages are.",
        "记录按 `offsets` 的顺序排列，不按文件里的先后。一条记录可能跨几页，两条记录也可能有重叠：读的是字节，不管它们在哪些页里。"
    );
    check("records", rule, || {
        for_each(fixed(), words, has_them)?;
        for_all_n(24, any(), words, has_them)?;
        has_them(&(10, vec![5; MANY], 1)).map_err(|failure| {
            failure.given(text!(
                "{MANY} times the same offset, where a process may have 65,530 mappings as a rule (max_map_count)",
                "同一个偏移量重复 {MANY} 次；一个进程通常最多有 65,530 个映射（max_map_count）"
            ))
        })
    });
}

#[test]
fn past_the_end_is_an_error() {
    let rule = text!(
        "pread(2) past the end of the file returns less than was asked for; a load there shows zeros, or is SIGBUS (lesson 6).",
        "pread(2) 在文件末尾之后返回的比要求的少；从映射里读则是零，或者 SIGBUS（第 6 课）。"
    );
    check("6:rule", rule, || {
        if !works()? {
            return Ok(());
        }
        let (page, size) = (page_size_u64(), 2 * page_size() + 10);
        let end = wide(size);
        let mut cases: Vec<Case> = [end - 9, end - 1, end, 3 * page - 10, 3 * page, end + (1 << 32), u64::MAX >> 1]
            .into_iter()
            .chain([u64::MAX - 9, u64::MAX])
            .map(|past| (size, vec![past], 10))
            .collect();
        cases.extend([
            (size, vec![0, end - 10, end - 5, 0], 10),
            (size, vec![0], size + 1),
            (size, vec![0, u64::MAX - 3], 10),
            (0, vec![0], 1),
        ]);
        for_each(cases, words, |case| refused(&gathered(case)?, &["UnexpectedEof", "EINVAL", "InvalidInput"]))
    });
}

#[test]
fn offsets_may_be_above_4_gib() {
    let rule = text!(
        "off_t has 64 bits: compute in 64 bits, and narrow only what is known to fit.",
        "off_t 有 64 位：先用 64 位计算，确知放得下再转成较窄的类型。"
    );
    check("2:window", rule, || {
        // Where addresses have 32 bits, no mapping is so long.
        if usize::BITS < 64 || !works()? {
            return Ok(());
        }
        let start = 1_u64 << 32;
        let offsets = vec![start + 10, 0, start - 5];
        let size = start + 20;
        let given = text!(
            "a file of {size} bytes, the offsets {offsets:?}, records of 10 bytes",
            "文件有 {size} 字节，偏移量 {offsets:?}，每条记录 10 字节"
        );
        let got: Answer = in_child(|| {
            let file = memory_file()?;
            for at in [0, start - 5, start + 10] {
                file.write_all_at(&bytes_at(at, 10), at)?;
            }
            Ok(super::gather(&file, &offsets, 10).map_err(kind))
        })
        .map_err(|failure| failure.given(given.clone()))?;
        equal(&got, &Ok(records(&offsets, 10))).map_err(|failure| failure.given(given))
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
        let got: Answer = in_child(|| {
            let file = opened(&file_of(20)?, OpenOptions::new().read(true))?;
            Ok(super::gather(&file, &[5], 10).map_err(kind))
        })?;
        equal(&got, &Ok(bytes_at(5, 10)))
            .map_err(|failure| failure.given(text!("a file that is open for reading only", "文件只能读，不能写")))
    });
}

#[test]
fn nothing_stays_mapped_or_open() {
    check("2:mapping", gives_back(), || {
        if !works()? {
            return Ok(());
        }
        for offsets in [vec![0, 5], vec![0, 30]] {
            let case = (20, offsets, 10);
            let (still_mapped, before, after) = in_child(|| {
                let file = file_of(case.0)?;
                let before = open_descriptors()?;
                // What it returns, other checks say.
                let _ = super::gather(&file, &case.1, case.2);
                Ok((mapped()?, before, open_descriptors()?))
            })?;
            nothing_left(still_mapped, [before, after]).map_err(|failure| failure.given(words(&case)))?;
        }
        Ok(())
    });
}

/// What a call cost: the pages that are in the page cache afterwards, the bytes that were read from the disk (None where the
/// file system does not count them), and the major faults.
#[derive(Debug, Serialize, Deserialize)]
struct Price {
    answer: Answer,
    cached: usize,
    read: Option<u64>,
    major: i64,
}

/// The bytes that this process has caused to be read from disks (`read_bytes`, proc_pid_io(5)).
fn bytes_read() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/io").ok()?;
    text.lines().find_map(|line| line.strip_prefix("read_bytes: ")?.parse().ok())
}

/// One record in each 16 pages, none of them next to another, in an order without a pattern; every third one begins in one page
/// and ends in the next.
fn scattered(pages: usize, record: usize) -> Vec<u64> {
    let page = page_size();
    let place = |n: usize| (16 * n + 8) * page + if n.is_multiple_of(3) { page - record / 2 } else { 100 };
    Order::Random.of(pages / 16).into_iter().map(|n| wide(place(n))).collect()
}

/// A record in each of four pages that follow one another, the first four of the file among them; then far from there, and so
/// on. From the second page on it looks as if the file was read in order.
fn neighbours(pages: usize) -> Vec<u64> {
    let near = |n: usize| (64 * n..64 * n + 4).map(|page| wide(page * page_size() + 100));
    std::iter::once(0).chain(Order::Random.of(pages / 64).into_iter().filter(|n| *n > 0)).flat_map(near).collect()
}

/// What a mapping reads.
fn faults_rule() -> Text {
    text!(
        "A fault for a page that is not in memory reads what is around it, too, even past the mapping's end, unless madvise(2) says \
         MADV_RANDOM. That advice has to cover each page of a record, the last one, too.",
        "缺的页不在内存里时，内核会顺带读入它前后的页，哪怕在映射之外，除非用 madvise(2) 说明 MADV_RANDOM。这个建议要包括记录的每一页，\
         也包括最后一页。"
    )
}

/// What pread(2) reads.
fn reads_rule() -> Text {
    text!(
        "pread(2) reads what follows, too, at the file's start and where the page before was read last, unless posix_fadvise(2) says \
         POSIX_FADV_RANDOM. A buffer, such as that of `BufReader`, reads its whole size for each record.",
        "在文件开头，或者刚读过前一页时，pread(2) 会顺带读入后面的页，除非用 posix_fadvise(2) 说明 POSIX_FADV_RANDOM。缓冲区（例如 \
         `BufReader` 的）每条记录都要读满整个缓冲区。"
    )
}

/// Gathers these records of a file on a disk, of which none is in the page cache.
fn reads_little(pages: usize, offsets: &[u64], record: usize) -> Result<(), Failure> {
    let last = |at: &u64| (at + wide(record) - 1) / page_size_u64();
    let needed: BTreeSet<u64> = offsets.iter().flat_map(|at| at / page_size_u64()..=last(at)).collect();
    let (count, needed) = (offsets.len(), needed.len());
    let begin: Vec<u64> = offsets.iter().copied().take(8).collect();
    let given = text!(
        "a file of {pages} pages on a disk, none of them in the page cache; {count} records of {record} bytes, in {needed} pages; \
         the first of the offsets are {begin:?}",
        "磁盘上的文件，共 {pages} 页，没有一页在页缓存里；{count} 条记录，每条 {record} 字节，分布在 {needed} 页里；\
         最前面的偏移量是 {begin:?}"
    );
    let call = || {
        in_child(|| {
            let Some(file) = cold_file(pages)? else { return Ok(None) };
            // Not every file system counts: so one page is read first.
            let before = bytes_read();
            file.read_exact_at(&mut [0], 0)?;
            let counts = bytes_read() > before;
            if !make_cold(&file)? {
                return Ok(None);
            }
            let (mut answer, before) = (None, bytes_read());
            let Faults { major, .. } = faults_of(|| {
                answer = Some(super::gather(&file, offsets, record).map_err(kind));
                Ok(())
            })?;
            let read = bytes_read().zip(before).map(|(after, before)| after - before).filter(|_| counts);
            let cached = cached_pages(&file)?.iter().filter(|is_cached| **is_cached).count();
            Ok(answer.map(|answer| Price { answer, cached, read, major }))
        })
        .map_err(|failure| failure.given(given.clone()))
    };
    let most = 2 * needed;
    let mut price = call()?.ok_or_else(not_cold)?;
    let read_too_many = |price: &Price| price.read.is_some_and(|read| read > wide(most * page_size()));
    // What else the process reads is counted, too, such as its own code where memory is short: not each time, though.
    for _ in 0..3 {
        if price.cached <= most && read_too_many(&price) {
            price = call()?.ok_or_else(not_cold)?;
        }
    }
    let Price { answer, cached, read, major } = &price;
    no_error(answer.clone())
        .and_then(|got| same_bytes(text!("the records", "所有记录"), &got, &records(offsets, record)))
        .map_err(|failure| failure.given(given.clone()))?;
    ensure(*cached <= most && !read_too_many(&price), || {
        let read = read.map_or("?".to_owned(), |read| (read / page_size_u64()).to_string());
        let failure = Failure::new(
            text!("at most {most} pages are read", "最多读 {most} 页"),
            text!(
                "{cached} are in the page cache afterwards; {read} were read from the disk; {major} major faults",
                "之后有 {cached} 页在页缓存里；从磁盘读了 {read} 页；主缺页 {major} 次"
            ),
        )
        .given(given);
        if *major > 0 { failure.shows(&belief::FAULT_READS_ITS_PAGE) } else { failure.breaks("records", reads_rule()) }
    })
}

#[test]
fn little_more_is_read_than_the_records_need() {
    check("records", faults_rule(), || {
        if !works()? {
            return Ok(());
        }
        // 8 MiB where a page has 4 KiB.
        let (pages, record) = (2048, 100);
        reads_little(pages, &scattered(pages, record), record)?;
        reads_little(pages, &neighbours(pages), record)
    });
}
