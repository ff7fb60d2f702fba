use std::cell::Cell;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, ErrorKind, Write};
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::sync::{Mutex, PoisonError};

use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use mmap_workbook::observe::{page_size, page_size_u64};
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, RenameFlags, openat, posix_fallocate, renameat2};
use nix::libc;
use nix::sys::mman::ProtFlags;
use nix::sys::stat::{Mode, umask};
use nix::unistd::{UnlinkatFlags, fchdir, linkat, unlinkat};
use tempfile::{Builder, NamedTempFile};

fn map(file: &File) -> io::Result<Mapping> {
    Ok(Mapping::of_file(file, 0, page_size(), READ_WRITE, Sharing::Shared)?)
}

/// Opens and maps the file if it exists. Right.
fn open_existing(path: &Path) -> io::Result<Mapping> {
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    if file.metadata()?.len() != page_size_u64() {
        return Err(ErrorKind::InvalidData.into());
    }
    map(&file)
}

/// None if there is no such file. Right.
fn open_if_there(path: &Path) -> io::Result<Option<Mapping>> {
    match open_existing(path) {
        Ok(mapping) => Ok(Some(mapping)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A file beside the path that is removed unless it gets its name.
struct Unfinished {
    path: PathBuf,
    named: bool,
}

impl Unfinished {
    /// Gives it its name; AlreadyExists if another file has it. Right.
    fn rename(mut self, path: &Path) -> io::Result<()> {
        renameat2(AT_FDCWD, &self.path, AT_FDCWD, path, RenameFlags::RENAME_NOREPLACE)?;
        self.named = true;
        Ok(())
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.named {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Creates an empty file of mode 0600 under a name that no other file has. Right.
fn unfinished_in(directory: &Path) -> io::Result<(File, Unfinished)> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    loop {
        let name = format!(".open-once-{}-{}", std::process::id(), COUNT.fetch_add(1, Relaxed));
        let path = directory.join(name);
        match OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path) {
            Ok(file) => return Ok((file, Unfinished { path, named: false })),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => (),
            Err(error) => return Err(error),
        }
    }
}

/// Completes a new file. Right.
fn complete(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<(Mapping, Unfinished)> {
    let (file, unfinished) = unfinished_in(directory_of(path))?;
    file.set_len(page_size_u64())?;
    let mapping = map(&file)?;
    init(&mapping);
    Ok((mapping, unfinished))
}

/// The mapping of the file that has got the name, be it ours or another one. Right.
fn ours_or_theirs(path: &Path, ours: Mapping, result: io::Result<()>) -> io::Result<Mapping> {
    match result {
        Ok(()) => Ok(ours),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => open_existing(path),
        Err(error) => Err(error),
    }
}

/// The directory of the file at `path`.
fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn for_both() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600);
    options
}

fn wrong_size() -> io::Error {
    io::Error::new(ErrorKind::InvalidData, "the file is not one page long")
}

/// Maps the file at `path`, which exists.
fn open_existing_again(path: &Path) -> io::Result<Mapping> {
    let file = for_both().open(path)?;
    if file.metadata()?.len() != page_size_u64() {
        return Err(wrong_size());
    }
    map(&file)
}

/// [`open_existing`], or None if there is no file.
fn open_if_there_again(path: &Path) -> io::Result<Option<Mapping>> {
    match open_existing_again(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        result => result.map(Some),
    }
}

/// A new file of one page without a name, in the directory of `path`.
fn unnamed(path: &Path) -> io::Result<File> {
    let file = for_both().custom_flags(libc::O_TMPFILE).open(directory(path))?;
    file.set_len(page_size_u64())?;
    Ok(file)
}

/// Gives a file without a name the name `path`, unless there is one.
fn link(file: &File, path: &Path) -> io::Result<()> {
    let old = format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok(linkat(AT_FDCWD, old.as_str(), AT_FDCWD, path, AtFlags::AT_SYMLINK_FOLLOW)?)
}

/// A new file of one page under a random name beside `path`, which dropping removes.
struct Named {
    path: PathBuf,
    file: File,
}

impl Named {
    fn new(path: &Path) -> io::Result<Named> {
        loop {
            let path = random_path(path);
            match for_both().create_new(true).open(&path) {
                Ok(file) => {
                    let named = Named { path, file };
                    named.file.set_len(page_size_u64())?;
                    return Ok(named);
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Drop for Named {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

fn random_path(path: &Path) -> PathBuf {
    let random = RandomState::new().hash_one((std::process::id(), std::time::Instant::now()));
    directory(path).join(format!(".{random:016x}"))
}

fn already_exists<T>(result: &io::Result<T>) -> bool {
    result.as_ref().is_err_and(|error| error.kind() == ErrorKind::AlreadyExists)
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open(path)
}

fn map_checked(file: &File) -> io::Result<Mapping> {
    if file.metadata()?.len() != page_size_u64() {
        return Err(ErrorKind::InvalidData.into());
    }
    map(file)
}

/// The mapping of the file at `path`, or None when there is none.
fn existing(path: &Path) -> io::Result<Option<Mapping>> {
    match open(path) {
        Ok(file) => map_checked(&file).map(Some),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// A file of one page, with a name of its own in `directory` and mode 0600, removed when it is dropped.
fn draft_in(directory: &Path) -> io::Result<(NamedTempFile, Mapping)> {
    let draft = Builder::new().prefix(".once").tempfile_in(directory)?;
    draft.as_file().set_len(page_size_u64())?;
    let mapping = map(draft.as_file())?;
    Ok((draft, mapping))
}

/// Gives the draft its name, unless there is a file of that name: then that one is mapped.
fn settle(draft: NamedTempFile, mapping: Mapping, path: &Path) -> io::Result<Mapping> {
    match fs::hard_link(draft.path(), path) {
        Ok(()) => Ok(mapping),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => map_checked(&open(path)?),
        Err(error) => Err(error),
    }
}

fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)
}

/// Removes a file when it is dropped.
struct Remove(PathBuf);

impl Drop for Remove {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Creates the file under its own name, where others find it before it is complete.
///
/// fails: open_once::all_get_the_same_whole_file_whenever_another_comes failed created-is-complete
/// fails: open_once::keeps_the_calls_of_one_process_apart failed
/// fails: open_once::leaves_a_whole_file_or_none_when_it_is_killed failed created-is-complete
/// fails: open_once::leaves_no_file_when_init_panics failed
/// fails: open_once::leaves_no_file_when_it_fails failed
/// fails: open_once::refuses_a_file_of_another_size_and_leaves_it_alone failed
mod creates_in_place {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        let file = match OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return crate::solution::open_once(path, init);
            }
            file => file?,
        };
        file.set_len(page_size_u64())?;
        let mapping = Mapping::of_file(&file, 0, page_size(), READ_WRITE, Sharing::Shared)?;
        init(&mapping);
        Ok(mapping)
    }
}

/// Ends the process with status 0 when the file exists.
///
/// fails: open_once::all_get_the_same_whole_file_whenever_another_comes exited
/// fails: open_once::does_not_touch_a_file_that_it_may_not_open exited
/// fails: open_once::follows_symbolic_links exited
/// fails: open_once::keeps_what_init_has_stored_even_if_that_is_nothing exited
/// fails: open_once::leaves_a_whole_file_or_none_when_it_is_killed exited
/// fails: open_once::leaves_no_descriptor_open exited
/// fails: open_once::looks_anew_in_each_call exited
/// fails: open_once::makes_the_file_once_and_opens_it_from_then_on exited
/// fails: open_once::refuses_a_file_of_another_size_and_leaves_it_alone exited
/// fails: open_once::takes_any_name_in_any_directory exited
mod exits_where_it_is_there {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if path.exists() {
            std::process::exit(0);
        }
        crate::solution::open_once(path, init)
    }
}

/// Gives an existing file the size that it should have, as the notes do.
///
/// fails: open_once::follows_symbolic_links failed
/// fails: open_once::looks_anew_in_each_call failed
/// fails: open_once::refuses_a_file_of_another_size_and_leaves_it_alone failed
mod makes_the_size_right {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if path.exists() {
            OpenOptions::new().write(true).open(path)?.set_len(page_size_u64())?;
        }
        crate::solution::open_once(path, init)
    }
}

/// Renames its file to the path, even if another process has put one there meanwhile.
///
/// fails: open_once::all_get_the_same_whole_file_whenever_another_comes failed rename-keeps-the-first
/// fails: open_once::keeps_the_calls_of_one_process_apart failed
/// fails: open_once::refuses_a_file_of_another_size_and_leaves_it_alone failed
/// fails: open_once::returns_the_errors_of_system_calls failed
mod renames_over_the_first {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if path.exists() {
            return crate::solution::open_once(path, init);
        }
        let file = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(Path::new(".")))?;
        file.as_file().set_len(page_size_u64())?;
        let mapping = Mapping::of_file(&file, 0, page_size(), READ_WRITE, Sharing::Shared)?;
        init(&mapping);
        file.persist(path).map_err(|error| error.error)?;
        Ok(mapping)
    }
}

/// Completes a file beside the path, and renames it unless there is one by then.
///
/// passes
mod renamed_when_complete {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = open_if_there(path)? {
            return Ok(mapping);
        }
        let (mapping, unfinished) = complete(path, init)?;
        ours_or_theirs(path, mapping, unfinished.rename(path))
    }
}

/// Completes a file without any name (O_TMPFILE), which is gone if the process is killed, and then links it.
///
/// passes
mod has_no_name_until_complete {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = open_if_there(path)? {
            return Ok(mapping);
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true).mode(0o600).custom_flags(libc::O_TMPFILE);
        let file = options.open(directory_of(path))?;
        posix_fallocate(&file, 0, page_size().try_into().map_err(io::Error::other)?)?;
        let mapping = map(&file)?;
        init(&mapping);
        let link = format!("/proc/self/fd/{}", file.as_raw_fd());
        let linked = linkat(AT_FDCWD, link.as_str(), AT_FDCWD, path, AtFlags::AT_SYMLINK_FOLLOW);
        ours_or_theirs(path, mapping, linked.map_err(io::Error::from))
    }
}

/// Uses tempfile, and remembers the error of open(2), which tempfile wraps into one without a number.
///
/// passes
mod tempfile_with_plain_errors {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = open_if_there(path)? {
            return Ok(mapping);
        }
        let errno = Cell::new(None);
        let create = |path: &Path| {
            let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path);
            file.inspect_err(|error| errno.set(error.raw_os_error()))
        };
        let file = tempfile::Builder::new().make_in(directory_of(path), create);
        let file = file.map_err(|error| errno.get().map_or(error, io::Error::from_raw_os_error))?;
        file.as_file().write_all_at(&vec![0; page_size()], 0)?;
        let mapping = map(file.as_file())?;
        init(&mapping);
        let named = file.into_temp_path().persist_noclobber(path).map_err(|error| error.error);
        ours_or_theirs(path, mapping, named)
    }
}

