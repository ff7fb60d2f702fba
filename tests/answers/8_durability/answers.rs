//! Lesson 8's answers, right and wrong, and one copy of the checks that grade the learner's.

#[macro_use]
#[path = "../one_of.rs"]
mod one_of;

mod solution;
mod whole_pages;

/// What the checks take for the learner's file.
mod exercise {
    pub use crate::whole_pages::whole_pages;
}

#[path = "../../../lessons/8_durability/checks/mod.rs"]
mod checks;
