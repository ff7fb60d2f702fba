//! A terminal that gives each letter as it is typed.

use std::io;
use std::sync::OnceLock;

use nix::libc;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use nix::sys::termios::{LocalFlags, SetArg, SpecialCharacterIndices, Termios, tcgetattr, tcsetattr};

/// The terminal's settings from before [`Letters`] changed them.
static BEFORE: OnceLock<libc::termios> = OnceLock::new();

/// Standard input as a terminal that gives each letter at once and doesn't echo it, until this is dropped or a signal
/// ends the program.
pub(super) struct Letters;

impl Letters {
    pub(super) fn take() -> io::Result<Letters> {
        let before = tcgetattr(io::stdin())?;
        BEFORE.get_or_init(|| before.clone().into());
        let action = SigAction::new(SigHandler::Handler(give_back_and_die), SaFlags::SA_RESETHAND, SigSet::empty());
        for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT] {
            // SAFETY: the handler does only what is async-signal-safe: it loads a value that never changes again, and
            // calls tcsetattr(3) and raise(3).
            unsafe { sigaction(signal, &action) }?;
        }
        let mut letters: Termios = before;
        letters.local_flags.remove(LocalFlags::ICANON | LocalFlags::ECHO);
        // A Ctrl-Z would stop the program and leave the shell with these settings.
        letters.control_chars[SpecialCharacterIndices::VSUSP as usize] = libc::_POSIX_VDISABLE;
        tcsetattr(io::stdin(), SetArg::TCSANOW, &letters)?;
        Ok(Letters)
    }
}

impl Drop for Letters {
    fn drop(&mut self) {
        give_back();
    }
}

fn give_back() {
    if let Some(before) = BEFORE.get() {
        // SAFETY: tcsetattr(3) reads the termios, which is in a static.
        unsafe { libc::tcsetattr(libc::STDIN_FILENO, libc::TCSANOW, before) };
    }
}

extern "C" fn give_back_and_die(signal: i32) {
    give_back();
    // The action is the default one again.
    // SAFETY: raise(3) is async-signal-safe.
    unsafe { libc::raise(signal) };
}
