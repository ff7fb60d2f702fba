use std::ptr::null;
use std::sync::Mutex;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicU32, fence};
use std::time::Duration;

use mmap_workbook::lesson_2::Mapping;
use nix::errno::Errno;
use nix::libc;

/// Sleeps while the word has this value.
fn sleep(word: &AtomicU32, value: u32) -> Result<(), Errno> {
    sleep_as(libc::FUTEX_WAIT, word, value, null(), 0)
}

fn sleep_as(
    operation: i32,
    word: &AtomicU32,
    value: u32,
    limit: *const libc::timespec,
    mask: u32,
) -> Result<(), Errno> {
    // SAFETY: the kernel only loads the word, and the limit if there is one; both live through the call.
    let slept = unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), operation, value, limit, null::<u32>(), mask) };
    Errno::result(slept).map(drop)
}

/// Sleeps for a time at most.
fn sleep_for(word: &AtomicU32, value: u32, limit: Duration) {
    let limit = libc::timespec { tv_sec: 0, tv_nsec: limit.subsec_nanos().into() };
    let _ = sleep_as(libc::FUTEX_WAIT, word, value, &raw const limit, 0);
}

/// The loop of a right answer.
fn wait(bell: &AtomicU32, is_enough: impl Fn(u32) -> bool) {
    loop {
        let heard = bell.load(Acquire);
        if is_enough(heard) {
            return;
        }
        let _ = sleep(bell, heard);
    }
}

/// Returns at once.
///
/// fails: wait_for_rings::misses_no_ring_wherever_it_comes failed
/// fails: wait_for_rings::sleeps_again_until_it_has_rung_often_enough failed a-wake-up-is-news
/// fails: wait_for_rings::sleeps_where_other_processes_wake_it failed a-wake-up-is-news
mod never_sleeps {
    use super::*;

    pub fn wait_for_rings(_: &Mapping, _: usize, _: u32) {}
}

/// Sleeps once, and takes a wake-up for the last ring.
///
/// fails: wait_for_rings::misses_no_ring_wherever_it_comes failed a-wake-up-is-news
/// fails: wait_for_rings::sleeps_again_until_it_has_rung_often_enough failed a-wake-up-is-news
/// fails: wait_for_rings::sleeps_where_other_processes_wake_it failed a-wake-up-is-news
mod sleeps_once {
    use super::*;

    pub fn wait_for_rings(page: &Mapping, at: usize, rings: u32) {
        let bell = page.word(at);
        let heard = bell.load(Acquire);
        if heard < rings {
            let _ = sleep(bell, heard);
        }
    }
}

/// Waits until the bell has changed at all.
///
/// fails: wait_for_rings::misses_no_ring_wherever_it_comes failed
/// fails: wait_for_rings::sleeps_again_until_it_has_rung_often_enough failed a-wake-up-is-news
/// fails: wait_for_rings::sleeps_where_other_processes_wake_it failed a-wake-up-is-news
mod any_change {
    use super::*;

    pub fn wait_for_rings(page: &Mapping, at: usize, rings: u32) {
        let bell = page.word(at);
        let heard = bell.load(Acquire);
        while heard < rings && bell.load(Acquire) == heard {
            let _ = sleep(bell, heard);
        }
    }
}

/// Loads the bell once to compare it, and again for the kernel.
///
/// fails: wait_for_rings::misses_no_ring_wherever_it_comes failed
mod loads_twice {
    use super::*;

    pub fn wait_for_rings(page: &Mapping, at: usize, rings: u32) {
        let bell = page.word(at);
        while bell.load(Acquire) < rings {
            let _ = sleep(bell, bell.load(Relaxed));
        }
    }
}

/// Sleeps with FUTEX_PRIVATE_FLAG, as the threads of one process may.
///
/// fails: wait_for_rings::misses_no_ring_wherever_it_comes failed
/// fails: wait_for_rings::sleeps_where_other_processes_wake_it failed
mod private {
    use super::*;

    pub fn wait_for_rings(page: &Mapping, at: usize, rings: u32) {
        let bell = page.word(at);
        loop {
            let heard = bell.load(Acquire);
            if heard >= rings {
                return;
            }
            let _ = sleep_as(libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG, bell, heard, null(), 0);
        }
    }
}

/// Sleeps for a tenth of a second at most, and looks again.
///
/// fails: wait_for_rings::misses_no_ring_wherever_it_comes failed
mod a_tenth_of_a_second {
    use super::*;

