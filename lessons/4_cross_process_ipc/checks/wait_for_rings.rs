use std::ops::RangeInclusive;
use std::sync::atomic::AtomicU32;
use std::thread::JoinHandle;

use mmap_workbook::grade::ask_decided;
use mmap_workbook::lesson_4::ring;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::*;

fn rule() -> Text {
    text!(
        "futex(2) lets a process sleep on a word only if the word still has the value that was passed, so no change is \
         missed. That it returns says nothing: only the word does.",
        "只有当这个字仍等于传入的值时，futex(2) 才让进程睡眠，所以不会漏掉任何改动。它返回本身不说明什么，要看的是这个字。"
    )
}

fn private_rule() -> Text {
    text!(
        "FUTEX_WAKE finds those who sleep on the same word of the same file. One who sleeps with FUTEX_PRIVATE_FLAG is \
         found by its own process only.",
        "FUTEX_WAKE 找到的是睡在同一文件的同一个字上的进程。带 FUTEX_PRIVATE_FLAG 睡眠的，只有同一进程的唤醒才找得到。"
    )
}

fn asleep_rule() -> Text {
    text!(
        "FUTEX_WAKE finds those who sleep on the same word of the same file. It does not find one who sleeps with \
         FUTEX_PRIVATE_FLAG, nor one whose calls return EAGAIN at once, since they pass an old value: load the bell anew \
         before each call.",
        "FUTEX_WAKE 找到的是睡在同一文件的同一个字上的进程。有两种找不到：带 FUTEX_PRIVATE_FLAG 睡眠的；传入旧值、每次都立即得到 EAGAIN 而根本没有睡着的。每次调用之前都要重新读铃。"
    )
}

fn value_rule() -> Text {
    text!(
        "Pass the value that you have loaded and found too small. With any other value futex(2) returns EAGAIN at once, \
         or sleeps through a ring that a second load has found.",
        "传入的应当就是刚才读到、还不够大的那个值。传别的值，futex(2) 会立即返回 EAGAIN；再读一次，则可能把已经响过的那一次睡过去。"
    )
}

/// What others do is told by the futex alone: no clock, no other call.
fn sleep_rule() -> Text {
    text!(
        "Who sleeps in futex(2), without a limit of time, uses no processor and is woken by the ring itself. A limit, or \
         another call, means to look again and again.",
        "在 futex(2) 里不限时地睡眠，不占处理器，铃一响就被唤醒。设时限，或改用别的调用，就成了反复去看。"
    )
}

fn apart_rule() -> Text {
    text!(
        "What a call has seen holds for this call only: another bell may have rung less often, and another thread \
         waits for another number. All that waiters share is the word in the page.",
        "一次调用看到的，只对这一次调用有效：别的铃未必响了那么多次，别的线程等的是别的次数。等待者之间共用的，只有页里的这个字。"
    )
}

#[test]
fn returns_at_once_when_it_has_rung_often_enough() {
    check("bell", rule(), || {
        let last = page_size() - 4;
        let half = u32::MAX / 2;
        let cases = [
            (8, 3, 3),
            (8, 5, 3),
            (0, 0, 0),
            (last, 1, 1),
            (4, half + 1, half),
            (12, u32::MAX, u32::MAX),
            (12, u32::MAX, 1),
            // In the second page of two.
            (page_size() + 4, 2, 2),
        ];
        for_each(
            cases,
            |(at, rung, rings)| {
                text!(
                    "the bell at byte {at} has rung {rung} times; the call waits for {rings}",
                    "第 {at} 字节处的铃已响 {rung} 次；等待它响满 {rings} 次"
                )
            },
            |&(at, rung, rings)| {
                let pages = at / page_size() + 1;
                let page = Mapping::anonymous(pages * page_size(), READ_WRITE, Sharing::Shared)?;
                page.word(at).store(rung, Ordering::Relaxed);
                let before = loaded(&page);
                ask(|| super::wait_for_rings(&page, at, rings))?;
                same_bytes(text!("no byte of the page changes", "页的内容不变"), &loaded(&page), &before)
            },
        )
    });
}

