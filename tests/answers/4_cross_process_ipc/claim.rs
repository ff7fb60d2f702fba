use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::fd::{AsFd, AsRawFd, IntoRawFd, RawFd};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicI32};
use std::sync::{Mutex, OnceLock};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc::{self, c_int, c_short};
use nix::sys::signal::kill;
use nix::unistd::{Pid, getpid, getppid, gettid, pause};

fn lock_of(kind: i32, start: i64, length: i64) -> libc::flock {
    let l_type = kind.try_into().expect("a small number");
    let l_whence = libc::SEEK_SET.try_into().expect("a small number");
    libc::flock { l_type, l_whence, l_start: start, l_len: length, l_pid: 0 }
}

/// Takes the lock of this process on the whole file; false when another process has one.
fn take(file: &File) -> Result<bool, Errno> {
    match fcntl(file, FcntlArg::F_SETLK(&lock_of(libc::F_WRLCK, 0, 0))) {
        Ok(_) => Ok(true),
        Err(Errno::EAGAIN | Errno::EACCES) => Ok(false),
        Err(errno) => Err(errno),
    }
}

/// The other process that has a lock, if one does.
fn other(file: &File) -> Result<Option<i32>, Errno> {
    let mut lock = lock_of(libc::F_WRLCK, 0, 0);
    fcntl(file, FcntlArg::F_GETLK(&mut lock))?;
    Ok((i32::from(lock.l_type) != libc::F_UNLCK).then_some(lock.l_pid))
}

fn own_id() -> i32 {
    nix::unistd::getpid().as_raw()
}

/// The process that /proc/locks names for a lock of this kind on the file.
fn listed(file: &File, kind: &str) -> io::Result<Option<i32>> {
    let data = file.metadata()?;
    let (major, minor) = (libc::major(data.dev()), libc::minor(data.dev()));
    let id = format!("{major:02x}:{minor:02x}:{}", data.ino());
    let locks = fs::read_to_string("/proc/locks")?;
    let lines = locks.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let mut mine = lines.filter(|fields| fields.len() > 5 && fields[1] == kind && fields[5] == id);
    Ok(mine.next().and_then(|fields| fields[4].parse().ok()))
}

fn own() -> i32 {
    getpid().as_raw()
}

/// A record lock of `length` bytes from `start` on; length 0 is without an end.
fn record(kind: i32, whence: i32, start: i64, length: i64) -> libc::flock {
    let [l_type, l_whence] = [kind, whence].map(|n| i16::try_from(n).expect("a small number"));
    libc::flock { l_type, l_whence, l_start: start, l_len: length, l_pid: 0 }
}

/// Whether flock(2) gives the lock at once.
fn flock_now(file: &File) -> bool {
    // SAFETY: flock(2) changes no memory.
    unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) == 0 }
}

fn whole_file() -> libc::flock {
    record(libc::F_WRLCK, libc::SEEK_SET, 0, 0)
}

/// Tries to set the lock. False if another process has one in its way.
fn try_lock(file: impl AsFd, lock: &libc::flock) -> io::Result<bool> {
    match fcntl(file, FcntlArg::F_SETLK(lock)) {
        Ok(_) => Ok(true),
        Err(Errno::EAGAIN | Errno::EACCES) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

/// The process that has a lock in the way of `lock`.
fn holder(file: impl AsFd, mut lock: libc::flock) -> io::Result<Option<i32>> {
    fcntl(file, FcntlArg::F_GETLK(&mut lock))?;
    Ok((i32::from(lock.l_type) != libc::F_UNLCK).then_some(lock.l_pid))
}

/// A right `claim` with this lock.
fn claim_with(file: &File, lock: libc::flock) -> io::Result<i32> {
    loop {
        if try_lock(file, &lock)? {
            return Ok(own());
        }
        if let Some(pid) = holder(file, lock)? {
            return Ok(pid);
        }
    }
}

fn me() -> i32 {
    nix::unistd::getpid().as_raw()
}

fn short(number: c_int) -> c_short {
    number.try_into().expect("the constants of fcntl(2) are small")
}

/// A description of a lock: `kind` is F_WRLCK and the like; from byte `start` on, to the end of any file if `len` is 0.
fn lock(kind: c_int, whence: c_int, start: i64, len: i64) -> libc::flock {
    libc::flock { l_type: short(kind), l_whence: short(whence), l_start: start, l_len: len, l_pid: 0 }
}

fn whole() -> libc::flock {
    lock(libc::F_WRLCK, libc::SEEK_SET, 0, 0)
}

/// Takes the lock without waiting: false when another process has it.
fn set(file: &File, lock: &libc::flock) -> io::Result<bool> {
    match fcntl(file, FcntlArg::F_SETLK(lock)) {
        Ok(_) => Ok(true),
        Err(Errno::EAGAIN | Errno::EACCES) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

/// The process that has a lock in the way of this one.
fn holder_of(file: &File, lock: &libc::flock) -> io::Result<Option<i32>> {
    let mut lock = *lock;
    fcntl(file, FcntlArg::F_GETLK(&mut lock))?;
    Ok((i32::from(lock.l_type) != libc::F_UNLCK).then_some(lock.l_pid))
}

/// Takes `lock`, or asks who has it, until one of the two works.
fn take_or_ask(file: &File, lock: &libc::flock) -> io::Result<i32> {
    loop {
        if set(file, lock)? {
            return Ok(me());
        }
        if let Some(pid) = holder_of(file, lock)? {
            return Ok(pid);
        }
    }
}

/// Locks with flock(2), and writes the owner's process id into a file beside it.
///
/// fails: claim::a_child_of_the_writer_does_not_keep_the_role failed flock-is-the-processes
/// fails: claim::is_right_whatever_happens_between_its_system_calls failed
/// fails: claim::one_process_is_the_writer_and_the_others_learn_who failed
/// fails: claim::the_child_is_not_the_writer_itself failed flock-is-the-processes
mod locks_with_flock {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        let path = std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd()))?.with_extension("writer");
        // SAFETY: flock(2) takes no pointer.
        match Errno::result(unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) }) {
            Ok(_) => {
                let me = std::process::id();
                std::fs::write(path, me.to_string())?;
                Ok(me.cast_signed())
            }
            Err(Errno::EWOULDBLOCK) => std::fs::read_to_string(path)?.parse().map_err(io::Error::other),
            Err(errno) => Err(errno.into()),
        }
    }
}

/// Waits until the writer is gone.
///
/// fails: claim::one_process_is_the_writer_and_the_others_learn_who timed_out
mod waits_for_its_turn {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        let writer = crate::solution::claim(file)?;
        // One check is enough to see it: others have writers that are about to be killed.
        let checked = std::thread::current().name().is_some_and(|name| name.contains("learn_who"));
        if checked && writer != std::process::id().cast_signed() {
            pause();
        }
        Ok(writer)
    }
}

