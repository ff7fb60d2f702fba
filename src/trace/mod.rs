//! What each line of a scenario gives and why, what it changes, and what one might expect in its place: as data.
//! `workbook play --format json` prints it, and the simulator in the book draws it.

mod check;
mod state;

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::{Value, json};

use crate::misconception::denial::{self, Denial};
use crate::model::{Elsewhere, FileSystem, Model, Other, Posix, Rule, Setting, State};
use crate::scenario::{Line, Outcome, Scenario, in_words};
use crate::text::{Text, hash};

pub use check::Checker;
pub use state::draw;

/// The version of the JSON that `play` and `check` print, in its field `format`. It is incremented when a field changes
/// its name or meaning.
pub const JSON_FORMAT: u32 = 5;

/// What a line gives.
#[derive(Debug, Clone)]
pub struct Step {
    /// The line, with what it claims.
    pub line: Line,
    /// What the model gives.
    pub model: Outcome,
    /// The rule that explains it.
    pub rule: Rule,
    /// What POSIX allows besides, each with a rule of Linux that such a system doesn't keep.
    pub posix: Vec<(Outcome, Rule)>,
    /// What the model gives on other file systems, where it isn't the same.
    pub file_systems: Vec<Other>,
    /// Where the line asks the reader: what the model gives, and what each misconception expects, in an order that gives
    /// no hint. None where there is nothing to choose.
    pub options: Vec<(Outcome, Vec<&'static Denial>)>,
}

impl Step {
    /// What else POSIX allows: on another system the line may give one of these.
    pub fn elsewhere(&self) -> Vec<Outcome> {
        self.posix.iter().map(|(outcome, _)| outcome.clone()).collect()
    }
}

/// Follows a scenario line by line.
#[derive(Debug)]
pub struct Tracer {
    setting: Setting,
    model: Model,
    /// What one asks of the world as it is only.
    others: Option<(Posix, Elsewhere)>,
    past: Scenario,
}

impl Tracer {
    /// Before the first line.
    pub fn on(setting: &Setting) -> Tracer {
        Tracer {
            setting: *setting,
            model: Model::on(setting),
            others: Some((Posix::on(setting), Elsewhere::than(setting))),
            past: Scenario::default(),
        }
    }

    /// The same in a world without this rule. Nothing is known of other systems and other people there.
    pub fn without(setting: &Setting, rule: Rule) -> Tracer {
        Tracer { model: Model::on(setting).without(rule), others: None, ..Tracer::on(setting) }
    }

    /// What the next line gives. Where the model leaves it open, it goes on from what `happened`, if that is given.
    pub fn step(&mut self, line: &Line, happened: Option<&Outcome>) -> Step {
        let (process, operation) = (line.process, &line.operation);
        let (model, rule) = match happened {
            Some(happened) => self.model.step_as(process, operation, happened),
            None => self.model.step(process, operation),
        };
        let mut line = line.clone();
        line.outcome = line.outcome.map(|claim| claim.at(self.setting.page_size).unwrap_or(claim));
        let mut step = Step { line, model, rule, posix: Vec::new(), file_systems: Vec::new(), options: Vec::new() };
        let Some((posix, elsewhere)) = &mut self.others else { return step };
        let happened = happened.unwrap_or(&step.model);
        step.posix = posix.others_step_as(process, operation, happened);
        step.file_systems = elsewhere.step_as(process, operation, happened, &step.model);
        self.past.0.push(Line { outcome: None, asked: false, ..step.line.clone() });
        if step.line.asked {
            step.options = denial::options(&self.past, &self.setting);
            let asked = self.past.to_string();
            step.options.sort_by_cached_key(|(option, _)| hash(&format!("{option} {asked}")));
        }
        step
    }

    /// The state after the lines so far.
    pub fn state(&self) -> State {
        self.model.state()
    }
}

/// The states between the lines, and what has changed.
#[derive(Debug)]
pub struct Changes {
    page_size: u32,
    before: State,
}

impl Changes {
    /// Before the first line.
    pub fn on(setting: &Setting) -> Changes {
        Changes { page_size: setting.page_size, before: Model::on(setting).state() }
    }

