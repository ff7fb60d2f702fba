//! Leaves the new file with the mode of a temporary file.
//!
//! fails: increment::gives_the_next_number failed a-new-file-has-the-old-mode

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use mmap_workbook::lesson_1::{TEMPORARY, leftovers};
use nix::fcntl::{Flock, FlockArg};

pub use crate::solution::{Record, load, replace_all, save, to_crlf};

pub fn increment(path: &Path) -> io::Result<u64> {
    let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let opened = File::open(directory)?;
    let _locked = Flock::lock(opened.try_clone()?, FlockArg::LockExclusive).map_err(|(_, errno)| errno)?;
    for left in leftovers(directory)? {
        fs::remove_file(left)?;
    }
    let number = match fs::read_to_string(path) {
        Ok(text) => number_in(&text)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return Err(error),
    };
    let next = number.checked_add(1).ok_or(io::ErrorKind::InvalidData)?;
    let mut temporary = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(directory)?;
    temporary.write_all(format!("{next}\n").as_bytes())?;
    temporary.as_file().sync_all()?;
    temporary.persist(path).map_err(|error| error.error)?;
    opened.sync_all()?;
    Ok(next)
}

fn number_in(text: &str) -> io::Result<u64> {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.parse().map_err(|_| io::ErrorKind::InvalidData.into())
}

#[cfg(test)]
#[path = "../../../../lessons/1_traditional_io/checks/mod.rs"]
mod checks;
