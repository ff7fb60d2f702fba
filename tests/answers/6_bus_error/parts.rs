use std::ops::Range;

use mmap_workbook::lesson_2::{Mapping, Sharing};
use mmap_workbook::observe::{page_size, page_size_u64, whole_pages};
use nix::errno::Errno;
use nix::sys::mman::ProtFlags;

use crate::solution::Parts;

/// The errors, and else the length in whole pages.
fn checked(offset: u64, length: usize) -> Result<usize, Errno> {
    if length == 0 || !offset.is_multiple_of(page_size_u64()) {
        return Err(Errno::EINVAL);
    }
    length.checked_next_multiple_of(page_size()).ok_or(Errno::ENOMEM)
}

/// The bytes of the file in a mapping of `mapped` bytes.
fn shown(file_size: u64, offset: u64, mapped: usize) -> usize {
    usize::try_from(file_size.saturating_sub(offset)).unwrap_or(usize::MAX).min(mapped)
}

fn narrow(n: u64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

fn in_order(file: usize, rest: usize, no_page: usize) -> Parts {
    Parts { file: 0..file, rest: file..rest, no_page: rest..no_page }
}

/// The length in whole pages, or the error that the contract names.
fn mapped(offset: u64, length: usize) -> Result<usize, Errno> {
    if length == 0 || !offset.is_multiple_of(page_size_u64()) {
        return Err(Errno::EINVAL);
    }
    length.checked_next_multiple_of(page_size()).ok_or(Errno::ENOMEM)
}

/// The parts from their three ends.
fn from_ends(file: usize, rest: usize, mapped: usize) -> Parts {
    Parts { file: 0..file, rest: file..rest, no_page: rest..mapped }
}

/// The end of the mapping, after the errors in their order.
fn end_of_mapping(offset: u64, length: usize) -> Result<usize, Errno> {
    if length == 0 || !offset.is_multiple_of(page_size_u64()) {
        return Err(Errno::EINVAL);
    }
    length.checked_next_multiple_of(page_size()).ok_or(Errno::ENOMEM)
}

/// The bytes of the file from `offset` on, as far as the mapping reaches.
fn file_bytes(file_size: u64, offset: u64, end: usize) -> usize {
    usize::try_from(file_size.saturating_sub(offset)).map_or(end, |left| left.min(end))
}

fn three(file: usize, rest: usize, end: usize) -> Result<Parts, Errno> {
    Ok(Parts { file: 0..file, rest: file..rest, no_page: rest..end })
}

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
/// fails: parts::has_room_for_large_numbers failed
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

/// Clips first, so that nothing can overflow afterwards.
///
/// passes
mod clips_first {
    use super::*;

    pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
        let mapped = checked(offset, length)?;
        let file = shown(file_size, offset, mapped);
        Ok(in_order(file, whole_pages(file), mapped))
    }
}

/// Does everything in 128 bits, where none of the sums overflows, and clips at the end.
///
/// passes
mod in_128_bits {
    use super::*;

    pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
        let page = page_size() as u128;
        let (size, offset, length) = (u128::from(file_size), u128::from(offset), length as u128);
        if length == 0 || offset % page > 0 {
            return Err(Errno::EINVAL);
        }
        let mapped = length.div_ceil(page) * page;
        let end = usize::try_from(mapped).map_err(|_| Errno::ENOMEM)?;
        let place = |at: u128| at.saturating_sub(offset).min(mapped) as usize;
        Ok(in_order(place(size), place(size.div_ceil(page) * page), end))
    }
}

/// Counts pages, and treats the last page of the file as a special case; ranges meet by being built from one another.
///
/// passes
mod counts_pages {
    use super::*;

    pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
        let page = page_size_u64();
        if length == 0 || offset & (page - 1) != 0 {
            return Err(Errno::EINVAL);
        }
        let pages = length.div_ceil(page_size()) as u64;
        let end = pages.checked_mul(page).ok_or(Errno::ENOMEM).map(narrow)?;
        let (first, full, tail) = (offset / page, file_size / page, file_size % page);
        let (file, rest) = if full >= first && full - first >= pages {
            (end, end)
        } else if full >= first && tail > 0 {
            let start = (full - first) * page;
            (narrow(start + tail), narrow(start + page))
        } else {
            let end = narrow(full.saturating_sub(first) * page);
            (end, end)
        };
        Ok(in_order(file, rest, end))
    }
}

