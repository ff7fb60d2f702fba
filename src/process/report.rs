//! What a forked child says of its own end, through a pipe that the parent reads when the child is gone.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, OwnedFd};
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::atomic::{AtomicI32, Ordering};

use nix::fcntl::OFlag;
use nix::libc;
use nix::unistd::{Pid, getpid, pipe2};

use super::ended::Panic;
use super::fault::{Fault, ReportFault, report_faults};
use crate::observe::Area;

/// The status of a child whose body failed; the report says how.
pub(super) const FAILED: i32 = 101;

pub(super) enum EndReport {
    Fault(Fault, Option<Area>),
    Error(String),
    Panic(Panic),
}

#[derive(Debug)]
pub(super) struct EndReader(File);
pub(super) struct EndWriter(OwnedFd);

pub(super) fn channel() -> io::Result<(EndReader, EndWriter)> {
    // Not blocking: the reader looks once the child is gone, and must not wait for other processes that have the
    // writing end.
    let (reader, writer) = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
    Ok((EndReader(reader.into()), EndWriter(writer)))
}

/// What the pipe carries: for each part of a report its kind, the process that wrote it, its length, and that number of
/// bytes. Processes that the child forks have the pipe as well, so a report says whose it is.
const HEAD: usize = 9;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Fault,
    Maps,
    Error,
    Panic,
}

/// Async-signal-safe.
fn head(kind: Kind, length: usize) -> [u8; HEAD] {
    let mut head = [kind as u8; HEAD];
    head[1..5].copy_from_slice(&getpid().as_raw().to_ne_bytes());
    head[5..].copy_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_ne_bytes());
    head
}

impl EndReader {
    /// The last report of this process, or None when it left none.
    pub(super) fn read(mut self, process: Pid) -> Option<EndReport> {
        let mut bytes = Vec::new();
        // WouldBlock ends it, as the end of the file does: only what has been written by now counts.
        let _ = self.0.read_to_end(&mut bytes);
        let (mut rest, mut report, mut maps) = (bytes.as_slice(), None, Vec::new());
        while let Some(([kind, pid_and_length @ ..], after)) = rest.split_first_chunk::<HEAD>() {
            let [pid, length] = [0, 4].map(|at| [0, 1, 2, 3].map(|n| pid_and_length[at + n]));
            // A report that did not fit in the pipe ends early.
            let length = usize::try_from(u32::from_ne_bytes(length)).ok()?.min(after.len());
            let (part, after) = after.split_at(length);
            rest = after;
            if i32::from_ne_bytes(pid) != process.as_raw() {
                continue;
            }
            let text = || String::from_utf8_lossy(part).into_owned();
            match [Kind::Fault, Kind::Maps, Kind::Error, Kind::Panic].into_iter().find(|other| *other as u8 == *kind)? {
                Kind::Fault => report = Some(EndReport::Fault(Fault::from_bytes(part.try_into().ok()?)?, None)),
                Kind::Maps => maps.extend_from_slice(part),
                Kind::Error => report = Some(EndReport::Error(text())),
                Kind::Panic => report = Some(EndReport::Panic(Panic::of_report(&text())?)),
            }
        }
        if let Some(EndReport::Fault(fault, area)) = &mut report {
            let maps = String::from_utf8_lossy(&maps);
            *area = maps.lines().filter_map(Area::of_line).find(|area| area.range().contains(&fault.address));
        }
        report
    }
}

impl EndWriter {
    /// Runs `body` and ends the process; an error, a panic or a fault is reported first.
    pub(super) fn end_with(self, body: impl FnOnce() -> io::Result<()>) -> ! {
        REPORT_TO.store(self.0.as_raw_fd(), Ordering::Relaxed);
        // A panic goes to the parent, which says so; a second copy on the child's standard error would only be noise.
        panic::set_hook(Box::new(report_panic));
        let status = match panic::catch_unwind(AssertUnwindSafe(|| report_faults::<ToParent>().and_then(|()| body()))) {
            Ok(Ok(())) => 0,
            Ok(Err(error)) => {
                report(Kind::Error, error.to_string().as_bytes());
                FAILED
            }
            Err(payload) => {
                // Its destructor could panic again, and nothing would catch that.
                std::mem::forget(payload);
                FAILED
            }
        };
        // SAFETY: _exit(2) runs no destructor and no atexit handler: those are the parent's.
        unsafe { libc::_exit(status) }
    }
}

/// The descriptor that reports are written to: a signal handler gets no argument of ours.
static REPORT_TO: AtomicI32 = AtomicI32::new(-1);

fn report(kind: Kind, bytes: &[u8]) {
    write_report(&[&head(kind, bytes.len()), bytes].concat());
}

fn report_panic(info: &PanicHookInfo<'_>) {
    let payload = info.payload();
    let message = payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref().map(String::as_str));
    let panic = Panic {
        message: message.unwrap_or("a value that is no text").to_owned(),
        file: info.location().map_or_else(String::new, |place| place.file().to_owned()),
        line: info.location().map_or(0, |place| place.line()),
        column: info.location().map_or(0, |place| place.column()),
    };
    report(Kind::Panic, panic.to_report().as_bytes());
}

fn write_report(bytes: &[u8]) {
    // SAFETY: write(2) is async-signal-safe, and the slice is readable for its length. The pipe does not
    // block: what it has no room for (64 KiB, mostly) is left out, and the parent still knows the signal.
    unsafe { libc::write(REPORT_TO.load(Ordering::Relaxed), bytes.as_ptr().cast(), bytes.len()) };
}

/// Faults go to the parent.
struct ToParent;

// SAFETY: `report` only calls getpid(2), open(2), read(2) and write(2), all async-signal-safe.
unsafe impl ReportFault for ToParent {
    fn report(fault: &Fault) {
        let mut report = [0; HEAD + Fault::SIZE];
        report[..HEAD].copy_from_slice(&head(Kind::Fault, Fault::SIZE));
        report[HEAD..].copy_from_slice(&fault.to_bytes());
        write_report(&report);
        report_maps();
    }
}

/// The process's mappings follow the siginfo: once the process is gone, nothing tells which of them it accessed.
fn report_maps() {
    // SAFETY: open(2) is async-signal-safe, and the name ends with a NUL.
    let maps = unsafe { libc::open(c"/proc/self/maps".as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC) };
    let mut report = [0_u8; HEAD + 1024];
    loop {
        let chunk = &mut report[HEAD..];
        // SAFETY: read(2) is async-signal-safe, and the buffer is writable for its length.
        let length = unsafe { libc::read(maps, chunk.as_mut_ptr().cast(), chunk.len()) };
        match usize::try_from(length) {
            Ok(length @ 1..) => {
                report[..HEAD].copy_from_slice(&head(Kind::Maps, length));
                write_report(&report[..HEAD + length]);
            }
            _ => return, // the end, or no such file: the siginfo alone must do
        }
    }
}
