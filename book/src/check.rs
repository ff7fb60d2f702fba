//! The book's rules: what has to be so in its sources, whatever they say. `tests/pages.rs` holds the book to them.

use std::collections::{BTreeMap, BTreeSet};

use crate::html::{self, Piece};
use crate::ledger;
use crate::page::{self, Heading, Kind, Line};
use crate::question;
use crate::render::{self, is_chinese, is_wide_mark};
use crate::sources::{LANGUAGES, Language, Problem, Sources, directory};
use crate::{site, stamp};

/// A command that the book may tell the reader to run, and the test that runs it. `N` is a lesson's number, `PATH` any path,
/// `FUNCTION` a name.
pub const COMMANDS: &[(&str, &str)] = &[
    ("cargo run", "program::with_no_argument_it_lists_the_lessons_and_what_to_do_next"),
    ("cargo run -- run N", "program::each_demonstration_runs_plain_when_it_is_not_a_terminal"),
    (
        "cargo run -- run N --file PATH",
        "program::each_demonstration_runs_on_a_copy_of_any_file_and_leaves_nothing_behind",
    ),
    ("cargo run -- run N --file PATH --in-place", "program::in_place_every_byte_and_the_times_are_put_back"),
    ("cargo run -- run 4 writer PATH", "program::writer_and_reader_talk_whichever_is_started_first"),
    ("cargo run -- run 4 reader PATH", "program::writer_and_reader_talk_whichever_is_started_first"),
    ("cargo run -- check", "course::a_solved_exercise_is_known_and_never_only_believed"),
    ("cargo run -- check N", "course::what_is_still_to_do_is_said_for_a_reader_and_for_programs"),
    ("cargo run -- hint N", "course::the_hints_come_one_after_the_other"),
    ("cargo run -- hint N FUNCTION", "course::the_hints_come_one_after_the_other"),
    ("cargo run -- solution N", "course::a_solved_exercise_is_known_and_never_only_believed"),
    ("cargo run -- solution N --force", "course::a_solved_exercise_is_known_and_never_only_believed"),
    ("cargo run -- reset N", "course::reset_brings_the_stub_back_and_keeps_the_learners_text"),
    ("cargo run -- watch", "course::watch_grades_what_is_saved_in_plain_lines_where_there_is_no_terminal"),
    ("cargo run -- watch N", "course::watch_grades_what_is_saved_in_plain_lines_where_there_is_no_terminal"),
    ("cargo run -- predict N", "play::predictions_are_asked_for_and_answered"),
    ("cargo run -- predict --seed 7 --level 2", "play::predictions_are_asked_for_and_answered"),
    ("cargo run -- play --help", "play::the_tour_can_be_played_and_is_in_the_help"),
    ("cargo run -- play PATH", "play::a_scenario_is_played_side_by_side"),
    ("cargo run -- play PATH --trace", "play::a_trace_draws_whose_copy_a_page_is"),
    ("cargo run --release -- torture --ops 10000000", "play::torture_says_what_it_has_done"),
    ("cargo test --workspace", "tidy::ci_runs_the_test_command_of_the_readme"),
    ("cargo test --test lesson_N", "tidy::ci_runs_the_test_command_of_the_readme"),
    ("cargo run -p book", "serves::the_book_is_served_and_built_again_when_a_source_changes"),
    ("cargo run -p book -- --open", "serves::the_browser_is_opened_at_the_address"),
    ("cargo run -p book -- build", "serves::the_site_is_written_to_a_directory"),
    ("cargo run -p book -- build --to PATH", "serves::the_site_is_written_to_a_directory"),
];

/// The ids that the headings of a lesson's chapter have, whatever others there are.
const CHAPTER: [&str; 8] = ["top", "predict", "kernel", "wrong", "differs", "exercise", "answer", "questions"];

/// The classes of a figure.
const CLASSES: [&str; 18] = [
    "process", "cache", "disk", "page", "private", "shared", "hole", "gone", "frame", "arrow", "copy", "map", "fault",
    "label", "small", "strong", "code", "note",
];

/// The elements of a figure.
const ELEMENTS: [&str; 13] =
    ["svg", "title", "desc", "g", "rect", "path", "line", "polyline", "polygon", "circle", "ellipse", "text", "tspan"];

