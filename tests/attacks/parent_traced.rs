//! The process that checks, traced, to make it exit with status 0.
//! unsolved
use std::fs::File;
use std::io;

use nix::sys::ptrace;
use nix::unistd::{Pid, getppid};

pub fn byte_at(_: &File, _: u64) -> io::Result<Option<u8>> {
    for process in [getppid(), Pid::from_raw(1)] {
        if ptrace::attach(process).is_ok() || ptrace::seize(process, ptrace::Options::empty()).is_ok() {
            panic!("SUCCEEDED: {process} is traced");
        }
    }
    Ok(None)
}
