//! Reading and printing: the one grammar, both ways.

use std::fmt;

use super::{
    Access, Amount, Byte, Bytes, Contents, Death, Line, Name, Operation, Outcome, Pid, Protection, Scenario, Seal,
    Source,
};

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

impl Scenario {
    /// The most lines that a scenario may have.
    pub const MOST_LINES: usize = 100_000;

    /// Reads a scenario.
    ///
    /// # Errors
    /// The first problem, with its place.
    pub fn parse(text: &str) -> Result<Scenario, Problem> {
        let mut lines = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            if number > Scenario::MOST_LINES {
                return Err(Problem {
                    line: number,
                    column: 1,
                    text: format!("more than {} lines", Scenario::MOST_LINES),
                });
            }
            let mut words = Words { number, rest: line, column: 1 };
            if words.is_at_end() {
                continue;
            }
            let (process, operation) = (words.process()?, words.operation()?);
            let outcome = if words.is_at_end() { None } else { Some(words.outcome()?) };
            words.end()?;
            lines.push(Line { process, operation, outcome });
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

    /// Whether there is more of the operation.
    fn goes_on(&mut self) -> bool {
        !self.is_at_end() && !self.rest.starts_with("=>")
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
        self.word("a name (a small letter, then at most seven small letters and digits; not `anon`)", Name::new)
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
                let truncate = self.goes_on() && self.word("`trunc`", |word| (word == "trunc").then_some(true))?;
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
                let part = if self.goes_on() { Some((self.amount()?, self.amount()?)) } else { None };
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

/// What stands behind `=>`.
impl Words<'_> {
    fn outcome(&mut self) -> Result<Outcome, Problem> {
        self.word("the end of the line, or `=>`", |word| (word == "=>").then_some(()))?;
        let mut outcomes = vec![self.one_outcome()?];
        while !self.is_at_end() {
            self.word("`or`, or the end of the line", |word| (word == "or").then_some(()))?;
            outcomes.push(self.one_outcome()?);
        }
        Ok(if outcomes.len() == 1 { outcomes.remove(0) } else { Outcome::OneOf(outcomes) })
    }

    fn one_outcome(&mut self) -> Result<Outcome, Problem> {
        self.skip_spaces();
        if self.rest.starts_with(['"', '\'', '(', '?']) || self.rest.split(' ').next().is_some_and(|w| w.contains('*'))
        {
            return self.pieces();
        }
        let outcome = self.word("an outcome (ok, a number, bytes, an errno, a signal)", |word| match word {
            "ok" => Some(Outcome::Done),
            "nothing" => Some(Outcome::Bytes(Vec::new())),
            "meaningless" => Some(Outcome::Meaningless),
            _ => DEATHS
                .iter()
                .find(|(name, _)| *name == word)
                .map(|(_, death)| Outcome::Died(*death, Amount { pages: 0, bytes: 0 }))
                .or_else(|| plain_number(word).map(|count| Outcome::Count(count.into())))
                .or_else(|| Outcome::errno(word)),
        })?;
        match outcome {
            Outcome::Died(death, _) => {
                self.word("`at`", |word| (word == "at").then_some(()))?;
                Ok(Outcome::Died(death, self.amount()?))
            }
            other => Ok(other),
        }
    }

    /// Bytes: `"abc" 0*10 'x'*100 ('x'|0)*1 ?*2`.
    fn pieces(&mut self) -> Result<Outcome, Problem> {
        const EXPECTED: &str = "bytes (\"abc\", 0*10, 'x'*100, ('x'|0)*1, ?*2)";
        let mut bytes = Vec::new();
        loop {
            if self.is_at_end() || self.rest.starts_with("or ") {
                return Ok(Outcome::Bytes(bytes));
            }
            if self.rest.starts_with('"') {
                let Bytes::Text(text) = self.bytes()? else { return Err(self.wrong(EXPECTED)) };
                bytes.extend(text.bytes().map(Byte::Is));
                continue;
            }
            self.word(EXPECTED, |word| {
                let (byte, times) = word.rsplit_once('*')?;
                let times = plain_number(times).filter(|times| *times > 0 && *times <= LONGEST_RUN)?;
                let byte = match byte.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
                    Some(both) => {
                        let (one, other) = both.split_once('|')?;
                        Byte::Either(byte_of(one)?, byte_of(other)?)
                    }
                    None if byte == "?" => Byte::Any,
                    None => Byte::Is(byte_of(byte)?),
                };
                bytes.extend(std::iter::repeat_n(byte, usize::try_from(times).ok()?));
                Some(())
            })?;
        }
    }
}

/// The longest run of one byte that is read: so long are the pages that exist, 256 times.
const LONGEST_RUN: u32 = 256 << 16;

/// `'x'`, or the number of a byte that can't be printed.
fn byte_of(text: &str) -> Option<u8> {
    match text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        Some(letter) => letter.parse().ok().filter(|letter| is_printable(*letter)).and_then(|c| u8::try_from(c).ok()),
        None => plain_number(text)?.try_into().ok().filter(|byte| !is_printable(char::from(*byte))),
    }
}

