use std::ffi::{CString, OsStr};
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::fd::{AsRawFd, IntoRawFd};
use std::os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};
use std::sync::OnceLock;

use mmap_workbook::lesson_5::{create_and_unlink, memory_file, o_tmpfile};
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, RenameFlags, open, openat, renameat2};
use nix::libc;
use nix::sys::stat::{Mode, fchmod, umask};
use nix::unistd::{linkat, unlink};
use tempfile::NamedTempFile;

/// The directory of `path`: "." for a bare file name.
fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

fn name_of(path: &Path) -> io::Result<&OsStr> {
    path.file_name().ok_or_else(|| ErrorKind::InvalidInput.into())
}

fn set_mode(file: &File, mode: u32) -> io::Result<()> {
    file.set_permissions(Permissions::from_mode(mode))
}

fn proc_link(file: &File) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
}

fn name_it(file: &File, path: &Path) -> io::Result<()> {
    Ok(linkat(AT_FDCWD, &proc_link(file), AT_FDCWD, path, AtFlags::AT_SYMLINK_FOLLOW)?)
}

fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(directory_of(path))?.sync_all()
}

/// A file in the directory of `path`, filled and with its mode, but neither on the disk nor with a name.
fn filled(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<File> {
    let file = o_tmpfile(directory_of(path))?;
    fill(&file)?;
    set_mode(&file, mode)?;
    Ok(file)
}

/// A name beside `path` that is free in all likelihood.
fn temporary(path: &Path) -> PathBuf {
    directory_of(path).join(format!(".publish-{}", std::process::id()))
}

/// The directory of `path`, which is "." for a bare name.
fn directory_of_again(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn permit(file: &File, mode: u32) -> io::Result<()> {
    file.set_permissions(Permissions::from_mode(mode))
}

fn proc_link_again(file: &File) -> PathBuf {
    format!("/proc/self/fd/{}", file.as_raw_fd()).into()
}

/// Gives the file its name, if nobody has that name.
fn name(file: &File, path: &Path) -> io::Result<()> {
    Ok(linkat(AT_FDCWD, &proc_link_again(file), AT_FDCWD, path, AtFlags::AT_SYMLINK_FOLLOW)?)
}

fn link(file: &File, directory: &File, name: &OsStr) -> io::Result<()> {
    let source = format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok(linkat(AT_FDCWD, source.as_str(), directory, name, AtFlags::AT_SYMLINK_FOLLOW)?)
}

fn start(path: &Path) -> io::Result<(File, File)> {
    let directory = File::open(directory_of(path))?;
    let file = openat(&directory, ".", OFlag::O_TMPFILE | OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::S_IRUSR)?;
    Ok((directory, file.into()))
}

/// Links the file, and then syncs the directory that was opened before.
fn link_and_sync(file: &File, path: &Path) -> io::Result<()> {
    let directory = File::open(directory_of(path))?;
    name_it(file, path)?;
    directory.sync_all()
}

/// Adds O_EXCL to O_TMPFILE, which says that the file is never to get a name.
///
/// fails: publish::it_has_no_name_while_it_is_filled failed any-file-can-be-named
/// fails: publish::killed_at_any_moment_it_leaves_nothing_half_done failed any-file-can-be-named
/// fails: publish::the_bytes_and_then_the_name_are_on_the_disk failed any-file-can-be-named
/// fails: publish::the_file_has_these_bytes_and_permissions failed any-file-can-be-named
mod asks_for_o_excl {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let directory = path.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."));
        let file =
            OpenOptions::new().read(true).write(true).custom_flags(libc::O_TMPFILE | libc::O_EXCL).open(directory)?;
        fill(&file)?;
        file.set_permissions(Permissions::from_mode(mode))?;
        file.sync_all()?;
        let from: PathBuf = format!("/proc/self/fd/{}", file.as_raw_fd()).into();
        linkat(AT_FDCWD, &from, AT_FDCWD, path, AtFlags::AT_SYMLINK_FOLLOW)?;
        File::open(directory)?.sync_all()
    }
}

/// Takes a name for durable without an fsync(2) of the directory.
///
/// fails: publish::the_bytes_and_then_the_name_are_on_the_disk failed a-name-is-durable
mod does_not_sync_the_directory {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let directory = path.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."));
        let file = o_tmpfile(directory)?;
        fill(&file)?;
        file.set_permissions(Permissions::from_mode(mode))?;
        file.sync_all()?;
        let from: PathBuf = format!("/proc/self/fd/{}", file.as_raw_fd()).into();
        Ok(linkat(AT_FDCWD, &from, AT_FDCWD, path, AtFlags::AT_SYMLINK_FOLLOW)?)
    }
}

/// Creates the file under its name and then fills it.
///
/// fails: publish::it_has_no_name_while_it_is_filled failed
/// fails: publish::killed_at_any_moment_it_leaves_nothing_half_done failed a-moment-is-no-time
/// fails: publish::the_bytes_and_then_the_name_are_on_the_disk failed
/// fails: publish::the_file_has_these_bytes_and_permissions failed
mod fills_it_under_its_name {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let directory = path.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."));
        let file = File::options().read(true).write(true).create_new(true).open(path)?;
        if let Err(error) = fill(&file) {
            fs::remove_file(path)?;
            return Err(error);
        }
        file.set_permissions(Permissions::from_mode(mode))?;
        file.sync_all()?;
        File::open(directory)?.sync_all()
    }
}

/// Unlinks the file first, and tries to link it again when it is complete.
///
/// fails: publish::it_has_no_name_while_it_is_filled failed any-file-can-be-named
/// fails: publish::killed_at_any_moment_it_leaves_nothing_half_done failed an-odd-name-is-none
/// fails: publish::the_bytes_and_then_the_name_are_on_the_disk failed any-file-can-be-named
/// fails: publish::the_file_has_these_bytes_and_permissions failed any-file-can-be-named
mod gives_an_unlinked_file_its_name_back {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let directory = path.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."));
        let file = create_and_unlink(directory)?;
        fill(&file)?;
        file.set_permissions(Permissions::from_mode(mode))?;
        file.sync_all()?;
        let from: PathBuf = format!("/proc/self/fd/{}", file.as_raw_fd()).into();
        linkat(AT_FDCWD, &from, AT_FDCWD, path, AtFlags::AT_SYMLINK_FOLLOW)?;
        File::open(directory)?.sync_all()
    }
}

/// Passes the permissions to open(2), from which the umask removes some.
///
/// fails: publish::the_file_has_these_bytes_and_permissions failed open-sets-the-mode
mod leaves_the_mode_to_open {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let directory = path.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."));
        let file =
            OpenOptions::new().read(true).write(true).custom_flags(libc::O_TMPFILE).mode(mode).open(directory)?;
        fill(&file)?;
        file.sync_all()?;
        let from: PathBuf = format!("/proc/self/fd/{}", file.as_raw_fd()).into();
        linkat(AT_FDCWD, &from, AT_FDCWD, path, AtFlags::AT_SYMLINK_FOLLOW)?;
        File::open(directory)?.sync_all()
    }
}

/// Links /proc/self/fd/N itself: link(2) does not follow the symbolic link.
///
/// fails: publish::it_has_no_name_while_it_is_filled failed a-proc-link-is-the-file
/// fails: publish::killed_at_any_moment_it_leaves_nothing_half_done failed a-proc-link-is-the-file
/// fails: publish::the_bytes_and_then_the_name_are_on_the_disk failed a-proc-link-is-the-file
/// fails: publish::the_file_has_these_bytes_and_permissions failed a-proc-link-is-the-file
mod links_the_proc_entry {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let directory = path.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."));
        let file = o_tmpfile(directory)?;
        fill(&file)?;
        file.set_permissions(Permissions::from_mode(mode))?;
        file.sync_all()?;
        fs::hard_link(format!("/proc/self/fd/{}", file.as_raw_fd()), path)?;
        File::open(directory)?.sync_all()
    }
}

/// Fills a file with a name that no other process knows, and renames it: a killed process leaves it behind.
///
/// fails: publish::it_has_no_name_while_it_is_filled failed an-odd-name-is-none
/// fails: publish::killed_at_any_moment_it_leaves_nothing_half_done failed an-odd-name-is-none
mod renames_a_hidden_file {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let directory = path.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."));
        let hidden = NamedTempFile::new_in(directory)?;
        fill(hidden.as_file())?;
        hidden.as_file().set_permissions(Permissions::from_mode(mode))?;
        hidden.as_file().sync_all()?;
        hidden.persist_noclobber(path)?;
        File::open(directory)?.sync_all()
    }
}

/// Removes the file that already has the name.
///
/// fails: publish::a_name_that_is_taken_stays_as_it_is failed
/// fails: publish::it_has_no_name_while_it_is_filled failed
mod replaces_what_is_there {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        if path.is_file() {
            fs::remove_file(path)?;
        }
        crate::solution::publish(path, mode, fill)
    }
}

