//! Locks with flock(2), and writes the owner's process id into a file beside it.
//!
//! fails: claim::a_child_of_the_writer_does_not_keep_the_role failed flock-is-the-processes
//! fails: claim::the_child_is_not_the_writer_itself failed flock-is-the-processes

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

use nix::errno::Errno;
use nix::libc;

pub use crate::solution::{latest, next_ticket, open_once, publish};

pub fn claim(file: &File) -> io::Result<i32> {
    let path = std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd()))?.with_extension("writer");
    // SAFETY: flock(2) takes no pointer.
    match Errno::result(unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) }) {
        Ok(_) => {
            let me = std::process::id();
            std::fs::write(path, me.to_string())?;
            Ok(me.cast_signed())
        }
        Err(Errno::EWOULDBLOCK) => std::fs::read_to_string(path)?.parse().map_err(io::Error::other),
        Err(errno) => Err(errno.into()),
    }
}

#[cfg(test)]
#[path = "../../../../lessons/4_cross_process_ipc/checks/mod.rs"]
mod checks;
