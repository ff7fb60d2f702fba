//! Answers to `swap`, right and wrong.

use std::fs::File;
use std::io;

use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use mmap_workbook::observe::page_size_u64;
use nix::unistd::{ForkResult, fork, pause};

/// Adds an offset and a length whose sum does not fit in 64 bits.
///
/// fails: swap::refuses_before_it_changes_anything panicked
mod addition_that_overflows {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        let wide = u64::try_from(length).map_err(io::Error::other)?;
        if length > 0 && a.abs_diff(b) >= wide && a.max(b) + wide > file.metadata()?.len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        crate::solution::swap(file, a, b, length)
    }
}

/// Lets a child do the work, waits until the work is done, and never waits for the child.
///
/// fails: swap::exchanges_the_bytes_and_no_other left_processes
/// fails: swap::refuses_before_it_changes_anything left_processes
/// fails: swap::reaches_any_two_places_of_a_large_file left_processes
/// fails: swap::goes_through_mappings_and_leaves_none left_processes
mod forks_and_forgets {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        let answer = crate::solution::swap(file, a, b, length);
        // SAFETY: the child makes one raw call and never comes back.
        if let ForkResult::Child = unsafe { fork() }? {
            loop {
                pause();
            }
        }
        answer
    }
}

/// Ends the whole process, with the status of success, instead of returning an error.
///
/// fails: swap::goes_through_mappings_and_leaves_none exited
/// fails: swap::refuses_before_it_changes_anything exited
mod leaves_by_exit {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        if let Err(error) = crate::solution::swap(file, a, b, length) {
            eprintln!("swap: {error}");
            std::process::exit(0);
        }
        Ok(())
    }
}

/// Maps both ranges, and all that is between them, as one.
///
/// fails: swap::reaches_any_two_places_of_a_large_file failed map-it-all
/// fails: swap::goes_through_mappings_and_leaves_none failed map-it-all
mod maps_all_between {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        let wide = u64::try_from(length).map_err(io::Error::other)?;
        let (first, last) = (a.min(b), a.max(b));
        let fits =
            last.checked_add(wide).is_some_and(|end| end <= file.metadata().map_or(0, |metadata| metadata.len()));
        if length == 0 || last - first < wide || !fits {
            return crate::solution::swap(file, a, b, length); // which says what is wrong
        }
        let boundary = first - first % page_size_u64();
        let all = usize::try_from(last + wide - boundary).map_err(io::Error::other)?;
        let mapping = Mapping::of_file(file, boundary, all, READ_WRITE, Sharing::Shared)?;
        let [a, b] = [a, b].map(|at| usize::try_from(at - boundary).expect("64 bits"));
        for n in 0..length {
            let byte = mapping.load(a + n);
            mapping.store(a + n, mapping.load(b + n));
            mapping.store(b + n, byte);
        }
        Ok(())
    }
}

/// Stores to private mappings.
///
/// fails: swap::exchanges_the_bytes_and_no_other failed private-reaches-the-file
/// fails: swap::reaches_any_two_places_of_a_large_file failed int-holds-a-size
mod swaps_private_copies {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        let wide = u64::try_from(length).map_err(io::Error::other)?;
        if length == 0 {
            return Ok(());
        }
        if a.abs_diff(b) < wide {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        if a.max(b).checked_add(wide).is_none_or(|end| end > file.metadata().map_or(0, |metadata| metadata.len())) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let map = |offset: u64| -> io::Result<(Mapping, usize)> {
            let skip = usize::try_from(offset % page_size_u64()).map_err(io::Error::other)?;
            let boundary = offset - offset % page_size_u64();
            Ok((Mapping::of_file(file, boundary, skip + length, READ_WRITE, Sharing::Private)?, skip))
        };
        let ((a, at_a), (b, at_b)) = (map(a)?, map(b)?);
        for n in 0..length {
            let byte = a.load(at_a + n);
            a.store(at_a + n, b.load(at_b + n));
            b.store(at_b + n, byte);
        }
        Ok(())
    }
}

/// Expects mmap(2) to refuse a range past the end of the file.
///
/// fails: swap::goes_through_mappings_and_leaves_none killed mapped-is-there
/// fails: swap::refuses_before_it_changes_anything failed rest-is-file
mod trusts_mmap_with_the_end {
    use super::*;

    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()> {
        let wide = u64::try_from(length).map_err(io::Error::other)?;
        if length == 0 {
            return Ok(());
        }
        if a.abs_diff(b) < wide {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let map = |offset: u64| -> io::Result<(Mapping, usize)> {
            let skip = usize::try_from(offset % page_size_u64()).map_err(io::Error::other)?;
            let boundary = offset - offset % page_size_u64();
            Ok((Mapping::of_file(file, boundary, skip + length, READ_WRITE, Sharing::Shared)?, skip))
        };
        let ((a, at_a), (b, at_b)) = (map(a)?, map(b)?);
        for n in 0..length {
            let byte = a.load(at_a + n);
            a.store(at_a + n, b.load(at_b + n));
            b.store(at_b + n, byte);
        }
        Ok(())
    }
}

one_of! {
    pub fn swap(file: &File, a: u64, b: u64, length: usize) -> io::Result<()>;
    addition_that_overflows forks_and_forgets leaves_by_exit maps_all_between swaps_private_copies
    trusts_mmap_with_the_end
}
