//! Lesson 8: What survives.

mod common;

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt};
use std::process::Command;

use common::{cases, file_with, open, transcript};
use mmap_workbook::grade::{Verdict, calls_of};
use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use mmap_workbook::lesson_8::disk::{Asked, Disk, FILE, OLD, PAGES, SPARE, on_a_disk};
use mmap_workbook::lesson_8::errors::{BYTES, Safe, refused, written_again, written_or_said};
use mmap_workbook::lesson_8::promises::{Answer, Call, NEW, STORED, asked_by, dirty_after};
use mmap_workbook::lesson_8::real::{BEFORE, after_each, on_a_real_disk};
use mmap_workbook::lesson_8::ways::*;
use mmap_workbook::lesson_8::*;
use mmap_workbook::observe::page_size;
use mmap_workbook::process::{Child, DEADLINE};
use mmap_workbook::text::Language;
use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, fallocate};
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::mman::MsFlags;
use nix::sys::statfs::{BTRFS_SUPER_MAGIC, EXT4_SUPER_MAGIC, OVERLAYFS_SUPER_MAGIC, XFS_SUPER_MAGIC, fstatfs};
use nix::unistd::fsync;
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
        let mut slots = Slots::open(Recording::new(128, unit)).expect("it opens");
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
        let mut log = Log::open(Recording::new(256, unit)).expect("it opens");
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
        let mut shadow = Shadow::open(Recording::new(8 * PAGE, unit), PAGE).expect("it opens");
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
        prop_assert_eq!(&pages(Shadow::open(left, PAGE).expect("it opens").medium(), PAGE), &versions[versions.len() - 1]);
    }

    #[test]
    fn a_mapped_file_is_such_a_medium(records in records()) {
        let (_directory, mapping) = mapped(4 * page_size());
        let mut slots = Slots::open(mapping).expect("it opens");
        for (number, record) in (1..).zip(&records) {
            slots.commit(record).expect("a commit");
            prop_assert_eq!(last_commit(slots.medium()), Some((number, record.clone())));
        }
        let (_directory, mapping) = mapped(page_size());
        let mut log = Log::open(mapping).expect("it opens");
        records.iter().for_each(|record| log.append(record).expect("an entry"));
        prop_assert_eq!(replay(log.medium()), records);
    }
}

#[test]
fn what_does_not_fit_is_refused_and_changes_nothing() {
    let mut slots = Slots::open(Recording::new(128, 16)).expect("it opens");
    slots.commit(b"first").expect("a commit");
    assert_eq!(slots.commit(&[1; 128]).expect_err("too long").raw_os_error(), Some(Errno::EFBIG as i32));
    assert_eq!(last_commit(slots.medium()), Some((1, b"first".to_vec())));
    let mut log = Log::open(Recording::new(64, 16)).expect("it opens");
    log.append(b"first").expect("an entry");
    assert_eq!(log.append(&[1; 40]).expect_err("too long").raw_os_error(), Some(Errno::EFBIG as i32));
    assert_eq!(replay(log.medium()), [b"first"]);
}

#[test]
fn what_was_left_is_gone_on_with() {
    let mut slots = Slots::open(vec![0; 128]).expect("it opens");
    slots.commit(b"first").expect("a commit");
    let mut slots = Slots::open(slots.medium().clone()).expect("it opens");
    slots.commit(b"second").expect("a commit");
    assert_eq!(last_commit(slots.medium()), Some((2, b"second".to_vec())));
    let mut log = Log::open(vec![0; 128]).expect("it opens");
    log.append(b"first").expect("an entry");
    let mut log = Log::open(log.medium().clone()).expect("it opens");
    log.append(b"second").expect("an entry");
    assert_eq!(replay(log.medium()), [&b"first"[..], b"second"]);
}

