//! Lesson 2: mmap and munmap.

mod common;

use std::fs::File;
use std::io;
use std::num::NonZeroUsize;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::ptr::NonNull;

use common::{cases, contents_and_range, file_with, open, transcript};
use mmap_workbook::lesson_2::*;
use mmap_workbook::observe::{in_page_cache, maps_of, page_size, page_size_u64, smaps_of, whole_pages};
use mmap_workbook::process::{Cause, Child, Ended, OnSmallDisk, Peer, end_of, on_a_small_disk};
use mmap_workbook::text::Language;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::libc::{self, c_void};
use nix::mount::{MsFlags, mount};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::mman::{
    MRemapFlags, MapFlags, MmapAdvise, MsFlags as SyncFlags, ProtFlags, madvise, mmap, mmap_anonymous, mprotect,
    mremap, msync, munmap,
};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::signal::Signal;
use nix::sys::statfs::{BTRFS_SUPER_MAGIC, EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, fstatfs};
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

/// Not SIGBUS, though the file has no such page either: nothing is mapped there.
#[test]
fn an_access_past_the_last_mapped_page_is_segv_maperr_wherever_the_file_ends() {
    let page = page_size();
    for bytes in [&b"0123456789"[..], &vec![b'x'; 3 * page]] {
        let (_directory, path) = file_with(bytes);
        let file = open(&path);
        // In a child: no other thread can map anything at the address that is free.
        let ended = end_of(|| {
            let place = Mapping::anonymous(2 * page, ProtFlags::PROT_NONE, Sharing::Private).expect("mapped");
            map_over(&place, 0, 10, &file, 0);
            assert_eq!(place.load(9), bytes[9]);
            place.load(page - 1);
            // SAFETY: the second page is this test's own, and nothing refers to it.
            unsafe { munmap(at(place.address() + page), page) }.expect("unmapped");
            place.load(page + 10);
        })
        .expect("a child");
        assert_eq!(ended.cause(), Some(Cause::NotMapped), "{ended}");
    }
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

fn at(address: usize) -> NonNull<c_void> {
    NonNull::new(std::ptr::with_exposed_provenance_mut(address)).expect("an address")
}

/// Puts pages of `file` over those of a mapping of this test's own.
fn map_over(mapping: &Mapping, place: usize, length: usize, file: &File, offset: i64) {
    assert!(place + length <= mapping.range().len());
    let (place, length) = (NonZeroUsize::new(mapping.address() + place), NonZeroUsize::new(length).expect("a length"));
    let flags = MapFlags::MAP_SHARED | MapFlags::MAP_FIXED;
    // SAFETY: only pages of `mapping` are replaced (checked above), and nothing refers to them.
    unsafe { mmap(place, length, ProtFlags::PROT_READ, flags, file, offset) }.expect("mapped");
}

fn memory_file() -> File {
    let flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
    File::from(memfd_create(c"lesson-2", flags).expect("a memory file"))
}

/// A file on ext4, xfs or btrfs; None if the directory for temporary files is elsewhere.
fn file_on_a_disk() -> Option<File> {
    let file = tempfile::tempfile().expect("a file");
    let system = fstatfs(&file).expect("its file system").filesystem_type();
    let is_on_a_disk = [EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC].contains(&system);
    if !is_on_a_disk {
        eprintln!("skipped: temporary files are not on ext4, xfs or btrfs");
    }
    is_on_a_disk.then_some(file)
}

/// How many minor and how many major faults this takes.
fn faults_of(access: impl FnOnce()) -> (i64, i64) {
    let so_far = || getrusage(UsageWho::RUSAGE_SELF).expect("the counts");
    let before = so_far();
    access();
    let after = so_far();
    let major = after.major_page_faults() - before.major_page_faults();
    (after.minor_page_faults() - before.minor_page_faults(), major)
}

#[test]
fn a_page_faults_at_the_first_access_and_again_when_the_kernel_has_taken_it_back() {
    let (_directory, path) = file_with(b"x");
    let mapping = Mapping::of_file(open(&path), 0, 1, ProtFlags::PROT_READ, Sharing::Shared).expect("mapped");
    let load = || faults_of(|| _ = mapping.load(0));
    assert_eq!(in_page_cache(mapping.range()).expect("mincore"), [true]);
    let (minor, major) = load();
    assert!(minor >= 1 && major == 0, "{minor} {major}: the page was in the page cache");
    // Other memory of this process may fault between the two counts.
    assert!((0..10).any(|_| load() == (0, 0)), "no fault any more");
    // SAFETY: it changes no byte.
    let advised = unsafe { libc::madvise(at(mapping.address()).as_ptr(), page_size(), libc::MADV_PAGEOUT) };
    if advised != 0 || smaps_of(mapping.range()).expect("smaps")[0].kib("Rss").expect("a field") != 0 {
        return eprintln!("skipped: MADV_PAGEOUT has not taken the page back");
    }
    let (minor, major) = load();
    assert!(minor + major >= 1);
}

/// No block is read for it, yet the fault is a major one, where the page cache did not have the page. tmpfs counts it as
/// minor.
#[test]
fn a_page_of_a_hole_is_a_major_fault_on_a_disk_and_a_minor_one_in_memory() {
    let faults = |file: File| {
        file.set_len(1).expect("a size");
        let mapping = Mapping::of_file(file, 0, 1, ProtFlags::PROT_READ, Sharing::Shared).expect("mapped");
        assert_eq!(in_page_cache(mapping.range()).expect("mincore"), [false]);
        faults_of(|| assert_eq!(mapping.load(0), 0))
    };
    let (minor, major) = faults(memory_file());
    assert!(minor >= 1 && major == 0, "{minor} {major}");
    if let Some(file) = file_on_a_disk() {
        assert_eq!(faults(file).1, 1);
    }
}

/// What is clean is write-protected, so that the file system learns of the next store.
#[test]
fn on_a_disk_the_first_store_after_a_page_was_written_back_faults_again() {
    let Some(file) = file_on_a_disk() else { return };
    file.set_len(1).expect("a size");
    let mapping = Mapping::of_file(&file, 0, 1, READ_WRITE, Sharing::Shared).expect("mapped");
    mapping.store(0, b'1');
    let faults = || {
        let (minor, major) = faults_of(|| mapping.store(0, b'2'));
        minor + major
    };
    // Other memory of this process may fault between the two counts, and the kernel may write the page back.
    assert!((0..10).any(|_| faults() == 0), "no fault any more");
    assert!((0..10).all(|_| file.sync_all().is_ok_and(|()| faults() >= 1)), "each time");
}

#[test]
fn neighbours_can_be_one_line_of_maps_and_one_mapping_several() {
    let page = page_size();
    // On overlayfs the kernel leaves neighbours apart.
    let file = memory_file();
    file.set_len(3 * page_size_u64()).expect("a size");
    let mapping = Mapping::anonymous(3 * page, ProtFlags::PROT_NONE, Sharing::Private).expect("mapped");
    let lines = || maps_of(mapping.range()).expect("maps").len();
    let middle = at(mapping.address() + page);
    // SAFETY: the page is this test's own, and nothing refers to it.
    let protect = |protection| unsafe { mprotect(middle, page, protection) }.expect("as the descriptor allows");
    map_over(&mapping, 0, 3 * page, &file, 0);
    protect(READ_WRITE);
    assert_eq!(lines(), 3, "a mapping with another protection in its middle");
    for n in 0..3 {
        map_over(&mapping, n * page, page, &file, (n * page).try_into().expect("small"));
    }
    assert_eq!(lines(), 1, "three mappings, each of which goes on where the one before it ends");
    // SAFETY: as above.
    unsafe { munmap(middle, page) }.expect("unmapped");
    assert_eq!(lines(), 2, "the second of the three is unmapped, which divides the line");
}

#[test]
fn a_mapping_also_ends_when_another_is_put_over_it_or_it_is_moved() {
    let page = page_size();
    let (_directory, path) = file_with(b"file");
    let file = open(&path);
    let map = || Mapping::of_file(&file, 0, 1, ProtFlags::PROT_READ, Sharing::Shared).expect("mapped");
    let names = |mapping: &Mapping| {
        let areas = maps_of(mapping.range()).expect("maps");
        areas.iter().filter(|area| Path::new(&area.name()) == path).count()
    };
    let (first, second) = (map(), map());
    map_over(&first, 0, page, &memory_file(), 0);
    assert_eq!((names(&first), names(&second)), (0, 1));
    let moved = Mapping::anonymous(1, READ_WRITE, Sharing::Private).expect("mapped");
    moved.store(0, b'm');
    let flags = MRemapFlags::MREMAP_MAYMOVE | MRemapFlags::MREMAP_FIXED;
    // SAFETY: both pages are this test's own, and nothing refers to them.
    unsafe { mremap(at(moved.address()), page, page, flags, Some(at(second.address()))) }.expect("moved");
    assert_eq!((names(&second), second.load(0)), (0, b'm'));
    let range = moved.range();
    std::mem::forget(moved); // It owns no addresses any more.
    assert!(maps_of(range).expect("maps").is_empty());
}

/// mseal(2), whose number is the same on every processor of the workbook.
#[test]
fn what_is_sealed_with_mseal_is_not_unmapped() {
    const MSEAL: libc::c_long = 462;
    let mapping = Mapping::anonymous(1, READ_WRITE, Sharing::Private).expect("mapped");
    let (child, peer) = Child::fork(|peer| {
        // SAFETY: it changes no memory; the seal ends with the child.
        let sealed = Errno::result(unsafe { libc::syscall(MSEAL, mapping.address(), page_size(), 0) });
        // SAFETY: the page is this test's own, and nothing refers to it.
        let unmapped = sealed.and_then(|_| unsafe { munmap(at(mapping.address()), page_size()) });
        peer.send(&unmapped.err().map_or(0, |errno| errno as i32).to_ne_bytes())
    })
    .expect("a child");
    let answer = peer.receive().expect("an answer");
    child.wait().and_then(Ended::success).expect("it ends");
    match Errno::from_raw(i32::from_ne_bytes(answer.try_into().expect("an errno"))) {
        Errno::ENOSYS => eprintln!("skipped: mseal(2) needs Linux 6.10"),
        errno => assert_eq!(errno, Errno::EPERM),
    }
}

#[test]
fn a_hint_is_rounded_to_a_page_and_to_the_lowest_address() {
    let page = page_size();
    let map = |hint: usize| {
        let (hint, length) = (NonZeroUsize::new(hint), NonZeroUsize::new(page).expect("a page"));
        let (none, flags) = (ProtFlags::PROT_NONE, MapFlags::MAP_PRIVATE);
        // SAFETY: without MAP_FIXED nothing is replaced.
        let start = unsafe { mmap_anonymous(hint, length, none, flags) }.expect("mapped");
        // SAFETY: the page was mapped just now, and nothing refers to it.
        unsafe { munmap(start, page) }.expect("unmapped");
        start.as_ptr().expose_provenance()
    };
    let free = map(0);
    assert_eq!(map(free + page / 2), free);
    let lowest = std::fs::read_to_string("/proc/sys/vm/mmap_min_addr").expect("the lowest address");
    let lowest: usize = lowest.trim().parse().expect("a number");
    let low = map(page);
    assert!(low >= lowest, "{low:#x}, {lowest:#x}");
}

#[test]
fn segv_maperr_is_also_a_guard_in_a_mapping_and_an_impossible_address_is_si_kernel() {
    const MADV_GUARD_INSTALL: i32 = 102;
    let mapping = Mapping::anonymous(1, READ_WRITE, Sharing::Private).expect("mapped");
    // SAFETY: it discards the contents of this test's own page, to which nothing refers.
    match Errno::result(unsafe { libc::madvise(at(mapping.address()).as_ptr(), page_size(), MADV_GUARD_INSTALL) }) {
        Err(errno) => eprintln!("skipped: MADV_GUARD_INSTALL needs Linux 6.13: {errno}"),
        Ok(_) => {
            let ended = end_of(|| _ = mapping.load(0)).expect("a child");
            assert_eq!(ended.cause(), Some(Cause::NotMapped), "{ended}");
            assert!(matches!(ended, Ended::Faulted(_, Some(_))), "a mapping is there: {ended:?}");
        }
    }
    if cfg!(target_arch = "x86_64") {
        // SAFETY: nothing is ever mapped there.
        let ended = end_of(|| _ = unsafe { load_at(1 << 62) }).expect("a child");
        let fault = ended.fault().expect("a fault");
        assert_eq!((fault.signal, fault.code, fault.address), (Signal::SIGSEGV, libc::SI_KERNEL, 0));
    }
}

/// Whatever the protection, but for execution: that is up to the file system, too.
#[test]
fn a_mapping_needs_reading_and_a_shared_writable_one_writing_too() {
    let (_directory, path) = file_with(b"x");
    let (read, write) = (ProtFlags::PROT_READ, ProtFlags::PROT_WRITE);
    for (may_read, may_write) in [(true, false), (false, true), (true, true)] {
        let file = File::options().read(may_read).write(may_write).open(&path).expect("the file opens");
        for protection in [ProtFlags::PROT_NONE, read, write, read | write] {
            for sharing in [Sharing::Shared, Sharing::Private] {
                let answer = Mapping::of_file(&file, 0, 1, protection, sharing).map(drop);
                let stores_to_the_file = sharing == Sharing::Shared && protection.contains(write);
                let allowed = may_read && (may_write || !stores_to_the_file);
                let expected = if allowed { Ok(()) } else { Err(Errno::EACCES) };
                assert_eq!(answer, expected, "{may_read} {may_write} {protection:?} {sharing:?}");
            }
        }
    }
}

/// A mapping with PROT_READ alone counts as well, if mprotect(2) could make it writable.
#[test]
fn f_seal_write_is_refused_while_a_mapping_may_become_writable() {
    let file = memory_file();
    file.set_len(1).expect("a size");
    let seal = || fcntl(&file, FcntlArg::F_ADD_SEALS(SealFlag::F_SEAL_WRITE)).map(drop);
    let map = |file: &File| Mapping::of_file(file, 0, 1, ProtFlags::PROT_READ, Sharing::Shared).expect("mapped");
    let may_become_writable = map(&file);
    assert_eq!(seal(), Err(Errno::EBUSY));
    drop(may_become_writable);
    let for_reading = File::open(format!("/proc/self/fd/{}", file.as_fd().as_raw_fd())).expect("it opens");
    let _mapping = map(&for_reading);
    assert_eq!(seal(), Ok(()));
}

#[test]
fn on_a_disk_what_is_stored_past_the_end_is_zeroed_when_the_page_is_written() {
    let Some(file) = file_on_a_disk() else { return };
    file.set_len(10).expect("a size");
    let mapping = Mapping::of_file(&file, 0, 10, READ_WRITE, Sharing::Shared).expect("mapped");
    mapping.store(20, b'S');
    file.sync_all().expect("written to the disk");
    assert_eq!(mapping.load(20), 0, "while it is mapped");
    file.set_len(30).expect("a size");
    let mut byte = [b'?'];
    file.read_exact_at(&mut byte, 20).expect("read");
    assert_eq!(byte, [0]);
}

/// The file is in the lower layer when `r` is opened for reading and mapped. Opening it for writing copies it up.
#[test]
fn on_overlayfs_a_mapping_from_before_the_copy_up_shows_the_old_file() {
    let body = |disk: &Path, peer: &Peer| {
        let [lower, upper, work, merged] = ["lower", "upper", "work", "merged"].map(|name| disk.join(name));
        [&lower, &upper, &work, &merged].into_iter().try_for_each(std::fs::create_dir)?;
        std::fs::write(lower.join("f"), "old")?;
        std::fs::write(lower.join("g"), "old")?;
        let layers = [("lowerdir", &lower), ("upperdir", &upper), ("workdir", &work)];
        let options = layers.map(|(name, directory)| format!("{name}={}", directory.display())).join(",");
        let overlay = Some("overlay");
        if let Err(errno) = mount(overlay, &merged, overlay, MsFlags::empty(), Some(options.as_str())) {
            return peer.send(format!("mount(2), overlay: {errno}").as_bytes());
        }
        let path = merged.join("f");
        let r = File::open(&path)?;
        let map = || Mapping::of_file(&r, 0, 1, ProtFlags::PROT_READ, Sharing::Shared);
        let mapping = map()?;
        mapping.load(0);
        File::options().write(true).open(&path)?.write_all_at(b"N", 0)?;
        let first_byte = |file: &File| -> io::Result<u8> {
            let mut byte = [0];
            file.read_exact_at(&mut byte, 0)?;
            Ok(byte[0])
        };
        let (start, flags) = (at(mapping.address()), SyncFlags::MS_SYNC | SyncFlags::MS_INVALIDATE);
        // SAFETY: msync(2) changes no memory.
        unsafe { msync(start, page_size(), flags) }?;
        // SAFETY: it changes no byte of a shared mapping.
        unsafe { madvise(start, page_size(), MmapAdvise::MADV_DONTNEED) }?;
        let mut seen = vec![first_byte(&r)?, mapping.load(0), map()?.load(0), first_byte(&File::open(&path)?)?];
        // chmod(2) copies a file up as well: of two descriptors, one from before and one from after, both from before
        // the first writer, only the second leads to the file that is written.
        let path = merged.join("g");
        let before = File::open(&path)?;
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o640))?;
        let after = File::open(&path)?;
        let of_both = [&before, &after].map(|r| Mapping::of_file(r, 0, 1, ProtFlags::PROT_READ, Sharing::Shared));
        File::options().write(true).open(&path)?.write_all_at(b"N", 0)?;
        for mapping in of_both {
            seen.push(mapping?.load(0));
        }
        peer.send(&seen)
    };
    let mut seen = Vec::new();
    let ran = on_a_small_disk(1 << 20, body, |peer| {
        seen = peer.receive()?;
        Ok(())
    });
    match ran.expect("a child") {
        OnSmallDisk::Skipped(reason) => eprintln!("skipped: {reason}"),
        OnSmallDisk::Ran(ended) => {
            assert_eq!(ended, Ended::Exited(0));
            match seen.as_slice() {
                reason if reason.starts_with(b"mount") => eprintln!("skipped: {}", String::from_utf8_lossy(reason)),
                seen => assert_eq!(
                    seen, b"NooNoN",
                    "read(2); the mapping; a new mapping; the file opened anew; mapped before and after chmod(2)"
                ),
            }
        }
    }
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
