//! A process that outlives the check, in a session of its own, with all descriptors closed.
//! unsolved
use std::fs::File;
use std::io;

use nix::unistd::{ForkResult, close, fork, pause, setsid};

pub fn byte_at(_: &File, _: u64) -> io::Result<Option<u8>> {
    // SAFETY: this process has one thread.
    if let Ok(ForkResult::Child) = unsafe { fork() } {
        let _ = setsid();
        // SAFETY: as above.
        if let Ok(ForkResult::Parent { .. }) = unsafe { fork() } {
            std::process::exit(0);
        }
        (0..256).for_each(|descriptor| drop(close(descriptor)));
        loop {
            pause();
        }
    }
    Ok(None)
}
