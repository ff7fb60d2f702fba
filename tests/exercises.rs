//! What each exercise must have: enough answers, hints in both languages, sections that exist. tests/grading.rs
//! checks that a wrong answer gets the feedback that its header names.

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use common::{Answer, Findings, answers, exercise_of};
use mmap_workbook::course::{LESSONS, Lesson};
use mmap_workbook::misconception::Misconception;
use mmap_workbook::misconception::denial::Denial;
use mmap_workbook::text::Language;

/// cargo finds neither an exercise nor its answers by itself: what has to be done so that the file of each lesson, its path
/// made by `path`, is the target `kind_N`.
fn missing_targets(kind: &str, path: fn(&str) -> String) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = fs::read_to_string(root.join("Cargo.toml")).expect("the manifest");
    let to_do = LESSONS.iter().map(|lesson| {
        let (n, path) = (lesson.number, path(&lesson.directory()));
        let target = format!("[[test]]\nname = \"{kind}_{n}\"\npath = \"{path}\"\ntest = false\n");
        match root.join(&path).exists() {
            true if !manifest.contains(&target) => format!("Add to Cargo.toml:\n\n{target}\n"),
            false if !lesson.draft => format!("Write {path}, or make lesson {n} a draft.\n"),
            _ => String::new(),
        }
    });
    to_do.collect()
}

#[test]
fn each_exercise_is_a_target() {
    let to_do = missing_targets("exercise", |lesson| format!("lessons/{lesson}/graded.rs"));
    assert!(to_do.is_empty(), "{to_do}");
}

#[test]
#[cfg_attr(feature = "handout", ignore = "the answers are with the teacher")]
fn the_answers_to_each_exercise_are_a_target_and_are_graded() {
    let mut to_do = missing_targets("answers", |lesson| format!("tests/answers/{lesson}/answers.rs"));
    let grading = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/grading.rs");
    let grading = fs::read_to_string(grading).expect("tests/grading.rs");
    let of_lessons = grading.split("of_lessons! {").last().and_then(|rest| rest.split('}').next());
    let graded: Vec<_> = of_lessons.expect("the lessons").split_whitespace().collect();
    for n in LESSONS.iter().map(|lesson| lesson.number) {
        if !graded.contains(&format!("lesson_{n}").as_str()) {
            to_do += &format!("Add lesson_{n} to of_lessons! in tests/grading.rs.\n");
        }
    }
    assert!(to_do.is_empty(), "{to_do}");
}

/// The lessons that have an exercise: a draft may have none yet.
fn with_exercise() -> impl Iterator<Item = &'static Lesson> {
    LESSONS.iter().filter(|lesson| exercise_of(lesson.number).stub(Language::English).is_ok())
}

#[test]
#[cfg_attr(feature = "handout", ignore = "the answers are with the teacher")]
fn there_are_enough_answers_and_each_is_graded_and_says_what_it_is() {
    let mut wrong = Findings::default();
    for lesson in with_exercise() {
        let directory = format!("tests/answers/{}", lesson.directory());
        let answers = answers(lesson.number);
        let count = answers.iter().filter(|answer| !answer.passes()).count();
        let what = format!("{count} wrong answers");
        wrong.unless(lesson.draft || count >= 6, &directory, what, "a lesson that is listed has at least 6");
        let mut names = BTreeSet::new();
        for answer in &answers {
            let place = format!("{directory}/{}, mod {}", answer.file, answer.name);
            wrong.unless(names.insert(&answer.name), &place, "another answer has this name", "give it another one");
            let (functions, called) = (&answer.functions, &answer.called);
            let repair = format!("the calls of `one_of!` for {functions:?} in its file name it, and no others do");
            wrong.unless(
                !functions.is_empty() && functions == called,
                &place,
                format!("graded for {called:?}"),
                repair,
            );
            let sentence = answer.header.first().is_some_and(|line| line.ends_with('.'));
            let repair = "begin its header with a sentence that says what is wrong, or unusual";
            wrong.unless(sentence, &place, "no sentence says what it is about", repair);
            let fails = answer.fails();
            let repair = "a line in its header for each check that it fails, `fails: FUNCTION::CHECK VERDICT SLUG`, or the \
                          line `passes`";
            let may_fail = answer.may_fail();
            let is_right = fails.is_empty() && may_fail.is_empty();
            wrong.unless(is_right == answer.passes(), &place, "is it right or wrong?", repair);
            for slug in fails.iter().chain(&may_fail).filter_map(|line| line.split(' ').nth(2)) {
                let known = Misconception::of_slug(slug).is_some();
                let repair = format!("add it to src/misconception/lesson_{}.rs", lesson.number);
                wrong.unless(known, &place, format!("there is no misconception {slug}"), repair);
            }
        }
    }
    wrong.report();
}

