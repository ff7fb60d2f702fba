//! What POSIX and the man pages assert about mmap(2) and munmap(2), and no scenario can express: addresses, flags,
//! limits, times. The book's appendix "What is asserted, and where it is shown" names these tests.

mod common;

use std::fs::{File, Metadata};
use std::io::{self, Read, Seek};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::ptr;
use std::time::{Duration, Instant, SystemTime};

use mmap_workbook::observe::{page_size, page_size_u64, smaps_of};
use mmap_workbook::process::{Cause, DEADLINE, Ended, OnSmallDisk, Peer, end_of, on_a_small_disk};
use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, FcntlArg, SealFlag, fallocate, fcntl};
use nix::libc;
use nix::mount::{MsFlags, mount};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::mman::{MlockAllFlags, mlockall};
use nix::sys::resource::{Resource, setrlimit};
use nix::unistd::{Uid, setuid};

const ANONYMOUS: i32 = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
const BOTH: i32 = libc::PROT_READ | libc::PROT_WRITE;

/// The raw call, with any arguments.
fn mmap(address: usize, length: usize, protection: i32, flags: i32, fd: RawFd, offset: i64) -> Result<usize, Errno> {
    assert!(flags & libc::MAP_FIXED == 0 || address == 0 || is_ours(address) || !address.is_multiple_of(page_size()));
    let address = ptr::with_exposed_provenance_mut(address);
    // SAFETY: without MAP_FIXED a mapping replaces nothing; with it the address is one that `ours` has reserved, or
    // none that can be mapped (checked above).
    let mapped = unsafe { libc::mmap(address, length, protection, flags, fd, offset) };
    if mapped == libc::MAP_FAILED { Err(Errno::last()) } else { Ok(mapped.expose_provenance()) }
}

fn munmap(address: usize, length: usize) -> Result<(), Errno> {
    // SAFETY: the callers unmap only what they have mapped themselves, or addresses that can't be mapped.
    Errno::result(unsafe { libc::munmap(ptr::with_exposed_provenance_mut(address), length) }).map(drop)
}

fn mprotect(address: usize, length: usize, protection: i32) -> Result<(), Errno> {
    // SAFETY: the callers have mapped this range themselves, and access it afterwards only as the new protection
    // allows.
    Errno::result(unsafe { libc::mprotect(ptr::with_exposed_provenance_mut(address), length, protection) }).map(drop)
}

fn load(address: usize) -> u8 {
    // SAFETY: the callers have mapped it for reading.
    unsafe { ptr::with_exposed_provenance::<u8>(address).read_volatile() }
}

fn store(address: usize, byte: u8) {
    // SAFETY: the callers have mapped it for writing, and no Rust object lives there.
    unsafe { ptr::with_exposed_provenance_mut::<u8>(address).write_volatile(byte) };
}

thread_local! {
    static OURS: std::cell::RefCell<Vec<std::ops::Range<usize>>> = const { std::cell::RefCell::new(Vec::new()) };
}

/// Maps pages that MAP_FIXED may replace.
fn ours(pages: usize) -> usize {
    let length = pages * page_size();
    let start = mmap(0, length, BOTH, ANONYMOUS, -1, 0).expect("mapped");
    OURS.with_borrow_mut(|ranges| ranges.push(start..start + length));
    start
}

fn is_ours(address: usize) -> bool {
    OURS.with_borrow(|ranges| ranges.iter().any(|range| range.contains(&address)))
}

fn file(bytes: &[u8]) -> io::Result<File> {
    let file = tempfile::tempfile()?;
    file.write_all_at(bytes, 0)?;
    Ok(file)
}

#[test]
fn map_fixed_replaces_what_is_mapped_there() {
    let (page, file) = (page_size(), file(b"new").expect("a file"));
    let start = ours(3);
    (0..3).for_each(|n| store(start + n * page, b'o'));
    let mapped = mmap(start + page, 3, libc::PROT_READ, libc::MAP_SHARED | libc::MAP_FIXED, file.as_raw_fd(), 0);
    assert_eq!(mapped, Ok(start + page), "the address, exactly");
    assert_eq!([0, 1, 2].map(|n| load(start + n * page)), *b"ono", "that page, and no other");
    munmap(start, 3 * page).expect("unmapped");
}

#[test]
fn map_fixed_noreplace_leaves_what_is_mapped_there() {
    let start = ours(1);
    store(start, b'o');
    let flags = ANONYMOUS | libc::MAP_FIXED_NOREPLACE;
    assert_eq!(mmap(start, page_size(), BOTH, flags, -1, 0), Err(Errno::EEXIST));
    assert_eq!(load(start), b'o');
    munmap(start, page_size()).expect("unmapped");
}

