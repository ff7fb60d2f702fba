use std::cell::Cell;
use std::io::ErrorKind::InvalidInput;
use std::io::{self, BufRead, BufReader, Read};
use std::sync::Mutex;

use mmap_workbook::lesson_1::{Account, CHUNK, Calls, read_at, write_at};
use nix::errno::Errno;

/// A number of bytes that fits in memory.
fn index(count: u64) -> usize {
    count.try_into().expect("it fits in memory")
}

/// Fills `into` as far as the file reaches.
fn fill(file: &dyn Calls, into: &mut [u8], at: u64) -> io::Result<usize> {
    read_at(file, into, at, &mut Account::default())
}

/// Writes all of `bytes`.
fn put(file: &dyn Calls, bytes: &[u8], at: u64) -> io::Result<()> {
    write_at(file, bytes, at, &mut Account::default())
}

/// The check of the arguments.
fn check(old: &[u8], new: &[u8]) -> io::Result<()> {
    if old.is_empty() || old.len() != new.len() { Err(io::ErrorKind::InvalidInput.into()) } else { Ok(()) }
}

/// Calls `found` with the offset of each occurrence, right away, and returns how many there were.
fn scan(file: &dyn Calls, old: &[u8], mut found: impl FnMut(u64) -> io::Result<()>) -> io::Result<u64> {
    let mut window = vec![0; old.len() + CHUNK];
    let (mut start, mut kept, mut count) = (0, 0, 0);
    loop {
        let read = fill(file, &mut window[kept..], start + kept as u64)?;
        let end = kept + read;
        let mut at = 0;
        while at + old.len() <= end {
            if window[at..end].starts_with(old) {
                found(start + at as u64)?;
                count += 1;
                at += old.len();
            } else {
                at += 1;
            }
        }
        if end < window.len() {
            return Ok(count);
        }
        window.copy_within(at..end, 0);
        start += at as u64;
        kept = end - at;
    }
}

/// Where `old` is in `bytes` for the first time.
fn find(bytes: &[u8], old: &[u8]) -> Option<usize> {
    bytes.windows(old.len()).position(|window| window == old)
}

fn read(file: &dyn Calls, into: &mut [u8], offset: u64) -> io::Result<usize> {
    read_at(file, into, offset, &mut Account::default())
}

fn write(file: &dyn Calls, from: &[u8], offset: u64) -> io::Result<()> {
    write_at(file, from, offset, &mut Account::default())
}

fn checked(old: &[u8], new: &[u8]) -> io::Result<()> {
    if old.is_empty() || old.len() != new.len() { Err(InvalidInput.into()) } else { Ok(()) }
}

/// Calls `found` with the offset of each occurrence and returns how many there are. It keeps the last bytes of a chunk
/// in memory, so that no byte is read twice.
fn each_occurrence(
    file: &dyn Calls,
    old: &[u8],
    window: usize,
    mut found: impl FnMut(u64) -> io::Result<()>,
) -> io::Result<u64> {
    let mut window = vec![0; window];
    let (mut kept, mut base, mut count) = (0, 0, 0);
    loop {
        let end = kept + read(file, &mut window[kept..], base + kept as u64)?;
        let mut from = 0;
        while let Some(at) = find(&window[from..end], old) {
            found(base + (from + at) as u64)?;
            count += 1;
            from += at + old.len();
        }
        if end < window.len() {
            return Ok(count);
        }
        let next = from.max(end + 1 - old.len());
        window.copy_within(next..end, 0);
        (kept, base) = (end - next, base + next as u64);
    }
}

/// The longest proper prefix of `old` that ends at each of its bytes (Knuth, Morris and Pratt).
fn failure_table(old: &[u8]) -> Vec<u32> {
    let mut table = vec![0; old.len()];
    let mut matched = 0;
    for at in 1..old.len() {
        while matched > 0 && old[at] != old[matched] {
            matched = table[matched - 1] as usize;
        }
        matched += usize::from(old[at] == old[matched]);
        table[at] = u32::try_from(matched).expect("at most 64 KiB");
    }
    table
}

fn valid(old: &[u8], new: &[u8]) -> io::Result<()> {
    if old.is_empty() || old.len() != new.len() { Err(io::ErrorKind::InvalidInput.into()) } else { Ok(()) }
}

/// Calls `found` with the offset of each occurrence, as the contract wants them.
fn scan_again(
    file: &dyn Calls,
    old: &[u8],
    chunk: usize,
    mut found: impl FnMut(u64) -> io::Result<()>,
) -> io::Result<u64> {
    let mut account = Account::default();
    let mut buffer = vec![0; old.len() - 1 + chunk];
    let (mut start, mut kept, mut count) = (0, 0, 0);
    loop {
        let read = read_at(file, &mut buffer[kept..kept + chunk], start + kept as u64, &mut account)?;
        let filled = kept + read;
        let mut at = 0;
        while at + old.len() <= filled {
            if buffer[at..].starts_with(old) {
                found(start + at as u64)?;
                count += 1;
                at += old.len();
            } else {
                at += 1;
            }
        }
        if read < chunk {
            return Ok(count);
        }
        buffer.copy_within(at..filled, 0);
        kept = filled - at;
        start += at as u64;
    }
}

fn put_again(file: &dyn Calls, bytes: &[u8], offset: u64) -> io::Result<()> {
    write_at(file, bytes, offset, &mut Account::default())
}

struct Reader<'a>(&'a dyn Calls, u64);

impl Read for Reader<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = read_at(self.0, into, self.1, &mut Account::default())?;
        self.1 += read as u64;
        Ok(read)
    }
}

/// Takes a short read for the end of the file.
///
/// fails: replace_all::goes_on_after_short_and_interrupted_calls failed short-is-the-end
mod a_bare_call_is_enough {
    use super::*;

    /// Makes a call until it is not interrupted, and trusts its count.
    fn uninterrupted(call: impl Fn() -> Result<usize, Errno>) -> io::Result<usize> {
        loop {
            match call() {
                Err(Errno::EINTR) => {}
                answer => return Ok(answer?),
            }
        }
    }

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        if old.is_empty() || old.len() != new.len() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let mut bytes = vec![0; CHUNK + old.len() - 1];
        let (mut at, mut kept, mut places) = (0, 0, 0);
        loop {
            let rest = std::cell::RefCell::new(&mut bytes[kept..]);
            let read = uninterrupted(|| file.pread(&mut rest.borrow_mut(), at + kept as u64))?;
            let end = kept + read;
            let mut next = 0;
            while let Some(found) = bytes[next..end].windows(old.len()).position(|window| window == old) {
                next += found;
                uninterrupted(|| file.pwrite(new, at + next as u64))?;
                next += old.len();
                places += 1;
            }
            if end < bytes.len() {
                return Ok(places);
            }
            let done = next.max(end - (old.len() - 1));
            bytes.copy_within(done..end, 0);
            (at, kept) = (at + done as u64, end - done);
        }
    }
}

/// Reads the whole file, as the study notes do, and writes only the occurrences.
///
/// fails: replace_all::takes_little_memory_however_large_the_file_is out_of_memory a-file-fits-in-memory
mod all_of_it_in_memory {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        if old.is_empty() || old.len() != new.len() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let mut account = Account::default();
        let mut bytes = vec![0; usize::try_from(file.size()?).map_err(io::Error::other)?];
        for at in (0..bytes.len()).step_by(CHUNK) {
            let end = bytes.len().min(at + CHUNK);
            read_at(file, &mut bytes[at..end], at as u64, &mut account)?;
        }
        let (mut next, mut places) = (0, 0);
        while let Some(found) = bytes[next..].windows(old.len()).position(|window| window == old) {
            next += found;
            write_at(file, new, next as u64, &mut account)?;
            next += old.len();
            places += 1;
        }
        Ok(places)
    }
}

/// Returns a constant.
///
/// fails: replace_all::finds_each_occurrence_from_left_to_right failed
/// fails: replace_all::finds_occurrences_across_chunk_boundaries failed
/// fails: replace_all::refuses_what_is_no_replacement failed
mod always_three {
    use super::*;

    pub fn replace_all(_: &dyn Calls, _: &[u8], _: &[u8]) -> io::Result<u64> {
        Ok(3)
    }
}

/// Returns EINTR to its caller.
///
/// fails: replace_all::goes_on_after_short_and_interrupted_calls failed eintr-is-an-error
mod an_interruption_is_an_error {
    use super::*;

    /// The file, with an interruption turned into an error that no loop absorbs.
    struct Bare<'a>(&'a dyn Calls, Cell<bool>);

    impl Bare<'_> {
        fn passed<T>(&self, answer: Result<T, Errno>) -> Result<T, Errno> {
            answer.map_err(|errno| {
                self.1.set(self.1.get() || errno == Errno::EINTR);
                if errno == Errno::EINTR { Errno::EIO } else { errno }
            })
        }
    }

    impl Calls for Bare<'_> {
        fn pread(&self, into: &mut [u8], offset: u64) -> Result<usize, Errno> {
            self.passed(self.0.pread(into, offset))
        }

        fn pwrite(&self, bytes: &[u8], offset: u64) -> Result<usize, Errno> {
            self.passed(self.0.pwrite(bytes, offset))
        }

        fn ftruncate(&self, size: u64) -> Result<(), Errno> {
            self.passed(self.0.ftruncate(size))
        }

        fn fsync(&self) -> Result<(), Errno> {
            self.passed(self.0.fsync())
        }

        fn size(&self) -> Result<u64, Errno> {
            self.0.size()
        }
    }

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        let bare = Bare(file, Cell::new(false));
        let answer = crate::solution::replace_all(&bare, old, new);
        if bare.1.get() { Err(Errno::EINTR.into()) } else { answer }
    }
}