    pub fn wait_for_rings(page: &Mapping, at: usize, rings: u32) {
        let bell = page.word(at);
        loop {
            let heard = bell.load(Acquire);
            if heard >= rings {
                return;
            }
            sleep_for(bell, heard, Duration::from_millis(100));
        }
    }
}

/// Sleeps twice as long each time, at most.
///
/// fails: wait_for_rings::misses_no_ring_wherever_it_comes failed
mod longer_each_time {
    use super::*;

    pub fn wait_for_rings(page: &Mapping, at: usize, rings: u32) {
        let bell = page.word(at);
        for doublings in 0.. {
            let heard = bell.load(Acquire);
            if heard >= rings {
                return;
            }
            sleep_for(bell, heard, Duration::from_micros(1 << doublings.min(16)));
        }
    }
}

/// Sleeps a millisecond between two looks.
///
/// fails: wait_for_rings::sleeps_again_until_it_has_rung_often_enough timed_out
/// fails: wait_for_rings::misses_no_ring_wherever_it_comes failed
/// fails: wait_for_rings::sleeps_where_other_processes_wake_it failed
mod naps {
    use super::*;

    pub fn wait_for_rings(page: &Mapping, at: usize, rings: u32) {
        while page.word(at).load(Acquire) < rings {
            // SAFETY: no descriptors.
            unsafe { libc::poll(std::ptr::null_mut(), 0, 1) };
        }
    }
}

/// Looks again and again.
///
/// fails: wait_for_rings::sleeps_again_until_it_has_rung_often_enough timed_out
/// fails: wait_for_rings::misses_no_ring_wherever_it_comes failed
/// fails: wait_for_rings::sleeps_where_other_processes_wake_it failed
mod spins {
    use super::*;

    pub fn wait_for_rings(page: &Mapping, at: usize, rings: u32) {
        while page.word(at).load(Acquire) < rings {
            std::hint::spin_loop();
        }
    }
}

/// Lets others run between two looks.
///
/// fails: wait_for_rings::sleeps_again_until_it_has_rung_often_enough timed_out
/// fails: wait_for_rings::misses_no_ring_wherever_it_comes failed
/// fails: wait_for_rings::sleeps_where_other_processes_wake_it failed
mod lets_others_run {
    use super::*;

    pub fn wait_for_rings(page: &Mapping, at: usize, rings: u32) {
        while page.word(at).load(Acquire) < rings {
            std::thread::yield_now();
        }
    }
}

/// Looks a hundred thousand times before it sleeps.
///
/// fails: wait_for_rings::misses_no_ring_wherever_it_comes failed
mod spins_for_long {
    use super::*;

    pub fn wait_for_rings(page: &Mapping, at: usize, rings: u32) {
        let bell = page.word(at);
        for _ in 0..100_000 {
            if bell.load(Acquire) >= rings {
                return;
            }
        }
        wait(bell, |heard| heard >= rings);
    }
}

/// Does not expect to be interrupted.
///
/// fails: wait_for_rings::sleeps_again_until_it_has_rung_often_enough panicked
mod dies_of_a_signal {
    use super::*;

    pub fn wait_for_rings(page: &Mapping, at: usize, rings: u32) {
        let bell = page.word(at);
        loop {
            let heard = bell.load(Acquire);
            if heard >= rings {
                return;
            }
            match sleep(bell, heard) {
                Ok(()) | Err(Errno::EAGAIN) => {}
                Err(errno) => panic!("{errno}"),
            }
        }
    }
}

/// Returns when a signal interrupts it.
///
/// fails: wait_for_rings::sleeps_again_until_it_has_rung_often_enough failed a-wake-up-is-news
mod gives_up_at_a_signal {
    use super::*;

    pub fn wait_for_rings(page: &Mapping, at: usize, rings: u32) {
        let bell = page.word(at);
        loop {
            let heard = bell.load(Acquire);
            if heard >= rings || sleep(bell, heard) == Err(Errno::EINTR) {
                return;
            }
        }
    }
}

/// Does not expect the bell to ring just before it sleeps.
///
/// fails: wait_for_rings::misses_no_ring_wherever_it_comes panicked
/// fails: wait_for_rings::sleeps_again_until_it_has_rung_often_enough panicked
mod dies_of_a_ring {
    use super::*;

