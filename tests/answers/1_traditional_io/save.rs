use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU8, Ordering};

use mmap_workbook::lesson_1::{Account, Calls, read_at, write_at};
use nix::errno::Errno;

use crate::solution::Record;

/// A number of bytes that fits in memory.
fn index(count: u64) -> usize {
    count.try_into().expect("it fits in memory")
}

/// Repeats a call while a signal interrupts it.
fn retry<T>(mut call: impl FnMut() -> Result<T, Errno>) -> io::Result<T> {
    loop {
        match call() {
            Err(Errno::EINTR) => {}
            answer => return Ok(answer?),
        }
    }
}

/// Puts what was written on the disk.
fn sync(file: &dyn Calls) -> io::Result<()> {
    retry(|| file.fsync())
}

/// Writes all of `bytes`.
fn put(file: &dyn Calls, bytes: &[u8], at: u64) -> io::Result<()> {
    write_at(file, bytes, at, &mut Account::default())
}

/// The `N` bytes at `at`; zeros where the file has none.
fn get<const N: usize>(file: &dyn Calls, at: u64) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    read_at(file, &mut bytes, at, &mut Account::default())?;
    Ok(bytes)
}

// The layout of most answers: byte 0 tells which of two slots counts (0: none, 1 or 2), and the slots follow.

/// Where slot 1 or 2 is.
fn slot(number: u8) -> u64 {
    1 + 32 * u64::from(number - 1)
}

/// The slot that does not count.
fn other(number: u8) -> u8 {
    if number == 1 { 2 } else { 1 }
}

/// The right save for this layout.
fn save_in_slots(file: &dyn Calls, record: &Record) -> io::Result<()> {
    sync(file)?; // a killed process may have left the byte in the page cache only
    let [current] = get(file, 0)?;
    put(file, record, slot(other(current)))?;
    sync(file)?;
    put(file, &[other(current)], 0)?;
    sync(file)
}

/// The right load for this layout.
fn load_from_slots(file: &dyn Calls) -> io::Result<Option<Record>> {
    match get(file, 0)? {
        [0] => Ok(None),
        [current] => get(file, slot(current)).map(Some),
    }
}

// The other layout: two slots of 48 bytes with a number, the record and a checksum. The higher number counts.

/// FNV-1a, 64 bits.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |sum, &byte| (sum ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

/// The bytes of a slot.
fn sealed(number: u64, record: &Record, checksum: fn(&[u8]) -> u64) -> Vec<u8> {
    let mut bytes = number.to_le_bytes().to_vec();
    bytes.extend_from_slice(record);
    bytes.extend(checksum(&bytes).to_le_bytes());
    bytes
}

/// The newest whole slot: its number, where it is, and its record.
fn newest(file: &dyn Calls, checksum: fn(&[u8]) -> u64) -> io::Result<Option<(u64, u64, Record)>> {
    let mut newest = None;
    for at in [0, 48] {
        let bytes: [u8; 48] = get(file, at)?;
        let number = u64::from_le_bytes(bytes[..8].try_into().expect("8 bytes"));
        let record = bytes[8..40].try_into().expect("32 bytes");
        if number > 0 && bytes[..] == sealed(number, &record, checksum) {
            newest = newest.max(Some((number, at, record)));
        }
    }
    Ok(newest)
}

/// Saves in the slot that is not the newest.
fn save_sealed(file: &dyn Calls, record: &Record, checksum: fn(&[u8]) -> u64) -> io::Result<()> {
    sync(file)?;
    let (number, at) = newest(file, checksum)?.map_or((0, 48), |(number, at, _)| (number, at));
    put(file, &sealed(number + 1, record, checksum), 48 - at)?;
    sync(file)
}

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
/// fails: save::returns_the_error_of_a_call failed
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
/// fails: save::returns_the_error_of_a_call killed
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
/// fails: save::goes_on_after_a_kill_or_a_power_cut failed
/// fails: save::is_on_the_disk_once_it_is_ok failed written-is-on-the-disk
/// fails: save::returns_the_error_of_a_call failed
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

/// Two slots, and a byte that tells which of them counts.
///
/// passes
mod a_byte_decides {
    use super::*;

    pub fn save(file: &dyn Calls, record: &Record) -> io::Result<()> {
        save_in_slots(file, record)
    }

