use super::*;

/// What is done to a page before the call.
#[derive(Debug, Clone, Copy)]
enum Done {
    Loaded,
    Stored,
    /// Its entry is removed: MADV_DONTNEED.
    Forgotten,
}

/// The pages that the file has, its size, how much of it is mapped and how, and what is done then.
#[derive(Debug, Clone)]
struct History {
    written: Vec<usize>,
    size: usize,
    length: usize,
    sharing: Sharing,
    done: Vec<(usize, Done)>,
}

impl History {
    fn fixed() -> Vec<History> {
        let all: Vec<usize> = (0..PAGES).collect();
        let whole = PAGES * page_size();
        let [shared, private] = [Sharing::Shared, Sharing::Private].map(|sharing| {
            move |written: &[usize], done: &[(usize, Done)]| History {
                written: written.into(),
                size: whole,
                length: whole,
                sharing,
                done: done.into(),
            }
        });
        vec![
            shared(&all, &[]),
            shared(&[], &[]),
            private(&all, &[(1, Done::Stored)]),
            private(&all, &[(0, Done::Loaded)]),
            shared(&all, &[(0, Done::Loaded), (2, Done::Forgotten)]),
            shared(&[0, 1], &[(0, Done::Stored), (4, Done::Loaded), (4, Done::Forgotten)]),
            private(&[0], &[(0, Done::Stored), (3, Done::Stored), (0, Done::Forgotten)]),
            History { size: page_size() + 10, length: page_size() + 10, ..shared(&[0, 1], &[]) },
            History { size: page_size() + 10, ..private(&[0, 1], &[(1, Done::Stored)]) },
        ]
    }

    fn any() -> impl Strategy<Value = History> {
        let done = prop_oneof![Just(Done::Loaded), Just(Done::Stored), Just(Done::Forgotten)];
        let written = prop::collection::btree_set(0..PAGES, 0..=PAGES);
        let length = (PAGES - 1) * page_size() + 1..=PAGES * page_size();
        (written, length, sharing(), prop::collection::vec((0..PAGES, done), 0..6)).prop_map(
            |(written, length, sharing, done)| History {
                written: written.into_iter().collect(),
                size: length,
                length,
                sharing,
                done,
            },
        )
    }

    fn words(&self) -> Text {
        let History { written, size, length, .. } = self;
        let kind = is(self.sharing);
        let done = self.done.iter().map(|(page, done)| match done {
            Done::Loaded => text!("page {page} is loaded", "读第 {page} 页"),
            Done::Stored => text!("page {page} is stored to", "写第 {page} 页"),
            Done::Forgotten => text!("MADV_DONTNEED for page {page}", "对第 {page} 页用 MADV_DONTNEED"),
        });
        let start = text!(
            "a file of {size} bytes, of whose pages these are in the page cache and the others holes: {written:?}; a {kind} mapping \
             of {length} bytes",
            "{size} 字节的文件，页缓存里有这些页，其余是空洞：{written:?}；{length} 字节的{kind}映射";
            kind
        );
        done.fold(start, |before, next| text!("{before}; {next}", "{before}；{next}"; before, next))
    }

    /// The mapping, when all of it is done.
    fn happen(&self) -> std::io::Result<(File, Mapping)> {
        let file = file_with(&self.written, self.size)?;
        let mapping = Mapping::of_file(&file, 0, self.length, READ_WRITE, self.sharing)?;
        for (page, done) in &self.done {
            match done {
                Done::Loaded => {
                    let _ = mapping.load(page * page_size());
                }
                Done::Stored => mapping.store(page * page_size(), b's'),
                Done::Forgotten => forget(&mapping, *page)?,
            }
        }
        Ok((file, mapping))
    }
}

