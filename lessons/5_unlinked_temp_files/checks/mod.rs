//! The checks of exercise 5.
//!
//! Each check runs the learner's function in a forked child and then inspects what is left: the bytes and the blocks of
//! the file, the names in the directory, the descriptors and the mappings of the process. Some follow its system calls:
//! to look before each of them, as another process would at every moment that it can tell apart, and do what that
//! process might do, or to check their order.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, IoSlice, Read, Write};
use std::ops::Range;
use std::os::fd::{AsRawFd, FromRawFd, RawFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::Ordering;
use std::time::Duration;

use mmap_workbook::grade::fixtures::{
    Difference, contents, difference, in_child, left_to_another, loaded, mapped_whole, names_in, no_difference,
    on_a_disk, open_descriptors, pattern, unnamed_file,
};
use mmap_workbook::grade::{
    Call, Failure, FileCall, FileId, On, Verdict, allocator_calls_of_children, ask, ask_refused, ask_refused_once,
    ask_with_memory, at_each_allocator_call, before_each_call, calls_of, check, deadline, drop_privileges, ensure,
    error_text, for_all_n, for_each, no_refusals, refuse, start, watch,
};
use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use mmap_workbook::lesson_5::{memory_file, o_tmpfile, send_file};
use mmap_workbook::misconception::{self as belief, Misconception};
use mmap_workbook::observe::{Area, maps_of, page_size, page_size_u64, whole_pages};
use mmap_workbook::process::Cause;
use mmap_workbook::text;
use mmap_workbook::text::Text;
use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, FcntlArg, SealFlag, fallocate, fcntl};
use nix::libc;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::socket::{ControlMessage, MsgFlags, UnixAddr, sendmsg};
use nix::sys::stat::{Mode, umask};
use proptest::prelude::*;
use tempfile::TempDir;

use crate::exercise::{give_back, grow, hand_down, publish, receive_sealed};

/// Lengths of files, with page boundaries likely.
fn lengths() -> BoxedStrategy<usize> {
    let page = page_size();
    prop_oneof![1..64_usize, page - 1..page + 2, 2 * page - 1..2 * page + 2, 1..5 * page].boxed()
}

/// [`for_all_n`], compiled once for a kind of value. The worst cases come before it, so a few random ones are enough.
fn all_of<T: std::fmt::Debug + 'static>(
    values: BoxedStrategy<T>,
    describe: &dyn Fn(&T) -> Text,
    test: &dyn Fn(&T) -> Result<(), Failure>,
) -> Result<(), Failure> {
    for_all_n(20, values, describe, test)
}

/// The name of the memory files here, by which their mappings are found.
const NAME: &str = "exercise-5";

fn memory_file_of(bytes: &[u8]) -> io::Result<File> {
    let file = memory_file(NAME)?;
    file.write_all_at(bytes, 0)?;
    Ok(file)
}

/// A range of a file as a range of the bytes that were read from it.
fn in_memory(range: &Range<u64>) -> Range<usize> {
    let place = |at| usize::try_from(at).expect("an offset in a small file");
    place(range.start)..place(range.end)
}

fn map(file: &File) -> io::Result<Mapping> {
    mapped_whole(file, Sharing::Shared)
}

/// No function needs a privilege, or memory that is locked (mlock(2)): so it is for root as for others.
fn needs_no_privilege(call: impl FnOnce() -> io::Result<()>) -> Result<(), Failure> {
    let answer = ask(|| {
        setrlimit(Resource::RLIMIT_MEMLOCK, 0, 0).map_err(|errno| named(errno.into()))?;
        drop_privileges().and_then(|()| call()).map_err(named)
    })?;
    expect_ok(&answer).map_err(|failure| {
        failure.given(text!(
            "a process without privileges, which may lock no memory (RLIMIT_MEMLOCK is 0)",
            "没有特权的进程，不能锁定任何内存（RLIMIT_MEMLOCK 为 0）"
        ))
    })
}

/// Whether the function does what is easiest. Where it doesn't, the check of that says so, and no other one has to.
fn knows_the_basics(tried: Result<(), Failure>) -> Result<bool, Failure> {
    match tried {
        Err(failure) if matches!(failure.verdict, Verdict::Todo | Verdict::Broken | Verdict::Skipped) => Err(failure),
        Err(failure) => {
            left_to_another(failure);
            Ok(false)
        }
        Ok(()) => Ok(true),
    }
}