/// Does nothing, and returns Ok.
///
/// fails: publish::a_name_that_is_taken_stays_as_it_is failed
/// fails: publish::it_has_no_name_while_it_is_filled failed
/// fails: publish::killed_at_any_moment_it_leaves_nothing_half_done failed
/// fails: publish::the_bytes_and_then_the_name_are_on_the_disk failed
/// fails: publish::the_file_has_these_bytes_and_permissions failed
mod returns_ok {
    use super::*;

    pub fn publish(_path: &Path, _mode: u32, _fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        Ok(())
    }
}

/// Sets the permissions only after the file has its name.
///
/// fails: publish::killed_at_any_moment_it_leaves_nothing_half_done failed a-moment-is-no-time
/// fails: publish::the_file_has_these_bytes_and_permissions failed
mod sets_the_mode_last {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let directory = path.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."));
        let file = o_tmpfile(directory)?;
        fill(&file)?;
        file.sync_all()?;
        let from: PathBuf = format!("/proc/self/fd/{}", file.as_raw_fd()).into();
        linkat(AT_FDCWD, &from, AT_FDCWD, path, AtFlags::AT_SYMLINK_FOLLOW)?;
        file.set_permissions(Permissions::from_mode(mode))?;
        File::open(directory)?.sync_all()
    }
}

/// Gives the file its name first, and only then calls fsync(2) for its bytes.
///
/// fails: publish::the_bytes_and_then_the_name_are_on_the_disk failed
mod syncs_when_it_has_its_name {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let directory = path.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."));
        let file = o_tmpfile(directory)?;
        fill(&file)?;
        file.set_permissions(Permissions::from_mode(mode))?;
        let from: PathBuf = format!("/proc/self/fd/{}", file.as_raw_fd()).into();
        linkat(AT_FDCWD, &from, AT_FDCWD, path, AtFlags::AT_SYMLINK_FOLLOW)?;
        file.sync_all()?;
        File::open(directory)?.sync_all()
    }
}

/// Opens the parent of a bare name, which is the empty path.
///
/// fails: publish::the_bytes_and_then_the_name_are_on_the_disk failed
/// fails: publish::the_file_has_these_bytes_and_permissions failed
mod takes_a_bare_name_for_one_without_a_directory {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let directory = path.parent().unwrap_or(Path::new("."));
        let file = o_tmpfile(directory)?;
        fill(&file)?;
        file.set_permissions(Permissions::from_mode(mode))?;
        file.sync_all()?;
        let from: PathBuf = format!("/proc/self/fd/{}", file.as_raw_fd()).into();
        linkat(AT_FDCWD, &from, AT_FDCWD, path, AtFlags::AT_SYMLINK_FOLLOW)?;
        File::open(directory)?.sync_all()
    }
}

/// O_TMPFILE, fill, mode, fsync(2), linkat(2) through /proc, fsync(2) of the directory.
///
/// passes
mod tmpfile_and_link {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let file = filled(path, mode, fill)?;
        file.sync_all()?;
        name_it(&file, path)?;
        sync_directory(path)
    }
}

/// Opens the directory once, at the start, and does everything relative to that descriptor.
///
/// passes
mod relative_to_the_directory {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let name = name_of(path)?;
        let directory = File::open(directory_of(path))?;
        let flags = OFlag::O_TMPFILE | OFlag::O_RDWR | OFlag::O_CLOEXEC;
        let file = File::from(openat(&directory, ".", flags, Mode::S_IRUSR | Mode::S_IWUSR)?);
        fill(&file)?;
        fchmod(&file, Mode::from_bits_retain(mode))?;
        file.sync_all()?;
        linkat(AT_FDCWD, &proc_link(&file), &directory, name, AtFlags::AT_SYMLINK_FOLLOW)?;
        directory.sync_all()
    }
}

/// Names the file with AT_EMPTY_PATH, and through /proc only where the kernel wants a privilege for that.
///
/// passes
mod empty_path_first {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let file = filled(path, mode, fill)?;
        file.sync_all()?;
        match linkat(&file, "", AT_FDCWD, path, AtFlags::AT_EMPTY_PATH) {
            Err(Errno::ENOENT | Errno::EPERM) => name_it(&file, path)?,
            named => named?,
        }
        sync_directory(path)
    }
}

/// Names the file with hard_link of std, which links the symbolic link in /proc and does not follow it.
///
/// breaks: "Creates the file at `path` with the contents that `fill` writes and the permissions `mode`."
/// fails: publish::it_has_no_name_while_it_is_filled failed a-proc-link-is-the-file
/// fails: publish::killed_at_any_moment_it_leaves_nothing_half_done failed a-proc-link-is-the-file
/// fails: publish::the_bytes_and_then_the_name_are_on_the_disk failed a-proc-link-is-the-file
/// fails: publish::the_file_has_these_bytes_and_permissions failed a-proc-link-is-the-file
mod hard_link_of_std {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let file = filled(path, mode, fill)?;
        file.sync_all()?;
        fs::hard_link(proc_link(&file), path)?;
        sync_directory(path)
    }
}

/// Refuses a name that is taken before it does the work, and again at linkat(2); writes data and mode in one fsync(2).
///
/// passes
mod looks_before_it_fills {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        if path.symlink_metadata().is_ok() {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let options = File::options().read(true).write(true).mode(0o0).custom_flags(libc::O_TMPFILE).clone();
        let file = options.open(directory_of(path))?;
        fill(&file)?;
        fs::set_permissions(proc_link(&file), Permissions::from_mode(mode))?;
        file.sync_all()?;
        name_it(&file, path)?;
        sync_directory(path)
    }
}

/// Creates the file under its name and fills it there.
///
/// breaks: "While `fill` runs, the file has no name: its st_nlink is 0, and no directory lists it."
/// fails: publish::it_has_no_name_while_it_is_filled failed
/// fails: publish::killed_at_any_moment_it_leaves_nothing_half_done failed a-moment-is-no-time
/// fails: publish::the_bytes_and_then_the_name_are_on_the_disk failed
/// fails: publish::the_file_has_these_bytes_and_permissions failed
mod creates_it_in_place {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let file = File::options().read(true).write(true).create_new(true).open(path)?;
        fill(&file).inspect_err(|_| _ = fs::remove_file(path))?;
        set_mode(&file, mode)?;
        file.sync_all()?;
        sync_directory(path)
    }
}

/// Fills a file with a temporary name and renames it, over whatever is there.
///
/// breaks: "`AlreadyExists` when `path` exists, even as a dangling symbolic link; what is there does not change."
/// fails: publish::a_name_that_is_taken_stays_as_it_is failed
/// fails: publish::it_has_no_name_while_it_is_filled failed
/// fails: publish::killed_at_any_moment_it_leaves_nothing_half_done failed an-odd-name-is-none
mod renames_over {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let file = filled(path, mode, fill)?;
        file.sync_all()?;
        name_it(&file, &temporary(path))?;
        fs::rename(temporary(path), path)?;
        sync_directory(path)
    }
}

/// Gives the complete file a temporary name and renames it with RENAME_NOREPLACE: a kill in between leaves that name.
///
/// breaks: "A process that is killed, at any moment, leaves the complete file with its permissions, or nothing."
/// fails: publish::killed_at_any_moment_it_leaves_nothing_half_done failed an-odd-name-is-none
mod temporary_name_in_between {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let file = filled(path, mode, fill)?;
        file.sync_all()?;
        let name = temporary(path);
        name_it(&file, &name)?;
        renameat2(AT_FDCWD, &name, AT_FDCWD, path, RenameFlags::RENAME_NOREPLACE)
            .inspect_err(|_| _ = fs::remove_file(&name))?;
        sync_directory(path)
    }
}

/// Fills a file with a temporary name, links it to the final one, and removes the temporary name.
///
/// breaks: "While `fill` runs, the file has no name: its st_nlink is 0, and no directory lists it."
/// fails: publish::it_has_no_name_while_it_is_filled failed an-odd-name-is-none
/// fails: publish::killed_at_any_moment_it_leaves_nothing_half_done failed an-odd-name-is-none
mod links_a_named_file {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let name = temporary(path);
        let file = File::options().read(true).write(true).create_new(true).open(&name)?;
        let done = fill(&file)
            .and_then(|()| set_mode(&file, mode))
            .and_then(|()| file.sync_all())
            .and_then(|()| fs::hard_link(&name, path));
        fs::remove_file(&name)?;
        done?;
        sync_directory(path)
    }
}

/// Flushes the File, which has no buffer, and never calls fsync(2) for it.
///
/// breaks: "The bytes and the permissions are on the disk (fsync(2)) before the file gets its name."
/// fails: publish::the_bytes_and_then_the_name_are_on_the_disk failed a-name-is-durable
mod flushes_a_file {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let file = filled(path, mode, fill)?;
        (&file).flush()?;
        name_it(&file, path)?;
        sync_directory(path)
    }
}

