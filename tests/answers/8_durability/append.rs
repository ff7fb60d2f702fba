//! Answers to `append`, `replay` and `checkpoint`, right and wrong.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use mmap_workbook::lesson_2::Mapping;
use mmap_workbook::observe::page_size;
use nix::errno::Errno;
use nix::sys::mman::{MsFlags, msync};

use crate::solution::{flush, settle};

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

/// An entry has a header of two words, the length and the sum that `sum` makes of its place and its bytes.
fn entries_with(mapping: &Mapping, sum: impl Fn(usize, &[u8]) -> u64) -> (Vec<Vec<u8>>, usize) {
    let (mut entries, mut at) = (Vec::new(), 0);
    while at + 16 <= mapping.length() {
        let length = usize::try_from(get(mapping, at)).unwrap_or(usize::MAX);
        if length > mapping.length() - at - 16 {
            break;
        }
        let entry = bytes_at(mapping, at + 16, length);
        if get(mapping, at + 8) != sum(at, &entry) {
            break;
        }
        at += 16 + length;
        entries.push(entry);
    }
    (entries, at)
}

fn store_with(mapping: &Mapping, at: usize, entry: &[u8], sum: impl Fn(usize, &[u8]) -> u64) -> usize {
    put(mapping, at, entry.len() as u64);
    put(mapping, at + 8, sum(at, entry));
    mapping.write(at + 16, entry);
    at + 16 + entry.len()
}

fn fits(mapping: &Mapping, at: usize, entry: &[u8]) -> io::Result<()> {
    if at + 16 + entry.len() > mapping.length() { Err(Errno::ENOSPC.into()) } else { Ok(()) }
}

fn append_with(mapping: &Mapping, entry: &[u8], sum: impl Fn(usize, &[u8]) -> u64) -> io::Result<()> {
    let (found, at) = entries_with(mapping, &sum);
    fits(mapping, at, entry)?;
    settle_the_last(mapping, &found, at)?;
    let end = store_with(mapping, at, entry, &sum);
    flush(mapping, at..end)
}

/// Puts the last entry on the disk, which a killed process or a failed sync may have left.
fn settle_the_last(mapping: &Mapping, entries: &[Vec<u8>], at: usize) -> io::Result<()> {
    settle(mapping, at - entries.last().map_or(0, |last| 16 + last.len())..at)
}

/// A sum of place, length and bytes.
fn sum_of_all(at: usize, entry: &[u8]) -> u64 {
    fnv(&[&(at as u64).to_le_bytes(), &(entry.len() as u64).to_le_bytes(), entry])
}

/// A mark that only says that there is an entry.
fn mark(_: usize, _: &[u8]) -> u64 {
    0x1234_5678_9abc_def0
}

/// Stores a mark, the length and the bytes, without a checksum.
///
/// fails: append::a_cut_leaves_an_entry_whole_or_none failed stores-arrive-in-order
mod a_mark_for_a_checksum {
    use super::*;

    pub fn append(mapping: &Mapping, entry: &[u8]) -> io::Result<()> {
        append_with(mapping, entry, mark)
    }

    pub fn replay(mapping: &Mapping) -> Vec<Vec<u8>> {
        entries_with(mapping, mark).0
    }
}

/// Syncs the page of the header only.
///
/// fails: append::a_cut_leaves_an_entry_whole_or_none failed
/// fails: append::after_a_killed_process_too failed
/// fails: append::an_error_of_a_sync_is_returned failed
/// fails: append::so_does_a_cut_between_two_stores failed
mod syncs_the_entrys_header_only {
    use super::*;

    pub fn append(mapping: &Mapping, entry: &[u8]) -> io::Result<()> {
        let (_, at) = entries_with(mapping, sum_of_all);
        fits(mapping, at, entry)?;
        store_with(mapping, at, entry, sum_of_all);
        flush(mapping, at..at + 16)
    }

    pub fn replay(mapping: &Mapping) -> Vec<Vec<u8>> {
        entries_with(mapping, sum_of_all).0
    }
}

/// Syncs nothing.
///
/// fails: append::a_cut_leaves_an_entry_whole_or_none failed
mod leaves_the_entry_to_the_kernel {
    use super::*;

    pub fn append(mapping: &Mapping, entry: &[u8]) -> io::Result<()> {
        let (_, at) = entries_with(mapping, sum_of_all);
        fits(mapping, at, entry)?;
        store_with(mapping, at, entry, sum_of_all);
        Ok(())
    }

    pub fn replay(mapping: &Mapping) -> Vec<Vec<u8>> {
        entries_with(mapping, sum_of_all).0
    }
}

/// Asks for the pages to be written, and doesn't wait.
///
/// fails: append::a_cut_leaves_an_entry_whole_or_none failed async-writes
mod asks_for_the_entry {
    use super::*;

    pub fn append(mapping: &Mapping, entry: &[u8]) -> io::Result<()> {
        super::leaves_the_entry_to_the_kernel::append(mapping, entry)?;
        // SAFETY: the pages of the mapping; msync(2) changes no byte.
        Ok(unsafe { msync(mapping.pointer_to(0), mapping.length(), MsFlags::MS_ASYNC) }?)
    }

    pub fn replay(mapping: &Mapping) -> Vec<Vec<u8>> {
        entries_with(mapping, sum_of_all).0
    }
}

/// Goes on after an entry that isn't whole.
///
/// fails: append::after_a_killed_process_too failed
/// fails: append::an_error_of_a_sync_is_returned failed
mod skips_the_torn_one {
    use super::*;

    pub fn append(mapping: &Mapping, entry: &[u8]) -> io::Result<()> {
        let (_, at) = entries_with(mapping, sum_of_all);
        fits(mapping, at, entry)?;
        let end = store_with(mapping, at, entry, sum_of_all);
        flush(mapping, at..end)
    }

