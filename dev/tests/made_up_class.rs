//! `class` on the course itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use dev::class;
use mmap_workbook::course::{Course, lesson};
use mmap_workbook::text::Language;

/// The answers of a class of 80, by student and lesson.
fn answers() -> BTreeMap<(String, u8), String> {
    let course = Course::at(Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the course"));
    let directory = tempfile::tempdir().expect("a directory");
    let (to, lessons) = (directory.path().join("class"), [2, 5]);
    let known: Vec<_> = lessons.iter().filter_map(|n| lesson(*n)).collect();
    class(&course, &known, 80, &to).expect("a class");
    let mut answers = BTreeMap::new();
    for student in fs::read_dir(&to).expect("the class").map(|entry| entry.expect("a student")) {
        let name = student.file_name().into_string().expect("UTF-8");
        for n in lessons {
            let text = fs::read_to_string(student.path().join(format!("exercise_{n}.rs"))).expect("an answer");
            answers.insert((name.clone(), n), text);
        }
    }
    answers
}

#[test]
#[cfg_attr(feature = "handout", ignore = "the solutions are with the teacher")]
fn a_class_has_solutions_stubs_and_answers_with_slips() {
    let course = Course::at(Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the course"));
    let answers = answers();
    assert_eq!(answers.len(), 160);
    for n in [2, 5] {
        let exercise = course.exercise(lesson(n).expect("a lesson"));
        let (solution, stub) = (exercise.solution().expect("it"), exercise.stub(Language::English).expect("it"));
        let of: Vec<&String> = answers.iter().filter(|((_, lesson), _)| *lesson == n).map(|(_, text)| text).collect();
        for text in of.chunks(8) {
            assert_eq!((text[0], text[1]), (&solution, &stub));
            assert!(solution.starts_with(text[2]) && text[2].len() < solution.len());
        }
        let different = of.iter().collect::<BTreeSet<_>>().len();
        assert!(different > 40, "{different} different answers among 50 with slips, and 3 others");
        for text in of.chunks(8).flat_map(|eight| &eight[3..]) {
            let changed = text.lines().zip(solution.lines()).filter(|(new, old)| new != old);
            let changed: Vec<_> = changed.map(|(_, old)| old.trim_start()).collect();
            assert!(changed.len() <= 3, "{changed:?}");
            assert!(!changed.iter().any(|line| line.starts_with("//")), "a slip in a comment: {changed:?}");
        }
    }
}

#[test]
#[cfg_attr(feature = "handout", ignore = "the solutions are with the teacher")]
fn the_command_writes_as_many_students_as_asked() {
    let directory = tempfile::tempdir().expect("a directory");
    let to = directory.path().join("trial");
    let mut command = Command::new(env!("CARGO_BIN_EXE_dev"));
    command
        .args(["class", "30"])
        .arg(&to)
        .args(["--lessons", "2"])
        .env("CARGO_MANIFEST_DIR", env!("CARGO_MANIFEST_DIR"));
    assert!(command.status().expect("it runs").success());
    let answers = fs::read_dir(&to).expect("the class").map(|entry| entry.expect("a student").path());
    let answers: Vec<_> = answers.flat_map(|student| fs::read_dir(student).expect("a student")).collect();
    assert_eq!(answers.len(), 30, "an answer of each");
}

#[test]
#[cfg_attr(feature = "handout", ignore = "the solutions are with the teacher")]
fn a_class_is_the_same_each_time() {
    assert_eq!(answers(), answers());
}
