//! A small language for sequences of operations on files, mappings and processes.
//!
//! Each line is one operation, by one process; text after `#` is a comment. A line may claim its outcome, and `workbook
//! play` compares the claim with the model and with the kernel. `tour.scenario` has each operation once:
//!
#![doc = concat!("```text\n", include_str!("tour.scenario"), "```")]
//!
//! The outcomes:
//!
//! ```text
//! A truncate d 1p          => ok
//! A write d 0 "hello"      => 5                            # the number of bytes
//! A write d 0 'x'*2p       => 1p
//! A read d 0 9             => "hello" 0*4                  # a run of one byte: 0*4, 'x'*100
//! A load m 0 2p            => 'x'*1p 0*1p
//! A read d 9p 1            => nothing
//! A load m 20 3            => ('x'|0)*1 ?*2                # left open: one of two, or any
//! A map m d shared w 0 1p  => EACCES
//! A map m d shared w 1 1p  => EINVAL or EPERM              # left open
//! A load m 1p+3 1          => SIGBUS/BUS_ADRERR at 1p+3    # offsets count from the mapping's start
//! A load m 9p 1            => SIGSEGV/SEGV_MAPERR at 9p
//! A store m 0 "x"          => SIGSEGV/SEGV_ACCERR at 0
//! A resident m             => 1*2 0*1                      # a byte for each page
//! A seals d                => sealed shrink grow           # or unsealed
//! A mtime d                => moved                        # or unmoved
//! A load missing 0 1       => n/a                          # not applicable; `workbook play` refuses it and says why
//! A load m 0 1             => ?                            # no claim: the simulator in the book asks its reader
//! ```
//!
//! Memory is accessed byte by byte, from the first to the last; the access that faults ends the process.
//!
//! ```
//! use mmap_workbook::scenario::{Outcome, Scenario};
//!
//! let scenario = Scenario::parse("A create f 10\nA open d f rw\nA truncate d 0 => ok   # now it is empty")?;
//! assert_eq!(scenario.0[2].outcome, Some(Outcome::Done));
//! assert_eq!(scenario.0[2].to_string(), "A truncate d 0 => ok");
//!
//! let problem = Scenario::parse("A opne d f rw").unwrap_err();
//! assert_eq!((problem.line, problem.column), (1, 3));
//! # Ok::<(), mmap_workbook::scenario::Problem>(())
//! ```

mod grammar;
mod outcome;
mod words;

use alloc::string::String;
use alloc::vec::Vec;
use core::hash::{Hash, Hasher};

pub use grammar::{Access, Advice, Extent, Flag, Operation, Placing, Problem, Protection, Role, Seal, Sharing};
pub use outcome::{Byte, Outcome, Run};
pub use words::in_words;

/// A scenario that has each operation, with a comment on what it does.
pub const TOUR: &str = include_str!("tour.scenario");

/// The same with its comments in Chinese.
pub const TOUR_IN_CHINESE: &str = include_str!("tour.zh.scenario");

/// A process: a capital letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pid(char);

impl Pid {
    /// The process that exists from the beginning.
    pub const FIRST: Pid = Pid('A');

    /// The process of this letter; None if it is not a capital letter.
    pub fn new(letter: char) -> Option<Pid> {
        letter.is_ascii_uppercase().then_some(Pid(letter))
    }
}

/// The name of a file, a descriptor or a mapping: small letters and digits, at most eight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name([u8; Name::LONGEST]);

impl Name {
    const LONGEST: usize = 8;

    /// The name with these letters; None if it is not a name.
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

/// A number of bytes: some pages, and some bytes more or less. The page size is known only at run time.
///
/// ```
/// # use mmap_workbook::scenario::Amount;
/// let amount = Amount { pages: 2, bytes: -1 };
/// assert_eq!((amount.to_string().as_str(), amount.at(4096)), ("2p-1", Some(8191)));
/// assert_eq!(Amount::of(8191, 4096), amount);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Amount {
    /// Whole pages.
    pub pages: u32,
    /// Bytes more, or fewer if negative, which is only allowed with pages.
    pub bytes: i32,
}

impl Amount {
    /// The most pages that a number in a scenario may come to.
    pub const MOST_PAGES: u32 = 256;

    /// In bytes, where a page has `page_size` bytes; None for a negative number, and for one that comes to more than
    /// [`Amount::MOST_PAGES`].
    pub fn at(self, page_size: u32) -> Option<u64> {
        let bytes = i64::from(self.pages) * i64::from(page_size) + i64::from(self.bytes);
        u64::try_from(bytes).ok().filter(|bytes| *bytes <= u64::from(Amount::MOST_PAGES) * u64::from(page_size))
    }

