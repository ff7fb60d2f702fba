use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Read};
use std::ops::Range;
use std::os::fd::BorrowedFd;
use std::ptr::with_exposed_provenance;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

use mmap_workbook::lesson_6::{GuardError, Guarded};
use mmap_workbook::observe::page_size;
use nix::libc;
use nix::sys::uio::pread;

/// How many of these bytes equal `byte`.
fn equal(bytes: &[u8], byte: u8) -> usize {
    bytes.iter().filter(|&&other| other == byte).count()
}

/// The right count, block by block.
fn count_from(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
    let mut buffer = [0; 8 << 10];
    let (mut count, mut at) = (0, range.start);
    while at < range.end {
        let length = buffer.len().min(range.end - at);
        guarded.read(at, &mut buffer[..length])?;
        count += equal(&buffer[..length], byte);
        at += length;
    }
    Ok(count)
}

/// The most that may be allocated at once.
const BLOCK: usize = 64 << 10;

/// The whole function, for answers that do something wrong beside it.
fn count_rightly(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
    count_blocks(guarded, range, byte, BLOCK)
}

/// The same, with blocks of any length.
fn count_blocks(guarded: &Guarded, range: Range<usize>, byte: u8, block: usize) -> Result<usize, GuardError> {
    let mut buffer = vec![0; block.min(range.len())];
    let (mut at, mut counted) = (range.start, 0);
    while at < range.end {
        let part = &mut buffer[..block.min(range.end - at)];
        guarded.read(at, part)?;
        counted += equal(part, byte);
        at += part.len();
    }
    Ok(counted)
}

/// Reads it block by block.
fn each_block(
    guarded: &Guarded,
    range: Range<usize>,
    size: usize,
    mut with: impl FnMut(&[u8]),
) -> Result<(), GuardError> {
    let (mut buffer, mut at) = (vec![0; size], range.start);
    while at < range.end {
        let block = &mut buffer[..size.min(range.end - at)];
        guarded.read(at, block)?;
        with(block);
        at += block.len();
    }
    Ok(())
}

/// One byte of a mapping that begins here, without a guard.
fn load(address: usize, at: usize) -> u8 {
    // SAFETY: the address lies in the mapping, where all accesses are atomic, or another process's.
    unsafe { (*with_exposed_provenance::<AtomicU8>(address + at)).load(Ordering::Relaxed) }
}

/// What `{:?}` shows after `name` in a [`Guarded`], as a number.
fn debugged(guarded: &Guarded, name: &str) -> usize {
    let shown = format!("{guarded:?}");
    let rest = shown.split_once(name).expect("a field of this name").1;
    let number: String = rest.trim_start_matches("0x").chars().take_while(char::is_ascii_hexdigit).collect();
    usize::from_str_radix(&number, if rest.starts_with("0x") { 16 } else { 10 }).expect("a number")
}

/// Blocks that end at page boundaries.
///
/// passes
mod blocks_of_pages {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        let (mut count, mut at) = (0, range.start);
        let mut buffer = vec![0; page_size()];
        while at < range.end {
            let length = (page_size() - at % page_size()).min(range.end - at);
            guarded.read(at, &mut buffer[..length])?;
            count += equal(&buffer[..length], byte);
            at += length;
        }
        Ok(count)
    }
}

/// Halves the range until a block is small.
///
/// passes
mod by_halves {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        if range.len() <= 5000 {
            let mut block = vec![0; range.len()];
            if !block.is_empty() {
                guarded.read(range.start, &mut block)?;
            }
            return Ok(equal(&block, byte));
        }
        let middle = range.start + range.len() / 2;
        Ok(count_guarded(guarded, range.start..middle, byte)? + count_guarded(guarded, middle..range.end, byte)?)
    }
}

/// A sum of results, over blocks of 32 KiB.
///
/// passes
mod as_an_iterator {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        let blocks = range.clone().step_by(32 << 10).map(|start| start..range.end.min(start.saturating_add(32 << 10)));
        blocks
            .map(|block| {
                let mut bytes = vec![0; block.len()];
                guarded.read(block.start, &mut bytes)?;
                Ok(equal(&bytes, byte))
            })
            .sum()
    }
}

/// The smallest block that is allowed.
///
/// passes
mod one_kib_at_a_time {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        let mut buffer = [0; 1024];
        let (mut count, mut at) = (0, range.start);
        while at < range.end {
            let length = buffer.len().min(range.end - at);
            guarded.read(at, &mut buffer[..length])?;
            count += equal(&buffer[..length], byte);
            at += length;
        }
        Ok(count)
    }
}

/// Reads one byte of each page first, and then all of it.
///
/// passes
mod looks_for_the_page_first {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        if range.is_empty() {
            return Ok(0);
        }
        let first = range.start - range.start % page_size();
        for page in (first..range.end).step_by(page_size()) {
            guarded.read(page.max(range.start), &mut [0])?;
        }
        let mut buffer = [0; 8 << 10];
        let (mut count, mut at) = (0, range.start);
        while at < range.end {
            let length = buffer.len().min(range.end - at);
            guarded.read(at, &mut buffer[..length])?;
            count += equal(&buffer[..length], byte);
            at += length;
        }
        Ok(count)
    }
}

/// Asks first whether the end is inside the mapping, and reads the largest blocks that are allowed.
///
/// passes
mod asks_for_the_end_first {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        if range.is_empty() {
            return Ok(0);
        }
        guarded.read(range.end, &mut [])?;
        let mut buffer = vec![0; 64 << 10];
        range.clone().step_by(buffer.len()).try_fold(0, |count, at| {
            let block = &mut buffer[..(range.end - at).min(64 << 10)];
            guarded.read(at, block)?;
            Ok(count + equal(block, byte))
        })
    }
}

/// Counts the byte at the end of the range, too.
///
/// fails: count_guarded::counts_what_the_mapping_shows failed
/// fails: count_guarded::passes_other_errors_on failed
mod end_belongs_to_it {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        let range = range.start..range.end + 1;
        let mut buffer = [0; 8 << 10];
        let (mut count, mut at) = (0, range.start);
        while at < range.end {
            let length = buffer.len().min(range.end - at);
            guarded.read(at, &mut buffer[..length])?;
            count += equal(&buffer[..length], byte);
            at += length;
        }
        Ok(count)
    }
}

