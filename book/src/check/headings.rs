//! Headings: their ids and levels, the sections of a chapter, and the sections that a failed check refers to.

use std::collections::BTreeSet;

use mmap_workbook::text::Language;

use super::pages::{PageSource, Pages};
use crate::page::Heading;
use crate::sources::{Mistake, Sources};

/// The ids of the sections that the chapter of a lesson has, in this order. It may have others between them.
const CHAPTER: [&str; 8] = ["top", "predict", "kernel", "wrong", "differs", "answer", "questions", "exercise"];

pub fn check(pages: &Pages<'_>, page: &PageSource, mistakes: &mut Vec<Mistake>) {
    let headings = page.headings();
    let mut ids = BTreeSet::new();
    for heading in &headings {
        let what = match heading.id {
            None => "the heading has no id: write {#id} after it, the same in each language".to_owned(),
            Some(id) if !ids.insert(id) => format!("{{#{id}}} is there twice"),
            Some(id) if id.is_empty() || !id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') => {
                format!("{{#{id}}} may only have a-z, A-Z, 0-9, _ and - in it")
            }
            Some(_) => continue,
        };
        mistakes.push(page.mistake(heading.line, what));
    }
    if headings.first().is_none_or(|heading| heading.level != 1) {
        mistakes.push(page.mistake(1, "the page doesn't begin with a heading #"));
    }
    for pair in headings.windows(2) {
        if pair[1].level > pair[0].level + 1 || pair[1].level == 1 {
            mistakes.push(page.mistake(pair[1].line, "the heading is of a level that doesn't follow the one before"));
        }
    }
    if pages.is_chapter(&page.name) {
        sections_of_a_chapter(page, &headings, mistakes);
    }
}

fn sections_of_a_chapter(page: &PageSource, headings: &[Heading<'_>], mistakes: &mut Vec<Mistake>) {
    let ids: Vec<_> = headings.iter().filter_map(|heading| heading.id).collect();
    for id in CHAPTER.iter().filter(|id| !ids.contains(id)) {
        mistakes.push(page.mistake(0, format!("the chapter has no section {{#{id}}}")));
    }
    let order: Vec<_> = ids.into_iter().filter(|id| CHAPTER.contains(id)).collect();
    if order.len() == CHAPTER.len() && order != CHAPTER {
        mistakes.push(page.mistake(0, format!("its sections are not in the order {}", CHAPTER.join(", "))));
    }
}

/// A failed check sends the learner to a section of the book: it must exist in all languages.
pub fn check_sections_of_checks(sources: &Sources, pages: &Pages<'_>, mistakes: &mut Vec<Mistake>) {
    let lessons = sources.names("lessons");
    for lesson in lessons.iter().filter(|lesson| !pages.is_draft(lesson)) {
        for name in sources.names(&format!("lessons/{lesson}/checks")) {
            let file = format!("lessons/{lesson}/checks/{name}");
            let Ok(text) = sources.read(&file) else { continue };
            for (line, section) in sections(&text) {
                let (of, section) = match section.split_once(':') {
                    Some((n, section)) => (lessons.iter().find(|name| name.starts_with(&format!("{n}_"))), section),
                    None => (Some(lesson), section.as_str()),
                };
                let in_language = |language| of.and_then(|of| pages.page(of, language));
                for page in Language::ALL.into_iter().filter_map(in_language) {
                    if !page.headings().iter().any(|heading| heading.id == Some(section)) {
                        let what =
                            format!("no heading has the id {{#{section}}}, where {file}:{line} sends the learner");
                        mistakes.push(page.mistake(0, what));
                    }
                }
            }
        }
    }
}

/// The sections that the checks of an exercise name, each with its line.
fn sections(checks: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut rest = checks;
    let mut line = 1;
    while let Some((before, after)) = rest.split_once("check(") {
        line += before.matches('\n').count();
        if let Some(section) = after.trim_start().strip_prefix('"').and_then(|text| text.split('"').next()) {
            found.push((line, section.to_owned()));
        }
        rest = after;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sections_of_checks_are_found() {
        let text = "check(\"window\", rule, || {\n\ncheck(\n    \"3:observe\",\nfn check(x";
        assert_eq!(sections(text), [(1, "window".into()), (3, "3:observe".into())]);
    }
}
