//! Writes the bytes before the first line feed back to where they already are.
//!
//! fails: to_crlf::writes_only_what_moves failed writing-back-is-harmless

use std::io;

use mmap_workbook::lesson_1::{Account, CHUNK, Calls, read_at, write_at};

pub use crate::solution::{Record, increment, load, replace_all, save};

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

#[cfg(test)]
#[path = "../../../../lessons/1_traditional_io/checks/mod.rs"]
mod checks;
