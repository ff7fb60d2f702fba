//! The supervisor: forks the first worker, gives the turns, and waits for each worker that ends.

use std::collections::BTreeMap;
use std::fmt::{Debug, Display};
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::sched::{CpuSet, sched_getcpu, sched_setaffinity};
use nix::sys::prctl;
use nix::sys::resource::Resource;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid as ProcessId;
use tempfile::TempDir;

use super::record::Record;
use super::sockets::{Answer, Sockets, TurnEnd};
use super::worker::Worker;
use super::{garbled, packed, unpacked};
use crate::error;
use crate::observe::page_size_u64;
use crate::process::{Parent, Peer, allow, fork_within_group};
use crate::scenario::{Amount, Line, Operation, Pid, Scenario};
use crate::text;
use crate::text::Text;

/// The most lines in one turn: a turn has a deadline.
const LONGEST_TURN: usize = 1000;

/// Plays one scenario after the other until the caller is gone, with a directory of its own in this one. The caller
/// gets the path of that directory first, or why there is none.
///
/// The directory is the supervisor's: a caller that is interrupted or killed, at any moment, doesn't remove it.
pub(super) fn serve(caller: &Peer, record: &Record, parent: &Path) -> io::Result<()> {
    let directory = match prepare(parent) {
        Ok(directory) => directory,
        Err(error) => return caller.send(&packed(&error)),
    };
    caller.send(directory.path().as_os_str().as_bytes())?;
    // Only the worker that has the turn runs: on one processor no turn waits for another processor to wake up. Where
    // pinning isn't allowed, it is only slower.
    let mut here = CpuSet::new();
    let _ =
        sched_getcpu().and_then(|cpu| here.set(cpu)).and_then(|()| sched_setaffinity(ProcessId::from_raw(0), &here));
    serve_in(caller, record, directory.path())
}

/// What the name of a directory begins with in which a scenario's files are.
pub(crate) const STAGE: &str = "workbook-";

fn prepare(parent: &Path) -> io::Result<TempDir> {
    // So the supervisor must outlive the caller; it learns from the socket that the caller is gone.
    prctl::set_pdeathsig(None)?;
    // No outcome depends on the limits of the process that plays.
    allow(Resource::RLIMIT_FSIZE, "-f", &text!("bytes in a file", "字节的文件"), MOST_PAGES * page_size_u64())?;
    allow(Resource::RLIMIT_NOFILE, "-n", &text!("descriptors", "个描述符"), MOST_DESCRIPTORS)?;
    tempfile::Builder::new().prefix(STAGE).tempdir_in(parent).map_err(|error| {
        let (parent, Text { en, zh }) = (parent.display(), error::in_words(&error));
        let text = text!("no temporary directory in {parent}: {en}", "无法在 {parent} 中建立临时目录：{zh}");
        error::told(error.kind(), text)
    })
}

/// The most pages of a file, as in the model.
const MOST_PAGES: u64 = 4 * Amount::MOST_PAGES as u64;
/// The sockets of all letters, the descriptors of a process, and a few more.
const MOST_DESCRIPTORS: u64 = 2 * 26 + 64 + 44;

fn serve_in(caller: &Peer, record: &Record, directory: &Path) -> io::Result<()> {
    let sockets = Sockets::new()?;
    loop {
        match caller.await_turn() {
            // The caller has nothing to play at the moment.
            Err(error) if error.kind() == ErrorKind::TimedOut => continue,
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(()),
            other => other?,
        }
        match play(caller, record, directory, &sockets) {
            Ok(()) => caller.give_turn()?,
            Err(error) => caller.send(&packed(&error))?,
        }
    }
}

