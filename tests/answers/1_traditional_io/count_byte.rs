use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::ptr;

use mmap_workbook::lesson_1::{Account, CHUNK, Calls, read_at, write_at};
use nix::errno::Errno;

/// Fills `into` as far as the file reaches.
fn fill(file: &dyn Calls, into: &mut [u8], at: u64) -> io::Result<usize> {
    read_at(file, into, at, &mut Account::default())
}

/// A number of bytes that fits in memory.
fn index(count: u64) -> usize {
    count.try_into().expect("it fits in memory")
}

fn count(bytes: &[u8], byte: u8) -> u64 {
    bytes.iter().filter(|other| **other == byte).count() as u64
}

/// Each chunk of the file.
fn for_each_chunk(file: &dyn Calls, length: usize, mut each: impl FnMut(&[u8])) -> io::Result<()> {
    let (mut buffer, mut at) = (vec![0; length], 0);
    loop {
        let read = fill(file, &mut buffer, at)?;
        each(&buffer[..read]);
        at += read as u64;
        if read < length {
            return Ok(());
        }
    }
}

/// Reads once, and trusts that it was all.
///
/// fails: count_byte::counts_every_byte_once failed
mod one_read_when_counting {
    use super::*;

    pub fn count_byte(file: &dyn Calls, byte: u8) -> io::Result<u64> {
        let mut buffer = vec![0; CHUNK];
        let read = fill(file, &mut buffer, 0)?;
        Ok(count(&buffer[..read], byte))
    }
}

/// Counts in the whole buffer, also where nothing was read.
///
/// fails: count_byte::counts_every_byte_once failed
mod counts_the_whole_buffer {
    use super::*;

    pub fn count_byte(file: &dyn Calls, byte: u8) -> io::Result<u64> {
        let mut buffer = vec![0; CHUNK];
        let (mut at, mut count) = (0, 0);
        loop {
            let read = fill(file, &mut buffer, at)?;
            count += super::count(&buffer, byte);
            at += read as u64;
            if read < buffer.len() {
                return Ok(count);
            }
        }
    }
}

/// Takes a short read for the end of the file.
///
/// fails: count_byte::goes_on_after_short_and_interrupted_calls failed short-is-the-end
mod short_is_the_end_when_counting {
    use super::*;

    pub fn count_byte(file: &dyn Calls, byte: u8) -> io::Result<u64> {
        let mut buffer = vec![0; CHUNK];
        let (mut at, mut found) = (0, 0);
        loop {
            let read = match file.pread(&mut buffer, at) {
                Err(Errno::EINTR) => continue,
                read => read?,
            };
            found += count(&buffer[..read], byte);
            at += read as u64;
            if read < buffer.len() {
                return Ok(found);
            }
        }
    }
}

/// Returns EINTR.
///
/// fails: count_byte::goes_on_after_short_and_interrupted_calls failed eintr-is-an-error
mod interruption_is_an_error {
    use super::*;

    pub fn count_byte(file: &dyn Calls, byte: u8) -> io::Result<u64> {
        let mut buffer = vec![0; CHUNK];
        let (mut at, mut found) = (0, 0);
        loop {
            let read = file.pread(&mut buffer, at)?;
            if read == 0 {
                return Ok(found);
            }
            found += count(&buffer[..read], byte);
            at += read as u64;
        }
    }
}

/// Takes an interruption for the end of the file.
///
/// fails: count_byte::goes_on_after_short_and_interrupted_calls failed
mod interruption_is_the_end {
    use super::*;

    pub fn count_byte(file: &dyn Calls, byte: u8) -> io::Result<u64> {
        let mut buffer = vec![0; CHUNK];
        let (mut at, mut found) = (0, 0);
        loop {
            let read = match file.pread(&mut buffer, at) {
                Err(Errno::EINTR) => 0,
                read => read?,
            };
            if read == 0 {
                return Ok(found);
            }
            found += count(&buffer[..read], byte);
            at += read as u64;
        }
    }
}

/// Takes any error for the end of the file.
///
/// fails: count_byte::returns_the_error_of_a_call failed
/// fails: count_byte::takes_little_memory_however_large_the_file_is failed
mod any_error_is_the_end {
    use super::*;

    pub fn count_byte(file: &dyn Calls, byte: u8) -> io::Result<u64> {
        let mut buffer = vec![0; CHUNK];
        let (mut at, mut found) = (0, 0);
        while let Ok(read @ 1..) = fill(file, &mut buffer, at) {
            found += count(&buffer[..read], byte);
            at += read as u64;
        }
        Ok(found)
    }
}

