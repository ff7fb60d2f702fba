//! The learner's code, in processes of its own.

use std::fs;
use std::io::{self, Write};
use std::os::fd::AsFd;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::{Pid, getpid};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::deadline;
use super::failure::{Failure, LEFT_PROCESSES, Limit, Verdict};
use super::fixtures::contents;
use super::seal::{Seal, Sealed};
use crate::lesson_1::counted_by_the_kernel;
use crate::process::{self, Child, Ended, Peer};
use crate::text;

/// How much private memory the learner's code may have in addition to what its process begins with, in bytes: enough for
/// every exercise, and so little that a runaway allocation is refused before the machine suffers.
const MEMORY: u64 = 512 << 20;

/// What a child sends back.
#[derive(Serialize, Deserialize)]
enum Reply<T> {
    Answer(Sealed<T>),
    LeftProcesses,
    /// From a child that the learner's code forked: it has returned from that code, as its parent does.
    CameBack,
}

/// Runs the learner's code in a forked child and brings back what it returns.
///
/// # Errors
/// Whatever the child does instead of returning within the [`deadline`]: a `todo!()`, a panic, an exit, a signal; or
/// that it returns and leaves a process.
pub fn ask<T: Serialize + DeserializeOwned>(body: impl FnOnce() -> T) -> Result<T, Failure> {
    ask_under(None, body)
}

/// [`ask`] with at most `bytes` more of address space than the child begins with (RLIMIT_AS, getrlimit(2)): private
/// memory and mapped files count alike.
///
/// # Errors
/// As [`ask`].
pub fn ask_with_memory<T: Serialize + DeserializeOwned>(bytes: u64, body: impl FnOnce() -> T) -> Result<T, Failure> {
    ask_under(Some(bytes), body)
}

fn ask_under<T: Serialize + DeserializeOwned>(more: Option<u64>, body: impl FnOnce() -> T) -> Result<T, Failure> {
    let (reply, seal) = (tempfile::tempfile()?, Seal::new()?);
    let (child, _peer) = Child::fork(|_| {
        let me = getpid();
        let answer = confined(more, body)?;
        let reply = io::BufWriter::new(&reply);
        if getpid() != me {
            return say_in(reply, &Reply::<T>::CameBack);
        }
        if process::has_children()? {
            return say_in(reply, &Reply::<T>::LeftProcesses);
        }
        say_in(reply, &Reply::Answer(seal.seal(answer)))
    })?;
    let ended = end_of(child, Limit::Call)?;
    if ended != Ended::Exited(0) {
        return Err(Failure::of_end(ended));
    }
    // From memory: bytes that come one by one from a reader take several times as long.
    let (mut answer, text) = (None, contents(&reply)?);
    for reply in serde_json::Deserializer::from_slice(&text).into_iter() {
        match reply {
            Ok(Reply::Answer(sealed)) => {
                answer = Some(seal.open(sealed).ok_or_else(|| Failure::of_end(ended.clone()))?)
            }
            Ok(Reply::LeftProcesses) => return Err(Failure::left_processes()),
            Ok(Reply::CameBack) => return Err(Failure::came_back()),
            Err(_) => return Err(Failure::of_end(ended)),
        }
    }
    // Without a reply, the learner's code has ended the process.
    answer.ok_or_else(|| Failure::of_end(ended))
}

fn say_in<T: Serialize>(mut to: impl Write, reply: &Reply<T>) -> io::Result<()> {
    serde_json::to_writer(&mut to, reply)?;
    to.flush()
}

/// How a child ended; the failure if it exceeded the deadline.
fn end_of(child: Child, limit: Limit) -> Result<Ended, Failure> {
    child.wait_within(deadline()).map_err(|error| match error.kind() {
        io::ErrorKind::TimedOut => Failure::timed_out(limit),
        _ => error.into(),
    })
}

/// Prepares this process for the learner's code: [`MEMORY`] is the limit of new private memory; shared memory can't be
/// limited, but where it runs out, this process is killed before any other (proc_pid_oom_score_adj(5)); and orphans become
/// children of this process, so that they are found.
pub(super) fn confine() -> io::Result<()> {
    process::adopt_orphans()?;
    // A sandbox may have no such file.
    let _ = fs::write("/proc/self/oom_score_adj", "1000");
    // A process that the learner's code has forked, or a check there, may not have more than the first one.
    let limit = (MEMORY + size(DATA)?).min(getrlimit(Resource::RLIMIT_DATA)?.1);
    Ok(setrlimit(Resource::RLIMIT_DATA, limit, limit)?)
}

/// Runs the learner's code in this process, which was forked for it, with at most `more` bytes of new address space.
fn confined<T>(more: Option<u64>, body: impl FnOnce() -> T) -> io::Result<T> {
    confine()?;
    let (soft, hard) = getrlimit(Resource::RLIMIT_AS)?;
    if let Some(more) = more {
        setrlimit(Resource::RLIMIT_AS, size(ADDRESS_SPACE)? + more, hard)?;
    }
    let done = body();
    // The limit is for the learner's code, not for what follows.
    setrlimit(Resource::RLIMIT_AS, soft, hard)?;
    // Standard output is buffered by lines, and the child leaves by _exit(2).
    io::stdout().flush()?;
    Ok(done)
}

