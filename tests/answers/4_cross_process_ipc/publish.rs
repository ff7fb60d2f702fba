use std::sync::atomic::Ordering::{self, AcqRel, Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicU64 as StdU64, compiler_fence};
use std::sync::{Mutex, PoisonError};

use mmap_workbook::lesson_2::Mapping;
use mmap_workbook::words::{AtomicU64, fence};
use nix::libc;

/// The number of values published so far is at byte 0. The value with number n, counted from 1, is in slot n % 2.
const COUNT: usize = 0;

fn slot_of(number: u64) -> usize {
    if number.is_multiple_of(2) { 64 } else { 128 }
}

fn load_words(cell: &Mapping, slot: usize) -> [u64; 4] {
    std::array::from_fn(|n| cell.long_word(slot + 8 * n).load(Relaxed))
}

/// A load that synchronizes, in two steps because `cell` may be mapped for reading only.
fn acquire(word: &AtomicU64) -> u64 {
    let value = word.load(Relaxed);
    fence(Acquire);
    value
}

/// The right writer for two slots and a count.
fn publish_to_two_slots(cell: &Mapping, value: [u64; 4]) {
    let count = cell.long_word(COUNT);
    let number = count.load(Relaxed) + 1;
    fence(Release);
    store_words(cell, slot_of(number), value);
    count.store(number, Release);
}

/// The right reader for them.
fn latest_of_two_slots(cell: &Mapping) -> Option<[u64; 4]> {
    let count = cell.long_word(COUNT);
    loop {
        let number = acquire(count);
        if number == 0 {
            return None;
        }
        let value = load_words(cell, slot_of(number));
        fence(Acquire);
        if count.load(Relaxed) == number {
            return Some(value);
        }
    }
}

fn store_words(cell: &Mapping, slot: usize, value: [u64; 4]) {
    for (n, word) in value.into_iter().enumerate() {
        cell.long_word(slot + 8 * n).store(word, Relaxed);
    }
}

/// Slots with a sequence number in front, as in the lesson, at 64 and 128. Even: whole; odd: being written.
fn sequence_of(cell: &Mapping, number: u64) -> &AtomicU64 {
    cell.long_word(slot_of(number) + 40)
}

fn latest_with_sequences(cell: &Mapping) -> Option<[u64; 4]> {
    loop {
        let number = acquire(cell.long_word(COUNT));
        if number == 0 {
            return None;
        }
        let sequence = sequence_of(cell, number);
        let before = acquire(sequence);
        let value = load_words(cell, slot_of(number));
        let stored = cell.long_word(slot_of(number) + 32).load(Relaxed);
        fence(Acquire);
        if before == sequence.load(Relaxed) && before.is_multiple_of(2) && stored == number {
            return Some(value);
        }
    }
}

/// The number of values so far: value `n`, counted from 1, is in slot `n % 2`.
fn count(cell: &Mapping) -> &AtomicU64 {
    cell.long_word(0)
}

/// Word `i` of value `n`, with two slots.
fn word(cell: &Mapping, n: u64, i: usize) -> &AtomicU64 {
    word_of(cell, n, i, 2)
}

/// Word `i` of value `n`, with any number of slots.
fn word_of(cell: &Mapping, n: u64, i: usize, slots: u64) -> &AtomicU64 {
    let slot = usize::try_from(n % slots).expect("a small number");
    cell.long_word(64 + 32 * slot + 8 * i)
}

/// The sequence number of value `n`'s slot, for the answers that have one.
fn sequence(cell: &Mapping, n: u64) -> &AtomicU64 {
    cell.long_word(16 + 8 * usize::from(n % 2 == 1))
}

/// A right `publish` for two slots without sequence numbers.
fn publish_two_slots(cell: &Mapping, value: [u64; 4]) {
    let n = count(cell).load(Acquire) + 1;
    // A reader that sees a word from after this sees the count from before it.
    fence(Release);
    for (i, part) in value.into_iter().enumerate() {
        word(cell, n, i).store(part, Relaxed);
    }
    count(cell).store(n, Release);
}

/// A right `latest` for two slots without sequence numbers.
fn latest_two_slots(cell: &Mapping) -> Option<[u64; 4]> {
    loop {
        let n = count(cell).load(Acquire);
        if n == 0 {
            return None;
        }
        let value = std::array::from_fn(|i| word(cell, n, i).load(Relaxed));
        fence(Acquire);
        if count(cell).load(Relaxed) == n {
            return Some(value);
        }
    }
}

/// The slot of value `number`.
fn slot(number: u64) -> usize {
    if number.is_multiple_of(2) { 8 } else { 48 }
}

fn number_of_slot(cell: &Mapping, number: u64) -> &AtomicU64 {
    cell.long_word(slot(number))
}

fn store(cell: &Mapping, at: usize, value: [u64; 4], ordering: Ordering) {
    for (n, word) in value.into_iter().enumerate() {
        cell.long_word(at + 8 * n).store(word, ordering);
    }
}

fn load(cell: &Mapping, at: usize, ordering: Ordering) -> [u64; 4] {
    [0, 8, 16, 24].map(|offset| cell.long_word(at + offset).load(ordering))
}

/// A right `publish`: the sequence number of value N is 2N+1 while it is stored, then 2N+2.
fn publish_whole(cell: &Mapping, value: [u64; 4]) {
    let number = count(cell).load(Relaxed);
    number_of_slot(cell, number).store(2 * number + 1, Relaxed);
    fence(Release);
    store(cell, slot(number) + 8, value, Relaxed);
    number_of_slot(cell, number).store(2 * number + 2, Release);
    count(cell).store(number + 1, Release);
}

/// A right `latest` for that.
fn latest_whole(cell: &Mapping) -> Option<[u64; 4]> {
    loop {
        let number = count(cell).load(Acquire).checked_sub(1)?;
        let before = number_of_slot(cell, number).load(Acquire);
        let value = load(cell, slot(number) + 8, Relaxed);
        fence(Acquire);
        let after = number_of_slot(cell, number).load(Relaxed);
        if before == 2 * number + 2 && after == before {
            return Some(value);
        }
    }
}

// The answers for `latest` are in publish.rs: each has a layout of its own, so a module defines both functions.

/// Stores the words where the readers load them.
///
/// fails: latest::is_whole_however_many_are_published_meanwhile failed
/// fails: latest::is_whole_under_rusts_memory_model failed copies-are-atomic
/// fails: latest::is_whole_whatever_is_published_meanwhile failed
/// fails: latest::starts_over_as_often_as_it_is_overtaken failed
/// fails: publish::goes_on_after_a_writer_that_was_killed failed copies-are-atomic
/// fails: publish::is_whole_to_readers_at_every_access failed copies-are-atomic
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
/// fails: latest::is_whole_whatever_is_published_meanwhile timed_out others-go-on
/// fails: publish::goes_on_after_a_writer_that_was_killed timed_out others-go-on
/// fails: publish::is_whole_to_readers_at_every_access timed_out others-go-on
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
/// fails: latest::is_whole_however_many_are_published_meanwhile failed
/// fails: latest::is_whole_under_rusts_memory_model failed copies-are-atomic
/// fails: latest::is_whole_whatever_is_published_meanwhile failed
/// fails: latest::starts_over_as_often_as_it_is_overtaken failed
/// fails: publish::goes_on_after_a_writer_that_was_killed failed
/// fails: publish::is_whole_to_readers_at_every_access failed
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
/// fails: publish::keeps_its_stores_in_order_under_rusts_memory_model failed order-is-kept
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
/// fails: latest::is_whole_however_many_are_published_meanwhile killed
/// fails: latest::is_whole_whatever_is_published_meanwhile killed readers-may-write
/// fails: latest::makes_no_system_call killed readers-may-write
/// fails: latest::needs_no_more_than_to_read killed readers-may-write
/// fails: latest::starts_over_as_often_as_it_is_overtaken killed readers-may-write
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
/// fails: latest::is_whole_however_many_are_published_meanwhile failed
/// fails: latest::is_whole_under_rusts_memory_model failed
/// fails: latest::is_whole_whatever_is_published_meanwhile failed
/// fails: latest::starts_over_as_often_as_it_is_overtaken failed
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

/// Loads the count before and after the words, and needs them equal.
///
/// passes
mod counts_again {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        publish_to_two_slots(cell, value);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        latest_of_two_slots(cell)
    }
}

/// Has an acquire fence after each word instead of one after all of them.
///
/// passes
mod fence_after_every_word {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        publish_to_two_slots(cell, value);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        let count = cell.long_word(COUNT);
        loop {
            let number = acquire(count);
            if number == 0 {
                return None;
            }
            let value = std::array::from_fn(|n| acquire(cell.long_word(slot_of(number) + 8 * n)));
            if count.load(Relaxed) == number {
                return Some(value);
            }
        }
    }
}

/// Has sequentially consistent fences, and takes the second count for the first one of the next attempt.
///
/// passes
mod fences_for_everything {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        publish_to_two_slots(cell, value);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        let count = cell.long_word(COUNT);
        let mut number = count.load(Relaxed);
        while number > 0 {
            fence(SeqCst);
            let value = load_words(cell, slot_of(number));
            fence(SeqCst);
            let now = count.load(Relaxed);
            if now == number {
                return Some(value);
            }
            number = now;
        }
        None
    }
}

/// Loads the count with Acquire, in one step.
///
/// passes
mod acquire_loads {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        publish_to_two_slots(cell, value);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        let count = cell.long_word(COUNT);
        loop {
            let number = count.load(Acquire);
            if number == 0 {
                return None;
            }
            let value = load_words(cell, slot_of(number));
            fence(Acquire);
            if count.load(Relaxed) == number {
                return Some(value);
            }
        }
    }
}

/// Does not look whether the writer has come round to the slot meanwhile.
///
/// breaks: "The value is one that was passed to `publish`, whole."
/// fails: latest::is_whole_however_many_are_published_meanwhile failed
/// fails: latest::is_whole_under_rusts_memory_model failed
/// fails: latest::is_whole_whatever_is_published_meanwhile failed
/// fails: latest::starts_over_as_often_as_it_is_overtaken failed
mod no_second_look {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        publish_to_two_slots(cell, value);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        let number = acquire(cell.long_word(COUNT));
        (number > 0).then(|| load_words(cell, slot_of(number)))
    }
}

/// Loads the count for the second time before the last word.
///
/// breaks: "The value is one that was passed to `publish`, whole."
/// fails: latest::is_whole_however_many_are_published_meanwhile failed
/// fails: latest::is_whole_under_rusts_memory_model failed
/// fails: latest::is_whole_whatever_is_published_meanwhile failed
mod looks_again_too_early {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        publish_to_two_slots(cell, value);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        let count = cell.long_word(COUNT);
        loop {
            let number = acquire(count);
            if number == 0 {
                return None;
            }
            let mut value = load_words(cell, slot_of(number));
            fence(Acquire);
            let now = count.load(Relaxed);
            value[3] = cell.long_word(slot_of(number) + 24).load(Relaxed);
            if now == number {
                return Some(value);
            }
        }
    }
}

/// Makes the second load a fetch_add of zero, which writes to the page.
///
/// breaks: "`cell` may be mapped for reading only."
/// fails: latest::is_whole_however_many_are_published_meanwhile killed
/// fails: latest::is_whole_whatever_is_published_meanwhile killed readers-may-write
/// fails: latest::makes_no_system_call killed readers-may-write
/// fails: latest::needs_no_more_than_to_read killed readers-may-write
/// fails: latest::starts_over_as_often_as_it_is_overtaken killed readers-may-write
/// fails: publish::goes_on_after_a_writer_that_was_killed killed readers-may-write
/// fails: publish::is_whole_to_readers_at_every_access killed readers-may-write
mod adds_zero {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        publish_to_two_slots(cell, value);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        let count = cell.long_word(COUNT);
        loop {
            let number = acquire(count);
            if number == 0 {
                return None;
            }
            let value = load_words(cell, slot_of(number));
            if count.fetch_add(0, Release) == number {
                return Some(value);
            }
        }
    }
}

/// Compares only which slot is current, so two more values go unnoticed.
///
/// breaks: "The value is one that was passed to `publish`, whole."
/// fails: latest::is_whole_however_many_are_published_meanwhile failed
/// fails: latest::is_whole_under_rusts_memory_model failed
/// fails: latest::is_whole_whatever_is_published_meanwhile failed
/// fails: latest::starts_over_as_often_as_it_is_overtaken failed
mod compares_the_slots {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        publish_to_two_slots(cell, value);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        let count = cell.long_word(COUNT);
        loop {
            let number = acquire(count);
            if number == 0 {
                return None;
            }
            let value = load_words(cell, slot_of(number));
            fence(Acquire);
            if slot_of(count.load(Relaxed)) == slot_of(number) {
                return Some(value);
            }
        }
    }
}

