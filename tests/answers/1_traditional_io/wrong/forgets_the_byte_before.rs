//! Forgets the byte before a chunk, which may be the \r of its first \n.
//!
//! fails: to_crlf::moves_no_byte_over_one_that_is_still_to_be_read failed a-chunk-is-a-unit

use std::io;

use mmap_workbook::lesson_1::{Account, CHUNK, Calls, read_at, write_at};

pub use crate::solution::{Record, increment, load, replace_all, save};

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

#[cfg(test)]
#[path = "../../../../lessons/1_traditional_io/checks/mod.rs"]
mod checks;
