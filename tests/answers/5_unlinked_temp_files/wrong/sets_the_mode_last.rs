//! Sets the permissions only after the file has its name.
//!
//! fails: publish::killed_at_any_moment_it_leaves_nothing_half_done failed a-moment-is-no-time

use std::fs::{File, Permissions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use mmap_workbook::lesson_5::o_tmpfile;
use nix::fcntl::{AT_FDCWD, AtFlags};
use nix::unistd::linkat;

pub use crate::solution::{give_back, grow, hand_down, receive_sealed};

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

#[cfg(test)]
#[path = "../../../../lessons/5_unlinked_temp_files/checks/mod.rs"]
mod checks;
