//! Grades as lines of JSON, one for each submission and exercise: appended as each is known, read again to go on, merged.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};

use super::pages;
use super::submissions::can_be_a_student;
use crate::course::feedback::CheckLine;
use crate::course::grading::Grade;
use crate::error::{named, other};
use crate::text;
use crate::text::Language;

/// The version of a line's form.
pub const FORMAT: u32 = 1;

/// The name of the file with all results.
pub(super) const RESULTS: &str = "results.jsonl";

/// How somebody stands with an exercise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Nothing was handed in.
    Missing,
    /// It has something that no exercise may have, and was not compiled or not run.
    Refused,
    /// The compiler found errors in it, or did not get to an end.
    DoesNotCompile,
    /// A core function is wrong.
    Unsolved,
    /// Every core function is right.
    Solved,
    /// Every function is right.
    Complete,
    /// It could not be graded, for a reason that is not in it. It is graded again the next time.
    Problem,
}

impl Standing {
    /// That of a grade.
    pub fn of(grade: &Grade) -> Standing {
        match grade {
            Grade::DoesNotCompile(_) => Standing::DoesNotCompile,
            grade if grade.is_complete() => Standing::Complete,
            grade if grade.is_solved() => Standing::Solved,
            Grade::Checked { .. } => Standing::Unsolved,
        }
    }
}

/// The grade of a submission's answer to an exercise, a line of `results.jsonl`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Line {
    /// The version of a line's form.
    pub format: u32,
    /// The name of the student's directory or archive.
    pub student: String,
    /// The number of the lesson.
    pub lesson: u8,
    /// How it stands.
    pub standing: Standing,
    /// The points for it.
    pub points: u32,
    /// The points for one in which all is right.
    pub of: u32,
    /// The number of checks that can't be done on the machine that graded.
    pub skipped: usize,
    /// Why there are no checks, if not for the compiler's errors.
    pub reason: Option<String>,
    /// The compiler's errors.
    pub compiler_errors: Option<String>,
    /// How each check ended.
    pub checks: Vec<CheckLine>,
    /// How long all of it took.
    pub seconds: f64,
    /// The hash of the text that was graded; none when nothing was handed in.
    pub text: Option<String>,
    /// The hash of the library, the checks and the dependencies' versions that it was graded with.
    pub course: String,
    /// The version of the compiler.
    pub compiler: String,
    /// Whether it was graded in a sandbox.
    pub sandbox: bool,
}

impl Line {
    /// What is graded once only: a student's text, by this course.
    fn key(&self) -> (&str, u8, Option<&str>, &str) {
        (&self.student, self.lesson, self.text.as_deref(), &self.course)
    }
}

/// A file of results that grades are added to. It is locked: no two programs write to it.
#[derive(Debug)]
pub(super) struct Results {
    file: Flock<File>,
    path: PathBuf,
    known: BTreeMap<(String, u8), Line>,
}

impl Results {
    /// The results in this file, which is made if it is not there. A last line that was cut off, when the machine or the
    /// program ended, is removed.
    ///
    /// # Errors
    /// When the file can't be read or written, another program has it locked, or a line in it is no result: one line. Then
    /// the file is as it was.
    pub(super) fn open(path: &Path) -> io::Result<Results> {
        let open = || {
            let mut file = locked(path)?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            Ok((file, bytes))
        };
        let in_it = |error: io::Error| named(path.display(), &error);
        let (file, bytes) = open().map_err(in_it)?;
        let (lines, whole) = lines_of(&bytes, path)?;
        if whole < bytes.len() {
            whole.try_into().map_err(io::Error::other).and_then(|whole| file.set_len(whole)).map_err(in_it)?;
        }
        Ok(Results { file, path: path.to_owned(), known: latest(lines) })
    }

    /// Whether there is a grade for this text, by this course.
    pub(super) fn has(&self, student: &str, lesson: u8, text: Option<&str>, course: &str) -> bool {
        self.known
            .get(&(student.to_owned(), lesson))
            .is_some_and(|line| line.key() == (student, lesson, text, course) && line.standing != Standing::Problem)
    }

    /// Adds a grade. When this returns it is on the disk.
    ///
    /// # Errors
    /// When it can't be written; the error names the file.
    pub(super) fn add(&mut self, line: Line) -> io::Result<()> {
        let mut text = serde_json::to_string(&line)?;
        text.push('\n');
        let written = self.file.write_all(text.as_bytes()).and_then(|()| self.file.sync_data());
        written.map_err(|error| named(self.path.display(), &error))?;
        self.known.insert((line.student.clone(), line.lesson), line);
        Ok(())
    }

    /// The latest grade of each student and exercise.
    pub(super) fn lines(&self) -> impl Iterator<Item = &Line> {
        self.known.values()
    }
}

/// The lines in a file of results, and how many bytes they take. What a program has not written to its end, or is still
/// writing, is none of them.
fn lines_of(bytes: &[u8], path: &Path) -> io::Result<(Vec<Line>, usize)> {
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let (lines, cut_off) = bytes.split_at(whole);
    let lines = lines.split_inclusive(|byte| *byte == b'\n').map(line_of);
    // A file that nobody has written results to is not one with a line that was cut off.
    let cut_off =
        Some(cut_off).filter(|rest| !BEGINNING.iter().zip(*rest).all(|(one, other)| one == other)).map(line_of);
    let lines = (1..)
        .zip(lines.chain(cut_off))
        .map(|(n, line)| line.map_err(|error| named(format!("{}:{n}", path.display()), &error)));
    Ok((lines.collect::<io::Result<_>>()?, whole))
}

