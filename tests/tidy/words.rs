//! Words that English text avoids, each with what to write instead.

use super::{Findings, files, read};

/// A word or a phrase, what to write instead, and the longer phrases in which it is right.
const WORDS: &[(&str, &str, &[&str])] = &[
    ("folder", "directory", &[]),
    ("folders", "directories", &[]),
    (
        "behind",
        "past or beyond (the end), after (in time); what a page shows, what a descriptor refers to",
        &[
            "nothing behind",
            "left behind",
            "leave behind",
            "it behind",
            "process behind",
            "child behind",
            "the rule behind",
            "the misconception behind",
            "misconceptions behind",
            "belief behind",
            "behind a trait",
        ],
    ),
    ("piece", "chunk", &[]),
    ("pieces", "chunks", &["pieces of evidence", "three easy pieces"]),
    ("so many", "the number, with its name", &[]),
    ("on an edge", "page-aligned", &[]),
    ("let go of", "drop, release, close, unmap: say which", &[]),
    ("lets go of", "drops, releases, closes, unmaps: say which", &[]),
    ("means nothing", "is not applicable", &[]),
    ("comes to an end", "returns, ends", &[]),
    ("comes to its end", "returns, ends", &[]),
];

/// A line as its words in lower case, with a space around each.
fn words(line: &str) -> String {
    let words =
        line.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '\'').filter(|word| !word.is_empty());
    words.fold(" ".to_owned(), |all, word| all + &word.to_lowercase() + " ")
}

#[test]
fn english_text_uses_the_words_of_the_field() {
    let mut wrong = Findings::default();
    let endings = [".rs", ".md", ".toml", ".scenario", ".svg", ".hbs", ".js"];
    let mut paths = files(&["src", "lessons", "tests", "dev", "book"], &endings);
    paths.extend(files(&[".ci", ".github"], &[""]));
    paths.extend(
        ["README.md", "CONTRIBUTING.md", "Cargo.toml", ".cargo/config.toml", ".cargo/deny.toml"].map(Into::into),
    );
    for path in paths {
        let name = path.to_str().expect("UTF-8");
        let list = "tests/tidy/words.rs";
        let chinese = name.contains(".zh") || name.starts_with("book/zh/");
        if chinese || name == list || name.contains("node_modules") {
            continue;
        }
        for (n, line) in (1..).zip(read(&path).lines()) {
            let said = words(line);
            for (word, instead, right) in WORDS {
                let said = right.iter().fold(said.clone(), |said, phrase| said.replace(&format!(" {phrase} "), " . "));
                if said.contains(&format!(" {word} ")) {
                    let repair = format!("write: {instead}. Where it is right, add its phrase to {list}");
                    wrong.add(format!("{name}:{n}"), format!("{word:?} in: {}", line.trim()), repair);
                }
            }
        }
    }
    wrong.report();
}