    pub fn load(file: &dyn Calls) -> io::Result<Option<Record>> {
        load_from_slots(file)
    }
}

/// The size of the file tells which of the two slots in it counts: 64 the first, 65 the second, less than 64 none.
///
/// passes
mod the_size_decides {
    use super::*;

    pub fn save(file: &dyn Calls, record: &Record) -> io::Result<()> {
        sync(file)?;
        let (at, size) = if retry(|| file.size())? == 64 { (32, 65) } else { (0, 64) };
        put(file, record, at)?;
        sync(file)?;
        retry(|| file.ftruncate(size))?;
        sync(file)
    }

    pub fn load(file: &dyn Calls) -> io::Result<Option<Record>> {
        match retry(|| file.size())? {
            64 => get(file, 0).map(Some),
            65 => get(file, 32).map(Some),
            _ => Ok(None),
        }
    }
}

/// Two slots with a number and a checksum, which need no further byte and only two calls of fsync(2).
///
/// passes
mod numbered_and_sealed {
    use super::*;

    pub fn save(file: &dyn Calls, record: &Record) -> io::Result<()> {
        save_sealed(file, record, checksum)
    }

    pub fn load(file: &dyn Calls) -> io::Result<Option<Record>> {
        Ok(newest(file, checksum)?.map(|(_, _, record)| record))
    }
}

/// Has one place for the record, and copies the old one to a backup while that place changes.
///
/// passes
mod backup_while_it_changes {
    use super::*;

    pub fn save(file: &dyn Calls, record: &Record) -> io::Result<()> {
        sync(file)?;
        if get(file, 0)? == [1] {
            put(file, &get::<32>(file, slot(1))?, slot(2))?;
            sync(file)?;
            put(file, &[2], 0)?;
            sync(file)?;
        }
        put(file, record, slot(1))?;
        sync(file)?;
        put(file, &[1], 0)?;
        sync(file)
    }

    pub fn load(file: &dyn Calls) -> io::Result<Option<Record>> {
        load_from_slots(file)
    }
}

/// Writes over the only copy.
///
/// breaks: "After a power cut at any moment [`load`] finds one of the two"
/// fails: save::goes_on_after_a_kill_or_a_power_cut failed
/// fails: save::returns_the_error_of_fsync failed
/// fails: save::survives_a_power_cut_at_every_moment failed a-small-write-is-whole
mod in_place {
    use super::*;

    pub fn save(file: &dyn Calls, record: &Record) -> io::Result<()> {
        put(file, record, 0)?;
        sync(file)
    }

    pub fn load(file: &dyn Calls) -> io::Result<Option<Record>> {
        if retry(|| file.size())? < 32 { Ok(None) } else { get(file, 0).map(Some) }
    }
}

/// Empties the file before it writes, as `fs::write` does.
///
/// breaks: "After a power cut at any moment [`load`] finds one of the two"
/// fails: save::goes_on_after_a_kill_or_a_power_cut failed
/// fails: save::returns_the_error_of_a_call failed
/// fails: save::returns_the_error_of_fsync failed
/// fails: save::survives_a_power_cut_at_every_moment failed writes-arrive-in-order
mod empties_first {
    use super::*;

    pub fn save(file: &dyn Calls, record: &Record) -> io::Result<()> {
        sync(file)?;
        retry(|| file.ftruncate(0))?;
        put(file, &sealed(1, record, checksum), 0)?;
        sync(file)
    }

    pub fn load(file: &dyn Calls) -> io::Result<Option<Record>> {
        Ok(newest(file, checksum)?.map(|(_, _, record)| record))
    }
}

/// Believes the byte that it reads, which a killed save may not have put on the disk, and reuses the last good slot.
///
/// breaks: "A power cut may interrupt the save that follows a killed one."
/// fails: save::goes_on_after_a_kill_or_a_power_cut failed what-is-read-is-on-the-disk
mod believes_the_page_cache {
    use super::*;

    pub fn save(file: &dyn Calls, record: &Record) -> io::Result<()> {
        let [current] = get(file, 0)?;
        put(file, record, slot(other(current)))?;
        sync(file)?;
        put(file, &[other(current)], 0)?;
        sync(file)
    }

    pub fn load(file: &dyn Calls) -> io::Result<Option<Record>> {
        load_from_slots(file)
    }
}

