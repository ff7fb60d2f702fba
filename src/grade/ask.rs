//! The learner's code, in processes of its own.

use std::io::{self, Seek, Write};
use std::os::fd::{AsFd, AsRawFd};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::socket::{Shutdown, shutdown};
use nix::unistd::{Pid, getpid};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::deadline;
use super::failure::{Failure, LEFT_PROCESSES, Verdict};
use crate::lesson_1::counted_by_the_kernel;
use crate::process::{self, Child, Ended, Peer};
use crate::text;

/// The private memory in bytes that the learner's code may have: enough for every exercise, and little enough that a
/// runaway allocation is refused before the machine suffers.
const MEMORY: u64 = 512 << 20;

/// What a child brings back.
#[derive(Serialize, Deserialize)]
enum Reply<T> {
    Answer(T),
    LeftProcesses,
    /// From a child that the learner's code forked, and that came back from it as if it were its parent.
    CameBack,
}

/// Runs the learner's code in a forked child and brings back what it returns.
///
/// # Errors
/// Whatever the child does instead of returning: a `todo!()`, a panic, an exit, a signal, no end within the deadline; or
/// when it returns and leaves a process behind.
pub fn ask<T: Serialize + DeserializeOwned>(body: impl FnOnce() -> T) -> Result<T, Failure> {
    ask_under(None, body)
}

/// [`ask`] with `bytes` of memory beyond what the child has when it begins: private or mapped from a file, all counts.
///
/// # Errors
/// As [`ask`].
pub fn ask_with_memory<T: Serialize + DeserializeOwned>(bytes: u64, body: impl FnOnce() -> T) -> Result<T, Failure> {
    ask_under(Some(bytes), body)
}

fn ask_under<T: Serialize + DeserializeOwned>(more: Option<u64>, body: impl FnOnce() -> T) -> Result<T, Failure> {
    let mut reply = tempfile::tempfile()?;
    let (child, _line) = Child::fork(|_| {
        let me = getpid();
        let answer = confined(more, body)?;
        let reply = io::BufWriter::new(&reply);
        if getpid() != me {
            return say_in(reply, &Reply::<T>::CameBack);
        }
        if process::has_children()? {
            return say_in(reply, &Reply::<T>::LeftProcesses);
        }
        say_in(reply, &Reply::Answer(answer))
    })?;
    let ended = end_of(child)?;
    if ended != Ended::Exited(0) {
        return Err(Failure::of_end(ended));
    }
    reply.rewind()?;
    let mut answer = None;
    let replies = serde_json::Deserializer::from_reader(io::BufReader::new(reply)).into_iter();
    for reply in replies.map_while(Result::ok) {
        match reply {
            Reply::Answer(answered) => answer = Some(answered),
            Reply::LeftProcesses => return Err(Failure::left_processes()),
            Reply::CameBack => return Err(Failure::came_back()),
        }
    }
    // Where it said nothing, the learner's code has ended the process.
    answer.ok_or_else(|| Failure::of_end(ended))
}

fn say_in<T: Serialize>(mut to: impl Write, reply: &Reply<T>) -> io::Result<()> {
    serde_json::to_writer(&mut to, reply)?;
    to.flush()
}

/// How a child ended, or that it didn't.
fn end_of(child: Child) -> Result<Ended, Failure> {
    child.wait_within(deadline()).map_err(|error| match error.kind() {
        io::ErrorKind::TimedOut => Failure::timed_out(),
        _ => error.into(),
    })
}

/// Makes this process one for the learner's code: it gets so much private memory and no more, and its orphans come to it,
/// so that they are seen.
pub(super) fn confine() -> io::Result<()> {
    process::adopt_orphans()?;
    Ok(setrlimit(Resource::RLIMIT_DATA, MEMORY, MEMORY)?)
}

/// Runs the learner's code in this process, which has been forked for it; with so many bytes `more` of memory of any kind.
fn confined<T>(more: Option<u64>, body: impl FnOnce() -> T) -> io::Result<T> {
    confine()?;
    let (soft, hard) = getrlimit(Resource::RLIMIT_AS)?;
    if let Some(more) = more {
        setrlimit(Resource::RLIMIT_AS, address_space()? + more, hard)?;
    }
    let done = body();
    // What is left to do is ours, not the learner's.
    setrlimit(Resource::RLIMIT_AS, soft, hard)?;
    // Standard output is buffered by lines, and the child leaves by _exit(2).
    io::stdout().flush()?;
    Ok(done)
}