/// Writes its process id into a file, and takes an id that it finds there for the writer's.
///
/// fails: claim::a_child_of_the_writer_does_not_keep_the_role failed
/// fails: claim::each_file_has_a_writer_of_its_own failed
/// fails: claim::is_right_whatever_happens_between_its_system_calls failed
/// fails: claim::one_process_is_the_writer_and_the_others_learn_who failed
/// fails: claim::the_role_is_free_when_the_writer_is_killed failed a-pid-is-a-process
mod writes_its_pid_down {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        let path = std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd()))?.with_extension("writer");
        match File::create_new(&path) {
            Ok(mut pid) => {
                let me = std::process::id();
                pid.write_all(me.to_string().as_bytes())?;
                Ok(me.cast_signed())
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                std::fs::read_to_string(path)?.parse().map_err(io::Error::other)
            }
            Err(error) => Err(error),
        }
    }
}

/// Takes the lock that belongs to the process, or asks who has it, until one of the two succeeds.
///
/// passes
mod takes_or_asks {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        loop {
            if take(file)? {
                return Ok(own_id());
            }
            if let Some(writer) = other(file)? {
                return Ok(writer);
            }
        }
    }
}

/// Asks first, and with a read lock, which a write lock stands in the way of as well.
///
/// passes
mod asks_first {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        loop {
            let mut lock = lock_of(libc::F_RDLCK, 0, 1);
            fcntl(file, FcntlArg::F_GETLK(&mut lock))?;
            if i32::from(lock.l_type) != libc::F_UNLCK {
                return Ok(lock.l_pid);
            }
            match fcntl(file, FcntlArg::F_SETLK(&lock_of(libc::F_WRLCK, 0, 1))) {
                Ok(_) => return Ok(own_id()),
                Err(Errno::EAGAIN | Errno::EACCES) => (),
                Err(errno) => return Err(errno.into()),
            }
        }
    }
}

/// Locks the last byte that a file can have, far beyond the end of this one.
///
/// passes
mod locks_last_possible_byte {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        loop {
            match fcntl(file, FcntlArg::F_SETLK(&lock_of(libc::F_WRLCK, i64::MAX, 1))) {
                Ok(_) => return Ok(own_id()),
                Err(Errno::EAGAIN | Errno::EACCES) => (),
                Err(errno) => return Err(errno.into()),
            }
            let mut lock = lock_of(libc::F_WRLCK, i64::MAX, 1);
            fcntl(file, FcntlArg::F_GETLK(&mut lock))?;
            if i32::from(lock.l_type) != libc::F_UNLCK {
                return Ok(lock.l_pid);
            }
        }
    }
}

/// Locks through a duplicate descriptor, which it leaks on purpose, since closing it would release the lock.
///
/// breaks: "It changes neither bytes, size nor position of the file, makes no file, and leaves no descriptor open."
/// fails: claim::leaves_everything_else_as_it_is failed
mod locks_through_leaked_duplicate {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        let copy = std::mem::ManuallyDrop::new(file.try_clone()?);
        loop {
            if take(&copy)? {
                return Ok(own_id());
            }
            if let Some(writer) = other(&copy)? {
                return Ok(writer);
            }
        }
    }
}

/// Locks through a duplicate, and closing it releases every lock of the process on the file.
///
/// breaks: "A process that is the writer gets its own process id again, in each of its threads."
/// fails: claim::a_child_of_the_writer_does_not_keep_the_role failed
/// fails: claim::one_process_is_the_writer_and_the_others_learn_who failed
mod closes_a_duplicate {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        let copy = file.try_clone()?;
        loop {
            if take(&copy)? {
                return Ok(own_id());
            }
            if let Some(writer) = other(&copy)? {
                return Ok(writer);
            }
        }
    }
}

/// Takes the lock of the open file description, which a forked child has as well.
///
/// breaks: "A forked child of the writer is not the writer"
/// fails: claim::a_child_of_the_writer_does_not_keep_the_role failed
/// fails: claim::one_process_is_the_writer_and_the_others_learn_who failed
mod lock_of_the_description {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        loop {
            match fcntl(file, FcntlArg::F_OFD_SETLK(&lock_of(libc::F_WRLCK, 0, 0))) {
                Ok(_) => return Ok(own_id()),
                Err(Errno::EAGAIN | Errno::EACCES) => (),
                Err(errno) => return Err(errno.into()),
            }
            if let Some(writer) = listed(file, "OFDLCK")? {
                return Ok(writer);
            }
        }
    }
}

/// Takes the lock of flock(2) and lets only the process that took it say so; a child's copy of the descriptor keeps it.
///
/// breaks: "The role ends with the writer even if a child of the writer lives on."
/// fails: claim::a_child_of_the_writer_does_not_keep_the_role failed flock-is-the-processes
/// fails: claim::each_file_has_a_writer_of_its_own failed
mod flock_lives_on_in_the_child {
    use super::*;

    static TAKEN_BY: AtomicI32 = AtomicI32::new(0);

    pub fn claim(file: &File) -> io::Result<i32> {
        if TAKEN_BY.load(SeqCst) != 0 {
            return Ok(TAKEN_BY.load(SeqCst));
        }
        loop {
            // SAFETY: the descriptor is open while `file` is borrowed.
            match Errno::result(unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) }) {
                Ok(_) => {
                    TAKEN_BY.store(own_id(), SeqCst);
                    return Ok(own_id());
                }
                Err(Errno::EWOULDBLOCK) => (),
                Err(errno) => return Err(errno.into()),
            }
            if let Some(writer) = listed(file, "FLOCK")? {
                return Ok(writer);
            }
        }
    }
}

/// Writes the id of the writer into the file, where the others find it.
///
/// breaks: "It changes neither bytes, size nor position of the file, makes no file, and leaves no descriptor open."
/// fails: claim::is_right_whatever_happens_between_its_system_calls failed
/// fails: claim::one_process_is_the_writer_and_the_others_learn_who failed
mod writes_its_id_down {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        if take(file)? {
            file.write_all_at(&own_id().to_ne_bytes(), 0)?;
            return Ok(own_id());
        }
        let mut bytes = [0; 4];
        file.read_exact_at(&mut bytes, 0)?;
        Ok(i32::from_ne_bytes(bytes))
    }
}

/// Asks once who has the lock; if that process has just ended, the answer is the 0 that it put into the struct.
///
/// breaks: "or that of the other one, which is alive"
/// fails: claim::asks_again_as_often_as_the_role_ends failed
/// fails: claim::is_right_whatever_happens_between_its_system_calls failed
mod asks_only_once {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        if take(file)? {
            return Ok(own_id());
        }
        let mut lock = lock_of(libc::F_WRLCK, 0, 0);
        fcntl(file, FcntlArg::F_GETLK(&mut lock))?;
        Ok(lock.l_pid)
    }
}