/// What is wrong in the book's sources, by all of the rules.
pub fn check(sources: &Sources) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut book = Book::default();
    for language in LANGUAGES {
        for name in sources.pages(language) {
            let file = sources.page(language, &name);
            match sources.read(&file) {
                Ok(text) => {
                    render::page(sources, language, &name, &text, &mut problems);
                    book.pages.insert((name, directory(language)), Page { file, text, language });
                }
                Err(problem) => problems.push(problem),
            }
        }
    }
    book.both_languages(&mut problems);
    book.tables_of_contents(sources, &mut problems);
    for ((name, _), page) in &book.pages {
        page.listings(sources, &mut problems);
        page.commands(sources, &mut problems);
        page.headings(name, &mut problems);
        match page.language {
            Language::English => page.length(&mut problems),
            Language::Chinese => page.typesetting(&mut problems),
        }
    }
    book.sections_of_checks(sources, &mut problems);
    book.questions(sources, &mut problems);
    book.figures(sources, &mut problems);
    book.programs(sources, &mut problems);
    problems.extend(ledger::problems(sources));
    problems.sort();
    problems.dedup();
    problems
}

/// What is wrong in the site: markup that Markdown has taken for text; an English word of mdBook's or the template's on a
/// Chinese page. (Dead links are found by whoever builds it.)
///
/// # Errors
/// When the site can't be read.
pub fn check_site(there: &std::path::Path) -> std::io::Result<Vec<Problem>> {
    let mut problems = Vec::new();
    for language in LANGUAGES {
        for (name, html) in site::written(&there.join(directory(language)))? {
            let file = format!("{}/{name}.html", directory(language));
            problems.extend(left_over(&html).into_iter().map(|(line, what)| Problem::new(&file, line, what)));
            if language == Language::Chinese {
                problems.extend(in_english(&html).into_iter().map(|(line, what)| Problem::new(&file, line, what)));
            }
        }
    }
    Ok(problems)
}

/// Markup that a reader would see.
fn left_over(html: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut in_code = 0_usize;
    for (line, piece) in html::numbered(html) {
        match piece {
            Piece::Open(tag) if matches!(tag.name, "code" | "pre") => in_code += 1,
            Piece::Close("code" | "pre") => in_code = in_code.saturating_sub(1),
            Piece::Text(text) => {
                for markup in ["{{#"].into_iter().filter(|markup| text.contains(markup)) {
                    found.push((line, format!("{markup} is left in {:?}", text.trim())));
                }
                for markup in ["**", "](", "[[", "`"].into_iter().filter(|markup| in_code == 0 && text.contains(markup))
                {
                    found.push((line, format!("{markup} is no markup in {:?}", text.trim())));
                }
            }
            _ => {}
        }
    }
    found
}

/// English words of a Chinese page's that aren't its text's.
fn in_english(html: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut in_main = false;
    for (line, piece) in html::numbered(html) {
        let mut wrong = |words: &str| found.push((line, format!("an English word that isn't the text's: {words:?}")));
        match piece {
            Piece::Open(tag) => {
                in_main |= tag.name == "main";
                let mut said: Vec<_> = ["aria-label", "title", "placeholder", "alt"]
                    .iter()
                    .filter_map(|name| tag.attribute(name))
                    .collect();
                if tag.name == "body" {
                    let data = ["copy", "copied", "code", "table", "results", "result", "none", "waits", "fails"];
                    said.extend(data.iter().filter_map(|name| tag.attribute(&format!("data-{name}"))));
                }
                said.into_iter().filter(|words| is_english(words)).for_each(&mut wrong);
            }
            Piece::Close("main") => in_main = false,
            Piece::Text(text) if !in_main && is_english(text) => wrong(text.trim()),
            Piece::Text(text) if in_main && INTERFACE.contains(&text.trim().trim_end_matches(':')) => {
                wrong(text.trim())
            }
            _ => {}
        }
    }
    found
}

/// What the English pages say around the text.
const INTERFACE: [&str; 12] = [
    "In words",
    "Often believed",
    "In fact",
    "Answer",
    "Held by",
    "prints",
    "right",
    "wrong",
    "Note",
    "Tip",
    "Warning",
    "Copy",
];

/// Whether a text of a Chinese page's interface is in English: it has words, none of which is a name, and no Chinese.
fn is_english(text: &str) -> bool {
    let words = text.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| word.len() > 1);
    let names = ["mmap", "munmap", "English"];
    !text.chars().any(is_chinese) && words.into_iter().any(|word| !names.contains(&word))
}

struct Page {
    file: String,
    text: String,
    language: Language,
}

#[derive(Default)]
struct Book {
    /// By name and language.
    pages: BTreeMap<(String, &'static str), Page>,
}

impl Page {
    fn lines(&self) -> Vec<Line<'_>> {
        page::lines(&self.text)
    }

