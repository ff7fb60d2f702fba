use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, ErrorKind, Seek};
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
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

fn at_least_3(number: RawFd) -> io::Result<()> {
    if number < 3 { Err(io::ErrorKind::InvalidInput.into()) } else { Ok(()) }
}

fn answer(value: libc::c_int) -> io::Result<()> {
    if value == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// A duplicate with FD_CLOEXEC, with the lowest free number from `from` on.
fn duplicate_again(file: &File, from: RawFd) -> io::Result<OwnedFd> {
    let duplicate = fcntl(file, FcntlArg::F_DUPFD_CLOEXEC(from))?;
    // SAFETY: fcntl(2) has just made this descriptor, for us to own.
    Ok(unsafe { OwnedFd::from_raw_fd(duplicate) })
}

/// A duplicate that has `number` itself if that is free here, so that nothing else gets it, and else any other.
fn duplicate_at(file: &File, number: RawFd) -> io::Result<OwnedFd> {
    match duplicate_again(file, number) {
        // `number` is taken, and so is everything above it.
        Err(error) if error.raw_os_error() == Some(libc::EMFILE) => duplicate_again(file, 3),
        other => other,
    }
}

/// In the child: puts `from` at `number`, without FD_CLOEXEC.
fn place(from: RawFd, number: RawFd) -> io::Result<()> {
    if from == number {
        // SAFETY: the call takes no pointer.
        return answer(unsafe { libc::fcntl(from, libc::F_SETFD, 0) });
    }
    // SAFETY: the call takes no pointer, and the child's table is its own.
    answer(unsafe { libc::dup2(from, number) })
}

/// Has `command` place the duplicate that it owns.
fn place_in_child(command: &mut Command, own: OwnedFd, number: RawFd) {
    // SAFETY: between fork and exec the closure makes one system call.
    unsafe { command.pre_exec(move || place(own.as_raw_fd(), number)) };
}

/// A duplicate at `number` if that is free, and else anywhere.
fn keep(file: &File, number: RawFd) -> io::Result<OwnedFd> {
    match duplicate(file, number) {
        Err(error) if error.raw_os_error() == Some(libc::EMFILE) => duplicate(file, 3),
        other => other,
    }
}

fn in_the_child(command: &mut Command, step: impl FnMut() -> io::Result<()> + Send + Sync + 'static) {
    // SAFETY: `step` is meant to make system calls only.
    unsafe { command.pre_exec(step) };
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
/// fails: hand_down::all_else_of_the_program_is_as_before exited
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
/// fails: hand_down::a_number_at_the_limit_is_one_like_any_other failed
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
/// fails: hand_down::it_is_the_same_open_file_and_comes_once failed
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
/// fails: hand_down::all_else_of_the_program_is_as_before failed
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
/// fails: hand_down::all_else_of_the_program_is_as_before failed
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
/// breaks: "If `number` is free when `hand_down` is called, nothing else may get it while `command` exists."
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
/// fails: hand_down::a_number_at_the_limit_is_one_like_any_other failed
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
/// fails: hand_down::a_number_at_the_limit_is_one_like_any_other failed
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
/// fails: hand_down::all_else_of_the_program_is_as_before failed
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

/// Duplicates the file, at `number` itself if that is free, and places the duplicate in the child.
///
/// passes
mod reserved_and_placed {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        at_least_3(number)?;
        let own = duplicate_at(file, number)?;
        place_in_child(command, own, number);
        Ok(())
    }
}

/// Holds two duplicates: one to be the source, and one that only keeps `number` from others while it is free.
///
/// passes
mod one_to_copy_and_one_to_reserve {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        at_least_3(number)?;
        let mut source = duplicate_at(file, number)?;
        let mut reserved = None;
        if source.as_raw_fd() == number
            && let Ok(other) = duplicate_again(file, 3)
        {
            reserved = Some(std::mem::replace(&mut source, other));
        }
        let child = move || {
            _ = &reserved;
            place(source.as_raw_fd(), number)
        };
        // SAFETY: between fork and exec the closure makes one system call.
        unsafe { command.pre_exec(child) };
        Ok(())
    }
}

/// Places the file with dup3(2) and closes the source itself, before exec would.
///
/// passes
mod dup3_and_close {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        if !(3..).contains(&number) {
            return Err(Errno::EINVAL.into());
        }
        let own = Arc::new(duplicate_at(file, number)?);
        let child = move || {
            let from = own.as_raw_fd();
            if from == number {
                // SAFETY: the call takes no pointer.
                return answer(unsafe { libc::fcntl(from, libc::F_SETFD, 0) });
            }
            // SAFETY: the call takes no pointer.
            answer(unsafe { libc::dup3(from, number, 0) })?;
            // SAFETY: the source is closed in the child's own table, where nothing drops it.
            answer(unsafe { libc::close(from) })
        };
        // SAFETY: between fork and exec the closure makes two system calls.
        unsafe { command.pre_exec(child) };
        Ok(())
    }
}