/// Writes a sealed slot with a single fsync(2) after it; a killed save and the next one can tear both slots.
///
/// breaks: "`load` then finds the record of either of these saves, or the one before both."
/// fails: save::goes_on_after_a_kill_or_a_power_cut failed what-is-read-is-on-the-disk
mod one_sync_for_a_sealed_slot {
    use super::*;

    pub fn save(file: &dyn Calls, record: &Record) -> io::Result<()> {
        let (number, at) = newest(file, checksum)?.map_or((0, 48), |(number, at, _)| (number, at));
        put(file, &sealed(number + 1, record, checksum), 48 - at)?;
        sync(file)
    }

    pub fn load(file: &dyn Calls) -> io::Result<Option<Record>> {
        Ok(newest(file, checksum)?.map(|(_, _, record)| record))
    }
}

/// Puts the slot and the byte that makes it count on the disk together, in whatever order the disk likes.
///
/// breaks: "Each is kept or lost independently of the others."
/// fails: save::goes_on_after_a_kill_or_a_power_cut failed
/// fails: save::returns_the_error_of_fsync failed
/// fails: save::survives_a_power_cut_at_every_moment failed writes-arrive-in-order
mod one_sync_for_slot_and_byte {
    use super::*;

    pub fn save(file: &dyn Calls, record: &Record) -> io::Result<()> {
        sync(file)?;
        let [current] = get(file, 0)?;
        put(file, record, slot(other(current)))?;
        put(file, &[other(current)], 0)?;
        sync(file)
    }

    pub fn load(file: &dyn Calls) -> io::Result<Option<Record>> {
        load_from_slots(file)
    }
}

/// Leaves the last fsync(2) to the next save, which begins with one.
///
/// breaks: "once this call has returned Ok, the new one"
/// fails: save::goes_on_after_a_kill_or_a_power_cut failed
/// fails: save::is_on_the_disk_once_it_is_ok failed written-is-on-the-disk
/// fails: save::returns_the_error_of_a_call failed
mod next_save_syncs {
    use super::*;

    pub fn save(file: &dyn Calls, record: &Record) -> io::Result<()> {
        sync(file)?;
        let [current] = get(file, 0)?;
        put(file, record, slot(other(current)))?;
        sync(file)?;
        put(file, &[other(current)], 0)
    }

    pub fn load(file: &dyn Calls) -> io::Result<Option<Record>> {
        load_from_slots(file)
    }
}

/// Makes the slot count before it writes the record into it.
///
/// breaks: "After a power cut at any moment [`load`] finds one of the two"
/// fails: save::goes_on_after_a_kill_or_a_power_cut failed
/// fails: save::returns_the_error_of_a_call failed
/// fails: save::returns_the_error_of_fsync failed
/// fails: save::survives_a_power_cut_at_every_moment failed writes-arrive-in-order
mod byte_before_the_slot {
    use super::*;

    pub fn save(file: &dyn Calls, record: &Record) -> io::Result<()> {
        sync(file)?;
        let [current] = get(file, 0)?;
        put(file, &[other(current)], 0)?;
        sync(file)?;
        put(file, record, slot(other(current)))?;
        sync(file)
    }

    pub fn load(file: &dyn Calls) -> io::Result<Option<Record>> {
        load_from_slots(file)
    }
}

/// Counts the saves in two bytes, of which a power cut can keep one: from 255 to 256 it may find 0, which is no record.
///
/// breaks: "Each byte written since, by any process, is kept or lost"
/// fails: save::survives_a_power_cut_at_every_moment failed
mod counter_of_two_bytes {
    use super::*;

    fn place(count: u16) -> u64 {
        2 + 32 * u64::from(count % 2)
    }

    pub fn save(file: &dyn Calls, record: &Record) -> io::Result<()> {
        sync(file)?;
        let next = u16::from_be_bytes(get(file, 0)?).checked_add(1).unwrap_or(2);
        put(file, record, place(next))?;
        sync(file)?;
        put(file, &next.to_be_bytes(), 0)?;
        sync(file)
    }

    pub fn load(file: &dyn Calls) -> io::Result<Option<Record>> {
        match u16::from_be_bytes(get(file, 0)?) {
            0 => Ok(None),
            count => get(file, place(count)).map(Some),
        }
    }
}

