//! The grading is itself graded: stubs are still to do, solutions pass, and each wrong answer gets the feedback that
//! its header names, no more and no less.
//!
//! The random inputs come from one seed, so that each run says the same; PROPTEST_RNG_SEED=N tries others.
//!
//! It takes a few minutes, so a bare `cargo test` leaves it out: `cargo test --test grading`, or with `lesson_3` after
//! it.

mod common;

use std::path::{Path, PathBuf};
use std::time::Duration;

use common::{exercise_of, wrong_answers};
use mmap_workbook::course::grading::{Checked, build, checks_of};
use mmap_workbook::course::{self, Course};
use mmap_workbook::grade::Verdict;

/// Half of a learner's deadline: each endless loop among the wrong answers runs until it passes.
const DEADLINE: Duration = Duration::from_secs(5);

/// The environment variable from which proptest takes its seed in the checks' processes.
const SEED: &str = "PROPTEST_RNG_SEED";

/// The binary of the test target `kind_lesson`.
fn binary(kind: &str, lesson: u8) -> PathBuf {
    let target = format!("{kind}_{lesson}");
    let built = build(&Course::at(env!("CARGO_MANIFEST_DIR")), std::slice::from_ref(&target)).expect("cargo runs");
    let built = built.unwrap_or_else(|errors| panic!("{errors}"));
    let [(name, binary)] = built.as_slice() else { panic!("{target}: {built:?}") };
    assert_eq!(*name, target);
    binary.clone()
}

/// Runs the checks whose names begin with `module`.
fn run(lesson: u8, binary: &Path, module: &str) -> Vec<Checked> {
    let source = exercise_of(lesson).checks().expect("checks");
    let checks = checks_of(binary, module, &source).expect("a list");
    if std::env::var_os(SEED).is_none() {
        // SAFETY: the tests run one at a time, and nothing here has another thread that could look at the environment.
        unsafe { std::env::set_var(SEED, "1") };
    }
    let draft = course::lesson(lesson).is_some_and(|lesson| lesson.draft);
    let count = checks.len();
    assert!(
        count > 0,
        "{module} has no checks: is it a module of answers.rs, and are the checks modules of checks/mod.rs?"
    );
    assert!(draft || count >= 9, "lesson {lesson}: {count} checks; a lesson that is listed has at least 9");
    checks.into_iter().map(|check| check.run(binary, DEADLINE).expect("a check runs")).collect()
}

/// What a check said, as the header of a wrong answer writes it.
fn said(check: &Checked) -> String {
    let Checked { function, name, report, .. } = check;
    let verdict = serde_json::to_value(check.verdict()).expect("a verdict");
    let slug = report.failure.as_ref().and_then(|failure| failure.misconception.as_deref()).unwrap_or_default();
    format!("{function}::{name} {} {slug}", verdict.as_str().expect("a word")).trim_end().to_owned()
}

fn every_check_of_the_stub_is_still_to_do(lesson: u8) {
    let exercise = exercise_of(lesson);
    if exercise.text().expect("an exercise") != exercise.stub().expect("a stub") {
        eprintln!("skipped: exercise {lesson} has been edited");
        return;
    }
    for check in run(lesson, &binary("exercise", lesson), "checks::") {
        assert_eq!(check.verdict(), Verdict::Todo, "{}", said(&check));
    }
}

fn the_solution_passes(lesson: u8) {
    for check in run(lesson, &binary("answers", lesson), "solution::checks::") {
        assert!(check.has_passed(), "{check:#?}");
    }
}

fn every_wrong_answer_gets_the_feedback_that_it_names(lesson: u8) {
    let binary = binary("answers", lesson);
    let mut wrong = Vec::new();
    for (name, header) in wrong_answers(lesson) {
        let mut wanted: Vec<_> = header.iter().filter_map(|line| line.strip_prefix("fails: ")).collect();
        let checks = run(lesson, &binary, &format!("{name}::checks::"));
        let got: Vec<_> = checks.iter().filter(|check| !check.has_passed()).map(said).collect();
        let mut got: Vec<_> = got.iter().map(String::as_str).collect();
        wanted.sort_unstable();
        got.sort_unstable();
        if wanted != got {
            wrong.push(format!("{name}:\n  wanted {wanted:#?}\n  got {got:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A module of tests for each lesson, so that one lesson's can be run alone, or two lessons' at the same time.
/// tests/exercises.rs checks that no lesson is left out.
macro_rules! of_lessons {
    ($($module:ident)*) => {
        $(mod $module {
            #[test]
            fn every_check_of_the_stub_is_still_to_do() {
                super::on(stringify!($module), super::every_check_of_the_stub_is_still_to_do);
            }

            #[test]
            fn the_solution_passes() {
                super::on(stringify!($module), super::the_solution_passes);
            }

            #[test]
            fn every_wrong_answer_gets_the_feedback_that_it_names() {
                super::on(stringify!($module), super::every_wrong_answer_gets_the_feedback_that_it_names);
            }
        })*
    };
}

of_lessons! { lesson_1 lesson_2 lesson_3 lesson_4 lesson_5 lesson_6 }

/// Runs the test on the lesson with this module. A draft may have no exercise yet.
fn on(module: &str, test: fn(u8)) {
    let number = module.strip_prefix("lesson_").and_then(|number| number.parse().ok());
    let lesson = number.and_then(course::lesson).unwrap_or_else(|| panic!("there is no {module}"));
    match lesson.draft && !exercise_of(lesson.number).path().exists() {
        true => eprintln!("skipped: {module} has no exercise yet"),
        false => test(lesson.number),
    }
}
