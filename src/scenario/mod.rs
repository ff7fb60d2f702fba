//! The small language in which a history of files, mappings and processes is written, printed and replayed.
//!
//! One operation a line, by one process; what stands behind a `#` is a remark. A line may say what it gives: so a scenario is
//! also a claim, which `workbook play` puts to the model and to the kernel. `tour.scenario` has each operation once:
//!
#![doc = concat!("```text\n", include_str!("tour.scenario"), "```")]
//!
//! The outcomes:
//!
//! ```text
//! A truncate d 1p          => ok
//! A write d 0 "hello"      => 5                            # so many bytes
//! A read d 0 9             => "hello" 0*4                  # the same byte again and again: 0*4, 'x'*100
//! A read d 9p 1            => nothing
//! A load m 20 3            => ('x'|0)*1 ?*2                # left open: one of two, or anything
//! A map m d shared w 0 1p  => EACCES
//! A map m d shared w 1 1p  => EINVAL or EPERM              # left open
//! A load m 1p+3 1          => SIGBUS/BUS_ADRERR at 1p+3    # the place is counted from the mapping's start
//! A load m 9p 1            => SIGSEGV/SEGV_MAPERR at 9p
//! A store m 0 "x"          => SIGSEGV/SEGV_ACCERR at 0
//! A load nobody 0 1        => meaningless                  # nobody does anything; `workbook play` refuses it and says why
//! ```
//!
//! What a process touches it touches byte by byte, from the first to the last; the touch that faults ends it.

mod grammar;
mod outcome;

use alloc::string::String;
use alloc::vec::Vec;

pub use grammar::{Access, Advice, Flag, Operation, Problem, Protection, Role, Seal, Sharing};
pub use outcome::{Byte, Outcome};

/// A scenario that has each operation once, and says what each is.
pub const TOUR: &str = include_str!("tour.scenario");

/// A process: a capital letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pid(char);

impl Pid {
    /// The one that is there from the beginning.
    pub const FIRST: Pid = Pid('A');

    /// The process with this letter, if it is one.
    pub fn new(letter: char) -> Option<Pid> {
        letter.is_ascii_uppercase().then_some(Pid(letter))
    }
}

/// The name of a file, a descriptor or a mapping: small letters and digits, at most eight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name([u8; Name::LONGEST]);

impl Name {
    const LONGEST: usize = 8;

    /// The name, if it is one.
    pub fn new(text: &str) -> Option<Name> {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let is_name = text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(fits) && text != "anon";
        let mut name = [0; Name::LONGEST];
        name.get_mut(..text.len()).filter(|_| is_name)?.copy_from_slice(text.as_bytes());
        Some(Name(name))
    }

    /// Its letters.
    pub fn as_str(&self) -> &str {
        let length = self.0.iter().position(|byte| *byte == 0).unwrap_or(Name::LONGEST);
        core::str::from_utf8(&self.0[..length]).unwrap_or_default()
    }
}

/// A number of bytes: so many pages, and some bytes more or less. What a page is is known when it is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Amount {
    /// Whole pages.
    pub pages: u32,
    /// Bytes beside them; negative only where there are pages.
    pub bytes: i32,
}

impl Amount {
    /// The most pages that a number in a scenario may come to: what it is about needs a few.
    pub const MOST_PAGES: u32 = 256;

    /// In bytes, where a page has `page` of them; None for a negative number, and for one that comes to more than
    /// [`Amount::MOST_PAGES`].
    pub fn at(self, page: u32) -> Option<u64> {
        let bytes = i64::from(self.pages) * i64::from(page) + i64::from(self.bytes);
        u64::try_from(bytes).ok().filter(|bytes| *bytes <= u64::from(Amount::MOST_PAGES) * u64::from(page))
    }

    /// This many bytes, as whole pages and the rest; what is a few bytes before the end of a page is said so: 1p-1.
    pub fn of(bytes: u64, page: u32) -> Amount {
        const FEW: u32 = 16;
        let (pages, rest) = (bytes / u64::from(page), bytes % u64::from(page));
        let before_the_end = u64::from(page) - rest;
        let near = before_the_end <= u64::from(FEW.min(page / 4));
        let (pages, bytes) = match (near, i32::try_from(before_the_end), i32::try_from(rest)) {
            (true, Ok(less), _) => (pages + 1, -less),
            (_, _, Ok(rest)) => (pages, rest),
            _ => (pages, i32::MAX),
        };
        Amount { pages: u32::try_from(pages).unwrap_or(u32::MAX), bytes }
    }
}

/// Bytes to be stored or written.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Bytes {
    /// These, at most sixteen.
    Text(String),
    /// One of them again and again.
    Fill(char, Amount),
}

/// What is mapped.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Source {
    /// A file, from this offset on.
    File(Name, Amount),
    /// Memory of no file.
    Anonymous,
}

/// What mmap(2) is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Request {
    /// What is mapped.
    pub source: Source,
    /// Whose the stores are.
    pub sharing: Sharing,
    /// What may be done with it.
    pub protection: Protection,
    /// How many bytes.
    pub length: Amount,
}

/// A part of a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Range {
    /// Where it begins, from the mapping's start on.
    pub place: Amount,
    /// How many bytes.
    pub length: Amount,
}

/// What a file has at first.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Contents {
    /// So many zeros, which are a hole.
    Zeros(Amount),
    /// These bytes.
    Bytes(Bytes),
}

/// A line: who does what, and what that is said to give.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Line {
    /// Who.
    pub process: Pid,
    /// What.
    pub operation: Operation,
    /// What stands behind `=>`.
    pub outcome: Option<Outcome>,
}

/// A history: line after line.
#[derive(Debug, Clone, PartialEq, Eq, Default, Hash)]
pub struct Scenario(pub Vec<Line>);

/// Something in which a scenario can be played: the model, the kernel.
pub trait Backend {
    /// Why it could not be played at all.
    type Error;

    /// Plays it from the beginning: the outcome of each line.
    ///
    /// # Errors
    /// When the world itself fails; whatever a line gives is an outcome.
    fn play(&mut self, scenario: &Scenario) -> Result<Vec<Outcome>, Self::Error>;
}
