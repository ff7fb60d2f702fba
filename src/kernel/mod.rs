//! Scenarios on the kernel: one process for each letter, forked where the scenario forks.
//!
//! Three parts play together. [`Kernel`] is what the caller holds. It has forked the stage, a small process that lives on
//! from scenario to scenario: it forks process A, gives the turns, and waits for whoever ends. The actors are the processes
//! of the scenario. They are all children of the stage, whoever forked them (CLONE_PARENT), so that none can be lost, and
//! they die with it; the stage ends when the caller does, however that comes about.
//!
//! An actor has the turn for as many lines as are its own, one after the other, and writes down what each gives in the
//! record: memory that all of them share, and that only the one whose turn it is touches. A signal handler writes down the
//! touch that kills, and the process then dies of it; the stage checks that it did.

mod actor;
mod record;
mod stage;

use std::io;
use std::path::Path;

use tempfile::TempDir;

use crate::process::{Child, Peer};
use crate::scenario::{Backend, Outcome, Scenario};
use record::Record;

/// The kernel of this machine, as a world for scenarios. Their files are in a temporary directory of its own, on the file
/// system of the directory that it was made in, and no line of a scenario reaches anything else.
#[derive(Debug)]
pub struct Kernel {
    line: Peer,
    record: Record,
    // In this order: the stage is gone before its directory is.
    _stage: Child,
    _directory: TempDir,
}

impl Kernel {
    /// On the file system that holds the temporary directory (TMPDIR).
    ///
    /// # Errors
    /// As [`Kernel::in_dir`].
    pub fn new() -> io::Result<Kernel> {
        Kernel::in_dir(&std::env::temp_dir())
    }

    /// On the file system that holds this directory.
    ///
    /// # Errors
    /// When no directory can be made there, and as [`Child::fork`].
    pub fn in_dir(directory: &Path) -> io::Result<Kernel> {
        let directory = tempfile::Builder::new().prefix("workbook-").tempdir_in(directory).map_err(|error| {
            io::Error::new(error.kind(), format!("no temporary directory in {}: {error}", directory.display()))
        })?;
        let record = Record::new()?;
        let (stage, line) = Child::fork(|line| stage::serve(line, &record, directory.path()))?;
        // From now on the directory is sure to go.
        line.await_turn()?;
        Ok(Kernel { line, record, _stage: stage, _directory: directory })
    }
}

/// Each scenario begins with one process and no file.
impl Backend for Kernel {
    type Error = io::Error;

    /// # Errors
    /// When a process ends in a way that no scenario asks for, when the deadline of [`crate::process`] passes, when there
    /// are more outcomes than the record holds. The kernel is of no use afterwards.
    fn play(&mut self, scenario: &Scenario) -> io::Result<Vec<Outcome>> {
        self.record.begin(scenario.to_string().as_bytes())?;
        self.line.give_turn()?;
        let mut written = 0;
        let answer = loop {
            match self.line.receive() {
                // A long scenario may take longer than the deadline; one in which nothing happens any more may not.
                Err(error) if error.kind() == io::ErrorKind::TimedOut && self.record.len() != written => {
                    written = self.record.len();
                }
                answer => break answer?,
            }
        };
        match answer.as_slice() {
            b"." => {}
            problem => return Err(io::Error::other(String::from_utf8_lossy(problem).into_owned())),
        }
        let outcomes = self.record.outcomes()?;
        match outcomes.len() == scenario.0.len() {
            true => Ok(outcomes),
            false => Err(io::Error::other(format!("{} outcomes of {} lines", outcomes.len(), scenario.0.len()))),
        }
    }
}
