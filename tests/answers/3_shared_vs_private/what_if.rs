use std::fs::{self, File};
use std::io::{self, Read, Write, pipe};
use std::os::fd::{AsFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::os::unix::fs::FileExt;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{mem, ptr};

use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use mmap_workbook::process::{Child, end_of};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::libc;
use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::select::{FdSet, select};
use nix::sys::signal::{
    SaFlags, SigAction, SigHandler, SigSet, SigmaskHow, Signal, kill, sigaction, signal, sigprocmask,
};
use nix::sys::time::{TimeVal, TimeValLike};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, wait, waitid, waitpid};
use nix::unistd::{ForkResult, Pid, alarm, fork, pipe2};

use crate::solution::{discard, freeze};

fn exit(status: i32) -> ! {
    // SAFETY: _exit(2) runs no code of this program.
    unsafe { libc::_exit(status) }
}

/// Forks a child that runs `body`, which ends the process.
fn fork_child(body: impl FnOnce() -> i32) -> io::Result<Pid> {
    // SAFETY: the child runs `body` and ends without returning into the caller's frames.
    match unsafe { fork() }? {
        ForkResult::Child => exit(body()),
        ForkResult::Parent { child } => Ok(child),
    }
}

/// What `explore` returns; None when it panics.
fn caught(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> Option<u64> {
    match catch_unwind(AssertUnwindSafe(|| explore(draft))) {
        Ok(number) => Some(number),
        Err(payload) => {
            // Its destructor could panic once more.
            mem::forget(payload);
            None
        }
    }
}

/// What the child does: explores, sends the number, and returns its status.
fn send(mut to: impl Write, draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> i32 {
    let sent = caught(draft, explore).is_some_and(|number| to.write_all(&number.to_ne_bytes()).is_ok());
    i32::from(!sent)
}

fn wait_for(child: Pid) -> io::Result<WaitStatus> {
    loop {
        match waitpid(child, None) {
            Err(Errno::EINTR) => {}
            other => return Ok(other?),
        }
    }
}

fn receive(mut from: impl Read) -> io::Result<u64> {
    let mut number = [0; 8];
    from.read_exact(&mut number)?;
    Ok(u64::from_ne_bytes(number))
}

fn no_answer(status: WaitStatus) -> io::Error {
    io::Error::other(format!("no answer: {status:?}"))
}

/// Two words that parent and child share: the number, and whether there is one.
fn shared_words() -> io::Result<Mapping> {
    Ok(Mapping::anonymous(16, READ_WRITE, Sharing::Shared)?)
}

/// Forks a child that runs `body` and ends by `_exit(0)`.
fn child_that(body: impl FnOnce()) -> io::Result<Pid> {
    // SAFETY: the child runs only `body`, which doesn't panic, and ends here.
    match unsafe { fork() }? {
        ForkResult::Parent { child } => Ok(child),
        ForkResult::Child => {
            body();
            // SAFETY: _exit(2) runs no code of this program.
            unsafe { libc::_exit(0) }
        }
    }
}

/// What `explore` returns; None when it panics. What the panic carries is not dropped: that could panic again.
fn caught_again(explore: impl FnOnce(&Mapping) -> u64, draft: &Mapping) -> Option<u64> {
    catch_unwind(AssertUnwindSafe(|| explore(draft))).map_err(std::mem::forget).ok()
}

fn reap(child: Pid) -> io::Result<WaitStatus> {
    loop {
        match waitpid(child, None) {
            Err(Errno::EINTR) => {}
            other => return Ok(other?),
        }
    }
}

/// Memory that parent and child share: the answer at 0, and at 8 whether there is one.
fn slot() -> io::Result<Mapping> {
    Ok(Mapping::anonymous(16, READ_WRITE, Sharing::Shared)?)
}

fn put(slot: &Mapping, answer: u64) {
    slot.long_word(0).store(answer, Ordering::Relaxed);
    slot.long_word(8).store(1, Ordering::Release);
}

fn take(slot: &Mapping) -> io::Result<u64> {
    match slot.long_word(8).load(Ordering::Acquire) {
        1 => Ok(slot.long_word(0).load(Ordering::Relaxed)),
        _ => Err(io::Error::other("explore did not return")),
    }
}

/// A pipe: the end to read from, and the end to write to.
fn new_pipe() -> io::Result<(File, File)> {
    let (from, to) = pipe2(OFlag::O_CLOEXEC)?;
    Ok((from.into(), to.into()))
}

/// Waits for this child's end, also when handlers of signals interrupt it.
fn end_of_child(child: Pid) -> io::Result<WaitStatus> {
    loop {
        match waitpid(child, None) {
            Err(Errno::EINTR) => {}
            other => return Ok(other?),
        }
    }
}

fn leave(status: i32) -> ! {
    // SAFETY: it ends the child without running anything in it.
    unsafe { libc::_exit(status) }
}

/// Forks a child that runs `body`, without a panic of it going further, and ends.
fn child_that_runs(body: impl FnOnce() -> io::Result<()>) -> io::Result<Pid> {
    // SAFETY: the caller has one thread, so the child may do everything.
    match unsafe { fork() }? {
        ForkResult::Parent { child } => Ok(child),
        ForkResult::Child => {
            let result = catch_unwind(AssertUnwindSafe(body));
            leave(if matches!(result, Ok(Ok(()))) { 0 } else { 1 });
        }
    }
}

/// The eight bytes of an answer, or an error.
fn answer(bytes: &[u8]) -> io::Result<u64> {
    let bytes = bytes.try_into().map_err(|_| io::Error::other("explore gave no answer"))?;
    Ok(u64::from_ne_bytes(bytes))
}

/// fork(2).
fn fork_now() -> nix::Result<ForkResult> {
    // SAFETY: the caller has one thread, so no lock is held in the child.
    unsafe { fork() }
}

/// What explore returns; a panic ends the child.
fn answer_of(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> u64 {
    match catch_unwind(AssertUnwindSafe(|| explore(draft))) {
        Ok(answer) => answer,
        Err(payload) => {
            std::mem::forget(payload);
            leave(101)
        }
    }
}

/// In the child: sends what explore returns, and ends.
fn explore_and_send(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64, mut to: impl Write) -> ! {
    let answer = answer_of(draft, explore);
    leave(i32::from(to.write_all(&answer.to_ne_bytes()).is_err()))
}

/// In the parent: takes the answer, waits for the child, and judges.
fn receive_and_wait(child: Pid, mut from: impl Read) -> io::Result<u64> {
    let mut bytes = [0; 8];
    let received = from.read_exact(&mut bytes);
    let status = wait_for(child)?;
    received?;
    match status {
        WaitStatus::Exited(_, 0) => Ok(u64::from_ne_bytes(bytes)),
        status => Err(io::Error::other(format!("{status:?}"))),
    }
}

/// Returns the answer as the child's exit status.
///
/// may fail: what_if::the_callers_children_and_handlers_do_not_disturb_it left_processes
///
/// fails: what_if::a_child_that_ends_early_is_an_error failed
/// fails: what_if::a_panic_ends_in_the_child failed
/// fails: what_if::brings_back_any_number_and_leaves_the_draft_alone failed status-holds-a-number
mod answers_by_status {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        // SAFETY: there is no other thread, and the child leaves by _exit(2).
        match unsafe { fork() }? {
            ForkResult::Child => {
                let answer = catch_unwind(AssertUnwindSafe(|| explore(draft)));
                let status = answer.map_or(101, |answer| i32::from(answer.to_le_bytes()[0]));
                // SAFETY: _exit(2) takes no pointer.
                unsafe { libc::_exit(status) }
            }
            ForkResult::Parent { child } => match waitpid(child, None)? {
                WaitStatus::Exited(_, status) => Ok(u64::from(status.unsigned_abs())),
                other => Err(io::Error::other(format!("{other:?}"))),
            },
        }
    }
}

/// Reads from a pipe whose write end it has open itself: the read never ends if the child writes nothing.
///
/// fails: what_if::a_child_that_ends_early_is_an_error timed_out
/// fails: what_if::a_panic_ends_in_the_child timed_out
/// fails: what_if::the_callers_children_and_handlers_do_not_disturb_it left_processes
mod keeps_the_writing_end {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let (mut from, mut to) = io::pipe()?;
        // SAFETY: there is no other thread, and the child leaves by _exit(2).
        if let ForkResult::Child = unsafe { fork() }? {
            let answer = catch_unwind(AssertUnwindSafe(|| explore(draft)));
            // A panic is reported, an exit is not.
            let mut message = vec![u8::from(answer.is_ok())];
            message.extend(answer.unwrap_or_default().to_ne_bytes());
            let sent = to.write_all(&message);
            // SAFETY: _exit(2) takes no pointer.
            unsafe { libc::_exit(i32::from(sent.is_err())) }
        }
        let (mut came, mut answer) = ([0], [0; 8]);
        let read = from.read_exact(&mut came).and_then(|()| from.read_exact(&mut answer));
        waitpid(None, None)?;
        read?;
        if came == [0] { Err(io::Error::other("explore panicked")) } else { Ok(u64::from_ne_bytes(answer)) }
    }
}

/// Reads all that comes from a pipe whose write end it has open itself: that read never ends.
///
/// fails: what_if::brings_back_any_number_and_leaves_the_draft_alone timed_out
mod reads_to_the_end_of_its_own_pipe {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let (mut from, to) = io::pipe()?;
        let child = fork_child(|| send(&to, draft, explore))?;
        let mut answer = Vec::new();
        let read = from.read_to_end(&mut answer);
        let ended = waitpid(child, None)?;
        read?;
        match (ended, answer.try_into()) {
            (WaitStatus::Exited(_, 0), Ok(answer)) => Ok(u64::from_ne_bytes(answer)),
            (ended, _) => Err(io::Error::other(format!("{ended:?}"))),
        }
    }
}

/// Lets the child end by exit(3), which runs what the parent has registered.
///
/// fails: what_if::it_writes_no_output_of_the_caller failed
/// fails: what_if::the_child_runs_no_exit_handlers failed
mod leaves_by_exit {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let (mut from, mut to) = io::pipe()?;
        // SAFETY: there is no other thread.
        match unsafe { fork() }? {
            ForkResult::Child => {
                let sent = catch_unwind(AssertUnwindSafe(|| to.write_all(&explore(draft).to_ne_bytes())));
                std::process::exit(i32::from(!matches!(sent, Ok(Ok(())))))
            }
            ForkResult::Parent { child } => {
                drop(to);
                let mut answer = [0; 8];
                let read = from.read_exact(&mut answer);
                match waitpid(child, None)? {
                    WaitStatus::Exited(_, 0) => read.map(|()| u64::from_ne_bytes(answer)),
                    other => Err(io::Error::other(format!("{other:?}"))),
                }
            }
        }
    }
}

