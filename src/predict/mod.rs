//! Predict and find out: a scenario or a program, a question about its last line, the kernel's answer, and the rule that
//! explains it.

mod order;
pub mod programs;
pub mod search;
mod sitting;

use std::collections::VecDeque;
use std::io;

use crate::course::Lesson;
use crate::misconception::Misconception;
use crate::misconception::denial::{self, DENIALS, Denial};
use crate::model::{Model, Rule, Setting};
use crate::play::random::{self, Dice, Files};
use crate::play::{elsewhere, on_file_systems};
use crate::scenario::{Access, Backend, Contents, Line, Name, Operation, Outcome, Scenario};
use crate::text;
use crate::text::{Text, hash};
use crate::trace::{Step, Tracer};
use programs::Program;

pub use sitting::sit;

/// The question what the last line gives.
#[derive(Debug, Clone)]
pub enum Question {
    /// Of a scenario.
    Scenario(ScenarioQuestion),
    /// Of a program.
    Program(&'static Program),
}

impl Question {
    /// The possible answers, in an order that gives no hint: by their names alone, an errno would come before `ok`.
    pub fn options(&self) -> Vec<String> {
        let (mut options, asked): (Vec<_>, _) = match self {
            Question::Scenario(question) => {
                (question.options.iter().map(ToString::to_string).collect(), question.scenario.to_string())
            }
            Question::Program(program) => (program.options().map(str::to_owned).collect(), program.name.to_owned()),
        };
        options.sort_by_cached_key(|option| hash(&format!("{option} {asked}")));
        options
    }

    /// What happens on this machine, or after a power cut.
    ///
    /// # Errors
    /// Those of the kernel that plays the scenario, and of [`Program::happens`].
    pub fn happens(&self, kernel: &mut dyn Backend<Error = io::Error>) -> io::Result<String> {
        match self {
            // No kernel plays that: the model answers.
            Question::Scenario(question) if question.scenario.is_for_the_model() => {
                let Ok(mut happened) = Model::on(&question.setting).play(&question.scenario);
                Ok(happened.pop().ok_or(io::ErrorKind::InvalidInput)?.to_string())
            }
            Question::Scenario(question) => {
                let happened = kernel.play(&question.scenario)?.pop();
                Ok(happened.ok_or(io::ErrorKind::InvalidInput)?.to_string())
            }
            Question::Program(program) => program.happens(),
        }
    }

    /// The misconceptions that expect this, each with what corrects it: the heading of a chapter, with the chapter's lesson.
    pub fn expected_by(&self, answer: &str) -> Vec<(&'static Misconception, (u8, &'static str))> {
        match self {
            Question::Scenario(question) => {
                let option = question.options.iter().find(|option| option.to_string() == answer);
                let denials = option.map(|option| question.denials(option)).unwrap_or_default();
                denials.into_iter().map(|denial| (denial.misconception, denial.heading)).collect()
            }
            Question::Program(program) => {
                let place = (program.lesson, program.heading);
                program.misconception(answer).map(|misconception| (misconception, place)).into_iter().collect()
            }
        }
    }
}

/// A scenario, and the question what its last line gives.
#[derive(Debug, Clone)]
pub struct ScenarioQuestion {
    /// The lines; the last one's outcome is the question.
    pub scenario: Scenario,
    /// Where it is asked.
    pub setting: Setting,
    /// The possible answers: what the rules give, and what each misconception expects, sorted.
    pub options: Vec<Outcome>,
    /// What it is asked for, in a lesson: this denial's explanation comes first.
    pub asked_for: Option<&'static Denial>,
}

impl ScenarioQuestion {
    /// The question about this scenario; None if no misconception expects another outcome.
    pub fn about(scenario: Scenario, setting: &Setting) -> Option<ScenarioQuestion> {
        let options: Vec<_> = denial::options(&scenario, setting).into_iter().map(|(outcome, _)| outcome).collect();
        (!options.is_empty()).then_some(ScenarioQuestion { scenario, setting: *setting, options, asked_for: None })
    }

    /// An answer in the language of scenarios, with what its English words mean.
    pub fn said(answer: &Outcome) -> Text {
        let meaning = match answer {
            Outcome::Bytes(bytes) if bytes.is_empty() => "（一个字节也没有）".to_owned(),
            Outcome::Died(_, at) => format!("（访问偏移量 {at} 时）"),
            _ => String::new(),
        };
        text!("{answer}", "{answer}{meaning}")
    }

    /// The rules that decide it: those that the other answers deny.
    pub fn rules(&self, happened: &Outcome) -> Vec<Rule> {
        self.denied(happened).iter().map(|denial| denial.rule).take(3).collect()
    }

    /// What to read about it: the heading of a chapter, with the chapter's lesson.
    pub fn heading(&self, happened: &Outcome) -> Option<(u8, &'static str)> {
        self.denied(happened).first().map(|denial| denial.heading)
    }

