//! What the directives of a page become.

use mmap_workbook::grade::misconception::Misconception;
use mmap_workbook::model::Rule;
use mmap_workbook::predict::denial::DENIALS;
use mmap_workbook::scenario::Scenario;

use crate::page::{self, Directive, Kind, Line};
use crate::question;
use crate::sources::{Language, Problem, Sources, either};

/// A page with its directives replaced. What is wrong goes to `problems`, and the directive stays as it is.
///
/// `{{#include ...}}` is mdBook's, but for what it leaves undone: a listing begins at the left margin, and one that isn't there
/// is an error.
pub fn page(sources: &Sources, language: Language, name: &str, text: &str, problems: &mut Vec<Problem>) -> String {
    let mut renderer = Renderer { sources, language, name, marks: 0 };
    let file = sources.page(language, name);
    let mut out = String::with_capacity(text.len() * 2);
    let lines = page::lines(text);
    let mut in_listing = false;
    for (n, line) in lines.iter().enumerate() {
        if let Some(listed) = listed(sources, &file, &lines[n..]) {
            out += &format!("<div class=\"printed\">\n<p class=\"source\"><code>{listed}</code></p>\n\n");
            in_listing = true;
        }
        match renderer.line(line) {
            Ok(line) => out.push_str(&line),
            Err(found) => {
                problems.extend(found.into_iter().map(|problem| match problem {
                    Wrong::Here(text) => Problem::new(&file, line.number, text),
                    Wrong::There(problem) => problem,
                }));
                out.push_str(line.text);
            }
        }
        if !lines.get(n + 1).is_some_and(|next| language == Language::Chinese && goes_on(line, next)) {
            out.push('\n');
        }
        if in_listing && line.kind == Kind::Fence("") {
            out.push_str("\n</div>\n");
            in_listing = false;
        }
    }
    out
}

/// The file that a listing shows, where one begins at the first of these lines: a fence, an include, a fence.
fn listed(sources: &Sources, page: &str, lines: &[Line<'_>]) -> Option<String> {
    let [open, include, close, ..] = lines else { return None };
    let Kind::Fence(words) = open.kind else { return None };
    if words.is_empty() || !open.text.starts_with('`') || close.kind != Kind::Fence("") {
        return None;
    }
    let directives = page::directives(include.text).ok()?;
    let directive = directives.first().filter(|directive| directive.name == "include")?;
    let (path, _) = directive.arguments.split_once(':').unwrap_or((directive.arguments, ""));
    let file = from_page(page, path).ok()?;
    sources.root().join(&file).is_file().then_some(file)
}

/// A path in a page, as one from the checkout's root.
fn from_page(page: &str, path: &str) -> Result<String, String> {
    let mut file: Vec<&str> = page.split('/').collect();
    file.pop();
    for part in path.split('/') {
        match part {
            ".." => {
                file.pop().ok_or_else(|| format!("{path} leads out of the checkout"))?;
            }
            "." => {}
            part => file.push(part),
        }
    }
    Ok(file.join("/"))
}

/// A text that ends in a mark, and the last characters before it that are no markup: two Chinese ones, or as many as a word has.
fn end_of_word(text: &str) -> (&str, &str) {
    let markup = |c: char| c.is_whitespace() || "`*_[]()<>{}\\|".contains(c);
    let mut start = text.len();
    for (n, (at, c)) in text.char_indices().rev().enumerate() {
        if markup(c) || n >= 16 || n >= 2 && is_chinese(c) {
            break;
        }
        start = at;
    }
    text.split_at(start)
}

/// Whether a line of Chinese goes on in the next one without a space, which the end of a line would otherwise become.
fn goes_on(line: &Line<'_>, next: &Line<'_>) -> bool {
    let mut end = line.text.trim_end();
    while let Some(start) = end.rfind("{{#held").filter(|_| end.ends_with("}}")) {
        end = &end[..start];
    }
    let start = next.text.trim_start();
    if line.kind != Kind::Text || next.kind != Kind::Text || end.starts_with(['#', '|', '<']) {
        return false;
    }
    let (Some(last), Some(first)) = (end.chars().next_back(), start.chars().next()) else { return false };
    let begins_a_block = start.starts_with("* ")
        || start.split_once(['.', ')']).is_some_and(|(n, _)| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    let inline = first.is_ascii_alphanumeric() || start.starts_with(['`', '[', '*', '{']);
    (is_chinese(last) && is_chinese(first)) || (is_wide_mark(last) && inline && !begins_a_block)
}

/// Whether a character is Chinese: a word's, or a mark of Chinese punctuation.
pub fn is_chinese(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}') || is_wide_mark(c)
}

/// Whether a character is a mark of Chinese punctuation.
pub fn is_wide_mark(c: char) -> bool {
    matches!(c, '\u{3001}'..='\u{303f}' | '\u{ff01}'..='\u{ff0f}' | '\u{ff1a}'..='\u{ff20}' | '“' | '”' | '‘' | '’' | '…')
}

/// Something wrong in a line, or in a file that it refers to.
enum Wrong {
    Here(String),
    There(Problem),
}

impl From<String> for Wrong {
    fn from(text: String) -> Wrong {
        Wrong::Here(text)
    }
}

struct Renderer<'a> {
    sources: &'a Sources,
    language: Language,
    name: &'a str,
    /// How many marks of tests there were so far.
    marks: usize,
}

