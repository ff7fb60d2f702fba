use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::{AsRawFd, IntoRawFd};
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use memmap2::MmapOptions;
use mmap_workbook::lesson_2::{Mapping, Sharing};
use mmap_workbook::observe::{page_size, page_size_u64, whole_pages};
use nix::errno::Errno;
use nix::libc;
use nix::sys::mman::ProtFlags;

fn open(path: &Path) -> io::Result<File> {
    File::options().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path)
}

/// EISDIR and EINVAL for what is no regular file.
fn regular(file: &File) -> io::Result<u64> {
    let metadata = file.metadata()?;
    match metadata.file_type() {
        kind if kind.is_file() => Ok(metadata.len()),
        kind if kind.is_dir() => Err(Errno::EISDIR.into()),
        _ => Err(Errno::EINVAL.into()),
    }
}

fn sum(bytes: &[u8]) -> u64 {
    bytes.iter().map(|&byte| u64::from(byte)).sum()
}

fn sum_read(mut file: &File) -> io::Result<u64> {
    let mut buffer = vec![0; 1 << 16];
    let mut total = 0;
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(total),
            Ok(count) => total += sum(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn length(size: u64) -> Result<usize, Errno> {
    size.try_into().map_err(|_| Errno::ENOMEM)
}

fn map(file: &File, size: u64) -> Result<Mapping, Errno> {
    Mapping::of_file(file, 0, length(size)?, ProtFlags::PROT_READ, Sharing::Shared)
}

fn sum_mapped(mapping: &Mapping, length: usize) -> u64 {
    (0..length).map(|at| u64::from(mapping.load(at))).sum()
}

/// The right way for a file that is open already.
fn sum_of_file(file: &File) -> io::Result<u64> {
    let size = regular(file)?;
    if size == 0 {
        return sum_read(file);
    }
    match map(file, size) {
        Ok(mapping) => Ok(sum_mapped(&mapping, mapping.length())),
        Err(Errno::ENODEV) => sum_read(file),
        Err(error) => Err(error.into()),
    }
}

/// Opens for reading, without waiting for a writer of a FIFO or the holder of a lease.
fn open_again(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path)
}

/// The size of a regular file, and the contract's errors for anything else.
fn size_of_regular(file: &File) -> io::Result<u64> {
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(Errno::EISDIR.into());
    }
    if metadata.is_file() { Ok(metadata.len()) } else { Err(Errno::EINVAL.into()) }
}

/// The sum through read(2), up to the end.
fn read_all(mut file: &File) -> io::Result<u64> {
    let (mut sum, mut buffer) = (0, [0; 16 << 10]);
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(sum),
            Ok(n) => sum += add(&buffer[..n]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
            Err(error) => return Err(error),
        }
    }
}

fn add(bytes: &[u8]) -> u64 {
    bytes.iter().map(|&byte| u64::from(byte)).sum()
}

/// A mapping of all of the file for reading; `size` isn't 0.
fn map_again(file: &File, size: u64) -> Result<Mapping, Errno> {
    let length = usize::try_from(size).map_err(|_| Errno::ENOMEM)?;
    Mapping::of_file(file, 0, length, ProtFlags::PROT_READ, Sharing::Shared)
}

/// The sum of the first `size` bytes of the mapping.
fn add_mapped(mapping: &Mapping, size: usize) -> u64 {
    (0..size).map(|at| u64::from(mapping.load(at))).sum()
}

/// The right sum of an open regular file.
fn sum_open(file: &File, size: u64) -> io::Result<u64> {
    if size == 0 {
        return read_all(file);
    }
    match map_again(file, size) {
        Ok(mapping) => Ok(add_mapped(&mapping, mapping.length())),
        Err(Errno::ENODEV) => read_all(file),
        Err(errno) => Err(errno.into()),
    }
}

fn open_now(path: &Path) -> io::Result<File> {
    File::options().read(true).custom_flags(libc::O_NONBLOCK).open(path)
}

/// The size of a regular file, and the error of anything else.
fn size_of(file: &File) -> io::Result<u64> {
    let metadata = file.metadata()?;
    match (metadata.is_dir(), metadata.is_file()) {
        (true, _) => Err(Errno::EISDIR.into()),
        (_, false) => Err(Errno::EINVAL.into()),
        _ => Ok(metadata.len()),
    }
}

fn add_up(bytes: &[u8]) -> u64 {
    bytes.iter().map(|&byte| u64::from(byte)).sum()
}

fn read_rest(file: &File) -> io::Result<u64> {
    let (mut file, mut buffer, mut sum) = (file, vec![0; 1 << 16], 0);
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(sum),
            Ok(n) => sum += add_up(&buffer[..n]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn map_size(file: &File, size: u64) -> Result<Mapping, Errno> {
    Mapping::of_file(file, 0, size.try_into().map_err(|_| Errno::ENOMEM)?, ProtFlags::PROT_READ, Sharing::Shared)
}

fn mapped_sum(mapping: &Mapping, length: usize) -> u64 {
    (0..length).map(|at| u64::from(mapping.load(at))).sum()
}

/// Maps a file that has a size, and reads it when it has none or mmap(2) says ENODEV.
fn sum_of_open(file: &File) -> io::Result<u64> {
    match size_of(file)? {
        0 => read_rest(file),
        size => match map_size(file, size) {
            Ok(mapping) => Ok(mapped_sum(&mapping, mapping.length())),
            Err(Errno::ENODEV) => read_rest(file),
            Err(errno) => Err(errno.into()),
        },
    }
}

/// Trusts a size of 0, and returns 0 for the files of /proc.
///
/// fails: sum_of::reads_what_cannot_be_mapped failed size-tells-what-is-there
mod a_size_of_0_is_an_empty_file {
    use super::*;

    /// A short cut for empty files.
    ///
    /// # Errors
    /// Those of the right one.
    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let metadata = std::fs::metadata(path)?;
        if metadata.is_file() && metadata.len() == 0 {
            return Ok(0);
        }
        crate::solution::sum_of(path)
    }
}

/// Maps as many bytes as the size says, even 0.
///
/// fails: sum_of::adds_up_every_byte failed
/// fails: sum_of::reads_what_cannot_be_mapped failed size-tells-what-is-there
/// fails: sum_of::waits_for_no_lease failed
mod maps_an_empty_file {
    use super::*;

    /// No check of the size before mmap(2), and no other way when it fails.
    ///
    /// # Errors
    /// EINVAL for an empty file.
    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let metadata = std::fs::metadata(path)?;
        if !metadata.is_file() {
            return Err(if metadata.is_dir() { Errno::EISDIR } else { Errno::EINVAL }.into());
        }
        let file = File::open(path)?;
        let size = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
        let mapping = Mapping::of_file(&file, 0, size, ProtFlags::PROT_READ, Sharing::Shared)?;
        Ok((0..size).map(|at| u64::from(mapping.load(at))).sum())
    }
}

