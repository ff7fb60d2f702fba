//! Lesson 8's answers, right and wrong, and one copy of the checks that grade the learner's.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "the answers are written as learners write them, some of whom use `as`"
)]

#[macro_use]
#[path = "../one_of.rs"]
mod one_of;

mod append;
mod commit;
mod flush;
mod solution;
mod transaction;

/// What the checks take for the learner's file.
mod exercise {
    pub use crate::append::append;
    pub use crate::append::checkpoint;
    pub use crate::append::replay;
    pub use crate::commit::commit;
    pub use crate::commit::recover;
    pub use crate::flush::flush;
    pub use crate::transaction::pages;
    pub use crate::transaction::transaction;
}

#[path = "../../../lessons/8_durability/checks/mod.rs"]
mod checks;