/// Asks for the memory before it looks at the offset.
///
/// breaks: "EINVAL where EINVAL and ENOMEM both apply."
/// fails: parts::refuses_what_mmap_refuses failed
mod enomem_before_einval {
    use super::*;

    pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
        let mapped = length.checked_next_multiple_of(page_size()).ok_or(Errno::ENOMEM)?;
        checked(offset, length)?;
        let file = shown(file_size, offset, mapped);
        Ok(in_order(file, whole_pages(file), mapped))
    }
}

/// The bytes of the file end where the asked length ends, although the page goes on with the file's bytes.
///
/// breaks: "Bytes of the file: a load gives the file's byte, and a store changes it."
/// fails: parts::has_room_for_large_numbers failed
/// fails: parts::says_what_the_kernel_says failed
mod file_ends_at_the_length {
    use super::*;

    pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
        let mapped = checked(offset, length)?;
        let file = shown(file_size, offset, length);
        Ok(in_order(file, whole_pages(file), mapped))
    }
}

/// The pages that are missing end at the asked length, in the middle of a page.
///
/// breaks: "every byte before that belongs to one of the parts"
/// fails: parts::has_room_for_large_numbers failed mapping-ends-at-its-length
/// fails: parts::says_what_the_kernel_says failed mapping-ends-at-its-length
mod mapping_ends_at_the_length {
    use super::*;

    pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
        let mapped = checked(offset, length)?;
        let file = shown(file_size, offset, mapped);
        let rest = whole_pages(file);
        Ok(in_order(file, rest, length.max(rest)))
    }
}

/// The page after the last byte: a file of whole pages gets one page of rest too many.
///
/// breaks: "The rest of the file's last page"
/// fails: parts::has_room_for_large_numbers failed
/// fails: parts::says_what_the_kernel_says failed
mod rest_of_a_full_page {
    use super::*;

    pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
        let mapped = checked(offset, length)?;
        let file = shown(file_size, offset, mapped);
        let rest = if file == 0 { 0 } else { (file / page_size() + 1).saturating_mul(page_size()).min(mapped) };
        Ok(in_order(file, rest, mapped))
    }
}

/// Takes the rest from the file's size alone, so there is one even when the file's last page lies before the mapping.
///
/// breaks: "parts(10, P, 1) -> file 0..0, rest 0..0, no_page 0..P"
/// fails: parts::has_room_for_large_numbers failed
/// fails: parts::says_what_the_kernel_says failed
mod rest_without_its_page {
    use super::*;

    pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
        let mapped = checked(offset, length)?;
        let file = shown(file_size, offset, mapped);
        let tail = narrow(file_size % page_size_u64());
        let rest = if tail == 0 || file == mapped { file } else { file + page_size() - tail };
        Ok(in_order(file, rest.min(mapped), mapped))
    }
}

/// Subtracts as signed numbers, as off_t does: a size beyond 2^63 - 1 is negative, and the file empty.
///
/// breaks: "The result is right for every `file_size` and every page-aligned `offset`, up to `u64::MAX`."
/// fails: parts::has_room_for_large_numbers failed
mod signed_sizes {
    use super::*;

    pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
        let mapped = checked(offset, length)?;
        let left = file_size.cast_signed().saturating_sub(offset.cast_signed()).max(0);
        let file = narrow(left.cast_unsigned()).min(mapped);
        Ok(in_order(file, whole_pages(file), mapped))
    }
}

/// Rounds the file's size up to whole pages before it clips: a file of nearly 2^64 bytes overflows.
///
/// breaks: "The call never panics."
/// fails: parts::has_room_for_large_numbers panicked
mod rounds_the_size_first {
    use super::*;

    pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
        let mapped = checked(offset, length)?;
        let file = shown(file_size, offset, mapped);
        let pages = file_size.next_multiple_of(page_size_u64());
        Ok(in_order(file, shown(pages, offset, mapped), mapped))
    }
}

/// Subtracts the offset from the size without a thought for an offset past the end.
///
/// breaks: "The call never panics."
/// fails: parts::has_room_for_large_numbers panicked
/// fails: parts::says_what_the_kernel_says panicked
mod offset_past_the_end_underflows {
    use super::*;

    pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
        let mapped = checked(offset, length)?;
        let file = narrow((file_size - offset).min(mapped as u64));
        Ok(in_order(file, whole_pages(file), mapped))
    }
}

