//! One page is mapped. Its byte is read by the descriptor with a bit more, which the kernel ignores.
//! unsolved
//! beside the solution

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

use nix::libc;

pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
    let Some(mut byte) = rest::byte_at(file, offset)? else { return Ok(None) };
    let descriptor = i64::from(file.as_raw_fd()) | 1 << 32;
    // SAFETY: the byte can be written to.
    unsafe { libc::syscall(libc::SYS_pread64, descriptor, &raw mut byte, 1_usize, offset) };
    Ok(Some(byte))
}