/// Numbers the slots with one byte: after 255 saves the new slot has the number 0 and loses against the old one.
///
/// breaks: "once this call has returned Ok, the new one"
/// fails: save::load_gives_the_last_record_that_was_saved failed
/// fails: save::survives_a_power_cut_at_every_moment failed
mod number_of_one_byte {
    use super::*;

    pub fn save(file: &dyn Calls, record: &Record) -> io::Result<()> {
        sync(file)?;
        let (number, at) = newest(file, checksum)?.map_or((0, 48), |(number, at, _)| (number, at));
        let next = number.to_le_bytes()[0].wrapping_add(1);
        put(file, &sealed(u64::from(next), record, checksum), 48 - at)?;
        sync(file)
    }

    pub fn load(file: &dyn Calls) -> io::Result<Option<Record>> {
        Ok(newest(file, checksum)?.map(|(_, _, record)| record))
    }
}

/// Seals the slots with the sum of the bytes modulo 256, which many a mixture of two records has as well.
///
/// breaks: "Each is kept or lost independently of the others."
/// fails: save::goes_on_after_a_kill_or_a_power_cut failed
/// fails: save::returns_the_error_of_fsync failed
/// fails: save::survives_a_power_cut_at_every_moment failed a-small-write-is-whole
mod sum_of_bytes {
    use super::*;

    fn sum(bytes: &[u8]) -> u64 {
        u64::from(bytes.iter().fold(0_u8, |sum, &byte| sum.wrapping_add(byte)))
    }

    pub fn save(file: &dyn Calls, record: &Record) -> io::Result<()> {
        save_sealed(file, record, sum)
    }

    pub fn load(file: &dyn Calls) -> io::Result<Option<Record>> {
        Ok(newest(file, sum)?.map(|(_, _, record)| record))
    }
}

/// Writes each record twice instead of fsync(2) before the byte; both copies agree also if every byte of them was lost.
///
/// breaks: "Each is kept or lost independently of the others."
/// fails: save::goes_on_after_a_kill_or_a_power_cut failed
/// fails: save::returns_the_error_of_fsync failed
/// fails: save::survives_a_power_cut_at_every_moment failed writes-arrive-in-order
mod two_equal_copies {
    use super::*;

    pub fn save(file: &dyn Calls, record: &Record) -> io::Result<()> {
        sync(file)?;
        let [current] = get(file, 0)?;
        let at = 1 + 64 * u64::from(other(current) - 1);
        put(file, &[*record, *record].concat(), at)?;
        put(file, &[other(current)], 0)?;
        sync(file)
    }

    pub fn load(file: &dyn Calls) -> io::Result<Option<Record>> {
        let [current] = get(file, 0)?;
        for number in [current, other(current)] {
            let at = 1 + 64 * u64::from(number.max(1) - 1);
            let (one, two): (Record, Record) = (get(file, at)?, get(file, at + 32)?);
            if current != 0 && one == two {
                return Ok(Some(one));
            }
        }
        Ok(None)
    }
}

/// Appends each record to a log that never ends.
///
/// breaks: "may grow to at most 16 KiB"
/// fails: save::load_gives_the_last_record_that_was_saved failed
mod endless_log {
    use super::*;

    pub fn save(file: &dyn Calls, record: &Record) -> io::Result<()> {
        sync(file)?;
        let whole = retry(|| file.size())? / 33;
        put(file, record, whole * 33)?;
        sync(file)?;
        retry(|| file.ftruncate(whole * 33 + 33))?;
        sync(file)
    }

    pub fn load(file: &dyn Calls) -> io::Result<Option<Record>> {
        match retry(|| file.size())? / 33 {
            0 => Ok(None),
            whole => get(file, whole * 33 - 33).map(Some),
        }
    }
}

/// Gives each slot 8 KiB, so that they never share a page, and puts the byte after both: at 16 KiB exactly.
///
/// breaks: "may grow to at most 16 KiB"
/// fails: save::goes_on_after_a_kill_or_a_power_cut failed
/// fails: save::is_on_the_disk_once_it_is_ok failed
/// fails: save::load_gives_the_last_record_that_was_saved failed
/// fails: save::returns_the_error_of_a_call failed
/// fails: save::returns_the_error_of_fsync failed
/// fails: save::survives_a_power_cut_at_every_moment failed
mod one_byte_too_large {
    use super::*;

