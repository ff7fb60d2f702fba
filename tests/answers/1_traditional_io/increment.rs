use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use mmap_workbook::lesson_1::{TEMPORARY, leftovers};
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::libc;
use nix::unistd::{ForkResult, fork, pause};
use tempfile::NamedTempFile;

/// The directory that holds `path`.
fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Opens and locks a file or directory, until it is dropped.
fn lock(path: &Path, how: FlockArg) -> io::Result<Flock<File>> {
    let mut file = File::open(path)?;
    loop {
        match Flock::lock(file, how) {
            Ok(locked) => return Ok(locked),
            Err((same, Errno::EINTR)) => file = same,
            Err((_, error)) => return Err(error.into()),
        }
    }
}

/// Removes what killed processes have left.
fn clean(directory: &Path) -> io::Result<()> {
    leftovers(directory)?.iter().try_for_each(fs::remove_file)
}

/// The number in these bytes.
fn parse(bytes: &[u8]) -> io::Result<u64> {
    let digits = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let text = std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    text.and_then(|text| text.parse().ok()).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// The number after the one in the file, and the mode of the file if it exists.
fn next_after(path: &Path) -> io::Result<(u64, Option<Permissions>)> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((1, None)),
        file => file?,
    };
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let next = parse(&bytes)?.checked_add(1).ok_or(io::ErrorKind::InvalidData)?;
    Ok((next, Some(file.metadata()?.permissions())))
}

/// A temporary file with the number and the mode. It is not on the disk yet.
fn written(directory: &Path, number: u64, mode: Option<Permissions>) -> io::Result<NamedTempFile> {
    let mut temporary = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(directory)?;
    writeln!(temporary, "{number}")?;
    if let Some(mode) = mode {
        temporary.as_file().set_permissions(mode)?;
    }
    Ok(temporary)
}

/// Puts the number into the file: on the disk, under the name, and the name on the disk.
fn replace(path: &Path, directory: &File, number: u64, mode: Option<Permissions>) -> io::Result<()> {
    let temporary = written(directory_of(path), number, mode)?;
    temporary.as_file().sync_all()?;
    temporary.persist(path)?;
    directory.sync_all()
}

