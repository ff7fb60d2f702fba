//! The files of an exercise: where they are, what is in them, and how the learner's is reset.

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};
use nix::libc;

use super::grading::SAFETY_CHECK;
use super::progress::Progress;
use super::{LESSONS, Lesson, lesson};
use crate::error::{self, in_words, other, told};
use crate::text;
use crate::text::{Language, Text, hash};

/// The file that says that a course is a handout, one without answers, and what is left out of it.
pub const HANDOUT: &str = "HANDOUT.md";

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

    /// Whether it is a handout, which has no answers.
    pub fn is_handout(&self) -> bool {
        self.root.join(HANDOUT).exists()
    }

    /// The heading with this id in the chapter of lesson `number`, without its markup; None where there is none.
    pub fn heading(&self, number: u8, id: &str) -> Option<Text> {
        let chapter = lesson(number)?.directory() + ".md";
        let [en, zh] = Language::ALL.map(|language| {
            let text = fs::read_to_string(self.root.join("book").join(language.code()).join(&chapter)).ok()?;
            let heading = text.lines().find_map(|line| line.strip_prefix('#')?.strip_suffix(&format!(" {{#{id}}}")));
            Some(heading?.trim_start_matches(['#', ' ']).replace('`', ""))
        });
        Some(Text::new(en?, zh?))
    }

    /// Begins each exercise that the learner has not begun, in this language: see [`Exercise::begin`]. In a checkout that
    /// can't be written to it changes nothing, and a file that was graded and is gone is not begun again unasked.
    pub fn begin(&self, language: Language) {
        let progress = Progress::of(self);
        for lesson in LESSONS {
            let exercise = self.exercise(lesson);
            if exercise.path().exists() || !progress.knows(lesson) {
                // Where there is no file afterwards, whoever needs it says so.
                let _ = exercise.begin(language);
            }
        }
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

/// What a verdict is about: the learner's text, and that of the checks.
#[derive(Debug, Clone, Hash)]
pub struct Texts {
    /// The learner's.
    pub exercise: String,
    /// The checks'.
    pub checks: Checks,
}

impl Texts {
    /// Their hash. Another version of Rust may compute another one; then the exercise has to be checked again.
    pub fn id(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        hasher.finish()
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

impl Checks {
    /// The checks in the order of their files: the function that each grades, and its name.
    pub fn names(&self) -> impl Iterator<Item = (&str, &str)> {
        self.functions.iter().flat_map(|(function, text)| {
            let tests = text.split("#[test]\nfn ").skip(1).filter_map(|rest| rest.split('(').next());
            tests.map(|name| (function.as_str(), name))
        })
    }
}

/// What the checks of an exercise are called in words.
#[derive(Debug, Clone)]
pub struct CheckNames(BTreeMap<String, String>);

impl CheckNames {
    /// The check with this name, in words.
    pub fn in_words(&self, check: &str) -> Text {
        let en = check.replace('_', " ");
        let zh = self.0.get(check).map_or(en.as_str(), String::as_str);
        text!("{en}", "{zh}")
    }
}

/// What `stub.versions` has of an exercise's stubs, a line each: the hash of the stub, and of a translation also that of
/// the English one that it was written from.
pub fn versions(english: &str, translation: Option<&str>) -> Vec<String> {
    let english = hash(english);
    let translation = translation.map(|text| format!("{} zh of {english}", hash(text)));
    [english].into_iter().chain(translation).collect()
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
    /// One line that names the file: it can't be read, is not a regular file, too large or not UTF-8, or it has a merge
    /// conflict.
    pub fn text(&self) -> io::Result<String> {
        let n = self.number;
        let text = read(&self.path()).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound if !self.stub_path(Language::English).exists() => {
                told(error.kind(), text!("lesson {n} has no exercise yet", "第 {n} 课还没有练习"))
            }
            io::ErrorKind::NotFound => {
                let Text { en, zh } = in_words(&error);
                let text =
                    text!("{en}; `cargo run -- reset {n}` brings it back", "{zh}；`cargo run -- reset {n}` 可以恢复它");
                told(error.kind(), text)
            }
            _ => error,
        })?;
        let Some(line) = conflict(&text) else { return Ok(text) };
        let file = self.path();
        let place = file.display();
        Err(other(text!(
            "{place}:{line}: a merge conflict: keep one side, and delete the lines that mark it",
            "{place}:{line}：有合并冲突：保留其中一边，并删掉标记冲突的那几行"
        )))
    }

    /// The text of the checks.
    ///
    /// # Errors
    /// When it can't be read; the error names the file.
    pub fn checks(&self) -> io::Result<Checks> {
        let directory = self.directory.join("checks");
        let shared = read_lines(&directory.join("mod.rs"))?;
        let functions = shared.lines().filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';'));
        let functions = functions.map(|name| Ok((name.to_owned(), read_lines(&directory.join(format!("{name}.rs")))?)));
        Ok(Checks { functions: functions.collect::<io::Result<_>>()?, shared })
    }

    /// The learner's text with that of the checks.
    ///
    /// # Errors
    /// When one can't be read; the error names the file.
    pub fn texts(&self) -> io::Result<Texts> {
        Ok(Texts { exercise: self.text()?, checks: self.checks()? })
    }

    /// The exercise as it is before the learner edits it.
    ///
    /// # Errors
    /// When it can't be read; the error names the file.
    pub fn stub(&self, language: Language) -> io::Result<String> {
        let stub = self.stub_path(language);
        // A draft may have it in one language only.
        read(&if stub.exists() { stub } else { self.stub_path(Language::English) })
    }

    fn stub_path(&self, language: Language) -> PathBuf {
        self.answers.join(format!("stub.{}.rs", language.code()))
    }

    /// Whether a text is a stub, in whatever language: today's, or one that an older version of the course had. Ends of lines
    /// that an editor or git has made those of Windows change nothing.
    ///
    /// # Errors
    /// When the stubs can't be read; the error names the file.
    pub fn is_stub(&self, text: &str) -> io::Result<bool> {
        let text = &text.replace("\r\n", "\n");
        for language in Language::ALL {
            if self.stub(language)? == *text {
                return Ok(true);
            }
        }
        let (versions, hash) = (self.answers.join("stub.versions"), hash(text));
        let known = if versions.exists() { read_lines(&versions)? } else { String::new() };
        Ok(known.lines().any(|line| line.split(' ').next() == Some(hash.as_str())))
    }

    /// Writes the stub in this language, if there is no file yet, or only a stub that is another one: in another language,
    /// or older. What the learner has edited stays as it is.
    ///
    /// # Errors
    /// Those of the file system, as in a checkout that can't be written to; the error names the file.
    pub fn begin(&self, language: Language) -> io::Result<()> {
        let (path, stub) = (self.path(), self.stub(language)?);
        match read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                create(&path, &stub).map_err(|error| named(&path, &error))
            }
            Ok(text) if text != stub && self.is_stub(&text)? => {
                // An editor may save meanwhile: then the backup is what it has saved, and stays.
                let backup = self.reset(language)?;
                match backup.filter(|backup| read(backup).is_ok_and(|text| self.is_stub(&text).unwrap_or(false))) {
                    Some(backup) => fs::remove_file(&backup).map_err(|error| named(&backup, &error)),
                    None => Ok(()),
                }
            }
            _ => Ok(()),
        }
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
        Ok(hints_of(&read_lines(&self.directory.join(format!("hints.{}.md", language.code())))?))
    }

    /// What the checks are called in words. The file has the Chinese ones; the English are the checks' own names, by which
    /// programs know them in any language. Where it can't be read, a check goes by its own name.
    pub fn check_names(&self) -> CheckNames {
        let text = read_lines(&self.directory.join("checks.zh.txt")).unwrap_or_default();
        let of_text = (SAFETY_CHECK, "每个 unsafe 块都说明了为什么是可靠的");
        let names = text.lines().filter_map(|line| line.split_once(": ")).chain([of_text]);
        CheckNames(names.map(|(name, zh)| (name.to_owned(), zh.to_owned())).collect())
    }

    /// Restores the stub in this language. The learner's file is not copied but keeps its bytes under another name beside
    /// it, which is returned; None when there was only the stub, or no file.
    ///
    /// At every moment, even if the process is killed, the learner's text is in exercise.rs or in the backup: the two
    /// names are exchanged in one step. So a text that an editor saves meanwhile is in one of them as well.
    ///
    /// # Errors
    /// Those of the file system; the error names the file.
    pub fn reset(&self, language: Language) -> io::Result<Option<PathBuf>> {
        let stub = self.stub(language)?;
        // If the name is a symbolic link, the file that it leads to.
        let path = self.path();
        if !path.try_exists().map_err(|error| named(&path, &error))? {
            create(&path, &stub).map_err(|error| named(&path, &error))?;
            return Ok(None);
        }
        let path = path.canonicalize().map_err(|error| named(&path, &error))?;
        let metadata = open(&path).and_then(|file| file.metadata()).map_err(|error| named(&path, &error))?;
        let is_stub = usize::try_from(metadata.len()).ok() == Some(stub.len()) && fs::read(&path)? == stub.as_bytes();
        if is_stub { Ok(None) } else { replace(&path, stub.as_bytes(), metadata.permissions()).map(Some) }
    }
}

