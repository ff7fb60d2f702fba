//! What POSIX and the man pages assert about mapping memory, and no scenario can express: addresses, flags, limits, times,
//! mremap(2), mlock(2), mincore(2). The book's appendix "What is asserted, and where it is shown" names these tests.

mod common;

use std::fs::{File, FileTimes, Metadata};
use std::io::{self, Read, Seek};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::Path;
use std::ptr;
use std::time::{Instant, SystemTime};

use mmap_workbook::lesson_2::CODE;
use mmap_workbook::observe::{in_page_cache, maps_of, page_size, page_size_u64, smaps_of};
use mmap_workbook::process::{Cause, DEADLINE, Ended, OnSmallDisk, Peer, end_of, on_a_small_disk};
use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, FcntlArg, SealFlag, fallocate, fcntl};
use nix::libc;
use nix::mount::{MsFlags, mount};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::mman::{MlockAllFlags, mlockall, munlockall};
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::statvfs::{FsFlags, fstatvfs};
use nix::unistd::{Uid, setuid};
use procfs::process::VmFlags;

const ANONYMOUS: i32 = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
const BOTH: i32 = libc::PROT_READ | libc::PROT_WRITE;
/// No process of any Linux has addresses from here on: they are the kernel's.
const LAST_PAGES: usize = usize::MAX - (1 << 20);