impl Renderer<'_> {
    fn line(&mut self, line: &Line<'_>) -> Result<String, Vec<Wrong>> {
        let directives = page::directives(line.text).map_err(|text| vec![Wrong::Here(text)])?;
        let mut out = String::new();
        let mut end = 0;
        let mut wrong = Vec::new();
        for directive in &directives {
            match self.directive(line, directive) {
                Ok(html) => {
                    let before = &line.text[end..directive.place.start];
                    if directive.name == "held" && !before.trim_end().is_empty() {
                        // A mark stays with the end of the word before it.
                        let (before, end_of_word) = end_of_word(before.trim_end());
                        out += &format!("{before}<span class=\"kept\">{end_of_word}{html}</span>");
                        end = directive.place.end;
                        continue;
                    }
                    out.push_str(before);
                    out.push_str(&html);
                    end = directive.place.end;
                }
                Err(found) => wrong.extend(found),
            }
        }
        out.push_str(&line.text[end..]);
        if wrong.is_empty() { Ok(out) } else { Err(wrong) }
    }

    fn directive(&mut self, line: &Line<'_>, directive: &Directive<'_>) -> Result<String, Vec<Wrong>> {
        let one = |text: String| vec![Wrong::Here(text)];
        let Directive { name, arguments, .. } = directive;
        if *name == "include" {
            return listing(self.sources, &self.sources.page(self.language, self.name), arguments).map_err(one);
        }
        if line.kind != Kind::Text {
            return Err(one(format!("{{{{#{name}}}}} is inside a block of code")));
        }
        if *name != "held" && !directive.is_alone(line.text) {
            return Err(one(format!("{{{{#{name}}}}} is not on a line of its own")));
        }
        match *name {
            "figure" => self.figure(arguments),
            "transcript" => self.transcript(arguments).map_err(one),
            "output" => self.output(arguments).map_err(one),
            "held" => self.held(arguments).map_err(one),
            "belief" => self.belief(arguments).map_err(one),
            "scenario" => self.scenario(arguments).map_err(one),
            "rules" if arguments.is_empty() => Ok(self.rules()),
            "assertions" => crate::ledger::table(self.sources, self.language, arguments).map_err(one),
            "beliefs" if arguments.is_empty() => self.beliefs().map_err(one),
            "questions" if arguments.is_empty() => self.questions(),
            _ => Err(one(format!("there is no directive {}", &line.text[directive.place.clone()]))),
        }
    }

    fn figure(&self, name: &str) -> Result<String, Vec<Wrong>> {
        let file = format!("book/figures/{name}.svg");
        let there = |problem| vec![Wrong::There(problem)];
        let text = self.sources.read(&file).map_err(|_| vec![Wrong::Here(format!("there is no figure {file}"))])?;
        let figure = Figure::of(&text, self.language).map_err(|(line, what)| there(Problem::new(&file, line, what)))?;
        let Figure { drawing, title, description } = figure;
        let drawing = drawing.replace("url(#tip)", &format!("url(#{name}-tip)"));
        let Some((tag, inside)) = drawing.split_once('>') else {
            return Err(there(Problem::new(&file, 1, "there is no <svg>")));
        };
        let words = either(self.language, "In words", "文字说明");
        Ok(format!(
            "<figure class=\"drawing\" id=\"figure-{name}\">\n\
             {tag} aria-labelledby=\"{name}-title\" aria-describedby=\"{name}-words\">\n\
             <defs><marker id=\"{name}-tip\" class=\"tip\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"8\" \
             markerHeight=\"8\" markerUnits=\"userSpaceOnUse\" orient=\"auto-start-reverse\">\
             <path d=\"M0 0 8 4 0 8z\"/></marker></defs>{inside}\n\
             <figcaption><p id=\"{name}-title\">{title}</p>\n\
             <details><summary>{words}</summary><p id=\"{name}-words\">{description}</p></details></figcaption>\n\
             </figure>\n"
        ))
    }

    fn transcript(&self, arguments: &str) -> Result<String, String> {
        let (n, title) = arguments.split_once(' ').ok_or("{{#transcript N Title}} wants a lesson and a title")?;
        let names = self.sources.names("tests/snapshots");
        let prefix = format!("lesson_{n}__");
        let name = names.iter().find(|name| name.starts_with(&prefix) && name.ends_with(".snap"));
        let name = name.ok_or_else(|| format!("lesson {n} has no transcript in tests/snapshots"))?;
        let text = self.sources.read(&format!("tests/snapshots/{name}")).map_err(|problem| problem.to_string())?;
        let section = section(snapshot(&text), title.trim())?;
        Ok(printed(&format!("<code>cargo run -- run {n}</code>"), &section))
    }

    fn output(&self, name: &str) -> Result<String, String> {
        let file = format!("book/tests/snapshots/programs__{name}.snap");
        let text = self.sources.read(&file).map_err(|_| format!("there is no output {file}"))?;
        let program = name;
        let says = either(self.language, "prints", "的输出");
        Ok(printed(&format!("<code>{program}.c</code> {says}"), snapshot(&text).trim_end()))
    }

    fn held(&mut self, test: &str) -> Result<String, String> {
        let command = test_of(self.sources, test)?;
        self.marks += 1;
        let id = format!("held-{}-{}", self.name, self.marks);
        let (label, held) = either(self.language, ("Held by a test", "Held by "), ("有测试保证", "由测试保证："));
        Ok(format!(
            "<button type=\"button\" class=\"held\" popovertarget=\"{id}\" aria-label=\"{label}\">✓</button>\
             <span class=\"held-by\" popover id=\"{id}\">{held}`{command}`</span>"
        ))
    }

    /// A scenario, what each line gives and why. That the kernel gives the same is held by a test.
    fn scenario(&self, name: &str) -> Result<String, String> {
        let text = self.sources.read(&scenario_file(name)).map_err(|problem| problem.to_string())?;
        let scenario = Scenario::parse(&text).map_err(|problem| format!("{}: {problem}", scenario_file(name)))?;
        let played = mmap_workbook::play::explained(&scenario, PAGE, self.language);
        let source = format!("<code>{}</code>", scenario_file(name));
        Ok(printed(&source, played.trim_end()))
    }

    fn rules(&self) -> String {
        let (rule, by) = either(self.language, ("Rule", "Said by"), ("规则", "出处"));
        let mut table = format!("| {rule} | {by} |\n|---|---|\n");
        for rule in Rule::ALL.iter().filter(|rule| **rule != Rule::NotApplicable) {
            let [sentence, basis] =
                [rule.sentence(), rule.basis().in_words()].map(|text| text.in_language(self.language));
            table += &format!("| {sentence} | {basis} |\n");
        }
        table
    }

    fn beliefs(&self) -> Result<String, String> {
        let mut out = String::new();
        for denial in DENIALS {
            let slug = denial.misconception.slug;
            out += &format!("### `{slug}` {{#{slug}}}\n\n");
            out += &self.belief(slug)?;
            out += &format!("\n```text\n{}```\n\n", denial.shown_wrong_by());
        }
        Ok(out)
    }

    fn belief(&self, slug: &str) -> Result<String, String> {
        let belief = Misconception::of_slug(slug).ok_or_else(|| format!("there is no misconception {slug}"))?;
        let (believed, fact) = either(self.language, ("Often believed:", "In fact:"), ("常见误解：", "事实："));
        let space = either(self.language, " ", "");
        Ok(format!(
            "<div class=\"belief\" role=\"note\">\n<p class=\"believed\"><strong>{believed}</strong>{space}{}</p>\n\
             <p class=\"fact\"><strong>{fact}</strong>{space}{}</p>\n</div>\n",
            with_code(belief.belief.in_language(self.language)),
            with_code(belief.against.in_language(self.language)),
        ))
    }

    fn questions(&mut self) -> Result<String, Vec<Wrong>> {
        let there = |problem| vec![Wrong::There(problem)];
        let questions = question::of_page(self.sources, self.name).map_err(there)?;
        let problems = question::problems(self.sources, self.name, &questions);
        if !problems.is_empty() {
            return Err(problems.into_iter().map(Wrong::There).collect());
        }
        let mut out = String::new();
        for (n, question) in (1..).zip(&questions) {
            out.push_str(&self.question(n, question).map_err(|text| vec![Wrong::Here(text)])?);
        }
        Ok(out)
    }

    fn question(&mut self, n: usize, question: &question::Question) -> Result<String, String> {
        let words = |words: &mmap_workbook::text::Text| words.in_language(self.language).trim().to_owned();
        let (label, answer, right, wrong) = either(
            self.language,
            (format!("Question {n}"), "Answer", "right", "wrong"),
            (format!("第 {n} 题"), "答案", "正确", "错误"),
        );
        let id = &question.id;
        let mut out = format!(
            "<section class=\"question\" id=\"question-{id}\" aria-labelledby=\"question-{id}-n\">\n\
             <p class=\"number\" id=\"question-{id}-n\">{label}</p>\n\n{}\n\n",
            words(&question.ask)
        );
        if !question.code.trim().is_empty() {
            let language = match question.language.as_deref() {
                None | Some("rust") => "rust,ignore",
                Some(language) => language,
            };
            out += &format!("```{language}\n{}\n```\n\n", question.code.trim_matches('\n'));
        }
        out += "<ol class=\"options\" type=\"A\">\n";
        for option in &question.options {
            out += &format!("<li>\n\n{}\n\n</li>\n", words(&option.text));
        }
        out += &format!("</ol>\n<details class=\"answer\">\n<summary>{answer}</summary>\n<ul>\n");
        let lettered: Vec<_> = ('A'..='Z').zip(&question.options).collect();
        let (good, bad): (Vec<_>, Vec<_>) = lettered.into_iter().partition(|(_, option)| option.right);
        for (letter, option) in good.into_iter().chain(bad) {
            let (class, verdict) = if option.right { ("right", right) } else { ("wrong", wrong) };
            out += &format!(
                "<li class=\"{class}\">\n<p class=\"verdict\"><strong>{letter}</strong> {verdict}</p>\n\n{}\n\n</li>\n",
                words(&option.why)
            );
        }
        out += "</ul>\n";
        if let Some(scenario) = question.as_scenario()? {
            let label = either(
                self.language,
                "As a scenario, for <code>cargo run -- play</code>:",
                "写成脚本，可以交给 <code>cargo run -- play</code>：",
            );
            out += &format!("<p class=\"by\">{label}</p>\n\n```text\n{scenario}```\n\n");
        }
        let command = test_of(self.sources, &question.held)?;
        let held = either(self.language, "Held by ", "由测试保证：");
        out += &format!("<p class=\"by\">{held}<code>{command}</code></p>\n</details>\n</section>\n\n");
        Ok(out)
    }
}

