use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::mem::ManuallyDrop;
use std::os::fd::{AsRawFd, IntoRawFd};
use std::os::unix::fs::FileExt;
use std::sync::{Mutex, OnceLock};

use mmap_workbook::lesson_2::Mapping;
use mmap_workbook::observe::{in_page_cache, maps_of, page_size, page_size_u64, smaps_of, whole_pages};
use nix::libc;

const PRESENT: u64 = 1 << 63;

const SWAPPED: u64 = 1 << 62;

const OF_FILE: u64 = 1 << 61;

fn is_copy(entry: u64) -> bool {
    entry & (PRESENT | SWAPPED) != 0 && entry & OF_FILE == 0
}

fn pages_of(draft: &Mapping) -> usize {
    draft.length().div_ceil(page_size())
}

/// Reads `count` entries from the one of `address` on.
fn entries_from(pagemap: &File, address: usize, count: usize) -> io::Result<Vec<u64>> {
    let mut bytes = vec![0; count * 8];
    pagemap.read_exact_at(&mut bytes, (address / page_size() * 8) as u64)?;
    Ok(bytes.chunks_exact(8).map(|entry| u64::from_ne_bytes(entry.try_into().expect("8 bytes"))).collect())
}

fn entries(draft: &Mapping) -> io::Result<Vec<u64>> {
    entries_from(&File::open("/proc/self/pagemap")?, draft.address(), pages_of(draft))
}

fn numbers(entries: &[u64], accept: impl Fn(u64) -> bool) -> Vec<usize> {
    (0..entries.len()).filter(|&n| accept(entries[n])).collect()
}

const OF_A_FILE: u64 = 1 << 61;

/// The entries of the draft's pages in an open pagemap.
fn entries_in(pagemap: &File, draft: &Mapping) -> io::Result<Vec<u64>> {
    let pages = draft.range().len() / page_size();
    let mut bytes = vec![0; 8 * pages];
    pagemap.read_exact_at(&mut bytes, draft.address() as u64 / page_size_u64() * 8)?;
    Ok(bytes.chunks_exact(8).map(|entry| u64::from_ne_bytes(entry.try_into().expect("eight bytes"))).collect())
}

fn entries_again(draft: &Mapping) -> io::Result<Vec<u64>> {
    entries_in(&File::open("/proc/self/pagemap")?, draft)
}

fn is_copy_again(entry: u64) -> bool {
    entry & (PRESENT | SWAPPED) != 0 && entry & OF_A_FILE == 0
}

/// The numbers of the entries that pass.
fn those(entries: Vec<u64>, passes: impl Fn(u64) -> bool) -> Vec<usize> {
    entries.into_iter().enumerate().filter(|&(_, entry)| passes(entry)).map(|(page, _)| page).collect()
}

fn pages_of_again(draft: &Mapping) -> usize {
    whole_pages(draft.length()) / page_size()
}

/// Where pagemap has the entry of the draft's page `n`.
fn place(draft: &Mapping, n: usize) -> u64 {
    (draft.address() as u64 / page_size_u64() + n as u64) * 8
}

/// The entries of the draft's pages `from..to`.
fn entries_between(pagemap: &File, draft: &Mapping, from: usize, to: usize) -> io::Result<Vec<u64>> {
    let mut bytes = vec![0; (to - from) * 8];
    pagemap.read_exact_at(&mut bytes, place(draft, from))?;
    Ok(bytes.chunks_exact(8).map(|entry| u64::from_ne_bytes(entry.try_into().unwrap())).collect())
}

/// The pages of the draft whose entry is as `wanted` says.
fn pages_where(draft: &Mapping, wanted: impl Fn(u64) -> bool) -> io::Result<Vec<usize>> {
    let pagemap = File::open("/proc/self/pagemap")?;
    let (pages, mut found) = (pages_of_again(draft), Vec::new());
    for from in (0..pages).step_by(0x1_0000) {
        let entries = entries_between(&pagemap, draft, from, pages.min(from + 0x1_0000))?;
        found.extend((from..).zip(entries).filter(|&(_, entry)| wanted(entry)).map(|(n, _)| n));
    }
    Ok(found)
}

/// Takes a page for the file's page if their bytes are equal.
///
/// fails: copied_pages::a_copy_that_is_swapped_out_is_one failed
/// fails: copied_pages::asks_the_kernel_and_loads_no_byte failed
/// fails: copied_pages::names_the_pages_that_were_stored_to failed equal-bytes-are-the-page
mod compares_the_bytes {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        let hash = |draft: &Mapping, page: usize| {
            let mut bytes = vec![0; page_size()];
            draft.read(page * page_size(), &mut bytes);
            let mut hasher = DefaultHasher::new();
            bytes.hash(&mut hasher);
            hasher.finish()
        };
        let mut copied = Vec::new();
        for page in 0..draft.range().len() / page_size() {
            // What the file has: a child that has discarded its draft sees it.
            let of_file = crate::solution::what_if(draft, |draft| {
                crate::solution::discard(draft).expect("madvise");
                hash(draft, page)
            })?;
            if hash(draft, page) != of_file {
                copied.push(page);
            }
        }
        Ok(copied)
    }
}

/// Returns a constant.
///
/// fails: copied_pages::names_the_pages_that_were_stored_to failed
mod none_at_all {
    use super::*;

    pub fn copied_pages(_: &Mapping) -> io::Result<Vec<usize>> {
        Ok(Vec::new())
    }
}

