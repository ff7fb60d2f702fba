//! What a check takes away from the process that runs the learner's code: privileges, and system calls.

use std::io;
use std::os::fd::RawFd;
use std::ptr;

use nix::errno::Errno;
use nix::libc::{self, c_long};
use nix::sys::prctl;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Failure, ask, error_text};
use crate::text;

/// Takes all capabilities (capabilities(7)) away from this process: root has no more privileges then than other users.
///
/// # Errors
/// Those of capset(2).
pub fn drop_privileges() -> io::Result<()> {
    // The version and the process, which is this one; then three sets of 64 bits, in halves.
    let (header, none) = ([0x2008_0522_u32, 0], [0_u32; 6]);
    // SAFETY: capset(2) reads both, which live until it returns.
    Errno::result(unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), none.as_ptr()) })?;
    Ok(())
}

/// The system calls that make a process, as the system's C library may make them.
#[cfg(target_arch = "x86_64")]
pub const FORKS: &[c_long] = &[libc::SYS_fork, libc::SYS_vfork, libc::SYS_clone, libc::SYS_clone3];
/// The system calls that make a process, as the system's C library may make them.
#[cfg(not(target_arch = "x86_64"))]
pub const FORKS: &[c_long] = &[libc::SYS_clone, libc::SYS_clone3];

/// With which argument a system call is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum On {
    /// With every one.
    Everything,
    /// With this descriptor.
    Descriptor(RawFd),
    /// With every other one than this descriptor.
    AllBut(RawFd),
    /// With this second argument, a command, as fcntl(2) has one.
    Command(libc::c_int),
}

/// The most statements of a filter: those for ten system calls.
const STATEMENTS: usize = 16;

/// From now on these system calls fail in this process, and in those that it forks, with this error, and are not made
/// (seccomp(2)). There is no way back, so it is for a child, and for calls that the child does not need to say what it
/// has seen. It allocates nothing: it may run between fork(2) and execve(2).
///
/// # Errors
/// Those of prctl(2): EINVAL where the kernel has no seccomp. `InvalidInput` for more than ten system calls.
pub fn refuse(calls: &[c_long], on: On, error: Errno) -> io::Result<()> {
    let fails = libc::SECCOMP_RET_ERRNO | (error as i32).cast_unsigned();
    let (mut filter, len) = statements(calls, on, fails)?;
    let program = libc::sock_fprog { len, filter: filter.as_mut_ptr() };
    // Without it a filter needs a privilege.
    prctl::set_no_new_privs()?;
    // SAFETY: prctl(2) reads the program and its statements, which live until it returns.
    Errno::result(unsafe {
        libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, ptr::from_ref(&program), 0, 0)
    })?;
    Ok(())
}

/// The filter that does this with these system calls (`SECCOMP_RET_...`) and allows all others, and how many of the
/// statements it has.
pub(super) fn statements(
    calls: &[c_long],
    on: On,
    action: u32,
) -> io::Result<([libc::sock_filter; STATEMENTS], libc::c_ushort)> {
    let mut filter = [libc::sock_filter { code: 0, jt: 0, jf: 0, k: 0 }; STATEMENTS];
    let mut length = 0;
    let mut add = |code: u32, k: u32, jt: usize, jf: usize| -> io::Result<()> {
        let invalid = io::ErrorKind::InvalidInput;
        let (code, jt, jf) = (code.try_into(), jt.try_into(), jf.try_into());
        let statement = filter.get_mut(length).ok_or(invalid)?;
        *statement = libc::sock_filter {
            code: code.map_err(|_| invalid)?,
            jt: jt.map_err(|_| invalid)?,
            jf: jf.map_err(|_| invalid)?,
            k,
        };
        length += 1;
        Ok(())
    };
    let word = |n: usize| u32::try_from(n).map_err(|_| io::ErrorKind::InvalidInput);
    let (load, is) = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K);
    let end = libc::BPF_RET | libc::BPF_K;
    add(load, word(std::mem::offset_of!(libc::seccomp_data, nr))?, 0, 0)?;
    for (n, call) in calls.iter().enumerate() {
        // Past the calls that are left, and past the statement that allows the rest.
        add(is, u32::try_from(*call).map_err(|_| io::ErrorKind::InvalidInput)?, calls.len() - n, 0)?;
    }
    add(end, libc::SECCOMP_RET_ALLOW, 0, 0)?;
    // The lower half of an argument: a descriptor has 32 bits, and so has a command.
    let half = if cfg!(target_endian = "big") { 4 } else { 0 };
    let argument = |n: usize| word(std::mem::offset_of!(libc::seccomp_data, args) + 8 * n + half);
    match on {
        On::Everything => {}
        On::Descriptor(descriptor) => {
            add(load, argument(0)?, 0, 0)?;
            add(is, descriptor.cast_unsigned(), 0, 1)?;
        }
        On::AllBut(descriptor) => {
            add(load, argument(0)?, 0, 0)?;
            add(is, descriptor.cast_unsigned(), 1, 0)?;
        }
        On::Command(command) => {
            add(load, argument(1)?, 0, 0)?;
            add(is, command.cast_unsigned(), 0, 1)?;
        }
    }
    add(end, action, 0, 0)?;
    add(end, libc::SECCOMP_RET_ALLOW, 0, 0)?;
    let len = length.try_into().map_err(|_| io::ErrorKind::InvalidInput)?;
    Ok((filter, len))
}

/// [`ask()`] for code that runs while these system calls fail with this error: see [`refuse`].
///
/// # Errors
/// As [`ask()`]; that it can't be checked, where the machine refuses no system call.
pub fn ask_refused<T: Serialize + DeserializeOwned>(
    calls: &[c_long],
    on: On,
    error: Errno,
    body: impl FnOnce() -> T,
) -> Result<T, Failure> {
    ask(|| refuse(calls, on, error).map_err(error_text).map(|()| body()))?.map_err(no_refusals)
}

/// Why the machine can't judge what happens when a system call fails.
pub fn no_refusals(why: String) -> Failure {
    Failure::skipped(
        text!(
            "a process can't make its own system calls fail here (seccomp(2): {why})",
            "本机的进程不能让自己的系统调用失败（seccomp(2)：{why}）"
        ),
        text!("allow prctl(2) with PR_SET_SECCOMP", "放行 prctl(2) 的 PR_SET_SECCOMP"),
    )
}
