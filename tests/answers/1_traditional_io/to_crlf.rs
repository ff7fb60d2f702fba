//! Answers to `to_crlf`, right and wrong.

use std::io;

use mmap_workbook::lesson_1::{Account, CHUNK, Calls, read_at, write_at};

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

one_of! {
    pub fn to_crlf(file: &dyn Calls) -> io::Result<u64>;
    a_hole_for_room forgets_the_byte_before from_the_front leaves_the_zeros moves_what_stays remembers_each_place
}
