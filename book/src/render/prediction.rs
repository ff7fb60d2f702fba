//! What a chapter asks at its start: fields for the reader's predictions, and a table at its end that shows them beside the
//! answers. Both are for the script `questions.js`, and hidden without it.

use mmap_workbook::text::{Language, Text, hash};

use super::markup::{escape, with_code};
use super::{output, words};
use crate::evidence::Test;
use crate::question::{self, Prediction};
use crate::sources::{Mistake, ORIGINAL, Sources};

/// The markup of a page's predictions.
#[derive(Default)]
pub struct Rendered {
    /// The fields, for the end of the question.
    pub asked: String,
    /// The table, for the answer.
    pub answered: String,
}

/// A prediction as a page shows it.
struct Asked {
    /// By which it is remembered, the same in all languages.
    key: String,
    ask: String,
    answer: String,
    /// The options with their keys.
    options: Vec<(String, String)>,
}

/// The predictions of a page.
pub fn predictions(
    sources: &Sources,
    language: Language,
    page: &str,
    predictions: &[Prediction],
) -> Result<Rendered, Mistake> {
    if predictions.is_empty() {
        return Ok(Rendered::default());
    }
    let said = |text: &Text| text.in_language(language).to_owned();
    let (mut fields, mut rows) = (String::new(), String::new());
    for prediction in predictions {
        let Asked { key, ask, answer, options } =
            asked(sources, language, prediction).map_err(|what| Mistake::in_file(question::file(page), what))?;
        let options: String = options
            .iter()
            .map(|(key, option)| format!("<option value=\"{key}\">{}</option>", escape(option)))
            .collect();
        let field = match options.as_str() {
            "" => format!(
                "<input type=\"text\" data-asked=\"{key}\" maxlength=\"200\" autocomplete=\"off\" autocapitalize=\"off\" spellcheck=\"false\">"
            ),
            options => format!(
                "<select data-asked=\"{key}\"><option value=\"\">{}</option>{options}</select>",
                said(&words::CHOOSE)
            ),
        };
        fields += &format!("<p><label><span>{ask}</span> {field}</label></p>\n");
        rows += &format!("<tr><th scope=\"row\">{ask}</th><td data-asked=\"{key}\"></td><td>{answer}</td></tr>\n");
    }
    let [title, kept, given, is] =
        [&words::PREDICTION, &words::PREDICTION_KEPT, &words::PREDICTED, &words::IT_IS].map(said);
    let asked = format!(
        "<div class=\"prediction\" data-page=\"{page}\" role=\"group\" aria-label=\"{title}\" hidden>\n\
         <p class=\"title\" aria-hidden=\"true\">{title}</p>\n{fields}<p class=\"stays\">{kept}</p>\n</div>\n\n"
    );
    let answered = format!(
        "\n<div class=\"predicted\" data-page=\"{page}\" hidden>\n<table>\n\
         <thead><tr><td></td><th scope=\"col\">{given}</th><th scope=\"col\">{is}</th></tr></thead>\n\
         <tbody>\n{rows}</tbody>\n</table>\n</div>\n"
    );
    Ok(Rendered { asked, answered })
}

fn asked(sources: &Sources, language: Language, prediction: &Prediction) -> Result<Asked, String> {
    match prediction {
        Prediction::Printed { program, line } => {
            let printed = output::printed_by(sources, program)?;
            let rest = printed.lines().find_map(|printed| printed.strip_prefix(line));
            let rest = rest.ok_or_else(|| format!("{program} prints no line that begins with {line:?}"))?;
            Ok(Asked {
                key: hash(line),
                ask: format!("<code>{}</code>", escape(line)),
                answer: format!("<code>{}</code>", escape(rest.trim())),
                options: Vec::new(),
            })
        }
        Prediction::Asked { ask, answer, options, held } => {
            Test::named(sources, held)?;
            if !options.is_empty() && !options.contains(answer) {
                return Err(format!("the answer {:?} is not among its options", answer.in_language(ORIGINAL)));
            }
            let said = |text: &Text| text.in_language(language).to_owned();
            Ok(Asked {
                key: hash(ask.in_language(ORIGINAL)),
                ask: with_code(&said(ask)),
                answer: with_code(&said(answer)),
                options: options.iter().map(|option| (hash(option.in_language(ORIGINAL)), said(option))).collect(),
            })
        }
    }
}
