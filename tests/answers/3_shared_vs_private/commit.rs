use std::fs::{File, OpenOptions};
use std::io::{self, IoSlice, Seek, SeekFrom, Write};
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::ptr::{self, NonNull};
use std::sync::{Mutex, OnceLock};

use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use mmap_workbook::observe::{page_size, page_size_u64, whole_pages};
use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, FcntlArg, Flock, FlockArg, OFlag, fallocate, fcntl};
use nix::libc;
use nix::sys::mman::{MmapAdvise, madvise};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::uio::pwritev;

use crate::solution::{copied_pages, discard};

/// The bytes of page `n` that are inside a file of `size` bytes.
fn inside(n: usize, size: u64) -> usize {
    let left = size.saturating_sub((n * page_size()) as u64);
    usize::try_from(left).map_or(page_size(), |left| left.min(page_size()))
}

fn page_bytes(draft: &Mapping, n: usize, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    draft.read(n * page_size(), &mut bytes);
    bytes
}

fn write_page(draft: &Mapping, file: &File, n: usize, size: u64) -> io::Result<()> {
    file.write_all_at(&page_bytes(draft, n, inside(n, size)), (n * page_size()) as u64)
}

fn size_of(file: &File) -> io::Result<u64> {
    Ok(file.metadata()?.len())
}

/// The bytes of a page of the draft that are inside a file of `size` bytes, and their place.
fn page_of(draft: &Mapping, page: usize, size: u64) -> (Vec<u8>, u64) {
    let at = page as u64 * page_size_u64();
    let length = page_size_u64().min(size.saturating_sub(at)) as usize;
    let mut bytes = vec![0; length];
    draft.read(page * page_size(), &mut bytes);
    (bytes, at)
}

/// Writes these pages with pwrite(2).
fn write_pages(draft: &Mapping, file: &File, pages: &[usize]) -> io::Result<()> {
    let size = file.metadata()?.len();
    for &page in pages {
        let (bytes, at) = page_of(draft, page, size);
        file.write_all_at(&bytes, at)?;
    }
    Ok(())
}

/// The bytes of a page that are inside a file of `size` bytes.
fn range_inside(page: usize, size: u64) -> Range<usize> {
    let start = page * page_size();
    let end = (start as u64 + page_size_u64()).min(size) as usize;
    start..end
}

/// These bytes of the draft, taken out of it.
fn bytes_of(draft: &Mapping, range: Range<usize>) -> Vec<u8> {
    let mut bytes = vec![0; range.len()];
    draft.read(range.start, &mut bytes);
    bytes
}

/// The numbers that follow each other, as ranges.
fn runs(pages: &[usize]) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for &page in pages {
        match runs.last_mut() {
            Some(run) if run.end == page => run.end += 1,
            _ => runs.push(page..page + 1),
        }
    }
    runs
}

/// Drops the copy of each page as soon as that page is written: after an error, part of the draft is gone.
///
/// fails: commit::a_page_that_is_not_written_whole_keeps_all_the_copies failed
mod discards_each_page {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let pages = crate::solution::copied_pages(draft)?;
        let size = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
        for &page in &pages {
            let at = page * page_size();
            let mut bytes = vec![0; size.saturating_sub(at).min(page_size())];
            draft.read(at, &mut bytes);
            file.write_all_at(&bytes, u64::try_from(at).map_err(io::Error::other)?)?;
            let start = NonNull::new(std::ptr::with_exposed_provenance_mut(draft.address() + at));
            // SAFETY: the page is the draft's, which hands out no references to its bytes.
            unsafe { madvise(start.ok_or(io::ErrorKind::InvalidInput)?, page_size(), MmapAdvise::MADV_DONTNEED) }?;
        }
        Ok(pages.len())
    }
}

/// Drops the copies before it knows that they are in the file.
///
/// fails: commit::nothing_is_lost_when_it_fails failed
/// fails: commit::a_page_that_is_not_written_whole_keeps_all_the_copies failed
mod discards_in_any_case {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let written = crate::solution::commit(draft, file);
        crate::solution::discard(draft)?;
        written
    }
}

/// Writes the pages, and does not drop the copies.
///
/// fails: commit::the_draft_follows_the_file_again failed equal-bytes-are-the-page
mod keeps_its_copies {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let pages = crate::solution::copied_pages(draft)?;
        let written = crate::solution::commit(draft, file)?;
        // As if the copies had never been dropped.
        for page in pages {
            draft.store(page * page_size(), draft.load(page * page_size()));
        }
        Ok(written)
    }
}

/// Stores the pages through a shared mapping, for which the file has to be open for reading, too.
///
/// fails: commit::a_file_open_for_writing_only_is_enough failed
/// fails: commit::nothing_is_lost_when_it_fails failed
/// fails: commit::a_page_that_is_not_written_whole_keeps_all_the_copies failed
mod maps_the_file_shared {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let size = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
        let shared = Mapping::of_file(file, 0, size, READ_WRITE, Sharing::Shared)?;
        let pages = crate::solution::copied_pages(draft)?;
        for &page in &pages {
            for at in (page * page_size()..size).take(page_size()) {
                shared.store(at, draft.load(at));
            }
        }
        crate::solution::discard(draft)?;
        Ok(pages.len())
    }
}

/// Takes the draft's length for the file's size.
///
/// fails: commit::a_page_goes_to_the_file_whole_though_the_draft_ends_in_it failed
mod measures_the_draft {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let pages = crate::solution::copied_pages(draft)?;
        for &page in &pages {
            let at = page * page_size();
            let mut bytes = vec![0; (draft.length() - at).min(page_size())];
            draft.read(at, &mut bytes);
            file.write_all_at(&bytes, u64::try_from(at).map_err(io::Error::other)?)?;
        }
        crate::solution::discard(draft)?;
        Ok(pages.len())
    }
}

/// Writes the whole draft to the file, edited or not.
///
/// fails: commit::a_page_that_is_not_written_whole_keeps_all_the_copies failed
/// fails: commit::nothing_is_lost_when_it_fails failed
/// fails: commit::only_those_pages_are_written failed writing-back-is-harmless
mod writes_everything_back {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let pages = crate::solution::copied_pages(draft)?.len();
        let size = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
        let mut bytes = vec![0; size.min(draft.range().len())];
        draft.read(0, &mut bytes);
        file.write_all_at(&bytes, 0)?;
        crate::solution::discard(draft)?;
        Ok(pages)
    }
}

/// Assumes that one call writes all bytes that it is given.
///
/// fails: commit::a_page_that_is_not_written_whole_keeps_all_the_copies failed short-is-the-end
mod writes_once {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let pages = crate::solution::copied_pages(draft)?;
        let size = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
        for &page in &pages {
            let at = page * page_size();
            let mut bytes = vec![0; size.saturating_sub(at).min(page_size())];
            draft.read(at, &mut bytes);
            let _count = file.write_at(&bytes, u64::try_from(at).map_err(io::Error::other)?)?;
        }
        crate::solution::discard(draft)?;
        Ok(pages.len())
    }
}

/// Writes whole pages, even the last one.
///
/// fails: commit::the_files_pages_are_the_drafts_where_it_was_stored_to failed rest-is-file
mod writes_whole_pages {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let pages = crate::solution::copied_pages(draft)?;
        for &page in &pages {
            let mut bytes = vec![0; page_size()];
            draft.read(page * page_size(), &mut bytes);
            file.write_all_at(&bytes, u64::try_from(page * page_size()).map_err(io::Error::other)?)?;
        }
        crate::solution::discard(draft)?;
        Ok(pages.len())
    }
}

/// The plain answer: writes page by page what is inside the file, and discards when all are written.
///
/// passes
mod page_by_page {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let (copied, size) = (copied_pages(draft)?, size_of(file)?);
        for &n in &copied {
            write_page(draft, file, n, size)?;
        }
        discard(draft)?;
        Ok(copied.len())
    }
}

/// Writes neighbouring pages with one call, straight from the draft's memory, with no buffer in between.
///
/// passes
mod runs_straight_from_memory {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let (copied, size, page) = (copied_pages(draft)?, size_of(file)?, page_size());
        for run in copied.chunk_by(|a, b| a + 1 == *b) {
            let end = ((run[run.len() - 1] + 1) * page).min(usize::try_from(size).unwrap_or(usize::MAX));
            let mut at = run[0] * page;
            while at < end {
                let from = std::ptr::with_exposed_provenance(draft.address() + at);
                // SAFETY: the bytes up to `end` are inside the draft's pages; the kernel reads them, not Rust.
                match unsafe { libc::pwrite(file.as_raw_fd(), from, end - at, at as i64) } {
                    -1 if Errno::last() == Errno::EINTR => {}
                    -1 => return Err(io::Error::last_os_error()),
                    0 => return Err(io::ErrorKind::WriteZero.into()),
                    written => at += written as usize,
                }
            }
        }
        discard(draft)?;
        Ok(copied.len())
    }
}

