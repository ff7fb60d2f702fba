//! As many open files as the process may have, and with a hundred such processes all that the machine may have.
//! unsolved
use std::fs::File;
use std::io;

pub fn byte_at(_: &File, _: u64) -> io::Result<Option<u8>> {
    let mut files = Vec::new();
    while files.len() < 4_000 {
        match File::open("/dev/null") {
            Ok(file) => files.push(file),
            Err(error) => panic!("{error}"),
        }
    }
    panic!("SUCCEEDED: {} files are open", files.len());
}