    /// Adds to a line's object what it has changed, and the state after it.
    pub fn add(&mut self, to: &mut Value, step: &Step, after: State) {
        to["events"] = state::events(&self.before, &step.line, &step.model, &after, self.page_size).into();
        to["state"] = state::json(&after);
        self.before = after;
    }
}

/// What a line gives, as an object; `source` has the lines of the text that the scenario was read from.
pub fn json(step: &Step, source: &[&str]) -> Value {
    let line = &step.line;
    let name = |rule: Rule| format!("{rule:?}");
    let text = line.number.checked_sub(1).and_then(|before| source.get(before));
    json!({
        "number": line.number,
        "text": text.map_or_else(|| line.to_string(), |text| (*text).to_owned()),
        "process": line.process.to_string(),
        "operation": line.operation.to_string(),
        "claim": line.outcome.as_ref().map(Outcome::to_string),
        "words": words(&in_words(line)),
        "refuted": line.outcome.as_ref().is_some_and(|claim| !claim.allows(&step.model) && !step.model.allows(claim)),
        "asked": line.asked,
        "model": step.model.to_string(),
        "posix": step.posix.iter()
            .map(|(outcome, rule)| json!({ "outcome": outcome.to_string(), "rule": name(*rule) }))
            .collect::<Vec<_>>(),
        "file_systems": step.file_systems.iter()
            .map(|Other { names, outcome, rule }| {
                json!({ "names": words(names), "outcome": outcome.to_string(), "rule": name(*rule) })
            })
            .collect::<Vec<_>>(),
        "rule": {
            "name": name(step.rule),
            "sentence": words(step.rule.sentence()),
            "basis": format!("{:?}", step.rule.basis()),
            "read": format!("model.html#rule-{:?}", step.rule),
        },
        "options": step.options.iter()
            .map(|(outcome, denials)| {
                let beliefs: Vec<_> = denials.iter().map(|denial| denial.misconception.slug).collect();
                json!({ "outcome": outcome.to_string(), "beliefs": beliefs })
            })
            .collect::<Vec<_>>(),
    })
}

/// Why a scenario can't be played from a line on, as an object.
pub fn problem(line: usize, column: Option<usize>, text: &Text) -> Value {
    json!({ "line": line, "column": column, "en": text.en, "zh": text.zh })
}

/// A text in each language, as an object.
pub fn words(text: &Text) -> Value {
    json!({ "en": text.en, "zh": text.zh })
}

/// What is known of the place where a scenario is played, as an object.
pub fn setting(setting: &Setting) -> Value {
    let kind = |kind: &FileSystem| {
        json!({
            "past_the_end": format!("{:?}", kind.past_the_end),
            "shared_mappings": kind.shared_mappings,
            "refuses_seals_with": kind.refuses_seals_with,
            "executable": kind.executable,
            "zeroes": kind.zeroes,
            "collapsing": format!("{:?}", kind.collapsing),
            "marking": format!("{:?}", kind.marking),
            "on_disk": kind.on_disk,
        })
    };
    json!({
        "format": JSON_FORMAT,
        "page_size": setting.page_size,
        "file_system": kind(&setting.named),
        "memory": kind(&setting.memory),
        "lockable": (setting.lockable < u64::MAX).then_some(setting.lockable),
        "guards": format!("{:?}", setting.guards),
    })
}

/// The whole: the object of the [`setting`], with the lines' objects, and with the problem that ended them.
pub fn document(mut head: Value, lines: impl Iterator<Item = Value>, error: Value) -> impl Iterator<Item = String> {
    head["error"] = error;
    let head = head.to_string();
    let head = head.strip_suffix('}').unwrap_or_default().to_owned() + ",\"lines\":[";
    let lines = lines.enumerate().map(|(n, line)| format!("{}\n{line}", if n > 0 { "," } else { "" }));
    core::iter::once(head).chain(lines).chain(core::iter::once("\n]}\n".to_owned()))
}