/// Counts from the start of the mapping.
///
/// fails: count_guarded::counts_what_the_mapping_shows failed
/// fails: count_guarded::passes_other_errors_on failed
mod from_the_start {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        let mut buffer = [0; 8 << 10];
        let (mut count, mut at) = (0, 0);
        while at < range.end {
            let length = buffer.len().min(range.end - at);
            guarded.read(at, &mut buffer[..length])?;
            count += equal(&buffer[..length], byte);
            at += length;
        }
        Ok(count)
    }
}

/// Takes the end of the range for a length.
///
/// fails: count_guarded::counts_what_the_mapping_shows failed
/// fails: count_guarded::passes_other_errors_on failed
mod end_is_a_length {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        let range = range.start..range.start + range.end;
        let mut buffer = [0; 8 << 10];
        let (mut count, mut at) = (0, range.start);
        while at < range.end {
            let length = buffer.len().min(range.end - at);
            guarded.read(at, &mut buffer[..length])?;
            count += equal(&buffer[..length], byte);
            at += length;
        }
        Ok(count)
    }
}

/// Counts the bytes that differ.
///
/// fails: count_guarded::counts_what_the_mapping_shows failed
/// fails: count_guarded::reads_blocks_and_keeps_few_bytes failed
mod counts_the_others {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        let mut buffer = [0; 8 << 10];
        let (mut count, mut at) = (0, range.start);
        while at < range.end {
            let length = buffer.len().min(range.end - at);
            guarded.read(at, &mut buffer[..length])?;
            count += length - equal(&buffer[..length], byte);
            at += length;
        }
        Ok(count)
    }
}

/// Leaves out what is left after the last whole block.
///
/// fails: count_guarded::counts_what_the_mapping_shows failed
/// fails: count_guarded::passes_other_errors_on failed
/// fails: count_guarded::reads_blocks_and_keeps_few_bytes failed
mod whole_blocks_only {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        let mut buffer = [0; 8 << 10];
        let (mut count, mut at) = (0, range.start);
        while at + buffer.len() <= range.end {
            let length = buffer.len().min(range.end - at);
            guarded.read(at, &mut buffer[..length])?;
            count += equal(&buffer[..length], byte);
            at += length;
        }
        Ok(count)
    }
}

/// Counts the whole buffer: at its end is still what the block before has left.
///
/// fails: count_guarded::counts_what_the_mapping_shows failed
/// fails: count_guarded::reads_blocks_and_keeps_few_bytes failed
mod counts_the_block_before {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        let mut buffer = [0; 8 << 10];
        let (mut count, mut at) = (0, range.start);
        while at < range.end {
            let length = buffer.len().min(range.end - at);
            guarded.read(at, &mut buffer[..length])?;
            count += equal(&buffer, byte);
            at += length;
        }
        Ok(count)
    }
}

/// Ends at a missing page with the count so far.
///
/// fails: count_guarded::counts_what_the_mapping_shows failed
/// fails: count_guarded::notices_a_page_that_goes_meanwhile failed
/// fails: count_guarded::passes_other_errors_on failed
mod count_so_far {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        let mut buffer = [0; 8 << 10];
        let (mut count, mut at) = (0, range.start);
        while at < range.end {
            let length = buffer.len().min(range.end - at);
            if guarded.read(at, &mut buffer[..length]).is_err() {
                return Ok(count);
            }
            count += equal(&buffer[..length], byte);
            at += length;
        }
        Ok(count)
    }
}

/// Takes a missing page for zeros.
///
/// fails: count_guarded::counts_what_the_mapping_shows failed
/// fails: count_guarded::notices_a_page_that_goes_meanwhile failed
/// fails: count_guarded::passes_other_errors_on failed
mod missing_is_zeros {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        let mut buffer = [0; 8 << 10];
        let (mut count, mut at) = (0, range.start);
        while at < range.end {
            let length = buffer.len().min(range.end - at);
            buffer.fill(0);
            let _ = guarded.read(at, &mut buffer[..length]);
            count += equal(&buffer[..length], byte);
            at += length;
        }
        Ok(count)
    }
}

/// Goes on after a missing page, and leaves it out.
///
/// fails: count_guarded::counts_what_the_mapping_shows failed
/// fails: count_guarded::notices_a_page_that_goes_meanwhile failed
/// fails: count_guarded::passes_other_errors_on failed
mod skips_missing_pages {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        let mut buffer = [0; 8 << 10];
        let (mut count, mut at) = (0, range.start);
        while at < range.end {
            let length = buffer.len().min(range.end - at);
            if let Err(GuardError::NoPage { .. }) = guarded.read(at, &mut buffer[..length]) {
                at += length;
                continue;
            }
            count += equal(&buffer[..length], byte);
            at += length;
        }
        Ok(count)
    }
}

/// Reads on after an error, and returns the last one.
///
/// fails: count_guarded::counts_what_the_mapping_shows failed
mod last_missing_page {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        let mut buffer = [0; 8 << 10];
        let mut result = Ok(0);
        for at in range.clone().step_by(buffer.len()) {
            let length = buffer.len().min(range.end - at);
            match (guarded.read(at, &mut buffer[..length]), result) {
                (Ok(()), Ok(count)) => result = Ok(count + equal(&buffer[..length], byte)),
                (Ok(()), error) => result = error,
                (Err(error), _) => result = Err(error),
            }
        }
        result
    }
}

/// Reads from the end of the range backwards: it meets the last missing page first.
///
/// fails: count_guarded::counts_what_the_mapping_shows failed
mod from_the_back {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        let mut buffer = [0; 8 << 10];
        let (mut count, mut end) = (0, range.end);
        while end > range.start {
            let length = buffer.len().min(end - range.start);
            guarded.read(end - length, &mut buffer[..length])?;
            count += equal(&buffer[..length], byte);
            end -= length;
        }
        Ok(count)
    }
}

/// Numbers the pages from the start of the range.
///
/// fails: count_guarded::counts_what_the_mapping_shows failed
mod page_of_the_range {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        count_from(guarded, range.clone(), byte).map_err(|error| match error {
            GuardError::NoPage { page, offset, file_size } => {
                GuardError::NoPage { page: page - range.start / page_size(), offset, file_size }
            }
            other => other,
        })
    }
}