/// How a line begins.
const BEGINNING: &[u8] = b"{\"format\":";

fn line_of(bytes: &[u8]) -> io::Result<Line> {
    #[derive(Deserialize)]
    struct Versioned {
        format: u32,
    }
    let no_result = |error| other(text!("not a result: {error}", "不是批改结果：{error}"));
    match serde_json::from_slice(bytes).map_err(no_result)? {
        Versioned { format: FORMAT } => {
            let line: Line = serde_json::from_slice(bytes).map_err(no_result)?;
            can_be_a_student(&line.student).map(|()| line)
        }
        Versioned { format } => Err(other(text!(
            "written by another version of the workbook (format {format}, not {FORMAT})",
            "由另一版本的程序写成（格式 {format}，而不是 {FORMAT}）"
        ))),
    }
}

/// The latest line of each student and exercise. One that says that it could not be graded counts only where there is no
/// other.
fn latest(lines: Vec<Line>) -> BTreeMap<(String, u8), Line> {
    let mut latest: BTreeMap<(String, u8), Line> = BTreeMap::new();
    for line in lines {
        let key = (line.student.clone(), line.lesson);
        if line.standing != Standing::Problem || !latest.contains_key(&key) {
            latest.insert(key, line);
        }
    }
    latest
}

/// Opens a file of results. No other program writes to it until the file is closed.
fn locked(path: &Path) -> io::Result<Flock<File>> {
    let file = File::options().read(true).append(true).create(true).open(path)?;
    Flock::lock(file, FlockArg::LockExclusiveNonblock)
        .map_err(|_| other(text!("another program is grading into it", "另一个程序正在往里写批改结果")))
}

/// Puts the results in these files, or in the `.jsonl` files of these directories, together: writes `results.jsonl`, and the
/// pages made of it, to the directory `to`. Returns the number of students and of lines.
///
/// # Errors
/// When a file can't be read or written, or is no file of results: one line.
pub fn merge(from: &[PathBuf], to: &Path, language: Language) -> io::Result<(usize, usize)> {
    fs::create_dir_all(to).map_err(|error| named(to.display(), &error))?;
    let results = to.join(RESULTS);
    let _no_other_writes = locked(&results).map_err(|error| named(results.display(), &error))?;
    let mut files = BTreeSet::new();
    for path in from {
        if !path.is_dir() {
            files.insert(path.clone());
            continue;
        }
        for entry in fs::read_dir(path).map_err(|error| named(path.display(), &error))? {
            let file = entry?.path();
            // Somebody else's FIFO would keep it waiting.
            if file.extension().is_some_and(|extension| extension == "jsonl") && file.is_file() {
                files.insert(file);
            }
        }
    }
    // What was merged before is older than the parts beside it, in which answers may have been graded again. Of the others the
    // one that was written last has the latest.
    let mut files: Vec<_> = files.into_iter().collect();
    files.sort_by_key(|file| {
        let written = fs::metadata(file).and_then(|metadata| metadata.modified()).ok();
        (file.file_name().is_none_or(|name| name != RESULTS), written)
    });
    let mut lines = Vec::new();
    for file in &files {
        let bytes = fs::read(file).map_err(|error| named(file.display(), &error))?;
        lines.extend(lines_of(&bytes, file)?.0);
    }
    let merged = latest(lines);
    let mut text = String::new();
    for line in merged.values() {
        text += &serde_json::to_string(line)?;
        text.push('\n');
    }
    pages::write(to, RESULTS, text.as_bytes())?;
    pages::write_all(to, &merged.values().collect::<Vec<_>>(), language)?;
    let students: BTreeSet<&str> = merged.keys().map(|(student, _)| &**student).collect();
    Ok((students.len(), merged.len()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{FORMAT, Line, Results, Standing};

    #[test]
    fn a_line_that_was_cut_off_is_removed_wherever_that_was_and_no_other_text() {
        let line = Line {
            format: FORMAT,
            student: "王小明".to_owned(),
            lesson: 1,
            standing: Standing::Missing,
            points: 0,
            of: 4,
            skipped: 0,
            reason: None,
            compiler_errors: None,
            checks: Vec::new(),
            seconds: 0.0,
            text: None,
            course: String::new(),
            compiler: String::new(),
            sandbox: true,
        };
        let whole = serde_json::to_string(&line).expect("JSON") + "\n";
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("results.jsonl");
        for cut in 0..whole.len() {
            fs::write(&path, [whole.as_bytes(), &whole.as_bytes()[..cut]].concat()).expect("a file");
            assert_eq!(Results::open(&path).expect("results").lines().count(), 1, "after {cut} bytes");
            assert_eq!(fs::read_to_string(&path).expect("a file"), whole, "after {cut} bytes");
        }
        for text in ["somebody's text", "[1, 2]", "{\"format\":2}\n"] {
            fs::write(&path, text).expect("a file");
            Results::open(&path).expect_err("no results");
            assert_eq!(fs::read_to_string(&path).expect("a file"), text);
        }
    }
}
