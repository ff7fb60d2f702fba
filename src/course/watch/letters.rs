//! A terminal that gives each letter as it is typed.

use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::libc;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, kill, sigaction};
use nix::sys::termios::{LocalFlags, SetArg, SpecialCharacterIndices, Termios, tcgetattr, tcsetattr};
use nix::unistd::Pid;

/// The terminal's settings from before [`Letters`] changed them.
static BEFORE: OnceLock<libc::termios> = OnceLock::new();
/// Whether the program was stopped and goes on: then the terminal may have other settings.
static CONTINUED: AtomicBool = AtomicBool::new(false);

/// Standard input as a terminal that gives each letter at once and doesn't echo it, until this is dropped or a signal
/// ends the program.
pub(super) struct Letters(Termios);

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
        let action = SigAction::new(SigHandler::Handler(note_that_it_goes_on), SaFlags::empty(), SigSet::empty());
        // SAFETY: the handler only stores to an atomic.
        unsafe { sigaction(Signal::SIGCONT, &action) }?;
        let mut letters: Termios = before;
        // TOSTOP would stop the process that grades when it prints.
        letters.local_flags.remove(LocalFlags::ICANON | LocalFlags::ECHO | LocalFlags::TOSTOP);
        // Ctrl-Z comes as a letter: the settings have to be given back before the program stops.
        letters.control_chars[SpecialCharacterIndices::VSUSP as usize] = libc::_POSIX_VDISABLE;
        tcsetattr(io::stdin(), SetArg::TCSANOW, &letters)?;
        Ok(Letters(letters))
    }

    /// Whether the program was stopped and goes on. The terminal gives each letter then as before.
    pub(super) fn take_again(&self) -> bool {
        CONTINUED.swap(false, Ordering::Relaxed) && tcsetattr(io::stdin(), SetArg::TCSANOW, &self.0).is_ok()
    }

    /// Gives the settings back and stops the program, with what runs in its process group, until a SIGCONT comes.
    pub(super) fn suspend(&self) -> io::Result<()> {
        give_back();
        kill(Pid::from_raw(0), Signal::SIGTSTP)?;
        // Also where nothing has stopped: the kernel ignores the signal where there is no shell to let it go on.
        CONTINUED.store(true, Ordering::Relaxed);
        self.take_again();
        Ok(())
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

extern "C" fn note_that_it_goes_on(_: i32) {
    CONTINUED.store(true, Ordering::Relaxed);
}