    pub fn replay(mapping: &Mapping) -> Vec<Vec<u8>> {
        let (mut entries, mut at) = (Vec::new(), 0);
        while at + 16 <= mapping.length() {
            let [length, sum] = [0, 8].map(|word| get(mapping, at + word));
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            if sum == 0 || length > mapping.length() - at - 16 {
                break;
            }
            let entry = bytes_at(mapping, at + 16, length);
            if sum == sum_of_all(at, &entry) {
                entries.push(entry);
            }
            at += 16 + length;
        }
        entries
    }
}

/// Gives an entry that isn't whole as empty.
///
/// fails: append::a_cut_leaves_an_entry_whole_or_none failed stores-arrive-in-order
mod gives_the_torn_one {
    use super::*;

    pub fn append(mapping: &Mapping, entry: &[u8]) -> io::Result<()> {
        append_with(mapping, entry, sum_of_all)
    }

    pub fn replay(mapping: &Mapping) -> Vec<Vec<u8>> {
        let (mut entries, at) = entries_with(mapping, sum_of_all);
        if at + 16 <= mapping.length() && get(mapping, at) > 0 && get(mapping, at + 8) > 0 {
            let length = (get(mapping, at) as usize).min(mapping.length() - at - 16);
            entries.push(bytes_at(mapping, at + 16, length));
        }
        entries
    }
}

/// A length of zero is the log's end: an empty entry is, too.
///
/// fails: append::replay_gives_what_was_appended failed
mod empty_is_the_end {
    use super::*;

    pub fn append(mapping: &Mapping, entry: &[u8]) -> io::Result<()> {
        append_with(mapping, entry, sum_of_all)
    }

    pub fn replay(mapping: &Mapping) -> Vec<Vec<u8>> {
        entries_with(mapping, sum_of_all).0.into_iter().take_while(|entry| !entry.is_empty()).collect()
    }
}

/// Reads as many bytes as the header says, whatever it says.
///
/// fails: append::after_a_cut_it_goes_on panicked
/// fails: append::after_a_killed_process_too panicked
/// fails: replay::it_returns_whatever_the_file_has panicked
mod believes_an_entrys_length {
    use super::*;

    pub fn append(mapping: &Mapping, entry: &[u8]) -> io::Result<()> {
        append_with(mapping, entry, sum_of_all)
    }

    pub fn replay(mapping: &Mapping) -> Vec<Vec<u8>> {
        let (mut entries, mut at) = (Vec::new(), 0);
        while at + 16 <= mapping.length() {
            let entry = bytes_at(mapping, at + 16, get(mapping, at) as usize);
            if get(mapping, at + 8) != sum_of_all(at, &entry) {
                break;
            }
            at += 16 + entry.len();
            entries.push(entry);
        }
        entries
    }
}

/// Takes what it reads for what is on the disk, and adds the next entry to it.
///
/// fails: append::after_a_killed_process_too failed
/// fails: append::an_error_of_a_sync_is_returned failed
mod believes_the_entry_before {
    use super::*;

    pub fn append(mapping: &Mapping, entry: &[u8]) -> io::Result<()> {
        let (_, at) = entries_with(mapping, sum_of_all);
        fits(mapping, at, entry)?;
        let end = store_with(mapping, at, entry, sum_of_all);
        flush(mapping, at..end)
    }

    pub fn replay(mapping: &Mapping) -> Vec<Vec<u8>> {
        entries_with(mapping, sum_of_all).0
    }
}

/// Syncs the entry before together with its own.
/// A cut may take that one away and leave this one after it, where it comes back later.
///
/// fails: append::after_a_killed_process_too failed
/// fails: append::an_error_of_a_sync_is_returned failed
mod one_sync_for_both {
    use super::*;

    pub fn append(mapping: &Mapping, entry: &[u8]) -> io::Result<()> {
        let (_, at) = entries_with(mapping, sum_of_all);
        fits(mapping, at, entry)?;
        let end = store_with(mapping, at, entry, sum_of_all);
        flush(mapping, 0..end)
    }

    pub fn replay(mapping: &Mapping) -> Vec<Vec<u8>> {
        entries_with(mapping, sum_of_all).0
    }
}

/// Stores the length once the bytes are synced, without a checksum: what comes after the last entry may be left of a torn one.
///
/// fails: append::after_a_cut_it_goes_on failed
/// fails: append::so_does_a_cut_between_two_stores failed
mod length_last {
    use super::*;

    fn entries(mapping: &Mapping) -> (Vec<Vec<u8>>, usize) {
        let (mut entries, mut at) = (Vec::new(), 0);
        while at + 8 <= mapping.length() {
            // One more than the length, so that none is zero.
            let length = (get(mapping, at) as usize).wrapping_sub(1);
            if length > mapping.length() - at - 8 {
                break;
            }
            entries.push(bytes_at(mapping, at + 8, length));
            at += 8 + length;
        }
        (entries, at)
    }

    pub fn append(mapping: &Mapping, entry: &[u8]) -> io::Result<()> {
        let (found, at) = entries(mapping);
        fits(mapping, at, entry)?;
        settle(mapping, at - found.last().map_or(0, |last| 8 + last.len())..at)?;
        let end = at + 8 + entry.len();
        mapping.write(at + 8, entry);
        flush(mapping, at..end)?;
        put(mapping, at, entry.len() as u64 + 1);
        flush(mapping, at..at + 8)
    }

    pub fn replay(mapping: &Mapping) -> Vec<Vec<u8>> {
        entries(mapping).0
    }
}

/// Adds up the bytes: zeros where an entry hasn't arrived have a sum, too.
///
/// fails: append::after_a_killed_process_too failed
mod adds_up_an_entry {
    use super::*;

    fn sum(_: usize, entry: &[u8]) -> u64 {
        1 + entry.iter().map(|byte| u64::from(*byte)).sum::<u64>()
    }

    pub fn append(mapping: &Mapping, entry: &[u8]) -> io::Result<()> {
        append_with(mapping, entry, sum)
    }