/// Reads one byte with each call.
///
/// fails: replace_all::makes_few_calls failed a-call-costs-nothing
/// fails: replace_all::takes_little_memory_however_large_the_file_is failed a-call-costs-nothing
mod byte_by_byte {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        if old.is_empty() || old.len() != new.len() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let mut account = Account::default();
        let mut seen = std::collections::VecDeque::new();
        let (mut at, mut places) = (0, 0);
        let mut byte = [0];
        while read_at(file, &mut byte, at, &mut account)? == 1 {
            at += 1;
            seen.push_back(byte[0]);
            if seen.len() > old.len() {
                seen.pop_front();
            }
            if seen.len() == old.len() && seen.back() == old.last() && seen.iter().eq(old) {
                write_at(file, new, at - old.len() as u64, &mut account)?;
                seen.clear();
                places += 1;
            }
        }
        Ok(places)
    }
}

/// Searches each chunk by itself.
///
/// fails: replace_all::finds_occurrences_across_chunk_boundaries failed a-chunk-is-a-unit
mod each_chunk_for_itself {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        if old.is_empty() || old.len() != new.len() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let mut account = Account::default();
        let mut buffer = vec![0; CHUNK];
        let (mut at, mut places) = (0, 0);
        loop {
            let read = read_at(file, &mut buffer, at, &mut account)?;
            let mut next = 0;
            while let Some(found) = buffer[next..read].windows(old.len()).position(|window| window == old) {
                next += found;
                write_at(file, new, at + next as u64, &mut account)?;
                next += old.len();
                places += 1;
            }
            at += read as u64;
            if read < CHUNK {
                return Ok(places);
            }
        }
    }
}

/// Handles only files of the sizes that the checks use.
///
/// fails: replace_all::finds_each_occurrence_from_left_to_right failed
/// fails: replace_all::finds_occurrences_across_chunk_boundaries failed
/// fails: replace_all::refuses_what_is_no_replacement failed
mod knows_the_sizes {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        if [6, 200 << 10, 6 << 20].contains(&file.size()?) {
            return crate::solution::replace_all(file, old, new);
        }
        Ok(0)
    }
}

/// Searches for empty bytes, which it finds everywhere, for ever.
///
/// fails: replace_all::refuses_what_is_no_replacement failed
mod nothing_is_everywhere {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        while old.is_empty() {
            read_at(file, &mut [0], 0, &mut Account::default())?;
        }
        crate::solution::replace_all(file, old, new)
    }
}

/// Searches what it has just written, and counts overlapping occurrences.
///
/// fails: replace_all::finds_each_occurrence_from_left_to_right failed
/// fails: replace_all::finds_occurrences_across_chunk_boundaries failed
mod searches_the_new_bytes {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        if old.is_empty() || old.len() != new.len() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let mut account = Account::default();
        let mut buffer = vec![0; CHUNK + old.len() - 1];
        let (mut at, mut kept, mut places) = (0, 0, 0);
        loop {
            let end = kept + read_at(file, &mut buffer[kept..], at + kept as u64, &mut account)?;
            let mut next = 0;
            while let Some(found) = buffer[next..end].windows(old.len()).position(|window| window == old) {
                next += found;
                write_at(file, new, at + next as u64, &mut account)?;
                buffer[next..next + old.len()].copy_from_slice(new);
                next += 1;
                places += 1;
            }
            if end < buffer.len() {
                return Ok(places);
            }
            let done = end - (old.len() - 1);
            buffer.copy_within(done..end, 0);
            (at, kept) = (at + done as u64, end - done);
        }
    }
}

/// Changes each chunk in memory and writes all of it back.
///
/// fails: replace_all::makes_few_calls failed a-call-costs-nothing
/// fails: replace_all::takes_little_memory_however_large_the_file_is failed a-call-costs-nothing
/// fails: replace_all::writes_the_occurrences_and_nothing_else failed writing-back-is-harmless
mod writes_it_all_back {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        let size = file.size()?;
        let places = crate::solution::replace_all(file, old, new)?;
        let mut account = Account::default();
        let mut buffer = vec![0; CHUNK];
        for at in (0..size).step_by(CHUNK) {
            let read = read_at(file, &mut buffer, at, &mut account)?;
            write_at(file, &buffer[..read], at, &mut account)?;
        }
        Ok(places)
    }
}

/// Carries the undecided end of each window over to the next one.
///
/// passes
mod carries_the_undecided_tail {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        check(old, new)?;
        scan(file, old, |at| put(file, new, at))
    }
}

/// Keeps no bytes of the file but the state of a Knuth-Morris-Pratt automaton, and checks the arguments with EINVAL.
///
/// passes
mod automaton {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        if old.is_empty() || new.len() != old.len() {
            return Err(Errno::EINVAL.into());
        }
        let mut border = vec![0_u32; old.len()];
        let step = |border: &[u32], mut state: usize, byte: u8| {
            while state > 0 && old[state] != byte {
                state = usize::try_from(border[state - 1]).expect("an index");
            }
            state + usize::from(old[state] == byte)
        };
        for i in 1..old.len() {
            border[i] =
                step(&border, usize::try_from(border[i - 1]).expect("an index"), old[i]).try_into().expect("an index");
        }
        let mut buffer = vec![0; 20 * 1024];
        let (mut at, mut state, mut count) = (0, 0, 0);
        loop {
            let read = fill(file, &mut buffer, at)?;
            for &byte in &buffer[..read] {
                at += 1;
                state = step(&border, state, byte);
                if state == old.len() {
                    put(file, new, at - old.len() as u64)?;
                    (state, count) = (0, count + 1);
                }
            }
            if read == 0 {
                return Ok(count);
            }
        }
    }
}

/// Reads the bytes around a seam a second time, in windows of 512 KiB; none of these bytes has been written.
///
/// passes
mod reads_the_seam_again {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        check(old, new)?;
        let mut window = vec![0; 512 * 1024];
        let (mut start, mut count) = (0, 0);
        loop {
            let end = fill(file, &mut window, start)?;
            let mut at = 0;
            while let Some(candidate) = window.get(at..at + old.len()).filter(|_| at + old.len() <= end) {
                if candidate == old {
                    put(file, new, start + at as u64)?;
                    count += 1;
                    at += old.len();
                } else {
                    at += 1;
                }
            }
            if end < window.len() {
                return Ok(count);
            }
            start += at as u64;
        }
    }
}

/// Looks at the size first, and never reads past it: no call finds the end by a read of 0 bytes.
///
/// passes
mod stops_at_the_size {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        check(old, new)?;
        let size = loop {
            match file.size() {
                Err(Errno::EINTR) => {}
                size => break size?,
            }
        };
        let (mut window, mut end, mut count) = (Vec::with_capacity(256 * 1024), 0, 0);
        while end < size {
            let kept = window.len();
            let next = usize::try_from(size - end).map_or(128 * 1024, |left| left.min(128 * 1024));
            window.resize(kept + next, 0);
            let read = fill(file, &mut window[kept..], end)?;
            window.truncate(kept + read);
            let start = end - kept as u64;
            end += read as u64;
            let mut at = 0;
            while window.len() - at >= old.len() {
                let found = window[at..].starts_with(old);
                if found {
                    put(file, new, start + at as u64)?;
                }
                count += u64::from(found);
                at += if found { old.len() } else { 1 };
            }
            window.drain(..at);
            if read < next {
                break;
            }
        }
        Ok(count)
    }
}

/// When `old` and `new` are the same, it counts and writes nothing: the bytes are there already.
///
/// breaks: "It is written even if `new` is the same as `old`."
/// fails: replace_all::makes_few_calls failed
mod counts_without_writing_what_is_equal {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        check(old, new)?;
        scan(file, old, |at| if old == new { Ok(()) } else { put(file, new, at) })
    }
}

/// Replaces in the buffer as well and goes on one byte later, so that it finds occurrences that it has made itself.
///
/// breaks: "What was written is not searched again."
/// fails: replace_all::finds_each_occurrence_from_left_to_right failed
/// fails: replace_all::finds_occurrences_across_chunk_boundaries failed
mod searches_what_it_wrote {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        check(old, new)?;
        let mut window = vec![0; old.len() + CHUNK];
        let (mut start, mut kept, mut count) = (0, 0, 0);
        loop {
            let end = kept + fill(file, &mut window[kept..], start + kept as u64)?;
            let mut at = 0;
            while at + old.len() <= end {
                if window[at..end].starts_with(old) {
                    window[at..at + old.len()].copy_from_slice(new);
                    put(file, new, start + at as u64)?;
                    count += 1;
                }
                at += 1;
            }
            if end < window.len() {
                return Ok(count);
            }
            window.copy_within(at..end, 0);
            start += at as u64;
            kept = end - at;
        }
    }
}

