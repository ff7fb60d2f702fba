//! Plays scenarios on the model and on the kernel, side by side.

mod print;
pub mod random;
mod stage;
pub mod torture;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use serde_json::Value;

use crate::error::{named, told};
use crate::model::{Model, Setting};
use crate::observe;
use crate::scenario::{Backend, Line, Operation, Outcome, Problem, Scenario};
use crate::text;
use crate::text::Text;
use crate::trace;
use crate::trace::{Checker, Step, Tracer};

pub use print::{elsewhere, explained, json, on_file_systems, print};
pub use stage::{Place, Stage};

/// What a line gives, on the model and on the kernel.
#[derive(Debug, Clone)]
pub struct Row {
    /// What the model says of it.
    pub step: Step,
    /// What the kernel gave; None from a power cut on, which no kernel plays.
    pub kernel: Option<Outcome>,
    /// Whether a process that the line needs died on the kernel only, in an earlier line: this one follows from that.
    pub follows: bool,
}

impl Row {
    /// Whether the kernel gave what the model says, and what the line claims, or a line before it accounts for that. Where no
    /// kernel can be asked, whether the line claims all that the model says.
    pub fn agrees(&self) -> bool {
        let Step { line, model, .. } = &self.step;
        let given = self.kernel.as_ref().unwrap_or(model);
        let claimed = || line.outcome.as_ref().is_none_or(|claim| claim.allows(given));
        self.follows || model.allows(given) && claimed()
    }
}

/// The page size of this machine, in bytes.
///
/// # Errors
/// When it does not fit into 32 bits. Never fails in practice.
pub fn page_size() -> io::Result<u32> {
    observe::page_size().try_into().map_err(io::Error::other)
}

/// The most bytes of a scenario's text.
const LONGEST: u64 = 16 << 20;

/// A scenario with its text.
#[derive(Debug)]
pub struct Source {
    name: String,
    text: String,
    /// The lines before the problem, if there is one.
    beginning: Scenario,
    problem: Option<Problem>,
}

impl Source {
    /// Reads it from a file, or from standard input where the path is `-`.
    ///
    /// # Errors
    /// Those of reading it; `InvalidData` if it has no lines.
    pub fn read(path: &Path) -> io::Result<Source> {
        let name = path.display().to_string();
        let unfit = |why: Text| named(&name, &told(io::ErrorKind::InvalidData, why));
        let mut text = String::new();
        let source: Box<dyn Read> = match path.as_os_str() == "-" {
            true => Box::new(io::stdin()),
            false => Box::new(File::open(path).map_err(|error| named(&name, &error))?),
        };
        source.take(LONGEST + 1).read_to_string(&mut text).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData => unfit(text!("not UTF-8", "不是 UTF-8 文本")),
            _ => named(&name, &error),
        })?;
        if text.len() as u64 > LONGEST {
            return Err(unfit(text!("longer than {LONGEST} bytes", "超过 {LONGEST} 字节")));
        }
        let (beginning, problem) = Scenario::parse_beginning(&text);
        match problem.is_none() && beginning.0.is_empty() {
            true => Err(unfit(text!("the scenario has no lines", "脚本里一行也没有"))),
            false => Ok(Source { name, text, beginning, problem }),
        }
    }

    /// The scenario.
    ///
    /// # Errors
    /// `InvalidData`, with line and column, if it isn't one.
    pub fn scenario(&self) -> io::Result<&Scenario> {
        match &self.problem {
            Some(problem) => Err(named(&self.name, &told(io::ErrorKind::InvalidData, problem.in_words()))),
            None => Ok(&self.beginning),
        }
    }
}

/// Plays a scenario and prints the rows as JSON, up to the first line that can't be played. Returns whether they agree.
///
/// # Errors
/// As [`Source::scenario`] and [`check`], after the rows so far.
pub fn both_as_json(out: &mut dyn Write, source: &Source, stage: &mut Stage, traced: bool) -> io::Result<bool> {
    let (mut beginning, mut error) = (source.beginning.clone(), Value::Null);
    let mut result = source.scenario().map(drop);
    if let Some(problem) = &source.problem {
        error = trace::problem(problem.line, Some(problem.column), &problem.text);
    }
    if let Some((index, why)) = first_unfit(&beginning, stage)? {
        let line = &beginning.0[index];
        error = trace::problem(line.number, None, &why);
        result = Err(unfit(line, &why));
        beginning.0.truncate(index);
    }
    let happened = played(&beginning, stage)?;
    let rows = rows(&beginning, &stage.setting, happened);
    json(out, &rows, stage, &source.text, error, traced)?;
    result.map(|()| rows.iter().all(Row::agrees))
}

