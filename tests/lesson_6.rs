//! Lesson 6: The bus error.

mod common;

/// Counts, for the tests of what is allocated.
#[global_allocator]
static ALLOCATOR: mmap_workbook::grade::Counting = mmap_workbook::grade::Counting;

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::{FileExt, FileTypeExt};

use common::{cases, file_with, has_small_disks, open, transcript};
use mmap_workbook::grade::fixtures::{near_page_boundaries, pattern};
use mmap_workbook::grade::{allocator_calls, allocator_calls_of_children, most_allocated};
use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use mmap_workbook::lesson_6::*;
use mmap_workbook::narrate::Narrator;
use mmap_workbook::observe::{page_size, page_size_u64};
use mmap_workbook::process::{Cause, Child, Ended, OnSmallDisk, end_of, on_a_small_disk};
use mmap_workbook::text::Language;
use nix::errno::Errno;
use nix::fcntl::posix_fallocate;
use nix::libc;
use nix::sys::mman::ProtFlags;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{SigHandler, SigSet, Signal, signal};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use proptest::prelude::*;

fn access_kind() -> impl Strategy<Value = AccessKind> {
    prop_oneof![Just(AccessKind::Load), Just(AccessKind::Store)]
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn an_access_faults_exactly_when_the_rule_says_and_as_it_says(
        size in near_page_boundaries(), first_page in 0..3_u64, length in near_page_boundaries(),
        at in near_page_boundaries(), kind in access_kind()
    ) {
        let (length, offset) = (length.max(1), first_page * page_size_u64());
        let file = tempfile::tempfile()?;
        file.set_len(size as u64)?;
        let report = access_in_child(&file, offset, length, at, kind)?;
        let cause = report.ended.cause();
        prop_assert_eq!(cause, rule(size as u64, offset, length, at), "{}", &report);
        match cause {
            None => prop_assert_eq!(report.ended, Ended::Exited(0)),
            Some(_) => prop_assert_eq!(report.offset, Some(at.cast_signed())),
        }
    }
}

/// The cases of the lesson, by hand, so that the rule is not only tested by itself.
#[test]
fn the_rule_says_what_the_lesson_says() {
    let page = page_size();
    let (sigbus, sigsegv) = (Some(Cause::NoPage), Some(Cause::NotMapped));
    for (size, first_page, length, at, expected) in [
        (0, 0, page, 0, sigbus),
        (1, 0, page, 0, None),
        (1, 0, page, page - 1, None),
        (10, 0, 3 * page, page, sigbus),
        (10, 0, 3 * page, 3 * page - 1, sigbus),
        (10, 0, 3 * page, 3 * page, sigsegv),
        (10, 0, 1, page - 1, None),
        (10, 0, 1, page, sigsegv),
        (2 * page, 1, page, page - 1, None),
        (2 * page, 1, 2 * page, page, sigbus),
        (2 * page + 1, 1, 2 * page, page, None),
        (page, 1, page, 0, sigbus),
    ] {
        let offset = first_page * page_size_u64();
        assert_eq!(rule(size as u64, offset, length, at), expected, "{size} {first_page} {length} {at}");
    }
}

fn assert_bus_error(report: &AccessReport, page: usize) {
    assert_eq!(report.ended.cause(), Some(Cause::NoPage), "{report}");
    assert_eq!(report.offset, Some((page * page_size()).cast_signed()), "{report}");
}

#[test]
fn an_empty_file_kills_at_its_first_byte() {
    let directory = tempfile::tempdir().expect("a directory");
    let report = empty_file(directory.path()).expect("a child");
    assert_bus_error(&report, 0);
    assert_eq!(report.to_string(), "killed by SIGBUS/BUS_ADRERR at page 0 + 0 bytes");
}

#[test]
fn a_file_truncated_under_a_mapping_kills_at_the_page_that_went() {
    let directory = tempfile::tempdir().expect("a directory");
    for sharing in [Sharing::Shared, Sharing::Private] {
        assert_bus_error(&truncated_while_mapped(directory.path(), sharing).expect("children"), 1);
    }
    let report = truncated_under_memmap2(directory.path()).expect("a child");
    assert_bus_error(&report, 1);
    assert_eq!(report.to_string(), "killed by SIGBUS/BUS_ADRERR at page 1 + 0 bytes");
}

