//! What exercise 3 is graded by. Each check runs in a child: it maps a draft, stores to it, has others write to the file,
//! calls the learner's function, and brings back what it then sees.

use std::fs::File;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::sync::atomic::{AtomicUsize, Ordering};

use mmap_workbook::grade::misconception as belief;
use mmap_workbook::grade::{Failure, Words, ask, check, ensure, for_all, for_each, kind, moved, text};
use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing, touch};
use mmap_workbook::observe::{page_size, page_size_u64, smaps_of};
use mmap_workbook::say;
use nix::libc;
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{SigHandler, Signal, signal};
use proptest::prelude::*;

use super::{commit, copied_pages, discard, freeze, what_if};

/// The pages of the files here.
const PAGES: usize = 5;
/// The bytes of the last page that the file has.
const REST: usize = 100;

fn wide(n: usize) -> u64 {
    n.try_into().expect("no machine has addresses beyond 64 bits")
}

/// A file of four pages and a rest, without a name. 251 is prime: bytes one page apart differ, and none is zero.
fn contents() -> Vec<u8> {
    (1..=251).cycle().take((PAGES - 1) * page_size() + REST).collect()
}

fn file_with(bytes: &[u8]) -> std::io::Result<File> {
    let file = tempfile::tempfile()?;
    file.write_all_at(bytes, 0)?;
    Ok(file)
}

fn draft_of(file: &File) -> std::io::Result<Mapping> {
    let length = file.metadata()?.len().try_into().map_err(std::io::Error::other)?;
    Ok(Mapping::of_file(file, 0, length, READ_WRITE, Sharing::Private)?)
}

fn shown(draft: &Mapping) -> Vec<u8> {
    let mut bytes = vec![0; draft.length()];
    draft.read(0, &mut bytes);
    bytes
}

/// How much of the draft is mapped in, in KiB: smaps, Rss.
fn resident(draft: &Mapping) -> Result<u64, String> {
    let areas = smaps_of(draft.range()).map_err(kind)?;
    areas.iter().map(|area| area.kib("Rss").map_err(kind)).sum()
}

fn bytes_of(file: &File) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; file.metadata()?.len().try_into().map_err(std::io::Error::other)?];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}

/// What happens to a draft before the learner's function is called.
#[derive(Debug, Clone)]
struct History {
    /// The draft's pages that are loaded from.
    loaded: Vec<usize>,
    /// The bytes of the draft that are stored to: with another byte, or with the one that is there.
    stored: Vec<(usize, bool)>,
    /// The bytes that another process writes to the file.
    written: Vec<usize>,
}

/// What the draft gets, and what others write: bytes that the file has nowhere.
const STORED: u8 = 254;
const WRITTEN: u8 = 255;
/// What others write when the learner's function is through.
const LATER: u8 = 253;

impl History {
    fn any() -> impl Strategy<Value = History> {
        let at =
            || (0..PAGES, prop_oneof![Just(0), Just(REST - 1), 0..REST]).prop_map(|(page, at)| page * page_size() + at);
        let some = |range| prop::collection::vec(at(), range);
        let stored = prop::collection::vec((at(), any::<bool>()), 0..4);
        (prop::collection::vec(0..PAGES, 0..4), stored, some(0..4)).prop_map(|(loaded, stored, written)| History {
            loaded,
            stored,
            written,
        })
    }

    /// A draft that was edited in pages 1 and 3.
    fn plain() -> History {
        let stored = vec![(page_size() + 7, true), (3 * page_size(), true)];
        History { loaded: vec![0], stored, written: Vec::new() }
    }

    fn words(&self) -> Words {
        let page = |at: usize| (at / page_size(), at % page_size());
        let History { loaded, .. } = self;
        let list = |marks: Vec<(usize, bool)>, same: &str| {
            let bytes = marks.into_iter().map(|(at, other)| {
                let ((page, at), same) = (page(at), if other { "" } else { same });
                format!("{page}:{at}{same}")
            });
            bytes.collect::<Vec<_>>().join(", ")
        };
        let written = list(self.written.iter().map(|at| (*at, true)).collect(), "");
        Words {
            en: format!(
                "{PAGES} pages; loaded from pages {loaded:?}; stored at page:byte [{}]; then others write to the file at [{written}]",
                list(self.stored.clone(), " (the same byte)")
            ),
            zh: format!(
                "共 {PAGES} 页；读过的页 {loaded:?}；写过的 页:字节 [{}]；然后别人写入文件的位置 [{written}]",
                list(self.stored.clone(), "（原来的字节）")
            ),
        }
    }

