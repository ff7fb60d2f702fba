//! What an exercise's contracts, hints, feedback and questions name is taught by then: in the lesson's chapter or an earlier
//! one. tests/predict.rs holds the same of predictions.

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use common::{Findings, chapter, exercise_of, names_in, transcript};
use mmap_workbook::course::{LESSONS, Lesson, tokens};
use mmap_workbook::misconception::Misconception;
use mmap_workbook::text::Language;
use ra_ap_rustc_lexer::{LiteralKind, TokenKind};

/// Names that no chapter up to this lesson's has, and why none has to.
const NEED_NO_TEACHING: &[(u8, &str)] = &[
    // Calls that a contract allows or forbids beside those that the chapter teaches.
    (1, "renameat2(2) syncfs(2) unlink(2) writev(2)"),
    (2, "process_vm_readv(2) readv(2) sendfile(2) splice(2)"),
    // Errors and limits whose meaning stands beside them.
    (1, "EINVAL EISDIR ELOOP ENOTDIR"),
    (3, "setrlimit(2)"),
    (6, "ENXIO"),
    // What a rule or a contract explains itself.
    (1, "SAFETY"),
    (3, "IOV_MAX MADV_FREE MADV_REMOVE SIGALRM SIGCHLD SIGSTOP SO_RCVTIMEO WUNTRACED"),
    (3, "alarm(2) pipe(2) poll(2) pwritev(2) setitimer(2)"),
    (4, "F_SETLKW RENAME_NOREPLACE getpid(2) gettid(2) kill(2)"),
    (5, "getrlimit(2)"),
    // A section of a man page.
    (6, "BUGS"),
    // What a question's code says in plain C, and errors that its wrong options have.
    (1, "FALLOC_FL_INSERT_RANGE"),
    (4, "ESRCH O_RDWR"),
    (6, "SIG_IGN"),
    // A file that is sealed, where no more is said than that it can't be written to.
];

fn of_the_book(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("book");
    fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Chinese or not: each text of the course is in either language.
fn language_of(text: &str) -> Language {
    if text.contains(|c| ('\u{4e00}'..'\u{9fff}').contains(&c)) { Language::Chinese } else { Language::English }
}

/// The strings in a source, or its comments.
fn parts(source: &str, comments: bool) -> Vec<&str> {
    let parts = tokens(source).filter_map(|(kind, text)| {
        let is_part = match kind {
            TokenKind::Literal { kind: LiteralKind::Str { .. } | LiteralKind::RawStr { .. }, .. } => !comments,
            TokenKind::LineComment { .. } => comments,
            _ => false,
        };
        is_part.then_some(text)
    });
    parts.collect()
}

/// Those in one language, a line each.
fn lines_in<'a>(language: Language, texts: impl IntoIterator<Item = &'a str>) -> String {
    texts.into_iter().filter(|text| language_of(text) == language).flat_map(|text| [text, "\n"]).collect()
}

/// The texts of checks: their rules, and what else their failures say.
fn rules_and_failures(sources: &str) -> (Vec<&str>, Vec<&str>) {
    let (mut rules, mut failures) = (Vec::new(), Vec::new());
    let mut texts = sources.split("text!(");
    let mut before = texts.next().unwrap_or_default();
    for text in texts {
        let statement = before.rsplit([';', '}']).next().unwrap_or_default().trim_end();
        let names_it = ["law =", "rule =", "-> Text {"].iter().any(|end| statement.ends_with(end));
        let is_argument = ["check(\"", ".breaks(\""].iter().any(|call| {
            statement.rsplit_once(call).is_some_and(|(_, section)| section.ends_with("\",") && !section.contains('('))
        });
        let two = parts(text, false).into_iter().take(2);
        if names_it || is_argument {
            rules.extend(two)
        } else {
            failures.extend(two)
        }
        before = text;
    }
    (rules, failures)
}

