//! What a line gives.

use std::borrow::Cow;

use super::Amount;

/// What a line gives.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It has been done.
    Done,
    /// So many bytes were written.
    Count(u64),
    /// These bytes were read or loaded.
    Bytes(Vec<Byte>),
    /// It is refused: the name of the errno.
    Errno(Cow<'static, str>),
    /// The process dies of a touch: how, and where in the mapping.
    Died(Death, Amount),
    /// There is no such process, name or place: nobody does anything.
    Meaningless,
    /// Left open: one of these.
    OneOf(Vec<Outcome>),
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

/// How a touch kills: the signal and its si_code (sigaction(2)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Death {
    /// SIGSEGV/SEGV_MAPERR: nothing is mapped there.
    NotMapped,
    /// SIGSEGV/SEGV_ACCERR: the protection forbids it.
    NotAllowed,
    /// SIGBUS/BUS_ADRERR: the file has no such page.
    NoPage,
}

impl Byte {
    /// Whether this byte may be that one.
    pub fn allows(self, byte: u8) -> bool {
        match self {
            Byte::Is(one) => one == byte,
            Byte::Either(one, other) => one == byte || other == byte,
            Byte::Any => true,
        }
    }

    /// This byte, or a zero: nobody knows.
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

    /// Whether what this says may be what has happened. What has happened leaves nothing open.
    pub fn allows(&self, happened: &Outcome) -> bool {
        match (self, happened) {
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

    /// Whether something of it is left open.
    pub fn is_open(&self) -> bool {
        match self {
            Outcome::OneOf(_) => true,
            Outcome::Bytes(bytes) => bytes.iter().any(|byte| !matches!(byte, Byte::Is(_))),
            _ => false,
        }
    }
}