    fn all_headings(&self) -> Vec<Heading<'_>> {
        self.lines().iter().filter_map(page::heading).collect()
    }

    fn wrong(&self, line: usize, what: impl Into<String>) -> Problem {
        Problem::new(&self.file, line, what)
    }

    /// What both languages have in common, in its order: headings, listings, figures, transcripts, questions; and, in no order,
    /// the tests of each section.
    fn shape(&self) -> Vec<(usize, String)> {
        let mut shape = Vec::new();
        let mut tests: Vec<String> = Vec::new();
        let finish = |shape: &mut Vec<(usize, String)>, tests: &mut Vec<String>, line| {
            tests.sort();
            if !tests.is_empty() {
                shape.push((line, format!("the section's tests: {}", tests.join(", "))));
            }
            tests.clear();
        };
        let mut last = 0;
        for line in self.lines() {
            last = line.number;
            if let Some(heading) = page::heading(&line) {
                finish(&mut shape, &mut tests, line.number);
                let marks = "#".repeat(heading.level);
                shape.push((line.number, format!("the heading {marks} {{#{}}}", heading.id.unwrap_or_default())));
            }
            if let Kind::Fence(words) = line.kind
                && !words.is_empty()
            {
                shape.push((line.number, format!("the listing ```{words}")));
            }
            for directive in page::directives(line.text).unwrap_or_default() {
                match directive.name {
                    "held" => tests.push(directive.arguments.to_owned()),
                    name => shape.push((line.number, format!("{{{{#{name} {}}}}}", directive.arguments))),
                }
            }
        }
        finish(&mut shape, &mut tests, last);
        shape
    }

    /// No output is typed by hand, and no listing of Rust or C that is long enough to go wrong.
    fn listings(&self, _sources: &Sources, problems: &mut Vec<Problem>) {
        for line in self.lines() {
            if let Kind::Fence(words) = line.kind
                && words.split(',').any(|word| matches!(word, "console" | "output"))
            {
                problems.push(
                    self.wrong(line.number, "output that is typed by hand: {{#transcript}} or {{#output}} has it"),
                );
            }
        }
    }

    /// Each command that the reader is told to run is run by a test.
    fn commands(&self, sources: &Sources, problems: &mut Vec<Problem>) {
        for line in self.lines() {
            let commands: Vec<&str> = match line.kind {
                Kind::Code("sh") => vec![line.text],
                Kind::Text => {
                    line.text.split('`').skip(1).step_by(2).filter(|code| code.starts_with("cargo ")).collect()
                }
                _ => continue,
            };
            for command in commands {
                let command = command.split(" #").next().unwrap_or_default().trim();
                if !command.is_empty() && !is_run_by_a_test(sources, command) {
                    problems.push(self.wrong(line.number, format!("no test runs `{command}`")));
                }
            }
        }
    }

    fn headings(&self, name: &str, problems: &mut Vec<Problem>) {
        let headings = self.all_headings();
        let mut ids = BTreeSet::new();
        for heading in &headings {
            match heading.id {
                None => problems.push(self.wrong(heading.line, "the heading has no {#id}")),
                Some(id) if !ids.insert(id) => {
                    problems.push(self.wrong(heading.line, format!("{{#{id}}} is there twice")))
                }
                Some(id) if id.is_empty() || !id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') => {
                    problems.push(self.wrong(heading.line, format!("{{#{id}}} has more in it than a-z, 0-9, _ and -")));
                }
                Some(_) => {}
            }
        }
        if headings.first().is_none_or(|heading| heading.level != 1) {
            problems.push(self.wrong(1, "the page doesn't begin with a heading #"));
        }
        for pair in headings.windows(2) {
            if pair[1].level > pair[0].level + 1 || pair[1].level == 1 {
                problems.push(self.wrong(pair[1].line, "the heading is of a level that doesn't follow the one before"));
            }
        }
        if name.starts_with(|c: char| c.is_ascii_digit()) {
            let found: Vec<_> = headings.iter().filter_map(|heading| heading.id).collect();
            for id in CHAPTER.iter().filter(|id| !found.contains(id)) {
                problems.push(self.wrong(0, format!("the chapter has no section {{#{id}}}")));
            }
            let order: Vec<_> = found.iter().filter(|id| CHAPTER.contains(id)).collect();
            if order.len() == CHAPTER.len() && order.iter().zip(CHAPTER).any(|(found, id)| **found != id) {
                problems.push(self.wrong(0, format!("its sections are not in the order {}", CHAPTER.join(", "))));
            }
        }
    }

    fn length(&self, problems: &mut Vec<Problem>) {
        for line in self.lines() {
            let is_long = line.text.chars().count() > 120 && !line.text.contains("](") && !line.text.starts_with('|');
            if line.kind == Kind::Text && is_long {
                problems.push(self.wrong(line.number, "the line has more than 120 columns"));
            }
        }
    }

    fn typesetting(&self, problems: &mut Vec<Problem>) {
        for line in self.lines().into_iter().filter(|line| line.kind == Kind::Text) {
            for what in typesetting(line.text) {
                problems.push(self.wrong(line.number, what));
            }
        }
    }
}