/// Gives the offset from the start of the range.
///
/// fails: count_guarded::counts_what_the_mapping_shows failed
mod offset_in_the_range {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        count_from(guarded, range.clone(), byte).map_err(|error| match error {
            GuardError::NoPage { page, offset, file_size } => {
                GuardError::NoPage { page, offset: offset.saturating_sub(range.start as u64), file_size }
            }
            other => other,
        })
    }
}

/// Makes every error the same one.
///
/// fails: count_guarded::counts_what_the_mapping_shows failed
/// fails: count_guarded::notices_a_page_that_goes_meanwhile failed
/// fails: count_guarded::passes_other_errors_on failed
mod every_error_is_outside {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        count_from(guarded, range, byte).map_err(|_| GuardError::Outside)
    }
}

/// Lets only a missing page be an error.
///
/// fails: count_guarded::passes_other_errors_on failed
mod other_errors_are_none {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        match count_from(guarded, range, byte) {
            Err(error @ GuardError::NoPage { .. }) => Err(error),
            answer => Ok(answer.unwrap_or(0)),
        }
    }
}

/// Reads the whole range into one vector.
///
/// fails: count_guarded::reads_blocks_and_keeps_few_bytes failed
mod all_at_once {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        let mut bytes = vec![0; range.len()];
        if bytes.is_empty() {
            return Ok(0);
        }
        guarded.read(range.start, &mut bytes)?;
        Ok(equal(&bytes, byte))
    }
}

/// Reads each byte for itself.
///
/// fails: count_guarded::counts_what_the_mapping_shows timed_out
/// fails: count_guarded::reads_blocks_and_keeps_few_bytes timed_out
mod byte_by_byte {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        let mut count = 0;
        for at in range {
            let mut one = [0];
            guarded.read(at, &mut one)?;
            count += usize::from(one[0] == byte);
        }
        Ok(count)
    }
}

/// Reads blocks of 512 bytes.
///
/// fails: count_guarded::reads_blocks_and_keeps_few_bytes failed
mod small_blocks {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        let mut buffer = [0; 512];
        let (mut count, mut at) = (0, range.start);
        while at < range.end {
            let length = buffer.len().min(range.end - at);
            guarded.read(at, &mut buffer[..length])?;
            count += equal(&buffer[..length], byte);
            at += length;
        }
        Ok(count)
    }
}

/// Counts in a `u8`.
///
/// fails: count_guarded::counts_what_the_mapping_shows failed
/// fails: count_guarded::reads_blocks_and_keeps_few_bytes failed
mod count_in_a_byte {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        let mut buffer = [0; 8 << 10];
        let (mut count, mut at) = (0_u8, range.start);
        while at < range.end {
            let length = buffer.len().min(range.end - at);
            guarded.read(at, &mut buffer[..length])?;
            count = count.wrapping_add(equal(&buffer[..length], byte) as u8);
            at += length;
        }
        Ok(count.into())
    }
}

/// Takes errors for impossible.
///
/// fails: count_guarded::counts_what_the_mapping_shows panicked
/// fails: count_guarded::notices_a_page_that_goes_meanwhile panicked
/// fails: count_guarded::passes_other_errors_on panicked
mod panics_on_errors {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        let mut buffer = [0; 8 << 10];
        let (mut count, mut at) = (0, range.start);
        while at < range.end {
            let length = buffer.len().min(range.end - at);
            guarded.read(at, &mut buffer[..length]).expect("the mapping is there");
            count += equal(&buffer[..length], byte);
            at += length;
        }
        Ok(count)
    }
}

/// Rounds the start down to a page boundary.
///
/// fails: count_guarded::counts_what_the_mapping_shows failed
/// fails: count_guarded::passes_other_errors_on failed
mod whole_pages_from_the_start {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        let range = range.start - range.start % page_size()..range.end;
        let mut buffer = [0; 8 << 10];
        let (mut count, mut at) = (0, range.start);
        while at < range.end {
            let length = buffer.len().min(range.end - at);
            guarded.read(at, &mut buffer[..length])?;
            count += equal(&buffer[..length], byte);
            at += length;
        }
        Ok(count)
    }
}

/// Rounds the end up to a page boundary.
///
/// fails: count_guarded::counts_what_the_mapping_shows failed
/// fails: count_guarded::passes_other_errors_on failed
mod whole_pages_to_the_end {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        let range = range.start..range.end.next_multiple_of(page_size());
        let mut buffer = [0; 8 << 10];
        let (mut count, mut at) = (0, range.start);
        while at < range.end {
            let length = buffer.len().min(range.end - at);
            guarded.read(at, &mut buffer[..length])?;
            count += equal(&buffer[..length], byte);
            at += length;
        }
        Ok(count)
    }
}

/// Reads a whole buffer each time, also past the end of the range.
///
/// fails: count_guarded::counts_what_the_mapping_shows failed
/// fails: count_guarded::reads_blocks_and_keeps_few_bytes failed
mod always_a_whole_buffer {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        let mut buffer = [0; 8 << 10];
        let (mut count, mut at) = (0, range.start);
        while at < range.end {
            let length = buffer.len().min(range.end - at);
            guarded.read(at, &mut buffer)?;
            count += equal(&buffer[..length], byte);
            at += length;
        }
        Ok(count)
    }
}

/// Refuses an empty range.
///
/// fails: count_guarded::counts_what_the_mapping_shows failed
/// fails: count_guarded::passes_other_errors_on failed
mod empty_is_outside {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        if range.is_empty() {
            return Err(GuardError::Outside);
        }
        let mut buffer = [0; 8 << 10];
        let (mut count, mut at) = (0, range.start);
        while at < range.end {
            let length = buffer.len().min(range.end - at);
            guarded.read(at, &mut buffer[..length])?;
            count += equal(&buffer[..length], byte);
            at += length;
        }
        Ok(count)
    }
}

/// Reads an empty range, too: past the mapping that is an error.
///
/// fails: count_guarded::passes_other_errors_on failed
mod empty_range_is_read {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        if range.is_empty() {
            guarded.read(range.start, &mut [])?;
        }
        let mut buffer = [0; 8 << 10];
        let (mut count, mut at) = (0, range.start);
        while at < range.end {
            let length = buffer.len().min(range.end - at);
            guarded.read(at, &mut buffer[..length])?;
            count += equal(&buffer[..length], byte);
            at += length;
        }
        Ok(count)
    }
}