/// The places of two sizes in proc_pid_statm(5): of all that is mapped, and of what is private and can be written to.
const ADDRESS_SPACE: usize = 0;
const DATA: usize = 5;

/// A size of this process in bytes (proc_pid_statm(5)).
fn size(place: usize) -> io::Result<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm")?;
    let pages = statm.split(' ').nth(place).and_then(|pages| pages.parse::<u64>().ok());
    Ok(pages.ok_or(io::ErrorKind::InvalidData)? * crate::observe::page_size_u64())
}

/// Bytes that went through read(2), write(2) and similar calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// Bytes read.
    pub read: u64,
    /// Bytes written.
    pub written: u64,
}

/// Runs `body` and says how many bytes this process moved meanwhile; None where the kernel has no /proc/self/io.
pub fn moved<T>(body: impl FnOnce() -> T) -> (T, Option<Moved>) {
    let mut done = None;
    let counted = counted_by_the_kernel(|| {
        done = Some(body());
        Ok(())
    });
    let moved = counted.ok().and_then(|((), account)| account.ok());
    let moved = moved.map(|account| Moved { read: account.bytes_in, written: account.bytes_out });
    (done.expect("the body has run"), moved)
}

/// The learner's code as a process that takes turns with the check. Dropping it kills it.
#[derive(Debug)]
pub struct Player {
    child: Child,
    peer: Peer,
}

/// Starts the learner's code as a process of its own, which talks with the check through a [`Peer`].
///
/// # Errors
/// Those of [`Child::fork`].
pub fn start(body: impl FnOnce(&Peer) -> Result<(), String>) -> Result<Player, Failure> {
    let (child, peer) = Child::fork(|peer| {
        confined(None, || body(peer))?.map_err(io::Error::other)?;
        // Report it here: the parent can't check once the group is killed.
        if process::has_children()? { Err(io::Error::other(LEFT_PROCESSES)) } else { Ok(()) }
    })?;
    Ok(Player { child, peer })
}

impl Player {
    /// Its process id.
    pub fn pid(&self) -> Pid {
        self.child.pid()
    }

    /// The check's end of the [`Peer`]. Prefer this type's own methods: where the player doesn't answer, they say how
    /// it ended.
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Gives the player its turn.
    ///
    /// # Errors
    /// When it has ended.
    pub fn give_turn(&self) -> Result<(), Failure> {
        self.peer.give_turn().map_err(|_| Player::gone())
    }

    /// Waits until the player gives the turn.
    ///
    /// # Errors
    /// As [`Player::receive`].
    pub fn await_turn(&mut self) -> Result<(), Failure> {
        self.receive().map(drop)
    }

    /// Waits for the player's next message.
    ///
    /// # Errors
    /// How the player ended, if it did; that no message came within the [`deadline`].
    pub fn receive(&mut self) -> Result<Vec<u8>, Failure> {
        let limit = PollTimeout::try_from(deadline()).map_err(io::Error::other)?;
        if poll(&mut [PollFd::new(self.peer.as_fd(), PollFlags::POLLIN)], limit)? == 0 {
            return Err(Failure::timed_out(Limit::Answer));
        }
        match self.peer.receive() {
            Ok(message) => Ok(message),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(self.how_it_ended()),
            Err(error) => Err(error.into()),
        }
    }

    /// Kills it with SIGKILL and reaps it.
    ///
    /// # Errors
    /// How it ended, if it did before that.
    pub fn kill(self) -> Result<(), Failure> {
        match self.child.kill()? {
            Ended::Killed(nix::sys::signal::Signal::SIGKILL) => Ok(()),
            other => Err(Failure::of_end(other)),
        }
    }

    /// Waits until it ends with status 0.
    ///
    /// # Errors
    /// Any other end; that it did not end within the [`deadline`].
    pub fn end(self) -> Result<(), Failure> {
        // Players that were started after it have a copy of our end.
        self.peer.hang_up()?;
        match end_of(self.child, Limit::End)? {
            Ended::Exited(0) => Ok(()),
            other => Err(Failure::of_end(other)),
        }
    }

    /// How the player ended. It has closed its end of the socket, so it has ended or is about to.
    fn how_it_ended(&mut self) -> Failure {
        match self.child.ended_within(deadline()) {
            Ok(Some(ended)) => Failure::of_end(ended),
            Ok(None) => Failure::timed_out(Limit::End),
            Err(error) => error.into(),
        }
    }

    fn gone() -> Failure {
        Failure::of(
            Verdict::Exited,
            text!("the process runs until it is told to end", "进程应当一直运行到被告知结束为止"),
            text!("it had ended already", "它已经提前结束"),
        )
    }
}
