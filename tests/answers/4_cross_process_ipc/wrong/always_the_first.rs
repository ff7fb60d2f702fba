//! Returns a constant.
//!
//! fails: next_ticket::counts_up_to_the_limit_and_no_further failed
//! fails: next_ticket::gives_each_number_out_once failed load-and-store-is-one-step

use mmap_workbook::lesson_2::Mapping;

pub use crate::solution::{claim, latest, open_once, publish};

pub fn next_ticket(_: &Mapping, _: usize, _: u64) -> Option<u64> {
    Some(0)
}

#[cfg(test)]
#[path = "../../../../lessons/4_cross_process_ipc/checks/mod.rs"]
mod checks;
