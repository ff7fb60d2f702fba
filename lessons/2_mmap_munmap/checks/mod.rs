//! The checks of exercise 2. Each runs the learner's function in a child. Some compare what it returns with what std
//! reads from the file; others watch its system calls with ptrace(2), as strace would show them.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU8, Ordering};

use mmap_workbook::grade::fixtures::{
    contents, equal, near_page_boundaries, pattern, refused, same_bytes, unnamed_file, wide,
};
use mmap_workbook::grade::misconception as belief;
use mmap_workbook::grade::{
    Call, Failure, Verdict, ask, ask_with_memory, calls_of, check, ensure, error_text, for_all, for_each, kind,
};
use mmap_workbook::lesson_2::load_at;
use mmap_workbook::observe::{page_size, page_size_u64, whole_pages};
use mmap_workbook::process::Cause;
use mmap_workbook::text;
use mmap_workbook::text::Text;
use nix::libc;
use proptest::prelude::*;

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

/// The system calls of an answer, and the descriptor of its file.
struct Seen {
    calls: Vec<Call>,
    fd: u64,
}

/// Watches `act` on `file`.
fn watch(file: &File, act: impl FnOnce()) -> Result<Seen, Failure> {
    let calls = calls_of(
        || Ok(()),
        |()| {
            act();
            Ok(())
        },
    )?;
    Ok(Seen { calls, fd: file.as_raw_fd().unsigned_abs().into() })
}

impl Seen {
    /// The calls that copied bytes of the file through a buffer.
    fn copies(&self) -> Vec<String> {
        let first = [libc::SYS_read, libc::SYS_pread64, libc::SYS_readv, libc::SYS_preadv, libc::SYS_preadv2]
            .into_iter()
            .chain([libc::SYS_write, libc::SYS_pwrite64, libc::SYS_writev, libc::SYS_pwritev, libc::SYS_pwritev2])
            .chain([libc::SYS_copy_file_range, libc::SYS_splice]);
        let copies: Vec<_> = first.collect();
        let of_file = |call: &&Call| {
            call.arguments[0] == self.fd || call.number == libc::SYS_sendfile && call.arguments[1] == self.fd
        };
        let calls = self.calls.iter().filter(of_file);
        let calls = calls.filter(|call| copies.contains(&call.number) || call.number == libc::SYS_sendfile);
        calls.map(|call| format!("call {} of {} bytes", call.number, call.arguments[2])).collect()
    }

    /// Expects a mapping of the file, and no call that reads or writes it.
    fn maps_and_does_not_copy(&self) -> Result<(), Failure> {
        let copies = self.copies();
        ensure(copies.is_empty(), || {
            let (how_many, first) = (copies.len(), &copies[0]);
            Failure::new(
                text!("the file's bytes are accessed through a mapping", "通过映射直接读写文件的字节"),
                text!(
                    "{how_many} calls copied bytes of the file; the first was {first}",
                    "有 {how_many} 次系统调用复制了文件的字节，第一次是 {first}"
                ),
            )
            .shows(&belief::READ_IS_AS_GOOD)
        })?;
        ensure(self.maps().next().is_some(), || {
            Failure::new(text!("a mapping of the file", "映射该文件"), text!("there was none", "没有映射过"))
        })
    }

    /// The successful mappings of the file: their calls.
    fn maps(&self) -> impl Iterator<Item = &Call> {
        let of_file = |call: &&Call| call.number == libc::SYS_mmap && call.arguments[4] == self.fd && call.answer > 0;
        self.calls.iter().filter(of_file)
    }

    /// How many bytes of the file are mapped after each call that maps or unmaps some; whole pages count.
    fn mapped(&self) -> Vec<usize> {
        let mut pages = BTreeSet::new();
        let mut mapped = Vec::new();
        for call in self.calls.iter().filter(|call| call.answer >= 0) {
            let length = usize::try_from(call.arguments[1]).map_or(usize::MAX, whole_pages);
            let page = |start: u64| (start..start.saturating_add(wide(length))).step_by(page_size());
            if call.number == libc::SYS_mmap && call.arguments[4] == self.fd {
                pages.extend(page(call.answer.cast_unsigned()));
            } else if call.number == libc::SYS_munmap || (call.number == libc::SYS_mmap && is_fixed(call)) {
                for page in page(call.arguments[0]) {
                    pages.remove(&page);
                }
            } else {
                continue;
            }
            mapped.push(pages.len() * page_size());
        }
        mapped
    }

    /// Expects that nothing of the file is mapped any more.
    fn leaves_nothing_mapped(&self) -> Result<(), Failure> {
        let left = self.mapped().last().copied().unwrap_or(0);
        ensure(left == 0, || {
            Failure::new(
                text!("nothing of the file is mapped when it returns", "返回时该文件不再有任何映射"),
                text!("{left} bytes of it are still mapped", "还有 {left} 字节处于映射状态"),
            )
            .shows(&belief::CLOSE_UNMAPS)
        })
    }
}

fn is_fixed(call: &Call) -> bool {
    call.arguments[3] & u64::from(libc::MAP_FIXED.cast_unsigned()) != 0
}

/// Names the misconception that an answer's error shows, if it shows one.
fn explain_error(failure: Failure, error: &str) -> Failure {
    match error {
        "EINVAL" => failure.shows(&belief::ANY_OFFSET),
        "EACCES" => failure.shows(&belief::WRITING_IS_FREE),
        "ENOMEM" => failure.shows(&belief::MAP_IT_ALL),
        _ => failure,
    }
}

/// Explains a failure beyond 2 GiB, unless another misconception does.
fn too_narrow(failure: Failure) -> Failure {
    let explained = failure.misconception.is_some() || failure.verdict == Verdict::Todo;
    if explained { failure } else { failure.shows(&belief::INT_HOLDS_A_SIZE) }
}

/// Names the misconception that a SIGBUS shows.
fn at_the_end(failure: Failure) -> Failure {
    if failure.died_of() == Some(Cause::NoPage) { failure.shows(&belief::MAPPED_IS_THERE) } else { failure }
}

mod byte_at;

mod count_lines;

mod swap;

mod map_aligned;