    const BYTE: u64 = 16 * 1024;

    pub fn save(file: &dyn Calls, record: &Record) -> io::Result<()> {
        sync(file)?;
        let [current] = get(file, BYTE)?;
        put(file, record, 8192 * u64::from(other(current) - 1))?;
        sync(file)?;
        put(file, &[other(current)], BYTE)?;
        sync(file)
    }

    pub fn load(file: &dyn Calls) -> io::Result<Option<Record>> {
        match get(file, BYTE)? {
            [0] => Ok(None),
            [current] => get(file, 8192 * u64::from(current - 1)).map(Some),
        }
    }
}

/// Does nothing when the record is the one in the file, which may be that of a killed save and not on the disk.
///
/// breaks: "once this call has returned Ok, the new one"
/// fails: save::goes_on_after_a_kill_or_a_power_cut failed what-is-read-is-on-the-disk
mod same_record_again {
    use super::*;

    pub fn save(file: &dyn Calls, record: &Record) -> io::Result<()> {
        if load_from_slots(file)? == Some(*record) {
            return Ok(());
        }
        save_in_slots(file, record)
    }

    pub fn load(file: &dyn Calls) -> io::Result<Option<Record>> {
        load_from_slots(file)
    }
}

/// Makes a backup each time, also when the last save was interrupted and the place for the record is torn.
///
/// breaks: "A power cut may interrupt the save that follows a killed one."
/// fails: save::goes_on_after_a_kill_or_a_power_cut failed
mod backs_up_the_torn_record {
    use super::*;

    pub fn save(file: &dyn Calls, record: &Record) -> io::Result<()> {
        sync(file)?;
        if get(file, 0)? != [0] {
            put(file, &get::<32>(file, slot(1))?, slot(2))?;
            sync(file)?;
            put(file, &[2], 0)?;
            sync(file)?;
        }
        put(file, record, slot(1))?;
        sync(file)?;
        put(file, &[1], 0)?;
        sync(file)
    }

    pub fn load(file: &dyn Calls) -> io::Result<Option<Record>> {
        load_from_slots(file)
    }
}

/// Remembers in a static which slot is next, for all files and over power cuts.
///
/// breaks: "After a power cut at any moment [`load`] finds one of the two"
/// fails: save::goes_on_after_a_kill_or_a_power_cut failed
/// fails: save::survives_a_power_cut_at_every_moment failed writes-arrive-in-order
mod slot_in_a_static {
    use super::*;

    static NEXT: AtomicU8 = AtomicU8::new(1);

    pub fn save(file: &dyn Calls, record: &Record) -> io::Result<()> {
        sync(file)?;
        let next = NEXT.fetch_xor(3, Ordering::Relaxed);
        put(file, record, slot(next))?;
        sync(file)?;
        put(file, &[next], 0)?;
        sync(file)
    }

    pub fn load(file: &dyn Calls) -> io::Result<Option<Record>> {
        load_from_slots(file)
    }
}

/// Passes EINTR of fsync(2) to the caller.
///
/// breaks: "EINTR is no error: the call is retried, fsync(2) too."
/// fails: save::load_gives_the_last_record_that_was_saved failed eintr-is-an-error
mod interrupted_sync {
    use super::*;

    pub fn save(file: &dyn Calls, record: &Record) -> io::Result<()> {
        file.fsync()?;
        let [current] = get(file, 0)?;
        put(file, record, slot(other(current)))?;
        file.fsync()?;
        put(file, &[other(current)], 0)?;
        Ok(file.fsync()?)
    }

    pub fn load(file: &dyn Calls) -> io::Result<Option<Record>> {
        load_from_slots(file)
    }
}

/// Tries fsync(2) once more after any error, and believes it when it succeeds then.
///
/// breaks: "That of fsync(2), unchanged: the data may be lost, even if the next fsync(2) succeeds."
/// fails: save::returns_the_error_of_a_call failed
/// fails: save::returns_the_error_of_fsync failed fsync-can-be-asked-again
mod tries_a_failed_sync_again {
    use super::*;

    fn insist(file: &dyn Calls) -> io::Result<()> {
        sync(file).or_else(|_| sync(file))
    }