/// Returns the words when one more value was published, but the writer may be in this slot already.
///
/// breaks: "The value is one that was passed to `publish`, whole."
/// fails: latest::is_whole_under_rusts_memory_model failed
/// fails: latest::is_whole_whatever_is_published_meanwhile failed
mod one_value_later_is_fine {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        publish_to_two_slots(cell, value);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        let count = cell.long_word(COUNT);
        loop {
            let number = acquire(count);
            if number == 0 {
                return None;
            }
            let value = load_words(cell, slot_of(number));
            fence(Acquire);
            if count.load(Relaxed) - number <= 1 {
                return Some(value);
            }
        }
    }
}

/// Returns None when another value was published meanwhile.
///
/// breaks: "Returns the latest value that was published in the cell, or None when none was."
/// fails: latest::is_whole_however_many_are_published_meanwhile failed
/// fails: latest::is_whole_under_rusts_memory_model failed
/// fails: latest::is_whole_whatever_is_published_meanwhile failed
/// fails: latest::starts_over_as_often_as_it_is_overtaken failed
mod none_when_overtaken {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        publish_to_two_slots(cell, value);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        let count = cell.long_word(COUNT);
        let number = acquire(count);
        let value = load_words(cell, slot_of(number));
        fence(Acquire);
        (number > 0 && count.load(Relaxed) == number).then_some(value)
    }
}

/// Tries three times, and then returns what it has.
///
/// breaks: "The value is one that was passed to `publish`, whole."
/// fails: latest::starts_over_as_often_as_it_is_overtaken failed
mod third_time_is_good_enough {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        publish_to_two_slots(cell, value);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        let count = cell.long_word(COUNT);
        let mut value = None;
        for _ in 0..3 {
            let number = acquire(count);
            if number == 0 {
                return None;
            }
            value = Some(load_words(cell, slot_of(number)));
            fence(Acquire);
            if count.load(Relaxed) == number {
                break;
            }
        }
        value
    }
}

/// Remembers the value of the last count it has seen, for whichever cell.
///
/// breaks: "Returns the latest value that was published in the cell"
/// fails: publish::is_found_however_many_came_before failed
mod one_cache_for_all_cells {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        publish_to_two_slots(cell, value);
    }

    static SEEN: Mutex<(u64, Option<[u64; 4]>)> = Mutex::new((0, None));

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        let number = acquire(cell.long_word(COUNT));
        let mut seen = SEEN.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if seen.0 != number {
            *seen = (number, latest_of_two_slots(cell));
        }
        seen.1
    }
}

/// Counts from zero, and takes the first value for none.
///
/// breaks: "Returns the latest value that was published in the cell, or None when none was."
/// fails: latest::delays_no_other_thread failed
/// fails: latest::is_nothing_until_something_is_published failed
/// fails: latest::is_whole_under_rusts_memory_model failed
/// fails: latest::needs_no_more_than_to_read failed
/// fails: publish::goes_on_after_a_writer_that_was_killed failed
/// fails: publish::is_found_by_every_reader failed
/// fails: publish::is_found_however_many_came_before failed
/// fails: publish::is_whole_to_readers_at_every_access failed
mod none_after_the_first {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        publish_to_two_slots(cell, value);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        let count = cell.long_word(COUNT);
        loop {
            let number = acquire(count);
            if number <= 1 {
                return None;
            }
            let value = load_words(cell, slot_of(number));
            fence(Acquire);
            if count.load(Relaxed) == number {
                return Some(value);
            }
        }
    }
}

/// Loads the words twice and returns them when they are equal, which they are while a writer is stopped halfway.
///
/// breaks: "The value is one that was passed to `publish`, whole."
/// fails: latest::is_whole_under_rusts_memory_model failed
/// fails: latest::is_whole_whatever_is_published_meanwhile failed
mod reads_the_words_twice {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        publish_to_two_slots(cell, value);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        let count = cell.long_word(COUNT);
        let number = acquire(count);
        if number == 0 {
            return None;
        }
        loop {
            let value = load_words(cell, slot_of(number));
            fence(Acquire);
            if load_words(cell, slot_of(number)) == value {
                return Some(value);
            }
        }
    }
}

/// Looks into the other slot while there is only one value, and so finds the second before it is announced.
///
/// breaks: "The value is one that was passed to `publish`, whole."
/// fails: latest::is_whole_under_rusts_memory_model failed copies-are-atomic
/// fails: publish::goes_on_after_a_writer_that_was_killed failed copies-are-atomic
/// fails: publish::is_whole_to_readers_at_every_access failed copies-are-atomic
mod looks_ahead {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        publish_to_two_slots(cell, value);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        let value = latest_of_two_slots(cell)?;
        let number = acquire(cell.long_word(COUNT));
        let next = load_words(cell, slot_of(number + 1));
        fence(Acquire);
        if number > 1 || next == [0; 4] {
            return Some(value);
        }
        Some(next)
    }
}

/// When it was overtaken, returns the value before, which lies untouched in the other slot, or so it thinks.
///
/// breaks: "It had not been replaced yet when the call began: no later `publish` had returned."
/// fails: latest::is_whole_however_many_are_published_meanwhile failed
/// fails: latest::is_whole_under_rusts_memory_model failed
/// fails: latest::is_whole_whatever_is_published_meanwhile failed
/// fails: latest::starts_over_as_often_as_it_is_overtaken failed
mod stays_with_the_previous {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        publish_to_two_slots(cell, value);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        let count = cell.long_word(COUNT);
        let number = acquire(count);
        let [previous, value] = [number + 1, number].map(|number| load_words(cell, slot_of(number)));
        fence(Acquire);
        match number {
            0 => None,
            1 => latest_of_two_slots(cell),
            _ if count.load(Relaxed) == number => Some(value),
            _ => Some(previous),
        }
    }
}

/// Lets a moment pass between the words and the second count, and returns only when nothing was published in it.
///
/// breaks: "It makes no system call, so it does not sleep either."
/// fails: latest::makes_no_system_call failed
/// fails: latest::starts_over_as_often_as_it_is_overtaken failed
/// fails: publish::goes_on_after_a_writer_that_was_killed failed
mod waits_for_a_quiet_moment {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        publish_to_two_slots(cell, value);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        let count = cell.long_word(COUNT);
        loop {
            let number = acquire(count);
            if number == 0 {
                return None;
            }
            let value = load_words(cell, slot_of(number));
            fence(Acquire);
            std::thread::yield_now();
            if count.load(Relaxed) == number {
                return Some(value);
            }
        }
    }
}

/// Two slots and a count: the count before is announced to whoever sees a word of the new value.
///
/// passes
mod two_slots_and_a_count {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        publish_to_two_slots(cell, value);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        latest_of_two_slots(cell)
    }
}

/// All stores are relaxed, and two release fences order them.
///
/// passes
mod relaxed_stores_between_two_fences {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let count = cell.long_word(COUNT);
        let number = count.load(Relaxed) + 1;
        fence(Release);
        store_words(cell, slot_of(number), value);
        fence(Release);
        count.store(number, Relaxed);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        latest_of_two_slots(cell)
    }
}

/// Stores each word with Release instead of a fence: a reader that sees one of them sees the count before it.
///
/// passes
mod every_word_released {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let count = cell.long_word(COUNT);
        let number = count.load(Relaxed) + 1;
        for (n, word) in value.into_iter().enumerate() {
            cell.long_word(slot_of(number) + 8 * n).store(word, Release);
        }
        count.store(number, Release);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        latest_of_two_slots(cell)
    }
}

/// Has the strongest fences, and an exchange to announce with, whose load part nobody needs.
///
/// passes
mod strongest_fences {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let count = cell.long_word(COUNT);
        let number = count.fetch_add(0, SeqCst) + 1;
        fence(SeqCst);
        store_words(cell, slot_of(number), value);
        fence(SeqCst);
        count.swap(number, Relaxed);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        let count = cell.long_word(COUNT);
        loop {
            let number = count.load(Relaxed);
            fence(SeqCst);
            let value = load_words(cell, slot_of(number));
            fence(SeqCst);
            if count.load(Relaxed) == number {
                return (number > 0).then_some(value);
            }
        }
    }
}

/// Stores nothing when the value is the latest already.
///
/// passes
mod does_not_repeat_itself {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        if latest_of_two_slots(cell) != Some(value) {
            publish_to_two_slots(cell, value);
        }
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        latest_of_two_slots(cell)
    }
}

/// Stores and loads the words byte by byte, each of which is atomic; the count alone is a word.
///
/// passes
mod byte_by_byte {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let count = cell.long_word(COUNT);
        let number = count.load(Relaxed) + 1;
        fence(Release);
        cell.write(slot_of(number), value.map(u64::to_ne_bytes).as_flattened());
        count.store(number, Release);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        let count = cell.long_word(COUNT);
        loop {
            let number = acquire(count);
            let mut bytes = [[0; 8]; 4];
            cell.read(slot_of(number), bytes.as_flattened_mut());
            fence(Acquire);
            if count.load(Relaxed) == number {
                return (number > 0).then(|| bytes.map(u64::from_ne_bytes));
            }
        }
    }
}

/// The lesson's protocol: a sequence number for each slot, and the value's number in it.
///
/// passes
mod sequence_in_each_slot {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let count = cell.long_word(COUNT);
        let number = count.load(Relaxed) + 1;
        let sequence = sequence_of(cell, number);
        let odd = sequence.load(Relaxed) | 1;
        sequence.store(odd, Relaxed);
        fence(Release);
        store_words(cell, slot_of(number), value);
        cell.long_word(slot_of(number) + 32).store(number, Relaxed);
        sequence.store(odd.wrapping_add(1), Release);
        count.store(number, Release);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        latest_with_sequences(cell)
    }
}

/// Has sixty slots, so that a reader need not start over when only a few values were published meanwhile.
///
/// passes
mod sixty_slots {
    use super::*;

    const SLOTS: u64 = 60;

    fn slot_of(number: u64) -> usize {
        64 + 32 * usize::try_from(number % SLOTS).expect("less than SLOTS")
    }

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let count = cell.long_word(COUNT);
        let number = count.load(Relaxed) + 1;
        fence(Release);
        store_words(cell, slot_of(number), value);
        count.store(number, Release);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        let count = cell.long_word(COUNT);
        loop {
            let number = acquire(count);
            let value = load_words(cell, slot_of(number));
            fence(Acquire);
            // The value that comes into this slot next is published when the count was at number + SLOTS - 1 before.
            if count.load(Relaxed) - number < SLOTS - 1 {
                return (number > 0).then_some(value);
            }
        }
    }
}

/// Has SeqCst on every load and store, and no fence at all.
///
/// passes
mod all_sequentially_consistent {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let count = cell.long_word(COUNT);
        let number = count.load(SeqCst) + 1;
        for (n, word) in value.into_iter().enumerate() {
            cell.long_word(slot_of(number) + 8 * n).store(word, SeqCst);
        }
        count.store(number, SeqCst);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        let count = cell.long_word(COUNT);
        loop {
            let number = count.load(SeqCst);
            let slot = slot_of(number);
            let value = std::array::from_fn(|n| cell.long_word(slot + 8 * n).load(SeqCst));
            if count.load(SeqCst) == number {
                return (number > 0).then_some(value);
            }
        }
    }
}

/// Overwrites the value where readers read it.
///
/// breaks: "A reader then finds the previous value (None before the first) or the new one, whole."
/// fails: latest::is_whole_however_many_are_published_meanwhile failed
/// fails: latest::is_whole_under_rusts_memory_model failed copies-are-atomic
/// fails: latest::is_whole_whatever_is_published_meanwhile failed
/// fails: latest::starts_over_as_often_as_it_is_overtaken failed
/// fails: publish::goes_on_after_a_writer_that_was_killed failed copies-are-atomic
/// fails: publish::is_whole_to_readers_at_every_access failed copies-are-atomic
mod one_slot_2 {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        store_words(cell, 64, value);
        cell.long_word(COUNT).store(1, Release);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        (acquire(cell.long_word(COUNT)) != 0).then(|| load_words(cell, 64))
    }
}

/// Adds 1 to the sequence number for "being written", which makes an odd one that a killed writer left even.
///
/// breaks: "After a writer was killed, another process can publish, as if nothing had happened."
/// fails: publish::goes_on_after_a_writer_that_was_killed timed_out
mod adds_one_to_an_odd_sequence {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let count = cell.long_word(COUNT);
        let number = count.load(Relaxed) + 1;
        let sequence = sequence_of(cell, number);
        let odd = sequence.load(Relaxed) + 1;
        sequence.store(odd, Relaxed);
        fence(Release);
        store_words(cell, slot_of(number), value);
        cell.long_word(slot_of(number) + 32).store(number, Relaxed);
        sequence.store(odd + 1, Release);
        count.store(number, Release);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        latest_with_sequences(cell)
    }
}

