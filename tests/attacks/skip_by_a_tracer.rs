//! A process that traces the next ones, so that the check can't trace them, and is skipped.
//! unsolved
//! beside the solution

use std::fs::File;
use std::io;

use nix::libc;

pub fn byte_at(_: &File, _: u64) -> io::Result<Option<u8>> {
    // A child that a wait without __WALL doesn't find, in none of the processes that are traced.
    let traced = std::fs::read_to_string("/proc/self/status").is_ok_and(|status| !status.contains("TracerPid:\t0"));
    // SAFETY: no arguments, so it is fork(2).
    if !traced && unsafe { libc::syscall(libc::SYS_clone, 0, 0, 0, 0, 0) } == 0 {
        // SAFETY: system calls of which none accesses memory.
        unsafe {
            libc::setsid();
            libc::close_range(0, !0, 0);
            let me = libc::getpid();
            loop {
                for other in me + 1..me + 12 {
                    libc::ptrace(libc::PTRACE_SEIZE, other, 0, 0);
                }
                let mut status = 0;
                let stopped = libc::waitpid(-1, &mut status, libc::WNOHANG | libc::__WALL);
                libc::ptrace(libc::PTRACE_CONT, stopped, 0, libc::WSTOPSIG(status));
            }
        }
    }
    // SAFETY: no descriptors: it waits 20 ms.
    unsafe { libc::poll(std::ptr::null_mut(), 0, 20) };
    Ok(None)
}
