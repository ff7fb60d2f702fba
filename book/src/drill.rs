//! The questions of the drill: random scenarios of which a misconception gets the last line wrong. `book/drill.toml` keeps
//! them, since the search for them takes minutes; [`script`] is what the page loads.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use mmap_workbook::course::LESSONS;
use mmap_workbook::misconception::Misconception;
use mmap_workbook::misconception::denial::{DENIALS, Denial, last_outcome, options};
use mmap_workbook::model::{FileSystem, Guards, Model, Setting};
use mmap_workbook::predict::{self, Level, Question, SMALL_PAGE, ScenarioQuestion};
use mmap_workbook::scenario::{Backend, Outcome, Scenario, in_words};
use mmap_workbook::text::{Language, Text, hash};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::evidence::PAGE_SIZE;
use crate::html::with_code;
use crate::simulator;
use crate::sources::{Mistake, Sources};

/// The file with the questions.
const FILE: &str = "book/drill.toml";

/// A question of the drill.
#[derive(Debug)]
pub struct DrillQuestion {
    /// How hard it is, from 1 to 3.
    pub level: u8,
    /// The seed that gives it: [`predict::of_seed`].
    pub seed: u64,
    /// The question.
    pub asked: ScenarioQuestion,
    /// The right answer.
    pub right: Outcome,
    /// The wrong ones, each with the denials that lead to it.
    pub wrong: Vec<(Outcome, Vec<&'static Denial>)>,
}

impl DrillQuestion {
    /// On small pages, which make it fast: it is the same with any.
    fn about(level: u8, seed: u64, scenario: Scenario) -> Option<DrillQuestion> {
        let setting = Setting::new(SMALL_PAGE);
        let right = last_outcome(Model::on(&setting), &scenario)?;
        let (mut wrong, asked) = (options(&scenario, &setting), ScenarioQuestion::about(scenario, &setting)?);
        wrong.retain(|(option, _)| *option != right);
        Some(DrillQuestion { level, seed, asked, right, wrong })
    }

    /// The question that this seed gives, if it gives one that has the same answers on each machine.
    pub fn of_seed(level: u8, seed: u64) -> Option<DrillQuestion> {
        let scenario = predict::of_seed(seed, Level::new(level)?, &Setting::new(SMALL_PAGE))?.scenario;
        DrillQuestion::about(level, seed, scenario).filter(DrillQuestion::is_the_same_everywhere)
    }

    /// The lesson after which each wrong answer is known to be wrong.
    pub fn lesson(&self) -> u8 {
        let lessons = self.wrong.iter().filter_map(|(_, denials)| denials.iter().map(|denial| denial.lesson).min());
        lessons.max().unwrap_or_default()
    }

    /// Whether neither a file system nor the page size, neither an older kernel nor a limit makes another question of it.
    fn is_the_same_everywhere(&self) -> bool {
        let here = self.asked.setting;
        let no_execution = FileSystem { executable: false, ..FileSystem::DISK };
        let kinds = [FileSystem::XFS, FileSystem::BTRFS, FileSystem::MEMORY, no_execution];
        let mut settings = kinds.map(|named| Setting { named, ..here }).to_vec();
        settings.extend([PAGE_SIZE, 16 * PAGE_SIZE].map(|page_size| Setting { page_size, ..here }));
        settings.push(Setting { guards: Guards::None, ..here });
        settings.push(Setting { lockable: u64::from(16 * SMALL_PAGE), ..here });
        settings.iter().all(|setting| {
            let Ok(outcomes) = Model::on(setting).play(&self.asked.scenario);
            let there = ScenarioQuestion::about(self.asked.scenario.clone(), setting);
            outcomes.last() == Some(&self.right) && there.is_some_and(|there| there.options == self.asked.options)
        })
    }

    /// What its lines do, whatever the names and numbers.
    pub fn done(&self) -> Vec<String> {
        let lines = self.asked.scenario.0.iter().map(|line| line.operation.to_string());
        lines.map(|line| line.split(' ').next().unwrap_or_default().to_owned()).collect()
    }

