//! `{{#manual}}`: the pages of the manual that the book names and the reading list has no word about.

use std::collections::BTreeSet;

use mmap_workbook::text::Language;

use crate::page::manual_pages;
use crate::sources::{ORIGINAL, Sources};

/// The pages that the page `list` doesn't name itself, in bold: from there each is linked.
pub fn others(sources: &Sources, language: Language, list: &str) -> String {
    let texts =
        sources.pages(ORIGINAL).into_iter().filter_map(|page| sources.read(&sources.page(ORIGINAL, &page)).ok());
    let text: String = texts.collect();
    let own = sources.read(list).unwrap_or_default();
    let all: BTreeSet<_> = manual_pages(&text).map(|(_, page)| format!("**{page}**")).collect();
    let others: Vec<_> = all.into_iter().filter(|page| !own.contains(page)).collect();
    others.join(if language == Language::Chinese { "、" } else { ", " })
}
