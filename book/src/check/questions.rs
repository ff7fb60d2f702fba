//! The questions: a chapter has enough of them, and the right answer is not always at the same place.

use std::collections::{BTreeMap, BTreeSet};

use mmap_workbook::text::Language;

use super::pages::Pages;
use super::texts;
use crate::question::{self, Prediction};
use crate::sources::{Mistake, Sources};

/// The number of questions that a chapter has at least.
const FEWEST: usize = 5;

pub fn check(sources: &Sources, pages: &Pages<'_>, mistakes: &mut Vec<Mistake>) {
    let mut ids: BTreeMap<String, String> = BTreeMap::new();
    for name in sources.names_with("book/questions", "toml") {
        let file = question::file(&name);
        let asks = |language| pages.page(&name, language).is_some_and(|page| has_line(&page.text, "{{#questions}}"));
        if !pages.is_draft(&name) && !Language::ALL.into_iter().all(asks) {
            mistakes.push(Mistake::in_file(&file, format!("{name}.md doesn't ask them: {{{{#questions}}}}")));
        }
        let questions = match question::of_page(sources, &name) {
            Ok(questions) => questions,
            Err(mistake) => {
                mistakes.push(mistake);
                continue;
            }
        };
        let number = questions.len();
        if pages.is_chapter(&name) && number < FEWEST {
            mistakes.push(Mistake::in_file(&file, format!("{number} questions: a chapter has at least {FEWEST}")));
        }
        let predictions = question::predictions_of_page(sources, &name).unwrap_or_default();
        if pages.is_chapter(&name) && predictions.is_empty() {
            let what = "nothing is to be predicted: a chapter begins with a prediction";
            mistakes.push(Mistake::in_file(&file, what));
        }
        let texts = predictions.iter().flat_map(Prediction::texts);
        mistakes.extend(
            texts
                .flat_map(texts::mistakes_in)
                .map(|(_, what)| Mistake::in_file(&file, format!("a prediction: {what}"))),
        );
        let places: BTreeSet<_> = questions.iter().map(|q| q.options.iter().position(|option| option.right)).collect();
        if number > 2 && places.len() == 1 {
            mistakes.push(Mistake::in_file(&file, "the right option is always at the same place"));
        }
        let toml = sources.read(&file).unwrap_or_default();
        for question in &questions {
            let id = &question.id;
            let line = toml.lines().position(|line| line.contains(&format!("\"{id}\""))).map_or(0, |n| n + 1);
            if let Some(other) = ids.insert(id.clone(), file.clone()) {
                mistakes.push(Mistake::new(&file, line, format!("the id {id} is in {other}, too")));
            }
            let texts = question.options.iter().flat_map(|option| [&option.text, &option.why]);
            for (_, what) in texts.chain([&question.ask]).flat_map(texts::mistakes_in) {
                mistakes.push(Mistake::new(&file, line, format!("question {id}: {what}")));
            }
        }
    }
}

fn has_line(text: &str, wanted: &str) -> bool {
    text.lines().any(|line| line == wanted)
}