/// Leaves the directory to the kernel.
///
/// breaks: "The directory is on the disk (fsync(2), not fdatasync(2)) before `publish` returns."
/// fails: publish::the_bytes_and_then_the_name_are_on_the_disk failed a-name-is-durable
mod forgets_the_directory {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let file = filled(path, mode, fill)?;
        file.sync_all()?;
        name_it(&file, path)
    }
}

/// Syncs the directory before the name is in it.
///
/// breaks: "The directory is on the disk (fsync(2), not fdatasync(2)) before `publish` returns."
/// fails: publish::the_bytes_and_then_the_name_are_on_the_disk failed
mod syncs_the_directory_too_early {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let file = filled(path, mode, fill)?;
        file.sync_all()?;
        sync_directory(path)?;
        name_it(&file, path)
    }
}

/// Names the file first and then writes both to the disk.
///
/// breaks: "The bytes and the permissions are on the disk (fsync(2)) before the file gets its name."
/// fails: publish::the_bytes_and_then_the_name_are_on_the_disk failed
mod syncs_after_naming {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let file = filled(path, mode, fill)?;
        name_it(&file, path)?;
        file.sync_all()?;
        sync_directory(path)
    }
}

/// Syncs the file before `fill` and the mode, so what it wrote is not covered.
///
/// breaks: "The bytes and the permissions are on the disk (fsync(2)) before the file gets its name."
/// fails: publish::the_bytes_and_then_the_name_are_on_the_disk failed
mod syncs_the_empty_file {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let file = o_tmpfile(directory_of(path))?;
        file.sync_all()?;
        fill(&file)?;
        set_mode(&file, mode)?;
        name_it(&file, path)?;
        sync_directory(path)
    }
}

/// Syncs the new name's file once more where it should sync the directory.
///
/// breaks: "The directory is on the disk (fsync(2), not fdatasync(2)) before `publish` returns."
/// fails: publish::the_bytes_and_then_the_name_are_on_the_disk failed a-name-is-durable
mod syncs_the_file_twice {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let file = filled(path, mode, fill)?;
        file.sync_all()?;
        name_it(&file, path)?;
        file.sync_all()
    }
}

/// Sets the mode by the name, when that exists: a kill in between leaves 0600.
///
/// breaks: "A process that is killed, at any moment, leaves the complete file with its permissions, or nothing."
/// fails: publish::killed_at_any_moment_it_leaves_nothing_half_done failed a-moment-is-no-time
/// fails: publish::the_file_has_these_bytes_and_permissions failed
mod mode_after_the_name {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let file = o_tmpfile(directory_of(path))?;
        fill(&file)?;
        file.sync_all()?;
        name_it(&file, path)?;
        fs::set_permissions(path, Permissions::from_mode(mode))?;
        sync_directory(path)
    }
}

/// Gives the mode to open(2), which takes the umask away from it.
///
/// breaks: "The permissions are exactly the 12 bits of `mode` (at most 0o7777), whatever the umask is and `fill` sets."
/// fails: publish::the_file_has_these_bytes_and_permissions failed open-sets-the-mode
mod mode_of_open {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let file =
            File::options().read(true).write(true).mode(mode).custom_flags(libc::O_TMPFILE).open(directory_of(path))?;
        fill(&file)?;
        file.sync_all()?;
        name_it(&file, path)?;
        sync_directory(path)
    }
}

/// Reads the umask and applies it, as open(2) would.
///
/// breaks: "The permissions are exactly the 12 bits of `mode` (at most 0o7777), whatever the umask is and `fill` sets."
/// fails: publish::the_file_has_these_bytes_and_permissions failed open-sets-the-mode
mod honours_the_umask {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let mask = umask(Mode::empty());
        umask(mask);
        super::tmpfile_and_link::publish(path, mode & !mask.bits(), fill)
    }
}

/// Lets `fill` write a file in memory and copies that.
///
/// breaks: "`fill` gets an empty file, open for reading and writing, in the file system of `path`'s directory."
/// fails: publish::it_has_no_name_while_it_is_filled failed
mod fills_memory {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let scratch = memory_file("publish")?;
        fill(&scratch)?;
        super::tmpfile_and_link::publish(path, mode, |file| {
            let mut bytes = vec![0; scratch.metadata()?.len() as usize];
            scratch.read_exact_at(&mut bytes, 0)?;
            file.write_all_at(&bytes, 0)
        })
    }
}

/// Takes `parent` as it is: for a bare file name it is the empty path, which open(2) does not find.
///
/// breaks: "`path` may be relative, or a bare file name in the current directory; its bytes need not be UTF-8."
/// fails: publish::the_bytes_and_then_the_name_are_on_the_disk failed
/// fails: publish::the_file_has_these_bytes_and_permissions failed
mod parent_is_a_directory {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let directory = path.parent().unwrap_or(Path::new("."));
        let file = o_tmpfile(directory)?;
        fill(&file)?;
        set_mode(&file, mode)?;
        file.sync_all()?;
        name_it(&file, path)?;
        File::open(directory)?.sync_all()
    }
}

/// Takes the current directory from PWD, which does not change when this process changes its directory.
///
/// breaks: "`path` may be relative, or a bare file name in the current directory; its bytes need not be UTF-8."
/// fails: publish::the_bytes_and_then_the_name_are_on_the_disk failed
/// fails: publish::the_file_has_these_bytes_and_permissions failed
mod relative_to_pwd {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let here = std::env::var_os("PWD").unwrap_or_else(|| "/".into());
        super::tmpfile_and_link::publish(&Path::new(&here).join(path), mode, fill)
    }
}

/// Asks `exists`, which follows the link, and moves the file over a dangling one.
///
/// breaks: "`AlreadyExists` when `path` exists, even as a dangling symbolic link; what is there does not change."
/// fails: publish::a_name_that_is_taken_stays_as_it_is failed
mod a_dangling_link_does_not_exist {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        if path.exists() {
            return Err(ErrorKind::AlreadyExists.into());
        }
        if path.is_symlink() {
            fs::remove_file(path)?;
        }
        super::tmpfile_and_link::publish(path, mode, fill)
    }
}

/// Follows a dangling link and creates the file that it points to.
///
/// breaks: "`AlreadyExists` when `path` exists, even as a dangling symbolic link; what is there does not change."
/// fails: publish::a_name_that_is_taken_stays_as_it_is failed
mod follows_a_dangling_link {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let target = fs::read_link(path).map(|target| directory_of(path).join(target));
        super::tmpfile_and_link::publish(target.as_deref().unwrap_or(path), mode, fill)
    }
}

/// Removes what is there and links again: the newest version should win.
///
/// breaks: "`AlreadyExists` when `path` exists, even as a dangling symbolic link; what is there does not change."
/// fails: publish::a_name_that_is_taken_stays_as_it_is failed
/// fails: publish::it_has_no_name_while_it_is_filled failed
mod newest_wins {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let file = filled(path, mode, fill)?;
        file.sync_all()?;
        if name_it(&file, path).is_err() {
            fs::remove_file(path)?;
            name_it(&file, path)?;
        }
        sync_directory(path)
    }
}

/// Treats a name that exists as success: somebody has published it already.
///
/// breaks: "`AlreadyExists` when `path` exists, even as a dangling symbolic link; what is there does not change."
/// fails: publish::a_name_that_is_taken_stays_as_it_is failed
/// fails: publish::it_has_no_name_while_it_is_filled failed
mod published_already {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        match super::tmpfile_and_link::publish(path, mode, fill) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            done => done,
        }
    }
}

/// Removes the name after any error, also when it is that of somebody else.
///
/// breaks: "`AlreadyExists` when `path` exists, even as a dangling symbolic link; what is there does not change."
/// fails: publish::a_name_that_is_taken_stays_as_it_is failed
/// fails: publish::it_has_no_name_while_it_is_filled failed
mod cleans_up_too_much {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        super::tmpfile_and_link::publish(path, mode, fill).inspect_err(|_| _ = fs::remove_file(path))
    }
}

/// Opens the file with O_EXCL, which for O_TMPFILE means that it can never get a name.
///
/// breaks: "Creates the file at `path` with the contents that `fill` writes and the permissions `mode`."
/// fails: publish::it_has_no_name_while_it_is_filled failed any-file-can-be-named
/// fails: publish::killed_at_any_moment_it_leaves_nothing_half_done failed any-file-can-be-named
/// fails: publish::the_bytes_and_then_the_name_are_on_the_disk failed any-file-can-be-named
/// fails: publish::the_file_has_these_bytes_and_permissions failed any-file-can-be-named
mod exclusive {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let flags = OFlag::O_TMPFILE | OFlag::O_EXCL | OFlag::O_RDWR | OFlag::O_CLOEXEC;
        let file = File::from(open(directory_of(path), flags, Mode::S_IRUSR | Mode::S_IWUSR)?);
        fill(&file)?;
        set_mode(&file, mode)?;
        file.sync_all()?;
        name_it(&file, path)?;
        sync_directory(path)
    }
}

