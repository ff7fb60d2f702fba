//! The grading is itself graded: stubs are still to do, solutions pass, and each wrong answer gets the feedback that its
//! header names, no more and no less.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mmap_workbook::course::grading::{Checked, build, checks_of};
use mmap_workbook::course::{Course, Exercise, LESSONS, Lesson};
use mmap_workbook::grade::Verdict;
use mmap_workbook::grade::misconception::{ALL, Misconception};

/// Half of what a learner's code may take: each endless loop among the wrong answers is waited for.
const DEADLINE: Duration = Duration::from_secs(5);

fn course() -> Course {
    Course::at(env!("CARGO_MANIFEST_DIR"))
}

fn answers(lesson: &Lesson) -> PathBuf {
    course().root().join(format!("tests/answers/{}_{}", lesson.number, lesson.slug))
}

fn exercise(lesson: &Lesson) -> Exercise {
    course().exercise(lesson)
}

/// The binaries of the test targets named `kind_N`, by N.
fn binaries(kind: &str) -> BTreeMap<u8, PathBuf> {
    let targets: Vec<_> =
        LESSONS.iter().filter(|l| l.number > 4).map(|lesson| format!("{kind}_{}", lesson.number)).collect();
    let built = build(&course(), &targets).expect("cargo runs").unwrap_or_else(|errors| panic!("{errors}"));
    let number = |name: &str| name.rsplit_once('_').and_then(|(_, n)| n.parse().ok()).expect("a number");
    let built: BTreeMap<_, _> = built.into_iter().map(|(name, binary)| (number(&name), binary)).collect();
    assert_eq!(built.len(), 2, "each target has a binary");
    built
}

fn run(lesson: &Lesson, binary: &Path, module: &str) -> Vec<Checked> {
    let source = exercise(lesson).checks().expect("checks");
    let checks = checks_of(binary, module, &source).expect("a list");
    assert!(checks.len() >= 6, "lesson {}: {} checks", lesson.number, checks.len());
    checks.into_iter().map(|check| check.run(binary, DEADLINE).expect("a check runs")).collect()
}

/// What a check said, as the header of a wrong answer writes it.
fn said(check: &Checked) -> String {
    let Checked { function, name, report, .. } = check;
    let verdict = serde_json::to_value(check.verdict()).expect("a verdict");
    let slug = report.failure.as_ref().and_then(|failure| failure.misconception.as_deref()).unwrap_or_default();
    format!("{function}::{name} {} {slug}", verdict.as_str().expect("a word")).trim_end().to_owned()
}

#[test]
fn every_check_of_a_stub_is_still_to_do() {
    let binaries = binaries("exercise");
    for lesson in LESSONS.iter().filter(|l| l.number > 4) {
        if exercise(lesson).text().expect("an exercise") != exercise(lesson).stub().expect("a stub") {
            assert!(std::env::var_os("CI").is_none(), "lesson {}: exercise.rs and stub.rs differ", lesson.number);
            eprintln!("skipped: somebody works on exercise {}", lesson.number);
            continue;
        }
        for check in run(lesson, &binaries[&lesson.number], "checks::") {
            assert_eq!(check.verdict(), Verdict::Todo, "lesson {}: {}", lesson.number, said(&check));
        }
    }
}

#[test]
fn every_solution_passes() {
    let binaries = binaries("answers");
    for lesson in LESSONS.iter().filter(|l| l.number > 4) {
        for check in run(lesson, &binaries[&lesson.number], "solution::checks::") {
            assert!(check.has_passed(), "lesson {}: {check:#?}", lesson.number);
        }
    }
}

