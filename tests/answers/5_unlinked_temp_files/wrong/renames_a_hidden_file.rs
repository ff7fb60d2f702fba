//! Fills a file with a name that no other process knows, and renames it: a killed process leaves it behind.
//!
//! fails: publish::killed_at_any_moment_it_leaves_nothing_half_done failed an-odd-name-is-none
//! fails: publish::it_has_no_name_while_it_is_filled failed an-odd-name-is-none
//! fails: publish::the_bytes_and_then_the_name_are_on_the_disk failed a-name-is-durable

use std::fs::{File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::NamedTempFile;

pub use crate::solution::{give_back, grow, hand_down, receive_sealed};

pub fn publish(path: &Path, mode: u32, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
    let directory = path.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."));
    let hidden = NamedTempFile::new_in(directory)?;
    fill(hidden.as_file())?;
    hidden.as_file().set_permissions(Permissions::from_mode(mode))?;
    hidden.as_file().sync_all()?;
    hidden.persist_noclobber(path)?;
    File::open(directory)?.sync_all()
}

#[cfg(test)]
#[path = "../../../../lessons/5_unlinked_temp_files/checks/mod.rs"]
mod checks;