fn rule() -> Text {
    text!(
        "proc_pid_pagemap(5): the page table of this process has an entry for a page that is present (bit 63). It is a copy of \
         its own where it is no page of a file (bit 61 is 0), swapped out (bit 62) or not. Of all other pages mincore(2) says \
         whether they are in the page cache.",
        "proc_pid_pagemap(5)：第 63 位为 1，说明本进程的页表里有这一页。在内存中或已换出（第 62 位）、又不是文件页（第 61 位为 0）的，是自己的副本。其余的页在不在页缓存里，由 mincore(2) 说明。"
    )
}

/// Why nothing may be touched.
fn no_touch_rule() -> Text {
    text!(
        "A load or a store makes the page table's entry, and brings the page: after it, its place is another one. The question is \
         what was there before.",
        "读写一页就会建立页表项，把页带进来，它在哪里也就变了。要回答的是访问之前的情况。"
    )
}

/// How many places there are.
fn pages_rule() -> Text {
    text!(
        "mmap(2): whole pages are mapped. `Mapping::range` has all of the last one, `Mapping::length` only the bytes that were \
         asked for.",
        "mmap(2)：映射以整页为单位。`Mapping::range` 包括完整的最后一页，`Mapping::length` 只是要求映射的字节数。"
    )
}

/// How long a mapping may be.
fn length_rule() -> Text {
    text!(
        "A length of more than 4 GiB does not fit in 32 bits: compute in 64 bits, and narrow only what is known to fit.",
        "超过 4 GiB 的长度 32 位放不下：先用 64 位计算，确知放得下再转成较窄的类型。"
    )
}

/// Where the pages are, as the kernel says.
fn places(mapping: &Mapping) -> std::io::Result<Vec<Place>> {
    let range = mapping.range();
    let mut entries = vec![0; range.len() / page_size() * 8];
    File::open("/proc/self/pagemap")?.read_exact_at(&mut entries, wide(range.start / page_size() * 8))?;
    let entries = entries.as_chunks::<8>().0.iter().map(|bytes| u64::from_ne_bytes(*bytes) >> 61);
    let place = |(bits, is_cached)| match (bits, is_cached) {
        (0b100 | 0b010 | 0b110, _) => Place::Copied,
        (0b101, _) => Place::Mapped,
        (_, true) => Place::Cached,
        (_, false) => Place::Absent,
    };
    Ok(entries.zip(in_page_cache(range)?).map(place).collect())
}

type Answer = Result<Vec<Place>, String>;

/// Asks after this history.
fn says_where_they_are(history: &History) -> Result<(), Failure> {
    let (wanted, got, after): (_, Answer, _) = in_child(|| {
        let (_file, mapping) = history.happen()?;
        Ok((places(&mapping)?, super::resident(&mapping).map_err(kind), places(&mapping)?))
    })?;
    equal(&got, &Ok(wanted.clone())).map_err(|failure| {
        let Ok(got) = got else { return failure };
        let wrong: Vec<_> = got.iter().zip(&wanted).filter(|(got, wanted)| got != wanted).collect();
        if got.len() != wanted.len() {
            failure.breaks("places", pages_rule())
        } else if after != wanted {
            failure.breaks("places", no_touch_rule())
        } else if wrong.iter().all(|two| *two == (&Place::Mapped, &Place::Cached)) {
            failure.shows(&belief::CACHED_IS_MAPPED)
        } else {
            failure
        }
    })
}

#[test]
fn says_where_each_page_is() {
    check("places", rule(), || {
        for_each(History::fixed(), History::words, says_where_they_are)?;
        for_all(History::any(), History::words, says_where_they_are)
    });
}

fn works() -> Result<bool, Failure> {
    knows_the_basics(History::fixed().iter().try_for_each(says_where_they_are))
}