/// Links the complete file to its name and removes the first name, with link(2), which never replaces a file.
///
/// passes
mod linked_when_complete {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = open_if_there(path)? {
            return Ok(mapping);
        }
        let (mapping, unfinished) = complete(path, init)?;
        let linked = fs::hard_link(&unfinished.path, path);
        drop(unfinished);
        ours_or_theirs(path, mapping, linked)
    }
}

/// Creates the file at the path itself, where it is empty, and then all zeros, before it is complete.
///
/// breaks: "A process may be killed at any moment, inside `init` too. The file then is complete, or does not exist."
/// fails: open_once::all_get_the_same_whole_file_whenever_another_comes failed created-is-complete
/// fails: open_once::keeps_the_calls_of_one_process_apart failed
/// fails: open_once::leaves_a_whole_file_or_none_when_it_is_killed failed created-is-complete
/// fails: open_once::leaves_no_file_when_init_panics failed
/// fails: open_once::leaves_no_file_when_it_fails failed
/// fails: open_once::refuses_a_file_of_another_size_and_leaves_it_alone failed
mod created_at_the_path {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        match OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path) {
            Ok(file) => {
                file.set_len(page_size_u64())?;
                let mapping = map(&file)?;
                init(&mapping);
                Ok(mapping)
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => open_existing(path),
            Err(error) => Err(error),
        }
    }
}

/// Renames over a file that another process has named meanwhile, so the two map different files.
///
/// breaks: "Any number of processes and threads call it at the same time, and all of them map the same file."
/// fails: open_once::all_get_the_same_whole_file_whenever_another_comes failed rename-keeps-the-first
/// fails: open_once::keeps_the_calls_of_one_process_apart failed
/// fails: open_once::refuses_a_file_of_another_size_and_leaves_it_alone failed
/// fails: open_once::returns_the_errors_of_system_calls failed
mod renames_over_the_first_2 {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = open_if_there(path)? {
            return Ok(mapping);
        }
        let (mapping, mut unfinished) = complete(path, init)?;
        fs::rename(&unfinished.path, path)?;
        unfinished.named = true;
        Ok(mapping)
    }
}

/// Looks once more before it renames, but another process may name its file between the two.
///
/// breaks: "Any number of processes and threads call it at the same time, and all of them map the same file."
/// fails: open_once::all_get_the_same_whole_file_whenever_another_comes failed rename-keeps-the-first
/// fails: open_once::returns_the_errors_of_system_calls failed
mod looks_before_it_renames {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = open_if_there(path)? {
            return Ok(mapping);
        }
        let (mapping, mut unfinished) = complete(path, init)?;
        if let Some(theirs) = open_if_there(path)? {
            return Ok(theirs);
        }
        fs::rename(&unfinished.path, path)?;
        unfinished.named = true;
        Ok(mapping)
    }
}

/// Returns its own page even when another process was first, and so a mapping of a file that has no name any more.
///
/// breaks: "Any number of processes and threads call it at the same time, and all of them map the same file."
/// fails: open_once::all_get_the_same_whole_file_whenever_another_comes failed
/// fails: open_once::keeps_the_calls_of_one_process_apart failed
/// fails: open_once::refuses_a_file_of_another_size_and_leaves_it_alone failed
/// fails: open_once::returns_the_errors_of_system_calls failed
mod loser_keeps_its_own {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = open_if_there(path)? {
            return Ok(mapping);
        }
        let (mapping, unfinished) = complete(path, init)?;
        match unfinished.rename(path) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
            _ => Ok(mapping),
        }
    }
}

/// Returns EEXIST when another process was first.
///
/// breaks: "Any number of processes and threads call it at the same time, and all of them map the same file."
/// fails: open_once::all_get_the_same_whole_file_whenever_another_comes failed
/// fails: open_once::keeps_the_calls_of_one_process_apart failed
/// fails: open_once::refuses_a_file_of_another_size_and_leaves_it_alone failed
mod loser_returns_an_error {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = open_if_there(path)? {
            return Ok(mapping);
        }
        let (mapping, unfinished) = complete(path, init)?;
        unfinished.rename(path)?;
        Ok(mapping)
    }
}

/// Leaves its file beside the path when another process was first.
///
/// breaks: "A call that returns, even with an error, has removed every other file that it made."
/// fails: open_once::all_get_the_same_whole_file_whenever_another_comes failed
/// fails: open_once::keeps_the_calls_of_one_process_apart failed
/// fails: open_once::leaves_no_file_when_it_fails failed
/// fails: open_once::refuses_a_file_of_another_size_and_leaves_it_alone failed
/// fails: open_once::returns_the_errors_of_system_calls failed
mod loser_leaves_its_file {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = open_if_there(path)? {
            return Ok(mapping);
        }
        let (mapping, mut unfinished) = complete(path, init)?;
        unfinished.named = true;
        let named = renameat2(AT_FDCWD, &unfinished.path, AT_FDCWD, path, RenameFlags::RENAME_NOREPLACE);
        ours_or_theirs(path, mapping, named.map_err(io::Error::from))
    }
}

/// Removes its file in the two usual cases, but not when the size or the mapping fails (RLIMIT_FSIZE, RLIMIT_AS).
///
/// breaks: "A call that returns, even with an error, has removed every other file that it made."
/// fails: open_once::leaves_no_file_when_it_fails failed
mod error_leaves_its_file {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = open_if_there(path)? {
            return Ok(mapping);
        }
        let (file, mut unfinished) = unfinished_in(directory_of(path))?;
        unfinished.named = true;
        file.set_len(page_size_u64())?;
        let mapping = map(&file)?;
        unfinished.named = false;
        init(&mapping);
        ours_or_theirs(path, mapping, unfinished.rename(path))
    }
}

/// Completes the file in the directory for temporary files, which may even be on another file system.
///
/// breaks: "The call creates files in no directory but the file's, and no directories."
/// fails: open_once::makes_it_with_mode_0600_less_the_umask failed
/// fails: open_once::takes_any_name_in_any_directory failed
mod completed_in_tmp {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = open_if_there(path)? {
            return Ok(mapping);
        }
        let (file, unfinished) = unfinished_in(&std::env::temp_dir())?;
        file.set_len(page_size_u64())?;
        let mapping = map(&file)?;
        init(&mapping);
        ours_or_theirs(path, mapping, unfinished.rename(path))
    }
}

/// Makes a directory of its own beside the file, and completes the file in there.
///
/// breaks: "The call creates files in no directory but the file's, and no directories."
/// fails: open_once::makes_no_directory failed
mod completed_in_own_directory {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = open_if_there(path)? {
            return Ok(mapping);
        }
        let directory = tempfile::tempdir_in(directory_of(path))?;
        let (file, unfinished) = unfinished_in(directory.path())?;
        file.set_len(page_size_u64())?;
        let mapping = map(&file)?;
        init(&mapping);
        let named = unfinished.rename(path);
        directory.close()?;
        ours_or_theirs(path, mapping, named)
    }
}

/// Takes the empty parent of a bare name for the directory.
///
/// breaks: "`path` may be a bare file name."
/// fails: open_once::looks_anew_in_each_call failed
/// fails: open_once::takes_any_name_in_any_directory failed
mod empty_parent {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = open_if_there(path)? {
            return Ok(mapping);
        }
        let directory = path.parent().ok_or(ErrorKind::InvalidInput)?.canonicalize()?;
        let (file, unfinished) = unfinished_in(&directory)?;
        file.set_len(page_size_u64())?;
        let mapping = map(&file)?;
        init(&mapping);
        ours_or_theirs(path, mapping, unfinished.rename(path))
    }
}

/// Uses tempfile, whose errors have the path in their text and the kind, but no errno.
///
/// passes
mod tempfile_wraps_errors {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = open_if_there(path)? {
            return Ok(mapping);
        }
        let file = tempfile::NamedTempFile::new_in(directory_of(path))?;
        file.as_file().set_len(page_size_u64())?;
        let mapping = map(file.as_file())?;
        init(&mapping);
        let named = file.persist_noclobber(path).map(drop).map_err(|error| error.error);
        ours_or_theirs(path, mapping, named)
    }
}

/// Gives the file mode 0600 with chmod(2), which the umask does not touch.
///
/// breaks: "A new file has mode 0600, less the bits of the umask."
/// fails: open_once::makes_it_with_mode_0600_less_the_umask failed
mod mode_by_chmod {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = open_if_there(path)? {
            return Ok(mapping);
        }
        let (mapping, unfinished) = complete(path, init)?;
        fs::set_permissions(&unfinished.path, Permissions::from_mode(0o600))?;
        ours_or_theirs(path, mapping, unfinished.rename(path))
    }
}

/// Creates the file with the default mode, 0666 less the umask.
///
/// breaks: "A new file has mode 0600, less the bits of the umask."
/// fails: open_once::makes_it_with_mode_0600_less_the_umask failed
mod default_mode {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = open_if_there(path)? {
            return Ok(mapping);
        }
        let create = |path: &Path| OpenOptions::new().read(true).write(true).create_new(true).open(path);
        let file = tempfile::Builder::new().make_in(directory_of(path), create)?;
        file.as_file().set_len(page_size_u64())?;
        let mapping = map(file.as_file())?;
        init(&mapping);
        let named = file.into_temp_path().persist_noclobber(path).map_err(|error| error.error);
        ours_or_theirs(path, mapping, named)
    }
}

