//! Lesson 3's answers, right and wrong, and one copy of the checks that grade the learner's.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "the answers are written as learners write them, some of whom use `as`"
)]

#[macro_use]
#[path = "../one_of.rs"]
mod one_of;

mod commit;
mod copied_pages;
mod discard;
mod freeze;
mod solution;
mod what_if;

/// What the checks take for the learner's file.
mod exercise {
    pub use crate::commit::commit;
    pub use crate::copied_pages::copied_pages;
    pub use crate::discard::discard;
    pub use crate::freeze::freeze;
    pub use crate::what_if::what_if;
}

#[path = "../../../lessons/3_shared_vs_private/checks/mod.rs"]
mod checks;
