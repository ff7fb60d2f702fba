//! Makes the file longer and expects the mapping to follow.
//!
//! fails: grow::an_error_leaves_everything_as_it_was failed
//! fails: grow::the_mapping_shows_the_longer_file failed a-mapping-grows-with-its-file
//! fails: grow::the_old_mapping_is_unmapped failed

use std::fs::File;
use std::io;

use mmap_workbook::lesson_2::Mapping;
use nix::errno::Errno;
use nix::fcntl::posix_fallocate;

pub use crate::solution::{give_back, hand_down, publish, receive_sealed};

pub fn grow(file: &File, _mapping: &mut Mapping, length: usize) -> io::Result<()> {
    if u64::try_from(length).map_err(io::Error::other)? < file.metadata()?.len() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    Ok(posix_fallocate(file, 0, length.try_into().map_err(|_| Errno::EOVERFLOW)?)?)
}

#[cfg(test)]
#[path = "../../../../lessons/5_unlinked_temp_files/checks/mod.rs"]
mod checks;