/// Announces the value before it is stored.
///
/// breaks: "A reader then finds the previous value (None before the first) or the new one, whole."
/// fails: latest::is_whole_under_rusts_memory_model failed copies-are-atomic
/// fails: latest::is_whole_whatever_is_published_meanwhile failed
/// fails: publish::goes_on_after_a_writer_that_was_killed failed
/// fails: publish::is_whole_to_readers_at_every_access failed
mod announces_first {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let count = cell.long_word(COUNT);
        let number = count.load(Relaxed) + 1;
        count.store(number, Relaxed);
        fence(Release);
        store_words(cell, slot_of(number), value);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        latest_of_two_slots(cell)
    }
}

/// Keeps which slot is current and no count: after two more values it is the same slot again, with other words.
///
/// breaks: "A reader then finds the previous value (None before the first) or the new one, whole."
/// fails: latest::is_whole_however_many_are_published_meanwhile failed
/// fails: latest::is_whole_under_rusts_memory_model failed
/// fails: latest::is_whole_whatever_is_published_meanwhile failed
/// fails: latest::starts_over_as_often_as_it_is_overtaken failed
mod slot_number_without_count {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let current = cell.long_word(COUNT);
        let next = if current.load(Relaxed) == 1 { 2 } else { 1 };
        fence(Release);
        store_words(cell, slot_of(next), value);
        current.store(next, Release);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        latest_of_two_slots(cell)
    }
}

/// Takes four zeros for a cell that was never published to.
///
/// breaks: "Every value is possible, four zeros included."
/// fails: latest::is_nothing_until_something_is_published failed
/// fails: publish::is_found_by_every_reader failed
mod zeros_mean_none {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        publish_to_two_slots(cell, value);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        latest_of_two_slots(cell).filter(|value| *value != [0; 4])
    }
}

/// Counts in a static, which begins with zero again in another process, and is the same for every cell.
///
/// breaks: "After a writer was killed, another process can publish, as if nothing had happened."
/// fails: latest::is_whole_under_rusts_memory_model failed
/// fails: publish::goes_on_after_a_writer_that_was_killed failed
/// fails: publish::is_whole_to_readers_at_every_access failed
mod counts_in_a_static {
    use super::*;

    static NUMBER: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let number = NUMBER.fetch_add(1, Relaxed) + 1;
        fence(Release);
        store_words(cell, slot_of(number), value);
        cell.long_word(COUNT).store(number, Release);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        latest_of_two_slots(cell)
    }
}

/// Takes a spin lock in the cell, to be on the safe side, and a killed writer never releases it.
///
/// breaks: "After a writer was killed, another process can publish, as if nothing had happened."
/// fails: publish::goes_on_after_a_writer_that_was_killed timed_out others-go-on
mod locks_writers_out {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let lock = cell.long_word(8);
        while lock.compare_exchange_weak(0, 1, Acquire, Relaxed).is_err() {
            std::hint::spin_loop();
        }
        publish_to_two_slots(cell, value);
        lock.store(0, Release);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        latest_of_two_slots(cell)
    }
}

/// Marks the cell while it writes, and starts again with an empty cell when it finds the mark of a killed writer.
///
/// breaks: "After a writer was killed, another process can publish, as if nothing had happened."
/// fails: latest::is_whole_under_rusts_memory_model failed
/// fails: publish::goes_on_after_a_writer_that_was_killed failed
mod starts_again_after_a_crash {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let (count, writing) = (cell.long_word(COUNT), cell.long_word(8));
        if writing.swap(1, AcqRel) == 1 {
            count.store(0, Release);
        }
        publish_to_two_slots(cell, value);
        writing.store(0, Release);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        latest_of_two_slots(cell)
    }
}

/// Lets a checksum decide, which half of one value and half of another can have as well: 1, 1, 1, 1 and 2, 2, 2, 2.
///
/// breaks: "A reader then finds the previous value (None before the first) or the new one, whole."
/// fails: latest::is_whole_however_many_are_published_meanwhile failed
/// fails: latest::is_whole_under_rusts_memory_model failed
/// fails: latest::is_whole_whatever_is_published_meanwhile failed
/// fails: latest::starts_over_as_often_as_it_is_overtaken failed
mod checksum_decides {
    use super::*;

    fn sum(words: [u64; 4], number: u64) -> u64 {
        words.into_iter().fold(number | (1 << 63), |sum, word| sum ^ word)
    }

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let count = cell.long_word(COUNT);
        let number = count.load(Relaxed) + 1;
        let slot = slot_of(number);
        fence(Release);
        store_words(cell, slot, value);
        cell.long_word(slot + 32).store(sum(value, number % 2), Release);
        count.store(number, Release);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        loop {
            let number = acquire(cell.long_word(COUNT));
            if number == 0 {
                return None;
            }
            let slot = slot_of(number);
            let expected = acquire(cell.long_word(slot + 32));
            let value = load_words(cell, slot);
            if sum(value, number % 2) == expected {
                return Some(value);
            }
        }
    }
}

/// Marks each word with the parity of its number, for which it takes the highest bit of the value.
///
/// breaks: "Every value is possible, four zeros included."
/// fails: publish::is_found_by_every_reader failed
mod takes_a_bit_of_each_word {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let number = cell.long_word(COUNT).load(Relaxed) + 1;
        publish_to_two_slots(cell, value.map(|word| (word << 1) | (number / 2 % 2)));
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        loop {
            let words = latest_of_two_slots(cell)?;
            if words.iter().all(|word| word % 2 == words[0] % 2) {
                return Some(words.map(|word| word >> 1));
            }
        }
    }
}

/// Counts in one byte: the 256th value makes it zero, and the cell seems empty.
///
/// breaks: "Any number of values are published, one after the other."
/// fails: latest::is_whole_however_many_are_published_meanwhile failed
/// fails: latest::starts_over_as_often_as_it_is_overtaken failed
/// fails: publish::is_found_however_many_came_before failed
mod counts_in_a_byte {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let count = cell.long_word(COUNT);
        let number = (count.load(Relaxed) + 1) % 256;
        fence(Release);
        store_words(cell, slot_of(number), value);
        count.store(number, Release);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        latest_of_two_slots(cell)
    }
}

/// Has 128 slots, and the last one reaches beyond the page.
///
/// breaks: "The cell is the first page of the shared mapping `cell`."
/// fails: latest::is_whole_however_many_are_published_meanwhile panicked
/// fails: latest::is_whole_whatever_is_published_meanwhile panicked
/// fails: publish::is_found_however_many_came_before panicked
mod one_slot_beyond_the_page {
    use super::*;

    fn slot_of(number: u64) -> usize {
        8 + 32 * (number % 128) as usize
    }

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let count = cell.long_word(COUNT);
        let number = count.load(Relaxed) + 1;
        fence(Release);
        store_words(cell, slot_of(number), value);
        count.store(number, Release);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        let count = cell.long_word(COUNT);
        loop {
            let number = acquire(count);
            let value = load_words(cell, slot_of(number));
            fence(Acquire);
            if count.load(Relaxed) - number < 127 {
                return (number > 0).then_some(value);
            }
        }
    }
}

/// Has no fence before the second load of the count, which may move up before the words.
///
/// breaks: "The value is one that was passed to `publish`, whole."
/// fails: latest::is_whole_under_rusts_memory_model failed order-is-kept
mod no_fence_at_the_end {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        publish_to_two_slots(cell, value);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        let count = cell.long_word(COUNT);
        loop {
            let number = acquire(count);
            if number == 0 {
                return None;
            }
            let value = load_words(cell, slot_of(number));
            if count.load(Relaxed) == number {
                return Some(value);
            }
        }
    }
}

/// Has no fence after the first load of the count: the words may be older than the value that it counts.
///
/// breaks: "The value is one that was passed to `publish`, whole."
/// fails: latest::is_whole_under_rusts_memory_model failed order-is-kept
mod relaxed_first_load {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        publish_to_two_slots(cell, value);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        let count = cell.long_word(COUNT);
        loop {
            let number = count.load(Relaxed);
            if number == 0 {
                return None;
            }
            let value = load_words(cell, slot_of(number));
            fence(Acquire);
            if count.load(Relaxed) == number {
                return Some(value);
            }
        }
    }
}

/// Makes the second load of the count an acquiring one, which keeps later loads after it, not earlier ones before it.
///
/// breaks: "The value is one that was passed to `publish`, whole."
/// fails: latest::is_whole_under_rusts_memory_model failed order-is-kept
mod acquires_after_the_second_load {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        publish_to_two_slots(cell, value);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        let count = cell.long_word(COUNT);
        loop {
            let number = acquire(count);
            if number == 0 {
                return None;
            }
            let value = load_words(cell, slot_of(number));
            if acquire(count) == number {
                return Some(value);
            }
        }
    }
}

/// Has a release fence before the second load of the count: it orders stores, and there are none.
///
/// breaks: "The value is one that was passed to `publish`, whole."
/// fails: latest::is_whole_under_rusts_memory_model failed order-is-kept
mod release_fence_in_the_reader {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        publish_to_two_slots(cell, value);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        let count = cell.long_word(COUNT);
        loop {
            let number = acquire(count);
            if number == 0 {
                return None;
            }
            let value = load_words(cell, slot_of(number));
            fence(Release);
            if count.load(Relaxed) == number {
                return Some(value);
            }
        }
    }
}

/// Has no fence before the words: a reader may see a word of the next value but one, and still the old count.
///
/// breaks: "A reader then finds the previous value (None before the first) or the new one, whole."
/// fails: publish::keeps_its_stores_in_order_under_rusts_memory_model failed order-is-kept
mod no_fence_before_the_words {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let count = cell.long_word(COUNT);
        let number = count.load(Relaxed) + 1;
        store_words(cell, slot_of(number), value);
        count.store(number, Release);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        latest_of_two_slots(cell)
    }
}

/// Announces with a relaxed store: a reader may see the count before the words.
///
/// breaks: "A reader then finds the previous value (None before the first) or the new one, whole."
/// fails: publish::keeps_its_stores_in_order_under_rusts_memory_model failed order-is-kept
mod announces_with_relaxed {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let count = cell.long_word(COUNT);
        let number = count.load(Relaxed) + 1;
        fence(Release);
        store_words(cell, slot_of(number), value);
        count.store(number, Relaxed);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        latest_of_two_slots(cell)
    }
}

/// Has an acquire fence where a release fence belongs: "so that no store moves up".
///
/// breaks: "A reader then finds the previous value (None before the first) or the new one, whole."
/// fails: publish::keeps_its_stores_in_order_under_rusts_memory_model failed order-is-kept
mod acquire_fence_in_the_writer {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let count = cell.long_word(COUNT);
        let number = count.load(Relaxed) + 1;
        fence(Acquire);
        store_words(cell, slot_of(number), value);
        count.store(number, Release);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        latest_of_two_slots(cell)
    }
}

/// Announces with a SeqCst exchange instead of the fence; the relaxed stores of the next call may still move before it.
///
/// breaks: "A reader then finds the previous value (None before the first) or the new one, whole."
/// fails: publish::keeps_its_stores_in_order_under_rusts_memory_model failed order-is-kept
mod exchange_instead_of_fence {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let count = cell.long_word(COUNT);
        let number = count.fetch_add(0, AcqRel) + 1;
        store_words(cell, slot_of(number), value);
        count.swap(number, SeqCst);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        latest_of_two_slots(cell)
    }
}

/// Has the fence one store too late: the first word is before it.
///
/// breaks: "A reader then finds the previous value (None before the first) or the new one, whole."
/// fails: publish::keeps_its_stores_in_order_under_rusts_memory_model failed order-is-kept
mod fence_after_the_first_word {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let count = cell.long_word(COUNT);
        let number = count.load(Relaxed) + 1;
        cell.long_word(slot_of(number)).store(value[0], Relaxed);
        fence(Release);
        for (n, word) in value.into_iter().enumerate().skip(1) {
            cell.long_word(slot_of(number) + 8 * n).store(word, Relaxed);
        }
        count.store(number, Release);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        latest_of_two_slots(cell)
    }
}

/// Has compiler fences, which is enough for x86_64 and for no other machine.
///
/// breaks: "A reader then finds the previous value (None before the first) or the new one, whole."
/// fails: publish::keeps_its_stores_in_order_under_rusts_memory_model failed order-is-kept
mod compiler_fences {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let count = cell.long_word(COUNT);
        let number = count.load(Relaxed) + 1;
        compiler_fence(SeqCst);
        store_words(cell, slot_of(number), value);
        compiler_fence(SeqCst);
        count.store(number, Relaxed);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        latest_of_two_slots(cell)
    }
}