    /// This number of bytes, as whole pages and the rest; a few bytes less than a page are written so: 1p-1.
    pub fn of(bytes: u64, page_size: u32) -> Amount {
        const FEW: u32 = 16;
        let (pages, rest) = (bytes / u64::from(page_size), bytes % u64::from(page_size));
        let before_the_end = u64::from(page_size) - rest;
        let near = before_the_end <= u64::from(FEW.min(page_size / 4));
        let (pages, bytes) = match (near, i32::try_from(before_the_end), i32::try_from(rest)) {
            (true, Ok(less), _) => (pages + 1, -less),
            (_, _, Ok(rest)) => (pages, rest),
            _ => (pages, i32::MAX),
        };
        Amount { pages: u32::try_from(pages).unwrap_or(u32::MAX), bytes }
    }
}

/// Bytes to store or to write.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Bytes {
    /// These bytes, at most sixteen.
    Text(String),
    /// One byte, repeated.
    Fill(char, Amount),
    /// [`CODE`].
    Code,
}

impl Bytes {
    /// How many they are; None if that is out of bounds.
    pub fn length(&self, page_size: u32) -> Option<u64> {
        match self {
            Bytes::Text(text) => Some(text.len() as u64),
            Bytes::Fill(_, length) => length.at(page_size),
            Bytes::Code => Some(CODE.len() as u64),
        }
    }
}

/// The machine code of a function that returns [`CODE_RETURNS`].
#[cfg(target_arch = "aarch64")]
pub const CODE: &[u8] = &[0xe0, 0x00, 0x80, 0x52, 0xc0, 0x03, 0x5f, 0xd6]; // mov w0, #7; ret
/// The machine code of a function that returns [`CODE_RETURNS`].
#[cfg(not(target_arch = "aarch64"))]
pub const CODE: &[u8] = &[0xb8, 0x07, 0x00, 0x00, 0x00, 0xc3]; // mov eax, 7; ret

/// What a call of [`CODE`] returns.
pub const CODE_RETURNS: u32 = 7;

/// How msync(2) is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Syncing {
    /// MS_SYNC
    Sync,
    /// MS_ASYNC
    Async,
    /// MS_SYNC | MS_INVALIDATE
    Invalidate,
}

/// What is mapped.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Source {
    /// A file, from this offset.
    File(Name, Amount),
    /// Anonymous memory.
    Anonymous,
}

/// The arguments of mmap(2).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Request {
    /// What to map.
    pub source: Source,
    /// Whether stores are shared or private.
    pub sharing: Sharing,
    /// Which accesses are allowed.
    pub protection: Protection,
    /// In bytes.
    pub length: Amount,
    /// Whether each page is touched at once (MAP_POPULATE).
    pub populate: bool,
}

/// A part of a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Range {
    /// Where it begins, from the mapping's start.
    pub place: Amount,
    /// In bytes.
    pub length: Amount,
}

/// The first contents of a file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Contents {
    /// Zeros, as a hole of this size.
    Zeros(Amount),
    /// These bytes.
    Bytes(Bytes),
}

/// A line: a process, its operation, and perhaps the claimed outcome. Where it stands is no part of what it says: two
/// lines that differ in nothing else are equal.
#[derive(Debug, Clone, Eq)]
pub struct Line {
    /// Its number in the text that it was read from, blank lines and comments counted; 0 if it was made.
    pub number: usize,
    /// The process.
    pub process: Pid,
    /// What it does.
    pub operation: Operation,
    /// The claimed outcome, after `=>`.
    pub outcome: Option<Outcome>,
    /// Whether it is left to the reader to predict: `=> ?`.
    pub asked: bool,
}

impl Line {
    fn says(&self) -> (Pid, &Operation, &Option<Outcome>, bool) {
        (self.process, &self.operation, &self.outcome, self.asked)
    }
}

impl PartialEq for Line {
    fn eq(&self, other: &Line) -> bool {
        self.says() == other.says()
    }
}

impl Hash for Line {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.says().hash(state);
    }
}

/// A sequence of lines, read by [`Scenario::parse`] and printed by `Display`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Hash)]
pub struct Scenario(pub Vec<Line>);

impl Scenario {
    /// How many lines a kernel can play: those before a power cut, or a disk that fails. All of them if there is neither.
    pub fn for_the_kernel(&self) -> usize {
        let no_kernel = |line: &Line| matches!(line.operation, Operation::Cut | Operation::Fail(_));
        self.0.iter().position(no_kernel).unwrap_or(self.0.len())
    }

    /// Whether there are lines that no kernel can play.
    pub fn is_for_the_model(&self) -> bool {
        self.for_the_kernel() < self.0.len()
    }
}

impl Operation {
    /// Whether it is about the disk: who reads it wants to see that.
    pub fn is_about_the_disk(&self) -> bool {
        matches!(self, Operation::Fsync(..) | Operation::FsyncDirectory | Operation::Fail(_) | Operation::Cut)
    }
}

/// Something that plays scenarios: the model, the kernel.
pub trait Backend {
    /// Why a scenario could not be played at all.
    type Error;

    /// Plays it from the beginning: the outcome of each line.
    ///
    /// # Errors
    /// When the backend itself fails. Whatever a line gives is an outcome, and no error.
    fn play(&mut self, scenario: &Scenario) -> Result<Vec<Outcome>, Self::Error>;
}
