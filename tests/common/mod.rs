//! What the lessons' tests share.

// Each test is a crate of its own with a copy of this, and need not use all of it.
#![allow(dead_code)]

use std::fmt::Display;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use mmap_workbook::course::{self, Course, Exercise, SAMPLE};
use mmap_workbook::misconception::Misconception;
use mmap_workbook::narrate::Narrator;
use mmap_workbook::observe::page_size;
use mmap_workbook::process::{Ended, OnSmallDisk, on_a_small_disk};
use mmap_workbook::text::Language;
use proptest::prelude::*;
use proptest::test_runner::Config;
use tempfile::TempDir;

/// The tests run one at a time, however they are started: `process::Child::fork` refuses to fork while other threads run.
/// cargo sees to it (.cargo/config.toml), but only for those who are in this directory.
#[used]
#[unsafe(link_section = ".init_array")]
static ONE_AT_A_TIME: extern "C" fn() = one_at_a_time;

/// Runs before `main`, where libtest reads its settings.
extern "C" fn one_at_a_time() {
    // SAFETY: before `main` no other thread runs.
    unsafe { std::env::set_var("RUST_TEST_THREADS", "1") };
    let mut arguments = std::env::args().skip_while(|argument| !argument.starts_with("--test-threads"));
    let number = match arguments.next().as_deref().map(|argument| argument.split_once('=')) {
        None => return,
        Some(Some((_, number))) => Some(number.to_owned()),
        Some(None) => arguments.next(),
    };
    if number.as_deref() != Some("1") {
        eprintln!("these tests fork, and so run one at a time: leave out --test-threads");
        std::process::exit(101);
    }
}

/// proptest's settings for a property of which `cases` examples are tried, or as many as PROPTEST_CASES says.
///
/// A failure is only printed: proptest's regression files would lie beside the sources.
pub fn cases(cases: u32) -> Config {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(cases);
    Config { cases, failure_persistence: None, ..Config::default() }
}

/// File contents of up to a few pages, with page boundaries likely.
pub fn contents() -> impl Strategy<Value = Vec<u8>> {
    let page = page_size();
    let length = prop_oneof![1..64_usize, page - 2..page + 3, 2 * page - 2..2 * page + 3, 1..3 * page];
    // 251 is prime: bytes one page apart differ.
    (length, 0..251_usize).prop_map(|(length, first)| (0..251).cycle().skip(first).take(length).collect())
}

/// Contents, and a range of at least one byte inside them: where it begins and its length.
pub fn contents_and_range() -> impl Strategy<Value = (Vec<u8>, usize, usize)> {
    contents().prop_flat_map(|bytes| {
        let size = bytes.len();
        (Just(bytes), 0..size).prop_flat_map(move |(bytes, at)| (Just(bytes), Just(at), 1..=size - at))
    })
}

/// A directory of a test's own, and in it a file with these bytes.
pub fn file_with(bytes: &[u8]) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("file");
    std::fs::write(&path, bytes).expect("a file");
    (directory, path)
}

/// Opens a file for reading and writing.
pub fn open(path: &std::path::Path) -> File {
    File::options().read(true).write(true).open(path).expect("the file opens")
}

/// The transcript of a lesson's demonstration on the sample, in this language.
pub fn transcript(lesson: u8, language: Language) -> String {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("sample.txt");
    std::fs::write(&path, SAMPLE).expect("a file");
    let lesson = course::lesson(lesson).expect("a lesson of this number");
    let mut text = Vec::new();
    let mut narrator = Narrator::transcript(&mut text, directory.path(), language);
    (lesson.demonstrate)(&mut narrator, &path).expect("the demonstration runs");
    let left: Vec<_> =
        std::fs::read_dir(&directory).expect("the directory").map(|e| e.expect("an entry").file_name()).collect();
    assert_eq!(left, ["sample.txt"], "the demonstration leaves nothing behind");
    String::from_utf8(text).expect("a transcript is text")
}

/// Whether a small disk can be mounted here; prints why if it can't. A transcript that shows one is compared only then.
pub fn has_small_disks() -> bool {
    match on_a_small_disk(1 << 20, |_, _| Ok(()), |_| Ok(())).expect("a child") {
        OnSmallDisk::Ran(ended) => ended == Ended::Exited(0) || panic!("{ended}"),
        OnSmallDisk::Skipped(reason) => {
            eprintln!("skipped: {reason}");
            false
        }
    }
}

