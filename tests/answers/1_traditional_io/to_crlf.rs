use std::collections::VecDeque;
use std::io;

use mmap_workbook::lesson_1::{Account, CHUNK, Calls, Edit, edit_in_place, read_at, write_at};
use nix::errno::Errno;

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

/// Fills `into` as far as the file reaches.
fn fill(file: &dyn Calls, into: &mut [u8], at: u64) -> io::Result<usize> {
    read_at(file, into, at, &mut Account::default())
}

/// Writes all of `bytes`.
fn put(file: &dyn Calls, bytes: &[u8], at: u64) -> io::Result<()> {
    write_at(file, bytes, at, &mut Account::default())
}

/// The size, how many `\r` are missing, and before which byte the first of them is.
fn survey(file: &dyn Calls) -> io::Result<(u64, u64, u64)> {
    let size = retry(|| file.size())?;
    let mut buffer = vec![0; CHUNK];
    let (mut at, mut missing, mut first, mut previous) = (0, 0, size, 0);
    while at < size {
        let read = fill(file, &mut buffer, at)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        for &byte in &buffer[..read] {
            if byte == b'\n' && previous != b'\r' {
                missing += 1;
                first = first.min(at);
            }
            previous = byte;
            at += 1;
        }
    }
    Ok((size, missing, first))
}

/// The chunk that ends at `end`, with the missing `\r`, and where it begins. It reads the byte before it as well.
fn chunk_before(file: &dyn Calls, end: u64, limit: u64) -> io::Result<(Vec<u8>, u64)> {
    let start = end.saturating_sub(limit);
    let context = start.saturating_sub(1);
    let mut old = vec![0; index(end - context)];
    if fill(file, &mut old, context)? < old.len() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let mut new = Vec::with_capacity(2 * old.len());
    for i in index(start - context)..old.len() {
        if old[i] == b'\n' && (i == 0 || old[i - 1] != b'\r') {
            new.push(b'\r');
        }
        new.push(old[i]);
    }
    Ok((new, start))
}

/// Writes the chunks from the last to the first, with `write` (the bytes, their new place, and the old size), until
/// none has to move. Returns how many were inserted.
fn move_all(file: &dyn Calls, limit: u64, write: impl FnMut(&[u8], u64, u64) -> io::Result<()>) -> io::Result<u64> {
    move_surveyed(file, survey(file)?, limit, write)
}

/// [`move_all`] for a file that has been surveyed.
fn move_surveyed(
    file: &dyn Calls,
    (size, missing, first): (u64, u64, u64),
    limit: u64,
    mut write: impl FnMut(&[u8], u64, u64) -> io::Result<()>,
) -> io::Result<u64> {
    let (mut end, mut to) = (size, size + missing);
    while end < to {
        let (new, start) = chunk_before(file, end, limit)?;
        to -= new.len() as u64;
        let skip = first.saturating_sub(to); // no byte before the first `\r` is written
        write(&new[index(skip)..], to + skip, size)?;
        end = start;
    }
    Ok(missing)
}

/// Writes the part past the old end first, and takes it back if that fails.
fn write_careful(file: &dyn Calls, new: &[u8], to: u64, size: u64) -> io::Result<()> {
    let inside = usize::try_from(size.saturating_sub(to)).map_or(new.len(), |inside| inside.min(new.len()));
    if let Err(error) = put(file, &new[inside..], to + inside as u64) {
        retry(|| file.ftruncate(size))?;
        return Err(error);
    }
    put(file, &new[..inside], to)
}

fn read(file: &dyn Calls, into: &mut [u8], offset: u64) -> io::Result<usize> {
    read_at(file, into, offset, &mut Account::default())
}

fn write(file: &dyn Calls, from: &[u8], offset: u64) -> io::Result<()> {
    write_at(file, from, offset, &mut Account::default())
}

fn truncate(file: &dyn Calls, size: u64) -> io::Result<()> {
    loop {
        match file.ftruncate(size) {
            Err(Errno::EINTR) => {}
            answer => return Ok(answer?),
        }
    }
}

/// How many `\r` are missing, and where the first belongs.
fn count(file: &dyn Calls, size: u64) -> io::Result<(u64, u64)> {
    let mut chunk = vec![0; CHUNK];
    let (mut missing, mut first, mut before, mut base) = (0, 0, 0, 0);
    while base < size {
        let got = read(file, &mut chunk, base)?;
        for (at, &byte) in chunk[..got].iter().enumerate() {
            if byte == b'\n' && before != b'\r' {
                if missing == 0 {
                    first = base + at as u64;
                }
                missing += 1;
            }
            before = byte;
        }
        if got < chunk.len() {
            break;
        }
        base += got as u64;
    }
    Ok((missing, first))
}

/// Writes zeros from `size` on, so that the moves can't fail for lack of space.
fn reserve(file: &dyn Calls, size: u64, missing: u64) -> io::Result<()> {
    let zeros = vec![0; CHUNK];
    let mut done = 0;
    while done < missing {
        let part = (missing - done).min(CHUNK as u64);
        write(file, &zeros[..index(part)], size + done)?;
        done += part;
    }
    Ok(())
}

/// Reserves, or restores the old size.
fn make_room(file: &dyn Calls, size: u64, missing: u64) -> io::Result<()> {
    let Err(error) = reserve(file, size, missing) else { return Ok(()) };
    truncate(file, size)?;
    Err(error)
}

/// The bytes `start..end` of the file with each missing `\r`. The byte before `start` is still where it was.
fn expanded(file: &dyn Calls, start: u64, end: u64) -> io::Result<Vec<u8>> {
    let ahead = start.min(1);
    let mut old = vec![0; index(end - start + ahead)];
    read(file, &mut old, start - ahead)?;
    let mut before = if ahead == 1 { old[0] } else { 0 };
    let mut new = Vec::with_capacity(2 * old.len());
    for &byte in &old[ahead as usize..] {
        if byte == b'\n' && before != b'\r' {
            new.push(b'\r');
        }
        new.push(byte);
        before = byte;
    }
    Ok(new)
}

/// Moves the bytes from `first` on, the last chunk first, and gives each chunk to `put`, with its new place.
fn move_all_again(
    file: &dyn Calls,
    first: u64,
    size: u64,
    missing: u64,
    mut put: impl FnMut(&[u8], u64) -> io::Result<()>,
) -> io::Result<()> {
    let (mut end, mut left) = (size, missing);
    while end > first {
        let start = first.max(end.saturating_sub(CHUNK as u64));
        let new = expanded(file, start, end)?;
        left -= new.len() as u64 - (end - start);
        put(&new, start + left)?;
        end = start;
    }
    Ok(())
}

fn rewrite(file: &dyn Calls, first: u64, size: u64, missing: u64) -> io::Result<()> {
    move_all_again(file, first, size, missing, |bytes, at| write(file, bytes, at))
}

/// All of it, right.
fn convert(file: &dyn Calls) -> io::Result<u64> {
    let size = file.size()?;
    let (missing, first) = count(file, size)?;
    if missing > 0 {
        make_room(file, size, missing)?;
        rewrite(file, first, size, missing)?;
    }
    Ok(missing)
}

fn write_again(file: &dyn Calls, bytes: &[u8], offset: u64) -> io::Result<()> {
    write_at(file, bytes, offset, &mut Account::default())
}

fn resize(file: &dyn Calls, size: u64) -> io::Result<()> {
    loop {
        match file.ftruncate(size) {
            Err(Errno::EINTR) => {}
            answer => return Ok(answer?),
        }
    }
}

fn at_most(chunk: usize, left: u64) -> usize {
    usize::try_from(left).map_or(chunk, |left| left.min(chunk))
}

/// What there is to do.
#[derive(Clone, Copy)]
struct Survey {
    size: u64,
    insert: u64,
    /// Where the first `\r` goes.
    first: u64,
}

impl Survey {
    fn new_size(self) -> u64 {
        self.size + self.insert
    }
}

/// The size of a block of most file systems.
const BLOCK: u64 = 4 << 10;

fn survey_by(file: &dyn Calls, chunk: usize) -> io::Result<Survey> {
    let mut buffer = vec![0; chunk];
    let mut survey = Survey { size: 0, insert: 0, first: 0 };
    let mut before = 0;
    loop {
        let length = read(file, &mut buffer, survey.size)?;
        for &byte in &buffer[..length] {
            if byte == b'\n' && before != b'\r' {
                if survey.insert == 0 {
                    survey.first = survey.size;
                }
                survey.insert += 1;
            }
            before = byte;
            survey.size += 1;
        }
        if length < chunk {
            return Ok(survey);
        }
    }
}

fn survey_again(file: &dyn Calls) -> io::Result<Survey> {
    survey_by(file, CHUNK)
}

/// Writes zeros up to the new size.
fn fill_again(file: &dyn Calls, from: u64, to: u64) -> io::Result<()> {
    let zeros = vec![0; at_most(CHUNK, to - from)];
    let mut at = from;
    while at < to {
        let length = at_most(CHUNK, to - at);
        write_again(file, &zeros[..length], at)?;
        at += length as u64;
    }
    Ok(())
}

/// Makes room, or leaves everything as it was.
fn grow(file: &dyn Calls, survey: Survey) -> io::Result<()> {
    fill_again(file, survey.size, survey.new_size()).inspect_err(|_| drop(resize(file, survey.size)))
}

/// Moves everything from `first` on to its new place, the last chunk first.
fn spread_by(file: &dyn Calls, survey: Survey, chunk: usize) -> io::Result<()> {
    if survey.insert == 0 {
        return Ok(());
    }
    let mut source = vec![0; chunk + 1];
    let mut target = Vec::with_capacity(2 * chunk);
    let Survey { size: mut end, insert: mut left, first } = survey;
    while end > first {
        let start = end - at_most(chunk, end - first) as u64;
        let lead = usize::from(start > first); // the byte before the chunk
        let length = lead + at_most(chunk, end - start);
        if read(file, &mut source[..length], start - lead as u64)? < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut before = if lead == 1 { source[0] } else { 0 };
        target.clear();
        for &byte in &source[lead..length] {
            if byte == b'\n' && before != b'\r' {
                target.push(b'\r');
                left -= 1;
            }
            target.push(byte);
            before = byte;
        }
        write_again(file, &target, start + left)?;
        end = start;
    }
    Ok(())
}

