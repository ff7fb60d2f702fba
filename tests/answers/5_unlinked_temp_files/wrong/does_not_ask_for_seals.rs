//! Accepts any file that can be mapped.
//!
//! fails: receive_sealed::both_seals_are_needed_and_no_others failed any-seal-will-do
//! fails: receive_sealed::the_length_is_asked_for_when_it_can_no_longer_shrink failed any-seal-will-do
//! fails: receive_sealed::a_file_that_cannot_be_trusted_is_refused failed

use std::io;
use std::os::unix::net::UnixStream;

use mmap_workbook::lesson_2::{Mapping, Sharing};
use mmap_workbook::lesson_5::receive_file;
use nix::sys::mman::ProtFlags;

pub use crate::solution::{give_back, grow, hand_down, publish};

pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
    let file = receive_file(socket)?;
    let length = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
    if length == 0 || length > at_most {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok(Mapping::of_file(&file, 0, length, ProtFlags::PROT_READ, Sharing::Private)?)
}

#[cfg(test)]
#[path = "../../../../lessons/5_unlinked_temp_files/checks/mod.rs"]
mod checks;
