//! The files of an exercise: where they are, what is in them, and how the learner's is reset.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::Lesson;
use crate::text::Language;

/// A checkout of the course.
#[derive(Debug, Clone)]
pub struct Course {
    root: PathBuf,
}

impl Course {
    /// The checkout that the program belongs to: the one that cargo runs it from, else the one that it was built in.
    pub fn of_program() -> Course {
        let root =
            std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).filter(|root| root.join("lessons").is_dir());
        Course::at(root.unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into()))
    }

    /// The checkout at `root`.
    pub fn at(root: impl Into<PathBuf>) -> Course {
        Course { root: root.into() }
    }

    /// The directory with Cargo.toml.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The lesson's exercise.
    pub fn exercise(&self, lesson: &Lesson) -> Exercise {
        let directory = lesson.directory();
        Exercise {
            number: lesson.number,
            directory: self.root.join("lessons").join(&directory),
            answers: self.root.join("tests/answers").join(directory),
        }
    }
}

/// The text of an exercise's checks.
#[derive(Debug, Clone, Hash)]
pub struct Checks {
    /// What several functions' checks use: mod.rs.
    pub shared: String,
    /// Each function, with the file of its checks, in the order of mod.rs.
    pub functions: Vec<(String, String)>,
}

/// The files of an exercise.
#[derive(Debug, Clone)]
pub struct Exercise {
    number: u8,
    directory: PathBuf,
    answers: PathBuf,
}

impl Exercise {
    /// The learner's file.
    pub fn path(&self) -> PathBuf {
        self.directory.join("exercise.rs")
    }

    /// The directory that it is in.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The learner's text.
    ///
    /// # Errors
    /// When it can't be read; the error names the file.
    pub fn text(&self) -> io::Result<String> {
        let n = self.number;
        read(&self.path()).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound if !self.answers.join("stub.rs").exists() => {
                io::Error::new(error.kind(), format!("lesson {n} has no exercise yet"))
            }
            io::ErrorKind::NotFound => {
                io::Error::new(error.kind(), format!("{error}; `cargo run -- reset {n}` brings it back"))
            }
            _ => error,
        })
    }

    /// The text of the checks.
    ///
    /// # Errors
    /// When it can't be read; the error names the file.
    pub fn checks(&self) -> io::Result<Checks> {
        let directory = self.directory.join("checks");
        let shared = read(&directory.join("mod.rs"))?;
        let functions = shared.lines().filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';'));
        let functions = functions.map(|name| Ok((name.to_owned(), read(&directory.join(format!("{name}.rs")))?)));
        Ok(Checks { functions: functions.collect::<io::Result<_>>()?, shared })
    }

    /// The exercise as it is before the learner edits it.
    ///
    /// # Errors
    /// When it can't be read; the error names the file.
    pub fn stub(&self) -> io::Result<String> {
        read(&self.answers.join("stub.rs"))
    }

    /// The reference answer.
    ///
    /// # Errors
    /// When it can't be read; the error names the file.
    pub fn solution(&self) -> io::Result<String> {
        read(&self.answers.join("solution.rs"))
    }

    /// The name of the test target that grades it.
    pub fn target(&self) -> String {
        format!("exercise_{}", self.number)
    }

    /// The hints, in the order of the functions: for each function its levels.
    ///
    /// # Errors
    /// When they can't be read; the error names the file.
    pub fn hints(&self, language: Language) -> io::Result<Vec<(String, Vec<String>)>> {
        Ok(hints_of(&read(&self.directory.join(format!("hints.{}.md", language.code())))?))
    }

    /// Restores the stub. The learner's text is first copied to a new file beside it, whose path is returned; None when
    /// there was only the stub, or no file.
    ///
    /// At every moment, even if the process is killed, the learner's text is in exercise.rs, in the copy, or in both:
    /// the copy is on the disk before rename(2) replaces exercise.rs as a whole.
    ///
    /// # Errors
    /// Those of the file system; the error names the file.
    pub fn reset(&self) -> io::Result<Option<PathBuf>> {
        let stub = self.stub()?;
        // If the name is a symbolic link, the file that it leads to.
        let path = self.path();
        if !path.try_exists().map_err(|error| named(&path, &error))? {
            let made = File::options().write(true).create_new(true).open(&path);
            made.and_then(|mut file| file.write_all(stub.as_bytes())).map_err(|error| named(&path, &error))?;
            return Ok(None);
        }
        let path = path.canonicalize().map_err(|error| named(&path, &error))?;
        let text = fs::read(&path).map_err(|error| named(&path, &error))?;
        if text == stub.as_bytes() {
            return Ok(None);
        }
        let backup = back_up(&path, &text)?;
        let replace = || {
            let mut file = tempfile::Builder::new().prefix(".exercise-").tempfile_in(&self.directory)?;
            file.write_all(stub.as_bytes())?;
            file.as_file().set_permissions(fs::metadata(&path)?.permissions())?;
            file.as_file().sync_all()?;
            file.persist(&path).map_err(|error| error.error)
        };
        replace().map_err(|error| named(&path, &error))?;
        Ok(Some(backup))
    }
}

/// Writes `text` to the first of `path.~1~`, `path.~2~`, ... that is free (the names of `cp --backup=numbered`).
fn back_up(path: &Path, text: &[u8]) -> io::Result<PathBuf> {
    for n in 1_u32.. {
        let mut backup = path.as_os_str().to_owned();
        backup.push(format!(".~{n}~"));
        let backup = PathBuf::from(backup);
        match File::options().write(true).create_new(true).open(&backup) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(named(&backup, &error)),
            Ok(mut file) => {
                let written = file.write_all(text).and_then(|()| file.sync_all());
                return written.map(|()| backup.clone()).map_err(|error| named(&backup, &error));
            }
        }
    }
    Err(named(path, &io::Error::other("no free name for a backup")))
}

fn read(path: &Path) -> io::Result<String> {
    fs::read_to_string(path).map_err(|error| named(path, &error))
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// Parses hints: `# function` begins those of a function, and a line of three dashes separates their levels.
fn hints_of(text: &str) -> Vec<(String, Vec<String>)> {
    let sections = text.split("\n# ").map(|section| section.strip_prefix("# ").unwrap_or(section));
    let hints = sections.filter_map(|section| {
        let (function, levels) = section.split_once('\n')?;
        Some((function.trim().to_owned(), levels.split("\n---\n").map(|level| level.trim().to_owned()).collect()))
    });
    hints.collect()
}

#[cfg(test)]
mod tests {
    use super::hints_of;

    #[test]
    fn hints_are_read_by_function_and_level() {
        let hints = hints_of("# one\n\nWhy?\n\n---\n\nSo.\n\n# two\n\nHow?\n");
        let wanted = [
            ("one".to_owned(), vec!["Why?".to_owned(), "So.".to_owned()]),
            ("two".to_owned(), vec!["How?".to_owned()]),
        ];
        assert_eq!(hints, wanted);
    }
}