/// What becomes of a call of futex(2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wake {
    /// It returns 0 for no reason.
    Spurious,
    /// A signal interrupts it.
    Signal,
    /// The bell has rung, and it returns 0.
    Ring,
    /// The bell rings just before it is made.
    RingBefore,
}

/// Far more than the wake-ups after which one might give up.
static MANY: [Wake; 20_000] = {
    let mut wakes = [Wake::Spurious; 20_000];
    wakes[19_999] = Wake::Ring;
    wakes
};

#[test]
fn sleeps_again_until_it_has_rung_often_enough() {
    use Wake::{Ring, RingBefore, Signal, Spurious};
    check("bell", rule(), || {
        let cases: [&[Wake]; 9] = [
            &[Ring],
            &[RingBefore],
            &[Spurious, Ring],
            &[Signal, Ring],
            &[Ring, Ring, RingBefore],
            &[RingBefore, Spurious, Spurious, Ring],
            &[Signal, Signal, Signal, Ring, Signal, Ring],
            &[Spurious, Ring, Signal, RingBefore, Spurious, Spurious, Signal, Ring],
            &MANY,
        ];
        for_each(
            cases,
            |wakes| {
                let word = |wake: &Wake| match wake {
                    Spurious => text!("it returns 0 for no reason", "虚假唤醒"),
                    Signal => text!("a signal interrupts it", "被信号中断"),
                    Ring => text!("a ring wakes it", "铃响，被唤醒"),
                    RingBefore => text!("the bell rings just before it", "调用前铃刚好响了"),
                };
                let times = |wakes: &[Wake]| {
                    let (words, times) = (word(&wakes[0]), wakes.len());
                    if times == 1 {
                        return words;
                    }
                    Text::new(format!("{} ({times} times)", words.en), format!("{}（{times} 次）", words.zh))
                };
                let words: Vec<_> = wakes.chunk_by(PartialEq::eq).map(times).collect();
                let list =
                    |language: fn(&Text) -> &str, between| words.iter().map(language).collect::<Vec<_>>().join(between);
                Text::new(
                    format!("the calls of futex(2), one after the other: {}", list(|text| &text.en, "; ")),
                    format!("各次 futex(2) 调用依次：{}", list(|text| &text.zh, "；")),
                )
            },
            |&wakes| {
                let (at, rung) = (8, 41);
                let rings = rung + wakes.iter().map(|wake| u32::from(matches!(wake, Ring | RingBefore))).sum::<u32>();
                // The thread that rings may outlive this function.
                let page: &Mapping = Box::leak(Box::new(page_of_zeros()?));
                let (bell, mut wakes) = (page.word(at), wakes.iter());
                bell.store(rung, Ordering::Relaxed);
                let decide = move |_: &libc::seccomp_data| {
                    let wake = wakes.next()?;
                    if matches!(wake, Ring | RingBefore) {
                        bell.fetch_add(1, Ordering::Release);
                    }
                    match wake {
                        Spurious | Ring => Some(Errno::UnknownErrno),
                        Signal => Some(Errno::EINTR),
                        RingBefore => None,
                    }
                };
                let heard = |()| bell.load(Ordering::Relaxed);
                let heard = ask_decided(&[libc::SYS_futex], decide, || super::wait_for_rings(page, at, rings), heard)?;
                ensure(heard == rings, || too_early(heard, rings).shows(&belief::A_WAKE_UP_IS_NEWS))
            },
        )?;
        waits_anew_for_another_bell()
    });
}

