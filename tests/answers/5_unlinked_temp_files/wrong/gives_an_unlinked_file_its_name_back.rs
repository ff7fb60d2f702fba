//! Unlinks the file first, and tries to link it again when it is complete.
//!
//! fails: publish::killed_at_any_moment_it_leaves_nothing_half_done failed an-odd-name-is-none
//! fails: publish::it_has_no_name_while_it_is_filled failed any-file-can-be-named
//! fails: publish::the_bytes_and_then_the_name_are_on_the_disk failed any-file-can-be-named
//! fails: publish::the_file_has_these_bytes_and_permissions failed any-file-can-be-named

use std::fs::{File, Permissions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use mmap_workbook::lesson_5::create_and_unlink;
use nix::fcntl::{AT_FDCWD, AtFlags};
use nix::unistd::linkat;

pub use crate::solution::{give_back, grow, hand_down, receive_sealed};

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

#[cfg(test)]
#[path = "../../../../lessons/5_unlinked_temp_files/checks/mod.rs"]
mod checks;