#[test]
fn every_wrong_answer_gets_the_feedback_that_it_names() {
    let binaries = binaries("answers");
    let mut wrong = Vec::new();
    for lesson in LESSONS.iter().filter(|l| l.number > 4) {
        for (name, header) in wrong_answers(lesson) {
            let mut wanted: Vec<_> = header.iter().filter_map(|line| line.strip_prefix("fails: ")).collect();
            let checks = run(lesson, &binaries[&lesson.number], &format!("{name}::checks::"));
            let got: Vec<_> = checks.iter().filter(|check| !check.has_passed()).map(said).collect();
            let mut got: Vec<_> = got.iter().map(String::as_str).collect();
            wanted.sort_unstable();
            got.sort_unstable();
            if wanted != got {
                wrong.push(format!("{}_{}/{name}:\n  wanted {wanted:#?}\n  got {got:#?}", lesson.number, lesson.slug));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The wrong answers of a lesson: the name of the module, and the lines of its header.
fn wrong_answers(lesson: &Lesson) -> Vec<(String, Vec<String>)> {
    let entries = fs::read_dir(answers(lesson).join("wrong")).expect("a folder");
    let mut answers: Vec<_> = entries
        .map(|entry| {
            let path = entry.expect("an entry").path();
            let text = fs::read_to_string(&path).expect("an answer");
            let header = text.lines().map_while(|line| line.strip_prefix("//!")).map(|line| line.trim().to_owned());
            let name = path.file_stem().and_then(|name| name.to_str()).expect("a name").to_owned();
            (name, header.collect())
        })
        .collect();
    answers.sort();
    answers
}

#[test]
fn there_are_enough_wrong_answers_and_each_is_compiled_and_named() {
    for lesson in LESSONS.iter().filter(|l| l.number > 4) {
        let wrong = wrong_answers(lesson);
        assert!(wrong.len() >= 6, "lesson {}: {} wrong answers", lesson.number, wrong.len());
        let modules = fs::read_to_string(answers(lesson).join("answers.rs")).expect("the crate");
        for (name, header) in wrong {
            assert!(modules.contains(&format!("#[path = \"wrong/{name}.rs\"]\nmod {name};")), "{name}");
            assert!(
                header.first().is_some_and(|line| line.ends_with('.')),
                "{name}: a sentence that says what is wrong"
            );
            let fails = header.iter().filter_map(|line| line.strip_prefix("fails: "));
            let slugs: Vec<_> = fails.map(|line| line.split(' ').nth(2)).collect();
            assert!(!slugs.is_empty(), "{name} fails nothing");
            for slug in slugs.into_iter().flatten() {
                assert!(Misconception::of_slug(slug).is_some(), "{name}: {slug}");
            }
        }
    }
}

#[test]
fn each_misconception_is_recognised_in_a_wrong_answer() {
    let answers: Vec<_> = LESSONS.iter().flat_map(wrong_answers).collect();
    for Misconception { slug, .. } in ALL {
        let names = |line: &String| line.starts_with("fails: ") && line.split(' ').nth(3) == Some(slug);
        assert!(answers.iter().any(|(_, header)| header.iter().any(names)), "{slug}");
    }
}

#[test]
fn a_misconception_has_a_slug_and_a_sentence_against_it_in_both_languages() {
    for (n, misconception) in ALL.iter().enumerate() {
        let slug = misconception.slug;
        assert!(slug.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{slug}");
        assert!(ALL[..n].iter().all(|other| other.slug != slug), "{slug} is there twice");
        for words in [misconception.belief(), misconception.against()] {
            assert!(words.en.ends_with('.') && words.en.is_ascii(), "{slug}: {}", words.en);
            assert!(words.zh.ends_with('。') && !words.zh.is_ascii(), "{slug}: {}", words.zh);
        }
    }
}

#[test]
fn the_hints_go_from_a_question_to_nearly_the_answer_in_both_languages() {
    use mmap_workbook::grade::Language::{Chinese, English};
    for lesson in LESSONS.iter().filter(|l| l.number > 4) {
        let hints = [English, Chinese].map(|language| exercise(lesson).hints(language).expect("hints"));
        let shape = |hints: &[(String, Vec<String>)]| -> Vec<_> {
            hints.iter().map(|(function, levels)| (function.clone(), levels.len())).collect()
        };
        assert_eq!(shape(&hints[0]), shape(&hints[1]), "lesson {}", lesson.number);
        // A section for each function that is graded, in the same order.
        let checks = exercise(lesson).checks().expect("checks");
        let functions: Vec<_> =
            checks.lines().filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(" {")).collect();
        let sections: Vec<_> = hints[0].iter().map(|(function, _)| function.as_str()).collect();
        assert_eq!(sections, functions, "lesson {}", lesson.number);
        for (function, levels) in hints.iter().flatten() {
            assert!(levels.len() >= 3, "{function}: {} hints", levels.len());
            assert!(levels[0].contains(['?', '？']), "{function}: the first hint is a question");
        }
    }
}

#[test]
fn each_section_that_a_check_refers_to_is_there() {
    for lesson in LESSONS.iter().filter(|l| l.number > 4) {
        let checks = exercise(lesson).checks().expect("checks");
        let mut found = 0;
        for rest in checks.split("check(").skip(1) {
            let Some(section) = rest.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next()) else {
                continue;
            };
            let (number, section) = match section.split_once(':') {
                Some((number, section)) => (number.parse().expect("a number"), section),
                None => (lesson.number, section),
            };
            let other = LESSONS.iter().find(|lesson| lesson.number == number).expect("a lesson");
            let source = fs::read_to_string(exercise(other).folder().join("lesson.rs")).expect("a lesson");
            assert!(source.contains(&format!("// ANCHOR: {section}\n")), "lesson {}: {section}", lesson.number);
            found += 1;
        }
        assert!(found >= 6, "lesson {}: {found} sections", lesson.number);
    }
}