/// Opens the file for writing only.
///
/// breaks: "`fill` gets an empty file, open for reading and writing, in the file system of `path`'s directory."
/// fails: publish::it_has_no_name_while_it_is_filled failed
mod write_only {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let file = File::options().write(true).custom_flags(libc::O_TMPFILE).open(directory_of(path))?;
        fill(&file)?;
        set_mode(&file, mode)?;
        file.sync_all()?;
        name_it(&file, path)?;
        sync_directory(path)
    }
}

/// Wraps the error of `fill` to say where it came from.
///
/// breaks: "The error of `fill`, unchanged."
/// fails: publish::a_name_that_is_taken_stays_as_it_is failed
mod wraps_the_error {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        super::tmpfile_and_link::publish(path, mode, |file| {
            fill(file).map_err(|error| io::Error::new(error.kind(), format!("cannot fill {}: {error}", path.display())))
        })
    }
}

/// Publishes what there is even when `fill` fails, and returns the error afterwards.
///
/// breaks: "After an error up to the name, such as one of `fill`, the directory lists what it listed before."
/// fails: publish::a_name_that_is_taken_stays_as_it_is failed
mod publishes_the_half {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let mut result = Ok(());
        super::tmpfile_and_link::publish(path, mode, |file| {
            result = fill(file);
            Ok(())
        })?;
        result
    }
}

/// Adds the owner's right to read, which it needs to open the file again by its name.
///
/// breaks: "The permissions are exactly the 12 bits of `mode` (at most 0o7777), whatever the umask is and `fill` sets."
/// fails: publish::the_file_has_these_bytes_and_permissions failed
mod adds_the_right_to_read {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        super::tmpfile_and_link::publish(path, mode | 0o400, fill)?;
        File::open(path)?.sync_all()
    }
}

/// Syncs the directory with fdatasync(2).
///
/// breaks: "The directory is on the disk (fsync(2), not fdatasync(2)) before `publish` returns."
/// fails: publish::the_bytes_and_then_the_name_are_on_the_disk failed
mod syncs_the_data_of_the_directory {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let file = filled(path, mode, fill)?;
        file.sync_all()?;
        name_it(&file, path)?;
        File::open(directory_of(path))?.sync_data()
    }
}

/// Sets the mode when everything is on the disk: a power failure could lose it, a kill can't.
///
/// breaks: "The bytes and the permissions are on the disk (fsync(2)) before the file gets its name."
/// fails: publish::the_bytes_and_then_the_name_are_on_the_disk failed
mod mode_after_the_sync {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let file = o_tmpfile(directory_of(path))?;
        fill(&file)?;
        file.sync_data()?;
        set_mode(&file, mode)?;
        name_it(&file, path)?;
        sync_directory(path)
    }
}

/// Drops the error of the fsync(2) that matters.
///
/// breaks: "any other error is passed on as the kernel returns it."
/// fails: publish::the_bytes_and_then_the_name_are_on_the_disk failed
mod ignores_a_failed_sync {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let file = filled(path, mode, fill)?;
        let _ = file.sync_all();
        name_it(&file, path)?;
        sync_directory(path)
    }
}

/// Sets the mode before `fill` runs, which may change it; a write(2) by an ordinary user clears a set-user-ID bit.
///
/// breaks: "The permissions are exactly the 12 bits of `mode` (at most 0o7777), whatever the umask is and `fill` sets."
/// fails: publish::the_file_has_these_bytes_and_permissions failed
mod mode_before_the_bytes {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let file = o_tmpfile(directory_of(path))?;
        set_mode(&file, mode)?;
        fill(&file)?;
        file.sync_all()?;
        name_it(&file, path)?;
        sync_directory(path)
    }
}

/// Keeps only the nine bits that everybody knows.
///
/// breaks: "The permissions are exactly the 12 bits of `mode` (at most 0o7777), whatever the umask is and `fill` sets."
/// fails: publish::the_file_has_these_bytes_and_permissions failed
mod nine_bits {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        super::tmpfile_and_link::publish(path, mode & 0o777, fill)
    }
}

/// Clears the umask for the one open(2), so that other threads' files are open to all meanwhile.
///
/// breaks: "Neither the umask nor the current directory of the process changes, not even for a moment."
/// fails: publish::the_file_has_these_bytes_and_permissions failed
mod no_umask_meanwhile {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let flags = OFlag::O_TMPFILE | OFlag::O_RDWR | OFlag::O_CLOEXEC;
        let mask = umask(Mode::empty());
        let file = open(directory_of(path), flags, Mode::from_bits_retain(mode));
        umask(mask);
        let file = File::from(file?);
        fill(&file)?;
        file.sync_all()?;
        name_it(&file, path)?;
        sync_directory(path)
    }
}

/// Makes the file in the directory for temporary files, which may be on another file system.
///
/// breaks: "`fill` gets an empty file, open for reading and writing, in the file system of `path`'s directory."
/// fails: publish::it_has_no_name_while_it_is_filled failed
/// fails: publish::the_bytes_and_then_the_name_are_on_the_disk failed
/// fails: publish::the_file_has_these_bytes_and_permissions failed
mod in_the_temporary_directory {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let file = o_tmpfile(&std::env::temp_dir())?;
        fill(&file)?;
        set_mode(&file, mode)?;
        file.sync_all()?;
        name_it(&file, path)?;
        sync_directory(path)
    }
}

/// Changes into the directory and stays there, so that the next relative path means something else.
///
/// breaks: "Neither the umask nor the current directory of the process changes, not even for a moment."
/// fails: publish::the_file_has_these_bytes_and_permissions failed
mod changes_into_the_directory {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        std::env::set_current_dir(directory_of(path))?;
        super::tmpfile_and_link::publish(Path::new(name_of(path)?), mode, fill)
    }
}

/// Makes the directories that are missing, instead of passing ENOENT on.
///
/// breaks: "ENOENT when the directory doesn't exist: `publish` doesn't create it."
/// fails: publish::a_name_that_is_taken_stays_as_it_is failed
mod makes_the_directories {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        fs::create_dir_all(directory_of(path))?;
        super::tmpfile_and_link::publish(path, mode, fill)
    }
}

/// Needs the path as text, and panics for a name that is not UTF-8.
///
/// breaks: "Creates the file at `path` with the contents that `fill` writes and the permissions `mode`."
/// fails: publish::the_file_has_these_bytes_and_permissions panicked
mod path_as_text {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let text = path.to_str().expect("paths are UTF-8");
        let directory = text.rsplit_once('/').map_or(".", |(directory, _)| directory);
        let file = o_tmpfile(Path::new(directory))?;
        fill(&file)?;
        set_mode(&file, mode)?;
        file.sync_all()?;
        name_it(&file, Path::new(text))?;
        File::open(directory)?.sync_all()
    }
}

/// Leaves the file open for ever, so that the descriptor table fills up.
///
/// breaks: "The call leaves no descriptor of its own open, not even after an error."
/// fails: publish::a_name_that_is_taken_stays_as_it_is failed
/// fails: publish::the_bytes_and_then_the_name_are_on_the_disk failed
/// fails: publish::the_file_has_these_bytes_and_permissions failed
mod keeps_the_file_open {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let file = std::mem::ManuallyDrop::new(filled(path, mode, fill)?);
        file.sync_all()?;
        name_it(&file, path)?;
        sync_directory(path)
    }
}

/// O_TMPFILE, fill, fchmod, fsync, linkat through /proc, fsync of the directory.
///
/// passes
mod tmpfile_and_linkat {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let directory = File::open(directory_of_again(path))?;
        let file = o_tmpfile(directory_of_again(path))?;
        fill(&file)?;
        permit(&file, mode)?;
        file.sync_all()?;
        name(&file, path)?;
        directory.sync_all()
    }
}

/// Works with a descriptor of the directory, as openat(2) and linkat(2) allow, so that a rename of it is no matter.
///
/// passes
mod all_from_a_directory_descriptor {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let Some(last) = path.file_name() else {
            fs::symlink_metadata(path)?;
            return Err(Errno::EEXIST.into());
        };
        let directory = File::open(directory_of_again(path))?;
        let flags = OFlag::O_TMPFILE | OFlag::O_RDWR | OFlag::O_CLOEXEC;
        let file = File::from(openat(&directory, ".", flags, Mode::empty())?);
        fill(&file)?;
        fs::set_permissions(proc_link_again(&file), Permissions::from_mode(mode))?;
        file.sync_all()?;
        linkat(AT_FDCWD, &proc_link_again(&file), &directory, last, AtFlags::AT_SYMLINK_FOLLOW)?;
        directory.sync_all()
    }
}

/// Refuses a name that exists before it does any work, and once more when it links.
///
/// passes
mod looks_before_it_fills_2 {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        match fs::symlink_metadata(path) {
            Ok(_) => return Err(io::ErrorKind::AlreadyExists.into()),
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => {}
            Err(error) => return Err(error),
        }
        let file = o_tmpfile(directory_of_again(path))?;
        fill(&file)?;
        fchmod(&file, Mode::from_bits_truncate(mode))?;
        file.sync_all()?;
        name(&file, path)?;
        drop(file);
        File::open(directory_of_again(path))?.sync_all()
    }
}

