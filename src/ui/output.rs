//! The program's standard output.

use std::fmt::Display;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use nix::libc;

/// Standard output: coloured on a terminal, plain elsewhere or with NO_COLOR. Its errors name it.
pub struct StandardOutput(anstream::AutoStream<io::Stdout>);

impl StandardOutput {
    /// The standard output of the program.
    ///
    /// # Errors
    /// When it was closed before the program began.
    pub fn new() -> io::Result<StandardOutput> {
        if CLOSED.load(Ordering::Relaxed) {
            return Err(StandardOutput::error(&"it is closed"));
        }
        Ok(StandardOutput(anstream::AutoStream::auto(io::stdout())))
    }

    fn error(cause: &dyn Display) -> io::Error {
        io::Error::other(format!("standard output: {cause}"))
    }
}

impl Write for StandardOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(|error| StandardOutput::error(&error))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(|error| StandardOutput::error(&error))
    }
}

/// Whether standard output was closed when the program began. Before `main`, Rust's runtime opens /dev/null in its
/// place, so that what is printed would be lost without an error.
static CLOSED: AtomicBool = AtomicBool::new(false);

// SAFETY: .init_array holds pointers to functions that the C library calls before `main`; `look` only asks the kernel
// for a descriptor's flags and stores to an atomic, neither of which needs Rust's runtime.
#[used]
#[unsafe(link_section = ".init_array")]
static LOOK: extern "C" fn() = look;

extern "C" fn look() {
    // SAFETY: fcntl(2) with F_GETFD takes no pointer.
    let open = unsafe { libc::fcntl(libc::STDOUT_FILENO, libc::F_GETFD) } != -1;
    CLOSED.store(!open, Ordering::Relaxed);
}