/// Writes from the last page to the first, in chunks of 512 bytes, through a duplicate of the descriptor.
///
/// passes
mod backwards_in_small_chunks {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let copied = copied_pages(draft)?;
        let (file, size) = (file.try_clone()?, size_of(file)?);
        for &n in copied.iter().rev() {
            let bytes = page_bytes(draft, n, inside(n, size));
            for (at, chunk) in (n * page_size()..).step_by(512).zip(bytes.chunks(512)) {
                file.write_all_at(chunk, at as u64)?;
            }
        }
        discard(draft)?;
        Ok(copied.len())
    }
}

/// Drops only the pages that it has written, after all of them are; the others have no copies.
///
/// passes
mod drops_only_what_it_wrote {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let (copied, size) = (copied_pages(draft)?, size_of(file)?);
        copied.iter().try_for_each(|&n| write_page(draft, file, n, size))?;
        for n in &copied {
            let start = std::ptr::with_exposed_provenance_mut(draft.address() + n * page_size());
            // SAFETY: the page is one of the draft's.
            Errno::result(unsafe { libc::madvise(start, page_size(), libc::MADV_DONTNEED) })?;
        }
        Ok(copied.len())
    }
}

/// Tries every page even when one can't be written, and returns the first error then.
///
/// passes
mod tries_every_page {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let (copied, size) = (copied_pages(draft)?, size_of(file)?);
        let results: Vec<_> = copied.iter().map(|&n| write_page(draft, file, n, size)).collect();
        results.into_iter().collect::<io::Result<()>>()?;
        discard(draft)?;
        Ok(copied.len())
    }
}

/// Waits until the bytes are on the disk, with fdatasync(2), before it drops the copies.
///
/// passes
mod syncs_before_it_discards {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let (copied, size) = (copied_pages(draft)?, size_of(file)?);
        copied.iter().try_for_each(|&n| write_page(draft, file, n, size))?;
        if !copied.is_empty() {
            file.sync_data()?;
        }
        discard(draft)?;
        Ok(copied.len())
    }
}

/// Writes at the descriptor's position, which it moves there and, in the end, back.
///
/// passes
mod seeks_and_writes {
    use super::*;

    pub fn commit(draft: &Mapping, mut file: &File) -> io::Result<usize> {
        let (copied, size) = (copied_pages(draft)?, size_of(file)?);
        let before = file.stream_position()?;
        let written = copied.iter().try_for_each(|&n| {
            file.seek(SeekFrom::Start((n * page_size()) as u64))?;
            file.write_all(&page_bytes(draft, n, inside(n, size)))
        });
        file.seek(SeekFrom::Start(before))?;
        written?;
        discard(draft)?;
        Ok(copied.len())
    }
}

/// Makes a hole instead of writing a page of zeros, where the file system can: the file reads the same.
///
/// passes
mod punches_pages_of_zeros {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let (copied, size) = (copied_pages(draft)?, size_of(file)?);
        for &n in &copied {
            let bytes = page_bytes(draft, n, inside(n, size));
            let (at, length) = ((n * page_size()) as i64, page_size() as i64);
            let flags = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
            let zeros = bytes.iter().all(|&byte| byte == 0);
            if !zeros || fallocate(file, flags, at, length).is_err() {
                file.write_all_at(&bytes, at as u64)?;
            }
        }
        discard(draft)?;
        Ok(copied.len())
    }
}

/// Drops the copies first and then writes what the draft shows: the file's own bytes.
///
/// breaks: "The draft's bytes replace those of the file on the pages that are written."
/// fails: commit::the_files_pages_are_the_drafts_where_it_was_stored_to failed
mod discards_first {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let (copied, size) = (copied_pages(draft)?, size_of(file)?);
        discard(draft)?;
        copied.iter().try_for_each(|&n| write_page(draft, file, n, size))?;
        Ok(copied.len())
    }
}

/// Discards whether or not the writes have succeeded, and loses the edits on a full disk.
///
/// breaks: "If a page can't be written whole, the draft keeps all its copies, and a later call writes them all."
/// fails: commit::a_page_that_is_not_written_whole_keeps_all_the_copies failed
/// fails: commit::nothing_is_lost_when_it_fails failed
mod discards_in_any_case_2 {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let (copied, size) = (copied_pages(draft)?, size_of(file)?);
        let written = copied.iter().try_for_each(|&n| write_page(draft, file, n, size));
        discard(draft)?;
        written.map(|()| copied.len())
    }
}

/// Drops each copy as soon as it is written, so an error later finds the first ones gone.
///
/// breaks: "If a page can't be written whole, the draft keeps all its copies, and a later call writes them all."
/// fails: commit::a_page_that_is_not_written_whole_keeps_all_the_copies failed
mod discards_page_by_page {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let (copied, size) = (copied_pages(draft)?, size_of(file)?);
        for &n in &copied {
            write_page(draft, file, n, size)?;
            let start = std::ptr::with_exposed_provenance_mut(draft.address() + n * page_size());
            // SAFETY: the page is one of the draft's.
            Errno::result(unsafe { libc::madvise(start, page_size(), libc::MADV_DONTNEED) })?;
        }
        Ok(copied.len())
    }
}

/// Writes and leaves the copies, so the draft never again shows what others write there.
///
/// breaks: "Afterwards the draft shows the file, and has no copies."
/// fails: commit::nothing_is_lost_when_it_fails failed
/// fails: commit::the_draft_follows_the_file_again failed equal-bytes-are-the-page
mod forgets_to_discard {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let (copied, size) = (copied_pages(draft)?, size_of(file)?);
        copied.iter().try_for_each(|&n| write_page(draft, file, n, size))?;
        Ok(copied.len())
    }
}

/// Writes the whole last page, past the end of the file.
///
/// breaks: "The file keeps its size."
/// fails: commit::the_files_pages_are_the_drafts_where_it_was_stored_to failed rest-is-file
mod writes_whole_pages_2 {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let copied = copied_pages(draft)?;
        for &n in &copied {
            file.write_all_at(&page_bytes(draft, n, page_size()), (n * page_size()) as u64)?;
        }
        discard(draft)?;
        Ok(copied.len())
    }
}

/// Writes the whole last page, and truncates the file to its old size afterwards: in between, and at a limit, it shows.
///
/// breaks: "The file keeps its size." (with RLIMIT_FSIZE at the file's size the last page fails)
/// fails: commit::the_file_keeps_its_size failed
mod grows_and_truncates_back {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let (copied, size) = (copied_pages(draft)?, size_of(file)?);
        for &n in &copied {
            file.write_all_at(&page_bytes(draft, n, page_size()), (n * page_size()) as u64)?;
        }
        if copied.last().is_some_and(|&n| inside(n, size) < page_size()) {
            file.set_len(size)?;
        }
        discard(draft)?;
        Ok(copied.len())
    }
}

/// Stops at the draft's last byte, though the rest of the page is inside the file.
///
/// breaks: "All bytes of a page that are inside the file are written, even past the draft's last byte."
/// fails: commit::a_page_goes_to_the_file_whole_though_the_draft_ends_in_it failed
mod stops_at_the_drafts_end {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let copied = copied_pages(draft)?;
        copied.iter().try_for_each(|&n| write_page(draft, file, n, draft.length() as u64))?;
        discard(draft)?;
        Ok(copied.len())
    }
}

/// Cuts the draft's last page at the file's size modulo the page size: 0 for a file of whole pages.
///
/// breaks: "All bytes of a page that are inside the file are written"
/// fails: commit::many_pages_in_a_row_are_all_written failed
/// fails: commit::only_those_pages_are_written failed
/// fails: commit::the_file_keeps_its_size failed
mod modulo_for_the_last_page {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let (copied, size) = (copied_pages(draft)?, size_of(file)?);
        let last = (size / page_size() as u64) as usize;
        for &n in &copied {
            let full = n != last.saturating_sub(usize::from(size.is_multiple_of(page_size() as u64)));
            let length = if full { page_size() } else { (size % page_size() as u64) as usize };
            file.write_all_at(&page_bytes(draft, n, length), (n * page_size()) as u64)?;
        }
        discard(draft)?;
        Ok(copied.len())
    }
}

/// Writes one range from the first copy to the last, and with it the pages between.
///
/// breaks: "No other page is written: what others wrote there stays, and a hole stays a hole."
/// fails: commit::only_those_pages_are_written failed writing-back-is-harmless
mod from_the_first_to_the_last {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let (copied, size) = (copied_pages(draft)?, size_of(file)?);
        if let (Some(&first), Some(&last)) = (copied.first(), copied.last()) {
            (first..=last).try_for_each(|n| write_page(draft, file, n, size))?;
        }
        discard(draft)?;
        Ok(copied.len())
    }
}

/// Writes the whole draft as soon as a page of it was stored to.
///
/// breaks: "No other page is written: what others wrote there stays, and a hole stays a hole."
/// fails: commit::a_page_that_is_not_written_whole_keeps_all_the_copies failed
/// fails: commit::nothing_is_lost_when_it_fails killed
/// fails: commit::only_those_pages_are_written failed writing-back-is-harmless
mod writes_the_whole_draft {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let (copied, size) = (copied_pages(draft)?, size_of(file)?);
        if !copied.is_empty() {
            (0..draft.length().div_ceil(page_size())).try_for_each(|n| write_page(draft, file, n, size))?;
        }
        discard(draft)?;
        Ok(copied.len())
    }
}