#[test]
fn an_address_without_map_fixed_is_a_hint() {
    let (page, start) = (page_size(), ours(1));
    store(start, b'o');
    let other = mmap(start, page, BOTH, ANONYMOUS, -1, 0).expect("mapped elsewhere");
    assert!(other != start && other.is_multiple_of(page) && other != 0);
    assert_eq!(load(start), b'o', "what is mapped stays");
    munmap(start, page).expect("unmapped");
    munmap(other, page).expect("unmapped");
}

#[test]
fn a_mapping_is_shared_or_private_and_not_neither() {
    let file = file(b"x").expect("a file");
    for flags in [0, libc::MAP_FILE, libc::MAP_NORESERVE] {
        assert_eq!(mmap(0, 1, libc::PROT_READ, flags, file.as_raw_fd(), 0), Err(Errno::EINVAL), "flags {flags:#x}");
    }
}

#[test]
fn addresses_and_offsets_that_cannot_be_are_refused() {
    let (page, file) = (page_size(), file(b"x").expect("a file"));
    let last = i64::MAX - i64::MAX % i64::try_from(page).expect("a page size");
    let fd = file.as_raw_fd();
    assert_eq!(mmap(0, 2 * page, libc::PROT_READ, libc::MAP_SHARED, fd, last), Err(Errno::EOVERFLOW));
    assert_eq!(mmap(page + 1, page, BOTH, ANONYMOUS | libc::MAP_FIXED, -1, 0), Err(Errno::EINVAL));
    assert_eq!(mmap(0, usize::MAX - page, BOTH, ANONYMOUS, -1, 0), Err(Errno::ENOMEM));
    assert_eq!(mmap(0, 1, libc::PROT_READ, libc::MAP_SHARED, -1, 0), Err(Errno::EBADF));
    assert_eq!(munmap(usize::MAX - 2 * page + 1, 4 * page), Err(Errno::EINVAL), "past the last address");
}

/// POSIX: between the store and the next msync(2). The access times are left to the mount options.
#[test]
fn a_store_and_msync_mark_the_modification_time() {
    let file = file(b"x").expect("a file");
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
    file.set_modified(long_ago).expect("set");
    let start = mmap(0, 1, BOTH, libc::MAP_SHARED, file.as_raw_fd(), 0).expect("mapped");
    let before = file.metadata().expect("asked");
    assert_eq!(before.modified().expect("known"), long_ago, "mapping does not modify the file");
    // The kernel's clock for files may advance in steps of ten milliseconds: wait until another file gets a later time.
    let changed = |metadata: &Metadata| (metadata.ctime(), metadata.ctime_nsec());
    let clock = tempfile::tempfile().expect("a file");
    let deadline = Instant::now() + DEADLINE;
    while changed(&clock.metadata().expect("asked")) <= changed(&before) {
        assert!(Instant::now() < deadline, "the clock stands still");
        clock.set_modified(long_ago).expect("set");
    }
    store(start, b'y');
    // SAFETY: msync(2) changes no memory.
    Errno::result(unsafe { libc::msync(ptr::with_exposed_provenance_mut(start), 1, libc::MS_SYNC) }).expect("synced");
    let after = file.metadata().expect("asked");
    assert!(after.modified().expect("known") > long_ago);
    assert!(changed(&after) > changed(&before), "{before:?} {after:?}");
    munmap(start, 1).expect("unmapped");
}

#[test]
fn munmap_unlocks() {
    let (page, start) = (page_size(), ours(1));
    let locked =
        || procfs::process::Process::myself().and_then(|me| me.status()).expect("status").vmlck.expect("VmLck");
    let before = locked();
    // SAFETY: mlock(2) changes no memory.
    if unsafe { libc::mlock(ptr::with_exposed_provenance(start), page) } != 0 {
        println!("skipped: mlock(2) of a page: {}", Errno::last());
        return;
    }
    assert!(locked() > before);
    munmap(start, page).expect("unmapped");
    assert_eq!(locked(), before);
}

#[test]
fn an_unknown_flag_is_refused_by_map_shared_validate_and_no_other() {
    let file = file(b"x").expect("a file");
    let ask = |flags| {
        let start = mmap(0, 1, libc::PROT_READ, flags, file.as_raw_fd(), 0)?;
        munmap(start, 1)
    };
    let unknown = 1 << 21;
    assert_eq!(ask(libc::MAP_SHARED_VALIDATE), Ok(()));
    assert_eq!(ask(libc::MAP_SHARED_VALIDATE | unknown), Err(Errno::EOPNOTSUPP));
    for ignored in [unknown, libc::MAP_DENYWRITE, libc::MAP_EXECUTABLE, libc::MAP_FILE, libc::MAP_STACK] {
        assert_eq!(ask(libc::MAP_SHARED | ignored), Ok(()), "{ignored:#x}");
        assert_eq!(ask(libc::MAP_PRIVATE | ignored), Ok(()), "{ignored:#x}");
    }
}