/// Takes the answer and never waits for the child.
///
/// fails: what_if::brings_back_any_number_and_leaves_the_draft_alone left_processes
mod never_waits {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let (mut from, mut to) = io::pipe()?;
        // SAFETY: there is no other thread, and the child leaves by _exit(2).
        if let ForkResult::Child = unsafe { fork() }? {
            let sent = catch_unwind(AssertUnwindSafe(|| to.write_all(&explore(draft).to_ne_bytes())));
            // SAFETY: _exit(2) takes no pointer.
            unsafe { libc::_exit(i32::from(!matches!(sent, Ok(Ok(()))))) }
        }
        drop(to);
        let mut answer = [0; 8];
        from.read_exact(&mut answer)?;
        Ok(u64::from_ne_bytes(answer))
    }
}

/// Runs `explore` in this process, and restores the bytes.
///
/// fails: what_if::a_child_that_ends_early_is_an_error panicked
/// fails: what_if::a_panic_ends_in_the_child panicked
/// fails: what_if::errors_of_the_calls_are_told failed
/// fails: what_if::explore_has_the_draft_itself failed
/// fails: what_if::it_is_a_process_of_its_own failed
/// fails: what_if::it_writes_no_output_of_the_caller panicked
/// fails: what_if::the_child_runs_no_exit_handlers panicked
/// fails: what_if::what_explore_captured_is_dropped panicked
mod stays_in_the_process {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let mut bytes = vec![0; draft.length()];
        draft.read(0, &mut bytes);
        let answer = explore(draft);
        draft.write(0, &bytes);
        Ok(answer)
    }
}

/// Lets a panic in the child unwind the parent's stack.
///
/// fails: what_if::a_panic_ends_in_the_child failed
mod unwinds_the_caller {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let (mut from, mut to) = io::pipe()?;
        // SAFETY: there is no other thread, and the child leaves by _exit(2): unless explore panics.
        match unsafe { fork() }? {
            ForkResult::Child => {
                let sent = to.write_all(&explore(draft).to_ne_bytes());
                // SAFETY: _exit(2) takes no pointer.
                unsafe { libc::_exit(i32::from(sent.is_err())) }
            }
            ForkResult::Parent { child } => {
                drop(to);
                let mut answer = [0; 8];
                let read = from.read_exact(&mut answer);
                match waitpid(child, None)? {
                    WaitStatus::Exited(_, 0) => read.map(|()| u64::from_ne_bytes(answer)),
                    other => Err(io::Error::other(format!("{other:?}"))),
                }
            }
        }
    }
}

/// The plain answer: eight bytes through a pipe, and a wait before anything else can fail.
///
/// passes
mod eight_bytes_through_a_pipe {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let (reader, writer) = pipe()?;
        let child = fork_child(|| send(&writer, draft, explore))?;
        drop(writer);
        match wait_for(child)? {
            WaitStatus::Exited(_, 0) => receive(reader),
            status => Err(no_answer(status)),
        }
    }
}

/// Uses no descriptor at all: the number comes back in shared anonymous memory, beside a word that says that it is one.
///
/// passes
mod words_in_shared_memory {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let words = shared_words()?;
        let child = fork_child(|| {
            if let Some(number) = caught(draft, explore) {
                words.long_word(0).store(number, Ordering::Relaxed);
                words.long_word(8).store(1, Ordering::Release);
            }
            0
        })?;
        let status = wait_for(child)?;
        match words.long_word(8).load(Ordering::Acquire) {
            1 => Ok(words.long_word(0).load(Ordering::Relaxed)),
            _ => Err(no_answer(status)),
        }
    }
}

/// Takes the workbook's own child and its peer, which see to the end, the panic and the wait.
///
/// passes
mod child_of_the_workbook {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let (child, peer) = Child::fork(|peer| peer.send(&explore(draft).to_ne_bytes()))?;
        let answer = peer.receive()?;
        child.wait()?.success()?;
        Ok(u64::from_ne_bytes(answer.try_into().map_err(|_| io::ErrorKind::InvalidData)?))
    }
}

/// Leaves the number in a file in memory that has no name, which is read when the child has ended.
///
/// passes
mod file_in_memory {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let file = File::from(memfd_create("answer", MFdFlags::MFD_CLOEXEC)?);
        let child = fork_child(|| match caught(draft, explore) {
            Some(number) => i32::from(file.write_all_at(&number.to_ne_bytes(), 0).is_err()),
            None => 1,
        })?;
        wait_for(child)?;
        let mut number = [0; 8];
        file.read_exact_at(&mut number, 0)?;
        Ok(u64::from_ne_bytes(number))
    }
}

/// Catches no panic: a guard on the child's stack ends the process while the panic unwinds, before the caller's frames.
///
/// passes
mod guard_that_exits {
    use super::*;

    struct Exit;

    impl Drop for Exit {
        fn drop(&mut self) {
            exit(1);
        }
    }

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let words = shared_words()?;
        // SAFETY: the child ends at the latest when `guard` is dropped, so it returns into none of the caller's frames.
        let child = match unsafe { fork() }? {
            ForkResult::Child => {
                let guard = Exit;
                words.long_word(0).store(explore(draft), Ordering::Relaxed);
                words.long_word(8).store(1, Ordering::Relaxed);
                drop(guard);
                unreachable!("the guard has ended the process");
            }
            ForkResult::Parent { child } => child,
        };
        let status = wait_for(child)?;
        match words.long_word(8).load(Ordering::Relaxed) {
            1 => Ok(words.long_word(0).load(Ordering::Relaxed)),
            _ => Err(no_answer(status)),
        }
    }
}

/// Kills the child when the number has come, so as not to wait for its end.
///
/// passes
mod kills_after_the_answer {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let (reader, writer) = pipe()?;
        let child = fork_child(|| send(&writer, draft, explore))?;
        drop(writer);
        let answer = receive(reader);
        let _ = kill(child, Signal::SIGKILL);
        wait_for(child)?;
        answer
    }
}

/// Keeps both ends of nix's plain pipe across exec: a program that `explore` leaves running holds the pipe open.
///
/// passes
mod reads_until_the_end {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let (reader, writer) = nix::unistd::pipe()?;
        let (mut reader, writer) = (File::from(reader), File::from(writer));
        let child = fork_child(|| send(&writer, draft, explore))?;
        drop(writer);
        let mut answer = Vec::new();
        let read = reader.read_to_end(&mut answer);
        wait_for(child)?;
        read?;
        Ok(u64::from_ne_bytes(answer.try_into().map_err(|_| io::ErrorKind::UnexpectedEof)?))
    }
}

/// Returns the number as the exit status, which has 8 bits.
///
/// breaks: "returns the number that `explore` returns, which may be any `u64`"
/// fails: what_if::a_child_that_ends_early_is_an_error failed
/// fails: what_if::brings_back_any_number_and_leaves_the_draft_alone failed
mod number_as_status {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let child = fork_child(|| caught(draft, explore).map_or(255, |number| number as i32))?;
        match wait_for(child)? {
            WaitStatus::Exited(_, status) if status != 255 => Ok(status as u64),
            status => Err(no_answer(status)),
        }
    }
}

/// Takes the largest number for "no answer", though `explore` may return it.
///
/// breaks: "returns the number that `explore` returns, which may be any `u64`"
/// fails: what_if::brings_back_any_number_and_leaves_the_draft_alone failed
mod largest_is_no_answer {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let words = shared_words()?;
        words.long_word(0).store(u64::MAX, Ordering::Relaxed);
        let child = fork_child(|| {
            words.long_word(0).store(caught(draft, explore).unwrap_or(u64::MAX), Ordering::Relaxed);
            0
        })?;
        let status = wait_for(child)?;
        match words.long_word(0).load(Ordering::Relaxed) {
            u64::MAX => Err(no_answer(status)),
            number => Ok(number),
        }
    }
}

/// Takes 0 for "no answer": that is what fresh memory holds.
///
/// breaks: "returns the number that `explore` returns, which may be any `u64`"
/// fails: what_if::brings_back_any_number_and_leaves_the_draft_alone failed
/// fails: what_if::explore_gets_the_time_that_it_needs failed
mod zero_is_no_answer {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let words = shared_words()?;
        let child = fork_child(|| {
            words.long_word(0).store(caught(draft, explore).unwrap_or(0), Ordering::Relaxed);
            0
        })?;
        let status = wait_for(child)?;
        match words.long_word(0).load(Ordering::Relaxed) {
            0 => Err(no_answer(status)),
            number => Ok(number),
        }
    }
}

/// Believes the status alone: an `explore` that calls exit(0) has sent nothing, and the answer is 0.
///
/// breaks: "An error of any kind when `explore` ends the child, by a signal or with exit(3), whatever the status."
/// fails: what_if::a_child_that_ends_early_is_an_error failed
mod status_zero_is_an_answer {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let words = shared_words()?;
        let child = fork_child(|| match caught(draft, explore) {
            Some(number) => {
                words.long_word(0).store(number, Ordering::Relaxed);
                0
            }
            None => 1,
        })?;
        match wait_for(child)? {
            WaitStatus::Exited(_, 0) => Ok(words.long_word(0).load(Ordering::Relaxed)),
            status => Err(no_answer(status)),
        }
    }
}

/// Chooses a status that "nobody uses" for success, which `explore` can still exit with.
///
/// breaks: "An error of any kind when `explore` ends the child, by a signal or with exit(3), whatever the status."
/// fails: what_if::a_child_that_ends_early_is_an_error failed
mod magic_status {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let words = shared_words()?;
        let child = fork_child(|| match caught(draft, explore) {
            Some(number) => {
                words.long_word(0).store(number, Ordering::Relaxed);
                42
            }
            None => 1,
        })?;
        match wait_for(child)? {
            WaitStatus::Exited(_, 42) => Ok(words.long_word(0).load(Ordering::Relaxed)),
            status => Err(no_answer(status)),
        }
    }
}

/// Thinks of exit statuses only: a child that was killed by a signal answers 0.
///
/// breaks: "An error of any kind when `explore` ends the child, by a signal"
/// fails: what_if::a_child_that_ends_early_is_an_error failed
mod forgets_signals {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let words = shared_words()?;
        let child = fork_child(|| {
            let number = caught(draft, explore);
            words.long_word(0).store(number.unwrap_or(0), Ordering::Relaxed);
            words.long_word(8).store(u64::from(number.is_some()), Ordering::Relaxed);
            0
        })?;
        match wait_for(child)? {
            WaitStatus::Exited(..) if words.long_word(8).load(Ordering::Relaxed) == 0 => {
                Err(io::Error::other("exited"))
            }
            _ => Ok(words.long_word(0).load(Ordering::Relaxed)),
        }
    }
}

