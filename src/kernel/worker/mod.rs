//! A worker: a process of a scenario, which does its lines when it has the turn.

mod calls;
mod faults;

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;

use nix::errno::Errno;
use nix::libc;

use super::packed;
use super::record::Record;
use super::sockets::{Answer, Sockets, TurnEnd};
use crate::observe::page_size;
use crate::process::{Parent, fork_within_group};
use crate::scenario::{Name, Operation, Pid, Scenario};
use calls::{Mapped, NotDone};

/// A process of the scenario.
pub(super) struct Worker<'a> {
    letter: Pid,
    scenario: &'a Scenario,
    record: &'a Record,
    directory: &'a File,
    sockets: &'a Sockets,
    page: usize,
    descriptors: BTreeMap<Name, OwnedFd>,
    mappings: BTreeMap<Name, Mapped>,
    /// The address of the first slot.
    base: usize,
}

impl<'a> Worker<'a> {
    pub(super) fn new(
        letter: Pid,
        scenario: &'a Scenario,
        record: &'a Record,
        directory: &'a File,
        sockets: &'a Sockets,
    ) -> Worker<'a> {
        let (descriptors, mappings) = (BTreeMap::new(), BTreeMap::new());
        Worker { letter, scenario, record, directory, sockets, page: page_size(), descriptors, mappings, base: 0 }
    }

    /// Does what its lines say and ends the process; no destructor runs.
    pub(super) fn work(mut self) -> ! {
        let worked = match self.prepare() {
            Ok(()) => self.turns(),
            Err(error) => self.fail(&error),
        };
        let status = i32::from(worked.is_err());
        // SAFETY: _exit(2) runs no destructor and no atexit handler: those are the supervisor's.
        unsafe { libc::_exit(status) }
    }

    fn prepare(&mut self) -> io::Result<()> {
        self.base = calls::addresses_for_slots(self.page)?;
        faults::report_to(self.record)
    }

    /// Waits for the turn, and says why it can do nothing.
    fn fail(&self, error: &io::Error) -> io::Result<()> {
        let (from, _) = self.sockets.await_turn(self.letter)?;
        self.record.begin(&packed(error))?;
        self.sockets.answer(self.letter, &Answer { next: from, end: TurnEnd::Fails })
    }

    fn turns(&mut self) -> io::Result<()> {
        'turns: loop {
            let (from, to) = self.sockets.await_turn(self.letter)?;
            faults::answer_on(self.sockets.workers_end(self.letter)?);
            let mut answer = Answer { next: from, end: TurnEnd::Done };
            for line in self.scenario.0.get(from..to).unwrap_or_default() {
                answer.next += 1;
                faults::answer_with(answer.next);
                match &line.operation {
                    // SAFETY: a worker is a process of one thread.
                    Operation::Fork(child) => match unsafe { fork_within_group(Parent::Mine) } {
                        Ok(Some(process)) => {
                            answer.end = TurnEnd::Forked(process);
                            self.record.done();
                        }
                        Ok(None) => {
                            // The turn belongs to the parent.
                            self.letter = *child;
                            continue 'turns;
                        }
                        Err(error) => self.record.errno(Errno::from_raw(error.raw_os_error().unwrap_or(0))),
                    },
                    Operation::Exit => {
                        self.record.done();
                        return self.sockets.answer(self.letter, &Answer { end: TurnEnd::Exits, ..answer });
                    }
                    operation => match self.perform(operation) {
                        Ok(()) => {}
                        Err(NotDone::Errno(errno)) => self.record.errno(errno),
                        Err(NotDone::NotApplicable) => self.record.not_applicable(),
                    },
                }
            }
            self.sockets.answer(self.letter, &answer)?;
        }
    }
}