/// Asks for the last byte of an empty range.
///
/// fails: count_guarded::counts_what_the_mapping_shows failed
/// fails: count_guarded::passes_other_errors_on panicked
mod last_byte_of_nothing {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        let last = range.end - 1;
        guarded.read(last, &mut [0])?;
        let mut buffer = [0; 8 << 10];
        let (mut count, mut at) = (0, range.start);
        while at < range.end {
            let length = buffer.len().min(range.end - at);
            guarded.read(at, &mut buffer[..length])?;
            count += equal(&buffer[..length], byte);
            at += length;
        }
        Ok(count)
    }
}

/// Counts the blocks that have the byte.
///
/// fails: count_guarded::counts_what_the_mapping_shows failed
/// fails: count_guarded::reads_blocks_and_keeps_few_bytes failed
mod one_for_each_block {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        let mut buffer = [0; 8 << 10];
        let (mut count, mut at) = (0, range.start);
        while at < range.end {
            let length = buffer.len().min(range.end - at);
            guarded.read(at, &mut buffer[..length])?;
            count += usize::from(buffer[..length].contains(&byte));
            at += length;
        }
        Ok(count)
    }
}

/// Reads one block.
///
/// fails: count_guarded::counts_what_the_mapping_shows failed
/// fails: count_guarded::passes_other_errors_on failed
/// fails: count_guarded::reads_blocks_and_keeps_few_bytes failed
mod first_block_only {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        let mut buffer = [0; 8 << 10];
        let (mut count, mut at) = (0, range.start);
        if at < range.end {
            let length = buffer.len().min(range.end - at);
            guarded.read(at, &mut buffer[..length])?;
            count += equal(&buffer[..length], byte);
            at += length;
            let _ = at;
        }
        Ok(count)
    }
}

/// Tries again until the page is there.
///
/// fails: count_guarded::counts_what_the_mapping_shows timed_out
/// fails: count_guarded::notices_a_page_that_goes_meanwhile failed
/// fails: count_guarded::passes_other_errors_on failed
mod waits_for_the_page {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        let mut buffer = [0; 8 << 10];
        let (mut count, mut at) = (0, range.start);
        while at < range.end {
            let length = buffer.len().min(range.end - at);
            while let Err(GuardError::NoPage { .. }) = guarded.read(at, &mut buffer[..length]) {
                std::thread::yield_now();
            }
            count += equal(&buffer[..length], byte);
            at += length;
        }
        Ok(count)
    }
}

/// Looks at the first error only if it comes at once.
///
/// fails: count_guarded::counts_what_the_mapping_shows failed
/// fails: count_guarded::notices_a_page_that_goes_meanwhile failed
/// fails: count_guarded::passes_other_errors_on failed
mod first_page_only_may_be_missing {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        let mut buffer = [0; 8 << 10];
        let (mut count, mut at) = (0, range.start);
        while at < range.end {
            let length = buffer.len().min(range.end - at);
            match guarded.read(at, &mut buffer[..length]) {
                Err(error) if at == range.start => return Err(error),
                _ => {}
            }
            count += equal(&buffer[..length], byte);
            at += length;
        }
        Ok(count)
    }
}

/// Stops in each block at the first byte that differs.
///
/// fails: count_guarded::counts_what_the_mapping_shows failed
mod up_to_the_first_other {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        let mut buffer = [0; 8 << 10];
        let (mut count, mut at) = (0, range.start);
        while at < range.end {
            let length = buffer.len().min(range.end - at);
            guarded.read(at, &mut buffer[..length])?;
            count += buffer[..length].iter().take_while(|&&other| other == byte).count();
            at += length;
        }
        Ok(count)
    }
}

/// Begins each block with the last byte of the one before.
///
/// fails: count_guarded::counts_what_the_mapping_shows failed
/// fails: count_guarded::reads_blocks_and_keeps_few_bytes failed
mod blocks_overlap {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        let mut buffer = [0; 8 << 10];
        let (mut count, mut at) = (0, range.start);
        while at < range.end {
            let length = buffer.len().min(range.end - at);
            guarded.read(at, &mut buffer[..length])?;
            count += equal(&buffer[..length], byte);
            at += if at + length < range.end { length - 1 } else { length };
        }
        Ok(count)
    }
}

/// Writes back what it has read, with the byte replaced.
///
/// fails: count_guarded::counts_what_the_mapping_shows failed
/// fails: count_guarded::notices_a_page_that_goes_meanwhile failed
/// fails: count_guarded::reads_blocks_and_keeps_few_bytes failed
mod writes_them_back {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        let mut buffer = [0; 8 << 10];
        let (mut count, mut at) = (0, range.start);
        while at < range.end {
            let length = buffer.len().min(range.end - at);
            guarded.read(at, &mut buffer[..length])?;
            count += equal(&buffer[..length], byte);
            buffer[..length].iter_mut().filter(|other| **other == byte).for_each(|other| *other = b'.');
            guarded.write(at, &buffer[..length])?;
            at += length;
        }
        Ok(count)
    }
}

/// Takes zeros for the rest of the last page and leaves them out.
///
/// fails: count_guarded::counts_what_the_mapping_shows failed
mod no_zeros_past_the_end {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        let mut buffer = [0; 8 << 10];
        let (mut count, mut at) = (0, range.start);
        while at < range.end {
            let length = buffer.len().min(range.end - at);
            guarded.read(at, &mut buffer[..length])?;
            count += if byte == 0 { 0 } else { equal(&buffer[..length], byte) };
            at += length;
        }
        Ok(count)
    }
}

/// Reads one byte of each page, and takes for granted that the pages stay.
///
/// fails: count_guarded::counts_what_the_mapping_shows failed
/// fails: count_guarded::notices_a_page_that_goes_meanwhile failed
mod probes_then_trusts {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        for at in range.clone().step_by(page_size()).chain(range.clone().last()) {
            guarded.read(at, &mut [0])?;
        }
        let mut buffer = [0; 8 << 10];
        let (mut count, mut at) = (0, range.start);
        while at < range.end {
            let length = buffer.len().min(range.end - at);
            let _ = guarded.read(at, &mut buffer[..length]);
            count += equal(&buffer[..length], byte);
            at += length;
        }
        Ok(count)
    }
}

