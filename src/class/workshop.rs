//! Where submissions are compiled: rustc by itself, with the library that cargo has built once.
//!
//! cargo would read the course's files and the user's settings, and go by the times of files.
//!
//! Nearly all of an answer's program is the checks. So the stub is compiled first, and what the compiler keeps of that for the
//! next time (`-C incremental`) is there, as a copy, for each answer: that takes a fourth of the time.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File, Permissions};
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::sandbox::{Room, Sandbox, Shown};
use crate::course::grading::{Ran, build_limit, cargo, cause, is_in_the_source, run, run_while, too_slow};
use crate::course::{Course, Lesson};
use crate::error::{named, other};
use crate::process::Ended;
use crate::text;
use crate::text::{Text, hash};
use crate::ui::visible;

/// How long the compiler may take for a submission.
const COMPILES_WITHIN: Duration = Duration::from_secs(60);
/// The most bytes of addresses of the compiler and of the linker.
const ADDRESSES: u64 = 6 << 30;
/// The most bytes of a file that they write: a binary has 10 MiB.
const FILE: u64 = 256 << 20;
/// The most bytes of their temporary files, and again of what the compiler writes beside the binary: it keeps many files.
const TEMPORARY: u64 = 512 << 20;

/// The compiler with all that a submission is compiled with, in a directory that nothing else uses.
#[derive(Debug)]
pub(super) struct Workshop {
    /// Everything in it may be read in the sandbox.
    directory: PathBuf,
    /// For each lesson, what the compiler has kept of the stub.
    kept: PathBuf,
    rustc: PathBuf,
    sysroot: PathBuf,
    edition: String,
    /// The crates that a submission may use, and their files in `directory`.
    crates: Vec<(String, PathBuf)>,
    /// The version of the compiler.
    pub(super) compiler: String,
    /// A hash of what decides a verdict: the library, the checks, and the versions of the dependencies.
    pub(super) course: String,
}

/// The directory of the sources, in that of a submission.
pub(super) const SOURCE: &str = "source";
/// What the compiler keeps, where the binary is.
const KEPT: &str = "kept";

/// What came of a submission.
pub(super) enum Compiled {
    /// Its binary, in the directory of the submission.
    Binary(PathBuf),
    /// The errors in it.
    Errors(String),
}

