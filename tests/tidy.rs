//! The repository's rules. A test reports every violation, each with its repair.

mod common;

#[path = "tidy/arrows.rs"]
mod arrows;
#[path = "tidy/contracts.rs"]
mod contracts;
#[path = "tidy/dependencies.rs"]
mod dependencies;
#[path = "tidy/lessons.rs"]
mod lessons;
#[path = "tidy/readme.rs"]
mod readme;
#[path = "tidy/sources.rs"]
mod sources;
#[path = "tidy/stubs.rs"]
mod stubs;
#[path = "tidy/words.rs"]
mod words;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use common::Findings;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The text of a file of the project; empty if it can't be read.
fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_default()
}

/// The names in a directory of the project; none if it can't be read.
fn names(directory: impl AsRef<Path>) -> BTreeSet<String> {
    let Ok(entries) = fs::read_dir(root().join(directory)) else { return BTreeSet::new() };
    entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8")).collect()
}

/// The files below `directories` whose names end with one of `endings`, as paths from the project's root.
fn files(directories: &[&str], endings: &[&str]) -> Vec<PathBuf> {
    fn walk(directory: &Path, endings: &[&str], found: &mut Vec<PathBuf>) {
        for name in names(directory) {
            let path = directory.join(&name);
            if root().join(&path).is_dir() {
                walk(&path, endings, found);
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    for directory in directories {
        walk(Path::new(directory), endings, &mut found);
    }
    assert!(!found.is_empty(), "no file of {directories:?} ends with {endings:?}");
    found
}

#[test]
#[cfg_attr(feature = "handout", ignore = "a handout has no .ci/run")]
fn ci_runs_the_test_command_of_the_readme() {
    let mut wrong = Findings::default();
    let runs = |line: &str| read(".ci/run").lines().any(|other| other == line);
    let command = "cargo test --workspace";
    wrong.unless(runs(command), ".ci/run", "the README's test command is missing", format!("add the line `{command}`"));
    for script in [".ci/run", ".ci/mutants"] {
        // A list of numbers would silently leave out the next lesson.
        let listed = read(script).lines().any(|line| line.contains("seq ") || line.contains("1 2 3"));
        wrong.unless(!listed, script, "it lists the lessons by number", "take them from the directories in lessons/");
    }
    wrong.report();
}

#[test]
fn the_rust_version_of_the_readme_is_the_one_that_cargo_checks() {
    let mut wrong = Findings::default();
    let manifest = read("Cargo.toml");
    let version = manifest.lines().find_map(|line| line.strip_prefix("rust-version = "));
    let Some(version) = version.map(|version| version.trim_matches('"')) else {
        wrong.add("Cargo.toml", "no rust-version", "the highest one among the dependencies: `rust-version = \"1.N\"`");
        return wrong.report();
    };
    for readme in ["README.md", "README.zh-CN.md"] {
        wrong.unless(read(readme).contains(version), readme, format!("it doesn't name Rust {version}"), "name it");
    }
    wrong.report();
}

#[test]
fn the_tests_run_one_at_a_time() {
    let mut wrong = Findings::default();
    // For the exercises; tests/common does it for our own tests.
    let config = read(".cargo/config.toml");
    wrong.unless(config.contains("RUST_TEST_THREADS"), ".cargo/config.toml", "it sets no RUST_TEST_THREADS", "set it");
    for path in files(&["tests"], &[".rs"]).into_iter().filter(|path| path.parent() == Some(Path::new("tests"))) {
        let text = read(path.to_str().expect("UTF-8"));
        let forks = ["::process::", "::kernel::", "::grade::", "::lesson_"].iter().any(|module| text.contains(module));
        let alone = !forks || text.contains("\nmod common;\n");
        wrong.unless(alone, path.display(), "its tests may fork, and don't run one at a time", "add `mod common;`");
    }
    wrong.report();
}