    /// Lets it happen.
    fn happen(&self, draft: &Mapping, file: &File) -> std::io::Result<()> {
        for page in &self.loaded {
            draft.load(page * page_size());
        }
        for &(at, other) in &self.stored {
            draft.store(at, if other { STORED } else { draft.load(at) });
        }
        self.write(file, WRITTEN)
    }

    /// Others write to the file.
    fn write(&self, file: &File, byte: u8) -> std::io::Result<()> {
        self.written.iter().try_for_each(|&at| file.write_all_at(&[byte], wide(at)))
    }

    /// The pages that were stored to, rising.
    fn copied(&self) -> Vec<usize> {
        let mut pages: Vec<_> = self.stored.iter().map(|(at, _)| at / page_size()).collect();
        pages.sort_unstable();
        pages.dedup();
        pages
    }
}

/// Runs a check's steps in a child, which judges what it sees itself: to bring back all bytes would take longer.
fn judged(steps: impl FnOnce() -> Result<(), Failure>) -> Result<(), Failure> {
    ask(steps)?
}

/// What the learner's function returned, when it must not be an error.
fn no_error<T>(answer: std::io::Result<T>) -> Result<T, Failure> {
    answer.map_err(|error| {
        let error = kind(error);
        Failure::new(say!("no error", "没有错误"), say!("{error}", "{error}"))
    })
}

/// What an ask brings back when no step of it may fail.
fn done<T>(answer: Result<Result<T, String>, Failure>) -> Result<T, Failure> {
    answer?.map_err(|error| Failure::new(say!("no error", "没有错误"), say!("{error}", "{error}")))
}

fn same_bytes(wanted: &[u8], got: &[u8], what: (&str, &str)) -> Result<(), Failure> {
    let differs = (0..wanted.len().max(got.len())).find(|&at| wanted.get(at) != got.get(at));
    differs.map_or(Ok(()), |at| {
        let ((en, zh), (page, byte)) = (what, (at / page_size(), at % page_size()));
        let (want, is) = (wanted.get(at), got.get(at));
        Err(Failure::new(
            Words {
                en: format!("{en}: byte {byte} of page {page} is {want:?}"),
                zh: format!("{zh}：第 {page} 页第 {byte} 字节为 {want:?}"),
            },
            say!("it is {is:?}", "实际为 {is:?}"),
        ))
    })
}

/// The rule of copy-on-write.
fn rule() -> Words {
    say!(
        "mmap(2), MAP_PRIVATE: the first store to a page makes a copy of it; a load makes none. POSIX leaves it open whether a \
         page without a copy shows what is written to the file later; on Linux it does.",
        "mmap(2) 的 MAP_PRIVATE：第一次写某一页时才会复制它，读不会。没有复制过的页能否看到之后写入文件的内容，POSIX 没有规定；在 Linux 上能看到。"
    )
}

mod freeze {
    use super::*;

    #[test]
    fn the_draft_stands_still_whatever_is_written() {
        check("snapshot", rule(), || {
            for_all(History::any(), History::words, |history| {
                judged(|| {
                    let file = file_with(&contents())?;
                    let draft = draft_of(&file)?;
                    history.happen(&draft, &file)?;
                    let before = shown(&draft);
                    super::freeze(&draft);
                    file.write_all_at(&vec![LATER; contents().len()], 0)?;
                    let after = shown(&draft);
                    same_bytes(&before, &after, ("the draft is as it was", "草稿保持原样")).map_err(|failure| {
                        if after.contains(&LATER) { failure.shows(&belief::LOADING_COPIES) } else { failure }
                    })
                })
            })
        });
    }

    #[test]
    fn the_file_stays_as_it_is() {
        check("snapshot", rule(), || {
            judged(|| {
                let file = file_with(&contents())?;
                let draft = draft_of(&file)?;
                draft.store(0, STORED);
                super::freeze(&draft);
                same_bytes(&contents(), &bytes_of(&file)?, ("the file is as it was", "文件保持原样"))?;
                // Where nothing was done, the file is as it was as well.
                file.write_all_at(&[WRITTEN], wide(page_size()))?;
                let mut wanted = contents();
                wanted[0] = STORED;
                let after = shown(&draft);
                same_bytes(&wanted, &after, ("the draft stands still", "草稿不再变")).map_err(|failure| {
                    if after.contains(&WRITTEN) { failure.shows(&belief::LOADING_COPIES) } else { failure }
                })
            })
        });
    }
}

mod discard {
    use super::*;

