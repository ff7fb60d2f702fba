//! No code and no output on a page is typed by hand.
//!
//! A block of code includes a part of a source file that is compiled, or it is a sketch: code that was made up for the
//! page, with the word [`SKETCH`] after its language. The directives write all output. The commands in a block of `sh`
//! are checked by [`super::commands`].

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag};

use super::pages::PageSource;
use crate::highlight;
use crate::page::{self, CodeBlock, LineKind};
use crate::render::listing;
use crate::sources::{Mistake, Sources};

/// The word that marks a block of code as made up: ```` ```c,sketch ````.
const SKETCH: &str = "sketch";

/// The languages of blocks that show output.
const OUTPUT: [&str; 3] = ["text", "console", "output"];

const TYPED_OUTPUT: &str =
    "output that is typed by hand: {{#transcript}}, {{#output}} and {{#scenario}} take it from a run";
const TYPED_CODE: &str =
    "code that is typed by hand: the block must be one {{#include ...}}, or be marked as made up: ```c,sketch";

pub fn check(sources: &Sources, page: &PageSource, mistakes: &mut Vec<Mistake>) {
    for block in CodeBlock::all(&page.lines()) {
        if let Err(what) = origin(sources, page, &block) {
            mistakes.push(page.mistake(block.fence.number, what));
        }
    }
    for line in page.lines().iter().filter(|line| line.kind == LineKind::Text) {
        let directives = page::directives(line.text).unwrap_or_default();
        if directives.iter().any(|directive| directive.name == "include") {
            mistakes.push(page.mistake(line.number, "{{#include}} is outside a block of code"));
        }
    }
    code_without_fences(page, mistakes);
}

/// A block is a list of commands, a sketch, or included from a file that is compiled, with all of its brackets.
fn origin(sources: &Sources, page: &PageSource, block: &CodeBlock<'_>) -> Result<(), String> {
    match block.words.as_slice() {
        ["sh"] => return Ok(()),
        [] => return Err(TYPED_OUTPUT.into()),
        [language, ..] if OUTPUT.contains(language) => return Err(TYPED_OUTPUT.into()),
        words if words.contains(&SKETCH) => return Ok(()),
        _ => {}
    }
    let language = block.words.first().unwrap_or(&"");
    let included = block.included().ok_or(TYPED_CODE)?;
    // What can't be included is found where it is rendered.
    match listing::listing(sources, &page.file, included) {
        Ok(code) if !highlight::is_closed(&code, language) => Err(format!("{included} leaves a bracket open")),
        _ => listing::file_of(&page.file, included).map(drop),
    }
}

/// Code that Markdown sees without a fence.
fn code_without_fences(page: &PageSource, mistakes: &mut Vec<Mistake>) {
    for (event, range) in Parser::new(&page.text).into_offset_iter() {
        let what = match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Indented)) => {
                "code without a fence: indented by four spaces, a line is code to Markdown"
            }
            Event::Html(html) | Event::InlineHtml(html) if html.contains("<pre") => "<pre>: use a fence instead",
            _ => continue,
        };
        let line = 1 + page.text[..range.start].matches('\n').count();
        mistakes.push(page.mistake(line, what));
    }
}
