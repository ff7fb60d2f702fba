//! Lesson 4's answers: the right one and the wrong ones, each with the checks that grade the learner.

#![expect(clippy::duplicate_mod, reason = "each answer has a copy of the checks, which find its functions in `super`")]

mod solution;

#[path = "wrong/always_the_first.rs"]
mod always_the_first;
#[path = "wrong/creates_in_place.rs"]
mod creates_in_place;
#[path = "wrong/exits_where_it_is_there.rs"]
mod exits_where_it_is_there;
#[path = "wrong/goes_beyond_and_back.rs"]
mod goes_beyond_and_back;
#[path = "wrong/loads_then_stores.rs"]
mod loads_then_stores;
#[path = "wrong/locks_with_a_word.rs"]
mod locks_with_a_word;
#[path = "wrong/locks_with_flock.rs"]
mod locks_with_flock;
#[path = "wrong/makes_the_size_right.rs"]
mod makes_the_size_right;
#[path = "wrong/one_slot.rs"]
mod one_slot;
#[path = "wrong/reader_waits_for_the_writer.rs"]
mod reader_waits_for_the_writer;
#[path = "wrong/readers_count_themselves.rs"]
mod readers_count_themselves;
#[path = "wrong/renames_over_the_first.rs"]
mod renames_over_the_first;
#[path = "wrong/says_it_first.rs"]
mod says_it_first;
#[path = "wrong/two_slots_and_one_look.rs"]
mod two_slots_and_one_look;
#[path = "wrong/waits_for_its_turn.rs"]
mod waits_for_its_turn;
#[path = "wrong/writes_its_pid_down.rs"]
mod writes_its_pid_down;
#[path = "wrong/zeros_are_nothing.rs"]
mod zeros_are_nothing;