impl Book {
    fn page(&self, name: &str, language: Language) -> Option<&Page> {
        self.pages.get(&(name.to_owned(), directory(language)))
    }

    fn both_languages(&self, problems: &mut Vec<Problem>) {
        let names: BTreeSet<_> = self.pages.keys().map(|(name, _)| name).collect();
        for name in names {
            let (Some(english), Some(chinese)) =
                (self.page(name, Language::English), self.page(name, Language::Chinese))
            else {
                let missing = LANGUAGES.into_iter().find(|language| self.page(name, *language).is_none());
                let missing = missing.map(directory).unwrap_or_default();
                problems.push(Problem::new(
                    format!("book/{missing}/{name}.md"),
                    0,
                    "the page is in the other language only",
                ));
                continue;
            };
            let hash = stamp::hash(&english.text);
            if stamp::of_page(&chinese.text) != Some(&hash) {
                let what = format!(
                    "the English page has changed since: look at what is new there, then `cargo run -p book -- stamp` writes \
                     its hash, {hash}"
                );
                problems.push(chinese.wrong(1, what));
            }
            let (ours, theirs) = (english.shape(), chinese.shape());
            let differs = ours.iter().zip(&theirs).find(|((_, ours), (_, theirs))| ours != theirs);
            if let Some(((there, ours), (line, theirs))) = differs {
                let what = format!("{theirs} stands where {}:{there} has {ours}", english.file);
                problems.push(chinese.wrong(*line, what));
            } else if let Some((line, more)) = ours.get(theirs.len()) {
                problems.push(chinese.wrong(0, format!("{more} of {}:{line} is missing", english.file)));
            } else if let Some((line, more)) = theirs.get(ours.len()) {
                problems.push(chinese.wrong(*line, format!("{more} is not in {}", english.file)));
            }
        }
    }

    /// Each page is in the table of contents, and both tables have the same pages.
    fn tables_of_contents(&self, sources: &Sources, problems: &mut Vec<Problem>) {
        let mut orders = Vec::new();
        for language in LANGUAGES {
            let file = format!("book/{}/SUMMARY.md", directory(language));
            let text = match sources.read(&file) {
                Ok(text) => text,
                Err(problem) => {
                    problems.push(problem);
                    continue;
                }
            };
            let listed = site::summary(&text);
            for (line, page) in &listed {
                let name = page.trim_end_matches(".md");
                let Some(page) = self.page(name, language) else {
                    problems.push(Problem::new(&file, *line, format!("there is no page {page}")));
                    continue;
                };
                let title = page.all_headings().first().map_or("", |heading| heading.text);
                let entry = text.lines().nth(line - 1).unwrap_or_default();
                if name.starts_with(|c: char| c.is_ascii_digit()) && !entry.contains(&format!("[{title}](")) {
                    problems.push(Problem::new(&file, *line, format!("the chapter's own title is {title:?}")));
                }
            }
            for (name, _) in self.pages.keys().filter(|(_, of)| *of == directory(language)) {
                if !listed.iter().any(|(_, page)| page.trim_end_matches(".md") == name) {
                    problems.push(Problem::new(&file, 0, format!("{name}.md is not in it")));
                }
            }
            if language == Language::Chinese {
                for (n, line) in (1..).zip(text.lines()) {
                    problems.extend(typesetting(line).into_iter().map(|what| Problem::new(&file, n, what)));
                }
            }
            orders.push(listed.into_iter().map(|(_, page)| page.to_owned()).collect::<Vec<_>>());
        }
        if orders.windows(2).any(|pair| pair[0] != pair[1]) {
            let what = "its pages are not those of book/en/SUMMARY.md in their order";
            problems.push(Problem::new("book/zh/SUMMARY.md", 0, what));
        }
    }