/// Starts from 0, whatever error keeps it from reading the number.
///
/// fails: increment::takes_no_other_error_for_a_file_that_is_not_there failed no-answer-is-nothing-there
mod any_error_is_a_zero {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let opened = File::open(directory)?;
        let _locked = lock(directory, FlockArg::LockExclusive)?;
        for left in leftovers(directory)? {
            fs::remove_file(left)?;
        }
        let (number, permissions) = match fs::read_to_string(path) {
            Ok(text) => (parse(text.as_bytes())?, Some(fs::metadata(path)?.permissions())),
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
/// fails: increment::leaves_a_whole_number_whenever_it_is_killed failed
mod forgets_the_mode {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let opened = File::open(directory)?;
        let _locked = lock(directory, FlockArg::LockExclusive)?;
        for left in leftovers(directory)? {
            fs::remove_file(left)?;
        }
        let number = match fs::read_to_string(path) {
            Ok(text) => parse(text.as_bytes())?,
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
}

/// Lets a child hold the lock, and never waits for the child.
///
/// fails: increment::gives_the_next_number left_processes
/// fails: increment::is_on_the_disk_when_it_returns left_processes
/// fails: increment::leaves_a_whole_number_whenever_it_is_killed left_processes
/// fails: increment::returns_the_error_of_a_call left_processes
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
/// fails: increment::returns_the_error_of_a_call exited
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
        let _locked = lock(directory, FlockArg::LockExclusive)?;
        let (number, mode) = match fs::read_to_string(path) {
            Ok(text) => (parse(text.as_bytes())?, Some(fs::metadata(path)?.permissions())),
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
            Ok(text) => (parse(text.as_bytes())?, Some(fs::metadata(path)?.permissions())),
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
            Ok(text) => (parse(text.as_bytes())?, Some(fs::metadata(path)?.permissions())),
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
}

/// Reads the number before it has the lock.
///
/// fails: increment::waits_for_its_turn failed what-was-read-still-holds
mod reads_before_its_turn {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let (number, mode) = match fs::read_to_string(path) {
            Ok(text) => (parse(text.as_bytes())?, Some(fs::metadata(path)?.permissions())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => (0, None),
            Err(error) => return Err(error),
        };
        let next = number.checked_add(1).ok_or(io::ErrorKind::InvalidData)?;
        let opened = File::open(directory)?;
        let _locked = lock(directory, FlockArg::LockExclusive)?;
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
}

/// Syncs the file again after rename(2), and not the directory.
///
/// fails: increment::is_on_the_disk_when_it_returns failed fsync-writes-the-name
mod syncs_the_file_twice {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let _locked = lock(directory, FlockArg::LockExclusive)?;
        for left in leftovers(directory)? {
            fs::remove_file(left)?;
        }
        let (number, mode) = match fs::read_to_string(path) {
            Ok(text) => (parse(text.as_bytes())?, Some(fs::metadata(path)?.permissions())),
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
}

/// Renames a file that may not be on the disk yet.
///
/// fails: increment::is_on_the_disk_when_it_returns failed rename-writes-the-file
mod trusts_rename {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let opened = File::open(directory)?;
        let _locked = lock(directory, FlockArg::LockExclusive)?;
        for left in leftovers(directory)? {
            fs::remove_file(left)?;
        }
        let (number, mode) = match fs::read_to_string(path) {
            Ok(text) => (parse(text.as_bytes())?, Some(fs::metadata(path)?.permissions())),
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
}

/// Releases the lock once it has read the number.
///
/// fails: increment::waits_for_its_turn failed what-was-read-still-holds
mod unlocks_too_soon {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let opened = File::open(directory)?;
        let locked = lock(directory, FlockArg::LockExclusive)?;
        for left in leftovers(directory)? {
            fs::remove_file(left)?;
        }
        let (number, mode) = match fs::read_to_string(path) {
            Ok(text) => (parse(text.as_bytes())?, Some(fs::metadata(path)?.permissions())),
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
}

/// Rewrites the number in the file itself.
///
/// fails: increment::gives_the_next_number failed rewriting-is-one-step
/// fails: increment::is_on_the_disk_when_it_returns failed rewriting-is-one-step
/// fails: increment::leaves_a_whole_number_whenever_it_is_killed failed rewriting-is-one-step
/// fails: increment::returns_the_error_of_a_call failed
mod writes_in_place {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let opened = File::open(directory)?;
        let _locked = lock(directory, FlockArg::LockExclusive)?;
        let number = match fs::read_to_string(path) {
            Ok(text) => parse(text.as_bytes())?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(error) => return Err(error),
        };
        let next = number.checked_add(1).ok_or(io::ErrorKind::InvalidData)?;
        fs::write(path, format!("{next}\n"))?;
        File::open(path)?.sync_all()?;
        opened.sync_all()?;
        Ok(next)
    }
}

/// Does it all with std and tempfile, in the order of the contract.
///
/// passes
mod in_order {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = lock(directory_of(path), FlockArg::LockExclusive)?;
        clean(directory_of(path))?;
        let (next, mode) = next_after(path)?;
        replace(path, &directory, next, mode)?;
        Ok(next)
    }
}

/// Goes through the locked directory's descriptor for each name, has the same temporary name each time, and pwrites.
///
/// passes
mod through_the_descriptor {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = lock(directory_of(path), FlockArg::LockExclusive)?;
        let here = PathBuf::from(format!("/proc/self/fd/{}", directory.as_raw_fd()));
        let place = here.join(path.file_name().ok_or(io::ErrorKind::InvalidInput)?);
        clean(&here)?;
        let (next, mode) = next_after(&place)?;
        let temporary = here.join(format!("{TEMPORARY}next"));
        let file = OpenOptions::new().write(true).create_new(true).open(&temporary)?;
        let done = (|| {
            file.write_all_at(format!("{next}\n").as_bytes(), 0)?;
            mode.map_or(Ok(()), |mode| file.set_permissions(mode))?;
            file.sync_all()?;
            fs::rename(&temporary, &place)
        })();
        if done.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        done?;
        directory.sync_all()?;
        Ok(next)
    }
}

/// Makes the file without a name (O_TMPFILE), names it with linkat(2) when it is on the disk, and cleans up at the end.
///
/// passes
mod nameless_at_first {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let parent = directory_of(path);
        let directory = lock(parent, FlockArg::LockExclusive)?;
        let (next, mode) = next_after(path)?;
        let nameless = OpenOptions::new().write(true).custom_flags(libc::O_TMPFILE).mode(0o644).open(parent);
        let Ok(mut file) = nameless else {
            clean(parent)?;
            replace(path, &directory, next, mode)?; // a file system without O_TMPFILE
            return Ok(next);
        };
        file.write_all(format!("{next}\n").as_bytes())?;
        mode.map_or(Ok(()), |mode| file.set_permissions(mode))?;
        file.sync_all()?;
        clean(parent)?;
        let temporary = parent.join(format!("{TEMPORARY}{}", std::process::id()));
        let descriptor = format!("/proc/self/fd/{}", file.as_raw_fd());
        nix::unistd::linkat(
            nix::fcntl::AT_FDCWD,
            descriptor.as_str(),
            nix::fcntl::AT_FDCWD,
            &temporary,
            nix::fcntl::AtFlags::AT_SYMLINK_FOLLOW,
        )?;
        if let Err(error) = fs::rename(&temporary, path) {
            let _ = fs::remove_file(&temporary);
            return Err(error);
        }
        directory.sync_all()?;
        Ok(next)
    }
}

/// Removes the leftovers only when the new number is in place, and then puts the directory on the disk, once for both.
///
/// passes
mod cleans_up_last {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = lock(directory_of(path), FlockArg::LockExclusive)?;
        let (next, mode) = next_after(path)?;
        let temporary = written(directory_of(path), next, mode)?;
        temporary.as_file().sync_all()?;
        temporary.persist(path)?;
        clean(directory_of(path))?;
        directory.sync_all()?;
        directory.unlock().map_err(|(_, error)| error)?;
        Ok(next)
    }
}

/// Locks the file itself, which another file replaces: whoever waited has the lock of the old one.
///
/// breaks: "each takes an exclusive flock(2) on the file's directory"
/// fails: increment::waits_for_its_turn failed a-lock-is-on-the-name
mod locks_the_file {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let _locked = if path.exists() { Some(lock(path, FlockArg::LockExclusive)?) } else { None };
        clean(directory_of(path))?;
        let (next, mode) = next_after(path)?;
        replace(path, &File::open(directory_of(path))?, next, mode)?;
        Ok(next)
    }
}

/// Reads the number before it waits for the lock.
///
/// breaks: "A process takes the lock before it reads the number"
/// fails: increment::waits_for_its_turn failed what-was-read-still-holds
mod reads_before_the_lock {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let (next, mode) = next_after(path)?;
        let directory = lock(directory_of(path), FlockArg::LockExclusive)?;
        clean(directory_of(path))?;
        replace(path, &directory, next, mode)?;
        Ok(next)
    }
}