impl Workshop {
    /// Builds the library of the course and copies what submissions need to `directory`, which is empty. `waiting` is
    /// called once a second.
    ///
    /// # Errors
    /// When cargo can't build it, or a file can't be read or written: one line.
    pub(super) fn prepare(
        course: &Course,
        lessons: &[&Lesson],
        directory: &Path,
        waiting: &mut dyn FnMut(Duration),
    ) -> io::Result<Workshop> {
        let says = |arguments: &[&str]| {
            let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
            let mut command = Command::new(rustc);
            command.current_dir(course.root()).args(arguments);
            said(command, "rustc", &mut |_| ())
        };
        let sysroot = PathBuf::from(says(&["--print", "sysroot"])?.trim());
        let version = says(&["-vV"])?;
        let of = |key: &str| version.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default().to_owned();
        let (compiler, host) = (of("release: "), of("host: "));
        let mut build = cargo(course);
        build.args(["build", "--lib", "--message-format=json"]);
        let built = said(build, "the library", waiting)?;
        let mut metadata = cargo(course);
        metadata.args(["metadata", "--format-version=1", "--filter-platform", &host]);
        let metadata: Value = serde_json::from_str(&said(metadata, "metadata", &mut |_| ())?)?;
        let libraries = directory.join("libraries");
        fs::create_dir_all(&libraries)?;
        let mut files = BTreeMap::new();
        for artifact in built.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
            let names = artifact["filenames"].as_array().into_iter().flatten().filter_map(Value::as_str);
            for file in names.filter(|name| name.ends_with(".rlib") || name.ends_with(".so")).map(Path::new) {
                let copy = libraries.join(file.file_name().unwrap_or_default());
                // A link takes no time; a copy may be on another file system.
                fs::hard_link(file, &copy)
                    .or_else(|_| fs::copy(file, &copy).map(drop))
                    .map_err(|e| named(file.display(), &e))?;
                files.insert(artifact["package_id"].as_str().unwrap_or_default().to_owned(), copy);
            }
        }
        let root = metadata["resolve"]["root"].as_str().unwrap_or_default();
        let find =
            |list: &Value, id: &str| list.as_array().and_then(|all| all.iter().find(|one| one["id"] == id)).cloned();
        let node = find(&metadata["resolve"]["nodes"], root).unwrap_or_default();
        let package = find(&metadata["packages"], root).unwrap_or_default();
        let mut crates = vec![("mmap_workbook".to_owned(), root.to_owned())];
        for dependency in node["deps"].as_array().into_iter().flatten() {
            let text = |key: &str| dependency[key].as_str().unwrap_or_default().to_owned();
            crates.push((text("name"), text("pkg")));
        }
        let crates = crates.into_iter().filter_map(|(name, id)| Some((name, files.get(&id)?.clone()))).collect();
        for lesson in lessons {
            let (from, to) = (course.exercise(lesson).directory().to_owned(), directory.join(lesson.directory()));
            copy_all(&from.join("checks"), &to.join("checks"))?;
            copy(&from.join("graded.rs"), &to.join("graded.rs"))?;
        }
        readable(directory)?;
        Ok(Workshop {
            directory: directory.to_owned(),
            kept: directory.with_file_name(KEPT),
            rustc: sysroot.join("bin/rustc"),
            sysroot,
            edition: package["edition"].as_str().unwrap_or_default().to_owned(),
            crates,
            compiler,
            course: version_of(course)?,
        })
    }

    /// Keeps what the compiler can use again of the lesson's stub, which it has just compiled in this directory.
    ///
    /// # Errors
    /// Those of rename(2).
    pub(super) fn keep(&self, lesson: &Lesson, job: &Path) -> io::Result<()> {
        fs::create_dir_all(&self.kept)?;
        fs::rename(job.join("binary").join(KEPT), self.kept.join(lesson.directory()))
    }

    /// Compiles a text as the answer to a lesson's exercise, in `place` of the sandbox, and at most until that time. `job` is
    /// a directory that nothing else uses; the binary is in it afterwards.
    ///
    /// # Errors
    /// What is not the text's fault: one line.
    pub(super) fn compile(
        &self,
        sandbox: &Sandbox,
        place: usize,
        lesson: &Lesson,
        text: &str,
        job: &Path,
        until: Instant,
    ) -> io::Result<Compiled> {
        let (source, to) = (job.join(SOURCE), job.join("binary"));
        // In what is said of it, the answer's path is the one that it has in the course.
        let answer = Path::new("lessons").join(lesson.directory());
        fs::create_dir_all(&to)?;
        copy_all(&self.directory.join(lesson.directory()), &source.join(&answer))?;
        fs::write(source.join(&answer).join("exercise.rs"), text)?;
        readable(job)?;
        let kept = self.kept.join(lesson.directory());
        if kept.exists() {
            copy_all(&kept, &to.join(KEPT))?;
        }
        if let Some(user) = sandbox.user(place) {
            give(&to, user)?;
        }
        // What is kept is of use only where the paths are the same.
        let there = if sandbox.is_one() { self.directory.with_file_name("job") } else { job.to_owned() };
        let (source_there, to_there) = (there.join(SOURCE), there.join("binary"));
        let room = Room {
            read: &[Shown::same(&self.sysroot), Shown::same(&self.directory), Shown(&source, &source_there)],
            write: Some(Shown(&to, &to_there)),
            addresses: Some(ADDRESSES),
            file: Some(FILE),
            temporary: TEMPORARY,
            disk: None,
            place,
        };
        let mut command = sandbox.command(&room, &self.rustc);
        command.args(["--test", "--crate-name=exercise", "--cap-lints=warn", "-Cdebuginfo=0"]);
        command.args(["--error-format=json", "--json=diagnostic-rendered-ansi", "--edition"]).arg(&self.edition);
        command.arg("-L").arg(argument("dependency=", &self.directory.join("libraries"), ""));
        for (name, file) in &self.crates {
            command.arg("--extern").arg(argument(&format!("{name}="), file, ""));
        }
        command.arg(argument("-Cincremental=", &to_there.join(KEPT), ""));
        command.arg("--remap-path-prefix").arg(argument("", &source_there, "="));
        command.arg("-o").arg(to_there.join("exercise")).arg(source_there.join(answer).join("graded.rs"));
        let left = until.saturating_duration_since(Instant::now()).min(COMPILES_WITHIN);
        let mut written = 0;
        let Ran { ended, mut err, .. } = run_while(command, left, &mut |_| {
            written = space_of(&to);
            written <= TEMPORARY
        })?;
        let Some(ended) = ended else {
            if written > TEMPORARY {
                let most = TEMPORARY >> 20;
                return Ok(Compiled::Errors(format!("the compiler wrote more than {most} MiB\n")));
            }
            let seconds = left.as_secs();
            return Ok(Compiled::Errors(format!("the compiler had not finished after {seconds} seconds\n")));
        };
        if ended == Ended::Exited(0) {
            return Ok(Compiled::Binary(to.join("exercise")));
        }
        let (errors, rest) = errors(&mut err)?;
        // No text makes the compiler start threads without end: it is the machine that has none left.
        if let Some(line) = rest.as_ref().filter(|line| line.contains(STARVED)) {
            return Err(other(text!("rustc: {line}", "rustc：{line}")));
        }
        if !errors.is_empty() {
            return Ok(Compiled::Errors(errors));
        }
        // Those of the sandbox; the compiler's own begin otherwise.
        let line = rest.unwrap_or_default();
        if ["sh:", "bwrap:", "setpriv:", "prlimit:"].iter().any(|program| line.starts_with(program)) {
            return Err(other(text!("{line}", "{line}")));
        }
        // It dies when it needs more memory or stack than it may have.
        let Text { en, .. } = ended.in_words();
        Ok(Compiled::Errors(format!("the compiler did not get to an end: {en}: {line}\n")))
    }
}

