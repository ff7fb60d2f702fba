//! Answers to `gather`, right and wrong.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;

use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing, Window};
use mmap_workbook::lesson_7::advise;
use mmap_workbook::observe::page_size;
use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};
use nix::sys::mman::{MmapAdvise, ProtFlags, madvise};

/// That all records are in the file, or the right error.
fn inside(file: &File, offsets: &[u64], record: usize) -> io::Result<u64> {
    let size = file.metadata()?.len();
    let is_inside = |at: &u64| *at <= size && record as u64 <= size - at;
    if offsets.iter().all(is_inside) { Ok(size) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// Copies the records from a mapping of the whole file.
fn copied(mapping: &Mapping, offsets: &[u64], record: usize) -> Vec<u8> {
    let mut bytes = vec![0; offsets.len() * record];
    for (at, into) in offsets.iter().zip(bytes.chunks_exact_mut(record)) {
        mapping.read(*at as usize, into);
    }
    bytes
}

fn whole(file: &File, size: u64) -> io::Result<Mapping> {
    Ok(Mapping::of_file(file, 0, size as usize, ProtFlags::PROT_READ, Sharing::Shared)?)
}

/// From a mapping without advice.
///
/// fails: gather::little_more_is_read_than_the_records_need failed fault-reads-its-page
mod gives_no_advice {
    use super::*;

    pub fn gather(file: &File, offsets: &[u64], record: usize) -> io::Result<Vec<u8>> {
        let size = inside(file, offsets, record)?;
        if offsets.is_empty() {
            return Ok(Vec::new());
        }
        Ok(copied(&whole(file, size)?, offsets, record))
    }
}

/// Advises that the file is read in order.
///
/// fails: gather::little_more_is_read_than_the_records_need failed fault-reads-its-page
mod sequential {
    use super::*;

    pub fn gather(file: &File, offsets: &[u64], record: usize) -> io::Result<Vec<u8>> {
        let size = inside(file, offsets, record)?;
        if offsets.is_empty() {
            return Ok(Vec::new());
        }
        let mapping = whole(file, size)?;
        advise(&mapping, MmapAdvise::MADV_SEQUENTIAL)?;
        Ok(copied(&mapping, offsets, record))
    }
}

/// Maps each record alone.
///
/// fails: gather::little_more_is_read_than_the_records_need failed fault-reads-its-page
mod a_window_for_each {
    use super::*;

    pub fn gather(file: &File, offsets: &[u64], record: usize) -> io::Result<Vec<u8>> {
        inside(file, offsets, record)?;
        let mut bytes = vec![0; offsets.len() * record];
        for (at, into) in offsets.iter().zip(bytes.chunks_exact_mut(record)) {
            Window::new(file, *at, record, ProtFlags::PROT_READ)?.read(0, into);
        }
        Ok(bytes)
    }
}

/// Reads the whole file.
///
/// fails: gather::little_more_is_read_than_the_records_need failed
/// fails: gather::offsets_may_be_above_4_gib out_of_memory
mod reads_it_all {
    use super::*;

    pub fn gather(file: &File, offsets: &[u64], record: usize) -> io::Result<Vec<u8>> {
        let mut all = vec![0; inside(file, offsets, record)? as usize];
        file.read_exact_at(&mut all, 0)?;
        Ok(offsets.iter().flat_map(|at| all[*at as usize..][..record].to_vec()).collect())
    }
}

/// Reads with a buffer, which is filled for each record.
///
/// fails: gather::little_more_is_read_than_the_records_need failed
mod fills_a_buffer {
    use super::*;

    pub fn gather(file: &File, offsets: &[u64], record: usize) -> io::Result<Vec<u8>> {
        inside(file, offsets, record)?;
        let mut reader = BufReader::new(file);
        let mut bytes = vec![0; offsets.len() * record];
        for (at, into) in offsets.iter().zip(bytes.chunks_exact_mut(record)) {
            reader.seek(SeekFrom::Start(*at))?;
            reader.read_exact(into)?;
        }
        Ok(bytes)
    }
}

/// Reads the whole file, and takes it out of the page cache again.
///
/// fails: gather::little_more_is_read_than_the_records_need failed
mod hides_what_it_has_read {
    use super::*;

    pub fn gather(file: &File, offsets: &[u64], record: usize) -> io::Result<Vec<u8>> {
        let size = inside(file, offsets, record)?;
        let mut all = vec![0; 1 << 20];
        for at in (0..size.min(1 << 30)).step_by(all.len()) {
            let _ = file.read_at(&mut all, at)?;
        }
        let gathered = crate::solution::gather(file, offsets, record);
        posix_fadvise(file, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED)?;
        gathered
    }
}

/// Returns the records in the order of the file.
///
/// fails: gather::has_each_record_in_its_place failed
mod in_the_files_order {
    use super::*;

    pub fn gather(file: &File, offsets: &[u64], record: usize) -> io::Result<Vec<u8>> {
        let mut offsets = offsets.to_vec();
        offsets.sort_unstable();
        crate::solution::gather(file, &offsets, record)
    }
}

/// Returns a record once, even if it is asked for twice.
///
/// fails: gather::has_each_record_in_its_place failed
mod each_record_once {
    use super::*;

    pub fn gather(file: &File, offsets: &[u64], record: usize) -> io::Result<Vec<u8>> {
        let mut once = Vec::new();
        for at in offsets {
            if !once.contains(at) {
                once.push(*at);
            }
        }
        crate::solution::gather(file, &once, record)
    }
}

/// Maps the page in which a record begins, and no more.
///
/// fails: gather::has_each_record_in_its_place panicked
mod one_page_for_each {
    use super::*;

    pub fn gather(file: &File, offsets: &[u64], record: usize) -> io::Result<Vec<u8>> {
        inside(file, offsets, record)?;
        let mut bytes = vec![0; offsets.len() * record];
        for (at, into) in offsets.iter().zip(bytes.chunks_exact_mut(record)) {
            let skip = at % page_size() as u64;
            let mapping = Mapping::of_file(file, at - skip, page_size(), ProtFlags::PROT_READ, Sharing::Shared)?;
            advise(&mapping, MmapAdvise::MADV_RANDOM)?;
            mapping.read(skip as usize, into);
        }
        Ok(bytes)
    }
}

/// Asks nobody whether the file has the records.
///
/// fails: gather::past_the_end_is_an_error failed
mod trusts_the_offsets {
    use super::*;

    pub fn gather(file: &File, offsets: &[u64], record: usize) -> io::Result<Vec<u8>> {
        let end = offsets.iter().max().map_or(0, |at| at.saturating_add(record as u64));
        if end == 0 {
            return Ok(Vec::new());
        }
        let mapping = whole(file, end)?;
        advise(&mapping, MmapAdvise::MADV_RANDOM)?;
        Ok(copied(&mapping, offsets, record))
    }
}

/// Looks where a record begins, and not where it ends.
///
/// fails: gather::past_the_end_is_an_error failed
mod looks_at_the_start {
    use super::*;

    pub fn gather(file: &File, offsets: &[u64], record: usize) -> io::Result<Vec<u8>> {
        let size = inside(file, offsets, 1)?;
        if offsets.is_empty() {
            return Ok(Vec::new());
        }
        let mapping = Mapping::of_file(file, 0, size as usize + record, ProtFlags::PROT_READ, Sharing::Shared)?;
        advise(&mapping, MmapAdvise::MADV_RANDOM)?;
        Ok(copied(&mapping, offsets, record))
    }
}

/// Adds the record's length to an offset that has no room for it.
///
/// fails: gather::past_the_end_is_an_error panicked
mod adds_up_too_far {
    use super::*;

    pub fn gather(file: &File, offsets: &[u64], record: usize) -> io::Result<Vec<u8>> {
        let size = file.metadata()?.len();
        if offsets.iter().any(|at| at + record as u64 > size) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        crate::solution::gather(file, offsets, record)
    }
}

/// Takes less than a record for a record.
///
/// fails: gather::little_more_is_read_than_the_records_need failed
/// fails: gather::past_the_end_is_an_error failed
mod reads_what_there_is {
    use super::*;

    pub fn gather(file: &File, offsets: &[u64], record: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; offsets.len() * record];
        for (at, into) in offsets.iter().zip(bytes.chunks_exact_mut(record)) {
            let _ = file.read_at(into, *at)?;
        }
        Ok(bytes)
    }
}

/// Leaves out the records that the file doesn't have.
///
/// fails: gather::past_the_end_is_an_error failed
mod leaves_them_out {
    use super::*;

    pub fn gather(file: &File, offsets: &[u64], record: usize) -> io::Result<Vec<u8>> {
        let size = file.metadata()?.len();
        let is_inside = |at: &&u64| **at <= size && record as u64 <= size - **at;
        let offsets: Vec<u64> = offsets.iter().filter(is_inside).copied().collect();
        crate::solution::gather(file, &offsets, record)
    }
}

/// Takes the last record for one that is past the end.
///
/// fails: gather::has_each_record_in_its_place failed
mod ends_one_byte_early {
    use super::*;

    pub fn gather(file: &File, offsets: &[u64], record: usize) -> io::Result<Vec<u8>> {
        inside(file, offsets, record + 1)?;
        crate::solution::gather(file, offsets, record)
    }
}

/// Maps an empty file.
///
/// fails: gather::has_each_record_in_its_place failed
mod maps_without_a_look {
    use super::*;

    pub fn gather(file: &File, offsets: &[u64], record: usize) -> io::Result<Vec<u8>> {
        let mapping = whole(file, inside(file, offsets, record)?)?;
        advise(&mapping, MmapAdvise::MADV_RANDOM)?;
        Ok(copied(&mapping, offsets, record))
    }
}

/// Counts in 32 bits.
///
/// fails: gather::offsets_may_be_above_4_gib failed
mod cuts_to_32_bits {
    use super::*;

    pub fn gather(file: &File, offsets: &[u64], record: usize) -> io::Result<Vec<u8>> {
        inside(file, offsets, record)?;
        let offsets: Vec<u64> = offsets.iter().map(|at| u64::from(*at as u32)).collect();
        crate::solution::gather(file, &offsets, record)
    }
}

/// Maps for writing, too.
///
/// fails: gather::to_read_is_enough failed
mod maps_for_writing {
    use super::*;

    pub fn gather(file: &File, offsets: &[u64], record: usize) -> io::Result<Vec<u8>> {
        let size = inside(file, offsets, record)?;
        if offsets.is_empty() {
            return Ok(Vec::new());
        }
        let mapping = Mapping::of_file(file, 0, size as usize, READ_WRITE, Sharing::Shared)?;
        advise(&mapping, MmapAdvise::MADV_RANDOM)?;
        Ok(copied(&mapping, offsets, record))
    }
}

/// Never unmaps the file.
///
/// fails: gather::nothing_stays_mapped_or_open failed
mod keeps_it_mapped {
    use super::*;

    pub fn gather(file: &File, offsets: &[u64], record: usize) -> io::Result<Vec<u8>> {
        let size = inside(file, offsets, record)?;
        if offsets.is_empty() {
            return Ok(Vec::new());
        }
        let mapping = std::mem::ManuallyDrop::new(whole(file, size)?);
        advise(&mapping, MmapAdvise::MADV_RANDOM)?;
        Ok(copied(&mapping, offsets, record))
    }
}

/// pread(2) without advice, which reads ahead at the file's start and where records follow one another.
///
/// fails: gather::little_more_is_read_than_the_records_need failed
mod with_pread {
    use super::*;

    pub fn gather(file: &File, offsets: &[u64], record: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; offsets.len() * record];
        for (at, into) in offsets.iter().zip(bytes.chunks_exact_mut(record)) {
            file.read_exact_at(into, *at)?;
        }
        Ok(bytes)
    }
}