/// Takes a shared lock, which all can have at once.
///
/// breaks: "each takes an exclusive flock(2)"
/// fails: increment::waits_for_its_turn failed
mod shared_lock {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = lock(directory_of(path), FlockArg::LockShared)?;
        clean(directory_of(path))?;
        let (next, mode) = next_after(path)?;
        replace(path, &directory, next, mode)?;
        Ok(next)
    }
}

/// Does not wait for its turn, but fails with EWOULDBLOCK.
///
/// breaks: "Processes take turns"
/// fails: increment::waits_for_its_turn failed
mod does_not_wait {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = lock(directory_of(path), FlockArg::LockExclusiveNonblock)?;
        clean(directory_of(path))?;
        let (next, mode) = next_after(path)?;
        replace(path, &directory, next, mode)?;
        Ok(next)
    }
}

/// A mutex makes the threads of this process take turns, and no others.
///
/// breaks: "no matter which processes call it at the same time"
/// fails: increment::waits_for_its_turn failed rename-is-a-lock
mod mutex {
    use super::*;

    static TURN: Mutex<()> = Mutex::new(());

    pub fn increment(path: &Path) -> io::Result<u64> {
        let _turn = TURN.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        clean(directory_of(path))?;
        let (next, mode) = next_after(path)?;
        replace(path, &File::open(directory_of(path))?, next, mode)?;
        Ok(next)
    }
}

/// Locks a file of its own beside the number, and leaves it there.
///
/// breaks: "No other file is created or changed."
/// fails: increment::gives_the_next_number failed
/// fails: increment::leaves_a_whole_number_whenever_it_is_killed failed
/// fails: increment::refuses_what_is_no_number failed
/// fails: increment::returns_the_error_of_a_call failed
/// fails: increment::takes_no_other_error_for_a_file_that_is_not_there failed
/// fails: increment::waits_for_its_turn failed
mod lock_file {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let beside = directory_of(path).join(".lock");
        OpenOptions::new().append(true).create(true).open(&beside)?;
        let _locked = lock(&beside, FlockArg::LockExclusive)?;
        clean(directory_of(path))?;
        let (next, mode) = next_after(path)?;
        replace(path, &File::open(directory_of(path))?, next, mode)?;
        Ok(next)
    }
}

