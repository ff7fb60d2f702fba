//! Runs checks, each as a process of its own, as many at once as there are cores, and keeps what they print.

use std::env::vars_os;
use std::ffi::OsString;
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
use nix::sys::signal::Signal;
use nix::unistd::{Pid, pipe2};
use tempfile::TempDir;

use super::Checked;
use super::verdict::{says_that_one_test_passed, verdict, what_the_learner_printed};
use crate::error::other;
use crate::grade::{
    ANSWER_VARIABLE, DEADLINE_VARIABLE, Failure, Limit, On, REPORT_VARIABLE, Report, SEED_VARIABLE, Verdict, deadline,
    refuse,
};
use crate::process::{self, Child, Ended};
use crate::text;

/// A check is stopped after this number of deadlines of the learner's code.
const DEADLINES: u32 = 6;
/// After this number of checks of a function that took too long, its others are not run: each would take as long.
const STUCK: usize = 3;
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
        let report = Report {
            section: String::new(),
            rule: text!("", ""),
            failure: Some(failure.clone()),
            left: None,
            told: None,
        };
        let (output, took) = (String::new(), Duration::ZERO);
        let Check { function, is_further, name, .. } = self;
        Checked { function, is_further, name, report, see_first: None, output, took }
    }
}

/// A test binary as it is now: cargo may replace the file meanwhile.
#[derive(Debug)]
pub struct Binary {
    /// Where it is for the process that runs it.
    path: PathBuf,
    /// Keeps a name that only this process has.
    _file: Option<File>,
    apart: Option<Apart>,
    /// How many checks run at the same time.
    at_once: usize,
}

/// How a binary is run whose code is somebody else's.
#[derive(Debug, Clone)]
pub struct Apart {
    /// The sandbox: a program with its arguments, to which the command that it runs is added. Such a program ends with
    /// 128 more than the number of the signal that has killed the command, or with 125 where it could not be made, and
    /// leaves no process. Where it is empty, there is no sandbox.
    pub sandbox: Vec<OsString>,
    /// The directory that the paths of its sources begin at.
    pub root: PathBuf,
    /// No check runs longer.
    pub until: Instant,
}

/// The exit status of a sandbox that could not be made.
const NOT_MADE: i32 = 125;
/// That of one whose command was killed, to which the signal's number is added.
const KILLED: i32 = 128;

/// The directory for temporary files in a sandbox.
pub const TEMPORARY: &str = "/tmp";
/// Where programs are looked for in a sandbox.
const PROGRAMS: &str = "/usr/bin:/bin";

/// A program that is run by the words before it, if there are any, with nothing of this process's environment.
pub(crate) fn command_after(before: &[OsString], program: &Path) -> Command {
    let mut command = match before {
        [sandbox, arguments @ ..] => {
            let mut command = Command::new(sandbox);
            command.args(arguments).arg(program);
            command
        }
        [] => Command::new(program),
    };
    command.env_clear().env("PATH", PROGRAMS);
    command
}

impl Binary {
    /// The binary at `path`.
    ///
    /// # Errors
    /// Those of open(2).
    pub fn open(path: &Path) -> io::Result<Binary> {
        let file = File::open(path)?;
        let path = format!("/proc/self/fd/{}", file.as_raw_fd()).into();
        let at_once = available_parallelism().map_or(1, NonZero::get);
        Ok(Binary { path, _file: Some(file), apart: None, at_once })
    }

    /// The same, which runs twice as many checks at once: for answers that wait more than they compute.
    #[must_use]
    pub fn crowded(self) -> Binary {
        Binary { at_once: 2 * self.at_once, ..self }
    }

    /// The binary at `path`, which nobody replaces, with somebody else's code. Its checks run one at a time, with nothing
    /// of this process's environment.
    pub fn apart(path: &Path, apart: Apart) -> Binary {
        Binary { path: path.to_owned(), _file: None, apart: Some(apart), at_once: 1 }
    }

