//! Runs checks, each as a process of its own, as many at once as there are cores, and keeps what they print.

use std::env::vars_os;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::num::NonZero;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::{Pid, pipe2};
use tempfile::TempDir;

use super::Checked;
use super::verdict::{says_that_one_test_passed, verdict, what_the_learner_printed};
use crate::grade::{
    ANSWER_VARIABLE, DEADLINE_VARIABLE, Failure, Limit, REPORT_VARIABLE, Report, SEED_VARIABLE, deadline,
};
use crate::process::{self, Child, Ended};
use crate::text;

/// A check is stopped after this number of deadlines of the learner's code.
const DEADLINES: u32 = 6;
/// The number of bytes of a check's output that are kept from its beginning, and again from its end.
const KEPT: usize = 32 * 1024;
/// The number of bytes of a report that are read: more than any check has to say.
const REPORT: u64 = 1 << 20;

/// The disk space of temporary files that a check may leave, in bytes. They are removed in any case.
const MOST_LEFT: u64 = 64 << 20;

/// A check to be run.
#[derive(Debug, Clone)]
pub struct Check {
    /// The function that it grades.
    pub function: String,
    /// Whether that is a further function.
    pub is_further: bool,
    /// What it checks.
    pub name: String,
    /// Which of the answers in the binary is graded; None where there is only one, a learner's.
    pub answer: Option<String>,
}

impl Check {
    /// Its name in the test binary.
    pub fn test(&self) -> String {
        format!("checks::{}::{}", self.function, self.name)
    }

    /// It failed before it began.
    pub(super) fn not_run(self, failure: &Failure) -> Checked {
        let report = Report { section: String::new(), rule: text!("", ""), failure: Some(failure.clone()) };
        let (output, took) = (String::new(), Duration::ZERO);
        let Check { function, is_further, name, .. } = self;
        Checked { function, is_further, name, report, see_first: None, output, took }
    }
}

/// A test binary as it is now: cargo may replace the file meanwhile.
#[derive(Debug)]
pub struct Binary {
    /// A name of the open file, which only this process has.
    path: PathBuf,
    _file: File,
}

impl Binary {
    /// The binary at `path`.
    ///
    /// # Errors
    /// Those of open(2).
    pub fn open(path: &Path) -> io::Result<Binary> {
        let file = File::open(path)?;
        Ok(Binary { path: format!("/proc/self/fd/{}", file.as_raw_fd()).into(), _file: file })
    }

    /// The id of the texts that it was built from, None where cargo was told none; or why it can't say: code of the
    /// learner's may run before any test.
    ///
    /// # Errors
    /// When it can't be run.
    pub fn texts(&self) -> io::Result<Result<Option<u64>, Failure>> {
        process::adopt_orphans()?;
        let limit = deadline();
        let ran = finish_one(&mut vec![Running::start(0, self.test("texts").arg("--ignored"), limit)?])?;
        let printed = what_the_learner_printed(&ran.printed, "texts");
        if printed.is_empty() && says_that_one_test_passed(&ran.printed) {
            return Ok(Ok(None));
        }
        Ok(printed.parse().map(Some).map_err(|_| match ran.ended {
            Some(ended) => Failure::of_end(ended),
            None => Failure::timed_out(Limit::Check(limit)),
        }))
    }

    /// The names of all tests in it.
    ///
    /// # Errors
    /// When it can't be run.
    pub fn list(&self) -> io::Result<Vec<String>> {
        let output = Command::new(&self.path).args(["--list", "--format=terse"]).output()?;
        let list = String::from_utf8_lossy(&output.stdout);
        Ok(list.lines().filter_map(|line| line.strip_suffix(": test").map(str::to_owned)).collect())
    }

    /// Runs checks, as many at once as there are cores, and returns them in their order. `deadline` limits each call of
    /// the learner's code. `began` is called with each check when it begins.
    ///
    /// # Errors
    /// When one can't be started or watched.
    pub fn run(&self, checks: &[Check], deadline: Duration, mut began: impl FnMut(&Check)) -> io::Result<Vec<Checked>> {
        process::adopt_orphans()?;
        let at_once = available_parallelism().map_or(1, NonZero::get);
        let mut checked: Vec<_> = checks.iter().map(|_| None).collect();
        let mut waiting = checks.iter().enumerate();
        let mut running = Vec::new();
        loop {
            for (n, check) in waiting.by_ref().take(at_once - running.len()) {
                began(check);
                let mut command = self.test(&check.test());
                command.env(DEADLINE_VARIABLE, deadline.as_secs().to_string());
                command.envs(check.answer.iter().map(|answer| (ANSWER_VARIABLE, answer)));
                running.push(Running::start(n, &mut command, deadline * DEADLINES)?);
            }
            if running.is_empty() {
                return Ok(checked.into_iter().flatten().collect());
            }
            let Ran { n, ended, printed, report, left, limit, took } = finish_one(&mut running)?;
            let Check { function, is_further, name, .. } = checks[n].clone();
            let output = what_the_learner_printed(&printed, &checks[n].test());
            let mut report = verdict(ended, limit, &printed, report);
            if left > MOST_LEFT {
                report.failure.get_or_insert_with(|| leaves_files(left));
            }
            checked[n] = Some(Checked { function, is_further, name, report, see_first: None, output, took });
        }
    }

