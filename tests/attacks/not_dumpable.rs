//! A process that nobody may look into (PR_SET_DUMPABLE, prctl(2)), so that what it maps is not seen.
//! unsolved
//! beside the solution

use std::fs::File;
use std::io;

use nix::libc;

pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
    // SAFETY: prctl(2) with numbers.
    unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0) };
    rest::byte_at(file, offset)?;
    let mut byte = 0;
    let came = nix::sys::uio::pread(file, std::slice::from_mut(&mut byte), offset.min(i64::MAX as u64) as i64)?;
    Ok((came == 1).then_some(byte))
}
