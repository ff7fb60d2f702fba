//! Takes the hole that ftruncate(2) makes for disk space, and meets the error while it moves.
//!
//! fails: to_crlf::leaves_the_file_as_it_was_when_it_cannot_grow failed size-reserves-room

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

#[cfg(test)]
#[path = "../../../../lessons/1_traditional_io/checks/mod.rs"]
mod checks;
