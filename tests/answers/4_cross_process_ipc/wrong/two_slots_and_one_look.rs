//! Loads from the current slot, and does not check afterwards that it still is the current one.
//!
//! fails: latest::is_whole_whatever_is_published_meanwhile failed copies-are-atomic

use std::sync::atomic::Ordering;

use mmap_workbook::lesson_2::Mapping;

pub use crate::solution::{claim, next_ticket, open_once, publish};

pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
    let current = cell.long_word(0).load(Ordering::Acquire);
    let slot = if current % 2 == 1 { 256 } else { 128 };
    (current > 0).then(|| [1, 2, 3, 4].map(|n| cell.long_word(slot + 8 * n).load(Ordering::Relaxed)))
}

#[cfg(test)]
#[path = "../../../../lessons/4_cross_process_ipc/checks/mod.rs"]
mod checks;
