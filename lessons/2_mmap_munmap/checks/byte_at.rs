use super::*;

fn answer(file: &File, offset: u64) -> Result<Result<Option<u8>, String>, Failure> {
    ask(|| super::byte_at(file, offset).map_err(kind)).map_err(at_the_end)
}

fn compare(wanted: Option<u8>, got: Result<Option<u8>, String>) -> Result<(), Failure> {
    ensure(got == Ok(wanted), || {
        let failure = Failure::new(text!("{wanted:?}", "{wanted:?}"), text!("{got:?}", "{got:?}"));
        match got {
            Ok(Some(0)) if wanted.is_none() => failure.shows(&belief::REST_IS_FILE),
            Err(error) => explain_error(failure, &error),
            Ok(_) => failure,
        }
    })
}

fn rule() -> Text {
    text!(
        "mmap(2): the offset has to be a multiple of the page size, sysconf(_SC_PAGE_SIZE). The rest of the file's \
         last page is mapped as zeros, and is no part of the file; an access to a page past it raises SIGBUS.",
        "mmap(2)：偏移量必须是页大小（sysconf(_SC_PAGE_SIZE)）的整数倍。文件最后一页中超出文件末尾的部分映射为零，但不属于文件；再往后的页一碰就是 SIGBUS。"
    )
}

#[test]
fn is_the_files_byte_or_none() {
    check("window", rule(), || {
        let describe = |&(size, offset): &(usize, usize)| {
            text!("a file of {size} bytes, offset {offset}", "{size} 字节的文件，偏移 {offset}")
        };
        let test = |&(size, offset): &(usize, usize)| {
            let bytes = pattern(size);
            let file = read_only(&unnamed_file(&bytes)?)?;
            compare(bytes.get(offset).copied(), answer(&file, wide(offset))?)
        };
        // The simplest case first: shrinking would not find it from a file that ends at a page boundary.
        for_each([(10, 10)], describe, test)?;
        for_all((near_page_boundaries(), near_page_boundaries()), describe, test)
    });
}

#[test]
fn reaches_as_far_as_files_do() {
    let rule = text!(
        "off_t has 64 bits: a file's size or an offset in it may not fit in an int, nor in a usize of 32 bits.",
        "off_t 是 64 位的：文件大小和文件内的偏移放不进 int，也放不进 32 位的 usize。"
    );
    check("notes_program", rule, || {
        let last = 5 * GIB - 1;
        let places: [(u64, &[u8]); 4] = [(0, b"0"), (2 * GIB, b"2"), (4 * GIB + 1, b"4"), (last, b"5")];
        let file = read_only(&large_file(&places)?)?;
        let wanted = [(2 * GIB, Some(b'2')), (4 * GIB + 1, Some(b'4')), (last, Some(b'5'))];
        let beyond = [last + 1, 1 << 40, i64::MAX.unsigned_abs(), u64::MAX].map(|offset| (offset, None));
        for_each(
            wanted.into_iter().chain(beyond),
            |(offset, _)| text!("a file of 5 GiB, offset {offset}", "5 GiB 的文件，偏移 {offset}"),
            |&(offset, wanted)| compare(wanted, answer(&file, offset)?).map_err(too_narrow),
        )
    });
}

#[test]
fn maps_one_page_and_unmaps_it() {
    let rule = text!(
        "close(2) does not unmap: a mapping lives until munmap(2), or until the process ends. It takes addresses \
         whether they are accessed or not.",
        "close(2) 不会解除映射，映射一直存在到 munmap(2) 或进程结束。映射占用地址空间，无论是否访问过。"
    );
    check("lifetime", rule, || {
        let page = page_size();
        let offsets = [0, page - 1, page, 2 * page + 1];
        let file = unnamed_file(&pattern(3 * page))?;
        for_each(
            offsets,
            |at| text!("a file of 3 pages, offset {at}", "3 页的文件，偏移 {at}"),
            |&at| {
                let seen = watch(&file, || drop(super::byte_at(&file, wide(at))))?;
                seen.maps_and_does_not_copy()?;
                let most = seen.mapped().into_iter().max().unwrap_or(0);
                ensure(most <= page, || {
                    Failure::new(
                        text!(
                            "at most one page of the file is mapped: {page} bytes",
                            "最多映射文件的一页：{page} 字节"
                        ),
                        text!("{most} bytes were mapped", "映射了 {most} 字节"),
                    )
                    .shows(&belief::MAP_IT_ALL)
                })?;
                seen.leaves_nothing_mapped()
            },
        )
    });
}
