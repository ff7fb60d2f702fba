//! Lets the child end by exit(3), which runs what the parent has registered.
//!
//! fails: what_if::the_child_runs_no_exit_handlers failed

use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use mmap_workbook::lesson_2::Mapping;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork};

pub use crate::solution::{commit, copied_pages, discard, freeze};

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

#[cfg(test)]
#[path = "../../../../lessons/3_shared_vs_private/checks/mod.rs"]
mod checks;
