//! Signals at the worst moment: system calls that are interrupted before they have done anything.

use std::sync::{Arc, Mutex, PoisonError};

use nix::errno::Errno;
use nix::libc::{self, c_long};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Failure;
use super::restrict::ask_decided;

/// How often system calls are interrupted.
#[derive(Debug, Clone, Copy)]
pub struct Interruptions {
    /// How often in a row before one is made.
    pub in_a_row: u32,
    /// How often in all. After that none is: so a function that begins again from its beginning gets to its end, too.
    pub in_all: u32,
}

/// What [`ask_interrupted`] saw.
#[derive(Debug, Serialize, Deserialize)]
pub struct Interrupted<A> {
    /// What the body returned.
    pub answer: A,
    /// Which of the calls were made, not interrupted, in their order.
    pub made: Vec<c_long>,
    /// The one that was interrupted last.
    pub last: Option<c_long>,
}

/// [`ask()`](super::ask()) for code whose calls of these system calls fail with EINTR first. An open(2) with O_DIRECTORY is made at
/// once, since opendir(3) does not retry it, and so is an flock(2) that unlocks, which never waits.
///
/// # Errors
/// As [`ask()`](super::ask()); that it can't be checked, where the machine does not let a process answer its own system calls.
pub fn ask_interrupted<A: Serialize + DeserializeOwned>(
    calls: &[c_long],
    often: Interruptions,
    body: impl FnOnce() -> A,
) -> Result<Interrupted<A>, Failure> {
    let seen = Arc::new(Mutex::new(Seen::default()));
    let theirs = Arc::clone(&seen);
    let decide = move |call: &libc::seccomp_data| {
        let seen = &mut *theirs.lock().unwrap_or_else(PoisonError::into_inner);
        let number = c_long::from(call.nr);
        if !is_spared(call) && seen.in_a_row < often.in_a_row && seen.in_all < often.in_all {
            (seen.in_a_row, seen.in_all, seen.last) = (seen.in_a_row + 1, seen.in_all + 1, Some(number));
            return Some(Errno::EINTR);
        }
        seen.in_a_row = 0;
        seen.made.push(number);
        None
    };
    ask_decided(calls, decide, body, |answer| {
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        // What follows is not the body's own.
        seen.in_all = often.in_all;
        Interrupted { answer, made: std::mem::take(&mut seen.made), last: seen.last }
    })
}

#[derive(Default)]
struct Seen {
    in_a_row: u32,
    in_all: u32,
    made: Vec<c_long>,
    last: Option<c_long>,
}

/// Whether the call is always made at once: see [`ask_interrupted`].
fn is_spared(call: &libc::seccomp_data) -> bool {
    match c_long::from(call.nr) {
        libc::SYS_openat => call.args[2] & libc::O_DIRECTORY as u64 != 0,
        libc::SYS_flock => call.args[1] & libc::LOCK_UN as u64 != 0,
        _ => false,
    }
}