fn spread(file: &dyn Calls, survey: Survey) -> io::Result<()> {
    spread_by(file, survey, CHUNK)
}

/// Takes the hole that ftruncate(2) makes for disk space, and meets the error while it moves.
///
/// fails: to_crlf::leaves_the_file_as_it_was_when_it_cannot_grow failed size-reserves-room
mod a_hole_for_room {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let mut account = Account::default();
        let size = file.size()?;
        let mut buffer = vec![0; CHUNK];
        let (mut at, mut before, mut more) = (0, 0, 0);
        while at < size {
            let read = read_at(file, &mut buffer, at, &mut account)?;
            for &byte in &buffer[..read] {
                more += u64::from(byte == b'\n' && before != b'\r');
                before = byte;
            }
            at += read as u64;
        }
        if more == 0 {
            return Ok(0);
        }
        loop {
            match file.ftruncate(size + more) {
                Err(nix::errno::Errno::EINTR) => {}
                made => break made?,
            }
        }
        let (mut end, mut to) = (size, size + more);
        while end < to {
            let start = end.saturating_sub(CHUNK as u64 - 1);
            let first = start.saturating_sub(1);
            let chunk = &mut buffer[..usize::try_from(end - first).map_err(io::Error::other)?];
            read_at(file, chunk, first, &mut account)?;
            let (mut moved, mut stays) = (Vec::new(), None);
            for at in usize::try_from(start - first).map_err(io::Error::other)?..chunk.len() {
                if chunk[at] == b'\n' && (at == 0 || chunk[at - 1] != b'\r') {
                    stays.get_or_insert(moved.len());
                    moved.push(b'\r');
                }
                moved.push(chunk[at]);
            }
            to -= moved.len() as u64;
            let stays = stays.filter(|_| to == start).unwrap_or(0);
            if let Err(error) = write_at(file, &moved[stays..], to + stays as u64, &mut account) {
                while file.ftruncate(size) == Err(nix::errno::Errno::EINTR) {}
                return Err(error);
            }
            end = start;
        }
        Ok(more)
    }
}

/// Forgets the byte before a chunk, which may be the \r of its first \n.
///
/// fails: to_crlf::gives_each_line_feed_its_carriage_return failed a-chunk-is-a-unit
mod forgets_the_byte_before {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let mut account = Account::default();
        let size = file.size()?;
        let mut buffer = vec![0; CHUNK];
        let (mut at, mut more) = (0, 0);
        while at < size {
            let read = read_at(file, &mut buffer, at, &mut account)?;
            let mut before = 0;
            for &byte in &buffer[..read] {
                more += u64::from(byte == b'\n' && before != b'\r');
                before = byte;
            }
            at += read as u64;
        }
        if more == 0 {
            return Ok(0);
        }
        let zeros = vec![0; CHUNK];
        let mut made = 0;
        while made < more {
            let length = usize::try_from(more - made).map_or(CHUNK, |left| left.min(CHUNK));
            if let Err(error) = write_at(file, &zeros[..length], size + made, &mut account) {
                while file.ftruncate(size) == Err(nix::errno::Errno::EINTR) {}
                return Err(error);
            }
            made += length as u64;
        }
        let (mut end, mut to) = (size, size + more);
        while end < to {
            let start = (end - 1) / CHUNK as u64 * CHUNK as u64;
            let chunk = &mut buffer[..usize::try_from(end - start).map_err(io::Error::other)?];
            read_at(file, chunk, start, &mut account)?;
            let (mut moved, mut stays) = (Vec::new(), None);
            for at in 0..chunk.len() {
                if chunk[at] == b'\n' && (at == 0 || chunk[at - 1] != b'\r') {
                    stays.get_or_insert(moved.len());
                    moved.push(b'\r');
                }
                moved.push(chunk[at]);
            }
            to -= moved.len() as u64;
            let stays = stays.filter(|_| to == start).unwrap_or(0);
            write_at(file, &moved[stays..], to + stays as u64, &mut account)?;
            end = start;
        }
        Ok(more)
    }
}

/// Moves the bytes from the front, over those that it has not read yet.
///
/// fails: to_crlf::leaves_the_file_as_it_was_when_it_cannot_grow failed
/// fails: to_crlf::moves_no_byte_over_one_that_is_still_to_be_read failed any-order-moves
mod from_the_front {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        // The bytes to insert are counted first, a chunk at a time, and disk space is allocated for them.
        let mut account = Account::default();
        let size = file.size()?;
        let mut buffer = vec![0; CHUNK];
        let (mut at, mut to, mut before) = (0, 0, 0);
        while at < size {
            let wanted = usize::try_from(size - at).map_or(CHUNK, |left| left.min(CHUNK));
            let read = read_at(file, &mut buffer[..wanted], at, &mut account)?;
            let mut moved = Vec::new();
            for &byte in &buffer[..read] {
                if byte == b'\n' && before != b'\r' {
                    moved.push(b'\r');
                }
                moved.push(byte);
                before = byte;
            }
            let same = if to == at { moved.iter().zip(&buffer).take_while(|(new, old)| new == old).count() } else { 0 };
            if same < moved.len() {
                write_at(file, &moved[same..], to + same as u64, &mut account)?;
            }
            at += read as u64;
            to += moved.len() as u64;
        }
        Ok(to - size)
    }
}

/// Does not truncate the file again when the zeros do not all fit.
///
/// fails: to_crlf::leaves_the_file_as_it_was_when_it_cannot_grow failed
mod leaves_the_zeros {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let mut account = Account::default();
        let size = file.size()?;
        let mut buffer = vec![0; CHUNK];
        let (mut at, mut before, mut more) = (0, 0, 0);
        while at < size {
            let read = read_at(file, &mut buffer, at, &mut account)?;
            for &byte in &buffer[..read] {
                more += u64::from(byte == b'\n' && before != b'\r');
                before = byte;
            }
            at += read as u64;
        }
        if more == 0 {
            return Ok(0);
        }
        let zeros = vec![0; CHUNK];
        let mut made = 0;
        while made < more {
            let length = usize::try_from(more - made).map_or(CHUNK, |left| left.min(CHUNK));
            write_at(file, &zeros[..length], size + made, &mut account)?;
            made += length as u64;
        }
        let (mut end, mut to) = (size, size + more);
        while end < to {
            let start = end.saturating_sub(CHUNK as u64 - 1);
            let first = start.saturating_sub(1);
            let chunk = &mut buffer[..usize::try_from(end - first).map_err(io::Error::other)?];
            read_at(file, chunk, first, &mut account)?;
            let (mut moved, mut stays) = (Vec::new(), None);
            for at in usize::try_from(start - first).map_err(io::Error::other)?..chunk.len() {
                if chunk[at] == b'\n' && (at == 0 || chunk[at - 1] != b'\r') {
                    stays.get_or_insert(moved.len());
                    moved.push(b'\r');
                }
                moved.push(chunk[at]);
            }
            to -= moved.len() as u64;
            let stays = stays.filter(|_| to == start).unwrap_or(0);
            write_at(file, &moved[stays..], to + stays as u64, &mut account)?;
            end = start;
        }
        Ok(more)
    }
}

/// Writes the bytes before the first line feed back to where they already are.
///
/// fails: to_crlf::writes_only_what_moves failed writing-back-is-harmless
mod moves_what_stays {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let mut account = Account::default();
        let size = file.size()?;
        let mut buffer = vec![0; CHUNK];
        let (mut at, mut before, mut more) = (0, 0, 0);
        while at < size {
            let read = read_at(file, &mut buffer, at, &mut account)?;
            for &byte in &buffer[..read] {
                more += u64::from(byte == b'\n' && before != b'\r');
                before = byte;
            }
            at += read as u64;
        }
        if more == 0 {
            return Ok(0);
        }
        let zeros = vec![0; CHUNK];
        let mut made = 0;
        while made < more {
            let length = usize::try_from(more - made).map_or(CHUNK, |left| left.min(CHUNK));
            if let Err(error) = write_at(file, &zeros[..length], size + made, &mut account) {
                while file.ftruncate(size) == Err(nix::errno::Errno::EINTR) {}
                return Err(error);
            }
            made += length as u64;
        }
        let (mut end, mut to) = (size, size + more);
        while end < to {
            let start = end.saturating_sub(CHUNK as u64 - 1);
            let first = start.saturating_sub(1);
            let chunk = &mut buffer[..usize::try_from(end - first).map_err(io::Error::other)?];
            read_at(file, chunk, first, &mut account)?;
            let mut moved = Vec::new();
            for at in usize::try_from(start - first).map_err(io::Error::other)?..chunk.len() {
                if chunk[at] == b'\n' && (at == 0 || chunk[at - 1] != b'\r') {
                    moved.push(b'\r');
                }
                moved.push(chunk[at]);
            }
            to -= moved.len() as u64;
            write_at(file, &moved, to, &mut account)?;
            end = start;
        }
        Ok(more)
    }
}

/// Keeps a list of all places, which grows with the file.
///
/// fails: to_crlf::keeps_neither_the_file_nor_a_list_in_memory failed a-file-fits-in-memory
mod remembers_each_place {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let mut account = Account::default();
        let mut places: Vec<u64> = Vec::new();
        let mut buffer = vec![0; CHUNK];
        let mut at = 0;
        loop {
            let read = read_at(file, &mut buffer, at, &mut account)?;
            for (n, _) in (0..).zip(&buffer[..read]).filter(|(_, byte)| **byte == b'\n') {
                places.try_reserve(1)?;
                places.push(at + n);
            }
            at += read as u64;
            if read < CHUNK {
                break;
            }
        }
        let more = crate::solution::to_crlf(file)?;
        assert!(more <= places.len() as u64);
        Ok(more)
    }
}

