//! What was handed in: a directory in which each student has a directory or an archive.
//!
//! A student's directory has the answer to exercise N as `exercise_N.rs`, or where the course has it,
//! `lessons/N_SLUG/exercise.rs`; an archive (`NAME.tar`, tar(5)) has the same, within one more directory or not. A student's
//! directory may also have one archive in place of these files, and only in place of them.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat};
use nix::sys::stat::Mode;

use super::archive::texts_in;
use crate::course::{Lesson, listed};
use crate::error::{named, other};
use crate::text;
use crate::text::Text;

/// The largest answer, in bytes: a hundred times the longest of ours.
pub(super) const LARGEST: u64 = 1 << 20;

/// The longest name of a student, in bytes: a file may have 255, and ends with `.txt`.
const LONGEST_NAME: usize = 251;

/// What a student has handed in.
#[derive(Debug)]
pub struct Submission {
    /// The name of the student's directory or archive.
    pub student: String,
    path: PathBuf,
}

/// An answer as it was handed in: its text, or why there is none.
pub type Handed = Result<String, Unread>;

/// Why the text of an answer can't be had.
#[derive(Debug, Clone)]
pub enum Unread {
    /// What was handed in is none.
    Refused(Text),
    /// This machine could not read it.
    Problem(Text),
}

impl From<io::Error> for Unread {
    fn from(error: io::Error) -> Unread {
        let why = crate::error::in_words(&error);
        match error.kind() {
            // Ours, and those of an archive that is none.
            ErrorKind::Other | ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::UnexpectedEof => {
                Unread::Refused(why)
            }
            _ => Unread::Problem(why),
        }
    }
}

/// The submissions in these directories, by the students' names.
///
/// # Errors
/// When a directory can't be read, a name can't be a student's, or two have the same: one line that names it.
pub fn submissions(directories: &[PathBuf]) -> io::Result<Vec<Submission>> {
    let mut found: BTreeMap<String, PathBuf> = BTreeMap::new();
    for directory in directories {
        let entries = fs::read_dir(directory).map_err(|error| named(directory.display(), &error))?;
        for entry in entries {
            let path = entry.map_err(|error| named(directory.display(), &error))?.path();
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_str()
                .ok_or_else(|| named(path.display(), &other(text!("the name is not UTF-8", "名字不是 UTF-8"))))?;
            // What tools keep beside the submissions.
            if name.starts_with('.') {
                continue;
            }
            let student = match (path.is_dir(), name.strip_suffix(".tar")) {
                (true, _) => name,
                (false, Some(student)) => student,
                (false, None) => {
                    return Err(named(
                        path.display(),
                        &other(text!(
                            "neither a student's directory nor an archive (.tar)",
                            "既不是学生的目录，也不是归档文件（.tar）"
                        )),
                    ));
                }
            };
            can_be_a_student(student).map_err(|error| named(student.escape_debug(), &error))?;
            if let Some(before) = found.insert(student.to_owned(), path.clone()) {
                let before = before.display();
                return Err(named(
                    path.display(),
                    &other(text!("{before} is of the same student", "与 {before} 是同一个学生的")),
                ));
            }
        }
    }
    Ok(found.into_iter().map(|(student, path)| Submission { student, path }).collect())
}

/// Whether files and lines of the results can have this name.
///
/// # Errors
/// Why not.
pub(super) fn can_be_a_student(name: &str) -> io::Result<()> {
    if name.len() > LONGEST_NAME {
        let bytes = name.len();
        return Err(other(text!(
            "a name of {bytes} bytes, where {LONGEST_NAME} are allowed",
            "名字有 {bytes} 个字节，最多 {LONGEST_NAME} 个"
        )));
    }
    if matches!(name, "" | "." | "..") || name.contains(|c: char| c == '/' || c.is_control()) {
        return Err(other(text!("that is no name of a student", "这不能作为学生的名字")));
    }
    Ok(())
}

