use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use mmap_workbook::observe::{in_page_cache, page_size, whole_pages};
use mmap_workbook::process::Child;
use nix::errno::Errno;
use nix::libc::{self, c_void};
use nix::sys::mman::{MRemapFlags, MapFlags, MmapAdvise, ProtFlags, madvise, mlock, mmap_anonymous, mprotect, munlock};

use crate::solution::copied_pages;

fn advise(address: usize, length: usize, advice: i32) -> io::Result<()> {
    // SAFETY: the callers pass addresses of the draft, and advice that changes none of its bytes.
    Errno::result(unsafe { libc::madvise(std::ptr::with_exposed_provenance_mut(address), length, advice) })?;
    Ok(())
}

/// Stores to a page the byte that is there.
fn touch(draft: &Mapping, at: usize) {
    draft.store(at, draft.load(at));
}

/// Makes a copy of the page with this word, which must be a multiple of 4, and changes no byte of it.
fn touch_again(draft: &Mapping, at: usize) {
    let word = draft.word(at);
    let mut old = word.load(Ordering::Relaxed);
    while let Err(now) = word.compare_exchange_weak(old, old, Ordering::Relaxed, Ordering::Relaxed) {
        old = now;
    }
}

fn start(draft: &Mapping) -> std::ptr::NonNull<c_void> {
    std::ptr::NonNull::new(std::ptr::with_exposed_provenance_mut(draft.address())).expect("nothing is mapped at 0")
}

fn touch_all(draft: &Mapping) {
    (0..draft.length()).step_by(page_size()).for_each(|at| touch(draft, at));
}

/// Ends the process, successfully, after its work.
///
/// fails: freeze::the_draft_stands_still_whatever_is_written exited
mod exits_when_done {
    use super::*;

    pub fn freeze(draft: &Mapping) {
        crate::solution::freeze(draft);
        std::process::exit(0)
    }
}

/// Takes a page that was loaded from for a copy.
///
/// fails: freeze::the_draft_stands_still_whatever_is_written failed loading-copies
mod loading_is_enough {
    use super::*;

    pub fn freeze(draft: &Mapping) {
        for at in (0..draft.length()).step_by(page_size()) {
            draft.load(at);
        }
    }
}

/// Takes a private mapping for a snapshot, and does nothing.
///
/// fails: freeze::the_draft_stands_still_whatever_is_written failed loading-copies
mod nothing_to_do {
    use super::*;

    pub fn freeze(_: &Mapping) {}
}

/// Makes the copies by storing a byte of its own.
///
/// fails: freeze::the_draft_stands_still_whatever_is_written failed
mod stores_a_zero {
    use super::*;

    pub fn freeze(draft: &Mapping) {
        for at in (0..draft.length()).step_by(page_size()) {
            draft.store(at, 0);
        }
    }
}

/// The plain answer: one store to the first byte of each page.
///
/// passes
mod stores_to_each_page {
    use super::*;

    pub fn freeze(draft: &Mapping) {
        for at in (0..draft.length()).step_by(page_size()) {
            touch(draft, at);
        }
    }
}

/// Stores nothing itself: MADV_POPULATE_WRITE takes the write faults in one call; an old kernel gets the stores.
///
/// passes
mod populates_for_writing {
    use super::*;

    pub fn freeze(draft: &Mapping) {
        if advise(draft.address(), draft.length(), libc::MADV_POPULATE_WRITE).is_err() {
            (0..draft.length()).step_by(page_size()).for_each(|at| touch(draft, at));
        }
    }
}

/// Exchanges a word of each page for itself until that succeeds, at the page's end, which may be past the draft's.
///
/// passes
mod exchanges_the_last_word {
    use super::*;

    pub fn freeze(draft: &Mapping) {
        for end in (0..whole_pages(draft.length())).step_by(page_size()).map(|at| at + page_size()) {
            let word = draft.long_word(end - 8);
            let mut old = word.load(Ordering::Relaxed);
            while let Err(now) = word.compare_exchange_weak(old, old, Ordering::AcqRel, Ordering::Relaxed) {
                old = now;
            }
        }
    }
}