    #[test]
    fn the_draft_is_the_file_again_now_and_later() {
        let rule = say!(
            "madvise(2), MADV_DONTNEED: the pages are let go; a later touch finds the page of the file again. Storing the file's \
             bytes to the draft would only change its copies.",
            "madvise(2) 的 MADV_DONTNEED：放掉这些页，之后再访问时重新取文件的页。把文件的字节写进草稿，改的只是草稿自己的副本。"
        );
        check("copy_on_write", rule, || {
            let test = |history: &History| {
                judged(|| {
                    let file = file_with(&contents())?;
                    let draft = draft_of(&file)?;
                    history.happen(&draft, &file)?;
                    no_error(super::discard(&draft))?;
                    same_bytes(&bytes_of(&file)?, &shown(&draft), ("the draft shows the file", "草稿显示的就是文件"))?;
                    let later = vec![LATER; contents().len()];
                    file.write_all_at(&later, 0)?;
                    same_bytes(&later, &shown(&draft), ("it follows what is written later", "之后写入的内容也能看到"))
                        .map_err(|failure| failure.shows(&belief::EQUAL_BYTES_ARE_THE_PAGE))
                })
            };
            for_each([History::plain()], History::words, test)?;
            for_all(History::any(), History::words, test)
        });
    }

    #[test]
    fn nothing_else_is_forgotten() {
        let rule = say!(
            "A copy belongs to one mapping. To let go of it changes neither the file nor another mapping of it.",
            "副本只属于一个映射。放掉它，既不会改变文件，也不影响同一文件的其他映射。"
        );
        check("copy_on_write", rule, || {
            judged(|| {
                let file = file_with(&contents())?;
                let (draft, other) = (draft_of(&file)?, draft_of(&file)?);
                draft.store(0, STORED);
                other.store(page_size(), STORED);
                no_error(super::discard(&draft))?;
                same_bytes(&contents(), &bytes_of(&file)?, ("the file is as it was", "文件保持原样"))?;
                let (other, discarded) = (other.load(page_size()), draft.load(0));
                ensure((other, discarded) == (STORED, contents()[0]), || {
                    Failure::new(
                        say!(
                            "another draft keeps what was stored to it, and this one doesn't",
                            "另一份草稿保留写入的内容，这一份则不保留"
                        ),
                        say!(
                            "the other draft shows {other}, this one {discarded}",
                            "另一份显示 {other}，这一份显示 {discarded}"
                        ),
                    )
                })
            })
        });
    }
}

mod copied_pages {
    use super::*;

    fn rule() -> Words {
        say!(
            "proc_pid_pagemap(5): a page that is present or swapped and is no page of a file is the mapping's own. That bytes are \
             equal says nothing: the store makes the copy, not the value.",
            "proc_pid_pagemap(5)：在内存中或已换出、又不是文件页的，就是映射自己的页。字节相同说明不了什么：造成复制的是写这个动作，而不是写入的值。"
        )
    }

    #[test]
    fn names_the_pages_that_were_stored_to() {
        check("copy_on_write", rule(), || {
            let test = |history: &History| {
                let wanted = history.copied();
                let got = done(ask(|| {
                    let file = file_with(&contents()).map_err(kind)?;
                    let draft = draft_of(&file).map_err(kind)?;
                    history.happen(&draft, &file).map_err(kind)?;
                    Ok(super::copied_pages(&draft).map_err(kind))
                }))?;
                ensure(got.as_ref() == Ok(&wanted), || {
                    let failure = Failure::new(say!("{wanted:?}", "{wanted:?}"), say!("{got:?}", "{got:?}"));
                    let Ok(named) = got else { return failure };
                    // Stored to, but only what was there before.
                    let same =
                        |page: &usize| !history.stored.iter().any(|(at, other)| *other && at / page_size() == *page);
                    let mut missing = wanted.iter().filter(|page| !named.contains(page));
                    if wanted.iter().all(|page| named.contains(page)) {
                        failure.shows(&belief::LOADING_COPIES)
                    } else if named.iter().all(|page| wanted.contains(page)) && missing.all(same) {
                        failure.shows(&belief::EQUAL_BYTES_ARE_THE_PAGE)
                    } else {
                        failure
                    }
                })
            };
            for_each([History::plain()], History::words, test)?;
            for_all(History::any(), History::words, test)
        });
    }