/// The most system calls of a function.
const MOST_CALLS: usize = 50;

/// How many of them are counted where there are too many: a loop may have no end.
const COUNTED: usize = 200;

/// Expects that these are not too many calls.
fn expect_few(numbers: &[i64]) -> Result<(), Failure> {
    let count = numbers.len();
    ensure(count <= MOST_CALLS, || {
        let times = |number: &i64| numbers.iter().filter(|other| *other == number).count();
        let most = numbers.iter().copied().max_by_key(times).unwrap_or_default();
        let (Text { en, zh }, times) = (call_name(most), times(&most));
        Failure::new(
            text!("at most {MOST_CALLS} system calls", "最多 {MOST_CALLS} 个系统调用"),
            if count > COUNTED {
                text!(
                    "there are more than {COUNTED}, most of them {en}",
                    "超过 {COUNTED} 个，最多的是 {zh}"
                )
            } else {
                text!("there are {count}; {times} of them are {en}", "有 {count} 个，其中 {times} 个是 {zh}")
            },
        )
        .breaks(
            "holes",
            text!(
                "fallocate(2), ftruncate(2) and mmap(2) take a range of any length. Who goes through it in chunks makes \
                 more calls, the longer the file is.",
                "fallocate(2)、ftruncate(2)、mmap(2) 一次就能处理任意长的范围。一段一段地处理，文件越长，调用就越多。"
            ),
        )
    })
}

/// [`before_each_call`], for one of the functions: `look` sees as many calls as it may make.
fn before_each_of_few<T>(
    prepare: impl FnOnce() -> io::Result<T>,
    act: impl FnOnce(T) -> Result<(), String>,
    mut look: impl FnMut(usize, &Call) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut numbers = Vec::new();
    let ended = before_each_call(prepare, act, |n, call| {
        numbers.push(call.number);
        match n {
            ..MOST_CALLS => look(n, call),
            MOST_CALLS..COUNTED => Ok(()),
            _ => expect_few(&numbers),
        }
    });
    expect_few(&numbers)?;
    ended.map(drop)
}

/// The name of a call that an answer is likely to make.
fn call_name(number: i64) -> Text {
    // Newer architectures never had the older calls.
    #[cfg(target_arch = "x86_64")]
    let older = [
        (libc::SYS_open, "open(2)"),
        (libc::SYS_link, "link(2)"),
        (libc::SYS_rename, "rename(2)"),
        (libc::SYS_unlink, "unlink(2)"),
        (libc::SYS_chmod, "chmod(2)"),
    ];
    #[cfg(not(target_arch = "x86_64"))]
    let older = [];
    let known = [
        (libc::SYS_openat, "openat(2)"),
        (libc::SYS_linkat, "linkat(2)"),
        (libc::SYS_renameat2, "renameat2(2)"),
        (libc::SYS_unlinkat, "unlinkat(2)"),
        (libc::SYS_fchmod, "fchmod(2)"),
        (libc::SYS_fchmodat, "fchmodat(2)"),
        (libc::SYS_umask, "umask(2)"),
        (libc::SYS_chdir, "chdir(2)"),
        (libc::SYS_fchdir, "fchdir(2)"),
        (libc::SYS_fsync, "fsync(2)"),
        (libc::SYS_fdatasync, "fdatasync(2)"),
        (libc::SYS_close, "close(2)"),
        (libc::SYS_read, "read(2)"),
        (libc::SYS_pread64, "pread(2)"),
        (libc::SYS_write, "write(2)"),
        (libc::SYS_pwrite64, "pwrite(2)"),
        (libc::SYS_lseek, "lseek(2)"),
        (libc::SYS_ftruncate, "ftruncate(2)"),
        (libc::SYS_fallocate, "fallocate(2)"),
        (libc::SYS_mmap, "mmap(2)"),
        (libc::SYS_mremap, "mremap(2)"),
        (libc::SYS_munmap, "munmap(2)"),
        (libc::SYS_madvise, "madvise(2)"),
        (libc::SYS_fcntl, "fcntl(2)"),
        (libc::SYS_dup, "dup(2)"),
        (libc::SYS_dup3, "dup3(2)"),
        (libc::SYS_ioctl, "ioctl(2)"),
        (libc::SYS_fstat, "fstat(2)"),
        (libc::SYS_statx, "statx(2)"),
    ];
    let known = known.iter().chain(&older).find(|(known, _)| *known == number);
    known.map_or_else(|| text!("a system call", "某个系统调用"), |(_, name)| text!("{name}", "{name}"))
}

