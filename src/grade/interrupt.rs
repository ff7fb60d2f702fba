//! Signals at the worst moment: system calls that are interrupted before they have done anything.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;

use nix::errno::Errno;
use nix::libc::{self, c_long};
use serde::Deserialize;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::restrict::{On, statements};
use super::{Failure, ask, error_text};
use crate::text;

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

/// [`ask()`] for code whose calls of these system calls fail with EINTR first. An open(2) with O_DIRECTORY is made at
/// once, since opendir(3) does not retry it, and so is an flock(2) that unlocks, which never waits.
///
/// # Errors
/// As [`ask()`]; that it can't be checked, where the machine does not let a process answer its own system calls.
pub fn ask_interrupted<A: Serialize + DeserializeOwned>(
    calls: &[c_long],
    often: Interruptions,
    body: impl FnOnce() -> A,
) -> Result<Interrupted<A>, Failure> {
    let outcome = ask(|| {
        let seen: &'static Mutex<Seen> = Box::leak(Box::default());
        let (give, take) = mpsc::channel();
        // The thread is not filtered, and ends with the process.
        let answering = thread::Builder::new().spawn(move || {
            if let Ok(listener) = take.recv() {
                answer_each(&listener, often, seen);
            }
        });
        answering.map_err(error_text)?;
        give.send(listen(calls).map_err(error_text)?).map_err(error_text)?;
        let answer = body();
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.is_over = true;
        let (made, last) = (std::mem::take(&mut seen.made), seen.last);
        if seen.is_unable { Err(Errno::EINVAL.to_string()) } else { Ok(Interrupted { answer, made, last }) }
    })?;
    outcome.map_err(|why: String| {
        Failure::skipped(
            text!(
                "a process can't answer its own system calls here (seccomp(2): {why})",
                "本机的进程不能自己应答系统调用（seccomp(2)：{why}）"
            ),
            text!(
                "allow seccomp(2) with SECCOMP_FILTER_FLAG_NEW_LISTENER; it needs Linux 5.5",
                "放行 seccomp(2) 的 SECCOMP_FILTER_FLAG_NEW_LISTENER；需要 Linux 5.5"
            ),
        )
    })
}

#[derive(Default)]
struct Seen {
    made: Vec<c_long>,
    last: Option<c_long>,
    /// Whether the body has returned: what follows is not its own.
    is_over: bool,
    /// Whether the kernel can't let a call be made.
    is_unable: bool,
}

/// From now on this thread waits at each of these system calls until it is answered through the descriptor.
fn listen(calls: &[c_long]) -> io::Result<OwnedFd> {
    let (mut filter, len) = statements(calls, On::Everything, libc::SECCOMP_RET_USER_NOTIF)?;
    let program = libc::sock_fprog { len, filter: filter.as_mut_ptr() };
    nix::sys::prctl::set_no_new_privs()?;
    // SAFETY: seccomp(2) reads the program and its statements, which live until it returns.
    let made = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            libc::SECCOMP_FILTER_FLAG_NEW_LISTENER,
            &raw const program,
        )
    };
    let listener = RawFd::try_from(Errno::result(made)?).map_err(io::Error::other)?;
    // SAFETY: the call has just made the descriptor, and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(listener) })
}

/// Answers each system call for which a thread waits: it fails with EINTR, or is made.
fn answer_each(listener: &OwnedFd, often: Interruptions, seen: &Mutex<Seen>) {
    let (mut in_a_row, mut in_all) = (0, 0);
    loop {
        // SAFETY: zeros are a value of this struct of numbers.
        let mut call: libc::seccomp_notif = unsafe { std::mem::zeroed() };
        // SAFETY: the kernel writes to the struct, which lives until the call returns.
        match Errno::result(unsafe { libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_RECV, &raw mut call) })
        {
            Ok(_) => {}
            Err(Errno::EINTR | Errno::ENOENT) => continue, // the thread that has waited is gone
            Err(_) => return,
        }
        let number = c_long::from(call.data.nr);
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        let interrupt = !seen.is_over && !is_spared(&call.data) && in_a_row < often.in_a_row && in_all < often.in_all;
        if interrupt {
            (in_a_row, in_all, seen.last) = (in_a_row + 1, in_all + 1, Some(number));
            answer(listener, call.id, Some(Errno::EINTR)).unwrap_or_default();
            continue;
        }
        in_a_row = 0;
        if !seen.is_over {
            seen.made.push(number);
        }
        if answer(listener, call.id, None) == Err(Errno::EINVAL) {
            seen.is_unable = true;
            answer(listener, call.id, Some(Errno::ENOSYS)).unwrap_or_default();
        }
    }
}

/// Whether the call is always made at once: see [`ask_interrupted`].
fn is_spared(call: &libc::seccomp_data) -> bool {
    match c_long::from(call.nr) {
        libc::SYS_openat => call.args[2] & libc::O_DIRECTORY as u64 != 0,
        libc::SYS_flock => call.args[1] & libc::LOCK_UN as u64 != 0,
        _ => false,
    }
}

/// Lets the call fail with this error, or lets it be made.
fn answer(listener: &OwnedFd, id: u64, error: Option<Errno>) -> Result<(), Errno> {
    let flags = if error.is_some() { 0 } else { libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE };
    let answer = libc::seccomp_notif_resp {
        id,
        val: 0,
        error: error.map_or(0, |error| -(error as i32)),
        flags: flags.try_into().map_err(|_| Errno::EINVAL)?,
    };
    // SAFETY: the kernel reads the struct, which lives until the call returns.
    Errno::result(unsafe { libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_SEND, &raw const answer) })
        .map(drop)
}
