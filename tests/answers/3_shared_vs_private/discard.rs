use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::ptr::{self, NonNull};
use std::sync::Once;

use mmap_workbook::lesson_2::{Mapping, READ_WRITE};
use mmap_workbook::observe::{maps_of, maps_of_process, page_size, whole_pages};
use nix::errno::Errno;
use nix::libc::{self, c_int, c_void};
use nix::sys::mman::{
    MapFlags, MmapAdvise, MsFlags, madvise, mlock, mmap, mmap_anonymous, msync, munlock, munlockall, munmap,
};

use crate::solution::copied_pages;

fn advise(address: usize, length: usize, advice: i32) -> io::Result<()> {
    // SAFETY: the answers vouch for the range; the bytes of a mapping are only accessed atomically, and may change.
    Errno::result(unsafe { libc::madvise(std::ptr::with_exposed_provenance_mut(address), length, advice) })?;
    Ok(())
}

fn dont_need(draft: &Mapping) -> io::Result<()> {
    advise(draft.address(), draft.length(), libc::MADV_DONTNEED)
}

fn pointer(address: usize) -> NonNull<c_void> {
    NonNull::new(std::ptr::with_exposed_provenance_mut(address)).expect("nothing is mapped at 0")
}

/// madvise(2) for `length` bytes from `address` on.
fn advise_again(address: usize, length: usize, advice: MmapAdvise) -> io::Result<()> {
    // SAFETY: the callers give a range of mapped pages whose copies may be dropped.
    Ok(unsafe { madvise(pointer(address), length, advice) }?)
}

fn dont_need_again(draft: &Mapping) -> io::Result<()> {
    advise_again(draft.address(), draft.range().len(), MmapAdvise::MADV_DONTNEED)
}

/// The draft's first address, as the calls of libc take it.
fn start(draft: &Mapping) -> *mut c_void {
    ptr::with_exposed_provenance_mut(draft.address())
}

/// madvise(2) of `length` bytes from byte `at` of the draft on.
fn advise_from(draft: &Mapping, at: usize, length: usize, advice: c_int) -> io::Result<()> {
    // SAFETY: nothing holds a reference to plain bytes of the draft.
    let answer = unsafe { libc::madvise(start(draft).wrapping_byte_add(at), length, advice) };
    Ok(Errno::result(answer).map(drop)?)
}

/// Expects msync(2) with MS_INVALIDATE to drop the copies.
///
/// fails: discard::the_draft_is_the_file_again_now_and_later failed
mod invalidates_with_msync {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        let start =
            NonNull::new(std::ptr::with_exposed_provenance_mut(draft.address())).ok_or(io::ErrorKind::InvalidInput)?;
        // SAFETY: the addresses are the draft's, and their bytes stay what they are.
        Ok(unsafe { msync(start, draft.length(), MsFlags::MS_INVALIDATE) }?)
    }
}

/// Stores the file's bytes to the draft, which makes copies instead of dropping them.
///
/// may fail: discard::it_works_at_every_call_for_every_draft timed_out
/// may fail: discard::it_works_at_every_call_for_every_draft out_of_memory
///
/// fails: discard::the_draft_is_the_file_again_now_and_later failed equal-bytes-are-the-page
mod restores_the_bytes {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        let mut bytes = vec![0; draft.length()];
        crate::solution::discard(draft)?; // only to get at the file's bytes here
        draft.read(0, &mut bytes);
        for at in (0..draft.length()).step_by(page_size()) {
            draft.store(at, bytes[at]);
        }
        Ok(())
    }
}

/// Unmaps the pages, and with them the addresses.
///
/// fails: discard::the_draft_is_the_file_again_now_and_later killed
mod unmaps {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        let start =
            NonNull::new(std::ptr::with_exposed_provenance_mut(draft.address())).ok_or(io::ErrorKind::InvalidInput)?;
        // SAFETY: none: the draft will be used again.
        Ok(unsafe { munmap(start, draft.length()) }?)
    }
}

/// The plain answer: MADV_DONTNEED for the whole draft.
///
/// passes
mod madvise_dontneed {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        dont_need(draft)
    }
}