/// Asks first and then takes the lock, and returns EAGAIN when another process was faster in between.
///
/// breaks: "The result is the process id of the writer"
/// fails: claim::asks_again_as_often_as_the_role_ends failed
/// fails: claim::is_right_whatever_happens_between_its_system_calls failed
mod loses_the_race_with_an_error {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        if let Some(writer) = other(file)? {
            return Ok(writer);
        }
        fcntl(file, FcntlArg::F_SETLK(&lock_of(libc::F_WRLCK, 0, 0)))?;
        Ok(own_id())
    }
}

/// Takes a read lock, which any number of processes can have.
///
/// breaks: "Makes this process the writer of `file`, unless another process is the writer."
/// fails: claim::a_child_of_the_writer_does_not_keep_the_role failed
/// fails: claim::one_process_is_the_writer_and_the_others_learn_who failed
mod shares_the_lock {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        match fcntl(file, FcntlArg::F_SETLK(&lock_of(libc::F_RDLCK, 0, 0))) {
            Ok(_) => Ok(own_id()),
            Err(Errno::EAGAIN | Errno::EACCES) => Ok(other(file)?.unwrap_or_else(own_id)),
            Err(errno) => Err(errno.into()),
        }
    }
}

/// Only asks whether the role is free, and does not take it.
///
/// breaks: "Makes this process the writer of `file`, unless another process is the writer."
/// fails: claim::a_child_of_the_writer_does_not_keep_the_role failed
/// fails: claim::one_process_is_the_writer_and_the_others_learn_who failed
mod asks_and_does_not_take {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        Ok(other(file)?.unwrap_or_else(own_id))
    }
}

/// Remembers in a static that it is the writer, and a forked child remembers it, too.
///
/// breaks: "A forked child of the writer is not the writer: in the child, too, `claim` returns the parent's id."
/// fails: claim::a_child_of_the_writer_does_not_keep_the_role failed
/// fails: claim::each_file_has_a_writer_of_its_own failed
/// fails: claim::the_child_is_not_the_writer_itself failed
mod child_remembers_the_role {
    use super::*;

    static WRITER: AtomicBool = AtomicBool::new(false);

    pub fn claim(file: &File) -> io::Result<i32> {
        loop {
            if WRITER.load(Relaxed) || take(file)? {
                WRITER.store(true, Relaxed);
                return Ok(own_id());
            }
            if let Some(writer) = other(file)? {
                return Ok(writer);
            }
        }
    }
}

/// Remembers the id of the writer for good, so a child goes on naming its parent after the parent's death.
///
/// breaks: "The next process that calls `claim` then becomes the writer."
/// fails: claim::a_child_of_the_writer_does_not_keep_the_role failed
/// fails: claim::each_file_has_a_writer_of_its_own failed
mod child_never_takes_over {
    use super::*;

    static WRITER: AtomicI32 = AtomicI32::new(0);

    pub fn claim(file: &File) -> io::Result<i32> {
        match WRITER.load(SeqCst) {
            0 => (),
            writer => return Ok(writer),
        }
        loop {
            if take(file)? {
                WRITER.store(own_id(), SeqCst);
                return Ok(own_id());
            }
            if let Some(writer) = other(file)? {
                return Ok(writer);
            }
        }
    }
}

/// Asks for its own id once in a lifetime, and a forked child inherits the answer.
///
/// breaks: "The result is the process id of the writer: that of this process"
/// fails: claim::a_child_of_the_writer_does_not_keep_the_role failed
mod own_id_cached {
    use super::*;

    static OWN: OnceLock<i32> = OnceLock::new();

    pub fn claim(file: &File) -> io::Result<i32> {
        let own = *OWN.get_or_init(own_id);
        loop {
            if take(file)? {
                return Ok(own);
            }
            if let Some(writer) = other(file)? {
                return Ok(writer);
            }
        }
    }
}

/// Trusts an id it has seen as long as kill(2) finds the process, which it does for a killed one not yet waited for.
///
/// breaks: "The role ends with the process, even by SIGKILL"
/// fails: claim::each_file_has_a_writer_of_its_own failed
/// fails: claim::the_role_is_free_when_the_writer_is_killed failed a-pid-is-a-process
mod zombie_counts_as_alive {
    use super::*;

    static SEEN: AtomicI32 = AtomicI32::new(0);

    pub fn claim(file: &File) -> io::Result<i32> {
        let seen = SEEN.load(SeqCst);
        // SAFETY: signal 0 is not sent; the call only looks whether there is such a process.
        if seen > 0 && unsafe { libc::kill(seen, 0) } == 0 {
            return Ok(seen);
        }
        loop {
            if take(file)? {
                return Ok(own_id());
            }
            if let Some(writer) = other(file)? {
                SEEN.store(writer, SeqCst);
                return Ok(writer);
            }
        }
    }
}

/// Releases the lock before it takes it, "to start clean": another process may take it in between.
///
/// breaks: "A process that is the writer gets its own process id again, in each of its threads."
/// fails: claim::is_right_whatever_happens_between_its_system_calls failed
mod releases_before_it_takes {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        fcntl(file, FcntlArg::F_SETLK(&lock_of(libc::F_UNLCK, 0, 0)))?;
        loop {
            if take(file)? {
                return Ok(own_id());
            }
            if let Some(writer) = other(file)? {
                return Ok(writer);
            }
        }
    }
}

/// Uses lockf(3), which locks from the current position on: two processes at different positions lock different bytes.
///
/// breaks: "The result is the process id of the writer: that of this process, or that of the other one"
/// fails: claim::a_child_of_the_writer_does_not_keep_the_role failed
/// fails: claim::one_process_is_the_writer_and_the_others_learn_who failed
mod locks_one_byte_at_the_position {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        loop {
            // SAFETY: the descriptor is open while `file` is borrowed.
            match Errno::result(unsafe { libc::lockf(file.as_raw_fd(), libc::F_TLOCK, 1) }) {
                Ok(_) => return Ok(own_id()),
                Err(Errno::EAGAIN | Errno::EACCES) => (),
                Err(errno) => return Err(errno.into()),
            }
            if let Some(writer) = other(file)? {
                return Ok(writer);
            }
        }
    }
}

