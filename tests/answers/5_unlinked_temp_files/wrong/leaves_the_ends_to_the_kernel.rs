//! Passes any range to fallocate(2), which refuses an empty one but not one past the end of the file.
//!
//! fails: give_back::a_range_outside_the_file_is_refused failed

use std::fs::File;
use std::io;
use std::ops::Range;

use nix::fcntl::{FallocateFlags, fallocate};

pub use crate::solution::{grow, hand_down, publish, receive_sealed};

pub fn give_back(file: &File, range: Range<u64>) -> io::Result<()> {
    let hole = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
    let (start, end) = (range.start.cast_signed(), range.end.cast_signed());
    Ok(fallocate(file, hole, start, end.wrapping_sub(start))?)
}

#[cfg(test)]
#[path = "../../../../lessons/5_unlinked_temp_files/checks/mod.rs"]
mod checks;
