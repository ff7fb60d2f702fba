//! Runs each check as a process of its own, and keeps what it prints.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::pipe2;

use super::Checked;
use super::verdict::{verdict, what_the_learner_printed};
use crate::course::Checks;
use crate::grade::{DEADLINE_VARIABLE, REPORT_VARIABLE, Report};
use crate::process::{self, Child, Ended};

/// A check is stopped after this number of deadlines of the learner's code.
const DEADLINES: u32 = 6;
/// The number of bytes of a check's output that are kept from its beginning, and again from its end.
const KEPT: usize = 32 * 1024;

/// A check that can be run.
#[derive(Debug)]
pub struct Check {
    /// The function that it grades.
    pub function: String,
    /// What it checks.
    pub name: String,
    /// Its full name in the test binary.
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
    /// Runs the check in a process of its own. `deadline` limits each call of the learner's code.
    ///
    /// # Errors
    /// When it can't be started or watched.
    pub fn run(self, binary: &Path, deadline: Duration) -> io::Result<Checked> {
        process::adopt_orphans()?;
        let began = Instant::now();
        // Dropping this directory deletes all that the check leaves in it.
        let directory = tempfile::tempdir()?;
        let report = directory.path().join("report");
        let temporary = directory.path().join("tmp");
        std::fs::create_dir(&temporary)?;
        let (from, to) = pipe2(OFlag::O_CLOEXEC)?;
        let mut command = Command::new(binary);
        command.args(["--exact", &self.test, "--nocapture", "--test-threads=1", "--color=never"]);
        command.env(REPORT_VARIABLE, &report).env("TMPDIR", &temporary).env("RUST_BACKTRACE", "0");
        command.env(DEADLINE_VARIABLE, deadline.as_secs().to_string());
        command.stdin(Stdio::null()).stdout(to.try_clone()?).stderr(to);
        let (child, _pipes) = Child::spawn(&mut command)?;
        drop(command); // and with it our copy of the pipe's write end
        let limit = deadline * DEADLINES;
        let (ended, printed) = watch(child, from, limit)?;
        let report = std::fs::read(report).ok().and_then(|json| serde_json::from_slice::<Report>(&json).ok());
        let report = verdict(ended, limit, &printed, report);
        let output = what_the_learner_printed(&printed, &self.test);
        Ok(Checked { function: self.function, name: self.name, report, output, took: began.elapsed() })
    }
}

/// Reads what the child prints until it ends; None when it had not ended after `limit` and was killed. Afterwards no
/// process that it forked is left.
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