/// Retries an interrupted call twice.
///
/// fails: count_byte::goes_on_after_short_and_interrupted_calls failed
mod three_attempts {
    use super::*;

    pub fn count_byte(file: &dyn Calls, byte: u8) -> io::Result<u64> {
        let mut buffer = vec![0; CHUNK];
        let (mut at, mut found, mut attempts) = (0, 0, 0);
        loop {
            let read = match file.pread(&mut buffer, at) {
                Err(Errno::EINTR) if attempts < 2 => {
                    attempts += 1;
                    continue;
                }
                read => read?,
            };
            attempts = 0;
            if read == 0 {
                return Ok(found);
            }
            found += count(&buffer[..read], byte);
            at += read as u64;
        }
    }
}

/// Reads one byte with each call.
///
/// fails: count_byte::makes_few_calls_and_no_writes failed a-call-costs-nothing
/// fails: count_byte::takes_little_memory_however_large_the_file_is failed a-call-costs-nothing
mod byte_by_byte_when_counting {
    use super::*;

    pub fn count_byte(file: &dyn Calls, byte: u8) -> io::Result<u64> {
        let mut buffer = [0];
        let (mut at, mut found) = (0, 0);
        loop {
            let read = fill(file, &mut buffer, at)?;
            if read == 0 {
                return Ok(found);
            }
            found += count(&buffer[..read], byte);
            at += read as u64;
        }
    }
}

/// Reads 4000 bytes with each call.
///
/// fails: count_byte::makes_few_calls_and_no_writes failed a-call-costs-nothing
/// fails: count_byte::takes_little_memory_however_large_the_file_is failed a-call-costs-nothing
mod few_bytes_at_a_time {
    use super::*;

    pub fn count_byte(file: &dyn Calls, byte: u8) -> io::Result<u64> {
        let mut buffer = vec![0; 4000];
        let (mut at, mut found) = (0, 0);
        loop {
            let read = fill(file, &mut buffer, at)?;
            if read == 0 {
                return Ok(found);
            }
            found += count(&buffer[..read], byte);
            at += read as u64;
        }
    }
}

/// Reads the whole file into memory.
///
/// fails: count_byte::takes_little_memory_however_large_the_file_is out_of_memory a-file-fits-in-memory
mod whole_file {
    use super::*;

    pub fn count_byte(file: &dyn Calls, byte: u8) -> io::Result<u64> {
        let mut buffer = vec![0; index(file.size()?)];
        let read = fill(file, &mut buffer, 0)?;
        Ok(count(&buffer[..read], byte))
    }
}

/// Has a buffer of 2 MiB.
///
/// fails: count_byte::takes_little_memory_however_large_the_file_is out_of_memory a-file-fits-in-memory
mod two_mebibytes {
    use super::*;

    pub fn count_byte(file: &dyn Calls, byte: u8) -> io::Result<u64> {
        let mut buffer = vec![0; 2 << 20];
        let (mut at, mut found) = (0, 0);
        loop {
            let read = fill(file, &mut buffer, at)?;
            if read == 0 {
                return Ok(found);
            }
            found += count(&buffer[..read], byte);
            at += read as u64;
        }
    }
}

/// Has a buffer of 1.5 MiB on the stack.
///
/// fails: count_byte::takes_little_memory_however_large_the_file_is failed
mod on_the_stack {
    use super::*;

    pub fn count_byte(file: &dyn Calls, byte: u8) -> io::Result<u64> {
        let mut buffer = [0; 1536 << 10];
        let (mut at, mut found) = (0, 0);
        loop {
            let read = fill(file, &mut buffer, at)?;
            if read == 0 {
                return Ok(found);
            }
            found += count(&buffer[..read], byte);
            at += read as u64;
        }
    }
}

/// Reads the file in four parts, however large they are.
///
/// fails: count_byte::takes_little_memory_however_large_the_file_is failed
mod a_quarter_at_a_time {
    use super::*;

    pub fn count_byte(file: &dyn Calls, byte: u8) -> io::Result<u64> {
        let mut buffer = vec![0; index(file.size()?) / 4 + 1];
        let (mut at, mut found) = (0, 0);
        loop {
            let read = fill(file, &mut buffer, at)?;
            if read == 0 {
                return Ok(found);
            }
            found += count(&buffer[..read], byte);
            at += read as u64;
        }
    }
}

