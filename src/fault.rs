//! Why the kernel answers an access to memory with a signal, and the one set of names for it.
//!
//! It needs nothing but `core`: the model predicts these causes, the language of scenarios reads and prints them, and
//! `process` and `kernel` find them in the siginfo that a signal handler gets.

use core::fmt;

/// Why an access to a mapping raised a signal: the signal with its si_code (sigaction(2)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// SIGSEGV/SEGV_MAPERR: nothing is mapped at the address.
    NotMapped,
    /// SIGSEGV/SEGV_ACCERR: something is mapped there, but its protection forbids this kind of access.
    NotAllowed,
    /// SIGBUS/BUS_ADRERR: something is mapped there, but the file has no such page, or the kernel can't provide it.
    NoPage,
}

impl Cause {
    /// All of them.
    pub const ALL: [Cause; 3] = [Cause::NotMapped, Cause::NotAllowed, Cause::NoPage];

    /// The signal's name, the name of the si_code, and its number. The number is the same on every Linux
    /// (asm-generic/siginfo.h); that of the signal is not, so a signal goes by its name here.
    const fn names(self) -> (&'static str, &'static str, i32) {
        match self {
            Cause::NotMapped => ("SIGSEGV", "SEGV_MAPERR", 1),
            Cause::NotAllowed => ("SIGSEGV", "SEGV_ACCERR", 2),
            Cause::NoPage => ("SIGBUS", "BUS_ADRERR", 2),
        }
    }

    /// The cause that the kernel reports by the signal of this name with this si_code; None for every other pair.
    pub fn of(signal: &str, code: i32) -> Option<Cause> {
        Cause::ALL
            .into_iter()
            .find(|cause| matches!(cause.names(), (name, _, number) if (name, number) == (signal, code)))
    }

    /// The cause with this name, as [`Display`](fmt::Display) prints it: `SIGBUS/BUS_ADRERR`.
    pub fn named(name: &str) -> Option<Cause> {
        let name = name.split_once('/')?;
        Cause::ALL.into_iter().find(|cause| matches!(cause.names(), (signal, code, _) if (signal, code) == name))
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (signal, code, _) = self.names();
        write!(f, "{signal}/{code}")
    }
}
