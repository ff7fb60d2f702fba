//! Answers to `parts`, right and wrong.

use mmap_workbook::observe::{page_size, page_size_u64};
use nix::errno::Errno;

use crate::solution::Parts;

/// Lets the bus errors begin right after the last byte of the file.
///
/// fails: parts::has_room_for_large_numbers failed bus-error-after-the-last-byte
/// fails: parts::says_what_the_kernel_says failed bus-error-after-the-last-byte
mod bus_error_after_the_last_byte {
    use super::*;

    /// The size decides, to the byte.
    ///
    /// # Errors
    /// EINVAL, ENOMEM.
    pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
        if length == 0 || !offset.is_multiple_of(page_size_u64()) {
            return Err(Errno::EINVAL);
        }
        let mapped = length.checked_next_multiple_of(page_size()).ok_or(Errno::ENOMEM)?;
        let end = usize::try_from(file_size.saturating_sub(offset)).unwrap_or(usize::MAX).min(mapped);
        Ok(Parts { file: 0..end, rest: end..end, no_page: end..mapped })
    }
}

/// Counts the file from its start, wherever the mapping begins.
///
/// fails: parts::has_room_for_large_numbers failed
/// fails: parts::says_what_the_kernel_says failed
mod forgets_the_offset {
    use super::*;

    /// As if every mapping began at the file's first byte.
    ///
    /// # Errors
    /// EINVAL, ENOMEM.
    pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
        if !offset.is_multiple_of(page_size_u64()) {
            return Err(Errno::EINVAL);
        }
        crate::solution::parts(file_size, 0, length)
    }
}

/// Knows the numbers in the checks by heart, and no others.
///
/// fails: parts::says_what_the_kernel_says failed
mod knows_the_checks_examples {
    use super::*;

    /// The table of the checks.
    ///
    /// # Errors
    /// EINVAL, ENOMEM.
    pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
        let by_heart = length == 0 || offset % 2 == 1 || offset == 512 || file_size > 1 << 30 || length > 1 << 30;
        if by_heart {
            return crate::solution::parts(file_size, offset, length);
        }
        Ok(Parts { file: 0..1, rest: 1..page_size(), no_page: page_size()..2 * page_size() })
    }
}

/// Keeps lengths in an `int`, as the study notes do: 3 GiB are negative, 5 GiB are one.
///
/// fails: parts::has_room_for_large_numbers failed int-holds-a-size
mod lengths_in_an_int {
    use super::*;

    /// Sums of 32 bits.
    ///
    /// # Errors
    /// EINVAL, ENOMEM.
    #[expect(clippy::cast_possible_truncation, reason = "it is the mistake")]
    pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
        let right = crate::solution::parts(file_size, offset, length)?;
        let int = |n: u64| u64::try_from(n as i32).unwrap_or(0);
        crate::solution::parts(int(file_size), int(offset), length).or(Ok(right))
    }
}

/// Takes the length that was asked for as the end of the mapping.
///
/// fails: parts::has_room_for_large_numbers failed mapping-ends-at-its-length
/// fails: parts::refuses_what_mmap_refuses failed
/// fails: parts::says_what_the_kernel_says failed mapping-ends-at-its-length
mod mapping_as_long_as_asked {
    use super::*;

    /// Nothing is mapped past `length`.
    ///
    /// # Errors
    /// EINVAL.
    pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
        if length == 0 || !offset.is_multiple_of(page_size_u64()) {
            return Err(Errno::EINVAL);
        }
        let end = usize::try_from(file_size.saturating_sub(offset)).unwrap_or(usize::MAX).min(length);
        let in_pages = end.checked_next_multiple_of(page_size()).unwrap_or(length).min(length);
        Ok(Parts { file: 0..end, rest: end..in_pages, no_page: in_pages..length })
    }
}

/// Divides by the page size and adds one: a file that ends at a page boundary gets a page too many.
///
/// fails: parts::has_room_for_large_numbers failed
/// fails: parts::says_what_the_kernel_says failed
mod one_page_too_many_at_a_boundary {
    use super::*;

    /// `size / page + 1` pages.
    ///
    /// # Errors
    /// EINVAL, ENOMEM.
    pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
        let right = crate::solution::parts(file_size, offset, length)?;
        let (end, mapped) = (right.file.end, right.no_page.end);
        let in_pages = ((end / page_size() + 1) * page_size()).min(mapped);
        Ok(Parts { file: 0..end, rest: end..in_pages, no_page: in_pages..mapped })
    }
}

one_of! {
    pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno>;
    bus_error_after_the_last_byte forgets_the_offset knows_the_checks_examples lengths_in_an_int
    mapping_as_long_as_asked one_page_too_many_at_a_boundary
}