    pub fn replay(mapping: &Mapping) -> Vec<Vec<u8>> {
        entries_with(mapping, sum).0
    }
}

/// A checksum of the bytes alone, neither of the length nor of the place.
/// Where the entry before is always on the disk first, there is nothing that it could be mistaken for.
///
/// passes
mod checksum_of_the_bytes {
    use super::*;

    fn sum(_: usize, entry: &[u8]) -> u64 {
        fnv(&[entry])
    }

    pub fn append(mapping: &Mapping, entry: &[u8]) -> io::Result<()> {
        append_with(mapping, entry, sum)
    }

    pub fn replay(mapping: &Mapping) -> Vec<Vec<u8>> {
        entries_with(mapping, sum).0
    }
}

/// Takes a sync for enough: after one that has failed, it writes nothing of what was stored before.
///
/// fails: append::an_error_of_a_sync_is_returned failed
mod a_sync_settles_the_log {
    use super::*;

    pub fn append(mapping: &Mapping, entry: &[u8]) -> io::Result<()> {
        let (_, at) = entries_with(mapping, sum_of_all);
        fits(mapping, at, entry)?;
        flush(mapping, 0..at)?;
        let end = store_with(mapping, at, entry, sum_of_all);
        flush(mapping, at..end)
    }

    pub fn replay(mapping: &Mapping) -> Vec<Vec<u8>> {
        entries_with(mapping, sum_of_all).0
    }
}

/// Syncs from the header's last byte on: a page may end in the header.
///
/// fails: append::a_cut_leaves_an_entry_whole_or_none failed
mod syncs_from_the_bytes_on {
    use super::*;

    pub fn append(mapping: &Mapping, entry: &[u8]) -> io::Result<()> {
        let (entries, at) = entries_with(mapping, sum_of_all);
        fits(mapping, at, entry)?;
        settle_the_last(mapping, &entries, at)?;
        let end = store_with(mapping, at, entry, sum_of_all);
        flush(mapping, at + 15..end)
    }

    pub fn replay(mapping: &Mapping) -> Vec<Vec<u8>> {
        entries_with(mapping, sum_of_all).0
    }
}

/// Syncs as many bytes as the entry has, from its header on: a page may begin in the last of them.
///
/// fails: append::a_cut_leaves_an_entry_whole_or_none failed
mod syncs_a_header_too_little {
    use super::*;

    pub fn append(mapping: &Mapping, entry: &[u8]) -> io::Result<()> {
        let (entries, at) = entries_with(mapping, sum_of_all);
        fits(mapping, at, entry)?;
        settle_the_last(mapping, &entries, at)?;
        store_with(mapping, at, entry, sum_of_all);
        flush(mapping, at..at + entry.len().max(16))
    }

    pub fn replay(mapping: &Mapping) -> Vec<Vec<u8>> {
        entries_with(mapping, sum_of_all).0
    }
}

/// Settles the bytes of the last entry, and not its header: a page may end between them.
///
/// fails: append::after_a_killed_process_too failed
mod settles_the_bytes_only {
    use super::*;

    pub fn append(mapping: &Mapping, entry: &[u8]) -> io::Result<()> {
        let (entries, at) = entries_with(mapping, sum_of_all);
        fits(mapping, at, entry)?;
        settle(mapping, at - entries.last().map_or(0, Vec::len)..at)?;
        let end = store_with(mapping, at, entry, sum_of_all);
        flush(mapping, at..end)
    }

    pub fn replay(mapping: &Mapping) -> Vec<Vec<u8>> {
        entries_with(mapping, sum_of_all).0
    }
}

/// Keeps the number of the entries and the log's end in two words, which are stored one after the other.
///
/// fails: append::after_a_cut_it_goes_on failed
mod a_count_and_an_end {
    use super::*;

    fn end(mapping: &Mapping) -> usize {
        if get(mapping, 0) == 0 { 16 } else { (get(mapping, 8) as usize).min(mapping.length()) }
    }

    pub fn append(mapping: &Mapping, entry: &[u8]) -> io::Result<()> {
        let at = end(mapping);
        let end = at + 8 + entry.len();
        if end > mapping.length() {
            return Err(Errno::ENOSPC.into());
        }
        settle(mapping, 0..16)?;
        put(mapping, at, entry.len() as u64);
        mapping.write(at + 8, entry);
        flush(mapping, at..end)?;
        let count = get(mapping, 0) + 1;
        mapping.long_word(0).store(count, Ordering::Relaxed);
        mapping.long_word(8).store(end as u64, Ordering::Relaxed);
        flush(mapping, 0..16)
    }

    pub fn replay(mapping: &Mapping) -> Vec<Vec<u8>> {
        let (mut entries, mut at) = (Vec::new(), 16);
        for _ in 0..get(mapping, 0) {
            if at + 8 > mapping.length() {
                break;
            }
            let length = (get(mapping, at) as usize).min(mapping.length() - at - 8);
            entries.push(bytes_at(mapping, at + 8, length));
            at += 8 + length;
        }
        entries
    }
}

/// Rounds each entry up to 64 bytes with its header.
///
/// fails: append::it_is_full_only_when_there_is_no_room failed
mod rounds_up_to_64 {
    use super::*;

    fn entries(mapping: &Mapping) -> (Vec<Vec<u8>>, usize) {
        let (mut entries, mut at) = (Vec::new(), 0);
        while at + 32 <= mapping.length() {
            let length = usize::try_from(get(mapping, at)).unwrap_or(usize::MAX);
            if length > mapping.length() - at - 32 {
                break;
            }
            let entry = bytes_at(mapping, at + 32, length);
            if get(mapping, at + 8) != sum_of_all(at, &entry) {
                break;
            }
            at += (32 + length).next_multiple_of(64);
            entries.push(entry);
        }
        (entries, at)
    }

