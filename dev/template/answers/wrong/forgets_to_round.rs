//! Gives the size as it is.
//!
//! fails: whole_pages::any_size_is_rounded_up failed

use std::fs::File;
use std::io;

pub fn whole_pages(file: &File) -> io::Result<u64> {
    Ok(file.metadata()?.len())
}

#[cfg(test)]
#[path = "../../../../lessons/NUMBER_SLUG/checks/mod.rs"]
mod checks;