    pub fn wait_for_rings(page: &Mapping, at: usize, rings: u32) {
        let bell = page.word(at);
        loop {
            let heard = bell.load(Acquire);
            if heard >= rings {
                return;
            }
            match sleep(bell, heard) {
                Ok(()) | Err(Errno::EINTR) => {}
                Err(errno) => panic!("{errno}"),
            }
        }
    }
}

/// Takes EAGAIN for the last ring.
///
/// fails: wait_for_rings::misses_no_ring_wherever_it_comes failed a-wake-up-is-news
/// fails: wait_for_rings::sleeps_again_until_it_has_rung_often_enough failed a-wake-up-is-news
mod returns_when_too_late {
    use super::*;

    pub fn wait_for_rings(page: &Mapping, at: usize, rings: u32) {
        let bell = page.word(at);
        loop {
            let heard = bell.load(Acquire);
            if heard >= rings || sleep(bell, heard) == Err(Errno::EAGAIN) {
                return;
            }
        }
    }
}

/// Takes 0 for the last ring.
///
/// fails: wait_for_rings::sleeps_again_until_it_has_rung_often_enough failed a-wake-up-is-news
/// fails: wait_for_rings::sleeps_where_other_processes_wake_it failed a-wake-up-is-news
mod trusts_success {
    use super::*;

    pub fn wait_for_rings(page: &Mapping, at: usize, rings: u32) {
        let bell = page.word(at);
        loop {
            let heard = bell.load(Acquire);
            if heard >= rings || sleep(bell, heard).is_ok() {
                return;
            }
        }
    }
}

/// Passes the number that it waits for to the kernel, which so never lets it sleep.
///
/// fails: wait_for_rings::misses_no_ring_wherever_it_comes failed
/// fails: wait_for_rings::sleeps_again_until_it_has_rung_often_enough timed_out
/// fails: wait_for_rings::sleeps_where_other_processes_wake_it failed
mod passes_the_goal {
    use super::*;

    pub fn wait_for_rings(page: &Mapping, at: usize, rings: u32) {
        let bell = page.word(at);
        while bell.load(Acquire) < rings {
            let _ = sleep(bell, rings);
        }
    }
}

/// Passes 0 to the kernel.
///
/// fails: wait_for_rings::misses_no_ring_wherever_it_comes failed
/// fails: wait_for_rings::sleeps_where_other_processes_wake_it failed
mod passes_zero {
    use super::*;

    pub fn wait_for_rings(page: &Mapping, at: usize, rings: u32) {
        let bell = page.word(at);
        while bell.load(Acquire) < rings {
            let _ = sleep(bell, 0);
        }
    }
}

/// Sleeps only when one ring is missing.
///
/// fails: wait_for_rings::misses_no_ring_wherever_it_comes failed
/// fails: wait_for_rings::sleeps_again_until_it_has_rung_often_enough timed_out
/// fails: wait_for_rings::sleeps_where_other_processes_wake_it failed
mod one_before_the_goal {
    use super::*;

    pub fn wait_for_rings(page: &Mapping, at: usize, rings: u32) {
        let bell = page.word(at);
        while bell.load(Acquire) < rings {
            let _ = sleep(bell, rings - 1);
        }
    }
}

/// Waits until the number is exactly this one.
///
/// fails: wait_for_rings::misses_no_ring_wherever_it_comes failed
/// fails: wait_for_rings::returns_at_once_when_it_has_rung_often_enough timed_out
mod exactly {
    use super::*;

    pub fn wait_for_rings(page: &Mapping, at: usize, rings: u32) {
        wait(page.word(at), |heard| heard == rings);
    }
}

/// Waits for one ring too many.
///
/// fails: wait_for_rings::returns_at_once_when_it_has_rung_often_enough timed_out
/// fails: wait_for_rings::sleeps_again_until_it_has_rung_often_enough timed_out
/// fails: wait_for_rings::misses_no_ring_wherever_it_comes failed
/// fails: wait_for_rings::sleeps_where_other_processes_wake_it timed_out
mod more_than {
    use super::*;

    pub fn wait_for_rings(page: &Mapping, at: usize, rings: u32) {
        wait(page.word(at), |heard| heard > rings);
    }
}

