//! A program's work in a process of its own, between which and the program stands a guardian: whichever of the three is
//! killed, by whatever signal, another one ends what the work has started and removes its temporary files.
//!
//! The program waits for the guardian, the guardian for the work and for the end of a pipe that only the program holds.
//! All three are in the program's process group, where the terminal's signals and its job control reach them. If both
//! the program and the guardian are killed by SIGKILL, the files are left, and the next [`guarded`] removes them.

use std::fs::{self, File, Permissions};
use std::io::{self, PipeReader, Write};
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::ptr;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag, open};
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigHandler, SigSet, Signal, raise, signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::stat::{Mode, fstat, lstat};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::{ForkResult, Pid, fork, geteuid, getpid};

use super::{adopt_orphans, die_with, end_all_children, kill_and_reap, refuse_other_threads};
use crate::error::{named, other};
use crate::text;

/// The beginning of the names of the directories for temporary files.
const PREFIX: &str = "workbook-check-";
/// How long the guardian may take to end and remove everything once the program was told to end.
const GUARDIAN_ENDS_WITHIN: Duration = Duration::from_secs(20);

/// The exit status of a guardian whose worker was killed, to which the signal's number is added.
const KILLED: i32 = 128;

/// Runs `work` in a process of its own and returns the exit status that it returns. Its temporary files (TMPDIR) are in a
/// directory of its own. When this returns, and also when this process is killed meanwhile, no process that was started
/// by it is left, and nothing of the directory.
///
/// A SIGHUP, SIGINT, SIGQUIT or SIGTERM ends this process, unless it was ignored before: first all of that is done.
///
/// # Errors
/// When there can't be a directory or a process, or one of the other two processes was killed.
pub fn guarded(work: impl FnOnce() -> u8) -> io::Result<u8> {
    refuse_other_threads()?;
    adopt_orphans()?;
    let (program_ends, program) = io::pipe()?;
    let (before, mut watched) = (SigSet::thread_get_mask()?, SigSet::from(Signal::SIGCHLD));
    let ends = [Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTERM];
    for end in ends.into_iter().filter(|end| !is_ignored(*end)) {
        watched.add(end);
    }
    watched.thread_block()?;
    let signals = SignalFd::with_flags(&watched, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
    let place = std::env::temp_dir();
    let directory = Directory::new_in(&place).map_err(|error| named(place.display(), &error.kind().into()))?;
    // SAFETY: no other thread runs that could hold a lock (checked above); the child ends by _exit(2).
    let guardian = match unsafe { fork() }.inspect_err(|_| remove(&directory.path))? {
        ForkResult::Child => {
            drop(program);
            let status = guard(&program_ends, &signals, &before, &directory.path, work);
            exit(status.unwrap_or_else(|error| {
                eprintln!("workbook: {error}");
                1
            }))
        }
        ForkResult::Parent { child } => child,
    };
    drop(program_ends);
    let status = loop {
        match next(&signals)? {
            Some(Signal::SIGCHLD) => {}
            Some(end) => {
                drop(program); // The guardian sees it.
                await_end(&signals, guardian)?;
                die_of(end, &before)?;
                return Ok(1);
            }
            None => {
                let waited = waitpid(guardian, Some(WaitPidFlag::WNOHANG))?;
                if waited != WaitStatus::StillAlive {
                    break waited;
                }
                poll(&mut [PollFd::new(signals.as_fd(), PollFlags::POLLIN)], PollTimeout::NONE)
                    .map(drop)
                    .or_else(again)?;
            }
        }
    };
    before.thread_set_mask()?;
    let signal = match status {
        WaitStatus::Exited(_, status) if status < KILLED => return u8::try_from(status).map_err(io::Error::other),
        WaitStatus::Exited(_, status) => Signal::try_from(status - KILLED)?,
        _ => {
            end_all_children()?;
            remove(&directory.path);
            Signal::SIGKILL
        }
    };
    Err(other(text!("it was killed by {signal} before it ended", "还没结束就被 {signal} 杀死了")))
}

/// The guardian: runs `work`, and cleans up when that ends or the program does.
fn guard(
    program_ends: &PipeReader,
    signals: &SignalFd,
    before: &SigSet,
    directory: &Path,
    work: impl FnOnce() -> u8,
) -> io::Result<i32> {
    adopt_orphans()?;
    let me = getpid();
    // SAFETY: this process has only this thread; the child ends by _exit(2).
    let worker = match unsafe { fork() }? {
        ForkResult::Child => {
            let worked = catch_unwind(AssertUnwindSafe(|| {
                die_with(me)?;
                before.thread_set_mask()?;
                // SAFETY: this process has only this thread, so no other one reads the environment meanwhile.
                unsafe { std::env::set_var("TMPDIR", directory) };
                let status = work();
                io::stdout().flush()?;
                Ok(status)
            }));
            // A panic has printed its message.
            exit(worked.map_or(101, |worked: io::Result<u8>| worked.map_or(1, i32::from)))
        }
        ForkResult::Parent { child } => child,
    };
    let mut status = None;
    while status.is_none() {
        let mut waited_for =
            [PollFd::new(program_ends.as_fd(), PollFlags::POLLIN), PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
        poll(&mut waited_for, PollTimeout::NONE).map(drop).or_else(again)?;
        if waited_for[0].any() == Some(true) {
            kill_and_reap(worker)?;
            status = Some(1);
        }
        while next(signals)?.is_some() {} // Those of the terminal are the program's.
        reap_orphans(worker)?;
        status = status.or(match waitpid(worker, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(_, status)) => Some(status),
            Ok(WaitStatus::Signaled(_, signal, _)) => Some(KILLED + signal as i32),
            _ => None,
        });
    }
    end_all_children()?;
    remove(directory);
    Ok(status.unwrap_or(1))
}

/// Reaps what the work has left and has ended: it would count as a process of its user for as long as the work takes.
fn reap_orphans(worker: Pid) -> io::Result<()> {
    let peek = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    while let Ok(ended) = waitid(Id::All, peek) {
        match ended.pid().filter(|pid| *pid != worker) {
            Some(orphan) => drop(waitpid(orphan, Some(WaitPidFlag::WNOHANG))?),
            None => break,
        }
    }
    Ok(())
}

/// The next signal that has come.
fn next(signals: &SignalFd) -> io::Result<Option<Signal>> {
    let Some(signal) = signals.read_signal()? else { return Ok(None) };
    Ok(Some(Signal::try_from(i32::try_from(signal.ssi_signo).map_err(io::Error::other)?)?))
}

/// Waits until the guardian has ended; a SIGCHLD comes then.
fn await_end(signals: &SignalFd, guardian: Pid) -> io::Result<()> {
    let limit = PollTimeout::try_from(GUARDIAN_ENDS_WITHIN).map_err(io::Error::other)?;
    while waitpid(guardian, Some(WaitPidFlag::WNOHANG))? == WaitStatus::StillAlive {
        match poll(&mut [PollFd::new(signals.as_fd(), PollFlags::POLLIN)], limit) {
            Ok(0) => break, // It goes on by itself.
            polled => polled.map(drop).or_else(again)?,
        }
        while next(signals)?.is_some() {}
    }
    Ok(())
}

fn again(errno: Errno) -> nix::Result<()> {
    if errno == Errno::EINTR { Ok(()) } else { Err(errno) }
}

/// Ends this process by the signal, as if it had never been blocked: a shell looks at that.
fn die_of(end: Signal, before: &SigSet) -> io::Result<()> {
    // SAFETY: the default action runs no code of this program.
    unsafe { signal(end, SigHandler::SigDfl) }?;
    before.thread_set_mask()?;
    Ok(raise(end)?)
}

/// Whether the signal is ignored: SIGHUP by nohup(1), for example.
fn is_ignored(signal: Signal) -> bool {
    let mut action = MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: sigaction(2) reads nothing from a null pointer, and writes the action.
    let asked = unsafe { libc::sigaction(signal as i32, ptr::null(), action.as_mut_ptr()) };
    // SAFETY: the call has succeeded, so it has written the action.
    asked == 0 && unsafe { action.assume_init() }.sa_sigaction == libc::SIG_IGN
}

/// Ends this process without running what the program has registered for its end.
fn exit(status: i32) -> ! {
    // SAFETY: _exit(2) runs no code of this program.
    unsafe { libc::_exit(status) }
}

/// A directory for temporary files, locked for as long as one of the three processes is there.
struct Directory {
    path: PathBuf,
    /// None where the file system has no such locks: then nothing there is taken for abandoned either.
    _lock: Option<Flock<File>>,
}

impl Directory {
    fn new_in(place: &Path) -> io::Result<Directory> {
        remove_abandoned(place);
        loop {
            let path = tempfile::Builder::new().prefix(PREFIX).tempdir_in(place)?.keep();
            match lock(&path) {
                // Another program has taken it for an abandoned one before it was locked.
                Err(Errno::EWOULDBLOCK | Errno::ENOENT) => {}
                lock => return Ok(Directory { path, _lock: lock.ok() }),
            }
        }
    }
}

/// Locks a directory of this user's. ENOENT when it is gone by then.
fn lock(path: &Path) -> nix::Result<Flock<File>> {
    let only_the_directory = OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let directory = File::from(open(path, only_the_directory, Mode::empty())?);
    let lock = Flock::lock(directory, FlockArg::LockExclusiveNonblock).map_err(|(_, errno)| errno)?;
    let (named, locked) = (lstat(path)?, fstat(&*lock)?);
    match (named.st_ino == locked.st_ino, locked.st_uid == geteuid().as_raw()) {
        (false, _) => Err(Errno::ENOENT),
        (_, false) => Err(Errno::EPERM),
        _ => Ok(lock),
    }
}

/// Removes the directories whose three processes were all killed.
fn remove_abandoned(place: &Path) {
    for path in fs::read_dir(place).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())) {
        let is_ours = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(PREFIX));
        if is_ours && let Ok(_lock) = lock(&path) {
            remove(&path);
        }
    }
}

/// Removes the directory, and says so if that can't be done: it changes no grade.
fn remove(directory: &Path) {
    let removed = fs::remove_dir_all(directory).or_else(|_| {
        permit(directory)?;
        fs::remove_dir_all(directory)
    });
    if let Err(error) = removed
        && error.kind() != io::ErrorKind::NotFound
    {
        eprintln!("workbook: {} is left: {error}", directory.display());
    }
}

/// Permits this user everything in a directory and those below it. No process is left that could put a link there.
fn permit(directory: &Path) -> io::Result<()> {
    fs::set_permissions(directory, Permissions::from_mode(0o700))?;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            permit(&entry.path())?;
        }
    }
    Ok(())
}
