//! What a demonstration shows: the page size, /proc/self/maps and smaps, the number of faults, pages in the page cache.
//!
//! Each call reads it from the kernel; nothing is remembered but the page size.

use std::fmt;
use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use nix::errno::Errno;
use nix::libc;
use nix::sys::resource::{UsageWho, getrusage};
use nix::unistd::{SysconfVar, sysconf};
use procfs::FromRead;
use procfs::process::{MMapPath, MemoryMap, MemoryMaps, Process};

use crate::error::told;
use crate::text;

/// The size of a page in bytes (`_SC_PAGESIZE`, sysconf(3)): 4096 on most machines, 16384 or 65536 on others.
///
/// Safe in a signal handler: it takes no lock, allocates nothing and makes no system call, since the C library keeps
/// the number, too.
pub fn page_size() -> usize {
    // Kept: who loads a mapping byte by byte asks for each byte. 0 until the system was asked.
    static SIZE: AtomicUsize = AtomicUsize::new(0);
    let kept = SIZE.load(Ordering::Relaxed);
    if kept != 0 {
        return kept;
    }
    let size = sysconf(SysconfVar::PAGE_SIZE)
        .ok()
        .flatten()
        .and_then(|size| usize::try_from(size).ok())
        .expect("POSIX: sysconf(_SC_PAGESIZE) always has an answer");
    SIZE.store(size, Ordering::Relaxed);
    size
}

/// [`page_size`], for arithmetic with file offsets, which have 64 bits everywhere.
pub fn page_size_u64() -> u64 {
    u64::try_from(page_size()).expect("no machine has pages beyond 64 bits")
}

/// `length` in bytes, rounded up to whole pages: what mmap(2) really maps.
///
/// # Panics
/// If that does not fit in a `usize`.
#[track_caller]
pub fn whole_pages(length: usize) -> usize {
    length.checked_next_multiple_of(page_size()).expect("whole pages that fit in a usize")
}

/// One line of /proc/PID/maps: a range of addresses that the kernel treats alike (a virtual memory area).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Area(MemoryMap);

impl Area {
    /// The area of this line of /proc/PID/maps; None when the line is incomplete.
    pub(crate) fn of_line(line: &str) -> Option<Area> {
        MemoryMaps::from_read(line.as_bytes()).ok()?.into_iter().next().map(Area)
    }

    /// The addresses, from the first byte up to and without the end.
    pub fn range(&self) -> Range<usize> {
        let address = |a: u64| usize::try_from(a).expect("addresses of this machine fit in a usize");
        address(self.0.address.0)..address(self.0.address.1)
    }

    /// `rwxs`: readable, writable, executable; shared or, with a `p`, private. proc_pid_maps(5).
    pub fn permissions(&self) -> String {
        self.0.perms.as_str()
    }

    /// The offset in the file at which the area begins, in bytes.
    pub fn offset(&self) -> u64 {
        self.0.offset
    }

    /// The name of what is mapped, as the kernel prints it: followed by ` (deleted)` when the name is gone; empty for
    /// memory without a file.
    pub fn name(&self) -> String {
        match &self.0.pathname {
            MMapPath::Path(path) => path.display().to_string(),
            MMapPath::Other(name) => name.clone(),
            MMapPath::Anonymous => String::new(),
            special => format!("[{special:?}]").to_lowercase(),
        }
    }

    /// A field of smaps in KiB ("Rss", "Private_Dirty", ...; proc_pid_smaps(5)), where [`smaps_of`] has read the area.
    ///
    /// # Errors
    /// `NotFound` when this kernel has no such field, or [`maps_of`] has read the area.
    pub fn kib(&self, field: &str) -> io::Result<u64> {
        let bytes = self.0.extension.map.get(field).copied();
        let bytes = bytes.ok_or_else(|| {
            told(io::ErrorKind::NotFound, text!("smaps: no field {field}", "smaps：没有 {field} 这一项"))
        })?;
        Ok(bytes / 1024)
    }
}

/// The line as the kernel prints it.
impl fmt::Display for Area {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Range { start, end } = self.range();
        let (major, minor) = self.0.dev;
        write!(f, "{start:x}-{end:x} {} {:08x} ", self.permissions(), self.offset())?;
        write!(f, "{major:02x}:{minor:02x} {} {}", self.0.inode, self.name())
    }
}

/// The areas of /proc/self/maps that share a byte with `range`.
///
/// # Errors
/// When /proc cannot be read.
pub fn maps_of(range: Range<usize>) -> io::Result<Vec<Area>> {
    Ok(overlapping(Process::myself().and_then(|p| p.maps()).map_err(io::Error::other)?, &range))
}

/// [`maps_of`] with the fields of /proc/self/smaps.
///
/// # Errors
/// When /proc cannot be read.
pub fn smaps_of(range: Range<usize>) -> io::Result<Vec<Area>> {
    Ok(overlapping(Process::myself().and_then(|p| p.smaps()).map_err(io::Error::other)?, &range))
}

/// All areas of another process, from its /proc/PID/maps.
///
/// # Errors
/// When there is no such process, or this one has no permission to read its maps (ptrace(2)).
pub fn maps_of_process(pid: nix::unistd::Pid) -> io::Result<Vec<Area>> {
    let maps = Process::new(pid.as_raw()).and_then(|p| p.maps()).map_err(io::Error::other)?;
    Ok(maps.into_iter().map(Area).collect())
}

fn overlapping(maps: MemoryMaps, range: &Range<usize>) -> Vec<Area> {
    let areas = maps.into_iter().map(Area);
    areas.filter(|a| a.range().start < range.end && range.start < a.range().end).collect()
}

/// The number of faults of this process so far that needed no disk (`ru_minflt`, getrusage(2)).
///
/// # Errors
/// The error of getrusage(2).
pub fn minor_faults() -> io::Result<i64> {
    Ok(getrusage(UsageWho::RUSAGE_SELF)?.minor_page_faults())
}

/// For each page of `range`, whether it is in the page cache (mincore(2)), even if this process has not accessed it.
///
/// # Errors
/// EINVAL when `range` does not start at a page boundary; ENOMEM when part of it is not mapped.
pub fn in_page_cache(range: Range<usize>) -> io::Result<Vec<bool>> {
    let mut pages = vec![0_u8; range.len().div_ceil(page_size())];
    let start = std::ptr::without_provenance_mut(range.start);
    // SAFETY: mincore(2) reads no memory in the range, and writes a byte for each of its pages; `pages` has that
    // length.
    Errno::result(unsafe { libc::mincore(start, range.len(), pages.as_mut_ptr()) })?;
    Ok(pages.iter().map(|page| page & 1 == 1).collect())
}

/// The bytes as two hexadecimal digits each, then as text, with a dot for each that isn't printable ASCII:
/// `68 69 0a  |hi.|`.
pub fn hex(bytes: &[u8]) -> String {
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let text: String = bytes.iter().map(|&b| if (b' '..=b'~').contains(&b) { char::from(b) } else { '.' }).collect();
    format!("{}  |{text}|", digits.join(" "))
}
