//! What the directives of a page become.
//!
//! # Layout
//! - `listing`: an included listing; `comments`: its comments in the language of the page; `fold`: its wide lines
//! - `output`: what programs have printed
//! - `figure`, `question`, `prediction`, `drill`, `assertions`, `model`, `lessons`, `manual`: one directive each, or a few
//! - `words`: the words that the directives put on a page
//! - `markup`: the markup that several of them share

mod assertions;
pub(crate) mod comments;
mod drill;
pub(crate) mod figure;
pub(crate) mod fold;
mod lessons;
pub(crate) mod listing;
mod manual;
mod markup;
mod model;
pub(crate) mod output;
mod prediction;
mod question;
pub(crate) mod words;

use std::collections::BTreeMap;

use mmap_workbook::text::Language;

use crate::evidence::Test;
use crate::highlight;
use crate::page::{self, CodeBlock, Directive, LineKind, PageLine};
use crate::question as questions;
use crate::sources::{Mistake, ORIGINAL, Sources};
use crate::typesetting::{joins_lines, start_of_last_word};

/// A page whose directives are replaced. A directive with a mistake stays as it is, and the mistake is added to
/// `mistakes`.
pub fn page(sources: &Sources, language: Language, name: &str, text: &str, mistakes: &mut Vec<Mistake>) -> String {
    let file = sources.page(language, name);
    let comments = comments::all(sources, language).unwrap_or_else(|mistake| {
        mistakes.push(mistake);
        BTreeMap::new()
    });
    let mut renderer = Renderer { sources, language, name, file: &file, comments, marks: 0 };
    let mut out = String::with_capacity(text.len() * 2);
    let lines = page::lines(text);
    let mut in_listing = false;
    let headings: Vec<_> = lines.iter().filter_map(page::heading).collect();
    let has = |id| headings.iter().any(|heading| heading.id == Some(id));
    let asks_and_answers = has("predict") && has("answer");
    let predictions = match asks_and_answers {
        true => predictions(sources, language, name, mistakes),
        false => prediction::Rendered::default(),
    };
    let mut section = None;
    for (n, line) in lines.iter().enumerate() {
        let included = CodeBlock::at(&lines[n..]).and_then(|block| block.included());
        if let Some(included) =
            included.and_then(|arguments| Some((listing::file_of(&file, arguments).ok()?, arguments)))
        {
            out += &source(sources, &included.0, included.1);
            in_listing = true;
        }
        let heading = headings.iter().find(|heading| heading.line == line.number && heading.level <= 2);
        if heading.is_some() && section == Some("predict") && asks_and_answers {
            out += &predictions.asked;
            out += &format!("[{}](#answer)\n\n", words::TO_ANSWER.in_language(language));
        }
        let is_empty = |n: Option<usize>| n.and_then(|n| lines.get(n)).is_none_or(|line| line.text.trim().is_empty());
        match renderer.line(line, is_empty(n.checked_sub(1)) && is_empty(Some(n + 1))) {
            Ok(line) => out.push_str(&line),
            Err(found) => {
                mistakes.extend(found);
                out.push_str(line.text);
            }
        }
        if !lines.get(n + 1).is_some_and(|next| continues(language, line, next)) {
            out.push('\n');
        }
        if let Some(heading) = heading {
            section = heading.id;
            if section == Some("answer") && asks_and_answers {
                out += &format!("\n[{}](#predict)\n", words::TO_PREDICTION.in_language(language));
                out += &predictions.answered;
            }
        }
        if in_listing && line.kind == LineKind::Fence("") {
            out.push_str("\n</div>\n");
            in_listing = false;
        }
    }
    out
}

