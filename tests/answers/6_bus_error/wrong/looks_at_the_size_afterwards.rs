//! Has a handler, but decides by the file's size after the body has returned.
//!
//! fails: survive::notices_a_page_that_was_gone_for_a_moment failed size-afterwards-tells-all

use std::fs::File;

use mmap_workbook::lesson_2::Mapping;

pub use crate::solution::{Missed, parts, put, sum_of, zeros_over};

/// If the file is long enough afterwards, no page was missed.
///
/// # Errors
/// [`Missed`].
pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
    let mut answer = None;
    let outcome = crate::solution::survive(file, length, |mapping| answer = Some(body(mapping)));
    let size = file.metadata().map_or(0, |metadata| usize::try_from(metadata.len()).unwrap_or(0));
    match (outcome, answer) {
        (Err(Missed::Page(_)), Some(answer)) if size >= length => Ok(answer),
        (Err(missed), _) => Err(missed),
        (Ok(()), Some(answer)) => Ok(answer),
        (Ok(()), None) => Err(Missed::Page(0)),
    }
}

#[cfg(test)]
#[path = "../../../../lessons/6_bus_error/checks/mod.rs"]
mod checks;