/// Moves the pages away with MREMAP_DONTUNMAP, which leaves the mapping there without pages, and unmaps the moved ones.
///
/// passes
mod moves_the_pages_away {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        let length = whole_pages(draft.length());
        let start = std::ptr::with_exposed_provenance_mut(draft.address());
        let flags = libc::MREMAP_MAYMOVE | libc::MREMAP_DONTUNMAP;
        // SAFETY: the range is the draft's, which stays mapped; the kernel picks a free range for the moved pages.
        let moved = unsafe { libc::mremap(start, length, length, flags, std::ptr::null_mut::<libc::c_void>()) };
        if moved == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the range was mapped just now, and no other code knows of it.
        Errno::result(unsafe { libc::munmap(moved, length) })?;
        Ok(())
    }
}

/// Drops just the copies, one call for each, after asking which pages have one.
///
/// passes
mod drops_copy_by_copy {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        let page = page_size();
        copied_pages(draft)?
            .into_iter()
            .rev()
            .try_for_each(|n| advise(draft.address() + n * page, page, libc::MADV_DONTNEED))
    }
}

/// Drops the pages and faults the file's pages in at once, for reading, which makes no copies.
///
/// breaks: "The call loads no byte of the draft"
/// fails: discard::it_works_at_every_call_for_every_draft failed
mod drops_and_populates {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        dont_need(draft)?;
        let _ = advise(draft.address(), draft.length(), libc::MADV_POPULATE_READ);
        Ok(())
    }
}

/// Unlocks a draft that is locked in memory, so that MADV_DONTNEED can't fail with EINVAL, and doesn't lock it again.
///
/// passes
mod unlocks_first {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        // SAFETY: unlocking changes no byte, and the range is the draft's.
        unsafe { libc::munlock(std::ptr::with_exposed_provenance(draft.address()), draft.length()) };
        dont_need(draft)
    }
}

/// Uses the portable name of the call, which glibc makes a call that does nothing for this advice.
///
/// breaks: "each of its pages is the file's page again"
/// fails: discard::the_draft_is_the_file_again_now_and_later failed
mod posix_madvise_dontneed {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        let start = std::ptr::with_exposed_provenance_mut(draft.address());
        // SAFETY: the range is the draft's.
        match unsafe { libc::posix_madvise(start, draft.length(), libc::POSIX_MADV_DONTNEED) } {
            0 => Ok(()),
            errno => Err(io::Error::from_raw_os_error(errno)),
        }
    }
}

/// Asks for MADV_FREE, which the kernel refuses for a mapping of a file.
///
/// breaks: "discard(draft) -> Ok; the draft shows \"abc\""
/// fails: discard::the_draft_is_the_file_again_now_and_later failed
mod madvise_free {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        advise(draft.address(), draft.length(), libc::MADV_FREE)
    }
}

/// Invalidates with msync(2), which drops nothing of a private mapping.
///
/// breaks: "each of its pages is the file's page again"
/// fails: discard::the_draft_is_the_file_again_now_and_later failed
mod msync_invalidate {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        let start = std::ptr::with_exposed_provenance_mut(draft.address());
        // SAFETY: msync(2) changes no byte, and the range is the draft's.
        Errno::result(unsafe { libc::msync(start, draft.length(), libc::MS_SYNC | libc::MS_INVALIDATE) })?;
        Ok(())
    }
}

/// Rounds the length down to whole pages, and so keeps the edits of the last page.
///
/// breaks: "each of its pages is the file's page again"
/// fails: discard::the_draft_is_the_file_again_now_and_later failed
mod rounds_down {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        let length = draft.length() / page_size() * page_size();
        if length == 0 {
            return Ok(());
        }
        advise(draft.address(), length, libc::MADV_DONTNEED)
    }
}

/// Adds a page for the rest, even when there is no rest: the next mapping loses its first page.
///
/// breaks: "Other mappings, even of the same file, keep what was stored to them"
/// fails: discard::nothing_else_is_forgotten failed
/// may fail: discard::it_works_at_every_call_for_every_draft killed
mod discards_a_page_too_many {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        let pages = draft.length() / page_size() + 1;
        match advise(draft.address(), pages * page_size(), libc::MADV_DONTNEED) {
            // Nothing is mapped after the draft.
            Err(error) if error.raw_os_error() == Some(libc::ENOMEM) => Ok(()),
            other => other,
        }
    }
}

