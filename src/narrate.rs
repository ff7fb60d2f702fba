//! How a demonstration prints: what is about to happen, the evidence, what it shows. Whatever it says is a text in each
//! language, or what is the same in all of them, such as a number or a path.
//!
//! The same words go to a terminal and into the tested transcripts. In a transcript, what differs from run to run (an
//! address, an inode, a count that depends on the scheduler) is replaced by its kind in angle quotes.

use std::borrow::Cow;
use std::fmt::Display;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anstyle::{AnsiColor, Style};
use nix::errno::Errno;
use unicode_width::UnicodeWidthStr;

use crate::observe::Area;
use crate::text;
use crate::text::{Language, Text};

const HEADING: Style = Style::new().bold();
const EVIDENCE: Style = AnsiColor::Cyan.on_default();
const SHOWN: Style = AnsiColor::Green.on_default();

/// The result of a system call: `ok`, or the name of the errno.
pub fn answer<T>(answer: &Result<T, Errno>) -> String {
    answer.as_ref().map_or_else(|errno| format!("{errno:?}"), |_| "ok".to_owned())
}

/// What a demonstration says: a [`Text`], or what is the same in each language.
pub trait Words {
    /// The words in this language.
    fn words(&self, language: Language) -> Cow<'_, str>;
}

impl Words for Text {
    fn words(&self, language: Language) -> Cow<'_, str> {
        self.in_language(language).into()
    }
}

impl<T: Display> Words for T {
    fn words(&self, _: Language) -> Cow<'_, str> {
        self.to_string().into()
    }
}

/// Prints a demonstration.
pub struct Narrator<'a> {
    out: &'a mut dyn Write,
    transcript: bool,
    language: Language,
    /// The directory of the demonstration's files; paths are printed relative to it.
    directory: PathBuf,
}

impl<'a> Narrator<'a> {
    /// Prints what happens, as it happens. Paths in `directory` are printed relative to it.
    pub fn live(out: &'a mut dyn Write, directory: &Path, language: Language) -> Narrator<'a> {
        Narrator { out, transcript: false, language, directory: directory.into() }
    }

    /// Prints only what is the same in each run, so that a test can compare it.
    pub fn transcript(out: &'a mut dyn Write, directory: &Path, language: Language) -> Narrator<'a> {
        Narrator { out, transcript: true, language, directory: directory.into() }
    }

    /// The directory in which a demonstration may make files; it removes them.
    pub fn directory(&self) -> PathBuf {
        self.directory.clone()
    }

    /// The heading of a part.
    ///
    /// # Errors
    /// When the output cannot be written, as for each method here.
    pub fn part(&mut self, heading: impl Words) -> io::Result<()> {
        writeln!(self.out)?;
        self.lines("", HEADING, &heading)
    }

    /// What is about to happen, or what just did.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn tell(&mut self, text: impl Words) -> io::Result<()> {
        self.lines("  ", Style::new(), &text)
    }

    /// Evidence: where it was read, and what the kernel said.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn evidence(&mut self, source: impl Words, value: impl Words) -> io::Result<()> {
        let (source, value) = (source.words(self.language), value.words(self.language));
        let colon = text!(": ", "：").in_language(self.language).to_owned();
        let padding = " ".repeat(29_usize.saturating_sub(source.width() + 2));
        self.lines("    ", EVIDENCE, &format!("{source}{colon}{padding}{value}"))
    }

    /// Lines of /proc/self/maps.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn maps(&mut self, areas: &[Area]) -> io::Result<()> {
        if areas.is_empty() {
            return self.evidence("maps", text!("no line", "没有对应的行"));
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
    pub fn shows(&mut self, text: impl Words) -> io::Result<()> {
        self.lines("  => ", SHOWN, &text)
    }

    /// `value`, which differs from run to run; in a transcript its `kind`.
    pub fn varying(&self, kind: impl Words, value: impl Display) -> String {
        if self.transcript { format!("‹{}›", kind.words(self.language)) } else { value.to_string() }
    }

    /// Whether it is a transcript: then a demonstration may measure less.
    pub fn is_transcript(&self) -> bool {
        self.transcript
    }

    fn lines(&mut self, indent: &str, style: Style, text: &impl Words) -> io::Result<()> {
        let directory = format!("{}/", self.directory.display());
        // A transcript is plain; on a terminal without colour the program's output stream removes the style.
        let style = if self.transcript { Style::new() } else { style };
        let text = text.words(self.language);
        for (n, line) in text.lines().enumerate() {
            let line = line.replace(&directory, "");
            let indent = if n == 0 { indent.to_owned() } else { " ".repeat(indent.len()) };
            writeln!(self.out, "{indent}{style}{line}{style:#}")?;
        }
        Ok(())
    }
}