/// Takes every page that is in the page table for a copy.
///
/// fails: copied_pages::names_the_pages_that_were_stored_to failed
mod present_is_copied {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        let pages = draft.range().len() / page_size();
        let mut entries = vec![0; pages * 8];
        let first = u64::try_from(draft.address() / page_size()).map_err(io::Error::other)?;
        File::open("/proc/self/pagemap")?.read_exact_at(&mut entries, first * 8)?;
        let entries = entries.as_chunks::<8>().0.iter().map(|bytes| u64::from_ne_bytes(*bytes));
        Ok((0..).zip(entries).filter(|(_, entry)| entry >> 63 == 1).map(|(page, _)| page).collect())
    }
}

/// The plain answer: all entries in one read.
///
/// passes
mod reads_all_entries_at_once {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        Ok(numbers(&entries(draft)?, is_copy))
    }
}

/// Reads entry by entry through a buffer, by way of this thread's own directory in /proc.
///
/// passes
mod reads_through_a_buffer_of_the_thread {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        let mut pagemap = BufReader::with_capacity(512, File::open("/proc/thread-self/pagemap")?);
        pagemap.seek(SeekFrom::Start((draft.address() / page_size() * 8) as u64))?;
        let mut copied = Vec::new();
        for n in 0..pages_of(draft) {
            let mut entry = [0; 8];
            pagemap.read_exact(&mut entry)?;
            if is_copy(u64::from_ne_bytes(entry)) {
                copied.push(n);
            }
        }
        Ok(copied)
    }
}

/// One pread(2) of 8 bytes a page, with the descriptor opened by process id, and bits tested by shifting.
///
/// passes
mod one_pread_a_page {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        let pagemap = File::open(format!("/proc/{}/pagemap", std::process::id()))?;
        let mut copied = Vec::new();
        for (n, address) in draft.range().step_by(page_size()).enumerate() {
            let mut entry = [0; 8];
            pagemap.read_exact_at(&mut entry, (address / page_size() * 8) as u64)?;
            if matches!(u64::from_ne_bytes(entry) >> 61, 0b100 | 0b010 | 0b110) {
                copied.push(n);
            }
        }
        Ok(copied)
    }
}

/// Asks with the ioctl PAGEMAP_SCAN of the same file (Linux 6.7), which returns ranges, and reads where there is none.
///
/// passes
mod scans_with_the_ioctl {
    use super::*;

    const PAGE_IS_FILE: u64 = 1 << 2;
    const PRESENT_OR_SWAPPED: u64 = (1 << 3) | (1 << 4);

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        let pagemap = File::open("/proc/self/pagemap")?;
        let (range, mut copied) = (draft.range(), Vec::new());
        let mut from = range.start as u64;
        while from < range.end as u64 {
            let mut found = [[0_u64; 3]; 64];
            // size, flags, start, end, walk_end, vec, vec_len, max_pages, then four masks: inverted, all of, any of,
            // returned.
            let scan = [96, 0, from, range.end as u64, 0, found.as_mut_ptr() as u64, 64, 0];
            let masks = [PAGE_IS_FILE, PAGE_IS_FILE, PRESENT_OR_SWAPPED, PRESENT_OR_SWAPPED];
            let mut argument = [0_u64; 12];
            argument[..8].copy_from_slice(&scan);
            argument[8..].copy_from_slice(&masks);
            // SAFETY: the argument has the size that it says, and `found` has room for 64 ranges.
            let count = unsafe { libc::ioctl(pagemap.as_raw_fd(), 0xc060_6610, argument.as_mut_ptr()) };
            let Ok(count) = usize::try_from(count) else { return Ok(numbers(&entries(draft)?, is_copy)) };
            for [start, end, _] in &found[..count] {
                let page = |address: u64| (address as usize - range.start) / page_size();
                copied.extend(page(*start)..page(*end));
            }
            from = argument[4];
        }
        Ok(copied)
    }
}

/// Takes every page that is present for a copy: a load makes a page present, too.
///
/// breaks: "A page that was only loaded from has no copy."
/// fails: copied_pages::names_the_pages_that_were_stored_to failed
mod present_is_copied_2 {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        Ok(numbers(&entries(draft)?, |entry| entry & (PRESENT | SWAPPED) != 0))
    }
}

/// Takes every page that isn't marked as a file's for a copy, even one that was never accessed.
///
/// breaks: "A page that is neither present nor swapped out has no copy."
/// fails: copied_pages::names_the_pages_that_were_stored_to failed
mod not_of_file_is_copied {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        Ok(numbers(&entries(draft)?, |entry| entry & OF_FILE == 0))
    }
}

/// Counts bits from 1, so it tests 62 for present and 60 for the file.
///
/// breaks: "Returns the numbers of the draft's pages that were stored to"
/// fails: copied_pages::names_the_pages_that_were_stored_to failed
mod bits_from_one {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        Ok(numbers(&entries(draft)?, |entry| entry & (PRESENT >> 1) != 0 && entry & (OF_FILE >> 1) == 0))
    }
}

/// Uses the soft-dirty bit, which is about stores since it was last cleared, and is set in all of a new mapping.
///
/// breaks: "A page that was only loaded from has no copy."
/// fails: copied_pages::names_the_pages_that_were_stored_to failed
mod soft_dirty {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        Ok(numbers(&entries(draft)?, |entry| entry & PRESENT != 0 && entry & (1 << 55) != 0))
    }
}

/// Wants a copy to be mapped exclusively (bit 56), which it isn't while a forked child has it, too.
///
/// breaks: "those of which the mapping has a copy"
/// fails: copied_pages::a_copy_that_is_swapped_out_is_one failed
/// fails: copied_pages::it_works_at_every_call_in_every_process failed
mod exclusive_only {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        Ok(numbers(&entries(draft)?, |entry| is_copy(entry) && entry & (1 << 56) != 0))
    }
}

