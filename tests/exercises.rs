//! What each exercise has to have: enough wrong answers, hints in both languages, sections that are there. That the
//! checks say what the answers' headers demand is the matter of tests/grading.rs.

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use common::{answers_of, exercise_of, wrong_answers};
use mmap_workbook::course::{LESSONS, listed};
use mmap_workbook::grade::misconception::Misconception;
use mmap_workbook::predict::denial::Denial;
use mmap_workbook::text::Language;

/// cargo finds neither an exercise nor its answers by itself.
#[test]
fn each_exercise_and_its_answers_are_targets_and_are_graded() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |name| fs::read_to_string(root.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let (manifest, grading) = (read("Cargo.toml"), read("tests/grading.rs"));
    let of_lessons = grading.split("of_lessons! {").last().and_then(|rest| rest.split('}').next());
    let graded: Vec<_> = of_lessons.expect("the lessons").split_whitespace().collect();
    let mut to_do = String::new();
    for lesson in LESSONS {
        let (n, directory) = (lesson.number, lesson.directory());
        let files = [
            ("exercise", format!("lessons/{directory}/exercise.rs")),
            ("answers", format!("tests/answers/{directory}/answers.rs")),
        ];
        for (kind, path) in files {
            let target = format!("[[test]]\nname = \"{kind}_{n}\"\npath = \"{path}\"\ntest = false\n");
            match root.join(&path).exists() {
                true if !manifest.contains(&target) => to_do += &format!("Add to Cargo.toml:\n\n{target}\n"),
                false if !lesson.draft => to_do += &format!("Write {path}, or make lesson {n} a draft.\n"),
                _ => {}
            }
        }
        if !graded.contains(&format!("lesson_{n}").as_str()) {
            to_do += &format!("Add lesson_{n} to of_lessons! in tests/grading.rs.\n");
        }
    }
    assert!(to_do.is_empty(), "{to_do}");
}

#[test]
fn there_are_enough_wrong_answers_and_each_is_compiled_and_named() {
    for lesson in LESSONS {
        let n = lesson.number;
        let wrong = wrong_answers(n);
        assert!(lesson.draft || wrong.len() >= 6, "lesson {n}: {} wrong answers", wrong.len());
        for (name, header) in wrong {
            let modules = fs::read_to_string(answers_of(n).join("answers.rs")).expect("the crate");
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
fn each_misconception_is_recognised_in_a_wrong_answer_or_a_wrong_prediction() {
    let answers: Vec<_> = LESSONS.iter().flat_map(|lesson| wrong_answers(lesson.number)).collect();
    for Misconception { slug, .. } in Misconception::all() {
        let names = |line: &String| line.starts_with("fails: ") && line.split(' ').nth(3) == Some(slug);
        let answered = answers.iter().any(|(_, header)| header.iter().any(names));
        assert!(answered || Denial::of_slug(slug).is_some(), "{slug}");
    }
}

#[test]
fn a_misconception_has_a_slug_and_a_sentence_against_it_in_both_languages() {
    let mut slugs = BTreeSet::new();
    for misconception in Misconception::all() {
        let slug = misconception.slug;
        assert!(slug.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'), "{slug}");
        assert!(slugs.insert(slug), "{slug} is there twice");
        for words in [&misconception.belief, &misconception.against] {
            assert!(words.en.ends_with('.') && words.en.is_ascii(), "{slug}: {}", words.en);
            assert!(words.zh.ends_with('。') && !words.zh.is_ascii(), "{slug}: {}", words.zh);
        }
    }
}

#[test]
fn the_hints_go_from_a_question_to_nearly_the_answer_in_both_languages() {
    for lesson in listed().map(|lesson| lesson.number) {
        let hints = Language::ALL.map(|language| exercise_of(lesson).hints(language).expect("hints"));
        let shape = |hints: &[(String, Vec<String>)]| -> Vec<_> {
            hints.iter().map(|(function, levels)| (function.clone(), levels.len())).collect()
        };
        for other in &hints[1..] {
            assert_eq!(shape(&hints[0]), shape(other), "lesson {lesson}");
        }
        // A section for each function that is graded, in the same order.
        let checks = exercise_of(lesson).checks().expect("checks");
        let functions: Vec<_> = checks.functions.iter().map(|(function, _)| function.as_str()).collect();
        let sections: Vec<_> = hints[0].iter().map(|(function, _)| function.as_str()).collect();
        assert_eq!(sections, functions, "lesson {lesson}");
        for (function, levels) in hints.iter().flatten() {
            assert!(levels.len() >= 3, "{function}: {} hints", levels.len());
            assert!(levels[0].contains(['?', '？']), "{function}: the first hint is a question");
        }
    }
}

#[test]
fn each_section_that_a_check_refers_to_is_there() {
    for lesson in listed().map(|lesson| lesson.number) {
        let checks = exercise_of(lesson).checks().expect("checks");
        let mut found = 0;
        for rest in checks.functions.iter().flat_map(|(_, source)| source.split("check(").skip(1)) {
            let Some(section) = rest.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next()) else {
                continue;
            };
            let (number, section) = match section.split_once(':') {
                Some((number, section)) => (number.parse().expect("a number"), section),
                None => (lesson, section),
            };
            let source = fs::read_to_string(exercise_of(number).directory().join("lesson.rs")).expect("a lesson");
            assert!(source.contains(&format!("// ANCHOR: {section}\n")), "lesson {lesson}: {section}");
            found += 1;
        }
        assert!(found >= 6, "lesson {lesson}: {found} sections");
    }
}