    /// The command that runs one of its tests.
    fn test(&self, test: &str) -> Command {
        let mut command = Command::new(&self.path);
        command.args(["--exact", test, "--nocapture", "--test-threads=1", "--color=never"]);
        command.env("RUST_BACKTRACE", "0").env_remove(ANSWER_VARIABLE);
        // A grade doesn't depend on proptest's settings, except that other random values may be asked for.
        let settings = vars_os().map(|(name, _)| name).filter(|name| name.to_string_lossy().starts_with("PROPTEST_"));
        for setting in settings.filter(|name| name != SEED_VARIABLE) {
            command.env_remove(setting);
        }
        command
    }
}

/// A test that is running.
struct Running {
    n: usize,
    child: Child,
    /// The end of the pipe that it prints to.
    pipe: File,
    printed: Printed,
    report: File,
    began: Instant,
    limit: Duration,
    /// Its directory for temporary files. Dropping it deletes all that is left there.
    temporary: TempDir,
}

/// A test that has ended.
struct Ran {
    n: usize,
    /// None when it had not ended after `limit` and was killed.
    ended: Option<Ended>,
    printed: String,
    report: Option<Report>,
    /// The disk space of the temporary files that it has left, in bytes.
    left: u64,
    limit: Duration,
    took: Duration,
}

impl Running {
    fn start(n: usize, command: &mut Command, limit: Duration) -> io::Result<Running> {
        let began = Instant::now();
        let temporary = tempfile::tempdir()?;
        // It has no name, so nothing else can be put in its place.
        let report = tempfile::tempfile()?;
        let descriptor = report.as_raw_fd();
        let (pipe, to) = pipe2(OFlag::O_CLOEXEC)?;
        fcntl(&pipe, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        command.env(REPORT_VARIABLE, descriptor.to_string()).env("TMPDIR", temporary.path());
        command.stdin(Stdio::null()).stdout(to.try_clone()?).stderr(to);
        let inherit = move || {
            // SAFETY: a call on a number; this process has the report open for as long as the command exists.
            Errno::result(unsafe { libc::fcntl(descriptor, libc::F_SETFD, 0) }).map(drop).map_err(io::Error::from)
        };
        // SAFETY: the closure makes one raw call, allocates nothing and takes no lock.
        unsafe { command.pre_exec(inherit) };
        let (child, _pipes) = Child::spawn(command)?;
        // Our copies of the pipe's write end.
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let printed = Printed::default();
        Ok(Running { n, child, pipe: pipe.into(), printed, report, began, limit, temporary })
    }

    /// How long it may still run.
    fn left(&self) -> Duration {
        self.limit.saturating_sub(self.began.elapsed())
    }
}

/// Reads what the tests print until one of them ends or exceeds its limit, and removes that one. Afterwards no process
/// that it forked is left.
fn finish_one(running: &mut Vec<Running>) -> io::Result<Ran> {
    loop {
        let left = running.iter().map(Running::left).min().unwrap_or_default();
        let timeout = PollTimeout::try_from(left + Duration::from_millis(1)).map_err(io::Error::other)?;
        let mut waited_for = Vec::new();
        for one in running.iter() {
            waited_for.push(PollFd::new(one.child.as_fd(), PollFlags::POLLIN));
            if !one.printed.at_end {
                waited_for.push(PollFd::new(one.pipe.as_fd(), PollFlags::POLLIN));
            }
        }
        match poll(&mut waited_for, timeout) {
            Err(Errno::EINTR) => continue,
            polled => polled?,
        };
        for at in 0..running.len() {
            let one = &mut running[at];
            one.printed.read(&mut one.pipe)?;
            let ended = one.child.ended_within(Duration::ZERO)?;
            if ended.is_none() && !one.left().is_zero() {
                continue;
            }
            let Running { n, child, mut pipe, mut printed, mut report, began, limit, temporary } = running.remove(at);
            drop(child);
            let others: Vec<Pid> = running.iter().map(|one| one.child.pid()).collect();
            process::end_children_except(&others)?;
            printed.read(&mut pipe)?;
            report.rewind()?;
            let report = serde_json::from_reader(io::BufReader::new(report.take(REPORT))).ok();
            let left = disk_space(temporary.path());
            return Ok(Ran { n, ended, printed: printed.text(), report, left, limit, took: began.elapsed() });
        }
    }
}

/// The disk space of a directory with all that is in it, in bytes. What can't be looked at doesn't count.
fn disk_space(directory: &Path) -> u64 {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => disk_space(&entry.path()),
        Ok(metadata) => metadata.blocks() * 512,
        Err(_) => 0,
    });
    sizes.sum()
}

fn leaves_files(bytes: u64) -> Failure {
    let (most, left) = (MOST_LEFT >> 20, bytes >> 20);
    Failure::new(
        text!("at most {most} MiB of temporary files are left", "留下的临时文件最多 {most} MiB"),
        text!("{left} MiB are left in $TMPDIR; they are removed", "$TMPDIR 里留下了 {left} MiB，已被删除"),
    )
}

/// What a check printed: the beginning and the end, without what was between them.
#[derive(Default)]
struct Printed {
    beginning: Vec<u8>,
    end: Vec<u8>,
    at_end: bool,
}

impl Printed {
    /// Reads what has been printed so far.
    fn read(&mut self, from: &mut File) -> io::Result<()> {
        let mut chunk = [0; 16 * 1024];
        // Not until the pipe is empty: a check that prints without end would never let this return.
        for _ in 0..16 {
            match from.read(&mut chunk) {
                Ok(0) => {
                    self.at_end = true;
                    return Ok(());
                }
                Ok(length) => self.keep(&chunk[..length]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn keep(&mut self, chunk: &[u8]) {
        let (first, rest) = chunk.split_at(chunk.len().min(KEPT - self.beginning.len()));
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

#[cfg(test)]
mod tests {
    use super::{KEPT, Printed};

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