    /// Where a failed check of an exercise sends the learner, there is a section.
    fn sections_of_checks(&self, sources: &Sources, problems: &mut Vec<Problem>) {
        let lessons = sources.names("lessons");
        for lesson in &lessons {
            let directory = format!("lessons/{lesson}/checks");
            let files = sources.names(&directory).into_iter().map(|name| format!("{directory}/{name}"));
            let texts = files.filter_map(|file| sources.read(&file).ok().map(|text| (file, text)));
            let found = texts.flat_map(|(file, text)| {
                sections(&text).into_iter().map(move |at| (file.clone(), at)).collect::<Vec<_>>()
            });
            for (file, (line, section)) in found {
                let (of, section) = match section.split_once(':') {
                    Some((n, section)) => (lessons.iter().find(|name| name.starts_with(&format!("{n}_"))), section),
                    None => (Some(lesson), section.as_str()),
                };
                for language in LANGUAGES {
                    let page = of.and_then(|of| self.page(of, language));
                    let there = page.is_some_and(|page| page.all_headings().iter().any(|h| h.id == Some(section)));
                    if page.is_some() && !there {
                        let chapter = page.map_or("", |page| page.file.as_str());
                        let what =
                            format!("no heading has the id {{#{section}}}, where {file}:{line} sends the learner");
                        problems.push(Problem::new(chapter, 0, what));
                    }
                }
            }
        }
    }

    fn questions(&self, sources: &Sources, problems: &mut Vec<Problem>) {
        let mut ids: BTreeMap<String, String> = BTreeMap::new();
        for file in sources.names("book/questions") {
            let Some(name) = file.strip_suffix(".toml") else { continue };
            let file = question::file(name);
            let asked = LANGUAGES.iter().all(|language| {
                self.page(name, *language).is_some_and(|page| page.text.lines().any(|line| line == "{{#questions}}"))
            });
            if !asked {
                problems.push(Problem::new(&file, 0, format!("{name}.md doesn't ask them: {{{{#questions}}}}")));
            }
            let questions = match question::of_page(sources, name) {
                Ok(questions) => questions,
                Err(problem) => {
                    problems.push(problem);
                    continue;
                }
            };
            if name.starts_with(|c: char| c.is_ascii_digit()) && questions.len() < 5 {
                problems.push(Problem::new(&file, 0, format!("{} questions, not five", questions.len())));
            }
            let places: BTreeSet<_> =
                questions.iter().map(|q| q.options.iter().position(|option| option.right)).collect();
            if questions.len() > 2 && places.len() == 1 {
                problems.push(Problem::new(&file, 0, "the right option is always at the same place"));
            }
            let text = sources.read(&file).unwrap_or_default();
            for question in &questions {
                let id = &question.id;
                let line = text.lines().position(|line| line.contains(&format!("\"{id}\""))).map_or(0, |n| n + 1);
                if let Some(other) = ids.insert(id.clone(), file.clone()) {
                    problems.push(Problem::new(&file, line, format!("the id {id} is in {other}, too")));
                }
                let texts = question.options.iter().flat_map(|option| [&option.text.zh, &option.why.zh]);
                for zh in texts.chain([&question.ask.zh]) {
                    for what in zh.lines().flat_map(typesetting) {
                        problems.push(Problem::new(&file, line, format!("question {id}: {what}")));
                    }
                }
            }
        }
    }

    fn figures(&self, sources: &Sources, problems: &mut Vec<Problem>) {
        for name in sources.names("book/figures") {
            let file = format!("book/figures/{name}");
            let Some(name) = name.strip_suffix(".svg") else {
                problems.push(Problem::new(&file, 0, "it is no figure"));
                continue;
            };
            match sources.read(&file) {
                Ok(text) => {
                    problems.extend(figure(name, &text).into_iter().map(|(line, what)| Problem::new(&file, line, what)))
                }
                Err(problem) => problems.push(problem),
            }
            let directive = format!("{{{{#figure {name}}}}}");
            if !self.pages.values().any(|page| page.text.contains(&directive)) {
                problems.push(Problem::new(&file, 0, "no page shows it"));
            }
        }
    }