/// Searches each chunk by itself, and so misses an occurrence that begins in one chunk and ends in the next.
///
/// breaks: "Replaces every occurrence of `old` in the file with `new`"
/// fails: replace_all::finds_occurrences_across_chunk_boundaries failed a-chunk-is-a-unit
mod each_chunk_by_itself {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        check(old, new)?;
        let mut chunk = vec![0; 2 * CHUNK];
        let (mut start, mut count) = (0, 0);
        loop {
            let end = fill(file, &mut chunk, start)?;
            let mut at = 0;
            while at + old.len() <= end {
                let found = chunk[at..end].starts_with(old);
                if found {
                    put(file, new, start + at as u64)?;
                    count += 1;
                }
                at += if found { old.len() } else { 1 };
            }
            start += end as u64;
            if end < chunk.len() {
                return Ok(count);
            }
        }
    }
}

/// Always carries over the last `old.len() - 1` bytes, even those of an occurrence at the end of the window.
///
/// breaks: "they do not overlap"
/// fails: replace_all::finds_occurrences_across_chunk_boundaries failed
mod overlaps_at_the_seam {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        check(old, new)?;
        let mut window = vec![0; old.len() + CHUNK];
        let (mut start, mut kept, mut count) = (0, 0, 0);
        loop {
            let end = kept + fill(file, &mut window[kept..], start + kept as u64)?;
            let mut at = 0;
            while at + old.len() <= end {
                let found = window[at..end].starts_with(old);
                if found {
                    put(file, new, start + at as u64)?;
                    count += 1;
                }
                at += if found { old.len() } else { 1 };
            }
            if end < window.len() {
                return Ok(count);
            }
            kept = old.len() - 1;
            window.copy_within(end - kept..end, 0);
            start += (end - kept) as u64;
        }
    }
}

/// Goes on one byte after the beginning of an occurrence, so that "aaa" has two of "aa".
///
/// breaks: "they do not overlap"
/// fails: replace_all::finds_each_occurrence_from_left_to_right failed
/// fails: replace_all::finds_occurrences_across_chunk_boundaries failed
mod windows_of_the_whole_chunk {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        check(old, new)?;
        let mut window = vec![0; old.len() - 1 + CHUNK];
        let (mut start, mut count) = (0, 0);
        let mut kept = 0;
        loop {
            let end = kept + fill(file, &mut window[kept..], start + kept as u64)?;
            for (at, candidate) in window[..end].windows(old.len()).enumerate() {
                if candidate == old {
                    put(file, new, start + at as u64)?;
                    count += 1;
                }
            }
            if end < window.len() {
                return Ok(count);
            }
            kept = old.len() - 1;
            window.copy_within(end - kept..end, 0);
            start += (end - kept) as u64;
        }
    }
}

/// After a mismatch it skips all bytes that had matched, and misses "aab" in "aaab".
///
/// breaks: "Replaces every occurrence of `old` in the file with `new`"
/// fails: replace_all::finds_each_occurrence_from_left_to_right failed
mod skips_what_matched {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        check(old, new)?;
        let mut buffer = vec![0; CHUNK];
        let (mut at, mut matched, mut count) = (0, 0, 0);
        loop {
            let read = fill(file, &mut buffer, at)?;
            for &byte in &buffer[..read] {
                at += 1;
                if byte == old[matched] {
                    matched += 1;
                } else {
                    matched = usize::from(byte == old[0]);
                }
                if matched == old.len() {
                    put(file, new, at - old.len() as u64)?;
                    (matched, count) = (0, count + 1);
                }
            }
            if read < buffer.len() {
                return Ok(count);
            }
        }
    }
}

/// Stores each chunk back as a whole, with the occurrences replaced.
///
/// breaks: "Only the occurrences are written: another process may be changing the bytes beside them."
/// fails: replace_all::makes_few_calls failed
/// fails: replace_all::writes_the_occurrences_and_nothing_else failed writing-back-is-harmless
mod stores_the_chunk_back {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        check(old, new)?;
        let mut window = vec![0; old.len() + CHUNK];
        let (mut start, mut kept, mut count) = (0, 0, 0);
        loop {
            let end = kept + fill(file, &mut window[kept..], start + kept as u64)?;
            let (mut at, before) = (0, count);
            while at + old.len() <= end {
                if window[at..end].starts_with(old) {
                    window[at..at + old.len()].copy_from_slice(new);
                    count += 1;
                    at += old.len();
                } else {
                    at += 1;
                }
            }
            if count > before {
                put(file, &window[..at], start)?;
            }
            if end < window.len() {
                return Ok(count);
            }
            window.copy_within(at..end, 0);
            start += at as u64;
            kept = end - at;
        }
    }
}

/// Writes a run of occurrences side by side with a single pwrite(2).
///
/// breaks: "Each occurrence is written with one pwrite(2) of its own"
/// fails: replace_all::writes_the_occurrences_and_nothing_else failed
mod joins_neighbours {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        check(old, new)?;
        let (mut run, mut run_at) = (Vec::new(), 0);
        let count = scan(file, old, |at| {
            if !run.is_empty() && (at != run_at + run.len() as u64 || run.len() > CHUNK) {
                put(file, &run, run_at)?;
                run.clear();
            }
            if run.is_empty() {
                run_at = at;
            }
            run.extend_from_slice(new);
            Ok(())
        })?;
        put(file, &run, run_at)?;
        Ok(count)
    }
}

/// Takes a short read for the end of the file.
///
/// breaks: "Short and interrupted calls (EINTR) change nothing but the number of calls."
/// fails: replace_all::goes_on_after_short_and_interrupted_calls failed short-is-the-end
mod short_read_is_the_end {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        check(old, new)?;
        let mut window = vec![0; old.len() + CHUNK];
        let (mut start, mut kept, mut count) = (0, 0, 0);
        loop {
            let read = loop {
                match file.pread(&mut window[kept..], start + kept as u64) {
                    Err(Errno::EINTR) => continue,
                    read => break read?,
                }
            };
            let end = kept + read;
            let mut at = 0;
            while at + old.len() <= end {
                let found = window[at..end].starts_with(old);
                if found {
                    put(file, new, start + at as u64)?;
                    count += 1;
                }
                at += if found { old.len() } else { 1 };
            }
            if end < window.len() {
                return Ok(count);
            }
            window.copy_within(at..end, 0);
            start += at as u64;
            kept = end - at;
        }
    }
}

/// Trusts that one pwrite(2) writes the whole occurrence.
///
/// breaks: "Short and interrupted calls (EINTR) change nothing but the number of calls."
/// fails: replace_all::goes_on_after_short_and_interrupted_calls failed short-is-the-end
mod one_pwrite {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        check(old, new)?;
        scan(file, old, |at| {
            loop {
                match file.pwrite(new, at) {
                    Err(Errno::EINTR) => {}
                    Err(error) => return Err(error.into()),
                    Ok(_) => return Ok(()),
                }
            }
        })
    }
}

/// Goes on after a short write, but passes EINTR of pwrite(2) to the caller.
///
/// breaks: "Short and interrupted calls (EINTR) change nothing but the number of calls."
/// fails: replace_all::goes_on_after_short_and_interrupted_calls failed eintr-is-an-error
mod interrupted_write_is_an_error {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        check(old, new)?;
        scan(file, old, |at| {
            let mut done = 0;
            while done < new.len() {
                done += file.pwrite(&new[done..], at + done as u64)?;
            }
            Ok(())
        })
    }
}

/// After a short write it moves the offset on, but begins again with the first byte of `new`, and writes past the end.
///
/// breaks: "Only the occurrences are written"
/// fails: replace_all::goes_on_after_short_and_interrupted_calls failed short-is-the-end
mod short_write_starts_over {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        check(old, new)?;
        scan(file, old, |at| {
            let mut done = 0;
            while done < new.len() {
                match file.pwrite(new, at + done as u64) {
                    Ok(written) => done += written,
                    Err(Errno::EINTR) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            Ok(())
        })
    }
}

/// Reads the whole file into memory.
///
/// breaks: "The call uses at most 1 MiB of memory. The file may be larger than that."
/// fails: replace_all::takes_little_memory_however_large_the_file_is out_of_memory a-file-fits-in-memory
mod whole_file_in_memory {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        check(old, new)?;
        let mut whole = vec![0; index(file.size()?)];
        let end = fill(file, &mut whole, 0)?;
        let (mut at, mut count) = (0, 0);
        while at + old.len() <= end {
            if whole[at..end].starts_with(old) {
                put(file, new, at as u64)?;
                count += 1;
                at += old.len();
            } else {
                at += 1;
            }
        }
        Ok(count)
    }
}

/// Finds everything before it writes anything, in a list that has 8 bytes for each occurrence.
///
/// breaks: "The call uses at most 1 MiB of memory."
/// fails: replace_all::takes_little_memory_however_large_the_file_is out_of_memory a-file-fits-in-memory
mod list_of_all_occurrences {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        check(old, new)?;
        let mut found = Vec::new();
        scan(file, old, |at| {
            found.push(at);
            Ok(())
        })?;
        found.iter().try_for_each(|&at| put(file, new, at))?;
        Ok(found.len() as u64)
    }
}

/// Steps by what a chunk of 64 KiB leaves over after `old`: a single byte a read when `old` is as long.
///
/// breaks: "There is at most one pread(2) per 16 KiB of the file, plus 5"
/// fails: replace_all::makes_few_calls failed
/// fails: replace_all::takes_little_memory_however_large_the_file_is failed a-call-costs-nothing
mod small_steps_for_a_long_old {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        check(old, new)?;
        let mut chunk = vec![0; CHUNK];
        let (mut start, mut count) = (0, 0);
        loop {
            let end = fill(file, &mut chunk, start)?;
            let mut at = 0;
            while at + old.len() <= end {
                let found = chunk[at..end].starts_with(old);
                if found {
                    put(file, new, start + at as u64)?;
                    count += 1;
                }
                at += if found { old.len() } else { 1 };
            }
            if end < chunk.len() {
                return Ok(count);
            }
            start += at as u64;
        }
    }
}