/// The size of this process's address space in bytes (proc_pid_statm(5)).
fn address_space() -> io::Result<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm")?;
    let pages =
        statm.split(' ').next().and_then(|pages| pages.parse::<u64>().ok()).ok_or(io::ErrorKind::InvalidData)?;
    Ok(pages * crate::observe::page_size_u64())
}

/// Bytes that went through read(2), write(2) and their kin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// Into the process.
    pub read: u64,
    /// Out of it.
    pub written: u64,
}

/// Does `body` and says what this process moved meanwhile; None where the kernel keeps no such account.
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

/// The learner's code as a process that goes on, in turns with the check. Dropping it kills it.
#[derive(Debug)]
pub struct Player {
    child: Child,
    line: Peer,
}

/// Starts the learner's code as a process of its own, which talks with the check through a [`Peer`].
///
/// # Errors
/// When no child can be forked.
pub fn start(body: impl FnOnce(&Peer) -> Result<(), String>) -> Result<Player, Failure> {
    let (child, line) = Child::fork(|line| {
        confined(None, || body(line))?.map_err(io::Error::other)?;
        // As the parent would say it: it can't look any more once the group is killed.
        if process::has_children()? { Err(io::Error::other(LEFT_PROCESSES)) } else { Ok(()) }
    })?;
    Ok(Player { child, line })
}

impl Player {
    /// Its process id.
    pub fn pid(&self) -> Pid {
        self.child.pid()
    }

    /// The check's end of the line. Prefer this type's own methods, which say how a player ended that does not answer.
    pub fn line(&self) -> &Peer {
        &self.line
    }

    /// Gives the player its turn.
    ///
    /// # Errors
    /// When it is gone.
    pub fn give_turn(&self) -> Result<(), Failure> {
        self.line.give_turn().map_err(|_| Player::gone())
    }

    /// Waits until the player gives the turn.
    ///
    /// # Errors
    /// How it ended if it did; that it timed out.
    pub fn await_turn(&mut self) -> Result<(), Failure> {
        self.receive().map(drop)
    }

    /// Waits for the player's next message.
    ///
    /// # Errors
    /// How it ended if it did; that it timed out.
    pub fn receive(&mut self) -> Result<Vec<u8>, Failure> {
        let limit = PollTimeout::try_from(deadline()).map_err(io::Error::other)?;
        if poll(&mut [PollFd::new(self.line.as_fd(), PollFlags::POLLIN)], limit)? == 0 {
            return Err(Failure::timed_out());
        }
        match self.line.receive() {
            Ok(message) => Ok(message),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(self.how_it_ended()),
            Err(error) => Err(error.into()),
        }
    }

    /// Kills it with SIGKILL and reaps it.
    ///
    /// # Errors
    /// When it ended otherwise before that.
    pub fn kill(self) -> Result<(), Failure> {
        match self.child.kill()? {
            Ended::Killed(nix::sys::signal::Signal::SIGKILL) => Ok(()),
            other => Err(Failure::of_end(other)),
        }
    }

    /// Waits for its good end.
    ///
    /// # Errors
    /// Any other end; that it timed out.
    pub fn end(self) -> Result<(), Failure> {
        // A player that still waits for a turn finds that nobody will give it one, also when players that were started after
        // it have a copy of our end.
        shutdown(self.line.as_fd().as_raw_fd(), Shutdown::Both)?;
        match end_of(self.child)? {
            Ended::Exited(0) => Ok(()),
            other => Err(Failure::of_end(other)),
        }
    }

    /// The player let go of its line: it has ended, or is about to.
    fn how_it_ended(&mut self) -> Failure {
        match self.child.ended_within(deadline()) {
            Ok(Some(ended)) => Failure::of_end(ended),
            Ok(None) => Failure::timed_out(),
            Err(error) => error.into(),
        }
    }

    fn gone() -> Failure {
        Failure::of(
            Verdict::Exited,
            text!("the process goes on until it is told to end", "进程应当一直运行到被告知结束为止"),
            text!("it had ended already", "它已经提前结束"),
        )
    }
}