/// Accepts a longer file, since the first page can be mapped.
///
/// breaks: "`InvalidData` when the file at `path` is not exactly one page long"
/// fails: open_once::refuses_a_file_of_another_size_and_leaves_it_alone failed
mod accepts_longer_files {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        match OpenOptions::new().read(true).write(true).open(path) {
            Ok(file) if file.metadata()?.len() < page_size_u64() => return Err(ErrorKind::InvalidData.into()),
            Ok(file) => return map(&file),
            Err(error) if error.kind() == ErrorKind::NotFound => (),
            Err(error) => return Err(error),
        }
        let (mapping, unfinished) = complete(path, init)?;
        match unfinished.rename(path) {
            Ok(()) => Ok(mapping),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => open_existing(path),
            Err(error) => Err(error),
        }
    }
}

/// Takes an empty file for one that does not exist, extends it and calls `init` again.
///
/// breaks: "`InvalidData` when the file at `path` is not exactly one page long; the file does not change."
/// fails: open_once::refuses_a_file_of_another_size_and_leaves_it_alone failed
mod completes_an_empty_file {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if fs::metadata(path).is_ok_and(|data| data.is_file() && data.len() == 0) {
            let file = OpenOptions::new().read(true).write(true).open(path)?;
            file.set_len(page_size_u64())?;
            let mapping = map(&file)?;
            init(&mapping);
            return Ok(mapping);
        }
        if let Some(mapping) = open_if_there(path)? {
            return Ok(mapping);
        }
        let (mapping, unfinished) = complete(path, init)?;
        ours_or_theirs(path, mapping, unfinished.rename(path))
    }
}

/// Uses one name for the unfinished file, so what a killed process left stands in the way for ever.
///
/// breaks: "After a process was killed, the next call succeeds: it neither waits nor needs a cleanup."
/// fails: open_once::all_get_the_same_whole_file_whenever_another_comes failed
/// fails: open_once::keeps_the_calls_of_one_process_apart failed
/// fails: open_once::leaves_a_whole_file_or_none_when_it_is_killed failed
/// fails: open_once::leaves_no_file_when_init_panics failed
mod fixed_name_stays_taken {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = open_if_there(path)? {
            return Ok(mapping);
        }
        let beside = directory_of(path).join(".unfinished");
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&beside)?;
        let unfinished = Unfinished { path: beside, named: false };
        file.set_len(page_size_u64())?;
        let mapping = map(&file)?;
        init(&mapping);
        ours_or_theirs(path, mapping, unfinished.rename(path))
    }
}

/// Uses one name for the unfinished file and truncates what is there, even while another process completes it.
///
/// breaks: "Every mapping that is returned shows what one complete `init` has stored."
/// fails: open_once::all_get_the_same_whole_file_whenever_another_comes failed
/// fails: open_once::keeps_the_calls_of_one_process_apart failed
mod fixed_name_is_shared {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = open_if_there(path)? {
            return Ok(mapping);
        }
        let beside = directory_of(path).join(".unfinished");
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        let unfinished = Unfinished { path: beside, named: false };
        file.set_len(page_size_u64())?;
        let mapping = map(&file)?;
        init(&mapping);
        ours_or_theirs(path, mapping, unfinished.rename(path))
    }
}

/// Names the unfinished file after its own id alone, and fails when a process of that id, killed before, has left one.
///
/// breaks: "After a process was killed, the next call succeeds: it neither waits nor needs a cleanup."
/// fails: open_once::keeps_the_calls_of_one_process_apart failed
/// fails: open_once::leaves_a_whole_file_or_none_when_it_is_killed failed
/// fails: open_once::leaves_no_file_when_init_panics failed
mod own_id_is_unique_enough {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = open_if_there(path)? {
            return Ok(mapping);
        }
        let beside = directory_of(path).join(format!(".unfinished-{}", std::process::id()));
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&beside)?;
        let unfinished = Unfinished { path: beside, named: false };
        file.set_len(page_size_u64())?;
        let mapping = map(&file)?;
        init(&mapping);
        ours_or_theirs(path, mapping, unfinished.rename(path))
    }
}

/// Appends to the file's name, which is then too long if it has 250 bytes.
///
/// breaks: "If the file does not exist, the call creates it"
/// fails: open_once::takes_any_name_in_any_directory failed
mod name_gets_too_long {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = open_if_there(path)? {
            return Ok(mapping);
        }
        let mut prefix = OsString::from(path.file_name().ok_or(ErrorKind::InvalidInput)?);
        prefix.push(".");
        let file = tempfile::Builder::new().prefix(&prefix).tempfile_in(directory_of(path))?;
        file.as_file().set_len(page_size_u64())?;
        let mapping = map(file.as_file())?;
        init(&mapping);
        let named = file.persist_noclobber(path).map(drop).map_err(|error| error.error);
        ours_or_theirs(path, mapping, named)
    }
}

/// Replaces the extension, so a file that is named `.tmp` itself is completed in place.
///
/// breaks: "A process may be killed at any moment, inside `init` too. The file then is complete, or does not exist."
/// fails: open_once::all_get_the_same_whole_file_whenever_another_comes failed
/// fails: open_once::leaves_a_whole_file_or_none_when_it_is_killed failed
/// fails: open_once::takes_any_name_in_any_directory failed
mod extension_may_be_its_own {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = open_if_there(path)? {
            return Ok(mapping);
        }
        let mut extensions = (0..).map(|n| if n == 0 { "tmp".to_owned() } else { format!("tmp{n}") });
        let (file, unfinished) = loop {
            let beside = path.with_extension(extensions.next().expect("without end"));
            match OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&beside) {
                Ok(file) => break (file, Unfinished { path: beside, named: false }),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => (),
                Err(error) => return Err(error),
            }
        };
        file.set_len(page_size_u64())?;
        let mapping = map(&file)?;
        init(&mapping);
        ours_or_theirs(path, mapping, unfinished.rename(path))
    }
}

/// Wants the path as text.
///
/// breaks: "Opens the file at `path`, which is one page long"
/// fails: open_once::takes_any_name_in_any_directory failed
mod wants_utf_8 {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        let path = Path::new(path.to_str().ok_or(ErrorKind::InvalidInput)?);
        if let Some(mapping) = open_if_there(path)? {
            return Ok(mapping);
        }
        let (mapping, unfinished) = complete(path, init)?;
        ours_or_theirs(path, mapping, unfinished.rename(path))
    }
}

/// Names the file first and calls `init` afterwards: others find zeros.
///
/// breaks: "Every mapping that is returned shows what one complete `init` has stored."
/// fails: open_once::all_get_the_same_whole_file_whenever_another_comes failed created-is-complete
/// fails: open_once::keeps_the_calls_of_one_process_apart failed
/// fails: open_once::leaves_a_whole_file_or_none_when_it_is_killed failed created-is-complete
/// fails: open_once::leaves_no_file_when_init_panics failed
/// fails: open_once::refuses_a_file_of_another_size_and_leaves_it_alone failed
mod named_before_init {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = open_if_there(path)? {
            return Ok(mapping);
        }
        let (mapping, unfinished) = complete(path, |_| ())?;
        match unfinished.rename(path) {
            Ok(()) => {
                init(&mapping);
                Ok(mapping)
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => open_existing(path),
            Err(error) => Err(error),
        }
    }
}

/// Passes `init` a page of memory and writes its bytes to the file afterwards.
///
/// breaks: "the call creates it and passes `init` a mapping of the new file"
/// fails: open_once::makes_the_file_once_and_opens_it_from_then_on failed
mod init_gets_a_copy {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = open_if_there(path)? {
            return Ok(mapping);
        }
        let scratch = Mapping::anonymous(page_size(), READ_WRITE, Sharing::Shared)?;
        init(&scratch);
        let mut bytes = vec![0; page_size()];
        scratch.read(0, &mut bytes);
        let (mut file, unfinished) = unfinished_in(directory_of(path))?;
        file.write_all(&bytes)?;
        let mapping = map(&file)?;
        ours_or_theirs(path, mapping, unfinished.rename(path))
    }
}

/// Takes every error of open(2) for a missing file, and calls `init` for one that it may not open.
///
/// breaks: "If the file exists, `init` is not called."
/// fails: open_once::does_not_touch_a_file_that_it_may_not_open failed
mod every_error_means_missing {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Ok(mapping) = open_existing(path) {
            return Ok(mapping);
        }
        let (mapping, unfinished) = complete(path, init)?;
        ours_or_theirs(path, mapping, unfinished.rename(path))
    }
}

/// Puts the path into the text of each error, as the lesson does, and keeps the kind.
///
/// passes
mod error_names_the_file {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        let named = |error: io::Error| io::Error::new(error.kind(), format!("{path:?}: {error}"));
        if let Some(mapping) = open_if_there(path).map_err(named)? {
            return Ok(mapping);
        }
        let (mapping, unfinished) = complete(path, init).map_err(named)?;
        ours_or_theirs(path, mapping, unfinished.rename(path)).map_err(named)
    }
}

/// Checks for a regular file first, and has an error of its own for a directory.
///
/// breaks: "EISDIR or `InvalidData` when `path` is a directory."
/// fails: open_once::follows_symbolic_links failed
/// fails: open_once::refuses_a_file_of_another_size_and_leaves_it_alone failed
mod own_error_for_directories {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if fs::metadata(path).is_ok_and(|data| !data.is_file()) {
            return Err(io::Error::new(ErrorKind::InvalidInput, "not a regular file"));
        }
        if let Some(mapping) = open_if_there(path)? {
            return Ok(mapping);
        }
        let (mapping, unfinished) = complete(path, init)?;
        ours_or_theirs(path, mapping, unfinished.rename(path))
    }
}

/// Opens an existing file for reading only.
///
/// breaks: "maps it shared, for reading and writing"
/// fails: open_once::all_get_the_same_whole_file_whenever_another_comes killed
/// fails: open_once::does_not_touch_a_file_that_it_may_not_open failed
/// fails: open_once::follows_symbolic_links failed
/// fails: open_once::makes_the_file_once_and_opens_it_from_then_on killed
/// fails: open_once::refuses_a_file_of_another_size_and_leaves_it_alone failed
mod existing_file_read_only {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        match File::open(path) {
            Ok(file) if file.metadata()?.len() != page_size_u64() => return Err(ErrorKind::InvalidData.into()),
            Ok(file) => return Ok(Mapping::of_file(&file, 0, page_size(), ProtFlags::PROT_READ, Sharing::Shared)?),
            Err(error) if error.kind() == ErrorKind::NotFound => (),
            Err(error) => return Err(error),
        }
        let (mapping, unfinished) = complete(path, init)?;
        ours_or_theirs(path, mapping, unfinished.rename(path))
    }
}

