//! Children: fork one, take turns with it, wait for it with a deadline, say how it ended.
//!
//! Only this module forks. What a forked child may do depends on the threads that were running at that moment: only the
//! thread that called fork(2) exists in the child, and a lock that another thread held stays locked there for ever. So
//! [`Child::fork`] refuses to fork while more than two threads run: the caller, and one that is taken for libtest's idle
//! main thread. Then no lock can be held in the child, and its body may allocate.
//!
//! Nothing here sleeps to wait for another process. Each [`Peer`] is a socket: its other end answers, dies, or lets the
//! [`DEADLINE`] pass, and each of the three is told apart. A child is in a process group of its own, which is killed
//! and reaped when its [`Child`] is dropped; when this process dies first, the kernel kills the child. No child leaves a
//! core file.

mod disk;
mod end;
mod ended;
mod fault;
mod guarded;
mod limits;
mod peer;
mod report;
mod strays;

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::process::Command;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::libc;
use nix::sys::prctl;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork, getpid, getppid, setpgid};

use crate::error::told;
use crate::text;
pub use disk::{OnSmallDisk, on_a_small_disk, own_mounts};
use end::End;
pub use ended::{Ended, Panic};
pub use fault::Fault;
pub(crate) use fault::{ReportFault, report_faults};
pub use guarded::guarded;
pub use limits::{allow, keep_descriptors};
pub use peer::Peer;
pub use strays::{adopt_orphans, end_all_children, end_children_except, has_children};

pub use crate::fault::Cause;

/// The longest wait of anything here: far more than any step takes on a loaded machine.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// How long a process that was sent SIGKILL may take to end. One that has become another user's doesn't get the signal.
const KILLED_WITHIN: Duration = Duration::from_secs(5);

/// A child process in a process group of its own. Dropping it kills the group and reaps the child.
#[derive(Debug)]
pub struct Child {
    pid: Pid,
    end: End,
    /// What the child reports of its own end: a fault, an error, a panic. None for a [`Child::spawn`].
    report: Option<report::EndReader>,
    reaped: bool,
}

impl Child {
    /// Forks a child that runs `body` and then calls _exit(2): no destructor of the parent's runs in it.
    ///
    /// `body` gets its end of a [`Peer`] to the parent, which gets the other end. An `Err` of it becomes
    /// [`Ended::Failed`], a panic [`Ended::Panicked`], a fault (SIGSEGV, SIGBUS or SIGILL) [`Ended::Faulted`] with its
    /// siginfo.
    ///
    /// # Errors
    /// The error of fork(2), socketpair(2) or pipe(2); `Unsupported` when other threads are running.
    pub fn fork(body: impl FnOnce(&Peer) -> io::Result<()>) -> io::Result<(Child, Peer)> {
        refuse_other_threads()?;
        let (ours, theirs) = Peer::pair()?;
        let (reader, writer) = report::channel()?;
        let parent = getpid();
        // SAFETY: beside the caller at most libtest's idle main thread runs (checked above), so no lock is held in the
        // child, which runs `body` and calls _exit(2) without returning into the parent's frames.
        match unsafe { fork() }? {
            ForkResult::Child => {
                drop((ours, reader));
                writer.end_with(|| {
                    show_what_was_hidden()?;
                    setpgid(Pid::from_raw(0), Pid::from_raw(0))?;
                    die_with(parent)?;
                    leave_no_core()?;
                    body(&theirs)
                })
            }
            ForkResult::Parent { child } => {
                drop((theirs, writer));
                Ok((Child::own(child, Some(reader))?, ours))
            }
        }
    }

    /// Starts `command` as a child in a process group of its own; the kernel kills it when this process dies.
    ///
    /// # Errors
    /// The error of fork(2) or execve(2).
    pub fn spawn(command: &mut Command) -> io::Result<(Child, Pipes)> {
        use std::os::unix::process::CommandExt;
        command.process_group(0);
        let parent = getpid();
        // SAFETY: the closure makes three raw calls, allocates nothing and takes no lock.
        unsafe { command.pre_exec(move || die_with(parent).and_then(|()| leave_no_core())) };
        let mut child = command.spawn()?;
        let pipes = Pipes { stdin: child.stdin.take(), stdout: child.stdout.take(), stderr: child.stderr.take() };
        // std's handle neither kills nor reaps when it is dropped; from here on the process is ours alone.
        let pid = Pid::from_raw(child.id().try_into().map_err(io::Error::other)?);
        Ok((Child::own(pid, None)?, pipes))
    }