/// Gives the turn away after the rename, before the name is on the disk.
///
/// breaks: "holds it until the directory is on the disk"
/// fails: increment::waits_for_its_turn failed what-was-read-still-holds
mod unlocks_before_the_directory_is_synced {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = lock(directory_of(path), FlockArg::LockExclusive)?;
        clean(directory_of(path))?;
        let (next, mode) = next_after(path)?;
        let temporary = written(directory_of(path), next, mode)?;
        temporary.as_file().sync_all()?;
        temporary.persist(path)?;
        let directory = directory.unlock().map_err(|(_, error)| error)?;
        directory.sync_all()?;
        Ok(next)
    }
}

/// The temporary value of the lock is dropped at the end of its own statement: `let _ =` keeps nothing.
///
/// breaks: "holds it until the directory is on the disk"
/// fails: increment::waits_for_its_turn failed
mod lock_dropped_at_once {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let _ = lock(directory_of(path), FlockArg::LockExclusive)?;
        clean(directory_of(path))?;
        let (next, mode) = next_after(path)?;
        replace(path, &File::open(directory_of(path))?, next, mode)?;
        Ok(next)
    }
}

/// Passes EINTR of flock(2) to the caller.
///
/// breaks: "EINTR is no error: the call is retried."
/// fails: increment::waits_for_its_turn failed eintr-is-an-error
mod interrupted_lock {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let opened = File::open(directory_of(path))?;
        let directory = Flock::lock(opened, FlockArg::LockExclusive).map_err(|(_, error)| error)?;
        clean(directory_of(path))?;
        let (next, mode) = next_after(path)?;
        replace(path, &directory, next, mode)?;
        Ok(next)
    }
}

/// Truncates the file and writes the new number into it.
///
/// breaks: "A process that opens the file at any moment finds the complete old number or the complete new one."
/// fails: increment::gives_the_next_number failed rewriting-is-one-step
/// fails: increment::is_on_the_disk_when_it_returns failed rewriting-is-one-step
/// fails: increment::leaves_a_whole_number_whenever_it_is_killed failed rewriting-is-one-step
/// fails: increment::returns_the_error_of_a_call failed
mod rewrites_in_place {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = lock(directory_of(path), FlockArg::LockExclusive)?;
        clean(directory_of(path))?;
        let (next, _) = next_after(path)?;
        let mut file = File::create(path)?;
        writeln!(file, "{next}")?;
        file.sync_all()?;
        directory.sync_all()?;
        Ok(next)
    }
}

/// Removes the old file before the rename, as on systems whose rename does not replace.
///
/// breaks: "A process that opens the file at any moment finds the complete old number or the complete new one."
/// fails: increment::leaves_a_whole_number_whenever_it_is_killed failed rewriting-is-one-step
/// fails: increment::returns_the_error_of_a_call failed
mod removes_the_old_first {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = lock(directory_of(path), FlockArg::LockExclusive)?;
        clean(directory_of(path))?;
        let (next, mode) = next_after(path)?;
        let temporary = written(directory_of(path), next, mode.clone())?;
        temporary.as_file().sync_all()?;
        if mode.is_some() {
            fs::remove_file(path)?;
        }
        temporary.persist_noclobber(path)?;
        directory.sync_all()?;
        Ok(next)
    }
}

/// Never puts the new file itself on the disk.
///
/// breaks: "write(2) or pwrite(2) and then fsync(2) put the new file on the disk before rename(2) gives it the name."
/// fails: increment::is_on_the_disk_when_it_returns failed rename-writes-the-file
mod syncs_the_directory_only {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = lock(directory_of(path), FlockArg::LockExclusive)?;
        clean(directory_of(path))?;
        let (next, mode) = next_after(path)?;
        written(directory_of(path), next, mode)?.persist(path)?;
        directory.sync_all()?;
        Ok(next)
    }
}

/// Puts the file on the disk when it has its name already.
///
/// breaks: "fsync(2) put the new file on the disk before rename(2) gives it the name"
/// fails: increment::is_on_the_disk_when_it_returns failed rename-writes-the-file
/// fails: increment::returns_the_error_of_a_call failed
mod syncs_after_the_rename {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = lock(directory_of(path), FlockArg::LockExclusive)?;
        clean(directory_of(path))?;
        let (next, mode) = next_after(path)?;
        let file = written(directory_of(path), next, mode)?.persist(path)?;
        file.sync_all()?;
        directory.sync_all()?;
        Ok(next)
    }
}

