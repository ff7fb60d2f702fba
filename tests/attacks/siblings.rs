//! Children of the process that checks (CLONE_PARENT, clone(2)): one that ends with status 0, and one that stays.
//! unsolved
//! beside the solution

use std::fs::File;
use std::io;

use nix::libc;

pub fn byte_at(_: &File, _: u64) -> io::Result<Option<u8>> {
    for stays in [false, true] {
        // SAFETY: without CLONE_VM it is fork(2).
        if unsafe { libc::syscall(libc::SYS_clone, libc::CLONE_PARENT | libc::SIGCHLD, 0, 0, 0, 0) } == 0 {
            // SAFETY: system calls that access no memory.
            unsafe {
                while stays {
                    libc::pause();
                }
                libc::_exit(0)
            }
        }
    }
    Ok(None)
}