/// Rewrites one byte of each page through /proc/self/mem, and panics in a process that can open no more descriptors.
///
/// breaks: "It works in a process that can open no more descriptors."
/// fails: freeze::every_page_of_every_draft_is_copied panicked
mod writes_its_own_memory_file {
    use super::*;

    pub fn freeze(draft: &Mapping) {
        let memory = File::options().read(true).write(true).open("/proc/self/mem").expect("/proc/self/mem");
        for at in draft.range().step_by(page_size()) {
            let (mut byte, at) = ([0], at as u64);
            memory.read_exact_at(&mut byte, at).expect("the draft is mapped");
            memory.write_all_at(&byte, at).expect("the draft is mapped for writing");
        }
    }
}

/// Stores to every byte, from the last one to the first: slow, but each page gets its copy.
///
/// passes
mod stores_to_each_byte_backwards {
    use super::*;

    pub fn freeze(draft: &Mapping) {
        (0..draft.length()).rev().for_each(|at| touch(draft, at));
    }
}

/// Inverts a byte of each page and inverts it back, so for a moment the draft shows another byte.
///
/// passes
mod inverts_there_and_back {
    use super::*;

    pub fn freeze(draft: &Mapping) {
        for at in (0..draft.length()).step_by(page_size()) {
            draft.store(at, !draft.load(at));
            draft.store(at, !draft.load(at));
        }
    }
}

/// Locks the draft in memory and unlocks it: mlock(2) copies the pages of a private writable mapping, but has a limit.
///
/// breaks: "It needs no privilege" (beyond RLIMIT_MEMLOCK nothing is frozen)
/// fails: freeze::every_page_of_every_draft_is_copied failed
mod locks_and_unlocks {
    use super::*;

    pub fn freeze(draft: &Mapping) {
        let start = std::ptr::with_exposed_provenance(draft.address());
        // SAFETY: locking changes no byte, and the range is the draft's.
        unsafe { libc::mlock(start, draft.length()) };
        // SAFETY: nor does unlocking.
        unsafe { libc::munlock(start, draft.length()) };
    }
}

/// Loads a byte of each page, in the belief that the first access makes the copy.
///
/// breaks: "it shows the bytes that it shows now, whoever writes to the file"
/// fails: freeze::the_draft_stands_still_whatever_is_written failed loading-copies
mod only_loads {
    use super::*;

    pub fn freeze(draft: &Mapping) {
        for at in (0..draft.length()).step_by(page_size()) {
            draft.load(at);
        }
    }
}

/// Counts whole pages only, so the last page stays the file's when the length is not a multiple of the page size.
///
/// breaks: "it shows the bytes that it shows now, whoever writes to the file"
/// fails: freeze::the_draft_stands_still_whatever_is_written failed
mod forgets_the_broken_last_page {
    use super::*;

    pub fn freeze(draft: &Mapping) {
        for n in 0..draft.length() / page_size() {
            touch(draft, n * page_size());
        }
    }
}

/// Stores to the first page only, as if the copy were one of the whole mapping.
///
/// breaks: "it shows the bytes that it shows now, whoever writes to the file"
/// fails: freeze::the_draft_stands_still_whatever_is_written failed
mod one_store_for_all {
    use super::*;

    pub fn freeze(draft: &Mapping) {
        touch(draft, 0);
    }
}

/// Steps by 64 KiB, the page size of some other machine.
///
/// breaks: "it shows the bytes that it shows now, whoever writes to the file"
/// fails: freeze::the_draft_stands_still_whatever_is_written failed
mod steps_by_64_kib {
    use super::*;

    pub fn freeze(draft: &Mapping) {
        for at in (0..draft.length()).step_by(64 << 10) {
            touch(draft, at);
        }
    }
}

/// Stores zeros, which is the byte that is there in a test file of zeros only.
///
/// breaks: "No byte of the draft changes"
/// fails: freeze::the_draft_stands_still_whatever_is_written failed
mod stores_zeros {
    use super::*;

    pub fn freeze(draft: &Mapping) {
        for at in (0..draft.length()).step_by(page_size()) {
            draft.store(at, 0);
        }
    }
}

/// Takes the protection PROT_WRITE away, which stops this process's stores and no one else's.
///
/// breaks: "it shows the bytes that it shows now, whoever writes to the file"
/// fails: freeze::the_draft_stands_still_whatever_is_written failed loading-copies
mod write_protects_the_draft {
    use super::*;

