//! How a child ended.

use std::fmt;
use std::io;

use nix::sys::signal::Signal;
use nix::sys::wait::WaitStatus;

use super::fault::Fault;
use super::report::{EndReport, FAILED};
use crate::error::other;
use crate::fault::Cause;
use crate::observe::Area;
use crate::text;
use crate::text::Text;

/// How a process ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// It called `_exit` with this status, or its body returned (status 0).
    Exited(i32),
    /// Its body returned an error: the text.
    Failed(String),
    /// Its body panicked.
    Panicked(Panic),
    /// It died of an access to memory: what the kernel said of it, and what was mapped at that address, as the process
    /// itself read it in /proc/self/maps. None where nothing was mapped, or where the list was too long to pass on.
    Faulted(Fault, Option<Area>),
    /// It was killed by this signal, and no fault was reported.
    Killed(Signal),
}

impl Ended {
    pub(super) fn new(status: WaitStatus, report: Option<EndReport>) -> io::Result<Ended> {
        Ok(match (status, report) {
            (WaitStatus::Signaled(_, signal, _), Some(EndReport::Fault(fault, area))) if signal == fault.signal => {
                Ended::Faulted(fault, area)
            }
            (WaitStatus::Signaled(_, signal, _), _) => Ended::Killed(signal),
            (WaitStatus::Exited(_, FAILED), Some(EndReport::Error(text))) => Ended::Failed(text),
            (WaitStatus::Exited(_, FAILED), Some(EndReport::Panic(panic))) => Ended::Panicked(panic),
            (WaitStatus::Exited(_, status), _) => Ended::Exited(status),
            (status, _) => {
                return Err(other(text!(
                    "neither exited nor killed: {status:?}",
                    "既没有退出，也没有被杀死：{status:?}"
                )));
            }
        })
    }

    /// Nothing when the process ended with status 0.
    ///
    /// # Errors
    /// For any other end, which the error names.
    pub fn success(self) -> io::Result<()> {
        match self {
            Ended::Exited(0) => Ok(()),
            badly => {
                let Text { en, zh } = badly.in_words();
                Err(other(text!("the child ended badly: {en}", "子进程没有正常结束：{zh}")))
            }
        }
    }

    /// How it ended, in words.
    pub fn in_words(&self) -> Text {
        match self {
            Ended::Exited(status) => text!("exited with status {status}", "以状态 {status} 退出"),
            Ended::Failed(why) => text!("failed: {why}", "失败：{why}"),
            Ended::Panicked(panic) => text!("{panic}", "{panic}"),
            Ended::Faulted(fault, _) => text!("killed by {fault}", "被 {fault} 杀死"),
            Ended::Killed(signal) => text!("killed by {signal}", "被 {signal} 杀死"),
        }
    }

    /// The fault, if it died of one.
    pub fn fault(&self) -> Option<Fault> {
        match self {
            Ended::Faulted(fault, _) => Some(*fault),
            Ended::Exited(_) | Ended::Failed(_) | Ended::Panicked(_) | Ended::Killed(_) => None,
        }
    }

    /// Why it faulted, if it died of a fault that a mapping can cause.
    pub fn cause(&self) -> Option<Cause> {
        self.fault()?.cause()
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.in_words().en)
    }
}

/// A panic of a child's body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Panic {
    /// The message of the `panic!()`.
    pub message: String,
    /// The source in which it was called, as the compiler names it: a path from the workspace's root.
    pub file: String,
    /// The line of the call, from 1 on.
    pub line: u32,
    /// The column of the call in characters, from 1 on.
    pub column: u32,
}

impl Panic {
    pub(super) fn to_report(&self) -> String {
        format!("{}\n{}\n{}\n{}", self.file, self.line, self.column, self.message)
    }

    pub(super) fn of_report(report: &str) -> Option<Panic> {
        let mut parts = report.splitn(4, '\n');
        let file = parts.next()?.to_owned();
        let (line, column) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        Some(Panic { message: parts.next()?.to_owned(), file, line, column })
    }
}

/// As the standard library prints it.
impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "panicked at {}:{}:{}:\n{}", self.file, self.line, self.column, self.message)
    }
}
