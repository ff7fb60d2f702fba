//! Memory that outlives the process: a System V segment, files in /dev/shm, a key in a keyring.
//! unsolved
use std::fs::{self, File};
use std::io;

use nix::libc;

pub fn byte_at(_: &File, _: u64) -> io::Result<Option<u8>> {
    // SAFETY: a call on numbers.
    unsafe { libc::shmget(0x4242_4242, 64 << 20, libc::IPC_CREAT | 0o666) };
    let _ = fs::write("/dev/shm/attack", vec![1_u8; 200 << 20]);
    // SAFETY: both names end with a NUL, and no payload is given.
    let key = unsafe { libc::syscall(libc::SYS_add_key, c"user".as_ptr(), c"attack".as_ptr(), c"x".as_ptr(), 1, -4) };
    assert!(key < 0, "SUCCEEDED: key {key}");
    Ok(None)
}
