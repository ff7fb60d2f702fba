//! Scenarios on the kernel: one process for each letter, forked where the scenario forks.
//!
//! There are three parts. [`Kernel`] is what the caller holds. It has forked the supervisor, a small process that lives
//! from scenario to scenario: the supervisor forks process A, gives the turns, and waits for each worker that ends. The
//! workers are the processes of the scenario. They are all children of the supervisor, whichever worker forked them
//! (CLONE_PARENT, clone(2)), so that none can be lost. They die with the supervisor, and the supervisor ends when the
//! caller does, in whatever way that happens.
//!
//! A worker has the turn for as many consecutive lines as are its own. It writes the outcome of each into the record:
//! memory that all of them share, and that only the process that has the turn accesses. A signal handler records an
//! access that faults, and the worker then dies of it; the supervisor checks that it did.

mod record;
mod sockets;
mod supervisor;
mod worker;

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use nix::sys::signal::Signal;

use crate::error;
use crate::process::{Child, DEADLINE, Peer};
use crate::scenario::{Backend, Outcome, Scenario};
use crate::text;

use crate::text::Text;
use record::Record;
pub(crate) use supervisor::STAGE;

/// The kernel of this machine, as a backend for scenarios. It keeps their files in a temporary directory of its own,
/// and no line of a scenario reaches anything else.
#[derive(Debug)]
pub struct Kernel {
    peer: Peer,
    record: Record,
    supervisor: Child,
    directory: PathBuf,
}

impl Kernel {
    /// A kernel whose files are on the file system of the temporary directory (TMPDIR).
    ///
    /// # Errors
    /// As [`Kernel::in_dir`].
    pub fn new() -> io::Result<Kernel> {
        Kernel::in_dir(&std::env::temp_dir())
    }

    /// A kernel whose files are on the file system of this directory.
    ///
    /// # Errors
    /// When no directory can be made there, and those of [`Child::fork`].
    pub fn in_dir(directory: &Path) -> io::Result<Kernel> {
        let record = Record::new()?;
        let (mut supervisor, peer) = Child::fork(|caller| supervisor::serve(caller, &record, directory))?;
        let Ok(made) = peer.receive() else {
            let ended = supervisor.ended_within(DEADLINE)?;
            return Err(error::other(text!(
                "the processes of a scenario can't be started: {ended:?}",
                "无法启动脚本的进程：{ended:?}"
            )));
        };
        if let Some(problem) = unpacked(&made) {
            return Err(error::other(problem));
        }
        Ok(Kernel { peer, record, supervisor, directory: OsString::from_vec(made).into() })
    }
}

impl Drop for Kernel {
    fn drop(&mut self) {
        let _ = self.peer.hang_up();
        if !matches!(self.supervisor.ended_within(DEADLINE), Ok(Some(_))) {
            let _ = self.supervisor.signal(Signal::SIGKILL);
        }
        // The supervisor has removed it, unless it was killed.
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// Each scenario begins with one process and no file.
impl Backend for Kernel {
    type Error = io::Error;

    /// # Errors
    /// When a process ends in a way that no scenario asks for, when the deadline of [`crate::process`] passes, or when
    /// the outcomes don't fit in the record. The kernel can't be used afterwards.
    fn play(&mut self, scenario: &Scenario) -> io::Result<Vec<Outcome>> {
        self.record.begin(scenario.to_string().as_bytes())?;
        self.peer.give_turn()?;
        let mut written = 0;
        let answer = loop {
            match self.peer.receive() {
                // A long scenario may take longer than the deadline, as long as outcomes are written.
                Err(error) if error.kind() == io::ErrorKind::TimedOut && self.record.len() != written => {
                    written = self.record.len();
                }
                answer => break answer?,
            }
        };
        match answer.as_slice() {
            b"." => {}
            problem => return Err(error::other(unpacked(problem).unwrap_or_else(garbled))),
        }
        let outcomes = self.record.outcomes()?;
        match outcomes.len() == scenario.0.len() {
            true => Ok(outcomes),
            false => Err(error::other(garbled())),
        }
    }
}

/// An error as a message, from one process to another: its text in each language, with a zero between them, which no
/// path has.
fn packed(error: &io::Error) -> Vec<u8> {
    let Text { en, zh } = error::in_words(error);
    format!("{en}\0{zh}").into_bytes()
}

/// The text of a [`packed`] error.
fn unpacked(message: &[u8]) -> Option<Text> {
    let (en, zh) = str::from_utf8(message).ok()?.split_once('\0')?;
    Some(Text::new(en.to_owned(), zh.to_owned()))
}

fn garbled() -> Text {
    text!("the record of the scenario is garbled", "脚本的运行记录已损坏")
}
