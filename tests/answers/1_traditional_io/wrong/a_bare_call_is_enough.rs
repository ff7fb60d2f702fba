//! Takes a short read for the end of the file.
//!
//! fails: replace_all::goes_on_after_short_and_interrupted_calls failed short-is-the-end

use std::io;

use mmap_workbook::lesson_1::{CHUNK, Calls};
use nix::errno::Errno;

pub use crate::solution::{Record, increment, load, save, to_crlf};

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

#[cfg(test)]
#[path = "../../../../lessons/1_traditional_io/checks/mod.rs"]
mod checks;
