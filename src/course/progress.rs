//! The learner's progress: files in `target/workbook/` that nothing depends on.
//!
//! Each fact has a file of its own, which is replaced as a whole: two programs that run at once lose nothing of each
//! other's, and need no lock. A verdict counts only for the learner's text and the checks that it was given for: when
//! either changes, the exercise has to be checked again. A file that is missing or can't be parsed means no progress; it
//! is no error.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::grading::{Grade, is_right};
use super::safety::UNSAFE;
use super::{Course, Lesson, Texts, listed};
use crate::error::{in_words, named};
use crate::text::Text;

/// The learner's progress.
#[derive(Debug)]
pub struct Progress {
    directory: PathBuf,
}

/// What is known of an exercise.
#[derive(Debug, Serialize, Deserialize)]
struct Known {
    /// The id of the texts that were graded.
    of: u64,
    solved: bool,
    /// The functions in their order, and whether each is right.
    functions: Vec<(String, bool)>,
    /// The one to go on with: see [`Grade::next`].
    next: Option<String>,
}

/// How far an exercise is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// Its file can't be used; why, in one line.
    Bad(Text),
    /// It is the stub.
    New,
    /// It has changed since it was checked, or was never checked.
    Unchecked,
    /// Some of its core functions are right.
    Begun {
        /// The number of core functions that are right.
        right: usize,
        /// The number of core functions.
        of: usize,
    },
    /// All core functions are right.
    Solved {
        /// The number of further functions that are right.
        right: usize,
        /// The number of further functions.
        of: usize,
    },
}

impl Progress {
    /// The stored progress.
    pub fn of(course: &Course) -> Progress {
        Progress { directory: course.root().join("target/workbook") }
    }

    /// How far the lesson's exercise is.
    ///
    /// # Errors
    /// When the course's own files can't be read.
    pub fn status(&self, course: &Course, lesson: &Lesson) -> io::Result<Status> {
        let exercise = course.exercise(lesson);
        let text = match exercise.text() {
            Ok(text) => text,
            Err(error) => return Ok(Status::Bad(in_words(&error))),
        };
        if exercise.is_stub(&text)? {
            return Ok(Status::New);
        }
        let of = Texts { exercise: text, checks: exercise.checks()? }.id();
        Ok(match self.known(lesson).filter(|known| known.of == of) {
            None => Status::Unchecked,
            Some(Known { solved, functions, .. }) => {
                let counted = functions.iter().filter(|(name, _)| lesson.is_further(name) == solved && name != UNSAFE);
                let (right, of) = (counted.clone().filter(|(_, right)| *right).count(), counted.count());
                if solved { Status::Solved { right, of } } else { Status::Begun { right, of } }
            }
        })
    }

    /// The first lesson whose exercise is not known to be solved.
    ///
    /// # Errors
    /// When the course's own files can't be read.
    pub fn next(&self, course: &Course) -> io::Result<Option<&'static Lesson>> {
        for lesson in listed() {
            if !matches!(self.status(course, lesson)?, Status::Solved { .. }) {
                return Ok(Some(lesson));
            }
        }
        Ok(None)
    }

    /// The function of the exercise to go on with, as it was last checked.
    pub fn next_function(&self, lesson: &Lesson) -> Option<String> {
        let Known { next, functions, .. } = self.known(lesson)?;
        // What an older version has stored says only which are right.
        next.or_else(|| functions.into_iter().find(|(_, right)| !right).map(|(function, _)| function))
    }

    /// The functions of the exercise that were right when it was last checked.
    pub fn right_functions(&self, lesson: &Lesson) -> Vec<String> {
        let functions = self.known(lesson).map_or(Vec::new(), |known| known.functions);
        functions.into_iter().filter(|(_, right)| *right).map(|(function, _)| function).collect()
    }

    /// Stores a grade.
    ///
    /// # Errors
    /// When it can't be written; the error names the file.
    pub fn note(&self, lesson: &Lesson, grade: &Grade) -> io::Result<()> {
        let Grade::Checked { of, .. } = *grade else { return Ok(()) };
        let functions = grade.functions().into_iter();
        let functions = functions.map(|(name, checks)| (name.to_owned(), is_right(&checks))).collect();
        let next = grade.next().map(str::to_owned);
        self.store(&file_of(lesson), &Known { of, solved: grade.is_solved(), functions, next })
    }

    /// The number of hints for a function that were shown.
    pub fn hints(&self, lesson: &Lesson, function: &str) -> usize {
        self.load(&file_of_hints(lesson, function)).unwrap_or_default()
    }

    /// Stores that number.
    ///
    /// # Errors
    /// When it can't be written; the error names the file.
    pub fn note_hints(&self, lesson: &Lesson, function: &str, shown: usize) -> io::Result<()> {
        self.store(&file_of_hints(lesson, function), &shown)
    }

    /// Whether the exercise was ever graded.
    pub fn knows(&self, lesson: &Lesson) -> bool {
        self.known(lesson).is_some()
    }

    fn known(&self, lesson: &Lesson) -> Option<Known> {
        self.load(&file_of(lesson))
    }

    fn load<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        serde_json::from_slice(&fs::read(self.directory.join(name)).ok()?).ok()
    }

    /// Writes the whole file or nothing: another process may be reading it, and this one may be interrupted.
    fn store(&self, name: &str, fact: &impl Serialize) -> io::Result<()> {
        let path = self.directory.join(name);
        let store = || {
            fs::create_dir_all(&self.directory)?;
            let mut file = tempfile::NamedTempFile::new_in(&self.directory)?;
            file.write_all(&serde_json::to_vec_pretty(fact)?)?;
            file.persist(&path).map(drop).map_err(|error| error.error)
        };
        // Not tempfile's own words, in which the name is a random one.
        store().map_err(|error: io::Error| named(path.display(), &error.kind().into()))
    }
}

fn file_of(lesson: &Lesson) -> String {
    format!("exercise_{}.json", lesson.number)
}

fn file_of_hints(lesson: &Lesson, function: &str) -> String {
    format!("hints_{}_{function}.json", lesson.number)
}