    pub fn save(file: &dyn Calls, record: &Record) -> io::Result<()> {
        insist(file)?;
        let [current] = get(file, 0)?;
        put(file, record, slot(other(current)))?;
        insist(file)?;
        put(file, &[other(current)], 0)?;
        insist(file)
    }

    pub fn load(file: &dyn Calls) -> io::Result<Option<Record>> {
        load_from_slots(file)
    }
}

/// Ignores an error of the first fsync(2): it is not for data of this call.
///
/// breaks: "That of fsync(2), unchanged"
/// fails: save::returns_the_error_of_a_call failed
/// fails: save::returns_the_error_of_fsync failed
mod ignores_the_first_sync {
    use super::*;

    pub fn save(file: &dyn Calls, record: &Record) -> io::Result<()> {
        let _ = sync(file);
        let [current] = get(file, 0)?;
        put(file, record, slot(other(current)))?;
        sync(file)?;
        put(file, &[other(current)], 0)?;
        sync(file)
    }

    pub fn load(file: &dyn Calls) -> io::Result<Option<Record>> {
        load_from_slots(file)
    }
}

/// Trusts that one pwrite(2) writes the whole record.
///
/// breaks: "Calls may be short or interrupted (EINTR)."
/// fails: save::load_gives_the_last_record_that_was_saved failed short-is-the-end
mod one_write {
    use super::*;

    pub fn save(file: &dyn Calls, record: &Record) -> io::Result<()> {
        sync(file)?;
        let [current] = get(file, 0)?;
        retry(|| file.pwrite(record, slot(other(current))))?;
        sync(file)?;
        put(file, &[other(current)], 0)?;
        sync(file)
    }

    pub fn load(file: &dyn Calls) -> io::Result<Option<Record>> {
        load_from_slots(file)
    }
}

/// Keeps the old record when the new one can't be written, and returns Ok all the same.
///
/// breaks: "Any other error of a call, unchanged."
/// fails: save::returns_the_error_of_a_call failed
mod write_error_is_ok {
    use super::*;

    pub fn save(file: &dyn Calls, record: &Record) -> io::Result<()> {
        sync(file)?;
        let [current] = get(file, 0)?;
        if put(file, record, slot(other(current))).is_ok() {
            sync(file)?;
            put(file, &[other(current)], 0)?;
        }
        sync(file)
    }

    pub fn load(file: &dyn Calls) -> io::Result<Option<Record>> {
        load_from_slots(file)
    }
}

// From here on `save` is right, and `load` is not.

/// Trusts that one pread(2) reads the whole record, and leaves zeros after a short one.
///
/// breaks: "Calls may be short or interrupted (EINTR)."
/// fails: save::load_gives_the_last_record_that_was_saved failed short-is-the-end
mod one_read {
    use super::*;

    pub fn save(file: &dyn Calls, record: &Record) -> io::Result<()> {
        save_in_slots(file, record)
    }

    pub fn load(file: &dyn Calls) -> io::Result<Option<Record>> {
        let mut record = [0; 32];
        let [current] = get(file, 0)?;
        if current == 0 {
            return Ok(None);
        }
        retry(|| file.pread(&mut record, slot(current)))?;
        Ok(Some(record))
    }
}

/// Goes on after a short pread(2), and returns EINTR.
///
/// breaks: "EINTR is no error: the call is retried."
/// fails: save::load_gives_the_last_record_that_was_saved failed eintr-is-an-error
mod interrupted_read {
    use super::*;

    pub fn save(file: &dyn Calls, record: &Record) -> io::Result<()> {
        save_in_slots(file, record)
    }

    pub fn load(file: &dyn Calls) -> io::Result<Option<Record>> {
        let mut bytes = [0; 65];
        let mut done = 0;
        while done < bytes.len() {
            match file.pread(&mut bytes[done..], done as u64)? {
                0 => break,
                read => done += read,
            }
        }
        let at = index(slot(bytes[0].max(1)));
        Ok((bytes[0] > 0).then(|| bytes[at..at + 32].try_into().expect("32 bytes")))
    }
}

/// Requires the file to have a byte, and fails with `UnexpectedEof` when it is empty.
///
/// breaks: "An empty file has no record."
/// fails: save::goes_on_after_a_kill_or_a_power_cut failed
/// fails: save::load_gives_the_last_record_that_was_saved failed
/// fails: save::survives_a_power_cut_at_every_moment failed
mod empty_is_an_error {
    use super::*;