/// Stores the odd number with Release, which keeps earlier stores before it, but lets the words move up.
///
/// breaks: "A reader then finds the previous value (None before the first) or the new one, whole."
/// fails: publish::keeps_its_stores_in_order_under_rusts_memory_model failed order-is-kept
mod odd_number_with_release {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let count = cell.long_word(COUNT);
        let number = count.load(Relaxed) + 1;
        let sequence = sequence_of(cell, number);
        let odd = sequence.load(Relaxed) | 1;
        sequence.store(odd, Release);
        store_words(cell, slot_of(number), value);
        cell.long_word(slot_of(number) + 32).store(number, Relaxed);
        sequence.store(odd.wrapping_add(1), Release);
        count.store(number, Release);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        latest_with_sequences(cell)
    }
}

/// Has no sequence numbers: the count of values, loaded again, says whether the slot may have been reused.
///
/// passes
mod count_and_fences {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        publish_two_slots(cell, value);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        latest_two_slots(cell)
    }
}

/// Uses no fence: each word is stored with Release and loaded with Acquire, so a word of a newer value brings its count.
///
/// passes
mod releases_each_word {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let n = count(cell).load(Acquire) + 1;
        for (i, part) in value.into_iter().enumerate() {
            word(cell, n, i).store(part, Release);
        }
        count(cell).store(n, Release);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        loop {
            let n = count(cell).load(Acquire).checked_sub(1)? + 1;
            let value = [0, 1, 2, 3].map(|i| word(cell, n, i).load(Acquire));
            if count(cell).load(Relaxed) == n {
                return Some(value);
            }
        }
    }
}

/// Uses nothing but relaxed accesses and fences, on the count too.
///
/// passes
mod fences_only {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let n = count(cell).load(Relaxed) + 1;
        fence(AcqRel);
        for i in [3, 1, 0, 2] {
            word(cell, n, i).store(value[i], Relaxed);
        }
        fence(Release);
        count(cell).store(n, Relaxed);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        let mut n = count(cell).load(Relaxed);
        while n != 0 {
            fence(Acquire);
            let value = [0, 1, 2, 3].map(|i| word(cell, n, i).load(Relaxed));
            fence(Acquire);
            let now = count(cell).load(Relaxed);
            if now == n {
                return Some(value);
            }
            n = now;
        }
        None
    }
}

/// Stores with swap, everything sequentially consistent, and has no fence.
///
/// passes
mod swaps_everything {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let n = count(cell).load(SeqCst) + 1;
        for (i, part) in value.into_iter().enumerate() {
            word(cell, n, i).swap(part, SeqCst);
        }
        count(cell).fetch_add(1, SeqCst);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        loop {
            let n = count(cell).load(SeqCst);
            let value = [0, 1, 2, 3].map(|i| word(cell, n, i).load(SeqCst));
            if count(cell).load(SeqCst) == n {
                return (n != 0).then_some(value);
            }
        }
    }
}

/// Has three slots, so a reader is content when only one newer value has been published meanwhile.
///
/// passes
mod tolerates_one_newer {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let n = count(cell).load(Acquire) + 1;
        fence(Release);
        for (i, part) in value.into_iter().enumerate() {
            word_of(cell, n, i, 3).store(part, Relaxed);
        }
        count(cell).store(n, Release);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        loop {
            let n = count(cell).load(Acquire).checked_sub(1)? + 1;
            let value = [0, 1, 2, 3].map(|i| word_of(cell, n, i, 3).load(Relaxed));
            fence(Acquire);
            if count(cell).load(Relaxed) - n <= 1 {
                return Some(value);
            }
        }
    }
}

/// Publishes nothing when the cell has the value already.
///
/// passes
mod skips_the_same_value {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        if latest_two_slots(cell) != Some(value) {
            publish_two_slots(cell, value);
        }
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        latest_two_slots(cell)
    }
}

/// Announces the value with a relaxed store, which may arrive before the words.
///
/// breaks: "A reader then finds the previous value (None before the first) or the new one, whole."
/// fails: publish::keeps_its_stores_in_order_under_rusts_memory_model failed order-is-kept
mod relaxed_announcement_2 {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let n = count(cell).load(Acquire) + 1;
        fence(Release);
        for (i, part) in value.into_iter().enumerate() {
            word(cell, n, i).store(part, Relaxed);
        }
        count(cell).store(n, Relaxed);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        latest_two_slots(cell)
    }
}

/// Loads the count with Relaxed: the words may be older than it says.
///
/// breaks: "The value is one that was passed to `publish`, whole."
/// fails: latest::is_whole_under_rusts_memory_model failed order-is-kept
mod relaxed_first_load_2 {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        publish_two_slots(cell, value);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        loop {
            let n = count(cell).load(Relaxed).checked_sub(1)? + 1;
            let value = [0, 1, 2, 3].map(|i| word(cell, n, i).load(Relaxed));
            fence(Acquire);
            if count(cell).load(Relaxed) == n {
                return Some(value);
            }
        }
    }
}

/// Has no fence before the words: they may arrive before the count of the call before.
///
/// breaks: "The value is one that was passed to `publish`, whole."
/// fails: publish::keeps_its_stores_in_order_under_rusts_memory_model failed order-is-kept
mod no_fence_before_the_words_2 {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let n = count(cell).load(Acquire) + 1;
        for (i, part) in value.into_iter().enumerate() {
            word(cell, n, i).store(part, Relaxed);
        }
        count(cell).store(n, Release);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        latest_two_slots(cell)
    }
}

/// Loads the count the second time with Acquire, instead of a fence before: the words may be loaded after it.
///
/// breaks: "The value is one that was passed to `publish`, whole."
/// fails: latest::is_whole_under_rusts_memory_model failed order-is-kept
mod acquires_twice {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        publish_two_slots(cell, value);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        loop {
            let n = count(cell).load(Acquire).checked_sub(1)? + 1;
            let value = [0, 1, 2, 3].map(|i| word(cell, n, i).load(Relaxed));
            if count(cell).load(Acquire) == n {
                return Some(value);
            }
        }
    }
}

/// Makes the accesses of the count sequentially consistent, as if that ordered the relaxed ones after a store.
///
/// breaks: "The value is one that was passed to `publish`, whole."
/// fails: latest::is_whole_under_rusts_memory_model failed order-is-kept
/// fails: publish::keeps_its_stores_in_order_under_rusts_memory_model failed order-is-kept
mod strong_count_only {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let n = count(cell).load(SeqCst) + 1;
        for (i, part) in value.into_iter().enumerate() {
            word(cell, n, i).store(part, Relaxed);
        }
        count(cell).store(n, SeqCst);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        loop {
            let n = count(cell).load(SeqCst).checked_sub(1)? + 1;
            let value = [0, 1, 2, 3].map(|i| word(cell, n, i).load(Relaxed));
            if count(cell).load(SeqCst) == n {
                return Some(value);
            }
        }
    }
}

/// Acquires with the last word only: the loads of the first three are not kept before the check.
///
/// breaks: "The value is one that was passed to `publish`, whole."
/// fails: latest::is_whole_under_rusts_memory_model failed order-is-kept
mod acquires_the_last_word {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let n = count(cell).load(Acquire) + 1;
        for (i, part) in value.into_iter().enumerate() {
            word(cell, n, i).store(part, Release);
        }
        count(cell).store(n, Release);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        loop {
            let n = count(cell).load(Acquire).checked_sub(1)? + 1;
            let value = [0, 1, 2, 3].map(|i| word(cell, n, i).load(if i == 3 { Acquire } else { Relaxed }));
            if count(cell).load(Relaxed) == n {
                return Some(value);
            }
        }
    }
}

/// Releases with the first word only: the other three may arrive before the count of the call before.
///
/// breaks: "The value is one that was passed to `publish`, whole."
/// fails: publish::keeps_its_stores_in_order_under_rusts_memory_model failed order-is-kept
mod releases_the_first_word {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let n = count(cell).load(Acquire) + 1;
        for (i, part) in value.into_iter().enumerate() {
            word(cell, n, i).store(part, if i == 0 { Release } else { Relaxed });
        }
        count(cell).store(n, Release);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        latest_two_slots(cell)
    }
}

/// Makes the slot's number odd with a Release store instead of a fence, and trusts that number alone.
///
/// breaks: "The value is one that was passed to `publish`, whole."
/// fails: publish::keeps_its_stores_in_order_under_rusts_memory_model failed order-is-kept
mod odd_number_released {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let n = count(cell).load(Acquire) + 1;
        sequence(cell, n).store(2 * n - 1, Release);
        for (i, part) in value.into_iter().enumerate() {
            word(cell, n, i).store(part, Relaxed);
        }
        sequence(cell, n).store(2 * n, Release);
        count(cell).store(n, Release);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        loop {
            let n = count(cell).load(Acquire).checked_sub(1)? + 1;
            let before = sequence(cell, n).load(Acquire);
            let value = [0, 1, 2, 3].map(|i| word(cell, n, i).load(Relaxed));
            fence(Acquire);
            if before == 2 * n && sequence(cell, n).load(Relaxed) == before {
                return Some(value);
            }
        }
    }
}

/// Fences after the second load of the count instead of before it.
///
/// breaks: "The value is one that was passed to `publish`, whole."
/// fails: latest::is_whole_under_rusts_memory_model failed order-is-kept
mod fence_after_the_check {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        publish_two_slots(cell, value);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        loop {
            let n = count(cell).load(Acquire).checked_sub(1)? + 1;
            let value = [0, 1, 2, 3].map(|i| word(cell, n, i).load(Relaxed));
            let now = count(cell).load(Relaxed);
            fence(Acquire);
            if now == n {
                return Some(value);
            }
        }
    }
}

/// Uses fences that only the compiler obeys.
///
/// breaks: "The value is one that was passed to `publish`, whole."
/// fails: latest::is_whole_under_rusts_memory_model failed order-is-kept
/// fails: publish::keeps_its_stores_in_order_under_rusts_memory_model failed order-is-kept
mod fences_of_the_compiler {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let n = count(cell).load(Acquire) + 1;
        compiler_fence(SeqCst);
        for (i, part) in value.into_iter().enumerate() {
            word(cell, n, i).store(part, Relaxed);
        }
        compiler_fence(SeqCst);
        count(cell).store(n, Release);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        loop {
            let n = count(cell).load(Acquire).checked_sub(1)? + 1;
            let value = [0, 1, 2, 3].map(|i| word(cell, n, i).load(Relaxed));
            compiler_fence(SeqCst);
            if count(cell).load(Relaxed) == n {
                return Some(value);
            }
        }
    }
}

/// Announces the value before it stores the words.
///
/// breaks: "A reader then finds the previous value (None before the first) or the new one, whole."
/// fails: latest::is_whole_under_rusts_memory_model failed copies-are-atomic
/// fails: latest::is_whole_whatever_is_published_meanwhile failed
/// fails: publish::goes_on_after_a_writer_that_was_killed failed
/// fails: publish::is_whole_to_readers_at_every_access failed
mod announces_first_2 {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let n = count(cell).fetch_add(1, SeqCst) + 1;
        for (i, part) in value.into_iter().enumerate() {
            word(cell, n, i).store(part, SeqCst);
        }
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        latest_two_slots(cell)
    }
}

/// Is content with one newer value though there are two slots: the next value may be half written over this one.
///
/// breaks: "The value is one that was passed to `publish`, whole."
/// fails: latest::is_whole_under_rusts_memory_model failed
/// fails: latest::is_whole_whatever_is_published_meanwhile failed
mod one_newer_with_two_slots {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        publish_two_slots(cell, value);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        loop {
            let n = count(cell).load(Acquire).checked_sub(1)? + 1;
            let value = [0, 1, 2, 3].map(|i| word(cell, n, i).load(Acquire));
            if count(cell).load(Acquire) < n + 2 {
                return Some(value);
            }
        }
    }
}

/// Announces which slot is current and not how often it changed: two values later it looks the same.
///
/// breaks: "The value is one that was passed to `publish`, whole."
/// fails: latest::is_whole_however_many_are_published_meanwhile failed
/// fails: latest::is_whole_under_rusts_memory_model failed
/// fails: latest::is_whole_whatever_is_published_meanwhile failed
/// fails: latest::starts_over_as_often_as_it_is_overtaken failed
mod index_without_count {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let next = if count(cell).load(SeqCst) == 1 { 2 } else { 1 };
        for (i, part) in value.into_iter().enumerate() {
            word(cell, next, i).store(part, SeqCst);
        }
        count(cell).store(next, SeqCst);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        latest_two_slots(cell)
    }
}

