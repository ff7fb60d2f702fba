//! All languages have the same pages, and a translation has the same things in the same order as the original.

use std::collections::BTreeSet;

use mmap_workbook::text::Language;

use super::pages::{PageSource, Pages};
use crate::page::{self, LineKind};
use crate::render::{comments, listing};
use crate::sources::{Mistake, ORIGINAL, Sources, translations};
use crate::stamp;

pub fn check(sources: &Sources, pages: &Pages<'_>, mistakes: &mut Vec<Mistake>) {
    let names: BTreeSet<_> = pages.all.iter().map(|page| page.name.as_str()).collect();
    for name in names.into_iter().filter(|name| !pages.is_draft(name)) {
        for language in Language::ALL.into_iter().filter(|language| pages.page(name, *language).is_none()) {
            mistakes.push(Mistake::in_file(sources.page(language, name), "the page exists in another language only"));
        }
        let Some(original) = pages.page(name, ORIGINAL) else { continue };
        for translation in translations().filter_map(|language| pages.page(name, language)) {
            check_stamp(original, translation, mistakes);
            check_shape(original, translation, mistakes);
        }
    }
    translations().for_each(|language| check_comments(sources, pages, language, mistakes));
}

/// A translation's comments are those of its listings, and no others.
fn check_comments(sources: &Sources, pages: &Pages<'_>, language: Language, mistakes: &mut Vec<Mistake>) {
    let comments = match comments::all(sources, language) {
        Ok(comments) => comments,
        Err(mistake) => return mistakes.push(mistake),
    };
    let mut used = BTreeSet::new();
    for page in pages.all.iter().filter(|page| page.language == language) {
        for line in page.lines() {
            for directive in page::directives(line.text).unwrap_or_default() {
                if directive.name == "include"
                    && let Ok(listing) = listing::listing(sources, &page.file, directive.arguments)
                {
                    used.extend(comments::originals(&listing));
                }
            }
        }
    }
    for unused in comments.keys().filter(|comment| !used.contains(*comment)) {
        mistakes.push(Mistake::in_file(comments::file(language), format!("no listing has the comment {unused:?}")));
    }
}

fn check_stamp(original: &PageSource, translation: &PageSource, mistakes: &mut Vec<Mistake>) {
    let hash = mmap_workbook::text::hash(&original.text);
    if stamp::of_page(&translation.text) != Some(&hash) {
        let what = format!(
            "{} has changed since this page was translated: bring the page up to date, then run \
             `cargo run -p book -- stamp`, which writes the new hash, {hash}",
            original.file
        );
        mistakes.push(translation.mistake(1, what));
    }
}

fn check_shape(original: &PageSource, translation: &PageSource, mistakes: &mut Vec<Mistake>) {
    let (ours, theirs) = (shape(original), shape(translation));
    let differs = ours.iter().zip(&theirs).find(|((_, ours), (_, theirs))| ours != theirs);
    if let Some(((there, ours), (line, theirs))) = differs {
        mistakes
            .push(translation.mistake(*line, format!("{theirs} is here, where {}:{there} has {ours}", original.file)));
    } else if let Some((line, more)) = ours.get(theirs.len()) {
        mistakes.push(translation.mistake(0, format!("{more} of {}:{line} is missing", original.file)));
    } else if let Some((line, more)) = theirs.get(ours.len()) {
        mistakes.push(translation.mistake(*line, format!("{more} is not in {}", original.file)));
    }
}

/// What a page and its translations have in common, in this order: headings, listings and directives. The tests of a
/// section may be in any order.
fn shape(page: &PageSource) -> Vec<(usize, String)> {
    let mut shape = Vec::new();
    let mut tests: Vec<String> = Vec::new();
    let finish = |shape: &mut Vec<(usize, String)>, tests: &mut Vec<String>, line| {
        tests.sort();
        if !tests.is_empty() {
            shape.push((line, format!("the section's tests: {}", tests.join(", "))));
        }
        tests.clear();
    };
    let lines = page.lines();
    for line in &lines {
        if let Some(heading) = page::heading(line) {
            finish(&mut shape, &mut tests, line.number);
            let marks = "#".repeat(heading.level);
            shape.push((line.number, format!("the heading {marks} {{#{}}}", heading.id.unwrap_or_default())));
        }
        if let LineKind::Fence(info) = line.kind
            && !info.is_empty()
        {
            shape.push((line.number, format!("the listing ```{info}")));
        }
        for directive in page::directives(line.text).unwrap_or_default() {
            match directive.name {
                "held" => tests.push(directive.arguments.to_owned()),
                name => shape.push((line.number, format!("{{{{#{name} {}}}}}", directive.arguments))),
            }
        }
    }
    finish(&mut shape, &mut tests, lines.len());
    shape
}
