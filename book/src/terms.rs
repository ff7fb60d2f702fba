//! What a page names and another page explains: in each section the first use of a term of the glossary leads there, that of
//! a page of the manual to the reading list, and "lesson 3" to its chapter. A term has what the glossary says as its
//! description, which the theme shows to a pointer and to the keyboard.

use std::collections::BTreeSet;

use mmap_workbook::course::listed;
use mmap_workbook::text::Language;

use crate::html::{self, Token};
use crate::page::manual_pages;

/// Terms that nearly every paragraph has, and one that the book uses for blocks of a file as well.
const LEFT_OUT: [&str; 5] = ["page", "mapping", "descriptor", "fork", "reservation"];

/// The most characters of a description.
const LONGEST: usize = 240;

/// A term with what the glossary says of it.
#[derive(Debug, PartialEq, Eq)]
struct Term {
    /// The id of its heading.
    id: String,
    /// What it is called, in small letters.
    names: Vec<String>,
    says: String,
}

/// What the pages of a language link to.
#[derive(Debug, Default)]
pub(crate) struct Explained {
    terms: Vec<Term>,
    /// The pages of the manual in the reading list: `mmap(2)`.
    manual: BTreeSet<String>,
    /// What a lesson is called before and after its number.
    lesson: [&'static str; 2],
}

impl Explained {
    /// What the glossary and the reading list explain.
    pub fn of(language: Language, glossary: &str, reading: &str) -> Explained {
        let lesson = match language {
            Language::English => ["lesson ", ""],
            Language::Chinese => ["第 ", " 课"],
        };
        let manual = bold_manual_pages(reading).map(|(_, page)| page.to_owned()).collect();
        Explained { terms: terms(language, &html::tokens(glossary)), manual, lesson }
    }
}

/// The pages of the manual that stand in bold, each with its place.
fn bold_manual_pages(html: &str) -> impl Iterator<Item = (usize, &str)> {
    const BOLD: &str = "<strong>";
    html.match_indices(BOLD).filter_map(|(at, _)| {
        let at = at + BOLD.len();
        let (start, page) = manual_pages(&html[at..]).next()?;
        (start == 0).then_some((at, page))
    })
}

/// The reading list, where each page of the manual that is in bold has an id and leads to the page itself.
pub(crate) fn manual(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let (mut seen, mut from) = (BTreeSet::new(), 0);
    for (at, page) in bold_manual_pages(html) {
        let (name, section) = page.split_once('(').unwrap_or((page, ""));
        let section = section.trim_end_matches(')');
        out += &html[from..at];
        let id = if seen.insert(page) { format!(" id=\"{}\"", manual_id(page)) } else { String::new() };
        out +=
            &format!("<a{id} href=\"https://man7.org/linux/man-pages/man{section}/{name}.{section}.html\">{page}</a>");
        from = at + page.len();
    }
    out + &html[from..]
}

/// The id of a page of the manual in the reading list.
fn manual_id(page: &str) -> String {
    page.replace('(', ".").replace(')', "")
}

/// The terms of the page of the glossary.
fn terms(language: Language, glossary: &[(usize, Token)]) -> Vec<Term> {
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

/// The HTML of a page in which what another page explains is a link where a section first names it.
pub(crate) fn link(page: &str, html: &str, explained: &Explained) -> String {
    let Some(start) = html.find("<main") else { return html.to_owned() };
    let mut out = html[..start].to_owned();
    let mut rest = &html[start..];
    // The elements that are open.
    let mut open: Vec<&str> = Vec::new();
    let mut used = BTreeSet::new();
    while let Some(tag) = rest.find('<') {
        let is_prose = open.iter().any(|name| PROSE.contains(name)) && !open.iter().any(|name| NO_PROSE.contains(name));
        if is_prose {
            linked(page, &rest[..tag], explained, &mut used, &mut out);
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
            // A question is read by itself.
            if matches!(name, "h1" | "h2" | "h3" | "section") {
                used.clear();
            }
            open.push(if tag.contains("class=\"held-by\"") { "held-by" } else { name });
        }
    }
    out + rest
}

const PROSE: [&str; 3] = ["p", "li", "dd"];
/// Elements that are no prose, or have links or behaviour of their own.
const NO_PROSE: [&str; 13] =
    ["a", "button", "code", "figure", "h1", "h2", "h3", "h4", "held-by", "pre", "summary", "svg", "table"];
const VOID: [&str; 6] = ["br", "hr", "img", "input", "wbr", "path"];

/// What a text names: where, how long the name is, where it leads, and the tag of the link.
struct Named {
    at: usize,
    length: usize,
    leads: String,
    tag: String,
}

/// A text with links from what it names and `used` doesn't have yet.
fn linked(page: &str, text: &str, explained: &Explained, used: &mut BTreeSet<String>, out: &mut String) {
    let lower = text.to_lowercase();
    // Only then an offset in one is an offset in the other.
    let found = if lower.len() == text.len() { first(page, &lower, explained, used) } else { None };
    let Some(Named { at, length, leads, tag }) = found else { return out.push_str(text) };
    used.insert(leads);
    let (before, name, after) = (&text[..at], &text[at..at + length], &text[at + length..]);
    *out += &format!("{before}{tag}{name}</a>");
    linked(page, after, explained, used, out);
}

/// The first thing that a text names. Of two at one place it is the longer one.
fn first(page: &str, text: &str, explained: &Explained, used: &BTreeSet<String>) -> Option<Named> {
    let is_new = |leads: &str| !used.contains(leads);
    let terms = explained.terms.iter().filter(|term| is_new(&term.id)).flat_map(|term| {
        term.names.iter().filter_map(move |name| {
            let at = place(text, name)?;
            let plural = text[at + name.len()..].starts_with('s') && name.is_ascii();
            let says = html::escape(&term.says);
            let tag = format!("<a class=\"term\" href=\"glossary.html#{}\" aria-description=\"{says}\">", term.id);
            Some(Named { at, length: name.len() + usize::from(plural), leads: term.id.clone(), tag })
        })
    });
    let manual =
        manual_pages(text).filter(|(_, name)| explained.manual.contains(*name) && is_new(name)).map(|(at, name)| {
            let tag = format!("<a class=\"see\" href=\"reading.html#{}\">", manual_id(name));
            Named { at, length: name.len(), leads: name.to_owned(), tag }
        });
    let lessons =
        listed().map(|lesson| (lesson.directory(), lesson)).filter(|(chapter, _)| chapter != page && is_new(chapter));
    let lessons = lessons.filter_map(|(chapter, lesson)| {
        let [before, after] = explained.lesson;
        let name = format!("{before}{}{after}", lesson.number);
        // A line may end before the number.
        let at = place(text, &name).or_else(|| place(text, &name.replacen(' ', "\n", 1)))?;
        let tag = format!("<a class=\"see\" href=\"{chapter}.html\">");
        Some(Named { at, length: name.len(), leads: chapter, tag })
    });
    terms.chain(manual).chain(lessons).min_by_key(|named| (named.at, usize::MAX - named.length))
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
        let glossary = "<main><h1 id=\"top\">Glossary</h1><h2 id=\"page\">page · 页</h2><p>A unit.</p>\
             <h2 id=\"fault\">page fault · 缺页异常</h2><p>What is \"raised\".</p><h2 id=\"hole\">hole, sparse file · 空洞</h2><p>No blocks.</p></main>";
        let reading = "<li><strong>read(2)</strong>: a call, <strong>not a page(2)</strong>, read(3)</li>";
        let explained = Explained::of(Language::English, glossary, reading);
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
            link("1_traditional_io", page, &explained),
            page.replace("<p>Holes", &format!("<p>{holes}"))
                .replace("page faults", &faults)
                .replace("a hole.", &format!("a {hole}."))
        );
    }
    #[test]
    fn pages_of_the_manual_and_lessons_are_links() {
        let reading =
            "<li><strong>read(2)</strong>, <strong>signal-safety(7)</strong>: <strong>a page(2)</strong>, read(3)</li>";
        let english = Explained::of(Language::English, "", reading);
        let page = "<main><p>pread(2), read(2) and read(2), <code>read(2)</code>, read(3). Lesson 3, lesson\n3, lesson 2, lesson 31, lesson 9.</p></main>";
        let [read, third] = [
            r#"<a class="see" href="reading.html#read.2">read(2)</a>"#,
            r#"<a class="see" href="3_shared_vs_private.html">Lesson 3</a>"#,
        ];
        let wanted = page.replacen(" read(2)", &format!(" {read}"), 1).replace("Lesson 3", third);
        assert_eq!(link("2_mmap_munmap", page, &english), wanted);
        let chinese = Explained::of(Language::Chinese, "", reading);
        let wanted = r#"<main><p>见<a class="see" href="3_shared_vs_private.html">第 3 课</a>。</p></main>"#;
        assert_eq!(link("index", "<main><p>见第 3 课。</p></main>", &chinese), wanted);
        let signal = r#"<a id="signal-safety.7" href="https://man7.org/linux/man-pages/man7/signal-safety.7.html">signal-safety(7)</a>"#;
        assert!(
            manual(reading).contains(signal) && manual(reading).ends_with("<strong>a page(2)</strong>, read(3)</li>"),
            "{}",
            manual(reading)
        );
    }
}
