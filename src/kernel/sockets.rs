//! How the supervisor and the workers talk: a pair of sockets for each letter, and one message that gives the turn, one
//! that ends it.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;

use nix::sys::signal::Signal;
use nix::unistd::Pid as ProcessId;

use super::garbled;
use crate::error;
use crate::process::DEADLINE;
use crate::scenario::Pid;
use crate::text;

/// For each letter the supervisor's end and the worker's.
pub(super) struct Sockets(BTreeMap<Pid, (UnixStream, UnixStream)>);

/// What a worker tells the supervisor when its turn is over.
pub(super) struct Answer {
    /// The number of the first line that has not been done, from 0 on.
    pub(super) next: usize,
    pub(super) end: TurnEnd,
}

/// Why a turn is over.
pub(super) enum TurnEnd {
    /// Each of its lines has been done.
    Done,
    /// The worker has forked this process, which waits for a turn of its own.
    Forked(ProcessId),
    /// The worker is about to exit.
    Exits,
    /// The worker can't do anything; the record says why ([`super::packed`]).
    Fails,
    /// The worker is about to die of this signal.
    Dies(Signal),
}

impl Answer {
    const SIZE: usize = 16;

    /// Async-signal-safe.
    pub(super) fn to_bytes(&self) -> [u8; Answer::SIZE] {
        let (kind, value) = match self.end {
            TurnEnd::Done => (0, 0),
            TurnEnd::Forked(process) => (1, process.as_raw()),
            TurnEnd::Exits => (2, 0),
            TurnEnd::Dies(signal) => (3, signal as i32),
            TurnEnd::Fails => (4, 0),
        };
        let mut bytes = [0; Answer::SIZE];
        bytes[..4].copy_from_slice(&i32::to_ne_bytes(kind));
        bytes[4..8].copy_from_slice(&value.to_ne_bytes());
        bytes[8..].copy_from_slice(&(self.next as u64).to_ne_bytes());
        bytes
    }

    fn from_bytes(bytes: [u8; Answer::SIZE]) -> io::Result<Answer> {
        let [kind, value] = [0, 4].map(|at| i32::from_ne_bytes([0, 1, 2, 3].map(|n| bytes[at + n])));
        let next = word(bytes, 1)?;
        let end = match kind {
            0 => TurnEnd::Done,
            1 => TurnEnd::Forked(ProcessId::from_raw(value)),
            2 => TurnEnd::Exits,
            3 => TurnEnd::Dies(Signal::try_from(value)?),
            4 => TurnEnd::Fails,
            _ => return Err(error::told(ErrorKind::InvalidData, garbled())),
        };
        Ok(Answer { next, end })
    }
}

impl Sockets {
    /// A pair for each letter that a process can have: a worker that is forked finds its own.
    pub(super) fn new() -> io::Result<Sockets> {
        let pair = |letter| {
            let (supervisors, workers) = UnixStream::pair()?;
            supervisors.set_read_timeout(Some(DEADLINE))?;
            Ok((letter, (supervisors, workers)))
        };
        Ok(Sockets(('A'..='Z').filter_map(Pid::new).map(pair).collect::<io::Result<_>>()?))
    }

    /// The supervisor's side: gives a worker the lines from `from` up to but not including `to`, and waits until its
    /// turn is over.
    pub(super) fn give_turn(&self, letter: Pid, from: usize, to: usize) -> io::Result<Answer> {
        let (mut socket, _) = self.pair(letter)?;
        socket.write_all(&[(from as u64).to_ne_bytes(), (to as u64).to_ne_bytes()].concat())?;
        let mut answer = [0; Answer::SIZE];
        socket.read_exact(&mut answer)?;
        Answer::from_bytes(answer)
    }

    /// The worker's side: waits for a turn, and returns its first line and the line after its last one.
    pub(super) fn await_turn(&self, letter: Pid) -> io::Result<(usize, usize)> {
        let (_, mut socket) = self.pair(letter)?;
        let mut turn = [0; 16];
        socket.read_exact(&mut turn)?;
        Ok((word(turn, 0)?, word(turn, 1)?))
    }

    /// The worker's side: the turn is over.
    pub(super) fn answer(&self, letter: Pid, answer: &Answer) -> io::Result<()> {
        let (_, mut socket) = self.pair(letter)?;
        socket.write_all(&answer.to_bytes())
    }

    /// The worker's end, for a signal handler to write its answer to.
    pub(super) fn workers_end(&self, letter: Pid) -> io::Result<BorrowedFd<'_>> {
        Ok(self.pair(letter)?.1.as_fd())
    }

    fn pair(&self, letter: Pid) -> io::Result<(&UnixStream, &UnixStream)> {
        let pair = self.0.get(&letter).map(|(supervisors, workers)| (supervisors, workers));
        pair.ok_or_else(|| error::other(text!("no sockets for process {letter}", "进程 {letter} 没有套接字")))
    }
}

/// The `n`-th 8 bytes of a message, from 0 on, as a number.
fn word(bytes: [u8; 16], n: usize) -> io::Result<usize> {
    let word = u64::from_ne_bytes([0, 1, 2, 3, 4, 5, 6, 7].map(|byte| bytes[8 * n + byte]));
    word.try_into().map_err(io::Error::other)
}
