//! Lesson 6: what an access to a missing page does.

use std::fmt::Debug;
use std::io;

use super::vocabulary::{ignore_sigbus, in_a_child, read_into};
use crate::lesson_2::{Mapping, READ_WRITE, Sharing};
use crate::lesson_5::memory_file;

pub(super) fn not_ignored() -> io::Result<impl Debug> {
    let file = memory_file("empty")?;
    let mapping = Mapping::of_file(&file, 0, 1, READ_WRITE, Sharing::Shared)?;
    ignore_sigbus()?;
    Ok(mapping.load(0))
}

pub(super) fn by_the_kernel() -> io::Result<impl Debug> {
    let file = memory_file("empty")?;
    let mapping = Mapping::of_file(&file, 0, 1, READ_WRITE, Sharing::Shared)?;
    read_into(&mapping) // read(2) of a byte of another file
}

pub(super) fn back_to_its_size() -> io::Result<impl Debug> {
    let file = memory_file("changing")?;
    file.set_len(1)?; // ftruncate(2)
    let mapping = Mapping::of_file(&file, 0, 1, READ_WRITE, Sharing::Shared)?;
    mapping.store(0, b'x'); // 120
    file.set_len(0)?;
    file.set_len(1)?;
    Ok(mapping.load(0))
}

pub(super) fn in_the_child_only() -> io::Result<impl Debug> {
    let file = memory_file("growing")?;
    let mapping = Mapping::of_file(&file, 0, 1, READ_WRITE, Sharing::Shared)?;
    let first = in_a_child(|| Ok(mapping.load(0)))?;
    file.set_len(1)?; // ftruncate(2)
    Ok((first, mapping.load(0)))
}
