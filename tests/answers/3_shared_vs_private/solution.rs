//! # Exercise 3: an answer
//!
//! The kernel keeps the draft: which pages are copies, and what is in them. So nothing here keeps a list of its own that could
//! be wrong. `freeze` makes the copies, `copied_pages` asks for them, `discard` drops them, and `commit` is the two of these
//! with a write in between.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::ptr::NonNull;

use mmap_workbook::lesson_2::Mapping;
use mmap_workbook::observe::{page_size, page_size_u64};
use mmap_workbook::process::{Child, Peer};
use nix::libc::c_void;
use nix::sys::mman::{MmapAdvise, madvise};

/// A store makes the copy, a load doesn't. One byte for each page is enough, and it is stored as it was loaded. The page as
/// it is read between the load and the store may get another value from somebody else; then the copy has the older one, in
/// this byte only.
pub fn freeze(draft: &Mapping) {
    for at in (0..draft.length()).step_by(page_size()) {
        draft.store(at, draft.load(at));
    }
}

/// madvise(2), MADV_DONTNEED: the page table's entries are dropped, and with them the copies, which nobody else has. The
/// next touch finds the file's page. (For anonymous memory the same advice gives zeros. It is an order more than an advice.)
pub fn discard(draft: &Mapping) -> io::Result<()> {
    let addresses = draft.range();
    let start = NonNull::new(std::ptr::with_exposed_provenance_mut::<c_void>(addresses.start));
    let start = start.ok_or(io::ErrorKind::InvalidInput)?;
    // SAFETY: the pages are the draft's, which hands out no references to its bytes, so nobody relies on what they are.
    unsafe { madvise(start, addresses.len(), MmapAdvise::MADV_DONTNEED) }?;
    Ok(())
}

const PRESENT: u64 = 1 << 63;
const SWAPPED: u64 = 1 << 62;
const OF_A_FILE: u64 = 1 << 61;

/// The entries of the draft's pages are next to each other: one read brings them all. A copy is anonymous memory, so it isn't
/// a page of a file any more; and it may have been swapped out, which the page of a file never is from a private mapping.
pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
    let pages = draft.range().len() / page_size();
    let mut entries = vec![0; pages * 8];
    let first = u64::try_from(draft.address() / page_size()).map_err(io::Error::other)?;
    File::open("/proc/self/pagemap")?.read_exact_at(&mut entries, first * 8)?;
    let is_copy = |entry: u64| entry & (PRESENT | SWAPPED) != 0 && entry & OF_A_FILE == 0;
    let entries = entries.as_chunks::<8>().0.iter().map(|bytes| u64::from_ne_bytes(*bytes));
    Ok((0..).zip(entries).filter(|(_, entry)| is_copy(*entry)).map(|(page, _)| page).collect())
}

/// All is written before anything is dropped: after an error the draft still has it, and the next commit writes it again. A
/// write that is cut short is taken up again by `write_all_at`.
pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
    let pages = copied_pages(draft)?;
    let size = file.metadata()?.len();
    for &page in &pages {
        let at = page_size_u64() * u64::try_from(page).map_err(io::Error::other)?;
        let inside = size.saturating_sub(at).min(page_size_u64());
        // What is mapped of the file's end is a whole page; what is in the file may be less.
        let mut bytes = vec![0; usize::try_from(inside).map_err(io::Error::other)?];
        draft.read(page * page_size(), &mut bytes);
        file.write_all_at(&bytes, at)?;
    }
    discard(draft)?;
    Ok(pages.len())
}

/// fork(2) copies the page tables: both processes have the draft, and each one's stores make copies of its own. An exit
/// status would carry 8 bits of the answer, and 0 would come from `exit(0)` as well; so the answer goes through a line.
pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
    let (child, line) = Child::fork(|line: &Peer| line.send(&explore(draft).to_ne_bytes()))?;
    let answer = line.receive();
    // Waited for in any case; a child that has not come to its end has given no answer.
    child.wait()?.success()?;
    answer?.try_into().map(u64::from_ne_bytes).map_err(|_| io::Error::other("half an answer"))
}

#[cfg(test)]
#[path = "../../../lessons/3_shared_vs_private/checks/mod.rs"]
mod checks;
