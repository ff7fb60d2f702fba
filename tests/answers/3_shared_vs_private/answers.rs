//! Lesson 3's answers: the right one and the wrong ones, each with the checks that grade the learner.

#![expect(clippy::duplicate_mod, reason = "each answer has a copy of the checks, which find its functions in `super`")]

mod solution;

#[path = "wrong/answers_by_status.rs"]
mod answers_by_status;
#[path = "wrong/compares_the_bytes.rs"]
mod compares_the_bytes;
#[path = "wrong/discards_each_page.rs"]
mod discards_each_page;
#[path = "wrong/discards_in_any_case.rs"]
mod discards_in_any_case;
#[path = "wrong/exits_when_done.rs"]
mod exits_when_done;
#[path = "wrong/invalidates_with_msync.rs"]
mod invalidates_with_msync;
#[path = "wrong/keeps_its_copies.rs"]
mod keeps_its_copies;
#[path = "wrong/keeps_the_writing_end.rs"]
mod keeps_the_writing_end;
#[path = "wrong/leaves_by_exit.rs"]
mod leaves_by_exit;
#[path = "wrong/loading_is_enough.rs"]
mod loading_is_enough;
#[path = "wrong/maps_the_file_shared.rs"]
mod maps_the_file_shared;
#[path = "wrong/measures_the_draft.rs"]
mod measures_the_draft;
#[path = "wrong/never_waits.rs"]
mod never_waits;
#[path = "wrong/none_at_all.rs"]
mod none_at_all;
#[path = "wrong/nothing_to_do.rs"]
mod nothing_to_do;
#[path = "wrong/present_is_copied.rs"]
mod present_is_copied;
#[path = "wrong/restores_the_bytes.rs"]
mod restores_the_bytes;
#[path = "wrong/stays_in_the_process.rs"]
mod stays_in_the_process;
#[path = "wrong/stores_a_zero.rs"]
mod stores_a_zero;
#[path = "wrong/unmaps.rs"]
mod unmaps;
#[path = "wrong/unwinds_the_caller.rs"]
mod unwinds_the_caller;
#[path = "wrong/writes_everything_back.rs"]
mod writes_everything_back;
#[path = "wrong/writes_once.rs"]
mod writes_once;
#[path = "wrong/writes_whole_pages.rs"]
mod writes_whole_pages;
