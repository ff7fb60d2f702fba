use std::cell::Cell;
use std::sync::Mutex;
use std::sync::atomic::Ordering::{self, AcqRel, Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{self, AtomicBool, AtomicU32};

use mmap_workbook::lesson_2::Mapping;
use mmap_workbook::words::AtomicU64;

/// The loop of a right answer.
fn take(counter: &AtomicU64, limit: u64) -> Option<u64> {
    let mut taken = counter.load(Relaxed);
    while taken < limit {
        match counter.compare_exchange_weak(taken, taken + 1, Relaxed, Relaxed) {
            Ok(_) => return Some(taken),
            Err(now) => taken = now,
        }
    }
    None
}

/// Takes a number in a compare-exchange loop; right for a counter of 64 bits.
fn take_weakly(counter: &AtomicU64, limit: u64) -> Option<u64> {
    let mut seen = counter.load(Relaxed);
    while seen < limit {
        match counter.compare_exchange_weak(seen, seen + 1, Relaxed, Relaxed) {
            Ok(_) => return Some(seen),
            Err(now) => seen = now,
        }
    }
    None
}

/// Returns a constant.
///
/// fails: next_ticket::counts_up_to_the_limit_and_no_further failed
/// fails: next_ticket::gives_each_number_out_once failed
/// fails: next_ticket::gives_two_calls_different_numbers_wherever_they_stand failed
/// fails: next_ticket::keeps_counters_and_limits_apart failed
/// fails: next_ticket::tries_again_as_often_as_others_are_faster failed
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
/// fails: next_ticket::gives_two_calls_different_numbers_wherever_they_stand failed
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

/// The usual loop, with relaxed orderings: one counter alone needs no others.
///
/// passes
mod relaxed_exchange {
    use super::*;

    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
        take(page.long_word(at), limit)
    }
}

/// Never loads the counter, but guesses the last number and learns from the failed exchange what it is.
///
/// passes
mod guesses_first {
    use super::*;

    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
        let counter = page.long_word(at);
        let mut guess = limit.checked_sub(1)?;
        loop {
            match counter.compare_exchange(guess, guess + 1, AcqRel, Acquire) {
                Ok(_) => return Some(guess),
                Err(now) if now < limit => guess = now,
                Err(_) => return None,
            }
        }
    }
}

/// Takes the number with fetch_max: whoever raises the counter from `taken` has it, all others change nothing.
///
/// passes
mod raises_with_fetch_max {
    use super::*;

    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
        let counter = page.long_word(at);
        let mut taken = counter.load(Relaxed);
        while taken < limit {
            let before = counter.fetch_max(taken + 1, Relaxed);
            if before == taken {
                return Some(taken);
            }
            taken = before;
        }
        None
    }
}

/// Leaves the loop to the library, and calculates the address of the counter itself.
///
/// passes
mod library_loop_on_pointer {
    use super::*;

    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
        assert!(at.is_multiple_of(8) && at < page.range().len());
        let address = std::ptr::with_exposed_provenance_mut(page.address() + at);
        // SAFETY: eight bytes at a multiple of eight, mapped while `page` is borrowed, and accessed atomically only.
        let counter = unsafe { std::sync::atomic::AtomicU64::from_ptr(address) };
        counter.fetch_update(SeqCst, SeqCst, |taken| (taken < limit).then(|| taken.wrapping_add(1))).ok()
    }
}

/// Loads and stores, so two processes that load the same value both return it.
///
/// breaks: "No number is returned twice."
/// fails: next_ticket::gives_each_number_out_once failed load-and-store-is-one-step
/// fails: next_ticket::gives_two_calls_different_numbers_wherever_they_stand failed
mod load_then_store {
    use super::*;

    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
        let counter = page.long_word(at);
        let taken = counter.load(SeqCst);
        if taken >= limit {
            return None;
        }
        counter.store(taken + 1, SeqCst);
        Some(taken)
    }
}

/// Adds first and compares afterwards, so each call after the last number raises the counter further.
///
/// breaks: "The counter never exceeds `limit`, not even for a moment, and it never decreases."
/// fails: next_ticket::counts_up_to_the_limit_and_no_further failed
/// fails: next_ticket::gives_each_number_out_once failed
/// fails: next_ticket::gives_two_calls_different_numbers_wherever_they_stand failed
/// fails: next_ticket::keeps_counters_and_limits_apart failed
mod adds_unconditionally {
    use super::*;

    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
        let taken = page.long_word(at).fetch_add(1, SeqCst);
        (taken < limit).then_some(taken)
    }
}

