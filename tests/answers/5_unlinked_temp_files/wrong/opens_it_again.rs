//! Opens the file again, with an offset of its own.
//!
//! fails: hand_down::it_is_the_same_open_file_and_comes_once failed to-open-again-is-to-dup

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::process::Command;

pub use crate::solution::{give_back, grow, publish, receive_sealed};

pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
    if number < 3 {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let again = File::options().read(true).write(true).open(format!("/proc/self/fd/{}", file.as_raw_fd()))?;
    crate::solution::hand_down(command, &again, number)
}

#[cfg(test)]
#[path = "../../../../lessons/5_unlinked_temp_files/checks/mod.rs"]
mod checks;