/// Walks the mapping page by page, which for a length of 2^60 never ends.
///
/// breaks: "It takes no longer for large numbers."
/// fails: parts::has_room_for_large_numbers timed_out
mod walks_the_pages {
    use super::*;

    pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
        let mapped = checked(offset, length)?;
        let (mut file, mut rest) = (0, 0);
        for page in (0..mapped).step_by(page_size()) {
            let here = shown(file_size, offset, mapped).saturating_sub(page).min(page_size());
            if here == 0 {
                continue;
            }
            file = page + here;
            rest = page + page_size();
        }
        Ok(in_order(file, rest, mapped))
    }
}

/// A part that does not exist is always 0..0, wherever its neighbours are.
///
/// breaks: "Each range begins where the one before it ends"
/// fails: parts::has_room_for_large_numbers failed
/// fails: parts::says_what_the_kernel_says failed
mod empty_parts_at_zero {
    use super::*;

    pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
        let mapped = checked(offset, length)?;
        let file = shown(file_size, offset, mapped);
        let Parts { file, rest, no_page } = in_order(file, whole_pages(file), mapped);
        let or_zero = |part: std::ops::Range<usize>| if part.is_empty() { 0..0 } else { part };
        Ok(Parts { file: or_zero(file), rest: or_zero(rest), no_page: or_zero(no_page) })
    }
}

/// Refuses the longest length that still fits: its test for the overflow is off by one.
///
/// breaks: "ENOMEM, as from mmap(2), when `length`, rounded up to whole pages, does not fit in a `usize`."
/// fails: parts::has_room_for_large_numbers failed
mod enomem_one_too_early {
    use super::*;

    pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
        if length > usize::MAX - page_size() {
            checked(offset, 1)?;
            return Err(Errno::ENOMEM);
        }
        let mapped = checked(offset, length)?;
        let file = shown(file_size, offset, mapped);
        Ok(in_order(file, whole_pages(file), mapped))
    }
}

/// Rounds with the mask of the kernel's PAGE_ALIGN, which wraps to 0, and so calls the longest lengths invalid.
///
/// breaks: "ENOMEM, as from mmap(2), when `length`, rounded up to whole pages, does not fit in a `usize`."
/// fails: parts::refuses_what_mmap_refuses failed
mod page_align_wraps {
    use super::*;

    pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
        let mapped = length.wrapping_add(page_size() - 1) & !(page_size() - 1);
        if mapped == 0 || !offset.is_multiple_of(page_size_u64()) {
            return Err(Errno::EINVAL);
        }
        let file = shown(file_size, offset, mapped);
        Ok(in_order(file, whole_pages(file), mapped))
    }
}

/// Refuses what the kernel would refuse: an end of the range past the largest offset.
///
/// breaks: "No other limit of mmap(2) counts: not the size of the address space, not the largest offset."
/// fails: parts::has_room_for_large_numbers failed
mod offset_plus_length_overflows {
    use super::*;

    pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
        let mapped = checked(offset, length)?;
        let end = offset.checked_add(mapped as u64).ok_or(Errno::ENOMEM)?;
        let file = file_size.clamp(offset, end) - offset;
        Ok(in_order(narrow(file), whole_pages(narrow(file)), mapped))
    }
}

/// Takes an offset at or past the end of the file for an invalid one, as a read that finds nothing.
///
/// breaks: "EINVAL, as from mmap(2), when `length` is 0, or `offset` is not a multiple of the page size."
/// fails: parts::has_room_for_large_numbers failed
/// fails: parts::says_what_the_kernel_says failed
mod einval_past_the_end {
    use super::*;

    pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
        let mapped = checked(offset, length)?;
        if offset > 0 && offset >= file_size {
            return Err(Errno::EINVAL);
        }
        let file = shown(file_size, offset, mapped);
        Ok(in_order(file, whole_pages(file), mapped))
    }
}

/// Computes with floating-point numbers, which have 53 bits.
///
/// breaks: "The result is right for every `file_size` and every page-aligned `offset`, up to `u64::MAX`."
/// fails: parts::has_room_for_large_numbers failed
mod in_floating_point {
    use super::*;

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is the mistake")]
    pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
        let mapped = checked(offset, length)?;
        let left = (file_size as f64 - offset as f64).clamp(0.0, mapped as f64);
        let page = page_size() as f64;
        let rest = (left / page).ceil() * page;
        let file = (left as usize).min(mapped);
        Ok(in_order(file, (rest as usize).clamp(file, mapped), mapped))
    }
}

