//! All pages of the book.

use mmap_workbook::course::Lesson;
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
}

/// All pages of the book.
pub struct Pages<'a> {
    pub all: Vec<PageSource>,
    lessons: &'a [Lesson],
}

impl Pages<'_> {
    /// Reads the pages in all languages.
    pub fn read<'a>(sources: &Sources, lessons: &'a [Lesson], mistakes: &mut Vec<Mistake>) -> Pages<'a> {
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
        Pages { all, lessons }
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

    /// Whether a page of this name is the chapter of a lesson that is no draft.
    pub fn is_chapter(&self, name: &str) -> bool {
        self.lesson_of(name).is_some_and(|lesson| !lesson.draft)
    }

    /// Whether a page of this name is the chapter of a draft.
    pub fn is_draft(&self, name: &str) -> bool {
        self.lesson_of(name).is_some_and(|lesson| lesson.draft)
    }

    /// The lesson that a page of this name belongs to: `3_shared_vs_private` is the chapter of lesson 3.
    fn lesson_of(&self, name: &str) -> Option<&Lesson> {
        let (number, _) = name.split_once('_')?;
        self.lessons.iter().find(|lesson| lesson.number.to_string() == number)
    }
}
