//! JUnit's XML, which CI systems show.

use std::io::{self, Write};

use super::Outcome;
use super::text::message;
use crate::course::grading::{Checked, Grade};
use crate::course::{Course, Lesson};
use crate::grade::Verdict;
use crate::text::Language;
use crate::ui::{harmless, visible};

/// Prints the grades: a test suite for each exercise. A check that fails, perhaps, only because its function calls one
/// that is wrong counts as skipped.
///
/// # Errors
/// When it can't be written.
pub fn junit(
    out: &mut dyn Write,
    course: &Course,
    grades: &[(&Lesson, Outcome)],
    language: Language,
) -> io::Result<()> {
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(out, "<testsuites>")?;
    for (lesson, outcome) in grades {
        let name = format!("exercise_{}", lesson.number);
        let checks = outcome.as_ref().map_or(&[][..], Grade::checks);
        let is_skipped = |check: &Checked| check.verdict() == Verdict::Skipped || check.see_first.is_some();
        let skipped = checks.iter().filter(|check| is_skipped(check)).count();
        let failures = checks.iter().filter(|check| check.has_failed() && !is_skipped(check)).count();
        let error = match outcome {
            Err(problem) => Some(("is_graded", "problem", harmless(problem.in_language(language)))),
            Ok(Grade::DoesNotCompile(diagnostics)) => {
                Some(("compiles", "does_not_compile", harmless(&visible(diagnostics))))
            }
            Ok(Grade::Checked { .. }) => None,
        };
        let errors = usize::from(error.is_some());
        // Not `sum`: that of no numbers is -0.
        let time = checks.iter().fold(0.0, |time, check| time + check.took.as_secs_f64());
        let tests = checks.len() + errors;
        writeln!(
            out,
            r#"  <testsuite name="{name}" tests="{tests}" failures="{failures}" errors="{errors}" skipped="{skipped}" time="{time:.3}">"#
        )?;
        if let Some((test, kind, text)) = error {
            writeln!(out, r#"    <testcase classname="{name}" name="{test}" time="0">"#)?;
            writeln!(out, r#"      <error type="{kind}">{}</error>"#, escape(&text))?;
            writeln!(out, "    </testcase>")?;
        }
        for check in checks {
            let (function, test, time) =
                (escape(&harmless(&check.function)), escape(&harmless(&check.name)), check.took.as_secs_f64());
            write!(out, r#"    <testcase classname="{name}.{function}" name="{test}" time="{time:.3}""#)?;
            if check.has_passed() {
                writeln!(out, "/>")?;
                continue;
            }
            let message = escape(&message(course, lesson, check, language));
            if is_skipped(check) {
                writeln!(out, ">\n      <skipped message=\"{}\"/>\n    </testcase>", message.trim_end())?;
                continue;
            }
            let verdict = serde_json::to_value(check.verdict())?;
            let verdict = verdict.as_str().unwrap_or_default();
            writeln!(out, ">\n      <failure type=\"{verdict}\">{message}</failure>")?;
            writeln!(out, "    </testcase>")?;
        }
        writeln!(out, "  </testsuite>")?;
    }
    writeln!(out, "</testsuites>")
}

/// The text as character data of XML, or of HTML: markup is escaped, and characters that XML 1.0 does not allow are replaced.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            '\t' | '\n' | '\r' => escaped.push(c),
            c if c < ' ' || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn xml_keeps_every_text() {
        assert_eq!(escape("a<b> & \"c\"\u{1}\n"), "a&lt;b&gt; &amp; &quot;c&quot;\u{fffd}\n");
    }
}
