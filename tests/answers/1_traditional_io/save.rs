//! Answers to `save`, right and wrong.

use std::io;

use mmap_workbook::lesson_1::{Account, Calls, read_at, write_at};
use nix::errno::Errno;

use crate::solution::Record;

/// Checks the record by the sum of its bytes, and keeps only one.
///
/// fails: save::goes_on_after_a_kill_or_a_power_cut failed
/// fails: save::returns_the_error_of_fsync failed
/// fails: save::survives_a_power_cut_at_every_moment failed a-small-write-is-whole
mod a_sum_of_the_bytes_is_enough {
    use super::*;

    pub fn save(file: &dyn Calls, record: &Record) -> io::Result<()> {
        let mut all = record.to_vec();
        all.push(record.iter().fold(1, |sum: u8, byte| sum.wrapping_add(*byte)));
        write_at(file, &all, 0, &mut Account::default())?;
        synced(file)
    }

    pub fn load(file: &dyn Calls) -> io::Result<Option<Record>> {
        let mut all = [0; 33];
        read_at(file, &mut all, 0, &mut Account::default())?;
        let (record, sum) = all.split_at(32);
        let whole = record.iter().fold(1, |sum: u8, byte| sum.wrapping_add(*byte)) == sum[0];
        Ok(Record::try_from(record).ok().filter(|_| whole))
    }

    fn synced(file: &dyn Calls) -> io::Result<()> {
        loop {
            match file.fsync() {
                Err(Errno::EINTR) => {}
                answer => return Ok(answer?),
            }
        }
    }
}

/// Returns EINTR from fsync(2) as an error.
///
/// fails: save::load_gives_the_last_record_that_was_saved failed eintr-is-an-error
mod an_interrupted_sync_fails {
    use super::*;

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
}

/// Retries fsync(2) until it succeeds.
///
/// fails: save::returns_the_error_of_fsync failed fsync-can-be-asked-again
mod asks_fsync_again {
    use super::*;

    pub fn save(file: &dyn Calls, record: &Record) -> io::Result<()> {
        let mut account = Account::default();
        synced(file)?;
        let place = if which_counts(file)? == 1 { 2 } else { 1 };
        write_at(file, record, u64::from(place) * 512, &mut account)?;
        synced(file)?;
        write_at(file, &[place], 0, &mut account)?;
        synced(file)
    }

    fn which_counts(file: &dyn Calls) -> io::Result<u8> {
        let mut place = [0];
        read_at(file, &mut place, 0, &mut Account::default())?;
        Ok(place[0])
    }

    fn synced(file: &dyn Calls) -> io::Result<()> {
        (0..100).find_map(|_| file.fsync().ok()).ok_or(io::ErrorKind::TimedOut.into())
    }
}

/// Assumes that the byte that it reads is on the disk.
///
/// fails: save::goes_on_after_a_kill_or_a_power_cut failed what-is-read-is-on-the-disk
mod builds_on_what_it_reads {
    use super::*;

    pub fn save(file: &dyn Calls, record: &Record) -> io::Result<()> {
        let mut account = Account::default();
        let place = if which_counts(file)? == 1 { 2 } else { 1 };
        write_at(file, record, u64::from(place) * 512, &mut account)?;
        synced(file)?;
        write_at(file, &[place], 0, &mut account)?;
        synced(file)
    }

    fn which_counts(file: &dyn Calls) -> io::Result<u8> {
        let mut place = [0];
        read_at(file, &mut place, 0, &mut Account::default())?;
        Ok(place[0])
    }

    fn synced(file: &dyn Calls) -> io::Result<()> {
        loop {
            match file.fsync() {
                Err(Errno::EINTR) => {}
                answer => return Ok(answer?),
            }
        }
    }
}

/// Aborts when the disk fails.
///
/// fails: save::returns_the_error_of_fsync killed
mod gives_up_by_abort {
    use super::*;

    pub fn save(file: &dyn Calls, record: &Record) -> io::Result<()> {
        let answer = crate::solution::save(file, record);
        if answer.is_err() && file.fsync().is_ok() {
            std::process::abort();
        }
        answer
    }
}

/// Appends each record to the file, with a byte that says that it counts, and never frees space.
///
/// fails: save::load_gives_the_last_record_that_was_saved failed
mod keeps_a_log {
    use super::*;

