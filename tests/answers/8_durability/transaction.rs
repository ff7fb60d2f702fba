//! Answers to `transaction` and `pages`, right and wrong.

use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use mmap_workbook::lesson_2::Mapping;
use mmap_workbook::observe::page_size;
use nix::errno::Errno;

use crate::solution::{flush, settle};

type Changes<'a> = &'a [(usize, Vec<u8>)];

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

fn kept(mapping: &Mapping) -> usize {
    ((mapping.length() / page_size() - 2) / 2).min(1000)
}

fn is_possible(mapping: &Mapping, changes: Changes) -> io::Result<()> {
    let is_page = |(page, bytes): &(usize, Vec<u8>)| *page < kept(mapping) && bytes.len() == page_size();
    if changes.iter().all(is_page) { Ok(()) } else { Err(Errno::EINVAL.into()) }
}

/// A page is in one of two places.
fn place(page: usize, which: u8) -> usize {
    (2 + 2 * page + usize::from(which)) * page_size()
}

fn data(mapping: &Mapping) -> Range<usize> {
    2 * page_size()..mapping.length()
}

/// The root has two slots: a number, a checksum, and a byte for each page.
fn root(mapping: &Mapping) -> (u64, Vec<u8>) {
    let roots = [0, 1].into_iter().filter_map(|n| {
        let [number, sum] = [0, 8].map(|at| get(mapping, n * page_size() + at));
        let places = bytes_at(mapping, n * page_size() + 16, kept(mapping));
        let is_whole = sum == fnv(&[&number.to_le_bytes(), &places]) && places.iter().all(|which| *which < 2);
        is_whole.then_some((number, places))
    });
    roots.max_by_key(|(number, _)| *number).unwrap_or_else(|| (0, vec![0; kept(mapping)]))
}

fn store_root(mapping: &Mapping, number: u64, places: &[u8]) -> Range<usize> {
    let start = (number % 2) as usize * page_size();
    put(mapping, start, number);
    put(mapping, start + 8, fnv(&[&number.to_le_bytes(), places]));
    mapping.write(start + 16, places);
    start..start + 16 + places.len()
}

fn pages_of(mapping: &Mapping) -> Vec<Vec<u8>> {
    let page = |(page, which): (usize, &u8)| bytes_at(mapping, place(page, *which), page_size());
    root(mapping).1.iter().enumerate().map(page).collect()
}

/// Puts the root on the disk, which a killed process or a failed sync may have left.
fn settle_the_root(mapping: &Mapping) -> io::Result<()> {
    let (number, places) = root(mapping);
    let start = (number % 2) as usize * page_size();
    settle(mapping, start..start + 16 + places.len())
}

/// Stores the changes where no page counts, and says where all pages are then.
fn store_changes(mapping: &Mapping, changes: Changes, mut places: Vec<u8>) -> Vec<u8> {
    for (page, bytes) in changes {
        places[*page] = 1 - places[*page];
        mapping.write(place(*page, places[*page]), bytes);
    }
    places
}

/// Stores the pages in their places, one after the other, and syncs them.
///
/// fails: transaction::a_cut_leaves_all_changes_or_none failed
mod in_place {
    use super::*;

    pub fn transaction(mapping: &Mapping, changes: Changes) -> io::Result<()> {
        is_possible(mapping, changes)?;
        for (page, bytes) in changes {
            mapping.write(place(*page, 0), bytes);
        }
        flush(mapping, data(mapping))
    }

    pub fn pages(mapping: &Mapping) -> Vec<Vec<u8>> {
        (0..kept(mapping)).map(|page| bytes_at(mapping, place(page, 0), page_size())).collect()
    }
}

/// Syncs the pages together with the root that names them.
///
/// fails: transaction::a_cut_leaves_all_changes_or_none failed
mod one_sync_for_pages_and_root {
    use super::*;

    pub fn transaction(mapping: &Mapping, changes: Changes) -> io::Result<()> {
        is_possible(mapping, changes)?;
        let (number, places) = root(mapping);
        settle_the_root(mapping)?;
        let places = store_changes(mapping, changes, places);
        store_root(mapping, number + 1, &places);
        flush(mapping, 0..mapping.length())
    }

    pub fn pages(mapping: &Mapping) -> Vec<Vec<u8>> {
        pages_of(mapping)
    }
}

/// Syncs the root before the pages.
///
/// fails: transaction::a_cut_leaves_all_changes_or_none failed
mod root_before_the_pages {
    use super::*;

