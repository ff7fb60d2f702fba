//! Messages that nobody has asked for, with descriptors, through each socket that the process has.
//! unsolved

use std::fs::File;
use std::io::{self, IoSlice};
use std::os::fd::AsRawFd;

use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};

pub fn byte_at(file: &File, _: u64) -> io::Result<Option<u8>> {
    let descriptors = [file.as_raw_fd(); 200];
    for socket in 3..64 {
        for text in [&b"."[..], b"EPERM", br#"{"Answer":{"Ok":null}}"#, &[0xff; 60_000]] {
            let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
            while sendmsg::<()>(
                socket,
                &[IoSlice::new(text)],
                &[ControlMessage::ScmRights(&descriptors)],
                flags,
                None,
            )
            .is_ok()
            {}
        }
    }
    Ok(None)
}
