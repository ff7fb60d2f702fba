//! Both languages as a site of static files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use mdbook_driver::MDBook;
use mdbook_driver::book::{Book, BookItem};
use mdbook_driver::config::Config;
use serde_json::json;

use crate::html::{self, Piece};
use crate::render;
use crate::sources::{LANGUAGES, Language, Problem, Sources, directory, either};

/// What stands in the template where the link to the other language goes. A stock mdBook, which knows of one language only,
/// leaves it as it is.
const SWITCH: &str = "<!-- the other language -->";

/// What mdBook writes beside the pages and no page here asks for.
const UNUSED: [&str; 9] =
    ["book.toml", "toc.html", "toc-", "toc.js", "clipboard", "ayu-highlight", "tomorrow-night", "fonts", "favicon.png"];

/// Replaces the directives in all chapters of a book. What is wrong in them comes back.
pub fn preprocess(sources: &Sources, language: Language, book: &mut Book) -> Vec<Problem> {
    let mut problems = Vec::new();
    book.for_each_mut(|item| {
        let BookItem::Chapter(chapter) = item else { return };
        let path = chapter.source_path.as_ref().and_then(|path| path.to_str());
        if let Some(name) = path.and_then(|path| path.strip_suffix(".md")) {
            chapter.content = render::page(sources, language, name, &chapter.content, &mut problems);
        }
    });
    problems
}

/// The pages in a table of contents, each with the number of its line.
pub fn summary(text: &str) -> Vec<(usize, &str)> {
    let link = |line: &'_ str| -> Option<(usize, usize)> {
        let start = line.find("](")? + 2;
        Some((start, start + line[start..].find(')')?))
    };
    let lines = (1..).zip(text.lines());
    lines.filter_map(|(n, line)| link(line).map(|(start, end)| (n, &line[start..end]))).collect()
}

/// Makes the site in the directory `to`, which is made when it's missing.
///
/// # Errors
/// What is wrong in the sources, all of it; or the file of the site that can't be written.
pub fn build(sources: &Sources, to: &Path) -> Result<(), Vec<Problem>> {
    let mut problems = Vec::new();
    for language in LANGUAGES {
        let there = to.join(directory(language));
        if holds_something_else(&there) {
            let what = "what is in it would be removed, and it is no site of the book: take another directory";
            problems.push(Problem::new(there.display().to_string(), 0, what));
        }
    }
    sorted(problems)?;
    let mut problems = Vec::new();
    let mut books = Vec::new();
    for language in LANGUAGES {
        match load(sources, language, &to.join(directory(language))) {
            Ok(mut book) => {
                problems.extend(preprocess(sources, language, &mut book.book));
                books.push((language, book));
            }
            Err(found) => problems.extend(found),
        }
    }
    sorted(problems)?;
    let mut problems = Vec::new();
    for (language, book) in books {
        book.build().map_err(|error| vec![Problem::new(config_file(language), 0, format!("{error:#}"))])?;
        let there = to.join(directory(language));
        finish(sources, language, &there, &mut problems).map_err(|error| vec![of_directory(&there, &error)])?;
    }
    sorted(problems)?;
    entrance(sources, to)
}

/// Whether a directory has files in it that no earlier build has written.
fn holds_something_else(directory: &Path) -> bool {
    let holds_anything = fs::read_dir(directory).is_ok_and(|mut entries| entries.next().is_some());
    // mdBook writes this one early, so a build that was broken off has it, too.
    holds_anything && (!directory.join(".nojekyll").exists() || directory.join("SUMMARY.md").exists())
}

fn sorted(mut problems: Vec<Problem>) -> Result<(), Vec<Problem>> {
    problems.sort();
    problems.dedup();
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

fn of_directory(directory: &Path, error: &io::Error) -> Problem {
    Problem::new(directory.display().to_string(), 0, error.to_string())
}

fn config_file(language: Language) -> String {
    format!("book/{}/book.toml", directory(language))
}

fn load(sources: &Sources, language: Language, to: &Path) -> Result<MDBook, Vec<Problem>> {
    let file = format!("book/{}/SUMMARY.md", directory(language));
    let text = sources.read(&file).map_err(|problem| vec![problem])?;
    let missing = summary(&text)
        .into_iter()
        .filter(|(_, page)| !sources.root().join(format!("book/{}/{page}", directory(language))).is_file());
    let missing: Vec<_> =
        missing.map(|(line, page)| Problem::new(&file, line, format!("there is no page {page}"))).collect();
    if !missing.is_empty() {
        return Err(missing);
    }
    let wrong = |error: &dyn std::fmt::Display| vec![Problem::new(config_file(language), 0, error.to_string())];
    let root = sources.root().join("book").join(directory(language));
    let mut config = Config::from_disk(root.join("book.toml")).map_err(|error| wrong(&format!("{error:#}")))?;
    // What the program would do for a stock mdBook, this one does itself.
    config.set("preprocessor", toml::Table::new()).map_err(|error| wrong(&format!("{error:#}")))?;
    config.build.build_dir = absolute(to).map_err(|error| vec![of_directory(to, &error)])?;
    MDBook::load_with_config(root, config).map_err(|error| wrong(&format!("{error:#}")))
}

fn absolute(path: &Path) -> io::Result<PathBuf> {
    fs::create_dir_all(path)?;
    path.canonicalize()
}

/// The language of a book in a directory of that name.
pub fn language_of(root: &Path) -> Option<Language> {
    LANGUAGES.into_iter().find(|language| root.file_name().is_some_and(|name| name == directory(*language)))
}

/// The pages of a directory of the site, by name without `.html`.
pub fn written(there: &Path) -> io::Result<BTreeMap<String, String>> {
    let mut pages = BTreeMap::new();
    for entry in fs::read_dir(there)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "html")
            && let Some(name) = path.file_stem().and_then(|name| name.to_str())
        {
            pages.insert(name.to_owned(), fs::read_to_string(&path)?);
        }
    }
    Ok(pages)
}

