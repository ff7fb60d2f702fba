//! How a `todo!()` is told from any other panic.

use std::fs;
use std::path::Path;

use crate::process::Panic;

/// What a `todo!()` says is to do, or nothing when it says nothing; None when the panic is no `todo!()`.
///
/// `todo!()` expands to a `panic!()` whose message begins with "not yet implemented", and anybody may write that message.
/// What differs is the place of the panic, which is where the macro is called: in the source, `todo!` stands there.
///
/// What remains: a `todo!()` counts as a panic when it is called by another macro or by a `#[track_caller]` function,
/// since the panic then has the place of their callers, and while the source is newer than what was compiled.
pub(super) fn task(panic: &Panic) -> Option<&str> {
    let task = panic.message.strip_prefix("not yet implemented")?;
    // The compiler names a source from the workspace's root on.
    let source = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(&panic.file)).ok()?;
    let [line, column] = [panic.line, panic.column].map(|n| usize::try_from(n).ok()?.checked_sub(1));
    let line = source.lines().nth(line?)?;
    let (start, _) = line.char_indices().nth(column?)?;
    let (name, _) = line[start..].split_once('!')?;
    // `std::todo!` and `core::todo!` are the same macro.
    (name.rsplit("::").next() == Some("todo")).then(|| task.strip_prefix(": ").unwrap_or(task))
}