    /// How many of its lines do what only few readers know.
    fn unusual(&self) -> usize {
        let lines = self.asked.scenario.0.iter().map(|line| line.operation.to_string());
        lines
            .filter(|line| !line.split(' ').next().is_some_and(|word| USUAL.contains(&word)) || line.contains("code"))
            .count()
    }

    /// The beliefs of its wrong answers.
    pub fn at_stake(&self) -> BTreeSet<&'static str> {
        self.denials().map(|denial| denial.misconception.slug).collect()
    }

    fn denials(&self) -> impl Iterator<Item = &'static Denial> {
        self.wrong.iter().flat_map(|(_, denials)| denials).copied()
    }

    /// The name under which a browser remembers it: an edition with other questions leaves those that stay as they are.
    pub fn key(&self) -> String {
        hash(&self.asked.scenario.to_string())[..8].to_owned()
    }
}

/// How many questions each lesson has.
const OF_A_LESSON: usize = 40;

/// How many of them may be of a level. The third, which few seeds reach, gets the rest.
const OF_A_LEVEL: [(u8, usize); 3] = [(1, 14), (2, 22), (3, OF_A_LESSON)];

/// How many seeds are tried at the first level: it has no fork, so one lesson has little to ask there.
const AT_THE_FIRST: u64 = 1000;

/// How many questions may be about the same beliefs.
const OF_THE_SAME: usize = 8;

/// The operations that each reader of the chapters knows: the questions that need no others come first.
const USUAL: [&str; 15] = [
    "create", "open", "close", "map", "unmap", "load", "store", "read", "write", "truncate", "sync", "fork", "exit",
    "kill", "unlink",
];

