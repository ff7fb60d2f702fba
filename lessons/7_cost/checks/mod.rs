//! The checks of exercise 7. Each runs in a child: it calls the learner's function, and counts what it costs: the faults, the
//! pages that are mapped and resident, the bytes that are read.

use std::fs::{File, OpenOptions};
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::ptr::NonNull;

use mmap_workbook::grade::fixtures::{
    Difference, difference, equal, in_child, knows_the_basics, mapped_whole, no_difference, open_descriptors, pattern,
    refused, wide,
};
use mmap_workbook::grade::{
    Call, Failure, FileCall, FileId, On, ask, check, ensure, for_all, for_all_n, for_each, kind, no_refusals, refuse,
    watch,
};
use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use mmap_workbook::lesson_7::{Faults, Place, cached_pages, faults_of, make_cold, memory_of};
use mmap_workbook::misconception as belief;
use mmap_workbook::observe::{Area, in_page_cache, maps_of, page_size, page_size_u64, smaps_of};
use mmap_workbook::text;
use mmap_workbook::text::Text;
use nix::errno::Errno;
use nix::libc;
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::mman::{MmapAdvise, madvise};
use nix::sys::resource::{Resource, setrlimit};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use crate::exercise::{resident, scan, warm};

mod resident;

mod warm;

mod scan;

/// The pages of the files here.
const PAGES: usize = 6;

/// A file in memory with these pages; the others are holes.
fn file_with(pages: &[usize], length: usize) -> std::io::Result<File> {
    let file = File::from(memfd_create(c"exercise", MFdFlags::MFD_CLOEXEC)?);
    file.set_len(wide(length))?;
    for page in pages {
        file.write_all_at(&pattern(page_size()), wide(page * page_size()))?;
    }
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

/// The faults of loads from the pages of this range.
fn faults_of_loads(mapping: &Mapping, range: Range<usize>) -> std::io::Result<Faults> {
    let load = |mapping: &Mapping, range: Range<usize>| {
        faults_of(|| {
            for at in range.clone().step_by(page_size()).chain(range.last()) {
                let _ = mapping.load(at);
            }
            Ok(())
        })
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

/// A file none of whose pages is in the page cache; None where no directory for temporary files is on a disk.
fn cold_file() -> std::io::Result<Option<File>> {
    for directory in [std::env::temp_dir(), "/var/tmp".into()] {
        let Ok(file) = tempfile::tempfile_in(directory) else { continue };
        file.write_all_at(&pattern(PAGES * page_size()), 0)?;
        if make_cold(&file)? {
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