/// The raw call, with any arguments.
fn mmap(address: usize, length: usize, protection: i32, flags: i32, fd: RawFd, offset: i64) -> Result<usize, Errno> {
    let replaces = flags & libc::MAP_FIXED != 0 && address.is_multiple_of(page_size()) && address < LAST_PAGES;
    assert!(!replaces || is_ours(address));
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

fn msync(address: usize, length: usize, flags: i32) -> Result<(), Errno> {
    // SAFETY: msync(2) changes no memory.
    Errno::result(unsafe { libc::msync(ptr::with_exposed_provenance_mut(address), length, flags) }).map(drop)
}

fn madvise(address: usize, length: usize, advice: i32) -> Result<(), Errno> {
    // SAFETY: the callers have mapped this range themselves, and expect of its bytes only what the advice leaves.
    Errno::result(unsafe { libc::madvise(ptr::with_exposed_provenance_mut(address), length, advice) }).map(drop)
}

fn mlock(address: usize, length: usize) -> Result<(), Errno> {
    // SAFETY: mlock(2) changes no memory.
    Errno::result(unsafe { libc::mlock(ptr::with_exposed_provenance(address), length) }).map(drop)
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

fn memory_file(flags: MFdFlags) -> File {
    memfd_create(c"posix", flags | MFdFlags::MFD_CLOEXEC).map(File::from).expect("a memory file")
}

/// A field of smaps for these addresses, in KiB. Neighbours that the kernel has merged with them count, too.
fn kib(range: std::ops::Range<usize>, field: &str) -> u64 {
    smaps_of(range).expect("smaps").iter().map(|area| area.kib(field).expect("a field")).sum()
}

/// Runs the body in a child that may lock this number of pages. As root it gives up its privileges first: root may lock
/// anything.
fn may_lock(pages: u64, body: impl FnOnce()) {
    let ended = end_of(|| {
        let limit = pages * page_size_u64();
        setrlimit(Resource::RLIMIT_MEMLOCK, limit, limit).expect("a lower limit");
        if Uid::effective().is_root() {
            setuid(Uid::from_raw(65_534)).expect("nobody");
        }
        body();
    });
    assert_eq!(ended.expect("a child"), Ended::Exited(0));
}

const LONG_AGO: SystemTime = SystemTime::UNIX_EPOCH;

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
fn map_fixed_noreplace_replaces_no_page_and_takes_a_free_range() {
    let (page, start) = (page_size(), ours(5));
    munmap(start + page, page).expect("a gap");
    munmap(start + 3 * page, page).expect("another");
    [0, 2, 4].iter().for_each(|n| store(start + n * page, b'o'));
    let ask = |first: usize, pages: usize| {
        mmap(start + first * page, pages * page, BOTH, ANONYMOUS | libc::MAP_FIXED_NOREPLACE, -1, 0)
    };
    // The same range; the end of it is taken, its beginning, its middle, both sides.
    for (first, pages) in [(0, 1), (1, 2), (2, 2), (1, 3), (0, 5)] {
        assert_eq!(ask(first, pages), Err(Errno::EEXIST), "{pages} pages from {first}");
    }
    assert_eq!([0, 2, 4].map(|n| load(start + n * page)), *b"ooo");
    assert_eq!(ask(1, 1), Ok(start + page), "where nothing is mapped");
    munmap(start, 5 * page).expect("unmapped");
}

#[test]
fn an_address_without_map_fixed_is_a_hint() {
    let (page, start) = (page_size(), ours(5));
    store(start, b'o');
    let other = mmap(start, page, BOTH, ANONYMOUS, -1, 0).expect("mapped elsewhere");
    assert!(other != start && other.is_multiple_of(page) && other != 0);
    assert_eq!(load(start), b'o', "what is mapped stays");
    // Of two gaps Linux takes the one that the hint is in, where it would choose the same each time without one.
    let gaps = [start + page, start + 3 * page];
    for gap in gaps.into_iter().chain(gaps.map(|gap| gap + 1)) {
        gaps.into_iter().for_each(|gap| munmap(gap, page).expect("a gap"));
        assert_eq!(mmap(gap, page, BOTH, ANONYMOUS, -1, 0), Ok(gap - gap % page));
    }
    munmap(start, 5 * page).expect("unmapped");
    munmap(other, page).expect("unmapped");
}

#[test]
fn each_protection_goes_with_each_sharing() {
    let file = memory_file(MFdFlags::empty());
    file.set_len(1).expect("a size");
    for protection in 0..8 {
        for (sharing, letter) in [(libc::MAP_SHARED, 's'), (libc::MAP_PRIVATE, 'p')] {
            let start = mmap(0, 1, protection, sharing, file.as_raw_fd(), 0).expect("mapped");
            let letter_if = |flag, letter| if protection & flag == 0 { '-' } else { letter };
            let [r, w, x] =
                [letter_if(libc::PROT_READ, 'r'), letter_if(libc::PROT_WRITE, 'w'), letter_if(libc::PROT_EXEC, 'x')];
            assert_eq!(maps_of(start..start + 1).expect("maps")[0].permissions(), format!("{r}{w}{x}{letter}"));
            munmap(start, 1).expect("unmapped");
        }
    }
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
    let above = mmap(usize::MAX - page + 1, page, BOTH, ANONYMOUS | libc::MAP_FIXED, -1, 0);
    assert_eq!(above, Err(Errno::ENOMEM), "the last page of all addresses");
    let of_file = mmap(usize::MAX - page + 1, page, libc::PROT_READ, libc::MAP_SHARED | libc::MAP_FIXED, fd, 0);
    assert_eq!(of_file, Err(Errno::ENOMEM), "of a file as well");
    assert_eq!(mmap(0, 1, libc::PROT_READ, libc::MAP_SHARED, -1, 0), Err(Errno::EBADF));
    let closed = fcntl(&file, FcntlArg::F_DUPFD_CLOEXEC(fd)).and_then(|fd| nix::unistd::close(fd).map(|()| fd));
    assert_eq!(mmap(0, 1, libc::PROT_READ, libc::MAP_SHARED, closed.expect("closed"), 0), Err(Errno::EBADF));
    assert_eq!(munmap(usize::MAX - 2 * page + 1, 4 * page), Err(Errno::EINVAL), "past the last address");
    let ours = mmap(0, page, BOTH, ANONYMOUS, -1, 0).expect("mapped");
    for (address, length) in [(ours, 0), (ours, usize::MAX - page + 1), (ours, usize::MAX), (ours + 1, page)] {
        assert_eq!(munmap(address, length), Err(Errno::EINVAL), "{length:#x} bytes");
    }
    assert_eq!(munmap(ours, 1), Ok(()), "rounded up");
    assert!(maps_of(ours..ours + page).expect("maps").is_empty());
}

/// POSIX: between the store and the next msync(2).
#[test]
fn a_store_and_msync_mark_the_modification_time() {
    let file = file(b"x").expect("a file");
    file.set_modified(LONG_AGO).expect("set");
    let start = mmap(0, 1, BOTH, libc::MAP_SHARED, file.as_raw_fd(), 0).expect("mapped");
    let before = file.metadata().expect("asked");
    assert_eq!(before.modified().expect("known"), LONG_AGO, "mapping does not modify the file");
    // The kernel's clock for files may advance in steps of ten milliseconds: wait until another file gets a later time.
    let changed = |metadata: &Metadata| (metadata.ctime(), metadata.ctime_nsec());
    let clock = tempfile::tempfile().expect("a file");
    let deadline = Instant::now() + DEADLINE;
    while changed(&clock.metadata().expect("asked")) <= changed(&before) {
        assert!(Instant::now() < deadline, "the clock stands still");
        clock.set_modified(LONG_AGO).expect("set");
    }
    store(start, b'y');
    msync(start, 1, libc::MS_SYNC).expect("synced");
    let after = file.metadata().expect("asked");
    assert!(after.modified().expect("known") > LONG_AGO);
    assert!(changed(&after) > changed(&before), "{before:?} {after:?}");
    munmap(start, 1).expect("unmapped");
}

/// A load has given the page table entry, and with it leave to store: the store is no fault, and nobody sees it.
#[test]
fn on_tmpfs_a_store_after_a_load_leaves_the_modification_time() {
    let file = memory_file(MFdFlags::empty());
    file.set_len(1).expect("a size");
    let start = mmap(0, 1, BOTH, libc::MAP_SHARED, file.as_raw_fd(), 0).expect("mapped");
    let modified = || file.metadata().and_then(|metadata| metadata.modified()).expect("known");
    let marked_by = |access: &dyn Fn()| {
        file.set_modified(LONG_AGO).expect("set");
        access();
        msync(start, 1, libc::MS_SYNC).expect("synced");
        modified() != LONG_AGO
    };
    assert!(!marked_by(&|| assert_eq!(load(start), 0)));
    let marked = marked_by(&|| store(start, b'x'));
    munmap(start, 1).expect("unmapped");
    if marked {
        println!("skipped: this kernel's tmpfs marks it");
    }
}

#[test]
fn relatime_marks_the_access_time_at_mmap() {
    let file = file(b"x").expect("a file");
    if fstatvfs(&file).expect("asked").flags().intersects(FsFlags::ST_NOATIME | FsFlags::ST_RDONLY) {
        println!("skipped: the temporary directory is mounted noatime");
        return;
    }
    let accessed = || file.metadata().and_then(|metadata| metadata.accessed()).expect("known");
    let set_back = || file.set_times(FileTimes::new().set_accessed(LONG_AGO)).expect("set");
    set_back();
    let start = mmap(0, 1, libc::PROT_READ, libc::MAP_SHARED, file.as_raw_fd(), 0).expect("mapped");
    assert!(accessed() > LONG_AGO, "by mmap(2)");
    set_back();
    assert_eq!((load(start), accessed()), (b'x', LONG_AGO), "not by the load");
    munmap(start, 1).expect("unmapped");
}

/// A memory file is a file of tmpfs, which has no other place for the page than the page cache.
#[test]
fn on_tmpfs_what_is_stored_past_the_end_is_in_the_file_when_it_grows() {
    let file = memory_file(MFdFlags::empty());
    file.set_len(10).expect("a size");
    let start = mmap(0, 1, BOTH, libc::MAP_SHARED, file.as_raw_fd(), 0).expect("mapped");
    store(start + 20, b'S');
    munmap(start, 1).expect("unmapped");
    let mut byte = [b'?'];
    assert_eq!(file.read_at(&mut byte, 20).expect("read"), 0, "past the end");
    file.set_len(30).expect("a larger size");
    file.read_exact_at(&mut byte, 20).expect("read");
    match byte {
        [b'S'] => (),
        [0] => println!("skipped: this kernel's tmpfs clears what was stored past the end"),
        _ => panic!("{byte:?}"),
    }
}

/// What hasn't been written to the disk is dirty, as smaps tells.
#[test]
fn ms_sync_writes_what_is_dirty_and_ms_async_does_not() {
    let file = file(b"x").expect("a file");
    let start = mmap(0, 1, BOTH, libc::MAP_SHARED, file.as_raw_fd(), 0).expect("mapped");
    let dirty = || kib(start..start + 1, "Private_Dirty");
    // The kernel may write it back by itself at any moment, so it is tried again.
    let tries = (0..20).map(|_| {
        store(start, b'y');
        let stored = dirty();
        msync(start, 1, libc::MS_ASYNC).expect("asked");
        let asked = dirty();
        msync(start, 1, libc::MS_SYNC).expect("written");
        (stored, asked, dirty())
    });
    let tries: Vec<_> = tries.collect();
    munmap(start, 1).expect("unmapped");
    if tries.iter().all(|(stored, asked, written)| *stored > 0 && asked == stored && written == stored) {
        println!("skipped: on tmpfs the page cache is the only place, and nothing is ever written");
        return;
    }
    assert!(tries.iter().any(|(stored, asked, _)| *stored > 0 && asked == stored), "{tries:?}");
    assert!(tries.iter().all(|(.., written)| *written == 0), "{tries:?}");
}

#[test]
fn munmap_unlocks() {
    let (page, start) = (page_size(), ours(1));
    let locked =
        || procfs::process::Process::myself().and_then(|me| me.status()).expect("status").vmlck.expect("VmLck");
    let before = locked();
    if let Err(errno) = mlock(start, page) {
        println!("skipped: mlock(2) of a page: {errno}");
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
    let memory = memory_file(MFdFlags::empty());
    let sync = libc::MAP_SHARED_VALIDATE | libc::MAP_SYNC;
    let of_memory = mmap(0, 1, libc::PROT_READ, sync, memory.as_raw_fd(), 0);
    assert_eq!(of_memory, Err(Errno::EOPNOTSUPP), "no file of tmpfs is in persistent memory");
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
    let there = |start: usize, field| usize::try_from(kib(start..start + length, field) * 1024).expect("small") / page;
    let map = |protection, flags| mmap(0, length, protection, flags, file.as_raw_fd(), 0).expect("mapped");
    let plain = map(libc::PROT_READ, libc::MAP_SHARED);
    let populated = map(libc::PROT_READ, libc::MAP_SHARED | libc::MAP_POPULATE);
    let before = (there(plain, "Rss"), there(populated, "Rss"));
    let gone = madvise(populated, length, libc::MADV_DONTNEED);
    assert_eq!((gone, before, there(populated, "Rss")), (Ok(()), (0, pages), 0));
    assert_eq!(load(populated), b'x');
    // A private mapping that may be stored to gets its copies at once: a later write isn't seen.
    let private = [libc::PROT_READ, BOTH].map(|protection| map(protection, libc::MAP_PRIVATE | libc::MAP_POPULATE));
    assert_eq!(private.map(|start| (there(start, "Rss"), there(start, "Anonymous"))), [(pages, 0), (pages, pages)]);
    file.write_all_at(b"y", 0).expect("written");
    assert_eq!(private.map(load), *b"yx");
    for start in [plain, populated, private[0], private[1]] {
        munmap(start, length).expect("unmapped");
    }
}

#[test]
fn what_mlockall_can_not_lock_is_not_mapped() {
    may_lock(8, || {
        mlockall(MlockAllFlags::MCL_FUTURE).expect("what is mapped from now on");
        assert_eq!(mmap(0, 64 * page_size(), BOTH, ANONYMOUS, -1, 0), Err(Errno::EAGAIN));
    });
}

#[test]
fn map_locked_locks_or_is_refused() {
    let ask = |pages: usize| mmap(0, pages * page_size(), BOTH, ANONYMOUS | libc::MAP_LOCKED, -1, 0);
    may_lock(0, || assert_eq!(ask(1), Err(Errno::EPERM)));
    may_lock(4, || {
        assert_eq!(ask(64), Err(Errno::EAGAIN));
        let start = ask(2).expect("within the limit");
        assert_eq!(kib(start..start + 1, "Locked") * 1024, 2 * page_size_u64());
        // What can't be brought in is refused by mlock(2), and not by MAP_LOCKED.
        let file = memory_file(MFdFlags::empty());
        let flags = libc::MAP_SHARED | libc::MAP_LOCKED;
        let start = mmap(0, 1, libc::PROT_READ, flags, file.as_raw_fd(), 0).expect("mapped");
        assert_eq!(mlock(start, 1), Err(Errno::ENOMEM));
    });
}

/// The file has no name, so it goes with its descriptors, whatever its attributes.
#[test]
fn an_append_only_file_has_no_shared_mapping_through_a_writable_descriptor() {
    let file = file(b"x").expect("a file");
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    let reading = File::open(&path).expect("open for reading");
    let appending = File::options().read(true).append(true).open(&path).expect("open for appending");
    let ask = |file: &File, protection, flags| {
        mmap(0, 1, protection, flags, file.as_raw_fd(), 0).and_then(|start| munmap(start, 1))
    };
    assert_eq!(ask(&appending, BOTH, libc::MAP_SHARED), Ok(()), "O_APPEND alone");
    let mut attributes: libc::c_int = 0;
    // SAFETY: the request reads and writes one int.
    let known = unsafe { libc::ioctl(file.as_raw_fd(), libc::FS_IOC_GETFLAGS, &raw mut attributes) };
    attributes |= 0x20; // FS_APPEND_FL, chattr(1) +a
    // SAFETY: as above.
    let set = unsafe { libc::ioctl(file.as_raw_fd(), libc::FS_IOC_SETFLAGS, &raw const attributes) };
    if known != 0 || set != 0 {
        println!("skipped: chattr +a: {}", Errno::last());
        return;
    }
    for file in [&file, &appending] {
        assert_eq!(ask(file, BOTH, libc::MAP_SHARED), Err(Errno::EACCES));
        assert_eq!(ask(file, libc::PROT_READ, libc::MAP_SHARED), Err(Errno::EACCES), "for reading, too");
        assert_eq!(ask(file, BOTH, libc::MAP_PRIVATE), Ok(()));
    }
    assert_eq!(ask(&reading, libc::PROT_READ, libc::MAP_SHARED), Ok(()), "O_RDONLY");
}

/// The descriptor is open for writing; the seal still forbids it.
#[test]
fn a_seal_can_allow_less_than_the_descriptor() {
    let (page, file) = (page_size(), memory_file(MFdFlags::MFD_ALLOW_SEALING));
    file.set_len(page_size_u64()).expect("a size");
    let map = || mmap(0, page, libc::PROT_READ, libc::MAP_SHARED, file.as_raw_fd(), 0).expect("mapped");
    let before = map();
    fcntl(&file, FcntlArg::F_ADD_SEALS(SealFlag::F_SEAL_FUTURE_WRITE)).expect("sealed");
    let after = map();
    assert_eq!((mprotect(before, page, BOTH), mprotect(after, page, BOTH)), (Ok(()), Err(Errno::EACCES)));
    munmap(before, page).expect("unmapped");
    munmap(after, page).expect("unmapped");
}

#[test]
fn without_a_huge_page_left_a_touch_is_sigbus() {
    let meminfo = std::fs::read_to_string("/proc/meminfo").expect("meminfo");
    let size = meminfo.lines().find_map(|line| line.strip_prefix("Hugepagesize:")?.trim().strip_suffix(" kB"));
    let Some(size) = size.and_then(|kib| kib.parse::<usize>().ok()).map(|kib| kib * 1024) else {
        return println!("skipped: this kernel has no huge pages");
    };
    let flags = ANONYMOUS | libc::MAP_HUGETLB | libc::MAP_NORESERVE;
    let start = match mmap(0, size, BOTH, flags, -1, 0) {
        Ok(start) => start,
        Err(errno) => return println!("skipped: MAP_HUGETLB: {errno}"),
    };
    let populated = madvise(start, size, libc::MADV_POPULATE_WRITE);
    if populated == Err(Errno::EFAULT) {
        let ended = end_of(|| store(start, b'x')).expect("a child");
        assert_eq!(ended.cause(), Some(Cause::NoPage), "{ended}");
    } else {
        println!("skipped: a huge page is left, or no MADV_POPULATE_WRITE: {populated:?}");
    }
    munmap(start, size).expect("unmapped");
}

#[test]
fn huge_pages_take_no_privilege() {
    let ended = end_of(|| {
        if Uid::effective().is_root() {
            setuid(Uid::from_raw(65_534)).expect("nobody, who has no privilege");
        }
        let answer = mmap(0, page_size(), BOTH, ANONYMOUS | libc::MAP_HUGETLB, -1, 0).map(drop);
        // Whether there is a huge page, and whether the kernel knows them, is the machine's affair.
        assert_ne!(answer, Err(Errno::EPERM));
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
    if limit > 4_000_000 {
        println!("skipped: {limit} mappings would take a gigabyte of the kernel's memory");
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
    let advise = |address, advice| madvise(address, page, advice);
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
    store(start, b'x');
    if let Err(errno) = mlock(start, page) {
        println!("skipped: mlock(2) of a page: {errno}");
        return;
    }
    assert_eq!((madvise(start, page, libc::MADV_DONTNEED), load(start)), (Err(Errno::EINVAL), b'x'));
    assert_eq!(msync(start, page, libc::MS_SYNC | libc::MS_INVALIDATE), Err(Errno::EBUSY));
    let locked = || kib(start..start + page, "Locked");
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
        madvise(start, page, advice).expect("advised");
        start
    };
    let (dontfork, wiped) = (advised(libc::MADV_DONTFORK), advised(libc::MADV_WIPEONFORK));
    let ended = end_of(|| _ = load(dontfork)).expect("a child");
    assert_eq!(ended.cause(), Some(Cause::NotMapped), "{ended}");
    assert_eq!(end_of(|| assert_eq!(load(wiped), 0)).expect("a child"), Ended::Exited(0));
    assert_eq!([load(dontfork), load(wiped)], [b'x'; 2], "unchanged in the parent");
    madvise(dontfork, page, libc::MADV_DOFORK).expect("advised");
    madvise(wiped, page, libc::MADV_KEEPONFORK).expect("advised");
    let both = || assert_eq!([load(dontfork), load(wiped)], [b'x'; 2], "undone");
    assert_eq!(end_of(both).expect("a child"), Ended::Exited(0));
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
    let mut reopened = File::open(format!("/proc/self/fd/{}", file.as_raw_fd())).expect("open again");
    reopened.read_exact(&mut bytes).expect("read");
    assert_eq!(&bytes, b"abc", "an offset of its own");
    assert_eq!(file.stream_position().expect("asked"), 6);
}

#[test]
fn seals_are_the_files_and_only_grow_and_need_a_writable_descriptor() {
    let seals = |file: &File| fcntl(file, FcntlArg::F_GET_SEALS).map(SealFlag::from_bits_retain);
    let seal = |file: &File, seals| fcntl(file, FcntlArg::F_ADD_SEALS(seals)).map(drop);
    let (shrink, grow, last) = (SealFlag::F_SEAL_SHRINK, SealFlag::F_SEAL_GROW, SealFlag::F_SEAL_SEAL);
    let first = memory_file(MFdFlags::MFD_ALLOW_SEALING);
    assert_eq!(seals(&first), Ok(SealFlag::empty()));
    let reopened = File::open(format!("/proc/self/fd/{}", first.as_raw_fd())).expect("open for reading");
    assert_eq!(seal(&reopened, shrink), Err(Errno::EPERM), "it must be open for writing");
    assert_eq!((seal(&first, shrink), seal(&first, shrink), seal(&first, grow)), (Ok(()), Ok(()), Ok(())));
    assert_eq!((seals(&first), seals(&reopened)), (Ok(shrink | grow), Ok(shrink | grow)));
    assert_eq!((seal(&first, last), seal(&first, SealFlag::F_SEAL_WRITE)), (Ok(()), Err(Errno::EPERM)));
    assert_eq!(seals(&memory_file(MFdFlags::empty())), Ok(last), "without MFD_ALLOW_SEALING");
    // A file on tmpfs is sealed against seals; other file systems have no seals.
    let refused = seal(&file(b"x").expect("a file"), shrink);
    assert!(matches!(refused, Err(Errno::EINVAL | Errno::EPERM)), "{refused:?}");
}

#[test]
fn under_f_seal_grow_fallocate_is_eperm_too() {
    let file = memory_file(MFdFlags::MFD_ALLOW_SEALING);
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
    let sync = |address, flags| msync(address, page, flags);
    for flags in [libc::MS_SYNC | libc::MS_ASYNC, 8, -1] {
        assert_eq!(sync(start, flags), Err(Errno::EINVAL), "{flags}");
    }
    assert_eq!(sync(start + 1, libc::MS_SYNC), Err(Errno::EINVAL));
    assert_eq!(sync(start, 0), Ok(()), "Linux requires neither flag");
    munmap(start, page).expect("unmapped");
}

/// The first writer copies the file up. Who has it open for reading keeps the lower one.
#[test]
fn on_overlayfs_ms_invalidate_leaves_a_mapping_on_the_lower_file() {
    let body = |disk: &Path, _: &Peer| {
        let [lower, upper, work, merged] = ["lower", "upper", "work", "merged"].map(|name| disk.join(name));
        [&lower, &upper, &work, &merged].into_iter().try_for_each(std::fs::create_dir)?;
        std::fs::write(lower.join("f"), "old")?;
        let of = |name, path: &Path| format!("{name}dir={},", path.display());
        let options = [of("lower", &lower), of("upper", &upper), of("work", &work)].concat();
        let mounted =
            mount(Some("overlay"), &merged, Some("overlay"), MsFlags::empty(), Some(options.trim_end_matches(',')));
        if let Err(errno) = mounted {
            println!("skipped: mount(2), overlay: {errno}");
            return Ok(());
        }
        let path = merged.join("f");
        let reader = File::open(&path)?;
        let start = mmap(0, 1, libc::PROT_READ, libc::MAP_SHARED, reader.as_raw_fd(), 0).expect("mapped");
        assert_eq!(load(start), b'o');
        File::options().write(true).open(&path)?.write_all_at(b"NEW", 0)?;
        let mut read = [0];
        reader.read_exact_at(&mut read, 0)?;
        msync(start, 1, libc::MS_SYNC | libc::MS_INVALIDATE).expect("asked");
        assert_eq!(
            (read, load(start)),
            (*b"N", b'o'),
            "read(2) follows the file to the upper layer, the mapping doesn't"
        );
        Ok(())
    };
    match on_a_small_disk(1 << 20, body, |_| Ok(())).expect("a child") {
        OnSmallDisk::Skipped(reason) => println!("skipped: {reason}"),
        OnSmallDisk::Ran(ended) => assert_eq!(ended, Ended::Exited(0)),
    }
}

/// Stored as data, then made executable, as a compiler that runs what it has compiled does.
#[test]
fn code_that_was_stored_runs_once_mprotect_allows_it() {
    let Some(code) = CODE else { return println!("skipped: no machine code for this processor") };
    let (page, start) = (page_size(), ours(1));
    code.iter().zip(start..).for_each(|(byte, address)| store(address, *byte));
    // SAFETY: it is a function that takes nothing, returns an int and accesses no memory.
    let function: extern "C" fn() -> i32 = unsafe { std::mem::transmute(ptr::with_exposed_provenance::<()>(start)) };
    assert_eq!(end_of(|| _ = function()).expect("a child").cause(), Some(Cause::NotAllowed));
    match mprotect(start, page, libc::PROT_READ | libc::PROT_EXEC) {
        // On a processor that keeps instructions in a cache of their own, they would have to be made known first.
        Ok(()) if cfg!(target_arch = "x86_64") => assert_eq!(function(), 42),
        Ok(()) => println!("skipped: this processor doesn't see stored code by itself"),
        Err(errno) => println!("skipped: a policy of this machine forbids PROT_EXEC here: {errno}"),
    }
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

/// The raw call. `new` counts only with MREMAP_FIXED.
fn mremap(old: usize, old_length: usize, length: usize, flags: i32, new: usize) -> Result<usize, Errno> {
    let replaces = flags & libc::MREMAP_FIXED != 0 && new.is_multiple_of(page_size());
    assert!(!replaces || is_ours(new));
    let [old, new] = [old, new].map(ptr::with_exposed_provenance_mut::<libc::c_void>);
    // SAFETY: the callers have mapped the old range themselves, and use it where it is afterwards; what is replaced is
    // a range that `ours` has reserved (checked above).
    let moved = unsafe { libc::mremap(old, old_length, length, flags, new) };
    if moved == libc::MAP_FAILED { Err(Errno::last()) } else { Ok(moved.expose_provenance()) }
}

fn munlock(address: usize, length: usize) -> Result<(), Errno> {
    // SAFETY: munlock(2) changes no memory.
    Errno::result(unsafe { libc::munlock(ptr::with_exposed_provenance(address), length) }).map(drop)
}

/// How a load from there ends, in a child.
fn end_of_load(address: usize) -> Option<Cause> {
    end_of(|| _ = load(address)).expect("a child").cause()
}

/// A shared mapping of a memory file of this number of pages, which no neighbour merges with, and the file.
fn of_memory_file(pages: usize) -> (usize, File) {
    let file = memory_file(MFdFlags::empty());
    file.set_len(u64::try_from(pages).expect("small") * page_size_u64()).expect("a size");
    let start = mmap(0, pages * page_size(), BOTH, libc::MAP_SHARED, file.as_raw_fd(), 0).expect("mapped");
    (start, file)
}

#[test]
fn mremap_grows_where_there_is_room_or_moves_and_shrinks_in_place() {
    let (page, start) = (page_size(), ours(4));
    munmap(start + page, page).expect("a gap of one page");
    store(start, b'x');
    assert_eq!(mremap(start, page, 2 * page, 0, 0), Ok(start));
    assert_eq!((load(start), load(start + page)), (b'x', 0));
    assert_eq!(mremap(start, 2 * page, 3 * page, 0, 0), Err(Errno::ENOMEM), "the next page is mapped");
    let moved = mremap(start, 2 * page, 3 * page, libc::MREMAP_MAYMOVE, 0).expect("elsewhere");
    assert_eq!((moved == start, load(moved), end_of_load(start)), (false, b'x', Some(Cause::NotMapped)));
    assert_eq!(mremap(moved, 3 * page, page, 0, 0), Ok(moved));
    assert_eq!((load(moved), end_of_load(moved + page)), (b'x', Some(Cause::NotMapped)));
    munmap(moved, page).expect("unmapped");
    munmap(start, 4 * page).expect("unmapped");
}

#[test]
fn mremap_fixed_replaces_what_is_mapped_there() {
    let (page, start, there) = (page_size(), ours(1), ours(2));
    let both = libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED;
    [(start, b'x'), (there, b'o'), (there + page, b'o')].into_iter().for_each(|(address, byte)| store(address, byte));
    assert_eq!(mremap(start, page, page, libc::MREMAP_FIXED, there), Err(Errno::EINVAL), "without MREMAP_MAYMOVE");
    assert_eq!(mremap(start, page, page, both, there + 1), Err(Errno::EINVAL), "not page-aligned");
    assert_eq!(mremap(there, 2 * page, 2 * page, both, there + page), Err(Errno::EINVAL), "they overlap");
    assert_eq!(mremap(start, page, page, both, there), Ok(there));
    assert_eq!((load(there), load(there + page), end_of_load(start)), (b'x', b'o', Some(Cause::NotMapped)));
    munmap(there, 2 * page).expect("unmapped");
}

#[test]
fn mremap_dontunmap_leaves_an_empty_mapping() {
    let (page, start) = (page_size(), ours(1));
    store(start, b'x');
    match mremap(start, page, page, libc::MREMAP_MAYMOVE | libc::MREMAP_DONTUNMAP, 0) {
        Ok(moved) => {
            assert_eq!((load(moved), load(start)), (b'x', 0));
            munmap(moved, page).expect("unmapped");
        }
        Err(errno) => println!("skipped: MREMAP_DONTUNMAP needs Linux 5.7: {errno}"),
    }
    munmap(start, page).expect("unmapped");
}

#[test]
fn mremap_with_an_old_length_of_0_maps_shared_pages_once_more() {
    let (page, (shared, _file), private) = (page_size(), of_memory_file(1), ours(1));
    let again = mremap(shared, 0, page, libc::MREMAP_MAYMOVE, 0).expect("once more");
    store(shared, b'x');
    assert_eq!((again == shared, load(again)), (false, b'x'));
    assert_eq!(mremap(private, 0, page, libc::MREMAP_MAYMOVE, 0), Err(Errno::EINVAL));
    [shared, again, private].into_iter().for_each(|start| munmap(start, page).expect("unmapped"));
}

/// A larger mapping makes no larger file; and a file that has grown needs no larger mapping where one covers it.
#[test]
fn mremap_leaves_the_file_as_it_is() {
    let (page, (start, file)) = (page_size(), of_memory_file(1));
    let grown = mremap(start, page, 2 * page, libc::MREMAP_MAYMOVE, 0).expect("larger");
    assert_eq!(file.metadata().expect("asked").len(), page_size_u64());
    assert_eq!(end_of_load(grown + page), Some(Cause::NoPage));
    file.write_all_at(b"x", page_size_u64()).expect("written");
    assert_eq!(load(grown + page), b'x');
    munmap(grown, 2 * page).expect("unmapped");
}

#[test]
fn what_mremap_refuses() {
    let (page, start) = (page_size(), ours(2));
    let ask = |old, old_length, length, flags| mremap(old, old_length, length, flags, 0);
    let may_move = libc::MREMAP_MAYMOVE;
    assert_eq!(ask(start + 1, page, page, may_move), Err(Errno::EINVAL), "an address within a page");
    assert_eq!(ask(start, page, 0, may_move), Err(Errno::EINVAL), "a new length of 0");
    assert_eq!(ask(start, page, page, 1 << 20), Err(Errno::EINVAL), "an unknown flag");
    mprotect(start, page, libc::PROT_READ).expect("two mappings");
    assert_eq!(ask(start, 2 * page, 3 * page, may_move), Err(Errno::EFAULT), "two mappings can't grow at once");
    munmap(start, 2 * page).expect("unmapped");
    assert_eq!(ask(start, page, 2 * page, may_move), Err(Errno::EFAULT), "nothing is mapped");
    let (holed, there) = (ours(3), ours(3));
    munmap(holed + page, page).expect("a hole");
    assert_eq!(ask(holed, 3 * page, 4 * page, may_move), Err(Errno::EFAULT), "over a hole it can't grow");
    let moved = mremap(holed, 3 * page, 3 * page, may_move | libc::MREMAP_FIXED, there);
    assert!([Ok(there), Err(Errno::EFAULT)].contains(&moved), "since Linux 6.17 a hole is moved: {moved:?}");
    [holed, there].into_iter().for_each(|start| munmap(start, 3 * page).expect("unmapped"));
    may_lock(4, || {
        let start = mmap(0, page, BOTH, ANONYMOUS | libc::MAP_LOCKED, -1, 0).expect("within the limit");
        assert_eq!(ask(start, page, 64 * page, may_move), Err(Errno::EAGAIN));
    });
}

#[test]
fn mlock_brings_whole_pages_and_one_munlock_undoes_it() {
    let (page, (start, _file)) = (page_size(), of_memory_file(4));
    let there = |n: usize| kib(start..start + 4 * page, ["Locked", "Rss"][n]) * 1024 / page_size_u64();
    for _ in 0..2 {
        if let Err(errno) = mlock(start + page + 1, page) {
            println!("skipped: mlock(2) of two pages: {errno}");
            return;
        }
    }
    assert_eq!((there(0), there(1)), (2, 2), "each page with a byte of the range, without an access");
    munlock(start + page, 2 * page).expect("unlocked");
    assert_eq!((there(0), there(1)), (0, 2), "locks are not counted, and the pages stay");
    let start_of_last = ptr::with_exposed_provenance(start + 3 * page);
    // SAFETY: mlock2(2) changes no memory.
    let on_fault = Errno::result(unsafe { libc::mlock2(start_of_last, page, 1) }); // MLOCK_ONFAULT
    assert_eq!((on_fault, there(1)), (Ok(0), 2), "MLOCK_ONFAULT brings nothing");
    load(start + 3 * page);
    assert_eq!((there(0), there(1)), (1, 3));
    munmap(start, 4 * page).expect("unmapped");
}

#[test]
fn mlock_copies_the_pages_of_a_private_mapping_that_may_be_stored_to() {
    let (page, file) = (page_size(), file(b"x").expect("a file"));
    let starts = [libc::PROT_READ, BOTH]
        .map(|protection| mmap(0, page, protection, libc::MAP_PRIVATE, file.as_raw_fd(), 0).expect("mapped"));
    match starts.map(|start| mlock(start, page)) {
        [Ok(()), Ok(())] => {
            file.write_all_at(b"y", 0).expect("written");
            assert_eq!(starts.map(load), *b"yx");
        }
        answers => println!("skipped: mlock(2) of two pages: {answers:?}"),
    }
    starts.into_iter().for_each(|start| munmap(start, page).expect("unmapped"));
}

#[test]
fn what_mlock_refuses() {
    let (page, start) = (page_size(), ours(2));
    munmap(start + page, page).expect("a gap");
    // SAFETY: mlock2(2) changes no memory.
    let unknown = Errno::result(unsafe { libc::mlock2(ptr::with_exposed_provenance(start), page, 1 << 20) });
    assert_eq!(unknown, Err(Errno::EINVAL));
    may_lock(0, || assert_eq!(mlock(start, page), Err(Errno::EPERM)));
    may_lock(4, || {
        let larger = mmap(0, 8 * page, BOTH, ANONYMOUS, -1, 0).expect("mapped");
        assert_eq!(mlock(larger, 8 * page), Err(Errno::ENOMEM), "above the limit");
        assert_eq!(mlock(start, 2 * page), Err(Errno::ENOMEM), "a page isn't mapped");
        assert_eq!(mlock(start, page), Ok(()));
    });
    munmap(start, page).expect("unmapped");
}

#[test]
fn mlockall_locks_what_is_there_or_what_comes_and_munlockall_ends_both() {
    let (page, before) = (page_size(), ours(1));
    let ended = end_of(|| {
        let locked = |start| kib(start..start + page, "Locked") > 0;
        let map = || mmap(0, page, libc::PROT_READ, libc::MAP_SHARED | libc::MAP_ANONYMOUS, -1, 0).expect("mapped");
        if let Err(errno) = mlockall(MlockAllFlags::MCL_CURRENT) {
            println!("skipped: mlockall(2): {errno}");
            return;
        }
        assert_eq!((locked(before), locked(map())), (true, false));
        mlockall(MlockAllFlags::MCL_CURRENT | MlockAllFlags::MCL_FUTURE).expect("allowed");
        assert!(locked(map()));
        munlockall().expect("unlocked");
        assert_eq!((locked(before), locked(map())), (false, false));
    });
    assert_eq!(ended.expect("a child"), Ended::Exited(0));
    munmap(before, page).expect("unmapped");
}

#[test]
fn mincore_of_anonymous_memory_tells_what_was_accessed() {
    let (page, start) = (page_size(), ours(3));
    // A huge page would be all of them. A kernel without huge pages doesn't know the advice.
    _ = madvise(start, 3 * page, libc::MADV_NOHUGEPAGE);
    store(start + page, b'x');
    assert_eq!(in_page_cache(start..start + 3 * page).expect("asked"), [false, true, false]);
    munmap(start + 2 * page, page).expect("a gap");
    let errno = in_page_cache(start..start + 3 * page).expect_err("refused").raw_os_error();
    assert_eq!(errno, Some(Errno::ENOMEM as i32), "a page isn't mapped");
    // SAFETY: nothing can be written to the answer's address; the kernel notices.
    let nowhere =
        unsafe { libc::mincore(ptr::with_exposed_provenance_mut(start), page, ptr::without_provenance_mut(1)) };
    assert_eq!(Errno::result(nowhere), Err(Errno::EFAULT));
    munmap(start, 2 * page).expect("unmapped");
}

#[test]
fn mincore_tells_a_user_who_may_not_write_nothing_about_the_file() {
    if !Uid::effective().is_root() {
        return println!("skipped: needs root, for a file of another user");
    }
    let (page, file) = (page_size(), tempfile::tempfile().expect("a file"));
    file.set_len(2 * page_size_u64()).expect("a size");
    let start = mmap(0, 2 * page, libc::PROT_READ, libc::MAP_SHARED, file.as_raw_fd(), 0).expect("mapped");
    let asked = || in_page_cache(start..start + 2 * page).expect("asked");
    assert_eq!(asked(), [false, false], "holes");
    let ended = end_of(|| {
        setuid(Uid::from_raw(65_534)).expect("nobody");
        assert_eq!(asked(), [true, true], "since Linux 5.2");
    });
    assert_eq!(ended.expect("a child"), Ended::Exited(0));
    munmap(start, 2 * page).expect("unmapped");
}

#[test]
fn the_name_of_a_memory_file_is_only_shown() {
    let [first, second] = [memory_file(MFdFlags::empty()), memory_file(MFdFlags::empty())];
    let shown = |file: &File| std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())).expect("a link");
    assert_eq!([shown(&first), shown(&second)], ["/memfd:posix (deleted)"; 2].map(std::path::PathBuf::from));
    first.write_all_at(b"x", 0).expect("written");
    assert_eq!([&first, &second].map(|file| file.metadata().expect("asked").len()), [1, 0], "two files");
    let longest = |length| {
        memfd_create(std::ffi::CString::new(vec![b'x'; length]).expect("no NUL").as_c_str(), MFdFlags::empty())
    };
    assert_eq!((longest(249).map(drop), longest(250).map(drop)), (Ok(()), Err(Errno::EINVAL)));
}

#[test]
fn what_memfd_create_refuses_and_what_execve_keeps() {
    let ask = |name: *const libc::c_char, flags| {
        // SAFETY: the name is a C string, or an address where nothing is mapped; the kernel notices.
        Errno::result(unsafe { libc::memfd_create(name, flags) })
    };
    assert_eq!(ask(c"posix".as_ptr(), 1 << 20), Err(Errno::EINVAL), "an unknown flag");
    assert_eq!(ask(ptr::without_provenance(1), 0), Err(Errno::EFAULT));
    let closes = |file: &OwnedFd| fcntl(file, FcntlArg::F_GETFD).expect("asked") & libc::FD_CLOEXEC != 0;
    let kept =
        [MFdFlags::empty(), MFdFlags::MFD_CLOEXEC].map(|flags| closes(&memfd_create(c"posix", flags).expect("a file")));
    assert_eq!(kept, [false, true]);
    let ended = end_of(|| {
        setrlimit(Resource::RLIMIT_NOFILE, 0, 0).expect("a lower limit");
        assert_eq!(memfd_create(c"posix", MFdFlags::empty()).map(drop), Err(Errno::EMFILE));
    });
    assert_eq!(ended.expect("a child"), Ended::Exited(0));
}

#[test]
fn mfd_noexec_seal_seals_the_permission_to_execute() {
    let flags = MFdFlags::from_bits_retain(8); // MFD_NOEXEC_SEAL
    let Ok(file) = memfd_create(c"posix", flags).map(File::from) else {
        return println!("skipped: MFD_NOEXEC_SEAL needs Linux 6.3");
    };
    let mode = || file.metadata().expect("asked").mode() & 0o777;
    assert_eq!(mode(), 0o666);
    let allowed = file.set_permissions(std::fs::Permissions::from_mode(0o777));
    assert_eq!(allowed.map_err(|error| error.raw_os_error()), Err(Some(Errno::EPERM as i32)));
    let seals = |file: &File| fcntl(file, FcntlArg::F_GET_SEALS);
    assert_eq!(seals(&file), Ok(0x20), "F_SEAL_EXEC alone: others can be added");
    let executable = memory_file(MFdFlags::empty());
    assert_eq!((mode(), executable.metadata().expect("asked").mode() & 0o777), (0o666, 0o777));
}

/// smaps shows some advice by two letters in VmFlags.
#[test]
fn advice_about_reading_ahead_and_dumping_is_noted_and_changes_no_byte() {
    let (page, (start, _file)) = (page_size(), of_memory_file(1));
    store(start, b'x');
    let flags = || {
        let smaps = procfs::process::Process::myself().and_then(|me| me.smaps()).expect("smaps");
        let area = smaps.into_iter().find(|area| area.address.0 == u64::try_from(start).expect("an address"));
        area.expect("an area").extension.vm_flags & (VmFlags::RR | VmFlags::SR | VmFlags::DD)
    };
    for (advice, noted) in [
        (libc::MADV_RANDOM, VmFlags::RR),
        (libc::MADV_SEQUENTIAL, VmFlags::SR),
        (libc::MADV_NORMAL, VmFlags::empty()),
        (libc::MADV_DONTDUMP, VmFlags::DD),
        (libc::MADV_DODUMP, VmFlags::empty()),
        (libc::MADV_WILLNEED, VmFlags::empty()),
    ] {
        madvise(start, page, advice).expect("advised");
        assert_eq!((flags(), load(start)), (noted, b'x'), "{advice}");
    }
    munmap(start, page).expect("unmapped");
}

#[test]
fn madv_pageout_drops_pages_and_madv_willneed_brings_them_back() {
    let (page, pages) = (page_size(), 8);
    let (length, file) = (pages * page, file(&vec![b'x'; pages * page]).expect("a file"));
    file.sync_all().expect("on the disk");
    let start = mmap(0, length, libc::PROT_READ, libc::MAP_SHARED, file.as_raw_fd(), 0).expect("mapped");
    let cached = || in_page_cache(start..start + length).expect("asked").into_iter().filter(|there| *there).count();
    let until = |wanted| {
        let deadline = Instant::now() + DEADLINE;
        while cached() != wanted && Instant::now() < deadline {
            std::thread::yield_now();
        }
        cached() == wanted
    };
    assert_eq!((load(start), cached()), (b'x', pages));
    // A page that is busy at this moment stays, and it is asked again.
    let dropped = (0..100).any(|_| madvise(start, length, libc::MADV_PAGEOUT).is_ok() && cached() < pages);
    if dropped {
        let advised = madvise(start, length, libc::MADV_WILLNEED);
        assert!(advised.is_ok() && until(pages), "it doesn't wait for the disk");
    } else {
        println!("skipped: no page could be dropped, as on tmpfs without swap");
    }
    assert_eq!(load(start), b'x');
    munmap(start, length).expect("unmapped");
}

#[test]
fn madv_remove_punches_a_hole_in_the_file() {
    let (page, (start, file), private) = (page_size(), of_memory_file(2), ours(1));
    [start, start + page].into_iter().for_each(|address| store(address, b'x'));
    madvise(start, page, libc::MADV_REMOVE).expect("removed");
    let mut bytes = [b'?'];
    file.read_exact_at(&mut bytes, 0).expect("read");
    assert_eq!((bytes, load(start), load(start + page)), ([0], 0, b'x'));
    assert_eq!(file.metadata().expect("asked").len(), 2 * page_size_u64());
    assert_eq!(madvise(private, page, libc::MADV_REMOVE), Err(Errno::EINVAL), "no file");
    let of_file = mmap(0, page, BOTH, libc::MAP_PRIVATE, file.as_raw_fd(), 0).expect("mapped");
    assert_eq!(madvise(of_file, page, libc::MADV_REMOVE), Err(Errno::EACCES), "not shared");
    let read_only =
        |file: &File| mmap(0, page, libc::PROT_READ, libc::MAP_SHARED, file.as_raw_fd(), 0).expect("mapped");
    let reopened = File::open(format!("/proc/self/fd/{}", file.as_raw_fd())).expect("open for reading");
    let (never, not_yet) = (read_only(&reopened), read_only(&file));
    assert_eq!(madvise(never, page, libc::MADV_REMOVE), Err(Errno::EACCES), "never writable");
    let answer = madvise(not_yet, page, libc::MADV_REMOVE);
    assert!([Ok(()), Err(Errno::EACCES)].contains(&answer), "kernels differ: {answer:?}");
    munmap(start, 2 * page).expect("unmapped");
    [private, of_file, never, not_yet].into_iter().for_each(|start| munmap(start, page).expect("unmapped"));
}

#[test]
fn madv_free_and_madv_wipeonfork_are_for_private_anonymous_memory() {
    let (page, (start, file), anonymous) = (page_size(), of_memory_file(1), ours(1));
    let private = mmap(0, page, BOTH, libc::MAP_PRIVATE, file.as_raw_fd(), 0).expect("mapped");
    for advice in [libc::MADV_FREE, libc::MADV_WIPEONFORK] {
        assert_eq!([start, private].map(|start| madvise(start, page, advice)), [Err(Errno::EINVAL); 2], "{advice}");
    }
    store(anonymous, b'x');
    madvise(anonymous, page, libc::MADV_FREE).expect("advised");
    assert!([b'x', 0].contains(&load(anonymous)), "as long as the kernel hasn't freed it");
    store(anonymous, b'y');
    assert_eq!(load(anonymous), b'y', "the store takes the page back");
    _ = madvise(anonymous, page, libc::MADV_PAGEOUT);
    assert_eq!(load(anonymous), b'y', "for good");
    // What a shortage of memory does some time, MADV_PAGEOUT does now, unless the page is busy at this moment.
    let is_freed = || {
        store(anonymous, b'z');
        madvise(anonymous, page, libc::MADV_FREE).expect("advised");
        madvise(anonymous, page, libc::MADV_PAGEOUT).map(|()| load(anonymous) == 0)
    };
    match is_freed() {
        Err(errno) => println!("skipped: MADV_PAGEOUT needs Linux 5.4: {errno}"),
        Ok(freed) => assert!(freed || (0..100).any(|_| is_freed() == Ok(true))),
    }
    [start, private, anonymous].into_iter().for_each(|start| munmap(start, page).expect("unmapped"));
}

#[test]
fn madv_populate_makes_the_entries_that_an_access_would() {
    let (page, file) = (page_size(), memory_file(MFdFlags::empty()));
    file.set_len(2 * page_size_u64()).expect("a size");
    let map = |protection| mmap(0, 3 * page, protection, libc::MAP_PRIVATE, file.as_raw_fd(), 0).expect("mapped");
    let (start, reading) = (map(BOTH), map(libc::PROT_READ));
    let there = |field| kib(start..start + 3 * page, field) * 1024 / page_size_u64();
    let advise = |pages, advice| madvise(start, pages * page, advice);
    if advise(1, libc::MADV_POPULATE_READ).is_err() {
        println!("skipped: MADV_POPULATE_READ needs Linux 5.14");
    } else {
        assert_eq!((there("Rss"), there("Anonymous")), (1, 0));
        assert_eq!(advise(2, libc::MADV_POPULATE_WRITE), Ok(()));
        assert_eq!((there("Rss"), there("Anonymous")), (2, 2), "copies, before the first store");
        assert_eq!(advise(3, libc::MADV_POPULATE_READ), Err(Errno::EFAULT), "where a load would be SIGBUS");
        assert_eq!(madvise(reading, page, libc::MADV_POPULATE_WRITE), Err(Errno::EINVAL), "where a store is forbidden");
    }
    [start, reading].into_iter().for_each(|start| munmap(start, 3 * page).expect("unmapped"));
}

#[test]
fn a_guard_page_is_sigsegv_and_its_bytes_are_gone() {
    let (install, remove) = (102, 103); // MADV_GUARD_INSTALL, MADV_GUARD_REMOVE
    let (page, start) = (page_size(), ours(2));
    [start, start + page].into_iter().for_each(|address| store(address, b'x'));
    match madvise(start + page, page, install) {
        Ok(()) => {
            assert_eq!((end_of_load(start + page), load(start)), (Some(Cause::NotMapped), b'x'));
            assert_eq!(maps_of(start..start + 2 * page).expect("maps").len(), 1, "it takes no mapping of its own");
            // Like a page that is swapped out it is not present, and there is something in its entry.
            let (mut entry, pagemap) = ([0; 8], File::open("/proc/self/pagemap").expect("it opens"));
            pagemap.read_exact_at(&mut entry, ((start + page) / page * 8) as u64).expect("an entry");
            assert_eq!(u64::from_ne_bytes(entry) >> 61, 0b010);
            madvise(start + page, page, remove).expect("removed");
            assert_eq!(load(start + page), 0);
        }
        Err(errno) => println!("skipped: MADV_GUARD_INSTALL needs Linux 6.13: {errno}"),
    }
    munmap(start, 2 * page).expect("unmapped");
}

#[test]
fn a_guard_page_in_a_file_hides_its_bytes() {
    let (page, (start, _file)) = (page_size(), of_memory_file(1));
    store(start, b'x');
    match madvise(start, page, 102) {
        Ok(()) => {
            assert_eq!(end_of_load(start), Some(Cause::NotMapped));
            madvise(start, page, 103).expect("removed");
            assert_eq!(load(start), b'x');
        }
        Err(errno) => println!("skipped: MADV_GUARD_INSTALL of a file needs Linux 6.15: {errno}"),
    }
    munmap(start, page).expect("unmapped");
}