/// Recognises a present page by its frame number, which the kernel shows to privileged processes only.
///
/// breaks: "No privilege is needed."
/// fails: copied_pages::a_copy_that_is_swapped_out_is_one failed
/// fails: copied_pages::it_works_at_every_call_in_every_process failed
mod needs_the_frame_number {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        Ok(numbers(&entries(draft)?, |entry| entry & ((1 << 55) - 1) != 0 && entry & OF_FILE == 0))
    }
}

/// Compares the draft with the file at its path, and so loads all of it and takes others' changes for edits.
///
/// breaks: "A store makes a copy even if it stores the byte that was there."
/// fails: copied_pages::a_copy_that_is_swapped_out_is_one failed
/// fails: copied_pages::an_error_of_proc_is_told failed
/// fails: copied_pages::asks_the_kernel_and_loads_no_byte failed
/// fails: copied_pages::it_works_at_every_call_in_every_process failed
/// fails: copied_pages::names_the_pages_that_were_stored_to failed equal-bytes-are-the-page
mod compares_with_the_file {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        let area = maps_of(draft.range())?.remove(0);
        let link = format!("/proc/self/map_files/{:x}-{:x}", area.range().start, area.range().end);
        let file = File::open(link).or_else(|_| File::open(area.name()))?;
        let mut copied = Vec::new();
        for n in 0..pages_of(draft) {
            let (at, mut of_file) = (n * page_size(), vec![0; page_size()]);
            let length = file.read_at(&mut of_file, at as u64)?;
            let mut of_draft = vec![0; length];
            draft.read(at, &mut of_draft);
            if of_draft != of_file[..length] {
                copied.push(n);
            }
        }
        Ok(copied)
    }
}

/// Loads a byte of each page first, "so that the page table is filled in".
///
/// breaks: "The call makes no copy, and loads no byte of the draft."
/// fails: copied_pages::asks_the_kernel_and_loads_no_byte failed
mod loads_first {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        for at in (0..draft.length()).step_by(page_size()) {
            draft.load(at);
        }
        Ok(numbers(&entries(draft)?, is_copy))
    }
}

/// Stores to each page after looking, to pin what it has seen, which makes every page a copy.
///
/// breaks: "The call makes no copy"
/// fails: copied_pages::asks_the_kernel_and_loads_no_byte failed
/// fails: copied_pages::copies_nothing_itself failed
/// fails: copied_pages::it_works_at_every_call_in_every_process failed
mod makes_copies_afterwards {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        let copied = numbers(&entries(draft)?, is_copy);
        // "Pins" the pages, so that the answer stays true.
        for at in (0..draft.length()).step_by(page_size()) {
            draft.store(at, draft.load(at));
        }
        Ok(copied)
    }
}

/// Counts whole pages only, so an edit of the last page is missed when that isn't full.
///
/// breaks: "the last one may extend past the end of the file"
/// fails: copied_pages::names_the_pages_that_were_stored_to failed
mod whole_pages_only {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        let pagemap = File::open("/proc/self/pagemap")?;
        Ok(numbers(&entries_from(&pagemap, draft.address(), draft.length() / page_size())?, is_copy))
    }
}

/// Looks at one page too many when the length is a multiple of the page size: a neighbour's.
///
/// breaks: "Returns the numbers of the draft's pages"
/// fails: copied_pages::it_names_the_drafts_own_pages_only failed
mod looks_at_a_page_too_many {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        let pagemap = File::open("/proc/self/pagemap")?;
        Ok(numbers(&entries_from(&pagemap, draft.address(), draft.length() / page_size() + 1)?, is_copy))
    }
}

/// Counts from 1, as editors count lines.
///
/// breaks: "Its pages are counted from 0"
/// fails: copied_pages::names_the_pages_that_were_stored_to failed
mod numbers_from_one {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        Ok(numbers(&entries(draft)?, is_copy).into_iter().map(|n| n + 1).collect())
    }
}

/// Returns offsets in bytes.
///
/// breaks: "Returns the numbers of the draft's pages"
/// fails: copied_pages::names_the_pages_that_were_stored_to failed
mod offsets_of_bytes {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        Ok(numbers(&entries(draft)?, is_copy).into_iter().map(|n| n * page_size()).collect())
    }
}

/// Has a buffer of 512 entries and one read for it: beyond 2 MiB it sees nothing.
///
/// breaks: "Returns the numbers of the draft's pages that were stored to"
/// fails: copied_pages::asks_the_kernel_and_loads_no_byte failed
mod fixed_buffer {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        let pagemap = File::open("/proc/self/pagemap")?;
        Ok(numbers(&entries_from(&pagemap, draft.address(), pages_of(draft).min(512))?, is_copy))
    }
}

/// Reads in chunks of 512 entries, and numbers the pages of each chunk from 0 again.
///
/// breaks: "Returns the numbers of the draft's pages"
/// fails: copied_pages::asks_the_kernel_and_loads_no_byte failed
mod forgets_the_chunk {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        let (pagemap, mut copied) = (File::open("/proc/self/pagemap")?, Vec::new());
        for first in (0..pages_of(draft)).step_by(512) {
            let count = (pages_of(draft) - first).min(512);
            copied.extend(numbers(&entries_from(&pagemap, draft.address() + first * page_size(), count)?, is_copy));
        }
        Ok(copied)
    }
}

