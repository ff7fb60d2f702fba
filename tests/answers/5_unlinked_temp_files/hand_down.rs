use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, ErrorKind, Seek};
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex};

use mmap_workbook::lesson_5::{memory_file, receive_file, send_file};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::libc;

fn check(number: RawFd) -> io::Result<()> {
    if number < 3 { Err(ErrorKind::InvalidInput.into()) } else { Ok(()) }
}

/// Lets the child run `step` between fork and exec.
fn between(command: &mut Command, step: impl FnMut() -> io::Result<()> + Send + Sync + 'static) {
    // SAFETY: each answer answers for its own step.
    unsafe { command.pre_exec(step) };
}

fn dup2(from: RawFd, to: RawFd) -> io::Result<()> {
    // SAFETY: the call takes two numbers; the child's table is its own.
    Errno::result(unsafe { libc::dup2(from, to) })?;
    Ok(())
}

/// Makes exec(2) keep the descriptor, or close it.
fn close_on_exec(fd: RawFd, close: bool) -> io::Result<()> {
    // SAFETY: the call takes numbers.
    Errno::result(unsafe { libc::fcntl(fd, libc::F_SETFD, if close { libc::FD_CLOEXEC } else { 0 }) })?;
    Ok(())
}

/// A duplicate with a number of at least `least`, which exec(2) closes.
fn duplicate(file: &File, least: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: the call takes a descriptor and a number.
    let fd = Errno::result(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_DUPFD_CLOEXEC, least) })?;
    // SAFETY: the kernel has just made this descriptor, for us to own.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// What the child does in most answers: right also when the duplicate has that number.
fn put(kept: RawFd, number: RawFd) -> io::Result<()> {
    if kept == number { close_on_exec(number, false) } else { dup2(kept, number) }
}

/// Expects dup2(2) to clear FD_CLOEXEC when both numbers are the same.
///
/// fails: hand_down::a_program_that_does_not_exist_is_an_error failed
/// fails: hand_down::no_other_program_gets_it failed
/// fails: hand_down::the_program_finds_the_file_under_the_number failed dup2-always-clears-cloexec
mod dup2_onto_itself {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        if number < 3 {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let lent = file.try_clone()?;
        let put_in_place = move || {
            // SAFETY: dup2(2) takes two integers.
            Errno::result(unsafe { libc::dup2(lent.as_raw_fd(), number) })?;
            Ok(())
        };
        // SAFETY: the closure makes system calls alone.
        unsafe { command.pre_exec(put_in_place) };
        Ok(())
    }
}

/// Ends the process with status 0.
///
/// fails: hand_down::a_number_at_the_limit_is_one_like_any_other exited
/// fails: hand_down::a_program_that_does_not_exist_is_an_error exited
/// fails: hand_down::between_fork_and_exec_it_only_makes_system_calls exited
/// fails: hand_down::it_is_the_same_open_file_and_comes_once exited
/// fails: hand_down::no_other_program_gets_it exited
/// fails: hand_down::nothing_stays_open_here exited
/// fails: hand_down::the_program_finds_the_file_under_the_number exited
/// fails: hand_down::the_standard_streams_are_refused exited
mod exits_with_success {
    use super::*;

    pub fn hand_down(_command: &mut Command, _file: &File, _number: RawFd) -> io::Result<()> {
        std::process::exit(0)
    }
}

/// Clears FD_CLOEXEC on its own descriptor in the child as well.
///
/// fails: hand_down::a_number_at_the_limit_is_one_like_any_other failed
/// fails: hand_down::a_program_that_does_not_exist_is_an_error failed
/// fails: hand_down::it_is_the_same_open_file_and_comes_once failed
/// fails: hand_down::no_other_program_gets_it failed
/// fails: hand_down::the_program_finds_the_file_under_the_number failed
mod hands_it_down_twice {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        if number < 3 {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let lent = file.try_clone()?;
        let put_in_place = move || {
            fcntl(&lent, FcntlArg::F_SETFD(FdFlag::empty()))?;
            // SAFETY: dup2(2) takes two integers.
            Errno::result(unsafe { libc::dup2(lent.as_raw_fd(), number) })?;
            Ok(())
        };
        // SAFETY: the closure makes system calls alone.
        unsafe { command.pre_exec(put_in_place) };
        Ok(())
    }
}

