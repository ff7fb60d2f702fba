//! Replaces an existing file correctly, but creates a missing one with a plain write.
//!
//! fails: increment::leaves_a_whole_number_whenever_it_is_killed failed rewriting-is-one-step

use std::fs;
use std::io;
use std::path::Path;

pub use crate::solution::{Record, load, replace_all, save, to_crlf};

pub fn increment(path: &Path) -> io::Result<u64> {
    if !path.exists() {
        fs::write(path, "0\n")?;
    }
    crate::solution::increment(path)
}

#[cfg(test)]
#[path = "../../../../lessons/1_traditional_io/checks/mod.rs"]
mod checks;
