//! Lesson 1's answers: the right one and the wrong ones, each with the checks that grade the learner.

#![expect(clippy::duplicate_mod, reason = "each answer has a copy of the checks, which find its functions in `super`")]

mod solution;

#[path = "wrong/a_bare_call_is_enough.rs"]
mod a_bare_call_is_enough;
#[path = "wrong/a_hole_for_room.rs"]
mod a_hole_for_room;
#[path = "wrong/a_sum_of_the_bytes_is_enough.rs"]
mod a_sum_of_the_bytes_is_enough;
#[path = "wrong/all_of_it_in_memory.rs"]
mod all_of_it_in_memory;
#[path = "wrong/always_three.rs"]
mod always_three;
#[path = "wrong/an_interrupted_sync_fails.rs"]
mod an_interrupted_sync_fails;
#[path = "wrong/an_interruption_is_an_error.rs"]
mod an_interruption_is_an_error;
#[path = "wrong/any_error_is_a_zero.rs"]
mod any_error_is_a_zero;
#[path = "wrong/asks_fsync_again.rs"]
mod asks_fsync_again;
#[path = "wrong/begins_with_a_write.rs"]
mod begins_with_a_write;
#[path = "wrong/builds_on_what_it_reads.rs"]
mod builds_on_what_it_reads;
#[path = "wrong/byte_by_byte.rs"]
mod byte_by_byte;
#[path = "wrong/each_chunk_for_itself.rs"]
mod each_chunk_for_itself;
#[path = "wrong/forgets_the_byte_before.rs"]
mod forgets_the_byte_before;
#[path = "wrong/forgets_the_mode.rs"]
mod forgets_the_mode;
#[path = "wrong/forks_a_lockkeeper.rs"]
mod forks_a_lockkeeper;
#[path = "wrong/from_the_front.rs"]
mod from_the_front;
#[path = "wrong/gives_up_by_abort.rs"]
mod gives_up_by_abort;
#[path = "wrong/keeps_a_log.rs"]
mod keeps_a_log;
#[path = "wrong/knows_the_sizes.rs"]
mod knows_the_sizes;
#[path = "wrong/leaves_by_exit.rs"]
mod leaves_by_exit;
#[path = "wrong/leaves_the_zeros.rs"]
mod leaves_the_zeros;
#[path = "wrong/leaves_what_it_made.rs"]
mod leaves_what_it_made;
#[path = "wrong/locks_the_counter.rs"]
mod locks_the_counter;
#[path = "wrong/moves_what_stays.rs"]
mod moves_what_stays;
#[path = "wrong/no_turns.rs"]
mod no_turns;
#[path = "wrong/nothing_is_everywhere.rs"]
mod nothing_is_everywhere;
#[path = "wrong/one_sync_for_both.rs"]
mod one_sync_for_both;
#[path = "wrong/overwrites_the_only_copy.rs"]
mod overwrites_the_only_copy;
#[path = "wrong/reads_before_its_turn.rs"]
mod reads_before_its_turn;
#[path = "wrong/remembers_each_place.rs"]
mod remembers_each_place;
#[path = "wrong/searches_the_new_bytes.rs"]
mod searches_the_new_bytes;
#[path = "wrong/syncs_the_file_twice.rs"]
mod syncs_the_file_twice;
#[path = "wrong/trusts_rename.rs"]
mod trusts_rename;
#[path = "wrong/unlocks_too_soon.rs"]
mod unlocks_too_soon;
#[path = "wrong/writes_in_place.rs"]
mod writes_in_place;
#[path = "wrong/writes_it_all_back.rs"]
mod writes_it_all_back;
#[path = "wrong/written_is_enough.rs"]
mod written_is_enough;