/// A value that no byte of a [`pattern`] has.
const STORED: u8 = 255;

/// A file gets shorter, if only for a moment.
fn shorter_for_a_moment(failure: Failure) -> Failure {
    failure.breaks(
        "holes",
        text!(
            "mmap(2): an access to a page past the end of the file is SIGBUS, even if the file is shorter only for a moment.",
            "mmap(2)：访问文件末尾之后的页会得到 SIGBUS，哪怕文件只短了一瞬间。"
        ),
    )
}

/// What is read is written back later.
fn writes_back(failure: Failure) -> Failure {
    failure.breaks(
        "holes",
        text!(
            "What is read and written back loses what other processes store in between, through their mappings.",
            "先读出、再写回，其间别的进程通过映射写入的内容就丢了。"
        ),
    )
}

/// A file is read or written at its offset.
fn moves_the_offset(failure: Failure) -> Failure {
    failure.breaks(
        "descriptor",
        text!(
            "lseek(2), read(2) and write(2) move the offset, which belongs to the open file description and so is shared by \
             all its descriptors, in other processes too. fstat(2), pread(2) and pwrite(2) leave it alone.",
            "lseek(2)、read(2)、write(2) 会移动偏移量。偏移量属于打开文件描述，由它的所有描述符共享，别的进程里的也不例外。fstat(2)、pread(2)、pwrite(2) 不会动它。"
        ),
    )
}

/// What other processes see and do between the system calls of the learner's code: it changes neither the length of the
/// file, except to a longer one, nor the offset, and loses nothing that they store.
struct Others<'a> {
    file: &'a File,
    mapping: &'a Mapping,
    /// The bytes that they store to: another one each time, so that no store hides that the one before is lost.
    places: &'a [usize],
    length: u64,
    offset: u64,
    /// How many of them have been stored to.
    stored: usize,
    last: Option<i64>,
    /// What a shorter file shows.
    shorter: Option<&'static Misconception>,
}

impl<'a> Others<'a> {
    /// They have the file mapped. Its offset is moved from 0 first.
    fn new(
        file: &'a File,
        mapping: &'a Mapping,
        places: &'a [usize],
        shorter: Option<&'static Misconception>,
    ) -> io::Result<Others<'a>> {
        let offset = io::Seek::seek(&mut &*file, io::SeekFrom::Start(3))?;
        let length = file.metadata()?.len();
        Ok(Others { file, mapping, places, length, offset, stored: 0, last: None, shorter })
    }

    /// Before the `n`-th call, which is this one.
    fn look(&mut self, n: usize, call: &Call) -> Result<(), Failure> {
        self.unchanged()?;
        if let Some(place) = self.places.get(n) {
            self.mapping.store(*place, STORED);
            self.stored = n + 1;
        }
        self.last = Some(call.number);
        Ok(())
    }

    fn unchanged(&mut self) -> Result<(), Failure> {
        let Text { en, zh } = self.last.map_or_else(|| text!("the beginning", "开始"), call_name);
        let (length, now) = (self.length, self.file.metadata()?.len());
        ensure(now >= length, || {
            let failure = shorter_for_a_moment(Failure::new(
                text!("the file has at least {length} bytes at every moment", "文件在任何时刻都不少于 {length} 字节"),
                text!("after {en} it has {now}", "{zh} 之后，它是 {now} 字节"),
            ));
            self.shorter.map_or(failure.clone(), |belief| failure.shows(belief))
        })?;
        let (offset, now) = (self.offset, io::Seek::stream_position(&mut &*self.file)?);
        ensure(now == offset, || {
            moves_the_offset(Failure::new(
                text!("the offset of the file is {offset} at every moment", "文件的偏移量在任何时刻都是 {offset}"),
                text!("after {en} it is {now}", "{zh} 之后，它是 {now}"),
            ))
        })
    }

    /// When the function has returned.
    fn end(&mut self) -> Result<(), Failure> {
        self.unchanged()?;
        let lost = self.places[..self.stored].iter().find(|place| self.mapping.load(**place) != STORED);
        lost.map_or(Ok(()), |place| {
            Err(writes_back(Failure::new(
                text!(
                    "byte {place} keeps what another process stored to it meanwhile",
                    "偏移量 {place} 处的字节，保持别的进程在此期间写入的值"
                ),
                text!("that store is lost", "那次写入丢失了"),
            )))
        })
    }
}

