use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::ErrorKind::{InvalidData, InvalidInput, NotFound};
use std::io::{self, IoSlice, Read, Write};
use std::os::fd::{AsFd, AsRawFd, IntoRawFd};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};
use std::thread;
use std::time::Duration;

use mmap_workbook::lesson_1::{TEMPORARY, leftovers};
use nix::errno::Errno;
use nix::fcntl::{self, AT_FDCWD, Flock, FlockArg, OFlag, RenameFlags, openat, renameat2};
use nix::libc;
use nix::poll::{PollTimeout, poll};
use nix::sys::signal::{SigSet, SigmaskHow};
use nix::sys::stat::{self, Mode, fchmod};
use nix::unistd::{self, ForkResult, UnlinkatFlags, fork, pause, unlinkat};
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

/// Makes a call, and repeats it while a signal interrupts it.
fn again<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            answer => return answer,
        }
    }
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// flock(2) as it is: a signal may interrupt it.
fn flock_once(file: &File, operation: i32) -> io::Result<()> {
    // SAFETY: the call takes no pointer.
    Errno::result(unsafe { libc::flock(file.as_raw_fd(), operation) })?;
    Ok(())
}

/// Opens a directory (or a file) and locks it.
fn locked(path: &Path) -> io::Result<Flock<File>> {
    let mut file = File::open(path)?;
    loop {
        match Flock::lock(file, FlockArg::LockExclusive) {
            Ok(lock) => return Ok(lock),
            Err((back, Errno::EINTR)) => file = back,
            Err((_, error)) => return Err(error.into()),
        }
    }
}

fn clean_again(directory: &Path) -> io::Result<()> {
    again(|| leftovers(directory))?.iter().try_for_each(|left| again(|| fs::remove_file(left)))
}

/// The number that these bytes are the text of.
fn number(text: &[u8]) -> io::Result<u64> {
    let digits = text.strip_suffix(b"\n").unwrap_or(text);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(InvalidData.into());
    }
    str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok()).ok_or(InvalidData.into())
}

fn after(old: u64) -> io::Result<u64> {
    old.checked_add(1).ok_or(InvalidData.into())
}

/// The bytes of the file and its mode, unless it does not exist.
fn old_bytes(path: &Path) -> io::Result<Option<(Vec<u8>, Permissions)>> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == NotFound => return Ok(None),
        answer => answer?,
    };
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(Some((bytes, Permissions::from_mode(file.metadata()?.mode() & 0o7777))))
}

/// The next number and the mode of the old file.
fn next(path: &Path) -> io::Result<(u64, Option<Permissions>)> {
    let Some((bytes, mode)) = old_bytes(path)? else { return Ok((1, None)) };
    Ok((after(number(&bytes)?)?, Some(mode)))
}

/// A temporary file in `directory` with the number and the mode, not synced yet.
fn written_again(directory: &Path, number: u64, mode: Option<Permissions>) -> io::Result<NamedTempFile> {
    let mut new = again(|| tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(directory))?;
    new.write_all(format!("{number}\n").as_bytes())?;
    // Whatever the umask is, its owner can read it.
    new.as_file().set_permissions(mode.unwrap_or(Permissions::from_mode(0o600)))?;
    Ok(new)
}

/// Gives the temporary file the name.
fn named(mut new: NamedTempFile, path: &Path) -> io::Result<()> {
    loop {
        match new.persist(path) {
            Err(error) if error.error.kind() == io::ErrorKind::Interrupted => new = error.file,
            answer => return Ok(answer.map(drop)?),
        }
    }
}

fn synced(new: &NamedTempFile) -> io::Result<()> {
    new.as_file().sync_all()
}

/// Everything that is done under the lock, except to remove temporary files.
fn replaced(lock: &File, path: &Path) -> io::Result<u64> {
    let (number, mode) = next(path)?;
    let new = written_again(parent(path), number, mode)?;
    synced(&new)?;
    named(new, path)?;
    lock.sync_all()?;
    Ok(number)
}

fn lock_again(mut file: File) -> io::Result<Flock<File>> {
    loop {
        match Flock::lock(file, FlockArg::LockExclusive) {
            Ok(locked) => return Ok(locked),
            Err((again, Errno::EINTR)) => file = again,
            Err((_, error)) => return Err(error.into()),
        }
    }
}

fn lock_directory(path: &Path) -> io::Result<Flock<File>> {
    lock_again(File::open(directory_of(path))?)
}

fn clean_beside(path: &Path) -> io::Result<()> {
    leftovers(directory_of(path))?.iter().try_for_each(fs::remove_file)
}

fn invalid() -> io::Error {
    io::ErrorKind::InvalidData.into()
}

fn parse_again(text: &[u8]) -> io::Result<u64> {
    let digits = text.strip_suffix(b"\n").unwrap_or(text);
    if digits.is_empty() {
        return Err(invalid());
    }
    digits.iter().try_fold(0_u64, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0')).ok_or_else(invalid)?;
        number.checked_mul(10).and_then(|number| number.checked_add(digit)).ok_or_else(invalid)
    })
}

/// The next number, and the old file's permissions, if there is one.
fn next_again(path: &Path) -> io::Result<(u64, Option<Permissions>)> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((1, None)),
        file => file?,
    };
    let mut text = Vec::new();
    file.read_to_end(&mut text)?;
    let number = parse_again(&text)?.checked_add(1).ok_or_else(invalid)?;
    Ok((number, Some(file.metadata()?.permissions())))
}

fn create(path: &Path) -> io::Result<NamedTempFile> {
    tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(directory_of(path))
}

/// A temporary file with the number and the mode, on the disk.
fn prepare(path: &Path, number: u64, mode: Option<Permissions>) -> io::Result<NamedTempFile> {
    let mut new = create(path)?;
    new.write_all(format!("{number}\n").as_bytes())?;
    if let Some(mode) = mode {
        new.as_file().set_permissions(mode)?; // after write(2), which clears the set-user-ID bit
    }
    new.as_file().sync_all()?;
    Ok(new)
}

fn persist(new: NamedTempFile, path: &Path) -> io::Result<File> {
    new.persist(path).map_err(|error| error.error)
}

/// Starts from 0, whatever error keeps it from reading the number.
///
/// fails: increment::returns_the_error_of_a_call failed
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
/// fails: increment::gives_the_next_number failed
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
/// fails: increment::returns_the_error_of_a_call failed
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
/// fails: increment::goes_on_after_interrupted_calls left_processes
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
/// fails: increment::goes_on_after_interrupted_calls failed eintr-is-an-error
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
/// fails: increment::gives_the_next_number failed
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
/// fails: increment::goes_on_after_interrupted_calls failed eintr-is-an-error
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
/// fails: increment::gives_the_next_number failed
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
/// fails: increment::gives_the_next_number failed
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
/// fails: increment::gives_the_next_number failed
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
/// fails: increment::returns_the_error_of_a_call failed
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
/// fails: increment::finds_a_file_by_a_relative_path failed
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
/// fails: increment::returns_the_error_of_a_call failed
/// fails: increment::takes_no_other_error_for_a_file_that_is_not_there failed
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

/// Takes the steps of the contract in its order, with a temporary file of tempfile.
///
/// passes
mod with_tempfile {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let lock = locked(parent(path))?;
        clean_again(parent(path))?;
        replaced(&lock, path)
    }
}

/// Works relative to the directory's descriptor, always under the same temporary name.
/// Calls writev, fdatasync and
/// renameat2, and cleans up at the end.
///
/// passes
mod relative_to_the_descriptor {
    use super::*;

    fn next_file(lock: &File, path: &Path, temporary: &OsStr) -> io::Result<u64> {
        let (number, mode) = next(path)?;
        let flags = OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_WRONLY | OFlag::O_CLOEXEC;
        let mut new = File::from(again(|| Ok(openat(lock, temporary, flags, Mode::S_IRUSR)?))?);
        let text = number.to_string();
        let mut parts: &mut [IoSlice] = &mut [IoSlice::new(text.as_bytes()), IoSlice::new(b"\n")];
        while !parts.is_empty() {
            let wrote = again(|| new.write_vectored(parts))?;
            IoSlice::advance_slices(&mut parts, wrote);
        }
        let mode = mode.map_or(Mode::S_IRUSR, |mode| Mode::from_bits_truncate(mode.mode()));
        again(|| Ok(fchmod(&new, mode)?))?;
        new.sync_data()?;
        let name = path.file_name().ok_or(InvalidInput)?;
        again(|| Ok(renameat2(lock, temporary, lock, name, RenameFlags::empty())?))?;
        lock.sync_data()?;
        Ok(number)
    }

    pub fn increment(path: &Path) -> io::Result<u64> {
        let name = format!("{TEMPORARY}next");
        let lock = locked(parent(path))?;
        let remove = || again(|| Ok(unlinkat(&*lock, name.as_str(), UnlinkatFlags::NoRemoveDir)?));
        match remove() {
            Err(error) if error.kind() != NotFound => return Err(error),
            _ => {}
        }
        let done = next_file(&lock, path, OsStr::new(&name));
        if done.is_err() {
            let _ = remove();
        }
        let number = done?;
        clean_again(parent(path))?;
        Ok(number)
    }
}