/// Takes back an increment that went too far, so the counter is too high for a moment, or for good if it is killed.
///
/// breaks: "The counter never exceeds `limit`, not even for a moment, and it never decreases."
/// fails: next_ticket::gives_each_number_out_once failed overshoot-is-repaired
mod takes_it_back {
    use super::*;

    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
        let counter = page.long_word(at);
        if counter.load(SeqCst) > limit {
            return None;
        }
        let taken = counter.fetch_add(1, SeqCst);
        if taken < limit {
            return Some(taken);
        }
        counter.fetch_sub(1, SeqCst);
        None
    }
}

/// Checks the limit before the addition, but others may take the last number between the two.
///
/// breaks: "The counter never exceeds `limit`, not even for a moment, and it never decreases."
/// fails: next_ticket::gives_each_number_out_once failed
/// fails: next_ticket::gives_two_calls_different_numbers_wherever_they_stand failed
mod checks_then_adds {
    use super::*;

    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
        let counter = page.long_word(at);
        if counter.load(Acquire) >= limit {
            return None;
        }
        Some(counter.fetch_add(1, AcqRel))
    }
}

/// Checks the limit before the loop only, not for the value that a failed exchange finds.
///
/// breaks: "When `limit` numbers have been taken, the result is None."
/// fails: next_ticket::gives_each_number_out_once failed
/// fails: next_ticket::gives_two_calls_different_numbers_wherever_they_stand failed
mod checks_before_loop_only {
    use super::*;

    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
        let counter = page.long_word(at);
        let mut taken = counter.load(Relaxed);
        if taken >= limit {
            return None;
        }
        while let Err(now) = counter.compare_exchange_weak(taken, taken + 1, Relaxed, Relaxed) {
            taken = now;
        }
        Some(taken)
    }
}

/// Takes the limit for the last number, and so gives out one number too many.
///
/// breaks: "The counter never exceeds `limit`, not even for a moment, and it never decreases."
/// fails: next_ticket::counts_up_to_the_limit_and_no_further failed
/// fails: next_ticket::gives_each_number_out_once failed
/// fails: next_ticket::gives_two_calls_different_numbers_wherever_they_stand failed
/// fails: next_ticket::keeps_counters_and_limits_apart failed
/// fails: next_ticket::survives_a_weak_exchange_that_fails failed
mod limit_is_last_number {
    use super::*;

    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
        let counter = page.long_word(at);
        counter.fetch_update(SeqCst, SeqCst, |taken| (taken <= limit).then(|| taken.wrapping_add(1))).ok()
    }
}

/// Returns the counter after the increment, so the numbers begin with 1.
///
/// breaks: "so the first number is 0"
/// fails: next_ticket::counts_up_to_the_limit_and_no_further failed
/// fails: next_ticket::gives_each_number_out_once failed
/// fails: next_ticket::gives_two_calls_different_numbers_wherever_they_stand failed
/// fails: next_ticket::keeps_counters_and_limits_apart failed
/// fails: next_ticket::survives_a_weak_exchange_that_fails failed
/// fails: next_ticket::tries_again_as_often_as_others_are_faster failed
mod returns_new_count {
    use super::*;

    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
        take(page.long_word(at), limit).map(|taken| taken + 1)
    }
}

/// Stops only when the counter equals the limit, and goes on counting from a value beyond it.
///
/// breaks: "A counter that already exceeds `limit` keeps its value, and the result is None."
/// fails: next_ticket::counts_up_to_the_limit_and_no_further failed
mod stops_at_equality {
    use super::*;

    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
        let counter = page.long_word(at);
        counter.fetch_update(SeqCst, SeqCst, |taken| (taken != limit).then(|| taken.wrapping_add(1))).ok()
    }
}

/// Repairs a counter that is too high.
///
/// breaks: "A counter that already exceeds `limit` keeps its value, and the result is None."
/// fails: next_ticket::counts_up_to_the_limit_and_no_further failed
mod clamps_to_limit {
    use super::*;

    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
        let counter = page.long_word(at);
        counter.fetch_min(limit, Relaxed);
        take(counter, limit)
    }
}

/// Gives up after one failed exchange, and says that there are no numbers left.
///
/// breaks: "Any number of processes and threads call it at the same time, on shared mappings of the same page."
/// fails: next_ticket::gives_each_number_out_once failed
/// fails: next_ticket::gives_two_calls_different_numbers_wherever_they_stand failed
/// fails: next_ticket::tries_again_as_often_as_others_are_faster failed
mod one_attempt {
    use super::*;

    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
        let counter = page.long_word(at);
        let taken = counter.load(Acquire);
        if taken >= limit {
            return None;
        }
        counter.compare_exchange(taken, taken + 1, AcqRel, Relaxed).ok()
    }
}

/// Has a mutex in a static, which each process has for itself.
///
/// breaks: "No number is returned twice."
/// fails: next_ticket::gives_each_number_out_once failed load-and-store-is-one-step
/// fails: next_ticket::gives_two_calls_different_numbers_wherever_they_stand failed
mod mutex_of_one_process {
    use super::*;

