//! The checks of exercise 3. Each runs in a child: it maps a draft, stores to it, writes to the file as another process
//! would, calls the learner's function, and returns what the draft shows then.

use std::collections::{BTreeSet, HashSet};
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::mem::ManuallyDrop;
use std::num::NonZeroUsize;
use std::os::fd::IntoRawFd;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::ptr::NonNull;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use mmap_workbook::grade::fixtures::{
    contents, in_child, knows_the_basics, mapped_whole, named_file, no_error, on_a_disk, open_descriptors, pattern,
    same_bytes, unnamed_file, wide,
};
use mmap_workbook::grade::{
    FORKS, Failure, On, Verdict, ask, check, drop_privileges, ensure, for_all, for_all_n, for_each, kind, moved, refuse,
};
use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing, load_at};
use mmap_workbook::misconception as belief;
use mmap_workbook::observe::{maps_of_process, page_size, page_size_u64, smaps_of, whole_pages};
use mmap_workbook::text;
use mmap_workbook::text::Text;
use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, FcntlArg, Flock, FlockArg, SealFlag, fallocate, fcntl};
use nix::libc;
use nix::mount::{MsFlags, mount};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::mman::{MapFlags, MmapAdvise, ProtFlags, madvise, mlock, mmap};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, kill, raise, sigaction, signal};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::{ForkResult, Pid, alarm, dup2_stdout, fork};
use proptest::prelude::*;

use crate::exercise::{commit, copied_pages, discard, freeze, what_if};

/// The pages of the files here.
const PAGES: usize = 5;
/// The bytes of the last page that the file has.
const REST: usize = 100;

/// The bytes of a file of four pages and a rest.
fn original() -> Vec<u8> {
    static BYTES: LazyLock<Vec<u8>> = LazyLock::new(|| pattern((PAGES - 1) * page_size() + REST));
    BYTES.clone()
}

/// All bytes of the draft. Nobody stores to it meanwhile, so it need not be loaded byte by byte, which takes long.
fn loaded(draft: &Mapping) -> Vec<u8> {
    let mut bytes = vec![0; draft.length()];
    let from = std::ptr::with_exposed_provenance(draft.address());
    // SAFETY: these bytes are mapped, and inside the file. No thread stores to them, and no process writes to the file now.
    unsafe { std::ptr::copy_nonoverlapping(from, bytes.as_mut_ptr(), bytes.len()) };
    bytes
}

fn draft_of(file: &File) -> std::io::Result<Mapping> {
    mapped_whole(file, Sharing::Private)
}

/// A file in memory of this size: a hole.
fn hole(size: u64) -> std::io::Result<File> {
    let file = File::from(memfd_create(c"draft", MFdFlags::MFD_CLOEXEC)?);
    file.set_len(size)?;
    Ok(file)
}

/// More pages than a mask has bits, a common buffer has entries, or a call takes buffers (IOV_MAX, 1024).
const MANY: usize = 1100;

/// A draft of more than 4 GiB, of a file that is a hole. It has to be mapped before a child is forked: there the limit
/// on private memory is lower.
fn large_draft() -> Result<(File, Mapping), Failure> {
    large_draft_of(tempfile::tempfile()?)
}

/// [`large_draft`] of this file, which is empty.
fn large_draft_of(file: File) -> Result<(File, Mapping), Failure> {
    let length = (1 << 32) + 3 * page_size() + REST;
    file.set_len(wide(length))?;
    let draft = Mapping::of_file(&file, 0, length, ProtFlags::PROT_READ, Sharing::Private)?;
    let (start, flags) = (NonZeroUsize::new(draft.address()), MapFlags::MAP_FIXED | MapFlags::MAP_NORESERVE);
    let size = NonZeroUsize::new(length).expect("it has pages");
    // SAFETY: replaces exactly the draft's pages, which nothing has accessed. Only MAP_NORESERVE is new, so that no memory
    // is set aside for copies of all its pages, and stores are allowed.
    match unsafe { mmap(start, size, READ_WRITE, MapFlags::MAP_PRIVATE | flags, &file, 0) } {
        Ok(_) => Ok((file, draft)),
        Err(Errno::ENOMEM) => Err(Failure::skipped(
            text!(
                "this machine sets memory aside for each page of a private mapping (vm.overcommit_memory is 2), and has \
                 not enough for a draft of more than 4 GiB; all else was right",
                "本机为私有映射的每一页预留内存（vm.overcommit_memory 为 2），不够映射一份超过 4 GiB 的草稿；其余都对"
            ),
            text!(
                "check on a machine where vm.overcommit_memory is 0 or 1",
                "在 vm.overcommit_memory 为 0 或 1 的机器上检查"
            ),
        )),
        Err(errno) => Err(errno.into()),
    }
}

