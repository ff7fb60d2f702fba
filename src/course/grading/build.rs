//! Builds exercises, and tells an error in an exercise from anything else that makes cargo fail.

use std::env::var_os;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::course::Course;
use crate::error::{named, other};
use crate::grade::seconds_in;
use crate::process::{Child, Ended};
use crate::text;
use crate::text::Text;
use crate::ui::visible;

/// The name of the environment variable with the id of the texts that an exercise is built from. cargo goes by the times
/// of files, and by this: another text is built anew, even where the file is older than the binary.
const TEXTS_VARIABLE: &str = "WORKBOOK_TEXTS";
/// The name of the environment variable with the number of seconds that a build may take.
const LIMIT_VARIABLE: &str = "WORKBOOK_BUILD_DEADLINE";
/// That number where there is no such variable: the first build compiles all that the course depends on.
const LIMIT: Duration = Duration::from_secs(600);
/// The largest such number.
const LONGEST: u64 = 86_400;

/// Builds a test target and returns its binary, or the compiler's errors in it. `texts` is the id of the exercise's
/// texts, where there is one. `waiting` is called once a second, with the time that it has taken so far.
///
/// # Errors
/// When cargo can't be run, takes too long, or fails for another reason than an error in the target: it can't read
/// Cargo.toml, it has no such target, it can't download a crate, another crate does not compile, the disk is full. The
/// error is one line.
pub fn build(
    course: &Course,
    target: &str,
    texts: Option<u64>,
    waiting: &mut dyn FnMut(Duration),
) -> io::Result<Result<PathBuf, String>> {
    let mut built = run_cargo(course, target, texts, &["test", "--no-run"], &[], waiting)?;
    if built.is_warned_of_only() {
        // `#![deny(warnings)]` or RUSTFLAGS="-D warnings": an unfinished function is to be graded all the same.
        built = run_cargo(course, target, texts, &["rustc"], &["--", "--cap-lints=warn"], waiting)?;
    }
    match built {
        Built { binary: Some(binary), .. } => Ok(Ok(binary)),
        Built { errors, .. } if !errors.is_empty() => {
            let rendered = errors.iter().map(|error| error["rendered"].as_str().unwrap_or_default());
            Ok(Err(rendered.collect()))
        }
        Built { cause, .. } => {
            let Text { en, zh } = cause;
            let (also, also_zh) = match advice(&en) {
                Some(Text { en, zh }) => (format!("; {en}"), format!("；{zh}")),
                None => (String::new(), String::new()),
            };
            Err(other(text!("cargo can't build {target}: {en}{also}", "cargo 无法编译 {target}：{zh}{also_zh}")))
        }
    }
}

/// What came of a build.
struct Built {
    binary: Option<PathBuf>,
    /// The errors in the target.
    errors: Vec<Value>,
    /// Why cargo failed, if not for them, in its own words. Empty where it succeeded.
    cause: Text,
}

impl Built {
    /// Whether each error is a lint that only warns unless it is told otherwise.
    fn is_warned_of_only(&self) -> bool {
        let is_a_lint = |error: &Value| {
            error["code"]["code"].as_str().is_some_and(|code| !code.starts_with('E'))
                && !error["children"].to_string().contains("on by default")
        };
        !self.errors.is_empty() && self.errors.iter().all(is_a_lint)
    }
}

