//! How a `todo!()` is told from any other panic.

use std::env;
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use crate::process::Panic;

/// The most bytes of a source that are read.
const LARGEST: u64 = 16 << 20;

/// The task that a `todo!()` names, empty when it names none; None when the panic is not a `todo!()`.
///
/// `todo!()` expands to a `panic!()` whose message begins with "not yet implemented", and any code may use that
/// message. What differs is the place of the panic, which is where the macro is called: in the source, `todo!` stands
/// there.
///
/// Two cases remain in which a `todo!()` counts as a panic. Where another macro or a `#[track_caller]` function calls
/// it, the panic has the place of their caller; and a source that was saved after it was compiled may have another text
/// there.
pub(super) fn task(panic: &Panic) -> Option<&str> {
    let task = panic.message.strip_prefix("not yet implemented")?;
    // The compiler names a source by its path from the workspace's root: the one that cargo runs this from, since a
    // checkout may have been moved after it was built.
    let root = env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    // The process that panics says where, and may name what is no source, and has no end.
    let (path, mut source) = (root.join(&panic.file), String::new());
    if !path.metadata().ok()?.is_file() {
        return None;
    }
    File::open(path).ok()?.take(LARGEST).read_to_string(&mut source).ok()?;
    let [line, column] = [panic.line, panic.column].map(|n| usize::try_from(n).ok()?.checked_sub(1));
    let line = source.lines().nth(line?)?;
    let (start, _) = line.char_indices().nth(column?)?;
    let (name, _) = line[start..].split_once('!')?;
    // `std::todo!` and `core::todo!` are the same macro.
    (name.rsplit("::").next() == Some("todo")).then(|| task.strip_prefix(": ").unwrap_or(task))
}

#[cfg(test)]
mod tests {
    use super::task;
    use crate::process::Panic;

    #[test]
    fn a_place_that_is_no_source_has_no_todo() {
        for file in ["/dev/zero", "/proc/self/pagemap", "/", "not there"] {
            let message = "not yet implemented".to_owned();
            assert_eq!(task(&Panic { message, file: file.to_owned(), line: 1, column: 1 }), None, "{file}");
        }
    }
}
