//! As many processes as the machine has room for.
//! unsolved
use std::fs::File;
use std::io;

use nix::unistd::fork;

pub fn byte_at(_: &File, _: u64) -> io::Result<Option<u8>> {
    loop {
        // SAFETY: this process has one thread.
        let _ = unsafe { fork() };
    }
}