/// Reads and prepares the number before it cleans up.
/// Then syncs the file system instead of the file, and the directory
/// through a second descriptor.
///
/// passes
mod syncs_the_file_system {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let _lock = locked(parent(path))?;
        let (number, mode) = next(path)?;
        clean_again(parent(path))?;
        let new = written_again(parent(path), number, mode)?;
        again(|| Ok(nix::unistd::syncfs(new.as_file())?))?;
        named(new, path)?;
        File::open(parent(path))?.sync_all()?;
        Ok(number)
    }
}

/// Locks the file itself: a process that waits for it then holds the lock of a file that has no name any more.
///
/// breaks: "each takes an exclusive flock(2) on the file's directory, opened for reading"
/// fails: increment::waits_for_its_turn failed a-lock-is-on-the-name
mod locks_the_file_2 {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let _lock = if path.exists() { Some(locked(path)?) } else { None };
        clean_again(parent(path))?;
        replaced(&File::open(parent(path))?, path)
    }
}

/// Reads the number, and only then waits for its turn.
///
/// breaks: "A process takes the lock before it reads the number or removes files."
/// fails: increment::waits_for_its_turn failed what-was-read-still-holds
mod reads_before_its_turn_2 {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let (number, mode) = next(path)?;
        let lock = locked(parent(path))?;
        clean_again(parent(path))?;
        let new = written_again(parent(path), number, mode)?;
        synced(&new)?;
        named(new, path)?;
        lock.sync_all()?;
        Ok(number)
    }
}

/// Removes temporary files while another process may be writing one.
///
/// breaks: "A process takes the lock before it reads the number or removes files."
/// fails: increment::returns_the_error_of_a_call failed
/// fails: increment::waits_for_its_turn failed
mod cleans_before_its_turn {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        for left in leftovers(parent(path))? {
            let _ = fs::remove_file(left);
        }
        let lock = locked(parent(path))?;
        replaced(&lock, path)
    }
}

/// Gives the lock back after the rename, before the directory is on the disk.
///
/// breaks: "It holds the lock until the directory is on the disk."
/// fails: increment::waits_for_its_turn failed what-was-read-still-holds
mod unlocks_after_the_rename {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = File::open(parent(path))?;
        let lock = locked(parent(path))?;
        clean_again(parent(path))?;
        let (number, mode) = next(path)?;
        let new = written_again(parent(path), number, mode)?;
        synced(&new)?;
        named(new, path)?;
        drop(lock);
        directory.sync_all()?;
        Ok(number)
    }
}

/// Drops the lock as soon as it has it: `let _ =` binds nothing.
///
/// breaks: "It holds the lock until the directory is on the disk."
/// fails: increment::waits_for_its_turn failed
mod lock_bound_to_nothing {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = File::open(parent(path))?;
        let _ = locked(parent(path))?;
        clean_again(parent(path))?;
        replaced(&directory, path)
    }
}

/// Takes a shared lock, which any number of processes may have at once.
///
/// breaks: "each takes an exclusive flock(2) on the file's directory, opened for reading"
/// fails: increment::waits_for_its_turn failed
mod shared_lock_2 {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = File::open(parent(path))?;
        again(|| flock_once(&directory, libc::LOCK_SH))?;
        clean_again(parent(path))?;
        replaced(&directory, path)
    }
}

/// Fails when another process has the lock, instead of waiting.
///
/// breaks: "Processes take turns"
/// fails: increment::goes_on_after_interrupted_calls failed eintr-is-an-error
/// fails: increment::waits_for_its_turn failed
mod does_not_wait_2 {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = File::open(parent(path))?;
        flock_once(&directory, libc::LOCK_EX | libc::LOCK_NB)?;
        clean_again(parent(path))?;
        replaced(&directory, path)
    }
}

/// Passes on the EINTR of flock: std does not retry it.
///
/// breaks: "EINTR is no error: the call is retried."
/// fails: increment::goes_on_after_interrupted_calls failed eintr-is-an-error
/// fails: increment::waits_for_its_turn failed eintr-is-an-error
mod interrupted_lock_2 {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = File::open(parent(path))?;
        flock_once(&directory, libc::LOCK_EX)?;
        clean_again(parent(path))?;
        replaced(&directory, path)
    }
}

/// Takes turns among the threads of this process only.
///
/// breaks: "It never returns the same number twice, no matter which processes call it at the same time"
/// fails: increment::waits_for_its_turn failed rename-is-a-lock
mod mutex_of_this_process {
    use super::*;

    static TURN: Mutex<()> = Mutex::new(());

    pub fn increment(path: &Path) -> io::Result<u64> {
        let _turn = TURN.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        clean_again(parent(path))?;
        replaced(&File::open(parent(path))?, path)
    }
}

/// Keeps the directory open, and locked, when it returns with an error.
///
/// breaks: "A call that returns, even with an error, holds no lock any more."
/// fails: increment::refuses_what_is_no_number failed
/// fails: increment::returns_the_error_of_a_call failed
/// fails: increment::takes_no_other_error_for_a_file_that_is_not_there failed
mod leaks_the_lock_on_error {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = File::open(parent(path))?.into_raw_fd();
        // SAFETY: the descriptor stays open to the end of this function, and beyond it after an error.
        let borrowed = unsafe { std::mem::ManuallyDrop::new(<File as std::os::fd::FromRawFd>::from_raw_fd(directory)) };
        again(|| flock_once(&borrowed, libc::LOCK_EX))?;
        clean_again(parent(path))?;
        let number = replaced(&borrowed, path)?;
        drop(std::mem::ManuallyDrop::into_inner(borrowed));
        Ok(number)
    }
}

/// Locks a file made for it, beside the number.
///
/// breaks: "No other file is created or changed."
/// fails: increment::gives_the_next_number failed
mod lock_file_2 {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let turn = OpenOptions::new().write(true).create(true).truncate(false).open(path.with_extension("lock"))?;
        again(|| flock_once(&turn, libc::LOCK_EX))?;
        let lock = locked(parent(path))?;
        clean_again(parent(path))?;
        replaced(&lock, path)
    }
}

/// Sets the mode when the file has its name already.
///
/// breaks: "The new file has the mode of the old one, all 12 bits of it, before it has the name."
/// fails: increment::leaves_a_whole_number_whenever_it_is_killed failed
mod mode_after_the_name {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let lock = locked(parent(path))?;
        clean_again(parent(path))?;
        let (number, mode) = next(path)?;
        let new = written_again(parent(path), number, None)?;
        synced(&new)?;
        named(new, path)?;
        if let Some(mode) = mode {
            again(|| fs::set_permissions(path, mode.clone()))?;
        }
        lock.sync_all()?;
        Ok(number)
    }
}

/// Keeps the nine bits of the permissions and loses the other three.
///
/// breaks: "The new file has the mode of the old one, all 12 bits of it"
/// fails: increment::gives_the_next_number failed
mod nine_bits_of_the_mode {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let lock = locked(parent(path))?;
        clean_again(parent(path))?;
        let (number, mode) = next(path)?;
        let mode = mode.map(|mode| Permissions::from_mode(mode.mode() & 0o777));
        let new = written_again(parent(path), number, mode)?;
        synced(&new)?;
        named(new, path)?;
        lock.sync_all()?;
        Ok(number)
    }
}

/// Makes the new file with the old mode at open, where the umask takes bits away.
///
/// breaks: "The new file has the mode of the old one, all 12 bits of it"
/// fails: increment::gives_the_next_number failed
mod mode_less_the_umask_2 {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let lock = locked(parent(path))?;
        clean_again(parent(path))?;
        let (number, mode) = next(path)?;
        let mut builder = tempfile::Builder::new();
        builder.prefix(TEMPORARY).permissions(mode.unwrap_or(Permissions::from_mode(0o600)));
        let mut new = again(|| builder.tempfile_in(parent(path)))?;
        writeln!(new, "{number}")?;
        synced(&new)?;
        named(new, path)?;
        lock.sync_all()?;
        Ok(number)
    }
}

/// Sets the mode and then writes, by which a process without privileges loses the set-user-ID bit.
///
/// breaks: "The new file has the mode of the old one, all 12 bits of it"
/// fails: increment::gives_the_next_number failed
mod writes_after_the_mode {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let lock = locked(parent(path))?;
        clean_again(parent(path))?;
        let (number, mode) = next(path)?;
        let mut new = again(|| tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(parent(path)))?;
        if let Some(mode) = mode {
            new.as_file().set_permissions(mode)?;
        }
        writeln!(new, "{number}")?;
        synced(&new)?;
        named(new, path)?;
        lock.sync_all()?;
        Ok(number)
    }
}

/// Does not put the directory on the disk.
///
/// breaks: "fsync(2) puts the directory on the disk after that, before the call returns."
/// fails: increment::is_on_the_disk_when_it_returns failed fsync-writes-the-name
mod forgets_the_directory {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let _lock = locked(parent(path))?;
        clean_again(parent(path))?;
        let (number, mode) = next(path)?;
        let new = written_again(parent(path), number, mode)?;
        synced(&new)?;
        named(new, path)?;
        Ok(number)
    }
}

