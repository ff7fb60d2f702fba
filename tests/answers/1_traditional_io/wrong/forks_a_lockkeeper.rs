//! Lets a child hold the lock, and never waits for the child.
//!
//! fails: increment::gives_the_next_number left_processes
//! fails: increment::is_on_the_disk_when_it_returns left_processes
//! fails: increment::leaves_a_whole_number_whenever_it_is_killed left_processes
//! fails: increment::waits_for_its_turn left_processes

use std::io;
use std::path::Path;

use nix::unistd::{ForkResult, fork, pause};

pub use crate::solution::{Record, load, replace_all, save, to_crlf};

pub fn increment(path: &Path) -> io::Result<u64> {
    let number = crate::solution::increment(path)?;
    // SAFETY: the child makes one raw call and never comes back.
    if let ForkResult::Child = unsafe { fork() }? {
        loop {
            pause();
        }
    }
    Ok(number)
}

#[cfg(test)]
#[path = "../../../../lessons/1_traditional_io/checks/mod.rs"]
mod checks;