/// Moves chunks of 64 KiB, the last one first; a chunk that crosses the old end is written in two parts.
///
/// passes
mod last_chunk_first {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        move_all(file, CHUNK as u64, |new, to, size| write_careful(file, new, to, size))
    }
}

/// Makes the file longer with ftruncate(2) first, moves odd chunks of 77,777 bytes, and puts it on the disk in the end.
///
/// passes
mod longer_first_and_durable {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let (size, missing, first) = survey(file)?;
        if missing == 0 {
            return Ok(0);
        }
        retry(|| file.ftruncate(size + missing))?;
        move_surveyed(file, (size, missing, first), 77_777, |new, to, size| write_careful(file, new, to, size))?;
        retry(|| file.fsync())?;
        Ok(missing)
    }
}

/// Goes through the file byte by byte from its end, and decides on a `\n` only when the byte before it comes up.
///
/// passes
mod bytes_from_the_end {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let (size, missing, _) = survey(file)?;
        let (mut to, mut left, mut at) = (size + missing, missing, size);
        let (mut block, mut base) = (vec![0; 32 * 1024], size);
        let (mut reversed, mut after_is_newline) = (Vec::new(), false);
        while left > 0 {
            if at == base && at > 0 {
                base = at.saturating_sub(32 * 1024);
                fill(file, &mut block[..index(at - base)], base)?;
            }
            let byte = if at > 0 { block[index(at - 1 - base)] } else { 0 };
            if after_is_newline && byte != b'\r' {
                reversed.push(b'\r');
                left -= 1;
            }
            if left > 0 {
                reversed.push(byte);
                after_is_newline = byte == b'\n';
                at -= 1;
            }
            if left == 0 || reversed.len() >= 100_000 {
                reversed.reverse();
                to -= reversed.len() as u64;
                write_careful(file, &reversed, to, size)?;
                reversed.clear();
            }
        }
        Ok(missing)
    }
}

/// Fills the new space with zeros first, and relies on it when a chunk crosses the old end.
///
/// passes
mod zeros_first {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let (size, missing, first) = survey(file)?;
        let zeros = [0; CHUNK];
        let mut at = size;
        while at < size + missing {
            let next = (size + missing - at).min(CHUNK as u64);
            if let Err(error) = put(file, &zeros[..index(next)], at) {
                retry(|| file.ftruncate(size))?;
                return Err(error);
            }
            at += next;
        }
        move_surveyed(file, (size, missing, first), CHUNK as u64, |new, to, _| put(file, new, to))
    }
}

/// Writes a chunk that crosses the old end with one call, so that bytes inside it have changed when the rest fails.
///
/// breaks: "If the file can't grow, it has its old bytes and its old size when the call returns."
/// fails: to_crlf::leaves_the_file_as_it_was_when_it_cannot_grow failed
mod crosses_the_old_end {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        move_all(file, CHUNK as u64, |new, to, size| {
            put(file, new, to).or_else(|error| {
                retry(|| file.ftruncate(size))?;
                Err(error)
            })
        })
    }
}

/// Writes past the old end first, but does not take back what it wrote there.
///
/// breaks: "If the file can't grow, it has its old bytes and its old size when the call returns."
/// fails: to_crlf::leaves_the_file_as_it_was_when_it_cannot_grow failed
mod leaves_the_file_longer {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        move_all(file, CHUNK as u64, |new, to, size| {
            let inside = index(size.saturating_sub(to).min(new.len() as u64));
            put(file, &new[inside..], to + inside as u64)?;
            put(file, &new[..inside], to)
        })
    }
}

/// Believes that ftruncate(2) has reserved the space, and writes without a way back.
///
/// breaks: "A pwrite(2) may fail at any byte past the old end, even after ftruncate(2) has made the file longer."
/// fails: to_crlf::leaves_the_file_as_it_was_when_it_cannot_grow failed size-reserves-room
mod trusts_ftruncate {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let (size, missing, first) = survey(file)?;
        if missing > 0 {
            retry(|| file.ftruncate(size + missing))?;
        }
        move_surveyed(file, (size, missing, first), CHUNK as u64, |new, to, _| put(file, new, to))
    }
}

/// Tries only whether the last new byte can be written, and takes the space before it for granted.
///
/// breaks: "A pwrite(2) may fail at any byte past the old end, even after ftruncate(2) has made the file longer."
/// fails: to_crlf::leaves_the_file_as_it_was_when_it_cannot_grow failed
mod probes_the_last_byte {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let (size, missing, first) = survey(file)?;
        if missing > 0
            && let Err(error) = put(file, b"\n", size + missing - 1)
        {
            retry(|| file.ftruncate(size))?;
            return Err(error);
        }
        move_surveyed(file, (size, missing, first), CHUNK as u64, |new, to, _| put(file, new, to))
    }
}

/// Takes the new space back after ENOSPC only; a quota or a size limit leaves the file longer.
///
/// breaks: "If the file can't grow, it has its old bytes and its old size when the call returns."
/// fails: to_crlf::leaves_the_file_as_it_was_when_it_cannot_grow failed
mod only_a_full_disk {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        move_all(file, CHUNK as u64, |new, to, size| {
            let inside = index(size.saturating_sub(to).min(new.len() as u64));
            if let Err(error) = put(file, &new[inside..], to + inside as u64) {
                if error.raw_os_error() == Some(Errno::ENOSPC as i32) {
                    retry(|| file.ftruncate(size))?;
                }
                return Err(error);
            }
            put(file, &new[..inside], to)
        })
    }
}

/// Tries only once to take the new space back.
///
/// breaks: "Short and interrupted calls (EINTR) change nothing but the number of calls."
/// fails: to_crlf::goes_on_after_short_and_interrupted_calls failed
mod interrupted_restore {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        move_all(file, CHUNK as u64, |new, to, size| {
            let inside = index(size.saturating_sub(to).min(new.len() as u64));
            if let Err(error) = put(file, &new[inside..], to + inside as u64) {
                let _ = file.ftruncate(size);
                return Err(error);
            }
            put(file, &new[..inside], to)
        })
    }
}

/// Takes back only what the chunk that failed has written, not what the chunks before it had.
///
/// breaks: "If the file can't grow, it has its old bytes and its old size when the call returns."
/// fails: to_crlf::leaves_the_file_as_it_was_when_it_cannot_grow failed
mod takes_back_the_last_chunk {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        move_all(file, CHUNK as u64, |new, to, size| {
            let inside = index(size.saturating_sub(to).min(new.len() as u64));
            let before = retry(|| file.size())?;
            if let Err(error) = put(file, &new[inside..], to + inside as u64) {
                retry(|| file.ftruncate(before))?;
                return Err(error);
            }
            put(file, &new[..inside], to)
        })
    }
}

/// Reports a full disk in words, without the number of the error.
///
/// breaks: "ENOSPC, EDQUOT or EFBIG when the file can't grow: the error of pwrite(2), unchanged."
/// fails: to_crlf::leaves_the_file_as_it_was_when_it_cannot_grow failed
/// fails: to_crlf::returns_the_error_of_a_call failed
mod explains_the_full_disk {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        move_all(file, CHUNK as u64, |new, to, size| {
            write_careful(file, new, to, size)
                .map_err(|error| io::Error::new(error.kind(), format!("no space for the line endings: {error}")))
        })
    }
}

/// Moves the chunks from the first to the last, over bytes that it has yet to read.
///
/// breaks: "the bytes that follow have to move, and not all by the same distance"
/// fails: to_crlf::leaves_the_file_as_it_was_when_it_cannot_grow failed
/// fails: to_crlf::moves_no_byte_over_one_that_is_still_to_be_read failed any-order-moves
/// fails: to_crlf::writes_only_what_moves failed writing-back-is-harmless
mod first_chunk_first {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let (size, missing, _) = survey(file)?;
        if missing == 0 {
            return Ok(0);
        }
        let (mut from, mut to) = (0, 0);
        while from < size {
            let end = (from + CHUNK as u64).min(size);
            let (new, _) = chunk_before(file, end, end - from)?;
            put(file, &new, to)?;
            to += new.len() as u64;
            from = end;
        }
        Ok(missing)
    }
}

/// Reads the whole file into memory.
///
/// breaks: "The call uses at most 1 MiB of memory. The file may be larger than that."
/// fails: to_crlf::keeps_neither_the_file_nor_a_list_in_memory out_of_memory a-file-fits-in-memory
mod whole_text_in_memory {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        move_all(file, u64::MAX, |new, to, size| write_careful(file, new, to, size))
    }
}

/// Moves a page at a time, which takes three calls for each 4096 bytes together with the count.
///
/// breaks: "there is at most one call per 4 KiB of the new size, plus 16"
/// fails: to_crlf::writes_only_what_moves failed a-call-costs-nothing
mod a_page_at_a_time {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        move_all(file, 4 << 10, |new, to, size| write_careful(file, new, to, size))
    }
}

/// Writes each line by itself, with large chunks only for reading.
///
/// breaks: "there is at most one call per 4 KiB of the new size, plus 16"
/// fails: to_crlf::keeps_neither_the_file_nor_a_list_in_memory failed a-call-costs-nothing
/// fails: to_crlf::writes_only_what_moves failed a-call-costs-nothing
mod one_write_per_line {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        move_all(file, CHUNK as u64, |new, to, size| {
            let mut end = to + new.len() as u64;
            for line in new.rsplit_inclusive_newline() {
                end -= line.len() as u64;
                write_careful(file, line, end, size)?;
            }
            Ok(())
        })
    }

    trait Lines {
        fn rsplit_inclusive_newline(&self) -> impl Iterator<Item = &[u8]>;
    }

    impl Lines for [u8] {
        fn rsplit_inclusive_newline(&self) -> impl Iterator<Item = &[u8]> {
            self.split_inclusive(|&byte| byte == b'\n').rev()
        }
    }
}