/// Tries a page once more, and takes it for zeros when it is still missing.
///
/// fails: count_guarded::counts_what_the_mapping_shows failed
/// fails: count_guarded::notices_a_page_that_goes_meanwhile failed
/// fails: count_guarded::passes_other_errors_on failed
mod tries_once_more {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        let mut buffer = [0; 8 << 10];
        let (mut count, mut at) = (0, range.start);
        while at < range.end {
            let length = buffer.len().min(range.end - at);
            if guarded.read(at, &mut buffer[..length]).is_err() {
                guarded.read(at, &mut buffer[..length]).unwrap_or_default();
            }
            count += equal(&buffer[..length], byte);
            at += length;
        }
        Ok(count)
    }
}

/// Gives 0 for a range that it can't read.
///
/// fails: count_guarded::counts_what_the_mapping_shows failed
/// fails: count_guarded::notices_a_page_that_goes_meanwhile failed
/// fails: count_guarded::passes_other_errors_on failed
mod text_for_an_error {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        Ok(count_from(guarded, range, byte).unwrap_or(0))
    }
}

/// Asks about the last byte first, whose page may be missing when an earlier one is, too.
///
/// fails: count_guarded::counts_what_the_mapping_shows failed
mod error_of_the_end {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        if let Some(last) = range.clone().last() {
            guarded.read(last, &mut [0])?;
        }
        let mut buffer = [0; 8 << 10];
        let (mut count, mut at) = (0, range.start);
        while at < range.end {
            let length = buffer.len().min(range.end - at);
            guarded.read(at, &mut buffer[..length])?;
            count += equal(&buffer[..length], byte);
            at += length;
        }
        Ok(count)
    }
}

/// Follows the last hint, line by line.
///
/// passes
mod count_guarded_as_the_hint_says {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        let mut count = 0;
        let mut buffer = [0; 16 << 10];
        for start in range.clone().step_by(buffer.len()) {
            let length = buffer.len().min(range.end - start);
            guarded.read(start, &mut buffer[..length])?;
            count += buffer[..length].iter().filter(|&&other| other == byte).count();
        }
        Ok(count)
    }
}

/// Reads the last page to its end, as it is there anyway, and counts only in the range.
///
/// passes
mod reads_the_last_page_to_its_end {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        let (mut buffer, mut at, mut counted) = (vec![0; 60_000], range.start, 0);
        while at < range.end {
            let wanted = (range.end - at).min(60_000);
            let to_the_end_of_the_page = (page_size() - (at + wanted) % page_size()) % page_size();
            let length = (wanted + to_the_end_of_the_page).min(60_000);
            guarded.read(at, &mut buffer[..length])?;
            counted += equal(&buffer[..wanted], byte);
            at += wanted;
        }
        Ok(counted)
    }
}

/// Tallies all 256 values and returns one of them.
///
/// passes
mod tallies_every_value {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, mut range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        let mut tally = [0; 256];
        let mut buffer = [0; 20_000];
        while !range.is_empty() {
            let part = &mut buffer[..range.len().min(20_000)];
            guarded.read(range.start, part)?;
            part.iter().for_each(|&other| tally[usize::from(other)] += 1);
            range.start += part.len();
        }
        Ok(tally[usize::from(byte)])
    }
}

/// Makes an `io::Read` of the range, lets BufReader search it, and keeps the error beside.
///
/// passes
mod through_a_buf_reader {
    use super::*;

    struct Reader<'a>(&'a Guarded, Range<usize>, &'a Cell<Option<GuardError>>);

    impl Read for Reader<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let length = into.len().min(self.1.len());
            if length > 0 {
                self.0.read(self.1.start, &mut into[..length]).map_err(|error| {
                    self.2.set(Some(error));
                    io::ErrorKind::Other
                })?;
            }
            self.1.start += length;
            Ok(length)
        }
    }

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        let error = Cell::new(None);
        let mut reader = BufReader::with_capacity(40_000, Reader(guarded, range, &error));
        let mut counted = 0;
        while let Ok(bytes @ [_, ..]) = reader.fill_buf() {
            let length = bytes.len();
            counted += equal(bytes, byte);
            reader.consume(length);
        }
        error.take().map_or(Ok(counted), Err)
    }
}

/// Begins with 16 KiB and doubles the block up to 64 KiB.
///
/// passes
mod grows_to_64_kib {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        let (mut at, mut counted, mut block) = (range.start, 0, BLOCK / 4);
        while at < range.end {
            let mut bytes = vec![0; block.min(range.end - at)].into_boxed_slice();
            guarded.read(at, &mut bytes)?;
            counted += equal(&bytes, byte);
            at += bytes.len();
            block = BLOCK.min(block * 2);
        }
        Ok(counted)
    }
}

/// Doubles its block without a limit.
///
/// fails: count_guarded::reads_blocks_and_keeps_few_bytes failed
mod grows_for_ever {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        let (mut at, mut counted, mut block) = (range.start, 0, BLOCK / 4);
        while at < range.end {
            let mut bytes = vec![0; block.min(range.end - at)];
            guarded.read(at, &mut bytes)?;
            counted += equal(&bytes, byte);
            at += bytes.len();
            block *= 2;
        }
        Ok(counted)
    }
}

/// Collects the places that it has found, eight bytes for each, and counts them at the end.
///
/// fails: count_guarded::reads_blocks_and_keeps_few_bytes failed
mod collects_the_places {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        let (mut buffer, mut places, mut at) = ([0; 32 * 1024], Vec::new(), range.start);
        while at < range.end {
            let part = &mut buffer[..(32 * 1024).min(range.end - at)];
            guarded.read(at, part)?;
            places.extend(part.iter().enumerate().filter(|(_, other)| **other == byte).map(|(n, _)| at + n));
            at += part.len();
        }
        Ok(places.len())
    }
}

/// Leaks its buffer, so that several calls have several.
///
/// fails: count_guarded::reads_blocks_and_keeps_few_bytes failed
mod leaks_the_buffer {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        let buffer = vec![0; BLOCK.min(range.len())].leak();
        let (mut at, mut counted) = (range.start, 0);
        while at < range.end {
            let part = &mut buffer[..BLOCK.min(range.end - at)];
            guarded.read(at, part)?;
            counted += equal(part, byte);
            at += part.len();
        }
        Ok(counted)
    }
}

/// Counts whole blocks of 64 KiB, and leaves out what is left of a longer range.
///
/// fails: count_guarded::counts_what_the_mapping_shows failed
/// fails: count_guarded::reads_blocks_and_keeps_few_bytes failed
mod whole_64_kib_only {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        let block = if range.len() < BLOCK { range.len() } else { BLOCK };
        if block == 0 {
            return Ok(0);
        }
        let (mut buffer, mut counted) = (vec![0; block], 0);
        for n in 0..range.len() / block {
            guarded.read(range.start + n * block, &mut buffer)?;
            counted += equal(&buffer, byte);
        }
        Ok(counted)
    }
}

