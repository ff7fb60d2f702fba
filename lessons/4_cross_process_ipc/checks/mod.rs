//! What exercise 4 is graded by. No check races: one process is stopped, with ptrace(2), after each of its instructions or at each
//! of its system calls, and another one does there what it would do in the worst moment.

use std::fs::{self, File};
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::Ordering;

use mmap_workbook::grade::fixtures::{equal, refused};
use mmap_workbook::grade::misconception as belief;
use mmap_workbook::grade::{
    Failure, Player, Verdict, after_each_instruction, ask, before_each_call, check, ensure, error_text, for_each,
    killed_before_call, kind, start,
};
use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use mmap_workbook::observe::{page_size, page_size_u64};
use mmap_workbook::process::{Cause, Peer};
use mmap_workbook::text;
use mmap_workbook::text::Text;
use nix::errno::Errno;
use nix::sys::mman::ProtFlags;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, Pid, fork, pause, setpgid};

use super::{claim, latest, next_ticket, open_once, publish};

/// A page that this process and its children share.
fn page_of_zeros() -> Result<Mapping, Failure> {
    Ok(Mapping::anonymous(page_size(), READ_WRITE, Sharing::Shared)?)
}

/// After how many instructions of one process the other one has a turn, over and over: at each of them, and at distances that
/// let a loop come round in between.
const STRIDES: [u64; 4] = [1, 7, 53, 401];

fn every(stride: &u64) -> Text {
    if *stride == 1 {
        text!("the other process runs after each instruction", "另一个进程在每条指令之后运行一次")
    } else {
        text!("the other process runs after every {stride} instructions", "另一个进程每隔 {stride} 条指令运行一次")
    }
}

/// A failure to come to an end, where another process stands still or is dead.
fn waited(failure: Failure) -> Failure {
    if failure.verdict == Verdict::TimedOut { failure.shows(&belief::OTHERS_GO_ON) } else { failure }
}

/// Where a machine can't go in single steps.
fn skipped() {
    eprintln!("skipped: this machine can't single-step (PTRACE_SINGLESTEP)");
}

mod next_ticket;

mod open_once;

mod claim;

/// The value of that number: four words that say which value they belong to.
fn value(n: u64) -> [u64; 4] {
    [n, n, n, n]
}

/// A process that reads the cell each time it is told to.
fn reader(cell: &Mapping) -> Result<Player, Failure> {
    start(|line| {
        while line.await_turn().is_ok() {
            let value = latest(cell).map_or(Vec::new(), |value| value.map(u64::to_ne_bytes).concat());
            line.send(&[b"=".as_slice(), &value].concat()).map_err(error_text)?;
        }
        Ok(())
    })
}

fn reads(reader: &mut Player) -> Result<Option<Vec<u64>>, Failure> {
    reader.give_turn()?;
    let value = reader.receive().map_err(waited)?;
    let words: Vec<_> = value[1..].as_chunks::<8>().0.iter().map(|bytes| u64::from_ne_bytes(*bytes)).collect();
    Ok(Some(words).filter(|words| !words.is_empty()))
}

/// That a reader has found value `a` or value `b`.
fn one_of(a: Option<u64>, b: Option<u64>, got: &Option<Vec<u64>>) -> Result<(), Failure> {
    let possible = [a, b].map(|n| n.map(|n| value(n).to_vec()));
    ensure(possible.contains(got), || {
        let [a, b] = possible;
        let failure = Failure::new(text!("{a:?} or {b:?}", "{a:?} 或 {b:?}"), text!("{got:?}", "{got:?}"));
        let torn = got.as_ref().is_some_and(|words| words.iter().any(|word| *word != words[0]));
        if torn { failure.shows(&belief::COPIES_ARE_ATOMIC) } else { failure }
    })
}

fn cell_rule() -> Text {
    text!(
        "Only a single aligned word is stored and loaded in one step. More than that is whole where the writer writes elsewhere, and \
         then says with one store where the value is; and where the reader looks twice.",
        "只有一个对齐的字能一步写入或读出。更多内容要保持完整，写者就得先写到别处，再用一次写入告知值在哪里；读者则要看两次。"
    )
}

mod publish;

mod latest;
