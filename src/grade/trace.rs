//! The learner's code watched with ptrace(2): from system call to system call, or from instruction to instruction.
//!
//! At a stop the traced process stands still, so each of its states can be examined in turn, without luck: what another
//! process would find there, or what is left when the process is killed there.

use std::fs::{self, File};
use std::io::{self, IoSliceMut, Write};
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::libc;
use nix::sys::ptrace;
use nix::sys::signal::Signal;
use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::{Pid, getpid};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::ask::confine;
use super::deadline;
use super::failure::{Failure, LEFT_PROCESSES, Limit, Verdict};
use super::fixtures::contents;
use super::seal::Seal;
use crate::process::{self, Child, Ended, Peer};
use crate::text;

/// The most machine instructions of a call that runs one at a time: far more than a small function takes.
const LONGEST: u64 = 2_000_000;

/// A system call of the learner's code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// Its number: `libc::SYS_...`.
    pub number: i64,
    /// Its arguments; those beyond the number that it takes are arbitrary.
    pub arguments: [u64; 6],
    /// Its result: the negative errno when it failed.
    pub answer: i64,
}

/// The system calls that `act` makes, in their order. `prepare` runs before it, untraced.
///
/// # Errors
/// When `act` fails or does not return; the errors of ptrace(2), where this machine forbids tracing.
pub fn calls_of<T>(
    prepare: impl FnOnce() -> io::Result<T>,
    act: impl FnOnce(T) -> Result<(), String>,
) -> Result<Vec<Call>, Failure> {
    before_each_call(prepare, act, |_, _| Ok(()))
}

/// [`calls_of`], with `look` called before each of them, while the process stands still at its entry: with its index,
/// from 0 on, and the call, whose `answer` is 0 as yet.
///
/// # Errors
/// As [`calls_of`], and those of `look`.
pub fn before_each_call<T>(
    prepare: impl FnOnce() -> io::Result<T>,
    act: impl FnOnce(T) -> Result<(), String>,
    look: impl FnMut(usize, &Call) -> Result<(), Failure>,
) -> Result<Vec<Call>, Failure> {
    around_each_call(prepare, act, look, |_, _| Ok(()))
}

/// [`before_each_call`], with `done` called after each of them, while the process stands still at its exit.
///
/// # Errors
/// As [`calls_of`], and those of `look` and `done`.
pub fn around_each_call<T>(
    prepare: impl FnOnce() -> io::Result<T>,
    act: impl FnOnce(T) -> Result<(), String>,
    mut look: impl FnMut(usize, &Call) -> Result<(), Failure>,
    mut done: impl FnMut(usize, &Call) -> Result<(), Failure>,
) -> Result<Vec<Call>, Failure> {
    let mut traced = Traced::start(prepare, act, no_error)?;
    let mut calls = Vec::new();
    while let Some(call) = traced.next_call()? {
        look(calls.len(), &call)?;
        let call = traced.finish(call)?;
        done(calls.len(), &call)?;
        calls.push(call);
    }
    traced.end()?;
    Ok(calls)
}

/// A file, whatever name or descriptor it is known by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    /// The file that is open here.
    ///
    /// # Errors
    /// Those of fstat(2).
    pub fn of(file: &File) -> io::Result<FileId> {
        file.metadata().map(|metadata| FileId { device: metadata.dev(), inode: metadata.ino() })
    }

    /// The file that is open in another process as this descriptor.
    pub(super) fn in_process(pid: Pid, descriptor: u64) -> Option<FileId> {
        // The kernel takes the lower half of an argument that is a descriptor, whatever the upper one is.
        let descriptor = descriptor & u64::from(u32::MAX);
        let metadata = fs::metadata(format!("/proc/{pid}/fd/{descriptor}")).ok()?;
        Some(FileId { device: metadata.dev(), inode: metadata.ino() })
    }
}

/// A system call with the files that its arguments were descriptors of when it was made. So a duplicate of a descriptor,
/// or the file opened again, is known.
#[derive(Debug, Clone, Copy)]
pub struct FileCall {
    /// The call.
    pub call: Call,
    files: [Option<FileId>; 6],
    process: Pid,
}

impl FileCall {
    /// Whether the `n`-th argument (from 0 on) was a descriptor of this file. An argument that is no descriptor may have
    /// the number of one: ask only about those that are.
    pub fn names(&self, n: usize, file: FileId) -> bool {
        self.files[n] == Some(file)
    }

