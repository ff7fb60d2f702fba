//! The checks of exercise 7. Each runs in a child: it calls the learner's function, and counts what it costs: the faults, the
//! pages that are mapped and resident, the bytes that are read.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use mmap_workbook::grade::fixtures::{
    Difference, difference, equal, in_child, knows_the_basics, left_to_another, mapped_whole, no_difference, no_error,
    open_descriptors, pattern, refused, same_bytes, wide,
};
use mmap_workbook::grade::{
    Call, Failure, FileCall, FileId, On, ask, ask_decided, ask_refused, check, ensure, for_all, for_all_n, for_each,
    kind, no_refusals, refuse, watch, watch_each,
};
use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use mmap_workbook::lesson_7::{Faults, Order, Place, cached_pages, faults_of, make_cold, memory_of};
use mmap_workbook::misconception as belief;
use mmap_workbook::observe::{Area, in_page_cache, maps_of, page_size, page_size_u64, smaps_of};
use mmap_workbook::text;
use mmap_workbook::text::Text;
use nix::errno::Errno;
use nix::libc;
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::mman::{MmapAdvise, ProtFlags, madvise, mprotect};
use nix::sys::resource::{Resource, setrlimit};
use nix::unistd::Pid;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use crate::exercise::{Choice, choose, gather, resident, scan, warm};

mod resident;

mod warm;

mod scan;

mod gather;

mod choose;

/// The pages of the files here.
const PAGES: usize = 6;

/// A file in memory with these pages; the others are holes.
fn file_with(pages: &[usize], length: usize) -> std::io::Result<File> {
    let file = File::from(memfd_create(c"exercise", MFdFlags::MFD_CLOEXEC)?);
    for page in pages {
        file.write_all_at(&pattern(page_size()), wide(page * page_size()))?;
    }
    file.set_len(wide(length))?;
    Ok(file)
}

fn sharing() -> impl Strategy<Value = Sharing> {
    prop_oneof![Just(Sharing::Shared), Just(Sharing::Private)]
}

fn is(sharing: Sharing) -> Text {
    match sharing {
        Sharing::Shared => text!("shared", "共享"),
        Sharing::Private => text!("private", "私有"),
    }
}

/// Faults of loads, and the page at which the first was.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
struct FaultsAt {
    faults: Faults,
    first: Option<usize>,
}

impl FaultsAt {
    fn words(self) -> Text {
        let (Faults { minor, major }, first) = (self.faults, self.first);
        let faults = text!("{minor} minor and {major} major faults", "次缺页 {minor} 次，主缺页 {major} 次");
        match first {
            None => faults,
            Some(page) => text!(
                "{faults}, the first at page {page} of the mapping (from 0 on)",
                "{faults}，第一次在映射的第 {page} 页（从 0 数起）";
                faults
            ),
        }
    }
}

/// The faults of loads from the pages of this range.
fn faults_of_loads(mapping: &Mapping, range: Range<usize>) -> std::io::Result<FaultsAt> {
    let load = |mapping: &Mapping, range: Range<usize>| {
        let mut sum = FaultsAt::default();
        for at in range.clone().step_by(page_size()).chain(range.last()) {
            let Faults { minor, major } = faults_of(|| {
                let _ = mapping.load(at);
                Ok(())
            })?;
            sum.faults.minor += minor;
            sum.faults.major += major;
            if minor + major > 0 {
                sum.first.get_or_insert(at / page_size());
            }
        }
        std::io::Result::Ok(sum)
    };
    // A child's page table has no entries for the program's own code at first.
    load(&Mapping::anonymous(1, READ_WRITE, Sharing::Private)?, 0..1)?;
    load(mapping, range)
}

/// Takes the entry of a page away again.
fn forget(mapping: &Mapping, page: usize) -> std::io::Result<()> {
    let start = std::ptr::with_exposed_provenance_mut::<libc::c_void>(mapping.address() + page * page_size());
    let start = NonNull::new(start).ok_or(Errno::EFAULT)?;
    // SAFETY: a page of the mapping, to which no Rust reference is.
    Ok(unsafe { madvise(start, page_size(), MmapAdvise::MADV_DONTNEED) }?)
}

