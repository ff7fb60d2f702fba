//! What the search of a page looks through: the sections of all pages, the words by which people search for them, and
//! words that mean the same. `theme/book.js` ranks what it finds.

use std::collections::BTreeMap;

use mmap_workbook::text::{Language, Text};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::html::{self, Token};
use crate::sources::{Mistake, Sources};

/// The file with the words.
const FILE: &str = "book/search.toml";

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Words {
    /// Words that people use for the same, with commas between them: where one stands, the others find it.
    #[serde(default)]
    same: Vec<Text>,
    /// Words for a section that doesn't have them.
    #[serde(default)]
    section: Vec<Also>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Also {
    /// `6_bus_error#deaths`
    at: String,
    words: Text,
}

fn words(sources: &Sources) -> Result<Words, Mistake> {
    sources.read_toml(FILE)
}

/// What a section counts: chapters come before tables, questions and lists.
fn weight(page: &str, id: &str) -> f64 {
    match (page, id) {
        (_, "questions" | "exercise") | ("assertions" | "model" | "reading", _) | ("file_systems", "table") => 0.4,
        ("symptoms", _) => 1.0,
        _ if page.starts_with(|c: char| c.is_ascii_digit()) => 1.0,
        _ => 0.8,
    }
}

/// The index of a language. The format is mdBook's with a few words more, so that one script reads both. mdBook's own
/// index of words is left out: it finds no Chinese.
pub(crate) fn index(
    sources: &Sources,
    language: Language,
    pages: &BTreeMap<&str, Vec<(usize, Token)>>,
    mistakes: &mut Vec<Mistake>,
) -> Value {
    let words = words(sources).unwrap_or_else(|mistake| {
        mistakes.push(mistake);
        Words::default()
    });
    let mut also: BTreeMap<&str, &str> =
        words.section.iter().map(|section| (section.at.as_str(), section.words.in_language(language))).collect();
    let mut urls = Vec::new();
    let mut texts = serde_json::Map::new();
    for (name, tokens) in pages {
        let sections = html::sections(tokens);
        let chapter = sections.first().map(|section| section.title.clone()).unwrap_or_default();
        for html::Section { id, title, body } in sections {
            let n = urls.len().to_string();
            let above = if title == chapter { "" } else { &chapter };
            let (also, weight) = (also.remove(format!("{name}#{id}").as_str()).unwrap_or_default(), weight(name, &id));
            let text = json!({
                "id": n, "title": title, "body": body, "breadcrumbs": above, "also": also, "weight": weight
            });
            texts.insert(n, text);
            urls.push(format!("{name}.html{}", if id.is_empty() { id } else { format!("#{id}") }));
        }
    }
    mistakes.extend(also.into_keys().map(|at| Mistake::in_file(FILE, format!("there is no section {at}"))));
    let same: Vec<Vec<&str>> = words.same.iter().map(|line| list(line.in_language(language)).collect()).collect();
    json!({ "doc_urls": urls, "index": { "documentStore": { "docs": texts } }, "synonyms": same })
}

/// The words of a line, with commas between them.
fn list(line: &str) -> impl Iterator<Item = &str> {
    line.split([',', '，']).map(str::trim).filter(|word| !word.is_empty())
}
