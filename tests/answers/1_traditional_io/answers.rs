//! Lesson 1's answers, right and wrong, and one copy of the checks that grade the learner's.

#[macro_use]
#[path = "../one_of.rs"]
mod one_of;

mod count_byte;
mod increment;
mod read_number;
mod replace_all;
mod save;
mod solution;
mod to_crlf;

/// Counts how much is allocated at once.
#[global_allocator]
static ALLOCATOR: mmap_workbook::grade::Counting = mmap_workbook::grade::Counting;

/// What the checks take for the learner's file.
mod exercise {
    pub use crate::count_byte::count_byte;
    pub use crate::increment::increment;
    pub use crate::read_number::read_number;
    pub use crate::replace_all::replace_all;
    pub use crate::save::load;
    pub use crate::save::save;
    pub use crate::solution::Record;
    pub use crate::to_crlf::to_crlf;
}

#[path = "../../../lessons/1_traditional_io/checks/mod.rs"]
mod checks;
