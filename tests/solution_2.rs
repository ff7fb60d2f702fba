//! The solution of exercise 2, with the checks that grade the learner's. It is apart from the lesson's tests, which a
//! learner reads.

mod common;

#[path = "../lessons/2_mmap_munmap/checks/mod.rs"]
mod checks;
#[path = "answers/2_mmap_munmap/solution.rs"]
mod exercise;