/// Panics itself when the child didn't exit.
///
/// breaks: "An error of any kind when `explore` ends the child, by a signal"
/// fails: what_if::a_child_that_ends_early_is_an_error panicked
mod signals_are_unreachable {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let (reader, writer) = pipe()?;
        let child = fork_child(|| send(&writer, draft, explore))?;
        drop(writer);
        match wait_for(child)? {
            WaitStatus::Exited(_, 0) => receive(reader),
            WaitStatus::Exited(..) => Err(io::Error::other("explore panicked")),
            _ => unreachable!("a child exits"),
        }
    }
}

/// Returns the error of the pipe before it waits, and leaves a zombie whenever `explore` panics.
///
/// breaks: "When the call returns, even with an error, the child has ended and been waited for."
/// fails: what_if::a_child_that_ends_early_is_an_error left_processes
mod waits_only_after_an_answer {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let (reader, writer) = pipe()?;
        let child = fork_child(|| send(&writer, draft, explore))?;
        drop(writer);
        let number = receive(reader)?;
        wait_for(child)?;
        Ok(number)
    }
}

/// Never waits: the answer has come, so the child "is done".
///
/// breaks: "When the call returns, even with an error, the child has ended and been waited for."
/// fails: what_if::brings_back_any_number_and_leaves_the_draft_alone left_processes
mod leaves_a_zombie {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let (reader, writer) = pipe()?;
        fork_child(|| send(&writer, draft, explore))?;
        drop(writer);
        receive(reader)
    }
}

/// Looks once whether the child has ended, and doesn't wait until it has.
///
/// breaks: "When the call returns, even with an error, the child has ended and been waited for."
/// may fail: what_if::brings_back_any_number_and_leaves_the_draft_alone left_processes
/// may fail: what_if::a_child_that_ends_early_is_an_error left_processes
/// may fail: what_if::the_child_runs_no_exit_handlers left_processes
/// may fail: what_if::a_panic_ends_in_the_child left_processes
/// may fail: what_if::it_is_a_process_of_its_own left_processes
/// may fail: what_if::it_writes_no_output_of_the_caller left_processes
/// may fail: what_if::explore_has_the_draft_itself left_processes
/// may fail: what_if::the_callers_children_and_handlers_do_not_disturb_it left_processes
/// may fail: what_if::a_stop_is_no_end left_processes
/// may fail: what_if::explore_gets_the_time_that_it_needs left_processes
/// may fail: what_if::errors_of_the_calls_are_told left_processes
/// may fail: what_if::what_explore_captured_is_dropped left_processes
mod looks_once {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let (reader, writer) = pipe()?;
        let child = fork_child(|| send(&writer, draft, explore))?;
        drop(writer);
        let answer = receive(reader);
        waitpid(child, Some(WaitPidFlag::WNOHANG))?;
        answer
    }
}

/// Waits for any child: it takes the status of another child of the caller, and leaves its own.
///
/// breaks: "When the call returns, even with an error, the child has ended and been waited for."
/// fails: what_if::the_callers_children_and_handlers_do_not_disturb_it left_processes
mod waits_for_any_child {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let (reader, writer) = pipe()?;
        fork_child(|| send(&writer, draft, explore))?;
        drop(writer);
        let answer = receive(reader);
        wait()?;
        answer
    }
}

/// Waits without a loop: a signal that the caller handles ends the wait with EINTR, while the child goes on.
///
/// breaks: "When the call returns, even with an error, the child has ended and been waited for."
/// may fail: what_if::the_callers_children_and_handlers_do_not_disturb_it left_processes
mod interrupted_wait {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let (reader, writer) = pipe()?;
        let child = fork_child(|| send(&writer, draft, explore))?;
        drop(writer);
        match waitpid(child, None)? {
            WaitStatus::Exited(_, 0) => receive(reader),
            status => Err(no_answer(status)),
        }
    }
}

/// Ignores SIGCHLD so that there is no zombie: waitpid(2) fails, and the caller's other children lose their status.
///
/// breaks: "runs `explore` on the draft in a forked child and returns the number that `explore` returns"
/// fails: what_if::brings_back_any_number_and_leaves_the_draft_alone failed
mod ignores_sigchld {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        // SAFETY: SIG_IGN runs no code.
        unsafe { signal(Signal::SIGCHLD, SigHandler::SigIgn) }?;
        let (reader, writer) = pipe()?;
        let child = fork_child(|| send(&writer, draft, explore))?;
        drop(writer);
        let answer = receive(reader);
        wait_for(child)?;
        answer
    }
}

/// Forks twice and waits for the child in the middle: the one that explores may still be running.
///
/// breaks: "When the call returns, even with an error, the child has ended and been waited for."
/// fails: what_if::brings_back_any_number_and_leaves_the_draft_alone left_processes
mod forks_twice {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let (reader, writer) = pipe()?;
        let middle = fork_child(|| i32::from(fork_child(|| send(&writer, draft, explore)).is_err()))?;
        drop(writer);
        wait_for(middle)?;
        receive(reader)
    }
}

/// Explores right here and puts the bytes back afterwards, without a child.
///
/// breaks: "runs `explore` on the draft in a forked child"
/// fails: what_if::a_child_that_ends_early_is_an_error exited
/// fails: what_if::errors_of_the_calls_are_told failed
/// fails: what_if::explore_has_the_draft_itself failed
/// fails: what_if::it_is_a_process_of_its_own failed
mod undoes_it_afterwards {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let mut bytes = vec![0; draft.range().len()];
        draft.read(0, &mut bytes);
        let answer = caught(draft, explore);
        draft.write(0, &bytes);
        answer.ok_or_else(|| io::Error::other("explore panicked"))
    }
}

/// Uses a child that shares the memory (CLONE_VM, like vfork(2)), whose stores are the parent's.
///
/// breaks: "Whatever `explore` stores to the draft, neither this process's draft nor the file changes."
/// fails: what_if::brings_back_any_number_and_leaves_the_draft_alone failed
/// fails: what_if::what_explore_captured_is_dropped failed
mod shares_the_memory {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        struct Task<'a> {
            run: Option<Box<dyn FnOnce() -> Option<u64> + 'a>>,
            answer: Option<u64>,
        }
        extern "C" fn start(task: *mut libc::c_void) -> i32 {
            // SAFETY: the parent passes its task, and waits (CLONE_VFORK) until this process ends.
            let task = unsafe { &mut *task.cast::<Task<'_>>() };
            task.answer = task.run.take().and_then(|run| run());
            exit(0)
        }
        let mut task = Task { run: Some(Box::new(|| caught(draft, explore))), answer: None };
        let mut stack = vec![0_u128; 1 << 16];
        let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
        let task_pointer = (&raw mut task).cast();
        // SAFETY: the stack outlives the child, which has ended when clone(2) returns.
        let pid = unsafe { libc::clone(start, stack.as_mut_ptr_range().end.cast(), flags, task_pointer) };
        let status = wait_for(Pid::from_raw(Errno::result(pid)?))?;
        task.answer.ok_or_else(|| no_answer(status))
    }
}

/// Ends the child with exit(3), which runs the functions that the parent has registered.
///
/// breaks: "The child ends with `_exit(2)`: it runs no function that was registered with atexit(3)."
/// fails: what_if::it_writes_no_output_of_the_caller failed
/// fails: what_if::the_child_runs_no_exit_handlers failed
mod ends_with_exit {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let (reader, writer) = pipe()?;
        let child = fork_child(|| std::process::exit(send(&writer, draft, explore)))?;
        drop(writer);
        match wait_for(child)? {
            WaitStatus::Exited(_, 0) => receive(reader),
            status => Err(no_answer(status)),
        }
    }
}

/// Catches no panic: it unwinds through the caller's frames in the child, which drops what is there and goes on.
///
/// breaks: "A panic of `explore` ends in the child, and drops nothing of the caller's there but what `explore` captured."
/// fails: what_if::a_panic_ends_in_the_child failed
mod lets_the_panic_go_on {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let (reader, writer) = pipe()?;
        let child = fork_child(|| {
            let number = explore(draft);
            i32::from((&writer).write_all(&number.to_ne_bytes()).is_err())
        })?;
        drop(writer);
        match wait_for(child)? {
            WaitStatus::Exited(_, 0) => receive(reader),
            status => Err(no_answer(status)),
        }
    }
}

/// Catches the panic and returns an error, in the child: the caller goes on twice.
///
/// breaks: "A panic of `explore` ends in the child"
/// fails: what_if::a_child_that_ends_early_is_an_error left_processes
mod returns_from_the_child {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let (reader, mut writer) = pipe()?;
        // SAFETY: none for a panic: the child then returns into the caller's frames.
        match unsafe { fork() }? {
            ForkResult::Child => {
                let number = caught(draft, explore).ok_or_else(|| io::Error::other("explore panicked"))?;
                writer.write_all(&number.to_ne_bytes())?;
                exit(0)
            }
            ForkResult::Parent { child } => {
                drop(writer);
                match wait_for(child)? {
                    WaitStatus::Exited(_, 0) => receive(reader),
                    status => Err(no_answer(status)),
                }
            }
        }
    }
}

/// Catches the panic and answers 0 for it.
///
/// breaks: "An error of any kind when `explore` panics."
/// fails: what_if::a_child_that_ends_early_is_an_error failed
mod panics_answer_zero {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let (reader, writer) = pipe()?;
        let child = fork_child(|| send(&writer, draft, |draft| caught(draft, explore).unwrap_or_default()))?;
        drop(writer);
        match wait_for(child)? {
            WaitStatus::Exited(_, 0) => receive(reader),
            status => Err(no_answer(status)),
        }
    }
}

/// Sends the number through an eventfd(2), which can't hold the largest one, and where 0 is nothing to read.
///
/// breaks: "returns the number that `explore` returns, which may be any `u64`"
/// fails: what_if::brings_back_any_number_and_leaves_the_draft_alone failed
/// fails: what_if::explore_gets_the_time_that_it_needs failed
mod through_an_eventfd {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        // SAFETY: eventfd(2) accesses no memory of this process.
        let fd = Errno::result(unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) })?;
        // SAFETY: the call has just returned this descriptor, which nothing else owns.
        let event = File::from(unsafe { OwnedFd::from_raw_fd(fd) });
        let child = fork_child(|| send(&event, draft, explore))?;
        wait_for(child)?;
        receive(&event)
    }
}

