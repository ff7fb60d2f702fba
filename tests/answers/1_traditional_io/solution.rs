//! # Exercise 1: an answer
//!
//! Lesson 1's loops (`read_at`, `write_at`) handle short and interrupted calls, so the functions can work with whole
//! chunks. What is left is order: read before you overwrite; put the data on the disk before the byte that says so;
//! read the number after you have the lock.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use mmap_workbook::lesson_1::{Account, CHUNK, Calls, TEMPORARY, leftovers, read_at, write_at};
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

/// Chunk by chunk: `read_at` goes on after short and interrupted calls, so a chunk that is not full is the last one.
pub fn count_byte(file: &dyn Calls, byte: u8) -> io::Result<u64> {
    let mut buffer = vec![0; CHUNK];
    let (mut at, mut count) = (0, 0);
    loop {
        let read = read_at(file, &mut buffer, at, &mut Account::default())?;
        count += bytes(buffer[..read].iter().filter(|other| **other == byte).count());
        at += bytes(read);
        if read < buffer.len() {
            return Ok(count);
        }
    }
}

/// An occurrence may begin in one chunk and end in the next. So the end of each chunk that could be the beginning of an
/// occurrence is kept before the next chunk, unless it belongs to an occurrence that was found. Only the buffer is
/// searched, never the file again, where new bytes could look like old ones.
pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
    if old.is_empty() || old.len() != new.len() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the two texts must have the same length, and not 0"));
    }
    let mut account = Account::default();
    let mut buffer = vec![0; CHUNK + old.len() - 1];
    // The offset of the buffer in the file, and how many of its bytes were kept.
    let (mut at, mut kept) = (0, 0);
    let mut places = 0;
    loop {
        let end = kept + read_at(file, &mut buffer[kept..], at + bytes(kept), &mut account)?;
        let mut next = 0;
        while let Some(found) = buffer[next..end].windows(old.len()).position(|window| window == old) {
            write_at(file, new, at + bytes(next + found), &mut account)?;
            next += found + old.len();
            places += 1;
        }
        if end < buffer.len() {
            return Ok(places);
        }
        let done = next.max(end - (old.len() - 1));
        buffer.copy_within(done..end, 0);
        (at, kept) = (at + bytes(done), end - done);
    }
}

/// [`fs::read`] retries interrupted calls. Of the errors of open(2) only ENOENT says that there is no file.
///
/// Only digits: `parse` alone would accept a `+`.
pub fn read_number(path: &Path) -> io::Result<u64> {
    let text = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        text => text?,
    };
    let digits = text.strip_suffix(b"\n").unwrap_or(&text);
    let digits = Some(digits).filter(|digits| digits.iter().all(u8::is_ascii_digit));
    let number = digits.and_then(|digits| str::from_utf8(digits).ok()?.parse().ok());
    number.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "not a number"))
}

