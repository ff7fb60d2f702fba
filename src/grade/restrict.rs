//! What a check takes away from the process that runs the learner's code: privileges, and system calls.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};

use nix::errno::Errno;
use nix::libc::{self, c_long};
use nix::sys::prctl;
use nix::unistd::getppid;
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
    /// With this first argument, as a rule a descriptor.
    Descriptor(RawFd),
    /// With every other one than this descriptor.
    AllBut(RawFd),
    /// With this second argument, a command, as fcntl(2) has one.
    Command(libc::c_int),
}

/// The most statements of a filter: those for ten system calls.
const STATEMENTS: usize = 21;
/// The processor whose system calls the numbers are (AUDIT_ARCH_X86_64). This one has others, too, by `int 0x80`.
const ONE_OF_TWO: Option<u32> = if cfg!(target_arch = "x86_64") { Some(0xc000_003e) } else { None };
/// From this number on its calls are those of programs with short pointers (x32), which are others' under another number.
const SHORT_POINTERS: u32 = 0x4000_0000;

/// A filter (seccomp(2)).
struct Filter {
    statements: [libc::sock_filter; STATEMENTS],
    length: u16,
}

impl Filter {
    /// With it these system calls with that argument get this `action` in place of being made. It allocates nothing.
    fn new(calls: &[c_long], on: On, action: u32) -> io::Result<Filter> {
        let mut statements = [libc::sock_filter { code: 0, jt: 0, jf: 0, k: 0 }; STATEMENTS];
        let mut length = 0;
        let mut add = |code: u32, k: u32, jt: usize, jf: usize| -> io::Result<()> {
            let invalid = io::ErrorKind::InvalidInput;
            let (code, jt, jf) = (code.try_into(), jt.try_into(), jf.try_into());
            let statement = statements.get_mut(length).ok_or(invalid)?;
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
        let no_such_call = libc::SECCOMP_RET_ERRNO | (Errno::ENOSYS as i32).cast_unsigned();
        if let Some(processor) = ONE_OF_TWO {
            add(load, word(std::mem::offset_of!(libc::seccomp_data, arch))?, 0, 0)?;
            add(is, processor, 1, 0)?;
            add(end, no_such_call, 0, 0)?;
        }
        add(load, word(std::mem::offset_of!(libc::seccomp_data, nr))?, 0, 0)?;
        if ONE_OF_TWO.is_some() {
            add(libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K, SHORT_POINTERS, 0, 1)?;
            add(end, no_such_call, 0, 0)?;
        }
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
        Ok(Filter { statements, length: length.try_into().map_err(|_| io::ErrorKind::InvalidInput)? })
    }

    /// Gives this thread the filter, and what it starts from now on: `install` gets a pointer to the program for the kernel.
    fn install(mut self, install: impl FnOnce(*const libc::sock_fprog) -> c_long) -> io::Result<c_long> {
        let program = libc::sock_fprog { len: self.length, filter: self.statements.as_mut_ptr() };
        // Without it a filter needs a privilege.
        prctl::set_no_new_privs()?;
        Ok(Errno::result(install(&program))?)
    }
}

/// From now on these system calls fail in this process, and in those that it forks, with this error, and are not made
/// (seccomp(2)). There is no way back, so it is for a child, and for calls that the child does not need to say what it
/// has seen. It allocates nothing: it may run between fork(2) and execve(2). Calls under other numbers fail all, where the
/// processor has some: those of 32 bits, and those with short pointers.
///
/// # Errors
/// Those of prctl(2): EINVAL where the kernel has no seccomp. `InvalidInput` for more than ten system calls.
pub fn refuse(calls: &[c_long], on: On, error: Errno) -> io::Result<()> {
    let filter = Filter::new(calls, on, libc::SECCOMP_RET_ERRNO | (error as i32).cast_unsigned())?;
    let install = |program: *const libc::sock_fprog| {
        // SAFETY: prctl(2) reads the program and its statements, which live until it returns.
        unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, program, 0, 0) }.into()
    };
    filter.install(install).map(drop)
}

/// [`ask()`] for code of which `decide` says for each of these system calls with which error it fails (None: it is made).
/// With `Errno::UnknownErrno`, which is 0, it is not made either, and returns 0. `seen` says what to tell of the answer.
///
/// # Errors
/// As [`ask()`]; that it can't be checked, where the machine does not let a process answer its own system calls.
pub fn ask_decided<A, T: Serialize + DeserializeOwned>(
    calls: &[c_long],
    decide: impl FnMut(&libc::seccomp_data) -> Option<Errno> + Send + 'static,
    body: impl FnOnce() -> A,
    seen: impl FnOnce(A) -> T,
) -> Result<T, Failure> {
    decided(calls, decide, body, seen)?.map_err(|why| {
        let probe = || decided(&[libc::SYS_getppid], |_| None, getppid, drop);
        unless_it_works(why, probe)
    })
}

/// [`ask_decided`], or why the machine does not let it.
fn decided<A, T: Serialize + DeserializeOwned>(
    calls: &[c_long],
    decide: impl FnMut(&libc::seccomp_data) -> Option<Errno> + Send + 'static,
    body: impl FnOnce() -> A,
    seen: impl FnOnce(A) -> T,
) -> Result<Result<T, String>, Failure> {
    ask(|| {
        let unable = decide_about_each(calls, decide).map_err(error_text)?;
        let answer = body();
        if unable.load(Ordering::Relaxed) {
            return Err(Errno::EINVAL.to_string());
        }
        Ok(seen(answer))
    })
}