/// The text of a snapshot, without its header.
pub fn snapshot(text: &str) -> &str {
    let rest = text.strip_prefix("---\n").unwrap_or(text);
    rest.split_once("\n---\n").map_or(rest, |(_, text)| text).trim_matches('\n')
}

/// The section of a transcript whose title begins with these words: a line at the left margin, and the indented ones below.
fn section(text: &str, title: &str) -> Result<String, String> {
    let mut sections: Vec<Vec<&str>> = Vec::new();
    for line in text.lines() {
        if !line.is_empty() && !line.starts_with(' ') {
            sections.push(vec![line]);
        } else if let Some(section) = sections.last_mut() {
            section.push(line);
        }
    }
    let found: Vec<_> = sections.iter().filter(|section| section[0].starts_with(title)).collect();
    let exact = found.iter().find(|section| section[0] == title);
    match (found.as_slice(), exact) {
        ([section], _) | (_, Some(section)) => Ok(section.join("\n").trim_end().to_owned()),
        ([], _) => {
            let titles: Vec<_> = sections.iter().map(|section| format!("{:?}", section[0])).collect();
            Err(format!("no section of the transcript begins with {title:?}: {}", titles.join(", ")))
        }
        _ => Err(format!("{} sections of the transcript begin with {title:?}", found.len())),
    }
}