/// Creates the file with this text, whole or not at all.
fn create(path: &Path, text: &str) -> io::Result<()> {
    let directory = path.parent().ok_or(io::ErrorKind::NotFound)?;
    let usual = Permissions::from_mode(0o666); // without those that the umask takes away
    let mut file = tempfile::Builder::new().prefix(".exercise-").permissions(usual).tempfile_in(directory)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path).map_err(|error| error.error)?;
    File::open(directory)?.sync_all()
}

/// Puts a file with these bytes in the place of the one at `path`, which gets the first of the names `path.~1~`,
/// `path.~2~`, ... that is free (those of `cp --backup=numbered`).
///
/// # Errors
/// Those of the file system; the error names the file. Then the file at `path` is as it was.
pub fn replace(path: &Path, bytes: &[u8], permissions: Permissions) -> io::Result<PathBuf> {
    let (mut file, backup) = create_backup(path)?;
    let written = file.write_all(bytes).and_then(|()| file.set_permissions(permissions));
    let replaced = written.and_then(|()| file.sync_all()).and_then(|()| exchange(&backup, path)).inspect_err(|_| {
        // It is still the new file.
        let _ = fs::remove_file(&backup);
    });
    let backup = replaced.map_err(|error| named(path, &error))?;
    let directory = path.parent().unwrap_or(path);
    let synced = File::open(directory).and_then(|directory| directory.sync_all());
    synced.map(|()| backup).map_err(|error| named(directory, &error))
}

