//! Scenarios on the model and on the kernel, side by side.

mod print;
pub mod torture;
mod trace;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::model::{Model, Rule};
use crate::observe::page_size;
use crate::scenario::{Amount, Kernel, Line, Outcome, Scenario, World};

pub use print::{explained, json, print, sentence};

/// What a line gives, in both worlds.
#[derive(Debug, Clone)]
pub struct Row {
    /// The line, with what it claims.
    pub line: Line,
    /// What the model says.
    pub model: Outcome,
    /// The rule that it says so by.
    pub rule: Rule,
    /// What has happened.
    pub kernel: Outcome,
}

impl Row {
    /// Whether the kernel did what the model says, and what the line claims.
    pub fn agrees(&self) -> bool {
        self.model.allows(&self.kernel) && self.line.outcome.as_ref().is_none_or(|claim| claim.allows(&self.kernel))
    }
}

/// The size of a page of this machine, as scenarios count.
///
/// # Errors
/// None on any machine that is known.
pub fn page() -> io::Result<u32> {
    page_size().try_into().map_err(io::Error::other)
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

/// Plays a scenario in both worlds.
///
/// # Errors
/// `InvalidInput` where it asks for more than the model holds: then it isn't played at all. Else as [`Kernel`].
pub fn both(scenario: &Scenario, kernel: &mut Kernel) -> io::Result<Vec<Row>> {
    let page = page()?;
    let mut model = Model::new(page);
    let mut rows = Vec::new();
    for (number, line) in (1..).zip(&scenario.0) {
        if model.is_too_much(&line.operation) {
            let text =
                format!("line {number}, `{line}`: a number of bytes that no scenario has (up to 256 pages each)");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let (outcome, rule) = model.step(line.process, &line.operation);
        if model.is_full() {
            let (pages, names) = (Model::MOST_PAGES, Model::MOST_NAMES);
            let text =
                format!("line {number}, `{line}`: more than {pages} pages, {names} descriptors or {names} mappings");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let mut line = line.clone();
        if let Some(Outcome::Died(_, at)) = &mut line.outcome {
            // 4096 and 1p are the same place, where a page has 4 KiB.
            *at = at.at(page).map_or(*at, |bytes| Amount::of(bytes, page));
        }
        rows.push(Row { line, kernel: outcome.clone(), model: outcome, rule });
    }
    for (row, happened) in rows.iter_mut().zip(kernel.play(scenario)?) {
        row.kernel = happened;
    }
    Ok(rows)
}

/// The first row in which the worlds differ, of a scenario that claims nothing. Without the views it is fast.
///
/// # Errors
/// As [`Kernel`].
pub fn difference(scenario: &Scenario, kernel: &mut Kernel) -> io::Result<Option<usize>> {
    let Ok(predicted) = Model::new(page()?).play(scenario);
    let happened = kernel.play(scenario)?;
    Ok(predicted.iter().zip(&happened).position(|(predicted, happened)| !predicted.allows(happened)))
}
