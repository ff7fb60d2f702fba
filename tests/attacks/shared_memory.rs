//! Gigabytes of shared memory, which no limit of a process counts.
//! unsolved
use std::fs::File;
use std::io;

use nix::libc;

pub fn byte_at(_: &File, _: u64) -> io::Result<Option<u8>> {
    for _ in 0..64 {
        // SAFETY: a new mapping, at an address that the kernel chooses.
        let address = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                1 << 30,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED | libc::MAP_ANONYMOUS | libc::MAP_POPULATE,
                -1,
                0,
            )
        };
        assert!(address != libc::MAP_FAILED, "there is no more");
    }
    panic!("SUCCEEDED: 64 GiB")
}