/// A draft of the first `length` bytes of the file, with a mapping of the file directly before it, and one directly
/// after it that goes on where the draft ends: the kernel makes one line of /proc/self/maps of these two.
struct Neighbours {
    before: Mapping,
    draft: Mapping,
    after: Mapping,
}

impl Neighbours {
    /// The file has at least twice as many pages.
    fn of(file: &File, length: usize) -> std::io::Result<Neighbours> {
        let map = |offset| Mapping::of_file(file, offset, length, READ_WRITE, Sharing::Private);
        let next = wide(whole_pages(length));
        // What does not lie as it should stays mapped for now, so that the kernel has to look elsewhere.
        let mut misplaced = Vec::new();
        for _ in 0..1000 {
            let (one, draft, other) = (map(next)?, map(0)?, map(next)?);
            let (before, after) = if one.address() < other.address() { (one, other) } else { (other, one) };
            if before.range().end == draft.address() && draft.range().end == after.address() {
                return Ok(Neighbours { before, draft, after });
            }
            misplaced.push([before, draft, after]);
        }
        Err(std::io::Error::other("the kernel maps no three neighbours"))
    }

    /// The pages that touch the draft: by their mapping and place.
    fn touching(&self) -> [(&Mapping, usize); 2] {
        [(&self.before, self.before.range().len() - page_size()), (&self.after, 0)]
    }

    /// Makes a copy of each page that touches the draft.
    fn store(&self) {
        self.touching().iter().for_each(|(mapping, at)| mapping.store(*at, STORED));
    }

    /// Expects these copies to be there still.
    fn keep(&self) -> Result<(), Failure> {
        let kept = self.touching().map(|(mapping, at)| mapping.load(at));
        ensure(kept == [STORED; 2], || {
            let [before, after] = kept;
            Failure::new(
                text!(
                    "the mappings directly before and after the draft keep {STORED:#04x}, which was stored to them",
                    "紧挨着草稿的前后两个映射保留写入的 {STORED:#04x}"
                ),
                text!("they show {before:#04x} and {after:#04x}", "它们显示 {before:#04x} 和 {after:#04x}"),
            )
            .breaks("2:mapping", neighbours_rule())
        })
    }
}

/// Where a mapping ends.
fn neighbours_rule() -> Text {
    text!(
        "A mapping is whole pages: its length, rounded up to the next page boundary. The page after that belongs to another \
         mapping, and /proc/self/maps may show several mappings in one line.",
        "映射占整数页：长度向上取整到页边界，再往后就是别的映射的页了。/proc/self/maps 里的一行可能包含好几个映射。"
    )
}

/// How many pages a draft has that ends inside one.
fn last_page_rule() -> Text {
    text!(
        "`draft.range()` is whole pages, `draft.length()` is not: divided by the page size, it leaves out the last page.",
        "`draft.range()` 是整页，`draft.length()` 却不一定：拿它除以页大小，会漏掉最后一页。"
    )
}

/// The length of a draft of three pages and a `rest`, in words.
fn whole_pages_and(rest: &usize) -> Text {
    let [en, zh] = match rest {
        0 => ["a draft of exactly 3 pages".to_owned(), "一份恰好 3 页的草稿".to_owned()],
        _ => [format!("a draft of 3 pages and {rest} bytes"), format!("一份 3 页又 {rest} 字节的草稿")],
    };
    text!(
        "{en}, and mappings of the same file directly before and after it",
        "{zh}，紧挨着它的前后各有一个同一文件的映射"
    )
}

/// Drops the draft's copies, as `discard` should.
fn drop_copies(draft: &Mapping) -> std::io::Result<()> {
    let start = NonNull::new(std::ptr::with_exposed_provenance_mut(draft.address())).expect("it is mapped");
    // SAFETY: the pages are the draft's, which hands out no references to its bytes.
    Ok(unsafe { madvise(start, draft.range().len(), MmapAdvise::MADV_DONTNEED) }?)
}

/// Locks the draft in memory.
fn locked(draft: &Mapping) -> Result<(), Failure> {
    let start = NonNull::new(std::ptr::with_exposed_provenance_mut(draft.address())).expect("it is mapped");
    // SAFETY: locking changes no byte, and the pages are the draft's.
    unsafe { mlock(start, draft.length()) }.map_err(|errno| {
        all_but(
            text!("a draft that is locked in memory", "锁定在内存中的草稿"),
            &errno,
            text!("raise the limit on locked memory: ulimit -l", "提高锁定内存的上限：ulimit -l"),
        )
    })
}