/// Flushes a `BufWriter` only by dropping it, after fsync(2) has put an empty file on the disk.
///
/// breaks: "write(2) or pwrite(2) and then fsync(2) put the new file on the disk before rename(2) gives it the name."
/// fails: increment::is_on_the_disk_when_it_returns failed rename-writes-the-file
/// fails: increment::returns_the_error_of_a_call failed
mod flushes_after_the_sync {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = lock(directory_of(path), FlockArg::LockExclusive)?;
        clean(directory_of(path))?;
        let (next, mode) = next_after(path)?;
        let temporary = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(directory_of(path))?;
        mode.map_or(Ok(()), |mode| temporary.as_file().set_permissions(mode))?;
        let mut writer = io::BufWriter::new(temporary.as_file());
        writeln!(writer, "{next}")?;
        temporary.as_file().sync_all()?;
        drop(writer);
        temporary.persist(path)?;
        directory.sync_all()?;
        Ok(next)
    }
}

/// Leaves it to the kernel when the new name reaches the disk.
///
/// breaks: "fsync(2) puts the directory on the disk after that, before the call returns."
/// fails: increment::is_on_the_disk_when_it_returns failed fsync-writes-the-name
mod does_not_sync_the_directory {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let _directory = lock(directory_of(path), FlockArg::LockExclusive)?;
        clean(directory_of(path))?;
        let (next, mode) = next_after(path)?;
        let temporary = written(directory_of(path), next, mode)?;
        temporary.as_file().sync_all()?;
        temporary.persist(path)?;
        Ok(next)
    }
}

/// Puts the directory on the disk together with the file, before the rename.
///
/// breaks: "fsync(2) puts the directory on the disk after that"
/// fails: increment::is_on_the_disk_when_it_returns failed fsync-writes-the-name
mod syncs_the_directory_before {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = lock(directory_of(path), FlockArg::LockExclusive)?;
        clean(directory_of(path))?;
        let (next, mode) = next_after(path)?;
        let temporary = written(directory_of(path), next, mode)?;
        temporary.as_file().sync_all()?;
        directory.sync_all()?;
        temporary.persist(path)?;
        Ok(next)
    }
}

/// Ignores it when the directory can't be put on the disk.
///
/// breaks: "Any other error of a call, unchanged"
/// fails: increment::returns_the_error_of_a_call failed
mod ignores_the_directory_sync {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = lock(directory_of(path), FlockArg::LockExclusive)?;
        clean(directory_of(path))?;
        let (next, mode) = next_after(path)?;
        let temporary = written(directory_of(path), next, mode)?;
        temporary.as_file().sync_all()?;
        temporary.persist(path)?;
        directory.sync_all().ok();
        Ok(next)
    }
}

/// Makes the temporary file in /tmp, and copies it over where rename(2) can't cross file systems.
///
/// breaks: "A process that opens the file at any moment finds the complete old number or the complete new one."
/// fails: increment::is_on_the_disk_when_it_returns failed
/// fails: increment::returns_the_error_of_a_call failed
mod temporary_in_tmp {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = lock(directory_of(path), FlockArg::LockExclusive)?;
        clean(directory_of(path))?;
        let (next, mode) = next_after(path)?;
        let temporary = written(&std::env::temp_dir(), next, mode)?;
        temporary.as_file().sync_all()?;
        if let Err(error) = temporary.persist(path) {
            fs::copy(error.file.path(), path)?;
        }
        directory.sync_all()?;
        Ok(next)
    }
}

/// Names the temporary file after the file, with the extension ".tmp".
///
/// breaks: "The name of a temporary file begins with [`TEMPORARY`]"
/// fails: increment::leaves_a_whole_number_whenever_it_is_killed failed
/// fails: increment::returns_the_error_of_a_call failed
mod named_after_the_file {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = lock(directory_of(path), FlockArg::LockExclusive)?;
        clean(directory_of(path))?;
        let (next, mode) = next_after(path)?;
        let temporary = path.with_extension("tmp");
        let mut file = File::create(&temporary)?;
        writeln!(file, "{next}")?;
        mode.map_or(Ok(()), |mode| file.set_permissions(mode))?;
        file.sync_all()?;
        fs::rename(&temporary, path).inspect_err(|_| drop(fs::remove_file(&temporary)))?;
        directory.sync_all()?;
        Ok(next)
    }
}

/// Leaves it to somebody else to clean up.
///
/// breaks: "A process that is killed may leave a temporary file. The next call that succeeds removes it."
/// fails: increment::leaves_a_whole_number_whenever_it_is_killed failed the-dead-clean-up
mod never_cleans_up {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = lock(directory_of(path), FlockArg::LockExclusive)?;
        let (next, mode) = next_after(path)?;
        replace(path, &directory, next, mode)?;
        Ok(next)
    }
}

