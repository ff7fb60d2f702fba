//! The machine that plays the words of a mapping, on litmus tests: what a load may find there, and what it never finds.

mod common;

use std::collections::BTreeSet;
use std::sync::atomic::Ordering::{self, AcqRel, Acquire, Relaxed, Release, SeqCst};

use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use mmap_workbook::observe::page_size;
use mmap_workbook::words::fence;
use mmap_workbook::words::machine::{Play, Wrote};

const DATA: usize = 0;
const FLAG: usize = 8;

/// What a reader may return that runs at the same time as these writers, which run one after the other.
fn outcomes<T: Ord>(writers: &[fn(&Mapping)], read: impl Fn(&Mapping) -> T) -> BTreeSet<T> {
    let page = Mapping::anonymous(page_size(), READ_WRITE, Sharing::Shared).expect("a page");
    let mut play = Play::begin();
    for write in writers {
        assert_eq!(play.write(None, || write(&page)), Wrote::All);
    }
    let mut outcomes = BTreeSet::new();
    let look = |outcome, _: &[_]| -> Result<(), ()> {
        outcomes.insert(outcome);
        Ok(())
    };
    assert!(play.read(0, 10_000, || read(&page), look).expect("no error").all);
    outcomes
}

/// The flag, then the data, as a reader finds them that loads the flag with this ordering.
fn flag_and_data(order: Ordering) -> impl Fn(&Mapping) -> (u64, u64) {
    move |page| (page.long_word(FLAG).load(order), page.long_word(DATA).load(Relaxed))
}

/// The flag without the data.
const STALE: (u64, u64) = (1, 0);

#[test]
fn release_and_acquire_pass_on_what_was_stored_before() {
    fn write(order: Ordering) -> fn(&Mapping) {
        match order {
            Release => |page| {
                page.long_word(DATA).store(1, Relaxed);
                page.long_word(FLAG).store(1, Release);
            },
            SeqCst => |page| {
                page.long_word(DATA).store(1, Relaxed);
                page.long_word(FLAG).store(1, SeqCst);
            },
            _ => |page| {
                page.long_word(DATA).store(1, Relaxed);
                page.long_word(FLAG).store(1, Relaxed);
            },
        }
    }
    for release in [Relaxed, Release, SeqCst] {
        for acquire in [Relaxed, Acquire, SeqCst] {
            let found = outcomes(&[write(release)], flag_and_data(acquire));
            let synchronised = release != Relaxed && acquire != Relaxed;
            assert_eq!(found.contains(&STALE), !synchronised, "{release:?} {acquire:?}");
            assert!([(0, 0), (0, 1), (1, 1)].iter().all(|outcome| found.contains(outcome)), "{found:?}");
        }
    }
}

#[test]
fn fences_do_for_the_accesses_around_them() {
    let with_fence: fn(&Mapping) = |page| {
        page.long_word(DATA).store(1, Relaxed);
        fence(Release);
        page.long_word(FLAG).store(1, Relaxed);
    };
    let read = |page: &Mapping| {
        let flag = page.long_word(FLAG).load(Relaxed);
        fence(Acquire);
        (flag, page.long_word(DATA).load(Relaxed))
    };
    assert!(!outcomes(&[with_fence], read).contains(&STALE));
    assert!(!outcomes(&[with_fence], flag_and_data(Acquire)).contains(&STALE));
    assert!(outcomes(&[with_fence], flag_and_data(Relaxed)).contains(&STALE), "only half of it");
    // On the wrong side, or of the wrong kind.
    let too_early: fn(&Mapping) = |page| {
        fence(Release);
        page.long_word(DATA).store(1, Relaxed);
        page.long_word(FLAG).store(1, Relaxed);
    };
    let wrong_kind: fn(&Mapping) = |page| {
        page.long_word(DATA).store(1, Relaxed);
        fence(Acquire);
        page.long_word(FLAG).store(1, Relaxed);
    };
    for write in [too_early, wrong_kind] {
        assert!(outcomes(&[write], read).contains(&STALE));
    }
}

#[test]
fn a_word_never_goes_back_whatever_the_orderings() {
    let write: fn(&Mapping) = |page| {
        for n in 1..4 {
            page.long_word(DATA).store(n, Relaxed);
        }
    };
    let found = outcomes(&[write], |page| [0; 3].map(|_| page.long_word(DATA).load(Relaxed)));
    assert!(found.iter().all(|found| found.is_sorted()) && found.contains(&[0, 2, 3]), "{found:?}");
}

