//! Text for a reader, in lines that fit.

use std::io::{self, IsTerminal, Write};

use anstyle::{AnsiColor, Style};
use unicode_linebreak::{BreakOpportunity, linebreaks};
use unicode_width::UnicodeWidthStr;

use crate::text::{Language, Text};

/// The style of what stands out.
pub const BOLD: Style = Style::new().bold();
/// The style of what matters less.
pub const DIM: Style = Style::new().dimmed();
/// The style of what is right.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// The style of what is wrong.
pub const BAD: Style = AnsiColor::Red.on_default();
/// The style of what is not finished.
pub const WARNING: Style = AnsiColor::Yellow.on_default();
/// The style of a name.
pub const NAME: Style = AnsiColor::Cyan.on_default();

/// Writes for a reader: in the reader's language, and in lines that fit.
pub struct Terminal<'a> {
    out: &'a mut dyn Write,
    language: Language,
    width: usize,
}

impl<'a> Terminal<'a> {
    /// Writes to `out`, in lines of at most `width` columns.
    pub fn new(out: &'a mut dyn Write, language: Language, width: usize) -> Terminal<'a> {
        Terminal { out, language, width }
    }

    /// The reader's language.
    pub fn language(&self) -> Language {
        self.language
    }

    /// The output itself, for lines that need not fit.
    pub fn out(&mut self) -> &mut dyn Write {
        self.out
    }

    /// A paragraph.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn say(&mut self, words: &Text) -> io::Result<()> {
        self.hang("", Style::new(), words.in_language(self.language))
    }

    /// A heading.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn heading(&mut self, words: &Text) -> io::Result<()> {
        writeln!(self.out, "\n{BOLD}{}{BOLD:#}\n", words.in_language(self.language))
    }

    /// A text in Markdown: its paragraphs are broken into lines that fit; code blocks keep their lines, and are indented.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn text(&mut self, text: &str) -> io::Result<()> {
        let mut paragraph = String::new();
        let mut fenced = false;
        for line in text.lines() {
            let is_fence = line.trim_start().starts_with("```");
            let is_code = fenced || is_fence || line.starts_with("    ");
            if !is_code && !line.is_empty() && !line.starts_with("- ") {
                let space = if paragraph.is_empty() { "" } else { self.language.space() };
                paragraph += space;
                paragraph += line;
                continue;
            }
            self.end_of(&mut paragraph)?;
            match line.strip_prefix("- ").filter(|_| !is_code) {
                Some(item) => paragraph = format!("- {item}"),
                None if is_fence => {}
                None if fenced => writeln!(self.out, "{}", format!("    {line}").trim_end())?,
                None => writeln!(self.out, "{line}")?,
            }
            fenced ^= is_fence;
        }
        self.end_of(&mut paragraph)?;
        writeln!(self.out)
    }

    /// Writes a paragraph, unless it is empty, and empties it.
    fn end_of(&mut self, paragraph: &mut String) -> io::Result<()> {
        match std::mem::take(paragraph) {
            empty if empty.is_empty() => Ok(()),
            paragraph => self.hang("", Style::new(), &paragraph),
        }
    }

    /// A program's source.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn source(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{text}")
    }

    /// Clears the terminal; prints an empty line if standard output isn't one.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn clear(&mut self) -> io::Result<()> {
        if io::stdout().is_terminal() {
            write!(self.out, "\x1b[2J\x1b[H")?
        } else {
            writeln!(self.out)?
        }
        self.out.flush()
    }

    /// Shows on standard error, if that is a terminal, what the program is doing, until [`idle`](Terminal::idle)
    /// removes it.
    pub fn busy(&self, with: &Text) {
        if io::stderr().is_terminal() {
            eprint!("\r\x1b[K{}", with.in_language(self.language));
        }
    }

    /// Removes the line of [`busy`](Terminal::busy).
    pub fn idle(&self) {
        if io::stderr().is_terminal() {
            eprint!("\r\x1b[K");
        }
    }

    /// A paragraph that begins with `first`; its other lines are indented by the width of `first`.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn hang(&mut self, first: &str, style: Style, text: &str) -> io::Result<()> {
        let indent = first.width();
        let mut before = first.to_owned();
        for line in wrap(text, self.width.saturating_sub(indent).max(20)) {
            writeln!(self.out, "{style}{before}{style:#}{line}")?;
            before = " ".repeat(indent);
        }
        Ok(())
    }
}

/// `text` in lines of at most `width` columns, broken where Unicode allows it (UAX #14): Chinese has no spaces. What
/// can't be broken may be wider.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let (mut start, mut last) = (0, None);
    for (at, opportunity) in linebreaks(text) {
        if visible(text[start..at].trim_end()).width() > width {
            // The line ends at the opportunity before this one, unless it would be empty.
            if let Some(last) = last.filter(|last| *last > start) {
                lines.push(text[start..last].trim_end().to_owned());
                start = last;
            }
        }
        if opportunity == BreakOpportunity::Mandatory {
            lines.push(text[start..at].trim_end_matches('\n').trim_end().to_owned());
            start = at;
        }
        last = Some(at);
    }
    lines
}

/// The text without the escape sequences of styles, which take no columns.
pub(crate) fn visible(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::{Terminal, wrap};
    use crate::text::Language;

    #[test]
    fn code_keeps_its_lines_and_paragraphs_are_broken() {
        let text = "Why does\nit work?\n    let a = 1; // one\n    // two\n\n    f(a);\n- first\n- second,\nlonger\n\n```rust\nlet b = 2;\n\n\
                    // three\n```\nSo.";
        let mut shown = Vec::new();
        Terminal::new(&mut shown, Language::English, 80).text(text).expect("written");
        let wanted = "Why does it work?\n    let a = 1; // one\n    // two\n\n    f(a);\n- first\n- second, longer\n\n    let b = \
                      2;\n\n    // three\nSo.\n\n";
        assert_eq!(String::from_utf8(shown).expect("text"), wanted);
    }

    #[test]
    fn lines_end_where_the_language_allows_it() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("one\n\ntwo", 7), ["one", "", "two"]);
        assert_eq!(wrap("私有映射是文件的快照。", 8), ["私有映射", "是文件的", "快照。"]);
        assert_eq!(wrap("unbreakable", 4), ["unbreakable"]);
        assert_eq!(wrap("\u{1b}[1mone\u{1b}[0m two", 7), ["\u{1b}[1mone\u{1b}[0m two"]);
    }
}
