//! Lets a panic in the child unwind the parent's stack.
//!
//! fails: what_if::a_panic_ends_in_the_child failed

use std::io::{self, Read, Write};

use mmap_workbook::lesson_2::Mapping;
use nix::libc;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork};

pub use crate::solution::{commit, copied_pages, discard, freeze};

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

#[cfg(test)]
#[path = "../../../../lessons/3_shared_vs_private/checks/mod.rs"]
mod checks;