/// Counts in 8 bits: after 256 values the count is the same, and the cell looks new.
///
/// breaks: "Any number of values are published, one after the other."
/// fails: latest::is_whole_however_many_are_published_meanwhile failed
/// fails: latest::starts_over_as_often_as_it_is_overtaken failed
/// fails: publish::is_found_however_many_came_before failed
mod counts_to_255 {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let n = (count(cell).load(Acquire) + 1) % 256;
        fence(Release);
        for (i, part) in value.into_iter().enumerate() {
            word(cell, n, i).store(part, Relaxed);
        }
        count(cell).store(n, Release);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        latest_two_slots(cell)
    }
}

/// Never uses a slot again, so the page is full after some values.
///
/// breaks: "Any number of values are published, one after the other."
/// fails: latest::is_whole_however_many_are_published_meanwhile panicked
/// fails: latest::is_whole_whatever_is_published_meanwhile panicked
/// fails: publish::is_found_however_many_came_before panicked
mod a_log {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let n = count(cell).load(Acquire) + 1;
        for (i, part) in value.into_iter().enumerate() {
            word_of(cell, n, i, u64::MAX).store(part, Relaxed);
        }
        count(cell).store(n, Release);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        let n = count(cell).load(Acquire).checked_sub(1)? + 1;
        Some([0, 1, 2, 3].map(|i| word_of(cell, n, i, u64::MAX).load(Relaxed)))
    }
}

/// Takes four zeros for a cell without a value.
///
/// breaks: "Every value is possible, four zeros included."
/// fails: latest::is_nothing_until_something_is_published failed
/// fails: publish::is_found_by_every_reader failed
mod zeros_are_none {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        publish_two_slots(cell, value);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        latest_two_slots(cell).filter(|value| value.iter().any(|&part| part != 0))
    }
}

/// Returns whatever whole value it finds in the slot, even one that is not announced yet: the next call goes back.
///
/// breaks: "Once a call of `latest` has returned the new value, no call that begins afterwards returns the previous one."
/// fails: latest::is_whole_under_rusts_memory_model failed
mod returns_the_unannounced {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let n = count(cell).load(Acquire) + 1;
        sequence(cell, n).store(2 * n - 1, SeqCst);
        for (i, part) in value.into_iter().enumerate() {
            word(cell, n, i).store(part, SeqCst);
        }
        sequence(cell, n).store(2 * n, SeqCst);
        count(cell).store(n, SeqCst);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        loop {
            let n = count(cell).load(SeqCst).checked_sub(1)? + 1;
            let before = sequence(cell, n).load(SeqCst);
            let value = [0, 1, 2, 3].map(|i| word(cell, n, i).load(SeqCst));
            if before.is_multiple_of(2) && sequence(cell, n).load(SeqCst) == before {
                return Some(value);
            }
        }
    }
}

/// Counts the values in the process: the next process begins with 1 again.
///
/// breaks: "Any process may publish next, and a process may have several cells."
/// fails: latest::is_whole_under_rusts_memory_model failed
/// fails: publish::goes_on_after_a_writer_that_was_killed failed
/// fails: publish::is_whole_to_readers_at_every_access failed
mod counts_in_the_process {
    use super::*;

    static PUBLISHED: StdU64 = StdU64::new(0);

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let n = PUBLISHED.fetch_add(1, Relaxed) + 1;
        fence(Release);
        for (i, part) in value.into_iter().enumerate() {
            word(cell, n, i).store(part, Relaxed);
        }
        count(cell).store(n, Release);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        latest_two_slots(cell)
    }
}

/// Keeps the last value that it read, by its number, and gives it for every cell with that number.
///
/// breaks: "The value is one that was passed to `publish`, whole."
/// fails: publish::is_found_however_many_came_before failed
mod remembers_by_number {
    use super::*;

    static LAST: Mutex<(u64, [u64; 4])> = Mutex::new((0, [0; 4]));

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        publish_two_slots(cell, value);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        let n = count(cell).load(Acquire).checked_sub(1)? + 1;
        let mut last = LAST.lock().ok()?;
        if last.0 != n {
            *last = (n, latest_two_slots(cell)?);
        }
        Some(last.1)
    }
}

/// Checks the count with an atomic addition of 0, which is a store, too.
///
/// breaks: "`cell` may be mapped for reading only."
/// fails: latest::is_whole_however_many_are_published_meanwhile killed
/// fails: latest::is_whole_whatever_is_published_meanwhile killed readers-may-write
/// fails: latest::makes_no_system_call killed readers-may-write
/// fails: latest::needs_no_more_than_to_read killed readers-may-write
/// fails: latest::starts_over_as_often_as_it_is_overtaken killed readers-may-write
/// fails: publish::goes_on_after_a_writer_that_was_killed killed readers-may-write
/// fails: publish::is_whole_to_readers_at_every_access killed readers-may-write
mod adds_zero_2 {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        publish_two_slots(cell, value);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        loop {
            let n = count(cell).load(Acquire).checked_sub(1)? + 1;
            let value = [0, 1, 2, 3].map(|i| word(cell, n, i).load(Relaxed));
            if count(cell).fetch_add(0, AcqRel) == n {
                return Some(value);
            }
        }
    }
}

/// Gives the processor away before it starts over.
///
/// breaks: "It makes no system call, so it does not sleep either."
/// fails: latest::starts_over_as_often_as_it_is_overtaken failed
mod yields_before_the_retry {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        publish_two_slots(cell, value);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        loop {
            let n = count(cell).load(Acquire).checked_sub(1)? + 1;
            let value = [0, 1, 2, 3].map(|i| word(cell, n, i).load(Relaxed));
            fence(Acquire);
            if count(cell).load(Relaxed) == n {
                return Some(value);
            }
            std::thread::yield_now();
        }
    }
}

/// Calls msync(2), "so that the other processes see it".
///
/// breaks: "It makes no system call, and changes no other page of the mapping."
/// fails: publish::goes_on_after_a_writer_that_was_killed failed
/// fails: publish::makes_no_system_call failed
mod synchronizes_the_page {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        publish_two_slots(cell, value);
        let start = std::ptr::with_exposed_provenance_mut(cell.address());
        // SAFETY: the range is mapped, and msync changes no memory.
        unsafe { libc::msync(start, cell.length(), libc::MS_ASYNC) };
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        latest_two_slots(cell)
    }
}

/// Gives up after three attempts, and returns what it has, torn or not.
///
/// breaks: "The value is one that was passed to `publish`, whole."
/// fails: latest::starts_over_as_often_as_it_is_overtaken failed
mod three_attempts {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        publish_two_slots(cell, value);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        let mut value = None;
        for _ in 0..3 {
            let n = count(cell).load(Acquire).checked_sub(1)? + 1;
            value = Some([0, 1, 2, 3].map(|i| word(cell, n, i).load(Relaxed)));
            fence(Acquire);
            if count(cell).load(Relaxed) == n {
                break;
            }
        }
        value
    }
}

/// Reads one slot until it gets the same words twice: a writer that is stopped halfway gives them, too.
///
/// breaks: "A reader then finds the previous value (None before the first) or the new one, whole."
/// fails: latest::is_whole_under_rusts_memory_model failed copies-are-atomic
/// fails: latest::is_whole_whatever_is_published_meanwhile failed
/// fails: publish::goes_on_after_a_writer_that_was_killed failed copies-are-atomic
/// fails: publish::is_whole_to_readers_at_every_access failed copies-are-atomic
mod the_same_twice {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        for (i, part) in value.into_iter().enumerate() {
            word(cell, 0, i).store(part, SeqCst);
        }
        count(cell).fetch_add(1, SeqCst);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        let look = || (count(cell).load(SeqCst), [0, 1, 2, 3].map(|i| word(cell, 0, i).load(SeqCst)));
        loop {
            let seen = look();
            if seen == look() {
                return (seen.0 != 0).then_some(seen.1);
            }
        }
    }
}

/// Checks the words by their sum alone: words of two values may have the right sum.
///
/// breaks: "The value is one that was passed to `publish`, whole."
/// fails: latest::is_whole_under_rusts_memory_model failed
mod sum_of_the_words {
    use super::*;

    fn sum(value: [u64; 4]) -> u64 {
        value.into_iter().fold(1, u64::wrapping_add)
    }

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let n = count(cell).load(Acquire) + 1;
        fence(Release);
        sequence(cell, n).store(sum(value), Relaxed);
        for (i, part) in value.into_iter().enumerate() {
            word(cell, n, i).store(part, Relaxed);
        }
        count(cell).store(n, Release);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        loop {
            let n = count(cell).load(Acquire).checked_sub(1)? + 1;
            let value = [0, 1, 2, 3].map(|i| word(cell, n, i).load(Acquire));
            if sequence(cell, n).load(Acquire) == sum(value) {
                return Some(value);
            }
        }
    }
}

/// Puts the second slot in the middle of the mapping, which is elsewhere for a process that maps more pages.
///
/// breaks: "The cell is the first page of the shared mapping `cell`."
/// fails: publish::is_found_however_many_came_before failed
mod half_of_the_mapping {
    use super::*;

    fn part(cell: &Mapping, n: u64, i: usize) -> &AtomicU64 {
        cell.long_word((n % 2) as usize * (cell.length() / 16 * 8) + 8 * (i + 1))
    }

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let n = count(cell).load(Acquire) + 1;
        fence(Release);
        for (i, word) in value.into_iter().enumerate() {
            part(cell, n, i).store(word, Relaxed);
        }
        count(cell).store(n, Release);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        loop {
            let n = count(cell).load(Acquire).checked_sub(1)? + 1;
            let value = [0, 1, 2, 3].map(|i| part(cell, n, i).load(Relaxed));
            fence(Acquire);
            if count(cell).load(Relaxed) == n {
                return Some(value);
            }
        }
    }
}

/// Marks the cell as used before the first value is whole: a writer that dies then leaves four zeros.
///
/// breaks: "A reader then finds the previous value (None before the first) or the new one, whole."
/// fails: latest::is_whole_under_rusts_memory_model failed
/// fails: publish::goes_on_after_a_writer_that_was_killed failed
/// fails: publish::is_whole_to_readers_at_every_access failed
mod marked_as_used_early {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        cell.long_word(8).store(1, Release);
        publish_two_slots(cell, value);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        if cell.long_word(8).load(Acquire) == 0 {
            return None;
        }
        latest_two_slots(cell).or(Some([0; 4]))
    }
}

/// Takes a bit of the first word for a mark of its own, and loses the value's highest bit there.
///
/// breaks: "Every value is possible, four zeros included."
/// fails: publish::is_found_by_every_reader failed
mod loses_the_highest_bit {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        publish_two_slots(cell, [value[0] << 1 | 1, value[1], value[2], value[3]]);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        latest_two_slots(cell).map(|value| [value[0] >> 1, value[1], value[2], value[3]])
    }
}

/// Publishes the address of a copy on the heap, which is nothing in another process.
///
/// breaks: "It makes no system call, and changes no other page of the mapping."
/// fails: latest::is_nothing_until_something_is_published failed
/// fails: latest::is_whole_however_many_are_published_meanwhile killed
/// fails: latest::is_whole_whatever_is_published_meanwhile failed
/// fails: latest::needs_no_more_than_to_read failed
/// fails: latest::starts_over_as_often_as_it_is_overtaken failed
/// fails: publish::is_found_by_every_reader failed
/// fails: publish::is_whole_to_readers_at_every_access failed copies-are-atomic
mod pointer_to_the_heap {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let value: &'static mut [u64; 4] = Box::leak(Box::new(value));
        count(cell).store(std::ptr::from_mut(value).expose_provenance() as u64, Release);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        let address = usize::try_from(count(cell).load(Acquire)).ok()?;
        let value: *const [u64; 4] = std::ptr::with_exposed_provenance(address);
        // SAFETY: null, or leaked by `publish`, if that was this process.
        unsafe { value.as_ref() }.copied()
    }
}

/// Skips a value whose digest is that of the last one, which other values have, too.
///
/// breaks: "A call of `latest` that begins after `publish` has returned finds `value`, or a later one."
/// fails: latest::is_whole_however_many_are_published_meanwhile failed
/// fails: latest::is_whole_under_rusts_memory_model failed
/// fails: latest::is_whole_whatever_is_published_meanwhile failed
/// fails: publish::goes_on_after_a_writer_that_was_killed failed
/// fails: publish::is_found_by_every_reader failed
/// fails: publish::is_found_however_many_came_before failed
/// fails: publish::is_whole_to_readers_at_every_access failed
mod skips_a_similar_value {
    use super::*;

    fn digest(value: [u64; 4]) -> u64 {
        value.iter().fold(0, |sum, part| sum ^ part)
    }

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        if latest_two_slots(cell).is_none_or(|last| digest(last) != digest(value)) {
            publish_two_slots(cell, value);
        }
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        latest_two_slots(cell)
    }
}

