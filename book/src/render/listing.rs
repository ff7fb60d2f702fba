//! `{{#include ...}}`: a listing from a source file.
//!
//! mdBook has this directive, too. Here a listing starts at the left margin, and a missing file or anchor is an error.

use crate::page::anchored;
use crate::sources::Sources;

/// The directories whose files the tests compile: nothing else is included.
const COMPILED: [&str; 4] = ["lessons/", "src/", "tests/", "book/programs/"];

/// The included lines: those of a file, or those between two anchors, as in `../../lessons/1_x/lesson.rs:anchor`.
///
/// # Errors
/// When there is no such file or anchor, or nothing in it; when no test compiles the file.
pub fn listing(sources: &Sources, page: &str, arguments: &str) -> Result<String, String> {
    let file = file_of(page, arguments)?;
    let anchor = anchor(arguments);
    let text = sources.read(&file).map_err(|_| format!("there is no file {file} to include"))?;
    let [there, root] = [&sources.root().join(&file), sources.root()].map(|path| path.canonicalize());
    if !there.is_ok_and(|there| root.is_ok_and(|root| there.starts_with(root))) {
        return Err(format!("{file} is a link that leads out of the checkout"));
    }
    let mut lines = match anchor {
        None => text.lines().filter(|line| !line.contains("ANCHOR: ") && !line.contains("ANCHOR_END: ")).collect(),
        Some(anchor) => anchored(&text, anchor).ok_or_else(|| format!("{file} has no ANCHOR: {anchor}"))?,
    };
    let is_empty = |line: &&str| line.trim().is_empty();
    lines.drain(..lines.iter().take_while(|line| is_empty(line)).count());
    lines.truncate(lines.len() - lines.iter().rev().take_while(|line| is_empty(line)).count());
    if lines.is_empty() {
        return Err(format!("{arguments} includes nothing"));
    }
    let margin = |line: &&str| line.len() - line.trim_start().len();
    let margin = lines.iter().filter(|line| !is_empty(line)).map(margin).min().unwrap_or_default();
    Ok(lines.iter().map(|line| line.get(margin..).unwrap_or_default()).collect::<Vec<_>>().join("\n"))
}

fn anchor(arguments: &str) -> Option<&str> {
    arguments.split_once(':').map(|(_, anchor)| anchor)
}

/// The number of the first line that is included.
pub fn first_line(sources: &Sources, file: &str, arguments: &str) -> usize {
    let Some(anchor) = anchor(arguments) else { return 1 };
    let text = sources.read(file).unwrap_or_default();
    let mark = text.lines().position(|line| line.trim_end().ends_with(&format!("ANCHOR: {anchor}")));
    mark.map_or(1, |mark| mark + 2)
}

/// The file that a page includes, as a path that starts at the root of the checkout.
///
/// # Errors
/// When the path leads out of the checkout; when no test compiles the file.
pub fn file_of(page: &str, arguments: &str) -> Result<String, String> {
    let path = arguments.split(':').next().unwrap_or_default();
    let mut file: Vec<&str> = page.split('/').collect();
    file.pop();
    for part in path.split('/') {
        match part {
            ".." => {
                file.pop().ok_or_else(|| format!("{path} leads out of the checkout"))?;
            }
            "." => {}
            part => file.push(part),
        }
    }
    let file = file.join("/");
    match COMPILED.iter().any(|directory| file.starts_with(directory)) {
        true => Ok(file),
        false => Err(format!("no test compiles {file}: code is included from {}", COMPILED.join(", "))),
    }
}