    fn programs(&self, sources: &Sources, problems: &mut Vec<Problem>) {
        for directory in ["book/programs", "book/programs/notes"] {
            for name in sources.names(directory).iter().filter_map(|name| name.strip_suffix(".c")) {
                let shown = self.pages.values().any(|page| {
                    page.text.contains(&format!("{name}.c")) || page.text.contains(&format!("{{{{#output {name}}}}}"))
                });
                if !shown {
                    problems.push(Problem::new(format!("{directory}/{name}.c"), 0, "no page shows it"));
                }
            }
        }
        for name in sources.names("book/scenarios").iter().filter_map(|name| name.strip_suffix(".scenario")) {
            let directive = format!("{{{{#scenario {name}}}}}");
            if !self.pages.values().any(|page| page.text.contains(&directive)) {
                problems.push(Problem::new(crate::render::scenario_file(name), 0, "no page shows it"));
            }
        }
    }
}

/// The sections that the checks of an exercise name, each with its line.
fn sections(checks: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut rest = checks;
    let mut line = 1;
    while let Some((before, after)) = rest.split_once("check(") {
        line += before.matches('\n').count();
        if let Some(section) = after.trim_start().strip_prefix('"').and_then(|text| text.split('"').next()) {
            found.push((line, section.to_owned()));
        }
        rest = after;
    }
    found
}

/// Whether a command is one of those that tests run, or runs one test that is there.
fn is_run_by_a_test(sources: &Sources, command: &str) -> bool {
    let words: Vec<_> = command.split_whitespace().collect();
    let of_pattern = |pattern: &str| {
        let pattern: Vec<_> = pattern.split(' ').collect();
        let is = |word: &str, pattern: &str| match pattern {
            "N" => word.len() == 1 && ("1"..="6").contains(&word) || word == "N",
            "PATH" | "FUNCTION" => !word.starts_with('-'),
            "lesson_N" => word.strip_prefix("lesson_").is_some_and(|n| ("1"..="6").contains(&n) || n == "N"),
            pattern => word == pattern,
        };
        words.len() == pattern.len() && words.iter().zip(pattern).all(|(word, pattern)| is(word, pattern))
    };
    if COMMANDS.iter().any(|(pattern, _)| of_pattern(pattern)) {
        return true;
    }
    match words.as_slice() {
        ["cargo", "test", "--test", file, name] | ["cargo", "test", "-p", "book", "--test", file, name] => {
            render::test_of(sources, &format!("{file}::{name}")).is_ok_and(|found| found == command)
        }
        ["cargo", "test", "--test", file] => sources.read(&format!("tests/{file}.rs")).is_ok(),
        ["cargo", "test", "-p", "book", "--test", file] => sources.read(&format!("book/tests/{file}.rs")).is_ok(),
        _ => false,
    }
}

/// What is wrong with a figure: the line, and what.
pub fn figure(name: &str, text: &str) -> Vec<(usize, String)> {
    let mut wrong = Vec::new();
    for language in LANGUAGES {
        if let Err(found) = render::Figure::of(text, language) {
            wrong.push(found);
        }
    }
    let document = match roxmltree::Document::parse(text) {
        Ok(document) => document,
        Err(error) => return vec![(error.pos().row as usize, format!("it is no XML: {error}"))],
    };
    for node in document.descendants().filter(roxmltree::Node::is_element) {
        let line = document.text_pos_at(node.range().start).row as usize;
        let mut bad = |what: String| wrong.push((line, what));
        let element = node.tag_name().name();
        if !ELEMENTS.contains(&element) {
            bad(format!("a figure has no <{element}>"));
        }
        for attribute in node.attributes() {
            let (key, value) = (attribute.name(), attribute.value());
            match key {
                "class" => {
                    for class in value.split_whitespace().filter(|class| !CLASSES.contains(class)) {
                        bad(format!("there is no class {class}"));
                    }
                }
                "id" if !value.starts_with(name) => bad(format!("the id {value} doesn't begin with {name}")),
                "style" | "fill" | "stroke" | "stroke-width" | "stroke-dasharray" | "font-size" | "font-family"
                | "color" => {
                    bad(format!("{key} is the theme's to say, by the class"));
                }
                "marker-end" | "marker-start" if value != "url(#tip)" => bad(format!("{key} is not url(#tip)")),
                "viewBox" if !value.starts_with("0 0 340 ") => bad("its viewBox is not 0 0 340 and its height".into()),
                _ => {}
            }
        }
        if element == "svg" && (node.attribute("viewBox").is_none() || node.attribute("role") != Some("img")) {
            bad("the <svg> wants a viewBox and role=\"img\"".into());
        }
        if let Some(text) = node.text().filter(|_| matches!(element, "text" | "tspan" | "title" | "desc")) {
            let outside = text.split("[[").map(|part| part.split_once("]]").map_or(part, |(_, after)| after));
            let is_code = node.ancestors().any(|node| {
                node.attribute("class").is_some_and(|classes| classes.split_whitespace().any(|class| class == "code"))
            });
            let first = !text.trim_start().starts_with("[[");
            let words = outside.enumerate().filter(|(n, _)| *n > 0 || first);
            if !is_code && words.into_iter().any(|(_, part)| part.split_whitespace().any(is_a_word)) {
                bad(format!("words in one language only: {:?}", text.trim()));
            }
            for inside in text.split("[[").skip(1).filter_map(|part| part.split("]]").next()) {
                if let Some((_, chinese)) = inside.split_once('|') {
                    typesetting(chinese).into_iter().for_each(&mut bad);
                }
            }
        }
    }
    wrong
}