/// Counts in the whole buffer, where the last, shorter block leaves bytes of the block before, 64 KiB long.
///
/// fails: count_guarded::counts_what_the_mapping_shows failed
/// fails: count_guarded::reads_blocks_and_keeps_few_bytes failed
mod counts_what_is_left_in_the_buffer {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        let mut buffer = vec![0; BLOCK.min(range.len())];
        let (mut at, mut counted) = (range.start, 0);
        while at < range.end {
            let length = BLOCK.min(range.end - at);
            guarded.read(at, &mut buffer[..length])?;
            counted += equal(&buffer, byte);
            at += length;
        }
        Ok(counted)
    }
}

/// Goes on at the last byte of a block of 64 KiB, which is counted twice if it matches.
///
/// fails: count_guarded::counts_what_the_mapping_shows failed
/// fails: count_guarded::passes_other_errors_on panicked
/// fails: count_guarded::reads_blocks_and_keeps_few_bytes failed
mod long_blocks_overlap {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        let (mut buffer, mut at, mut counted) = (vec![0; BLOCK], range.start, 0);
        while at < range.end {
            let last = (at + BLOCK - 1).min(range.end - 1);
            let part = &mut buffer[..=last - at];
            guarded.read(at, part)?;
            counted += equal(part, byte);
            at = if last + 1 == range.end { range.end } else { last };
        }
        Ok(counted)
    }
}

/// Keeps places as u32: past 4 GiB it counts at the beginning of the mapping.
///
/// fails: count_guarded::counts_what_the_mapping_shows failed
mod places_of_32_bits {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        let (mut buffer, mut at, mut left) = (vec![0; BLOCK], range.start as u32, range.len());
        let mut counted = 0;
        while left > 0 {
            let part = &mut buffer[..BLOCK.min(left)];
            guarded.read(at as usize, part)?;
            counted += equal(part, byte);
            at = at.wrapping_add(part.len() as u32);
            left -= part.len();
        }
        Ok(counted)
    }
}

/// Counts each block in a u16, for speed: a block of 65536 equal bytes counts as 0.
///
/// fails: count_guarded::counts_what_the_mapping_shows failed
/// fails: count_guarded::reads_blocks_and_keeps_few_bytes failed
mod counts_of_16_bits {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        let (mut buffer, mut at, mut counted) = (vec![0; BLOCK], range.start, 0);
        while at < range.end {
            let part = &mut buffer[..BLOCK.min(range.end - at)];
            guarded.read(at, part)?;
            let here = part.iter().fold(0_u16, |sum, &other| sum.wrapping_add(u16::from(other == byte)));
            counted += usize::from(here);
            at += part.len();
        }
        Ok(counted)
    }
}

/// Takes the bytes for text: what is no UTF-8 becomes U+FFFD, and its bytes are no longer found.
///
/// fails: count_guarded::counts_what_the_mapping_shows failed
mod lossy_text {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        let (mut buffer, mut at, mut counted) = ([0; 16 * 1024], range.start, 0);
        while at < range.end {
            let part = &mut buffer[..(16 * 1024).min(range.end - at)];
            guarded.read(at, part)?;
            counted += equal(String::from_utf8_lossy(part).as_bytes(), byte);
            at += part.len();
        }
        Ok(counted)
    }
}

/// Tries a page again when the file's size says that it has to be there by now.
///
/// fails: count_guarded::notices_a_page_that_goes_meanwhile failed
mod believes_the_size {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        let (mut buffer, mut at, mut counted) = (vec![0; BLOCK], range.start, 0);
        while at < range.end {
            let part = &mut buffer[..BLOCK.min(range.end - at)];
            match guarded.read(at, part) {
                Err(GuardError::NoPage { offset, file_size, .. }) if offset < file_size => continue,
                answer => answer?,
            }
            counted += equal(part, byte);
            at += part.len();
        }
        Ok(counted)
    }
}

/// Begins again once when a page is missing, in case the file is just being written anew.
///
/// fails: count_guarded::notices_a_page_that_goes_meanwhile failed
mod a_second_attempt {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        match count_rightly(guarded, range.clone(), byte) {
            Err(GuardError::NoPage { .. }) => count_rightly(guarded, range, byte),
            answer => answer,
        }
    }
}

/// Reads from the end to the beginning in blocks of 64 KiB: of several missing pages it names a later one.
///
/// fails: count_guarded::counts_what_the_mapping_shows failed
mod backwards {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        let (mut buffer, mut end, mut counted) = (vec![0; BLOCK.min(range.len())], range.end, 0);
        while end > range.start {
            let part = &mut buffer[..BLOCK.min(end - range.start)];
            end -= part.len();
            guarded.read(end, part)?;
            counted += equal(part, byte);
        }
        Ok(counted)
    }
}

/// Subtracts the start from the end, which panics for an empty range such as 5..3.
///
/// fails: count_guarded::passes_other_errors_on panicked
mod ends_before_its_start {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        let length = range.end - range.start;
        let (mut buffer, mut done, mut counted) = (vec![0; BLOCK.min(length)], 0, 0);
        while done < length {
            let part = &mut buffer[..BLOCK.min(length - done)];
            guarded.read(range.start + done, part)?;
            counted += equal(part, byte);
            done += part.len();
        }
        Ok(counted)
    }
}

/// Adds a block to a place before it looks for the end, and overflows where the range ends near `usize::MAX`.
///
/// fails: count_guarded::passes_other_errors_on panicked
mod overflows_at_the_end {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        let (mut buffer, mut at, mut counted) = (vec![0; BLOCK], range.start, 0);
        while at < range.end {
            let end = range.end.min(at.checked_add(BLOCK).expect("no mapping is that long"));
            let part = &mut buffer[..end - at];
            guarded.read(at, part)?;
            counted += equal(part, byte);
            at = end;
        }
        Ok(counted)
    }
}

/// Takes the length that was asked for as the mapping's end, though its last page goes on.
///
/// fails: count_guarded::counts_what_the_mapping_shows failed
mod up_to_the_length {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        if !range.is_empty() && range.end > debugged(guarded, " length: ") {
            return Err(GuardError::Outside);
        }
        count_rightly(guarded, range, byte)
    }
}