/// Does not keep `number` from the pipe by which `Command` learns of a failed exec.
///
/// breaks: "If `number` is free when `hand_down` is called, nothing else may get it while `command` exists."
/// fails: hand_down::a_program_that_does_not_exist_is_an_error failed
mod number_not_reserved {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        at_least_3(number)?;
        let own = file.try_clone()?.into();
        place_in_child(command, own, number);
        Ok(())
    }
}

/// Reserves `number`, but only until it returns.
///
/// breaks: "If `number` is free when `hand_down` is called, nothing else may get it while `command` exists."
/// fails: hand_down::a_program_that_does_not_exist_is_an_error failed
mod reserved_until_it_returns {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        at_least_3(number)?;
        let _reserved = duplicate_at(file, number)?;
        let own = duplicate_again(file, 3)?;
        place_in_child(command, own, number);
        Ok(())
    }
}

/// Calls dup2 even if the duplicate has the number already, and then FD_CLOEXEC stays.
///
/// breaks: "the program finds it open as its descriptor `number`."
/// fails: hand_down::a_number_at_the_limit_is_one_like_any_other failed
/// fails: hand_down::it_is_the_same_open_file_and_comes_once failed
/// fails: hand_down::no_other_program_gets_it failed
/// fails: hand_down::nothing_stays_open_here failed
/// fails: hand_down::the_program_finds_the_file_under_the_number failed
mod dup2_to_itself {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        at_least_3(number)?;
        let own = duplicate_at(file, number)?;
        // SAFETY: dup2(2) takes no pointer.
        let child = move || answer(unsafe { libc::dup2(own.as_raw_fd(), number) });
        // SAFETY: between fork and exec nothing else is called.
        unsafe { command.pre_exec(child) };
        Ok(())
    }
}

/// Looks only from `number` on for a free descriptor, and finds none if the highest one is taken.
///
/// breaks: "`number` may be the highest that RLIMIT_NOFILE permits."
/// fails: hand_down::a_number_at_the_limit_is_one_like_any_other failed
mod nothing_above_the_highest {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        at_least_3(number)?;
        let own = duplicate_again(file, number)?;
        place_in_child(command, own, number);
        Ok(())
    }
}

/// Falls back to the lowest free descriptor, which is 0 if standard input is closed: `Command` puts its own there.
///
/// breaks: "`number` may be the highest that RLIMIT_NOFILE permits. Standard input may be closed in this process."
/// fails: hand_down::a_number_at_the_limit_is_one_like_any_other failed
mod falls_back_to_standard_input {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        at_least_3(number)?;
        let own = duplicate_again(file, number).or_else(|_| duplicate_again(file, 0))?;
        place_in_child(command, own, number);
        Ok(())
    }
}

/// Duplicates with dup(2), whose descriptor every program inherits that is started meanwhile.
///
/// breaks: "No other program that this process starts, at any time, gets a descriptor of it."
/// fails: hand_down::a_number_at_the_limit_is_one_like_any_other failed
/// fails: hand_down::it_is_the_same_open_file_and_comes_once failed
/// fails: hand_down::no_other_program_gets_it failed cloexec-is-of-one-program
/// fails: hand_down::the_program_finds_the_file_under_the_number failed
mod dup_without_cloexec {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        at_least_3(number)?;
        // SAFETY: dup(2) takes no pointer.
        let copy = unsafe { libc::dup(file.as_raw_fd()) };
        answer(copy)?;
        // SAFETY: dup(2) has just made it.
        let own = unsafe { OwnedFd::from_raw_fd(copy) };
        let reserved = duplicate_again(file, number).ok();
        let child = move || {
            _ = &reserved;
            place(own.as_raw_fd(), number)?;
            // SAFETY: in the child's table; the program must not get the source.
            if own.as_raw_fd() == number { Ok(()) } else { answer(unsafe { libc::close(own.as_raw_fd()) }) }
        };
        // SAFETY: between fork and exec the closure makes two system calls.
        unsafe { command.pre_exec(child) };
        Ok(())
    }
}