/// The same, in the file's order.
///
/// fails: gather::little_more_is_read_than_the_records_need failed
mod sorted {
    use super::*;

    pub fn gather(file: &File, offsets: &[u64], record: usize) -> io::Result<Vec<u8>> {
        let mut order: Vec<usize> = (0..offsets.len()).collect();
        order.sort_by_key(|n| offsets[*n]);
        let mut bytes = vec![0; offsets.len() * record];
        for n in order {
            file.read_exact_at(&mut bytes[n * record..][..record], offsets[n])?;
        }
        Ok(bytes)
    }
}

/// Gives the advice for the length of a record from the start of its page, which leaves out its last page.
///
/// fails: gather::little_more_is_read_than_the_records_need failed fault-reads-its-page
mod advises_too_little {
    use super::*;

    pub fn gather(file: &File, offsets: &[u64], record: usize) -> io::Result<Vec<u8>> {
        let size = inside(file, offsets, record)?;
        if offsets.is_empty() {
            return Ok(Vec::new());
        }
        let mapping = whole(file, size)?;
        for at in offsets {
            let at = *at as usize;
            let start = mapping.pointer_to(at - at % page_size());
            // SAFETY: pages of the mapping; the advice changes no byte.
            unsafe { madvise(start, record, MmapAdvise::MADV_RANDOM) }?;
        }
        Ok(copied(&mapping, offsets, record))
    }
}

