//! What POSIX and the man pages assert of mmap(2) and munmap(2) and no scenario can say: addresses, flags, limits, times.
//! The book's appendix "What is asserted, and where it is shown" names these tests.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::ptr;
use std::time::{Duration, SystemTime};

use mmap_workbook::observe::page_size;
use nix::errno::Errno;
use nix::libc;

const ANONYMOUS: i32 = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
const BOTH: i32 = libc::PROT_READ | libc::PROT_WRITE;

/// The raw call: whatever is asked for.
fn mmap(address: usize, length: usize, protection: i32, flags: i32, fd: RawFd, offset: i64) -> Result<usize, Errno> {
    assert!(flags & libc::MAP_FIXED == 0 || address == 0 || is_ours(address) || !address.is_multiple_of(page_size()));
    let address = ptr::with_exposed_provenance_mut(address);
    // SAFETY: without MAP_FIXED a mapping replaces nothing; with it the address is one that `ours` has reserved, or none
    // that can be mapped (checked above).
    let mapped = unsafe { libc::mmap(address, length, protection, flags, fd, offset) };
    if mapped == libc::MAP_FAILED { Err(Errno::last()) } else { Ok(mapped.expose_provenance()) }
}

fn munmap(address: usize, length: usize) -> Result<(), Errno> {
    // SAFETY: the callers name what they have mapped themselves, or what can't be mapped.
    Errno::result(unsafe { libc::munmap(ptr::with_exposed_provenance_mut(address), length) }).map(drop)
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

/// Pages of our own, which MAP_FIXED may replace.
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
    std::os::unix::fs::FileExt::write_all_at(&file, bytes, 0)?;
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
    assert_eq!(munmap(usize::MAX - 2 * page + 1, 4 * page), Err(Errno::EINVAL), "beyond the last address");
}

/// POSIX: between the store and the next msync(2). The access times are left to the mount options.
#[test]
fn a_store_and_msync_mark_the_modification_time() {
    let file = file(b"x").expect("a file");
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
    file.set_modified(long_ago).expect("set");
    let start = mmap(0, 1, BOTH, libc::MAP_SHARED, file.as_raw_fd(), 0).expect("mapped");
    assert_eq!(file.metadata().expect("asked").modified().expect("known"), long_ago, "mapping is no modification");
    store(start, b'y');
    // SAFETY: msync(2) changes no memory.
    Errno::result(unsafe { libc::msync(ptr::with_exposed_provenance_mut(start), 1, libc::MS_SYNC) }).expect("synced");
    assert!(file.metadata().expect("asked").modified().expect("known") > long_ago);
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
fn msync_refuses_flags_that_contradict_and_addresses_within_a_page() {
    let (page, start) = (page_size(), ours(1));
    let msync = |address: usize, flags| {
        // SAFETY: msync(2) changes no memory.
        Errno::result(unsafe { libc::msync(ptr::with_exposed_provenance_mut(address), page, flags) }).map(drop)
    };
    assert_eq!(msync(start, libc::MS_SYNC | libc::MS_ASYNC), Err(Errno::EINVAL));
    assert_eq!(msync(start + 1, libc::MS_SYNC), Err(Errno::EINVAL));
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
