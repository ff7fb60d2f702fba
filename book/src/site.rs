//! The book in all languages as a site of static files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use mdbook_driver::MDBook;
use mdbook_driver::book::{Book, BookItem};
use mdbook_driver::config::Config;
use mmap_workbook::course::LESSONS;
use mmap_workbook::text::Language;

use crate::drill;
use crate::highlight;
use crate::html::{self, StartTag, Token};
use crate::render;
use crate::search;
use crate::simulator;
use crate::sources::{Mistake, Sources};
use crate::terms::{self, Explained};

/// The place of the links to the other languages in the template. A stock mdBook, which builds one language only,
/// leaves it as it is.
const TRANSLATIONS: &str = "<!-- the other languages -->";

/// Files that mdBook writes and no page here needs.
const UNUSED: [&str; 10] = [
    "book.toml",
    "toc.html",
    "toc-",
    "toc.js",
    "clipboard",
    "highlight",
    "ayu-highlight",
    "tomorrow-night",
    "fonts",
    "favicon.png",
];

/// The files of the theme that mdBook doesn't know.
const OF_THEME: [&str; 3] = ["drill.js", "questions.css", "questions.js"];

/// The key of the address where a page's source is edited, in which `{path}` and `{language}` are replaced.
const EDIT: &str = "output.html.edit-url-template";

/// The key of the address where any source is read, in which `{path}` is its path from the root of the checkout.
pub const READ: &str = "preprocessor.workbook.source-url-template";

/// The key of the address of the site, in which `{language}` is replaced.
const SITE: &str = "output.html.site-url";

/// The place of the contents of the page for printing in the template.
const CONTENTS: &str = "<!-- the contents -->";

/// The picture of a preview, for the whole site.
const CARD: &str = "card.png";

/// Replaces the directives in all chapters of a book. Returns the mistakes in them.
pub fn preprocess(sources: &Sources, language: Language, book: &mut Book) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    book.for_each_mut(|item| {
        let BookItem::Chapter(chapter) = item else { return };
        let path = chapter.source_path.as_ref().and_then(|path| path.to_str());
        if let Some(name) = path.and_then(|path| path.strip_suffix(".md")) {
            chapter.content = render::page(sources, language, name, &chapter.content, &mut mistakes);
        }
    });
    mistakes
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

/// Writes the site into the directory `to`, and creates that if it is missing.
///
/// # Errors
/// All mistakes in the sources, or the file of the site that can't be written.
pub fn build(sources: &Sources, to: &Path) -> Result<(), Vec<Mistake>> {
    let mut mistakes = sources.links_out().map_err(|mistake| vec![mistake])?;
    for language in Language::ALL {
        let there = to.join(language.code());
        if holds_something_else(&there) {
            let what =
                "it holds files that are not a site of the book, and that would be removed: choose another directory";
            mistakes.push(Mistake::in_file(there.display().to_string(), what));
        }
    }
    sorted(mistakes)?;
    let mut mistakes = Vec::new();
    let mut books = Vec::new();
    for language in Language::ALL {
        match load(sources, language, &to.join(language.code())) {
            Ok((mut book, addresses)) => {
                let sources = sources.readable_at(addresses.sources);
                mistakes.extend(preprocess(&sources, language, &mut book.book));
                books.push((language, book, addresses.site));
            }
            Err(found) => mistakes.extend(found),
        }
    }
    sorted(mistakes)?;
    let drill = drill::questions(sources).map_err(|mistake| vec![mistake])?;
    let mut mistakes = Vec::new();
    for (language, book, address) in books {
        book.build().map_err(|error| vec![Mistake::in_file(config_file(language), format!("{error:#}"))])?;
        let there = to.join(language.code());
        finish(sources, language, &there, address.as_deref(), &mut mistakes)
            .and_then(|()| drill::add(sources, language, &drill, &there))
            .map_err(|error| vec![of_directory(&there, &error)])?;
    }
    sorted(mistakes)?;
    entrance(sources, to)
}