/// The files of a lesson's exercise.
pub fn exercise_of(lesson: u8) -> Exercise {
    let lesson = course::lesson(lesson).expect("a lesson of this number");
    Course::at(env!("CARGO_MANIFEST_DIR")).exercise(lesson)
}

/// The directory with a lesson's answers.
pub fn answers_of(lesson: u8) -> PathBuf {
    let lesson = course::lesson(lesson).expect("a lesson of this number");
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/answers").join(lesson.directory())
}

/// An answer to an exercise beside the solution: a module in the file of the function that it answers.
#[derive(Debug, Default)]
pub struct Answer {
    /// The module.
    pub name: String,
    /// Its file in the directory of the lesson's answers.
    pub file: String,
    /// Its doc comment: a sentence, then `fails: FUNCTION::CHECK VERDICT SLUG` for each check that it fails (`may fail: ...`
    /// where that depends on chance, as in a race of its own; one of them fails), or `passes`.
    pub header: Vec<String>,
    /// Its public functions: those of the exercise that it answers. All others are the solution's.
    pub functions: Vec<String>,
    /// The functions for which the checks call it.
    pub called: Vec<String>,
    /// The lines between the braces of its module.
    pub source: String,
}

impl Answer {
    /// `FUNCTION::CHECK VERDICT SLUG` of each check that it fails.
    pub fn fails(&self) -> Vec<&str> {
        self.header.iter().filter_map(|line| line.strip_prefix("fails: ")).collect()
    }

    /// The same of each check that it may fail, by chance.
    pub fn may_fail(&self) -> Vec<&str> {
        self.header.iter().filter_map(|line| line.strip_prefix("may fail: ")).collect()
    }

    /// Whether it is right.
    pub fn passes(&self) -> bool {
        self.header.iter().any(|line| line == "passes")
    }
}

/// The answers of a lesson. A draft may have none.
pub fn answers(lesson: u8) -> Vec<Answer> {
    let entries = std::fs::read_dir(answers_of(lesson)).into_iter().flatten();
    let files = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"));
    let mut files: Vec<_> =
        files.filter(|file| !["answers.rs", "solution.rs", "stub.en.rs", "stub.zh.rs"].contains(&&**file)).collect();
    files.sort();
    files
        .iter()
        .flat_map(|file| answers_in(&std::fs::read_to_string(answers_of(lesson).join(file)).expect("a text"), file))
        .collect()
}

/// The answers in the file with this text: its modules, and the lists in its calls of `one_of!`.
fn answers_in(text: &str, file: &str) -> Vec<Answer> {
    let function_in = |line: &str| -> Option<String> {
        let rest = line.strip_prefix("    pub ")?;
        let name = rest.strip_prefix("unsafe ").unwrap_or(rest).strip_prefix("fn ")?.split(['(', '<']).next()?;
        Some(name.to_owned())
    };
    let mut answers: Vec<Answer> = Vec::new();
    let mut header = Vec::new();
    let mut listed: Option<String> = None;
    for line in text.lines() {
        if let Some(line) = line.strip_prefix("///") {
            header.push(line.trim().to_owned());
        } else if let Some(name) = line.strip_prefix("mod ").and_then(|rest| rest.strip_suffix(" {")) {
            let header = std::mem::take(&mut header);
            let (name, file) = (name.to_owned(), file.to_owned());
            let after = text.split_once(&format!("\n{line}\n")).map_or("", |(_, after)| after);
            let source = after.split("\n}\n").next().unwrap_or_default().to_owned();
            answers.push(Answer { name, file, header, source, ..Answer::default() });
        } else if line == "one_of! {" {
            listed = Some(String::new());
        } else if line == "}" {
            listed = None;
        } else if let Some(list) = &mut listed {
            match function_in(line) {
                Some(function) => *list = function,
                None => line.split_whitespace().for_each(|name| {
                    let answer = answers.iter_mut().find(|answer| answer.name == name);
                    answer.unwrap_or_else(|| panic!("{file}: there is no mod {name}")).called.push(list.clone());
                }),
            }
        } else if let (Some(function), Some(answer)) = (function_in(line), answers.last_mut()) {
            answer.functions.push(function);
        }
    }
    answers
}

