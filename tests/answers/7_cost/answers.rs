//! Lesson 7's answers, right and wrong, and one copy of the checks that grade the learner's.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "the answers are written as learners write them, some of whom use `as`"
)]

#[macro_use]
#[path = "../one_of.rs"]
mod one_of;

mod choose;
mod gather;
mod resident;
mod scan;
mod solution;
mod warm;

/// What the checks take for the learner's file.
mod exercise {
    pub use crate::choose::choose;
    pub use crate::gather::gather;
    pub use crate::resident::resident;
    pub use crate::scan::scan;
    pub use crate::solution::Choice;
    pub use crate::warm::warm;
}

#[path = "../../../lessons/7_cost/checks/mod.rs"]
mod checks;