    pub fn transaction(mapping: &Mapping, changes: Changes) -> io::Result<()> {
        is_possible(mapping, changes)?;
        let (number, places) = root(mapping);
        settle_the_root(mapping)?;
        let places = store_changes(mapping, changes, places);
        let range = store_root(mapping, number + 1, &places);
        flush(mapping, range)?;
        flush(mapping, data(mapping))
    }

    pub fn pages(mapping: &Mapping) -> Vec<Vec<u8>> {
        pages_of(mapping)
    }
}

/// Never syncs the root.
///
/// fails: transaction::a_cut_leaves_all_changes_or_none failed
mod root_never_synced {
    use super::*;

    pub fn transaction(mapping: &Mapping, changes: Changes) -> io::Result<()> {
        is_possible(mapping, changes)?;
        let (number, places) = root(mapping);
        settle_the_root(mapping)?;
        let places = store_changes(mapping, changes, places);
        flush(mapping, data(mapping))?;
        store_root(mapping, number + 1, &places);
        Ok(())
    }

    pub fn pages(mapping: &Mapping) -> Vec<Vec<u8>> {
        pages_of(mapping)
    }
}

/// Has one slot for the root, in which each page has a sector of its own.
///
/// fails: transaction::a_cut_leaves_all_changes_or_none failed
/// fails: transaction::pages_gives_what_was_changed_last failed
mod a_sector_of_the_root_for_each_page {
    use super::*;

    fn root(mapping: &Mapping) -> Vec<u8> {
        (0..kept(mapping)).map(|page| mapping.load(page * 512) % 2).collect()
    }

    pub fn transaction(mapping: &Mapping, changes: Changes) -> io::Result<()> {
        is_possible(mapping, changes)?;
        settle_the_root(mapping)?;
        let places = store_changes(mapping, changes, root(mapping));
        flush(mapping, data(mapping))?;
        for (page, which) in places.iter().enumerate() {
            mapping.store(page * 512, *which);
        }
        flush(mapping, 0..2 * page_size())
    }

    pub fn pages(mapping: &Mapping) -> Vec<Vec<u8>> {
        let page = |(page, which): (usize, u8)| bytes_at(mapping, place(page, which), page_size());
        root(mapping).into_iter().enumerate().map(page).collect()
    }
}

/// Trusts the root that it finds, and stores to the pages that counted before.
///
/// fails: transaction::after_a_killed_process_too failed
/// fails: transaction::an_error_of_a_sync_is_returned failed
mod believes_the_root {
    use super::*;

    pub fn transaction(mapping: &Mapping, changes: Changes) -> io::Result<()> {
        is_possible(mapping, changes)?;
        let (number, places) = root(mapping);
        let places = store_changes(mapping, changes, places);
        flush(mapping, data(mapping))?;
        let range = store_root(mapping, number + 1, &places);
        flush(mapping, range)
    }

    pub fn pages(mapping: &Mapping) -> Vec<Vec<u8>> {
        pages_of(mapping)
    }
}

/// Copies all pages to the other half each time.
///
/// fails: transaction::it_stores_and_syncs_little failed
mod copies_all_pages {
    use super::*;

    pub fn transaction(mapping: &Mapping, changes: Changes) -> io::Result<()> {
        is_possible(mapping, changes)?;
        let (number, places) = root(mapping);
        settle_the_root(mapping)?;
        let mut all = pages_of(mapping);
        for (page, bytes) in changes {
            all[*page].clone_from(bytes);
        }
        let all: Vec<_> = all.into_iter().enumerate().collect();
        let places = store_changes(mapping, &all, places);
        flush(mapping, data(mapping))?;
        let range = store_root(mapping, number + 1, &places);
        flush(mapping, range)
    }

    pub fn pages(mapping: &Mapping) -> Vec<Vec<u8>> {
        pages_of(mapping)
    }
}

/// Syncs each page by itself.
///
/// fails: transaction::it_stores_and_syncs_little failed
mod syncs_each_changed_page {
    use super::*;

    pub fn transaction(mapping: &Mapping, changes: Changes) -> io::Result<()> {
        is_possible(mapping, changes)?;
        let (number, places) = root(mapping);
        settle_the_root(mapping)?;
        let places = store_changes(mapping, changes, places);
        for (page, _) in changes {
            flush(mapping, place(*page, places[*page])..place(*page, places[*page]) + 1)?;
        }
        let range = store_root(mapping, number + 1, &places);
        flush(mapping, range)
    }

