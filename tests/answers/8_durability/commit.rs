//! Answers to `commit` and `recover`, right and wrong.

use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use mmap_workbook::lesson_2::Mapping;
use mmap_workbook::observe::page_size;
use nix::errno::Errno;
use nix::sys::mman::{MsFlags, msync};

use crate::solution::{flush, settle};

fn fits(mapping: &Mapping, record: &[u8]) -> io::Result<()> {
    if record.len() > mapping.length() / 4 { Err(Errno::EFBIG.into()) } else { Ok(()) }
}

fn put(mapping: &Mapping, at: usize, word: u64) {
    mapping.write(at, &word.to_le_bytes());
}

fn get(mapping: &Mapping, at: usize) -> u64 {
    let mut bytes = [0; 8];
    mapping.read(at, &mut bytes);
    u64::from_le_bytes(bytes)
}

fn bytes_at(mapping: &Mapping, at: usize, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    mapping.read(at, &mut bytes);
    bytes
}

fn fnv(parts: &[&[u8]]) -> u64 {
    let bytes = parts.iter().copied().flatten();
    bytes.fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Two halves, of whole pages.
fn slot(mapping: &Mapping, number: u64) -> Range<usize> {
    let half = mapping.length() / 2 / page_size() * page_size();
    if number.is_multiple_of(2) { 0..half } else { half..2 * half }
}

/// A slot with a header of three words: the number, the length, the sum that `sum` makes of number, length and bytes. It is the
/// format of the solution where `sum` is its.
fn store_with(mapping: &Mapping, number: u64, record: &[u8], sum: impl Fn(u64, &[u8]) -> u64) -> Range<usize> {
    let start = slot(mapping, number).start;
    put(mapping, start, number);
    put(mapping, start + 8, record.len() as u64);
    put(mapping, start + 16, sum(number, record));
    mapping.write(start + 24, record);
    start..start + 24 + record.len()
}

fn load_with(mapping: &Mapping, slot: Range<usize>, sum: impl Fn(u64, &[u8]) -> u64) -> Option<(u64, Vec<u8>)> {
    let [number, length, found] = [0, 8, 16].map(|at| get(mapping, slot.start + at));
    let length = usize::try_from(length).ok().filter(|length| *length <= slot.len() - 24)?;
    let record = bytes_at(mapping, slot.start + 24, length);
    (number > 0 && found == sum(number, &record)).then_some((number, record))
}

fn newest_with(mapping: &Mapping, sum: impl Fn(u64, &[u8]) -> u64) -> Option<(u64, Vec<u8>)> {
    [0, 1].into_iter().filter_map(|n| load_with(mapping, slot(mapping, n), &sum)).max_by_key(|(number, _)| *number)
}

/// The right way with another sum.
fn commit_with(mapping: &Mapping, record: &[u8], sum: impl Fn(u64, &[u8]) -> u64) -> io::Result<()> {
    fits(mapping, record)?;
    let last = newest_with(mapping, &sum);
    if let Some((number, record)) = &last {
        let start = slot(mapping, *number).start;
        settle(mapping, start..start + 24 + record.len())?;
    }
    let number = last.map_or(0, |(number, _)| number) + 1;
    let range = store_with(mapping, number, record, &sum);
    flush(mapping, range)
}

/// A sum of number, length and bytes.
fn sum_of_all(number: u64, record: &[u8]) -> u64 {
    fnv(&[&number.to_le_bytes(), &(record.len() as u64).to_le_bytes(), record])
}

/// A sum that is always right.
fn no_sum(_: u64, _: &[u8]) -> u64 {
    0
}

fn next(mapping: &Mapping) -> u64 {
    newest_with(mapping, sum_of_all).map_or(0, |(number, _)| number) + 1
}

/// Puts the record before on the disk, which a killed process or a failed sync may have left.
fn sync_the_last(mapping: &Mapping) -> io::Result<()> {
    let Some((number, record)) = newest_with(mapping, sum_of_all) else { return Ok(()) };
    let start = slot(mapping, number).start;
    settle(mapping, start..start + 24 + record.len())
}

/// Stores number, length and bytes, and syncs all at once, without a checksum.
///
/// fails: commit::a_cut_leaves_the_old_record_or_the_new_one failed stores-arrive-in-order
mod no_checksum {
    use super::*;

    pub fn commit(mapping: &Mapping, record: &[u8]) -> io::Result<()> {
        commit_with(mapping, record, no_sum)
    }

    pub fn recover(mapping: &Mapping) -> Option<Vec<u8>> {
        newest_with(mapping, no_sum).map(|(_, record)| record)
    }
}

/// Syncs the header before the bytes, without a checksum.
///
/// fails: commit::a_cut_leaves_the_old_record_or_the_new_one failed stores-arrive-in-order
/// fails: commit::an_error_of_a_sync_is_returned failed
mod header_first {
    use super::*;

    pub fn commit(mapping: &Mapping, record: &[u8]) -> io::Result<()> {
        fits(mapping, record)?;
        let last = newest_with(mapping, no_sum).map_or(0, |(number, _)| number);
        if last > 0 {
            flush(mapping, slot(mapping, last))?;
        }
        let start = slot(mapping, last + 1).start;
        put(mapping, start, last + 1);
        put(mapping, start + 8, record.len() as u64);
        flush(mapping, start..start + 24)?;
        mapping.write(start + 24, record);
        flush(mapping, start + 24..start + 24 + record.len())
    }

    pub fn recover(mapping: &Mapping) -> Option<Vec<u8>> {
        super::no_checksum::recover(mapping)
    }
}

/// Syncs the bytes, then stores the header, which is never synced.
///
/// fails: commit::a_cut_leaves_the_old_record_or_the_new_one failed
mod header_never_synced {
    use super::*;

    pub fn commit(mapping: &Mapping, record: &[u8]) -> io::Result<()> {
        fits(mapping, record)?;
        sync_the_last(mapping)?;
        let (number, start) = (next(mapping), slot(mapping, next(mapping)).start);
        mapping.write(start + 24, record);
        flush(mapping, start + 24..start + 24 + record.len())?;
        store_with(mapping, number, record, sum_of_all);
        Ok(())
    }

    pub fn recover(mapping: &Mapping) -> Option<Vec<u8>> {
        crate::solution::recover(mapping)
    }
}

/// Syncs the page of the header only.
///
/// fails: commit::a_cut_leaves_the_old_record_or_the_new_one failed
mod syncs_the_header_only {
    use super::*;

    pub fn commit(mapping: &Mapping, record: &[u8]) -> io::Result<()> {
        fits(mapping, record)?;
        sync_the_last(mapping)?;
        let range = store_with(mapping, next(mapping), record, sum_of_all);
        flush(mapping, range.start..range.start + 24)
    }

    pub fn recover(mapping: &Mapping) -> Option<Vec<u8>> {
        crate::solution::recover(mapping)
    }
}

/// Syncs nothing: the kernel will write it some time.
///
/// fails: commit::a_cut_leaves_the_old_record_or_the_new_one failed
mod syncs_nothing {
    use super::*;

    pub fn commit(mapping: &Mapping, record: &[u8]) -> io::Result<()> {
        fits(mapping, record)?;
        store_with(mapping, next(mapping), record, sum_of_all);
        Ok(())
    }

    pub fn recover(mapping: &Mapping) -> Option<Vec<u8>> {
        crate::solution::recover(mapping)
    }
}

/// Asks for the pages to be written, and doesn't wait.
///
/// fails: commit::a_cut_leaves_the_old_record_or_the_new_one failed async-writes
mod asks_for_it {
    use super::*;

    pub fn commit(mapping: &Mapping, record: &[u8]) -> io::Result<()> {
        fits(mapping, record)?;
        store_with(mapping, next(mapping), record, sum_of_all);
        // SAFETY: the pages of the mapping; msync(2) changes no byte.
        Ok(unsafe { msync(mapping.pointer_to(0), mapping.length(), MsFlags::MS_ASYNC) }?)
    }

    pub fn recover(mapping: &Mapping) -> Option<Vec<u8>> {
        crate::solution::recover(mapping)
    }
}

/// Uses one slot again and again.
///
/// fails: commit::a_cut_leaves_the_old_record_or_the_new_one failed
mod one_slot {
    use super::*;

    pub fn commit(mapping: &Mapping, record: &[u8]) -> io::Result<()> {
        fits(mapping, record)?;
        let number = next(mapping);
        let range = store_with(mapping, number + number % 2, record, sum_of_all);
        flush(mapping, range)
    }

    pub fn recover(mapping: &Mapping) -> Option<Vec<u8>> {
        crate::solution::recover(mapping)
    }
}

/// Keeps the number in a byte.
///
/// fails: commit::an_error_of_a_sync_is_returned failed
/// fails: commit::however_many_came_before failed
/// fails: commit::so_does_a_cut_between_two_stores failed
mod number_in_a_byte {
    use super::*;

    fn newest(mapping: &Mapping) -> Option<(u64, Vec<u8>)> {
        let used = [0, 1].into_iter().filter_map(|n| {
            let (number, record) = load_with(mapping, slot(mapping, n), sum_of_all)?;
            Some((number % 256, record))
        });
        used.max_by_key(|(number, _)| *number)
    }

    pub fn commit(mapping: &Mapping, record: &[u8]) -> io::Result<()> {
        fits(mapping, record)?;
        let last = newest(mapping).map_or(0, |(number, _)| number);
        if last > 0 {
            flush(mapping, slot(mapping, last))?;
        }
        let range = store_with(mapping, (last as u8).wrapping_add(1).into(), record, sum_of_all);
        flush(mapping, range)
    }

    pub fn recover(mapping: &Mapping) -> Option<Vec<u8>> {
        newest(mapping).map(|(_, record)| record)
    }
}

/// Leaves the number out of the checksum: an old record may get a new number.
///
/// fails: commit::so_does_a_cut_between_two_stores failed
mod number_without_a_checksum {
    use super::*;

    fn sum(_: u64, record: &[u8]) -> u64 {
        fnv(&[record])
    }

    pub fn commit(mapping: &Mapping, record: &[u8]) -> io::Result<()> {
        commit_with(mapping, record, sum)
    }

    pub fn recover(mapping: &Mapping) -> Option<Vec<u8>> {
        newest_with(mapping, sum).map(|(_, record)| record)
    }
}

/// Leaves the length out of the checksum, which the bytes have to agree with all the same.
///
/// passes
mod length_without_a_checksum {
    use super::*;

    fn sum(number: u64, record: &[u8]) -> u64 {
        fnv(&[&number.to_le_bytes(), record])
    }

    pub fn commit(mapping: &Mapping, record: &[u8]) -> io::Result<()> {
        commit_with(mapping, record, sum)
    }

    pub fn recover(mapping: &Mapping) -> Option<Vec<u8>> {
        newest_with(mapping, sum).map(|(_, record)| record)
    }
}

/// Adds up the bytes, which have the same sum in another order.
///
/// fails: commit::a_cut_leaves_the_old_record_or_the_new_one failed
mod adds_up_the_bytes {
    use super::*;

    fn sum(number: u64, record: &[u8]) -> u64 {
        record.iter().fold(number + record.len() as u64, |sum, byte| sum + u64::from(*byte))
    }

    pub fn commit(mapping: &Mapping, record: &[u8]) -> io::Result<()> {
        commit_with(mapping, record, sum)
    }

    pub fn recover(mapping: &Mapping) -> Option<Vec<u8>> {
        newest_with(mapping, sum).map(|(_, record)| record)
    }
}

/// Combines the bytes by exclusive or.
///
/// fails: commit::a_cut_leaves_the_old_record_or_the_new_one failed
mod exclusive_or_of_the_words {
    use super::*;

    fn sum(number: u64, record: &[u8]) -> u64 {
        record.iter().fold(number, |sum, byte| sum ^ u64::from(*byte))
    }

    pub fn commit(mapping: &Mapping, record: &[u8]) -> io::Result<()> {
        commit_with(mapping, record, sum)
    }

    pub fn recover(mapping: &Mapping) -> Option<Vec<u8>> {
        newest_with(mapping, sum).map(|(_, record)| record)
    }
}

/// Has the checksum of the first page only.
///
/// fails: commit::a_cut_leaves_the_old_record_or_the_new_one failed
/// fails: commit::after_a_killed_process_too failed
/// fails: commit::an_error_of_a_sync_is_returned failed
mod checksum_of_the_first_page {
    use super::*;

    fn sum(number: u64, record: &[u8]) -> u64 {
        sum_of_all(number, &record[..record.len().min(page_size())])
    }

    pub fn commit(mapping: &Mapping, record: &[u8]) -> io::Result<()> {
        commit_with(mapping, record, sum)
    }

    pub fn recover(mapping: &Mapping) -> Option<Vec<u8>> {
        newest_with(mapping, sum).map(|(_, record)| record)
    }
}

/// Reads as many bytes as the header says, whatever it says.
///
/// fails: recover::it_returns_whatever_the_file_has panicked
mod believes_the_length {
    use super::*;

    pub fn commit(mapping: &Mapping, record: &[u8]) -> io::Result<()> {
        crate::solution::commit(mapping, record)
    }

    pub fn recover(mapping: &Mapping) -> Option<Vec<u8>> {
        let load = |n| {
            let start = slot(mapping, n).start;
            let [number, length, sum] = [0, 8, 16].map(|at| get(mapping, start + at));
            let record = bytes_at(mapping, start + 24, length as usize);
            (number > 0 && sum == sum_of_all(number, &record)).then_some((number, record))
        };
        [0, 1].into_iter().filter_map(load).max_by_key(|(number, _)| *number).map(|(_, record)| record)
    }
}

/// Takes the higher of the two numbers for the last one, whether its record is whole or not.
///
/// fails: commit::after_a_cut_it_goes_on failed
mod believes_the_number {
    use super::*;

    pub fn commit(mapping: &Mapping, record: &[u8]) -> io::Result<()> {
        fits(mapping, record)?;
        sync_the_last(mapping)?;
        let number = [0, 1].map(|n| get(mapping, slot(mapping, n).start)).into_iter().max().unwrap_or(0);
        let range = store_with(mapping, number.wrapping_add(1), record, sum_of_all);
        flush(mapping, range)
    }

    pub fn recover(mapping: &Mapping) -> Option<Vec<u8>> {
        crate::solution::recover(mapping)
    }
}

/// Takes what it reads for what is on the disk, and overwrites the other record.
///
/// fails: commit::after_a_killed_process_too failed
/// fails: commit::an_error_of_a_sync_is_returned failed
mod believes_what_it_reads {
    use super::*;

    pub fn commit(mapping: &Mapping, record: &[u8]) -> io::Result<()> {
        fits(mapping, record)?;
        let range = store_with(mapping, next(mapping), record, sum_of_all);
        flush(mapping, range)
    }

    pub fn recover(mapping: &Mapping) -> Option<Vec<u8>> {
        crate::solution::recover(mapping)
    }
}

/// Syncs both slots, but only once the new record is stored.
///
/// fails: commit::after_a_killed_process_too failed
/// fails: commit::an_error_of_a_sync_is_returned failed
mod syncs_both_too_late {
    use super::*;

    pub fn commit(mapping: &Mapping, record: &[u8]) -> io::Result<()> {
        fits(mapping, record)?;
        store_with(mapping, next(mapping), record, sum_of_all);
        flush(mapping, 0..mapping.length())
    }

    pub fn recover(mapping: &Mapping) -> Option<Vec<u8>> {
        crate::solution::recover(mapping)
    }
}

/// Returns at once if the record is there already, which need not be on the disk.
///
/// fails: commit::after_a_killed_process_too failed
/// fails: commit::an_error_of_a_sync_is_returned failed
mod it_is_there_already {
    use super::*;

    pub fn commit(mapping: &Mapping, record: &[u8]) -> io::Result<()> {
        if crate::solution::recover(mapping).as_deref() == Some(record) {
            return Ok(());
        }
        crate::solution::commit(mapping, record)
    }

    pub fn recover(mapping: &Mapping) -> Option<Vec<u8>> {
        crate::solution::recover(mapping)
    }
}

/// Tries the sync again, and believes the second answer.
///
/// fails: commit::an_error_of_a_sync_is_returned failed
mod tries_the_last_sync_again {
    use super::*;

    pub fn commit(mapping: &Mapping, record: &[u8]) -> io::Result<()> {
        fits(mapping, record)?;
        sync_the_last(mapping)?;
        let range = store_with(mapping, next(mapping), record, sum_of_all);
        flush(mapping, range.clone()).or_else(|_| flush(mapping, range))
    }

    pub fn recover(mapping: &Mapping) -> Option<Vec<u8>> {
        crate::solution::recover(mapping)
    }
}

/// Drops the error of the sync.
///
/// fails: commit::an_error_of_a_sync_is_returned failed
mod drops_the_last_error {
    use super::*;

    pub fn commit(mapping: &Mapping, record: &[u8]) -> io::Result<()> {
        fits(mapping, record)?;
        sync_the_last(mapping)?;
        let range = store_with(mapping, next(mapping), record, sum_of_all);
        let _ = flush(mapping, range);
        Ok(())
    }

    pub fn recover(mapping: &Mapping) -> Option<Vec<u8>> {
        crate::solution::recover(mapping)
    }
}

/// Drops the error of the first sync, that of the record before.
///
/// fails: commit::an_error_of_a_sync_is_returned failed
mod drops_the_first_error {
    use super::*;

    pub fn commit(mapping: &Mapping, record: &[u8]) -> io::Result<()> {
        fits(mapping, record)?;
        let _ = sync_the_last(mapping);
        let range = store_with(mapping, next(mapping), record, sum_of_all);
        flush(mapping, range)
    }

    pub fn recover(mapping: &Mapping) -> Option<Vec<u8>> {
        crate::solution::recover(mapping)
    }
}

/// Wipes the slot out when the sync fails, and syncs that.
///
/// fails: commit::an_error_of_a_sync_is_returned failed
mod undoes_it_after_an_error {
    use super::*;

    pub fn commit(mapping: &Mapping, record: &[u8]) -> io::Result<()> {
        let number = next(mapping);
        crate::solution::commit(mapping, record).inspect_err(|_| {
            let range = slot(mapping, number);
            if record.len() <= mapping.length() / 4 {
                mapping.write(range.start, &[0; 24]);
                let _ = flush(mapping, range);
            }
        })
    }

    pub fn recover(mapping: &Mapping) -> Option<Vec<u8>> {
        crate::solution::recover(mapping)
    }
}

/// Stores what fits, and refuses then.
///
/// fails: commit::a_record_that_is_too_long_changes_nothing failed
mod refuses_too_late {
    use super::*;

    pub fn commit(mapping: &Mapping, record: &[u8]) -> io::Result<()> {
        if fits(mapping, record).is_err() {
            put(mapping, slot(mapping, next(mapping)).start, next(mapping));
        }
        crate::solution::commit(mapping, record)
    }

    pub fn recover(mapping: &Mapping) -> Option<Vec<u8>> {
        crate::solution::recover(mapping)
    }
}

/// Refuses nothing that fits into its slot.
///
/// fails: commit::a_record_that_is_too_long_changes_nothing failed
mod refuses_too_little {
    use super::*;

    pub fn commit(mapping: &Mapping, record: &[u8]) -> io::Result<()> {
        if record.len() + 24 > slot(mapping, 0).len() {
            return Err(Errno::EFBIG.into());
        }
        sync_the_last(mapping)?;
        let range = store_with(mapping, next(mapping), record, sum_of_all);
        flush(mapping, range)
    }

    pub fn recover(mapping: &Mapping) -> Option<Vec<u8>> {
        crate::solution::recover(mapping)
    }
}

/// Counts the header against the record.
///
/// fails: commit::a_cut_leaves_the_old_record_or_the_new_one failed
/// fails: commit::it_makes_few_syncs failed
/// fails: commit::recover_gives_what_was_committed_last failed
mod refuses_too_much {
    use super::*;

    pub fn commit(mapping: &Mapping, record: &[u8]) -> io::Result<()> {
        if record.len() + 24 > mapping.length() / 4 {
            return Err(Errno::EFBIG.into());
        }
        crate::solution::commit(mapping, record)
    }

    pub fn recover(mapping: &Mapping) -> Option<Vec<u8>> {
        crate::solution::recover(mapping)
    }
}

/// Takes an empty record for none.
///
/// fails: commit::recover_gives_what_was_committed_last failed
mod empty_is_none {
    use super::*;

    pub fn commit(mapping: &Mapping, record: &[u8]) -> io::Result<()> {
        crate::solution::commit(mapping, record)
    }

    pub fn recover(mapping: &Mapping) -> Option<Vec<u8>> {
        crate::solution::recover(mapping).filter(|record| !record.is_empty())
    }
}

/// Takes zeros for an empty record.
///
/// fails: commit::a_cut_leaves_the_old_record_or_the_new_one failed
/// fails: recover::there_is_none_before_the_first_commit failed
mod zeros_are_a_record {
    use super::*;

    pub fn commit(mapping: &Mapping, record: &[u8]) -> io::Result<()> {
        crate::solution::commit(mapping, record)
    }

    pub fn recover(mapping: &Mapping) -> Option<Vec<u8>> {
        Some(crate::solution::recover(mapping).unwrap_or_default())
    }
}

/// Counts the commits in the process.
///
/// fails: commit::a_cut_leaves_the_old_record_or_the_new_one failed
/// fails: commit::recover_gives_what_was_committed_last failed
mod counts_in_the_process {
    use super::*;

    static COUNT: AtomicU64 = AtomicU64::new(0);

    pub fn commit(mapping: &Mapping, record: &[u8]) -> io::Result<()> {
        fits(mapping, record)?;
        sync_the_last(mapping)?;
        let number = COUNT.fetch_add(1, Ordering::Relaxed) + 1;
        let range = store_with(mapping, number, record, sum_of_all);
        flush(mapping, range)
    }

    pub fn recover(mapping: &Mapping) -> Option<Vec<u8>> {
        crate::solution::recover(mapping)
    }
}

/// Takes a sync for enough: after one that has failed, it writes nothing of what was stored before.
///
/// fails: commit::an_error_of_a_sync_is_returned failed
mod a_sync_settles_it {
    use super::*;

    pub fn commit(mapping: &Mapping, record: &[u8]) -> io::Result<()> {
        fits(mapping, record)?;
        if let Some((number, _)) = newest_with(mapping, sum_of_all) {
            flush(mapping, slot(mapping, number))?;
        }
        let range = store_with(mapping, next(mapping), record, sum_of_all);
        flush(mapping, range)
    }

    pub fn recover(mapping: &Mapping) -> Option<Vec<u8>> {
        crate::solution::recover(mapping)
    }
}

/// Stores the last record once more, but only in its first page.
///
/// fails: commit::an_error_of_a_sync_is_returned failed
mod settles_the_first_page_only {
    use super::*;

    pub fn commit(mapping: &Mapping, record: &[u8]) -> io::Result<()> {
        fits(mapping, record)?;
        if let Some((number, record)) = newest_with(mapping, sum_of_all) {
            let start = slot(mapping, number).start;
            settle(mapping, start..start + 24)?;
            flush(mapping, start..start + 24 + record.len())?;
        }
        let range = store_with(mapping, next(mapping), record, sum_of_all);
        flush(mapping, range)
    }

    pub fn recover(mapping: &Mapping) -> Option<Vec<u8>> {
        crate::solution::recover(mapping)
    }
}

/// A checksum of whole words, the last one with zeros after the bytes, and without the length, which is stored last.
///
/// fails: commit::so_does_a_cut_between_two_stores failed
mod zeros_after_the_bytes {
    use super::*;

    fn sum(number: u64, record: &[u8]) -> u64 {
        let mut words = record.to_vec();
        words.resize(record.len().next_multiple_of(8), 0);
        fnv(&[&number.to_le_bytes(), &words])
    }

    pub fn commit(mapping: &Mapping, record: &[u8]) -> io::Result<()> {
        fits(mapping, record)?;
        let last = newest_with(mapping, sum);
        if let Some((number, record)) = &last {
            let start = slot(mapping, *number).start;
            settle(mapping, start..start + 24 + record.len())?;
        }
        let number = last.map_or(0, |(number, _)| number) + 1;
        let start = slot(mapping, number).start;
        mapping.write(start + 24, record);
        put(mapping, start, number);
        put(mapping, start + 16, sum(number, record));
        put(mapping, start + 8, record.len() as u64);
        flush(mapping, start..start + 24 + record.len())
    }

    pub fn recover(mapping: &Mapping) -> Option<Vec<u8>> {
        newest_with(mapping, sum).map(|(_, record)| record)
    }
}

/// Reads the last number from the file once, and counts in a static from then on.
///
/// fails: commit::recover_gives_what_was_committed_last failed
mod reads_the_number_once {
    use super::*;

    static LAST: AtomicU64 = AtomicU64::new(0);

    pub fn commit(mapping: &Mapping, record: &[u8]) -> io::Result<()> {
        fits(mapping, record)?;
        sync_the_last(mapping)?;
        let last = match LAST.load(Ordering::Relaxed) {
            0 => next(mapping) - 1,
            last => last,
        };
        LAST.store(last + 1, Ordering::Relaxed);
        let range = store_with(mapping, last + 1, record, sum_of_all);
        flush(mapping, range)
    }

    pub fn recover(mapping: &Mapping) -> Option<Vec<u8>> {
        crate::solution::recover(mapping)
    }
}

/// Combines the words by exclusive or, beside the number and the length: a sector of one byte repeated is as if it weren't there.
///
/// fails: commit::a_cut_leaves_the_old_record_or_the_new_one failed
/// fails: commit::so_does_a_cut_between_two_stores failed
mod exclusive_or_and_the_header {
    use super::*;

    fn sum(number: u64, record: &[u8]) -> u64 {
        let word = |chunk: &[u8]| chunk.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
        let words = record.chunks(8).fold(0, |sum, chunk| sum ^ word(chunk));
        number.rotate_left(17) ^ (record.len() as u64).rotate_left(31) ^ words
    }

    pub fn commit(mapping: &Mapping, record: &[u8]) -> io::Result<()> {
        commit_with(mapping, record, sum)
    }

    pub fn recover(mapping: &Mapping) -> Option<Vec<u8>> {
        newest_with(mapping, sum).map(|(_, record)| record)
    }
}

/// Takes any length for one that fits, if it isn't longer than the file.
///
/// fails: recover::it_returns_whatever_the_file_has panicked
mod a_length_as_long_as_the_file {
    use super::*;

    pub fn commit(mapping: &Mapping, record: &[u8]) -> io::Result<()> {
        fits(mapping, record)?;
        commit_with(mapping, record, sum_of_all)
    }

    pub fn recover(mapping: &Mapping) -> Option<Vec<u8>> {
        let load = |n: u64| {
            let start = slot(mapping, n).start;
            load_with(mapping, start..start + 24 + mapping.length(), sum_of_all)
        };
        [0, 1].into_iter().filter_map(load).max_by_key(|(number, _)| *number).map(|(_, record)| record)
    }
}

/// Slots that are as long as the longest record, and have no room for the header.
///
/// fails: commit::a_cut_leaves_the_old_record_or_the_new_one failed
mod slots_without_room_for_the_header {
    use super::*;

    fn start(mapping: &Mapping, number: u64) -> usize {
        if number.is_multiple_of(2) { 0 } else { mapping.length() / 4 }
    }

    fn newest(mapping: &Mapping) -> Option<(u64, Vec<u8>)> {
        let load = |n: u64| load_with(mapping, start(mapping, n)..mapping.length(), sum_of_all);
        [0, 1].into_iter().filter_map(load).max_by_key(|(number, _)| *number)
    }

    pub fn commit(mapping: &Mapping, record: &[u8]) -> io::Result<()> {
        fits(mapping, record)?;
        let mut number = 1;
        if let Some((last, bytes)) = newest(mapping) {
            settle(mapping, start(mapping, last)..start(mapping, last) + 24 + bytes.len())?;
            number = last + 1;
        }
        let at = start(mapping, number);
        put(mapping, at, number);
        put(mapping, at + 8, record.len() as u64);
        put(mapping, at + 16, sum_of_all(number, record));
        mapping.write(at + 24, record);
        flush(mapping, at..at + 24 + record.len())
    }

    pub fn recover(mapping: &Mapping) -> Option<Vec<u8>> {
        newest(mapping).map(|(_, record)| record)
    }
}

/// Stores in eight steps the number that says where the record is.
/// It says so by being even or odd, and is stored when the record is synced.
///
/// fails: commit::so_does_a_cut_between_two_stores failed
mod the_number_in_eight_stores {
    use super::*;

    /// Where the record of this number is.
    fn area(mapping: &Mapping, number: u64) -> usize {
        page_size() + if number.is_multiple_of(2) { 0 } else { (mapping.length() - page_size()) / 2 }
    }

    pub fn commit(mapping: &Mapping, record: &[u8]) -> io::Result<()> {
        fits(mapping, record)?;
        settle(mapping, 0..8)?;
        let number = get(mapping, 0) + 1;
        let area = area(mapping, number);
        put(mapping, area, record.len() as u64);
        mapping.write(area + 8, record);
        flush(mapping, area..area + 8 + record.len())?;
        put(mapping, 0, number);
        flush(mapping, 0..8)
    }

    pub fn recover(mapping: &Mapping) -> Option<Vec<u8>> {
        let number = get(mapping, 0);
        let area = area(mapping, number);
        (number > 0).then(|| bytes_at(mapping, area + 8, (get(mapping, area) as usize).min(mapping.length() / 4)))
    }
}

/// Remembers which record it has synced, before the sync has said so: after an error it is not synced again.
///
/// fails: commit::an_error_of_a_sync_is_returned failed
mod remembers_a_sync_that_failed {
    use super::*;

    static SYNCED: AtomicU64 = AtomicU64::new(0);

    pub fn commit(mapping: &Mapping, record: &[u8]) -> io::Result<()> {
        fits(mapping, record)?;
        let number = next(mapping);
        if SYNCED.load(Ordering::Relaxed) + 1 != number {
            sync_the_last(mapping)?;
        }
        let range = store_with(mapping, number, record, sum_of_all);
        SYNCED.store(number, Ordering::Relaxed);
        flush(mapping, range)
    }

    pub fn recover(mapping: &Mapping) -> Option<Vec<u8>> {
        crate::solution::recover(mapping)
    }
}

/// Keeps the length in two bytes.
///
/// fails: commit::recover_gives_what_was_committed_last failed
mod two_bytes_for_a_records_length {
    use super::*;

    pub fn commit(mapping: &Mapping, record: &[u8]) -> io::Result<()> {
        fits(mapping, record)?;
        commit_with(mapping, &record[..usize::from(record.len() as u16)], sum_of_all)
    }

    pub fn recover(mapping: &Mapping) -> Option<Vec<u8>> {
        crate::solution::recover(mapping)
    }
}

/// Syncs the whole slot, and one page more: that of the second slot isn't the mapping's.
///
/// fails: commit::a_cut_leaves_the_old_record_or_the_new_one failed
/// fails: commit::an_error_of_a_sync_is_returned failed
/// fails: commit::it_makes_few_syncs failed
/// fails: recover::it_returns_whatever_the_file_has failed
mod syncs_a_page_too_many {
    use super::*;

    pub fn commit(mapping: &Mapping, record: &[u8]) -> io::Result<()> {
        fits(mapping, record)?;
        sync_the_last(mapping)?;
        let range = store_with(mapping, next(mapping), record, sum_of_all);
        let start = range.start - range.start % page_size();
        let length = mapping.length() / 2 / page_size() * page_size() + page_size();
        // SAFETY: msync(2) changes no byte.
        Ok(unsafe { msync(mapping.pointer_to(start), length, MsFlags::MS_SYNC) }?)
    }

    pub fn recover(mapping: &Mapping) -> Option<Vec<u8>> {
        crate::solution::recover(mapping)
    }
}

/// Syncs each sector by itself.
///
/// fails: commit::it_makes_few_syncs failed
mod syncs_each_page {
    use super::*;

    pub fn commit(mapping: &Mapping, record: &[u8]) -> io::Result<()> {
        fits(mapping, record)?;
        sync_the_last(mapping)?;
        let range = store_with(mapping, next(mapping), record, sum_of_all);
        for page in range.clone().step_by(page_size()) {
            flush(mapping, page..page + 1)?;
        }
        flush(mapping, range.end - 1..range.end)
    }

    pub fn recover(mapping: &Mapping) -> Option<Vec<u8>> {
        crate::solution::recover(mapping)
    }
}

/// Removes a record that isn't whole when it finds one.
///
/// fails: commit::a_cut_leaves_the_old_record_or_the_new_one killed
/// fails: recover::it_returns_whatever_the_file_has killed
mod recover_cleans_up {
    use super::*;

    pub fn commit(mapping: &Mapping, record: &[u8]) -> io::Result<()> {
        crate::solution::commit(mapping, record)
    }

    pub fn recover(mapping: &Mapping) -> Option<Vec<u8>> {
        for n in [0, 1] {
            let slot = slot(mapping, n);
            if get(mapping, slot.start) > 0 && load_with(mapping, slot.clone(), sum_of_all).is_none() {
                put(mapping, slot.start, 0);
            }
        }
        crate::solution::recover(mapping)
    }
}

/// The two areas, and a header in page 0 that says which one counts: it is replaced as a whole, with a checksum.
///
/// fails: commit::an_error_of_a_sync_is_returned failed
/// fails: commit::so_does_a_cut_between_two_stores failed
mod one_header {
    use super::*;

    fn header(mapping: &Mapping) -> Option<(u64, usize)> {
        let [number, length, sum] = [0, 8, 16].map(|at| get(mapping, at));
        let is_whole = number > 0 && sum == fnv(&[&number.to_le_bytes(), &length.to_le_bytes()]);
        let length = usize::try_from(length).ok().filter(|length| *length <= mapping.length() / 4)?;
        is_whole.then_some((number, length))
    }

    /// Where the record of this number is.
    fn area(mapping: &Mapping, number: u64) -> usize {
        page_size() + if number.is_multiple_of(2) { 0 } else { (mapping.length() - page_size()) / 2 }
    }

    pub fn commit(mapping: &Mapping, record: &[u8]) -> io::Result<()> {
        fits(mapping, record)?;
        flush(mapping, 0..1)?;
        let number = header(mapping).map_or(0, |(number, _)| number) + 1;
        let area = area(mapping, number);
        mapping.write(area, record);
        flush(mapping, area..area + record.len())?;
        let length = record.len() as u64;
        put(mapping, 0, number);
        put(mapping, 8, length);
        put(mapping, 16, fnv(&[&number.to_le_bytes(), &length.to_le_bytes()]));
        flush(mapping, 0..1)
    }

    pub fn recover(mapping: &Mapping) -> Option<Vec<u8>> {
        header(mapping).map(|(number, length)| bytes_at(mapping, area(mapping, number), length))
    }
}

/// No checksum: a number is stored in one step, once what it stands for is synced.
///
/// passes
mod one_store_decides {
    use super::*;

    fn newest(mapping: &Mapping) -> (u64, u64) {
        [0, 1]
            .map(|n| (mapping.long_word(slot(mapping, n).start).load(Ordering::Relaxed), n))
            .into_iter()
            .max()
            .unwrap_or_default()
    }

    pub fn commit(mapping: &Mapping, record: &[u8]) -> io::Result<()> {
        fits(mapping, record)?;
        let (number, last) = newest(mapping);
        let start = slot(mapping, last).start;
        settle(mapping, start..start + 16 + (get(mapping, start + 8) as usize).min(mapping.length() / 4))?;
        let start = slot(mapping, 1 - last).start;
        // The old number is still lower than the other one.
        put(mapping, start + 8, record.len() as u64);
        mapping.write(start + 16, record);
        flush(mapping, start..start + 16 + record.len())?;
        mapping.long_word(start).store(number + 1, Ordering::Relaxed);
        flush(mapping, start..start + 8)
    }

    pub fn recover(mapping: &Mapping) -> Option<Vec<u8>> {
        let (number, slot_number) = newest(mapping);
        let slot = slot(mapping, slot_number);
        let length = get(mapping, slot.start + 8) as usize;
        (number > 0).then(|| bytes_at(mapping, slot.start + 16, length.min(slot.len() - 16)))
    }
}

/// Syncs the last record, and then the whole mapping before and after.
///
/// passes
mod syncs_both_before_and_after {
    use super::*;

    pub fn commit(mapping: &Mapping, record: &[u8]) -> io::Result<()> {
        fits(mapping, record)?;
        sync_the_last(mapping)?;
        flush(mapping, 0..mapping.length())?;
        store_with(mapping, next(mapping), record, sum_of_all);
        flush(mapping, 0..mapping.length())
    }

    pub fn recover(mapping: &Mapping) -> Option<Vec<u8>> {
        crate::solution::recover(mapping)
    }
}

/// Two pages at the front say where the records are, each with a checksum of its own.
///
/// passes
mod two_header_pages {
    use super::*;

    fn header(mapping: &Mapping, n: u64) -> Option<(u64, usize)> {
        let at = n as usize * page_size();
        let [number, length, sum] = [0, 8, 16].map(|word| get(mapping, at + word));
        let is_whole = number > 0 && sum == fnv(&[&number.to_le_bytes(), &length.to_le_bytes()]);
        is_whole.then(|| (number, (length as usize).min(mapping.length() / 4)))
    }

    fn newest(mapping: &Mapping) -> Option<(u64, usize)> {
        [0, 1].into_iter().filter_map(|n| header(mapping, n)).max()
    }

    fn area(mapping: &Mapping, number: u64) -> usize {
        2 * page_size() + if number.is_multiple_of(2) { 0 } else { mapping.length() / 4 }
    }

    pub fn commit(mapping: &Mapping, record: &[u8]) -> io::Result<()> {
        fits(mapping, record)?;
        let number = newest(mapping).map_or(0, |(number, _)| number) + 1;
        let last = ((number - 1) % 2) as usize * page_size();
        settle(mapping, last..last + 24)?;
        let area = area(mapping, number);
        mapping.write(area, record);
        flush(mapping, area..area + record.len())?;
        let (at, length) = ((number % 2) as usize * page_size(), record.len() as u64);
        put(mapping, at, number);
        put(mapping, at + 8, length);
        put(mapping, at + 16, fnv(&[&number.to_le_bytes(), &length.to_le_bytes()]));
        flush(mapping, at..at + 24)
    }

    pub fn recover(mapping: &Mapping) -> Option<Vec<u8>> {
        newest(mapping).map(|(number, length)| bytes_at(mapping, area(mapping, number), length))
    }
}

/// Clears the slot first, so that nothing of the old record is left in it.
///
/// passes
mod clears_the_slot {
    use super::*;

    pub fn commit(mapping: &Mapping, record: &[u8]) -> io::Result<()> {
        fits(mapping, record)?;
        sync_the_last(mapping)?;
        let slot = slot(mapping, next(mapping));
        mapping.write(slot.start, &vec![0; slot.len()]);
        let range = store_with(mapping, next(mapping), record, sum_of_all);
        flush(mapping, range)
    }

    pub fn recover(mapping: &Mapping) -> Option<Vec<u8>> {
        crate::solution::recover(mapping)
    }
}

one_of! {
    pub fn commit(mapping: &Mapping, record: &[u8]) -> io::Result<()>;
    no_checksum header_first header_never_synced syncs_the_header_only syncs_nothing asks_for_it one_slot number_in_a_byte
    number_without_a_checksum length_without_a_checksum adds_up_the_bytes exclusive_or_of_the_words
    checksum_of_the_first_page believes_the_length believes_the_number believes_what_it_reads syncs_both_too_late
    it_is_there_already tries_the_last_sync_again drops_the_last_error drops_the_first_error undoes_it_after_an_error refuses_too_late
    refuses_too_little refuses_too_much empty_is_none zeros_are_a_record counts_in_the_process syncs_a_page_too_many syncs_each_page
    recover_cleans_up one_header one_store_decides syncs_both_before_and_after two_header_pages clears_the_slot remembers_a_sync_that_failed
    two_bytes_for_a_records_length a_sync_settles_it settles_the_first_page_only zeros_after_the_bytes reads_the_number_once exclusive_or_and_the_header a_length_as_long_as_the_file slots_without_room_for_the_header the_number_in_eight_stores
}

one_of! {
    pub fn recover(mapping: &Mapping) -> Option<Vec<u8>>;
    no_checksum header_first header_never_synced syncs_the_header_only syncs_nothing asks_for_it one_slot number_in_a_byte
    number_without_a_checksum length_without_a_checksum adds_up_the_bytes exclusive_or_of_the_words
    checksum_of_the_first_page believes_the_length believes_the_number believes_what_it_reads syncs_both_too_late
    it_is_there_already tries_the_last_sync_again drops_the_last_error drops_the_first_error undoes_it_after_an_error refuses_too_late
    refuses_too_little refuses_too_much empty_is_none zeros_are_a_record counts_in_the_process syncs_a_page_too_many syncs_each_page
    recover_cleans_up one_header one_store_decides syncs_both_before_and_after two_header_pages clears_the_slot remembers_a_sync_that_failed
    two_bytes_for_a_records_length a_sync_settles_it settles_the_first_page_only zeros_after_the_bytes reads_the_number_once exclusive_or_and_the_header a_length_as_long_as_the_file slots_without_room_for_the_header the_number_in_eight_stores
}