/// Always uses the same name, and only if it is free: after a kill no call succeeds any more.
///
/// breaks: "A process may be killed at any moment: the next call then succeeds."
/// fails: increment::leaves_a_whole_number_whenever_it_is_killed failed
/// fails: increment::returns_the_error_of_a_call failed
mod leftover_is_in_the_way {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = lock(directory_of(path), FlockArg::LockExclusive)?;
        let (next, mode) = next_after(path)?;
        let temporary = directory_of(path).join(format!("{TEMPORARY}counter"));
        let mut file = OpenOptions::new().write(true).create_new(true).open(&temporary)?;
        writeln!(file, "{next}")?;
        mode.map_or(Ok(()), |mode| file.set_permissions(mode))?;
        file.sync_all()?;
        fs::rename(&temporary, path).inspect_err(|_| drop(fs::remove_file(&temporary)))?;
        directory.sync_all()?;
        Ok(next)
    }
}

/// Removes leftovers before it has the lock, and with them the file of the process whose turn it is.
///
/// breaks: "Processes take turns"
/// fails: increment::waits_for_its_turn failed
mod cleans_up_before_the_lock {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        clean(directory_of(path))?;
        let directory = lock(directory_of(path), FlockArg::LockExclusive)?;
        let (next, mode) = next_after(path)?;
        replace(path, &directory, next, mode)?;
        Ok(next)
    }
}

/// Removes every hidden file whose name begins with ".repl", for good measure.
///
/// breaks: "No other file is created or changed."
/// fails: increment::gives_the_next_number failed
/// fails: increment::leaves_a_whole_number_whenever_it_is_killed failed
/// fails: increment::refuses_what_is_no_number failed
/// fails: increment::takes_no_other_error_for_a_file_that_is_not_there failed
/// fails: increment::waits_for_its_turn failed
mod cleans_up_too_much {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = lock(directory_of(path), FlockArg::LockExclusive)?;
        for entry in fs::read_dir(directory_of(path))? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(TEMPORARY.trim_end_matches("acing-")) {
                fs::remove_file(entry.path())?;
            }
        }
        let (next, mode) = next_after(path)?;
        replace(path, &directory, next, mode)?;
        Ok(next)
    }
}

/// Makes the temporary file before it reads the number, and leaves it when that is none.
///
/// breaks: "A call that returns, even with an error, leaves no temporary file of its own."
/// fails: increment::refuses_what_is_no_number failed
/// fails: increment::returns_the_error_of_a_call failed
/// fails: increment::takes_no_other_error_for_a_file_that_is_not_there failed
mod error_leaves_the_temporary {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = lock(directory_of(path), FlockArg::LockExclusive)?;
        clean(directory_of(path))?;
        let temporary = directory_of(path).join(format!("{TEMPORARY}{}", std::process::id()));
        let mut file = OpenOptions::new().write(true).create_new(true).open(&temporary)?;
        let (next, mode) = next_after(path)?;
        writeln!(file, "{next}")?;
        mode.map_or(Ok(()), |mode| file.set_permissions(mode))?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        directory.sync_all()?;
        Ok(next)
    }
}

/// Leaves the new file with the mode 0600 of a temporary one.
///
/// breaks: "The new file has the mode of the old one."
/// fails: increment::gives_the_next_number failed a-new-file-has-the-old-mode
/// fails: increment::leaves_a_whole_number_whenever_it_is_killed failed
mod mode_of_a_temporary {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = lock(directory_of(path), FlockArg::LockExclusive)?;
        clean(directory_of(path))?;
        let (next, _) = next_after(path)?;
        replace(path, &directory, next, None)?;
        Ok(next)
    }
}

/// Gives the old mode to open(2), which takes the umask off.
///
/// breaks: "The new file has the mode of the old one."
/// fails: increment::gives_the_next_number failed
mod mode_less_the_umask {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = lock(directory_of(path), FlockArg::LockExclusive)?;
        clean(directory_of(path))?;
        let (next, mode) = next_after(path)?;
        let mode = mode.unwrap_or_else(|| Permissions::from_mode(0o644));
        let mut builder = tempfile::Builder::new();
        let mut temporary = builder.prefix(TEMPORARY).permissions(mode).tempfile_in(directory_of(path))?;
        writeln!(temporary, "{next}")?;
        temporary.as_file().sync_all()?;
        temporary.persist(path)?;
        directory.sync_all()?;
        Ok(next)
    }
}