    static LOCK: Mutex<()> = Mutex::new(());

    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
        let _guard = LOCK.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let counter = page.long_word(at);
        let taken = counter.load(Relaxed);
        if taken >= limit {
            return None;
        }
        counter.store(taken + 1, Relaxed);
        Some(taken)
    }
}

/// Counts in the first four bytes, so the numbers start again after 2^32.
///
/// breaks: "the `u64` at byte `at` of `page`, in native byte order"
/// fails: next_ticket::counts_up_to_the_limit_and_no_further failed
mod half_the_counter {
    use super::*;

    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
        let counter: &AtomicU32 = page.word(at);
        let next = |taken: u32| (u64::from(taken) < limit).then(|| taken.wrapping_add(1));
        counter.fetch_update(SeqCst, SeqCst, next).ok().map(u64::from)
    }
}

/// Compares as signed numbers, so no number is left when the limit is 2^63 or more.
///
/// breaks: "When `limit` numbers have been taken, the result is None."
/// fails: next_ticket::counts_up_to_the_limit_and_no_further failed
mod signed_limit {
    use super::*;

    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
        let counter = page.long_word(at);
        let next = |taken: u64| (taken.cast_signed() < limit.cast_signed()).then(|| taken + 1);
        counter.fetch_update(AcqRel, Acquire, next).ok()
    }
}

/// Loads the counter byte by byte: halfway through a carry it seems far too high, and the call returns None.
///
/// breaks: "When `limit` numbers have been taken, the result is None."
/// fails: next_ticket::gives_each_number_out_once failed
mod loads_byte_by_byte {
    use super::*;

    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
        let counter = page.long_word(at);
        loop {
            let mut bytes = [0; 8];
            page.read(at, &mut bytes);
            let taken = u64::from_ne_bytes(bytes);
            if taken >= limit {
                return None;
            }
            if counter.compare_exchange(taken, taken + 1, AcqRel, Relaxed).is_ok() {
                return Some(taken);
            }
        }
    }
}

/// Takes eight numbers at a time and keeps seven for the next calls, which are lost if the process is killed.
///
/// breaks: "A process that is killed inside the call loses at most one number, which it was about to return."
/// fails: next_ticket::counts_up_to_the_limit_and_no_further failed
/// fails: next_ticket::gives_each_number_out_once failed
/// fails: next_ticket::gives_two_calls_different_numbers_wherever_they_stand failed
/// fails: next_ticket::keeps_counters_and_limits_apart failed
mod takes_eight_in_advance {
    use super::*;

    static STOCK: Mutex<(u64, u64)> = Mutex::new((0, 0));

    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
        let mut stock = STOCK.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if stock.0 == stock.1 {
            let more = |taken: u64| (taken < limit).then(|| taken.saturating_add(8).min(limit));
            let first = page.long_word(at).fetch_update(SeqCst, SeqCst, more).ok()?;
            *stock = (first, first.saturating_add(8).min(limit));
        }
        stock.0 += 1;
        Some(stock.0 - 1)
    }
}

/// Remembers in a static that there are no numbers left, for every counter and every limit.
///
/// breaks: "When `limit` numbers have been taken, the result is None."
/// fails: next_ticket::gives_each_number_out_once failed
/// fails: next_ticket::gives_two_calls_different_numbers_wherever_they_stand failed
/// fails: next_ticket::keeps_counters_and_limits_apart failed
mod remembers_the_end {
    use super::*;

    static SOLD_OUT: AtomicBool = AtomicBool::new(false);

    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
        if SOLD_OUT.load(Relaxed) {
            return None;
        }
        let number = take(page.long_word(at), limit);
        SOLD_OUT.store(number.is_none(), Relaxed);
        number
    }
}

/// Counts at the start of the page, wherever the counter is.
///
/// breaks: "the `u64` at byte `at` of `page`"
/// fails: next_ticket::counts_up_to_the_limit_and_no_further failed
/// fails: next_ticket::gives_each_number_out_once failed
/// fails: next_ticket::gives_two_calls_different_numbers_wherever_they_stand failed
/// fails: next_ticket::keeps_counters_and_limits_apart failed
mod always_at_zero {
    use super::*;

    pub fn next_ticket(page: &Mapping, _at: usize, limit: u64) -> Option<u64> {
        take(page.long_word(0), limit)
    }
}