/// Whether a directory holds files that no earlier build has written.
fn holds_something_else(directory: &Path) -> bool {
    let holds_anything = fs::read_dir(directory).is_ok_and(|mut entries| entries.next().is_some());
    // mdBook writes .nojekyll early, so an interrupted build has it, too.
    holds_anything && (!directory.join(".nojekyll").exists() || directory.join("SUMMARY.md").exists())
}

fn sorted(mut mistakes: Vec<Mistake>) -> Result<(), Vec<Mistake>> {
    mistakes.sort();
    mistakes.dedup();
    if mistakes.is_empty() { Ok(()) } else { Err(mistakes) }
}

fn of_directory(directory: &Path, error: &io::Error) -> Mistake {
    Mistake::in_file(directory.display().to_string(), error.to_string())
}

fn config_file(language: Language) -> String {
    format!("book/{}/book.toml", language.code())
}

/// Where a book can be found, if anywhere.
struct Addresses {
    sources: Option<String>,
    site: Option<String>,
}

fn load(sources: &Sources, language: Language, to: &Path) -> Result<(MDBook, Addresses), Vec<Mistake>> {
    let file = sources.contents(language);
    let text = sources.read(&file).map_err(|mistake| vec![mistake])?;
    let missing = summary(&text)
        .into_iter()
        .filter(|(_, page)| !sources.root().join(format!("book/{}/{page}", language.code())).is_file());
    let missing: Vec<_> =
        missing.map(|(line, page)| Mistake::new(&file, line, format!("there is no page {page}"))).collect();
    if !missing.is_empty() {
        return Err(missing);
    }
    let wrong = |error: &dyn std::fmt::Display| vec![Mistake::in_file(config_file(language), error.to_string())];
    let root = sources.root().join("book").join(language.code());
    let mut config = Config::from_disk(root.join("book.toml")).map_err(|error| wrong(&format!("{error:#}")))?;
    // MDBOOK_OUTPUT__HTML__EDIT_URL_TEMPLATE adds to each page a link to its source, whichever its language.
    config.update_from_env().map_err(|error| wrong(&format!("{error:#}")))?;
    let address = |key: &str| {
        let address = config.get::<String>(key).map_err(|error| wrong(&format!("{error:#}")))?;
        Ok::<_, Vec<Mistake>>(address.map(|address| address.replace("{language}", language.code())))
    };
    let (edit, addresses) = (address(EDIT)?, Addresses { sources: address(READ)?, site: address(SITE)? });
    if let Some(edit) = edit {
        config.set(EDIT, edit).map_err(|error| wrong(&format!("{error:#}")))?;
    }
    // A stock mdBook runs this program to replace the directives; here that is done already. Its own preprocessors would
    // include any file.
    config.set("preprocessor", toml::Table::new()).map_err(|error| wrong(&format!("{error:#}")))?;
    config.build.use_default_preprocessors = false;
    config.build.build_dir = absolute(to).map_err(|error| vec![of_directory(to, &error)])?;
    let book = MDBook::load_with_config(root, config).map_err(|error| wrong(&format!("{error:#}")))?;
    Ok((book, addresses))
}

fn absolute(path: &Path) -> io::Result<PathBuf> {
    fs::create_dir_all(path)?;
    path.canonicalize()
}

/// The language of the book in this directory.
pub fn language_of(root: &Path) -> Option<Language> {
    Language::ALL.into_iter().find(|language| root.file_name().is_some_and(|name| name == language.code()))
}

/// The HTML of the pages in a directory of the site, by their names without `.html`.
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

