//! Always increments the counter, and decrements it again when that was too much.
//!
//! fails: next_ticket::gives_each_number_out_once failed overshoot-is-repaired

use std::sync::atomic::Ordering;

use mmap_workbook::lesson_2::Mapping;

pub use crate::solution::{claim, latest, open_once, publish};

pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
    let counter = page.long_word(at);
    let taken = counter.fetch_add(1, Ordering::Relaxed);
    if taken < limit {
        return Some(taken);
    }
    counter.fetch_sub(1, Ordering::Relaxed);
    None
}

#[cfg(test)]
#[path = "../../../../lessons/4_cross_process_ipc/checks/mod.rs"]
mod checks;
