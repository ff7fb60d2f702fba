//! The small language in which a history of files, mappings and processes is written, printed and replayed.
//!
//! One operation a line. A line begins with the letter of the process that does it; `A` is there from the beginning, the
//! others are forked. What stands behind a `#` is a remark. Files, descriptors and mappings have names of small letters and
//! digits; a number of bytes is said in bytes, in pages, or both; bytes are a short text or a fill.
//!
//! ```text
//! A create f "hello"            # a file with these bytes
//! A create g 1p+10              # a file of one page and ten bytes, all zeros
//! A memfd d 2p                  # a file in memory; d is its descriptor
//! A open d f rw                 # ro, wo, rw; `trunc` behind it for O_TRUNC
//! A close d
//! A read d 0 5                  # pread(2): the offset, how many bytes
//! A write d 2p-1 "xy"           # pwrite(2)
//! A truncate d 1p
//! A punch d 0 1p                # fallocate(2): a hole
//! A rename g f                  # g takes the name f
//! A unlink f
//! A seal d shrink               # grow, write, future_write
//! A map m d shared rw 0 2p      # the offset, the length; private; none, r, w, rw
//! A map n anon private rw 1p
//! A load m 1p 3                 # loads 3 bytes, one after the other
//! A store m 0 'x'*1p            # stores a page of x
//! A protect m r
//! A advise m dontneed
//! A sync m
//! A unmap m 1p 1p               # the part of m; without numbers all of it
//! A fork B
//! B exit
//! A kill B
//! ```

use std::fmt;

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
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

impl Name {
    /// The name, if it is one.
    pub fn new(text: &str) -> Option<Name> {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let is_name = text.len() <= 8 && text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(fits);
        (is_name && text != "anon").then(|| Name(text.to_owned()))
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
    /// In bytes, where a page has `page` of them.
    pub fn at(self, page: u32) -> i64 {
        i64::from(self.pages) * i64::from(page) + i64::from(self.bytes)
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

/// How a file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Access {
    /// O_RDONLY
    ReadOnly,
    /// O_WRONLY
    WriteOnly,
    /// O_RDWR
    ReadWrite,
}

/// What may be done with a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protection {
    /// PROT_NONE
    None,
    /// PROT_READ
    Read,
    /// PROT_WRITE
    Write,
    /// PROT_READ | PROT_WRITE
    ReadWrite,
}

/// A promise about a file in memory (fcntl(2), F_ADD_SEALS).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Seal {
    /// F_SEAL_SHRINK
    Shrink,
    /// F_SEAL_GROW
    Grow,
    /// F_SEAL_WRITE
    Write,
    /// F_SEAL_FUTURE_WRITE
    FutureWrite,
}

/// What is mapped.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Source {
    /// A file, from this offset on.
    File(Name, Amount),
    /// Memory of no file.
    Anonymous,
}

/// What a process does in a line.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Makes a file of this name with these bytes; it is closed again.
    Create(Name, Contents),
    /// memfd_create(2) with this size: a descriptor, and no name.
    Memfd(Name, Amount),
    /// Opens the file of the second name; `true` for O_TRUNC.
    Open(Name, Name, Access, bool),
    /// Closes a descriptor.
    Close(Name),
    /// pread(2) at an offset, of so many bytes.
    Read(Name, Amount, Amount),
    /// pwrite(2) at an offset.
    Write(Name, Amount, Bytes),
    /// ftruncate(2)
    Truncate(Name, Amount),
    /// fallocate(2) with FALLOC_FL_PUNCH_HOLE: an offset, a length.
    Punch(Name, Amount, Amount),
    /// rename(2): the first name takes the place of the second.
    Rename(Name, Name),
    /// unlink(2)
    Unlink(Name),
    /// fcntl(2), F_ADD_SEALS
    Seal(Name, Seal),
    /// mmap(2): the mapping's name, what, whether shared, the protection, the length.
    Map(Name, Source, bool, Protection, Amount),
    /// Loads so many bytes from a place in a mapping, one after the other.
    Load(Name, Amount, Amount),
    /// Stores bytes from a place in a mapping on, one after the other.
    Store(Name, Amount, Bytes),
    /// munmap(2) of all of a mapping, or of a part: where it begins, its length.
    Unmap(Name, Option<(Amount, Amount)>),
    /// mprotect(2)
    Protect(Name, Protection),
    /// madvise(2), MADV_DONTNEED
    Advise(Name),
    /// msync(2), MS_SYNC
    Sync(Name),
    /// fork(2): the child has this letter.
    Fork(Pid),
    /// _exit(2)
    Exit,
    /// Kills another process with SIGKILL.
    Kill(Pid),
}

