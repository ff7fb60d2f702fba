//! # Lesson 7: What it costs
//!
//! mmap(2) copies nothing, and so it looks free. It is paid for later, one page after the other, when each is touched:
//! by a fault. What does a fault cost, how many are there, and what can be done about them?
//!
//! The lesson counts first: faults are the same in each run, where times are not. [`count`] goes through a file in one of
//! many ways ([`Plan`]), and [`make_cold`] takes the file out of the page cache first. Then it compares times
//! ([`figures`]), and looks at the memory that mappings take.

pub mod figures;

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};
use nix::libc;
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::mman::{MapFlags, MmapAdvise, MsFlags, ProtFlags, madvise, mlock, mprotect, msync};
use nix::sys::resource::{Resource, UsageWho, getrusage, setrlimit};
use nix::unistd::{Uid, geteuid, setresuid};
use serde::{Deserialize, Serialize};

use self::figures::{Advice, COLD, Comparison, Figures, Machine, Measured, UPDATED, Written};
use crate::lesson_2::{Mapping, READ_WRITE, Sharing, mmap_and_munmap};
pub use crate::lesson_6::AccessKind;
use crate::narrate::{Narrator, answer};
use crate::observe::{in_page_cache, maps_of, page_size, page_size_u64, smaps_of};
use crate::process::Child;
use crate::text;
use crate::text::Text;

// ANCHOR: faults
/// Faults of this thread: accesses for which the processor found no entry in the page table that allows them, so that
/// the kernel had to make one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Faults {
    /// Those for which the page was in memory already (`ru_minflt`, getrusage(2)).
    pub minor: i64,
    /// Those for which the kernel had to wait for the page to be read (`ru_majflt`).
    pub major: i64,
}

/// The faults of this thread while `body` runs.
///
/// # Errors
/// Those of getrusage(2), and that of `body`.
// ANCHOR: faults_of
pub fn faults_of(body: impl FnOnce() -> io::Result<()>) -> io::Result<Faults> {
    let before = getrusage(UsageWho::RUSAGE_THREAD)?;
    body()?;
    let after = getrusage(UsageWho::RUSAGE_THREAD)?;
    Ok(Faults {
        minor: after.minor_page_faults() - before.minor_page_faults(),
        major: after.major_page_faults() - before.major_page_faults(),
    })
}
// ANCHOR_END: faults_of
// ANCHOR_END: faults

// ANCHOR: pass
/// The order in which the pages of a mapping are touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// From the first page to the last.
    Forward,
    /// From the last page to the first.
    Backward,
    /// In an order that has no pattern, and is the same in each run.
    Random,
}

impl Order {
    /// The numbers from 0 up to `pages` in this order.
    pub fn of(self, pages: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..pages).collect();
        match self {
            Order::Forward => {}
            Order::Backward => order.reverse(),
            Order::Random => {
                // Fisher and Yates's shuffle, with the constants of Knuth's MMIX.
                let mut state = 1_u64;
                for last in (1..pages).rev() {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    let high = usize::try_from(state >> 33).unwrap_or_default(); // 31 bits fit anywhere
                    order.swap(last, high % (last + 1));
                }
            }
        }
        order
    }
}

/// Touches these pages of a mapping, one after the other: loads the first byte of each, or stores it.
// ANCHOR: touch
pub fn touch(mapping: &Mapping, pages: &[usize], access: AccessKind) {
    for page in pages {
        match access {
            AccessKind::Load => {
                let _ = mapping.load(page * page_size());
            }
            AccessKind::Store => mapping.store(page * page_size(), b'c'),
        }
    }
}
// ANCHOR_END: touch
// ANCHOR_END: pass

// ANCHOR: cold
/// Takes a file's pages out of the page cache, as far as anybody may who can write to it, and returns whether none is
/// left. fsync(2) comes first: a page that is not written yet stays.
///
/// No file system has to follow the advice. A file in memory (tmpfs, memfd) has its pages nowhere else, so they stay.
///
/// # Errors
/// Those of fsync(2), posix_fadvise(2), mmap(2) and mincore(2).
// ANCHOR: make_cold
pub fn make_cold(file: &File) -> io::Result<bool> {
    file.sync_all()?;
    posix_fadvise(file, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED)?;
    Ok(!cached_pages(file)?.contains(&true))
}
// ANCHOR_END: make_cold

/// For each page of a file, whether it is in the page cache.
///
/// # Errors
/// Those of fstat(2), mmap(2) and mincore(2).
pub fn cached_pages(file: &File) -> io::Result<Vec<bool>> {
    let length = length_of(file)?;
    if length == 0 {
        return Ok(Vec::new());
    }
    // A mapping that nobody touches brings no page.
    in_page_cache(Mapping::of_file(file, 0, length, ProtFlags::PROT_READ, Sharing::Shared)?.range())
}

fn length_of(file: &File) -> io::Result<usize> {
    usize::try_from(file.metadata()?.len()).map_err(io::Error::other)
}
// ANCHOR_END: cold

// ANCHOR: count
/// What is done about the pages of a mapping before they are touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    /// Nothing.
    Nothing,
    /// MAP_POPULATE: mmap(2) maps them all, and waits for what has to be read.
    Populate,
    /// Advice for all of them (madvise(2)).
    Advise(MmapAdvise),
    /// mlock(2): all are mapped, and stay in memory.
    Lock,
}

/// A way to go through a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Whether stores reach the file.
    pub sharing: Sharing,
    /// What is done before.
    pub before: Before,
    /// The order of the pages.
    pub order: Order,
    /// What is done to each page.
    pub access: AccessKind,
}

