//! The solution of exercise 1, with the checks that grade the learner's. It is apart from the lesson's tests, which a
//! learner reads.

mod common;

#[path = "../lessons/1_traditional_io/checks/mod.rs"]
mod checks;
#[path = "answers/1_traditional_io/solution.rs"]
mod exercise;
