//! The checks of exercise 2. Each runs the learner's function in a child. Some compare what it returns with what std
//! reads from the file; others watch its system calls with ptrace(2), as strace would show them.

use std::fmt::Debug;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::num::NonZeroUsize;
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Barrier};
use std::time::Duration;

use mmap_workbook::grade::fixtures::{
    contents, knows_the_basics, near_page_boundaries, no_error, open_descriptors, pattern, same_bytes, unnamed_file,
    wide,
};
use mmap_workbook::grade::{
    Call, FORKS, Failure, FileCall, FileId, On, SharedPage, Step, Verdict, Walker, Watched, ask, ask_refused,
    ask_with_memory, before_each_call, check, ensure, error_text, for_all, for_each, kind, no_refusals, refuse,
};
use mmap_workbook::lesson_2::{Mapping, Sharing, load_at};
use mmap_workbook::misconception as belief;
use mmap_workbook::observe::{page_size, page_size_u64, whole_pages};
use mmap_workbook::process::Cause;
use mmap_workbook::text;
use mmap_workbook::text::Text;
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, PosixFadviseAdvice, posix_fadvise};
use nix::libc;
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous};
use nix::sys::resource::{Resource, setrlimit};
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::exercise::{byte_at, count_lines, map_aligned, swap};

/// The same file, open for reading only.
fn read_only(file: &File) -> Result<File, Failure> {
    Ok(File::open(format!("/proc/self/fd/{}", file.as_raw_fd()))?)
}

const GIB: u64 = 1 << 30;

/// A file of 5 GiB that takes no space on the disk: a hole, and these bytes at each of these offsets.
fn large_file(places: &[(u64, &[u8])]) -> Result<File, Failure> {
    let file = tempfile::tempfile()?;
    file.set_len(5 * GIB)?;
    for (at, bytes) in places {
        file.write_all_at(bytes, *at)?;
    }
    Ok(file)
}

/// A file in memory of this size: one hole, of which a page that is accessed becomes a block. No other file system is sure
/// to hold more than 16 TiB.
fn file_in_memory(size: u64) -> Result<File, Failure> {
    let file = File::from(memfd_create(c"hole", MFdFlags::MFD_CLOEXEC)?);
    file.set_len(size)?;
    Ok(file)
}

/// A file whose pages the kernel is asked to take out of the page cache, as it does when memory is short. Some file systems
/// keep them there.
fn file_on_disk(bytes: &[u8]) -> Result<File, Failure> {
    let file = unnamed_file(bytes)?;
    file.sync_data()?;
    posix_fadvise(&file, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED)?;
    Ok(file)
}

/// The failure of a call on such a file.
fn of_file_on_disk(failure: Failure, given: &Text) -> Failure {
    failure.given(Text::new(
        format!("{}, of which no page is in the page cache (posix_fadvise(2), POSIX_FADV_DONTNEED)", given.en),
        format!("{}，没有一页在页缓存里（posix_fadvise(2)，POSIX_FADV_DONTNEED）", given.zh),
    ))
}

/// What the offset of a file is before a call, and has to stay.
const HERE: u64 = 3;

/// What a call returned on a file, and the system calls that it made.
struct Seen<A> {
    answer: A,
    calls: Vec<FileCall>,
    file: FileId,
    /// What it has mapped and not unmapped.
    left: Own,
    /// How many bytes of the file were mapped at most; whole pages count.
    most: u64,
}

/// Watches `act` on `file`. A call that unmaps or replaces what is not its own is not made, but is a failure.
fn watch<A: Serialize + DeserializeOwned>(file: &File, act: impl FnOnce() -> A) -> Result<Seen<A>, Failure> {
    watch_failing(file, act, |_| false)
}

/// [`watch`], with the calls failing for which `fails` says so.
fn watch_failing<A: Serialize + DeserializeOwned>(
    file: &File,
    act: impl FnOnce() -> A,
    mut fails: impl FnMut(&FileCall) -> bool,
) -> Result<Seen<A>, Failure> {
    let file = FileId::of(file)?;
    let (mut own, mut most, mut done) = (Own::default(), 0, 0);
    let mut follow = |calls: &[FileCall]| {
        for seen in &calls[done..] {
            own.after(seen, file);
            most = most.max(own.of_file());
        }
        done = calls.len();
        (own.clone(), most)
    };
    let watched = mmap_workbook::grade::watch_each(act, |before, seen| {
        follow(before).0.allows(&seen.call)?;
        Ok(fails(seen))
    })
    .map_err(of_no_page)?;
    let (own, most) = follow(&watched.calls);
    Ok(Seen { answer: watched.answer, calls: watched.calls, file, left: own, most })
}

/// Expects that the open file has its offset and its lock at this moment.
fn is_left_alone(mut file: &File, other: &File) -> Result<(), Failure> {
    let at = file.stream_position()?;
    ensure(at == HERE, || {
        Failure::new(
            text!(
                "the file offset is {HERE} before, during and after the call",
                "调用之前、之中、之后，文件偏移量都是 {HERE}"
            ),
            text!("the call made it {at}", "函数把它变成了 {at}"),
        )
        .breaks("lifetime", descriptors_rule())
    })?;
    let locked = Flock::lock(other.try_clone()?, FlockArg::LockExclusiveNonblock).is_err();
    ensure(locked, || {
        Failure::new(
            text!(
                "the file is locked with flock(2) before, during and after the call",
                "调用之前、之中、之后，文件都被 flock(2) 锁着"
            ),
            text!("the call gave up the lock", "函数放弃了这把锁"),
        )
        .breaks("lifetime", descriptors_rule())
    })
}

/// Whether this is an mmap(2) of the file.
fn maps_file(seen: &FileCall, file: FileId) -> bool {
    let anonymous = seen.call.arguments[3] & flag(libc::MAP_ANONYMOUS) != 0;
    seen.call.number == libc::SYS_mmap && !anonymous && seen.names(4, file)
}