/// Sets the permissions before `fill` runs, which may change them, or lose a setuid bit by writing.
///
/// breaks: "The permissions are exactly the 12 bits of `mode` (at most 0o7777), whatever the umask is and `fill` sets."
/// fails: publish::the_file_has_these_bytes_and_permissions failed
mod chmod_before_fill {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let file = o_tmpfile(directory_of_again(path))?;
        permit(&file, mode)?;
        fill(&file)?;
        file.sync_all()?;
        name(&file, path)?;
        File::open(directory_of_again(path))?.sync_all()
    }
}

/// Passes the mode to open(2), where the umask takes bits away.
///
/// breaks: "The permissions are exactly the 12 bits of `mode` (at most 0o7777), whatever the umask is and `fill` sets."
/// fails: publish::the_file_has_these_bytes_and_permissions failed open-sets-the-mode
mod mode_for_open {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let mut options = File::options();
        options.read(true).write(true).mode(mode).custom_flags(libc::O_TMPFILE);
        let file = options.open(directory_of_again(path))?;
        fill(&file)?;
        file.sync_all()?;
        name(&file, path)?;
        File::open(directory_of_again(path))?.sync_all()
    }
}

/// Clears the umask for the open(2), then sets it again.
///
/// breaks: "Neither the umask nor the current directory of the process changes, not even for a moment."
/// fails: publish::the_file_has_these_bytes_and_permissions failed
mod umask_for_a_moment {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let before = umask(Mode::empty());
        let file = File::options()
            .read(true)
            .write(true)
            .mode(mode)
            .custom_flags(libc::O_TMPFILE)
            .open(directory_of_again(path));
        umask(before);
        let file = file?;
        fill(&file)?;
        permit(&file, mode)?;
        file.sync_all()?;
        name(&file, path)?;
        File::open(directory_of_again(path))?.sync_all()
    }
}

/// Subtracts the umask from the mode, "as open(2) would".
///
/// breaks: "The permissions are exactly the 12 bits of `mode` (at most 0o7777), whatever the umask is and `fill` sets."
/// fails: publish::the_file_has_these_bytes_and_permissions failed open-sets-the-mode
mod permissions_less_the_umask {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let status = fs::read_to_string("/proc/self/status")?;
        let umask = status.lines().find_map(|line| line.strip_prefix("Umask:")).unwrap_or("022");
        let umask = u32::from_str_radix(umask.trim(), 8).map_err(io::Error::other)?;
        let file = o_tmpfile(directory_of_again(path))?;
        fill(&file)?;
        permit(&file, mode & !umask)?;
        file.sync_all()?;
        name(&file, path)?;
        File::open(directory_of_again(path))?.sync_all()
    }
}

/// Sets nine bits of the mode and drops setuid, setgid and the sticky bit.
///
/// breaks: "The permissions are exactly the 12 bits of `mode` (at most 0o7777), whatever the umask is and `fill` sets."
/// fails: publish::the_file_has_these_bytes_and_permissions failed
mod nine_bits_2 {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let file = o_tmpfile(directory_of_again(path))?;
        fill(&file)?;
        permit(&file, mode & 0o777)?;
        file.sync_all()?;
        name(&file, path)?;
        File::open(directory_of_again(path))?.sync_all()
    }
}

/// Sets the permissions by path once the file has its name: a kill in between leaves it with others.
///
/// breaks: "A process that is killed, at any moment, leaves the complete file with its permissions, or nothing."
/// fails: publish::killed_at_any_moment_it_leaves_nothing_half_done failed a-moment-is-no-time
/// fails: publish::the_file_has_these_bytes_and_permissions failed
mod chmod_of_the_name {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let file = o_tmpfile(directory_of_again(path))?;
        fill(&file)?;
        file.sync_all()?;
        name(&file, path)?;
        fs::set_permissions(path, Permissions::from_mode(mode))?;
        file.sync_all()?;
        File::open(directory_of_again(path))?.sync_all()
    }
}

/// Calls fsync(2) after the file has its name.
///
/// breaks: "The bytes and the permissions are on the disk (fsync(2)) before the file gets its name."
/// fails: publish::the_bytes_and_then_the_name_are_on_the_disk failed
mod name_before_fsync {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let file = o_tmpfile(directory_of_again(path))?;
        fill(&file)?;
        permit(&file, mode)?;
        name(&file, path)?;
        file.sync_all()?;
        File::open(directory_of_again(path))?.sync_all()
    }
}

/// Calls fsync(2) and changes the permissions after it.
///
/// breaks: "The bytes and the permissions are on the disk (fsync(2)) before the file gets its name."
/// fails: publish::the_bytes_and_then_the_name_are_on_the_disk failed
mod chmod_after_fsync {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let file = o_tmpfile(directory_of_again(path))?;
        fill(&file)?;
        file.sync_all()?;
        permit(&file, mode)?;
        name(&file, path)?;
        File::open(directory_of_again(path))?.sync_all()
    }
}

/// Uses fdatasync(2) for the file, which need not write the permissions.
///
/// breaks: "The bytes and the permissions are on the disk (fsync(2)) before the file gets its name."
/// fails: publish::the_bytes_and_then_the_name_are_on_the_disk failed
mod fdatasync_of_the_file {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let file = o_tmpfile(directory_of_again(path))?;
        fill(&file)?;
        permit(&file, mode)?;
        file.sync_data()?;
        name(&file, path)?;
        File::open(directory_of_again(path))?.sync_all()
    }
}

/// Uses fdatasync(2) for the directory.
///
/// breaks: "The directory is on the disk (fsync(2), not fdatasync(2)) before `publish` returns."
/// fails: publish::the_bytes_and_then_the_name_are_on_the_disk failed
mod fdatasync_of_the_directory {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let file = o_tmpfile(directory_of_again(path))?;
        fill(&file)?;
        permit(&file, mode)?;
        file.sync_all()?;
        name(&file, path)?;
        File::open(directory_of_again(path))?.sync_data()
    }
}

/// Syncs file and directory together before the link is made, so the name itself may get lost.
///
/// breaks: "The directory is on the disk (fsync(2), not fdatasync(2)) before `publish` returns."
/// fails: publish::the_bytes_and_then_the_name_are_on_the_disk failed
mod directory_before_the_name {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let file = o_tmpfile(directory_of_again(path))?;
        fill(&file)?;
        permit(&file, mode)?;
        file.sync_all()?;
        File::open(directory_of_again(path))?.sync_all()?;
        name(&file, path)
    }
}

/// Takes an fsync(2) of the directory that fails for a file system that can't do it.
///
/// breaks: "The error of the fsync(2) of the directory: the name may stay then."
/// fails: publish::the_bytes_and_then_the_name_are_on_the_disk failed
mod ignores_the_directorys_fsync {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let file = o_tmpfile(directory_of_again(path))?;
        fill(&file)?;
        permit(&file, mode)?;
        file.sync_all()?;
        name(&file, path)?;
        _ = File::open(directory_of_again(path))?.sync_all();
        Ok(())
    }
}

/// Goes on when fsync(2) of the file fails, and reports the error at the end.
///
/// breaks: "The error of the fsync(2) of the directory: the name may stay then."
/// fails: publish::the_bytes_and_then_the_name_are_on_the_disk failed
mod names_after_a_failed_fsync {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let file = o_tmpfile(directory_of_again(path))?;
        fill(&file)?;
        permit(&file, mode)?;
        let synced = file.sync_all();
        name(&file, path)?;
        synced.and(File::open(directory_of_again(path))?.sync_all())
    }
}

/// Calls sync(2), which has no errors, in place of fsync(2) of the file.
///
/// breaks: "The error of the fsync(2) of the directory: the name may stay then."
/// fails: publish::the_bytes_and_then_the_name_are_on_the_disk failed
mod sync_for_everything {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let file = o_tmpfile(directory_of_again(path))?;
        fill(&file)?;
        permit(&file, mode)?;
        nix::unistd::sync();
        name(&file, path)?;
        nix::unistd::sync();
        Ok(())
    }
}

/// Opens "" as the directory of a bare file name.
///
/// breaks: "`path` may be relative, or a bare file name in the current directory; its bytes need not be UTF-8."
/// fails: publish::the_bytes_and_then_the_name_are_on_the_disk failed
/// fails: publish::the_file_has_these_bytes_and_permissions failed
mod parent_of_a_bare_name {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let directory = path.parent().unwrap_or(Path::new("."));
        let file = o_tmpfile(directory)?;
        fill(&file)?;
        permit(&file, mode)?;
        file.sync_all()?;
        name(&file, path)?;
        File::open(directory)?.sync_all()
    }
}