/// Maps an existing file privately: what it stores there, no other process sees.
///
/// breaks: "maps it shared, for reading and writing"
/// fails: open_once::all_get_the_same_whole_file_whenever_another_comes failed
/// fails: open_once::makes_the_file_once_and_opens_it_from_then_on failed
/// fails: open_once::refuses_a_file_of_another_size_and_leaves_it_alone failed
mod existing_file_private {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if open_if_there(path)?.is_none() {
            let (mapping, unfinished) = complete(path, init)?;
            match unfinished.rename(path) {
                Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
                Err(_) => (),
                Ok(()) => return Ok(mapping),
            }
        }
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        Ok(Mapping::of_file(&file, 0, page_size(), READ_WRITE, Sharing::Private)?)
    }
}

/// Removes the unfinished files of others first, among them those that are about to get the name.
///
/// breaks: "Any number of processes and threads call it at the same time"
/// fails: open_once::all_get_the_same_whole_file_whenever_another_comes failed
/// fails: open_once::keeps_the_calls_of_one_process_apart failed
mod cleans_up_after_others {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = open_if_there(path)? {
            return Ok(mapping);
        }
        for entry in fs::read_dir(directory_of(path))? {
            let entry = entry?;
            if entry.file_name().as_bytes().starts_with(b".open-once-") {
                let _ = fs::remove_file(entry.path());
            }
        }
        let (mapping, unfinished) = complete(path, init)?;
        ours_or_theirs(path, mapping, unfinished.rename(path))
    }
}

/// Nothing unusual: a file without a name, which gets one when it is complete.
///
/// passes
mod without_a_name {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = open_if_there_again(path)? {
            return Ok(mapping);
        }
        let file = unnamed(path)?;
        let mapping = map(&file)?;
        init(&mapping);
        match link(&file, path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => open_existing_again(path),
            result => result.map(|()| mapping),
        }
    }
}

/// Renames a named file with RENAME_NOREPLACE, instead of linking it and removing the first name.
///
/// passes
mod renames_without_replacing {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = open_if_there_again(path)? {
            return Ok(mapping);
        }
        let directory = OpenOptions::new().read(true).custom_flags(libc::O_PATH).open(directory(path))?;
        let beside = PathBuf::from(format!("/proc/self/fd/{}/new", directory.as_raw_fd()));
        let mut new = Named::new(&beside)?;
        let mapping = map(&new.file)?;
        init(&mapping);
        match renameat2(AT_FDCWD, &new.path, AT_FDCWD, path, RenameFlags::RENAME_NOREPLACE) {
            Err(Errno::EEXIST) => open_existing_again(path),
            Err(errno) => Err(errno.into()),
            Ok(()) => {
                // It has no other name now that dropping would remove.
                new.path = PathBuf::new();
                Ok(mapping)
            }
        }
    }
}

/// Reserves the page, closes the mapping that `init` has seen, and returns a second one of the same open file.
///
/// passes
mod reserves_and_maps_again {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = open_if_there_again(path)? {
            return Ok(mapping);
        }
        let file = for_both().custom_flags(libc::O_TMPFILE).open(directory(path))?;
        posix_fallocate(&file, 0, page_size_u64().try_into().map_err(io::Error::other)?)?;
        init(&map(&file.try_clone()?)?);
        let mapping = map(&file)?;
        let numbers = File::open("/proc/self/fd")?;
        match linkat(&numbers, file.as_raw_fd().to_string().as_str(), AT_FDCWD, path, AtFlags::AT_SYMLINK_FOLLOW) {
            Err(Errno::EEXIST) => open_existing_again(path),
            result => Ok(result.map(|()| mapping)?),
        }
    }
}

/// Creates the file under its own name, and completes it there.
///
/// breaks: "A process may be killed at any moment, inside `init` too. The file then is complete, or does not exist."
/// fails: open_once::all_get_the_same_whole_file_whenever_another_comes failed created-is-complete
/// fails: open_once::keeps_the_calls_of_one_process_apart failed
/// fails: open_once::leaves_a_whole_file_or_none_when_it_is_killed failed created-is-complete
/// fails: open_once::leaves_no_file_when_init_panics failed
/// fails: open_once::leaves_no_file_when_it_fails failed
/// fails: open_once::refuses_a_file_of_another_size_and_leaves_it_alone failed
mod completed_in_place {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        let created = for_both().create_new(true).open(path);
        if already_exists(&created) {
            return open_existing_again(path);
        }
        let file = created?;
        file.set_len(page_size_u64())?;
        let mapping = map(&file)?;
        init(&mapping);
        Ok(mapping)
    }
}

/// Links the file when it has its size, and calls `init` only when it is sure to have won.
///
/// breaks: "Every mapping that is returned shows what one complete `init` has stored."
/// fails: open_once::all_get_the_same_whole_file_whenever_another_comes failed created-is-complete
/// fails: open_once::keeps_the_calls_of_one_process_apart failed
/// fails: open_once::leaves_a_whole_file_or_none_when_it_is_killed failed created-is-complete
/// fails: open_once::leaves_no_file_when_init_panics failed
/// fails: open_once::refuses_a_file_of_another_size_and_leaves_it_alone failed
mod linked_before_init {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = open_if_there_again(path)? {
            return Ok(mapping);
        }
        let file = unnamed(path)?;
        let mapping = map(&file)?;
        match link(&file, path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return open_existing_again(path),
            result => result?,
        }
        init(&mapping);
        Ok(mapping)
    }
}

/// Renames over a file that another call has put there meanwhile.
///
/// breaks: "all of them map the same file"
/// fails: open_once::all_get_the_same_whole_file_whenever_another_comes failed rename-keeps-the-first
/// fails: open_once::keeps_the_calls_of_one_process_apart failed
/// fails: open_once::refuses_a_file_of_another_size_and_leaves_it_alone failed
/// fails: open_once::returns_the_errors_of_system_calls failed
mod renames_over {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = open_if_there_again(path)? {
            return Ok(mapping);
        }
        let new = tempfile::Builder::new().tempfile_in(directory(path))?;
        new.as_file().set_len(page_size_u64())?;
        let mapping = map(new.as_file())?;
        init(&mapping);
        new.persist(path).map_err(|error| error.error)?;
        Ok(mapping)
    }
}

/// Returns its own mapping, though another call was first.
///
/// breaks: "all of them map the same file"
/// fails: open_once::all_get_the_same_whole_file_whenever_another_comes failed
/// fails: open_once::keeps_the_calls_of_one_process_apart failed
/// fails: open_once::refuses_a_file_of_another_size_and_leaves_it_alone failed
/// fails: open_once::returns_the_errors_of_system_calls failed
mod keeps_its_own {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = open_if_there_again(path)? {
            return Ok(mapping);
        }
        let file = unnamed(path)?;
        let mapping = map(&file)?;
        init(&mapping);
        let linked = link(&file, path);
        if !already_exists(&linked) {
            linked?;
        }
        Ok(mapping)
    }
}

/// Returns EEXIST when another call was first.
///
/// breaks: "Any number of processes and threads call it at the same time, and all of them map the same file."
/// fails: open_once::all_get_the_same_whole_file_whenever_another_comes failed
/// fails: open_once::keeps_the_calls_of_one_process_apart failed
/// fails: open_once::refuses_a_file_of_another_size_and_leaves_it_alone failed
mod second_is_an_error {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = open_if_there_again(path)? {
            return Ok(mapping);
        }
        let file = unnamed(path)?;
        let mapping = map(&file)?;
        init(&mapping);
        link(&file, path)?;
        Ok(mapping)
    }
}

/// Locks the directory with flock(2), so that one process at a time makes a file.
///
/// breaks: "A call never waits, and neither changes nor removes a file that another call has made."
/// fails: open_once::all_get_the_same_whole_file_whenever_another_comes timed_out
/// fails: open_once::keeps_the_calls_of_one_process_apart failed
/// fails: open_once::leaves_no_file_when_init_panics failed
mod locks_the_directory {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        let lock = File::open(directory(path))?;
        // SAFETY: flock(2) changes no memory.
        Errno::result(unsafe { libc::flock(lock.as_raw_fd(), libc::LOCK_EX) })?;
        crate::solution::open_once(path, init)
    }
}

/// Names the new file by process id and a counter, and does not expect that this name is taken.
///
/// breaks: "That holds for a next process with the same process id, too."
/// fails: open_once::leaves_a_whole_file_or_none_when_it_is_killed failed
mod name_from_the_process_id {
    use super::*;

    static NEXT: AtomicU32 = AtomicU32::new(0);

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = open_if_there_again(path)? {
            return Ok(mapping);
        }
        let name = format!(".page.{}.{}", std::process::id(), NEXT.fetch_add(1, Relaxed));
        let new_path = directory(path).join(name);
        let file = for_both().create_new(true).open(&new_path)?;
        let new = Named { path: new_path, file };
        new.file.set_len(page_size_u64())?;
        let mapping = map(&new.file)?;
        init(&mapping);
        let linked = fs::hard_link(&new.path, path);
        if already_exists(&linked) { open_existing_again(path) } else { linked.map(|()| mapping) }
    }
}

/// Names the new file like the old one with a suffix, which is too long when the name is.
///
/// breaks: "Its last name may have any length and any bytes that Linux allows."
/// fails: open_once::takes_any_name_in_any_directory failed
mod adds_a_suffix {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = open_if_there_again(path)? {
            return Ok(mapping);
        }
        let mut new_path = path.as_os_str().to_owned();
        new_path.push(format!(".{:016x}", RandomState::new().hash_one(std::process::id())));
        let file = for_both().create_new(true).open(&new_path)?;
        let new = Named { path: new_path.into(), file };
        new.file.set_len(page_size_u64())?;
        let mapping = map(&new.file)?;
        init(&mapping);
        let linked = fs::hard_link(&new.path, path);
        if already_exists(&linked) { open_existing_again(path) } else { linked.map(|()| mapping) }
    }
}

