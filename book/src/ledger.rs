//! What POSIX and the man pages assert, and where each assertion is shown: `book/assertions.toml`, as tables of the book.

use mmap_workbook::model::Model;
use mmap_workbook::scenario::{Backend, Outcome, Scenario};
use mmap_workbook::text::Text;
use serde::Deserialize;

use crate::check::typesetting;
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
    pub says: Text,
    /// A scenario whose last line says what it gives.
    #[serde(default)]
    pub scenario: Option<String>,
    /// Tests, `lesson_2::name`, where one of them shows a half and another the other half.
    #[serde(default)]
    pub tests: Vec<String>,
    /// Why it isn't shown.
    #[serde(default)]
    pub not_shown: Option<Text>,
    /// Of what a scenario or tests show: what they leave out, and why.
    #[serde(default)]
    pub but: Option<Text>,
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

/// What is wrong with the Chinese of the file, where there is one.
pub fn problems(sources: &Sources) -> Vec<Problem> {
    let Ok(text) = sources.read(FILE) else { return Vec::new() };
    let all = match assertions(sources) {
        Ok(all) => all,
        Err(problem) => return vec![problem],
    };
    let texts = all.iter().flat_map(|row| [Some(&row.says), row.not_shown.as_ref(), row.but.as_ref()]).flatten();
    let wrong = |words: &Text| {
        let line = text.lines().position(|line| line.contains(words.zh.as_ref())).map_or(0, |n| n + 1);
        typesetting(&words.zh).into_iter().map(move |what| Problem::new(FILE, line, what)).collect::<Vec<_>>()
    };
    texts.flat_map(wrong).collect()
}

/// How many are shown by a scenario, by a test, not at all.
pub fn counts(assertions: &[Assertion]) -> [usize; 3] {
    let count = |has: fn(&Assertion) -> bool| assertions.iter().filter(|assertion| has(assertion)).count();
    [count(|a| a.scenario.is_some()), count(|a| !a.tests.is_empty()), count(|a| a.not_shown.is_some())]
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
    let part = rows.iter().filter(|row| row.but.is_some()).count();
    let mut out = either(
        language,
        format!("{} rows: {scenarios} shown by a scenario, {tests} by tests, {open} not shown", rows.len()),
        format!("共 {} 条：{scenarios} 条由脚本证明，{tests} 条由测试证明，{open} 条没有证明", rows.len()),
    );
    if part > 0 {
        out += &either(
            language,
            format!("; of {part} of those that are shown a part is left out"),
            format!("；已证明的当中有 {part} 条留下了一部分没有证明"),
        );
    }
    out += either(language, ".\n\n", "。\n\n");
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
    let said =
        |label: &str, why: &Text| format!("<em>{label}{}</em>", crate::render::escape(why.in_language(language)));
    let mut out = match (&row.scenario, row.tests.as_slice(), &row.not_shown) {
        (Some(text), [], None) => {
            let scenario = claimed(text)?;
            // Blank lines would end the HTML: there are none.
            format!("<pre><code>{}</code></pre>", crate::render::escape(scenario.to_string().trim_end()))
        }
        (None, tests @ [_, ..], None) => {
            let commands: Result<Vec<_>, _> =
                tests.iter().map(|test| Ok::<_, String>(format!("<code>{}</code>", test_of(sources, test)?))).collect();
            commands?.join("<br>")
        }
        (None, [], Some(why)) if row.but.is_none() => {
            return Ok(said(either(language, "Not shown: ", "没有证明："), why));
        }
        _ => return Err("it is shown by one of scenario, tests, not_shown; `but` stands beside the first two".into()),
    };
    if let Some(but) = &row.but {
        out += &format!("<p>{}</p>", said(either(language, "Not shown of it: ", "其中没有证明的："), but));
    }
    Ok(out)
}

/// The scenario, whose claims are what the model says; the tests ask the kernel as well. A line that claims nothing is
/// done: after a refusal that nobody mentions, the last line would show something else.
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
        let is_as_claimed = match &line.outcome {
            Some(claim) => *claim == outcome,
            None => matches!(outcome, Outcome::Done | Outcome::Count(_) | Outcome::Bytes(_)),
        };
        if !is_as_claimed || outcome.is_open() {
            return Err(format!("`{line}` gives {outcome}"));
        }
    }
    Ok(scenario)
}