/// Reserves the room with fallocate(2) first, so that no write can fail, and so fills the holes.
///
/// breaks: "a hole stays a hole"
/// fails: commit::only_those_pages_are_written failed
mod allocates_first {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let (copied, size) = (copied_pages(draft)?, size_of(file)?);
        if !copied.is_empty() {
            // Best effort: some file systems can't.
            let _ = fallocate(file, FallocateFlags::FALLOC_FL_KEEP_SIZE, 0, draft.length() as i64);
        }
        copied.iter().try_for_each(|&n| write_page(draft, file, n, size))?;
        discard(draft)?;
        Ok(copied.len())
    }
}

/// Reads the page of the file first and writes only if the bytes differ: a descriptor for writing can't be read.
///
/// breaks: "`file` need not be open for reading."
/// fails: commit::a_file_open_for_writing_only_is_enough failed
mod reads_to_compare {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let (copied, size) = (copied_pages(draft)?, size_of(file)?);
        for &n in &copied {
            let mut old = vec![0; inside(n, size)];
            file.read_exact_at(&mut old, (n * page_size()) as u64)?;
            if old != page_bytes(draft, n, old.len()) {
                write_page(draft, file, n, size)?;
            }
        }
        discard(draft)?;
        Ok(copied.len())
    }
}

/// Stores the pages through a shared mapping of the file, which needs a descriptor that is open for reading as well.
///
/// breaks: "`file` need not be open for reading."
/// fails: commit::a_file_open_for_writing_only_is_enough failed
/// fails: commit::a_page_that_is_not_written_whole_keeps_all_the_copies failed
/// fails: commit::nothing_is_lost_when_it_fails failed
mod through_a_shared_mapping {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let (copied, size) = (copied_pages(draft)?, size_of(file)?);
        if !copied.is_empty() {
            let shared = Mapping::of_file(file, 0, whole_pages(draft.length()), READ_WRITE, Sharing::Shared)?;
            copied.iter().for_each(|&n| shared.write(n * page_size(), &page_bytes(draft, n, inside(n, size))));
        }
        discard(draft)?;
        Ok(copied.len())
    }
}

/// Opens the file anew for reading and writing, by way of /proc, and so writes through a descriptor for reading.
///
/// breaks: "EBADF when there is a page to write, and `file` is open for reading only."
/// fails: commit::a_file_open_for_writing_only_is_enough failed
/// fails: commit::nothing_is_lost_when_it_fails failed
mod opens_it_for_writing {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let file = File::options().write(true).open(format!("/proc/self/fd/{}", file.as_raw_fd()))?;
        let (copied, size) = (copied_pages(draft)?, size_of(&file)?);
        copied.iter().try_for_each(|&n| write_page(draft, &file, n, size))?;
        discard(draft)?;
        Ok(copied.len())
    }
}

/// Checks how the file is open before it looks whether there is a page to write.
///
/// breaks: "EBADF when there is a page to write"
/// fails: commit::nothing_is_lost_when_it_fails failed
mod refuses_too_early {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let flags = OFlag::from_bits_truncate(fcntl(file, FcntlArg::F_GETFL)?);
        if flags & OFlag::O_ACCMODE == OFlag::O_RDONLY {
            return Err(Errno::EBADF.into());
        }
        let (copied, size) = (copied_pages(draft)?, size_of(file)?);
        copied.iter().try_for_each(|&n| write_page(draft, file, n, size))?;
        discard(draft)?;
        Ok(copied.len())
    }
}

/// Trusts that one pwrite(2) writes a page: at the limit it writes a part of it, and that is no error.
///
/// breaks: "A write may be short before it fails, on a full disk or at a limit."
/// fails: commit::a_page_that_is_not_written_whole_keeps_all_the_copies failed short-is-the-end
mod trusts_one_pwrite {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let (copied, size) = (copied_pages(draft)?, size_of(file)?);
        for &n in &copied {
            file.write_at(&page_bytes(draft, n, inside(n, size)), (n * page_size()) as u64)?;
        }
        discard(draft)?;
        Ok(copied.len())
    }
}

/// Sees that a write was short, and makes up an error instead of asking again for the real one.
///
/// breaks: "EFBIG at the limit on the size of a file"
/// fails: commit::a_page_that_is_not_written_whole_keeps_all_the_copies failed
mod short_is_write_zero {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let (copied, size) = (copied_pages(draft)?, size_of(file)?);
        for &n in &copied {
            let bytes = page_bytes(draft, n, inside(n, size));
            if file.write_at(&bytes, (n * page_size()) as u64)? < bytes.len() {
                return Err(io::ErrorKind::WriteZero.into());
            }
        }
        discard(draft)?;
        Ok(copied.len())
    }
}

/// Continues a short write at the page's start with the rest of the bytes.
///
/// breaks: "A write may be short before it fails, on a full disk or at a limit."
/// fails: commit::a_page_that_is_not_written_whole_keeps_all_the_copies failed
mod continues_at_the_start {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let (copied, size) = (copied_pages(draft)?, size_of(file)?);
        for &n in &copied {
            let bytes = page_bytes(draft, n, inside(n, size));
            let mut rest = bytes.as_slice();
            while !rest.is_empty() {
                let written = file.write_at(rest, (n * page_size()) as u64)?;
                rest = &rest[written..];
            }
        }
        discard(draft)?;
        Ok(copied.len())
    }
}

/// Stops at the first page that can't be written, and returns how many were, like a short count.
///
/// breaks: "Any other error of a call, unchanged."
/// fails: commit::a_page_that_is_not_written_whole_keeps_all_the_copies failed
mod error_as_a_short_count {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let (copied, size) = (copied_pages(draft)?, size_of(file)?);
        for (done, &n) in copied.iter().enumerate() {
            match write_page(draft, file, n, size) {
                Err(error) if done == 0 => return Err(error),
                Err(_) => return Ok(done),
                Ok(()) => {}
            }
        }
        discard(draft)?;
        Ok(copied.len())
    }
}

/// Remembers what it has written when a page fails, and leaves that out the next time.
///
/// breaks: "a later call writes them all"
/// fails: commit::a_page_that_is_not_written_whole_keeps_all_the_copies failed
mod resumes_where_it_failed {
    use super::*;

    static WRITTEN: Mutex<Vec<(usize, usize)>> = Mutex::new(Vec::new());

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let (copied, size) = (copied_pages(draft)?, size_of(file)?);
        let mut written = WRITTEN.lock().expect("no one panics here");
        let done = |n| (draft.address(), n);
        let todo: Vec<usize> = copied.into_iter().filter(|&n| !written.contains(&done(n))).collect();
        for &n in &todo {
            write_page(draft, file, n, size)?;
            written.push(done(n));
        }
        discard(draft)?;
        written.retain(|(address, _)| *address != draft.address());
        Ok(todo.len())
    }
}

/// Writes all pages with one pwritev(2) a run: more than IOV_MAX pages in a row are EINVAL.
///
/// breaks: "writes each page that was stored to (see [`copied_pages`]) to its place in the file"
/// fails: commit::many_pages_in_a_row_are_all_written failed
mod too_many_slices {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let (copied, size) = (copied_pages(draft)?, size_of(file)?);
        for run in copied.chunk_by(|a, b| a + 1 == *b) {
            let pages: Vec<Vec<u8>> = run.iter().map(|&n| page_bytes(draft, n, inside(n, size))).collect();
            let slices: Vec<IoSlice<'_>> = pages.iter().map(|page| IoSlice::new(page)).collect();
            let written = nix::sys::uio::pwritev(file, &slices, (run[0] * page_size()) as i64)?;
            if written < pages.iter().map(Vec::len).sum() {
                run.iter().try_for_each(|&n| write_page(draft, file, n, size))?;
            }
        }
        discard(draft)?;
        Ok(copied.len())
    }
}

/// Computes the place in the file with 32 bits: a page beyond 4 GiB goes to the file's beginning.
///
/// breaks: "writes each page that was stored to (see [`copied_pages`]) to its place in the file"
/// fails: commit::only_those_pages_are_written failed
mod place_of_32_bits {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let (copied, size) = (copied_pages(draft)?, size_of(file)?);
        for &n in &copied {
            let at = (n as u32).wrapping_mul(page_size() as u32);
            file.write_all_at(&page_bytes(draft, n, inside(n, size)), u64::from(at))?;
        }
        discard(draft)?;
        Ok(copied.len())
    }
}

/// Returns the number of bytes written.
///
/// breaks: "Returns the number of pages written."
/// fails: commit::the_files_pages_are_the_drafts_where_it_was_stored_to failed
mod counts_bytes {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let (copied, size) = (copied_pages(draft)?, size_of(file)?);
        copied.iter().try_for_each(|&n| write_page(draft, file, n, size))?;
        discard(draft)?;
        Ok(copied.iter().map(|&n| inside(n, size)).sum())
    }
}

