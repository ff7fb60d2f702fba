//! Half a gigabyte of output.
//! unsolved
use std::fs::File;
use std::io::{self, Write};

pub fn byte_at(_: &File, _: u64) -> io::Result<Option<u8>> {
    let line = [b'x'; 1 << 16];
    for _ in 0..8192 {
        io::stdout().write_all(&line)?;
    }
    Ok(None)
}
