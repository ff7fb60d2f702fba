//! Truncates the file and sets the length again: for a moment the pages of other mappings do not exist.
//!
//! fails: give_back::the_file_is_never_shorter failed truncation-only-frees

use std::fs::File;
use std::io;
use std::ops::Range;

pub use crate::solution::{grow, hand_down, publish, receive_sealed};

pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
    let length = file.metadata()?.len();
    if range.end != length || range.start >= range.end {
        return crate::solution::give_back(file, range);
    }
    file.set_len(range.start)?;
    file.set_len(length)
}

#[cfg(test)]
#[path = "../../../../lessons/5_unlinked_temp_files/checks/mod.rs"]
mod checks;