    fn own(pid: Pid, report: Option<report::EndReader>) -> io::Result<Child> {
        match End::of(pid) {
            Ok(end) => Ok(Child { pid, end, report, reaped: false }),
            Err(error) => {
                let _ = kill_and_reap(pid);
                Err(error)
            }
        }
    }

    /// The child's process id.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Sends the child a signal.
    ///
    /// # Errors
    /// ESRCH when the child has been reaped; EPERM when it now runs as another user (kill(2)).
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        if self.reaped {
            return Err(Errno::ESRCH.into());
        }
        Ok(kill(self.pid, signal)?)
    }

    /// Kills the child with SIGKILL, which no process can catch, and reaps it.
    ///
    /// # Errors
    /// As [`Child::signal`] and [`Child::wait`].
    pub fn kill(self) -> io::Result<Ended> {
        self.signal(Signal::SIGKILL)?;
        self.wait_within(KILLED_WITHIN)
    }

    /// Waits until the child ends and says how it did.
    ///
    /// # Errors
    /// `TimedOut` when [`DEADLINE`] passes first; the child is killed then.
    pub fn wait(self) -> io::Result<Ended> {
        self.wait_within(DEADLINE)
    }

    /// [`Child::wait`] with another deadline.
    ///
    /// # Errors
    /// `TimedOut` when `limit` passes first; the child is killed then.
    pub fn wait_within(mut self, limit: Duration) -> io::Result<Ended> {
        self.ended_within(limit)?.ok_or_else(|| {
            let pid = self.pid;
            let text = text!(
                "process {pid} did not end within {limit:?} and was killed",
                "进程 {pid} 在 {limit:?} 内没有结束，已被杀死"
            );
            told(io::ErrorKind::TimedOut, text)
        })
    }

    /// How the child ended, if it ends within `limit`: it is reaped then. None when it is still running.
    ///
    /// # Errors
    /// Those of poll(2) and waitid(2); ECHILD when the child has been reaped already.
    pub fn ended_within(&mut self, limit: Duration) -> io::Result<Option<Ended>> {
        if self.reaped {
            return Err(Errno::ECHILD.into());
        }
        if !self.end.comes_within(self.pid, limit)? {
            return Ok(None);
        }
        let status = self.reap()?;
        let report = self.report.take().and_then(|report| report.read(self.pid));
        Ended::new(status, report).map(Some)
    }

    fn reap(&mut self) -> io::Result<WaitStatus> {
        // Processes that the child left are still in its group. The group's id is the child's process id, which no
        // other process can get before the child is reaped.
        let _ = killpg(self.pid, Signal::SIGKILL);
        if !self.end.comes_within(self.pid, KILLED_WITHIN)? {
            return Err(immortal(self.pid));
        }
        let status = waitpid(self.pid, Some(WaitPidFlag::WNOHANG))?;
        self.reaped = true;
        Ok(status)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if !self.reaped {
            // The group may not exist yet (the child makes it), so the child itself is killed as well.
            let _ = kill(self.pid, Signal::SIGKILL);
            let _ = self.reap();
        }
    }
}

/// For poll(2), which finds it readable once the child has ended, and now and then before: ask [`Child::ended_within`].
impl AsFd for Child {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.end.as_fd()
    }
}

/// The standard streams of a [`Child::spawn`] that are pipes.
#[derive(Debug)]
pub struct Pipes {
    /// For what the child reads.
    pub stdin: Option<std::process::ChildStdin>,
    /// What the child prints.
    pub stdout: Option<std::process::ChildStdout>,
    /// What the child prints to its standard error.
    pub stderr: Option<std::process::ChildStderr>,
}

/// The parent of a new process of the group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parent {
    /// The caller.
    Me,
    /// The caller's own parent (CLONE_PARENT, clone(2)): the new process is the caller's sibling.
    Mine,
}

/// fork(2) within the group that a [`Child`] leads: the new process is killed with the group, and dies when its parent
/// does. Returns None in the new process. The caller sees to it that the parent waits for it.
///
/// # Errors
/// The error of clone(2).
///
/// # Safety
/// The calling process must have one thread only, and the new one must end by `_exit(2)`.
pub(crate) unsafe fn fork_within_group(parent: Parent) -> io::Result<Option<Pid>> {
    let its_parent = if parent == Parent::Me { getpid() } else { getppid() };
    let flag = if parent == Parent::Me { 0 } else { libc::CLONE_PARENT };
    let flags = libc::c_long::from(flag | libc::SIGCHLD);
    // SAFETY: without CLONE_VM and without a stack clone(2) is fork(2). The order of its arguments differs between
    // processors, but the others are all 0. The caller vouches for the only thread.
    let process = Errno::result(unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) })?;
    if process != 0 {
        return Ok(Some(Pid::from_raw(process.try_into().map_err(io::Error::other)?)));
    }
    if die_with(its_parent).is_err() {
        // SAFETY: _exit(2) runs no code of this program.
        unsafe { libc::_exit(1) };
    }
    Ok(None)
}

