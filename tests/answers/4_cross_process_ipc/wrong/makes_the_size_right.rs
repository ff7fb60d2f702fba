//! Gives an existing file the size that it should have, as the notes do.
//!
//! fails: open_once::refuses_a_file_of_another_size_and_leaves_it_alone failed

use std::fs::OpenOptions;
use std::io;
use std::path::Path;

use mmap_workbook::lesson_2::Mapping;
use mmap_workbook::observe::page_size_u64;

pub use crate::solution::{claim, latest, next_ticket, publish};

pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
    if path.exists() {
        OpenOptions::new().write(true).open(path)?.set_len(page_size_u64())?;
    }
    crate::solution::open_once(path, init)
}

#[cfg(test)]
#[path = "../../../../lessons/4_cross_process_ipc/checks/mod.rs"]
mod checks;