    pub fn freeze(draft: &Mapping) {
        let start = std::ptr::with_exposed_provenance_mut(draft.address());
        // SAFETY: the range is the draft's, and all its bytes stay readable.
        unsafe { libc::mprotect(start, draft.length(), libc::PROT_READ) };
    }
}

/// Makes all the copies, then forbids stores, though the draft is one for reading and writing.
///
/// breaks: "`draft` is a private mapping, for reading and writing"
/// fails: freeze::every_page_of_every_draft_is_copied killed
/// fails: freeze::it_is_still_a_draft_and_nothing_else_is_frozen killed
mod copies_then_forbids_stores {
    use super::*;

    pub fn freeze(draft: &Mapping) {
        (0..draft.length()).step_by(page_size()).for_each(|at| touch(draft, at));
        let start = std::ptr::with_exposed_provenance_mut(draft.address());
        // SAFETY: the range is the draft's, and all its bytes stay readable.
        unsafe { libc::mprotect(start, draft.length(), libc::PROT_READ) };
    }
}

/// Faults the pages in for reading: they are present then, and still the file's.
///
/// breaks: "it shows the bytes that it shows now, whoever writes to the file"
/// fails: freeze::the_draft_stands_still_whatever_is_written failed loading-copies
mod populates_for_reading {
    use super::*;

    pub fn freeze(draft: &Mapping) {
        let _ = advise(draft.address(), draft.length(), libc::MADV_POPULATE_READ);
    }
}

/// Reads all bytes into a buffer and leaves the buffer at that: a snapshot that nobody sees.
///
/// breaks: "it shows the bytes that it shows now, whoever writes to the file"
/// fails: freeze::the_draft_stands_still_whatever_is_written failed loading-copies
mod snapshots_into_a_buffer {
    use super::*;

    pub fn freeze(draft: &Mapping) {
        let mut snapshot = vec![0; draft.length()];
        draft.read(0, &mut snapshot);
        drop(snapshot);
    }
}

/// Puts anonymous memory with the same bytes in the draft's place, which then is no mapping of the file any more.
///
/// breaks: "`draft` is a private mapping, for reading and writing, of the first `draft.length()` bytes of a file" (a later discard shows zeros)
/// fails: freeze::every_page_of_every_draft_is_copied failed
/// fails: freeze::it_is_still_a_draft_and_nothing_else_is_frozen failed
mod replaces_it_by_anonymous_memory {
    use super::*;

    pub fn freeze(draft: &Mapping) {
        let mut bytes = vec![0; draft.range().len()];
        draft.read(0, &mut bytes);
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED;
        let start = std::ptr::with_exposed_provenance_mut(draft.address());
        // SAFETY: replaces exactly the draft's pages, and the bytes are put back below.
        unsafe { libc::mmap(start, bytes.len(), libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0) };
        draft.write(0, &bytes);
    }
}

/// Skips pages of zeros to save memory, on the theory that they are holes which nobody fills.
///
/// breaks: "it shows the bytes that it shows now, whoever writes to the file"
/// fails: freeze::every_page_of_every_draft_is_copied failed
mod skips_pages_of_zeros {
    use super::*;

    pub fn freeze(draft: &Mapping) {
        let mut page = vec![0; page_size()];
        for at in (0..draft.length()).step_by(page_size()) {
            draft.read(at, &mut page);
            if page.iter().any(|&byte| byte != 0) {
                touch(draft, at);
            }
        }
    }
}

/// Copies only the pages that are in the page cache, as if the others could not change.
///
/// breaks: "it shows the bytes that it shows now, whoever writes to the file"
/// fails: freeze::every_page_of_every_draft_is_copied failed
mod only_what_is_in_the_page_cache {
    use super::*;

    pub fn freeze(draft: &Mapping) {
        let cached = in_page_cache(draft.range()).unwrap_or_default();
        for n in (0..cached.len()).filter(|&n| cached[n]) {
            touch(draft, n * page_size());
        }
    }
}

/// Stores in a forked child, so that the copies are the child's and end with it.
///
/// breaks: "it shows the bytes that it shows now, whoever writes to the file"
/// fails: freeze::the_draft_stands_still_whatever_is_written failed loading-copies
mod stores_in_a_child {
    use super::*;