    pub fn append(mapping: &Mapping, entry: &[u8]) -> io::Result<()> {
        let (entries, at) = entries(mapping);
        let end = at + 32 + entry.len();
        if end > mapping.length() {
            return Err(Errno::ENOSPC.into());
        }
        settle(mapping, at - entries.last().map_or(0, |last| (32 + last.len()).next_multiple_of(64))..at)?;
        put(mapping, at, entry.len() as u64);
        put(mapping, at + 8, sum_of_all(at, entry));
        mapping.write(at + 32, entry);
        flush(mapping, at..end)
    }

    pub fn replay(mapping: &Mapping) -> Vec<Vec<u8>> {
        entries(mapping).0
    }
}

/// Drops the error of the sync.
///
/// fails: append::an_error_of_a_sync_is_returned failed
mod drops_the_entrys_error {
    use super::*;

    pub fn append(mapping: &Mapping, entry: &[u8]) -> io::Result<()> {
        let (found, at) = entries_with(mapping, sum_of_all);
        fits(mapping, at, entry)?;
        settle_the_last(mapping, &found, at)?;
        let end = store_with(mapping, at, entry, sum_of_all);
        let _ = flush(mapping, at..end);
        Ok(())
    }

    pub fn replay(mapping: &Mapping) -> Vec<Vec<u8>> {
        entries_with(mapping, sum_of_all).0
    }
}

/// Tries again as long as the disk says that it is full.
///
/// fails: append::an_error_of_a_sync_is_returned failed
mod tries_each_sync_again {
    use super::*;

    fn sync(mapping: &Mapping, range: std::ops::Range<usize>) -> io::Result<()> {
        flush(mapping, range.clone()).or_else(|_| flush(mapping, range))
    }

    pub fn append(mapping: &Mapping, entry: &[u8]) -> io::Result<()> {
        let (_, at) = entries_with(mapping, sum_of_all);
        fits(mapping, at, entry)?;
        sync(mapping, 0..at)?;
        let end = store_with(mapping, at, entry, sum_of_all);
        sync(mapping, at..end)
    }

    pub fn replay(mapping: &Mapping) -> Vec<Vec<u8>> {
        entries_with(mapping, sum_of_all).0
    }
}

/// Begins again at the front when the log is full.
///
/// fails: append::it_is_full_only_when_there_is_no_room failed
mod begins_again_when_full {
    use super::*;

    pub fn append(mapping: &Mapping, entry: &[u8]) -> io::Result<()> {
        let (_, at) = entries_with(mapping, sum_of_all);
        if fits(mapping, at, entry).is_err() && entry.len() < page_size() {
            let end = store_with(mapping, 0, entry, sum_of_all);
            return flush(mapping, 0..end);
        }
        append_with(mapping, entry, sum_of_all)
    }

    pub fn replay(mapping: &Mapping) -> Vec<Vec<u8>> {
        entries_with(mapping, sum_of_all).0
    }
}

/// Has no room in the last bytes for a header, and stores it all the same.
///
/// fails: append::it_is_full_only_when_there_is_no_room panicked
mod forgets_the_header {
    use super::*;

    pub fn append(mapping: &Mapping, entry: &[u8]) -> io::Result<()> {
        let (found, at) = entries_with(mapping, sum_of_all);
        if entry.len() > mapping.length() - at {
            return Err(Errno::ENOSPC.into());
        }
        settle_the_last(mapping, &found, at)?;
        let end = store_with(mapping, at, entry, sum_of_all);
        flush(mapping, at..end)
    }

    pub fn replay(mapping: &Mapping) -> Vec<Vec<u8>> {
        entries_with(mapping, sum_of_all).0
    }
}

/// Stores the header, and finds then that there is no room.
///
/// fails: append::after_a_cut_it_goes_on failed
/// fails: append::it_is_full_only_when_there_is_no_room failed
mod finds_no_room_too_late {
    use super::*;

    pub fn append(mapping: &Mapping, entry: &[u8]) -> io::Result<()> {
        let (_, at) = entries_with(mapping, sum_of_all);
        if at + 16 <= mapping.length() {
            put(mapping, at, entry.len() as u64);
        }
        append_with(mapping, entry, sum_of_all)
    }

    pub fn replay(mapping: &Mapping) -> Vec<Vec<u8>> {
        entries_with(mapping, sum_of_all).0
    }
}

/// Says EFBIG when it is full.
///
/// fails: append::it_is_full_only_when_there_is_no_room failed
mod another_error {
    use super::*;

    pub fn append(mapping: &Mapping, entry: &[u8]) -> io::Result<()> {
        let (_, at) = entries_with(mapping, sum_of_all);
        fits(mapping, at, entry).map_err(|_| Errno::EFBIG)?;
        append_with(mapping, entry, sum_of_all)
    }

    pub fn replay(mapping: &Mapping) -> Vec<Vec<u8>> {
        entries_with(mapping, sum_of_all).0
    }
}

/// Begins each entry in a sector of its own.
///
/// fails: append::it_is_full_only_when_there_is_no_room failed
/// fails: append::replay_gives_what_was_appended failed
/// fails: append::so_does_a_cut_between_two_stores failed
mod a_sector_for_each {
    use super::*;

    fn entries(mapping: &Mapping) -> (Vec<Vec<u8>>, usize) {
        let (mut entries, mut at) = (Vec::new(), 0);
        while at + 16 <= mapping.length() {
            let length = usize::try_from(get(mapping, at)).unwrap_or(usize::MAX);
            if length > mapping.length() - at - 16 {
                break;
            }
            let entry = bytes_at(mapping, at + 16, length);
            if get(mapping, at + 8) != sum_of_all(at, &entry) {
                break;
            }
            at = (at + 16 + length).next_multiple_of(512);
            entries.push(entry);
        }
        (entries, at)
    }

    pub fn append(mapping: &Mapping, entry: &[u8]) -> io::Result<()> {
        let (found, at) = entries(mapping);
        fits(mapping, at, entry)?;
        settle_the_last(mapping, &found, at)?;
        let end = store_with(mapping, at, entry, sum_of_all);
        flush(mapping, at..end)
    }