/// Collects the offsets, and counts them at the end.
///
/// fails: count_byte::takes_little_memory_however_large_the_file_is out_of_memory a-file-fits-in-memory
mod collects_the_offsets_when_counting {
    use super::*;

    pub fn count_byte(file: &dyn Calls, byte: u8) -> io::Result<u64> {
        let mut buffer = vec![0; CHUNK];
        let (mut at, mut offsets) = (0, Vec::new());
        loop {
            let read = fill(file, &mut buffer, at)?;
            if read == 0 {
                return Ok(offsets.len() as u64);
            }
            offsets.extend((at..).zip(&buffer[..read]).filter(|(_, other)| **other == byte).map(|(at, _)| at));
            at += read as u64;
        }
    }
}

/// Counts in a number of 16 bits for each chunk.
///
/// fails: count_byte::counts_every_byte_once failed
mod a_count_of_16_bits {
    use super::*;

    pub fn count_byte(file: &dyn Calls, byte: u8) -> io::Result<u64> {
        let mut buffer = vec![0; CHUNK];
        let (mut at, mut found) = (0, 0);
        loop {
            let read = fill(file, &mut buffer, at)?;
            if read == 0 {
                return Ok(found);
            }
            found += count(&buffer[..read], byte) % (1 << 16);
            at += read as u64;
        }
    }
}

/// Counts in a number of 8 bits.
///
/// fails: count_byte::counts_every_byte_once failed
mod a_count_of_8_bits {
    use super::*;

    pub fn count_byte(file: &dyn Calls, byte: u8) -> io::Result<u64> {
        let mut buffer = vec![0; CHUNK];
        let (mut at, mut found) = (0, 0);
        loop {
            let read = fill(file, &mut buffer, at)?;
            if read == 0 {
                return Ok(found);
            }
            found = (found + count(&buffer[..read], byte)) % (1 << 8);
            at += read as u64;
        }
    }
}

/// Takes a zero for the end, as of a string in C.
///
/// fails: count_byte::counts_every_byte_once failed
/// fails: count_byte::takes_little_memory_however_large_the_file_is failed
mod ends_at_a_zero {
    use super::*;

    pub fn count_byte(file: &dyn Calls, byte: u8) -> io::Result<u64> {
        let mut buffer = vec![0; CHUNK];
        let (mut at, mut found) = (0, 0);
        loop {
            let read = fill(file, &mut buffer, at)?;
            if read == 0 {
                return Ok(found);
            }
            found += count(buffer[..read].split(|byte| *byte == 0).next().unwrap_or_default(), byte);
            at += read as u64;
        }
    }
}

/// Counts a run of the byte once.
///
/// fails: count_byte::counts_every_byte_once failed
mod runs_count_once {
    use super::*;

    pub fn count_byte(file: &dyn Calls, byte: u8) -> io::Result<u64> {
        let mut buffer = vec![0; CHUNK];
        let (mut at, mut found) = (0, 0);
        loop {
            let read = fill(file, &mut buffer, at)?;
            if read == 0 {
                return Ok(found);
            }
            found += buffer[..read].chunk_by(|a, b| a == b).filter(|run| run[0] == byte).count() as u64;
            at += read as u64;
        }
    }
}

/// Says whether the byte is there.
///
/// fails: count_byte::counts_every_byte_once failed
mod is_it_there {
    use super::*;

    pub fn count_byte(file: &dyn Calls, byte: u8) -> io::Result<u64> {
        let mut buffer = vec![0; CHUNK];
        let (mut at, mut found) = (0, 0);
        loop {
            let read = fill(file, &mut buffer, at)?;
            if read == 0 {
                return Ok(found.min(1));
            }
            found += count(&buffer[..read], byte);
            at += read as u64;
        }
    }
}

/// Skips a byte between two chunks.
///
/// fails: count_byte::counts_every_byte_once failed
mod skips_a_byte {
    use super::*;

    pub fn count_byte(file: &dyn Calls, byte: u8) -> io::Result<u64> {
        let mut buffer = vec![0; CHUNK];
        let (mut at, mut found) = (0, 0);
        loop {
            let read = fill(file, &mut buffer, at)?;
            if read == 0 {
                return Ok(found);
            }
            found += count(&buffer[..read], byte);
            at += read as u64 + 1;
        }
    }
}