const DEATHS: [(&str, Death); 3] = [
    ("SIGSEGV/SEGV_MAPERR", Death::NotMapped),
    ("SIGSEGV/SEGV_ACCERR", Death::NotAllowed),
    ("SIGBUS/BUS_ADRERR", Death::NoPage),
];
const ACCESSES: [(&str, Access); 3] = [("ro", Access::ReadOnly), ("wo", Access::WriteOnly), ("rw", Access::ReadWrite)];
const PROTECTIONS: [(&str, Protection); 4] =
    [("none", Protection::None), ("r", Protection::Read), ("w", Protection::Write), ("rw", Protection::ReadWrite)];
const SEALS: [(&str, Seal); 4] =
    [("shrink", Seal::Shrink), ("grow", Seal::Grow), ("write", Seal::Write), ("future_write", Seal::FutureWrite)];

/// What a text or a fill is made of: it has to be told from what ends it, and from a remark.
fn is_printable(letter: char) -> bool {
    letter.is_ascii_graphic() && !matches!(letter, '"' | '\'' | '#' | '\\' | '|')
}

/// Without a sign, without zeros before it.
fn plain_number(text: &str) -> Option<u32> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| plain)
}

/// `10`, `1p`, `2p-1`, `1p+10`: the one way to write each amount.
fn amount(word: &str) -> Option<Amount> {
    let bytes = |text: &str| plain_number(text).and_then(|bytes| i32::try_from(bytes).ok());
    let Some((pages, rest)) = word.split_once('p') else {
        return bytes(word).map(|bytes| Amount { pages: 0, bytes });
    };
    let pages = plain_number(pages).filter(|pages| *pages > 0)?;
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
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(word_for(&ACCESSES, self))
    }
}

impl fmt::Display for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(word_for(&PROTECTIONS, self))
    }
}

impl fmt::Display for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(word_for(&SEALS, self))
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
                write!(f, "open {descriptor} {file} {access}{}", if *truncate { " trunc" } else { "" })
            }
            Operation::Close(name) => write!(f, "close {name}"),
            Operation::Read(name, at, length) => write!(f, "read {name} {at} {length}"),
            Operation::Write(name, at, bytes) => write!(f, "write {name} {at} {bytes}"),
            Operation::Truncate(name, size) => write!(f, "truncate {name} {size}"),
            Operation::Punch(name, at, length) => write!(f, "punch {name} {at} {length}"),
            Operation::Rename(from, to) => write!(f, "rename {from} {to}"),
            Operation::Unlink(name) => write!(f, "unlink {name}"),
            Operation::Seal(name, seal) => write!(f, "seal {name} {seal}"),
            Operation::Map(name, source, shared, protection, length) => {
                let sharing = if *shared { "shared" } else { "private" };
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
            Operation::Protect(name, protection) => write!(f, "protect {name} {protection}"),
            Operation::Advise(name) => write!(f, "advise {name} dontneed"),
            Operation::Sync(name) => write!(f, "sync {name}"),
            Operation::Fork(child) => write!(f, "fork {child}"),
            Operation::Exit => f.write_str("exit"),
            Operation::Kill(other) => write!(f, "kill {other}"),
        }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.process, self.operation)?;
        self.outcome.iter().try_for_each(|outcome| write!(f, " => {outcome}"))
    }
}

impl fmt::Display for Death {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(word_for(&DEATHS, self))
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Done => f.write_str("ok"),
            Outcome::Count(count) => write!(f, "{count}"),
            Outcome::Bytes(bytes) if bytes.is_empty() => f.write_str("nothing"),
            Outcome::Bytes(bytes) => write_bytes(f, bytes),
            Outcome::Errno(name) => f.write_str(name),
            Outcome::Died(death, at) => write!(f, "{death} at {at}"),
            Outcome::Meaningless => f.write_str("meaningless"),
            Outcome::OneOf(outcomes) => {
                for (n, outcome) in outcomes.iter().enumerate() {
                    write!(f, "{}{outcome}", if n > 0 { " or " } else { "" })?;
                }
                Ok(())
            }
        }
    }
}

/// Letters that differ as texts, and runs of the same byte by how many there are.
fn write_bytes(f: &mut fmt::Formatter<'_>, bytes: &[Byte]) -> fmt::Result {
    let mut text = String::new();
    for (n, run) in bytes.chunk_by(|one, other| one == other).enumerate() {
        let letter = match run[0] {
            Byte::Is(byte) => Some(char::from(byte)).filter(|letter| is_printable(*letter)),
            Byte::Either(..) | Byte::Any => None,
        };
        // A text has at most sixteen letters; a run of four is better counted than read.
        let is_text = letter.is_some() && run.len() < 4;
        if !text.is_empty() && (!is_text || text.len() + run.len() > 16) {
            write!(f, "{text:?}")?;
            text.clear();
            f.write_str(" ")?;
        } else if n > 0 && text.is_empty() {
            f.write_str(" ")?;
        }
        match (run[0], letter) {
            (_, Some(letter)) if is_text => text.extend(std::iter::repeat_n(letter, run.len())),
            (_, Some(letter)) => write!(f, "'{letter}'*{}", run.len())?,
            (Byte::Is(byte), _) => write!(f, "{byte}*{}", run.len())?,
            (Byte::Either(one, other), _) => write!(f, "({}|{})*{}", quoted(one), quoted(other), run.len())?,
            (Byte::Any, _) => write!(f, "?*{}", run.len())?,
        }
    }
    if text.is_empty() { Ok(()) } else { write!(f, "{text:?}") }
}

fn quoted(byte: u8) -> String {
    let letter = char::from(byte);
    if is_printable(letter) { format!("'{letter}'") } else { byte.to_string() }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}