/// The lines of a text that have English in them: three words one after the other, or two, of which one is among those
/// that no English sentence does without. Code, quotations, scenarios, and a program's output (after a bar) are left out;
/// comments in code are not.
pub fn english(text: &str) -> Vec<String> {
    const TELLTALE: [&str; 24] = [
        "the", "a", "an", "is", "are", "was", "were", "of", "to", "and", "not", "it", "its", "that", "this", "with",
        "can't", "has", "have", "there", "which", "when", "from", "but",
    ];
    let is_code = |line: &str| line.is_ascii() && [";", "{", "}", "::", "=> ?", "(&"].iter().any(|c| line.contains(c));
    let mut found = Vec::new();
    for line in text.lines() {
        let words = line.trim_start_matches(|c: char| c.is_ascii_digit() || " !".contains(c));
        let is_operation = words.starts_with(|c: char| c.is_ascii_uppercase()) && words[1..].starts_with(' ');
        let plain = match line.split_once("// ") {
            Some((_, comment)) => comment,
            None if is_operation || words.starts_with('|') || is_code(line) => continue,
            None => line,
        };
        let outside: String =
            without_glosses(plain).split(['`', '"', '\'', '“', '”']).step_by(2).collect::<Vec<_>>().join(" … ");
        let word = |token: &str| {
            let token = token.trim_end_matches(|c: char| ".,;:!?".contains(c));
            let is_plain = !token.is_empty() && token.chars().all(|c| c.is_ascii_lowercase() || c == '\'');
            is_plain.then(|| token.to_owned())
        };
        // Chinese ends a run of words.
        let runs = outside.split(|c: char| !c.is_ascii());
        let tokens: Vec<_> = runs.flat_map(|run| run.split_whitespace().map(word).chain([None])).collect();
        let are_words = |tokens: &[Option<String>]| tokens.iter().all(Option::is_some);
        let has_telltale = |two: &[Option<String>]| two.iter().flatten().any(|word| TELLTALE.contains(&word.as_str()));
        if tokens.windows(2).any(|two| are_words(two) && has_telltale(two)) || tokens.windows(3).any(are_words) {
            found.push(line.to_owned());
        }
    }
    found
}

/// A chapter of the book, with its listings and its beliefs as the reader sees them.
pub fn chapter(lesson: u8, language: Language) -> String {
    let name = course::LESSONS[usize::from(lesson) - 1].directory();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = root.join(format!("book/{}/{name}.md", language.code()));
    let mut page = fs::read_to_string(path).expect("a chapter");
    while let Some((before, rest)) = page.split_once("{{#include ../../") {
        let (place, after) = rest.split_once("}}").expect("the directive's end");
        let (file, anchor) = place.split_once(':').expect("an anchor");
        let source = fs::read_to_string(root.join(file)).expect("a listing");
        let listing = source.split_once(&format!("// ANCHOR: {anchor}\n")).expect("its anchor").1;
        let listing = listing.split(&format!("// ANCHOR_END: {anchor}\n")).next().unwrap_or_default();
        page = [before, listing, after].concat();
    }
    for belief in Misconception::all() {
        let texts = [&belief.belief, &belief.against].map(|text| text.in_language(language));
        page = page.replace(&format!("{{{{#belief {}}}}}", belief.slug), &texts.concat());
    }
    page
}

/// The names of calls, flags and signals.
pub fn names_in(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && !"_()".contains(c));
    let is_flag = |word: &str| word.len() > 3 && !word.contains(|c: char| !c.is_ascii_uppercase() && c != '_');
    words
        .map(|word| word.trim_start_matches('('))
        .map(|word| if word.ends_with("(2)") { word } else { word.trim_end_matches(')') })
        .filter(move |word| word.ends_with("(2)") || is_flag(word))
}

/// Violations, each with its place and its repair.
#[derive(Default)]
pub struct Findings(Vec<String>);

impl Findings {
    /// Adds a violation.
    pub fn add(&mut self, place: impl Display, wrong: impl Display, repair: impl Display) {
        self.0.push(format!("{place}: {wrong}\n    repair: {repair}"));
    }

    /// Adds a violation, unless `holds`.
    pub fn unless(&mut self, holds: bool, place: impl Display, wrong: impl Display, repair: impl Display) {
        if !holds {
            self.add(place, wrong, repair);
        }
    }

    /// Fails if there are violations, and prints all of them.
    #[track_caller]
    pub fn report(self) {
        assert!(self.0.is_empty(), "{} found:\n{}", self.0.len(), self.0.join("\n"));
    }
}

/// The text without terms that stand in parentheses after their Chinese: 打开文件描述（open file description）.
fn without_glosses(text: &str) -> String {
    let mut parts = text.split('（');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |before, part| match part.split_once('）') {
        Some((gloss, rest)) if gloss.is_ascii() => format!("{before}（）{rest}"),
        _ => format!("{before}（{part}"),
    })
}
