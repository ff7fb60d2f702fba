//! The simulator: its script and its style, and what it knows of the book, beside the pages that have one.
//!
//! A page loads the script; the script loads the model and the facts when a reader opens a simulator.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use mmap_workbook::course::{LESSONS, Lesson};
use mmap_workbook::misconception::denial::DENIALS;
use mmap_workbook::text::{Language, hash};
use serde_json::json;

use crate::evidence::PAGE_SIZE;
use crate::page;
use crate::sources::Sources;

/// The parts of the script, in the order in which they use each other.
const PARTS: [&str; 4] = ["words", "draw", "engine", "simulator"];

/// The model, as WebAssembly, packed by gzip.
const WASM: &[u8] = include_bytes!("../simulator/simulator.wasm.gz");

/// What marks a page that has a simulator.
const MARK: &str = "<div class=\"simulator\"";

/// Writes the files of the simulator into the directory of a language, and links them from the pages that have one. A
/// file's name has a hash of its content, as those that mdBook writes.
///
/// # Errors
/// Those of reading and of writing.
pub fn add(
    sources: &Sources,
    language: Language,
    there: &Path,
    pages: &mut BTreeMap<String, String>,
) -> io::Result<()> {
    // On paper a scenario is text.
    let with_one = |(name, html): &(&String, &mut String)| *name != "print" && html.contains(MARK);
    let mut pages = pages.iter_mut().filter(with_one).peekable();
    if pages.peek().is_none() {
        return Ok(());
    }
    let write = |name: &str, kind: &str, text: &str| {
        let file = format!("{name}-{}.{kind}", &hash(text)[..8]);
        fs::write(there.join(&file), text).map(|()| file)
    };
    let read = |file: &str| sources.read(file).map_err(|mistake| io::Error::other(mistake.to_string()));
    let parts = PARTS.map(|part| read(&format!("book/theme/simulator/{part}.js")));
    let script = parts.into_iter().collect::<io::Result<String>>()?;
    let script = write("simulator", "js", &format!("\"use strict\";\n(() => {{\n{script}}})();\n"))?;
    let style = write("simulator", "css", &read("book/theme/css/simulator.css")?)?;
    let set = |name: &str, value: &str| format!("(window.simulator ??= {{}}).{name} = {value};\n");
    let facts = write("simulator-facts", "js", &set("facts", &facts(sources, language).to_string()))?;
    let wasm = BASE64_STANDARD.encode(WASM);
    let wasm = write("simulator-wasm", "js", &set("wasm", &format!("\"{wasm}\"")))?;
    for (_, html) in pages {
        *html = html.replacen("</head>", &format!("<link rel=\"stylesheet\" href=\"{style}\">\n</head>"), 1).replacen(
            "</body>",
            &format!("<script src=\"{script}\" data-facts=\"{facts}\" data-wasm=\"{wasm}\"></script>\n</body>"),
            1,
        );
    }
    Ok(())
}

/// What the simulator says besides what the model gives: the misconceptions with what corrects them, each with the rule that
/// it denies.
fn facts(sources: &Sources, language: Language) -> serde_json::Value {
    let beliefs = DENIALS.iter().map(|denial| {
        let (place, heading) = place(sources, language, denial.heading);
        let words = json!({
            "belief": denial.misconception.belief.in_language(language),
            "against": denial.misconception.against.in_language(language),
            "rule": format!("{:?}", denial.rule),
            "sentence": denial.rule.sentence().in_language(language),
            "place": place,
            "heading": heading,
        });
        (denial.misconception.slug.to_owned(), words)
    });
    json!({ "page_size": PAGE_SIZE, "beliefs": beliefs.collect::<serde_json::Map<_, _>>() })
}

/// The address of a heading in a lesson's chapter, and what it says.
pub(crate) fn place(sources: &Sources, language: Language, (lesson, id): (u8, &str)) -> (String, Option<String>) {
    let page = LESSONS.iter().find(|known| known.number == lesson).map(Lesson::directory).unwrap_or_default();
    let text = sources.read(&sources.page(language, &page)).unwrap_or_default();
    let lines = page::lines(&text);
    let heading = lines.iter().filter_map(page::heading).find(|heading| heading.id == Some(id));
    (format!("{page}.html#{id}"), heading.map(|heading| heading.text.replace('`', "")))
}
