//! What the checks of several lessons begin with and compare by: files whose bytes are known, and expectations that
//! fail with the same words everywhere.

use std::cell::RefCell;
use std::fmt::{Debug, Display};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use super::seal::Seal;
use super::{Failure, Verdict, ask, ensure, kind};
use crate::lesson_2::{Mapping, READ_WRITE, Sharing};
use crate::observe::{page_size, page_size_u64};
use crate::process::{OnSmallDisk, Peer, end_all_children, on_a_small_disk};
use crate::text;
use crate::text::Text;

/// A length in bytes as the kernel takes sizes and offsets of files.
pub fn wide(n: usize) -> u64 {
    n.try_into().expect("no machine has addresses of more than 64 bits")
}

/// Numbers from 0 to three pages and two bytes; most of them at most two bytes away from a page boundary.
pub fn near_page_boundaries() -> impl Strategy<Value = usize> {
    let page = page_size();
    let boundary = (0..4_usize, 0..5_usize).prop_map(move |(n, d)| (n * page + d).saturating_sub(2));
    prop_oneof![3 => boundary, 1 => 0..3 * page]
}

/// `length` bytes: 1, 2, ... 251, 1, 2, ... None is zero, so a hole or the rest of a page looks different; 251 is
/// prime, so bytes one page apart differ.
pub fn pattern(length: usize) -> Vec<u8> {
    (1..=251).cycle().take(length).collect()
}

/// A temporary file without a name that has these bytes, open for reading and writing.
///
/// # Errors
/// What open(2) and pwrite(2) return.
pub fn unnamed_file(bytes: &[u8]) -> io::Result<File> {
    let file = tempfile::tempfile()?;
    file.write_all_at(bytes, 0)?;
    Ok(file)
}

/// A temporary directory, and in it a file that has these bytes, open for reading and writing. Dropping the directory
/// removes both names.
///
/// # Errors
/// What mkdir(2), open(2) and write(2) return.
pub fn named_file(bytes: &[u8]) -> io::Result<(TempDir, PathBuf, File)> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("file");
    fs::write(&path, bytes)?;
    let file = File::options().read(true).write(true).open(&path)?;
    Ok((directory, path, file))
}

/// The most bytes of [`contents`]: no check has a file with more, but the learner's code may make one as large as it likes,
/// with a hole that takes no space until somebody reads it.
const MOST: u64 = 256 << 20;

/// All bytes of the file, as pread(2) returns them.
///
/// # Errors
/// What fstat(2) and pread(2) return; `FileTooLarge` for more than 256 MiB.
pub fn contents(file: &File) -> io::Result<Vec<u8>> {
    let length = Some(file.metadata()?.len()).filter(|length| *length <= MOST).ok_or(io::ErrorKind::FileTooLarge)?;
    let mut bytes = vec![0; length.try_into().map_err(io::Error::other)?];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}

/// Maps the whole file for reading and writing.
///
/// # Errors
/// What fstat(2) and mmap(2) return: EINVAL for an empty file.
pub fn mapped_whole(file: &File, sharing: Sharing) -> io::Result<Mapping> {
    let length = file.metadata()?.len().try_into().map_err(io::Error::other)?;
    Ok(Mapping::of_file(file, 0, length, READ_WRITE, sharing)?)
}

/// All bytes of the mapping, as loads return them.
pub fn loaded(mapping: &Mapping) -> Vec<u8> {
    let mut bytes = vec![0; mapping.length()];
    mapping.read(0, &mut bytes);
    bytes
}

/// The number of descriptors that this process has open.
///
/// # Errors
/// When /proc can't be read.
pub fn open_descriptors() -> io::Result<usize> {
    Ok(fs::read_dir("/proc/self/fd")?.count())
}

/// The names in a directory, sorted.
///
/// # Errors
/// What opendir(3) and readdir(3) return.
pub fn names_in(directory: &Path) -> io::Result<Vec<String>> {
    let names = fs::read_dir(directory)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let mut names = names.collect::<io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

/// The first byte in which two sequences of bytes differ. A child can send it to its parent in place of the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Its offset in both.
    pub at: usize,
    /// What was found there; None where the bytes end before.
    pub found: Option<u8>,
    /// What should be there; None where the bytes should end before.
    pub wanted: Option<u8>,
    /// How many bytes were found.
    pub length: usize,
}

/// Where `found` first differs from `wanted`, be it in length; None when they are equal.
pub fn difference(found: &[u8], wanted: &[u8]) -> Option<Difference> {
    if found == wanted {
        return None; // what follows takes long without an optimising compiler
    }
    let at = (0..found.len().max(wanted.len())).find(|&at| found.get(at) != wanted.get(at))?;
    Some(Difference { at, found: found.get(at).copied(), wanted: wanted.get(at).copied(), length: found.len() })
}

/// Expects no difference; `what` says which bytes they are ("the file") or what should be the case ("the file is as it
/// was").
///
/// # Errors
/// A failure that names the byte.
pub fn no_difference(what: Text, difference: Option<Difference>) -> Result<(), Failure> {
    let Some(Difference { at, found, wanted, length }) = difference else { return Ok(()) };
    let (page, rest) = (at / page_size(), at % page_size());
    let [place_en, place_zh] = match page {
        0 => [String::new(), " ".to_owned()],
        _ => [format!(" (byte {rest} of page {page})"), format!("（第 {page} 页偏移量 {rest}）")],
    };
    let Text { en, zh } = what;
    let expected = match wanted {
        Some(byte) => Text::new(
            format!("{en}: byte {at}{place_en} is {byte:#04x}"),
            format!("{zh}：偏移量 {at}{place_zh}处的字节是 {byte:#04x}"),
        ),
        None => text!("{en}: there are {at} bytes", "{zh}：共 {at} 字节"),
    };
    let happened = match found {
        Some(byte) if wanted.is_some() => text!("it is {byte:#04x}", "是 {byte:#04x}"),
        Some(_) => text!("there are {length}", "共有 {length} 字节"),
        None => text!("there are only {length} bytes", "总共只有 {length} 字节"),
    };
    Err(Failure::new(expected, happened))
}

