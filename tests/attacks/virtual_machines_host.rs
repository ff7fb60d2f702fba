//! A connection to the machine on which this virtual one runs: no namespace has such sockets of its own (vsock(7)).
//! unsolved

use std::fs::File;
use std::io;

use nix::libc;

pub fn byte_at(_: &File, _: u64) -> io::Result<Option<u8>> {
    for kind in [libc::SOCK_STREAM, libc::SOCK_DGRAM, libc::SOCK_SEQPACKET] {
        // SAFETY: socket(2) takes numbers.
        if unsafe { libc::socket(libc::AF_VSOCK, kind, 0) } >= 0 {
            println!("SUCCEEDED: a socket of the family AF_VSOCK");
        }
    }
    Ok(None)
}
