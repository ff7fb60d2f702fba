//! The stage: forks the first actor, gives the turns, waits for whoever ends.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::Path;

use nix::sched::{CpuSet, sched_getcpu, sched_setaffinity};
use nix::sys::prctl;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{Pid as ProcessId, UnlinkatFlags, getppid, unlinkat};

use super::actor::{Actor, Answer, Stop, Wires};
use super::record::Record;
use crate::process::{Parent, Peer, fork_within_group};
use crate::scenario::{Operation, Pid, Scenario};

/// So many lines are done in one turn: a turn has a deadline.
const LONGEST_TURN: usize = 1000;

/// Plays one scenario after the other, until the caller is gone, and then removes the directory: a caller that is interrupted or
/// killed doesn't.
pub(super) fn serve(line: &Peer, record: &Record, directory: &Path) -> io::Result<()> {
    // So it is not to die with the caller: it hears of that on the line.
    prctl::set_pdeathsig(None)?;
    line.give_turn()?;
    // They take turns, so one processor is enough, and no turn waits for another one to wake up. Where it isn't allowed
    // it is slower, and no more.
    let mut here = CpuSet::new();
    let _ =
        sched_getcpu().and_then(|cpu| here.set(cpu)).and_then(|()| sched_setaffinity(ProcessId::from_raw(0), &here));
    let served = serve_in(line, record, &File::open(directory)?);
    let _ = fs::remove_dir_all(directory);
    served
}

fn serve_in(line: &Peer, record: &Record, directory: &File) -> io::Result<()> {
    let mut wires = Wires::new();
    loop {
        match line.await_turn() {
            // The caller has nothing to play for the moment.
            Err(error) if error.kind() == ErrorKind::TimedOut => continue,
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(()),
            other => other?,
        }
        match play(record, directory, &mut wires) {
            Ok(()) => line.give_turn()?,
            Err(error) => line.send(error.to_string().as_bytes())?,
        }
    }
}

fn play(record: &Record, directory: &File, wires: &mut Wires) -> io::Result<()> {
    let text = String::from_utf8(record.take()).map_err(io::Error::other)?;
    let scenario = Scenario::parse(&text).map_err(io::Error::other)?;
    wires.have(&scenario)?;
    // SAFETY: the stage is the only thread of its process, and has been from the beginning.
    let first = match unsafe { fork_within_group(Parent::Me) }? {
        Some(first) => first,
        None => Actor::new(Pid::FIRST, &scenario, record, directory, wires).act(),
    };
    let mut cast = BTreeMap::from([(Pid::FIRST, first)]);
    let played = turns(&scenario, record, wires, &mut cast);
    let ended = cast.into_values().try_for_each(end);
    for line in &scenario.0 {
        if let Operation::Create(name, _) | Operation::Rename(_, name) = &line.operation {
            // It may have been renamed or unlinked since.
            let _ = unlinkat(directory, name.as_str(), UnlinkatFlags::NoRemoveDir);
        }
    }
    played.and(ended)
}

fn turns(scenario: &Scenario, record: &Record, wires: &Wires, cast: &mut BTreeMap<Pid, ProcessId>) -> io::Result<()> {
    let lines = &scenario.0;
    let (mut next, caller) = (0, getppid());
    while let Some(line) = lines.get(next) {
        if getppid() != caller {
            return Err(io::Error::other("nobody is there any more who would want to know"));
        }
        let Some(actor) = cast.get(&line.process).copied() else {
            record.meaningless();
            next += 1;
            continue;
        };
        match &line.operation {
            Operation::Kill(victim) => {
                match cast.get(victim).filter(|_| *victim != line.process) {
                    Some(process) => {
                        end(*process)?;
                        cast.remove(victim);
                        record.done();
                    }
                    None => record.meaningless(),
                }
                next += 1;
                continue;
            }
            Operation::Fork(child) if cast.contains_key(child) => {
                record.meaningless();
                next += 1;
                continue;
            }
            _ => {}
        }
        // What lies beyond the actor's own lines, or is the stage's to decide, ends the turn.
        let alone = |operation: &Operation| matches!(operation, Operation::Fork(_) | Operation::Kill(_));
        let own = lines[next..]
            .iter()
            .take(LONGEST_TURN)
            .take_while(|other| other.process == line.process && !alone(&other.operation));
        let last = next + own.count().max(1);
        let Answer { next: reached, stop } = wires.turn(line.process, next, last)?;
        match (stop, &line.operation) {
            (Stop::Forked(child), Operation::Fork(letter)) => {
                cast.insert(*letter, child);
            }
            (Stop::Forked(_), _) | (Stop::Done, _) => {}
            (Stop::Exits, _) => {
                cast.remove(&line.process);
                match waitpid(actor, None)? {
                    WaitStatus::Exited(_, 0) => {}
                    status => {
                        return Err(io::Error::other(format!("process {} was to exit: {status:?}", line.process)));
                    }
                }
            }
            (Stop::Dies(signal), _) => {
                cast.remove(&line.process);
                match waitpid(actor, None)? {
                    WaitStatus::Signaled(_, seen, _) if seen == signal => {}
                    status => {
                        let text = format!("process {} was to die of {signal}: {status:?}", line.process);
                        return Err(io::Error::other(text));
                    }
                }
            }
        }
        next = reached;
    }
    Ok(())
}

/// Kills a process of the scenario and waits until it is gone.
fn end(process: ProcessId) -> io::Result<()> {
    kill(process, Signal::SIGKILL)?;
    match waitpid(process, None)? {
        WaitStatus::Signaled(_, Signal::SIGKILL, _) => Ok(()),
        status => Err(io::Error::other(format!("process {process} was killed: {status:?}"))),
    }
}