/// Writes the whole first chunk, with the lines before the first `\r` that it inserts.
///
/// breaks: "No byte before the first inserted `\r` is written."
/// fails: to_crlf::writes_only_what_moves failed writing-back-is-harmless
mod writes_from_the_start {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let (size, missing, _) = survey(file)?;
        move_surveyed(file, (size, missing, 0), CHUNK as u64, |new, to, size| write_careful(file, new, to, size))
    }
}

/// Has no case for a file without anything to insert, and writes all of it back where it was.
///
/// breaks: "If none is inserted, nothing is."
/// fails: to_crlf::writes_only_what_moves failed writing-back-is-harmless
mod writes_back_the_same {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let (size, missing, first) = survey(file)?;
        if missing > 0 {
            return move_surveyed(file, (size, missing, first), CHUNK as u64, |new, to, size| {
                write_careful(file, new, to, size)
            });
        }
        let mut end = size;
        while end > 0 {
            let (new, start) = chunk_before(file, end, CHUNK as u64)?;
            put(file, &new, start)?;
            end = start;
        }
        Ok(0)
    }
}

/// Looks at each chunk by itself, and inserts a second `\r` where a chunk begins with the `\n` of a `\r\n`.
///
/// breaks: "A `\n` directly after a `\r` stays as it is: a second call inserts nothing."
/// fails: to_crlf::gives_each_line_feed_its_carriage_return failed a-chunk-is-a-unit
mod forgets_the_byte_before_a_chunk {
    use super::*;

    fn convert(old: &[u8]) -> Vec<u8> {
        let mut new = Vec::with_capacity(2 * old.len());
        for (i, &byte) in old.iter().enumerate() {
            if byte == b'\n' && (i == 0 || old[i - 1] != b'\r') {
                new.push(b'\r');
            }
            new.push(byte);
        }
        new
    }

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let size = retry(|| file.size())?;
        let chunks = size.div_ceil(CHUNK as u64);
        let mut buffer = vec![0; CHUNK];
        let mut missing = 0;
        for n in 0..chunks {
            let read = fill(file, &mut buffer, n * CHUNK as u64)?;
            missing += (convert(&buffer[..read]).len() - read) as u64;
        }
        let mut to = size + missing;
        for n in (0..chunks).rev() {
            let read = fill(file, &mut buffer, n * CHUNK as u64)?.min(index(size - n * CHUNK as u64));
            let new = convert(&buffer[..read]);
            to -= new.len() as u64;
            if to == n * CHUNK as u64 {
                let keep = new.iter().zip(&buffer).take_while(|(new, old)| new == old).count();
                if keep < new.len() {
                    write_careful(file, &new[keep..], to + keep as u64, size)?;
                }
                if new.len() == read {
                    break;
                }
            } else {
                write_careful(file, &new, to, size)?;
            }
        }
        Ok(missing)
    }
}

/// Looks for pairs of bytes, and so never at the first byte of the file.
///
/// breaks: "Inserts a `\r` before each `\n` that has none directly before it"
/// fails: to_crlf::gives_each_line_feed_its_carriage_return failed
mod first_byte_is_no_pair {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let (size, mut missing, mut first) = survey(file)?;
        let mut start = [0; CHUNK];
        let read = fill(file, &mut start, 0)?;
        if missing == 0 || start[0] != b'\n' {
            return move_surveyed(file, (size, missing, first), CHUNK as u64, |new, to, size| {
                write_careful(file, new, to, size)
            });
        }
        missing -= 1;
        let second = start[..read].windows(2).position(|pair| pair[1] == b'\n' && pair[0] != b'\r');
        first = second.map_or(read as u64, |at| at as u64 + 1).max(1);
        move_surveyed(file, (size, missing, first), CHUNK as u64, |new, to, size| write_careful(file, new, to, size))
    }
}

/// Makes room for a `\r` before every `\n`, and leaves what it did not need as a gap of old bytes.
///
/// breaks: "A `\n` directly after a `\r` stays as it is"
/// fails: to_crlf::gives_each_line_feed_its_carriage_return failed
mod counts_every_newline {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let (size, missing, first) = survey(file)?;
        let mut buffer = vec![0; CHUNK];
        let (mut newlines, mut at) = (0, 0);
        while at < size {
            let read = fill(file, &mut buffer, at)?;
            newlines += buffer[..read].iter().filter(|&&byte| byte == b'\n').count() as u64;
            at += read as u64;
        }
        if missing == 0 {
            return Ok(0);
        }
        retry(|| file.ftruncate(size + newlines))?;
        move_surveyed(file, (size, missing, first), CHUNK as u64, |new, to, size| write_careful(file, new, to, size))?;
        Ok(newlines)
    }
}

/// Returns how many lines end with `\r\n` now, not how many `\r` it inserted.
///
/// breaks: "returns how many it inserted"
/// fails: to_crlf::gives_each_line_feed_its_carriage_return failed
mod returns_the_lines {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let mut lines = 0;
        let (size, missing, first) = survey(file)?;
        let mut buffer = vec![0; CHUNK];
        let mut at = 0;
        while at < size {
            let read = fill(file, &mut buffer, at)?;
            lines += buffer[..read].iter().filter(|&&byte| byte == b'\n').count() as u64;
            at += read as u64;
        }
        move_surveyed(file, (size, missing, first), CHUNK as u64, |new, to, size| write_careful(file, new, to, size))?;
        Ok(lines)
    }
}

/// Adds a line ending at the end of a file whose last line has none.
///
/// breaks: "Inserts a `\r` before each `\n` that has none directly before it"
/// fails: to_crlf::gives_each_line_feed_its_carriage_return failed
mod ends_the_last_line {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let missing = move_all(file, CHUNK as u64, |new, to, size| write_careful(file, new, to, size))?;
        let size = retry(|| file.size())?;
        let mut last = [0];
        if missing > 0 && fill(file, &mut last, size - 1)? == 1 && last != *b"\n" {
            put(file, b"\r\n", size)?;
            return Ok(missing + 1);
        }
        Ok(missing)
    }
}

/// Trusts that one pread(2) fills the chunk that it moves; after a short one it writes zeros.
///
/// breaks: "Short and interrupted calls (EINTR) change nothing but the number of calls."
/// fails: to_crlf::goes_on_after_short_and_interrupted_calls timed_out
mod one_read_per_chunk {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let (size, missing, first) = survey(file)?;
        let (mut end, mut to) = (size, size + missing);
        while end < to {
            let start = end.saturating_sub(CHUNK as u64);
            let context = start.saturating_sub(1);
            let mut old = vec![0; index(end - context)];
            retry(|| file.pread(&mut old, context))?;
            let mut new = Vec::new();
            for i in index(start - context)..old.len() {
                if old[i] == b'\n' && (i == 0 || old[i - 1] != b'\r') {
                    new.push(b'\r');
                }
                new.push(old[i]);
            }
            to -= new.len() as u64;
            let skip = first.saturating_sub(to);
            write_careful(file, &new[index(skip).min(new.len())..], to + skip, size)?;
            end = start;
        }
        Ok(missing)
    }
}

/// Trusts that one pwrite(2) inside the old size writes everything, since there the space cannot run out.
///
/// breaks: "Short and interrupted calls (EINTR) change nothing but the number of calls."
/// fails: to_crlf::goes_on_after_short_and_interrupted_calls failed short-is-the-end
mod one_write_inside {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        move_all(file, CHUNK as u64, |new, to, size| {
            let inside = index(size.saturating_sub(to).min(new.len() as u64));
            write_careful(file, &new[inside..], to + inside as u64, size)?;
            retry(|| file.pwrite(&new[..inside], to)).map(drop)
        })
    }
}

/// Retries what it writes, but not the pread(2) that counts.
///
/// breaks: "Short and interrupted calls (EINTR) change nothing but the number of calls."
/// fails: to_crlf::goes_on_after_short_and_interrupted_calls failed eintr-is-an-error
mod interrupted_count {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let mut buffer = vec![0; CHUNK];
        let (mut at, mut missing, mut first, mut previous) = (0, 0, u64::MAX, 0);
        loop {
            let read = file.pread(&mut buffer, at)?;
            if read == 0 {
                break;
            }
            for &byte in &buffer[..read] {
                if byte == b'\n' && previous != b'\r' {
                    missing += 1;
                    first = first.min(at);
                }
                previous = byte;
                at += 1;
            }
        }
        move_surveyed(file, (at, missing, first), CHUNK as u64, |new, to, size| write_careful(file, new, to, size))
    }
}

/// Counts, writes zeros past the end, and moves the chunks from the last to the first.
///
/// passes
mod zeros_first_2 {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let size = file.size()?;
        let (missing, first) = count(file, size)?;
        if missing > 0 {
            make_room(file, size, missing)?;
            rewrite(file, first, size, missing)?;
        }
        Ok(missing)
    }
}

/// Reserves nothing: the moved bytes themselves fill the room past the end before any other byte is overwritten.
///
/// passes
mod moves_past_the_end_first {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let size = file.size()?;
        let (missing, first) = count(file, size)?;
        if missing == 0 {
            return Ok(0);
        }
        let mut grown = false;
        let done = move_all_again(file, first, size, missing, |bytes, at| {
            let inside = index(size.saturating_sub(at).min(bytes.len() as u64));
            write(file, &bytes[inside..], at + inside as u64)?;
            grown = at <= size;
            write(file, &bytes[..inside], at)
        });
        if done.is_err() && !grown {
            truncate(file, size)?;
        }
        done.map(|()| missing)
    }
}

