//! What POSIX promises of a scenario, and what it leaves unspecified.

use core::mem::discriminant;

use super::*;

/// The model of Linux, and beside it one for each rule that POSIX leaves unspecified: a system on which that is otherwise. No
/// system is tried that differs from Linux in several of them, and none is followed any further once a call has been refused or a
/// process has died in one of the two histories alone; so POSIX may allow still more.
#[derive(Debug, Clone)]
pub struct Posix {
    linux: Model,
    others: Vec<Model>,
}

impl Posix {
    /// Systems with one process and no file, where a page has `page` bytes.
    pub fn new(page: u32) -> Posix {
        let unspecified = Rule::ALL.iter().filter(|rule| rule.standing() == Basis::Unspecified);
        Posix { linux: Model::new(page), others: unspecified.map(|rule| Model::denying(page, *rule)).collect() }
    }

    /// Does what a line says: what Linux gives, and, where POSIX allows it, this or that, with what Linux does before the
    /// others.
    pub fn step(&mut self, process: Pid, operation: &Operation) -> Outcome {
        let (linux, _) = self.linux.step(process, operation);
        let mut outcomes = vec![linux];
        self.others.retain_mut(|other| {
            let (outcome, _) = other.step(process, operation);
            let goes_on = discriminant(&outcome) == discriminant(&outcomes[0]);
            if !outcomes.contains(&outcome) {
                outcomes.push(outcome);
            }
            goes_on
        });
        if outcomes.len() > 1 { Outcome::OneOf(outcomes) } else { outcomes.remove(0) }
    }
}

/// It begins anew with each scenario.
impl Backend for Posix {
    type Error = Infallible;

    fn play(&mut self, scenario: &Scenario) -> Result<Vec<Outcome>, Infallible> {
        *self = Posix::new(self.linux.page);
        Ok(scenario.0.iter().map(|line| self.step(line.process, &line.operation)).collect())
    }
}
