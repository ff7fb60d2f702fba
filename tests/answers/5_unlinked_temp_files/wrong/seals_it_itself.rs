//! Adds the seals itself, to a file that is not its own.
//!
//! fails: receive_sealed::both_seals_are_needed_and_no_others failed any-seal-will-do

use std::io;
use std::os::unix::net::UnixStream;

use mmap_workbook::lesson_2::{Mapping, Sharing};
use mmap_workbook::lesson_5::receive_file;
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::mman::ProtFlags;

pub use crate::solution::{give_back, grow, hand_down, publish};

pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
    let file = receive_file(socket)?;
    // A file that can't be sealed is refused below.
    let _ = fcntl(&file, FcntlArg::F_ADD_SEALS(SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_WRITE));
    let seals = fcntl(&file, FcntlArg::F_GET_SEALS).map_err(|_| io::ErrorKind::InvalidData)?;
    let seals = SealFlag::from_bits_retain(seals);
    if !seals.contains(SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_WRITE) {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let length = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
    if length == 0 || length > at_most {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok(Mapping::of_file(&file, 0, length, ProtFlags::PROT_READ, Sharing::Private)?)
}

#[cfg(test)]
#[path = "../../../../lessons/5_unlinked_temp_files/checks/mod.rs"]
mod checks;
