//! Predict and find out: a scenario, a question about its last line, the kernel's answer, and the rule behind it.

pub mod belief;
pub mod search;
mod sitting;
mod words;

use std::collections::VecDeque;
use std::io;

use proptest::strategy::{Just, Strategy, ValueTree};

use crate::course::Lesson;
use crate::model::{Model, Posix, Rule};
use crate::play::random::{self, Files};
use crate::play::{elsewhere, page_size, torture::runner};
use crate::scenario::{Backend, Operation, Outcome, Scenario};
use crate::text::Text;
use belief::{BELIEFS, Belief};

pub use sitting::sit;
pub use words::in_words;

/// A scenario whose last line is asked for.
#[derive(Debug, Clone)]
pub struct Question {
    /// The lines; the last one's outcome is the question.
    pub scenario: Scenario,
    /// What one may answer, in the order in which it is shown: what the rules give, and what somebody would expect who
    /// has one of them wrong.
    pub options: Vec<Outcome>,
}

impl Question {
    /// The question about this scenario; None where nobody who has a rule wrong would expect anything else.
    fn about(scenario: Scenario, page: u32) -> Option<Question> {
        let truth = belief::last_outcome(Model::new(page), &scenario)?;
        if truth.is_open() || truth == Outcome::NotApplicable {
            return None;
        }
        let mut options = vec![truth];
        for prediction in BELIEFS.iter().filter_map(|belief| belief.prediction(&scenario, page)) {
            let plain = !prediction.is_open() && prediction != Outcome::NotApplicable;
            if plain && !options.contains(&prediction) {
                options.push(prediction);
            }
        }
        // In an order that says nothing.
        options.sort_by_key(ToString::to_string);
        (options.len() > 1).then_some(Question { scenario, options })
    }

    /// The rules that decide it: those that somebody must have wrong who expects anything else.
    fn rules(&self, happened: &Outcome, page: u32) -> Vec<Rule> {
        let others = self.options.iter().filter(|option| *option != happened);
        others.flat_map(|option| self.misconceptions(option, page)).map(|belief| belief.denies).take(3).collect()
    }

    /// What POSIX allows as well.
    fn elsewhere(&self, happened: &Outcome, page: u32) -> Option<Text> {
        let Ok(outcomes) = Posix::new(page).play(&self.scenario);
        elsewhere(outcomes.last()?.others_than(happened))
    }

    fn slugs(&self, answer: &Outcome, page: u32) -> Vec<&'static str> {
        self.misconceptions(answer, page).iter().map(|belief| belief.misconception.slug).collect()
    }

    /// What somebody would expect who has this wrong.
    fn misconceptions(&self, answer: &Outcome, page: u32) -> Vec<&'static Belief> {
        let expects = |belief: &&Belief| belief.prediction(&self.scenario, page).as_ref() == Some(answer);
        BELIEFS.iter().filter(expects).collect()
    }
}

/// The questions of a lesson: for each thing that is easily got wrong in it, a shortest scenario that shows it.
///
/// # Errors
/// None on any machine that is known.
pub fn of_lesson(lesson: &Lesson) -> io::Result<Vec<Question>> {
    let page = page_size()?;
    let mut questions: Vec<Question> = Vec::new();
    for belief in BELIEFS.iter().filter(|belief| belief.lesson == lesson.number) {
        let question = Question::about(belief.shown_wrong_by(), page);
        let new = |question: &Question| questions.iter().all(|other| other.scenario != question.scenario);
        questions.extend(question.filter(new));
    }
    Ok(questions)
}

/// How much there is to keep in mind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level(u8);

impl Level {
    /// From 1 (a few lines, one process) to 3.
    pub fn new(number: u8) -> Option<Level> {
        (1..=3).contains(&number).then_some(Level(number))
    }

    /// Whether it has as many lines and processes as it should.
    fn fits(self, scenario: &Scenario) -> bool {
        let (forks, lines) = (forks(scenario), scenario.0.len());
        match self.0 {
            1 => !forks && (3..=6).contains(&lines),
            2 => (5..=9).contains(&lines),
            _ => forks && (7..=14).contains(&lines),
        }
    }

    /// Whether it may fit when some of its lines are left out.
    fn may_fit(self, scenario: &Scenario) -> bool {
        self.0 < 3 || forks(scenario)
    }
}

fn forks(scenario: &Scenario) -> bool {
    scenario.0.iter().any(|line| matches!(line.operation, Operation::Fork(_)))
}

/// The size of a page while a question is looked for: the fewer bytes there are to copy, the sooner it is found. The numbers of
/// bytes in random scenarios are smaller, so that a scenario means the same with any page.
const SMALL_PAGE: u32 = 64;

/// Questions without end, the same with the same seed.
pub fn series(seed: u64, level: Level, page: u32) -> impl Iterator<Item = Question> {
    let mut runner = runner(seed);
    let scenarios = random::scenario(Files::All, 60);
    // What was asked for lately: the same rules again would bore.
    let mut lately = VecDeque::new();
    std::iter::from_fn(move || {
        loop {
            let scenario = scenarios.new_tree(&mut runner).ok()?.current().0;
            // Any of its lines may be the one to ask for, and one try is enough: a long scenario has no more of them than others.
            let lines: Vec<usize> = (2..scenario.len()).collect();
            let lines = Just(lines).prop_shuffle().new_tree(&mut runner).ok()?.current();
            let asked_for = |line: usize| Question::about(Scenario(scenario[..=line].to_vec()), SMALL_PAGE);
            let Some(question) = lines.into_iter().find_map(asked_for) else { continue };
            if !level.may_fit(&question.scenario) || !is_short(&question) {
                continue;
            }
            // What has nothing to do with it is left out.
            let scenario = shortened(question, SMALL_PAGE).scenario;
            let Some(question) = Question::about(scenario, page).filter(is_short) else { continue };
            let at_stake: Vec<_> = question.options.iter().map(|option| question.slugs(option, page)).collect();
            if level.fits(&question.scenario) && !lately.contains(&at_stake) {
                lately.push_front(at_stake);
                lately.truncate(6);
                return Some(question);
            }
        }
    })
}

/// Whether the options can be taken in at a glance.
fn is_short(question: &Question) -> bool {
    question.options.len() <= 5 && question.options.iter().all(|option| option.to_string().len() <= 40)
}

/// The same question without the lines that make no difference to it.
fn shortened(question: Question, page: u32) -> Question {
    let asked = question.scenario.0.last().cloned();
    let scenario = random::without_idle_lines(question.scenario, |shorter| {
        // The quick look first: what it takes to hear everybody's opinion is not needed for most of them.
        let Ok(outcomes) = Model::new(page).play(shorter);
        shorter.0.last() == asked.as_ref()
            && !outcomes.contains(&Outcome::NotApplicable)
            && outcomes.last().is_some_and(|outcome| question.options.contains(outcome))
            && Question::about(shorter.clone(), page).is_some_and(|other| other.options == question.options)
    });
    Question { scenario, options: question.options }
}