    #[test]
    fn copies_nothing_itself() {
        check("copy_on_write", rule(), || {
            let (first, second, shows) = done(ask(|| {
                let file = file_with(&contents()).map_err(kind)?;
                let draft = draft_of(&file).map_err(kind)?;
                draft.store(page_size(), STORED);
                let first = super::copied_pages(&draft).map_err(kind)?;
                let second = super::copied_pages(&draft).map_err(kind)?;
                file.write_all_at(&[WRITTEN], 0).map_err(kind)?;
                Ok((first, second, draft.load(0)))
            }))?;
            ensure(first == [1] && second == [1] && shows == WRITTEN, || {
                Failure::new(
                    say!(
                        "[1], twice, and page 0, which has no copy, still follows the file: it shows {WRITTEN}",
                        "问两次都是 [1]；第 0 页没有副本，仍然跟着文件变，显示 {WRITTEN}"
                    ),
                    say!(
                        "{first:?}, then {second:?}; page 0 shows {shows}",
                        "先是 {first:?}，后是 {second:?}；第 0 页显示 {shows}"
                    ),
                )
            })
        });
    }

    #[test]
    fn is_asked_of_the_kernel_and_not_of_the_bytes() {
        let rule = say!(
            "The page table knows which pages are copies; to look at their bytes would bring each page of the file into memory.",
            "哪些页是副本，页表里就有；若是去看字节，就得把文件的每一页都读进内存。"
        );
        check("copy_on_write", rule, || {
            let (pages, before, after) = done(ask(|| {
                let file = file_with(&contents()).map_err(kind)?;
                let draft = draft_of(&file).map_err(kind)?;
                draft.store(2 * page_size(), STORED);
                let before = resident(&draft)?;
                let pages = super::copied_pages(&draft).map_err(kind)?;
                Ok((pages, before, resident(&draft)?))
            }))?;
            ensure(pages == [2] && before == after, || {
                Failure::new(
                    say!("[2], and no other page of the draft is touched", "[2]，而且草稿的其他页一页也不会被访问"),
                    say!(
                        "{pages:?}; before the call {before} KiB of the draft were mapped in, after it {after}",
                        "{pages:?}；调用之前草稿有 {before} KiB 在页表里，之后有 {after} KiB"
                    ),
                )
            })
        });
    }
}

mod commit {
    use super::*;

    #[test]
    fn the_files_pages_are_the_drafts_where_it_was_stored_to() {
        check("cells", rule(), || {
            for_all(History::any(), History::words, |history| {
                judged(|| {
                    let file = file_with(&contents())?;
                    let draft = draft_of(&file)?;
                    history.happen(&draft, &file)?;
                    let count = no_error(super::commit(&draft, &file))?;
                    // As the stores and the writes would have it, page by page.
                    let mut wanted = contents();
                    history.written.iter().for_each(|&at| wanted[at] = WRITTEN);
                    for page in history.copied() {
                        let end = ((page + 1) * page_size()).min(wanted.len());
                        wanted[page * page_size()..end].copy_from_slice(&contents()[page * page_size()..end]);
                    }
                    history.stored.iter().filter(|(_, other)| *other).for_each(|&(at, _)| wanted[at] = STORED);
                    same_bytes(&wanted, &bytes_of(&file)?, ("the file", "文件"))?;
                    same_bytes(&wanted, &shown(&draft), ("the draft", "草稿"))?;
                    let pages = history.copied().len();
                    ensure(count == pages, || {
                        Failure::new(say!("{pages} pages", "{pages} 页"), say!("{count}", "{count}"))
                    })
                })
            })
        });
    }

    #[test]
    fn only_those_pages_are_written() {
        let rule = say!(
            "A write of a page that nobody has edited is not nothing: it takes room where there was a hole, and undoes what another \
             process writes to that page in the same moment.",
            "把没人改过的页再写一遍，并非什么都没做：空洞会因此占用磁盘空间，别的进程同一时刻写入那一页的内容也会被抹掉。"
        );
        check("cells", rule, || {
            let (grown, moved, written) = done(ask(|| {
                let size = wide(64 * page_size());
                let file = tempfile::tempfile().map_err(kind)?;
                file.set_len(size).map_err(kind)?;
                let draft = draft_of(&file).map_err(kind)?;
                draft.store(9 * page_size(), STORED);
                // Only a few: a load from a mapped hole takes room on tmpfs.
                for page in 0..4 {
                    draft.load(page * page_size());
                }
                let before = file.metadata().map_err(kind)?.blocks();
                let (count, moved) = moved(|| super::commit(&draft, &file));
                count.map_err(kind)?;
                file.sync_all().map_err(kind)?;
                let mut byte = [0];
                file.read_exact_at(&mut byte, wide(9 * page_size())).map_err(kind)?;
                let grown = file.metadata().map_err(kind)?.blocks().saturating_sub(before) * 512;
                Ok((grown, moved.map_or(0, |moved| moved.written), byte[0]))
            }))?;
            ensure(written == STORED, || {
                Failure::new(say!("{STORED} in the file", "文件中为 {STORED}"), say!("{written}", "{written}"))
            })?;
            // A file system may take a few blocks for its own, and more than a page at a time.
            let most = 16 * page_size_u64();
            ensure(grown <= most && moved <= most, || {
                Failure::new(
                    say!("one page of 64 is written, the others stay a hole", "64 页中只写一页，其余仍是空洞"),
                    say!(
                        "{moved} bytes were written, and the file takes {grown} bytes more",
                        "写了 {moved} 字节，文件多占用 {grown} 字节"
                    ),
                )
                .shows(&belief::WRITING_BACK_IS_HARMLESS)
            })
        });
    }