/// What a file has at first.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Contents {
    /// So many zeros, which are a hole.
    Zeros(Amount),
    /// These bytes.
    Bytes(Bytes),
}

/// A history: who does what, in this order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Hash)]
pub struct Scenario(pub Vec<(Pid, Operation)>);

/// What is wrong with a text that is no scenario, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// From 1 on.
    pub line: usize,
    /// From 1 on, in characters.
    pub column: usize,
    /// What was expected there.
    pub text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.text)
    }
}

impl std::error::Error for Problem {}

/// The most lines that a scenario has: what is longer was not written by a person.
pub const MOST_LINES: usize = 100_000;

impl Scenario {
    /// Reads a scenario.
    ///
    /// # Errors
    /// The first problem, with its place.
    pub fn parse(text: &str) -> Result<Scenario, Problem> {
        let mut lines = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            if number > MOST_LINES {
                return Err(Problem { line: number, column: 1, text: format!("more than {MOST_LINES} lines") });
            }
            let mut words = Words { number, rest: line, column: 1 };
            if words.is_at_end() {
                continue;
            }
            let process = words.process()?;
            let operation = words.operation()?;
            words.end()?;
            lines.push((process, operation));
        }
        Ok(Scenario(lines))
    }
}

/// The words of a line, one after the other.
struct Words<'a> {
    number: usize,
    rest: &'a str,
    column: usize,
}

impl<'a> Words<'a> {
    fn skip_spaces(&mut self) {
        let trimmed = self.rest.trim_start();
        self.column += self.rest.chars().count() - trimmed.chars().count();
        self.rest = trimmed;
    }

    fn is_at_end(&mut self) -> bool {
        self.skip_spaces();
        self.rest.is_empty() || self.rest.starts_with('#')
    }

    fn wrong(&self, text: impl Into<String>) -> Problem {
        Problem { line: self.number, column: self.column, text: text.into() }
    }