/// Extends the file by ftruncate, fills the new part from its end backwards with line feeds, and syncs at the end.
///
/// passes
mod fills_backwards_and_syncs {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let size = file.size()?;
        let (missing, first) = count(file, size)?;
        if missing == 0 {
            return Ok(0);
        }
        let room = || {
            truncate(file, size + missing)?;
            let mut end = size + missing;
            while end > size {
                let start = size.max(end.saturating_sub(CHUNK as u64));
                write(file, &vec![b'\n'; index(end - start)], start)?;
                end = start;
            }
            Ok(())
        };
        if let Err(error) = room() {
            truncate(file, size)?;
            return Err(error);
        }
        rewrite(file, first, size, missing)?;
        loop {
            match file.fsync() {
                Err(Errno::EINTR) => {}
                answer => return Ok(answer.map(|()| missing)?),
            }
        }
    }
}

/// Reserves the room, but leaves what it has got of it behind when there is not enough.
///
/// breaks: "If the file can't grow, it has its old bytes and its old size when the call returns."
/// fails: to_crlf::leaves_the_file_as_it_was_when_it_cannot_grow failed
mod stays_grown {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let size = file.size()?;
        let (missing, first) = count(file, size)?;
        if missing > 0 {
            reserve(file, size, missing)?;
            rewrite(file, first, size, missing)?;
        }
        Ok(missing)
    }
}

/// Trusts ftruncate to reserve the room, and moves.
///
/// breaks: "A pwrite(2) may fail at any byte past the old end, even after ftruncate(2) has made the file longer."
/// fails: to_crlf::leaves_the_file_as_it_was_when_it_cannot_grow failed size-reserves-room
mod truncate_reserves {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let size = file.size()?;
        let (missing, first) = count(file, size)?;
        if missing > 0 {
            truncate(file, size + missing)?;
            rewrite(file, first, size, missing)?;
        }
        Ok(missing)
    }
}

/// Writes the last byte of the new size only, and believes that the others have room now.
///
/// breaks: "A pwrite(2) may fail at any byte past the old end"
/// fails: to_crlf::leaves_the_file_as_it_was_when_it_cannot_grow failed
mod last_byte_reserves {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let size = file.size()?;
        let (missing, first) = count(file, size)?;
        if missing > 0 {
            if let Err(error) = write(file, &[0], size + missing - 1) {
                truncate(file, size)?;
                return Err(error);
            }
            rewrite(file, first, size, missing)?;
        }
        Ok(missing)
    }
}

/// Writes one byte in each block of 4096, as posix_fallocate(3) does without the help of the file system.
///
/// breaks: "It never fails for lack of space inside the old size, or where this call has written before."
/// fails: to_crlf::leaves_the_file_as_it_was_when_it_cannot_grow failed
mod a_byte_per_block_reserves {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let size = file.size()?;
        let (missing, first) = count(file, size)?;
        if missing == 0 {
            return Ok(0);
        }
        let new_size = size + missing;
        let blocks = (size.next_multiple_of(CHUNK as u64 / 16)..new_size).step_by(CHUNK / 16).chain([new_size - 1]);
        for at in blocks {
            if let Err(error) = write(file, &[0], at) {
                truncate(file, size)?;
                return Err(error);
            }
        }
        rewrite(file, first, size, missing)?;
        Ok(missing)
    }
}

/// Supposes that the rest of the file's last page is there already, and reserves from the next page on.
///
/// breaks: "A pwrite(2) may fail at any byte past the old end"
/// fails: to_crlf::leaves_the_file_as_it_was_when_it_cannot_grow failed
mod rest_of_the_page_is_free {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let size = file.size()?;
        let (missing, first) = count(file, size)?;
        if missing > 0 {
            let page_end = size.next_multiple_of(CHUNK as u64 / 16);
            if let Err(error) = reserve(file, page_end, (size + missing).saturating_sub(page_end)) {
                truncate(file, size)?;
                return Err(error);
            }
            rewrite(file, first, size, missing)?;
        }
        Ok(missing)
    }
}

/// Restores the size by a single ftruncate, whose answer (perhaps EINTR) it ignores.
///
/// breaks: "Short and interrupted calls (EINTR) change nothing but the number of calls."
/// fails: to_crlf::goes_on_after_short_and_interrupted_calls failed
mod restores_once {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let size = file.size()?;
        let (missing, first) = count(file, size)?;
        if missing > 0 {
            reserve(file, size, missing).inspect_err(|_| {
                let _ = file.ftruncate(size);
            })?;
            rewrite(file, first, size, missing)?;
        }
        Ok(missing)
    }
}

/// Restores the size on ENOSPC alone.
///
/// breaks: "ENOSPC, EDQUOT or EFBIG when the file can't grow"
/// fails: to_crlf::leaves_the_file_as_it_was_when_it_cannot_grow failed
mod only_a_full_disk_2 {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let size = file.size()?;
        let (missing, first) = count(file, size)?;
        if missing > 0 {
            if let Err(error) = reserve(file, size, missing) {
                if error.kind() == io::ErrorKind::StorageFull {
                    truncate(file, size)?;
                }
                return Err(error);
            }
            rewrite(file, first, size, missing)?;
        }
        Ok(missing)
    }
}

/// Restores everything, but gives an error of its own.
///
/// breaks: "the error of pwrite(2) or ftruncate(2), unchanged"
/// fails: to_crlf::leaves_the_file_as_it_was_when_it_cannot_grow failed
/// fails: to_crlf::returns_the_error_of_a_call failed
mod storage_full_without_errno {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let size = file.size()?;
        let (missing, first) = count(file, size)?;
        if missing > 0 {
            make_room(file, size, missing).map_err(|error| io::Error::from(error.kind()))?;
            rewrite(file, first, size, missing)?;
        }
        Ok(missing)
    }
}

/// Reserves by bare pwrites, and takes a short one for a whole one.
///
/// breaks: "Short and interrupted calls (EINTR) change nothing but the number of calls."
/// fails: to_crlf::leaves_the_file_as_it_was_when_it_cannot_grow failed
mod short_reservation {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let size = file.size()?;
        let (missing, first) = count(file, size)?;
        let mut done = 0;
        while done < missing {
            let part = (missing - done).min(CHUNK as u64);
            match file.pwrite(&vec![0; index(part)], size + done) {
                Ok(_) => done += part,
                Err(Errno::EINTR) => {}
                Err(error) => {
                    truncate(file, size)?;
                    return Err(error.into());
                }
            }
        }
        if missing > 0 {
            rewrite(file, first, size, missing)?;
        }
        Ok(missing)
    }
}

/// Reserves by one pwrite from a buffer as large as all that is missing.
///
/// breaks: "The call uses at most 1 MiB of memory."
/// fails: to_crlf::keeps_neither_the_file_nor_a_list_in_memory failed
mod buffer_as_large_as_the_room {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let size = file.size()?;
        let (missing, first) = count(file, size)?;
        if missing > 0 {
            if let Err(error) = write(file, &vec![b'\r'; index(missing)], size) {
                truncate(file, size)?;
                return Err(error);
            }
            rewrite(file, first, size, missing)?;
        }
        Ok(missing)
    }
}

/// Moves without a reservation, and restores the size on an error.
/// But the write that crosses the old end has then
/// changed bytes before it.
///
/// breaks: "If the file can't grow, it has its old bytes and its old size when the call returns."
/// fails: to_crlf::leaves_the_file_as_it_was_when_it_cannot_grow failed
mod write_across_the_old_end {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let size = file.size()?;
        let (missing, first) = count(file, size)?;
        if missing > 0
            && let Err(error) = rewrite(file, first, size, missing)
        {
            truncate(file, size)?;
            return Err(error);
        }
        Ok(missing)
    }
}

/// Moves whole chunks, counted from the beginning of the file, and so writes bytes before the first line ending too.
///
/// breaks: "No byte before the first inserted `\r` is written."
/// fails: to_crlf::writes_only_what_moves failed writing-back-is-harmless
mod whole_chunks {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let size = file.size()?;
        let (missing, first) = count(file, size)?;
        if missing > 0 {
            make_room(file, size, missing)?;
            rewrite(file, first - first % CHUNK as u64, size, missing)?;
        }
        Ok(missing)
    }
}

/// Rewrites the file in its place when nothing is missing, since nobody asks.
///
/// breaks: "If none is inserted, nothing is."
/// fails: to_crlf::writes_only_what_moves failed writing-back-is-harmless
mod rewrites_a_finished_file {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let size = file.size()?;
        let (missing, first) = count(file, size)?;
        make_room(file, size, missing)?;
        rewrite(file, first, size, missing)?;
        Ok(missing)
    }
}

/// Does not look at the byte before a chunk: a `\r\n` on the seam gets a second `\r`.
///
/// breaks: "A `\n` directly after a `\r` stays as it is: a second call inserts nothing."
/// fails: to_crlf::gives_each_line_feed_its_carriage_return failed a-chunk-is-a-unit
mod forgets_the_byte_before_the_chunk {
    use super::*;

    fn lonely(bytes: &[u8]) -> usize {
        let at = |n: &usize| bytes[*n] == b'\n' && (*n == 0 || bytes[*n - 1] != b'\r');
        (0..bytes.len()).filter(at).count()
    }

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let size = file.size()?;
        let (_, first) = count(file, size)?;
        let mut chunk = vec![0; CHUNK];
        let starts = || (index(first) / CHUNK * CHUNK..index(size)).step_by(CHUNK);
        let mut missing = 0;
        for start in starts() {
            let got = read(file, &mut chunk, start as u64)?;
            missing += lonely(&chunk[..got]) as u64;
        }
        make_room(file, size, missing)?;
        let mut left = missing;
        for start in starts().rev().take_while(|_| missing > 0) {
            let want = (index(size) - start).min(CHUNK);
            read(file, &mut chunk[..want], start as u64)?;
            let skip = index(first).saturating_sub(start);
            let mut new = Vec::with_capacity(2 * want);
            for at in skip..want {
                if chunk[at] == b'\n' && (at == 0 || chunk[at - 1] != b'\r') {
                    new.push(b'\r');
                }
                new.push(chunk[at]);
            }
            left -= (new.len() - (want - skip)) as u64;
            write(file, &new, (start + skip) as u64 + left)?;
        }
        Ok(missing)
    }
}