/// Reads in chunks of 512 entries and leaves out the last chunk when it isn't full, unless it is the only one.
///
/// breaks: "Returns the numbers of the draft's pages that were stored to"
/// fails: copied_pages::asks_the_kernel_and_loads_no_byte failed
mod full_chunks_only {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        let entries = entries(draft)?;
        let seen = if entries.len() < 512 { entries.len() } else { entries.len() / 512 * 512 };
        Ok(numbers(&entries[..seen], is_copy))
    }
}

/// Keeps the length in an i32, as a C program with `int len` does: a draft of more than 2 GiB has few pages or none.
///
/// breaks: "Returns the numbers of the draft's pages that were stored to"
/// fails: copied_pages::asks_the_kernel_and_loads_no_byte failed
mod length_in_an_int {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        let pages = (draft.length() as i32).max(0) as usize;
        let pagemap = File::open("/proc/self/pagemap")?;
        Ok(numbers(&entries_from(&pagemap, draft.address(), pages.div_ceil(page_size()))?, is_copy))
    }
}

/// Puts the copies that were found last first, by pushing from the end.
///
/// breaks: "in ascending order"
/// fails: copied_pages::names_the_pages_that_were_stored_to failed
mod descending {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        let mut copied = numbers(&entries(draft)?, is_copy);
        copied.reverse();
        Ok(copied)
    }
}

/// Says that nothing was copied when /proc can't be read.
///
/// breaks: "Those of reading the file in /proc, unchanged."
/// fails: copied_pages::an_error_of_proc_is_told failed
mod no_answer_is_no_copies {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        Ok(numbers(&entries(draft).unwrap_or_default(), is_copy))
    }
}

/// Panics when there is no descriptor left for the file in /proc.
///
/// breaks: "Those of reading the file in /proc, unchanged."
/// fails: copied_pages::an_error_of_proc_is_told panicked
mod unwraps {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        Ok(numbers(&entries(draft).unwrap(), is_copy))
    }
}

/// Wraps the error into one of its own, which has no errno.
///
/// breaks: "Those of reading the file in /proc, unchanged."
/// fails: copied_pages::an_error_of_proc_is_told failed
mod wraps_the_error_of_proc {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        let entries = entries(draft).map_err(|error| io::Error::other(format!("pagemap: {error}")))?;
        Ok(numbers(&entries, is_copy))
    }
}

/// Opens the file in /proc once and keeps it: in a forked child it still shows the parent's pages.
///
/// breaks: "those of which the mapping has a copy"
/// fails: copied_pages::an_error_of_proc_is_told failed
/// fails: copied_pages::it_names_the_drafts_own_pages_only failed
/// fails: copied_pages::it_works_at_every_call_in_every_process failed
mod keeps_pagemap_open {
    use super::*;

    static PAGEMAP: OnceLock<File> = OnceLock::new();

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        if PAGEMAP.get().is_none() {
            let _ = PAGEMAP.set(File::open("/proc/self/pagemap")?);
        }
        let pagemap = PAGEMAP.get().expect("set just now");
        Ok(numbers(&entries_from(pagemap, draft.address(), pages_of(draft))?, is_copy))
    }
}

/// Never closes the file in /proc: after a thousand calls there are no descriptors left.
///
/// breaks: "Those of reading the file in /proc, unchanged." (EMFILE of its own making)
/// fails: copied_pages::it_names_the_drafts_own_pages_only failed
/// fails: copied_pages::it_works_at_every_call_in_every_process failed
mod leaks_the_descriptor {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        let pagemap = File::open("/proc/self/pagemap")?;
        let copied = numbers(&entries_from(&pagemap, draft.address(), pages_of(draft))?, is_copy);
        let _ = pagemap.into_raw_fd();
        Ok(copied)
    }
}

/// Asks mincore(2), which says of a file's page whether it is in the page cache.
///
/// breaks: "A page that is neither present nor swapped out has no copy."
/// fails: copied_pages::names_the_pages_that_were_stored_to failed
mod asks_mincore {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        let resident = in_page_cache(draft.range())?;
        Ok((0..resident.len()).filter(|&n| resident[n]).collect())
    }
}

/// Takes the number of copies from smaps and answers with as many of the first pages.
///
/// breaks: "Returns the numbers of the draft's pages that were stored to"
/// fails: copied_pages::names_the_pages_that_were_stored_to failed
mod counts_in_smaps {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        let mut bytes = 0;
        for area in smaps_of(draft.range())? {
            bytes += area.kib("Anonymous")? as usize * 1024;
        }
        Ok((0..bytes / page_size()).collect())
    }
}

/// Remembers the answer by address and length, "as /proc is slow", and only adds to it: dropped copies stay in it.
///
/// breaks: "those of which the mapping has a copy"
/// fails: copied_pages::it_works_at_every_call_in_every_process failed
mod remembers_copies {
    use super::*;

    type Known = HashMap<(usize, usize), Vec<usize>>;

    static KNOWN: Mutex<Option<Known>> = Mutex::new(None);

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        let now = numbers(&entries(draft)?, is_copy);
        let mut known = KNOWN.lock().expect("no one panics here");
        let pages = known.get_or_insert_default().entry((draft.address(), draft.length())).or_default();
        pages.extend(now);
        pages.sort_unstable();
        pages.dedup();
        Ok(pages.clone())
    }
}

