//! Answers to `freeze`, right and wrong.

use mmap_workbook::lesson_2::Mapping;
use mmap_workbook::observe::page_size;

/// Ends the process, successfully, after its work.
///
/// fails: freeze::the_draft_stands_still_whatever_is_written exited
/// fails: freeze::the_file_stays_as_it_is exited
mod exits_when_done {
    use super::*;

    pub fn freeze(draft: &Mapping) {
        crate::solution::freeze(draft);
        std::process::exit(0)
    }
}

/// Takes a page that was loaded from for a copy.
///
/// fails: freeze::the_draft_stands_still_whatever_is_written failed loading-copies
/// fails: freeze::the_file_stays_as_it_is failed loading-copies
mod loading_is_enough {
    use super::*;

    pub fn freeze(draft: &Mapping) {
        for at in (0..draft.length()).step_by(page_size()) {
            draft.load(at);
        }
    }
}

/// Takes a private mapping for a snapshot, and does nothing.
///
/// fails: freeze::the_draft_stands_still_whatever_is_written failed loading-copies
/// fails: freeze::the_file_stays_as_it_is failed loading-copies
mod nothing_to_do {
    use super::*;

    pub fn freeze(_: &Mapping) {}
}

/// Makes the copies by storing a byte of its own.
///
/// fails: freeze::the_draft_stands_still_whatever_is_written failed
/// fails: freeze::the_file_stays_as_it_is failed
mod stores_a_zero {
    use super::*;

    pub fn freeze(draft: &Mapping) {
        for at in (0..draft.length()).step_by(page_size()) {
            draft.store(at, 0);
        }
    }
}

one_of! {
    pub fn freeze(draft: &Mapping);
    exits_when_done loading_is_enough nothing_to_do stores_a_zero
}
