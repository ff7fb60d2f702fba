//! The Markdown of a page: its lines, its headings, its blocks of code, and the directives in it.

use std::ops::Range;

/// A line of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageLine<'a> {
    /// Its number, from 1.
    pub number: usize,
    /// Its text, without the end of the line.
    pub text: &'a str,
    /// What it is in Markdown.
    pub kind: LineKind<'a>,
}

/// What a line is in Markdown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineKind<'a> {
    /// Prose, a heading, a list, a table, HTML.
    Text,
    /// The fence before or after code. The opening one has an info string (`rust,ignore`), the closing one has none.
    Fence(&'a str),
    /// Code between two fences, with the info string of the opening one.
    Code(&'a str),
}

/// The lines of a page.
pub fn lines(text: &str) -> Vec<PageLine<'_>> {
    // The mark of the opening fence, how often it is repeated, and the info string.
    let mut open: Option<(char, usize, &str)> = None;
    let mut lines = Vec::new();
    for (number, text) in (1..).zip(text.lines()) {
        let trimmed = text.trim_start();
        let mark = trimmed.chars().next().filter(|c| *c == '`' || *c == '~');
        let length = mark.map_or(0, |mark| trimmed.chars().take_while(|c| *c == mark).count());
        let words = trimmed[length..].trim();
        let kind = match (open, mark) {
            (Some((with, at_least, _)), Some(mark)) if mark == with && length >= at_least && words.is_empty() => {
                open = None;
                LineKind::Fence("")
            }
            (Some((_, _, words)), _) => LineKind::Code(words),
            (None, Some(mark)) if length >= 3 && !words.contains('`') => {
                open = Some((mark, length, words));
                LineKind::Fence(words)
            }
            _ => LineKind::Text,
        };
        lines.push(PageLine { number, text, kind });
    }
    lines
}

/// A block of code between two fences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeBlock<'a> {
    /// The opening fence.
    pub fence: PageLine<'a>,
    /// The words of its info string: `rust,ignore` has two.
    pub words: Vec<&'a str>,
    /// The lines between the fences.
    pub code: Vec<PageLine<'a>>,
}

impl<'a> CodeBlock<'a> {
    /// The block that starts at the first of these lines.
    pub fn at(lines: &[PageLine<'a>]) -> Option<CodeBlock<'a>> {
        let (fence, rest) = lines.split_first()?;
        let LineKind::Fence(info) = fence.kind else { return None };
        let words = info.split([',', ' ']).filter(|word| !word.is_empty()).collect();
        let code = rest.iter().take_while(|line| matches!(line.kind, LineKind::Code(_))).copied().collect();
        Some(CodeBlock { fence: *fence, words, code })
    }

    /// All blocks of a page.
    pub fn all(lines: &[PageLine<'a>]) -> Vec<CodeBlock<'a>> {
        let mut blocks = Vec::new();
        let mut n = 0;
        while n < lines.len() {
            match CodeBlock::at(&lines[n..]) {
                Some(block) => {
                    // The opening fence, the code, the closing fence.
                    n += block.code.len() + 2;
                    blocks.push(block);
                }
                None => n += 1,
            }
        }
        blocks
    }

    /// What the block includes, where it consists of `{{#include ...}}` alone.
    pub fn included(&self) -> Option<&'a str> {
        let [line] = self.code.as_slice() else { return None };
        let [directive] = &directives(line.text).ok()?[..] else { return None };
        (directive.name == "include" && directive.is_alone(line.text)).then_some(directive.arguments)
    }
}

/// A heading of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heading<'a> {
    /// The number of its line.
    pub line: usize,
    /// 1 for `#`, 2 for `##`...
    pub level: usize,
    /// Its words, without the id.
    pub text: &'a str,
    /// The id, in `{#...}`.
    pub id: Option<&'a str>,
}

/// The heading that a line is.
pub fn heading<'a>(line: &PageLine<'a>) -> Option<Heading<'a>> {
    let level = line.text.bytes().take_while(|byte| *byte == b'#').count();
    let rest = line.text[level..].strip_prefix(' ')?;
    if line.kind != LineKind::Text || !(1..=6).contains(&level) {
        return None;
    }
    let (text, id) = match rest.trim_end().strip_suffix('}').and_then(|rest| rest.rsplit_once("{#")) {
        Some((text, id)) => (text, Some(id)),
        None => (rest, None),
    };
    Some(Heading { line: line.number, level, text: text.trim(), id })
}

/// A directive in a line: `{{#name arguments}}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive<'a> {
    /// Its name.
    pub name: &'a str,
    /// What follows the name.
    pub arguments: &'a str,
    /// The bytes of the line that it takes.
    pub range: Range<usize>,
}

impl Directive<'_> {
    /// Whether its line has nothing else in it.
    pub fn is_alone(&self, line: &str) -> bool {
        line[..self.range.start].trim().is_empty() && line[self.range.end..].trim().is_empty()
    }
}