/// Makes a string of the path, with replacement characters for what is not UTF-8.
///
/// breaks: "`path` may be relative, or a bare file name in the current directory; its bytes need not be UTF-8."
/// fails: publish::the_file_has_these_bytes_and_permissions failed
mod lossy_path {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let target = CString::new(path.to_string_lossy().as_bytes())?;
        let file = o_tmpfile(directory_of_again(path))?;
        fill(&file)?;
        permit(&file, mode)?;
        file.sync_all()?;
        linkat(AT_FDCWD, &proc_link_again(&file), AT_FDCWD, target.as_c_str(), AtFlags::AT_SYMLINK_FOLLOW)?;
        File::open(directory_of_again(path))?.sync_all()
    }
}

/// Makes the missing directories, as a kind program would.
///
/// breaks: "ENOENT when the directory doesn't exist: `publish` doesn't create it."
/// fails: publish::a_name_that_is_taken_stays_as_it_is failed
mod makes_the_directory {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        fs::create_dir_all(directory_of_again(path))?;
        let file = o_tmpfile(directory_of_again(path))?;
        fill(&file)?;
        permit(&file, mode)?;
        file.sync_all()?;
        name(&file, path)?;
        File::open(directory_of_again(path))?.sync_all()
    }
}

/// Looks with `exists`, which follows links, and then renames over a dangling symbolic link.
///
/// breaks: "`AlreadyExists` when `path` exists, even as a dangling symbolic link; what is there does not change."
/// fails: publish::a_name_that_is_taken_stays_as_it_is failed
/// fails: publish::killed_at_any_moment_it_leaves_nothing_half_done failed an-odd-name-is-none
mod exists_then_rename {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        if path.exists() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let file = o_tmpfile(directory_of_again(path))?;
        fill(&file)?;
        permit(&file, mode)?;
        file.sync_all()?;
        let before = directory_of_again(path).join(format!(".{}.new", std::process::id()));
        name(&file, &before)?;
        fs::rename(&before, path)?;
        File::open(directory_of_again(path))?.sync_all()
    }
}

/// Removes a dangling symbolic link that has the name, since it is "nothing", and tries again.
///
/// breaks: "`AlreadyExists` when `path` exists, even as a dangling symbolic link; what is there does not change."
/// fails: publish::a_name_that_is_taken_stays_as_it_is failed
mod removes_a_dangling_link {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let file = o_tmpfile(directory_of_again(path))?;
        fill(&file)?;
        permit(&file, mode)?;
        file.sync_all()?;
        if let Err(error) = name(&file, path) {
            if path.exists() {
                return Err(error);
            }
            unlink(path)?;
            name(&file, path)?;
        }
        File::open(directory_of_again(path))?.sync_all()
    }
}

/// Fills a file of the tempfile crate that has a name all the while.
///
/// breaks: "While `fill` runs, the file has no name: its st_nlink is 0, and no directory lists it."
/// fails: publish::it_has_no_name_while_it_is_filled failed an-odd-name-is-none
/// fails: publish::killed_at_any_moment_it_leaves_nothing_half_done failed an-odd-name-is-none
mod named_temporary_file {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let file = tempfile::NamedTempFile::new_in(directory_of_again(path))?;
        fill(file.as_file())?;
        permit(file.as_file(), mode)?;
        file.as_file().sync_all()?;
        file.persist_noclobber(path)?;
        File::open(directory_of_again(path))?.sync_all()
    }
}

/// Lets `fill` write a nameless file in /tmp, and copies that to the target's name.
///
/// breaks: "`fill` gets an empty file, open for reading and writing, in the file system of `path`'s directory."
/// fails: publish::it_has_no_name_while_it_is_filled failed
mod filled_in_the_temporary_directory {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let scratch = tempfile::tempfile()?;
        fill(&scratch)?;
        let file = o_tmpfile(directory_of_again(path))?;
        io::copy(&mut File::open(proc_link_again(&scratch))?, &mut &file)?;
        permit(&file, mode)?;
        file.sync_all()?;
        name(&file, path)?;
        File::open(directory_of_again(path))?.sync_all()
    }
}

/// Opens the file for writing only.
///
/// breaks: "`fill` gets an empty file, open for reading and writing, in the file system of `path`'s directory."
/// fails: publish::it_has_no_name_while_it_is_filled failed
mod write_only_2 {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let file =
            File::options().write(true).mode(0o600).custom_flags(libc::O_TMPFILE).open(directory_of_again(path))?;
        fill(&file)?;
        permit(&file, mode)?;
        file.sync_all()?;
        name(&file, path)?;
        File::open(directory_of_again(path))?.sync_all()
    }
}

/// Puts the error of `fill` into another error, so that its errno is gone.
///
/// breaks: "The error of `fill`, unchanged."
/// fails: publish::a_name_that_is_taken_stays_as_it_is failed
mod wraps_the_error_of_fill {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let file = o_tmpfile(directory_of_again(path))?;
        fill(&file).map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
        permit(&file, mode)?;
        file.sync_all()?;
        name(&file, path)?;
        File::open(directory_of_again(path))?.sync_all()
    }
}

/// Takes `fill`'s `Interrupted` for success, as in a loop around read(2).
///
/// breaks: "The error of `fill`, unchanged."
/// fails: publish::a_name_that_is_taken_stays_as_it_is failed
mod swallows_interrupted {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let file = o_tmpfile(directory_of_again(path))?;
        match fill(&file) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        permit(&file, mode)?;
        file.sync_all()?;
        name(&file, path)?;
        File::open(directory_of_again(path))?.sync_all()
    }
}

/// Keeps the directory as a bare number and closes it only at the end of a call that succeeds.
///
/// breaks: "The call leaves no descriptor of its own open, not even after an error."
/// fails: publish::a_name_that_is_taken_stays_as_it_is failed
/// fails: publish::the_bytes_and_then_the_name_are_on_the_disk failed
/// fails: publish::the_file_has_these_bytes_and_permissions failed
mod leaks_the_directory_on_errors {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let directory = File::open(directory_of_again(path))?.into_raw_fd();
        let file = o_tmpfile(directory_of_again(path))?;
        fill(&file)?;
        permit(&file, mode)?;
        file.sync_all()?;
        name(&file, path)?;
        // SAFETY: the descriptor is open, and nothing else closes it.
        let synced = Errno::result(unsafe { libc::fsync(directory) });
        // SAFETY: as above; it is not used after this.
        unsafe { libc::close(directory) };
        synced?;
        Ok(())
    }
}

/// Goes to the directory, works with the bare name there, and comes back.
///
/// breaks: "Neither the umask nor the current directory of the process changes, not even for a moment."
/// fails: publish::the_file_has_these_bytes_and_permissions failed
mod changes_directory {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let Some(last) = path.file_name() else { return Err(Errno::EEXIST.into()) };
        let directory = File::open(directory_of_again(path))?;
        let file = o_tmpfile(directory_of_again(path))?;
        fill(&file)?;
        permit(&file, mode)?;
        file.sync_all()?;
        let home = File::open(".")?;
        nix::unistd::fchdir(&directory)?;
        let named = name(&file, Path::new(last));
        nix::unistd::fchdir(&home)?;
        named?;
        directory.sync_all()
    }
}

/// Syncs the directory through a descriptor opened with O_PATH, which fails, and calls EBADF "not supported".
///
/// breaks: "The directory is on the disk (fsync(2), not fdatasync(2)) before `publish` returns."
/// fails: publish::the_bytes_and_then_the_name_are_on_the_disk failed a-name-is-durable
mod path_descriptor_of_the_directory {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let directory = File::options().read(true).custom_flags(libc::O_PATH).open(directory_of_again(path))?;
        let file = o_tmpfile(directory_of_again(path))?;
        fill(&file)?;
        permit(&file, mode)?;
        file.sync_all()?;
        name(&file, path)?;
        match directory.sync_all() {
            Err(error) if error.raw_os_error() == Some(libc::EBADF) => Ok(()),
            other => other,
        }
    }
}

/// The steps in their order, relative to one descriptor of the directory.
///
/// passes
mod relative_to_a_descriptor {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let (directory, file) = start(path)?;
        fill(&file)?;
        permit(&file, mode)?;
        file.sync_all()?;
        link(&file, &directory, name_of(path)?)?;
        directory.sync_all()
    }
}

/// Refuses a name that exists before `fill` runs, too, and sets the permissions through /proc.
///
/// passes
mod refuses_early {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let (directory, file) = start(path)?;
        if path.symlink_metadata().is_ok() {
            return Err(Errno::EEXIST.into());
        }
        fill(&file)?;
        fs::set_permissions(format!("/proc/self/fd/{}", file.as_raw_fd()), Permissions::from_mode(mode))?;
        file.try_clone()?.sync_all()?;
        link(&file, &directory, name_of(path)?)?;
        directory.sync_all()
    }
}

/// Opens the file with the mode, and leaves the rest to the umask.
///
/// breaks: "The permissions are exactly the 12 bits of `mode` (at most 0o7777), whatever the umask is and `fill` sets."
/// fails: publish::the_file_has_these_bytes_and_permissions failed open-sets-the-mode
mod opens_with_the_mode {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let directory = File::open(directory_of(path))?;
        let file =
            File::options().read(true).write(true).custom_flags(libc::O_TMPFILE).mode(mode).open(directory_of(path))?;
        fill(&file)?;
        file.sync_all()?;
        link(&file, &directory, name_of(path)?)?;
        directory.sync_all()
    }
}