impl Plan {
    /// Loads from a shared mapping in order, and nothing done before.
    pub const SIMPLEST: Plan =
        Plan { sharing: Sharing::Shared, before: Before::Nothing, order: Order::Forward, access: AccessKind::Load };
}

/// What a way through a file costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// What was done before.
    pub before: Faults,
    /// The first time through all pages.
    pub first: Faults,
    /// The second time.
    pub again: Faults,
}

/// Maps the whole file, goes through it twice, and counts the faults.
///
/// # Errors
/// Those of mmap(2); of madvise(2): EINVAL where this kernel doesn't know the advice; of mlock(2): ENOMEM, or EPERM, for more
/// than RLIMIT_MEMLOCK.
// ANCHOR: count_fn
pub fn count(file: &File, plan: Plan) -> io::Result<Cost> {
    let length = length_of(file)?;
    // First, since its own memory takes faults, too.
    let pages = plan.order.of(length.div_ceil(page_size()));
    let mut mapping = None;
    let before = faults_of(|| {
        let map = if plan.before == Before::Populate { Mapping::populated } else { whole };
        let new = map(file, length, READ_WRITE, plan.sharing)?;
        match plan.before {
            Before::Advise(advice) => advise(&new, advice)?,
            Before::Lock => lock(&new)?,
            Before::Nothing | Before::Populate => {}
        }
        mapping = Some(new);
        Ok(())
    })?;
    let mapping = mapping.ok_or(Errno::EINVAL)?;
    // The code takes faults, too, where it has not run yet.
    touch(&Mapping::anonymous(1, READ_WRITE, plan.sharing)?, &[0], plan.access);
    let through = || {
        faults_of(|| {
            touch(&mapping, &pages, plan.access);
            Ok(())
        })
    };
    Ok(Cost { before, first: through()?, again: through()? })
}
// ANCHOR_END: count_fn

fn whole(file: &File, length: usize, protection: ProtFlags, sharing: Sharing) -> Result<Mapping, Errno> {
    Mapping::of_file(file, 0, length, protection, sharing)
}

/// Gives advice for a whole mapping.
///
/// # Errors
/// Those of madvise(2).
pub fn advise(mapping: &Mapping, advice: MmapAdvise) -> Result<(), Errno> {
    // SAFETY: the range is that of the mapping. Whatever happens to its pages, no Rust reference to plain bytes is into it.
    unsafe { madvise(mapping.pointer_to(0), mapping.length(), advice) }
}

/// Keeps a whole mapping in memory until it is unmapped.
///
/// # Errors
/// Those of mlock(2): ENOMEM for more than RLIMIT_MEMLOCK, EPERM when that is 0.
pub fn lock(mapping: &Mapping) -> Result<(), Errno> {
    // SAFETY: the range is that of the mapping; mlock(2) changes no byte of it.
    unsafe { mlock(mapping.pointer_to(0), mapping.length()) }
}
// ANCHOR_END: count

// ANCHOR: forced_out
/// What a mapping costs whose pages were all loaded, and then taken away from the process again, as the kernel does when
/// memory is short (MADV_PAGEOUT, Linux 5.4): the faults of loading them once more.
///
/// # Errors
/// Those of mmap(2) and madvise(2).
pub fn paid_again(file: &File) -> io::Result<Faults> {
    let mapping = whole(file, length_of(file)?, READ_WRITE, Sharing::Shared)?;
    let pages = Order::Forward.of(mapping.length().div_ceil(page_size()));
    touch(&mapping, &pages, AccessKind::Load);
    advise(&mapping, MmapAdvise::MADV_PAGEOUT)?;
    faults_of(|| {
        touch(&mapping, &pages, AccessKind::Load);
        Ok(())
    })
}
// ANCHOR_END: forced_out

// ANCHOR: advice
/// What it costs to load some pages of a cold file after an advice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Advised {
    /// The faults of the loads.
    pub faults: Faults,
    /// The bytes that were read from a disk for this process, those in advance among them.
    pub read: u64,
}

/// Gives an advice for the whole of a cold file, loads these pages of it, and counts. None where the file stays in the page
/// cache.
///
/// # Errors
/// Those of [`make_cold`], mmap(2) and madvise(2); when the bytes can't be counted.
// ANCHOR: advised
pub fn advised(file: &File, advice: MmapAdvise, pages: &[usize]) -> io::Result<Option<Advised>> {
    if !make_cold(file)? {
        return Ok(None);
    }
    let mapping = whole(file, length_of(file)?, ProtFlags::PROT_READ, Sharing::Shared)?;
    let before = io_counter("read_bytes")?;
    advise(&mapping, advice)?;
    let faults = faults_of(|| {
        touch(&mapping, pages, AccessKind::Load);
        Ok(())
    })?;
    Ok(Some(Advised { faults, read: io_counter("read_bytes")? - before }))
}
// ANCHOR_END: advised

/// The bytes that were read from a disk for this process (`read_bytes`), or that it has made dirty in the page cache
/// (`write_bytes`): proc_pid_io(5). The second counts whole folios, whether or not they get to the disk.
///
/// # Errors
/// When it can't be read: some kernels have no such file.
pub fn io_counter(name: &str) -> io::Result<u64> {
    let text = fs::read_to_string("/proc/self/io")?;
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    value.and_then(|bytes| bytes.parse().ok()).ok_or_else(|| io::ErrorKind::InvalidData.into())
}
// ANCHOR_END: advice

