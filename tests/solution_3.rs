//! The solution of exercise 3, with the checks that grade the learner's. It is apart from the lesson's tests, which a
//! learner reads.

mod common;

#[path = "../lessons/3_shared_vs_private/checks/mod.rs"]
mod checks;
#[path = "answers/3_shared_vs_private/solution.rs"]
mod exercise;