/// Makes sure of each block by writing its first byte back, which reports a page as well but changes the file.
///
/// fails: count_guarded::notices_a_page_that_goes_meanwhile failed
/// fails: count_guarded::reads_blocks_and_keeps_few_bytes failed
mod writes_back {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        let (mut buffer, mut at, mut counted) = (vec![0; BLOCK], range.start, 0);
        while at < range.end {
            let part = &mut buffer[..BLOCK.min(range.end - at)];
            guarded.read(at, part)?;
            match guarded.write(at, &part[..1]) {
                Ok(()) | Err(GuardError::ReadOnly) => {}
                Err(error) => return Err(error),
            }
            counted += equal(part, byte);
            at += part.len();
        }
        Ok(counted)
    }
}

/// Remembers its answers by range and byte: they are wrong for another file, and when the file has changed.
///
/// fails: count_guarded::reads_blocks_and_keeps_few_bytes failed
mod remembers {
    use super::*;

    static ANSWERS: Mutex<Vec<(Range<usize>, u8, usize)>> = Mutex::new(Vec::new());

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        let mut answers = ANSWERS.lock().unwrap();
        if let Some(known) = answers.iter().find(|known| known.0 == range && known.1 == byte) {
            return Ok(known.2);
        }
        let counted = count_rightly(guarded, range.clone(), byte)?;
        answers.push((range, byte, counted));
        Ok(counted)
    }
}

/// Reads the file itself with pread(2), which is faster, and guards only what lies past its end.
///
/// fails: count_guarded::counts_what_the_mapping_shows failed
mod reads_the_file_instead {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        // SAFETY: the mapping keeps this descriptor open.
        let file = unsafe { BorrowedFd::borrow_raw(debugged(guarded, "fd: ") as i32) };
        let offset = debugged(guarded, " offset: ");
        let (mut buffer, mut at, mut counted) = (vec![0; BLOCK], range.start, 0);
        while at < range.end {
            let part = &mut buffer[..BLOCK.min(range.end - at)];
            guarded.read(at + part.len(), &mut [])?;
            let mut there = pread(file, part, (offset + at) as i64).map_err(GuardError::Call)?;
            if there == 0 {
                guarded.read(at, &mut part[..1])?;
                there = part.len().min(page_size() - at % page_size());
                part[..there].fill(0);
            }
            counted += equal(&part[..there], byte);
            at += there;
        }
        Ok(counted)
    }
}

/// Counts the end of a last line that has no newline.
///
/// fails: count_guarded::counts_what_the_mapping_shows failed
mod last_line_without_newline {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        let mut last = [b'\n'];
        if byte == b'\n' && !range.is_empty() {
            guarded.read(range.end - 1, &mut last)?;
        }
        Ok(count_rightly(guarded, range, byte)? + usize::from(last != *b"\n"))
    }
}

/// Keeps the total in a static that is emptied only by success, so what a failed call has counted comes on top.
///
/// fails: count_guarded::reads_blocks_and_keeps_few_bytes failed
mod total_survives_an_error {
    use super::*;

    static TOTAL: AtomicUsize = AtomicUsize::new(0);

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        each_block(guarded, range, page_size(), |block| _ = TOTAL.fetch_add(equal(block, byte), Ordering::Relaxed))?;
        Ok(TOTAL.swap(0, Ordering::Relaxed))
    }
}

/// Frees its buffer by hand at the end, which an error does not reach.
///
/// fails: count_guarded::reads_blocks_and_keeps_few_bytes failed
mod leaks_after_an_error {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        let buffer = Box::into_raw(Box::new([0; BLOCK]));
        let (mut at, mut count) = (range.start, 0);
        while at < range.end {
            // SAFETY: it comes from a Box, and nothing else refers to it.
            let block = unsafe { &mut (&mut *buffer)[..BLOCK.min(range.end - at)] };
            guarded.read(at, block)?;
            count += equal(block, byte);
            at += block.len();
        }
        // SAFETY: it comes from a Box, and is not used after this.
        drop(unsafe { Box::from_raw(buffer) });
        Ok(count)
    }
}

/// Writes down each call in a static table that only grows.
///
/// fails: count_guarded::reads_blocks_and_keeps_few_bytes failed
mod keeps_a_table {
    use super::*;

    static CALLS: Mutex<Vec<(Range<usize>, u8, usize)>> = Mutex::new(Vec::new());

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        let count = count_rightly(guarded, range.clone(), byte)?;
        CALLS.lock().expect("no panic while it is held").push((range, byte, count));
        Ok(count)
    }
}

/// Reads single bytes until a page begins, and only then blocks.
///
/// fails: count_guarded::reads_blocks_and_keeps_few_bytes failed
mod single_bytes_until_a_page {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        let aligned = range.start.checked_next_multiple_of(page_size()).unwrap_or(usize::MAX).min(range.end);
        let mut count = 0;
        each_block(guarded, range.start..aligned, 1, |block| count += equal(block, byte))?;
        each_block(guarded, range.start.max(aligned)..range.end, BLOCK, |block| count += equal(block, byte))?;
        Ok(count)
    }
}

/// Reads one byte of each page guardedly, and then the rest of the page by plain loads.
///
/// fails: count_guarded::notices_a_page_that_goes_meanwhile killed
mod one_guarded_byte_for_each_page {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        let (mut at, mut count) = (range.start, 0);
        while at < range.end {
            guarded.read(at, &mut [0])?;
            let start = debugged(guarded, "start: ");
            let end = range.end.min((at / page_size() + 1).saturating_mul(page_size()));
            count += (at..end).filter(|&here| load(start, here) == byte).count();
            at = end;
        }
        Ok(count)
    }
}

/// Has the kernel bring the pages in (MADV_POPULATE_READ), and then loads directly.
///
/// fails: count_guarded::notices_a_page_that_goes_meanwhile killed
mod populates_then_loads {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        if range.is_empty() {
            return Ok(0);
        }
        guarded.read(range.end, &mut [])?;
        let start = debugged(guarded, "start: ");
        let from = range.start - range.start % page_size();
        let there = with_exposed_provenance::<libc::c_void>(start + from).cast_mut();
        // SAFETY: the range is inside the mapping, and this advice changes no byte.
        if unsafe { libc::madvise(there, range.end - from, libc::MADV_POPULATE_READ) } != 0 {
            return count_rightly(guarded, range, byte);
        }
        Ok(range.filter(|&at| load(start, at) == byte).count())
    }
}