impl Submission {
    /// The answers to these lessons' exercises, in their order; None where there is none.
    pub fn texts(&self, lessons: &[&'static Lesson]) -> Vec<Option<Handed>> {
        let archive = match self.path.is_dir() {
            true => self.only_archive(),
            false => Ok(Some(self.path.clone())),
        };
        // An error of the whole is one of each answer.
        let all = |error: io::Error| {
            let unread = Unread::from(error);
            lessons.iter().map(|_| Some(Err(unread.clone()))).collect()
        };
        match archive {
            Ok(Some(archive)) => texts_in(&archive, lessons)
                .unwrap_or_else(|error| all(named(archive.file_name().unwrap_or_default().display(), &error))),
            Ok(None) => {
                lessons.iter().map(|lesson| self.text(lesson).unwrap_or_else(|error| Some(Err(error.into())))).collect()
            }
            Err(error) => all(error),
        }
    }

    /// The archive in a student's directory, where there is nothing else to grade.
    fn only_archive(&self) -> io::Result<Option<PathBuf>> {
        let is_there = |name: &String| self.path.join(name).symlink_metadata().is_ok();
        if listed().any(|lesson| names(lesson).iter().any(is_there)) {
            return Ok(None);
        }
        let mut archives = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "tar") {
                archives.push(path);
            }
        }
        match archives.len() {
            0 => Ok(None),
            1 => Ok(archives.pop()),
            n => Err(other(text!("{n} archives, where one is asked for", "有 {n} 个归档文件，应当只有一个"))),
        }
    }

    fn text(&self, lesson: &Lesson) -> io::Result<Option<Handed>> {
        let mut found = Vec::new();
        for name in names(lesson) {
            match open_beneath(&self.path, &name) {
                Ok(file) => found.push(read(file).map_err(|error| named(name, &error))?),
                Err(Errno::ENOENT | Errno::ENOTDIR) => {}
                Err(Errno::ELOOP) => {
                    return Err(named(name, &other(text!("a symbolic link is not followed", "不跟随符号链接"))));
                }
                Err(errno) => return Err(named(name, &errno.into())),
            }
        }
        only_one(found, lesson).map(|text| text.map(Ok))
    }
}

/// The names that the answer to a lesson's exercise may have.
pub(super) fn names(lesson: &Lesson) -> [String; 2] {
    [format!("exercise_{}.rs", lesson.number), format!("lessons/{}/exercise.rs", lesson.directory())]
}

/// The only one of the answers that were found, if there is one.
pub(super) fn only_one(mut found: Vec<String>, lesson: &Lesson) -> io::Result<Option<String>> {
    let [one, other_one] = names(lesson);
    match found.len() {
        0 | 1 => Ok(found.pop()),
        _ => Err(other(text!(
            "{one} and {other_one} are both there: which one counts?",
            "{one} 和 {other_one} 都在：以哪个为准？"
        ))),
    }
}

/// Opens a file below a directory, by a relative path with no link in it.
fn open_beneath(directory: &Path, name: &str) -> nix::Result<File> {
    let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW;
    // A student's directory may be a link: the teacher has made it.
    let mut at: OwnedFd = open(directory, OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_DIRECTORY, Mode::empty())?;
    let mut parts = name.split('/').peekable();
    while let Some(part) = parts.next() {
        let last = parts.peek().is_none();
        // O_NONBLOCK: opening a FIFO would wait for a process that writes to it.
        let flags = flags | if last { OFlag::O_NONBLOCK } else { OFlag::O_DIRECTORY };
        at = openat(at.as_fd(), part, flags, Mode::empty())?;
    }
    Ok(at.into())
}

/// The text of an open file.
fn read(file: File) -> io::Result<String> {
    if !file.metadata()?.is_file() {
        return Err(other(text!("it is not a regular file", "不是普通文件")));
    }
    text_of(file)
}

/// The text that a reader has, if it is short enough and UTF-8.
pub(super) fn text_of(from: impl Read) -> io::Result<String> {
    let mut bytes = Vec::new();
    from.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > LARGEST) {
        let most = LARGEST >> 20;
        return Err(other(text!("it is larger than {most} MiB", "超过 {most} MiB")));
    }
    String::from_utf8(bytes).map_err(|_| other(text!("it is not UTF-8", "不是 UTF-8")))
}