/// Sends 32 bits of the number, which is enough for a byte of the draft.
///
/// breaks: "returns the number that `explore` returns, which may be any `u64`"
/// fails: what_if::brings_back_any_number_and_leaves_the_draft_alone failed
mod sends_32_bits {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let (reader, writer) = pipe()?;
        let child = fork_child(|| send(&writer, draft, |draft| u64::from(explore(draft) as u32)))?;
        drop(writer);
        match wait_for(child)? {
            WaitStatus::Exited(_, 0) => receive(reader),
            status => Err(no_answer(status)),
        }
    }
}

/// Freezes the draft first, so that the child sees it as it is: from then on it no longer follows the file.
///
/// breaks: "neither this process's draft nor the file changes" (its pages become copies)
/// fails: what_if::explore_has_the_draft_itself failed
mod freezes_it_first {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        crate::solution::freeze(draft);
        let (reader, writer) = pipe()?;
        let child = fork_child(|| send(&writer, draft, explore))?;
        drop(writer);
        match wait_for(child)? {
            WaitStatus::Exited(_, 0) => receive(reader),
            status => Err(no_answer(status)),
        }
    }
}

/// Gives the child a clean draft, as the file is, without the edits made before.
///
/// breaks: "`explore` runs once, and sees the draft as it is."
/// fails: what_if::brings_back_any_number_and_leaves_the_draft_alone failed
/// fails: what_if::explore_has_the_draft_itself failed
mod explores_without_the_edits {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let (reader, writer) = pipe()?;
        let child = fork_child(|| {
            let clean = crate::solution::discard(draft);
            if clean.is_ok() { send(&writer, draft, explore) } else { 1 }
        })?;
        drop(writer);
        match wait_for(child)? {
            WaitStatus::Exited(_, 0) => receive(reader),
            status => Err(no_answer(status)),
        }
    }
}

/// Explores a copy of the draft's bytes in anonymous memory: at another address, and no draft of a file.
///
/// breaks: "`explore` runs once, and sees the draft as it is." (all its pages are copies, none is the file's)
/// fails: what_if::explore_has_the_draft_itself failed
mod explores_a_replica {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let replica = Mapping::anonymous(draft.length(), READ_WRITE, Sharing::Private)?;
        for at in 0..draft.range().len() {
            replica.store(at, draft.load(at));
        }
        let (reader, writer) = pipe()?;
        let child = fork_child(|| send(&writer, &replica, explore))?;
        drop(writer);
        match wait_for(child)? {
            WaitStatus::Exited(_, 0) => receive(reader),
            status => Err(no_answer(status)),
        }
    }
}

/// Passes the number in a file of the temporary directory, which stays there; without an answer it finds an old one.
///
/// breaks: "An error of any kind when `explore` panics."
/// fails: what_if::a_child_that_ends_early_is_an_error failed
/// fails: what_if::it_is_a_process_of_its_own failed
mod file_in_the_temporary_directory {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let path = std::env::temp_dir().join("what_if.answer");
        let child = fork_child(|| match caught(draft, explore) {
            Some(number) => i32::from(fs::write(&path, number.to_string()).is_err()),
            None => 1,
        })?;
        wait_for(child)?;
        fs::read_to_string(&path)?.parse().map_err(io::Error::other)
    }
}

/// Makes the shared words once and keeps them: when `explore` ends the child, the answer is the one of the last call.
///
/// breaks: "An error of any kind when `explore` ends the child, by a signal or with exit(3), whatever the status."
/// fails: what_if::a_child_that_ends_early_is_an_error failed
mod keeps_the_last_answer {
    use super::*;

    thread_local! {
        static WORDS: OnceLock<Mapping> = const { OnceLock::new() };
    }

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        WORDS.with(|words| {
            if words.get().is_none() {
                let _ = words.set(shared_words()?);
            }
            let words = words.get().expect("set just now");
            let child = fork_child(|| {
                if let Some(number) = caught(draft, explore) {
                    words.long_word(0).store(number, Ordering::Relaxed);
                    words.long_word(8).store(1, Ordering::Relaxed);
                }
                0
            })?;
            let status = wait_for(child)?;
            match words.long_word(8).load(Ordering::Relaxed) {
                1 => Ok(words.long_word(0).load(Ordering::Relaxed)),
                _ => Err(no_answer(status)),
            }
        })
    }
}

/// Never closes its read end: after some hundred calls there are no descriptors left.
///
/// breaks: "Those of fork(2) and of the other calls, unchanged." (EMFILE of its own making)
/// fails: what_if::brings_back_any_number_and_leaves_the_draft_alone failed
/// fails: what_if::errors_of_the_calls_are_told failed
/// fails: what_if::what_explore_captured_is_dropped failed
mod leaks_the_read_end {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let (reader, writer) = pipe()?;
        let child = fork_child(|| send(&writer, draft, explore))?;
        drop(writer);
        let answer = receive(&reader);
        let _ = reader.into_raw_fd();
        wait_for(child)?;
        answer
    }
}

/// Puts errors of its own in the place of those of pipe(2) and fork(2).
///
/// breaks: "Those of fork(2) and of the other calls, unchanged."
/// fails: what_if::errors_of_the_calls_are_told failed
mod own_errors {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let (reader, writer) = pipe().map_err(|_| io::Error::other("no pipe"))?;
        let child = fork_child(|| send(&writer, draft, explore)).map_err(|_| io::Error::other("no child"))?;
        drop(writer);
        match wait_for(child)? {
            WaitStatus::Exited(_, 0) => receive(reader),
            status => Err(no_answer(status)),
        }
    }
}

/// Sets the child an alarm of one second, so that it can't hang: a slow `explore` is killed.
///
/// breaks: "returns the number that `explore` returns"
/// fails: what_if::explore_gets_the_time_that_it_needs failed
mod impatient {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let (reader, writer) = pipe()?;
        let child = fork_child(|| {
            alarm::set(1);
            send(&writer, draft, explore)
        })?;
        drop(writer);
        match wait_for(child)? {
            WaitStatus::Exited(_, 0) => receive(reader),
            status => Err(no_answer(status)),
        }
    }
}

/// Explores here when the child has sent nothing, to find out what is wrong.
///
/// breaks: "`explore` runs once"
/// fails: what_if::a_child_that_ends_early_is_an_error exited
/// fails: what_if::a_panic_ends_in_the_child failed
/// fails: what_if::the_child_runs_no_exit_handlers failed
mod tries_again_here {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let (reader, writer) = pipe()?;
        // SAFETY: the child ends without returning into the caller's frames.
        match unsafe { fork() }? {
            ForkResult::Child => exit(send(&writer, draft, explore)),
            ForkResult::Parent { child } => {
                drop(writer);
                wait_for(child)?;
                match receive(reader) {
                    Ok(number) => Ok(number),
                    Err(error) => caught(draft, explore).ok_or(error),
                }
            }
        }
    }
}

/// Has no answer but whether the child ended well: it runs `explore`, and forgets the number.
///
/// breaks: "returns the number that `explore` returns"
/// fails: what_if::brings_back_any_number_and_leaves_the_draft_alone failed
mod returns_the_end_of_the_child {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let mut number = 0;
        // The child's `number` is the child's.
        end_of(|| number = explore(draft))?.success()?;
        Ok(number)
    }
}

/// The child leaves its answer in shared memory.
///
/// passes
mod answer_in_shared_memory {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let slot = slot()?;
        let child = child_that(|| {
            if let Some(answer) = caught_again(explore, draft) {
                put(&slot, answer);
            }
        })?;
        reap(child)?;
        take(&slot)
    }
}

/// Looks into the pipe only when the child has ended; eight bytes have room there, and the read never blocks.
///
/// passes
mod looks_into_the_pipe_afterwards {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let (reader, writer) = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
        let child = child_that(|| {
            if let Some(answer) = caught_again(explore, draft) {
                let _ = nix::unistd::write(&writer, &answer.to_be_bytes());
            }
        })?;
        reap(child)?;
        drop(writer);
        let mut answer = [0; 8];
        std::fs::File::from(reader).read_exact(&mut answer)?;
        Ok(u64::from_be_bytes(answer))
    }
}

/// The answer is a datagram; the child is killed when that has come, and the wait is waitid(2).
///
/// passes
mod a_datagram_and_sigkill {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let (ours, theirs) = UnixDatagram::pair()?;
        ours.set_nonblocking(true)?;
        let child = child_that(|| {
            if let Some(answer) = caught_again(explore, draft) {
                let _ = theirs.send(&answer.to_ne_bytes());
            }
            let _ = kill(Pid::this(), Signal::SIGKILL);
        })?;
        while let Err(errno) = waitid(Id::Pid(child), WaitPidFlag::WEXITED) {
            if errno != Errno::EINTR {
                return Err(errno.into());
            }
        }
        let mut answer = [0; 8];
        match ours.recv(&mut answer)? {
            8 => Ok(u64::from_ne_bytes(answer)),
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

/// Leaves the fork to the course's Child, which refuses with `Unsupported` while three or more threads run.
///
/// passes
mod forks_with_child {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let slot = slot()?;
        let (child, _peer) = Child::fork(|_| {
            put(&slot, explore(draft));
            Ok(())
        })?;
        child.wait()?.success()?;
        take(&slot)
    }
}

/// Returns the answer as the exit status, of which a byte is left.
///
/// breaks: "returns the number that `explore` returns, which may be any `u64`"
/// fails: what_if::a_child_that_ends_early_is_an_error failed
/// fails: what_if::brings_back_any_number_and_leaves_the_draft_alone failed status-holds-a-number
mod answer_as_exit_status {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let child = child_that(|| match caught_again(explore, draft) {
            // SAFETY: _exit(2) runs no code of this program.
            Some(answer) => unsafe { libc::_exit(answer as i32) },
            None => std::process::abort(),
        })?;
        match reap(child)? {
            WaitStatus::Exited(_, status) => Ok(status as u64),
            _ => Err(io::Error::other("explore did not return")),
        }
    }
}

/// Puts the answer into a word of 32 bits, as the lesson's example of a word has.
///
/// breaks: "returns the number that `explore` returns, which may be any `u64`"
/// fails: what_if::brings_back_any_number_and_leaves_the_draft_alone failed
mod answer_in_32_bits {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let slot = slot()?;
        let child = child_that(|| {
            if let Some(answer) = caught_again(explore, draft) {
                slot.word(0).store(answer as u32, Ordering::Relaxed);
                slot.long_word(8).store(1, Ordering::Relaxed);
            }
        })?;
        reap(child)?;
        take(&slot).map(|_| slot.word(0).load(Ordering::Relaxed).into())
    }
}