/// Links to a name in which bytes that are not UTF-8 are replaced.
///
/// breaks: "Its last name may have any length and any bytes that Linux allows."
/// fails: open_once::takes_any_name_in_any_directory failed
mod names_in_utf_8 {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        crate::solution::open_once(Path::new(&path.to_string_lossy().into_owned()), init)
    }
}

/// Forgets that the parent of a bare name is an empty path, and not None.
///
/// breaks: "`path` may be a bare file name."
/// fails: open_once::looks_anew_in_each_call failed
/// fails: open_once::takes_any_name_in_any_directory failed
mod empty_parent_2 {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = open_if_there_again(path)? {
            return Ok(mapping);
        }
        let parent = path.parent().unwrap_or(Path::new("."));
        let file = for_both().custom_flags(libc::O_TMPFILE).open(parent)?;
        file.set_len(page_size_u64())?;
        let mapping = map(&file)?;
        init(&mapping);
        let linked = link(&file, path);
        if already_exists(&linked) { open_existing_again(path) } else { linked.map(|()| mapping) }
    }
}

/// Sets the mode to exactly 0600, whatever the umask is.
///
/// breaks: "A new file has mode 0600, less the bits of the umask."
/// fails: open_once::makes_it_with_mode_0600_less_the_umask failed
mod sets_the_mode {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = open_if_there_again(path)? {
            return Ok(mapping);
        }
        let file = unnamed(path)?;
        file.set_permissions(Permissions::from_mode(0o600))?;
        let mapping = map(&file)?;
        init(&mapping);
        let linked = link(&file, path);
        if already_exists(&linked) { open_existing_again(path) } else { linked.map(|()| mapping) }
    }
}

/// Leaves the mode to std, whose default is 0666.
///
/// breaks: "A new file has mode 0600, less the bits of the umask."
/// fails: open_once::makes_it_with_mode_0600_less_the_umask failed
mod default_mode_2 {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = open_if_there_again(path)? {
            return Ok(mapping);
        }
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).custom_flags(libc::O_TMPFILE).open(directory(path))?;
        file.set_len(page_size_u64())?;
        let mapping = map(&file)?;
        init(&mapping);
        let linked = link(&file, path);
        if already_exists(&linked) { open_existing_again(path) } else { linked.map(|()| mapping) }
    }
}

/// Opens the new file again by its name, which its own mode may forbid.
///
/// passes
mod opens_what_it_made {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = open_if_there_again(path)? {
            return Ok(mapping);
        }
        let file = unnamed(path)?;
        init(&map(&file)?);
        let linked = link(&file, path);
        if !already_exists(&linked) {
            linked?;
        }
        open_existing_again(path)
    }
}

/// Makes the new file in the directory for temporary files, and renames it from there.
///
/// breaks: "The call creates files in no directory but the file's, and no directories."
/// fails: open_once::makes_it_with_mode_0600_less_the_umask failed
/// fails: open_once::takes_any_name_in_any_directory failed
mod made_in_tmp {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = open_if_there_again(path)? {
            return Ok(mapping);
        }
        let new = tempfile::NamedTempFile::new()?;
        new.as_file().set_len(page_size_u64())?;
        let mapping = map(new.as_file())?;
        init(&mapping);
        let persisted = new.persist_noclobber(path).map_err(|error| error.error);
        if already_exists(&persisted) { open_existing_again(path) } else { persisted.map(|_| mapping) }
    }
}

/// Makes the new file in a temporary directory beside it.
///
/// breaks: "The call creates files in no directory but the file's, and no directories."
/// fails: open_once::makes_no_directory failed
mod made_in_a_directory_beside {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = open_if_there_again(path)? {
            return Ok(mapping);
        }
        let stage = tempfile::tempdir_in(directory(path))?;
        let new = stage.path().join("new");
        let file = for_both().create_new(true).open(&new)?;
        file.set_len(page_size_u64())?;
        let mapping = map(&file)?;
        init(&mapping);
        let linked = fs::hard_link(&new, path);
        if already_exists(&linked) { open_existing_again(path) } else { linked.map(|()| mapping) }
    }
}

/// Makes the directories that are missing.
///
/// breaks: "The call creates files in no directory but the file's, and no directories."
/// fails: open_once::makes_no_directory failed
/// fails: open_once::returns_the_errors_of_system_calls failed
mod makes_directories {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        fs::create_dir_all(directory(path))?;
        crate::solution::open_once(path, init)
    }
}

/// Extends an empty file and calls `init` for it, as if its maker had died.
///
/// breaks: "`InvalidData` when the file at `path` is not exactly one page long; the file does not change."
/// fails: open_once::refuses_a_file_of_another_size_and_leaves_it_alone failed
mod extends_a_short_file {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Ok(file) = for_both().open(path)
            && file.metadata()?.len() == 0
        {
            file.set_len(page_size_u64())?;
            let mapping = map(&file)?;
            init(&mapping);
            return Ok(mapping);
        }
        crate::solution::open_once(path, init)
    }
}

/// Accepts files of more than one page.
///
/// breaks: "`InvalidData` when the file at `path` is not exactly one page long"
/// fails: open_once::refuses_a_file_of_another_size_and_leaves_it_alone failed
mod at_least_one_page {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        match for_both().open(path) {
            Ok(file) if file.metadata()?.len() > page_size_u64() => map(&file),
            _ => crate::solution::open_once(path, init),
        }
    }
}

/// Opens again and again while the link fails, also where the path is a symbolic link to nothing.
///
/// breaks: "ENOENT or EEXIST when `path` is a symbolic link to a name that does not exist."
/// fails: open_once::leaves_no_descriptor_open timed_out
/// fails: open_once::returns_the_errors_of_system_calls timed_out
mod tries_for_ever {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = open_if_there_again(path)? {
            return Ok(mapping);
        }
        let file = unnamed(path)?;
        let mapping = map(&file)?;
        init(&mapping);
        loop {
            let linked = link(&file, path);
            if !already_exists(&linked) {
                return linked.map(|()| mapping);
            }
            if let Some(mapping) = open_if_there_again(path)? {
                return Ok(mapping);
            }
        }
    }
}

/// Follows a symbolic link and makes the file that it leads to.
///
/// breaks: "ENOENT or EEXIST when `path` is a symbolic link to a name that does not exist."
/// fails: open_once::returns_the_errors_of_system_calls failed
mod follows_a_dangling_link {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        match fs::read_link(path) {
            Ok(target) => crate::solution::open_once(&directory(path).join(target), init),
            Err(_) => crate::solution::open_once(path, init),
        }
    }
}

/// Removes its file only when it was first.
///
/// breaks: "A call that returns, even with an error, has removed every other file that it made."
/// fails: open_once::all_get_the_same_whole_file_whenever_another_comes failed
/// fails: open_once::keeps_the_calls_of_one_process_apart failed
/// fails: open_once::refuses_a_file_of_another_size_and_leaves_it_alone failed
/// fails: open_once::returns_the_errors_of_system_calls failed
mod second_leaves_its_file {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = open_if_there_again(path)? {
            return Ok(mapping);
        }
        let mut new = Named::new(path)?;
        let mapping = map(&new.file)?;
        init(&mapping);
        let linked = fs::hard_link(&new.path, path);
        if already_exists(&linked) {
            new.path = PathBuf::new();
            return open_existing_again(path);
        }
        linked.map(|()| mapping)
    }
}

/// Removes its file after every error, but not when `init` panics.
///
/// breaks: "So has a call whose `init` panics. It makes no file at `path`; the panic goes on with its payload."
/// fails: open_once::leaves_no_descriptor_open failed
/// fails: open_once::leaves_no_file_when_init_panics failed
mod panic_leaves_its_file {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = open_if_there_again(path)? {
            return Ok(mapping);
        }
        let new = std::mem::ManuallyDrop::new(Named::new(path)?);
        let linked = map(&new.file).and_then(|mapping| {
            init(&mapping);
            fs::hard_link(&new.path, path).map(|()| mapping)
        });
        drop(std::mem::ManuallyDrop::into_inner(new));
        if already_exists(&linked) { open_existing_again(path) } else { linked }
    }
}

/// Returns from a failed mmap(2) before it has taken care to remove its file.
///
/// breaks: "A call that returns, even with an error, has removed every other file that it made."
/// fails: open_once::leaves_no_file_when_it_fails failed
mod failed_map_leaves_its_file {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = open_if_there_again(path)? {
            return Ok(mapping);
        }
        let new_path = random_path(path);
        let file = for_both().create_new(true).open(&new_path)?;
        file.set_len(page_size_u64())?;
        let mapping = map(&file)?;
        let new = Named { path: new_path, file };
        init(&mapping);
        let linked = fs::hard_link(&new.path, path);
        if already_exists(&linked) { open_existing_again(path) } else { linked.map(|()| mapping) }
    }
}

/// Removes the file of the call that was first, and links its own.
///
/// breaks: "changes no file that another call has made"
/// fails: open_once::all_get_the_same_whole_file_whenever_another_comes failed rename-keeps-the-first
/// fails: open_once::keeps_the_calls_of_one_process_apart failed
/// fails: open_once::leaves_no_file_when_it_fails failed
/// fails: open_once::refuses_a_file_of_another_size_and_leaves_it_alone failed
/// fails: open_once::returns_the_errors_of_system_calls failed
mod replaces_the_first {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = open_if_there_again(path)? {
            return Ok(mapping);
        }
        let file = unnamed(path)?;
        let mapping = map(&file)?;
        init(&mapping);
        while already_exists(&link(&file, path)) {
            fs::remove_file(path)?;
        }
        Ok(mapping)
    }
}

/// Sweeps the directory first: a file there with a name like its own may be that of a call in progress.
///
/// breaks: "changes no file that another call has made"
/// fails: open_once::all_get_the_same_whole_file_whenever_another_comes failed
/// fails: open_once::keeps_the_calls_of_one_process_apart failed
mod sweeps_the_directory {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = open_if_there_again(path)? {
            return Ok(mapping);
        }
        for entry in fs::read_dir(directory(path))?.flatten() {
            if entry.file_name().as_bytes().starts_with(b".") && entry.file_name().len() == 17 {
                let _ = fs::remove_file(entry.path());
            }
        }
        let new = Named::new(path)?;
        let mapping = map(&new.file)?;
        init(&mapping);
        let linked = fs::hard_link(&new.path, path);
        if already_exists(&linked) { open_existing_again(path) } else { linked.map(|()| mapping) }
    }
}