#[test]
fn touches_no_page() {
    check("places", no_touch_rule(), || {
        if !works()? {
            return Ok(());
        }
        let given = text!(
            "a shared mapping of a file of {PAGES} pages, all in the page cache",
            "{PAGES} 页的文件，全在页缓存里，共享映射"
        );
        let (before, after) = in_child(|| {
            let file = file_with(&[0, 1, 2, 3, 4, 5], PAGES * page_size())?;
            let mapping = mapped_whole(&file, Sharing::Shared)?;
            let pages = || Ok::<_, std::io::Error>(memory_of(&mapping, &file)?.resident / page_size_u64());
            let before = pages()?;
            super::resident(&mapping)?;
            Ok((before, pages()?))
        })
        .map_err(|failure| failure.given(given.clone()))?;
        ensure(before == after, || {
            Failure::new(
                text!("no page of the mapping is touched", "映射的页一页也不访问"),
                text!(
                    "{before} pages were resident before, {after} after",
                    "之前有 {before} 页在页表里，之后有 {after} 页"
                ),
            )
            .given(given)
        })
    });
}

#[test]
fn a_long_mapping_has_many_pages() {
    check("places", rule(), || {
        if !works()? {
            return Ok(());
        }
        // Far from each other: a fault for one of them makes no entry for another.
        let [cached, loaded, stored] = [0, 512, 1024].map(|n| (1 << 32) / page_size() + n);
        let pages = stored + 1;
        let length = pages * page_size();
        let given = || {
            text!(
                "a private mapping of {length} bytes; page {cached} is in the page cache, page {loaded} is loaded, page {stored} is \
                 stored to",
                "{length} 字节的私有映射；第 {cached} 页在页缓存里，读第 {loaded} 页，写第 {stored} 页"
            )
        };
        let (got, wrong): (usize, Option<(usize, Place, Place)>) = in_child(|| {
            let file = file_with(&[3, cached, loaded, stored], length)?;
            // So much private memory that can be stored to may be more than there is: so only that page can be.
            let mapping = Mapping::of_file(&file, 0, length, ProtFlags::PROT_READ, Sharing::Private)?;
            let _ = mapping.load(loaded * page_size());
            // SAFETY: a page of the mapping, to which no Rust reference is.
            unsafe { mprotect(mapping.pointer_to(stored * page_size()), page_size(), READ_WRITE) }?;
            mapping.store(stored * page_size(), b's');
            let got = super::resident(&mapping)?;
            let wanted = places(&mapping)?;
            let wrong = got.iter().zip(&wanted).position(|(got, wanted)| got != wanted);
            Ok((got.len(), wrong.map(|page| (page, wanted[page], got[page]))))
        })
        .map_err(|failure| failure.given(given()))?;
        ensure(got == pages, || {
            Failure::new(text!("{pages} places", "{pages} 项"), text!("{got}", "{got} 项")).given(given())
        })?;
        let Some((page, wanted, got)) = wrong else { return Ok(()) };
        let failure =
            Failure::new(text!("page {page} is {wanted:?}", "第 {page} 页是 {wanted:?}"), text!("{got:?}", "{got:?}"))
                .given(given());
        // It has not looked so far.
        let is_missed = matches!(got, Place::Absent | Place::Cached);
        Err(if is_missed { failure.breaks("2:window", length_rule()) } else { failure })
    });
}

#[test]
fn a_child_has_a_page_table_of_its_own() {
    let rule = text!(
        "fork(2): the child gets the parent's mappings. It need not get the entries for a file's pages, which a fault makes \
         again. /proc/self is the process that opens it.",
        "fork(2)：子进程得到父进程的映射，但不一定得到文件页的页表项，缺页时会重新建立。/proc/self 指打开它的那个进程。"
    );
    check("places", rule, || {
        if !works()? {
            return Ok(());
        }
        let given = text!("a call in the parent, then one in a child", "父进程调用一次，然后子进程调用一次");
        let parent = || {
            let file = file_with(&[0, 1, 2], PAGES * page_size())?;
            let mapping = mapped_whole(&file, Sharing::Private)?;
            let _ = mapping.load(0);
            mapping.store(page_size(), b's');
            super::resident(&mapping)?;
            in_child(|| {
                mapping.store(5 * page_size(), b's');
                Ok((places(&mapping)?, super::resident(&mapping).map_err(kind)))
            })
        };
        let (wanted, got): (_, Answer) =
            ask(parent).and_then(|answer| answer).map_err(|failure| failure.given(given.clone()))?;
        equal(&got, &Ok(wanted)).map_err(|failure| failure.given(given))
    });
}