fn play(caller: &Peer, record: &Record, directory: &Path, sockets: &Sockets) -> io::Result<()> {
    let text = String::from_utf8(record.take()).map_err(io::Error::other)?;
    let scenario = Scenario::parse(&text).map_err(io::Error::other)?;
    let opened = File::open(directory)?;
    // SAFETY: the supervisor has had a single thread from the beginning.
    let first = match unsafe { fork_within_group(Parent::Me) }? {
        Some(first) => first,
        None => Worker::new(Pid::FIRST, &scenario, record, &opened, sockets).work(),
    };
    let mut workers = BTreeMap::from([(Pid::FIRST, first)]);
    let played = turns(caller, &scenario, record, sockets, &mut workers);
    let ended = workers.into_values().try_for_each(end);
    let emptied = fs::read_dir(directory)?.try_for_each(|entry| fs::remove_file(entry?.path()));
    played.and(ended).and(emptied)
}

fn turns(
    caller: &Peer,
    scenario: &Scenario,
    record: &Record,
    sockets: &Sockets,
    workers: &mut BTreeMap<Pid, ProcessId>,
) -> io::Result<()> {
    let lines = &scenario.0;
    let mut next = 0;
    while let Some(line) = lines.get(next) {
        if caller.is_left_alone()? {
            return Err(error::other(text!("the caller is gone", "调用者已经不在")));
        }
        let Some(worker) = workers.get(&line.process).copied() else {
            record.not_applicable();
            next += 1;
            continue;
        };
        match &line.operation {
            Operation::Kill(victim) => {
                match workers.get(victim).filter(|_| *victim != line.process) {
                    Some(process) => {
                        end(*process)?;
                        workers.remove(victim);
                        record.done();
                    }
                    None => record.not_applicable(),
                }
                next += 1;
                continue;
            }
            Operation::Fork(child) if workers.contains_key(child) => {
                record.not_applicable();
                next += 1;
                continue;
            }
            _ => {}
        }
        // A line of another process ends the turn, and so does one that the supervisor has a part in.
        let ours = |operation: &Operation| matches!(operation, Operation::Fork(_) | Operation::Kill(_));
        let own = lines[next..]
            .iter()
            .take(LONGEST_TURN)
            .take_while(|other| other.process == line.process && !ours(&other.operation));
        let last = next + own.count().max(1);
        let Answer { next: reached, end: turn_end } =
            sockets.give_turn(line.process, next, last).map_err(|error| silent(line, &error))?;
        match turn_end {
            TurnEnd::Done => {}
            TurnEnd::Fails => return Err(error::other(unpacked(&record.take()).unwrap_or_else(garbled))),
            TurnEnd::Forked(child) => {
                let Operation::Fork(letter) = line.operation else {
                    return Err(unexpected(line.process, &"fork"));
                };
                workers.insert(letter, child);
            }
            TurnEnd::Exits => {
                workers.remove(&line.process);
                match waitpid(worker, None)? {
                    WaitStatus::Exited(_, 0) => {}
                    status => {
                        return Err(unexpected(line.process, &status));
                    }
                }
            }
            TurnEnd::Dies(signal) => {
                workers.remove(&line.process);
                match waitpid(worker, None)? {
                    WaitStatus::Signaled(_, seen, _) if seen == signal => {}
                    status => {
                        return Err(unexpected(line.process, &status));
                    }
                }
            }
        }
        next = reached;
    }
    Ok(())
}

/// That a process has not answered for a line, or for one of its next ones.
fn silent(line: &Line, error: &io::Error) -> io::Error {
    let Text { en, zh } = error::in_words(error);
    let text = text!("no answer for `{line}` or what follows: {en}", "`{line}` 或之后的行没有回应：{zh}");
    error::told(error.kind(), text)
}

/// That a process has done what its line doesn't ask for.
fn unexpected(process: impl Display, did: &dyn Debug) -> io::Error {
    error::other(text!("process {process} did something else: {did:?}", "进程 {process} 做了别的事：{did:?}"))
}

/// Kills a worker and waits until it is gone.
fn end(worker: ProcessId) -> io::Result<()> {
    kill(worker, Signal::SIGKILL)?;
    match waitpid(worker, None)? {
        WaitStatus::Signaled(_, Signal::SIGKILL, _) => Ok(()),
        status => Err(unexpected(worker, &status)),
    }
}