/// Does not unmap, since the descriptor is closed.
///
/// fails: sum_of::adds_up_every_byte failed
/// fails: sum_of::leaves_out_what_is_past_the_end failed
/// fails: sum_of::maps_what_can_be_mapped failed
/// fails: sum_of::refuses_all_but_regular_files_and_never_waits failed
/// fails: sum_of::waits_for_no_lease failed
mod never_unmaps {
    use super::*;

    /// The file is closed, so nothing is left of it.
    ///
    /// # Errors
    /// Those of the right one.
    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let metadata = std::fs::metadata(path)?;
        let size = usize::try_from(metadata.len()).map_err(io::Error::other)?;
        if !metadata.is_file() || size == 0 {
            return crate::solution::sum_of(path);
        }
        match Mapping::of_file(File::open(path)?, 0, size, ProtFlags::PROT_READ, Sharing::Shared) {
            Ok(mapping) => {
                let sum = (0..size).map(|at| u64::from(mapping.load(at))).sum();
                std::mem::forget(mapping);
                Ok(sum)
            }
            Err(_) => crate::solution::sum_of(path),
        }
    }
}

/// Opens the file for reading and writing, as the study notes do, only to read it.
///
/// fails: sum_of::maps_what_can_be_mapped failed
/// fails: sum_of::reads_what_cannot_be_mapped failed
/// fails: sum_of::waits_for_no_lease failed
mod opens_for_writing {
    use super::*;

    /// O_RDWR always worked.
    ///
    /// # Errors
    /// EACCES for a file that may only be read.
    pub fn sum_of(path: &Path) -> io::Result<u64> {
        if std::fs::metadata(path)?.is_file() {
            drop(File::options().read(true).write(true).open(path)?);
        }
        crate::solution::sum_of(path)
    }
}

/// Where it can't map, reads as many bytes as the size says.
///
/// fails: sum_of::reads_what_cannot_be_mapped failed size-tells-what-is-there
/// fails: sum_of::waits_for_no_lease failed
mod reads_as_much_as_the_size_says {
    use super::*;

    /// The size says how much to read.
    ///
    /// # Errors
    /// `UnexpectedEof` for a file of /sys.
    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let metadata = std::fs::metadata(path)?;
        let size = usize::try_from(metadata.len()).map_err(io::Error::other)?;
        if !metadata.is_file() || size == 0 {
            return crate::solution::sum_of(path);
        }
        let mut file = File::open(path)?;
        match Mapping::of_file(&file, 0, size, ProtFlags::PROT_READ, Sharing::Shared) {
            Ok(mapping) => Ok((0..size).map(|at| u64::from(mapping.load(at))).sum()),
            Err(Errno::ENODEV) => {
                let mut bytes = vec![0; size];
                file.read_exact(&mut bytes)?;
                Ok(bytes.into_iter().map(u64::from).sum())
            }
            Err(errno) => Err(errno.into()),
        }
    }
}

/// Maps nothing: reads the file with read(2).
///
/// fails: sum_of::maps_what_can_be_mapped failed
/// fails: sum_of::maps_a_large_file_in_parts_or_passes_enomem_on failed
/// fails: sum_of::waits_for_no_lease failed
mod reads_instead_of_mapping {
    use super::*;

    /// read(2) can do it all, and there is no bus error.
    ///
    /// # Errors
    /// Those of the right one.
    pub fn sum_of(path: &Path) -> io::Result<u64> {
        if !std::fs::metadata(path)?.is_file() {
            return crate::solution::sum_of(path);
        }
        Ok(std::fs::read(path)?.into_iter().map(u64::from).sum())
    }
}

/// Adds up whole pages, since what is past the end of the file is zero anyway.
///
/// fails: sum_of::leaves_out_what_is_past_the_end failed rest-of-the-page-is-always-zero
/// fails: sum_of::waits_for_no_lease failed
mod sums_the_whole_last_page {
    use super::*;

    /// Zeros do no harm to a sum.
    ///
    /// # Errors
    /// Those of the right one.
    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let metadata = std::fs::metadata(path)?;
        let size = usize::try_from(metadata.len()).map_err(io::Error::other)?;
        if !metadata.is_file() || size == 0 {
            return crate::solution::sum_of(path);
        }
        match Mapping::of_file(File::open(path)?, 0, size, ProtFlags::PROT_READ, Sharing::Shared) {
            Ok(mapping) => Ok((0..mapping.range().len()).map(|at| u64::from(mapping.load(at))).sum()),
            Err(_) => crate::solution::sum_of(path),
        }
    }
}

/// Opens first and asks later: open(2) of a FIFO waits for a writer.
///
/// fails: sum_of::refuses_all_but_regular_files_and_never_waits timed_out open-never-waits
/// fails: sum_of::waits_for_no_lease failed
mod waits_at_a_fifo {
    use super::*;

    /// The kind of the file is asked of the open file, which is right, but open(2) has to come back for that.
    ///
    /// # Errors
    /// Those of the right one.
    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let file = File::open(path)?;
        if !file.metadata()?.is_file() && !file.metadata()?.is_dir() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        crate::solution::sum_of(path)
    }
}

/// Opens without waiting, looks at the type through the descriptor, and maps what has a size.
///
/// passes
mod opens_then_looks {
    use super::*;

    pub fn sum_of(path: &Path) -> io::Result<u64> {
        sum_of_file(&open(path)?)
    }
}

/// Opens with O_PATH, which opens neither FIFOs nor devices, and opens the file itself through /proc/self/fd.
///
/// passes
mod through_o_path {
    use super::*;

    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let place = File::options().read(true).custom_flags(libc::O_PATH).open(path)?;
        regular(&place)?;
        sum_of_file(&open(&PathBuf::from(format!("/proc/self/fd/{}", place.as_raw_fd())))?)
    }
}

