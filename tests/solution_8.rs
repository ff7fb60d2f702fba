//! The solution of exercise 8, with the checks that grade the learner's. It is apart from the lesson's tests, which a
//! learner reads.

mod common;

#[path = "../lessons/8_durability/checks/mod.rs"]
mod checks;
#[path = "answers/8_durability/solution.rs"]
mod exercise;
