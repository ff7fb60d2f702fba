//! Archives of answers (tar(5)): made by `pack`, read by `grade`.

use std::fs::{self, File};
use std::io;
use std::path::{Component, Path, PathBuf};

use nix::libc::PATH_MAX;
use tar::{Archive, Builder, EntryType, Header};

use super::submissions::{Handed, names, only_one, text_of};
use crate::course::{Course, Lesson, listed};
use crate::error::{named, other};
use crate::text;

/// The largest archive, in bytes. A checkout of the course with its history has a third. A name in an archive may be as
/// long as all of it, and is read whole.
const LARGEST_ARCHIVE: u64 = 64 << 20;

/// Writes the learner's answers to `to`, an archive that must not be there yet. Returns the numbers of the lessons whose
/// answers are in it: those whose file is there and isn't the stub.
///
/// # Errors
/// When there is no answer, a file can't be read or written, or `to` is there: one line.
pub fn pack(course: &Course, to: &Path) -> io::Result<Vec<u8>> {
    let mut answers = Vec::new();
    for lesson in listed() {
        let exercise = course.exercise(lesson);
        if !exercise.path().exists() {
            continue;
        }
        let text = exercise.text()?;
        if !exercise.is_stub(&text)? {
            answers.push((lesson, text));
        }
    }
    if answers.is_empty() {
        return Err(other(text!(
            "no exercise is begun: there is nothing to hand in",
            "还没有开始任何练习，没有可交的内容"
        )));
    }
    let mut archive = Builder::new(File::create_new(to).map_err(|error| named(to.display(), &error))?);
    let mut write = || {
        for (lesson, text) in &answers {
            let mut header = Header::new_ustar();
            header.set_mode(0o644);
            header.set_size(u64::try_from(text.len()).map_err(io::Error::other)?);
            let [name, _] = names(lesson);
            archive.append_data(&mut header, name, text.as_bytes())?;
        }
        archive.finish()?;
        archive.get_ref().sync_all()
    };
    write().map_err(|error| {
        // The next try would find it there. Where it can't be removed, that one says so.
        let _ = fs::remove_file(to);
        named(to.display(), &error)
    })?;
    Ok(answers.iter().map(|(lesson, _)| lesson.number).collect())
}

/// The answers to these lessons' exercises in an archive.
///
/// # Errors
/// When it can't be read, or is no archive.
pub(super) fn texts_in(archive: &Path, lessons: &[&Lesson]) -> io::Result<Vec<Option<Handed>>> {
    let mut found: Vec<Vec<String>> = lessons.iter().map(|_| Vec::new()).collect();
    let mut broken: Vec<Option<io::Error>> = lessons.iter().map(|_| None).collect();
    let metadata = archive.symlink_metadata()?;
    if !metadata.is_file() {
        return Err(other(text!("it is not a regular file", "不是普通文件")));
    }
    if metadata.len() > LARGEST_ARCHIVE {
        let most = LARGEST_ARCHIVE >> 20;
        return Err(other(text!("it is larger than {most} MiB", "超过 {most} MiB")));
    }
    for entry in Archive::new(File::open(archive)?).entries()? {
        let entry = entry.map_err(not_whole)?;
        // No file can be opened by a longer path (path_resolution(7)), and to take one of megabytes apart takes minutes.
        if entry.path_bytes().len() > PATH_MAX.try_into().unwrap_or_default() {
            continue;
        }
        let path = entry.path()?.into_owned();
        let parts = beginning_of(&path);
        let Some(n) = lessons.iter().position(|lesson| is_answer(&parts, lesson)) else { continue };
        if entry.header().entry_type() != EntryType::Regular {
            broken[n] = Some(named(path.display(), &other(text!("it is not a regular file", "不是普通文件"))));
            continue;
        }
        match text_of(entry) {
            Ok(text) => found[n].push(text),
            Err(error) => broken[n] = Some(named(path.display(), &error)),
        }
    }
    let texts = found.into_iter().zip(broken).zip(lessons).map(|((found, broken), lesson)| {
        let text = broken.map_or_else(|| only_one(found, lesson), Err);
        text.map_or_else(|error| Some(Err(error.into())), |text| text.map(Ok))
    });
    Ok(texts.collect())
}

/// What the library says of an archive that ends too early, or is none, in words for who has handed it in.
fn not_whole(error: io::Error) -> io::Error {
    if error.raw_os_error().is_some() {
        return error;
    }
    other(text!(
        "it is no whole tar archive ({error}): make it once more, and hand that in",
        "不是完整的 tar 归档（{error}）：请重新打包再交"
    ))
}

/// The names that a path begins with, one more than that of an answer can have.
fn beginning_of(path: &Path) -> PathBuf {
    path.components().filter(|part| matches!(part, Component::Normal(_))).take(5).collect()
}

/// Whether an entry of an archive is the answer to a lesson's exercise, within one directory or not.
fn is_answer(parts: &Path, lesson: &Lesson) -> bool {
    let rest: PathBuf = parts.components().skip(1).collect();
    names(lesson).iter().any(|name| parts == Path::new(name) || rest == Path::new(name))
}
