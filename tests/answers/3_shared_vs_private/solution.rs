//! # Exercise 3: an answer
//!
//! The kernel knows which pages of the draft are copies. So nothing here keeps a list of its own, which could be wrong.
//! `freeze` makes the copies, `copied_pages` finds them, `discard` drops them, and `commit` is the latter two with a
//! write in between.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::ptr::NonNull;

use mmap_workbook::lesson_2::Mapping;
use mmap_workbook::observe::{page_size, page_size_u64};
use mmap_workbook::process::{Child, Peer};
use nix::libc::c_void;
use nix::sys::mman::{MmapAdvise, madvise};

/// A store makes the copy, a load does not. One byte of each page is enough, and it is stored as it was loaded. If
/// another process changes that byte between the load and the store, the copy has the older value, in this byte only.
pub fn freeze(draft: &Mapping) {
    for at in (0..draft.length()).step_by(page_size()) {
        draft.store(at, draft.load(at));
    }
}

/// madvise(2), MADV_DONTNEED: the kernel drops the page table's entries, and with them the copies, which no other
/// mapping has. The next access brings the file's page. (In anonymous memory it brings zeros: this advice is an order.)
pub fn discard(draft: &Mapping) -> io::Result<()> {
    let addresses = draft.range();
    let start = NonNull::new(std::ptr::with_exposed_provenance_mut::<c_void>(addresses.start));
    let start = start.ok_or(io::ErrorKind::InvalidInput)?;
    // SAFETY: the pages are the draft's, which hands out no references to its bytes, so no code relies on their values.
    unsafe { madvise(start, addresses.len(), MmapAdvise::MADV_DONTNEED) }?;
    Ok(())
}

const PRESENT: u64 = 1 << 63;
const SWAPPED: u64 = 1 << 62;
const OF_A_FILE: u64 = 1 << 61;

/// The entries of the draft's pages are next to each other: one read returns them all. A copy is anonymous memory, so
/// it is not a page of a file; and it may be swapped out, which a file's page never is.
pub fn copied_pages(draft: &Mapping) -> io::Result<Vec<usize>> {
    let pages = draft.range().len() / page_size();
    let mut entries = vec![0; pages * 8];
    let first = u64::try_from(draft.address() / page_size()).map_err(io::Error::other)?;
    File::open("/proc/self/pagemap")?.read_exact_at(&mut entries, first * 8)?;
    let is_copy = |entry: u64| entry & (PRESENT | SWAPPED) != 0 && entry & OF_A_FILE == 0;
    let entries = entries.as_chunks::<8>().0.iter().map(|bytes| u64::from_ne_bytes(*bytes));
    Ok((0..).zip(entries).filter(|(_, entry)| is_copy(*entry)).map(|(page, _)| page).collect())
}

/// Everything is written before anything is dropped: after an error the draft still has its copies, and the next commit
/// writes them again. `write_all_at` goes on after a short write.
pub fn commit(draft: &Mapping, file: &File) -> io::Result<usize> {
    let pages = copied_pages(draft)?;
    let size = file.metadata()?.len();
    for &page in &pages {
        let at = page_size_u64() * u64::try_from(page).map_err(io::Error::other)?;
        let inside = size.saturating_sub(at).min(page_size_u64());
        // The last page is mapped whole, but the file may end inside it.
        let mut bytes = vec![0; usize::try_from(inside).map_err(io::Error::other)?];
        draft.read(page * page_size(), &mut bytes);
        file.write_all_at(&bytes, at)?;
    }
    discard(draft)?;
    Ok(pages.len())
}

/// fork(2) copies the page tables: both processes have the draft, and the stores of each make copies of its own. An
/// exit status has only 8 bits, and `exit(0)` sets it, too; so the answer goes through a socket.
pub fn what_if(draft: &Mapping, explore: impl FnOnce(&Mapping) -> u64) -> io::Result<u64> {
    let (child, peer) = Child::fork(|peer: &Peer| peer.send(&explore(draft).to_ne_bytes()))?;
    let answer = peer.receive();
    // Waited for in any case; a child that ended early has sent no answer.
    child.wait()?.success()?;
    answer?.try_into().map(u64::from_ne_bytes).map_err(|_| io::Error::other("an incomplete answer"))
}