// ANCHOR: ways
/// A way to look at each byte of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// read(2) into a buffer of this many bytes, again and again.
    Read(usize),
    /// std's `BufReader`, which has a buffer of 8 KiB.
    BufReader,
    /// `fs::read`: all of it in memory that is new.
    WholeFile,
    /// A mapping.
    Mapped,
    /// A mapping that was populated (MAP_POPULATE).
    Populated,
}

impl Way {
    /// All of them. The others are compared with the first.
    pub const ALL: [Way; 7] = [
        Way::Read(64 << 10),
        Way::Read(4 << 10),
        Way::Read(256 << 10),
        Way::BufReader,
        Way::WholeFile,
        Way::Mapped,
        Way::Populated,
    ];

    /// What it is called.
    pub fn name(self) -> String {
        match self {
            Way::Read(bytes) => format!("read, {} KiB", bytes >> 10),
            Way::BufReader => "BufReader".to_owned(),
            Way::WholeFile => "fs::read".to_owned(),
            Way::Mapped => "mmap".to_owned(),
            Way::Populated => "mmap, populated".to_owned(),
        }
    }

    /// Whether a file has this byte. Only the way to the bytes differs: memchr(3) looks at them.
    ///
    /// # Errors
    /// Those of open(2), read(2) and mmap(2): EINVAL for a mapping of an empty file.
    pub fn finds(self, path: &Path, byte: u8) -> io::Result<bool> {
        let mut file = File::open(path)?;
        match self {
            Way::Read(length) => {
                let mut buffer = vec![0; length];
                loop {
                    match file.read(&mut buffer)? {
                        0 => return Ok(false),
                        length if has(&buffer[..length], byte) => return Ok(true),
                        _ => {}
                    }
                }
            }
            Way::BufReader => {
                let mut reader = BufReader::new(file);
                loop {
                    let bytes = reader.fill_buf()?;
                    match bytes.len() {
                        0 => return Ok(false),
                        _ if has(bytes, byte) => return Ok(true),
                        length => reader.consume(length),
                    }
                }
            }
            Way::WholeFile => Ok(has(&fs::read(path)?, byte)),
            Way::Mapped | Way::Populated => {
                let map = if self == Way::Populated { Mapping::populated } else { whole };
                let mapping = map(&file, length_of(&file)?, ProtFlags::PROT_READ, Sharing::Shared)?;
                // SAFETY: these bytes are mapped, and stay so until the call is over. Another process may change them
                // meanwhile: memchr(3) is no Rust code, and no Rust reference is to them. It then finds what it finds.
                Ok(unsafe { is_at(mapping.pointer_to(0).cast().as_ptr(), mapping.length(), byte) })
            }
        }
    }
}

fn has(bytes: &[u8], byte: u8) -> bool {
    // SAFETY: the bytes of a slice.
    unsafe { is_at(bytes.as_ptr(), bytes.len(), byte) }
}

/// Whether one of the bytes from `start` on is this byte: memchr(3), which is as fast in a debug build.
///
/// # Safety
/// The bytes can be read.
unsafe fn is_at(start: *const u8, length: usize, byte: u8) -> bool {
    // SAFETY: the caller's promise.
    !unsafe { libc::memchr(start.cast(), byte.into(), length) }.is_null()
}
// ANCHOR_END: ways

// ANCHOR: compare
/// How much longer something takes than what it is compared with. One number says nothing: the rounds differ.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Ratio {
    /// In the middle one of all rounds.
    pub median: f64,
    /// In the round in which it is least.
    pub least: f64,
    /// In the round in which it is most.
    pub most: f64,
}

/// Compares ways of doing the same with the first of them, in an odd number of rounds. `time` does it one way, and returns
/// how long that took.
///
/// Each time is taken in a process of its own, which has no mappings and no warm memory of the one before. Every second round
/// goes from the last way to the first, so that what grows or shrinks meanwhile favours nobody. A ratio is of one round: what
/// slows the machine for a while slows both.
///
/// # Errors
/// That of `time`; those of fork(2).
// ANCHOR: compare_fn
pub fn compare<W: Clone>(
    ways: &[W],
    rounds: usize,
    time: impl Fn(W) -> io::Result<Duration>,
) -> io::Result<Vec<Ratio>> {
    let mut ratios = vec![Vec::new(); ways.len()];
    for round in 0..rounds {
        let mut order: Vec<usize> = (0..ways.len()).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        let mut took = vec![Duration::ZERO; ways.len()];
        for n in order {
            took[n] = in_a_process_of_its_own(|| time(ways[n].clone()))?;
        }
        for (ratios, time) in ratios.iter_mut().zip(&took) {
            ratios.push(time.div_duration_f64(took[0]));
        }
    }
    let ratio = |mut ratios: Vec<f64>| {
        ratios.sort_by(f64::total_cmp);
        Ratio { median: ratios[ratios.len() / 2], least: ratios[0], most: ratios[ratios.len() - 1] }
    };
    Ok(ratios.into_iter().map(ratio).collect())
}
// ANCHOR_END: compare_fn

fn in_a_process_of_its_own(time: impl Fn() -> io::Result<Duration>) -> io::Result<Duration> {
    let (child, peer) = Child::fork(|peer| {
        let nanoseconds = u64::try_from(time()?.as_nanos()).map_err(io::Error::other)?;
        peer.send(&nanoseconds.to_ne_bytes())
    })?;
    let message = peer.receive();
    child.wait()?.success()?;
    let bytes = message?.try_into().map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
    Ok(Duration::from_nanos(u64::from_ne_bytes(bytes)))
}

