//! Lesson 2's answers, right and wrong, and one copy of the checks that grade the learner's.

#[macro_use]
#[path = "../one_of.rs"]
mod one_of;

mod byte_at;
mod count_lines;
mod map_aligned;
mod solution;
mod swap;

/// What the checks take for the learner's file.
mod exercise {
    pub use crate::byte_at::byte_at;
    pub use crate::count_lines::count_lines;
    pub use crate::map_aligned::map_aligned;
    pub use crate::swap::swap;
}

#[path = "../../../lessons/2_mmap_munmap/checks/mod.rs"]
mod checks;