    /// The process that makes it: while it stands still, /proc says what it has mapped.
    pub fn process(&self) -> Pid {
        self.process
    }

    /// What write(2) or pwrite(2) is about to write; nothing for another call. Only at its entry: later the process may
    /// have other bytes there.
    ///
    /// # Errors
    /// Those of process_vm_readv(2).
    pub fn to_write(&self) -> io::Result<Vec<u8>> {
        let Call { number: libc::SYS_write | libc::SYS_pwrite64, arguments: [_, base, len, ..], .. } = self.call else {
            return Ok(Vec::new());
        };
        let number = |n: u64| usize::try_from(n).map_err(io::Error::other);
        let (base, len) = (number(base)?, number(len)?);
        let mut bytes = vec![0; len];
        let count = process_vm_readv(self.process, &mut [IoSliceMut::new(&mut bytes)], &[RemoteIoVec { base, len }])?;
        bytes.truncate(count);
        Ok(bytes)
    }
}

/// What [`watch`] saw.
#[derive(Debug)]
pub struct Watched<A> {
    /// What `act` returned.
    pub answer: A,
    /// The system calls that it made, in their order.
    pub calls: Vec<FileCall>,
}

/// Runs `act` and brings back what it returns, with its system calls. A call that allocates memory or addresses, such as
/// mmap(2), fails with ENOMEM if `fails` says so: while it is made, the process may have no address space (RLIMIT_AS).
///
/// # Errors
/// As [`calls_of`].
pub fn watch<A: Serialize + DeserializeOwned>(
    act: impl FnOnce() -> A,
    mut fails: impl FnMut(&FileCall) -> bool,
) -> Result<Watched<A>, Failure> {
    watch_each(act, |_, seen| Ok(fails(seen)))
}

/// [`watch`], where `fails` also sees the calls before, and may end it all with an error: then the call is not made.
///
/// # Errors
/// As [`calls_of`], and those of `fails`.
pub fn watch_each<A: Serialize + DeserializeOwned>(
    act: impl FnOnce() -> A,
    mut fails: impl FnMut(&[FileCall], &FileCall) -> Result<bool, Failure>,
) -> Result<Watched<A>, Failure> {
    let (reply, seal) = (tempfile::tempfile()?, Seal::new()?);
    let say = |answer| (&reply).write_all(&seal.to_bytes(&answer)?);
    let mut traced = Traced::start(|| Ok(()), |()| act(), say)?;
    let mut calls = Vec::new();
    while let Some(call) = traced.next_call()? {
        let files = call.arguments.map(|argument| FileId::in_process(traced.child.pid(), argument));
        let seen = FileCall { call, files, process: traced.child.pid() };
        let call = if fails(&calls, &seen)? { traced.finish_without_memory(call)? } else { traced.finish(call)? };
        calls.push(FileCall { call, ..seen });
    }
    traced.end()?;
    Ok(Watched { answer: seal.of_bytes(&contents(&reply)?)?, calls })
}

/// Kills the process just before the `n`-th call (from 0 on) that `act` makes; None when `act` makes fewer calls.
///
/// # Errors
/// As [`calls_of`].
pub fn killed_before_call<T>(
    n: usize,
    prepare: impl FnOnce() -> io::Result<T>,
    act: impl FnOnce(T) -> Result<(), String>,
) -> Result<Option<Call>, Failure> {
    let mut traced = Traced::start(prepare, act, no_error)?;
    let mut before = 0;
    while let Some(call) = traced.next_call()? {
        if before == n {
            // A process that is killed at the entry of a call no longer makes the call.
            traced.child.kill()?;
            return Ok(Some(call));
        }
        traced.finish(call)?;
        before += 1;
    }
    traced.end()?;
    Ok(None)
}

/// Runs `act` one machine instruction at a time and calls `look` after each, with their number so far, while the
/// process stands still.
///
/// # Errors
/// As [`calls_of`], and those of `look`; when there are more than 2 million instructions.
pub fn after_each_instruction<T>(
    prepare: impl FnOnce() -> io::Result<T>,
    act: impl FnOnce(T) -> Result<(), String>,
    look: impl FnMut(u64) -> Result<(), Failure>,
) -> Result<(), Failure> {
    Traced::start(prepare, act, no_error)?.step(look)
}

/// The signal that marks the first and the last instruction for [`after_each_marked_instruction`]: `act` sends it to its
/// thread (raise(3)). Elsewhere it is ignored.
pub const MARK: Signal = Signal::SIGURG;

