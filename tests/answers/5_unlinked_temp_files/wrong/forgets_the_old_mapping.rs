//! Forgets the old mapping without unmapping it.
//!
//! fails: grow::the_old_mapping_is_unmapped failed

use std::fs::File;
use std::io;

use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use nix::errno::Errno;
use nix::fcntl::posix_fallocate;

pub use crate::solution::{give_back, hand_down, publish, receive_sealed};

pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
    if u64::try_from(length).map_err(io::Error::other)? < file.metadata()?.len() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let longer = Mapping::of_file(file, 0, length, READ_WRITE, Sharing::Shared)?;
    posix_fallocate(file, 0, length.try_into().map_err(|_| Errno::EOVERFLOW)?)?;
    std::mem::forget(std::mem::replace(mapping, longer));
    Ok(())
}

#[cfg(test)]
#[path = "../../../../lessons/5_unlinked_temp_files/checks/mod.rs"]
mod checks;
