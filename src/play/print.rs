//! The rows, for people and for programs.

use std::io::{self, Write};

use serde_json::json;
use unicode_width::UnicodeWidthStr;

use super::{Row, page_size, trace};
use crate::model::{Basis, Model, Posix, Rule};
use crate::scenario::{Line, Outcome, Scenario};
use crate::text;
use crate::text::{Language, Text};
use crate::ui::{JSON_FORMAT, wrap};

/// A rule's sentence.
pub fn sentence(rule: Rule, language: Language) -> &'static str {
    match language {
        Language::English => rule.en(),
        Language::Chinese => rule.zh(),
    }
}

/// Who says so.
pub fn standing(rule: Rule, language: Language) -> &'static str {
    match language {
        Language::English => rule.standing().en(),
        Language::Chinese => rule.standing().zh(),
    }
}

/// What POSIX allows as well, in a sentence; None where it leaves nothing open.
pub fn elsewhere(outcomes: &[Outcome]) -> Option<Text> {
    let [one, others @ ..] = outcomes else { return None };
    let (mut en, mut zh) = (cut(one.to_string()), cut(one.to_string()));
    for other in others {
        en += &format!(", or {}", cut(other.to_string()));
        zh += &format!("，或者 {}", cut(other.to_string()));
    }
    Some(text!(
        "POSIX leaves this unspecified: on another system it may be {en}.",
        "POSIX 对此未作规定：在别的系统上可能是 {zh}。"
    ))
}

/// What is longer is cut: a page of bytes helps nobody in a table.
const WIDEST: usize = 36;

fn cut(text: String) -> String {
    match text.char_indices().nth(WIDEST) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

fn padded(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(text.width())))
}

/// Prints the rows as a table, one a line, and points at each that doesn't agree; with `trace` what there is after each.
///
/// # Errors
/// Those of writing.
pub fn print(out: &mut dyn Write, rows: &[Row], traced: bool, language: Language) -> io::Result<()> {
    // What there is after each line is found once more, and not kept: it may be much.
    let mut model = Model::new(page_size()?);
    let words = |words: Text| words.in_language(language).to_owned();
    // Most scenarios have nothing in the last column.
    let posix =
        if rows.iter().any(|row| !row.elsewhere().is_empty()) { text!("POSIX", "POSIX") } else { text!("", "") };
    let heads = [text!("scenario", "脚本"), text!("model", "模型"), text!("kernel", "内核"), posix].map(words);
    let texts: Vec<[String; 4]> = rows.iter().map(|row| texts(row, language)).collect();
    let width = |n: usize| texts.iter().map(|row| row[n].width()).chain([heads[n].width()]).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2)];
    let number_width = rows.len().to_string().len();
    let row = |mark: &str, number: &str, [line, model, kernel, posix]: &[String; 4]| {
        let [line, model, kernel] = [(line, 0), (model, 1), (kernel, 2)].map(|(text, n)| padded(text, widths[n]));
        format!("{mark} {number:>number_width$}  {line}  {model}  {kernel}  {posix}").trim_end().to_owned()
    };
    writeln!(out, "{}", row(" ", "", &heads))?;
    for ((number, texts), of) in (1..).zip(&texts).zip(rows) {
        let mark = if of.agrees() { " " } else { "!" };
        writeln!(out, "{}", row(mark, &number.to_string(), texts))?;
        if traced {
            for line in wrap(&reason(of.rule, language), 76) {
                writeln!(out, "{:number_width$}    {}", "", line.trim_end())?;
            }
            model.step(of.line.process, &of.line.operation);
            for line in trace::draw(&model.view()) {
                writeln!(out, "{:number_width$}      {line}", "")?;
            }
        }
    }
    for (number, row) in (1..).zip(rows).filter(|(_, row)| !row.agrees()) {
        writeln!(out)?;
        let (model, kernel) = (cut(row.model.to_string()), cut(row.kernel.to_string()));
        if !row.model.allows(&row.kernel) {
            let text = text!(
                "line {number}: the model says {model}, the kernel {kernel}.",
                "第 {number} 行：模型说 {model}，内核给出 {kernel}。"
            );
            writeln!(out, "{}", words(text))?;
        }
        if let Some(claim) = row.line.outcome.as_ref().filter(|claim| !claim.allows(&row.kernel)) {
            let claim = cut(claim.to_string());
            let text = text!(
                "line {number}: it claims {claim}, the kernel gives {kernel}.",
                "第 {number} 行：脚本声称 {claim}，内核给出 {kernel}。"
            );
            writeln!(out, "{}", words(text))?;
        }
        writeln!(out, "{}{}", words(text!("The model's rule: ", "模型依据的规则：")), reason(row.rule, language))?;
    }
    Ok(())
}