/// pread(2), after the advice for the file.
///
/// passes
mod with_pread_as_advised {
    use super::*;

    pub fn gather(file: &File, offsets: &[u64], record: usize) -> io::Result<Vec<u8>> {
        posix_fadvise(file, 0, 0, PosixFadviseAdvice::POSIX_FADV_RANDOM)?;
        super::with_pread::gather(file, offsets, record)
    }
}

/// The same in the file's order, which a disk that turns likes.
///
/// passes
mod sorted_as_advised {
    use super::*;

    pub fn gather(file: &File, offsets: &[u64], record: usize) -> io::Result<Vec<u8>> {
        posix_fadvise(file, 0, 0, PosixFadviseAdvice::POSIX_FADV_RANDOM)?;
        super::sorted::gather(file, offsets, record)
    }
}

/// A mapping for each record, each with its advice.
///
/// passes
mod an_advised_mapping_for_each {
    use super::*;

    pub fn gather(file: &File, offsets: &[u64], record: usize) -> io::Result<Vec<u8>> {
        inside(file, offsets, record)?;
        let mut bytes = Vec::new();
        for at in offsets {
            let skip = (at % page_size() as u64) as usize;
            let start = at - skip as u64;
            let mapping = Mapping::of_file(file, start, skip + record, ProtFlags::PROT_READ, Sharing::Private)?;
            advise(&mapping, MmapAdvise::MADV_RANDOM)?;
            bytes.extend((skip..skip + record).map(|at| mapping.load(at)));
        }
        Ok(bytes)
    }
}