fn flag(flag: i32) -> u64 {
    flag.cast_unsigned().into()
}

/// The calls that copy bytes, and which of their arguments are the descriptors; without any, they copy memory.
const COPYING: [(i64, &str, &[usize]); 18] = [
    (libc::SYS_read, "read(2)", &[0]),
    (libc::SYS_pread64, "pread(2)", &[0]),
    (libc::SYS_readv, "readv(2)", &[0]),
    (libc::SYS_preadv, "preadv(2)", &[0]),
    (libc::SYS_preadv2, "preadv2(2)", &[0]),
    (libc::SYS_write, "write(2)", &[0]),
    (libc::SYS_pwrite64, "pwrite(2)", &[0]),
    (libc::SYS_writev, "writev(2)", &[0]),
    (libc::SYS_pwritev, "pwritev(2)", &[0]),
    (libc::SYS_pwritev2, "pwritev2(2)", &[0]),
    (libc::SYS_sendto, "send(2)", &[0]),
    (libc::SYS_recvfrom, "recv(2)", &[0]),
    (libc::SYS_sendfile, "sendfile(2)", &[0, 1]),
    (libc::SYS_copy_file_range, "copy_file_range(2)", &[0, 2]),
    (libc::SYS_splice, "splice(2)", &[0, 2]),
    (libc::SYS_vmsplice, "vmsplice(2)", &[]),
    (libc::SYS_process_vm_readv, "process_vm_readv(2)", &[]),
    (libc::SYS_process_vm_writev, "process_vm_writev(2)", &[]),
];

/// The calls that ask for a file's size.
const SIZES: [i64; 4] = [libc::SYS_fstat, libc::SYS_newfstatat, libc::SYS_statx, libc::SYS_lseek];

/// The calls that lock pages in memory.
const LOCKING: [(i64, &str); 3] =
    [(libc::SYS_mlock, "mlock(2)"), (libc::SYS_mlock2, "mlock2(2)"), (libc::SYS_mlockall, "mlockall(2)")];

/// Addresses that the call has mapped.
#[derive(Clone)]
struct Part {
    range: Range<u64>,
    of_file: bool,
}

/// All addresses that the call has mapped and not unmapped since; no two parts overlap.
#[derive(Clone, Default)]
struct Own {
    parts: Vec<Part>,
    /// What it has unmapped.
    given_back: Vec<Range<u64>>,
    /// A call that copied bytes of a mapping of the file, as write(2) to a pipe does, or pread(2) of /proc/self/mem.
    copied: Option<&'static str>,
}

impl Own {
    fn holds(&self, range: &Range<u64>) -> bool {
        let common = |part: &Part| part.range.end.min(range.end).saturating_sub(part.range.start.max(range.start));
        self.parts.iter().map(common).sum::<u64>() == range.end - range.start
    }

    fn remove(&mut self, range: &Range<u64>) {
        let rest = |Part { range: part, of_file }: Part| {
            let before = part.start..part.end.min(range.start);
            let after = part.start.max(range.end)..part.end;
            [before, after].map(|range| Part { range, of_file })
        };
        self.parts =
            std::mem::take(&mut self.parts).into_iter().flat_map(rest).filter(|part| !part.range.is_empty()).collect();
    }

    fn add(&mut self, range: Range<u64>, of_file: bool) {
        self.remove(&range);
        self.parts.push(Part { range, of_file });
    }

    fn of_file(&self) -> u64 {
        self.parts.iter().filter(|part| part.of_file).map(|part| part.range.end - part.range.start).sum()
    }

    /// Expects that a call which is about to be made leaves alone what is not the function's own.
    fn allows(&self, call: &Call) -> Result<(), Failure> {
        let [first, second, third, fourth, fifth, _] = call.arguments;
        match call.number {
            libc::SYS_mmap if fourth & flag(libc::MAP_FIXED) != 0 => {
                let range = pages(first, second);
                // Of what it has unmapped it may think that nobody else can have it by now.
                let was_its_own = self.given_back.iter().any(|part| part.start < range.end && range.start < part.end);
                self.holds_all(range, text!("mmap(2) with MAP_FIXED", "带 MAP_FIXED 的 mmap(2)")).map_err(|failure| {
                    let failure = failure.breaks("fixed", fixed_rule());
                    if was_its_own { failure } else { failure.shows(&belief::FIXED_FINDS_ROOM) }
                })
            }
            libc::SYS_munmap => {
                let judged = self.holds_all(pages(first, second), Text::fixed("munmap(2)", "munmap(2)"));
                judged.map_err(|failure| failure.breaks("mapping", munmap_rule()))
            }
            libc::SYS_mremap => {
                self.holds_all(pages(first, second), Text::fixed("mremap(2)", "mremap(2)"))?;
                let fixed = fourth & flag(libc::MREMAP_FIXED) != 0;
                let new = if fixed { pages(fifth, third) } else { 0..0 };
                self.holds_all(new, text!("mremap(2) with MREMAP_FIXED", "带 MREMAP_FIXED 的 mremap(2)"))
            }
            _ => Ok(()),
        }
    }

    /// Expects that all of these pages are its own.
    fn holds_all(&self, range: Range<u64>, what: Text) -> Result<(), Failure> {
        // The kernel refuses what begins inside a page.
        ensure(self.holds(&range) || !range.start.is_multiple_of(page_size_u64()), || {
            let (at, length, Text { en, zh }) = (range.start, range.end - range.start, what);
            Failure::new(
                text!(
                    "only pages that this call has mapped, and has not unmapped since",
                    "只涉及这次调用映射、且尚未解除的页"
                ),
                Text::new(
                    format!("{en} of {length} bytes at {at:#x}: not all of these pages are its own"),
                    format!("对 {at:#x} 处 {length} 字节调用了{zh}，其中有不属于它的页"),
                ),
            )
        })
    }

