//! Returns EINTR from fsync(2) as an error.
//!
//! fails: save::load_gives_the_last_record_that_was_saved failed eintr-is-an-error

use std::io;

use mmap_workbook::lesson_1::{Account, Calls, read_at, write_at};

pub use crate::solution::{Record, increment, load, replace_all, to_crlf};

pub fn save(file: &dyn Calls, record: &Record) -> io::Result<()> {
    let mut account = Account::default();
    file.fsync()?;
    let place = if which_counts(file)? == 1 { 2 } else { 1 };
    write_at(file, record, u64::from(place) * 512, &mut account)?;
    file.fsync()?;
    write_at(file, &[place], 0, &mut account)?;
    Ok(file.fsync()?)
}

fn which_counts(file: &dyn Calls) -> io::Result<u8> {
    let mut place = [0];
    read_at(file, &mut place, 0, &mut Account::default())?;
    Ok(place[0])
}

#[cfg(test)]
#[path = "../../../../lessons/1_traditional_io/checks/mod.rs"]
mod checks;