/// What a lesson tells a learner besides its chapter, each text with what it is.
fn texts(lesson: &Lesson, language: Language) -> Vec<(&'static str, String)> {
    let (exercise, code) = (exercise_of(lesson.number), language.code());
    let checks = exercise.checks().expect("checks");
    let sources: String = checks.functions.into_iter().map(|(_, source)| source).chain([checks.shared]).collect();
    let beliefs = Misconception::all().filter(|belief| {
        let name = belief.slug.to_uppercase().replace('-', "_");
        sources.contains(&format!("::{name}"))
    });
    let beliefs = beliefs.flat_map(|belief| [&belief.belief, &belief.against]);
    let hints = fs::read_to_string(exercise.directory().join(format!("hints.{code}.md"))).expect("hints");
    let questions = of_the_book(&format!("questions/{}.toml", lesson.directory()));
    // What the reader sees of them.
    let questions = questions
        .lines()
        .filter(|line| !["id", "held", "misconception", "gives"].iter().any(|key| line.starts_with(key)));
    let (rules, failures) = rules_and_failures(&sources);
    vec![
        ("contracts", parts(&exercise.stub(language).expect("a stub"), true).join("\n")),
        ("rules", without_values(&lines_in(language, rules))),
        ("failures", without_values(&lines_in(language, failures))),
        ("beliefs", beliefs.map(|text| text.in_language(language).to_string() + "\n").collect()),
        ("hints", hints),
        ("questions", lines_in(language, questions)),
    ]
}

/// The glossary's terms in this language: `hole, sparse file` are two, `bus error (SIGBUS)` is one.
fn terms(language: Language) -> Vec<String> {
    let glossary = of_the_book(&format!("{}/glossary.md", language.code()));
    let headings = glossary.lines().filter_map(|line| line.strip_prefix("## "));
    let terms = headings.flat_map(|heading| {
        let own = heading.split(['·', '{']).next().unwrap_or_default();
        own.split([',', '、', '与'])
            .map(|term| term.split(['(', '（']).next().unwrap_or_default().trim().to_lowercase())
    });
    terms.filter(|term| !term.is_empty()).collect()
}

/// Without the values that are put into it: `{WHERE}`.
fn without_values(text: &str) -> String {
    text.split('{')
        .enumerate()
        .map(|(n, part)| part.split_once('}').filter(|_| n > 0).map_or(part, |(_, rest)| rest))
        .collect()
}

/// Whether a text has this term: as words of its own in English, the last in the singular or the plural.
fn has_term(text: &str, term: &str) -> bool {
    let is_end = |c: Option<char>| !c.is_some_and(|c| c.is_ascii_alphanumeric());
    text.match_indices(term).any(|(at, _)| {
        let after = &text[at + term.len()..];
        !term.is_ascii()
            || is_end(text[..at].chars().next_back())
                && (is_end(after.chars().next()) || after.starts_with('s') && is_end(after.chars().nth(1)))
    })
}

#[test]
fn what_a_learner_is_told_was_taught_by_then() {
    let mut wrong = Findings::default();
    let excuses: Vec<_> =
        NEED_NO_TEACHING.iter().flat_map(|(from, names)| names.split(' ').map(|name| (*from, name))).collect();
    let mut used = BTreeSet::new();
    for language in Language::ALL {
        let (terms, mut so_far) = (terms(language), String::new());
        assert!(terms.len() > 30, "{terms:?}");
        for lesson in LESSONS.iter().filter(|lesson| !lesson.draft) {
            so_far += &chapter(lesson.number, language);
            so_far += &transcript(lesson.number, language);
            let taught = so_far.to_lowercase();
            for (what, text) in texts(lesson, language) {
                assert!(!text.is_empty(), "lesson {} has {what}", lesson.number);
                let names = names_in(&text).filter(|name| what != "failures" && !so_far.contains(*name));
                let said = text.to_lowercase();
                let terms = terms.iter().filter(|term| has_term(&said, term) && !has_term(&taught, term));
                let unknown: BTreeSet<_> = names.chain(terms.map(String::as_str)).collect();
                for name in unknown {
                    let excuse = excuses.iter().find(|(from, excuse)| *from <= lesson.number && *excuse == name);
                    if let Some(excuse) = excuse {
                        used.insert(*excuse);
                        continue;
                    }
                    let place = format!("lesson {}, {what} ({})", lesson.number, language.code());
                    wrong.add(
                        place,
                        format!("{name:?} is in no chapter up to this one"),
                        "teach it there, or do without",
                    );
                }
            }
        }
    }
    for (lesson, name) in excuses.into_iter().filter(|excuse| !used.contains(excuse)) {
        wrong.add(format!("NEED_NO_TEACHING, lesson {lesson}"), format!("{name:?} needs no excuse"), "leave it out");
    }
    wrong.report();
}