/// Takes u64::MAX for the sign that there is no answer.
///
/// breaks: "returns the number that `explore` returns, which may be any `u64`"
/// fails: what_if::brings_back_any_number_and_leaves_the_draft_alone failed
mod largest_number_means_none {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let slot = slot()?;
        slot.long_word(0).store(u64::MAX, Ordering::Relaxed);
        let child = child_that(|| {
            if let Some(answer) = caught_again(explore, draft) {
                slot.long_word(0).store(answer, Ordering::Relaxed);
            }
        })?;
        reap(child)?;
        match slot.long_word(0).load(Ordering::Relaxed) {
            u64::MAX => Err(io::Error::other("explore did not return")),
            answer => Ok(answer),
        }
    }
}

/// Sends the answer as a signed decimal number and doesn't understand the larger half of them.
///
/// breaks: "returns the number that `explore` returns, which may be any `u64`"
/// fails: what_if::brings_back_any_number_and_leaves_the_draft_alone failed
mod signed_text {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let (reader, writer) = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
        let child = child_that(|| {
            if let Some(answer) = caught_again(explore, draft) {
                let _ = nix::unistd::write(&writer, (answer as i64).to_string().as_bytes());
            }
        })?;
        reap(child)?;
        drop(writer);
        let mut text = String::new();
        std::fs::File::from(reader).read_to_string(&mut text)?;
        text.parse().map_err(io::Error::other)
    }
}

/// Trusts the status 0, which explore itself can end the child with: the answer is 0 then.
///
/// breaks: "An error of any kind when `explore` ends the child: by a signal, exit(3) or `_exit(2)`, whatever the status."
/// fails: what_if::a_child_that_ends_early_is_an_error failed
mod status_0_is_an_answer {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let slot = slot()?;
        let child = child_that(|| match caught_again(explore, draft) {
            Some(answer) => put(&slot, answer),
            // SAFETY: _exit(2) runs no code of this program.
            None => unsafe { libc::_exit(1) },
        })?;
        match reap(child)? {
            WaitStatus::Exited(_, 0) => Ok(slot.long_word(0).load(Ordering::Relaxed)),
            ended => Err(io::Error::other(format!("{ended:?}"))),
        }
    }
}

/// Keeps the shared memory for the next call and doesn't clear it: a child that dies then answers with the old number.
///
/// breaks: "An error of any kind when `explore` ends the child: by a signal, exit(3) or `_exit(2)`, whatever the status."
/// fails: what_if::a_child_that_ends_early_is_an_error failed
/// fails: what_if::errors_of_the_calls_are_told panicked
mod old_answer {
    use super::*;

    static ADDRESS: OnceLock<usize> = OnceLock::new();

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let address = *ADDRESS.get_or_init(|| {
            let slot = std::mem::ManuallyDrop::new(slot().expect("a page of memory"));
            slot.address()
        });
        let number = std::ptr::with_exposed_provenance_mut::<u64>(address);
        let flag = number.wrapping_add(1);
        let child = child_that(|| {
            if let Some(answer) = caught_again(explore, draft) {
                // SAFETY: the page stays mapped for ever.
                unsafe { number.write_volatile(answer) };
                // SAFETY: as above.
                unsafe { flag.write_volatile(1) };
            }
        })?;
        reap(child)?;
        // SAFETY: as above.
        if unsafe { flag.read_volatile() } != 1 {
            return Err(io::Error::other("explore did not return"));
        }
        // SAFETY: as above.
        Ok(unsafe { number.read_volatile() })
    }
}

/// Ends the child with std::process::exit.
///
/// breaks: "The child doesn't end with exit(3): no function that was registered with atexit(3) runs in it."
/// fails: what_if::it_writes_no_output_of_the_caller failed
/// fails: what_if::the_child_runs_no_exit_handlers failed
mod ends_with_exit_2 {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let slot = slot()?;
        let child = child_that(|| {
            if let Some(answer) = caught_again(explore, draft) {
                put(&slot, answer);
            }
            std::process::exit(0);
        })?;
        reap(child)?;
        take(&slot)
    }
}

/// Flushes the child's standard output, lest something be lost, and with it what the caller has buffered there.
///
/// breaks: "The child writes out no output that the caller has buffered; `_exit(2)` writes none."
/// fails: what_if::it_writes_no_output_of_the_caller failed
mod flushes_stdout {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let slot = slot()?;
        let child = child_that(|| {
            if let Some(answer) = caught_again(explore, draft) {
                put(&slot, answer);
            }
            let _ = io::stdout().flush();
        })?;
        reap(child)?;
        take(&slot)
    }
}

/// Lets a panic of explore unwind out of the child's arm, into the caller's frames.
///
/// breaks: "A panic of `explore` ends in the child, and drops nothing of the caller's there but what `explore` captured."
/// fails: what_if::a_panic_ends_in_the_child failed
mod panic_leaves_the_arm {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let slot = slot()?;
        let child = child_that(|| put(&slot, explore(draft)))?;
        reap(child)?;
        take(&slot)
    }
}

/// Returns an error from what_if in the child as well, when explore panics there: the caller goes on twice.
///
/// breaks: "A panic of `explore` ends in the child, and drops nothing of the caller's there but what `explore` captured."
/// fails: what_if::a_child_that_ends_early_is_an_error left_processes
mod child_returns_the_error {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let slot = slot()?;
        // SAFETY: no lock matters to the child.
        match unsafe { fork() }? {
            ForkResult::Child => {
                let answer = caught_again(explore, draft).ok_or_else(|| io::Error::other("explore panicked"))?;
                put(&slot, answer);
                // SAFETY: _exit(2) runs no code of this program.
                unsafe { libc::_exit(0) }
            }
            ForkResult::Parent { child } => {
                reap(child)?;
                take(&slot)
            }
        }
    }
}

/// Panics in the parent, too, when the child has no answer.
///
/// breaks: "An error of any kind when `explore` panics."
/// fails: what_if::a_child_that_ends_early_is_an_error panicked
/// fails: what_if::a_panic_ends_in_the_child panicked
/// fails: what_if::it_writes_no_output_of_the_caller panicked
/// fails: what_if::the_child_runs_no_exit_handlers panicked
/// fails: what_if::what_explore_captured_is_dropped panicked
mod parent_panics_too {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let slot = slot()?;
        let child = child_that(|| put(&slot, caught_again(explore, draft).unwrap_or_else(|| std::process::abort())))?;
        let ended = reap(child)?;
        assert_eq!(ended, WaitStatus::Exited(child, 0), "the child failed");
        take(&slot)
    }
}

/// Waits for any child, and may reap one that the caller still wants to wait for.
///
/// breaks: "The caller may have other children, and handlers for signals"
/// fails: what_if::the_callers_children_and_handlers_do_not_disturb_it failed
mod reaps_any_child {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let slot = slot()?;
        let child = child_that(|| {
            if let Some(answer) = caught_again(explore, draft) {
                put(&slot, answer);
            }
        })?;
        while reap(Pid::from_raw(-1))?.pid() != Some(child) {}
        take(&slot)
    }
}

/// Returns EINTR when a signal comes during the wait, and leaves the child behind.
///
/// breaks: "When the call returns, even with an error, the child has ended and been waited for."
/// fails: what_if::the_callers_children_and_handlers_do_not_disturb_it left_processes
mod wait_is_interrupted {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let slot = slot()?;
        let child = child_that(|| {
            if let Some(answer) = caught_again(explore, draft) {
                put(&slot, answer);
            }
        })?;
        waitpid(child, None)?;
        take(&slot)
    }
}

/// Reads the answer from a pipe and returns the error of that at once, before it has waited for the child.
///
/// breaks: "When the call returns, even with an error, the child has ended and been waited for."
/// fails: what_if::a_child_that_ends_early_is_an_error left_processes
mod zombie_after_an_error {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let (mut ours, theirs) = UnixStream::pair()?;
        let child = child_that(|| {
            if let Some(answer) = caught_again(explore, draft) {
                let _ = (&theirs).write_all(&answer.to_ne_bytes());
            }
        })?;
        drop(theirs);
        let mut answer = [0; 8];
        ours.read_exact(&mut answer)?;
        reap(child)?;
        Ok(u64::from_ne_bytes(answer))
    }
}

/// Waits with WNOWAIT, which leaves the child a zombie.
///
/// breaks: "When the call returns, even with an error, the child has ended and been waited for."
/// fails: what_if::brings_back_any_number_and_leaves_the_draft_alone left_processes
mod wait_that_reaps_nothing {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let slot = slot()?;
        let child = child_that(|| {
            if let Some(answer) = caught_again(explore, draft) {
                put(&slot, answer);
            }
        })?;
        while waitid(Id::Pid(child), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT) == Err(Errno::EINTR) {}
        take(&slot)
    }
}

/// Has the pipe as bare numbers, which nothing closes when fork(2) fails.
///
/// breaks: "leaves no descriptor open"
/// fails: what_if::errors_of_the_calls_are_told failed
/// fails: what_if::what_explore_captured_is_dropped failed
mod leaks_the_pipe_without_fork {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let mut fds = [0; 2];
        // SAFETY: pipe2(2) writes two integers.
        Errno::result(unsafe { libc::pipe2(fds.as_mut_ptr(), libc::O_CLOEXEC) })?;
        let child = child_that(|| {
            if let Some(answer) = caught_again(explore, draft) {
                // SAFETY: it reads the eight bytes of `answer`.
                unsafe { libc::write(fds[1], (&raw const answer).cast(), 8) };
            }
        })?;
        // SAFETY: the descriptor is ours, and is used no more.
        unsafe { libc::close(fds[1]) };
        // SAFETY: the descriptor is ours.
        let mut reader = std::fs::File::from(unsafe { OwnedFd::from_raw_fd(fds[0]) });
        let mut answer = [0; 8];
        let read = reader.read_exact(&mut answer);
        reap(child)?;
        read.map(|()| u64::from_ne_bytes(answer))
    }
}

/// Hands explore a copy of the draft's bytes in other memory, where the file's changes don't show.
///
/// breaks: "`explore` runs once, on the draft itself: its copies are there, and its other pages follow the file."
/// fails: what_if::explore_has_the_draft_itself failed
mod on_a_copy_of_the_draft {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let slot = slot()?;
        let child = child_that(|| {
            let Ok(copy) = Mapping::anonymous(draft.length(), READ_WRITE, Sharing::Private) else { return };
            let mut bytes = vec![0; draft.range().len()];
            draft.read(0, &mut bytes);
            copy.write(0, &bytes);
            if let Some(answer) = caught_again(explore, &copy) {
                put(&slot, answer);
            }
        })?;
        reap(child)?;
        take(&slot)
    }
}

