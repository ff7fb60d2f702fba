//! Lesson 2's answers: the right one and the wrong ones, each with the checks that grade the learner.

#![expect(clippy::duplicate_mod, reason = "each answer has a copy of the checks, which find its functions in `super`")]

mod solution;

#[path = "wrong/addition_that_overflows.rs"]
mod addition_that_overflows;
#[path = "wrong/always_one.rs"]
mod always_one;
#[path = "wrong/asks_for_writing.rs"]
mod asks_for_writing;
#[path = "wrong/close_is_enough.rs"]
mod close_is_enough;
#[path = "wrong/counts_from_the_boundary.rs"]
mod counts_from_the_boundary;
#[path = "wrong/end_is_inside.rs"]
mod end_is_inside;
#[path = "wrong/fixed_at_a_free_looking_address.rs"]
mod fixed_at_a_free_looking_address;
#[path = "wrong/forks_and_forgets.rs"]
mod forks_and_forgets;
#[path = "wrong/gives_up_by_abort.rs"]
mod gives_up_by_abort;
#[path = "wrong/keeps_the_rest.rs"]
mod keeps_the_rest;
#[path = "wrong/knows_the_sizes.rs"]
mod knows_the_sizes;
#[path = "wrong/leaves_by_exit.rs"]
mod leaves_by_exit;
#[path = "wrong/maps_all_between.rs"]
mod maps_all_between;
#[path = "wrong/never_advances.rs"]
mod never_advances;
#[path = "wrong/offset_anywhere.rs"]
mod offset_anywhere;
#[path = "wrong/offset_in_an_int.rs"]
mod offset_in_an_int;
#[path = "wrong/one_page_at_a_time.rs"]
mod one_page_at_a_time;
#[path = "wrong/reads_instead.rs"]
mod reads_instead;
#[path = "wrong/swaps_private_copies.rs"]
mod swaps_private_copies;
#[path = "wrong/trusts_mmap_with_the_end.rs"]
mod trusts_mmap_with_the_end;
#[path = "wrong/trusts_the_hint.rs"]
mod trusts_the_hint;
#[path = "wrong/whole_file_and_no_munmap.rs"]
mod whole_file_and_no_munmap;
#[path = "wrong/windows_pile_up.rs"]
mod windows_pile_up;