    /// What it is after this call.
    fn after(&mut self, seen: &FileCall, file: FileId) {
        let Call { number, arguments: [first, second, third, fourth, ..], answer } = seen.call;
        let Ok(at) = u64::try_from(answer) else { return };
        let shown = |address| self.parts.iter().any(|part| part.of_file && part.range.contains(&address));
        if let Some((_, name, [_, ..])) = COPYING.iter().find(|(copying, ..)| *copying == number)
            && (shown(second) || shown(fourth))
        {
            self.copied = Some(name);
        }
        match number {
            libc::SYS_mmap => self.add(pages(at, second), maps_file(seen, file)),
            libc::SYS_munmap => {
                self.remove(&pages(first, second));
                self.given_back.push(pages(first, second));
            }
            libc::SYS_mremap => {
                let of_file = self.parts.iter().any(|part| part.range.contains(&first) && part.of_file);
                self.remove(&pages(first, second));
                self.add(pages(at, third), of_file);
            }
            _ => {}
        }
    }
}

/// What MAP_FIXED does.
fn fixed_rule() -> Text {
    text!(
        "mmap(2), MAP_FIXED: what is mapped at these addresses is discarded, without an error. So use it only on \
         addresses that you have reserved.",
        "mmap(2) 的 MAP_FIXED：若指定的地址与已有映射重叠，重叠部分会被悄悄替换掉。所以它只能用于自己预留的地址。"
    )
}

/// What munmap(2) takes.
fn munmap_rule() -> Text {
    text!(
        "munmap(2) takes addresses, not mappings: it unmaps whatever lies there, up to the next page boundary. What has been \
         unmapped may belong to somebody else by now.",
        "munmap(2) 认的是地址，不是映射：这段地址里有什么就解除什么，长度向上取整到页边界。已经解除的地址，此刻可能已归别人所有。"
    )
}

/// How long a mapping lives.
fn lifetime_rule() -> Text {
    text!(
        "Neither close(2) nor the end of a function unmaps, so every return from the function needs a munmap(2), also with \
         an error.",
        "close(2) 不会解除映射，函数返回也不会，所以函数的每条返回路径上都要用 munmap(2) 解除，出错时也一样。"
    )
}

/// What may not fit in its type.
fn overflow_rule() -> Text {
    text!(
        "A sum, or a length that is rounded up to whole pages, may not fit in its type: in a debug build Rust panics then, \
         otherwise it goes on with a small number. checked_add and checked_next_multiple_of tell.",
        "两数之和、向上取整到整页的长度，都可能超出类型的范围：调试构建里 Rust 会 panic，否则得到的是一个很小的数。用 checked_add 和 checked_next_multiple_of 就能发现。"
    )
}

/// The failure of a call with numbers so large that a panic is about them.
fn with_large_numbers(failure: Failure) -> Failure {
    if failure.verdict == Verdict::Panicked { failure.breaks("window", overflow_rule()) } else { failure }
}

/// What 32 bits don't hold.
fn off_t_rule() -> Text {
    text!(
        "off_t has 64 bits: a file's size or an offset in it may not fit in an int, nor in a usize of 32 bits.",
        "off_t 是 64 位的：文件大小和文件内的偏移量放不进 int，也放不进 32 位的 usize。"
    )
}

/// Where a store goes.
fn private_rule() -> Text {
    text!(
        "A store through a shared mapping (MAP_SHARED) changes the file's page. One through a private mapping (MAP_PRIVATE) \
         never reaches the file.",
        "写共享映射（MAP_SHARED），改的就是文件的页；写私有映射（MAP_PRIVATE），到不了文件。"
    )
}

/// What a mapping of many bytes is for.
fn one_mapping_rule() -> Text {
    text!(
        "Each mmap(2), each munmap(2) and the first access to each page takes a way into the kernel. Map all that you may at \
         once, and load all of its bytes from there.",
        "每次 mmap(2)、每次 munmap(2)、每一页的第一次访问，都要进一趟内核。能映射多少就一次映射多少，再从那里读出所有字节。"
    )
}

/// What a load is.
fn access_rule() -> Text {
    text!(
        "A load through a mapping takes the byte from the page cache itself. read(2), pread(2) and their kind copy bytes out \
         of it.",
        "通过映射读，直接读的就是页缓存里的字节；read(2)、pread(2) 之类则是从页缓存里复制出来。"
    )
}

/// The pages with these addresses.
fn pages(start: u64, length: u64) -> Range<u64> {
    start..start.saturating_add(length).checked_next_multiple_of(page_size_u64()).unwrap_or(u64::MAX)
}

impl<A> Seen<A> {
    /// Expects no call that copies bytes of the file, and none that starts a thread or a process, which would not be seen.
    fn copies_nothing(&self) -> Result<(), Failure> {
        self.copies_no_byte().map_err(|failure| failure.breaks("access", access_rule()))?;
        let starts = |seen: &FileCall| FORKS.contains(&seen.call.number);
        ensure(!self.calls.iter().any(starts), || {
            Failure::new(
                text!("the call starts no thread and no process", "函数不启动线程，也不创建进程"),
                text!("it called clone(2)", "调用了 clone(2)"),
            )
        })
    }

