//! The checks of exercise 4. None depends on luck: ptrace(2) stops one process before each of its accesses to the shared
//! page, or at each of its system calls, and another process runs there, so the worst moment is among them.

use std::fs::{self, File};
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Instant;

use mmap_workbook::grade::fixtures::{loaded, same_bytes};
use mmap_workbook::grade::{
    Call, Failure, Player, SharedPage, Step, Verdict, Walker, ask, before_each_call, check, deadline, ensure,
    error_text, for_each, killed_before_call, kind, start,
};
use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use mmap_workbook::misconception as belief;
use mmap_workbook::observe::{page_size, page_size_u64};
use mmap_workbook::process::{Cause, Peer};
use mmap_workbook::text;
use mmap_workbook::text::Text;
use nix::errno::Errno;
use nix::libc;
use nix::sys::mman::ProtFlags;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, Pid, fork, gettid, setpgid};

use crate::exercise::{claim, latest, next_ticket, open_once, publish, wait_for_rings};

/// A page that this process and its children share.
fn page_of_zeros() -> Result<Mapping, Failure> {
    Ok(Mapping::anonymous(page_size(), READ_WRITE, Sharing::Shared)?)
}

/// Names the belief behind a timeout, when another process is stopped or dead.
fn waited(failure: Failure) -> Failure {
    if failure.verdict != Verdict::TimedOut {
        return failure;
    }
    let rule = text!(
        "A process may be stopped or killed at any moment. A flag or lock that it has set in the page stays set: nobody \
         else clears it, so nobody may wait for that.",
        "进程随时可能停住或被杀死，它在页里设下的标志或锁就一直留在那里，没有人替它清除，所以谁也不能等。"
    );
    failure.shows(&belief::OTHERS_GO_ON).breaks("lock", rule)
}

/// A system call as the feedback names it: which one of the process it is, from 1 on, and its name where it matters.
fn call_in_words(n: usize, number: i64) -> Text {
    let names = [
        (libc::SYS_fcntl, "fcntl(2)"),
        (libc::SYS_openat, "openat(2)"),
        (libc::SYS_linkat, "linkat(2)"),
        (libc::SYS_renameat2, "renameat2(2)"),
        (libc::SYS_unlinkat, "unlinkat(2)"),
        (libc::SYS_mmap, "mmap(2)"),
        (libc::SYS_ftruncate, "ftruncate(2)"),
        (libc::SYS_fallocate, "fallocate(2)"),
        (libc::SYS_statx, "statx(2)"),
        (libc::SYS_close, "close(2)"),
        (INSIDE_INIT, "inside init"),
    ];
    let name = names.iter().find(|(known, _)| *known == number).map(|(_, name)| *name);
    let n = n + 1;
    match name {
        Some("inside init") => text!("it stands inside `init`", "它停在 `init` 之中"),
        Some(name) => text!("it stands before its system call {n}, {name}", "它停在第 {n} 次系统调用（{name}）之前"),
        None => text!("it stands before its system call {n}", "它停在第 {n} 次系统调用之前"),
    }
}

/// What `call` returns in another thread, while this one stands still. None if it waits in the kernel for what this one
/// has, such as a lock; the thread is left behind then, so this is for a child process.
fn in_another_thread<T: Send + 'static>(call: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let id = Arc::new(AtomicI32::new(0));
    let thread = {
        let id = Arc::clone(&id);
        std::thread::spawn(move || {
            id.store(gettid().as_raw(), Ordering::Relaxed);
            call()
        })
    };
    let waits = || {
        let call = format!("/proc/self/task/{}/syscall", id.load(Ordering::Relaxed));
        let call = fs::read_to_string(call).unwrap_or_default();
        WAITS.iter().any(|(number, _)| call.starts_with(&format!("{number} ")))
    };
    let until = Instant::now() + deadline();
    // A thread may sleep for a moment while another one allocates. This one has nothing from one look to the next.
    let mut looks = 0;
    while !thread.is_finished() {
        looks = if waits() { looks + 1 } else { 0 };
        if looks == 20 || Instant::now() > until {
            return None;
        }
    }
    Some(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
}

/// The system calls in which a process sleeps until another one does something, or until some time has passed.
const WAITS: [(i64, &str); 7] = [
    (libc::SYS_futex, "futex(2)"),
    (libc::SYS_flock, "flock(2)"),
    (libc::SYS_fcntl, "fcntl(2), F_SETLKW"),
    (libc::SYS_nanosleep, "nanosleep(2)"),
    (libc::SYS_clock_nanosleep, "clock_nanosleep(2)"),
    (libc::SYS_ppoll, "ppoll(2)"),
    (libc::SYS_pselect6, "pselect(2)"),
];

/// The call that the checks' `init` makes between its stores, so that there are stops there.
const INSIDE_INIT: i64 = libc::SYS_getppid;

mod next_ticket;

mod wait_for_rings;

mod claim;

mod open_once;

/// The value with this number: four words that say which value they belong to.
fn value(n: u64) -> [u64; 4] {
    [n, n, n, n]
}

/// What a reader found.
type Found = Option<[u64; 4]>;

/// Words for what a reader found.
fn found(value: Found) -> Text {
    value.map_or_else(|| text!("nothing", "没有值"), |words| text!("{words:?}", "{words:?}"))
}