#[test]
#[cfg_attr(feature = "handout", ignore = "the answers are with the teacher")]
fn each_misconception_is_recognised_in_a_wrong_answer_or_a_wrong_prediction() {
    let mut wrong = Findings::default();
    let answers: Vec<_> = LESSONS.iter().flat_map(|lesson| answers(lesson.number)).collect();
    for Misconception { slug, .. } in Misconception::all() {
        let names = |line: &&str| line.split(' ').nth(2) == Some(slug);
        let answered = answers.iter().any(|answer| answer.fails().iter().any(names));
        let what = "no wrong answer's header and no denial names it";
        let repair = "see \"Recipe: a misconception\" in CONTRIBUTING.md";
        wrong.unless(answered || Denial::of_slug(slug).is_some(), slug, what, repair);
    }
    wrong.report();
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
    for lesson in with_exercise().map(|lesson| lesson.number) {
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

/// A text without its comments and its white space.
fn code_in(text: &str) -> String {
    let lines = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    lines.flat_map(str::split_whitespace).collect()
}

/// The compiler sees no hint. So an answer is written by following it, and is graded; here it must have each line of code
/// in the hint, in the same order. In a hint, `...` and comments stand for what is left to the learner.
#[test]
#[cfg_attr(feature = "handout", ignore = "the answers are with the teacher")]
fn an_answer_that_is_right_has_the_code_of_each_hint() {
    let mut wrong = Findings::default();
    for (lesson, language) in with_exercise().flat_map(|lesson| Language::ALL.map(|language| (lesson, language))) {
        let answers = answers(lesson.number);
        for (function, levels) in exercise_of(lesson.number).hints(language).expect("hints") {
            let indented = levels.iter().flat_map(|level| level.lines()).filter(|line| line.starts_with("    "));
            let code = indented.flat_map(|line| code_in(line).split("...").map(str::to_owned).collect::<Vec<_>>());
            let mut code = code.filter(|part| !part.is_empty()).peekable();
            if code.peek().is_none() {
                continue;
            }
            let place = format!("lessons/{}/hints.{}.md, # {function}", lesson.directory(), language.code());
            let follows = |answer: &&Answer| {
                let is_right = answer.passes() && answer.functions.contains(&function);
                is_right && answer.name.ends_with("_as_the_hint_says")
            };
            let Some(answer) = answers.iter().find(follows) else {
                let name =
                    format!("tests/answers/{}/{function}.rs, mod {function}_as_the_hint_says", lesson.directory());
                wrong.add(place, "it has code that nothing compiles", format!("follow it in a right answer: {name}"));
                continue;
            };
            let source = code_in(&answer.source);
            let mut rest = source.as_str();
            for part in code {
                match rest.split_once(&part) {
                    Some((_, after)) => rest = after,
                    None => {
                        let what = format!("the answer {} doesn't have `{part}`, or not in this order", answer.name);
                        wrong.add(&place, what, "the hint's code is that of the answer, line by line");
                    }
                }
            }
        }
    }
    wrong.report();
}

#[test]
fn each_section_that_a_check_refers_to_is_there() {
    let mut wrong = Findings::default();
    for lesson in with_exercise() {
        let checks = exercise_of(lesson.number).checks().expect("checks");
        let mut found = 0;
        let shared = ("mod".to_owned(), checks.shared);
        for (function, source) in checks.functions.iter().chain([&shared]) {
            let (checks, failures) = (source.split("check(").skip(1), source.split(".breaks(").skip(1));
            for rest in checks.chain(failures) {
                let Some(section) = rest.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next()) else {
                    continue;
                };
                let (number, section) = match section.split_once(':') {
                    Some((number, section)) => (number.parse().expect("a number"), section),
                    None => (lesson.number, section),
                };
                let source = fs::read_to_string(exercise_of(number).directory().join("lesson.rs")).expect("a lesson");
                let there = source.contains(&format!("// ANCHOR: {section}\n"));
                let place = format!("lessons/{}/checks/{function}.rs", lesson.directory());
                let what = format!("lesson {number}'s lesson.rs has no section {section}");
                wrong.unless(
                    there,
                    place,
                    what,
                    format!("`// ANCHOR: {section}` and `// ANCHOR_END: {section}` there"),
                );
                found += 1;
            }
        }
        let place = format!("lessons/{}/checks", lesson.directory());
        let what = format!("{found} calls of `check(\"SECTION\", ...)`");
        wrong.unless(lesson.draft || found >= 6, place, what, "a lesson that is listed has at least 6");
    }
    wrong.report();
}

/// Programs know a check by its one name, readers in their language.
#[test]
fn each_check_has_a_name_in_chinese() {
    let mut wrong = Findings::default();
    for lesson in with_exercise() {
        let (exercise, place) = (exercise_of(lesson.number), format!("lessons/{}/checks.zh.txt", lesson.directory()));
        let (checks, names) = (exercise.checks().expect("checks"), exercise.check_names());
        for (_, check) in checks.names() {
            let says = names.in_words(check).zh.chars().any(|c| c > '\u{2e80}');
            wrong.unless(says, &place, format!("no Chinese name of {check}"), format!("add `{check}: 中文`"));
        }
        let text = fs::read_to_string(exercise.directory().join("checks.zh.txt")).expect("the names");
        for name in text.lines().filter_map(|line| line.split(": ").next()) {
            let known = checks.names().any(|(_, check)| check == name);
            wrong.unless(known, &place, format!("there is no check {name}"), "remove the line");
        }
    }
    wrong.report();
}