/// Places the file here and takes FD_CLOEXEC away from it, so that any program inherits it.
///
/// breaks: "No other program that this process starts, at any time, gets a descriptor of it."
/// fails: hand_down::a_number_at_the_limit_is_one_like_any_other failed
/// fails: hand_down::it_is_the_same_open_file_and_comes_once failed
/// fails: hand_down::no_other_program_gets_it failed cloexec-is-of-one-program
/// fails: hand_down::the_program_finds_the_file_under_the_number failed
mod inherited_by_all {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        at_least_3(number)?;
        let own = duplicate_at(file, number)?;
        fcntl(&own, FcntlArg::F_SETFD(FdFlag::empty()))?;
        place_in_child(command, own, number);
        Ok(())
    }
}

/// Clears FD_CLOEXEC of the source in the child too: the program gets the file twice.
///
/// breaks: "The program gets no other descriptor of the file."
/// fails: hand_down::a_number_at_the_limit_is_one_like_any_other failed
/// fails: hand_down::no_other_program_gets_it failed
/// fails: hand_down::the_program_finds_the_file_under_the_number failed
mod the_source_stays_open_too {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        at_least_3(number)?;
        let own = duplicate_at(file, number)?;
        let child = move || {
            // SAFETY: fcntl(2) takes no pointer here.
            answer(unsafe { libc::fcntl(own.as_raw_fd(), libc::F_SETFD, 0) })?;
            place(own.as_raw_fd(), number)
        };
        // SAFETY: between fork and exec the closure makes two system calls.
        unsafe { command.pre_exec(child) };
        Ok(())
    }
}

/// Remembers only the number of the caller's descriptor, which may be closed or another file by then.
///
/// breaks: "`file` may be dropped before `command` starts a program."
/// fails: hand_down::the_program_finds_the_file_under_the_number failed a-number-is-the-file
mod borrows_the_number_of_file {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        at_least_3(number)?;
        let reserved = duplicate_at(file, number)?;
        let from = file.as_raw_fd();
        let child = move || {
            _ = &reserved;
            place(from, number)
        };
        // SAFETY: between fork and exec the closure makes one system call.
        unsafe { command.pre_exec(child) };
        Ok(())
    }
}

/// Gives the duplicate away as a bare number, which nothing closes when the command is dropped.
///
/// breaks: "Once `command` is dropped, no descriptor that the call made is open."
/// fails: hand_down::nothing_stays_open_here failed
mod outlives_the_command {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        at_least_3(number)?;
        let own = duplicate_at(file, number)?.into_raw_fd();
        // SAFETY: between fork and exec the closure makes one system call.
        unsafe { command.pre_exec(move || place(own, number)) };
        Ok(())
    }
}

/// Opens the file again through /proc, which gives it an offset of its own.
///
/// breaks: "The descriptor refers to the same open file description, as after dup(2): the offset is shared."
/// fails: hand_down::it_is_the_same_open_file_and_comes_once failed to-open-again-is-to-dup
mod opens_it_again_2 {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        at_least_3(number)?;
        let again = File::open(format!("/proc/self/fd/{}", file.as_raw_fd()))?;
        let own = duplicate_at(&again, number)?;
        place_in_child(command, own, number);
        Ok(())
    }
}

/// Places the file for the first program only: each fork inherits the flag, but the parent's must be set by someone.
///
/// breaks: "Makes `command` pass `file` to each program that it starts from now on"
/// fails: hand_down::nothing_stays_open_here failed
/// fails: hand_down::the_program_finds_the_file_under_the_number failed
mod first_program_only {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        at_least_3(number)?;
        let own = duplicate_at(file, number)?;
        // SAFETY: an anonymous shared page, which parent and children see; it is never unmapped while in use.
        let page = unsafe {
            let (both, shared) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_ANONYMOUS);
            libc::mmap(std::ptr::null_mut(), 64, both, shared, -1, 0)
        };
        if page == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the page is zeros, is aligned, and stays mapped for good.
        let done: &'static AtomicBool = unsafe { &*page.cast() };
        let child = move || if done.swap(true, Ordering::AcqRel) { Ok(()) } else { place(own.as_raw_fd(), number) };
        // SAFETY: between fork and exec the closure makes one system call.
        unsafe { command.pre_exec(child) };
        Ok(())
    }
}

/// Makes a message in the child, to explain what went wrong.
///
/// breaks: "What runs between fork and exec allocates nothing, and takes no lock that another thread may hold."
/// fails: hand_down::between_fork_and_exec_it_only_makes_system_calls failed
mod formats_in_the_child {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        at_least_3(number)?;
        let own = duplicate_at(file, number)?;
        let child = move || {
            let what = format!("can't put a file at descriptor {number}");
            place(own.as_raw_fd(), number).map_err(|error| io::Error::new(error.kind(), what))
        };
        // SAFETY: not kept: the closure allocates between fork and exec.
        unsafe { command.pre_exec(child) };
        Ok(())
    }
}