/// Reads on from the end of each occurrence, so that there is a pread(2) for each of them.
///
/// breaks: "There is at most one pread(2) per 16 KiB of the file, plus 5"
/// fails: replace_all::finds_occurrences_across_chunk_boundaries failed
/// fails: replace_all::makes_few_calls failed
mod reads_again_after_each_occurrence {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        check(old, new)?;
        let mut window = vec![0; 4 * CHUNK];
        let (mut start, mut count) = (0, 0);
        loop {
            let end = fill(file, &mut window, start)?;
            if let Some(at) = window[..end].windows(old.len()).position(|candidate| candidate == old) {
                put(file, new, start + at as u64)?;
                count += 1;
                start += (at + old.len()) as u64;
            } else if end < window.len() {
                return Ok(count);
            } else {
                start += (end + 1 - old.len()) as u64;
            }
        }
    }
}

/// Looks at the length of `new` only when there is something to replace.
///
/// breaks: "`InvalidInput` or EINVAL when `old` is empty, or `new` has another length"
/// fails: replace_all::refuses_what_is_no_replacement failed
mod checks_the_length_late {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        if old.is_empty() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        scan(file, old, |at| {
            check(old, new)?;
            put(file, new, at)
        })
    }
}

/// Holds that the empty string occurs nowhere.
///
/// breaks: "`InvalidInput` or EINVAL when `old` is empty"
/// fails: replace_all::refuses_what_is_no_replacement failed
mod empty_occurs_nowhere {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        if old.len() != new.len() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        if old.is_empty() {
            return Ok(0);
        }
        scan(file, old, |at| put(file, new, at))
    }
}

/// Returns 0 at once when `old` and `new` are the same.
///
/// breaks: "returns the number of occurrences"
/// fails: replace_all::finds_each_occurrence_from_left_to_right failed
mod nothing_to_do_when_equal {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        check(old, new)?;
        if old == new {
            return Ok(0);
        }
        scan(file, old, |at| put(file, new, at))
    }
}

/// Makes the change durable, which nobody asked for.
///
/// breaks: "The call uses neither ftruncate(2) nor fsync(2)."
/// fails: replace_all::returns_the_error_of_a_call failed
/// fails: replace_all::writes_the_occurrences_and_nothing_else failed
mod durable_too {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        check(old, new)?;
        let count = scan(file, old, |at| put(file, new, at))?;
        while count > 0 && file.fsync() == Err(Errno::EINTR) {}
        Ok(count)
    }
}

/// Wraps each error of a call in a text, so that its number is lost.
///
/// breaks: "Any other error of a call, unchanged."
/// fails: replace_all::returns_the_error_of_a_call failed
mod explains_the_error {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        check(old, new)?;
        scan(file, old, |at| {
            put(file, new, at).map_err(|error| io::Error::other(format!("can't replace at {at}: {error}")))
        })
    }
}

/// Reads only as many whole chunks as the size has, and forgets the rest.
///
/// breaks: "Replaces every occurrence of `old` in the file with `new`"
/// fails: replace_all::finds_each_occurrence_from_left_to_right failed
/// fails: replace_all::finds_occurrences_across_chunk_boundaries failed a-chunk-is-a-unit
mod whole_chunks_only {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        check(old, new)?;
        let chunk = 16 * 1024;
        let mut window = Vec::new();
        let (mut start, mut count) = (0, 0);
        for n in 0..file.size()? / chunk {
            let kept = window.len();
            window.resize(kept + index(chunk), 0);
            fill(file, &mut window[kept..], n * chunk)?;
            let mut at = 0;
            while at + old.len() <= window.len() {
                let found = window[at..].starts_with(old);
                if found {
                    put(file, new, start + at as u64)?;
                    count += 1;
                }
                at += if found { old.len() } else { 1 };
            }
            window.drain(..at);
            start += at as u64;
        }
        Ok(count)
    }
}

/// Keeps the last bytes of each chunk and writes each occurrence as soon as it is found.
///
/// passes
mod sliding_window {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        checked(old, new)?;
        each_occurrence(file, old, 2 * CHUNK + old.len(), |at| write(file, new, at))
    }
}

/// Feeds the bytes one at a time to the automaton of Knuth, Morris and Pratt, which needs no overlap of the chunks.
///
/// passes
mod streaming_automaton {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        if old.is_empty() || old.len() != new.len() {
            return Err(Errno::EINVAL.into());
        }
        let table = failure_table(old);
        let mut chunk = [0; 16 * 1024];
        let (mut base, mut matched, mut count) = (0, 0, 0);
        loop {
            let got = read(file, &mut chunk, base)?;
            for (at, &byte) in chunk[..got].iter().enumerate() {
                while matched > 0 && byte != old[matched] {
                    matched = table[matched - 1] as usize;
                }
                matched += usize::from(byte == old[matched]);
                if matched == old.len() {
                    write(file, new, base + at as u64 + 1 - old.len() as u64)?;
                    (matched, count) = (0, count + 1);
                }
            }
            if got < chunk.len() {
                return Ok(count);
            }
            base += got as u64;
        }
    }
}

/// Asks for the size, reads no further, and writes the occurrences of each chunk from the last to the first.
///
/// passes
mod writes_backwards {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        checked(old, new)?;
        let size = file.size()?;
        let mut window = vec![0; CHUNK / 2 + old.len()];
        let mut places: Vec<u32> = Vec::with_capacity(window.len() / old.len());
        let (mut kept, mut base, mut count) = (0, 0, 0);
        while base + (kept as u64) < size {
            let want = index((size - base).min(window.len() as u64));
            let end = kept + read(file, &mut window[kept..want], base + kept as u64)?;
            let mut from = 0;
            places.clear();
            while let Some(at) = find(&window[from..end], old) {
                places.push(u32::try_from(from + at).expect("a small file"));
                from += at + old.len();
            }
            for &place in places.iter().rev() {
                write(file, new, base + u64::from(place))?;
            }
            count += places.len() as u64;
            if end < want {
                break;
            }
            let next = from.max((end + 1).saturating_sub(old.len()));
            window.copy_within(next..end, 0);
            (kept, base) = (end - next, base + next as u64);
        }
        Ok(count)
    }
}

/// Trusts that one pwrite writes everything.
///
/// breaks: "Short and interrupted calls (EINTR) change nothing but the number of calls."
/// fails: replace_all::goes_on_after_short_and_interrupted_calls failed short-is-the-end
mod one_pwrite_2 {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        checked(old, new)?;
        each_occurrence(file, old, 2 * CHUNK + old.len(), |at| {
            loop {
                match file.pwrite(new, at) {
                    Err(Errno::EINTR) => {}
                    answer => return Ok(answer.map(drop)?),
                }
            }
        })
    }
}

/// Finishes a short pwrite, but passes EINTR on when it comes after a part has been written.
///
/// breaks: "Short and interrupted calls (EINTR) change nothing but the number of calls."
/// fails: replace_all::goes_on_after_short_and_interrupted_calls failed eintr-is-an-error
mod retries_only_the_first_part {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        checked(old, new)?;
        each_occurrence(file, old, 2 * CHUNK + old.len(), |at| {
            let mut done = loop {
                match file.pwrite(new, at) {
                    Err(Errno::EINTR) => {}
                    answer => break answer?,
                }
            };
            while done < new.len() {
                done += file.pwrite(&new[done..], at + done as u64)?;
            }
            Ok(())
        })
    }
}

/// Writes adjacent occurrences together, by a single pwrite.
///
/// breaks: "Each occurrence is written with one pwrite(2) of its own, or more if that is short or interrupted."
/// fails: replace_all::writes_the_occurrences_and_nothing_else failed
mod joins_neighbours_2 {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        checked(old, new)?;
        let most = (CHUNK / old.len()).max(1);
        let (mut start, mut run) = (0, 0);
        let count = each_occurrence(file, old, 2 * CHUNK + old.len(), |at| {
            if run > 0 && run < most && at == start + (run * old.len()) as u64 {
                run += 1;
                return Ok(());
            }
            write(file, &new.repeat(run), start)?;
            (start, run) = (at, 1);
            Ok(())
        })?;
        write(file, &new.repeat(run), start)?;
        Ok(count)
    }
}

/// Replaces in its buffer, and writes from the first occurrence of the chunk to its last in one go.
///
/// breaks: "Only the occurrences are written: another process may be changing the bytes beside them."
/// fails: replace_all::makes_few_calls failed
/// fails: replace_all::writes_the_occurrences_and_nothing_else failed writing-back-is-harmless
mod writes_what_is_between {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        checked(old, new)?;
        let mut window = vec![0; 2 * CHUNK + old.len()];
        let (mut kept, mut base, mut count) = (0, 0, 0);
        loop {
            let end = kept + read(file, &mut window[kept..], base + kept as u64)?;
            let (mut from, mut first) = (0, None);
            while let Some(at) = find(&window[from..end], old) {
                first.get_or_insert(from + at);
                window[from + at..][..new.len()].copy_from_slice(new);
                count += 1;
                from += at + old.len();
            }
            if let Some(first) = first {
                write(file, &window[first..from], base + first as u64)?;
            }
            if end < window.len() {
                return Ok(count);
            }
            let next = from.max(end + 1 - old.len());
            window.copy_within(next..end, 0);
            (kept, base) = (end - next, base + next as u64);
        }
    }
}

