//! `{{#questions}}`: the questions of a chapter, with their answers folded away. The script `questions.js` remembers which
//! option was chosen first.

use mmap_workbook::text;
use mmap_workbook::text::{Language, Text, hash};

use super::{markup, words};
use crate::evidence::Test;
use crate::question::ChapterQuestion;
use crate::sources::{ORIGINAL, Sources};

/// Where the script says what it remembers of a page, with its words.
pub fn remembered(language: Language, page: &str) -> String {
    let words = [
        ("score", &words::SCORE),
        ("kept", &words::KEPT),
        ("lost", &words::LOST),
        ("yours", &words::YOURS),
        ("forget", &words::FORGET),
        ("undo", &words::UNDO),
    ];
    let words = words.map(|(name, text)| format!(" data-{name}=\"{}\"", markup::escape(text.in_language(language))));
    let (words, space) = (words.concat(), language.space());
    format!("<p class=\"remembered\" data-page=\"{page}\" data-space=\"{space}\"{words}></p>\n\n")
}

/// A question, which is the `n`th of its page.
pub fn question(
    sources: &Sources,
    language: Language,
    page: &str,
    n: usize,
    question: &ChapterQuestion,
) -> Result<String, String> {
    let said = |text: &Text| text.in_language(language).trim().to_owned();
    let label = said(&text!("Question {n}", "第 {n} 题"));
    let id = &question.id;
    let mut out = format!(
        "<section class=\"question\" id=\"question-{id}\" data-page=\"{page}\" aria-labelledby=\"question-{id}-n\">\n\
         <p class=\"number\" id=\"question-{id}-n\"><a class=\"header\" href=\"#question-{id}\">{label}</a></p>\n\n{}\n\n",
        said(&question.ask)
    );
    let code = question.code.in_language(language).trim_matches('\n');
    if !code.trim().is_empty() {
        let info = match question.language.as_deref() {
            None | Some("rust") => "rust,ignore",
            Some(language) => language,
        };
        out += &format!("```{info}\n{code}\n```\n\n");
    }
    // An option is what is clicked. What is said of it stands below it, and says nothing of the others.
    out += "<ol class=\"options\" type=\"A\">\n";
    for option in &question.options {
        let (class, verdict) = if option.right { ("right", &words::RIGHT) } else { ("wrong", &words::WRONG) };
        // An answer is known by this in any language, and wherever it stands among the others.
        let key = hash(option.text.in_language(ORIGINAL));
        let named = option.misconception.as_ref().map(|slug| {
            let label = said(&words::BELIEF_NAMED);
            format!("{label}{space}[`{slug}`](model.md#{slug})\n\n", space = language.space())
        });
        out += &format!(
            "<li>\n<details class=\"option\" data-option=\"{key}\">\n<summary>\n\n{}\n\n</summary>\n\
             <div class=\"{class}\">\n<p class=\"verdict\"><strong>{}</strong></p>\n\n{}\n\n{}</div>\n\
             </details>\n</li>\n",
            said(&option.text),
            said(verdict),
            said(&option.why),
            named.unwrap_or_default()
        );
    }
    out += &format!("</ol>\n<details class=\"answer\">\n<summary>{}</summary>\n", said(&words::SHOWN_BY));
    if let Some(scenario) = question.as_scenario()? {
        out += &format!("<p class=\"by\">{}</p>\n\n```text\n{scenario}```\n\n", said(&words::AS_A_SCENARIO));
        out += &format!("<p>{}</p>\n\n", markup::play_link(language, &scenario.to_string()));
    }
    let test = markup::test(&Test::named(sources, &question.held)?, language);
    let held_by = words::HELD_BY.in_language(language);
    out += &format!("<p class=\"by\">{held_by}{test}</p>\n</details>\n</section>\n\n");
    Ok(out)
}
