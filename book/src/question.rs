//! The questions at the end of a chapter: one TOML file a chapter, with each text in all languages.

use mmap_workbook::misconception::Misconception;
use mmap_workbook::misconception::denial::Denial;
use mmap_workbook::model::{Model, Setting};
use mmap_workbook::scenario::{Backend, Scenario};
use mmap_workbook::text::{Language, Text};
use serde::Deserialize;

use crate::evidence::{PAGE_SIZE, Test};
use crate::sources::{Mistake, Sources};

/// A question: what is the result of these few lines?
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChapterQuestion {
    /// Its id. No other question of the book has the same one.
    pub id: String,
    /// The few lines that it is about. They are made up for the question, so no run has printed them.
    #[serde(default)]
    pub code: Code,
    /// The language of these lines: `rust`, `c` or `text`.
    #[serde(default)]
    pub language: Option<String>,
    /// The same as a scenario, where that is possible. The question is what the last line gives.
    #[serde(default)]
    pub scenario: Option<String>,
    /// The test that shows the right answer: `lesson_2::name`.
    pub held: String,
    /// The question, in Markdown.
    pub ask: Text,
    /// The answers to choose from. One of them is right.
    #[serde(rename = "option")]
    pub options: Vec<Choice>,
}

/// The lines of a question: `code = "..."`, or `code.en` and `code.zh` if they have words in them.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Code {
    /// The same lines in all languages.
    Same(String),
    /// Lines with words, in each language.
    Each(Text),
}

impl Default for Code {
    fn default() -> Code {
        Code::Same(String::new())
    }
}

impl Code {
    /// The lines in this language.
    pub fn in_language(&self, language: Language) -> &str {
        match self {
            Code::Same(lines) => lines,
            Code::Each(lines) => lines.in_language(language),
        }
    }
}

/// An answer to choose.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// Whether it is the right one.
    #[serde(default)]
    pub right: bool,
    /// What the last line of the scenario gives if this answer is right.
    #[serde(default)]
    pub gives: Option<String>,
    /// The answer, in Markdown.
    pub text: Text,
    /// Why it is right, or why it is wrong although people believe it, in Markdown.
    pub why: Text,
    /// The slug of the misconception that a learner has who chooses this answer.
    #[serde(default)]
    pub misconception: Option<String>,
}

/// A thing to predict at the start of a chapter.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Prediction {
    /// What one of the book's programs prints: the rest of a line.
    Printed {
        /// Its name, without `.c`.
        program: String,
        /// How the line begins.
        line: String,
    },
    /// Something else.
    Asked {
        /// What to predict, with code between backticks.
        ask: Text,
        /// What happens, likewise.
        answer: Text,
        /// What to choose from, if it is to be chosen: one of them is the answer.
        #[serde(default)]
        options: Vec<Text>,
        /// The test that shows the answer: `lesson_2::name`.
        held: String,
    },
}

