//! The tables of contents: all pages are in them, in the same order in all languages.

use mmap_workbook::text::Language;

use super::pages::Pages;
use crate::site;
use crate::sources::{Mistake, ORIGINAL, Sources, translations};
use crate::typesetting;

pub fn check(sources: &Sources, pages: &Pages<'_>, mistakes: &mut Vec<Mistake>) {
    let original = check_language(sources, pages, ORIGINAL, mistakes);
    for language in translations() {
        let order = check_language(sources, pages, language, mistakes);
        if order.is_some() && original.is_some() && order != original {
            let what = format!("its pages are not those of {}, in the same order", sources.contents(ORIGINAL));
            mistakes.push(Mistake::in_file(sources.contents(language), what));
        }
    }
}

/// Returns the pages in the table of contents.
fn check_language(
    sources: &Sources,
    pages: &Pages<'_>,
    language: Language,
    mistakes: &mut Vec<Mistake>,
) -> Option<Vec<String>> {
    let file = sources.contents(language);
    let text = match sources.read(&file) {
        Ok(text) => text,
        Err(mistake) => {
            mistakes.push(mistake);
            return None;
        }
    };
    let listed = site::summary(&text);
    for (line, page) in &listed {
        let name = page.trim_end_matches(".md");
        let Some(page) = pages.page(name, language) else {
            mistakes.push(Mistake::new(&file, *line, format!("there is no page {page}")));
            continue;
        };
        if pages.is_draft(name) {
            mistakes.push(Mistake::new(&file, *line, "the lesson of the page is a draft, which is listed nowhere"));
        }
        let title = page.headings().first().map_or("", |heading| heading.text);
        let entry = text.lines().nth(line - 1).unwrap_or_default();
        if pages.is_chapter(name) && !entry.contains(&format!("[{title}](")) {
            mistakes.push(Mistake::new(&file, *line, format!("the chapter's own title is {title:?}")));
        }
    }
    let order: Vec<_> = listed.iter().map(|(_, page)| (*page).to_owned()).collect();
    for name in pages.in_language(language).map(|page| &page.name) {
        if !pages.is_draft(name) && !order.contains(&format!("{name}.md")) {
            mistakes.push(Mistake::in_file(&file, format!("{name}.md is not in it")));
        }
    }
    for (n, line) in (1..).zip(text.lines()) {
        let found = typesetting::mistakes(language, line);
        mistakes.extend(found.into_iter().map(|what| Mistake::new(&file, n, what)));
    }
    Some(order)
}