    #[test]
    fn the_file_keeps_its_size() {
        let rule = say!(
            "A mapping has whole pages, a file has any number of bytes. What is stored behind the file's end is in the page, and no \
             part of the file.",
            "映射以整页为单位，文件大小却可以是任意字节数。写在文件末尾之后的内容只在页里，不属于文件。"
        );
        check("copy_on_write", rule, || {
            let (size, last) = done(ask(|| {
                let file = file_with(&contents()).map_err(kind)?;
                let draft = draft_of(&file).map_err(kind)?;
                draft.store(contents().len() - 1, STORED);
                draft.store(contents().len() + 5, STORED);
                super::commit(&draft, &file).map_err(kind)?;
                let size = file.metadata().map_err(kind)?.len();
                Ok((size, bytes_of(&file).map_err(kind)?[contents().len() - 1]))
            }))?;
            let wanted = wide(contents().len());
            ensure(size == wanted, || {
                Failure::new(say!("{wanted} bytes", "{wanted} 字节"), say!("{size}", "{size}"))
                    .shows(&belief::REST_IS_FILE)
            })?;
            ensure(last == STORED, || {
                Failure::new(say!("its last byte is {STORED}", "最后一个字节是 {STORED}"), say!("{last}", "{last}"))
            })
        });
    }

    #[test]
    fn the_draft_follows_the_file_again() {
        check("copy_on_write", rule(), || {
            let (later, again) = done(ask(|| {
                let file = file_with(&contents()).map_err(kind)?;
                let draft = draft_of(&file).map_err(kind)?;
                draft.store(3, STORED);
                super::commit(&draft, &file).map_err(kind)?;
                file.write_all_at(&[WRITTEN], 3).map_err(kind)?;
                Ok((draft.load(3), super::commit(&draft, &file).map_err(kind)?))
            }))?;
            ensure((later, again) == (WRITTEN, 0), || {
                Failure::new(
                    say!(
                        "the draft shows what is written later, and a second commit has nothing to write",
                        "草稿能看到之后的写入，再次提交时无页可写"
                    ),
                    say!(
                        "it shows {later}, and the second commit wrote {again} pages",
                        "草稿显示 {later}，第二次提交写了 {again} 页"
                    ),
                )
                .shows(&belief::EQUAL_BYTES_ARE_THE_PAGE)
            })
        });
    }

    #[test]
    fn nothing_is_lost_when_it_fails() {
        let rule = say!(
            "write(2): EBADF when the descriptor is not open for writing. A copy that was let go of is gone.",
            "write(2)：描述符没有以可写方式打开时返回 EBADF。放掉的副本再也找不回来。"
        );
        check("read_only", rule, || {
            let (answer, kept) = done(ask(|| {
                let folder = tempfile::tempdir().map_err(kind)?;
                let path = folder.path().join("file");
                std::fs::write(&path, contents()).map_err(kind)?;
                let file = File::open(path).map_err(kind)?;
                let draft = draft_of(&file).map_err(kind)?;
                draft.store(0, STORED);
                Ok((super::commit(&draft, &file).map_err(kind), draft.load(0)))
            }))?;
            ensure(answer == Err("EBADF".to_owned()) && kept == STORED, || {
                Failure::new(
                    say!("EBADF, and the draft still has {STORED}", "EBADF，而且草稿中仍是 {STORED}"),
                    say!("{answer:?}, and the draft has {kept}", "{answer:?}，草稿中是 {kept}"),
                )
            })
        });
    }