/// How long it takes to do something this many times.
///
/// # Errors
/// The error of one of them.
pub fn time_of(times: usize, mut body: impl FnMut() -> io::Result<()>) -> io::Result<Duration> {
    let began = Instant::now();
    (0..times).try_for_each(|_| body())?;
    Ok(began.elapsed())
}
// ANCHOR_END: compare

// ANCHOR: records
/// A way to look at some records of a file, each of one page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordWay {
    /// pread(2).
    Pread,
    /// A mapping.
    Mapped,
    /// A mapping of which the kernel is told that nothing is next to what was just read (MADV_RANDOM).
    Advised,
}

impl RecordWay {
    /// All of them. The others are compared with the first.
    pub const ALL: [RecordWay; 3] = [RecordWay::Pread, RecordWay::Mapped, RecordWay::Advised];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            RecordWay::Pread => "pread",
            RecordWay::Mapped => "mmap",
            RecordWay::Advised => "mmap, MADV_RANDOM",
        }
    }

    /// Whether one of these pages of a file has this byte.
    ///
    /// # Errors
    /// Those of pread(2), mmap(2) and madvise(2).
    ///
    /// # Panics
    /// If the file has no such page.
    pub fn finds(self, file: &File, pages: &[usize], byte: u8) -> io::Result<bool> {
        if self == RecordWay::Pread {
            let mut record = vec![0; page_size()];
            for page in pages {
                let at = u64::try_from(page * page_size()).map_err(io::Error::other)?;
                file.read_exact_at(&mut record, at)?;
                if has(&record, byte) {
                    return Ok(true);
                }
            }
            return Ok(false);
        }
        let mapping = whole(file, length_of(file)?, ProtFlags::PROT_READ, Sharing::Shared)?;
        if self == RecordWay::Advised {
            advise(&mapping, MmapAdvise::MADV_RANDOM)?;
        }
        let found = |page: &usize| {
            let start = mapping.pointer_to(page * page_size());
            // SAFETY: a page of the mapping, as `pointer_to` has made sure; see `Way::finds`.
            unsafe { is_at(start.cast().as_ptr(), page_size(), byte) }
        };
        Ok(pages.iter().any(found))
    }
}
// ANCHOR_END: records

// ANCHOR: updates
/// The bytes of a small update.
pub const UPDATE: usize = 64;

/// A way to change a few bytes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpdateWay {
    /// pwrite(2).
    Pwrite,
    /// Stores to a mapping.
    Store,
    /// pwrite(2) and fdatasync(2): afterwards the bytes are on the disk.
    DurablePwrite,
    /// Stores to a mapping and msync(2) of their pages: the same.
    DurableStore,
}

impl UpdateWay {
    /// All of them.
    pub const ALL: [UpdateWay; 4] =
        [UpdateWay::Pwrite, UpdateWay::Store, UpdateWay::DurablePwrite, UpdateWay::DurableStore];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            UpdateWay::Pwrite => "pwrite",
            UpdateWay::Store => "store",
            UpdateWay::DurablePwrite => "pwrite, fdatasync",
            UpdateWay::DurableStore => "store, msync",
        }
    }

    /// Puts the bytes at this place of a file, in one page of it. `mapping` is of the whole file, made once for all updates.
    ///
    /// # Errors
    /// Those of pwrite(2), fdatasync(2) and msync(2).
    ///
    /// # Panics
    /// If the place is not mapped.
    // ANCHOR: update
    pub fn update(self, file: &File, mapping: &Mapping, at: usize, bytes: &[u8]) -> io::Result<()> {
        match self {
            UpdateWay::Pwrite | UpdateWay::DurablePwrite => {
                file.write_all_at(bytes, u64::try_from(at).map_err(io::Error::other)?)?;
            }
            UpdateWay::Store | UpdateWay::DurableStore => {
                let to = mapping.pointer_to(at);
                assert!(bytes.len() <= mapping.range().len() - at, "not mapped: {} bytes from {at} on", bytes.len());
                // SAFETY: these bytes are mapped, as was just checked. memcpy(3) is as fast in a debug build, and no Rust code:
                // no Rust reference is to bytes that another process may change.
                unsafe { libc::memcpy(to.as_ptr(), bytes.as_ptr().cast(), bytes.len()) };
            }
        }
        match self {
            UpdateWay::Pwrite | UpdateWay::Store => Ok(()),
            UpdateWay::DurablePwrite => file.sync_data(),
            UpdateWay::DurableStore => {
                let page = at / page_size() * page_size();
                // SAFETY: a page of the mapping; msync(2) changes no byte of it.
                Ok(unsafe { msync(mapping.pointer_to(page), page_size(), MsFlags::MS_SYNC) }?)
            }
        }
    }
    // ANCHOR_END: update
}

/// The sectors of 512 bytes that were written to the device of this file so far, by whomever (/sys/dev/block, the kernel's
/// Documentation/block/stat.rst). None where the file system has no such device: tmpfs, overlayfs, btrfs, FUSE, NFS.
///
/// # Errors
/// That of fstat(2), and when the counter can't be read.
pub fn sectors_written(file: &File) -> io::Result<Option<u64>> {
    let device = file.metadata()?.dev();
    let path = format!("/sys/dev/block/{}:{}/stat", libc::major(device), libc::minor(device));
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        text => text?,
    };
    Ok(text.split_whitespace().nth(6).and_then(|sectors| sectors.parse().ok()))
}
// ANCHOR_END: updates

