//! The figures have only what the theme draws, in all languages; and a page shows each figure, program and scenario.

use mmap_workbook::text::Language;

use super::pages::Pages;
use crate::render;
use crate::render::figure::{Figure, texts};
use crate::render::output::scenario_file;
use crate::sources::{Mistake, Sources};
use crate::typesetting;

/// The classes of a figure that mean something: `figures/legend.svg` shows each of them.
const MEANINGS: [&str; 15] = [
    "process", "page", "own", "shared", "private", "hole", "gone", "object", "buffer", "disk", "changed", "bad", "map",
    "copy", "fault",
];

/// The other classes of a figure.
const CLASSES: [&str; 9] = ["frame", "arrow", "label", "small", "strong", "code", "note", "spread", "median"];

/// The elements of a figure.
const ELEMENTS: [&str; 13] =
    ["svg", "title", "desc", "g", "rect", "path", "line", "polyline", "polygon", "circle", "ellipse", "text", "tspan"];

pub fn check(sources: &Sources, pages: &Pages<'_>, mistakes: &mut Vec<Mistake>) {
    for name in sources.names("book/figures") {
        let file = format!("book/figures/{name}");
        let Some(name) = name.strip_suffix(".svg") else {
            mistakes.push(Mistake::in_file(&file, "it is not a figure: its name doesn't end in .svg"));
            continue;
        };
        match sources.read(&file) {
            Ok(text) => {
                let found = mistakes_in(name, &text).into_iter();
                mistakes.extend(found.map(|(line, what)| Mistake::new(&file, line, what)));
            }
            Err(mistake) => mistakes.push(mistake),
        }
        check_shown(pages, &file, &[format!("{{{{#figure {name}}}}}")], mistakes);
    }
    let legend = render::figure::file("legend");
    if let Ok(text) = sources.read(&legend) {
        let missing = not_in_legend(&text);
        mistakes.extend(missing.map(|class| Mistake::in_file(&legend, format!("it doesn't show the class {class}"))));
    }
    for directory in ["book/programs", "book/programs/notes"] {
        for name in sources.names_with(directory, "c") {
            let ways = [format!("{name}.c"), format!("{{{{#output {name}}}}}")];
            check_shown(pages, &format!("{directory}/{name}.c"), &ways, mistakes);
        }
    }
    for name in sources.names_with("book/scenarios", "scenario") {
        let ways = [format!("{{{{#scenario {name}}}}}"), format!("{{{{#play {name}")];
        check_shown(pages, &scenario_file(&name), &ways, mistakes);
    }
}

/// The classes that a reader would have to guess.
fn not_in_legend(legend: &str) -> impl Iterator<Item = &'static str> {
    let classes = legend.split("class=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let shown: Vec<_> = classes.flat_map(str::split_whitespace).collect();
    MEANINGS.into_iter().filter(move |class| !shown.contains(class))
}

/// A page shows a file in one of these ways.
fn check_shown(pages: &Pages<'_>, file: &str, ways: &[String], mistakes: &mut Vec<Mistake>) {
    if !ways.iter().any(|way| pages.contain(way)) {
        mistakes.push(Mistake::in_file(file, "no page shows it"));
    }
}

/// The mistakes in a figure, each with its line.
fn mistakes_in(name: &str, text: &str) -> Vec<(usize, String)> {
    let mut wrong = Vec::new();
    for language in Language::ALL {
        if let Err(found) = Figure::of(text, language) {
            wrong.push(found);
        }
    }
    let document = match roxmltree::Document::parse(text) {
        Ok(document) => document,
        Err(error) => return vec![(error.pos().row as usize, format!("it is not XML: {error}"))],
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
                    for class in
                        value.split_whitespace().filter(|class| !CLASSES.contains(class) && !MEANINGS.contains(class))
                    {
                        bad(format!("there is no class {class}"));
                    }
                }
                "id" if !value.starts_with(name) => bad(format!("the id {value} doesn't begin with {name}")),
                "style" | "fill" | "stroke" | "stroke-width" | "stroke-dasharray" | "font-size" | "font-family"
                | "color" => {
                    bad(format!("{key} is left to the theme: use a class"));
                }
                "marker-end" | "marker-start" if value != "url(#tip)" => bad(format!("{key} is not url(#tip)")),
                "viewBox" if !value.starts_with("0 0 340 ") => bad("its viewBox must be 0 0 340 and a height".into()),
                _ => {}
            }
        }
        if element == "svg" && (node.attribute("viewBox").is_none() || node.attribute("role") != Some("img")) {
            bad("the <svg> needs a viewBox and role=\"img\"".into());
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
                let texts = texts(inside).into_iter();
                texts.flat_map(|(language, text)| typesetting::mistakes(language, text)).for_each(&mut bad);
            }
        }
    }
    wrong
}

/// Whether it is a word that has to be translated: not a number, a name in capitals, or a call.
fn is_a_word(word: &str) -> bool {
    word.chars().any(typesetting::is_chinese) || word.len() > 2 && word.bytes().all(|byte| byte.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_legend_shows_each_meaning() {
        let all: String = MEANINGS.iter().map(|class| format!("<rect class=\"x {class}\"/>")).collect();
        assert_eq!(not_in_legend(&all).count(), 0);
        assert_eq!(not_in_legend(&all.replace("x own", "x")).collect::<Vec<_>>(), ["own"]);
    }

    #[test]
    fn a_figure_has_rules() {
        let good = "<svg viewBox=\"0 0 340 9\" role=\"img\"><title>[[A|甲]]</title><desc>[[B|乙]]</desc>\n\
                    <text class=\"label\" x=\"1\">[[page|页]] 0</text><text class=\"code\">write me</text></svg>";
        assert_eq!(mistakes_in("f", good), []);
        let bad = [
            ("viewBox=\"0 0 340 9\"", "viewBox=\"0 0 500 9\"", "viewBox"),
            ("class=\"label\"", "class=\"label big\"", "no class big"),
            ("x=\"1\"", "fill=\"red\"", "fill is left to the theme"),
            ("x=\"1\"", "id=\"other\"", "doesn't begin"),
            ("[[page|页]] 0", "page zero", "one language only"),
            ("[[page|页]] 0", "[[page]]", "text for each language"),
            ("[[page|页]] 0", "[[page|第0页]]", "no space"),
            ("<desc>[[B|乙]]</desc>", "", "no <desc>"),
            ("</text></svg>", "</svg>", "not XML"),
            ("<text class=\"code\">", "<text class=\"code\"><image/>", "no <image>"),
        ];
        for (from, to, words) in bad {
            let found = mistakes_in("f", &good.replace(from, to));
            assert!(found.iter().any(|(_, what)| what.contains(words)), "{to}: {found:?}");
        }
    }
}
