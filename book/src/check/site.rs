//! What a reader of the site must not see: markup that Markdown took for text, words in another language than the page's,
//! code that is too wide, and an id that is there twice, so that a link leads to one of two places.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use mmap_workbook::text::Language;
use unicode_width::UnicodeWidthStr;

use crate::html::{self, Token};
use crate::render::{fold, words};
use crate::site;
use crate::sources::Mistake;
use crate::typesetting::is_foreign;

/// The mistakes in a site. [`site::build`] finds the dead links.
///
/// # Errors
/// When the site can't be read.
pub fn check_site(there: &Path) -> io::Result<Vec<Mistake>> {
    let mut mistakes = Vec::new();
    for language in Language::ALL {
        for (name, html) in site::written(&there.join(language.code()))? {
            let file = format!("{}/{name}.html", language.code());
            let tokens = html::tokens(&html);
            let found = visible_markup(&tokens).into_iter().chain(foreign_words(language, &tokens));
            let found = found.chain(wide_code(&tokens)).chain(ids_twice(&tokens));
            mistakes.extend(found.map(|(line, what)| Mistake::new(&file, line, what)));
        }
    }
    Ok(mistakes)
}

/// Markup that a reader would see.
fn visible_markup(tokens: &[(usize, Token)]) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut in_code = 0_usize;
    for (line, token) in tokens {
        match token {
            Token::Start(tag) if matches!(tag.name.as_str(), "code" | "pre") => in_code += 1,
            Token::End(name) if matches!(name.as_str(), "code" | "pre") => in_code = in_code.saturating_sub(1),
            Token::Text(text) => {
                let outside_code = ["**", "](", "[[", "`"].into_iter().filter(|_| in_code == 0);
                for markup in ["{{#", "{{ #"].into_iter().chain(outside_code).filter(|markup| text.contains(markup)) {
                    found.push((*line, format!("{markup} is left in {:?}", text.trim())));
                }
            }
            _ => {}
        }
    }
    found
}

/// Lines of code with more columns than a page has room for. Output is as wide as the program made it, and the page wraps
/// commands.
fn wide_code(tokens: &[(usize, Token)]) -> Vec<(usize, String)> {
    let is_code = |class: &str| {
        let language = class.strip_prefix("language-").unwrap_or_default();
        !matches!(language.split(' ').next(), Some("" | "console" | "text" | "sh"))
    };
    let mut found = Vec::new();
    let mut code: Option<String> = None;
    for (number, token) in tokens {
        match token {
            Token::Start(tag) if tag.name == "code" && tag.attribute("class").is_some_and(is_code) => {
                code = Some(String::new())
            }
            Token::Text(text) => code.iter_mut().for_each(|code| code.push_str(text)),
            Token::End(name) if name == "code" => {
                let code = code.take().unwrap_or_default();
                let wide = code.lines().filter(|line| line.width() > fold::WIDTH);
                let most = fold::WIDTH;
                found
                    .extend(wide.map(|line| (*number, format!("more than {most} columns of code: {:?}", line.trim()))));
            }
            _ => {}
        }
    }
    found
}

/// Ids that two elements have.
fn ids_twice(tokens: &[(usize, Token)]) -> Vec<(usize, String)> {
    let mut seen = BTreeSet::new();
    let ids = tokens.iter().filter_map(|(line, token)| match token {
        Token::Start(tag) => Some((line, tag.attribute("id")?)),
        _ => None,
    });
    ids.filter(|(_, id)| !seen.insert(*id)).map(|(line, id)| (*line, format!("the id {id} is there twice"))).collect()
}

/// Words around the text of a page that are in another language than the page.
fn foreign_words(language: Language, tokens: &[(usize, Token)]) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let (mut in_main, mut says_language, mut in_code) = (false, false, false);
    for (line, token) in tokens {
        let mut wrong = |words: &str| found.push((*line, format!("words in another language: {words:?}")));
        match token {
            Token::Start(tag) => {
                in_main |= tag.name == "main";
                says_language = tag.attribute("lang").is_some();
                in_code |= tag.name == "code";
                let is_read = |name: &str| {
                    matches!(name, "aria-label" | "title" | "placeholder" | "alt")
                        || tag.name == "body" && name.starts_with("data-")
                };
                let read = tag.attributes().filter(|(name, _)| is_read(name));
                read.map(|(_, words)| words).filter(|words| is_foreign(language, words)).for_each(&mut wrong);
            }
            Token::End(name) if name == "main" => in_main = false,
            Token::Text(text) => {
                let text = text.trim();
                if language == Language::English && in_main && !in_code && !says_language && text.contains(is_han) {
                    wrong(text);
                }
                if if in_main { is_of_another_language(language, text) } else { is_foreign(language, text) } {
                    wrong(text);
                }
            }
            Token::End(name) => {
                says_language = false;
                in_code &= name != "code";
            }
        }
    }
    found
}

fn is_han(c: char) -> bool {
    ('\u{3400}'..='\u{9fff}').contains(&c)
}

/// Words that mdBook puts into a page.
const OF_MDBOOK: [&str; 4] = ["Note", "Tip", "Warning", "Copy"];

/// Whether a text within the page is what a directive or mdBook puts there in another language.
fn is_of_another_language(language: Language, text: &str) -> bool {
    let of_directives = words::ALL.iter().any(|words| {
        let own = words.in_language(language).trim();
        let mut others = Language::ALL.into_iter().map(|other| words.in_language(other).trim());
        !text.is_empty() && text != own && others.any(|other| text == other)
    });
    of_directives || OF_MDBOOK.contains(&text) && is_foreign(language, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_reader_should_not_see_is_found() {
        let markup = |html: &str| visible_markup(&html::tokens(html));
        let foreign = |html: &str| foreign_words(Language::Chinese, &html::tokens(html));
        assert_eq!(markup("<main><p>a <code>**p</code> b</p><p>**“x”**y</p></main>").len(), 1);
        assert_eq!(markup("<p>{{#held x}}</p>").len(), 1);
        let wide = |class: &str| {
            let line = format!("let {}", "x".repeat(87));
            wide_code(&html::tokens(&format!("<pre><code class=\"{class}\">{line}\n<i>{line}</i></code></pre>"))).len()
        };
        assert_eq!((wide("language-rust ignore"), wide("language-console"), wide("")), (2, 0, 0));
        assert_eq!(ids_twice(&html::tokens("<p id=\"a\"><b id=\"b\"></b><i id=\"a\">")).len(), 1);
        let page = |inside: &str| {
            format!("<body data-copy=\"复制\"><nav>{inside}</nav><main><p>Some English</p></main></body>")
        };
        assert_eq!(foreign(&page("目录 <a lang=\"en\">English</a> mmap")), []);
        assert_eq!(foreign(&page("Contents")).len(), 1);
        assert_eq!(foreign(&page("<button aria-label=\"Search\">")).len(), 1);
        assert_eq!(foreign("<main><summary>In words</summary></main>").len(), 1);
    }
}