// ANCHOR: memory
/// What a mapping of a file takes of the memory, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// Its pages that this process can access without a fault (Rss), and so also those that others map.
    pub resident: u64,
    /// The same, but a page that n processes map counts for an n-th (Pss).
    pub proportional: u64,
    /// Its pages that no file has: copies of private pages (Anonymous).
    pub anonymous: u64,
    /// The file's pages in the page cache, whether or not anybody maps them.
    pub cached: u64,
}

/// The memory that a mapping of a file takes: /proc/self/smaps of the first three, mincore(2) of the last.
///
/// # Errors
/// When /proc can't be read; those of mmap(2) and mincore(2).
// ANCHOR: memory_of
pub fn memory_of(mapping: &Mapping, file: &File) -> io::Result<Memory> {
    let areas = smaps_of(mapping.range())?;
    let of = |field: &str| -> io::Result<u64> {
        Ok(areas.iter().map(|area| area.kib(field)).sum::<io::Result<u64>>()? << 10)
    };
    let cached = cached_pages(file)?.iter().filter(|is_cached| **is_cached).count();
    let cached = u64::try_from(cached * page_size()).map_err(io::Error::other)?;
    Ok(Memory { resident: of("Rss")?, proportional: of("Pss")?, anonymous: of("Anonymous")?, cached })
}
// ANCHOR_END: memory_of

/// What this process's control group is charged, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charge {
    /// Pages of the page cache: whoever brings a page pays for it, until it leaves the cache.
    pub cache: u64,
    /// Those of them that somebody maps.
    pub mapped: u64,
    /// Memory that no file has.
    pub anonymous: u64,
}

/// What the control group is charged: memory.stat of version 2 or 1 of control groups (the kernel's
/// Documentation/admin-guide/cgroup-v2.rst). None where no memory is counted, or it can't be seen from here.
///
/// # Errors
/// When /proc can't be read.
pub fn charge() -> io::Result<Option<Charge>> {
    let groups = fs::read_to_string("/proc/self/cgroup")?;
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else { continue };
        let (mount, fields) = match controllers {
            "memory" => ("/sys/fs/cgroup/memory", ["total_cache", "total_mapped_file", "total_rss"]),
            "" => ("/sys/fs/cgroup", ["file", "file_mapped", "anon"]),
            _ => continue,
        };
        let Ok(stat) = fs::read_to_string(format!("{mount}{path}/memory.stat")) else { continue };
        let field = |name: &str| stat.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
        if let [Some(cache), Some(mapped), Some(anonymous)] = fields.map(field) {
            return Ok(Some(Charge { cache, mapped, anonymous }));
        }
    }
    Ok(None)
}
// ANCHOR_END: memory

// ANCHOR: promises
/// Whether mmap(2) promises more memory than the machine has: to store to, and with MAP_NORESERVE. What it promises is paid
/// for page by page, and perhaps can't be.
///
/// /proc/sys/vm/overcommit_memory decides: 0 refuses what is obviously too much, unless nothing is to be reserved; 1 refuses
/// nothing; 2 keeps an account, and MAP_NORESERVE changes nothing.
///
/// # Errors
/// When /proc can't be read.
pub fn more_than_there_is() -> io::Result<[Result<(), Errno>; 2]> {
    let text = fs::read_to_string("/proc/meminfo")?;
    let kib = |name: &str| -> Option<usize> {
        text.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_suffix(" kB")?.parse().ok())
    };
    let there_is = kib("MemTotal:").zip(kib("SwapTotal:")).map(|(memory, swap)| memory + swap);
    let length = there_is.ok_or(io::ErrorKind::InvalidData)? << 11;
    let private = MapFlags::MAP_PRIVATE | MapFlags::MAP_ANONYMOUS;
    Ok([private, private | MapFlags::MAP_NORESERVE].map(|flags| mmap_and_munmap(-1, 0, length, READ_WRITE, flags)))
}

/// What mlock(2) says of two pages to an ordinary user who may lock one (RLIMIT_MEMLOCK), and none.
///
/// # Errors
/// Those of fork(2) and setrlimit(2).
pub fn locked_beyond_the_limit() -> io::Result<[Result<(), Errno>; 2]> {
    let (child, peer) = Child::fork(|peer| {
        if geteuid().is_root() {
            // Nobody: root has CAP_IPC_LOCK, for which there is no limit.
            setresuid(Uid::from_raw(65534), Uid::from_raw(65534), Uid::from_raw(65534))?;
        }
        for limit in [page_size_u64(), 0] {
            setrlimit(Resource::RLIMIT_MEMLOCK, limit, limit)?;
            let answer = lock(&Mapping::anonymous(2 * page_size(), READ_WRITE, Sharing::Private)?);
            peer.send(&answer.err().map_or(0, |errno| errno as i32).to_ne_bytes())?;
        }
        Ok(())
    })?;
    let answer = || -> io::Result<Result<(), Errno>> {
        let errno = i32::from_ne_bytes(peer.receive()?.try_into().map_err(|_| io::ErrorKind::InvalidData)?);
        Ok(if errno == 0 { Ok(()) } else { Err(Errno::from_raw(errno)) })
    };
    let answers = answer().and_then(|one| Ok([one, answer()?]));
    child.wait()?.success()?;
    answers
}
// ANCHOR_END: promises