/// Locks one byte past the end of the file, which is another byte when the file has grown.
///
/// breaks: "Makes this process the writer of `file`, unless another process is the writer."
/// fails: claim::one_process_is_the_writer_and_the_others_learn_who failed
mod locks_at_the_end {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        let end = i64::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
        loop {
            match fcntl(file, FcntlArg::F_SETLK(&lock_of(libc::F_WRLCK, end, 1))) {
                Ok(_) => return Ok(own_id()),
                Err(Errno::EAGAIN | Errno::EACCES) => (),
                Err(errno) => return Err(errno.into()),
            }
            if let Some(writer) = other(file)? {
                return Ok(writer);
            }
        }
    }
}

/// Has a lock file with the id in it, which stays when the writer is killed.
///
/// breaks: "The role ends with the process, even by SIGKILL"
/// fails: claim::a_child_of_the_writer_does_not_keep_the_role failed
/// fails: claim::each_file_has_a_writer_of_its_own failed
/// fails: claim::is_right_whatever_happens_between_its_system_calls failed
/// fails: claim::the_role_is_free_when_the_writer_is_killed failed a-pid-is-a-process
mod lock_file {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        let data = file.metadata()?;
        let path = std::env::temp_dir().join(format!("writer-{:x}-{}", data.dev(), data.ino()));
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(mut lock) => {
                write!(lock, "{}", own_id())?;
                Ok(own_id())
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                fs::read_to_string(&path)?.parse().map_err(io::Error::other)
            }
            Err(error) => Err(error),
        }
    }
}

/// Expects EACCES, one of the two errors of POSIX, and passes on EAGAIN, which is Linux's.
///
/// breaks: "The result is the process id of the writer: that of this process, or that of the other one"
/// fails: claim::a_child_of_the_writer_does_not_keep_the_role failed
/// fails: claim::one_process_is_the_writer_and_the_others_learn_who failed
mod expects_eacces {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        loop {
            match fcntl(file, FcntlArg::F_SETLK(&lock_of(libc::F_WRLCK, 0, 0))) {
                Ok(_) => return Ok(own_id()),
                Err(Errno::EACCES) => (),
                Err(errno) => return Err(errno.into()),
            }
            if let Some(writer) = other(file)? {
                return Ok(writer);
            }
        }
    }
}

/// Returns the id of the thread, which is that of the process in the main thread only.
///
/// breaks: "The result is the process id of the writer"
/// fails: claim::is_right_whatever_happens_between_its_system_calls failed
/// fails: claim::leaves_everything_else_as_it_is failed
mod thread_id {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        loop {
            if take(file)? {
                return Ok(nix::unistd::gettid().as_raw());
            }
            if let Some(writer) = other(file)? {
                return Ok(writer);
            }
        }
    }
}

/// Remembers one role a process, not one a file, so a second file seems to have the same writer.
///
/// breaks: "Makes this process the writer of `file`, unless another process is the writer."
/// fails: claim::each_file_has_a_writer_of_its_own failed
mod one_role_for_all_files {
    use super::*;

    static WRITER: AtomicI32 = AtomicI32::new(0);

    pub fn claim(file: &File) -> io::Result<i32> {
        if WRITER.load(SeqCst) == own_id() {
            return Ok(own_id());
        }
        loop {
            if take(file)? {
                WRITER.store(own_id(), SeqCst);
                return Ok(own_id());
            }
            if let Some(writer) = other(file)? {
                return Ok(writer);
            }
        }
    }
}

/// Nothing unusual: a record lock on the whole file, whatever its size.
///
/// passes
mod record_lock {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        claim_with(file, whole_file())
    }
}

/// Asks who has the lock before it tries to take it.
///
/// passes
mod asks_first_2 {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        loop {
            if let Some(pid) = holder(file, whole_file())? {
                return Ok(pid);
            }
            if try_lock(file, &whole_file())? {
                return Ok(own());
            }
        }
    }
}

/// Locks the last byte that a file can have.
///
/// passes
mod last_possible_byte {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        claim_with(file, record(libc::F_WRLCK, libc::SEEK_SET, i64::MAX, 1))
    }
}

/// Locks as many bytes as the file has now, which always include the first; length 0 means all.
///
/// passes
mod locks_its_size {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        let size = file.metadata()?.len().try_into().map_err(io::Error::other)?;
        claim_with(file, record(libc::F_WRLCK, libc::SEEK_SET, 0, size))
    }
}

/// Locks with flock(2), whose lock a forked child shares, and looks up the holder in /proc/locks.
///
/// breaks: "The role ends with the writer even if a child lives on, which may become the next writer."
/// may fail: claim::is_right_whatever_happens_between_its_system_calls failed
/// may fail: claim::tells_the_files_of_two_disks_apart failed
/// fails: claim::a_child_of_the_writer_does_not_keep_the_role failed flock-is-the-processes
/// fails: claim::the_child_is_not_the_writer_itself failed flock-is-the-processes
mod flock_and_proc_locks {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        if flock_now(file) {
            return Ok(own());
        }
        let inode = format!(":{} ", file.metadata()?.ino());
        let locks = fs::read_to_string("/proc/locks")?;
        let line = locks.lines().find(|line| line.contains("FLOCK") && line.contains(&inode));
        let pid = line.and_then(|line| line.split_whitespace().nth(4)?.parse().ok());
        Ok(pid.unwrap_or_else(own))
    }
}

/// Uses a lock of the open file description, which a child inherits with the descriptor.
///
/// breaks: "A forked child of the writer is not the writer: in the child, too, `claim` returns the parent's id."
/// fails: claim::a_child_of_the_writer_does_not_keep_the_role failed
/// fails: claim::one_process_is_the_writer_and_the_others_learn_who failed
mod description_lock {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        let mut lock = whole_file();
        match fcntl(file, FcntlArg::F_OFD_SETLK(&lock)) {
            Ok(_) => Ok(own()),
            Err(Errno::EAGAIN) => {
                fcntl(file, FcntlArg::F_GETLK(&mut lock))?;
                Ok(lock.l_pid)
            }
            Err(errno) => Err(errno.into()),
        }
    }
}

/// Waits for the lock when nobody had it a moment ago.
///
/// breaks: "The call never waits."
/// fails: claim::asks_again_as_often_as_the_role_ends failed
/// fails: claim::is_right_whatever_happens_between_its_system_calls failed
mod waits_for_the_lock_2 {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        if let Some(pid) = holder(file, whole_file())? {
            return Ok(pid);
        }
        fcntl(file, FcntlArg::F_SETLKW(&whole_file()))?;
        Ok(own())
    }
}

/// Locks a byte at the position: a process with another position locks another byte.
///
/// breaks: "Its size and its position may change between two calls."
/// fails: claim::a_child_of_the_writer_does_not_keep_the_role failed
/// fails: claim::one_process_is_the_writer_and_the_others_learn_who failed
mod from_the_position {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        claim_with(file, record(libc::F_WRLCK, libc::SEEK_CUR, 0, 1))
    }
}