/// Reads the overlap of two chunks again from the file, where it may find what it has just written.
///
/// breaks: "What was written is not searched again."
/// fails: replace_all::finds_occurrences_across_chunk_boundaries failed
mod rereads_the_overlap {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        checked(old, new)?;
        let mut window = vec![0; CHUNK + old.len() - 1];
        let (mut base, mut count) = (0, 0);
        loop {
            let end = read(file, &mut window, base)?;
            let mut from = 0;
            while let Some(at) = find(&window[from..end], old) {
                write(file, new, base + (from + at) as u64)?;
                count += 1;
                from += at + old.len();
            }
            if end < window.len() {
                return Ok(count);
            }
            base += CHUNK as u64;
        }
    }
}

/// Drops what precedes the overlap correctly, but forgets that an occurrence may end inside it: it matches again there.
///
/// breaks: "and they do not overlap"
/// fails: replace_all::finds_occurrences_across_chunk_boundaries failed
mod overlaps_at_the_seam_2 {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        checked(old, new)?;
        let mut window = vec![0; CHUNK + old.len()];
        let (mut kept, mut base, mut count) = (0, 0, 0);
        loop {
            let end = kept + read(file, &mut window[kept..], base + kept as u64)?;
            let mut from = 0;
            while let Some(at) = find(&window[from..end], old) {
                write(file, new, base + (from + at) as u64)?;
                count += 1;
                from += at + old.len();
            }
            if end < window.len() {
                return Ok(count);
            }
            let next = end + 1 - old.len();
            window.copy_within(next..end, 0);
            (kept, base) = (end - next, base + next as u64);
        }
    }
}

/// Searches each chunk by itself and misses the occurrences that cross its end.
///
/// breaks: "Replaces every occurrence of `old` in the file"
/// fails: replace_all::finds_occurrences_across_chunk_boundaries failed
mod misses_the_seam {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        checked(old, new)?;
        let mut chunk = vec![0; 8 * CHUNK];
        let (mut base, mut count) = (0, 0);
        loop {
            let end = read(file, &mut chunk, base)?;
            let mut from = 0;
            while let Some(at) = find(&chunk[from..end], old) {
                write(file, new, base + (from + at) as u64)?;
                count += 1;
                from += at + old.len();
            }
            if end == 0 {
                return Ok(count);
            }
            base += end as u64;
        }
    }
}

/// Has nothing to do when the words are equal, and only counts.
///
/// breaks: "It is written even if `new` is the same as `old`."
/// fails: replace_all::makes_few_calls failed
mod skips_equal_words {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        checked(old, new)?;
        each_occurrence(file, old, 2 * CHUNK + old.len(), |at| if old == new { Ok(()) } else { write(file, new, at) })
    }
}

/// Writes only from the first byte that differs between the words.
///
/// breaks: "Each occurrence is written with one pwrite(2) of its own"
/// fails: replace_all::makes_few_calls failed
mod skips_the_common_prefix {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        checked(old, new)?;
        let same = old.iter().zip(new).position(|(old, new)| old != new).unwrap_or(0);
        each_occurrence(file, old, 2 * CHUNK + old.len(), |at| write(file, &new[same..], at + same as u64))
    }
}

/// Takes a short pread for the end of the file.
///
/// breaks: "Short and interrupted calls (EINTR) change nothing but the number of calls."
/// fails: replace_all::goes_on_after_short_and_interrupted_calls failed short-is-the-end
mod short_read_is_the_end_2 {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        checked(old, new)?;
        let mut window = vec![0; 2 * CHUNK + old.len()];
        let (mut kept, mut base, mut count) = (0, 0, 0);
        loop {
            let got = match file.pread(&mut window[kept..], base + kept as u64) {
                Err(Errno::EINTR) => continue,
                answer => answer?,
            };
            let end = kept + got;
            let mut from = 0;
            while let Some(at) = find(&window[from..end], old) {
                write(file, new, base + (from + at) as u64)?;
                count += 1;
                from += at + old.len();
            }
            if end < window.len() {
                return Ok(count);
            }
            let next = from.max(end + 1 - old.len());
            window.copy_within(next..end, 0);
            (kept, base) = (end - next, base + next as u64);
        }
    }
}

/// Reads a page at a time.
///
/// breaks: "There is at most one pread(2) per 16 KiB of the file, rounded up, plus 5."
/// fails: replace_all::makes_few_calls failed a-call-costs-nothing
/// fails: replace_all::takes_little_memory_however_large_the_file_is failed a-call-costs-nothing
mod page_by_page {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        checked(old, new)?;
        each_occurrence(file, old, CHUNK / 16 + old.len() - 1, |at| write(file, new, at))
    }
}

/// Has a window of 64 KiB whatever the length of the word, so that a long word leaves hardly any room for new bytes.
///
/// breaks: "There is at most one pread(2) per 16 KiB of the file, rounded up, plus 5."
/// fails: replace_all::makes_few_calls failed a-call-costs-nothing
/// fails: replace_all::takes_little_memory_however_large_the_file_is failed a-call-costs-nothing
mod long_word_fills_the_window {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        checked(old, new)?;
        each_occurrence(file, old, CHUNK.max(old.len()), |at| write(file, new, at))
    }
}

/// Makes sure that the occurrence is still there before it writes it.
///
/// breaks: "There is at most one pread(2) per 16 KiB of the file, rounded up, plus 5."
/// fails: replace_all::makes_few_calls failed a-call-costs-nothing
/// fails: replace_all::takes_little_memory_however_large_the_file_is failed a-call-costs-nothing
mod looks_again_before_writing {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        checked(old, new)?;
        let mut there = vec![0; old.len()];
        each_occurrence(file, old, 2 * CHUNK + old.len(), |at| {
            read(file, &mut there, at)?;
            if there == old { write(file, new, at) } else { Ok(()) }
        })
    }
}

/// Takes a window as large as the whole allowance and puts the overlap on top of it.
///
/// breaks: "The call uses at most 1 MiB of memory beside `old` and `new`."
/// fails: replace_all::takes_little_memory_however_large_the_file_is failed
mod window_of_a_mebibyte_and_more {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        checked(old, new)?;
        each_occurrence(file, old, (1 << 20) + old.len(), |at| write(file, new, at))
    }
}

/// Collects the places of all occurrences first, eight bytes each, and then writes.
///
/// breaks: "The call uses at most 1 MiB of memory beside `old` and `new`."
/// fails: replace_all::takes_little_memory_however_large_the_file_is out_of_memory a-file-fits-in-memory
mod collects_the_places {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        checked(old, new)?;
        let mut places = Vec::new();
        each_occurrence(file, old, CHUNK + old.len(), |at| {
            places.push(at);
            Ok(())
        })?;
        for &place in &places {
            write(file, new, place)?;
        }
        Ok(places.len() as u64)
    }
}

/// Has a table of usize for the word, which takes half a mebibyte for the longest one, beside a window of 768 KiB.
///
/// breaks: "The call uses at most 1 MiB of memory beside `old` and `new`."
/// fails: replace_all::takes_little_memory_however_large_the_file_is failed
mod table_of_a_long_word {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        checked(old, new)?;
        let table: Vec<usize> = failure_table(old).into_iter().map(|length| length as usize).collect();
        let mut chunk = vec![0; 12 * CHUNK];
        let (mut base, mut matched, mut count) = (0, 0, 0);
        loop {
            let got = read(file, &mut chunk, base)?;
            for (at, &byte) in chunk[..got].iter().enumerate() {
                while matched > 0 && byte != old[matched] {
                    matched = table[matched - 1];
                }
                matched += usize::from(byte == old[matched]);
                if matched == old.len() {
                    write(file, new, base + at as u64 + 1 - old.len() as u64)?;
                    (matched, count) = (0, count + 1);
                }
            }
            if got < chunk.len() {
                return Ok(count);
            }
            base += got as u64;
        }
    }
}

/// Starts over at the first byte of the word on a mismatch, and so misses "aab" in "aaab".
///
/// breaks: "Replaces every occurrence of `old` in the file"
/// fails: replace_all::finds_each_occurrence_from_left_to_right failed
mod automaton_without_a_table {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        checked(old, new)?;
        let mut chunk = vec![0; CHUNK];
        let (mut base, mut matched, mut count) = (0, 0, 0);
        loop {
            let got = read(file, &mut chunk, base)?;
            for (at, &byte) in chunk[..got].iter().enumerate() {
                if byte != old[matched] {
                    matched = 0;
                }
                matched += usize::from(byte == old[matched]);
                if matched == old.len() {
                    write(file, new, base + at as u64 + 1 - old.len() as u64)?;
                    (matched, count) = (0, count + 1);
                }
            }
            if got < chunk.len() {
                return Ok(count);
            }
            base += got as u64;
        }
    }
}