// ANCHOR: huge
/// The faults of a store to each page of anonymous memory of this length (with room for a huge page in it): where huge pages
/// were asked for (MADV_HUGEPAGE), and where they were refused (MADV_NOHUGEPAGE).
///
/// # Errors
/// Those of mmap(2) and madvise(2): EINVAL where the kernel was built without transparent huge pages.
pub fn with_and_without_huge_pages(length: usize) -> io::Result<[Faults; 2]> {
    let pages = Order::Forward.of(length.div_ceil(page_size()));
    let faults = |advice| {
        let mapping = Mapping::anonymous(length, READ_WRITE, Sharing::Private)?;
        advise(&mapping, advice)?;
        faults_of(|| {
            touch(&mapping, &pages, AccessKind::Store);
            Ok(())
        })
    };
    Ok([faults(MmapAdvise::MADV_HUGEPAGE)?, faults(MmapAdvise::MADV_NOHUGEPAGE)?])
}
// ANCHOR_END: huge

// ANCHOR: places
/// Where a page of a mapping is for this process, the cheapest to access first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// A copy that only this mapping has: a store to a private mapping has made it.
    Copied,
    /// The file's page, and this process's page table has an entry for it: a load takes no fault.
    Mapped,
    /// The file's page is in the page cache, and this process has no entry for it: a load takes a minor fault.
    Cached,
    /// Nowhere in memory, or past the file's last page.
    Absent,
}
// ANCHOR_END: places

// ANCHOR: page_tables
/// The bytes that this process's page tables take (VmPTE, proc_pid_status(5)).
///
/// # Errors
/// When /proc can't be read.
pub fn page_tables() -> io::Result<u64> {
    let text = fs::read_to_string("/proc/self/status")?;
    let kib = text.lines().find_map(|line| line.strip_prefix("VmPTE:")?.trim().strip_suffix(" kB"));
    let kib: u64 = kib.and_then(|kib| kib.parse().ok()).ok_or(io::ErrorKind::InvalidData)?;
    Ok(kib << 10)
}

/// What the page tables of a mapping of such a length cost, in bytes: before any access, and when one page in each range that
/// a table of the last level has entries for was loaded.
///
/// # Errors
/// Those of memfd_create(2), ftruncate(2) and mmap(2): ENOMEM when no such range of addresses is free.
pub fn cost_in_page_tables(tables: usize) -> io::Result<(u64, u64)> {
    // A table is a page of entries, of the size of an address.
    let range = page_size() / size_of::<usize>() * page_size();
    let file = File::from(memfd_create(c"page tables", MFdFlags::MFD_CLOEXEC)?);
    let length = tables * range;
    file.set_len(u64::try_from(length).map_err(io::Error::other)?)?;
    let before = page_tables()?;
    let mapping = whole(&file, length, ProtFlags::PROT_READ, Sharing::Shared)?;
    let mapped = page_tables()?;
    for table in 0..tables {
        let _ = mapping.load(table * range);
    }
    Ok((mapped - before, page_tables()? - before))
}
// ANCHOR_END: page_tables

// ANCHOR: areas
/// The number of areas (lines of /proc/self/maps) of a mapping: as one, with another protection for every other page, and with
/// one protection again. /proc/sys/vm/max_map_count is how many of them a process may have.
///
/// # Errors
/// Those of mmap(2) and mprotect(2): ENOMEM when there would be too many.
// ANCHOR: split_and_merged
pub fn split_and_merged(pages: usize) -> io::Result<[usize; 3]> {
    let mapping = Mapping::anonymous(pages * page_size(), READ_WRITE, Sharing::Private)?;
    let protect = |protection: ProtFlags| {
        (0..pages).step_by(2).try_for_each(|page| {
            // SAFETY: a page of the mapping, which nobody accesses.
            unsafe { mprotect(mapping.pointer_to(page * page_size()), page_size(), protection) }
        })
    };
    let areas = || maps_of(mapping.range()).map(|areas| areas.len());
    let one = areas()?;
    protect(ProtFlags::PROT_READ)?;
    let split = areas()?;
    protect(READ_WRITE)?;
    Ok([one, split, areas()?])
}
// ANCHOR_END: split_and_merged
// ANCHOR_END: areas

/// The pages of the demonstration's file for counting.
const PAGES: usize = 1024;
/// The lengths of the files that are timed, in bytes.
const SIZES: [usize; 4] = [4 << 10, 64 << 10, 1 << 20, 256 << 20];
const ROUNDS: usize = 3;

