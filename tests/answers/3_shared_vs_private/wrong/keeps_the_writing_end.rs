//! Reads from a pipe whose write end it has open itself: the read never ends if the child writes nothing.
//!
//! fails: what_if::a_child_that_ends_early_is_an_error timed_out

use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use mmap_workbook::lesson_2::Mapping;
use nix::libc;
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, fork};

pub use crate::solution::{commit, copied_pages, discard, freeze};

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

#[cfg(test)]
#[path = "../../../../lessons/3_shared_vs_private/checks/mod.rs"]
mod checks;