/// The disk space that the file takes, in bytes.
fn space_of(file: &File) -> io::Result<u64> {
    Ok(file.metadata()?.blocks() * 512) // st_blocks counts in units of 512 bytes on every file system (inode(7))
}

/// The number of bytes of these memory files that this process has mapped.
fn mapped_bytes() -> io::Result<usize> {
    let areas = maps_of(0..usize::MAX)?;
    Ok(areas.iter().filter(|area| area.name().contains(NAME)).map(|area| area.range().len()).sum())
}

/// What a call may leave in its process: open descriptors, and mapped bytes of files, shared.
type Held = (usize, usize);

fn held() -> io::Result<Held> {
    let areas = maps_of(0..usize::MAX)?;
    let shared = areas.iter().filter(|area| area.permissions().ends_with('s'));
    Ok((open_descriptors()?, shared.map(|area| area.range().len()).sum()))
}

/// What a call opens or maps, it closes or unmaps, whichever way it returns.
fn kept_open(failure: Failure) -> Failure {
    failure.breaks(
        "space",
        text!(
            "close(2), munmap(2): a descriptor or a mapping stays until it is closed or unmapped, or the process ends; until \
             then the file keeps its space. After an error that is so as well.",
            "close(2)、munmap(2)：描述符不关闭、映射不解除，就一直留到进程结束，文件的空间也一直被占着。出错返回时也一样要收拾。"
        ),
    )
}

/// Expects that a call has left nothing.
fn expect_nothing_left(before: Held, after: Held) -> Result<(), Failure> {
    expect_none_left_open(before.0, after.0)?;
    let (before, after) = (before.1, after.1);
    ensure(before == after, || {
        kept_open(Failure::new(
            text!("{before} bytes mapped shared, as before", "共享映射仍是 {before} 字节"),
            text!("there are {after}", "现在有 {after} 字节"),
        ))
    })
}

/// What kind of error it is, and its errno if it has one: `InvalidInput EINVAL`.
fn named(error: io::Error) -> String {
    let kind = error.kind();
    error.raw_os_error().map_or_else(|| format!("{kind:?}"), |raw| format!("{kind:?} {:?}", Errno::from_raw(raw)))
}

/// The result of a function, in the feedback.
fn answered(answer: &Result<(), String>) -> Text {
    match answer {
        Ok(()) => text!("it returned Ok(())", "它返回了 Ok(())"),
        Err(error) if matches!(error.as_str(), "Uncategorized" | "Other") => {
            text!("it returned an error without an errno", "返回的错误没有 errno")
        }
        Err(error) => {
            let error = error.trim_start_matches("Uncategorized ");
            text!("it returned the error {error}", "返回错误 {error}")
        }
    }
}

/// Expects as many open descriptors as before.
fn expect_none_left_open(before: usize, after: usize) -> Result<(), Failure> {
    ensure(before == after, || {
        kept_open(Failure::new(
            text!("{before} open descriptors, as before", "打开的文件描述符仍是 {before} 个"),
            text!("there are {after}", "现在有 {after} 个"),
        ))
    })
}

fn expect_ok(answer: &Result<(), String>) -> Result<(), Failure> {
    ensure(answer.is_ok(), || Failure::new(text!("Ok(())", "Ok(())"), answered(answer)))
}

/// Expects the [`named`] error of this kind or with this errno.
fn expect_error(answer: &Result<(), String>, error: &str) -> Result<(), Failure> {
    let is_it = answer.as_ref().is_err_and(|named| named.split(' ').any(|name| name == error));
    ensure(is_it, || Failure::new(text!("the error {error}", "错误 {error}"), answered(answer)))
}

mod give_back;

mod grow;

mod publish;

mod hand_down;

mod receive_sealed;