/// Is content with one ring less.
///
/// fails: wait_for_rings::misses_no_ring_wherever_it_comes failed
/// fails: wait_for_rings::sleeps_again_until_it_has_rung_often_enough failed a-wake-up-is-news
/// fails: wait_for_rings::sleeps_where_other_processes_wake_it failed a-wake-up-is-news
mod one_too_few {
    use super::*;

    pub fn wait_for_rings(page: &Mapping, at: usize, rings: u32) {
        wait(page.word(at), |heard| heard.saturating_add(1) >= rings);
    }
}

/// Compares signed numbers.
///
/// fails: wait_for_rings::misses_no_ring_wherever_it_comes failed
/// fails: wait_for_rings::returns_at_once_when_it_has_rung_often_enough timed_out
mod signed {
    use super::*;

    pub fn wait_for_rings(page: &Mapping, at: usize, rings: u32) {
        wait(page.word(at), |heard| heard.cast_signed() >= rings.cast_signed());
    }
}

/// Compares by the signed difference, as with a number that goes round.
///
/// fails: wait_for_rings::returns_at_once_when_it_has_rung_often_enough timed_out
mod going_round {
    use super::*;

    pub fn wait_for_rings(page: &Mapping, at: usize, rings: u32) {
        wait(page.word(at), |heard| heard.wrapping_sub(rings).cast_signed() >= 0);
    }
}

/// Waits for `rings` rings from now on.
///
/// fails: wait_for_rings::misses_no_ring_wherever_it_comes failed
/// fails: wait_for_rings::returns_at_once_when_it_has_rung_often_enough timed_out
/// fails: wait_for_rings::sleeps_again_until_it_has_rung_often_enough timed_out
mod that_many_more {
    use super::*;

    pub fn wait_for_rings(page: &Mapping, at: usize, rings: u32) {
        let goal = page.word(at).load(Acquire).saturating_add(rings);
        wait(page.word(at), |heard| heard >= goal);
    }
}

/// Waits for the first bell of the page.
///
/// fails: wait_for_rings::misses_no_ring_wherever_it_comes timed_out
/// fails: wait_for_rings::returns_at_once_when_it_has_rung_often_enough timed_out
/// fails: wait_for_rings::sleeps_again_until_it_has_rung_often_enough timed_out
/// fails: wait_for_rings::sleeps_where_other_processes_wake_it timed_out
mod first_bell_of_the_page {
    use super::*;

    pub fn wait_for_rings(page: &Mapping, at: usize, rings: u32) {
        let _ = at;
        wait(page.word(0), |heard| heard >= rings);
    }
}

/// Keeps within the first page.
///
/// fails: wait_for_rings::returns_at_once_when_it_has_rung_often_enough timed_out
mod bell_of_the_first_page {
    use super::*;

    pub fn wait_for_rings(page: &Mapping, at: usize, rings: u32) {
        wait(page.word(at % mmap_workbook::observe::page_size()), |heard| heard >= rings);
    }
}

/// Has an off-by-one in a check of its own.
///
/// fails: wait_for_rings::returns_at_once_when_it_has_rung_often_enough panicked
mod off_by_one_at_the_end {
    use super::*;

    pub fn wait_for_rings(page: &Mapping, at: usize, rings: u32) {
        assert!(at + 4 < page.length());
        wait(page.word(at), |heard| heard >= rings);
    }
}

/// Sleeps on a copy of the bell, which nobody rings.
///
/// fails: wait_for_rings::misses_no_ring_wherever_it_comes timed_out
/// fails: wait_for_rings::sleeps_again_until_it_has_rung_often_enough timed_out
/// fails: wait_for_rings::sleeps_where_other_processes_wake_it failed
mod on_a_copy {
    use super::*;

    pub fn wait_for_rings(page: &Mapping, at: usize, rings: u32) {
        loop {
            let copy = AtomicU32::new(page.word(at).load(Acquire));
            if copy.load(Relaxed) >= rings {
                return;
            }
            let _ = sleep(&copy, copy.load(Relaxed));
        }
    }
}

/// Counts its wake-ups instead of the rings.
///
/// fails: wait_for_rings::sleeps_again_until_it_has_rung_often_enough failed a-wake-up-is-news
/// fails: wait_for_rings::sleeps_where_other_processes_wake_it failed a-wake-up-is-news
mod counts_wake_ups {
    use super::*;

    pub fn wait_for_rings(page: &Mapping, at: usize, rings: u32) {
        let bell = page.word(at);
        let first = bell.load(Acquire);
        for heard in first..rings {
            let _ = sleep(bell, heard);
        }
    }
}