/// Sets the mode when the file has its name already: a kill or a crash in between leaves the wrong one.
///
/// breaks: "The new file has the mode of the old one."
/// fails: increment::leaves_a_whole_number_whenever_it_is_killed failed
mod mode_after_the_rename {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = lock(directory_of(path), FlockArg::LockExclusive)?;
        clean(directory_of(path))?;
        let (next, mode) = next_after(path)?;
        replace(path, &directory, next, None)?;
        if let Some(mode) = mode {
            fs::set_permissions(path, mode)?;
        }
        Ok(next)
    }
}

/// Trims all white space around the number.
///
/// breaks: "The file holds one or more decimal digits, and perhaps a newline after them."
/// fails: increment::refuses_what_is_no_number failed
mod trims {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = lock(directory_of(path), FlockArg::LockExclusive)?;
        clean(directory_of(path))?;
        let (next, mode) = match fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => (1, None),
            bytes => {
                let next = parse(bytes?.trim_ascii())?.checked_add(1).ok_or(io::ErrorKind::InvalidData)?;
                (next, Some(fs::metadata(path)?.permissions()))
            }
        };
        replace(path, &directory, next, mode)?;
        Ok(next)
    }
}

/// Leaves it to `str::parse` what a number is, which allows a plus sign.
///
/// breaks: "`InvalidData` when the file is empty, or holds anything but a number"
/// fails: increment::refuses_what_is_no_number failed
mod plus_sign {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = lock(directory_of(path), FlockArg::LockExclusive)?;
        clean(directory_of(path))?;
        let (next, mode) = match fs::read_to_string(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => (1, None),
            text => {
                let text = text?;
                let number = text.strip_suffix('\n').unwrap_or(&text).parse::<u64>();
                let next = number.ok().and_then(|number| number.checked_add(1)).ok_or(io::ErrorKind::InvalidData)?;
                (next, Some(fs::metadata(path)?.permissions()))
            }
        };
        replace(path, &directory, next, mode)?;
        Ok(next)
    }
}

/// Lets an empty file count as 0, like one that does not exist.
///
/// breaks: "`InvalidData` when the file is empty"
/// fails: increment::refuses_what_is_no_number failed
mod empty_is_zero {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = lock(directory_of(path), FlockArg::LockExclusive)?;
        clean(directory_of(path))?;
        let (next, mode) = match fs::metadata(path) {
            Ok(old) if old.len() == 0 => (1, Some(old.permissions())),
            _ => next_after(path)?,
        };
        replace(path, &directory, next, mode)?;
        Ok(next)
    }
}

/// Begins again at 1 when the file can't be read, whatever the reason.
///
/// breaks: "Any other error of a call, unchanged, such as EACCES for a file that can't be read."
/// fails: increment::takes_no_other_error_for_a_file_that_is_not_there failed no-answer-is-nothing-there
mod unreadable_is_zero {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = lock(directory_of(path), FlockArg::LockExclusive)?;
        clean(directory_of(path))?;
        let (next, mode) = match fs::read(path) {
            Ok(_) => next_after(path)?,
            Err(_) => (1, fs::metadata(path).ok().map(|old| old.permissions())),
        };
        replace(path, &directory, next, mode)?;
        Ok(next)
    }
}

/// Stays at `u64::MAX` when it gets there, and returns it again and again.
///
/// breaks: "`InvalidData` when the number is `u64::MAX` or more"
/// fails: increment::refuses_what_is_no_number failed
mod saturates {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = lock(directory_of(path), FlockArg::LockExclusive)?;
        clean(directory_of(path))?;
        let (next, mode) = match fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => (1, None),
            bytes => (parse(&bytes?)?.saturating_add(1), Some(fs::metadata(path)?.permissions())),
        };
        replace(path, &directory, next, mode)?;
        Ok(next)
    }
}

/// Never returns `u64::MAX`, although only the number before the increment may not be that.
///
/// breaks: "Increments the number in the file at `path` and returns the new number."
/// fails: increment::gives_the_next_number failed
mod stops_one_early {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = lock(directory_of(path), FlockArg::LockExclusive)?;
        clean(directory_of(path))?;
        let (next, mode) = next_after(path)?;
        if next == u64::MAX {
            return Err(io::ErrorKind::InvalidData.into());
        }
        replace(path, &directory, next, mode)?;
        Ok(next)
    }
}

