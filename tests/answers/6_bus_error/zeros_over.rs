//! Answers to `zeros_over`, right and wrong.

use std::fs::File;
use std::io::Write;
use std::num::NonZeroUsize;
use std::ptr::NonNull;

use mmap_workbook::lesson_2::READ_WRITE;
use mmap_workbook::observe::page_size;
use nix::errno::Errno;
use nix::sys::mman::{MapFlags, mmap_anonymous, munmap};

/// Rounds a length up to two pages: the next page is replaced as well.
///
/// fails: zeros_over::replaces_the_page_and_no_other failed
mod covers_the_next_page_too {
    use super::*;

    /// A length of one page and a byte, to be sure.
    ///
    /// # Errors
    /// That of mmap(2).
    ///
    /// # Safety
    /// As the right one.
    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
        let start = NonZeroUsize::new(address - address % page_size());
        let length = NonZeroUsize::new(page_size() + 1).ok_or(Errno::EINVAL)?;
        // SAFETY: the caller's promise.
        unsafe { mmap_anonymous(start, length, READ_WRITE, MapFlags::MAP_PRIVATE | MapFlags::MAP_FIXED) }.map(drop)
    }
}

/// Does not round the address down to a page boundary.
///
/// fails: zeros_over::helps_where_the_file_has_no_page failed
/// fails: zeros_over::replaces_the_page_and_no_other failed
mod gives_the_address_as_it_is {
    use super::*;

    /// The address that faulted is the one to map at.
    ///
    /// # Errors
    /// That of mmap(2).
    ///
    /// # Safety
    /// As the right one.
    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
        let start = NonZeroUsize::new(address);
        let length = NonZeroUsize::new(page_size()).ok_or(Errno::EINVAL)?;
        // SAFETY: the caller's promise.
        unsafe { mmap_anonymous(start, length, READ_WRITE, MapFlags::MAP_PRIVATE | MapFlags::MAP_FIXED) }.map(drop)
    }
}

/// Prints a message, in a function that a signal handler calls.
///
/// fails: zeros_over::is_one_call_of_mmap failed handler-is-like-any-function
mod prints_in_the_handler {
    use super::*;

    /// A message helps to find out what happened.
    ///
    /// # Errors
    /// That of mmap(2).
    ///
    /// # Safety
    /// As the right one.
    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
        // To /dev/null, so that it disturbs no output.
        if let Ok(mut log) = File::options().write(true).open("/dev/null") {
            let _ = writeln!(log, "no page at {address:#x}");
        }
        // SAFETY: the caller's promise.
        unsafe { crate::solution::zeros_over(address) }
    }
}

/// Stores zeros to the page: that changes the file, or kills where there is no page.
///
/// fails: zeros_over::helps_where_the_file_has_no_page killed
/// fails: zeros_over::is_one_call_of_mmap failed
/// fails: zeros_over::replaces_the_page_and_no_other failed
mod stores_zeros_there {
    use super::*;

    /// memset(3) makes zeros.
    ///
    /// # Errors
    /// None.
    ///
    /// # Safety
    /// As the right one.
    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
        let page = std::ptr::with_exposed_provenance_mut::<u8>(address - address % page_size());
        // SAFETY: the caller's promise.
        unsafe { page.write_bytes(0, page_size()) };
        Ok(())
    }
}

/// Passes the address to mmap(2) without MAP_FIXED: the zeros are mapped somewhere else.
///
/// fails: zeros_over::helps_where_the_file_has_no_page killed
/// fails: zeros_over::replaces_the_page_and_no_other failed address-is-an-order
mod takes_a_hint_for_an_order {
    use super::*;

    /// The address says where.
    ///
    /// # Errors
    /// That of mmap(2).
    ///
    /// # Safety
    /// As the right one.
    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
        let start = NonZeroUsize::new(address - address % page_size());
        let length = NonZeroUsize::new(page_size()).ok_or(Errno::EINVAL)?;
        // SAFETY: the caller's promise.
        unsafe { mmap_anonymous(start, length, READ_WRITE, MapFlags::MAP_PRIVATE) }.map(drop)
    }
}

/// Unmaps the page and then maps another: for a moment the addresses are free.
///
/// fails: zeros_over::is_one_call_of_mmap failed addresses-wait-for-me
mod unmaps_first {
    use super::*;

    /// Room first.
    ///
    /// # Errors
    /// That of mmap(2).
    ///
    /// # Safety
    /// As the right one.
    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
        let there = std::ptr::with_exposed_provenance_mut(address - address % page_size());
        let there = NonNull::new(there).ok_or(Errno::EINVAL)?;
        // SAFETY: the caller's promise.
        unsafe { munmap(there, page_size()) }?;
        let start = NonZeroUsize::new(address - address % page_size());
        let length = NonZeroUsize::new(page_size()).ok_or(Errno::EINVAL)?;
        // SAFETY: the caller's promise.
        unsafe { mmap_anonymous(start, length, READ_WRITE, MapFlags::MAP_PRIVATE | MapFlags::MAP_FIXED) }.map(drop)
    }
}

one_of! {
    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno>;
    covers_the_next_page_too gives_the_address_as_it_is prints_in_the_handler stores_zeros_there
    takes_a_hint_for_an_order unmaps_first
}