/// What the system says when there may be no more processes or threads (EAGAIN, fork(2)).
const STARVED: &str = "Resource temporarily unavailable";

/// The compiler's errors in a text, and the first of other things that it has said, or the one that says [`STARVED`].
fn errors(err: &mut File) -> io::Result<(String, Option<String>)> {
    let (mut errors, mut rest) = (String::new(), None);
    for line in BufReader::new(err).split(b'\n') {
        let line = line?;
        match serde_json::from_slice::<Value>(&line) {
            Ok(message) if message["level"].as_str().is_some_and(|level| level.starts_with("error")) => {
                if is_in_the_source(&message) || errors.is_empty() {
                    errors += message["rendered"].as_str().unwrap_or_default();
                }
            }
            Ok(_) => {}
            Err(_) => {
                let line = visible(&String::from_utf8_lossy(&line)).trim().to_owned();
                if line.contains(STARVED) || (rest.is_none() && !line.is_empty()) {
                    rest = Some(line);
                }
            }
        }
    }
    Ok((errors, rest))
}

/// An argument that has a path in it.
fn argument(before: &str, path: &Path, after: &str) -> OsString {
    let mut argument = OsString::from(before);
    argument.push(path);
    argument.push(after);
    argument
}

/// What a program of the teacher's own says on its standard output.
fn said(command: Command, what: &str, waiting: &mut dyn FnMut(Duration)) -> io::Result<String> {
    let Ran { ended, mut out, mut err } = run(command, build_limit()?, waiting)?;
    let (mut said, mut complained) = (String::new(), String::new());
    out.read_to_string(&mut said)?;
    err.read_to_string(&mut complained)?;
    match ended {
        Some(Ended::Exited(0)) => Ok(said),
        Some(_) => Err(named(what, &other(cause(&complained)))),
        None => Err(too_slow(what)),
    }
}

/// Lets every user read what is in a directory, whatever the umask is.
fn readable(directory: &Path) -> io::Result<()> {
    fs::set_permissions(directory, Permissions::from_mode(0o755))?;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            readable(&entry.path())?;
        }
    }
    Ok(())
}

/// Gives a directory and all that is in it to a user.
fn give(path: &Path, user: u32) -> io::Result<()> {
    lchown(path, Some(user), Some(user))?;
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            give(&entry?.path(), user)?;
        }
    }
    Ok(())
}

/// The disk space of what is in a directory, in bytes, while it is written to.
fn space_of(directory: &Path) -> u64 {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let space = entries.filter_map(|entry| {
        let metadata = entry.metadata().ok()?;
        Some(if metadata.is_dir() { space_of(&entry.path()) } else { 512 * metadata.blocks() })
    });
    space.sum()
}

/// Copies a directory of sources.
fn copy_all(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).map_err(|error| named(from.display(), &error))? {
        let entry = entry?;
        let copies = if entry.file_type()?.is_dir() { copy_all } else { copy };
        copies(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

/// Copies a source, so that every user may read it.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let copied = fs::copy(from, to).and_then(|_| fs::set_permissions(to, Permissions::from_mode(0o644)));
    copied.map_err(|error| named(from.display(), &error))
}

/// A hash of all that decides a verdict, the same on each machine.
fn version_of(course: &Course) -> io::Result<String> {
    let mut all = String::new();
    for file in ["Cargo.toml", "Cargo.lock"] {
        add(&course.root().join(file), &mut all)?;
    }
    for directory in ["src", "lessons"] {
        add(&course.root().join(directory), &mut all)?;
    }
    Ok(hash(&all))
}

/// Adds the sources below a path, in the order of their names. What a learner writes is none of them.
fn add(path: &Path, all: &mut String) -> io::Result<()> {
    let is_source = |name: &str| {
        let rust = Path::new(name).extension().is_some_and(|extension| extension == "rs") && name != "exercise.rs";
        rust || name.starts_with("Cargo.")
    };
    if path.is_dir() {
        let entries = fs::read_dir(path).and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect());
        let mut entries: Vec<PathBuf> = entries.map_err(|error| named(path.display(), &error))?;
        entries.sort();
        return entries.iter().try_for_each(|entry| add(entry, all));
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if is_source(&name) {
        let text = fs::read_to_string(path).map_err(|error| named(path.display(), &error))?;
        all.extend([&*name, "\n", &text, "\n"]);
    }
    Ok(())
}
