//! Waits until the range is inside the file, and nothing makes the file longer.
//!
//! fails: give_back::a_range_outside_the_file_is_refused timed_out

use std::fs::File;
use std::io;
use std::ops::Range;

pub use crate::solution::{grow, hand_down, publish, receive_sealed};

pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
    while range.end > file.metadata()?.len() {}
    crate::solution::give_back(file, range)
}

#[cfg(test)]
#[path = "../../../../lessons/5_unlinked_temp_files/checks/mod.rs"]
mod checks;
