//! Moves the bytes from the front on, over those that it has not read yet.
//!
//! fails: to_crlf::leaves_the_file_as_it_was_where_there_is_no_room failed
//! fails: to_crlf::moves_no_byte_over_one_that_is_still_to_be_read failed any-order-moves
//! fails: to_crlf::keeps_neither_the_file_nor_a_list_in_memory failed

use std::io;

use mmap_workbook::lesson_1::{Account, Calls, PIECE, read_at, write_at};

pub use crate::solution::{Record, load, raise, replace_all, save};

pub fn to_crlf(file: &dyn Calls) -> io::Result<u64> {
    // What is to come in is counted on a copy that never gets larger than a piece, and room is made first.
    let mut account = Account::default();
    let size = file.size()?;
    let mut buffer = vec![0; PIECE];
    let (mut at, mut to, mut before) = (0, 0, 0);
    while at < size {
        let wanted = usize::try_from(size - at).map_or(PIECE, |left| left.min(PIECE));
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

#[cfg(test)]
#[path = "../../../../lessons/1_traditional_io/checks/mod.rs"]
mod checks;
