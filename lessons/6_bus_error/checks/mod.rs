//! The checks of exercise 6. Each runs the learner's function in a child, so a bus error there is a result that can be
//! reported and does not end the checks.

use std::cell::Cell;
use std::ffi::OsStr;
use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, IoSlice, IoSliceMut, Read, Seek, SeekFrom, Write};
use std::mem::MaybeUninit;
use std::ops::Range;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown, symlink};
use std::os::unix::net::{UnixListener, UnixStream};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicIsize, AtomicU8, AtomicUsize, Ordering};

use mmap_workbook::grade::fixtures::{
    bytes_in_words, contents, difference, equal, in_child, knows_the_basics, loaded, mapped_whole, named_file,
    near_page_boundaries, no_error, open_descriptors, pattern, refused, same_bytes, wide, with_a_disk,
};
use mmap_workbook::grade::{
    Call, Failure, FileCall, FileId, MARK, On, Verdict, after_each_marked_instruction, allocator_calls,
    around_each_call, ask, ask_refused, ask_with_memory, before_each_call, calls_of, check, deadline, drop_privileges,
    ensure, error_text, for_all, for_all_n, for_each, kind, most_allocated, moved, refuse, start, watch,
};
use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use mmap_workbook::lesson_6::{GuardError, Guarded, rule};
use mmap_workbook::misconception as belief;
use mmap_workbook::observe::{maps_of, page_size, page_size_u64};
use mmap_workbook::process::Cause;
use mmap_workbook::text;
use mmap_workbook::text::Text;
use nix::errno::Errno;
use nix::libc;
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::exercise::{count_guarded, parts, put, sum_of, survive, zeros_over};

/// Runs the learner's function in a child, and expects that it leaves nothing, whatever it returns.
fn ask_tidy<T: Serialize + DeserializeOwned>(
    body: impl FnOnce() -> io::Result<T>,
) -> Result<Result<T, String>, Failure> {
    let (got, kept) = ask(|| counting(|| body().map_err(kind)))?.map_err(io::Error::other)?;
    nothing_left(kept)?;
    Ok(got)
}

/// A result as the learner would say it.
fn in_words<T: Display>(result: &Result<T, String>) -> Text {
    match result {
        Ok(value) => text!("Ok({value})", "Ok({value})"),
        Err(error) => text!("the error {error}", "错误 {error}"),
    }
}

/// Whether it is so.
fn yes_or_no(is_so: bool) -> Text {
    if is_so { text!("yes", "是") } else { text!("no", "否") }
}

/// The numbers of file mappings and of descriptors that this process has.
fn held() -> io::Result<[usize; 2]> {
    // A file's name need not be UTF-8.
    let maps = String::from_utf8_lossy(&fs::read("/proc/self/maps")?).into_owned();
    let of_files = maps.lines().filter(|line| line.split_whitespace().nth(4).is_some_and(|inode| inode != "0")).count();
    Ok([of_files, open_descriptors()?])
}

/// Runs `body` in this process, and returns the numbers of file mappings and of descriptors before and after.
fn counting<T>(body: impl FnOnce() -> T) -> Result<(T, [[usize; 2]; 2]), String> {
    let before = held().map_err(error_text)?;
    let answer = body();
    Ok((answer, [before, held().map_err(error_text)?]))
}

/// Expects that it has unmapped and closed everything.
fn nothing_left([before, after]: [[usize; 2]; 2]) -> Result<(), Failure> {
    ensure(before == after, || {
        let ([maps, files], [more_maps, more_files]) = (before, after);
        Failure::new(
            text!(
                "{maps} mappings of files and {files} open descriptors afterwards, as before",
                "之后与之前一样，有 {maps} 个文件映射、{files} 个打开的描述符"
            ),
            text!(
                "{more_maps} mappings of files and {more_files} open descriptors",
                "有 {more_maps} 个文件映射、{more_files} 个打开的描述符"
            ),
        )
    })
    .map_err(gives_back)
}

/// The rule for what a function maps and opens.
fn gives_back(failure: Failure) -> Failure {
    failure.breaks(
        "2:mapping",
        text!(
            "munmap(2), close(2): what a function maps and opens stays until it gives it back, whichever way it returns",
            "munmap(2)、close(2)：函数建立的映射、打开的描述符，都要由它自己解除、关闭，无论从哪条路返回"
        ),
    )
}

/// The rule for bytes that are to go through a mapping.
fn accesses_the_page(failure: Failure) -> Failure {
    failure.breaks(
        "2:access",
        text!(
            "a load or a store of a shared mapping accesses the file's page in the page cache itself; read(2) and \
             write(2) copy",
            "对共享映射的读写直接访问页缓存里文件的那一页；read(2)、write(2) 则要复制"
        ),
    )
}