/// Waits in `publish` until no reader is in the other slot; the readers count themselves in the cell.
///
/// breaks: "Any number of processes and threads read at the same time. None delays the writer or another reader."
/// fails: latest::is_whole_however_many_are_published_meanwhile killed
/// fails: latest::is_whole_whatever_is_published_meanwhile killed readers-may-write
/// fails: latest::makes_no_system_call killed readers-may-write
/// fails: latest::needs_no_more_than_to_read killed readers-may-write
/// fails: latest::starts_over_as_often_as_it_is_overtaken killed readers-may-write
/// fails: publish::goes_on_after_a_writer_that_was_killed killed readers-may-write
/// fails: publish::is_whole_to_readers_at_every_access killed readers-may-write
mod readers_are_counted {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        while cell.long_word(8).load(SeqCst) != 0 {
            std::hint::spin_loop();
        }
        publish_two_slots(cell, value);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        cell.long_word(8).fetch_add(1, SeqCst);
        let value = latest_two_slots(cell);
        cell.long_word(8).fetch_sub(1, SeqCst);
        value
    }
}

/// Returns None when the value was replaced while it read.
///
/// breaks: "or None when none was"
/// fails: latest::is_whole_however_many_are_published_meanwhile failed
/// fails: latest::is_whole_under_rusts_memory_model failed
/// fails: latest::is_whole_whatever_is_published_meanwhile failed
/// fails: latest::starts_over_as_often_as_it_is_overtaken failed
mod none_when_overtaken_2 {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        publish_two_slots(cell, value);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        let n = count(cell).load(Acquire).checked_sub(1)? + 1;
        let value = [0, 1, 2, 3].map(|i| word(cell, n, i).load(Relaxed));
        fence(Acquire);
        (count(cell).load(Relaxed) == n).then_some(value)
    }
}

/// Has 64 slots, and so no check: a reader that is stopped for 64 values gets a torn one.
///
/// breaks: "The value is one that was passed to `publish`, whole."
/// fails: latest::is_whole_however_many_are_published_meanwhile failed
mod sixty_four_slots_unchecked {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let n = count(cell).load(Acquire) + 1;
        for (i, part) in value.into_iter().enumerate() {
            word_of(cell, n, i, 64).store(part, Release);
        }
        count(cell).store(n, Release);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        let n = count(cell).load(Acquire).checked_sub(1)? + 1;
        Some([0, 1, 2, 3].map(|i| word_of(cell, n, i, 64).load(Acquire)))
    }
}

/// Two slots with sequence numbers that follow from the count; Relaxed where the count's ordering is enough, and the slot is checked only afterwards.
///
/// passes
mod checks_only_afterwards {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let number = count(cell).load(Relaxed);
        number_of_slot(cell, number).store(2 * number + 1, Relaxed);
        fence(Release);
        store(cell, slot(number) + 8, value, Relaxed);
        number_of_slot(cell, number).store(2 * number + 2, Relaxed);
        count(cell).store(number + 1, Release);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        loop {
            let number = count(cell).load(Acquire).checked_sub(1)?;
            let value = load(cell, slot(number) + 8, Relaxed);
            fence(Acquire);
            if number_of_slot(cell, number).load(Relaxed) == 2 * number + 2 {
                return Some(value);
            }
        }
    }
}

/// No fence: each word is stored with Release and loaded with Acquire.
///
/// passes
mod words_instead_of_fences {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let number = count(cell).load(Relaxed);
        number_of_slot(cell, number).store(2 * number + 1, Relaxed);
        store(cell, slot(number) + 8, value, Release);
        number_of_slot(cell, number).store(2 * number + 2, Release);
        count(cell).store(number + 1, Release);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        loop {
            let number = count(cell).load(Acquire).checked_sub(1)?;
            let before = number_of_slot(cell, number).load(Acquire);
            let value = load(cell, slot(number) + 8, Acquire);
            if before == 2 * number + 2 && number_of_slot(cell, number).load(Relaxed) == before {
                return Some(value);
            }
        }
    }
}

/// Three slots without sequence numbers: a slot is stored to again only after two more values.
///
/// passes
mod three_slots {
    use super::*;

    fn place(number: u64) -> usize {
        [64, 128, 192][usize::from((number % 3) as u8)]
    }

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let number = count(cell).load(Relaxed);
        fence(Release);
        store(cell, place(number), value, Relaxed);
        count(cell).store(number + 1, Release);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        loop {
            let seen = count(cell).load(Acquire);
            let value = load(cell, place(seen.checked_sub(1)?), Relaxed);
            fence(Acquire);
            if count(cell).load(Relaxed) - seen < 2 {
                return Some(value);
            }
        }
    }
}

/// Nothing but greater even numbers announces a value, and a Relaxed odd one may be found before the even one of the other slot.
///
/// breaks: "A call of `latest` that begins after `publish` has returned finds `value`, or a later one."
/// fails: publish::keeps_its_stores_in_order_under_rusts_memory_model failed order-is-kept
mod greater_sequence {
    use super::*;

    /// The slot of the latest value, and its sequence number.
    fn newest(cell: &Mapping) -> Option<(usize, u64)> {
        let pair = [8, 48].map(|at| (at, cell.long_word(at).load(Acquire)));
        pair.into_iter().filter(|(_, sequence)| sequence.is_multiple_of(2)).max_by_key(|&(_, sequence)| sequence)
    }

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let (taken, sequence) = newest(cell).expect("only one slot is ever odd");
        let at = 56 - taken;
        cell.long_word(at).store(sequence + 1, Relaxed);
        fence(Release);
        store(cell, at + 8, value, Relaxed);
        cell.long_word(at).store(sequence + 2, Release);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        loop {
            let Some((at, sequence)) = newest(cell) else { continue };
            let value = load(cell, at + 8, Relaxed);
            fence(Acquire);
            if cell.long_word(at).load(Relaxed) == sequence {
                return (sequence > 0).then_some(value);
            }
        }
    }
}

/// Nothing but greater even numbers announces a value; the odd ones are stored with Release.
///
/// passes
mod greater_sequence_released {
    use super::*;

    /// The slot of the latest value, and its sequence number.
    fn newest(cell: &Mapping) -> Option<(usize, u64)> {
        let pair = [8, 48].map(|at| (at, cell.long_word(at).load(Acquire)));
        pair.into_iter().filter(|(_, sequence)| sequence.is_multiple_of(2)).max_by_key(|&(_, sequence)| sequence)
    }

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let (taken, sequence) = newest(cell).expect("only one slot is ever odd");
        let at = 56 - taken;
        cell.long_word(at).store(sequence + 1, Release);
        fence(Release);
        store(cell, at + 8, value, Relaxed);
        cell.long_word(at).store(sequence + 2, Release);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        loop {
            let Some((at, sequence)) = newest(cell) else { continue };
            let value = load(cell, at + 8, Relaxed);
            fence(Acquire);
            if cell.long_word(at).load(Relaxed) == sequence {
                return (sequence > 0).then_some(value);
            }
        }
    }
}

/// In publish: an Acquire swap to the odd number instead of a fence; it orders nothing for a reader that sees a word.
///
/// breaks: "A reader then finds the previous value (None before the first) or the new one, whole."
/// fails: publish::keeps_its_stores_in_order_under_rusts_memory_model failed order-is-kept
mod acquire_swap_for_a_fence {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let number = count(cell).load(Relaxed);
        number_of_slot(cell, number).swap(2 * number + 1, Acquire);
        store(cell, slot(number) + 8, value, Relaxed);
        number_of_slot(cell, number).store(2 * number + 2, Release);
        count(cell).store(number + 1, Release);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        latest_whole(cell)
    }
}

/// In publish: a Release store of the odd number, which lets the words move up before it.
///
/// breaks: "A reader then finds the previous value (None before the first) or the new one, whole."
/// fails: publish::keeps_its_stores_in_order_under_rusts_memory_model failed order-is-kept
mod release_store_of_the_odd_number {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let number = count(cell).load(Acquire);
        number_of_slot(cell, number).store(2 * number + 1, Release);
        store(cell, slot(number) + 8, value, Relaxed);
        number_of_slot(cell, number).store(2 * number + 2, Release);
        count(cell).store(number + 1, Release);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        latest_whole(cell)
    }
}

/// In publish: the fence stands before the odd number and not after it.
///
/// breaks: "A reader then finds the previous value (None before the first) or the new one, whole."
/// fails: publish::keeps_its_stores_in_order_under_rusts_memory_model failed order-is-kept
mod fence_too_early {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let number = count(cell).load(Relaxed);
        fence(SeqCst);
        number_of_slot(cell, number).store(2 * number + 1, Relaxed);
        store(cell, slot(number) + 8, value, Relaxed);
        fence(Release);
        number_of_slot(cell, number).store(2 * number + 2, Relaxed);
        count(cell).store(number + 1, Release);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        latest_whole(cell)
    }
}

/// Keeps only which of two slots is the current one: after two more values that is the same one again.
///
/// breaks: "The value is one that was passed to `publish`, whole."
/// fails: latest::is_whole_however_many_are_published_meanwhile failed
/// fails: latest::is_whole_under_rusts_memory_model failed
/// fails: latest::is_whole_whatever_is_published_meanwhile failed
/// fails: latest::starts_over_as_often_as_it_is_overtaken failed
mod selector_without_a_count {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let next = if count(cell).load(SeqCst) == 1 { 2 } else { 1 };
        store(cell, slot(next) + 8, value, SeqCst);
        count(cell).store(next, SeqCst);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        loop {
            let current = count(cell).load(SeqCst);
            if current == 0 {
                return None;
            }
            let value = load(cell, slot(current) + 8, SeqCst);
            if count(cell).load(SeqCst) == current {
                return Some(value);
            }
        }
    }
}

/// In publish: a new value gives up the previous one, and a writer that is killed has published neither.
///
/// breaks: "A reader then finds the previous value (None before the first) or the new one, whole."
/// fails: latest::is_whole_under_rusts_memory_model failed
/// fails: latest::is_whole_whatever_is_published_meanwhile failed
/// fails: publish::goes_on_after_a_writer_that_was_killed failed
/// fails: publish::is_whole_to_readers_at_every_access failed
mod previous_is_withdrawn {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let sequence = count(cell).load(Relaxed) | 1;
        count(cell).store(sequence, Relaxed);
        fence(Release);
        store(cell, 8, value, Relaxed);
        count(cell).store(sequence + 1, Release);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        loop {
            let before = count(cell).load(Acquire);
            let value = load(cell, 8, Relaxed);
            fence(Acquire);
            if count(cell).load(Relaxed) == before {
                return (before > 0 && before.is_multiple_of(2)).then_some(value);
            }
        }
    }
}

/// Keeps only eight bits of the sequence number: a reader that is stopped for 128 values sees the same one again.
///
/// breaks: "Every value is possible, four zeros included. Any number of values are published, one after the other."
/// fails: latest::is_whole_however_many_are_published_meanwhile failed
mod sequence_of_eight_bits {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let number = count(cell).load(Relaxed);
        number_of_slot(cell, number).store((2 * number + 1) % 256, Relaxed);
        fence(Release);
        store(cell, slot(number) + 8, value, Relaxed);
        number_of_slot(cell, number).store((2 * number + 2) % 256, Release);
        count(cell).store(number + 1, Release);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        loop {
            let number = count(cell).load(Acquire).checked_sub(1)?;
            let value = load(cell, slot(number) + 8, Relaxed);
            fence(Acquire);
            if number_of_slot(cell, number).load(Relaxed) == (2 * number + 2) % 256 {
                return Some(value);
            }
        }
    }
}

/// Tells whole values from torn ones by a checksum, which a mixture of two values may have as well.
///
/// breaks: "The value is one that was passed to `publish`, whole."
/// fails: latest::is_whole_however_many_are_published_meanwhile failed
/// fails: latest::is_whole_under_rusts_memory_model failed
/// fails: latest::is_whole_whatever_is_published_meanwhile failed
/// fails: latest::starts_over_as_often_as_it_is_overtaken failed
mod checksum {
    use super::*;

    fn sum(value: [u64; 4], number: u64) -> u64 {
        value.into_iter().fold(!number, |sum, word| sum ^ word)
    }

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let number = count(cell).load(Relaxed);
        store(cell, slot(number) + 8, value, Release);
        number_of_slot(cell, number).store(sum(value, number), Release);
        count(cell).store(number + 1, Release);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        loop {
            let number = count(cell).load(Acquire).checked_sub(1)?;
            let sum_before = number_of_slot(cell, number).load(Acquire);
            let value = load(cell, slot(number) + 8, Acquire);
            if sum(value, number) == sum_before {
                return Some(value);
            }
        }
    }
}

