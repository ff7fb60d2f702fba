//! One page is mapped. Its byte is read by io_submit(2), whose arguments name no descriptor.
//! unsolved
//! beside the solution

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::sync::OnceLock;

use nix::libc;

pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
    if rest::byte_at(file, offset)?.is_none() {
        return Ok(None);
    }
    static CONTEXT: OnceLock<u64> = OnceLock::new();
    let context = *CONTEXT.get_or_init(|| {
        let mut context = 0_u64;
        // SAFETY: the context lives until the call returns.
        unsafe { libc::syscall(libc::SYS_io_setup, 1, &raw mut context) };
        context
    });
    let (mut byte, mut event) = (0_u8, [0_u64; 4]);
    // The fourth half word is the command, which is to read; the descriptor follows.
    let (descriptor, to) = (u64::from(file.as_raw_fd().unsigned_abs()) << 32, (&raw mut byte).expose_provenance());
    let control: [u64; 8] = [0, 0, descriptor, to as u64, 1, offset, 0, 0];
    let controls = [&raw const control];
    // SAFETY: what the calls read and write lives until the byte has come.
    let came = unsafe {
        libc::syscall(libc::SYS_io_submit, context, 1, controls.as_ptr());
        libc::syscall(libc::SYS_io_getevents, context, 1, 1, &raw mut event, 0)
    };
    (came == 1).then_some(Some(byte)).ok_or(io::ErrorKind::Other.into())
}