/// Keeps its own descriptor open for ever, so that it is there when the program starts.
///
/// fails: hand_down::a_program_that_does_not_exist_is_an_error failed
/// fails: hand_down::nothing_stays_open_here failed
mod never_closes_its_own {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        if number < 3 {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let source = file.try_clone()?.into_raw_fd();
        let put_in_place = move || {
            let placed = if source == number {
                // SAFETY: F_SETFD takes an integer.
                unsafe { libc::fcntl(number, libc::F_SETFD, 0) }
            } else {
                // SAFETY: dup2(2) takes two integers.
                unsafe { libc::dup2(source, number) }
            };
            Errno::result(placed)?;
            Ok(())
        };
        // SAFETY: the closure makes system calls alone.
        unsafe { command.pre_exec(put_in_place) };
        Ok(())
    }
}

/// Opens the file again, with an offset of its own.
///
/// fails: hand_down::it_is_the_same_open_file_and_comes_once failed to-open-again-is-to-dup
mod opens_it_again {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        if number < 3 {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let again = File::options().read(true).write(true).open(format!("/proc/self/fd/{}", file.as_raw_fd()))?;
        crate::solution::hand_down(command, &again, number)
    }
}

/// Puts the descriptor in place in this process, where every program that is started inherits it.
///
/// fails: hand_down::between_fork_and_exec_it_only_makes_system_calls exited
/// fails: hand_down::it_is_the_same_open_file_and_comes_once failed
/// fails: hand_down::no_other_program_gets_it failed cloexec-is-of-one-program
/// fails: hand_down::nothing_stays_open_here failed
/// fails: hand_down::the_program_finds_the_file_under_the_number failed
mod puts_it_in_place_here {
    use super::*;

    pub fn hand_down(_command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        if number < 3 {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let lent = file.try_clone()?;
        if lent.as_raw_fd() == number {
            fcntl(&lent, FcntlArg::F_SETFD(FdFlag::empty()))?;
            std::mem::forget(lent);
        } else {
            // SAFETY: dup2(2) takes two integers.
            Errno::result(unsafe { libc::dup2(lent.as_raw_fd(), number) })?;
        }
        Ok(())
    }
}

/// Remembers the number of a descriptor that is not its own.
///
/// fails: hand_down::a_program_that_does_not_exist_is_an_error failed
/// fails: hand_down::the_program_finds_the_file_under_the_number failed a-number-is-the-file
mod remembers_a_number {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        if number < 3 {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let source = file.as_raw_fd();
        let put_in_place = move || {
            let placed = if source == number {
                // SAFETY: F_SETFD takes an integer.
                unsafe { libc::fcntl(number, libc::F_SETFD, 0) }
            } else {
                // SAFETY: dup2(2) takes two integers.
                unsafe { libc::dup2(source, number) }
            };
            Errno::result(placed)?;
            Ok(())
        };
        // SAFETY: the closure makes system calls alone.
        unsafe { command.pre_exec(put_in_place) };
        Ok(())
    }
}

/// Takes `number` itself for its duplicate if that is free, so std's own pipe can't get it.
///
/// passes
mod reserves_the_number {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        check(number)?;
        let kept = duplicate(file, number).or_else(|_| duplicate(file, 3))?;
        between(command, move || put(kept.as_raw_fd(), number));
        Ok(())
    }
}

/// Shares the duplicate by an Arc, and clears FD_CLOEXEC with ioctl(2).
///
/// passes
mod clears_with_ioctl {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        check(number)?;
        let kept = Arc::new(duplicate(file, number).or_else(|_| duplicate(file, 3))?);
        between(command, move || {
            if kept.as_raw_fd() != number {
                return dup2(kept.as_raw_fd(), number);
            }
            // SAFETY: FIONCLEX takes no argument.
            Errno::result(unsafe { libc::ioctl(number, libc::FIONCLEX) })?;
            Ok(())
        });
        Ok(())
    }
}

