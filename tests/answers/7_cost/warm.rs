//! Answers to `warm`, right and wrong.

use std::fs::File;
use std::io;
use std::ops::Range;

use mmap_workbook::lesson_2::Mapping;
use mmap_workbook::lesson_7::advise;
use mmap_workbook::observe::page_size;
use nix::errno::Errno;
use nix::sys::mman::MmapAdvise;

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

one_of! {
    pub fn warm(mapping: &Mapping, file: &File, range: Range<usize>) -> io::Result<()>;
    advises populates_for_stores loads_past_the_end knows_no_older_kernel takes_each_error_for_an_older_kernel
}