/// Locks the byte after the end, which is another one when the file has grown.
///
/// breaks: "Its size and its position may change between two calls."
/// fails: claim::one_process_is_the_writer_and_the_others_learn_who failed
mod byte_at_the_end {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        claim_with(file, record(libc::F_WRLCK, libc::SEEK_END, 0, 1))
    }
}

/// Takes a shared lock, which any number of processes have at the same time.
///
/// breaks: "Makes this process the writer of `file`, unless another process is the writer."
/// fails: claim::a_child_of_the_writer_does_not_keep_the_role failed
/// fails: claim::one_process_is_the_writer_and_the_others_learn_who failed
mod shared_lock {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        claim_with(file, record(libc::F_RDLCK, libc::SEEK_SET, 0, 0))
    }
}

/// Weakens its lock to a shared one, and asks with a shared one, which that is not in the way of.
///
/// breaks: "Makes this process the writer of `file`, unless another process is the writer."
/// fails: claim::a_child_of_the_writer_does_not_keep_the_role failed
/// fails: claim::one_process_is_the_writer_and_the_others_learn_who failed
mod weakened_and_asked_for_weakly {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        if let Some(pid) = holder(file, record(libc::F_RDLCK, libc::SEEK_SET, 0, 0))? {
            return Ok(pid);
        }
        if try_lock(file, &whole_file())? {
            try_lock(file, &record(libc::F_RDLCK, libc::SEEK_SET, 0, 0))?;
        }
        Ok(own())
    }
}

/// Returns the process id of the answer even when the answer is that nobody has the lock any more.
///
/// breaks: "The result is the process id of the writer: that of this process, or that of the other one, which is alive."
/// fails: claim::asks_again_as_often_as_the_role_ends failed
/// fails: claim::is_right_whatever_happens_between_its_system_calls failed
mod answer_without_a_holder {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        let mut lock = whole_file();
        if try_lock(file, &lock)? {
            return Ok(own());
        }
        fcntl(file, FcntlArg::F_GETLK(&mut lock))?;
        Ok(lock.l_pid)
    }
}

/// Ignores that another process may have taken the lock since it asked.
///
/// breaks: "Makes this process the writer of `file`, unless another process is the writer."
/// fails: claim::asks_again_as_often_as_the_role_ends failed
/// fails: claim::is_right_whatever_happens_between_its_system_calls failed
mod asks_and_assumes {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        if let Some(pid) = holder(file, whole_file())? {
            return Ok(pid);
        }
        let _ = try_lock(file, &whole_file())?;
        Ok(own())
    }
}

/// Locks through a copy of the descriptor: closing the copy ends every lock that the process has on the file.
///
/// breaks: "A process that is the writer gets its own process id again, in each of its threads."
/// fails: claim::a_child_of_the_writer_does_not_keep_the_role failed
/// fails: claim::one_process_is_the_writer_and_the_others_learn_who failed
mod through_a_copy {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        claim_with(&file.try_clone()?, whole_file())
    }
}

/// Opens the file a second time and never closes that, so that the lock stays.
///
/// breaks: "leaves no descriptor open"
/// fails: claim::leaves_everything_else_as_it_is failed
/// fails: claim::returns_the_errors_of_system_calls failed
mod keeps_a_descriptor {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        let mine = OpenOptions::new().read(true).write(true).open(format!("/proc/self/fd/{}", file.as_raw_fd()))?;
        let pid = claim_with(&mine, whole_file());
        let _ = mine.into_raw_fd();
        pid
    }
}

/// Releases the lock first, to begin anew.
///
/// breaks: "A process that is the writer gets its own process id again"
/// fails: claim::is_right_whatever_happens_between_its_system_calls failed
mod releases_first {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        try_lock(file, &record(libc::F_UNLCK, libc::SEEK_SET, 0, 0))?;
        claim_with(file, whole_file())
    }
}

/// Remembers in a static that this process is a writer, whichever the file.
///
/// breaks: "Each file has a writer of its own. A process may be the writer of several files."
/// fails: claim::each_file_has_a_writer_of_its_own failed
mod writer_of_everything {
    use super::*;

    static WRITER: AtomicI32 = AtomicI32::new(0);

    pub fn claim(file: &File) -> io::Result<i32> {
        if WRITER.load(Relaxed) == own() {
            return Ok(own());
        }
        let pid = claim_with(file, whole_file())?;
        WRITER.store(pid, Relaxed);
        Ok(pid)
    }
}

/// Keeps the process id from the first call, which a forked child inherits.
///
/// breaks: "The result is the process id of the writer: that of this process, or that of the other one"
/// fails: claim::a_child_of_the_writer_does_not_keep_the_role failed
mod cached_process_id {
    use super::*;

    static OWN: OnceLock<i32> = OnceLock::new();

    pub fn claim(file: &File) -> io::Result<i32> {
        let cached = *OWN.get_or_init(own);
        let pid = claim_with(file, whole_file())?;
        Ok(if pid == own() { cached } else { pid })
    }
}

/// Returns the id of the thread.
///
/// breaks: "A process that is the writer gets its own process id again, in each of its threads."
/// fails: claim::is_right_whatever_happens_between_its_system_calls failed
/// fails: claim::leaves_everything_else_as_it_is failed
mod id_of_the_thread {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        let pid = claim_with(file, whole_file())?;
        Ok(if pid == own() { gettid().as_raw() } else { pid })
    }
}

/// Writes the process id into the file, too, so that others can read it.
///
/// breaks: "It changes neither bytes, size nor position of the file"
/// fails: claim::one_process_is_the_writer_and_the_others_learn_who failed
mod writes_its_id {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        let pid = claim_with(file, whole_file())?;
        if pid == own() {
            file.write_all_at(&pid.to_ne_bytes(), 0)?;
        }
        Ok(pid)
    }
}

/// Keeps the writer's id in an extended attribute, and asks kill(2) whether it is alive, which a zombie is.
///
/// breaks: "The role ends with the process, even by SIGKILL, and even before its parent has waited for it."
/// fails: claim::is_right_whatever_happens_between_its_system_calls failed
/// fails: claim::the_role_is_free_when_the_writer_is_killed failed a-pid-is-a-process
mod extended_attribute {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        let (fd, name) = (file.as_raw_fd(), c"user.writer".as_ptr());
        let mut pid = [0u8; 4];
        // SAFETY: `name` ends with a NUL, and the kernel writes at most 4 bytes.
        let length = unsafe { libc::fgetxattr(fd, name, pid.as_mut_ptr().cast(), 4) };
        let writer = i32::from_ne_bytes(pid);
        if length == 4 && kill(Pid::from_raw(writer), None) != Err(Errno::ESRCH) {
            return Ok(writer);
        }
        let mine = own().to_ne_bytes();
        // SAFETY: `name` ends with a NUL, and the kernel reads 4 bytes.
        Errno::result(unsafe { libc::fsetxattr(fd, name, mine.as_ptr().cast(), 4, 0) })?;
        Ok(own())
    }
}