/// Takes the draft's line in /proc/self/maps for the draft: the kernel merges neighbours into one line.
///
/// breaks: "Other mappings, even of the same file, keep what was stored to them"
/// fails: discard::nothing_else_is_forgotten failed
mod discards_the_whole_area {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        for area in maps_of(draft.range())? {
            advise(area.range().start, area.range().len(), libc::MADV_DONTNEED)?;
        }
        Ok(())
    }
}

/// Discards all private writable mappings with the draft's file name.
///
/// breaks: "Other mappings, even of the same file, keep what was stored to them"
/// fails: discard::nothing_else_is_forgotten failed
mod discards_all_mappings_of_the_file {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        let name = maps_of(draft.range())?.first().map(|area| area.name()).unwrap_or_default();
        for area in maps_of(0..usize::MAX)? {
            if area.permissions() == "rw-p" && area.name() == name {
                advise(area.range().start, area.range().len(), libc::MADV_DONTNEED)?;
            }
        }
        Ok(())
    }
}

/// Opens the file again and stores its bytes into the draft: equal bytes, but in copies.
///
/// breaks: "The draft shows what the file holds now, and what is written to it later"
/// may fail: discard::it_works_at_every_call_for_every_draft timed_out
/// may fail: discard::it_works_at_every_call_for_every_draft out_of_memory
/// fails: discard::the_draft_is_the_file_again_now_and_later failed equal-bytes-are-the-page
mod stores_the_files_bytes {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        let area = maps_of(draft.range())?.into_iter().next().ok_or(io::ErrorKind::NotFound)?;
        let named = File::open(area.name());
        let linked = || File::open(format!("/proc/self/map_files/{:x}-{:x}", area.range().start, area.range().end));
        let file = named.or_else(|_| linked())?;
        let mut bytes = vec![0; draft.length()];
        file.read_exact_at(&mut bytes, 0)?;
        draft.write(0, &bytes);
        Ok(())
    }
}

/// Maps the file anew at the same address, by its name in /proc/self/maps, which an unlinked or renamed file hasn't.
///
/// breaks: "discard(draft) -> Ok; the draft shows \"abc\"" (the file may have no name, or another file may have it)
/// fails: discard::the_draft_is_the_file_again_now_and_later failed
mod maps_it_again_by_name {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        let area = maps_of(draft.range())?.into_iter().next().ok_or(io::ErrorKind::NotFound)?;
        let file = File::open(area.name())?;
        let start = std::ptr::with_exposed_provenance_mut(draft.address());
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_FIXED;
        // SAFETY: replaces exactly the draft's pages by pages of the file.
        let mapped = unsafe { libc::mmap(start, draft.length(), protection, flags, file.as_raw_fd(), 0) };
        if mapped == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}

/// Ignores the error of madvise(2): a draft that is locked in memory keeps its copies, and the call says Ok.
///
/// breaks: "Those of the calls, unchanged."
/// fails: discard::an_error_is_told_and_success_means_that_it_is_discarded failed
mod ignores_the_error {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        let _ = dont_need(draft);
        Ok(())
    }
}

/// Gives the error a nicer text, and so loses its errno.
///
/// breaks: "Those of the calls, unchanged."
/// fails: discard::an_error_is_told_and_success_means_that_it_is_discarded failed
mod discards_the_errno {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        dont_need(draft).map_err(|error| io::Error::other(format!("cannot discard the draft: {error}")))
    }
}

/// Drops the pages, then faults them in for writing "so that later stores are fast", which makes new copies.
///
/// breaks: "The draft shows what the file holds now, and what is written to it later"
/// fails: discard::the_draft_is_the_file_again_now_and_later failed equal-bytes-are-the-page
mod populates_for_writing_again {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        dont_need(draft)?;
        (0..draft.length()).step_by(page_size()).for_each(|at| draft.store(at, draft.load(at)));
        Ok(())
    }
}

/// Casts the length to 32 bits: of a draft of 4 GiB and a bit only the bit is discarded.
///
/// breaks: "each of its pages is the file's page again"
/// fails: discard::it_works_at_every_call_for_every_draft failed
mod length_of_32_bits {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        advise(draft.address(), draft.length() as u32 as usize, libc::MADV_DONTNEED)
    }
}

/// Drops the page of the first edit only.
///
/// breaks: "each of its pages is the file's page again"
/// fails: discard::the_draft_is_the_file_again_now_and_later failed
mod drops_the_first_copy_only {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        match copied_pages(draft)?.first() {
            Some(n) => advise(draft.address() + n * page_size(), page_size(), libc::MADV_DONTNEED),
            None => Ok(()),
        }
    }
}

