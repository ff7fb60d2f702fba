//! Clears FD_CLOEXEC on its own descriptor in the child as well.
//!
//! fails: hand_down::it_is_the_same_open_file_and_comes_once failed

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::libc;

pub use crate::solution::{give_back, grow, publish, receive_sealed};

pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
    if number < 3 {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let lent = file.try_clone()?;
    let put_in_place = move || {
        fcntl(&lent, FcntlArg::F_SETFD(FdFlag::empty()))?;
        // SAFETY: dup2(2) takes two integers.
        Errno::result(unsafe { libc::dup2(lent.as_raw_fd(), number) })?;
        Ok(())
    };
    // SAFETY: the closure makes system calls alone.
    unsafe { command.pre_exec(put_in_place) };
    Ok(())
}

#[cfg(test)]
#[path = "../../../../lessons/5_unlinked_temp_files/checks/mod.rs"]
mod checks;