/// Locks a file of its own beside the file.
///
/// breaks: "makes no file"
/// fails: claim::leaves_everything_else_as_it_is failed
/// fails: claim::one_process_is_the_writer_and_the_others_learn_who failed
/// fails: claim::returns_the_errors_of_system_calls failed
mod lock_file_beside {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        let mut path = fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd()))?.into_os_string();
        path.push(".lock");
        let lock = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let pid = claim_with(&lock, whole_file());
        let _ = lock.into_raw_fd();
        pid
    }
}

/// Believes that a child whose parent is the holder has the role from it.
///
/// breaks: "A forked child of the writer is not the writer: in the child, too, `claim` returns the parent's id."
/// fails: claim::a_child_of_the_writer_does_not_keep_the_role failed
/// fails: claim::the_child_is_not_the_writer_itself failed
mod inherits_from_its_parent {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        let pid = claim_with(file, whole_file())?;
        Ok(if pid == getppid().as_raw() { own() } else { pid })
    }
}

/// Guards the two calls by a second lock, for which it waits.
///
/// breaks: "The call never waits."
/// fails: claim::asks_again_as_often_as_the_role_ends failed
/// fails: claim::is_right_whatever_happens_between_its_system_calls failed
mod queues_for_the_question {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        let gate = |kind| record(kind, libc::SEEK_SET, 1, 1);
        fcntl(file, FcntlArg::F_SETLKW(&gate(libc::F_WRLCK)))?;
        let pid = claim_with(file, record(libc::F_WRLCK, libc::SEEK_SET, 0, 1));
        fcntl(file, FcntlArg::F_SETLK(&gate(libc::F_UNLCK)))?;
        pid
    }
}

/// Locks with lockf(3), which begins at the position, and so moves that to 0 and back.
///
/// breaks: "It changes neither bytes, size nor position of the file"
/// fails: claim::the_position_stays_for_all_who_share_it failed
mod lockf_at_zero {
    use super::*;

    fn seek(file: &File, to: i64, whence: i32) -> i64 {
        // SAFETY: lseek changes no memory.
        unsafe { libc::lseek(file.as_raw_fd(), to, whence) }
    }

    pub fn claim(file: &File) -> io::Result<i32> {
        loop {
            let position = seek(file, 0, libc::SEEK_CUR);
            seek(file, 0, libc::SEEK_SET);
            // SAFETY: lockf changes no memory.
            let taken = Errno::result(unsafe { libc::lockf(file.as_raw_fd(), libc::F_TLOCK, 0) });
            seek(file, position, libc::SEEK_SET);
            match taken {
                Ok(_) => return Ok(own()),
                Err(Errno::EAGAIN | Errno::EACCES) => {}
                Err(errno) => return Err(errno.into()),
            }
            if let Some(pid) = holder(file, whole_file())? {
                return Ok(pid);
            }
        }
    }
}

/// Returns its own id when the holder has gone between the two calls, without trying again.
///
/// breaks: "Makes this process the writer of `file`, unless another process is the writer."
/// fails: claim::is_right_whatever_happens_between_its_system_calls failed
mod gone_means_mine {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        if try_lock(file, &whole_file())? {
            return Ok(own());
        }
        Ok(holder(file, whole_file())?.unwrap_or_else(own))
    }
}

/// Gives up with EAGAIN after three rounds in which the role was taken and ended.
///
/// breaks: "That another process is the writer is no error."
/// fails: claim::asks_again_as_often_as_the_role_ends failed
mod three_rounds {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        for _ in 0..3 {
            if try_lock(file, &whole_file())? {
                return Ok(own());
            }
            if let Some(pid) = holder(file, whole_file())? {
                return Ok(pid);
            }
        }
        Err(Errno::EAGAIN.into())
    }
}

/// Sleeps before it tries again.
///
/// breaks: "The call never waits."
/// fails: claim::asks_again_as_often_as_the_role_ends failed
/// fails: claim::is_right_whatever_happens_between_its_system_calls failed
mod sleeps_between_rounds {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        loop {
            if try_lock(file, &whole_file())? {
                return Ok(own());
            }
            if let Some(pid) = holder(file, whole_file())? {
                return Ok(pid);
            }
            // SAFETY: usleep(3) changes no memory.
            unsafe { libc::usleep(1_000) };
        }
    }
}

/// Asks for the holder through a copy of the descriptor; closing it ends a lock that another thread has got meanwhile.
///
/// breaks: "A process that is the writer gets its own process id again, in each of its threads."
/// fails: claim::is_right_whatever_happens_between_its_system_calls failed
mod asks_through_a_copy {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        loop {
            if try_lock(file, &whole_file())? {
                return Ok(own());
            }
            if let Some(pid) = holder(file.try_clone()?, whole_file())? {
                return Ok(pid);
            }
        }
    }
}

/// Probes with kill(2) whether the holder is alive, and takes EPERM, of a process of another user, for death.
///
/// breaks: "It may ask again only because the role was taken or has ended meanwhile."
/// fails: claim::the_writer_may_be_a_process_of_another_user timed_out
mod probes_the_holder {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        loop {
            let pid = claim_with(file, whole_file())?;
            if kill(Pid::from_raw(pid), None).is_ok() {
                return Ok(pid);
            }
        }
    }
}

/// Takes an error of either call for "nobody is in the way".
///
/// breaks: "Those of the system calls, with their errno."
/// fails: claim::returns_the_errors_of_system_calls failed
mod ignores_errors {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        match claim_with(file, whole_file()) {
            Err(_) => Ok(own()),
            pid => pid,
        }
    }
}

/// A record lock on the whole file, whatever its size.
///
/// passes
mod whole_file {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        take_or_ask(file, &whole())
    }
}

/// Asks first and takes then, and locks only the last byte that a file can have, where none is.
///
/// passes
mod asks_first_far_out {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        let far = lock(libc::F_WRLCK, libc::SEEK_SET, i64::MAX, 1);
        loop {
            if let Some(pid) = holder_of(file, &far)? {
                return Ok(pid);
            }
            if set(file, &far)? {
                return Ok(me());
            }
        }
    }
}

/// Waits until the role is free.
///
/// breaks: "The call never waits."
/// fails: claim::asks_again_as_often_as_the_role_ends failed
/// fails: claim::is_right_whatever_happens_between_its_system_calls failed
mod waits_for_the_role {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        if let Some(pid) = holder_of(file, &whole())? {
            return Ok(pid);
        }
        fcntl(file, FcntlArg::F_SETLKW(&whole()))?;
        Ok(me())
    }
}

