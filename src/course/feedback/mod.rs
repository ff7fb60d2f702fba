//! What comes of a check: for a reader, as JSON, and as JUnit's XML. Also the list of lessons, which says how far each is.

mod json;
mod junit;
mod text;

use super::Lesson;
use super::grading::Checked;
use crate::text::Language;

pub use json::json;
pub use junit::junit;

/// All that a failed check says, on several lines.
fn message(lesson: &Lesson, check: &Checked, language: Language) -> String {
    check.report.in_language(language, Some(lesson.number))
}
