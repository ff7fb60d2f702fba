//! In Chinese the program says nothing in English.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use common::{Findings, english, exercise_of};
use mmap_workbook::course::{Course, HANDOUT, LESSONS, listed};
use mmap_workbook::scenario::{Scenario, TOUR, TOUR_IN_CHINESE};
use mmap_workbook::text::Language;
use tempfile::TempDir;

/// A copy of what the program reads of a course: it writes exercises in the reader's language.
fn course() -> TempDir {
    let (from, copy) = (Path::new(env!("CARGO_MANIFEST_DIR")), tempfile::tempdir().expect("a directory"));
    let mut files = Vec::new();
    for lesson in LESSONS {
        let name = lesson.directory();
        for directory in [format!("lessons/{name}/checks"), format!("lessons/{name}")] {
            let entries =
                fs::read_dir(from.join(&directory)).expect("a directory").map(|entry| entry.expect("an entry"));
            let entries = entries.filter(|entry| entry.file_name() != "exercise.rs" && entry.path().is_file());
            files.extend(entries.map(|entry| Path::new(&directory).join(entry.file_name())));
        }
        // A draft has no Chinese exercise and no chapter yet.
        if lesson.draft {
            continue;
        }
        let stubs = ["stub.en.rs", "stub.zh.rs", "stub.versions"];
        files.extend(stubs.map(|file| Path::new("tests/answers").join(&name).join(file)));
        if !cfg!(feature = "handout") {
            files.push(Path::new("tests/answers").join(&name).join("solution.rs"));
        }
        files.extend(Language::ALL.map(|language| PathBuf::from(format!("book/{}/{name}.md", language.code()))));
    }
    if cfg!(feature = "handout") {
        files.push(HANDOUT.into());
    }
    for file in files {
        let to = copy.path().join(&file);
        fs::create_dir_all(to.parent().expect("a directory")).expect("a directory");
        fs::copy(from.join(&file), to).expect("a copy");
    }
    copy
}

fn workbook(arguments: &[&str], input: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_workbook"));
    let course = course();
    command.env("CARGO_MANIFEST_DIR", course.path());
    command.args(arguments).env("WORKBOOK_LANG", "zh").stdin(Stdio::piped());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    // It may not read all of it.
    let _ = std::io::Write::write_all(&mut child.stdin.take().expect("a pipe"), input.as_bytes());
    let Output { stdout, stderr, .. } = child.wait_with_output().expect("it ends");
    let [out, err] = [stdout, stderr].map(|bytes| String::from_utf8(bytes).expect("text"));
    out + &err
}

/// Runs each of these, and requires that it says something, none of it in English.
fn all_chinese<A: AsRef<[&'static str]>>(runs: impl IntoIterator<Item = (A, &'static str)>) {
    let mut wrong = Findings::default();
    for (arguments, input) in runs {
        let arguments = arguments.as_ref();
        let said = workbook(arguments, input);
        wrong.unless(said.chars().any(|c| c > '\u{2e80}'), arguments.join(" "), "no Chinese", "say it in Chinese");
        for line in english(&said) {
            wrong.add(arguments.join(" "), line, "say it in Chinese");
        }
    }
    wrong.report();
}

#[test]
fn english_is_found_and_names_are_none() {
    let found = |text| !english(text).is_empty();
    assert!(
        found("错误：there is no process A")
            && found("the end")
            && found("// who has seen it")
            && found("不对: It is larger than 4 MiB")
    );
    let names = "mmap(2) 会失败；`read the file`，\"a text\"，/usr/the/file，SIGBUS/BUS_ADRERR，cargo run -- hint 2\n  A load m 0 1";
    assert_eq!(english(names), [""; 0]);
}

