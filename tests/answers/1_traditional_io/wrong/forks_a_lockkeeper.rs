//! Has a child keep the lock, and never waits for it.
//!
//! fails: TODO

use std::io;
use std::path::Path;

use nix::unistd::{ForkResult, fork, pause};

pub use crate::solution::{Record, load, replace_all, save, to_crlf};

pub fn raise(path: &Path) -> io::Result<u64> {
    let number = crate::solution::raise(path)?;
    // SAFETY: the child makes one raw call and never comes back.
    if let ForkResult::Child = unsafe { fork() }? {
        loop {
            pause();
        }
    }
    Ok(number)
}

#[cfg(test)]
#[path = "../../../../lessons/1_traditional_io/checks.rs"]
mod checks;