/// Counts and times on files of its own, which have no name, in the directory of the file at `path`.
///
/// # Errors
/// When a file can't be written or mapped, or the output can't be written.
pub fn demonstrate(out: &mut Narrator, path: &Path) -> io::Result<()> {
    let directory = path.parent().unwrap_or(path);
    // A transcript shows no number, so that it needs no large file.
    let sizes = if out.is_transcript() { &SIZES[..SIZES.len() - 1] } else { &SIZES[..] };
    let mebibytes = SIZES[SIZES.len() - 1] >> 20;
    out.tell(text!(
        "this takes about ten seconds, and {mebibytes} MiB of the disk and of the page cache meanwhile",
        "大约需要十秒，期间占用 {mebibytes} MiB 的磁盘和页缓存"
    ))?;
    let measured = Measured::in_directory(directory)?;
    measured.fill(PAGES * page_size())?;
    for (words, value) in Machine::of(measured.file())?.in_words() {
        out.evidence(words, out.varying("n", value))?;
    }

    count_faults(out, &measured)?;
    show_memory(out, measured.file())?;

    out.part(text!("Which is faster?", "哪种更快？"))?;
    out.tell(text!(
        "a byte is looked for that the file does not have; 1 is as long as the first way takes",
        "在文件里找一个不存在的字节；以第一种方式所用的时间为 1"
    ))?;
    for size in sizes {
        measured.fill(*size)?;
        show_ways(out, measured.scan(&Way::ALL, ROUNDS, false)?)?;
    }
    out.shows(text!(
        "no way is always the fastest: the order changes with the size, and from machine to machine.",
        "没有哪种方式总是最快：名次随大小而变，也因机器而异。"
    ))?;

    out.part(text!("From the disk", "从磁盘读"))?;
    show_ways(out, measured.scan(&COLD, ROUNDS, true)?)?;
    show_ways(out, measured.records(ROUNDS, true)?)?;
    out.shows(text!(
        "a fault also reads what is around the page, unless the kernel is told that this is in vain.",
        "缺页时会顺带读入前后的页，除非事先告诉内核这样做是白费力气。"
    ))?;

    out.part(text!("A small change", "改动几个字节"))?;
    measured.fill(UPDATED)?;
    show_ways(out, measured.updates(ROUNDS)?)?;
    for Written { way, device, dirty } in measured.written()? {
        let kib =
            |bytes: Option<u64>| out.varying("n", bytes.map_or("?".to_owned(), |bytes| (bytes >> 10).to_string()));
        let (device, dirty) = (kib(device), kib(dirty));
        out.evidence(
            way,
            text!("{device} KiB to the device, {dirty} KiB dirty", "写到设备 {device} KiB，变脏 {dirty} KiB"),
        )?;
    }
    out.tell(text!(
        "? where the file system has no device of its own; others may write to it, too",
        "文件系统没有自己的设备时写作 ?；别的程序也可能在写这个设备"
    ))?;
    out.shows(text!(
        "a store makes its whole folio dirty, and all of it is written; pwrite(2) says which bytes.",
        "写入映射弄脏整个 folio，也就全部写出；pwrite(2) 说明了是哪些字节。"
    ))
}

/// What [`demonstrate`] measures, as JSON: an object on one line.
///
/// # Errors
/// When a file can't be written or mapped, or the output can't be written.
pub fn write_figures(out: &mut impl Write, directory: &Path) -> io::Result<()> {
    let figures = Figures::measure(directory, &SIZES, SIZES[SIZES.len() - 1], ROUNDS, |_| Ok(()))?;
    writeln!(out, "{}", serde_json::to_string(&figures)?)
}

fn count_faults(out: &mut Narrator, measured: &Measured) -> io::Result<()> {
    let file = measured.file();
    out.part(text!("The same loads, twice and once more", "同样的读取：两遍，再来一遍"))?;
    out.tell(text!(
        "a file of {PAGES} pages is mapped, and one byte of each page is loaded, twice",
        "映射一个 {PAGES} 页的文件，每页读一个字节，读两遍"
    ))?;
    let simplest = count(file, Plan::SIMPLEST)?;
    show(out, &text!("in the page cache", "在页缓存里"), Some(simplest.first))?;
    show(out, &text!("the second time", "第二遍"), Some(simplest.again))?;
    show(out, &text!("taken back, and again", "被收回之后再读"), known(paid_again(file))?)?;
    out.shows(text!(
        "pages cost faults the first time, and again after they were taken back.",
        "页第一次被访问才有缺页；被收回过，就要再付一次。"
    ))?;

    out.part(text!("Paid in advance", "预先付清"))?;
    for (words, before) in [
        ("MAP_POPULATE", Before::Populate),
        ("POPULATE_READ", Before::Advise(MmapAdvise::MADV_POPULATE_READ)),
        ("mlock", Before::Lock),
    ] {
        let cost = known(count(file, Plan { before, ..Plan::SIMPLEST }))?;
        show(out, &text!("loads after {words}", "{words} 之后的读取"), cost.map(|cost| cost.first))?;
    }
    out.tell(text!(
        "? where the kernel does not know the advice, or allows no such lock",
        "内核不认识这种建议、或不允许这样锁定时写作 ?"
    ))?;
    out.shows(text!("the kernel made all entries in one call.", "一次调用就建好了全部页表项。"))?;

    out.part(text!("Advice for a cold file", "对不在页缓存里的文件提建议"))?;
    for Advice { advice, in_order, scattered } in measured.advice()? {
        for (words, counts) in [
            (text!("{advice}, in order", "{advice}，顺序"), in_order),
            (text!("  few pages, scattered", "  零散的几页"), scattered),
        ] {
            let number =
                |of: fn(Advised) -> u64| out.varying("n", counts.map_or("?".to_owned(), |it| of(it).to_string()));
            let (major, read) = (number(|it| it.faults.major.unsigned_abs()), number(|it| it.read >> 10));
            out.evidence(words, text!("major faults {major}, read {read} KiB", "主缺页 {major} 次，读入 {read} KiB"))?;
        }
    }
    out.tell(text!(
        "? where a file can't leave the cache, as on tmpfs",
        "文件离不开页缓存时（例如在 tmpfs 上）写作 ?"
    ))?;
    out.shows(text!(
        "MADV_RANDOM reads only what is asked for, which is right for few pages and wrong for all of them.",
        "MADV_RANDOM 只读要的那些页：要的页少时正合适，全都要时就错了。"
    ))
}