#[test]
fn a_full_disk_kills_the_store_and_is_an_error_for_calls() {
    match full_disk().expect("a child") {
        Err(reason) => eprintln!("skipped: {reason}"),
        Ok(full) => {
            assert_eq!((full.reserve, full.write), (Err(Errno::ENOSPC), Err(Errno::ENOSPC)));
            let page = full.stores.offset.expect("a fault").cast_unsigned() / page_size();
            assert!((1..=full.disk_pages).contains(&page), "{}", full.stores);
            assert_bus_error(&full.stores, page);
        }
    }
}

#[test]
fn ignoring_or_blocking_sigbus_does_not_help() {
    let directory = tempfile::tempdir().expect("a directory");
    let ended = ignored_and_blocked(directory.path()).expect("children");
    assert_eq!(ended, [Ended::Killed(Signal::SIGBUS), Ended::Killed(Signal::SIGBUS)]);
}

#[test]
fn a_bus_error_is_no_panic() {
    let empty = tempfile::tempfile().expect("a file");
    let mapping = Mapping::of_file(&empty, 0, 1, READ_WRITE, Sharing::Shared).expect("mapped");
    let ended = end_of(|| drop(std::panic::catch_unwind(|| mapping.load(0))));
    assert_eq!(ended.expect("a child").cause(), Some(Cause::NoPage));
}

#[test]
fn the_rest_of_the_last_page_is_zero_and_stores_to_it_stay_out_of_the_file() {
    let directory = tempfile::tempdir().expect("a directory");
    assert_eq!(rest_of_the_last_page(directory.path()).expect("mapped"), (0, b"0123456789".to_vec()));
}

#[test]
fn the_kernel_returns_efault_where_an_access_would_kill() {
    let directory = tempfile::tempdir().expect("a directory");
    let answers = read_and_write_there(directory.path()).expect("mapped");
    assert_eq!(answers, [Err(Errno::EFAULT), Err(Errno::EFAULT)]);
}

#[test]
fn a_length_of_0_is_refused() {
    let empty = tempfile::tempfile().expect("a file");
    assert_eq!(length_of_an_empty_file(&empty), Err(Errno::EINVAL));
    assert_eq!(empty_file_with_memmap2(&empty).expect("a slice"), 0);
    let (_directory, path) = file_with(b"0123456789");
    assert_eq!(empty_file_with_memmap2(&open(&path)).expect("a slice"), 10, "it asks for the size");
}

#[test]
fn what_is_there_is_mapped_and_an_empty_file_is_refused() {
    let (_directory, path) = file_with(b"0123456789");
    let mapping = map_what_is_there(&open(&path)).expect("mapped");
    assert_eq!((mapping.length(), mapping.load(9)), (10, b'9'));
    let (_directory, empty) = file_with(b"");
    let error = map_what_is_there(&open(&empty)).expect_err("refused");
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
}

#[test]
fn a_file_gets_its_size_and_keeps_its_bytes() {
    let two_pages = 2 * page_size();
    for map in [map_with_size, map_reserved] {
        for content in [&b""[..], b"0123456789", &vec![b'x'; 3 * page_size()]] {
            let (_directory, path) = file_with(content);
            let mapping = map(&open(&path), two_pages).expect("mapped");
            assert_eq!(mapping.length(), two_pages);
            mapping.store(two_pages - 1, b'!');
            let mut expected = content.to_vec();
            expected.resize(content.len().max(two_pages), 0);
            expected[two_pages - 1] = b'!';
            assert!(std::fs::read(&path).expect("the file") == expected, "{} bytes", content.len());
        }
    }
}