/// Expects a draft of this file, whatever else: stores reach no file, and without copies it shows the file.
fn still_a_draft(draft: &Mapping, file: &File) -> Result<(), Failure> {
    stores_stay_private(draft, file)
        .and_then(|()| can_be_dropped(draft))
        .and_then(|()| {
            let shows = |when| same_bytes(when, &loaded(draft), &contents(file)?[..draft.length()]);
            shows(text!(
                "once its copies are dropped (MADV_DONTNEED), the draft shows the file",
                "用 MADV_DONTNEED 丢弃副本之后，草稿显示的就是文件"
            ))?;
            file.write_all_at(&[!contents(file)?[0]], 0)?;
            shows(text!("and what is written to it later", "之后写入文件的内容也能看到"))
        })
        .map_err(|failure| {
            failure.breaks(
                "copy_on_write",
                text!(
                    "A copy on write replaces a page and leaves the mapping as it is: private, of the same file, and for \
                     reading and writing. mmap(2) with MAP_FIXED puts another mapping in its place.",
                    "写时复制换掉的只是一页，映射本身不变：仍是私有的，属于同一个文件，可读可写。带 MAP_FIXED 的 mmap(2) 则会在原处换上另一个映射。"
                ),
            )
        })
}

fn stores_stay_private(draft: &Mapping, file: &File) -> Result<(), Failure> {
    let (first, bytes) = (draft.load(0), contents(file)?);
    draft.store(0, !first);
    same_bytes(
        text!("a store to the draft does not reach the file", "写进草稿的内容不会进入文件"),
        &contents(file)?,
        &bytes,
    )
}

/// Drops the draft's copies, which the kernel refuses where they are locked.
fn can_be_dropped(draft: &Mapping) -> Result<(), Failure> {
    match drop_copies(draft).map_err(kind) {
        Err(error) if error == "EINVAL" => Err(Failure::new(
            text!("the draft's copies can be dropped (MADV_DONTNEED)", "草稿的副本可以用 MADV_DONTNEED 丢弃"),
            text!("madvise(2) returns EINVAL, as for a locked mapping", "madvise(2) 返回 EINVAL，如同映射已被锁定"),
        )
        .breaks("pagemap", locked_rule())),
        answer => no_error(answer),
    }
}

/// What a lock in memory does.
fn locked_rule() -> Text {
    text!(
        "madvise(2): EINVAL for MADV_DONTNEED in a mapping that is locked in memory (mlock(2)); nothing is dropped then.",
        "madvise(2)：对锁定在内存中（mlock(2)）的映射用 MADV_DONTNEED，返回 EINVAL，什么也不会丢弃。"
    )
}

/// Runs `call`, and expects as many open descriptors after it as before.
fn closing_all<T>(call: impl FnOnce() -> T) -> Result<T, Failure> {
    let before = open_descriptors()?;
    let answer = call();
    let after = open_descriptors()?;
    ensure(after == before, || {
        Failure::new(
            text!(
                "no descriptor is left open: {before} before the call and after it",
                "不遗留打开的描述符：调用前后都是 {before} 个"
            ),
            text!("there are {after} after it", "调用之后有 {after} 个"),
        )
        .breaks(
            "2:lifetime",
            text!(
                "A descriptor stays open until close(2), or until its owner is dropped, on every way out of the function.",
                "描述符要等 close(2)（或者它的所有者析构）才会关闭，函数的每条返回路径上都要做到。"
            ),
        )
    })?;
    Ok(answer)
}

/// Runs `call` while this process may open no more than `more` descriptors (RLIMIT_NOFILE).
fn with_descriptors<T>(more: usize, call: impl FnOnce() -> T) -> std::io::Result<T> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    let is_open = |fd: &u64| std::path::Path::new(&format!("/proc/self/fd/{fd}")).symlink_metadata().is_ok();
    let limit = (0..).filter(|fd| !is_open(fd)).nth(more).expect("there are numbers enough");
    setrlimit(Resource::RLIMIT_NOFILE, limit, hard)?;
    let answer = call();
    setrlimit(Resource::RLIMIT_NOFILE, soft, hard)?;
    Ok(answer)
}

/// The system calls that read from a file.
const READS: &[libc::c_long] =
    &[libc::SYS_read, libc::SYS_pread64, libc::SYS_readv, libc::SYS_preadv, libc::SYS_preadv2];

/// Bytes in words.
fn hex(bytes: &[u8]) -> String {
    let bytes: Vec<_> = bytes.iter().map(|byte| format!("{byte:#04x}")).collect();
    bytes.join(", ")
}

/// An answer in words: the error's name, or what was returned.
fn told<T: std::fmt::Debug>(answer: &Result<T, String>) -> Text {
    match answer {
        Ok(value) => text!("it returned {value:?}", "返回了 {value:?}"),
        Err(error) => text!("the error {error}", "错误 {error}"),
    }
}

