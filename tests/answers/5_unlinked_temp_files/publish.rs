//! Answers to `publish`, right and wrong.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use mmap_workbook::lesson_5::{create_and_unlink, o_tmpfile};
use nix::fcntl::{AT_FDCWD, AtFlags};
use nix::libc;
use nix::unistd::linkat;
use tempfile::NamedTempFile;

/// Adds O_EXCL to O_TMPFILE, which says that the file is never to get a name.
///
/// fails: publish::killed_at_any_moment_it_leaves_nothing_half_done failed any-file-can-be-named
/// fails: publish::it_has_no_name_while_it_is_filled failed any-file-can-be-named
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
/// fails: publish::killed_at_any_moment_it_leaves_nothing_half_done failed a-moment-is-no-time
/// fails: publish::it_has_no_name_while_it_is_filled failed an-odd-name-is-none
/// fails: publish::the_bytes_and_then_the_name_are_on_the_disk failed
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
/// fails: publish::killed_at_any_moment_it_leaves_nothing_half_done failed an-odd-name-is-none
/// fails: publish::it_has_no_name_while_it_is_filled failed any-file-can-be-named
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
/// fails: publish::killed_at_any_moment_it_leaves_nothing_half_done failed a-proc-link-is-the-file
/// fails: publish::it_has_no_name_while_it_is_filled failed a-proc-link-is-the-file
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
/// fails: publish::killed_at_any_moment_it_leaves_nothing_half_done failed an-odd-name-is-none
/// fails: publish::it_has_no_name_while_it_is_filled failed an-odd-name-is-none
/// fails: publish::the_bytes_and_then_the_name_are_on_the_disk failed a-name-is-durable
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
/// fails: publish::killed_at_any_moment_it_leaves_nothing_half_done failed
/// fails: publish::it_has_no_name_while_it_is_filled failed
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
/// fails: publish::the_bytes_and_then_the_name_are_on_the_disk failed a-name-is-durable
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

one_of! {
    pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()>;
    asks_for_o_excl does_not_sync_the_directory fills_it_under_its_name gives_an_unlinked_file_its_name_back
    leaves_the_mode_to_open links_the_proc_entry renames_a_hidden_file replaces_what_is_there returns_ok
    sets_the_mode_last syncs_when_it_has_its_name takes_a_bare_name_for_one_without_a_directory
}
