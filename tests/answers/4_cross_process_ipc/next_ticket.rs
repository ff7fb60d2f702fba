//! Answers to `next_ticket`, right and wrong.

use std::sync::atomic::Ordering;

use mmap_workbook::lesson_2::Mapping;

/// Returns a constant.
///
/// fails: next_ticket::counts_up_to_the_limit_and_no_further failed
/// fails: next_ticket::gives_each_number_out_once failed load-and-store-is-one-step
mod always_the_first {
    use super::*;

    pub fn next_ticket(_: &Mapping, _: usize, _: u64) -> Option<u64> {
        Some(0)
    }
}

/// Always increments the counter, and decrements it again when that was too much.
///
/// fails: next_ticket::gives_each_number_out_once failed overshoot-is-repaired
mod goes_beyond_and_back {
    use super::*;

    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
        let counter = page.long_word(at);
        let taken = counter.fetch_add(1, Ordering::Relaxed);
        if taken < limit {
            return Some(taken);
        }
        counter.fetch_sub(1, Ordering::Relaxed);
        None
    }
}

/// Increments the counter with a load and a store.
///
/// fails: next_ticket::gives_each_number_out_once failed load-and-store-is-one-step
mod loads_then_stores {
    use super::*;

    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
        let counter = page.long_word(at);
        let taken = counter.load(Ordering::SeqCst);
        if taken >= limit {
            return None;
        }
        counter.store(taken + 1, Ordering::SeqCst);
        Some(taken)
    }
}

/// Takes a lock in the page first, which a killed process never releases.
///
/// fails: next_ticket::makes_no_other_process_wait_when_it_is_killed timed_out others-go-on
/// fails: next_ticket::gives_each_number_out_once failed load-and-store-is-one-step
mod locks_with_a_word {
    use super::*;

    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
        let (lock, counter) = (page.long_word(at + 8), page.long_word(at));
        while lock.compare_exchange(0, 1, Ordering::Acquire, Ordering::Relaxed).is_err() {
            std::hint::spin_loop();
        }
        let taken = counter.load(Ordering::Relaxed);
        if taken < limit {
            counter.store(taken + 1, Ordering::Relaxed);
        }
        lock.store(0, Ordering::Release);
        (taken < limit).then_some(taken)
    }
}

one_of! {
    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64>;
    always_the_first goes_beyond_and_back loads_then_stores locks_with_a_word
}