/// Calls dup3(2) without flags, which refuses two equal numbers, and takes a step aside for that case.
///
/// passes
mod steps_aside {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        check(number)?;
        let kept = duplicate(file, number).or_else(|_| duplicate(file, 3))?;
        between(command, move || {
            // SAFETY: the call takes numbers; the child's table is its own.
            match Errno::result(unsafe { libc::dup3(kept.as_raw_fd(), number, 0) }) {
                Err(Errno::EINVAL) if kept.as_raw_fd() == number => close_on_exec(number, false),
                done => Ok(done.map(drop)?),
            }
        });
        Ok(())
    }
}

/// Remembers the number of the caller's file, which may be dropped before the program starts.
///
/// breaks: "`file` may be dropped before `command` starts a program."
/// fails: hand_down::a_program_that_does_not_exist_is_an_error failed
/// fails: hand_down::the_program_finds_the_file_under_the_number failed a-number-is-the-file
mod remembers_the_number {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        check(number)?;
        let fd = file.as_raw_fd();
        between(command, move || put(fd, number));
        Ok(())
    }
}

/// Duplicates, but lets the closure have only the number, so the duplicate is closed on return.
///
/// breaks: "`file` may be dropped before `command` starts a program."
/// fails: hand_down::a_number_at_the_limit_is_one_like_any_other failed
/// fails: hand_down::a_program_that_does_not_exist_is_an_error failed
/// fails: hand_down::between_fork_and_exec_it_only_makes_system_calls failed
/// fails: hand_down::it_is_the_same_open_file_and_comes_once failed
/// fails: hand_down::no_other_program_gets_it failed
/// fails: hand_down::nothing_stays_open_here failed
/// fails: hand_down::the_program_finds_the_file_under_the_number failed
mod drops_the_duplicate {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        check(number)?;
        let kept = file.try_clone()?;
        let fd = kept.as_raw_fd();
        between(command, move || put(fd, number));
        Ok(())
    }
}

/// Needs no duplicate where the file has the right number already, until that is dropped.
///
/// breaks: "`file` may be dropped before `command` starts a program."
/// fails: hand_down::the_program_finds_the_file_under_the_number failed a-number-is-the-file
mod is_there_already {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        check(number)?;
        if file.as_raw_fd() == number {
            between(command, move || close_on_exec(number, false));
            return Ok(());
        }
        super::reserves_the_number::hand_down(command, file, number)
    }
}

/// Trusts dup2(2) to clear FD_CLOEXEC, which it does not when both numbers are the same.
///
/// breaks: "`number` may be free in this process, or the number of `file`, or that of another open file."
/// fails: hand_down::a_number_at_the_limit_is_one_like_any_other failed
/// fails: hand_down::it_is_the_same_open_file_and_comes_once failed
/// fails: hand_down::no_other_program_gets_it failed
/// fails: hand_down::nothing_stays_open_here failed
/// fails: hand_down::the_program_finds_the_file_under_the_number failed
mod dup2_onto_itself_2 {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        check(number)?;
        let kept = duplicate(file, number).or_else(|_| duplicate(file, 3))?;
        between(command, move || dup2(kept.as_raw_fd(), number));
        Ok(())
    }
}

/// Duplicates with dup(2), so that every program inherits the duplicate.
///
/// breaks: "No other program that this process starts, at any time, gets a descriptor of it."
/// fails: hand_down::a_number_at_the_limit_is_one_like_any_other failed
/// fails: hand_down::a_program_that_does_not_exist_is_an_error failed
/// fails: hand_down::it_is_the_same_open_file_and_comes_once failed
/// fails: hand_down::no_other_program_gets_it failed cloexec-is-of-one-program
/// fails: hand_down::the_program_finds_the_file_under_the_number failed
mod duplicates_with_dup {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        check(number)?;
        let kept = nix::unistd::dup(file)?;
        between(command, move || put(kept.as_raw_fd(), number));
        Ok(())
    }
}