/// In latest: the last load of the sequence number is an Acquire load, which lets the words move down after it.
///
/// breaks: "The value is one that was passed to `publish`, whole."
/// fails: latest::is_whole_under_rusts_memory_model failed order-is-kept
mod acquire_load_for_a_fence {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        publish_whole(cell, value)
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        loop {
            let number = count(cell).load(Acquire).checked_sub(1)?;
            let before = number_of_slot(cell, number).load(Acquire);
            let value = load(cell, slot(number) + 8, Relaxed);
            if before == 2 * number + 2 && number_of_slot(cell, number).load(Acquire) == before {
                return Some(value);
            }
        }
    }
}

/// In latest: nothing orders the words after the count and the sequence number.
///
/// breaks: "The value is one that was passed to `publish`, whole."
/// fails: latest::is_whole_under_rusts_memory_model failed order-is-kept
mod relaxed_start {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        publish_whole(cell, value)
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        loop {
            let number = count(cell).load(Relaxed).checked_sub(1)?;
            let before = number_of_slot(cell, number).load(Relaxed);
            let value = load(cell, slot(number) + 8, Relaxed);
            fence(Acquire);
            if before == 2 * number + 2 && number_of_slot(cell, number).load(Relaxed) == before {
                return Some(value);
            }
        }
    }
}

/// In latest: a fence for the compiler, but none for the processor.
///
/// breaks: "The value is one that was passed to `publish`, whole."
/// fails: latest::is_whole_under_rusts_memory_model failed order-is-kept
mod fence_of_the_compiler {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        publish_whole(cell, value)
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        loop {
            let number = count(cell).load(Acquire).checked_sub(1)?;
            let before = number_of_slot(cell, number).load(Acquire);
            let value = load(cell, slot(number) + 8, Relaxed);
            compiler_fence(SeqCst);
            if before == 2 * number + 2 && number_of_slot(cell, number).load(Relaxed) == before {
                return Some(value);
            }
        }
    }
}

/// In latest: takes any whole value in the slot, even one that isn't announced yet: the next call may go back to the one before.
///
/// breaks: "Once a call of `latest` has returned the new value, no call that begins afterwards returns the previous one."
/// fails: latest::is_whole_under_rusts_memory_model failed
mod not_announced_yet {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        publish_whole(cell, value)
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        loop {
            let number = count(cell).load(Acquire).checked_sub(1)?;
            let before = number_of_slot(cell, number).load(Acquire);
            let value = load(cell, slot(number) + 8, Relaxed);
            fence(Acquire);
            if before.is_multiple_of(2) && number_of_slot(cell, number).load(Relaxed) == before {
                return Some(value);
            }
        }
    }
}

/// In latest: compares the sequence numbers before and after, and forgets that they may be odd.
///
/// breaks: "The value is one that was passed to `publish`, whole."
/// fails: latest::is_whole_under_rusts_memory_model failed
/// fails: latest::is_whole_whatever_is_published_meanwhile failed
mod odd_is_fine {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        publish_whole(cell, value)
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        loop {
            let number = count(cell).load(Acquire).checked_sub(1)?;
            let before = number_of_slot(cell, number).load(Acquire);
            let value = load(cell, slot(number) + 8, Relaxed);
            fence(Acquire);
            // At most one more than what `number` asks for: a newer value than that has a greater number.
            if before <= 2 * (number + 2) + 1 && number_of_slot(cell, number).load(Relaxed) == before {
                return Some(value);
            }
        }
    }
}

/// In latest: gives the processor away (sched_yield(2)) before it starts over.
///
/// breaks: "It makes no system call, so it does not sleep either."
/// fails: latest::starts_over_as_often_as_it_is_overtaken failed
mod yields {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        publish_whole(cell, value)
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        loop {
            let number = count(cell).load(Acquire).checked_sub(1)?;
            let value = load(cell, slot(number) + 8, Relaxed);
            fence(Acquire);
            if number_of_slot(cell, number).load(Relaxed) == 2 * number + 2 {
                return Some(value);
            }
            std::thread::yield_now();
        }
    }
}

/// In latest: keeps the last value with its number, but not with the cell that it is from.
///
/// breaks: "Returns the latest value that was published in the cell, or None when none was."
/// fails: publish::is_found_however_many_came_before failed
mod remembers_the_last_value {
    use super::*;

    static LAST: Mutex<(u64, [u64; 4])> = Mutex::new((0, [0; 4]));

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        publish_whole(cell, value)
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        let before = count(cell).load(Acquire);
        let Ok(mut last) = LAST.try_lock() else { return latest_whole(cell) };
        if before > 0 && last.0 == before {
            return Some(last.1);
        }
        let value = latest_whole(cell)?;
        if count(cell).load(Acquire) == before {
            *last = (before, value);
        }
        Some(value)
    }
}

/// In latest: checks before the loads that the slot holds the value, but not afterwards that it still does.
///
/// breaks: "The value is one that was passed to `publish`, whole."
/// fails: latest::is_whole_however_many_are_published_meanwhile failed
/// fails: latest::is_whole_under_rusts_memory_model failed
/// fails: latest::is_whole_whatever_is_published_meanwhile failed
/// fails: latest::starts_over_as_often_as_it_is_overtaken failed
mod checks_only_before {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        publish_whole(cell, value)
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        loop {
            let number = count(cell).load(Acquire).checked_sub(1)?;
            if number_of_slot(cell, number).load(Acquire) == 2 * number + 2 {
                return Some(load(cell, slot(number) + 8, Relaxed));
            }
        }
    }
}

/// Three slots, and no fence between the count of the value before and the words that replace an older one.
///
/// breaks: "The value is one that was passed to `publish`, whole."
/// fails: publish::keeps_its_stores_in_order_under_rusts_memory_model failed order-is-kept
mod three_slots_without_a_fence {
    use super::*;

    fn place(number: u64) -> usize {
        [64, 128, 192][usize::from((number % 3) as u8)]
    }

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let number = count(cell).load(Acquire);
        store(cell, place(number), value, Relaxed);
        count(cell).store(number + 1, Release);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        loop {
            let seen = count(cell).load(Acquire);
            let value = load(cell, place(seen.checked_sub(1)?), Relaxed);
            fence(Acquire);
            if count(cell).load(Relaxed) - seen < 2 {
                return Some(value);
            }
        }
    }
}

/// In latest: gives up after a thousand values that were replaced too early, as if there were none.
///
/// breaks: "Returns the latest value that was published in the cell, or None when none was."
/// fails: latest::starts_over_as_often_as_it_is_overtaken failed
mod gives_up {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        publish_whole(cell, value)
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        (0..1000).find_map(|_| {
            let number = count(cell).load(Acquire).checked_sub(1)?;
            let value = load(cell, slot(number) + 8, Relaxed);
            fence(Acquire);
            (number_of_slot(cell, number).load(Relaxed) == 2 * number + 2).then_some(value)
        })
    }
}

/// Counts in steps of 2 at the end of the page, swaps instead of stores, and loads the words from the last to the first.
///
/// passes
mod odd_numbers_and_swaps {
    use super::*;

    fn state(cell: &Mapping) -> &AtomicU64 {
        cell.long_word(4088)
    }

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let next = state(cell).load(Acquire) + if state(cell).load(Acquire) == 0 { 1 } else { 2 };
        for i in (0..4).rev() {
            word(cell, next / 2, i).swap(value[i], SeqCst);
        }
        state(cell).swap(next, SeqCst);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        let mut before = state(cell).load(SeqCst);
        while before != 0 {
            let mut value = [0; 4];
            for i in (0..4).rev() {
                value[i] = word(cell, before / 2, i).load(SeqCst);
            }
            let after = state(cell).load(SeqCst);
            if after == before {
                return Some(value);
            }
            before = after;
        }
        None
    }
}

/// Counts from 1 to 8 and again from 1 on: a reader that is overtaken by eight values does not notice.
///
/// breaks: "The value is one that was passed to `publish`, whole."
/// fails: latest::is_whole_however_many_are_published_meanwhile failed
mod counts_to_eight {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let n = count(cell).load(Relaxed) % 8 + 1;
        fence(Release);
        store_words(cell, 64 + 32 * usize::from(n % 2 == 1), value);
        count(cell).store(n, Release);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        latest_two_slots(cell)
    }
}

/// Remembers the count of each mapping after the first call, though another process may publish meanwhile.
///
/// breaks: "Any process may publish next, and a process may have several cells."
/// fails: latest::is_whole_under_rusts_memory_model failed
/// fails: publish::is_whole_to_readers_at_every_access failed
mod remembers_the_count {
    use super::*;

    static KNOWN: Mutex<Vec<(usize, u64)>> = Mutex::new(Vec::new());

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        let at = known.iter().position(|known| known.0 == cell.address()).unwrap_or_else(|| {
            known.push((cell.address(), count(cell).load(Relaxed)));
            known.len() - 1
        });
        known[at].1 += 1;
        let n = known[at].1;
        fence(Release);
        store_words(cell, 64 + 32 * usize::from(n % 2 == 1), value);
        count(cell).store(n, Release);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        latest_two_slots(cell)
    }
}

/// Returns without a word when a mark says that a writer is at work, even one that was killed.
///
/// breaks: "After a writer was killed, another process can publish, as if nothing had happened."
/// fails: latest::is_whole_under_rusts_memory_model failed
/// fails: publish::goes_on_after_a_writer_that_was_killed failed
mod gives_way_to_a_dead_writer {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        if cell.long_word(8).swap(1, Acquire) == 0 {
            publish_two_slots(cell, value);
            cell.long_word(8).store(0, Release);
        }
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        latest_two_slots(cell)
    }
}

/// Finds that the writer before it was killed, and announces what that one had begun.
///
/// breaks: "A reader then finds the previous value (None before the first) or the new one, whole."
/// fails: latest::is_whole_under_rusts_memory_model failed
/// fails: publish::goes_on_after_a_writer_that_was_killed failed
mod finishes_what_was_begun {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        if cell.long_word(8).swap(1, AcqRel) == 1 {
            count(cell).store(count(cell).load(Relaxed) + 1, Release);
        }
        publish_two_slots(cell, value);
        cell.long_word(8).store(0, Release);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        latest_two_slots(cell)
    }
}

/// Notes the process id of the writer in the cell, and asks the kernel for it.
///
/// breaks: "It makes no system call, and changes no other page of the mapping."
/// fails: publish::goes_on_after_a_writer_that_was_killed failed
/// fails: publish::makes_no_system_call failed
mod signs_with_its_id {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        cell.long_word(8).store(std::process::id().into(), Relaxed);
        publish_two_slots(cell, value);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        latest_two_slots(cell)
    }
}

/// Wakes readers that sleep on a word, of which there is none.
///
/// breaks: "It makes no system call, and changes no other page of the mapping."
/// fails: publish::goes_on_after_a_writer_that_was_killed failed
/// fails: publish::makes_no_system_call failed
mod wakes_readers {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        publish_two_slots(cell, value);
        let word = std::ptr::with_exposed_provenance::<u32>(cell.address() + 8);
        // SAFETY: the kernel takes the pointer for an address only.
        unsafe { libc::syscall(libc::SYS_futex, word, libc::FUTEX_WAKE, i32::MAX) };
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        latest_two_slots(cell)
    }
}

/// Gives the slots a distance of 24 bytes, so that the last word of one is the first of the other.
///
/// breaks: "A reader then finds the previous value (None before the first) or the new one, whole."
/// fails: latest::is_whole_under_rusts_memory_model failed copies-are-atomic
/// fails: latest::is_whole_whatever_is_published_meanwhile failed
/// fails: publish::goes_on_after_a_writer_that_was_killed failed
/// fails: publish::is_whole_to_readers_at_every_access failed copies-are-atomic
mod slots_overlap {
    use super::*;

    fn place(n: u64) -> usize {
        64 + 24 * usize::from(n % 2 == 1)
    }

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let n = count(cell).load(Relaxed) + 1;
        fence(Release);
        store_words(cell, place(n), value);
        count(cell).store(n, Release);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        loop {
            let n = count(cell).load(Acquire);
            if n == 0 {
                return None;
            }
            let value = load_words(cell, place(n));
            fence(Acquire);
            if count(cell).load(Relaxed) == n {
                return Some(value);
            }
        }
    }
}

/// Brings the slot that readers use up to date as well, before the announcement.
///
/// breaks: "A reader then finds the previous value (None before the first) or the new one, whole."
/// fails: latest::is_whole_under_rusts_memory_model failed copies-are-atomic
/// fails: latest::is_whole_whatever_is_published_meanwhile failed
/// fails: publish::goes_on_after_a_writer_that_was_killed failed
/// fails: publish::is_whole_to_readers_at_every_access failed copies-are-atomic
mod repairs_the_current_slot {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let n = count(cell).load(Relaxed) + 1;
        fence(Release);
        for slot in [n, n + 1] {
            for (i, part) in value.into_iter().enumerate() {
                word(cell, slot, i).store(part, SeqCst);
            }
        }
        count(cell).store(n, SeqCst);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        latest_two_slots(cell)
    }
}