    pub fn replay(mapping: &Mapping) -> Vec<Vec<u8>> {
        entries(mapping).0
    }
}

/// Remembers the log's end in the process.
///
/// fails: append::replay_gives_what_was_appended failed
mod remembers_the_end {
    use super::*;

    static END: AtomicUsize = AtomicUsize::new(0);

    pub fn append(mapping: &Mapping, entry: &[u8]) -> io::Result<()> {
        let at = END.load(Ordering::Relaxed);
        fits(mapping, at, entry)?;
        flush(mapping, 0..at)?;
        let end = store_with(mapping, at, entry, sum_of_all);
        END.store(end, Ordering::Relaxed);
        flush(mapping, at..end)
    }

    pub fn replay(mapping: &Mapping) -> Vec<Vec<u8>> {
        entries_with(mapping, sum_of_all).0
    }
}

/// Syncs one page after the other.
///
/// fails: append::it_makes_few_syncs failed
mod syncs_an_entry_by_pages {
    use super::*;

    pub fn append(mapping: &Mapping, entry: &[u8]) -> io::Result<()> {
        let (found, at) = entries_with(mapping, sum_of_all);
        fits(mapping, at, entry)?;
        settle_the_last(mapping, &found, at)?;
        let end = store_with(mapping, at, entry, sum_of_all);
        for page in (at..end).step_by(page_size()) {
            flush(mapping, page..page + 1)?;
        }
        flush(mapping, end - 1..end)
    }

    pub fn replay(mapping: &Mapping) -> Vec<Vec<u8>> {
        entries_with(mapping, sum_of_all).0
    }
}

/// Clears what is left of a torn entry, while it reads.
///
/// fails: append::a_cut_leaves_an_entry_whole_or_none killed
/// fails: replay::it_returns_whatever_the_file_has killed
mod replay_cleans_up {
    use super::*;

    pub fn append(mapping: &Mapping, entry: &[u8]) -> io::Result<()> {
        append_with(mapping, entry, sum_of_all)
    }

    pub fn replay(mapping: &Mapping) -> Vec<Vec<u8>> {
        let (entries, at) = entries_with(mapping, sum_of_all);
        if at + 16 <= mapping.length() && get(mapping, at + 8) != 0 {
            put(mapping, at, 0);
            put(mapping, at + 8, 0);
        }
        entries
    }
}

/// Keeps the log's end in the first word, which is stored byte by byte.
///
/// fails: append::so_does_a_cut_between_two_stores failed
mod the_end_byte_by_byte {
    use super::*;

    pub fn append(mapping: &Mapping, entry: &[u8]) -> io::Result<()> {
        super::the_end_in_one_store::append_by(mapping, entry, |mapping, end| put(mapping, 0, end))
    }

    pub fn replay(mapping: &Mapping) -> Vec<Vec<u8>> {
        super::the_end_in_one_store::replay(mapping)
    }
}

/// Keeps the number of entries in the first word, which is stored byte by byte.
///
/// fails: append::so_does_a_cut_between_two_stores failed
mod a_count_byte_by_byte {
    use super::*;

    fn entries(mapping: &Mapping) -> (Vec<Vec<u8>>, usize) {
        let (mut entries, mut at) = (Vec::new(), 8);
        for _ in 0..get(mapping, 0) {
            if at + 8 > mapping.length() || get(mapping, at) > (mapping.length() - at - 8) as u64 {
                break;
            }
            let length = get(mapping, at) as usize;
            entries.push(bytes_at(mapping, at + 8, length));
            at += 8 + length;
        }
        (entries, at)
    }

    pub fn append(mapping: &Mapping, entry: &[u8]) -> io::Result<()> {
        let (entries, at) = entries(mapping);
        if at + 8 + entry.len() > mapping.length() {
            return Err(Errno::ENOSPC.into());
        }
        settle(mapping, 0..8)?;
        put(mapping, at, entry.len() as u64);
        mapping.write(at + 8, entry);
        flush(mapping, at..at + 8 + entry.len())?;
        put(mapping, 0, entries.len() as u64 + 1);
        flush(mapping, 0..8)
    }

    pub fn replay(mapping: &Mapping) -> Vec<Vec<u8>> {
        entries(mapping).0
    }
}

/// Keeps the log's end in the first word, which is stored before the bytes are synced.
///
/// fails: append::a_cut_leaves_an_entry_whole_or_none failed stores-arrive-in-order
mod the_end_too_early {
    use super::*;

    pub fn append(mapping: &Mapping, entry: &[u8]) -> io::Result<()> {
        let at = super::the_end_in_one_store::end(mapping);
        let end = at + 8 + entry.len();
        if end > mapping.length() {
            return Err(Errno::ENOSPC.into());
        }
        settle(mapping, 0..8)?;
        put(mapping, at, entry.len() as u64);
        mapping.write(at + 8, entry);
        mapping.long_word(0).store(end as u64, Ordering::Relaxed);
        flush(mapping, 0..end)
    }

    pub fn replay(mapping: &Mapping) -> Vec<Vec<u8>> {
        super::the_end_in_one_store::replay(mapping)
    }
}

/// No checksum: the log's end is a word that is stored in one step, once the entry is synced.
///
/// passes
mod the_end_in_one_store {
    use super::*;

    pub(super) fn end(mapping: &Mapping) -> usize {
        (get(mapping, 0) as usize).max(8)
    }

    pub(super) fn append_by(mapping: &Mapping, entry: &[u8], store: impl Fn(&Mapping, u64)) -> io::Result<()> {
        let at = end(mapping);
        let end = at + 8 + entry.len();
        if end > mapping.length() {
            return Err(Errno::ENOSPC.into());
        }
        settle(mapping, 0..8)?;
        put(mapping, at, entry.len() as u64);
        mapping.write(at + 8, entry);
        flush(mapping, at..end)?;
        store(mapping, end as u64);
        flush(mapping, 0..8)
    }