/// Keeps the counter in network byte order.
///
/// breaks: "in native byte order"
/// fails: next_ticket::counts_up_to_the_limit_and_no_further failed
/// fails: next_ticket::gives_each_number_out_once failed
/// fails: next_ticket::gives_two_calls_different_numbers_wherever_they_stand failed
/// fails: next_ticket::keeps_counters_and_limits_apart failed
/// fails: next_ticket::survives_a_weak_exchange_that_fails failed
/// fails: next_ticket::tries_again_as_often_as_others_are_faster failed
mod network_byte_order {
    use super::*;

    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
        let next = |word: u64| {
            let taken = u64::from_be(word);
            (taken < limit).then(|| (taken + 1).to_be())
        };
        page.long_word(at).fetch_update(SeqCst, SeqCst, next).ok().map(u64::from_be)
    }
}

/// Nothing unusual: compare and exchange, with relaxed orderings.
///
/// passes
mod compare_and_exchange {
    use super::*;

    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
        let counter = page.long_word(at);
        let mut number = counter.load(Relaxed);
        while number < limit {
            match counter.compare_exchange_weak(number, number + 1, Relaxed, Relaxed) {
                Ok(_) => return Some(number),
                Err(now) => number = now,
            }
        }
        None
    }
}

/// Takes the number with fetch_max, which changes the counter only if nobody else has incremented it meanwhile.
///
/// passes
mod maximum_as_exchange {
    use super::*;

    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
        let counter = page.long_word(at);
        let mut number = counter.load(Relaxed);
        loop {
            if number >= limit {
                return None;
            }
            let before = counter.fetch_max(number + 1, Relaxed);
            if before == number {
                return Some(number);
            }
            number = before;
        }
    }
}

/// Never loads the counter: it guesses 0, and a failed exchange tells it the value.
///
/// passes
mod guesses_zero {
    use super::*;

    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
        let counter = page.long_word(at);
        let mut guess = 0;
        while guess < limit {
            match counter.compare_exchange(guess, guess + 1, Release, Relaxed) {
                Ok(taken) => return Some(taken),
                Err(value) => guess = value,
            }
        }
        None
    }
}

/// Increments first, and takes the increment back when it was too much.
///
/// breaks: "The counter never exceeds `limit`, not even for a moment, and it never decreases."
/// fails: next_ticket::gives_each_number_out_once failed overshoot-is-repaired
mod takes_back {
    use super::*;

    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
        let counter = page.long_word(at);
        let number = counter.fetch_add(1, SeqCst);
        if number < limit {
            return Some(number);
        }
        counter.fetch_sub(1, SeqCst);
        None
    }
}

/// Checks the limit with a load, and then adds in any case.
///
/// breaks: "The counter never exceeds `limit`, not even for a moment"
/// fails: next_ticket::gives_each_number_out_once failed
/// fails: next_ticket::gives_two_calls_different_numbers_wherever_they_stand failed
mod checks_then_adds_2 {
    use super::*;

    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
        let counter = page.long_word(at);
        if counter.load(SeqCst) >= limit {
            return None;
        }
        let number = counter.fetch_add(1, SeqCst);
        (number < limit).then_some(number)
    }
}

/// Compares with the limit once, and not again with the value that a failed exchange returns.
///
/// breaks: "The counter never exceeds `limit`, not even for a moment"
/// fails: next_ticket::gives_each_number_out_once failed
/// fails: next_ticket::gives_two_calls_different_numbers_wherever_they_stand failed
mod checks_before_the_loop {
    use super::*;

    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
        let counter = page.long_word(at);
        let mut number = counter.load(Acquire);
        if number >= limit {
            return None;
        }
        while let Err(now) = counter.compare_exchange(number, number + 1, AcqRel, Acquire) {
            number = now;
        }
        Some(number)
    }
}

/// Takes a failed exchange for the end of the numbers.
///
/// breaks: "The result is None only if the counter was `limit` or more at some moment of the call."
/// fails: next_ticket::gives_each_number_out_once failed
/// fails: next_ticket::gives_two_calls_different_numbers_wherever_they_stand failed
/// fails: next_ticket::tries_again_as_often_as_others_are_faster failed
mod one_exchange {
    use super::*;

    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
        let counter = page.long_word(at);
        let number = counter.load(Relaxed);
        if number >= limit {
            return None;
        }
        counter.compare_exchange(number, number + 1, Relaxed, Relaxed).ok()
    }
}

/// Looks only for the counter to be equal to the limit.
///
/// breaks: "A counter that already exceeds `limit` keeps its value, and the result is None."
/// fails: next_ticket::counts_up_to_the_limit_and_no_further failed
mod equal_to_the_limit {
    use super::*;

    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
        let counter = page.long_word(at);
        let next = |number: u64| if number == limit { None } else { number.checked_add(1) };
        counter.fetch_update(Relaxed, Relaxed, next).ok()
    }
}