/// Places the duplicate at `number` in this process, over another file that is open there.
///
/// breaks: "That other file stays open in this process under its number."
/// fails: hand_down::between_fork_and_exec_it_only_makes_system_calls killed
/// fails: hand_down::no_other_program_gets_it killed
/// fails: hand_down::the_program_finds_the_file_under_the_number killed
mod places_it_here {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        check(number)?;
        if file.as_raw_fd() == number {
            return super::reserves_the_number::hand_down(command, file, number);
        }
        dup2(file.as_raw_fd(), number)?;
        close_on_exec(number, true)?;
        // SAFETY: dup2(2) has just made this descriptor.
        let kept = unsafe { OwnedFd::from_raw_fd(number) };
        between(command, move || close_on_exec(kept.as_raw_fd(), false));
        Ok(())
    }
}

/// Clears FD_CLOEXEC of the duplicate in this process, where every other program inherits it.
///
/// breaks: "No other program that this process starts, at any time, gets a descriptor of it."
/// fails: hand_down::it_is_the_same_open_file_and_comes_once failed
/// fails: hand_down::no_other_program_gets_it failed cloexec-is-of-one-program
mod keeps_it_open_for_all {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        check(number)?;
        let kept = duplicate(file, number).or_else(|_| duplicate(file, 3))?;
        if kept.as_raw_fd() == number {
            close_on_exec(number, false)?;
        }
        between(command, move || dup2(kept.as_raw_fd(), number));
        Ok(())
    }
}

/// Clears FD_CLOEXEC of the duplicate as well, so the program has the file twice.
///
/// breaks: "The program gets no other descriptor of the file."
/// fails: hand_down::a_number_at_the_limit_is_one_like_any_other failed
/// fails: hand_down::a_program_that_does_not_exist_is_an_error failed
/// fails: hand_down::it_is_the_same_open_file_and_comes_once failed
/// fails: hand_down::no_other_program_gets_it failed
/// fails: hand_down::the_program_finds_the_file_under_the_number failed
mod hands_down_two {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        check(number)?;
        let kept = file.try_clone()?;
        between(command, move || {
            close_on_exec(kept.as_raw_fd(), false)?;
            dup2(kept.as_raw_fd(), number)
        });
        Ok(())
    }
}

/// Closes the duplicate in the child after dup2(2), even if that has the number already.
///
/// breaks: "`number` may be free in this process, or the number of `file`, or that of another open file."
/// fails: hand_down::a_number_at_the_limit_is_one_like_any_other failed
/// fails: hand_down::it_is_the_same_open_file_and_comes_once failed
/// fails: hand_down::no_other_program_gets_it failed
/// fails: hand_down::nothing_stays_open_here failed
/// fails: hand_down::the_program_finds_the_file_under_the_number failed
mod closes_what_it_placed {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        check(number)?;
        let kept = duplicate(file, number).or_else(|_| duplicate(file, 3))?;
        between(command, move || {
            put(kept.as_raw_fd(), number)?;
            // SAFETY: the child's table is its own, and the child does not use the duplicate again.
            Errno::result(unsafe { libc::close(kept.as_raw_fd()) })?;
            Ok(())
        });
        Ok(())
    }
}

/// Gives the duplicate away to the closure as a bare number that nobody closes.
///
/// breaks: "Once `command` is dropped, no descriptor that the call made is open."
/// fails: hand_down::a_program_that_does_not_exist_is_an_error failed
/// fails: hand_down::nothing_stays_open_here failed
mod closes_nothing {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        check(number)?;
        let kept = file.try_clone()?.into_raw_fd();
        between(command, move || put(kept, number));
        Ok(())
    }
}

/// Opens the file anew through /proc, with an offset of its own.
///
/// breaks: "The descriptor refers to the same open file description, as after dup(2): the offset is shared."
/// fails: hand_down::a_program_that_does_not_exist_is_an_error failed
/// fails: hand_down::it_is_the_same_open_file_and_comes_once failed to-open-again-is-to-dup
/// fails: hand_down::the_program_finds_the_file_under_the_number failed
mod opens_it_anew {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        check(number)?;
        let kept = File::options().read(true).write(true).open(format!("/proc/self/fd/{}", file.as_raw_fd()))?;
        between(command, move || put(kept.as_raw_fd(), number));
        Ok(())
    }
}

