//! The solution of exercise 7, with the checks that grade the learner's. It is apart from the lesson's tests, which a
//! learner reads.

mod common;

#[path = "../lessons/7_cost/checks/mod.rs"]
mod checks;
#[path = "answers/7_cost/solution.rs"]
mod exercise;
