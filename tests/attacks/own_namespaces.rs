//! Namespaces of its own, in which it is root: another /proc and /tmp over those that there are, and the files for writing.
//! unsolved

use std::fs::File;
use std::io;

use nix::libc;

pub fn byte_at(_: &File, _: u64) -> io::Result<Option<u8>> {
    // SAFETY: strings with their ends.
    unsafe {
        libc::unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWNS | libc::CLONE_NEWPID | libc::CLONE_NEWNET);
        let nothing = std::ptr::null();
        for place in [c"/proc", c"/tmp"] {
            libc::mount(c"none".as_ptr(), place.as_ptr(), c"tmpfs".as_ptr(), 0, nothing);
        }
        let writable = libc::MS_REMOUNT | libc::MS_BIND;
        if libc::mount(nothing.cast(), c"/usr".as_ptr(), nothing.cast(), writable, nothing) == 0 {
            println!("SUCCEEDED: /usr can be written to");
        }
        if libc::sethostname(c"x".as_ptr(), 1) == 0 {
            println!("SUCCEEDED: the host has another name");
        }
    }
    Ok(None)
}