/// Whether it is a word of a language, and not a number, a name in capitals, or a call.
fn is_a_word(word: &str) -> bool {
    word.chars().any(is_chinese) || word.len() > 2 && word.bytes().all(|byte| byte.is_ascii_lowercase())
}

/// What is wrong with a line of Chinese by the rules of its typesetting.
pub fn typesetting(line: &str) -> Vec<String> {
    let text: Vec<char> = plain(line).chars().collect();
    let mut wrong = Vec::new();
    let near = |n: usize| text[n.saturating_sub(6)..(n + 7).min(text.len())].iter().collect::<String>();
    let is_word = |c: char| is_chinese(c) && !is_wide_mark(c);
    for (n, &c) in text.iter().enumerate() {
        let before = n.checked_sub(1).map(|n| text[n]);
        let after = text.get(n + 1).copied();
        let chinese = |c: Option<char>| c.is_some_and(is_chinese);
        let word = |c: Option<char>| c.is_some_and(is_word);
        let latin = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || c == CODE);
        match c {
            ',' | ';' | ':' | '?' | '!'
                if word(before) || (before == Some(CODE) || before == Some(')')) && chinese(after) =>
            {
                wrong.push(format!("a half-width {c} in Chinese: {:?}", near(n)));
            }
            '.' if word(before) && !latin(after) => wrong.push(format!("a half-width . in Chinese: {:?}", near(n))),
            '(' if word(before) || word(after) => wrong.push(format!("a half-width ( in Chinese: {:?}", near(n))),
            '"' | '\'' if word(before) || word(after) => {
                wrong.push(format!("straight quotes in Chinese: {:?}", near(n)))
            }
            ' ' if is_space_around_a_mark(before, after) => {
                wrong.push(format!("a space beside a full-width mark: {:?}", near(n)));
            }
            ' ' if word(before) && word(after) => wrong.push(format!("a space within Chinese: {:?}", near(n))),
            _ if is_word(c) && latin(after) || latin(Some(c)) && word(after) => {
                wrong.push(format!("no space between Chinese and Latin: {:?}", near(n)));
            }
            _ => {}
        }
    }
    wrong
}

/// Quotation marks and the dash belong to both ways of writing: beside them a space may be right.
fn is_space_around_a_mark(before: Option<char>, after: Option<char>) -> bool {
    let mark = |c: char| is_wide_mark(c) && !matches!(c, '“' | '”' | '‘' | '’' | '…');
    before.is_some_and(mark) && after.is_some_and(|c| c != '|') || after.is_some_and(mark)
}

/// Stands for code in a line.
const CODE: char = '\u{fffc}';

/// Stands for the edge of a link or of what is stressed: a space beside it is a matter of taste.
const EDGE: char = '\u{fffb}';