/// Drops everything between the first and the last copy, but forgets that a range ends before its end.
///
/// breaks: "each of its pages is the file's page again"
/// fails: discard::the_draft_is_the_file_again_now_and_later failed
mod forgets_the_last_copy {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        let copied = copied_pages(draft)?;
        let (Some(first), Some(last)) = (copied.first(), copied.last()) else { return Ok(()) };
        // A single copy is dropped; of more than one the last stays.
        let pages = (last - first).max(1);
        advise(draft.address() + first * page_size(), pages * page_size(), libc::MADV_DONTNEED)
    }
}

/// Unmaps the draft, since an unmapped draft has no edits.
///
/// breaks: "The draft stays mapped at its address."
/// fails: discard::the_draft_is_the_file_again_now_and_later killed
mod unmaps_it {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        let start = std::ptr::with_exposed_provenance_mut(draft.address());
        // SAFETY: none: the draft is still borrowed, and its next access faults.
        Errno::result(unsafe { libc::munmap(start, draft.length()) })?;
        Ok(())
    }
}

/// Replaces the draft by fresh memory of zeros, which is what it shows of a new file.
///
/// breaks: "The draft shows what the file holds now"
/// fails: discard::the_draft_is_the_file_again_now_and_later failed
mod maps_zeros {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        let start = std::ptr::with_exposed_provenance_mut(draft.address());
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED;
        // SAFETY: replaces exactly the draft's pages.
        let mapped = unsafe { libc::mmap(start, draft.length(), protection, flags, -1, 0) };
        if mapped == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}

/// Drops the copies the first time that anybody calls it, and never again.
///
/// breaks: "Discards what was stored to the draft"
/// fails: discard::it_works_at_every_call_for_every_draft failed
mod discards_once {
    use super::*;

    static ONCE: Once = Once::new();

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        let mut result = Ok(());
        ONCE.call_once(|| result = dont_need(draft));
        result
    }
}

/// Saves what it should discard: it writes the draft to the file of that name, then drops the copies.
///
/// breaks: "The file does not change."
/// fails: discard::nothing_else_is_forgotten failed
mod writes_the_edits_first {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        let name = maps_of(draft.range())?.first().map(|area| area.name()).unwrap_or_default();
        if let Ok(file) = File::options().write(true).open(name) {
            let mut bytes = vec![0; draft.length()];
            draft.read(0, &mut bytes);
            file.write_all_at(&bytes, 0)?;
        }
        dont_need(draft)
    }
}

/// Pages the copies out instead of dropping them: they come back from the swap space, with the edits.
///
/// breaks: "each of its pages is the file's page again"
/// fails: discard::the_draft_is_the_file_again_now_and_later failed
mod pages_out {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        advise(draft.address(), draft.length(), libc::MADV_PAGEOUT)
    }
}

/// One madvise(2) for the whole range.
///
/// passes
mod one_madvise {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        dont_need_again(draft)
    }
}

/// Discards even what is locked in memory, where the kernel knows MADV_DONTNEED_LOCKED.
///
/// passes
mod even_if_locked {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        const MADV_DONTNEED_LOCKED: c_int = 24;
        // SAFETY: the range is the draft's.
        let dropped = unsafe { libc::madvise(pointer(draft.address()).as_ptr(), draft.length(), MADV_DONTNEED_LOCKED) };
        if dropped == 0 { Ok(()) } else { dont_need_again(draft) }
    }
}

/// Goes backwards in chunks of 16 pages.
///
/// passes
mod in_chunks_from_the_end {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        let chunk = 16 * page_size();
        let end = draft.range().end;
        let mut starts: Vec<usize> = draft.range().step_by(chunk).collect();
        while let Some(start) = starts.pop() {
            advise_again(start, chunk.min(end - start), MmapAdvise::MADV_DONTNEED)?;
        }
        Ok(())
    }
}

/// Uses the portable call, of which the C library makes nothing at all: POSIX_MADV_DONTNEED must not drop changes.
///
/// breaks: "each of its pages is the file's page again, as if it had just been mapped"
/// fails: discard::the_draft_is_the_file_again_now_and_later failed
mod posix_madvise {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        let (start, length) = (pointer(draft.address()).as_ptr(), draft.range().len());
        // SAFETY: the range is the draft's.
        match unsafe { libc::posix_madvise(start, length, libc::POSIX_MADV_DONTNEED) } {
            0 => Ok(()),
            errno => Err(io::Error::from_raw_os_error(errno)),
        }
    }
}

