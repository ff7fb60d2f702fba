//! What a forked child says of its own end, through a pipe that the parent reads when it is over.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, OwnedFd};
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicI32, Ordering};

use nix::fcntl::OFlag;
use nix::libc;
use nix::unistd::pipe2;

use super::fault::{Fault, ReportFault, report_faults};
use crate::observe::Area;

/// The status with which a child ends whose body failed; the report says how.
pub(super) const FAILED: i32 = 101;

const FAULT: u8 = b'F';
const TEXT: u8 = b'T';

pub(super) enum EndReport {
    Fault(Fault, Option<Area>),
    Text(String),
}

#[derive(Debug)]
pub(super) struct Reader(File);
pub(super) struct Writer(OwnedFd);

pub(super) fn channel() -> io::Result<(Reader, Writer)> {
    // Not blocking: the reader looks once the child is gone, and must not wait for whoever else holds the other end.
    let (reader, writer) = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
    Ok((Reader(reader.into()), Writer(writer)))
}

impl Reader {
    /// The child's last report, or None when it left none.
    pub(super) fn read(mut self) -> Option<EndReport> {
        let mut bytes = Vec::new();
        // WouldBlock ends it as well as end of file does: what has come by now is all that counts.
        let _ = self.0.read_to_end(&mut bytes);
        match bytes.split_first()? {
            (&FAULT, rest) => {
                let (fault, maps) = rest.split_first_chunk()?;
                let fault = Fault::from_bytes(*fault)?;
                let maps = String::from_utf8_lossy(maps);
                let area = maps.lines().filter_map(Area::of_line).find(|area| area.range().contains(&fault.address));
                Some(EndReport::Fault(fault, area))
            }
            (_, rest) => Some(EndReport::Text(String::from_utf8_lossy(rest).into_owned())),
        }
    }
}

impl Writer {
    /// Runs `body` and ends the process; an error, a panic or a fault is reported first.
    pub(super) fn end_with(self, body: impl FnOnce() -> io::Result<()>) -> ! {
        REPORT_TO.store(self.0.as_raw_fd(), Ordering::Relaxed);
        // The panic's text goes to the parent, with its place; a second copy on the child's standard error helps nobody.
        panic::set_hook(Box::new(|info| say(&info.to_string())));
        let status = match panic::catch_unwind(AssertUnwindSafe(|| report_faults::<ToParent>().and_then(|()| body()))) {
            Ok(Ok(())) => 0,
            Ok(Err(error)) => {
                say(&error.to_string());
                FAILED
            }
            Err(_) => FAILED,
        };
        // SAFETY: _exit(2) runs no destructor and no atexit handler: those are the parent's.
        unsafe { libc::_exit(status) }
    }
}

/// The descriptor that the handler writes to: a handler gets no argument of ours.
static REPORT_TO: AtomicI32 = AtomicI32::new(-1);

fn say(text: &str) {
    write_report([&[TEXT], text.as_bytes()].concat().as_slice());
}

fn write_report(bytes: &[u8]) {
    // SAFETY: write(2) is async-signal-safe, and the slice is readable for its length. The pipe does not
    // block: what it has no room for (64 KiB, mostly) is left out, and the parent still knows the signal.
    unsafe { libc::write(REPORT_TO.load(Ordering::Relaxed), bytes.as_ptr().cast(), bytes.len()) };
}

/// Faults go to the parent.
struct ToParent;

// SAFETY: `report` only calls open(2), read(2) and write(2), all async-signal-safe.
unsafe impl ReportFault for ToParent {
    fn report(fault: &Fault) {
        let mut report = [FAULT; 1 + Fault::SIZE];
        report[1..].copy_from_slice(&fault.to_bytes());
        write_report(&report);
        report_maps();
    }
}

/// The process's mappings go after the siginfo: when it is gone, nobody can ask which of them was touched.
fn report_maps() {
    // SAFETY: open(2) is async-signal-safe, and the name ends with a NUL.
    let maps = unsafe { libc::open(c"/proc/self/maps".as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC) };
    let mut piece = [0_u8; 1024];
    loop {
        // SAFETY: read(2) is async-signal-safe, and the buffer is writable for its length.
        let length = unsafe { libc::read(maps, piece.as_mut_ptr().cast(), piece.len()) };
        match usize::try_from(length) {
            Ok(length @ 1..) => write_report(&piece[..length]),
            _ => return, // the end, or no such file: the siginfo alone must do
        }
    }
}
