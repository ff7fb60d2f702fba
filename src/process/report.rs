//! What a forked child says of its own end, through a pipe that the parent reads when it is over.
//!
//! wait(2) says which signal killed a child, but not where: si_code and si_addr reach only a signal handler. So the child
//! has one for the signals of a fault; it writes the siginfo down and returns with the default action restored (SA_RESETHAND),
//! the faulting instruction runs again, and the child dies of the very signal that the kernel sent.

use std::fs::File;
use std::io::{self, Read};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, OwnedFd};
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicI32, Ordering};

use nix::fcntl::OFlag;
use nix::libc;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use nix::unistd::pipe2;

use super::ended::Place;

/// The status with which a child ends whose body failed; the report says how.
pub(super) const FAILED: i32 = 101;

const FAULT: u8 = b'F';
const TEXT: u8 = b'T';

pub(super) enum EndReport {
    Fault { signal: i32, code: i32, address: usize, place: Option<Place> },
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
                let word = |n: usize| Some(i64::from_ne_bytes(rest.get(n * 8..n * 8 + 8)?.try_into().ok()?));
                let address = usize::from_ne_bytes(rest.get(16..16 + size_of::<usize>())?.try_into().ok()?);
                let maps = String::from_utf8_lossy(rest.get(24..)?);
                Some(EndReport::Fault {
                    signal: word(0)?.try_into().ok()?,
                    code: word(1)?.try_into().ok()?,
                    address,
                    place: maps.lines().filter_map(Place::of_line).find(|place| place.range.contains(&address)),
                })
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
        let status = match panic::catch_unwind(AssertUnwindSafe(|| report_faults().and_then(|()| body()))) {
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

fn report_faults() -> io::Result<()> {
    let flags = SaFlags::SA_SIGINFO | SaFlags::SA_RESETHAND | SaFlags::SA_ONSTACK;
    let action = SigAction::new(SigHandler::SigAction(on_fault), flags, SigSet::empty());
    for signal in [Signal::SIGSEGV, Signal::SIGBUS, Signal::SIGILL] {
        // SAFETY: `on_fault` does only what is async-signal-safe: it reads its arguments and calls write(2).
        unsafe { sigaction(signal, &action) }?;
    }
    Ok(())
}

extern "C" fn on_fault(signal: i32, info: *mut libc::siginfo_t, _context: *mut libc::c_void) {
    let mut siginfo = MaybeUninit::<libc::siginfo_t>::uninit();
    // SAFETY: with SA_SIGINFO the kernel passes a siginfo that lives until the handler returns.
    unsafe { siginfo.as_mut_ptr().copy_from_nonoverlapping(info, 1) };
    // SAFETY: initialised by the copy.
    let siginfo = unsafe { siginfo.assume_init() };
    if siginfo.si_code <= 0 {
        // Somebody sent it (SI_USER, SI_TKILL): there is no touch that would happen again and kill.
        // SAFETY: raise(3) is async-signal-safe.
        unsafe { libc::raise(signal) };
        return;
    }
    // SAFETY: as faults, SIGSEGV, SIGBUS and SIGILL fill in si_addr.
    let address = unsafe { siginfo.si_addr() } as usize;
    let mut report = [FAULT; 25];
    report[1..9].copy_from_slice(&i64::from(signal).to_ne_bytes());
    report[9..17].copy_from_slice(&i64::from(siginfo.si_code).to_ne_bytes());
    report[17..17 + size_of::<usize>()].copy_from_slice(&address.to_ne_bytes());
    write_report(&report);
    report_maps();
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