    pub fn freeze(draft: &Mapping) {
        let child = Child::fork(|_| {
            (0..draft.length()).step_by(page_size()).for_each(|at| touch(draft, at));
            Ok(())
        });
        let _ = child.and_then(|(child, _peer)| child.wait());
    }
}

/// Works once in a process: a static remembers that "the draft" is frozen, and a second draft isn't.
///
/// breaks: "Makes the draft stand still: from now on it shows the bytes that it shows now"
/// fails: freeze::every_page_of_every_draft_is_copied failed
mod freezes_once_in_a_process {
    use super::*;

    static FROZEN: AtomicBool = AtomicBool::new(false);

    pub fn freeze(draft: &Mapping) {
        if !FROZEN.swap(true, Ordering::Relaxed) {
            (0..draft.length()).step_by(page_size()).for_each(|at| touch(draft, at));
        }
    }
}

/// Looks at the first page: when that has been stored to, it takes the draft for frozen already.
///
/// breaks: "it shows the bytes that it shows now, whoever writes to the file"
/// fails: freeze::the_draft_stands_still_whatever_is_written failed
mod takes_one_copy_for_all {
    use super::*;

    pub fn freeze(draft: &Mapping) {
        let copied = crate::solution::copied_pages(draft).unwrap_or_default();
        if copied.first() != Some(&0) {
            (0..draft.length()).step_by(page_size()).for_each(|at| touch(draft, at));
        }
    }
}

/// Puts the file's bytes into the draft, page by page, from the path in /proc/self/maps: edits are lost.
///
/// breaks: "No byte of the draft changes: what was stored to it stays"
/// fails: freeze::every_page_of_every_draft_is_copied panicked
/// fails: freeze::neither_the_call_changes_the_file_nor_a_later_write_the_draft failed
mod copies_the_file_over_the_edits {
    use super::*;

    pub fn freeze(draft: &Mapping) {
        let name = mmap_workbook::observe::maps_of(draft.range()).expect("/proc").remove(0).name();
        let Ok(file) = File::open(&name) else { return stores(draft) };
        let mut bytes = vec![0; draft.length()];
        file.read_exact_at(&mut bytes, 0).expect("the file is at least that long");
        draft.write(0, &bytes);
    }

    fn stores(draft: &Mapping) {
        (0..draft.length()).step_by(page_size()).for_each(|at| touch(draft, at));
    }
}

/// Exchanges the first word of each page for itself, which is a store that loses no other store.
///
/// passes
mod exchange_a_word_for_itself {
    use super::*;

    pub fn freeze(draft: &Mapping) {
        (0..draft.length()).step_by(page_size()).for_each(|at| touch_again(draft, at));
    }
}

/// Asks the kernel to populate the range as if by stores, and falls back to stores of its own when it refuses.
///
/// passes
mod populates_for_writing_2 {
    use super::*;

    pub fn freeze(draft: &Mapping) {
        // SAFETY: it changes no byte, and the range is the draft's.
        let populated = unsafe { libc::madvise(start(draft).as_ptr(), draft.range().len(), libc::MADV_POPULATE_WRITE) };
        if populated != 0 {
            (0..draft.length()).step_by(page_size()).for_each(|at| touch_again(draft, at));
        }
    }
}

/// Goes backwards, by the last word of each page, and leaves out the pages of which it knows that they have a copy.
///
/// passes
mod backwards_without_the_copied {
    use super::*;

    pub fn freeze(draft: &Mapping) {
        let copied = copied_pages(draft).unwrap_or_default();
        let size = page_size();
        for page in (0..draft.range().len() / size).rev() {
            if copied.binary_search(&page).is_err() {
                touch_again(draft, (page + 1) * size - 4);
            }
        }
    }
}

/// Loads a byte of each page, which maps the file's page and copies none.
///
/// breaks: "from now on it shows the bytes that it shows now, whoever writes to the file, and by whatever means"
/// fails: freeze::the_draft_stands_still_whatever_is_written failed loading-copies
mod only_loads_2 {
    use super::*;

    pub fn freeze(draft: &Mapping) {
        for at in (0..draft.length()).step_by(page_size()) {
            draft.load(at);
        }
    }
}