/// Reads the last byte of a full chunk again.
///
/// fails: count_byte::counts_every_byte_once failed
mod reads_a_byte_again {
    use super::*;

    pub fn count_byte(file: &dyn Calls, byte: u8) -> io::Result<u64> {
        let mut buffer = vec![0; CHUNK];
        let (mut at, mut count) = (0, 0);
        loop {
            let read = fill(file, &mut buffer, at)?;
            count += super::count(&buffer[..read], byte);
            at += read as u64 - u64::from(read == buffer.len());
            if read < buffer.len() {
                return Ok(count);
            }
        }
    }
}

/// Leaves out the last chunk, which is not full.
///
/// fails: count_byte::counts_every_byte_once failed
mod only_full_chunks {
    use super::*;

    pub fn count_byte(file: &dyn Calls, byte: u8) -> io::Result<u64> {
        let mut buffer = vec![0; CHUNK];
        let (mut at, mut found) = (0, 0);
        while fill(file, &mut buffer, at)? == buffer.len() {
            found += count(&buffer, byte);
            at += buffer.len() as u64;
        }
        Ok(found)
    }
}

/// Makes as many steps as whole chunks fit in the size.
///
/// fails: count_byte::counts_every_byte_once failed
mod rounds_the_size_down {
    use super::*;

    pub fn count_byte(file: &dyn Calls, byte: u8) -> io::Result<u64> {
        let mut buffer = vec![0; 4000];
        let mut found = 0;
        for n in 0..file.size()? / 4000 {
            let read = fill(file, &mut buffer, n * 4000)?;
            found += count(&buffer[..read], byte);
        }
        Ok(found)
    }
}

/// Goes on a whole chunk after a short read.
///
/// fails: count_byte::goes_on_after_short_and_interrupted_calls failed short-is-the-end
mod advances_a_whole_chunk {
    use super::*;

    pub fn count_byte(file: &dyn Calls, byte: u8) -> io::Result<u64> {
        let mut buffer = vec![0; CHUNK];
        let (mut at, mut found) = (0, 0);
        loop {
            let read = match file.pread(&mut buffer, at) {
                Err(Errno::EINTR) => continue,
                read => read?,
            };
            if read == 0 {
                return Ok(found);
            }
            found += count(&buffer[..read], byte);
            at += buffer.len() as u64;
        }
    }
}

/// Goes on with the next chunk after an interruption.
///
/// fails: count_byte::goes_on_after_short_and_interrupted_calls failed
mod skips_when_interrupted {
    use super::*;

    pub fn count_byte(file: &dyn Calls, byte: u8) -> io::Result<u64> {
        let mut buffer = vec![0; CHUNK];
        let (mut at, mut found) = (0, 0);
        loop {
            let read = match file.pread(&mut buffer, at) {
                Err(Errno::EINTR) => {
                    at += CHUNK as u64;
                    continue;
                }
                read => read?,
            };
            if read == 0 {
                return Ok(found);
            }
            found += count(&buffer[..read], byte);
            at += read as u64;
        }
    }
}

/// Takes the bytes for text, and counts characters.
///
/// fails: count_byte::counts_every_byte_once failed
mod as_text {
    use super::*;

    pub fn count_byte(file: &dyn Calls, byte: u8) -> io::Result<u64> {
        let mut buffer = vec![0; CHUNK];
        let (mut at, mut found) = (0, 0);
        loop {
            let read = fill(file, &mut buffer, at)?;
            if read == 0 {
                return Ok(found);
            }
            found += String::from_utf8_lossy(&buffer[..read]).chars().filter(|c| *c == byte as char).count() as u64;
            at += read as u64;
        }
    }
}

/// Takes `A` for `a`.
///
/// fails: count_byte::counts_every_byte_once failed
mod ignores_case {
    use super::*;

    pub fn count_byte(file: &dyn Calls, byte: u8) -> io::Result<u64> {
        let mut buffer = vec![0; CHUNK];
        let (mut at, mut found) = (0, 0);
        loop {
            let read = fill(file, &mut buffer, at)?;
            if read == 0 {
                return Ok(found);
            }
            found += buffer[..read].iter().filter(|other| other.eq_ignore_ascii_case(&byte)).count() as u64;
            at += read as u64;
        }
    }
}