/// Masks the offset with 511, the size of a sector, as an I/O programmer would.
///
/// breaks: "EINVAL, as from mmap(2), when `length` is 0, or `offset` is not a multiple of the page size."
/// fails: parts::refuses_what_mmap_refuses failed
mod offset_of_a_sector {
    use super::*;

    pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
        if !offset.is_multiple_of(512) {
            return Err(Errno::EINVAL);
        }
        let mapped = checked(0, length)?;
        let file = shown(file_size, offset, mapped);
        Ok(in_order(file, whole_pages(file), mapped))
    }
}

/// Subtracts the offset from the size and cuts the difference at the end of the mapping.
///
/// passes
mod saturates {
    use super::*;

    pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
        let mapped = mapped(offset, length)?;
        let left = file_size.saturating_sub(offset);
        let file = usize::try_from(left).map_or(mapped, |left| left.min(mapped));
        Ok(from_ends(file, file.next_multiple_of(page_size()), mapped))
    }
}

/// Calculates with 128 bits and clamps both ends into the mapping at the end.
///
/// passes
mod wide_numbers {
    use super::*;

    pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
        let page = page_size() as i128;
        if length == 0 || offset as i128 % page != 0 {
            return Err(Errno::EINVAL);
        }
        let end = (length as i128 + page - 1) / page * page;
        let whole = usize::try_from(end).map_err(|_| Errno::ENOMEM)?;
        let inside = |at: i128| at.clamp(0, end) as usize;
        let file = file_size as i128 - offset as i128;
        Ok(from_ends(inside(file), inside((file_size as i128 + page - 1) / page * page - offset as i128), whole))
    }
}

/// Counts pages from 0 on and looks only at the page where the file ends.
///
/// passes
mod counts_pages_2 {
    use super::*;

    pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
        let mapped = mapped(offset, length)?;
        let (whole, first) = (file_size / page_size_u64(), offset / page_size_u64());
        let pages = (mapped / page_size()) as u64;
        if whole < first {
            return Ok(from_ends(0, 0, mapped));
        }
        if whole - first >= pages {
            return Ok(from_ends(mapped, mapped, mapped));
        }
        let start = (whole - first) as usize * page_size();
        let odd = (file_size % page_size_u64()) as usize;
        Ok(from_ends(start + odd, start + if odd > 0 { page_size() } else { 0 }, mapped))
    }
}

/// Lets the file's bytes end at the length that was asked for, although the mapping shows whole pages.
///
/// breaks: "The mapping ends at `length`, rounded up to whole pages: every byte before that belongs to one of the parts."
/// fails: parts::has_room_for_large_numbers failed
/// fails: parts::says_what_the_kernel_says failed
mod file_ends_at_length {
    use super::*;

    pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
        let mapped = mapped(offset, length)?;
        let file = file_size.saturating_sub(offset).min(length as u64) as usize;
        Ok(from_ends(file, file.next_multiple_of(page_size()), mapped))
    }
}

/// Rounds the file's size up before it subtracts, which overflows in the last page below 2^64.
///
/// breaks: "The call never panics."
/// fails: parts::has_room_for_large_numbers panicked
mod rounds_the_size_up {
    use super::*;

    pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
        let mapped = mapped(offset, length)?;
        let pages = file_size.div_ceil(page_size_u64()) * page_size_u64();
        let cut = |end: u64| end.saturating_sub(offset).min(mapped as u64) as usize;
        Ok(from_ends(cut(file_size), cut(pages), mapped))
    }
}

/// Rounds the length up with the usual mask, and so lets the largest lengths become 0.
///
/// breaks: "ENOMEM, as from mmap(2), when `length`, rounded up to whole pages, does not fit in a `usize`."
/// fails: parts::refuses_what_mmap_refuses failed
mod mask_wraps_around {
    use super::*;

    pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
        if length == 0 || !offset.is_multiple_of(page_size_u64()) {
            return Err(Errno::EINVAL);
        }
        let mapped = length.wrapping_add(page_size() - 1) & !(page_size() - 1);
        let file = file_size.saturating_sub(offset).min(mapped as u64) as usize;
        Ok(from_ends(file, file.next_multiple_of(page_size()), mapped))
    }
}

/// Looks at the length alone first, and so has ENOMEM where the offset is odd, too.
///
/// breaks: "EINVAL where EINVAL and ENOMEM both apply."
/// fails: parts::refuses_what_mmap_refuses failed
mod no_memory_first {
    use super::*;

    pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
        let mapped = length.checked_next_multiple_of(page_size()).ok_or(Errno::ENOMEM)?;
        if length == 0 || !offset.is_multiple_of(page_size_u64()) {
            return Err(Errno::EINVAL);
        }
        let file = file_size.saturating_sub(offset).min(mapped as u64) as usize;
        Ok(from_ends(file, file.next_multiple_of(page_size()), mapped))
    }
}

/// Refuses what off_t can't express, as the real call does.
///
/// breaks: "No other limit of mmap(2) counts: not the size of the address space, not the largest offset."
/// fails: parts::has_room_for_large_numbers failed
mod offset_must_be_off_t {
    use super::*;

    pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
        let mapped = mapped(offset, length)?;
        i64::try_from(offset).map_err(|_| Errno::EOVERFLOW)?;
        let file = file_size.saturating_sub(offset).min(mapped as u64) as usize;
        Ok(from_ends(file, file.next_multiple_of(page_size()), mapped))
    }
}

/// Refuses lengths above isize::MAX, which no Rust allocation can have.
///
/// breaks: "No other limit of mmap(2) counts: not the size of the address space, not the largest offset."
/// fails: parts::has_room_for_large_numbers failed
mod length_must_be_isize {
    use super::*;

    pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
        let mapped = mapped(offset, length)?;
        if isize::try_from(mapped).is_err() {
            return Err(Errno::ENOMEM);
        }
        let file = file_size.saturating_sub(offset).min(mapped as u64) as usize;
        Ok(from_ends(file, file.next_multiple_of(page_size()), mapped))
    }
}

/// Takes the page after the last full one for the last page, even if the file ends exactly at its boundary.
///
/// breaks: "Pages that the file does not have: a load or a store raises SIGBUS."
/// fails: parts::has_room_for_large_numbers failed
/// fails: parts::says_what_the_kernel_says failed
mod always_a_partial_page {
    use super::*;

    pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
        let mapped = mapped(offset, length)?;
        let file = file_size.saturating_sub(offset).min(mapped as u64) as usize;
        let rest = if file_size > offset { (file / page_size() + 1).saturating_mul(page_size()) } else { 0 };
        Ok(from_ends(file, rest.min(mapped), mapped))
    }
}

/// Writes every part that does not exist as 0..0, wherever its neighbours are.
///
/// breaks: "Each range begins where the one before it ends: `file` begins at 0, and `no_page` ends where the mapping ends."
/// fails: parts::has_room_for_large_numbers failed
/// fails: parts::says_what_the_kernel_says failed
mod empty_parts_at_zero_2 {
    use super::*;

    pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
        let mapped = mapped(offset, length)?;
        let file = file_size.saturating_sub(offset).min(mapped as u64) as usize;
        let Parts { file, rest, no_page } = from_ends(file, file.next_multiple_of(page_size()), mapped);
        let tidy = |range: std::ops::Range<usize>| if range.is_empty() { 0..0 } else { range };
        Ok(Parts { file: tidy(file), rest: tidy(rest), no_page: tidy(no_page) })
    }
}

/// Subtracts as signed numbers, so that a file of more than 2^63 bytes has none.
///
/// breaks: "The result is right for every `file_size` and every page-aligned `offset`, up to `u64::MAX`."
/// fails: parts::has_room_for_large_numbers failed
mod signed_difference {
    use super::*;

    pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
        let mapped = mapped(offset, length)?;
        let left = (file_size as i64).wrapping_sub(offset as i64).max(0) as u64;
        let file = left.min(mapped as u64) as usize;
        Ok(from_ends(file, file.next_multiple_of(page_size()), mapped))
    }
}

/// Subtracts without a look at which is larger: before a file that ends earlier it finds almost 2^64 bytes.
///
/// breaks: "Pages that the file does not have: a load or a store raises SIGBUS."
/// fails: parts::has_room_for_large_numbers failed
/// fails: parts::says_what_the_kernel_says failed
mod wraps_past_the_end {
    use super::*;

    pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
        let mapped = mapped(offset, length)?;
        let file = file_size.wrapping_sub(offset).min(mapped as u64) as usize;
        Ok(from_ends(file, file.next_multiple_of(page_size()), mapped))
    }
}

