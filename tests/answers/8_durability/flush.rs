//! Answers to `flush`, right and wrong.

use std::io;
use std::ops::Range;

use mmap_workbook::lesson_2::Mapping;
use mmap_workbook::observe::{page_size, whole_pages};
use nix::errno::Errno;
use nix::sys::mman::{MsFlags, msync};

/// msync(2) of these bytes of a mapping.
fn sync(mapping: &Mapping, start: usize, length: usize, flags: MsFlags) -> Result<(), Errno> {
    let address = if length == 0 { mapping.pointer_to(0) } else { mapping.pointer_to(start) };
    // SAFETY: msync(2) changes no byte.
    unsafe { msync(address, length, flags) }
}

fn down(at: usize) -> usize {
    at - at % page_size()
}

/// Begins where the range begins, which is no page boundary.
///
/// fails: flush::syncs_the_pages_of_the_range_and_no_others failed
mod begins_in_the_middle_of_a_page {
    use super::*;

    pub fn flush(mapping: &Mapping, range: Range<usize>) -> io::Result<()> {
        if range.is_empty() {
            return Ok(());
        }
        if range.start != down(range.start) {
            return Err(Errno::EINVAL.into());
        }
        crate::solution::flush(mapping, range)
    }
}

/// Rounds the start down, and leaves the length as it is.
///
/// fails: flush::syncs_the_pages_of_the_range_and_no_others failed
mod leaves_out_the_last_page {
    use super::*;

    pub fn flush(mapping: &Mapping, range: Range<usize>) -> io::Result<()> {
        if range.is_empty() {
            return Ok(());
        }
        Ok(sync(mapping, down(range.start), range.len(), MsFlags::MS_SYNC)?)
    }
}

/// Rounds the end down.
///
/// fails: flush::syncs_the_pages_of_the_range_and_no_others failed
/// fails: flush::the_first_error_is_returned failed
mod rounds_the_end_down {
    use super::*;

    pub fn flush(mapping: &Mapping, range: Range<usize>) -> io::Result<()> {
        let start = down(range.start);
        let length = down(range.end).saturating_sub(start);
        if length == 0 {
            return Ok(());
        }
        Ok(sync(mapping, start, length, MsFlags::MS_SYNC)?)
    }
}

/// Takes a page too many where the range ends at a page boundary.
///
/// fails: flush::syncs_the_pages_of_the_range_and_no_others failed
mod one_page_too_many {
    use super::*;

    pub fn flush(mapping: &Mapping, range: Range<usize>) -> io::Result<()> {
        if range.is_empty() {
            return Ok(());
        }
        let start = down(range.start);
        let end = (range.end / page_size() + 1) * page_size();
        Ok(sync(mapping, start, end.min(mapping.range().len()) - start, MsFlags::MS_SYNC)?)
    }
}

/// Syncs the whole mapping.
///
/// fails: flush::syncs_the_pages_of_the_range_and_no_others failed
mod syncs_it_all {
    use super::*;

    pub fn flush(mapping: &Mapping, range: Range<usize>) -> io::Result<()> {
        if range.is_empty() {
            return Ok(());
        }
        crate::solution::flush(mapping, 0..mapping.length())
    }
}

/// Only asks for the pages to be written.
///
/// fails: flush::syncs_the_pages_of_the_range_and_no_others failed
mod asks_for_the_pages {
    use super::*;

    pub fn flush(mapping: &Mapping, range: Range<usize>) -> io::Result<()> {
        if range.is_empty() {
            return Ok(());
        }
        let start = down(range.start);
        Ok(sync(mapping, start, whole_pages(range.end) - start, MsFlags::MS_ASYNC)?)
    }
}

/// Takes an empty range for its page.
///
/// fails: flush::an_empty_range_makes_no_call failed
mod an_empty_range_has_a_page {
    use super::*;

    pub fn flush(mapping: &Mapping, range: Range<usize>) -> io::Result<()> {
        let start = down(range.start);
        Ok(sync(mapping, start, whole_pages(range.end) - start, MsFlags::MS_SYNC)?)
    }
}

/// Drops the error.
///
/// fails: flush::the_first_error_is_returned failed
mod drops_the_error {
    use super::*;

    pub fn flush(mapping: &Mapping, range: Range<usize>) -> io::Result<()> {
        let _ = crate::solution::flush(mapping, range);
        Ok(())
    }
}

/// Calls again after an error, and believes the second answer.
///
/// fails: flush::the_first_error_is_returned failed
mod tries_again {
    use super::*;

    pub fn flush(mapping: &Mapping, range: Range<usize>) -> io::Result<()> {
        crate::solution::flush(mapping, range.clone()).or_else(|_| crate::solution::flush(mapping, range))
    }
}

/// Makes an error of its own of each.
///
/// fails: flush::the_first_error_is_returned failed
mod an_error_of_its_own {
    use super::*;

    pub fn flush(mapping: &Mapping, range: Range<usize>) -> io::Result<()> {
        crate::solution::flush(mapping, range).map_err(|error| io::Error::other(format!("msync: {error}")))
    }
}

/// Syncs one page after the other, and goes on after an error.
///
/// fails: flush::the_first_error_is_returned failed
mod goes_on_after_an_error {
    use super::*;

    pub fn flush(mapping: &Mapping, range: Range<usize>) -> io::Result<()> {
        let mut answer = Ok(());
        for page in (down(range.start)..range.end).step_by(page_size()) {
            if range.is_empty() {
                break;
            }
            answer = answer.and(sync(mapping, page, page_size(), MsFlags::MS_SYNC));
        }
        Ok(answer?)
    }
}

/// Takes ENOMEM for no error.
///
/// fails: flush::the_first_error_is_returned failed
mod takes_enomem_for_no_error {
    use super::*;

    pub fn flush(mapping: &Mapping, range: Range<usize>) -> io::Result<()> {
        match crate::solution::flush(mapping, range) {
            Err(error) if error.raw_os_error() == Some(Errno::ENOMEM as i32) => Ok(()),
            answer => answer,
        }
    }
}

/// Syncs one page after the other.
///
/// passes
mod page_by_page {
    use super::*;

    pub fn flush(mapping: &Mapping, range: Range<usize>) -> io::Result<()> {
        if range.is_empty() {
            return Ok(());
        }
        for page in (down(range.start)..range.end).step_by(page_size()) {
            sync(mapping, page, page_size(), MsFlags::MS_SYNC)?;
        }
        Ok(())
    }
}

/// Gives a length that is no multiple of the page size: msync(2) rounds it up.
///
/// passes
mod leaves_the_end_to_the_kernel {
    use super::*;

    pub fn flush(mapping: &Mapping, range: Range<usize>) -> io::Result<()> {
        if range.is_empty() {
            return Ok(());
        }
        let start = down(range.start);
        Ok(sync(mapping, start, range.end - start, MsFlags::MS_SYNC | MsFlags::MS_INVALIDATE)?)
    }
}

one_of! {
    pub fn flush(mapping: &Mapping, range: Range<usize>) -> io::Result<()>;
    begins_in_the_middle_of_a_page leaves_out_the_last_page rounds_the_end_down one_page_too_many syncs_it_all asks_for_the_pages
    an_empty_range_has_a_page drops_the_error tries_again an_error_of_its_own goes_on_after_an_error
    takes_enomem_for_no_error page_by_page leaves_the_end_to_the_kernel
}
