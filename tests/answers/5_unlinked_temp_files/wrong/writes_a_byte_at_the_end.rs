//! Gives the file its length as the study notes do, with a zero at the end.
//!
//! fails: grow::the_mapping_shows_the_longer_file failed
//! fails: grow::the_space_is_reserved failed size-reserves-room

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};

pub use crate::solution::{give_back, hand_down, publish, receive_sealed};

pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
    if u64::try_from(length).map_err(io::Error::other)? < file.metadata()?.len() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let longer = Mapping::of_file(file, 0, length, READ_WRITE, Sharing::Shared)?;
    file.write_all_at(b"\0", length as u64 - 1)?;
    *mapping = longer;
    Ok(())
}

#[cfg(test)]
#[path = "../../../../lessons/5_unlinked_temp_files/checks/mod.rs"]
mod checks;