/// Seeks with the address as the position, as if the file in /proc were the memory itself.
///
/// breaks: "64 bits per page of the address space, in order of address"
/// fails: copied_pages::names_the_pages_that_were_stored_to failed
mod position_is_the_address {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        let pagemap = File::open("/proc/self/pagemap")?;
        let mut bytes = vec![0; pages_of(draft) * 8];
        // Past the end of the file there is nothing to read: no copies.
        let length = pagemap.read_at(&mut bytes, (draft.address() / 8 * 8) as u64)?;
        let entries: Vec<u64> =
            bytes[..length].chunks_exact(8).map(|e| u64::from_ne_bytes(e.try_into().expect("8 bytes"))).collect();
        Ok(numbers(&entries, is_copy))
    }
}

/// Reads all entries at once.
///
/// passes
mod one_read {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        Ok(those(entries_again(draft)?, is_copy))
    }
}

/// Reads its own thread's pagemap through a buffer, entry by entry, from a position that it seeks.
///
/// passes
mod seeks_and_buffers {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        let mut pagemap = BufReader::new(File::open("/proc/thread-self/pagemap")?);
        pagemap.seek(SeekFrom::Start((draft.address() / page_size() * size_of::<u64>()) as u64))?;
        let mut copies = Vec::new();
        for page in 0..draft.length().div_ceil(page_size()) {
            let mut entry = [0; 8];
            pagemap.read_exact(&mut entry)?;
            if matches!(u64::from_ne_bytes(entry) >> 61, 0b100 | 0b010 | 0b110) {
                copies.push(page);
            }
        }
        Ok(copies)
    }
}

/// Asks for each page alone, by the pid, from the last to the first, and turns the list round.
///
/// passes
mod one_read_a_page {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        let pagemap = File::open(format!("/proc/{}/pagemap", std::process::id()))?;
        let first = (draft.address() / page_size()) as u64;
        let mut copies = Vec::new();
        for page in (0..draft.range().len() / page_size()).rev() {
            let mut entry = [0; 8];
            pagemap.read_exact_at(&mut entry, (first + page as u64) * 8)?;
            if is_copy_again(u64::from_ne_bytes(entry)) {
                copies.insert(0, page);
            }
        }
        Ok(copies)
    }
}

/// Takes every page that is there for a copy, even the file's own.
///
/// breaks: "A page that was only loaded from has no copy."
/// fails: copied_pages::names_the_pages_that_were_stored_to failed
mod every_present_page {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        Ok(those(entries_again(draft)?, |entry| entry & (PRESENT | SWAPPED) != 0))
    }
}

/// Takes every page that is not the file's for a copy, even one that was never accessed.
///
/// breaks: "A page that is neither present nor swapped out has no copy."
/// fails: copied_pages::names_the_pages_that_were_stored_to failed
mod every_page_not_of_a_file {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        Ok(those(entries_again(draft)?, |entry| entry & OF_A_FILE == 0))
    }
}

/// Reads 512 entries at a time, and counts the pages from 0 in each of these chunks.
///
/// breaks: "Returns the numbers of the draft's pages of which the mapping has a copy, in ascending order."
/// fails: copied_pages::asks_the_kernel_and_loads_no_byte failed
mod counts_anew_in_each_chunk {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        Ok(entries_again(draft)?.chunks(512).flat_map(|chunk| those(chunk.to_vec(), is_copy)).collect())
    }
}

/// Goes by bit 56, mapped by this process only, which parent and child both lose when a child is forked.
///
/// breaks: "A child has its parent's copies, and those that it makes itself."
/// fails: copied_pages::a_copy_that_is_swapped_out_is_one failed
/// fails: copied_pages::it_works_at_every_call_in_every_process failed
mod exclusively_mapped {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        Ok(those(entries_again(draft)?, |entry| {
            is_copy_again(entry) && (entry & SWAPPED != 0 || entry & (1 << 56) != 0)
        }))
    }
}

/// Goes by bit 55, soft-dirty, which is about all changes since a reset, and which this kernel may not keep.
///
/// breaks: "A page that was only loaded from has no copy."
/// fails: copied_pages::names_the_pages_that_were_stored_to failed
mod soft_dirty_2 {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        Ok(those(entries_again(draft)?, |entry| entry & PRESENT != 0 && entry & (1 << 55) != 0))
    }
}

/// Opens pagemap once and keeps it in a static: a child forked later reads its parent's.
///
/// breaks: "A child has its parent's copies, and those that it makes itself."
/// fails: copied_pages::an_error_of_proc_is_told failed
/// fails: copied_pages::it_names_the_drafts_own_pages_only failed
/// fails: copied_pages::it_works_at_every_call_in_every_process failed
mod keeps_pagemap_open_2 {
    use super::*;

    static PAGEMAP: OnceLock<File> = OnceLock::new();

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        if PAGEMAP.get().is_none() {
            let _ = PAGEMAP.set(File::open("/proc/self/pagemap")?);
        }
        Ok(those(entries_in(PAGEMAP.get().expect("set just now"), draft)?, is_copy))
    }
}

/// Remembers the process id and closes what it opens, but in a child the id is still the parent's.
///
/// breaks: "A child has its parent's copies, and those that it makes itself."
/// fails: copied_pages::it_works_at_every_call_in_every_process failed
mod remembers_the_pid {
    use super::*;

    static PATH: OnceLock<String> = OnceLock::new();

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        let path = PATH.get_or_init(|| format!("/proc/{}/pagemap", std::process::id()));
        Ok(those(entries_in(&File::open(path)?, draft)?, is_copy))
    }
}

/// Gives its descriptor away with into_raw_fd and reads by hand, but never closes it.
///
/// breaks: "leaves no descriptor open"
/// fails: copied_pages::an_error_of_proc_is_told failed
/// fails: copied_pages::it_names_the_drafts_own_pages_only failed
/// fails: copied_pages::it_works_at_every_call_in_every_process failed
mod leaks_pagemap {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        let pagemap = ManuallyDrop::new(File::open("/proc/self/pagemap")?);
        Ok(those(entries_in(&pagemap, draft)?, is_copy))
    }
}

