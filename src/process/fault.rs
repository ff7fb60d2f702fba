//! A fault, as the kernel describes it to a signal handler.
//!
//! wait(2) says which signal killed a process, but not where: si_code and si_addr reach only a signal handler. So a
//! process that is to say where it faulted has a handler for the signals of a fault. It writes the siginfo down and
//! returns with the default action restored (SA_RESETHAND): the faulting instruction runs again, and the process dies
//! of the very signal that the kernel sent.

use std::fmt;
use std::io;
use std::mem::MaybeUninit;

use nix::libc;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

use crate::fault::Cause;

/// An access to memory that the kernel answered with a signal: what its siginfo says (sigaction(2)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// SIGSEGV, SIGBUS or SIGILL.
    pub signal: Signal,
    /// si_code, a positive number.
    pub code: i32,
    /// si_addr: the address that was accessed; for SIGILL the address of the instruction.
    pub address: usize,
}

impl Fault {
    /// The length in bytes of a fault that is written down.
    pub(crate) const SIZE: usize = 16;

    /// Why the access faulted; None for a fault that no mapping causes, such as an illegal instruction.
    pub fn cause(&self) -> Option<Cause> {
        Cause::of(self.signal.as_str(), self.code)
    }

    /// How many bytes after `start` the accessed address is (negative: before it).
    pub fn offset_from(&self, start: usize) -> isize {
        self.address.wrapping_sub(start).cast_signed()
    }

    /// For another process of this machine. Async-signal-safe.
    pub(crate) fn to_bytes(self) -> [u8; Fault::SIZE] {
        let mut bytes = [0; Fault::SIZE];
        bytes[..4].copy_from_slice(&(self.signal as i32).to_ne_bytes());
        bytes[4..8].copy_from_slice(&self.code.to_ne_bytes());
        bytes[8..].copy_from_slice(&(self.address as u64).to_ne_bytes());
        bytes
    }

    /// What [`Fault::to_bytes`] made; None when it is something else.
    pub(crate) fn from_bytes(bytes: [u8; Fault::SIZE]) -> Option<Fault> {
        let [signal, code, low, high] = [0, 4, 8, 12].map(|at| [0, 1, 2, 3].map(|n| bytes[at + n]));
        let mut address = [0; 8];
        address[..4].copy_from_slice(&low);
        address[4..].copy_from_slice(&high);
        Some(Fault {
            signal: Signal::try_from(i32::from_ne_bytes(signal)).ok()?,
            code: i32::from_ne_bytes(code),
            address: u64::from_ne_bytes(address).try_into().ok()?,
        })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.cause() {
            Some(cause) => write!(f, "{cause}"),
            None => write!(f, "{}/code {}", self.signal, self.code),
        }
    }
}

/// What a process does with its own fault.
///
/// # Safety
/// `report` runs in a signal handler: it must be async-signal-safe (signal-safety(7)) and must not panic.
pub(crate) unsafe trait ReportFault {
    /// Writes the fault down, before the process dies of it.
    fn report(fault: &Fault);
}

/// From now on a fault of this process goes to `R` before the process dies of it.
///
/// # Errors
/// Those of sigaction(2).
pub(crate) fn report_faults<R: ReportFault>() -> io::Result<()> {
    let flags = SaFlags::SA_SIGINFO | SaFlags::SA_RESETHAND | SaFlags::SA_ONSTACK;
    let action = SigAction::new(SigHandler::SigAction(on_fault::<R>), flags, SigSet::empty());
    for signal in [Signal::SIGSEGV, Signal::SIGBUS, Signal::SIGILL] {
        // SAFETY: `on_fault` does only what is async-signal-safe: it reads its arguments and calls raise(3), or
        // `report`, which vouches for itself.
        unsafe { sigaction(signal, &action) }?;
    }
    Ok(())
}

extern "C" fn on_fault<R: ReportFault>(signal: i32, info: *mut libc::siginfo_t, _context: *mut libc::c_void) {
    let mut siginfo = MaybeUninit::<libc::siginfo_t>::uninit();
    // SAFETY: with SA_SIGINFO the kernel passes a siginfo that lives until the handler returns.
    unsafe { siginfo.as_mut_ptr().copy_from_nonoverlapping(info, 1) };
    // SAFETY: initialised by the copy.
    let siginfo = unsafe { siginfo.assume_init() };
    // SAFETY: as faults, SIGSEGV, SIGBUS and SIGILL fill in si_addr; where another process sent the signal, it isn't
    // used.
    let address = unsafe { siginfo.si_addr() }.addr();
    match Signal::try_from(signal) {
        Ok(signal) if siginfo.si_code > 0 => R::report(&Fault { signal, code: siginfo.si_code, address }),
        _ => {
            // A process sent the signal (SI_USER, SI_TKILL): no instruction will run again and kill.
            // SAFETY: raise(3) is async-signal-safe.
            unsafe { libc::raise(signal) };
        }
    }
}