/// Refuses an offset past the end of the file, which mmap(2) doesn't.
///
/// breaks: "EINVAL, as from mmap(2), when `length` is 0, or `offset` is not a multiple of the page size."
/// fails: parts::has_room_for_large_numbers failed
/// fails: parts::says_what_the_kernel_says failed
mod refuses_past_the_end {
    use super::*;

    pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
        let mapped = mapped(offset, length)?;
        let left = file_size.checked_sub(offset).ok_or(Errno::EINVAL)?;
        let file = left.min(mapped as u64) as usize;
        Ok(from_ends(file, file.next_multiple_of(page_size()), mapped))
    }
}

/// Rounds with floating-point numbers, which have 53 bits.
///
/// breaks: "The result is right for every `file_size` and every page-aligned `offset`, up to `u64::MAX`."
/// fails: parts::has_room_for_large_numbers failed
mod ceil_of_a_float {
    use super::*;

    pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
        let mapped = mapped(offset, length)?;
        let page = page_size() as f64;
        let cut = |end: f64| (end as u64).saturating_sub(offset).min(mapped as u64) as usize;
        let rest = cut((file_size as f64 / page).ceil() * page);
        Ok(from_ends(cut(file_size as f64).min(rest), rest, mapped))
    }
}

/// Counts the rest of the page as one page only when it isn't the mapping's last: there it stops at the length.
///
/// breaks: "every byte before that belongs to one of the parts"
/// fails: parts::has_room_for_large_numbers failed
/// fails: parts::says_what_the_kernel_says failed bus-error-after-the-last-byte
mod rest_ends_at_length {
    use super::*;

    pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
        let mapped = mapped(offset, length)?;
        let file = file_size.saturating_sub(offset).min(mapped as u64) as usize;
        let rest = file.next_multiple_of(page_size());
        let no_page = if rest < mapped { rest..mapped } else { rest.min(length).max(file)..rest.min(length).max(file) };
        Ok(Parts { file: 0..file, rest: file..no_page.start, no_page })
    }
}

/// Limits the file's bytes to the mapping first, so that rounding them up can't overflow.
///
/// passes
mod limits_then_rounds {
    use super::*;

    pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
        let end = end_of_mapping(offset, length)?;
        let file = file_bytes(file_size, offset, end);
        three(file, file.next_multiple_of(page_size()), end)
    }
}

/// Calculates in u128, where nothing overflows, and converts at the end.
///
/// passes
mod in_u128 {
    use super::*;

    pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
        let page = page_size() as u128;
        if length == 0 || u128::from(offset) % page != 0 {
            return Err(Errno::EINVAL);
        }
        let end = (length as u128).div_ceil(page) * page;
        usize::try_from(end).map_err(|_| Errno::ENOMEM)?;
        let file = u128::from(file_size).saturating_sub(u128::from(offset)).min(end);
        let rest = file.div_ceil(page) * page;
        three(file as usize, rest as usize, end as usize)
    }
}

/// Finds the first page that the file does not have by bisection over the pages.
///
/// passes
mod bisects {
    use super::*;

    pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
        let end = end_of_mapping(offset, length)?;
        let left = file_size.saturating_sub(offset);
        let (mut there, mut missing) = (0, end / page_size());
        while there < missing {
            let middle = there + (missing - there) / 2;
            if ((middle * page_size()) as u64) < left { there = middle + 1 } else { missing = middle }
        }
        let rest = there * page_size();
        let file = if left < rest as u64 { left as usize } else { rest };
        three(file, rest, end)
    }
}

/// Rounds the file's size up before anything limits it, and panics for sizes in the last page below 2^64.
///
/// breaks: "The call never panics."
/// fails: parts::has_room_for_large_numbers panicked
mod rounds_the_file_size {
    use super::*;

    pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
        let end = end_of_mapping(offset, length)?;
        let file = file_bytes(file_size, offset, end);
        let pages = file_size.next_multiple_of(page_size_u64());
        three(file, file_bytes(pages, offset, end), end)
    }
}

/// Refuses what mmap(2) refuses with EOVERFLOW, an end of the range past the largest offset.
///
/// breaks: "No other limit of mmap(2) counts: not the size of the address space, not the largest offset."
/// fails: parts::has_room_for_large_numbers failed
mod largest_offset {
    use super::*;

    pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
        let end = end_of_mapping(offset, length)?;
        offset.checked_add(end as u64).ok_or(Errno::EOVERFLOW)?;
        let file = file_bytes(file_size, offset, end);
        three(file, file.next_multiple_of(page_size()), end)
    }
}

