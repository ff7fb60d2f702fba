//! Lesson 5's answers, right and wrong, and one copy of the checks that grade the learner's.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "the answers are written as learners write them, some of whom use `as`"
)]

#[macro_use]
#[path = "../one_of.rs"]
mod one_of;

mod give_back;
mod grow;
mod hand_down;
mod publish;
mod receive_sealed;
mod solution;

/// Counts, for the checks of what may run between fork and exec.
#[global_allocator]
static ALLOCATOR: mmap_workbook::grade::Counting = mmap_workbook::grade::Counting;

/// What the checks take for the learner's file.
mod exercise {
    pub use crate::give_back::give_back;
    pub use crate::grow::grow;
    pub use crate::hand_down::hand_down;
    pub use crate::publish::publish;
    pub use crate::receive_sealed::receive_sealed;
}

#[path = "../../../lessons/5_unlinked_temp_files/checks/mod.rs"]
mod checks;
