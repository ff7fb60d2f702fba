//! The grading is itself graded: stubs are still to do, solutions pass, and each answer, right or wrong, gets the feedback
//! that its header names.
//!
//! PROPTEST_RNG_SEED=N tries other random inputs than a learner's. WORKBOOK_ANSWER=one,another looks at these alone, and
//! with `-- --nocapture` shows all that they are told.
//!
//! That the other checks find nothing in a wrong answer is tried with `-- --ignored` only: run it when you have changed a
//! check or written an answer.
//!
//! It takes a few minutes, so a bare `cargo test` leaves it out: `cargo test --test grading`, or with `lesson_3` after
//! it.

mod common;

use std::time::Duration;

use common::{Answer, answers, exercise_of};
use mmap_workbook::course::grading::{Binary, Check, Checked, build};
use mmap_workbook::course::{self, Course};
use mmap_workbook::grade::{ANSWER_VARIABLE, Verdict};
use mmap_workbook::text::{Language, hash};

/// Less than a learner's deadline: each endless loop among the wrong answers runs until it passes.
const DEADLINE: Duration = Duration::from_secs(4);

/// The binary of the test target `kind_lesson`.
fn binary(kind: &str, lesson: u8) -> Binary {
    let target = format!("{kind}_{lesson}");
    let built = build(&Course::at(env!("CARGO_MANIFEST_DIR")), &target, None, &mut |_| {});
    let binary = built.expect("cargo runs").unwrap_or_else(|errors| panic!("{errors}"));
    Binary::open(&binary).expect("the binary")
}

/// All checks of the exercise, for an answer.
fn checks_for(lesson: u8, answer: Option<&str>) -> Vec<Check> {
    let texts = exercise_of(lesson).checks().expect("checks");
    let checks = texts.names().map(|(function, name)| Check {
        function: function.to_owned(),
        is_further: false,
        name: name.to_owned(),
        answer: answer.map(str::to_owned),
    });
    checks.collect()
}

/// What a check said, as the header of an answer writes it.
fn said(check: &Checked) -> String {
    let Checked { function, name, report, .. } = check;
    let verdict = serde_json::to_value(check.verdict()).expect("a verdict");
    let slug = report.failure.as_ref().and_then(|failure| failure.misconception.as_deref()).unwrap_or_default();
    format!("{function}::{name} {} {slug}", verdict.as_str().expect("a word")).trim_end().to_owned()
}

/// The checks are found by their names in the source, whatever is in the binary.
fn each_check_in_the_source_is_in_the_binary_and_no_other(lesson: u8) {
    let mut found: Vec<_> = binary("answers", lesson)
        .list()
        .expect("a list")
        .into_iter()
        .filter(|test| test.starts_with("checks::"))
        .collect();
    let mut wanted: Vec<_> = checks_for(lesson, None).iter().map(Check::test).collect();
    found.sort();
    wanted.sort();
    assert_eq!(found, wanted);
    let draft = course::lesson(lesson).is_some_and(|lesson| lesson.draft);
    let count = wanted.len();
    assert!(draft || count >= 9, "lesson {lesson}: {count} checks; a lesson that is listed has at least 9");
}

fn every_check_of_the_stub_is_still_to_do(lesson: u8) {
    let exercise = exercise_of(lesson);
    exercise.begin(Language::English).expect("it can be written");
    if exercise.text().expect("an exercise") != exercise.stub(Language::English).expect("a stub") {
        eprintln!("skipped: exercise {lesson} has been edited");
        return;
    }
    for check in run(&binary("exercise", lesson), &checks_for(lesson, None), DEADLINE) {
        assert_eq!(check.verdict(), Verdict::Todo, "{}", said(&check));
    }
}

fn the_solution_passes(lesson: u8) {
    for check in run(&binary("answers", lesson), &checks_for(lesson, None), 4 * DEADLINE) {
        assert!(check.has_passed(), "{check:#?}");
        // How often an answer syncs is told, whether it is few or not.
        let counts = ["it_makes_few_syncs", "it_stores_and_syncs_little"].contains(&check.name.as_str());
        assert_eq!(check.report.told.is_some(), counts, "{check:#?}");
    }
}

fn run(binary: &Binary, checks: &[Check], deadline: Duration) -> Vec<Checked> {
    binary.run(checks, deadline, |_| ()).expect("the checks run")
}

/// A wrong answer is graded by the checks that its header names only: they end early, the others would take most of the
/// time. A right one is graded by every second check of the functions that it has: [`no_answer_gets_other_feedback`] takes
/// them all.
fn every_answer_gets_the_feedback_that_it_names(lesson: u8) {
    // Who asks for single answers wants to see all that they are told.
    graded(lesson, std::env::var_os(ANSWER_VARIABLE).is_some());
}

/// Each answer is graded by all checks of the functions that it has, and by those that its header names.
fn no_answer_gets_other_feedback(lesson: u8) {
    graded(lesson, true);
}