#[test]
fn map_populate_brings_the_pages_and_madv_dontneed_drops_them() {
    let (page, pages) = (page_size(), 8);
    let (length, file) = (pages * page, file(&vec![b'x'; pages * page]).expect("a file"));
    let resident = |start: usize| {
        let kib = smaps_of(start..start + length).expect("smaps")[0].kib("Rss").expect("a field");
        usize::try_from(kib * 1024).expect("small") / page
    };
    let map = |flags| mmap(0, length, libc::PROT_READ, libc::MAP_SHARED | flags, file.as_raw_fd(), 0).expect("mapped");
    let (plain, populated) = (map(0), map(libc::MAP_POPULATE));
    let before = (resident(plain), resident(populated));
    // SAFETY: it changes no byte of a shared mapping.
    let gone = unsafe { libc::madvise(ptr::with_exposed_provenance_mut(populated), length, libc::MADV_DONTNEED) };
    assert_eq!((gone, before, resident(populated)), (0, (0, pages), 0));
    assert_eq!(load(populated), b'x');
    munmap(plain, length).expect("unmapped");
    munmap(populated, length).expect("unmapped");
}

/// In a child that may lock next to nothing. As root it gives up its privileges first: root may lock anything.
#[test]
fn what_mlockall_can_not_lock_is_not_mapped() {
    let ended = end_of(|| {
        let limit = 8 * page_size_u64();
        setrlimit(Resource::RLIMIT_MEMLOCK, limit, limit).expect("a lower limit");
        if Uid::effective().is_root() {
            setuid(Uid::from_raw(65_534)).expect("nobody");
        }
        mlockall(MlockAllFlags::MCL_FUTURE).expect("what is mapped from now on");
        assert_eq!(mmap(0, 64 * page_size(), BOTH, ANONYMOUS, -1, 0), Err(Errno::EAGAIN));
    });
    assert_eq!(ended.expect("a child"), Ended::Exited(0));
}

#[test]
fn more_data_than_the_limit_is_enomem() {
    let ended = end_of(|| {
        setrlimit(Resource::RLIMIT_DATA, page_size_u64(), page_size_u64()).expect("a lower limit");
        assert_eq!(mmap(0, page_size(), BOTH, ANONYMOUS, -1, 0), Err(Errno::ENOMEM));
        let reading = mmap(0, page_size(), libc::PROT_READ, ANONYMOUS, -1, 0);
        assert!(reading.is_ok(), "a read-only mapping does not count as data");
    });
    assert_eq!(ended.expect("a child"), Ended::Exited(0));
}

/// Each change to a page in the middle of a mapping makes one or two mappings more.
#[test]
fn more_mappings_than_the_limit_are_enomem() {
    let limit = std::fs::read_to_string("/proc/sys/vm/max_map_count").expect("the limit");
    let limit: usize = limit.trim().parse().expect("a number");
    if limit > 100_000 {
        println!("skipped: to make {limit} mappings takes too long");
        return;
    }
    let ended = end_of(|| {
        let (page, length) = (page_size(), 2 * limit * page_size());
        let start = mmap(0, length, libc::PROT_NONE, ANONYMOUS | libc::MAP_NORESERVE, -1, 0).expect("mapped");
        let answers = (0..limit).map(|n| mprotect(start + (2 * n + 1) * page, page, libc::PROT_READ));
        let refused = answers.zip(0..limit).find(|(answer, _)| answer.is_err()).expect("there is a limit");
        // Its protection differs from its neighbours', so it can't merge with them.
        let another = || mmap(0, page, libc::PROT_EXEC, ANONYMOUS, -1, 0);
        let middle = munmap(start + (2 * limit - 3) * page, page);
        let mapped = (0..4).map(|_| another()).find(Result::is_err);
        munmap(start, length).expect("unmapping reduces their number");
        assert_eq!((refused.0, middle, mapped), (Err(Errno::ENOMEM), Err(Errno::ENOMEM), Some(Err(Errno::ENOMEM))));
    });
    assert_eq!(ended.expect("a child"), Ended::Exited(0));
}

