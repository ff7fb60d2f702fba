//! Prints the rows, for people and for programs.

use std::io::{self, Write};

use serde_json::Value;
use unicode_width::UnicodeWidthStr;

use super::{Row, Stage};
use crate::model::{Basis, Model, Other, Rule, Setting};
use crate::scenario::{Outcome, Scenario};
use crate::text;
use crate::text::{Language, Text};
use crate::trace;
use crate::trace::{Changes, Tracer};
use crate::ui::wrap;

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
pub fn on_file_systems(others: &[Other]) -> Option<Text> {
    let words = |Other { names, outcome, .. }: &Other| {
        let outcome = cut(outcome.to_string());
        text!("On {names} it is {outcome}.", "在 {names} 上是 {outcome}。"; names)
    };
    let (first, rest) = others.split_first()?;
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
    let with_disk = rows.iter().any(|row| row.step.line.operation.is_about_the_disk());
    let words = |words: Text| words.in_language(language).to_owned();
    // Most scenarios have nothing in the last columns.
    let head = |is_there: bool, text: Text| if is_there { text } else { Text::fixed("", "") };
    let posix = head(rows.iter().any(|row| !row.step.posix.is_empty()), text!("POSIX", "POSIX"));
    let others =
        head(rows.iter().any(|row| !row.step.file_systems.is_empty()), text!("other file systems", "其他文件系统"));
    let heads = [text!("scenario", "脚本"), text!("model", "模型"), text!("kernel", "内核"), posix, others].map(words);
    let texts: Vec<[String; 5]> = rows.iter().map(|row| texts(row, language)).collect();
    let width = |n: usize| texts.iter().map(|row| row[n].width()).chain([heads[n].width()]).max().unwrap_or(0);
    let widths = [0, 1, 2, 3].map(width);
    let number_width = rows.last().map_or(0, |row| row.step.line.number.to_string().len());
    let row = |mark: &str, number: &str, texts: &[String; 5]| {
        let columns = texts.iter().zip(widths.into_iter().chain([0]));
        let columns = columns.filter(|(text, width)| !text.is_empty() || *width > 0);
        let columns: Vec<_> = columns.map(|(text, width)| padded(text, width)).collect();
        format!("{mark} {number:>number_width$}  {}", columns.join("  ")).trim_end().to_owned()
    };
    writeln!(out, "{}", row(" ", "", &heads))?;
    for (texts, of) in texts.iter().zip(rows) {
        let mark = if of.agrees() { " " } else { "!" };
        writeln!(out, "{}", row(mark, &of.step.line.number.to_string(), texts))?;
        if traced {
            let others =
                on_file_systems(&of.step.file_systems).map(|text| "\n".to_owned() + text.in_language(language));
            let why = reason(of.step.rule, language) + &others.unwrap_or_default();
            for line in wrap(&why, 76) {
                writeln!(out, "{:number_width$}    {}", "", line.trim_end())?;
            }
            step_on(&mut model, of);
            for line in trace::draw(&model.state(), with_disk, language) {
                writeln!(out, "{:number_width$}      {line}", "")?;
            }
        }
    }
    for row in rows.iter().filter(|row| !row.agrees()) {
        let number = row.step.line.number;
        writeln!(out)?;
        let model = cut(row.step.model.to_string());
        let Some(kernel) = &row.kernel else {
            let claim = cut(row.step.line.outcome.as_ref().map_or(String::new(), Outcome::to_string));
            let text = text!(
                "line {number}: it claims {claim}, the model says {model}.",
                "第 {number} 行：脚本声称 {claim}，模型说 {model}。"
            );
            writeln!(out, "{}", words(text))?;
            writeln!(
                out,
                "{}{}",
                words(text!("The model's rule: ", "模型依据的规则：")),
                reason(row.step.rule, language)
            )?;
            continue;
        };
        let (given, kernel) = (kernel, cut(kernel.to_string()));
        if !row.step.model.allows(given) {
            let text = text!(
                "line {number}: the model says {model}, the kernel gives {kernel}.",
                "第 {number} 行：模型说 {model}，内核给出 {kernel}。"
            );
            writeln!(out, "{}", words(text))?;
        }
        if let Some(claim) = row.step.line.outcome.as_ref().filter(|claim| !claim.allows(given)) {
            let claim = cut(claim.to_string());
            let text = text!(
                "line {number}: it claims {claim}, the kernel gives {kernel}.",
                "第 {number} 行：脚本声称 {claim}，内核给出 {kernel}。"
            );
            writeln!(out, "{}", words(text))?;
        }
        writeln!(out, "{}{}", words(text!("The model's rule: ", "模型依据的规则：")), reason(row.step.rule, language))?;
    }
    if let Some(row) = rows.iter().find(|row| row.kernel.is_none()) {
        let number = row.step.line.number;
        let text = text!(
            "From line {number} on only the model plays: no kernel can be asked for a power cut, or for a disk that fails.",
            "从第 {number} 行起只有模型：断电和磁盘出错，都无法让内核来演示。"
        );
        writeln!(out, "\n{}", words(text))?;
    }
    for difference in &stage.differences {
        writeln!(out, "\n{}", difference.in_language(language))?;
    }
    Ok(())
}

