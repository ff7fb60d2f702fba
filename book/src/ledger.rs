//! What POSIX and the man pages assert, and where each assertion is shown: `book/assertions.toml`, as tables of the book.

use mmap_workbook::grade::Words;
use mmap_workbook::model::Model;
use mmap_workbook::scenario::{Scenario, World};
use serde::Deserialize;

use crate::render::{PAGE, test_of};
use crate::sources::{Language, Problem, Sources, either};

/// The file with all of them.
pub const FILE: &str = "book/assertions.toml";

/// An assertion, and how it is shown: in exactly one of three ways.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assertion {
    /// Whose: `mmap 12` and `munmap 3` are the Open POSIX Test Suite's numbers, `msync(2)` is a man page.
    pub of: String,
    /// What is asserted, in words of our own.
    pub says: Words,
    /// A scenario whose last line says what it gives.
    #[serde(default)]
    pub scenario: Option<String>,
    /// A test: `lesson_2::name`.
    #[serde(default)]
    pub test: Option<String>,
    /// Why it isn't shown.
    #[serde(default)]
    pub not_shown: Option<Words>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "assertion")]
    assertions: Vec<Assertion>,
}

/// All assertions.
///
/// # Errors
/// When there is no such file, or its TOML is not what it should be.
pub fn assertions(sources: &Sources) -> Result<Vec<Assertion>, Problem> {
    let text = sources.read(FILE)?;
    let parsed: File = toml::from_str(&text).map_err(|error| {
        let line = error.span().map_or(0, |span| 1 + text[..span.start].matches('\n').count());
        Problem::new(FILE, line, error.message().to_owned())
    })?;
    Ok(parsed.assertions)
}

/// Whether an assertion is in the table of this name: `mmap`, `munmap` or `pages`.
fn is_in(assertion: &Assertion, table: &str) -> bool {
    match table {
        "pages" => assertion.of.ends_with(')'),
        _ => assertion.of.strip_prefix(table).is_some_and(|rest| rest.starts_with(' ')),
    }
}

/// How many are shown by a scenario, by a test, not at all.
pub fn counts(assertions: &[Assertion]) -> [usize; 3] {
    let count = |has: fn(&Assertion) -> bool| assertions.iter().filter(|assertion| has(assertion)).count();
    [count(|a| a.scenario.is_some()), count(|a| a.test.is_some()), count(|a| a.not_shown.is_some())]
}

/// A table, as HTML. What is wrong with a row is an error.
///
/// # Errors
/// What is wrong, in words.
pub fn table(sources: &Sources, language: Language, name: &str) -> Result<String, String> {
    let all = assertions(sources).map_err(|problem| problem.to_string())?;
    let rows: Vec<_> = all.into_iter().filter(|assertion| is_in(assertion, name)).collect();
    if rows.is_empty() {
        return Err(format!("there is no table of assertions {name:?}: mmap, munmap or pages"));
    }
    let [scenarios, tests, open] = counts(&rows);
    let mut out = either(
        language,
        format!("{} rows: {scenarios} shown by a scenario, {tests} by a test, {open} not shown.\n\n", rows.len()),
        format!("共 {} 条：{scenarios} 条由脚本证明，{tests} 条由测试证明，{open} 条没有证明。\n\n", rows.len()),
    );
    let heads = either(language, ["Of", "What is asserted, and what shows it"], ["出处", "断言，以及如何证明"]);
    out += "<div class=\"table-wrapper\">\n<table class=\"ledger\">\n<thead><tr>";
    heads.iter().for_each(|head| out += &format!("<th>{head}</th>"));
    out += "</tr></thead>\n<tbody>\n";
    for row in &rows {
        let shown = shown(sources, language, row).map_err(|what| format!("{FILE}: {}: {what}", row.of))?;
        let says = crate::render::escape(row.says.in_language(language));
        out += &format!(
            "<tr><td>{}</td><td>{says}<div class=\"shown\">{shown}</div></td></tr>\n",
            row.of.replace(' ', "&nbsp;")
        );
    }
    out += "</tbody>\n</table>\n</div>\n";
    Ok(out)
}

fn shown(sources: &Sources, language: Language, row: &Assertion) -> Result<String, String> {
    match (&row.scenario, &row.test, &row.not_shown) {
        (Some(text), None, None) => {
            let scenario = claimed(text)?;
            // Blank lines would end the HTML: there are none.
            Ok(format!("<pre><code>{}</code></pre>", crate::render::escape(scenario.to_string().trim_end())))
        }
        (None, Some(test), None) => Ok(format!("<code>{}</code>", test_of(sources, test)?)),
        (None, None, Some(why)) => {
            let label = either(language, "Not shown: ", "没有证明：");
            Ok(format!("<em>{label}{}</em>", crate::render::escape(why.in_language(language))))
        }
        _ => Err("it is shown by one of scenario, test, not_shown".into()),
    }
}

/// The scenario, whose claims are what the model says; the tests ask the kernel as well.
///
/// # Errors
/// What is wrong with it.
pub fn claimed(text: &str) -> Result<Scenario, String> {
    let scenario = Scenario::parse(text).map_err(|problem| format!("its scenario: {problem}"))?;
    let Ok(outcomes) = Model::new(PAGE).play(&scenario);
    if scenario.0.last().is_none_or(|line| line.outcome.is_none()) {
        return Err("the last line of its scenario doesn't say what it gives".into());
    }
    for (line, outcome) in scenario.0.iter().zip(outcomes) {
        if line.outcome.as_ref().is_some_and(|claim| *claim != outcome) || outcome.is_open() {
            return Err(format!("`{line}` gives {outcome}"));
        }
    }
    Ok(scenario)
}