/// Closes everything else from 3 on in the child, to be sure that nothing leaks.
///
/// breaks: "All else that a program of `command` finds is as before: its environment, standard streams, other descriptors."
/// fails: hand_down::all_else_of_the_program_is_as_before failed
/// fails: hand_down::no_other_program_gets_it failed
mod closes_all_others {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        at_least_3(number)?;
        let own = duplicate_at(file, number)?;
        let child = move || {
            place(own.as_raw_fd(), number)?;
            for (first, last) in [(3, number - 1), (number + 1, RawFd::MAX)] {
                if first <= last {
                    // SAFETY: close_range(2) takes no pointer; it spares `number`.
                    answer(unsafe { libc::close_range(first as u32, last as u32, libc::CLOSE_RANGE_CLOEXEC as i32) })?;
                }
            }
            Ok(())
        };
        // SAFETY: between fork and exec the closure makes system calls only.
        unsafe { command.pre_exec(child) };
        Ok(())
    }
}

/// Lets `Command` bring the file as standard input, and duplicates that.
///
/// breaks: "All else that a program of `command` finds is as before: its environment, standard streams, other descriptors."
/// fails: hand_down::a_number_at_the_limit_is_one_like_any_other failed
/// fails: hand_down::all_else_of_the_program_is_as_before failed
/// fails: hand_down::it_is_the_same_open_file_and_comes_once failed
/// fails: hand_down::no_other_program_gets_it failed
/// fails: hand_down::the_program_finds_the_file_under_the_number failed
mod by_way_of_standard_input {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        at_least_3(number)?;
        command.stdin(Stdio::from(file.try_clone()?));
        let reserved = duplicate_at(file, number)?;
        place_in_child(command, reserved, number);
        Ok(())
    }
}

/// Tells the program in its environment where the file is.
///
/// breaks: "All else that a program of `command` finds is as before: its environment, standard streams, other descriptors."
/// fails: hand_down::all_else_of_the_program_is_as_before failed
mod tells_in_the_environment {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        at_least_3(number)?;
        let own = duplicate_at(file, number)?;
        command.env("SCRATCH_FD", number.to_string());
        place_in_child(command, own, number);
        Ok(())
    }
}

/// Ignores a dup2(2) that fails, so that the program starts without the file.
///
/// breaks: "Any error when `number` is too high (RLIMIT_NOFILE): here, or else when `command` starts a program."
/// fails: hand_down::a_number_at_the_limit_is_one_like_any_other failed
mod ignores_a_failed_dup2 {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        at_least_3(number)?;
        let own = duplicate_again(file, number).or_else(|_| duplicate_again(file, 3))?;
        let child = move || {
            _ = place(own.as_raw_fd(), number);
            Ok(())
        };
        // SAFETY: between fork and exec the closure makes one system call.
        unsafe { command.pre_exec(child) };
        Ok(())
    }
}

/// Takes 1024 for the limit of descriptors everywhere.
///
/// breaks: "`number` may be the highest that RLIMIT_NOFILE permits."
/// fails: hand_down::a_number_at_the_limit_is_one_like_any_other failed
mod limit_of_1024 {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        at_least_3(number)?;
        if number >= 1024 {
            return Err(Errno::EMFILE.into());
        }
        let own = duplicate_at(file, number)?;
        place_in_child(command, own, number);
        Ok(())
    }
}

/// Refuses a number that is in use here.
///
/// breaks: "`number` may be free in this process, or the number of `file`, or that of another open file."
/// fails: hand_down::a_number_at_the_limit_is_one_like_any_other failed
/// fails: hand_down::no_other_program_gets_it failed
/// fails: hand_down::the_program_finds_the_file_under_the_number failed
mod number_must_be_free {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        at_least_3(number)?;
        let own = duplicate_again(file, number)?;
        if own.as_raw_fd() != number {
            return Err(Errno::EBUSY.into());
        }
        place_in_child(command, own, number);
        Ok(())
    }
}

/// Puts the file at `number` in this process, on top of what is open there.
///
/// breaks: "That other file stays open in this process under its number."
/// fails: hand_down::no_other_program_gets_it killed
/// fails: hand_down::the_program_finds_the_file_under_the_number killed
mod placed_in_this_process {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        at_least_3(number)?;
        if file.as_raw_fd() == number {
            place_in_child(command, duplicate_at(file, number)?, number);
            return Ok(());
        }
        // SAFETY: not kept: what is open at `number` may belong to somebody.
        answer(unsafe { libc::dup3(file.as_raw_fd(), number, libc::O_CLOEXEC) })?;
        // SAFETY: dup3(2) has just made it.
        place_in_child(command, unsafe { OwnedFd::from_raw_fd(number) }, number);
        Ok(())
    }
}