/// Divides the length by the page size, rounding down, so that a last page that is not full stays the file's.
///
/// breaks: "from now on it shows the bytes that it shows now, whoever writes to the file, and by whatever means"
/// fails: freeze::the_draft_stands_still_whatever_is_written failed
mod rounds_pages_down {
    use super::*;

    pub fn freeze(draft: &Mapping) {
        for page in 0..draft.length() / page_size() {
            touch_again(draft, page * page_size());
        }
    }
}

/// Counts the pages as length / page size + 1, which is one too many when the length is a multiple: it panics then.
///
/// breaks: "Each function works at every call, in every process and for every draft"
/// fails: freeze::every_page_of_every_draft_is_copied panicked
/// fails: freeze::it_is_still_a_draft_and_nothing_else_is_frozen panicked
mod one_page_too_many {
    use super::*;

    pub fn freeze(draft: &Mapping) {
        for page in 0..=draft.length() / page_size() {
            touch_again(draft, page * page_size());
        }
    }
}

/// Copies the pages and then protects the draft against stores: the caller's next edit is a SIGSEGV.
///
/// breaks: "The draft still takes stores, and [`discard`] still makes it show the file"
/// fails: freeze::every_page_of_every_draft_is_copied killed
/// fails: freeze::it_is_still_a_draft_and_nothing_else_is_frozen killed
mod copies_then_protects {
    use super::*;

    pub fn freeze(draft: &Mapping) {
        (0..draft.length()).step_by(page_size()).for_each(|at| touch_again(draft, at));
        // SAFETY: the range is the draft's.
        let _ = unsafe { mprotect(start(draft), draft.range().len(), ProtFlags::PROT_READ) };
    }
}

/// Replaces the draft by anonymous memory with the same bytes, in which discard(draft) finds zeros, not the file.
///
/// breaks: "The draft still takes stores, and [`discard`] still makes it show the file"
/// fails: freeze::every_page_of_every_draft_is_copied failed
/// fails: freeze::it_is_still_a_draft_and_nothing_else_is_frozen failed
mod replaces_by_anonymous_memory {
    use super::*;

    pub fn freeze(draft: &Mapping) {
        let mut bytes = vec![0; draft.range().len()];
        draft.read(0, &mut bytes);
        let length = bytes.len().try_into().expect("a draft is not empty");
        let address = draft.address().try_into().ok();
        let flags = MapFlags::MAP_PRIVATE | MapFlags::MAP_FIXED;
        // SAFETY: the range is the draft's, and the new memory gets the same bytes.
        unsafe { mmap_anonymous(address, length, READ_WRITE, flags) }.expect("memory");
        draft.write(0, &bytes);
    }
}

/// Saves work on pages of zeros, which are holes with nothing to keep; another process can fill the hole later.
///
/// breaks: "from now on it shows the bytes that it shows now, whoever writes to the file, and by whatever means"
/// fails: freeze::every_page_of_every_draft_is_copied failed
mod leaves_out_pages_of_zeros {
    use super::*;

    pub fn freeze(draft: &Mapping) {
        let size = page_size();
        for at in (0..draft.length()).step_by(size) {
            if (at..at + size).any(|at| draft.load(at) != 0) {
                touch_again(draft, at);
            }
        }
    }
}

/// Copies only the pages that are in the page cache now, as if the draft did not show the others.
///
/// breaks: "from now on it shows the bytes that it shows now, whoever writes to the file, and by whatever means"
/// fails: freeze::every_page_of_every_draft_is_copied failed
mod only_pages_in_the_page_cache {
    use super::*;

    pub fn freeze(draft: &Mapping) {
        let resident = in_page_cache(draft.range()).unwrap_or_default();
        for (page, _) in resident.into_iter().enumerate().filter(|(_, resident)| *resident) {
            touch_again(draft, page * page_size());
        }
    }
}

/// Locks the draft in memory, which copies its pages, and unlocks it; beyond RLIMIT_MEMLOCK it does nothing.
///
/// breaks: "It needs no privilege"
/// fails: freeze::every_page_of_every_draft_is_copied failed
mod mlock_and_munlock {
    use super::*;