/// [`after_each_instruction`], but only from the first [`MARK`] to the second one: what is before and after them runs at
/// full speed. Other threads than the one that runs `act` are never stopped.
///
/// # Errors
/// As [`after_each_instruction`].
pub fn after_each_marked_instruction<T>(
    prepare: impl FnOnce() -> io::Result<T>,
    act: impl FnOnce(T) -> Result<(), String>,
    look: impl FnMut(u64) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut traced = Traced::start(prepare, act, no_error)?;
    if traced.run_to_mark()? { traced.step(look) } else { traced.end() }
}

/// A child that stops at each system call, or after each instruction.
pub(super) struct Traced {
    pub(super) child: Child,
    peer: Peer,
    /// The stack pointer of [`stop`]'s system call where `act` begins. The learner's code is called from there, so it can't
    /// pretend that `act` is over by the same signal: its frames are below.
    frame: u64,
}

/// Why the child stands still.
pub(super) enum Stop {
    /// At the entry or the exit of a system call.
    Call,
    /// A signal is about to be delivered to it.
    Signal(Signal),
}

/// A process has said that it can't be traced. The learner's code may have run in it, so one is tried in which it hasn't.
fn denied_to_it(how: &str) -> Failure {
    let probe = Child::fork(|_| Ok(ptrace::traceme()?)).and_then(|(child, _peer)| child.wait());
    if matches!(probe, Ok(Ended::Exited(0))) { io::Error::other(how).into() } else { denied(how) }
}

/// Nothing can be traced here.
fn denied(how: &str) -> Failure {
    Failure::skipped(
        text!(
            "a process can't trace its child on this machine (ptrace(2): {how}); without that nothing can be seen of what \
             the code does between its call and its return",
            "本机不允许进程跟踪自己的子进程（ptrace(2)：{how}），因此看不到函数从调用到返回之间做了什么"
        ),
        text!(
            "in a container, allow ptrace (docker run --cap-add=SYS_PTRACE); /proc/sys/kernel/yama/ptrace_scope must be 0 \
             or 1; run it without a debugger and without strace",
            "在容器里要放行 ptrace（docker run --cap-add=SYS_PTRACE）；/proc/sys/kernel/yama/ptrace_scope 须为 0 或 1；\
             不要在调试器或 strace 下运行"
        ),
    )
}

pub(super) fn no_single_steps() -> Failure {
    Failure::skipped(
        text!(
            "this machine can't run a process one instruction at a time (ptrace(2), PTRACE_SINGLESTEP)",
            "本机不能让进程一次只执行一条指令（ptrace(2) 的 PTRACE_SINGLESTEP）"
        ),
        text!(
            "grade it on a machine that can: x86-64 and aarch64 can",
            "换一台可以单步执行的机器批改：x86-64 和 aarch64 都可以"
        ),
    )
}

/// What a traced child does with an answer that may be an error.
fn no_error(answer: Result<(), String>) -> io::Result<()> {
    answer.map_err(io::Error::other)
}

/// Stops the calling thread, the first one of the process `me`, for its tracer: the signal is for this thread. One that is
/// for the process may come to another thread that `prepare` has started, and then the process would stand still for ever.
pub(super) fn stop(me: Pid) -> io::Result<()> {
    // SAFETY: tgkill(2) takes three numbers.
    Errno::result(unsafe { libc::syscall(libc::SYS_tgkill, me.as_raw(), me.as_raw(), libc::SIGSTOP) })?;
    Ok(())
}

