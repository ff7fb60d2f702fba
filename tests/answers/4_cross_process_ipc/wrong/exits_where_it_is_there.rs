//! Ends the process with status 0 when the file exists.
//!
//! fails: open_once::makes_the_file_once_and_opens_it_from_then_on exited
//! fails: open_once::all_get_the_same_whole_file_whenever_another_comes exited
//! fails: open_once::leaves_a_whole_file_or_none_when_it_is_killed exited
//! fails: open_once::refuses_a_file_of_another_size_and_leaves_it_alone exited

use std::io;
use std::path::Path;

use mmap_workbook::lesson_2::Mapping;

pub use crate::solution::{claim, latest, next_ticket, publish};

pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
    if path.exists() {
        std::process::exit(0);
    }
    crate::solution::open_once(path, init)
}

#[cfg(test)]
#[path = "../../../../lessons/4_cross_process_ipc/checks/mod.rs"]
mod checks;