/// Adds to the pages of a language what mdBook can't: the links to the other languages, and the index of the search.
/// Finds dead links.
fn finish(
    sources: &Sources,
    language: Language,
    there: &Path,
    address: Option<&str>,
    mistakes: &mut Vec<Mistake>,
) -> io::Result<()> {
    for entry in fs::read_dir(there)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if UNUSED.iter().any(|unused| name.starts_with(unused)) {
            if path.is_dir() { fs::remove_dir_all(&path)? } else { fs::remove_file(&path)? }
        }
    }
    for name in OF_THEME {
        fs::copy(sources.root().join("book/theme").join(name), there.join(name))?;
    }
    let mut pages = written(there)?;
    simulator::add(sources, language, there, &mut pages)?;
    let text = |name: &str| pages.get(name).map_or("", String::as_str);
    let explained = Explained::of(language, text("glossary"), text("reading"));
    for (name, html) in &mut pages {
        *html = html.replace(TRANSLATIONS, &links_to_translations(language, name));
        *html = html.replacen(
            &format!("<a href=\"{name}.html\">"),
            &format!("<a href=\"{name}.html\" aria-current=\"page\">"),
            1,
        );
        // The page for printing is in no search engine.
        if name != "print" {
            *html = with_description(language, name, html);
            if let Some(address) = address {
                *html = with_address(name, html, address);
            }
        }
        match name.as_str() {
            "print" => {
                *html = with_languages(language, html);
                *html = html.replace(CONTENTS, &contents_of_print(html));
            }
            "reading" => *html = terms::manual(html),
            "glossary" => *html = with_languages(language, html),
            _ => {}
        }
        if !["glossary", "assertions", "print"].contains(&name.as_str()) {
            *html = terms::link(name, html, &explained);
        }
        fs::write(there.join(format!("{name}.html")), highlight::page(html))?;
    }
    // The page for printing has nothing that the others don't have.
    pages.remove("print");
    let pages: BTreeMap<_, _> = pages.iter().map(|(name, html)| (name.as_str(), html::tokens(html))).collect();
    dead_links(sources, language, there, &pages, mistakes);
    let index = search::index(sources, language, &pages, mistakes);
    fs::write(there.join("searchindex.js"), format!("window.search = Object.assign(window.search, {index});\n"))
}

/// A page with a description of its own in place of the book's, for search engines and for previews of a link to it: a
/// chapter's is its lesson's question, another page's the beginning of its text.
fn with_description(language: Language, page: &str, html: &str) -> String {
    // As many characters as previews show: a Chinese one is as wide as two.
    let longest = match language {
        Language::English => 200,
        Language::Chinese => 100,
    };
    let tokens = html::tokens(html);
    let of_book = start_tags(&tokens).find(|tag| tag.attribute("name") == Some("description"));
    let of_book = of_book.and_then(|tag| tag.attribute("content")).unwrap_or_default();
    let lesson = LESSONS.iter().find(|lesson| lesson.directory() == page);
    let own = match lesson {
        Some(lesson) => lesson.question.in_language(language).to_owned(),
        None => html::sections(&tokens)
            .into_iter()
            .map(|section| section.body)
            .find(|body| !body.is_empty())
            .unwrap_or_default(),
    };
    let short: String = own.chars().take(longest).collect();
    // Whole sentences, if there is one.
    let end = short.rfind(". ").map(|end| end + 1).or_else(|| short.rfind('。').map(|end| end + '。'.len_utf8()));
    let own = if short.len() < own.len() { &short[..end.unwrap_or(short.len())] } else { &short };
    let own = html::escape(own);
    html.replace(&format!("content=\"{of_book}\""), &format!("content=\"{own}\""))
}

/// A page that says where it is, and which picture goes with a link to it. Both are whole addresses.
fn with_address(page: &str, html: &str, site: &str) -> String {
    let site = site.trim_end_matches('/');
    // The languages are side by side.
    let above = site.rsplit_once('/').map_or(site, |(above, _)| above);
    let (page, image) = (html::escape(&format!("{site}/{page}.html")), html::escape(&format!("{above}/{CARD}")));
    let place = "<meta property=\"og:type\"";
    let tags = format!(
        "<link rel=\"canonical\" href=\"{page}\">\n<meta property=\"og:url\" content=\"{page}\">\n\
         <meta property=\"og:image\" content=\"{image}\">\n{place}"
    );
    html.replacen(place, &tags, 1)
}

/// The contents of the page for printing: its chapters.
fn contents_of_print(html: &str) -> String {
    let tokens = html::tokens(html);
    let chapters: BTreeSet<_> =
        start_tags(&tokens).filter(|tag| tag.name == "h1").filter_map(|tag| tag.attribute("id")).collect();
    let chapters = html::sections(&tokens).into_iter().filter(|section| chapters.contains(section.id.as_str()));
    let item =
        |section: html::Section| format!("<li><a href=\"#{}\">{}</a></li>", section.id, html::escape(&section.title));
    format!("<ul>{}</ul>", chapters.map(item).collect::<String>())
}

