//! The checks of exercise 4. None depends on luck: ptrace(2) stops one process after each of its instructions, or at
//! each of its system calls, and another process runs there, so the worst moment is among them.

use std::fs::{self, File};
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::Ordering;

use mmap_workbook::grade::fixtures::{equal, refused};
use mmap_workbook::grade::misconception as belief;
use mmap_workbook::grade::{
    Failure, Player, Stepped, Verdict, after_each_instruction, ask, before_each_call, check, ensure, error_text,
    for_each, killed_after_instruction, killed_before_call, kind, start,
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

use crate::exercise::{claim, latest, next_ticket, open_once, publish};

/// A page that this process and its children share.
fn page_of_zeros() -> Result<Mapping, Failure> {
    Ok(Mapping::anonymous(page_size(), READ_WRITE, Sharing::Shared)?)
}

/// The numbers of instructions of one process between the turns of another: one, and distances that let a loop go round
/// in between.
const STRIDES: [u64; 4] = [1, 7, 53, 401];

fn every(stride: &u64) -> Text {
    if *stride == 1 {
        text!("the other process runs after each instruction", "另一个进程在每条指令之后运行一次")
    } else {
        text!("the other process runs after every {stride} instructions", "另一个进程每隔 {stride} 条指令运行一次")
    }
}

/// Names the belief behind a timeout, when another process is stopped or dead.
fn waited(failure: Failure) -> Failure {
    if failure.verdict == Verdict::TimedOut { failure.shows(&belief::OTHERS_GO_ON) } else { failure }
}

/// What is printed on a machine that can't single-step.
fn skipped() {
    eprintln!("skipped: this machine can't single-step (PTRACE_SINGLESTEP)");
}

mod next_ticket;

mod open_once;

mod claim;

/// The value with this number: four words that say which value they belong to.
fn value(n: u64) -> [u64; 4] {
    [n, n, n, n]
}

/// A process that reads the cell in each of its turns.
fn reader(cell: &Mapping) -> Result<Player, Failure> {
    start(|peer| {
        while peer.await_turn().is_ok() {
            let value = latest(cell).map_or(Vec::new(), |value| value.map(u64::to_ne_bytes).concat());
            peer.send(&[b"=".as_slice(), &value].concat()).map_err(error_text)?;
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

/// Expects that a reader has found value `a` or value `b`.
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
        "Only a single aligned machine word is stored or loaded in one step. A larger value stays whole if the writer \
         stores it where no reader looks, and then announces it with one store; and if the reader checks before and \
         after its loads.",
        "只有一个对齐的机器字能一步写入或读出。更大的值要保持完整，写者就得先写到没有读者看的地方，再用一次写入公布它；读者则要在读的前后各查一次。"
    )
}

mod publish;

mod latest;
