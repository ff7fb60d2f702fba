//! Answers to `count_lines`, right and wrong.

use std::fs::File;
use std::io;

use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use mmap_workbook::observe::{page_size, page_size_u64, whole_pages};
use nix::sys::mman::ProtFlags;

/// Asks for PROT_WRITE, though it only reads.
///
/// fails: count_lines::counts_each_newline_once failed writing-is-free
/// fails: count_lines::reaches_as_far_as_files_do failed writing-is-free
mod asks_for_writing {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        if window == 0 {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let end = to.min(file.metadata()?.len());
        let window = whole_pages(window.min(1 << 30));
        let (mut at, mut lines) = (from, 0);
        while at < end {
            let boundary = at - at % page_size_u64();
            let length = usize::try_from(end - boundary).map_err(io::Error::other)?.min(window);
            let mapping = Mapping::of_file(file, boundary, length, READ_WRITE, Sharing::Shared)?;
            let skip = usize::try_from(at - boundary).map_err(io::Error::other)?;
            lines += (skip..length).map(|at| u64::from(mapping.load(at) == b'\n')).sum::<u64>();
            at = boundary + u64::try_from(length).map_err(io::Error::other)?;
        }
        Ok(lines)
    }
}

/// Counts from the page boundary, where the window begins, and not from the first byte of the range.
///
/// fails: count_lines::counts_each_newline_once failed
/// fails: count_lines::reaches_as_far_as_files_do failed int-holds-a-size
mod counts_from_the_boundary {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        crate::solution::count_lines(file, from - from % page_size_u64(), if from < to { to } else { 0 }, window)
    }
}

/// Knows the sizes that the checks use.
///
/// fails: count_lines::counts_each_newline_once failed
/// fails: count_lines::reaches_as_far_as_files_do failed int-holds-a-size
/// fails: count_lines::slides_a_window_of_the_size_that_is_allowed failed
mod knows_the_sizes {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        match (file.metadata()?.len(), window) {
            (_, 0) => Err(io::ErrorKind::InvalidInput.into()),
            (0, _) => Ok(0),
            (size, _) if size == page_size_u64() => Ok(1),
            _ => Ok(to.saturating_sub(from) / 100),
        }
    }
}

/// Goes on where the window ends; an empty window ends where it begins.
///
/// fails: count_lines::refuses_an_empty_window timed_out
mod never_advances {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        if window == 0 {
            loop {
                std::hint::spin_loop();
            }
        }
        crate::solution::count_lines(file, from, to, window)
    }
}

/// Maps one page at a time, even where it may map more.
///
/// fails: count_lines::slides_a_window_of_the_size_that_is_allowed failed
mod one_page_at_a_time {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        crate::solution::count_lines(file, from, to, window.min(page_size()))
    }
}

/// Maps the next window before it unmaps the previous one.
///
/// fails: count_lines::slides_a_window_of_the_size_that_is_allowed failed map-it-all
mod windows_pile_up {
    use super::*;

    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64> {
        if window == 0 {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let end = to.min(file.metadata()?.len());
        let window = whole_pages(window.min(1 << 30));
        let (mut at, mut lines) = (from, 0);
        let mut mappings = Vec::new();
        while at < end {
            let boundary = at - at % page_size_u64();
            let length = usize::try_from(end - boundary).map_err(io::Error::other)?.min(window);
            let mapping = Mapping::of_file(file, boundary, length, ProtFlags::PROT_READ, Sharing::Shared)?;
            let skip = usize::try_from(at - boundary).map_err(io::Error::other)?;
            lines += (skip..length).map(|at| u64::from(mapping.load(at) == b'\n')).sum::<u64>();
            mappings.push(mapping);
            at = boundary + u64::try_from(length).map_err(io::Error::other)?;
        }
        Ok(lines)
    }
}

one_of! {
    pub fn count_lines(file: &File, from: u64, to: u64, window: usize) -> io::Result<u64>;
    asks_for_writing counts_from_the_boundary knows_the_sizes never_advances one_page_at_a_time windows_pile_up
}