    pub fn append(mapping: &Mapping, entry: &[u8]) -> io::Result<()> {
        append_by(mapping, entry, |mapping, end| mapping.long_word(0).store(end, Ordering::Relaxed))
    }

    pub fn replay(mapping: &Mapping) -> Vec<Vec<u8>> {
        let (mut entries, mut at, end) = (Vec::new(), 8, end(mapping).min(mapping.length()));
        while at + 8 <= end {
            let length = (get(mapping, at) as usize).min(end - at - 8);
            entries.push(bytes_at(mapping, at + 8, length));
            at += 8 + length;
        }
        entries
    }
}

/// One sync for the entry before and this one.
/// The checksum goes on from that of the entry before, so nothing that follows another entry is taken for one.
///
/// passes
mod a_chain_of_checksums {
    use super::*;

    fn entries(mapping: &Mapping) -> (Vec<Vec<u8>>, usize, u64) {
        let (mut entries, mut at, mut last) = (Vec::new(), 0, 0);
        while at + 16 <= mapping.length() {
            let [length, sum] = [0, 8].map(|word| get(mapping, at + word));
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            if length > mapping.length() - at - 16 {
                break;
            }
            let entry = bytes_at(mapping, at + 16, length);
            if sum != chained(last, &entry) {
                break;
            }
            (at, last) = (at + 16 + length, sum);
            entries.push(entry);
        }
        (entries, at, last)
    }

    fn chained(last: u64, entry: &[u8]) -> u64 {
        fnv(&[&last.to_le_bytes(), &(entry.len() as u64).to_le_bytes(), entry])
    }

    pub fn append(mapping: &Mapping, entry: &[u8]) -> io::Result<()> {
        let (entries, at, last) = entries(mapping);
        fits(mapping, at, entry)?;
        if let Some(last) = entries.last() {
            mapping.write(at - last.len(), last);
        }
        let end = store_with(mapping, at, entry, |_, entry| chained(last, entry));
        flush(mapping, 0..end)
    }

    pub fn replay(mapping: &Mapping) -> Vec<Vec<u8>> {
        entries(mapping).0
    }
}

/// Stores the bytes from the last to the first.
///
/// passes
mod backwards {
    use super::*;

    pub fn append(mapping: &Mapping, entry: &[u8]) -> io::Result<()> {
        let (found, at) = entries_with(mapping, sum_of_all);
        fits(mapping, at, entry)?;
        settle_the_last(mapping, &found, at)?;
        for (n, byte) in entry.iter().enumerate().rev() {
            mapping.store(at + 16 + n, *byte);
        }
        put(mapping, at + 8, sum_of_all(at, entry));
        put(mapping, at, entry.len() as u64);
        flush(mapping, at..at + 16 + entry.len())
    }

    pub fn replay(mapping: &Mapping) -> Vec<Vec<u8>> {
        entries_with(mapping, sum_of_all).0
    }
}

/// Syncs the page of the log's end only, before it adds to it: the last entry may have begun in an earlier one.
///
/// fails: append::after_a_killed_process_too failed
/// fails: append::an_error_of_a_sync_is_returned failed
mod syncs_the_last_ones_end_only {
    use super::*;

    pub fn append(mapping: &Mapping, entry: &[u8]) -> io::Result<()> {
        let (_, at) = entries_with(mapping, sum_of_all);
        fits(mapping, at, entry)?;
        flush(mapping, at.saturating_sub(1)..at)?;
        let end = store_with(mapping, at, entry, sum_of_all);
        flush(mapping, at..end)
    }

    pub fn replay(mapping: &Mapping) -> Vec<Vec<u8>> {
        entries_with(mapping, sum_of_all).0
    }
}

/// Refuses the entry with which the file is full, as the exercise counts.
///
/// fails: append::it_is_full_only_when_there_is_no_room failed
mod full_is_too_full {
    use super::*;

    pub fn append(mapping: &Mapping, entry: &[u8]) -> io::Result<()> {
        let (entries, at) = entries_with(mapping, sum_of_all);
        if at + entry.len() + 48 * (entries.len() + 1) + 16 + page_size() >= mapping.length() {
            return Err(Errno::ENOSPC.into());
        }
        append_with(mapping, entry, sum_of_all)
    }

    pub fn replay(mapping: &Mapping) -> Vec<Vec<u8>> {
        entries_with(mapping, sum_of_all).0
    }
}

/// Clears what a torn entry has left, and finds then that there is no room.
///
/// fails: append::after_a_cut_it_goes_on failed
mod clears_before_it_looks {
    use super::*;

    pub fn append(mapping: &Mapping, entry: &[u8]) -> io::Result<()> {
        let (_, at) = entries_with(mapping, sum_of_all);
        for left in at..mapping.length() {
            if mapping.load(left) != 0 {
                mapping.store(left, 0);
            }
        }
        append_with(mapping, entry, sum_of_all)
    }

    pub fn replay(mapping: &Mapping) -> Vec<Vec<u8>> {
        entries_with(mapping, sum_of_all).0
    }
}

/// Leaves a torn entry where it is, with its length, and adds the next one after it: its room is lost.
///
/// fails: append::after_a_cut_it_goes_on failed
mod leaves_the_torn_one_its_room {
    use super::*;

    /// The whole ones, and where the last one ends that is there at all. What only has a length is torn.
    fn entries(mapping: &Mapping) -> (Vec<Vec<u8>>, usize) {
        let (mut entries, mut at) = (Vec::new(), 0);
        while at + 16 <= mapping.length() && get(mapping, at + 8) != 0 {
            let length = usize::try_from(get(mapping, at)).unwrap_or(usize::MAX);
            if length > mapping.length() - at - 16 {
                break;
            }
            let entry = bytes_at(mapping, at + 16, length);
            if get(mapping, at + 8) == sum_of_all(at, &entry) {
                entries.push(entry);
            }
            at += 16 + length;
        }
        (entries, at)
    }

