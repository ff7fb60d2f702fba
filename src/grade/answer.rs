//! Which answer is graded, where a test binary has several.
//!
//! The right and wrong answers to an exercise are one binary with one copy of the checks, in tests/answers. A learner's
//! binary has only the learner's.

use std::sync::atomic::{AtomicU64, Ordering};

/// The name of the environment variable with the name of the answer.
pub const ANSWER_VARIABLE: &str = "WORKBOOK_ANSWER";

/// The id of the answer that [`ANSWER_VARIABLE`] names; 0 when it names none.
static CHOSEN: AtomicU64 = AtomicU64::new(0);

/// An answer's id: a hash of its name, so that a `match` finds it in few instructions (FNV-1a). Checks run answers one
/// instruction at a time, and count their system calls.
pub const fn answer_id(name: &str) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut at = 0;
    while at < name.len() {
        hash = (hash ^ name.as_bytes()[at] as u64).wrapping_mul(0x100_0000_01b3);
        at += 1;
    }
    hash
}

/// The id of the answer that is graded.
#[inline(always)]
pub fn chosen_answer() -> u64 {
    CHOSEN.load(Ordering::Relaxed)
}

/// Looks up which answer is graded, before any of its code runs.
pub(super) fn choose() {
    CHOSEN.store(std::env::var(ANSWER_VARIABLE).map_or(0, |name| answer_id(&name)), Ordering::Relaxed);
}
