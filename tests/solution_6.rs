//! The solution of exercise 6, with the checks that grade the learner's. It is apart from the lesson's tests, which a
//! learner reads.

mod common;

#[path = "../lessons/6_bus_error/checks/mod.rs"]
mod checks;
#[path = "answers/6_bus_error/solution.rs"]
mod exercise;

/// Counts, for the checks of what a signal handler may do.
#[global_allocator]
static ALLOCATOR: mmap_workbook::grade::Counting = mmap_workbook::grade::Counting;