    fn copies_no_byte(&self) -> Result<(), Failure> {
        let copied = |seen: &&FileCall| {
            let copying = COPYING.iter().find(|(number, ..)| *number == seen.call.number);
            copying.is_some_and(|(_, _, fds)| fds.is_empty() || fds.iter().any(|fd| seen.names(*fd, self.file)))
        };
        let expected = || text!("the file's bytes are accessed through a mapping only", "只通过映射访问文件的字节");
        let first = self.calls.iter().find(copied);
        first.map_or(Ok(()), |first| {
            let (_, name, fds) =
                COPYING.iter().find(|(number, ..)| *number == first.call.number).unwrap_or(&(0, "", &[]));
            let failure = Failure::new(expected(), text!("it called {name} on the file", "对文件调用了 {name}"));
            // What has no descriptor copies what is mapped.
            Err(if fds.is_empty() { failure } else { failure.shows(&belief::READ_IS_AS_GOOD) })
        })?;
        self.left.copied.map_or(Ok(()), |name| {
            Err(Failure::new(
                expected(),
                text!(
                    "it called {name} on bytes of the mapping, and so copied them",
                    "对映射里的字节调用了 {name}，复制了它们"
                ),
            ))
        })
    }

    /// [`Seen::copies_nothing`], and expects a mapping of the file.
    fn maps_and_does_not_copy(&self) -> Result<(), Failure> {
        self.copies_nothing()?;
        ensure(self.maps().next().is_some(), || {
            Failure::new(text!("a mapping of the file", "映射该文件"), text!("there was none", "没有映射过"))
                .breaks("access", access_rule())
        })
    }

    /// Expects that no memory is set aside for copies of the file's pages.
    fn promises_no_copies(&self) -> Result<(), Failure> {
        let copy = |call: &&Call| {
            let [_, _, protection, flags, ..] = call.arguments;
            let private = flags & flag(libc::MAP_PRIVATE | libc::MAP_SHARED) == flag(libc::MAP_PRIVATE);
            private && flags & flag(libc::MAP_NORESERVE) == 0 && protection & flag(libc::PROT_WRITE) != 0
        };
        self.maps().find(copy).map_or(Ok(()), |call| {
            let length = call.arguments[1];
            Err(Failure::new(
                text!("a mapping that takes no memory for copies of its pages", "映射不为页的副本预留内存"),
                text!(
                    "mmap(2) of {length} bytes, private and for writing: so much memory has to be promised, whether or not \
                     it is written to",
                    "mmap(2) 了 {length} 字节，私有且可写：不管写不写，内核都得承诺这么多内存"
                ),
            )
            .breaks(
                "fixed",
                text!(
                    "mmap(2): of a private mapping with PROT_WRITE the kernel counts all pages as memory, for the copies that \
                     stores would make. What is only read needs PROT_READ alone.",
                    "mmap(2)：带 PROT_WRITE 的私有映射，内核按整个长度计入内存，因为写入会产生副本。只读不写，要 PROT_READ 就够了。"
                ),
            ))
        })
    }

    /// Expects that no page is locked in memory; and if `populate` is false, that none is made present beforehand.
    fn locks_nothing(&self, populate: bool) -> Result<(), Failure> {
        let named = |seen: &FileCall| {
            let Call { number, arguments, .. } = seen.call;
            let (_, name) = LOCKING.iter().find(|(locking, _)| *locking == number).unwrap_or(&(0, ""));
            match number {
                libc::SYS_mmap if arguments[3] & flag(libc::MAP_LOCKED) != 0 => Some("mmap(2), MAP_LOCKED"),
                libc::SYS_mmap if !populate && arguments[3] & flag(libc::MAP_POPULATE) != 0 => {
                    Some("mmap(2), MAP_POPULATE")
                }
                libc::SYS_madvise
                    if !populate
                        && [libc::MADV_POPULATE_READ, libc::MADV_POPULATE_WRITE].map(flag).contains(&arguments[2]) =>
                {
                    Some("madvise(2), MADV_POPULATE")
                }
                _ => Some(*name).filter(|name| !name.is_empty()),
            }
        };
        match self.calls.iter().find_map(named) {
            None => Ok(()),
            Some(name) => Err(Failure::new(
                text!("the pages come into memory only when they are accessed", "页只在被访问时才进入内存"),
                text!("it called {name}", "调用了 {name}"),
            )
            .breaks(
                "window",
                text!(
                    "mmap(2) brings in no page: each one comes with the first access to it. MAP_POPULATE brings in all of them \
                     during the call, and mlock(2) keeps them in memory.",
                    "mmap(2) 本身不准备任何一页，第一次访问时内核才去准备。MAP_POPULATE 在调用期间就准备好所有的页，mlock(2) 还把它们锁定在内存里。"
                ),
            )),
        }
    }

    /// The successful mappings of the file: their calls.
    fn maps(&self) -> impl Iterator<Item = &Call> {
        self.tried().filter(|call| call.answer > 0)
    }

    /// The mappings of the file that were asked for.
    fn tried(&self) -> impl Iterator<Item = &Call> {
        self.calls.iter().filter(|seen| maps_file(seen, self.file)).map(|seen| &seen.call)
    }

    /// Expects that nothing which the call mapped is mapped any more.
    fn leaves_nothing_mapped(&self) -> Result<(), Failure> {
        let left: u64 = self.left.parts.iter().map(|part| part.range.end - part.range.start).sum();
        if left == 0 {
            return Ok(());
        }
        let unmaps = || self.calls.iter().map(|seen| seen.call).filter(|call| call.number == libc::SYS_munmap);
        let expected =
            text!("when it returns, nothing that it mapped is still mapped", "返回时，本次调用建立的映射都已解除");
        let failure = match unmaps().find(|call| call.answer < 0) {
            Some(Call { answer, arguments: [at, length, ..], .. }) => {
                let errno = errno(answer);
                Failure::new(
                    expected,
                    text!(
                        "{left} bytes are; munmap(2) of {length} bytes at {at:#x} failed with {errno}",
                        "还有 {left} 字节处于映射状态；对 {at:#x} 处 {length} 字节的 munmap(2) 失败：{errno}"
                    ),
                )
            }
            None => {
                let failure = Failure::new(expected, text!("{left} bytes are", "还有 {left} 字节处于映射状态"));
                if unmaps().next().is_none() { failure.shows(&belief::CLOSE_UNMAPS) } else { failure }
            }
        };
        Err(failure.breaks("lifetime", lifetime_rule()))
    }

