//! Answers to `what_if`, right and wrong.

use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use mmap_workbook::lesson_2::Mapping;
use nix::libc;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork};

/// Returns the answer as the child's exit status.
///
/// fails: what_if::brings_back_any_number_and_leaves_the_draft_alone failed status-holds-a-number
/// fails: what_if::a_child_that_ends_early_is_an_error failed status-holds-a-number
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

/// Lets the child end by exit(3), which runs what the parent has registered.
///
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
/// fails: what_if::it_is_a_process_of_its_own left_processes
/// fails: what_if::the_child_runs_no_exit_handlers left_processes
/// fails: what_if::a_child_that_ends_early_is_an_error left_processes
/// fails: what_if::a_panic_ends_in_the_child left_processes
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
/// fails: what_if::it_is_a_process_of_its_own failed
/// fails: what_if::a_panic_ends_in_the_child panicked
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

one_of! {
    pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64>;
    answers_by_status keeps_the_writing_end leaves_by_exit never_waits stays_in_the_process unwinds_the_caller
}
