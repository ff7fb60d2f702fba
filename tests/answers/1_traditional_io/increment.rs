//! Answers to `increment`, right and wrong.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use mmap_workbook::lesson_1::{TEMPORARY, leftovers};
use nix::fcntl::{Flock, FlockArg};
use nix::unistd::{ForkResult, fork, pause};

/// Starts from 0, whatever error keeps it from reading the number.
///
/// fails: increment::takes_no_other_error_for_a_file_that_is_not_there failed no-answer-is-nothing-there
mod any_error_is_a_zero {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let opened = File::open(directory)?;
        let _locked = Flock::lock(opened.try_clone()?, FlockArg::LockExclusive).map_err(|(_, errno)| errno)?;
        for left in leftovers(directory)? {
            fs::remove_file(left)?;
        }
        let (number, permissions) = match fs::read_to_string(path) {
            Ok(text) => (number_in(&text)?, Some(fs::metadata(path)?.permissions())),
            Err(_) => (0, None),
        };
        let next = number.checked_add(1).ok_or(io::ErrorKind::InvalidData)?;
        let mut temporary = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(directory)?;
        temporary.write_all(format!("{next}\n").as_bytes())?;
        if let Some(permissions) = permissions {
            temporary.as_file().set_permissions(permissions)?;
        }
        temporary.as_file().sync_all()?;
        temporary.persist(path).map_err(|error| error.error)?;
        opened.sync_all()?;
        Ok(next)
    }

    fn number_in(text: &str) -> io::Result<u64> {
        let text = text.strip_suffix('\n').unwrap_or(text);
        text.parse().map_err(|_| io::ErrorKind::InvalidData.into())
    }
}

/// Replaces an existing file correctly, but creates a missing one with a plain write.
///
/// fails: increment::leaves_a_whole_number_whenever_it_is_killed failed rewriting-is-one-step
mod begins_with_a_write {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        if !path.exists() {
            fs::write(path, "0\n")?;
        }
        crate::solution::increment(path)
    }
}

/// Leaves the new file with the mode of a temporary file.
///
/// fails: increment::gives_the_next_number failed a-new-file-has-the-old-mode
mod forgets_the_mode {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let opened = File::open(directory)?;
        let _locked = Flock::lock(opened.try_clone()?, FlockArg::LockExclusive).map_err(|(_, errno)| errno)?;
        for left in leftovers(directory)? {
            fs::remove_file(left)?;
        }
        let number = match fs::read_to_string(path) {
            Ok(text) => number_in(&text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(error) => return Err(error),
        };
        let next = number.checked_add(1).ok_or(io::ErrorKind::InvalidData)?;
        let mut temporary = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(directory)?;
        temporary.write_all(format!("{next}\n").as_bytes())?;
        temporary.as_file().sync_all()?;
        temporary.persist(path).map_err(|error| error.error)?;
        opened.sync_all()?;
        Ok(next)
    }

    fn number_in(text: &str) -> io::Result<u64> {
        let text = text.strip_suffix('\n').unwrap_or(text);
        text.parse().map_err(|_| io::ErrorKind::InvalidData.into())
    }
}

/// Lets a child hold the lock, and never waits for the child.
///
/// fails: increment::gives_the_next_number left_processes
/// fails: increment::is_on_the_disk_when_it_returns left_processes
/// fails: increment::leaves_a_whole_number_whenever_it_is_killed left_processes
/// fails: increment::waits_for_its_turn left_processes
mod forks_a_lockkeeper {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let number = crate::solution::increment(path)?;
        // SAFETY: the child makes one raw call and never comes back.
        if let ForkResult::Child = unsafe { fork() }? {
            loop {
                pause();
            }
        }
        Ok(number)
    }
}

/// Ends the whole process, successfully, instead of returning an error.
///
/// fails: increment::refuses_what_is_no_number exited
/// fails: increment::takes_no_other_error_for_a_file_that_is_not_there exited
mod leaves_by_exit {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        crate::solution::increment(path).or_else(|_| std::process::exit(0))
    }
}

/// Leaves the temporary files of killed processes.
///
/// fails: increment::leaves_a_whole_number_whenever_it_is_killed failed the-dead-clean-up
mod leaves_what_it_made {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let opened = File::open(directory)?;
        let _locked = Flock::lock(opened.try_clone()?, FlockArg::LockExclusive).map_err(|(_, errno)| errno)?;
        let (number, mode) = match fs::read_to_string(path) {
            Ok(text) => (number_in(&text)?, Some(fs::metadata(path)?.permissions())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => (0, None),
            Err(error) => return Err(error),
        };
        let next = number.checked_add(1).ok_or(io::ErrorKind::InvalidData)?;
        let mut temporary = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(directory)?;
        temporary.write_all(format!("{next}\n").as_bytes())?;
        if let Some(mode) = mode {
            temporary.as_file().set_permissions(mode)?;
        }
        temporary.as_file().sync_all()?;
        temporary.persist(path).map_err(|error| error.error)?;
        opened.sync_all()?;
        Ok(next)
    }