/// Syncs the directory above the file's directory.
///
/// breaks: "fsync(2) puts the directory on the disk after that, before the call returns."
/// fails: increment::is_on_the_disk_when_it_returns failed fsync-writes-the-name
mod syncs_the_grandparent {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let _lock = locked(parent(path))?;
        clean_again(parent(path))?;
        replaced(&File::open(parent(path).join(".."))?, path)
    }
}

/// Ignores the answer of the directory's fsync.
///
/// breaks: "Any other error of a call, unchanged"
/// fails: increment::returns_the_error_of_a_call failed
mod ignores_the_last_error {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let lock = locked(parent(path))?;
        clean_again(parent(path))?;
        let (number, mode) = next(path)?;
        let new = written_again(parent(path), number, mode)?;
        synced(&new)?;
        named(new, path)?;
        let _ = lock.sync_all();
        Ok(number)
    }
}

/// Renames the file first, and then syncs it together with the directory.
///
/// breaks: "write(2) or pwrite(2) and then fsync(2) put the new file on the disk before rename(2) gives it the name."
/// fails: increment::is_on_the_disk_when_it_returns failed rename-writes-the-file
/// fails: increment::returns_the_error_of_a_call failed
mod syncs_after_the_rename_2 {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let lock = locked(parent(path))?;
        clean_again(parent(path))?;
        let (number, mode) = next(path)?;
        let new = written_again(parent(path), number, mode)?;
        let file = new.as_file().try_clone()?;
        named(new, path)?;
        file.sync_all()?;
        lock.sync_all()?;
        Ok(number)
    }
}

/// Syncs the new file before it writes the newline.
///
/// breaks: "write(2) or pwrite(2) and then fsync(2) put the new file on the disk before rename(2) gives it the name."
/// fails: increment::is_on_the_disk_when_it_returns failed rename-writes-the-file
mod newline_after_the_sync {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let lock = locked(parent(path))?;
        clean_again(parent(path))?;
        let (number, mode) = next(path)?;
        let mut new = again(|| tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(parent(path)))?;
        write!(new, "{number}")?;
        synced(&new)?;
        writeln!(new)?;
        if let Some(mode) = mode {
            new.as_file().set_permissions(mode)?;
        }
        named(new, path)?;
        lock.sync_all()?;
        Ok(number)
    }
}

/// Opens the parent of a bare file name, which is the empty path.
///
/// breaks: "`path` may be a bare file name."
/// fails: increment::finds_a_file_by_a_relative_path failed
mod bare_name_has_no_parent {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = path.parent().ok_or(InvalidInput)?;
        let lock = locked(directory)?;
        clean_again(directory)?;
        replaced(&lock, path)
    }
}

/// Changes to the file's directory, so as to need bare names only.
///
/// breaks: "Increments the number in the file at `path` and returns the new number."
/// fails: increment::finds_a_file_by_a_relative_path failed
mod changes_the_working_directory {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        std::env::set_current_dir(parent(path))?;
        let lock = locked(Path::new("."))?;
        clean_again(Path::new("."))?;
        replaced(&lock, Path::new(path.file_name().ok_or(InvalidInput)?))
    }
}

/// Removes the temporary files of the working directory, whichever the file's directory is.
///
/// breaks: "A process that is killed may leave a temporary file. The next call that succeeds removes it"
/// fails: increment::leaves_a_whole_number_whenever_it_is_killed failed the-dead-clean-up
mod cleans_the_working_directory {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let lock = locked(parent(path))?;
        clean_again(Path::new("."))?;
        replaced(&lock, path)
    }
}

/// Removes no temporary files of others.
///
/// breaks: "The next call that succeeds removes it"
/// fails: increment::leaves_a_whole_number_whenever_it_is_killed failed the-dead-clean-up
mod never_cleans {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let lock = locked(parent(path))?;
        replaced(&lock, path)
    }
}

/// Removes temporary files only when they are an hour old.
///
/// breaks: "The next call that succeeds removes it"
/// fails: increment::leaves_a_whole_number_whenever_it_is_killed failed the-dead-clean-up
mod cleans_what_is_old {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let lock = locked(parent(path))?;
        for left in leftovers(parent(path))? {
            let age = fs::metadata(&left)?.modified()?.elapsed();
            if age.is_ok_and(|age| age.as_secs() > 3600) {
                fs::remove_file(left)?;
            }
        }
        replaced(&lock, path)
    }
}

/// Removes at most one temporary file, as many as a killed process leaves.
///
/// breaks: "A process that is killed may leave a temporary file. The next call that succeeds removes it"
/// fails: increment::leaves_a_whole_number_whenever_it_is_killed failed
mod cleans_one {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let lock = locked(parent(path))?;
        if let Some(left) = leftovers(parent(path))?.first() {
            again(|| fs::remove_file(left))?;
        }
        replaced(&lock, path)
    }
}

/// Makes the temporary file under a fixed name with O_EXCL, and fails if a killed process has left one.
///
/// breaks: "A process may be killed at any moment: that makes no later call fail."
/// fails: increment::leaves_a_whole_number_whenever_it_is_killed failed
mod fixed_name_is_taken {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let lock = locked(parent(path))?;
        let (number, mode) = next(path)?;
        let name = parent(path).join(format!("{TEMPORARY}counter"));
        let mut new = NamedTempFile::from_parts(File::create_new(&name)?, tempfile::TempPath::try_from_path(&name)?);
        writeln!(new, "{number}")?;
        if let Some(mode) = mode {
            new.as_file().set_permissions(mode)?;
        }
        synced(&new)?;
        named(new, path)?;
        clean_again(parent(path))?;
        lock.sync_all()?;
        Ok(number)
    }
}

/// Names the temporary file after the file.
///
/// breaks: "The name of a temporary file begins with `TEMPORARY`"
/// fails: increment::gives_the_next_number failed
/// fails: increment::leaves_a_whole_number_whenever_it_is_killed failed
mod dot_tmp {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let lock = locked(parent(path))?;
        clean_again(parent(path))?;
        let (number, mode) = next(path)?;
        let name = path.with_extension("tmp");
        let mut new = NamedTempFile::from_parts(File::create(&name)?, tempfile::TempPath::try_from_path(&name)?);
        writeln!(new, "{number}")?;
        if let Some(mode) = mode {
            new.as_file().set_permissions(mode)?;
        }
        synced(&new)?;
        named(new, path)?;
        lock.sync_all()?;
        Ok(number)
    }
}

/// Leaves its temporary file where it is when a call fails, for the next call to remove.
///
/// breaks: "A call that returns, even with an error, leaves no temporary file of its own."
/// fails: increment::returns_the_error_of_a_call failed
mod leaves_it_to_the_next {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let lock = locked(parent(path))?;
        clean_again(parent(path))?;
        let (number, mode) = next(path)?;
        let name = parent(path).join(format!("{TEMPORARY}{}", std::process::id()));
        let mut new = File::create_new(&name)?;
        writeln!(new, "{number}")?;
        if let Some(mode) = mode {
            new.set_permissions(mode)?;
        }
        new.sync_all()?;
        again(|| fs::rename(&name, path))?;
        lock.sync_all()?;
        Ok(number)
    }
}

/// Makes the temporary file where temporary files are made, from where rename may not reach.
///
/// breaks: "Any other error of a call, unchanged or as tempfile passes it on"
/// fails: increment::is_on_the_disk_when_it_returns failed
mod temporary_elsewhere {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let lock = locked(parent(path))?;
        clean_again(parent(path))?;
        let (number, mode) = next(path)?;
        let new = written_again(&std::env::temp_dir(), number, mode)?;
        synced(&new)?;
        named(new, path)?;
        lock.sync_all()?;
        Ok(number)
    }
}

/// Writes the number into the old file, under the lock.
///
/// breaks: "A process that has opened the file before keeps reading the old number."
/// fails: increment::gives_the_next_number failed
/// fails: increment::is_on_the_disk_when_it_returns failed rewriting-is-one-step
/// fails: increment::leaves_a_whole_number_whenever_it_is_killed failed rewriting-is-one-step
/// fails: increment::returns_the_error_of_a_call failed
mod writes_in_place_2 {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let lock = locked(parent(path))?;
        clean_again(parent(path))?;
        let (number, _) = next(path)?;
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(path)?;
        writeln!(file, "{number}")?;
        file.sync_all()?;
        lock.sync_all()?;
        Ok(number)
    }
}

/// Removes the old file before it renames the new one.
///
/// breaks: "A process that opens the file at any moment finds the complete old number or the complete new one."
/// fails: increment::leaves_a_whole_number_whenever_it_is_killed failed rewriting-is-one-step
/// fails: increment::returns_the_error_of_a_call failed
mod removes_the_old_first_2 {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let lock = locked(parent(path))?;
        clean_again(parent(path))?;
        let (number, mode) = next(path)?;
        let new = written_again(parent(path), number, mode)?;
        synced(&new)?;
        if path.exists() {
            again(|| fs::remove_file(path))?;
        }
        named(new, path)?;
        lock.sync_all()?;
        Ok(number)
    }
}

