//! The terms of the glossary where they stand on other pages: the first use in a section leads to the glossary, and has
//! what it says there as its description, which the theme shows to a pointer and to the keyboard.

use std::collections::BTreeSet;

use mmap_workbook::text::Language;

use crate::html::{self, Token};

/// Terms that nearly every paragraph has, and one that the book uses for blocks of a file as well.
const LEFT_OUT: [&str; 5] = ["page", "mapping", "descriptor", "fork", "reservation"];

/// The most characters of a description.
const LONGEST: usize = 240;

/// A term with what the glossary says of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Term {
    /// The id of its heading.
    id: String,
    /// What it is called, in small letters.
    names: Vec<String>,
    says: String,
}

/// The terms of the page of the glossary.
pub(crate) fn terms(language: Language, glossary: &[(usize, Token)]) -> Vec<Term> {
    let sections = html::sections(glossary).into_iter().filter(|section| section.id != "top");
    let sections = sections.filter(|section| !LEFT_OUT.contains(&section.id.as_str()));
    let term = |section: html::Section| {
        // "bus error (SIGBUS) · 总线错误（SIGBUS）", "hole, sparse file · 空洞、稀疏文件"
        let own = section.title.split('·').next().unwrap_or_default();
        let own = own.split(['(', '（']).next().unwrap_or_default().to_lowercase();
        let names = own.split([',', '、']).map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
        Term { id: section.id, names: names.collect(), says: beginning(language, &section.body) }
    };
    sections.map(term).collect()
}

/// As many whole sentences as fit, or the beginning of the first one.
fn beginning(language: Language, text: &str) -> String {
    let short: String = text.chars().take(LONGEST).collect();
    if short.len() == text.len() {
        return short;
    }
    let stop = if language == Language::Chinese { "。" } else { ". " };
    match short.rfind(stop) {
        Some(end) => short[..end + stop.len()].trim_end().to_owned(),
        None => short + "…",
    }
}

/// The HTML of a page in which the first use of each term in a section is a link.
pub(crate) fn link(html: &str, terms: &[Term]) -> String {
    let Some(start) = html.find("<main") else { return html.to_owned() };
    let mut out = html[..start].to_owned();
    let mut rest = &html[start..];
    // The elements that are open.
    let mut open: Vec<&str> = Vec::new();
    let mut used = BTreeSet::new();
    while let Some(tag) = rest.find('<') {
        let is_prose = open.iter().any(|name| PROSE.contains(name)) && !open.iter().any(|name| NO_PROSE.contains(name));
        if is_prose {
            linked(&rest[..tag], terms, &mut used, &mut out);
        } else {
            out.push_str(&rest[..tag]);
        }
        rest = &rest[tag..];
        let ends_with = if rest.starts_with("<!--") { "-->" } else { ">" };
        let end = rest.find(ends_with).map_or(rest.len(), |end| end + ends_with.len());
        let tag = &rest[..end];
        out.push_str(tag);
        rest = &rest[end..];
        let name = tag[1..].trim_start_matches('/').split([' ', '>', '/', '\n']).next().unwrap_or_default();
        if tag.starts_with("</main") {
            break;
        } else if tag.starts_with("</") {
            if let Some(at) = open.iter().rposition(|open| *open == name || *open == "held-by" && name == "span") {
                open.truncate(at);
            }
        } else if !tag.ends_with("/>") && !tag.starts_with("<!") && !VOID.contains(&name) {
            if matches!(name, "h1" | "h2" | "h3") {
                used.clear();
            }
            open.push(if tag.contains("class=\"held-by\"") { "held-by" } else { name });
        }
    }
    out + rest
}

const PROSE: [&str; 3] = ["p", "li", "dd"];
/// Elements that are no prose, or have links or behaviour of their own.
const NO_PROSE: [&str; 14] =
    ["a", "button", "code", "details", "figure", "h1", "h2", "h3", "h4", "held-by", "pre", "section", "svg", "table"];
const VOID: [&str; 6] = ["br", "hr", "img", "input", "wbr", "path"];

/// A text with links from the terms in it that aren't used yet.
fn linked<'t>(text: &str, terms: &'t [Term], used: &mut BTreeSet<&'t str>, out: &mut String) {
    let lower = text.to_lowercase();
    // Only then an offset in one is an offset in the other.
    let found = if lower.len() == text.len() { first(&lower, terms, used) } else { None };
    let Some((at, length, term)) = found else { return out.push_str(text) };
    used.insert(term.id.as_str());
    let (before, name, after) = (&text[..at], &text[at..at + length], &text[at + length..]);
    let says = html::escape(&term.says);
    *out +=
        &format!("{before}<a class=\"term\" href=\"glossary.html#{}\" aria-description=\"{says}\">{name}</a>", term.id);
    linked(after, terms, used, out);
}

/// The first use of a term: where it is, how long it is there, and the term. Of two at one place it is the longer one.
fn first<'t>(text: &str, terms: &'t [Term], used: &BTreeSet<&str>) -> Option<(usize, usize, &'t Term)> {
    let unused = terms.iter().filter(|term| !used.contains(term.id.as_str()));
    let all =
        unused.flat_map(|term| term.names.iter().filter_map(move |name| Some((place(text, name)?, name.len(), term))));
    let (at, length, term) = all.min_by_key(|(at, length, _)| (*at, usize::MAX - length))?;
    let plural = text[at + length..].starts_with('s') && text.as_bytes()[at].is_ascii();
    Some((at, length + usize::from(plural), term))
}

/// Where a name is as a whole word, or as the plural of one. Chinese has no spaces between words.
fn place(text: &str, name: &str) -> Option<usize> {
    let is_of_word = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '/'));
    let is_latin = name.starts_with(|c: char| c.is_ascii());
    text.match_indices(name).map(|(at, _)| at).find(|at| {
        let after = &text[at + name.len()..];
        let after = after.strip_prefix('s').unwrap_or(after);
        !is_latin
            || !is_of_word(text[..*at].chars().next_back())
                && !is_of_word(after.chars().next())
                && !after.starts_with('(')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_use_in_a_section_leads_to_the_glossary() {
        let glossary = html::tokens(
            "<main><h1 id=\"top\">Glossary</h1><h2 id=\"page\">page · 页</h2><p>A unit.</p>\
             <h2 id=\"fault\">page fault · 缺页异常</h2><p>What is \"raised\".</p><h2 id=\"hole\">hole, sparse file · 空洞</h2><p>No blocks.</p></main>",
        );
        let terms = terms(Language::English, &glossary);
        let page = "<p>hole</p><main><h2>A hole</h2><p>Holes, and <code>hole</code>, <a href=\"x\">a hole</a>; a sparse file of a page. \
                    Two page faults<span class=\"held-by\">hole</span>.</p><h2>B</h2><ul><li>The whole hole(2), hole_x, a hole.</li></ul></main><p>hole</p>";
        let term = |id: &str, says: &str, name: &str| {
            format!("<a class=\"term\" href=\"glossary.html#{id}\" aria-description=\"{says}\">{name}</a>")
        };
        let [holes, faults, hole] = [
            term("hole", "No blocks.", "Holes"),
            term("fault", "What is &quot;raised&quot;.", "page faults"),
            term("hole", "No blocks.", "hole"),
        ];
        assert_eq!(
            link(page, &terms),
            page.replace("<p>Holes", &format!("<p>{holes}"))
                .replace("page faults", &faults)
                .replace("a hole.", &format!("a {hole}."))
        );
    }
}
