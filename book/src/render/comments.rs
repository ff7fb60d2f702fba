//! The comments of a listing, in the language of the page: the code keeps its own, in English.
//!
//! `book/zh/comments.toml` has them by their English text, so that one that changes there is missed here.

use std::collections::BTreeMap;

use mmap_workbook::text::Language;
use mmap_workbook::ui::wrap;
use serde::Deserialize;
use unicode_width::UnicodeWidthStr;

use super::fold::WIDTH;
use crate::sources::{Mistake, Sources};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CommentFile {
    #[serde(default, rename = "comment")]
    comments: Vec<Comment>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Comment {
    /// In the code, with its lines joined.
    en: String,
    /// What the page shows.
    zh: String,
}

/// The file with a language's comments.
pub fn file(language: Language) -> String {
    format!("book/{}/comments.toml", language.code())
}

/// The comments of listings in this language, by the English text. None where there is no such file.
///
/// # Errors
/// When the file can't be read or parsed, or has a comment twice.
pub fn all(sources: &Sources, language: Language) -> Result<BTreeMap<String, String>, Mistake> {
    let file = file(language);
    if !sources.root().join(&file).is_file() {
        return Ok(BTreeMap::new());
    }
    let mut comments = BTreeMap::new();
    for Comment { en, zh } in sources.read_toml::<CommentFile>(&file)?.comments {
        if comments.contains_key(&en) {
            return Err(Mistake::in_file(&file, format!("{en:?} is there twice")));
        }
        comments.insert(en, zh);
    }
    Ok(comments)
}

/// A listing in chunks: code as it is, and comments.
#[derive(Debug, PartialEq, Eq)]
enum Chunk<'a> {
    Code(&'a str),
    Comment {
        /// What is before it in its line: spaces, or code.
        before: &'a str,
        /// `//`, `///`, `//!` or `/*`.
        mark: &'a str,
        /// Its lines, joined.
        text: String,
        /// The lines as they are.
        lines: Vec<&'a str>,
    },
}

fn chunks(listing: &str) -> Vec<Chunk<'_>> {
    let mut chunks = Vec::new();
    let mut fenced = false;
    // Whether the next line may continue the comment before it.
    let mut open = false;
    for line in listing.lines() {
        let Some((before, mark, text)) = comment_in(line) else {
            chunks.push(Chunk::Code(line));
            open = false;
            continue;
        };
        let is_fence = text.starts_with("```");
        fenced ^= is_fence;
        if fenced || is_fence || text.is_empty() {
            chunks.push(Chunk::Code(line));
            open = false;
            continue;
        }
        let stands_alone = before.trim().is_empty();
        match chunks.last_mut() {
            Some(Chunk::Comment { before: above, mark: mark_above, text: so_far, lines })
                if open && stands_alone && !text.starts_with("- ") && *above == before && *mark_above == mark =>
            {
                so_far.push(' ');
                so_far.push_str(text);
                lines.push(line);
            }
            _ => chunks.push(Chunk::Comment { before, mark, text: text.to_owned(), lines: vec![line] }),
        }
        open = stands_alone && mark != "/*" && !text.starts_with("# ");
    }
    chunks
}

/// What is before the comment in a line, its mark and its text.
fn comment_in(line: &str) -> Option<(&str, &str, &str)> {
    let trimmed = line.trim_start();
    let start = if trimmed.starts_with("//") || trimmed.starts_with("/* ") {
        line.len() - trimmed.len()
    } else {
        let at = |mark| line.rfind(mark).map(|at: usize| at + 1);
        at(" // ").or_else(|| at(" /* ").filter(|_| line.ends_with("*/")))?
    };
    let (before, comment) = line.split_at(start);
    let mark = ["///", "//!", "//", "/*"].into_iter().find(|mark| comment.starts_with(mark))?;
    let (mark, text) = comment.split_at(mark.len());
    Some((before, mark, text.trim_end_matches("*/").trim()))
}

/// The listing with these comments in place of its own, by their text; without any, with its own. What is too wide for a
/// page is broken.
///
/// # Errors
/// The comments that are missing.
pub fn translated(listing: &str, comments: Option<&BTreeMap<String, String>>) -> Result<String, Vec<String>> {
    let (mut lines, mut missing) = (Vec::new(), Vec::new());
    for chunk in chunks(listing) {
        let (before, mark, text, original) = match chunk {
            Chunk::Code(line) => {
                lines.push(line.to_owned());
                continue;
            }
            Chunk::Comment { before, mark, text, lines } => (before, mark, text, lines),
        };
        if comments.is_none() && original.iter().all(|line| line.width() <= WIDTH) {
            lines.extend(original.into_iter().map(str::to_owned));
            continue;
        }
        let room = WIDTH.saturating_sub(before.width() + mark.width() + 1);
        match comments.map_or(Some(&text), |comments| comments.get(&text)) {
            None => missing.push(text),
            Some(text) if mark == "/*" => lines.push(format!("{before}/* {text} */")),
            Some(text) if !before.trim().is_empty() => lines.push(format!("{before}{mark} {text}")),
            Some(text) => lines.extend(wrap(text, room).iter().map(|line| format!("{before}{mark} {line}"))),
        }
    }
    if missing.is_empty() { Ok(lines.join("\n")) } else { Err(missing) }
}

/// The comments of a listing.
pub fn originals(listing: &str) -> Vec<String> {
    let texts = chunks(listing).into_iter().filter_map(|chunk| match chunk {
        Chunk::Code(_) => None,
        Chunk::Comment { text, .. } => Some(text),
    });
    texts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_gets_its_comments_and_keeps_its_code() {
        let listing = "/// Maps the file, and\n/// looks.\n///\n/// - at it\n/// ```text\n/// as it is\n/// ```\nfn f() {\n    \
                       // SAFETY: so.\n    g(\"http://x\"); // at once\n    h(); /* in C */\n}";
        let wanted = ["Maps the file, and looks.", "- at it", "SAFETY: so.", "at once", "in C"];
        assert_eq!(originals(listing), wanted);
        let comments = ["映射文件，然后查看。", "- 它", "SAFETY: 如此。", "立刻", "用 C"];
        let mut comments: BTreeMap<_, _> =
            wanted.map(str::to_owned).into_iter().zip(comments.map(str::to_owned)).collect();
        let translated_to = "/// 映射文件，然后查看。\n///\n/// - 它\n/// ```text\n/// as it is\n/// ```\nfn f() {\n    // SAFETY: \
                             如此。\n    g(\"http://x\"); // 立刻\n    h(); /* 用 C */\n}";
        assert_eq!(translated(listing, Some(&comments)), Ok(translated_to.to_owned()));
        comments.remove("at once");
        assert_eq!(translated(listing, Some(&comments)), Err(vec!["at once".to_owned()]));
    }
    #[test]
    fn a_comment_that_is_too_wide_is_broken() {
        let listing = format!("// short\n// lines\nf();\n    // {}\n    // end", "word ".repeat(20));
        let wanted =
            format!("// short\n// lines\nf();\n    // {}\n    // {}end", ["word"; 16].join(" "), "word ".repeat(4));
        assert_eq!(translated(&listing, None), Ok(wanted));
    }
}
