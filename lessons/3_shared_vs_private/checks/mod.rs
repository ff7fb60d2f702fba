//! The checks of exercise 3. Each runs in a child: it maps a draft, stores to it, writes to the file as another process
//! would, calls the learner's function, and returns what the draft shows then.

use std::fs::File;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::sync::atomic::{AtomicUsize, Ordering};

use mmap_workbook::grade::fixtures::{
    contents, equal, in_child, loaded, mapped_whole, named_file, no_error, pattern, refused, same_bytes, unnamed_file,
    wide,
};
use mmap_workbook::grade::misconception as belief;
use mmap_workbook::grade::{Failure, ask, check, ensure, error_text, for_all, for_each, kind, moved};
use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing, load_at};
use mmap_workbook::observe::{page_size, page_size_u64, smaps_of};
use mmap_workbook::text;
use mmap_workbook::text::Text;
use nix::libc;
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{SigHandler, Signal, signal};
use proptest::prelude::*;

use crate::exercise::{commit, copied_pages, discard, freeze, what_if};

/// The pages of the files here.
const PAGES: usize = 5;
/// The bytes of the last page that the file has.
const REST: usize = 100;

/// The bytes of a file of four pages and a rest.
fn original() -> Vec<u8> {
    pattern((PAGES - 1) * page_size() + REST)
}

fn draft_of(file: &File) -> std::io::Result<Mapping> {
    mapped_whole(file, Sharing::Private)
}

/// How much of the draft is resident, in KiB: Rss in smaps.
fn resident(draft: &Mapping) -> std::io::Result<u64> {
    smaps_of(draft.range())?.iter().map(|area| area.kib("Rss")).sum()
}

/// What happens to a draft before the learner's function is called.
#[derive(Debug, Clone)]
struct History {
    /// The draft's pages that are loaded from.
    loaded: Vec<usize>,
    /// The bytes of the draft that are stored to, and whether another byte is stored or the one that is there.
    stored: Vec<(usize, bool)>,
    /// The bytes of the file that another process writes.
    written: Vec<usize>,
}

/// What is stored to the draft, and what another process writes: bytes that the file does not contain.
const STORED: u8 = 254;
const WRITTEN: u8 = 255;
/// What another process writes after the learner's function has returned.
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

    fn words(&self) -> Text {
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
        Text::new(
            format!(
                "{PAGES} pages; loaded from pages {loaded:?}; stored at page:byte [{}]; then another process writes \
                 at [{written}]",
                list(self.stored.clone(), " (the same byte)")
            ),
            format!(
                "共 {PAGES} 页；读过的页 {loaded:?}；写过的 页:字节 [{}]；然后别人写入文件的位置 [{written}]",
                list(self.stored.clone(), "（原来的字节）")
            ),
        )
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

    /// Writes to the file as another process would.
    fn write(&self, file: &File, byte: u8) -> std::io::Result<()> {
        self.written.iter().try_for_each(|&at| file.write_all_at(&[byte], wide(at)))
    }

    /// The pages that were stored to, in ascending order.
    fn copied(&self) -> Vec<usize> {
        let mut pages: Vec<_> = self.stored.iter().map(|(at, _)| at / page_size()).collect();
        pages.sort_unstable();
        pages.dedup();
        pages
    }
}

/// Runs a check's steps in a child, which compares what it sees itself: sending all bytes back would take longer.
fn judged(steps: impl FnOnce() -> Result<(), Failure>) -> Result<(), Failure> {
    ask(steps)?
}

/// The rule of copy-on-write.
fn rule() -> Text {
    text!(
        "mmap(2), MAP_PRIVATE: the first store to a page makes a copy of it; a load makes none. POSIX leaves \
         unspecified whether a page without a copy shows what is written to the file later; on Linux it does.",
        "mmap(2) 的 MAP_PRIVATE：第一次写某一页时才会复制它，读不会。没有复制过的页能否看到之后写入文件的内容，POSIX 未作规定；在 Linux 上能看到。"
    )
}

mod freeze;

mod discard;

mod copied_pages;

mod commit;

mod what_if;
