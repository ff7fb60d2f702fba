//! Writes its process id into a file, and takes an id that it finds there for the writer's.
//!
//! fails: claim::the_role_is_free_when_the_writer_is_killed failed a-pid-is-a-process
//! fails: claim::a_child_of_the_writer_does_not_keep_the_role failed flock-is-the-processes

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsRawFd;

pub use crate::solution::{latest, next_ticket, open_once, publish};

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

#[cfg(test)]
#[path = "../../../../lessons/4_cross_process_ipc/checks/mod.rs"]
mod checks;
