//! What an exercise's checks are written with.
//!
//! A check never runs the learner's code in its own process. [`ask()`] forks a child that runs it and brings back the
//! answer, [`start`] one that takes turns with the check, and [`trace`] one that stops at each system call or after
//! each instruction. So whatever the code does instead of returning has a verdict of its own, and a property can shrink
//! a counterexample even where each try dies of a signal.

mod allocations;
mod answer;
mod ask;
mod cut;
mod failure;
pub mod fixtures;
mod interrupt;
mod property;
mod report;
mod restrict;
mod seal;
mod shared_page;
mod stored;
mod todo;
pub mod trace;

use std::time::Duration;
use std::{io, panic};

pub use allocations::{Counting, allocator_calls, allocator_calls_of_children, at_each_allocator_call, most_allocated};
pub use answer::{ANSWER_VARIABLE, answer_id, chosen_answer};
pub use ask::{Moved, Player, ask, ask_with_memory, moved, start};
pub use cut::{Cut, Follow, History, SECTOR, Story};
pub(crate) use failure::Limit;
pub use failure::{Failure, Rule, Verdict, error_text, kind};
pub use interrupt::{Interrupted, Interruptions, ask_interrupted};
pub use property::{SEED_VARIABLE, for_all, for_all_n, for_each};
pub use report::{REPORT_VARIABLE, Report};
pub use restrict::{FORKS, On, ask_decided, ask_refused, ask_refused_once, drop_privileges, no_refusals, refuse};
pub use shared_page::{SharedPage, Step, Walker};
pub use stored::{is_stored_to, note_stores};
pub use trace::{
    Call, FileCall, FileId, MARK, Watched, after_each_instruction, after_each_marked_instruction, around_each_call,
    before_each_call, calls_of, killed_before_call, watch, watch_each,
};

use crate::error::other;
use crate::process;
use crate::text;
use crate::text::{Language, Text};

/// The name of the environment variable with the [`deadline`] in seconds.
pub const DEADLINE_VARIABLE: &str = "WORKBOOK_DEADLINE";

/// The longest [`deadline`] in seconds.
const LONGEST: u64 = 3_600;

/// How long a call of the learner's code may take before it is killed: `WORKBOOK_DEADLINE`, else 10 seconds.
pub fn deadline() -> Duration {
    seconds_in(DEADLINE_VARIABLE, LONGEST).ok().flatten().unwrap_or(Duration::from_secs(10))
}

/// # Errors
/// When `WORKBOOK_DEADLINE` is set to what can't be a deadline: one line says so.
pub fn refuse_a_deadline_that_is_none() -> io::Result<()> {
    seconds_in(DEADLINE_VARIABLE, LONGEST).map(drop)
}

/// The time that an environment variable has in seconds, from 1 to `longest`; None where there is no such variable.
///
/// # Errors
/// When it is anything else: one line says so.
pub(crate) fn seconds_in(variable: &str, longest: u64) -> io::Result<Option<Duration>> {
    let Some(seconds) = std::env::var_os(variable) else { return Ok(None) };
    let number = seconds.to_str().and_then(|seconds| seconds.parse().ok()).filter(|n| (1..=longest).contains(n));
    number.map(|number| Some(Duration::from_secs(number))).ok_or_else(|| {
        let seconds = seconds.display();
        other(text!(
            "{variable}={seconds}: not a number of seconds from 1 to {longest}",
            "{variable}={seconds}：应当是 1 到 {longest} 之间的秒数"
        ))
    })
}

/// One check: runs `body`. When it fails, the check says why, the `rule` that was broken, and which `section` to read:
/// an anchor of this lesson's lesson.rs, or of another lesson's with its number in front (`3:snapshot`). A failure may name
/// [another rule](Failure::breaks) than that.
///
/// # Panics
/// When the check fails, with all of that as its message: this makes it a test for libtest.
#[track_caller]
pub fn check(section: &str, rule: Text, body: impl FnOnce() -> Result<(), Failure>) {
    answer::choose();
    let destination = report::destination();
    // Neither the report nor this process is for the learner's code to write to.
    let hidden = destination.as_ref().map_or(Ok(()), process::hide);
    let outcome = hidden.and_then(|()| process::adopt_orphans()).map_err(Failure::from).and_then(|()| body());
    // The body's own children are gone. What else the learner's code has forked is a child of this process now.
    let strays = process::end_all_children();
    let outcome = match (outcome, strays) {
        (Err(failure), _) if failure.verdict != Verdict::Skipped => Err(failure),
        // Such a process may trace the others, so that this one can't: what could not be checked is no excuse then.
        (_, Ok(1..)) => Err(Failure::left_processes()),
        (outcome, strays) => outcome.and_then(|()| Ok(strays.map(drop)?)),
    };
    let mut failure = outcome.err();
    let own = Rule { section: section.to_owned(), rule };
    let Rule { section, rule } = failure.as_mut().and_then(|failure| failure.breaks.take()).map_or(own, |other| *other);
    let (left, told) = (fixtures::take_left().map(Box::new), fixtures::take_told());
    let report = Report { section, rule, failure, left, told };
    let graded = destination.is_some_and(|destination| report.write(destination));
    if report.failure.is_some() {
        if graded {
            // The program that grades has the report; the text would only obscure what the learner's code has printed.
            panic::resume_unwind(Box::new("the check failed"));
        }
        panic!("\n{}", report.in_language(Language::of_environment(), None, |_, _| None));
    }
}

/// The `failure`, unless `holds`.
///
/// # Errors
/// The failure.
pub fn ensure(holds: bool, failure: impl FnOnce() -> Failure) -> Result<(), Failure> {
    if holds { Ok(()) } else { Err(failure()) }
}
