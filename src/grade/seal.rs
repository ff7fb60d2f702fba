//! What tells a child's own words from those of the code that it runs, which has all descriptors of the child.

use std::io::{self, ErrorKind};

use nix::errno::Errno;
use nix::libc;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A number that a check draws before it forks, and that the child says with its answer. The learner's code has it in its
/// memory, too, but nothing shows where. It is never said while another process is left, which could read it.
#[derive(Debug)]
pub(super) struct Seal(Box<[u8; 8]>);

/// An answer with the number of a seal.
pub(super) type Sealed<T> = ([u8; 8], T);

impl Seal {
    /// # Errors
    /// Those of getrandom(2).
    pub(super) fn new() -> io::Result<Seal> {
        let mut number = Box::new([0; 8]);
        // SAFETY: getrandom(2) writes at most that many bytes there.
        Errno::result(unsafe { libc::getrandom(number.as_mut_ptr().cast(), number.len(), 0) })?;
        Ok(Seal(number))
    }

    /// The answer with this seal.
    pub(super) fn seal<T>(&self, answer: T) -> Sealed<T> {
        (*self.0, answer)
    }

    /// The answer, if it has this seal.
    pub(super) fn open<T>(&self, (number, answer): Sealed<T>) -> Option<T> {
        (number == *self.0).then_some(answer)
    }

    /// The answer with this seal as bytes.
    ///
    /// # Errors
    /// When it can't be JSON.
    pub(super) fn to_bytes(&self, answer: &impl Serialize) -> io::Result<Vec<u8>> {
        Ok(serde_json::to_vec(&self.seal(answer))?)
    }

    /// The answer that these bytes are.
    ///
    /// # Errors
    /// Where they are anything else, or have another seal.
    pub(super) fn of_bytes<T: DeserializeOwned>(&self, bytes: &[u8]) -> io::Result<T> {
        self.open(serde_json::from_slice(bytes)?).ok_or_else(|| ErrorKind::InvalidData.into())
    }
}
