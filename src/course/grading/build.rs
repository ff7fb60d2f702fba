//! Builds exercises, and tells an error in an exercise from anything else that makes cargo fail.

use std::io::{self, BufRead};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::course::Course;
use crate::ui::visible;

/// The name of the environment variable with the id of the texts that an exercise is built from. cargo goes by the times
/// of files, and by this: another text is built anew, even where the file is older than the binary.
const TEXTS_VARIABLE: &str = "WORKBOOK_TEXTS";

/// Builds test targets and returns the name and the binary of each, or the compiler's errors in them. `texts` is the id
/// of the exercise's texts, where there is one.
///
/// # Errors
/// When cargo can't be run, or fails for another reason than an error in one of the targets: it can't read Cargo.toml,
/// it has no such target, it can't download a crate, another crate does not compile, the disk is full. The error is one
/// line.
pub fn build(
    course: &Course,
    targets: &[String],
    texts: Option<u64>,
) -> io::Result<Result<Vec<(String, PathBuf)>, String>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(&cargo);
    command.current_dir(course.root()).args(["test", "--no-run", "--message-format=json-diagnostic-rendered-ansi"]);
    command.args(targets.iter().flat_map(|target| ["--test", target])).stdin(Stdio::null());
    command.envs(texts.map(|id| (TEXTS_VARIABLE, id.to_string())));
    let output = command.output();
    let output = output.map_err(|e| io::Error::new(e.kind(), format!("{}: {e}", Path::new(&cargo).display())))?;
    let (mut binaries, mut errors, mut elsewhere) = (Vec::new(), String::new(), None);
    for line in output.stdout.lines().map_while(Result::ok) {
        let Ok(message) = serde_json::from_str::<serde_json::Value>(&line) else { continue };
        let name = message["target"]["name"].as_str().unwrap_or_default();
        let is_asked_for = targets.iter().any(|target| target == name);
        // Warnings are left out: in unfinished code they are many, and would hide the errors.
        let diagnostic = &message["message"];
        if diagnostic["level"] == "error" {
            match is_in_the_source(diagnostic) && is_asked_for {
                true => errors.push_str(diagnostic["rendered"].as_str().unwrap_or_default()),
                false => elsewhere = elsewhere.or_else(|| Some(in_one_line(diagnostic))),
            }
        }
        if let Some(binary) = message["executable"].as_str().filter(|_| is_asked_for) {
            binaries.push((name.to_owned(), PathBuf::from(binary)));
        }
    }
    if output.status.success() {
        return Ok(Ok(binaries));
    }
    if !errors.is_empty() {
        return Ok(Err(errors));
    }
    let cause = elsewhere.unwrap_or_else(|| cause(&String::from_utf8_lossy(&output.stderr)));
    Err(io::Error::other(format!("cargo can't build {}: {cause}", targets.join(", "))))
}

/// Whether an error is caused by the source. Such errors have a place in it; others, of a full disk for example, have
/// none. The linker's errors have none either, but what the linker doesn't find, the source declares.
fn is_in_the_source(diagnostic: &serde_json::Value) -> bool {
    let has_place = diagnostic["spans"].as_array().is_some_and(|spans| !spans.is_empty());
    has_place || diagnostic["message"].as_str().is_some_and(|message| message.starts_with("linking with"))
}

/// The place and the first line of an error of the compiler.
fn in_one_line(diagnostic: &serde_json::Value) -> String {
    let message = diagnostic["message"].as_str().and_then(|message| message.lines().next()).unwrap_or_default();
    let span = &diagnostic["spans"][0];
    match (span["file_name"].as_str(), &span["line_start"]) {
        (Some(file), line) => format!("{file}:{line}: {message}"),
        (None, _) => message.to_owned(),
    }
}

/// Why cargo failed, from its standard error: the place, the error, and the last of its causes.
fn cause(stderr: &str) -> String {
    let stderr = visible(stderr);
    let mut lines = stderr.lines().map(str::trim).skip_while(|line| !line.starts_with("error"));
    let mut cause = lines.next().map_or("it does not say why", |line| line.trim_start_matches("error: ")).to_owned();
    let rest: Vec<_> = lines.collect();
    if let Some(place) = rest.iter().find_map(|line| line.strip_prefix("--> ")) {
        cause = format!("{place}: {cause}");
    }
    if let Some(at) = rest.iter().rposition(|line| *line == "Caused by:") {
        cause = format!("{cause}: {}", rest.get(at + 1).unwrap_or(&""));
    }
    cause
}

#[cfg(test)]
mod tests {
    use super::cause;

    #[test]
    fn what_cargo_says_is_put_in_one_line() {
        let said = |stderr: &str, line: &str| assert_eq!(cause(stderr), line);
        said("   Compiling x\nerror: no test target named `a`\n\nhelp: there is `b`\n", "no test target named `a`");
        said("error: unclosed table\n --> Cargo.toml:1:9\n  |\n1 | [package\n", "Cargo.toml:1:9: unclosed table");
        said(
            "error: failed to get `a`\n\nCaused by:\n  download failed\n\nCaused by:\n  --offline was given\n",
            "failed to get `a`: --offline was given",
        );
        said("", "it does not say why");
    }
}
