//! Lesson 6: The bus error.

mod common;

/// Counts, for the tests of what is allocated.
#[global_allocator]
static ALLOCATOR: mmap_workbook::grade::Counting = mmap_workbook::grade::Counting;

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt};
use std::sync::atomic::{AtomicU32, Ordering};

use common::{cases, file_with, has_small_disks, open, transcript};
use mmap_workbook::grade::fixtures::{near_page_boundaries, pattern};
use mmap_workbook::grade::{allocator_calls, allocator_calls_of_children, most_allocated};
use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use mmap_workbook::lesson_5::memory_file;
use mmap_workbook::lesson_6::*;
use mmap_workbook::narrate::Narrator;
use mmap_workbook::observe::{page_size, page_size_u64};
use mmap_workbook::process::{Cause, Child, Ended, OnSmallDisk, end_of, on_a_small_disk};
use mmap_workbook::text::Language;
use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, FcntlArg, SealFlag, fallocate, fcntl, posix_fallocate};
use nix::libc;
use nix::mount::{MsFlags, mount};
use nix::sys::mman::ProtFlags;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{SigHandler, SigSet, Signal, raise, signal};
use nix::sys::stat::Mode;
use nix::sys::statfs::{BTRFS_SUPER_MAGIC, EXT4_SUPER_MAGIC, TMPFS_MAGIC, XFS_SUPER_MAGIC, fstatfs};
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

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn the_rule_is_the_same_for_private_mappings_and_for_files_in_memory(
        size in near_page_boundaries(), length in near_page_boundaries(), at in near_page_boundaries(),
        private: bool, in_memory: bool, kind in access_kind()
    ) {
        let length = length.max(at + 1);
        let file = if in_memory { memory_file("rule").map_err(io::Error::from)? } else { tempfile::tempfile()? };
        file.set_len(size as u64)?;
        let sharing = if private { Sharing::Private } else { Sharing::Shared };
        let mapping = Mapping::of_file(&file, 0, length, READ_WRITE, sharing).map_err(io::Error::from)?;
        let ended = end_of(|| match kind {
            AccessKind::Load => _ = mapping.load(at),
            AccessKind::Store => mapping.store(at, b'!'),
        })?;
        prop_assert_eq!(ended.cause(), rule(size as u64, 0, length, at), "{}", ended);
    }
}

#[test]
fn what_a_mapping_forbids_is_sigsegv_even_where_the_file_has_no_page() {
    let (_directory, path) = file_with(b"0123456789");
    let mapping =
        Mapping::of_file(open(&path), 0, 2 * page_size(), ProtFlags::PROT_READ, Sharing::Shared).expect("mapped");
    for at in [0, page_size()] {
        let ended = end_of(|| mapping.store(at, b'!')).expect("a child");
        assert_eq!(ended.cause(), Some(Cause::NotAllowed), "{ended}");
    }
    let ended = end_of(|| _ = mapping.load(page_size())).expect("a child");
    assert_eq!(ended.cause(), Some(Cause::NoPage), "{ended}");
}