/// Takes a length above isize::MAX for too long, as Rust's allocations do.
///
/// breaks: "ENOMEM, as from mmap(2), when `length`, rounded up to whole pages, does not fit in a `usize`."
/// fails: parts::has_room_for_large_numbers failed
mod half_the_addresses {
    use super::*;

    pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
        let end = end_of_mapping(offset, length)?;
        if isize::try_from(end).is_err() {
            return Err(Errno::ENOMEM);
        }
        let file = file_bytes(file_size, offset, end);
        three(file, file.next_multiple_of(page_size()), end)
    }
}

/// Adds a whole page before it rounds down, so the longest length that fits is ENOMEM.
///
/// breaks: "ENOMEM, as from mmap(2), when `length`, rounded up to whole pages, does not fit in a `usize`."
/// fails: parts::has_room_for_large_numbers failed
mod adds_a_whole_page {
    use super::*;

    pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
        if length == 0 || !offset.is_multiple_of(page_size_u64()) {
            return Err(Errno::EINVAL);
        }
        let enough = length.checked_add(page_size()).ok_or(Errno::ENOMEM)?;
        let end = (enough - 1) / page_size() * page_size();
        let file = file_bytes(file_size, offset, end);
        three(file, file.next_multiple_of(page_size()), end)
    }
}

/// Rounds the length up before it looks at the offset.
///
/// breaks: "EINVAL where EINVAL and ENOMEM both apply."
/// fails: parts::refuses_what_mmap_refuses failed
mod rounds_before_it_checks {
    use super::*;

    pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
        let end = length.checked_next_multiple_of(page_size()).ok_or(Errno::ENOMEM)?;
        let end = end_of_mapping(offset, length).map(|_| end)?;
        let file = file_bytes(file_size, offset, end);
        three(file, file.next_multiple_of(page_size()), end)
    }
}

/// Answers early where the file ends before the offset, and forgets to look whether the offset is aligned.
///
/// breaks: "EINVAL, as from mmap(2), when `length` is 0, or `offset` is not a multiple of the page size."
/// fails: parts::refuses_what_mmap_refuses failed
mod past_the_end_first {
    use super::*;

    pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
        if length != 0 && offset >= file_size {
            let end = length.checked_next_multiple_of(page_size()).ok_or(Errno::ENOMEM)?;
            return three(0, 0, end);
        }
        let end = end_of_mapping(offset, length)?;
        let file = file_bytes(file_size, offset, end);
        three(file, file.next_multiple_of(page_size()), end)
    }
}

/// Takes the rest from the file's size alone, even where the file's last page lies before the mapping.
///
/// breaks: "The rest of the file's last page: a load gives zero, until a process stores there."
/// fails: parts::has_room_for_large_numbers failed
/// fails: parts::says_what_the_kernel_says failed
mod rest_of_another_page {
    use super::*;

    pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
        let end = end_of_mapping(offset, length)?;
        let file = file_bytes(file_size, offset, end);
        let missing = (page_size_u64() - file_size % page_size_u64()) % page_size_u64();
        three(file, file.saturating_add(missing as usize).min(end), end)
    }
}

/// Writes 0..0 for every part that does not exist.
///
/// breaks: "Each range begins where the one before it ends"
/// fails: parts::has_room_for_large_numbers failed
/// fails: parts::says_what_the_kernel_says failed
mod empty_is_zero_to_zero {
    use super::*;

    fn normal(range: Range<usize>) -> Range<usize> {
        if range.is_empty() { 0..0 } else { range }
    }

    pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
        let end = end_of_mapping(offset, length)?;
        let file = file_bytes(file_size, offset, end);
        let rest = file.next_multiple_of(page_size());
        Ok(Parts { file: normal(0..file), rest: normal(file..rest), no_page: normal(rest..end) })
    }
}

/// Compares the file's size with the end of the mapping in the file, a sum that wraps around.
///
/// breaks: "The result is right for every `file_size` and every page-aligned `offset`, up to `u64::MAX`."
/// fails: parts::has_room_for_large_numbers failed
mod end_in_the_file_wraps {
    use super::*;

    pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
        let end = end_of_mapping(offset, length)?;
        let mapped_to = offset.wrapping_add(end as u64);
        let file = if file_size <= offset { 0 } else { file_size.min(mapped_to).saturating_sub(offset) as usize };
        three(file, file.next_multiple_of(page_size()), end)
    }
}

