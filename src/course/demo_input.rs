//! What a demonstration is run on: a sample, a copy of the learner's file, or the file itself, which is restored
//! afterwards.

use std::fs::{File, FileTimes, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileExt, FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::{SigSet, Signal};
use nix::unistd::{Whence, lseek};

use super::{Lesson, SAMPLE};
use crate::error::{self, in_words, other};
use crate::narrate::Narrator;
use crate::text;
use crate::text::{Language, Text};
use crate::ui::complain;

/// What a demonstration is run on.
#[derive(Debug)]
pub enum DemoInput {
    /// [`SAMPLE`].
    Sample,
    /// A copy of this file.
    CopyOf(PathBuf),
    /// This file. It is restored when the demonstration ends.
    InPlace(PathBuf),
}

/// Runs a lesson's demonstration in a temporary directory, which is deleted afterwards.
///
/// # Errors
/// One line that names the file and the cause: the file is missing, unreadable, not a regular file or empty; its name
/// is not UTF-8; the lesson can't be run in place; the output can't be written; the demonstration's own error.
pub fn run(lesson: &Lesson, subject: &DemoInput, out: &mut dyn Write, language: Language) -> io::Result<()> {
    // Declared first, so dropped last: a Ctrl-C takes effect only after the files are restored.
    let _held = HeldSignals::hold()?;
    let temporary = std::env::temp_dir();
    let directory = tempfile::tempdir_in(&temporary).map_err(|error| named(&temporary, &error))?;
    let put_back; // Declared after the directory, so dropped before the copy in it.
    let path = match subject {
        DemoInput::Sample => {
            let path = directory.path().join("sample.txt");
            std::fs::write(&path, SAMPLE).map_err(|error| named(&path, &error))?;
            path
        }
        DemoInput::CopyOf(path) => copy(path, directory.path())?,
        DemoInput::InPlace(path) => {
            if let Some(reason) = &lesson.copy_only {
                let (n, Text { en, zh }) = (lesson.number, reason);
                let text = text!(
                    "lesson {n} can't run in place: {en}; leave out --in-place",
                    "第 {n} 课不能直接在原文件上运行：{zh}；请去掉 --in-place"
                );
                return Err(named(path, &other(text)));
            }
            put_back = PutBack::new(path, directory.path())?;
            put_back.path.clone()
        }
    };
    let [title, question] = [&lesson.title, &lesson.question].map(|text| text.in_language(language));
    let n = lesson.number;
    writeln!(out, "{}", text!("Lesson {n}: {title}", "第 {n} 课：{title}").in_language(language))?;
    writeln!(out, "{question}")?;
    let mut out = Output { out, failed: false };
    let result = (lesson.demonstrate)(&mut Narrator::live(&mut out, directory.path(), language), &path);
    match (result, subject) {
        (Err(error), DemoInput::CopyOf(path) | DemoInput::InPlace(path)) if !out.failed => Err(named(path, &error)),
        (result, _) => result,
    }
}

/// An output that remembers whether it failed: such an error is not the file's.
struct Output<'a> {
    out: &'a mut dyn Write,
    failed: bool,
}

impl Write for Output<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes).inspect_err(|_| self.failed = true)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush().inspect_err(|_| self.failed = true)
    }
}

/// An error about a file, in one line whatever characters its name has.
fn named(path: &Path, cause: &io::Error) -> io::Error {
    error::named(format_args!("{path:?}"), cause)
}

/// Opens the learner's file for reading and checks that a demonstration can use it.
fn open_subject(path: &Path) -> io::Result<(File, Metadata)> {
    if path.to_str().is_none() {
        let text = text!(
            "its name is not UTF-8, so /proc/self/maps could not show it as text: rename it",
            "文件名不是 UTF-8，/proc/self/maps 无法把它显示成文字：请改个名字"
        );
        return Err(named(path, &other(text)));
    }
    // O_NONBLOCK: opening a FIFO would wait for a process that writes to it.
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path).map_err(|e| named(path, &e))?;
    let metadata = file.metadata().map_err(|error| named(path, &error))?;
    let kind = metadata.file_type();
    let cause = if kind.is_dir() {
        text!("a directory: mmap(2) would fail with ENODEV", "是目录：mmap(2) 会失败，返回 ENODEV")
    } else if kind.is_fifo() {
        text!("a FIFO: it has no pages to map", "是 FIFO：没有可以映射的页")
    } else if !kind.is_file() {
        text!("not a regular file", "不是普通文件")
    } else if metadata.len() == 0 {
        text!(
            "empty: there is nothing to map, mmap(2) would fail with EINVAL",
            "是空的：没有内容可以映射，mmap(2) 会失败，返回 EINVAL"
        )
    } else {
        return Ok((file, metadata));
    };
    Err(named(path, &other(cause)))
}

