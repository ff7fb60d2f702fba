//! What a line gives.

use alloc::borrow::{Cow, ToOwned};
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use super::Amount;
use super::grammar::{Part, Problem, Seal, Words, amount, is_printable, plain_number};
use crate::fault::Cause;
use crate::text;

/// What a line gives.
///
/// ```
/// # use mmap_workbook::scenario::{Byte, Outcome};
/// // Past the end of a file a stored byte may be there still, or be zero again.
/// let open = Outcome::Bytes(vec![Byte::Either(b'x', 0)]);
/// assert!(open.is_open() && open.allows(&Outcome::Bytes(vec![Byte::Is(0)])));
/// assert_eq!(open.to_string(), "('x'|0)*1");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It succeeds, and returns nothing of interest.
    Done,
    /// The number of bytes written, or what a function returns.
    Count(u64),
    /// The seals of a file.
    Sealed(BTreeSet<Seal>),
    /// Whether st_mtime has moved.
    Moved(bool),
    /// These bytes were read or loaded.
    Bytes(Vec<Byte>),
    /// It fails: the name of the errno.
    Errno(Cow<'static, str>),
    /// An access kills the process: how, and where in the mapping.
    Died(Cause, Amount),
    /// The line is not applicable: there is no such process or name, say. Nothing happens.
    NotApplicable,
    /// Left open: one of these.
    OneOf(Vec<Outcome>),
    /// A number of bytes, as a line claims it in pages: [`Outcome::at`] says which that is.
    CountInPages(Amount),
    /// Bytes, as a line claims them with runs of pages.
    BytesInPages(Vec<Run>),
}

/// A part of bytes that are claimed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Run {
    /// These.
    Bytes(Vec<Byte>),
    /// A byte, as often as that.
    Pages(Byte, Amount),
}

/// A byte that is read or loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Byte {
    /// This one.
    Is(u8),
    /// Left open: one of the two.
    Either(u8, u8),
    /// Left open.
    Any,
}

impl Byte {
    /// Whether it may be this byte.
    pub fn allows(self, byte: u8) -> bool {
        match self {
            Byte::Is(one) => one == byte,
            Byte::Either(one, other) => one == byte || other == byte,
            Byte::Any => true,
        }
    }

    /// This byte or the other one, left open.
    pub fn or(self, other: Byte) -> Byte {
        match (self, other) {
            (Byte::Is(one), Byte::Is(another)) if one != another => Byte::Either(one, another),
            (both @ Byte::Either(..), Byte::Is(one)) | (Byte::Is(one), both @ Byte::Either(..)) if both.allows(one) => {
                both
            }
            (one, other) if one == other => one,
            _ => Byte::Any,
        }
    }

    /// This byte or a zero, left open.
    pub fn or_zero(self) -> Byte {
        match self {
            Byte::Is(0) => Byte::Is(0),
            Byte::Is(byte) | Byte::Either(byte, 0) => Byte::Either(byte, 0),
            Byte::Either(..) | Byte::Any => Byte::Any,
        }
    }
}

impl Outcome {
    /// The outcome with this errno, if it is the name of one: EINVAL.
    pub fn errno(name: &str) -> Option<Outcome> {
        let is_name = name.starts_with('E')
            && name.len() > 2
            && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
        is_name.then(|| Outcome::Errno(Cow::Owned(name.to_owned())))
    }

    /// Whether what happened is one of the outcomes that this allows; where it is left open, whether this allows all of it.
    pub fn allows(&self, happened: &Outcome) -> bool {
        match (self, happened) {
            (_, Outcome::OneOf(outcomes)) => outcomes.iter().all(|outcome| self.allows(outcome)),
            (Outcome::OneOf(outcomes), _) => outcomes.iter().any(|outcome| outcome.allows(happened)),
            (Outcome::Bytes(bytes), Outcome::Bytes(others)) => {
                bytes.len() == others.len()
                    && bytes.iter().zip(others).all(|(byte, other)| match other {
                        Byte::Is(other) => byte.allows(*other),
                        _ => byte == other,
                    })
            }
            _ => self == happened,
        }
    }