/// Invalidates the mapping with msync(2), which drops no private copy on Linux.
///
/// breaks: "each of its pages is the file's page again, as if it had just been mapped"
/// fails: discard::the_draft_is_the_file_again_now_and_later failed
mod msync_invalidate_2 {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        // SAFETY: the range is the draft's.
        Ok(unsafe { msync(pointer(draft.address()), draft.range().len(), MsFlags::MS_INVALIDATE) }?)
    }
}

/// Uses MADV_FREE, the modern and lazy way, which the kernel refuses for the mapping of a file.
///
/// breaks: "The draft shows what the file holds now, and what is written to it later."
/// fails: discard::the_draft_is_the_file_again_now_and_later failed
mod madv_free {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        advise_again(draft.address(), draft.range().len(), MmapAdvise::MADV_FREE)
    }
}

/// Uses MADV_REMOVE, which frees the pages of the file itself, through a shared mapping only.
///
/// breaks: "The draft shows what the file holds now, and what is written to it later."
/// fails: discard::the_draft_is_the_file_again_now_and_later failed
mod madv_remove {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        advise_again(draft.address(), draft.range().len(), MmapAdvise::MADV_REMOVE)
    }
}

/// Rounds the length down to whole pages, for fear of bytes past the draft: the last page keeps its copy.
///
/// breaks: "each of its pages is the file's page again, as if it had just been mapped"
/// fails: discard::the_draft_is_the_file_again_now_and_later failed
mod rounds_length_down {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        let length = draft.length() - draft.length() % page_size();
        advise_again(draft.address(), length, MmapAdvise::MADV_DONTNEED)
    }
}

/// Rounds the length up to 64 KiB, the largest page that there is, and so discards what is stored to the neighbours.
///
/// breaks: "Other mappings, even of the same file, keep what was stored to them."
/// fails: discard::nothing_else_is_forgotten failed
/// may fail: discard::it_works_at_every_call_for_every_draft killed
mod rounds_up_to_64_kib {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        match advise_again(draft.address(), draft.length().next_multiple_of(65536), MmapAdvise::MADV_DONTNEED) {
            // Nothing is mapped after it.
            Err(error) if error.raw_os_error() == Some(libc::ENOMEM) => dont_need_again(draft),
            other => other,
        }
    }
}

/// Discards the whole area of /proc/self/maps in which the draft is, which the kernel has joined with a neighbour.
///
/// breaks: "Other mappings, even of the same file, keep what was stored to them."
/// fails: discard::nothing_else_is_forgotten failed
mod the_whole_area {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        for area in maps_of(draft.range())? {
            advise_again(area.range().start, area.range().len(), MmapAdvise::MADV_DONTNEED)?;
        }
        Ok(())
    }
}

/// Takes any failure for harmless and says Ok, even when the draft is locked and keeps its copies.
///
/// breaks: "EINVAL if the draft is locked in memory (mlock(2)), unless it is discarded."
/// fails: discard::an_error_is_told_and_success_means_that_it_is_discarded failed
mod ignores_the_refusal {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        let _ = dont_need_again(draft);
        Ok(())
    }
}

/// Makes an io::Error of what libc returns, -1, instead of errno: a locked draft gives EPERM.
///
/// breaks: "Those of the calls, unchanged: EINVAL if the draft is locked in memory (mlock(2))"
/// fails: discard::an_error_is_told_and_success_means_that_it_is_discarded failed
mod takes_the_result_for_errno {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        let (start, length) = (pointer(draft.address()).as_ptr(), draft.range().len());
        // SAFETY: the range is the draft's.
        match unsafe { libc::madvise(start, length, libc::MADV_DONTNEED) } {
            0 => Ok(()),
            code => Err(io::Error::from_raw_os_error(-code)),
        }
    }
}

/// Unlocks every mapping of the process when the draft is locked, and tries again.
///
/// breaks: "It needs no privilege, touches no other mapping, and leaves no descriptor open."
/// fails: discard::an_error_is_told_and_success_means_that_it_is_discarded failed
mod unlocks_everything {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        dont_need_again(draft).or_else(|_| {
            munlockall()?;
            dont_need_again(draft)
        })
    }
}