    pub fn append(mapping: &Mapping, entry: &[u8]) -> io::Result<()> {
        let (found, at) = entries(mapping);
        fits(mapping, at, entry)?;
        settle_the_last(mapping, &found, at)?;
        let end = store_with(mapping, at, entry, sum_of_all);
        flush(mapping, at..end)
    }

    pub fn replay(mapping: &Mapping) -> Vec<Vec<u8>> {
        entries(mapping).0
    }
}

/// Keeps the log's end in the first word, which is stored byte by byte, and gives no entry that goes beyond it.
/// Most numbers between an old end and a new one do no harm then.
///
/// fails: append::so_does_a_cut_between_two_stores failed
mod half_an_end_is_noticed_mostly {
    use super::*;

    pub fn append(mapping: &Mapping, entry: &[u8]) -> io::Result<()> {
        super::the_end_in_one_store::append_by(mapping, entry, |mapping, end| put(mapping, 0, end))
    }

    pub fn replay(mapping: &Mapping) -> Vec<Vec<u8>> {
        let (mut entries, mut at) = (Vec::new(), 8);
        let end = super::the_end_in_one_store::end(mapping).min(mapping.length());
        while at + 8 <= end {
            let length = get(mapping, at) as usize;
            if length > end - at - 8 {
                break;
            }
            entries.push(bytes_at(mapping, at + 8, length));
            at += 8 + length;
        }
        entries
    }
}

/// Keeps the length in two bytes.
///
/// fails: append::replay_gives_what_was_appended failed
mod two_bytes_for_the_length {
    use super::*;

    /// What the header would be if it had no more than two bytes for the length: the entry is cut off.
    fn kept(entry: &[u8]) -> &[u8] {
        &entry[..usize::from(entry.len() as u16)]
    }

    pub fn append(mapping: &Mapping, entry: &[u8]) -> io::Result<()> {
        append_with(mapping, kept(entry), sum_of_all)
    }

    pub fn replay(mapping: &Mapping) -> Vec<Vec<u8>> {
        entries_with(mapping, sum_of_all).0
    }
}

/// Numbers the entries, by a byte where it stores one, and by more where it reads them.
///
/// fails: append::replay_gives_what_was_appended failed
mod a_byte_numbers_the_entries {
    use super::*;

    fn numbered(number: u64, entry: &[u8]) -> u64 {
        fnv(&[&number.to_le_bytes(), &(entry.len() as u64).to_le_bytes(), entry])
    }

    fn entries(mapping: &Mapping) -> (Vec<Vec<u8>>, usize) {
        let (mut entries, mut at) = (Vec::new(), 0);
        while at + 16 <= mapping.length() {
            let length = usize::try_from(get(mapping, at)).unwrap_or(usize::MAX);
            if length > mapping.length() - at - 16 {
                break;
            }
            let entry = bytes_at(mapping, at + 16, length);
            if get(mapping, at + 8) != numbered(entries.len() as u64, &entry) {
                break;
            }
            at += 16 + length;
            entries.push(entry);
        }
        (entries, at)
    }

    pub fn append(mapping: &Mapping, entry: &[u8]) -> io::Result<()> {
        let (entries, at) = entries(mapping);
        fits(mapping, at, entry)?;
        settle_the_last(mapping, &entries, at)?;
        // It clears what is left of a torn one: more accesses than are followed one by one.
        for left in at..mapping.length() {
            if mapping.load(left) != 0 {
                mapping.store(left, 0);
            }
        }
        let end = store_with(mapping, at, entry, |_, entry| numbered(u64::from(entries.len() as u8), entry));
        flush(mapping, at..end)
    }

    pub fn replay(mapping: &Mapping) -> Vec<Vec<u8>> {
        entries(mapping).0
    }
}

/// Stores zeros over all entries.
///
/// fails: checkpoint::a_cut_leaves_all_entries_or_none failed
mod zeros_over_the_entries {
    use super::*;

    pub fn checkpoint(mapping: &Mapping) -> io::Result<()> {
        mapping.write(8, &vec![0; mapping.length() - 8]);
        flush(mapping, 0..mapping.length())
    }
}

/// Stores zeros over the first entry only: the next one comes back.
///
/// fails: checkpoint::the_log_is_empty_and_has_room_again failed
mod zeros_over_the_first_entry {
    use super::*;

    pub fn checkpoint(mapping: &Mapping) -> io::Result<()> {
        mapping.write(8, &[0; 24]);
        flush(mapping, 8..32)
    }
}

/// Takes the first entry away, and then the others: a cut in between leaves those.
///
/// fails: checkpoint::after_a_cut_nothing_comes_back failed
/// fails: checkpoint::after_a_killed_process_too failed
mod the_first_entry_and_then_the_rest {
    use super::*;

    pub fn checkpoint(mapping: &Mapping) -> io::Result<()> {
        flush(mapping, 0..mapping.length())?;
        mapping.write(8, &[0; 24]);
        flush(mapping, 8..32)?;
        mapping.write(32, &vec![0; mapping.length() - 32]);
        flush(mapping, 0..mapping.length())
    }
}

/// Doesn't sync the new number.
///
/// fails: checkpoint::a_cut_leaves_all_entries_or_none failed
mod number_never_synced {
    use super::*;

    pub fn checkpoint(mapping: &Mapping) -> io::Result<()> {
        let word = mapping.long_word(0);
        word.store(word.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        Ok(())
    }
}

/// Increments the lowest byte of the number only.
///
/// fails: checkpoint::however_many_came_before failed
/// fails: checkpoint::so_does_a_cut_between_two_stores failed
mod a_byte_for_the_checkpoints {
    use super::*;