#[test]
fn on_a_tmpfs_of_huge_pages_sigbus_begins_at_the_next_huge_one() {
    let Ok(size) = std::fs::read_to_string("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size") else {
        return eprintln!("skipped: this kernel has no transparent huge pages");
    };
    let huge: u64 = size.trim().parse().expect("a number");
    let mut said = Vec::new();
    let ran = on_a_small_disk(
        8 * huge,
        |disk, peer| {
            let none: Option<&str> = None;
            if let Err(errno) = mount(none, disk, none, MsFlags::MS_REMOUNT, Some("huge=always")) {
                return peer.send(format!("a tmpfs with huge=always: {errno}").as_bytes());
            }
            let file = tempfile::tempfile_in(disk)?;
            file.write_all_at(b"0123456789", 0)?;
            if file.metadata()?.blocks() * 512 < huge {
                return peer.send(b"there is no huge page to be had");
            }
            let last = usize::try_from(huge).expect("small") - 1;
            // As large as this, it is aligned to huge pages.
            let mapping = Mapping::of_file(&file, 0, 2 * (last + 1), READ_WRITE, Sharing::Shared)?;
            let tried = |at| {
                let ended = end_of(|| {
                    mapping.load(0);
                    mapping.store(at, b'!');
                })?;
                Ok::<_, io::Error>(ended.cause())
            };
            if tried(page_size())? == Some(Cause::NoPage) {
                return peer.send(b"the kernel does not map the huge page as one");
            }
            assert_eq!([tried(last)?, tried(last + 1)?], [None, Some(Cause::NoPage)]);
            posix_fallocate(&file, 0, huge.cast_signed())?;
            let mut byte = [0];
            file.read_exact_at(&mut byte, huge - 1)?;
            assert_eq!(&byte, b"!", "it came to light when the file grew");
            peer.send(b"held")
        },
        |peer| {
            said = peer.receive()?;
            Ok(())
        },
    );
    match ran.expect("a child") {
        OnSmallDisk::Skipped(reason) => eprintln!("skipped: {reason}"),
        OnSmallDisk::Ran(ended) => {
            assert_eq!(ended, Ended::Exited(0));
            if said != b"held" {
                eprintln!("skipped: {}", String::from_utf8_lossy(&said));
            }
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
    // More than one page, even if the pages of the file system are huge.
    const LENGTH: usize = 8 << 20;
    let blocks = |map: fn(&File, usize) -> io::Result<_>| {
        let file = tempfile::tempfile().expect("a file");
        let mapping = map(&file, LENGTH).expect("mapped");
        let blocks = file.metadata().expect("the file").blocks();
        drop(mapping);
        blocks * 512
    };
    let a_byte_at_the_end = |file: &File, length: usize| {
        file.write_all_at(b"\0", length as u64 - 1)?;
        map_what_is_there(file)
    };
    assert!(blocks(map_reserved) >= LENGTH as u64);
    assert!(blocks(map_with_size) < LENGTH as u64);
    assert!(blocks(a_byte_at_the_end) < LENGTH as u64);
    let short = memory_file("one block").expect("a memory file");
    a_byte_at_the_end(&short, 100).expect("written");
    assert_eq!(short.metadata().expect("the file").blocks() * 512, page_size_u64(), "that of the byte is there");
}

#[test]
fn a_size_past_a_limit_is_efbig_and_past_the_own_one_a_signal() {
    let efbig = |result: io::Result<()>| result.is_err_and(|error| error.raw_os_error() == Some(Errno::EFBIG as i32));
    let (memory, file) = (memory_file("large").expect("a memory file"), tempfile::tempfile().expect("a file"));
    let largest = i64::MAX.cast_unsigned();
    memory.set_len(largest).expect("the largest off_t, on tmpfs");
    let asked = file.set_len(largest);
    assert!(asked.is_ok() || efbig(asked), "what its file system allows");
    let on = fstatfs(&file).expect("its file system");
    if (on.filesystem_type(), on.block_size()) == (EXT4_SUPER_MAGIC, 4 << 10) {
        assert!(efbig(file.set_len(16 << 40)), "less than 16 TiB");
    }
    assert_eq!(posix_fallocate(&memory, i64::MAX, 1), Err(Errno::EFBIG));
    let past_the_limit = |action: SigHandler| {
        end_of(|| {
            // SAFETY: no handler of ours.
            unsafe { signal(Signal::SIGXFSZ, action) }.expect("an action");
            setrlimit(Resource::RLIMIT_FSIZE, 10, 10).expect("a lower limit");
            file.set_len(0).expect("within the limit");
            assert!(efbig(file.set_len(11)));
        })
        .expect("a child")
    };
    assert_eq!(past_the_limit(SigHandler::SigIgn), Ended::Exited(0));
    assert_eq!(past_the_limit(SigHandler::SigDfl), Ended::Killed(Signal::SIGXFSZ));
}

#[test]
fn with_o_nonblock_a_lease_for_writing_is_an_error_and_one_for_reading_none() {
    let (_directory, path) = file_with(b"leased");
    let opened_against = |lease: i32| {
        end_of(|| {
            // SAFETY: no handler of ours. A broken lease is told by this signal, which would kill.
            unsafe { signal(Signal::SIGIO, SigHandler::SigIgn) }.expect("ignored");
            let holder = File::open(&path).expect("the file");
            // SAFETY: the call reads and writes no memory of ours.
            let held = unsafe { libc::fcntl(holder.as_raw_fd(), libc::F_SETLEASE, lease) };
            let opened = open_at_once(&path).map(drop).map_err(|error| error.kind());
            std::process::exit(match (held, opened) {
                (0, Ok(())) => 0,
                (0, Err(io::ErrorKind::WouldBlock)) => 1,
                (0, Err(_)) => 2,
                _ => 3,
            })
        })
        .expect("a child")
    };
    match [libc::F_RDLCK, libc::F_WRLCK].map(opened_against) {
        [Ended::Exited(3), _] | [_, Ended::Exited(3)] => eprintln!("skipped: no leases on this file system"),
        ended => assert_eq!(ended, [Ended::Exited(0), Ended::Exited(1)]),
    }
}

#[test]
fn a_full_disk_refuses_what_is_reserved_and_accepts_a_size() {
    let disk_pages = 16;
    let mut said = Vec::new();
    let ran = on_a_small_disk(
        disk_pages * page_size_u64(),
        |disk, peer| {
            let length = 4 * usize::try_from(disk_pages).expect("small") * page_size();
            let reserved = map_reserved(&tempfile::tempfile_in(disk)?, length).expect_err("a full disk");
            assert_eq!(reserved.kind(), io::ErrorKind::StorageFull);
            map_with_size(&tempfile::tempfile_in(disk)?, length)?;
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
fn a_sealed_file_cannot_shrink() {
    let file = sealed(b"kept").expect("a memory file");
    let refused = |result: io::Result<()>| {
        assert_eq!(result.expect_err("refused").raw_os_error(), Some(Errno::EPERM as i32));
    };
    refused(file.set_len(3));
    refused(file.set_len(0));
    refused(File::create(format!("/proc/self/fd/{}", file.as_raw_fd())).map(drop));
    let seals = |file: &File| fcntl(file, FcntlArg::F_GET_SEALS).map(SealFlag::from_bits_retain);
    fcntl(&file, FcntlArg::F_ADD_SEALS(SealFlag::empty())).expect("no further seal");
    assert_eq!(seals(&file), Ok(SealFlag::F_SEAL_SHRINK), "what is added takes nothing away");
    let mapping = map_what_is_there(&file).expect("mapped");
    assert_eq!((mapping.length(), mapping.load(3)), (4, b't'));
    let ended = end_of(|| refused(file.set_len(3)));
    assert_eq!(ended.expect("a child"), Ended::Exited(0), "every process");
    let hole = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
    fallocate(&file, hole, 0, 4).expect("a hole");
    assert_eq!((mapping.load(3), file.metadata().expect("the file").len()), (0, 4), "zeros, and no byte less");
    file.set_len(5).expect("it may grow");
}

#[test]
fn a_file_that_may_only_be_appended_to_cannot_shrink() {
    const APPEND_ONLY: libc::c_int = 0x20; // FS_APPEND_FL in <linux/fs.h>
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(b"kept").expect("written");
    let flags = APPEND_ONLY;
    // SAFETY: the call reads one integer.
    match Errno::result(unsafe { libc::ioctl(file.as_raw_fd(), libc::FS_IOC_SETFLAGS, &raw const flags) }) {
        Err(errno) => eprintln!("skipped: the append-only attribute: {errno}"),
        Ok(_) => {
            let refused = file.set_len(3).expect_err("refused");
            assert_eq!(refused.raw_os_error(), Some(Errno::EPERM as i32));
            assert_eq!(file.metadata().expect("the file").len(), 4);
        }
    }
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
    // On a disk the byte is gone as soon as the kernel writes the page, which it may do at any moment.
    let seen = || {
        let ended = end_of(|| mine.store(page_size() - 1, b'T'));
        assert_eq!(ended.expect("a child"), Ended::Exited(0));
        another.load(page_size() - 1) == b'T'
    };
    assert!((0..100).any(|_| seen()), "another process has stored it");
    assert_eq!(std::fs::read(&path).expect("the file"), b"0123456789");
}

/// The file's bytes from 20 on, after "SECRET" was stored there when the file had 10 bytes, and it grew to 30.
fn grown_over_a_secret(file: &File, before_it_grows: impl FnOnce(&Mapping)) -> [u8; 6] {
    let mapping = map_what_is_there(file).expect("mapped");
    mapping.write(20, b"SECRET");
    before_it_grows(&mapping);
    mapping.unmap().expect("unmapped");
    file.set_len(30).expect("longer");
    let mut bytes = [0; 6];
    file.read_exact_at(&mut bytes, 20).expect("its bytes by now");
    bytes
}

#[test]
fn a_byte_stored_past_the_end_shows_when_a_file_in_memory_grows() {
    let file = || sealed(b"0123456789").expect("a memory file");
    let again = file();
    assert_eq!(grown_over_a_secret(&again, |_| again.set_len(10).expect("the size that it has")), [0; 6]);
    match &grown_over_a_secret(&file(), |_| ()) {
        b"SECRET" => (),
        [0, 0, 0, 0, 0, 0] => return eprintln!("skipped: this kernel's tmpfs clears what was stored past the end"),
        other => panic!("{other:?}"),
    }
    // Nothing has this one open or mapped before it grows.
    let Ok(directory) = tempfile::tempdir_in("/dev/shm") else { return eprintln!("skipped: no /dev/shm") };
    let path = directory.path().join("file");
    std::fs::write(&path, b"0123456789").expect("a file");
    map_what_is_there(&open(&path)).expect("mapped").write(20, b"SECRET");
    let file = open(&path);
    if fstatfs(&file).expect("its file system").filesystem_type() != TMPFS_MAGIC {
        return eprintln!("skipped: /dev/shm is no tmpfs");
    }
    file.set_len(30).expect("longer");
    assert_eq!(std::fs::read(&path).expect("the file")[20..26], *b"SECRET");
}

#[test]
fn msync_on_a_disk_clears_what_was_stored_past_the_end() {
    let (_directory, path) = file_with(b"0123456789");
    let file = open(&path);
    let disks = [EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC];
    if !disks.contains(&fstatfs(&file).expect("its file system").filesystem_type()) {
        return eprintln!("skipped: the temporary directory is not on ext4, xfs or btrfs");
    }
    let written_out = |mapping: &Mapping| {
        let start = std::ptr::with_exposed_provenance_mut(mapping.address());
        // SAFETY: it changes no byte of the file, and no reference leads to the others.
        Errno::result(unsafe { libc::msync(start, mapping.length(), libc::MS_SYNC) }).expect("written out");
        assert_eq!(mapping.load(20), 0, "it is gone while it is mapped");
    };
    assert_eq!(grown_over_a_secret(&file, written_out), [0; 6]);
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
    let old = open(&path);
    let mapping = map_what_is_there(&old).expect("mapped");
    let new = directory.path().join("new");
    std::fs::write(&new, b"").expect("a shorter file");
    std::fs::rename(&new, &path).expect("renamed");
    assert_eq!((mapping.load(0), std::fs::read(&path).expect("the file").len()), (b'o', 0));
    assert_eq!(io::read_to_string(old).expect("read"), "old", "and for its descriptors");
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
    let there = std::ptr::with_exposed_provenance_mut(mapping.address() + page_size() - 8);
    let write = |fd: BorrowedFd| {
        // SAFETY: the buffer is in our mapping, to which nothing else in this process refers.
        Errno::result(unsafe { libc::write(fd.as_raw_fd(), there, 16) })
    };
    let length = |file: &File| file.metadata().expect("the file").len();
    let in_memory = memory_file("out").expect("a memory file");
    assert_eq!((write(in_memory.as_fd()), length(&in_memory)), (Ok(8), 8));
    let out = tempfile::tempfile().expect("a file");
    let answer = (write(out.as_fd()), length(&out));
    assert!([(Ok(8), 8), (Err(Errno::EFAULT), 0)].contains(&answer), "ext4, xfs and tmpfs, or btrfs: {answer:?}");

    let (mut reader, mut writer) = io::pipe().expect("a pipe");
    let (socket, _other_end) = std::os::unix::net::UnixStream::pair().expect("a socket");
    assert_eq!([write(writer.as_fd()), write(socket.as_fd())], [Err(Errno::EFAULT); 2]);
    writer.write_all(b"0123456789abcdef").expect("written");
    // SAFETY: as above.
    let read = Errno::result(unsafe { libc::read(reader.as_raw_fd(), there, 16) });
    assert_eq!((read, mapping.load(page_size() - 1)), (Err(Errno::EFAULT), b'7'), "stored, and not reported");
    let mut bytes = [0; 16];
    reader.read_exact(&mut bytes).expect("read");
    assert_eq!(&bytes, b"0123456789abcdef", "all of them are in the pipe still, and nothing else");
}

#[test]
fn a_file_of_sys_ends_before_its_size_and_is_not_mapped() {
    let path = "/sys/devices/system/cpu/online";
    let Ok(file) = File::open(path) else { return eprintln!("skipped: there is no {path}") };
    let (size, content) = (file.metadata().expect("the file").len(), std::fs::read(path).expect("read"));
    assert!(!content.is_empty() && (content.len() as u64) < size, "{size}, {content:?}");
    let mapped = Mapping::of_file(&file, 0, 1, ProtFlags::PROT_READ, Sharing::Private).map(drop);
    assert_eq!(mapped, Err(Errno::ENODEV));
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
fn a_handler_that_changes_nothing_is_called_again_and_again() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    extern "C" fn count(_signal: i32) {
        if RUNS.fetch_add(1, Ordering::Relaxed) == 10_000 {
            // SAFETY: _exit(2) is async-signal-safe.
            unsafe { libc::_exit(7) };
        }
    }
    let empty = tempfile::tempfile().expect("a file");
    let mapping = Mapping::of_file(&empty, 0, 1, READ_WRITE, Sharing::Shared).expect("mapped");
    let ended = end_of(|| {
        // SAFETY: the handler does only what is async-signal-safe.
        unsafe { signal(Signal::SIGBUS, SigHandler::Handler(count)) }.expect("a handler");
        mapping.load(0);
    });
    assert_eq!(ended.expect("a child"), Ended::Exited(7), "the load ended neither itself nor the process");
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
    assert_eq!(reported(&mapping, || _ = another.load(3)), (vec![], killed.clone()), "it is not its mapping");
    let sent = || raise(Signal::SIGBUS).expect("sent");
    assert_eq!(reported(&mapping, sent), (vec![], Ended::Exited(0)), "one that was sent is not repeated");
    assert_eq!(
        reported(&mapping, || {
            sent();
            sent();
        }),
        (vec![], killed),
        "the action is the old one by then"
    );
}

#[test]
fn a_fifo_is_opened_at_once_and_proc_has_files_of_size_0_with_contents() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("fifo");
    mkfifo(&path, Mode::S_IRWXU).expect("a FIFO");
    // In a child: without the flag it would wait for a writer until its deadline.
    let ended = end_of(|| {
        let (mut fifo, metadata) = open_at_once(&path).expect("open");
        assert!(metadata.file_type().is_fifo());
        let mut read = || fifo.read(&mut [0]).map_err(|error| error.kind());
        assert_eq!(read(), Ok(0), "nobody has it open for writing");
        let _writer = File::options().write(true).open(&path).expect("open for writing");
        assert_eq!(read(), Err(io::ErrorKind::WouldBlock), "somebody has, and has written nothing");
    });
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