#[test]
fn cold_pages_are_absent_and_stay_so() {
    check("cold", rule(), || {
        if !works()? {
            return Ok(());
        }
        let given =
            text!("a file on a disk, none of whose pages is in the page cache", "磁盘上的文件，没有一页在页缓存里");
        let (got, still): (Answer, Vec<bool>) = in_child(|| {
            let Some(file) = cold_file(PAGES)? else { return Ok((Err("not cold".to_owned()), Vec::new())) };
            let mapping = mapped_whole(&file, Sharing::Shared)?;
            let got = super::resident(&mapping).map_err(kind);
            Ok((got, cached_pages(&file)?))
        })
        .map_err(|failure| failure.given(given.clone()))?;
        if still.is_empty() {
            return Err(not_cold());
        }
        equal(&got, &Ok(vec![Place::Absent; PAGES])).map_err(|failure| failure.given(given.clone()))?;
        ensure(!still.contains(&true), || {
            Failure::new(
                text!("the call brings no page into memory", "调用不把任何页读进内存"),
                text!("some are in the page cache afterwards", "之后页缓存里有了其中的页"),
            )
            .given(given)
        })
    });
}

#[test]
fn an_error_of_proc_is_told() {
    let rule = text!(
        "open(2): EMFILE when the process has no descriptor left. What can't be asked is not known.",
        "open(2)：进程的描述符用尽时返回 EMFILE。问不到，就是不知道。"
    );
    check("places", rule, || {
        if !works()? {
            return Ok(());
        }
        let got: Answer = in_child(|| {
            let file = file_with(&[0], PAGES * page_size())?;
            let mapping = mapped_whole(&file, Sharing::Shared)?;
            setrlimit(Resource::RLIMIT_NOFILE, 0, 0)?;
            Ok(super::resident(&mapping).map_err(kind))
        })?;
        equal(&got, &Err("EMFILE".to_owned())).map_err(|failure| {
            failure.given(text!(
                "the process can open no more descriptors (RLIMIT_NOFILE)",
                "进程不能再打开描述符（RLIMIT_NOFILE）"
            ))
        })?;
        let got: Answer = ask_refused(&[libc::SYS_mincore], On::Everything, Errno::EAGAIN, || {
            let answer = || -> std::io::Result<_> {
                let file = file_with(&[0], PAGES * page_size())?;
                super::resident(&mapped_whole(&file, Sharing::Shared)?)
            };
            answer().map_err(kind)
        })?;
        // Who asks in another way has nothing to tell.
        if got.as_ref().is_ok_and(|places| *places == [&[Place::Cached][..], &[Place::Absent; PAGES - 1]].concat()) {
            return Ok(());
        }
        equal(&got, &Err("EAGAIN".to_owned()))
            .map_err(|failure| failure.given(text!("mincore(2) fails with EAGAIN", "mincore(2) 返回 EAGAIN")))
    });
}

#[test]
fn nothing_stays_mapped_or_open() {
    check("2:mapping", gives_back(), || {
        if !works()? {
            return Ok(());
        }
        let size = 2 * page_size();
        // What it returns, other checks say.
        let call = |mapping: &Mapping, _: &File| drop(super::resident(mapping));
        let (still_mapped, descriptors) = in_child(|| left_by(call, size))?;
        nothing_left(still_mapped, descriptors)?;
        let (still_mapped, descriptors) =
            no_error(ask_refused(&[libc::SYS_mincore], On::Everything, Errno::EAGAIN, || {
                left_by(call, size).map_err(kind)
            })?)?;
        nothing_left(still_mapped, descriptors)
            .map_err(|failure| failure.given(text!("mincore(2) fails with EAGAIN", "mincore(2) 返回 EAGAIN")))
    });
}