    #[test]
    fn a_file_open_for_writing_only_is_enough() {
        let rule = say!(
            "mmap(2): EACCES for a descriptor that is not open for reading, whatever is asked for. write(2) needs no more than it says.",
            "mmap(2)：描述符不可读时，无论要什么权限都是 EACCES。write(2) 只需要可写。"
        );
        check("read_only", rule, || {
            let byte = done(ask(|| {
                let folder = tempfile::tempdir().map_err(kind)?;
                let path = folder.path().join("file");
                std::fs::write(&path, contents()).map_err(kind)?;
                let draft = draft_of(&File::open(&path).map_err(kind)?).map_err(kind)?;
                draft.store(0, STORED);
                let for_writing = File::options().write(true).open(&path).map_err(kind)?;
                let answer = super::commit(&draft, &for_writing).map_err(kind);
                Ok(answer.map(|_| std::fs::read(&path).map_or(0, |bytes| bytes[0])))
            }))?;
            ensure(byte == Ok(STORED), || {
                Failure::new(
                    say!("Ok, and {STORED} in the file", "成功，文件中为 {STORED}"),
                    say!("{byte:?}", "{byte:?}"),
                )
            })
        });
    }

    /// The first bytes of a file are mapped, of which it has more.
    #[test]
    fn a_page_goes_to_the_file_whole_though_the_draft_ends_in_it() {
        let rule = say!(
            "mmap(2): whole pages are mapped, whatever length is asked for. How much of a page is in the file is what fstat(2) \
             says of the file, not the length of the mapping.",
            "mmap(2)：无论要求多长，映射的都是整页。一页里有多少字节属于文件，要看 fstat(2) 给出的文件大小，而不是映射的长度。"
        );
        check("copy_on_write", rule, || {
            judged(|| {
                let file = file_with(&contents())?;
                let draft = Mapping::of_file(&file, 0, page_size() + 10, READ_WRITE, Sharing::Private)?;
                let marks = [page_size() + 5, page_size() + 20];
                marks.iter().for_each(|&at| draft.store(at, STORED));
                no_error(super::commit(&draft, &file))?;
                let mut wanted = contents();
                marks.iter().for_each(|&at| wanted[at] = STORED);
                same_bytes(&wanted, &bytes_of(&file)?, ("the file", "文件"))
            })
        });
    }

    /// The limit on a file's size lies inside page 3: a write to it is cut short there, and the next one refused.
    #[test]
    fn a_page_that_is_not_written_whole_keeps_all_the_copies() {
        let rule = say!(
            "write(2) may write fewer bytes than it was given, at a limit or on a full disk; what is left has to be tried again, and \
             then there is the error. Nothing is let go of before everything is in the file.",
            "write(2) 写入的字节可能少于要求（到了上限，或者磁盘满了），剩下的要接着写，这时才会得到错误。全部写进文件之前，什么都不能放掉。"
        );
        check("read_only", rule, || {
            let marks = [page_size() + 7, 3 * page_size(), 3 * page_size() + 50];
            let limit = wide(3 * page_size() + 10);
            let (answer, cut_short, kept, again, written) = done(ask(|| {
                let file = file_with(&contents()).map_err(kind)?;
                let draft = draft_of(&file).map_err(kind)?;
                marks.iter().for_each(|&at| draft.store(at, STORED));
                // SAFETY: SIG_IGN is no function that could be unfit for a signal handler.
                unsafe { signal(Signal::SIGXFSZ, SigHandler::SigIgn) }.map_err(text)?;
                let (soft, hard) = getrlimit(Resource::RLIMIT_FSIZE).map_err(text)?;
                setrlimit(Resource::RLIMIT_FSIZE, limit, hard).map_err(text)?;
                let answer = super::commit(&draft, &file).map_err(kind);
                setrlimit(Resource::RLIMIT_FSIZE, soft, hard).map_err(text)?;
                let in_file = bytes_of(&file).map_err(kind)?;
                let cut_short = in_file[marks[1]] == STORED && in_file[marks[2]] != STORED;
                // If a page was let go of, it shows this.
                file.write_all_at(&[WRITTEN], wide(marks[0])).map_err(kind)?;
                let kept = marks.map(|at| draft.load(at));
                let again = super::commit(&draft, &file).map_err(kind);
                let bytes = bytes_of(&file).map_err(kind)?;
                Ok((answer, cut_short, kept, again, marks.map(|at| bytes[at])))
            }))?;
            let given = say!(
                "pages 1 and 3 were stored to, the latter at its bytes 0 and 50; no file may grow beyond byte 10 of page 3",
                "写过第 1 页和第 3 页，后者写的是第 0 和第 50 字节；文件大小的上限在第 3 页第 10 字节处"
            );
            let failure = |expected, happened| Failure::new(expected, happened).given(given.clone());
            ensure(answer == Err("EFBIG".to_owned()), || {
                let failure = failure(say!("EFBIG", "EFBIG"), say!("{answer:?}", "{answer:?}"));
                if answer.is_ok() && cut_short { failure.shows(&belief::SHORT_IS_THE_END) } else { failure }
            })?;
            ensure(kept == [STORED; 3], || {
                failure(
                    say!(
                        "the draft still has {STORED} at all three, though others have written {WRITTEN} to the first of them",
                        "三处在草稿中都仍是 {STORED}，尽管别人在第一处写入了 {WRITTEN}"
                    ),
                    say!("it has {kept:?}", "草稿中是 {kept:?}"),
                )
            })?;
            ensure((&again, written) == (&Ok(2), [STORED; 3]), || {
                failure(
                    say!(
                        "without the limit the next call writes 2 pages, with {STORED} at all three",
                        "去掉上限之后再次提交，写 2 页，三处都是 {STORED}"
                    ),
                    say!("{again:?}, and the file has {written:?}", "{again:?}，文件中是 {written:?}"),
                )
            })
        });
    }
}

