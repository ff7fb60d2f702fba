//! Answers to `publish` and `latest`, right and wrong.

use std::sync::atomic::Ordering;

use mmap_workbook::lesson_2::Mapping;
use mmap_workbook::words::fence;

/// Stores the words where the readers load them.
///
/// fails: latest::is_whole_under_rusts_memory_model failed copies-are-atomic
/// fails: latest::is_whole_whatever_is_published_meanwhile failed copies-are-atomic
/// fails: publish::goes_on_after_a_writer_that_was_killed failed copies-are-atomic
/// fails: publish::is_whole_to_readers_at_every_instruction failed copies-are-atomic
mod one_slot {
    use super::*;

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
}

/// Uses one slot with a sequence lock: while the writer writes, the readers wait.
///
/// fails: publish::is_whole_to_readers_at_every_instruction timed_out others-go-on
/// fails: publish::goes_on_after_a_writer_that_was_killed timed_out others-go-on
mod reader_waits_for_the_writer {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let sequence = cell.long_word(0);
        let begun = sequence.load(Ordering::Relaxed) | 1;
        sequence.store(begun, Ordering::Relaxed);
        fence(Ordering::Release);
        for (n, word) in value.into_iter().enumerate() {
            cell.long_word(8 + 8 * n).store(word, Ordering::Relaxed);
        }
        sequence.store(begun + 1, Ordering::Release);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        let sequence = cell.long_word(0);
        loop {
            let before = sequence.load(Ordering::Acquire);
            if before == 0 {
                return None;
            }
            let value = [0, 1, 2, 3].map(|n| cell.long_word(8 + 8 * n).load(Ordering::Relaxed));
            fence(Ordering::Acquire);
            if before.is_multiple_of(2) && sequence.load(Ordering::Relaxed) == before {
                return Some(value);
            }
        }
    }
}

/// Announces the value before it is there.
///
/// fails: latest::is_whole_under_rusts_memory_model failed copies-are-atomic
/// fails: latest::is_whole_whatever_is_published_meanwhile failed copies-are-atomic
/// fails: publish::goes_on_after_a_writer_that_was_killed failed
/// fails: publish::is_whole_to_readers_at_every_instruction failed
mod says_it_first {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let next = cell.long_word(0).load(Ordering::SeqCst) + 1;
        cell.long_word(0).store(next, Ordering::SeqCst);
        for (n, word) in value.into_iter().enumerate() {
            cell.long_word(slot(next) + 8 * n).store(word, Ordering::SeqCst);
        }
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        let current = cell.long_word(0).load(Ordering::SeqCst);
        (current > 0).then(|| [0, 1, 2, 3].map(|n| cell.long_word(slot(current) + 8 * n).load(Ordering::SeqCst)))
    }

    fn slot(n: u64) -> usize {
        if n.is_multiple_of(2) { 64 } else { 128 }
    }
}

/// Announces a value with Relaxed stores, which may take effect before those of the value.
///
/// fails: latest::is_whole_under_rusts_memory_model failed order-is-kept
mod relaxed_announcement {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let next = cell.long_word(0).load(Ordering::Relaxed) + 1;
        let slot = if next % 2 == 1 { 256 } else { 128 };
        cell.long_word(slot).store(0, Ordering::Relaxed);
        fence(Ordering::Release);
        for (n, word) in value.into_iter().enumerate() {
            cell.long_word(slot + 8 + 8 * n).store(word, Ordering::Relaxed);
        }
        cell.long_word(slot).store(next, Ordering::Relaxed);
        cell.long_word(0).store(next, Ordering::Relaxed);
    }
}

/// Counts the readers in the page while they read.
///
/// fails: latest::needs_no_more_than_to_read killed readers-may-write
mod readers_count_themselves {
    use super::*;

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        cell.long_word(512).fetch_add(1, Ordering::Acquire);
        let value = crate::solution::latest(cell);
        cell.long_word(512).fetch_sub(1, Ordering::Release);
        value
    }
}

/// Loads from the current slot, and does not check afterwards that it still is the current one.
///
/// fails: latest::is_whole_under_rusts_memory_model failed copies-are-atomic
/// fails: latest::is_whole_whatever_is_published_meanwhile failed copies-are-atomic
mod two_slots_and_one_look {
    use super::*;

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        let current = cell.long_word(0).load(Ordering::Acquire);
        let slot = if current % 2 == 1 { 256 } else { 128 };
        (current > 0).then(|| [1, 2, 3, 4].map(|n| cell.long_word(slot + 8 * n).load(Ordering::Relaxed)))
    }
}

/// Takes four zeros for a cell in which nothing was published.
///
/// fails: latest::is_nothing_until_something_is_published failed
/// fails: publish::is_found_by_every_reader failed
mod zeros_are_nothing {
    use super::*;

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        crate::solution::latest(cell).filter(|value| *value != [0; 4])
    }
}

one_of! {
    pub fn publish(cell: &Mapping, value: [u64; 4]);
    relaxed_announcement one_slot reader_waits_for_the_writer says_it_first
}

one_of! {
    pub fn latest(cell: &Mapping) -> Option<[u64; 4]>;
    one_slot reader_waits_for_the_writer says_it_first readers_count_themselves two_slots_and_one_look zeros_are_nothing
}