/// Clamps the counter to the limit, also one that was above it.
///
/// breaks: "A counter that already exceeds `limit` keeps its value"
/// fails: next_ticket::counts_up_to_the_limit_and_no_further failed
mod clamps {
    use super::*;

    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
        let counter = page.long_word(at);
        let next = |number: u64| Some(number.saturating_add(1).min(limit));
        let number = counter.fetch_update(AcqRel, Acquire, next).unwrap_or(limit);
        (number < limit).then_some(number)
    }
}

/// Compares as signed numbers.
///
/// breaks: "The counter is the number of numbers taken so far [...] When `limit` numbers have been taken, the result is None."
/// fails: next_ticket::counts_up_to_the_limit_and_no_further failed
mod signed_comparison {
    use super::*;

    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
        let counter = page.long_word(at);
        let next = |number: u64| (number.cast_signed() < limit.cast_signed()).then(|| number + 1);
        counter.fetch_update(Relaxed, Relaxed, next).ok()
    }
}

/// Uses four of the eight bytes while the number is small.
///
/// breaks: "the `u64` at byte `at` of `page`, in native byte order"
/// fails: next_ticket::counts_up_to_the_limit_and_no_further failed
mod half_the_word {
    use super::*;

    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
        let counter = page.word(at);
        let next = |number: u32| if u64::from(number) < limit { Some(number.wrapping_add(1)) } else { None };
        counter.fetch_update(Relaxed, Relaxed, next).ok().map(u64::from)
    }
}

/// Subtracts 1 from a limit that may be 0.
///
/// breaks: "When `limit` numbers have been taken, the result is None."
/// fails: next_ticket::counts_up_to_the_limit_and_no_further failed
mod last_number_of_none {
    use super::*;

    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
        let last = limit.wrapping_sub(1);
        let next = |number: u64| (number <= last && number != u64::MAX).then(|| number + 1);
        page.long_word(at).fetch_update(Relaxed, Relaxed, next).ok()
    }
}

/// Looks at the counter byte by byte first, "to save an exchange", and so may see a number that never was there.
///
/// breaks: "The result is None only if the counter was `limit` or more at some moment of the call."
/// fails: next_ticket::gives_each_number_out_once failed
mod torn_first_look {
    use super::*;

    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
        let mut bytes = [0; 8];
        page.read(at, &mut bytes);
        if u64::from_ne_bytes(bytes) >= limit {
            return None;
        }
        let next = |number: u64| (number < limit).then(|| number + 1);
        page.long_word(at).fetch_update(Relaxed, Relaxed, next).ok()
    }
}

/// Takes four numbers at a time from the shared page, and keeps three of them for the thread's next calls.
///
/// breaks: "a call takes one number only, and returns it"
/// fails: next_ticket::gives_each_number_out_once failed
/// fails: next_ticket::gives_two_calls_different_numbers_wherever_they_stand failed
/// fails: next_ticket::keeps_counters_and_limits_apart failed
mod takes_a_block {
    use super::*;

    thread_local!(static MINE: Cell<(usize, u64, u64)> = const { Cell::new((0, 0, 0)) });

    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
        let place = page.address() + at;
        let (owner, mut from, mut to) = MINE.get();
        if owner != place || from == to {
            let next = |number: u64| (number < limit).then(|| limit.min(number.saturating_add(4)));
            from = page.long_word(at).fetch_update(Relaxed, Relaxed, next).ok()?;
            to = limit.min(from.saturating_add(4));
        }
        MINE.set((place, from + 1, to));
        Some(from)
    }
}

/// Remembers that the numbers are used up, though another counter, or a higher limit, has more.
///
/// breaks: "The result is None only if the counter was `limit` or more at some moment of the call."
/// fails: next_ticket::gives_each_number_out_once failed
/// fails: next_ticket::gives_two_calls_different_numbers_wherever_they_stand failed
/// fails: next_ticket::keeps_counters_and_limits_apart failed
mod remembers_the_end_2 {
    use super::*;

    static USED_UP: AtomicBool = AtomicBool::new(false);

    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
        if USED_UP.load(Relaxed) {
            return None;
        }
        let next = |number: u64| (number < limit).then(|| number + 1);
        let number = page.long_word(at).fetch_update(Relaxed, Relaxed, next).ok();
        USED_UP.store(number.is_none(), Relaxed);
        number
    }
}

/// Stores what was there before when it was not first, and so takes the counter back.
///
/// breaks: "it never decreases"
/// fails: next_ticket::gives_each_number_out_once failed load-and-store-is-one-step
mod swaps_and_repairs {
    use super::*;

    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
        let counter = page.long_word(at);
        loop {
            let number = counter.load(SeqCst);
            if number >= limit {
                return None;
            }
            let before = counter.swap(number + 1, SeqCst);
            if before == number {
                return Some(number);
            }
            counter.fetch_max(before, SeqCst);
        }
    }
}