    pub fn save(file: &dyn Calls, record: &Record) -> io::Result<()> {
        let mut account = Account::default();
        synced(file)?;
        let (mut at, mut mark) = (0, [1]);
        while read_at(file, &mut mark, at, &mut account)? == 1 && mark[0] == 1 {
            at += 33;
        }
        write_at(file, record, at + 1, &mut account)?;
        synced(file)?;
        write_at(file, &[1], at, &mut account)?;
        synced(file)
    }

    pub fn load(file: &dyn Calls) -> io::Result<Option<Record>> {
        let (mut at, mut last) = (0, None);
        let mut entry = [0; 33];
        while read_at(file, &mut entry, at, &mut Account::default())? == 33 && entry[0] == 1 {
            last = Record::try_from(&entry[1..]).ok();
            at += 33;
        }
        Ok(last)
    }

    fn synced(file: &dyn Calls) -> io::Result<()> {
        loop {
            match file.fsync() {
                Err(Errno::EINTR) => {}
                answer => return Ok(answer?),
            }
        }
    }
}

/// Has no fsync(2) between the record and the byte that makes it count.
///
/// fails: save::goes_on_after_a_kill_or_a_power_cut failed
/// fails: save::returns_the_error_of_fsync failed
/// fails: save::survives_a_power_cut_at_every_moment failed writes-arrive-in-order
mod one_sync_for_both {
    use super::*;

    pub fn save(file: &dyn Calls, record: &Record) -> io::Result<()> {
        let mut account = Account::default();
        synced(file)?;
        let place = if which_counts(file)? == 1 { 2 } else { 1 };
        write_at(file, record, u64::from(place) * 512, &mut account)?;
        write_at(file, &[place], 0, &mut account)?;
        synced(file)
    }

    fn which_counts(file: &dyn Calls) -> io::Result<u8> {
        let mut place = [0];
        read_at(file, &mut place, 0, &mut Account::default())?;
        Ok(place[0])
    }

    fn synced(file: &dyn Calls) -> io::Result<()> {
        loop {
            match file.fsync() {
                Err(Errno::EINTR) => {}
                answer => return Ok(answer?),
            }
        }
    }
}

/// Writes the new record over the old one: it is only 32 bytes.
///
/// fails: save::goes_on_after_a_kill_or_a_power_cut failed
/// fails: save::returns_the_error_of_fsync failed
/// fails: save::survives_a_power_cut_at_every_moment failed a-small-write-is-whole
mod overwrites_the_only_copy {
    use super::*;

    pub fn save(file: &dyn Calls, record: &Record) -> io::Result<()> {
        write_at(file, record, 0, &mut Account::default())?;
        synced(file)
    }

    pub fn load(file: &dyn Calls) -> io::Result<Option<Record>> {
        let mut record = Record::default();
        let read = read_at(file, &mut record, 0, &mut Account::default())?;
        Ok((read == record.len()).then_some(record))
    }

    fn synced(file: &dyn Calls) -> io::Result<()> {
        loop {
            match file.fsync() {
                Err(Errno::EINTR) => {}
                answer => return Ok(answer?),
            }
        }
    }
}

/// Has no fsync(2) after the byte that makes the record count.
///
/// fails: save::is_on_the_disk_once_it_is_ok failed written-is-on-the-disk
mod written_is_enough {
    use super::*;

    pub fn save(file: &dyn Calls, record: &Record) -> io::Result<()> {
        let mut account = Account::default();
        synced(file)?;
        let place = if which_counts(file)? == 1 { 2 } else { 1 };
        write_at(file, record, u64::from(place) * 512, &mut account)?;
        synced(file)?;
        write_at(file, &[place], 0, &mut account)
    }

    fn which_counts(file: &dyn Calls) -> io::Result<u8> {
        let mut place = [0];
        read_at(file, &mut place, 0, &mut Account::default())?;
        Ok(place[0])
    }

    fn synced(file: &dyn Calls) -> io::Result<()> {
        loop {
            match file.fsync() {
                Err(Errno::EINTR) => {}
                answer => return Ok(answer?),
            }
        }
    }
}

one_of! {
    pub fn save(file: &dyn Calls, record: &Record) -> io::Result<()>;
    a_sum_of_the_bytes_is_enough an_interrupted_sync_fails asks_fsync_again builds_on_what_it_reads gives_up_by_abort
    keeps_a_log one_sync_for_both overwrites_the_only_copy written_is_enough
}

one_of! {
    pub fn load(file: &dyn Calls) -> io::Result<Option<Record>>;
    a_sum_of_the_bytes_is_enough keeps_a_log overwrites_the_only_copy
}