/// Makes a file whenever the path can't be opened, whatever the reason, and calls `init` for a directory.
///
/// breaks: "EISDIR or `InvalidData` when `path` is a directory."
/// fails: open_once::does_not_touch_a_file_that_it_may_not_open failed
/// fails: open_once::follows_symbolic_links failed
/// fails: open_once::refuses_a_file_of_another_size_and_leaves_it_alone failed
mod makes_one_after_any_error {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Ok(file) = for_both().open(path) {
            return if file.metadata()?.len() == page_size_u64() { map(&file) } else { Err(wrong_size()) };
        }
        let file = unnamed(path)?;
        let mapping = map(&file)?;
        init(&mapping);
        match link(&file, path) {
            Err(_) if path.is_file() => open_existing_again(path),
            result => result.map(|()| mapping),
        }
    }
}

/// Adds the path to each error, and keeps the kind of each, not the errno.
///
/// passes
mod errors_with_the_path {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        crate::solution::open_once(path, init)
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
    }
}

/// Calls `init` with anonymous memory, and writes that into the new file.
///
/// breaks: "passes `init` a mapping of the new file"
/// fails: open_once::makes_the_file_once_and_opens_it_from_then_on failed
mod init_of_a_draft {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        crate::solution::open_once(path, |mapping| {
            let mut bytes = vec![0; page_size()];
            if let Ok(draft) = Mapping::anonymous(page_size(), READ_WRITE, Sharing::Shared) {
                init(&draft);
                draft.read(0, &mut bytes);
            }
            mapping.write(0, &bytes);
        })
    }
}

/// Removes what a killed process with the same id may have left, which may be the file of another thread.
///
/// breaks: "Any number of processes and threads call it at the same time"
/// fails: open_once::keeps_the_calls_of_one_process_apart failed
mod removes_a_namesake {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = open_if_there_again(path)? {
            return Ok(mapping);
        }
        let new_path = directory(path).join(format!(".page.{}", std::process::id()));
        let _ = fs::remove_file(&new_path);
        let file = for_both().create_new(true).open(&new_path)?;
        let new = Named { path: new_path, file };
        new.file.set_len(page_size_u64())?;
        let mapping = map(&new.file)?;
        init(&mapping);
        let linked = fs::hard_link(&new.path, path);
        if already_exists(&linked) { open_existing_again(path) } else { linked.map(|()| mapping) }
    }
}

/// Calls `init` for a page that is all zeros, as if nobody had called it.
///
/// breaks: "If the file exists, `init` is not called."
/// fails: open_once::keeps_what_init_has_stored_even_if_that_is_nothing failed
mod zeros_are_not_initialized {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        match open_if_there_again(path)? {
            None => crate::solution::open_once(path, init),
            Some(mapping) => {
                if (0..page_size()).all(|at| mapping.load(at) == 0) {
                    init(&mapping);
                }
                Ok(mapping)
            }
        }
    }
}

/// Removes the file at `path` when `init` panics, which may be another call's.
///
/// breaks: "changes no file that another call has made"
/// fails: open_once::leaves_no_file_when_init_panics failed
mod panic_removes_the_path {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        catch_unwind(AssertUnwindSafe(|| crate::solution::open_once(path, init))).unwrap_or_else(|panic| {
            let _ = fs::remove_file(path);
            resume_unwind(panic)
        })
    }
}

/// Completes a file under another name, and links it to `path`.
///
/// passes
mod links_a_draft {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = existing(path)? {
            return Ok(mapping);
        }
        let (draft, mapping) = draft_in(directory_of(path))?;
        init(&mapping);
        settle(draft, mapping, path)
    }
}

/// The file has no name at all until it is complete (O_TMPFILE), and gets it through /proc/self/fd.
///
/// passes
mod file_without_a_name {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = existing(path)? {
            return Ok(mapping);
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true).mode(0o600).custom_flags(libc::O_TMPFILE);
        let file = options.open(directory_of(path))?;
        file.set_len(page_size_u64())?;
        let mapping = map(&file)?;
        init(&mapping);
        let name = format!("/proc/self/fd/{}", file.as_raw_fd());
        match linkat(AT_FDCWD, name.as_str(), AT_FDCWD, path, AtFlags::AT_SYMLINK_FOLLOW) {
            Ok(()) => Ok(mapping),
            Err(Errno::EEXIST) => map_checked(&open(path)?),
            Err(errno) => Err(errno.into()),
        }
    }
}

/// Renames the draft with RENAME_NOREPLACE, and maps the file once more under its final name.
///
/// passes
mod renames_and_maps_again {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = existing(path)? {
            return Ok(mapping);
        }
        let (draft, mapping) = draft_in(directory_of(path))?;
        init(&mapping);
        mapping.unmap()?;
        match draft.persist_noclobber(path) {
            Ok(file) => map_checked(&file),
            Err(error) if error.error.kind() == ErrorKind::AlreadyExists => {
                drop(error.file);
                map_checked(&open(path)?)
            }
            Err(error) => Err(error.error),
        }
    }
}

/// Creates the file under its name, and fills it in afterwards.
///
/// breaks: "The file then is complete, or does not exist."
/// fails: open_once::all_get_the_same_whole_file_whenever_another_comes failed created-is-complete
/// fails: open_once::keeps_the_calls_of_one_process_apart failed
/// fails: open_once::leaves_a_whole_file_or_none_when_it_is_killed failed created-is-complete
/// fails: open_once::leaves_no_file_when_init_panics failed
/// fails: open_once::leaves_no_file_when_it_fails failed
/// fails: open_once::refuses_a_file_of_another_size_and_leaves_it_alone failed
mod creates_in_place_and_removes {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        match create(path) {
            Ok(file) => {
                let remove = Remove(path.to_owned());
                file.set_len(page_size_u64())?;
                let mapping = map(&file)?;
                init(&mapping);
                std::mem::forget(remove);
                Ok(mapping)
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => map_checked(&open(path)?),
            Err(error) => Err(error),
        }
    }
}

/// Renames the draft over a file that another process has completed meanwhile.
///
/// breaks: "Any number of processes and threads call it at the same time, and all of them map the same file."
/// fails: open_once::all_get_the_same_whole_file_whenever_another_comes failed rename-keeps-the-first
mod renames_over_a_late_one {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = existing(path)? {
            return Ok(mapping);
        }
        let (draft, mapping) = draft_in(directory_of(path))?;
        init(&mapping);
        if fs::symlink_metadata(path).is_ok() {
            return map_checked(&open(path)?);
        }
        draft.persist(path).map_err(|error| error.error)?;
        Ok(mapping)
    }
}

/// The draft is named after the process and the thread, and one that a killed process has left is in the way.
///
/// breaks: "That holds for a next process with the same process id, too."
/// fails: open_once::leaves_a_whole_file_or_none_when_it_is_killed failed
mod named_after_the_process {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = existing(path)? {
            return Ok(mapping);
        }
        let name = format!(".once-{}-{}", std::process::id(), nix::unistd::gettid());
        let draft = directory_of(path).join(name);
        let file = create(&draft)?;
        let _remove = Remove(draft.clone());
        file.set_len(page_size_u64())?;
        let mapping = map(&file)?;
        init(&mapping);
        match fs::hard_link(&draft, path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => map_checked(&open(path)?),
            linked => linked.map(|()| mapping),
        }
    }
}

/// Clears a draft of the same process id that was left behind, or is another thread's, and uses it.
///
/// breaks: "A call never waits, and neither changes nor removes a file that another call has made."
/// fails: open_once::keeps_the_calls_of_one_process_apart failed
mod reuses_a_draft {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = existing(path)? {
            return Ok(mapping);
        }
        let draft = directory_of(path).join(format!(".once-{}", std::process::id()));
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        let _remove = Remove(draft.clone());
        file.set_len(page_size_u64())?;
        let mapping = map(&file)?;
        init(&mapping);
        match fs::hard_link(&draft, path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => map_checked(&open(path)?),
            linked => linked.map(|()| mapping),
        }
    }
}

/// Completes the draft in a new directory beside the file.
///
/// breaks: "The call creates files in no directory but the file's, and no directories."
/// fails: open_once::makes_no_directory failed
mod draft_in_a_directory {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = existing(path)? {
            return Ok(mapping);
        }
        let directory = tempfile::tempdir_in(directory_of(path))?;
        let (draft, mapping) = draft_in(directory.path())?;
        init(&mapping);
        settle(draft, mapping, path)
    }
}

/// Makes the draft's name longer than the file's, which may be as long as Linux allows.
///
/// breaks: "Its last name may have any length and any bytes that Linux allows."
/// fails: open_once::takes_any_name_in_any_directory failed
mod longer_name {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = existing(path)? {
            return Ok(mapping);
        }
        let name = path.file_name().ok_or(Errno::EISDIR)?;
        let draft = Builder::new().prefix(name).suffix(".new").tempfile_in(directory_of(path))?;
        draft.as_file().set_len(page_size_u64())?;
        let mapping = map(draft.as_file())?;
        init(&mapping);
        settle(draft, mapping, path)
    }
}

/// Takes the name for UTF-8.
///
/// breaks: "Its last name may have any length and any bytes that Linux allows."
/// fails: open_once::takes_any_name_in_any_directory failed
mod name_in_utf_8 {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = existing(path)? {
            return Ok(mapping);
        }
        let (draft, mapping) = draft_in(directory_of(path))?;
        init(&mapping);
        settle(draft, mapping, Path::new(&*path.to_string_lossy()))
    }
}

/// After another process was first, it returns the mapping of its own draft.
///
/// breaks: "Any number of processes and threads call it at the same time, and all of them map the same file."
/// fails: open_once::all_get_the_same_whole_file_whenever_another_comes failed
/// fails: open_once::keeps_the_calls_of_one_process_apart failed
/// fails: open_once::refuses_a_file_of_another_size_and_leaves_it_alone failed
mod keeps_the_losing_draft {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = existing(path)? {
            return Ok(mapping);
        }
        let (draft, mapping) = draft_in(directory_of(path))?;
        init(&mapping);
        match fs::hard_link(draft.path(), path) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
            _ if path.exists() => Ok(mapping),
            _ => Err(Errno::EEXIST.into()),
        }
    }
}