/// Returns the number of calls: neighbouring pages are written with one and counted as one.
///
/// breaks: "Returns the number of pages written."
/// fails: commit::the_files_pages_are_the_drafts_where_it_was_stored_to failed
mod counts_runs {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let (copied, size) = (copied_pages(draft)?, size_of(file)?);
        let mut runs = 0;
        for run in copied.chunk_by(|a, b| a + 1 == *b) {
            let bytes: Vec<u8> = run.iter().flat_map(|&n| page_bytes(draft, n, inside(n, size))).collect();
            file.write_all_at(&bytes, (run[0] * page_size()) as u64)?;
            runs += 1;
        }
        discard(draft)?;
        Ok(runs)
    }
}

/// Finds the edits by comparing with a fresh private mapping, so a page that was stored to with equal bytes is left out.
///
/// breaks: "writes each page that was stored to"
/// may fail: commit::only_those_pages_are_written timed_out
/// fails: commit::a_file_open_for_writing_only_is_enough failed
/// fails: commit::the_files_pages_are_the_drafts_where_it_was_stored_to failed
mod only_pages_that_differ {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let size = size_of(file)?;
        let readable = File::open(format!("/proc/self/fd/{}", file.as_raw_fd()))?;
        let mut differing = copied_pages(draft)?;
        differing.retain(|&n| {
            let mut old = vec![0; inside(n, size)];
            readable.read_exact_at(&mut old, (n * page_size()) as u64).is_err()
                || old != page_bytes(draft, n, old.len())
        });
        differing.iter().try_for_each(|&n| write_page(draft, file, n, size))?;
        discard(draft)?;
        Ok(differing.len())
    }
}

/// Seeks relative to the descriptor's position, in the belief that it is 0.
///
/// breaks: "writes each page that was stored to (see [`copied_pages`]) to its place in the file"
/// fails: commit::the_files_pages_are_the_drafts_where_it_was_stored_to failed
mod writes_at_the_position {
    use super::*;

    pub fn commit(draft: &Mapping, mut file: &File) -> io::Result<usize> {
        let (copied, size, mut at) = (copied_pages(draft)?, size_of(file)?, 0);
        for &n in &copied {
            file.seek(SeekFrom::Current((n * page_size()) as i64 - at))?;
            file.write_all(&page_bytes(draft, n, inside(n, size)))?;
            at = (n * page_size() + inside(n, size)) as i64;
        }
        discard(draft)?;
        Ok(copied.len())
    }
}

/// Tries again while the disk is full, for ever.
///
/// breaks: "Any other error of a call, unchanged."
/// fails: commit::nothing_is_lost_when_it_fails timed_out
mod waits_for_room {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let (copied, size) = (copied_pages(draft)?, size_of(file)?);
        for &n in &copied {
            loop {
                match write_page(draft, file, n, size) {
                    Err(error) if error.raw_os_error() == Some(libc::ENOSPC) => std::thread::yield_now(),
                    other => break other?,
                }
            }
        }
        discard(draft)?;
        Ok(copied.len())
    }
}

/// Gives every failed write the same errno, since "the file can't be written".
///
/// breaks: "EBADF when there is a page to write, and `file` is open for reading only."
/// fails: commit::a_page_that_is_not_written_whole_keeps_all_the_copies failed
/// fails: commit::nothing_is_lost_when_it_fails failed
mod all_errors_are_eacces {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let (copied, size) = (copied_pages(draft)?, size_of(file)?);
        for &n in &copied {
            write_page(draft, file, n, size).map_err(|_| io::Error::from(Errno::EACCES))?;
        }
        discard(draft)?;
        Ok(copied.len())
    }
}

/// Keeps the set of pages in a bit mask of 64 bits: page 64 is page 0 again.
///
/// breaks: "writes each page that was stored to"
/// fails: commit::many_pages_in_a_row_are_all_written failed
/// fails: commit::only_those_pages_are_written failed
mod mask_of_64_pages {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let size = size_of(file)?;
        let mask = copied_pages(draft)?.into_iter().fold(0_u64, |mask, n| mask | 1 << (n % 64));
        (0..64).filter(|n| mask >> n & 1 == 1).try_for_each(|n| write_page(draft, file, n, size))?;
        discard(draft)?;
        Ok(mask.count_ones() as usize)
    }
}

/// Takes the size from the blocks that the file has on the disk, which a file with holes has few of.
///
/// breaks: "All bytes of a page that are inside the file are written"
/// fails: commit::nothing_is_lost_when_it_fails failed
/// fails: commit::only_those_pages_are_written failed
/// fails: commit::the_draft_follows_the_file_again failed
mod size_in_blocks {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let copied = copied_pages(draft)?;
        let metadata = file.metadata()?;
        let size = metadata.len().min(metadata.blocks() * 512);
        copied.iter().try_for_each(|&n| write_page(draft, file, n, size))?;
        discard(draft)?;
        Ok(copied.len())
    }
}

/// Adds up the page numbers to see whether there is anything to do: for page 0 alone the sum is 0.
///
/// breaks: "Commits the draft: writes each page that was stored to"
/// fails: commit::a_file_open_for_writing_only_is_enough failed
/// fails: commit::nothing_is_lost_when_it_fails failed
/// fails: commit::the_draft_follows_the_file_again failed
/// fails: commit::the_files_pages_are_the_drafts_where_it_was_stored_to failed
mod page_zero_is_no_page {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let (copied, size) = (copied_pages(draft)?, size_of(file)?);
        if copied.iter().sum::<usize>() == 0 {
            return Ok(0);
        }
        copied.iter().try_for_each(|&n| write_page(draft, file, n, size))?;
        discard(draft)?;
        Ok(copied.len())
    }
}

/// Writes page by page through a buffer.
///
/// passes
mod page_by_page_2 {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let pages = copied_pages(draft)?;
        write_pages(draft, file, &pages)?;
        discard(draft)?;
        Ok(pages.len())
    }
}

/// Passes the draft's own addresses to pwrite(2), one call for each run of neighbouring copies, the last run first.
///
/// passes
mod straight_from_the_draft {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let pages = copied_pages(draft)?;
        let size = file.metadata()?.len();
        for run in pages.chunk_by(|a, b| a + 1 == *b).rev() {
            let mut at = run[0] as u64 * page_size_u64();
            let end = size.min((run[run.len() - 1] as u64 + 1) * page_size_u64());
            while at < end {
                let from = std::ptr::with_exposed_provenance(draft.address() + at as usize);
                let place = at.try_into().map_err(|_| Errno::EOVERFLOW)?;
                // SAFETY: the kernel reads bytes of the draft, which is mapped.
                let written = unsafe { libc::pwrite(file.as_raw_fd(), from, (end - at) as usize, place) };
                match Errno::result(written) {
                    Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                    Ok(written) => at += written as u64,
                    Err(Errno::EINTR) => {}
                    Err(errno) => return Err(errno.into()),
                }
            }
        }
        discard(draft)?;
        Ok(pages.len())
    }
}

/// Writes through a duplicate of the descriptor, in chunks of 512 bytes, and then waits for the disk.
///
/// passes
mod small_chunks_and_fdatasync {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let pages = copied_pages(draft)?;
        if pages.is_empty() {
            return Ok(0);
        }
        let file = file.try_clone()?;
        let size = file.metadata()?.len();
        for &page in &pages {
            let (bytes, at) = page_of(draft, page, size);
            for (chunk, at) in bytes.chunks(512).zip((at..).step_by(512)) {
                file.write_all_at(chunk, at)?;
            }
        }
        file.sync_data()?;
        discard(draft)?;
        Ok(pages.len())
    }
}

/// Sets the file offset, and sets it back, but not when a write fails.
///
/// breaks: "The descriptor's file offset (lseek(2)) may have any value, and keeps it."
/// fails: commit::a_page_that_is_not_written_whole_keeps_all_the_copies failed
/// fails: commit::nothing_is_lost_when_it_fails failed
mod offset_lost_on_error {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let pages = copied_pages(draft)?;
        let size = file.metadata()?.len();
        let mut out = file;
        let old = out.stream_position()?;
        for &page in &pages {
            let (bytes, at) = page_of(draft, page, size);
            out.seek(SeekFrom::Start(at))?;
            out.write_all(&bytes)?;
        }
        out.seek(SeekFrom::Start(old))?;
        discard(draft)?;
        Ok(pages.len())
    }
}

/// Duplicates the descriptor so as not to move its offset, which the two share.
///
/// breaks: "The descriptor's file offset (lseek(2)) may have any value, and keeps it."
/// fails: commit::the_files_pages_are_the_drafts_where_it_was_stored_to failed
mod offset_of_a_duplicate {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let pages = copied_pages(draft)?;
        let size = file.metadata()?.len();
        let mut out = file.try_clone()?;
        for &page in &pages {
            let (bytes, at) = page_of(draft, page, size);
            out.seek(SeekFrom::Start(at))?;
            out.write_all(&bytes)?;
        }
        discard(draft)?;
        Ok(pages.len())
    }
}