/// Gives up after sixty wake-ups.
///
/// fails: wait_for_rings::sleeps_again_until_it_has_rung_often_enough failed a-wake-up-is-news
/// may fail: wait_for_rings::sleeps_where_other_processes_wake_it failed a-wake-up-is-news
/// may fail: wait_for_rings::sleeps_where_other_processes_wake_it failed
mod sixty_times {
    use super::*;

    pub fn wait_for_rings(page: &Mapping, at: usize, rings: u32) {
        let bell = page.word(at);
        for _ in 0..60 {
            let heard = bell.load(Acquire);
            if heard >= rings {
                return;
            }
            let _ = sleep(bell, heard);
        }
    }
}

/// Says in the page that it waits.
///
/// fails: wait_for_rings::misses_no_ring_wherever_it_comes killed
/// fails: wait_for_rings::returns_at_once_when_it_has_rung_often_enough failed
/// fails: wait_for_rings::sleeps_where_other_processes_wake_it killed
mod leaves_a_mark {
    use super::*;

    pub fn wait_for_rings(page: &Mapping, at: usize, rings: u32) {
        page.word(at ^ 4).fetch_add(1, Relaxed);
        wait(page.word(at), |heard| heard >= rings);
    }
}

/// Adds a ring when it is woken.
///
/// fails: wait_for_rings::misses_no_ring_wherever_it_comes failed
/// fails: wait_for_rings::sleeps_again_until_it_has_rung_often_enough failed a-wake-up-is-news
/// fails: wait_for_rings::sleeps_where_other_processes_wake_it killed
mod rings_itself {
    use super::*;

    pub fn wait_for_rings(page: &Mapping, at: usize, rings: u32) {
        let bell = page.word(at);
        while bell.load(Acquire) < rings {
            let _ = sleep(bell, bell.load(Relaxed));
            bell.fetch_add(1, Relaxed);
        }
    }
}

/// Wakes those who still wait when it returns.
///
/// fails: wait_for_rings::misses_no_ring_wherever_it_comes failed
mod wakes_the_others {
    use super::*;

    pub fn wait_for_rings(page: &Mapping, at: usize, rings: u32) {
        wait(page.word(at), |heard| heard >= rings);
        let _ = sleep_as(libc::FUTEX_WAKE, page.word(at), 1, null(), 0);
    }
}

/// Sleeps with a mask of no bits, which the kernel refuses.
///
/// fails: wait_for_rings::sleeps_where_other_processes_wake_it failed
mod no_mask {
    use super::*;

    pub fn wait_for_rings(page: &Mapping, at: usize, rings: u32) {
        let bell = page.word(at);
        loop {
            let heard = bell.load(Acquire);
            if heard >= rings {
                return;
            }
            let _ = sleep_as(libc::FUTEX_WAIT_BITSET, bell, heard, null(), 0);
        }
    }
}

/// Looks only at the lowest byte.
///
/// fails: wait_for_rings::misses_no_ring_wherever_it_comes failed
/// fails: wait_for_rings::returns_at_once_when_it_has_rung_often_enough timed_out
/// fails: wait_for_rings::sleeps_again_until_it_has_rung_often_enough timed_out
mod its_lowest_byte {
    use super::*;

    pub fn wait_for_rings(page: &Mapping, at: usize, rings: u32) {
        loop {
            let (heard, byte) = (page.word(at).load(Acquire), page.load(at));
            if u32::from(byte) >= rings {
                return;
            }
            let _ = sleep(page.word(at), heard);
        }
    }
}

/// Lets the threads of a process wait one after the other.
///
/// fails: wait_for_rings::sleeps_where_other_processes_wake_it timed_out
mod waiters_take_turns {
    use super::*;

    static WAITING: Mutex<()> = Mutex::new(());

    pub fn wait_for_rings(page: &Mapping, at: usize, rings: u32) {
        let _turn = WAITING.lock().unwrap();
        wait(page.word(at), |heard| heard >= rings);
    }
}

/// Lets all threads of a process go but one.
///
/// fails: wait_for_rings::sleeps_where_other_processes_wake_it failed
mod one_waiter_a_process {
    use super::*;

    static WAITING: AtomicBool = AtomicBool::new(false);

