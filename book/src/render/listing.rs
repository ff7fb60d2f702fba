//! `{{#include ...}}`: a listing from a source file.
//!
//! mdBook has this directive, too. Here a listing starts at the left margin, and a missing file or anchor is an error.

use crate::page::{CodeBlock, anchored};
use crate::sources::Sources;

/// The included lines: those of a file, or those between two anchors, as in `../../lessons/1_x/lesson.rs:anchor`.
///
/// # Errors
/// When there is no such file or anchor, or nothing in it.
pub fn listing(sources: &Sources, page: &str, arguments: &str) -> Result<String, String> {
    let (path, anchor) = path_and_anchor(arguments);
    let file = from_page(page, path)?;
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

/// The file that a block of code includes, for the line above the listing.
pub fn file_of(sources: &Sources, page: &str, block: &CodeBlock<'_>) -> Option<String> {
    let (path, _) = path_and_anchor(block.included()?);
    let file = from_page(page, path).ok()?;
    sources.root().join(&file).is_file().then_some(file)
}

fn path_and_anchor(arguments: &str) -> (&str, Option<&str>) {
    arguments.split_once(':').map_or((arguments, None), |(path, anchor)| (path, Some(anchor)))
}

/// A path that starts at a page, as one that starts at the root of the checkout.
fn from_page(page: &str, path: &str) -> Result<String, String> {
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