/// Asks for all pages at once, so that the disk can answer in any order, and then copies.
///
/// passes
mod asks_in_advance {
    use super::*;

    pub fn gather(file: &File, offsets: &[u64], record: usize) -> io::Result<Vec<u8>> {
        let size = inside(file, offsets, record)?;
        if offsets.is_empty() {
            return Ok(Vec::new());
        }
        for at in offsets {
            posix_fadvise(file, *at as i64, record as i64, PosixFadviseAdvice::POSIX_FADV_WILLNEED)?;
        }
        let mapping = whole(file, size)?;
        advise(&mapping, MmapAdvise::MADV_RANDOM)?;
        Ok(copied(&mapping, offsets, record))
    }
}

/// Maps a page for each record, and copies when all are there.
///
/// fails: gather::has_each_record_in_its_place failed
mod maps_all_of_them_first {
    use super::*;

    pub fn gather(file: &File, offsets: &[u64], record: usize) -> io::Result<Vec<u8>> {
        inside(file, offsets, record)?;
        let mut mapped = Vec::new();
        for at in offsets {
            let skip = (at % page_size() as u64) as usize;
            let start = at - skip as u64;
            let mapping = Mapping::of_file(file, start, skip + record, ProtFlags::PROT_READ, Sharing::Shared)?;
            advise(&mapping, MmapAdvise::MADV_RANDOM)?;
            mapped.push((mapping, skip));
        }
        Ok(mapped.iter().flat_map(|(mapping, skip)| (*skip..skip + record).map(|at| mapping.load(at))).collect())
    }
}

one_of! {
    pub fn gather(file: &File, offsets: &[u64], record: usize) -> io::Result<Vec<u8>>;
    gives_no_advice sequential a_window_for_each reads_it_all fills_a_buffer hides_what_it_has_read
    in_the_files_order each_record_once one_page_for_each trusts_the_offsets looks_at_the_start adds_up_too_far
    reads_what_there_is leaves_them_out ends_one_byte_early maps_without_a_look cuts_to_32_bits maps_for_writing
    keeps_it_mapped with_pread sorted advises_too_little with_pread_as_advised sorted_as_advised an_advised_mapping_for_each asks_in_advance
    maps_all_of_them_first
}