/// Opens the old file for writing as well, which its mode may forbid.
///
/// breaks: "Increments the number in the file at `path` and returns the new number."
/// fails: increment::gives_the_next_number failed
mod needs_a_writable_file {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let lock = locked(parent(path))?;
        clean_again(parent(path))?;
        match OpenOptions::new().read(true).write(true).open(path) {
            Err(error) if error.kind() != NotFound => Err(error),
            _ => replaced(&lock, path),
        }
    }
}

/// Lets `parse` decide what a number is, which takes a sign.
///
/// breaks: "`InvalidData` when the file is empty, or holds anything but a number"
/// fails: increment::refuses_what_is_no_number failed
mod plus_is_a_digit {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let lock = locked(parent(path))?;
        clean_again(parent(path))?;
        if let Some((bytes, mode)) = old_bytes(path)? {
            let text = str::from_utf8(&bytes).map_err(|_| InvalidData)?;
            let old: u64 = text.strip_suffix('\n').unwrap_or(text).parse().map_err(|_| InvalidData)?;
            let new = written_again(parent(path), after(old)?, Some(mode))?;
            synced(&new)?;
            named(new, path)?;
            lock.sync_all()?;
            return Ok(old + 1);
        }
        replaced(&lock, path)
    }
}

/// Trims what is around the number: blanks, and any number of lines.
///
/// breaks: "The file holds one or more decimal digits, and perhaps one `\n` after them."
/// fails: increment::refuses_what_is_no_number failed
mod trims_2 {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let lock = locked(parent(path))?;
        clean_again(parent(path))?;
        let (number, mode) = match old_bytes(path)? {
            Some((bytes, mode)) => (after(number(bytes.trim_ascii())?)?, Some(mode)),
            None => (1, None),
        };
        let new = written_again(parent(path), number, mode)?;
        synced(&new)?;
        named(new, path)?;
        lock.sync_all()?;
        Ok(number)
    }
}

/// Counts an empty file like one that does not exist.
///
/// breaks: "`InvalidData` when the file is empty"
/// fails: increment::refuses_what_is_no_number failed
mod empty_is_zero_2 {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let lock = locked(parent(path))?;
        clean_again(parent(path))?;
        let (number, mode) = match old_bytes(path)? {
            Some((bytes, mode)) if bytes.is_empty() => (1, Some(mode)),
            Some((bytes, mode)) => (after(number(&bytes)?)?, Some(mode)),
            None => (1, None),
        };
        let new = written_again(parent(path), number, mode)?;
        synced(&new)?;
        named(new, path)?;
        lock.sync_all()?;
        Ok(number)
    }
}

/// Reads as many bytes as the largest number has digits, and the newline.
///
/// breaks: "Any number of the digits may be leading zeros."
/// fails: increment::gives_the_next_number failed
mod twenty_digits {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let lock = locked(parent(path))?;
        clean_again(parent(path))?;
        if old_bytes(path)?.is_some_and(|(bytes, _)| bytes.len() > 21) {
            return Err(InvalidData.into());
        }
        replaced(&lock, path)
    }
}

/// Stays at the largest number for ever.
///
/// breaks: "`InvalidData` when the number is `u64::MAX` or more"
/// fails: increment::refuses_what_is_no_number failed
mod stays_at_the_largest {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let lock = locked(parent(path))?;
        clean_again(parent(path))?;
        let (number, mode) = match old_bytes(path)? {
            Some((bytes, mode)) => (number(&bytes)?.saturating_add(1), Some(mode)),
            None => (1, None),
        };
        let new = written_again(parent(path), number, mode)?;
        synced(&new)?;
        named(new, path)?;
        lock.sync_all()?;
        Ok(number)
    }
}

/// Counts any file that it can't open as 0, and replaces it.
///
/// breaks: "Any other error of a call, unchanged or as tempfile passes it on: EACCES for an unreadable file."
/// fails: increment::returns_the_error_of_a_call failed
/// fails: increment::takes_no_other_error_for_a_file_that_is_not_there failed no-answer-is-nothing-there
mod unreadable_is_zero_2 {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let lock = locked(parent(path))?;
        clean_again(parent(path))?;
        let (number, mode) = match old_bytes(path) {
            Ok(Some((bytes, mode))) => (after(number(&bytes)?)?, Some(mode)),
            _ => (1, None),
        };
        let new = written_again(parent(path), number, mode)?;
        synced(&new)?;
        named(new, path)?;
        lock.sync_all()?;
        Ok(number)
    }
}

/// Writes the number without the newline if the old file had none.
///
/// breaks: "Afterwards the file holds the new number and a newline."
/// fails: increment::gives_the_next_number failed
mod newline_as_before {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let lock = locked(parent(path))?;
        clean_again(parent(path))?;
        let newline = old_bytes(path)?.is_none_or(|(bytes, _)| bytes.ends_with(b"\n"));
        let (number, mode) = next(path)?;
        let new = written_again(parent(path), number, mode)?;
        if !newline {
            new.as_file().set_len(number.to_string().len() as u64)?;
        }
        synced(&new)?;
        named(new, path)?;
        lock.sync_all()?;
        Ok(number)
    }
}

/// Makes a missing file, with a 0, before anything else: a reader may find it empty, or with the number 0.
///
/// breaks: "A process that opens the file at any moment finds the complete old number or the complete new one."
/// fails: increment::gives_the_next_number failed
/// fails: increment::leaves_a_whole_number_whenever_it_is_killed failed rewriting-is-one-step
mod makes_a_zero_first {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        // The first process makes the file, so that all others find one.
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
            Ok(mut file) => file.write_all(b"0\n")?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        let lock = locked(parent(path))?;
        clean_again(parent(path))?;
        replaced(&lock, path)
    }
}

/// Locks, cleans, reads, replaces, syncs; dropping the lock unlocks.
///
/// passes
mod straight {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = lock_directory(path)?;
        clean_beside(path)?;
        let (number, mode) = next_again(path)?;
        persist(prepare(path, number, mode)?, path)?;
        directory.sync_all()?;
        Ok(number)
    }
}

/// Exchanges the two files by renameat2(2), so that the temporary name is the old file's, and removes that.
///
/// passes
mod exchanges {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = lock_directory(path)?;
        clean_beside(path)?;
        let (number, mode) = next_again(path)?;
        let exists = mode.is_some();
        let new = prepare(path, number, mode)?;
        if exists {
            loop {
                match fcntl::renameat2(AT_FDCWD, new.path(), AT_FDCWD, path, RenameFlags::RENAME_EXCHANGE) {
                    Err(Errno::EINTR) => {}
                    answer => break answer?,
                }
            }
            new.close()?;
        } else {
            persist(new, path)?;
        }
        directory.sync_all()?;
        Ok(number)
    }
}

/// Uses writev(2) and fdatasync(2), reads before it cleans up, and writes into the directory's file by its own loop.
///
/// passes
mod writev_and_fdatasync {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = lock_directory(path)?;
        let (number, mode) = next_again(path)?;
        clean_beside(path)?;
        let mut new = create(path)?;
        let digits = number.to_string();
        let mut parts = [IoSlice::new(digits.as_bytes()), IoSlice::new(b"\n")];
        let mut left = &mut parts[..];
        while !left.is_empty() {
            match new.as_file_mut().write_vectored(left) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => IoSlice::advance_slices(&mut left, written),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if let Some(mode) = mode {
            new.as_file().set_permissions(mode)?;
        }
        new.as_file().sync_data()?;
        persist(new, path)?;
        directory.sync_data()?;
        Ok(number)
    }
}

/// Lets the next process go on before the directory is on the disk.
///
/// breaks: "It holds the lock until the directory is on the disk."
/// fails: increment::waits_for_its_turn failed what-was-read-still-holds
mod unlocks_before_the_last_fsync {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let locked = lock_directory(path)?;
        clean_beside(path)?;
        let (number, mode) = next_again(path)?;
        persist(prepare(path, number, mode)?, path)?;
        let directory = locked.unlock().map_err(|(_, error)| error)?;
        directory.sync_all()?;
        Ok(number)
    }
}

/// Opens the file, and notes its mode, before it has the lock.
///
/// breaks: "A process takes the lock before it reads the number or removes files."
/// fails: increment::waits_for_its_turn failed what-was-read-still-holds
mod opens_before_the_lock {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let old = File::open(path);
        let directory = lock_directory(path)?;
        clean_beside(path)?;
        let (number, mode) = match old {
            Ok(mut file) => {
                let mut text = Vec::new();
                file.read_to_end(&mut text)?;
                let number = parse_again(&text)?.checked_add(1).ok_or_else(invalid)?;
                (number, Some(file.metadata()?.permissions()))
            }
            Err(_) => next_again(path)?,
        };
        persist(prepare(path, number, mode)?, path)?;
        directory.sync_all()?;
        Ok(number)
    }
}

/// Locks the file if there is one, which after rename(2) is no longer the one that the next process locks.
///
/// breaks: "Processes take turns: each takes an exclusive flock(2) on the file's directory, opened for reading."
/// fails: increment::waits_for_its_turn failed a-lock-is-on-the-name
mod locks_the_file_3 {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = File::open(directory_of(path))?;
        let _lock = match File::open(path) {
            Ok(file) => lock_again(file)?,
            Err(_) => lock_again(directory.try_clone()?)?,
        };
        clean_beside(path)?;
        let (number, mode) = next_again(path)?;
        persist(prepare(path, number, mode)?, path)?;
        directory.sync_all()?;
        Ok(number)
    }
}

