//! Answers to `hand_down`, right and wrong.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, IntoRawFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::libc;

/// Expects dup2(2) to clear FD_CLOEXEC when both numbers are the same.
///
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
/// fails: hand_down::it_is_the_same_open_file_and_comes_once failed
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

one_of! {
    pub fn hand_down(command: &mut Command, file: &File, number: RawFd) -> io::Result<()>;
    dup2_onto_itself exits_with_success hands_it_down_twice never_closes_its_own opens_it_again puts_it_in_place_here
    remembers_a_number
}