/// Writes whole pages and then truncates the file to its old size: for a moment it is longer.
///
/// breaks: "The file keeps its size, at every moment."
/// fails: commit::the_file_keeps_its_size failed
mod longer_for_a_moment {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let pages = copied_pages(draft)?;
        let size = file.metadata()?.len();
        for &page in &pages {
            let (bytes, at) = page_of(draft, page, u64::MAX);
            file.write_all_at(&bytes, at)?;
        }
        if file.metadata()?.len() > size {
            file.set_len(size)?;
        }
        discard(draft)?;
        Ok(pages.len())
    }
}

/// Ends with the draft's last byte, though the file and the copy of its page go on.
///
/// breaks: "All bytes of a page that are inside the file are written, even past the draft's last byte."
/// fails: commit::a_page_goes_to_the_file_whole_though_the_draft_ends_in_it failed
mod ends_with_the_draft {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let pages = copied_pages(draft)?;
        for &page in &pages {
            let (bytes, at) = page_of(draft, page, draft.length() as u64);
            file.write_all_at(&bytes, at)?;
        }
        discard(draft)?;
        Ok(pages.len())
    }
}

/// Joins copies that have a single page between them into one write, and takes the old bytes of that page along.
///
/// breaks: "No other page is written: what others wrote there stays, and a hole stays a hole."
/// fails: commit::only_those_pages_are_written failed writing-back-is-harmless
mod bridges_a_gap {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let pages = copied_pages(draft)?;
        for run in pages.chunk_by(|a, b| b - a <= 2) {
            let all: Vec<usize> = (run[0]..=run[run.len() - 1]).collect();
            write_pages(draft, file, &all)?;
        }
        discard(draft)?;
        Ok(pages.len())
    }
}

/// Drops each copy as soon as it is written, so that after an error the earlier ones are gone.
///
/// breaks: "If a page can't be written whole, the draft keeps all its copies, and a later call writes them all."
/// fails: commit::a_page_that_is_not_written_whole_keeps_all_the_copies failed
mod drops_each_at_once {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let pages = copied_pages(draft)?;
        for &page in &pages {
            write_pages(draft, file, &[page])?;
            let start = std::ptr::with_exposed_provenance_mut(draft.address() + page * page_size());
            // SAFETY: the page is the draft's, and its bytes are in the file.
            Errno::result(unsafe { libc::madvise(start, page_size(), libc::MADV_DONTNEED) })?;
        }
        Ok(pages.len())
    }
}

/// Discards first and looks at the result of the writes afterwards.
///
/// breaks: "If a page can't be written whole, the draft keeps all its copies, and a later call writes them all."
/// fails: commit::a_page_that_is_not_written_whole_keeps_all_the_copies failed
/// fails: commit::nothing_is_lost_when_it_fails failed
mod discards_before_the_question_mark {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let pages = copied_pages(draft)?;
        let written = write_pages(draft, file, &pages);
        discard(draft)?;
        written.map(|()| pages.len())
    }
}

/// Calls pwrite once a page and believes that it wrote all of it.
///
/// breaks: "A write may be short before it fails, on a full disk or at a limit."
/// fails: commit::a_page_that_is_not_written_whole_keeps_all_the_copies failed short-is-the-end
mod believes_a_short_write {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let pages = copied_pages(draft)?;
        let size = file.metadata()?.len();
        for &page in &pages {
            let (bytes, at) = page_of(draft, page, size);
            file.write_at(&bytes, at)?;
        }
        discard(draft)?;
        Ok(pages.len())
    }
}

/// Finds that a write was short, but makes an error of its own of that instead of asking the kernel for the reason.
///
/// breaks: "EFBIG at the limit on the size of a file (RLIMIT_FSIZE in setrlimit(2))."
/// fails: commit::a_page_that_is_not_written_whole_keeps_all_the_copies failed
mod short_write_is_write_zero {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let pages = copied_pages(draft)?;
        let size = file.metadata()?.len();
        for &page in &pages {
            let (bytes, at) = page_of(draft, page, size);
            if file.write_at(&bytes, at)? < bytes.len() {
                return Err(io::ErrorKind::WriteZero.into());
            }
        }
        discard(draft)?;
        Ok(pages.len())
    }
}

/// Checks first that the descriptor is open for writing, even if there is nothing to write.
///
/// breaks: "EBADF when `file` is open for reading only, but not when there is no page to write."
/// fails: commit::nothing_is_lost_when_it_fails failed
mod ebadf_for_nothing {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let flags = fcntl(file, FcntlArg::F_GETFL)?;
        if flags & OFlag::O_ACCMODE.bits() == OFlag::O_RDONLY.bits() {
            return Err(Errno::EBADF.into());
        }
        let pages = copied_pages(draft)?;
        write_pages(draft, file, &pages)?;
        discard(draft)?;
        Ok(pages.len())
    }
}

/// Keeps the place in the file in 32 bits: pages past 4 GiB are written to its start.
///
/// breaks: "The draft's bytes replace those of the file on the pages that are written."
/// fails: commit::only_those_pages_are_written failed
mod place_in_32_bits {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let pages = copied_pages(draft)?;
        let size = file.metadata()?.len();
        for &page in &pages {
            let (bytes, at) = page_of(draft, page, size);
            file.write_all_at(&bytes, u64::from(at as u32))?;
        }
        discard(draft)?;
        Ok(pages.len())
    }
}

/// Opens the file again for reading and writing, so that the caller's descriptor need not be open for it.
///
/// breaks: "EBADF when `file` is open for reading only, but not when there is no page to write."
/// fails: commit::a_file_open_for_writing_only_is_enough failed
/// fails: commit::nothing_is_lost_when_it_fails failed
mod opens_it_again {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let pages = copied_pages(draft)?;
        let file = OpenOptions::new().write(true).open(format!("/proc/self/fd/{}", file.as_raw_fd()))?;
        write_pages(draft, &file, &pages)?;
        discard(draft)?;
        Ok(pages.len())
    }
}

/// Saves the write of a page that the file has already, for which it has to read the file.
///
/// breaks: "`file` need not be open for reading."
/// fails: commit::a_file_open_for_writing_only_is_enough failed
mod compares_before_it_writes {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let pages = copied_pages(draft)?;
        let size = file.metadata()?.len();
        for &page in &pages {
            let (bytes, at) = page_of(draft, page, size);
            let mut old = vec![0; bytes.len()];
            file.read_exact_at(&mut old, at)?;
            if old != bytes {
                file.write_all_at(&bytes, at)?;
            }
        }
        discard(draft)?;
        Ok(pages.len())
    }
}

/// Refuses a file that is longer than the limit, even if the pages to write are all below it.
///
/// breaks: "EFBIG at the limit on the size of a file (RLIMIT_FSIZE in setrlimit(2))."
/// fails: commit::a_page_that_is_not_written_whole_keeps_all_the_copies failed
mod efbig_too_early {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let pages = copied_pages(draft)?;
        let (limit, _) = getrlimit(Resource::RLIMIT_FSIZE)?;
        if !pages.is_empty() && file.metadata()?.len() > limit {
            return Err(Errno::EFBIG.into());
        }
        write_pages(draft, file, &pages)?;
        discard(draft)?;
        Ok(pages.len())
    }
}

/// Reserves room for the whole file first, so that no write can fail later; that fills all its holes.
///
/// breaks: "No other page is written: what others wrote there stays, and a hole stays a hole."
/// fails: commit::only_those_pages_are_written failed
mod reserves_the_whole_file {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let pages = copied_pages(draft)?;
        if !pages.is_empty() {
            let size = file.metadata()?.len().try_into().map_err(io::Error::other)?;
            match fallocate(file, FallocateFlags::FALLOC_FL_KEEP_SIZE, 0, size) {
                Ok(()) | Err(Errno::EOPNOTSUPP) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        write_pages(draft, file, &pages)?;
        discard(draft)?;
        Ok(pages.len())
    }
}

/// Leaves a copy of nothing but zeros out, to keep holes holes, and with it the old bytes in the file.
///
/// breaks: "The draft's bytes replace those of the file on the pages that are written."
/// fails: commit::the_files_pages_are_the_drafts_where_it_was_stored_to failed
mod zeros_are_holes {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let pages = copied_pages(draft)?;
        let size = file.metadata()?.len();
        for &page in &pages {
            let (bytes, at) = page_of(draft, page, size);
            if bytes.iter().any(|&byte| byte != 0) {
                file.write_all_at(&bytes, at)?;
            }
        }
        discard(draft)?;
        Ok(pages.len())
    }
}

/// Says Ok although the copies could not be dropped, as those of a draft that is locked in memory.
///
/// breaks: "Afterwards the draft shows the file, and has no copies." / "Any other error of a call, unchanged"
/// fails: commit::nothing_is_lost_when_it_fails failed
mod ignores_discard {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let pages = copied_pages(draft)?;
        write_pages(draft, file, &pages)?;
        let _ = discard(draft);
        Ok(pages.len())
    }
}

