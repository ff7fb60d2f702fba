//! Prints the rows, for people and for programs.

use std::io::{self, Write};

use serde_json::json;
use unicode_width::UnicodeWidthStr;

use super::{Row, Stage, trace};
use crate::model::{Basis, Elsewhere, FileSystem, Model, Posix, Rule, Setting};
use crate::scenario::{Line, Outcome, Scenario};
use crate::text;
use crate::text::{Language, Text};
use crate::ui::{JSON_FORMAT, wrap};

/// What else POSIX allows, in a sentence; None if nothing.
pub fn elsewhere(outcomes: &[Outcome]) -> Option<Text> {
    let [one, others @ ..] = outcomes else { return None };
    let one = cut(one.to_string());
    let all = others.iter().fold(text!("{one}", "{one}"), |all, other| {
        let other = cut(other.to_string());
        let before = all;
        text!("{before}, or {other}", "{before}，或者 {other}"; before)
    });
    Some(text!(
        "POSIX leaves this unspecified: on another system it may be {all}.",
        "POSIX 对此未作规定：在别的系统上可能是 {all}。";
        all
    ))
}

/// What other file systems give, in a sentence; None if the same.
pub fn on_file_systems(outcomes: &[(Text, Outcome)]) -> Option<Text> {
    let words = |(names, outcome): &(Text, Outcome)| {
        let outcome = cut(outcome.to_string());
        text!("On {names} it is {outcome}.", "在 {names} 上是 {outcome}。"; names)
    };
    let (first, rest) = outcomes.split_first()?;
    Some(rest.iter().fold(words(first), |all, next| {
        let next = words(next);
        text!("{all} {next}", "{all}{next}"; all, next)
    }))
}

/// The most characters of an outcome in a table.
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