/// The lock is on the directory, which stays the same: a process that waits for a lock on the file would get it on one
/// that has been replaced meanwhile. While this process holds the lock no other one is at work, so each temporary file
/// is that of a killed process.
///
/// Each call of fsync(2) has its reason. The first one: rename(2) may get to the disk before the bytes do, and the name
/// would then be that of an empty file. The second one: a name is an entry in the directory, and fsync(2) of the file
/// does not write the directory (fsync(2), DESCRIPTION).
pub fn increment(path: &Path) -> io::Result<u64> {
    // The parent of a bare file name is the empty path.
    let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut opened = File::open(directory)?;
    let locked = loop {
        match Flock::lock(opened, FlockArg::LockExclusive) {
            Ok(locked) => break locked,
            Err((back, Errno::EINTR)) => opened = back,
            Err((_, errno)) => return Err(errno.into()),
        }
    };
    for left in leftovers(directory)? {
        fs::remove_file(left)?;
    }
    let permissions = match fs::metadata(path) {
        Ok(metadata) => Some(metadata.permissions()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let next = read_number(path)?.checked_add(1).ok_or(io::ErrorKind::InvalidData)?;
    // Dropping it unlinks it, unless the function gets to the end.
    let temporary = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(directory)?;
    write_at(temporary.as_file(), format!("{next}\n").as_bytes(), 0, &mut Account::default())?;
    if let Some(permissions) = permissions {
        temporary.as_file().set_permissions(permissions)?;
    }
    again(|| temporary.as_file().fsync())?;
    temporary.persist(path).map_err(|error| error.error)?;
    again(|| locked.fsync())?;
    Ok(next)
}

/// Two passes: one counts, the other moves. The second one goes from the end to the beginning, since every byte moves
/// towards the end: it always writes past what is still to be read.
///
/// Before a byte inside the old end changes, zeros are written past it. That writes the inserted bytes twice, and makes
/// a full disk harmless: from then on no write needs disk space.
pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
    let mut account = Account::default();
    let size = file.size()?;
    let mut buffer = vec![0; CHUNK];
    let (mut at, mut before, mut more) = (0, 0, 0);
    while at < size {
        let read = read_at(file, &mut buffer, at, &mut account)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        for &byte in &buffer[..read] {
            more += u64::from(byte == b'\n' && before != b'\r');
            before = byte;
        }
        at += bytes(read);
    }
    if more == 0 {
        return Ok(0);
    }
    if let Err(error) = write_zeros(file, size, more, &mut account) {
        again(|| file.ftruncate(size))?;
        return Err(error);
    }
    // Up to `end` the file is as it was; the bytes after it have been moved, and begin at `to`.
    let (mut end, mut to) = (size, size + more);
    while end < to {
        let start = end.saturating_sub(bytes(CHUNK) - 1);
        // Read the byte before the chunk, too: it may be the `\r` of the chunk's first `\n`.
        let first = start.saturating_sub(1);
        let chunk = &mut buffer[..index(end - first)];
        if read_at(file, chunk, first, &mut account)? < chunk.len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut moved = Vec::with_capacity(2 * chunk.len());
        let mut stays = None; // the bytes before the first `\r` of this chunk
        for at in index(start - first)..chunk.len() {
            if chunk[at] == b'\n' && (at == 0 || chunk[at - 1] != b'\r') {
                stays.get_or_insert(moved.len());
                moved.push(b'\r');
            }
            moved.push(chunk[at]);
        }
        to -= bytes(moved.len());
        // In the chunk with the first `\r` of the file, the bytes before it stay where they are.
        let stays = stays.filter(|_| to == start).unwrap_or(0);
        write_at(file, &moved[stays..], to + bytes(stays), &mut account)?;
        end = start;
    }
    Ok(more)
}

fn write_zeros(file: &dyn Calls, at: u64, count: u64, account: &mut Account) -> io::Result<()> {
    let zeros = vec![0; CHUNK];
    for done in (0..count).step_by(CHUNK) {
        let chunk = index((count - done).min(bytes(CHUNK)));
        write_at(file, &zeros[..chunk], at + done, account)?;
    }
    Ok(())
}

/// What [`save`] keeps.
pub type Record = [u8; 32];

/// The file has two places for a record, and a byte before them says which one counts. Each is in a sector of its own,
/// since disks write whole sectors.
const SECTOR: u64 = 512;

/// The record goes to the place that does not count, and a single byte, which no power cut can halve, makes it count.
/// That byte must not get to the disk before the record: so there is an fsync(2) between them, and one more before Ok.
///
/// The first of the three calls of fsync(2) is for a process that was killed after the second: the byte that is read
/// here is in the page cache, and perhaps not on the disk, where the place that looks free may be the one that counts.
pub fn save(file: &dyn Calls, record: &Record) -> io::Result<()> {
    let mut account = Account::default();
    again(|| file.fsync())?;
    let place = if which_counts(file)? == 1 { 2 } else { 1 };
    write_at(file, record, u64::from(place) * SECTOR, &mut account)?;
    again(|| file.fsync())?;
    write_at(file, &[place], 0, &mut account)?;
    again(|| file.fsync())
}

/// The record in the place that counts. It is whole, since it was on the disk before the byte was written.
pub fn load(file: &dyn Calls) -> io::Result<Option<Record>> {
    let place = which_counts(file)?;
    let mut record = Record::default();
    if place == 0 || read_at(file, &mut record, u64::from(place) * SECTOR, &mut Account::default())? < record.len() {
        return Ok(None);
    }
    Ok(Some(record))
}

/// 1 or 2; 0 in a file that is empty, or that has grown before the byte was written.
fn which_counts(file: &dyn Calls) -> io::Result<u8> {
    let mut place = [0];
    read_at(file, &mut place, 0, &mut Account::default())?;
    Ok(place[0])
}

/// Retries a call while it is interrupted. Any other error is returned: fsync(2) reports a lost write only once.
fn again<T>(call: impl Fn() -> Result<T, Errno>) -> io::Result<T> {
    loop {
        match call() {
            Err(Errno::EINTR) => {}
            answer => return Ok(answer?),
        }
    }
}

fn bytes(count: usize) -> u64 {
    count.try_into().expect("no machine has addresses of more than 64 bits")
}

fn index(count: u64) -> usize {
    count.try_into().expect("less than a chunk")
}