/// Runs `body` in a forked child and says how the child ended: shows whether an access to memory is fatal.
///
/// # Errors
/// Those of [`Child::fork`] and [`Child::wait`].
pub fn end_of(body: impl FnOnce()) -> io::Result<Ended> {
    let (child, _peer) = Child::fork(|_| {
        body();
        Ok(())
    })?;
    child.wait()
}

/// Kills a child that has no [`Child`], and reaps it.
fn kill_and_reap(pid: Pid) -> io::Result<()> {
    let _ = kill(pid, Signal::SIGKILL);
    let deadline = Instant::now() + KILLED_WITHIN;
    while waitpid(pid, Some(WaitPidFlag::WNOHANG)).is_ok_and(|status| !end::is_an_end(status)) {
        if Instant::now() > deadline {
            return Err(immortal(pid));
        }
        // It ends almost at once, and there may be no descriptor left for anything better.
        std::thread::yield_now();
    }
    Ok(())
}

fn immortal(pid: Pid) -> io::Error {
    let text = text!(
        "process {pid} can't be killed: it has become another user's, or waits for a device",
        "进程 {pid} 杀不死：它已属于别的用户，或者在等某个设备"
    );
    told(io::ErrorKind::TimedOut, text)
}

/// The descriptor that [`hide`] keeps from forked children; -1 without one.
static HIDDEN: AtomicI32 = AtomicI32::new(-1);

/// From now on no process of the same user can look into this one, write to its memory or trace it (PR_SET_DUMPABLE,
/// prctl(2)), and no child that [`Child::fork`] forks gets this descriptor, which stays open for as long as this process
/// lives. Root is stopped by neither.
///
/// # Errors
/// The error of prctl(2).
pub(crate) fn hide(descriptor: &impl AsRawFd) -> io::Result<()> {
    HIDDEN.store(descriptor.as_raw_fd(), Ordering::Relaxed);
    Ok(prctl::set_dumpable(false)?)
}

/// A forked child is a process like others again, whose /proc/self is its own.
fn show_what_was_hidden() -> io::Result<()> {
    let hidden = HIDDEN.swap(-1, Ordering::Relaxed);
    if hidden >= 0 {
        // SAFETY: the child uses this number no more: its owner is a frame of the parent's, into which it never returns.
        unsafe { libc::close(hidden) };
        prctl::set_dumpable(true)?;
    }
    Ok(())
}

/// From now on this process dies when its parent does. Async-signal-safe.
fn die_with(parent: Pid) -> io::Result<()> {
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    if getppid() == parent { Ok(()) } else { Err(Errno::ESRCH.into()) }
}

/// From now on neither this process nor what it starts leaves a core file. Async-signal-safe.
///
/// A limit of 1 byte, not of 0: where core files go to a program (`|` in /proc/sys/kernel/core_pattern, core(5)), the
/// kernel starts it whatever the limit is, unless that is 1.
fn leave_no_core() -> io::Result<()> {
    Ok(setrlimit(Resource::RLIMIT_CORE, 1, 1)?)
}

fn refuse_other_threads() -> io::Result<()> {
    // A thread that has been joined stays in the list for a moment: the kernel removes it last.
    let patience = Instant::now() + Duration::from_millis(200);
    loop {
        // Its error is returned unchanged: EMFILE says more than a text of ours.
        let threads = std::fs::read_dir("/proc/self/task")?.count();
        // libtest runs a test on a thread of its own; its main thread waits for it.
        if threads <= 2 {
            return Ok(());
        }
        if Instant::now() > patience {
            let text = text!(
                "will not fork: {threads} threads are running, and a lock that one of them holds would stay locked in \
                 the child; run tests one at a time (RUST_TEST_THREADS=1, as .cargo/config.toml has it)",
                "不能 fork：有 {threads} 个线程在运行，其中某个持有的锁在子进程里永远不会释放；测试要一个一个地运行\
                 （RUST_TEST_THREADS=1，见 .cargo/config.toml）"
            );
            return Err(told(io::ErrorKind::Unsupported, text));
        }
        std::thread::yield_now();
    }
}