/// Wraps the error in another one.
///
/// fails: count_byte::returns_the_error_of_a_call failed
/// fails: count_byte::takes_little_memory_however_large_the_file_is failed
mod adds_words_to_the_error {
    use super::*;

    pub fn count_byte(file: &dyn Calls, byte: u8) -> io::Result<u64> {
        let mut buffer = vec![0; CHUNK];
        let (mut at, mut found) = (0, 0);
        loop {
            let read =
                fill(file, &mut buffer, at).map_err(|error| io::Error::other(format!("can't count: {error}")))?;
            if read == 0 {
                return Ok(found);
            }
            found += count(&buffer[..read], byte);
            at += read as u64;
        }
    }
}

/// Takes an error of `size()` for an empty file.
///
/// fails: count_byte::returns_the_error_of_a_call failed
mod unknown_size_is_zero_when_counting {
    use super::*;

    pub fn count_byte(file: &dyn Calls, byte: u8) -> io::Result<u64> {
        let size = file.size().unwrap_or(0);
        let mut buffer = vec![0; CHUNK];
        let (mut at, mut found) = (0, 0);
        while at < size {
            let read = fill(file, &mut buffer, at)?;
            found += count(&buffer[..read], byte);
            at += read as u64;
        }
        Ok(found)
    }
}

/// Retries after EAGAIN, too.
///
/// fails: count_byte::returns_the_error_of_a_call failed
mod tries_again_after_eagain_when_counting {
    use super::*;

    pub fn count_byte(file: &dyn Calls, byte: u8) -> io::Result<u64> {
        let mut buffer = vec![0; CHUNK];
        let (mut at, mut found) = (0, 0);
        loop {
            let read = match file.pread(&mut buffer, at) {
                Err(Errno::EINTR | Errno::EAGAIN) => continue,
                read => read?,
            };
            if read == 0 {
                return Ok(found);
            }
            found += count(&buffer[..read], byte);
            at += read as u64;
        }
    }
}

/// Writes each chunk back.
///
/// fails: count_byte::makes_few_calls_and_no_writes failed
/// fails: count_byte::takes_little_memory_however_large_the_file_is failed
mod writes_it_back {
    use super::*;

    pub fn count_byte(file: &dyn Calls, byte: u8) -> io::Result<u64> {
        let mut buffer = vec![0; CHUNK];
        let (mut at, mut found) = (0, 0);
        loop {
            let read = fill(file, &mut buffer, at)?;
            if read == 0 {
                return Ok(found);
            }
            found += count(&buffer[..read], byte);
            write_at(file, &buffer[..read], at, &mut Account::default())?;
            at += read as u64;
        }
    }
}

/// Calls fsync(2) first, to count what is on the disk.
///
/// fails: count_byte::makes_few_calls_and_no_writes failed
/// fails: count_byte::returns_the_error_of_a_call failed
mod syncs_first {
    use super::*;

    pub fn count_byte(file: &dyn Calls, byte: u8) -> io::Result<u64> {
        while file.fsync() == Err(Errno::EINTR) {}
        let mut buffer = vec![0; CHUNK];
        let (mut at, mut found) = (0, 0);
        loop {
            let read = fill(file, &mut buffer, at)?;
            if read == 0 {
                return Ok(found);
            }
            found += count(&buffer[..read], byte);
            at += read as u64;
        }
    }
}

/// Reads each 16 KiB twice, to be sure.
///
/// fails: count_byte::makes_few_calls_and_no_writes failed a-call-costs-nothing
/// fails: count_byte::takes_little_memory_however_large_the_file_is failed a-call-costs-nothing
mod reads_twice {
    use super::*;

    pub fn count_byte(file: &dyn Calls, byte: u8) -> io::Result<u64> {
        let mut buffer = vec![0; 16 << 10];
        let (mut at, mut found) = (0, 0);
        loop {
            let read = fill(file, &mut buffer, at)?;
            if read == 0 {
                return Ok(found);
            }
            found += count(&buffer[..read], byte);
            fill(file, &mut buffer, at)?;
            at += read as u64;
        }
    }
}

/// Panics where the file is empty.
///
/// fails: count_byte::counts_every_byte_once panicked
/// fails: count_byte::goes_on_after_short_and_interrupted_calls panicked
/// fails: count_byte::makes_few_calls_and_no_writes panicked
/// fails: count_byte::returns_the_error_of_a_call panicked
mod panics_without_bytes {
    use super::*;