#[test]
fn a_change_in_one_step_goes_on_with_what_was_released() {
    let writers: [fn(&Mapping); 2] = [
        |page| {
            page.long_word(DATA).store(1, Relaxed);
            page.long_word(FLAG).store(1, Release);
        },
        |page| assert_eq!(page.long_word(FLAG).fetch_add(1, Relaxed), 1),
    ];
    let found = outcomes(&writers, flag_and_data(Acquire));
    assert!(found.contains(&(2, 1)) && !found.contains(&(2, 0)) && !found.contains(&STALE), "{found:?}");
    let stored: [fn(&Mapping); 2] = [writers[0], |page| page.long_word(FLAG).store(2, Relaxed)];
    assert!(outcomes(&stored, flag_and_data(Acquire)).contains(&(2, 0)), "a plain store begins anew");
}

#[test]
fn the_methods_give_what_those_of_std_give() {
    let page = Mapping::anonymous(page_size(), READ_WRITE, Sharing::Shared).expect("a page");
    let all = || {
        let word = page.long_word(DATA);
        word.store(5, Relaxed);
        let changed = [
            word.swap(6, AcqRel),
            word.fetch_add(u64::MAX, AcqRel),
            word.fetch_sub(7, AcqRel),
            word.fetch_and(0xff, AcqRel),
            word.fetch_nand(0x0f, AcqRel),
            word.fetch_or(0x100, AcqRel),
            word.fetch_xor(0x111, AcqRel),
            word.fetch_max(9, AcqRel),
            word.fetch_min(8, AcqRel),
        ];
        let exchanged = [word.compare_exchange(8, 1, AcqRel, Acquire), word.compare_exchange(8, 2, AcqRel, Acquire)];
        let next = |old| (old < 2).then_some(old + 1);
        (changed, exchanged, [0; 2].map(|_| word.fetch_update(AcqRel, Acquire, next)), word.load(Acquire))
    };
    let of_std = all();
    let mut played = None;
    let mut play = Play::begin();
    play.write(None, || played = Some(all()));
    assert_eq!(played, Some(of_std));
}

#[test]
fn a_writer_that_is_killed_has_done_what_came_before() {
    let page = Mapping::anonymous(page_size(), READ_WRITE, Sharing::Shared).expect("a page");
    let write = || {
        page.long_word(DATA).store(1, Relaxed);
        fence(Release);
        page.long_word(FLAG).store(1, Relaxed);
    };
    for (killed, stored) in [(0, (0, 0)), (1, (0, 1)), (2, (0, 1)), (3, (1, 1))] {
        let mut play = Play::begin();
        let ended = play.write(Some(killed), write);
        assert_eq!(ended, if killed < 3 { Wrote::Killed } else { Wrote::All });
        drop(play);
        assert_eq!(flag_and_data(Relaxed)(&page), stored);
        page.long_word(DATA).store(0, Relaxed);
        page.long_word(FLAG).store(0, Relaxed);
    }
    let mut play = Play::begin();
    assert_eq!(play.write(None, || while page.long_word(FLAG).load(Relaxed) == 0 {}), Wrote::Waits);
}

#[test]
fn a_writer_that_is_killed_poisons_no_mutex() {
    let page = Mapping::anonymous(page_size(), READ_WRITE, Sharing::Shared).expect("a page");
    let mutex = std::sync::Mutex::new(());
    let ended = Play::begin().write(Some(0), || {
        let _held = mutex.lock();
        page.long_word(FLAG).store(1, Relaxed);
        // It sees what it has stored.
        assert_eq!(page.long_word(FLAG).load(Relaxed), 1);
    });
    assert_eq!((ended, mutex.is_poisoned(), page.long_word(FLAG).load(Relaxed)), (Wrote::Killed, false, 0));
}

#[test]
fn a_weak_exchange_fails_as_often_as_it_is_told_to() {
    let page = Mapping::anonymous(page_size(), READ_WRITE, Sharing::Shared).expect("a page");
    let word = page.long_word(DATA);
    let mut play = Play::begin();
    play.fail_weakly(2);
    let mut found = Vec::new();
    play.write(None, || {
        // What is not expected is no failure of that kind, nor does any other exchange have one.
        found.push(word.compare_exchange_weak(7, 1, Relaxed, Relaxed));
        found.extend([(); 3].map(|()| word.compare_exchange_weak(0, 1, Relaxed, Relaxed)));
        found.push(word.compare_exchange(1, 2, Relaxed, Relaxed));
    });
    assert_eq!(found, [Err(0), Err(0), Err(0), Ok(0), Ok(1)]);
}