/// A block of what a program printed, and where it comes from.
fn printed(source: &str, text: &str) -> String {
    format!("<div class=\"printed\">\n<p class=\"source\">{source}</p>\n\n```console\n{text}\n```\n\n</div>\n")
}

/// The command that runs a test: `lesson_2::name`, a test of tests/lesson_2.rs or of book/tests/.
///
/// # Errors
/// When there is no such test.
pub fn test_of(sources: &Sources, test: &str) -> Result<String, String> {
    let (file, name) = test.split_once("::").ok_or_else(|| format!("{test:?} is no test: lesson_2::name is wanted"))?;
    let (source, package) = match sources.read(&format!("tests/{file}.rs")) {
        Ok(source) => (source, ""),
        Err(_) => match sources.read(&format!("book/tests/{file}.rs")) {
            Ok(source) => (source, "-p book "),
            Err(_) => return Err(format!("{test}: there is no tests/{file}.rs")),
        },
    };
    let function = name.rsplit("::").next().unwrap_or(name);
    let lines: Vec<_> = source.lines().collect();
    let declared = lines.iter().position(|line| line.trim_start().starts_with(&format!("fn {function}(")));
    let declared = declared.ok_or_else(|| format!("{test}: tests/{file}.rs has no such test"))?;
    let mut above = lines[..declared].iter().rev().map(|line| line.trim());
    let above = above.by_ref().take_while(|line| line.starts_with("#[") || line.starts_with("//"));
    if !above.into_iter().any(|line| line == "#[test]") {
        return Err(format!("{test}: {function} in tests/{file}.rs is not marked #[test]"));
    }
    Ok(format!("cargo test {package}--test {file} {name}"))
}