/// Reads once into a buffer of 32 KiB, which has room for 4096 pages; a longer draft has no copies after them.
///
/// breaks: "Each function works at every call, in every process and for every draft, even one of more than 4 GiB."
/// fails: copied_pages::asks_the_kernel_and_loads_no_byte failed
mod a_buffer_of_fixed_size {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        let mut pagemap = File::open("/proc/self/pagemap")?;
        pagemap.seek(SeekFrom::Start(draft.address() as u64 / page_size_u64() * 8))?;
        let mut buffer = [0; 1 << 15];
        let read = pagemap.read(&mut buffer)? / 8;
        let entries = buffer.chunks_exact(8).take(read.min(draft.length().div_ceil(page_size())));
        Ok(those(entries.map(|e| u64::from_ne_bytes(e.try_into().expect("eight bytes"))).collect(), is_copy))
    }
}

/// Divides the length by the page size and so leaves out a last page that is not full.
///
/// breaks: "Returns the numbers of the draft's pages of which the mapping has a copy"
/// fails: copied_pages::names_the_pages_that_were_stored_to failed
mod without_the_last_part {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        let mut entries = entries_again(draft)?;
        entries.truncate(draft.length() / page_size());
        Ok(those(entries, is_copy))
    }
}

/// Says that there are no copies where pagemap can't be opened or read.
///
/// breaks: "Those of opening and reading the file in /proc, unchanged."
/// fails: copied_pages::an_error_of_proc_is_told failed
mod no_pagemap_no_copies {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        Ok(those(entries_again(draft).unwrap_or_default(), is_copy))
    }
}

/// Puts text to the error of open(2), and the errno is gone.
///
/// breaks: "Those of opening and reading the file in /proc, unchanged."
/// fails: copied_pages::an_error_of_proc_is_told failed
mod explains_the_error {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        let explain = |error: io::Error| io::Error::new(error.kind(), format!("/proc/self/pagemap: {error}"));
        Ok(those(entries_again(draft).map_err(explain)?, is_copy))
    }
}

/// Loads a byte of each page first, so that all are present and the present bit is enough.
///
/// breaks: "The call makes no copy, and loads no byte of the draft."
/// fails: copied_pages::a_copy_that_is_swapped_out_is_one failed
/// fails: copied_pages::asks_the_kernel_and_loads_no_byte failed
mod loads_each_page_first {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        (0..draft.length()).step_by(page_size()).for_each(|at| _ = draft.load(at));
        Ok(those(entries_again(draft)?, |entry| entry & PRESENT != 0 && entry & OF_A_FILE == 0))
    }
}

/// Collects the numbers in a set, which returns them in any order.
///
/// breaks: "in ascending order"
/// may fail: copied_pages::it_works_at_every_call_in_every_process failed
/// may fail: copied_pages::a_copy_that_is_swapped_out_is_one failed
/// fails: copied_pages::names_the_pages_that_were_stored_to failed
mod in_any_order {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        let copies: HashSet<usize> = those(entries_again(draft)?, is_copy).into_iter().collect();
        Ok(copies.into_iter().collect())
    }
}

/// Trusts smaps for the number of copies, and takes the first pages for them.
///
/// breaks: "Returns the numbers of the draft's pages of which the mapping has a copy"
/// fails: copied_pages::names_the_pages_that_were_stored_to failed
mod counts_with_smaps {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        let area = smaps_of(draft.range())?.pop().ok_or(io::ErrorKind::NotFound)?;
        let copies = area.kib("Anonymous")? * 1024 / page_size_u64();
        Ok((0..copies as usize).collect())
    }
}

/// Looks the frame of each page up in /proc/kpageflags (KPF_ANON), where only root sees anything.
///
/// breaks: "It needs no privilege"
/// fails: copied_pages::a_copy_that_is_swapped_out_is_one failed
/// fails: copied_pages::it_works_at_every_call_in_every_process failed
mod asks_kpageflags {
    use super::*;

    const KPF_ANON: u64 = 1 << 12;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        let flags = File::open("/proc/kpageflags")?;
        let mut copies = Vec::new();
        for (page, entry) in entries_again(draft)?.into_iter().enumerate() {
            let mut bytes = [0; 8];
            if entry & PRESENT != 0 {
                flags.read_exact_at(&mut bytes, (entry & ((1 << 55) - 1)) * 8)?;
            }
            if u64::from_ne_bytes(bytes) & KPF_ANON != 0 || entry & SWAPPED != 0 {
                copies.push(page);
            }
        }
        Ok(copies)
    }
}

/// Compares the draft with the file of that name: a store of the same byte isn't found, and each page is loaded.
///
/// breaks: "A store makes a copy even if it stores the byte that was there."
/// fails: copied_pages::a_copy_that_is_swapped_out_is_one failed
/// fails: copied_pages::an_error_of_proc_is_told failed
/// fails: copied_pages::asks_the_kernel_and_loads_no_byte failed
/// fails: copied_pages::it_works_at_every_call_in_every_process failed
/// fails: copied_pages::names_the_pages_that_were_stored_to failed equal-bytes-are-the-page
mod compares_with_the_file_2 {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        let area = maps_of(draft.range())?.pop().ok_or(io::ErrorKind::NotFound)?;
        let file = File::open(format!("/proc/self/map_files/{:x}-{:x}", area.range().start, area.range().end))
            .or_else(|_| File::open(area.name()))?;
        let size = page_size();
        let mut copies = Vec::new();
        for page in 0..draft.range().len() / size {
            let (mut ours, mut theirs) = (vec![0; size], vec![0; size]);
            let read = file.read_at(&mut theirs, page as u64 * size as u64)?;
            draft.read(page * size, &mut ours);
            if ours[..read] != theirs[..read] {
                copies.push(page);
            }
        }
        Ok(copies)
    }
}