/// Gives up after sixteen exchanges that others have won.
///
/// breaks: "The result is None only if the counter was `limit` or more at some moment of the call."
/// fails: next_ticket::gives_each_number_out_once failed
/// fails: next_ticket::tries_again_as_often_as_others_are_faster failed
mod sixteen_attempts {
    use super::*;

    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
        let counter = page.long_word(at);
        for _ in 0..16 {
            let number = counter.load(Relaxed);
            if number >= limit {
                return None;
            }
            if counter.compare_exchange(number, number + 1, Relaxed, Relaxed).is_ok() {
                return Some(number);
            }
        }
        None
    }
}

/// Goes on to the next number when a weak exchange fails, which may fail though the counter is as expected.
///
/// breaks: "The result is None only if the counter was `limit` or more at some moment of the call."
/// fails: next_ticket::survives_a_weak_exchange_that_fails failed
mod steps_past_a_weak_failure {
    use super::*;

    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
        let counter = page.long_word(at);
        let first = counter.load(Relaxed);
        (first..limit).find(|&number| counter.compare_exchange_weak(number, number + 1, Relaxed, Relaxed).is_ok())
    }
}

/// Asks the counter again for the number that its own exchange has taken.
///
/// breaks: "No number is returned twice."
/// fails: next_ticket::gives_each_number_out_once failed
/// fails: next_ticket::gives_two_calls_different_numbers_wherever_they_stand failed
mod loads_again {
    use super::*;

    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
        let counter = page.long_word(at);
        let next = |number: u64| (number < limit).then(|| number + 1);
        counter.fetch_update(SeqCst, SeqCst, next).ok()?;
        Some(counter.load(SeqCst) - 1)
    }
}

/// Never loads: guesses 0, and lets a failed exchange say what the counter is.
///
/// passes
mod guesses_zero_first {
    use super::*;

    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
        let counter = page.long_word(at);
        let mut seen = 0;
        while seen < limit {
            match counter.compare_exchange(seen, seen + 1, SeqCst, Acquire) {
                Ok(_) => return Some(seen),
                Err(now) => seen = now,
            }
        }
        None
    }
}

/// Loads and stores, each atomic, but not both together.
///
/// breaks: "No number is returned twice."
/// fails: next_ticket::gives_each_number_out_once failed load-and-store-is-one-step
/// fails: next_ticket::gives_two_calls_different_numbers_wherever_they_stand failed
mod loads_and_stores {
    use super::*;

    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
        let counter = page.long_word(at);
        let number = counter.load(Acquire);
        if number >= limit {
            return None;
        }
        counter.store(number + 1, Release);
        Some(number)
    }
}

/// After a failed exchange it looks at the new value for a number, but compares with the limit only at the start.
///
/// breaks: "The counter never exceeds `limit`, not even for a moment, and it never decreases."
/// fails: next_ticket::gives_each_number_out_once failed
/// fails: next_ticket::gives_two_calls_different_numbers_wherever_they_stand failed
mod checks_limit_once {
    use super::*;

    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
        let counter = page.long_word(at);
        let mut seen = counter.load(Relaxed);
        if seen >= limit {
            return None;
        }
        while let Err(now) = counter.compare_exchange_weak(seen, seen + 1, Relaxed, Relaxed) {
            seen = now;
        }
        Some(seen)
    }
}

/// Stops only at a counter that is exactly the limit.
///
/// breaks: "A counter that already exceeds `limit` keeps its value, and the result is None."
/// fails: next_ticket::counts_up_to_the_limit_and_no_further failed
mod stops_only_at_equality {
    use super::*;

    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
        let counter = page.long_word(at);
        let mut seen = counter.load(Relaxed);
        while seen != limit {
            match counter.compare_exchange_weak(seen, seen.wrapping_add(1), Relaxed, Relaxed) {
                Ok(_) => return Some(seen),
                Err(now) => seen = now,
            }
        }
        None
    }
}

/// Counts in the low half of the word only (on a little-endian machine).
///
/// breaks: "the `u64` at byte `at` of `page`, in native byte order"
/// fails: next_ticket::counts_up_to_the_limit_and_no_further failed
mod counts_in_four_bytes {
    use super::*;

    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
        let counter = page.word(at);
        let mut seen = counter.load(Relaxed);
        while u64::from(seen) < limit {
            match counter.compare_exchange_weak(seen, seen.wrapping_add(1), Relaxed, Relaxed) {
                Ok(_) => return Some(u64::from(seen)),
                Err(now) => seen = now,
            }
        }
        None
    }
}

