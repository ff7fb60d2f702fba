//! Reads the whole file, as the study notes do, and writes only the occurrences.
//!
//! fails: replace_all::takes_little_memory_however_large_the_file_is out_of_memory a-file-fits-in-memory

use std::io;

use mmap_workbook::lesson_1::{Account, CHUNK, Calls, read_at, write_at};

pub use crate::solution::{Record, increment, load, save, to_crlf};

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

#[cfg(test)]
#[path = "../../../../lessons/1_traditional_io/checks/mod.rs"]
mod checks;