    /// The outcome where a page has `page_size` bytes: what a line claims in pages is a plain number then, as all outcomes
    /// are. An offset is the same one in either way: 4096 and 1p, where a page has 4 KiB.
    ///
    /// ```
    /// # use mmap_workbook::scenario::Scenario;
    /// let claim = Scenario::parse("A load m 0 2p => 'x'*1p 0*2p-1")?.0.remove(0).outcome.unwrap();
    /// assert_eq!(claim.at(4).map(|outcome| outcome.to_string()), Ok("'x'*4 0*7".into()));
    /// # Ok::<(), mmap_workbook::scenario::Problem>(())
    /// ```
    ///
    /// # Errors
    /// The number that is out of bounds.
    pub fn at(&self, page_size: u32) -> Result<Outcome, Amount> {
        let size = |amount: &Amount| amount.at(page_size).ok_or(*amount);
        Ok(match self {
            Outcome::Died(cause, at) => Outcome::Died(*cause, Amount::of(size(at)?, page_size)),
            Outcome::CountInPages(count) => Outcome::Count(size(count)?),
            Outcome::BytesInPages(runs) => {
                let mut bytes = Vec::new();
                for run in runs {
                    match run {
                        Run::Bytes(run) => bytes.extend_from_slice(run),
                        Run::Pages(byte, times) => {
                            let times = usize::try_from(size(times)?).map_err(|_| *times)?;
                            bytes.resize(bytes.len() + times, *byte);
                        }
                    }
                }
                Outcome::Bytes(bytes)
            }
            Outcome::OneOf(outcomes) => {
                Outcome::OneOf(outcomes.iter().map(|outcome| outcome.at(page_size)).collect::<Result<_, _>>()?)
            }
            other => other.clone(),
        })
    }

    /// The other outcomes of several, if this is the first of them.
    pub fn others_than(&self, first: &Outcome) -> &[Outcome] {
        match self {
            Outcome::OneOf(outcomes) if outcomes.first() == Some(first) => &outcomes[1..],
            _ => &[],
        }
    }

    /// Whether it leaves something open.
    pub fn is_open(&self) -> bool {
        match self {
            Outcome::OneOf(_) => true,
            Outcome::Bytes(bytes) => bytes.iter().any(|byte| !matches!(byte, Byte::Is(_))),
            _ => false,
        }
    }
}

// ---- How it is read and printed ----

/// One outcome, or several with `or` between them.
impl Part for Outcome {
    fn read(words: &mut Words<'_>) -> Result<Outcome, Problem> {
        let mut outcomes = [one_outcome(words)?].to_vec();
        while !words.is_at_end() {
            words.word(text!("the end of the line, or `or`", "行尾或 `or`"), |word| (word == "or").then_some(()))?;
            outcomes.push(one_outcome(words)?);
        }
        Ok(if outcomes.len() == 1 { outcomes.remove(0) } else { Outcome::OneOf(outcomes) })
    }

    fn print(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Done => f.write_str("ok"),
            Outcome::Count(count) => write!(f, "{count}"),
            Outcome::Sealed(seals) if seals.is_empty() => f.write_str("unsealed"),
            Outcome::Sealed(seals) => {
                f.write_str("sealed")?;
                seals.iter().try_for_each(|seal| write!(f, " {seal}"))
            }
            Outcome::Moved(moved) => f.write_str(if *moved { "moved" } else { "unmoved" }),
            Outcome::Bytes(bytes) if bytes.is_empty() => f.write_str("nothing"),
            Outcome::Bytes(bytes) => write_bytes(f, bytes),
            Outcome::Errno(name) => f.write_str(name),
            Outcome::Died(cause, at) => write!(f, "{cause} at {at}"),
            Outcome::NotApplicable => f.write_str("n/a"),
            Outcome::OneOf(outcomes) => {
                for (n, outcome) in outcomes.iter().enumerate() {
                    write!(f, "{}{outcome}", if n > 0 { " or " } else { "" })?;
                }
                Ok(())
            }
            Outcome::CountInPages(count) => write!(f, "{count}"),
            Outcome::BytesInPages(runs) => runs.iter().enumerate().try_for_each(|(n, run)| {
                f.write_str(if n > 0 { " " } else { "" })?;
                match run {
                    Run::Bytes(bytes) => write_bytes(f, bytes),
                    Run::Pages(byte, times) => write!(f, "{}*{times}", of_byte(*byte)),
                }
            }),
        }
    }
}

fn one_outcome(words: &mut Words<'_>) -> Result<Outcome, Problem> {
    if !words.is_at_end() && (words.next().starts_with(['"', '\'', '(', '?']) || words.next().contains('*')) {
        return bytes(words);
    }
    let expected = text!(
        "an outcome (ok, a number, bytes, nothing, an errno, SIGBUS/BUS_ADRERR, moved, unmoved, sealed, unsealed)",
        "结果（ok、数字、字节内容、nothing、errno、SIGBUS/BUS_ADRERR、moved、unmoved、sealed、unsealed）"
    );
    let has_seals = words.next() == "sealed";
    let outcome = words.word(expected, |word| match word {
        "ok" => Some(Outcome::Done),
        "nothing" => Some(Outcome::Bytes(Vec::new())),
        "n/a" => Some(Outcome::NotApplicable),
        "moved" => Some(Outcome::Moved(true)),
        "unmoved" => Some(Outcome::Moved(false)),
        "sealed" | "unsealed" => Some(Outcome::Sealed(BTreeSet::new())),
        _ => Cause::named(word)
            .map(|cause| Outcome::Died(cause, Amount { pages: 0, bytes: 0 }))
            .or_else(|| plain_number(word).map(|count| Outcome::Count(count.into())))
            .or_else(|| amount(word).map(count))
            .or_else(|| Outcome::errno(word)),
    })?;
    match outcome {
        Outcome::Died(cause, _) => {
            words.word(text!("`at`", " `at`"), |word| (word == "at").then_some(()))?;
            Ok(Outcome::Died(cause, Amount::read(words)?))
        }
        Outcome::Sealed(mut seals) if has_seals => {
            seals.insert(Seal::read(words)?);
            while !words.is_at_end() && words.next() != "or" {
                seals.insert(Seal::read(words)?);
            }
            Ok(Outcome::Sealed(seals))
        }
        other => Ok(other),
    }
}

