//! Lesson 6's answers: the right one and the wrong ones, each with the checks that grade the learner.

#![expect(clippy::duplicate_mod, reason = "each answer has a copy of the checks, which find its functions in `super`")]

mod solution;

#[path = "wrong/a_size_of_0_is_an_empty_file.rs"]
mod a_size_of_0_is_an_empty_file;
#[path = "wrong/bus_error_after_the_last_byte.rs"]
mod bus_error_after_the_last_byte;
#[path = "wrong/catches_a_panic.rs"]
mod catches_a_panic;
#[path = "wrong/covers_the_next_page_too.rs"]
mod covers_the_next_page_too;
#[path = "wrong/covers_the_whole_mapping.rs"]
mod covers_the_whole_mapping;
#[path = "wrong/ends_the_process.rs"]
mod ends_the_process;
#[path = "wrong/forgets_a_blocked_signal.rs"]
mod forgets_a_blocked_signal;
#[path = "wrong/forgets_that_a_body_may_panic.rs"]
mod forgets_that_a_body_may_panic;
#[path = "wrong/forgets_the_offset.rs"]
mod forgets_the_offset;
#[path = "wrong/gives_the_address_as_it_is.rs"]
mod gives_the_address_as_it_is;
#[path = "wrong/ignores_the_signal.rs"]
mod ignores_the_signal;
#[path = "wrong/knows_the_checks_examples.rs"]
mod knows_the_checks_examples;
#[path = "wrong/leaves_the_new_size.rs"]
mod leaves_the_new_size;
#[path = "wrong/lengths_in_an_int.rs"]
mod lengths_in_an_int;
#[path = "wrong/looks_at_the_free_space.rs"]
mod looks_at_the_free_space;
#[path = "wrong/looks_at_the_size_afterwards.rs"]
mod looks_at_the_size_afterwards;
#[path = "wrong/looks_at_the_size_first.rs"]
mod looks_at_the_size_first;
#[path = "wrong/makes_the_file_longer.rs"]
mod makes_the_file_longer;
#[path = "wrong/mapping_as_long_as_asked.rs"]
mod mapping_as_long_as_asked;
#[path = "wrong/maps_an_empty_file.rs"]
mod maps_an_empty_file;
#[path = "wrong/names_the_last_page.rs"]
mod names_the_last_page;
#[path = "wrong/never_unmaps.rs"]
mod never_unmaps;
#[path = "wrong/one_page_too_many_at_a_boundary.rs"]
mod one_page_too_many_at_a_boundary;
#[path = "wrong/opens_for_writing.rs"]
mod opens_for_writing;
#[path = "wrong/panics_in_the_handler.rs"]
mod panics_in_the_handler;
#[path = "wrong/prints_in_the_handler.rs"]
mod prints_in_the_handler;
#[path = "wrong/puts_the_default_back.rs"]
mod puts_the_default_back;
#[path = "wrong/reads_as_much_as_the_size_says.rs"]
mod reads_as_much_as_the_size_says;
#[path = "wrong/reads_instead_of_mapping.rs"]
mod reads_instead_of_mapping;
#[path = "wrong/reserves_from_the_start.rs"]
mod reserves_from_the_start;
#[path = "wrong/sets_the_size_only.rs"]
mod sets_the_size_only;
#[path = "wrong/stores_to_a_private_mapping.rs"]
mod stores_to_a_private_mapping;
#[path = "wrong/stores_with_the_lessons_guard.rs"]
mod stores_with_the_lessons_guard;
#[path = "wrong/stores_zeros_there.rs"]
mod stores_zeros_there;
#[path = "wrong/sums_the_whole_last_page.rs"]
mod sums_the_whole_last_page;
#[path = "wrong/swallows_every_bus_error.rs"]
mod swallows_every_bus_error;
#[path = "wrong/takes_a_hint_for_an_order.rs"]
mod takes_a_hint_for_an_order;
#[path = "wrong/tries_in_a_child_first.rs"]
mod tries_in_a_child_first;
#[path = "wrong/unmaps_first.rs"]
mod unmaps_first;
#[path = "wrong/waits_at_a_fifo.rs"]
mod waits_at_a_fifo;
#[path = "wrong/works_on_a_copy.rs"]
mod works_on_a_copy;
#[path = "wrong/writes_a_byte_at_the_end.rs"]
mod writes_a_byte_at_the_end;
#[path = "wrong/writes_instead_of_storing.rs"]
mod writes_instead_of_storing;