/// The rule for what was true at an earlier call.
fn was_true_then(failure: Failure) -> Failure {
    failure.breaks(
        "look",
        text!(
            "what a call finds out about a file is true of that moment: the next call has to look again",
            "一次调用看到的，只是文件那一刻的样子；下一次调用必须重新去看"
        ),
    )
}

/// The rule for an error of mmap(2) about which a function can do nothing.
fn refusal_is_passed_on(failure: Failure) -> Failure {
    failure.breaks(
        "2:refusals",
        text!(
            "mmap(2) says in errno why it refuses; the caller has to learn of it",
            "mmap(2) 拒绝的原因在 errno 里，调用者必须能够知道"
        ),
    )
}

/// The rule for sizes and offsets of more than 32 bits.
fn has_64_bits(failure: Failure) -> Failure {
    failure.breaks(
        "2:window",
        text!(
            "off_t has 64 bits: compute in 64 bits, and narrow only what is known to fit",
            "off_t 有 64 位：先用 64 位计算，确知放得下再转成较窄的类型"
        ),
    )
}

/// Expects that none of many calls leaves memory mapped, of a file or not: by the size of all that has no name, after the
/// first calls, which may have begun what lasts.
fn leaves_no_memory(call: impl Fn()) -> Result<(), Failure> {
    const CALLS: usize = 16;
    let unnamed = || -> io::Result<usize> {
        let areas = maps_of(0..usize::MAX)?;
        Ok(areas.iter().filter(|area| area.name().is_empty()).map(|area| area.range().len()).sum())
    };
    let more = in_child(|| {
        (0..2).for_each(|_| call());
        let before = unnamed()?;
        (0..CALLS).for_each(|_| call());
        Ok(unnamed()?.saturating_sub(before))
    })?;
    ensure(more < CALLS * page_size(), || {
        Failure::new(
            text!("nothing that it mapped is still mapped", "它建立的映射全部解除"),
            text!(
                "after {CALLS} more calls the process had {more} bytes more of mappings that show no file",
                "再调用 {CALLS} 次之后，进程的匿名映射多出了 {more} 字节"
            ),
        )
    })
    .map_err(gives_back)
}

mod parts;

mod count_guarded;

mod sum_of;

/// A file on a disk that has space for a few pages, and another file there to fill the disk with.
struct SmallDisk {
    file: File,
    filler: File,
}

impl SmallDisk {
    /// Mounts a disk and opens both files on it, in a child, which sends the descriptors (SCM_RIGHTS, unix(7)). The
    /// disk exists as long as they are open.
    fn new(pages: u64) -> Result<SmallDisk, Failure> {
        let mut received = Vec::new();
        with_a_disk(
            pages,
            |disk, peer| {
                let create = |name| File::options().read(true).write(true).create_new(true).open(disk.join(name));
                let files = [create("file-on-a-small-disk")?, create("filler")?];
                let descriptors = files.each_ref().map(AsRawFd::as_raw_fd);
                let rights = [ControlMessage::ScmRights(&descriptors)];
                let peer = std::os::fd::AsFd::as_fd(peer).as_raw_fd();
                sendmsg::<()>(peer, &[IoSlice::new(b".")], &rights, MsgFlags::MSG_NOSIGNAL, None)?;
                Ok(())
            },
            |peer| {
                let (mut space, mut byte) = (nix::cmsg_space!([i32; 2]), [0]);
                let mut parts = [IoSliceMut::new(&mut byte)];
                let peer = std::os::fd::AsFd::as_fd(peer).as_raw_fd();
                let message = recvmsg::<()>(peer, &mut parts, Some(&mut space), MsgFlags::MSG_CMSG_CLOEXEC)?;
                for part in message.cmsgs()? {
                    if let ControlMessageOwned::ScmRights(descriptors) = part {
                        // SAFETY: recvmsg(2) has just made these descriptors, and nothing else owns them.
                        received
                            .extend(descriptors.into_iter().map(|fd| File::from(unsafe { OwnedFd::from_raw_fd(fd) })));
                    }
                }
                Ok(())
            },
        )?;
        let [file, filler] = received.try_into().map_err(|_| io::Error::other("no descriptors arrived"))?;
        Ok(SmallDisk { file, filler })
    }

    /// Writes until the disk is full.
    fn fill(&mut self) -> io::Result<()> {
        loop {
            match self.filler.write(&vec![b'f'; page_size()]) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::StorageFull => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }
}

/// How many signals [`count`] got.
static COUNTED: AtomicUsize = AtomicUsize::new(0);

/// A handler that counts.
extern "C" fn count(_: i32) {
    COUNTED.fetch_add(1, Ordering::Relaxed);
}

/// Sets the action for a signal to a handler without SA_SIGINFO, to SIG_IGN or to SIG_DFL.
fn set_action(signal: Signal, handler: libc::sighandler_t) {
    // SAFETY: the callers pass a handler that does only what is async-signal-safe, or none at all.
    unsafe { libc::signal(signal as i32, handler) };
}

mod put;

mod zeros_over;

mod survive;