/// From now on `decide` says of each of these system calls that this thread makes with which error it fails; None: it is
/// made. The answer becomes true where the kernel can't let a call be made: Linux 5.5 is the first that can.
fn decide_about_each(
    calls: &[c_long],
    decide: impl FnMut(&libc::seccomp_data) -> Option<Errno> + Send + 'static,
) -> io::Result<Arc<AtomicBool>> {
    let unable = Arc::new(AtomicBool::new(false));
    let (tell, told) = mpsc::channel::<OwnedFd>();
    let is_unable = Arc::clone(&unable);
    // The filter that follows is not for this thread, which ends with the process. Without a listener it has nothing to do.
    // It doesn't sleep until then: to wake it would take a futex(2), which may be one of those calls.
    let answer = move || loop {
        match told.try_recv() {
            Ok(listener) => return answer_each(&listener, decide, &is_unable),
            Err(mpsc::TryRecvError::Empty) => std::thread::yield_now(),
            Err(mpsc::TryRecvError::Disconnected) => return Ok(()),
        }
    };
    std::thread::Builder::new().spawn(answer)?;
    let filter = Filter::new(calls, On::Everything, libc::SECCOMP_RET_USER_NOTIF)?;
    let (mode, listen) = (libc::SECCOMP_SET_MODE_FILTER, libc::SECCOMP_FILTER_FLAG_NEW_LISTENER);
    // SAFETY: seccomp(2) reads the program and its statements, which live until it returns.
    let listener = filter.install(|program| unsafe { libc::syscall(libc::SYS_seccomp, mode, listen, program) })?;
    let listener = listener.try_into().map_err(io::Error::other)?;
    // SAFETY: the kernel has just made this descriptor for us.
    tell.send(unsafe { OwnedFd::from_raw_fd(listener) }).map_err(io::Error::other)?;
    Ok(unable)
}

/// Answers each call that the filter has stopped (seccomp_unotify(2)).
fn answer_each(
    listener: &OwnedFd,
    mut decide: impl FnMut(&libc::seccomp_data) -> Option<Errno>,
    unable: &AtomicBool,
) -> io::Result<()> {
    let ask = |command, what: *mut libc::c_void| {
        // SAFETY: both commands take a pointer to the struct that they are called with, which lives until they return.
        Errno::result(unsafe { libc::ioctl(listener.as_raw_fd(), command, what) })
    };
    let goes_on = u32::try_from(libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE).map_err(io::Error::other)?;
    loop {
        let data = libc::seccomp_data { nr: 0, arch: 0, instruction_pointer: 0, args: [0; 6] };
        let mut call = libc::seccomp_notif { id: 0, pid: 0, flags: 0, data };
        match ask(libc::SECCOMP_IOCTL_NOTIF_RECV, ptr::from_mut(&mut call).cast()) {
            Err(Errno::EINTR | Errno::ENOENT) => continue, // the process that has made the call is gone
            received => received?,
        };
        let mut answer = libc::seccomp_notif_resp { id: call.id, val: 0, error: 0, flags: goes_on };
        if let Some(error) = decide(&call.data) {
            (answer.error, answer.flags) = (-(error as i32), 0);
        }
        match ask(libc::SECCOMP_IOCTL_NOTIF_SEND, ptr::from_mut(&mut answer).cast()) {
            Err(Errno::EINVAL) => {
                // Nobody answers from now on: each call fails with ENOSYS.
                unable.store(true, Ordering::Relaxed);
                return Ok(());
            }
            Err(Errno::ENOENT) => {}
            sent => drop(sent?),
        }
    }
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

/// [`ask_refused`], where only the `nth` of these system calls (counted from 0) fails; None when there are fewer.
///
/// # Errors
/// As [`ask_refused`].
pub fn ask_refused_once<T: Serialize + DeserializeOwned>(
    calls: &[c_long],
    nth: usize,
    error: Errno,
    body: impl FnOnce() -> T,
) -> Result<Option<T>, Failure> {
    let refused = Arc::new(AtomicBool::new(false));
    let (is_refused, mut n) = (Arc::clone(&refused), 0);
    let decide = move |_: &libc::seccomp_data| {
        let is_it = n == nth;
        n += 1;
        is_refused.fetch_or(is_it, Ordering::Relaxed);
        is_it.then_some(error)
    };
    ask_decided(calls, decide, body, |answer| refused.load(Ordering::Relaxed).then_some(answer))
}

/// Why the machine can't judge what happens when a system call fails. A process says so in which the learner's code has run,
/// so it is tried in one without.
pub fn no_refusals(why: String) -> Failure {
    unless_it_works(why, || ask(|| refuse(&[libc::SYS_getppid], On::Everything, Errno::EIO).map_err(error_text)))
}

fn unless_it_works(why: String, probe: impl FnOnce() -> Result<Result<(), String>, Failure>) -> Failure {
    if matches!(probe(), Ok(Ok(()))) {
        return io::Error::other(why).into();
    }
    Failure::skipped(
        text!(
            "a process can't make its own system calls fail here (seccomp(2): {why})",
            "本机的进程不能让自己的系统调用失败（seccomp(2)：{why}）"
        ),
        text!(
            "allow prctl(2) with PR_SET_SECCOMP, and seccomp(2) with SECCOMP_FILTER_FLAG_NEW_LISTENER (Linux 5.5)",
            "放行 prctl(2) 的 PR_SET_SECCOMP，以及 seccomp(2) 的 SECCOMP_FILTER_FLAG_NEW_LISTENER（Linux 5.5）"
        ),
    )
}
