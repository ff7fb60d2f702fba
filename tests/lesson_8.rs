//! Lesson 8: What survives.

mod common;

use common::{cases, file_with, open, transcript};
use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use mmap_workbook::lesson_8::*;
use mmap_workbook::observe::page_size;
use mmap_workbook::text::Language;
use nix::errno::Errno;
use nix::sys::mman::MsFlags;
use proptest::prelude::*;

/// Records of some lengths, empty ones too.
fn records() -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop::collection::vec(prop::collection::vec(1..=255_u8, 0..30), 0..4)
}

/// A file of zeros, mapped.
fn mapped(length: usize) -> (tempfile::TempDir, Mapping) {
    let (directory, path) = file_with(&vec![0; length]);
    let mapping = Mapping::of_file(open(&path), 0, length, READ_WRITE, Sharing::Shared).expect("a mapping");
    (directory, mapping)
}

proptest! {
    #![proptest_config(cases(32))]

    #[test]
    fn after_a_cut_the_last_commit_that_returned_is_there_or_the_next(records in records(), unit in 8..40_usize) {
        let mut slots = Slots::open(Recording::new(128, unit));
        let mut returned = vec![0];
        for record in &records {
            slots.commit(record).expect("a commit");
            returned.push(slots.medium().moments().len() - 1);
        }
        let (states, bad) = bad_states(slots.medium(), |bytes, moment| {
            let done = returned.iter().filter(|step| **step <= moment).count() - 1;
            match last_commit(bytes) {
                None => done == 0,
                Some((number, bytes)) => {
                    let number = usize::try_from(number).expect("it is small");
                    (done..=done + 1).contains(&number) && bytes == records[number - 1]
                }
            }
        });
        prop_assert!(states >= slots.medium().moments().len());
        prop_assert!(bad.is_none(), "{bad:?}");
    }

    #[test]
    fn after_a_cut_all_entries_that_returned_are_in_the_log_and_at_most_one_more(records in records(), unit in 8..40_usize) {
        let mut log = Log::open(Recording::new(256, unit));
        let mut returned = vec![0];
        for record in &records {
            log.append(record).expect("an entry");
            returned.push(log.medium().moments().len() - 1);
        }
        let (_, bad) = bad_states(log.medium(), |bytes, moment| {
            let done = returned.iter().filter(|step| **step <= moment).count() - 1;
            let entries = replay(bytes);
            (done..=done + 1).contains(&entries.len()) && entries[..] == records[..entries.len()]
        });
        prop_assert!(bad.is_none(), "{bad:?}");
    }

    #[test]
    fn a_mapped_file_is_such_a_medium(records in records()) {
        let (_directory, mapping) = mapped(4 * page_size());
        let mut slots = Slots::open(mapping);
        for (number, record) in (1..).zip(&records) {
            slots.commit(record).expect("a commit");
            prop_assert_eq!(last_commit(slots.medium()), Some((number, record.clone())));
        }
        let (_directory, mapping) = mapped(page_size());
        let mut log = Log::open(mapping);
        records.iter().for_each(|record| log.append(record).expect("an entry"));
        prop_assert_eq!(replay(log.medium()), records);
    }
}

#[test]
fn what_does_not_fit_is_refused_and_changes_nothing() {
    let mut slots = Slots::open(Recording::new(128, 16));
    slots.commit(b"first").expect("a commit");
    assert_eq!(slots.commit(&[1; 128]).expect_err("too long").raw_os_error(), Some(Errno::EFBIG as i32));
    assert_eq!(last_commit(slots.medium()), Some((1, b"first".to_vec())));
    let mut log = Log::open(Recording::new(64, 16));
    log.append(b"first").expect("an entry");
    assert_eq!(log.append(&[1; 40]).expect_err("too long").raw_os_error(), Some(Errno::EFBIG as i32));
    assert_eq!(replay(log.medium()), [b"first"]);
}

#[test]
fn what_was_left_is_gone_on_with() {
    let mut slots = Slots::open(vec![0; 128]);
    slots.commit(b"first").expect("a commit");
    let mut slots = Slots::open(slots.medium().clone());
    slots.commit(b"second").expect("a commit");
    assert_eq!(last_commit(slots.medium()), Some((2, b"second".to_vec())));
    let mut log = Log::open(vec![0; 128]);
    log.append(b"first").expect("an entry");
    let mut log = Log::open(log.medium().clone());
    log.append(b"second").expect("an entry");
    assert_eq!(replay(log.medium()), [&b"first"[..], b"second"]);
}

/// The same store by one way after the other: munmap(2) aside, only msync(2) with MS_SYNC and fsync(2) leave nothing dirty.
#[test]
fn a_store_is_dirty_until_it_is_synced() {
    let (_directory, path) = file_with(&vec![0; 2 * page_size()]);
    let file = open(&path);
    let mapping = Mapping::of_file(&file, 0, 2 * page_size(), READ_WRITE, Sharing::Shared).expect("a mapping");
    mapping.store(0, b'x');
    file.sync_all().expect("fsync");
    if dirty_pages(&mapping).expect("a number") > 0 {
        return eprintln!("skipped: this file system writes nothing back, so a page stays dirty");
    }
    let dirty_after = |what: &dyn Fn()| {
        mapping.store(0, b'x');
        what();
        dirty_pages(&mapping).expect("a number") > 0
    };
    assert!(dirty_after(&|| ()));
    assert!(!dirty_after(&|| flush(&mapping, 0..1, MsFlags::MS_SYNC).expect("msync")));
    assert!(!dirty_after(&|| file.sync_all().expect("fsync")));
    assert!(!dirty_after(&|| file.sync_data().expect("fdatasync")));
}

#[test]
fn an_empty_range_is_synced_already() {
    let (_directory, mapping) = mapped(page_size());
    assert_eq!(flush(&mapping, 5..5, MsFlags::MS_SYNC), Ok(()));
}

#[test]
fn what_a_killed_process_has_stored_is_in_the_file() {
    let (_directory, path) = file_with(b"o");
    let (ended, byte) = after_a_kill(&open(&path)).expect("an answer");
    assert_eq!((ended.to_string().contains("SIGKILL"), byte), (true, b'k'));
}

#[test]
fn the_demonstration_shows_what_the_lesson_says() {
    for language in Language::ALL {
        insta::assert_snapshot!(format!("demonstration_{}", language.code()), transcript(8, language));
    }
}