fn count(amount: Amount) -> Outcome {
    match u64::try_from(amount.bytes) {
        Ok(bytes) if amount.pages == 0 => Outcome::Count(bytes),
        _ => Outcome::CountInPages(amount),
    }
}

/// Bytes: `"abc" 0*10 'x'*1p ('x'|0)*1 ?*2`.
fn bytes(words: &mut Words<'_>) -> Result<Outcome, Problem> {
    let (mut runs, mut bytes) = (Vec::new(), Vec::new());
    while !words.is_at_end() && words.next() != "or" {
        if words.is_next('"') {
            bytes.extend(words.quoted()?.bytes().map(Byte::Is));
            continue;
        }
        let expected =
            text!("bytes (\"abc\", 0*10, 'x'*1p, ('x'|0)*1, ?*2)", "字节内容（\"abc\"、0*10、'x'*1p、('x'|0)*1、?*2）");
        words.word(expected, |word| {
            let (byte, times) = word.rsplit_once('*')?;
            let byte = match byte.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
                Some(both) => {
                    let (one, other) = both.split_once('|')?;
                    Byte::Either(byte_of(one)?, byte_of(other)?)
                }
                None if byte == "?" => Byte::Any,
                None => Byte::Is(byte_of(byte)?),
            };
            let times = amount(times)?;
            if times.pages == 0 {
                let times = u32::try_from(times.bytes).ok().filter(|times| *times > 0 && *times <= LONGEST_RUN)?;
                bytes.extend(core::iter::repeat_n(byte, usize::try_from(times).ok()?));
                return Some(());
            }
            if !bytes.is_empty() {
                runs.push(Run::Bytes(core::mem::take(&mut bytes)));
            }
            runs.push(Run::Pages(byte, times));
            Some(())
        })?;
    }
    if runs.is_empty() {
        return Ok(Outcome::Bytes(bytes));
    }
    if !bytes.is_empty() {
        runs.push(Run::Bytes(bytes));
    }
    Ok(Outcome::BytesInPages(runs))
}

/// The longest run of one byte that is read: 256 of the largest pages that exist.
const LONGEST_RUN: u32 = 256 << 16;

/// `'x'`, or the number of a byte that can't be printed.
fn byte_of(text: &str) -> Option<u8> {
    match text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        Some(letter) => letter.parse().ok().filter(|letter| is_printable(*letter)).and_then(|c| u8::try_from(c).ok()),
        None => plain_number(text)?.try_into().ok().filter(|byte| !is_printable(char::from(*byte))),
    }
}

/// Different letters as a text, and runs of one byte by their length.
fn write_bytes(f: &mut fmt::Formatter<'_>, bytes: &[Byte]) -> fmt::Result {
    let mut text = String::new();
    for (n, run) in bytes.chunk_by(|one, other| one == other).enumerate() {
        let letter = match run[0] {
            // A blank can't be in a run.
            Byte::Is(b' ') => (run.len() < 4).then_some(' '),
            Byte::Is(byte) => Some(char::from(byte)).filter(|letter| is_printable(*letter)),
            Byte::Either(..) | Byte::Any => None,
        };
        // A text has at most sixteen letters. A run of four or more is easier to read as a count.
        let is_text = letter.is_some() && run.len() < 4;
        if !text.is_empty() && (!is_text || text.len() + run.len() > 16) {
            write!(f, "{text:?}")?;
            text.clear();
            f.write_str(" ")?;
        } else if n > 0 && text.is_empty() {
            f.write_str(" ")?;
        }
        match (run[0], letter) {
            (_, Some(letter)) if is_text => text.extend(core::iter::repeat_n(letter, run.len())),
            (byte, _) => write!(f, "{}*{}", of_byte(byte), run.len())?,
        }
    }
    if text.is_empty() { Ok(()) } else { write!(f, "{text:?}") }
}

/// A byte before its `*`.
fn of_byte(byte: Byte) -> String {
    match byte {
        Byte::Is(byte) => quoted(byte),
        Byte::Either(one, other) => format!("({}|{})", quoted(one), quoted(other)),
        Byte::Any => "?".to_owned(),
    }
}

fn quoted(byte: u8) -> String {
    let letter = char::from(byte);
    if is_printable(letter) { format!("'{letter}'") } else { byte.to_string() }
}
