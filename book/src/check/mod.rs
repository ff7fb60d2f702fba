//! The book's rules: what its sources and its site must look like, whatever they say. `tests/pages.rs` checks the book
//! by them.
//!
//! # Layout
//! - `code`: blocks of code are included, and output comes from runs
//! - `commands`: a test runs each command that the reader is told to run
//! - `headings`: ids, levels, the sections of a chapter, and those that a failed check refers to
//! - `contents`: the tables of contents
//! - `translations`: all languages have the same pages, with the same things in them
//! - `texts`: the setting of texts, and the length of lines
//! - `questions`, `figures`: the rules for each of them, and for the files that no page shows
//! - `site`: what a reader of the built site must not see
//! - `pages`: all pages, read once for the rules above

mod code;
mod commands;
mod contents;
mod figures;
mod headings;
mod pages;
mod questions;
mod site;
mod texts;
mod translations;

pub use commands::{COMMANDS, SYMPTOMS};
pub use site::check_site;

use mmap_workbook::course::Lesson;

use crate::render;
use crate::sources::{Mistake, Sources};
use pages::Pages;

/// The mistakes in the book's sources. A lesson that is a draft needs no complete chapter: it may land in steps.
pub fn check(sources: &Sources, lessons: &[Lesson]) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    let pages = Pages::read(sources, lessons, &mut mistakes);
    for page in &pages.all {
        render::page(sources, page.language, &page.name, &page.text, &mut mistakes);
        code::check(sources, page, &mut mistakes);
        commands::check(sources, lessons, page, &mut mistakes);
        headings::check(&pages, page, &mut mistakes);
        texts::check(page, &mut mistakes);
    }
    translations::check(sources, &pages, &mut mistakes);
    contents::check(sources, &pages, &mut mistakes);
    headings::check_sections_of_checks(sources, &pages, &mut mistakes);
    questions::check(sources, &pages, &mut mistakes);
    figures::check(sources, &pages, &mut mistakes);
    texts::check_assertions(sources, &mut mistakes);
    texts::check_conditions(sources, &mut mistakes);
    mistakes.sort();
    mistakes.dedup();
    mistakes
}