/// The directives in a line, in order.
///
/// # Errors
/// When one of them has no `}}`.
pub fn directives(line: &str) -> Result<Vec<Directive<'_>>, String> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(start) = line[from..].find("{{#").map(|at| from + at) {
        let Some(length) = line[start..].find("}}") else {
            return Err(format!("{} has no }}}} in its line", &line[start..]));
        };
        let inner = &line[start + 3..start + length];
        let (name, arguments) = inner.split_once(' ').unwrap_or((inner, ""));
        found.push(Directive { name, arguments: arguments.trim(), range: start..start + length + 2 });
        from = start + length + 2;
    }
    Ok(found)
}

/// The pages of the manual that a text names, each with its place: `futex(2)`. Sections 1 and 8 have programs.
pub fn manual_pages(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.match_indices('(').filter_map(|(bracket, _)| {
        let is_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        let name = text[..bracket].rsplit(|c| !is_of_name(c)).next().filter(|name| !name.is_empty())?;
        let is_section = matches!(text.as_bytes().get(bracket + 1..bracket + 3)?, [b'2' | b'3' | b'5' | b'7', b')']);
        let start = bracket - name.len();
        is_section.then(|| (start, &text[start..bracket + 3]))
    })
}

/// The lines of a source file between `ANCHOR: name` and `ANCHOR_END: name`. Lines with such marks are left out.
pub fn anchored<'a>(source: &'a str, name: &str) -> Option<Vec<&'a str>> {
    let is = |line: &str, mark: &str| {
        line.split_once(mark).is_some_and(|(_, rest)| {
            let rest = rest.trim_start();
            let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-')).unwrap_or(rest.len());
            &rest[..end] == name
        })
    };
    let mut lines = source.lines().skip_while(|line| !is(line, "ANCHOR:"));
    lines.next()?;
    let inside: Vec<_> = lines.by_ref().take_while(|line| !is(line, "ANCHOR_END:")).collect();
    Some(inside.into_iter().filter(|line| !line.contains("ANCHOR:") && !line.contains("ANCHOR_END:")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_told_from_text() {
        let kinds: Vec<_> =
            lines("a\n```rust,ignore\n# b\n~~~\n```\n# c\n````\n```\n````").iter().map(|l| l.kind).collect();
        use LineKind::{Code, Fence, Text};
        let wanted = [
            Text,
            Fence("rust,ignore"),
            Code("rust,ignore"),
            Code("rust,ignore"),
            Fence(""),
            Text,
            Fence(""),
            Code(""),
            Fence(""),
        ];
        assert_eq!(kinds, wanted);
    }

    #[test]
    fn a_block_of_code_is_included_or_not() {
        let page = lines("a\n```rust,ignore\n{{#include x.rs:a}}\n```\n```\n```\n``` c\n{{#include x.c}}\ny\n```");
        let blocks = CodeBlock::all(&page);
        let found: Vec<_> = blocks.iter().map(|b| (b.fence.number, b.words.as_slice(), b.included())).collect();
        assert_eq!(found, [(2, &["rust", "ignore"][..], Some("x.rs:a")), (5, &[], None), (7, &["c"], None)]);
    }

    #[test]
    fn a_heading_has_a_level_words_and_an_id() {
        let page = lines("## The loop {#loops}\n# Bare\n#no heading\n```c\n# define\n```");
        let headings: Vec<_> = page.iter().filter_map(heading).collect();
        let first = Heading { line: 1, level: 2, text: "The loop", id: Some("loops") };
        assert_eq!(headings, [first, Heading { line: 2, level: 1, text: "Bare", id: None }]);
    }

    #[test]
    fn directives_are_found_in_a_line() {
        let line = "So it is {{#held lesson_2::a}}, and so {{#held lesson_2::b}}.";
        let found = directives(line).expect("directives");
        assert_eq!(
            found.iter().map(|d| (d.name, d.arguments)).collect::<Vec<_>>(),
            [("held", "lesson_2::a"), ("held", "lesson_2::b")]
        );
        assert!(!found[0].is_alone(line));
        assert!(directives(" {{#questions}} ").expect("one")[0].is_alone(" {{#questions}} "));
        assert!(directives("{{#figure x}").is_err());
    }

    #[test]
    fn an_anchor_has_its_lines_without_the_marks() {
        let source =
            "x\n// ANCHOR: a\none\n// ANCHOR: b\ntwo\n// ANCHOR_END: b\n// ANCHOR_END: a\ny\n/* ANCHOR: bc */\n";
        assert_eq!(anchored(source, "a"), Some(vec!["one", "two"]));
        assert_eq!(anchored(source, "b"), Some(vec!["two"]));
        assert_eq!(anchored(source, "c"), None);
        assert_eq!(anchored(source, "bc"), Some(vec![]));
    }
}