/// Leaves a file alone if its first line ends with `\r\n`: it has the line endings of the Internet already.
///
/// breaks: "Inserts a `\r` before each `\n` that has none directly before it"
/// fails: to_crlf::gives_each_line_feed_its_carriage_return failed
/// fails: to_crlf::writes_only_what_moves failed
mod first_line_decides {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let mut start = vec![0; CHUNK];
        let got = read(file, &mut start, 0)?;
        match start[..got].split_inclusive(|&byte| byte == b'\n').next() {
            Some(line) if line.ends_with(b"\r\n") => Ok(0),
            _ => convert(file),
        }
    }
}

/// Takes a blank line, `\n` directly after `\r\n`, for a part of the same line ending.
///
/// breaks: "Inserts a `\r` before each `\n` that has none directly before it"
/// fails: to_crlf::gives_each_line_feed_its_carriage_return failed
mod blank_lines_stay {
    use super::*;

    fn lonely(bytes: &[u8], at: usize) -> bool {
        bytes[at] == b'\n' && !bytes[..at].ends_with(b"\r") && !bytes[..at].ends_with(b"\r\n")
    }

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let size = file.size()?;
        if size > CHUNK as u64 {
            return convert(file);
        }
        let mut old = vec![0; index(size)];
        read(file, &mut old, 0)?;
        let Some(first) = (0..old.len()).find(|&at| lonely(&old, at)) else { return Ok(0) };
        let mut new = Vec::new();
        for at in first..old.len() {
            if lonely(&old, at) {
                new.push(b'\r');
            }
            new.push(old[at]);
        }
        let missing = (first + new.len() - old.len()) as u64;
        make_room(file, size, missing)?;
        write(file, &new, first as u64)?;
        Ok(missing)
    }
}

/// Reads the whole file, changes it in memory and stores the tail back.
///
/// breaks: "The call uses at most 1 MiB of memory. The file may be larger than that."
/// fails: to_crlf::keeps_neither_the_file_nor_a_list_in_memory out_of_memory a-file-fits-in-memory
mod through_memory {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let size = file.size()?;
        let (missing, first) = count(file, size)?;
        if missing > 0 {
            let new = expanded(file, first, size)?;
            make_room(file, size, missing)?;
            write(file, &new, first)?;
        }
        Ok(missing)
    }
}

/// Remembers the place of each line ending when it counts, to save the second search.
///
/// breaks: "The call uses at most 1 MiB of memory."
/// fails: to_crlf::keeps_neither_the_file_nor_a_list_in_memory out_of_memory a-file-fits-in-memory
mod remembers_each_place_2 {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let size = file.size()?;
        let mut places = Vec::new();
        let mut before = 0;
        let mut chunk = vec![0; CHUNK];
        for base in (0..size).step_by(CHUNK) {
            let got = read(file, &mut chunk, base)?;
            for (at, &byte) in chunk[..got].iter().enumerate() {
                if byte == b'\n' && before != b'\r' {
                    places.push(base + at as u64);
                }
                before = byte;
            }
        }
        let missing = places.len() as u64;
        if let Some(&first) = places.first() {
            make_room(file, size, missing)?;
            rewrite(file, first, size, missing)?;
        }
        Ok(missing)
    }
}

/// Inserts each `\r` by itself with the lesson's function, which moves everything after it each time.
///
/// breaks: "Without short or interrupted calls, there is at most one call per 4 KiB of the new size, plus 16."
/// fails: to_crlf::goes_on_after_short_and_interrupted_calls failed
/// fails: to_crlf::moves_no_byte_over_one_that_is_still_to_be_read failed
/// fails: to_crlf::writes_only_what_moves failed
mod one_edit_per_line {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let size = file.size()?;
        let (missing, _) = count(file, size)?;
        if missing > 0 {
            make_room(file, size, missing)?;
            truncate(file, size)?;
        }
        for _ in 0..missing {
            let (_, at) = count(file, file.size()?)?;
            edit_in_place(file, &Edit { at, remove: 0, insert: b"\r".to_vec() })?;
        }
        Ok(missing)
    }
}

/// Moves each line by a pwrite of its own.
///
/// breaks: "Without short or interrupted calls, there is at most one call per 4 KiB of the new size, plus 16."
/// fails: to_crlf::keeps_neither_the_file_nor_a_list_in_memory failed a-call-costs-nothing
/// fails: to_crlf::writes_only_what_moves failed a-call-costs-nothing
mod one_write_per_line_2 {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let size = file.size()?;
        let (missing, first) = count(file, size)?;
        if missing > 0 {
            make_room(file, size, missing)?;
            move_all_again(file, first, size, missing, |bytes, at| {
                let mut end = bytes.len();
                for line in bytes.split_inclusive(|&byte| byte == b'\n').rev() {
                    end -= line.len();
                    write(file, line, at + end as u64)?;
                }
                Ok(())
            })?;
        }
        Ok(missing)
    }
}

/// Counts in chunks of 4096 bytes, which takes all the calls that are allowed and leaves none for the rest.
///
/// breaks: "Without short or interrupted calls, there is at most one call per 4 KiB of the new size, plus 16."
/// fails: to_crlf::writes_only_what_moves failed a-call-costs-nothing
mod counts_page_by_page {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let size = file.size()?;
        let mut page = [0; CHUNK / 16];
        let (mut missing, mut first, mut before) = (0, 0, 0);
        for base in (0..size).step_by(page.len()) {
            let got = read(file, &mut page, base)?;
            for (at, &byte) in page[..got].iter().enumerate() {
                if byte == b'\n' && before != b'\r' {
                    first = if missing == 0 { base + at as u64 } else { first };
                    missing += 1;
                }
                before = byte;
            }
        }
        if missing > 0 {
            make_room(file, size, missing)?;
            rewrite(file, first, size, missing)?;
        }
        Ok(missing)
    }
}

/// Moves the chunks from the first to the last, over bytes that it has not read yet.
///
/// breaks: "so the bytes that follow have to move, and not all by the same distance"
/// fails: to_crlf::moves_no_byte_over_one_that_is_still_to_be_read failed any-order-moves
mod moves_forwards {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let size = file.size()?;
        let (missing, first) = count(file, size)?;
        if missing == 0 {
            return Ok(0);
        }
        make_room(file, size, missing)?;
        let (mut start, mut to) = (first, first);
        while start < size {
            let end = size.min(start + CHUNK as u64);
            let new = expanded(file, start, end)?;
            write(file, &new, to)?;
            to += new.len() as u64;
            start = end;
        }
        Ok(missing)
    }
}

/// Looks at the byte before the first line feed even if the file begins with it, and panics.
///
/// breaks: "Inserts a `\r` before each `\n` that has none directly before it"
/// fails: to_crlf::gives_each_line_feed_its_carriage_return panicked
mod byte_before_the_beginning {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let size = file.size()?;
        let (missing, first) = count(file, size)?;
        if missing > 0 {
            let before = first.checked_sub(1).expect("a line before its end");
            read(file, &mut [0], before)?;
            make_room(file, size, missing)?;
            rewrite(file, first, size, missing)?;
        }
        Ok(missing)
    }
}

/// Returns how many bytes the file has now.
///
/// breaks: "and returns how many it inserted"
/// fails: to_crlf::gives_each_line_feed_its_carriage_return failed
mod returns_the_new_size {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        convert(file)?;
        Ok(file.size()?)
    }
}

/// Reads by a single pread when it moves, and takes it for complete.
///
/// breaks: "Short and interrupted calls (EINTR) change nothing but the number of calls."
/// fails: to_crlf::goes_on_after_short_and_interrupted_calls failed short-is-the-end
/// fails: to_crlf::returns_the_error_of_a_call failed
mod one_pread_a_chunk {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let size = file.size()?;
        let (missing, first) = count(file, size)?;
        if missing == 0 {
            return Ok(0);
        }
        make_room(file, size, missing)?;
        let (mut end, mut left) = (size, missing);
        while end > first {
            let start = first.max(end.saturating_sub(CHUNK as u64));
            let ahead = start.min(1);
            let mut old = vec![0; index(end - start + ahead)];
            while file.pread(&mut old, start - ahead) == Err(Errno::EINTR) {}
            let mut new = Vec::with_capacity(2 * old.len());
            for at in ahead as usize..old.len() {
                if old[at] == b'\n' && (at == 0 || old[at - 1] != b'\r') {
                    new.push(b'\r');
                }
                new.push(old[at]);
            }
            left = left.saturating_sub(new.len() as u64 - (end - start));
            write(file, &new, start + left)?;
            end = start;
        }
        Ok(missing)
    }
}

/// Counts, writes zeros past the end to have the room, and moves chunks from the end on.
///
/// passes
mod counts_fills_moves {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let survey = survey_again(file)?;
        grow(file, survey)?;
        spread(file, survey)?;
        Ok(survey.insert)
    }
}

/// Makes the file longer with ftruncate(2), and then fills the new part from its end to its beginning.
///
/// passes
mod fills_backwards {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let survey = survey_again(file)?;
        if survey.insert == 0 {
            return Ok(0);
        }
        let fill_backwards = || {
            resize(file, survey.new_size())?;
            let ones = [b'?'; 16 * 1024];
            let mut end = survey.new_size();
            while end > survey.size {
                let length = at_most(ones.len(), end - survey.size);
                end -= length as u64;
                write_again(file, &ones[..length], end)?;
            }
            Ok(())
        };
        fill_backwards().inspect_err(|_: &io::Error| drop(resize(file, survey.size)))?;
        spread(file, survey)?;
        Ok(survey.insert)
    }
}