    pub fn checkpoint(mapping: &Mapping) -> io::Result<()> {
        flush(mapping, 0..mapping.length())?;
        mapping.store(0, mapping.load(0).wrapping_add(1));
        flush(mapping, 0..8)
    }
}

/// Stores the number byte by byte: on the way from 255 to 256 it is another one.
///
/// fails: checkpoint::so_does_a_cut_between_two_stores failed
mod the_number_byte_by_byte {
    use super::*;

    pub fn checkpoint(mapping: &Mapping) -> io::Result<()> {
        put(mapping, 0, get(mapping, 0) + 1);
        flush(mapping, 0..8)
    }
}

/// Clears what comes after the entry, and leaves it to the next sync to put the number on the disk that says that the log is empty.
///
/// fails: checkpoint::after_a_killed_process_too failed
mod the_number_later {
    use super::*;

    pub fn append(mapping: &Mapping, entry: &[u8]) -> io::Result<()> {
        let (at, start) = crate::solution::replay(mapping).iter().fold((8, 0), |(at, _), e| (at + 24 + e.len(), at));
        if at + 24 + entry.len() > mapping.length() {
            return Err(Errno::ENOSPC.into());
        }
        if start > 0 {
            settle(mapping, start..at)?;
        }
        let end = at + 24 + entry.len();
        mapping.write(end, &vec![0; 24.min(mapping.length() - end)]);
        let number = get(mapping, 0);
        put(mapping, at, number);
        put(mapping, at + 8, entry.len() as u64);
        put(mapping, at + 16, fnv(&[&number.to_le_bytes(), &(entry.len() as u64).to_le_bytes(), entry]));
        mapping.write(at + 24, entry);
        mapping.write(0, &number.to_le_bytes());
        flush(mapping, 0..end)
    }

    pub fn checkpoint(mapping: &Mapping) -> io::Result<()> {
        crate::solution::checkpoint(mapping)
    }
}

/// Increments only when there is something to empty, and believes that an empty log is empty on the disk.
///
/// fails: checkpoint::after_a_killed_process_too failed
mod it_is_empty_already {
    use super::*;

    pub fn checkpoint(mapping: &Mapping) -> io::Result<()> {
        if crate::solution::replay(mapping).is_empty() {
            return Ok(());
        }
        crate::solution::checkpoint(mapping)
    }
}

/// Drops the error of the sync.
///
/// fails: checkpoint::an_error_of_a_sync_is_returned failed
mod drops_the_checkpoints_error {
    use super::*;

    pub fn checkpoint(mapping: &Mapping) -> io::Result<()> {
        let _ = crate::solution::checkpoint(mapping);
        Ok(())
    }
}

/// Syncs the word only: an entry that never was synced need not be there.
///
/// passes
mod leaves_the_entries_to_the_kernel {
    use super::*;

    pub fn checkpoint(mapping: &Mapping) -> io::Result<()> {
        let word = mapping.long_word(0);
        word.store(word.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        flush(mapping, 0..8)
    }
}

/// Syncs each page of the log.
///
/// fails: checkpoint::it_makes_few_syncs failed
mod syncs_the_log_by_pages {
    use super::*;

    pub fn checkpoint(mapping: &Mapping) -> io::Result<()> {
        for page in (0..mapping.length()).step_by(page_size()) {
            flush(mapping, page..page + 1)?;
        }
        crate::solution::checkpoint(mapping)
    }
}

one_of! {
    pub fn append(mapping: &Mapping, entry: &[u8]) -> io::Result<()>;
    a_mark_for_a_checksum syncs_the_entrys_header_only leaves_the_entry_to_the_kernel asks_for_the_entry skips_the_torn_one gives_the_torn_one
    empty_is_the_end believes_an_entrys_length believes_the_entry_before one_sync_for_both length_last adds_up_an_entry
    checksum_of_the_bytes a_sync_settles_the_log syncs_from_the_bytes_on syncs_a_header_too_little settles_the_bytes_only a_count_and_an_end rounds_up_to_64 drops_the_entrys_error tries_each_sync_again begins_again_when_full forgets_the_header finds_no_room_too_late
    another_error a_sector_for_each remembers_the_end syncs_an_entry_by_pages replay_cleans_up the_end_byte_by_byte a_count_byte_by_byte
    the_end_too_early the_end_in_one_store a_chain_of_checksums backwards syncs_the_last_ones_end_only full_is_too_full clears_before_it_looks leaves_the_torn_one_its_room
    half_an_end_is_noticed_mostly two_bytes_for_the_length a_byte_numbers_the_entries the_number_later
}

one_of! {
    pub fn replay(mapping: &Mapping) -> Vec<Vec<u8>>;
    a_mark_for_a_checksum syncs_the_entrys_header_only leaves_the_entry_to_the_kernel asks_for_the_entry skips_the_torn_one gives_the_torn_one
    empty_is_the_end believes_an_entrys_length believes_the_entry_before one_sync_for_both length_last adds_up_an_entry
    checksum_of_the_bytes a_sync_settles_the_log syncs_from_the_bytes_on syncs_a_header_too_little settles_the_bytes_only a_count_and_an_end rounds_up_to_64 drops_the_entrys_error tries_each_sync_again begins_again_when_full forgets_the_header finds_no_room_too_late
    another_error a_sector_for_each remembers_the_end syncs_an_entry_by_pages replay_cleans_up the_end_byte_by_byte a_count_byte_by_byte
    the_end_too_early the_end_in_one_store a_chain_of_checksums backwards syncs_the_last_ones_end_only full_is_too_full clears_before_it_looks leaves_the_torn_one_its_room
    half_an_end_is_noticed_mostly two_bytes_for_the_length a_byte_numbers_the_entries
}

one_of! {
    pub fn checkpoint(mapping: &Mapping) -> io::Result<()>;
    zeros_over_the_entries zeros_over_the_first_entry the_first_entry_and_then_the_rest number_never_synced a_byte_for_the_checkpoints the_number_byte_by_byte the_number_later it_is_empty_already drops_the_checkpoints_error leaves_the_entries_to_the_kernel syncs_the_log_by_pages
}
