//! git, asked from a directory of the course.

use std::io;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::error::{named, other};
use crate::text;

/// What git prints when it is run in `directory`.
///
/// # Errors
/// One line that begins with `git`: it isn't installed, or what it says itself.
pub(super) fn git(directory: &Path, arguments: &[&str]) -> io::Result<Vec<u8>> {
    let Output { status, stdout, stderr } = run(directory, arguments)?;
    if status.success() {
        return Ok(stdout);
    }
    let said = String::from_utf8_lossy(&stderr).lines().next().unwrap_or_default().to_owned();
    Err(other(text!("git: {said}", "git：{said}")))
}

/// The same, whatever its exit status.
///
/// # Errors
/// When it can't be run.
pub(super) fn run(directory: &Path, arguments: &[&str]) -> io::Result<Output> {
    let mut git = Command::new("git");
    // In a hook, they name the repository that the hook belongs to.
    for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR"] {
        git.env_remove(variable);
    }
    git.current_dir(directory).args(arguments).env("LC_ALL", "C").stdin(Stdio::null());
    git.output().map_err(|error| named("git", &error))
}

/// Whether `directory` is in a work tree of git's.
pub(super) fn is_in_repository(directory: &Path) -> bool {
    directory.canonicalize().is_ok_and(|path| path.ancestors().any(|above| above.join(".git").exists()))
}

/// Each text that a file whose path, from `directory`, fits `pattern` has had in git's history, with that path: the newest
/// first. Nothing outside of a repository.
///
/// # Errors
/// As [`git`].
pub(super) fn history(directory: &Path, pattern: &str) -> io::Result<Vec<(String, String)>> {
    if !is_in_repository(directory) {
        return Ok(Vec::new());
    }
    let log = ["log", "--all", "--full-history", "--format=", "--raw", "--no-abbrev", "--no-renames", "--", pattern];
    let log = String::from_utf8_lossy(&git(directory, &log)?).into_owned();
    let mut found: Vec<(&str, &str)> = Vec::new();
    // `:MODE MODE OLD NEW STATUS<tab>PATH`
    for (change, path) in log.lines().filter_map(|line| line.split_once('\t')) {
        let [old, new] = [2, 3].map(|field| change.split(' ').nth(field).unwrap_or_default());
        for blob in [new, old] {
            let is_none = blob.chars().all(|digit| digit == '0');
            if !is_none && !found.contains(&(path, blob)) {
                found.push((path, blob));
            }
        }
    }
    let texts = found.into_iter().map(|(path, blob)| {
        let text = git(directory, &["cat-file", "blob", blob])?;
        Ok((path.to_owned(), String::from_utf8_lossy(&text).into_owned()))
    });
    texts.collect()
}