/// Cleans up first of all, and removes the temporary file of a process that has the lock.
///
/// breaks: "A process takes the lock before it reads the number or removes files."
/// fails: increment::returns_the_error_of_a_call failed
/// fails: increment::waits_for_its_turn failed
mod cleans_before_the_lock {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        for left in leftovers(directory_of(path))? {
            let _ = fs::remove_file(left); // another process may have been faster
        }
        let directory = lock_directory(path)?;
        let (number, mode) = next_again(path)?;
        persist(prepare(path, number, mode)?, path)?;
        directory.sync_all()?;
        Ok(number)
    }
}

/// Syncs the file when it has its name already.
///
/// breaks: "write(2) or pwrite(2) and then fsync(2) put the new file on the disk before rename(2) gives it the name."
/// fails: increment::is_on_the_disk_when_it_returns failed rename-writes-the-file
/// fails: increment::returns_the_error_of_a_call failed
mod syncs_after_the_rename_3 {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = lock_directory(path)?;
        clean_beside(path)?;
        let (number, mode) = next_again(path)?;
        let mut new = create(path)?;
        new.write_all(format!("{number}\n").as_bytes())?;
        if let Some(mode) = mode {
            new.as_file().set_permissions(mode)?;
        }
        persist(new, path)?.sync_all()?;
        directory.sync_all()?;
        Ok(number)
    }
}

/// Sets the mode of the empty file; for a process without CAP_FSETID the write clears set-user-ID and set-group-ID.
///
/// breaks: "The new file has the mode of the old one, all 12 bits of it, before it has the name."
/// fails: increment::gives_the_next_number failed
mod mode_before_the_write {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = lock_directory(path)?;
        clean_beside(path)?;
        let (number, mode) = next_again(path)?;
        let mut new = create(path)?;
        if let Some(mode) = mode {
            new.as_file().set_permissions(mode)?;
        }
        new.write_all(format!("{number}\n").as_bytes())?;
        new.as_file().sync_all()?;
        persist(new, path)?;
        directory.sync_all()?;
        Ok(number)
    }
}

/// Keeps the permissions, but neither set-user-ID nor set-group-ID nor the sticky bit.
///
/// breaks: "The new file has the mode of the old one, all 12 bits of it, before it has the name."
/// fails: increment::gives_the_next_number failed
mod nine_bits {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = lock_directory(path)?;
        clean_beside(path)?;
        let (number, mode) = next_again(path)?;
        let mode = mode.map(|mode| Permissions::from_mode(mode.mode() & 0o777));
        persist(prepare(path, number, mode)?, path)?;
        directory.sync_all()?;
        Ok(number)
    }
}

/// Gives the new file its mode after rename(2): a reader in between may be refused.
///
/// breaks: "The new file has the mode of the old one, all 12 bits of it, before it has the name."
/// fails: increment::leaves_a_whole_number_whenever_it_is_killed failed
/// fails: increment::returns_the_error_of_a_call failed
mod mode_after_the_rename_2 {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = lock_directory(path)?;
        clean_beside(path)?;
        let (number, mode) = next_again(path)?;
        let file = persist(prepare(path, number, None)?, path)?;
        if let Some(mode) = mode {
            file.set_permissions(mode)?;
            file.sync_all()?;
        }
        directory.sync_all()?;
        Ok(number)
    }
}

/// Passes the mode to open(2), which takes the bits of the umask out of it.
///
/// breaks: "The new file has the mode of the old one, all 12 bits of it, before it has the name."
/// fails: increment::gives_the_next_number failed
mod mode_under_the_umask {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = lock_directory(path)?;
        clean_beside(path)?;
        let (number, mode) = next_again(path)?;
        let mode = mode.unwrap_or(Permissions::from_mode(0o600));
        let mut new = tempfile::Builder::new().prefix(TEMPORARY).permissions(mode).tempfile_in(directory_of(path))?;
        new.write_all(format!("{number}\n").as_bytes())?;
        new.as_file().sync_all()?;
        persist(new, path)?;
        directory.sync_all()?;
        Ok(number)
    }
}

/// Takes the umask away while it creates the file, in all threads of the process, and not back after an error.
///
/// breaks: "The call changes neither the working directory nor the umask of the process."
/// fails: increment::finds_a_file_by_a_relative_path failed
mod umask_of_zero {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = lock_directory(path)?;
        clean_beside(path)?;
        let (number, mode) = next_again(path)?;
        let umask = stat::umask(Mode::empty());
        let new = prepare(path, number, mode)?;
        stat::umask(umask);
        persist(new, path)?;
        directory.sync_all()?;
        Ok(number)
    }
}

/// Opens `path.parent()` as it is, which is "" for a bare file name.
///
/// breaks: "`path` may be a bare file name, or relative."
/// fails: increment::finds_a_file_by_a_relative_path failed
mod bare_name {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let parent = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
        let directory = lock_again(File::open(parent)?)?;
        clean_beside(path)?;
        let (number, mode) = next_again(path)?;
        persist(prepare(path, number, mode)?, path)?;
        directory.sync_all()?;
        Ok(number)
    }
}

/// Leaves the syntax to `u64::from_str`, which takes a plus sign as well.
///
/// breaks: "`InvalidData` when the file is empty, or holds anything but a number; it does not change."
/// fails: increment::refuses_what_is_no_number failed
mod plus_sign_2 {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = lock_directory(path)?;
        clean_beside(path)?;
        let (number, mode) = match fs::read_to_string(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => (1, None),
            text => {
                let text = text?;
                let number: u64 = text.strip_suffix('\n').unwrap_or(&text).parse().map_err(|_| invalid())?;
                (number.checked_add(1).ok_or_else(invalid)?, Some(fs::metadata(path)?.permissions()))
            }
        };
        persist(prepare(path, number, mode)?, path)?;
        directory.sync_all()?;
        Ok(number)
    }
}

/// Refuses a file of more than 1,000 bytes: no number is as long as that.
///
/// breaks: "Any number of the digits may be leading zeros."
/// fails: increment::gives_the_next_number failed
mod refuses_a_long_file {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = lock_directory(path)?;
        clean_beside(path)?;
        if fs::metadata(path).is_ok_and(|old| old.len() > 1_000) {
            return Err(invalid());
        }
        let (number, mode) = next_again(path)?;
        persist(prepare(path, number, mode)?, path)?;
        directory.sync_all()?;
        Ok(number)
    }
}

/// Takes u64::MAX for a number that may be given once, and saturates.
///
/// breaks: "`InvalidData` when the number is `u64::MAX` or more; the file does not change."
/// fails: increment::refuses_what_is_no_number failed
mod saturates_2 {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = lock_directory(path)?;
        clean_beside(path)?;
        let (number, mode) = match fs::read(path) {
            Ok(text) => (parse_again(&text)?.saturating_add(1), Some(fs::metadata(path)?.permissions())),
            Err(_) => next_again(path)?,
        };
        persist(prepare(path, number, mode)?, path)?;
        directory.sync_all()?;
        Ok(number)
    }
}

/// Starts with 0 whenever the file can't be opened.
///
/// breaks: "Any other error of a call, unchanged or as tempfile passes it on: EACCES for an unreadable file."
/// fails: increment::takes_no_other_error_for_a_file_that_is_not_there failed no-answer-is-nothing-there
mod unreadable_is_missing {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = lock_directory(path)?;
        clean_beside(path)?;
        let (number, mode) = match File::open(path) {
            Ok(_) => next_again(path)?,
            Err(_) => (1, fs::metadata(path).ok().map(|old| old.permissions())),
        };
        persist(prepare(path, number, mode)?, path)?;
        directory.sync_all()?;
        Ok(number)
    }
}

/// Calls flock(2) once, which returns EINTR when a signal handler runs meanwhile.
///
/// breaks: "EINTR is no error: the call is retried."
/// fails: increment::goes_on_after_interrupted_calls failed eintr-is-an-error
/// fails: increment::waits_for_its_turn failed eintr-is-an-error
mod one_flock {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = File::open(directory_of(path))?;
        let directory = Flock::lock(directory, FlockArg::LockExclusive).map_err(|(_, errno)| errno)?;
        clean_beside(path)?;
        let (number, mode) = next_again(path)?;
        persist(prepare(path, number, mode)?, path)?;
        directory.sync_all()?;
        Ok(number)
    }
}

/// Tries to get the lock a hundred times, and then gives up with EWOULDBLOCK.
///
/// breaks: "Processes take turns: each takes an exclusive flock(2) on the file's directory, opened for reading."
/// fails: increment::waits_for_its_turn failed
mod a_hundred_attempts {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let mut directory = File::open(directory_of(path))?;
        let mut attempts = 0;
        let directory = loop {
            match Flock::lock(directory, FlockArg::LockExclusiveNonblock) {
                Ok(locked) => break locked,
                Err((_, error)) if attempts == 100 => return Err(error.into()),
                Err((again, _)) => directory = again,
            }
            attempts += 1;
            thread::yield_now();
        };
        clean_beside(path)?;
        let (number, mode) = next_again(path)?;
        persist(prepare(path, number, mode)?, path)?;
        directory.sync_all()?;
        Ok(number)
    }
}

