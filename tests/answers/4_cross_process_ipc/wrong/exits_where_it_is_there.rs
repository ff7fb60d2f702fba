//! Ends the process with status 0 when somebody else has made the file.
//!
//! fails: open_once::makes_the_file_once_and_opens_it_from_then_on exited
//! fails: open_once::all_get_the_same_whole_file_whoever_comes_in_between exited
//! fails: open_once::nobody_waits_for_one_that_was_killed exited
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