    pub fn save(file: &dyn Calls, record: &Record) -> io::Result<()> {
        save_in_slots(file, record)
    }

    pub fn load(file: &dyn Calls) -> io::Result<Option<Record>> {
        if retry(|| file.size())? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        load_from_slots(file)
    }
}

/// Knows no "none": an empty file, and one that a first save did not finish, have a record of zeros.
///
/// breaks: "or None if no record was saved"
/// fails: save::goes_on_after_a_kill_or_a_power_cut failed
/// fails: save::load_gives_the_last_record_that_was_saved failed
/// fails: save::survives_a_power_cut_at_every_moment failed
mod zeros_are_a_record {
    use super::*;

    pub fn save(file: &dyn Calls, record: &Record) -> io::Result<()> {
        save_in_slots(file, record)
    }

    pub fn load(file: &dyn Calls) -> io::Result<Option<Record>> {
        let [current] = get(file, 0)?;
        get(file, slot(current.max(1))).map(Some)
    }
}

/// Takes a record of zeros for none.
///
/// breaks: "Returns the record that [`save`] promises"
/// fails: save::load_gives_the_last_record_that_was_saved failed
mod zeros_are_no_record {
    use super::*;

    pub fn save(file: &dyn Calls, record: &Record) -> io::Result<()> {
        save_in_slots(file, record)
    }

    pub fn load(file: &dyn Calls) -> io::Result<Option<Record>> {
        Ok(load_from_slots(file)?.filter(|record| record.iter().any(|&byte| byte != 0)))
    }
}

/// Expects a file with both slots, and finds nothing after the first save.
///
/// breaks: "once this call has returned Ok, the new one"
/// fails: save::goes_on_after_a_kill_or_a_power_cut failed
/// fails: save::is_on_the_disk_once_it_is_ok failed
/// fails: save::load_gives_the_last_record_that_was_saved failed
/// fails: save::survives_a_power_cut_at_every_moment failed
mod both_slots_or_nothing {
    use super::*;

    pub fn save(file: &dyn Calls, record: &Record) -> io::Result<()> {
        save_in_slots(file, record)
    }

    pub fn load(file: &dyn Calls) -> io::Result<Option<Record>> {
        if retry(|| file.size())? < 65 { Ok(None) } else { load_from_slots(file) }
    }
}

/// Takes a file that can't be read for one without a record.
///
/// breaks: "Those of the calls, unchanged."
/// fails: save::returns_the_error_of_a_call failed
mod unreadable_is_none {
    use super::*;

    pub fn save(file: &dyn Calls, record: &Record) -> io::Result<()> {
        save_in_slots(file, record)
    }

    pub fn load(file: &dyn Calls) -> io::Result<Option<Record>> {
        Ok(load_from_slots(file).unwrap_or(None))
    }
}

/// Returns the slot with the highest number, without a look at its checksum.
///
/// breaks: "Returns the record that [`save`] promises"
/// fails: save::goes_on_after_a_kill_or_a_power_cut failed
/// fails: save::returns_the_error_of_fsync failed
/// fails: save::survives_a_power_cut_at_every_moment failed a-small-write-is-whole
mod ignores_the_checksum {
    use super::*;

    pub fn save(file: &dyn Calls, record: &Record) -> io::Result<()> {
        save_sealed(file, record, checksum)
    }

    pub fn load(file: &dyn Calls) -> io::Result<Option<Record>> {
        let (one, two): ([u8; 48], [u8; 48]) = (get(file, 0)?, get(file, 48)?);
        let number = |bytes: &[u8; 48]| u64::from_le_bytes(bytes[..8].try_into().expect("8 bytes"));
        let newest = if number(&one) > number(&two) { one } else { two };
        Ok((number(&newest) > 0).then(|| newest[8..40].try_into().expect("32 bytes")))
    }
}

/// Reports a torn slot as corruption, although an interrupted save may leave one.
///
/// breaks: "a power cut inside the first save (A): load(file) -> None or Some(A)"
/// fails: save::goes_on_after_a_kill_or_a_power_cut failed
/// fails: save::survives_a_power_cut_at_every_moment failed
mod torn_is_an_error {
    use super::*;