/// What of the lesson's sequence lock is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct LeftOut {
    /// The writer's fence, between the odd number and the words.
    release: bool,
    /// The reader's fence, between the words and its second look. It uses this ordering for that look instead.
    acquire: Option<Ordering>,
    /// The sequence numbers: the reader looks again at how many messages were published.
    sequence: bool,
    /// The comparison of the number that the slot has with the one that was published.
    number: bool,
}

/// How many messages were published.
const PUBLISHED: usize = 0;

/// The sequence of the slot that this message is in, its number, and its text, which is its number again.
fn slot(number: u64) -> [usize; 3] {
    let start = 64 + usize::try_from(number % 2).expect("one of two") * 64;
    [start, start + 8, start + 16]
}

fn publish(page: &Mapping, left_out: LeftOut) {
    let number = page.long_word(PUBLISHED).load(Relaxed);
    let [sequence, words @ ..] = slot(number);
    let odd = page.long_word(sequence).load(Relaxed) | 1;
    if !left_out.sequence {
        page.long_word(sequence).store(odd, Relaxed);
    }
    if !left_out.release {
        fence(Release);
    }
    words.into_iter().for_each(|word| page.long_word(word).store(number, Relaxed));
    if !left_out.sequence {
        page.long_word(sequence).store(odd + 1, Release);
    }
    page.long_word(PUBLISHED).store(number + 1, Release);
}

/// The number and the text of the last message, or None if there is none or the reader was overtaken.
fn read(page: &Mapping, left_out: LeftOut) -> Option<(u64, u64)> {
    let acquire = |word: usize| page.long_word(word).load(Acquire);
    let published = acquire(PUBLISHED);
    let number = published.checked_sub(1)?;
    let [sequence, words @ ..] = slot(number);
    let watched = if left_out.sequence { PUBLISHED } else { sequence };
    let before = if left_out.sequence { published } else { acquire(sequence) };
    let [found, text] = words.map(|word| page.long_word(word).load(Relaxed));
    if left_out.acquire.is_none() {
        fence(Acquire);
    }
    let after = page.long_word(watched).load(left_out.acquire.unwrap_or(Relaxed));
    let is_odd = !left_out.sequence && before % 2 == 1;
    let is_another = !left_out.number && found != number;
    (before == after && !is_odd && !is_another).then_some((found, text))
}

/// Whether a read may be torn, and whether a second one may give an older message than the first.
fn torn_and_back(left_out: LeftOut) -> [bool; 2] {
    let page = Mapping::anonymous(page_size(), READ_WRITE, Sharing::Shared).expect("a page");
    let mut play = Play::begin();
    for _ in 0..4 {
        assert_eq!(play.write(None, || publish(&page, left_out)), Wrote::All);
    }
    let (mut torn, mut back) = (false, false);
    let look = |found: [Option<(u64, u64)>; 2], _: &[_]| -> Result<(), ()> {
        torn |= found.into_iter().flatten().any(|(number, text)| number != text);
        back |= matches!(found, [Some(first), Some(second)] if second.0 < first.0);
        Ok(())
    };
    let played = play.read(0, 1_000_000, || [(); 2].map(|()| read(&page, left_out)), look).expect("no error");
    assert!(played.all, "{left_out:?}: not all was tried");
    [torn, back]
}

#[test]
fn each_part_of_the_sequence_lock_is_needed_but_a_second_look_at_published_would_do_for_the_sequence() {
    let all = LeftOut::default();
    assert_eq!(torn_and_back(all), [false, false]);
    let [torn, _] = torn_and_back(LeftOut { release: true, ..all });
    assert!(torn, "the words move up past the odd number");
    for order in [Relaxed, Acquire] {
        let [torn, _] = torn_and_back(LeftOut { acquire: Some(order), ..all });
        assert!(torn, "{order:?}: the loads of the words move down past that of the sequence");
    }
    assert_eq!(torn_and_back(LeftOut { number: true, ..all }), [false, true]);
    let published = LeftOut { sequence: true, ..all };
    assert_eq!(torn_and_back(published), [false, false]);
    assert_eq!(torn_and_back(LeftOut { number: true, ..published }), [false, false]);
    assert!(torn_and_back(LeftOut { release: true, ..published })[0]);
    assert!(torn_and_back(LeftOut { acquire: Some(Acquire), ..published })[0]);
}
