//! Puts the descriptor in place in this process, where every program that is started inherits it.
//!
//! fails: hand_down::no_other_program_gets_it failed cloexec-is-of-one-program
//! fails: hand_down::nothing_stays_open_here failed
//! fails: hand_down::the_program_finds_the_file_under_the_number failed

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::process::Command;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::libc;

pub use crate::solution::{give_back, grow, publish, receive_sealed};

pub fn hand_down(_command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
    if number < 3 {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let lent = file.try_clone()?;
    if lent.as_raw_fd() == number {
        fcntl(&lent, FcntlArg::F_SETFD(FdFlag::empty()))?;
        std::mem::forget(lent);
    } else {
        // SAFETY: dup2(2) takes two integers.
        Errno::result(unsafe { libc::dup2(lent.as_raw_fd(), number) })?;
    }
    Ok(())
}

#[cfg(test)]
#[path = "../../../../lessons/5_unlinked_temp_files/checks/mod.rs"]
mod checks;