/// Closes the bare descriptor of the directory at the end, which an error never reaches.
///
/// breaks: "A call that returns, even with an error, holds no lock any more."
/// fails: increment::goes_on_after_interrupted_calls failed eintr-is-an-error
/// fails: increment::refuses_what_is_no_number failed
/// fails: increment::returns_the_error_of_a_call failed
/// fails: increment::takes_no_other_error_for_a_file_that_is_not_there failed
mod locked_after_an_error {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let fd = fcntl::open(directory_of(path), OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty())?.into_raw_fd();
        // SAFETY: the descriptor is open until the close below.
        while unsafe { nix::libc::flock(fd, nix::libc::LOCK_EX) } != 0 {
            if Errno::last() != Errno::EINTR {
                return Err(io::Error::last_os_error());
            }
        }
        clean_beside(path)?;
        let (number, mode) = next_again(path)?;
        persist(prepare(path, number, mode)?, path)?;
        File::open(directory_of(path))?.sync_all()?;
        unistd::close(fd)?;
        Ok(number)
    }
}

/// Removes its temporary file when rename(2) fails, but not when the write or fsync(2) does.
///
/// breaks: "A call that returns, even with an error, leaves no temporary file of its own."
/// fails: increment::returns_the_error_of_a_call failed
mod temporary_after_a_failed_write {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = lock_directory(path)?;
        clean_beside(path)?;
        let (number, mode) = next_again(path)?;
        let (mut file, name) = create(path)?.keep().map_err(|error| error.error)?;
        file.write_all(format!("{number}\n").as_bytes())?;
        if let Some(mode) = mode {
            file.set_permissions(mode)?;
        }
        file.sync_all()?;
        fs::rename(&name, path).inspect_err(|_| drop(fs::remove_file(&name)))?;
        directory.sync_all()?;
        Ok(number)
    }
}

/// Removes only what is older than a minute, in case that someone still uses it.
///
/// breaks: "The next call that succeeds removes all that are left; others may."
/// fails: increment::leaves_a_whole_number_whenever_it_is_killed failed the-dead-clean-up
mod only_old_leftovers {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = lock_directory(path)?;
        for left in leftovers(directory_of(path))? {
            let age = fs::metadata(&left)?.modified()?.elapsed().unwrap_or_default();
            if age > Duration::from_secs(60) {
                fs::remove_file(left)?;
            }
        }
        let (number, mode) = next_again(path)?;
        persist(prepare(path, number, mode)?, path)?;
        directory.sync_all()?;
        Ok(number)
    }
}

/// Removes the old file and then renames without replacing, so that for a moment there is none.
///
/// breaks: "A process that opens the file at any moment finds the complete old number or the complete new one."
/// fails: increment::leaves_a_whole_number_whenever_it_is_killed failed rewriting-is-one-step
/// fails: increment::returns_the_error_of_a_call failed
mod removes_the_old_file_first {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = lock_directory(path)?;
        clean_beside(path)?;
        let (number, mode) = next_again(path)?;
        let exists = mode.is_some();
        let new = prepare(path, number, mode)?;
        if exists {
            fs::remove_file(path)?;
        }
        new.persist_noclobber(path).map_err(|error| error.error)?;
        directory.sync_all()?;
        Ok(number)
    }
}

/// Opens the directory once, so that the threads of the process share an open file and its lock.
///
/// breaks: "It never returns the same number twice, no matter which processes call it at the same time"
/// fails: increment::gives_the_next_number failed
mod one_descriptor_for_all_threads {
    use super::*;

    static DIRECTORY: OnceLock<(PathBuf, File)> = OnceLock::new();

    pub fn increment(path: &Path) -> io::Result<u64> {
        let place = directory_of(path).canonicalize()?;
        let opened = File::open(&place)?;
        let (kept_place, kept) = DIRECTORY.get_or_init(|| (place.clone(), opened));
        let directory = if *kept_place == place { kept.try_clone()? } else { File::open(&place)? };
        let directory = lock_again(directory)?;
        clean_beside(path)?;
        let (number, mode) = next_again(path)?;
        persist(prepare(path, number, mode)?, path)?;
        directory.sync_all()?;
        Ok(number)
    }
}

/// Syncs the directory only if the file is new: otherwise the name was there before.
///
/// breaks: "fsync(2) puts the directory on the disk after that, before the call returns."
/// fails: increment::is_on_the_disk_when_it_returns failed fsync-writes-the-name
mod directory_only_for_a_new_name {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = lock_directory(path)?;
        clean_beside(path)?;
        let (number, mode) = next_again(path)?;
        let is_new = mode.is_none();
        persist(prepare(path, number, mode)?, path)?;
        if is_new {
            directory.sync_all()?;
        }
        Ok(number)
    }
}

/// Makes the temporary name from the file's own, which may have 255 bytes already.
///
/// breaks: "Increments the number in the file at `path` and returns the new number."
/// fails: increment::gives_the_next_number failed
mod prefix_before_the_name {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let lock = locked(directory_of(path))?;
        clean_again(directory_of(path))?;
        let (number, mode) = next_after(path)?;
        let mut name = std::ffi::OsString::from(TEMPORARY);
        name.push(path.file_name().unwrap_or(OsStr::new("")));
        let new = tempfile::Builder::new().prefix(&name).rand_bytes(0).tempfile_in(directory_of(path))?;
        writeln!(&mut new.as_file(), "{number}")?;
        if let Some(mode) = mode {
            new.as_file().set_permissions(mode)?;
        }
        again(|| new.as_file().sync_all())?;
        new.persist(path)?;
        again(|| lock.sync_all())?;
        Ok(number)
    }
}

/// Keeps the path of the first directory in a static, and locks that one for every path.
///
/// breaks: "each takes an exclusive flock(2) on the file's directory, opened for reading"
/// fails: increment::waits_for_its_turn failed
mod first_directory_for_ever {
    use super::*;

    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();

    pub fn increment(path: &Path) -> io::Result<u64> {
        let _lock = locked(DIRECTORY.get_or_init(|| directory_of(path).to_owned()))?;
        clean_again(directory_of(path))?;
        let (number, mode) = next_after(path)?;
        replace(path, &File::open(directory_of(path))?, number, mode)?;
        Ok(number)
    }
}

/// Exchanges the two files and removes the old one under its temporary name; where they can't be exchanged, it renames.
///
/// passes
mod exchanges_the_files {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let lock = locked(directory_of(path))?;
        let (number, mode) = next_after(path)?;
        clean_again(directory_of(path))?;
        let new = written(directory_of(path), number, mode)?;
        again(|| new.as_file().sync_all())?;
        let exchanges = || Ok(renameat2(AT_FDCWD, new.path(), AT_FDCWD, path, RenameFlags::RENAME_EXCHANGE)?);
        if again(exchanges).is_ok() {
            new.close()?;
        } else {
            new.persist(path)?;
        }
        again(|| lock.sync_all())?;
        Ok(number)
    }
}

/// Names the temporary file after the process, and cleans up at the end: a later process of the same number finds the name taken.
///
/// breaks: "A process may be killed at any moment: that makes no later call fail."
/// fails: increment::leaves_a_whole_number_whenever_it_is_killed failed
mod named_after_the_process {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = locked(parent(path))?;
        let (number, mode) = next(path)?;
        let name = parent(path).join(format!("{TEMPORARY}{}", std::process::id()));
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&name)?;
        let made = writeln!(file, "{number}")
            .and_then(|()| mode.map_or(Ok(()), |mode| file.set_permissions(mode)))
            .and_then(|()| file.sync_all())
            .and_then(|()| fs::rename(&name, path));
        if let Err(error) = made {
            let _ = fs::remove_file(&name);
            return Err(error);
        }
        clean(parent(path))?;
        directory.sync_all()?;
        Ok(number)
    }
}

/// Looks only at names that are UTF-8.
///
/// breaks: "The next call that succeeds removes all that are left; others may."
/// fails: increment::leaves_a_whole_number_whenever_it_is_killed failed
mod cleans_names_of_text {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = locked(parent(path))?;
        for entry in fs::read_dir(parent(path))? {
            let entry = entry?;
            if entry.file_name().to_str().is_some_and(|name| name.starts_with(TEMPORARY)) {
                fs::remove_file(entry.path())?;
            }
        }
        replaced(&directory, path)
    }
}

/// Removes only what has six characters after the prefix, as tempfile's names have.
///
/// breaks: "The next call that succeeds removes all that are left; others may."
/// fails: increment::leaves_a_whole_number_whenever_it_is_killed failed the-dead-clean-up
mod cleans_what_looks_like_tempfiles {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = locked(parent(path))?;
        for left in leftovers(parent(path))? {
            if left.file_name().is_some_and(|name| name.len() == TEMPORARY.len() + 6) {
                fs::remove_file(left)?;
            }
        }
        replaced(&directory, path)
    }
}

/// Removes no more than ten leftovers in a call.
///
/// breaks: "The next call that succeeds removes all that are left; others may."
/// fails: increment::leaves_a_whole_number_whenever_it_is_killed failed
mod cleans_ten {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = locked(parent(path))?;
        leftovers(parent(path))?.iter().take(10).try_for_each(fs::remove_file)?;
        replaced(&directory, path)
    }
}