/// The beginning of a listing: its file, with a link if there is one; and if the compiler's message, which the page has as
/// well, names a line of the file, the number of the first one.
fn source(sources: &Sources, file: &str, arguments: &str) -> String {
    let first = listing::first_line(sources, file, arguments);
    let name = file.rsplit('/').next().unwrap_or(file);
    let said = name.strip_suffix(".c").and_then(|program| output::printed_by(sources, program).ok());
    let first_line = match said.is_some_and(|said| said.contains(&format!("{name}:"))) {
        true => format!(" {}=\"{first}\"", highlight::FIRST_LINE),
        false => String::new(),
    };
    let file = markup::linked(file, sources.address_of(file, first).as_deref());
    format!("<div class=\"printed\"{first_line}>\n<p class=\"source\">{file}</p>\n\n")
}

fn predictions(sources: &Sources, language: Language, name: &str, mistakes: &mut Vec<Mistake>) -> prediction::Rendered {
    let rendered = questions::predictions_of_page(sources, name)
        .and_then(|predictions| prediction::predictions(sources, language, name, &predictions));
    rendered.unwrap_or_else(|mistake| {
        mistakes.push(mistake);
        prediction::Rendered::default()
    })
}

/// Whether a paragraph continues in the next line without a space.
fn continues(language: Language, line: &PageLine<'_>, next: &PageLine<'_>) -> bool {
    let mut end = line.text.trim_end();
    while let Some(start) = end.rfind("{{#held").filter(|_| end.ends_with("}}")) {
        end = &end[..start];
    }
    let is_prose = line.kind == LineKind::Text && next.kind == LineKind::Text && !end.starts_with(['#', '|', '<']);
    is_prose && joins_lines(language, end, next.text.trim_start())
}

struct Renderer<'a> {
    sources: &'a Sources,
    language: Language,
    name: &'a str,
    file: &'a str,
    /// The comments of its listings: see [`comments::all`].
    comments: BTreeMap<String, String>,
    /// The number of marks of tests so far.
    marks: usize,
}