    fn number_in(text: &str) -> io::Result<u64> {
        let text = text.strip_suffix('\n').unwrap_or(text);
        text.parse().map_err(|_| io::ErrorKind::InvalidData.into())
    }
}

/// Locks the file that it then replaces.
///
/// fails: increment::waits_for_its_turn failed a-lock-is-on-the-name
mod locks_the_counter {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let opened = File::open(directory)?;
        let counter = match File::open(path) {
            Ok(file) => Some(Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, errno)| errno)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        for left in leftovers(directory)? {
            fs::remove_file(left)?;
        }
        let (number, mode) = match fs::read_to_string(path) {
            Ok(text) => (number_in(&text)?, Some(fs::metadata(path)?.permissions())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => (0, None),
            Err(error) => return Err(error),
        };
        let next = number.checked_add(1).ok_or(io::ErrorKind::InvalidData)?;
        let mut temporary = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(directory)?;
        temporary.write_all(format!("{next}\n").as_bytes())?;
        if let Some(mode) = mode {
            temporary.as_file().set_permissions(mode)?;
        }
        temporary.as_file().sync_all()?;
        temporary.persist(path).map_err(|error| error.error)?;
        opened.sync_all()?;
        drop(counter);
        Ok(next)
    }

    fn number_in(text: &str) -> io::Result<u64> {
        let text = text.strip_suffix('\n').unwrap_or(text);
        text.parse().map_err(|_| io::ErrorKind::InvalidData.into())
    }
}

/// Takes no lock, so the later process wins.
///
/// fails: increment::waits_for_its_turn failed rename-is-a-lock
mod no_turns {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let opened = File::open(directory)?;
        for left in leftovers(directory)? {
            fs::remove_file(left)?;
        }
        let (number, mode) = match fs::read_to_string(path) {
            Ok(text) => (number_in(&text)?, Some(fs::metadata(path)?.permissions())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => (0, None),
            Err(error) => return Err(error),
        };
        let next = number.checked_add(1).ok_or(io::ErrorKind::InvalidData)?;
        let mut temporary = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(directory)?;
        temporary.write_all(format!("{next}\n").as_bytes())?;
        if let Some(mode) = mode {
            temporary.as_file().set_permissions(mode)?;
        }
        temporary.as_file().sync_all()?;
        temporary.persist(path).map_err(|error| error.error)?;
        opened.sync_all()?;
        Ok(next)
    }

    fn number_in(text: &str) -> io::Result<u64> {
        let text = text.strip_suffix('\n').unwrap_or(text);
        text.parse().map_err(|_| io::ErrorKind::InvalidData.into())
    }
}

/// Reads the number before it has the lock.
///
/// fails: increment::waits_for_its_turn failed what-was-read-still-holds
mod reads_before_its_turn {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let (number, mode) = match fs::read_to_string(path) {
            Ok(text) => (number_in(&text)?, Some(fs::metadata(path)?.permissions())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => (0, None),
            Err(error) => return Err(error),
        };
        let next = number.checked_add(1).ok_or(io::ErrorKind::InvalidData)?;
        let opened = File::open(directory)?;
        let _locked = Flock::lock(opened.try_clone()?, FlockArg::LockExclusive).map_err(|(_, errno)| errno)?;
        for left in leftovers(directory)? {
            fs::remove_file(left)?;
        }
        let mut temporary = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(directory)?;
        temporary.write_all(format!("{next}\n").as_bytes())?;
        if let Some(mode) = mode {
            temporary.as_file().set_permissions(mode)?;
        }
        temporary.as_file().sync_all()?;
        temporary.persist(path).map_err(|error| error.error)?;
        opened.sync_all()?;
        Ok(next)
    }

    fn number_in(text: &str) -> io::Result<u64> {
        let text = text.strip_suffix('\n').unwrap_or(text);
        text.parse().map_err(|_| io::ErrorKind::InvalidData.into())
    }
}

/// Syncs the file again after rename(2), and not the directory.
///
/// fails: increment::is_on_the_disk_when_it_returns failed fsync-writes-the-name
mod syncs_the_file_twice {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let opened = File::open(directory)?;
        let _locked = Flock::lock(opened.try_clone()?, FlockArg::LockExclusive).map_err(|(_, errno)| errno)?;
        for left in leftovers(directory)? {
            fs::remove_file(left)?;
        }
        let (number, mode) = match fs::read_to_string(path) {
            Ok(text) => (number_in(&text)?, Some(fs::metadata(path)?.permissions())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => (0, None),
            Err(error) => return Err(error),
        };
        let next = number.checked_add(1).ok_or(io::ErrorKind::InvalidData)?;
        let mut temporary = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(directory)?;
        temporary.write_all(format!("{next}\n").as_bytes())?;
        if let Some(mode) = mode {
            temporary.as_file().set_permissions(mode)?;
        }
        temporary.as_file().sync_all()?;
        let file = temporary.persist(path).map_err(|error| error.error)?;
        file.sync_all()?;
        Ok(next)
    }