/// Compares as signed numbers: a limit of 2^63 or more is negative.
///
/// breaks: "The result is None only if the counter was `limit` or more at some moment of the call."
/// fails: next_ticket::counts_up_to_the_limit_and_no_further panicked
mod signed_difference {
    use super::*;

    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
        let counter = page.long_word(at);
        let mut seen = counter.load(Relaxed);
        while seen.cast_signed() - limit.cast_signed() < 0 {
            match counter.compare_exchange_weak(seen, seen + 1, Relaxed, Relaxed) {
                Ok(_) => return Some(seen),
                Err(now) => seen = now,
            }
        }
        None
    }
}

/// Computes the last number as `limit - 1`, which panics in a debug build when the limit is 0.
///
/// breaks: "When `limit` numbers have been taken, the result is None."
/// fails: next_ticket::counts_up_to_the_limit_and_no_further panicked
mod limit_minus_one {
    use super::*;

    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
        let counter = page.long_word(at);
        let last = limit.checked_sub(1).expect("a limit is at least 1");
        let mut seen = counter.load(Relaxed);
        while seen <= last {
            match counter.compare_exchange_weak(seen, seen + 1, Relaxed, Relaxed) {
                Ok(_) => return Some(seen),
                Err(now) => seen = now,
            }
        }
        None
    }
}

/// Returns the number of a failed exchange as if it were its own.
///
/// breaks: "No number is returned twice."
/// fails: next_ticket::gives_each_number_out_once failed load-and-store-is-one-step
/// fails: next_ticket::gives_two_calls_different_numbers_wherever_they_stand failed
/// fails: next_ticket::tries_again_as_often_as_others_are_faster failed
mod keeps_the_loser_s_number {
    use super::*;

    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
        let counter = page.long_word(at);
        let seen = counter.load(Relaxed);
        if seen >= limit {
            return None;
        }
        let number = counter.compare_exchange(seen, seen + 1, AcqRel, Acquire).unwrap_or_else(|now| now);
        (number < limit).then_some(number)
    }
}

/// Uses the word after the counter as a spin lock, which a killed process keeps.
///
/// breaks: "A process that is stopped or killed inside the call never makes another process wait."
/// fails: next_ticket::gives_each_number_out_once failed load-and-store-is-one-step
/// fails: next_ticket::gives_two_calls_different_numbers_wherever_they_stand timed_out
/// fails: next_ticket::keeps_counters_and_limits_apart timed_out
/// fails: next_ticket::makes_no_other_process_wait_when_it_is_stopped_or_killed timed_out others-go-on
mod spin_lock_beside {
    use super::*;

    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
        let lock = page.long_word(if at >= 8 { at - 8 } else { at + 8 });
        while lock.compare_exchange_weak(0, 1, Acquire, Relaxed).is_err() {
            std::hint::spin_loop();
        }
        let counter = page.long_word(at);
        let number = counter.load(Relaxed);
        if number < limit {
            counter.store(number + 1, Relaxed);
        }
        lock.store(0, Release);
        (number < limit).then_some(number)
    }
}

/// Remembers that a limit has been reached, and doesn't look at the counter again for any limit up to that one.
///
/// breaks: "The result is None only if the counter was `limit` or more at some moment of the call."
/// fails: next_ticket::gives_each_number_out_once failed
/// fails: next_ticket::keeps_counters_and_limits_apart failed
mod remembers_exhaustion {
    use super::*;

    static EXHAUSTED: atomic::AtomicU64 = atomic::AtomicU64::new(0);

    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
        if limit <= EXHAUSTED.load(Relaxed) {
            return None; // The counter never decreases: it is still exhausted.
        }
        let number = take_weakly(page.long_word(at), limit);
        if number.is_none() {
            EXHAUSTED.fetch_max(limit, Relaxed);
        }
        number
    }
}

/// Gives up after a hundred failed exchanges.
///
/// breaks: "The result is None only if the counter was `limit` or more at some moment of the call."
/// fails: next_ticket::tries_again_as_often_as_others_are_faster failed
mod a_hundred_attempts {
    use super::*;

    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
        let counter = page.long_word(at);
        for _ in 0..100 {
            let number = counter.load(Acquire);
            if number >= limit {
                return None;
            }
            if counter.compare_exchange(number, number + 1, AcqRel, Acquire).is_ok() {
                return Some(number);
            }
        }
        None
    }
}

/// Stores the same value again when there is no number left.
///
/// passes
mod stores_what_is_there {
    use super::*;

    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
        let step = |taken: u64| Some(if taken < limit { taken + 1 } else { taken });
        page.long_word(at).fetch_update(AcqRel, Acquire, step).ok().filter(|taken| *taken < limit)
    }
}

/// Begins with the value that it saw last, though that may be another counter's.
///
/// breaks: "The result is None only if the counter was `limit` or more at some moment of the call."
/// fails: next_ticket::gives_each_number_out_once failed
/// fails: next_ticket::keeps_counters_and_limits_apart failed
mod guesses_from_another_counter {
    use super::*;