/// Whether each line of a scenario is applicable, and the scenario stays within the limits of the model. Where a line
/// leaves its outcome open, the lines after it depend on what this kernel does there: it plays the scenario then.
///
/// # Errors
/// `InvalidInput`, with the first line that isn't or doesn't, and why. Else those of playing it.
pub fn check(scenario: &Scenario, stage: &mut Stage) -> io::Result<()> {
    match first_unfit(scenario, stage)? {
        Some((index, why)) => Err(unfit(&scenario.0[index], &why)),
        None => Ok(()),
    }
}

fn unfit(line: &Line, why: &Text) -> io::Error {
    let (Line { number, process, operation, .. }, Text { en, zh }) = (line, why);
    let text = text!("line {number}, `{process} {operation}`: {en}", "第 {number} 行 `{process} {operation}`：{zh}");
    told(io::ErrorKind::InvalidInput, text)
}

/// The index of the first line that can't be played, and why.
fn first_unfit(scenario: &Scenario, stage: &mut Stage) -> io::Result<Option<(usize, Text)>> {
    let (mut checker, mut happened) = (Checker::on(&stage.setting), Vec::new());
    let on_the_kernel = scenario.for_the_kernel();
    for (index, line) in scenario.0.iter().enumerate() {
        match checker.step(line, happened.get(index)) {
            Err(why) => return Ok(Some((index, why))),
            Ok((Outcome::OneOf(_), _)) if happened.is_empty() && index < on_the_kernel => {
                happened = played(scenario, stage)?;
                checker = Checker::on(&stage.setting);
                for (line, happened) in scenario.0.iter().zip(&happened).take(index + 1) {
                    if let Err(why) = checker.step(line, Some(happened)) {
                        return Ok(Some((index, why)));
                    }
                }
            }
            Ok(_) => {}
        }
    }
    Ok(None)
}

/// Plays a scenario on the model and on the kernel.
///
/// # Errors
/// As [`check`].
pub fn both(scenario: &Scenario, stage: &mut Stage) -> io::Result<Vec<Row>> {
    check(scenario, stage)?;
    let happened = played(scenario, stage)?;
    Ok(rows(scenario, &stage.setting, happened))
}

/// What a kernel gives for the lines before a power cut.
fn played(scenario: &Scenario, stage: &mut Stage) -> io::Result<Vec<Outcome>> {
    stage.play(&Scenario(scenario.0[..scenario.for_the_kernel()].to_vec()))
}

/// What each line gives on the model, beside what happened on a kernel, as far as it has played.
pub fn rows(scenario: &Scenario, setting: &Setting, happened: Vec<Outcome>) -> Vec<Row> {
    let (mut tracer, mut rows, mut gone) = (Tracer::on(setting), Vec::new(), BTreeSet::new());
    let mut happened = happened.into_iter();
    for line in &scenario.0 {
        let kernel = happened.next();
        let step = tracer.step(line, kernel.as_ref());
        let follows = match line.operation {
            Operation::Kill(victim) => gone.contains(&victim) || gone.contains(&line.process),
            _ => gone.contains(&line.process),
        };
        match line.operation {
            // A process that the kernel hasn't forked is as if it had died.
            Operation::Fork(child) if follows => {
                gone.insert(child);
            }
            _ if matches!(kernel, Some(Outcome::Died(..))) && !matches!(step.model, Outcome::Died(..)) => {
                gone.insert(line.process);
            }
            _ => {}
        }
        rows.push(Row { step, kernel, follows });
    }
    rows
}

/// The index of the first line for which the kernel gives what the model doesn't allow; None if there is none. The
/// model has done nothing yet.
///
/// # Errors
/// Those of playing it.
pub fn first_divergence(scenario: &Scenario, model: &Model, stage: &mut Stage) -> io::Result<Option<usize>> {
    let mut model = model.clone();
    let happened = stage.play(scenario)?;
    Ok(scenario.0.iter().zip(&happened).position(|(line, happened)| {
        let (predicted, _) = model.step_as(line.process, &line.operation, happened);
        !predicted.allows(happened)
    }))
}