impl Prediction {
    /// Its texts.
    pub fn texts(&self) -> Vec<&Text> {
        match self {
            Prediction::Printed { .. } => Vec::new(),
            Prediction::Asked { ask, answer, options, .. } => [ask, answer].into_iter().chain(options).collect(),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct QuestionFile {
    #[serde(default, rename = "prediction")]
    predictions: Vec<Prediction>,
    #[serde(rename = "question")]
    questions: Vec<ChapterQuestion>,
}

/// The file with the questions of a page.
pub fn file(page: &str) -> String {
    format!("book/questions/{page}.toml")
}

/// The questions of a page.
///
/// # Errors
/// When there is no such file, or its TOML is wrong.
pub fn of_page(sources: &Sources, page: &str) -> Result<Vec<ChapterQuestion>, Mistake> {
    sources.read_toml::<QuestionFile>(&file(page)).map(|parsed| parsed.questions)
}

/// What is to be predicted at the start of a page: nothing where there is no such file, as for a draft.
///
/// # Errors
/// When its TOML is wrong.
pub fn predictions_of_page(sources: &Sources, page: &str) -> Result<Vec<Prediction>, Mistake> {
    if !sources.root().join(file(page)).is_file() {
        return Ok(Vec::new());
    }
    sources.read_toml::<QuestionFile>(&file(page)).map(|parsed| parsed.predictions)
}

/// The mistakes in the questions of a page, besides those in the TOML and in the setting of the texts.
pub fn mistakes(sources: &Sources, page: &str, questions: &[ChapterQuestion]) -> Vec<Mistake> {
    let file = file(page);
    let text = sources.read(&file).unwrap_or_default();
    let mut mistakes = Vec::new();
    for question in questions {
        let id = &question.id;
        let line = text.lines().position(|line| line.contains(&format!("\"{id}\""))).map_or(0, |line| line + 1);
        let mut wrong = |what: String| mistakes.push(Mistake::new(&file, line, format!("question {id}: {what}")));
        if id.is_empty() || !id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-') {
            wrong("its id may only have a-z, 0-9 and - in it".into());
        }
        if !(3..=4).contains(&question.options.len()) {
            wrong(format!("it has {} options, not three or four", question.options.len()));
        }
        let right = question.options.iter().filter(|option| option.right).count();
        if right != 1 {
            wrong(format!("{right} of its options are right, not one"));
        }
        if !matches!(question.language.as_deref(), None | Some("rust" | "c" | "text")) {
            wrong("its language is not rust, c or text".into());
        }
        if let Err(what) = Test::named(sources, &question.held) {
            wrong(what);
        }
        mistakes_in_scenario(question, &mut wrong);
        for option in &question.options {
            if let Some(slug) = &option.misconception {
                if Misconception::of_slug(slug).is_none() {
                    wrong(format!("there is no misconception {slug}"));
                }
                if option.right {
                    wrong(format!("the right option has a misconception, {slug}"));
                }
            }
        }
        let words = question.options.iter().flat_map(|option| [&option.text, &option.why]);
        for words in words.chain([&question.ask]) {
            if Language::ALL.into_iter().any(|language| words.in_language(language).trim().is_empty()) {
                wrong("a text is empty".into());
            }
        }
    }
    mistakes
}

impl ChapterQuestion {
    /// The scenario, whose last line claims what the right answer says: the key.
    ///
    /// # Errors
    /// When it is no scenario, or the right answer does not say what it gives.
    pub fn as_scenario(&self) -> Result<Option<Scenario>, String> {
        let Some(text) = &self.scenario else { return Ok(None) };
        let right = self.options.iter().find(|option| option.right).and_then(|option| option.gives.as_ref());
        let key = right.ok_or("the right option doesn't say what the scenario gives")?;
        Scenario::parse(&format!("{} => {key}", text.trim_end()))
            .map(Some)
            .map_err(|problem| format!("its scenario: {problem}"))
    }
}

/// By the model the last line gives what the right answer says, and what no other answer says. An answer with a
/// misconception says what the model gives with that misconception. The tests ask the kernel as well.
fn mistakes_in_scenario(question: &ChapterQuestion, wrong: &mut impl FnMut(String)) {
    let scenario = match question.as_scenario() {
        Ok(Some(scenario)) => scenario,
        Ok(None) => {
            if question.options.iter().any(|option| option.gives.is_some()) {
                wrong("an option has `gives`, but the question has no scenario".into());
            }
            return;
        }
        Err(what) => return wrong(what),
    };
    let Ok(mut outcomes) = Model::new(PAGE_SIZE).play(&scenario);
    let outcome = outcomes.pop().map(|outcome| outcome.to_string()).unwrap_or_default();
    for option in &question.options {
        let Some(gives) = &option.gives else { continue };
        if (outcome == *gives) != option.right {
            let is = if option.right { "right" } else { "wrong" };
            wrong(format!("its scenario gives {outcome}, and an option that is {is} says {gives}"));
        }
        let Some(denial) = option.misconception.as_deref().and_then(Denial::of_slug) else { continue };
        let predicted = denial
            .prediction(&scenario, &Setting::new(PAGE_SIZE))
            .map(|outcome| outcome.to_string())
            .unwrap_or_default();
        if predicted != *gives {
            wrong(format!("{} expects {predicted}, and its option says {gives}", denial.misconception.slug));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Lines {
        code: Code,
    }

    #[test]
    fn code_is_the_same_in_all_languages_or_in_each() {
        let parsed = |toml| toml::from_str::<Lines>(toml).expect("a code").code;
        let same = parsed("code = 'x'");
        assert_eq!(Language::ALL.map(|language| same.in_language(language)), ["x"; 2]);
        let each = parsed("code.en = 'a word'\ncode.zh = '一个词'");
        assert_eq!(Language::ALL.map(|language| each.in_language(language)), ["a word", "一个词"]);
        assert!(toml::from_str::<Lines>("code.en = 'a word'").is_err());
    }
}