/// A process waits for two bells, one after the other. The first one has rung as often as a bell can.
fn waits_anew_for_another_bell() -> Result<(), Failure> {
    let cases = [
        (0, 12, text!("at byte 12 of the same page", "在同一页的第 12 字节处")),
        (1, 8, text!("at byte 8 of another page", "在另一页的第 8 字节处")),
    ];
    for (other, at, place) in cases {
        let (rung, rings) = (3, 5);
        // The thread that rings may outlive this function.
        let pages: &[Mapping; 2] = Box::leak(Box::new([page_of_zeros()?, page_of_zeros()?]));
        let (first, second) = (pages[0].word(8), pages[other].word(at));
        first.store(u32::MAX, Ordering::Relaxed);
        second.store(rung, Ordering::Relaxed);
        let decide = move |_: &libc::seccomp_data| {
            let is_early = second.load(Ordering::Relaxed) < rings;
            is_early.then(|| {
                second.fetch_add(1, Ordering::Release);
                Errno::UnknownErrno
            })
        };
        let wait = || {
            super::wait_for_rings(&pages[0], 8, u32::MAX);
            super::wait_for_rings(&pages[other], at, rings);
        };
        let heard = ask_decided(&[libc::SYS_futex], decide, wait, |()| second.load(Ordering::Relaxed));
        let heard = heard.and_then(|heard| ensure(heard == rings, || too_early(heard, rings)));
        heard.map_err(|failure| {
            let given = Text::new(
                format!(
                    "the process has waited for the bell at byte 8, which has rung {} times; now it waits for the one {}, \
                     which has rung {rung} times and rings whenever the call sleeps",
                    u32::MAX,
                    place.en
                ),
                format!(
                    "进程先等了第 8 字节处的铃，它已响 {} 次；再等{}的铃，它已响 {rung} 次，每次函数睡眠时再响一次",
                    u32::MAX,
                    place.zh
                ),
            );
            failure.given(given).breaks("bell", apart_rule())
        })?;
    }
    Ok(())
}

/// How often the contract lets a call look before it sleeps.
const LOOKS: u64 = 50;

/// The most accesses after which the bell rings: enough for all looks before the first sleep, and before the next one.
const STOPS: u64 = 2 * LOOKS;

#[test]
fn misses_no_ring_wherever_it_comes() {
    check("bell", rule(), || {
        let at = 8;
        // The bell rings once per stop, and when the call is about to sleep. Two bytes overflow, too: who loads the bell
        // in parts finds a number that it never had.
        for (rung, missing) in [(5, 1), (0xffff, 2), (u32::MAX / 2, 2)] {
            let rings = rung + missing;
            for stopped in 0..STOPS {
                let given = |failure: Failure| {
                    let stopped_en = count(stopped, "access", "accesses");
                    failure.given(text!(
                        "the bell has rung {rung} times, the call waits for {rings}; it stands still after {stopped_en} \
                         to the page, and the bell rings; so it does whenever the call is about to sleep",
                        "铃已响 {rung} 次，等待它响满 {rings} 次；函数访问页 {stopped} 次后停住，此时铃响；之后每次即将睡眠时，铃也会响"
                    ))
                };
                let page = SharedPage::zeros()?;
                let (bell, theirs) = (page.word(at), page.to_read().word(at).as_ptr().cast_const());
                bell.store(rung, Ordering::Relaxed);
                let mut sleeper = Walker::start(&page, || super::wait_for_rings(page.to_read(), at, rings))?;
                sleeper.before_each_call(|call| {
                    about_to_sleep(call, theirs, rung..=bell.load(Ordering::Relaxed), rings)?;
                    ring(bell);
                    Ok(())
                });
                let (mut accesses, mut looks, mut calls) = (0, 0, 0);
                while sleeper.step::<()>().map_err(given)? == Step::Access {
                    if accesses == stopped {
                        ring(bell);
                    }
                    accesses += 1;
                    looks = if sleeper.system_calls.len() == calls { looks + 1 } else { 1 };
                    calls = sleeper.system_calls.len();
                    ensure(looks <= LOOKS, || given(looks_on()))?;
                }
                let heard = bell.load(Ordering::Relaxed);
                ensure(heard >= rings, || {
                    let failure = too_early(heard, rings);
                    let has_slept = !sleeper.system_calls.is_empty();
                    given(if has_slept { failure.shows(&belief::A_WAKE_UP_IS_NEWS) } else { failure })
                })?;
                let other = sleeper.system_calls.iter().find(|number| **number != libc::SYS_futex);
                ensure(other.is_none(), || {
                    let number = other.copied().unwrap_or_default();
                    let failure = Failure::new(
                        text!("the call makes no system call but futex(2)", "函数除 futex(2) 外不做任何系统调用"),
                        it_makes(number),
                    );
                    given(failure.breaks("bell", sleep_rule()))
                })?;
                if accesses <= stopped {
                    break;
                }
            }
        }
        Ok(())
    });
}

