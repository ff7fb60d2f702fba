//! What shows that a sentence of the book is true: tests, and what programs have printed.

use std::collections::{BTreeMap, BTreeSet};

use mmap_workbook::text::Text;
use serde::Deserialize;

use crate::sources::{Mistake, ORIGINAL, Sources};

/// The page size in bytes that the book's scenarios are shown with.
pub const PAGE_SIZE: u32 = 4096;

/// Where the tests hold that skip on some machines.
pub const CONDITIONS: &str = "book/conditions.toml";

/// A test, as the book shows it.
pub struct Test {
    /// The command that runs it.
    pub command: String,
    /// Where it can be read, if anywhere.
    pub address: Option<String>,
    /// Where it holds, if it skips elsewhere.
    pub holds: Option<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Conditions {
    #[serde(default, rename = "condition")]
    conditions: Vec<Condition>,
}

/// Where some tests hold.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// It goes on from the test's name: "on x86-64", "where a page can be locked".
    pub holds: Text,
    /// Tests, `lesson_2::name`.
    pub tests: Vec<String>,
}

/// All conditions. A checkout without the file has none.
///
/// # Errors
/// When its TOML is wrong.
pub fn conditions(sources: &Sources) -> Result<Vec<Condition>, Mistake> {
    match sources.root().join(CONDITIONS).exists() {
        true => sources.read_toml::<Conditions>(CONDITIONS).map(|parsed| parsed.conditions),
        false => Ok(Vec::new()),
    }
}

impl Test {
    /// The test of this name: `lesson_2::name` is in `tests/lesson_2.rs`, or in the `tests` of another package.
    ///
    /// # Errors
    /// When there is no such test; when it skips on some machines and no condition says where it holds, or the reverse.
    pub fn named(sources: &Sources, test: &str) -> Result<Test, String> {
        let (file, name) =
            test.split_once("::").ok_or_else(|| format!("{test:?} does not name a test, as lesson_2::name does"))?;
        let packages = ["book", "laboratory", "dev"].map(|name| (format!("{name}/tests"), format!("-p {name} ")));
        let places = [("tests".to_owned(), String::new())].into_iter().chain(packages);
        let found = places.into_iter().find_map(|(directory, package)| {
            let path = format!("{directory}/{file}.rs");
            Some((sources.read(&path).ok()?, path, directory, package))
        });
        let (source, path, directory, package) = found.ok_or_else(|| format!("{test}: there is no tests/{file}.rs"))?;
        let function = name.rsplit("::").next().unwrap_or(name);
        let lines: Vec<_> = source.lines().collect();
        let declared = lines.iter().position(|line| line.trim_start().starts_with(&format!("fn {function}(")));
        let declared = declared.ok_or_else(|| format!("{test}: {path} has no such test"))?;
        let above = lines[..declared].iter().rev().map(|line| line.trim());
        let mut above = above.take_while(|line| line.starts_with("#[") || line.starts_with("//"));
        if !above.any(|line| line == "#[test]") {
            return Err(format!("{test}: {function} in {path} is not marked #[test]"));
        }
        // To parse the file for each test would take most of the time of a build.
        let is_listed = sources.read(CONDITIONS).is_ok_and(|text| text.contains(&format!("\"{test}\"")));
        let conditions =
            if is_listed { conditions(sources).map_err(|mistake| mistake.to_string())? } else { Vec::new() };
        let condition = conditions.into_iter().find(|condition| condition.tests.iter().any(|listed| listed == test));
        let common = sources.read(&format!("{directory}/common/mod.rs")).unwrap_or_default();
        match (skips(&[&source, &common], function), &condition) {
            (true, None) => Err(format!("{test} skips on some machines: {CONDITIONS} has to say where it holds")),
            (false, Some(_)) => Err(format!("{test} never skips, and {CONDITIONS} says where it holds")),
            _ => Ok(Test {
                command: format!("cargo test {package}--test {file} {name}"),
                address: sources.address_of(&path, declared + 1),
                holds: condition.map(|condition| condition.holds),
            }),
        }
    }
}

