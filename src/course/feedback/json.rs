//! The JSON of `check`.

use std::io::{self, Write};

use serde_json::json;

use super::message;
use crate::course::Lesson;
use crate::course::grading::Grade;
use crate::text::Language;
use crate::ui::{JSON_FORMAT, visible};

/// Prints a grade as one JSON object on one line.
///
/// - `format`: [`JSON_FORMAT`].
/// - `lesson`: its number.
/// - `solved`: whether every check passed.
/// - `compiler_errors`: the compiler's text when the exercise does not compile, and then there are no checks; else
///   null.
/// - `checks`, one for each check: its `function` and its `name`; the `verdict` ([`Verdict`](crate::grade::Verdict) in
///   snake case: `passed`, or why not); the `signal` that killed it (`SIGBUS` for example) or null; the `message` for
///   the learner, in the learner's language, or null when it passed; the slug of the `misconception` that it looks
///   like, or null; the `seconds` that it took.
///
/// # Errors
/// When it can't be written.
pub fn json(out: &mut dyn Write, lesson: &Lesson, grade: &Grade, language: Language) -> io::Result<()> {
    let mut object = json!({
        "format": JSON_FORMAT,
        "lesson": lesson.number,
        "solved": grade.is_solved(),
        "compiler_errors": null,
        "checks": [],
    });
    match grade {
        Grade::DoesNotCompile(errors) => object["compiler_errors"] = visible(errors).into(),
        Grade::Checked { checks, .. } => {
            let checks = checks.iter().map(|check| {
                let failure = check.report.failure.as_ref();
                json!({
                    "function": check.function,
                    "name": check.name,
                    "verdict": check.verdict(),
                    "signal": failure.and_then(|failure| failure.signal.as_deref()),
                    "message": failure.map(|_| message(lesson, check, language)),
                    "misconception": failure.and_then(|failure| failure.misconception.as_deref()),
                    "seconds": check.took.as_secs_f64(),
                })
            });
            object["checks"] = checks.collect();
        }
    }
    writeln!(out, "{object}")
}