/// Searches each chunk from its end, so that of two overlapping occurrences it takes the later one.
///
/// breaks: "It finds them from the beginning of the file to its end"
/// fails: replace_all::finds_each_occurrence_from_left_to_right failed
/// fails: replace_all::finds_occurrences_across_chunk_boundaries failed
mod searches_from_the_end {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        checked(old, new)?;
        let mut window = vec![0; 4 * CHUNK + old.len()];
        let (mut kept, mut base, mut count) = (0, 0, 0);
        loop {
            let end = kept + read(file, &mut window[kept..], base + kept as u64)?;
            let (mut to, mut last) = (end, 0);
            while let Some(at) = window[..to].windows(old.len()).rposition(|bytes| bytes == old) {
                write(file, new, base + at as u64)?;
                count += 1;
                last = last.max(at + old.len());
                to = at;
            }
            if end < window.len() {
                return Ok(count);
            }
            let next = last.max(end + 1 - old.len());
            window.copy_within(next..end, 0);
            (kept, base) = (end - next, base + next as u64);
        }
    }
}

/// Replaces in the buffer too, and goes on searching one byte after the occurrence.
///
/// breaks: "What was written is not searched again."
/// fails: replace_all::finds_each_occurrence_from_left_to_right failed
/// fails: replace_all::finds_occurrences_across_chunk_boundaries failed
mod goes_on_one_byte_later {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        checked(old, new)?;
        let mut window = vec![0; 2 * CHUNK + old.len()];
        let (mut kept, mut base, mut count) = (0, 0, 0);
        loop {
            let end = kept + read(file, &mut window[kept..], base + kept as u64)?;
            let mut from = 0;
            while let Some(at) = find(&window[from..end], old) {
                write(file, new, base + (from + at) as u64)?;
                window[from + at..][..new.len()].copy_from_slice(new);
                count += 1;
                from += at + 1;
            }
            if end < window.len() {
                return Ok(count);
            }
            let next = from.max(end + 1 - old.len());
            window.copy_within(next..end, 0);
            (kept, base) = (end - next, base + next as u64);
        }
    }
}

/// Finds no occurrence of the empty word, and says so.
///
/// breaks: "`InvalidInput` or EINVAL when `old` is empty"
/// fails: replace_all::refuses_what_is_no_replacement failed
mod empty_word_is_nowhere {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        if old.is_empty() {
            return Ok(0);
        }
        checked(old, new)?;
        each_occurrence(file, old, 2 * CHUNK + old.len(), |at| write(file, new, at))
    }
}

/// Compares the lengths only when there is something to replace.
///
/// breaks: "`InvalidInput` or EINVAL when `old` is empty, or `new` has another length"
/// fails: replace_all::refuses_what_is_no_replacement failed
mod checks_at_the_first_occurrence {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        if old.is_empty() {
            return Err(InvalidInput.into());
        }
        each_occurrence(file, old, 2 * CHUNK + old.len(), |at| {
            checked(old, new)?;
            write(file, new, at)
        })
    }
}

/// Says where an error happened, and loses its errno by that.
///
/// breaks: "Any other error of a call, unchanged."
/// fails: replace_all::returns_the_error_of_a_call failed
mod error_with_more_words {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        checked(old, new)?;
        each_occurrence(file, old, 2 * CHUNK + old.len(), |at| {
            write(file, new, at).map_err(|error| io::Error::new(error.kind(), format!("at byte {at}: {error}")))
        })
    }
}

/// Takes an error of pread for the end of the file.
///
/// breaks: "Any other error of a call, unchanged."
/// fails: replace_all::returns_the_error_of_a_call failed
mod read_error_is_the_end {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        checked(old, new)?;
        let mut window = vec![0; 2 * CHUNK + old.len()];
        let (mut kept, mut base, mut count) = (0, 0, 0);
        while let Ok(got) = read(file, &mut window[kept..], base + kept as u64) {
            let end = kept + got;
            let mut from = 0;
            while let Some(at) = find(&window[from..end], old) {
                write(file, new, base + (from + at) as u64)?;
                count += 1;
                from += at + old.len();
            }
            if end < window.len() {
                break;
            }
            let next = from.max(end + 1 - old.len());
            window.copy_within(next..end, 0);
            (kept, base) = (end - next, base + next as u64);
        }
        Ok(count)
    }
}

/// Makes the change durable, which nobody asked for.
///
/// breaks: "The call uses neither ftruncate(2) nor fsync(2)."
/// fails: replace_all::returns_the_error_of_a_call failed
/// fails: replace_all::writes_the_occurrences_and_nothing_else failed
mod syncs_when_it_has_written {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        checked(old, new)?;
        let count = each_occurrence(file, old, 2 * CHUNK + old.len(), |at| write(file, new, at))?;
        while count > 0 && file.fsync() == Err(Errno::EINTR) {}
        Ok(count)
    }
}

/// Counts the calls that write instead of the occurrences.
///
/// breaks: "returns the number of occurrences"
/// fails: replace_all::goes_on_after_short_and_interrupted_calls failed short-is-the-end
mod counts_the_writes {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        checked(old, new)?;
        let mut account = Account::default();
        each_occurrence(file, old, 2 * CHUNK + old.len(), |at| write_at(file, new, at, &mut account))?;
        Ok(account.calls)
    }
}

/// Reads chunks of 64 KiB and keeps in memory what may begin an occurrence.
///
/// passes
mod carries_the_rest {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        valid(old, new)?;
        scan_again(file, old, CHUNK, |at| put_again(file, new, at))
    }
}

/// Reads no more than 16 KiB at a time, which just meets the limit of calls.
///
/// passes
mod sixteen_kib_at_a_time {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        valid(old, new)?;
        scan_again(file, old, 16 * 1024, |at| put_again(file, new, at))
    }
}

/// Keeps no bytes of the file at all: the automaton of Knuth, Morris and Pratt remembers how much has matched.
///
/// passes
mod knuth_morris_pratt {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        valid(old, new)?;
        let mut border = vec![0; old.len()];
        for i in 1..old.len() {
            let mut length: usize = border[i - 1];
            while length > 0 && old[length] != old[i] {
                length = border[length - 1];
            }
            border[i] = length + usize::from(old[length] == old[i]);
        }
        let mut buffer = vec![0; 128 * 1024];
        let (mut at, mut matched, mut count) = (0, 0, 0);
        loop {
            let read = read_at(file, &mut buffer, at, &mut Account::default())?;
            if read == 0 {
                return Ok(count);
            }
            for &byte in &buffer[..read] {
                while matched > 0 && old[matched] != byte {
                    matched = border[matched - 1];
                }
                matched += usize::from(old[matched] == byte);
                at += 1;
                if matched == old.len() {
                    put_again(file, new, at - old.len() as u64)?;
                    count += 1;
                    matched = 0;
                }
            }
        }
    }
}

/// Reads the end of each chunk again with the next one, when it may already have written there.
///
/// breaks: "What was written is not searched again."
/// fails: replace_all::finds_occurrences_across_chunk_boundaries failed
mod reads_the_seam_again_2 {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        valid(old, new)?;
        let mut buffer = vec![0; 4 * CHUNK];
        let (mut start, mut count) = (0, 0);
        loop {
            let read = read_at(file, &mut buffer, start, &mut Account::default())?;
            let mut at = 0;
            while at + old.len() <= read {
                if buffer[at..].starts_with(old) {
                    put_again(file, new, start + at as u64)?;
                    count += 1;
                    at += old.len();
                } else {
                    at += 1;
                }
            }
            if read < buffer.len() {
                return Ok(count);
            }
            start += (read - (old.len() - 1)) as u64;
        }
    }
}

/// Always keeps the last `old.len() - 1` bytes of a chunk, even if they belong to an occurrence it has replaced.
///
/// breaks: "and they do not overlap"
/// fails: replace_all::finds_occurrences_across_chunk_boundaries failed
mod keeps_part_of_a_match {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        valid(old, new)?;
        let tail = old.len() - 1;
        let mut buffer = vec![0; tail + CHUNK];
        let (mut start, mut kept, mut count) = (0, 0, 0);
        loop {
            let read = read_at(file, &mut buffer[kept..kept + CHUNK], start + kept as u64, &mut Account::default())?;
            let filled = kept + read;
            let mut at = 0;
            while at + old.len() <= filled {
                let found = buffer[at..].starts_with(old);
                if found {
                    put_again(file, new, start + at as u64)?;
                    count += 1;
                }
                at += if found { old.len() } else { 1 };
            }
            if read < CHUNK {
                return Ok(count);
            }
            buffer.copy_within(filled - tail..filled, 0);
            start += (filled - tail) as u64;
            kept = tail;
        }
    }
}

/// Collects the offsets of all occurrences before it writes the first.
///
/// breaks: "The call uses at most 1 MiB of memory beside `old` and `new`."
/// fails: replace_all::takes_little_memory_however_large_the_file_is out_of_memory a-file-fits-in-memory
mod collects_the_offsets {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        valid(old, new)?;
        let mut offsets = Vec::new();
        let count = scan_again(file, old, CHUNK, |at| {
            offsets.push(at);
            Ok(())
        })?;
        for at in offsets {
            put_again(file, new, at)?;
        }
        Ok(count)
    }
}