/// Tells in the error which page it was, and the errno is gone.
///
/// breaks: "Any other error of a call, unchanged: ENOSPC on a full disk, EPERM for a file sealed against writing."
/// fails: commit::a_page_that_is_not_written_whole_keeps_all_the_copies failed
/// fails: commit::nothing_is_lost_when_it_fails failed
mod says_which_page {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let pages = copied_pages(draft)?;
        for page in &pages {
            write_pages(draft, file, &[*page])
                .map_err(|error| io::Error::new(error.kind(), format!("page {page}: {error}")))?;
        }
        discard(draft)?;
        Ok(pages.len())
    }
}

/// Returns the number of pages that went well before an error, as write(2) does, and the error only for the first.
///
/// breaks: "Any other error of a call, unchanged: ENOSPC on a full disk, EPERM for a file sealed against writing."
/// fails: commit::a_page_that_is_not_written_whole_keeps_all_the_copies failed
mod partial_success {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let pages = copied_pages(draft)?;
        for (n, &page) in pages.iter().enumerate() {
            match write_pages(draft, file, &[page]) {
                Ok(()) => {}
                Err(error) if n == 0 => return Err(error),
                Err(_) => return Ok(n),
            }
        }
        discard(draft)?;
        Ok(pages.len())
    }
}

/// Gathers a run of copies into one pwritev, a slice a page, of which the kernel takes 1024 at most.
///
/// breaks: "Each function works at every call, in every process and for every draft"
/// fails: commit::many_pages_in_a_row_are_all_written failed
mod too_many_slices_2 {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let pages = copied_pages(draft)?;
        let size = file.metadata()?.len();
        for run in pages.chunk_by(|a, b| a + 1 == *b) {
            let contents: Vec<(Vec<u8>, u64)> = run.iter().map(|&page| page_of(draft, page, size)).collect();
            let slices: Vec<IoSlice> = contents.iter().map(|(bytes, _)| IoSlice::new(bytes)).collect();
            let at = contents[0].1.try_into().map_err(io::Error::other)?;
            let length: usize = contents.iter().map(|(bytes, _)| bytes.len()).sum();
            if pwritev(file, &slices, at)? < length {
                // It was short: again, page by page, until the error shows.
                write_pages(draft, file, run)?;
            }
        }
        discard(draft)?;
        Ok(pages.len())
    }
}

/// Writes through a duplicate of the descriptor that it doesn't close when a write fails.
///
/// breaks: "leaves no descriptor open"
/// fails: commit::nothing_is_lost_when_it_fails failed
mod leaks_a_duplicate_on_error {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let pages = copied_pages(draft)?;
        let size = file.metadata()?.len();
        // SAFETY: dup(2) accesses no memory.
        let fd = Errno::result(unsafe { libc::dup(file.as_raw_fd()) })?;
        for &page in &pages {
            let (bytes, start) = page_of(draft, page, size);
            let mut done = 0;
            while done < bytes.len() {
                let (rest, at) = (&bytes[done..], (start + done as u64) as libc::off_t);
                // SAFETY: `rest` has that many bytes.
                let written = unsafe { libc::pwrite(fd, rest.as_ptr().cast(), rest.len(), at) };
                match Errno::result(written) {
                    Err(Errno::EINTR) => {}
                    written => done += written? as usize,
                }
            }
        }
        // SAFETY: the descriptor is ours.
        unsafe { libc::close(fd) };
        discard(draft)?;
        Ok(pages.len())
    }
}

/// Writes each page whole, so that a file that ends inside one grows to the end of it.
///
/// breaks: "The file keeps its size, at every moment."
/// fails: commit::the_files_pages_are_the_drafts_where_it_was_stored_to failed rest-is-file
mod whole_pages_always {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let pages = copied_pages(draft)?;
        for &page in &pages {
            let (bytes, at) = page_of(draft, page, draft.range().len() as u64);
            file.write_all_at(&bytes, at)?;
        }
        discard(draft)?;
        Ok(pages.len())
    }
}

/// Raises the soft limit on the size of a file to the hard one while it writes: the limit that was set has no effect.
///
/// breaks: "EFBIG at the limit on the size of a file (RLIMIT_FSIZE in setrlimit(2))."
/// fails: commit::a_page_that_is_not_written_whole_keeps_all_the_copies failed
mod raises_the_limit {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let pages = copied_pages(draft)?;
        let (soft, hard) = getrlimit(Resource::RLIMIT_FSIZE)?;
        setrlimit(Resource::RLIMIT_FSIZE, hard, hard)?;
        let written = write_pages(draft, file, &pages);
        setrlimit(Resource::RLIMIT_FSIZE, soft, hard)?;
        written?;
        discard(draft)?;
        Ok(pages.len())
    }
}

/// Returns the number of whole pages that its bytes fill, without the part of a page at the end of the file.
///
/// breaks: "Returns the number of pages written."
/// fails: commit::the_files_pages_are_the_drafts_where_it_was_stored_to failed
mod counts_bytes_2 {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let size = file.metadata()?.len();
        let mut written = 0;
        for page in copied_pages(draft)? {
            let (bytes, at) = page_of(draft, page, size);
            file.write_all_at(&bytes, at)?;
            written += bytes.len();
        }
        discard(draft)?;
        Ok(written / page_size())
    }
}

/// Writes from the last page to the first, through a duplicate of the descriptor.
///
/// passes
mod backwards_through_a_duplicate {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let mut pages = copied_pages(draft)?;
        pages.reverse();
        write_pages(draft, &file.try_clone()?, &pages)?;
        discard(draft).map(|()| pages.len())
    }
}

/// Gives pwrite(2) the draft's own memory, and writes adjacent pages with one call.
///
/// passes
mod runs_without_a_buffer {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let pages = copied_pages(draft)?;
        let size = file.metadata()?.len();
        for run in pages.chunk_by(|a, b| a + 1 == *b) {
            let mut at = run[0] * page_size();
            let end = ((run[0] + run.len()) * page_size()).min(usize::try_from(size).unwrap_or(usize::MAX));
            while at < end {
                let start = ptr::with_exposed_provenance(draft.address() + at);
                let offset = i64::try_from(at).map_err(|_| Errno::EFBIG)?;
                // SAFETY: the kernel reads bytes that are inside the draft.
                match Errno::result(unsafe { libc::pwrite(file.as_raw_fd(), start, end - at, offset) }) {
                    Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                    Ok(written) => at += written as usize,
                    Err(Errno::EINTR) => {}
                    Err(errno) => return Err(errno.into()),
                }
            }
        }
        discard(draft).map(|()| pages.len())
    }
}

/// Writes whole pages, then cuts the file to the size that it had.
///
/// breaks: "The file keeps its size, at every moment."
/// fails: commit::the_file_keeps_its_size failed
mod cuts_afterwards {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let pages = copied_pages(draft)?;
        let size = file.metadata()?.len();
        for &page in &pages {
            let (bytes, at) = page_of(draft, page, u64::MAX);
            let written = file.write_all_at(&bytes, at);
            if file.metadata()?.len() > size {
                file.set_len(size)?;
            }
            written?;
        }
        discard(draft).map(|()| pages.len())
    }
}

/// Discards before it writes, from a saved list, so a locked draft's pages never reach the file.
///
/// breaks: "Those of [`discard`], when all pages are in the file"
/// fails: commit::nothing_is_lost_when_it_fails killed
mod discards_first_from_a_list {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let size = file.metadata()?.len();
        let saved: Vec<_> = copied_pages(draft)?.into_iter().map(|page| page_of(draft, page, size)).collect();
        discard(draft)?;
        let written = saved.iter().try_for_each(|(bytes, at)| file.write_all_at(bytes, *at));
        if written.is_err() {
            saved.iter().for_each(|(bytes, at)| draft.write(*at as usize, bytes));
        }
        written.map(|()| saved.len())
    }
}

/// Reserves the space on the disk beforehand, so that no write can fail halfway, and so fills the holes.
///
/// breaks: "No other page is written: what others wrote there stays, and a hole stays a hole."
/// fails: commit::only_those_pages_are_written failed
mod reserves_the_space {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let pages = copied_pages(draft)?;
        if !pages.is_empty() {
            let size = i64::try_from(file.metadata()?.len()).map_err(|_| Errno::EFBIG)?;
            // SAFETY: the call takes three integers.
            match unsafe { libc::posix_fallocate(file.as_raw_fd(), 0, size) } {
                0 => {}
                errno => return Err(io::Error::from_raw_os_error(errno)),
            }
        }
        write_pages(draft, file, &pages)?;
        discard(draft).map(|()| pages.len())
    }
}