    fn number_in(text: &str) -> io::Result<u64> {
        let text = text.strip_suffix('\n').unwrap_or(text);
        text.parse().map_err(|_| io::ErrorKind::InvalidData.into())
    }
}

/// Renames a file that may not be on the disk yet.
///
/// fails: increment::is_on_the_disk_when_it_returns failed rename-writes-the-file
mod trusts_rename {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let opened = File::open(directory)?;
        let _locked = Flock::lock(opened.try_clone()?, FlockArg::LockExclusive).map_err(|(_, errno)| errno)?;
        for left in leftovers(directory)? {
            fs::remove_file(left)?;
        }
        let (number, mode) = match fs::read_to_string(path) {
            Ok(text) => (number_in(&text)?, Some(fs::metadata(path)?.permissions())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => (0, None),
            Err(error) => return Err(error),
        };
        let next = number.checked_add(1).ok_or(io::ErrorKind::InvalidData)?;
        let mut temporary = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(directory)?;
        temporary.write_all(format!("{next}\n").as_bytes())?;
        if let Some(mode) = mode {
            temporary.as_file().set_permissions(mode)?;
        }
        temporary.persist(path).map_err(|error| error.error)?;
        opened.sync_all()?;
        Ok(next)
    }

    fn number_in(text: &str) -> io::Result<u64> {
        let text = text.strip_suffix('\n').unwrap_or(text);
        text.parse().map_err(|_| io::ErrorKind::InvalidData.into())
    }
}

/// Releases the lock once it has read the number.
///
/// fails: increment::waits_for_its_turn failed what-was-read-still-holds
mod unlocks_too_soon {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let opened = File::open(directory)?;
        let locked = Flock::lock(opened.try_clone()?, FlockArg::LockExclusive).map_err(|(_, errno)| errno)?;
        for left in leftovers(directory)? {
            fs::remove_file(left)?;
        }
        let (number, mode) = match fs::read_to_string(path) {
            Ok(text) => (number_in(&text)?, Some(fs::metadata(path)?.permissions())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => (0, None),
            Err(error) => return Err(error),
        };
        let next = number.checked_add(1).ok_or(io::ErrorKind::InvalidData)?;
        locked.unlock().map_err(|(_, errno)| errno)?;
        let mut temporary = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(directory)?;
        temporary.write_all(format!("{next}\n").as_bytes())?;
        if let Some(mode) = mode {
            temporary.as_file().set_permissions(mode)?;
        }
        temporary.as_file().sync_all()?;
        temporary.persist(path).map_err(|error| error.error)?;
        opened.sync_all()?;
        Ok(next)
    }

    fn number_in(text: &str) -> io::Result<u64> {
        let text = text.strip_suffix('\n').unwrap_or(text);
        text.parse().map_err(|_| io::ErrorKind::InvalidData.into())
    }
}

/// Rewrites the number in the file itself.
///
/// fails: increment::gives_the_next_number failed rewriting-is-one-step
/// fails: increment::is_on_the_disk_when_it_returns failed rewriting-is-one-step
/// fails: increment::leaves_a_whole_number_whenever_it_is_killed failed rewriting-is-one-step
mod writes_in_place {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let opened = File::open(directory)?;
        let _locked = Flock::lock(opened.try_clone()?, FlockArg::LockExclusive).map_err(|(_, errno)| errno)?;
        let number = match fs::read_to_string(path) {
            Ok(text) => number_in(&text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(error) => return Err(error),
        };
        let next = number.checked_add(1).ok_or(io::ErrorKind::InvalidData)?;
        fs::write(path, format!("{next}\n"))?;
        File::open(path)?.sync_all()?;
        opened.sync_all()?;
        Ok(next)
    }

    fn number_in(text: &str) -> io::Result<u64> {
        let text = text.strip_suffix('\n').unwrap_or(text);
        text.parse().map_err(|_| io::ErrorKind::InvalidData.into())
    }
}

one_of! {
    pub fn increment(path: &Path) -> io::Result<u64>;
    any_error_is_a_zero begins_with_a_write forgets_the_mode forks_a_lockkeeper leaves_by_exit leaves_what_it_made
    locks_the_counter no_turns reads_before_its_turn syncs_the_file_twice trusts_rename unlocks_too_soon writes_in_place
}
