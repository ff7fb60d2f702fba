//! What a maintainer of the workbook would otherwise write by hand: the skeleton of a lesson, the stamps of the stubs, a class to
//! try the grading with.

mod class;

use std::fs;
use std::io::{self, Error, ErrorKind};
use std::path::Path;

use mmap_workbook::course::versions;

pub use class::class;

/// The new files of a lesson: path and text, both with placeholders.
const FILES: &[(&str, &str)] = &[
    ("lessons/NUMBER_SLUG/lesson.rs", include_str!("../template/lesson/lesson.rs")),
    ("lessons/NUMBER_SLUG/graded.rs", include_str!("../template/lesson/graded.rs")),
    ("lessons/NUMBER_SLUG/checks/mod.rs", include_str!("../template/lesson/checks/mod.rs")),
    ("lessons/NUMBER_SLUG/checks/whole_pages.rs", include_str!("../template/lesson/checks/whole_pages.rs")),
    ("lessons/NUMBER_SLUG/checks.zh.txt", include_str!("../template/lesson/checks.zh.txt")),
    ("lessons/NUMBER_SLUG/hints.en.md", include_str!("../template/lesson/hints.en.md")),
    ("lessons/NUMBER_SLUG/hints.zh.md", include_str!("../template/lesson/hints.zh.md")),
    ("tests/lesson_NUMBER.rs", include_str!("../template/lesson_test.rs")),
    ("tests/solution_NUMBER.rs", include_str!("../template/solution_test.rs")),
    ("tests/answers/NUMBER_SLUG/stub.en.rs", include_str!("../template/answers/stub.en.rs")),
    ("tests/answers/NUMBER_SLUG/solution.rs", include_str!("../template/answers/solution.rs")),
    ("tests/answers/NUMBER_SLUG/answers.rs", include_str!("../template/answers/answers.rs")),
    ("tests/answers/NUMBER_SLUG/whole_pages.rs", include_str!("../template/answers/whole_pages.rs")),
    ("src/misconception/lesson_NUMBER.rs", include_str!("../template/misconceptions.rs")),
];

/// An existing file with a list, and the lesson's entry in it.
struct Entry {
    file: &'static str,
    /// The text where the entry goes. The file has it exactly once.
    beside: &'static str,
    /// What replaces that text: it, with the entry.
    with_entry: &'static str,
}

const ENTRIES: &[Entry] = &[
    Entry {
        file: "Cargo.toml",
        beside: "# The answers, right and wrong",
        with_entry: concat!(
            "[[test]]\nname = \"exercise_NUMBER\"\npath = \"lessons/NUMBER_SLUG/graded.rs\"\ntest = false\n\n",
            "# The answers, right and wrong"
        ),
    },
    Entry {
        file: "Cargo.toml",
        beside: "# It takes minutes.\n",
        with_entry: concat!(
            "[[test]]\nname = \"answers_NUMBER\"\npath = \"tests/answers/NUMBER_SLUG/answers.rs\"\ntest = false\n\n",
            "# It takes minutes.\n"
        ),
    },
    Entry {
        file: "src/lib.rs",
        beside: "pub mod lesson_PREVIOUS;\n",
        with_entry: concat!(
            "pub mod lesson_PREVIOUS;\n",
            "#[cfg(unix)]\n#[path = \"../lessons/NUMBER_SLUG/lesson.rs\"]\npub mod lesson_NUMBER;\n"
        ),
    },
    Entry {
        file: "src/course/lessons.rs",
        beside: "];\n\n/// The lesson of that number",
        with_entry: concat!(include_str!("../template/entry.rs"), "];\n\n/// The lesson of that number"),
    },
    Entry {
        file: "src/misconception/mod.rs",
        beside: "lesson_PREVIOUS predictions }",
        with_entry: "lesson_PREVIOUS lesson_NUMBER predictions }",
    },
    Entry { file: "tests/grading.rs", beside: "lesson_PREVIOUS }", with_entry: "lesson_PREVIOUS lesson_NUMBER }" },
];