fn show_memory(out: &mut Narrator, file: &File) -> io::Result<()> {
    out.part(text!("What it takes of the memory", "占用多少内存"))?;
    let pages = Order::Forward.of(PAGES);
    let mut show = |words: Text, mapping: &Mapping| -> io::Result<()> {
        let Memory { resident, proportional: _, anonymous, cached } = memory_of(mapping, file)?;
        let [resident, anonymous, cached] = [resident, anonymous, cached].map(|bytes| bytes / page_size_u64());
        out.evidence(
            words,
            text!(
                "Rss {resident} pages, its own {anonymous}; in the page cache {cached}",
                "Rss {resident} 页，其中私有副本 {anonymous} 页；页缓存里 {cached} 页"
            ),
        )
    };
    let shared = whole(file, PAGES * page_size(), READ_WRITE, Sharing::Shared)?;
    touch(&Mapping::populated(file, PAGES * page_size(), READ_WRITE, Sharing::Shared)?, &pages, AccessKind::Load);
    show(text!("mapped", "映射之后"), &shared)?;
    touch(&shared, &pages, AccessKind::Load);
    show(text!("loaded", "读过之后"), &shared)?;
    drop(shared);
    let private = whole(file, PAGES * page_size(), READ_WRITE, Sharing::Private)?;
    show(text!("unmapped, mapped private", "解除映射，再私有映射"), &private)?;
    touch(&private, &pages, AccessKind::Store);
    show(text!("stored to", "写过之后"), &private)?;
    drop(private);
    let (before, after) = cost_in_page_tables(64)?;
    let (before, after) = (before >> 10, out.varying("n", after >> 10));
    out.evidence(
        text!("page tables", "页表"),
        text!(
            "{before} KiB for a mapping; {after} KiB when 64 far pages of it were loaded",
            "映射本身 {before} KiB；读过相隔很远的 64 页之后 {after} KiB"
        ),
    )?;
    let [one, split, merged] = split_and_merged(64)?;
    out.evidence(
        text!("areas", "区域"),
        text!(
            "{one}; {split} with two protections in turn; {merged} with one again",
            "{one} 个；两种保护交替之后 {split} 个；恢复同一种之后 {merged} 个"
        ),
    )?;
    let [one, none] = locked_beyond_the_limit()?.map(|locked| answer(&locked));
    out.evidence(
        text!("mlock of 2 pages", "mlock 2 页"),
        text!("{one} where 1 may be locked, {none} where none may", "限额 1 页时 {one}，限额 0 时 {none}"),
    )?;
    let promises = more_than_there_is()?.map(|promise| out.varying(text!("answer", "回答"), answer(&promise)));
    let [promise, unreserved] = promises;
    out.evidence(
        text!("twice the memory there is", "内存总量的两倍"),
        text!("{promise}; with MAP_NORESERVE {unreserved}", "{promise}；带 MAP_NORESERVE 时 {unreserved}"),
    )?;
    let huge = known(with_and_without_huge_pages(16 << 20))?;
    let faults = |n: usize| out.varying("n", huge.map_or("?".to_owned(), |faults| faults[n].minor.to_string()));
    let (with, without) = (faults(0), faults(1));
    out.evidence(
        text!("stores to 16 MiB", "写满 16 MiB"),
        text!("{with} faults with huge pages, {without} without", "有大页时缺页 {with} 次，没有时 {without} 次"),
    )?;
    out.shows(text!(
        "a mapping is cheap, a touched page is not. munmap gives the entries back; the page cache keeps the pages.",
        "映射便宜，访问过的页不便宜。munmap 还掉的是页表项；页仍留在页缓存里。"
    ))
}

/// None where this kernel doesn't know an advice (EINVAL), or allows no lock (ENOMEM, EPERM).
fn known<T>(answer: io::Result<T>) -> io::Result<Option<T>> {
    match answer {
        Err(error) if [libc::EINVAL, libc::ENOMEM, libc::EPERM].map(Some).contains(&error.raw_os_error()) => Ok(None),
        answer => answer.map(Some),
    }
}

/// A bar for each way, or that it could not be compared.
fn show_ways(out: &mut Narrator, Comparison { subject, folio, ways }: Comparison) -> io::Result<()> {
    out.tell(subject.in_words())?;
    let folio = out.varying("n", folio.map_or("?".to_owned(), |pages| pages.to_string()));
    out.evidence(text!("pages of a folio", "每个 folio 的页数"), folio)?;
    for (name, ratio) in ways {
        out.evidence(name, out.varying(text!("ratio", "倍数"), ratio.map_or("?".to_owned(), bar)))?;
    }
    Ok(())
}

/// A ratio as a bar, of which eight characters are 1, and in figures.
fn bar(Ratio { median, least, most }: Ratio) -> String {
    let eighths = (median * 64.0).round().clamp(0.0, 320.0);
    let (mut bar, mut left) = (String::new(), eighths);
    while left >= 8.0 {
        bar.push('█');
        left -= 8.0;
    }
    if median > 5.0 {
        bar.push('…');
    }
    bar.extend("▏▎▍▌▋▊▉".chars().zip(1_u8..).filter(|(_, n)| f64::from(*n) == left).map(|(c, _)| c));
    format!("{bar} {median:.2} ({least:.2} - {most:.2})")
}

/// Shows a count, or that there is none.
fn show(out: &mut Narrator, words: &Text, faults: Option<Faults>) -> io::Result<()> {
    let number =
        |of: fn(Faults) -> i64| out.varying("n", faults.map_or("?".to_owned(), |faults| of(faults).to_string()));
    let (minor, major) = (number(|faults| faults.minor), number(|faults| faults.major));
    out.evidence(
        words.clone(),
        text!("minor faults {minor}, major faults {major}", "次缺页 {minor} 次，主缺页 {major} 次"),
    )
}