/// Closes the caller's own descriptor in the child at the end, also if that has the number in question.
///
/// breaks: "`number` may be free in this process, or the number of `file`, or that of another open file."
/// fails: hand_down::no_other_program_gets_it failed
/// fails: hand_down::the_program_finds_the_file_under_the_number failed
mod closes_file_in_the_child {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        at_least_3(number)?;
        let own = duplicate_at(file, number)?;
        let callers = file.as_raw_fd();
        let child = move || {
            place(own.as_raw_fd(), number)?;
            // SAFETY: close(2) in the child's own table.
            unsafe { libc::close(callers) };
            Ok(())
        };
        // SAFETY: between fork and exec the closure makes system calls only.
        unsafe { command.pre_exec(child) };
        Ok(())
    }
}

/// Keeps what is to be handed down in one static, which the second command overwrites.
///
/// breaks: "`hand_down` is called at most once for each `command`; several commands may exist at the same time."
/// fails: hand_down::the_program_finds_the_file_under_the_number failed
mod one_number_for_all_commands {
    use super::*;

    static NUMBER: AtomicI32 = AtomicI32::new(-1);

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        at_least_3(number)?;
        let own = duplicate_at(file, number)?;
        NUMBER.store(number, Ordering::Release);
        let child = move || place(own.as_raw_fd(), NUMBER.load(Ordering::Acquire));
        // SAFETY: between fork and exec the closure makes one system call.
        unsafe { command.pre_exec(child) };
        Ok(())
    }
}

/// Lets 0, 1 and 2 pass and refuses only what is no descriptor at all.
///
/// breaks: "`InvalidInput` when `number` is less than 3: `Command` itself sets up 0, 1 and 2."
/// fails: hand_down::the_standard_streams_are_refused failed
mod standard_streams_are_fine {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        if number < 0 {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let own = duplicate_at(file, number.max(3))?;
        place_in_child(command, own, number);
        Ok(())
    }
}

/// Reckons 3 among the standard streams.
///
/// breaks: "`InvalidInput` when `number` is less than 3: `Command` itself sets up 0, 1 and 2."
/// fails: hand_down::no_other_program_gets_it failed
/// fails: hand_down::the_program_finds_the_file_under_the_number failed
/// fails: hand_down::the_standard_streams_are_refused panicked
mod three_is_too_low {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        at_least_3(number - 1)?;
        let own = duplicate_at(file, number)?;
        place_in_child(command, own, number);
        Ok(())
    }
}

/// Keeps two duplicates when the number is free: one that reserves it and one that the child copies over it.
///
/// passes
mod two_duplicates {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        at_least_3(number)?;
        let place = keep(file, number)?;
        let own = duplicate(file, 3)?;
        in_the_child(command, move || {
            let _reserved = &place;
            put(own.as_raw_fd(), number)
        });
        Ok(())
    }
}

/// Passes the number of `file` to the child, which is closed when `file` is dropped.
///
/// breaks: "`file` may be dropped before `command` starts a program."
/// fails: hand_down::the_program_finds_the_file_under_the_number failed a-number-is-the-file
mod borrows_the_number {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        at_least_3(number)?;
        let (fd, place) = (file.as_raw_fd(), keep(file, number)?);
        in_the_child(command, move || {
            let _reserved = &place;
            put(fd, number)
        });
        Ok(())
    }
}

/// Clears FD_CLOEXEC of the reserved number here rather than in the child.
///
/// breaks: "No other program that this process starts, at any time, gets a descriptor of it."
/// fails: hand_down::it_is_the_same_open_file_and_comes_once failed
/// fails: hand_down::no_other_program_gets_it failed cloexec-is-of-one-program
mod open_to_all {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        at_least_3(number)?;
        let own = keep(file, number)?;
        if own.as_raw_fd() == number {
            fcntl(&own, FcntlArg::F_SETFD(FdFlag::empty()))?;
        }
        in_the_child(command, move || put(own.as_raw_fd(), number));
        Ok(())
    }
}

/// Copies with dup2 in each case, which does nothing if the duplicate has that number: it is closed at exec.
///
/// breaks: "`number` may be free in this process, or the number of `file`, or that of another open file."
/// fails: hand_down::a_number_at_the_limit_is_one_like_any_other failed
/// fails: hand_down::it_is_the_same_open_file_and_comes_once failed
/// fails: hand_down::no_other_program_gets_it failed
/// fails: hand_down::nothing_stays_open_here failed
/// fails: hand_down::the_program_finds_the_file_under_the_number failed
mod always_dup2 {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        at_least_3(number)?;
        let own = keep(file, number)?;
        in_the_child(command, move || {
            // SAFETY: dup2 takes numbers only; what it closes is the child's.
            let done = unsafe { libc::dup2(own.as_raw_fd(), number) };
            if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
        });
        Ok(())
    }
}

