//! Does nothing, and returns Ok.
//!
//! fails: publish::a_name_that_is_taken_stays_as_it_is failed
//! fails: publish::killed_at_any_moment_it_leaves_nothing_half_done failed
//! fails: publish::it_has_no_name_while_it_is_filled failed
//! fails: publish::the_bytes_and_then_the_name_are_on_the_disk failed
//! fails: publish::the_file_has_these_bytes_and_permissions failed

use std::fs::File;
use std::io;
use std::path::Path;

pub use crate::solution::{give_back, grow, hand_down, receive_sealed};

pub fn publish(_path: &Path, _mode: u32, _fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
#[path = "../../../../lessons/5_unlinked_temp_files/checks/mod.rs"]
mod checks;