/// Maps the file anew over the draft, by the name in /proc/self/maps, which a deleted or renamed file no longer has.
///
/// breaks: "Each function works at every call, in every process and for every draft"
/// fails: discard::the_draft_is_the_file_again_now_and_later failed
mod maps_by_name_again {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        let area = maps_of(draft.range())?.into_iter().next().ok_or(io::ErrorKind::NotFound)?;
        let file = File::open(area.name())?;
        let address = draft.address().try_into().ok();
        let length = draft.range().len().try_into().map_err(io::Error::other)?;
        let flags = MapFlags::MAP_PRIVATE | MapFlags::MAP_FIXED;
        // SAFETY: only the draft's own range is replaced, by the same file.
        unsafe { mmap(address, length, READ_WRITE, flags, &file, 0) }?;
        Ok(())
    }
}

/// Maps fresh private memory over the draft; with no file in it, that shows zeros.
///
/// breaks: "The draft shows what the file holds now, and what is written to it later."
/// fails: discard::the_draft_is_the_file_again_now_and_later failed
mod maps_zeros_over_it {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        let address = draft.address().try_into().ok();
        let length = draft.range().len().try_into().map_err(io::Error::other)?;
        // SAFETY: only the draft's own range is replaced.
        unsafe { mmap_anonymous(address, length, READ_WRITE, MapFlags::MAP_PRIVATE | MapFlags::MAP_FIXED) }?;
        Ok(())
    }
}

/// Passes the length in 32 bits, which for 4 GiB and a page is that page, and for 4 GiB is nothing, without an error.
///
/// breaks: "for every draft, even one of more than 4 GiB"
/// fails: discard::it_works_at_every_call_for_every_draft failed
mod length_as_u32 {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        advise_again(draft.address(), draft.range().len() as u32 as usize, MmapAdvise::MADV_DONTNEED)
    }
}

/// Asks the kernel to page the copies out, which moves them to swap at most: the next access brings them back.
///
/// breaks: "each of its pages is the file's page again, as if it had just been mapped"
/// fails: discard::the_draft_is_the_file_again_now_and_later failed
mod pages_out_2 {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        advise_again(draft.address(), draft.range().len(), MmapAdvise::MADV_PAGEOUT)
    }
}

/// Discards page by page up to the first one without a copy, as if the copies always came first.
///
/// breaks: "each of its pages is the file's page again, as if it had just been mapped"
/// fails: discard::the_draft_is_the_file_again_now_and_later failed
mod stops_at_a_page_without_copy {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        let size = page_size();
        for (n, page) in copied_pages(draft)?.into_iter().enumerate() {
            if n != page {
                break;
            }
            advise_again(draft.address() + page * size, size, MmapAdvise::MADV_DONTNEED)?;
        }
        Ok(())
    }
}

/// Unlocks a locked draft, discards it and locks it again, which makes a copy of each page at once.
///
/// breaks: "The draft shows what the file holds now, and what is written to it later."
/// fails: discard::an_error_is_told_and_success_means_that_it_is_discarded failed
mod locks_it_again {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        let (start, length) = (pointer(draft.address()), draft.range().len());
        match dont_need_again(draft) {
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {
                // SAFETY: it changes no byte.
                unsafe { munlock(start, length) }?;
                dont_need_again(draft)?;
                // SAFETY: as above.
                Ok(unsafe { mlock(start, length) }?)
            }
            other => other,
        }
    }
}

/// Drops the pages one GiB at a time, from the last part to the first.
///
/// passes
mod in_parts_backwards {
    use super::*;

    const PART: usize = 1 << 30;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        let length = whole_pages(draft.length());
        for at in (0..length).step_by(PART).rev() {
            advise_from(draft, at, PART.min(length - at), libc::MADV_DONTNEED)?;
        }
        Ok(())
    }
}

/// Uses the portable posix_madvise, for which POSIX_MADV_DONTNEED does nothing.
///
/// breaks: "The draft shows what the file holds now, and what is written to it later."
/// fails: discard::the_draft_is_the_file_again_now_and_later failed
mod posix_advice {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        // SAFETY: nothing holds a reference to plain bytes of the draft.
        match unsafe { libc::posix_madvise(start(draft), draft.length(), libc::POSIX_MADV_DONTNEED) } {
            0 => Ok(()),
            errno => Err(io::Error::from_raw_os_error(errno)),
        }
    }
}

