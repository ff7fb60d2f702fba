//! The stubs of the exercises: the same exercise in each language, which every later version of the course recognises.

use mmap_workbook::course::{LESSONS, versions};

use super::contracts::{documented, functions};
use super::{Findings, read, root};

/// The most characters in a condition in Chinese.
const CHINESE_CONDITION: usize = 60;

/// A text without its comments and the words in its `todo!`.
fn code(text: &str) -> Vec<String> {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//") && !line.is_empty());
    let lines = lines.map(|line| match line.split_once("todo!(\"") {
        Some((before, rest)) => format!("{before}todo!{}", rest.rsplit_once('"').map_or("", |(_, after)| after)),
        None => line.to_owned(),
    });
    lines.collect()
}

/// Of each documented item of a stub, how many conditions it has, and how many lines of examples.
fn shape(text: &str) -> Vec<(&str, usize, usize)> {
    let shapes = documented(text).into_iter().map(|(_, item, comment)| {
        let conditions = comment.iter().filter(|line| line.starts_with("- ")).count();
        let example = comment.iter().skip_while(|line| !line.starts_with("```")).skip(1);
        (item, conditions, example.take_while(|line| !line.starts_with("```")).count())
    });
    shapes.collect()
}

#[test]
fn the_stubs_of_an_exercise_are_the_same_exercise_in_each_language() {
    let mut wrong = Findings::default();
    for lesson in LESSONS {
        let directory = format!("tests/answers/{}", lesson.directory());
        let [english, chinese] = ["en", "zh"].map(|code| format!("{directory}/stub.{code}.rs"));
        if !root().join(&chinese).exists() {
            wrong.unless(lesson.draft, &chinese, "it is missing", format!("write it, from {english}"));
            continue;
        }
        let (original, translation) = (read(&english), read(&chinese));
        let repair = "the same code, but for comments and the text in `todo!`";
        wrong.unless(
            code(&original) == code(&translation),
            &chinese,
            format!("its code is not that of {english}"),
            repair,
        );
        for (ours, theirs) in shape(&original).into_iter().zip(shape(&translation)) {
            let what = format!("{ours:?} (conditions, lines of examples) is {theirs:?} here");
            wrong.unless(ours == theirs, &chinese, what, format!("bring it in step with {english}"));
        }
        for (n, name, comment) in functions(&translation) {
            for item in comment.iter().filter(|line| line.starts_with("- ")) {
                let length = item.chars().count();
                let what = format!("{name}: a condition has {length} characters: {item}");
                let repair = format!("at most {CHINESE_CONDITION}: take it apart");
                wrong.unless(length <= CHINESE_CONDITION, format!("{chinese}:{n}"), what, repair);
            }
        }
    }
    wrong.report();
}

#[test]
fn todays_stubs_are_known_to_later_versions() {
    let mut wrong = Findings::default();
    for directory in LESSONS.iter().map(|lesson| format!("tests/answers/{}", lesson.directory())) {
        if !root().join(&directory).exists() {
            continue;
        }
        let known = read(format!("{directory}/stub.versions"));
        let translation = Some(read(format!("{directory}/stub.zh.rs"))).filter(|text| !text.is_empty());
        let wanted = versions(&read(format!("{directory}/stub.en.rs")), translation.as_deref());
        for line in wanted {
            let repair = "bring stub.zh.rs in step with stub.en.rs, then `cargo run -p dev -- stamp`";
            let there = known.lines().any(|known| known == line);
            wrong.unless(there, format!("{directory}/stub.versions"), format!("it lacks {line}"), repair);
        }
    }
    wrong.report();
}

/// A learner sees in the file where the core ends, and the program goes by the list.
#[test]
fn a_line_in_the_stub_divides_the_further_functions_from_the_core() {
    let mut wrong = Findings::default();
    for lesson in LESSONS {
        let directory = format!("tests/answers/{}", lesson.directory());
        for (code, mark) in [("en", "\n// Further: "), ("zh", "\n// 选做：")] {
            let stub = format!("{directory}/stub.{code}.rs");
            if !root().join(&stub).exists() {
                continue;
            }
            let text = read(&stub);
            let (_, further) = text.split_once(mark).unwrap_or_default();
            let further: Vec<_> = functions(further).into_iter().map(|(_, name, _)| name).collect();
            let what = format!("the functions after the line `{}` are {further:?}", mark.trim());
            let repair = format!("`further` in src/course/lessons.rs has {:?}", lesson.further);
            wrong.unless(further == lesson.further, &stub, what, repair);
        }
    }
    wrong.report();
}
