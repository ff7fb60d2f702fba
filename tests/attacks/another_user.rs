//! A process that becomes another user's, so that it can't be killed.
//! unsolved
use std::fs::File;
use std::io;

use nix::unistd::{ForkResult, Uid, fork, pause, setuid};

pub fn byte_at(_: &File, _: u64) -> io::Result<Option<u8>> {
    for user in [0, 1, 1000, 65_534] {
        // SAFETY: this process has one thread.
        if let Ok(ForkResult::Child) = unsafe { fork() } {
            if setuid(Uid::from_raw(user)).is_ok() && user == 0 {
                panic!("SUCCEEDED: root");
            }
            loop {
                pause();
            }
        }
    }
    Ok(None)
}