/// Discards a locked draft without unlocking it (MADV_DONTNEED_LOCKED), so it neither fails nor unlocks it.
///
/// passes
mod discards_while_locked {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        advise_from(draft, 0, draft.length(), libc::MADV_DONTNEED)
            .or_else(|_| advise_from(draft, 0, draft.length(), 24 /* MADV_DONTNEED_LOCKED */))
    }
}

/// Unlocks a locked draft, discards it, and locks it again to leave all as it was, which makes new copies.
///
/// breaks: "The draft shows what the file holds now, and what is written to it later."
/// fails: discard::an_error_is_told_and_success_means_that_it_is_discarded failed
mod locks_again {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        let Err(error) = advise_from(draft, 0, draft.length(), libc::MADV_DONTNEED) else { return Ok(()) };
        if error.raw_os_error() != Some(libc::EINVAL) {
            return Err(error);
        }
        // SAFETY: the call changes no byte.
        Errno::result(unsafe { libc::munlock(start(draft), draft.length()) })?;
        advise_from(draft, 0, draft.length(), libc::MADV_DONTNEED)?;
        // SAFETY: the call changes no byte of the file, and the range is the draft's.
        Ok(Errno::result(unsafe { libc::mlock(start(draft), draft.length()) }).map(drop)?)
    }
}

/// Maps the file anew over the draft, by its name in /proc/self/maps, which an unlinked file or a memfd doesn't have.
///
/// breaks: "Each function works at every call, in every process and for every draft"
/// fails: discard::the_draft_is_the_file_again_now_and_later failed
mod maps_by_name {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        let area = maps_of(draft.range())?.pop().ok_or(io::ErrorKind::NotFound)?;
        let file = File::open(area.name())?;
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_FIXED;
        // SAFETY: it replaces the draft's own range, in which no reference points.
        let at = unsafe { libc::mmap(start(draft), draft.length(), protection, flags, file.as_raw_fd(), 0) };
        if at == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}

/// Drops the copies of every private mapping of the same file.
///
/// breaks: "Other mappings, even of the same file, keep what was stored to them."
/// fails: discard::nothing_else_is_forgotten failed
mod all_mappings_of_the_file {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        advise_from(draft, 0, draft.length(), libc::MADV_DONTNEED)?;
        let Some(own) = maps_of(draft.range())?.pop() else { return Ok(()) };
        for area in maps_of_process(nix::unistd::getpid())? {
            if area.name() == own.name() && area.permissions() == own.permissions() {
                let start = ptr::with_exposed_provenance_mut(area.range().start);
                // SAFETY: none really: other mappings lose their bytes.
                unsafe { libc::madvise(start, area.range().len(), libc::MADV_DONTNEED) };
            }
        }
        Ok(())
    }
}

/// Takes the returned -1 for the negative errno of a raw system call, and so reports EPERM.
///
/// breaks: "Those of the calls, unchanged: EINVAL if the draft is locked"
/// fails: discard::an_error_is_told_and_success_means_that_it_is_discarded failed
mod errno_from_the_result {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        // SAFETY: nothing holds a reference to plain bytes of the draft.
        match unsafe { libc::madvise(start(draft), draft.length(), libc::MADV_DONTNEED) } {
            0 => Ok(()),
            errno => Err(io::Error::from_raw_os_error(-errno)),
        }
    }
}

/// Loads a byte afterwards, to see that the file's page is back.
///
/// breaks: "The call loads no byte of the draft: only a later access brings the file's page."
/// fails: discard::it_works_at_every_call_for_every_draft failed
mod looks_at_the_first_byte {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        dont_need(draft)?;
        draft.load(0);
        Ok(())
    }
}

/// Maps the file anew over the draft, from /proc/self/map_files, which needs a privilege.
///
/// breaks: "It needs no privilege"
/// fails: discard::it_works_at_every_call_for_every_draft failed
mod maps_from_map_files {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        let area = maps_of(draft.range())?.pop().ok_or(io::ErrorKind::NotFound)?;
        let name = format!("/proc/self/map_files/{:x}-{:x}", area.range().start, area.range().end);
        let file = File::open(name)?;
        let offset = draft.address() - area.range().start;
        let flags = libc::MAP_PRIVATE | libc::MAP_FIXED | libc::MAP_NORESERVE;
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: it replaces the draft's own range, in which no reference points.
        let at =
            unsafe { libc::mmap(start(draft), draft.length(), protection, flags, file.as_raw_fd(), offset as i64) };
        if at == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}