    pub fn freeze(draft: &Mapping) {
        // SAFETY: it changes no byte.
        let locked = unsafe { mlock(start(draft), draft.range().len()) };
        if locked.is_ok() {
            // SAFETY: as above.
            let _ = unsafe { munlock(start(draft), draft.range().len()) };
        }
    }
}

/// Populates by stores and locks the draft, so that nothing is ever dropped: discard fails with EINVAL afterwards.
///
/// breaks: "The draft still takes stores, and [`discard`] still makes it show the file"
/// fails: freeze::it_is_still_a_draft_and_nothing_else_is_frozen failed
mod leaves_it_locked {
    use super::*;

    pub fn freeze(draft: &Mapping) {
        (0..draft.length()).step_by(page_size()).for_each(|at| touch_again(draft, at));
        // SAFETY: it changes no byte.
        let _ = unsafe { mlock(start(draft), draft.range().len()) };
    }
}

/// Asks /proc which pages still have no copy, and panics in a process with no descriptor left for that.
///
/// breaks: "Each function works at every call, in every process and for every draft"
/// fails: freeze::every_page_of_every_draft_is_copied panicked
mod needs_a_descriptor {
    use super::*;

    pub fn freeze(draft: &Mapping) {
        let copied = copied_pages(draft).expect("/proc/self/pagemap can be read");
        let size = page_size();
        for page in (0..draft.range().len() / size).filter(|page| !copied.contains(page)) {
            touch_again(draft, page * size);
        }
    }
}

/// Remembers in a static that it has frozen, and does nothing at the second call, for another draft or after discard.
///
/// breaks: "Each function works at every call, in every process and for every draft"
/// fails: freeze::every_page_of_every_draft_is_copied failed
mod only_the_first_call {
    use super::*;

    static FROZEN: AtomicBool = AtomicBool::new(false);

    pub fn freeze(draft: &Mapping) {
        if !FROZEN.swap(true, Ordering::Relaxed) {
            (0..draft.length()).step_by(page_size()).for_each(|at| touch_again(draft, at));
        }
    }
}

/// Copies each page by storing a zero to its last byte, which only in the last page may be padding.
///
/// breaks: "When it returns, each byte of the draft's pages is what it was: what was stored to it stays."
/// fails: freeze::the_draft_stands_still_whatever_is_written failed
mod stores_a_zero_at_the_end {
    use super::*;

    pub fn freeze(draft: &Mapping) {
        let size = page_size();
        for page in 0..draft.range().len() / size {
            draft.store((page + 1) * size - 1, 0);
        }
    }
}

/// Tells the kernel that the whole draft will be needed, and takes that for a copy.
///
/// breaks: "from now on it shows the bytes that it shows now, whoever writes to the file, and by whatever means"
/// fails: freeze::the_draft_stands_still_whatever_is_written failed loading-copies
mod willneed {
    use super::*;

    pub fn freeze(draft: &Mapping) {
        // SAFETY: it changes no byte.
        let _ = unsafe { madvise(start(draft), draft.range().len(), MmapAdvise::MADV_WILLNEED) };
    }
}

/// Steps by 64 KiB, which was the size of a page where it was written, and leaves 15 of 16 small pages out.
///
/// breaks: "from now on it shows the bytes that it shows now, whoever writes to the file, and by whatever means"
/// fails: freeze::the_draft_stands_still_whatever_is_written failed
mod steps_of_64_kib {
    use super::*;

    pub fn freeze(draft: &Mapping) {
        (0..draft.length()).step_by(65536).for_each(|at| touch_again(draft, at));
    }
}

/// Reads each page to a buffer, then stores the whole page, so that not only one byte of it is stored.
///
/// passes
mod stores_whole_pages {
    use super::*;

    pub fn freeze(draft: &Mapping) {
        let mut bytes = vec![0; page_size()];
        for at in (0..draft.length()).step_by(page_size()) {
            touch(draft, at);
            draft.read(at, &mut bytes);
            draft.write(at, &bytes);
        }
    }
}

/// Counts bytes with 32 bits, and so freezes only a small part of a draft of more than 4 GiB.
///
/// breaks: "Each function works at every call, in every process and for every draft, even one of more than 4 GiB."
/// fails: freeze::every_page_of_every_draft_is_copied failed
mod counts_in_32_bits {
    use super::*;