/// A rule's sentence, and who says so where it isn't POSIX.
fn reason(rule: Rule, language: Language) -> String {
    match rule.standing() {
        Basis::Posix => sentence(rule, language).to_owned(),
        _ => format!("{} [{}]", sentence(rule, language), standing(rule, language)),
    }
}

/// A scenario as the model has it: after each line what it gives, why, and what there is then.
pub fn explained(scenario: &Scenario, page: u32, language: Language) -> String {
    let (mut model, mut posix) = (Model::new(page), Posix::new(page));
    let mut text = String::new();
    for Line { process, operation, .. } in &scenario.0 {
        let (outcome, rule) = model.step(*process, operation);
        text += &format!("{process} {operation}  => {}\n", cut(outcome.to_string()));
        let why = match elsewhere(posix.step(*process, operation).others_than(&outcome)) {
            Some(words) => format!("{}\n{}", sentence(rule, language), words.in_language(language)),
            None => reason(rule, language),
        };
        wrap(&why, 76).iter().for_each(|line| text += &format!("    {}\n", line.trim_end()));
        trace::draw(&model.view()).iter().for_each(|line| text += &format!("      {line}\n"));
    }
    text
}

fn texts(row: &Row, language: Language) -> [String; 4] {
    let or = text!("or ", "或 ").in_language(language).to_owned();
    let others: Vec<String> = row.elsewhere().iter().map(|outcome| or.clone() + &cut(outcome.to_string())).collect();
    let line = format!("{} {}", row.line.process, row.line.operation);
    [line, cut(row.model.to_string()), cut(row.kernel.to_string()), others.join(" ")]
}

/// Prints the rows as one JSON object, row by row: what there is after each may be much, and is not kept.
///
/// - `format`: [`JSON_FORMAT`].
/// - `page_size`: in bytes.
/// - `lines`, one for each line of the scenario: its `process` and `operation`, what it `claims` (null if nothing), what the
///   `model` says, what `posix` allows and what the `kernel` gave, all written as in a scenario; whether it `agrees`; the `rule`
///   with its `name`, its sentence in `en` and in `zh`, and its `standing` ([`crate::model::Basis`]).
/// - With a trace each line has a `view`, which is what there is after it ([`crate::model::View`]). `files`: `names`, `size`,
///   `pages` (each its bytes; null for zeros that were never stored to), `seals`. `processes`: `process`; `descriptors` with `name`,
///   `file` (the place in `files`) and `access`; `mappings` with `name`, `file` (null for private memory without one), `shared`
///   and `pages`: null where nothing is mapped any more, else `protection` and `backing`, which is the file's page (`file_page`), a
///   private copy (`copy`, the same number for the same copy, and its `bytes`), `"behind the end"` or `"zeros"`.
///
/// # Errors
/// Those of writing.
pub fn json(out: &mut dyn Write, rows: &[Row], traced: bool) -> io::Result<()> {
    let page = page_size()?;
    let mut model = Model::new(page);
    let row = |row: &Row| {
        let mut value = json!({
            "process": row.line.process.to_string(),
            "operation": row.line.operation.to_string(),
            "claims": row.line.outcome.as_ref().map(Outcome::to_string),
            "model": row.model.to_string(),
            "posix": row.posix.to_string(),
            "kernel": row.kernel.to_string(),
            "agrees": row.agrees(),
            "rule": {
                "name": format!("{:?}", row.rule),
                "en": row.rule.en(),
                "zh": row.rule.zh(),
                "standing": format!("{:?}", row.rule.standing()),
            },
        });
        if traced {
            model.step(row.line.process, &row.line.operation);
            value["view"] = trace::json(&model.view());
        }
        value
    };
    write!(out, "{{\"format\":{JSON_FORMAT},\"page_size\":{page},\"lines\":[")?;
    for (n, value) in rows.iter().map(row).enumerate() {
        writeln!(out, "{}", if n > 0 { "," } else { "" })?;
        serde_json::to_writer(&mut *out, &value)?;
    }
    writeln!(out, "\n]}}")
}