/// Maps 64 pages at a time with memmap2, privately, so that a file may be larger than the free addresses.
///
/// passes
mod in_private_windows {
    use super::*;

    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let file = open(path)?;
        let (size, window) = (regular(&file)?, 64 * page_size() as u64);
        let mut total = 0;
        for offset in (0..size).step_by(64 * page_size()) {
            let here = usize::try_from(window.min(size - offset)).unwrap_or(usize::MAX);
            // SAFETY: no process truncates the file, says the contract, and nothing else refers to this map.
            match unsafe { MmapOptions::new().offset(offset).len(here).map_copy_read_only(&file) } {
                Ok(map) => total += sum(&map),
                Err(error) if error.raw_os_error() == Some(libc::ENODEV) => return sum_read(&file),
                Err(error) => return Err(error),
            }
        }
        if size == 0 { sum_read(&file) } else { Ok(total) }
    }
}

/// Closes the file before it sums, and lets the kernel fetch all pages with the call of mmap(2) (MAP_POPULATE).
///
/// passes
mod populated_and_closed {
    use super::*;

    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let file = open(path)?;
        let size = regular(&file)?;
        if size == 0 {
            return sum_read(&file);
        }
        // SAFETY: no process truncates the file, says the contract.
        match unsafe { MmapOptions::new().len(length(size)?).populate().map(&file) } {
            Ok(map) => {
                drop(file);
                Ok(sum(&map))
            }
            Err(error) if error.raw_os_error() == Some(libc::ENODEV) => sum_read(&file),
            Err(error) => Err(error),
        }
    }
}

/// Asks for the type by name, then opens as usual: that waits for a lease, and for a FIFO that is put there in between.
///
/// breaks: "The call never waits for another process, whatever is at `path` and whoever has a lease on it."
/// fails: sum_of::waits_for_no_lease failed
mod waits_for_a_lease {
    use super::*;

    pub fn sum_of(path: &Path) -> io::Result<u64> {
        match std::fs::metadata(path)?.file_type() {
            kind if kind.is_dir() => Err(Errno::EISDIR.into()),
            kind if !kind.is_file() => Err(Errno::EINVAL.into()),
            _ => sum_of_file(&File::open(path)?),
        }
    }
}

/// Reads every file, which always works.
///
/// breaks: "No byte of a file that can be mapped goes through read(2) or another call that copies."
/// fails: sum_of::maps_what_can_be_mapped failed
/// fails: sum_of::maps_a_large_file_in_parts_or_passes_enomem_on failed
mod reads_everything {
    use super::*;

    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let file = open(path)?;
        regular(&file)?;
        sum_read(&file)
    }
}

/// Reads a file of less than a page, for which a mapping costs more.
///
/// breaks: "No byte of a file that can be mapped goes through read(2) or another call that copies."
/// fails: sum_of::maps_what_can_be_mapped failed
mod reads_small_files {
    use super::*;

    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let file = open(path)?;
        if regular(&file)? < page_size() as u64 { sum_read(&file) } else { sum_of_file(&file) }
    }
}

/// Copies the file into a memory file in the kernel and maps that one, which works for /proc and /sys, too.
///
/// breaks: "A file that can be mapped is mapped"
/// fails: sum_of::maps_what_can_be_mapped failed
/// fails: sum_of::maps_a_large_file_in_parts_or_passes_enomem_on timed_out
mod maps_a_copy {
    use super::*;
    use nix::sys::memfd::{MFdFlags, memfd_create};

    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let mut file = open(path)?;
        regular(&file)?;
        let mut copy = File::from(memfd_create(c"copy", MFdFlags::MFD_CLOEXEC)?);
        let size = io::copy(&mut file, &mut copy)?;
        if size == 0 {
            return Ok(0);
        }
        let mapping = map(&copy, size)?;
        Ok(sum_mapped(&mapping, mapping.length()))
    }
}

/// Believes a size of 0.
///
/// breaks: "Most files of /proc have contents although their size is 0: they are read to the end."
/// fails: sum_of::reads_what_cannot_be_mapped failed size-tells-what-is-there
mod believes_in_empty_files {
    use super::*;

    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let file = open(path)?;
        if regular(&file)? == 0 { Ok(0) } else { sum_of_file(&file) }
    }
}

/// One read(2) of a generous buffer is enough for a file of /proc, it thinks; the kernel returns at most a few pages.
///
/// breaks: "Most files of /proc have contents although their size is 0: they are read to the end."
/// fails: sum_of::reads_what_cannot_be_mapped failed
mod one_read_of_proc {
    use super::*;

    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let mut file = open(path)?;
        if regular(&file)? > 0 {
            return sum_of_file(&file);
        }
        let mut buffer = vec![0; 1 << 20];
        let count = file.read(&mut buffer)?;
        Ok(sum(&buffer[..count]))
    }
}

/// Asks for the size by seeking to the end, as tutorials do; most files of /proc refuse that with EINVAL.
///
/// breaks: "Most files of /proc have contents although their size is 0: they are read to the end."
/// fails: sum_of::reads_what_cannot_be_mapped failed size-tells-what-is-there
mod seeks_to_the_end {
    use super::*;

    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let mut file = open(path)?;
        regular(&file)?;
        let size = file.seek(SeekFrom::End(0))?;
        file.rewind()?;
        if size == 0 { sum_read(&file) } else { sum_of_file(&file) }
    }
}

/// Knows by the path which files can't be mapped; a link, a relative path or another mount point fools it.
///
/// breaks: "Most files of /sys can't be mapped (ENODEV): they are read to the end, whatever their size."
/// fails: sum_of::maps_what_can_be_mapped failed
/// fails: sum_of::reads_what_cannot_be_mapped failed size-tells-what-is-there
mod goes_by_the_path {
    use super::*;

    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let file = open(path)?;
        let size = regular(&file)?;
        if path.starts_with("/proc") || path.starts_with("/sys") {
            return sum_read(&file);
        }
        if size == 0 {
            return Ok(0);
        }
        let mapping = map(&file, size)?;
        Ok(sum_mapped(&mapping, mapping.length()))
    }
}

