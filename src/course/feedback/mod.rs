//! Reports of grades: as text, as JSON and as JUnit's XML. Also the list of lessons, with the status of each.

mod json;
mod junit;
mod text;

use super::Lesson;
use super::grading::Checked;
use crate::text::Language;

pub use json::json;
pub use junit::junit;

/// The feedback of a failed check, in several lines.
fn message(lesson: &Lesson, check: &Checked, language: Language) -> String {
    check.report.in_language(language, Some(lesson.number))
}