/// A line without its markup: code is a letter of its own, links are their words, directives and HTML are not there.
fn plain(line: &str) -> String {
    let mut text = line.trim().trim_start_matches(['#', '>', '-', '*', ' ', '|']).to_owned();
    if text.starts_with("<!--") {
        return String::new();
    }
    while let Some((before, rest)) = text.split_once("{{#") {
        text = format!("{before}{}", rest.split_once("}}").map_or("", |(_, after)| after));
    }
    if let Some((before, _)) = text.split_once("{#") {
        text = before.trim_end().to_owned();
    }
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some(c) = rest.chars().next() {
        let ticks = rest.bytes().take_while(|byte| *byte == b'`').count();
        if ticks > 0 {
            let fence = &rest[..ticks];
            out.push(CODE);
            rest = rest[ticks..].split_once(fence).map_or("", |(_, after)| after);
            continue;
        }
        if let Some((_, after)) = rest.strip_prefix("](").and_then(|after| after.split_once(')')) {
            out.push(EDGE);
            rest = after;
            continue;
        }
        if rest.starts_with('<') && rest[1..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '/') {
            rest = rest.split_once('>').map_or("", |(_, after)| after);
            continue;
        }
        out.push(if matches!(c, '*' | '[' | ']') { EDGE } else { c });
        rest = &rest[c.len_utf8()..];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_typesetting_has_its_rules() {
        let good = [
            "写入映射后，`pread(2)` 会读到什么？",
            "## 2. mmap 与 munmap {#top}",
            "见 [第 3 章](3_shared_vs_private.md#observe)：**私有映射**不会写回。{{#held lesson_3::x}}",
            "“页缓存”里有 4 页；SIGBUS（总线错误）",
            "| `mmap(2)` | 建立映射 |",
            "映射长度为 `len` 时：第 `n` 个字节。",
            "他说“no”，没有别的……",
            "<!-- en: 0 -->",
        ];
        for line in good {
            assert_eq!(typesetting(line), Vec::<String>::new(), "{line}");
        }
        let bad = [
            "写入映射后,读到什么",
            "读到什么?",
            "映射mmap",
            "`mmap`映射",
            "第3章",
            "映射 （共享）",
            "映射， 共享",
            "总线错误(SIGBUS)",
            "一句.",
            "\"页缓存\"",
            "页缓存 与磁盘",
        ];
        for line in bad {
            assert!(!typesetting(line).is_empty(), "{line}");
        }
    }

    #[test]
    fn what_a_reader_should_not_see_is_found() {
        assert_eq!(left_over("<main><p>a <code>**p</code> b</p><p>**“x”**y</p></main>").len(), 1);
        assert_eq!(left_over("<p>{{#held x}}</p>").len(), 1);
        let page = |inside: &str| {
            format!("<body data-copy=\"复制\"><nav>{inside}</nav><main><p>Some English</p></main></body>")
        };
        assert_eq!(in_english(&page("目录 <a lang=\"en\">English</a> mmap")), []);
        assert_eq!(in_english(&page("Contents")).len(), 1);
        assert_eq!(in_english(&page("<button aria-label=\"Search\">")).len(), 1);
        assert_eq!(in_english("<main><summary>Answer</summary></main>").len(), 1);
    }

    #[test]
    fn the_sections_of_checks_are_found() {
        let text = "check(\"window\", rule, || {\n\ncheck(\n    \"3:observe\",\nfn check(x";
        assert_eq!(sections(text), [(1, "window".into()), (3, "3:observe".into())]);
    }

    #[test]
    fn a_figure_has_rules() {
        let good = "<svg viewBox=\"0 0 340 9\" role=\"img\"><title>[[A|甲]]</title><desc>[[B|乙]]</desc>\n\
                    <text class=\"label\" x=\"1\">[[page|页]] 0</text><text class=\"code\">write me</text></svg>";
        assert_eq!(figure("f", good), []);
        let bad = [
            ("viewBox=\"0 0 340 9\"", "viewBox=\"0 0 500 9\"", "viewBox"),
            ("class=\"label\"", "class=\"label big\"", "no class big"),
            ("x=\"1\"", "fill=\"red\"", "fill is the theme's"),
            ("x=\"1\"", "id=\"other\"", "doesn't begin"),
            ("[[page|页]] 0", "page zero", "one language only"),
            ("[[page|页]] 0", "[[page]]", "no | between"),
            ("[[page|页]] 0", "[[page|第0页]]", "no space"),
            ("<desc>[[B|乙]]</desc>", "", "no <desc>"),
            ("</text></svg>", "</svg>", "no XML"),
            ("<text class=\"code\">", "<text class=\"code\"><image/>", "no <image>"),
        ];
        for (from, to, words) in bad {
            let found = figure("f", &good.replace(from, to));
            assert!(found.iter().any(|(_, what)| what.contains(words)), "{to}: {found:?}");
        }
    }

    #[test]
    fn commands_are_known_by_their_pattern() {
        let sources = Sources::of_program();
        let known =
            ["cargo run", "cargo run -- run 3", "cargo run -- run 2 --file notes.txt", "cargo test --test lesson_6"];
        for command in known {
            assert!(is_run_by_a_test(&sources, command), "{command}");
        }
        for command in
            ["cargo run -- run 7", "cargo run -- runs", "cargo bench", "ls", "cargo test --test lesson_2 no_such_test"]
        {
            assert!(!is_run_by_a_test(&sources, command), "{command}");
        }
    }
}