    pub fn pages(mapping: &Mapping) -> Vec<Vec<u8>> {
        pages_of(mapping)
    }
}

/// Finds a wrong page when those before it are stored, which is before the root is synced, too.
///
/// fails: transaction::after_a_killed_process_too failed
/// fails: transaction::an_error_of_a_sync_is_returned failed
/// fails: transaction::what_is_no_page_is_refused failed
mod refuses_in_the_middle {
    use super::*;

    pub fn transaction(mapping: &Mapping, changes: Changes) -> io::Result<()> {
        let (_, places) = root(mapping);
        for (page, bytes) in changes {
            if *page >= places.len() || bytes.len() != page_size() {
                return Err(Errno::EINVAL.into());
            }
            mapping.write(place(*page, 1 - places[*page]), bytes);
        }
        super::another_format::transaction(mapping, changes)
    }

    pub fn pages(mapping: &Mapping) -> Vec<Vec<u8>> {
        pages_of(mapping)
    }
}

/// Takes shorter pages.
///
/// fails: transaction::what_is_no_page_is_refused failed
mod takes_shorter_pages {
    use super::*;

    pub fn transaction(mapping: &Mapping, changes: Changes) -> io::Result<()> {
        let whole: Vec<_> = changes
            .iter()
            .map(|(page, bytes)| {
                let mut bytes = bytes.clone();
                bytes.resize(page_size().max(bytes.len()), 0);
                (*page, bytes)
            })
            .collect();
        crate::solution::transaction(mapping, &whole)
    }

    pub fn pages(mapping: &Mapping) -> Vec<Vec<u8>> {
        crate::solution::pages(mapping)
    }
}

/// Drops the error of the sync of the pages.
///
/// fails: transaction::an_error_of_a_sync_is_returned failed
mod drops_the_error_of_the_pages {
    use super::*;

    pub fn transaction(mapping: &Mapping, changes: Changes) -> io::Result<()> {
        is_possible(mapping, changes)?;
        let (number, places) = root(mapping);
        settle_the_root(mapping)?;
        let places = store_changes(mapping, changes, places);
        let _ = flush(mapping, data(mapping));
        let range = store_root(mapping, number + 1, &places);
        flush(mapping, range)
    }

    pub fn pages(mapping: &Mapping) -> Vec<Vec<u8>> {
        pages_of(mapping)
    }
}

/// Takes a sync for enough: after one that has failed, it writes nothing of what was stored before.
///
/// fails: transaction::an_error_of_a_sync_is_returned failed
mod a_sync_settles_the_root {
    use super::*;

    pub fn transaction(mapping: &Mapping, changes: Changes) -> io::Result<()> {
        is_possible(mapping, changes)?;
        let (number, places) = root(mapping);
        flush(mapping, 0..2 * page_size())?;
        let places = store_changes(mapping, changes, places);
        flush(mapping, data(mapping))?;
        let range = store_root(mapping, number + 1, &places);
        flush(mapping, range)
    }

    pub fn pages(mapping: &Mapping) -> Vec<Vec<u8>> {
        pages_of(mapping)
    }
}

/// Keeps as many pages as there are places.
///
/// fails: transaction::pages_gives_what_was_changed_last failed
mod more_than_a_thousand {
    use super::*;

    pub fn transaction(mapping: &Mapping, changes: Changes) -> io::Result<()> {
        crate::solution::transaction(mapping, changes)
    }

    pub fn pages(mapping: &Mapping) -> Vec<Vec<u8>> {
        let mut pages = crate::solution::pages(mapping);
        pages.resize((mapping.length() / page_size() - 2) / 2, vec![0; page_size()]);
        pages
    }
}

/// Stores only the bytes of a page that differ from those that are there.
///
/// fails: transaction::an_error_of_a_sync_is_returned failed
mod stores_what_differs {
    use super::*;

    pub fn transaction(mapping: &Mapping, changes: Changes) -> io::Result<()> {
        is_possible(mapping, changes)?;
        let (number, mut places) = root(mapping);
        settle_the_root(mapping)?;
        for (page, bytes) in changes {
            places[*page] = 1 - places[*page];
            let start = place(*page, places[*page]);
            for (n, byte) in bytes.iter().enumerate() {
                if mapping.load(start + n) != *byte {
                    mapping.store(start + n, *byte);
                }
            }
        }
        flush(mapping, data(mapping))?;
        let range = store_root(mapping, number + 1, &places);
        flush(mapping, range)
    }

