//! The solution of exercise NUMBER, with the checks that grade the learner's. It is apart from the lesson's tests, which a
//! learner reads.

mod common;

#[path = "../lessons/NUMBER_SLUG/checks/mod.rs"]
mod checks;
#[path = "answers/NUMBER_SLUG/solution.rs"]
mod exercise;