/// Writes the skeleton of lesson `number` to the checkout at `root`. Returns the files that were written or changed, as
/// paths from `root`.
///
/// # Errors
/// `InvalidInput` when the number isn't the next one, or the slug or the title isn't valid; `AlreadyExists` when a file
/// exists; `InvalidData` when a list isn't as expected. Then nothing has been written. Otherwise those of the file
/// system.
pub fn new_lesson(root: &Path, number: u8, slug: &str, title: &str) -> io::Result<Vec<String>> {
    let refused = |text: String| Error::new(ErrorKind::InvalidInput, text);
    let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !slug.starts_with(|c: char| c.is_ascii_lowercase()) || !slug.chars().all(letter) {
        return Err(refused(format!("{slug:?}: a slug has lower-case letters, digits and underscores")));
    }
    if title.is_empty() || title.contains(['"', '\\', '\n']) {
        return Err(refused(format!("{title:?}: a title is one line without quotes")));
    }
    let lessons = fs::read_dir(root.join("lessons"))?.count();
    if lessons + 1 != usize::from(number) {
        return Err(refused(format!("there are {lessons} lessons, so the next one is {}", lessons + 1)));
    }
    let fill = |text: &str| {
        let previous = (number - 1).to_string();
        text.replace("PREVIOUS", &previous)
            .replace("NUMBER", &number.to_string())
            .replace("SLUG", slug)
            .replace("TITLE", title)
    };
    let mut texts = Vec::new();
    for (path, text) in FILES {
        let path = fill(path);
        if root.join(&path).exists() {
            return Err(Error::new(ErrorKind::AlreadyExists, format!("{path} is there already")));
        }
        texts.push((path, fill(text)));
    }
    for Entry { file, beside, with_entry } in ENTRIES {
        let text = match texts.iter().position(|(path, _)| path == file) {
            Some(changed) => texts.swap_remove(changed).1,
            None => fs::read_to_string(root.join(file)).map_err(|error| named(file, &error))?,
        };
        let beside = fill(beside);
        if text.matches(&beside).count() != 1 {
            let what = format!("{file}: {beside:?} isn't there once, and beside it the lesson's entry belongs");
            return Err(Error::new(ErrorKind::InvalidData, what));
        }
        texts.push(((*file).to_owned(), text.replace(&beside, &fill(with_entry))));
    }
    for (path, text) in &texts {
        let place = root.join(path);
        let written = place.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&place, text));
        written.map_err(|error| named(path, &error))?;
    }
    let mut changed: Vec<_> = texts.into_iter().map(|(path, _)| path).collect();
    changed.extend(stamp(root)?);
    changed.sort();
    Ok(changed)
}

fn named(path: &str, error: &Error) -> Error {
    Error::new(error.kind(), format!("{path}: {error}"))
}

/// Notes today's stub of each exercise in `stub.versions`, so that a learner's file with no other text than that is known
/// to be untouched in every later version, too. A line is the hash of a stub; that of a translation ends with the hash of
/// the English stub that it was written from. Returns the files that have changed, as paths from `root`.
///
/// # Errors
/// Those of the file system; the error names the file.
pub fn stamp(root: &Path) -> io::Result<Vec<String>> {
    let mut changed = Vec::new();
    for directory in fs::read_dir(root.join("tests/answers"))? {
        let directory = directory?.path();
        if !directory.is_dir() {
            continue;
        }
        let read = |name: &str| match fs::read_to_string(directory.join(name)) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            text => text.map(Some).map_err(|error| named(&directory.join(name).display().to_string(), &error)),
        };
        let Some(english) = read("stub.en.rs")? else { continue };
        let known = read("stub.versions")?.unwrap_or_default();
        let mut lines = versions(&english, read("stub.zh.rs")?.as_deref());
        lines.retain(|line| !known.lines().any(|known| known == line));
        if !lines.is_empty() {
            let path = directory.join("stub.versions");
            fs::write(&path, format!("{known}{}\n", lines.join("\n")))?;
            changed.push(path.strip_prefix(root).unwrap_or(&path).display().to_string());
        }
    }
    changed.sort();
    Ok(changed)
}