/// A file, or a part of it, that a page includes, `../../lessons/1_x/lesson.rs:anchor`, from the left margin on.
///
/// # Errors
/// When there is no such file or anchor, or nothing in it.
pub fn listing(sources: &Sources, page: &str, arguments: &str) -> Result<String, String> {
    let (path, anchor) = match arguments.split_once(':') {
        Some((path, anchor)) => (path, Some(anchor)),
        None => (arguments, None),
    };
    let file = from_page(page, path)?;
    let text = sources.read(&file).map_err(|_| format!("there is no file {file} to include"))?;
    let mut lines = match anchor {
        None => text.lines().filter(|line| !line.contains("ANCHOR: ") && !line.contains("ANCHOR_END: ")).collect(),
        Some(anchor) => page::anchored(&text, anchor).ok_or_else(|| format!("{file} has no ANCHOR: {anchor}"))?,
    };
    let is_empty = |line: &&str| line.trim().is_empty();
    lines.drain(..lines.iter().take_while(|line| is_empty(line)).count());
    lines.truncate(lines.len() - lines.iter().rev().take_while(|line| is_empty(line)).count());
    if lines.is_empty() {
        return Err(format!("{arguments} includes nothing"));
    }
    let margin = |line: &&str| line.len() - line.trim_start().len();
    let margin = lines.iter().filter(|line| !is_empty(line)).map(margin).min().unwrap_or_default();
    Ok(lines.iter().map(|line| line.get(margin..).unwrap_or_default()).collect::<Vec<_>>().join("\n"))
}

/// A figure in one language.
pub struct Figure {
    /// The `<svg>` without its title and description.
    pub drawing: String,
    /// The caption, as HTML.
    pub title: String,
    /// The same as the drawing, in words, as HTML.
    pub description: String,
}