/// Writes occurrences that touch each other with a single pwrite(2).
///
/// breaks: "Each occurrence is written whole, with one pwrite(2) of its own, or more if that is short or interrupted."
/// fails: replace_all::writes_the_occurrences_and_nothing_else failed
mod joins_neighbours_3 {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        valid(old, new)?;
        let mut run = Vec::new();
        let mut from = 0;
        let count = scan_again(file, old, CHUNK, |at| {
            if from + run.len() as u64 != at || run.len() + new.len() > 2 * CHUNK {
                put_again(file, &run, from)?;
                run.clear();
                from = at;
            }
            run.extend_from_slice(new);
            Ok(())
        })?;
        put_again(file, &run, from)?;
        Ok(count)
    }
}

/// Leaves out the bytes at the ends that `old` and `new` have in common, except if they have all in common.
///
/// breaks: "Each occurrence is written whole, with one pwrite(2) of its own, or more if that is short or interrupted."
/// fails: replace_all::makes_few_calls failed
mod writes_the_difference {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        valid(old, new)?;
        let differs = |i: &usize| old[*i] != new[*i];
        let first = (0..old.len()).find(differs).unwrap_or(0);
        let last = (0..old.len()).rfind(differs).unwrap_or(old.len() - 1);
        scan_again(file, old, CHUNK, |at| put_again(file, &new[first..=last], at + first as u64))
    }
}

/// Only counts when there would be no difference.
///
/// breaks: "It is written even if `new` is the same as `old`."
/// fails: replace_all::makes_few_calls failed
mod counts_if_the_same {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        valid(old, new)?;
        scan_again(file, old, CHUNK, |at| if old == new { Ok(()) } else { put_again(file, new, at) })
    }
}

/// Gives up on an occurrence when its write has been interrupted ten times.
///
/// breaks: "Short and interrupted calls (EINTR) change nothing but the number of calls."
/// fails: replace_all::goes_on_after_short_and_interrupted_calls failed
mod ten_attempts {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        valid(old, new)?;
        scan_again(file, old, CHUNK, |at| {
            let (mut done, mut attempts) = (0, 0);
            while done < new.len() {
                match file.pwrite(&new[done..], at + done as u64) {
                    Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                    Ok(written) => done += written,
                    Err(Errno::EINTR) if attempts < 10 => attempts += 1,
                    Err(error) => return Err(error.into()),
                }
            }
            Ok(())
        })
    }
}

/// Reads through a `BufReader`, whose buffer has 8 KiB.
///
/// breaks: "There is at most one pread(2) per 16 KiB of the file, rounded up, plus 5."
/// fails: replace_all::makes_few_calls failed a-call-costs-nothing
/// fails: replace_all::takes_little_memory_however_large_the_file_is failed a-call-costs-nothing
mod buf_reader {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        valid(old, new)?;
        let mut reader = BufReader::new(Reader(file, 0));
        let mut window: Vec<u8> = Vec::new();
        let (mut start, mut count) = (0, 0);
        loop {
            let more = reader.fill_buf()?;
            if more.is_empty() {
                return Ok(count);
            }
            let length = more.len();
            window.extend_from_slice(more);
            reader.consume(length);
            let mut at = 0;
            while at + old.len() <= window.len() {
                if window[at..].starts_with(old) {
                    put_again(file, new, start + at as u64)?;
                    count += 1;
                    at += old.len();
                } else {
                    at += 1;
                }
            }
            window.drain(..at);
            start += at as u64;
        }
    }
}

/// Matches byte by byte, and after a mismatch begins again with this byte, though an occurrence may have begun earlier.
///
/// breaks: "Replaces every occurrence of `old` in the file"
/// fails: replace_all::finds_each_occurrence_from_left_to_right failed
mod forgets_a_partial_match {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        valid(old, new)?;
        let mut buffer = vec![0; CHUNK];
        let (mut at, mut matched, mut count) = (0, 0, 0);
        loop {
            let read = read_at(file, &mut buffer, at, &mut Account::default())?;
            if read == 0 {
                return Ok(count);
            }
            for &byte in &buffer[..read] {
                at += 1;
                matched = if byte == old[matched] { matched + 1 } else { usize::from(byte == old[0]) };
                if matched == old.len() {
                    put_again(file, new, at - old.len() as u64)?;
                    count += 1;
                    matched = 0;
                }
            }
        }
    }
}

/// Retries an interrupted read, but takes a short one for the last.
///
/// breaks: "Short and interrupted calls (EINTR) change nothing but the number of calls."
/// fails: replace_all::goes_on_after_short_and_interrupted_calls failed short-is-the-end
mod short_is_the_end {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        valid(old, new)?;
        let mut buffer = vec![0; old.len() - 1 + CHUNK];
        let (mut start, mut kept, mut count) = (0, 0, 0);
        loop {
            let read = match file.pread(&mut buffer[kept..kept + CHUNK], start + kept as u64) {
                Err(Errno::EINTR) => continue,
                answer => answer?,
            };
            let mut at = 0;
            while at + old.len() <= kept + read {
                let found = buffer[at..].starts_with(old);
                if found {
                    put_again(file, new, start + at as u64)?;
                    count += 1;
                }
                at += if found { old.len() } else { 1 };
            }
            if read < CHUNK {
                return Ok(count);
            }
            buffer.copy_within(at..kept + read, 0);
            kept = kept + read - at;
            start += at as u64;
        }
    }
}

/// Takes an error of pread(2) after the first chunk for the end of the file.
///
/// breaks: "Any other error of a call, unchanged."
/// fails: replace_all::returns_the_error_of_a_call failed
mod read_error_is_the_end_2 {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        valid(old, new)?;
        let mut count = 0;
        let mut failed = None;
        let end = scan_again(file, old, CHUNK, |at| {
            count += 1;
            put_again(file, new, at).inspect_err(|error| failed = error.raw_os_error())
        });
        match (end, failed) {
            (Err(_), None) if count > 0 => Ok(count),
            (end, _) => end,
        }
    }
}

/// Says in the error's text which occurrence it was, and so loses the errno.
///
/// breaks: "Any other error of a call, unchanged."
/// fails: replace_all::returns_the_error_of_a_call failed
mod adds_context {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        valid(old, new)?;
        scan_again(file, old, CHUNK, |at| {
            put_again(file, new, at)
                .map_err(|error| io::Error::new(error.kind(), format!("occurrence at {at}: {error}")))
        })
    }
}

/// Notices at the first occurrence that the lengths differ.
///
/// breaks: "`InvalidInput` or EINVAL when `old` is empty, or `new` has another length"
/// fails: replace_all::refuses_what_is_no_replacement failed
mod late_check_of_the_length {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        valid(old, old)?;
        scan_again(file, old, CHUNK, |at| {
            valid(old, new)?;
            put_again(file, new, at)
        })
    }
}

/// Puts the occurrences on the disk, if there were any.
///
/// breaks: "The call uses neither ftruncate(2) nor fsync(2)."
/// fails: replace_all::returns_the_error_of_a_call failed
/// fails: replace_all::writes_the_occurrences_and_nothing_else failed
mod makes_it_durable {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        valid(old, new)?;
        let count = scan_again(file, old, CHUNK, |at| put_again(file, new, at))?;
        if count > 0 {
            while file.fsync() == Err(Errno::EINTR) {}
        }
        Ok(count)
    }
}

/// Saves no call, but writes the few bytes between two occurrences with the second, to have one run of them.
///
/// breaks: "Only the occurrences are written: another process may be changing the bytes beside them."
/// fails: replace_all::makes_few_calls failed a-call-costs-nothing
/// fails: replace_all::takes_little_memory_however_large_the_file_is failed a-call-costs-nothing
mod fills_small_gaps {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        valid(old, new)?;
        let mut end = 0;
        scan_again(file, old, 8 * CHUNK, |at| {
            let gap = usize::try_from(at - end).unwrap_or(usize::MAX);
            if gap == 0 || gap > 8 {
                put_again(file, new, at)?;
            } else {
                let mut bytes = vec![0; gap];
                read_at(file, &mut bytes, end, &mut Account::default())?;
                bytes.extend_from_slice(new);
                put_again(file, &bytes, end)?;
            }
            end = at + new.len() as u64;
            Ok(())
        })
    }
}

/// Searches each chunk from its end, so that of two overlapping places it takes the later one.
///
/// breaks: "It finds them from the beginning of the file to its end"
/// fails: replace_all::finds_each_occurrence_from_left_to_right failed
/// fails: replace_all::finds_occurrences_across_chunk_boundaries failed
mod from_the_end {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        valid(old, new)?;
        if file.size()? > CHUNK as u64 {
            return scan_again(file, old, CHUNK, |at| put_again(file, new, at));
        }
        let mut buffer = vec![0; CHUNK];
        let mut end = read_at(file, &mut buffer, 0, &mut Account::default())?;
        let mut count = 0;
        while end >= old.len() {
            if buffer[..end].ends_with(old) {
                end -= old.len();
                put_again(file, new, end as u64)?;
                count += 1;
            } else {
                end -= 1;
            }
        }
        Ok(count)
    }
}

/// Has a buffer of a full MiB, and another for what it keeps of the chunk before.
///
/// breaks: "The call uses at most 1 MiB of memory beside `old` and `new`."
/// fails: replace_all::takes_little_memory_however_large_the_file_is failed
mod a_mib_and_the_carry {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        valid(old, new)?;
        scan_again(file, old, 1 << 20, |at| put_again(file, new, at))
    }
}