impl Renderer<'_> {
    /// `stands_alone`: the line is a paragraph of its own.
    fn line(&mut self, line: &PageLine<'_>, stands_alone: bool) -> Result<String, Vec<Mistake>> {
        let here = |what: String| vec![Mistake::new(self.file, line.number, what)];
        let directives = page::directives(line.text).map_err(here)?;
        let mut out = String::new();
        let mut end = 0;
        let mut mistakes = Vec::new();
        for directive in &directives {
            match self.directive(line, directive) {
                Ok(html) => {
                    let before = &line.text[end..directive.range.start];
                    if directive.name == "held" && out.is_empty() && before.trim().is_empty() && stands_alone {
                        // What a figure, a table or a listing above it shows.
                        out += &format!("{before}{} {html}", words::HELD.in_language(self.language));
                    } else if directive.name == "held" && !before.trim_end().is_empty() {
                        // A mark stays with the end of the word before it.
                        let before = before.trim_end();
                        let (before, end_of_word) = before.split_at(start_of_last_word(before));
                        out += &format!("{before}<span class=\"kept\">{end_of_word}{html}</span>");
                    } else {
                        out.push_str(before);
                        out.push_str(&html);
                    }
                    end = directive.range.end;
                }
                Err(found) => mistakes.extend(found),
            }
        }
        out.push_str(&line.text[end..]);
        if mistakes.is_empty() { Ok(out) } else { Err(mistakes) }
    }

    fn directive(&mut self, line: &PageLine<'_>, directive: &Directive<'_>) -> Result<String, Vec<Mistake>> {
        let (sources, language) = (self.sources, self.language);
        let here = |what: String| vec![Mistake::new(self.file, line.number, what)];
        let Directive { name, arguments, .. } = *directive;
        if name == "include" {
            let listing = listing::listing(sources, self.file, arguments).map_err(here)?;
            let comments = (language != ORIGINAL).then_some(&self.comments);
            return comments::translated(&listing, comments).map(|code| fold::folded(&code)).map_err(|missing| {
                let file = comments::file(language);
                here(format!("{file} lacks comments of this listing: {missing:?}"))
            });
        }
        if line.kind != LineKind::Text {
            return Err(here(format!("{{{{#{name}}}}} is inside a block of code")));
        }
        if name != "held" && !directive.is_alone(line.text) {
            return Err(here(format!("{{{{#{name}}}}} is not on a line of its own")));
        }
        let html = match name {
            "figure" => {
                let file = figure::file(arguments);
                if !sources.root().join(&file).is_file() {
                    return Err(here(format!("there is no figure {file}")));
                }
                return figure::figure(sources, language, arguments).map_err(|mistake| vec![mistake]);
            }
            "questions" if arguments.is_empty() => return self.questions(line.number),
            "transcript" => output::transcript(sources, language, arguments),
            "output" => output::output(sources, language, arguments),
            "scenario" => output::scenario(sources, language, arguments),
            "play" => output::play(sources, language, arguments),
            "file_systems" if arguments.is_empty() => output::file_systems(sources, language),
            "held" => self.held(arguments),
            "belief" => model::belief(language, arguments),
            "beliefs" if arguments.is_empty() => Ok(model::beliefs(language)),
            "other_beliefs" if arguments.is_empty() => Ok(model::other_beliefs(language)),
            "drill" if arguments.is_empty() => Ok(drill::drill(language)),
            "rules" if arguments.is_empty() => Ok(model::rules(language)),
            "manual" if arguments.is_empty() => Ok(manual::others(sources, language, self.file)),
            "lessons" if arguments.is_empty() => Ok(lessons::lessons(language)),
            "assertions" => assertions::table(sources, language, arguments),
            _ => Err(format!("there is no directive {}", &line.text[directive.range.clone()])),
        };
        html.map_err(|what| vec![Mistake::new(self.file, line.number, what)])
    }

    fn held(&mut self, test: &str) -> Result<String, String> {
        let test = Test::named(self.sources, test)?;
        self.marks += 1;
        let id = format!("held-{}-{}", self.name, self.marks);
        let (mark, label) = if test.holds.is_some() { ("(✓)", &words::HELD_WHERE) } else { ("✓", &words::HELD) };
        let [label, held_by] = [label, &words::HELD_BY].map(|words| words.in_language(self.language));
        // In Markdown, for what is between tags of HTML gets typographic dashes.
        let command = match &test.address {
            Some(address) => format!("[`{}`]({address})", test.command),
            None => format!("`{}`", test.command),
        };
        let holds = markup::where_it_holds(&test, self.language);
        Ok(format!(
            "<button type=\"button\" class=\"held\" popovertarget=\"{id}\" aria-label=\"{label}\">{mark}</button>\
             <span class=\"held-by\" popover id=\"{id}\">{held_by}{command}{holds}</span>"
        ))
    }

    fn questions(&self, line: usize) -> Result<String, Vec<Mistake>> {
        let questions = questions::of_page(self.sources, self.name).map_err(|mistake| vec![mistake])?;
        let mistakes = questions::mistakes(self.sources, self.name, &questions);
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        let (sources, language, page) = (self.sources, self.language, self.name);
        let all = (1..).zip(&questions).map(|(n, asked)| question::question(sources, language, page, n, asked));
        let all = all.collect::<Result<String, String>>().map_err(|what| vec![Mistake::new(self.file, line, what)])?;
        Ok(question::remembered(language, page) + &all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_that_is_a_paragraph_says_what_it_is() {
        let mark = "{{#held lesson_2::a_mapping_outlives_the_descriptor}}";
        let page = |text: &str| page(&Sources::of_program(), Language::English, "x", text, &mut Vec::new());
        let alone = page(&format!("{{{{#figure legend}}}}\n\n{mark}\n\nText.\n"));
        assert!(alone.contains("\n\nChecked by a test <button"), "{alone}");
        let in_text = page(&format!("Text.\n{mark} More.\n"));
        assert!(in_text.starts_with("Text.\n<button"), "{in_text}");
    }

    #[test]
    fn a_chinese_sentence_goes_on_in_the_next_line_without_a_space() {
        let joined = |text: &str| {
            let mut mistakes = Vec::new();
            page(&Sources::of_program(), Language::Chinese, "x", text, &mut mistakes)
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
}