fn run_cargo(
    course: &Course,
    target: &str,
    texts: Option<u64>,
    first: &[&str],
    last: &[&str],
    waiting: &mut dyn FnMut(Duration),
) -> io::Result<Built> {
    let mut command = cargo(course);
    command.args(first).args(["--message-format=json-diagnostic-rendered-ansi", "--test"]);
    command.arg(target).args(last).envs(texts.map(|id| (TEXTS_VARIABLE, id.to_string())));
    let Ran { ended, out, mut err } = run(command, build_limit()?, waiting)?;
    let ended = ended.ok_or_else(|| too_slow(target))?;
    let mut built = Built { binary: None, errors: Vec::new(), cause: text!("", "") };
    for line in BufReader::new(out).lines().map_while(Result::ok) {
        let Ok(mut message) = serde_json::from_str::<Value>(&line) else { continue };
        let is_asked_for = message["target"]["name"] == target;
        if let Some(binary) = message["executable"].as_str().filter(|_| is_asked_for) {
            built.binary = Some(PathBuf::from(binary));
        }
        // Warnings are left out: in unfinished code they are many, and would hide the errors.
        let diagnostic = message["message"].take();
        if diagnostic["level"] == "error" {
            match is_in_the_source(&diagnostic) && is_asked_for {
                true => built.errors.push(diagnostic),
                false if built.cause.en.is_empty() => {
                    let line = in_one_line(&diagnostic);
                    built.cause = text!("{line}", "{line}");
                }
                false => {}
            }
        }
    }
    if ended != Ended::Exited(0) {
        built.binary = None;
    }
    if built.cause.en.is_empty() {
        let mut said = Vec::new();
        err.read_to_end(&mut said)?;
        built.cause = cause(&String::from_utf8_lossy(&said));
    }
    Ok(built)
}

