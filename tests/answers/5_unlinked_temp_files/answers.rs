//! Lesson 5's answers: the right one and the wrong ones, each with the checks that grade the learner.

#![expect(clippy::duplicate_mod, reason = "each answer has a copy of the checks, which find its functions in `super`")]

mod solution;

#[path = "wrong/aborts_on_a_bad_sender.rs"]
mod aborts_on_a_bad_sender;
#[path = "wrong/asks_for_o_excl.rs"]
mod asks_for_o_excl;
#[path = "wrong/asks_for_shrink_alone.rs"]
mod asks_for_shrink_alone;
#[path = "wrong/asks_for_the_length_first.rs"]
mod asks_for_the_length_first;
#[path = "wrong/copies_the_file.rs"]
mod copies_the_file;
#[path = "wrong/does_not_ask_for_seals.rs"]
mod does_not_ask_for_seals;
#[path = "wrong/does_not_sync_the_directory.rs"]
mod does_not_sync_the_directory;
#[path = "wrong/drops_the_pages.rs"]
mod drops_the_pages;
#[path = "wrong/dup2_onto_itself.rs"]
mod dup2_onto_itself;
#[path = "wrong/exits_with_success.rs"]
mod exits_with_success;
#[path = "wrong/fills_it_under_its_name.rs"]
mod fills_it_under_its_name;
#[path = "wrong/forgets_the_old_mapping.rs"]
mod forgets_the_old_mapping;
#[path = "wrong/gives_an_unlinked_file_its_name_back.rs"]
mod gives_an_unlinked_file_its_name_back;
#[path = "wrong/hands_it_down_twice.rs"]
mod hands_it_down_twice;
#[path = "wrong/keeps_the_old_mapping.rs"]
mod keeps_the_old_mapping;
#[path = "wrong/keeps_what_it_refuses.rs"]
mod keeps_what_it_refuses;
#[path = "wrong/knows_the_checks_sizes.rs"]
mod knows_the_checks_sizes;
#[path = "wrong/leaves_a_child_behind.rs"]
mod leaves_a_child_behind;
#[path = "wrong/leaves_the_ends_to_the_kernel.rs"]
mod leaves_the_ends_to_the_kernel;
#[path = "wrong/leaves_the_mode_to_open.rs"]
mod leaves_the_mode_to_open;
#[path = "wrong/links_the_proc_entry.rs"]
mod links_the_proc_entry;
#[path = "wrong/maps_it_shared.rs"]
mod maps_it_shared;
#[path = "wrong/moves_to_a_copy.rs"]
mod moves_to_a_copy;
#[path = "wrong/never_closes_its_own.rs"]
mod never_closes_its_own;
#[path = "wrong/offsets_of_32_bits.rs"]
mod offsets_of_32_bits;
#[path = "wrong/opens_it_again.rs"]
mod opens_it_again;
#[path = "wrong/puts_it_in_place_here.rs"]
mod puts_it_in_place_here;
#[path = "wrong/remembers_a_number.rs"]
mod remembers_a_number;
#[path = "wrong/renames_a_hidden_file.rs"]
mod renames_a_hidden_file;
#[path = "wrong/replaces_what_is_there.rs"]
mod replaces_what_is_there;
#[path = "wrong/reserves_only_what_is_new.rs"]
mod reserves_only_what_is_new;
#[path = "wrong/returns_ok.rs"]
mod returns_ok;
#[path = "wrong/rounds_inward.rs"]
mod rounds_inward;
#[path = "wrong/rounds_outward.rs"]
mod rounds_outward;
#[path = "wrong/seals_it_itself.rs"]
mod seals_it_itself;
#[path = "wrong/seeks_to_the_end.rs"]
mod seeks_to_the_end;
#[path = "wrong/sets_the_length_only.rs"]
mod sets_the_length_only;
#[path = "wrong/sets_the_mode_last.rs"]
mod sets_the_mode_last;
#[path = "wrong/stays_grown_when_it_fails.rs"]
mod stays_grown_when_it_fails;
#[path = "wrong/syncs_when_it_has_its_name.rs"]
mod syncs_when_it_has_its_name;
#[path = "wrong/takes_a_bare_name_for_one_without_a_directory.rs"]
mod takes_a_bare_name_for_one_without_a_directory;
#[path = "wrong/takes_future_write_for_write.rs"]
mod takes_future_write_for_write;
#[path = "wrong/truncates_the_tail.rs"]
mod truncates_the_tail;
#[path = "wrong/waits_for_the_file_to_grow.rs"]
mod waits_for_the_file_to_grow;
#[path = "wrong/wants_these_seals_and_no_others.rs"]
mod wants_these_seals_and_no_others;
#[path = "wrong/writes_a_byte_at_the_end.rs"]
mod writes_a_byte_at_the_end;
#[path = "wrong/writes_zeros.rs"]
mod writes_zeros;