    pub fn wait_for_rings(page: &Mapping, at: usize, rings: u32) {
        if WAITING.swap(true, AcqRel) {
            return;
        }
        wait(page.word(at), |heard| heard >= rings);
        WAITING.store(false, SeqCst);
    }
}

/// Remembers the highest number that any bell has had.
///
/// fails: wait_for_rings::sleeps_again_until_it_has_rung_often_enough failed
mod remembers_the_highest {
    use super::*;

    static HEARD: AtomicU32 = AtomicU32::new(0);

    pub fn wait_for_rings(page: &Mapping, at: usize, rings: u32) {
        while HEARD.load(SeqCst) < rings {
            let heard = page.word(at).load(SeqCst);
            HEARD.fetch_max(heard, SeqCst);
            if heard < rings {
                let _ = sleep(page.word(at), heard);
            }
        }
    }
}

/// Remembers the highest number of each place, whichever the page.
///
/// fails: wait_for_rings::sleeps_again_until_it_has_rung_often_enough failed
mod remembers_the_highest_of_each_place {
    use super::*;

    static HEARD: [AtomicU32; 16] = [const { AtomicU32::new(0) }; 16];

    pub fn wait_for_rings(page: &Mapping, at: usize, rings: u32) {
        let Some(highest) = HEARD.get(at / 4) else {
            return wait(page.word(at), |heard| heard >= rings);
        };
        while highest.load(SeqCst) < rings {
            let heard = page.word(at).load(SeqCst);
            highest.fetch_max(heard, SeqCst);
            if heard < rings {
                let _ = sleep(page.word(at), heard);
            }
        }
    }
}

/// Loads the bell byte by byte.
///
/// fails: wait_for_rings::misses_no_ring_wherever_it_comes failed
mod loads_the_bell_byte_by_byte {
    use super::*;

    pub fn wait_for_rings(page: &Mapping, at: usize, rings: u32) {
        loop {
            let mut bytes = [0; 4];
            page.read(at, &mut bytes);
            let heard = u32::from_ne_bytes(bytes);
            if heard >= rings {
                return;
            }
            let _ = sleep(page.word(at), heard);
        }
    }
}

/// Gives up after a thousand wake-ups.
///
/// fails: wait_for_rings::sleeps_again_until_it_has_rung_often_enough failed a-wake-up-is-news
/// may fail: wait_for_rings::sleeps_where_other_processes_wake_it failed a-wake-up-is-news
/// may fail: wait_for_rings::sleeps_where_other_processes_wake_it failed
mod a_thousand_attempts {
    use super::*;

    pub fn wait_for_rings(page: &Mapping, at: usize, rings: u32) {
        for _ in 0..1000 {
            let heard = page.word(at).load(Acquire);
            if heard >= rings {
                return;
            }
            let _ = sleep(page.word(at), heard);
        }
    }
}

/// Leaves the first look to the kernel.
///
/// fails: wait_for_rings::misses_no_ring_wherever_it_comes failed
/// fails: wait_for_rings::sleeps_again_until_it_has_rung_often_enough timed_out
mod asks_the_kernel_first {
    use super::*;

    pub fn wait_for_rings(page: &Mapping, at: usize, rings: u32) {
        let Some(mut heard) = rings.checked_sub(1) else { return };
        loop {
            let _ = sleep(page.word(at), heard);
            heard = page.word(at).load(Relaxed);
            if heard >= rings {
                return;
            }
        }
    }
}

/// Looks once too often after it is woken.
///
/// fails: wait_for_rings::misses_no_ring_wherever_it_comes failed
mod looks_fifty_one_times {
    use super::*;

    pub fn wait_for_rings(page: &Mapping, at: usize, rings: u32) {
        let bell = page.word(at);
        let mut heard = bell.load(Acquire);
        while heard < rings {
            let _ = sleep(bell, heard);
            for _ in 0..51 {
                heard = bell.load(Relaxed);
                if heard >= rings {
                    return;
                }
            }
        }
    }
}

/// Waits with FUTEX_WAIT_BITSET, for every kind of wake-up.
///
/// passes
mod with_a_mask {
    use super::*;

    pub fn wait_for_rings(page: &Mapping, at: usize, rings: u32) {
        let bell = page.word(at);
        loop {
            let heard = bell.load(Acquire);
            if heard >= rings {
                return;
            }
            let _ = sleep_as(libc::FUTEX_WAIT_BITSET, bell, heard, null(), u32::MAX);
        }
    }
}