/// Advises page by page, from the last to the first, by the raw system call.
///
/// passes
mod advises_page_by_page {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        let page = page_size();
        for at in (0..whole_pages(draft.length())).step_by(page).rev() {
            // SAFETY: a page of the draft.
            let done = unsafe {
                libc::syscall(libc::SYS_madvise, start(draft).wrapping_byte_add(at), page, libc::MADV_DONTNEED)
            };
            Errno::result(done)?;
        }
        Ok(())
    }
}

/// Returns another error than the call's for a locked draft.
///
/// breaks: "Those of the calls, unchanged: EINVAL if the draft is locked"
/// fails: discard::an_error_is_told_and_success_means_that_it_is_discarded failed
mod says_busy {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        advise_from(draft, 0, draft.length(), libc::MADV_DONTNEED).map_err(|_| Errno::EBUSY.into())
    }
}

/// Brings the pages back at once by a load of each.
///
/// breaks: "The call loads no byte of the draft: only a later access brings the file's page."
/// fails: discard::it_works_at_every_call_for_every_draft failed
mod loads_them_again {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        advise_from(draft, 0, draft.length(), libc::MADV_DONTNEED)?;
        for at in (0..draft.length()).step_by(page_size()) {
            std::hint::black_box(draft.load(at));
        }
        Ok(())
    }
}

/// Takes an error for a bug of the caller's.
///
/// breaks: "Those of the calls, unchanged: EINVAL if the draft is locked"
/// fails: discard::an_error_is_told_and_success_means_that_it_is_discarded panicked
mod panics_when_locked {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        advise_from(draft, 0, draft.length(), libc::MADV_DONTNEED).expect("madvise of a mapping can't fail");
        Ok(())
    }
}

/// Drops only the copies that it knows of, and knows of none when pagemap can't be opened.
///
/// breaks: "The draft shows what the file holds now"
/// fails: discard::an_error_is_told_and_success_means_that_it_is_discarded failed
mod knows_of_no_copy {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        for page in crate::solution::copied_pages(draft).unwrap_or_default() {
            advise_from(draft, page * page_size(), page_size(), libc::MADV_DONTNEED)?;
        }
        Ok(())
    }
}

/// Follows the last hint, line by line.
///
/// passes
mod discard_as_the_hint_says {
    use super::*;

    pub fn discard(draft: &Mapping) -> io::Result<()> {
        let start = NonNull::new(std::ptr::with_exposed_provenance_mut(draft.address())).ok_or(Errno::EINVAL)?;
        // SAFETY: the pages are the draft's, which hands out no references to its bytes.
        unsafe { madvise(start, draft.range().len(), MmapAdvise::MADV_DONTNEED) }?;
        Ok(())
    }
}

one_of! {
    pub fn discard(draft: &Mapping) -> io::Result<()>;
    invalidates_with_msync restores_the_bytes unmaps madvise_dontneed moves_the_pages_away drops_copy_by_copy
    drops_and_populates unlocks_first posix_madvise_dontneed madvise_free msync_invalidate rounds_down
    discards_a_page_too_many discards_the_whole_area discards_all_mappings_of_the_file stores_the_files_bytes
    maps_it_again_by_name ignores_the_error discards_the_errno populates_for_writing_again length_of_32_bits
    drops_the_first_copy_only forgets_the_last_copy unmaps_it maps_zeros discards_once writes_the_edits_first pages_out
    one_madvise even_if_locked in_chunks_from_the_end posix_madvise msync_invalidate_2 madv_free madv_remove rounds_length_down
    rounds_up_to_64_kib the_whole_area ignores_the_refusal takes_the_result_for_errno unlocks_everything
    maps_by_name_again maps_zeros_over_it length_as_u32 pages_out_2 stops_at_a_page_without_copy locks_it_again
    in_parts_backwards posix_advice discards_while_locked locks_again maps_by_name all_mappings_of_the_file
    errno_from_the_result looks_at_the_first_byte maps_from_map_files advises_page_by_page says_busy loads_them_again
    panics_when_locked knows_of_no_copy discard_as_the_hint_says
}
