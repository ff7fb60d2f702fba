//! What each lesson must have. A draft may lack its test. tests/exercises.rs says what an exercise must have.

use std::collections::BTreeSet;

use mmap_workbook::course::{LESSONS, Lesson, listed};

use super::{Findings, files, names, read};

#[test]
fn a_lesson_has_its_directory_its_module_its_tests_and_its_transcript() {
    let mut wrong = Findings::default();
    let listed: BTreeSet<_> = LESSONS.iter().map(Lesson::directory).collect();
    for name in names("lessons").symmetric_difference(&listed) {
        let what = "either the directory or the entry in the list of lessons is missing";
        wrong.add(format!("lessons/{name}"), what, "src/course/lessons.rs has the list");
    }
    for (n, lesson) in (1..).zip(LESSONS) {
        let numbered = lesson.number == n;
        wrong.unless(numbered, "src/course/lessons.rs", format!("entry {n} has another number"), "count from 1 on");
        let (title, directory) = (&lesson.title.en, lesson.directory());
        let module = format!("#[path = \"../lessons/{directory}/lesson.rs\"]\npub mod lesson_{n};");
        wrong.unless(
            read("src/lib.rs").contains(&module),
            "src/lib.rs",
            format!("no lesson {n}"),
            format!("{module:?}"),
        );
        let place = format!("tests/lesson_{n}.rs");
        let test = read(&place);
        let holds = lesson.draft
            || test.contains("insta::assert_snapshot!") && test.contains(&format!("transcript({n}, language)"));
        let repair = format!("a test with `insta::assert_snapshot!` of `transcript({n}, language)`, for each language");
        wrong.unless(holds, place, "no test compares the demonstration's transcript", repair);
        let place = format!("lessons/{directory}/lesson.rs");
        let heading = format!("//! # Lesson {n}: {title}");
        let begins = read(&place).lines().next() == Some(&heading);
        wrong.unless(begins, place, "its title isn't the one in the list", format!("begin with `{heading}`"));
    }
    wrong.report();
}

/// Sentences of `dev/template/` that a finished lesson no longer has.
const OF_THE_SKELETON: &[&str] = &[
    "What does the lesson find out?",
    "What the lesson finds out, in a paragraph.",
    "which is here to be replaced",
    "What the functions below have in common.",
    "A question that leads to the idea?",
    "what the evidence shows.",
    "Why it is done so.",
];

#[test]
fn a_lesson_that_is_listed_has_nothing_left_of_the_skeleton() {
    let mut wrong = Findings::default();
    for sentence in OF_THE_SKELETON {
        let there = files(&["dev/template"], &[".rs", ".md"]).iter().any(|path| read(path).contains(sentence));
        wrong.unless(there, "dev/template", format!("{sentence:?} isn't there"), "keep tests/tidy/lessons.rs in step");
    }
    for lesson in listed().map(Lesson::directory) {
        let texts = files(&[&format!("lessons/{lesson}"), &format!("tests/answers/{lesson}")], &[".rs", ".md"]);
        for path in texts {
            let text = read(&path);
            for sentence in OF_THE_SKELETON.iter().filter(|sentence| text.contains(*sentence)) {
                wrong.add(path.display(), format!("{sentence:?} is the skeleton's"), "write your own");
            }
        }
    }
    for lesson in listed().filter(|lesson| OF_THE_SKELETON.contains(&lesson.question.en.as_ref())) {
        let what = format!("lesson {}'s question is the skeleton's", lesson.number);
        wrong.add("src/course/lessons.rs", what, "write its title and its question, in each language");
    }
    wrong.report();
}