/// Reads as many bytes as the size of the file of /sys says, which it hardly ever has.
///
/// breaks: "they are read to the end, whatever their size"
/// fails: sum_of::reads_what_cannot_be_mapped failed size-tells-what-is-there
mod reads_exactly_the_size {
    use super::*;

    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let file = open(path)?;
        let size = regular(&file)?;
        if size == 0 {
            return sum_read(&file);
        }
        match map(&file, size) {
            Ok(mapping) => Ok(sum_mapped(&mapping, mapping.length())),
            Err(Errno::ENODEV) => {
                let mut bytes = vec![0; length(size)?];
                file.read_exact_at(&mut bytes, 0)?;
                Ok(sum(&bytes))
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Reads whenever mmap(2) fails, for whatever reason: a file too large for the address space is read for years.
///
/// breaks: "Other errors of open(2), mmap(2) and read(2), unchanged: ENOENT, ENXIO for a socket, ENOMEM for a large file."
/// fails: sum_of::maps_a_large_file_in_parts_or_passes_enomem_on failed
mod reads_after_any_error {
    use super::*;

    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let file = open(path)?;
        match map(&file, regular(&file)?) {
            Ok(mapping) => Ok(sum_mapped(&mapping, mapping.length())),
            Err(_) => sum_read(&file),
        }
    }
}

/// Adds up all mapped bytes, and with them what another process has stored in the rest of the last page.
///
/// breaks: "Only the bytes of the file count, even if its last page holds something past the end."
/// fails: sum_of::leaves_out_what_is_past_the_end failed rest-of-the-page-is-always-zero
mod sums_whole_pages {
    use super::*;

    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let file = open(path)?;
        let size = regular(&file)?;
        match map(&file, size) {
            Ok(mapping) => Ok(sum_mapped(&mapping, whole_pages(mapping.length()))),
            Err(_) if size == 0 => sum_read(&file),
            Err(Errno::ENODEV) => sum_read(&file),
            Err(error) => Err(error.into()),
        }
    }
}

/// Takes bytes for signed, like a C programmer's char.
///
/// breaks: "each taken as a number from 0 to 255"
/// fails: sum_of::adds_up_every_byte failed
/// fails: sum_of::leaves_out_what_is_past_the_end failed
/// fails: sum_of::maps_what_can_be_mapped failed
mod signed_bytes {
    use super::*;

    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let file = open(path)?;
        let size = regular(&file)?;
        match if size == 0 { Err(Errno::ENODEV) } else { map(&file, size) } {
            Ok(mapping) => Ok((0..mapping.length())
                .map(|at| i64::from(mapping.load(at).cast_signed()))
                .sum::<i64>()
                .cast_unsigned()),
            Err(Errno::ENODEV) => sum_read(&file),
            Err(error) => Err(error.into()),
        }
    }
}

/// Adds up eight bytes at a time, and forgets the last few of a size that is not a multiple of 8.
///
/// breaks: "Returns the sum of all bytes of the file at `path`"
/// fails: sum_of::adds_up_every_byte failed
/// fails: sum_of::leaves_out_what_is_past_the_end failed
/// fails: sum_of::maps_what_can_be_mapped failed
/// fails: sum_of::refuses_all_but_regular_files_and_never_waits failed
/// fails: sum_of::waits_for_no_lease failed
mod forgets_the_last_bytes {
    use super::*;

    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let file = open(path)?;
        let size = regular(&file)?;
        match if size == 0 { Err(Errno::ENODEV) } else { map(&file, size) } {
            Ok(mapping) => {
                let words = (0..mapping.length() / 8).map(|word| mapping.long_word(8 * word));
                Ok(words.map(|word| sum(&word.load(std::sync::atomic::Ordering::Relaxed).to_ne_bytes())).sum())
            }
            Err(Errno::ENODEV) => sum_read(&file),
            Err(error) => Err(error.into()),
        }
    }
}

/// Opens for reading and writing, as the mappings of the lesson need it.
///
/// breaks: "The file is opened for reading only."
/// fails: sum_of::maps_what_can_be_mapped failed
/// fails: sum_of::reads_what_cannot_be_mapped failed
mod opens_for_writing_2 {
    use super::*;

    pub fn sum_of(path: &Path) -> io::Result<u64> {
        if std::fs::metadata(path)?.is_dir() {
            return Err(Errno::EISDIR.into());
        }
        sum_of_file(&File::options().read(true).write(true).custom_flags(libc::O_NONBLOCK).open(path)?)
    }
}

/// Leaves the descriptor open when it finds that it is no regular file.
///
/// breaks: "When it returns, even with an error, it has unmapped and closed everything."
/// fails: sum_of::refuses_all_but_regular_files_and_never_waits failed
mod leaks_after_a_directory {
    use super::*;

    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let fd = open(path)?.into_raw_fd();
        let file = std::mem::ManuallyDrop::new({
            // SAFETY: the descriptor was opened just now, and is used nowhere else.
            unsafe { <File as std::os::fd::FromRawFd>::from_raw_fd(fd) }
        });
        regular(&file)?;
        let result = sum_of_file(&file);
        drop(std::mem::ManuallyDrop::into_inner(file));
        result
    }
}

/// Leaks the mapping to get bytes that live for ever.
///
/// breaks: "When it returns, even with an error, it has unmapped and closed everything."
/// fails: sum_of::adds_up_every_byte failed
/// fails: sum_of::leaves_out_what_is_past_the_end failed
/// fails: sum_of::maps_what_can_be_mapped failed
/// fails: sum_of::refuses_all_but_regular_files_and_never_waits failed
/// fails: sum_of::waits_for_no_lease failed
mod leaks_the_mapping {
    use super::*;

    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let file = open(path)?;
        let size = regular(&file)?;
        match if size == 0 { Err(Errno::ENODEV) } else { map(&file, size) } {
            Ok(mapping) => {
                let mapping: &'static Mapping = Box::leak(Box::new(mapping));
                Ok(sum_mapped(mapping, mapping.length()))
            }
            Err(Errno::ENODEV) => sum_read(&file),
            Err(error) => Err(error.into()),
        }
    }
}

/// One errno for everything that is no regular file.
///
/// breaks: "`IsADirectory` or EISDIR for a directory."
/// fails: sum_of::refuses_all_but_regular_files_and_never_waits failed
mod einval_for_directories {
    use super::*;

    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let file = open(path)?;
        if !file.metadata()?.is_file() {
            return Err(Errno::EINVAL.into());
        }
        sum_of_file(&file)
    }
}

/// Asks only whether it is a directory: FIFOs and devices are read, and /dev/null has the sum 0.
///
/// breaks: "`InvalidInput` or EINVAL for a FIFO or a device; nothing is read from it."
/// fails: sum_of::refuses_all_but_regular_files_and_never_waits failed
mod reads_devices {
    use super::*;

    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let file = open(path)?;
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(Errno::EISDIR.into());
        }
        if metadata.is_file() { sum_of_file(&file) } else { sum_read(&file) }
    }
}

