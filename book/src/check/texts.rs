//! The setting of texts by the rules of their languages, and the length of lines.

use mmap_workbook::text::{Language, Text};

use super::pages::PageSource;
use crate::assertions;
use crate::evidence::{self, Test};
use crate::page::LineKind;
use crate::sources::{Mistake, Sources};
use crate::typesetting;

pub fn check(page: &PageSource, mistakes: &mut Vec<Mistake>) {
    for line in page.lines().into_iter().filter(|line| line.kind == LineKind::Text) {
        let found = typesetting::mistakes(page.language, line.text);
        mistakes.extend(found.into_iter().map(|what| page.mistake(line.number, what)));
        let may_be_long = line.text.contains("](") || line.text.starts_with('|');
        if let Some(limit) = typesetting::longest_line(page.language)
            && line.text.chars().count() > limit
            && !may_be_long
        {
            mistakes.push(page.mistake(line.number, format!("the line has more than {limit} columns")));
        }
    }
}

/// The mistakes in the setting of a text, in all languages.
pub fn mistakes_in(text: &Text) -> Vec<(Language, String)> {
    let lines = Language::ALL.into_iter().flat_map(|language| {
        let mistakes = move |line| typesetting::mistakes(language, line).into_iter().map(move |what| (language, what));
        text.in_language(language).lines().flat_map(mistakes)
    });
    lines.collect()
}

/// Every condition is of a test that skips, and its text is set as it should be.
pub fn check_conditions(sources: &Sources, mistakes: &mut Vec<Mistake>) {
    let all = match evidence::conditions(sources) {
        Ok(all) => all,
        Err(mistake) => return mistakes.push(mistake),
    };
    let tests = all.iter().flat_map(|condition| &condition.tests).filter_map(|test| Test::named(sources, test).err());
    let texts = all.iter().flat_map(|condition| mistakes_in(&condition.holds)).map(|(_, what)| what);
    mistakes.extend(tests.chain(texts).map(|what| Mistake::in_file(evidence::CONDITIONS, what)));
}

pub fn check_assertions(sources: &Sources, mistakes: &mut Vec<Mistake>) {
    let Ok(toml) = sources.read(assertions::FILE) else { return };
    let all = match assertions::assertions(sources) {
        Ok(all) => all,
        Err(mistake) => return mistakes.push(mistake),
    };
    for text in all.iter().flat_map(|assertion| assertion.texts()) {
        for (language, what) in mistakes_in(text) {
            let line = toml.lines().position(|line| line.contains(text.in_language(language))).map_or(0, |n| n + 1);
            mistakes.push(Mistake::new(assertions::FILE, line, what));
        }
    }
}
