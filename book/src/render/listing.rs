//! `{{#include ...}}`: a listing from a source file.
//!
//! mdBook has this directive, too. Here a listing starts at the left margin, and a missing file or anchor is an error.

use crate::page::anchored;
use crate::sources::Sources;

/// The included lines: those of a file, or those between two anchors, as in `../../lessons/1_x/lesson.rs:anchor`.
///
/// # Errors
/// When there is no such file or anchor, or nothing in it.
pub fn listing(sources: &Sources, page: &str, arguments: &str) -> Result<String, String> {
    let file = file_of(page, arguments)?;
    let anchor = arguments.split_once(':').map(|(_, anchor)| anchor);
    let text = sources.read(&file).map_err(|_| format!("there is no file {file} to include"))?;
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

/// The file that a page includes, as a path that starts at the root of the checkout.
///
/// # Errors
/// When the path leads out of the checkout.
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
    Ok(file.join("/"))
}
