//! # Exercise 7: an answer

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::ptr::NonNull;
use std::time::Duration;

use mmap_workbook::lesson_2::{Mapping, Sharing};
use mmap_workbook::lesson_7::{Place, advise, time_of};
use mmap_workbook::observe::{in_page_cache, page_size, whole_pages};
use nix::errno::Errno;
use nix::libc::c_void;
use nix::sys::mman::{MmapAdvise, ProtFlags, madvise};

const PRESENT: u64 = 1 << 63;
const SWAPPED: u64 = 1 << 62;
const OF_A_FILE: u64 = 1 << 61;

/// The page table comes first: of a page that is copied, mincore(2) says that it is in memory, whatever the page cache has.
pub fn resident(mapping: &Mapping) -> io::Result<Vec<Place>> {
    let range = mapping.range();
    let mut entries = vec![0; range.len() / page_size() * 8];
    let first = u64::try_from(range.start / page_size()).map_err(io::Error::other)?;
    File::open("/proc/self/pagemap")?.read_exact_at(&mut entries, first * 8)?;
    let entries = entries.as_chunks::<8>().0.iter().map(|bytes| u64::from_ne_bytes(*bytes));
    let place = |(entry, is_cached): (u64, bool)| {
        if entry & (PRESENT | SWAPPED) != 0 && entry & OF_A_FILE == 0 {
            Place::Copied
        } else if entry & PRESENT != 0 {
            Place::Mapped
        } else if is_cached {
            Place::Cached
        } else {
            Place::Absent
        }
    };
    Ok(entries.zip(in_page_cache(range)?).map(place).collect())
}

/// One call for all pages. Where the kernel does not know it, loads do the same; but a load past the file's last page would
/// be a bus error, so the size is looked at first.
pub fn warm(mapping: &Mapping, file: &File, range: Range<usize>) -> io::Result<()> {
    if range.is_empty() {
        return Ok(());
    }
    let start = range.start - range.start % page_size();
    let end = whole_pages(range.end);
    let address = NonNull::new(std::ptr::with_exposed_provenance_mut::<c_void>(mapping.address() + start));
    let address = address.ok_or(Errno::EFAULT)?;
    // SAFETY: pages of the mapping. No byte of them changes.
    match unsafe { madvise(address, end - start, MmapAdvise::MADV_POPULATE_READ) } {
        Err(Errno::EINVAL) => {}
        answer => return Ok(answer?),
    }
    let size = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
    if end > size.next_multiple_of(page_size()) {
        return Err(Errno::EFAULT.into());
    }
    for at in (start..end).step_by(page_size()) {
        let _ = mapping.load(at);
    }
    Ok(())
}

/// Each mapping is dropped at the end of its turn, before the next is made; and at `?`, too.
pub fn scan(file: &File, limit: usize, mut visit: impl FnMut(&Mapping) -> io::Result<()>) -> io::Result<()> {
    let most = (limit - limit % page_size()).max(page_size());
    let (mut at, size) = (0, file.metadata()?.len());
    while at < size {
        let length = usize::try_from(size - at).unwrap_or(usize::MAX).min(most);
        let mapping = Mapping::of_file(file, at, length, ProtFlags::PROT_READ, Sharing::Shared)?;
        visit(&mapping)?;
        at += u64::try_from(length).map_err(io::Error::other)?;
    }
    Ok(())
}

/// Without MADV_RANDOM each fault of a cold file would read what is around it. pread(2) after POSIX_FADV_RANDOM reads no more,
/// either: it takes a call for each record, a mapping takes a fault for each page.
pub fn gather(file: &File, offsets: &[u64], record: usize) -> io::Result<Vec<u8>> {
    let size = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
    let inside = |at: &u64| {
        let at = usize::try_from(*at).ok()?;
        (at <= size && record <= size - at).then_some(at)
    };
    let places: Vec<usize> = offsets.iter().map(inside).collect::<Option<_>>().ok_or(io::ErrorKind::UnexpectedEof)?;
    if places.is_empty() {
        return Ok(Vec::new());
    }
    let mapping = Mapping::of_file(file, 0, size, ProtFlags::PROT_READ, Sharing::Shared)?;
    advise(&mapping, MmapAdvise::MADV_RANDOM)?;
    let mut bytes = vec![0; places.len() * record];
    for (at, into) in places.into_iter().zip(bytes.chunks_exact_mut(record)) {
        mapping.read(at, into);
    }
    Ok(bytes)
}

/// What [`choose`] has measured, and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The sum of the file's bytes.
    pub sum: u64,
    /// How long it took with read(2) in each round.
    pub read: Vec<Duration>,
    /// How long it took with a mapping in each round.
    pub mapped: Vec<Duration>,
    /// Whether to map the file.
    pub map: bool,
}

/// The untimed pass brings the file into the page cache, and what it finds is the sum. In every second round the mapping goes
/// first. It is chosen if it wins each round: read(2) is simpler, and no file that shrinks makes it a bus error.
pub fn choose(file: &File, rounds: usize) -> io::Result<Choice> {
    let size = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
    if size == 0 || rounds == 0 {
        return Err(Errno::EINVAL.into());
    }
    let (mut read, mut mapped) = (Vec::new(), Vec::new());
    let sum = sum_by_read(file)?;
    for round in 0..rounds {
        let by_read = || time_of(1, || sum_by_read(file).map(drop));
        let by_mapping = || time_of(1, || sum_of_mapping(file, size).map(drop));
        if round % 2 == 0 {
            read.push(by_read()?);
            mapped.push(by_mapping()?);
        } else {
            mapped.push(by_mapping()?);
            read.push(by_read()?);
        }
    }
    let map = mapped.iter().zip(&read).all(|(mapped, read)| mapped < read);
    Ok(Choice { sum, read, mapped, map })
}

fn sum_by_read(file: &File) -> io::Result<u64> {
    let mut buffer = vec![0; 64 << 10];
    let (mut sum, mut at) = (0, 0);
    loop {
        let length = file.read_at(&mut buffer, at)?;
        if length == 0 {
            return Ok(sum);
        }
        sum += buffer[..length].iter().map(|byte| u64::from(*byte)).sum::<u64>();
        at += u64::try_from(length).map_err(io::Error::other)?;
    }
}

/// The mapping is dropped, and so unmapped, before this returns.
fn sum_of_mapping(file: &File, size: usize) -> io::Result<u64> {
    let mapping = Mapping::of_file(file, 0, size, ProtFlags::PROT_READ, Sharing::Shared)?;
    Ok((0..size).map(|at| u64::from(mapping.load(at))).sum())
}