/// The glossary, whose headings have each term in both languages: "page · 页".
fn with_languages(language: Language, html: &str) -> String {
    let other = Language::ALL.into_iter().find(|other| *other != language).map_or("", Language::tag);
    let mut lines = Vec::new();
    for line in html.lines() {
        lines.push(match line.split_once(" · ").and_then(|(own, rest)| Some((own, rest.split_once("</a>")?))) {
            Some((own, (term, rest))) if own.starts_with("<h2") => {
                format!("{own} · <span lang=\"{other}\">{term}</span></a>{rest}")
            }
            _ => line.to_owned(),
        });
    }
    lines.join("\n")
}

/// The links to a page in the other languages.
fn links_to_translations(language: Language, page: &str) -> String {
    let link = |to: Language| {
        let (code, tag, name) = (to.code(), to.tag(), to.name());
        format!(
            "<a class=\"language in-bar\" href=\"../{code}/{page}.html\" hreflang=\"{tag}\" lang=\"{tag}\">{name}</a>"
        )
    };
    Language::ALL.into_iter().filter(|to| *to != language).map(link).collect()
}

/// The ids in a page.
fn ids(tokens: &[(usize, Token)]) -> BTreeSet<&str> {
    start_tags(tokens).filter_map(|tag| tag.attribute("id")).collect()
}

fn start_tags(tokens: &[(usize, Token)]) -> impl Iterator<Item = &StartTag> {
    tokens.iter().filter_map(|(_, token)| match token {
        Token::Start(tag) => Some(tag),
        _ => None,
    })
}

/// Finds the links that lead to no file of the site, or to no id in it.
fn dead_links(
    sources: &Sources,
    language: Language,
    there: &Path,
    pages: &BTreeMap<&str, Vec<(usize, Token)>>,
    mistakes: &mut Vec<Mistake>,
) {
    let ids: BTreeMap<&str, BTreeSet<&str>> = pages.iter().map(|(name, tokens)| (*name, ids(tokens))).collect();
    for (name, tokens) in pages {
        for tag in start_tags(tokens) {
            let Some(target) = tag.attribute("href").or(tag.attribute("src")) else { continue };
            let elsewhere = ["http://", "https://", "mailto:", "data:"].iter().any(|start| target.starts_with(start));
            if elsewhere || tag.has_class("language") {
                continue;
            }
            let (path, fragment) = target.split_once('#').unwrap_or((target, ""));
            let page = if path.is_empty() { Some(*name) } else { path.strip_suffix(".html") };
            let page_ids = page.and_then(|page| ids.get(page));
            let lives = match page_ids {
                // A scenario, for the simulator.
                Some(_) if fragment.starts_with("s=") => true,
                Some(ids) => fragment.is_empty() || ids.contains(fragment),
                None => fragment.is_empty() && there.join(path).is_file(),
            };
            if !lives {
                let file = sources.page(language, name);
                let written = target.replace(".html", ".md");
                let text = sources.read(&file).unwrap_or_default();
                let line = text.lines().position(|line| line.contains(&format!("]({written}")));
                let what = format!("the link to {written} leads nowhere");
                mistakes.push(Mistake::new(file, line.map_or(0, |line| line + 1), what));
            }
        }
    }
}

/// Writes the first page of the site, which leads to a language, and the page for addresses that don't exist.
fn entrance(sources: &Sources, to: &Path) -> Result<(), Vec<Mistake>> {
    for page in ["index.html", "404.html"] {
        let html = sources.read(&format!("book/theme/site/{page}")).map_err(|mistake| vec![mistake])?;
        fs::write(to.join(page), html).map_err(|error| vec![of_directory(to, &error)])?;
    }
    let card = sources.root().join("book/theme/site").join(CARD);
    fs::copy(card, to.join(CARD)).map_err(|error| vec![of_directory(to, &error)])?;
    fs::write(to.join(".nojekyll"), "").map_err(|error| vec![of_directory(to, &error)])
}
