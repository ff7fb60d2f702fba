//! Lesson 2: mmap and munmap.

mod common;

use std::os::unix::fs::FileExt;
use std::ptr::NonNull;

use common::{cases, contents_and_range, file_with, open, transcript};
use mmap_workbook::lesson_2::*;
use mmap_workbook::observe::{maps_of, page_size, whole_pages};
use mmap_workbook::process::{Cause, Ended, end_of};
use mmap_workbook::text::Language;
use nix::errno::Errno;
use nix::sys::mman::{ProtFlags, munmap};
use nix::sys::signal::Signal;
use proptest::prelude::*;

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn a_window_shows_what_pread_reads((bytes, at, length) in contents_and_range()) {
        let (_directory, path) = file_with(&bytes);
        let file = open(&path);
        let mut read = vec![0; length];
        file.read_exact_at(&mut read, at as u64)?;
        let mut seen = vec![0; length];
        Window::new(&file, at as u64, length, ProtFlags::PROT_READ)?.read(0, &mut seen);
        prop_assert_eq!(&seen, &read);
        // SAFETY: the file is this test's own, and no process changes it while the map lives.
        let map = unsafe { window_with_memmap2(&file, at as u64, length) }?;
        prop_assert_eq!(&map[..], &read[..]);
    }

    #[test]
    fn a_store_through_a_window_is_a_pwrite_and_changes_nothing_else((bytes, at, length) in contents_and_range()) {
        let news: Vec<u8> = bytes[at..at + length].iter().map(|byte| !byte).collect();
        let (_directory, stored) = file_with(&bytes);
        Window::new(&open(&stored), at as u64, length, READ_WRITE)?.write(0, &news);
        let (_directory, written) = file_with(&bytes);
        open(&written).write_all_at(&news, at as u64)?;
        let after = std::fs::read(&stored)?;
        prop_assert_eq!(&after, &std::fs::read(&written)?);
        prop_assert_eq!(&after[..at], &bytes[..at]);
        prop_assert_eq!(&after[at + length..], &bytes[at + length..]);
    }

    #[test]
    fn a_window_beyond_4_gib_works(above in 0..3 * page_size() as u64, length in 1..64_usize, byte: u8) {
        let file = tempfile::tempfile()?;
        let at = (5 << 30) + above;
        file.set_len(at + length as u64)?;
        let window = Window::new(&file, at, length, READ_WRITE)?;
        window.write(length - 1, &[byte]);
        let mut read = vec![0xff; length];
        file.read_exact_at(&mut read, at)?;
        prop_assert_eq!(read[length - 1], byte);
        prop_assert!(read[..length - 1].iter().all(|&b| b == 0));
        let mut seen = vec![0xff; length];
        window.read(0, &mut seen);
        prop_assert_eq!(seen, read);
    }

    #[test]
    fn the_mapped_range_is_whole_pages_and_goes_with_the_mapping(length in 1..4 * page_size(), page in 0..3_u64) {
        let file = tempfile::tempfile()?;
        file.set_len(8 * page_size() as u64)?;
        let offset = page * page_size() as u64;
        let mapping = Mapping::of_file(&file, offset, length, READ_WRITE, Sharing::Shared)?;
        let areas = maps_of(mapping.range())?;
        prop_assert_eq!(areas.len(), 1);
        prop_assert_eq!(areas[0].range(), mapping.address()..mapping.address() + whole_pages(length));
        prop_assert_eq!(areas[0].offset(), offset);
        prop_assert_eq!(areas[0].permissions(), "rw-s");
        prop_assert_eq!(mapping.length(), length);
        let range = mapping.range();
        drop(mapping);
        prop_assert!(maps_of(range)?.is_empty());
    }
}

#[test]
fn each_protection_and_sharing_is_what_maps_says() {
    let (_directory, path) = file_with(b"x");
    let file = open(&path);
    let (none, read, exec) = (ProtFlags::PROT_NONE, ProtFlags::PROT_READ, ProtFlags::PROT_READ | ProtFlags::PROT_EXEC);
    for (protection, sharing, permissions) in [
        (none, Sharing::Shared, "---s"),
        (read, Sharing::Shared, "r--s"),
        (READ_WRITE, Sharing::Shared, "rw-s"),
        (exec, Sharing::Private, "r-xp"),
        (READ_WRITE, Sharing::Private, "rw-p"),
    ] {
        let mapping = Mapping::of_file(&file, 0, 1, protection, sharing).expect("mapped");
        assert_eq!(maps_of(mapping.range()).expect("maps")[0].permissions(), permissions);
    }
}

#[test]
fn an_anonymous_mapping_is_zeros_and_takes_stores() {
    let mapping = Mapping::anonymous(3 * page_size(), READ_WRITE, Sharing::Private).expect("mapped");
    let mut bytes = vec![1; 3 * page_size()];
    mapping.read(0, &mut bytes);
    assert!(bytes.iter().all(|&b| b == 0));
    mapping.long_word(8).store(u64::from_ne_bytes(*b"8 bytes!"), std::sync::atomic::Ordering::Relaxed);
    mapping.read(0, &mut bytes);
    assert_eq!(&bytes[..17], b"\0\0\0\0\0\0\0\08 bytes!\0");
}