#[test]
fn every_help_is_chinese() {
    let commands = [
        "run", "check", "watch", "hint", "solution", "play", "predict", "torture", "handout", "update", "reset",
        "pack", "grade", "merge",
    ];
    let of_commands =
        commands.into_iter().flat_map(|command| [[command, "-h"], [command, "--help"], ["help", command]]);
    let whole = ["-h", "--help", "help"].map(|help| vec![help]);
    all_chinese(of_commands.map(Vec::from).chain(whole).map(|arguments| (arguments, "")));
    // A command that is new must be added above.
    let help = workbook(&["--help"], "");
    assert!(help.contains("用法：workbook"), "a full-width colon needs no space: {help}");
    let listed = help.lines().filter(|line| line.starts_with("  ") && !line.trim().starts_with('-')).count();
    assert_eq!(listed, commands.len() + 1, "{help}");
}

#[test]
fn arguments_are_refused_in_chinese() {
    let wrong: &[&[&str]] = &[
        &["run", "9"],
        &["run"],
        &["run", "1", "--period", "x"],
        &["run", "4", "wrtr", "c"],
        &["run", "1", "writer", "c"],
        &["run", "1", "--in-place"],
        &["predict", "--level", "3"],
        &["predict", "--seed", "x"],
        &["predict", "--seed", "1", "--level", "8"],
        &["chek", "2"],
        &["check", "--al"],
        &["check", "1", "--all"],
        &["check", "--format", "x"],
        &["check", "--format"],
        &["check", "--all=1"],
        &["grade"],
        &["grade", "d", "--shard", "5/4"],
        &["grade", "d", "--jobs", "0"],
        &["grade", "d", "--jobs", "2", "--no-sandbox"],
        &["merge", "d"],
        &["play"],
        &["play", "-", "--format", "x"],
        &["hint", "1", "f", "g"],
        &["torture", "--ops=-1"],
        &["torture", "--ops", "1", "--ops", "2"],
        &["reset", "one"],
    ];
    all_chinese(wrong.iter().map(|arguments| (arguments, "")));
}

#[test]
fn errors_are_told_in_chinese() {
    let of_arguments: &[&[&str]] = &[
        &["hint", "2", "no_such_function"],
        &["handout", "/"],
        &["update", "/"],
        &["update"],
        &["hint", "2", "--level", "99"],
        &["run", "1", "--file", "/dev/null"],
        &["run", "1", "--file", "/"],
        &["run", "1", "--file", "/etc/passwd", "--in-place"],
    ];
    let of_scenarios = [
        "A exit\nA exit",
        "A fork B\nB kill A\nA exit",
        "A map m anon private none 1p\nA load m 0 1\nA exit",
        "A kill A",
        "A kill C",
        "A fork A",
        "A load m 0 1",
        "A map m anon private rw 1p\nA map m anon private rw 1p",
        "A open d f rw\nA close e",
        "A fork PROCESS",
        "A open D f rw",
        "A open d f xx",
        "A open d f rw tr",
        "A map m anon both rw 1p",
        "A map m anon private all 1p",
        "A map m anon private rw 4000000000p",
        "A map m anon private rw 10000p",
        "A map",
        "A advise m what",
        "A opne d f rw",
        "A exit now",
        "A create f \"",
        "A create f \"a b\"",
        "A create f 'x'",
        "A exit => what",
        "A exit => SIGBUS/BUS_ADRERR",
        "A exit => SIGBUS/BUS_ADRERR at x",
        "A exit => 'x",
        "A exit => ok and",
        "",
    ];
    all_chinese(
        of_arguments
            .iter()
            .map(|arguments| (arguments.to_vec(), ""))
            .chain(of_scenarios.map(|scenario| (vec!["play", "-"], scenario))),
    );
}

#[test]
fn the_lessons_are_listed_and_scenarios_are_played_in_chinese() {
    all_chinese([
        (vec![], ""),
        (vec!["play", "-"], TOUR),
        (vec!["play", "-", "--trace"], TOUR),
        (vec!["play", "-"], "A create f \"ab\" => 7"),
        (vec!["torture", "--ops", "100"], ""),
    ]);
}