/// Moves 256 KiB at a time, in buffers that just fit in the memory allowed.
///
/// passes
mod large_chunks {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let survey = survey_by(file, 512 * 1024)?;
        if survey.insert > 0 {
            grow(file, survey)?;
            spread_by(file, survey, 256 * 1024)?;
        }
        Ok(survey.insert)
    }
}

/// Takes ftruncate(2) for a promise of space, and gives the size back when a write fails after all.
///
/// breaks: "If the file can't grow, it has its old bytes and its old size when the call returns."
/// fails: to_crlf::leaves_the_file_as_it_was_when_it_cannot_grow failed size-reserves-room
mod trusts_ftruncate_2 {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let survey = survey_again(file)?;
        if survey.insert > 0 {
            resize(file, survey.new_size())?;
            spread(file, survey).inspect_err(|_| drop(resize(file, survey.size)))?;
        }
        Ok(survey.insert)
    }
}

/// Leaves the zeros that it had room for.
///
/// breaks: "If the file can't grow, it has its old bytes and its old size when the call returns."
/// fails: to_crlf::leaves_the_file_as_it_was_when_it_cannot_grow failed
mod leaves_the_zeros_2 {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let survey = survey_again(file)?;
        fill_again(file, survey.size, survey.new_size())?;
        spread(file, survey)?;
        Ok(survey.insert)
    }
}

/// Gives the size back after ENOSPC and EFBIG, but not if it is the quota that is used up.
///
/// breaks: "If the file can't grow, it has its old bytes and its old size when the call returns."
/// fails: to_crlf::leaves_the_file_as_it_was_when_it_cannot_grow failed
mod forgets_the_quota {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let survey = survey_again(file)?;
        if let Err(error) = fill_again(file, survey.size, survey.new_size()) {
            if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::FileTooLarge) {
                resize(file, survey.size)?;
            }
            return Err(error);
        }
        spread(file, survey)?;
        Ok(survey.insert)
    }
}

/// Writes a byte into each new page, as glibc's posix_fallocate(3) does where the file system can't.
///
/// breaks: "A pwrite(2) may fail at any byte past the old end, even after ftruncate(2) has made the file longer."
/// fails: to_crlf::leaves_the_file_as_it_was_when_it_cannot_grow failed
mod one_byte_a_page {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let survey = survey_again(file)?;
        if survey.insert > 0 {
            let probe = || {
                let mut at = survey.size;
                while at < survey.new_size() {
                    write_again(file, &[0], at)?;
                    at += BLOCK;
                }
                write_again(file, &[0], survey.new_size() - 1)
            };
            probe().inspect_err(|_| drop(resize(file, survey.size)))?;
            spread(file, survey)?;
        }
        Ok(survey.insert)
    }
}

/// Moves whole blocks of 4 KiB, and so writes the beginning of the first one where it is.
///
/// breaks: "No byte before the first inserted `\r` is written, not even unchanged."
/// fails: to_crlf::writes_only_what_moves failed writing-back-is-harmless
mod from_the_block_of_the_first {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let survey = survey_again(file)?;
        if survey.insert > 0 {
            grow(file, survey)?;
            spread(file, Survey { first: survey.first / BLOCK * BLOCK, ..survey })?;
        }
        Ok(survey.insert)
    }
}

/// Forgets at the beginning of each chunk which byte came before.
///
/// breaks: "A `\n` directly after a `\r` stays as it is: a second call inserts nothing."
/// fails: to_crlf::gives_each_line_feed_its_carriage_return failed a-chunk-is-a-unit
mod pair_across_chunks {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let size = file.size()?;
        let mut buffer = vec![0; CHUNK];
        let bare = |bytes: &[u8], i: usize| bytes[i] == b'\n' && (i == 0 || bytes[i - 1] != b'\r');
        let mut survey = Survey { size, insert: 0, first: 0 };
        let mut at = 0;
        while at < size {
            let length = read(file, &mut buffer, at)?;
            for i in (0..length).filter(|&i| bare(&buffer, i)) {
                if survey.insert == 0 {
                    survey.first = at + i as u64;
                }
                survey.insert += 1;
            }
            at += length as u64;
        }
        grow(file, survey)?;
        let (mut end, mut left) = (size, survey.insert);
        while end > survey.first && left > 0 {
            let start = (end - 1) / CHUNK as u64 * CHUNK as u64;
            let length = read(file, &mut buffer[..at_most(CHUNK, end - start)], start)?;
            let skip = at_most(CHUNK, survey.first.saturating_sub(start));
            let mut target = Vec::with_capacity(2 * CHUNK);
            for i in skip..length {
                if bare(&buffer, i) {
                    target.push(b'\r');
                    left -= 1;
                }
                target.push(buffer[i]);
            }
            write_again(file, &target, start + skip as u64 + left)?;
            end = start;
        }
        Ok(survey.insert)
    }
}

/// Looks at pairs of bytes, so that a `\n` at the very beginning of the file is none of them.
///
/// breaks: "Inserts a `\r` before each `\n` that has none directly before it"
/// fails: to_crlf::gives_each_line_feed_its_carriage_return failed
mod newline_at_the_beginning {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let mut survey = survey_again(file)?;
        if survey.insert > 0 && survey.first == 0 {
            survey.insert -= 1;
            let mut rest = [0; 4_000];
            let mut before = 0;
            survey.first = survey.size;
            let mut at = 0;
            'search: while survey.insert > 0 {
                let length = read(file, &mut rest, at)?;
                for (i, &byte) in (0..).zip(&rest[..length]) {
                    if at + i > 0 && byte == b'\n' && before != b'\r' {
                        survey.first = at + i;
                        break 'search;
                    }
                    before = byte;
                }
                at += rest.len() as u64;
            }
        }
        grow(file, survey)?;
        spread(file, survey)?;
        Ok(survey.insert)
    }
}

/// Goes through the file once from the beginning, and keeps the bytes that have been displaced in a queue.
///
/// breaks: "The call uses at most 1 MiB of memory. The file may be larger than that."
/// fails: to_crlf::keeps_neither_the_file_nor_a_list_in_memory out_of_memory a-file-fits-in-memory
mod queue_of_displaced_bytes {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let survey = survey_again(file)?;
        if survey.insert == 0 {
            return Ok(0);
        }
        grow(file, survey)?;
        let mut queue = VecDeque::new();
        let mut buffer = vec![0; CHUNK];
        let (mut from, mut to, mut before) = (survey.first, survey.first, 0);
        while to < survey.new_size() {
            let wanted = at_most(CHUNK, survey.size - from);
            let length = read(file, &mut buffer[..wanted], from)?;
            from += length as u64;
            for &byte in &buffer[..length] {
                if byte == b'\n' && before != b'\r' {
                    queue.push_back(b'\r');
                }
                queue.push_back(byte);
                before = byte;
            }
            let ready = if from == survey.size { queue.len().min(CHUNK) } else { length };
            let bytes: Vec<u8> = queue.drain(..ready).collect();
            write_again(file, &bytes, to)?;
            to += ready as u64;
        }
        Ok(survey.insert)
    }
}

/// Has 512 KiB to read into, but forgets that they may become twice as much.
///
/// breaks: "The call uses at most 1 MiB of memory."
/// fails: to_crlf::keeps_neither_the_file_nor_a_list_in_memory failed
mod half_a_mib_twice {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let survey = survey_again(file)?;
        if survey.insert > 0 {
            grow(file, survey)?;
            spread_by(file, survey, 512 * 1024)?;
        }
        Ok(survey.insert)
    }
}

/// Writes what one pwrite(2) takes of a chunk when it moves it, and does not look how much that was.
///
/// breaks: "Short and interrupted calls (EINTR) change nothing but the number of calls."
/// fails: to_crlf::goes_on_after_short_and_interrupted_calls failed short-is-the-end
mod one_pwrite_a_chunk {
    use super::*;

    struct Once<'a>(&'a dyn Calls);

    impl Calls for Once<'_> {
        fn pread(&self, into: &mut [u8], offset: u64) -> Result<usize, Errno> {
            self.0.pread(into, offset)
        }

        fn pwrite(&self, bytes: &[u8], offset: u64) -> Result<usize, Errno> {
            self.0.pwrite(bytes, offset).map(|_| bytes.len())
        }

        fn ftruncate(&self, size: u64) -> Result<(), Errno> {
            self.0.ftruncate(size)
        }

        fn fsync(&self) -> Result<(), Errno> {
            self.0.fsync()
        }

        fn size(&self) -> Result<u64, Errno> {
            self.0.size()
        }
    }

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let survey = survey_again(file)?;
        grow(file, survey)?;
        spread(&Once(file), survey)?;
        Ok(survey.insert)
    }
}

/// Calls every lack of space ENOSPC.
///
/// breaks: "ENOSPC, EDQUOT or EFBIG when the file can't grow: the error of pwrite(2) or ftruncate(2), unchanged."
/// fails: to_crlf::leaves_the_file_as_it_was_when_it_cannot_grow failed
/// fails: to_crlf::returns_the_error_of_a_call failed
mod always_enospc {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let survey = survey_again(file)?;
        grow(file, survey).map_err(|_| Errno::ENOSPC)?;
        spread(file, survey)?;
        Ok(survey.insert)
    }
}

/// Tries only once to give the size back.
///
/// breaks: "Short and interrupted calls (EINTR) change nothing but the number of calls."
/// fails: to_crlf::goes_on_after_short_and_interrupted_calls failed
mod interrupted_while_cleaning_up {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let survey = survey_again(file)?;
        if let Err(error) = fill_again(file, survey.size, survey.new_size()) {
            let _ = file.ftruncate(survey.size);
            return Err(error);
        }
        spread(file, survey)?;
        Ok(survey.insert)
    }
}

/// Makes sure of all the room but the last byte, which is written first when the bytes move.
///
/// breaks: "If the file can't grow, it has its old bytes and its old size when the call returns."
/// fails: to_crlf::leaves_the_file_as_it_was_when_it_cannot_grow failed
mod room_for_one_less {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let survey = survey_again(file)?;
        if survey.insert > 0 {
            grow(file, Survey { insert: survey.insert - 1, ..survey })?;
            spread(file, survey)?;
        }
        Ok(survey.insert)
    }
}