#[test]
fn prot_exec_on_a_file_system_mounted_noexec_is_eperm() {
    let body = |disk: &Path, _: &Peer| {
        let (none, flags) = (None::<&str>, MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_NOEXEC);
        mount(none, disk, none, flags | MsFlags::MS_NOSUID, none)?;
        let file = tempfile::tempfile_in(disk)?;
        file.set_len(1)?;
        let ask = |protection| mmap(0, 1, protection, libc::MAP_PRIVATE, file.as_raw_fd(), 0);
        assert_eq!(ask(libc::PROT_READ | libc::PROT_EXEC), Err(Errno::EPERM));
        let start = ask(libc::PROT_READ).expect("mapped");
        assert_eq!(mprotect(start, 1, libc::PROT_EXEC), Err(Errno::EACCES));
        Ok(())
    };
    match on_a_small_disk(page_size_u64(), body, |_| Ok(())).expect("a child") {
        OnSmallDisk::Skipped(reason) => println!("skipped: {reason}"),
        OnSmallDisk::Ran(ended) => assert_eq!(ended, Ended::Exited(0)),
    }
}

#[test]
fn mprotect_and_madvise_refuse_what_they_do_not_know_and_addresses_within_a_page() {
    let (page, start) = (page_size(), ours(2));
    let advise = |address: usize, advice| {
        // SAFETY: this test mapped the page, and its bytes don't matter.
        Errno::result(unsafe { libc::madvise(ptr::with_exposed_provenance_mut(address), page, advice) }).map(drop)
    };
    assert_eq!(mprotect(start + 1, page, libc::PROT_READ), Err(Errno::EINVAL));
    assert_eq!(mprotect(start, page, 1 << 20), Err(Errno::EINVAL));
    assert_eq!(mprotect(start, page, libc::PROT_GROWSDOWN | libc::PROT_GROWSUP), Err(Errno::EINVAL));
    assert_eq!(advise(start + 1, libc::MADV_DONTNEED), Err(Errno::EINVAL));
    assert_eq!(advise(start, 1 << 20), Err(Errno::EINVAL));
    munmap(start, 2 * page).expect("unmapped");
}

#[test]
fn locked_pages_are_not_let_go_nor_invalidated_nor_inherited() {
    let (page, start) = (page_size(), ours(1));
    let there = || ptr::with_exposed_provenance_mut(start);
    store(start, b'x');
    // SAFETY: mlock(2) changes no memory.
    if unsafe { libc::mlock(there(), page) } != 0 {
        println!("skipped: mlock(2) of a page: {}", Errno::last());
        return;
    }
    // SAFETY: this test mapped the page, and its bytes don't matter.
    let advised = Errno::result(unsafe { libc::madvise(there(), page, libc::MADV_DONTNEED) }).map(drop);
    assert_eq!((advised, load(start)), (Err(Errno::EINVAL), b'x'));
    // SAFETY: msync(2) changes no memory.
    let synced = Errno::result(unsafe { libc::msync(there(), page, libc::MS_SYNC | libc::MS_INVALIDATE) });
    assert_eq!(synced, Err(Errno::EBUSY));
    let locked = || smaps_of(start..start + page).expect("smaps")[0].kib("Locked").expect("a field");
    assert!(locked() > 0);
    assert_eq!(end_of(|| assert_eq!(locked(), 0)).expect("a child"), Ended::Exited(0));
    munmap(start, page).expect("unmapped");
}

#[test]
fn a_child_has_no_dontfork_pages_and_zeros_for_wipeonfork_pages() {
    let page = page_size();
    let advised = |advice| {
        let start = ours(1);
        store(start, b'x');
        // SAFETY: it only changes what a child gets of these pages.
        let answer = unsafe { libc::madvise(ptr::with_exposed_provenance_mut(start), page, advice) };
        assert_eq!(answer, 0, "{}", Errno::last());
        start
    };
    let (dontfork, wiped) = (advised(libc::MADV_DONTFORK), advised(libc::MADV_WIPEONFORK));
    let ended = end_of(|| _ = load(dontfork)).expect("a child");
    assert_eq!(ended.cause(), Some(Cause::NotMapped), "{ended}");
    assert_eq!(end_of(|| assert_eq!(load(wiped), 0)).expect("a child"), Ended::Exited(0));
    assert_eq!([load(dontfork), load(wiped)], [b'x'; 2], "unchanged in the parent");
    munmap(dontfork, page).expect("unmapped");
    munmap(wiped, page).expect("unmapped");
}

#[test]
fn a_child_has_the_same_open_file_with_its_offset() {
    let mut file = file(b"abcdef").expect("a file");
    file.rewind().expect("at its beginning");
    let mut bytes = [0; 3];
    let ended = end_of(|| (&file).read_exact(&mut [0; 3]).expect("read"));
    assert_eq!(ended.expect("a child"), Ended::Exited(0));
    file.read_exact(&mut bytes).expect("read");
    assert_eq!(&bytes, b"def");
}