/// The model goes on from what the kernel gave, if it was asked.
fn step_on(model: &mut Model, Row { step, kernel, .. }: &Row) {
    let (process, operation) = (step.line.process, &step.line.operation);
    match kernel {
        Some(kernel) => drop(model.step_as(process, operation, kernel)),
        None => drop(model.step(process, operation)),
    }
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
    let (mut tracer, mut text) = (Tracer::on(&Setting::new(page_size)), String::new());
    for line in &scenario.0 {
        let step = tracer.step(line, None);
        text += &format!("{} {}  => {}\n", line.process, line.operation, cut(step.model.to_string()));
        let why = match elsewhere(&step.elsewhere()) {
            Some(words) => format!("{}\n{}", step.rule.sentence().in_language(language), words.in_language(language)),
            None => reason(step.rule, language),
        };
        let others = on_file_systems(&step.file_systems);
        let why = others.map_or(why.clone(), |words| format!("{why}\n{}", words.in_language(language)));
        wrap(&why, 76).iter().for_each(|line| text += &format!("    {}\n", line.trim_end()));
        let with_disk = scenario.0.iter().any(|line| line.operation.is_about_the_disk());
        trace::draw(&tracer.state(), with_disk, language).iter().for_each(|line| text += &format!("      {line}\n"));
    }
    text
}

fn texts(row: &Row, language: Language) -> [String; 5] {
    let or = text!("or ", "或 ").in_language(language).to_owned();
    let others: Vec<String> =
        row.step.posix.iter().map(|(outcome, _)| or.clone() + &cut(outcome.to_string())).collect();
    let line = format!("{} {}", row.step.line.process, row.step.line.operation);
    let on = |Other { names, outcome, .. }: &Other| {
        let outcome = cut(outcome.to_string());
        text!("{names}: {outcome}", "{names}：{outcome}"; names).in_language(language).to_owned()
    };
    let file_systems: Vec<_> = row.step.file_systems.iter().map(on).collect();
    let kernel = row.kernel.as_ref().map_or("-".to_owned(), Outcome::to_string);
    [line, cut(row.step.model.to_string()), cut(kernel), others.join(" "), file_systems.join("; ")]
}