/// Takes an error of pread(2) after a first chunk of 256 KiB for the end of the file.
///
/// breaks: "Any other error of a call, unchanged. Some of the occurrences may have been replaced by then."
/// fails: replace_all::returns_the_error_of_a_call failed
mod read_error_after_a_large_chunk {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        valid(old, new)?;
        let mut buffer = vec![0; 256 << 10];
        let (mut offset, mut held, mut count) = (0, 0, 0);
        loop {
            let read = match fill(file, &mut buffer[held..], offset + held as u64) {
                Err(error) if offset == 0 => return Err(error),
                answer => answer.unwrap_or(0),
            };
            let filled = held + read;
            let mut at = 0;
            while at + old.len() <= filled {
                if buffer[at..].starts_with(old) {
                    put(file, new, offset + at as u64)?;
                    count += 1;
                    at += old.len();
                } else {
                    at += 1;
                }
            }
            if filled < buffer.len() {
                return Ok(count);
            }
            buffer.copy_within(at..filled, 0);
            held = filled - at;
            offset += at as u64;
        }
    }
}

/// After each chunk of 16 KiB it asks by a pread(2) of one byte whether the file goes on.
///
/// breaks: "There is at most one pread(2) per 16 KiB of the file, rounded up, plus 5."
/// fails: replace_all::makes_few_calls failed a-call-costs-nothing
/// fails: replace_all::takes_little_memory_however_large_the_file_is failed a-call-costs-nothing
mod asks_for_the_end_after_each_chunk {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        valid(old, new)?;
        let table = failure_table(old);
        let mut buffer = vec![0; 16 << 10];
        let (mut offset, mut matched, mut count) = (0, 0, 0);
        loop {
            let length = read(file, &mut buffer, offset)?;
            for &byte in &buffer[..length] {
                while matched > 0 && byte != old[matched] {
                    matched = table[matched - 1] as usize;
                }
                matched += usize::from(byte == old[matched]);
                offset += 1;
                if matched == old.len() {
                    write(file, new, offset - old.len() as u64)?;
                    count += 1;
                    matched = 0;
                }
            }
            if read(file, &mut [0], offset)? == 0 {
                return Ok(count);
            }
        }
    }
}

/// After a short pwrite(2) it goes on in `new`, but at the old offset.
///
/// breaks: "Short and interrupted calls (EINTR) change nothing but the number of calls."
/// fails: replace_all::goes_on_after_short_and_interrupted_calls failed
mod short_write_goes_back {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        valid(old, new)?;
        scan(file, old, |at| {
            let mut left = new;
            while !left.is_empty() {
                match file.pwrite(left, at) {
                    Ok(written) => left = &left[written..],
                    Err(Errno::EINTR) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            Ok(())
        })
    }
}

/// Takes a file whose size it can't find out for an empty one.
///
/// breaks: "Any other error of a call, unchanged. Some of the occurrences may have been replaced by then."
/// fails: replace_all::returns_the_error_of_a_call failed
mod unknown_size_is_zero {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        valid(old, new)?;
        if file.size().unwrap_or(0) < old.len() as u64 {
            return Ok(0);
        }
        scan(file, old, |at| put(file, new, at))
    }
}

/// Tries again when a call would have to wait (EAGAIN), as when it is interrupted.
///
/// breaks: "Any other error of a call, unchanged. Some of the occurrences may have been replaced by then."
/// fails: replace_all::returns_the_error_of_a_call failed
mod tries_again_after_eagain {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        valid(old, new)?;
        scan(file, old, |at| {
            let mut done = 0;
            while done < new.len() {
                match file.pwrite(&new[done..], at + done as u64) {
                    Ok(written) => done += written,
                    Err(Errno::EINTR | Errno::EAGAIN) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            Ok(())
        })
    }
}

/// Has its buffer, of 1.5 MiB, on the stack.
///
/// breaks: "The call uses at most 1 MiB of memory beside `old` and `new`. The file may be larger than that."
/// fails: replace_all::takes_little_memory_however_large_the_file_is failed
mod buffer_on_the_stack {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        valid(old, new)?;
        let mut buffer = [0; 1536 << 10];
        let (mut offset, mut held, mut count) = (0, 0, 0);
        loop {
            let filled = held + fill(file, &mut buffer[held..], offset + held as u64)?;
            let mut at = 0;
            while at + old.len() <= filled {
                if buffer[at..].starts_with(old) {
                    put(file, new, offset + at as u64)?;
                    count += 1;
                    at += old.len();
                } else {
                    at += 1;
                }
            }
            if filled < buffer.len() {
                return Ok(count);
            }
            buffer.copy_within(at..filled, 0);
            held = filled - at;
            offset += at as u64;
        }
    }
}

/// Has its buffer, of 4 MiB, in a static.
///
/// breaks: "The call uses at most 1 MiB of memory beside `old` and `new`. The file may be larger than that."
/// fails: replace_all::takes_little_memory_however_large_the_file_is failed
mod buffer_in_a_static {
    use super::*;

    static BUFFER: Mutex<[u8; 4 << 20]> = Mutex::new([0; 4 << 20]);

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        valid(old, new)?;
        let mut buffer = BUFFER.lock().expect("no panic");
        let (mut offset, mut held, mut count) = (0, 0, 0);
        loop {
            let filled = held + fill(file, &mut buffer[held..], offset + held as u64)?;
            let mut at = 0;
            while at + old.len() <= filled {
                if buffer[at..].starts_with(old) {
                    put(file, new, offset + at as u64)?;
                    count += 1;
                    at += old.len();
                } else {
                    at += 1;
                }
            }
            if filled < buffer.len() {
                return Ok(count);
            }
            buffer.copy_within(at..filled, 0);
            held = filled - at;
            offset += at as u64;
        }
    }
}

/// Reads the same chunk again and again.
///
/// fails: replace_all::finds_occurrences_across_chunk_boundaries failed
mod searches_the_first_chunk_for_ever {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        check(old, new)?;
        let mut buffer = vec![0; CHUNK + old.len() - 1];
        let mut places = 0;
        loop {
            let end = fill(file, &mut buffer, 0)?;
            let mut next = 0;
            while let Some(found) = buffer[next..end].windows(old.len()).position(|bytes| bytes == old) {
                put(file, new, (next + found) as u64)?;
                next += found + old.len();
                places += 1;
            }
            if end < buffer.len() {
                return Ok(places);
            }
        }
    }
}

/// Follows the last hint, line by line.
///
/// passes
mod replace_all_as_the_hint_says {
    use super::*;

    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
        if old.is_empty() || old.len() != new.len() {
            return Err(InvalidInput.into());
        }
        let mut buffer = vec![0; CHUNK + old.len() - 1];
        let (mut at, mut kept) = (0, 0);
        let mut places = 0;
        loop {
            let end = kept + read_at(file, &mut buffer[kept..], at + kept as u64, &mut Account::default())?;
            let mut next = 0;
            while let Some(found) = buffer[next..end].windows(old.len()).position(|bytes| bytes == old) {
                write_at(file, new, at + (next + found) as u64, &mut Account::default())?;
                next += found + old.len();
                places += 1;
            }
            if end < buffer.len() {
                return Ok(places);
            }
            let done = next.max(end - (old.len() - 1));
            buffer.copy_within(done..end, 0);
            at += done as u64;
            kept = end - done;
        }
    }
}

one_of! {
    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64>;
    a_bare_call_is_enough all_of_it_in_memory always_three an_interruption_is_an_error byte_by_byte
    each_chunk_for_itself knows_the_sizes nothing_is_everywhere searches_the_new_bytes writes_it_all_back
    carries_the_undecided_tail automaton reads_the_seam_again stops_at_the_size counts_without_writing_what_is_equal
    searches_what_it_wrote each_chunk_by_itself overlaps_at_the_seam windows_of_the_whole_chunk skips_what_matched
    stores_the_chunk_back joins_neighbours short_read_is_the_end one_pwrite interrupted_write_is_an_error
    short_write_starts_over whole_file_in_memory list_of_all_occurrences small_steps_for_a_long_old
    reads_again_after_each_occurrence checks_the_length_late empty_occurs_nowhere nothing_to_do_when_equal durable_too
    explains_the_error whole_chunks_only sliding_window streaming_automaton writes_backwards one_pwrite_2
    retries_only_the_first_part joins_neighbours_2 writes_what_is_between rereads_the_overlap overlaps_at_the_seam_2
    misses_the_seam skips_equal_words skips_the_common_prefix short_read_is_the_end_2 page_by_page
    long_word_fills_the_window looks_again_before_writing window_of_a_mebibyte_and_more collects_the_places
    table_of_a_long_word automaton_without_a_table searches_from_the_end goes_on_one_byte_later empty_word_is_nowhere
    checks_at_the_first_occurrence error_with_more_words read_error_is_the_end syncs_when_it_has_written
    counts_the_writes carries_the_rest sixteen_kib_at_a_time knuth_morris_pratt reads_the_seam_again_2
    keeps_part_of_a_match collects_the_offsets joins_neighbours_3 writes_the_difference counts_if_the_same ten_attempts
    buf_reader forgets_a_partial_match short_is_the_end read_error_is_the_end_2 adds_context late_check_of_the_length
    makes_it_durable fills_small_gaps from_the_end a_mib_and_the_carry read_error_after_a_large_chunk
    asks_for_the_end_after_each_chunk short_write_goes_back unknown_size_is_zero tries_again_after_eagain
    buffer_on_the_stack buffer_in_a_static searches_the_first_chunk_for_ever
    replace_all_as_the_hint_says
}