    /// The id of the texts that it was built from, None where cargo was told none; or why it can't say: code of the
    /// learner's may run before any test.
    ///
    /// # Errors
    /// When it can't be run.
    pub fn texts(&self) -> io::Result<Result<Option<u64>, Failure>> {
        process::adopt_orphans()?;
        let limit = deadline();
        let ran = finish_one(&mut vec![self.start(0, self.test("texts").arg("--ignored"), limit)?])?;
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

    /// Runs checks, as many at once as there are cores unless it is [`Self::crowded`], and returns them in their order.
    /// `deadline` limits each call of the learner's code. `began` is called with each check when it begins.
    ///
    /// # Errors
    /// When one can't be started or watched.
    pub fn run(&self, checks: &[Check], deadline: Duration, mut began: impl FnMut(&Check)) -> io::Result<Vec<Checked>> {
        // A sandbox ends what it has started, and may leave its own first process to be reaped: by the guardian, since other
        // threads of this one wait for their children.
        if !self.is_in_a_sandbox() {
            process::adopt_orphans()?;
        }
        let mut checked: Vec<_> = checks.iter().map(|_| None).collect();
        let mut waiting: Vec<usize> = (0..checks.len()).collect();
        let mut running: Vec<Running> = Vec::new();
        loop {
            while running.len() < self.at_once {
                let turns = waiting.iter().map(|&n| turn(checks, &checked, n));
                let Some(at) = turns.clone().position(|turn| turn != Turn::Later) else { break };
                let (is_stuck, n) = (turns.clone().nth(at) == Some(Turn::Never), waiting[at]);
                waiting.remove(at);
                let check = &checks[n];
                if is_stuck {
                    checked[n] = Some(check.clone().not_run(&Failure::timed_out(Limit::Others(STUCK))));
                    continue;
                }
                let limit = deadline * DEADLINES;
                let limit = self.apart.as_ref().map_or(limit, |apart| limit.min(apart.left()));
                if limit.is_zero() {
                    checked[n] = Some(check.clone().not_run(&Failure::timed_out(Limit::Submission)));
                    continue;
                }
                began(check);
                let mut command = self.test(&check.test());
                command.env(DEADLINE_VARIABLE, deadline.as_secs().to_string());
                command.envs(check.answer.iter().map(|answer| (ANSWER_VARIABLE, answer)));
                running.push(self.start(n, &mut command, limit)?);
            }
            // None waits then: what a check waits for is a check that runs.
            if running.is_empty() {
                return Ok(checked.into_iter().flatten().collect());
            }
            let Ran { n, ended, printed, report, left, limit, took } = finish_one(&mut running)?;
            let Check { function, is_further, name, .. } = checks[n].clone();
            let output = what_the_learner_printed(&printed, &checks[n].test());
            if self.is_in_a_sandbox() && ended == Some(Ended::Exited(NOT_MADE)) && report.is_none() {
                return Err(other(text!("the sandbox could not be made: {printed}", "沙箱没能建立：{printed}")));
            }
            let ended = ended.map(|ended| if self.is_in_a_sandbox() { of_command(ended) } else { ended });
            let mut report = verdict(ended, limit, &printed, report);
            if left > MOST_LEFT {
                report.failure.get_or_insert_with(|| leaves_files(left));
            }
            checked[n] = Some(Checked { function, is_further, name, report, see_first: None, output, took });
        }
    }

    /// The command that runs one of its tests.
    fn test(&self, test: &str) -> Command {
        let mut command = match &self.apart {
            Some(apart) => {
                let mut command = command_after(&apart.sandbox, &self.path);
                command.env("CARGO_MANIFEST_DIR", &apart.root);
                command
            }
            None => Command::new(&self.path),
        };
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

/// Whether a check is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Now,
    /// When it is known how those before it have ended.
    Later,
    /// Its function doesn't return, as those before it have shown.
    Never,
}

/// By the checks of the same function before it alone, so that it is the same in each run, however many run at once.
fn turn(checks: &[Check], checked: &[Option<Checked>], n: usize) -> Turn {
    let same =
        |before: &usize| checks[*before].function == checks[n].function && checks[*before].answer == checks[n].answer;
    let (mut stuck, mut unknown) = (0, 0);
    for before in (0..n).filter(same) {
        match &checked[before] {
            None => unknown += 1,
            Some(ended) => stuck += usize::from(ended.verdict() == Verdict::TimedOut),
        }
    }
    match (stuck, stuck + unknown) {
        (STUCK.., _) => Turn::Never,
        (_, STUCK..) => Turn::Later,
        _ => Turn::Now,
    }
}

/// The system calls that are not for a check. Those of the kernel's keyrings (keyrings(7)): no namespace has keys of its own,
/// and they outlive the process. Those by which the kernel reads files without a call that is seen when a process is traced
/// (io_uring(7), io_submit(2)). And those of which the kernel has had faults, and no exercise a use.
const NOT_FOR_CHECKS: [libc::c_long; 8] = [
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_io_uring_setup,
    libc::SYS_io_setup,
    libc::SYS_userfaultfd,
    libc::SYS_perf_event_open,
    libc::SYS_bpf,
];

/// Takes from this process what no namespace does. Async-signal-safe.
fn keep_from_the_kernel() -> io::Result<()> {
    refuse(&NOT_FOR_CHECKS, On::Everything, Errno::ENOSYS)?;
    // This family leads to the machine that this virtual one runs on (vsock(7)).
    refuse(&[libc::SYS_socket], On::Descriptor(libc::AF_VSOCK), Errno::EAFNOSUPPORT)
}

impl Apart {
    /// How long a check may still run.
    fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }
}

/// How the command ended that a sandbox has run.
fn of_command(sandbox: Ended) -> Ended {
    match sandbox {
        Ended::Exited(status) if status > KILLED => {
            Signal::try_from(status - KILLED).map_or(Ended::Exited(status), Ended::Killed)
        }
        ended => ended,
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
    /// Its directory for temporary files. Dropping it deletes all that is left there. None where the sandbox has one.
    temporary: Option<TempDir>,
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

impl Binary {
    fn is_in_a_sandbox(&self) -> bool {
        self.apart.as_ref().is_some_and(|apart| !apart.sandbox.is_empty())
    }

    fn start(&self, n: usize, command: &mut Command, limit: Duration) -> io::Result<Running> {
        let began = Instant::now();
        let temporary = if self.is_in_a_sandbox() { None } else { Some(tempfile::tempdir()?) };
        let directory = temporary.as_ref().map_or(Path::new(TEMPORARY), TempDir::path);
        // It has no name, so nothing else can be put in its place.
        let report = tempfile::tempfile()?;
        let descriptor = report.as_raw_fd();
        let (pipe, to) = pipe2(OFlag::O_CLOEXEC)?;
        fcntl(&pipe, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        command.env(REPORT_VARIABLE, descriptor.to_string()).env("TMPDIR", directory);
        command.stdin(Stdio::null()).stdout(to.try_clone()?).stderr(to);
        let inherit = move || {
            // SAFETY: a call on a number; this process has the report open for as long as the command exists.
            Errno::result(unsafe { libc::fcntl(descriptor, libc::F_SETFD, 0) }).map(drop).map_err(io::Error::from)
        };
        // SAFETY: the closure makes one raw call, allocates nothing and takes no lock.
        unsafe { command.pre_exec(inherit) };
        if self.is_in_a_sandbox() {
            // SAFETY: the function makes raw calls, allocates nothing and takes no lock.
            unsafe { command.pre_exec(keep_from_the_kernel) };
        }
        let (child, _pipes) = Child::spawn(command)?;
        // Our copies of the pipe's write end.
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let printed = Printed::default();
        Ok(Running { n, child, pipe: pipe.into(), printed, report, began, limit, temporary })
    }
}

impl Running {
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
            // A sandbox has left none, and this process may be grading other answers meanwhile.
            if temporary.is_some() {
                let others: Vec<Pid> = running.iter().map(|one| one.child.pid()).collect();
                process::end_children_except(&others)?;
            }
            printed.read(&mut pipe)?;
            report.rewind()?;
            let report = serde_json::from_reader(io::BufReader::new(report.take(REPORT))).ok();
            let left = temporary.as_ref().map_or(0, |temporary| disk_space(temporary.path()));
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
    use super::{Check, KEPT, Printed, STUCK, Turn, turn};
    use crate::grade::{Failure, Limit};
    use crate::text;

    #[test]
    fn of_a_function_that_does_not_return_few_checks_are_run() {
        let check = |function: &str| Check {
            function: function.to_owned(),
            is_further: false,
            name: "returns".to_owned(),
            answer: None,
        };
        let checks = ["f", "f", "f", "g", "f", "f"].map(check);
        let mut checked = checks.clone().map(|_| None);
        let mut turns = |ended: &[(usize, Option<Limit>)]| {
            for (n, limit) in ended {
                let failure = match limit {
                    Some(limit) => Failure::timed_out(*limit),
                    None => Failure::new(text!("one", "一"), text!("two", "二")),
                };
                checked[*n] = Some(checks[*n].clone().not_run(&failure));
            }
            [3, 4, 5].map(|n| turn(&checks, &checked, n))
        };
        assert_eq!(STUCK, 3);
        assert_eq!(turns(&[]), [Turn::Now, Turn::Later, Turn::Later]);
        assert_eq!(turns(&[(0, Some(Limit::Call)), (2, Some(Limit::Step))]), [Turn::Now, Turn::Later, Turn::Later]);
        // What fails at once does not count, and what comes later never does.
        assert_eq!(turns(&[(1, None)]), [Turn::Now, Turn::Now, Turn::Later]);
        assert_eq!(turns(&[(5, Some(Limit::Call))]), [Turn::Now, Turn::Now, Turn::Later]);
        assert_eq!(turns(&[(1, Some(Limit::Call))]), [Turn::Now, Turn::Never, Turn::Never]);
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
