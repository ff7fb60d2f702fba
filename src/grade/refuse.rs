//! System calls that fail on purpose (seccomp(2)).

use std::io;

use nix::errno::Errno;
use nix::libc;

/// From now on this system call fails with this errno in this process, and is not made: every call of it, or those with
/// this descriptor as the first argument. There is no way back, so it is for a child, and for a call that the child does
/// not need to report what it has seen.
///
/// # Errors
/// Those of prctl(2), where this machine has no seccomp(2).
pub fn refuse(call: i64, descriptor: Option<u64>, errno: Errno) -> io::Result<()> {
    let word = |n: u64| u32::try_from(n & u64::from(u32::MAX)).unwrap_or_default();
    let step =
        |code: u32, k: u32, jf: u8| libc::sock_filter { code: code.try_into().unwrap_or_default(), jt: 0, jf, k };
    let (load, is) = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K);
    // The first argument has 64 bits; a descriptor is in the low ones.
    let argument = std::mem::offset_of!(libc::seccomp_data, args) + if cfg!(target_endian = "big") { 4 } else { 0 };
    let mut program = vec![
        step(load, word(std::mem::offset_of!(libc::seccomp_data, nr) as u64), 0),
        step(is, word(call.unsigned_abs()), if descriptor.is_some() { 3 } else { 1 }),
    ];
    if let Some(descriptor) = descriptor {
        program.push(step(load, word(argument as u64), 0));
        program.push(step(is, word(descriptor), 1));
    }
    program.push(step(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ERRNO | (errno as i32).unsigned_abs(), 0));
    program.push(step(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ALLOW, 0));
    let length = program.len().try_into().map_err(io::Error::other)?;
    let program = libc::sock_fprog { len: length, filter: program.as_mut_ptr() };
    // Without it only root may filter.
    nix::sys::prctl::set_no_new_privs()?;
    // SAFETY: the kernel copies the instructions, which live until prctl(2) has returned.
    Errno::result(unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) })?;
    Ok(())
}
