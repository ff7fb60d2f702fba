//! The questions at the end of a chapter, kept as data in one place for both languages.

use mmap_workbook::grade::misconception::Misconception;
use mmap_workbook::model::Model;
use mmap_workbook::predict::denial::Denial;
use mmap_workbook::scenario::{Backend, Scenario};
use mmap_workbook::text::Text;
use serde::Deserialize;

use crate::render::PAGE;
use crate::sources::{LANGUAGES, Problem, Sources};

/// A question: what does this give?
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// Its name, the only one of that name in the book.
    pub id: String,
    /// The few lines that it is about.
    #[serde(default)]
    pub code: String,
    /// The language of these lines: `rust`, `c` or `text`.
    #[serde(default)]
    pub language: Option<String>,
    /// The same as a scenario, where it can be said as one: what its last line gives is the question.
    #[serde(default)]
    pub scenario: Option<String>,
    /// The test that holds the right answer: `lesson_2::name`.
    pub held: String,
    /// The question, in Markdown.
    pub ask: Text,
    /// The answers to choose from; one is right.
    #[serde(rename = "option")]
    pub options: Vec<Choice>,
}

/// An answer to choose.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// Whether it is the right one.
    #[serde(default)]
    pub right: bool,
    /// What the last line of the scenario gives by this answer.
    #[serde(default)]
    pub gives: Option<String>,
    /// The answer, in Markdown.
    pub text: Text,
    /// Why it is right, or why it is believed and wrong, in Markdown.
    pub why: Text,
    /// What a learner believes who chooses it: the slug of a misconception.
    #[serde(default)]
    pub misconception: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "question")]
    questions: Vec<Question>,
}

/// Where the questions of a page are.
pub fn file(page: &str) -> String {
    format!("book/questions/{page}.toml")
}

/// The questions of a page.
///
/// # Errors
/// When there is no such file, or its TOML is not what it should be.
pub fn of_page(sources: &Sources, page: &str) -> Result<Vec<Question>, Problem> {
    let file = file(page);
    let text = sources.read(&file)?;
    let parsed: File = toml::from_str(&text).map_err(|error| {
        let line = error.span().map_or(0, |span| 1 + text[..span.start].matches('\n').count());
        Problem::new(&file, line, error.message().to_owned())
    })?;
    Ok(parsed.questions)
}

/// What is wrong with the questions of a page, besides their TOML.
pub fn problems(sources: &Sources, page: &str, questions: &[Question]) -> Vec<Problem> {
    let file = file(page);
    let text = sources.read(&file).unwrap_or_default();
    let mut problems = Vec::new();
    for question in questions {
        let id = &question.id;
        let line = text.lines().position(|line| line.contains(&format!("\"{id}\""))).map_or(0, |line| line + 1);
        let mut wrong = |what: String| problems.push(Problem::new(&file, line, format!("question {id}: {what}")));
        if id.is_empty() || !id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-') {
            wrong("its id is no slug (a-z, 0-9, -)".into());
        }
        if !(3..=4).contains(&question.options.len()) {
            wrong(format!("it has {} options, not three or four", question.options.len()));
        }
        let right = question.options.iter().filter(|option| option.right).count();
        if right != 1 {
            wrong(format!("{right} of its options are right, not one"));
        }
        if !matches!(question.language.as_deref(), None | Some("rust" | "c" | "text")) {
            wrong("its language is none of rust, c, text".into());
        }
        if let Err(what) = crate::render::test_of(sources, &question.held) {
            wrong(what);
        }
        problems_as_scenario(question, &mut wrong);
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
            for language in LANGUAGES {
                if words.in_language(language).trim().is_empty() {
                    wrong("a text is empty".into());
                }
            }
        }
    }
    problems
}

impl Question {
    /// The scenario, and what its last line gives: the key.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn as_scenario(&self) -> Result<Option<Scenario>, String> {
        let Some(text) = &self.scenario else { return Ok(None) };
        let right = self.options.iter().find(|option| option.right).and_then(|option| option.gives.as_ref());
        let key = right.ok_or("the right option doesn't say what the scenario gives")?;
        Scenario::parse(&format!("{} => {key}", text.trim_end()))
            .map(Some)
            .map_err(|problem| format!("its scenario: {problem}"))
    }
}

/// The key is what the model gives, and no other option is; an option of somebody with a rule wrong is what he expects. The
/// tests ask the kernel as well.
fn problems_as_scenario(question: &Question, wrong: &mut impl FnMut(String)) {
    let scenario = match question.as_scenario() {
        Ok(Some(scenario)) => scenario,
        Ok(None) => {
            if question.options.iter().any(|option| option.gives.is_some()) {
                wrong("an option says what a scenario gives, and there is none".into());
            }
            return;
        }
        Err(what) => return wrong(what),
    };
    let Ok(outcomes) = Model::new(PAGE).play(&scenario);
    for option in &question.options {
        let Some(gives) = &option.gives else { continue };
        let is_key = outcomes.last().is_some_and(|outcome| outcome.to_string() == *gives);
        if is_key != option.right {
            let outcome = outcomes.last().map(ToString::to_string).unwrap_or_default();
            wrong(format!(
                "its scenario gives {outcome}, and an option that is {} says {gives}",
                if option.right { "right" } else { "wrong" }
            ));
        }
        let Some(denial) = option.misconception.as_deref().and_then(Denial::of_slug) else { continue };
        let predicted = denial.prediction(&scenario, PAGE).map(|outcome| outcome.to_string()).unwrap_or_default();
        if predicted != *gives {
            wrong(format!("{} expects {predicted}, and its option says {gives}", denial.misconception.slug));
        }
    }
}
