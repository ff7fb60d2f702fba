//! Answers to `claim`, right and wrong.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsRawFd;

use nix::errno::Errno;
use nix::libc;
use nix::unistd::pause;

/// Locks with flock(2), and writes the owner's process id into a file beside it.
///
/// fails: claim::a_child_of_the_writer_does_not_keep_the_role failed flock-is-the-processes
/// fails: claim::the_child_is_not_the_writer_itself failed flock-is-the-processes
mod locks_with_flock {
    use super::*;

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
}

/// Waits until the writer is gone.
///
/// fails: claim::one_process_is_the_writer_and_the_others_learn_who timed_out
mod waits_for_its_turn {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        let writer = crate::solution::claim(file)?;
        // One check is enough to see it: others have writers that are about to be killed.
        let checked = std::thread::current().name().is_some_and(|name| name.contains("learn_who"));
        if checked && writer != std::process::id().cast_signed() {
            pause();
        }
        Ok(writer)
    }
}

/// Writes its process id into a file, and takes an id that it finds there for the writer's.
///
/// fails: claim::the_role_is_free_when_the_writer_is_killed failed a-pid-is-a-process
/// fails: claim::a_child_of_the_writer_does_not_keep_the_role failed flock-is-the-processes
mod writes_its_pid_down {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        let path = std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd()))?.with_extension("writer");
        match File::create_new(&path) {
            Ok(mut pid) => {
                let me = std::process::id();
                pid.write_all(me.to_string().as_bytes())?;
                Ok(me.cast_signed())
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                std::fs::read_to_string(path)?.parse().map_err(io::Error::other)
            }
            Err(error) => Err(error),
        }
    }
}

one_of! {
    pub fn claim(file: &File) -> io::Result<i32>;
    locks_with_flock waits_for_its_turn writes_its_pid_down
}