/// Keeps a duplicate anywhere, and leaves the number free for the pipe by which `Command` learns of errors.
///
/// breaks: "If `number` is free when `hand_down` is called, nothing else may get it while `command` exists."
/// fails: hand_down::a_program_that_does_not_exist_is_an_error failed
mod leaves_the_number_free {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        at_least_3(number)?;
        let own = file.try_clone()?;
        in_the_child(command, move || put(own.as_raw_fd(), number));
        Ok(())
    }
}

/// Copies the file to the number here, whatever is there.
///
/// breaks: "That other file stays open in this process under its number."
/// fails: hand_down::no_other_program_gets_it killed
/// fails: hand_down::the_program_finds_the_file_under_the_number killed
mod copies_here {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        at_least_3(number)?;
        if file.as_raw_fd() == number {
            let own = keep(file, number)?;
            in_the_child(command, move || put(own.as_raw_fd(), number));
            return Ok(());
        }
        // SAFETY: dup3 takes numbers only; but it closes what may be somebody's file.
        let fd = Errno::result(unsafe { libc::dup3(file.as_raw_fd(), number, libc::O_CLOEXEC) })?;
        // SAFETY: dup3 has just made this descriptor.
        let own = unsafe { OwnedFd::from_raw_fd(fd) };
        in_the_child(command, move || put(own.as_raw_fd(), number));
        Ok(())
    }
}

/// Lets the closure have a number instead of a descriptor that is closed with it.
///
/// breaks: "Once `command` is dropped, no descriptor that the call made is open."
/// fails: hand_down::nothing_stays_open_here failed
mod never_closed {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        at_least_3(number)?;
        let own = keep(file, number)?.into_raw_fd();
        in_the_child(command, move || put(own, number));
        Ok(())
    }
}

/// Takes any free number for the duplicate when the other is taken, also 0: `Command` sets that up for the program.
///
/// breaks: "`number` may be the highest that RLIMIT_NOFILE permits. Standard input may be closed in this process."
/// fails: hand_down::the_program_finds_the_file_under_the_number failed
mod duplicate_at_0 {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        at_least_3(number)?;
        let mut own = duplicate(file, number).or_else(|_| duplicate(file, 0))?;
        if own.as_raw_fd() != number {
            own = duplicate(file, 0)?;
        }
        in_the_child(command, move || put(own.as_raw_fd(), number));
        Ok(())
    }
}

/// Gives up when the number and all above it are taken.
///
/// breaks: "`number` may be the highest that RLIMIT_NOFILE permits. Standard input may be closed in this process."
/// fails: hand_down::a_number_at_the_limit_is_one_like_any_other failed
mod only_from_the_number_on {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        at_least_3(number)?;
        let own = duplicate(file, number)?;
        in_the_child(command, move || put(own.as_raw_fd(), number));
        Ok(())
    }
}

/// Clears FD_CLOEXEC of the duplicate in the child before it copies it.
///
/// breaks: "The program gets no other descriptor of the file."
/// fails: hand_down::a_number_at_the_limit_is_one_like_any_other failed
/// fails: hand_down::no_other_program_gets_it failed
/// fails: hand_down::the_program_finds_the_file_under_the_number failed
mod both_stay_open {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        at_least_3(number)?;
        let own = keep(file, number)?;
        in_the_child(command, move || {
            put(own.as_raw_fd(), own.as_raw_fd())?;
            put(own.as_raw_fd(), number)
        });
        Ok(())
    }
}

/// Closes all else from 3 on in the child, to be safe.
///
/// breaks: "All else that a program of `command` finds is as before: its environment, standard streams, other descriptors."
/// fails: hand_down::all_else_of_the_program_is_as_before failed
/// fails: hand_down::no_other_program_gets_it failed
mod closes_the_rest {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        at_least_3(number)?;
        let own = keep(file, number)?;
        in_the_child(command, move || {
            put(own.as_raw_fd(), number)?;
            for (first, last) in [(3, number as u32 - 1), (number as u32 + 1, u32::MAX)] {
                // SAFETY: only marks the child's descriptors as to be closed by exec.
                unsafe { libc::syscall(libc::SYS_close_range, first, last, libc::CLOSE_RANGE_CLOEXEC) };
            }
            Ok(())
        });
        Ok(())
    }
}

