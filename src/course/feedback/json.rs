//! The JSON of `check`.

use std::io::{self, Write};

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Outcome;
use super::text::message;
use crate::course::grading::{Checked, Grade};
use crate::course::{Course, Lesson};
use crate::grade::Verdict;
use crate::text::Language;
use crate::trace::JSON_FORMAT;
use crate::ui::{harmless, visible};

/// A check as JSON: in what `check` prints, and in the results of a class.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CheckLine {
    /// The function that it grades.
    pub function: String,
    /// Whether the exercise is solved without that.
    pub further: bool,
    /// What it checks.
    pub name: String,
    /// In snake case: `passed`, or why not.
    pub verdict: Verdict,
    /// The signal that killed it (`SIGBUS` for example) or null.
    pub signal: Option<String>,
    /// What the learner is told, in the learner's language; null when it passed.
    pub message: Option<String>,
    /// The slug of the misconception that it looks like, or null.
    pub misconception: Option<String>,
    /// The function to see first, because this one calls it and it is wrong, or null.
    pub see_first: Option<String>,
    /// How long it took.
    pub seconds: f64,
}

impl CheckLine {
    /// That of a check of this lesson's exercise.
    pub fn of(course: &Course, lesson: &Lesson, check: &Checked, language: Language) -> CheckLine {
        let failure = check.report.failure.as_ref();
        CheckLine {
            function: harmless(&check.function),
            further: check.is_further,
            name: harmless(&check.name),
            verdict: check.verdict(),
            signal: failure.and_then(|failure| failure.signal.as_deref()).map(harmless),
            message: failure.map(|_| message(course, lesson, check, language)),
            misconception: failure.and_then(|failure| failure.misconception.as_deref()).map(harmless),
            see_first: check.see_first.as_deref().map(harmless),
            seconds: check.took.as_secs_f64(),
        }
    }
}

/// Prints a grade as one JSON object on one line.
///
/// - `format`: [`JSON_FORMAT`].
/// - `lesson`: its number.
/// - `solved`: whether every check of a core function passed that could be done on this machine.
/// - `complete`: whether those of the further functions passed, too.
/// - `skipped`: the number of checks that could not be done; their `verdict` is `skipped`.
/// - `problem`: why it could not be graded, in one line, and then there is nothing else; else null.
/// - `compiler_errors`: the compiler's text when the exercise does not compile, and then there are no checks; else
///   null.
/// - `checks`: a [`CheckLine`] for each.
///
/// # Errors
/// When it can't be written.
pub fn json(
    out: &mut dyn Write,
    course: &Course,
    lesson: &Lesson,
    outcome: &Outcome,
    language: Language,
) -> io::Result<()> {
    let mut object = json!({
        "format": JSON_FORMAT,
        "lesson": lesson.number,
        "solved": outcome.as_ref().is_ok_and(Grade::is_solved),
        "complete": outcome.as_ref().is_ok_and(Grade::is_complete),
        "skipped": outcome.as_ref().map_or(0, |grade| grade.skipped().len()),
        "problem": outcome.as_ref().err().map(|problem| problem.in_language(language)),
        "compiler_errors": null,
        "checks": [],
    });
    match outcome {
        Err(_) => {}
        Ok(Grade::DoesNotCompile(errors)) => object["compiler_errors"] = harmless(&visible(errors)).into(),
        Ok(Grade::Checked { checks, .. }) => {
            let checks = checks.iter().map(|check| CheckLine::of(course, lesson, check, language));
            object["checks"] = serde_json::to_value(checks.collect::<Vec<_>>())?;
        }
    }
    writeln!(out, "{object}")
}
