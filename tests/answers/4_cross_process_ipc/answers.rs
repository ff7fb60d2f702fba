//! Lesson 4's answers, right and wrong, and one copy of the checks that grade the learner's.

#[macro_use]
#[path = "../one_of.rs"]
mod one_of;

mod claim;
mod next_ticket;
mod open_once;
mod publish;
mod solution;
mod wait_for_rings;

/// What the checks take for the learner's file.
mod exercise {
    pub use crate::claim::claim;
    pub use crate::next_ticket::next_ticket;
    pub use crate::open_once::open_once;
    pub use crate::publish::latest;
    pub use crate::publish::publish;
    pub use crate::wait_for_rings::wait_for_rings;
}

#[path = "../../../lessons/4_cross_process_ipc/checks/mod.rs"]
mod checks;
