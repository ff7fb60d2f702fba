//! Passes the permissions to open(2), from which the umask removes some.
//!
//! fails: publish::the_file_has_these_bytes_and_permissions failed open-sets-the-mode

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::fcntl::{AT_FDCWD, AtFlags};
use nix::libc;
use nix::unistd::linkat;

pub use crate::solution::{give_back, grow, hand_down, receive_sealed};

pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
    let directory = path.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."));
    let file = OpenOptions::new().read(true).write(true).custom_flags(libc::O_TMPFILE).mode(mode).open(directory)?;
    fill(&file)?;
    file.sync_all()?;
    let from: PathBuf = format!("/proc/self/fd/{}", file.as_raw_fd()).into();
    linkat(AT_FDCWD, &from, AT_FDCWD, path, AtFlags::AT_SYMLINK_FOLLOW)?;
    File::open(directory)?.sync_all()
}

#[cfg(test)]
#[path = "../../../../lessons/5_unlinked_temp_files/checks/mod.rs"]
mod checks;