/// Hands down a copy of the bytes, in memory.
///
/// breaks: "The descriptor refers to the same open file description, as after dup(2): the offset is shared."
/// fails: hand_down::a_number_at_the_limit_is_one_like_any_other failed
/// fails: hand_down::it_is_the_same_open_file_and_comes_once failed
/// fails: hand_down::no_other_program_gets_it failed
/// fails: hand_down::nothing_stays_open_here failed
/// fails: hand_down::the_program_finds_the_file_under_the_number failed
mod hands_down_a_copy {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        check(number)?;
        let mut copy = memory_file("copy")?;
        io::copy(&mut &*file, &mut copy)?;
        copy.rewind()?;
        super::reserves_the_number::hand_down(command, &copy, number)
    }
}

/// Rewinds the file, because the program should see all of it.
///
/// breaks: "The descriptor refers to the same open file description, as after dup(2): the offset is shared."
/// fails: hand_down::it_is_the_same_open_file_and_comes_once failed to-open-again-is-to-dup
mod rewinds_it {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        super::reserves_the_number::hand_down(command, file, number)?;
        (&*file).rewind()
    }
}

/// Refuses a negative number only, and has 0, 1 and 2 set up over Command's.
///
/// breaks: "`InvalidInput` when `number` is less than 3: `Command` itself sets up 0, 1 and 2."
/// fails: hand_down::a_program_that_does_not_exist_is_an_error failed
/// fails: hand_down::the_standard_streams_are_refused failed
mod not_negative {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        if number < 0 {
            return Err(ErrorKind::InvalidInput.into());
        }
        let kept = file.try_clone()?;
        between(command, move || put(kept.as_raw_fd(), number));
        Ok(())
    }
}

/// Refuses 3 as well.
///
/// breaks: "`InvalidInput` when `number` is less than 3: `Command` itself sets up 0, 1 and 2."
/// fails: hand_down::between_fork_and_exec_it_only_makes_system_calls failed
/// fails: hand_down::no_other_program_gets_it failed
/// fails: hand_down::the_program_finds_the_file_under_the_number failed
mod greater_than_three {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        if number <= 3 {
            return Err(ErrorKind::InvalidInput.into());
        }
        super::reserves_the_number::hand_down(command, file, number)
    }
}

/// Checks the number in the child, so the error is that of `spawn`.
///
/// breaks: "`InvalidInput` when `number` is less than 3: `Command` itself sets up 0, 1 and 2."
/// fails: hand_down::a_program_that_does_not_exist_is_an_error failed
/// fails: hand_down::the_standard_streams_are_refused failed
mod checks_in_the_child {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        let kept = file.try_clone()?;
        between(command, move || {
            check(number)?;
            put(kept.as_raw_fd(), number)
        });
        Ok(())
    }
}

/// Returns EBADF for a number that is not allowed, as dup2(2) would.
///
/// breaks: "`InvalidInput` when `number` is less than 3: `Command` itself sets up 0, 1 and 2."
/// fails: hand_down::the_standard_streams_are_refused failed
mod bad_descriptor {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        check(number).map_err(|_| Errno::EBADF)?;
        super::reserves_the_number::hand_down(command, file, number)
    }
}

/// Refuses a number under which another file is open.
///
/// breaks: "`number` may be free in this process, or the number of `file`, or that of another open file."
/// fails: hand_down::a_number_at_the_limit_is_one_like_any_other failed
/// fails: hand_down::between_fork_and_exec_it_only_makes_system_calls failed
/// fails: hand_down::no_other_program_gets_it failed
/// fails: hand_down::the_program_finds_the_file_under_the_number failed
mod refuses_a_number_in_use {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        check(number)?;
        // SAFETY: the call takes numbers.
        if number != file.as_raw_fd() && unsafe { libc::fcntl(number, libc::F_GETFD) } != -1 {
            return Err(Errno::EBUSY.into());
        }
        super::reserves_the_number::hand_down(command, file, number)
    }
}

