//! What shows that a sentence of the book is true: tests, and what programs have printed.

use crate::sources::{ORIGINAL, Sources};

/// The page size in bytes that the book's scenarios are shown with.
pub const PAGE_SIZE: u32 = 4096;

/// The command that runs a test. `lesson_2::name` names a test of `tests/lesson_2.rs` or of `book/tests/lesson_2.rs`.
///
/// # Errors
/// When there is no such test.
pub fn command_of_test(sources: &Sources, test: &str) -> Result<String, String> {
    let (file, name) =
        test.split_once("::").ok_or_else(|| format!("{test:?} does not name a test, as lesson_2::name does"))?;
    let places = [("tests", ""), ("book/tests", "-p book ")];
    let found = places.iter().find_map(|(directory, package)| {
        let path = format!("{directory}/{file}.rs");
        Some((sources.read(&path).ok()?, path, package))
    });
    let (source, path, package) = found.ok_or_else(|| format!("{test}: there is no tests/{file}.rs"))?;
    let function = name.rsplit("::").next().unwrap_or(name);
    let lines: Vec<_> = source.lines().collect();
    let declared = lines.iter().position(|line| line.trim_start().starts_with(&format!("fn {function}(")));
    let declared = declared.ok_or_else(|| format!("{test}: {path} has no such test"))?;
    let above = lines[..declared].iter().rev().map(|line| line.trim());
    let mut above = above.take_while(|line| line.starts_with("#[") || line.starts_with("//"));
    if !above.any(|line| line == "#[test]") {
        return Err(format!("{test}: {function} in {path} is not marked #[test]"));
    }
    Ok(format!("cargo test {package}--test {file} {name}"))
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
}