/// Reads at most 20 bytes, as many as the largest number has, and does not see that more follow.
///
/// breaks: "`InvalidData` when the file is empty, or holds anything but a number"
/// fails: increment::gives_the_next_number failed
/// fails: increment::refuses_what_is_no_number failed
mod reads_twenty_bytes {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = lock(directory_of(path), FlockArg::LockExclusive)?;
        clean(directory_of(path))?;
        let (next, mode) = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => (1, None),
            file => {
                let mut bytes = Vec::new();
                let file = file?;
                (&file).take(20).read_to_end(&mut bytes)?;
                let next = parse(&bytes)?.checked_add(1).ok_or(io::ErrorKind::InvalidData)?;
                (next, Some(file.metadata()?.permissions()))
            }
        };
        replace(path, &directory, next, mode)?;
        Ok(next)
    }
}

/// Takes the parent of a bare file name as it is: the empty path.
///
/// breaks: "`path` may be a bare file name."
/// fails: increment::gives_the_next_number failed
mod bare_name_has_no_directory {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let parent = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
        let directory = lock(parent, FlockArg::LockExclusive)?;
        clean(parent)?;
        let (next, mode) = next_after(path)?;
        replace(path, &directory, next, mode)?;
        Ok(next)
    }
}

/// Writes the number without a newline.
///
/// breaks: "Afterwards the file holds the new number and a newline."
/// fails: increment::gives_the_next_number failed
/// fails: increment::leaves_a_whole_number_whenever_it_is_killed failed
/// fails: increment::waits_for_its_turn failed
mod no_newline {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = lock(directory_of(path), FlockArg::LockExclusive)?;
        clean(directory_of(path))?;
        let (next, mode) = next_after(path)?;
        let mut temporary = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(directory_of(path))?;
        write!(temporary, "{next}")?;
        mode.map_or(Ok(()), |mode| temporary.as_file().set_permissions(mode))?;
        temporary.as_file().sync_all()?;
        temporary.persist(path)?;
        directory.sync_all()?;
        Ok(next)
    }
}

/// Keeps the descriptor of the directory, and with it the lock, when the number is none.
///
/// breaks: "Processes take turns"
/// fails: increment::refuses_what_is_no_number failed
mod error_keeps_the_lock {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = std::mem::ManuallyDrop::new(lock(directory_of(path), FlockArg::LockExclusive)?);
        clean(directory_of(path))?;
        let (next, mode) = next_after(path)?;
        replace(path, &directory, next, mode)?;
        drop(std::mem::ManuallyDrop::into_inner(directory));
        Ok(next)
    }
}

/// Locks with fcntl(2), which on a directory can only be a lock for reading, that all processes can have at once.
///
/// breaks: "each takes an exclusive flock(2) on the file's directory, opened for reading"
/// fails: increment::waits_for_its_turn failed
mod record_lock {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = File::open(directory_of(path))?;
        let whole = libc::flock {
            l_type: libc::F_RDLCK.try_into().expect("a small number"), // F_WRLCK is EBADF: a directory can't be opened for writing
            l_whence: libc::SEEK_SET.try_into().expect("a small number"),
            l_start: 0,
            l_len: 0,
            l_pid: 0,
        };
        nix::fcntl::fcntl(&directory, nix::fcntl::FcntlArg::F_SETLKW(&whole))?;
        clean(directory_of(path))?;
        let (next, mode) = next_after(path)?;
        replace(path, &directory, next, mode)?;
        Ok(next)
    }
}

one_of! {
    pub fn increment(path: &Path) -> io::Result<u64>;
    any_error_is_a_zero begins_with_a_write forgets_the_mode forks_a_lockkeeper leaves_by_exit leaves_what_it_made
    locks_the_counter no_turns reads_before_its_turn syncs_the_file_twice trusts_rename unlocks_too_soon writes_in_place
    in_order through_the_descriptor nameless_at_first cleans_up_last locks_the_file reads_before_the_lock shared_lock
    does_not_wait mutex lock_file unlocks_before_the_directory_is_synced lock_dropped_at_once interrupted_lock
    rewrites_in_place removes_the_old_first syncs_the_directory_only syncs_after_the_rename flushes_after_the_sync
    does_not_sync_the_directory syncs_the_directory_before ignores_the_directory_sync temporary_in_tmp
    named_after_the_file never_cleans_up leftover_is_in_the_way cleans_up_before_the_lock cleans_up_too_much
    error_leaves_the_temporary mode_of_a_temporary mode_less_the_umask mode_after_the_rename trims plus_sign
    empty_is_zero unreadable_is_zero saturates stops_one_early reads_twenty_bytes bare_name_has_no_directory no_newline
    error_keeps_the_lock record_lock
}