#[test]
fn reserved_blocks_are_there_and_a_size_alone_has_none() {
    use std::os::unix::fs::MetadataExt;
    let blocks = |map: fn(&File, usize) -> io::Result<_>| {
        let file = tempfile::tempfile().expect("a file");
        let mapping = map(&file, 64 * page_size()).expect("mapped");
        let blocks = file.metadata().expect("the file").blocks();
        drop(mapping);
        blocks * 512
    };
    assert!(blocks(map_reserved) >= 64 * page_size_u64());
    assert!(blocks(map_with_size) < 64 * page_size_u64());
}

#[test]
fn a_sealed_file_cannot_shrink() {
    let file = sealed(b"kept").expect("a memory file");
    let refused = |result: io::Result<()>| {
        assert_eq!(result.expect_err("refused").raw_os_error(), Some(Errno::EPERM as i32));
    };
    refused(file.set_len(3));
    refused(file.set_len(0));
    refused(File::create(format!("/proc/self/fd/{}", file.as_raw_fd())).map(drop));
    let mapping = map_what_is_there(&file).expect("mapped");
    assert_eq!((mapping.length(), mapping.load(3)), (4, b't'));
    file.set_len(5).expect("it may grow");
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn a_guarded_access_succeeds_or_names_the_first_missing_page(
        size in near_page_boundaries(), first_page in 0..2_usize, at in near_page_boundaries(),
        count in near_page_boundaries()
    ) {
        let page = page_size();
        let (offset, length) = ((first_page * page) as u64, 3 * page);
        let file = tempfile::tempfile()?;
        let content = pattern(size);
        file.write_all_at(&content, 0)?;
        let guarded = Guarded::new(file.try_clone()?, offset, length).map_err(io::Error::from)?;
        let missing = (at..at + count).find(|&at| rule(size as u64, offset, length, at) == Some(Cause::NoPage));
        let expected = if at + count > length {
            Err(GuardError::Outside)
        } else {
            missing.map_or(Ok(()), |at| Err(GuardError::NoPage {
                page: at / page,
                offset: offset + at as u64,
                file_size: size as u64,
            }))
        };
        let mut read = vec![0xff; count];
        prop_assert_eq!(guarded.read(at, &mut read), expected);
        let have = if expected == Err(GuardError::Outside) { 0 } else { missing.map_or(count, |missing| missing - at) };
        // What the file has, then zeros up to the end of its last page.
        let shown = |n: usize| content.get(first_page * page + at + n).copied().unwrap_or(0);
        prop_assert!(read[..have].iter().enumerate().all(|(n, &byte)| byte == shown(n)));
        prop_assert!(read[have..].iter().all(|&byte| byte == 0xff), "the rest does not change");

        prop_assert_eq!(guarded.write(at, &vec![b'!'; count]), expected);
        let mut after = vec![0; size];
        file.read_exact_at(&mut after, 0)?;
        let first = first_page * page + at;
        let expected = |n: usize| if n >= first && n < first + have { b'!' } else { content[n] };
        prop_assert!((0..size).all(|n| after[n] == expected(n)));
        prop_assert_eq!(file.metadata()?.len(), size as u64);
    }
}

#[test]
fn a_guarded_mapping_survives_a_truncation_and_works_again_when_the_file_grows() {
    let (_directory, path) = file_with(&vec![b'x'; 2 * page_size()]);
    let file = open(&path);
    let guarded = Guarded::new(open(&path), 0, 2 * page_size()).expect("mapped");
    let mut bytes = [0; 2];
    assert_eq!(guarded.read(page_size() - 1, &mut bytes), Ok(()));
    assert_eq!(&bytes, b"xx");
    file.set_len(1).expect("shorter");
    let error = guarded.read(page_size() - 1, &mut bytes).expect_err("the second page is missing");
    assert_eq!(error, GuardError::NoPage { page: 1, offset: page_size_u64(), file_size: 1 });
    let text = format!("page 1 of the mapping is missing (byte {} of the file, which has 1 bytes now)", page_size());
    assert_eq!(error.to_string(), text);
    assert_eq!(guarded.write(page_size(), b"y"), Err(error));
    file.set_len(2 * page_size_u64()).expect("longer");
    assert_eq!(guarded.write(page_size(), b"y"), Ok(()));
    assert_eq!(guarded.read(page_size(), &mut bytes), Ok(()));
    assert_eq!(&bytes, b"y\0");
}