/// One log's entries, and over the first of them that of a log which begins again.
#[test]
fn a_log_that_begins_again_finds_what_is_left_of_the_older_one() {
    let log_of = |entries: &[&[u8]]| {
        let mut log = Log::open(vec![0; 256]).expect("it opens");
        entries.iter().for_each(|entry| log.append(entry).expect("an entry"));
        log.medium().clone()
    };
    let (mut older, newer) = (log_of(&[b"old 1", b"old 2", b"old 3"]), log_of(&[b"new 1"]));
    let end = newer.iter().rposition(|byte| *byte != 0).expect("a byte");
    older.store(0, &newer[..=end]);
    assert_eq!(replay(&older), [b"new 1", b"old 2", b"old 3"]);
    // What follows is the third, and the second is expected.
    let mut log = Log::open(vec![0; 256]).expect("it opens");
    log.append(&[b'n'; 5 + 24 + 5]).expect("an entry");
    older.store(0, &log.medium()[..24 + 5 + 24 + 5]);
    assert_eq!(replay(&older), [[b'n'; 5 + 24 + 5]]);
}

/// The bytes that a medium has now.
fn bytes_of(medium: &impl Medium) -> Vec<u8> {
    let mut bytes = vec![0; medium.length()];
    medium.load(0, &mut bytes);
    bytes
}

/// A process stores all of a commit, or of an entry, and is killed before it syncs. The next process finds it, and goes on.
#[test]
fn what_a_killed_process_has_left_survives_what_is_built_on_it() {
    let mut slots = Slots::open(Recording::new(128, 16)).expect("it opens");
    slots.commit(b"1").expect("a commit");
    slots.medium().returned();
    let mut killed = Slots::open(bytes_of(slots.medium())).expect("it opens");
    killed.commit(b"2").expect("a commit");
    let mut medium = slots.medium().clone();
    medium.store(0, killed.medium());
    let mut slots = Slots::open(medium).expect("it opens");
    assert_eq!(last_commit(slots.medium()), Some((2, b"2".to_vec())));
    slots.medium().returned();
    slots.commit(b"3").expect("a commit");
    slots.medium().returned();
    let tried = bad_states(slots.medium(), |bytes, returned| {
        let found = last_commit(bytes).map_or(0, |(number, _)| usize::try_from(number).expect("it is small"));
        (returned..=returned + 1).contains(&found)
    });
    assert!(tried.bad.is_none(), "{tried:?}");

    let mut log = Log::open(Recording::new(128, 16)).expect("it opens");
    let mut killed = Log::open(bytes_of(log.medium())).expect("it opens");
    killed.append(b"1").expect("an entry");
    let mut medium = log.medium().clone();
    medium.store(0, killed.medium());
    let mut log = Log::open(medium).expect("it opens");
    log.medium().returned();
    log.append(b"2").expect("an entry");
    log.medium().returned();
    let tried = bad_states(log.medium(), |bytes, returned| (returned..=returned + 1).contains(&replay(bytes).len()));
    assert!(tried.bad.is_none(), "{tried:?}");
}

/// A file of the disk that is a process, which refuses one sync.
struct Refusing<'a> {
    disk: &'a Disk,
    mapping: Mapping,
    /// How many syncs come before that one; None when it has been.
    before: Option<usize>,
}

