//! One page is mapped. Its byte is read by a system call for programs with short pointers (x32), which has another number.
//! unsolved
//! beside the solution

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

use nix::libc;

pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
    if rest::byte_at(file, offset)?.is_none() {
        return Ok(None);
    }
    let mut byte = 0_u8;
    let number = libc::SYS_pread64 | 0x4000_0000;
    // SAFETY: the byte lives until the call returns.
    let came = unsafe { libc::syscall(number, file.as_raw_fd(), &raw mut byte, 1, offset) };
    if came == 1 { Ok(Some(byte)) } else { Err(io::Error::last_os_error()) }
}
