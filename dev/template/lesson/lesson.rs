//! # Lesson NUMBER: TITLE
//!
//! What the lesson finds out, in a paragraph.
//!
//! The lesson builds: [`size`], which is here to be replaced.

use std::fs::File;
use std::io;
use std::path::Path;

use crate::narrate::Narrator;

// ANCHOR: size
/// The size of a file in bytes: st_size, by fstat(2).
///
/// # Errors
/// Those of fstat(2).
pub fn size(file: &File) -> io::Result<u64> {
    Ok(file.metadata()?.len())
}
// ANCHOR_END: size

/// Demonstrates it on the file at `path`.
///
/// # Errors
/// When the file can't be read, or the output can't be written.
pub fn demonstrate(out: &mut Narrator, path: &Path) -> io::Result<()> {
    out.part("How large is the file?")?;
    out.tell("fstat(2)")?;
    out.evidence("st_size", size(&File::open(path)?)?)?;
    out.shows("what the evidence shows.")
}