/// Asks for block and character devices and forgets FIFOs, whose bytes it takes.
///
/// breaks: "`InvalidInput` or EINVAL for a FIFO or a device; nothing is read from it."
/// fails: sum_of::refuses_all_but_regular_files_and_never_waits failed
mod empties_a_fifo {
    use super::*;

    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let file = open(path)?;
        let kind = file.metadata()?.file_type();
        if kind.is_block_device() || kind.is_char_device() {
            return Err(Errno::EINVAL.into());
        }
        if kind.is_fifo() { sum_read(&file) } else { sum_of_file(&file) }
    }
}

/// Wraps each error in a helpful text, and the errno is gone.
///
/// breaks: "Other errors of open(2), mmap(2) and read(2), unchanged: ENOENT, ENXIO for a socket, ENOMEM for a large file."
/// fails: sum_of::refuses_all_but_regular_files_and_never_waits failed
/// fails: sum_of::waits_for_no_lease failed
mod explains_errors {
    use super::*;

    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let file = open(path).map_err(|error| io::Error::other(format!("can't open {}: {error}", path.display())))?;
        sum_of_file(&file)
    }
}

/// Refuses to follow a symbolic link, for safety.
///
/// breaks: "Returns the sum of all bytes of the file at `path`"
/// fails: sum_of::adds_up_every_byte failed
/// fails: sum_of::leaves_out_what_is_past_the_end failed
/// fails: sum_of::maps_what_can_be_mapped failed
/// fails: sum_of::reads_what_cannot_be_mapped failed
mod refuses_links {
    use super::*;

    pub fn sum_of(path: &Path) -> io::Result<u64> {
        sum_of_file(&File::options().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOFOLLOW).open(path)?)
    }
}

/// Casts the size to 32 bits on its way to the length: past 4 GiB only the excess is summed.
///
/// breaks: "Returns the sum of all bytes of the file at `path`"
/// fails: sum_of::maps_a_large_file_in_parts_or_passes_enomem_on failed int-holds-a-size
mod size_in_32_bits {
    use super::*;

    #[expect(clippy::cast_possible_truncation, reason = "it is the mistake")]
    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let file = open(path)?;
        let size = regular(&file)? as u32;
        match if size == 0 { Err(Errno::ENODEV) } else { map(&file, u64::from(size)) } {
            Ok(mapping) => Ok(sum_mapped(&mapping, mapping.length())),
            Err(Errno::ENODEV) => sum_read(&file),
            Err(error) => Err(error.into()),
        }
    }
}

/// Opens with O_NONBLOCK and asks the open file what it is.
///
/// passes
mod opens_then_looks_2 {
    use super::*;

    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let file = open_again(path)?;
        sum_open(&file, size_of_regular(&file)?)
    }
}

/// Maps with memmap2, privately, and closes the file before it adds.
///
/// passes
mod private_with_memmap2 {
    use super::*;

    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let file = open_again(path)?;
        let size = size_of_regular(&file)?;
        if size == 0 {
            return read_all(&file);
        }
        let length = usize::try_from(size).map_err(|_| Errno::ENOMEM)?;
        // SAFETY: no process truncates the file meanwhile, and a byte that changes is read once.
        match unsafe { MmapOptions::new().len(length).map_copy_read_only(&file) } {
            Ok(map) => {
                drop(file);
                Ok(add(&map))
            }
            Err(error) if error.raw_os_error() == Some(libc::ENODEV) => read_all(&file),
            Err(error) => Err(error),
        }
    }
}

/// Reads a byte at a time with an iterator of std, which repeats interrupted calls itself.
///
/// passes
mod one_byte_a_read {
    use super::*;

    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let file = open_again(path)?;
        let size = size_of_regular(&file)?;
        match (size > 0).then(|| map_again(&file, size)) {
            Some(Ok(mapping)) => Ok(add_mapped(&mapping, mapping.length())),
            None | Some(Err(Errno::ENODEV)) => {
                io::BufReader::new(file).bytes().try_fold(0, |sum, byte| Ok(sum + u64::from(byte?)))
            }
            Some(Err(errno)) => Err(errno.into()),
        }
    }
}

/// Uses O_NONBLOCK only for what stat(2) says is no regular file, and so waits for the holder of a lease.
///
/// breaks: "EWOULDBLOCK when open(2) would wait for the holder of a lease."
/// fails: sum_of::waits_for_no_lease failed
mod nonblocking_for_fifos_only {
    use super::*;

    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let file = if std::fs::metadata(path)?.is_file() { File::open(path)? } else { open_again(path)? };
        sum_open(&file, size_of_regular(&file)?)
    }
}

/// Repeats open(2) until the lease is given up.
///
/// breaks: "EWOULDBLOCK when open(2) would wait for the holder of a lease."
/// fails: sum_of::waits_for_no_lease failed
mod retries_a_lease {
    use super::*;

    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let file = loop {
            match open_again(path) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => std::thread::yield_now(),
                answer => break answer?,
            }
        };
        sum_open(&file, size_of_regular(&file)?)
    }
}

/// Asks stat(2) first, and calls everything that is not a file or directory EINVAL.
///
/// passes
mod socket_is_invalid {
    use super::*;

    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let kind = std::fs::metadata(path)?.file_type();
        if !kind.is_file() && !kind.is_dir() {
            return Err(Errno::EINVAL.into());
        }
        let file = open_again(path)?;
        sum_open(&file, size_of_regular(&file)?)
    }
}

/// Calls a directory EINVAL, like everything else that isn't a regular file.
///
/// breaks: "`IsADirectory` or EISDIR for a directory."
/// fails: sum_of::refuses_all_but_regular_files_and_never_waits failed
mod directory_is_invalid {
    use super::*;

    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let file = open_again(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        sum_open(&file, metadata.len())
    }
}

/// Refuses only devices: a FIFO that nobody writes to is an empty file to it.
///
/// breaks: "`InvalidInput` or EINVAL for a FIFO or a device; nothing is read from it."
/// fails: sum_of::refuses_all_but_regular_files_and_never_waits failed
mod fifo_is_empty {
    use super::*;

    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let file = open_again(path)?;
        let metadata = file.metadata()?;
        let kind = metadata.file_type();
        if kind.is_char_device() || kind.is_block_device() {
            return Err(Errno::EINVAL.into());
        }
        if kind.is_dir() {
            return Err(Errno::EISDIR.into());
        }
        sum_open(&file, metadata.len())
    }
}