/// Expects F_DUPFD_CLOEXEC to return the number that it asked for.
///
/// breaks: "the program finds it open as its descriptor `number`."
/// fails: hand_down::a_number_at_the_limit_is_one_like_any_other failed
/// fails: hand_down::no_other_program_gets_it failed
/// fails: hand_down::the_program_finds_the_file_under_the_number failed
mod gets_the_number_it_asks_for {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        check(number)?;
        let kept = duplicate(file, number)?;
        between(command, move || close_on_exec(kept.as_raw_fd(), false));
        Ok(())
    }
}

/// Mixes up the two arguments of dup2(2).
///
/// breaks: "the program finds it open as its descriptor `number`."
/// fails: hand_down::a_number_at_the_limit_is_one_like_any_other failed
/// fails: hand_down::a_program_that_does_not_exist_is_an_error failed
/// fails: hand_down::between_fork_and_exec_it_only_makes_system_calls failed
/// fails: hand_down::it_is_the_same_open_file_and_comes_once failed
/// fails: hand_down::no_other_program_gets_it failed
/// fails: hand_down::nothing_stays_open_here failed
/// fails: hand_down::the_program_finds_the_file_under_the_number failed
mod dup2_backwards {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        check(number)?;
        let kept = file.try_clone()?;
        between(command, move || put(number, kept.as_raw_fd()));
        Ok(())
    }
}

/// Sets FD_CLOEXEC at the new number too, as one always should.
///
/// breaks: "the program finds it open as its descriptor `number`."
/// fails: hand_down::a_number_at_the_limit_is_one_like_any_other failed
/// fails: hand_down::a_program_that_does_not_exist_is_an_error failed
/// fails: hand_down::it_is_the_same_open_file_and_comes_once failed
/// fails: hand_down::no_other_program_gets_it failed
/// fails: hand_down::nothing_stays_open_here failed
/// fails: hand_down::the_program_finds_the_file_under_the_number failed
mod closes_on_exec_always {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        check(number)?;
        let kept = file.try_clone()?;
        between(command, move || {
            put(kept.as_raw_fd(), number)?;
            close_on_exec(number, true)
        });
        Ok(())
    }
}

/// Keeps all duplicates in a table, never removes one, and locks it in the child, where the lock's owner may not exist.
///
/// breaks: "Once `command` is dropped, no descriptor that the call made is open."
/// fails: hand_down::a_program_that_does_not_exist_is_an_error failed
/// fails: hand_down::nothing_stays_open_here failed
mod table_with_a_lock {
    use super::*;

    static TABLE: Mutex<BTreeMap<RawFd, OwnedFd>> = Mutex::new(BTreeMap::new());

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        check(number)?;
        let kept: OwnedFd = file.try_clone()?.into();
        let fd = kept.as_raw_fd();
        TABLE.lock().unwrap().insert(fd, kept);
        between(command, move || {
            let table = TABLE.lock().unwrap();
            put(table.get(&fd).ok_or(ErrorKind::NotFound)?.as_raw_fd(), number)
        });
        Ok(())
    }
}

/// Sends the file to the child through a socket, from which only the first program's child can take it.
///
/// breaks: "Makes `command` pass `file` to each program that it starts from now on"
/// fails: hand_down::a_program_that_does_not_exist_is_an_error failed
/// fails: hand_down::between_fork_and_exec_it_only_makes_system_calls failed
/// fails: hand_down::nothing_stays_open_here failed
/// fails: hand_down::the_program_finds_the_file_under_the_number failed
mod sends_it_once {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        check(number)?;
        let (ours, theirs) = UnixStream::pair()?;
        theirs.set_nonblocking(true)?;
        send_file(&ours, file)?;
        between(command, move || {
            let _open = &ours;
            let file = receive_file(&theirs)?;
            put(file.as_raw_fd(), number)?;
            if file.as_raw_fd() == number {
                let _ = file.into_raw_fd();
            }
            Ok(())
        });
        Ok(())
    }
}