    /// The next word, made into something by `read`; `expected` says what it should have been.
    fn word<T>(&mut self, expected: &str, read: impl FnOnce(&'a str) -> Option<T>) -> Result<T, Problem> {
        if self.is_at_end() {
            return Err(self.wrong(format!("{expected} is missing")));
        }
        let end = self.rest.find(|c: char| c.is_whitespace() || c == '#').unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        let value = read(word).ok_or_else(|| self.wrong(format!("{word:?} is not {expected}")))?;
        self.column += word.chars().count();
        self.rest = rest;
        Ok(value)
    }

    fn end(&mut self) -> Result<(), Problem> {
        if self.is_at_end() { Ok(()) } else { Err(self.wrong("the line should end here")) }
    }

    fn process(&mut self) -> Result<Pid, Problem> {
        self.word("a process (a capital letter)", |word| {
            let mut letters = word.chars();
            letters.next().filter(|_| letters.next().is_none()).and_then(Pid::new)
        })
    }

    fn name(&mut self) -> Result<Name, Problem> {
        self.word("a name (at most eight small letters and digits)", Name::new)
    }

    fn amount(&mut self) -> Result<Amount, Problem> {
        self.word("a number of bytes (10, 1p, 2p-1)", amount)
    }

    fn protection(&mut self) -> Result<Protection, Problem> {
        self.word("a protection (none, r, w, rw)", |word| {
            PROTECTIONS.iter().find(|(name, _)| *name == word).map(|(_, p)| *p)
        })
    }

    /// `"text"`, or `'x'*1p`.
    fn bytes(&mut self) -> Result<Bytes, Problem> {
        self.skip_spaces();
        if let Some(rest) = self.rest.strip_prefix('"') {
            let end = rest.find('"').ok_or_else(|| self.wrong("the text has no end"))?;
            let (text, rest) = (&rest[..end], &rest[end + 1..]);
            if text.is_empty() || text.len() > 16 || !text.chars().all(is_printable) {
                return Err(self.wrong("a text has 1 to 16 printable ASCII characters"));
            }
            self.column += text.len() + 2;
            self.rest = rest;
            return Ok(Bytes::Text(text.to_owned()));
        }
        self.word("bytes (\"abc\" or 'x'*1p)", |word| {
            let mut letters = word.strip_prefix('\'')?.chars();
            let letter = letters.next().filter(|letter| is_printable(*letter))?;
            Some(Bytes::Fill(letter, amount(letters.as_str().strip_prefix("'*")?)?))
        })
    }

    fn operation(&mut self) -> Result<Operation, Problem> {
        let place = (self.column, self.rest);
        let verb = self.word("what it does (open, map, store, ...)", Some)?;
        Ok(match verb {
            "create" => {
                let name = self.name()?;
                self.skip_spaces();
                let is_bytes = self.rest.starts_with(['"', '\'']);
                let contents = if is_bytes { Contents::Bytes(self.bytes()?) } else { Contents::Zeros(self.amount()?) };
                Operation::Create(name, contents)
            }
            "memfd" => Operation::Memfd(self.name()?, self.amount()?),
            "open" => {
                let (descriptor, file) = (self.name()?, self.name()?);
                let access = self.word("a way to open (ro, wo, rw)", |word| {
                    ACCESSES.iter().find(|(name, _)| *name == word).map(|(_, access)| *access)
                })?;
                let truncate = !self.is_at_end() && self.word("`trunc`", |word| (word == "trunc").then_some(true))?;
                Operation::Open(descriptor, file, access, truncate)
            }
            "close" => Operation::Close(self.name()?),
            "read" => Operation::Read(self.name()?, self.amount()?, self.amount()?),
            "write" => Operation::Write(self.name()?, self.amount()?, self.bytes()?),
            "truncate" => Operation::Truncate(self.name()?, self.amount()?),
            "punch" => Operation::Punch(self.name()?, self.amount()?, self.amount()?),
            "rename" => Operation::Rename(self.name()?, self.name()?),
            "unlink" => Operation::Unlink(self.name()?),
            "seal" => {
                let descriptor = self.name()?;
                let seal = self.word("a seal (shrink, grow, write, future_write)", |word| {
                    SEALS.iter().find(|(name, _)| *name == word).map(|(_, seal)| *seal)
                })?;
                Operation::Seal(descriptor, seal)
            }
            "map" => {
                let name = self.name()?;
                let of = self.word("a descriptor or `anon`", |word| match word {
                    "anon" => Some(None),
                    _ => Name::new(word).map(Some),
                })?;
                let shared = self.word("`shared` or `private`", |word| match word {
                    "shared" => Some(true),
                    "private" => Some(false),
                    _ => None,
                })?;
                let protection = self.protection()?;
                let source = match of {
                    Some(descriptor) => Source::File(descriptor, self.amount()?),
                    None => Source::Anonymous,
                };
                Operation::Map(name, source, shared, protection, self.amount()?)
            }
            "load" => Operation::Load(self.name()?, self.amount()?, self.amount()?),
            "store" => Operation::Store(self.name()?, self.amount()?, self.bytes()?),
            "unmap" => {
                let name = self.name()?;
                let part = if self.is_at_end() { None } else { Some((self.amount()?, self.amount()?)) };
                Operation::Unmap(name, part)
            }
            "protect" => Operation::Protect(self.name()?, self.protection()?),
            "advise" => {
                let name = self.name()?;
                self.word("`dontneed`", |word| (word == "dontneed").then_some(()))?;
                Operation::Advise(name)
            }
            "sync" => Operation::Sync(self.name()?),
            "fork" => Operation::Fork(self.process()?),
            "exit" => Operation::Exit,
            "kill" => Operation::Kill(self.process()?),
            _ => {
                (self.column, self.rest) = place;
                self.skip_spaces();
                return Err(self.wrong(format!("{verb:?} is nothing that a process does here")));
            }
        })
    }
}

const ACCESSES: [(&str, Access); 3] = [("ro", Access::ReadOnly), ("wo", Access::WriteOnly), ("rw", Access::ReadWrite)];
const PROTECTIONS: [(&str, Protection); 4] =
    [("none", Protection::None), ("r", Protection::Read), ("w", Protection::Write), ("rw", Protection::ReadWrite)];
const SEALS: [(&str, Seal); 4] =
    [("shrink", Seal::Shrink), ("grow", Seal::Grow), ("write", Seal::Write), ("future_write", Seal::FutureWrite)];

/// What a text or a fill is made of: it has to be told from what ends it, and from a remark.
fn is_printable(letter: char) -> bool {
    letter.is_ascii_graphic() && !matches!(letter, '"' | '\'' | '#')
}

/// `10`, `1p`, `2p-1`, `1p+10`: the one way to write each amount.
fn amount(word: &str) -> Option<Amount> {
    let digits = |text: &str| -> Option<u32> {
        let plain = !text.is_empty()
            && text.bytes().all(|byte| byte.is_ascii_digit())
            && (text == "0" || !text.starts_with('0'));
        text.parse().ok().filter(|_| plain)
    };
    let bytes = |text: &str| digits(text).and_then(|bytes| i32::try_from(bytes).ok());
    let Some((pages, rest)) = word.split_once('p') else {
        return bytes(word).map(|bytes| Amount { pages: 0, bytes });
    };
    let pages = digits(pages).filter(|pages| *pages > 0)?;
    let bytes = match (rest.strip_prefix('+'), rest.strip_prefix('-')) {
        (Some(more), _) => bytes(more).filter(|more| *more > 0)?,
        (_, Some(less)) => -bytes(less).filter(|less| *less > 0)?,
        _ => rest.is_empty().then_some(0)?,
    };
    Some(Amount { pages, bytes })
}

impl fmt::Display for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.pages, self.bytes) {
            (0, bytes) => write!(f, "{bytes}"),
            (pages, 0) => write!(f, "{pages}p"),
            (pages, bytes) => write!(f, "{pages}p{bytes:+}"),
        }
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Bytes::Text(text) => write!(f, "\"{text}\""),
            Bytes::Fill(letter, amount) => write!(f, "'{letter}'*{amount}"),
        }
    }
}

