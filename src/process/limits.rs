//! The limits on what a process may use, and what it may hand on.

use std::fs;
use std::io;
use std::os::fd::{BorrowedFd, RawFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::error;
use crate::text;
use crate::text::Text;

/// Allows this process and those that it starts at least so much of a resource. `option` is that of the shell's `ulimit`.
///
/// # Errors
/// When it may not have so much (getrlimit(2)): one line names the limit.
pub fn allow(resource: Resource, option: &str, of_what: &Text, least: u64) -> io::Result<()> {
    let (now, most) = getrlimit(resource)?;
    if now >= least {
        return Ok(());
    }
    if most < least {
        let Text { en, zh } = of_what;
        return Err(error::other(text!(
            "`ulimit {option}` allows {most} {en}; {least} may be needed",
            "`ulimit {option}` 只允许 {most} {zh}，可能需要 {least}"
        )));
    }
    Ok(setrlimit(resource, least, most)?)
}

/// From now on programs that this process starts get none of the descriptors that it has but the standard streams: who has
/// started it may have left some open.
///
/// # Errors
/// When /proc can't be read.
pub fn keep_descriptors() -> io::Result<()> {
    let open = fs::read_dir("/proc/self/fd")?.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    for descriptor in open.filter(|descriptor: &RawFd| *descriptor > 2).collect::<Vec<_>>() {
        // SAFETY: the call fails where the descriptor is open no more, as that of the directory.
        let descriptor = unsafe { BorrowedFd::borrow_raw(descriptor) };
        match fcntl(descriptor, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)) {
            Ok(_) | Err(Errno::EBADF) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(())
}