/// Sets the umask to 0 while it opens the file.
///
/// breaks: "Neither the umask nor the current directory of the process changes, not even for a moment. `fill` changes neither."
/// fails: publish::the_file_has_these_bytes_and_permissions failed
mod clears_the_umask {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let before = umask(Mode::empty());
        let started = start(path);
        umask(before);
        let (directory, file) = started?;
        fill(&file)?;
        permit(&file, mode)?;
        file.sync_all()?;
        link(&file, &directory, name_of(path)?)?;
        directory.sync_all()
    }
}

/// Sets the permissions before `fill`, which may set others, or whose writes clear the set-user-ID bit.
///
/// breaks: "The permissions are exactly the 12 bits of `mode` (at most 0o7777), whatever the umask is and `fill` sets."
/// fails: publish::the_file_has_these_bytes_and_permissions failed
mod permits_before_fill {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let (directory, file) = start(path)?;
        permit(&file, mode)?;
        fill(&file)?;
        file.sync_all()?;
        link(&file, &directory, name_of(path)?)?;
        directory.sync_all()
    }
}

/// Sets the permissions once the name is there, and syncs again.
///
/// breaks: "A process that is killed, at any moment, leaves the complete file with its permissions, or nothing."
/// fails: publish::killed_at_any_moment_it_leaves_nothing_half_done failed a-moment-is-no-time
/// fails: publish::the_file_has_these_bytes_and_permissions failed
mod permits_after_the_name {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let (directory, file) = start(path)?;
        fill(&file)?;
        file.sync_all()?;
        link(&file, &directory, name_of(path)?)?;
        permit(&file, mode)?;
        file.sync_all()?;
        directory.sync_all()
    }
}

/// Syncs the bytes, and changes the permissions after that.
///
/// breaks: "The bytes and the permissions are on the disk (fsync(2)) before the file gets its name."
/// fails: publish::the_bytes_and_then_the_name_are_on_the_disk failed
mod permits_after_the_sync {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let (directory, file) = start(path)?;
        fill(&file)?;
        file.sync_all()?;
        permit(&file, mode)?;
        link(&file, &directory, name_of(path)?)?;
        directory.sync_all()
    }
}

/// Ignores what the fsync of the file says.
///
/// breaks: "The error of the fsync(2) of the file: nothing gets a name then."
/// fails: publish::the_bytes_and_then_the_name_are_on_the_disk failed
mod ignores_the_sync {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let (directory, file) = start(path)?;
        fill(&file)?;
        permit(&file, mode)?;
        let synced = file.sync_all();
        link(&file, &directory, name_of(path)?)?;
        directory.sync_all().and(synced)
    }
}

/// Syncs the directory with fdatasync(2).
///
/// breaks: "The directory is on the disk (fsync(2), not fdatasync(2)) before `publish` returns."
/// fails: publish::the_bytes_and_then_the_name_are_on_the_disk failed
mod data_of_the_directory {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let (directory, file) = start(path)?;
        fill(&file)?;
        permit(&file, mode)?;
        file.sync_all()?;
        link(&file, &directory, name_of(path)?)?;
        directory.sync_data()
    }
}

/// Syncs the directory together with the file, before the name is in it.
///
/// breaks: "The directory is on the disk (fsync(2), not fdatasync(2)) before `publish` returns."
/// fails: publish::the_bytes_and_then_the_name_are_on_the_disk failed
mod syncs_both_before {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let (directory, file) = start(path)?;
        fill(&file)?;
        permit(&file, mode)?;
        file.sync_all()?;
        directory.sync_all()?;
        link(&file, &directory, name_of(path)?)
    }
}

/// Converts the path to UTF-8, with replacement characters.
///
/// breaks: "`path` may be relative, or a bare file name in the current directory; its bytes need not be UTF-8."
/// fails: publish::the_file_has_these_bytes_and_permissions failed
mod lossy_name {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let (directory, file) = start(path)?;
        fill(&file)?;
        permit(&file, mode)?;
        file.sync_all()?;
        let name = name_of(path)?.to_string_lossy().into_owned();
        link(&file, &directory, OsStr::new(&name))?;
        directory.sync_all()
    }
}

/// Takes a name that `exists` doesn't see, a dangling link, for a leftover, removes it and tries again.
///
/// breaks: "`AlreadyExists` when `path` exists, even as a dangling symbolic link; what is there does not change."
/// fails: publish::a_name_that_is_taken_stays_as_it_is failed
mod replaces_dangling_links {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let (directory, file) = start(path)?;
        fill(&file)?;
        permit(&file, mode)?;
        file.sync_all()?;
        match link(&file, &directory, name_of(path)?) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && !path.exists() => {
                fs::remove_file(path)?;
                link(&file, &directory, name_of(path)?)?;
            }
            other => other?,
        }
        directory.sync_all()
    }
}

/// Wraps the error of `fill` to say where it happened.
///
/// breaks: "The error of `fill`, unchanged."
/// fails: publish::a_name_that_is_taken_stays_as_it_is failed
mod explains_the_error {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let (directory, file) = start(path)?;
        fill(&file).map_err(|error| io::Error::new(error.kind(), format!("filling {}: {error}", path.display())))?;
        permit(&file, mode)?;
        file.sync_all()?;
        link(&file, &directory, name_of(path)?)?;
        directory.sync_all()
    }
}

/// Creates the directories that are missing.
///
/// breaks: "ENOENT when the directory doesn't exist: `publish` doesn't create it."
/// fails: publish::a_name_that_is_taken_stays_as_it_is failed
mod creates_directories {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        fs::create_dir_all(directory_of(path))?;
        let (directory, file) = start(path)?;
        fill(&file)?;
        permit(&file, mode)?;
        file.sync_all()?;
        link(&file, &directory, name_of(path)?)?;
        directory.sync_all()
    }
}

/// Gives `fill` a named temporary file of the directory, which is then linked without overwriting.
///
/// breaks: "While `fill` runs, the file has no name: its st_nlink is 0, and no directory lists it."
/// fails: publish::it_has_no_name_while_it_is_filled failed an-odd-name-is-none
/// fails: publish::killed_at_any_moment_it_leaves_nothing_half_done failed an-odd-name-is-none
mod named_temporary {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let directory = File::open(directory_of(path))?;
        let temporary = tempfile::NamedTempFile::new_in(directory_of(path))?;
        fill(temporary.as_file())?;
        permit(temporary.as_file(), mode)?;
        temporary.as_file().sync_all()?;
        temporary.persist_noclobber(path).map_err(|error| error.error)?;
        directory.sync_all()
    }
}

/// Takes no notice of an error of fchmod(2).
///
/// breaks: "The permissions are exactly the 12 bits of `mode` (at most 0o7777), whatever the umask is and `fill` sets."
/// fails: publish::the_file_has_these_bytes_and_permissions failed
mod ignores_the_permissions_error {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let (directory, file) = start(path)?;
        fill(&file)?;
        let _ = permit(&file, mode);
        file.sync_all()?;
        link(&file, &directory, name_of(path)?)?;
        directory.sync_all()
    }
}

/// Copies the file when it can not be linked.
///
/// breaks: "A process that is killed, at any moment, leaves the complete file with its permissions, or nothing."
/// fails: publish::a_name_that_is_taken_stays_as_it_is failed
mod copies_what_can_not_be_linked {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let (directory, file) = start(path)?;
        fill(&file)?;
        permit(&file, mode)?;
        file.sync_all()?;
        match link(&file, &directory, name_of(path)?) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                fs::copy(proc_link(&file), path)?;
            }
            other => other?,
        }
        directory.sync_all()
    }
}

/// Opens the file with O_APPEND, as logs are.
///
/// breaks: "`fill` gets an empty file, open for reading and writing, in the file system of `path`'s directory."
/// fails: publish::it_has_no_name_while_it_is_filled failed
/// fails: publish::killed_at_any_moment_it_leaves_nothing_half_done failed
/// fails: publish::the_file_has_these_bytes_and_permissions failed
mod appends {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .custom_flags(libc::O_TMPFILE)
            .mode(0o600)
            .open(directory_of(path))?;
        fill(&file)?;
        permit(&file, mode)?;
        file.sync_all()?;
        name(&file, path)?;
        sync_directory(path)
    }
}

/// Refuses to follow a symbolic link to the directory.
///
/// breaks: "`path` may be relative, or a bare file name in the current directory; its bytes need not be UTF-8."
/// fails: publish::the_file_has_these_bytes_and_permissions failed
mod follows_no_link {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let directory = OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_NOFOLLOW | libc::O_DIRECTORY)
            .open(directory_of(path))?;
        let file = o_tmpfile(directory_of(path))?;
        fill(&file)?;
        permit(&file, mode)?;
        file.sync_all()?;
        name(&file, path)?;
        directory.sync_all()
    }
}

