//! The questions of the drill: the kernel answers them, and they are what the generator finds.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::process::{Command, Stdio};

use book::drill::{DrillQuestion, questions, script};
use book::sources::Sources;
use mmap_workbook::kernel::Kernel;
use mmap_workbook::misconception::denial::Denial;
use mmap_workbook::model::Setting;
use mmap_workbook::scenario::Backend;
use mmap_workbook::text::Language;

fn all() -> Vec<DrillQuestion> {
    questions(&Sources::of_program()).unwrap_or_else(|mistake| panic!("{mistake}"))
}

#[test]
fn the_kernel_gives_the_right_answer_of_each_question() {
    let mut kernel = Kernel::new().expect("a kernel");
    for question in all() {
        let scenario = &question.asked.scenario;
        let happened = kernel.play(scenario).expect("the kernel can").pop().expect("a line");
        assert_eq!(happened, question.right, "{scenario}");
    }
}

#[test]
fn each_question_is_what_its_seed_gives() {
    for question in all() {
        let DrillQuestion { level, seed, ref asked, .. } = question;
        let found = DrillQuestion::of_seed(level, seed).map(|found| found.asked.scenario.to_string());
        let repair = "`cargo run -p book -- drill` searches the questions anew";
        assert_eq!(found, Some(asked.scenario.to_string()), "seed {seed}, level {level}: {repair}");
    }
}

#[test]
fn each_wrong_answer_is_that_of_the_beliefs_which_it_names() {
    let setting = Setting::new(book::evidence::PAGE_SIZE);
    for question in all() {
        let scenario = &question.asked.scenario;
        assert!(!question.wrong.is_empty() && question.wrong.iter().all(|(option, _)| *option != question.right));
        for (option, denials) in &question.wrong {
            assert!(!denials.is_empty(), "no belief leads to {option}:\n{scenario}");
            for denial in denials {
                assert_eq!(denial.prediction(scenario, &setting).as_ref(), Some(option), "{scenario}");
            }
        }
    }
}

#[test]
fn two_hundred_different_questions_forty_of_each_lesson() {
    let all = all();
    let (mut of_lesson, mut levels) = (BTreeMap::new(), BTreeSet::new());
    for question in &all {
        *of_lesson.entry(question.lesson()).or_insert(0) += 1;
        levels.insert(question.level);
    }
    assert_eq!(of_lesson, (2..=6).map(|lesson| (lesson, 40)).collect());
    assert_eq!(levels, (1..=3).collect());
    let keys: BTreeSet<_> = all.iter().map(DrillQuestion::key).collect();
    let kinds: BTreeSet<_> = all.iter().map(|question| (question.done(), question.at_stake())).collect();
    assert_eq!((keys.len(), kinds.len()), (200, 200), "two are the same, whatever their names and numbers");
    let beliefs: BTreeSet<_> = all.iter().flat_map(DrillQuestion::at_stake).collect();
    assert!(beliefs.len() >= 30, "only {} beliefs are asked for", beliefs.len());
    assert!(beliefs.iter().all(|slug| Denial::of_slug(slug).is_some()));
}

#[test]
fn the_script_of_a_language_is_light() {
    let all = all();
    for language in Language::ALL {
        let script = script(&Sources::of_program(), language, &all);
        let mut gzip =
            Command::new("gzip").args(["-9", "-c"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("gzip");
        let mut input = gzip.stdin.take().expect("a pipe");
        let writer = std::thread::spawn(move || input.write_all(script.as_bytes()));
        let sent = gzip.wait_with_output().expect("gzip").stdout.len();
        writer.join().expect("no panic").expect("all is written");
        assert!((1_000..=100_000).contains(&sent), "{}: {sent} bytes", language.code());
    }
}