    pub fn pages(mapping: &Mapping) -> Vec<Vec<u8>> {
        pages_of(mapping)
    }
}

/// Takes the root back when its sync has failed: the disk may have it all the same.
///
/// fails: transaction::an_error_of_a_sync_is_returned failed
mod takes_the_root_back {
    use super::*;

    pub fn transaction(mapping: &Mapping, changes: Changes) -> io::Result<()> {
        is_possible(mapping, changes)?;
        let (number, places) = root(mapping);
        settle_the_root(mapping)?;
        let places = store_changes(mapping, changes, places);
        flush(mapping, data(mapping))?;
        let range = store_root(mapping, number + 1, &places);
        flush(mapping, range.clone()).inspect_err(|_| put(mapping, range.start, 0))
    }

    pub fn pages(mapping: &Mapping) -> Vec<Vec<u8>> {
        pages_of(mapping)
    }
}

/// Leaves the places out of the checksum of the root.
///
/// fails: transaction::so_does_a_cut_between_two_stores failed
mod places_without_a_checksum {
    use super::*;

    fn root(mapping: &Mapping) -> (u64, Vec<u8>) {
        let roots = [0, 1].into_iter().filter_map(|n| {
            let [number, sum] = [0, 8].map(|at| get(mapping, n * page_size() + at));
            let places = bytes_at(mapping, n * page_size() + 16, kept(mapping));
            let is_whole = sum == fnv(&[&number.to_le_bytes()]) && places.iter().all(|which| *which < 2);
            is_whole.then_some((number, places))
        });
        roots.max_by_key(|(number, _)| *number).unwrap_or_else(|| (0, vec![0; kept(mapping)]))
    }

    pub fn transaction(mapping: &Mapping, changes: Changes) -> io::Result<()> {
        is_possible(mapping, changes)?;
        let (number, places) = root(mapping);
        let start = |number: u64| (number % 2) as usize * page_size();
        settle(mapping, start(number)..start(number) + 16 + places.len())?;
        let places = store_changes(mapping, changes, places);
        flush(mapping, data(mapping))?;
        let number = number + 1;
        put(mapping, start(number), number);
        put(mapping, start(number) + 8, fnv(&[&number.to_le_bytes()]));
        mapping.write(start(number) + 16, &places);
        flush(mapping, start(number)..start(number) + 16 + places.len())
    }

    pub fn pages(mapping: &Mapping) -> Vec<Vec<u8>> {
        let page = |(page, which): (usize, &u8)| bytes_at(mapping, place(page, *which), page_size());
        root(mapping).1.iter().enumerate().map(page).collect()
    }
}

/// A bit for each page in words, of which each is stored at once, but not all of them together.
///
/// fails: transaction::so_does_a_cut_between_two_stores failed
mod a_bit_for_each_page {
    use super::*;

    fn which(mapping: &Mapping, page: usize) -> u8 {
        (mapping.long_word(page / 64 * 8).load(Ordering::Relaxed) >> (page % 64) & 1) as u8
    }

    pub fn transaction(mapping: &Mapping, changes: Changes) -> io::Result<()> {
        is_possible(mapping, changes)?;
        settle(mapping, 0..kept(mapping).div_ceil(64) * 8)?;
        for (page, bytes) in changes {
            mapping.write(place(*page, 1 - which(mapping, *page)), bytes);
        }
        flush(mapping, data(mapping))?;
        for (page, _) in changes {
            let word = mapping.long_word(page / 64 * 8);
            word.store(word.load(Ordering::Relaxed) ^ 1 << (page % 64), Ordering::Relaxed);
        }
        flush(mapping, 0..page_size())
    }

    pub fn pages(mapping: &Mapping) -> Vec<Vec<u8>> {
        (0..kept(mapping)).map(|page| bytes_at(mapping, place(page, which(mapping, page)), page_size())).collect()
    }
}

/// One root, which is replaced in its place: half of it is none.
///
/// fails: transaction::so_does_a_cut_between_two_stores failed
mod one_root {
    use super::*;

    fn root(mapping: &Mapping) -> (u64, Vec<u8>) {
        let [number, sum] = [0, 8].map(|at| get(mapping, at));
        let places = bytes_at(mapping, 16, kept(mapping));
        let is_whole = sum == fnv(&[&number.to_le_bytes(), &places]) && places.iter().all(|which| *which < 2);
        if is_whole { (number, places) } else { (0, vec![0; kept(mapping)]) }
    }

