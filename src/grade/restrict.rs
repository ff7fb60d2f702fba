//! What a check takes away from the process that runs the learner's code: privileges, and system calls.

use std::io;
use std::os::fd::RawFd;
use std::ptr;

use nix::errno::Errno;
use nix::libc::{self, c_long};
use nix::sys::prctl;

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

/// From now on these system calls fail in this process, and in those that it forks, with this error (seccomp(2)). They
/// can't be allowed again.
///
/// # Errors
/// Those of prctl(2): EINVAL where the kernel has no seccomp.
pub fn refuse_calls(calls: &[c_long], error: Errno) -> io::Result<()> {
    refuse(calls, None, error)
}

/// [`refuse_calls`], but not those with this descriptor as their first argument.
///
/// # Errors
/// As [`refuse_calls`].
pub fn refuse_calls_except_of(descriptor: RawFd, calls: &[c_long], error: Errno) -> io::Result<()> {
    refuse(calls, Some(descriptor.cast_unsigned()), error)
}

fn refuse(calls: &[c_long], spared: Option<u32>, error: Errno) -> io::Result<()> {
    let number = |n: usize| u32::try_from(n).map_err(io::Error::other);
    let statement = |code: u32, value: u32, jt: u8| -> io::Result<libc::sock_filter> {
        Ok(libc::sock_filter { code: code.try_into().map_err(io::Error::other)?, jt, jf: 0, k: value })
    };
    let offset = number(std::mem::offset_of!(libc::seccomp_data, nr))?;
    let mut filter = vec![statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, offset, 0)?];
    for (n, call) in calls.iter().enumerate() {
        // Past the calls that are left, and past the statement that allows the rest.
        let jt = (calls.len() - n).try_into().map_err(io::Error::other)?;
        let call = u32::try_from(*call).map_err(io::Error::other)?;
        filter.push(statement(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, call, jt)?);
    }
    filter.push(statement(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ALLOW, 0)?);
    if let Some(spared) = spared {
        // The lower half of the first argument: a descriptor has 32 bits.
        let half = if cfg!(target_endian = "big") { 4 } else { 0 };
        let offset = number(std::mem::offset_of!(libc::seccomp_data, args) + half)?;
        filter.push(statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, offset, 0)?);
        filter.push(statement(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, spared, 1)?);
    }
    let errno = (error as i32).cast_unsigned();
    filter.push(statement(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ERRNO | errno, 0)?);
    filter.push(statement(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ALLOW, 0)?);
    let len = filter.len().try_into().map_err(io::Error::other)?;
    let program = libc::sock_fprog { len, filter: filter.as_mut_ptr() };
    // Without it a filter needs a privilege.
    prctl::set_no_new_privs()?;
    // SAFETY: prctl(2) reads the program and its statements, which live until it returns.
    Errno::result(unsafe {
        libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, ptr::from_ref(&program), 0, 0)
    })?;
    Ok(())
}