/// Prints the rows as one JSON object, row by row: the state after each may be large, and is not kept.
///
/// - `format`: [`JSON_FORMAT`](trace::JSON_FORMAT).
/// - `page_size`: in bytes.
/// - `file_system`, on which the named files are: its `name` in each language (`en`, `zh`), and what was found out of it
///   ([`FileSystem`](crate::model::FileSystem)): `past_the_end` (`"Zeroed"`, `"Kept"` or `"Open"`), `shared_mappings`,
///   `refuses_seals_with`, `executable`, `zeroes`, `collapsing`, `marking` and `on_disk`; `memory`: the same of files from
///   memfd_create(2).
/// - `lockable`: how many bytes a process may lock, null without a limit; `guards`: where the kernel knows guard pages
///   ([`Guards`](crate::model::Guards)).
/// - `differences`: what this kernel's file systems do otherwise than is known of them, each in each language.
/// - `error`: null, or why the scenario can't be played from a line on: the `line`, the `column` (null if it isn't about a
///   part of the line), and the reason in each language.
/// - `lines`, an object for each line of the scenario up to the error, where outcomes are written as in a scenario:
///   - `number` and `text` in the scenario; `process` and `operation`; `words`: what it does, in each language;
///   - `claim`: the outcome that the line claims, or null; `refuted`: whether the model gives something else; `asked`:
///     whether the line ends in `=> ?`;
///   - `model` and `kernel`: what the model says, what the kernel gave (null from a power cut on, which no kernel plays);
///   - `posix`: what POSIX allows besides, each an `outcome` with a `rule` of Linux that such a system doesn't keep;
///   - `file_systems`: what the model says of others where that isn't the same, each with `names`, `outcome`, and the
///     `rule` that explains it there;
///   - `agrees`: whether the kernel gave what the model says and the line claims, or an earlier line accounts for it;
///   - `rule`, which explains the model's outcome: its `name` ([`Rule`]), its `sentence` in each language (`en`, `zh`),
///     its `basis` (`"Posix"`, `"Unspecified"`, `"Linux"`, `"FileSystem"` or `"Varies"`: [`Basis`]), and where to `read`
///     about it in the book;
///   - `options`, where the line is asked: each an `outcome` with the slugs of the `beliefs` that expect it, none for what
///     the model gives;
///   - with `--trace` also `state`, the [`State`](crate::model::State) after the line, and `events`, what the line has
///     changed.
///
/// A `state` has two lists, and the disk.
/// - `files`: `number`, which a file keeps; `names`; `size` in bytes; `pages`, each its bytes, or null for zeros that were
///   never stored to; `seals`; `anonymous`: whether it is the memory of a shared anonymous mapping.
/// - `processes`: `process`; `descriptors` with `name`, `file` (its index in `files`) and `access`; `mappings` with
///   `name`, `length` (as it was asked for) and `pages`. A page is null where nothing is mapped, else it has a
///   `protection`, `shared`, `file` (its `index` in `files`, and the number of its `page`; null for private anonymous
///   memory), `locked`, `left_at_fork`, `wiped_at_fork` and a `backing`: `"file"`, a private copy
///   (`{"copy": N, "bytes": ...}`; it keeps its N), `"past_the_end"`, `"zeros"` or `"guard"`.
///
/// - `disk`, what may be on it: `names`, each a `name` with the numbers of the `files` that it may lead to, null where there
///   may be no such name; `files`, each its `number`, the `sizes` that it may have, and the `pages` up to the largest of them;
///   `disks`: after a power cut, how many there may be that differ in names or sizes. The lists above are those of the first
///   of them, to which the newest of all has come.
///
/// Bytes are runs, `[byte, times]`: the byte is a number, a list of two where it may be either, or null where it may be any.
///
/// An event has a `kind`: `load`, `store` or `call` (with `process`, `mapping`, the first `page` and the `count` of pages,
/// up to a fault); `copy_made` and `copy_dropped` (`process`, `mapping`, `page`, `copy`); `pages_cut_off` (the number of
/// the `file`, the `first` page, their `count`); `file_gone` (`file`); `process_gone` (`process`, and `how`: the signal
/// and its code, `exit`, or `power cut`); `power_cut`.
///
/// # Errors
/// Those of writing.
pub fn json(
    out: &mut dyn Write,
    rows: &[Row],
    stage: &Stage,
    source: &str,
    error: Value,
    traced: bool,
) -> io::Result<()> {
    let (mut model, mut changes) = (Model::on(&stage.setting), Changes::on(&stage.setting));
    let source: Vec<_> = source.lines().collect();
    let line = |row: &Row| {
        let Row { step, kernel, .. } = row;
        let mut value = trace::json(step, &source);
        value["kernel"] = kernel.as_ref().map(Outcome::to_string).into();
        value["agrees"] = row.agrees().into();
        if traced {
            step_on(&mut model, row);
            changes.add(&mut value, step, model.state());
        }
        value
    };
    let mut head = trace::setting(&stage.setting);
    head["file_system"]["name"] = trace::words(&stage.name);
    head["differences"] = stage.differences.iter().map(trace::words).collect();
    let mut chunks = trace::document(head, rows.iter().map(line), error);
    chunks.try_for_each(|chunk| out.write_all(chunk.as_bytes()))
}