/// Has four slots, and its reader is content when one value too many has overtaken it.
///
/// breaks: "The value is one that was passed to `publish`, whole."
/// fails: latest::is_whole_whatever_is_published_meanwhile failed
mod ring_off_by_one {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let n = count(cell).load(Relaxed) + 1;
        fence(Release);
        for (i, part) in value.into_iter().enumerate() {
            word_of(cell, n, i, 4).store(part, Relaxed);
        }
        count(cell).store(n, Release);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        loop {
            let n = count(cell).load(Acquire);
            if n == 0 {
                return None;
            }
            let value = std::array::from_fn(|i| word_of(cell, n, i, 4).load(Relaxed));
            fence(Acquire);
            if count(cell).load(Relaxed) < n + 4 {
                return Some(value);
            }
        }
    }
}

/// Each slot has its number, 0 while it changes; a slow reader may find 0 in one and later 0 in the other.
///
/// breaks: "Returns the latest value that was published in the cell, or None when none was."
/// fails: latest::is_whole_under_rusts_memory_model failed
mod both_slots_look_empty {
    use super::*;

    fn numbers(cell: &Mapping) -> [u64; 2] {
        [0, 1].map(|n| sequence(cell, n).load(SeqCst))
    }

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let [first, second] = numbers(cell);
        let older = u64::from(second < first);
        sequence(cell, older).store(0, SeqCst);
        fence(SeqCst);
        for (i, part) in value.into_iter().enumerate() {
            word(cell, older, i).store(part, SeqCst);
        }
        sequence(cell, older).store(first.max(second) + 1, SeqCst);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        loop {
            let [first, second] = numbers(cell);
            if first.max(second) == 0 {
                return None;
            }
            let newer = u64::from(second > first);
            let value = std::array::from_fn(|i| word(cell, newer, i).load(SeqCst));
            if sequence(cell, newer).load(SeqCst) == first.max(second) {
                return Some(value);
            }
        }
    }
}

/// Checks the first attempt, and trusts the second.
///
/// breaks: "The value is one that was passed to `publish`, whole."
/// fails: latest::is_whole_under_rusts_memory_model failed
/// fails: latest::starts_over_as_often_as_it_is_overtaken failed
mod second_attempt_unchecked {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        publish_two_slots(cell, value);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        let read = |n| std::array::from_fn(|i| word(cell, n, i).load(Acquire));
        let n = count(cell).load(Acquire);
        if n == 0 {
            return None;
        }
        let value = read(n);
        let again = count(cell).load(Acquire);
        Some(if again == n { value } else { read(again) })
    }
}

/// Takes a mutex, so that the threads of a process read one after the other.
///
/// breaks: "It makes no system call, so it does not sleep either."
/// fails: latest::delays_no_other_thread failed
mod readers_take_turns {
    use super::*;

    static TURN: Mutex<()> = Mutex::new(());

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        publish_two_slots(cell, value);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        let _turn = TURN.lock().unwrap();
        latest_two_slots(cell)
    }
}

/// Says None while a value is being written.
///
/// breaks: "Returns the latest value that was published in the cell, or None when none was."
/// fails: latest::is_whole_under_rusts_memory_model failed
/// fails: latest::is_whole_whatever_is_published_meanwhile failed
/// fails: publish::goes_on_after_a_writer_that_was_killed failed
/// fails: publish::is_whole_to_readers_at_every_access failed
mod none_while_writing {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        cell.long_word(8).store(1, SeqCst);
        publish_two_slots(cell, value);
        cell.long_word(8).store(0, SeqCst);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        if cell.long_word(8).load(SeqCst) == 1 {
            return None;
        }
        latest_two_slots(cell)
    }
}

/// Returns the slot before while the writer has not taken its mark away, even after the announcement.
///
/// breaks: "It had not been replaced yet when the call began: no later `publish` had returned."
/// fails: latest::is_whole_under_rusts_memory_model failed
/// fails: latest::is_whole_whatever_is_published_meanwhile failed
/// fails: publish::goes_on_after_a_writer_that_was_killed failed
/// fails: publish::is_whole_to_readers_at_every_access failed
mod previous_while_writing {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        cell.long_word(8).store(1, SeqCst);
        publish_two_slots(cell, value);
        cell.long_word(8).store(0, SeqCst);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        let n = count(cell).load(Acquire);
        if n > 1 && cell.long_word(8).load(SeqCst) == 1 {
            let value = std::array::from_fn(|i| word(cell, n - 1, i).load(SeqCst));
            if count(cell).load(SeqCst) == n {
                return Some(value);
            }
        }
        latest_two_slots(cell)
    }
}

/// Lets others run before it goes on where a killed writer has left its mark.
///
/// breaks: "It makes no system call, and changes no other page of the mapping."
/// fails: publish::goes_on_after_a_writer_that_was_killed failed
mod yields_to_a_dead_writer {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        if cell.long_word(8).swap(1, AcqRel) == 1 {
            std::thread::yield_now();
        }
        publish_two_slots(cell, value);
        cell.long_word(8).store(0, Release);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        latest_two_slots(cell)
    }
}

/// Takes a mutex in publish: nobody else of the process publishes, so it never waits, and a killed process takes it along.
///
/// passes
mod mutex_of_the_writer {
    use super::*;

    static TURN: Mutex<()> = Mutex::new(());

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let _turn = TURN.lock().unwrap();
        publish_two_slots(cell, value);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        latest_two_slots(cell)
    }
}

/// Follows the last hints of both functions, line by line.
///
/// passes
mod publish_as_the_hint_says {
    use super::*;

    pub fn publish(cell: &Mapping, value: [u64; 4]) {
        let next = cell.long_word(0).load(Ordering::Relaxed) + 1;
        let slot = if next % 2 == 1 { 256 } else { 128 };
        cell.long_word(slot).store(0, Ordering::Relaxed);
        fence(Ordering::Release);
        for (n, word) in value.into_iter().enumerate() {
            cell.long_word(slot + 8 + 8 * n).store(word, Ordering::Relaxed);
        }
        cell.long_word(slot).store(next, Ordering::Release);
        cell.long_word(0).store(next, Ordering::Release);
    }

    pub fn latest(cell: &Mapping) -> Option<[u64; 4]> {
        loop {
            let current = cell.long_word(0).load(Ordering::Acquire);
            if current == 0 {
                return None;
            }
            let slot = if current % 2 == 1 { 256 } else { 128 };
            let before = cell.long_word(slot).load(Ordering::Acquire);
            let value = [0, 1, 2, 3].map(|n| cell.long_word(slot + 8 + 8 * n).load(Ordering::Relaxed));
            fence(Ordering::Acquire);
            let after = cell.long_word(slot).load(Ordering::Relaxed);
            if (before, after) == (current, current) {
                return Some(value);
            }
        }
    }
}

one_of! {
    pub fn publish(cell: &Mapping, value: [u64; 4]);
    one_slot reader_waits_for_the_writer says_it_first relaxed_announcement counts_again fence_after_every_word
    fences_for_everything acquire_loads no_second_look looks_again_too_early adds_zero compares_the_slots
    one_value_later_is_fine none_when_overtaken third_time_is_good_enough one_cache_for_all_cells none_after_the_first
    reads_the_words_twice looks_ahead stays_with_the_previous waits_for_a_quiet_moment two_slots_and_a_count
    relaxed_stores_between_two_fences every_word_released strongest_fences does_not_repeat_itself byte_by_byte
    sequence_in_each_slot sixty_slots all_sequentially_consistent one_slot_2 adds_one_to_an_odd_sequence announces_first
    slot_number_without_count zeros_mean_none counts_in_a_static locks_writers_out starts_again_after_a_crash
    checksum_decides takes_a_bit_of_each_word counts_in_a_byte one_slot_beyond_the_page no_fence_at_the_end
    relaxed_first_load acquires_after_the_second_load release_fence_in_the_reader no_fence_before_the_words
    announces_with_relaxed acquire_fence_in_the_writer exchange_instead_of_fence fence_after_the_first_word
    compiler_fences odd_number_with_release count_and_fences releases_each_word fences_only swaps_everything
    tolerates_one_newer skips_the_same_value relaxed_announcement_2 relaxed_first_load_2 no_fence_before_the_words_2
    acquires_twice strong_count_only acquires_the_last_word releases_the_first_word odd_number_released
    fence_after_the_check fences_of_the_compiler announces_first_2 one_newer_with_two_slots index_without_count
    counts_to_255 a_log zeros_are_none returns_the_unannounced counts_in_the_process remembers_by_number adds_zero_2
    yields_before_the_retry synchronizes_the_page three_attempts the_same_twice sum_of_the_words half_of_the_mapping
    marked_as_used_early loses_the_highest_bit pointer_to_the_heap skips_a_similar_value readers_are_counted
    none_when_overtaken_2 sixty_four_slots_unchecked checks_only_afterwards words_instead_of_fences three_slots
    greater_sequence greater_sequence_released acquire_swap_for_a_fence release_store_of_the_odd_number fence_too_early
    selector_without_a_count previous_is_withdrawn sequence_of_eight_bits checksum acquire_load_for_a_fence
    relaxed_start fence_of_the_compiler not_announced_yet odd_is_fine yields remembers_the_last_value checks_only_before
    three_slots_without_a_fence gives_up odd_numbers_and_swaps counts_to_eight remembers_the_count
    gives_way_to_a_dead_writer finishes_what_was_begun signs_with_its_id wakes_readers slots_overlap
    repairs_the_current_slot ring_off_by_one both_slots_look_empty second_attempt_unchecked readers_take_turns
    none_while_writing previous_while_writing yields_to_a_dead_writer mutex_of_the_writer publish_as_the_hint_says
}

one_of! {
    pub fn latest(cell: &Mapping) -> Option<[u64; 4]>;
    one_slot reader_waits_for_the_writer says_it_first readers_count_themselves two_slots_and_one_look zeros_are_nothing
    counts_again fence_after_every_word fences_for_everything acquire_loads no_second_look looks_again_too_early
    adds_zero compares_the_slots one_value_later_is_fine none_when_overtaken third_time_is_good_enough
    one_cache_for_all_cells none_after_the_first reads_the_words_twice looks_ahead stays_with_the_previous
    waits_for_a_quiet_moment two_slots_and_a_count relaxed_stores_between_two_fences every_word_released
    strongest_fences does_not_repeat_itself byte_by_byte sequence_in_each_slot sixty_slots all_sequentially_consistent
    one_slot_2 adds_one_to_an_odd_sequence announces_first slot_number_without_count zeros_mean_none counts_in_a_static
    locks_writers_out starts_again_after_a_crash checksum_decides takes_a_bit_of_each_word counts_in_a_byte
    one_slot_beyond_the_page no_fence_at_the_end relaxed_first_load acquires_after_the_second_load
    release_fence_in_the_reader no_fence_before_the_words announces_with_relaxed acquire_fence_in_the_writer
    exchange_instead_of_fence fence_after_the_first_word compiler_fences odd_number_with_release count_and_fences
    releases_each_word fences_only swaps_everything tolerates_one_newer skips_the_same_value relaxed_announcement_2
    relaxed_first_load_2 no_fence_before_the_words_2 acquires_twice strong_count_only acquires_the_last_word
    releases_the_first_word odd_number_released fence_after_the_check fences_of_the_compiler announces_first_2
    one_newer_with_two_slots index_without_count counts_to_255 a_log zeros_are_none returns_the_unannounced
    counts_in_the_process remembers_by_number adds_zero_2 yields_before_the_retry synchronizes_the_page three_attempts
    the_same_twice sum_of_the_words half_of_the_mapping marked_as_used_early loses_the_highest_bit pointer_to_the_heap
    skips_a_similar_value readers_are_counted none_when_overtaken_2 sixty_four_slots_unchecked checks_only_afterwards
    words_instead_of_fences three_slots greater_sequence greater_sequence_released acquire_swap_for_a_fence
    release_store_of_the_odd_number fence_too_early selector_without_a_count previous_is_withdrawn
    sequence_of_eight_bits checksum acquire_load_for_a_fence relaxed_start fence_of_the_compiler not_announced_yet
    odd_is_fine yields remembers_the_last_value checks_only_before three_slots_without_a_fence gives_up
    odd_numbers_and_swaps counts_to_eight remembers_the_count gives_way_to_a_dead_writer finishes_what_was_begun
    signs_with_its_id wakes_readers slots_overlap repairs_the_current_slot ring_off_by_one both_slots_look_empty
    second_attempt_unchecked readers_take_turns none_while_writing previous_while_writing yields_to_a_dead_writer
    mutex_of_the_writer publish_as_the_hint_says
}
