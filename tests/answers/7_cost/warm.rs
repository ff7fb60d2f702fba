//! Answers to `warm`, right and wrong.

use std::fs::File;
use std::io;
use std::ops::Range;

use mmap_workbook::lesson_2::Mapping;
use mmap_workbook::lesson_7::advise;
use mmap_workbook::observe::page_size;
use nix::errno::Errno;
use nix::sys::mman::{MmapAdvise, madvise};

/// Advises that the pages will be needed.
///
/// fails: warm::a_cold_file_is_read_during_the_call failed
/// fails: warm::on_an_older_kernel_too failed
/// fails: warm::past_the_end_is_an_error killed
/// fails: warm::what_is_warm_takes_no_fault failed advice-maps
mod advises {
    use super::*;

    pub fn warm(mapping: &Mapping, _: &File, _: Range<usize>) -> io::Result<()> {
        Ok(advise(mapping, MmapAdvise::MADV_WILLNEED)?)
    }
}

/// Populates for stores, which copies the pages of a private mapping.
///
/// fails: warm::on_an_older_kernel_too failed
/// fails: warm::past_the_end_is_an_error failed
/// fails: warm::what_is_warm_takes_no_fault failed
mod populates_for_stores {
    use super::*;

    pub fn warm(mapping: &Mapping, _: &File, _: Range<usize>) -> io::Result<()> {
        Ok(advise(mapping, MmapAdvise::MADV_POPULATE_WRITE)?)
    }
}

/// Loads one byte of each page, and asks nobody whether the file has it.
///
/// fails: warm::past_the_end_is_an_error killed
mod loads_past_the_end {
    use super::*;

    pub fn warm(mapping: &Mapping, _: &File, range: Range<usize>) -> io::Result<()> {
        for at in range.clone().step_by(page_size()).chain(range.last()) {
            let _ = mapping.load(at);
        }
        Ok(())
    }
}

/// Has no way for an older kernel.
///
/// fails: warm::on_an_older_kernel_too failed
/// fails: warm::past_the_end_is_an_error failed
mod knows_no_older_kernel {
    use super::*;

    pub fn warm(mapping: &Mapping, file: &File, range: Range<usize>) -> io::Result<()> {
        // The first thing that the solution does, whatever it does then.
        let unknown = advise(mapping, MmapAdvise::MADV_NORMAL) == Err(Errno::EINVAL);
        if unknown { Err(Errno::EINVAL.into()) } else { crate::solution::warm(mapping, file, range) }
    }
}

/// Takes any error for an older kernel.
///
/// fails: warm::another_error_is_told failed
mod takes_each_error_for_an_older_kernel {
    use super::*;

    pub fn warm(mapping: &Mapping, file: &File, range: Range<usize>) -> io::Result<()> {
        match crate::solution::warm(mapping, file, range) {
            Err(error) if error.raw_os_error() == Some(Errno::ENOMEM as i32) => Ok(()),
            answer => answer,
        }
    }
}

/// Loads the pages where madvise(2) fails with any error.
///
/// fails: warm::another_error_is_told failed
mod loads_after_each_error {
    use super::*;

    pub fn warm(mapping: &Mapping, file: &File, range: Range<usize>) -> io::Result<()> {
        match crate::solution::warm(mapping, file, range.clone()) {
            Err(error) if error.raw_os_error() != Some(Errno::EFAULT as i32) => {
                super::loads_past_the_end::warm(mapping, file, range)
            }
            answer => answer,
        }
    }
}

/// Rounds the start down, and leaves the length of the range as it is.
///
/// fails: warm::what_is_warm_takes_no_fault failed
mod leaves_out_the_last_page {
    use super::*;