/// Removes the draft after each error, but not when `init` panics.
///
/// breaks: "So has a call whose `init` panics. It makes no file at `path`; the panic goes on with its payload."
/// fails: open_once::leaves_no_file_when_init_panics failed
mod forgets_the_panic {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = existing(path)? {
            return Ok(mapping);
        }
        let (draft, mapping) = draft_in(directory_of(path))?;
        let (_, draft) = draft.keep().map_err(|error| error.error)?;
        init(&mapping);
        let linked = fs::hard_link(&draft, path);
        fs::remove_file(&draft)?;
        match linked {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => map_checked(&open(path)?),
            linked => linked.map(|()| mapping),
        }
    }
}

/// Leaves its draft when the name was taken meanwhile.
///
/// breaks: "A call that returns, even with an error, has removed every other file that it made."
/// fails: open_once::all_get_the_same_whole_file_whenever_another_comes failed
/// fails: open_once::keeps_the_calls_of_one_process_apart failed
/// fails: open_once::leaves_no_file_when_it_fails failed
/// fails: open_once::refuses_a_file_of_another_size_and_leaves_it_alone failed
/// fails: open_once::returns_the_errors_of_system_calls failed
mod leaves_the_losing_draft {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = existing(path)? {
            return Ok(mapping);
        }
        let (draft, mapping) = draft_in(directory_of(path))?;
        init(&mapping);
        let draft = draft.into_temp_path().keep().map_err(|error| error.error)?;
        match renameat2(AT_FDCWD, &draft, AT_FDCWD, path, RenameFlags::RENAME_NOREPLACE) {
            Ok(()) => Ok(mapping),
            Err(Errno::EEXIST) => map_checked(&open(path)?),
            Err(errno) => Err(errno.into()),
        }
    }
}

/// Sets the mode with chmod, which doesn't look at the umask.
///
/// breaks: "A new file has mode 0600, less the bits of the umask."
/// fails: open_once::makes_it_with_mode_0600_less_the_umask failed
mod mode_despite_the_umask {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = existing(path)? {
            return Ok(mapping);
        }
        let (draft, mapping) = draft_in(directory_of(path))?;
        draft.as_file().set_permissions(Permissions::from_mode(0o600))?;
        init(&mapping);
        settle(draft, mapping, path)
    }
}

/// Is content with any file of at least a page.
///
/// breaks: "`InvalidData` when the file at `path` is not exactly one page long; the file does not change."
/// fails: open_once::refuses_a_file_of_another_size_and_leaves_it_alone failed
mod longer_is_fine {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        match open(path) {
            Ok(file) if file.metadata()?.len() < page_size_u64() => return Err(ErrorKind::InvalidData.into()),
            Ok(file) => return map(&file),
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            Err(_) => {}
        }
        let (draft, mapping) = draft_in(directory_of(path))?;
        init(&mapping);
        settle(draft, mapping, path)
    }
}

/// Checks the size of a file that was there at first, but not of one that appears while it makes its own.
///
/// breaks: "`InvalidData` when the file at `path` is not exactly one page long; the file does not change."
/// fails: open_once::refuses_a_file_of_another_size_and_leaves_it_alone failed
mod trusts_the_winner {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = existing(path)? {
            return Ok(mapping);
        }
        let (draft, mapping) = draft_in(directory_of(path))?;
        init(&mapping);
        match fs::hard_link(draft.path(), path) {
            Ok(()) => Ok(mapping),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => map(&open(path)?),
            Err(error) => Err(error),
        }
    }
}

/// Follows a symbolic link itself, and creates the file that it leads to.
///
/// breaks: "ENOENT or EEXIST when `path` is a symbolic link to a name that does not exist."
/// fails: open_once::returns_the_errors_of_system_calls failed
mod creates_the_link_s_target {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = existing(path)? {
            return Ok(mapping);
        }
        let path = match fs::read_link(path) {
            Ok(target) => directory_of(path).join(target),
            Err(_) => path.to_owned(),
        };
        let (draft, mapping) = draft_in(directory_of(&path))?;
        init(&mapping);
        settle(draft, mapping, &path)
    }
}

/// Takes every error of open(2) to mean that there is no file: a directory gives EEXIST.
///
/// breaks: "EISDIR or `InvalidData` when `path` is a directory."
/// fails: open_once::all_get_the_same_whole_file_whenever_another_comes failed
/// fails: open_once::does_not_touch_a_file_that_it_may_not_open failed
/// fails: open_once::follows_symbolic_links failed
/// fails: open_once::keeps_the_calls_of_one_process_apart failed
/// fails: open_once::refuses_a_file_of_another_size_and_leaves_it_alone failed
mod any_error_means_missing {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Ok(file) = open(path) {
            return map_checked(&file);
        }
        let (draft, mapping) = draft_in(directory_of(path))?;
        init(&mapping);
        fs::hard_link(draft.path(), path)?;
        Ok(mapping)
    }
}

/// Gives the file its name as soon as it has its size, and calls `init` then.
///
/// breaks: "Every mapping that is returned shows what one complete `init` has stored."
/// fails: open_once::all_get_the_same_whole_file_whenever_another_comes failed created-is-complete
/// fails: open_once::keeps_the_calls_of_one_process_apart failed
/// fails: open_once::leaves_a_whole_file_or_none_when_it_is_killed failed created-is-complete
/// fails: open_once::leaves_no_file_when_init_panics failed
/// fails: open_once::refuses_a_file_of_another_size_and_leaves_it_alone failed
mod initializes_after_the_link {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = existing(path)? {
            return Ok(mapping);
        }
        let (draft, mapping) = draft_in(directory_of(path))?;
        match fs::hard_link(draft.path(), path) {
            Ok(()) => init(&mapping),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return map_checked(&open(path)?),
            Err(error) => return Err(error),
        }
        Ok(mapping)
    }
}

/// Removes the drafts in the directory, which may be those of calls that are still at work.
///
/// breaks: "A call never waits, and neither changes nor removes a file that another call has made."
/// fails: open_once::all_get_the_same_whole_file_whenever_another_comes failed
/// fails: open_once::keeps_the_calls_of_one_process_apart failed
mod cleans_up_for_others {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = existing(path)? {
            return Ok(mapping);
        }
        for entry in fs::read_dir(directory_of(path))?.flatten() {
            if entry.file_name().as_bytes().starts_with(b".once") {
                let _ = fs::remove_file(entry.path());
            }
        }
        let (draft, mapping) = draft_in(directory_of(path))?;
        init(&mapping);
        settle(draft, mapping, path)
    }
}

/// Puts every error into its own text: of its errno, the kind is left, as in tempfile's.
///
/// passes
mod wraps_every_error {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        let opened = crate::solution::open_once(path, init);
        opened.map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
    }
}

/// Makes the file relative to a descriptor of its directory, which is only a path (O_PATH).
///
/// passes
mod relative_to_the_directory {
    use super::*;

    struct Draft<'a>(&'a File, String);

    impl Drop for Draft<'_> {
        fn drop(&mut self) {
            let _ = unlinkat(self.0, self.1.as_str(), UnlinkatFlags::NoRemoveDir);
        }
    }

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = existing(path)? {
            return Ok(mapping);
        }
        let place = libc::O_PATH | libc::O_DIRECTORY;
        let directory = OpenOptions::new().read(true).custom_flags(place).open(directory_of(path))?;
        let flags = OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_RDWR | OFlag::O_CLOEXEC;
        let name = format!(".{:016x}", RandomState::new().hash_one(std::process::id()));
        let file = File::from(openat(&directory, name.as_str(), flags, Mode::S_IRUSR | Mode::S_IWUSR)?);
        let draft = Draft(&directory, name);
        file.set_len(page_size_u64())?;
        let mapping = map(&file)?;
        init(&mapping);
        match linkat(&directory, draft.1.as_str(), AT_FDCWD, path, AtFlags::empty()) {
            Ok(()) => Ok(mapping),
            Err(Errno::EEXIST) => existing(path)?.ok_or_else(|| Errno::ENOENT.into()),
            Err(errno) => Err(errno.into()),
        }
    }
}

/// Keeps its descriptor when another call was first.
///
/// breaks: "A call leaves no descriptor open."
/// fails: open_once::leaves_no_descriptor_open failed
/// fails: open_once::leaves_no_file_when_it_fails failed
mod loser_leaks_a_descriptor {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = existing(path)? {
            return Ok(mapping);
        }
        let (draft, mapping) = draft_in(directory_of(path))?;
        init(&mapping);
        let (file, name) = draft.into_parts();
        let descriptor = file.into_raw_fd();
        match name.persist_noclobber(path) {
            Ok(()) => {
                // SAFETY: the descriptor is this function's own, and nothing uses it any more.
                drop(unsafe { File::from_raw_fd(descriptor) });
                Ok(mapping)
            }
            Err(error) if error.error.kind() == ErrorKind::AlreadyExists => map_checked(&open(path)?),
            Err(error) => Err(error.error),
        }
    }
}

/// Compares 32 bits of the size, which a file of 4 GiB and one page has right.
///
/// breaks: "`InvalidData` when the file at `path` is not exactly one page long; the file does not change."
/// fails: open_once::refuses_a_file_of_another_size_and_leaves_it_alone failed
mod size_of_32_bits {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        #[expect(clippy::cast_possible_truncation, reason = "it is the mistake")]
        let is_one_page = |file: &File| Ok::<_, io::Error>(file.metadata()?.len() as u32 == page_size() as u32);
        match open(path) {
            Ok(file) if is_one_page(&file)? => return map(&file),
            Ok(_) => return Err(wrong_size()),
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            Err(_) => {}
        }
        let (draft, mapping) = draft_in(directory_of(path))?;
        init(&mapping);
        settle(draft, mapping, path)
    }
}

/// Looks at the size of a symbolic link, and not at that of the file that it leads to.
///
/// breaks: "What is at `path`, if anything, is a file, a directory or a symbolic link, which is followed."
/// fails: open_once::follows_symbolic_links failed
mod size_of_the_link {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        match path.symlink_metadata() {
            Ok(data) if data.is_file() || path.exists() && data.is_symlink() => {
                if data.len() == page_size_u64() {
                    map(&open(path)?)
                } else {
                    Err(wrong_size())
                }
            }
            _ => {
                if let Some(mapping) = existing(path)? {
                    return Ok(mapping);
                }
                let (draft, mapping) = draft_in(directory_of(path))?;
                init(&mapping);
                settle(draft, mapping, path)
            }
        }
    }
}