/// Failure::skipped for a part of a check that comes last: this machine lacks something, for this reason.
fn all_but(part: Text, reason: &impl std::fmt::Display, remedy: Text) -> Failure {
    let Text { en, zh } = part;
    Failure::skipped(
        Text::new(
            format!("{en} could not be checked: {reason}; all else was right"),
            format!("{zh}无法检查：{reason}；其余都对"),
        ),
        remedy,
    )
}

/// Expects this value.
fn returns<T: std::fmt::Debug + PartialEq>(answer: &Result<T, String>, wanted: &T) -> Result<(), Failure> {
    ensure(answer.as_ref() == Ok(wanted), || {
        Failure::new(text!("it returns {wanted:?}", "返回 {wanted:?}"), told(answer))
    })
}

/// Expects this error.
fn fails_with<T: std::fmt::Debug>(answer: &Result<T, String>, wanted: &str) -> Result<(), Failure> {
    ensure(answer.as_ref().is_err_and(|error| error == wanted), || {
        Failure::new(text!("the error {wanted}", "错误 {wanted}"), told(answer))
    })
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

    /// What every answer is tried on first: nothing; stores to pages 1 and 3, of which one changes nothing; stores to the
    /// first page and the last; to all of them.
    fn fixed() -> [History; 4] {
        let page = page_size();
        [
            (vec![], vec![], vec![]),
            (vec![0], vec![(page + 7, true), (3 * page, false)], vec![2 * page, 3 * page]),
            (vec![2], vec![(page - 1, true), (4 * page + REST - 1, true)], vec![0, page]),
            (vec![], (0..PAGES).map(|n| (n * page, true)).collect(), vec![]),
        ]
        .map(|(loaded, stored, written)| History { loaded, stored, written })
    }

    fn words(&self) -> Text {
        let page = |at: usize| (at / page_size(), at % page_size());
        let list = |marks: &[(usize, bool)], same: &str, none: &str| {
            let bytes = marks.iter().map(|&(at, other)| {
                let ((page, at), same) = (page(at), if other { "" } else { same });
                format!("{page}:{at}{same}")
            });
            if marks.is_empty() { none.to_owned() } else { bytes.collect::<Vec<_>>().join(", ") }
        };
        let loaded = |none: &str| if self.loaded.is_empty() { none.to_owned() } else { format!("{:?}", self.loaded) };
        let written: Vec<_> = self.written.iter().map(|at| (*at, true)).collect();
        Text::new(
            format!(
                "{PAGES} pages, the last one of {REST} bytes; loaded from pages: {}; stored at page:byte: {}; then another process writes at: {}",
                loaded("none"),
                list(&self.stored, " (the same byte)", "none"),
                list(&written, "", "none"),
            ),
            format!(
                "共 {PAGES} 页，最后一页只有 {REST} 字节；读过的页：{}；写过的 页:字节：{}；然后别人写入文件的位置：{}",
                loaded("没有"),
                list(&self.stored, "（原来的字节）", "没有"),
                list(&written, "", "没有"),
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
    original(); // made once, not in each child
    ask(steps)?
}

/// Runs `steps` on a draft of five pages, and its file, where nobody may write: in a child that alone sees it.
fn without_a_directory(
    given: &Text,
    steps: impl FnOnce(&Mapping, &File) -> Result<(), Failure>,
) -> Result<(), Failure> {
    on_a_disk(16, |_| {
        judged(|| {
            let file = hole(wide(PAGES * page_size()))?;
            let draft = draft_of(&file)?;
            let none = None::<&str>;
            for directory in ["/tmp", "/var/tmp", "/dev/shm"] {
                // Where there is no such directory, nobody can write to it.
                match mount(Some("tmpfs"), directory, Some("tmpfs"), MsFlags::MS_RDONLY, none) {
                    Ok(()) | Err(Errno::ENOENT) => {}
                    Err(errno) => {
                        return Err(all_but(
                            text!("a process without a directory to write in", "没有可写目录的进程"),
                            &errno,
                            text!("allow mounts over /tmp", "允许在 /tmp 上挂载"),
                        ));
                    }
                }
            }
            std::env::set_current_dir("/proc")?;
            drop_privileges()?;
            steps(&draft, &file)
        })
    })
    .map_err(|failure| {
        let Text { en, zh } = given;
        failure.given(Text::new(
            format!("{en}; the process has no privilege, and can't write in /tmp, /var/tmp, /dev/shm or where it is"),
            format!("{zh}；进程没有特权，在 /tmp、/var/tmp、/dev/shm 和当前目录中都不能写"),
        ))
    })
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
