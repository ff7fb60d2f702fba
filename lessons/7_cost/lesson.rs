//! # Lesson 7: What it costs
//!
//! mmap(2) copies nothing, and so it looks free. It is paid for later, one page after the other, when each is touched:
//! by a fault. What does a fault cost, how many are there, and what can be done about them?
//!
//! The lesson counts first: faults are the same in each run, where times are not. [`count`] goes through a file in one of
//! many ways ([`Plan`]), and [`make_cold`] takes the file out of the page cache first.

use std::fs::File;
use std::io;
use std::path::Path;
use std::ptr::NonNull;

use nix::errno::Errno;
use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};
use nix::libc::c_void;
use nix::sys::mman::{MmapAdvise, ProtFlags, madvise};
use nix::sys::resource::{UsageWho, getrusage};

use crate::lesson_2::{Mapping, READ_WRITE, Sharing};
pub use crate::lesson_6::AccessKind;
use crate::narrate::Narrator;
use crate::observe::{in_page_cache, page_size};
use crate::text;
use crate::text::Text;

// ANCHOR: faults
/// Faults of this thread: accesses for which the processor found no entry in the page table that allows them, so that
/// the kernel had to make one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
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
pub fn faults_of(body: impl FnOnce() -> io::Result<()>) -> io::Result<Faults> {
    let before = getrusage(UsageWho::RUSAGE_THREAD)?;
    body()?;
    let after = getrusage(UsageWho::RUSAGE_THREAD)?;
    Ok(Faults {
        minor: after.minor_page_faults() - before.minor_page_faults(),
        major: after.major_page_faults() - before.major_page_faults(),
    })
}
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
pub fn touch(mapping: &Mapping, pages: &[usize], access: AccessKind) {
    for page in pages {
        match access {
            AccessKind::Load => drop(mapping.load(page * page_size())),
            AccessKind::Store => mapping.store(page * page_size(), b'c'),
        }
    }
}
// ANCHOR_END: pass

// ANCHOR: cold
/// Takes a file's pages out of the page cache, as far as anybody may who can write to it, and returns whether none is
/// left. fsync(2) comes first: a page that is not written yet stays.
///
/// No file system has to follow the advice. A file in memory (tmpfs, memfd) has its pages nowhere else, so they stay.
///
/// # Errors
/// Those of fsync(2), posix_fadvise(2), mmap(2) and mincore(2).
pub fn make_cold(file: &File) -> io::Result<bool> {
    file.sync_all()?;
    posix_fadvise(file, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED)?;
    Ok(!cached_pages(file)?.contains(&true))
}

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
/// Those of mmap(2) and madvise(2): EINVAL where this kernel doesn't know the advice.
pub fn count(file: &File, plan: Plan) -> io::Result<Cost> {
    let length = length_of(file)?;
    // First, since its own memory takes faults, too.
    let pages = plan.order.of(length.div_ceil(page_size()));
    let mut mapping = None;
    let before = faults_of(|| {
        let map = if plan.before == Before::Populate { Mapping::populated } else { whole };
        let new = map(file, length, READ_WRITE, plan.sharing)?;
        if let Before::Advise(advice) = plan.before {
            advise(&new, advice)?;
        }
        mapping = Some(new);
        Ok(())
    })?;
    let mapping = mapping.ok_or(Errno::EINVAL)?;
    let through = || {
        faults_of(|| {
            touch(&mapping, &pages, plan.access);
            Ok(())
        })
    };
    Ok(Cost { before, first: through()?, again: through()? })
}

fn whole(file: &File, length: usize, protection: ProtFlags, sharing: Sharing) -> Result<Mapping, Errno> {
    Mapping::of_file(file, 0, length, protection, sharing)
}

/// Gives advice for a whole mapping.
///
/// # Errors
/// Those of madvise(2).
pub fn advise(mapping: &Mapping, advice: MmapAdvise) -> Result<(), Errno> {
    let start =
        NonNull::new(std::ptr::with_exposed_provenance_mut::<c_void>(mapping.address())).ok_or(Errno::EFAULT)?;
    // SAFETY: the range is that of the mapping. Whatever happens to its pages, no Rust reference to plain bytes is into it.
    unsafe { madvise(start, mapping.length(), advice) }
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

/// The pages of the demonstration's file.
const PAGES: usize = 1024;

/// Counts on a file of its own, beside the one at `path`.
///
/// # Errors
/// When a file can't be written or mapped, or the output can't be written.
pub fn demonstrate(out: &mut Narrator, path: &Path) -> io::Result<()> {
    let directory = path.parent().unwrap_or(path);
    let file = tempfile::tempfile_in(directory)?;
    std::os::unix::fs::FileExt::write_all_at(&file, &vec![b'c'; PAGES * page_size()], 0)?;

    out.part(text!("The same loads, in the cache and on the disk", "同样的读取：页在缓存里，页在磁盘上"))?;
    out.tell(text!(
        "a file of {PAGES} pages is mapped, and one byte of each page is loaded, twice",
        "映射一个 {PAGES} 页的文件，每页读一个字节，读两遍"
    ))?;
    let simplest = count(&file, Plan::SIMPLEST)?;
    show(out, &text!("in the page cache", "在页缓存里"), Some(simplest.first))?;
    show(out, &text!("the second time", "第二遍"), Some(simplest.again))?;
    let random = Plan { before: Before::Advise(MmapAdvise::MADV_RANDOM), order: Order::Random, ..Plan::SIMPLEST };
    for (words, plan) in [
        (text!("cold, in order", "不在缓存里，顺序"), Plan::SIMPLEST),
        (text!("cold, MADV_RANDOM", "不在缓存里，MADV_RANDOM"), random),
    ] {
        let cold = if make_cold(&file)? { Some(count(&file, plan)?.first) } else { None };
        show(out, &words, cold)?;
    }
    out.tell(text!(
        "? where a file can't leave the cache, as on tmpfs",
        "文件离不开页缓存时（例如在 tmpfs 上）写作 ?"
    ))?;
    out.shows(text!(
        "a page costs a fault the first time. One fault can bring many pages, or one only, as advised.",
        "一页第一次被访问才有缺页。一次缺页可以带来许多页，也可以只带来一页，取决于给内核的建议。"
    ))?;

    out.part(text!("Paid in advance", "预先付清"))?;
    for (words, before) in
        [("MAP_POPULATE", Before::Populate), ("MADV_POPULATE_READ", Before::Advise(MmapAdvise::MADV_POPULATE_READ))]
    {
        let cost = match count(&file, Plan { before, ..Plan::SIMPLEST }) {
            Err(error) if error.raw_os_error() == Some(nix::libc::EINVAL) => None,
            cost => Some(cost?.first),
        };
        show(out, &text!("loads after {words}", "{words} 之后的读取"), cost)?;
    }
    out.tell(text!("? where the kernel does not know the advice", "内核不认识这种建议时写作 ?"))?;
    out.shows(text!("the kernel made all entries in one call.", "一次调用就建好了全部页表项。"))
}

/// Shows a count, or that there is none.
fn show(out: &mut Narrator, words: &Text, faults: Option<Faults>) -> io::Result<()> {
    let number =
        |of: fn(Faults) -> i64| out.varying("n", faults.map_or("?".to_owned(), |faults| of(faults).to_string()));
    let (minor, major) = (number(|faults| faults.minor), number(|faults| faults.major));
    out.evidence(words.clone(), text!("{minor} minor, {major} major faults", "次缺页 {minor} 次，主缺页 {major} 次"))
}
