//! Stores the words where the readers load them.
//!
//! fails: publish::is_whole_to_readers_at_every_instruction failed copies-are-atomic
//! fails: publish::goes_on_after_a_writer_that_was_killed failed copies-are-atomic
//! fails: latest::is_whole_whatever_is_published_meanwhile failed copies-are-atomic

use std::sync::atomic::Ordering;

use mmap_workbook::lesson_2::Mapping;

pub use crate::solution::{claim, next_ticket, open_once};

pub fn publish(cell: &Mapping, value: [u64; 4]) {
    for (n, word) in value.into_iter().enumerate() {
        cell.long_word(8 + 8 * n).store(word, Ordering::SeqCst);
    }
    cell.long_word(0).store(1, Ordering::SeqCst);
}

pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
    let published = cell.long_word(0).load(Ordering::SeqCst) == 1;
    published.then(|| [0, 1, 2, 3].map(|n| cell.long_word(8 + 8 * n).load(Ordering::SeqCst)))
}

#[cfg(test)]
#[path = "../../../../lessons/4_cross_process_ipc/checks/mod.rs"]
mod checks;