    /// The denials that lead to another answer than this.
    fn denied(&self, happened: &Outcome) -> Vec<&'static Denial> {
        let others = self.options.iter().filter(|option| *option != happened);
        self.first_its_own(others.flat_map(|option| self.denials(option)).collect())
    }

    /// What the question is asked for comes first.
    fn first_its_own(&self, mut denials: Vec<&'static Denial>) -> Vec<&'static Denial> {
        denials.sort_by_key(|denial| self.asked_for.is_none_or(|own| own.rule != denial.rule));
        denials
    }

    /// The processes that died before the last line.
    pub fn deaths(&self) -> impl Iterator<Item = Text> {
        let Ok(mut outcomes) = Model::on(&self.setting).play(&self.scenario);
        outcomes.pop();
        (1..).zip(self.scenario.0.iter().zip(outcomes)).filter_map(|(number, (line, outcome))| {
            let (process, Outcome::Died(cause, _)) = (line.process, outcome) else { return None };
            Some(text!(
                "Before that, {process} died of {cause} in line {number}.",
                "在那之前，{process} 在第 {number} 行死于 {cause}。"
            ))
        })
    }

    /// What else POSIX allows, and what other file systems give.
    pub fn elsewhere(&self, happened: &Outcome) -> impl Iterator<Item = Text> {
        let mut tracer = Tracer::on(&self.setting);
        let step = self.scenario.0.iter().map(|line| tracer.step(line, None)).last();
        let mut others = step.as_ref().map(Step::elsewhere).unwrap_or_default();
        others.retain(|other| other != happened);
        let on_others = step.and_then(|step| on_file_systems(&step.file_systems));
        elsewhere(&others).into_iter().chain(on_others)
    }

    fn slugs(&self, answer: &Outcome) -> Vec<&'static str> {
        self.denials(answer).iter().map(|denial| denial.misconception.slug).collect()
    }

    /// The rules whose denial leads to this answer, each with its misconception.
    pub fn denials(&self, answer: &Outcome) -> Vec<&'static Denial> {
        let expects = |denial: &&Denial| denial.prediction(&self.scenario, &self.setting).as_ref() == Some(answer);
        self.first_its_own(DENIALS.iter().filter(expects).collect())
    }
}

/// The questions of a lesson, from easy to hard: for each of its misconceptions a shortest scenario that shows it wrong,
/// and programs.
pub fn of_lesson(lesson: &Lesson, setting: &Setting) -> Vec<Question> {
    let mut questions = Vec::new();
    let mut scenarios: Vec<Scenario> = Vec::new();
    for name in order::of_lesson(lesson.number) {
        if let Some(program) = Program::of_name(name) {
            questions.push(Question::Program(program));
        }
        let Some(denial) = Denial::of_slug(name) else { continue };
        let scenario = asked(denial);
        if scenarios.contains(&scenario) {
            continue;
        }
        scenarios.push(scenario.clone());
        let question = ScenarioQuestion::about(scenario, setting);
        questions.extend(question.map(|q| Question::Scenario(ScenarioQuestion { asked_for: Some(denial), ..q })));
    }
    questions
}

/// The lesson that teaches files in memory.
const MEMORY_FILES: u8 = 5;

/// The scenario that shows a misconception wrong, with named files in place of files in memory where the reader doesn't
/// know those yet: it is a line longer then.
pub fn asked(denial: &Denial) -> Scenario {
    let scenario = denial.shown_wrong_by();
    let name = Name::new("f").filter(|_| denial.lesson < MEMORY_FILES);
    let Some(name) = name else { return scenario };
    let named = scenario.0.into_iter().flat_map(|line| match line.operation {
        Operation::Memfd(descriptor, size) => vec![
            Operation::Create(name, Contents::Zeros(size)),
            Operation::Open(descriptor, name, Access::ReadWrite, None),
        ]
        .into_iter()
        .map(|operation| Line { number: line.number, process: line.process, operation, outcome: None, asked: false })
        .collect(),
        _ => vec![line],
    });
    Scenario(named.collect())
}

/// Difficulty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level(u8);

impl Level {
    /// From 1 (a few lines, one process) to 3.
    pub fn new(number: u8) -> Option<Level> {
        (1..=3).contains(&number).then_some(Level(number))
    }

    /// Whether a scenario has as many lines and processes as this level asks for.
    fn fits(self, scenario: &Scenario) -> bool {
        let (forks, lines) = (forks(scenario), scenario.0.len());
        match self.0 {
            1 => !forks && (3..=6).contains(&lines),
            2 => (5..=9).contains(&lines),
            _ => forks && (7..=14).contains(&lines),
        }
    }

    /// Whether a scenario may fit once some of its lines are left out.
    fn may_fit(self, scenario: &Scenario) -> bool {
        self.0 < 3 || forks(scenario)
    }
}

fn forks(scenario: &Scenario) -> bool {
    scenario.0.iter().any(|line| matches!(line.operation, Operation::Fork(_)))
}

