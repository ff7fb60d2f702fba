//! Grades an exercise: builds it, runs each of its checks as a process of its own, and says how each ended.
//!
//! The learner's code may do anything, so no exit status is trusted alone. A check has passed when its process exited with
//! status 0, libtest's summary counts one test that passed, and the check's own report says the same. Each check is in a
//! process group of its own, with a deadline, and no process is left when it is over.

use std::fs::File;
use std::io::{self, BufRead, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use nix::unistd::pipe2;

use super::safety::unsafe_blocks;
use super::{Checks, Course, Lesson};
use crate::grade::{DEADLINE, Failure, REPORT_TO, Report, Verdict, deadline};
use crate::process::{self, Child, Ended};
use crate::text;
use crate::text::Text;
use crate::ui::visible;

/// How often the learner's code may run into its own deadline before the whole check is stopped.
const DEADLINES: u32 = 6;
/// How much of what a check prints is kept, from its beginning and from its end.
const KEPT: usize = 32 * 1024;

/// An exercise's checks with their verdicts, or why there are none.
#[derive(Debug)]
pub enum Grade {
    /// What the compiler said.
    DoesNotCompile(String),
    /// The checks, in the order of their files.
    Checked(Vec<Checked>),
}

impl Grade {
    /// Whether all is right.
    pub fn is_solved(&self) -> bool {
        match self {
            Grade::DoesNotCompile(_) => false,
            Grade::Checked(checks) => !checks.is_empty() && checks.iter().all(Checked::has_passed),
        }
    }

    /// The functions, in order, each with its checks.
    pub fn functions(&self) -> Vec<(&str, Vec<&Checked>)> {
        let mut functions: Vec<(&str, Vec<&Checked>)> = Vec::new();
        let checks = if let Grade::Checked(checks) = self { checks.as_slice() } else { &[] };
        for check in checks {
            match functions.last_mut() {
                Some((function, of_it)) if *function == check.function => of_it.push(check),
                _ => functions.push((&check.function, vec![check])),
            }
        }
        functions
    }
}

/// A check and how it ended.
#[derive(Debug)]
pub struct Checked {
    /// The function that it grades.
    pub function: String,
    /// What it checks.
    pub name: String,
    /// What it says.
    pub report: Report,
    /// What was printed meanwhile.
    pub output: String,
    /// How long it took.
    pub took: Duration,
}

impl Checked {
    /// Whether the answer is right.
    pub fn has_passed(&self) -> bool {
        self.report.failure.is_none()
    }

    /// How it ended.
    pub fn verdict(&self) -> Verdict {
        self.report.failure.as_ref().map_or(Verdict::Passed, |failure| failure.verdict)
    }
}

/// Builds the lesson's exercise and runs its checks. `began` is told of each check before it runs.
///
/// # Errors
/// When cargo can't be run, a check can't be started, or a file of the course is missing.
pub fn grade(course: &Course, lesson: &Lesson, mut began: impl FnMut(&str)) -> io::Result<Grade> {
    let exercise = course.exercise(lesson);
    let text = exercise.text()?;
    let binaries = match build(course, &[exercise.target()])? {
        Ok(binaries) => binaries,
        Err(diagnostics) => return Ok(Grade::DoesNotCompile(diagnostics)),
    };
    let [(_, binary)] = binaries.as_slice() else {
        return Err(io::Error::other(format!("cargo built no test {}", exercise.target())));
    };
    let mut checked = Vec::new();
    for check in checks_of(binary, "checks::", &exercise.checks()?)? {
        began(&check.name);
        checked.push(check.run(binary, deadline())?);
    }
    checked.extend(safety_of(&text));
    Ok(Grade::Checked(checked))
}

/// Builds test targets and gives back each one's name and binary; or the compiler's errors in them.
///
/// # Errors
/// When cargo can't be run, or fails for another reason than an error in one of the targets: it can't read Cargo.toml, it has
/// no such target, it can't download a crate, another crate does not compile, the disk is full. The error is one line.
pub fn build(course: &Course, targets: &[String]) -> io::Result<Result<Vec<(String, PathBuf)>, String>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(&cargo);
    command.current_dir(course.root()).args(["test", "--no-run", "--message-format=json-diagnostic-rendered-ansi"]);
    command.args(targets.iter().flat_map(|target| ["--test", target])).stdin(Stdio::null());
    let output = command.output();
    let output = output.map_err(|e| io::Error::new(e.kind(), format!("{}: {e}", Path::new(&cargo).display())))?;
    let (mut binaries, mut errors, mut elsewhere) = (Vec::new(), String::new(), None);
    for line in output.stdout.lines().map_while(Result::ok) {
        let Ok(message) = serde_json::from_str::<serde_json::Value>(&line) else { continue };
        let name = message["target"]["name"].as_str().unwrap_or_default();
        let is_asked_for = targets.iter().any(|target| target == name);
        // Warnings, mostly of what is unused as yet, would only hide what keeps it from compiling.
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

/// Whether an error of the compiler is one in a source. The others, of a full disk for example, have no place there; those of
/// the linker have none either, but it is the source that declares what the linker doesn't find.
fn is_in_the_source(diagnostic: &serde_json::Value) -> bool {
    let has_place = diagnostic["spans"].as_array().is_some_and(|spans| !spans.is_empty());
    has_place || diagnostic["message"].as_str().is_some_and(|message| message.starts_with("linking with"))
}

/// An error of the compiler: the place and the first line.
fn in_one_line(diagnostic: &serde_json::Value) -> String {
    let message = diagnostic["message"].as_str().and_then(|message| message.lines().next()).unwrap_or_default();
    let span = &diagnostic["spans"][0];
    match (span["file_name"].as_str(), &span["line_start"]) {
        (Some(file), line) => format!("{file}:{line}: {message}"),
        (None, _) => message.to_owned(),
    }
}

/// Why cargo failed, from what it wrote to its standard error: what it could not do, where, and the last of the causes.
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

/// A check that can be run.
#[derive(Debug)]
pub struct Check {
    /// The function that it grades.
    pub function: String,
    /// What it checks.
    pub name: String,
    /// Its whole name in the test binary.
    test: String,
}

/// The checks in a test binary whose names begin with `module`, in the order in which `source` has them.
///
/// # Errors
/// When the binary can't be run.
pub fn checks_of(binary: &Path, module: &str, source: &Checks) -> io::Result<Vec<Check>> {
    let output = Command::new(binary).args(["--list", "--format=terse"]).stdin(Stdio::null()).output()?;
    let list = String::from_utf8_lossy(&output.stdout);
    let tests = list.lines().filter_map(|line| line.strip_suffix(": test"));
    let mut checks: Vec<Check> = tests
        .filter_map(|test| {
            let (function, name) = test.strip_prefix(module)?.split_once("::")?;
            Some(Check { function: function.to_owned(), name: name.to_owned(), test: test.to_owned() })
        })
        .collect();
    checks.sort_by_key(|check| {
        let place = source.functions.iter().position(|(function, _)| *function == check.function);
        let text = place.map_or("", |place| source.functions[place].1.as_str());
        (place.unwrap_or(usize::MAX), text.find(&format!("fn {}(", check.name)).unwrap_or(usize::MAX))
    });
    Ok(checks)
}

impl Check {
    /// Runs the check in a process of its own. `deadline` is what the learner's code has for each call.
    ///
    /// # Errors
    /// When it can't be started or watched.
    pub fn run(self, binary: &Path, deadline: Duration) -> io::Result<Checked> {
        process::adopt_orphans()?;
        let began = Instant::now();
        // Whatever the check leaves in its temporary directory goes with it.
        let directory = tempfile::tempdir()?;
        let report = directory.path().join("report");
        let temporary = directory.path().join("tmp");
        std::fs::create_dir(&temporary)?;
        let (from, to) = pipe2(OFlag::O_CLOEXEC)?;
        let mut command = Command::new(binary);
        command.args(["--exact", &self.test, "--nocapture", "--test-threads=1", "--color=never"]);
        command.env(REPORT_TO, &report).env("TMPDIR", &temporary).env("RUST_BACKTRACE", "0");
        command.env(DEADLINE, deadline.as_secs().to_string());
        command.stdin(Stdio::null()).stdout(to.try_clone()?).stderr(to);
        let (child, _pipes) = Child::spawn(&mut command)?;
        drop(command); // and with it our end of the pipe to write to
        let (ended, printed) = watch(child, from, deadline * DEADLINES)?;
        let report = std::fs::read(report).ok().and_then(|json| serde_json::from_slice::<Report>(&json).ok());
        let report = verdict(ended, &printed, report);
        let output = what_the_learner_printed(&printed, &self.test);
        Ok(Checked { function: self.function, name: self.name, report, output, took: began.elapsed() })
    }
}

/// Reads what the child prints until it ends; None when it has not after `limit` and was killed. Nobody is left then.
fn watch(mut child: Child, from: OwnedFd, limit: Duration) -> io::Result<(Option<Ended>, String)> {
    fcntl(&from, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    let mut from = File::from(from);
    let mut printed = Printed::default();
    let until = Instant::now() + limit;
    let ended = loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break None;
        }
        let timeout = PollTimeout::try_from(left + Duration::from_millis(1)).map_err(io::Error::other)?;
        let mut waited_for = vec![PollFd::new(child.as_fd(), PollFlags::POLLIN)];
        if !printed.at_end {
            waited_for.push(PollFd::new(from.as_fd(), PollFlags::POLLIN));
        }
        match poll(&mut waited_for, timeout) {
            Err(Errno::EINTR) => continue,
            polled => polled?,
        };
        printed.read(&mut from)?;
        if let Some(ended) = child.ended_within(Duration::ZERO)? {
            break Some(ended);
        }
    };
    drop(child);
    process::end_all_children()?;
    printed.read(&mut from)?;
    Ok((ended, printed.text()))
}

/// What a check printed: its beginning and its end, however much there was in between.
#[derive(Default)]
struct Printed {
    beginning: Vec<u8>,
    end: Vec<u8>,
    at_end: bool,
}

impl Printed {
    /// Reads what there is now.
    fn read(&mut self, from: &mut File) -> io::Result<()> {
        let mut piece = [0; 16 * 1024];
        // Not until the pipe is empty: who prints without end would keep us here.
        for _ in 0..16 {
            match from.read(&mut piece) {
                Ok(0) => {
                    self.at_end = true;
                    return Ok(());
                }
                Ok(length) => self.keep(&piece[..length]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn keep(&mut self, piece: &[u8]) {
        let (first, rest) = piece.split_at(piece.len().min(KEPT - self.beginning.len()));
        self.beginning.extend(first);
        self.end.extend(rest);
        self.end.drain(..self.end.len().saturating_sub(KEPT));
    }

    fn text(&self) -> String {
        let between = if self.end.len() < KEPT { "" } else { "\n[...]\n" };
        let [beginning, end] = [&self.beginning, &self.end].map(|bytes| String::from_utf8_lossy(bytes));
        format!("{beginning}{between}{end}")
    }
}

/// The verdict on a check: what its process did, what it printed, and what it reported, put together.
fn verdict(ended: Option<Ended>, printed: &str, report: Option<Report>) -> Report {
    let failure = match (&ended, &report) {
        (_, Some(Report { failure: Some(failure), .. })) => Some(failure.clone()),
        (None, _) => Some(Failure::timed_out()),
        (Some(Ended::Exited(0)), Some(_)) if says_that_one_test_passed(printed) => None,
        (Some(Ended::Exited(101)), None) => Some(Failure::of_broken_check(printed)),
        (Some(ended), _) => Some(Failure::of_end(ended.clone())),
    };
    let failure = failure.map(|failure| match failure.signal.as_deref() {
        // std aborts with these words when an allocation fails.
        Some(signal) if signal == Signal::SIGABRT.as_str() && printed.contains("memory allocation of ") => {
            failure.out_of_memory()
        }
        _ => failure,
    });
    let nothing = || Report { section: String::new(), rule: text!("", ""), failure: None };
    Report { failure, ..report.unwrap_or_else(nothing) }
}

fn says_that_one_test_passed(printed: &str) -> bool {
    printed.lines().any(|line| line.starts_with("test result: ok. 1 passed; 0 failed;"))
}

/// What is left of a check's output without libtest's own lines.
fn what_the_learner_printed(printed: &str, test: &str) -> String {
    let begin = format!("test {test} ... ");
    let printed = printed.split_once(&begin).map_or(printed, |(_, rest)| rest);
    let ends = ["FAILED\n\nfailures:\n", "ok\n\ntest result: "];
    let printed = ends.iter().find_map(|end| printed.rsplit_once(end)).map_or(printed, |(printed, _)| printed);
    printed.trim_end().to_owned()
}

/// The check of the text itself, where it has an unsafe block: that each says why it is sound.
fn safety_of(text: &str) -> Option<Checked> {
    let blocks = unsafe_blocks(text);
    if blocks.is_empty() {
        return None;
    }
    let lines: Vec<_> = blocks.iter().filter(|(_, explained)| !explained).map(|(line, _)| line.to_string()).collect();
    let failure = (!lines.is_empty()).then(|| {
        let (en, zh) = (lines.join(", "), lines.join("、"));
        Failure::new(
            text!(
                "a comment `// SAFETY: ...` before each unsafe block",
                "每个 unsafe 块之前都有一条 `// SAFETY: ……` 注释"
            ),
            Text::new(format!("there is none in front of the block in line {en}"), format!("第 {zh} 行的块前面没有")),
        )
    });
    let rule = text!(
        "An unsafe block takes over a promise that the compiler can't check. The comment names it: why the pointer is \
         valid, for how long, and who else touches that memory (clippy: undocumented_unsafe_blocks).",
        "unsafe 块承担了一项编译器无法检查的保证。注释要写明它是什么：指针为什么有效、有效多久、还有谁会访问这块内存\
         （clippy：undocumented_unsafe_blocks）。"
    );
    let report = Report { section: "2:access".to_owned(), rule, failure };
    Some(Checked {
        function: "unsafe".to_owned(),
        name: "each_block_says_why_it_is_sound".to_owned(),
        report,
        output: String::new(),
        took: Duration::ZERO,
    })
}

#[cfg(test)]
mod tests {
    use super::{KEPT, Printed, cause, says_that_one_test_passed, what_the_learner_printed};

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

    #[test]
    fn the_learners_output_is_kept_and_libtests_is_not() {
        let passed =
            "\nrunning 1 test\ntest checks::f::g ... hello\nyou\nok\n\ntest result: ok. 1 passed; 0 failed; 0\n";
        assert_eq!(what_the_learner_printed(passed, "checks::f::g"), "hello\nyou");
        assert!(says_that_one_test_passed(passed));
        let failed = "\nrunning 1 test\ntest checks::f::g ... FAILED\n\nfailures:\n\nfailures:\n    checks::f::g\n\ntest \
                      result: FAILED. 0 passed; 1 failed; 0\n";
        assert_eq!(what_the_learner_printed(failed, "checks::f::g"), "");
        assert!(!says_that_one_test_passed(failed));
    }

    #[test]
    fn of_a_flood_the_beginning_and_the_end_are_kept() {
        let mut printed = Printed::default();
        printed.keep(b"first");
        for _ in 0..1000 {
            printed.keep(&[b'x'; 1000]);
        }
        printed.keep(b"last");
        let text = printed.text();
        assert!(text.starts_with("first") && text.ends_with("last") && text.contains("[...]"));
        assert!(text.len() <= 2 * KEPT + 8);
    }
}