/// Compares the whole file with the limit, and refuses pages that are below it.
///
/// breaks: "EFBIG if a page to be written exceeds the limit on a file's size"
/// fails: commit::a_page_that_is_not_written_whole_keeps_all_the_copies failed
mod compares_the_file_with_the_limit {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let pages = copied_pages(draft)?;
        let (limit, _) = getrlimit(Resource::RLIMIT_FSIZE)?;
        if !pages.is_empty() && file.metadata()?.len() > limit {
            return Err(Errno::EFBIG.into());
        }
        write_pages(draft, file, &pages)?;
        discard(draft).map(|()| pages.len())
    }
}

/// Duplicates the descriptor, and closes the duplicate only when all pages could be written.
///
/// breaks: "leaves no descriptor open, even after an error"
/// fails: commit::nothing_is_lost_when_it_fails failed
mod leaks_after_an_error {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let pages = copied_pages(draft)?;
        let duplicate = std::mem::ManuallyDrop::new(file.try_clone()?);
        write_pages(draft, &duplicate, &pages)?;
        drop(std::mem::ManuallyDrop::into_inner(duplicate));
        discard(draft).map(|()| pages.len())
    }
}

/// Asks whether the draft is locked before it writes anything.
///
/// breaks: "Those of [`discard`], when all pages are in the file"
/// fails: commit::nothing_is_lost_when_it_fails failed
mod refuses_a_locked_draft_at_once {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let pages = copied_pages(draft)?;
        let locked = mmap_workbook::observe::smaps_of(draft.range())?
            .iter()
            .any(|area| area.kib("Locked").is_ok_and(|kib| kib > 0));
        if locked {
            return Err(Errno::EINVAL.into());
        }
        write_pages(draft, file, &pages)?;
        discard(draft)?;
        Ok(pages.len())
    }
}

/// Keeps the size of the file that it has first asked for.
///
/// breaks: "Each function works at every call, in every process and for every draft"
/// fails: commit::the_draft_follows_the_file_again failed
mod asks_for_the_size_once {
    use super::*;

    static SIZE: std::sync::OnceLock<u64> = std::sync::OnceLock::new();

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let pages = copied_pages(draft)?;
        let size = *SIZE.get_or_init(|| size_of(file).unwrap_or(0));
        for &page in &pages {
            write_page(draft, file, page, size)?;
        }
        discard(draft)?;
        Ok(pages.len())
    }
}

/// Writes no page that it has written before.
///
/// breaks: "Each function works at every call"
/// fails: commit::the_draft_follows_the_file_again failed
mod writes_each_page_once {
    use super::*;

    static WRITTEN: Mutex<Vec<(usize, usize)>> = Mutex::new(Vec::new());

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let mut written = WRITTEN.lock().expect("no answer panics");
        let mut pages = copied_pages(draft)?;
        pages.retain(|&page| !written.contains(&(draft.address(), page)));
        write_pages(draft, file, &pages)?;
        written.extend(pages.iter().map(|&page| (draft.address(), page)));
        discard(draft)?;
        Ok(pages.len())
    }
}

/// Drops the copies of a page too many where the draft has whole pages: the neighbour's.
///
/// breaks: "touches no other mapping"
/// fails: commit::a_page_goes_to_the_file_whole_though_the_draft_ends_in_it failed
/// may fail: commit::many_pages_in_a_row_are_all_written killed
mod drops_a_page_too_many {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let pages = copied_pages(draft)?;
        write_pages(draft, file, &pages)?;
        discard(draft)?;
        let end = ptr::with_exposed_provenance_mut(draft.address() + (draft.length() / page_size()) * page_size());
        // SAFETY: no reference points to a byte that is mapped there; what isn't mapped is an error.
        unsafe { libc::madvise(end, page_size(), libc::MADV_DONTNEED) };
        Ok(pages.len())
    }
}

/// Takes a lock on the file first, so that no other commit gets in between.
///
/// breaks: "writes each page that has a copy"
/// fails: commit::a_file_open_for_writing_only_is_enough failed
mod tries_to_lock_the_file {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let locked = Flock::lock(file.try_clone()?, FlockArg::LockExclusiveNonblock).map_err(|(_, errno)| errno)?;
        let pages = copied_pages(draft)?;
        write_pages(draft, &locked, &pages)?;
        discard(draft)?;
        Ok(pages.len())
    }
}

/// Opens the file again, though only if it is open for writing.
///
/// breaks: "It needs no privilege"
/// fails: commit::a_file_open_for_writing_only_is_enough failed
mod opens_what_is_open_for_writing {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let pages = copied_pages(draft)?;
        if !pages.is_empty() {
            if OFlag::from_bits_retain(fcntl(file, FcntlArg::F_GETFL)?) & OFlag::O_ACCMODE == OFlag::O_RDONLY {
                return Err(Errno::EBADF.into());
            }
            let again = OpenOptions::new().write(true).open(format!("/proc/self/fd/{}", file.as_raw_fd()))?;
            write_pages(draft, &again, &pages)?;
        }
        discard(draft)?;
        Ok(pages.len())
    }
}

/// Trusts msync(2) to write the copies, which it never does in a private mapping.
///
/// breaks: "The draft's bytes replace those of the file on the pages that are written."
/// fails: commit::the_files_pages_are_the_drafts_where_it_was_stored_to failed
mod trusts_msync {
    use super::*;

    pub fn commit(draft: &Mapping, _file: &File) -> io::Result<usize> {
        let pages = copied_pages(draft)?;
        let address = std::ptr::without_provenance_mut(draft.address());
        // SAFETY: msync(2) changes no byte of the mapping.
        if unsafe { libc::msync(address, draft.length(), libc::MS_SYNC) } != 0 {
            return Err(io::Error::last_os_error());
        }
        discard(draft)?;
        Ok(pages.len())
    }
}

/// Writes each page whole if it can, and ignores all errors.
///
/// breaks: "Any other error of a call, unchanged: ENOSPC on a full disk, EPERM for a file sealed against writing."
/// fails: commit::a_page_that_is_not_written_whole_keeps_all_the_copies failed
/// fails: commit::nothing_is_lost_when_it_fails failed
mod ignores_errors {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let (pages, size) = (copied_pages(draft)?, size_of(file)?);
        for &page in &pages {
            let _ = write_page(draft, file, page, size);
        }
        discard(draft)?;
        Ok(pages.len())
    }
}

/// Takes every short write for a full disk.
///
/// breaks: "EFBIG if a page to be written exceeds the limit on a file's size"
/// fails: commit::a_page_that_is_not_written_whole_keeps_all_the_copies failed
mod short_is_enospc {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let copied = copied_pages(draft)?;
        let size = file.metadata()?.len();
        for &page in &copied {
            let range = range_inside(page, size);
            if file.write_at(&bytes_of(draft, range.clone()), range.start as u64)? < range.len() {
                return Err(Errno::ENOSPC.into());
            }
        }
        discard(draft)?;
        Ok(copied.len())
    }
}

/// Asks for a discard first and writes from a buffer, so that a locked draft keeps the pages out of the file.
///
/// breaks: "Those of `discard`, when all pages are in the file"
/// fails: commit::nothing_is_lost_when_it_fails killed
mod discards_before_it_writes {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let copied = copied_pages(draft)?;
        let size = file.metadata()?.len();
        let pages: Vec<_> = copied.iter().map(|&page| bytes_of(draft, range_inside(page, size))).collect();
        discard(draft)?;
        for (&page, bytes) in copied.iter().zip(&pages) {
            let at = page * page_size();
            if let Err(error) = file.write_all_at(bytes, at as u64) {
                // Gives the draft its copies back.
                copied.iter().zip(&pages).for_each(|(page, bytes)| draft.write(page * page_size(), bytes));
                return Err(error);
            }
        }
        Ok(copied.len())
    }
}

/// Asks for the size by a seek to the end, and then goes to the start instead of back.
///
/// breaks: "The descriptor's file offset (lseek(2)) may have any value, and keeps it"
/// fails: commit::the_files_pages_are_the_drafts_where_it_was_stored_to failed
mod seeks_for_the_size {
    use super::*;

    pub fn commit(draft: &Mapping, mut file: &File) -> io::Result<usize> {
        let copied = copied_pages(draft)?;
        let size = file.seek(SeekFrom::End(0))?;
        file.rewind()?;
        copied.iter().try_for_each(|&page| write_page(draft, file, page, size))?;
        discard(draft)?;
        Ok(copied.len())
    }
}

/// Leaves out the pages beyond the limit on a file's size, and says that all went well.
///
/// breaks: "EFBIG if a page to be written exceeds the limit on a file's size"
/// fails: commit::a_page_that_is_not_written_whole_keeps_all_the_copies failed
mod leaves_out_what_exceeds_the_limit {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let size = file.metadata()?.len();
        let mut written = 0;
        for page in copied_pages(draft)? {
            match write_page(draft, file, page, size) {
                Err(error) if error.raw_os_error() == Some(libc::EFBIG) => {}
                done => {
                    done?;
                    written += 1;
                }
            }
        }
        discard(draft)?;
        Ok(written)
    }
}