/// Freezes the draft in the child first, so that explore has a calm view, which the file can't change any more.
///
/// breaks: "`explore` runs once, on the draft itself: its copies are there, and its other pages follow the file."
/// fails: what_if::explore_has_the_draft_itself failed
mod freezes_in_the_child {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let slot = slot()?;
        let child = child_that(|| {
            freeze(draft);
            if let Some(answer) = caught_again(explore, draft) {
                put(&slot, answer);
            }
        })?;
        reap(child)?;
        take(&slot)
    }
}

/// Needs no child: saves the bytes, runs explore here and stores them back, which copies pages of this draft.
///
/// breaks: "This process's draft gets no copies, either."
/// fails: what_if::a_child_that_ends_early_is_an_error exited
/// fails: what_if::errors_of_the_calls_are_told failed
/// fails: what_if::explore_has_the_draft_itself failed
/// fails: what_if::it_is_a_process_of_its_own failed
mod saves_and_stores_back {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let mut saved = vec![0; draft.range().len()];
        draft.read(0, &mut saved);
        let answer = caught_again(explore, draft);
        for (at, &byte) in saved.iter().enumerate() {
            if draft.load(at) != byte {
                draft.store(at, byte);
            }
        }
        answer.ok_or_else(|| io::Error::other("explore panicked"))
    }
}

/// Where no process can be forked, runs explore in this one and discards the draft afterwards.
///
/// breaks: "Those of fork(2) and of the other calls, unchanged."
/// fails: what_if::errors_of_the_calls_are_told failed
mod without_fork_here {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let slot = slot()?;
        // SAFETY: no lock matters to the child.
        match unsafe { fork() } {
            Ok(ForkResult::Child) => {
                if let Some(answer) = caught_again(explore, draft) {
                    put(&slot, answer);
                }
                // SAFETY: _exit(2) runs no code of this program.
                unsafe { libc::_exit(0) }
            }
            Ok(ForkResult::Parent { child }) => {
                reap(child)?;
                take(&slot)
            }
            Err(_) => {
                let answer = explore(draft);
                discard(draft)?;
                Ok(answer)
            }
        }
    }
}

/// Blocks all signals around fork and wait, and the child inherits that: when explore kills it by SIGTERM, it goes on.
///
/// breaks: "An error of any kind when `explore` ends the child: by a signal"
/// fails: what_if::a_child_that_ends_early_is_an_error failed
mod signals_blocked_in_the_child {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let slot = slot()?;
        let mut old = SigSet::empty();
        sigprocmask(SigmaskHow::SIG_BLOCK, Some(&SigSet::all()), Some(&mut old))?;
        let child = child_that(|| {
            if let Some(answer) = caught_again(explore, draft) {
                put(&slot, answer);
            }
        });
        let ended = child.and_then(reap);
        sigprocmask(SigmaskHow::SIG_SETMASK, Some(&old), None)?;
        ended?;
        take(&slot)
    }
}

/// Takes the child for stopped by an error as soon as it reports anything, even a stop, and leaves it there.
///
/// breaks: "When the call returns, even with an error, the child has ended and been waited for."
/// fails: what_if::a_stop_is_no_end left_processes
mod a_stop_is_an_end {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let slot = slot()?;
        let child = child_that(|| {
            if let Some(answer) = caught_again(explore, draft) {
                put(&slot, answer);
            }
        })?;
        while waitpid(child, Some(WaitPidFlag::WUNTRACED)) == Err(Errno::EINTR) {}
        take(&slot)
    }
}

/// Sends the answer through a file in the directory for temporary files, which may be full, read-only or not there.
///
/// breaks: "Each function works at every call, in every process and for every draft"
/// fails: what_if::it_is_a_process_of_its_own failed
mod answer_in_a_temporary_file {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let path = std::env::temp_dir().join(format!("what_if-{}", std::process::id()));
        let child = child_that(|| {
            if let Some(answer) = caught_again(explore, draft) {
                let _ = std::fs::write(&path, answer.to_ne_bytes());
            }
        })?;
        reap(child)?;
        let bytes = std::fs::read(&path)?;
        std::fs::remove_file(&path)?;
        bytes.try_into().map(u64::from_ne_bytes).map_err(|_| io::Error::other("explore did not return"))
    }
}

/// Sets SIGCHLD to its default before it forks, to be sure of the wait, and leaves the caller without its handler.
///
/// breaks: "The caller may have other children, and handlers for signals"
/// fails: what_if::errors_of_the_calls_are_told failed
/// fails: what_if::the_callers_children_and_handlers_do_not_disturb_it failed
mod resets_sigchld {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let slot = slot()?;
        // SAFETY: the default action is no code of this program.
        unsafe { signal(Signal::SIGCHLD, SigHandler::SigDfl) }?;
        let child = child_that(|| {
            if let Some(answer) = caught_again(explore, draft) {
                put(&slot, answer);
            }
        })?;
        reap(child)?;
        take(&slot)
    }
}

/// Reads the pipe once, by a bare read(2), which a signal to the caller ends with EINTR, though the child is well.
///
/// breaks: "The caller may have other children, and handlers for signals"
/// fails: what_if::the_callers_children_and_handlers_do_not_disturb_it failed
mod read_is_interrupted {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let (reader, writer) = pipe2(OFlag::O_CLOEXEC)?;
        let child = child_that(|| {
            if let Some(answer) = caught_again(explore, draft) {
                let _ = nix::unistd::write(&writer, &answer.to_ne_bytes());
            }
        })?;
        drop(writer);
        let mut answer = [0; 8];
        let read = nix::unistd::read(&reader, &mut answer);
        reap(child)?;
        match read? {
            8 => Ok(u64::from_ne_bytes(answer)),
            _ => Err(io::Error::other("explore did not return")),
        }
    }
}

/// Waits once, before it reads, and gives up when a handler interrupts that.
///
/// breaks: "When the call returns, even with an error, the child has ended and been waited for."
/// fails: what_if::the_callers_children_and_handlers_do_not_disturb_it left_processes
mod waits_once {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let (mut from, mut to) = new_pipe()?;
        let child = child_that_runs(|| to.write_all(&explore(draft).to_ne_bytes()))?;
        drop(to);
        waitpid(child, None)?;
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes)?;
        answer(&bytes)
    }
}

/// Fills the place of the answer with the largest number beforehand, and takes that for "no answer".
///
/// breaks: "returns the number that `explore` returns, which may be any `u64`"
/// fails: what_if::brings_back_any_number_and_leaves_the_draft_alone failed
mod the_largest_number_means_none {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let shared = Mapping::anonymous(8, READ_WRITE, Sharing::Shared)?;
        shared.write(0, &u64::MAX.to_ne_bytes());
        let child = child_that_runs(|| {
            shared.write(0, &explore(draft).to_ne_bytes());
            Ok(())
        })?;
        end_of_child(child)?;
        let mut bytes = [0; 8];
        shared.read(0, &mut bytes);
        match answer(&bytes)? {
            u64::MAX => Err(io::Error::other("explore gave no answer")),
            number => Ok(number),
        }
    }
}

/// Holds the pipe as plain numbers, and leaves both open when fork(2) fails.
///
/// breaks: "leaves no descriptor open, even after an error"
/// fails: what_if::errors_of_the_calls_are_told failed
/// fails: what_if::what_explore_captured_is_dropped failed
mod leaks_when_fork_fails {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let (from, to) = new_pipe()?;
        let (from, to): (RawFd, RawFd) = (from.into_raw_fd(), to.into_raw_fd());
        let owned = |fd| {
            // SAFETY: the descriptor is open, and each is owned once in a process.
            unsafe { File::from_raw_fd(fd) }
        };
        let child = child_that_runs(|| owned(to).write_all(&explore(draft).to_ne_bytes()))?;
        drop(owned(to));
        let mut bytes = Vec::new();
        let read = owned(from).read_to_end(&mut bytes);
        end_of_child(child)?;
        read?;
        answer(&bytes)
    }
}

/// Looks ten thousand times, a millisecond apart, whether the child has ended, and then kills it.
///
/// breaks: "It takes less than a minute"
/// fails: what_if::explore_gets_the_time_that_it_needs failed
mod looks_ten_thousand_times {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let (mut from, mut to) = new_pipe()?;
        let child = child_that_runs(|| to.write_all(&explore(draft).to_ne_bytes()))?;
        drop(to);
        let pause = libc::timespec { tv_sec: 0, tv_nsec: 1_000_000 };
        for _ in 0..10_000 {
            if waitpid(child, Some(WaitPidFlag::WNOHANG))? != WaitStatus::StillAlive {
                let mut bytes = Vec::new();
                from.read_to_end(&mut bytes)?;
                return answer(&bytes);
            }
            // SAFETY: the call reads the time.
            unsafe { libc::nanosleep(&raw const pause, std::ptr::null_mut()) };
        }
        kill(child, Signal::SIGKILL)?;
        end_of_child(child)?;
        Err(io::ErrorKind::TimedOut.into())
    }
}

/// Asks poll(2) for the answer with a limit of twenty seconds, and kills the child when it gets none.
///
/// breaks: "It takes less than a minute"
/// fails: what_if::explore_gets_the_time_that_it_needs failed
mod polls_for_twenty_seconds {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let (mut from, mut to) = new_pipe()?;
        let child = child_that_runs(|| to.write_all(&explore(draft).to_ne_bytes()))?;
        drop(to);
        let ready = loop {
            match poll(&mut [PollFd::new(from.as_fd(), PollFlags::POLLIN)], 20_000_u16) {
                Err(Errno::EINTR) => {}
                ready => break ready?,
            }
        };
        if ready == 0 {
            kill(child, Signal::SIGKILL)?;
        }
        let mut bytes = Vec::new();
        let read = from.read_to_end(&mut bytes);
        end_of_child(child)?;
        read?;
        answer(&bytes)
    }
}

/// Looks every millisecond whether the child has ended, for as long as it takes.
///
/// passes
mod looks_until_it_ends {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let (mut from, mut to) = new_pipe()?;
        let child = child_that_runs(|| to.write_all(&explore(draft).to_ne_bytes()))?;
        drop(to);
        while waitpid(child, Some(WaitPidFlag::WNOHANG))? == WaitStatus::StillAlive {
            match poll(&mut [], 1_u16) {
                Ok(_) | Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes)?;
        answer(&bytes)
    }
}

/// Kills a child that has not ended after ten seconds.
///
/// breaks: "It takes less than a minute"
/// fails: what_if::explore_gets_the_time_that_it_needs failed
mod gives_up_after_ten_seconds {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let (mut from, mut to) = new_pipe()?;
        let child = child_that_runs(|| to.write_all(&explore(draft).to_ne_bytes()))?;
        drop(to);
        let deadline = Instant::now() + Duration::from_secs(10);
        while waitpid(child, Some(WaitPidFlag::WNOHANG))? == WaitStatus::StillAlive {
            if Instant::now() > deadline {
                kill(child, Signal::SIGKILL)?;
                end_of_child(child)?;
                break;
            }
            let _ = poll(&mut [], 1_u16);
        }
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes)?;
        answer(&bytes)
    }
}