impl<'a> Refusing<'a> {
    fn open(disk: &'a Disk, before: Option<usize>) -> io::Result<Refusing<'a>> {
        let file = File::options().read(true).write(true).open(disk.path(FILE))?;
        let mapping = Mapping::of_file(&file, 0, PAGES * page_size(), READ_WRITE, Sharing::Shared)?;
        Ok(Refusing { disk, mapping, before })
    }

    /// The same, of zeros, which are on the disk.
    fn zeros(disk: &'a Disk, before: usize) -> io::Result<Refusing<'a>> {
        let mut zeros = Refusing::open(disk, None)?;
        zeros.store(0, &vec![0; PAGES * page_size()]);
        zeros.sync(0..PAGES * page_size())?;
        Ok(Refusing { before: Some(before), ..zeros })
    }
}

impl Medium for Refusing<'_> {
    fn length(&self) -> usize {
        Medium::length(&self.mapping)
    }

    fn load(&self, at: usize, into: &mut [u8]) {
        Medium::load(&self.mapping, at, into);
    }

    fn store(&mut self, at: usize, bytes: &[u8]) {
        Medium::store(&mut self.mapping, at, bytes);
    }

    fn sync(&mut self, range: std::ops::Range<usize>) -> io::Result<()> {
        let is_refused = self.before == Some(0);
        self.before = self.before.and_then(|before| before.checked_sub(1));
        self.disk.refuse(FILE, is_refused.then_some(Errno::EIO))?;
        let synced = self.mapping.sync(range);
        self.disk.refuse(FILE, None)?;
        synced
    }
}

#[test]
fn a_range_over_a_page_boundary_is_on_both_sides_of_it() {
    seen(on_a_disk(|disk| {
        let (page, refusing) = (page_size(), Refusing::open(disk, None)?);
        refusing.mapping.write(page - 1, &[NEW; 2]);
        flush(&refusing.mapping, page - 1..page + 1, MsFlags::MS_SYNC)?;
        assert_eq!(disk.bytes(FILE, 2 * page)?[page - 2..], [&[OLD, NEW, NEW][..], &vec![OLD; page - 1]].concat());
        Ok(())
    }));
}

/// A sync fails, and the process ends. The next one finds in the page cache what the disk hasn't got, and what a sync alone would
/// not write.
#[test]
fn what_a_disk_has_refused_is_stored_again_before_anything_is_built_on_it() {
    seen(on_a_disk(|disk| {
        let on_disk = || disk.bytes(FILE, PAGES * page_size());
        let again = || Refusing::open(disk, None);
        let is_refused = |written: io::Result<()>| {
            assert_eq!(written.expect_err("the disk refuses").raw_os_error(), Some(Errno::EIO as i32));
        };

        // More than a page, and from another page on than the entry before.
        let second = vec![2; page_size() + 100];

        let mut slots = Slots::open(Refusing::zeros(disk, 1)?)?;
        slots.commit(b"first")?;
        is_refused(slots.commit(&second));
        again()?.sync(0..PAGES * page_size())?;
        assert_eq!(last_commit(&on_disk()?), Some((1, b"first".to_vec())), "a sync says ok and writes nothing");
        assert_eq!(last_commit(Slots::open(again()?)?.medium()), Some((2, second.clone())));
        assert_eq!(last_commit(&on_disk()?), Some((2, second.clone())));

        let first = vec![1; page_size() - 24 - 8];
        let mut log = Log::open(Refusing::zeros(disk, 1)?)?;
        log.append(&first)?;
        is_refused(log.append(&second));
        assert_eq!(replay(&on_disk()?), [&first[..]]);
        assert_eq!(replay(Log::open(again()?)?.medium()).len(), 2);
        assert_eq!(replay(&on_disk()?), [&first[..], &second]);

        // The pages of the second transaction are written, and its root isn't.
        let page = page_size() / 2;
        let mut shadow = Shadow::open(Refusing::zeros(disk, 3)?, page)?;
        shadow.transaction(&[(0, b"first")])?;
        is_refused(shadow.transaction(&[(0, b"second")]));
        assert!(pages(&on_disk()?, page)[0].starts_with(b"first"));
        assert!(pages(Shadow::open(again()?, page)?.medium(), page)[0].starts_with(b"second"));
        assert!(pages(&on_disk()?, page)[0].starts_with(b"second"));
        Ok(())
    }));
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
    let mut shadow = Shadow::open(Recording::new(8 * PAGE, 16), PAGE).expect("it opens");
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
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("a mode");
    for bytes in [&b"new"[..], b"", &[7; 3 << 12]] {
        replace(&path, bytes).expect("a new file");
        assert_eq!(std::fs::read(&path).expect("the file"), bytes);
        assert_eq!(path.metadata().expect("the file").permissions().mode() & 0o777, 0o640);
    }
    assert_eq!(std::fs::read_dir(directory.path()).expect("a directory").count(), 1);
    let error = replace(&directory.path().join("none"), b"new").expect_err("no file");
    assert_eq!(error.raw_os_error(), Some(Errno::ENOENT as i32));
}

#[test]
fn a_replacement_syncs_the_file_before_the_rename_and_the_directory_after_it() {
    let (_directory, path) = file_with(b"the old bytes");
    let calls = match calls_of(|| Ok(()), |()| replace(&path, b"new").map_err(|error| error.to_string())) {
        Err(failure) if failure.verdict == Verdict::Skipped => return eprintln!("skipped: {failure:?}"),
        calls => calls.expect("calls"),
    };
    let counts =
        |number: i64| [libc::SYS_fsync, libc::SYS_rename, libc::SYS_renameat, libc::SYS_renameat2].contains(&number);
    let order: Vec<_> = calls.iter().map(|call| call.number).filter(|number| counts(*number)).collect();
    assert_eq!(order.iter().map(|number| *number == libc::SYS_fsync).collect::<Vec<_>>(), [true, false, true]);
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
    const NEW: &str = r#"f: "new""#;
    let certain: Vec<_> = left.iter().enumerate().filter(|(_, left)| left.certain).collect();
    let found: Vec<_> = certain.iter().map(|(n, left)| (*n, left.found.as_str())).collect();
    assert_eq!(found, [(6, NEW), (7, NEW), (8, NEW), (10, r#"f: "old" "new""#), (13, NEW)]);
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
fn what_rust_calls_flush_and_what_o_sync_is_for() {
    let (_directory, path) = file_with(&vec![0; page_size()]);
    let file = File::options().read(true).write(true).custom_flags(libc::O_SYNC).open(&path).expect("the file");
    let mapping = Mapping::of_file(&file, 0, page_size(), READ_WRITE, Sharing::Shared).expect("a mapping");
    let map = memmap2::MmapOptions::new().map_raw(&file).expect("a mapping");
    let is_dirty_after = |what: &dyn Fn()| {
        file.sync_all().expect("fsync");
        mapping.store(0, b'x');
        what();
        dirty_pages(&mapping).expect("a number") > 0
    };
    if is_dirty_after(&|| file.sync_all().expect("fsync")) {
        return eprintln!("skipped: this file system writes nothing back, so a page stays dirty");
    }
    assert!(is_dirty_after(&|| ()), "O_SYNC makes no store wait");
    assert!(is_dirty_after(&|| map.flush_async().expect("MS_ASYNC")));
    assert!(is_dirty_after(&|| (&file).flush().expect("nothing at all")));
    assert!(!is_dirty_after(&|| map.flush().expect("MS_SYNC")));
    assert!(!is_dirty_after(&|| file.sync_data().expect("fdatasync")));
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
    if seen(on_a_disk(|_| Ok(()))).is_none() {
        return;
    }
    for (language, transcript) in transcripts {
        insta::assert_snapshot!(format!("demonstration_{}", language.code()), transcript);
    }
}

// The disk that is a process: what it is asked, and what becomes of what it refuses.

/// What was seen; None, and the reason is printed, where this machine has no such disk.
fn seen<T>(ran: io::Result<Result<T, String>>) -> Option<T> {
    ran.expect("the disk works").map_err(|reason| eprintln!("skipped: {reason}")).ok()
}

fn is_sync(asked: &Asked) -> bool {
    [Asked::Fsync, Asked::Fdatasync].contains(asked)
}

#[test]
fn only_a_call_that_promises_something_asks_to_make_it_safe() {
    let Some(logs) = seen(asked_by(&Call::ALL)) else { return };
    for (call, log) in Call::ALL.into_iter().zip(logs) {
        let sync = log.iter().position(is_sync);
        match call {
            // What is asked, and when, is the kernel's business: one page may bring others with it.
            Call::MsyncOther => {}
            Call::Msync | Call::Fdatasync | Call::Fsync => {
                let before = &log[..sync.unwrap_or_else(|| panic!("{call:?}: {log:?}"))];
                for page in STORED {
                    let at = (page * page_size()) as u64;
                    let holds = |asked: &Asked| matches!(asked, Asked::Write { at: from, length } if (*from..from + length).contains(&at));
                    assert!(before.iter().any(holds), "{call:?}: {log:?}");
                }
                assert_eq!(log.contains(&Asked::Fsync), call == Call::Fsync, "{call:?}: {log:?}");
            }
            _ => assert_eq!(sync, None, "{call:?}: {log:?}"),
        }
    }
}

/// Now and then the kernel may write back just then; so one of some tries is enough.
#[test]
fn nothing_is_asked_where_nothing_was_promised() {
    let calls = [Call::Nothing, Call::MsyncAsync, Call::MsyncInvalidate];
    for call in calls {
        let Some(logs) = seen(asked_by(&[call; 5])) else { return };
        assert!(logs.contains(&Vec::new()), "{call:?}: {logs:?}");
    }
}

#[test]
fn a_page_is_dirty_until_a_promise_is_kept() {
    let (_directory, path) = file_with(&vec![OLD; PAGES * page_size()]);
    let file = open(&path);
    // On tmpfs a page is always dirty; FUSE, NFS and others write in close(2).
    let disks = [BTRFS_SUPER_MAGIC, EXT4_SUPER_MAGIC, OVERLAYFS_SUPER_MAGIC, XFS_SUPER_MAGIC];
    let kind = fstatfs(&file).expect("the file system").filesystem_type();
    if !disks.contains(&kind) {
        return eprintln!("skipped: {kind:?} may write at other times, or never");
    }
    for call in Call::ALL {
        let dirty = || dirty_after(call, &file).expect("a number");
        match call {
            Call::Msync | Call::Fdatasync | Call::Fsync | Call::SyncFileRange => assert_eq!(dirty(), 0, "{call:?}"),
            Call::MsyncOther => {}
            // The kernel may have written just then, but not each time.
            _ => assert!((0..5).any(|_| dirty() > 0), "{call:?}"),
        }
    }
}

#[test]
fn an_error_is_told_once_for_each_descriptor_and_the_bytes_are_lost() {
    for errno in [Errno::EIO, Errno::ENOSPC] {
        for calls in [
            [Call::Msync, Call::Msync],
            [Call::Msync, Call::Fsync],
            [Call::Fdatasync, Call::Fsync],
            [Call::Fsync, Call::Msync],
        ] {
            let Some(seen) = seen(refused(errno, &calls)) else { return };
            let once = [errno.into(), Answer::OK];
            assert_eq!(seen.answers, once, "{calls:?}");
            assert_eq!(seen.opened_before, once, "{calls:?}");
            assert_eq!([seen.loaded, seen.on_disk], [NEW, OLD], "{calls:?}");
            // It may not be evicted, but then it is new.
            assert!([None, Some(OLD)].contains(&seen.loaded_again), "{calls:?}: {seen:?}");
        }
    }
}

#[test]
fn munmap_tells_of_no_error_and_a_descriptor_is_told_later() {
    for errno in [Errno::EIO, Errno::ENOSPC] {
        let Some(seen) = seen(refused(errno, &[Call::Munmap, Call::Close])) else { return };
        assert_eq!(seen.answers[0], Answer::OK);
        // Not every kernel's close(2) is told.
        assert!([Answer::OK, errno.into()].contains(&seen.answers[1]), "{seen:?}");
        assert_eq!(seen.opened_before, [errno.into(), Answer::OK]);
        assert_eq!(seen.on_disk, OLD);
    }
}

#[test]
fn msync_until_it_succeeds_loses_the_bytes() {
    for errno in [Errno::EIO, Errno::ENOSPC] {
        let Some(written) = seen(written_again(errno)) else { return };
        assert_eq!(written.returned, Ok(1));
        assert_eq!(written.file, [OLD; BYTES.len()]);
    }
}

#[test]
fn bytes_are_safe_where_write_or_say_says_and_nowhere_if_it_says_so() {
    for errno in [Errno::EIO, Errno::ENOSPC] {
        let on = |refusing| seen(written_or_said(errno, refusing));
        let Some(there) = on(&[]) else { return };
        assert_eq!((there.returned, &there.file[..]), (Ok(Safe::There), BYTES));
        let other = on(&[FILE]).expect("a disk");
        assert_eq!((other.returned, &other.spare[..]), (Ok(Safe::Elsewhere(errno.into())), BYTES));
        let nowhere = on(&[FILE, SPARE]).expect("a disk");
        assert_eq!(nowhere.returned, Err(errno.into()));
        assert_ne!(nowhere.spare, BYTES);
        // Nothing is written elsewhere as long as all is well.
        let spare = on(&[SPARE]).expect("a disk");
        assert_eq!((spare.returned, spare.spare), (Ok(Safe::There), Vec::new()));
    }
}

#[test]
fn the_disk_has_two_files_like_any_other() {
    seen(on_a_disk(|disk| {
        let (file, spare) = (disk.path(FILE), disk.path(SPARE));
        assert_eq!(fs::read(&file)?, vec![OLD; PAGES * page_size()]);
        assert_eq!(fs::read(&spare)?, b"");
        assert_eq!(File::open(disk.path("other")).expect_err("no such file").kind(), io::ErrorKind::NotFound);

        let mut spare = File::options().read(true).write(true).open(&spare)?;
        let bytes: Vec<u8> = (0..251).cycle().take(300 * page_size() + 7).collect();
        spare.write_all(&bytes)?;
        spare.sync_all()?;
        assert_eq!(disk.bytes(SPARE, 1000)?, bytes[..1000]);
        spare.set_len(5)?;
        assert_eq!(disk.bytes(SPARE, 1000)?, bytes[..5]);
        assert!(disk.take_log()?.contains(&Asked::Resize(5)));
        assert_eq!(disk.take_log()?, []);
        assert_eq!(fs::read(disk.path(SPARE))?, bytes[..5]);

        // What is written to one of them is not in the other; only one of them refuses.
        disk.refuse(SPARE, Some(Errno::ENOSPC))?;
        spare.write_all_at(b"spare", 0)?;
        assert_eq!(spare.sync_all().expect_err("refused").raw_os_error(), Some(Errno::ENOSPC as i32));
        let file = File::options().write(true).open(&file)?;
        file.write_all_at(b"file", 2)?;
        file.sync_all()?;
        assert_eq!(disk.bytes(FILE, 7)?, b"oofileo");
        assert_eq!(disk.bytes(SPARE, 7)?, bytes[..5]);
        disk.refuse(SPARE, None)?;
        spare.write_all_at(b"spare", 0)?;
        spare.sync_all()?;
        assert_eq!(disk.bytes(SPARE, 7)?, b"spare");
        Ok(())
    }));
}

/// The same on ext4: its image has lost the blocks of the file, and the file system that the image is on is full.
#[test]
fn ext4_without_space_below_tells_of_it_once_for_each_descriptor() {
    if std::env::var_os("LABORATORY").is_none() {
        return eprintln!("skipped: ext4 on a loop device needs LABORATORY=1, and root");
    }
    seen(on_a_real_disk(
        |place, _| {
            let (path, at) = (place.join("without journal"), place.join("at"));
            let image = File::options().read(true).write(true).create_new(true).open(&path)?;
            image.set_len(16 << 20)?;
            let run = |command: &mut Command| match command.status()?.success() {
                true => Ok(()),
                false => Err(io::Error::other(format!("{command:?}"))),
            };
            // With blocks of a page: only a whole page of the image leaves a hole.
            let block = page_size().to_string();
            run(Command::new("mkfs.ext4").args(["-q", "-O", "^has_journal", "-b", &block]).arg(&path))?;
            fs::create_dir(&at)?;
            run(Command::new("mount").args(["-o", "loop"]).args([&path, &at]))?;

            let bytes: Vec<u8> = (1..=251).cycle().take(page_size()).collect();
            fs::write(at.join("f"), &bytes)?;
            let before = open(&at.join("f"));
            before.sync_all()?;
            let whole = fs::read(&path)?;
            let block =
                (0..whole.len()).step_by(page_size()).find(|at| whole[*at..].starts_with(&bytes)).expect("the bytes");
            let hole = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
            let number = |n: usize| i64::try_from(n).expect("it is small");
            fallocate(&image, hole, number(block), number(page_size()))?;
            let full = File::create(place.join("filler"))?;
            while (&full).write_all(&vec![b'f'; page_size()]).is_ok() {}

            let file = open(&at.join("f"));
            let mapping = Mapping::of_file(&file, 0, page_size(), READ_WRITE, Sharing::Shared)?;
            mapping.store(0, NEW);
            let msync = |flags| flush(&mapping, 0..1, flags);
            assert_eq!(msync(MsFlags::MS_ASYNC), Ok(()));
            let refused = msync(MsFlags::MS_SYNC).expect_err("there is no space");
            assert!([Errno::ENOSPC, Errno::EIO].contains(&refused), "{refused}");
            assert_eq!(msync(MsFlags::MS_SYNC), Ok(()));
            assert_eq!(fsync(&file), Ok(()));
            assert_eq!(mapping.load(0), NEW, "the page cache has it");
            assert_eq!([fsync(&before), fsync(&before)], [Err(refused), Ok(())]);
            assert_eq!(fs::read(&path)?[block..block + page_size()], vec![0; page_size()], "the image hasn't");
            Ok(())
        },
        |_| Ok(()),
    ));
}

/// A mapping of the disk's file, with a store to it that the disk doesn't have.
fn stored(disk: &Disk) -> io::Result<Mapping> {
    let file = File::options().read(true).write(true).open(disk.path(FILE))?;
    let mapping = Mapping::of_file(&file, 0, 1, READ_WRITE, Sharing::Shared)?;
    mapping.store(0, NEW);
    Ok(mapping)
}

#[test]
fn nobody_waits_for_a_disk_that_is_gone() {
    seen(on_a_disk(|disk| {
        let mapping = stored(disk)?;
        disk.pull_out()?;
        assert!(flush(&mapping, 0..1, MsFlags::MS_SYNC).is_err());
        assert!(File::open(disk.path(SPARE)).is_err());
        assert!(disk.take_log().is_err());
        Ok(())
    }));
}

#[test]
fn what_goes_wrong_on_a_disk_is_told() {
    let failed = on_a_disk(|disk| {
        let _mapping = stored(disk)?;
        Err::<(), _>(io::Error::other("as it was meant to"))
    });
    match failed {
        Ok(Err(reason)) => eprintln!("skipped: {reason}"),
        failed => assert!(failed.expect_err("an error").to_string().contains("as it was meant to")),
    }
}

#[test]
fn a_kill_leaves_no_process_of_a_disk() {
    // Each process that is forked has a copy of the writing end.
    let (reader, writer) = io::pipe().expect("a pipe");
    let (child, peer) = Child::fork(|peer| {
        let ran = on_a_disk(|disk| {
            let _mapping = stored(disk)?;
            peer.send(b"stored")?;
            peer.receive().map(drop)
        })?;
        ran.or_else(|reason| peer.send(reason.as_bytes()))
    })
    .expect("a child");
    let said = peer.receive().expect("a message");
    if said == b"stored" {
        child.kill().expect("its end");
    } else {
        eprintln!("skipped: {}", String::from_utf8_lossy(&said));
    }
    drop(writer);
    let deadline = PollTimeout::try_from(DEADLINE).expect("it is short");
    let mut ends = [PollFd::new(reader.as_fd(), PollFlags::empty())];
    assert_eq!(poll(&mut ends, deadline), Ok(1), "a process is left");
}