/// Locks from the position on, which may be another one in another process.
///
/// breaks: "Its size and its position may change between two calls."
/// fails: claim::a_child_of_the_writer_does_not_keep_the_role failed
/// fails: claim::one_process_is_the_writer_and_the_others_learn_who failed
mod from_the_position_on {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        take_or_ask(file, &lock(libc::F_WRLCK, libc::SEEK_CUR, 0, 1))
    }
}

/// A lock for reading, which any number of processes may have.
///
/// breaks: "Makes this process the writer of `file`, unless another process is the writer."
/// fails: claim::asks_again_as_often_as_the_role_ends failed
/// fails: claim::is_right_whatever_happens_between_its_system_calls failed
mod lock_for_reading {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        if let Some(pid) = holder_of(file, &whole())? {
            return Ok(pid);
        }
        take_or_ask(file, &lock(libc::F_RDLCK, libc::SEEK_SET, 0, 0))
    }
}

/// Reads the process id from the answer even when the kernel says that nobody has the lock any more.
///
/// breaks: "The result is the process id of the writer: that of this process, or that of the other one, which is alive."
/// fails: claim::asks_again_as_often_as_the_role_ends failed
/// fails: claim::is_right_whatever_happens_between_its_system_calls failed
mod pid_of_nobody {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        let mut lock = whole();
        if set(file, &lock)? {
            return Ok(me());
        }
        fcntl(file, FcntlArg::F_GETLK(&mut lock))?;
        Ok(lock.l_pid)
    }
}

/// Tries again with the struct that F_GETLK has turned into F_UNLCK: the call then unlocks, and succeeds.
///
/// breaks: "Makes this process the writer of `file`, unless another process is the writer."
/// fails: claim::asks_again_as_often_as_the_role_ends failed
/// fails: claim::is_right_whatever_happens_between_its_system_calls failed
mod reuses_the_answer {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        let mut lock = whole();
        while !set(file, &lock)? {
            fcntl(file, FcntlArg::F_GETLK(&mut lock))?;
            if i32::from(lock.l_type) != libc::F_UNLCK {
                return Ok(lock.l_pid);
            }
        }
        Ok(me())
    }
}

/// Finds the role free, and returns EAGAIN when another process takes it before this one does.
///
/// breaks: "That another process is the writer is no error."
/// fails: claim::asks_again_as_often_as_the_role_ends failed
/// fails: claim::is_right_whatever_happens_between_its_system_calls failed
mod loses_with_an_error {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        if let Some(pid) = holder_of(file, &whole())? {
            return Ok(pid);
        }
        fcntl(file, FcntlArg::F_SETLK(&whole()))?;
        Ok(me())
    }
}

/// Remembers its process id, which a forked child then takes for its own when it becomes the writer.
///
/// breaks: "The role ends with the writer even if a child lives on, which may become the next writer."
/// fails: claim::a_child_of_the_writer_does_not_keep_the_role failed
mod remembers_its_pid {
    use super::*;

    static ME: OnceLock<i32> = OnceLock::new();

    pub fn claim(file: &File) -> io::Result<i32> {
        let own = *ME.get_or_init(me);
        loop {
            if set(file, &whole())? {
                return Ok(own);
            }
            if let Some(pid) = holder_of(file, &whole())? {
                return Ok(pid);
            }
        }
    }
}

/// Remembers for which descriptors it is the writer; a forked child inherits the memory, but not the lock.
///
/// breaks: "A forked child of the writer is not the writer: in the child, too, `claim` returns the parent's id."
/// fails: claim::a_child_of_the_writer_does_not_keep_the_role failed
/// fails: claim::the_child_is_not_the_writer_itself failed
mod remembers_the_descriptor {
    use super::*;

    static MINE: Mutex<Vec<RawFd>> = Mutex::new(Vec::new());

    pub fn claim(file: &File) -> io::Result<i32> {
        let mut mine = MINE.lock().map_err(|_| Errno::EDEADLK)?;
        if mine.contains(&file.as_raw_fd()) {
            return Ok(me());
        }
        let pid = take_or_ask(file, &whole())?;
        if pid == me() {
            mine.push(file.as_raw_fd());
        }
        Ok(pid)
    }
}

/// Seeks to the start for lockf(3), which locks from the position on, and leaves the position there.
///
/// breaks: "It changes neither bytes, size nor position of the file, makes no file, and leaves no descriptor open."
/// fails: claim::leaves_everything_else_as_it_is failed
/// fails: claim::the_position_stays_for_all_who_share_it failed
mod seeks_for_lockf {
    use super::*;

    pub fn claim(mut file: &File) -> io::Result<i32> {
        loop {
            file.seek(SeekFrom::Start(0))?;
            // SAFETY: the descriptor is open, and the call takes no pointer.
            match Errno::result(unsafe { libc::lockf(file.as_raw_fd(), libc::F_TLOCK, 0) }) {
                Ok(_) => return Ok(me()),
                Err(Errno::EAGAIN | Errno::EACCES) => {}
                Err(errno) => return Err(errno.into()),
            }
            if let Some(pid) = holder_of(file, &whole())? {
                return Ok(pid);
            }
        }
    }
}

/// Remembers who was the writer, and asks kill(2) whether it still exists: a zombie does.
///
/// breaks: "The role ends with the process, even by SIGKILL, and even before its parent has waited for it."
/// fails: claim::the_role_is_free_when_the_writer_is_killed failed a-pid-is-a-process
mod asks_whether_the_pid_exists {
    use super::*;

    const BYTE: i64 = 1 << 40;

    pub fn claim(file: &File) -> io::Result<i32> {
        static LAST: Mutex<Vec<(u64, u64, i32)>> = Mutex::new(Vec::new());
        let metadata = file.metadata()?;
        let mut last = LAST.lock().map_err(|_| Errno::EDEADLK)?;
        let key = (metadata.dev(), metadata.ino());
        if let Some(&(.., pid)) = last.iter().find(|&&(dev, ino, _)| (dev, ino) == key) {
            // SAFETY: signal 0 is not sent.
            if pid != me() && unsafe { libc::kill(pid, 0) } == 0 {
                return Ok(pid);
            }
        }
        let pid = take_or_ask(file, &lock(libc::F_WRLCK, libc::SEEK_SET, BYTE, 1))?;
        last.retain(|&(dev, ino, _)| (dev, ino) != key);
        last.push((key.0, key.1, pid));
        Ok(pid)
    }
}

/// Locks from the end of the file on, wherever that is now: each such lock has the last byte that a file could have.
///
/// passes
mod from_the_end_on {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        take_or_ask(file, &lock(libc::F_WRLCK, libc::SEEK_END, 0, 0))
    }
}