    pub fn count_byte(file: &dyn Calls, byte: u8) -> io::Result<u64> {
        let mut buffer = vec![0; CHUNK];
        let (mut at, mut found) = (0, 0);
        assert!(file.size()? > 0);
        loop {
            let read = fill(file, &mut buffer, at)?;
            if read == 0 {
                return Ok(found);
            }
            found += count(&buffer[..read], byte);
            at += read as u64;
        }
    }
}

/// Has its own loop, which ends only where a call returns 0.
///
/// passes
mod until_nothing_is_read {
    use super::*;

    pub fn count_byte(file: &dyn Calls, byte: u8) -> io::Result<u64> {
        let mut buffer = vec![0; CHUNK];
        let (mut at, mut found) = (0, 0);
        loop {
            let read = match file.pread(&mut buffer, at) {
                Err(Errno::EINTR) => continue,
                read => read?,
            };
            if read == 0 {
                return Ok(found);
            }
            found += count(&buffer[..read], byte);
            at += read as u64;
        }
    }
}

/// Asks for the size first, and reads as many bytes.
///
/// passes
mod until_the_size {
    use super::*;

    pub fn count_byte(file: &dyn Calls, byte: u8) -> io::Result<u64> {
        let size = file.size()?;
        let mut buffer = vec![0; CHUNK];
        let (mut at, mut found) = (0, 0);
        while at < size {
            let read = fill(file, &mut buffer, at)?;
            found += count(&buffer[..read], byte);
            at += read as u64;
        }
        Ok(found)
    }
}

/// Reads as little with each call as is allowed.
///
/// passes
mod sixteen_kib_at_a_time_when_counting {
    use super::*;

    pub fn count_byte(file: &dyn Calls, byte: u8) -> io::Result<u64> {
        let mut buffer = vec![0; 16 << 10];
        let (mut at, mut found) = (0, 0);
        loop {
            let read = fill(file, &mut buffer, at)?;
            if read == 0 {
                return Ok(found);
            }
            found += count(&buffer[..read], byte);
            at += read as u64;
        }
    }
}

/// Has the largest buffer that is allowed.
///
/// passes
mod a_mebibyte {
    use super::*;

    pub fn count_byte(file: &dyn Calls, byte: u8) -> io::Result<u64> {
        let mut buffer = vec![0; 1 << 20];
        let (mut at, mut found) = (0, 0);
        loop {
            let read = fill(file, &mut buffer, at)?;
            if read == 0 {
                return Ok(found);
            }
            found += count(&buffer[..read], byte);
            at += read as u64;
        }
    }
}

/// Goes from the end of the file to its beginning.
///
/// passes
mod from_the_end_when_counting {
    use super::*;

    pub fn count_byte(file: &dyn Calls, byte: u8) -> io::Result<u64> {
        let mut end = file.size()?;
        let (mut buffer, mut found) = (vec![0; CHUNK], 0);
        while end > 0 {
            let start = end.saturating_sub(CHUNK as u64);
            let read = fill(file, &mut buffer[..index(end - start)], start)?;
            found += count(&buffer[..read], byte);
            end = start;
        }
        Ok(found)
    }
}

/// Makes a `Read` of the file, and lets std count: `BufReader` with 32 KiB.
///
/// passes
mod buf_reader_when_counting {
    use super::*;

    struct Reader<'a>(&'a dyn Calls, u64);

    impl Read for Reader<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let read = self.0.pread(into, self.1)?;
            self.1 += read as u64;
            Ok(read)
        }
    }

    pub fn count_byte(file: &dyn Calls, byte: u8) -> io::Result<u64> {
        let mut found = 0;
        for other in BufReader::with_capacity(32 << 10, Reader(file, 0)).bytes() {
            found += u64::from(other? == byte);
        }
        Ok(found)
    }
}

/// Asks for half as much after a short or an interrupted call, and never for more again.
///
/// fails: count_byte::makes_few_calls_and_no_writes failed a-call-costs-nothing
mod asks_for_less_and_less {
    use super::*;