#[test]
fn predictions_are_asked_and_explained_in_chinese() {
    let answers = "?\nx\na\n?\nb\na\nb\na\nb\na\nb\na\nb\na\nb\na\nb\na\nb\na\nb\na\nb\na\nb\na\n";
    all_chinese(["1", "2", "3", "4", "5", "6"].map(|lesson| (vec!["predict", lesson], answers)));
    all_chinese([(vec!["predict", "--seed", "3", "--level", "2"], "?\na\nb\nc\na\nb\nq\n")]);
}

#[test]
fn hints_are_chinese() {
    let mut wrong = Findings::default();
    for lesson in listed() {
        for (function, levels) in exercise_of(lesson.number).hints(Language::Chinese).expect("hints") {
            for (n, level) in levels.iter().enumerate() {
                for line in english(level) {
                    wrong.add(
                        format!("lesson {}, {function}, level {}", lesson.number, n + 1),
                        line,
                        "say it in Chinese",
                    );
                }
            }
        }
    }
    wrong.report();
}

#[test]
fn demonstrations_are_chinese() {
    let mut wrong = Findings::default();
    for lesson in listed() {
        let n = lesson.number.to_string();
        for line in english(&workbook(&["run", &n], "")) {
            wrong.add(format!("run {n}"), line, "say it in Chinese");
        }
    }
    wrong.report();
}

/// What checks, rules and misconceptions say can't all be made to happen: the Chinese of each text in the sources.
#[test]
fn the_chinese_of_each_text_is_chinese() {
    let mut wrong = Findings::default();
    let mut number = 0;
    for path in sources(&["src", "lessons"]) {
        let source = fs::read_to_string(&path).expect("a source");
        for zh in chinese_of_texts(&source) {
            number += 1;
            for line in english(&zh) {
                wrong.add(path.display(), line, "say it in Chinese");
            }
        }
    }
    assert!(number > 1000, "the texts are found: {number}");
    wrong.report();
}

#[test]
fn the_tour_is_the_same_in_chinese() {
    assert_eq!(Scenario::parse(TOUR), Scenario::parse(TOUR_IN_CHINESE));
    assert!(english(&TOUR_IN_CHINESE.replace("# ", "")).is_empty(), "{:?}", english(TOUR_IN_CHINESE));
}

fn sources(directories: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut left: Vec<_> = directories.iter().map(|name| Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).collect();
    while let Some(directory) = left.pop() {
        for entry in fs::read_dir(directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            match path.is_dir() {
                true => left.push(path),
                false if path.extension().is_some_and(|extension| extension == "rs") => found.push(path),
                false => {}
            }
        }
    }
    found
}

/// The second string literal of each `text!(...)` and `Text::fixed(...)`.
fn chinese_of_texts(source: &str) -> Vec<String> {
    let calls = ["text!(", "Text::fixed("].map(|call| source.split(call).skip(1));
    calls
        .into_iter()
        .flatten()
        .filter_map(|rest| literal(literal(rest)?.1.trim_start().strip_prefix(',')?).map(|l| l.0))
        .collect()
}

/// The string literal that a text begins with, and what follows it. Placeholders are left out: they are names or texts.
fn literal(text: &str) -> Option<(String, &str)> {
    let text = text.trim_start().strip_prefix('"')?;
    let mut escaped = false;
    let end = text.find(|c| {
        let is_end = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        is_end
    })?;
    let plain = text[..end].replace("\\n", "\n").replace("\\\"", "\"");
    let parts = plain.split('{').map(|part| part.split_once('}').map_or(part, |(_, rest)| rest));
    Some((parts.collect::<Vec<_>>().join("…"), &text[end + 1..]))
}

/// A course is needed for the names of the checks; each lesson has them.
#[test]
fn checks_are_named_in_chinese() {
    let course = Course::at(env!("CARGO_MANIFEST_DIR"));
    for lesson in LESSONS {
        let exercise = course.exercise(lesson);
        for (_, check) in exercise.checks().expect("checks").names() {
            assert_eq!(english(&exercise.check_names().in_words(check).zh), [""; 0], "lesson {}", lesson.number);
        }
    }
}