    pub fn freeze(draft: &Mapping) {
        let length = draft.length() as u32;
        (0..length).step_by(page_size()).for_each(|at| touch(draft, at as usize));
    }
}

/// Remembers which drafts are frozen, and does nothing for a draft that was discarded and is frozen again.
///
/// breaks: "Each function works at every call"
/// fails: freeze::every_page_of_every_draft_is_copied failed
mod freezes_once {
    use super::*;

    static FROZEN: Mutex<Vec<usize>> = Mutex::new(Vec::new());

    pub fn freeze(draft: &Mapping) {
        let mut frozen = FROZEN.lock().unwrap();
        if !frozen.contains(&draft.address()) {
            frozen.push(draft.address());
            touch_all(draft);
        }
    }
}

/// Discards first, for a fresh snapshot, and so loses what was stored.
///
/// breaks: "what was stored to it stays"
/// fails: freeze::the_draft_stands_still_whatever_is_written failed
mod fresh_snapshot {
    use super::*;

    pub fn freeze(draft: &Mapping) {
        let _ = crate::solution::discard(draft);
        (0..draft.length()).step_by(page_size()).for_each(|at| touch(draft, at));
    }
}

/// Exchanges a word in the middle of each page for itself, in one atomic step, from the last page to the first.
///
/// passes
mod compare_exchanges_backwards {
    use super::*;

    pub fn freeze(draft: &Mapping) {
        let pages = whole_pages(draft.length()) / page_size();
        for page in (0..pages).rev() {
            let word = draft.word(page * page_size() + page_size() / 2);
            while word.fetch_update(Ordering::SeqCst, Ordering::SeqCst, Some).is_err() {}
        }
    }
}

/// Stops before the last page even where the length is a multiple of the page size.
///
/// breaks: "from now on it shows the bytes that it shows now, whoever writes to the file"
/// fails: freeze::the_draft_stands_still_whatever_is_written failed
mod one_page_too_few {
    use super::*;

    pub fn freeze(draft: &Mapping) {
        let last = (draft.length() - 1) / page_size();
        for page in 0..last.max(1) {
            touch(draft, page * page_size());
        }
    }
}

/// Stores to one byte in 2 MiB, as if each page were a huge one.
///
/// breaks: "from now on it shows the bytes that it shows now, whoever writes to the file"
/// fails: freeze::the_draft_stands_still_whatever_is_written failed
mod steps_by_huge_pages {
    use super::*;

    pub fn freeze(draft: &Mapping) {
        for at in (0..draft.length()).step_by(2 << 20) {
            touch(draft, at);
        }
    }
}

/// Saves a copy in a buffer, and stores back only the bytes that differ from it, which are none.
///
/// breaks: "from now on it shows the bytes that it shows now, whoever writes to the file"
/// fails: freeze::the_draft_stands_still_whatever_is_written failed loading-copies
mod stores_only_what_differs {
    use super::*;

    pub fn freeze(draft: &Mapping) {
        let mut frozen = vec![0; page_size()];
        for at in (0..draft.length()).step_by(page_size()) {
            draft.read(at, &mut frozen);
            for (n, &byte) in frozen.iter().enumerate() {
                if draft.load(at + n) != byte {
                    draft.store(at + n, byte);
                }
            }
        }
    }
}

/// Populates one page past the draft, so that a private mapping directly after it gets a copy too.
///
/// breaks: "touches no other mapping"
/// fails: freeze::it_is_still_a_draft_and_nothing_else_is_frozen failed
mod populates_a_page_too_many {
    use super::*;

    pub fn freeze(draft: &Mapping) {
        let length = (draft.length() / page_size() + 1) * page_size();
        // SAFETY: it only makes copies.
        unsafe { libc::madvise(start(draft).as_ptr(), length, libc::MADV_POPULATE_WRITE) };
        (0..draft.length()).step_by(page_size()).for_each(|at| touch(draft, at));
    }
}

/// Builds the frozen pages at another place and moves them over the draft with mremap(2).
///
/// breaks: "`discard` still makes it show the file"
/// fails: freeze::every_page_of_every_draft_is_copied failed
/// fails: freeze::it_is_still_a_draft_and_nothing_else_is_frozen failed
mod moves_copies_over_it {
    use super::*;