#[test]
fn a_guarded_mapping_of_a_file_open_for_reading_refuses_writes() {
    let (_directory, path) = file_with(b"x");
    let guarded = Guarded::new(File::open(&path).expect("the file"), 0, 1).expect("mapped");
    assert_eq!(guarded.write(0, b"y"), Err(GuardError::ReadOnly));
    let mut byte = [0];
    assert_eq!(guarded.read(0, &mut byte), Ok(()));
    assert_eq!(&byte, b"x");
    assert_eq!(guarded.read(page_size(), &mut []), Ok(()), "no bytes, right past the mapping");
    assert_eq!(guarded.read(page_size() + 1, &mut []), Err(GuardError::Outside));
    assert_eq!(Guarded::new(open(&path), 0, 0).err(), Some(Errno::EINVAL));
}

#[test]
fn a_guarded_write_to_a_full_disk_is_an_error_and_what_fitted_is_there() {
    let pages = 16;
    let mut said = Vec::new();
    let ran = on_a_small_disk(
        pages * page_size_u64(),
        |disk, peer| {
            let file = tempfile::tempfile_in(disk)?;
            file.set_len(4 * pages * page_size_u64())?;
            let length = usize::try_from(4 * pages).expect("small") * page_size();
            let guarded = Guarded::new(file, 0, length)?;
            let error = guarded.write(0, &vec![b'w'; length]).expect_err("a full disk");
            let GuardError::NoPage { page, offset, file_size } = error else { panic!("{error}") };
            assert!((1..=pages).contains(&(page as u64)), "{error}");
            assert_eq!((offset, file_size), (page as u64 * page_size_u64(), 4 * pages * page_size_u64()));
            let mut written = vec![0; page * page_size()];
            guarded.read(0, &mut written).expect("what fitted");
            assert!(written.iter().all(|&byte| byte == b'w'));
            peer.send(b"held")
        },
        |peer| {
            said = peer.receive()?;
            Ok(())
        },
    );
    match ran.expect("a child") {
        OnSmallDisk::Skipped(reason) => eprintln!("skipped: {reason}"),
        OnSmallDisk::Ran(ended) => assert_eq!((ended, said.as_slice()), (Ended::Exited(0), &b"held"[..])),
    }
}

#[test]
fn read_into_a_read_only_mapping_is_efault_too() {
    let (_directory, path) = file_with(b"x");
    let file = open(&path);
    let mapping = Mapping::of_file(&file, 0, 1, ProtFlags::PROT_READ, Sharing::Shared).expect("mapped");
    let there = std::ptr::with_exposed_provenance_mut(mapping.address());
    // SAFETY: the buffer is in our mapping, to which nothing else in this process refers.
    let read = unsafe { libc::pread(file.as_raw_fd(), there, 1, 0) };
    assert_eq!(Errno::result(read), Err(Errno::EFAULT));
}

#[test]
fn a_guarded_access_says_which_call_failed_and_leaves_no_descriptor_open() {
    let (_directory, path) = file_with(b"x");
    let guarded = Guarded::new(open(&path), 0, 1).expect("mapped");
    let open_files = || std::fs::read_dir("/proc/self/fd").expect("the descriptors").count();
    let before = open_files();
    for _ in 0..10 {
        assert_eq!(guarded.write(0, b"y"), Ok(()));
        assert_eq!(guarded.read(0, &mut [0]), Ok(()));
    }
    assert_eq!(open_files(), before);
    let ended = end_of(|| {
        let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).expect("the limit");
        setrlimit(Resource::RLIMIT_NOFILE, 0, most).expect("a lower limit");
        assert_eq!(guarded.read(0, &mut [0]), Err(GuardError::Call(Errno::EMFILE)));
    });
    assert_eq!(ended.expect("a child"), Ended::Exited(0));
}