/// Does to the pages of a language what mdBook can't: the link to the other language, the search's index, a look at the links.
fn finish(sources: &Sources, language: Language, there: &Path, problems: &mut Vec<Problem>) -> io::Result<()> {
    for entry in fs::read_dir(there)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if UNUSED.iter().any(|unused| name.starts_with(unused)) {
            if path.is_dir() { fs::remove_dir_all(&path)? } else { fs::remove_file(&path)? }
        }
    }
    let mut pages = written(there)?;
    let mut urls = Vec::new();
    let mut texts = serde_json::Map::new();
    for (name, html) in &mut pages {
        *html = html.replace(SWITCH, &switch(language, name));
        *html = html.replacen(
            &format!("<a href=\"{name}.html\">"),
            &format!("<a href=\"{name}.html\" aria-current=\"page\">"),
            1,
        );
        fs::write(there.join(format!("{name}.html")), &html)?;
    }
    dead_links(sources, language, there, &pages, problems);
    for (name, html) in pages.iter().filter(|(name, _)| *name != "print") {
        let sections = html::sections(html);
        let chapter = sections.first().map(|section| section.title.clone()).unwrap_or_default();
        for html::Section { id, title, body } in sections {
            let n = urls.len().to_string();
            urls.push(format!("{name}.html{}", if id.is_empty() { id } else { format!("#{id}") }));
            let above = if title == chapter { "" } else { &chapter };
            texts.insert(n.clone(), json!({ "id": n, "title": title, "body": body, "breadcrumbs": above }));
        }
    }
    // As mdBook writes it, so that the same script reads both, without the index of words: it knows none of Chinese.
    let index = json!({ "doc_urls": urls, "index": { "documentStore": { "docs": texts } } });
    fs::write(there.join("searchindex.js"), format!("window.search = Object.assign(window.search, {index});\n"))
}

/// The link to the same page in the other language.
fn switch(language: Language, page: &str) -> String {
    let (to, code, words) = either(language, ("zh", "zh-CN", "中文"), ("en", "en", "English"));
    format!(
        "<a id=\"language\" class=\"in-bar\" href=\"../{to}/{page}.html\" hreflang=\"{code}\" lang=\"{code}\">{words}</a>"
    )
}

fn ids(html: &str) -> BTreeSet<&str> {
    let id = |piece| if let Piece::Open(tag) = piece { html::Tag::attribute(&tag, "id") } else { None };
    html::pieces(html).into_iter().filter_map(id).collect()
}

/// Looks whether each link leads to a file of the site, and to an id in it.
fn dead_links(
    sources: &Sources,
    language: Language,
    there: &Path,
    pages: &BTreeMap<String, String>,
    problems: &mut Vec<Problem>,
) {
    let ids: BTreeMap<&str, BTreeSet<&str>> = pages.iter().map(|(name, html)| (name.as_str(), ids(html))).collect();
    for (name, html) in pages.iter().filter(|(name, _)| *name != "print") {
        for piece in html::pieces(html) {
            let Piece::Open(tag) = piece else { continue };
            let Some(target) = tag.attribute("href").or(tag.attribute("src")) else { continue };
            let elsewhere = ["http://", "https://", "mailto:", "data:"].iter().any(|start| target.starts_with(start));
            if elsewhere || (tag.attribute("id") == Some("language")) {
                continue;
            }
            let target = html::unescape(target);
            let (path, fragment) = target.split_once('#').unwrap_or((&target, ""));
            let page = if path.is_empty() { Some(name.as_str()) } else { path.strip_suffix(".html") };
            let page_ids = page.and_then(|page| ids.get(page));
            let lives = match page_ids {
                Some(ids) => fragment.is_empty() || ids.contains(fragment),
                None => fragment.is_empty() && there.join(path).is_file(),
            };
            if !lives {
                let file = sources.page(language, name);
                let written = target.replace(".html", ".md");
                let text = sources.read(&file).unwrap_or_default();
                let line = text.lines().position(|line| line.contains(&format!("]({written}")));
                let what = format!("the link to {written} leads nowhere");
                problems.push(Problem::new(file, line.map_or(0, |line| line + 1), what));
            }
        }
    }
}

/// The site's first page, which leads to a language, and its page for addresses that don't exist.
fn entrance(sources: &Sources, to: &Path) -> Result<(), Vec<Problem>> {
    for page in ["index.html", "404.html"] {
        let html = sources.read(&format!("book/theme/site/{page}")).map_err(|problem| vec![problem])?;
        fs::write(to.join(page), html).map_err(|error| vec![of_directory(to, &error)])?;
    }
    fs::write(to.join(".nojekyll"), "").map_err(|error| vec![of_directory(to, &error)])
}
