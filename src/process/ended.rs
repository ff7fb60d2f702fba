//! How a child ended.

use std::fmt;
use std::io;
use std::ops::Range;

use nix::libc;
use nix::sys::signal::Signal;
use nix::sys::wait::WaitStatus;

use super::report::{EndReport, FAILED};

/// How a process ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// It called `_exit` with this status, or its body came to its end (status 0).
    Exited(i32),
    /// Its body returned an error or panicked: the text.
    Failed(String),
    /// It died of a touch of memory: the signal's siginfo.
    Faulted(Fault),
    /// It was killed by this signal, and no fault was reported.
    Killed(Signal),
}

impl Ended {
    pub(super) fn new(status: WaitStatus, report: Option<EndReport>) -> io::Result<Ended> {
        Ok(match (status, report) {
            (WaitStatus::Signaled(_, signal, _), Some(EndReport::Fault { signal: reported, code, address, place }))
                if signal as i32 == reported =>
            {
                Ended::Faulted(Fault { cause: Cause::new(signal, code), address, place })
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
            Ended::Faulted(fault) => Some(fault.clone()),
            _ => None,
        }
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ended::Exited(status) => write!(f, "exited with status {status}"),
            Ended::Failed(text) => write!(f, "failed: {text}"),
            Ended::Faulted(fault) => write!(f, "killed by {}", fault.cause),
            Ended::Killed(signal) => write!(f, "killed by {signal}"),
        }
    }
}

/// A touch of memory that the kernel answered with a signal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The signal and its si_code.
    pub cause: Cause,
    /// si_addr: the address that was touched.
    pub address: usize,
    /// What was mapped there at that moment; None where nothing was.
    pub place: Option<Place>,
}

/// A line of /proc/PID/maps (proc_pid_maps(5)), as the process itself read it when it faulted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The addresses: whole pages.
    pub range: Range<usize>,
    /// `rwxp`, or `s` for shared.
    pub permissions: String,
    /// Where in the file it begins, in bytes.
    pub offset: u64,
    /// The path of what is mapped, with ` (deleted)` behind it when the name is gone; empty for memory without a file.
    pub name: String,
}

impl Place {
    pub(super) fn of_line(line: &str) -> Option<Place> {
        // The path may have spaces in it, and before it there are several.
        let mut fields = line.splitn(6, ' ');
        let (start, end) = fields.next()?.split_once('-')?;
        let address = |text| usize::from_str_radix(text, 16).ok();
        Some(Place {
            range: address(start)?..address(end)?,
            permissions: fields.next()?.to_owned(),
            offset: u64::from_str_radix(fields.next()?, 16).ok()?,
            name: fields.nth(2).unwrap_or_default().trim_start().to_owned(),
        })
    }
}

impl Fault {
    /// How many bytes after `start` the touched address is (negative: before it).
    pub fn offset_from(&self, start: usize) -> isize {
        self.address.wrapping_sub(start).cast_signed()
    }
}

/// Why a touch faulted: a signal with its si_code (sigaction(2)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// SIGSEGV/SEGV_MAPERR: nothing is mapped at that address.
    NotMapped,
    /// SIGSEGV/SEGV_ACCERR: it is mapped, but not for this kind of access.
    NotAllowed,
    /// SIGBUS/BUS_ADRERR: it is mapped, but there is no page of a file behind it.
    NoPage,
    /// Any other signal and code.
    Other(Signal, i32),
}

/// SEGV_MAPERR, the same number on every Linux (asm-generic/siginfo.h); the libc crate leaves these three out.
const SEGV_MAPERR: i32 = 1;
const SEGV_ACCERR: i32 = 2;
const BUS_ADRERR: i32 = libc::BUS_ADRERR;

impl Cause {
    fn new(signal: Signal, code: i32) -> Cause {
        match (signal, code) {
            (Signal::SIGSEGV, SEGV_MAPERR) => Cause::NotMapped,
            (Signal::SIGSEGV, SEGV_ACCERR) => Cause::NotAllowed,
            (Signal::SIGBUS, BUS_ADRERR) => Cause::NoPage,
            _ => Cause::Other(signal, code),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::NotMapped => f.write_str("SIGSEGV/SEGV_MAPERR"),
            Cause::NotAllowed => f.write_str("SIGSEGV/SEGV_ACCERR"),
            Cause::NoPage => f.write_str("SIGBUS/BUS_ADRERR"),
            Cause::Other(signal, code) => write!(f, "{signal}/code {code}"),
        }
    }
}