/// Whether a function, or one that it calls, prints that it is skipped. The texts are those with its functions.
fn skips(texts: &[&str], function: &str) -> bool {
    let bodies: BTreeMap<_, _> = texts.iter().rev().flat_map(|text| bodies(text)).collect();
    let (mut known, mut left) = (BTreeSet::new(), vec![function]);
    while let Some(name) = left.pop() {
        let Some(body) = bodies.get(name).filter(|_| known.insert(name)) else { continue };
        if body.contains("\"skipped: ") {
            return true;
        }
        left.extend(body.split('(').filter_map(|before| before.rsplit(|c| !is_of_name(c)).next()));
    }
    false
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// The functions of a text: each one's name, and its text up to the brace that is indented as its head is.
fn bodies(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.match_indices("fn ").filter_map(|(at, head)| {
        let line = &text[text[..at].rfind('\n').map_or(0, |end| end + 1)..];
        let indent = &line[..line.len() - line.trim_start().len()];
        let rest = &text[at + head.len()..];
        let body = rest.split_once(&format!("\n{indent}}}")).map_or(rest, |(body, _)| body);
        Some((rest.split(|c| !is_of_name(c)).next()?, body))
    })
}

/// The text of a snapshot, without its header.
pub fn snapshot(text: &str) -> &str {
    let rest = text.strip_prefix("---\n").unwrap_or(text);
    rest.split_once("\n---\n").map_or(rest, |(_, text)| text).trim_matches('\n')
}

/// The section of a transcript whose title starts with these words in the original, as `translation` has it. A title is a
/// line at the left margin; the section continues with the indented lines below it.
///
/// # Errors
/// When no title starts so, or more than one; when the translation has other sections.
pub fn section(original: &str, translation: &str, title: &str) -> Result<String, String> {
    let [originals, translations] = [original, translation].map(sections);
    let found: Vec<_> = (0..originals.len()).filter(|&n| originals[n][0].starts_with(title)).collect();
    let exact = found.iter().find(|&&n| originals[n][0] == title);
    let n = match (found.as_slice(), exact) {
        ([n], _) | (_, Some(n)) => *n,
        ([], _) => {
            let titles: Vec<_> = originals.iter().map(|section| format!("{:?}", section[0])).collect();
            return Err(format!("no section of the transcript begins with {title:?}: {}", titles.join(", ")));
        }
        _ => return Err(format!("{} sections of the transcript begin with {title:?}", found.len())),
    };
    let (ours, theirs) = (originals.len(), translations.len());
    let section = translations.get(n).filter(|_| ours == theirs);
    section.map(|section| section.join("\n").trim_end().to_owned()).ok_or_else(|| {
        format!("the transcript has {ours} sections in {}, and {theirs} in this language", ORIGINAL.name())
    })
}

fn sections(transcript: &str) -> Vec<Vec<&str>> {
    let mut sections: Vec<Vec<&str>> = Vec::new();
    for line in transcript.lines() {
        if !line.is_empty() && !line.starts_with(' ') {
            sections.push(vec![line]);
        } else if let Some(section) = sections.last_mut() {
            section.push(line);
        }
    }
    sections
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_found_by_the_start_of_its_title() {
        let text = snapshot("---\nsource: x\n---\n\nOne thing\n  a\n\n  b\nOne\n  c\n");
        assert_eq!(section(text, text, "One t"), Ok("One thing\n  a\n\n  b".into()));
        assert_eq!(section(text, text, "One"), Ok("One\n  c".into()));
        let translation = "一件事\n  甲\n一\n  乙\n";
        assert_eq!(section(text, translation, "One t"), Ok("一件事\n  甲".into()));
        assert!(section(text, "一\n", "One").is_err_and(|text| text.contains("2 sections in English, and 1")));
        assert!(section(text, text, "On").is_err_and(|text| text.contains("2 sections")));
        assert!(section(text, text, "Two").is_err_and(|text| text.contains("\"One thing\"")));
    }

    #[test]
    fn a_function_skips_if_one_that_it_calls_does() {
        let text =
            "fn a() {\n    b(1);\n}\n\nfn b<T>(n: T) {\n    c(n);\n    a();\n}\n\nfn d() {\n    skipped(0);\n}\n";
        let common = "pub fn c() {\n    if x {\n        eprintln!(\"skipped: x\");\n    }\n}\n";
        assert_eq!(
            ["a", "b", "c", "d", "e"].map(|name| skips(&[text, common], name)),
            [true, true, true, false, false]
        );
    }
}
