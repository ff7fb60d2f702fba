//! The program's standard output, and what becomes of a write that the system refuses.

use std::error::Error;
use std::fmt::{self, Display};
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use nix::libc;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

use crate::error::{self, Told};
use crate::text;
use crate::text::{Language, Text};

/// Standard output: coloured on a terminal, plain elsewhere or with NO_COLOR. Its errors name it.
pub struct StandardOutput(anstream::AutoStream<io::Stdout>);

impl StandardOutput {
    /// The standard output of the program.
    ///
    /// # Errors
    /// When it was closed before the program began.
    pub fn new() -> io::Result<StandardOutput> {
        if CLOSED.load(Ordering::Relaxed) {
            return Err(OutputError::of(error::other(text!("it is closed", "已经关闭"))));
        }
        Ok(StandardOutput(anstream::AutoStream::auto(io::stdout())))
    }
}

/// An error of standard output, which callers can tell from one of another pipe.
#[derive(Debug)]
struct OutputError(Told);

impl OutputError {
    fn of(error: io::Error) -> io::Error {
        let Text { en, zh } = error::in_words(&error);
        io::Error::new(error.kind(), OutputError(Told(text!("standard output: {en}", "标准输出：{zh}"))))
    }
}

impl Display for OutputError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for OutputError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

/// Whether the error says that nobody reads the standard output any more.
pub fn is_of_unread_output(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe && error.get_ref().is_some_and(|error| error.is::<OutputError>())
}

impl Write for StandardOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(OutputError::of)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(OutputError::of)
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

/// Writes one line to standard error: what went wrong, in the language of the environment.
pub fn complain(what: &Text) {
    let what = what.in_language(Language::of_environment());
    // If even this can't be written, nothing is left to do.
    let _ = writeln!(anstream::stderr(), "workbook: {}", harmless(what));
}

/// The text with what a terminal would obey instead of showing it written as Rust escapes it: control characters other
/// than line breaks and tabs, and characters that change the order of those after them.
pub(crate) fn harmless(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        let changes_order =
            matches!(c, '\u{61c}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        match c {
            '\n' | '\t' => shown.push(c),
            c if c.is_control() || changes_order => shown.extend(c.escape_debug()),
            c => shown.push(c),
        }
    }
    shown
}

/// [`harmless`], with the styles that are in the text.
pub(crate) fn harmless_in_colour(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\x1b[") {
        shown += &harmless(before);
        let (style, others) =
            after.split_at(after.find(|c: char| !c.is_ascii_digit() && c != ';').unwrap_or(after.len()));
        let (end, others) = others.strip_prefix('m').map_or((None, others), |others| (Some('m'), others));
        shown += if end.is_some() { "\x1b[" } else { "\\u{1b}[" };
        shown += style;
        shown.extend(end);
        rest = others;
    }
    shown + &harmless(rest)
}

/// From now on, a write past the limit on the size of files (RLIMIT_FSIZE) fails with EFBIG; the signal that comes with
/// it would end the program halfway.
///
/// # Errors
/// Those of sigaction(2).
pub fn fail_at_the_file_size_limit() -> io::Result<()> {
    extern "C" fn go_on(_: i32) {}
    // A handler ends with execve(2); that a signal is ignored would be inherited by the programs started from here.
    let action = SigAction::new(SigHandler::Handler(go_on), SaFlags::SA_RESTART, SigSet::empty());
    // SAFETY: the handler does nothing.
    unsafe { sigaction(Signal::SIGXFSZ, &action) }?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{harmless, harmless_in_colour};

    #[test]
    fn what_a_terminal_would_obey_is_shown_instead() {
        assert_eq!(harmless("a\tb\n映射 é \"'\\"), "a\tb\n映射 é \"'\\");
        assert_eq!(harmless("\x1b[2J\r\0\u{9b}\u{202e}\u{2066}"), r"\u{1b}[2J\r\0\u{9b}\u{202e}\u{2066}");
        assert_eq!(
            harmless_in_colour("\x1b[1;31mred\x1b[0m \x1b[2J\x1b]0;\x07\x1b["),
            "\x1b[1;31mred\x1b[0m \\u{1b}[2J\\u{1b}]0;\\u{7}\\u{1b}["
        );
    }
}