/// Opens the directory once, and takes it for the next file, too.
///
/// breaks: "A process may call each of them many times, with other files."
/// fails: publish::a_name_that_is_taken_stays_as_it_is failed
/// fails: publish::it_has_no_name_while_it_is_filled failed
/// fails: publish::the_bytes_and_then_the_name_are_on_the_disk failed
/// fails: publish::the_file_has_these_bytes_and_permissions failed
mod the_directory_of_the_first {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        static DIRECTORY: std::sync::OnceLock<File> = std::sync::OnceLock::new();
        let directory = match DIRECTORY.get() {
            Some(directory) => directory,
            None => {
                let opened = File::open(directory_of(path))?;
                DIRECTORY.get_or_init(|| opened)
            }
        };
        let file = openat(directory, ".", OFlag::O_TMPFILE | OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::S_IRUSR)?.into();
        fill(&file)?;
        permit(&file, mode)?;
        file.sync_all()?;
        name(&file, path)?;
        directory.sync_all()
    }
}

/// Takes the name before `..` out of the path with it, as if no directory were a symbolic link.
///
/// breaks: "Creates the file at `path`"
/// fails: publish::the_bytes_and_then_the_name_are_on_the_disk failed
/// fails: publish::the_file_has_these_bytes_and_permissions failed
mod resolves_dots_by_itself {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let mut resolved = PathBuf::new();
        for part in path.components() {
            if part == Component::ParentDir && resolved.file_name().is_some() {
                resolved.pop();
            } else {
                resolved.push(part);
            }
        }
        let file = filled(&resolved, mode, fill)?;
        file.sync_all()?;
        name_it(&file, &resolved)?;
        sync_directory(&resolved)
    }
}

/// Takes spaces and newlines around the name for none of it.
///
/// breaks: "`path` may be relative, or a bare file name in the current directory; its bytes need not be UTF-8."
/// fails: publish::the_file_has_these_bytes_and_permissions failed
mod trims_the_name {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let name = name_of(path)?;
        let path = path.with_file_name(name.to_str().map_or(name, |name| OsStr::new(name.trim())));
        let file = filled(&path, mode, fill)?;
        file.sync_all()?;
        name_it(&file, &path)?;
        sync_directory(&path)
    }
}

/// Refuses a path that a buffer of 256 bytes could not hold.
///
/// breaks: "Creates the file at `path`"
/// fails: publish::the_file_has_these_bytes_and_permissions failed
mod short_paths_only {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        if path.as_os_str().len() >= 256 {
            return Err(Errno::ENAMETOOLONG.into());
        }
        let file = filled(path, mode, fill)?;
        file.sync_all()?;
        name_it(&file, path)?;
        sync_directory(path)
    }
}

/// Syncs no directory when the path names none.
///
/// breaks: "The directory is on the disk (fsync(2), not fdatasync(2)) before `publish` returns."
/// fails: publish::the_bytes_and_then_the_name_are_on_the_disk failed
mod bare_names_need_no_sync {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let file = o_tmpfile(directory_of(path))?;
        fill(&file)?;
        set_mode(&file, mode)?;
        file.sync_all()?;
        name_it(&file, path)?;
        match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
            _ => Ok(()),
        }
    }
}

/// Syncs again when the first fsync(2) of the file fails, and believes the second one.
///
/// breaks: "The error of the fsync(2) of the file: nothing gets a name then."
/// fails: publish::the_bytes_and_then_the_name_are_on_the_disk failed
mod syncs_again_after_an_error {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let file = o_tmpfile(directory_of(path))?;
        fill(&file)?;
        set_mode(&file, mode)?;
        file.sync_all().or_else(|_| file.sync_all())?;
        link_and_sync(&file, path)
    }
}

/// Sets no permissions when they are those of o_tmpfile, though `fill` may have set others.
///
/// breaks: "The permissions are exactly the 12 bits of `mode` (at most 0o7777), whatever the umask is and `fill` sets."
/// fails: publish::the_file_has_these_bytes_and_permissions failed
mod already_0600 {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let file = o_tmpfile(directory_of(path))?;
        fill(&file)?;
        if mode != 0o600 {
            set_mode(&file, mode)?;
        }
        file.sync_all()?;
        link_and_sync(&file, path)
    }
}

/// Remembers the name of this process in /proc, which is another one after fork(2).
///
/// breaks: "A process may call each of them many times, with other files."
/// fails: publish::it_has_no_name_while_it_is_filled failed
mod remembers_the_process {
    use super::*;

    static FDS: OnceLock<String> = OnceLock::new();

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let file = o_tmpfile(directory_of(path))?;
        fill(&file)?;
        set_mode(&file, mode)?;
        file.sync_all()?;
        let directory = File::open(directory_of(path))?;
        let fds = FDS.get_or_init(|| format!("/proc/{}/fd", std::process::id()));
        let from = format!("{fds}/{}", file.as_raw_fd());
        linkat(AT_FDCWD, from.as_str(), AT_FDCWD, path, AtFlags::AT_SYMLINK_FOLLOW)?;
        directory.sync_all()
    }
}

/// Finds another name when the file exists.
///
/// breaks: "`AlreadyExists`, before `fill` or after it, when `path` exists, even as a dangling symbolic link."
/// fails: publish::a_name_that_is_taken_stays_as_it_is failed
/// fails: publish::it_has_no_name_while_it_is_filled failed
mod numbers_the_names {
    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let file = o_tmpfile(directory_of(path))?;
        fill(&file)?;
        set_mode(&file, mode)?;
        file.sync_all()?;
        match link_and_sync(&file, path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let mut other = path.as_os_str().to_owned();
                other.push(".1");
                link_and_sync(&file, Path::new(&other))
            }
            linked => linked,
        }
    }
}

/// Follows the last hint, line by line.
///
/// passes
mod publish_as_the_hint_says {
    use nix::fcntl::AtFlags;

    use super::*;

    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let parent = path.parent().unwrap_or(Path::new(""));
        let directory = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        let file = o_tmpfile(directory)?;
        fill(&file)?;
        file.set_permissions(Permissions::from_mode(mode))?;
        file.sync_all()?;
        let from = format!("/proc/self/fd/{}", file.as_raw_fd());
        linkat(AT_FDCWD, from.as_str(), AT_FDCWD, path, AtFlags::AT_SYMLINK_FOLLOW)?;
        File::open(directory)?.sync_all()
    }
}

one_of! {
    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()>;
    asks_for_o_excl does_not_sync_the_directory fills_it_under_its_name gives_an_unlinked_file_its_name_back
    leaves_the_mode_to_open links_the_proc_entry renames_a_hidden_file replaces_what_is_there returns_ok
    sets_the_mode_last syncs_when_it_has_its_name takes_a_bare_name_for_one_without_a_directory tmpfile_and_link
    relative_to_the_directory empty_path_first hard_link_of_std looks_before_it_fills creates_it_in_place renames_over
    temporary_name_in_between links_a_named_file flushes_a_file forgets_the_directory syncs_the_directory_too_early
    syncs_after_naming syncs_the_empty_file syncs_the_file_twice mode_after_the_name mode_of_open honours_the_umask
    fills_memory parent_is_a_directory relative_to_pwd a_dangling_link_does_not_exist follows_a_dangling_link
    newest_wins published_already cleans_up_too_much exclusive write_only wraps_the_error publishes_the_half
    adds_the_right_to_read syncs_the_data_of_the_directory mode_after_the_sync ignores_a_failed_sync
    mode_before_the_bytes nine_bits no_umask_meanwhile in_the_temporary_directory changes_into_the_directory
    makes_the_directories path_as_text keeps_the_file_open tmpfile_and_linkat all_from_a_directory_descriptor
    looks_before_it_fills_2 chmod_before_fill mode_for_open umask_for_a_moment permissions_less_the_umask nine_bits_2
    chmod_of_the_name name_before_fsync chmod_after_fsync fdatasync_of_the_file fdatasync_of_the_directory
    directory_before_the_name ignores_the_directorys_fsync names_after_a_failed_fsync sync_for_everything
    parent_of_a_bare_name lossy_path makes_the_directory exists_then_rename removes_a_dangling_link named_temporary_file
    filled_in_the_temporary_directory write_only_2 wraps_the_error_of_fill swallows_interrupted
    leaks_the_directory_on_errors changes_directory path_descriptor_of_the_directory relative_to_a_descriptor
    refuses_early opens_with_the_mode clears_the_umask permits_before_fill permits_after_the_name permits_after_the_sync
    ignores_the_sync data_of_the_directory syncs_both_before lossy_name replaces_dangling_links explains_the_error
    creates_directories named_temporary ignores_the_permissions_error copies_what_can_not_be_linked appends
    follows_no_link the_directory_of_the_first resolves_dots_by_itself trims_the_name short_paths_only
    bare_names_need_no_sync syncs_again_after_an_error already_0600 remembers_the_process numbers_the_names
    publish_as_the_hint_says
}