/// The page size while a question is searched for: small pages are copied faster. The numbers of bytes in random
/// scenarios are smaller still, so a scenario means the same with any page size.
pub const SMALL_PAGE: u32 = 64;

/// Questions without end. The same seed gives the same questions.
pub fn series(seed: u64, level: Level, setting: Setting) -> impl Iterator<Item = Question> {
    scenarios(seed, level, setting).map(Question::Scenario)
}

fn scenarios(seed: u64, level: Level, setting: Setting) -> impl Iterator<Item = ScenarioQuestion> {
    let mut dice = Dice::new(seed);
    // What was asked lately: the same rules again would bore.
    let mut lately = VecDeque::new();
    std::iter::from_fn(move || {
        loop {
            let Some(question) = thrown(&mut dice, level, &setting) else { continue };
            let at_stake: Vec<_> = question.options.iter().map(|option| question.slugs(option)).collect();
            if !lately.contains(&at_stake) {
                lately.push_front(at_stake);
                lately.truncate(6);
                return Some(question);
            }
        }
    })
}

/// The question that this seed gives, if it gives one: most don't.
pub fn of_seed(seed: u64, level: Level, setting: &Setting) -> Option<ScenarioQuestion> {
    thrown(&mut Dice::new(seed), level, setting)
}

/// The question that the dice give with one random scenario.
fn thrown(dice: &mut Dice, level: Level, setting: &Setting) -> Option<ScenarioQuestion> {
    let small = Setting { page_size: SMALL_PAGE, ..*setting };
    let scenario = random::scenario(Files::All, &small, 60, dice);
    let disputed = disputed(&scenario, &small);
    // Any line may be the one to ask about. Only one question comes from a scenario, however long it is.
    let mut left: Vec<usize> = (2..scenario.0.len()).collect();
    let mut lines = std::iter::from_fn(|| (!left.is_empty()).then(|| left.swap_remove(dice.below(left.len()))));
    let last = lines.find(|line| disputed[*line])?;
    let question = ScenarioQuestion::about(Scenario(scenario.0[..=last].to_vec()), &small)?;
    if !level.may_fit(&question.scenario) || !is_short(&question) {
        return None;
    }
    // Lines that have nothing to do with it are left out.
    let scenario = shortened(question).scenario;
    ScenarioQuestion::about(scenario, setting).filter(is_short).filter(|question| level.fits(&question.scenario))
}

/// Whether some misconception gets a line wrong, for each line of a scenario: [`ScenarioQuestion::about`] what ends
/// with it.
fn disputed(scenario: &Scenario, setting: &Setting) -> Vec<bool> {
    let mut truth = Model::on(setting);
    let mut denying: Vec<_> = DENIALS.iter().map(|denial| Model::on(setting).without(denial.rule)).collect();
    let is_plain = |outcome: &Outcome| !outcome.is_open() && *outcome != Outcome::NotApplicable;
    let lines = scenario.0.iter().map(|Line { process, operation, .. }| {
        let is = truth.step(*process, operation).0;
        let believed = denying.iter_mut().map(|model| model.step(*process, operation).0);
        // Each of them has to make the step.
        let wrong = believed.filter(|believed| is_plain(believed) && *believed != is).count();
        is_plain(&is) && wrong > 0
    });
    lines.collect()
}

/// Whether the options can be taken in at a glance.
fn is_short(question: &ScenarioQuestion) -> bool {
    question.options.len() <= 5 && question.options.iter().all(|option| option.to_string().len() <= 40)
}

/// The same question without the lines that make no difference to it.
fn shortened(question: ScenarioQuestion) -> ScenarioQuestion {
    let setting = &question.setting;
    let asked = question.scenario.0.last().cloned();
    let scenario = random::without_idle_lines(question.scenario, |shorter| {
        // The quick look first: most scenarios fail it, and then the misconceptions need not be asked.
        let Ok(outcomes) = Model::on(setting).play(shorter);
        shorter.0.last() == asked.as_ref()
            && !outcomes.contains(&Outcome::NotApplicable)
            && outcomes.last().is_some_and(|outcome| question.options.contains(outcome))
            && ScenarioQuestion::about(shorter.clone(), setting).is_some_and(|other| other.options == question.options)
    });
    ScenarioQuestion { scenario, ..question }
}

#[cfg(test)]
mod tests {
    use super::{SMALL_PAGE, Scenario, ScenarioQuestion, Setting, shortened};

    #[test]
    fn a_line_that_makes_no_difference_is_left_out() {
        let needed = "A create f 1p\nA open d f rw\nA map m d shared rw 0 1p\nA close d\nA load m 0 1";
        let scenario = |text: &str| Scenario::parse(text).expect("a scenario");
        let question =
            |text: &str| ScenarioQuestion::about(scenario(text), &Setting::new(SMALL_PAGE)).expect("a question");
        for idle in 1..7 {
            let idle: String = (0..idle).map(|n| format!("A create g{n} 0\n")).collect();
            assert_eq!(shortened(question(&(idle + needed))).scenario, scenario(needed));
        }
    }
}
