//! Draws what lesson 7 has measured: for each way a median and its spread, on a scale of powers of two.
//!
//! The crate `svg` writes the elements. One that draws plots by itself would choose colours and fonts, which in the book are
//! the theme's.

use std::fs;
use std::path::Path;

use mmap_workbook::lesson_7::Ratio;
use mmap_workbook::lesson_7::figures::{Comparison, Figures, Machine};
use mmap_workbook::text;
use mmap_workbook::text::{Language, Text};
use svg::Document;
use svg::node::element::{Description, Line, Rectangle, Style, Text as Words, Title};

/// The figure's width, that of all figures.
const WIDTH: f64 = 340.0;
/// Where the scale begins and ends.
const SCALE: [f64; 2] = [118.0, 288.0];
/// The powers of two at these ends. What is beyond is drawn at the end, with its number beside it as for all.
const POWERS: [i32; 2] = [-3, 4];
const ROW: f64 = 15.0;

/// The theme's look, for a file that is opened by itself.
const STYLE: &str =
    "svg { background: #fff; color: #1c1c1a; font: 12px sans-serif; fill: currentColor; max-width: 720px }
.small { font-size: 11px } .code { font: 11.5px monospace } .strong { font-weight: 650 }
.frame { stroke: #9a9a94 } .spread { stroke: #6b6b66; stroke-width: 2 } .median { fill: #1f5fa8 }
@media (prefers-color-scheme: dark) { svg { background: #191a1c; color: #e6e6e2 }
.spread { stroke: #a5a5a0 } .median { fill: #7fb2ee } }";

/// Draws the figures of one file into another: in one language, with colours of its own; or without one for a page of the
/// book.
///
/// # Errors
/// In words, when a file can't be read or written, or has no figures.
pub fn write(figures: &Path, to: &Path, language: Option<Language>) -> Result<(), String> {
    let named = |path: &Path, error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let text = fs::read(figures).map_err(|error| named(figures, &error))?;
    let read: Figures = serde_json::from_slice(&text)
        .map_err(|error| named(figures, &format!("not what `run 7 --format json` prints: {error}")))?;
    fs::write(to, drawn(&read, language)).map_err(|error| named(to, &error))
}

/// The drawing of these figures.
pub fn drawn(Figures { machine, comparisons, .. }: &Figures, language: Option<Language>) -> String {
    let words = |text: &Text| match language {
        Some(language) => text.in_language(language).to_owned(),
        None => format!("[[{}|{}]]", text.en, text.zh),
    };
    let title = text!("What each way takes, against the first of each group", "每种方式所用的时间，以每组的第一种为 1");
    let mut document = Document::new().set("role", "img");
    let mut description = Text::fixed("", "");
    let mut y = 4.0;
    let label =
        |class, x: f64, y: f64, content: String| Words::new(content).set("class", class).set("x", x).set("y", y);
    let mut body: Vec<Box<dyn svg::Node>> = Vec::new();
    for Comparison { subject, ways, .. } in comparisons {
        let (subject, top) = (subject.in_words(), y + 22.0);
        body.push(Box::new(label("label strong", 0.0, y + 15.0, words(&subject))));
        let bottom = top + ROW * f64::from(u32::try_from(ways.len()).unwrap_or(u32::MAX));
        body.push(Box::new(vertical(at(1.0), top - 2.0, bottom)));
        let mut told = Vec::new();
        for (n, (name, ratio)) in (0_u32..).zip(ways) {
            let row = top + ROW * f64::from(n);
            body.push(Box::new(label("code", 0.0, row + 11.0, name.clone())));
            let number = ratio.map_or("?".to_owned(), |ratio| in_figures(ratio.median));
            told.push(format!("{name} {number}"));
            body.push(Box::new(label("small", SCALE[1] + 8.0, row + 11.0, number)));
            if let Some(Ratio { median, least, most }) = *ratio {
                let line = Line::new().set("class", "spread").set("x1", at(least)).set("x2", at(most));
                body.push(Box::new(line.set("y1", row + 7.0).set("y2", row + 7.0)));
                let mark =
                    Rectangle::new().set("class", "median").set("x", round(at(median) - 3.0)).set("y", row + 4.0);
                body.push(Box::new(mark.set("width", 6).set("height", 6)));
            }
        }
        let told = told.join("; ");
        let (before, told) = (description, Text::new(told.clone(), told));
        description = text!("{before}{subject}: {told}. ", "{before}{subject}：{told}。"; before, subject, told);
        y = bottom + 4.0;
    }
    for power in POWERS[0]..=POWERS[1] {
        let ratio = 2.0_f64.powi(power);
        let number = if power < 0 { format!("1/{}", 1 << -power) } else { ratio.to_string() };
        body.push(Box::new(label("small", at(ratio), y + 12.0, number).set("text-anchor", "middle")));
    }
    y += 30.0;
    for line in machine_in_words(machine) {
        body.push(Box::new(label("small", 0.0, y, words(&line))));
        y += ROW;
    }
    document = document.set("viewBox", format!("0 0 {WIDTH} {y}"));
    if language.is_some() {
        document = document.set("xmlns", "http://www.w3.org/2000/svg").add(Style::new(STYLE));
    }
    document =
        document.add(Title::new(words(&title))).add(Description::new().add(svg::node::Text::new(words(&description))));
    let document = body.into_iter().fold(document, |document, node| document.add(node));
    format!("{document}\n")
}

/// Where a ratio is on the scale.
fn at(ratio: f64) -> f64 {
    let [from, to] = POWERS.map(f64::from);
    let part = (ratio.log2().clamp(from, to) - from) / (to - from);
    round(SCALE[0] + part * (SCALE[1] - SCALE[0]))
}

/// A tenth of a pixel is enough.
fn round(x: f64) -> f64 {
    (x * 10.0).round() / 10.0
}

fn in_figures(ratio: f64) -> String {
    if ratio < 100.0 { format!("{ratio:.2}") } else { format!("{ratio:.0}") }
}

fn vertical(x: f64, from: f64, to: f64) -> Line {
    Line::new().set("class", "frame").set("x1", x).set("x2", x).set("y1", from).set("y2", to)
}

fn machine_in_words(machine: &Machine) -> [Text; 3] {
    let known = |word: &Option<String>| word.clone().unwrap_or("?".to_owned());
    let (system, ahead) = (known(&machine.file_system), known(&machine.read_ahead.map(|kib| kib.to_string())));
    let Machine { kernel, architecture, processors, page_size, .. } = machine;
    [
        text!("Linux {kernel}, {architecture}", "Linux {kernel}，{architecture}"),
        text!("{processors} processors, pages of {page_size} bytes", "{processors} 个处理器，页大小 {page_size} 字节"),
        text!("{system}, read-ahead {ahead} KiB", "{system}，预读 {ahead} KiB"),
    ]
}