/// Locks from the file's position on, without an end: any two of such locks overlap.
///
/// passes
mod all_from_the_position_on {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        claim_with(file, record(libc::F_WRLCK, libc::SEEK_CUR, 0, 0))
    }
}

/// Takes any error for "another process has it", and asks for ever when the kernel has no locks left.
///
/// breaks: "Those of the system calls, with their errno."
/// fails: claim::returns_the_errors_of_system_calls timed_out
mod every_error_is_busy {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        loop {
            if fcntl(file, FcntlArg::F_SETLK(&whole())).is_ok() {
                return Ok(own());
            }
            if let Some(pid) = holder_of(file, &whole())? {
                return Ok(pid);
            }
        }
    }
}

/// Takes an error of F_GETLK for "nobody has it".
///
/// breaks: "Those of the system calls, with their errno."
/// fails: claim::returns_the_errors_of_system_calls failed
mod is_the_writer_without_an_answer {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        loop {
            if set(file, &whole())? {
                return Ok(own());
            }
            match holder_of(file, &whole()) {
                Ok(Some(pid)) => return Ok(pid),
                Ok(None) => {}
                Err(_) => return Ok(own()),
            }
        }
    }
}

/// Locks the bytes that the file has, and gives an empty file its first byte for that.
///
/// breaks: "It changes neither bytes, size nor position of the file, makes no file, and leaves no descriptor open."
/// fails: claim::one_process_is_the_writer_and_the_others_learn_who failed
mod makes_room_for_the_lock {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        if file.metadata()?.len() == 0 {
            file.set_len(1)?;
        }
        claim_with(file, record(libc::F_WRLCK, libc::SEEK_SET, 0, 1))
    }
}

/// Tells files apart by their inode number alone when it remembers its roles; another disk has the same numbers.
///
/// breaks: "Each file has a writer of its own. A process may be the writer of several files."
/// fails: claim::tells_the_files_of_two_disks_apart failed
mod inode_without_device {
    use super::*;

    static WRITES: Mutex<Vec<(i32, u64)>> = Mutex::new(Vec::new());

    pub fn claim(file: &File) -> io::Result<i32> {
        let key = (me(), file.metadata()?.ino());
        let mut writes = WRITES.lock().unwrap();
        if writes.contains(&key) {
            return Ok(me());
        }
        let writer = take_or_ask(file, &whole())?;
        if writer == me() {
            writes.push(key);
        }
        Ok(writer)
    }
}

/// Locks the last byte of the file, which is another one when its size has changed.
///
/// breaks: "`file` is open for reading and writing. Its size and its position may change between two calls."
/// fails: claim::one_process_is_the_writer_and_the_others_learn_who failed
mod last_byte_of_the_file {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        let last = i64::try_from(file.metadata()?.len().saturating_sub(1)).map_err(io::Error::other)?;
        take_or_ask(file, &lock(libc::F_WRLCK, libc::SEEK_SET, last, 1))
    }
}

/// Puts the errno of a failed lock into a text, and has none of its own then.
///
/// breaks: "Those of the system calls, with their errno."
/// fails: claim::returns_the_errors_of_system_calls failed
mod loses_the_errno {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        take_or_ask(file, &whole()).map_err(|error| io::Error::other(format!("cannot lock: {error}")))
    }
}

/// Gives back the role that it has for another file: one role at a time.
///
/// breaks: "Each file has a writer of its own. A process may be the writer of several files."
/// fails: claim::each_file_has_a_writer_of_its_own failed
mod one_role_at_a_time {
    use super::*;

    static LAST: AtomicI32 = AtomicI32::new(-1);

    pub fn claim(file: &File) -> io::Result<i32> {
        let last = LAST.swap(file.as_raw_fd(), SeqCst);
        if last >= 0 && last != file.as_raw_fd() {
            let free = lock(libc::F_UNLCK, libc::SEEK_SET, 0, 0);
            // SAFETY: fcntl(2) with F_SETLK only reads the lock.
            unsafe { libc::fcntl(last, libc::F_SETLK, &raw const free) };
        }
        take_or_ask(file, &whole())
    }
}

/// Follows the last hint, line by line.
///
/// passes
#[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "the hint's code is short")]
mod claim_as_the_hint_says {
    use super::*;

    pub fn claim(file: &File) -> io::Result<i32> {
        let mut lock = libc::flock { l_type: libc::F_WRLCK as i16, l_whence: 0, l_start: 0, l_len: 0, l_pid: 0 };
        loop {
            match fcntl(file, FcntlArg::F_SETLK(&lock)) {
                Err(Errno::EACCES | Errno::EAGAIN) => {}
                taken => return Ok(taken.map(|_| std::process::id() as i32)?),
            }
            fcntl(file, FcntlArg::F_GETLK(&mut lock))?;
            if lock.l_type != libc::F_UNLCK as i16 {
                return Ok(lock.l_pid);
            }
            lock.l_type = libc::F_WRLCK as i16;
        }
    }
}

one_of! {
    pub fn claim(file: &File) -> io::Result<i32>;
    locks_with_flock waits_for_its_turn writes_its_pid_down takes_or_asks asks_first locks_last_possible_byte
    locks_through_leaked_duplicate closes_a_duplicate lock_of_the_description flock_lives_on_in_the_child
    writes_its_id_down asks_only_once loses_the_race_with_an_error shares_the_lock asks_and_does_not_take
    child_remembers_the_role child_never_takes_over own_id_cached zombie_counts_as_alive releases_before_it_takes
    locks_one_byte_at_the_position locks_at_the_end lock_file expects_eacces thread_id one_role_for_all_files
    record_lock asks_first_2 last_possible_byte locks_its_size flock_and_proc_locks description_lock
    waits_for_the_lock_2 from_the_position byte_at_the_end shared_lock weakened_and_asked_for_weakly
    answer_without_a_holder asks_and_assumes through_a_copy keeps_a_descriptor releases_first writer_of_everything
    cached_process_id id_of_the_thread writes_its_id extended_attribute lock_file_beside inherits_from_its_parent
    queues_for_the_question lockf_at_zero gone_means_mine three_rounds sleeps_between_rounds asks_through_a_copy
    probes_the_holder ignores_errors whole_file asks_first_far_out waits_for_the_role from_the_position_on
    lock_for_reading pid_of_nobody reuses_the_answer loses_with_an_error remembers_its_pid remembers_the_descriptor
    seeks_for_lockf asks_whether_the_pid_exists from_the_end_on all_from_the_position_on every_error_is_busy
    is_the_writer_without_an_answer makes_room_for_the_lock inode_without_device last_byte_of_the_file loses_the_errno
    one_role_at_a_time claim_as_the_hint_says
}