/// A file of this many pages, none of which is in the page cache; None where no directory for temporary files is on a disk.
fn cold_file(pages: usize) -> std::io::Result<Option<File>> {
    // A multiple of the pattern, which is written again and again.
    let block = pattern(251 << 8);
    for directory in [std::env::temp_dir(), "/var/tmp".into()] {
        let Ok(file) = tempfile::tempfile_in(directory) else { continue };
        for at in (0..pages * page_size()).step_by(block.len()) {
            file.write_all_at(&block[..block.len().min(pages * page_size() - at)], wide(at))?;
        }
        // Where a file can't be mapped, nobody says whether it is cold.
        if make_cold(&file).unwrap_or(false) {
            return Ok(Some(file));
        }
    }
    Ok(None)
}

/// Why what needs a cold file can't be checked.
fn not_cold() -> Failure {
    Failure::skipped(
        text!(
            "a file in the directory for temporary files does not leave the page cache",
            "放临时文件的目录里，文件不会离开页缓存"
        ),
        text!("check with TMPDIR on a disk", "把 TMPDIR 设为磁盘上的目录再检查"),
    )
}

/// The name of the files in memory whose mappings are counted.
const NAME: &str = "/memfd:counted";

/// An empty file in memory, whose mappings are counted.
fn memory_file() -> std::io::Result<File> {
    Ok(memfd_create(c"counted", MFdFlags::MFD_CLOEXEC)?.into())
}

/// A file in memory of this size, whose mappings are counted.
fn file_of(size: usize) -> std::io::Result<File> {
    let file = memory_file()?;
    file.write_all_at(&pattern(size), 0)?;
    Ok(file)
}

/// The file again, opened like this.
fn opened(file: &File, options: &OpenOptions) -> std::io::Result<File> {
    options.open(format!("/proc/self/fd/{}", file.as_raw_fd()))
}

/// Those of these areas of the process that show such a file.
fn areas_of_files(mut areas: Vec<Area>) -> Vec<Area> {
    areas.retain(|area| area.name().starts_with(NAME));
    areas
}

/// The bytes of such files that are mapped.
fn mapped() -> std::io::Result<usize> {
    Ok(areas_of_files(maps_of(0..usize::MAX)?).iter().map(|area| area.range().len()).sum())
}

/// The rule for what a function maps and opens.
fn gives_back() -> Text {
    text!(
        "munmap(2), close(2): what a function maps and opens stays until it gives it back, whichever way it returns.",
        "munmap(2)、close(2)：函数建立的映射、打开的描述符，都要由它自己解除、关闭，无论从哪条路返回。"
    )
}

/// Expects that no byte of the file is mapped, and that no more descriptors are open than before.
fn nothing_left(still_mapped: usize, [before, after]: [usize; 2]) -> Result<(), Failure> {
    ensure(still_mapped == 0 && before == after, || {
        Failure::new(
            text!(
                "afterwards 0 bytes of the file are mapped, and {before} descriptors are open",
                "之后文件的映射为 0 字节，打开的描述符有 {before} 个"
            ),
            text!("{still_mapped} bytes, {after} descriptors", "{still_mapped} 字节，{after} 个描述符"),
        )
        .breaks("2:mapping", gives_back())
    })
}

/// What is still mapped of a file after this call with a mapping of it, which is unmapped first, and the descriptors before the
/// call and after it.
fn left_by(call: impl FnOnce(&Mapping, &File), size: usize) -> std::io::Result<(usize, [usize; 2])> {
    let file = file_of(size)?;
    let mapping = mapped_whole(&file, Sharing::Shared)?;
    let before = open_descriptors()?;
    call(&mapping, &file);
    drop(mapping);
    Ok((mapped()?, [before, open_descriptors()?]))
}
