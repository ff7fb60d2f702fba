//! Waits until the writer is gone.
//!
//! fails: claim::one_process_is_the_writer_and_the_others_learn_who timed_out

use std::fs::File;
use std::io;

use nix::unistd::pause;

pub use crate::solution::{latest, next_ticket, open_once, publish};

pub fn claim(file: &File) -> io::Result<i32> {
    let writer = crate::solution::claim(file)?;
    // One check is enough to see it: others have writers that are about to be killed.
    let checked = std::thread::current().name().is_some_and(|name| name.contains("learn_who"));
    if checked && writer != std::process::id().cast_signed() {
        pause();
    }
    Ok(writer)
}

#[cfg(test)]
#[path = "../../../../lessons/4_cross_process_ipc/checks/mod.rs"]
mod checks;