/// Explores a copy of the bytes in anonymous memory, which doesn't follow the file and has another address.
///
/// breaks: "`explore` runs once, on the draft itself: its copies are there, and its other pages follow the file."
/// fails: what_if::errors_of_the_calls_are_told failed
/// fails: what_if::explore_has_the_draft_itself failed
mod explores_a_duplicate {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let (mut from, mut to) = new_pipe()?;
        let child = child_that_runs(|| {
            let duplicate = Mapping::anonymous(draft.length(), READ_WRITE, Sharing::Private)?;
            (0..draft.range().len()).for_each(|at| duplicate.store(at, draft.load(at)));
            to.write_all(&explore(&duplicate).to_ne_bytes())
        })?;
        drop(to);
        let mut bytes = Vec::new();
        let read = from.read_to_end(&mut bytes);
        end_of_child(child)?;
        read?;
        answer(&bytes)
    }
}

/// Sets SIGCHLD to its default, to be sure that the child can be waited for, and doesn't put the caller's handler back.
///
/// breaks: "The caller has one thread, and may have other children, handlers of signals, and blocked signals, which all stay."
/// fails: what_if::errors_of_the_calls_are_told failed
/// fails: what_if::the_callers_children_and_handlers_do_not_disturb_it failed
mod resets_the_handler {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let default = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
        // SAFETY: the default action runs no code of this process.
        unsafe { sigaction(Signal::SIGCHLD, &default) }?;
        let (mut from, mut to) = new_pipe()?;
        let child = child_that_runs(|| to.write_all(&explore(draft).to_ne_bytes()))?;
        drop(to);
        let mut bytes = Vec::new();
        let read = from.read_to_end(&mut bytes);
        end_of_child(child)?;
        read?;
        answer(&bytes)
    }
}

/// Sends the answer through a file in /dev/shm.
///
/// breaks: "It needs no privilege and no directory to write in"
/// fails: what_if::it_is_a_process_of_its_own failed
mod through_a_file_in_dev_shm {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let path = format!("/dev/shm/what-if-{}", std::process::id());
        let mut file = File::options().read(true).write(true).create_new(true).open(&path)?;
        std::fs::remove_file(path)?;
        let child = child_that_runs(|| file.write_all(&explore(draft).to_ne_bytes()))?;
        end_of_child(child)?;
        let mut bytes = [0; 8];
        let read = std::os::unix::fs::FileExt::read_exact_at(&file, &mut bytes, 0);
        read?;
        answer(&bytes)
    }
}

/// Writes out the streams of C in the child.
///
/// breaks: "The child writes out no output that the caller has buffered"
/// fails: what_if::it_writes_no_output_of_the_caller failed
mod flushes_the_streams_of_c {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let (mut from, mut to) = new_pipe()?;
        let child = child_that_runs(|| {
            to.write_all(&explore(draft).to_ne_bytes())?;
            // SAFETY: a null pointer means all streams.
            unsafe { libc::fflush(std::ptr::null_mut()) };
            Ok(())
        })?;
        drop(to);
        let mut bytes = Vec::new();
        let read = from.read_to_end(&mut bytes);
        end_of_child(child)?;
        read?;
        answer(&bytes)
    }
}

/// Expects mmap(2) to return NULL when it fails.
///
/// breaks: "Those of fork(2) and of the other calls, unchanged."
/// fails: what_if::errors_of_the_calls_are_told killed
mod null_is_the_failed_mapping {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let (protection, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_ANONYMOUS);
        // SAFETY: a new mapping, which replaces nothing.
        let at = unsafe { libc::mmap(std::ptr::null_mut(), 16, protection, flags, -1, 0) }.cast::<[u64; 2]>();
        if at.is_null() {
            return Err(io::Error::last_os_error());
        }
        let child = child_that_runs(|| {
            let number = explore(draft);
            // SAFETY: two words are mapped there, unless the call has failed.
            unsafe { at.write_volatile([number, 1]) };
            Ok(())
        })?;
        end_of_child(child)?;
        // SAFETY: as above.
        let [number, is_there] = unsafe { at.read_volatile() };
        // SAFETY: the mapping was made here.
        unsafe { libc::munmap(at.cast(), 16) };
        if is_there == 1 { Ok(number) } else { Err(io::Error::other("explore gave no answer")) }
    }
}

/// Puts a number of its own where the answer will be, and takes it for "none".
///
/// breaks: "which may be any `u64`"
/// fails: what_if::brings_back_any_number_and_leaves_the_draft_alone failed
mod a_number_of_its_own_means_none {
    use super::*;

    const NONE: u64 = 0x006e_6f6e_6520_7965;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let shared = Mapping::anonymous(8, READ_WRITE, Sharing::Shared)?;
        shared.write(0, &NONE.to_ne_bytes());
        let child = child_that_runs(|| {
            shared.write(0, &explore(draft).to_ne_bytes());
            Ok(())
        })?;
        end_of_child(child)?;
        let mut bytes = [0; 8];
        shared.read(0, &mut bytes);
        match answer(&bytes)? {
            NONE => Err(io::Error::other("explore gave no answer")),
            number => Ok(number),
        }
    }
}

/// Ends the child by a guard when a panic unwinds, and by SIGKILL when the answer is sent; the answer alone tells.
///
/// passes
mod killed_after_the_answer {
    use super::*;

    struct EndsHere;

    impl Drop for EndsHere {
        fn drop(&mut self) {
            leave(1)
        }
    }

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let (mut ours, mut theirs) = UnixStream::pair()?;
        match fork_now()? {
            ForkResult::Child => {
                let _guard = EndsHere;
                let answer = explore(draft);
                let _ = theirs.write_all(&answer.to_ne_bytes());
                let _ = kill(Pid::this(), Signal::SIGKILL);
                leave(1)
            }
            ForkResult::Parent { child } => {
                drop(theirs);
                let mut bytes = Vec::new();
                let received = ours.read_to_end(&mut bytes);
                while matches!(waitid(Id::Pid(child), WaitPidFlag::WEXITED), Err(Errno::EINTR)) {}
                received?;
                let bytes = bytes.try_into().map_err(|_| io::Error::other("the child sent no answer"))?;
                Ok(u64::from_ne_bytes(bytes))
            }
        }
    }
}

/// Ends by exit(3) after a panic only.
///
/// breaks: "The child doesn't end with exit(3): no function that was registered with atexit(3) runs in it."
/// fails: what_if::it_writes_no_output_of_the_caller failed
/// fails: what_if::the_child_runs_no_exit_handlers failed
mod exits_politely_after_a_panic {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let (reader, mut writer) = new_pipe()?;
        match fork_now()? {
            ForkResult::Child => match catch_unwind(AssertUnwindSafe(|| explore(draft))) {
                Ok(answer) => leave(i32::from(writer.write_all(&answer.to_ne_bytes()).is_err())),
                Err(_) => std::process::exit(101),
            },
            ForkResult::Parent { child } => {
                drop(writer);
                receive_and_wait(child, reader)
            }
        }
    }
}

/// Ends the child in the panic hook, even if explore would have caught the panic itself.
///
/// breaks: "returns the number that `explore` returns"
/// fails: what_if::a_panic_ends_in_the_child failed
mod ends_in_the_hook {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let (reader, mut writer) = new_pipe()?;
        match fork_now()? {
            ForkResult::Child => {
                std::panic::set_hook(Box::new(|_| leave(101)));
                let answer = explore(draft);
                leave(i32::from(writer.write_all(&answer.to_ne_bytes()).is_err()))
            }
            ForkResult::Parent { child } => {
                drop(writer);
                receive_and_wait(child, reader)
            }
        }
    }
}

/// Drops the payload of the panic, whose own destructor may panic again, with nobody to catch it.
///
/// breaks: "A panic of `explore` ends in the child, and drops nothing of the caller's there but what `explore` captured."
/// fails: what_if::a_panic_ends_in_the_child failed
mod drops_the_payload {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let (reader, mut writer) = new_pipe()?;
        match fork_now()? {
            ForkResult::Child => {
                let Ok(answer) = catch_unwind(AssertUnwindSafe(|| explore(draft))).map_err(drop) else { leave(101) };
                leave(i32::from(writer.write_all(&answer.to_ne_bytes()).is_err()))
            }
            ForkResult::Parent { child } => {
                drop(writer);
                receive_and_wait(child, reader)
            }
        }
    }
}

/// Waits for any child of its own process group, which takes the caller's other children there as well.
///
/// breaks: "The caller has one thread, and may have other children, handlers of signals, and blocked signals, which all stay."
/// fails: what_if::the_callers_children_and_handlers_do_not_disturb_it failed
mod waits_for_its_group {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let (mut reader, writer) = new_pipe()?;
        match fork_now()? {
            ForkResult::Child => explore_and_send(draft, explore, writer),
            ForkResult::Parent { child } => {
                drop(writer);
                let mut bytes = [0; 8];
                let received = reader.read_exact(&mut bytes);
                while wait_for(Pid::from_raw(0))?.pid() != Some(child) {}
                received.map(|()| u64::from_ne_bytes(bytes))
            }
        }
    }
}

/// Kills the child when it has no answer within five seconds.
///
/// breaks: "It takes less than a minute"
/// fails: what_if::explore_gets_the_time_that_it_needs failed
mod five_seconds {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let (mut ours, theirs) = UnixStream::pair()?;
        match fork_now()? {
            ForkResult::Child => explore_and_send(draft, explore, theirs),
            ForkResult::Parent { child } => {
                drop(theirs);
                ours.set_read_timeout(Some(Duration::from_secs(5)))?;
                let mut bytes = [0; 8];
                let received = ours.read_exact(&mut bytes);
                let _ = kill(child, Signal::SIGKILL);
                wait_for(child)?;
                received.map(|()| u64::from_ne_bytes(bytes))
            }
        }
    }
}

/// Forgets explore in the parent, as it ran in the child, with the files that it captured.
///
/// breaks: "What `explore` captured is dropped in this process, too, even after an error."
/// fails: what_if::what_explore_captured_is_dropped failed
mod forgets_explore {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let (reader, writer) = new_pipe()?;
        match fork_now()? {
            ForkResult::Child => explore_and_send(draft, explore, writer),
            ForkResult::Parent { child } => {
                std::mem::forget(explore);
                drop(writer);
                receive_and_wait(child, reader)
            }
        }
    }
}