/// Tells the program which descriptor it got, as systemd does.
///
/// breaks: "All else that a program of `command` finds is as before: its environment, standard streams, other descriptors."
/// fails: hand_down::all_else_of_the_program_is_as_before failed
mod sets_the_environment {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        at_least_3(number)?;
        let own = keep(file, number)?;
        command.env("HANDED_DOWN_FD", number.to_string());
        in_the_child(command, move || put(own.as_raw_fd(), number));
        Ok(())
    }
}

/// Orders all starts by a mutex, which the child locks, too: another thread may hold it at the fork.
///
/// breaks: "What runs between fork and exec allocates nothing, and takes no lock that another thread may hold."
/// fails: hand_down::between_fork_and_exec_it_only_makes_system_calls timed_out
mod locks_in_the_child {
    use super::*;

    static OF_ALL: Mutex<()> = Mutex::new(());

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        at_least_3(number)?;
        let _guard = OF_ALL.lock();
        let own = keep(file, number)?;
        in_the_child(command, move || {
            let _guard = OF_ALL.lock();
            put(own.as_raw_fd(), number)
        });
        Ok(())
    }
}

/// Rewinds the file in the child, so that the program reads it from the beginning.
///
/// breaks: "The descriptor refers to the same open file description, as after dup(2): the offset is shared."
/// fails: hand_down::it_is_the_same_open_file_and_comes_once failed
mod rewinds {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        at_least_3(number)?;
        let own = keep(file, number)?;
        in_the_child(command, move || {
            // SAFETY: lseek takes numbers only.
            unsafe { libc::lseek(own.as_raw_fd(), 0, libc::SEEK_SET) };
            put(own.as_raw_fd(), number)
        });
        Ok(())
    }
}

/// Reserves also the numbers around it, in the program as well.
///
/// breaks: "All else that a program of `command` finds is as before: its environment, standard streams, other descriptors."
/// fails: hand_down::no_other_program_gets_it failed
mod leaves_a_pipe_to_the_program {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        at_least_3(number)?;
        let own = keep(file, number)?;
        let (reader, _writer) = io::pipe()?;
        let reader = OwnedFd::from(reader);
        in_the_child(command, move || {
            close_on_exec(reader.as_raw_fd(), false)?;
            put(own.as_raw_fd(), number)
        });
        Ok(())
    }
}

/// Looks for a duplicate above the number, and overflows with the highest one.
///
/// breaks: "Any error when `number` is too high (RLIMIT_NOFILE): here, or else when `command` starts a program."
/// fails: hand_down::a_number_at_the_limit_is_one_like_any_other panicked
mod adds_one {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        at_least_3(number)?;
        let own =
            keep(file, number).or_else(|error| if number + 1 > 1 << 20 { Err(error) } else { duplicate(file, 3) })?;
        in_the_child(command, move || put(own.as_raw_fd(), number));
        Ok(())
    }
}

/// Keeps one duplicate for each number, so a second command takes that of the first one.
///
/// breaks: "Once `command` is dropped, no descriptor that the call made is open."
/// fails: hand_down::the_program_finds_the_file_under_the_number failed
mod one_file_for_each_number {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        static FILES: Mutex<BTreeMap<RawFd, std::sync::Weak<OwnedFd>>> = Mutex::new(BTreeMap::new());
        at_least_3(number)?;
        let known = FILES.lock().unwrap().get(&number).and_then(std::sync::Weak::upgrade);
        let own = if let Some(own) = known {
            own
        } else {
            let own = Arc::new(keep(file, number)?);
            FILES.lock().unwrap().insert(number, Arc::downgrade(&own));
            own
        };
        in_the_child(command, move || put(own.as_raw_fd(), number));
        Ok(())
    }
}

/// Says in the child what it does, with the lock of stderr.
///
/// breaks: "What runs between fork and exec allocates nothing, and takes no lock that another thread may hold."
/// fails: hand_down::between_fork_and_exec_it_only_makes_system_calls timed_out
mod locks_stderr {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        at_least_3(number)?;
        let own = keep(file, number)?;
        in_the_child(command, move || {
            let _stderr = io::stderr().lock();
            put(own.as_raw_fd(), number)
        });
        Ok(())
    }
}

/// Takes the number that is in use now for one that stays so, and puts the file beside it if it is free then.
///
/// breaks: "`number` may be free in this process, or the number of `file`, or that of another open file."
/// fails: hand_down::the_program_finds_the_file_under_the_number failed
mod free_when_it_starts {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        at_least_3(number)?;
        // SAFETY: F_GETFD takes numbers only.
        let taken = unsafe { libc::fcntl(number, libc::F_GETFD) } >= 0;
        let of_file = number == file.as_raw_fd();
        let own = keep(file, number)?;
        in_the_child(command, move || {
            // SAFETY: F_GETFD takes numbers only.
            if taken && !of_file && unsafe { libc::fcntl(number, libc::F_GETFD) } < 0 {
                return Err(Errno::EBADF.into());
            }
            put(own.as_raw_fd(), number)
        });
        Ok(())
    }
}

