//! Waits for the end of a child with a deadline, which waitpid(2) can't.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::{Pid, read};

/// How often a child is looked at where the kernel doesn't say when it ends.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// A descriptor that poll(2) finds readable when a child may have ended.
#[derive(Debug)]
pub(super) enum End {
    /// It is readable once the child has ended (pidfd_open(2)).
    Known(OwnedFd),
    /// It is readable every [`LOOK_EVERY`] (timerfd_create(2)): this kernel, or a filter of system calls, has no pidfd.
    LookedFor(OwnedFd),
}

impl End {
    pub(super) fn of(pid: Pid) -> io::Result<End> {
        // SAFETY: pidfd_open(2) takes two integers and accesses no memory of this process.
        match owned(unsafe { libc::syscall(libc::SYS_pidfd_open, pid.as_raw(), 0) }) {
            Ok(pidfd) => Ok(End::Known(pidfd)),
            Err(Errno::ENOSYS | Errno::EPERM | Errno::EACCES) => timer(LOOK_EVERY).map(End::LookedFor),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Waits until this child has ended; false when `limit` passed first.
    pub(super) fn comes_within(&self, pid: Pid, limit: Duration) -> io::Result<bool> {
        let deadline = Instant::now() + limit;
        loop {
            if let End::LookedFor(timer) = self {
                // What it has counted is read, so that it is readable again only at its next time.
                match read(timer, &mut [0; 8]) {
                    Ok(_) | Err(Errno::EAGAIN | Errno::EINTR) => {}
                    Err(errno) => return Err(errno.into()),
                }
            }
            if has_ended(pid)? {
                return Ok(true);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(false);
            }
            // Rounded up: a wait of 0.3 ms must not become a poll that returns at once.
            let left = PollTimeout::try_from(left + Duration::from_millis(1)).map_err(io::Error::other)?;
            match poll(&mut [PollFd::new(self.as_fd(), PollFlags::POLLIN)], left) {
                Ok(_) | Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }
}

impl AsFd for End {
    fn as_fd(&self) -> BorrowedFd<'_> {
        let (End::Known(fd) | End::LookedFor(fd)) = self;
        fd.as_fd()
    }
}

/// Whether this child has ended. It is not reaped.
fn has_ended(pid: Pid) -> nix::Result<bool> {
    waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT).map(is_an_end)
}

/// Whether it says that the child has ended. The stop of a child that is traced is reported to every wait.
pub(super) fn is_an_end(status: WaitStatus) -> bool {
    matches!(status, WaitStatus::Exited(..) | WaitStatus::Signaled(..))
}

/// A descriptor that is readable once in each `period`.
fn timer(period: Duration) -> io::Result<OwnedFd> {
    // SAFETY: timerfd_create(2) takes two integers and accesses no memory of this process.
    let created = unsafe { libc::timerfd_create(libc::CLOCK_MONOTONIC, libc::TFD_CLOEXEC | libc::TFD_NONBLOCK) };
    let timer = owned(created.into())?;
    let period = libc::timespec {
        tv_sec: period.as_secs().try_into().map_err(io::Error::other)?,
        tv_nsec: period.subsec_nanos().into(),
    };
    let times = libc::itimerspec { it_interval: period, it_value: period };
    // SAFETY: timerfd_settime(2) reads `times`, which lives until it returns, and writes nothing to a null pointer.
    Errno::result(unsafe { libc::timerfd_settime(timer.as_raw_fd(), 0, &times, ptr::null_mut()) })?;
    Ok(timer)
}

/// The descriptor that a system call has just returned.
fn owned(answer: libc::c_long) -> nix::Result<OwnedFd> {
    let fd = i32::try_from(Errno::result(answer)?).map_err(|_| Errno::EBADF)?;
    // SAFETY: the call has just returned this descriptor, which nothing else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