/// cargo, which builds the course.
pub(crate) fn cargo(course: &Course) -> Command {
    let mut command = Command::new(var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(course.root());
    command
}

/// How long a build may take.
///
/// # Errors
/// When `WORKBOOK_BUILD_DEADLINE` is set to what can't be a deadline.
pub(crate) fn build_limit() -> io::Result<Duration> {
    Ok(seconds_in(LIMIT_VARIABLE, LONGEST)?.unwrap_or(LIMIT))
}

/// That cargo took longer than that to build something.
pub(crate) fn too_slow(target: &str) -> io::Error {
    let seconds = seconds_in(LIMIT_VARIABLE, LONGEST).ok().flatten().unwrap_or(LIMIT).as_secs();
    let more = 2 * seconds;
    other(text!(
        "cargo has not built {target} within {seconds} seconds and was ended; {LIMIT_VARIABLE}={more} allows more",
        "cargo 在 {seconds} 秒内没有编译完 {target}，已被终止；{LIMIT_VARIABLE}={more} 可以给它更多时间"
    ))
}

/// A program that has run, and what it has printed.
pub(crate) struct Ran {
    /// None where it was still running after the limit, and was killed.
    pub(crate) ended: Option<Ended>,
    /// Its standard output.
    pub(crate) out: File,
    /// Its standard error.
    pub(crate) err: File,
}

/// Runs a compiler, or whatever else takes long, with nothing to read. `waiting` is called once a second, with the time that
/// it has taken so far.
///
/// # Errors
/// When it can't be started; the error names it.
pub(crate) fn run(command: Command, limit: Duration, waiting: &mut dyn FnMut(Duration)) -> io::Result<Ran> {
    run_while(command, limit, &mut |time| {
        waiting(time);
        true
    })
}

/// [`run`], where `may_go_on` is called in place of `waiting`; false kills the program, as the limit does.
///
/// # Errors
/// As [`run`].
pub(crate) fn run_while(
    mut command: Command,
    limit: Duration,
    may_go_on: &mut dyn FnMut(Duration) -> bool,
) -> io::Result<Ran> {
    let (mut out, mut err) = (tempfile::tempfile()?, tempfile::tempfile()?);
    command.stdin(Stdio::null()).stdout(out.try_clone()?).stderr(err.try_clone()?);
    let child = Child::spawn(&mut command);
    let (mut child, _) = child.map_err(|error| named(Path::new(command.get_program()).display(), &error))?;
    // Dropping the child kills it and what it has started.
    let began = Instant::now();
    let mut ended = None;
    while ended.is_none() && began.elapsed() < limit {
        ended = child.ended_within(Duration::from_secs(1).min(limit.saturating_sub(began.elapsed())))?;
        if !may_go_on(began.elapsed()) {
            break;
        }
    }
    drop(child);
    out.rewind()?;
    err.rewind()?;
    Ok(Ran { ended, out, err })
}

/// What to do about the cause, where that is known.
fn advice(cause: &str) -> Option<Text> {
    let says = |words: &[&str]| words.iter().any(|words| cause.contains(words));
    if says(&["no matching package", "failed to get `", "failed to download", "offline"]) {
        Some(text!(
            "`cargo fetch` downloads all crates, where there is a network",
            "在能联网的地方用 `cargo fetch` 下载所有 crate"
        ))
    } else if says(&["Read-only file system", "Permission denied"]) {
        Some(text!(
            "CARGO_TARGET_DIR=DIR has cargo build in a directory that you may write to",
            "设置 CARGO_TARGET_DIR=DIR，让 cargo 在有写权限的目录里编译"
        ))
    } else if says(&["can't find crate for `std`", "can't find crate for `core`"]) {
        Some(text!(
            "`rustup target add` installs the target that CARGO_BUILD_TARGET or build.target asks for; unset, cargo \
             builds for this machine",
            "用 `rustup target add` 安装 CARGO_BUILD_TARGET 或 build.target 指定的目标平台；不指定时 cargo 为本机编译"
        ))
    } else {
        None
    }
}

/// Whether an error is caused by the source. Such errors have a place in it; others, of a full disk for example, have
/// none. The linker's errors have none either, but what the linker doesn't find, the source declares.
pub(crate) fn is_in_the_source(diagnostic: &Value) -> bool {
    let has_place = diagnostic["spans"].as_array().is_some_and(|spans| !spans.is_empty());
    has_place || diagnostic["message"].as_str().is_some_and(|message| message.starts_with("linking with"))
}

/// The place and the first line of an error of the compiler.
fn in_one_line(diagnostic: &Value) -> String {
    let message = diagnostic["message"].as_str().and_then(|message| message.lines().next()).unwrap_or_default();
    let span = &diagnostic["spans"][0];
    match (span["file_name"].as_str(), &span["line_start"]) {
        (Some(file), line) => format!("{file}:{line}: {message}"),
        (None, _) => message.to_owned(),
    }
}

/// Why cargo failed, from its standard error: the place, the error, and the last of its causes.
pub(crate) fn cause(stderr: &str) -> Text {
    let stderr = visible(stderr);
    let mut lines = stderr.lines().map(str::trim).skip_while(|line| !line.starts_with("error"));
    let Some(first) = lines.next() else { return text!("it does not say why", "它没有说明原因") };
    let mut cause = first.trim_start_matches("error: ").to_owned();
    let rest: Vec<_> = lines.collect();
    if let Some(place) = rest.iter().find_map(|line| line.strip_prefix("--> ")) {
        cause = format!("{place}: {cause}");
    }
    if let Some(at) = rest.iter().rposition(|line| *line == "Caused by:") {
        cause = format!("{cause}: {}", rest.get(at + 1).unwrap_or(&""));
    }
    text!("{cause}", "{cause}")
}

#[cfg(test)]
mod tests {
    use super::cause;

    #[test]
    fn what_cargo_says_is_put_in_one_line() {
        let said = |stderr: &str, line: &str| assert_eq!(cause(stderr).en, line);
        said("   Compiling x\nerror: no test target named `a`\n\nhelp: there is `b`\n", "no test target named `a`");
        said("error: unclosed table\n --> Cargo.toml:1:9\n  |\n1 | [package\n", "Cargo.toml:1:9: unclosed table");
        said(
            "error: failed to get `a`\n\nCaused by:\n  download failed\n\nCaused by:\n  --offline was given\n",
            "failed to get `a`: --offline was given",
        );
        said("", "it does not say why");
    }
}
