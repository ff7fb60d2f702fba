//! # Exercise 8: an answer

use std::io;
use std::ops::Range;
use std::sync::atomic::Ordering;

use mmap_workbook::lesson_2::Mapping;
use mmap_workbook::observe::{page_size, whole_pages};
use nix::errno::Errno;
use nix::sys::mman::{MsFlags, msync};

/// The start is rounded down to its page, the end up. One call for all pages: where it fails, there is nothing left to do.
pub fn flush(mapping: &Mapping, range: Range<usize>) -> io::Result<()> {
    if range.is_empty() {
        return Ok(());
    }
    let start = range.start - range.start % page_size();
    // SAFETY: pages of the mapping; msync(2) changes no byte of them.
    Ok(unsafe { msync(mapping.pointer_to(start), whole_pages(range.end) - start, MsFlags::MS_SYNC) }?)
}

/// Puts on the disk what was found. A process may have been killed before it synced that, or its sync has failed: then the pages
/// count as written, so the same bytes are stored once more.
pub fn settle(mapping: &Mapping, range: Range<usize>) -> io::Result<()> {
    let mut bytes = vec![0; range.len()];
    mapping.read(range.start, &mut bytes);
    mapping.write(range.start, &bytes);
    flush(mapping, range)
}

/// What stands before the bytes of a record or of an entry: a number, the length, and the checksum of both and of the bytes.
const HEADER: usize = 24;

/// The slot of this commit, one of two halves. They have no page in common.
fn slot(mapping: &Mapping, number: u64) -> Range<usize> {
    let half = mapping.length() / 2;
    let half = half - half % page_size();
    if number.is_multiple_of(2) { 0..half } else { half..2 * half }
}