    pub fn transaction(mapping: &Mapping, changes: Changes) -> io::Result<()> {
        is_possible(mapping, changes)?;
        let (number, places) = root(mapping);
        settle(mapping, 0..16 + places.len())?;
        let places = store_changes(mapping, changes, places);
        flush(mapping, data(mapping))?;
        let number = number + 1;
        put(mapping, 0, number);
        put(mapping, 8, fnv(&[&number.to_le_bytes(), &places]));
        mapping.write(16, &places);
        flush(mapping, 0..16 + places.len())
    }

    pub fn pages(mapping: &Mapping) -> Vec<Vec<u8>> {
        let page = |(page, which): (usize, &u8)| bytes_at(mapping, place(page, *which), page_size());
        root(mapping).1.iter().enumerate().map(page).collect()
    }
}

/// Remembers which root it has synced, before the sync has said so: after an error it is not synced again.
///
/// fails: transaction::an_error_of_a_sync_is_returned failed
mod remembers_a_root_that_failed {
    use super::*;

    static SYNCED: AtomicU64 = AtomicU64::new(0);

    pub fn transaction(mapping: &Mapping, changes: Changes) -> io::Result<()> {
        is_possible(mapping, changes)?;
        let (number, places) = root(mapping);
        if SYNCED.load(Ordering::Relaxed) != number {
            flush(mapping, 0..2 * page_size())?;
        }
        let places = store_changes(mapping, changes, places);
        flush(mapping, data(mapping))?;
        SYNCED.store(number + 1, Ordering::Relaxed);
        let range = store_root(mapping, number + 1, &places);
        flush(mapping, range)
    }

    pub fn pages(mapping: &Mapping) -> Vec<Vec<u8>> {
        pages_of(mapping)
    }
}

/// Two syncs: that of the old root goes together with that of the new pages. The old pages are overwritten by then.
///
/// fails: transaction::after_a_killed_process_too failed
/// fails: transaction::an_error_of_a_sync_is_returned failed
mod old_root_with_the_new_pages {
    use super::*;

    pub fn transaction(mapping: &Mapping, changes: Changes) -> io::Result<()> {
        is_possible(mapping, changes)?;
        let (number, places) = root(mapping);
        let places = store_changes(mapping, changes, places);
        flush(mapping, 0..mapping.length())?;
        let range = store_root(mapping, number + 1, &places);
        flush(mapping, range)
    }

    pub fn pages(mapping: &Mapping) -> Vec<Vec<u8>> {
        pages_of(mapping)
    }
}

/// Does it as the solution, in another format.
///
/// passes
mod another_format {
    use super::*;

    pub fn transaction(mapping: &Mapping, changes: Changes) -> io::Result<()> {
        is_possible(mapping, changes)?;
        let (number, places) = root(mapping);
        settle_the_root(mapping)?;
        let places = store_changes(mapping, changes, places);
        flush(mapping, data(mapping))?;
        let range = store_root(mapping, number + 1, &places);
        flush(mapping, range)
    }

    pub fn pages(mapping: &Mapping) -> Vec<Vec<u8>> {
        pages_of(mapping)
    }
}

one_of! {
    pub fn transaction(mapping: &Mapping, changes: &[(usize, Vec<u8>)]) -> io::Result<()>;
    in_place one_sync_for_pages_and_root root_before_the_pages root_never_synced a_sector_of_the_root_for_each_page believes_the_root
    copies_all_pages syncs_each_changed_page refuses_in_the_middle takes_shorter_pages drops_the_error_of_the_pages
    a_sync_settles_the_root more_than_a_thousand stores_what_differs takes_the_root_back places_without_a_checksum a_bit_for_each_page one_root remembers_a_root_that_failed old_root_with_the_new_pages another_format
}

one_of! {
    pub fn pages(mapping: &Mapping) -> Vec<Vec<u8>>;
    in_place one_sync_for_pages_and_root root_before_the_pages root_never_synced a_sector_of_the_root_for_each_page believes_the_root
    copies_all_pages syncs_each_changed_page refuses_in_the_middle takes_shorter_pages drops_the_error_of_the_pages
    a_sync_settles_the_root more_than_a_thousand stores_what_differs takes_the_root_back places_without_a_checksum a_bit_for_each_page one_root remembers_a_root_that_failed old_root_with_the_new_pages another_format
}