/// Takes a file of size 0 for empty.
///
/// breaks: "Most files of /proc have contents although their size is 0: they are read to the end."
/// fails: sum_of::reads_what_cannot_be_mapped failed size-tells-what-is-there
mod size_zero_is_empty {
    use super::*;

    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let file = open_again(path)?;
        match size_of_regular(&file)? {
            0 => Ok(0),
            size => sum_open(&file, size),
        }
    }
}

/// Reads as many bytes as the size says when a file can't be mapped; a file of /sys has fewer.
///
/// breaks: "Most files of /sys can't be mapped (ENODEV): they are read to the end, whatever their size."
/// fails: sum_of::reads_what_cannot_be_mapped failed size-tells-what-is-there
mod reads_exactly_the_size_2 {
    use super::*;

    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let mut file = open_again(path)?;
        let size = size_of_regular(&file)?;
        match (size > 0).then(|| map_again(&file, size)) {
            Some(Err(Errno::ENODEV)) => {
                let mut bytes = vec![0; usize::try_from(size).map_err(io::Error::other)?];
                file.read_exact(&mut bytes)?;
                Ok(add(&bytes))
            }
            _ => sum_open(&file, size),
        }
    }
}

/// Reads files without a mapping with a single read(2), which returns at most a page or so of most of them.
///
/// breaks: "Most files of /proc have contents although their size is 0: they are read to the end."
/// fails: sum_of::reads_what_cannot_be_mapped failed
mod one_read {
    use super::*;

    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let mut file = open_again(path)?;
        let size = size_of_regular(&file)?;
        if size == 0 {
            let mut buffer = vec![0; 1 << 20];
            let count = file.read(&mut buffer)?;
            return Ok(add(&buffer[..count]));
        }
        sum_open(&file, size)
    }
}

/// Takes a read(2) that did not fill the buffer for the last one.
///
/// breaks: "they are read to the end"
/// fails: sum_of::reads_what_cannot_be_mapped failed
mod stops_at_a_short_read {
    use super::*;

    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let mut file = open_again(path)?;
        let size = size_of_regular(&file)?;
        if size > 0 {
            return sum_open(&file, size);
        }
        let (mut sum, mut buffer) = (0, [0; 8192]);
        loop {
            let count = file.read(&mut buffer)?;
            sum += add(&buffer[..count]);
            if count < buffer.len() {
                return Ok(sum);
            }
        }
    }
}

/// Takes an error of read(2) for the end of the file.
///
/// breaks: "Other errors of open(2), mmap(2) and read(2), unchanged"
/// fails: sum_of::reads_what_cannot_be_mapped failed
mod read_error_is_the_end {
    use super::*;

    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let mut file = open_again(path)?;
        let size = size_of_regular(&file)?;
        if size > 0 {
            return sum_open(&file, size);
        }
        let (mut sum, mut buffer) = (0, [0; 8192]);
        while let Ok(count @ 1..) = file.read(&mut buffer) {
            sum += add(&buffer[..count]);
        }
        Ok(sum)
    }
}

/// Reads the file whatever the reason that mmap(2) failed for, also when it is too large for the address space.
///
/// breaks: "Other errors of open(2), mmap(2) and read(2), unchanged: ENOENT, ENXIO for a socket, ENOMEM for a large file."
/// fails: sum_of::maps_a_large_file_in_parts_or_passes_enomem_on failed
mod reads_when_mmap_fails {
    use super::*;

    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let file = open_again(path)?;
        let size = size_of_regular(&file)?;
        match map_again(&file, size) {
            Ok(mapping) => Ok(add_mapped(&mapping, mapping.length())),
            Err(_) => read_all(&file),
        }
    }
}

/// Adds up everything in the mapped pages, because the rest of the last one is zero anyway.
///
/// breaks: "Only the bytes of the file count, even if its last page holds something past the end."
/// fails: sum_of::leaves_out_what_is_past_the_end failed rest-of-the-page-is-always-zero
mod adds_whole_pages {
    use super::*;

    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let file = open_again(path)?;
        let size = size_of_regular(&file)?;
        match (size > 0).then(|| map_again(&file, size)) {
            Some(Ok(mapping)) => Ok(add_mapped(&mapping, mapping.range().len())),
            _ => sum_open(&file, size),
        }
    }
}

/// Reads small files, since a mapping costs more than it saves there.
///
/// breaks: "No byte of a file that can be mapped goes through read(2) or another call that copies."
/// fails: sum_of::maps_what_can_be_mapped failed
mod reads_small_files_2 {
    use super::*;

    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let file = open_again(path)?;
        match size_of_regular(&file)? {
            0..=64 => read_all(&file),
            size => sum_open(&file, size),
        }
    }
}

/// Opens for writing, too, where that is allowed.
///
/// breaks: "The file is opened for reading only."
/// fails: sum_of::maps_what_can_be_mapped failed
/// may fail: sum_of::waits_for_no_lease failed
mod opens_read_write {
    use super::*;

    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let both = OpenOptions::new().read(true).write(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path);
        let file = both.or_else(|_| open_again(path))?;
        sum_open(&file, size_of_regular(&file)?)
    }
}

/// Works with the bare descriptor and closes it only if nothing fails.
///
/// breaks: "When it returns, even with an error, it has unmapped and closed everything."
/// fails: sum_of::reads_what_cannot_be_mapped failed
/// fails: sum_of::refuses_all_but_regular_files_and_never_waits failed
mod leaks_the_descriptor_on_error {
    use super::*;

    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let file = std::mem::ManuallyDrop::new(open_again(path)?);
        let sum = sum_open(&file, size_of_regular(&file)?)?;
        drop(std::mem::ManuallyDrop::into_inner(file));
        Ok(sum)
    }
}

/// Never unmaps: the end of the process does.
///
/// breaks: "When it returns, even with an error, it has unmapped and closed everything."
/// fails: sum_of::adds_up_every_byte failed
/// fails: sum_of::leaves_out_what_is_past_the_end failed
/// fails: sum_of::maps_what_can_be_mapped failed
/// fails: sum_of::refuses_all_but_regular_files_and_never_waits failed
/// fails: sum_of::waits_for_no_lease failed
mod leaves_it_mapped {
    use super::*;

    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let file = open_again(path)?;
        let size = size_of_regular(&file)?;
        match (size > 0).then(|| map_again(&file, size)) {
            Some(Ok(mapping)) => {
                let sum = add_mapped(&mapping, mapping.length());
                std::mem::forget(mapping);
                Ok(sum)
            }
            _ => sum_open(&file, size),
        }
    }
}