/// Expects these bytes; `what` as in [`no_difference`].
///
/// # Errors
/// A failure that names the first byte that differs.
pub fn same_bytes(what: Text, found: &[u8], wanted: &[u8]) -> Result<(), Failure> {
    no_difference(what, difference(found, wanted))
}

/// A number of bytes in words; Chinese has no plural.
pub fn bytes_in_words(count: impl Display) -> Text {
    let count = count.to_string();
    let unit = if count == "1" { "byte" } else { "bytes" };
    text!("{count} {unit}", "{count} 字节")
}

/// Expects this value.
///
/// # Errors
/// A failure with both values.
pub fn equal<T: Debug + PartialEq>(got: &T, wanted: &T) -> Result<(), Failure> {
    ensure(got == wanted, || Failure::new(text!("{wanted:?}", "{wanted:?}"), text!("{got:?}", "{got:?}")))
}

/// Expects one of these errors, by the name that [`kind`] gives it; the failure names the first one only.
///
/// # Errors
/// A failure with the error's name and the answer.
pub fn refused<T: Debug>(got: &Result<T, String>, errors: &[&str]) -> Result<(), Failure> {
    ensure(got.as_ref().is_err_and(|error| errors.contains(&error.as_str())), || {
        let wanted = errors[0];
        let found = match got {
            Ok(value) => text!("no error: it returned Ok({value:?})", "没有错误，返回的是 Ok({value:?})"),
            Err(error) => text!("the error {error}", "错误 {error}"),
        };
        Failure::new(text!("the error {wanted}", "错误 {wanted}"), found)
    })
}

/// Expects no error.
///
/// # Errors
/// A failure with the error's name.
pub fn no_error<T>(answer: Result<T, String>) -> Result<T, Failure> {
    answer.map_err(|error| Failure::new(text!("no error", "没有错误"), text!("the error {error}", "错误 {error}")))
}

thread_local! {
    /// What this check has [`left_to_another`].
    static LEFT: RefCell<Option<Failure>> = const { RefCell::new(None) };
}

/// Leaves it to another check to say this, and judges no further. Where no check of the function says anything, the program
/// that grades takes this one's word: the function does what is easiest for one check, and not for another.
pub fn left_to_another(failure: Failure) {
    LEFT.replace(Some(failure));
}

/// What this check has [`left_to_another`].
pub(super) fn take_left() -> Option<Failure> {
    LEFT.take()
}

thread_local! {
    /// What this check has to [`tell`].
    static TOLD: RefCell<Option<Text>> = const { RefCell::new(None) };
}

/// Tells the learner something beside the check's name when it has passed: a count, for example.
pub fn tell(words: Text) {
    TOLD.replace(Some(words));
}

/// What this check has to [`tell`].
pub(super) fn take_told() -> Option<Text> {
    TOLD.take()
}

/// Whether the learner's function does what is easiest. Where it doesn't, the check of that says so, and no other one has
/// to, even about processes that it has left: they are ended here, with all children of this process.
///
/// # Errors
/// A failure that says nothing about that: the function is still to do, or it can't be tried here.
pub fn knows_the_basics(tried: Result<(), Failure>) -> Result<bool, Failure> {
    match tried {
        Ok(()) => Ok(true),
        Err(failure) if matches!(failure.verdict, Verdict::Todo | Verdict::Broken | Verdict::Skipped) => Err(failure),
        Err(failure) => {
            left_to_another(failure);
            Ok(end_all_children().map(|_| false)?)
        }
    }
}

/// [`ask()`] for steps of which none may return an error, the learner's function among them.
///
/// # Errors
/// As [`ask()`]; the first error.
pub fn in_child<T: Serialize + DeserializeOwned>(steps: impl FnOnce() -> io::Result<T>) -> Result<T, Failure> {
    no_error(ask(|| steps().map_err(kind))?)
}

/// Runs `steps` with the path of a disk of `pages` pages, in a child that alone sees it, and what else is mounted there.
///
/// # Errors
/// Those of `steps`; that no disk can be mounted on this machine.
pub fn on_a_disk<T: Serialize + DeserializeOwned>(
    pages: u64,
    steps: impl FnOnce(&Path) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let (mut reply, seal) = (Vec::new(), Seal::new()?);
    let told = |disk: &Path, peer: &Peer| peer.send(&seal.to_bytes(&steps(disk))?);
    with_a_disk(pages, told, |peer| {
        reply = peer.receive()?;
        Ok(())
    })?;
    seal.of_bytes::<Result<T, Failure>>(&reply)?
}

/// [`on_a_small_disk`] of `pages` pages, for a check.
///
/// # Errors
/// Those of `body` and `listen`; that no disk can be mounted on this machine.
pub fn with_a_disk(
    pages: u64,
    body: impl FnOnce(&Path, &Peer) -> io::Result<()>,
    listen: impl FnOnce(&Peer) -> io::Result<()>,
) -> Result<(), Failure> {
    match on_a_small_disk(pages * page_size_u64(), body, listen)? {
        OnSmallDisk::Ran(ended) => Ok(ended.success()?),
        OnSmallDisk::Skipped(reason) => Err(Failure::without_a_small_disk(&reason)),
    }
}
