//! The signal by which a traced call ends, sent before it has ended: what comes then is not seen.
//! unsolved
//! beside the solution

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::ptr::null_mut;

use nix::libc;

pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
    if rest::byte_at(file, offset)?.is_none() {
        return Ok(None);
    }
    let mut byte = 0_u8;
    // SAFETY: each call gets what lives until it returns.
    unsafe {
        if libc::gettid() == libc::getpid() {
            // It goes on every 5 ms.
            let (mut timer, mut event) = (null_mut(), std::mem::zeroed::<libc::sigevent>());
            (event.sigev_notify, event.sigev_signo) = (libc::SIGEV_SIGNAL, libc::SIGCONT);
            libc::timer_create(libc::CLOCK_MONOTONIC, &mut event, &mut timer);
            let time = libc::timespec { tv_sec: 0, tv_nsec: 5_000_000 };
            libc::timer_settime(timer, 0, &libc::itimerspec { it_interval: time, it_value: time }, null_mut());
            libc::syscall(libc::SYS_tgkill, libc::getpid(), libc::getpid(), libc::SIGSTOP);
        }
        libc::syscall(libc::SYS_pread64, file.as_raw_fd(), &raw mut byte, 1_usize, offset);
    }
    Ok(Some(byte))
}
