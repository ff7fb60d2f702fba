//! What tells a child's own words from those of the code that it runs, which has all descriptors of the child.

use std::io::{self, ErrorKind, Write};

use nix::errno::Errno;
use nix::libc;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A number that a check draws before it forks, and that the child says with each reply. The learner's code has it in its
/// memory, too, but nothing shows where.
#[derive(Debug)]
pub(super) struct Seal(Box<[u8; 8]>);

impl Seal {
    /// # Errors
    /// Those of getrandom(2).
    pub(super) fn new() -> io::Result<Seal> {
        let mut number = Box::new([0; 8]);
        // SAFETY: getrandom(2) writes at most that many bytes there.
        Errno::result(unsafe { libc::getrandom(number.as_mut_ptr().cast(), number.len(), 0) })?;
        Ok(Seal(number))
    }

    /// Writes a reply.
    ///
    /// # Errors
    /// When it can't be written.
    pub(super) fn write(&self, mut to: impl Write, reply: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut to, &(&*self.0, reply))?;
        to.flush()
    }

    /// A reply as bytes.
    ///
    /// # Errors
    /// When it can't be JSON.
    pub(super) fn bytes(&self, reply: &impl Serialize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.write(&mut bytes, reply).map(|()| bytes)
    }

    /// The replies that these bytes are; None where somebody else has written there.
    pub(super) fn read<T: DeserializeOwned>(&self, bytes: &[u8]) -> Option<Vec<T>> {
        let replies = serde_json::Deserializer::from_slice(bytes).into_iter();
        let own = |(number, reply): ([u8; 8], T)| (number == *self.0).then_some(reply);
        replies.map(|reply| reply.ok().and_then(own)).collect()
    }

    /// The only reply.
    ///
    /// # Errors
    /// `InvalidData` where these bytes are anything else.
    pub(super) fn read_one<T: DeserializeOwned>(&self, bytes: &[u8]) -> io::Result<T> {
        let replies = self.read(bytes).and_then(|replies| <[T; 1]>::try_from(replies).ok());
        replies.map(|[reply]| reply).ok_or_else(|| ErrorKind::InvalidData.into())
    }
}