#[test]
fn unmapping_by_hand_removes_the_line_from_maps() {
    let mapping = Mapping::anonymous(1, READ_WRITE, Sharing::Private).expect("mapped");
    let range = mapping.range();
    assert_eq!(maps_of(range.clone()).expect("maps").len(), 1);
    mapping.unmap().expect("unmapped");
    assert!(maps_of(range).expect("maps").is_empty());
}

#[test]
fn an_access_outside_the_mapping_panics_before_it_happens() {
    let mapping = Mapping::anonymous(1, READ_WRITE, Sharing::Private).expect("mapped");
    mapping.load(page_size() - 1);
    for access in [
        (|m| _ = m.load(page_size())) as fn(&Mapping),
        |m| _ = m.word(page_size() - 3),
        |m| _ = m.word(page_size()),
        |m| _ = m.word(2),
        |m| _ = m.load(usize::MAX),
    ] {
        assert!(std::panic::catch_unwind(|| access(&mapping)).is_err());
    }
    let (_directory, path) = file_with(b"0123456789");
    let window = Window::new(&open(&path), 3, 4, ProtFlags::PROT_READ).expect("mapped");
    window.read(0, &mut [0; 4]);
    for (at, length) in [(0, 5), (4, 1), (5, 0), (usize::MAX, 2)] {
        assert!(std::panic::catch_unwind(|| window.read(at, &mut vec![0; length])).is_err(), "{at}+{length}");
    }
}

#[test]
fn a_window_is_refused_where_the_file_has_no_bytes_for_it() {
    let (_directory, path) = file_with(b"0123456789");
    let kind = |offset, length| Window::new(&open(&path), offset, length, ProtFlags::PROT_READ).err().map(|e| e.kind());
    assert_eq!(kind(0, 10), None);
    assert_eq!(kind(9, 1), None);
    assert_eq!(kind(0, 0), Some(std::io::ErrorKind::InvalidInput));
    for (offset, length) in [(0, 11), (10, 1), (u64::MAX, 1), (1, usize::MAX)] {
        assert_eq!(kind(offset, length), Some(std::io::ErrorKind::UnexpectedEof), "{offset}+{length}");
    }
}

#[test]
fn the_notes_program_writes_4321_and_nothing_else() {
    let start = if cfg!(target_endian = "little") { "4321" } else { "1234" };
    for program in [store_4321, store_4321_with_memmap2] {
        let (_directory, path) = file_with(b"hello, mmap\n");
        program(&path).expect("stored");
        assert_eq!(std::fs::read_to_string(&path).expect("text"), format!("{start}o, mmap\n"));
        let (_directory, path) = file_with(b"abcd");
        program(&path).expect("stored");
        assert_eq!(std::fs::read_to_string(&path).expect("text"), start);
    }
}

#[test]
fn the_notes_program_refuses_a_file_too_short_and_leaves_it_alone() {
    for program in [store_4321, store_4321_with_memmap2] {
        for bytes in [&b""[..], b"a", b"abc"] {
            let (_directory, path) = file_with(bytes);
            assert_eq!(program(&path).expect_err("refused").kind(), std::io::ErrorKind::UnexpectedEof);
            assert_eq!(std::fs::read(&path).expect("the file"), bytes);
        }
    }
}

#[test]
fn a_mapping_outlives_the_descriptor() {
    let (_directory, path) = file_with(b"A");
    let file = open(&path);
    let mapping = Mapping::of_file(&file, 0, 1, READ_WRITE, Sharing::Shared).expect("mapped");
    drop(file);
    assert_eq!(mapping.load(0), b'A');
    mapping.store(0, b'B');
    assert_eq!(std::fs::read(&path).expect("the file"), b"B");
}

#[test]
fn an_access_after_munmap_is_segv_maperr() {
    let (_directory, path) = file_with(b"A");
    let ended = load_after_munmap(&open(&path)).expect("a child");
    assert_eq!(ended.cause(), Some(Cause::NotMapped), "{ended}");
}

#[test]
fn unmapping_the_middle_page_leaves_two_mappings() {
    let page = page_size();
    let mapping = Mapping::anonymous(3 * page, READ_WRITE, Sharing::Shared).expect("a mapping");
    let range = mapping.range();
    assert_eq!(maps_of(range.clone()).expect("maps").len(), 1);
    let middle = NonNull::new(std::ptr::with_exposed_provenance_mut(range.start + page)).expect("an address");
    for _ in 0..2 {
        // SAFETY: the middle page is ours, and nothing refers to it; the second time nothing is mapped there.
        unsafe { munmap(middle, page) }.expect("what is not mapped is no error either");
    }
    let areas: Vec<_> = maps_of(range.clone()).expect("maps").iter().map(|area| area.range()).collect();
    assert_eq!(areas, [range.start..range.start + page, range.start + 2 * page..range.end]);
    let ended = end_of(|| _ = mapping.load(page)).expect("a child");
    assert_eq!(ended.cause(), Some(Cause::NotMapped), "{ended}");
    mapping.store(2 * page, b'!');
}