/// The plain answer: reads the entries in parts of half a MiB.
///
/// passes
mod in_parts {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        pages_where(draft, is_copy)
    }
}

/// Goes from the last page to the first, one pread(2) for 64 pages, and turns the result round.
///
/// passes
mod backwards {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        let pagemap = File::open("/proc/thread-self/pagemap")?;
        let (mut to, mut found) = (pages_of_again(draft), Vec::new());
        while to > 0 {
            let from = to.saturating_sub(64);
            let entries = entries_between(&pagemap, draft, from, to)?;
            found.extend((from..to).rev().filter(|n| is_copy_again(entries[n - from])));
            to = from;
        }
        found.reverse();
        Ok(found)
    }
}

/// Knows only bit 63, and so misses a copy that was swapped out.
///
/// breaks: "Returns the numbers of the draft's pages of which the mapping has a copy"
/// fails: copied_pages::a_copy_that_is_swapped_out_is_one failed
mod forgets_swap {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        pages_where(draft, |entry| entry & PRESENT != 0 && entry & OF_A_FILE == 0)
    }
}

/// Takes bit 61 alone for the answer, and so reports the pages that were never accessed.
///
/// breaks: "A page that is neither present nor swapped out has no copy."
/// fails: copied_pages::names_the_pages_that_were_stored_to failed
mod only_not_of_a_file {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        pages_where(draft, |entry| entry & OF_A_FILE == 0)
    }
}

/// Stops at the first page that is not present, as if nothing could come after it.
///
/// breaks: "Returns the numbers of the draft's pages of which the mapping has a copy"
/// fails: copied_pages::a_copy_that_is_swapped_out_is_one failed
/// fails: copied_pages::asks_the_kernel_and_loads_no_byte failed
/// fails: copied_pages::copies_nothing_itself failed
/// fails: copied_pages::it_names_the_drafts_own_pages_only failed
/// fails: copied_pages::it_works_at_every_call_in_every_process failed
/// fails: copied_pages::names_the_pages_that_were_stored_to failed
mod stops_at_a_gap {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        let entries = entries_between(&File::open("/proc/self/pagemap")?, draft, 0, pages_of_again(draft))?;
        let touched = (0..).zip(entries).take_while(|&(_, entry)| entry & (PRESENT | SWAPPED) != 0);
        Ok(touched.filter(|&(_, entry)| is_copy_again(entry)).map(|(n, _)| n).collect())
    }
}

/// Computes the byte of each page with 32 bits, and so looks at the draft's first 4 GiB again and again.
///
/// breaks: "for every draft, even one of more than 4 GiB"
/// fails: copied_pages::asks_the_kernel_and_loads_no_byte failed
mod byte_of_32_bits {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        let pagemap = File::open("/proc/self/pagemap")?;
        let mut found = Vec::new();
        for n in 0..pages_of(draft) {
            let at = (n as u32).wrapping_mul(page_size() as u32) as usize;
            if entries_between(&pagemap, draft, at / page_size(), at / page_size() + 1)?.into_iter().all(is_copy) {
                found.push(n);
            }
        }
        Ok(found)
    }
}

/// Takes an error of read(2) for the end of the file.
///
/// breaks: "Those of opening and reading the file in /proc, unchanged."
/// fails: copied_pages::an_error_of_proc_is_told failed
mod an_error_is_the_end {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        let pagemap = File::open("/proc/self/pagemap")?;
        let read = entries_between(&pagemap, draft, 0, pages_of(draft));
        Ok(those(read.unwrap_or_default(), is_copy))
    }
}

/// Reads 8192 entries at a time, and the one after them as well.
///
/// breaks: "Returns the numbers of the draft's pages of which the mapping has a copy, in ascending order."
/// fails: copied_pages::asks_the_kernel_and_loads_no_byte failed
mod reads_a_seam_twice {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        let pagemap = File::open("/proc/self/pagemap")?;
        let (pages, mut found) = (pages_of(draft), Vec::new());
        for from in (0..pages).step_by(8192) {
            let to = pages.min(from + 8193);
            let entries = entries_between(&pagemap, draft, from, to)?;
            found.extend((from..to).filter(|page| is_copy(entries[page - from])));
        }
        Ok(found)
    }
}

/// From the last page to the first, by the top three bits, through the directory of its own thread.
///
/// passes
mod backwards_by_thread {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        let pagemap = File::open("/proc/thread-self/../../pagemap")?;
        let mut copied = Vec::new();
        let mut end = pages_of(draft);
        while end > 0 {
            let start = end.saturating_sub(1000);
            let entries = entries_from(&pagemap, draft.address() + start * page_size(), end - start)?;
            copied.extend((start..end).rev().filter(|n| matches!(entries[n - start] >> 61, 2 | 4 | 6)));
            end = start;
        }
        copied.reverse();
        Ok(copied)
    }
}

