//! Both languages as a site of static files.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use mdbook_driver::MDBook;
use mdbook_driver::book::{Book, BookItem};
use mdbook_driver::config::Config;

use crate::render;
use crate::sources::{LANGUAGES, Language, Problem, Sources, either, folder};

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

/// Makes the site in the folder `to`, which is made when it's missing.
///
/// # Errors
/// What is wrong in the sources, all of it.
pub fn build(sources: &Sources, to: &Path) -> Result<(), Vec<Problem>> {
    let mut problems = Vec::new();
    let mut books = Vec::new();
    for language in LANGUAGES {
        match load(sources, language, &to.join(folder(language))) {
            Ok(mut book) => {
                problems.extend(preprocess(sources, language, &mut book.book));
                books.push((language, book));
            }
            Err(found) => problems.extend(found),
        }
    }
    if !problems.is_empty() {
        problems.sort();
        problems.dedup();
        return Err(problems);
    }
    for (language, book) in books {
        book.build().map_err(|error| vec![Problem::new(config_file(language), 0, format!("{error:#}"))])?;
    }
    Ok(())
}

fn config_file(language: Language) -> String {
    format!("book/{}/book.toml", folder(language))
}

fn load(sources: &Sources, language: Language, to: &Path) -> Result<MDBook, Vec<Problem>> {
    let file = format!("book/{}/SUMMARY.md", folder(language));
    let text = sources.read(&file).map_err(|problem| vec![problem])?;
    let missing = summary(&text)
        .into_iter()
        .filter(|(_, page)| !sources.root().join(format!("book/{}/{page}", folder(language))).is_file());
    let missing: Vec<_> =
        missing.map(|(line, page)| Problem::new(&file, line, format!("there is no page {page}"))).collect();
    // TODO: an error, once the pages are there.
    missing.iter().for_each(|problem| eprintln!("left out: {problem}"));
    let there: Vec<_> =
        (1..).zip(text.lines()).filter(|(n, _)| missing.iter().all(|problem| problem.line != *n)).collect();
    let text = there.into_iter().map(|(_, line)| line).collect::<Vec<_>>().join("\n");
    let wrong = |error: &dyn std::fmt::Display| vec![Problem::new(config_file(language), 0, error.to_string())];
    let root = sources.root().join("book").join(folder(language));
    let mut config = Config::from_disk(root.join("book.toml")).map_err(|error| wrong(&format!("{error:#}")))?;
    // What the program would do for a stock mdBook, this one does itself.
    config.set("preprocessor", toml::Table::new()).map_err(|error| wrong(&format!("{error:#}")))?;
    config.build.build_dir = absolute(to).map_err(|error| wrong(&error))?;
    let summary = mdbook_summary::parse_summary(&text).map_err(|error| wrong(&format!("{error:#}")))?;
    MDBook::load_with_config_and_summary(root, config, summary).map_err(|error| wrong(&format!("{error:#}")))
}

fn absolute(path: &Path) -> io::Result<PathBuf> {
    fs::create_dir_all(path)?;
    path.canonicalize()
}

/// The language of a book in a folder of that name.
pub fn language_of(root: &Path) -> Option<Language> {
    LANGUAGES.into_iter().find(|language| root.file_name().is_some_and(|name| name == folder(*language)))
}

/// What the site is called in a language.
pub fn title(language: Language) -> &'static str {
    either(language, "The mmap workbook", "mmap 练习册")
}