impl Traced {
    /// Starts a child that runs `prepare`, then `act`, which is traced, and then gives the answer to `after`.
    pub(super) fn start<T, A>(
        prepare: impl FnOnce() -> io::Result<T>,
        act: impl FnOnce(T) -> A,
        after: impl FnOnce(A) -> io::Result<()>,
    ) -> Result<Traced, Failure> {
        let (child, peer) = Child::fork(|peer| {
            confine()?;
            let state = prepare()?;
            let me = getpid();
            if let Err(errno) = ptrace::traceme() {
                return peer.send(errno.to_string().as_bytes());
            }
            // The first SIGSTOP marks the beginning of `act`, the second one its end.
            stop(me)?;
            let answer = act(state);
            stop(me)?;
            after(answer)?;
            if process::has_children()? { Err(io::Error::other(LEFT_PROCESSES)) } else { Ok(()) }
        })?;
        let mut traced = Traced { child, peer, frame: 0 };
        match traced.next_stop() {
            Ok(Stop::Signal(Signal::SIGSTOP)) => {}
            Ok(_) => return Err(io::Error::other("a traced child did not stop where it should").into()),
            Err(failure) if failure.signal.as_deref() == Some(Signal::SIGSYS.as_str()) => {
                return Err(denied_to_it("SIGSYS"));
            }
            Err(failure) if failure.verdict == Verdict::TimedOut => return Err(failure),
            Err(failure) => {
                return Err(traced
                    .peer
                    .receive()
                    .map_or(failure, |errno| denied_to_it(&String::from_utf8_lossy(&errno))));
            }
        }
        let options = ptrace::Options::PTRACE_O_TRACESYSGOOD | ptrace::Options::PTRACE_O_EXITKILL;
        ptrace::setoptions(traced.child.pid(), options).map_err(|errno| denied(&errno.to_string()))?;
        traced.frame = traced.syscall_info()?.stack_pointer;
        Ok(traced)
    }

    /// Lets the child run to a [`stop`] in `act`, after which only those in the same frame mark the end.
    pub(super) fn begin_again(&mut self) -> Result<(), Failure> {
        ptrace::cont(self.child.pid(), None)?;
        match self.next_stop()? {
            Stop::Signal(Signal::SIGSTOP) => self.frame = self.syscall_info()?.stack_pointer,
            _ => return Err(io::Error::other("a traced child did not stop where it should").into()),
        }
        Ok(())
    }

    /// Waits until the child stands still.
    pub(super) fn next_stop(&mut self) -> Result<Stop, Failure> {
        let pid = self.child.pid();
        let any = WaitPidFlag::WEXITED | WaitPidFlag::WSTOPPED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        let until = Instant::now() + deadline();
        let mut looks = 0_u32;
        loop {
            match waitid(Id::Pid(pid), any)? {
                WaitStatus::Exited(..) | WaitStatus::Signaled(..) => return Err(self.how_it_ended()),
                WaitStatus::StillAlive if Instant::now() > until => return Err(Failure::timed_out(Limit::Step)),
                WaitStatus::StillAlive if looks < 1_000 => {
                    looks += 1;
                    std::thread::yield_now();
                }
                // It waits for something: polling all the time would only keep a core busy.
                WaitStatus::StillAlive => {
                    if let Some(ended) = self.child.ended_within(Duration::from_millis(1))? {
                        return Err(Failure::of_end(ended));
                    }
                }
                _ => break,
            }
        }
        match waitpid(pid, Some(WaitPidFlag::WSTOPPED))? {
            WaitStatus::PtraceSyscall(_) => Ok(Stop::Call),
            WaitStatus::Stopped(_, signal) => Ok(Stop::Signal(signal)),
            other => Err(io::Error::other(format!("a traced child is neither stopped nor gone: {other:?}")).into()),
        }
    }

    /// Lets the child run to the entry of its next system call; None when `act` is over.
    fn next_call(&mut self) -> Result<Option<Call>, Failure> {
        let mut signal = None;
        loop {
            ptrace::syscall(self.child.pid(), signal.take())?;
            match self.next_stop()? {
                Stop::Call => {
                    let call = self.call_at_entry()?;
                    if !self.is_end(&call)? {
                        return Ok(Some(call));
                    }
                    self.finish(call)?;
                    ptrace::syscall(self.child.pid(), None)?;
                    self.next_stop()?; // the second SIGSTOP, which never reaches it
                    return Ok(None);
                }
                Stop::Signal(other) => signal = Some(other),
            }
        }
    }

    /// Whether the call is the SIGSTOP that marks the end of `act`.
    pub(super) fn is_end(&self, call: &Call) -> Result<bool, Failure> {
        let me = u64::from(self.child.pid().as_raw().unsigned_abs());
        let is_stop = call.number == libc::SYS_tgkill && call.arguments[..3] == [me, me, libc::SIGSTOP as u64];
        Ok(is_stop && self.is_in_frame()?)
    }

    /// Whether the child stands still where only [`stop`] does, not the learner's code.
    fn is_in_frame(&self) -> Result<bool, Failure> {
        Ok(self.syscall_info()?.stack_pointer == self.frame)
    }

