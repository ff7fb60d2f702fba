//! What a demonstration prints through: what is about to happen, the evidence, what it shows.
//!
//! The same words go to a terminal and into the tested transcripts. In a transcript, what differs from run to run (an
//! address, an inode, a count of the scheduler's making) is replaced by its kind in angle quotes.

use std::fmt::Display;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anstyle::{AnsiColor, Style};
use nix::errno::Errno;

use crate::observe::Area;

const HEADING: Style = Style::new().bold();
const EVIDENCE: Style = AnsiColor::Cyan.on_default();
const SHOWN: Style = AnsiColor::Green.on_default();

/// What the kernel answered: `ok`, or the errno by its name.
pub fn answer<T>(answer: &Result<T, Errno>) -> String {
    answer.as_ref().map_or_else(|errno| format!("{errno:?}"), |_| "ok".to_owned())
}

/// Prints a demonstration.
pub struct Narrator<'a> {
    out: &'a mut dyn Write,
    transcript: bool,
    /// Where the demonstration's files are: left out of what is printed.
    directory: PathBuf,
}

impl<'a> Narrator<'a> {
    /// Prints what happens, as it happens. Paths under `directory` are shown from there on.
    pub fn live(out: &'a mut dyn Write, directory: &Path) -> Narrator<'a> {
        Narrator { out, transcript: false, directory: directory.into() }
    }

    /// Prints what is the same in each run: the form that a test can hold.
    pub fn transcript(out: &'a mut dyn Write, directory: &Path) -> Narrator<'a> {
        Narrator { out, transcript: true, directory: directory.into() }
    }

    /// The scratch directory, where a demonstration may make files that it removes again.
    pub fn directory(&self) -> PathBuf {
        self.directory.clone()
    }

    /// The heading of a part.
    ///
    /// # Errors
    /// When the output cannot be written: so for each method here.
    pub fn part(&mut self, heading: &str) -> io::Result<()> {
        writeln!(self.out)?;
        self.lines("", HEADING, heading)
    }

    /// What is about to happen, or what just did.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn tell(&mut self, text: impl Display) -> io::Result<()> {
        self.lines("  ", Style::new(), text)
    }

    /// Evidence: what was read from the kernel, and where.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn evidence(&mut self, source: &str, value: impl Display) -> io::Result<()> {
        self.lines("    ", EVIDENCE, format!("{:<28} {value}", format!("{source}:")))
    }

    /// Lines of /proc/self/maps.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn maps(&mut self, areas: &[Area]) -> io::Result<()> {
        if areas.is_empty() {
            return self.evidence("maps", "no line");
        }
        for area in areas {
            let line = if self.transcript {
                let (permissions, offset) = (area.permissions(), area.offset());
                format!("‹address›-‹address› {permissions} {offset:08x} ‹device› ‹inode› {}", area.name())
            } else {
                area.to_string()
            };
            self.evidence("maps", line)?;
        }
        Ok(())
    }

    /// What the evidence shows.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn shows(&mut self, text: impl Display) -> io::Result<()> {
        self.lines("  => ", SHOWN, text)
    }

    /// `value`, which differs from run to run; in a transcript its `kind`.
    pub fn varying(&self, kind: &str, value: impl Display) -> String {
        if self.transcript { format!("‹{kind}›") } else { value.to_string() }
    }

    fn lines(&mut self, indent: &str, style: Style, text: impl Display) -> io::Result<()> {
        let directory = format!("{}/", self.directory.display());
        // Left plain in a transcript; on a terminal that wants no colour the program's output stream takes the style out.
        let style = if self.transcript { Style::new() } else { style };
        for (n, line) in text.to_string().lines().enumerate() {
            let line = line.replace(&directory, "");
            let indent = if n == 0 { indent.to_owned() } else { " ".repeat(indent.len()) };
            writeln!(self.out, "{indent}{style}{line}{style:#}")?;
        }
        Ok(())
    }
}
