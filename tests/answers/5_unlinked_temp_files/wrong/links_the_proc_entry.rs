//! Links /proc/self/fd/N itself: link(2) does not follow the symbolic link.
//!
//! fails: publish::killed_at_any_moment_it_leaves_nothing_half_done failed a-proc-link-is-the-file
//! fails: publish::it_has_no_name_while_it_is_filled failed a-proc-link-is-the-file
//! fails: publish::the_bytes_and_then_the_name_are_on_the_disk failed a-proc-link-is-the-file
//! fails: publish::the_file_has_these_bytes_and_permissions failed a-proc-link-is-the-file

use std::fs::{self, File, Permissions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use mmap_workbook::lesson_5::o_tmpfile;

pub use crate::solution::{give_back, grow, hand_down, receive_sealed};

pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
    let directory = path.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."));
    let file = o_tmpfile(directory)?;
    fill(&file)?;
    file.set_permissions(Permissions::from_mode(mode))?;
    file.sync_all()?;
    fs::hard_link(format!("/proc/self/fd/{}", file.as_raw_fd()), path)?;
    File::open(directory)?.sync_all()
}

#[cfg(test)]
#[path = "../../../../lessons/5_unlinked_temp_files/checks/mod.rs"]
mod checks;