    /// Lets the child run to the next [`MARK`]; false when `act` is over.
    fn run_to_mark(&mut self) -> Result<bool, Failure> {
        let mut signal = None;
        loop {
            ptrace::cont(self.child.pid(), signal.take())?;
            match self.next_stop()? {
                Stop::Signal(MARK) => return Ok(true),
                Stop::Signal(Signal::SIGSTOP) if self.is_in_frame()? => return Ok(false),
                Stop::Signal(other) => signal = Some(other),
                Stop::Call => {}
            }
        }
    }

    /// Runs `act` one instruction at a time, with `look` after each, until a [`MARK`] or its end.
    fn step(mut self, mut look: impl FnMut(u64) -> Result<(), Failure>) -> Result<(), Failure> {
        let mut signal = None;
        for steps in 1..=LONGEST {
            match ptrace::step(self.child.pid(), signal.take()) {
                Err(Errno::EIO) => return Err(no_single_steps()),
                // Another of its threads has ended it meanwhile.
                Err(Errno::ESRCH) => return Err(self.how_it_ended()),
                stepped => stepped?,
            }
            match self.next_stop()? {
                Stop::Signal(Signal::SIGSTOP) if self.is_in_frame()? => return self.end(),
                Stop::Signal(MARK) => {
                    while self.run_to_mark()? {}
                    return self.end();
                }
                Stop::Signal(Signal::SIGTRAP) => look(steps)?,
                Stop::Signal(other) => signal = Some(other),
                Stop::Call => {}
            }
        }
        Err(Failure::timed_out(Limit::Instructions(LONGEST)))
    }

    /// Lets the child make the call at whose entry it is stopped.
    pub(super) fn finish(&mut self, call: Call) -> Result<Call, Failure> {
        ptrace::syscall(self.child.pid(), None)?;
        self.next_stop()?;
        // SAFETY: at the exit of a call `exit` is the union's valid field.
        let answer = unsafe { self.syscall_info()?.u.exit }.sval;
        Ok(Call { answer, ..call })
    }

    /// [`Traced::finish`], while the child may have no address space more.
    fn finish_without_memory(&mut self, call: Call) -> Result<Call, Failure> {
        let before = self.limit_addresses(None)?;
        let call = self.finish(call)?;
        self.limit_addresses(Some(before))?;
        Ok(call)
    }

    /// Sets the child's RLIMIT_AS, to 0 for None, and returns what it was.
    fn limit_addresses(&self, limit: Option<libc::rlimit>) -> io::Result<libc::rlimit> {
        let pid = self.child.pid().as_raw();
        let mut before = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: the kernel only writes to `before`, which lives until the call returns.
        Errno::result(unsafe { libc::prlimit(pid, libc::RLIMIT_AS, std::ptr::null(), &raw mut before) })?;
        let limit = limit.unwrap_or(libc::rlimit { rlim_cur: 0, ..before });
        // SAFETY: the kernel only reads `limit`, which lives until the call returns.
        Errno::result(unsafe { libc::prlimit(pid, libc::RLIMIT_AS, &raw const limit, std::ptr::null_mut()) })?;
        Ok(before)
    }

    fn syscall_info(&self) -> Result<libc::ptrace_syscall_info, Failure> {
        ptrace::syscall_info(self.child.pid()).map_err(|errno| match errno {
            // Linux 5.3 has it; a container may pretend to be older.
            Errno::EIO | Errno::ENOSYS => denied(&format!("PTRACE_GET_SYSCALL_INFO, {errno}")),
            errno => errno.into(),
        })
    }

    pub(super) fn call_at_entry(&self) -> Result<Call, Failure> {
        // SAFETY: at the entry of a call `entry` is the union's valid field.
        let entry = unsafe { self.syscall_info()?.u.entry };
        Ok(Call { number: entry.nr.cast_signed(), arguments: entry.args, answer: 0 })
    }

    /// `act` is over: lets the child run to its end.
    fn end(mut self) -> Result<(), Failure> {
        ptrace::detach(self.child.pid(), None)?;
        match self.child.ended_within(deadline())? {
            Some(Ended::Exited(0)) => Ok(()),
            Some(other) => Err(Failure::of_end(other)),
            None => Err(Failure::timed_out(Limit::End)),
        }
    }

    fn how_it_ended(&mut self) -> Failure {
        match self.child.ended_within(deadline()) {
            Ok(Some(ended)) => Failure::of_end(ended),
            Ok(None) => Failure::timed_out(Limit::End),
            Err(error) => error.into(),
        }
    }
}
