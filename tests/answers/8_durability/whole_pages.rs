//! Answers to `whole_pages`, right and wrong.

use std::fs::File;
use std::io;

/// Gives the size as it is.
///
/// fails: whole_pages::any_size_is_rounded_up failed
mod forgets_to_round {
    use super::*;

    pub fn whole_pages(file: &File) -> io::Result<u64> {
        Ok(file.metadata()?.len())
    }
}

one_of! {
    pub fn whole_pages(file: &File) -> io::Result<u64>;
    forgets_to_round
}
