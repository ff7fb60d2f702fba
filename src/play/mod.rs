//! Scenarios on the model and on the kernel, side by side.

mod print;
pub mod random;
pub mod torture;
mod trace;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::kernel::Kernel;
use crate::model::{Model, Posix, Rule};
use crate::observe;
use crate::scenario::{Amount, Backend, Bytes, Contents, Line, Name, Operation, Outcome, Request, Scenario, Source};

pub use print::{elsewhere, explained, json, print, sentence, standing};

/// What a line gives, in both worlds.
#[derive(Debug, Clone)]
pub struct Row {
    /// The line, with what it claims.
    pub line: Line,
    /// What the model says.
    pub model: Outcome,
    /// The rule that it says so by.
    pub rule: Rule,
    /// What POSIX allows: what the model says, or one of several, of which that is the first.
    pub posix: Outcome,
    /// What has happened.
    pub kernel: Outcome,
}

impl Row {
    /// What POSIX allows beside what Linux does: on another system it may be one of these.
    pub fn elsewhere(&self) -> &[Outcome] {
        self.posix.others_than(&self.model)
    }

    /// Whether the kernel did what the model says, and what the line claims.
    pub fn agrees(&self) -> bool {
        self.model.allows(&self.kernel) && self.line.outcome.as_ref().is_none_or(|claim| claim.allows(&self.kernel))
    }
}

/// The size of a page of this machine, as scenarios count.
///
/// # Errors
/// None on any machine that is known.
pub fn page_size() -> io::Result<u32> {
    observe::page_size().try_into().map_err(io::Error::other)
}

/// The most bytes that a scenario's text has: a few of its longest lines.
const LONGEST: u64 = 16 << 20;

/// Reads a scenario from a file, or from standard input where the path is `-`.
///
/// # Errors
/// Those of reading it; `InvalidData` with line and column when it is no scenario.
pub fn read(path: &Path) -> io::Result<Scenario> {
    let name = |error: &dyn std::fmt::Display| {
        io::Error::new(io::ErrorKind::InvalidData, format!("{}: {error}", path.display()))
    };
    let mut text = String::new();
    let source: Box<dyn Read> = match path.as_os_str() == "-" {
        true => Box::new(io::stdin()),
        false => Box::new(File::open(path).map_err(|error| name(&error))?),
    };
    source.take(LONGEST + 1).read_to_string(&mut text).map_err(|error| name(&error))?;
    if text.len() as u64 > LONGEST {
        return Err(name(&format!("longer than {LONGEST} bytes")));
    }
    let scenario = Scenario::parse(&text).map_err(|problem| name(&problem))?;
    match scenario.0.is_empty() {
        true => Err(name(&"there is no line in it that does anything")),
        false => Ok(scenario),
    }
}

/// The most bytes that the lines of a scenario read, load, write and store, all in all: this much is done in no time, and
/// fits into memory.
const MOST_BYTES: u64 = 32 << 20;

