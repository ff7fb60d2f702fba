//! Remembers the number of a descriptor that is not its own.
//!
//! fails: hand_down::the_program_finds_the_file_under_the_number failed a-number-is-the-file

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::errno::Errno;
use nix::libc;

pub use crate::solution::{give_back, grow, publish, receive_sealed};

pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
    if number < 3 {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let source = file.as_raw_fd();
    let put_in_place = move || {
        let placed = if source == number {
            // SAFETY: F_SETFD takes an integer.
            unsafe { libc::fcntl(number, libc::F_SETFD, 0) }
        } else {
            // SAFETY: dup2(2) takes two integers.
            unsafe { libc::dup2(source, number) }
        };
        Errno::result(placed)?;
        Ok(())
    };
    // SAFETY: the closure makes system calls alone.
    unsafe { command.pre_exec(put_in_place) };
    Ok(())
}

#[cfg(test)]
#[path = "../../../../lessons/5_unlinked_temp_files/checks/mod.rs"]
mod checks;