fn create_backup(path: &Path) -> io::Result<(File, PathBuf)> {
    for n in 1_u32.. {
        let mut backup = path.as_os_str().to_owned();
        backup.push(format!(".~{n}~"));
        let backup = PathBuf::from(backup);
        match File::options().write(true).create_new(true).open(&backup) {
            Ok(file) => return Ok((file, backup)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(named(&backup, &error)),
        }
    }
    Err(named(path, &other(text!("no free name for a backup", "备份找不到可用的名字"))))
}

/// Moves the file `new` to `path`, and returns the name that the one there has then. After an error `new` is as it was.
fn exchange(new: &Path, path: &Path) -> io::Result<PathBuf> {
    match renameat2(AT_FDCWD, new, AT_FDCWD, path, RenameFlags::RENAME_EXCHANGE) {
        Err(Errno::EINVAL | Errno::ENOSYS) => {} // NFS can't do it, for example.
        exchanged => return Ok(exchanged.map(|()| new.to_owned())?),
    }
    // One after the other, so that for a moment there is no exercise.rs.
    let (_, backup) = create_backup(path)?;
    fs::rename(path, &backup).inspect_err(|_| {
        let _ = fs::remove_file(&backup);
    })?;
    if path.try_exists()? {
        let backup = backup.display();
        return Err(other(text!(
            "saved meanwhile; what it was before is in {backup}",
            "期间又保存过；之前的内容在 {backup} 里"
        )));
    }
    fs::rename(new, path).inspect_err(|_| {
        let _ = fs::rename(&backup, path);
    })?;
    Ok(backup)
}

/// The largest file that is read: a hundred times the largest answer.
const LARGEST: usize = 4 << 20;

/// Opens a regular file for reading.
fn open(path: &Path) -> io::Result<File> {
    // O_NONBLOCK: opening a FIFO would wait for a process that writes to it.
    let file = File::options().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(other(text!("it is not a regular file", "不是普通文件"))),
    }
}

fn read(path: &Path) -> io::Result<String> {
    let read = || {
        let mut bytes = Vec::new();
        open(path)?.take(u64::try_from(LARGEST).map_err(io::Error::other)? + 1).read_to_end(&mut bytes)?;
        if bytes.len() > LARGEST {
            let most = LARGEST >> 20;
            return Err(other(text!("it is larger than {most} MiB", "超过 {most} MiB")));
        }
        String::from_utf8(bytes).map_err(|error| {
            let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
            told(io::ErrorKind::InvalidData, text!("line {line} is not UTF-8", "第 {line} 行不是 UTF-8"))
        })
    };
    read().map_err(|error| named(path, &error))
}

/// Reads a text of the course. An editor or git may have changed how its lines end, or put a byte order mark before them.
fn read_lines(path: &Path) -> io::Result<String> {
    Ok(read(path)?.trim_start_matches('\u{feff}').replace("\r\n", "\n"))
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    error::named(path.display(), error)
}

/// The line (from 1 on) where a conflict begins that git has left in a text.
fn conflict(text: &str) -> Option<usize> {
    let mut lines = text.lines().enumerate();
    let (begin, _) = lines.find(|(_, line)| line.starts_with("<<<<<<< "))?;
    lines.any(|(_, line)| line.starts_with(">>>>>>> ")).then_some(begin + 1)
}

/// Parses hints: `# function` begins those of a function, and a line of three dashes separates their levels.
pub(super) fn hints_of(text: &str) -> Vec<(String, Vec<String>)> {
    let sections = text.split("\n# ").map(|section| section.strip_prefix("# ").unwrap_or(section));
    let hints = sections.filter_map(|section| {
        let (function, levels) = section.split_once('\n')?;
        Some((
            function.trim().to_owned(),
            levels.split("\n---\n").map(|level| level.trim_matches('\n').trim_end().to_owned()).collect(),
        ))
    });
    hints.collect()
}

#[cfg(test)]
mod tests {
    use super::hints_of;

    #[test]
    fn hints_are_read_by_function_and_level() {
        let hints = hints_of("# one\n\nWhy?\n\n---\n\n    so();\n\n# two\n\nHow?\n");
        let wanted = [
            ("one".to_owned(), vec!["Why?".to_owned(), "    so();".to_owned()]),
            ("two".to_owned(), vec!["How?".to_owned()]),
        ];
        assert_eq!(hints, wanted);
    }
}