/// Takes each byte as a C char, which is signed on most machines.
///
/// breaks: "each taken as a number from 0 to 255"
/// fails: sum_of::adds_up_every_byte failed
/// fails: sum_of::leaves_out_what_is_past_the_end failed
/// fails: sum_of::maps_what_can_be_mapped failed
mod signed_bytes_2 {
    use super::*;

    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let file = open_again(path)?;
        let size = size_of_regular(&file)?;
        match (size > 0).then(|| map_again(&file, size)) {
            Some(Ok(mapping)) => {
                Ok((0..mapping.length()).fold(0, |sum, at| sum + i64::from(mapping.load(at) as i8)) as u64)
            }
            _ => sum_open(&file, size),
        }
    }
}

/// Maps the size as a number of 32 bits: of 4 GiB and a byte it adds one byte, and never meets ENOMEM.
///
/// breaks: "Returns the sum of all bytes of the file at `path`"
/// fails: sum_of::maps_a_large_file_in_parts_or_passes_enomem_on failed int-holds-a-size
mod size_of_32_bits {
    use super::*;

    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let file = open_again(path)?;
        let size = size_of_regular(&file)?;
        sum_open(&file, u64::from(size as u32))
    }
}

/// Adds O_NOFOLLOW "for security" and fails on a symbolic link.
///
/// breaks: "Returns the sum of all bytes of the file at `path`"
/// fails: sum_of::adds_up_every_byte failed
/// fails: sum_of::leaves_out_what_is_past_the_end failed
/// fails: sum_of::maps_what_can_be_mapped failed
/// fails: sum_of::reads_what_cannot_be_mapped failed
mod follows_no_link {
    use super::*;

    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let flags = libc::O_NONBLOCK | libc::O_NOCTTY | libc::O_NOFOLLOW;
        let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
        sum_open(&file, size_of_regular(&file)?)
    }
}

/// Adds O_NOATIME as an optimisation, which only the owner of a file may.
///
/// breaks: "Other errors of open(2), mmap(2) and read(2), unchanged"
/// fails: sum_of::maps_what_can_be_mapped failed
mod without_access_time {
    use super::*;

    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let flags = libc::O_NONBLOCK | libc::O_NOCTTY | libc::O_NOATIME;
        let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
        sum_open(&file, size_of_regular(&file)?)
    }
}

/// Maps with PROT_WRITE and MAP_SHARED by habit, which a file opened for reading refuses, and then reads it.
///
/// breaks: "No byte of a file that can be mapped goes through read(2) or another call that copies."
/// fails: sum_of::maps_what_can_be_mapped failed
/// fails: sum_of::maps_a_large_file_in_parts_or_passes_enomem_on failed
mod writable_mapping_refused {
    use super::*;

    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let file = open_again(path)?;
        let size = size_of_regular(&file)?;
        let protection = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        match Mapping::of_file(&file, 0, size as usize, protection, Sharing::Shared) {
            Ok(mapping) => Ok(add_mapped(&mapping, mapping.length())),
            Err(Errno::ENOMEM) => Err(Errno::ENOMEM.into()),
            Err(_) => read_all(&file),
        }
    }
}

/// Opens without waiting, asks for the type, maps, and reads what can't be mapped.
///
/// passes
mod opens_and_asks {
    use super::*;

    pub fn sum_of(path: &Path) -> io::Result<u64> {
        sum_of_open(&open_now(path)?)
    }
}

/// Maps window after window, privately and with memmap2, and leaves the error of a directory to read(2).
///
/// passes
mod private_windows {
    use super::*;

    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let file = open_now(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() && !metadata.is_dir() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let (mut sum, window) = (0, 256 * page_size_u64());
        for at in (0..metadata.len()).step_by(window as usize) {
            let length = window.min(metadata.len() - at) as usize;
            // SAFETY: no process changes the file's size meanwhile, and no reference to a byte is kept.
            match unsafe { MmapOptions::new().offset(at).len(length).map_copy_read_only(&file) } {
                Ok(map) => sum += add_up(&map),
                Err(error) if at == 0 && error.raw_os_error() == Some(libc::ENODEV) => return read_rest(&file),
                Err(error) => return Err(error),
            }
        }
        if metadata.len() == 0 { read_rest(&file) } else { Ok(sum) }
    }
}

/// Looks at the file with O_PATH before it opens it through /proc/self/fd, so that a device is never opened.
///
/// passes
mod looks_before_it_opens {
    use super::*;

    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let place = File::options().read(true).custom_flags(libc::O_PATH).open(path)?;
        size_of(&place)?;
        sum_of_open(&open_now(format!("/proc/self/fd/{}", place.as_raw_fd()).as_ref())?)
    }
}

/// Asks for the type by name, and then opens what may wait for the holder of a lease.
///
/// breaks: "EWOULDBLOCK when open_now(2) would wait for the holder of a lease."
/// fails: sum_of::waits_for_no_lease failed
mod asks_then_opens {
    use super::*;

    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let metadata = std::fs::metadata(path)?;
        if metadata.is_dir() {
            return Err(Errno::EISDIR.into());
        }
        if !metadata.is_file() {
            return Err(Errno::EINVAL.into());
        }
        sum_of_open(&File::open(path)?)
    }
}

/// Takes a shared lock so that no writer comes in between, and waits for one that has the lock.
///
/// breaks: "The call never waits for another process, whatever is at `path` and whoever has a lease on it."
/// fails: sum_of::waits_for_no_lease failed
mod takes_a_lock {
    use super::*;

    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let file = open_now(path)?;
        size_of(&file)?;
        // SAFETY: flock(2) accesses no memory of ours.
        Errno::result(unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_SH) })?;
        sum_of_open(&file)
    }
}

/// Takes a read that does not fill the buffer for the last one, but /proc returns less at a time.
///
/// breaks: "Most files of /proc have contents although their size is 0: they are read to the end."
/// fails: sum_of::reads_what_cannot_be_mapped failed
mod short_read_is_the_end {
    use super::*;

    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let file = open_now(path)?;
        if size_of(&file)? != 0 {
            return sum_of_open(&file);
        }
        let (mut sum, mut buffer) = (0, vec![0; 1 << 16]);
        loop {
            let n = (&file).read(&mut buffer)?;
            sum += add_up(&buffer[..n]);
            if n < buffer.len() {
                return Ok(sum);
            }
        }
    }
}