mod what_if {
    use super::*;

    fn rule() -> Words {
        say!(
            "fork(2): a private mapping is private between parent and child, too: each one's stores make copies of its own. An exit \
             status has 8 bits, and exit(0) can be called by anybody.",
            "fork(2)：私有映射在父子进程之间也是私有的，各自的写入产生各自的副本。退出状态只有 8 位，而且谁都可以调用 exit(0)。"
        )
    }

    #[test]
    fn brings_back_any_number_and_leaves_the_draft_alone() {
        check("observe", rule(), || {
            for_all(
                prop_oneof![any::<u64>(), 0..300_u64],
                |number| {
                    say!(
                        "explore stores 254 to each page and returns {number}",
                        "explore 在每页写入 254，返回 {number}"
                    )
                },
                |&number| {
                    judged(|| {
                        let file = file_with(&contents())?;
                        let draft = draft_of(&file)?;
                        draft.store(1, STORED - 1);
                        let answer = super::what_if(&draft, |draft| {
                            // It sees the draft as it is, and then its own stores.
                            let seen = draft.load(1) == STORED - 1;
                            (0..PAGES).for_each(|page| draft.store(page * page_size(), STORED));
                            number.wrapping_add(u64::from(!seen || draft.load(0) != STORED))
                        });
                        let answer = answer.map_err(text);
                        ensure(answer == Ok(number), || {
                            let failure =
                                Failure::new(say!("Ok({number})", "Ok({number})"), say!("{answer:?}", "{answer:?}"));
                            if answer == Ok(number & 0xff) {
                                failure.shows(&belief::STATUS_HOLDS_A_NUMBER)
                            } else {
                                failure
                            }
                        })?;
                        let mut wanted = contents();
                        same_bytes(&wanted, &bytes_of(&file)?, ("the file is as it was", "文件保持原样"))?;
                        wanted[1] = STORED - 1;
                        same_bytes(&wanted, &shown(&draft), ("the draft is as it was", "草稿保持原样"))
                    })
                },
            )
        });
    }

    #[test]
    fn a_child_that_does_not_come_to_its_end_is_an_error() {
        check("observe", rule(), || {
            type Explore = fn(&Mapping) -> u64;
            let ends: [(&str, &str, Explore); 4] = [
                ("panics", "发生 panic", |_| panic!("explore panics")),
                ("calls exit(0)", "调用 exit(0)", |_| std::process::exit(0)),
                ("aborts", "调用 abort", |_| std::process::abort()),
                ("loads from address 8", "读地址 8", |_| {
                    // SAFETY: nothing is mapped there, and the child dies of it.
                    u64::from(unsafe { touch(8) })
                }),
            ];
            for_each(
                ends,
                |(en, zh, _)| Words { en: format!("explore {en}"), zh: format!("explore {zh}") },
                |&(_, _, explore)| {
                    let answer = done(ask(|| {
                        let file = file_with(&contents()).map_err(kind)?;
                        let draft = draft_of(&file).map_err(kind)?;
                        Ok(super::what_if(&draft, explore).map_err(text))
                    }))?;
                    ensure(answer.is_err(), || {
                        Failure::new(say!("an error", "一个错误"), say!("{answer:?}", "{answer:?}"))
                            .shows(&belief::STATUS_HOLDS_A_NUMBER)
                    })
                },
            )
        });
    }

    /// Where the function that runs at a process's end says so: shared by the processes.
    static END: AtomicUsize = AtomicUsize::new(0);

