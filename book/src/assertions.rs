//! What POSIX and the man pages assert, and where each assertion is shown: `book/assertions.toml`.

use mmap_workbook::model::Model;
use mmap_workbook::scenario::{Backend, Outcome, Scenario};
use mmap_workbook::text::Text;
use serde::Deserialize;

use crate::evidence::PAGE_SIZE;
use crate::sources::{Mistake, Sources};

/// The file with all assertions.
pub const FILE: &str = "book/assertions.toml";

/// An assertion, and how it is shown: by a scenario, by tests, or not at all.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assertion {
    /// Its source. `mmap 12` and `munmap 3` are the numbers of the Open POSIX Test Suite, `msync(2)` is a man page.
    pub of: String,
    /// What is asserted, in our own words.
    pub says: Text,
    /// A scenario whose last line claims what it gives.
    #[serde(default)]
    pub scenario: Option<String>,
    /// Tests, `lesson_2::name`. There are several where each of them shows a part.
    #[serde(default)]
    pub tests: Vec<String>,
    /// Why it isn't shown.
    #[serde(default)]
    pub not_shown: Option<Text>,
    /// What the scenario or the tests leave out, and why.
    #[serde(default)]
    pub but: Option<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AssertionFile {
    #[serde(rename = "assertion")]
    assertions: Vec<Assertion>,
}

/// All assertions.
///
/// # Errors
/// When there is no such file, or its TOML is wrong.
pub fn assertions(sources: &Sources) -> Result<Vec<Assertion>, Mistake> {
    sources.read_toml::<AssertionFile>(FILE).map(|parsed| parsed.assertions)
}

impl Assertion {
    /// Whether it is in the table of this name: `mmap`, `munmap` or `pages`.
    pub fn is_in(&self, table: &str) -> bool {
        match table {
            "pages" => self.of.ends_with(')'),
            _ => self.of.strip_prefix(table).is_some_and(|rest| rest.starts_with(' ')),
        }
    }

    /// All of its texts.
    pub fn texts(&self) -> impl Iterator<Item = &Text> {
        [Some(&self.says), self.not_shown.as_ref(), self.but.as_ref()].into_iter().flatten()
    }
}

/// The number of assertions that are shown by a scenario, by tests, and not at all.
pub fn counts(assertions: &[Assertion]) -> [usize; 3] {
    let count = |has: fn(&Assertion) -> bool| assertions.iter().filter(|assertion| has(assertion)).count();
    [count(|a| a.scenario.is_some()), count(|a| !a.tests.is_empty()), count(|a| a.not_shown.is_some())]
}

/// The scenario of an assertion. Each of its claims is what the model gives; a line without a claim succeeds. Otherwise
/// an earlier line might fail unnoticed, and the last line would show something else. The tests ask the kernel as well.
///
/// # Errors
/// When it is no scenario, or the model gives something else.
pub fn claimed(text: &str) -> Result<Scenario, String> {
    let scenario = Scenario::parse(text).map_err(|problem| format!("its scenario: {problem}"))?;
    let Ok(outcomes) = Model::new(PAGE_SIZE).play(&scenario);
    if scenario.0.last().is_none_or(|line| line.outcome.is_none()) {
        return Err("the last line of its scenario doesn't say what it gives".into());
    }
    for (line, outcome) in scenario.0.iter().zip(outcomes) {
        let is_as_claimed = match &line.outcome {
            Some(claim) => claim.at(PAGE_SIZE).is_ok_and(|claim| claim == outcome),
            None => matches!(outcome, Outcome::Done | Outcome::Count(_) | Outcome::Bytes(_)),
        };
        if !is_as_claimed || outcome.is_open() {
            return Err(format!("`{line}` gives {outcome}"));
        }
    }
    Ok(scenario)
}