/// Expects that a reader has found one of the values with these numbers; 0 stands for no value.
fn one_of(numbers: std::ops::RangeInclusive<u64>, got: Found) -> Result<(), Failure> {
    let value_of = |n: u64| (n > 0).then(|| value(n));
    ensure(numbers.clone().any(|n| value_of(n) == got), || {
        let [first, last] = [numbers.start(), numbers.end()].map(|n| found(value_of(*n)));
        let expected = if numbers.start() == numbers.end() {
            Text::new(format!("the reader finds {}", first.en), format!("读者得到{}", first.zh))
        } else if numbers.start() + 1 == *numbers.end() {
            Text::new(
                format!("the reader finds {} or {}", first.en, last.en),
                format!("读者得到{}或{}", first.zh, last.zh),
            )
        } else {
            Text::new(
                format!("the reader finds {}, {} or a value in between", first.en, last.en),
                format!("读者得到{}、{}，或两者之间的某个值", first.zh, last.zh),
            )
        };
        let got_text = found(got);
        Failure::new(expected, Text::new(format!("it finds {}", got_text.en), format!("得到{}", got_text.zh)))
    })
}

/// Names the belief behind a torn value, where a reader had the cell to itself while the writer stood still.
fn torn(got: Found, failure: Failure) -> Failure {
    let torn = got.is_some_and(|words| words.iter().any(|word| *word != words[0]));
    if torn { failure.shows(&belief::COPIES_ARE_ATOMIC) } else { failure }
}

/// A process that publishes the next value, from 1 on, in each of its calls.
fn writer(cell: &SharedPage) -> Result<Walker<'_>, Failure> {
    let mut n = 0;
    Walker::start(cell, move || {
        n += 1;
        publish(cell, value(n));
    })
}

/// A process that reads the cell in each of its calls.
fn reader(cell: &SharedPage) -> Result<Walker<'_>, Failure> {
    Walker::start(cell, || latest(cell.to_read()))
}

/// Names the belief behind a timeout, when the writer is stopped or dead.
fn waited_in_a_cell(failure: Failure) -> Failure {
    if failure.verdict != Verdict::TimedOut {
        return failure;
    }
    let rule = text!(
        "A writer may be stopped or killed while it stores a value: whoever waits for it may wait for ever. With a second \
         slot for the next value nobody has to: readers stay with the first until the next value is whole.",
        "写者写到一半，随时可能停住或被杀死，等它的人可能永远等下去。准备两个槽就不必等：新值写进另一个槽，写完整之前，读者仍读原来的那个。"
    );
    failure.shows(&belief::OTHERS_GO_ON).breaks("sequence_lock", rule)
}

/// Expects that the process has made no system call.
fn calls_nothing(process: &Walker<'_>) -> Result<(), Failure> {
    ensure(process.system_calls.is_empty(), || {
        let number = process.system_calls[0];
        Failure::new(text!("the call makes no system call", "函数不做任何系统调用"), it_makes(number))
            .breaks("sequence_lock", no_call_rule())
    })
}

/// A number of things, in English: "1 access", "2 accesses".
fn count(n: impl TryInto<u64> + Copy + std::fmt::Display, one: &str, more: &str) -> String {
    let word = if n.try_into().is_ok_and(|n| n == 1) { one } else { more };
    format!("{n} {word}")
}

/// Words for a system call that is made and should not be.
fn it_makes(number: i64) -> Text {
    let others =
        [(libc::SYS_sched_yield, "sched_yield(2)"), (libc::SYS_getpid, "getpid(2)"), (libc::SYS_write, "write(2)")];
    // fcntl(2) waits with one of its commands only.
    let known = WAITS.iter().filter(|(known, _)| *known != libc::SYS_fcntl).chain(&others);
    let name = known.into_iter().find(|(known, _)| *known == number).map(|(_, name)| *name);
    name.map_or_else(
        || {
            text!(
                "it makes the one with number {number} (as in `libc::SYS_...`)",
                "它做了编号为 {number} 的系统调用（见 `libc::SYS_...`）"
            )
        },
        |name| text!("it calls {name}", "它调用了 {name}"),
    )
}

fn cell_rule() -> Text {
    text!(
        "Only a single aligned machine word is stored or loaded in one step. A larger value stays whole if the writer \
         stores it in a second slot, where no reader looks, and then announces it with one store; and if the reader checks \
         before and after its loads.",
        "只有一个对齐的机器字能一步写入或读出。更大的值要保持完整，写者就得先写进没有读者看的另一个槽，再用一次写入宣布它；\
         读者则要在读的前后各查一次。"
    )
}

fn no_call_rule() -> Text {
    text!(
        "Loads, stores and fences are all that a cell needs. Whoever sleeps, yields or takes a lock waits for another one.",
        "读、写和屏障，对一个单元就够了。睡眠、让出处理器、加锁，都是在等别人。"
    )
}

/// A check of `publish` and `latest`. Only a reader has the cell without permission to write.
fn cell_check(body: impl FnOnce() -> Result<(), Failure>) {
    check("sequence_lock", cell_rule(), || body().map_err(wrote));
}

/// Names the belief behind a store that isn't allowed.
fn wrote(failure: Failure) -> Failure {
    if failure.died_of() != Some(Cause::NotAllowed) {
        return failure;
    }
    let rule = text!(
        "mmap(2), PROT_READ: a store is SIGSEGV. A reader that has to announce itself with a store can be delayed, and \
         can delay others.",
        "mmap(2) 的 PROT_READ：写入会导致 SIGSEGV。读者若必须写点什么来表明自己在场，就可能被别人卡住，也可能卡住别人。"
    );
    failure.shows(&belief::READERS_MAY_WRITE).breaks("sequence_lock", rule)
}

mod publish;

mod latest;
