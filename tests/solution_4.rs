//! The solution of exercise 4, with the checks that grade the learner's. It is apart from the lesson's tests, which a
//! learner reads.

mod common;

#[path = "../lessons/4_cross_process_ipc/checks/mod.rs"]
mod checks;
#[path = "answers/4_cross_process_ipc/solution.rs"]
mod exercise;