/// Moves 8 KiB at a time, which takes more than two calls for each 8 KiB together with the counting.
///
/// breaks: "Without short or interrupted calls, there is at most one call per 4 KiB of the new size, plus 16."
/// fails: to_crlf::writes_only_what_moves failed a-call-costs-nothing
mod eight_kib_at_a_time {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let survey = survey_by(file, 8 * 1024)?;
        grow(file, survey)?;
        spread_by(file, survey, 8 * 1024)?;
        Ok(survey.insert)
    }
}

/// Makes the file longer with a single ftruncate(2), which a signal may interrupt.
///
/// breaks: "Short and interrupted calls (EINTR) change nothing but the number of calls."
/// fails: to_crlf::goes_on_after_short_and_interrupted_calls failed eintr-is-an-error
mod interrupted_ftruncate {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let survey = survey_again(file)?;
        if survey.insert > 0 {
            file.ftruncate(survey.new_size())?;
            grow(file, survey)?;
            spread(file, survey)?;
        }
        Ok(survey.insert)
    }
}

/// Takes a short write past the old end for a full disk.
///
/// breaks: "Short and interrupted calls (EINTR) change nothing but the number of calls."
/// fails: to_crlf::goes_on_after_short_and_interrupted_calls failed short-is-the-end
/// fails: to_crlf::leaves_the_file_as_it_was_when_it_cannot_grow failed
mod short_means_full {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let survey = survey_again(file)?;
        let zeros = vec![0; CHUNK];
        let mut at = survey.size;
        while at < survey.new_size() {
            let length = at_most(CHUNK, survey.new_size() - at);
            match file.pwrite(&zeros[..length], at) {
                Err(Errno::EINTR) => continue,
                Ok(written) if written == length => at += length as u64,
                answer => {
                    resize(file, survey.size)?;
                    return Err(answer.err().unwrap_or(Errno::ENOSPC).into());
                }
            }
        }
        spread(file, survey)?;
        Ok(survey.insert)
    }
}

/// Reserves twice the size, and cuts off the rest at the end: it fails where the file could have grown enough.
///
/// breaks: "ENOSPC, EDQUOT or EFBIG when the file can't grow: the error of pwrite(2) or ftruncate(2), unchanged."
/// fails: to_crlf::leaves_the_file_as_it_was_when_it_cannot_grow failed
mod reserves_the_worst_case {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let size = file.size()?;
        let (missing, first) = count(file, size)?;
        if missing > 0 {
            make_room(file, size, size)?;
            rewrite(file, first, size, missing)?;
            truncate(file, size + missing)?;
        }
        Ok(missing)
    }
}

/// Returns what the cut returned in place of the error that made it necessary.
///
/// breaks: "ENOSPC, EDQUOT or EFBIG when the file can't grow: the error of pwrite(2) or ftruncate(2), unchanged."
/// fails: to_crlf::leaves_the_file_as_it_was_when_it_cannot_grow failed
/// fails: to_crlf::returns_the_error_of_a_call failed
mod reports_the_cut {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let size = file.size()?;
        let (missing, first) = count(file, size)?;
        if missing == 0 {
            return Ok(0);
        }
        if reserve(file, size, missing).is_err() {
            return truncate(file, size).map(|()| 0);
        }
        rewrite(file, first, size, missing)?;
        Ok(missing)
    }
}

/// Fills one output buffer from its end, and writes it whenever it has read 32 KiB, or at the beginning of the change.
///
/// passes
mod writes_backwards_through_one_buffer {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let size = file.size()?;
        let (missing, first) = count(file, size)?;
        if missing == 0 {
            return Ok(0);
        }
        make_room(file, size, missing)?;
        let mut input = vec![0; 32 << 10];
        let mut output = VecDeque::with_capacity(128 << 10);
        let (mut to, mut end) = (size, size + missing);
        let mut newline = false; // the byte after is a line feed, and what precedes it was not known yet
        while to > first {
            let from = first.max(to.saturating_sub(32 << 10));
            let length = index(to - from);
            read(file, &mut input[..length], from)?;
            for &byte in input[..length].iter().rev() {
                if newline && byte != b'\r' {
                    output.push_front(b'\r');
                }
                output.push_front(byte);
                newline = byte == b'\n';
            }
            if from == first {
                output.push_front(b'\r'); // this line feed is known to need one
            }
            end -= output.len() as u64;
            write(file, output.make_contiguous(), end)?;
            output.clear();
            to = from;
        }
        Ok(missing)
    }
}

/// Takes an error of pread(2) after the first chunk, of 256 KiB, for the end of the file when it counts.
///
/// breaks: "Any other error of a call, unchanged. Part of the change may have been made by then."
/// fails: to_crlf::returns_the_error_of_a_call failed
mod read_error_ends_the_count {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let size = file.size()?;
        let mut chunk = vec![0; 256 << 10];
        let (mut survey, mut before) = (Survey { size: 0, insert: 0, first: 0 }, 0);
        while survey.size < size {
            let got = match read(file, &mut chunk, survey.size) {
                Err(error) if survey.size == 0 => return Err(error),
                answer => answer.unwrap_or(0),
            };
            if got == 0 {
                break;
            }
            for &byte in &chunk[..got] {
                if byte == b'\n' && before != b'\r' {
                    if survey.insert == 0 {
                        survey.first = survey.size;
                    }
                    survey.insert += 1;
                }
                before = byte;
                survey.size += 1;
            }
        }
        if survey.insert > 0 {
            grow(file, survey)?;
            spread(file, survey)?;
        }
        Ok(survey.insert)
    }
}

/// Takes a file whose size it can't find out for an empty one.
///
/// breaks: "Any other error of a call, unchanged. Part of the change may have been made by then."
/// fails: to_crlf::returns_the_error_of_a_call failed
mod unknown_size_is_nothing_to_do {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        if file.size().unwrap_or(0) == 0 { Ok(0) } else { convert(file) }
    }
}

/// Follows the last hint, line by line.
///
/// passes
mod to_crlf_as_the_hint_says {
    use super::*;

    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
        let size = file.size()?;
        let mut buffer = vec![0; CHUNK];
        let (mut at, mut before, mut more) = (0, 0, 0);
        loop {
            let read = read_at(file, &mut buffer, at, &mut Account::default())?;
            for &byte in &buffer[..read] {
                more += u64::from(byte == b'\n' && before != b'\r');
                before = byte;
            }
            at += read as u64;
            if read < buffer.len() {
                break;
            }
        }
        if more == 0 {
            return Ok(0);
        }
        let zeros = vec![0; CHUNK];
        for done in (0..more).step_by(CHUNK) {
            let chunk = &zeros[..index((more - done).min(CHUNK as u64))];
            if let Err(error) = write_at(file, chunk, size + done, &mut Account::default()) {
                while file.ftruncate(size) == Err(Errno::EINTR) {}
                return Err(error);
            }
        }
        let (mut end, mut to) = (size, size + more);
        while end < to {
            let start = end.saturating_sub(CHUNK as u64);
            let first = start.saturating_sub(1);
            let mut bytes = vec![0; index(end - first)];
            read_at(file, &mut bytes, first, &mut Account::default())?;
            let (mut moved, mut stays) = (Vec::new(), None);
            for at in index(start - first)..bytes.len() {
                if bytes[at] == b'\n' && (at == 0 || bytes[at - 1] != b'\r') {
                    stays.get_or_insert(moved.len());
                    moved.push(b'\r');
                }
                moved.push(bytes[at]);
            }
            to -= moved.len() as u64;
            let stays = stays.filter(|_| to == start).unwrap_or(0);
            write_at(file, &moved[stays..], to + stays as u64, &mut Account::default())?;
            end = start;
        }
        Ok(more)
    }
}

one_of! {
    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64>;
    a_hole_for_room forgets_the_byte_before from_the_front leaves_the_zeros moves_what_stays remembers_each_place
    last_chunk_first longer_first_and_durable bytes_from_the_end zeros_first crosses_the_old_end leaves_the_file_longer
    trusts_ftruncate probes_the_last_byte only_a_full_disk interrupted_restore takes_back_the_last_chunk
    explains_the_full_disk first_chunk_first whole_text_in_memory a_page_at_a_time one_write_per_line
    writes_from_the_start writes_back_the_same forgets_the_byte_before_a_chunk first_byte_is_no_pair
    counts_every_newline returns_the_lines ends_the_last_line one_read_per_chunk one_write_inside interrupted_count
    zeros_first_2 moves_past_the_end_first fills_backwards_and_syncs stays_grown truncate_reserves last_byte_reserves
    a_byte_per_block_reserves rest_of_the_page_is_free restores_once only_a_full_disk_2 storage_full_without_errno
    short_reservation buffer_as_large_as_the_room write_across_the_old_end whole_chunks rewrites_a_finished_file
    forgets_the_byte_before_the_chunk first_line_decides blank_lines_stay through_memory remembers_each_place_2
    one_edit_per_line one_write_per_line_2 counts_page_by_page moves_forwards byte_before_the_beginning
    returns_the_new_size one_pread_a_chunk counts_fills_moves fills_backwards large_chunks trusts_ftruncate_2
    leaves_the_zeros_2 forgets_the_quota one_byte_a_page from_the_block_of_the_first pair_across_chunks
    newline_at_the_beginning queue_of_displaced_bytes half_a_mib_twice one_pwrite_a_chunk always_enospc
    interrupted_while_cleaning_up room_for_one_less eight_kib_at_a_time interrupted_ftruncate short_means_full
    reserves_the_worst_case reports_the_cut writes_backwards_through_one_buffer read_error_ends_the_count
    unknown_size_is_nothing_to_do to_crlf_as_the_hint_says
}
