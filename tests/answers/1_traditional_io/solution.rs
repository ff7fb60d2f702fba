//! # Exercise 1: an answer
//!
//! Lesson 1's loops (`read_at`, `write_at`) absorb what is short and what is interrupted, so the functions can think of
//! whole pieces. What is left is order: what is read before what is written over, what is on the disk before what says
//! so, who looks at a number after whom.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use mmap_workbook::lesson_1::{Account, Calls, PIECE, TEMPORARY, left_behind, read_at, write_at};
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

/// The pieces of the file overlap: a place may begin in one and end in the next. So the end of each piece that could be
/// the beginning of a place is kept in front of the next one. The search goes through the buffer, never through the
/// file again, where new bytes could look like old ones. What belongs to a place that was found is not kept.
pub fn replace_all(file: &dyn Calls, old: &[u8], new: &[u8]) -> io::Result<u64> {
    if old.is_empty() || old.len() != new.len() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it takes two texts of the same length, and not 0"));
    }
    let mut account = Account::default();
    let mut buffer = vec![0; PIECE + old.len() - 1];
    // Where in the file the buffer begins, and how much of it is there already.
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

/// Two passes: one counts, the other moves. The second one goes from the end to the beginning, since every byte moves
/// towards the end: what is written lies behind what is still to be read.
///
/// Before a byte inside the old end is touched, the new ones behind it are written, as zeros. That costs a second write
/// of as many bytes as come in, and is what makes a full disk harmless: from then on nothing needs room.
pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
    let mut account = Account::default();
    let size = file.size()?;
    let mut buffer = vec![0; PIECE];
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
    // Up to `end` the file is as it was; what was behind it is now in its place, from `to` on.
    let (mut end, mut to) = (size, size + more);
    while end < to {
        let start = end.saturating_sub(bytes(PIECE) - 1);
        // With the byte before the piece: it may be the `\r` of the piece's first `\n`.
        let first = start.saturating_sub(1);
        let piece = &mut buffer[..index(end - first)];
        if read_at(file, piece, first, &mut account)? < piece.len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut moved = Vec::with_capacity(2 * piece.len());
        let mut stays = None; // the bytes before the first `\r` of this piece
        for at in index(start - first)..piece.len() {
            if piece[at] == b'\n' && (at == 0 || piece[at - 1] != b'\r') {
                stays.get_or_insert(moved.len());
                moved.push(b'\r');
            }
            moved.push(piece[at]);
        }
        to -= bytes(moved.len());
        // In the piece with the first `\r` of all, what is before it is where it was.
        let stays = stays.filter(|_| to == start).unwrap_or(0);
        write_at(file, &moved[stays..], to + bytes(stays), &mut account)?;
        end = start;
    }
    Ok(more)
}

fn write_zeros(file: &dyn Calls, at: u64, count: u64, account: &mut Account) -> io::Result<()> {
    let zeros = vec![0; PIECE];
    for done in (0..count).step_by(PIECE) {
        let piece = index((count - done).min(bytes(PIECE)));
        write_at(file, &zeros[..piece], at + done, account)?;
    }
    Ok(())
}

/// The lock is on the directory, which stays the same: who waited for a lock on the file would get it on one that has been
/// replaced meanwhile. Under the lock nobody else is at it, so each temporary file belongs to somebody who died.
///
/// Both calls of fsync(2) have a reason of their own. The first one: rename(2) may get to the disk before the bytes do,
/// and the name would then lead to an empty file. The second one: a name is an entry of the directory, and fsync(2) of the
/// file does not write the directory (fsync(2), DESCRIPTION).
pub fn raise(path: &Path) -> io::Result<u64> {
    // The parent of a file name alone is the empty path.
    let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut opened = File::open(directory)?;
    let locked = loop {
        match Flock::lock(opened, FlockArg::LockExclusive) {
            Ok(locked) => break locked,
            Err((back, Errno::EINTR)) => opened = back,
            Err((_, errno)) => return Err(errno.into()),
        }
    };
    for dead in left_behind(directory)? {
        fs::remove_file(dead)?;
    }
    let (number, permissions) = match fs::read(path) {
        Ok(text) => (number_in(&text)?, Some(fs::metadata(path)?.permissions())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => (0, None),
        Err(error) => return Err(error),
    };
    let next = number.checked_add(1).ok_or(io::ErrorKind::InvalidData)?;
    // Unlinked when it is dropped, on each way out but the last.
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

/// Digits and nothing else: `parse` alone would take a `+`, too.
fn number_in(text: &[u8]) -> io::Result<u64> {
    let digits = text.strip_suffix(b"\n").unwrap_or(text);
    let digits = Some(digits).filter(|digits| digits.iter().all(u8::is_ascii_digit));
    let number = digits.and_then(|digits| str::from_utf8(digits).ok()?.parse().ok());
    number.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "not a number"))
}

/// What [`save`] keeps.
pub type Record = [u8; 32];

/// The file has two places for a record, and a byte before them says which one counts. Each is in a sector of its own:
/// disks write sectors.
const SECTOR: u64 = 512;

/// The record goes to the place that does not count, and a single byte, which no power cut can halve, makes it count.
/// That byte must not get to the disk before the record: so there is a fsync(2) between them, and one more before Ok.
///
/// The first fsync(2) of the three is for somebody who was killed behind the second: the byte that we read is in the
/// page cache, perhaps not on the disk, and the place that we take for free is then the one that counts there.
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

/// 1 or 2; 0 in a file that is empty, or that has got longer but not got the byte.
fn which_counts(file: &dyn Calls) -> io::Result<u8> {
    let mut place = [0];
    read_at(file, &mut place, 0, &mut Account::default())?;
    Ok(place[0])
}

/// Makes a call again as long as it is interrupted. Any other error is one: fsync(2) tells of a lost write once.
fn again<T>(call: impl Fn() -> Result<T, Errno>) -> io::Result<T> {
    loop {
        match call() {
            Err(Errno::EINTR) => {}
            answer => return Ok(answer?),
        }
    }
}

fn bytes(count: usize) -> u64 {
    count.try_into().expect("no machine has addresses beyond 64 bits")
}

fn index(count: u64) -> usize {
    count.try_into().expect("less than a piece")
}

#[cfg(test)]
#[path = "../../../lessons/1_traditional_io/checks/mod.rs"]
mod checks;
