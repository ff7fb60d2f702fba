//! Answers to `replace_all`, right and wrong.

use std::cell::Cell;
use std::io;

use mmap_workbook::lesson_1::{Account, CHUNK, Calls, read_at, write_at};
use nix::errno::Errno;

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
/// fails: replace_all::takes_little_memory_however_large_the_file_is failed
/// fails: replace_all::writes_the_occurrences_and_nothing_else failed
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
/// fails: replace_all::writes_the_occurrences_and_nothing_else failed a-call-costs-nothing
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
/// fails: replace_all::takes_little_memory_however_large_the_file_is failed
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
/// fails: replace_all::refuses_what_is_no_replacement timed_out
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

one_of! {
    pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64>;
    a_bare_call_is_enough all_of_it_in_memory always_three an_interruption_is_an_error byte_by_byte
    each_chunk_for_itself knows_the_sizes nothing_is_everywhere searches_the_new_bytes writes_it_all_back
}