    static LAST: atomic::AtomicU64 = atomic::AtomicU64::new(0);

    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
        let counter = page.long_word(at);
        let mut taken = LAST.load(Relaxed);
        while taken < limit {
            match counter.compare_exchange(taken, taken + 1, Relaxed, Relaxed) {
                Ok(_) => {
                    LAST.store(taken + 1, Relaxed);
                    return Some(taken);
                }
                Err(found) => taken = found,
            }
        }
        None
    }
}

/// Adds with wrapping_add before it compares: a counter of u64::MAX starts again at 0.
///
/// breaks: "The counter never exceeds `limit`, not even for a moment, and it never decreases."
/// fails: next_ticket::counts_up_to_the_limit_and_no_further failed
mod wraps_at_the_end {
    use super::*;

    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
        let step = |taken: u64| Some(taken.wrapping_add(1)).filter(|next| *next <= limit);
        page.long_word(at).fetch_update(Relaxed, Relaxed, step).ok()
    }
}

/// Takes the number in the low half, and carries into the high half in another step.
///
/// breaks: "No number is returned twice."
/// fails: next_ticket::gives_each_number_out_once failed
/// fails: next_ticket::gives_two_calls_different_numbers_wherever_they_stand failed
mod carries_in_two_steps {
    use super::*;

    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
        let taken = page.long_word(at).load(SeqCst);
        if taken >= limit {
            return None;
        }
        let (low, high) = if cfg!(target_endian = "little") { (at, at + 4) } else { (at + 4, at) };
        let number = page.word(low).fetch_add(1, SeqCst);
        if number == u32::MAX {
            page.word(high).fetch_add(1, SeqCst);
        }
        Some(taken & !u64::from(u32::MAX) | u64::from(number))
    }
}

/// Refuses the last eight bytes of the page, by an off-by-one in its check.
///
/// breaks: "`at` is a multiple of 8, and the counter lies within `page`, which may have several pages."
/// fails: next_ticket::counts_up_to_the_limit_and_no_further failed
mod refuses_the_last_word {
    use super::*;

    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
        if at + 8 >= page.length() {
            return None;
        }
        take(page.long_word(at), limit)
    }
}

/// Keeps the counter within the first page, whatever the mapping has.
///
/// breaks: "`at` is a multiple of 8, and the counter lies within `page`, which may have several pages."
/// fails: next_ticket::counts_up_to_the_limit_and_no_further failed
mod within_the_first_page {
    use super::*;

    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
        take(page.long_word(at % mmap_workbook::observe::page_size()), limit)
    }
}

/// Stays with the limit of the first call.
///
/// breaks: "Calls may pass different limits: each keeps to its own."
/// fails: next_ticket::gives_each_number_out_once failed
/// fails: next_ticket::gives_two_calls_different_numbers_wherever_they_stand failed
/// fails: next_ticket::keeps_counters_and_limits_apart failed
mod first_limit_for_all {
    use super::*;

    static LIMIT: std::sync::OnceLock<u64> = std::sync::OnceLock::new();

    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
        take(page.long_word(at), *LIMIT.get_or_init(|| limit))
    }
}

/// Follows the last hint, line by line.
///
/// passes
mod next_ticket_as_the_hint_says {
    use super::*;

    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64> {
        let next = |taken: u64| if taken < limit { Some(taken + 1) } else { None };
        page.long_word(at).fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).ok()
    }
}

one_of! {
    pub fn next_ticket(page: &Mapping, at: usize, limit: u64) -> Option<u64>;
    always_the_first goes_beyond_and_back loads_then_stores relaxed_exchange guesses_first raises_with_fetch_max
    library_loop_on_pointer load_then_store adds_unconditionally takes_it_back checks_then_adds checks_before_loop_only
    limit_is_last_number returns_new_count stops_at_equality clamps_to_limit one_attempt mutex_of_one_process
    half_the_counter signed_limit loads_byte_by_byte takes_eight_in_advance remembers_the_end always_at_zero
    network_byte_order compare_and_exchange maximum_as_exchange guesses_zero takes_back checks_then_adds_2
    checks_before_the_loop one_exchange equal_to_the_limit clamps signed_comparison half_the_word last_number_of_none
    torn_first_look takes_a_block remembers_the_end_2 swaps_and_repairs sixteen_attempts steps_past_a_weak_failure
    loads_again guesses_zero_first loads_and_stores checks_limit_once stops_only_at_equality counts_in_four_bytes
    signed_difference limit_minus_one keeps_the_loser_s_number spin_lock_beside remembers_exhaustion a_hundred_attempts
    stores_what_is_there guesses_from_another_counter wraps_at_the_end carries_in_two_steps refuses_the_last_word
    within_the_first_page first_limit_for_all next_ticket_as_the_hint_says
}