    /// [`Seen::leaves_nothing_mapped`] where it was forgotten on this path, whatever is believed.
    fn leaves_nothing_after_an_error(&self) -> Result<(), Failure> {
        self.leaves_nothing_mapped().map_err(|mut failure| {
            failure.misconception = None;
            failure
        })
    }

    /// Says which mmap(2) of the file failed, if one did, and names the misconception that it shows.
    fn why_it_failed(&self, failure: Failure) -> Failure {
        let Some(call) = self.tried().find(|call| call.answer < 0) else { return failure };
        let Call { arguments: [_, length, protection, flags, _, offset], answer, .. } = *call;
        let errno = errno(answer);
        let (en, zh, shown) = match errno.as_str() {
            "EACCES" if protection & flag(libc::PROT_WRITE) != 0 && flags & flag(libc::MAP_SHARED) != 0 => (
                "shared, for reading and writing".to_owned(),
                "共享、可读写".to_owned(),
                Some(&belief::WRITING_IS_FREE),
            ),
            _ => (format!("{length} bytes from {offset} on"), format!("从 {offset} 起 {length} 字节"), None),
        };
        let mut failure = failure;
        failure.happened = Text::new(
            format!("{}, which mmap(2) returned ({en})", failure.happened.en),
            format!("{}，来自 mmap(2)（{zh}）", failure.happened.zh),
        );
        let Some(belief) = shown else { return failure };
        let rule = text!(
            "mmap(2): EACCES for a shared mapping with PROT_WRITE of a file that is not open for writing. A load needs \
             PROT_READ only.",
            "mmap(2)：文件没有以可写方式打开，却要带 PROT_WRITE 的共享映射，就返回 EACCES。读只需要 PROT_READ。"
        );
        failure.shows(belief).breaks("protection", rule)
    }

    /// Names the misconception about large numbers if the file was mapped at this offset's last 32 bits.
    fn too_narrow(&self, offset: u64, failure: Failure) -> Failure {
        let wanted = offset - offset % page_size_u64();
        // A negative number is extended with ones.
        let low = u64::from(u32::MAX);
        let narrow = |at: u64| at != wanted && at & low == wanted & low && [0, low].contains(&(at >> 32));
        let narrow = self.tried().any(|call| narrow(call.arguments[5]));
        match narrow {
            true => failure.shows(&belief::INT_HOLDS_A_SIZE).breaks("notes_program", off_t_rule()),
            false => failure,
        }
    }
}

fn errno(answer: i64) -> String {
    format!("{:?}", Errno::from_raw(i32::try_from(-answer).unwrap_or(0)))
}

/// Calls `act` on files that `make` makes, and each time another mmap(2) of the file that it asks for fails: the first, the
/// second, and so on. Expects ENOMEM and nothing mapped; `judge` looks at the file.
fn with_failing_mappings<A: Serialize + DeserializeOwned>(
    given: &Text,
    make: impl Fn() -> Result<File, Failure>,
    act: impl Fn(&File) -> Result<A, String>,
    value: impl Fn(&A) -> Text,
    judge: impl Fn(&File) -> Result<(), Failure>,
) -> Result<(), Failure> {
    // Another check tells who maps more often, as for each byte.
    for n in 0..20 {
        let file = make()?;
        let id = FileId::of(&file)?;
        let mut asked = 0..;
        let fails = |seen: &FileCall| maps_file(seen, id) && asked.next() == Some(n);
        let (nth, Text { en, zh }) = (n + 1, given);
        let given = || {
            text!(
                "{en}; mmap(2) number {nth} of the file fails with ENOMEM",
                "{zh}；该文件的第 {nth} 次 mmap(2) 失败：ENOMEM"
            )
        };
        let counted = || {
            let before = open_descriptors().ok();
            let answer = act(&file);
            (answer, before, open_descriptors().ok())
        };
        let seen = watch_failing(&file, counted, fails).map_err(|failure| {
            let failure = failure.given(given());
            // It accessed what it had not got.
            if failure.died_of() != Some(Cause::NotMapped) {
                return failure;
            }
            let rule = text!(
                "mmap(2) returns MAP_FAILED, which is (void *) -1, when it fails, and errno says why.",
                "mmap(2) 失败时返回 MAP_FAILED，即 (void *) -1，原因在 errno 里。"
            );
            failure.shows(&belief::NULL_IS_FAILURE).breaks("refusals", rule)
        })?;
        if seen.tried().count() <= n {
            return Ok(());
        }
        let judged = seen
            .copies_nothing()
            .and_then(|()| is_error(&seen.answer.0, &["ENOMEM"], &value))
            .and_then(|()| judge(&file))
            .and_then(|()| {
                let (_, before, after) = seen.answer;
                as_many_descriptors(before, after)
            })
            .and_then(|()| seen.leaves_nothing_after_an_error());
        judged.map_err(|failure| failure.given(given()))?;
    }
    Ok(())
}

/// What a call returned, in words.
fn words<A>(answer: &Result<A, String>, value: impl Fn(&A) -> Text) -> Text {
    match answer {
        Ok(answer) => value(answer),
        Err(error) => text!("the error {error}", "错误 {error}"),
    }
}

/// Expects one of these errors.
fn is_error<A>(answer: &Result<A, String>, errors: &[&str], value: impl Fn(&A) -> Text) -> Result<(), Failure> {
    ensure(answer.as_ref().is_err_and(|error| errors.contains(&error.as_str())), || {
        let (en, zh) = (errors.join(" or "), errors.join(" 或 "));
        Failure::new(text!("the error {en}", "错误 {zh}"), words(answer, value))
    })
}