/// Looks fifty times before each sleep.
///
/// passes
mod looks_first {
    use super::*;

    pub fn wait_for_rings(page: &Mapping, at: usize, rings: u32) {
        let bell = page.word(at);
        loop {
            let mut heard = 0;
            for _ in 0..50 {
                heard = bell.load(Acquire);
                if heard >= rings {
                    return;
                }
                std::hint::spin_loop();
            }
            let _ = sleep(bell, heard);
        }
    }
}

/// Loads again only when the kernel says that the bell has another number by now.
///
/// passes
mod loads_only_after_eagain {
    use super::*;

    pub fn wait_for_rings(page: &Mapping, at: usize, rings: u32) {
        let bell = page.word(at);
        loop {
            let heard = bell.load(Relaxed);
            if heard >= rings {
                return;
            }
            while sleep(bell, heard) != Err(Errno::EAGAIN) {}
        }
    }
}

/// Loads with Relaxed, and has a fence at the end.
///
/// passes
mod relaxed_and_a_fence {
    use super::*;

    pub fn wait_for_rings(page: &Mapping, at: usize, rings: u32) {
        let bell = page.word(at);
        loop {
            let heard = bell.load(Relaxed);
            if heard >= rings {
                return fence(Acquire);
            }
            let _ = sleep(bell, heard);
        }
    }
}

/// Calls itself after each wake-up.
///
/// passes
mod calls_itself {
    use super::*;

    pub fn wait_for_rings(page: &Mapping, at: usize, rings: u32) {
        let bell = page.word(at);
        let heard = bell.load(SeqCst);
        if heard < rings {
            let _ = sleep(bell, heard);
            wait_for_rings(page, at, rings);
        }
    }
}

/// Waits for one ring after the other, in a loop of its own.
///
/// passes
mod ring_by_ring {
    use super::*;

    pub fn wait_for_rings(page: &Mapping, at: usize, rings: u32) {
        let bell = page.word(at);
        let mut heard = bell.load(Acquire);
        while heard < rings {
            while bell.load(Acquire) == heard {
                let _ = sleep(bell, heard);
            }
            heard = bell.load(Acquire);
        }
    }
}

/// Looks again at the end of each attempt, and needs no other result.
///
/// passes
mod starts_over {
    use super::*;

    pub fn wait_for_rings(page: &Mapping, at: usize, rings: u32) {
        let bell = page.word(at);
        let mut heard = bell.load(SeqCst);
        while heard < rings {
            // Whatever it says.
            let _ = sleep(bell, heard);
            heard = bell.load(SeqCst);
        }
    }
}

/// Follows the last hint, line by line.
///
/// passes
mod wait_for_rings_as_the_hint_says {
    use std::sync::atomic::Ordering;

    use super::*;

    pub fn wait_for_rings(page: &Mapping, at: usize, rings: u32) {
        let bell = page.word(at);
        loop {
            let heard = bell.load(Ordering::Relaxed);
            if heard >= rings {
                return;
            }
            let no_limit = std::ptr::null::<libc::timespec>();
            // SAFETY: the address is mapped; the kernel only loads the word.
            unsafe { libc::syscall(libc::SYS_futex, bell.as_ptr(), libc::FUTEX_WAIT, heard, no_limit) };
        }
    }
}

one_of! {
    pub fn wait_for_rings(page: &Mapping, at: usize, rings: u32);
    never_sleeps sleeps_once any_change loads_twice private a_tenth_of_a_second longer_each_time naps spins lets_others_run spins_for_long dies_of_a_signal gives_up_at_a_signal dies_of_a_ring returns_when_too_late trusts_success passes_the_goal passes_zero one_before_the_goal exactly more_than one_too_few signed going_round that_many_more first_bell_of_the_page bell_of_the_first_page off_by_one_at_the_end on_a_copy counts_wake_ups sixty_times leaves_a_mark rings_itself wakes_the_others no_mask its_lowest_byte waiters_take_turns one_waiter_a_process remembers_the_highest remembers_the_highest_of_each_place loads_the_bell_byte_by_byte a_thousand_attempts asks_the_kernel_first looks_fifty_one_times with_a_mask looks_first loads_only_after_eagain relaxed_and_a_fence calls_itself ring_by_ring starts_over
    wait_for_rings_as_the_hint_says
}
