//! Reserves the new part alone, and leaves the holes that the file had.
//!
//! fails: grow::the_space_is_reserved failed size-reserves-room

use std::fs::File;
use std::io;

use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use nix::fcntl::{FallocateFlags, fallocate};

pub use crate::solution::{give_back, hand_down, publish, receive_sealed};

pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
    let before = file.metadata()?.len();
    let more = (length as u64).checked_sub(before).ok_or(io::ErrorKind::InvalidInput)?;
    let longer = Mapping::of_file(file, 0, length, READ_WRITE, Sharing::Shared)?;
    if more > 0 {
        fallocate(file, FallocateFlags::empty(), before.cast_signed(), more.cast_signed())?;
    }
    *mapping = longer;
    Ok(())
}

#[cfg(test)]
#[path = "../../../../lessons/5_unlinked_temp_files/checks/mod.rs"]
mod checks;