/// Names the misconception if an answer is EINVAL where the offset in the file begins inside a page, and only there: glibc
/// refuses such an offset before the kernel sees it.
fn if_only_inside_a_page<A>(
    got: &Result<A, String>,
    failure: Failure,
    probe: impl Fn(u64) -> Result<bool, Failure>,
) -> Failure {
    let refused = matches!(got, Err(error) if error == "EINVAL");
    let shown = refused && probe(0).unwrap_or(false) && !probe(1).unwrap_or(true);
    let rule = || {
        text!(
            "mmap(2): EINVAL for an offset that is not a multiple of the page size. Map from the page boundary before it, and \
             add to the length what is skipped.",
            "mmap(2)：偏移量不是页大小的整数倍，就返回 EINVAL。要从它前面的页边界开始映射，跳过多少，长度就加上多少。"
        )
    };
    if shown { failure.shows(&belief::ANY_OFFSET).breaks("window", rule()) } else { failure }
}

/// Both names of the error for a bad argument.
const INVALID: [&str; 2] = ["InvalidInput", "EINVAL"];

/// Expects that a call leaves descriptors as they were: that of `file` with its offset and its lock, and all others.
fn leaves_descriptors<A: Serialize + DeserializeOwned>(file: &File, call: impl Fn() -> A) -> Result<(), Failure> {
    let id = FileId::of(file)?;
    let (open, before, after) = ask(|| {
        let before = open_descriptors().map_err(error_text)?;
        drop(call());
        Ok::<_, String>((FileId::of(file).is_ok_and(|now| now == id), before, open_descriptors().map_err(error_text)?))
    })
    .map_err(of_no_page)?
    .map_err(io::Error::other)?;
    ensure(open, || {
        Failure::new(
            text!("the descriptor of `file` is open after the call", "调用之后，`file` 的描述符仍然打开"),
            text!("it is closed", "它被关闭了"),
        )
        .breaks("lifetime", descriptors_rule())
    })?;
    as_many_descriptors(Some(before), Some(after))?;
    // The offset and the lock are the open file's, so this process sees what becomes of them, as another thread would.
    let other = read_only(file)?;
    let mut position = file;
    position.seek(SeekFrom::Start(HERE))?;
    let lock = Flock::lock(file.try_clone()?, FlockArg::LockShared).map_err(|(_, errno)| errno)?;
    mmap_workbook::grade::watch_each(call, |_, _| is_left_alone(file, &other).map(|()| false))?;
    let judged = is_left_alone(file, &other);
    drop(lock);
    judged
}

/// Expects as many open descriptors after a call as before it.
fn as_many_descriptors(before: Option<usize>, after: Option<usize>) -> Result<(), Failure> {
    ensure(before == after, || {
        let [before, after] = [before, after].map(Option::unwrap_or_default);
        Failure::new(
            text!("{before} descriptors are open, as before the call", "打开的描述符与调用前一样，是 {before} 个"),
            text!("{after} are", "有 {after} 个"),
        )
        .breaks("lifetime", descriptors_rule())
    })
}

/// Calls `call` where other system calls fail than those that map: the size can't be asked for, or no descriptor can be
/// opened. Expects that error, or the answer that is right where the call needs nothing of the kind.
fn with_other_failures<A: Serialize + DeserializeOwned + PartialEq>(
    given: &Text,
    make: impl Fn() -> Result<File, Failure>,
    call: impl Fn(&File) -> Result<A, String>,
    right: impl Fn(&File, &A) -> bool,
    value: impl Fn(&A) -> Text,
) -> Result<(), Failure> {
    let of = |failure: Failure, why: Text| {
        failure.given(Text::new(format!("{}; {}", given.en, why.en), format!("{}；{}", given.zh, why.zh)))
    };
    // What is wrong without this, too, another check says.
    let file = make()?;
    let Ok(without) = ask(|| call(&file))? else { return Ok(()) };
    if !right(&file, &without) {
        return Ok(());
    }
    let judge = |file: &File, got: &Result<A, String>, error: &str, why: Text| {
        if *got == Err(error.to_owned()) || got.as_ref().is_ok_and(|answer| right(file, answer)) {
            return Ok(());
        }
        let rule = text!(
            "Any system call may fail. The caller gets the error as the call returned it; a number or a success in its place \
             would be wrong.",
            "任何系统调用都可能失败。调用返回什么错误，就把什么错误交给调用者；换成一个数或“成功”，都是错的。"
        );
        let Text { en, zh } = value(&without);
        let expected = text!("{en}, or the error {error}", "{zh}，或者错误 {error}");
        Err(of(Failure::new(expected, words(got, &value)), why).breaks("refusals", rule))
    };
    let file = make()?;
    let limited = |file: &File| {
        // The number of the next descriptor.
        let next = file.try_clone().map_err(error_text)?.as_raw_fd().unsigned_abs().into();
        setrlimit(Resource::RLIMIT_NOFILE, next, next).map_err(error_text)?;
        Ok::<_, String>(call(file))
    };
    let more = || text!("no descriptor more can be opened (RLIMIT_NOFILE)", "不能再打开描述符（RLIMIT_NOFILE）");
    judge(&file, &ask(|| limited(&file))?.map_err(io::Error::other)?, "EMFILE", more())?;
    // What was mapped before that is not left.
    let file = make()?;
    let seen = watch(&file, || limited(&file).is_ok_and(|got| got.is_err()))?;
    if seen.answer {
        seen.leaves_nothing_after_an_error().map_err(|failure| of(failure, more()))?;
    }
    let file = make()?;
    let refused = ask_refused(&SIZES, On::Everything, Errno::EIO, || call(&file))?;
    let no_size = || text!("fstat(2) and lseek(2) fail with EIO", "fstat(2) 和 lseek(2) 失败：EIO");
    judge(&file, &refused, "EIO", no_size())?;
    // Nor what was mapped or opened before the size is asked for.
    let file = make()?;
    let seen = watch(&file, || {
        refuse(&SIZES, On::Everything, Errno::EIO).map_err(error_text)?;
        let lowest_free = || file.try_clone().map(|next| next.as_raw_fd()).map_err(error_text);
        let before = lowest_free()?;
        Ok::<_, String>((call(&file).is_err(), before, lowest_free()?))
    })?;
    let (is_error, before, after) = seen.answer.clone().map_err(no_refusals)?;
    if !is_error {
        return Ok(());
    }
    let judged = ensure(after <= before, || {
        Failure::new(
            text!("no other descriptor is left open", "没有留下打开的描述符"),
            text!(
                "descriptor {before} is open, which was free before the call",
                "调用前空闲的描述符 {before} 现在打开着"
            ),
        )
    });
    judged
        .map_err(|failure| failure.breaks("lifetime", descriptors_rule()))
        .and_then(|()| seen.leaves_nothing_after_an_error())
        .map_err(|failure| of(failure, no_size()))
}

