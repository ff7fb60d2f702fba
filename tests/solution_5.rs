//! The solution of exercise 5, with the checks that grade the learner's. It is apart from the lesson's tests, which a
//! learner reads.

mod common;

#[path = "../lessons/5_unlinked_temp_files/checks/mod.rs"]
mod checks;
#[path = "answers/5_unlinked_temp_files/solution.rs"]
mod exercise;

/// Counts, for the checks of what may run between fork and exec.
#[global_allocator]
static ALLOCATOR: mmap_workbook::grade::Counting = mmap_workbook::grade::Counting;