/// Whether each line of a scenario means something, and none asks for more than there is room for.
///
/// # Errors
/// `InvalidInput`, with the first line that doesn't, and why.
pub fn check(scenario: &Scenario) -> io::Result<()> {
    let page = page_size()?;
    let (mut model, mut moved) = (Model::new(page), 0);
    for (number, line) in (1..).zip(&scenario.0) {
        let nobody = nobody(&model, line);
        let outcome = model.step(line.process, &line.operation).0;
        moved += match &line.operation {
            Operation::Create(_, Contents::Bytes(Bytes::Fill(_, amount)))
            | Operation::Write(_, _, Bytes::Fill(_, amount))
            | Operation::Store(_, _, Bytes::Fill(_, amount))
            | Operation::Read(_, _, amount)
            | Operation::Load(_, _, amount) => amount.at(page).unwrap_or(0),
            _ => 0,
        };
        let problem = match () {
            () if model.is_too_much(&line.operation) => {
                format!("a number of bytes that no scenario has (up to {} pages each)", Amount::MOST_PAGES)
            }
            () if model.is_full() => {
                let (pages, files, names) = (Model::MOST_PAGES, Model::MOST_FILES, Model::MOST_NAMES);
                format!("more than {pages} pages, {files} files, {names} descriptors or {names} mappings")
            }
            () if moved > MOST_BYTES => format!("more than {MOST_BYTES} bytes are read and written up to here"),
            () if outcome == Outcome::NotApplicable => nobody.unwrap_or_else(|| "it means nothing here".to_owned()),
            () => continue,
        };
        let text = format!("line {number}, `{} {}`: {problem}", line.process, line.operation);
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    Ok(())
}

/// What a line names that isn't there, or is there already.
fn nobody(model: &Model, line: &Line) -> Option<String> {
    let process = line.process;
    let descriptor = |name: &Name, wanted: bool| {
        let word = if wanted { "no" } else { "already a" };
        let there = model.descriptors(process).any(|other| other == *name);
        (there != wanted).then(|| format!("{process} has {word} descriptor {name}"))
    };
    let mapping = |name: &Name, wanted: bool| {
        let word = if wanted { "no" } else { "already a" };
        let there = model.mappings(process).any(|other| other == *name);
        (there != wanted).then(|| format!("{process} has {word} mapping {name}"))
    };
    if !model.has(process) {
        return Some(format!("there is no process {process}, or it has ended before"));
    }
    match &line.operation {
        Operation::Open(name, ..) | Operation::Memfd(name, _) => descriptor(name, false),
        Operation::Close(name)
        | Operation::Read(name, ..)
        | Operation::Write(name, ..)
        | Operation::Truncate(name, _)
        | Operation::Punch(name, ..)
        | Operation::Seal(name, _) => descriptor(name, true),
        Operation::Map(name, Request { source, .. }) => mapping(name, false).or_else(|| match source {
            Source::File(file, _) => descriptor(file, true),
            Source::Anonymous => None,
        }),
        Operation::Load(name, ..)
        | Operation::Store(name, ..)
        | Operation::Unmap(name, _)
        | Operation::Protect(name, _)
        | Operation::Advise(name, _)
        | Operation::Sync(name) => mapping(name, true),
        Operation::Fork(child) if model.has(*child) => Some(format!("there is a process {child} already")),
        Operation::Kill(other) if *other == process => Some("who wants to end says `exit`".to_owned()),
        Operation::Kill(other) if !model.has(*other) => {
            Some(format!("there is no process {other}, or it has ended before"))
        }
        _ => None,
    }
}

/// Plays a scenario in both worlds.
///
/// # Errors
/// As [`check`]: then nothing is played at all. Else as [`Kernel`].
pub fn both(scenario: &Scenario, kernel: &mut Kernel) -> io::Result<Vec<Row>> {
    check(scenario)?;
    let page = page_size()?;
    let (mut model, mut posix) = (Model::new(page), Posix::new(page));
    let mut rows = Vec::new();
    for (line, kernel) in scenario.0.iter().zip(kernel.play(scenario)?) {
        let (outcome, rule) = model.step(line.process, &line.operation);
        let posix = posix.step(line.process, &line.operation);
        let mut line = line.clone();
        if let Some(Outcome::Died(_, at)) = &mut line.outcome {
            // 4096 and 1p are the same place, where a page has 4 KiB.
            *at = at.at(page).map_or(*at, |bytes| Amount::of(bytes, page));
        }
        rows.push(Row { line, model: outcome, rule, posix, kernel });
    }
    Ok(rows)
}

/// The first line in which the kernel does what a model doesn't allow.
///
/// # Errors
/// As [`Kernel`].
pub fn difference(scenario: &Scenario, model: &mut Model, kernel: &mut Kernel) -> io::Result<Option<usize>> {
    let Ok(predicted) = model.play(scenario);
    let happened = kernel.play(scenario)?;
    Ok(predicted.iter().zip(&happened).position(|(predicted, happened)| !predicted.allows(happened)))
}
