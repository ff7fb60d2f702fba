//! What POSIX promises of a scenario, and what it leaves unspecified.

use core::mem::discriminant;

use super::*;

/// The model of Linux, and one more model for each rule that POSIX leaves unspecified: a system that does it
/// differently.
///
/// POSIX may allow still more: no system is tried that differs from Linux in several rules. A system is dropped once a
/// call fails or a process dies there but not on Linux, or the other way round.
///
/// ```
/// # use mmap_workbook::model::Posix;
/// # use mmap_workbook::scenario::{Backend, Scenario};
/// let text = "A create f \"a\"\nA open d f rw\nA map m d private r 0 1\nA write d 0 \"w\"\nA load m 0 1";
/// let Ok(outcomes) = Posix::new(4096).play(&Scenario::parse(text)?);
/// assert_eq!(outcomes[4].to_string(), "\"w\" or \"a\"");
/// # Ok::<(), mmap_workbook::scenario::Problem>(())
/// ```
#[derive(Debug, Clone)]
pub struct Posix {
    setting: Setting,
    linux: Model,
    /// Each with the rule that it doesn't keep.
    others: Vec<(Rule, Model)>,
}

impl Posix {
    /// Systems with one process and no file, whose pages have `page_size` bytes, and whose named files are on a disk.
    pub fn new(page_size: u32) -> Posix {
        Posix::on(&Setting::new(page_size))
    }

    /// Systems with one process and no file, in this setting.
    pub fn on(setting: &Setting) -> Posix {
        let unspecified = Rule::ALL.iter().filter(|rule| rule.basis() == Basis::Unspecified);
        Posix {
            setting: *setting,
            linux: Model::on(setting),
            others: unspecified.map(|rule| (*rule, Model::on(setting).without(*rule))).collect(),
        }
    }

    /// Performs a line: what Linux gives, or, where POSIX allows several outcomes, all of them, that of Linux first.
    pub fn step(&mut self, process: Pid, operation: &Operation) -> Outcome {
        let (linux, others) = self.all_step(|model| model.step(process, operation));
        let mut outcomes = vec![linux];
        outcomes.extend(others.into_iter().map(|(outcome, _)| outcome));
        if outcomes.len() > 1 { Outcome::OneOf(outcomes) } else { outcomes.remove(0) }
    }

    /// Performs a line, as [`Model::step_as`]: what POSIX allows besides the outcome of Linux, each with a rule of Linux
    /// that such a system doesn't keep.
    pub fn others_step_as(&mut self, process: Pid, operation: &Operation, happened: &Outcome) -> Vec<(Outcome, Rule)> {
        self.all_step(|model| model.step_as(process, operation, happened)).1
    }

    fn all_step(&mut self, step: impl Fn(&mut Model) -> (Outcome, Rule)) -> (Outcome, Vec<(Outcome, Rule)>) {
        let (linux, _) = step(&mut self.linux);
        let mut outcomes: Vec<(Outcome, Rule)> = Vec::new();
        self.others.retain_mut(|(rule, other)| {
            let (outcome, _) = step(other);
            let goes_on = discriminant(&outcome) == discriminant(&linux);
            if outcome != linux && outcomes.iter().all(|(known, _)| *known != outcome) {
                outcomes.push((outcome, *rule));
            }
            goes_on
        });
        (linux, outcomes)
    }
}

/// Each scenario starts with fresh models.
impl Backend for Posix {
    type Error = Infallible;

    fn play(&mut self, scenario: &Scenario) -> Result<Vec<Outcome>, Infallible> {
        *self = Posix::on(&self.setting);
        Ok(scenario.0.iter().map(|line| self.step(line.process, &line.operation)).collect())
    }
}