#[test]
fn seals_are_the_files_and_only_grow_and_need_a_writable_descriptor() {
    let seals = |file: &File| fcntl(file, FcntlArg::F_GET_SEALS).map(SealFlag::from_bits_retain);
    let seal = |file: &File, seals| fcntl(file, FcntlArg::F_ADD_SEALS(seals)).map(drop);
    let (shrink, grow, last) = (SealFlag::F_SEAL_SHRINK, SealFlag::F_SEAL_GROW, SealFlag::F_SEAL_SEAL);
    let memory = |flags| memfd_create(c"posix", flags | MFdFlags::MFD_CLOEXEC).map(File::from).expect("a memory file");
    let first = memory(MFdFlags::MFD_ALLOW_SEALING);
    assert_eq!(seals(&first), Ok(SealFlag::empty()));
    let reopened = File::open(format!("/proc/self/fd/{}", first.as_raw_fd())).expect("open for reading");
    assert_eq!(seal(&reopened, shrink), Err(Errno::EPERM), "it must be open for writing");
    assert_eq!((seal(&first, shrink), seal(&first, shrink), seal(&first, grow)), (Ok(()), Ok(()), Ok(())));
    assert_eq!((seals(&first), seals(&reopened)), (Ok(shrink | grow), Ok(shrink | grow)));
    assert_eq!((seal(&first, last), seal(&first, SealFlag::F_SEAL_WRITE)), (Ok(()), Err(Errno::EPERM)));
    assert_eq!(seals(&memory(MFdFlags::empty())), Ok(last), "without MFD_ALLOW_SEALING");
    // A file on tmpfs is sealed against seals; other file systems have no seals.
    let refused = seal(&file(b"x").expect("a file"), shrink);
    assert!(matches!(refused, Err(Errno::EINVAL | Errno::EPERM)), "{refused:?}");
}

#[test]
fn under_f_seal_grow_fallocate_is_eperm_too() {
    let file = File::from(memfd_create(c"posix", MFdFlags::MFD_ALLOW_SEALING | MFdFlags::MFD_CLOEXEC).expect("a file"));
    file.set_len(page_size_u64()).expect("a size");
    fcntl(&file, FcntlArg::F_ADD_SEALS(SealFlag::F_SEAL_GROW)).expect("sealed");
    let size = libc::off_t::try_from(page_size()).expect("small");
    assert_eq!(fallocate(&file, FallocateFlags::empty(), 0, size), Ok(()));
    assert_eq!(fallocate(&file, FallocateFlags::empty(), 0, size + 1), Err(Errno::EPERM));
    let errno = |error: io::Error| error.raw_os_error().map(Errno::from_raw);
    assert_eq!(file.set_len(page_size_u64() + 1).map_err(errno), Err(Some(Errno::EPERM)));
    assert_eq!(file.write_at(b"x", page_size_u64()).map_err(errno), Err(Some(Errno::EPERM)));
    assert!(file.write_at(b"x", 0).is_ok() && file.set_len(1).is_ok());
}

#[test]
fn msync_refuses_flags_that_contradict_and_addresses_within_a_page() {
    let (page, start) = (page_size(), ours(1));
    let msync = |address: usize, flags| {
        // SAFETY: msync(2) changes no memory.
        Errno::result(unsafe { libc::msync(ptr::with_exposed_provenance_mut(address), page, flags) }).map(drop)
    };
    assert_eq!(msync(start, libc::MS_SYNC | libc::MS_ASYNC), Err(Errno::EINVAL));
    assert_eq!(msync(start + 1, libc::MS_SYNC), Err(Errno::EINVAL));
    assert_eq!(msync(start, 0), Ok(()), "Linux requires neither flag");
    munmap(start, page).expect("unmapped");
}

#[test]
fn execve_keeps_no_mapping() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), "x").expect("written");
    let start = mmap(0, 1, libc::PROT_READ, libc::MAP_SHARED, file.as_file().as_raw_fd(), 0).expect("mapped");
    let path = file.path().to_str().expect("text");
    let child = std::process::Command::new("cat").arg("/proc/self/maps").output().expect("cat runs");
    let of_child = String::from_utf8(child.stdout).expect("text");
    assert!(std::fs::read_to_string("/proc/self/maps").expect("read").contains(path));
    assert!(of_child.lines().count() > 5 && !of_child.contains(path));
    munmap(start, 1).expect("unmapped");
}