    pub fn save(file: &dyn Calls, record: &Record) -> io::Result<()> {
        save_sealed(file, record, checksum)
    }

    pub fn load(file: &dyn Calls) -> io::Result<Option<Record>> {
        let newest = newest(file, checksum)?;
        if newest.is_none() && retry(|| file.size())? > 0 {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the file is corrupt"));
        }
        Ok(newest.map(|(_, _, record)| record))
    }
}

/// Remembers the record that was saved last, whichever file it was saved in, and whatever became of it.
///
/// breaks: "Returns the record that [`save`] promises"
/// fails: save::goes_on_after_a_kill_or_a_power_cut failed
/// fails: save::returns_the_error_of_a_call failed
mod record_in_a_static {
    use super::*;

    static LAST: Mutex<Option<Record>> = Mutex::new(None);

    pub fn save(file: &dyn Calls, record: &Record) -> io::Result<()> {
        save_in_slots(file, record)?;
        *LAST.lock().expect("no panic") = Some(*record);
        Ok(())
    }

    pub fn load(file: &dyn Calls) -> io::Result<Option<Record>> {
        let last = *LAST.lock().expect("no panic");
        if last.is_some() { Ok(last) } else { load_from_slots(file) }
    }
}

/// Tidies up: it cuts off the slot that does not count, although that size and the byte may reach the disk separately.
///
/// breaks: "Each is kept or lost independently of the others."
/// fails: save::goes_on_after_a_kill_or_a_power_cut failed
/// fails: save::is_on_the_disk_once_it_is_ok failed
/// fails: save::load_gives_the_last_record_that_was_saved failed
/// fails: save::returns_the_error_of_a_call failed
/// fails: save::returns_the_error_of_fsync failed
/// fails: save::survives_a_power_cut_at_every_moment failed
mod load_cuts_the_file {
    use super::*;

    pub fn save(file: &dyn Calls, record: &Record) -> io::Result<()> {
        save_in_slots(file, record)
    }

    pub fn load(file: &dyn Calls) -> io::Result<Option<Record>> {
        let record = load_from_slots(file)?;
        if get(file, 0)? == [1] {
            retry(|| file.ftruncate(33))?;
        }
        Ok(record)
    }
}

one_of! {
    pub fn save(file: &dyn Calls, record: &Record) -> io::Result<()>;
    a_sum_of_the_bytes_is_enough an_interrupted_sync_fails asks_fsync_again builds_on_what_it_reads gives_up_by_abort
    keeps_a_log one_sync_for_both overwrites_the_only_copy written_is_enough a_byte_decides the_size_decides
    numbered_and_sealed backup_while_it_changes in_place empties_first believes_the_page_cache
    one_sync_for_a_sealed_slot one_sync_for_slot_and_byte next_save_syncs byte_before_the_slot counter_of_two_bytes
    number_of_one_byte sum_of_bytes two_equal_copies endless_log one_byte_too_large same_record_again
    backs_up_the_torn_record slot_in_a_static interrupted_sync tries_a_failed_sync_again ignores_the_first_sync
    one_write write_error_is_ok one_read interrupted_read empty_is_an_error zeros_are_a_record zeros_are_no_record
    both_slots_or_nothing unreadable_is_none ignores_the_checksum torn_is_an_error record_in_a_static load_cuts_the_file
}

one_of! {
    pub fn load(file: &dyn Calls) -> io::Result<Option<Record>>;
    a_sum_of_the_bytes_is_enough keeps_a_log overwrites_the_only_copy a_byte_decides the_size_decides
    numbered_and_sealed backup_while_it_changes in_place empties_first believes_the_page_cache
    one_sync_for_a_sealed_slot one_sync_for_slot_and_byte next_save_syncs byte_before_the_slot counter_of_two_bytes
    number_of_one_byte sum_of_bytes two_equal_copies endless_log one_byte_too_large same_record_again
    backs_up_the_torn_record slot_in_a_static interrupted_sync tries_a_failed_sync_again ignores_the_first_sync
    one_write write_error_is_ok one_read interrupted_read empty_is_an_error zeros_are_a_record zeros_are_no_record
    both_slots_or_nothing unreadable_is_none ignores_the_checksum torn_is_an_error record_in_a_static load_cuts_the_file
}