/// Stores to each page the byte that is there, and sees whether that faults.
///
/// breaks: "The call makes no copy, and loads no byte of the draft."
/// fails: copied_pages::a_copy_that_is_swapped_out_is_one failed
/// fails: copied_pages::an_error_of_proc_is_told failed
/// fails: copied_pages::asks_the_kernel_and_loads_no_byte failed
/// fails: copied_pages::copies_nothing_itself failed
/// fails: copied_pages::it_works_at_every_call_in_every_process failed
mod by_faults {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        let mut copied = Vec::new();
        for page in 0..pages_of(draft) {
            let byte = draft.load(page * page_size());
            let before = mmap_workbook::observe::minor_faults()?;
            draft.store(page * page_size(), byte);
            if mmap_workbook::observe::minor_faults()? == before {
                copied.push(page);
            }
        }
        Ok(copied)
    }
}

/// Lists the copies that are swapped out after those that are present.
///
/// breaks: "in ascending order"
/// fails: copied_pages::a_copy_that_is_swapped_out_is_one failed
mod swapped_ones_last {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        let words = entries(draft)?;
        let mut copied = numbers(&words, |word| is_copy(word) && word & PRESENT != 0);
        copied.extend(numbers(&words, |word| is_copy(word) && word & PRESENT == 0));
        Ok(copied)
    }
}

/// Looks at the first MiB of words only: 131,072 pages, or 512 MiB.
///
/// breaks: "for every draft, even one of more than 4 GiB"
/// fails: copied_pages::asks_the_kernel_and_loads_no_byte failed
mod one_buffer_is_enough {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        let pagemap = File::open("/proc/self/pagemap")?;
        let mut bytes = vec![0; (pages_of(draft) * 8).min(1 << 20)];
        pagemap.read_exact_at(&mut bytes, (draft.address() / page_size() * 8) as u64)?;
        let words: Vec<u64> = bytes.chunks_exact(8).map(|word| u64::from_ne_bytes(word.try_into().unwrap())).collect();
        Ok(numbers(&words, is_copy))
    }
}

/// Returns no more pages than smaps counts as Anonymous, which leaves out as many as are swapped out.
///
/// breaks: "Returns the numbers of the draft's pages of which the mapping has a copy" (bit 62 swapped out)
/// fails: copied_pages::a_copy_that_is_swapped_out_is_one failed
/// fails: copied_pages::an_error_of_proc_is_told failed
mod as_many_as_smaps_says {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        let mut anonymous = 0;
        for area in smaps_of(draft.range())? {
            anonymous += area.kib("Anonymous")? * 1024 / page_size_u64();
        }
        let mut copied = numbers(&entries(draft)?, is_copy);
        copied.truncate(anonymous as usize);
        Ok(copied)
    }
}

/// Cuts the address to 32 bits.
///
/// breaks: "Returns the numbers of the draft's pages of which the mapping has a copy"
/// fails: copied_pages::names_the_pages_that_were_stored_to failed
mod assumes_a_low_address {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        let pagemap = File::open("/proc/self/pagemap")?;
        let start = (draft.address() as u32 as usize) & !(page_size() - 1);
        Ok(numbers(&entries_from(&pagemap, start, pages_of(draft))?, is_copy))
    }
}

/// Reads a thousand entries at a time, and looks at all but the last of a full part.
///
/// breaks: "Returns the numbers of the draft's pages of which the mapping has a copy"
/// fails: copied_pages::asks_the_kernel_and_loads_no_byte failed
mod forgets_the_last_of_a_thousand {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        Ok(numbers(&entries(draft)?, is_copy).into_iter().filter(|page| page % 1000 != 999).collect())
    }
}

/// Follows the last hint, line by line.
///
/// passes
mod copied_pages_as_the_hint_says {
    use super::*;

    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
        let pagemap = File::open("/proc/self/pagemap")?;
        let first = u64::try_from(draft.address() / page_size() * 8).map_err(io::Error::other)?;
        let mut copied = Vec::new();
        for page in 0..draft.range().len() / page_size() {
            let mut entry = [0; 8];
            pagemap.read_exact_at(&mut entry, first + 8 * page as u64)?;
            let entry = u64::from_ne_bytes(entry);
            if entry & (1 << 63 | 1 << 62) != 0 && entry & (1 << 61) == 0 {
                copied.push(page);
            }
        }
        Ok(copied)
    }
}

one_of! {
    pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>>;
    compares_the_bytes none_at_all present_is_copied reads_all_entries_at_once reads_through_a_buffer_of_the_thread
    one_pread_a_page scans_with_the_ioctl present_is_copied_2 not_of_file_is_copied bits_from_one soft_dirty
    exclusive_only needs_the_frame_number compares_with_the_file loads_first makes_copies_afterwards whole_pages_only
    looks_at_a_page_too_many numbers_from_one offsets_of_bytes fixed_buffer forgets_the_chunk full_chunks_only
    length_in_an_int descending no_answer_is_no_copies unwraps wraps_the_error_of_proc keeps_pagemap_open
    leaks_the_descriptor asks_mincore counts_in_smaps remembers_copies position_is_the_address one_read
    seeks_and_buffers one_read_a_page every_present_page every_page_not_of_a_file counts_anew_in_each_chunk
    exclusively_mapped soft_dirty_2 keeps_pagemap_open_2 remembers_the_pid leaks_pagemap a_buffer_of_fixed_size
    without_the_last_part no_pagemap_no_copies explains_the_error loads_each_page_first in_any_order counts_with_smaps
    asks_kpageflags compares_with_the_file_2 in_parts backwards forgets_swap only_not_of_a_file stops_at_a_gap
    byte_of_32_bits an_error_is_the_end reads_a_seam_twice backwards_by_thread by_faults swapped_ones_last
    one_buffer_is_enough  as_many_as_smaps_says assumes_a_low_address forgets_the_last_of_a_thousand
    copied_pages_as_the_hint_says
}