/// Prints the rows as a table, and points at each that doesn't agree; if `traced`, with the rule and the state after
/// each. Then what the stage does otherwise than its file system is known to.
///
/// # Errors
/// Those of writing.
pub fn print(out: &mut dyn Write, rows: &[Row], stage: &Stage, traced: bool, language: Language) -> io::Result<()> {
    // The state after each line is computed again, not kept: it may be large.
    let mut model = Model::on(&stage.setting);
    let words = |words: Text| words.in_language(language).to_owned();
    // Most scenarios have nothing in the last columns.
    let head = |is_there: bool, text: Text| if is_there { text } else { Text::fixed("", "") };
    let posix = head(rows.iter().any(|row| !row.elsewhere().is_empty()), text!("POSIX", "POSIX"));
    let others = head(rows.iter().any(|row| !row.file_systems.is_empty()), text!("other file systems", "其他文件系统"));
    let heads = [text!("scenario", "脚本"), text!("model", "模型"), text!("kernel", "内核"), posix, others].map(words);
    let texts: Vec<[String; 5]> = rows.iter().map(|row| texts(row, language)).collect();
    let width = |n: usize| texts.iter().map(|row| row[n].width()).chain([heads[n].width()]).max().unwrap_or(0);
    let widths = [0, 1, 2, 3].map(width);
    let number_width = rows.last().map_or(0, |row| row.line.number.to_string().len());
    let row = |mark: &str, number: &str, texts: &[String; 5]| {
        let columns = texts.iter().zip(widths.into_iter().chain([0]));
        let columns = columns.filter(|(text, width)| !text.is_empty() || *width > 0);
        let columns: Vec<_> = columns.map(|(text, width)| padded(text, width)).collect();
        format!("{mark} {number:>number_width$}  {}", columns.join("  ")).trim_end().to_owned()
    };
    writeln!(out, "{}", row(" ", "", &heads))?;
    for (texts, of) in texts.iter().zip(rows) {
        let mark = if of.agrees() { " " } else { "!" };
        writeln!(out, "{}", row(mark, &of.line.number.to_string(), texts))?;
        if traced {
            let others = on_file_systems(&of.file_systems).map(|text| "\n".to_owned() + text.in_language(language));
            let why = reason(of.rule, language) + &others.unwrap_or_default();
            for line in wrap(&why, 76) {
                writeln!(out, "{:number_width$}    {}", "", line.trim_end())?;
            }
            model.step_as(of.line.process, &of.line.operation, &of.kernel);
            for line in trace::draw(&model.state(), language) {
                writeln!(out, "{:number_width$}      {line}", "")?;
            }
        }
    }
    for row in rows.iter().filter(|row| !row.agrees()) {
        let number = row.line.number;
        writeln!(out)?;
        let (model, kernel) = (cut(row.model.to_string()), cut(row.kernel.to_string()));
        if !row.model.allows(&row.kernel) {
            let text = text!(
                "line {number}: the model says {model}, the kernel gives {kernel}.",
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
    for difference in &stage.differences {
        writeln!(out, "\n{}", difference.in_language(language))?;
    }
    Ok(())
}

/// A rule's sentence, and its basis if that isn't POSIX.
fn reason(rule: Rule, language: Language) -> String {
    let sentence = rule.sentence().in_language(language);
    match rule.basis() {
        Basis::Posix => sentence.to_owned(),
        basis => format!("{sentence} [{}]", basis.in_words().in_language(language)),
    }
}

/// A scenario as the model plays it: each line with its outcome, the reason, and the state after it.
pub fn explained(scenario: &Scenario, page_size: u32, language: Language) -> String {
    let setting = Setting::new(page_size);
    let (mut model, mut posix, mut others) = (Model::on(&setting), Posix::on(&setting), Elsewhere::than(&setting));
    let mut text = String::new();
    for Line { process, operation, .. } in &scenario.0 {
        let (outcome, rule) = model.step(*process, operation);
        text += &format!("{process} {operation}  => {}\n", cut(outcome.to_string()));
        let why = match elsewhere(posix.step(*process, operation).others_than(&outcome)) {
            Some(words) => format!("{}\n{}", rule.sentence().in_language(language), words.in_language(language)),
            None => reason(rule, language),
        };
        let others = on_file_systems(&others.step_as(*process, operation, &outcome, &outcome));
        let why = others.map_or(why.clone(), |words| format!("{why}\n{}", words.in_language(language)));
        wrap(&why, 76).iter().for_each(|line| text += &format!("    {}\n", line.trim_end()));
        trace::draw(&model.state(), language).iter().for_each(|line| text += &format!("      {line}\n"));
    }
    text
}

fn texts(row: &Row, language: Language) -> [String; 5] {
    let or = text!("or ", "或 ").in_language(language).to_owned();
    let others: Vec<String> = row.elsewhere().iter().map(|outcome| or.clone() + &cut(outcome.to_string())).collect();
    let line = format!("{} {}", row.line.process, row.line.operation);
    let on = |(names, outcome): &(Text, Outcome)| {
        let outcome = cut(outcome.to_string());
        text!("{names}: {outcome}", "{names}：{outcome}"; names).in_language(language).to_owned()
    };
    let file_systems: Vec<_> = row.file_systems.iter().map(on).collect();
    [line, cut(row.model.to_string()), cut(row.kernel.to_string()), others.join(" "), file_systems.join("; ")]
}

/// Prints the rows as one JSON object, row by row: the state after each may be large, and is not kept.
///
/// - `format`: [`JSON_FORMAT`].
/// - `page_size`: in bytes.
/// - `file_system`, on which the named files are: its `name` in each language (`en`, `zh`), and what was found out of it
///   ([`FileSystem`]): `past_the_end` (`"Zeroed"`, `"Kept"` or `"Open"`), `shared_mappings`,
///   `refuses_seals_with`, `executable`, `zeroes`, `collapsing` and `marking`; `memory`: the same of files from
///   memfd_create(2).
/// - `lockable`: how many bytes a process may lock, null without a limit; `guards`: where the kernel knows guard pages
///   ([`Guards`](crate::model::Guards)).
/// - `differences`: what this kernel's file systems do otherwise than is known of them, each in each language.
/// - `lines`, an object for each line of the scenario, where outcomes are written as in a scenario:
///   - `number`, in the scenario's text; `process` and `operation`;
///   - `claim`: the outcome that the line claims, or null;
///   - `model`, `posix` and `kernel`: what the model says, what POSIX allows, what the kernel gave;
///   - `file_systems`: what the model says of others where that isn't the same, each with `names` and `outcome`;
///   - `agrees`: whether the kernel gave what the model says and the line claims, or an earlier line accounts for it;
///   - `rule`, which explains the model's outcome: its `name` ([`Rule`]), its `sentence` in each language (`en`, `zh`),
///     and its `basis` (`"Posix"`, `"Unspecified"`, `"Linux"`, `"FileSystem"` or `"Varies"`: [`Basis`]);
///   - with `--trace` also `state`, the [`State`](crate::model::State) after the line, and `events`, what the line has
///     changed.
///
/// A `state` has two lists.
/// - `files`: `number`, which a file keeps; `names`; `size` in bytes; `pages`, each its bytes, or null for zeros that were
///   never stored to; `seals`.
/// - `processes`: `process`; `descriptors` with `name`, `file` (its index in `files`) and `access`; `mappings` with
///   `name`, `length` (as it was asked for) and `pages`. A page is null where nothing is mapped, else it has a
///   `protection`, `shared`, `file` (its `index` in `files`, and the number of its `page`; null for private anonymous
///   memory), `locked`, `left_at_fork`, `wiped_at_fork` and a `backing`: `"file"`, a private copy
///   (`{"copy": N, "bytes": ...}`; it keeps its N), `"past_the_end"`, `"zeros"` or `"guard"`.
///
/// Bytes are runs, `[byte, times]`: the byte is a number, a list of two where it may be either, or null where it may be any.
///
/// An event has a `kind`: `load`, `store` or `call` (with `process`, `mapping`, the first `page` and the `count` of pages,
/// up to a fault); `copy_made` and `copy_dropped` (`process`, `mapping`, `page`, `copy`); `pages_cut_off` (the number of
/// the `file`, the `first` page, their `count`); `file_gone` (`file`); `process_gone` (`process`, and `how`: the signal
/// and its code, or `exit`).
///
/// # Errors
/// Those of writing.
pub fn json(out: &mut dyn Write, rows: &[Row], stage: &Stage, traced: bool) -> io::Result<()> {
    let mut model = Model::on(&stage.setting);
    let mut state = model.state();
    let row = |row: &Row| {
        let mut value = json!({
            "number": row.line.number,
            "process": row.line.process.to_string(),
            "operation": row.line.operation.to_string(),
            "claim": row.line.outcome.as_ref().map(Outcome::to_string),
            "model": row.model.to_string(),
            "posix": row.posix.to_string(),
            "kernel": row.kernel.to_string(),
            "file_systems": row.file_systems.iter()
                .map(|(names, outcome)| json!({ "names": names, "outcome": outcome.to_string() }))
                .collect::<Vec<_>>(),
            "agrees": row.agrees(),
            "rule": {
                "name": format!("{:?}", row.rule),
                "sentence": row.rule.sentence(),
                "basis": format!("{:?}", row.rule.basis()),
            },
        });
        if traced {
            model.step_as(row.line.process, &row.line.operation, &row.kernel);
            let before = std::mem::replace(&mut state, model.state());
            value["events"] = trace::events(&before, &row.line, &row.model, &state, stage.setting.page_size).into();
            value["state"] = trace::json(&state);
        }
        value
    };
    let kind = |kind: &FileSystem| {
        json!({
            "past_the_end": format!("{:?}", kind.past_the_end),
            "shared_mappings": kind.shared_mappings,
            "refuses_seals_with": kind.refuses_seals_with,
            "executable": kind.executable,
            "zeroes": kind.zeroes,
            "collapsing": format!("{:?}", kind.collapsing),
            "marking": format!("{:?}", kind.marking),
        })
    };
    let (page_size, mut named, memory) =
        (stage.setting.page_size, kind(&stage.setting.named), kind(&stage.setting.memory));
    named["name"] = json!(stage.name);
    let differences = json!(stage.differences);
    writeln!(out, "{{\"format\":{JSON_FORMAT},\"page_size\":{page_size},")?;
    writeln!(out, "\"file_system\":{named},\"memory\":{memory},\"differences\":{differences},")?;
    let (lockable, guards) = (stage.setting.lockable, stage.setting.guards);
    let lockable = json!((lockable < u64::MAX).then_some(lockable));
    writeln!(out, "\"lockable\":{lockable},\"guards\":\"{guards:?}\",")?;
    write!(out, "\"lines\":[")?;
    for (n, value) in rows.iter().map(row).enumerate() {
        writeln!(out, "{}", if n > 0 { "," } else { "" })?;
        serde_json::to_writer(&mut *out, &value)?;
    }
    writeln!(out, "\n]}}")
}