impl Figure {
    /// The figure in a text, which has each of its own texts twice: `[[English|中文]]`.
    ///
    /// # Errors
    /// The line, and what is wrong there.
    pub fn of(text: &str, language: Language) -> Result<Figure, (usize, String)> {
        let mut translated = String::new();
        for (number, line) in (1..).zip(text.trim().lines()) {
            if line.trim().is_empty() {
                return Err((number, "an empty line would end the drawing".into()));
            }
            let mut rest = line;
            while let Some((before, after)) = rest.split_once("[[") {
                let (inside, after) = after.split_once("]]").ok_or((number, "[[ without ]] in its line".to_owned()))?;
                let (english, chinese) =
                    inside.split_once('|').ok_or((number, format!("[[{inside}]] has no | between the languages")))?;
                translated.push_str(before);
                translated.push_str(either(language, english, chinese).trim());
                rest = after;
            }
            translated.push_str(rest);
            translated.push('\n');
        }
        let mut drawing = translated.trim_end().to_owned();
        if !drawing.starts_with("<svg ") {
            return Err((1, "it does not begin with <svg".into()));
        }
        let mut take = |element: &str| {
            let (open, close) = (format!("<{element}>"), format!("</{element}>"));
            let start = drawing.find(&open).ok_or((1, format!("there is no {open}")))?;
            let end = drawing[start..].find(&close).ok_or((1, format!("there is no {close}")))? + start;
            let inside = drawing[start + open.len()..end].trim().to_owned();
            drawing.replace_range(start..end + close.len(), "");
            if inside.is_empty() { Err((1, format!("{open} is empty"))) } else { Ok(inside) }
        };
        let (title, description) = (take("title")?, take("desc")?);
        let drawing: Vec<_> = drawing.lines().filter(|line| !line.trim().is_empty()).collect();
        Ok(Figure { drawing: drawing.join("\n"), title, description })
    }
}

/// A sentence as HTML, with what stands between backticks as code: here Markdown sees none of it.
fn with_code(text: &str) -> String {
    let pieces = text.split('`').enumerate();
    pieces
        .map(|(n, piece)| if n % 2 == 1 { format!("<code>{}</code>", escape(piece)) } else { escape(piece) })
        .collect()
}

/// Where a scenario of the book is.
pub fn scenario_file(name: &str) -> String {
    format!("book/scenarios/{name}.scenario")
}

/// The pages that scenarios are shown with.
pub const PAGE: u32 = 4096;

/// A text for HTML.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_found_by_the_beginning_of_its_title() {
        let text = snapshot("---\nsource: x\n---\n\nOne thing\n  a\n\n  b\nOne\n  c\n");
        assert_eq!(section(text, "One t"), Ok("One thing\n  a\n\n  b".into()));
        assert_eq!(section(text, "One"), Ok("One\n  c".into()));
        assert!(section(text, "On").is_err_and(|text| text.contains("2 sections")));
        assert!(section(text, "Two").is_err_and(|text| text.contains("\"One thing\"")));
    }

    #[test]
    fn a_chinese_sentence_goes_on_in_the_next_line_without_a_space() {
        let joined = |text: &str| {
            let mut problems = Vec::new();
            page(&Sources::of_program(), Language::Chinese, "x", text, &mut problems)
        };
        assert_eq!(joined("一句。\n两句\n三句"), "一句。两句三句\n");
        assert_eq!(joined("一句。\n`mmap`"), "一句。`mmap`\n");
        for text in [
            "一句\nmmap\n",
            "# 题\n一句\n",
            "一句。\n\n两句\n",
            "句。\n1. 一\n",
            "句。\n* 一\n",
            "- 一。\n- 二\n",
            "| 一 |\n| 二 |\n",
        ] {
            assert_eq!(joined(text), text);
        }
    }

    #[test]
    fn a_mark_stays_with_the_end_of_a_word() {
        assert_eq!(end_of_word("So it is."), ("So it ", "is."));
        assert_eq!(end_of_word("it is `so`."), ("it is `so`", "."));
        assert_eq!(end_of_word("内核如此说。"), ("内核如此", "说。"));
        assert_eq!(end_of_word("**so**"), ("**so**", ""));
    }

    #[test]
    fn a_figure_speaks_one_language() {
        let text = "<svg viewBox=\"0 0 340 20\" role=\"img\">\n<title>[[Page|页]]</title>\n<desc>[[A page.|一页。]]</desc>\n\
                    <text class=\"label\">[[page|页]] 4</text>\n</svg>\n";
        let figure = Figure::of(text, Language::Chinese).map_err(|(_, what)| what).expect("a figure");
        assert_eq!((figure.title.as_str(), figure.description.as_str()), ("页", "一页。"));
        assert_eq!(
            figure.drawing,
            "<svg viewBox=\"0 0 340 20\" role=\"img\">\n<text class=\"label\">页 4</text>\n</svg>"
        );
        assert!(Figure::of("<svg >\n\n</svg>", Language::English).is_err_and(|(line, _)| line == 2));
        assert!(Figure::of("<svg ><title>[[a]]</title>", Language::English).is_err());
    }
}