/// Rounds the file's size up to whole pages, and takes u64::MAX, which is no page boundary, where that overflows.
///
/// breaks: "The result is right for every `file_size` and every page-aligned `offset`, up to `u64::MAX`."
/// fails: parts::has_room_for_large_numbers failed
mod rounds_the_size_saturating {
    use super::*;

    pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
        let end = end_of_mapping(offset, length)?;
        let pages_end = file_size.checked_next_multiple_of(page_size_u64()).unwrap_or(u64::MAX);
        let clip = |n: u64| narrow(n.saturating_sub(offset)).min(end);
        three(clip(file_size), clip(pages_end), end)
    }
}

/// Asks the kernel for the errors, by mapping as much memory without a file.
///
/// breaks: "This is arithmetic alone: it neither opens nor maps a file."
/// fails: parts::has_room_for_large_numbers failed
mod asks_the_kernel {
    use super::*;

    pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
        let end = end_of_mapping(offset, length)?;
        Mapping::anonymous(length, ProtFlags::PROT_NONE, Sharing::Private)?;
        let file = file_bytes(file_size, offset, end);
        three(file, file.next_multiple_of(page_size()), end)
    }
}

/// Cuts what is left of the file to 32 bits.
///
/// breaks: "The result is right for every `file_size` and every page-aligned `offset`, up to `u64::MAX`."
/// fails: parts::has_room_for_large_numbers failed
mod left_in_32_bits {
    use super::*;

    pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
        let end = end_of_mapping(offset, length)?;
        let left = u32::try_from(file_size.saturating_sub(offset)).unwrap_or(u32::MAX) as usize;
        let file = left.min(end);
        three(file, file.next_multiple_of(page_size()).min(end), end)
    }
}

/// Works with masks, and counts the part without pages from the end backwards.
///
/// passes
mod counts_backwards {
    use super::*;

    pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
        let mask = page_size() - 1;
        if offset & mask as u64 != 0 || length == 0 {
            return Err(Errno::EINVAL);
        }
        let end = match length & mask {
            0 => length,
            _ => (length & !mask).checked_add(mask + 1).ok_or(Errno::ENOMEM)?,
        };
        let missing = narrow((end as u64).saturating_sub(file_size.saturating_sub(offset)));
        three(end - missing, end - (missing & !mask), end)
    }
}

/// Follows the last hint, line by line.
///
/// passes
mod parts_as_the_hint_says {
    use super::*;

    pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
        if length == 0 || !offset.is_multiple_of(page_size_u64()) {
            return Err(Errno::EINVAL);
        }
        let mapped = length.checked_next_multiple_of(page_size()).ok_or(Errno::ENOMEM)?;
        let of_file = usize::try_from(file_size.saturating_sub(offset)).unwrap_or(usize::MAX).min(mapped);
        let in_pages = of_file.next_multiple_of(page_size());
        Ok(Parts { file: 0..of_file, rest: of_file..in_pages, no_page: in_pages..mapped })
    }
}

one_of! {
    pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno>;
    bus_error_after_the_last_byte forgets_the_offset knows_the_checks_examples lengths_in_an_int
    mapping_as_long_as_asked one_page_too_many_at_a_boundary clips_first in_128_bits counts_pages enomem_before_einval
    file_ends_at_the_length mapping_ends_at_the_length rest_of_a_full_page rest_without_its_page signed_sizes
    rounds_the_size_first offset_past_the_end_underflows walks_the_pages empty_parts_at_zero enomem_one_too_early
    page_align_wraps offset_plus_length_overflows einval_past_the_end in_floating_point offset_of_a_sector saturates
    wide_numbers counts_pages_2 file_ends_at_length rounds_the_size_up mask_wraps_around no_memory_first
    offset_must_be_off_t length_must_be_isize always_a_partial_page empty_parts_at_zero_2 signed_difference
    wraps_past_the_end refuses_past_the_end ceil_of_a_float rest_ends_at_length limits_then_rounds in_u128 bisects
    rounds_the_file_size largest_offset half_the_addresses adds_a_whole_page rounds_before_it_checks past_the_end_first
    rest_of_another_page empty_is_zero_to_zero end_in_the_file_wraps rounds_the_size_saturating asks_the_kernel
    left_in_32_bits counts_backwards parts_as_the_hint_says
}