/// Unlocks the directory by closing it.
///
/// passes
mod closing_unlocks {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = File::open(parent(path))?;
        again(|| flock_once(&directory, libc::LOCK_EX))?;
        clean(parent(path))?;
        replaced(&directory, path)
    }
}

/// Pads the new number with zeros to the width that the old one had.
///
/// breaks: "Afterwards the file holds the new number and a newline."
/// fails: increment::gives_the_next_number failed
mod keeps_the_width {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = locked(parent(path))?;
        clean(parent(path))?;
        let (number, mode) = next(path)?;
        let width = old_bytes(path)?.map_or(1, |(old, _)| old.trim_ascii_end().len());
        let mut new = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(parent(path))?;
        writeln!(new, "{number:0width$}")?;
        if let Some(mode) = mode {
            new.as_file().set_permissions(mode)?;
        }
        synced(&new)?;
        named(new, path)?;
        directory.sync_all()?;
        Ok(number)
    }
}

/// Makes the path absolute by canonicalize, which fails for a file that does not exist.
///
/// breaks: "A file that does not exist counts as 0."
/// fails: increment::gives_the_next_number failed
/// fails: increment::leaves_a_whole_number_whenever_it_is_killed failed
mod needs_an_old_file_to_resolve {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let path = path.canonicalize()?;
        let directory = locked(parent(&path))?;
        clean(parent(&path))?;
        replaced(&directory, &path)
    }
}

/// Overwrites the number in place when it has as many digits as the old one.
///
/// breaks: "A process that has opened the file before keeps reading the old number."
/// fails: increment::gives_the_next_number failed
/// fails: increment::is_on_the_disk_when_it_returns failed rewriting-is-one-step
/// fails: increment::returns_the_error_of_a_call failed
mod overwrites_equal_lengths {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = locked(parent(path))?;
        clean(parent(path))?;
        let (number, _) = next(path)?;
        let text = format!("{number}\n");
        if fs::metadata(path).is_ok_and(|old| old.len() == text.len() as u64) {
            let file = OpenOptions::new().write(true).open(path)?;
            file.write_all_at(text.as_bytes(), 0)?;
            file.sync_all()?;
            return Ok(number);
        }
        replaced(&directory, path)
    }
}

/// Ignores it when a leftover can't be removed.
///
/// breaks: "The next call that succeeds removes all that are left; others may."
/// fails: increment::returns_the_error_of_a_call failed
mod ignores_what_stays_left {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = locked(parent(path))?;
        for left in leftovers(parent(path))? {
            let _ = fs::remove_file(left);
        }
        replaced(&directory, path)
    }
}

/// Ignores it when the directory can't be listed, and leaves what may be in it.
///
/// breaks: "Any other error of a call, unchanged or as tempfile passes it on: EACCES for an unreadable file."
/// fails: increment::returns_the_error_of_a_call failed
mod ignores_what_it_cannot_list {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = locked(parent(path))?;
        for left in leftovers(parent(path)).unwrap_or_default() {
            fs::remove_file(left)?;
        }
        replaced(&directory, path)
    }
}

/// Takes a file whose bytes can't be read for one that does not exist.
///
/// breaks: "Any other error of a call, unchanged or as tempfile passes it on: EACCES for an unreadable file."
/// fails: increment::returns_the_error_of_a_call failed
mod unreadable_bytes_are_zero {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = locked(parent(path))?;
        clean(parent(path))?;
        let mut bytes = Vec::new();
        let mode = match File::open(path) {
            Err(error) if error.kind() == NotFound => None,
            file => {
                let mut file = file?;
                if file.read_to_end(&mut bytes).is_err() {
                    bytes = b"0".to_vec();
                }
                Some(file.metadata()?.permissions())
            }
        };
        let number = if mode.is_none() { 1 } else { after(number(&bytes)?)? };
        replace(path, &directory, number, mode)?;
        Ok(number)
    }
}

/// Asks by `Path::exists` whether there is a file, which says no whenever it can't tell.
///
/// breaks: "A file that does not exist counts as 0."
/// fails: increment::returns_the_error_of_a_call failed
mod exists_or_not {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = locked(parent(path))?;
        clean(parent(path))?;
        if path.exists() {
            return replaced(&directory, path);
        }
        replace(path, &directory, 1, None)?;
        Ok(1)
    }
}

/// Keeps the mode if it can be found out, and does without it otherwise.
///
/// breaks: "The new file has the mode of the old one, all 12 bits of it, before it has the name."
/// fails: increment::returns_the_error_of_a_call failed
mod mode_if_it_is_known {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = locked(parent(path))?;
        clean(parent(path))?;
        let number = match fs::read(path) {
            Err(error) if error.kind() == NotFound => 1,
            bytes => after(number(&bytes?)?)?,
        };
        replace(path, &directory, number, fs::metadata(path).ok().map(|old| old.permissions()))?;
        Ok(number)
    }
}

/// Writes the number into the old file where no other can be made beside it.
///
/// breaks: "A process that opens the file at any moment finds the complete old number or the complete new one."
/// fails: increment::returns_the_error_of_a_call failed
mod in_place_if_there_is_no_other_way {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = locked(parent(path))?;
        clean(parent(path))?;
        let (number, mode) = next(path)?;
        let Ok(new) = written_again(parent(path), number, mode) else {
            let file = OpenOptions::new().write(true).truncate(true).open(path)?;
            writeln!(&file, "{number}")?;
            file.sync_all()?;
            return Ok(number);
        };
        synced(&new)?;
        named(new, path)?;
        directory.sync_all()?;
        Ok(number)
    }
}

/// Makes the directory as well where there is none.
///
/// breaks: "No other file is created or changed."
/// fails: increment::returns_the_error_of_a_call failed
mod makes_the_directory {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        fs::create_dir_all(parent(path))?;
        let directory = locked(parent(path))?;
        clean(parent(path))?;
        replaced(&directory, path)
    }
}

/// Puts the path into a String, which not every path fits in.
///
/// breaks: "Increments the number in the file at `path` and returns the new number."
/// fails: increment::gives_the_next_number failed
mod path_as_text {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let path = path.to_str().ok_or(InvalidInput)?;
        let path = Path::new(path);
        let directory = locked(parent(path))?;
        clean(parent(path))?;
        replaced(&directory, path)
    }
}

/// Follows no link on the way to the directory, out of caution.
///
/// breaks: "Increments the number in the file at `path` and returns the new number."
/// fails: increment::finds_a_file_by_a_relative_path failed
mod no_link_to_the_directory {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let open = || OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW).open(parent(path));
        let directory = again(open)?;
        again(|| flock_once(&directory, libc::LOCK_EX))?;
        clean(parent(path))?;
        replaced(&directory, path)
    }
}

/// Makes the temporary file before its turn, in which another process removes it.
///
/// breaks: "Processes take turns"
/// fails: increment::waits_for_its_turn failed
mod temporary_before_its_turn {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let mut new = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(parent(path))?;
        let directory = locked(parent(path))?;
        for left in leftovers(parent(path))?.iter().filter(|left| left.file_name() != new.path().file_name()) {
            fs::remove_file(left)?;
        }
        let (number, mode) = next(path)?;
        writeln!(new, "{number}")?;
        if let Some(mode) = mode {
            new.as_file().set_permissions(mode)?;
        }
        synced(&new)?;
        named(new, path)?;
        directory.sync_all()?;
        Ok(number)
    }
}

/// Reads the number by a read(2) of its own, and returns EINTR of that.
///
/// breaks: "EINTR is no error: the call is retried."
/// fails: increment::goes_on_after_interrupted_calls failed eintr-is-an-error
mod interrupted_read_of_the_number {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = locked(parent(path))?;
        clean(parent(path))?;
        let (number, mode) = match File::open(path) {
            Err(error) if error.kind() == NotFound => (1, None),
            file => {
                let (mut file, mut text, mut part) = (file?, Vec::new(), [0; 1000]);
                loop {
                    let length = file.read(&mut part)?;
                    if length == 0 {
                        break;
                    }
                    text.extend_from_slice(&part[..length]);
                }
                (after(number(&text)?)?, Some(file.metadata()?.permissions()))
            }
        };
        replace(path, &directory, number, mode)?;
        Ok(number)
    }
}

/// Calls fsync(2) of the directory once, and returns its EINTR.
///
/// breaks: "EINTR is no error: the call is retried."
/// fails: increment::goes_on_after_interrupted_calls failed eintr-is-an-error
mod interrupted_sync_of_the_directory {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = locked(parent(path))?;
        clean(parent(path))?;
        let (number, mode) = next(path)?;
        let new = written_again(parent(path), number, mode)?;
        synced(&new)?;
        named(new, path)?;
        unistd::fsync(directory.as_fd())?;
        Ok(number)
    }
}