/// A call looks too often and does not sleep.
fn looks_on() -> Failure {
    Failure::new(
        text!(
            "the call looks at most {LOOKS} times in a row without a call of futex(2)",
            "第一次调用 futex(2) 之前、前后两次调用之间，函数最多看 {LOOKS} 次"
        ),
        text!("it looks once more", "它还要再看一次"),
    )
    .breaks("bell", sleep_rule())
}

/// Expects a call of futex(2) that sleeps until another process rings, and misses no ring. During this call the bell had
/// the values `heard`.
fn about_to_sleep(call: &Call, bell: *const u32, heard: RangeInclusive<u32>, rings: u32) -> Result<(), Failure> {
    let expected =
        text!("the call sleeps in futex(2) until another process rings", "函数在 futex(2) 中睡眠，直到别的进程摇铃");
    let fails = |happened, rule| Err(Failure::new(expected.clone(), happened).breaks("bell", rule));
    let Call { number, arguments: [word, operation, value, limit, ..], .. } = *call;
    // Any other call is told when all is over: it may be what a panic does.
    if number != libc::SYS_futex || word != bell.addr() as u64 {
        return Ok(());
    }
    let (private, clock) = (libc::FUTEX_PRIVATE_FLAG as u64, libc::FUTEX_CLOCK_REALTIME as u64);
    if ![libc::FUTEX_WAIT as u64, libc::FUTEX_WAIT_BITSET as u64].contains(&(operation & !private & !clock)) {
        return fails(
            text!(
                "the operation that it calls is number {operation}, which is not to wait",
                "它调用的是 {operation} 号操作，不是等待"
            ),
            rule(),
        );
    }
    if operation & private != 0 {
        return fails(
            text!(
                "with FUTEX_PRIVATE_FLAG no other process can wake it: the kernel looks for sleepers at the same address of \
             the same process",
                "带了 FUTEX_PRIVATE_FLAG，别的进程就唤醒不了它：内核只在同一进程的同一地址上找睡眠者"
            ),
            private_rule(),
        );
    }
    if limit != 0 {
        return fails(text!("it sleeps with a time limit", "它睡眠时带了时限"), sleep_rule());
    }
    // The kernel takes the lower half.
    let (value, now) = (u32::try_from(value & u64::from(u32::MAX)).unwrap_or_default(), *heard.end());
    if !heard.contains(&value) {
        return fails(
            text!(
                "it passes {value} to futex(2), and the bell, which is at {now}, was never at {value} during the call: so futex(2) \
             returns at once, again and again",
                "它传入 {value}，而铃响过 {now} 次，从未是这个数：futex(2) 会立即返回，一再如此"
            ),
            value_rule(),
        );
    }
    if value == now && now >= rings {
        return fails(
            text!(
                "the bell has rung {now} times, and the call goes to sleep until it rings again",
                "铃已响 {now} 次，它却要睡到铃再响为止"
            ),
            value_rule(),
        );
    }
    Ok(())
}

/// Wakes whoever sleeps on the bell, without a ring, and says how many there were.
fn wake(bell: &AtomicU32) -> i64 {
    // SAFETY: FUTEX_WAKE uses the pointer as an address only.
    unsafe { libc::syscall(libc::SYS_futex, bell.as_ptr(), libc::FUTEX_WAKE, i32::MAX) }
}

/// The number of processes that wait.
const SLEEPERS: usize = 3;

#[test]
fn sleeps_where_other_processes_wake_it() {
    check("bell", rule(), || {
        let (at, rings) = (16, 2);
        let page = SharedPage::zeros()?;
        let bell = page.word(at);
        let mut sleepers = Vec::new();
        for _ in 0..SLEEPERS {
            sleepers.push(start(|peer| {
                // Each has the page at an address of its own, and may only read.
                let own = Mapping::of_file(page.file(), 0, page_size(), ProtFlags::PROT_READ, Sharing::Shared);
                super::wait_for_rings(&own.map_err(error_text)?, at, rings);
                peer.give_turn().map_err(error_text)
            })?);
        }
        let all = i64::try_from(SLEEPERS).map_err(std::io::Error::other)?;
        for rung in 0..rings {
            // Twice: they have gone back to sleep.
            for _ in 0..2 {
                let until = Instant::now() + deadline();
                let mut woken = wake(bell);
                while woken < all {
                    for sleeper in &mut sleepers {
                        if poll(&mut [PollFd::new(sleeper.peer().as_fd(), PollFlags::POLLIN)], PollTimeout::ZERO)? > 0 {
                            sleeper.await_turn()?;
                            return Err(too_early(rung, rings).shows(&belief::A_WAKE_UP_IS_NEWS));
                        }
                    }
                    ensure(Instant::now() < until, || not_asleep(woken))?;
                    std::thread::yield_now();
                    woken = wake(bell);
                }
            }
            ring(bell);
        }
        for mut sleeper in sleepers {
            sleeper.await_turn()?;
            sleeper.end()?;
        }
        threads_wait_at_the_same_time()
    });
}

