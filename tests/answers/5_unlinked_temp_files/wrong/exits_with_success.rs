//! Ends the process with status 0.
//!
//! fails: hand_down::it_is_the_same_open_file_and_comes_once exited
//! fails: hand_down::no_other_program_gets_it exited
//! fails: hand_down::nothing_stays_open_here exited
//! fails: hand_down::the_program_finds_the_file_under_the_number exited
//! fails: hand_down::the_standard_streams_are_refused exited

use std::fs::File;
use std::io;
use std::os::fd::RawFd;
use std::process::Command;

pub use crate::solution::{give_back, grow, publish, receive_sealed};

pub fn hand_down(_command: &mut Command, _file: &File, _number: RawFd) -> io::Result<()> {
    std::process::exit(0)
}

#[cfg(test)]
#[path = "../../../../lessons/5_unlinked_temp_files/checks/mod.rs"]
mod checks;