/// What two calls return that two threads make at the same time.
fn by_two_threads<A: Send>(calls: [impl Fn() -> Result<A, String> + Sync; 2]) -> [Result<A, String>; 2] {
    let both_are_there = Barrier::new(2);
    std::thread::scope(|scope| {
        let calls = calls.each_ref().map(|call| {
            scope.spawn(|| {
                both_are_there.wait();
                call()
            })
        });
        calls.map(|call| call.join().unwrap_or_else(|_| Err("panic".to_owned())))
    })
}

/// Calls `call` where munmap(2) fails: that may be ignored, or returned. `judge` looks at the file after an error.
fn with_failing_munmap<A: Serialize + DeserializeOwned + PartialEq>(
    given: &Text,
    file: &File,
    call: impl Fn(&File) -> Result<A, String>,
    right: &A,
    value: impl Fn(&A) -> Text,
    judge: impl FnOnce(&File) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let got = ask_refused(&[libc::SYS_munmap], On::Everything, Errno::ENOMEM, || call(file));
    let judged = got.and_then(|got| match got {
        Ok(answer) if answer == *right => Ok(()),
        other => is_error(&other, &["ENOMEM"], value).and_then(|()| judge(file)),
    });
    judged.map_err(|failure| {
        let Text { en, zh } = given;
        let rule = text!(
            "munmap(2): ENOMEM when the process would have too many mappings, since unmapping a part of one leaves two. What was \
             loaded or stored before is as it was.",
            "munmap(2)：只解除一个映射的一部分会留下两个映射，进程的映射数因此超限时返回 ENOMEM。此前读到、写入的内容不受影响。"
        );
        failure
            .given(Text::new(format!("{en}; munmap(2) fails with ENOMEM"), format!("{zh}；munmap(2) 失败：ENOMEM")))
            .breaks("mapping", rule)
    })
}

/// What `call` returns, and what another thread's `other` returns, which begins and ends before a system call of `call`:
/// before each for which `asks` has a number for it. Where it has to wait for the call, as for a lock, it is not asked again.
fn beside_another_thread<A: Serialize + DeserializeOwned, B: Serialize + DeserializeOwned>(
    call: impl FnOnce() -> A,
    mut asks: impl FnMut(&Call) -> Option<u64>,
    other: impl Fn(u64) -> B + Send + 'static,
) -> Result<(A, Vec<B>), Failure> {
    let (here, there) = UnixStream::pair()?;
    here.set_read_timeout(Some(Duration::from_secs(1)))?;
    let (reply, replies) = (tempfile::tempfile()?, tempfile::tempfile()?);
    let other_thread = || {
        let (mut there, mut replies) = (there.try_clone()?, replies.try_clone()?);
        std::thread::spawn(move || {
            let mut number = [0; size_of::<u64>()];
            while there.read_exact(&mut number).is_ok() {
                let answer = serde_json::to_vec(&other(u64::from_ne_bytes(number))).unwrap_or_default();
                let _ = replies.write_all(&answer).and_then(|()| there.write_all(b"!"));
            }
        });
        Ok(())
    };
    let act = |()| (&reply).write_all(&serde_json::to_vec(&call()).map_err(error_text)?).map_err(error_text);
    let mut waits = false;
    before_each_call(other_thread, act, |_, call| {
        if let Some(number) = asks(call).filter(|_| !waits) {
            (&here).write_all(&number.to_ne_bytes())?;
            waits = (&here).read_exact(&mut [0]).is_err();
        }
        Ok(())
    })?;
    let answer = serde_json::from_slice(&contents(&reply)?).map_err(io::Error::from)?;
    let replies = contents(&replies)?;
    let replies = serde_json::Deserializer::from_slice(&replies).into_iter();
    Ok((answer, replies.collect::<Result<_, _>>().map_err(io::Error::from)?))
}

/// What `call` returns where another thread is faster: just before the first mmap(2) with an address that isn't its own,
/// that thread maps the page there.
fn where_another_is_faster<A: Serialize + DeserializeOwned>(call: impl FnOnce() -> A) -> Result<A, Failure> {
    let mut hints = 0..;
    let asks = |call: &Call| {
        let [hint, _, _, flags, ..] = call.arguments;
        let free = call.number == libc::SYS_mmap && hint != 0 && flags & flag(libc::MAP_FIXED) == 0;
        (free && hints.next() == Some(0)).then_some(hint)
    };
    let take = |hint| {
        let at = usize::try_from(hint).ok().and_then(NonZeroUsize::new);
        let flags = MapFlags::MAP_PRIVATE | MapFlags::MAP_FIXED_NOREPLACE;
        // SAFETY: it replaces nothing. If something is there already, so much the better.
        unsafe { mmap_anonymous(at, NonZeroUsize::MIN, ProtFlags::PROT_NONE, flags) }.is_ok()
    };
    Ok(beside_another_thread(call, asks, take)?.0)
}

