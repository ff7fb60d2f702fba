//! All pages of the book.

use mmap_workbook::course::{self, Lesson};
use mmap_workbook::text::Language;

use crate::page::{self, Heading, PageLine};
use crate::sources::{Mistake, Sources};

/// A page in one language.
pub struct PageSource {
    /// Its name, without `.md`.
    pub name: String,
    pub language: Language,
    pub file: String,
    pub text: String,
}

impl PageSource {
    pub fn lines(&self) -> Vec<PageLine<'_>> {
        page::lines(&self.text)
    }

    pub fn headings(&self) -> Vec<Heading<'_>> {
        self.lines().iter().filter_map(page::heading).collect()
    }

    /// A mistake in a line of the page; in line 0, one that concerns the whole page.
    pub fn mistake(&self, line: usize, what: impl Into<String>) -> Mistake {
        Mistake::new(&self.file, line, what)
    }

    /// Whether the page is the chapter of a lesson.
    pub fn is_chapter(&self) -> bool {
        is_chapter(&self.name)
    }
}

/// Whether a page of this name is the chapter of a lesson.
pub fn is_chapter(name: &str) -> bool {
    lesson_of(name).is_some()
}

/// The lesson that a page of this name belongs to: `3_shared_vs_private` is the chapter of lesson 3.
fn lesson_of(name: &str) -> Option<&'static Lesson> {
    course::lesson(name.split_once('_')?.0.parse().ok()?)
}

/// All pages of the book.
pub struct Pages {
    pub all: Vec<PageSource>,
}

impl Pages {
    /// Reads the pages in all languages.
    pub fn read(sources: &Sources, mistakes: &mut Vec<Mistake>) -> Pages {
        let mut all = Vec::new();
        for language in Language::ALL {
            for name in sources.pages(language) {
                let file = sources.page(language, &name);
                match sources.read(&file) {
                    Ok(text) => all.push(PageSource { name, language, file, text }),
                    Err(mistake) => mistakes.push(mistake),
                }
            }
        }
        Pages { all }
    }

    /// The page of this name in a language.
    pub fn page(&self, name: &str, language: Language) -> Option<&PageSource> {
        self.in_language(language).find(|page| page.name == name)
    }

    /// The pages in a language.
    pub fn in_language(&self, language: Language) -> impl Iterator<Item = &PageSource> {
        self.all.iter().filter(move |page| page.language == language)
    }

    /// Whether a page has this text in its source.
    pub fn contain(&self, text: &str) -> bool {
        self.all.iter().any(|page| page.text.contains(text))
    }
}