/// The word for a value in one of the tables above.
fn word_for<T: PartialEq>(table: &[(&'static str, T)], value: &T) -> &'static str {
    table.iter().find(|(_, other)| other == value).map_or("?", |(name, _)| *name)
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Operation::Create(name, Contents::Zeros(size)) => write!(f, "create {name} {size}"),
            Operation::Create(name, Contents::Bytes(bytes)) => write!(f, "create {name} {bytes}"),
            Operation::Memfd(name, size) => write!(f, "memfd {name} {size}"),
            Operation::Open(descriptor, file, access, truncate) => {
                let access = word_for(&ACCESSES, access);
                write!(f, "open {descriptor} {file} {access}{}", if *truncate { " trunc" } else { "" })
            }
            Operation::Close(name) => write!(f, "close {name}"),
            Operation::Read(name, at, length) => write!(f, "read {name} {at} {length}"),
            Operation::Write(name, at, bytes) => write!(f, "write {name} {at} {bytes}"),
            Operation::Truncate(name, size) => write!(f, "truncate {name} {size}"),
            Operation::Punch(name, at, length) => write!(f, "punch {name} {at} {length}"),
            Operation::Rename(from, to) => write!(f, "rename {from} {to}"),
            Operation::Unlink(name) => write!(f, "unlink {name}"),
            Operation::Seal(name, seal) => write!(f, "seal {name} {}", word_for(&SEALS, seal)),
            Operation::Map(name, source, shared, protection, length) => {
                let sharing = if *shared { "shared" } else { "private" };
                let protection = word_for(&PROTECTIONS, protection);
                match source {
                    Source::File(descriptor, offset) => {
                        write!(f, "map {name} {descriptor} {sharing} {protection} {offset} {length}")
                    }
                    Source::Anonymous => write!(f, "map {name} anon {sharing} {protection} {length}"),
                }
            }
            Operation::Load(name, at, length) => write!(f, "load {name} {at} {length}"),
            Operation::Store(name, at, bytes) => write!(f, "store {name} {at} {bytes}"),
            Operation::Unmap(name, None) => write!(f, "unmap {name}"),
            Operation::Unmap(name, Some((at, length))) => write!(f, "unmap {name} {at} {length}"),
            Operation::Protect(name, protection) => write!(f, "protect {name} {}", word_for(&PROTECTIONS, protection)),
            Operation::Advise(name) => write!(f, "advise {name} dontneed"),
            Operation::Sync(name) => write!(f, "sync {name}"),
            Operation::Fork(child) => write!(f, "fork {child}"),
            Operation::Exit => f.write_str("exit"),
            Operation::Kill(other) => write!(f, "kill {other}"),
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(process, operation)| writeln!(f, "{process} {operation}"))
    }
}
