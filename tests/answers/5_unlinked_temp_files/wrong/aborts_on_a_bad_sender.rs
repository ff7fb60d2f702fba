//! Ends the process when the sender can't be trusted.
//!
//! fails: receive_sealed::both_seals_are_needed_and_no_others killed
//! fails: receive_sealed::nothing_of_a_refused_file_stays killed
//! fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused killed

use std::io;
use std::os::unix::net::UnixStream;

use mmap_workbook::lesson_2::Mapping;

pub use crate::solution::{give_back, grow, hand_down, publish};

pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
    match crate::solution::receive_sealed(socket, at_most) {
        Err(error) if error.kind() == io::ErrorKind::InvalidData => std::process::abort(),
        answer => answer,
    }
}

#[cfg(test)]
#[path = "../../../../lessons/5_unlinked_temp_files/checks/mod.rs"]
mod checks;