    extern "C" fn at_the_end() {
        // SAFETY: the address is that of a shared mapping that is never unmapped.
        unsafe { &*std::ptr::with_exposed_provenance::<AtomicUsize>(END.load(Ordering::Relaxed)) }
            .fetch_add(1, Ordering::Relaxed);
    }

    #[test]
    fn the_child_ends_without_the_parents_last_words() {
        let rule = say!(
            "_exit(2) ends a process at once; exit(3) first runs what the parent has registered with atexit(3), and writes out the \
             buffers that it had copied from the parent: once more.",
            "_exit(2) 立即结束进程；exit(3) 会先运行父进程用 atexit(3) 注册的函数，还会把从父进程复制来的缓冲区再写出一遍。"
        );
        check("observe", rule, || {
            let (runs, explored) = done(ask(|| {
                let shared = Mapping::anonymous(page_size(), READ_WRITE, Sharing::Shared).map_err(text)?;
                END.store(shared.address(), Ordering::Relaxed);
                // SAFETY: the function lives for ever, and takes nothing.
                unsafe { libc::atexit(at_the_end) };
                let file = file_with(&contents()).map_err(kind)?;
                let draft = draft_of(&file).map_err(kind)?;
                let explored = shared.long_word(8);
                super::what_if(&draft, |_| explored.fetch_add(1, Ordering::Relaxed)).map_err(kind)?;
                let (runs, explored) = (shared.long_word(0).load(Ordering::Relaxed), explored.load(Ordering::Relaxed));
                std::mem::forget(shared);
                Ok((runs, explored))
            }))?;
            ensure(explored == 1, || {
                Failure::new(say!("explore runs once", "explore 运行一次"), say!("{explored} times", "{explored} 次"))
            })?;
            ensure(runs == 0, || {
                Failure::new(
                    say!("the function that atexit(3) registered has not run", "atexit(3) 注册的函数没有运行"),
                    say!("the child ran it", "子进程运行了它"),
                )
            })
        });
    }

    /// Counts, in memory that the processes share, how often it is dropped.
    struct Frame<'a>(&'a Mapping);

    impl Drop for Frame<'_> {
        fn drop(&mut self) {
            self.0.long_word(0).fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_panic_ends_in_the_child() {
        let rule = say!(
            "After fork(2) the child has its parent's stack, too. A panic that nobody catches there unwinds the parent's frames, once \
             more: it removes temporary files that the parent still uses, and may end up in a catch_unwind of the parent's.",
            "fork(2) 之后，子进程也有父进程的栈。panic 若无人捕获，就会在子进程里把父进程的栈帧再展开一遍：父进程还在用的临时文件会被删掉，甚至会落进父进程的 catch_unwind。"
        );
        check("observe", rule, || {
            let (explored, drops): (u64, u64) = done(ask(|| {
                let shared = Mapping::anonymous(page_size(), READ_WRITE, Sharing::Shared).map_err(text)?;
                let file = file_with(&contents()).map_err(kind)?;
                let draft = draft_of(&file).map_err(kind)?;
                let frame = Frame(&shared);
                // That it is an error is the check before.
                let _ = super::what_if(&draft, |_| {
                    shared.long_word(8).fetch_add(1, Ordering::Relaxed);
                    panic!("explore panics")
                });
                drop(frame);
                Ok([8, 0].map(|at| shared.long_word(at).load(Ordering::Relaxed)).into())
            }))?;
            ensure((explored, drops) == (1, 1), || {
                Failure::new(
                    say!(
                        "explore runs once, and what the caller holds is dropped once, by the caller",
                        "explore 运行一次；调用者持有的值只析构一次，由调用者自己析构"
                    ),
                    say!(
                        "explore ran {explored} times, and the value was dropped {drops} times",
                        "explore 运行了 {explored} 次，值析构了 {drops} 次"
                    ),
                )
            })
        });
    }

    #[test]
    fn it_is_a_process_of_its_own() {
        check("observe", rule(), || {
            let (parent, child) = done(ask(|| {
                let file = File::from(memfd_create(c"draft", MFdFlags::MFD_CLOEXEC).map_err(text)?);
                file.set_len(page_size_u64()).map_err(kind)?;
                let draft = draft_of(&file).map_err(kind)?;
                let child = super::what_if(&draft, |_| u64::from(std::process::id())).map_err(kind)?;
                Ok((u64::from(std::process::id()), child))
            }))?;
            ensure(parent != child, || {
                Failure::new(
                    say!("explore runs in a child", "explore 在子进程中运行"),
                    say!("it ran in the same process, {parent}", "它就在本进程 {parent} 中运行"),
                )
            })
        });
    }
}
