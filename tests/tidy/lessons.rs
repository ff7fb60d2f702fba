//! What each lesson has, a draft included, but for its tests. What its exercise has is in tests/exercises.rs.

use std::collections::BTreeSet;

use mmap_workbook::course::{LESSONS, Lesson};

use super::{Findings, names, read};

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
        let holds =
            lesson.draft || test.contains("insta::assert_snapshot!") && test.contains(&format!("transcript({n})"));
        let repair = format!("a test with `insta::assert_snapshot!(transcript({n}))`");
        wrong.unless(holds, place, "no test holds the demonstration's transcript", repair);
        let place = format!("lessons/{directory}/lesson.rs");
        let heading = format!("//! # Lesson {n}: {title}");
        let begins = read(&place).lines().next() == Some(&heading);
        wrong.unless(begins, place, "it begins otherwise than the list has it", format!("begin with `{heading}`"));
    }
    wrong.report();
}
