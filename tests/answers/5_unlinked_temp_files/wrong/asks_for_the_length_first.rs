//! Asks for the length first, and then for the seal that would keep it.
//!
//! fails: receive_sealed::the_length_is_asked_for_when_it_can_no_longer_shrink failed a-length-stays

use std::io;
use std::os::unix::net::UnixStream;

use mmap_workbook::lesson_2::{Mapping, Sharing};
use mmap_workbook::lesson_5::receive_file;
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::mman::ProtFlags;

pub use crate::solution::{give_back, grow, hand_down, publish};

pub fn receive_sealed(socket: &UnixStream, at_most: usize) -> io::Result<Mapping> {
    let file = receive_file(socket)?;
    let size = file.metadata()?.len();
    let seals = fcntl(&file, FcntlArg::F_GET_SEALS).map_err(|_| io::ErrorKind::InvalidData)?;
    let seals = SealFlag::from_bits_retain(seals);
    if !seals.contains(SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_WRITE) {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let length = usize::try_from(size).map_err(io::Error::other)?;
    if length == 0 || length > at_most {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok(Mapping::of_file(&file, 0, length, ProtFlags::PROT_READ, Sharing::Private)?)
}

#[cfg(test)]
#[path = "../../../../lessons/5_unlinked_temp_files/checks/mod.rs"]
mod checks;
