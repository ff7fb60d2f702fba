use std::io;

use mmap_workbook::lesson_1::{Account, CHUNK, Calls, read_at, write_at};
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
/// fails: to_crlf::moves_no_byte_over_one_that_is_still_to_be_read failed a-chunk-is-a-unit
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
/// fails: to_crlf::keeps_neither_the_file_nor_a_list_in_memory failed
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
/// fails: to_crlf::goes_on_after_short_and_interrupted_calls failed short-is-the-end
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
/// fails: to_crlf::keeps_neither_the_file_nor_a_list_in_memory failed
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
/// fails: to_crlf::moves_no_byte_over_one_that_is_still_to_be_read failed a-chunk-is-a-unit
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
/// fails: to_crlf::goes_on_after_short_and_interrupted_calls panicked
/// fails: to_crlf::leaves_the_file_as_it_was_when_it_cannot_grow panicked
/// fails: to_crlf::moves_no_byte_over_one_that_is_still_to_be_read panicked
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
/// fails: to_crlf::moves_no_byte_over_one_that_is_still_to_be_read failed
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
/// fails: to_crlf::moves_no_byte_over_one_that_is_still_to_be_read failed
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
/// fails: to_crlf::moves_no_byte_over_one_that_is_still_to_be_read failed
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

one_of! {
    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64>;
    a_hole_for_room forgets_the_byte_before from_the_front leaves_the_zeros moves_what_stays remembers_each_place
    last_chunk_first longer_first_and_durable bytes_from_the_end zeros_first crosses_the_old_end leaves_the_file_longer
    trusts_ftruncate probes_the_last_byte only_a_full_disk interrupted_restore takes_back_the_last_chunk
    explains_the_full_disk first_chunk_first whole_text_in_memory a_page_at_a_time one_write_per_line
    writes_from_the_start writes_back_the_same forgets_the_byte_before_a_chunk first_byte_is_no_pair
    counts_every_newline returns_the_lines ends_the_last_line one_read_per_chunk one_write_inside interrupted_count
}