/// Compares with RLIMIT_FSIZE before it writes, but by the page's end even where the file ends before it.
///
/// breaks: "EFBIG if a page to be written exceeds the limit on a file's size"
/// fails: commit::the_file_keeps_its_size failed
mod compares_whole_pages_with_the_limit {
    use super::*;
    use nix::sys::resource::{Resource, getrlimit};

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let copied = copied_pages(draft)?;
        let size = file.metadata()?.len();
        let (limit, _) = getrlimit(Resource::RLIMIT_FSIZE)?;
        if copied.iter().any(|&page| (page as u64 + 1) * page_size_u64() > limit) {
            return Err(Errno::EFBIG.into());
        }
        copied.iter().try_for_each(|&page| write_page(draft, file, page, size))?;
        discard(draft)?;
        Ok(copied.len())
    }
}

/// Writes a run by one pwritev(2), of at most 1024 vectors, and forgets the rest of a longer run.
///
/// breaks: "writes each page that has a copy (see `copied_pages`) to its place in the file"
/// fails: commit::many_pages_in_a_row_are_all_written failed
mod at_most_iov_max {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let copied = copied_pages(draft)?;
        let size = file.metadata()?.len();
        for run in runs(&copied) {
            // IOV_MAX: more are EINVAL.
            let pages: Vec<_> = run.clone().take(1024).map(|page| bytes_of(draft, range_inside(page, size))).collect();
            let slices: Vec<_> = pages.iter().map(|page| IoSlice::new(page)).collect();
            let total: usize = pages.iter().map(Vec::len).sum();
            let start = run.start * page_size();
            let written = pwritev(file, &slices, start as libc::off_t)?;
            file.write_all_at(&pages.concat()[written..total], (start + written) as u64)?;
        }
        discard(draft)?;
        Ok(copied.len())
    }
}

/// Writes everything where it can't find out which pages have copies.
///
/// breaks: "No other page is written: what others wrote there stays"
/// fails: commit::nothing_is_lost_when_it_fails failed
mod all_pages_without_proc {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let copied = copied_pages(draft).unwrap_or_else(|_| (0..draft.length().div_ceil(page_size())).collect());
        let size = file.metadata()?.len();
        copied.iter().try_for_each(|&page| write_page(draft, file, page, size))?;
        discard(draft)?;
        Ok(copied.len())
    }
}

/// Freezes the draft before it writes, so that all pages have copies then.
///
/// breaks: "No other page is written: what others wrote there stays, and a hole stays a hole."
/// fails: commit::a_page_that_is_not_written_whole_keeps_all_the_copies failed
/// fails: commit::nothing_is_lost_when_it_fails failed
/// fails: commit::only_those_pages_are_written failed writing-back-is-harmless
mod freezes_first {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let count = copied_pages(draft)?.len();
        crate::solution::freeze(draft);
        let size = file.metadata()?.len();
        copied_pages(draft)?.iter().try_for_each(|&page| write_page(draft, file, page, size))?;
        discard(draft)?;
        Ok(count)
    }
}

/// Empties the file to the draft's length before it writes, as a program does that saves a document.
///
/// breaks: "The file keeps its size, at every moment."
/// fails: commit::a_page_goes_to_the_file_whole_though_the_draft_ends_in_it failed
/// fails: commit::nothing_is_lost_when_it_fails failed
mod sets_the_length {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let copied = copied_pages(draft)?;
        if copied.is_empty() {
            return Ok(0);
        }
        file.set_len(draft.length() as u64)?;
        copied.iter().try_for_each(|&page| write_page(draft, file, page, draft.length() as u64))?;
        discard(draft)?;
        Ok(copied.len())
    }
}

/// Gives up the other copies when the error is one that will stay: for a sealed file a later call would fail as well.
///
/// breaks: "If a page can't be written whole, the draft keeps all its copies"
/// fails: commit::nothing_is_lost_when_it_fails failed
mod gives_up_for_a_sealed_file {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let copied = copied_pages(draft)?;
        let size = file.metadata()?.len();
        let written = copied.iter().try_for_each(|&page| write_page(draft, file, page, size));
        if written.as_ref().is_err_and(|error| matches!(error.raw_os_error(), Some(libc::EPERM | libc::EBADF))) {
            discard(draft)?;
        }
        written?;
        discard(draft)?;
        Ok(copied.len())
    }
}

/// Saves the old bytes in a temporary file before it writes, so as to undo a part.
///
/// breaks: "It needs no privilege and no directory to write in"
/// fails: commit::the_draft_follows_the_file_again failed
mod saves_the_file_first {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let pages = copied_pages(draft)?;
        if !pages.is_empty() {
            let mut saved = tempfile::tempfile()?;
            for &page in &pages {
                let mut old = page_bytes(draft, page, page_size());
                // A file that can't be read can't be saved.
                let length = file.read_at(&mut old, (page * page_size()) as u64).unwrap_or(0);
                saved.write_all(&old[..length])?;
            }
        }
        write_pages(draft, file, &pages)?;
        discard(draft)?;
        Ok(pages.len())
    }
}

/// Has its own look into /proc, by the number of the process that called it first.
///
/// breaks: "Each function works at every call, in every process"
/// fails: commit::the_draft_follows_the_file_again failed
mod asks_for_the_first_process {
    use super::*;

    static FIRST: OnceLock<u32> = OnceLock::new();

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let pagemap = File::open(format!("/proc/{}/pagemap", FIRST.get_or_init(std::process::id)))?;
        let mut entries = vec![0; draft.range().len() / page_size() * 8];
        pagemap.read_exact_at(&mut entries, draft.address() as u64 / page_size_u64() * 8)?;
        let entries = entries.chunks_exact(8).map(|entry| u64::from_ne_bytes(entry.try_into().expect("8 bytes")));
        let is_copy = |entry: u64| entry >> 62 != 0 && entry & 1 << 61 == 0;
        let pages: Vec<_> = (0..).zip(entries).filter(|(_, entry)| is_copy(*entry)).map(|(page, _)| page).collect();
        write_pages(draft, file, &pages)?;
        discard(draft)?;
        Ok(pages.len())
    }
}

/// Follows the last hint, line by line.
///
/// passes
mod commit_as_the_hint_says {
    use super::*;

    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
        let pages = copied_pages(draft)?;
        let size = file.metadata()?.len();
        for &page in &pages {
            let at = u64::try_from(page * page_size()).map_err(io::Error::other)?;
            let inside = size.saturating_sub(at).min(page_size_u64());
            let mut bytes = vec![0; usize::try_from(inside).map_err(io::Error::other)?];
            draft.read(page * page_size(), &mut bytes);
            file.write_all_at(&bytes, at)?;
        }
        discard(draft)?;
        Ok(pages.len())
    }
}

one_of! {
    pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize>;
    discards_each_page discards_in_any_case keeps_its_copies maps_the_file_shared measures_the_draft
    writes_everything_back writes_once writes_whole_pages page_by_page runs_straight_from_memory
    backwards_in_small_chunks drops_only_what_it_wrote tries_every_page syncs_before_it_discards seeks_and_writes
    punches_pages_of_zeros discards_first discards_in_any_case_2 discards_page_by_page forgets_to_discard
    writes_whole_pages_2 grows_and_truncates_back stops_at_the_drafts_end modulo_for_the_last_page
    from_the_first_to_the_last writes_the_whole_draft allocates_first reads_to_compare through_a_shared_mapping
    opens_it_for_writing refuses_too_early trusts_one_pwrite short_is_write_zero continues_at_the_start
    error_as_a_short_count resumes_where_it_failed too_many_slices place_of_32_bits counts_bytes counts_runs
    only_pages_that_differ writes_at_the_position waits_for_room all_errors_are_eacces mask_of_64_pages size_in_blocks
    page_zero_is_no_page page_by_page_2 straight_from_the_draft small_chunks_and_fdatasync offset_lost_on_error
    offset_of_a_duplicate longer_for_a_moment ends_with_the_draft bridges_a_gap drops_each_at_once
    discards_before_the_question_mark believes_a_short_write short_write_is_write_zero ebadf_for_nothing
    place_in_32_bits opens_it_again compares_before_it_writes efbig_too_early reserves_the_whole_file zeros_are_holes
    ignores_discard says_which_page partial_success too_many_slices_2 leaks_a_duplicate_on_error whole_pages_always
    raises_the_limit counts_bytes_2 backwards_through_a_duplicate runs_without_a_buffer cuts_afterwards
    discards_first_from_a_list reserves_the_space compares_the_file_with_the_limit leaks_after_an_error
    refuses_a_locked_draft_at_once asks_for_the_size_once writes_each_page_once drops_a_page_too_many
    tries_to_lock_the_file opens_what_is_open_for_writing trusts_msync ignores_errors short_is_enospc
    discards_before_it_writes seeks_for_the_size leaves_out_what_exceeds_the_limit compares_whole_pages_with_the_limit
    at_most_iov_max all_pages_without_proc freezes_first sets_the_length gives_up_for_a_sealed_file saves_the_file_first asks_for_the_first_process
    commit_as_the_hint_says
}
