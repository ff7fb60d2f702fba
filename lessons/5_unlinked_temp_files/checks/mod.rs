//! The checks of exercise 5.
//!
//! Each check runs the learner's function in a forked child and then inspects what is left: the bytes and the blocks of
//! the file, the names in the directory, the descriptors and the mappings of the process. Some follow its system calls:
//! to kill the process before each of them in turn, which covers every moment that another process can tell apart, or
//! to check their order.

use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;

use mmap_workbook::grade::fixtures::{
    Difference, contents, difference, in_child, loaded, mapped_whole, names_in, no_difference, open_descriptors,
    pattern, unnamed_file,
};
use mmap_workbook::grade::misconception as belief;
use mmap_workbook::grade::{
    Call, Failure, ask, ask_with_memory, calls_of, check, ensure, error_text, for_all, for_each, killed_before_call,
    start,
};
use mmap_workbook::lesson_2::{Mapping, Sharing};
use mmap_workbook::lesson_5::{memory_file, o_tmpfile, send_file};
use mmap_workbook::observe::{Area, maps_of, page_size, page_size_u64, whole_pages};
use mmap_workbook::process::{Cause, OnSmallDisk, on_a_small_disk};
use mmap_workbook::text;
use mmap_workbook::text::Text;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, OFlag, SealFlag, fcntl};
use nix::libc;
use nix::sys::stat::{Mode, umask};
use proptest::prelude::*;
use tempfile::TempDir;

use crate::exercise::{give_back, grow, hand_down, publish, receive_sealed};

/// Lengths of files, with page boundaries likely.
fn lengths() -> BoxedStrategy<usize> {
    let page = page_size();
    prop_oneof![1..64_usize, page - 1..page + 2, 2 * page - 1..2 * page + 2, 1..5 * page].boxed()
}

/// [`for_all`], compiled once for a kind of value: this file is compiled with each of the answers that it is tried on.
fn all_of<T: std::fmt::Debug + 'static>(
    values: BoxedStrategy<T>,
    describe: &dyn Fn(&T) -> Text,
    test: &dyn Fn(&T) -> Result<(), Failure>,
) -> Result<(), Failure> {
    for_all(values, describe, test)
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

/// The failure of an answer that makes too many system calls to be killed before each of them.
fn too_many_calls() -> Failure {
    Failure::new(text!("a handful of system calls", "只用几个系统调用"), text!("more than 300", "用了 300 多个"))
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

/// What kind of error it is, and its errno if it has one: `InvalidInput EINVAL`.
fn named(error: io::Error) -> String {
    let kind = error.kind();
    error.raw_os_error().map_or_else(|| format!("{kind:?}"), |raw| format!("{kind:?} {:?}", Errno::from_raw(raw)))
}

/// The result of a function, in the feedback.
fn answered(answer: &Result<(), String>) -> Text {
    match answer {
        Ok(()) => text!("it returned Ok(())", "它返回了 Ok(())"),
        Err(error) => text!("it returned the error {error}", "返回错误 {error}"),
    }
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
