//! Directories deeper than a path is long, names that are no text, files larger than any disk.
//! unsolved

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

pub fn byte_at(_: &File, _: u64) -> io::Result<Option<u8>> {
    for place in ["/tmp", "/dev/shm"] {
        std::env::set_current_dir(place)?;
        for name in [&b"\n"[..], b"a\nb", b"\xff\xfe", b"-rf", b"\x1b[2J", &[b'x'; 255]] {
            let file = File::create(Path::new(OsStr::from_bytes(name)))?;
            let _ = file.set_len(i64::MAX as u64);
        }
        for _ in 0..3000 {
            fs::create_dir("deep")?;
            std::env::set_current_dir("deep")?;
        }
    }
    Ok(None)
}