/// Closes the descriptors below `number` before it places the file, the duplicate among them.
///
/// breaks: "the program finds it open as its descriptor `number`."
/// fails: hand_down::a_number_at_the_limit_is_one_like_any_other failed
/// fails: hand_down::a_program_that_does_not_exist_is_an_error failed
/// fails: hand_down::it_is_the_same_open_file_and_comes_once failed
/// fails: hand_down::no_other_program_gets_it failed
/// fails: hand_down::nothing_stays_open_here failed
/// fails: hand_down::the_program_finds_the_file_under_the_number failed
mod closes_the_rest_first {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        check(number)?;
        let kept = file.try_clone()?;
        between(command, move || {
            for fd in 3..number {
                // SAFETY: the child's table is its own, and nothing in it is meant for the program.
                unsafe { libc::close(fd) };
            }
            put(kept.as_raw_fd(), number)
        });
        Ok(())
    }
}

/// Closes another file that is open under the number, to make room.
///
/// breaks: "That other file stays open in this process under its number."
/// fails: hand_down::between_fork_and_exec_it_only_makes_system_calls killed
/// fails: hand_down::no_other_program_gets_it killed
/// fails: hand_down::the_program_finds_the_file_under_the_number killed
mod makes_room {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        check(number)?;
        if file.as_raw_fd() == number {
            return super::reserves_the_number::hand_down(command, file, number);
        }
        // SAFETY: not sound: the file under this number belongs to somebody else.
        unsafe { libc::close(number) };
        let kept = duplicate(file, number)?;
        between(command, move || put(kept.as_raw_fd(), number));
        Ok(())
    }
}

/// Lets `try_clone` duplicate, and always calls both dup2(2) and fcntl(2).
///
/// breaks: "A program that doesn't exist is an error as without `hand_down`, if `number` was free: nothing else may get it."
/// fails: hand_down::a_program_that_does_not_exist_is_an_error failed
mod clones_and_does_both {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        check(number)?;
        let kept = file.try_clone()?;
        between(command, move || {
            dup2(kept.as_raw_fd(), number)?;
            close_on_exec(number, false)
        });
        Ok(())
    }
}

/// Sets FD_CLOEXEC on the caller's own descriptor as well, in case it has none.
///
/// passes
mod closes_the_original_on_exec {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        super::reserves_the_number::hand_down(command, file, number)?;
        close_on_exec(file.as_raw_fd(), true)
    }
}

/// Keeps the duplicate above `number`, where there may be no number left.
///
/// breaks: "`number` may be free in this process, or the number of `file`, or that of another open file."
/// fails: hand_down::a_number_at_the_limit_is_one_like_any_other failed
/// fails: hand_down::a_program_that_does_not_exist_is_an_error failed
mod keeps_it_above_the_number {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        check(number)?;
        let kept = duplicate(file, number.saturating_add(1))?;
        between(command, move || dup2(kept.as_raw_fd(), number));
        Ok(())
    }
}

/// Parks the duplicate at 1000 or above, which a lower RLIMIT_NOFILE forbids, and where `number` may be as well.
///
/// breaks: "`number` may be free in this process, or the number of `file`, or that of another open file."
/// fails: hand_down::a_number_at_the_limit_is_one_like_any_other failed
/// fails: hand_down::a_program_that_does_not_exist_is_an_error failed
mod parks_it_at_a_thousand {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        check(number)?;
        let kept = duplicate(file, 1000)?;
        between(command, move || dup2(kept.as_raw_fd(), number));
        Ok(())
    }
}

/// Sets FD_CLOEXEC a moment after dup(2), and a program that another thread starts in that moment inherits it.
///
/// breaks: "No other program that this process starts, at any time, gets a descriptor of it."
/// fails: hand_down::a_program_that_does_not_exist_is_an_error failed
/// fails: hand_down::no_other_program_gets_it failed cloexec-is-of-one-program
/// fails: hand_down::the_program_finds_the_file_under_the_number failed
mod closes_on_exec_a_moment_later {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        check(number)?;
        let kept = nix::unistd::dup(file)?;
        close_on_exec(kept.as_raw_fd(), true)?;
        between(command, move || put(kept.as_raw_fd(), number));
        Ok(())
    }
}

