//! JUnit's XML, which CI systems show.

use std::fmt::{self, Display, Formatter, Write as _};
use std::io::{self, Write};

use super::Outcome;
use super::json::CheckLine;
use crate::course::grading::Grade;
use crate::course::{Course, Lesson};
use crate::grade::Verdict;
use crate::text::Language;
use crate::ui::{harmless, visible};

/// Prints the grades: a test suite for each exercise.
///
/// # Errors
/// When it can't be written.
pub fn junit(
    out: &mut dyn Write,
    course: &Course,
    grades: &[(&Lesson, Outcome)],
    language: Language,
) -> io::Result<()> {
    let suites = grades.iter().map(|(lesson, outcome)| {
        let exercise = format!("exercise_{}", lesson.number);
        let mut suite = Suite::new(&exercise);
        match outcome {
            Err(problem) => {
                suite.error(&exercise, "is_graded", "problem", &harmless(problem.in_language(language)), 0.0);
            }
            Ok(Grade::DoesNotCompile(diagnostics)) => {
                suite.error(&exercise, "compiles", "does_not_compile", &harmless(&visible(diagnostics)), 0.0);
            }
            Ok(Grade::Checked { checks, .. }) => {
                for check in checks {
                    suite.check(&exercise, &CheckLine::of(course, lesson, check, language));
                }
            }
        }
        suite
    });
    out.write_all(document(suites).as_bytes())
}

/// The suites as a document.
pub(crate) fn document(suites: impl Iterator<Item = Suite>) -> String {
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    for suite in suites {
        let _ = write!(xml, "{suite}");
    }
    xml + "</testsuites>\n"
}

/// A test suite: what somebody's answers to one or more exercises are told.
pub(crate) struct Suite {
    name: String,
    cases: String,
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
    seconds: f64,
}

impl Suite {
    pub(crate) fn new(name: &str) -> Suite {
        let name = name.to_owned();
        Suite { name, cases: String::new(), tests: 0, failures: 0, errors: 0, skipped: 0, seconds: 0.0 }
    }

    /// Adds that an exercise has no checks, of this kind, and the text that says why.
    pub(crate) fn error(&mut self, exercise: &str, test: &str, kind: &str, text: &str, seconds: f64) {
        self.errors += 1;
        let error = format!(r#"<error type="{kind}">{}</error>"#, escape(text));
        self.case(exercise, test, seconds, &error);
    }

    /// Adds a check. One that fails, perhaps, only because its function calls another one that is wrong counts as skipped.
    pub(crate) fn check(&mut self, exercise: &str, check: &CheckLine) {
        let message = escape(check.message.as_deref().unwrap_or_default());
        let outcome = if check.verdict == Verdict::Passed {
            String::new()
        } else if check.verdict == Verdict::Skipped || check.see_first.is_some() {
            self.skipped += 1;
            format!("<skipped message=\"{}\"/>", message.trim_end())
        } else {
            self.failures += 1;
            let verdict = serde_json::to_value(check.verdict).unwrap_or_default();
            format!(r#"<failure type="{}">{message}</failure>"#, verdict.as_str().unwrap_or_default())
        };
        self.case(&format!("{exercise}.{}", check.function), &check.name, check.seconds, &outcome);
    }

    fn case(&mut self, class: &str, test: &str, seconds: f64, outcome: &str) {
        self.tests += 1;
        self.seconds += seconds;
        let (class, test) = (escape(class), escape(test));
        let _ = write!(self.cases, r#"    <testcase classname="{class}" name="{test}" time="{seconds:.3}""#);
        self.cases += &match outcome {
            "" => "/>\n".to_owned(),
            outcome => format!(">\n      {outcome}\n    </testcase>\n"),
        };
    }
}

impl Display for Suite {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Suite { name, cases, tests, failures, errors, skipped, seconds } = self;
        let name = escape(name);
        writeln!(
            f,
            r#"  <testsuite name="{name}" tests="{tests}" failures="{failures}" errors="{errors}" skipped="{skipped}" time="{seconds:.3}">"#
        )?;
        writeln!(f, "{cases}  </testsuite>")
    }
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