/// Expects that two calls return what is `wanted`, where another thread makes the `other` one, from beginning to end, just
/// before a system call of `call`: before the first, the second, and so on.
fn is_right_beside_another_thread<A: Serialize + DeserializeOwned + PartialEq>(
    given: &Text,
    call: impl Fn() -> Result<A, String>,
    other: impl Fn() -> Result<A, String> + Clone + Send + 'static,
    wanted: [A; 2],
    value: impl Fn(&A) -> Text,
) -> Result<(), Failure> {
    let [of_call, of_other] = wanted;
    let is = |got: &Result<A, String>, wanted: &A| {
        ensure(got.as_ref() == Ok(wanted), || Failure::new(value(wanted), words(got, &value)))
    };
    // Few calls make more system calls.
    for n in 0..10 {
        let mut calls = 0..;
        let asks = |_: &Call| (calls.next() == Some(n)).then_some(0);
        let (got, others) = beside_another_thread(&call, asks, {
            let other = other.clone();
            move |_| other()
        })?;
        let judged = is(&got, &of_call).and_then(|()| others.iter().try_for_each(|got| is(got, &of_other)));
        judged.map_err(|failure| {
            let Text { en, zh } = given;
            failure.given(Text::new(
                format!("{en}; just before a system call of the first, another thread makes the second from beginning to end"),
                format!("{zh}；前者的某次系统调用之前，另一个线程从头到尾完成一次后者"),
            ))
        })?;
        if others.is_empty() {
            break;
        }
    }
    Ok(())
}

/// Expects this of a call where another thread is faster.
fn is_right_where_another_is_faster<A: Serialize + DeserializeOwned + PartialEq>(
    given: &Text,
    call: impl Fn() -> Result<A, String>,
    wanted: &A,
    value: impl Fn(&A) -> Text,
) -> Result<(), Failure> {
    let got = where_another_is_faster(call)?;
    ensure(got.as_ref() == Ok(wanted), || another_was_faster(Failure::new(value(wanted), words(&got, &value)), given))
}

/// The failure of a call where another thread was faster.
fn another_was_faster(failure: Failure, given: &Text) -> Failure {
    let Text { en, zh } = given;
    failure.given(Text::new(
        format!("{en}; just before the call's first mmap(2) with an address, another thread maps the page there"),
        format!("{zh}；函数第一次带着地址调用 mmap(2) 之前，另一个线程先映射了那里的一页"),
    ))
}

/// What lies past the end of the file.
fn rest_rule() -> Text {
    text!(
        "The rest of the file's last page is mapped, and shows what a process has stored there through a shared \
         mapping. It is no part of the file.",
        "文件最后一页的剩余部分也会映射进来，会显示别的进程通过共享映射写到那里的内容，但它不属于文件。"
    )
}

/// Why calls in several threads may differ from those in one.
fn threads_rule() -> Text {
    text!(
        "A static variable is one for all threads of the process. What one call needs for itself is in its local \
         variables.",
        "静态变量是进程中所有线程共用的。一次调用自己要用的东西，应当放在局部变量里。"
    )
}

/// Names the misconception that a SIGBUS shows.
fn at_the_end(failure: Failure) -> Failure {
    at_the_end_if(failure, || true)
}

/// [`at_the_end`], if no other mistake explains the SIGBUS: `alone` says so.
fn at_the_end_if(failure: Failure, alone: impl FnOnce() -> bool) -> Failure {
    let failure = of_no_page(failure);
    let shown = failure.died_of() == Some(Cause::NoPage) && alone();
    if shown { failure.shows(&belief::MAPPED_IS_THERE) } else { failure }
}

/// The failure of a call; if it died of a SIGBUS, with the rule of that.
fn of_no_page(failure: Failure) -> Failure {
    if failure.died_of() != Some(Cause::NoPage) {
        return failure;
    }
    let rule = text!(
        "mmap(2) does not look at the file's size: it maps pages past the end of the file, and an access to one raises SIGBUS.",
        "mmap(2) 不看文件大小：文件末尾之后的页也照样映射，一访问就引发 SIGBUS。"
    );
    failure.breaks("window", rule)
}

/// The failure of a call; if it took too long, it mapped too often.
fn of_many_mappings(failure: Failure) -> Failure {
    if failure.verdict == Verdict::TimedOut { failure.breaks("window", one_mapping_rule()) } else { failure }
}

/// Expects of each case that the call copies nothing and leaves nothing mapped. All are watched at once; if something is
/// left, they are watched again one by one.
fn each_leaves_nothing_mapped<C: Clone + Debug, A: Serialize + DeserializeOwned>(
    file: &File,
    cases: impl IntoIterator<Item = C>,
    describe: impl Fn(&C) -> Text,
    call: impl Fn(&C) -> A,
) -> Result<(), Failure> {
    let cases: Vec<_> = cases.into_iter().collect();
    let judge = |cases: &[C]| {
        let seen = watch(file, || cases.iter().map(&call).collect::<Vec<_>>())?;
        seen.copies_nothing()?;
        seen.leaves_nothing_after_an_error()
    };
    match judge(&cases) {
        Ok(()) => Ok(()),
        Err(failure) => {
            for_each(cases, describe, |case| judge(std::slice::from_ref(case)))?;
            Err(failure)
        }
    }
}

fn descriptors_rule() -> Text {
    text!(
        "A descriptor belongs to the one who opened it, with its offset and its lock. What a call opens for itself, it \
         closes.",
        "描述符属于打开它的人，连同文件偏移量和锁。函数自己打开的，要自己关闭。"
    )
}

mod byte_at;

mod count_lines;

mod swap;

mod map_aligned;