/// Takes an interrupted fsync(2) of the new file for one that has been done.
///
/// breaks: "EINTR is no error: the call is retried."
/// fails: increment::goes_on_after_interrupted_calls failed
mod interrupted_sync_will_do {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = locked(parent(path))?;
        clean(parent(path))?;
        let (number, mode) = next(path)?;
        let new = written_again(parent(path), number, mode)?;
        match unistd::fsync(new.as_file().as_fd()) {
            Ok(()) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        named(new, path)?;
        directory.sync_all()?;
        Ok(number)
    }
}

/// Writes with write(2) itself, and returns its EINTR.
///
/// breaks: "EINTR is no error: the call is retried."
/// fails: increment::goes_on_after_interrupted_calls failed eintr-is-an-error
mod interrupted_write_of_the_number {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = locked(parent(path))?;
        clean(parent(path))?;
        let (number, mode) = next(path)?;
        let new = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(parent(path))?;
        let text = format!("{number}\n");
        if unistd::write(new.as_file(), text.as_bytes())? < text.len() {
            return Err(io::ErrorKind::WriteZero.into());
        }
        if let Some(mode) = mode {
            new.as_file().set_permissions(mode)?;
        }
        synced(&new)?;
        named(new, path)?;
        directory.sync_all()?;
        Ok(number)
    }
}

/// Opens the directory with open(2) itself, and returns its EINTR.
///
/// breaks: "EINTR is no error: the call is retried."
/// fails: increment::goes_on_after_interrupted_calls failed eintr-is-an-error
mod interrupted_open_of_the_directory {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = File::from(fcntl::open(parent(path), OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty())?);
        again(|| flock_once(&directory, libc::LOCK_EX))?;
        clean(parent(path))?;
        replaced(&directory, path)
    }
}

/// Gives up when fsync(2) of the new file has been interrupted three times.
///
/// breaks: "EINTR is no error: the call is retried."
/// fails: increment::goes_on_after_interrupted_calls failed
mod three_attempts_to_sync {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = locked(parent(path))?;
        clean(parent(path))?;
        let (number, mode) = next(path)?;
        let new = written_again(parent(path), number, mode)?;
        let mut done = Err(Errno::EINTR);
        for _ in 0..3 {
            if done == Err(Errno::EINTR) {
                done = unistd::fsync(new.as_file().as_fd());
            }
        }
        done?;
        named(new, path)?;
        directory.sync_all()?;
        Ok(number)
    }
}

/// Begins again from the beginning, once it has let the lock go, whenever a call is interrupted.
///
/// passes
mod begins_again_when_interrupted {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        again(|| {
            let directory = File::from(fcntl::open(parent(path), OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty())?);
            flock_once(&directory, libc::LOCK_EX)?;
            clean(parent(path))?;
            let (number, mode) = next(path)?;
            let new = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(parent(path))?;
            // One call: it writes the few bytes whole, or none of them.
            unistd::write(new.as_file(), format!("{number}\n").as_bytes())?;
            if let Some(mode) = mode {
                new.as_file().set_permissions(mode)?;
            }
            unistd::fsync(new.as_file())?;
            named(new, path)?;
            directory.sync_all()?;
            Ok(number)
        })
    }
}

/// Blocks all signals while it waits and works, so that none interrupts it, and then restores the mask.
///
/// passes
mod blocks_all_signals {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let before = SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK)?;
        let done = locked(parent(path)).and_then(|directory| {
            clean(parent(path))?;
            replaced(&directory, path)
        });
        before.thread_set_mask()?;
        done
    }
}

/// Asks for the lock every few milliseconds instead of waiting for it.
///
/// passes
mod asks_again_and_again {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = File::open(parent(path))?;
        while let Err(error) = flock_once(&directory, libc::LOCK_EX | libc::LOCK_NB) {
            if error.kind() != io::ErrorKind::WouldBlock && error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
            let _ = poll(&mut [], PollTimeout::from(2_u8));
        }
        clean(parent(path))?;
        replaced(&directory, path)
    }
}

/// Takes a number that the last call has returned for one that was put back, though it is another file's.
///
/// breaks: "Increments the number in the file at `path` and returns the new number."
/// fails: increment::gives_the_next_number failed
mod last_of_all_files {
    use super::*;

    static LAST: AtomicU64 = AtomicU64::new(0);

    pub fn increment(path: &Path) -> io::Result<u64> {
        let lock = lock_directory(path)?;
        clean_beside(path)?;
        let (number, mode) = next(path)?;
        let number = if LAST.fetch_max(number, Ordering::SeqCst) == number { after(number)? } else { number };
        persist(prepare(path, number, mode)?, path)?;
        lock.sync_all()?;
        Ok(number)
    }
}

/// Cleans up when its turn is over: it may remove the file of a process whose turn it is.
///
/// breaks: "A process takes the lock before it reads the number or removes files."
/// fails: increment::waits_for_its_turn failed
mod cleans_after_its_turn {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let number = replaced(&*lock_directory(path)?, path)?;
        clean_beside(path)?;
        Ok(number)
    }
}

/// Opens the new file again to sync it, which its mode may forbid.
///
/// breaks: "Increments the number in the file at `path` and returns the new number."
/// fails: increment::gives_the_next_number failed
mod opens_the_new_file_again {
    use super::*;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let lock = lock_directory(path)?;
        clean_beside(path)?;
        let (number, mode) = next(path)?;
        let mut new = create(path)?;
        writeln!(new, "{number}")?;
        if let Some(mode) = mode {
            new.as_file().set_permissions(mode)?;
        }
        File::open(new.path())?.sync_all()?;
        persist(new, path)?;
        lock.sync_all()?;
        Ok(number)
    }
}

/// Follows the last hint, line by line.
///
/// passes
mod increment_as_the_hint_says {
    use mmap_workbook::lesson_1::{Account, write_at};

    use super::*;
    use crate::solution::read_number;

    pub fn increment(path: &Path) -> io::Result<u64> {
        let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let locked = loop {
            match Flock::lock(File::open(directory)?, FlockArg::LockExclusive) {
                Ok(locked) => break locked,
                Err((_, Errno::EINTR)) => {}
                Err((_, errno)) => return Err(errno.into()),
            }
        };
        for left in leftovers(directory)? {
            fs::remove_file(left)?;
        }
        let next = read_number(path)?.checked_add(1).ok_or(InvalidData)?;
        let mode = match fs::metadata(path) {
            Ok(metadata) => Some(metadata.permissions()),
            Err(error) if error.kind() == NotFound => None,
            Err(error) => return Err(error),
        };
        let temporary = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(directory)?;
        write_at(temporary.as_file(), format!("{next}\n").as_bytes(), 0, &mut Account::default())?;
        if let Some(mode) = mode {
            temporary.as_file().set_permissions(mode)?;
        }
        temporary.as_file().sync_all()?;
        temporary.persist(path).map_err(|error| error.error)?;
        locked.sync_all()?;
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
    error_keeps_the_lock record_lock with_tempfile relative_to_the_descriptor syncs_the_file_system locks_the_file_2
    reads_before_its_turn_2 cleans_before_its_turn unlocks_after_the_rename lock_bound_to_nothing shared_lock_2
    does_not_wait_2 interrupted_lock_2 mutex_of_this_process leaks_the_lock_on_error lock_file_2 mode_after_the_name
    nine_bits_of_the_mode mode_less_the_umask_2 writes_after_the_mode forgets_the_directory syncs_the_grandparent
    ignores_the_last_error syncs_after_the_rename_2 newline_after_the_sync bare_name_has_no_parent
    changes_the_working_directory cleans_the_working_directory never_cleans cleans_what_is_old cleans_one
    fixed_name_is_taken dot_tmp leaves_it_to_the_next temporary_elsewhere writes_in_place_2 removes_the_old_first_2
    needs_a_writable_file plus_is_a_digit trims_2 empty_is_zero_2 twenty_digits stays_at_the_largest
    unreadable_is_zero_2 newline_as_before makes_a_zero_first straight exchanges writev_and_fdatasync
    unlocks_before_the_last_fsync opens_before_the_lock locks_the_file_3 cleans_before_the_lock syncs_after_the_rename_3
    mode_before_the_write nine_bits mode_after_the_rename_2 mode_under_the_umask umask_of_zero bare_name plus_sign_2
    refuses_a_long_file saturates_2 unreadable_is_missing one_flock a_hundred_attempts locked_after_an_error
    temporary_after_a_failed_write only_old_leftovers removes_the_old_file_first one_descriptor_for_all_threads
    directory_only_for_a_new_name prefix_before_the_name first_directory_for_ever exchanges_the_files
    named_after_the_process cleans_names_of_text cleans_what_looks_like_tempfiles cleans_ten closing_unlocks
    keeps_the_width needs_an_old_file_to_resolve overwrites_equal_lengths ignores_what_stays_left
    ignores_what_it_cannot_list unreadable_bytes_are_zero exists_or_not mode_if_it_is_known
    in_place_if_there_is_no_other_way makes_the_directory path_as_text no_link_to_the_directory
    temporary_before_its_turn interrupted_read_of_the_number interrupted_sync_of_the_directory interrupted_sync_will_do
    interrupted_write_of_the_number interrupted_open_of_the_directory three_attempts_to_sync
    begins_again_when_interrupted blocks_all_signals asks_again_and_again last_of_all_files
    cleans_after_its_turn opens_the_new_file_again increment_as_the_hint_says
}