/// FNV-1a.
fn checksum(parts: [&[u8]; 2]) -> u64 {
    let bytes = parts.into_iter().flatten();
    bytes.fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Stores a header and these bytes, and says where they end.
fn store(mapping: &Mapping, at: usize, number: u64, bytes: &[u8]) -> usize {
    let mut header = [0; HEADER];
    header[..8].copy_from_slice(&number.to_le_bytes());
    header[8..16].copy_from_slice(&(bytes.len() as u64).to_le_bytes());
    let sum = checksum([&header[..16], bytes]);
    header[16..].copy_from_slice(&sum.to_le_bytes());
    mapping.write(at, &header);
    mapping.write(at + HEADER, bytes);
    at + HEADER + bytes.len()
}

/// The number and the bytes that are there, if they are whole. The length may be anything, so it is looked at first. Zeros are no
/// header: their checksum isn't 0.
fn load(mapping: &Mapping, range: Range<usize>) -> Option<(u64, Vec<u8>)> {
    let most = range.len().checked_sub(HEADER)?;
    let mut header = [0; HEADER];
    mapping.read(range.start, &mut header);
    let [number, length, sum] =
        [0, 8, 16].map(|at| u64::from_le_bytes(header[at..at + 8].try_into().unwrap_or_default()));
    let length = usize::try_from(length).ok().filter(|length| *length <= most)?;
    let mut bytes = vec![0; length];
    mapping.read(range.start + HEADER, &mut bytes);
    (checksum([&header[..16], &bytes]) == sum).then_some((number, bytes))
}

/// The number and the bytes of the last commit.
fn newest(mapping: &Mapping) -> Option<(u64, Vec<u8>)> {
    [0, 1].into_iter().filter_map(|number| load(mapping, slot(mapping, number))).max_by_key(|(number, _)| *number)
}

/// The new record goes where the one before the last is. The last has to be on the disk first. Then one sync is enough: what
/// arrives of the new one without the rest has another checksum.
pub fn commit(mapping: &Mapping, record: &[u8]) -> io::Result<()> {
    if record.len() > mapping.length() / 4 {
        return Err(Errno::EFBIG.into());
    }
    let mut number = 1;
    if let Some((last, bytes)) = newest(mapping) {
        let start = slot(mapping, last).start;
        settle(mapping, start..start + HEADER + bytes.len())?;
        number = last.wrapping_add(1);
    }
    let start = slot(mapping, number).start;
    let end = store(mapping, start, number, record);
    flush(mapping, start..end)
}

/// The one with the higher number of those that are whole.
pub fn recover(mapping: &Mapping) -> Option<Vec<u8>> {
    newest(mapping).map(|(_, bytes)| bytes)
}

/// The log begins with a word that counts how often it was emptied.
const WORD: usize = 8;

/// All whole entries, and where they end. The number of an entry says how often the log had been emptied: what is left from an
/// earlier time is no entry.
fn entries(mapping: &Mapping) -> (Vec<Vec<u8>>, usize) {
    let now = mapping.long_word(0).load(Ordering::Relaxed);
    let (mut entries, mut at) = (Vec::new(), WORD);
    while let Some((number, bytes)) = load(mapping, at..mapping.length()) {
        if number != now {
            break;
        }
        at += HEADER + bytes.len();
        entries.push(bytes);
    }
    (entries, at)
}

/// The last entry has to be on the disk before this one can follow it, and before the first the word that the log begins with.
pub fn append(mapping: &Mapping, entry: &[u8]) -> io::Result<()> {
    let (entries, at) = entries(mapping);
    if HEADER + entry.len() > mapping.length() - at {
        return Err(Errno::ENOSPC.into());
    }
    settle(mapping, entries.last().map_or(0, |last| at - HEADER - last.len())..at)?;
    let end = store(mapping, at, mapping.long_word(0).load(Ordering::Relaxed), entry);
    flush(mapping, at..end)
}

/// Up to the first that isn't whole: there may be others after it, but what comes first is missing.
pub fn replay(mapping: &Mapping) -> Vec<Vec<u8>> {
    entries(mapping).0
}

/// Where a page begins, which is kept in one of two places. The first two pages of the file are the root, in two slots: for each
/// page a byte that says which of its places counts.
fn place(page: usize, which: u8) -> usize {
    (2 + 2 * page + usize::from(which)) * page_size()
}

/// The slot of the root of this transaction.
fn root_slot(number: u64) -> Range<usize> {
    if number.is_multiple_of(2) { 0..page_size() } else { page_size()..2 * page_size() }
}

/// The root of the last transaction; before the first, the first place of each page counts.
fn root(mapping: &Mapping) -> (u64, Vec<u8>) {
    let pages = ((mapping.length() / page_size() - 2) / 2).min(1000);
    let roots = [0, 1].into_iter().filter_map(|number| load(mapping, root_slot(number)));
    roots.max_by_key(|(number, _)| *number).unwrap_or_else(|| (0, vec![0; pages]))
}

/// First the root that was found has to be on the disk: the pages that it replaced are overwritten now. Then the new pages, and only
/// then the root that names them.
pub fn transaction(mapping: &Mapping, changes: &[(usize, Vec<u8>)]) -> io::Result<()> {
    let (number, mut places) = root(mapping);
    if changes.iter().any(|(page, bytes)| *page >= places.len() || bytes.len() != page_size()) {
        return Err(Errno::EINVAL.into());
    }
    settle(mapping, root_slot(number).start..root_slot(number).start + HEADER + places.len())?;
    for (page, bytes) in changes {
        places[*page] = 1 - places[*page];
        mapping.write(place(*page, places[*page]), bytes);
    }
    flush(mapping, 2 * page_size()..mapping.length())?;
    let number = number.wrapping_add(1);
    let start = root_slot(number).start;
    let end = store(mapping, start, number, &places);
    flush(mapping, start..end)
}

/// Each page from the place that counts.
pub fn pages(mapping: &Mapping) -> Vec<Vec<u8>> {
    let load = |(page, which): (usize, &u8)| {
        let mut bytes = vec![0; page_size()];
        mapping.read(place(page, *which), &mut bytes);
        bytes
    };
    root(mapping).1.iter().enumerate().map(load).collect()
}

/// One store makes all entries those of an earlier time.
pub fn checkpoint(mapping: &Mapping) -> io::Result<()> {
    let word = mapping.long_word(0);
    word.store(word.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    flush(mapping, 0..WORD)
}