/// Two threads of a process wait for the same bell. The one that waits longer is asleep before the other one begins.
fn threads_wait_at_the_same_time() -> Result<(), Failure> {
    let at = 16;
    let page = SharedPage::zeros()?;
    let map = |file: &File| Mapping::of_file(file.as_fd(), 0, page_size(), ProtFlags::PROT_READ, Sharing::Shared);
    let early = ask(|| {
        let mut waiting = Vec::new();
        for rings in [2, 1] {
            let file = page.file().try_clone().expect("a descriptor");
            let wait = move || super::wait_for_rings(&map(&file).expect("a mapping"), at, rings);
            waiting.push((rings, std::thread::spawn(wait)));
            all_sleep(page.word(at), &mut waiting)?;
        }
        while let Some((_, thread)) = waiting.pop() {
            ring(page.word(at));
            join(thread);
            all_sleep(page.word(at), &mut waiting)?;
        }
        Ok(())
    });
    let early = early.and_then(|early: Result<(), (u32, u32)>| early.map_err(|(rung, rings)| too_early(rung, rings)));
    early.map_err(|failure| {
        let given = text!(
            "a thread of a process waits for 2 rings; when it sleeps, another thread waits for 1; when both sleep on the \
             bell, it rings, and the second one has to return; it rings again, and so has the first one",
            "进程的一个线程等铃响满 2 次；它睡着以后，另一个线程等铃响满 1 次；两个都睡在铃上时，铃响，后一个应当返回；铃再响，前一个应当返回"
        );
        failure.given(given).breaks("bell", apart_rule())
    })
}

/// Goes on when all these threads sleep on the bell, each of which waits for a number of rings. The error is that of one
/// that has returned: how often the bell had rung, and how often it should have.
fn all_sleep(bell: &AtomicU32, waiting: &mut Vec<(u32, JoinHandle<()>)>) -> Result<(), (u32, u32)> {
    while usize::try_from(wake(bell)) != Ok(waiting.len()) {
        if let Some(ended) = waiting.iter().position(|(_, thread)| thread.is_finished()) {
            let (rings, thread) = waiting.remove(ended);
            join(thread);
            return Err((bell.load(Ordering::Relaxed), rings));
        }
        std::thread::yield_now();
    }
    Ok(())
}

fn join(thread: JoinHandle<()>) {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
}

/// A call has returned when the bell had rung this often.
fn too_early(rung: u32, rings: u32) -> Failure {
    let (rings_en, rung_en) = (count(rings, "time", "times"), count(rung, "time", "times"));
    Failure::new(
        text!("the call returns when the bell has rung {rings_en}", "铃响满 {rings} 次时，函数返回"),
        text!("it returns when it has rung {rung_en}", "才响了 {rung} 次就返回了"),
    )
}

/// Not every sleeper can be woken.
fn not_asleep(woken: i64) -> Failure {
    Failure::new(
        text!(
            "{SLEEPERS} processes that wait for the bell sleep in futex(2), where another process can wake them",
            "等待铃响的 {SLEEPERS} 个进程都睡在 futex(2) 中，别的进程可以唤醒它们"
        ),
        text!(
            "another process calls FUTEX_WAKE again and again, and wakes {woken} of them",
            "另一个进程反复调用 FUTEX_WAKE，只唤醒了其中 {woken} 个"
        ),
    )
    .breaks("bell", asleep_rule())
}