#[test]
fn a_mapping_ends_with_its_process_and_its_store_stays() {
    let killed = ends_with_its_process().expect("a child");
    assert_eq!(
        killed,
        KilledProcess {
            listed_before: true,
            seal_before: Err(Errno::EBUSY),
            ended: Ended::Killed(Signal::SIGKILL),
            seal_after: Ok(()),
            byte: b'K',
        }
    );
}

#[test]
fn a_forbidden_access_is_segv_accerr_where_it_happened() {
    let (_directory, path) = file_with(&[0xc3; 8]);
    let attempts = forbidden_accesses(&open(&path)).expect("children");
    let (allowed, forbidden) = attempts.split_first().expect("attempts");
    assert_eq!(allowed.ended, Ended::Exited(0), "{:?}", allowed.what);
    assert_eq!(forbidden.len(), if CODE.is_some() { 4 } else { 3 });
    for attempt in forbidden {
        assert_eq!(attempt.ended.cause(), Some(Cause::NotAllowed), "{:?}", attempt.what);
        assert_eq!(attempt.offset, Some(0), "{:?}", attempt.what);
    }
    assert_eq!(std::fs::read(&path).expect("the file"), [0xc3; 8]);
}

#[test]
fn code_runs_from_prot_exec() {
    let directory = tempfile::tempdir().expect("a directory");
    match run_from_file(directory.path()) {
        Ok(Some(number)) => assert_eq!(number, 42),
        Ok(None) => eprintln!("skipped: no machine code for this processor"),
        Err(error) if error.raw_os_error() == Some(Errno::EPERM as i32) => eprintln!("skipped: noexec here: {error}"),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_ring_shows_the_same_pages_twice_in_a_row() {
    for pages in [1, 3] {
        let length = pages * page_size();
        let file = tempfile::tempfile().expect("a file");
        file.set_len(length as u64).expect("its size");
        let ring = ring(&file, length).expect("mapped");
        let range = ring.range();
        let areas: Vec<_> = maps_of(range.clone()).expect("maps").iter().map(|area| area.range()).collect();
        let middle = range.start + length;
        assert_eq!(areas, [range.start..middle, middle..range.end], "{pages} pages");

        ring.write(length - 4, b"0123456789");
        let mut seen = [0; 6];
        ring.read(0, &mut seen);
        assert_eq!(&seen, b"456789", "what goes past the end is at the beginning");
        ring.read(length, &mut seen);
        assert_eq!(&seen, b"456789");
        file.read_exact_at(&mut seen[..4], length as u64 - 4).expect("the file's end");
        assert_eq!(&seen[..4], b"0123");
        drop(ring);
        assert!(maps_of(range).expect("maps").is_empty(), "both go with the reservation");
    }
}

#[test]
fn a_ring_that_is_refused_leaves_nothing_mapped() {
    let (_directory, path) = file_with(b"x");
    let page = page_size();
    let lines = || procfs::process::Process::myself().and_then(|process| process.maps()).expect("maps").len();
    let before = lines();
    assert_eq!(ring(std::fs::File::open(&path).expect("open"), page).err(), Some(Errno::EACCES));
    for (length, errno) in [(0, Errno::EINVAL), (page + 1, Errno::EINVAL), (usize::MAX, Errno::ENOMEM)] {
        assert_eq!(ring(open(&path), length).err(), Some(errno), "{length}");
    }
    assert_eq!(lines(), before);
}

#[test]
fn each_refusal_has_its_errno() {
    let directory = tempfile::tempdir().expect("a directory");
    let answers: Vec<_> = refusals(directory.path()).expect("asked").into_iter().map(|r| r.answer).collect();
    use Errno::*;
    let expected = [EINVAL, EINVAL, EACCES, EACCES, ENODEV, ENODEV, EBADF, ENOMEM];
    assert_eq!(answers, expected.map(Err));
}

#[test]
fn the_owner_refuses_what_the_kernel_refuses() {
    let (_directory, path) = file_with(b"x");
    let read = ProtFlags::PROT_READ;
    let map = |offset, length| Mapping::of_file(open(&path), offset, length, read, Sharing::Shared).err();
    assert_eq!(map(0, 0), Some(Errno::EINVAL));
    assert_eq!(map(1, 1), Some(Errno::EINVAL));
    assert_eq!(map(1 << 63, 1), Some(Errno::EOVERFLOW));
    assert_eq!(map(0, usize::MAX), Some(Errno::ENOMEM));
    assert_eq!(Mapping::anonymous(0, read, Sharing::Private).err(), Some(Errno::EINVAL));
}

#[test]
fn the_demonstration_shows_what_the_lesson_says() {
    for language in Language::ALL {
        insta::assert_snapshot!(format!("demonstration_{}", language.code()), transcript(2, language));
    }
}
