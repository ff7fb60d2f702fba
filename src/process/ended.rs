//! How a child ended.

use std::fmt;
use std::io;

use nix::sys::signal::Signal;
use nix::sys::wait::WaitStatus;

use super::fault::Fault;
use super::report::{EndReport, FAILED};
use crate::fault::Cause;
use crate::observe::Area;

/// How a process ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// It called `_exit` with this status, or its body came to its end (status 0).
    Exited(i32),
    /// Its body returned an error or panicked: the text.
    Failed(String),
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
            // A child of the child's may have said something of itself, into the pipe that it has from its parent.
            (WaitStatus::Exited(_, FAILED), Some(EndReport::Text(text))) => Ended::Failed(text),
            (WaitStatus::Exited(_, status), _) => Ended::Exited(status),
            (status, _) => return Err(io::Error::other(format!("neither exited nor killed: {status:?}"))),
        })
    }

    /// Nothing when the process came to its end; an error that says how it ended otherwise.
    ///
    /// # Errors
    /// Whatever is not `Exited(0)`.
    pub fn success(self) -> io::Result<()> {
        match self {
            Ended::Exited(0) => Ok(()),
            other => Err(io::Error::other(format!("the child ended badly: {other}"))),
        }
    }

    /// The fault, if it died of one.
    pub fn fault(&self) -> Option<Fault> {
        match self {
            Ended::Faulted(fault, _) => Some(*fault),
            Ended::Exited(_) | Ended::Failed(_) | Ended::Killed(_) => None,
        }
    }

    /// Why it faulted, if it died of a fault that a mapping can cause.
    pub fn cause(&self) -> Option<Cause> {
        self.fault()?.cause()
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ended::Exited(status) => write!(f, "exited with status {status}"),
            Ended::Failed(text) => write!(f, "failed: {text}"),
            Ended::Faulted(fault, _) => write!(f, "killed by {fault}"),
            Ended::Killed(signal) => write!(f, "killed by {signal}"),
        }
    }
}
