//! Moves to a longer copy in memory: the other processes keep the old file.
//!
//! fails: grow::processes_that_mapped_it_before_still_share_it failed a-copy-is-still-shared
//! fails: grow::the_old_mapping_is_unmapped failed

use std::fs::File;
use std::io;

use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};

pub use crate::solution::{give_back, hand_down, publish, receive_sealed};

pub fn grow(file: &File, mapping: &mut Mapping, length: usize) -> io::Result<()> {
    crate::solution::grow(file, mapping, length)?;
    let copy = Mapping::anonymous(length, READ_WRITE, Sharing::Shared)?;
    let mut bytes = vec![0; length];
    mapping.read(0, &mut bytes);
    copy.write(0, &bytes);
    *mapping = copy;
    Ok(())
}

#[cfg(test)]
#[path = "../../../../lessons/5_unlinked_temp_files/checks/mod.rs"]
mod checks;