    pub fn count_byte(file: &dyn Calls, byte: u8) -> io::Result<u64> {
        let (mut buffer, mut chunk) = (vec![0; CHUNK], CHUNK);
        let (mut at, mut found) = (0, 0);
        let size = file.size()?;
        while at < size {
            match file.pread(&mut buffer[..chunk], at) {
                Ok(read) => {
                    found += count(&buffer[..read], byte);
                    at += read as u64;
                    if read < chunk {
                        chunk = (chunk / 2).max(512);
                    }
                }
                Err(Errno::EINTR) => chunk = (chunk / 2).max(512),
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(found)
    }
}

/// A sixteenth of the file at a time.
///
/// fails: count_byte::takes_little_memory_however_large_the_file_is failed
mod a_sixteenth_at_a_time {
    use super::*;

    pub fn count_byte(file: &dyn Calls, byte: u8) -> io::Result<u64> {
        let mut buffer = vec![0; index(file.size()?.div_ceil(16)).max(CHUNK)];
        let (mut at, mut found) = (0, 0);
        loop {
            let read = fill(file, &mut buffer, at)?;
            found += count(&buffer[..read], byte);
            at += read as u64;
            if read < buffer.len() {
                return Ok(found);
            }
        }
    }
}

/// The size in 32 bits.
///
/// fails: count_byte::takes_little_memory_however_large_the_file_is failed
mod a_size_of_32_bits_when_counting {
    use super::*;

    #[expect(clippy::cast_possible_truncation, reason = "the mistake")]
    pub fn count_byte(file: &dyn Calls, byte: u8) -> io::Result<u64> {
        let size = u64::from(file.size()? as u32);
        let mut buffer = vec![0; CHUNK];
        let (mut at, mut found) = (0, 0);
        while at < size {
            let chunk = CHUNK.min(index(size - at));
            let read = fill(file, &mut buffer[..chunk], at)?;
            found += count(&buffer[..read], byte);
            at += read as u64;
        }
        Ok(found)
    }
}

/// Remembers the last answer by the address and the size of the file.
///
/// fails: count_byte::counts_every_byte_once failed
mod remembers_the_last_answer {
    use std::sync::Mutex;

    use super::*;

    static LAST: Mutex<Option<(usize, u64, u8, u64)>> = Mutex::new(None);

    pub fn count_byte(file: &dyn Calls, byte: u8) -> io::Result<u64> {
        let (address, size) = (std::ptr::from_ref(file).addr(), file.size()?);
        let mut last = LAST.lock().expect("no panic");
        if let Some((.., found)) = last.filter(|&(of, with, what, _)| (of, with, what) == (address, size, byte)) {
            return Ok(found);
        }
        let found = sixteen_kib_at_a_time_when_counting::count_byte(file, byte)?;
        *last = Some((address, size, byte, found));
        Ok(found)
    }
}

/// Reads the same chunk again and again.
///
/// fails: count_byte::counts_every_byte_once failed
mod stays_at_the_first_chunk {
    use super::*;

    pub fn count_byte(file: &dyn Calls, byte: u8) -> io::Result<u64> {
        let mut buffer = vec![0; CHUNK];
        let mut found = 0;
        loop {
            let read = fill(file, &mut buffer, 0)?;
            found += count(&buffer[..read], byte);
            if read < buffer.len() {
                return Ok(found);
            }
        }
    }
}

/// Follows the last hint, line by line.
///
/// passes
mod count_byte_as_the_hint_says {
    use super::*;

    pub fn count_byte(file: &dyn Calls, byte: u8) -> io::Result<u64> {
        let mut buffer = vec![0; CHUNK];
        let (mut at, mut count) = (0, 0);
        loop {
            let read = read_at(file, &mut buffer, at, &mut Account::default())?;
            count += buffer[..read].iter().filter(|other| **other == byte).count() as u64;
            at += read as u64;
            if read < buffer.len() {
                return Ok(count);
            }
        }
    }
}

/// Doesn't count the byte order mark with which some text files begin.
///
/// fails: count_byte::counts_every_byte_once failed
mod skips_the_byte_order_mark {
    use super::*;

    pub fn count_byte(file: &dyn Calls, byte: u8) -> io::Result<u64> {
        let mut mark = [0; 3];
        let length = fill(file, &mut mark, 0)?;
        let mut found = 0;
        for_each_chunk(file, CHUNK, |chunk| found += count(chunk, byte))?;
        Ok(if mark == *b"\xef\xbb\xbf" { found - count(&mark[..length], byte) } else { found })
    }
}

/// Rewinds a static offset at the end only, so that the call after one that failed begins in the middle.
///
/// fails: count_byte::counts_every_byte_once failed
mod no_rewind_after_an_error {
    use super::*;

    thread_local! {
        static OFFSET: Cell<u64> = const { Cell::new(0) };
    }

    pub fn count_byte(file: &dyn Calls, byte: u8) -> io::Result<u64> {
        let mut buffer = vec![0; CHUNK];
        let mut found = 0;
        loop {
            match fill(file, &mut buffer, OFFSET.get())? {
                0 => break,
                read => {
                    found += count(&buffer[..read], byte);
                    OFFSET.set(OFFSET.get() + read as u64);
                }
            }
        }
        OFFSET.set(0);
        Ok(found)
    }
}

/// Has a buffer of a sixty-fourth of the file, so that the number of calls is always the same.
///
/// fails: count_byte::takes_little_memory_however_large_the_file_is failed
mod buffer_grows_with_the_file {
    use super::*;

    pub fn count_byte(file: &dyn Calls, byte: u8) -> io::Result<u64> {
        let length = (file.size()? / 64).max(CHUNK as u64) as usize;
        let mut found = 0;
        for_each_chunk(file, length, |chunk| found += count(chunk, byte))?;
        Ok(found)
    }
}

/// Guesses by its size that the file is a real one, and maps that.
///
/// fails: count_byte::makes_few_calls_and_no_writes failed
mod maps_a_real_file {
    use super::*;

    pub fn count_byte(file: &dyn Calls, byte: u8) -> io::Result<u64> {
        if size_of_val(file) == size_of::<File>() {
            // SAFETY: nothing but a guess: what is as large as a File may be something else.
            let file = unsafe { &*ptr::from_ref(file).cast::<File>() };
            // SAFETY: nobody changes the file meanwhile.
            let map = unsafe { memmap2::Mmap::map(file)? };
            return Ok(count(&map, byte));
        }
        let mut found = 0;
        for_each_chunk(file, CHUNK, |chunk| found += count(chunk, byte))?;
        Ok(found)
    }
}

/// Finds that a directory has no bytes.
///
/// fails: count_byte::returns_the_error_of_a_call failed
mod a_directory_is_empty {
    use super::*;

    pub fn count_byte(file: &dyn Calls, byte: u8) -> io::Result<u64> {
        let mut found = 0;
        match for_each_chunk(file, CHUNK, |chunk| found += count(chunk, byte)) {
            Err(error) if error.kind() == io::ErrorKind::IsADirectory => Ok(0),
            answer => answer.map(|()| found),
        }
    }
}

/// Keeps the size in 32 bits, and reads whole chunks.
///
/// fails: count_byte::takes_little_memory_however_large_the_file_is failed
mod whole_chunks_of_a_size_of_32_bits {
    use super::*;

    pub fn count_byte(file: &dyn Calls, byte: u8) -> io::Result<u64> {
        let (size, mut at, mut found, mut buffer) = (file.size()? & u64::from(u32::MAX), 0, 0, vec![0; CHUNK]);
        while at < size {
            let read = fill(file, &mut buffer, at)?;
            found += count(&buffer[..read], byte);
            at += read as u64;
        }
        Ok(found)
    }
}

one_of! {
    pub fn count_byte(file: &dyn Calls, byte: u8) -> io::Result<u64>;
    one_read_when_counting counts_the_whole_buffer short_is_the_end_when_counting interruption_is_an_error interruption_is_the_end
    any_error_is_the_end three_attempts byte_by_byte_when_counting few_bytes_at_a_time whole_file two_mebibytes on_the_stack
    a_quarter_at_a_time collects_the_offsets_when_counting a_count_of_16_bits a_count_of_8_bits ends_at_a_zero runs_count_once
    is_it_there skips_a_byte reads_a_byte_again only_full_chunks rounds_the_size_down advances_a_whole_chunk
    skips_when_interrupted as_text ignores_case adds_words_to_the_error unknown_size_is_zero_when_counting tries_again_after_eagain_when_counting
    writes_it_back syncs_first reads_twice panics_without_bytes until_nothing_is_read until_the_size
    sixteen_kib_at_a_time_when_counting a_mebibyte from_the_end_when_counting buf_reader_when_counting asks_for_less_and_less a_sixteenth_at_a_time
    a_size_of_32_bits_when_counting remembers_the_last_answer stays_at_the_first_chunk
    count_byte_as_the_hint_says
    skips_the_byte_order_mark no_rewind_after_an_error buffer_grows_with_the_file maps_a_real_file
    a_directory_is_empty whole_chunks_of_a_size_of_32_bits
}
