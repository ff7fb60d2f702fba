//! The repository's own rules.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use mmap_workbook::course::{LESSONS, listed};
use mmap_workbook::text::Language;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn names(directory: impl AsRef<Path>) -> BTreeSet<String> {
    let directory = root().join(directory);
    let entries = fs::read_dir(&directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8")).collect()
}

/// Every Rust file of the project.
fn sources() -> Vec<PathBuf> {
    fn walk(directory: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    for directory in ["lessons", "src", "tests"] {
        walk(&root().join(directory), &mut found);
    }
    assert!(found.len() > 10, "the sources are found");
    found
}

#[test]
fn a_lesson_has_its_directory_its_module_its_tests_and_its_transcript() {
    let directories: BTreeSet<_> = LESSONS.iter().map(|lesson| lesson.directory()).collect();
    assert_eq!(names("lessons"), directories);
    for (n, lesson) in (1..).zip(LESSONS) {
        assert_eq!(lesson.number, n, "the lessons are numbered from 1 on");
        assert!(read("src/lib.rs").contains(&format!("#[path = \"../lessons/{n}_{}/lesson.rs\"]", lesson.slug)));
        let source = read(format!("lessons/{n}_{}/lesson.rs", lesson.slug));
        let title = lesson.title.in_language(Language::English);
        assert!(source.starts_with(&format!("//! # Lesson {n}: {title}\n")), "lesson {n}");
        if !lesson.draft {
            let test = read(format!("tests/lesson_{n}.rs"));
            let held = test.contains("insta::assert_snapshot!") && test.contains(&format!("transcript({n})"));
            assert!(held, "lesson {n}");
        }
    }
}

#[test]
fn each_snapshot_belongs_to_a_test() {
    for name in names("tests/snapshots") {
        let (file, test) = name.strip_suffix(".snap").and_then(|name| name.split_once("__")).unwrap_or_else(|| {
            panic!("tests/snapshots/{name} is no accepted snapshot");
        });
        assert!(read(format!("tests/{file}.rs")).contains(&format!("fn {test}()")), "{name} has no test");
    }
}

#[test]
fn both_readmes_have_the_lessons_and_the_same_commands() {
    let (english, chinese) = (read("README.md"), read("README.zh-CN.md"));
    for lesson in listed() {
        let n = lesson.number;
        for text in [&english, &chinese] {
            let row = text.lines().find(|line| line.starts_with(&format!("| {n}. "))).expect("a row in the table");
            assert!(row.contains(&format!("| `cargo run -- run {n}` | `cargo test --test lesson_{n}` |")), "{row}");
            assert!(row.contains(&format!("](lessons/{n}_{}/lesson.rs)", lesson.slug)), "{row}");
            let exercise = format!("](lessons/{n}_{}/exercise.rs), `cargo run -- check {n}` |", lesson.slug);
            assert!(row.contains(&exercise), "{row}");
            for language in ["en", "zh"] {
                assert!(row.contains(&format!("](book/{language}/{n}_{}.md)", lesson.slug)), "{row}");
            }
        }
        let title = lesson.title.in_language(Language::English);
        assert!(english.contains(&format!("| {n}. {title} |")), "lesson {n}");
    }
    assert_eq!(commands(&english), commands(&chinese));
    assert!(commands(&english).contains(&"cargo test --workspace".to_owned()));
    assert_eq!(links(&english), links(&chinese));
}

/// The commands in a text: what begins with `cargo` in code, without its comment.
fn commands(text: &str) -> Vec<String> {
    let in_code = text.split('`').skip(1).step_by(2).flat_map(str::lines);
    let commands = in_code.map(|line| line.split(" #").next().unwrap_or_default().trim());
    commands.filter(|line| line.starts_with("cargo ")).map(str::to_owned).collect()
}

/// Where the links of a text lead, the other language's page aside.
fn links(text: &str) -> Vec<&str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets.filter(|target| !target.starts_with("README")).collect()
}

#[test]
fn the_links_of_the_readmes_lead_somewhere() {
    let text = read("README.md");
    let targets = links(&text);
    assert!(targets.len() >= listed().count());
    for target in targets {
        assert!(root().join(target).exists(), "{target}");
    }
}

#[test]
fn the_readme_says_what_is_in_each_directory() {
    let text = read("README.md");
    let directories = names("src").into_iter().filter(|name| root().join("src").join(name).is_dir());
    for directory in
        directories.map(|name| format!("src/{name}/")).chain(["lessons/".into(), "tests/".into(), "book/".into()])
    {
        assert!(text.contains(&format!("| `{directory}` |")), "{directory}");
    }
}

#[test]
fn ci_runs_the_test_command_of_the_readme() {
    assert!(read(".ci/run").lines().any(|line| line == "cargo test --workspace"));
}

#[test]
fn the_rust_version_of_the_readme_is_the_one_that_cargo_checks() {
    let manifest = read("Cargo.toml");
    let version = manifest.lines().find_map(|line| line.strip_prefix("rust-version = ")).expect("a rust-version");
    for readme in ["README.md", "README.zh-CN.md"] {
        assert!(read(readme).contains(version.trim_matches('"')), "{readme}");
    }
}

#[test]
fn nothing_assumes_a_page_size_or_sleeps() {
    let sleep = ["thread::", "sleep"].concat();
    let page = ["40", "96"].concat();
    for path in sources() {
        for (n, line) in (1..).zip(fs::read_to_string(&path).expect("a source").lines()) {
            let code = line.split("//").next().unwrap_or_default();
            let place = format!("{}:{n}: {line}", path.display());
            assert!(!code.contains(&page), "the page size is asked for: {place}");
            assert!(!code.contains(&sleep), "nobody sleeps to wait for somebody: {place}");
        }
    }
}

#[test]
fn the_tests_run_one_at_a_time() {
    assert_eq!(std::env::var("RUST_TEST_THREADS").as_deref(), Ok("1"), ".cargo/config.toml sets it");
}

/// That it compiles without the standard library, and without an unsafe block, shows that it calls no system: cargo compiles it
/// with the tests, as an example. This holds that it goes on doing so.
#[test]
fn the_model_and_the_language_are_compiled_by_themselves() {
    let alone = read("tests/alone/rules.rs");
    for line in ["#![no_std]", "#![forbid(unsafe_code)]"] {
        assert!(alone.lines().any(|other| other == line), "{line}");
    }
    for directory in ["model", "scenario"] {
        assert!(
            alone.contains(&format!("#[path = \"../../src/{directory}/mod.rs\"]\npub mod {directory};")),
            "{directory}"
        );
    }
    assert!(!alone.contains("extern crate std"));
    assert!(read("Cargo.toml").contains("path = \"tests/alone/rules.rs\"\ncrate-type = [\"lib\"]\n"));
}