    pub fn freeze(draft: &Mapping) {
        let length = whole_pages(draft.length());
        let copy = Mapping::anonymous(length, READ_WRITE, Sharing::Private).expect("enough memory");
        for at in 0..length {
            copy.store(at, draft.load(at));
        }
        let flags = MRemapFlags::MREMAP_MAYMOVE | MRemapFlags::MREMAP_FIXED;
        // SAFETY: the pages take the draft's place, and are forgotten here.
        let moved = unsafe { nix::sys::mman::mremap(start(&copy), length, length, flags, Some(start(draft))) };
        moved.expect("enough memory");
        std::mem::forget(copy);
    }
}

/// Begins at the second page, since the first has surely been stored to.
///
/// breaks: "from now on it shows the bytes that it shows now, whoever writes to the file"
/// fails: freeze::the_draft_stands_still_whatever_is_written failed
mod trusts_that_the_first_is_copied {
    use super::*;

    pub fn freeze(draft: &Mapping) {
        let page = page_size();
        for at in (page..draft.length().max(page + 1).min(whole_pages(draft.length()))).step_by(page) {
            touch(draft, at);
        }
    }
}

/// Stores zeros past the draft's last byte in its last page, over the file's bytes and what was stored there.
///
/// breaks: "When it returns, each byte of the draft's pages is what it was: what was stored to it stays."
/// fails: freeze::it_is_still_a_draft_and_nothing_else_is_frozen failed
mod pads_the_last_page {
    use super::*;

    pub fn freeze(draft: &Mapping) {
        for at in (0..draft.length()).step_by(page_size()) {
            let mut page = vec![0; page_size()];
            let inside = page_size().min(draft.length() - at);
            draft.read(at, &mut page[..inside]);
            draft.write(at, &page);
        }
    }
}

/// Does nothing for a draft whose length is no i32.
///
/// breaks: "for every draft, even one of more than 4 GiB"
/// fails: freeze::every_page_of_every_draft_is_copied failed
mod gives_up_above_two_gib {
    use super::*;

    pub fn freeze(draft: &Mapping) {
        let Ok(length) = i32::try_from(draft.length()) else { return };
        for at in (0..length as usize).step_by(page_size()) {
            touch(draft, at);
        }
    }
}

/// Freezes no more than 4 MiB, so that a huge draft doesn't fill the memory.
///
/// breaks: "for every draft, even one of more than 4 GiB"
/// fails: freeze::every_page_of_every_draft_is_copied failed
mod at_most_four_mib {
    use super::*;

    pub fn freeze(draft: &Mapping) {
        (0..draft.length().min(4 << 20)).step_by(page_size()).for_each(|at| touch(draft, at));
    }
}

one_of! {
    pub fn freeze(draft: &Mapping);
    exits_when_done loading_is_enough nothing_to_do stores_a_zero stores_to_each_page populates_for_writing
    exchanges_the_last_word writes_its_own_memory_file stores_to_each_byte_backwards inverts_there_and_back
    locks_and_unlocks only_loads forgets_the_broken_last_page one_store_for_all steps_by_64_kib stores_zeros
    write_protects_the_draft copies_then_forbids_stores populates_for_reading snapshots_into_a_buffer
    replaces_it_by_anonymous_memory skips_pages_of_zeros only_what_is_in_the_page_cache stores_in_a_child
    freezes_once_in_a_process takes_one_copy_for_all copies_the_file_over_the_edits exchange_a_word_for_itself
    populates_for_writing_2 backwards_without_the_copied only_loads_2 rounds_pages_down one_page_too_many
    copies_then_protects replaces_by_anonymous_memory leaves_out_pages_of_zeros only_pages_in_the_page_cache
    mlock_and_munlock leaves_it_locked needs_a_descriptor only_the_first_call stores_a_zero_at_the_end willneed
    steps_of_64_kib stores_whole_pages counts_in_32_bits freezes_once fresh_snapshot compare_exchanges_backwards
    one_page_too_few steps_by_huge_pages stores_only_what_differs populates_a_page_too_many moves_copies_over_it
    trusts_that_the_first_is_copied pads_the_last_page gives_up_above_two_gib at_most_four_mib
}