/// Copies the learner's file into `directory` and returns the path of the copy.
fn copy(path: &Path, directory: &Path) -> io::Result<PathBuf> {
    let (file, metadata) = open_subject(path)?;
    let copy = directory
        .join(path.file_name().ok_or_else(|| named(path, &other(text!("not the name of a file", "不是文件名"))))?);
    let copied = File::create(&copy).and_then(|to| copy_with_holes(&file, &to, metadata.len()));
    copied.map_err(|error| {
        let (directory, Text { en, zh }) = (directory.display(), in_words(&error));
        named(path, &other(text!("can't copy it to {directory}: {en}", "无法复制到 {directory}：{zh}")))
    })?;
    Ok(copy)
}

/// Copies only the parts of a file that have data, so that its holes stay holes: a sparse file may be mostly holes.
fn copy_with_holes(from: &File, mut to: &File, size: u64) -> io::Result<()> {
    let mut at = 0;
    loop {
        match lseek(from, at, Whence::SeekData) {
            Ok(data) => at = data,
            Err(Errno::ENXIO) => return to.set_len(size), // no data from here on
            Err(errno) => return Err(errno.into()),
        }
        let end = lseek(from, at, Whence::SeekHole)?;
        lseek(from, at, Whence::SeekSet)?;
        lseek(to, at, Whence::SeekSet)?;
        io::copy(&mut from.take(end.abs_diff(at)), &mut to)?;
        at = end;
    }
}

/// The learner's file while a demonstration changes it. Dropping this restores each byte that differs, and the times.
struct PutBack {
    path: PathBuf,
    file: File,
    copy: File,
    before: Metadata,
}

impl PutBack {
    fn new(path: &Path, directory: &Path) -> io::Result<PutBack> {
        let (_, before) = open_subject(path)?;
        let file = OpenOptions::new().read(true).write(true).open(path).map_err(|error| named(path, &error))?;
        let name = copy(path, directory)?;
        let copy = File::open(&name)?;
        // The copy stays open, and the demonstration finds no name of it.
        std::fs::remove_file(name)?;
        let path = path.canonicalize().map_err(|error| named(path, &error))?;
        Ok(PutBack { path, file, copy, before })
    }

    fn put_back(&self) -> io::Result<()> {
        let (mut was, mut is) = (vec![0; 1 << 16], vec![0; 1 << 16]);
        let mut at = 0;
        while at < self.before.len() {
            let length = was.len().min(usize::try_from(self.before.len() - at).unwrap_or(usize::MAX));
            self.copy.read_exact_at(&mut was[..length], at)?;
            self.file.read_exact_at(&mut is[..length], at)?;
            if was[..length] != is[..length] {
                self.file.write_all_at(&was[..length], at)?;
            }
            at += u64::try_from(length).map_err(io::Error::other)?;
        }
        let times = FileTimes::new().set_accessed(self.before.accessed()?).set_modified(self.before.modified()?);
        self.file.set_times(times)
    }
}

impl Drop for PutBack {
    fn drop(&mut self) {
        if let Err(error) = self.put_back() {
            let (path, Text { en, zh }) = (&self.path, in_words(&error));
            complain(&text!("{path:?}: it could not be restored completely: {en}", "{path:?}：没能完全恢复：{zh}"));
        }
    }
}

/// The signals by which a user or another process ends a program, blocked until this is dropped.
struct HeldSignals(SigSet);

impl HeldSignals {
    fn hold() -> io::Result<HeldSignals> {
        let held = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT].into_iter().collect::<SigSet>();
        Ok(HeldSignals(held.thread_swap_mask(nix::sys::signal::SigmaskHow::SIG_BLOCK)?))
    }
}

impl Drop for HeldSignals {
    fn drop(&mut self) {
        let _ = self.0.thread_set_mask();
    }
}