/// Adds up the whole last page, since the rest of it is zero anyway.
///
/// breaks: "Only the bytes of the file count, even if its last page holds something past the end."
/// fails: sum_of::leaves_out_what_is_past_the_end failed rest-of-the-page-is-always-zero
mod whole_pages_count {
    use super::*;

    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let file = open_now(path)?;
        let size = size_of(&file)?;
        if size == 0 {
            return read_rest(&file);
        }
        match map_size(&file, size) {
            Ok(mapping) => Ok(mapped_sum(&mapping, mapping.range().len())),
            Err(Errno::ENODEV) => read_rest(&file),
            Err(errno) => Err(errno.into()),
        }
    }
}

/// Opens for writing as well where that is allowed, and so breaks a read lease or fails because of one.
///
/// breaks: "The file is opened for reading only."
/// fails: sum_of::maps_what_can_be_mapped failed
mod opens_for_both {
    use super::*;

    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let both = File::options().read(true).write(true).custom_flags(libc::O_NONBLOCK).open(path);
        let file = match both {
            Err(error) if error.raw_os_error() == Some(libc::EWOULDBLOCK) => return Err(error),
            Err(_) => open_now(path)?,
            Ok(file) => file,
        };
        sum_of_open(&file)
    }
}

/// Keeps the descriptor as a bare number, and closes it only where all went well.
///
/// breaks: "When it returns, even with an error, it has unmapped and closed everything."
/// fails: sum_of::reads_what_cannot_be_mapped failed
/// fails: sum_of::refuses_all_but_regular_files_and_never_waits failed
mod closes_after_success {
    use super::*;

    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let file = std::mem::ManuallyDrop::new(open_now(path)?);
        let sum = sum_of_open(&file)?;
        drop(std::mem::ManuallyDrop::into_inner(file));
        Ok(sum)
    }
}

/// Reads a file without a size as text.
///
/// breaks: "Most files of /proc have contents although their size is 0: they are read to the end."
/// fails: sum_of::reads_what_cannot_be_mapped failed
mod proc_is_text {
    use super::*;

    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let mut file = open_now(path)?;
        if size_of(&file)? > 0 {
            return sum_of_open(&file);
        }
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        Ok(add_up(text.as_bytes()))
    }
}

/// Locks the pages, so that they are all there; a user may lock a few MB only.
///
/// breaks: "Returns the sum of all bytes of the file at `path`"
/// fails: sum_of::maps_what_can_be_mapped failed
mod locks_the_pages {
    use super::*;

    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let file = open_now(path)?;
        let size = size_of(&file)?;
        if size == 0 {
            return read_rest(&file);
        }
        // SAFETY: no process changes the file's size meanwhile, and the bytes are read once.
        match unsafe { MmapOptions::new().map(&file) } {
            Ok(map) => {
                map.lock()?;
                Ok(add_up(&map))
            }
            Err(error) if error.raw_os_error() == Some(libc::ENODEV) => read_rest(&file),
            Err(error) => Err(error),
        }
    }
}

/// Keeps the sums of files that it knows by their number and size.
///
/// breaks: "Returns the sum of all bytes of the file at `path`"
/// fails: sum_of::adds_up_every_byte failed
mod keeps_sums {
    use super::*;

    static SUMS: Mutex<Vec<([u64; 3], u64)>> = Mutex::new(Vec::new());

    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let file = open_now(path)?;
        let metadata = file.metadata()?;
        let key = [metadata.dev(), metadata.ino(), metadata.len()];
        let mut sums = SUMS.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some((_, total)) = sums.iter().find(|(known, _)| *known == key && metadata.len() > 0) {
            return Ok(*total);
        }
        let total = sum_of_open(&file)?;
        sums.push((key, total));
        Ok(total)
    }
}

/// Maps half as much, again and again, when there are too few addresses, and takes that for the file.
///
/// breaks: "Returns the sum of all bytes of the file at `path`"
/// fails: sum_of::maps_a_large_file_in_parts_or_passes_enomem_on failed
mod maps_what_fits {
    use super::*;

    pub fn sum_of(path: &Path) -> io::Result<u64> {
        let file = open_now(path)?;
        let mut size = size_of(&file)?;
        if size == 0 {
            return read_rest(&file);
        }
        loop {
            match map_size(&file, size) {
                Ok(mapping) => return Ok(mapped_sum(&mapping, mapping.length())),
                Err(Errno::ENOMEM) if size > page_size_u64() => size /= 2,
                Err(Errno::ENODEV) => return read_rest(&file),
                Err(errno) => return Err(errno.into()),
            }
        }
    }
}

one_of! {
    pub fn sum_of(path: &Path) -> io::Result<u64>;
    a_size_of_0_is_an_empty_file maps_an_empty_file never_unmaps opens_for_writing reads_as_much_as_the_size_says
    reads_instead_of_mapping sums_the_whole_last_page waits_at_a_fifo opens_then_looks through_o_path in_private_windows
    populated_and_closed waits_for_a_lease reads_everything reads_small_files maps_a_copy believes_in_empty_files
    one_read_of_proc seeks_to_the_end goes_by_the_path reads_exactly_the_size reads_after_any_error sums_whole_pages
    signed_bytes forgets_the_last_bytes opens_for_writing_2 leaks_after_a_directory leaks_the_mapping
    einval_for_directories reads_devices empties_a_fifo explains_errors refuses_links size_in_32_bits opens_then_looks_2
    private_with_memmap2 one_byte_a_read nonblocking_for_fifos_only retries_a_lease socket_is_invalid
    directory_is_invalid fifo_is_empty size_zero_is_empty reads_exactly_the_size_2 one_read stops_at_a_short_read
    read_error_is_the_end reads_when_mmap_fails adds_whole_pages reads_small_files_2 opens_read_write
    leaks_the_descriptor_on_error leaves_it_mapped signed_bytes_2 size_of_32_bits follows_no_link without_access_time
    writable_mapping_refused opens_and_asks private_windows looks_before_it_opens asks_then_opens takes_a_lock
    short_read_is_the_end whole_pages_count opens_for_both closes_after_success proc_is_text locks_the_pages keeps_sums
    maps_what_fits
}
