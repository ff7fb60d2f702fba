//! `{{#figure ...}}`: a drawing in one language, with its title below it.

use mmap_workbook::text::Language;

use super::words;
use crate::sources::{Mistake, Sources};

/// The figure of this name, as HTML.
pub fn figure(sources: &Sources, language: Language, name: &str) -> Result<String, Mistake> {
    let file = file(name);
    let text = sources.read(&file)?;
    let wrong = |(line, what)| Mistake::new(&file, line, what);
    let Figure { drawing, title, description } = Figure::of(&text, language).map_err(wrong)?;
    let drawing = drawing.replace("url(#tip)", &format!("url(#{name}-tip)"));
    let Some((tag, inside)) = drawing.split_once('>') else {
        return Err(Mistake::new(&file, 1, "there is no <svg>"));
    };
    let in_words = words::IN_WORDS.in_language(language);
    Ok(format!(
        "<figure class=\"drawing\" id=\"figure-{name}\">\n\
         {tag} aria-labelledby=\"{name}-title\" aria-describedby=\"{name}-words\">\n\
         <defs><marker id=\"{name}-tip\" class=\"tip\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"8\" \
         markerHeight=\"8\" markerUnits=\"userSpaceOnUse\" orient=\"auto-start-reverse\">\
         <path d=\"M0 0 8 4 0 8z\"/></marker></defs>{inside}\n\
         <figcaption><p id=\"{name}-title\">{title}</p>\n\
         <details><summary>{in_words}</summary><p id=\"{name}-words\">{description}</p></details></figcaption>\n\
         </figure>\n"
    ))
}

/// The file of a figure.
pub fn file(name: &str) -> String {
    format!("book/figures/{name}.svg")
}

/// A figure in one language.
pub struct Figure {
    /// The `<svg>` without its title and description.
    pub drawing: String,
    /// The caption, as HTML.
    pub title: String,
    /// What the drawing shows, in words, as HTML.
    pub description: String,
}

impl Figure {
    /// The figure that is in a file: each text there is `[[English|中文]]`, with a text for each of [`Language::ALL`].
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
                let texts = texts(inside);
                if texts.len() != Language::ALL.len() {
                    let codes = Language::ALL.map(Language::code).join("|");
                    return Err((number, format!("[[{inside}]] does not have a text for each language: [[{codes}]]")));
                }
                translated.push_str(before);
                texts.iter().filter(|(of, _)| *of == language).for_each(|(_, text)| translated.push_str(text));
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

/// The texts between `[[` and `]]`, each with its language.
pub fn texts(inside: &str) -> Vec<(Language, &str)> {
    let texts = inside.split('|').map(str::trim);
    if texts.clone().count() > Language::ALL.len() {
        return Vec::new();
    }
    Language::ALL.into_iter().zip(texts).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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
