//! `{{#lessons}}`: the lessons, with links to their chapters.

use mmap_workbook::course::listed;
use mmap_workbook::text::Language;

use super::words;

/// The lessons that are no drafts, as a table.
pub fn lessons(language: Language) -> String {
    let [lesson, question] = [&words::LESSON, &words::QUESTION].map(|words| words.in_language(language));
    let mut table = format!("| {lesson} | {question} |\n|---|---|\n");
    for lesson in listed() {
        let [title, question] = [&lesson.title, &lesson.question].map(|text| text.in_language(language));
        table += &format!("| [{}. {title}]({}.md) | {question} |\n", lesson.number, lesson.directory());
    }
    table
}
