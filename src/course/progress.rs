//! The learner's progress: one file, `target/workbook/progress.json`, that nothing depends on.
//!
//! A verdict counts only for the learner's text and the checks that it was given for: when either changes, the exercise
//! has to be checked again. A file that is missing or can't be parsed means no progress; it is no error.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::grading::Grade;
use super::{Course, Lesson, listed};

/// The learner's progress.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Progress {
    /// By the lesson's number.
    lessons: BTreeMap<u8, Known>,
    /// The number of hints that were shown, by the lesson's number and the function.
    hints: BTreeMap<String, usize>,
    #[serde(skip)]
    path: PathBuf,
}

/// What is known of an exercise.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Known {
    /// The hash of the texts that were graded.
    of: u64,
    solved: bool,
    /// The functions in their order, and whether each is right.
    functions: Vec<(String, bool)>,
}

/// How far an exercise is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// It is the stub.
    New,
    /// It has changed since it was checked, or was never checked.
    Unchecked,
    /// Some of its functions are right.
    Begun {
        /// The number of functions that are right.
        right: usize,
        /// The number of functions.
        of: usize,
    },
    /// All functions are right.
    Solved,
}

impl Progress {
    /// Reads the stored progress.
    pub fn of(course: &Course) -> Progress {
        let path = course.root().join("target/workbook/progress.json");
        let known = fs::read(&path).ok().and_then(|json| serde_json::from_slice(&json).ok());
        Progress { path, ..known.unwrap_or_default() }
    }

    /// How far the lesson's exercise is.
    ///
    /// # Errors
    /// When its files can't be read.
    pub fn status(&self, course: &Course, lesson: &Lesson) -> io::Result<Status> {
        let exercise = course.exercise(lesson);
        let known = self.lessons.get(&lesson.number);
        let of = exercise.texts()?.id();
        Ok(match known.filter(|known| known.of == of) {
            _ if exercise.text()? == exercise.stub()? => Status::New,
            None => Status::Unchecked,
            Some(known) if known.solved => Status::Solved,
            Some(Known { functions, .. }) => {
                Status::Begun { right: functions.iter().filter(|(_, right)| *right).count(), of: functions.len() }
            }
        })
    }

    /// The first lesson whose exercise is not known to be solved.
    ///
    /// # Errors
    /// When an exercise's files can't be read.
    pub fn next(&self, course: &Course) -> io::Result<Option<&'static Lesson>> {
        for lesson in listed() {
            if self.status(course, lesson)? != Status::Solved {
                return Ok(Some(lesson));
            }
        }
        Ok(None)
    }

    /// The first function of the exercise that was not right when it was last checked.
    pub fn next_function(&self, lesson: &Lesson) -> Option<&str> {
        let functions = self.lessons.get(&lesson.number)?.functions.iter();
        functions.filter(|(_, right)| !right).map(|(function, _)| function.as_str()).next()
    }

    /// Stores a grade.
    ///
    /// # Errors
    /// When it can't be written; the error names the file.
    pub fn note(&mut self, lesson: &Lesson, grade: &Grade) -> io::Result<()> {
        let functions = grade.functions().into_iter();
        let functions =
            functions.map(|(name, checks)| (name.to_owned(), checks.iter().all(|check| check.has_passed())));
        if let Grade::Checked { of, .. } = *grade {
            let known = Known { of, solved: grade.is_solved(), functions: functions.collect() };
            self.lessons.insert(lesson.number, known);
        }
        self.save()
    }

    /// The index of the next hint for a function, which counts as shown. After the `last` it is the last again.
    ///
    /// # Errors
    /// When it can't be written; the error names the file.
    pub fn next_hint(&mut self, lesson: &Lesson, function: &str, last: usize) -> io::Result<usize> {
        let shown = self.hints.entry(format!("{}:{function}", lesson.number)).or_default();
        let level = (*shown).min(last);
        *shown = level + 1;
        self.save()?;
        Ok(level)
    }

    /// Writes the whole file or nothing: another process may be reading it, and this one may be interrupted.
    fn save(&self) -> io::Result<()> {
        let save = || {
            let directory = self.path.parent().ok_or(io::ErrorKind::NotFound)?;
            fs::create_dir_all(directory)?;
            let mut file = tempfile::NamedTempFile::new_in(directory)?;
            file.write_all(&serde_json::to_vec_pretty(self)?)?;
            file.persist(&self.path).map(drop).map_err(|error| error.error)
        };
        save().map_err(|error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", self.path.display())))
    }
}