/// Clears FD_CLOEXEC in the child in any case, after a dup2 that may do nothing, and refuses a number that is too high here.
///
/// passes
mod clears_in_any_case {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        if matches!(number, RawFd::MIN..=2) {
            return Err(Errno::EINVAL.into());
        }
        let own = match duplicate(file, number) {
            Ok(own) => own,
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) => return Err(Errno::EBADF.into()),
            Err(_) => file.try_clone()?.into(),
        };
        between(command, move || {
            dup2(own.as_raw_fd(), number)?;
            close_on_exec(number, false)
        });
        Ok(())
    }
}

/// Raises the soft limit when the number is too high.
///
/// breaks: "Any error when `number` is too high (RLIMIT_NOFILE): here, or else when `command` starts a program."
/// fails: hand_down::a_number_at_the_limit_is_one_like_any_other failed
mod raises_the_limit {
    use super::*;

    use nix::sys::resource::{Resource, getrlimit, setrlimit};

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        check(number)?;
        let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
        if number as u64 >= soft && (number as u64) < hard {
            setrlimit(Resource::RLIMIT_NOFILE, number as u64 + 1, hard)?;
        }
        let own = keep(file, number)?;
        between(command, move || put(own.as_raw_fd(), number));
        Ok(())
    }
}

/// Asks with F_GETFD whether the number is free, and takes it in a second call, whoever has got it in between.
///
/// breaks: "That other file stays open in this process under its number."
/// fails: hand_down::the_program_finds_the_file_under_the_number failed
mod asks_and_takes {
    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        check(number)?;
        // SAFETY: the call takes numbers.
        let own = if unsafe { libc::fcntl(number, libc::F_GETFD) } < 0 {
            // SAFETY: the call takes numbers.
            let taken = Errno::result(unsafe { libc::dup3(file.as_raw_fd(), number, libc::O_CLOEXEC) })?;
            // SAFETY: this answer takes it for its own.
            unsafe { OwnedFd::from_raw_fd(taken) }
        } else {
            duplicate(file, 3)?
        };
        between(command, move || put(own.as_raw_fd(), number));
        Ok(())
    }
}

/// Follows the last hint, line by line.
///
/// passes
mod hand_down_as_the_hint_says {
    use std::os::fd::AsFd;

    use super::*;

    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()> {
        if number < 3 {
            return Err(ErrorKind::InvalidInput.into());
        }
        let lent = match fcntl(file, FcntlArg::F_DUPFD_CLOEXEC(number)) {
            // SAFETY: the descriptor is new, and nobody else has it.
            Ok(lent) => unsafe { OwnedFd::from_raw_fd(lent) },
            Err(_) => file.as_fd().try_clone_to_owned()?,
        };
        let put_in_place = move || {
            if lent.as_raw_fd() == number {
                fcntl(&lent, FcntlArg::F_SETFD(FdFlag::empty()))?;
            } else {
                // SAFETY: it accesses no memory.
                Errno::result(unsafe { libc::dup2(lent.as_raw_fd(), number) })?;
            }
            Ok(())
        };
        // SAFETY: the closure calls fcntl(2) and dup2(2) only, which are async-signal-safe, and allocates nothing.
        unsafe { command.pre_exec(put_in_place) };
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
    number_or_above lowest_number starts_without_it number_in_a_static standard_input_instead reserved_and_placed
    one_to_copy_and_one_to_reserve dup3_and_close number_not_reserved reserved_until_it_returns dup2_to_itself
    nothing_above_the_highest falls_back_to_standard_input dup_without_cloexec inherited_by_all
    the_source_stays_open_too borrows_the_number_of_file outlives_the_command opens_it_again_2 first_program_only
    formats_in_the_child closes_all_others by_way_of_standard_input tells_in_the_environment ignores_a_failed_dup2
    limit_of_1024 number_must_be_free placed_in_this_process closes_file_in_the_child one_number_for_all_commands
    standard_streams_are_fine three_is_too_low two_duplicates borrows_the_number open_to_all always_dup2
    leaves_the_number_free copies_here never_closed duplicate_at_0 only_from_the_number_on both_stay_open
    closes_the_rest sets_the_environment locks_in_the_child rewinds leaves_a_pipe_to_the_program adds_one
    one_file_for_each_number locks_stderr free_when_it_starts clears_in_any_case raises_the_limit
    asks_and_takes hand_down_as_the_hint_says
}