/// Searches the questions: as many for each lesson that has misconceptions to predict with.
fn found() -> Vec<DrillQuestion> {
    // No random scenario has a power cut.
    let shown = DENIALS.iter().filter(|denial| !denial.rule.needs_a_cut());
    let lessons: BTreeSet<u8> = shown.map(|denial| denial.lesson).collect();
    let mut found: Vec<DrillQuestion> = Vec::new();
    for (seed, (level, most)) in (0..).flat_map(|seed| OF_A_LEVEL.map(|level| (seed, level))) {
        if found.len() == lessons.len() * OF_A_LESSON {
            break;
        }
        let is_wanted = |lesson: u8| {
            let levels: Vec<_> =
                found.iter().filter(|other| other.lesson() == lesson).map(|other| other.level).collect();
            levels.len() < OF_A_LESSON && levels.iter().filter(|other| **other == level).count() < most
        };
        // The search for questions that nobody wants would take most of the time.
        if level == 1 && seed > AT_THE_FIRST || !lessons.iter().any(|lesson| is_wanted(*lesson)) {
            continue;
        }
        let Some(question) = DrillQuestion::of_seed(level, seed) else { continue };
        let at_stake = question.at_stake();
        let same: Vec<_> = found.iter().filter(|other| other.at_stake() == at_stake).collect();
        if is_wanted(question.lesson())
            && same.len() < OF_THE_SAME
            && same.iter().all(|other| other.done() != question.done())
        {
            found.push(question);
        }
    }
    // From easy to hard, with the lessons mixed: what was asked a moment ago gives no hint.
    found.sort_by_key(|question| (question.level, question.unusual(), question.seed));
    found
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DrillFile {
    #[serde(rename = "question")]
    questions: Vec<Written>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    level: u8,
    seed: u64,
    scenario: String,
}

/// Writes the file with the questions anew.
///
/// # Errors
/// When it can't be written.
pub fn write(sources: &Sources) -> Result<(), Mistake> {
    let mut text = "# Written by `cargo run -p book -- drill`, which takes minutes.\n".to_owned();
    for DrillQuestion { level, seed, asked, .. } in found() {
        text += &format!("\n[[question]]\nlevel = {level}\nseed = {seed}\nscenario = '''\n{}'''\n", asked.scenario);
    }
    fs::write(sources.root().join(FILE), text).map_err(|error| Mistake::in_file(FILE, error.to_string()))
}

/// The questions, from easy to hard: none where there is no such file.
///
/// # Errors
/// When the file can't be read, or a scenario in it asks nothing.
pub fn questions(sources: &Sources) -> Result<Vec<DrillQuestion>, Mistake> {
    if !sources.root().join(FILE).is_file() {
        return Ok(Vec::new());
    }
    let written = sources.read_toml::<DrillFile>(FILE)?.questions;
    let questions = written.into_iter().map(|Written { level, seed, scenario }| {
        let wrong = |what: String| Mistake::in_file(FILE, format!("the question of seed {seed}: {what}"));
        let scenario = Scenario::parse(&scenario).map_err(|problem| wrong(problem.to_string()))?;
        DrillQuestion::about(level, seed, scenario).ok_or_else(|| wrong("no misconception gets it wrong".into()))
    });
    questions.collect()
}

/// Writes the questions, if there are any, into the directory of a language.
///
/// # Errors
/// Those of writing.
pub fn add(sources: &Sources, language: Language, questions: &[DrillQuestion], there: &Path) -> io::Result<()> {
    if questions.is_empty() {
        return Ok(());
    }
    fs::write(there.join("drill-questions.js"), script(sources, language, questions))
}

/// The questions as a script in a language: from a file, a page can load nothing else.
pub fn script(sources: &Sources, language: Language, questions: &[DrillQuestion]) -> String {
    let said_here = |text: &Text| text.in_language(language).to_owned();
    let html = |text: &Text| with_code(text.in_language(language));
    let (mut asked, mut beliefs, mut rules) = (Vec::new(), Map::new(), Map::new());
    for question in questions {
        for denial in question.denials() {
            let Misconception { slug, belief, against } = denial.misconception;
            if beliefs.contains_key(*slug) {
                continue;
            }
            let (place, title) = simulator::place(sources, language, denial.heading);
            beliefs.insert((*slug).to_owned(), json!([html(belief), html(against), place, title]));
        }
        // As many rules as the program gives.
        let decisive: Vec<_> = question.denials().map(|denial| denial.rule).take(3).collect();
        rules.extend(decisive.iter().map(|rule| (format!("{rule:?}"), html(rule.sentence()).into())));
        let decisive: Vec<_> = decisive.iter().map(|rule| format!("{rule:?}")).collect();
        let DrillQuestion { asked: scenario, right, wrong, level, .. } = question;
        let lines = scenario.scenario.0.iter().map(|line| {
            let written = format!("{} {}", line.process, line.operation);
            [written, said_here(&in_words(line))]
        });
        let lines: Vec<_> = lines.collect();
        let notes: Vec<_> = scenario.deaths().chain(scenario.elsewhere(right)).map(|text| html(&text)).collect();
        // In the order in which the program gives them, which is no hint.
        let options = Question::Scenario(scenario.clone()).options().into_iter().filter_map(|option| {
            let outcome = scenario.options.iter().find(|outcome| outcome.to_string() == option)?;
            let denials = wrong.iter().filter(|(wrong, _)| wrong == outcome).flat_map(|(_, denials)| denials);
            let slugs: Vec<_> = denials.map(|denial| denial.misconception.slug).collect();
            Some(json!({ "gives": option, "said": said_here(&ScenarioQuestion::said(outcome)), "beliefs": slugs }))
        });
        let options: Vec<_> = options.collect();
        asked.push(json!({
            "key": question.key(), "lesson": question.lesson(), "level": level, "lines": lines, "options": options,
            "right": right.to_string(), "rules": decisive, "notes": notes,
        }));
    }
    let lessons: Map<String, Value> =
        LESSONS.iter().map(|lesson| (lesson.number.to_string(), said_here(&lesson.title).into())).collect();
    let drill = json!({ "lessons": lessons, "questions": asked, "beliefs": beliefs, "rules": rules });
    format!("window.workbook.drill = {drill};\n")
}
