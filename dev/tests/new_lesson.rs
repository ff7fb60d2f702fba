//! `new-lesson` on a copy of the files that it changes. CI checks that its skeleton compiles and passes the tests.

use std::fs;
use std::path::{Path, PathBuf};

use dev::new_lesson;
use tempfile::TempDir;

const CHANGED: [&str; 5] =
    ["Cargo.toml", "src/course/lessons.rs", "src/misconception/mod.rs", "src/lib.rs", "tests/grading.rs"];

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the project").into()
}

/// A copy of the files that are changed and of the lessons' directories (empty), and the number of the next lesson.
fn copy() -> (TempDir, u8) {
    let copy = tempfile::tempdir().expect("a directory");
    for name in CHANGED {
        let to = copy.path().join(name);
        fs::create_dir_all(to.parent().expect("a directory")).expect("a directory");
        fs::copy(project().join(name), to).expect("a copy");
    }
    let mut next = 1;
    for lesson in fs::read_dir(project().join("lessons")).expect("the lessons") {
        fs::create_dir_all(copy.path().join("lessons").join(lesson.expect("a lesson").file_name()))
            .expect("a directory");
        next += 1;
    }
    // Not all that is beside the answers' directories is one.
    fs::create_dir_all(copy.path().join("tests/answers")).expect("a directory");
    fs::write(copy.path().join("tests/answers/one_of.rs"), "").expect("a file");
    (copy, next)
}

fn read(copy: &TempDir, name: impl AsRef<Path>) -> String {
    fs::read_to_string(copy.path().join(name)).expect("a text")
}

#[test]
fn a_lesson_gets_its_files_and_an_entry_in_each_list() {
    let (copy, n) = copy();
    let changed = new_lesson(copy.path(), n, "of_a_test", "Of a test").expect("a skeleton");
    for path in &changed {
        let text = read(&copy, path);
        for placeholder in ["NUMBER", "SLUG", "TITLE", "PREVIOUS"] {
            assert!(!text.contains(placeholder) && !path.contains(placeholder), "{path}: {placeholder}");
        }
    }
    for name in CHANGED {
        let (before, after) = (fs::read_to_string(project().join(name)).expect("a text"), read(&copy, name));
        assert!(changed.iter().any(|path| path == name), "{name}");
        let mut after = after.split_whitespace();
        assert!(before.split_whitespace().all(|word| after.any(|other| other == word)), "{name}: nothing is lost");
    }
}

#[test]
fn what_cannot_be_is_refused_and_nothing_is_written() {
    let (copy, n) = copy();
    let refused = |number, slug, title, text: &str| {
        let error = new_lesson(copy.path(), number, slug, title).expect_err("refused").to_string();
        assert!(error.contains(text), "{error}");
    };
    refused(n + 1, "x", "X", &format!("the next one is {n}"));
    refused(n, "Cost", "X", "\"Cost\"");
    refused(n, "", "X", "\"\"");
    refused(n, "x", "a \"title\"", "a title is one line");
    fs::write(copy.path().join("tests/grading.rs"), "").expect("a file");
    refused(n, "x", "X", "tests/grading.rs: ");
    assert!(!copy.path().join(format!("lessons/{n}_x")).exists());
}