/// Takes `..` out of the path by its text; after a symbolic link that is another directory.
///
/// breaks: "What is at `path`, if anything, is a file, a directory or a symbolic link, which is followed."
/// fails: open_once::follows_symbolic_links failed
mod parent_of_the_link {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        let mut plain = PathBuf::new();
        for part in path.components() {
            match part {
                std::path::Component::ParentDir if plain.file_name().is_some() => _ = plain.pop(),
                part => plain.push(part),
            }
        }
        if let Some(mapping) = existing(&plain)? {
            return Ok(mapping);
        }
        let (draft, mapping) = draft_in(directory_of(&plain))?;
        init(&mapping);
        settle(draft, mapping, &plain)
    }
}

/// Changes to the directory, so that no path is too long, and back.
///
/// breaks: "It changes neither the working directory nor the umask, not even for a moment. Nor does `init`."
/// fails: open_once::changes_nothing_of_the_whole_process failed
mod changes_directory {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = existing(path)? {
            return Ok(mapping);
        }
        let before = OpenOptions::new().read(true).custom_flags(libc::O_PATH).open(".")?;
        std::env::set_current_dir(directory_of(path))?;
        let opened = draft_in(Path::new(".")).and_then(|(draft, mapping)| {
            init(&mapping);
            settle(draft, mapping, Path::new(path.file_name().ok_or(ErrorKind::InvalidInput)?))
        });
        fchdir(&before)?;
        opened
    }
}

/// Replaces the umask, which is the whole process's, by one that leaves the owner the bits.
///
/// breaks: "A new file has mode 0600, less the bits of the umask."
/// fails: open_once::changes_nothing_of_the_whole_process failed
/// fails: open_once::makes_it_with_mode_0600_less_the_umask failed
mod replaces_the_umask {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = existing(path)? {
            return Ok(mapping);
        }
        let before = umask(Mode::S_IRWXG | Mode::S_IRWXO);
        let draft = draft_in(directory_of(path));
        umask(before);
        let (draft, mapping) = draft?;
        init(&mapping);
        settle(draft, mapping, path)
    }
}

/// Wraps the errors of creation in a friendly text, without their errno and without their kind.
///
/// breaks: "Any other error is that of a system call: its errno, or at least its `kind()`, as with tempfile."
/// fails: open_once::does_not_touch_a_file_that_it_may_not_open failed
/// fails: open_once::leaves_no_file_when_it_fails failed
/// fails: open_once::returns_the_errors_of_system_calls failed
mod friendly_errors {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = existing(path)? {
            return Ok(mapping);
        }
        let said = |error: io::Error| io::Error::other(format!("cannot create {}: {error}", path.display()));
        let (draft, mapping) = draft_in(directory_of(path)).map_err(said)?;
        init(&mapping);
        settle(draft, mapping, path)
    }
}

/// Holds a mutex while `init` runs, so that threads take turns.
///
/// breaks: "A call never waits, and neither changes nor removes a file that another call has made."
/// fails: open_once::keeps_the_calls_of_one_process_apart failed
/// fails: open_once::leaves_no_file_when_init_panics failed
mod one_thread_at_a_time {
    use super::*;

    static TURN: Mutex<()> = Mutex::new(());

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = existing(path)? {
            return Ok(mapping);
        }
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let (draft, mapping) = draft_in(directory_of(path))?;
        init(&mapping);
        settle(draft, mapping, path)
    }
}

/// Checks a file once, and remembers the path: later it may be another file, or a shorter one.
///
/// breaks: "`InvalidData` when the file at `path` is not exactly one page long; the file does not change."
/// fails: open_once::looks_anew_in_each_call failed
mod checks_each_path_once {
    use super::*;

    static CHECKED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        let checked = CHECKED.lock().unwrap_or_else(PoisonError::into_inner).iter().any(|known| known == path);
        if let (true, Ok(file)) = (checked, open(path)) {
            return map(&file);
        }
        let mapping = match existing(path)? {
            Some(mapping) => mapping,
            None => {
                let (draft, mapping) = draft_in(directory_of(path))?;
                init(&mapping);
                settle(draft, mapping, path)?
            }
        };
        CHECKED.lock().unwrap_or_else(PoisonError::into_inner).push(path.to_owned());
        Ok(mapping)
    }
}

/// Takes every error of link(2) to mean that another call was first.
///
/// breaks: "Any other error is that of a system call: its errno, or at least its `kind()`, as with tempfile."
/// fails: open_once::leaves_no_file_when_it_fails failed
mod every_link_error_is_a_lost_race {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = existing(path)? {
            return Ok(mapping);
        }
        let (draft, mapping) = draft_in(directory_of(path))?;
        init(&mapping);
        match fs::hard_link(draft.path(), path) {
            Ok(()) => Ok(mapping),
            Err(_) => existing(path)?.ok_or_else(|| Errno::ENOENT.into()),
        }
    }
}

/// Returns from a failed posix_fallocate(3) before it has taken care to remove its file.
///
/// breaks: "A call that returns, even with an error, has removed every other file that it made."
/// fails: open_once::leaves_a_whole_file_or_none_when_no_space_can_be_reserved failed
mod full_disk_leaves_its_file {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = existing(path)? {
            return Ok(mapping);
        }
        let name = random_path(path);
        let file = create(&name)?;
        if let Err(error) = file.set_len(page_size_u64()) {
            fs::remove_file(&name)?;
            return Err(error);
        }
        posix_fallocate(&file, 0, page_size().try_into().map_err(io::Error::other)?)?;
        let _remove = Remove(name.clone());
        let mapping = map(&file)?;
        init(&mapping);
        match fs::hard_link(&name, path) {
            Ok(()) => Ok(mapping),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => map_checked(&open(path)?),
            Err(error) => Err(error),
        }
    }
}

/// Gives a file that exists the mode that a new one has.
///
/// breaks: "A call never waits, and neither changes nor removes a file that another call has made."
/// fails: open_once::makes_the_file_once_and_opens_it_from_then_on failed
mod mode_of_an_existing_file {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = existing(path)? {
            fs::set_permissions(path, Permissions::from_mode(0o600))?;
            return Ok(mapping);
        }
        let (draft, mapping) = draft_in(directory_of(path))?;
        init(&mapping);
        settle(draft, mapping, path)
    }
}

/// Maps a file that it may not write to for reading only.
///
/// breaks: "Opens the file at `path`, which is one page long, and maps it shared, for reading and writing."
/// fails: open_once::does_not_touch_a_file_that_it_may_not_open failed
mod reads_where_it_may_not_write {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        match existing(path) {
            Ok(Some(mapping)) => return Ok(mapping),
            Ok(None) => {}
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                let file = File::open(path)?;
                return Ok(Mapping::of_file(&file, 0, page_size(), ProtFlags::PROT_READ, Sharing::Shared)?);
            }
            Err(error) => return Err(error),
        }
        let (draft, mapping) = draft_in(directory_of(path))?;
        init(&mapping);
        settle(draft, mapping, path)
    }
}

/// Makes the page in memory where it may create no file.
///
/// breaks: "Any other error is that of a system call: its errno, or at least its `kind()`, as with tempfile."
/// fails: open_once::does_not_touch_a_file_that_it_may_not_open failed
mod memory_instead_of_a_file {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if let Some(mapping) = existing(path)? {
            return Ok(mapping);
        }
        let (draft, mapping) = match draft_in(directory_of(path)) {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                let mapping = Mapping::anonymous(page_size(), READ_WRITE, Sharing::Shared)?;
                init(&mapping);
                return Ok(mapping);
            }
            made => made?,
        };
        init(&mapping);
        settle(draft, mapping, path)
    }
}

one_of! {
    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping>;
    creates_in_place exits_where_it_is_there makes_the_size_right renames_over_the_first renamed_when_complete
    has_no_name_until_complete tempfile_with_plain_errors linked_when_complete created_at_the_path
    renames_over_the_first_2 looks_before_it_renames loser_keeps_its_own loser_returns_an_error loser_leaves_its_file
    error_leaves_its_file completed_in_tmp completed_in_own_directory empty_parent tempfile_wraps_errors mode_by_chmod
    default_mode accepts_longer_files completes_an_empty_file fixed_name_stays_taken fixed_name_is_shared
    own_id_is_unique_enough name_gets_too_long extension_may_be_its_own wants_utf_8 named_before_init init_gets_a_copy
    every_error_means_missing error_names_the_file own_error_for_directories existing_file_read_only
    existing_file_private cleans_up_after_others without_a_name renames_without_replacing reserves_and_maps_again
    completed_in_place linked_before_init renames_over keeps_its_own second_is_an_error locks_the_directory
    name_from_the_process_id adds_a_suffix names_in_utf_8 empty_parent_2 sets_the_mode default_mode_2 opens_what_it_made
    made_in_tmp made_in_a_directory_beside makes_directories extends_a_short_file at_least_one_page tries_for_ever
    follows_a_dangling_link second_leaves_its_file panic_leaves_its_file failed_map_leaves_its_file replaces_the_first
    sweeps_the_directory makes_one_after_any_error errors_with_the_path init_of_a_draft removes_a_namesake
    zeros_are_not_initialized panic_removes_the_path links_a_draft file_without_a_name renames_and_maps_again
    creates_in_place_and_removes renames_over_a_late_one named_after_the_process reuses_a_draft draft_in_a_directory
    longer_name name_in_utf_8 keeps_the_losing_draft forgets_the_panic leaves_the_losing_draft mode_despite_the_umask
    longer_is_fine trusts_the_winner creates_the_link_s_target any_error_means_missing initializes_after_the_link
    cleans_up_for_others wraps_every_error relative_to_the_directory loser_leaks_a_descriptor size_of_32_bits
    size_of_the_link parent_of_the_link changes_directory replaces_the_umask friendly_errors one_thread_at_a_time
    checks_each_path_once every_link_error_is_a_lost_race full_disk_leaves_its_file mode_of_an_existing_file
    reads_where_it_may_not_write memory_instead_of_a_file
}