/// Needs a number from `number` on for its duplicate, so that the highest one works only while it is free.
///
/// breaks: "`number` may be free in this process, or the number of `file`, or that of another open file."
/// fails: hand_down::a_number_at_the_limit_is_one_like_any_other failed
mod number_or_above {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        check(number)?;
        let kept = duplicate(file, number)?;
        between(command, move || put(kept.as_raw_fd(), number));
        Ok(())
    }
}

/// Takes the lowest free number for its duplicate, which in a process without a stdin is 0, that Command replaces.
///
/// breaks: "the program finds it open as its descriptor `number`."
/// fails: hand_down::a_program_that_does_not_exist_is_an_error failed
/// fails: hand_down::the_program_finds_the_file_under_the_number failed
mod lowest_number {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        check(number)?;
        let kept = duplicate(file, 0)?;
        between(command, move || put(kept.as_raw_fd(), number));
        Ok(())
    }
}

/// Drops the error in the child: a program starts without the file when the number is too high.
///
/// breaks: "the program finds it open as its descriptor `number`."
/// fails: hand_down::a_number_at_the_limit_is_one_like_any_other failed
/// fails: hand_down::a_program_that_does_not_exist_is_an_error failed
mod starts_without_it {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        check(number)?;
        let kept = file.try_clone()?;
        between(command, move || {
            let _ = put(kept.as_raw_fd(), number);
            Ok(())
        });
        Ok(())
    }
}

/// Keeps the number in a static, where the next command's replaces it.
///
/// breaks: "Makes `command` pass `file` to each program that it starts from now on"
/// fails: hand_down::a_program_that_does_not_exist_is_an_error failed
/// fails: hand_down::the_program_finds_the_file_under_the_number failed
mod number_in_a_static {
    use super::*;

    static NUMBER: AtomicI32 = AtomicI32::new(0);

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        check(number)?;
        NUMBER.store(number, Ordering::Relaxed);
        let kept = file.try_clone()?;
        between(command, move || put(kept.as_raw_fd(), NUMBER.load(Ordering::Relaxed)));
        Ok(())
    }
}

/// Makes the file the program's stdin and duplicates that, so the program has it twice.
///
/// breaks: "The program gets no other descriptor of the file."
/// fails: hand_down::a_number_at_the_limit_is_one_like_any_other failed
/// fails: hand_down::a_program_that_does_not_exist_is_an_error failed
/// fails: hand_down::it_is_the_same_open_file_and_comes_once failed
/// fails: hand_down::no_other_program_gets_it failed
/// fails: hand_down::the_program_finds_the_file_under_the_number failed
mod standard_input_instead {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        check(number)?;
        command.stdin(file.try_clone()?);
        between(command, move || dup2(0, number));
        Ok(())
    }
}

one_of! {
    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()>;
    dup2_onto_itself exits_with_success hands_it_down_twice never_closes_its_own opens_it_again puts_it_in_place_here
    remembers_a_number reserves_the_number clears_with_ioctl steps_aside remembers_the_number drops_the_duplicate
    is_there_already dup2_onto_itself_2 duplicates_with_dup places_it_here keeps_it_open_for_all hands_down_two
    closes_what_it_placed closes_nothing opens_it_anew hands_down_a_copy rewinds_it not_negative greater_than_three
    checks_in_the_child bad_descriptor refuses_a_number_in_use gets_the_number_it_asks_for dup2_backwards
    closes_on_exec_always table_with_a_lock sends_it_once closes_the_rest_first makes_room clones_and_does_both
    closes_the_original_on_exec keeps_it_above_the_number parks_it_at_a_thousand closes_on_exec_a_moment_later
    number_or_above lowest_number starts_without_it number_in_a_static standard_input_instead
}