#[test]
fn a_guarded_reader_and_writer_outlives_a_truncater_at_full_speed() {
    let (_directory, path) = file_with(b"");
    let file = open(&path);
    let guarded = Guarded::new(open(&path), 0, 2 * page_size()).expect("mapped");
    let (truncater, peer) = Child::fork(|peer| {
        peer.give_turn()?;
        loop {
            file.write_all_at(&vec![b'x'; 2 * page_size()], 0)?;
            file.set_len(0)?;
        }
    })
    .expect("a child");
    peer.await_turn().expect("it began");
    let (mut had, mut missed) = (0, 0);
    // Until both have happened often enough, or a deadline passes on a machine where only one happens.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while (had < 100 || missed < 100) && std::time::Instant::now() < deadline {
        let mut bytes = [0; 16];
        match guarded.read(page_size() - 8, &mut bytes).and_then(|()| guarded.write(page_size() + 8, b"y")) {
            Ok(()) => {
                had += 1;
                assert!(bytes.iter().all(|byte| b"x\0y".contains(byte)), "{bytes:?}");
            }
            Err(GuardError::NoPage { page: 0 | 1, file_size, .. }) => {
                missed += 1;
                assert!(file_size <= 2 * page_size_u64());
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(truncater.kill().expect("it ends"), Ended::Killed(Signal::SIGKILL));
    assert!(had >= 100 && missed >= 100, "had: {had}, missed: {missed}");
}

#[test]
fn a_store_past_the_end_is_seen_by_other_mappings_and_by_no_read() {
    let (_directory, path) = file_with(b"0123456789");
    let map = || map_what_is_there(&open(&path)).expect("mapped");
    let (mine, another) = (map(), map());
    mine.store(page_size() - 1, b'T');
    assert_eq!(another.load(page_size() - 1), b'T');
    assert_eq!(std::fs::read(&path).expect("the file"), b"0123456789");
}

#[test]
fn a_byte_stored_past_the_end_shows_when_a_file_in_memory_grows() {
    for set_again in [false, true] {
        let file = sealed(b"0123456789").expect("a memory file");
        map_what_is_there(&file).expect("mapped").store(10, b'T');
        if set_again {
            file.set_len(10).expect("the size that it has");
        }
        posix_fallocate(&file, 20, 1).expect("longer");
        let mut byte = [0];
        file.read_exact_at(&mut byte, 10).expect("its byte by now");
        assert_eq!(byte, [if set_again { 0 } else { b'T' }]);
    }
}

#[test]
fn what_a_truncation_took_is_zeros_when_the_file_grows_again() {
    for sharing in [Sharing::Shared, Sharing::Private] {
        let (_directory, path) = file_with(&vec![b'x'; 2 * page_size()]);
        let file = open(&path);
        let mapping = Mapping::of_file(&file, 0, 2 * page_size(), READ_WRITE, sharing).expect("mapped");
        mapping.store(page_size(), b'v');
        file.set_len(page_size_u64()).expect("shorter");
        file.set_len(2 * page_size_u64()).expect("longer");
        assert_eq!((mapping.load(page_size()), mapping.load(page_size() + 1)), (0, 0), "{sharing:?}");
    }
}

#[test]
fn a_file_that_is_replaced_by_rename_stays_there_for_its_mappings() {
    let (directory, path) = file_with(b"old");
    let mapping = map_what_is_there(&open(&path)).expect("mapped");
    let new = directory.path().join("new");
    std::fs::write(&new, b"").expect("a shorter file");
    std::fs::rename(&new, &path).expect("renamed");
    assert_eq!((mapping.load(0), std::fs::read(&path).expect("the file").len()), (b'o', 0));
    let mapping = map_with_size(&open(&path), 1).expect("mapped");
    let ended = end_of(|| {
        File::create(&path).expect("truncated: that is what O_TRUNC is for");
        mapping.load(0);
    });
    assert_eq!(ended.expect("a child").cause(), Some(Cause::NoPage));
}

#[test]
fn a_call_that_reaches_a_missing_page_returns_how_far_it_came() {
    let (_directory, path) = file_with(&vec![b'x'; page_size()]);
    let mapping = Mapping::of_file(open(&path), 0, 2 * page_size(), READ_WRITE, Sharing::Shared).expect("mapped");
    let out = tempfile::tempfile().expect("a file");
    let there = std::ptr::with_exposed_provenance(mapping.address() + page_size() - 8);
    // SAFETY: the buffer is in our mapping, to which nothing else in this process refers.
    let written = unsafe { libc::pwrite(out.as_raw_fd(), there, 16, 0) };
    assert_eq!((Errno::result(written), out.metadata().expect("the file").len()), (Ok(8), 8));
}

#[test]
fn populating_the_pages_is_an_error_where_an_access_would_kill() {
    let (_directory, path) = file_with(b"0123456789");
    let mapping = Mapping::of_file(open(&path), 0, 2 * page_size(), READ_WRITE, Sharing::Shared).expect("mapped");
    let populate = |length: usize| {
        let start = std::ptr::with_exposed_provenance_mut(mapping.address());
        // SAFETY: it changes no byte of our mapping.
        Errno::result(unsafe { libc::madvise(start, length, libc::MADV_POPULATE_READ) })
    };
    match populate(page_size()) {
        Err(Errno::EINVAL) => eprintln!("skipped: MADV_POPULATE_READ needs Linux 5.14"),
        answer => assert_eq!((answer, populate(2 * page_size())), (Ok(0), Err(Errno::EFAULT))),
    }
}

#[test]
fn on_a_full_tmpfs_a_load_from_a_hole_kills_and_read_gives_zeros() {
    let pages = 16;
    let (mut address, mut read) = (0, Vec::new());
    let ran = on_a_small_disk(
        pages * page_size_u64(),
        |disk, peer| {
            let file = tempfile::tempfile_in(disk)?;
            let length = usize::try_from(4 * pages).expect("small") * page_size();
            file.set_len(length as u64)?;
            let mapping = Mapping::of_file(&file, 0, length, READ_WRITE, Sharing::Shared)?;
            peer.send(&mapping.address().to_ne_bytes())?;
            (0..length).step_by(page_size()).try_for_each(|at| {
                let mut byte = [b'?'];
                file.read_exact_at(&mut byte, at as u64)?;
                peer.send(&byte)?;
                mapping.load(at);
                Ok(())
            })
        },
        |peer| {
            address = usize::from_ne_bytes(peer.receive()?.try_into().expect("an address"));
            while let Ok(bytes) = peer.receive() {
                read.extend(bytes);
            }
            Ok(())
        },
    );
    match ran.expect("a child") {
        OnSmallDisk::Skipped(reason) => eprintln!("skipped: {reason}"),
        OnSmallDisk::Ran(ended) => {
            let fault = ended.fault().expect("a fault");
            assert_eq!(fault.cause(), Some(Cause::NoPage));
            let page = fault.offset_from(address).cast_unsigned() / page_size();
            assert!((1..=16).contains(&page), "page {page}");
            assert_eq!(read, vec![0; page + 1], "read(2) read the byte before the load died");
        }
    }
}

#[test]
fn a_handler_reports_the_byte_that_was_missed_and_hands_the_signal_on() {
    let (_directory, path) = file_with(b"0123456789");
    let (words, ended) = last_words(&open(&path), 2 * page_size(), page_size() + 7).expect("a child");
    // The action from before is the one with which a child says where it faulted.
    assert_eq!((words, ended.cause()), (Some(page_size() + 7), Some(Cause::NoPage)));
    assert_eq!(last_words(&open(&path), 2 * page_size(), 9).expect("a child"), (None, Ended::Exited(0)));
}

/// What a child with a handler for `mapping` says of `body`: what its handler wrote, and how the child ended.
fn reported(mapping: &Mapping, body: impl FnOnce()) -> (Vec<u8>, Ended) {
    let (mut reader, writer) = io::pipe().expect("a pipe");
    let ended = end_of(|| {
        // SAFETY: no handler of ours.
        unsafe { signal(Signal::SIGBUS, SigHandler::SigDfl) }.expect("the default action");
        SigSet::from(Signal::SIGBUS).thread_block().expect("blocked");
        report_missing_page(mapping, writer.as_fd()).expect("a handler");
        body();
    });
    drop(writer);
    let mut words = Vec::new();
    reader.read_to_end(&mut words).expect("the report");
    (words, ended.expect("a child"))
}

#[test]
fn the_reporting_handler_leaves_the_rest_to_the_action_from_before() {
    let empty = tempfile::tempfile().expect("a file");
    let map = || Mapping::of_file(&empty, 0, 1, READ_WRITE, Sharing::Shared).expect("mapped");
    let (mapping, another) = (map(), map());
    let killed = Ended::Killed(Signal::SIGBUS);
    assert_eq!(reported(&mapping, || _ = mapping.load(3)), (3_usize.to_ne_bytes().to_vec(), killed.clone()));
    assert_eq!(reported(&mapping, || _ = another.load(3)), (vec![], killed), "it is not its mapping");
}

#[test]
fn a_fifo_is_opened_at_once_and_proc_has_files_of_size_0_with_contents() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("fifo");
    mkfifo(&path, Mode::S_IRWXU).expect("a FIFO");
    // In a child: without the flag it would wait for a writer until its deadline.
    let ended = end_of(|| assert!(open_at_once(&path).expect("open").1.file_type().is_fifo()));
    assert_eq!(ended.expect("a child"), Ended::Exited(0));
    let (mut file, metadata) = open_at_once("/proc/self/status".as_ref()).expect("open");
    assert!(metadata.is_file());
    assert_eq!(
        (metadata.len(), map_what_is_there(&file).err().map(|error| error.kind())),
        (0, Some(io::ErrorKind::UnexpectedEof))
    );
    let mut contents = String::new();
    file.read_to_string(&mut contents).expect("contents");
    assert!(contents.starts_with("Name:"), "{contents}");
}

#[test]
fn the_demonstration_finds_the_page_past_the_end_of_any_file() {
    let (directory, path) = file_with(&vec![b'x'; 2 * page_size() + 1]);
    let mut text = Vec::new();
    demonstrate(&mut Narrator::transcript(&mut text, directory.path(), Language::English), &path)
        .expect("the demonstration runs");
    let text = String::from_utf8(text).expect("text");
    let has = |label: &str, end: &str| text.lines().any(|line| line.contains(label) && line.ends_with(end));
    assert!(has("one page too many:", "SIGBUS/BUS_ADRERR at page 3 + 7 bytes"), "{text}");
    assert!(has("the last page's last byte:", "exited with status 0"), "{text}");
}

#[test]
fn the_demonstration_shows_what_the_lesson_says() {
    for language in Language::ALL {
        let transcript = transcript(6, language);
        if has_small_disks() {
            insta::assert_snapshot!(format!("demonstration_{}", language.code()), transcript);
        }
    }
}

/// A child counts its own: what it allocates is not its parent's doing.
#[test]
fn the_calls_of_the_allocator_are_counted_by_process() {
    let before = allocator_calls();
    drop(std::hint::black_box(Box::new(1)));
    assert_eq!(allocator_calls() - before, 2);
    let forked = |body: fn()| allocator_calls_of_children(|| end_of(body).expect("a child")).expect("a mapping");
    assert_eq!(forked(|| drop(std::hint::black_box(Box::new(1)))).1 - forked(|| ()).1, 2);
}

#[test]
fn what_is_allocated_at_once_is_not_what_is_allocated_in_all() {
    let vector = |length: usize| std::hint::black_box(vec![0_u8; length]);
    let (kept, most) = most_allocated(|| {
        drop(vector(5_000));
        let mut kept = vector(2_000);
        kept.reserve_exact(1_000);
        drop(vector(1_000));
        kept
    });
    assert_eq!(most, 5_000);
    assert_eq!(most_allocated(|| drop(kept)).1, 0);
}
