//! What the model knows: `{{#rules}}`, `{{#belief ...}}`, `{{#beliefs}}` and `{{#other_beliefs}}`.

use mmap_workbook::misconception::Misconception;
use mmap_workbook::misconception::denial::{DENIALS, Denial};
use mmap_workbook::model::Rule;
use mmap_workbook::scenario::Scenario;
use mmap_workbook::text::Language;

use super::markup::{play_link, with_code};
use super::words;

/// The rules as a table, each with an anchor: the simulator leads to it.
pub fn rules(language: Language) -> String {
    let [rule, source] = [&words::RULE, &words::SOURCE].map(|words| words.in_language(language));
    let mut table = format!("| {rule} | {source} |\n|---|---|\n");
    for rule in Rule::ALL.iter().filter(|rule| **rule != Rule::NotApplicable) {
        let [sentence, basis] = [rule.sentence(), rule.basis().in_words()].map(|text| text.in_language(language));
        table += &format!("| <span id=\"rule-{rule:?}\"></span>{sentence} | {basis} |\n");
    }
    table
}

/// A misconception, what is true, and its name, which leads to its own place.
pub fn belief(language: Language, slug: &str) -> Result<String, String> {
    let misconception = Misconception::of_slug(slug).ok_or_else(|| format!("there is no misconception {slug}"))?;
    let (name, space) = (words::BELIEF_NAMED.in_language(language), language.space());
    let name = format!("<p class=\"name\">{name}{space}<a href=\"model.html#{slug}\"><code>{slug}</code></a></p>\n");
    Ok(in_box(language, misconception, &name))
}

fn in_box(language: Language, misconception: &Misconception, name: &str) -> String {
    let space = language.space();
    format!(
        "<div class=\"belief\" role=\"note\">\n<p class=\"believed\"><strong>{}</strong>{space}{}</p>\n\
         <p class=\"fact\"><strong>{}</strong>{space}{}</p>\n{name}</div>\n",
        words::BELIEVED.in_language(language),
        with_code(misconception.belief.in_language(language)),
        words::FACT.in_language(language),
        with_code(misconception.against.in_language(language)),
    )
}

/// The misconceptions that are the model with one rule changed, each with the scenario that shows it wrong.
pub fn beliefs(language: Language) -> String {
    let mut out = String::new();
    for denial in DENIALS {
        out += &named_belief(language, denial.misconception);
        let scenario = denial.shown_wrong_by();
        let (slug, link) = (denial.misconception.slug, play_link(language, &asking(scenario.clone())));
        out += &format!("\n```text\n{scenario}```\n\n");
        out += &format!("{link} `cargo run -- play src/misconception/shown/{slug}.scenario`\n\n");
    }
    out
}

/// The scenario with its last line as a question.
fn asking(mut scenario: Scenario) -> String {
    if let Some(last) = scenario.0.last_mut() {
        (last.outcome, last.asked) = (None, true);
    }
    scenario.to_string()
}

/// The other misconceptions.
pub fn other_beliefs(language: Language) -> String {
    let others = Misconception::all().filter(|misconception| Denial::of_slug(misconception.slug).is_none());
    others.map(|misconception| named_belief(language, misconception) + "\n").collect()
}

/// A misconception in its own place: questions and boxes link to it by its slug.
fn named_belief(language: Language, misconception: &Misconception) -> String {
    let slug = misconception.slug;
    format!("### `{slug}` {{#{slug}}}\n\n{}", in_box(language, misconception, ""))
}