    pub fn warm(mapping: &Mapping, file: &File, range: Range<usize>) -> io::Result<()> {
        if range.is_empty() {
            return Ok(());
        }
        let start = range.start - range.start % page_size();
        // SAFETY: pages of the mapping, of which no byte changes.
        match unsafe { madvise(mapping.pointer_to(start), range.len(), MmapAdvise::MADV_POPULATE_READ) } {
            Err(Errno::EINVAL) => crate::solution::warm(mapping, file, range),
            // The end of the range isn't past the file's end.
            Ok(()) if (range.end as u64) <= file.metadata()?.len().next_multiple_of(page_size() as u64) => Ok(()),
            Ok(()) => Err(Errno::EFAULT.into()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Where the kernel is an older one, loads a byte in each page from the start of the range on, and not its last.
///
/// fails: warm::on_an_older_kernel_too failed
mod steps_over_the_last_page {
    use super::*;

    pub fn warm(mapping: &Mapping, file: &File, range: Range<usize>) -> io::Result<()> {
        let answer = advise(mapping, MmapAdvise::MADV_NORMAL);
        let is_inside = (range.end as u64) <= file.metadata()?.len().next_multiple_of(page_size() as u64);
        if answer != Err(Errno::EINVAL) || !is_inside {
            return crate::solution::warm(mapping, file, range);
        }
        for at in range.step_by(page_size()) {
            let _ = mapping.load(at);
        }
        Ok(())
    }
}

/// Where the kernel is an older one, takes the page right after the file for the file's.
///
/// fails: warm::past_the_end_is_an_error killed
mod loads_one_page_too_far {
    use super::*;

    pub fn warm(mapping: &Mapping, file: &File, range: Range<usize>) -> io::Result<()> {
        match crate::solution::warm(mapping, file, range.clone()) {
            Err(error) if error.raw_os_error() == Some(Errno::EFAULT as i32) => {
                let is_old = advise(mapping, MmapAdvise::MADV_NORMAL) == Err(Errno::EINVAL);
                let last = range.end.saturating_sub(1) / page_size();
                if is_old && last as u64 <= file.metadata()?.len() / page_size() as u64 {
                    let _ = mapping.load(last * page_size());
                }
                Err(error)
            }
            answer => answer,
        }
    }
}

/// Opens the file again, and never closes that.
///
/// fails: warm::nothing_stays_mapped_or_open failed
mod keeps_the_file_open {
    use super::*;

    pub fn warm(mapping: &Mapping, file: &File, range: Range<usize>) -> io::Result<()> {
        std::mem::forget(file.try_clone()?);
        crate::solution::warm(mapping, file, range)
    }
}

/// Populates the whole mapping.
///
/// fails: warm::past_the_end_is_an_error failed
mod populates_it_all {
    use super::*;

    pub fn warm(mapping: &Mapping, file: &File, range: Range<usize>) -> io::Result<()> {
        if range.is_empty() {
            return Ok(());
        }
        crate::solution::warm(mapping, file, 0..mapping.length())
    }
}

/// Looks at the end of the file before it sees that there is nothing to do.
///
/// fails: warm::past_the_end_is_an_error failed
mod asks_of_nothing {
    use super::*;

    pub fn warm(mapping: &Mapping, file: &File, range: Range<usize>) -> io::Result<()> {
        if range.start as u64 >= file.metadata()?.len() {
            return Err(Errno::EFAULT.into());
        }
        crate::solution::warm(mapping, file, range)
    }
}

/// Keeps the file's length in 32 bits.
///
/// fails: warm::past_the_end_is_an_error failed
mod cuts_the_length {
    use super::*;

    pub fn warm(mapping: &Mapping, file: &File, range: Range<usize>) -> io::Result<()> {
        let length = file.metadata()?.len() as u32 as usize;
        if range.end > length.next_multiple_of(page_size()) {
            return Err(Errno::EFAULT.into());
        }
        crate::solution::warm(mapping, file, range)
    }
}

one_of! {
    pub fn warm(mapping: &Mapping, file: &File, range: Range<usize>) -> io::Result<()>;
    advises populates_for_stores loads_past_the_end knows_no_older_kernel takes_each_error_for_an_older_kernel
    loads_after_each_error leaves_out_the_last_page steps_over_the_last_page loads_one_page_too_far keeps_the_file_open
    populates_it_all asks_of_nothing cuts_the_length
}