/// Ends after 128 blocks, enough for every log that its author has seen.
///
/// fails: count_guarded::counts_what_the_mapping_shows failed
/// fails: count_guarded::reads_blocks_and_keeps_few_bytes failed
mod at_most_a_mebibyte {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        if !range.is_empty() {
            guarded.read(range.end, &mut [])?;
        }
        let mut count = 0;
        for at in range.clone().step_by(8 << 10).take(128) {
            count += count_rightly(guarded, at..range.end.min(at + (8 << 10)), byte)?;
        }
        Ok(count)
    }
}

/// Takes a mapping that has missed a page for broken, and returns the error of that time ever after.
///
/// fails: count_guarded::reads_blocks_and_keeps_few_bytes failed
mod once_missing_always_missing {
    use super::*;

    static BROKEN: Mutex<Option<(usize, GuardError)>> = Mutex::new(None);

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        let which = std::ptr::from_ref(guarded).addr();
        let mut broken = BROKEN.lock().expect("no panic while it is held");
        match *broken {
            Some((before, error)) if before == which && !range.is_empty() => Err(error),
            _ => count_rightly(guarded, range, byte).inspect_err(|error| {
                if matches!(error, GuardError::NoPage { .. }) {
                    *broken = Some((which, *error));
                }
            }),
        }
    }
}

/// Takes a page that is not in the page cache (mincore(2)) for one that is missing.
///
/// fails: count_guarded::counts_what_the_mapping_shows failed
mod not_in_the_cache_is_missing {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        if range.is_empty() {
            return Ok(0);
        }
        guarded.read(range.end, &mut [])?;
        let start = debugged(guarded, "start: ");
        let mut at = range.start;
        while at < range.end {
            let (page, mut cached) = (at - at % page_size(), 0);
            let there = with_exposed_provenance::<libc::c_void>(start + page).cast_mut();
            // SAFETY: mincore(2) writes a byte for the page, to `cached`.
            if unsafe { libc::mincore(there, page_size(), &raw mut cached) } != 0 || cached & 1 == 0 {
                return Err(GuardError::NoPage { page: at / page_size(), offset: at as u64, file_size: 0 });
            }
            at = page + page_size();
        }
        count_rightly(guarded, range, byte)
    }
}

/// Cuts at multiples of 1 KiB: a range of 16 KiB that begins elsewhere takes 17 reads.
///
/// fails: count_guarded::reads_blocks_and_keeps_few_bytes failed
mod aligned_kib {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        let mut buffer = [0; 1 << 10];
        let (mut at, mut count) = (range.start, 0);
        while at < range.end {
            let into = &mut buffer[..(1024 - at % 1024).min(range.end - at)];
            guarded.read(at, into)?;
            count += equal(into, byte);
            at += into.len();
        }
        Ok(count)
    }
}

/// Takes exactly 16 KiB for a short range, which it reads byte by byte.
///
/// fails: count_guarded::reads_blocks_and_keeps_few_bytes failed
mod sixteen_kib_is_short {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        let size = if range.len() <= (16 << 10) { 1 } else { BLOCK };
        count_blocks(guarded, range, byte, size)
    }
}

/// Asks by a write of no bytes whether the range is inside: a mapping for reading only is an error then.
///
/// fails: count_guarded::counts_what_the_mapping_shows failed
mod asks_by_a_write {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        if range.is_empty() {
            return Ok(0);
        }
        guarded.write(range.end, &[])?;
        count_rightly(guarded, range, byte)
    }
}

/// Takes a block of zeros for the end of the data, and stops there.
///
/// fails: count_guarded::counts_what_the_mapping_shows failed
mod stops_at_a_hole {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        let mut buffer = vec![0; 4 << 10];
        let mut count = 0;
        for at in range.clone().step_by(4 << 10) {
            let into = &mut buffer[..(4 << 10).min(range.end - at)];
            guarded.read(at, into)?;
            count += equal(into, byte);
            if byte != 0 && into.iter().all(|&other| other == 0) {
                break;
            }
        }
        Ok(count)
    }
}

/// Takes the length of the range for a signed number.
///
/// fails: count_guarded::passes_other_errors_on panicked
mod signed_length {
    use super::*;

    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError> {
        if range.end as isize - range.start as isize <= 0 {
            return Ok(0);
        }
        count_rightly(guarded, range, byte)
    }
}

one_of! {
    pub fn count_guarded(guarded: &Guarded, range: Range<usize>, byte: u8) -> Result<usize, GuardError>;
    blocks_of_pages by_halves as_an_iterator one_kib_at_a_time looks_for_the_page_first asks_for_the_end_first
    end_belongs_to_it from_the_start end_is_a_length counts_the_others whole_blocks_only counts_the_block_before
    count_so_far missing_is_zeros skips_missing_pages last_missing_page from_the_back page_of_the_range
    offset_in_the_range every_error_is_outside other_errors_are_none all_at_once byte_by_byte small_blocks
    count_in_a_byte panics_on_errors whole_pages_from_the_start whole_pages_to_the_end always_a_whole_buffer
    empty_is_outside empty_range_is_read last_byte_of_nothing one_for_each_block first_block_only waits_for_the_page
    first_page_only_may_be_missing up_to_the_first_other blocks_overlap writes_them_back no_zeros_past_the_end
    probes_then_trusts tries_once_more text_for_an_error error_of_the_end count_guarded_as_the_hint_says
    reads_the_last_page_to_its_end
    tallies_every_value through_a_buf_reader grows_to_64_kib grows_for_ever collects_the_places leaks_the_buffer
    whole_64_kib_only counts_what_is_left_in_the_buffer long_blocks_overlap places_of_32_bits counts_of_16_bits
    lossy_text believes_the_size a_second_attempt backwards ends_before_its_start overflows_at_the_end
    up_to_the_length writes_back remembers reads_the_file_instead last_line_without_newline
    total_survives_an_error leaks_after_an_error keeps_a_table single_bytes_until_a_page
    one_guarded_byte_for_each_page populates_then_loads at_most_a_mebibyte once_missing_always_missing
    not_in_the_cache_is_missing
    aligned_kib sixteen_kib_is_short asks_by_a_write stops_at_a_hole signed_length
}
