//! Lesson 8: What survives.

mod common;
#[path = "lesson_8/disk.rs"]
mod disk;

use common::{cases, file_with, open, transcript};
use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use mmap_workbook::lesson_8::real::{BEFORE, after_each, on_a_real_disk};
use mmap_workbook::lesson_8::ways::*;
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

/// The size of the pages that are changed together.
const PAGE: usize = 40;

/// Transactions: some of three pages, each with bytes.
fn changes() -> impl Strategy<Value = Vec<Vec<(usize, Vec<u8>)>>> {
    let page = (0..3_usize, prop::collection::vec(any::<u8>(), 0..=PAGE));
    prop::collection::vec(prop::collection::vec(page, 0..4), 0..4)
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
        for record in &records {
            slots.commit(record).expect("a commit");
            slots.medium().returned();
        }
        let tried = bad_states(slots.medium(), |bytes, returned| match last_commit(bytes) {
            None => returned == 0,
            Some((number, bytes)) => {
                let number = usize::try_from(number).expect("it is small");
                (returned..=returned + 1).contains(&number) && bytes == records[number - 1]
            }
        });
        prop_assert!(tried.states >= slots.medium().moments().len());
        prop_assert!(tried.bad.is_none(), "{tried:?}");
    }

    #[test]
    fn after_a_cut_all_entries_that_returned_are_in_the_log_and_at_most_one_more(records in records(), unit in 8..40_usize) {
        let mut log = Log::open(Recording::new(256, unit));
        for record in &records {
            log.append(record).expect("an entry");
            log.medium().returned();
        }
        let tried = bad_states(log.medium(), |bytes, returned| {
            let entries = replay(bytes);
            (returned..=returned + 1).contains(&entries.len()) && entries[..] == records[..entries.len()]
        });
        prop_assert!(tried.bad.is_none(), "{tried:?}");
    }

    #[test]
    fn after_a_cut_all_pages_of_a_transaction_are_the_new_ones_or_none(changes in changes(), unit in 8..40_usize) {
        let mut shadow = Shadow::open(Recording::new(8 * PAGE, unit), PAGE);
        let mut versions = vec![pages(shadow.medium(), PAGE)];
        for change in &changes {
            let change: Vec<_> = change.iter().map(|(page, bytes)| (*page, &bytes[..])).collect();
            shadow.transaction(&change).expect("a transaction");
            shadow.medium().returned();
            versions.push(pages(shadow.medium(), PAGE));
        }
        for (change, after) in changes.iter().zip(&versions[1..]) {
            let of_page = |page: usize| change.iter().rev().find(|(changed, _)| *changed == page);
            for (page, bytes) in after.iter().enumerate().filter_map(|(page, bytes)| Some((&of_page(page)?.1, bytes))) {
                prop_assert_eq!(&bytes[..page.len()], &page[..]);
                prop_assert!(bytes[page.len()..].iter().all(|byte| *byte == 0));
            }
        }
        let tried = bad_states(shadow.medium(), |bytes, returned| {
            let found = pages(bytes, PAGE);
            versions.iter().skip(returned).take(2).any(|version| *version == found)
        });
        prop_assert!(tried.bad.is_none(), "{tried:?}");
        // It goes on with what was left.
        let left = shadow.medium().clone();
        prop_assert_eq!(&pages(Shadow::open(left, PAGE).medium(), PAGE), &versions[versions.len() - 1]);
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

#[test]
fn the_first_three_ways_are_sound_and_each_of_the_others_is_not() {
    for (n, way) in WAYS.iter().enumerate() {
        let tried = way.tried().expect("a recording");
        assert_eq!(tried.bad.is_none(), n < 3, "{}: {tried:?}", way.name.in_language(Language::English));
    }
    for tried in [tried_log(), tried_shadow()] {
        assert!(tried.expect("a recording").bad.is_none());
    }
}

#[test]
fn a_bad_state_is_told_in_words() {
    let words = |name: &str| {
        let way = WAYS.into_iter().find(|way| way.name.in_language(Language::English) == name).expect("a way");
        let (_, state) = way.tried().expect("a recording").bad.expect("a bad state");
        in_words(&state).in_language(Language::English).to_owned()
    };
    assert_eq!(words("one msync, no checksum"), "bytes 128 to 144 had arrived, bytes 144 to 192 had not");
    assert_eq!(words("header, msync, data, msync"), "all had arrived, bytes 128 to 160");
    assert_eq!(words("file, fsync, rename"), "nothing had arrived of the name new, the name record");
}

#[test]
fn a_page_that_is_not_there_is_refused_and_changes_nothing() {
    let mut shadow = Shadow::open(Recording::new(8 * PAGE, 16), PAGE);
    shadow.transaction(&[(0, b"first")]).expect("a transaction");
    let before = pages(shadow.medium(), PAGE);
    let too_long = [1; PAGE + 1];
    for changes in [[(0, &b"second"[..]), (3, b"")], [(1, b""), (0, &too_long[..])]] {
        let error = shadow.transaction(&changes).expect_err("no such page");
        assert_eq!(error.raw_os_error(), Some(Errno::EINVAL as i32));
        assert_eq!(pages(shadow.medium(), PAGE), before);
    }
}

#[test]
fn a_replaced_file_has_the_new_bytes_and_nothing_else_is_left() {
    let (directory, path) = file_with(b"the old bytes");
    for bytes in [&b"new"[..], b"", &[7; 3 << 12]] {
        replace(&path, bytes).expect("a new file");
        assert_eq!(std::fs::read(&path).expect("the file"), bytes);
    }
    assert_eq!(std::fs::read_dir(directory.path()).expect("a directory").count(), 1);
    let error = replace(&directory.path().join("none"), b"new").expect_err("no file");
    assert_eq!(error.raw_os_error(), Some(Errno::ENOENT as i32));
}

#[test]
fn each_sound_way_syncs_once_or_twice_a_commit() {
    let directory = tempfile::tempdir().expect("a directory");
    let costs = costs(directory.path()).expect("costs");
    assert_eq!(costs.iter().map(|costs| costs.syncs).collect::<Vec<_>>(), [1, 1, 2, 2]);
    // What a sync waits for has been written by then: at least the page.
    let page = u64::try_from(page_size()).expect("it is small");
    let written = costs.iter().filter_map(|costs| costs.written);
    assert!(written.clone().all(|bytes| bytes >= page), "{costs:?}");
    assert_eq!(std::fs::read_dir(directory.path()).expect("a directory").count(), 0);
}

#[test]
fn what_is_left_on_a_real_disk_is_one_of_the_crash_states() {
    let left = match after_each().expect("a child") {
        Ok(left) => left,
        Err(reason) => return eprintln!("skipped: {reason}"),
    };
    for (before, left) in BEFORE.iter().zip(&left) {
        assert!(left.listed, "{}: {left:?}", before.name.in_language(Language::English));
    }
    let certain: Vec<_> = left.iter().enumerate().filter(|(_, left)| left.certain).collect();
    let found: Vec<_> = certain.iter().map(|(n, left)| (*n, left.found.as_str())).collect();
    assert_eq!(found, [(6, "f: new"), (7, "f: new"), (8, "f: new"), (10, "f: old new"), (13, "f: new")]);
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
    let transcripts = Language::ALL.map(|language| (language, transcript(8, language)));
    if let Err(reason) = on_a_real_disk(|_, _| Ok(()), |_| Ok(())).expect("a child") {
        return eprintln!("not compared, since one is of a real disk: {reason}");
    }
    for (language, transcript) in transcripts {
        insta::assert_snapshot!(format!("demonstration_{}", language.code()), transcript);
    }
}
