//! Takes four zeros for a cell in which nothing was published.
//!
//! fails: latest::is_nothing_until_something_is_published failed
//! fails: publish::is_found_by_every_reader failed

use mmap_workbook::lesson_2::Mapping;

pub use crate::solution::{claim, next_ticket, open_once, publish};

pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
    crate::solution::latest(cell).filter(|value| *value != [0; 4])
}

#[cfg(test)]
#[path = "../../../../lessons/4_cross_process_ipc/checks/mod.rs"]
mod checks;