fn graded(lesson: u8, by_all: bool) {
    let only = std::env::var(ANSWER_VARIABLE).ok();
    let mut answers = answers(lesson);
    answers.retain(|answer| only.as_ref().is_none_or(|only| only.split(',').any(|only| *only == answer.name)));
    let checks_of = |answer: &Answer| -> Vec<Check> {
        let mut checks = checks_for(lesson, Some(&answer.name));
        let lines = [answer.fails(), answer.may_fail()].concat();
        let named = |name: &str| lines.iter().any(|line| line.split(' ').next() == Some(name));
        checks.retain(|check| {
            let name = format!("{}::{}", check.function, check.name);
            let is_its = answer.functions.contains(&check.function);
            let every_second =
                || hash(&format!("{} {name}", answer.name)).ends_with(['0', '2', '4', '6', '8', 'a', 'c', 'e']);
            is_its && (by_all || answer.fails().is_empty() && every_second()) || named(&name)
        });
        checks
    };
    let checks: Vec<_> = answers.iter().flat_map(checks_of).collect();
    let binary = binary("answers", lesson);
    // Those of lesson 4 are idle half of the time: they wait for another process, or for their deadline.
    let binary = if lesson == 4 { binary.crowded() } else { binary };
    let mut checked = run(&binary, &checks, DEADLINE).into_iter();
    let mut wrong = Vec::new();
    for answer in &answers {
        let mut checked: Vec<_> = checked.by_ref().take(checks_of(answer).len()).collect();
        let mut differs = differs_from_its_header(answer, &checked);
        // On a busy machine a call may exceed the deadline that ends in time otherwise: it gets a learner's, and more.
        if differs.is_some() && checked.iter().any(|check| check.verdict() == Verdict::TimedOut) {
            eprintln!("lesson {lesson}: {} is graded again, with more time", answer.name);
            checked = run(&binary, &checks_of(answer), 4 * DEADLINE);
            differs = differs_from_its_header(answer, &checked);
        }
        wrong.extend(differs);
        if only.is_some() {
            checked.iter().filter(|check| !check.has_passed()).for_each(|check| {
                let told = check.report.in_language(Language::of_environment(), Some(lesson), |_, _| None);
                println!("{}: {}\n{told}", answer.name, said(check));
            });
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What an answer got instead of what its header names, if that differs.
fn differs_from_its_header(answer: &Answer, checked: &[Checked]) -> Option<String> {
    let mut got: Vec<_> = checked.iter().filter(|check| !check.has_passed()).map(said).collect();
    let (mut wanted, may) = (answer.fails(), answer.may_fail());
    wanted.sort_unstable();
    got.sort_unstable();
    let is_caught = answer.passes() || !got.is_empty();
    // A right one does what is easiest for each check.
    let left = checked.iter().filter(|check| answer.passes() && check.report.left.is_some());
    got.extend(left.map(|check| format!("{} is left to another check", check.name)));
    let by_chance = |said: &String| may.contains(&said.as_str()) && !wanted.contains(&said.as_str());
    got.retain(|said| !by_chance(said));
    let differs = wanted != got || !is_caught;
    differs.then(|| format!("{} in {}:\n  wanted {wanted:#?}\n  got {got:#?}", answer.name, answer.file))
}

/// A module of tests for each lesson, so that one lesson's can be run alone, or two lessons' at the same time.
/// tests/exercises.rs checks that no lesson is left out.
macro_rules! of_lessons {
    ($($module:ident)*) => {
        $(mod $module {
            #[test]
            fn each_check_in_the_source_is_in_the_binary_and_no_other() {
                super::on(stringify!($module), super::each_check_in_the_source_is_in_the_binary_and_no_other);
            }

            #[test]
            fn every_check_of_the_stub_is_still_to_do() {
                super::on(stringify!($module), super::every_check_of_the_stub_is_still_to_do);
            }

            #[test]
            fn the_solution_passes() {
                super::on(stringify!($module), super::the_solution_passes);
            }

            #[test]
            fn every_answer_gets_the_feedback_that_it_names() {
                super::on(stringify!($module), super::every_answer_gets_the_feedback_that_it_names);
            }

            #[test]
            #[ignore = "all checks for all answers: three times the time"]
            fn no_answer_gets_other_feedback() {
                super::on(stringify!($module), super::no_answer_gets_other_feedback);
            }
        })*
    };
}

of_lessons! { lesson_1 lesson_2 lesson_3 lesson_4 lesson_5 lesson_6 lesson_7 lesson_8 }

/// Runs the test on the lesson with this module. A draft may have no exercise yet.
fn on(module: &str, test: fn(u8)) {
    let number = module.strip_prefix("lesson_").and_then(|number| number.parse().ok());
    let lesson = number.and_then(course::lesson).unwrap_or_else(|| panic!("there is no {module}"));
    match lesson.draft && !exercise_of(lesson.number).path().exists() {
        true => eprintln!("skipped: {module} has no exercise yet"),
        false => test(lesson.number),
    }
}