/// Takes the answer for a number with a sign, of which the negative ones mean errors.
///
/// breaks: "returns the number that `explore` returns, which may be any `u64`"
/// fails: what_if::brings_back_any_number_and_leaves_the_draft_alone failed
mod negative_answers_are_errors {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let (reader, writer) = new_pipe()?;
        match fork_now()? {
            ForkResult::Child => {
                let explore = move |draft: &Mapping| match catch_unwind(AssertUnwindSafe(|| explore(draft))) {
                    Ok(answer) => answer,
                    Err(payload) => {
                        std::mem::forget(payload);
                        -1_i64 as u64
                    }
                };
                explore_and_send(draft, explore, writer)
            }
            ForkResult::Parent { child } => {
                drop(writer);
                let answer = receive_and_wait(child, reader)? as i64;
                u64::try_from(answer).map_err(|_| io::Error::other("explore has panicked"))
            }
        }
    }
}

/// Tries again with a second child when the first fails.
///
/// breaks: "`explore` runs once"
/// fails: what_if::a_panic_ends_in_the_child failed
/// fails: what_if::the_child_runs_no_exit_handlers failed
mod tries_twice {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            let (reader, writer) = new_pipe()?;
            match fork_now()? {
                ForkResult::Child => explore_and_send(draft, explore, writer),
                ForkResult::Parent { child } => {
                    drop(writer);
                    match receive_and_wait(child, reader) {
                        Err(_) if attempts < 2 => {}
                        answer => return answer,
                    }
                }
            }
        }
    }
}

/// Discards the parent's draft at the end, to be sure that nothing of the trial is left.
///
/// breaks: "Whatever `explore` stores to the draft, neither this process's draft nor the file changes."
/// fails: what_if::brings_back_any_number_and_leaves_the_draft_alone failed
/// fails: what_if::explore_has_the_draft_itself failed
mod tidies_up_in_the_parent {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let (reader, writer) = new_pipe()?;
        match fork_now()? {
            ForkResult::Child => explore_and_send(draft, explore, writer),
            ForkResult::Parent { child } => {
                drop(writer);
                let answer = receive_and_wait(child, reader)?;
                discard(draft)?;
                Ok(answer)
            }
        }
    }
}

/// Runs one call at a time, and remembers in a static that one runs, which the child then finds.
///
/// breaks: "Each function works at every call, in every process"
/// fails: what_if::brings_back_any_number_and_leaves_the_draft_alone failed
mod refuses_a_call_inside_a_call {
    use super::*;

    static RUNS: AtomicBool = AtomicBool::new(false);

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        if RUNS.swap(true, Ordering::Relaxed) {
            return Err(Errno::EDEADLK.into());
        }
        let answer = one_call(draft, explore);
        RUNS.store(false, Ordering::Relaxed);
        answer
    }

    fn one_call(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let (reader, writer) = new_pipe()?;
        match fork_now()? {
            ForkResult::Child => explore_and_send(draft, explore, writer),
            ForkResult::Parent { child } => {
                drop(writer);
                receive_and_wait(child, reader)
            }
        }
    }
}

/// Asks select(2) for the answer with a limit of thirty seconds, and kills the child when it gets none.
///
/// breaks: "It takes less than a minute"
/// fails: what_if::explore_gets_the_time_that_it_needs failed
mod selects_for_thirty_seconds {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let (reader, writer) = new_pipe()?;
        match fork_now()? {
            ForkResult::Child => explore_and_send(draft, explore, writer),
            ForkResult::Parent { child } => {
                drop(writer);
                let ready = loop {
                    let mut set = FdSet::new();
                    set.insert(reader.as_fd());
                    match select(None, &mut set, None, None, &mut TimeVal::seconds(30)) {
                        Err(Errno::EINTR) => {}
                        ready => break ready,
                    }
                };
                if ready == Ok(0) {
                    kill(child, Signal::SIGKILL)?;
                }
                receive_and_wait(child, reader)
            }
        }
    }
}

/// Waits for SIGCHLD by sigtimedwait(2), twenty seconds at most, and kills the child when it doesn't come.
///
/// breaks: "It takes less than a minute"
/// fails: what_if::explore_gets_the_time_that_it_needs failed
mod waits_for_the_signal_of_the_end {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let (reader, writer) = new_pipe()?;
        let mut set = SigSet::empty();
        set.add(Signal::SIGCHLD);
        let before = set.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
        let restored = || before.thread_set_mask();
        match fork_now() {
            Ok(ForkResult::Child) => {
                let _ = restored();
                explore_and_send(draft, explore, writer)
            }
            Ok(ForkResult::Parent { child }) => {
                drop(writer);
                let limit = libc::timespec { tv_sec: 20, tv_nsec: 0 };
                // SAFETY: the set and the time are there, and nobody asks for the siginfo.
                let wait =
                    || Errno::result(unsafe { libc::sigtimedwait(set.as_ref(), ptr::null_mut(), &raw const limit) });
                let mut waited = wait();
                while waited == Err(Errno::EINTR) {
                    waited = wait();
                }
                if waited == Err(Errno::EAGAIN) {
                    kill(child, Signal::SIGKILL)?;
                }
                let answer = receive_and_wait(child, reader);
                restored()?;
                answer
            }
            Err(errno) => {
                restored()?;
                Err(errno.into())
            }
        }
    }
}

/// Ignores SIGINT in the child, so that only the caller decides what Ctrl-C means.
///
/// breaks: "An error of any kind when `explore` ends the child: by a signal, exit(3) or `_exit(2)`, whatever the status."
/// fails: what_if::a_child_that_ends_early_is_an_error failed
mod ignores_interrupts_in_the_child {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let (reader, writer) = new_pipe()?;
        match fork_now()? {
            ForkResult::Child => {
                // SAFETY: SIG_IGN runs no code.
                let _ = unsafe { signal(Signal::SIGINT, SigHandler::SigIgn) };
                explore_and_send(draft, explore, writer)
            }
            ForkResult::Parent { child } => {
                drop(writer);
                receive_and_wait(child, reader)
            }
        }
    }
}

/// Blocks all signals for the call, and none after it, whatever the caller had blocked.
///
/// breaks: "The caller has one thread, and may have other children, handlers of signals, and blocked signals, which all stay."
/// fails: what_if::the_callers_children_and_handlers_do_not_disturb_it failed
mod unblocks_all_signals_at_the_end {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let (reader, writer) = new_pipe()?;
        SigSet::all().thread_set_mask()?;
        let answer = match fork_now() {
            Ok(ForkResult::Child) => {
                let _ = SigSet::empty().thread_set_mask();
                explore_and_send(draft, explore, writer)
            }
            Ok(ForkResult::Parent { child }) => {
                drop(writer);
                receive_and_wait(child, reader)
            }
            Err(errno) => Err(errno.into()),
        };
        SigSet::empty().thread_set_mask()?;
        answer
    }
}

/// Sets SIGCHLD to its default for the call, and puts the handler back by signal(2), which knows no flags.
///
/// breaks: "The caller has one thread, and may have other children, handlers of signals, and blocked signals, which all stay."
/// fails: what_if::errors_of_the_calls_are_told failed
/// fails: what_if::the_callers_children_and_handlers_do_not_disturb_it failed
mod puts_the_handler_back_without_its_flags {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        // SAFETY: the default action runs no code.
        let before = unsafe { libc::signal(libc::SIGCHLD, libc::SIG_DFL) };
        let answer = new_pipe().and_then(|(reader, writer)| match fork_now()? {
            ForkResult::Child => explore_and_send(draft, explore, writer),
            ForkResult::Parent { child } => {
                drop(writer);
                receive_and_wait(child, reader)
            }
        });
        // SAFETY: the caller's own handler.
        unsafe { libc::signal(libc::SIGCHLD, before) };
        answer
    }
}

/// Follows the last hint, line by line.
///
/// passes
mod what_if_as_the_hint_says {
    use super::*;

    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
        let (child, peer) = Child::fork(|peer| peer.send(&explore(draft).to_ne_bytes()))?;
        let answer = peer.receive();
        child.wait()?.success()?;
        let bytes = answer?.try_into().map_err(|_| io::Error::other("not 8 bytes"))?;
        Ok(u64::from_ne_bytes(bytes))
    }
}

one_of! {
    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64>;
    answers_by_status keeps_the_writing_end reads_to_the_end_of_its_own_pipe leaves_by_exit never_waits stays_in_the_process unwinds_the_caller
    eight_bytes_through_a_pipe words_in_shared_memory child_of_the_workbook file_in_memory guard_that_exits
    kills_after_the_answer reads_until_the_end number_as_status largest_is_no_answer zero_is_no_answer
    status_zero_is_an_answer magic_status forgets_signals signals_are_unreachable waits_only_after_an_answer
    leaves_a_zombie looks_once waits_for_any_child interrupted_wait ignores_sigchld forks_twice undoes_it_afterwards
    shares_the_memory ends_with_exit lets_the_panic_go_on returns_from_the_child panics_answer_zero through_an_eventfd
    sends_32_bits freezes_it_first explores_without_the_edits explores_a_replica file_in_the_temporary_directory
    keeps_the_last_answer leaks_the_read_end own_errors impatient tries_again_here returns_the_end_of_the_child
    answer_in_shared_memory looks_into_the_pipe_afterwards a_datagram_and_sigkill forks_with_child answer_as_exit_status
    answer_in_32_bits largest_number_means_none signed_text status_0_is_an_answer old_answer ends_with_exit_2
    flushes_stdout panic_leaves_the_arm child_returns_the_error parent_panics_too reaps_any_child wait_is_interrupted
    zombie_after_an_error wait_that_reaps_nothing leaks_the_pipe_without_fork on_a_copy_of_the_draft
    freezes_in_the_child saves_and_stores_back without_fork_here signals_blocked_in_the_child a_stop_is_an_end
    answer_in_a_temporary_file resets_sigchld read_is_interrupted waits_once the_largest_number_means_none
    leaks_when_fork_fails gives_up_after_ten_seconds looks_ten_thousand_times polls_for_twenty_seconds
    looks_until_it_ends explores_a_duplicate resets_the_handler through_a_file_in_dev_shm flushes_the_streams_of_c
    null_is_the_failed_mapping a_number_of_its_own_means_none killed_after_the_answer exits_politely_after_a_panic
    ends_in_the_hook drops_the_payload waits_for_its_group five_seconds forgets_explore negative_answers_are_errors
    tries_twice tidies_up_in_the_parent refuses_a_call_inside_a_call selects_for_thirty_seconds waits_for_the_signal_of_the_end ignores_interrupts_in_the_child unblocks_all_signals_at_the_end puts_the_handler_back_without_its_flags
    what_if_as_the_hint_says
}
