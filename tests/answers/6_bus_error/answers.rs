//! Lesson 6's answers, right and wrong, and one copy of the checks that grade the learner's.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::multiple_unsafe_ops_per_block,
    reason = "the answers are written as learners write them, some of whom use `as` and a block for a whole handler"
)]

#[macro_use]
#[path = "../one_of.rs"]
mod one_of;

mod count_guarded;
mod parts;
mod put;
mod solution;
mod sum_of;
mod survive;
mod zeros_over;

/// Counts, for the checks of what a signal handler may do.
#[global_allocator]
static ALLOCATOR: mmap_workbook::grade::Counting = mmap_workbook::grade::Counting;

/// What the checks take for the learner's file.
mod exercise {
    pub use crate::count_guarded::count_guarded;
    pub use crate::parts::parts;
    pub use crate::put::put;
    pub use crate::sum_of::sum_of;
    pub use crate::survive::survive;
    pub use crate::zeros_over::zeros_over;
}

#[path = "../../../lessons/6_bus_error/checks/mod.rs"]
mod checks;
